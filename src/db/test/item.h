/* item.h - two small tables for the tests of the door, and what more than one of them does with
 * these. */
#pragma once
#include "db/test/fixture.h"

static const struct column item_columns[] = {{"id", COL_INT, true, NULL},
                                             {"n", COL_INT, false, NULL},
                                             {"r", COL_REAL, false, NULL},
                                             {"t", COL_TEXT, false, NULL},
                                             {"b", COL_BLOB, false, NULL}};
static const struct index item_indexes[] = {{"item_t", "t", NULL, true}};
static const struct column pair_columns[] = {
    {"a", COL_INT, true, NULL}, {"b", COL_TEXT, true, NULL}, {"v", COL_INT, true, "0"}};
static const struct table tables[] = {
    {"item", item_columns, COUNT_OF(item_columns), "id", item_indexes, COUNT_OF(item_indexes), NULL,
     NULL},
    {"pair", pair_columns, COUNT_OF(pair_columns), "a, b", NULL, 0, NULL, NULL}};

static const struct query item_add = {
    "item.add", "INSERT INTO item (id, n, r, t, b) VALUES ($1, $2, $3, $4, $5)"};
static inline struct fix *fresh_with(struct db_options o)
{
    struct fix *f = fix_open(o);
    assert_int_equal(db_migrate(f->db, &f->c, tables, COUNT_OF(tables), NULL, 0), E_OK);
    return f;
}

static inline struct fix *fresh(void)
{
    return fresh_with((struct db_options){.busy_ms = 300});
}

static inline enum err add(struct ctx *c, struct tx *tx, int64_t id, int64_t n)
{
    return q_do(c, tx, &item_add, IN(v_int(id), v_int(n), v_null(), v_null(), v_null()), NULL);
}

/* What one thread of a test does, and how it went. */
struct job {
    struct db *db;
    struct thread *thread;
    int64_t id;
    enum err result;
    _Atomic int runs;
};
