/* migrate_test.c - additive migration on both engines: new columns and indexes keep the rows, a
 * second run does nothing, fixups run once and in order, a half-done start goes on, a newer
 * database is refused. */
#include "base/crypto.h"
#include "db/test/fixture.h"

static const struct column v1_columns[] = {{"id", COL_INT, true, NULL},
                                           {"name", COL_TEXT, true, NULL}};
static const struct column v2_columns[] = {{"id", COL_INT, true, NULL},
                                           {"name", COL_TEXT, true, NULL},
                                           {"floor", COL_INT, true, "3"},
                                           {"note", COL_TEXT, false, NULL}};
static const struct column bad_columns[] = {
    {"id", COL_INT, true, NULL}, {"name", COL_TEXT, true, NULL}, {"floor", COL_INT, true, NULL}};
static const struct column link_columns[] = {{"code", COL_TEXT, true, NULL},
                                             {"data", COL_BLOB, false, NULL}};
static const struct index v2_indexes[] = {{"space_name", "floor, name", "floor > 0", true}};
static const struct table v1[] = {
    {"space", v1_columns, COUNT_OF(v1_columns), "id", NULL, 0, NULL, NULL}};
static const struct table bad[] = {
    {"space", bad_columns, COUNT_OF(bad_columns), "id", NULL, 0, NULL, NULL}};
static const struct table v2[] = {
    {"space", v2_columns, COUNT_OF(v2_columns), "id", v2_indexes, COUNT_OF(v2_indexes), NULL, NULL},
    {"link", link_columns, COUNT_OF(link_columns), "code", NULL, 0, NULL, NULL}};

static enum err fix_floor(struct ctx *c, struct tx *tx)
{
    return tx_exec_text(c, tx, "UPDATE space SET floor = floor + 1");
}
static enum err fix_note(struct ctx *c, struct tx *tx)
{
    return tx_exec_text(c, tx, "UPDATE space SET note = 'F' WHERE floor = 4");
}
static const struct fixup fixups[] = {{1, "count floors from one", fix_floor},
                                      {2, "mark the fourth floor", fix_note}};

#define MIGRATE(f, t, x, n)                                                                        \
    (fault_clear(&(f)->c), db_migrate((f)->db, &(f)->c, t, COUNT_OF(t), x, n))

static void test_additive(void **state)
{
    (void)state;
    struct fix *f = fix_open((struct db_options){0});
    assert_int_equal(MIGRATE(f, v1, NULL, 0), E_OK);
    assert_int_equal(fix_sql(f, "INSERT INTO space (id, name) VALUES (1, '一号楼')"), E_OK);
    assert_int_equal(MIGRATE(f, bad, NULL, 0), E_INTERNAL);
    assert_int_equal(MIGRATE(f, v2, fixups, 2), E_OK);
    assert_int_equal(
        fix_number(f, "SELECT count(*) FROM space WHERE name = '一号楼' AND note = 'F'"), 1);
    assert_int_equal(fix_number(f, "SELECT floor FROM space"), 4);
    assert_int_equal(fix_sql(f, "INSERT INTO space (id, name, floor) VALUES (2, '一号楼', 4)"),
                     E_EXISTS);
    struct db_stats before, after;
    db_stats_get(f->db, &before);
    assert_int_equal(MIGRATE(f, v2, fixups, 2), E_OK);
    db_stats_get(f->db, &after);
    assert_int_equal(after.writes, before.writes);
    assert_int_equal(fix_number(f, "SELECT floor FROM space"), 4);
    assert_int_equal(MIGRATE(f, v1, NULL, 0), E_STATE);
    assert_true(f->c.fault.message.n > 0);
    assert_int_equal(MIGRATE(f, v1, fixups, 2), E_STATE);
    assert_int_equal(MIGRATE(f, v2, fixups, 1), E_STATE);
    assert_int_equal(MIGRATE(f, v2, fixups, 2), E_OK);
    fix_close(f);
}

/* Breaks the start at every statement in turn; the next start always finishes the work. */
static void test_interrupted(void **state)
{
    (void)state;
    struct fix *f = fix_open((struct db_options){0});
    assert_int_equal(MIGRATE(f, v1, NULL, 0), E_OK);
    assert_int_equal(fix_sql(f, "INSERT INTO space (id, name) VALUES (1, 'a')"), E_OK);
    enum err e = E_DB;
    int n = 1;
    for (; e != E_OK; n++) {
        db_fault_nth(f->db, DB_FAULT_STATEMENT, n);
        e = MIGRATE(f, v2, fixups, 2);
        db_fault_nth(f->db, DB_FAULT_NONE, 0);
        assert_true(e == E_OK || e == E_DB);
    }
    assert_true(n > 8);
    assert_int_equal(fix_number(f, "SELECT floor FROM space"), 4);
    assert_int_equal(fix_number(f, "SELECT count(*) FROM schema_fixup"), 2);
    fix_close(f);
}

struct start {
    struct fix *f;
    struct thread *thread;
    enum err result;
};

static void start_thread(void *arg)
{
    struct start *s = arg;
    struct ctx c = ctx_make();
    struct db *db = NULL;
    s->result = db_open(&c, s->f->url, NULL, &db);
    if (s->result == E_OK)
        s->result = db_migrate(db, &c, v2, COUNT_OF(v2), NULL, 0);
    db_close(db);
    arena_free(c.mem);
}

static void test_two_at_once(void **state)
{
    (void)state;
    struct fix *f = fix_open((struct db_options){0});
    struct start s[4];
    for (int i = 0; i < 4; i++) {
        s[i] = (struct start){.f = f};
        s[i].thread = thread_start("start", start_thread, &s[i]);
    }
    for (int i = 0; i < 4; i++) {
        thread_join(s[i].thread);
        assert_int_equal(s[i].result, E_OK);
    }
    assert_int_equal(fix_number(f, "SELECT count(*) FROM schema_mark"), 1);
    fix_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_additive),
                                       cmocka_unit_test(test_interrupted),
                                       cmocka_unit_test(test_two_at_once)};
    crypto_start();
    return RUN_BOTH(tests);
}
