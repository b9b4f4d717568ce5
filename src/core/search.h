/* search.h - inside core: the word index behind lists (q=) and the palette. A resource marked
 * `words` has one line per row in search_doc: the words of its SEARCH fields that are not personal.
 * A line is made stale with the row, in the same transaction, and gets its words later, many at
 * once; what is stale is looked at itself, so a row is found from the moment it is written.
 * docs/why/0092. */
#pragma once
#include "core/grams.h"
#include "core/res_in.h"

/* The row's words changed (old NULL: it is new). */
MUST_USE enum err search_touch(struct ctx *c, struct tx *tx, const struct resource *r,
                               const struct row *old, const struct row *row);
/* One step of the job that gives stale lines their words. */
enum err search_step(struct ctx *c, struct app *app, struct str data, bool *ret_more);
/* A check of `anju check`: a row without a line would never be found. */
enum err search_verify(struct ctx *c, struct app *app, tell_fn tell, void *arg);
/* Indexes what is stale, all of it. */
MUST_USE enum err search_settle(struct ctx *c, struct app *app);

/* Sets s->by, how q is looked for: in every row; hit by hit, where the newest come first anyway,
 * with what is stale (BY_FRESH) asked apart and joined; in another order, among the hits and what
 * is stale while those are few. Of many, a list in another order meets enough on its way through
 * the rows. */
MUST_USE enum err search_plan(struct ctx *c, struct tx *tx, const struct res_rt *rt,
                              struct list_spec *s);
/* Sets s->window, the part of the index to ask: the newest hits below *before, about want of them;
 * *before is then where they end, *ret_last whether there are none below. */
MUST_USE enum err search_window(struct ctx *c, struct tx *tx, const struct res_rt *rt,
                                struct list_spec *s, int64_t want, int64_t *before, bool *ret_last);
/* For BY_FEW: s->window is all hits. */
MUST_USE enum err search_all(struct ctx *c, struct tx *tx, const struct res_rt *rt,
                             struct list_spec *s);
/* The parts of the statement that s->by asks for. */
void search_from_sql(struct ctx *c, struct db *db, const struct res_rt *rt,
                     const struct list_spec *s, struct buf *sql, struct sql_args *args);
void search_where_sql(struct ctx *c, struct db *db, const struct res_rt *rt,
                      const struct list_spec *s, struct buf *sql, struct sql_args *args);
extern const struct query *const search_queries[];
