/* query.c - the calls rooms use, built on tx_exec: each, one, rows, do, bulk, explain. It copies
 * what must outlive the statement into the caller's arena with checked allocations; it knows no
 * engine but for chunk sizes. */
#include "db/engine.h"
#include <string.h>

enum err q_each(struct ctx *c, struct tx *tx, const struct query *q, const struct val *in,
                size_t nin, row_fn fn, void *arg)
{
    struct exec x = {.q = q, .in = in, .nin = nin, .row = fn, .arg = arg};
    return tx_exec(c, tx, &x);
}

enum err q_do(struct ctx *c, struct tx *tx, const struct query *q, const struct val *in, size_t nin,
              int64_t *ret_changed)
{
    struct exec x = {.q = q, .in = in, .nin = nin};
    TRY(tx_exec(c, tx, &x));
    if (ret_changed)
        *ret_changed = x.changed;
    return E_OK;
}

enum err q_send(struct ctx *c, struct tx *tx, const struct query *q, const struct val *in,
                size_t nin)
{
    struct exec x = {.q = q, .in = in, .nin = nin, .later = true};
    ASSERT(tx->write);
    return tx_exec(c, tx, &x);
}

static enum err too_big(struct ctx *c)
{
    return FAIL(c, E_TOOBIG, "结果超过上限", "the result is over its limit");
}

static enum err row_copy(struct ctx *c, const struct val *row, int ncol, struct val *ret)
{
    for (int i = 0; i < ncol; i++) {
        ret[i] = row[i];
        if (row[i].t != V_TEXT && row[i].t != V_BLOB)
            continue;
        char *p = arena_try(c->mem, row[i].s.n + 1);
        if (!p)
            return too_big(c);
        if (row[i].s.n)
            memcpy(p, row[i].s.p, row[i].s.n);
        p[row[i].s.n] = 0;
        ret[i].s.p = p;
    }
    return E_OK;
}

struct one {
    struct val *v;
    int ncol;
    bool got;
};

static enum err one_row(struct ctx *c, const struct val *row, int ncol, void *arg)
{
    struct one *o = arg;
    ASSERT(ncol == o->ncol); /* the caller's array has exactly this size */
    if (o->got)
        return E_OK;
    o->got = true;
    return row_copy(c, row, ncol, o->v);
}

enum err q_one(struct ctx *c, struct tx *tx, const struct query *q, const struct val *in,
               size_t nin, struct val *ret, int ncol)
{
    struct one o = {.ncol = ncol, .v = arena_get(c->mem, (size_t)ncol * sizeof(struct val))};
    TRY(q_each(c, tx, q, in, nin, one_row, &o));
    if (!o.got)
        return E_MISSING;
    memcpy(ret, o.v, (size_t)ncol * sizeof *ret);
    return E_OK;
}

struct many {
    struct rows r;
    size_t cap, max;
};

static enum err many_grow(struct ctx *c, struct many *m, int ncol)
{
    size_t cap = m->cap ? m->cap * 4 : 16;
    struct val *v = arena_try(c->mem, cap * (size_t)ncol * sizeof *v);
    if (!v)
        return too_big(c);
    if (m->r.n)
        memcpy(v, m->r.v, m->r.n * (size_t)ncol * sizeof *v);
    m->r.v = v;
    m->r.ncol = ncol;
    m->cap = cap;
    return E_OK;
}

static enum err many_row(struct ctx *c, const struct val *row, int ncol, void *arg)
{
    struct many *m = arg;
    if (m->r.n == m->max)
        return too_big(c);
    if (m->r.n == m->cap)
        TRY(many_grow(c, m, ncol));
    TRY(row_copy(c, row, ncol, m->r.v + m->r.n * (size_t)ncol));
    m->r.n++;
    return E_OK;
}

enum err q_rows(struct ctx *c, struct tx *tx, const struct query *q, const struct val *in,
                size_t nin, size_t max, struct rows *ret)
{
    struct many m = {.max = max};
    TRY(q_each(c, tx, q, in, nin, many_row, &m));
    *ret = m.r;
    return E_OK;
}

/* --- many rows at once --- */
static void bulk_names(struct buf *s, const struct bulk *b)
{
    buf_fmt(s, "%s (", b->table);
    for (int i = 0; i < b->ncol; i++)
        buf_fmt(s, i ? ", %s" : "%s", b->columns[i]);
    buf_fmt(s, ") %s", b->on_conflict ? b->on_conflict : "");
}

static void bulk_sql(struct buf *s, const struct bulk *b, size_t nrows)
{
    buf_fmt(s, "INSERT INTO %s (", b->table);
    for (int i = 0; i < b->ncol; i++)
        buf_fmt(s, i ? ", %s" : "%s", b->columns[i]);
    buf_putz(s, ") VALUES ");
    for (size_t i = 0, n = 0; i < nrows; i++) {
        buf_putz(s, i ? ", (" : "(");
        for (int j = 0; j < b->ncol; j++)
            buf_fmt(s, j ? ", $%zu" : "$%zu", ++n);
        buf_putc(s, ')');
    }
    if (b->on_conflict)
        buf_fmt(s, " %s", b->on_conflict);
}

/* The key is short, so that finding a statement that is there costs no building of a long text. */
static enum err bulk_query(struct ctx *c, struct db *db, const struct bulk *b, size_t nrows,
                           const struct query **ret)
{
    struct buf key, sql;
    buf_init(&key, c->mem, 8 << 10);
    buf_fmt(&key, "bulk %zu ", nrows);
    bulk_names(&key, b);
    if (key.full) /* names are ours and short: no memory */
        return db_fail(c, E_BUSY, __FILE__);
    const struct query *q = intern_find(db, buf_str(&key));
    if (!q) {
        buf_init(&sql, c->mem, 1 << 20);
        bulk_sql(&sql, b, nrows);
        if (sql.full)
            return too_big(c);
        q = intern_put(db, buf_str(&key), str_of(b->table), buf_str(&sql));
    }
    if (!q)
        return db_fail(c, E_BUSY, __FILE__);
    *ret = q;
    return E_OK;
}

enum err q_bulk(struct ctx *c, struct tx *tx, const struct bulk *b, const struct val *v,
                size_t nrows, int64_t *ret_changed)
{
    /* Round trips cost on PostgreSQL, so the rest goes in ever smaller chunks; on SQLite single
     * rows are as fast. */
    static const size_t sqlite_chunks[] = {50, 1}, postgres_chunks[] = {100, 20, 5, 1};
    struct db *db = tx->db;
    bool sqlite = db->engine->id == DB_SQLITE;
    const size_t *chunks = sqlite ? sqlite_chunks : postgres_chunks;
    size_t nchunks = sqlite ? COUNT_OF(sqlite_chunks) : COUNT_OF(postgres_chunks);
    int64_t changed = 0;
    for (size_t i = 0; i < nchunks; i++) {
        const struct query *q = NULL;
        for (; nrows >= chunks[i]; nrows -= chunks[i]) {
            int64_t n = 0;
            size_t nin = chunks[i] * (size_t)b->ncol;
            if (!q)
                TRY(bulk_query(c, db, b, chunks[i], &q));
            TRY(q_do(c, tx, q, v, nin, &n));
            changed += n;
            v += nin;
        }
    }
    if (ret_changed)
        *ret_changed = changed;
    return E_OK;
}

/* --- explain --- */
struct explain {
    const struct query *q;
    const struct val *in;
    size_t nin;
    struct buf out;
};

static enum err explain_row(struct ctx *c, const struct val *row, int ncol, void *arg)
{
    (void)c;
    struct explain *x = arg;
    buf_put(&x->out, val_str(row[ncol - 1]));
    buf_putc(&x->out, '\n');
    return E_OK;
}

static enum err explain_run(struct ctx *c, struct tx *tx, void *arg)
{
    struct explain *x = arg;
    bool sqlite = tx->db->engine->id == DB_SQLITE;
    /* Small test tables tempt PostgreSQL to scan; what matters is whether an index could serve. */
    if (!sqlite)
        TRY(tx_exec_text(c, tx, "SET LOCAL enable_seqscan = off"));
    const char *sql =
        arena_fmt(c->mem, sqlite ? "EXPLAIN QUERY PLAN %s" : "EXPLAIN (COSTS OFF) %s", x->q->sql).p;
    struct query q = {.name = x->q->name, .sql = sql};
    struct exec e = {
        .q = &q, .once = true, .in = x->in, .nin = x->nin, .row = explain_row, .arg = x};
    return tx_exec(c, tx, &e);
}

enum err db_explain(struct db *db, struct ctx *c, const struct query *q, const struct val *in,
                    size_t nin, struct str *ret)
{
    struct explain x = {.q = q, .in = in, .nin = nin};
    buf_init(&x.out, c->mem, 256 << 10);
    TRY(db_read(db, c, explain_run, &x));
    *ret = buf_str(&x.out);
    return E_OK;
}
