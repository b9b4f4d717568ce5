/* words.c - the one index that the engines do not share: which rows hold all of these words. The
 * words are in an ordinary column, made by whoever writes it (core/grams.h), so both engines find
 * the same rows; only the index over the column and the question to it differ.
 *
 * SQLite: an FTS5 table beside the column, without positions, told of each change by
 * db_words_moved: triggers may not write to it while the schema of a file is not trusted
 * (sqlite.c). It flushes at every savepoint, so many rows in one unit of work are far cheaper than
 * one. It hands out hits one by one, newest first.
 *
 * PostgreSQL: GIN, which needs nobody, but hands out all hits at once and in no order: of a word
 * that a fifth of a million rows say, that takes seconds. So the index knows when a row is from.
 * Ids begin with a time (core/id.c): each word is indexed with the age of its row, the id's first
 * bits (50 days: 水=8), and beside the words stand longer beginnings of the id, =a1f (4 s) to =e2
 * (3 days). A question is asked of the newest stretch of ids that holds as many hits as are wanted
 * (db_words_window). What came last waits in a list beside the index, which every question reads
 * whole: it is kept short, and emptied when nothing more is to be indexed. docs/why/0092. */
#include "db/engine.h"
#include <string.h>

enum {
    AGE_SHIFT = 44, /* bits of an id below its age */
    SHIFT_LOW = 24, /* … below its longest beginning */
    STEP = 4,       /* bits that one beginning is shorter than the next */
    ALONE = 40      /* from here on a stretch is long, and asked about by itself */
};

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

/* What PostgreSQL indexes of a row: a=7 b=7 =a1f … =e2. */
static struct str dated(struct arena *a, const char *column)
{
    struct buf b;
    buf_init(&b, a, 1000);
    buf_fmt(&b,
            "array_to_tsvector(string_to_array(replace(%s, ' ', '=' || to_hex(id >> %d) || ' ') || "
            "'=' || to_hex(id >> %d)",
            column, AGE_SHIFT, AGE_SHIFT);
    for (int shift = SHIFT_LOW; shift < AGE_SHIFT; shift += STEP)
        buf_fmt(&b, " || ' =%c' || to_hex(id >> %d)", 'a' + (shift - SHIFT_LOW) / STEP, shift);
    buf_put(&b, S(", ' '))"));
    ASSERT(!b.full);
    return buf_str(&b);
}

static enum err create_postgres(struct ctx *c, struct tx *tx, const struct table *t)
{
    TRY(run(c, tx, "DROP INDEX IF EXISTS \"@_words\"", t)); /* it did not know when */
    return tx_exec_text(c, tx,
                        str_z(c->mem, arena_fmt(c->mem,
                                                "CREATE INDEX \"%s_" WORDS_INDEX
                                                "\" ON \"%s\" USING GIN ((" PRS ")) WITH "
                                                "(gin_pending_list_limit = 256)",
                                                t->name, t->name, PRA(dated(c->mem, t->words)))));
}

enum err words_create(struct ctx *c, struct tx *tx, const struct table *t, bool *ret_made)
{
    bool sqlite = tx->db->engine->id == DB_SQLITE;
    struct val one,
        name = v_text(arena_fmt(c->mem, "%s_%s", t->name, sqlite ? "words" : WORDS_INDEX));
    enum err e = q_one(c, tx, &there[tx->db->engine->id], &name, 1, &one, 1);
    *ret_made = e == E_MISSING;
    if (e != E_MISSING)
        return e;
    ASSERT(strcmp(t->primary_key, "id") == 0);
    return sqlite ? create_sqlite(c, tx, t) : create_postgres(c, tx, t);
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

enum err db_words_settle(struct ctx *c, struct tx *tx, const char *table)
{
    struct val pages;
    if (tx->db->engine->id != DB_POSTGRES)
        return E_OK;
    const struct query *q = db_intern(
        tx->db, S("words.settle"),
        arena_fmt(c->mem, "SELECT gin_clean_pending_list(CAST('%s_" WORDS_INDEX "' AS regclass))",
                  table));
    return q ? q_one(c, tx, q, IN0, &pages, 1) : db_fail(c, E_BUSY, __FILE__);
}

struct str db_words_hits(struct db *db, struct arena *a, const char *table, const char *words,
                         int param)
{
    if (db->engine->id == DB_SQLITE)
        return arena_fmt(a, "SELECT rowid AS hit FROM %s_words WHERE %s_words MATCH $%d", table,
                         table, param);
    /* A materialized part is planned to be read whole: by the index, not by looking for the first
     * rows that will do among all. */
    return arena_fmt(a,
                     "WITH held AS MATERIALIZED (SELECT id AS hit FROM %s WHERE " PRS
                     " @@ CAST($%d AS tsquery)) SELECT hit FROM held",
                     table, PRA(dated(a, words)), param);
}

struct str db_words_join(struct db *db, struct arena *a, struct str hits, const char *table)
{
    if (db->engine->id == DB_SQLITE)
        return arena_fmt(a, "(" PRS ") h CROSS JOIN %s", PRA(hits), table);
    /* OFFSET 0 keeps the planner from going through the table instead, in search of the first few
     * that are hits: there may be none. */
    return arena_fmt(a,
                     "(" PRS ") h CROSS JOIN LATERAL (SELECT * FROM %s WHERE id = h.hit OFFSET 0) "
                     "%s",
                     PRA(hits), table, table);
}

/* "a" AND "b"*, or of one age 'a=7' & 'b':*. Words hold no quotes: nothing to escape. */
static struct str ask_of(struct db *db, struct arena *a, const struct word *w, size_t n,
                         int64_t age)
{
    bool sqlite = db->engine->id == DB_SQLITE;
    struct buf b;
    buf_init(&b, a, 4000);
    ASSERT(n);
    for (size_t i = 0; i < n; i++) {
        ASSERT(w[i].text.n && str_find(w[i].text, S("'")) < 0 && str_find(w[i].text, S("\"")) < 0);
        buf_putz(&b, !i ? "" : sqlite ? " AND " : " & ");
        if (sqlite)
            buf_fmt(&b, "\"" PRS "\"%s", PRA(w[i].text), w[i].begins ? "*" : "");
        else if (w[i].begins)
            buf_fmt(&b, "'" PRS "':*", PRA(w[i].text));
        else
            buf_fmt(&b, "'" PRS "=%llx'", PRA(w[i].text), (unsigned long long)age);
    }
    ASSERT(!b.full);
    return buf_str(&b);
}

/* --- PostgreSQL: the newest stretch of ids that holds enough hits --- */

struct walk {
    struct ctx *c;
    struct tx *tx;
    const struct query *count;
    const struct word *w;
    size_t n;
    struct buf ask; /* the stretches taken, of one age each: (…) | (…) */
    int64_t few, want, hits, from;
};

static bool is_done(const struct walk *w)
{
    return w->hits >= w->want;
}

/* The hits in the beginnings hi … lo. */
static struct str ask_stretch(struct walk *w, int shift, int64_t hi, int64_t lo)
{
    struct buf b;
    buf_init(&b, w->c->mem, 8000);
    buf_putc(&b, '(');
    buf_put(&b, ask_of(tx_db(w->tx), w->c->mem, w->w, w->n, hi >> (AGE_SHIFT - shift)));
    for (int64_t i = hi; i >= lo && shift < AGE_SHIFT; i--)
        buf_fmt(&b, "%s'=%c%llx'", i == hi ? " & (" : "|", 'a' + (shift - SHIFT_LOW) / STEP,
                (unsigned long long)i);
    buf_putz(&b, shift < AGE_SHIFT ? "))" : ")");
    ASSERT(!b.full);
    return buf_str(&b);
}

/* How many rows are held, few + 1 at most. */
static enum err probe(struct walk *w, struct str ask, int64_t *ret)
{
    struct val n;
    TRY(q_one(w->c, w->tx, w->count, IN(v_text(ask), v_int(w->few + 1)), &n, 1));
    *ret = val_int(n);
    return E_OK;
}

static void put(struct walk *w, struct str ask, int64_t hits)
{
    if (hits && w->ask.n)
        buf_putz(&w->ask, " | ");
    if (hits)
        buf_put(&w->ask, ask);
    w->hits += hits;
}

/* Takes the beginnings hi … lo, all of one age, newest first, until it is done: whole where they
 * hold few hits, else their newer parts first. */
static enum err take(struct walk *w, int shift, int64_t hi, int64_t lo)
{
    int64_t n;
    for (; shift >= ALONE && hi > lo && !is_done(w); hi--)
        TRY(take(w, shift, hi, hi));
    if (is_done(w))
        return E_OK;
    struct str ask = ask_stretch(w, shift, hi, lo);
    TRY(probe(w, ask, &n));
    if (n > w->few && hi > lo) {
        int64_t mid = lo + (hi - lo + 1) / 2;
        TRY(take(w, shift, hi, mid));
        return is_done(w) ? E_OK : take(w, shift, mid - 1, lo);
    }
    if (n > w->few && shift > SHIFT_LOW)
        return take(w, shift - STEP, hi << STEP | ((1 << STEP) - 1), hi << STEP);
    put(w, ask, n);
    w->from = lo << shift;
    return E_OK;
}

/* The long stretches b … lo of an age: together where the age says it seldom, so that they need not
 * be asked about one by one. */
static enum err take_rest(struct walk *w, int64_t b, int64_t lo)
{
    int64_t n, age = b >> STEP;
    TRY(probe(w, ask_stretch(w, AGE_SHIFT, age, age), &n));
    if (n > w->few)
        return take(w, ALONE, b, lo);
    put(w, ask_stretch(w, ALONE, b, lo),
        n); /* n may count what was taken already: at most too soon */
    w->from = lo << ALONE;
    return E_OK;
}

/* before's own age by stretches that grow, the newest being the shortest; older ages as they are.
 */
static enum err walk(struct walk *w, int64_t before, int64_t oldest)
{
    int64_t b = (before - 1) >> SHIFT_LOW;
    for (int shift = SHIFT_LOW; shift <= AGE_SHIFT && b >= 0 && !is_done(w); shift += STEP) {
        int64_t lo = shift < AGE_SHIFT ? b >> STEP << STEP : oldest >> AGE_SHIFT;
        if (b >= lo)
            TRY(shift == ALONE ? take_rest(w, b, lo) : take(w, shift, b, lo));
        b = b / (1 << STEP) - 1;
    }
    return E_OK;
}

/* All hits, not looked at. */
static void all_ages(struct walk *w, int64_t newest, int64_t oldest)
{
    for (int64_t age = newest >> AGE_SHIFT; age >= oldest >> AGE_SHIFT; age--)
        put(w, ask_stretch(w, AGE_SHIFT, age, age), 1);
}

static enum err window_postgres(struct walk *w, const char *table, const char *words,
                                int64_t before, struct words_window *ret)
{
    struct ctx *c = w->c;
    struct db *db = tx_db(w->tx);
    struct val ends[2];
    const struct query *q = db_query(db, c->mem, S("words.ends"),
                                     arena_fmt(c->mem, "SELECT min(id), max(id) FROM %s", table));
    w->count = db_query(db, c->mem, S("words.probe"),
                        arena_fmt(c->mem,
                                  "SELECT count(*) FROM (SELECT 1 FROM (" PRS ") h LIMIT $2) few",
                                  PRA(db_words_hits(db, c->mem, table, words, 1))));
    if (!q || !w->count)
        return db_fail(c, E_BUSY, __FILE__);
    TRY(q_one(c, w->tx, q, IN0, ends, 2));
    if (ends[0].t != V_INT || before < 1) { /* no rows, or a page mark somebody made up */
        ret->ask = v_null();
        return E_OK;
    }
    if (w->want)
        TRY(walk(w, val_int(ends[1]) < before ? val_int(ends[1]) + 1 : before, val_int(ends[0])));
    else
        all_ages(w, val_int(ends[1]), val_int(ends[0]));
    if (w->ask.full)
        return FAIL(c, E_TOOBIG, "搜索范围太大,请写得更具体", "the search is too wide; say more");
    ret->last = !w->want || !is_done(w);
    ret->from = ret->last ? 0 : w->from;
    ret->ask = w->ask.n ? v_text(buf_str(&w->ask)) : v_null();
    return E_OK;
}

enum err db_words_window(struct ctx *c, struct tx *tx, const char *table, const char *words,
                         const struct word *w, size_t n, int64_t before, int64_t want,
                         struct words_window *ret)
{
    enum { FEW = 200 };
    struct walk walk = {.c = c, .tx = tx, .w = w, .n = n, .want = want};
    *ret = (struct words_window){.ask = v_text(ask_of(tx_db(tx), c->mem, w, n, 0)), .last = true};
    if (tx_db(tx)->engine->id == DB_SQLITE)
        return E_OK;
    walk.few = want > FEW ? want : FEW;
    buf_init(&walk.ask, c->mem, 256 << 10);
    return window_postgres(&walk, table, words, before, ret);
}
