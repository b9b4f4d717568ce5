/* copy.c - whole databases: the sum of every table, a row-exact copy between engines, an image of
 * one moment. It knows tables only from the database's own catalogue, so that a database of an
 * older program can be copied and kept as it is. Columns go by name: two databases that grew in
 * another order hold the same. Memory is one page of rows, whatever the table. */
#include "base/crypto.h"
#include "db/engine.h"
#include <string.h>

enum { TABLES_MAX = 1000, COLUMNS_MAX = 100, KEY_MAX = 6, PAGE_ROWS = 500, BATCH_ROWS = 100 };
enum { BATCH_BYTES = 4 << 20, SCRATCH_BYTES = 256 << 20, SQL_MAX = 32 << 10 };

/* --- the catalogue --- */

static const struct query catalogue[2] = {
    {"copy.catalogue",
     "SELECT m.name, p.name, p.type, p.\"notnull\", p.dflt_value, p.pk FROM pragma_table_list m "
     "JOIN pragma_table_info(m.name) p WHERE m.schema = 'main' AND m.type = 'table' AND m.name NOT "
     "LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, p.name"}, /* no word indexes: made anew */
    {"copy.catalogue",
     "SELECT CAST(c.relname AS text), CAST(a.attname AS text), format_type(a.atttypid, NULL), "
     "a.attnotnull, pg_get_expr(d.adbin, d.adrelid), coalesce(array_position(CAST(i.indkey AS "
     "int2[]), a.attnum) + 1, 0) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND "
     "a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND "
     "d.adnum = a.attnum LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary WHERE "
     "c.relkind = 'r' AND c.relnamespace = CAST(current_schema() AS regnamespace) "
     "ORDER BY c.relname, a.attname"}};

struct copied { /* a table and what is needed to walk it */
    struct table t;
    struct column *columns;   /* t's, while it grows */
    const char *key[KEY_MAX]; /* columns of the primary key */
    int key_at[KEY_MAX], nkey;
};
struct cataloguing {
    struct copied *v;
    size_t n;
    const char *skip;
};

static bool type_of(struct str name, enum col_type *ret)
{
    static const struct {
        const char *name;
        enum col_type type;
    } types[] = {{"INTEGER", COL_INT}, {"bigint", COL_INT},
                 {"REAL", COL_REAL},   {"double precision", COL_REAL},
                 {"TEXT", COL_TEXT},   {"text", COL_TEXT},
                 {"BLOB", COL_BLOB},   {"bytea", COL_BLOB}};
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (str_eqz(name, types[i].name)) {
            *ret = types[i].type;
            return true;
        }
    return false;
}

static bool is_skipped(struct str table, const char *skip)
{
    return *skip && str_starts(table, str_of(skip));
}

static struct copied *table_next(struct ctx *c, struct cataloguing *k, struct str name)
{
    struct copied *t = k->n ? &k->v[k->n - 1] : NULL;
    if (t && str_eqz(name, t->t.name))
        return t;
    ASSERT(k->v && k->n < TABLES_MAX);
    t = &k->v[k->n++];
    t->t.name = str_z(c->mem, name);
    t->t.columns = t->columns = arena_get(c->mem, COLUMNS_MAX * sizeof *t->columns);
    return t;
}

static enum err catalogue_row(struct ctx *c, const struct val *row, int ncol, void *arg)
{
    struct cataloguing *k = arg;
    (void)ncol;
    if (is_skipped(row[0].s, k->skip))
        return E_OK;
    struct copied *t = table_next(c, k, row[0].s);
    struct column col = {.name = str_z(c->mem, row[1].s), .not_null = val_int(row[3])};
    int64_t key = val_int(row[5]);
    if (!type_of(row[2].s, &col.type) || t->t.ncolumns == COLUMNS_MAX || key > KEY_MAX)
        return fail_at(c, E_STATE, __FILE__, "table %s is not one of ours: column %s", t->t.name,
                       col.name);
    if (row[4].t == V_TEXT) { /* PostgreSQL says 'x'::text */
        ptrdiff_t cast = str_find(row[4].s, S("::"));
        col.default_sql = str_z(c->mem, cast < 0 ? row[4].s : str_sub(row[4].s, 0, (size_t)cast));
    }
    if (key) {
        t->key[key - 1] = col.name;
        t->key_at[key - 1] = (int)t->t.ncolumns;
        t->nkey = key > t->nkey ? (int)key : t->nkey;
    }
    t->columns[t->t.ncolumns++] = col;
    return E_OK;
}

static enum err catalogue_read(struct ctx *c, struct tx *tx, const char *skip,
                               struct cataloguing *ret)
{
    *ret = (struct cataloguing){.skip = skip};
    ret->v = arena_get(c->mem, TABLES_MAX * sizeof *ret->v);
    TRY(q_each(c, tx, &catalogue[tx->db->engine->id], IN0, catalogue_row, ret));
    for (size_t i = 0; i < ret->n; i++) {
        struct buf b;
        struct copied *t = &ret->v[i];
        buf_init(&b, c->mem, SQL_MAX);
        if (!t->nkey)
            return fail_at(c, E_STATE, __FILE__, "table %s has no primary key", t->t.name);
        for (int k = 0; k < t->nkey; k++)
            buf_fmt(&b, k ? ", %s" : "%s", t->key[k]);
        t->t.primary_key = str_z(c->mem, buf_str(&b));
    }
    return E_OK;
}

/* --- walking one table --- */

struct walk {
    const struct copied *t;
    struct arena *page[2]; /* this page's memory and the one before: the last key lives there */
    int turn;
    struct hasher *hash;
    int64_t rows, seen; /* in all; of this page */
    struct val last[KEY_MAX];
    struct tx *to; /* NULL: only the sum */
    struct bulk bulk;
    struct arena *held; /* the rows of batch */
    struct val *batch;
    size_t nbatch, bytes;
};

static void arena_end(void *arg)
{
    arena_free(arg);
}

/* Under owner, because the words of a fault may live in it. */
static struct arena *arena_under(struct arena *owner)
{
    struct arena *a = arena_new(SCRATCH_BYTES);
    arena_defer(owner, arena_end, a);
    return a;
}

static const char *quoted(struct arena *a, const char *name)
{
    return arena_fmt(a, "\"%s\"", name).p;
}

static const char *page_sql(struct arena *a, const struct copied *t, bool first)
{
    struct buf b;
    buf_init(&b, a, SQL_MAX);
    for (size_t i = 0; i < t->t.ncolumns; i++)
        buf_fmt(&b, i ? ", \"%s\"" : "SELECT \"%s\"", t->t.columns[i].name);
    buf_fmt(&b, " FROM \"%s\"", t->t.name);
    for (int i = 0; i < t->nkey && !first; i++)
        buf_fmt(&b, i ? ", \"%s\"" : " WHERE (\"%s\"", t->key[i]);
    for (int i = 0; i < t->nkey && !first; i++)
        buf_fmt(&b, i ? ", $%d" : ") > ($%d", i + 1);
    buf_putz(&b, first ? " ORDER BY " : ") ORDER BY ");
    for (int i = 0; i < t->nkey; i++)
        buf_fmt(&b, i ? ", \"%s\"" : "\"%s\"", t->key[i]);
    buf_fmt(&b, " LIMIT %d", PAGE_ROWS);
    ASSERT(!b.full);
    return str_z(a, buf_str(&b));
}

/* A type, a length, the bytes: no two rows read alike. */
static void val_hash(struct hasher *h, const struct val *v)
{
    int64_t n = v->t == V_INT || v->t == V_REAL ? 8 : (int64_t)val_str(*v).n;
    char type = (char)('0' + v->t);
    hasher_add(h, &type, 1);
    hasher_add(h, &n, sizeof n);
    if (v->t == V_INT)
        hasher_add(h, &v->i, 8);
    else if (v->t == V_REAL)
        hasher_add(h, &v->r, 8);
    else if (n)
        hasher_add(h, v->s.p, (size_t)n);
}

static enum err val_keep(struct ctx *c, struct arena *a, struct val v, struct val *ret)
{
    *ret = v;
    if (v.t != V_TEXT && v.t != V_BLOB)
        return E_OK;
    char *p = arena_try(a, v.s.n + 1);
    if (!p)
        return fail_at(c, E_BUSY, __FILE__, "not enough memory for one page of rows");
    if (v.s.n)
        memcpy(p, v.s.p, v.s.n);
    ret->s.p = p;
    return E_OK;
}

static enum err batch_flush(struct ctx *c, struct walk *w)
{
    struct arena *mem = c->mem;
    if (!w->nbatch)
        return E_OK;
    c->mem = w->held;
    enum err e = q_bulk(c, w->to, &w->bulk, w->batch, w->nbatch, NULL);
    c->mem = mem;
    TRY(e);
    arena_reset(w->held);
    w->nbatch = w->bytes = 0;
    return E_OK;
}

static enum err walk_row(struct ctx *c, const struct val *row, int ncol, void *arg)
{
    struct walk *w = arg;
    for (int i = 0; i < ncol; i++)
        val_hash(w->hash, &row[i]);
    w->rows++;
    if (++w->seen == PAGE_ROWS)
        for (int i = 0; i < w->t->nkey; i++)
            TRY(val_keep(c, w->page[w->turn], row[w->t->key_at[i]], &w->last[i]));
    if (!w->to)
        return E_OK;
    for (int i = 0; i < ncol; i++) {
        TRY(val_keep(c, w->held, row[i], &w->batch[w->nbatch * (size_t)ncol + (size_t)i]));
        w->bytes += val_str(row[i]).n;
    }
    if (++w->nbatch == BATCH_ROWS || w->bytes >= BATCH_BYTES)
        return batch_flush(c, w);
    return E_OK;
}

static enum err walk_pages(struct ctx *c, struct tx *from, struct walk *w)
{
    struct arena *mem = c->mem;
    const char *first = page_sql(mem, w->t, true), *next = page_sql(mem, w->t, false);
    do {
        bool begin = w->rows == 0;
        struct query q = {"copy.page", begin ? first : next};
        struct exec x = {.q = &q,
                         .once = true,
                         .in = w->last,
                         .nin = begin ? 0 : (size_t)w->t->nkey,
                         .row = walk_row,
                         .arg = w};
        w->turn ^= 1;
        w->seen = 0;
        arena_reset(w->page[w->turn]);
        c->mem = w->page[w->turn];
        enum err e = tx_exec(c, from, &x);
        c->mem = mem;
        TRY(e);
    } while (w->seen == PAGE_ROWS);
    return w->to ? batch_flush(c, w) : E_OK;
}

/* to NULL: only the sum. */
static enum err table_walk(struct ctx *c, struct tx *from, struct tx *to, const struct copied *t,
                           struct db_sum *ret)
{
    struct arena *mem = arena_under(c->mem);
    struct walk w = {.t = t, .to = to, .hash = hasher_new(mem)};
    const char **names = arena_get(mem, t->t.ncolumns * sizeof *names);
    uint8_t sum[HASH_BYTES];
    for (int i = 0; i < 2; i++)
        w.page[i] = arena_under(mem);
    w.held = arena_under(mem);
    w.batch = arena_get(mem, BATCH_ROWS * t->t.ncolumns * sizeof *w.batch);
    for (size_t i = 0; i < t->t.ncolumns; i++) {
        names[i] = quoted(mem, t->t.columns[i].name);
        hasher_add(w.hash, t->t.columns[i].name, strlen(t->t.columns[i].name) + 1);
    }
    w.bulk = (struct bulk){
        .table = quoted(mem, t->t.name), .columns = names, .ncol = (int)t->t.ncolumns};
    TRY(walk_pages(c, from, &w));
    hasher_end(w.hash, sum);
    *ret = (struct db_sum){str_of(t->t.name), w.rows, hex_of(c->mem, sum, sizeof sum)};
    arena_reset(mem); /* the pages end here, not with the request */
    return E_OK;
}

/* --- sums --- */

struct summing {
    const char *skip;
    struct db_sums *ret;
};

static enum err sums_read(struct ctx *c, struct tx *tx, void *arg)
{
    struct summing *s = arg;
    struct cataloguing k;
    TRY(catalogue_read(c, tx, s->skip, &k));
    s->ret->n = 0;
    s->ret->v = arena_get(c->mem, (k.n + 1) * sizeof *s->ret->v);
    for (size_t i = 0; i < k.n; i++)
        if (strcmp(k.v[i].t.name, "schema_mark") != 0)
            TRY(table_walk(c, tx, NULL, &k.v[i], &s->ret->v[s->ret->n++]));
    return E_OK;
}

enum err db_sums(struct db *db, struct ctx *c, const char *skip, struct db_sums *ret)
{
    struct summing s = {skip, ret};
    return db_read(db, c, sums_read, &s);
}

/* --- copying --- */

struct copying {
    struct db *to;
    const char *skip;
    bool replace;
    struct db_sums *ret;
    struct cataloguing k;
    struct tx *from;
};

static enum err tables_drop(struct ctx *c, struct tx *tx, bool replace)
{
    struct cataloguing old;
    TRY(catalogue_read(c, tx, "", &old));
    if (old.n && !replace)
        return FAIL(c, E_STATE, "目标数据库不是空的(有表 %s)",
                    "the target database is not empty: it has the table %s", old.v[0].t.name);
    TRY(words_drop_all(c, tx));
    for (size_t i = 0; i < old.n; i++)
        TRY(tx_exec_text(c, tx, arena_fmt(c->mem, "DROP TABLE \"%s\"", old.v[i].t.name).p));
    return E_OK;
}

static bool is_key(const struct copied *t, size_t column)
{
    for (int i = 0; i < t->nkey; i++)
        if (t->key_at[i] == (int)column)
            return true;
    return false;
}

/* The key's columns first, as our tables have them: SQLite 3.40's integrity_check reads a WITHOUT
 * ROWID table with another column before its key wrongly ("NULL value in …"). */
static enum err copied_create(struct ctx *c, struct tx *tx, const struct copied *t)
{
    struct table made = t->t;
    struct column *columns = arena_get(c->mem, made.ncolumns * sizeof *columns);
    size_t n = 0;
    for (int i = 0; i < t->nkey; i++)
        columns[n++] = t->columns[t->key_at[i]];
    for (size_t i = 0; i < made.ncolumns; i++)
        if (!is_key(t, i))
            columns[n++] = t->columns[i];
    made.columns = columns;
    return table_create(c, tx, &made);
}

static enum err copy_write(struct ctx *c, struct tx *tx, void *arg)
{
    struct copying *y = arg;
    y->ret->n = 0;
    TRY(tables_drop(c, tx, y->replace));
    for (size_t i = 0; i < y->k.n; i++) {
        const struct copied *t = &y->k.v[i];
        if (strcmp(t->t.name, "schema_mark") == 0)
            continue;
        TRY(copied_create(c, tx, t));
        TRY(table_walk(c, y->from, tx, t, &y->ret->v[y->ret->n++]));
    }
    return E_OK;
}

/* The reading side's snapshot stays open on this thread while the other database's writer works. */
static enum err copy_read(struct ctx *c, struct tx *tx, void *arg)
{
    struct copying *y = arg;
    TRY(catalogue_read(c, tx, y->skip, &y->k));
    y->from = tx;
    y->ret->v = arena_get(c->mem, (y->k.n + 1) * sizeof *y->ret->v);
    return db_write(y->to, c, copy_write, y);
}

enum err db_copy(struct ctx *c, struct db *from, struct db *to, const char *skip, bool replace,
                 struct db_sums *ret)
{
    struct copying y = {.to = to, .skip = skip, .replace = replace, .ret = ret};
    struct db_sums back = {0};
    TRY(db_read(from, c, copy_read, &y));
    TRY(db_sums(to, c, "", &back));
    for (size_t i = 0; i < ret->n; i++) {
        const struct db_sum *a = &ret->v[i], *b = i < back.n ? &back.v[i] : NULL;
        if (!b || !str_eq(a->table, b->table) || a->rows != b->rows || !str_eq(a->sum, b->sum))
            return FAIL(c, E_DB, "复制后的表 " PRS " 与原表不同",
                        "the table " PRS " differs after the copy", PRA(a->table));
    }
    return E_OK;
}

/* --- an image, an empty one, a lonely one --- */

enum err db_image(struct db *db, struct ctx *c, const char *path)
{
    struct db_options o = {.readers = 2, .one_file = true, .must_exist = true};
    struct db_sums sums;
    struct db *to;
    if (db->engine->image)
        return db->engine->image(db, c, path);
    TRY(db_open(c, arena_fmt(c->mem, "sqlite:%s", path).p, &o, &to));
    enum err e = db_copy(c, db, to, "", false, &sums);
    db_close(to);
    return e;
}

static enum err empty_read(struct ctx *c, struct tx *tx, void *arg)
{
    struct cataloguing k;
    TRY(catalogue_read(c, tx, "", &k));
    *(bool *)arg = k.n == 0;
    return E_OK;
}

enum err db_is_empty(struct db *db, struct ctx *c, bool *ret)
{
    return db_read(db, c, empty_read, ret);
}

enum err db_alone(struct db *db, struct ctx *c)
{
    enum err e = db->engine->alone(db, c);
    return e != E_BUSY
               ? e
               : FAIL(c, E_BUSY, "数据库正在使用:请先停止服务",
                      "the database is in use: stop the service first (systemctl stop anju)");
}
