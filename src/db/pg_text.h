/* pg_text.h - inside the PostgreSQL engine: SQL and values as the text the server takes and gives.
 * Knows nothing of the connection. */
#pragma once
#include "db/engine.h"

/* A block that is kept and grown from statement to statement; the owner frees p. */
struct scratch {
    char *p;
    size_t cap;
};
/* The text of sql with each comment slash-star pg:TEXT star-slash opened; in b when there is one.
 */
const char *pg_sql(struct scratch *b, const char *sql);

struct pg_params {
    const char **values;
    int *lengths, *formats;
};
/* All of it in one block of b: three arrays, then the texts. False: no memory. */
MUST_USE bool pg_params(struct scratch *b, const struct val *in, size_t nin, struct pg_params *ret);
/* bytea text "\x0a0b" -> bytes, over its own text: results are ours to write in, and bytes are
 * shorter. */
struct val pg_bytea(char *p, size_t n);
