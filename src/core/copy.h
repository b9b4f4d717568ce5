/* copy.h - rows as the person gets them who they are about (PIPL 45): opened and unmasked, in the
 * machine's form or as a sheet people read. Left out: what is HIDDEN, what only staff may see, and
 * whatever points to users and staff, because that is about others. */
#pragma once
#include "core/core_module.h"

enum copy_as { COPY_JSON, COPY_HTML };
enum { COPY_ROWS = 2000 };
/* One section: every row of r where the SQL condition where holds ($1 community, $2 id), at most
 * COPY_ROWS; in JSON ,"name":[…], in HTML a heading and a table. */
MUST_USE enum err copy_section(struct ctx *c, struct tx *tx, const struct resource *r,
                               const char *where, int64_t community, int64_t id, enum copy_as as,
                               struct buf *out);
/* The same for a query of the room's own ($1 community, $2 id) whose columns the fields describe.
 */
struct copy_query {
    const char *name;
    struct text label;
    const struct query *query;
    const struct field *fields;
    int nfields;
};
MUST_USE enum err copy_list(struct ctx *c, struct tx *tx, const struct copy_query *q,
                            int64_t community, int64_t id, enum copy_as as, struct buf *out);
