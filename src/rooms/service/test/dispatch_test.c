/* dispatch_test.c - nobody without a certificate in force is sent where the skill asks for one, by
 * any way and whatever the reason (T-104). Points, turns and escalation: dispatch.test.mjs. */
#include "../test/lib/house.h"

static int64_t lift(struct house *h)
{
    return house_number(h, arena_fmt(h->mem,
                                     "SELECT id FROM category WHERE community_id = %lld AND name = "
                                     "'电梯·电梯困人'",
                                     (long long)h->a)
                               .p);
}

static int64_t skill_of(struct house *h, int64_t category)
{
    return house_number(
        h,
        arena_fmt(h->mem, "SELECT skill_id FROM category WHERE id = %lld", (long long)category).p);
}

static int64_t give(struct house *h, enum as as, int64_t skill, const char *valid_to)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, SS_STAFF, v_int(h->staff[as]));
    row_put(&row, SS_SKILL, v_int(skill));
    row_put(&row, SS_VALID_TO, valid_to ? v_text(str_of(valid_to)) : v_null());
    house_as(h, AS_SYSTEM);
    house_ok(h, house_insert(h, &res_staff_skill, &row));
    return row_int(&row, R_ID);
}

static int64_t accepted(struct house *h, int64_t category)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, T_KIND, v_int(KIND_REPAIR));
    row_put(&row, T_TITLE, v_lit("电梯困人"));
    row_put(&row, T_CHANNEL, v_int(CH_PHONE));
    row_put(&row, T_CATEGORY, v_int(category));
    house_as(h, AS_DESK);
    house_ok(h, house_insert(h, &res_ticket, &row));
    house_do(h, AS_DESK, row_int(&row, R_ID), "accept");
    return row_int(&row, R_ID);
}

static void test_certificate(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t category = lift(h), skill = skill_of(h, category), id = accepted(h, category);
    const char *to_worker = arena_fmt(h->mem, "{\"assignee_id\":%lld,\"reason\":\"只有他在\"}",
                                      (long long)h->staff[AS_WORKER])
                                .p;
    struct row row = {0};
    house_as(h, AS_DISPATCHER); /* no skill at all: a reason does not help */
    assert_int_equal(house_act(h, id, "dispatch", to_worker), E_INVALID);
    assert_true(house_told(&h->c, "assignee_id", "certificate"));
    int64_t has = give(h, AS_WORKER, skill, "2026-03-01"); /* ran out yesterday */
    house_as(h, AS_DISPATCHER);
    assert_int_equal(house_act(h, id, "dispatch", to_worker), E_INVALID);
    house_as(h, AS_WORKER);
    assert_int_equal(house_act(h, id, "grab", "{}"), E_INVALID);
    assert_true(house_told(&h->c, "assignee_id", "certificate"));
    row_put(&row, SS_VALID_TO, v_lit("2026-03-02")); /* the last day counts */
    house_as(h, AS_SYSTEM);
    house_ok(h, house_change(h, &res_staff_skill, has, &row));
    house_as(h, AS_DISPATCHER);
    house_ok(h, house_act(h, id, "dispatch", to_worker));
    int64_t other = accepted(h, category);
    house_as(h, AS_WORKER);
    house_ok(h, house_act(h, other, "grab", "{}"));
    house_close(h);
}

/* A skill that asks for none needs none, and neither does an order without a category. */
static void test_no_certificate(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t category = house_number(h, arena_fmt(h->mem,
                                                 "SELECT id FROM category WHERE community_id = "
                                                 "%lld AND name = '保洁·楼道卫生差'",
                                                 (long long)h->a)
                                           .p);
    const char *to_worker = arena_fmt(h->mem, "{\"assignee_id\":%lld,\"reason\":\"顺路\"}",
                                      (long long)h->staff[AS_WORKER])
                                .p;
    house_do_with(h, AS_DISPATCHER, accepted(h, category), "dispatch", to_worker);
    house_do(h, AS_DISPATCHER, house_ticket_in(h, KIND_REPAIR, ACCEPTED), "dispatch");
    house_close(h);
}

/* T-103: told when the order is taken up, once, and not when somebody is fit. */
static void test_nobody_is_fit(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t category = lift(h), skill = skill_of(h, category);
    char sql[160];
    int64_t alone = accepted(h, category);
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM escalation WHERE ticket_id = %lld AND why = 2 AND staff_id = "
             "%lld",
             (long long)alone, (long long)h->staff[AS_MANAGER]);
    assert_int_equal(house_number(h, sql), 1);
    (void)give(h, AS_WORKER, skill, "2027-12-31");
    (void)accepted(h, category);
    assert_int_equal(house_number(h, "SELECT count(*) FROM escalation WHERE why = 2"), 1);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_certificate),
                                       cmocka_unit_test(test_no_certificate),
                                       cmocka_unit_test(test_nobody_is_fit)};
    return HOUSE_RUN(tests);
}
