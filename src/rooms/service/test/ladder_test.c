/* ladder_test.c - who is told when a clock runs: each rung once per promise, whoever has the
 * ticket; nights and holidays; two nodes in the same minute. */
#include "../test/lib/house.h"

#include "base/thread.h"
#include "core/event.h"

#define EVENTS(h, id, topic)                                                                       \
    house_number(h, str_z((h)->c.mem, arena_fmt((h)->c.mem,                                        \
                                                "SELECT count(*) FROM event WHERE subject_id = "   \
                                                "%lld AND topic = '" topic "'",                    \
                                                (long long)(id))))
#define TOLD(h, id, where)                                                                         \
    house_number(h, str_z((h)->c.mem, arena_fmt((h)->c.mem,                                        \
                                                "SELECT count(*) FROM escalation WHERE ticket_id " \
                                                "= %lld AND " where,                               \
                                                (long long)(id))))

/* Response of a P3 repair within 240 working minutes from 09:00: half at 11:00, 80 % at 12:12, all
 * at 13:00, half as much again at 15:00. */
static void test_ladder(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket(h, KIND_REPAIR);
    static const struct {
        const char *at;
        int told, last; /* rungs of the response clock; the level of the last */
    } steps[] = {{"2026-03-02 10:59", 0, 0},
                 {"2026-03-02 11:00", 1, LEVEL_WORKER},
                 {"2026-03-02 12:11", 1, LEVEL_WORKER},
                 {"2026-03-02 12:12", 2, LEVEL_SUPERVISOR},
                 {"2026-03-02 13:00", 3, LEVEL_MANAGER},
                 {"2026-03-02 14:59", 3, LEVEL_MANAGER},
                 {"2026-03-02 15:00", 4, LEVEL_COMPANY},
                 {"2026-03-02 17:59", 4, LEVEL_COMPANY}};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        house_at(h, steps[i].at);
        for (int twice = 0; twice < 2; twice++)
            house_minute(h);
        if (TOLD(h, id, "clock = 1") != steps[i].told)
            fail_msg("at %s: %d", steps[i].at, (int)TOLD(h, id, "clock = 1"));
        if (steps[i].told)
            assert_int_equal(house_number(h, "SELECT level FROM escalation WHERE clock = 1 ORDER "
                                             "BY percent DESC LIMIT 1"),
                             steps[i].last);
    }
    assert_int_equal(EVENTS(h, id, "ticket.escalated"), TOLD(h, id, "1 = 1"));
    assert_int_equal(TOLD(h, id, "level = 1 AND clock = 1 AND staff_id IS NOT NULL"), 1);
    assert_int_equal(house_number(h, arena_fmt(h->mem,
                                               "SELECT count(*) FROM escalation WHERE level = 3 "
                                               "AND staff_id = %lld",
                                               (long long)h->staff[AS_MANAGER])
                                         .p),
                     TOLD(h, id, "level = 3"));
    house_close(h);
}

static int64_t told_at_level(struct house *h, int64_t id, int level)
{
    return house_number(h, arena_fmt(h->mem,
                                     "SELECT COALESCE(MAX(staff_id), 0) FROM escalation WHERE "
                                     "ticket_id = %lld AND clock = 1 AND level = %d",
                                     (long long)id, level)
                               .p);
}

/* A ticket of that day whose response clock ran its whole ladder. */
static int64_t climbed(struct house *h, const char *morning, const char *afternoon)
{
    house_at(h, morning);
    int64_t id = house_ticket(h, KIND_REPAIR);
    house_at(h, afternoon);
    house_minute(h);
    assert_int_equal(TOLD(h, id, "clock = 1"), 4);
    return id;
}

/* The first contact's department gets this head. */
static void put_head(struct house *h, int64_t head)
{
    struct row d = {0};
    house_as(h, AS_SYSTEM);
    row_put(&d, R_COMMUNITY, v_int(h->a));
    row_put(&d, DP_NAME, v_lit("客服部"));
    row_put(&d, DP_HEAD, v_int(head));
    house_ok(h, house_insert(h, &res_department, &d));
    house_sql(h, arena_fmt(h->mem, "UPDATE staff SET department_id = %lld WHERE id = %lld",
                           (long long)row_int(&d, R_ID), (long long)h->staff[AS_DESK])
                     .p);
}

/* A level that nobody holds is told to the next one up, the company's at last to the manager. */
static void test_fallbacks(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = climbed(h, "2026-03-02 09:00", "2026-03-02 15:00");
    assert_int_equal(told_at_level(h, id, LEVEL_WORKER), h->staff[AS_DESK]);
    assert_int_equal(told_at_level(h, id, LEVEL_SUPERVISOR), h->staff[AS_MANAGER]);
    assert_int_equal(told_at_level(h, id, LEVEL_COMPANY), h->staff[AS_MANAGER]);

    put_head(h, h->staff[AS_DISPATCHER]);
    house_sql(h, arena_fmt(h->mem,
                           "INSERT INTO role_grant (id, community_id, version, created_at, "
                           "updated_at, archived, user_id, role_id, scope, scope_id, staff_id) "
                           "SELECT 1, 0, 1, 1, 1, 0, g.user_id, r.id, 2, %lld, %lld FROM role r, "
                           "role_grant g WHERE r.key = 'manager' AND g.staff_id = %lld",
                           (long long)h->company, (long long)h->staff[AS_CASHIER],
                           (long long)h->staff[AS_CASHIER])
                     .p);
    id = climbed(h, "2026-03-03 09:00", "2026-03-03 15:00");
    assert_int_equal(told_at_level(h, id, LEVEL_SUPERVISOR), h->staff[AS_DISPATCHER]);
    assert_int_equal(told_at_level(h, id, LEVEL_MANAGER), h->staff[AS_MANAGER]);
    assert_int_equal(told_at_level(h, id, LEVEL_COMPANY), h->staff[AS_CASHIER]);

    /* The head and the manager left: both levels reach the company's. */
    house_sql(h, arena_fmt(h->mem, "UPDATE staff SET archived = 1 WHERE id IN (%lld, %lld)",
                           (long long)h->staff[AS_DISPATCHER], (long long)h->staff[AS_MANAGER])
                     .p);
    id = climbed(h, "2026-03-04 09:00", "2026-03-04 15:00");
    assert_int_equal(told_at_level(h, id, LEVEL_SUPERVISOR), h->staff[AS_CASHIER]);
    assert_int_equal(told_at_level(h, id, LEVEL_MANAGER), h->staff[AS_CASHIER]);
    house_close(h);
}

/* Truly nobody: the row stays, told to no one, and says which ticket it is about. */
static void test_nobody(void **state)
{
    (void)state;
    struct house *h = house_open();
    house_sql(h, arena_fmt(h->mem, "UPDATE staff SET archived = 1 WHERE id = %lld",
                           (long long)h->staff[AS_MANAGER])
                     .p);
    int64_t id = climbed(h, "2026-03-02 09:00", "2026-03-02 15:00");
    assert_int_equal(told_at_level(h, id, LEVEL_SUPERVISOR), 0);
    assert_int_equal(TOLD(h, id, "clock = 1 AND level > 1 AND staff_id IS NULL"), 3);
    struct row t = house_row(h, &res_ticket, id);
    struct row e = house_row(h, &res_escalation, house_number(h, "SELECT MAX(id) FROM escalation"));
    assert_true(val_eq(e.v[ES_CODE], t.v[T_CODE]));
    house_close(h);
}

/* More of the time used, no less senior people told; what is not in force does not count. */
static void test_rungs_rise(void **state)
{
    (void)state;
    struct house *h = house_open();
    static const struct {
        int percent, level;
        bool fits;
    } rungs[] = {{140, LEVEL_WORKER, false}, {140, LEVEL_SUPERVISOR, false},
                 {90, LEVEL_MANAGER, true},  {85, LEVEL_COMPANY, false},
                 {70, LEVEL_WORKER, true},   {200, LEVEL_COMPANY, true},
                 {10, LEVEL_MANAGER, false}, {140, LEVEL_COMPANY, true}};
    for (size_t i = 0; i < COUNT_OF(rungs); i++) {
        struct row row = {0};
        row_put(&row, R_COMMUNITY, v_int(h->a));
        row_put(&row, LS_PERCENT, v_int(rungs[i].percent));
        row_put(&row, LS_LEVEL, v_int(rungs[i].level));
        row_put(&row, LS_QUIET, v_int(1));
        house_as(h, AS_MANAGER);
        if (house_insert(h, &res_ladder_step, &row) != (rungs[i].fits ? E_OK : E_INVALID))
            fail_msg("%d %% to %d", rungs[i].percent, rungs[i].level);
        assert_true(rungs[i].fits || house_told(&h->c, "level", "order"));
    }
    int64_t half = house_number(h, arena_fmt(h->mem,
                                             "SELECT id FROM ladder_step WHERE percent = 50 AND "
                                             "community_id = %lld",
                                             (long long)h->a)
                                       .p);
    struct row up = {0}, later = {0}, quiet = {0};
    row_put(&up, LS_LEVEL, v_int(LEVEL_MANAGER));
    assert_int_equal(house_change(h, &res_ladder_step, half, &up), E_INVALID);
    row_put(&later, LS_PERCENT, v_int(99));
    assert_int_equal(house_change(h, &res_ladder_step, half, &later), E_INVALID);
    row_put(&quiet, LS_QUIET, v_int(0));
    house_ok(h, house_change(h, &res_ladder_step, half, &quiet));
    house_close(h);
}

/* zammad#3140, #2082: no word about a clock that stopped; and whoever gets the ticket next does not
 * hear again what was said. */
static void test_ladder_once(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket(h, KIND_REPAIR);
    house_at(h, "2026-03-02 10:00");
    house_do(h, AS_DESK, id, "accept");
    house_do(h, AS_DISPATCHER, id, "dispatch");
    house_at(h, "2026-03-02 17:00"); /* 80 % of the first handling, not half of the resolution */
    house_minute(h);
    assert_int_equal(TOLD(h, id, "clock = 1"), 0);
    assert_int_equal(TOLD(h, id, "clock = 2"), 2);
    house_do_with(h, AS_DISPATCHER, id, "dispatch",
                  arena_fmt(h->mem, "{\"assignee_id\":%lld,\"reason\":\"换人\"}",
                            (long long)h->staff[AS_WORKER2])
                      .p);
    house_minute(h);
    house_at(h, "2026-03-02 17:30");
    house_minute(h);
    assert_int_equal(TOLD(h, id, "clock = 2"), 2);
    house_at(h, "2026-03-02 18:00");
    house_minute(h);
    assert_int_equal(TOLD(h, id, "clock = 2"), 3);
    assert_int_equal(TOLD(h, id, "clock = 3"), 1);
    house_close(h);
}

/* zammad#4432, glpi#15429, PR#22678: nobody is told at night or on a holiday, but for P1; the
 * breach is a fact at once. */
static void test_quiet(void **state)
{
    (void)state;
    struct house *h = house_open();
    house_at(h, "2026-09-30 23:00");
    int64_t p1 = house_ticket(h, KIND_SAFETY), p3 = house_ticket(h, KIND_SAFETY);
    house_sql(h,
              arena_fmt(h->mem, "UPDATE ticket SET priority = 1, respond_min = 30 WHERE id = %lld",
                        (long long)p1)
                  .p); /* the same promise, only urgent */
    struct row t = house_row(h, &res_ticket, p3);
    assert_int_equal(row_int(&t, T_RESPOND_DUE), house_local("2026-09-30 23:30"));
    house_at(h, "2026-09-30 23:31");
    house_minute(h);
    assert_int_equal(TOLD(h, p1, "clock = 1"), 3);
    assert_int_equal(TOLD(h, p3, "clock = 1"), 0);
    t = house_row(h, &res_ticket, p3);
    assert_int_equal(row_int(&t, T_RESPOND_BREACHED), 1);
    house_at(h, "2026-10-03 12:00"); /* a holiday at noon */
    house_minute(h);
    assert_int_equal(TOLD(h, p3, "1 = 1"), 0);
    house_at(h, "2026-10-08 08:59");
    house_minute(h);
    assert_int_equal(TOLD(h, p3, "1 = 1"), 0);
    house_at(h, "2026-10-08 09:00");
    house_minute(h);
    assert_int_equal(TOLD(h, p3, "clock = 1"), 4);
    house_close(h);
}

/* Two rungs that fall to one person are one line: what he has not seen joins the later. What he
 * saw stays seen, and another's is another's. */
static void test_one_line(void **state)
{
    (void)state;
    struct house *h = house_open();
    house_at(h, "2026-03-02 09:00");
    int64_t id = house_ticket(h, KIND_REPAIR);
    house_at(h, "2026-03-02 13:00"); /* 80 and 100 %: no head, the manager twice */
    house_minute(h);
    assert_int_equal(TOLD(h, id, "clock = 1 AND state = 1"), 2);
    assert_int_equal(TOLD(h, id, "clock = 1 AND state = 1 AND percent IN (50, 100)"), 2);
    assert_int_equal(TOLD(h, id, "state = 3 AND percent = 80 AND seen_at IS NULL"), 1);
    house_sql(h, "UPDATE escalation SET state = 2, seen_at = 1 WHERE percent = 100");
    house_at(h, "2026-03-02 15:00");
    for (int twice = 0; twice < 2; twice++)
        house_minute(h);
    assert_int_equal(TOLD(h, id, "clock = 1 AND state = 1 AND percent = 150"), 1);
    assert_int_equal(TOLD(h, id, "clock = 1 AND state = 2 AND percent = 100"), 1);
    assert_int_equal(TOLD(h, id, "state = 1 AND percent = 50"), 1); /* of the handling by now */
    assert_int_equal(TOLD(h, id, "clock = 1"), 4);
    house_close(h);
}

/* A new promise is a new ladder. */
static void test_ladder_again(void **state)
{
    (void)state;
    struct house *h = house_open();
    house_at(h, "2026-03-02 09:00");
    int64_t id = house_ticket(h, KIND_REPAIR);
    house_at(h, "2026-03-04 10:00");
    house_minute(h);
    int64_t first = TOLD(h, id, "clock = 3");
    assert_int_equal(first, 3);
    static const struct {
        enum as as;
        const char *action;
    } way[] = {{AS_DESK, "accept"},   {AS_DISPATCHER, "dispatch"}, {AS_WORKER, "start"},
               {AS_WORKER, "finish"}, {AS_DESK, "inform"},         {AS_DESK, "confirm"},
               {AS_DESK, "reopen"}};
    house_sql(h, "UPDATE shift SET ends_at = ends_at + 864000000");
    for (size_t i = 0; i < COUNT_OF(way); i++)
        house_do(h, way[i].as, id, way[i].action);
    house_at(h, "2026-03-05 10:00"); /* raised to P2: a day, half of it over at night */
    house_minute(h);
    assert_int_equal(TOLD(h, id, "clock = 3"), first + 3);
    house_close(h);
}

/* Two nodes of a cluster look at the same minute at the same time. */
enum { NODES = 4 };
struct node {
    struct house *h;
    int ran;
};
static void look(void *arg)
{
    struct node *n = arg;
    n->ran = jobs_run_due(&n->h->app, n->h->c.now_ms);
}

static void test_many_nodes(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct node nodes[NODES];
    struct thread *threads[NODES];
    int64_t id = house_ticket(h, KIND_REPAIR);
    house_at(h, "2026-03-02 17:00");
    for (int i = 0; i < NODES; i++) {
        nodes[i] = (struct node){h, 0};
        threads[i] = thread_start("node", look, &nodes[i]);
    }
    for (int i = 0; i < NODES; i++)
        thread_join(threads[i]);
    house_minute(h);
    assert_int_equal(TOLD(h, id, "clock = 1"), 4);
    assert_int_equal(EVENTS(h, id, "ticket.breached"), 1);
    assert_int_equal(house_number(h, "SELECT count(*) FROM job WHERE state = 2"), 0);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ladder),     cmocka_unit_test(test_fallbacks),
        cmocka_unit_test(test_nobody),     cmocka_unit_test(test_ladder_once),
        cmocka_unit_test(test_quiet),      cmocka_unit_test(test_ladder_again),
        cmocka_unit_test(test_many_nodes), cmocka_unit_test(test_rungs_rise),
        cmocka_unit_test(test_one_line),
    };
    return HOUSE_RUN(tests);
}
