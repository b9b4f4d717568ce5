/* items_test.c - what the work took: the steps of its category, ticked round by round; materials
 * and paid services, whose sum is the cost, and which stand once the customer was told. */
#include "../test/lib/house.h"

#include "rooms/service/ticket.h"

static int64_t id_of(struct house *h, const char *table, const char *name)
{
    return house_number(h, arena_fmt(h->mem,
                                     "SELECT id FROM %s WHERE community_id = %lld AND name = '%s'",
                                     table, (long long)h->a, name)
                               .p);
}

static void send(struct house *h, int64_t id)
{
    house_do_with(h, AS_DISPATCHER, id, "dispatch",
                  arena_fmt(h->mem, "{\"assignee_id\":%lld,\"reason\":\"就近\"}",
                            (long long)h->staff[AS_WORKER])
                      .p);
}

/* A ticket about a dripping tap, at work. */
static int64_t tap_at_work(struct house *h)
{
    int64_t id = house_ticket(h, KIND_REPAIR);
    struct row neu = {0};
    row_put(&neu, T_CATEGORY, v_int(id_of(h, "category", "户内给水·水龙头漏水")));
    house_as(h, AS_DESK);
    house_ok(h, house_change(h, &res_ticket, id, &neu));
    house_do(h, AS_DESK, id, "accept");
    send(h, id);
    house_do(h, AS_WORKER, id, "start");
    return id;
}

static int64_t count(struct house *h, int64_t ticket, const char *where)
{
    return house_number(h, arena_fmt(h->mem,
                                     "SELECT count(*) FROM ticket_step WHERE ticket_id = %lld AND "
                                     "%s",
                                     (long long)ticket, where)
                               .p);
}

static int64_t first_step(struct house *h, int64_t ticket)
{
    return house_number(
        h, arena_fmt(h->mem,
                     "SELECT id FROM ticket_step WHERE ticket_id = %lld ORDER BY round DESC, id "
                     "LIMIT 1",
                     (long long)ticket)
               .p);
}

static enum err check(struct house *h, int64_t ticket, int64_t step, const char *rest)
{
    house_as(h, AS_WORKER);
    return house_act(h, ticket, "check",
                     arena_fmt(h->mem, "{\"step_id\":%lld,%s}", (long long)step, rest).p);
}

static void test_steps(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = tap_at_work(h), step = first_step(h, id);
    int64_t n = count(h, id, "round = 1 AND state = 1");
    assert_true(n >= 3);
    assert_int_equal(count(h, id, "text_en IS NOT NULL"), n);
    house_ok(h, check(h, id, step, "\"state\":\"done\""));
    struct row done = house_row(h, &res_ticket_step, step);
    assert_int_equal(row_int(&done, TS_STATE), STEP_DONE);
    assert_int_equal(row_int(&done, TS_BY), h->staff[AS_WORKER]);
    assert_true(row_has(&done, TS_AT));
    house_ok(h, check(h, id, step, "\"state\":\"open\"")); /* a slip of the thumb */
    done = house_row(h, &res_ticket_step, step);
    assert_false(row_has(&done, TS_AT) || row_has(&done, TS_BY));
    assert_int_equal(check(h, id, step, "\"state\":\"skipped\""), E_INVALID);
    assert_true(house_told(&h->c, "reason", "required"));
    house_ok(h, check(h, id, step, "\"state\":\"skipped\",\"reason\":\"没有总阀\""));
    assert_int_equal(check(h, id, step + 1000000, "\"state\":\"done\""), E_INVALID);
    int64_t other = tap_at_work(h);
    assert_int_equal(check(h, id, first_step(h, other), "\"state\":\"done\""), E_INVALID);
    assert_true(house_told(&h->c, "step_id", "missing"));
    house_close(h);
}

/* Done again: ticked anew, and what was ticked before stays. Another category: other steps. */
static void test_rounds(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = tap_at_work(h), old = first_step(h, id), n = count(h, id, "round = 1");
    house_ok(h, check(h, id, old, "\"state\":\"done\""));
    house_do(h, AS_WORKER, id, "finish");
    house_do(h, AS_DESK, id, "inform");
    house_do(h, AS_RESIDENT, id, "return");
    send(h, id);
    house_do(h, AS_WORKER, id, "start");
    assert_int_equal(count(h, id, "round = 2 AND state = 1"), n);
    assert_int_equal(count(h, id, "round = 1 AND state = 2"), 1);
    assert_int_equal(check(h, id, old, "\"state\":\"open\""), E_INVALID); /* that round is over */
    struct row neu = {0};
    row_put(&neu, T_CATEGORY, v_int(id_of(h, "category", "户内排水·马桶堵塞")));
    house_as(h, AS_DESK);
    house_ok(h, house_change(h, &res_ticket, id, &neu));
    assert_true(count(h, id, "round = 3 AND state = 1") > 0);
    house_close(h);
}

static enum err add(struct house *h, enum as as, int64_t id, const char *input)
{
    house_as(h, as);
    return house_act(h, id, "add_item", input);
}

static void test_sums(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = tap_at_work(h);
    const char *listed =
        arena_fmt(h->mem,
                  "{\"kind\":\"service\",\"price_item_id\":%lld,\"quantity\":2000,\"payer\":"
                  "\"customer\"}",
                  (long long)id_of(h, "price_item", "更换角阀"))
            .p;
    house_ok(h, add(h, AS_WORKER, id, listed)); /* 2 × 45.00 */
    house_ok(h, add(h, AS_WORKER, id,
                    "{\"kind\":\"material\",\"name\":\"生料带\",\"quantity\":333,\"unit\":\"卷\","
                    "\"price\":250,\"payer\":\"property\"}")); /* 0.333 × 2.50 = 0.8325 */
    struct row t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_COST), 9000 + 83);
    assert_int_equal(row_int(&t, T_PAYABLE), 9000);
    house_sql(h, "UPDATE price_item SET price = 9900 WHERE name = '更换角阀'");
    t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_PAYABLE), 9000); /* the price as it was */
    house_as(h, AS_WORKER);
    assert_int_equal(house_act(h, id, "finish", "{\"result\":\"已修好\",\"cost\":1}"), E_INVALID);
    assert_true(house_told(&h->c, "cost", "sum"));
    house_do_with(h, AS_WORKER, id, "finish", "{\"result\":\"已修好\"}");
    t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_COST), 9083);
    int64_t item = house_number(
        h,
        arena_fmt(h->mem, "SELECT min(id) FROM ticket_item WHERE ticket_id = %lld", (long long)id)
            .p);
    const char *drop = arena_fmt(h->mem, "{\"item_id\":%lld}", (long long)item).p;
    house_do_with(h, AS_DESK, id, "drop_item", drop); /* put right before he is told */
    t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_COST), 83);
    assert_int_equal(row_int(&t, T_PAYABLE), 0);
    house_as(h, AS_DESK);
    assert_int_equal(house_act(h, id, "drop_item", drop), E_INVALID); /* it is gone already */
    house_do(h, AS_DESK, id, "inform");
    assert_int_equal(add(h, AS_DESK, id, listed), E_STATE);
    house_close(h);
}

static void test_refused(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = tap_at_work(h), other = tap_at_work(h);
    const char *listed = arena_fmt(h->mem, "\"price_item_id\":%lld",
                                   (long long)id_of(h, "price_item", "更换角阀"))
                             .p;
    const struct {
        const char *input, *field, *code;
    } cases[] = {
        {"\"kind\":\"material\",\"quantity\":1000,\"payer\":\"property\"", "name", "required"},
        {"\"kind\":\"material\",\"name\":\"阀\",\"quantity\":1000,\"payer\":\"customer\"", "price",
         "required"},
        {"\"kind\":\"material\",\"name\":\"阀\",\"quantity\":0,\"payer\":\"property\"", "quantity",
         "min"},
        {"\"kind\":\"material\",\"name\":\"阀\",\"quantity\":10000000,\"price\":100000000,"
         "\"payer\":\"property\"",
         "quantity", "range"},
        {"\"kind\":\"gift\",\"name\":\"阀\",\"quantity\":1000,\"payer\":\"property\"", "kind",
         "choice"},
        {"\"kind\":\"service\",\"price_item_id\":1,\"quantity\":1000,\"payer\":\"customer\"",
         "price_item_id", "ref"},
        {arena_fmt(h->mem,
                   "\"kind\":\"service\",%s,\"price\":1,\"quantity\":1000,\"payer\":\"customer\"",
                   listed)
             .p,
         "price", "listed"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(add(h, AS_WORKER, id, arena_fmt(h->mem, "{%s}", cases[i].input).p),
                         E_INVALID);
        if (!house_told(&h->c, cases[i].field, cases[i].code))
            fail_msg("%s: no error %s for %s", cases[i].input, cases[i].code, cases[i].field);
    }
    house_ok(h, add(h, AS_WORKER, other, house_input(h, "add_item")));
    int64_t item = house_number(h, "SELECT max(id) FROM ticket_item");
    house_as(h, AS_WORKER);
    assert_int_equal(
        house_act(h, id, "drop_item", arena_fmt(h->mem, "{\"item_id\":%lld}", (long long)item).p),
        E_INVALID); /* another ticket's */
    assert_true(house_told(&h->c, "item_id", "missing"));
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_steps), cmocka_unit_test(test_rounds),
                                       cmocka_unit_test(test_sums), cmocka_unit_test(test_refused)};
    return HOUSE_RUN(tests);
}
