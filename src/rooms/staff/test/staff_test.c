/* staff_test.c - shifts and who is fit for an order at an instant: on duty by the plan, skilled, of
 * this community; and which desk member gets what customers enter themselves. */
#include "../test/lib/house.h"

static enum err add_shift(struct house *h, int64_t staff, int64_t from, int64_t to)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, SH_STAFF, v_int(staff));
    row_put(&row, SH_FROM, v_int(from));
    row_put(&row, SH_TO, v_int(to));
    return house_insert(h, &res_shift, &row);
}

static void test_shift(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t me = h->staff[AS_WORKER];
    const struct {
        int64_t staff, length;
        const char *field, *code; /* NULL: fine */
    } cases[] = {{me, 1, NULL, NULL},
                 {me, 8 * HOUR_MS, NULL, NULL},
                 {me, 36 * HOUR_MS, NULL, NULL},
                 {me, 36 * HOUR_MS + 1, "ends_at", "max"},
                 {me, 0, "ends_at", "order"},
                 {me, -HOUR_MS, "ends_at", "order"},
                 {h->staff[AS_WORKER_B], HOUR_MS, "staff_id", "ref"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum err e = add_shift(h, cases[i].staff, HOUSE_NOW, HOUSE_NOW + cases[i].length);
        assert_int_equal(e, cases[i].field ? E_INVALID : E_OK);
        assert_true(!cases[i].field || house_told(&h->c, cases[i].field, cases[i].code));
    }
    struct row shift = {0}, row = {0}; /* a change is judged like a new one */
    row_put(&shift, R_COMMUNITY, v_int(h->a));
    row_put(&shift, SH_STAFF, v_int(me));
    row_put(&shift, SH_FROM, v_int(HOUSE_NOW));
    row_put(&shift, SH_TO, v_int(HOUSE_NOW + HOUR_MS));
    house_ok(h, house_insert(h, &res_shift, &shift));
    row_put(&row, SH_TO, v_int(HOUSE_NOW - 1));
    assert_int_equal(house_change(h, &res_shift, row_int(&shift, R_ID), &row), E_INVALID);
    house_close(h);
}

/* --- who is fit --- */

struct ask {
    const struct query *q;
    struct val in[4];
    size_t nin;
    struct rows rows;
};

static enum err read_rows(struct ctx *c, struct tx *tx, void *arg)
{
    struct ask *a = arg;
    return q_rows(c, tx, a->q, a->in, a->nin, 200, &a->rows);
}

static struct rows ask(struct house *h, struct ask a)
{
    house_ok(h, db_read(h->app.db, house_as(h, AS_SYSTEM), read_rows, &a));
    return a.rows;
}

static void test_fit(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct row skill = {0}, has = {0};
    row_put(&skill, R_COMMUNITY, v_int(h->a));
    row_put(&skill, SK_NAME, v_lit("高空作业"));
    house_ok(h, house_insert(h, &res_skill, &skill));
    row_put(&has, R_COMMUNITY, v_int(h->a));
    row_put(&has, SS_STAFF, v_int(h->staff[AS_WORKER]));
    row_put(&has, SS_SKILL, skill.v[R_ID]);
    house_ok(h, house_insert(h, &res_staff_skill, &has));
    const int64_t from = HOUSE_NOW - HOUR_MS, to = HOUSE_NOW + 8 * HOUR_MS;
    const struct {
        enum as as;
        int64_t at;
        bool asks_skill, on_duty, has_skill;
    } cases[] = {{AS_WORKER, from - 1, false, false, true}, {AS_WORKER, from, false, true, true},
                 {AS_WORKER, to - 1, true, true, true},     {AS_WORKER, to, true, false, true},
                 {AS_WORKER2, from, false, true, true},     {AS_WORKER2, from, true, true, false}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rows rows =
            ask(h, (struct ask){&Q_STAFF_FIT,
                                {v_int(h->a), cases[i].asks_skill ? skill.v[R_ID] : v_null(),
                                 v_int(cases[i].at), v_int(h->staff[cases[i].as])},
                                4,
                                {0}});
        assert_int_equal(rows.n, 1);
        assert_int_equal(val_int(rows.v[0]), cases[i].on_duty);
        assert_int_equal(val_int(rows.v[1]), cases[i].has_skill);
    }
    assert_int_equal(
        ask(h, (struct ask){&Q_STAFF_FIT,
                            {v_int(h->a), v_null(), v_int(HOUSE_NOW), v_int(h->staff[AS_WORKER_B])},
                            4,
                            {0}})
            .n,
        0); /* of another community: nobody */
    house_sql(h, "UPDATE shift SET archived = 1");
    house_sql(h, "UPDATE staff_skill SET archived = 1");
    struct rows rows = ask(
        h, (struct ask){&Q_STAFF_FIT,
                        {v_int(h->a), skill.v[R_ID], v_int(HOUSE_NOW), v_int(h->staff[AS_WORKER])},
                        4,
                        {0}});
    assert_int_equal(val_int(rows.v[0]) + val_int(rows.v[1]), 0);
    house_close(h);
}

static void test_workers(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct ask a = {&Q_WORKERS, {v_int(h->a), v_null(), v_int(HOUSE_NOW)}, 3, {0}};
    struct rows rows = ask(h, a);
    assert_int_equal(rows.n, 2);
    assert_int_equal(val_int(rows.v[0]), h->staff[AS_WORKER]);
    assert_int_equal(val_int(rows.v[rows.ncol]), h->staff[AS_WORKER2]);
    house_sql(h, "UPDATE staff SET archived = 1 WHERE name = 'worker'");
    assert_int_equal(ask(h, a).n, 1);
    house_close(h);
}

static void test_desk_member(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct row late = {0};
    int64_t night = HOUSE_NOW + 12 * HOUR_MS;
    row_put(&late, R_COMMUNITY, v_int(h->a));
    row_put(&late, ST_NAME, v_lit("夜班前台"));
    row_put(&late, ST_DESK, v_int(1));
    house_ok(h, house_insert(h, &res_staff, &late));
    house_ok(h, add_shift(h, row_int(&late, R_ID), night, night + 8 * HOUR_MS));
    const struct {
        int64_t at, who;
    } cases[] = {{HOUSE_NOW, h->staff[AS_DESK]},
                 {night, row_int(&late, R_ID)},
                 {night + 9 * HOUR_MS, h->staff[AS_DESK]}}; /* nobody is there: the first one */
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rows rows =
            ask(h, (struct ask){&Q_DESK_MEMBER, {v_int(h->a), v_int(cases[i].at)}, 2, {0}});
        assert_int_equal(rows.n, 1);
        assert_int_equal(val_int(rows.v[0]), cases[i].who);
    }
    house_close(h);
}

/* Names of departments, posts and skills: once per community, free again when archived. */
static void test_names(void **state)
{
    (void)state;
    static const struct {
        const struct resource *r;
        int name;
    } cases[] = {{&res_department, DP_NAME}, {&res_post, PO_NAME}, {&res_skill, SK_NAME}};
    struct house *h = house_open();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct row row = {0}, again, elsewhere;
        row_put(&row, R_COMMUNITY, v_int(h->a));
        row_put(&row, cases[i].name, v_lit("工程部"));
        again = elsewhere = row;
        row_put(&elsewhere, R_COMMUNITY, v_int(h->b));
        house_ok(h, house_insert(h, cases[i].r, &row));
        struct row twin = again;
        assert_int_equal(house_insert(h, cases[i].r, &twin), E_INVALID);
        assert_true(house_told(&h->c, "name", "unique"));
        house_ok(h, house_insert(h, cases[i].r, &elsewhere));
        house_sql(h, str_z(h->c.mem,
                           arena_fmt(h->c.mem, "UPDATE %s SET archived = 1", cases[i].r->name)));
        house_ok(h, house_insert(h, cases[i].r, &again));
    }
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shift), cmocka_unit_test(test_fit), cmocka_unit_test(test_workers),
        cmocka_unit_test(test_desk_member), cmocka_unit_test(test_names)};
    return HOUSE_RUN(tests);
}
