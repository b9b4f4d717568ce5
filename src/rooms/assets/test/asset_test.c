/* asset_test.c - the ledger: every asset has a number of its own, dates that can be, and a place in
 * its own community. */
#include "../test/lib/house.h"

static struct row asset(struct house *h, const char *code, int64_t system, int64_t space)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, EQ_NAME, v_lit("客梯"));
    row_put(&row, EQ_SYSTEM, v_int(system));
    row_put(&row, EQ_SPACE, v_int(space));
    if (code)
        row_put(&row, EQ_CODE, v_text(str_of(code)));
    house_as(h, AS_MANAGER);
    return row;
}

static const char *code_given(struct house *h, int64_t system)
{
    struct row row = asset(h, NULL, system, h->entrance);
    house_ok(h, house_insert(h, &res_asset, &row));
    assert_int_equal(row_int(&row, EQ_STATE), ASSET_IN_USE);
    return str_z(h->mem, row_str(&row, EQ_CODE));
}

/* R1: by system, by community, past what people typed; a number is nobody else's. */
static void test_numbers(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct row typed = asset(h, "DT-0002", SYS_LIFT, h->entrance);
    house_ok(h, house_insert(h, &res_asset, &typed));
    assert_string_equal(code_given(h, SYS_LIFT), "DT-0001");
    assert_string_equal(code_given(h, SYS_LIFT), "DT-0003");
    assert_string_equal(code_given(h, SYS_PARKING), "TC-0001");
    typed = asset(h, "DT-0003", SYS_OTHER, h->entrance);
    assert_int_equal(house_insert(h, &res_asset, &typed), E_INVALID);
    assert_true(house_told(&h->c, "code", "unique"));
    struct row none = {0}, first = asset(h, "X", SYS_LIFT, h->entrance);
    house_ok(h, house_insert(h, &res_asset, &first));
    row_put(&none, EQ_CODE, v_null());
    assert_int_equal(house_change(h, &res_asset, row_int(&first, R_ID), &none), E_INVALID);
    assert_true(house_told(&h->c, "code", "required"));
    house_close(h);
}

static enum err with_dates(struct house *h, const char *installed, const char *until)
{
    struct row row = asset(h, NULL, SYS_FIRE, h->corridor);
    if (installed)
        row_put(&row, EQ_INSTALLED, v_text(str_of(installed)));
    if (until)
        row_put(&row, EQ_WARRANTY, v_text(str_of(until)));
    return house_insert(h, &res_asset, &row);
}

/* R2, R3; HOUSE_NOW is 2026-03-02. */
static void test_dates(void **state)
{
    (void)state;
    struct house *h = house_open();
    house_ok(h, with_dates(h, "2026-03-02", "2026-03-02"));
    house_ok(h, with_dates(h, NULL, "2020-01-01"));
    house_ok(h, with_dates(h, "2027-03-03", NULL));
    assert_int_equal(with_dates(h, "2027-03-04", NULL), E_INVALID);
    assert_true(house_told(&h->c, "installed_on", "max"));
    assert_int_equal(with_dates(h, "2026-03-02", "2026-03-01"), E_INVALID);
    assert_true(house_told(&h->c, "warranty_until", "order"));
    house_close(h);
}

static void test_own_community(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct row row = asset(h, NULL, SYS_LIFT, h->unit_b);
    assert_int_equal(house_insert(h, &res_asset, &row), E_INVALID);
    assert_true(house_told(&h->c, "space_id", "ref"));
    row = asset(h, NULL, SYS_LIFT, h->entrance);
    row_put(&row, EQ_STAFF, v_int(h->staff[AS_WORKER_B]));
    assert_int_equal(house_insert(h, &res_asset, &row), E_INVALID);
    assert_true(house_told(&h->c, "responsible_id", "ref"));
    house_checks(h);
    house_close(h);
}

/* --- where it stands: R5 --- */

struct asked {
    struct val asset, space, ret;
    bool chosen;
    int64_t community;
};
static enum err ask_one(struct ctx *c, struct tx *tx, void *arg)
{
    struct asked *q = arg;
    return asset_at(c, tx, q->community, q->asset, q->chosen, q->space, &q->ret);
}

static enum err ask(struct house *h, int64_t id, struct val space, struct val *ret)
{
    struct asked q = {.asset = v_int(id), .space = space, .chosen = true, .community = h->a};
    fault_clear(&h->c);
    enum err e = db_read(h->app.db, &h->c, ask_one, &q);
    *ret = q.ret;
    return e;
}

static void test_one_line_of_the_tree(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct row lift = asset(h, NULL, SYS_LIFT, h->entrance),
               phone = asset(h, NULL, SYS_ACCESS, h->unit2);
    struct val at;
    house_ok(h, house_insert(h, &res_asset, &lift));
    house_ok(h, house_insert(h, &res_asset, &phone));
    const int64_t fits[] = {h->unit, h->unit2, h->entrance, h->building};
    for (size_t i = 0; i < COUNT_OF(fits); i++) {
        house_ok(h, ask(h, row_int(&lift, R_ID), v_int(fits[i]), &at));
        assert_int_equal(val_int(at), fits[i]);
    }
    house_ok(h, ask(h, row_int(&lift, R_ID), v_null(), &at));
    assert_int_equal(val_int(at), h->entrance);
    assert_int_equal(ask(h, row_int(&lift, R_ID), v_int(h->corridor), &at), E_INVALID);
    assert_true(house_told(&h->c, "asset_id", "place"));
    assert_int_equal(ask(h, row_int(&phone, R_ID), v_int(h->unit), &at), E_INVALID); /* next door */
    house_sql(h, "UPDATE asset SET state = 3");
    assert_int_equal(ask(h, row_int(&lift, R_ID), v_null(), &at), E_INVALID);
    assert_true(house_told(&h->c, "asset_id", "retired"));
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers), cmocka_unit_test(test_dates),
                                       cmocka_unit_test(test_own_community),
                                       cmocka_unit_test(test_one_line_of_the_tree)};
    return HOUSE_RUN(tests);
}
