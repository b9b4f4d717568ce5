/* words.c - the one index that the engines do not share: which rows hold all of these words. The
 * words are in an ordinary column, made by whoever writes it (core/grams.h), so both engines find
 * the same rows; only the index over the column and the question to it differ.
 *
 * SQLite: an FTS5 table beside the column, without positions, told of each change by
 * db_words_moved: triggers may not write to it while the schema of a file is not trusted
 * (sqlite.c). It flushes at every savepoint, so many rows in one unit of work are far cheaper than
 * one. PostgreSQL: GIN, which needs nobody. */
#include "db/engine.h"
#include <string.h>

static enum err run(struct ctx *c, struct tx *tx, const char *fmt, const struct table *t)
{
    struct str sql = str_of(fmt);
    struct buf b;
    buf_init(&b, c->mem, 4000);
    while (sql.n) { /* @: the table, #: the column */
        char ch = sql.p[0];
        if (ch == '@' || ch == '#')
            buf_putz(&b, ch == '@' ? t->name : t->words);
        else
            buf_putc(&b, ch);
        sql = str_sub(sql, 1, sql.n);
    }
    ASSERT(!b.full);
    return tx_exec_text(c, tx, str_z(c->mem, buf_str(&b)));
}

static enum err create_sqlite(struct ctx *c, struct tx *tx, const struct table *t)
{
    static const char *const sql[] = {
        "CREATE VIRTUAL TABLE \"@_words\" USING fts5(#, content='@', content_rowid='id', "
        "detail=none, columnsize=0, tokenize=\"ascii tokenchars '_'\")",
        "INSERT INTO \"@_words\" (\"@_words\") VALUES ('rebuild')"};
    for (size_t i = 0; i < COUNT_OF(sql); i++)
        TRY(run(c, tx, sql[i], t));
    return E_OK;
}

static const struct query there[2] = {
    [DB_SQLITE] = {"words.there", "SELECT 1 FROM sqlite_schema WHERE name = $1"},
    [DB_POSTGRES] = {"words.there", "SELECT 1 FROM pg_class WHERE oid = to_regclass($1)"}};

enum err words_create(struct ctx *c, struct tx *tx, const struct table *t, bool *ret_made)
{
    struct val one, name = v_text(arena_fmt(c->mem, "%s_words", t->name));
    enum err e = q_one(c, tx, &there[tx->db->engine->id], &name, 1, &one, 1);
    *ret_made = e == E_MISSING;
    if (e != E_MISSING)
        return e;
    ASSERT(strcmp(t->primary_key, "id") == 0);
    return tx->db->engine->id == DB_SQLITE ? create_sqlite(c, tx, t)
                                           : run(c, tx,
                                                 "CREATE INDEX \"@_words\" ON \"@\" USING GIN "
                                                 "(array_to_tsvector(string_to_array(#, ' ')))",
                                                 t);
}

enum err words_drop_all(struct ctx *c, struct tx *tx)
{
    static const struct query all = {
        "words.all",
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'virtual'"};
    struct rows rows;
    if (tx->db->engine->id != DB_SQLITE)
        return E_OK;
    TRY(q_rows(c, tx, &all, IN0, 100, &rows));
    for (size_t i = 0; i < rows.n; i++)
        TRY(tx_exec_text(
            c, tx, str_z(c->mem, arena_fmt(c->mem, "DROP TABLE \"" PRS "\"", PRA(rows.v[i].s)))));
    return E_OK;
}

enum err db_words_moved(struct ctx *c, struct tx *tx, const char *table, const char *words,
                        int64_t id, struct val old, struct val neu)
{
    if (tx->db->engine->id != DB_SQLITE)
        return E_OK;
    const struct query *out = db_intern(
        tx->db, S("words.out"),
        arena_fmt(c->mem, "INSERT INTO %s_words (%s_words, rowid, %s) VALUES ('delete', $1, $2)",
                  table, table, words));
    const struct query *in = db_intern(
        tx->db, S("words.in"),
        arena_fmt(c->mem, "INSERT INTO %s_words (rowid, %s) VALUES ($1, $2)", table, words));
    if (!out || !in)
        return db_fail(c, E_BUSY, __FILE__);
    if (old.t == V_TEXT)
        TRY(q_do(c, tx, out, IN(v_int(id), old), NULL));
    return neu.t == V_TEXT ? q_do(c, tx, in, IN(v_int(id), neu), NULL) : E_OK;
}

struct str db_words_hits(struct db *db, struct arena *a, const char *table, const char *words,
                         int param)
{
    if (db->engine->id == DB_SQLITE)
        return arena_fmt(a, "SELECT rowid AS hit FROM %s_words WHERE %s_words MATCH $%d", table,
                         table, param);
    return arena_fmt(
        a,
        "SELECT id AS hit FROM %s WHERE array_to_tsvector(string_to_array(%s, ' ')) @@ "
        "CAST($%d AS tsquery)",
        table, words, param);
}

struct val db_words_ask(struct db *db, struct arena *a, const struct word *w, size_t n)
{
    bool sqlite = db->engine->id == DB_SQLITE;
    struct buf b;
    buf_init(&b, a, 4000);
    ASSERT(n);
    for (size_t i = 0; i < n; i++) { /* words hold no quotes: nothing to escape */
        ASSERT(w[i].text.n && str_find(w[i].text, S("'")) < 0 && str_find(w[i].text, S("\"")) < 0);
        buf_putz(&b, !i ? "" : sqlite ? " AND " : " & ");
        buf_fmt(&b, sqlite ? "\"" PRS "\"%s" : "'" PRS "'%s", PRA(w[i].text),
                !w[i].begins ? ""
                : sqlite     ? "*"
                             : ":*");
    }
    ASSERT(!b.full);
    return v_text(buf_str(&b));
}

/* The first line of a plan: "Gather  (cost=1000.00..2000.00 rows=218955 width=0)". */
static int64_t planned_rows(struct str plan)
{
    ptrdiff_t at = str_find(plan, S("rows="));
    int64_t n = 0;
    for (size_t i = at < 0 ? plan.n : (size_t)at + 5;
         i < plan.n && plan.p[i] >= '0' && plan.p[i] <= '9' && n < INT64_C(1000000000000); i++)
        n = n * 10 + (plan.p[i] - '0');
    return n;
}

enum err db_words_many(struct ctx *c, struct tx *tx, struct str hits, struct val words,
                       int64_t most, bool *ret)
{
    struct rows plan;
    *ret = false;
    if (tx_db(tx)->engine->id == DB_SQLITE)
        return E_OK;
    const struct query *q = db_query(tx_db(tx), c->mem, S("words.estimate"),
                                     arena_fmt(c->mem, "EXPLAIN " PRS, PRA(hits)));
    if (!q)
        return db_fail(c, E_BUSY, __FILE__);
    TRY(q_rows(c, tx, q, IN(words), 100, &plan));
    *ret = plan.n && planned_rows(val_str(plan.v[0])) > most;
    return E_OK;
}
