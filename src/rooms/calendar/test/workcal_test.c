/* workcal_test.c - working days and working time against the published years and values worked out
 * by hand: T-106, make-up Saturdays, lunch breaks, ends of days, years nobody published, and hours
 * that overlap or are missing. */
#include "../test/lib/house.h"

#include "core/shipped.h"
#include "rooms/calendar/calendar.h"

struct load {
    int64_t community;
    struct date from, to;
    struct workcal w;
};

static enum err load_tx(struct ctx *c, struct tx *tx, void *arg)
{
    struct load *l = arg;
    return workcal_load(c, tx, l->community, l->from, l->to, &l->w);
}

static struct date day(const char *s)
{
    struct date d;
    assert_true(date_parse(str_of(s), &d));
    return d;
}

static struct workcal calendar(struct house *h, const char *from, const char *to)
{
    struct load l = {.community = h->a, .from = day(from), .to = day(to)};
    house_as(h, AS_SYSTEM);
    house_ok(h, db_read(h->app.db, &h->c, load_tx, &l));
    return l.w;
}

/* "2026-03-02 09:00" in Shanghai. */
static int64_t at(const struct workcal *w, const char *s)
{
    int64_t ms;
    assert_true(instant_parse_format(str_of(s), "%Y-%m-%d %H:%M", w->zone, &ms));
    return ms;
}

/* --- hours as text --- */

static void test_hours(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int spans; /* -1: refused */
    } cases[] = {{"", 0},
                 {"   ", 0},
                 {"09:00-18:00", 1},
                 {"09:00-12:00 13:30-18:00", 2},
                 {" 00:00-24:00 ", 1},
                 {"00:00-06:00  12:00-24:00", 2},
                 {"09:00-12:00 12:00-18:00", 2}, /* touching is apart enough */
                 {"01:00-02:00 03:00-04:00 05:00-06:00 07:00-08:00", 4},
                 {"01:00-02:00 03:00-04:00 05:00-06:00 07:00-08:00 09:00-10:00", -1},
                 {"09:00-12:00 11:00-18:00", -1},
                 {"13:30-18:00 09:00-12:00", -1},
                 {"18:00-09:00", -1},
                 {"09:00-09:00", -1},
                 {"9:00-18:00", -1},
                 {"09:00-24:01", -1},
                 {"09:60-18:00", -1},
                 {"09:00", -1},
                 {"-1:00-18:00", -1},
                 {"09:00-18:00,19:00-20:00", -1},
                 {"九点到六点", -1}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct work_hours h;
        bool ok = work_hours_parse(str_of(cases[i].text), &h);
        assert_int_equal(ok ? h.n : -1, cases[i].spans);
    }
}

/* --- days --- */

/* Every day of 2020 to 2026 against the files themselves, read here in another way. */
static void test_published(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct workcal w = calendar(h, "2020-01-01", "2026-12-31");
    int days = 0, spoken = 0;
    for (int d = w.first; d <= w.last; d++, days++) {
        struct date date = date_of_days(d);
        struct work_day k = workcal_day(&w, date);
        bool expected = date_weekday(date) <= 5, said = false;
        struct str text = date_text(h->mem, date);
        for (size_t i = 0; i < nshipped; i++) {
            ptrdiff_t p = str_find(shipped[i].text, text);
            if (p < 0 || !str_starts(str_of(shipped[i].path), S("calendar/")))
                continue;
            struct str rest = str_sub(shipped[i].text, (size_t)p, 60);
            said = true;
            expected = str_find(rest, S("false")) >= 0; /* "isOffDay": false: they work */
        }
        spoken += said;
        if (k.work != expected || k.source != (said ? DAY_PUBLISHED : DAY_WEEKDAY))
            fail_msg(PRS ": %d from %d", PRA(text), k.work, (int)k.source);
    }
    assert_int_equal(days, 2557);
    assert_int_equal(spoken, 37 + 38 + 38 + 34 + 36 + 33 + 39);
    house_close(h);
}

static int worked(const struct workcal *w, const char *from, const char *to)
{
    return workcal_diff_days(w, date_of_days(date_days(day(from)) - 1), day(to));
}

/* domain-rules 8.1: counts of 2025 and 2026; T-106. */
static void test_working_days(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct workcal w = calendar(h, "2024-12-30", "2026-12-31");
    static const struct {
        const char *from;
        int n;
        const char *to;
    } t106[] = {{"2025-01-24", 5, "2025-02-07"}, {"2025-04-30", 2, "2025-05-07"},
                {"2025-09-26", 3, "2025-09-30"}, {"2025-09-30", 1, "2025-10-09"},
                {"2025-09-30", 0, "2025-09-30"}, {"2025-10-04", 1, "2025-10-09"}};
    assert_int_equal(worked(&w, "2025-01-01", "2025-12-31"), 248);
    assert_int_equal(worked(&w, "2026-01-01", "2026-12-31"), 248);
    assert_int_equal(worked(&w, "2025-01-01", "2025-01-31"), 19);
    assert_int_equal(worked(&w, "2025-02-01", "2025-02-28"), 19);
    assert_int_equal(worked(&w, "2025-09-01", "2025-09-30"), 23);
    assert_int_equal(worked(&w, "2025-10-01", "2025-10-31"), 18);
    assert_int_equal(worked(&w, "2026-02-01", "2026-02-28"), 16);
    assert_int_equal(worked(&w, "2026-10-01", "2026-10-31"), 18);
    for (size_t i = 0; i < COUNT_OF(t106); i++) {
        struct date to;
        assert_true(workcal_add_days(&w, day(t106[i].from), t106[i].n, &to));
        assert_string_equal(date_text(h->mem, to).p, t106[i].to);
        if (t106[i].n) /* there and back */
            assert_int_equal(workcal_diff_days(&w, day(t106[i].from), to), t106[i].n);
    }
    struct date beyond;
    assert_false(workcal_add_days(&w, day("2026-12-30"), 5, &beyond));
    house_close(h);
}

static void put_own(struct house *h, const char *date, bool work)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, CD_DATE, v_text(str_of(date)));
    row_put(&row, CD_WORKDAY, v_int(work));
    row_put(&row, CD_NAME, v_lit("own"));
    house_ok(h, house_insert(h, &res_calendar_day, &row));
}

/* The community's own word wins both ways, and is nobody else's; a year without a notice says so.
 */
static void test_own_days(void **state)
{
    (void)state;
    struct house *h = house_open();
    put_own(h, "2026-10-01", true);
    put_own(h, "2026-03-04", false);
    put_own(h, "2027-03-06", true);
    struct workcal w = calendar(h, "2026-01-01", "2027-12-31");
    struct work_day k = workcal_day(&w, day("2026-10-01"));
    assert_true(k.work && k.source == DAY_COMMUNITY && str_eqz(k.name, "own"));
    k = workcal_day(&w, day("2026-03-04"));
    assert_true(!k.work && k.source == DAY_COMMUNITY);
    k = workcal_day(&w, day("2026-10-02"));
    assert_true(!k.work && k.source == DAY_PUBLISHED && str_eqz(k.name, "国庆节"));
    k = workcal_day(&w, day("2027-10-01")); /* a Friday of which nobody knows */
    assert_true(k.work && k.source == DAY_UNPUBLISHED);
    k = workcal_day(&w, day("2027-03-06"));
    assert_true(k.work && k.source == DAY_COMMUNITY);
    assert_true(workcal_year_known(&w, 2026) && !workcal_year_known(&w, 2027));
    struct load b = {.community = h->b, .from = day("2026-10-01"), .to = day("2026-10-01")};
    house_ok(h, db_read(h->app.db, &h->c, load_tx, &b));
    assert_false(workcal_day(&b.w, day("2026-10-01")).work);
    house_close(h);
}

/* New Year's Eve of 2022 was given by the notice of 2023. */
static void test_neighbour(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct workcal w = calendar(h, "2022-12-31", "2022-12-31");
    struct work_day k = workcal_day(&w, day("2022-12-31"));
    assert_true(!k.work && k.source == DAY_PUBLISHED);
    house_close(h);
}

/* --- working time --- */

static void set_hours(struct house *h, const char *weekdays, const char *saturday)
{
    struct row row = {0};
    int64_t id = house_number(
        h,
        arena_fmt(h->mem, "SELECT id FROM work_calendar WHERE community_id = %lld", (long long)h->a)
            .p);
    for (int i = WC_MONDAY; i < WC_MONDAY + 5; i++)
        row_put(&row, i, v_text(str_of(weekdays)));
    row_put(&row, WC_MONDAY + 5, v_text(str_of(saturday)));
    house_ok(h, house_change(h, &res_work_calendar, id, &row));
}

static void test_time(void **state)
{
    (void)state;
    struct house *h = house_open();
    static const struct {
        const char *from;
        int minutes;
        const char *to;
    } cases[] = {
        {"2026-03-02 09:00", 60, "2026-03-02 10:00"},
        {"2026-03-02 11:30", 60, "2026-03-02 14:00"}, /* over the lunch break: helpdesk#2212 */
        {"2026-03-02 12:15", 60, "2026-03-02 14:30"}, /* in it */
        {"2026-03-02 17:00", 60, "2026-03-02 18:00"}, /* exactly at closing time */
        {"2026-03-02 17:00", 61, "2026-03-03 09:01"},
        {"2026-03-06 17:30", 60, "2026-03-09 09:30"}, /* over a weekend */
        {"2026-03-07 00:30", 1, "2026-03-09 09:01"},
        {"2026-09-30 17:30", 60, "2026-10-08 09:30"}, /* over the National Day week */
        {"2026-10-09 17:30", 60, "2026-10-10 09:30"}, /* to a make-up Saturday */
        {"2026-02-14 09:00", 450, "2026-02-14 18:00"},
        {"2026-02-14 17:59", 2, "2026-02-24 09:01"}, /* over the Spring Festival */
        {"2026-03-04 03:00", 0, "2026-03-04 03:00"}};
    set_hours(h, "09:00-12:00 13:30-18:00", "");
    struct workcal w = calendar(h, "2026-01-01", "2026-12-31");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t from = at(&w, cases[i].from), due, between;
        assert_true(workcal_add(&w, from, cases[i].minutes * MINUTE_MS, &due));
        if (due != at(&w, cases[i].to))
            fail_msg("%s + %d min is %+lld min from %s", cases[i].from, cases[i].minutes,
                     (long long)(due - at(&w, cases[i].to)) / 60000, cases[i].to);
        assert_true(workcal_between(&w, from, due, &between));
        assert_int_equal(between, cases[i].minutes * MINUTE_MS);
    }
    int64_t none;
    assert_false(
        workcal_add(&w, at(&w, "2026-12-31 17:00"), 2 * HOUR_MS, &none)); /* not known so far */
    assert_false(workcal_add(&w, at(&w, "2025-12-31 17:00"), MINUTE_MS, &none));
    house_close(h);
}

static void test_open(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t open;
    set_hours(h, "09:00-18:00", "10:00-24:00");
    struct workcal w = calendar(h, "2026-01-01", "2026-12-31");
    assert_true(workcal_open_at(&w, at(&w, "2026-03-06 17:59"), &open));
    assert_int_equal(open, at(&w, "2026-03-06 17:59"));
    assert_true(workcal_open_at(&w, at(&w, "2026-03-06 18:00"), &open));
    assert_int_equal(open, at(&w, "2026-03-07 10:00")); /* an open Saturday, though no workday */
    assert_false(workcal_day(&w, day("2026-03-07")).work);
    assert_true(workcal_open_at(&w, at(&w, "2026-03-08 00:00"), &open));
    assert_int_equal(open, at(&w, "2026-03-09 09:00"));
    assert_true(
        workcal_open_at(&w, at(&w, "2026-10-10 09:30"), &open)); /* a make-up Saturday has */
    assert_int_equal(open, at(&w, "2026-10-10 10:00"));          /* a Saturday's hours */
    assert_int_equal(workcal_hours(&w, day("2026-01-04")).span[0].from, 9 * 60); /* a Sunday has */
    assert_int_equal(workcal_hours(&w, day("2026-01-03")).n, 0); /* none of its own */
    house_close(h);
}

/* --- what is refused --- */

static void test_refused(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct row none = {0}, twice = {0}, day_row = {0}, year = {0};
    int64_t id = house_number(h, "SELECT min(id) FROM work_calendar");
    for (int i = WC_MONDAY; i <= WC_SUNDAY; i++)
        row_put(&none, i, v_null());
    assert_int_equal(house_change(h, &res_work_calendar, id, &none), E_INVALID);
    assert_true(house_told(&h->c, "monday", "required"));
    row_put(&twice, WC_MONDAY, v_lit("09:00-12:00 11:00-18:00"));
    assert_int_equal(house_change(h, &res_work_calendar, id, &twice), E_INVALID);
    assert_true(house_told(&h->c, "monday", "format"));
    put_own(h, "2026-05-04", true);
    row_put(&day_row, R_COMMUNITY, v_int(h->a));
    row_put(&day_row, CD_DATE, v_lit("2026-05-04"));
    row_put(&day_row, CD_WORKDAY, v_int(0));
    assert_int_equal(house_insert(h, &res_calendar_day, &day_row), E_INVALID);
    assert_true(house_told(&h->c, "date", "unique"));
    row_put(&year, R_COMMUNITY, v_int(0));
    row_put(&year, HY_YEAR, v_int(2031));
    row_put(&year, HY_DAYS, v_lit("2031-01-01 off 元旦\n2031-01-32 off"));
    assert_int_equal(house_insert(h, &res_holiday_year, &year), E_INVALID);
    assert_true(house_told(&h->c, "days", "format"));
    row_put(&year, HY_DAYS, v_lit("2039-01-01 off 元旦"));
    assert_int_equal(house_insert(h, &res_holiday_year, &year), E_INVALID);
    assert_true(house_told(&h->c, "days", "range"));
    struct load l = {.community = h->a, .from = day("2000-01-01"), .to = day("2020-01-01")};
    assert_int_equal(db_read(h->app.db, &h->c, load_tx, &l), E_INVALID);
    house_close(h);
}

/* A file may be somebody's: every fault is told, nothing is half taken. */
static void test_notice_files(void **state)
{
    (void)state;
    struct house *h = house_open();
    static const struct {
        const char *json, *field, *code;
    } cases[] = {
        {"[]", "year", "range"},
        {"{}", "year", "range"},
        {"{\"year\":1999,\"days\":[]}", "year", "range"},
        {"{\"year\":\"2027\",\"days\":[]}", "year", "range"},
        {"{\"year\":2027}", "days", "required"},
        {"{\"year\":2027,\"days\":{}}", "days", "required"},
        {"{\"year\":2027,\"days\":[1]}", "days", "format"},
        {"{\"year\":2027,\"days\":[{\"date\":\"2027-02-30\",\"isOffDay\":true}]}", "days",
         "format"},
        {"{\"year\":2027,\"days\":[{\"date\":\"2027-02-03\",\"isOffDay\":1}]}", "days", "format"},
        {"{\"year\":2027,\"days\":[{\"date\":\"2029-02-03\",\"isOffDay\":true}]}", "days", "range"},
        {"{\"year\":2027,\"days\":[{\"date\":\"2027-02-03\",\"isOffDay\":true},{\"date\":\"2027-02-"
         "03\",\"isOffDay\":false}]}",
         "days", "order"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct json *j;
        struct calendar_notice n;
        house_as(h, AS_SYSTEM);
        house_ok(h, json_parse(&h->c, str_of(cases[i].json), &j));
        assert_int_equal(calendar_notice_read(&h->c, j, &n), E_INVALID);
        if (!house_told(&h->c, cases[i].field, cases[i].code))
            fail_msg("%s: %s", cases[i].json, h->c.fault.fields[0].code);
    }
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hours),        cmocka_unit_test(test_published),
        cmocka_unit_test(test_working_days), cmocka_unit_test(test_own_days),
        cmocka_unit_test(test_neighbour),    cmocka_unit_test(test_time),
        cmocka_unit_test(test_open),         cmocka_unit_test(test_refused),
        cmocka_unit_test(test_notice_files),
    };
    return HOUSE_RUN(tests);
}
