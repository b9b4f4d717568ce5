/* migrate.c - brings the stored schema up to the program's tables: adds tables, columns and
 * indexes, then runs the fixups not run before. It never drops or changes anything by itself. All
 * additions happen in one transaction; the mark of the definitions is stored last, so a start that
 * was interrupted simply goes on at the next one. */
#include "base/crypto.h"
#include "base/log.h"
#include "db/engine.h"
#include <string.h>

enum { FOUND_MAX = 20000, SQL_MAX = 64 << 10 };

struct plan {
    const struct table *tables;
    size_t ntables;
    const struct fixup *fixups;
    size_t nfixups;
    struct str mark;
    struct rows found; /* (table, column) pairs that are stored */
    int64_t done;      /* highest fixup run */
    bool upgraded;     /* out: something was added */
};

/* --- the mark --- */
static void mark_put(struct hasher *h, const char *z)
{
    hasher_add(h, z ? z : "", z ? strlen(z) + 1 : 1);
}

static int fixup_highest(const struct plan *p)
{
    return p->nfixups ? p->fixups[p->nfixups - 1].number : 0;
}

static struct str mark_of(struct ctx *c, const struct plan *p)
{
    struct hasher *h = hasher_new(c->mem);
    uint8_t hash[HASH_BYTES];
    for (size_t i = 0; i < p->ntables; i++) {
        const struct table *t = &p->tables[i];
        mark_put(h, t->name);
        mark_put(h, t->primary_key);
        mark_put(h, t->append_only);
        mark_put(h, t->words);
        mark_put(h, t->words ? WORDS_INDEX : NULL);
        for (size_t j = 0; j < t->ncolumns; j++) {
            const struct column *k = &t->columns[j];
            char shape[3] = {(char)('0' + k->type), k->not_null ? 'n' : '-', 0};
            mark_put(h, k->name);
            mark_put(h, shape);
            mark_put(h, k->default_sql);
        }
        for (size_t j = 0; j < t->nindexes; j++) {
            mark_put(h, t->indexes[j].name);
            mark_put(h, t->indexes[j].columns);
            mark_put(h, t->indexes[j].where);
            mark_put(h, t->indexes[j].unique ? "u" : "-");
        }
    }
    hasher_end(h, hash);
    struct str hex = hex_of(c->mem, hash, 16);
    return arena_fmt(c->mem, PRS "-%d", PRA(hex), fixup_highest(p));
}

/* --- what is stored --- */
static const struct query *pick(struct tx *tx, const struct query q[2])
{
    return &q[tx->db->engine->id == DB_SQLITE ? 0 : 1];
}

static enum err mark_read(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct query there[2] = {
        {"schema.there", "SELECT 1 FROM sqlite_schema WHERE name = 'schema_mark'"},
        {"schema.there", "SELECT 1 FROM pg_class WHERE oid = to_regclass('schema_mark')"}};
    static const struct query mark = {"schema.mark", "SELECT mark FROM schema_mark WHERE id = 1"};
    struct str *ret = arg;
    struct val v;
    enum err e = q_one(c, tx, pick(tx, there), IN0, &v, 1);
    if (e == E_OK)
        e = q_one(c, tx, &mark, IN0, &v, 1);
    *ret = e == E_OK ? val_str(v) : (struct str){0};
    return e == E_MISSING ? E_OK : e;
}

static enum err found_read(struct ctx *c, struct tx *tx, struct plan *p)
{
    static const struct query columns[2] = {
        {"schema.columns",
         "SELECT m.name, p.name FROM sqlite_schema m JOIN pragma_table_info(m.name) p "
         "WHERE m.type = 'table'"},
        {"schema.columns", "SELECT CAST(table_name AS text), CAST(column_name AS text) FROM "
                           "information_schema.columns WHERE table_schema = current_schema()"}};
    static const struct query fixups = {"schema.fixups",
                                        "SELECT coalesce(max(number), 0) FROM schema_fixup"};
    struct val v;
    TRY(q_rows(c, tx, pick(tx, columns), IN0, FOUND_MAX, &p->found));
    TRY(q_one(c, tx, &fixups, IN0, &v, 1));
    p->done = val_int(v);
    return E_OK;
}

/* column NULL: any column, that is, the table. */
static bool found_has(const struct plan *p, const char *table, const char *column)
{
    for (size_t i = 0; i < p->found.n; i++) {
        const struct val *row = p->found.v + 2 * i;
        if (str_eqz(row[0].s, table) && (!column || str_eqz(row[1].s, column)))
            return true;
    }
    return false;
}

static bool known_column(const struct table *t, struct str name)
{
    for (size_t i = 0; i < t->ncolumns; i++)
        if (str_eqz(name, t->columns[i].name))
            return true;
    return false;
}

/* Newer: a fixup ran that we do not have, or, with no fixup of ours pending that might drop it, one
 * of our tables has a column that we do not know. */
static enum err newer_refuse(struct ctx *c, const struct plan *p)
{
    const char *why = p->done > fixup_highest(p) ? "a later fixup has run" : NULL;
    for (size_t i = 0; !why && p->done == fixup_highest(p) && i < p->found.n; i++)
        for (size_t j = 0; j < p->ntables; j++) {
            const struct val *row = p->found.v + 2 * i;
            if (str_eqz(row[0].s, p->tables[j].name) && !known_column(&p->tables[j], row[1].s))
                why = arena_fmt(c->mem, "unknown column " PRS "." PRS, PRA(row[0].s), PRA(row[1].s))
                          .p;
        }
    if (!why)
        return E_OK;
    return FAIL(c, E_STATE, "数据库比程序新（%s），请升级程序",
                "the database is newer than this program (%s); use a newer program", why);
}

/* --- data definition --- */
static const char *type_sql(enum db_engine engine, enum col_type t)
{
    static const char *const names[2][4] = {
        [DB_SQLITE] = {"INTEGER", "REAL", "TEXT", "BLOB"},
        [DB_POSTGRES] = {"BIGINT", "DOUBLE PRECISION", "TEXT COLLATE \"C\"", "BYTEA"}};
    return names[engine][t];
}

static void column_sql(struct buf *b, enum db_engine engine, const struct column *k)
{
    buf_fmt(b, "\"%s\" %s", k->name, type_sql(engine, k->type));
    if (k->not_null)
        buf_putz(b, " NOT NULL");
    if (k->default_sql)
        buf_fmt(b, " DEFAULT %s", k->default_sql);
}

static bool is_rowid(const struct table *t)
{
    for (size_t i = 0; i < t->ncolumns; i++)
        if (t->columns[i].type == COL_INT && strcmp(t->columns[i].name, t->primary_key) == 0)
            return true;
    return false;
}

static void table_sql(struct buf *b, enum db_engine engine, const struct table *t)
{
    bool sqlite = engine == DB_SQLITE, rowid = sqlite && is_rowid(t);
    buf_fmt(b, "CREATE TABLE \"%s\" (", t->name);
    for (size_t i = 0; i < t->ncolumns; i++) {
        buf_putz(b, i ? ", " : "");
        if (rowid && strcmp(t->columns[i].name, t->primary_key) == 0)
            buf_fmt(b, "\"%s\" INTEGER PRIMARY KEY", t->primary_key);
        else
            column_sql(b, engine, &t->columns[i]);
    }
    if (!rowid)
        buf_fmt(b, ", PRIMARY KEY (%s)", t->primary_key);
    buf_putz(b, !sqlite ? ")" : rowid ? ") STRICT" : ") STRICT, WITHOUT ROWID");
}

static enum err buf_run(struct ctx *c, struct tx *tx, struct buf *b)
{
    ASSERT(!b->full);
    TRY(tx_exec_text(c, tx, str_z(c->mem, buf_str(b))));
    buf_clear(b);
    return E_OK;
}

enum err table_create(struct ctx *c, struct tx *tx, const struct table *t)
{
    struct buf b;
    buf_init(&b, c->mem, SQL_MAX);
    table_sql(&b, tx->db->engine->id, t);
    return buf_run(c, tx, &b);
}

static enum err columns_add(struct ctx *c, struct tx *tx, struct plan *p, const struct table *t,
                            struct buf *b)
{
    for (size_t i = 0; i < t->ncolumns; i++) {
        const struct column *k = &t->columns[i];
        if (found_has(p, t->name, k->name))
            continue;
        if (k->not_null && !k->default_sql)
            return fail_at(c, E_INTERNAL, __FILE__,
                           "column %s.%s is new and NOT NULL: it needs a default", t->name,
                           k->name);
        buf_fmt(b, "ALTER TABLE \"%s\" ADD COLUMN ", t->name);
        column_sql(b, tx->db->engine->id, k);
        TRY(buf_run(c, tx, b));
        p->upgraded = true;
    }
    return E_OK;
}

/* --- append-only tables --- */
static bool is_named(const char *list, const char *name)
{
    struct str rest = str_of(list);
    while (rest.p)
        if (str_eqz(str_trim(str_next(&rest, ',')), name))
            return true;
    return false;
}

/* True for a row that must not change like this: a fixed column differs, or one that may be filled
 * is filled already. */
static void forbidden_sql(struct buf *b, enum db_engine engine, const struct table *t)
{
    const char *differs = engine == DB_SQLITE ? "IS NOT" : "IS DISTINCT FROM";
    for (size_t i = 0; i < t->ncolumns; i++) {
        const char *name = t->columns[i].name;
        buf_putz(b, i ? " OR " : "");
        if (is_named(t->append_only, name))
            buf_fmt(b, "OLD.\"%s\" IS NOT NULL OR NEW.\"%s\" IS NULL", name, name);
        else
            buf_fmt(b, "NEW.\"%s\" %s OLD.\"%s\"", name, differs, name);
    }
}

static enum err append_only_sqlite(struct ctx *c, struct tx *tx, const struct table *t,
                                   struct buf *b)
{
    static const char *const events[] = {"DELETE", "UPDATE"};
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        /* made anew each time: a new column must be watched too */
        buf_fmt(b, "DROP TRIGGER IF EXISTS \"%s_no_%s\"", t->name, events[i]);
        TRY(buf_run(c, tx, b));
        buf_fmt(b, "CREATE TRIGGER \"%s_no_%s\" BEFORE %s ON \"%s\"", t->name, events[i], events[i],
                t->name);
        if (i) {
            buf_putz(b, " WHEN ");
            forbidden_sql(b, DB_SQLITE, t);
        }
        buf_fmt(b, " BEGIN SELECT RAISE(ABORT, '%s is append-only'); END", t->name);
        TRY(buf_run(c, tx, b));
    }
    return E_OK;
}

static enum err append_only_postgres(struct ctx *c, struct tx *tx, const struct table *t,
                                     struct buf *b)
{
    buf_putz(b, "CREATE OR REPLACE FUNCTION anju_append_only() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$");
    TRY(buf_run(c, tx, b));
    buf_fmt(
        b, "CREATE OR REPLACE TRIGGER \"%s_no_update\" BEFORE UPDATE ON \"%s\" FOR EACH ROW WHEN (",
        t->name, t->name);
    forbidden_sql(b, DB_POSTGRES, t);
    buf_putz(b, ") EXECUTE FUNCTION anju_append_only()");
    TRY(buf_run(c, tx, b));
    buf_fmt(
        b,
        "CREATE OR REPLACE TRIGGER \"%s_no_delete\" BEFORE DELETE ON \"%s\" FOR EACH ROW EXECUTE "
        "FUNCTION anju_append_only()",
        t->name, t->name);
    TRY(buf_run(c, tx, b));
    buf_fmt(
        b,
        "CREATE OR REPLACE TRIGGER \"%s_no_truncate\" BEFORE TRUNCATE ON \"%s\" FOR EACH STATEMENT "
        "EXECUTE FUNCTION anju_append_only()",
        t->name, t->name);
    return buf_run(c, tx, b);
}

static enum err table_bring(struct ctx *c, struct tx *tx, struct plan *p, const struct table *t,
                            struct buf *b)
{
    if (found_has(p, t->name, NULL)) {
        TRY(columns_add(c, tx, p, t, b));
    } else {
        table_sql(b, tx->db->engine->id, t);
        TRY(buf_run(c, tx, b));
        p->upgraded = true;
    }
    for (size_t i = 0; i < t->nindexes; i++) {
        const struct index *x = &t->indexes[i];
        buf_fmt(b, "CREATE %sINDEX IF NOT EXISTS \"%s\" ON \"%s\" (%s)", x->unique ? "UNIQUE " : "",
                x->name, t->name, x->columns);
        if (x->where)
            buf_fmt(b, " WHERE %s", x->where);
        TRY(buf_run(c, tx, b));
    }
    bool made = false;
    if (t->words)
        TRY(words_create(c, tx, t, &made));
    p->upgraded |= made;
    if (!t->append_only)
        return E_OK;
    return tx->db->engine->id == DB_SQLITE ? append_only_sqlite(c, tx, t, b)
                                           : append_only_postgres(c, tx, t, b);
}

static enum err own_tables(struct ctx *c, struct tx *tx)
{
    static const char *const sql[][2] = {
        {"CREATE TABLE IF NOT EXISTS schema_mark (id INTEGER PRIMARY KEY, mark TEXT NOT NULL, "
         "program TEXT NOT NULL) STRICT",
         "CREATE TABLE IF NOT EXISTS schema_mark (id BIGINT PRIMARY KEY, mark TEXT NOT NULL, "
         "program TEXT NOT NULL)"},
        {"CREATE TABLE IF NOT EXISTS schema_fixup (number INTEGER PRIMARY KEY, why TEXT NOT NULL, "
         "at_ms INTEGER NOT NULL) STRICT",
         "CREATE TABLE IF NOT EXISTS schema_fixup (number BIGINT PRIMARY KEY, why TEXT NOT NULL, "
         "at_ms BIGINT NOT NULL)"}};
    for (size_t i = 0; i < COUNT_OF(sql); i++)
        TRY(tx_exec_text(c, tx, sql[i][tx->db->engine->id]));
    return E_OK;
}

static enum err tables_run(struct ctx *c, struct tx *tx, void *arg)
{
    struct plan *p = arg;
    struct buf b;
    buf_init(&b, c->mem, SQL_MAX);
    p->upgraded = false;
    TRY(own_tables(c, tx));
    TRY(found_read(c, tx, p));
    TRY(newer_refuse(c, p));
    for (size_t i = 0; i < p->ntables; i++)
        TRY(table_bring(c, tx, p, &p->tables[i], &b));
    return E_OK;
}

/* --- fixups and the end --- */
static enum err fixup_run(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct query done = {
        "schema.fixup", "INSERT INTO schema_fixup (number, why, at_ms) VALUES ($1, $2, $3)"};
    const struct fixup *f = arg;
    TRY(f->run(c, tx));
    return q_do(c, tx, &done, IN(v_int(f->number), v_text(str_of(f->why)), v_int(c->now_ms)), NULL);
}

static enum err mark_write(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct query put = {
        "schema.mark.put",
        "INSERT INTO schema_mark (id, mark, program) VALUES (1, $1, $2) "
        "ON CONFLICT (id) DO UPDATE SET mark = excluded.mark, program = excluded.program"};
    const struct plan *p = arg;
    struct str program = arena_fmt(c->mem, "%zu tables, fixup %d", p->ntables, fixup_highest(p));
    return q_do(c, tx, &put, IN(v_text(p->mark), v_text(program)), NULL);
}

static enum err plan_run(struct db *db, struct ctx *c, struct plan *p)
{
    TRY(db_write(db, c, tables_run, p));
    if (p->upgraded)
        log_line(LOG_INFO, "db", "schema brought up to date: %zu tables", p->ntables);
    for (size_t i = 0; i < p->nfixups; i++) {
        struct fixup f = p->fixups[i];
        if (f.number <= p->done)
            continue;
        TRY(db_write(db, c, fixup_run, &f));
        log_line(LOG_INFO, "db", "fixup %d done: %s", f.number, f.why);
    }
    return db_write(db, c, mark_write, p);
}

enum err db_migrate(struct db *db, struct ctx *c, const struct table *tables, size_t ntables,
                    const struct fixup *fixups, size_t nfixups)
{
    struct plan p = {.tables = tables, .ntables = ntables, .fixups = fixups, .nfixups = nfixups};
    struct str stored;
    for (size_t i = 1; i < nfixups; i++)
        ASSERT(fixups[i].number > fixups[i - 1].number);
    p.mark = mark_of(c, &p);
    TRY(db_read(db, c, mark_read, &stored));
    if (str_eq(stored, p.mark))
        return E_OK;
    if (!db->engine->migrate_lock)
        return plan_run(db, c, &p);
    TRY(db->engine->migrate_lock(db, c));
    enum err e = plan_run(db, c, &p);
    db->engine->migrate_unlock(db);
    return e;
}

enum err db_schema_current(struct db *db, struct ctx *c, const struct table *tables, size_t ntables,
                           const struct fixup *fixups, size_t nfixups, bool *ret)
{
    struct plan p = {.tables = tables, .ntables = ntables, .fixups = fixups, .nfixups = nfixups};
    struct str stored;
    p.mark = mark_of(c, &p);
    TRY(db_read(db, c, mark_read, &stored));
    *ret = str_eq(stored, p.mark);
    return E_OK;
}
