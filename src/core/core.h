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
extern const struct query *const auth_queries[];

enum err job_sweep_done(struct ctx *c, struct tx *tx);
enum err job_sweep_idem(struct ctx *c, struct tx *tx);
enum err job_sweep_sessions(struct ctx *c, struct tx *tx);

/* auth.c */
void perms_of_text(struct str text, struct perms *ret); /* "ticket.read ticket.*" */
/* session.c */
extern const struct route session_routes[];
/* meta.c, search.c, openapi.c */
enum err meta_get(struct ctx *c, struct req *q);
enum err search_get(struct ctx *c, struct req *q);
/* file.c */
extern const struct resource res_file;
enum { FI_SUBJECT = R_FIRST, FI_SUBJECT_ID, FI_NAME, FI_TYPE, FI_BYTES, FI_SHA, FI_STAGE, FI__N };
enum err file_get(struct ctx *c, struct req *q);
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
