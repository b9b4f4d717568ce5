/* handbook_test.c - the shipped table is whole and tells its rows apart; a description leads to the
 * right one, with its reasons; a class decides how urgent a request is where nobody said so. */
#include "../test/lib/house.h"

#include "rooms/handbook/room.h"

static int lines_of_text(struct str s)
{
    int n = s.n > 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

static void test_shipped(void **state)
{
    (void)state;
    struct house *h = house_open();
    static struct class_seed all[CLASSES_SHIPPED_MAX];
    size_t n;
    int by_kind[KIND__END] = {0}, by_class[5] = {0};
    house_ok(h, classes_shipped(&h->c, all, COUNT_OF(all), &n));
    assert_true(n >= 120);
    for (size_t i = 0; i < n; i++) {
        const struct row *r = &all[i].row;
        by_kind[row_int(r, CA_KIND)]++;
        by_class[row_int(r, CA_CLASS)]++;
        assert_true(row_str(r, CA_WORDS).n && row_str(r, CA_CHECKLIST).n);
        assert_true(row_str(r, CA_NAME_EN).n && row_int(r, CA_PLACE));
        assert_true(row_str(r, CA_GROUP).n && row_str(r, CA_PROBLEM).n);
        assert_true(row_str(r, CA_GROUP_EN).n && row_str(r, CA_PROBLEM_EN).n);
        assert_int_equal(lines_of_text(row_str(r, CA_CHECKLIST)),
                         lines_of_text(row_str(r, CA_CHECKLIST_EN)));
        for (size_t k = 0; k < i; k++)
            assert_false(str_eq(row_str(r, CA_NAME), row_str(&all[k].row, CA_NAME)));
    }
    for (int k = KIND_REPAIR; k < KIND__END; k++)
        assert_true(by_kind[k] > 0);
    for (int k = CLASS_EMERGENCY; k <= CLASS_PLANNED; k++)
        assert_true(by_class[k] > 0);
    /* Both communities began with all of it, and with the skills it asks for. */
    assert_int_equal(house_number(h, "SELECT count(*) FROM category"), 2 * (int64_t)n);
    assert_int_equal(house_number(h, "SELECT count(*) FROM category c WHERE skill_id IS NOT NULL "
                                     "AND NOT EXISTS (SELECT 1 FROM skill s WHERE s.id = "
                                     "c.skill_id AND s.community_id = c.community_id)"),
                     0);
    assert_true(house_number(h, "SELECT count(*) FROM price_item") >= 2 * 10);
    house_close(h);
}

static int64_t category(struct house *h, const char *name)
{
    return house_number(h, arena_fmt(h->mem,
                                     "SELECT id FROM category WHERE community_id = %lld AND name = "
                                     "'%s'",
                                     (long long)h->a, name)
                               .p);
}

/* R13: emergency P1 … planned P4; what somebody said wins. */
static void test_class_decides(void **state)
{
    (void)state;
    struct house *h = house_open();
    static const struct {
        const char *name;
        int urgency, priority;
    } cases[] = {{"电梯·电梯困人", 0, 1},
                 {"户内排水·马桶堵塞", 0, 2},
                 {"户内给水·水龙头漏水", 0, 3},
                 {"户内门窗·纱窗破损", 0, 4},
                 {"电梯·电梯困人", 3, 3}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct row row = {0};
        row_put(&row, R_COMMUNITY, v_int(h->a));
        row_put(&row, T_KIND, v_int(KIND_REPAIR));
        row_put(&row, T_TITLE, v_lit("x"));
        row_put(&row, T_CHANNEL, v_int(CH_PHONE));
        row_put(&row, T_CATEGORY, v_int(category(h, cases[i].name)));
        if (cases[i].urgency)
            row_put(&row, T_URGENCY, v_int(cases[i].urgency));
        house_as(h, AS_DESK);
        house_ok(h, house_insert(h, &res_ticket, &row));
        if (row_int(&row, T_PRIORITY) != cases[i].priority)
            fail_msg("%s: P%d", cases[i].name, (int)row_int(&row, T_PRIORITY));
    }
    house_close(h);
}

static enum err speak_english(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    return handbook_fixups[0].run(c, tx);
}

/* A database from before: what was shipped gets its English, what somebody made his own does not.
 */
static void test_english_comes(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t all = house_number(h, "SELECT count(*) FROM category");
    house_sql(h,
              "UPDATE category SET group_name_en = NULL, problem_en = NULL, checklist_en = NULL");
    house_sql(h, "UPDATE category SET checklist = '自己的步骤' WHERE problem = '水龙头漏水'");
    house_sql(h, "UPDATE category SET place = 1 WHERE problem = '屋面漏雨'");
    house_as(h, AS_SYSTEM);
    house_ok(h, db_write(h->app.db, &h->c, speak_english, NULL));
    assert_int_equal(
        house_number(h, "SELECT count(*) FROM category WHERE problem = '屋面漏雨' AND place = 6"),
        2);
    assert_int_equal(house_number(h, "SELECT count(*) FROM category WHERE checklist_en IS NOT NULL "
                                     "AND group_name_en IS NOT NULL AND problem_en IS NOT NULL"),
                     all - 2);
    assert_int_equal(house_number(h, "SELECT count(*) FROM category WHERE checklist_en LIKE "
                                     "'Close the valve%' AND problem = '停水'"),
                     2);
    house_close(h);
}

/* --- only valid combinations (R6) --- */

static enum err told(struct house *h, int64_t kind, const char *name, int64_t space)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, T_KIND, v_int(kind));
    row_put(&row, T_TITLE, v_lit("x"));
    row_put(&row, T_CHANNEL, v_int(CH_PHONE));
    row_put(&row, T_CATEGORY, v_int(category(h, name)));
    if (space)
        row_put(&row, T_SPACE, v_int(space));
    house_as(h, AS_DESK);
    return house_insert(h, &res_ticket, &row);
}

static int64_t space_of(struct house *h, int kind)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, SP_KIND, v_int(kind));
    row_put(&row, SP_NAME, v_lit("新处"));
    house_as(h, AS_SYSTEM);
    house_ok(h, house_insert(h, &res_space, &row));
    return row_int(&row, R_ID);
}

static void test_valid_combinations(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t building = space_of(h, SP_BUILDING), area = space_of(h, SP_AREA);
    int64_t home = house_number(h, "SELECT min(id) FROM space WHERE kind = 4");
    assert_int_equal(told(h, KIND_COMPLAINT, "户内给水·水龙头漏水", 0), E_INVALID);
    assert_true(house_told(&h->c, "category_id", "kind"));
    assert_int_equal(told(h, KIND_REPAIR, "户内给水·水龙头漏水", building), E_INVALID);
    assert_true(house_told(&h->c, "category_id", "place"));
    house_ok(h, told(h, KIND_REPAIR, "户内给水·水龙头漏水", home));
    house_ok(h, told(h, KIND_REPAIR, "户内给水·水龙头漏水", 0));
    house_ok(h, told(h, KIND_REPAIR, "渗漏防水·屋面漏雨", building));
    house_ok(h, told(h, KIND_REPAIR, "电梯·电梯停运", home)); /* told from a home */
    house_ok(h, told(h, KIND_COMPLAINT, "噪音扰民·邻里噪音", area));
    /* A change is judged as the row comes out; what is not touched is left alone. */
    int64_t id = house_ticket(h, KIND_REPAIR);
    struct row neu = {0}, away = {0}, title = {0};
    row_put(&neu, T_CATEGORY, v_int(category(h, "噪音扰民·邻里噪音")));
    house_as(h, AS_DESK);
    assert_int_equal(house_change(h, &res_ticket, id, &neu), E_INVALID);
    row_put(&away, T_CATEGORY, v_int(category(h, "户内给水·水龙头漏水")));
    row_put(&away, T_SPACE, v_int(area));
    assert_int_equal(house_change(h, &res_ticket, id, &away), E_INVALID);
    assert_true(house_told(&h->c, "category_id", "place"));
    house_sql(h, "UPDATE ticket SET category_id = (SELECT min(id) FROM category WHERE kind = 2)");
    row_put(&title, T_TITLE, v_lit("y"));
    house_ok(h, house_change(h, &res_ticket, id, &title));
    house_close(h);
}

/* --- a calendar that cannot answer --- */

struct due {
    struct house *h;
    struct sla sla;
    struct pause pause;
    int64_t due_ms[CLOCK__N], moved_ms;
};
static enum err due_tx(struct ctx *c, struct tx *tx, void *arg)
{
    struct due *d = arg;
    TRY(sla_due_of(c, tx, d->h->a, &d->sla, HOUSE_NOW, &d->pause, 1, d->due_ms, NULL));
    return pause_moves_of(c, tx, d->h->a, HOURS_WORKING, &d->pause, &d->moved_ms, 1);
}

/* No request is turned away, and none waits for years, because everything is closed. */
static void test_closed_for_years(void **state)
{
    enum { HOUR = 3600000 };
    (void)state;
    struct house *h = house_open();
    struct due d = {.h = h, .sla = sla_default(KIND_REPAIR, 3)};
    assert_int_equal(d.sla.hours, HOURS_WORKING);
    d.pause = (struct pause){HOUSE_NOW + HOUR, HOUSE_NOW + 3 * HOUR, true};
    d.moved_ms = HOUSE_NOW + 2 * HOUR;
    house_sql(h, "UPDATE work_calendar SET monday = '09:00-09:01', tuesday = NULL, wednesday = "
                 "NULL, thursday = NULL, friday = NULL, saturday = NULL, sunday = NULL");
    house_as(h, AS_SYSTEM);
    house_ok(h, db_read(h->app.db, &h->c, due_tx, &d));
    assert_int_equal(d.sla.hours, HOURS_ALWAYS);
    assert_int_equal(d.due_ms[CLOCK_RESPOND], HOUSE_NOW + 4 * HOUR);
    assert_int_equal(d.due_ms[CLOCK_HANDLE], HOUSE_NOW + (9 + 2) * HOUR);
    assert_int_equal(d.due_ms[CLOCK_RESOLVE], HOUSE_NOW + (18 + 2) * HOUR);
    assert_true(d.moved_ms >= HOUSE_NOW + 2 * HOUR);
    int64_t id = house_ticket(h, KIND_REPAIR);
    struct row row = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&row, T_CLOCK_HOURS), HOURS_ALWAYS);
    assert_int_equal(row_int(&row, T_RESOLVE_DUE), row_int(&row, R_CREATED_AT) + 18 * HOUR);
    house_do(h, AS_DESK, id, "accept");
    house_minute(h);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped), cmocka_unit_test(test_class_decides),
        cmocka_unit_test(test_english_comes), cmocka_unit_test(test_valid_combinations),
        cmocka_unit_test(test_closed_for_years)};
    return HOUSE_RUN(tests);
}
