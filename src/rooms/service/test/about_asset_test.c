/* about_asset_test.c - a ticket about an asset: place and asset agree, what is retired is not meant
 * any more, and the same trouble of the same asset is a repeat wherever it was told from. */
#include "../test/lib/house.h"

static int64_t lift_at(struct house *h, int64_t space)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, EQ_NAME, v_lit("客梯"));
    row_put(&row, EQ_SYSTEM, v_int(SYS_LIFT));
    row_put(&row, EQ_SPACE, v_int(space));
    house_as(h, AS_MANAGER);
    house_ok(h, house_insert(h, &res_asset, &row));
    return row_int(&row, R_ID);
}

static int64_t class_lift(struct house *h)
{
    return house_number(h, arena_fmt(h->mem,
                                     "SELECT id FROM category WHERE community_id = %lld AND name = "
                                     "'电梯·电梯停运'",
                                     (long long)h->a)
                               .p);
}

static enum err tell(struct house *h, int64_t asset, int64_t space, int64_t category,
                     struct row *ret)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, T_KIND, v_int(KIND_REPAIR));
    row_put(&row, T_TITLE, v_lit("电梯停了"));
    row_put(&row, T_CHANNEL, v_int(CH_PHONE));
    row_put(&row, T_ASSET, asset ? v_int(asset) : v_null());
    row_put(&row, T_SPACE, space ? v_int(space) : v_null());
    row_put(&row, T_CATEGORY, category ? v_int(category) : v_null());
    house_as(h, AS_DESK);
    enum err e = house_insert(h, &res_ticket, &row);
    *ret = row;
    return e;
}

static enum err change(struct house *h, int64_t id, int field, struct val v)
{
    struct row neu = {0};
    row_put(&neu, field, v);
    house_as(h, AS_DESK);
    return house_change(h, &res_ticket, id, &neu);
}

static void test_place(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t lift = lift_at(h, h->entrance), lamp = lift_at(h, h->corridor);
    struct row t;
    house_ok(h, tell(h, lift, 0, 0, &t));
    assert_int_equal(row_int(&t, T_SPACE), h->entrance);
    house_ok(h, tell(h, lift, h->unit, 0, &t)); /* from home, about the lift below */
    assert_int_equal(row_int(&t, T_SPACE), h->unit);
    int64_t id = row_int(&t, R_ID);
    assert_int_equal(change(h, id, T_ASSET, v_int(lamp)), E_INVALID);
    assert_true(house_told(&h->c, "asset_id", "place"));
    assert_int_equal(change(h, id, T_SPACE, v_int(h->corridor)), E_INVALID);
    assert_true(house_told(&h->c, "asset_id", "place"));
    house_ok(h, change(h, id, T_SPACE, v_null()));
    t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_SPACE), h->entrance);
    house_ok(h, change(h, id, T_ASSET, v_null()));
    house_ok(h, change(h, id, T_SPACE, v_int(h->corridor)));
    assert_int_equal(tell(h, lift, h->corridor, 0, &t), E_INVALID);
    assert_int_equal(house_number(h, "SELECT count(*) FROM ticket"), 2);
    house_close(h);
}

/* Retired since: the tickets it had go on, new ones are refused. */
static void test_retired(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t lift = lift_at(h, h->entrance);
    struct row old, t;
    house_ok(h, tell(h, lift, h->unit, 0, &old));
    house_sql(h, "UPDATE asset SET state = 3");
    assert_int_equal(tell(h, lift, 0, 0, &t), E_INVALID);
    assert_true(house_told(&h->c, "asset_id", "retired"));
    house_ok(h, change(h, row_int(&old, R_ID), T_TITLE, v_lit("电梯又停了")));
    house_ok(h, change(h, row_int(&old, R_ID), T_SPACE, v_int(h->unit2)));
    house_sql(h, "UPDATE asset SET state = 2"); /* out of order: all the more */
    house_ok(h, tell(h, lift, 0, 0, &t));
    house_sql(h, "UPDATE asset SET archived = 1");
    assert_int_equal(tell(h, lift, 0, 0, &t), E_INVALID);
    assert_true(house_told(&h->c, "asset_id", "ref"));
    house_close(h);
}

/* R18: told from two homes, the lift is the same. */
static void test_repeat(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t lift = lift_at(h, h->entrance), other = lift_at(h, h->entrance), k = class_lift(h);
    struct row one, two, three;
    house_ok(h, tell(h, lift, h->unit, k, &one));
    house_ok(h, tell(h, other, h->unit2, k, &two));
    assert_false(row_has(&two, T_REPEAT_OF));
    house_ok(h, tell(h, lift, h->building, k, &three));
    assert_int_equal(row_int(&three, T_REPEAT_OF), row_int(&one, R_ID));
    assert_int_equal(row_int(&three, T_PRIORITY), row_int(&one, T_PRIORITY) > 2
                                                      ? row_int(&one, T_PRIORITY) - 1
                                                      : row_int(&one, T_PRIORITY));
    house_at(h, "2026-03-02 10:00");
    house_ok(h, tell(h, 0, h->entrance, k, &two)); /* it turns out later which lift it was */
    assert_false(row_has(&two, T_REPEAT_OF));
    house_ok(h, change(h, row_int(&two, R_ID), T_ASSET, v_int(lift)));
    two = house_row(h, &res_ticket, row_int(&two, R_ID));
    assert_int_equal(row_int(&two, T_REPEAT_OF), row_int(&three, R_ID)); /* the last one before */
    house_at(h, "2026-07-01 10:00");
    house_ok(h, tell(h, lift, h->unit, k, &one)); /* 90 days are over */
    assert_false(row_has(&one, T_REPEAT_OF));
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_place), cmocka_unit_test(test_retired),
                                       cmocka_unit_test(test_repeat)};
    return HOUSE_RUN(tests);
}
