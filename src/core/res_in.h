/* res_in.h - inside the resource engine only: what boot resolves once per resource so that requests
 * look nothing up. */
#pragma once
#include "core/app.h"

enum { STEPS_MAX = 80 };
struct res_rt {
    const struct resource *r;
    int read_i, create_i, update_i, remove_i; /* permission indexes, -1: none */
    int see_i[ROW_FIELDS_MAX], edit_i[ROW_FIELDS_MAX];
    int rule_i[RULES_MAX], nrules, veil_i;
    int actor_i[STEPS_MAX][STEP_ACTORS];
    int title_f, code_f, tree_f;                /* field positions, -1: none */
    bool unique_rows;                           /* by an index of the resource's own */
    fieldset unique_f, search_f, ref_f, sort_f; /* bits of fields */
    struct str columns;                         /* "id, community_id, …" */
    struct str key[ROW_FIELDS_MAX];             /* ,"name": */
    struct query get, insert, names, exists;
    struct query names_en;     /* names in English where the title has both; sql NULL: it has not */
    struct query names_veiled; /* names without those behind the veil; sql NULL: there is none */
};
const struct res_rt *rt_of(const struct resource *r);
void res_registry_build(const struct module *const *modules);
/* Tables derived from all resources and modules, for the migration. */
size_t res_tables(struct arena *a, const struct module *const *modules, const struct table **ret);

int personal_read_index(void);
bool field_seen(const struct ctx *c, const struct res_rt *rt, int i, int64_t community_id);
/* Is this one of the row's own people, who reads its personal values in full? Everybody else gets
 * them masked, and may ask for one row with a reason (reveal.c). */
bool row_unmasked(const struct ctx *c, const struct resource *r, const struct row *row);
/* Field i as it may be given out: opened when it is kept encrypted, masked unless plain. */
struct val row_shown(struct ctx *c, const struct resource *r, const struct row *row, int i,
                     bool plain);
/* --- encrypted.c: fields kept closed by the key file --- */
bool field_has_index(const struct resource *r, int i); /* the next field finds field i */
/* Closes every set ENCRYPTED field of neu and sets its index; the rest of neu is left alone. */
MUST_USE enum err encrypted_close(struct ctx *c, const struct resource *r, struct row *neu);
/* Field errors for every set field whose edit permission the caller lacks. */
enum err edit_allowed(struct ctx *c, const struct res_rt *rt, const struct row *in,
                      int64_t community);
/* Appends the caller's row rules for the community as " AND (…)" with parameters pushed; false:
 * sees nothing. */
struct sql_args {
    struct val v[96];
    size_t n;
};
bool rules_sql(const struct ctx *c, const struct res_rt *rt, int64_t community_id, struct buf *sql,
               struct sql_args *args);
/* The answer to who may not see a row: 403 to those who work in its community, 404 to residents and
 * to everybody else, who must not learn that it is there. */
enum err out_of_sight(struct ctx *c, int64_t community_id);
bool rules_any(const struct ctx *c, const struct res_rt *rt, int64_t community_id);

/* A list as the API's query says it. */
struct list_spec {
    int64_t community_id;
    int sort; /* field position */
    bool desc, archived, count, refs, actions, mine;
    int limit;
    struct str q, after;
    enum list_by { BY_ROWS, BY_FEW, BY_HIT, BY_FRESH } by; /* how q is looked for (search.h) */
    struct val window;                                     /* BY_HIT: which hits; NULL: all */
    struct {
        int field;
        char op; /* = ! < > l (<=) g (>=) 0 (null) 1 (not null) */
        struct val v[20];
        int nv;
    } filters[16];
    int nfilters;
};
MUST_USE enum err list_parse(struct ctx *c, struct req *q, const struct res_rt *rt,
                             struct list_spec *ret);
/* AND what makes a row the caller's own (res.h, mine). */
void mine_sql(const struct ctx *c, const struct res_rt *rt, int64_t community_id, struct buf *sql,
              struct sql_args *args);
/* The statement and its arguments; false: the caller sees nothing here. */
MUST_USE enum err list_query(struct ctx *c, struct db *db, const struct res_rt *rt,
                             const struct list_spec *s, bool counting, struct sql_args *args,
                             const struct query **ret);
MUST_USE enum err list_run(struct ctx *c, struct tx *tx, const struct res_rt *rt,
                           const struct list_spec *s, struct row **ret_rows, size_t *ret_n,
                           struct str *ret_next);
void row_of_vals(struct row *r, const struct val *v, int n);

/* flow.c: may the caller ever take this action by his right alone, whoever's the row is? */
bool flow_open_to(const struct ctx *c, const struct resource *r, const struct row *row,
                  const char *action);
/* res_api.c: the derived routes of one resource. */
size_t res_routes(struct arena *a, const struct resource *r, struct route *ret, size_t max);
/* reveal.c */
bool reveal_offered(const struct resource *r); /* has personal fields */
extern const struct field reveal_fields[];
extern const int reveal_nfields;
enum err reveal_prepare(struct ctx *c, struct req *q);
enum err reveal_post(struct ctx *c, struct req *q);
/* import.c, export.c */
enum err import_prepare(struct ctx *c, struct req *q);
enum err import_run(struct ctx *c, struct req *q);
enum err export_csv(struct ctx *c, struct req *q);
enum err export_xlsx(struct ctx *c, struct req *q);
/* file_api.c */
enum err file_upload(struct ctx *c, struct req *q);
enum err file_list(struct ctx *c, struct req *q);
