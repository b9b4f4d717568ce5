/* words_test.c - the word index on both engines: it follows what it is told of its column,
 * comes to a table that has rows already, and is made anew for a copy. */
#include "base/crypto.h"
#include "db/test/fixture.h"

static const struct column columns[] = {
    {"id", COL_INT, true, NULL}, {"grams", COL_TEXT, false, NULL}, {"note", COL_TEXT, false, NULL}};
static const struct table bare[] = {
    {.name = "doc", .columns = columns, .ncolumns = COUNT_OF(columns), .primary_key = "id"}};
static const struct table tables[] = {{.name = "doc",
                                       .columns = columns,
                                       .ncolumns = COUNT_OF(columns),
                                       .primary_key = "id",
                                       .words = "grams"}};

struct asked {
    const struct word *w;
    size_t n;
    int64_t bits; /* 1 << id of each hit */
};

static enum err hit(struct ctx *c, const struct val *row, int ncol, void *arg)
{
    (void)c;
    (void)ncol;
    ((struct asked *)arg)->bits |= INT64_C(1) << val_int(row[0]);
    return E_OK;
}

static enum err ask(struct ctx *c, struct tx *tx, void *arg)
{
    struct asked *a = arg;
    struct str sql = db_words_hits(tx_db(tx), c->mem, "doc", "grams", 1);
    const struct query *q = db_query(tx_db(tx), c->mem, S("test.words"), sql);
    struct words_window all;
    a->bits = 0;
    TRY(db_words_window(c, tx, "doc", "grams", a->w, a->n, INT64_MAX, 0, &all));
    assert_true(all.last);
    if (all.ask.t != V_TEXT)
        return E_OK;
    return q_each(c, tx, q, IN(all.ask), hit, a);
}

static int64_t hits(struct fix *f, const char *one, const char *two, bool begins)
{
    struct word w[2] = {{str_of(one), begins}, {str_of(two ? two : ""), false}};
    struct asked a = {.w = w, .n = two ? 2 : 1};
    fault_clear(&f->c);
    assert_int_equal(db_read(f->db, &f->c, ask, &a), E_OK);
    return a.bits;
}

#define MIGRATE(f, t) (fault_clear(&(f)->c), db_migrate((f)->db, &(f)->c, t, COUNT_OF(t), NULL, 0))
#define RUN(f, sql)   assert_int_equal(fix_sql(f, sql), E_OK)

struct change {
    int64_t id;
    const char *words; /* NULL: none */
};

static struct val words_or_null(const char *z)
{
    return z ? v_text(str_of(z)) : v_null();
}

static enum err change(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct query said = {"test.said", "SELECT grams FROM doc WHERE id = $1"};
    static const struct query put = {
        "test.put", "INSERT INTO doc (id, grams) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET "
                    "grams = excluded.grams"};
    const struct change *k = arg;
    struct val old = v_null(), neu = words_or_null(k->words);
    enum err e = q_one(c, tx, &said, IN(v_int(k->id)), &old, 1);
    if (e != E_OK && e != E_MISSING)
        return e;
    TRY(db_words_moved(c, tx, "doc", "grams", k->id, old, neu));
    return q_do(c, tx, &put, IN(v_int(k->id), neu), NULL);
}

static void say(struct fix *f, int64_t id, const char *words)
{
    struct change k = {id, words};
    fault_clear(&f->c);
    assert_int_equal(db_write(f->db, &f->c, change, &k), E_OK);
}

static void test_follows(void **state)
{
    (void)state;
    struct fix *f = fix_open((struct db_options){0});
    assert_int_equal(MIGRATE(f, tables), E_OK);
    say(f, 1, "_m_7 管漏 漏水 水管");
    say(f, 2, "_m_7 b12 水管");
    say(f, 3, NULL);
    say(f, 4, "");
    assert_int_equal(hits(f, "水管", NULL, false), 1 << 1 | 1 << 2);
    assert_int_equal(hits(f, "漏水", "水管", false), 1 << 1);
    assert_int_equal(hits(f, "水管", "_m_7", false), 1 << 1 | 1 << 2);
    assert_int_equal(hits(f, "水管", "_m_8", false), 0);
    assert_int_equal(hits(f, "水", NULL, false), 0);
    assert_int_equal(hits(f, "水", NULL, true), 1 << 1 | 1 << 2);
    assert_int_equal(hits(f, "b1", NULL, true), 1 << 2);
    assert_int_equal(hits(f, "m", NULL, true), 0); /* "_m_7" is one word */
    say(f, 2, "_m_7 电梯");
    say(f, 3, "_m_7 电梯");
    assert_int_equal(hits(f, "水管", NULL, false), 1 << 1);
    assert_int_equal(hits(f, "电梯", NULL, false), 1 << 2 | 1 << 3);
    say(f, 2, NULL);
    assert_int_equal(hits(f, "电梯", NULL, false), 1 << 3);
    say(f, 1, "");
    say(f, 3, "门禁");
    assert_int_equal(hits(f, "水", NULL, true), 0);
    assert_int_equal(hits(f, "门禁", NULL, false), 1 << 3);
    assert_int_equal(fix_number(f, "SELECT count(*) FROM doc"), 4);
    fix_close(f);
}

static void test_comes_later(void **state)
{
    (void)state;
    struct fix *f = fix_open((struct db_options){0});
    assert_int_equal(MIGRATE(f, bare), E_OK);
    RUN(f, "INSERT INTO doc (id, grams) VALUES (1, '漏水'), (2, NULL)");
    enum err e = E_DB;
    for (int n = 1; e != E_OK; n++) { /* interrupted anywhere, the next start finishes it */
        db_fault_nth(f->db, DB_FAULT_STATEMENT, n);
        e = MIGRATE(f, tables);
        db_fault_nth(f->db, DB_FAULT_NONE, 0);
    }
    assert_int_equal(hits(f, "漏水", NULL, false), 1 << 1);
    say(f, 1, "电梯");
    say(f, 2, "电梯");
    assert_int_equal(hits(f, "漏水", NULL, false), 0);
    assert_int_equal(hits(f, "电梯", NULL, false), 1 << 1 | 1 << 2);
    fix_close(f);
}

/* A copy holds the rows alone; its index comes with its first start, also over an older one. */
static void test_copied(void **state)
{
    (void)state;
    struct fix *f = fix_open((struct db_options){0});
    struct fix to = {.c = ctx_make()};
    struct db_sums sums;
    char path[] = "/tmp/anju-words-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    snprintf(to.url, sizeof to.url, "sqlite:%s", path);
    assert_int_equal(db_open(&to.c, to.url, NULL, &to.db), E_OK);
    assert_int_equal(MIGRATE(f, tables), E_OK);
    for (int i = 1; i <= 2; i++) {
        say(f, 1, i == 1 ? "漏水" : "电梯");
        assert_int_equal(db_copy(&f->c, f->db, to.db, "", i > 1, &sums), E_OK);
        assert_int_equal(sums.n, 2); /* doc, schema_fixup: nothing of an index */
        assert_int_equal(MIGRATE(&to, tables), E_OK);
        assert_int_equal(hits(&to, "漏水", NULL, false), i == 1 ? 1 << 1 : 0);
        assert_int_equal(hits(&to, "电梯", NULL, false), i == 1 ? 0 : 1 << 1);
    }
    db_close(to.db);
    unlink(path);
    arena_free(to.c.mem);
    fix_close(f);
}

/* --- windows: rows of many ages, some of one moment, asked for newest first --- */

enum { DOCS = 3000 };
struct docs {
    int64_t id[DOCS]; /* rising */
    const char *asked;
    int64_t want;
    int found;
};

static bool says(int i, const char *word)
{
    return strcmp(word, "all") == 0 || (strcmp(word, "third") == 0 && i % 3 == 0) ||
           (strcmp(word, "old") == 0 && i < 500) || (strcmp(word, "one") == 0 && i == 1234);
}

static enum err docs_make(struct ctx *c, struct tx *tx, void *arg)
{
    static const int steps[] = {1, 1, 1, 4, 12, 20, 27, 33, 36, 38, 40, 41}; /* bits between ids */
    struct docs *d = arg;
    uint32_t lot = 7;
    for (int i = 0; i < DOCS; i++) {
        lot = lot * 1664525u + 1013904223u;
        bool together = i > 1000 && i < 1800; /* brought in at once */
        int bits = together ? 1 : steps[lot >> 8 & 7] + (lot >> 16 & 63 ? 0 : 8);
        d->id[i] = (i ? d->id[i - 1] : INT64_C(1) << 40) + (INT64_C(1) << bits);
        char words[60];
        snprintf(words, sizeof words, "all%s%s%s", says(i, "old") ? " old" : "",
                 says(i, "one") ? " one" : "", says(i, "third") ? " third" : "");
        TRY(db_words_moved(c, tx, "doc", "grams", d->id[i], v_null(), v_text(str_of(words))));
        static const struct query put = {"test.doc", "INSERT INTO doc (id, grams) VALUES ($1, $2)"};
        TRY(q_do(c, tx, &put, IN(v_int(d->id[i]), v_text(str_of(words))), NULL));
    }
    return E_OK;
}

/* Window by window exactly the rows that say it, each once, none out of its window. */
static enum err docs_walk(struct ctx *c, struct tx *tx, void *arg)
{
    struct docs *d = arg;
    struct word w = {str_of(d->asked), false};
    struct str hits = db_words_hits(tx_db(tx), c->mem, "doc", "grams", 1);
    const struct query *q = db_query(
        tx_db(tx), c->mem, S("test.window"),
        arena_fmt(c->mem, "SELECT hit FROM (" PRS ") h WHERE hit < $2 ORDER BY hit DESC LIMIT 5000",
                  PRA(hits)));
    int64_t before = d->id[DOCS - 1] - 5; /* as a next page begins */
    struct words_window win;
    TRY(db_words_window(c, tx, "doc", "grams", &w, 1, INT64_MIN, d->want, &win));
    assert_true(win.last); /* nobody's page: a mark that was made up */
    win.last = false;
    int at = DOCS - 1;
    while (!win.last) {
        struct rows rows;
        TRY(db_words_window(c, tx, "doc", "grams", &w, 1, before, d->want, &win));
        assert_true(win.from < before || win.last);
        rows = (struct rows){0};
        if (win.ask.t == V_TEXT)
            TRY(q_rows(c, tx, q, IN(win.ask, v_int(before)), 5000, &rows));
        for (size_t i = 0; i < rows.n; i++, d->found++) {
            assert_true(val_int(rows.v[i]) >= win.from && val_int(rows.v[i]) < before);
            while (d->id[at] >= before || !says(at, d->asked))
                at--;
            assert_int_equal(val_int(rows.v[i]), d->id[at]);
            at--;
        }
        before = win.from;
        if (!win.last)
            assert_true(rows.n < 1200); /* what came in at once, and no more than is wanted */
    }
    for (; at >= 0; at--)
        assert_false(says(at, d->asked));
    return E_OK;
}

static void test_windows(void **state)
{
    (void)state;
    static const char *const words[] = {"all", "third", "old", "one", "never"};
    static const int64_t wants[] = {1, 7, 51, 400};
    struct fix *f = fix_open((struct db_options){0});
    struct docs *d = heap_get(sizeof *d);
    assert_int_equal(MIGRATE(f, tables), E_OK);
    fault_clear(&f->c);
    assert_int_equal(db_write(f->db, &f->c, docs_make, d), E_OK);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        for (size_t k = 0; k < COUNT_OF(wants); k++) {
            int n = 0;
            d->asked = words[i];
            d->want = wants[k];
            d->found = 0;
            fault_clear(&f->c);
            assert_int_equal(db_read(f->db, &f->c, docs_walk, d), E_OK);
            for (int j = 0; j < DOCS; j++)
                n += says(j, words[i]) && d->id[j] < d->id[DOCS - 1] - 5;
            assert_int_equal(d->found, n);
            arena_reset(f->c.mem);
        }
    heap_free(d);
    fix_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follows), cmocka_unit_test(test_comes_later),
        cmocka_unit_test(test_copied), cmocka_unit_test(test_windows)};
    crypto_start();
    return RUN_BOTH(tests);
}
