/* reclass_test.c - it turns out later what a ticket is about: promises follow (zammad#5624), from
 * when it came in (glpi#1911) and never backwards, and nothing is slipped under whoever holds no
 * certificate (T-104). */
#include "../test/lib/house.h"

#include "rooms/service/ticket.h"

#define MINUTE_MS INT64_C(60000)

static int64_t class_of(struct house *h, const char *name)
{
    return house_number(h, arena_fmt(h->mem,
                                     "SELECT id FROM category WHERE community_id = %lld AND name = "
                                     "'%s'",
                                     (long long)h->a, name)
                               .p);
}

static enum err change(struct house *h, int64_t id, int field, struct val v)
{
    struct row neu = {0};
    row_put(&neu, field, v);
    house_as(h, AS_DESK);
    return house_change(h, &res_ticket, id, &neu);
}

static int64_t due_min(struct house *h, int64_t id, int clock) /* from when it came in */
{
    struct row t = house_row(h, &res_ticket, id);
    return (row_int(&t, clock_fields[clock].due) - row_int(&t, R_CREATED_AT)) / MINUTE_MS;
}

static void prioritize(struct house *h, int64_t id, const char *p)
{
    house_do_with(h, AS_DESK, id, "prioritize",
                  arena_fmt(h->mem, "{\"priority\":\"%s\",\"reason\":\"现场确认\"}", p).p);
}

/* The board shows P1 with a day left: what the reviewer of a lift with somebody in it found. */
static void test_emergency_found_out(void **state)
{
    (void)state;
    struct house *h = house_open();
    house_at(h, "2026-03-02 17:30");
    int64_t id = house_ticket(h, KIND_REPAIR);
    struct row t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_PRIORITY), 3);
    assert_int_equal(row_int(&t, T_CLOCK_HOURS), HOURS_WORKING);
    house_at(h, "2026-03-02 17:40");
    house_ok(h, change(h, id, T_CATEGORY, v_int(class_of(h, "电梯·电梯困人"))));
    t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_PRIORITY), 1);
    assert_int_equal(row_int(&t, T_CLOCK_HOURS), HOURS_ALWAYS);
    assert_int_equal(due_min(h, id, CLOCK_RESPOND), row_int(&t, T_RESPOND_MIN));
    assert_true(row_int(&t, T_RESPOND_MIN) <= 30);
    house_at(h, "2026-03-02 18:30"); /* after hours: its clock runs all the same */
    house_minute(h);
    t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_RESPOND_BREACHED), 1);
    house_close(h);
}

static void test_priority_moves_promises_one_way(void **state)
{
    (void)state;
    struct house *h = house_open();
    house_at(h, "2026-03-02 09:00");
    int64_t id = house_ticket(h, KIND_REPAIR), before = due_min(h, id, CLOCK_RESOLVE);
    prioritize(h, id, "P4");
    assert_int_equal(due_min(h, id, CLOCK_RESOLVE), before); /* what was promised stands */
    prioritize(h, id, "P1");
    int64_t urgent = due_min(h, id, CLOCK_RESOLVE);
    assert_true(urgent < before);
    house_at(h, "2026-03-02 09:10");
    house_do(h, AS_DESK, id, "accept");
    struct row answered = house_row(h, &res_ticket, id);
    prioritize(h, id, "P3");
    assert_int_equal(due_min(h, id, CLOCK_RESOLVE), urgent);
    struct row t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_RESPOND_DUE), row_int(&answered, T_RESPOND_DUE));
    house_close(h);
}

/* glpi#6902, #15605: a pause that ended has moved the promise already, and still counts when it is
 * made anew. */
static void test_pauses_count(void **state)
{
    (void)state;
    struct house *h = house_open();
    house_at(h, "2026-03-02 09:00");
    int64_t one = house_ticket_in(h, KIND_REPAIR, IN_PROGRESS),
            other = house_ticket_in(h, KIND_REPAIR, IN_PROGRESS);
    house_do_with(h, AS_WORKER, one, "pause", "{\"class\":\"customer\",\"reason\":\"x\"}");
    house_at(h, "2026-03-02 10:00");
    house_do(h, AS_WORKER, one, "resume");
    prioritize(h, one, "P1");
    prioritize(h, other, "P1");
    struct row t = house_row(h, &res_ticket, one);
    int64_t paused = row_int(&t, T_PAUSED_MS) / MINUTE_MS;
    assert_int_equal(due_min(h, one, CLOCK_RESOLVE), due_min(h, other, CLOCK_RESOLVE) + paused);
    house_close(h);
}

/* Urgency and impact decide both ways; a category never lowers what a person raised. */
static void test_urgency(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket(h, KIND_REPAIR);
    house_ok(h, change(h, id, T_URGENCY, v_int(1)));
    struct row t = house_row(h, &res_ticket, id);
    int64_t p = row_int(&t, T_PRIORITY);
    assert_true(p < 3);
    house_ok(h, change(h, id, T_CATEGORY, v_int(class_of(h, "户内给水·水龙头漏水"))));
    t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_PRIORITY), p);
    house_ok(h, change(h, id, T_URGENCY, v_int(3)));
    t = house_row(h, &res_ticket, id);
    assert_true(row_int(&t, T_PRIORITY) > p);
    house_close(h);
}

static void test_repeat_found_later(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t tap = class_of(h, "户内给水·水龙头漏水"), first = house_ticket(h, KIND_REPAIR),
            second = house_ticket(h, KIND_REPAIR); /* both at the resident's unit */
    house_ok(h, change(h, first, T_CATEGORY, v_int(tap)));
    house_ok(h, change(h, second, T_CATEGORY, v_int(tap)));
    struct row a = house_row(h, &res_ticket, first), b = house_row(h, &res_ticket, second);
    assert_false(row_has(&a, T_REPEAT_OF));
    assert_int_equal(row_int(&b, T_REPEAT_OF), first);
    assert_int_equal(row_int(&b, T_PRIORITY), row_int(&a, T_PRIORITY) - 1);
    house_close(h);
}

/* --- there --- */

/* Said once, by who was sent; who is sent next says it himself. */
static void test_arrived(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket_in(h, KIND_REPAIR, DISPATCHED);
    house_at(h, "2026-03-02 09:20");
    house_do_with(h, AS_WORKER, id, "arrive", "{\"where\":\"31.23042,121.47370 ±18\"}");
    struct row t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_ARRIVED), house_local("2026-03-02 09:20"));
    assert_int_equal(row_int(&t, T_STATE), DISPATCHED);
    assert_false(row_has(&t, T_HANDLED)); /* being there is not yet handling it */
    house_as(h, AS_WORKER);
    assert_int_not_equal(house_act(h, id, "arrive", "{}"), E_OK);
    house_do_with(h, AS_DISPATCHER, id, "dispatch",
                  arena_fmt(h->mem, "{\"assignee_id\":%lld,\"reason\":\"换人\"}",
                            (long long)h->staff[AS_WORKER2])
                      .p);
    t = house_row(h, &res_ticket, id);
    assert_false(row_has(&t, T_ARRIVED));
    house_close(h);
}

/* --- T-104 --- */

static void test_no_certificate_by_the_back_door(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket_in(h, KIND_REPAIR, DISPATCHED), lift = class_of(h, "电梯·电梯困人");
    assert_int_equal(change(h, id, T_CATEGORY, v_int(lift)), E_INVALID);
    assert_true(house_told(&h->c, "category_id", "certificate"));
    house_sql(h, arena_fmt(h->mem, "UPDATE ticket SET category_id = %lld WHERE id = %lld",
                           (long long)lift, (long long)id)
                     .p); /* one whose certificate ended since */
    house_as(h, AS_WORKER);
    h->c.fault = (struct fault){0};
    assert_int_equal(house_act(h, id, "start", "{}"), E_INVALID);
    assert_true(house_told(&h->c, "assignee_id", "certificate"));
    house_close(h);
}

/* --- merging --- */

static void test_merged_keeps_the_tighter_promise(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t calm = house_ticket(h, KIND_REPAIR), urgent = house_ticket(h, KIND_REPAIR);
    prioritize(h, urgent, "P1");
    struct row u = house_row(h, &res_ticket, urgent);
    house_do_with(h, AS_DESK, urgent, "merge",
                  arena_fmt(h->mem, "{\"merged_into_id\":%lld}", (long long)calm).p);
    struct row t = house_row(h, &res_ticket, calm);
    assert_int_equal(row_int(&t, T_PRIORITY), 1);
    assert_int_equal(row_int(&t, T_RESOLVE_DUE), row_int(&u, T_RESOLVE_DUE));
    int64_t complaint = house_ticket(h, KIND_COMPLAINT), repair = house_ticket(h, KIND_REPAIR);
    house_as(h, AS_DESK);
    h->c.fault = (struct fault){0};
    assert_int_equal(house_act(h, complaint, "merge",
                               arena_fmt(h->mem, "{\"merged_into_id\":%lld}", (long long)repair).p),
                     E_INVALID);
    assert_true(house_told(&h->c, "merged_into_id", "kind"));
    house_close(h);
}

/* --- the ladder after a pause and a reopening --- */

static void test_ladder_after_pause_and_reopening(void **state)
{
    (void)state;
    struct house *h = house_open();
    house_at(h, "2026-03-02 09:00");
    house_sql(h, "UPDATE shift SET ends_at = ends_at + 8640000000");
    int64_t id = house_ticket_in(h, KIND_REPAIR, IN_PROGRESS);
    house_ok(h, change(h, id, T_URGENCY, v_int(3)));
    house_ok(h, change(h, id, T_IMPACT, v_int(3))); /* P4: raised to P3 it is working time still */
    house_do_with(h, AS_WORKER, id, "pause", "{\"class\":\"customer\",\"reason\":\"出差\"}");
    house_at(h, "2026-03-06 09:00");
    house_do(h, AS_WORKER, id, "resume");
    house_do(h, AS_WORKER, id, "finish");
    house_do(h, AS_DESK, id, "inform");
    house_do(h, AS_DESK, id, "confirm");
    house_at(h, "2026-03-09 09:00");
    house_do(h, AS_DESK, id, "reopen");
    struct row t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_PRIORITY), 3);
    assert_int_equal(row_int(&t, T_CLOCK_HOURS), HOURS_WORKING);
    for (int day = 9; day < 20; day++) {
        house_at(h, arena_fmt(h->mem, "2026-03-%02d 17:00", day).p);
        house_minute(h);
    }
    char sql[200];
    snprintf(sql, sizeof sql,
             "SELECT count(DISTINCT percent) FROM escalation WHERE ticket_id = %lld AND clock = 3 "
             "AND promised_at >= %lld",
             (long long)id, (long long)house_local("2026-03-09 00:00"));
    assert_int_equal(house_number(h, sql), 4); /* 50, 80, 100, 150 */
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_emergency_found_out),
        cmocka_unit_test(test_priority_moves_promises_one_way),
        cmocka_unit_test(test_pauses_count),
        cmocka_unit_test(test_urgency),
        cmocka_unit_test(test_repeat_found_later),
        cmocka_unit_test(test_arrived),
        cmocka_unit_test(test_no_certificate_by_the_back_door),
        cmocka_unit_test(test_merged_keeps_the_tighter_promise),
        cmocka_unit_test(test_ladder_after_pause_and_reopening),
    };
    return HOUSE_RUN(tests);
}
