/* cal_test.c - the calendar over 300 years, zones with their gaps and overlaps, and the texts of
 * time. */
#include "base/cal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs all of the above */

static struct arena *mem;

static int start(void **state)
{
    (void)state;
    mem = arena_new(ARENA_REQUEST_BYTES);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(mem);
    return 0;
}

static int64_t at(const char *text)
{
    int64_t ms = 0;
    if (!instant_parse(str_of(text), &ms))
        fail_msg("%s", text);
    return ms;
}

static void assert_instant(int64_t ms, const struct zone *z, const char *want)
{
    struct buf b;
    buf_init(&b, mem, 40);
    buf_instant(&b, ms, z);
    assert_string_equal(str_z(mem, buf_str(&b)), want);
}

static void every_day_of_300_years(void **state)
{
    (void)state;
    struct date d = {1900, 1, 1};
    int weekday = 1; /* it was a Monday */
    int64_t day = -25567;
    struct arena *own = arena_new(ARENA_REQUEST_BYTES);
    for (; d.y < 2200; day++) {
        struct date back = date_of_days(day), read;
        assert_true(date_days(d) == day);
        assert_true(back.y == d.y && back.m == d.m && back.d == d.d);
        assert_int_equal(date_weekday(d), weekday);
        assert_true(date_parse(date_text(own, d), &read));
        assert_true(date_days(read) == day);
        arena_reset(own);
        weekday = weekday % 7 + 1;
        if (++d.d > date_month_days(d.y, d.m)) {
            d.d = 1;
            if (++d.m > 12) {
                d.m = 1;
                d.y++;
            }
        }
    }
    assert_true(day == 84006);
    arena_free(own);
}

static void dates_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } rows[] = {{"2024-02-29", true},
                {"2000-02-29", true},
                {"2023-02-29", false},
                {"1900-02-29", false},
                {"2100-02-29", false},
                {"2026-04-31", false},
                {"2026-00-10", false},
                {"2026-13-01", false},
                {"2026-01-00", false},
                {"1899-12-31", false},
                {"2200-01-01", false},
                {"2026-1-01", false},
                {"2026-01-1", false},
                {"2026-01-011", false},
                {"2026/01/01", false},
                /* Atlas cmms#36: which of the two is the month is never guessed */
                {"11/12/2026", false},
                {"12/11/2026", false},
                {"11-12-2026", false},
                {"31.12.2026", false},
                {"12/31/26", false},
                {" 2026-01-01", false},
                {"2026-01-01 ", false},
                {"-026-01-01", false},
                {"", false},
                {"２026-01-01", false}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct date d = {7, 7, 7};
        assert_int_equal(date_parse(str_of(rows[i].text), &d), rows[i].good);
        assert_int_equal(d.d == 7, !rows[i].good);
    }
}

static void zones_known(void **state)
{
    (void)state;
    static const char *const bad[] = {"",          "../etc/passwd",  "Asia/../UTC", "/etc/passwd",
                                      "Asia",      "Mars/Olympus",   "zone.tab",    "A B",
                                      "tzdata.zi", "Asia/Shanghai/", "..",          "%s"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (zone_find(bad[i]))
            fail_msg("%s", bad[i]);
    assert_null(zone_find(NULL));
    assert_non_null(zone_find("UTC"));
    assert_ptr_equal(zone_find("Asia/Tokyo"), zone_find("Asia/Tokyo"));
    assert_int_equal(zone_offset_s(zone_find("UTC"), 0), 0);
    assert_int_equal(zone_offset_s(zone_find("Etc/GMT+8"), 0), -8 * 3600);
    /* The built-in Shanghai against the system's, under its other name. */
    const struct zone *built_in = zone_find("Asia/Shanghai"), *file = zone_find("PRC");
    assert_non_null(file);
    for (int64_t t = at("1900-01-01T00:00:00Z"); t < at("2100-01-01T00:00:00Z"); t += 43200000)
        if (zone_offset_s(built_in, t) != zone_offset_s(file, t))
            fail_msg("at %lld", (long long)t);
}

static void shanghai_days(void **state)
{
    (void)state;
    const struct zone *z = zone_find("Asia/Shanghai");
    struct date d = zone_date(z, at("2025-12-31T16:30:00Z")); /* 00:30 on New Year's Day */
    assert_true(d.y == 2026 && d.m == 1 && d.d == 1);
    d = zone_date(z, at("2025-12-31T15:59:59.999Z"));
    assert_true(d.y == 2025 && d.m == 12 && d.d == 31);
    assert_true(zone_instant_ms(z, (struct date){2026, 1, 1}, 1800000) ==
                at("2026-01-01T00:30:00+08:00"));
    assert_int_equal(zone_offset_s(z, at("1990-07-01T00:00:00Z")), 9 * 3600);
    d = zone_date(zone_find("UTC"), -1);
    assert_true(d.y == 1969 && d.m == 12 && d.d == 31);
}

static void gaps_and_overlaps(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *local, *utc;
    } rows[] = {
        {"America/New_York", "2026-03-08 01:59:59", "2026-03-08T06:59:59Z"},
        {"America/New_York", "2026-03-08 02:30:00", "2026-03-08T07:30:00Z"}, /* gap */
        {"America/New_York", "2026-03-08 03:00:00", "2026-03-08T07:00:00Z"},
        {"America/New_York", "2026-11-01 00:59:59", "2026-11-01T04:59:59Z"},
        {"America/New_York", "2026-11-01 01:30:00", "2026-11-01T05:30:00Z"}, /* overlap: first */
        {"America/New_York", "2026-11-01 02:00:00", "2026-11-01T07:00:00Z"},
        {"America/New_York", "2007-03-11 02:30:00", "2007-03-11T07:30:00Z"},
        {"America/New_York", "2150-07-01 12:00:00", "2150-07-01T16:00:00Z"}, /* by the footer */
        {"America/New_York", "2150-03-08 02:30:00", "2150-03-08T07:30:00Z"},
        {"America/New_York", "2150-11-01 01:30:00", "2150-11-01T05:30:00Z"},
        {"America/New_York", "1950-01-01 12:00:00", "1950-01-01T17:00:00Z"},
        {"Europe/Berlin", "2099-03-29 02:30:00", "2099-03-29T01:30:00Z"},
        {"Europe/Berlin", "2099-10-25 02:30:00", "2099-10-25T00:30:00Z"},
        {"Australia/Sydney", "2099-01-01 00:00:00",
         "2098-12-31T13:00:00Z"}, /* summer over new year */
        {"Australia/Sydney", "2099-07-01 00:00:00", "2099-06-30T14:00:00Z"},
        {"Australia/Lord_Howe", "2060-10-03 02:15:00", "2060-10-02T15:45:00Z"}, /* half an hour */
        {"Asia/Kolkata", "2050-01-01 00:00:00", "2049-12-31T18:30:00Z"},
        {"Pacific/Apia", "2011-12-31 00:30:00", "2011-12-30T10:30:00Z"}, /* a day left out */
        {"Asia/Shanghai", "1986-05-04 02:30:00", "1986-05-03T18:30:00Z"},
        {"UTC", "2026-01-01 00:00:00", "2026-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t ms = 0;
        const struct zone *z = zone_find(rows[i].zone);
        assert_non_null(z);
        assert_true(instant_parse_format(str_of(rows[i].local), "%Y-%m-%d %H:%M:%S", z, &ms));
        if (ms != at(rows[i].utc))
            fail_msg("row %zu: %lld s off", i, (long long)(ms - at(rows[i].utc)) / 1000);
    }
}

static void instants(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05Z",
        "2026-01-02T03:04Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T03:60:00Z",
        "2026-01-02T03:04:60Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05.1234567890Z",
        "2026-01-02T03:04:05,5Z",
        "2026-01-02T03:04:05+0800",
        "2026-01-02T03:04:05+08",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+08:60",
        "2026-01-02T03:04:05Z ",
        "2026-02-30T03:04:05Z",
        "1899-12-31T00:00:00Z",
        "2200-01-01T00:00:00Z",
        "2026-01-02T3:04:05Z",
        "2026-01-02T03:04:-5Z",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        int64_t ms = 42;
        if (instant_parse(str_of(bad[i]), &ms) || ms != 42)
            fail_msg("%s", bad[i]);
    }
    assert_true(at("1970-01-01T00:00:00Z") == 0);
    assert_true(at("2026-01-02T03:04:05.678+08:00") == INT64_C(1767294245678));
    assert_true(at("2026-01-02t03:04:05.5z") == at("2026-01-02T03:04:05.500Z"));
    assert_true(at("2026-01-02T03:04:05.123456789Z") == at("2026-01-02T03:04:05.123Z"));
    assert_true(at("1969-12-31T23:59:59.999Z") == -1);
    const struct zone *sh = zone_find("Asia/Shanghai"), *ny = zone_find("America/New_York");
    assert_instant(INT64_C(1767294245678), sh, "2026-01-02T03:04:05.678+08:00");
    assert_instant(INT64_C(1767294245678), ny, "2026-01-01T14:04:05.678-05:00");
    assert_instant(-1, NULL, "1969-12-31T23:59:59.999Z");
    assert_instant(-1, zone_find("UTC"), "1969-12-31T23:59:59.999Z");
    assert_instant(INT64_MAX, NULL, "9999-12-31T23:59:59.999Z");
    assert_instant(INT64_MIN, sh, "0001-01-01T08:05:00.000+08:05");
    for (int64_t t = at("1900-01-01T12:00:00Z"); t < at("2199-12-31T00:00:00Z");
         t += INT64_C(86400000) * 31 + 12345678) {
        struct buf b;
        int64_t back;
        buf_init(&b, mem, 40);
        buf_instant(&b, t, t % 2 ? sh : ny);
        assert_true(instant_parse(buf_str(&b), &back) && back == t);
    }
}

static void foreign_times(void **state)
{
    (void)state;
    static const struct {
        const char *text, *format, *utc; /* NULL: refused */
    } rows[] = {
        {"1/2/26 3:04 PM", "%m/%d/%y %I:%M %p", "2026-01-02T15:04:00Z"},
        {"12:00 am 02-Jan-2026", "%I:%M %p %d-%b-%Y", "2026-01-02T00:00:00Z"},
        {"12:30 PM 02-JAN-1999", "%I:%M %p %d-%b-%Y", "1999-01-02T12:30:00Z"},
        {"20260102030405", "%Y%m%d%H%M%S", "2026-01-02T03:04:05Z"},
        {"2026年1月2日", "%Y年%m月%d日", "2026-01-02T00:00:00Z"},
        {"2026-01-02", "%Y-%m-%d", "2026-01-02T00:00:00Z"},
        {"100% 2026-01-02", "100%% %Y-%m-%d", "2026-01-02T00:00:00Z"},
        {"2/3/69", "%d/%m/%y", "1969-03-02T00:00:00Z"},
        {"11/12/2026", "%d/%m/%Y", "2026-12-11T00:00:00Z"}, /* cmms#36: the mapping says it, */
        {"11/12/2026", "%m/%d/%Y", "2026-11-12T00:00:00Z"},
        {"31/12/2026", "%m/%d/%Y", NULL}, /* and is not turned round where it does not fit */
        {"2026-01-02 3:04", "%Y-%m-%d %I:%M", NULL}, /* which half of the day? */
        {"13:00 PM 2026-01-02", "%I:%M %p %Y-%m-%d", NULL},
        {"0:00 AM 2026-01-02", "%I:%M %p %Y-%m-%d", NULL},
        {"2026-01-02 24:00", "%Y-%m-%d %H:%M", NULL},
        {"2026-02-30", "%Y-%m-%d", NULL},
        {"2026-01-02x", "%Y-%m-%d", NULL},
        {"2026-01", "%Y-%m-%d", NULL},
        {"2026-01", "%Y-%m", NULL},
        {"02-Foo-2026", "%d-%b-%Y", NULL},
        {"2026-01-02", "%Q-%m-%d", NULL},
        {"26-01-02", "%Y-%m-%d", NULL},
        {"", "%Y-%m-%d", NULL},
        {"", "", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t ms = 42;
        bool good = instant_parse_format(str_of(rows[i].text), rows[i].format, zone_find("UTC"),
                                         &ms);
        if (good != (rows[i].utc != NULL) || ms != (good ? at(rows[i].utc) : 42))
            fail_msg("row %zu", i);
    }
}

static void clocks(void **state)
{
    (void)state;
    clock_fake(1234);
    assert_true(clock_now_ms() == 1234);
    clock_fake(0);
    assert_true(clock_now_ms() > at("2025-01-01T00:00:00Z"));
    int64_t before = clock_mono_us();
    clock_sleep_ms(5);
    assert_true(clock_mono_us() - before >= 5000);
    assert_true(clock_mono_ms() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_300_years),
        cmocka_unit_test(dates_refused),
        cmocka_unit_test(zones_known),
        cmocka_unit_test(shanghai_days),
        cmocka_unit_test(gaps_and_overlaps),
        cmocka_unit_test(instants),
        cmocka_unit_test(foreign_times),
        cmocka_unit_test(clocks),
    };
    return cmocka_run_group_tests(tests, start, end);
}
