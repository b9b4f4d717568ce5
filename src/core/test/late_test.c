/* late_test.c - work told after it was done: which instants are believed and from whom, where
 * clocks stop then, what the log says about it, and how long a repeated request is known. */
#include "../test/lib/house.h"

#include "core/late.h"

#define SECOND_MS INT64_C(1000)

static void test_judge(void **state)
{
    (void)state;
    const int64_t now = HOUSE_NOW, floor = now - 10 * HOUR_MS;
    const struct {
        int64_t said, floor;
        enum late want;
        int64_t at;
    } cases[] = {
        {now, floor, LATE_OK, now},
        {now - HOUR_MS, floor, LATE_OK, now - HOUR_MS},
        {floor, floor, LATE_OK, floor},
        /* clocks disagree a little: moved to what is possible */
        {now + LATE_SKEW_MS, floor, LATE_OK, now},
        {now + LATE_SKEW_MS + 1, floor, LATE_AHEAD, 0},
        {floor - LATE_SKEW_MS, floor, LATE_OK, floor},
        {floor - LATE_SKEW_MS - 1, floor, LATE_BEFORE, 0},
        /* three days back and not a moment more, whatever the floor */
        {now - LATE_MAX_MS, 0, LATE_OK, now - LATE_MAX_MS},
        {now - LATE_MAX_MS - 1, 0, LATE_OLD, 0},
        {0, 0, LATE_OLD, 0},
        {INT64_C(253402300799000), floor, LATE_AHEAD, 0},
        /* the server's clock was set back behind the last step: never after now */
        {now, now + HOUR_MS, LATE_BEFORE, 0},
        {now, now + SECOND_MS, LATE_OK, now},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t at = 0;
        assert_int_equal(late_judge(cases[i].said, now, cases[i].floor, &at), cases[i].want);
        assert_int_equal(at, cases[i].at);
    }
}

/* {"happened_at":"…"<,more>} */
static const char *said(struct house *h, int64_t at_ms, const char *more)
{
    struct buf b;
    buf_init(&b, h->mem, 1000);
    buf_put(&b, S("{\"happened_at\":\""));
    buf_instant(&b, at_ms, zone_find("Asia/Shanghai"));
    buf_fmt(&b, "\"%s}", more);
    return str_z(h->mem, buf_str(&b));
}

static struct row ticket_of(struct house *h, int64_t id)
{
    struct row row;
    house_as(h, AS_SYSTEM);
    house_ok(h, house_load(h, &res_ticket, id, &row));
    return row;
}

static int64_t number_of(struct house *h, const char *what, int64_t ticket, const char *topic)
{
    return house_number(h, str_z(h->mem, arena_fmt(h->mem,
                                                   "SELECT %s FROM event WHERE subject_id = %lld "
                                                   "AND topic = '%s'",
                                                   what, (long long)ticket, topic)));
}

/* A repair dispatched to AS_WORKER at HOUSE_NOW. */
static int64_t dispatched(struct house *h)
{
    return house_ticket_in(h, KIND_REPAIR, DISPATCHED);
}

static void later(struct house *h, enum as as, int64_t ms)
{
    house_as(h, as)->now_ms = HOUSE_NOW + ms;
}

static void test_clocks_stop_then(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = dispatched(h);
    later(h, AS_WORKER, 5 * HOUR_MS);
    house_ok(h, house_act(h, id, "start", said(h, HOUSE_NOW + HOUR_MS, "")));
    house_ok(h, house_act(h, id, "pause",
                          said(h, HOUSE_NOW + 2 * HOUR_MS,
                               ",\"class\":\"parts\",\"reason\":\"等配件\"")));
    house_ok(h, house_act(h, id, "resume", said(h, HOUSE_NOW + 3 * HOUR_MS, "")));
    house_ok(h, house_act(h, id, "finish",
                          said(h, HOUSE_NOW + 4 * HOUR_MS, ",\"result\":\"换了接头\"")));
    struct row t = ticket_of(h, id);
    assert_int_equal(row_int(&t, T_HANDLED), HOUSE_NOW + HOUR_MS);
    assert_int_equal(row_int(&t, T_PAUSED_MS), HOUR_MS);
    assert_int_equal(row_int(&t, T_RESOLVED), HOUSE_NOW + 4 * HOUR_MS);
    assert_int_equal(row_int(&t, R_UPDATED_AT), HOUSE_NOW + 5 * HOUR_MS);
    assert_int_equal(number_of(h, "at", id, "ticket.started"), HOUSE_NOW + HOUR_MS);
    assert_int_equal(number_of(h, "at", id, "ticket.finished"), HOUSE_NOW + 4 * HOUR_MS);
    assert_int_equal(number_of(h, "count(*)", id,
                               "ticket.started' AND data LIKE '%recorded_at\":"
                               "\"2026-03-02T06:00:00.000Z"
                               "%"),
                     1);
    assert_int_equal(number_of(h, "count(*)", id,
                               "ticket.dispatched' AND data LIKE '%recorded_at"
                               "%"),
                     0);
    house_close(h);
}

static void refuse(struct house *h, int64_t id, const char *action, const char *input,
                   const char *code)
{
    assert_int_equal(house_try(h, id, action, input), E_INVALID);
    if (!house_told(&h->c, "happened_at", code))
        fail_msg("%s %s by %s: not refused with %s", action, input, house_name(AS_WORKER), code);
}

static void test_only_the_worker(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = dispatched(h), free_order = house_ticket_in(h, KIND_REPAIR, ACCEPTED);
    const char *back = said(h, HOUSE_NOW + HOUR_MS, "");
    later(h, AS_DISPATCHER, 2 * HOUR_MS);
    refuse(h, id, "dispatch",
           said(h, HOUSE_NOW + HOUR_MS,
                str_z(h->mem, arena_fmt(h->mem, ",\"assignee_id\":%lld,\"reason\":\"x\"",
                                        (long long)h->staff[AS_WORKER2]))),
           "denied");
    later(h, AS_SYSTEM, 2 * HOUR_MS);
    refuse(h, id, "start", back, "denied");
    later(h, AS_WORKER2, 2 * HOUR_MS); /* nobody's yet, so not his own */
    refuse(h, free_order, "grab", back, "denied");
    int64_t done = house_ticket_in(h, KIND_REPAIR, FINISHED);
    later(h, AS_DESK, 2 * HOUR_MS);
    refuse(h, done, "inform",
           said(h, HOUSE_NOW + HOUR_MS, ",\"channel\":\"phone\",\"note\":\"已修好\""), "denied");
    later(h, AS_WORKER, 2 * HOUR_MS);
    house_ok(h, house_act(h, id, "start", back));
    house_close(h);
}

static void test_bounds(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = dispatched(h);
    later(h, AS_WORKER, HOUR_MS);
    refuse(h, id, "start", said(h, HOUSE_NOW + 2 * HOUR_MS, ""), "max");
    refuse(h, id, "start", said(h, HOUSE_NOW - HOUR_MS, ""), "order"); /* before the dispatch */
    refuse(h, id, "start", "{\"happened_at\":\"yesterday\"}", "format");
    refuse(h, id, "start", "{\"happened_at\":1772413200000}", "format");
    refuse(h, id, "start", "{\"happened_at\":null}", "format");
    later(h, AS_WORKER, 4 * DAY_MS);
    refuse(h, id, "start", said(h, HOUSE_NOW + HOUR_MS, ""), "min");
    house_ok(h, house_act(h, id, "start", said(h, HOUSE_NOW + 4 * DAY_MS - 72 * HOUR_MS, "")));
    house_close(h);
}

/* A changed priority and a note move nothing; somebody else's pause does. */
static void test_what_came_between(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = dispatched(h);
    later(h, AS_DISPATCHER, 2 * HOUR_MS);
    house_ok(h, house_act(h, id, "prioritize", "{\"priority\":\"P1\",\"reason\":\"急\"}"));
    later(h, AS_WORKER, 3 * HOUR_MS);
    house_ok(h, house_act(h, id, "start", said(h, HOUSE_NOW + HOUR_MS, "")));
    later(h, AS_DISPATCHER, 4 * HOUR_MS);
    house_ok(h, house_act(h, id, "pause", house_input(h, "pause")));
    house_ok(h, house_act(h, id, "resume", "{}"));
    later(h, AS_WORKER, 5 * HOUR_MS);
    refuse(h, id, "finish", said(h, HOUSE_NOW + 3 * HOUR_MS, ",\"result\":\"好了\""), "order");
    house_ok(h,
             house_act(h, id, "finish", said(h, HOUSE_NOW + 4 * HOUR_MS, ",\"result\":\"好了\"")));
    house_close(h);
}

/* R3: flagged late only because the news was late; a breach of the first round stays. */
static void test_breach_taken_back(void **state)
{
    (void)state;
    struct house *h = house_open();
    for (int rework = 0; rework < 2; rework++) {
        later(h, AS_SYSTEM, 0);
        int64_t id = dispatched(h);
        struct row t = ticket_of(h, id);
        int64_t due = row_int(&t, T_HANDLE_DUE);
        house_sql(h, str_z(h->mem, arena_fmt(h->mem,
                                             "UPDATE ticket SET handle_breached = 1, rework_count "
                                             "= %d WHERE id = %lld",
                                             rework, (long long)id)));
        house_as(h, AS_WORKER)->now_ms = due + HOUR_MS;
        house_ok(h, house_try(h, id, "start", said(h, due + 1, "")));
        house_ok(h, house_act(h, id, "start", said(h, due, "")));
        t = ticket_of(h, id);
        assert_int_equal(row_int(&t, T_HANDLED), due);
        assert_int_equal(row_int(&t, T_HANDLE_BREACHED), rework);
    }
    house_close(h);
}

static enum err sweep(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    return job_sweep_idem(c, tx);
}

/* A key lives 24 hours; that of a late request as long as it says; one of an older program, which
 * says nothing, 24 hours too. */
static void test_keys_kept(void **state)
{
    (void)state;
    struct house *h = house_open();
    const struct {
        const char *id;
        int64_t at, expires;
        bool stays;
    } keys[] = {
        {"young", -HOUR_MS, 23 * HOUR_MS, true},       {"old", -25 * HOUR_MS, -HOUR_MS, false},
        {"late", -25 * HOUR_MS, 6 * DAY_MS, true},     {"spent", -8 * DAY_MS, -DAY_MS, false},
        {"before", -HOUR_MS, -HOUSE_NOW, true}, /* expires_at 0: made by an older program */
        {"before2", -25 * HOUR_MS, -HOUSE_NOW, false},
    };
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        house_sql(h, str_z(h->mem, arena_fmt(h->mem,
                                             "INSERT INTO idempotency (id, request, at, "
                                             "expires_at) VALUES ('%s', 'r', %lld, %lld)",
                                             keys[i].id, (long long)(HOUSE_NOW + keys[i].at),
                                             (long long)(HOUSE_NOW + keys[i].expires))));
    house_ok(h, db_write(h->app.db, house_as(h, AS_SYSTEM), sweep, NULL));
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        assert_int_equal(
            house_number(h, str_z(h->mem, arena_fmt(h->mem,
                                                    "SELECT count(*) FROM idempotency WHERE "
                                                    "id = '%s'",
                                                    keys[i].id))),
            keys[i].stays);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge),
        cmocka_unit_test(test_clocks_stop_then),
        cmocka_unit_test(test_only_the_worker),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_what_came_between),
        cmocka_unit_test(test_breach_taken_back),
        cmocka_unit_test(test_keys_kept),
    };
    return HOUSE_RUN(tests);
}
