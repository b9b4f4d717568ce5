/* core.h - inside the core only: the pieces that its files share. */
#pragma once
#include "core/core_module.h"
#include "core/event.h"
#include "core/print.h"
#include "core/res_in.h"

extern const struct query *const number_queries[];
extern const struct query *const event_queries[];
extern const struct query *const job_queries[];
extern const struct query *const session_queries[];
extern const struct query *const web_queries[];
extern const struct query *const file_queries[];
extern const struct query *const news_queries[];
extern const struct query *const file_check_queries[];
extern const struct query *const auth_queries[];
extern const struct query *const key_queries[];
extern const struct query *const role_queries[];
extern const struct query *const seal_queries[];
extern const struct query *const late_queries[];
extern const struct query *const probe_queries[];

enum err job_sweep_done(struct ctx *c, struct tx *tx);
enum err job_sweep_idem(struct ctx *c, struct tx *tx);
enum err job_sweep_sessions(struct ctx *c, struct tx *tx);

/* auth.c */
void perms_of_text(struct str text, struct perms *ret); /* "ticket.read ticket.*" */
/* session.c, password.c, factor.c, token.c */
struct str session_cookie(const struct http_req *h);
void session_changed(int64_t user_id); /* after a commit: its rights and streams begin anew */
MUST_USE enum err session_again(struct ctx *c, struct req *q);
enum err session_news(struct ctx *c, struct req *q);
enum err session_password(struct ctx *c, struct req *q);
extern const struct field password_fields[], factor_begin_fields[], factor_confirm_fields[],
    token_inputs[];
MUST_USE enum err password_remember(struct ctx *c, struct tx *tx, int64_t user_id, struct str hash);
struct str recovery_hash(struct arena *a, struct str code);
enum err factor_begin(struct ctx *c, struct req *q);
enum err factor_confirm(struct ctx *c, struct req *q);
enum err factor_remove(struct ctx *c, struct req *q);
enum err factor_reset(struct ctx *c, struct req *q);
MUST_USE enum err factor_drop(struct ctx *c, struct tx *tx, int64_t user_id);
enum err token_post(struct ctx *c, struct req *q);
extern const struct query *const password_queries[],
    *const factor_queries[], *const token_queries[], *const policy_queries[];
extern const struct route session_routes[];
/* meta.c, search.c, openapi.c */
enum err meta_get(struct ctx *c, struct req *q);
void menu_check(const struct module *const *modules); /* at boot: every group has its place */
enum err search_get(struct ctx *c, struct req *q);
/* file.c */
extern const struct resource res_file;
enum {
    FI_SUBJECT = R_FIRST,
    FI_SUBJECT_ID,
    FI_NAME,
    FI_TYPE,
    FI_BYTES,
    FI_SHA,
    FI_STAGE,
    FI_TAKEN,
    FI__N
};
enum err file_get(struct ctx *c, struct req *q);
/* The file and the row it belongs to, which the caller must be able to see. */
MUST_USE enum err file_find(struct ctx *c, struct tx *tx, int64_t id, struct row *ret_file,
                            struct row *ret_subject);
MUST_USE enum err file_send(struct ctx *c, struct req *q, const struct row *file);
/* Where the content with this SHA-256 lies. */
struct str file_path(struct arena *a, const struct app *app, struct str sha);
/* file_check.c: a check of `anju check`; every upload that a row speaks of is there, unchanged. */
enum err files_verify(struct ctx *c, struct app *app, tell_fn tell, void *arg);
/* file_link.c */
extern const struct field file_link_fields[], file_signed_query[];
enum err file_link(struct ctx *c, struct req *q);
enum err file_signed(struct ctx *c, struct req *q);
/* router.c */
void routes_build(struct app *app);
const struct route *const *routes_all(size_t *ret_n);
/* Finds the route of method and path, filling q's ids and words; *ret_known: the path exists with
 * another method. */
const struct route *route_find(struct str method, struct str path, struct req *q, bool *ret_known);
/* limit.c: token buckets by key; false: too many, wait *ret_wait_s. */
bool limit_take(struct str key, int per_s, int burst, int *ret_wait_s);
/* problem.c */
struct str problem_json(struct ctx *c, struct arena *a, enum err e);
struct str problem_status(struct arena *a, int status);
