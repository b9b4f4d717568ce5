/* job_test.c - work that happens later: the effect of a job and its done mark are one transaction
 * (a fault at every single statement and commit shows it), failures wait and at last are dead, a
 * time slot runs once however often and by however many it is asked for. */
#include "../test/lib/house.h"

#include "base/thread.h"
#include "core/event.h"

/* A room of the test's own: its jobs write skills, which are easy to count. */
static enum err effect(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    (void)app;
    const struct json *j;
    TRY(json_parse(c, data, &j));
    for (int i = 0; i < 2; i++) {
        struct row row = {0};
        row_put(&row, R_COMMUNITY, v_int(json_int(json_get(j, "community"))));
        row_put(&row, SK_NAME, v_text(arena_fmt(c->mem, "skill %d", i)));
        TRY(res_insert(c, tx, &res_skill, &row));
    }
    return E_OK;
}

static enum err broken(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    (void)effect(c, tx, app, data);
    return FAIL(c, E_IO, "坏了", "the neighbour is away");
}

static enum err slot(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    (void)app;
    (void)data;
    struct event e = {.topic = "test.slot", .res = &res_company, .id = 1, .data = S("{}")};
    return tx_emit(c, tx, &e);
}

static const struct job jobs[] = {{"test.effect", 0, effect, NULL},
                                  {"test.fail", 0, broken, NULL},
                                  {"test.slot", 3600, slot, NULL},
                                  {0}};
static const struct module room = {.name = "test", .jobs = jobs};
static const struct module *with_room[16];

static struct house *open_with_room(void)
{
    struct house *h = house_open();
    int n = 0;
    for (; all_modules[n]; n++)
        with_room[n] = all_modules[n];
    with_room[n] = &room;
    h->app.modules = with_room;
    return h;
}

struct order {
    const char *name;
    struct str data, key;
    bool undo;
};

static enum err place(struct ctx *c, struct tx *tx, void *arg)
{
    const struct order *o = arg;
    TRY(tx_job(c, tx, o->name, o->data, 0, o->key));
    return o->undo ? E_STATE : E_OK;
}

static void ask(struct house *h, const char *name)
{
    struct ctx *c = house_as(h, AS_SYSTEM);
    struct order o = {.name = name,
                      .data = arena_fmt(c->mem, "{\"community\":%lld}", (long long)h->a)};
    house_ok(h, db_write(h->app.db, c, place, &o));
}

static int64_t done(struct house *h, const char *name)
{
    return house_number(h, str_z(h->c.mem, arena_fmt(h->c.mem,
                                                     "SELECT count(*) FROM job WHERE state = 1 AND "
                                                     "name = '%s'",
                                                     name)));
}

static int64_t skills(struct house *h)
{
    return house_number(h, "SELECT count(*) FROM skill WHERE name LIKE 'skill %'");
}

static void test_one_transaction(void **state)
{
    (void)state;
    static const enum db_fault kinds[] = {DB_FAULT_STATEMENT, DB_FAULT_COMMIT};
    enum { STATEMENTS = 20, COMMITS = 4 };
    struct house *h = open_with_room();
    jobs_run_due(&h->app, HOUSE_NOW); /* the schedule's own slots are out of the way */
    int64_t jobs_failed = 0, jobs_whole = 0;
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        for (int n = 1; n <= (k ? COMMITS : STATEMENTS); n++) {
            house_sql(h, "DELETE FROM skill");
            house_sql(h, "DELETE FROM job WHERE name = 'test.effect'");
            ask(h, "test.effect");
            db_fault_nth(h->app.db, kinds[k], n);
            jobs_run_due(&h->app, HOUSE_NOW);
            db_fault_nth(h->app.db, DB_FAULT_NONE, 0);
            int64_t marked = done(h, "test.effect");
            assert_int_equal(skills(h), 2 * marked); /* both or neither */
            jobs_failed += marked == 0;
            jobs_whole += marked;
            jobs_run_due(&h->app, HOUSE_NOW + MINUTE_MS);
            assert_int_equal(done(h, "test.effect"), 1);
            assert_int_equal(skills(h), 2);
            arena_reset(h->c.mem);
        }
    assert_true(jobs_failed >= 8); /* the faults did hit, and the last ones came too late */
    assert_true(jobs_whole > 0);
    house_close(h);
}

static void test_backoff(void **state)
{
    (void)state;
    static const int wait_min[] = {1, 5, 30, 120, 720};
    struct house *h = open_with_room();
    int64_t now = HOUSE_NOW;
    ask(h, "test.fail");
    for (size_t i = 0; i < COUNT_OF(wait_min); i++) {
        jobs_run_due(&h->app, now);
        assert_int_equal(house_number(h, "SELECT attempts FROM job WHERE name = 'test.fail'"),
                         i + 1);
        assert_int_equal(house_number(h, "SELECT run_at FROM job WHERE name = 'test.fail'"),
                         now + wait_min[i] * MINUTE_MS);
        now += wait_min[i] * MINUTE_MS;
        jobs_run_due(&h->app, now - 1); /* not before its time */
        assert_int_equal(house_number(h, "SELECT attempts FROM job WHERE name = 'test.fail'"),
                         i + 1);
    }
    assert_int_equal(house_number(h, "SELECT state FROM job WHERE name = 'test.fail'"), 0);
    jobs_run_due(&h->app, now);
    assert_int_equal(house_number(h, "SELECT state FROM job WHERE name = 'test.fail'"), 2);
    jobs_run_due(&h->app, now + 30 * DAY_MS);
    assert_int_equal(house_number(h, "SELECT attempts FROM job WHERE name = 'test.fail'"), 6);
    assert_int_equal(house_number(h, "SELECT count(*) FROM job WHERE name = 'test.fail' AND "
                                     "error LIKE '%neighbour is away%'"),
                     1);
    assert_int_equal(skills(h), 0);
    house_close(h);
}

/* A failing job does not hold up the one behind it. */
static void test_next_one(void **state)
{
    (void)state;
    struct house *h = open_with_room();
    ask(h, "test.fail");
    ask(h, "test.effect");
    jobs_run_due(&h->app, HOUSE_NOW);
    assert_int_equal(done(h, "test.effect"), 1);
    assert_int_equal(done(h, "test.fail"), 0);
    house_close(h);
}

static int64_t slots_run(struct house *h)
{
    return house_number(h, "SELECT count(*) FROM event WHERE topic = 'test.slot'");
}

static void test_schedule(void **state)
{
    (void)state;
    struct house *h = open_with_room();
    static const struct {
        int64_t after;
        int ran;
    } calls[] = {{0, 1},           {0, 1},          {1, 1},           {HOUR_MS - 1, 1},
                 {HOUR_MS, 2},     {HOUR_MS, 2},    {HOUR_MS + 1, 2}, {2 * HOUR_MS, 3},
                 {9 * HOUR_MS, 4}, {9 * HOUR_MS, 4}}; /* what was missed is not made up */
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        jobs_run_due(&h->app, HOUSE_NOW + calls[i].after);
        assert_int_equal(slots_run(h), calls[i].ran);
    }
    house_close(h);
}

static void run_due(void *arg)
{
    struct house *h = arg;
    jobs_run_due(&h->app, HOUSE_NOW + 4 * HOUR_MS);
}

static void test_many_runners(void **state)
{
    (void)state;
    enum { RUNNERS = 8 };
    struct house *h = open_with_room();
    struct thread *t[RUNNERS];
    ask(h, "test.effect");
    for (int i = 0; i < RUNNERS; i++) {
        t[i] = thread_start("runner", run_due, h);
        assert_non_null(t[i]);
    }
    for (int i = 0; i < RUNNERS; i++)
        thread_join(t[i]);
    jobs_run_due(&h->app, HOUSE_NOW + 4 * HOUR_MS);
    assert_int_equal(slots_run(h), 1);
    assert_int_equal(skills(h), 2);
    house_close(h);
}

static void test_orders(void **state)
{
    (void)state;
    struct house *h = open_with_room();
    struct order o = {.name = "test.fail", .data = S("{}"), .key = S("once"), .undo = true};
    int64_t before = house_number(h, "SELECT count(*) FROM job");
    assert_int_equal(db_write(h->app.db, house_as(h, AS_SYSTEM), place, &o), E_STATE);
    assert_int_equal(house_number(h, "SELECT count(*) FROM job"),
                     before); /* undone with its unit */
    o.undo = false;
    for (int i = 0; i < 3; i++)
        house_ok(h, db_write(h->app.db, house_as(h, AS_SYSTEM), place, &o));
    assert_int_equal(house_number(h, "SELECT count(*) FROM job"), before + 1);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_transaction), cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_next_one),        cmocka_unit_test(test_schedule),
        cmocka_unit_test(test_many_runners),    cmocka_unit_test(test_orders)};
    return HOUSE_RUN(tests);
}
