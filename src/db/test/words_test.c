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
    a->bits = 0;
    return q_each(c, tx, q, IN(db_words_ask(tx_db(tx), c->mem, a->w, a->n)), hit, a);
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_follows),
                                       cmocka_unit_test(test_comes_later),
                                       cmocka_unit_test(test_copied)};
    crypto_start();
    return RUN_BOTH(tests);
}
