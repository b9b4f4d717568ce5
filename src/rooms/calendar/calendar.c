/* calendar.c - the calendar room's tables, their checks and its name plate. */
#include "rooms/calendar/calendar.h"

#include "rooms/calendar/room.h"

#define WEEKDAY(name, zh, en)                                                                      \
    {                                                                                              \
        name, F_TEXT, LIST, 0, 60, .label = {zh, en}, .help = {                                    \
            "如 09:00-12:00 13:30-18:00;留空不上班",                                               \
            "such as 09:00-12:00 13:30-18:00; empty: closed"                                       \
        }                                                                                          \
    }
static const struct field week_fields[WC__N] = {
    STANDARD_FIELDS,
    [WC_MONDAY] = WEEKDAY("monday", "周一", "Monday"),
    WEEKDAY("tuesday", "周二", "Tuesday"),
    WEEKDAY("wednesday", "周三", "Wednesday"),
    WEEKDAY("thursday", "周四", "Thursday"),
    WEEKDAY("friday", "周五", "Friday"),
    WEEKDAY("saturday", "周六", "Saturday"),
    [WC_SUNDAY] = WEEKDAY("sunday", "周日", "Sunday"),
};
static const struct index week_indexes[] = {
    {"work_calendar_one", "community_id", "archived = 0", true}};
static const struct field day_fields[CD__N] = {
    STANDARD_FIELDS,
    [CD_DATE] = {"date", F_DATE, REQUIRED | UNIQUE | FILTER | SORT | LIST,
                 .label = {"日期", "Date"}},
    [CD_WORKDAY] = {"workday", F_BOOL, REQUIRED | FILTER | LIST, .label = {"上班", "Working day"},
                    .help = {"否:休息", "no: a day off"}},
    [CD_NAME] = {"name", F_TEXT, SEARCH | LIST, 0, 40, .label = {"说明", "What for"}},
};
static const struct field year_fields[HY__N] = {
    STANDARD_FIELDS,
    [HY_YEAR] = {"year", F_INT, REQUIRED | CREATE_ONLY | UNIQUE | FILTER | SORT | LIST, 1, 9999,
                 .label = {"年份", "Year"}},
    [HY_DAYS] = {"days", F_LONGTEXT, REQUIRED, 1, 10000, .label = {"安排", "Days"},
                 .help = {"每行一天:2026-01-01 off 元旦;调休上班写 work",
                          "a day a line: 2026-01-01 off New Year; work for a make-up day"}},
    [HY_SOURCE] = {"source", F_TEXT, LIST, 0, 200, .label = {"依据", "Source"}},
};

static int minutes_of(const struct work_hours *h)
{
    int sum = 0;
    for (int i = 0; i < h->n; i++)
        sum += h->span[i].to - h->span[i].from;
    return sum;
}

enum { WEEK_LEAST_MIN = 300 };
/* A calendar with no hours would make nothing ever due, one with a minute a week hardly. */
static enum err week_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    int minutes = 0;
    (void)tx;
    (void)old;
    for (int i = WC_MONDAY; i <= WC_SUNDAY; i++) {
        struct work_hours h;
        if (!work_hours_parse(row_str(neu, i), &h))
            (void)FAIL_FIELD(c, week_fields[i].name, "format",
                             "应如 09:00-12:00 13:30-18:00:从早到晚,不重叠,最多 %d 段",
                             "write 09:00-12:00 13:30-18:00: in order, apart, at most %d spans",
                             SPANS_MAX);
        else
            minutes += minutes_of(&h);
    }
    if (c->fault.nfields)
        return E_INVALID;
    if (!minutes)
        return FAIL_FIELD(c, "monday", "required", "一周至少要有一段工作时间",
                          "a week needs at least one span of working time");
    return minutes >= WEEK_LEAST_MIN
               ? E_OK
               : FAIL_FIELD(
                     c, "monday", "range",
                     "一周合计只有 %d 分钟,至少要 %d 小时。要按 24 小时计时,请在时限规则里选择",
                     "only %d minutes a week; at least %d hours. To count around the clock, "
                     "say so in the SLA policies",
                     minutes, WEEK_LEAST_MIN / 60);
}

static enum err year_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    struct notice n = {.rest = row_str(neu, HY_DAYS)};
    struct work_day d;
    int64_t year = row_int(neu, HY_YEAR);
    (void)tx;
    (void)old;
    if (year < NOTICE_YEAR_MIN || year > NOTICE_YEAR_MAX)
        return FAIL_FIELD(c, "year", "range", "%d 到 %d", "%d to %d", NOTICE_YEAR_MIN,
                          NOTICE_YEAR_MAX);
    while (notice_next(&n, &d))
        if (date_of_days(d.day).y < year - 1 || date_of_days(d.day).y > year + 1)
            return FAIL_FIELD(c, "days", "range", "第 %d 行不属于 %lld 年",
                              "line %d is not of year %lld", n.line, (long long)year);
    if (n.bad)
        return FAIL_FIELD(c, "days", "format", "第 %d 行应如 2026-01-01 off 元旦",
                          "line %d should look like 2026-01-01 off New Year", n.line);
    return E_OK;
}

#define RIGHTS .read = "calendar.read", .create = "calendar.manage", .update = "calendar.manage"
const struct resource res_work_calendar = {.name = "work_calendar",
                                           .path = "work-calendars",
                                           .label = {"工作时间", "Working hours"},
                                           .fields = week_fields,
                                           .nfields = WC__N,
                                           .indexes = week_indexes,
                                           .nindexes = 1,
                                           .title = "id",
                                           RIGHTS,
                                           .check = week_check};
const struct resource res_calendar_day = {.name = "calendar_day",
                                          .path = "calendar-days",
                                          .label = {"自定日期", "Own day"},
                                          .fields = day_fields,
                                          .nfields = CD__N,
                                          .title = "date",
                                          .default_sort = "-date",
                                          RIGHTS,
                                          .remove = "calendar.manage"};
const struct resource res_holiday_year = {.name = "holiday_year",
                                          .path = "holiday-years",
                                          .label = {"放假安排", "Holiday notice"},
                                          .system = true,
                                          .fields = year_fields,
                                          .nfields = HY__N,
                                          .title = "year",
                                          .default_sort = "-year",
                                          .read = "calendar.company",
                                          .create = "calendar.company",
                                          .update = "calendar.company",
                                          .check = year_check};

/* --- a new community --- */

static const struct query Q_HAS_WEEK = {
    "calendar.has_week", "SELECT id FROM work_calendar WHERE community_id = $1 LIMIT 1"};

/* It starts with the default hours as a row of its own, to be changed there. */
static enum err seed_week(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    const struct json *j;
    struct val id;
    struct row row = {0};
    (void)app;
    TRY(json_parse(c, data, &j));
    int64_t community = json_int(json_get(j, "id"));
    enum err e = q_one(c, tx, &Q_HAS_WEEK, IN(v_int(community)), &id, 1);
    if (e != E_MISSING)
        return e;
    row_put(&row, R_COMMUNITY, v_int(community));
    for (int i = 0; i < 7; i++) {
        struct work_hours h = work_hours_default(i + 1);
        struct buf b;
        buf_init(&b, c->mem, 100);
        buf_hours(&b, &h);
        row_put(&row, WC_MONDAY + i, v_text(buf_str(&b)));
    }
    return res_insert(c, tx, &res_work_calendar, &row);
}

static const struct resource *const resources[] = {&res_work_calendar, &res_calendar_day,
                                                   &res_holiday_year, NULL};
static const struct query *const queries[] = {&Q_HAS_WEEK, NULL};
static const struct job jobs[] = {{"calendar.seed", 0, seed_week, NULL}, {0}};
static const struct on listens[] = {{"community.created", "calendar.seed"}, {0}};
static const struct perm perms[] = {
    {"calendar.read", {"查看工作日历", "See the work calendar"}},
    {"calendar.manage", {"管理工作日历", "Manage the work calendar"}},
    {"calendar.company", {"管理全公司的放假安排", "Manage the company's holiday notices"}},
    {0}};
/* One entry: the page links to hours, own days and notices. */
static const struct menu_item menu[] = {{"rules",
                                         {"服务规则", "Service rules"},
                                         "calendar",
                                         {"工作日历", "Work calendar"},
                                         "calendar",
                                         NULL,
                                         "calendar.read"},
                                        {0}};
const struct module calendar_module = {
    .name = "calendar",
    .purpose = "working days and hours: notices of holidays and make-up days, a community's own",
    .resources = resources,
    .queries = {queries, notice_queries, load_queries},
    .routes = {calendar_routes},
    .jobs = jobs,
    .listens = listens,
    .perms = perms,
    .menu = menu,
    .seed = calendar_seed};
