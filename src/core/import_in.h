/* import_in.h - inside the core: one reader of foreign rows for both ways in, the file that loads
 * as a whole (import.c) and the batch that loads step by step (batch.c). A cell may hold what
 * people write: labels of choices, 是/否, dates with / or ., names and numbers instead of ids. */
#pragma once
#include "core/charset.h"
#include "core/csv.h"
#include "core/res_in.h"

enum { COLUMN_UNKNOWN = -1, COLUMN_IGNORED = -2 }; /* ignored: set by the system, or our mark */
struct import_plan {
    const struct resource *r;
    int64_t community_id;
    const struct zone *zone;
    int columns[CSV_COLUMNS_MAX]; /* the field of each column, or one of the two above */
    int ncolumns;
};
/* May the caller load rows there? Bulk is for those who see all rows: create and read. */
bool import_allowed(const struct who *w, const struct resource *r, int64_t community_id);
/* The field whose name or label the text is, in either language. */
int import_column(const struct resource *r, struct str name);
/* One record into a prepared row. References that are no numbers stay texts until
 * import_insert. E_INVALID and field faults otherwise. Outside transactions. */
MUST_USE enum err import_read(struct ctx *c, struct app *app, const struct import_plan *p,
                              const struct str *cells, int n, struct row *ret);
/* Finds what the row's names mean (a code, a unique value, a phone, a title; exactly one), then
 * res_insert. */
MUST_USE enum err import_insert(struct ctx *c, struct tx *tx, const struct import_plan *p,
                                struct row *row);
/* The value with its text in mem; false: no room. */
bool import_copy(struct arena *mem, struct val v, struct val *ret);
enum err import_too_large(struct ctx *c);
/* A rule that the row broke, not a fault of the house. */
bool import_is_reason(enum err e);
/* The caller of work that a user began and the house goes on with: every right, the user's name. */
const struct who *who_for(struct ctx *c, int64_t user_id, struct str name);

/* --- batch.c: what a load made, so that it can be taken back --- */
struct import_made {
    int64_t no, id;
};
MUST_USE enum err batch_record(struct ctx *c, struct tx *tx, const struct import_plan *p,
                               struct str name, const struct import_made *made, size_t n,
                               int64_t *ret_batch);
MUST_USE enum err batch_sweep(struct ctx *c, struct tx *tx);
extern const struct query *const batch_queries[], *const import_queries[];
extern const struct route batch_routes[];
extern const struct resource res_import;
MUST_USE enum err batch_step(struct ctx *c, struct app *app, struct str data, bool *ret_more);
