/* space_test.c - the space tree: what may stand where, no cycles, nothing across communities, codes
 * once per community, and full names that stay true when a name or a place changes. */
#include "../test/lib/house.h"

#include "rooms/estate/space.h"

/* Rows: what; columns: where (root, building, entrance, floor, unit, area, plant, parking). */
static void test_fits(void **state)
{
    (void)state;
    static const char *const table[] = {
        [SP_BUILDING] = "y----y--", [SP_ENTRANCE] = "-y------", [SP_FLOOR] = "-yy-----",
        [SP_UNIT] = "-yyy----",     [SP_AREA] = "yyyy-yyy",     [SP_PLANT] = "yyyy-yyy",
        [SP_PARKING] = "yyyy-yyy"};
    for (int kind = SP_BUILDING; kind <= SP_PARKING; kind++)
        for (int parent = 0; parent <= SP_PARKING; parent++)
            if (space_fits(kind, parent) != (table[kind][parent] == 'y'))
                fail_msg("kind %d in %d", kind, parent);
}

static enum err add(struct house *h, int64_t community, int64_t kind, int64_t parent,
                    const char *name, const char *code, int64_t *ret)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(community));
    row_put(&row, SP_KIND, v_int(kind));
    if (parent)
        row_put(&row, SP_PARENT, v_int(parent));
    row_put(&row, SP_NAME, v_text(str_of(name)));
    if (code)
        row_put(&row, SP_CODE, v_text(str_of(code)));
    TRY(house_insert(h, &res_space, &row));
    *ret = row_int(&row, R_ID);
    return E_OK;
}

static int64_t added(struct house *h, int64_t kind, int64_t parent, const char *name)
{
    int64_t id = 0;
    house_ok(h, add(h, h->a, kind, parent, name, NULL, &id));
    return id;
}

static enum err set(struct house *h, int64_t id, int field, struct val v)
{
    struct row row = {0};
    row_put(&row, field, v);
    return house_change(h, &res_space, id, &row);
}

static void path_is(struct house *h, int64_t id, const char *path)
{
    struct row row;
    house_ok(h, house_load(h, &res_space, id, &row));
    if (!str_eqz(row_str(&row, SP_PATH), path))
        fail_msg("it is " PRS ", not %s", PRA(row_str(&row, SP_PATH)), path);
}

static void test_place(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id, far = h->unit_b;
    assert_int_equal(add(h, h->a, SP_UNIT, 0, "1", NULL, &id), E_INVALID);
    assert_true(house_told(&h->c, "parent_id", "kind"));
    assert_int_equal(add(h, h->a, SP_AREA, h->unit, "1", NULL, &id), E_INVALID);
    assert_int_equal(add(h, h->a, SP_AREA, far, "1", NULL, &id), E_INVALID);
    assert_true(house_told(&h->c, "parent_id", "ref")); /* another community's is not there */
    assert_int_equal(add(h, h->a, SP_AREA, 12345, "1", NULL, &id), E_INVALID);
    assert_true(house_told(&h->c, "parent_id", "ref"));
    assert_int_equal(set(h, h->unit, SP_PARENT, v_int(h->corridor)), E_INVALID);
    assert_int_equal(set(h, h->unit, SP_PARENT, v_null()), E_INVALID);
    house_sql(h,
              str_z(h->c.mem, arena_fmt(h->c.mem, "UPDATE space SET archived = 1 WHERE id = %lld",
                                        (long long)h->corridor)));
    assert_int_equal(add(h, h->a, SP_PLANT, h->corridor, "泵房", NULL, &id), E_INVALID);
    assert_true(house_told(&h->c, "parent_id", "ref"));
    house_close(h);
}

static void test_cycle(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t a = added(h, SP_AREA, 0, "甲"), b = added(h, SP_AREA, a, "乙");
    int64_t d = added(h, SP_AREA, b, "丙");
    const int64_t below[] = {a, b, d};
    for (size_t i = 0; i < COUNT_OF(below); i++) {
        assert_int_equal(set(h, a, SP_PARENT, v_int(below[i])), E_INVALID);
        assert_true(house_told(&h->c, "parent_id", "cycle"));
    }
    house_ok(h, set(h, d, SP_PARENT, v_int(a)));
    path_is(h, d, "甲丙");
    house_ok(h, set(h, b, SP_PARENT, v_int(d)));
    path_is(h, b, "甲丙乙");
    house_close(h);
}

static void test_rename(void **state)
{
    (void)state;
    struct house *h = house_open();
    path_is(h, h->unit, "3栋2单元1502");
    house_ok(h, set(h, h->building, SP_NAME, v_lit("五号楼")));
    path_is(h, h->entrance, "五号楼2单元");
    path_is(h, h->unit, "五号楼2单元1502");
    path_is(h, h->unit2, "五号楼2单元1503");
    path_is(h, h->corridor, "花园");
    house_ok(h, set(h, h->entrance, SP_NAME, v_lit("二单元")));
    path_is(h, h->unit, "五号楼二单元1502");
    house_ok(h, set(h, h->unit, SP_PARENT, v_int(h->building)));
    path_is(h, h->unit, "五号楼1502");
    struct row before, after;
    house_ok(h, house_load(h, &res_space, h->unit2, &before));
    house_ok(h, set(h, h->building, SP_CODE, v_lit("5"))); /* no name: nothing below is touched */
    house_ok(h, house_load(h, &res_space, h->unit2, &after));
    assert_int_equal(row_int(&before, R_VERSION), row_int(&after, R_VERSION));
    house_close(h);
}

/* A tree is either refused or kept true, however deep. */
static void test_deep(void **state)
{
    (void)state;
    enum { DEEP = 20 };
    struct house *h = house_open();
    int64_t ids[DEEP];
    int n = 0;
    for (; n < DEEP; n++)
        if (add(h, h->a, SP_AREA, n ? ids[n - 1] : 0, "层", NULL, &ids[n]) != E_OK)
            break;
    assert_in_range(n, 5, DEEP - 1);
    assert_true(house_told(&h->c, "parent_id", "depth"));
    house_ok(h, set(h, ids[n - 1], SP_NAME, v_lit("底")));
    house_ok(h, set(h, ids[0], SP_NAME, v_lit("顶")));
    struct row row;
    house_ok(h, house_load(h, &res_space, ids[n - 1], &row));
    assert_true(str_starts(row_str(&row, SP_PATH), S("顶层")));
    assert_true(str_ends(row_str(&row, SP_PATH), S("层底")));
    int64_t garden = added(h, SP_AREA, 0, "园"); /* the whole tree does not fit below another */
    assert_int_equal(set(h, ids[0], SP_PARENT, v_int(garden)), E_INVALID);
    assert_true(house_told(&h->c, "parent_id", "depth"));
    house_ok(h, set(h, ids[1], SP_PARENT, v_int(garden)));
    house_ok(h, house_load(h, &res_space, ids[n - 1], &row));
    assert_true(str_starts(row_str(&row, SP_PATH), S("园层")));
    house_close(h);
}

static void test_code(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id;
    assert_int_equal(add(h, h->a, SP_UNIT, h->entrance, "1502", "3-2-1502", &id), E_INVALID);
    assert_true(house_told(&h->c, "code", "unique"));
    house_ok(h, add(h, h->b, SP_AREA, 0, "园", "3-2-1502", &id)); /* its own community's */
    assert_int_equal(set(h, h->unit2, SP_CODE, v_lit("3-2-1502")), E_INVALID);
    house_ok(h, set(h, h->unit2, SP_CODE, v_lit("3-2-1503"))); /* one's own code is no clash */
    house_sql(h,
              str_z(h->c.mem, arena_fmt(h->c.mem, "UPDATE space SET archived = 1 WHERE id = %lld",
                                        (long long)h->unit)));
    house_ok(h, set(h, h->unit2, SP_CODE, v_lit("3-2-1502")));
    house_close(h);
}

static void test_zone(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct row row = {0};
    row_put(&row, CM_NAME, v_lit("海外苑"));
    row_put(&row, CM_COMPANY, v_int(h->company));
    row_put(&row, CM_TIME_ZONE, v_lit("Mars/Olympus"));
    assert_int_equal(house_insert(h, &res_community, &row), E_INVALID);
    assert_true(house_told(&h->c, "time_zone", "choice"));
    row_put(&row, CM_TIME_ZONE, v_lit("UTC"));
    house_ok(h, house_insert(h, &res_community, &row));
    assert_ptr_equal(app_zone(row_int(&row, R_ID)), zone_find("UTC")); /* known at once */
    assert_ptr_equal(app_zone(h->a), zone_find("Asia/Shanghai"));
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fits),  cmocka_unit_test(test_place),
                                       cmocka_unit_test(test_cycle), cmocka_unit_test(test_rename),
                                       cmocka_unit_test(test_deep),  cmocka_unit_test(test_code),
                                       cmocka_unit_test(test_zone)};
    return HOUSE_RUN(tests);
}
