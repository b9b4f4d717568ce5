/* api.c - the calendar as an answer: the days of a stretch, so many working days later, how many
 * working days between; and taking in a year's notice. Each says which years it had no notice for.
 */
#include "rooms/calendar/room.h"

enum { ADD_MAX = 1000, SLACK_DAYS = 40 };

void buf_hours(struct buf *b, const struct work_hours *h)
{
    for (int i = 0; i < h->n; i++)
        buf_fmt(b, "%s%02d:%02d-%02d:%02d", i ? " " : "", h->span[i].from / 60,
                h->span[i].from % 60, h->span[i].to / 60, h->span[i].to % 60);
}

static const char *source_word(enum day_source s)
{
    static const char *const words[] = {[DAY_WEEKDAY] = "weekday",
                                        [DAY_PUBLISHED] = "published",
                                        [DAY_COMMUNITY] = "community",
                                        [DAY_UNPUBLISHED] = "not published"};
    return words[s];
}

/* ,"unpublished_years":[…] and, when there are some, a warning for people. */
static void years_json(struct ctx *c, const struct workcal *w, struct date from, struct date to,
                       struct buf *b)
{
    int n = 0;
    buf_put(b, S(",\"unpublished_years\":["));
    for (int y = from.y; y <= to.y; y++)
        if (!workcal_year_known(w, y))
            buf_fmt(b, "%s%d", n++ ? "," : "", y);
    buf_put(b, S("],\"warning\":"));
    if (!n)
        buf_put(b, S("null"));
    else
        buf_json(b, c->lang == LANG_ZH
                        ? S("有的年份放假安排还没有公布(或没有导入),按周一至周五算")
                        : S("Some years' holidays are not published or not imported yet: Monday "
                            "to Friday is assumed"));
}

static enum err days_get(struct ctx *c, struct req *q)
{
    struct date from, to;
    struct workcal w;
    int64_t community;
    struct buf *b = &q->out;
    TRY(req_community(c, q, "calendar.read", &community));
    TRY(req_date_param(c, q, "from", &from));
    TRY(req_date_param(c, q, "to", &to));
    if (date_days(to) < date_days(from))
        return FAIL_FIELD(c, "to", "range", "不能早于开始日期", "is before the start");
    TRY(workcal_load(c, q->tx, community, from, to, &w));
    buf_put(b, S("{\"days\":["));
    for (int day = w.first; day <= w.last; day++) {
        struct date d = date_of_days(day);
        struct work_day k = workcal_day(&w, d);
        struct work_hours h = workcal_hours(&w, d);
        buf_fmt(b, "%s{\"date\":\"%04d-%02d-%02d\",\"workday\":%s,\"source\":\"%s\",\"name\":",
                day > w.first ? "," : "", d.y, d.m, d.d, k.work ? "true" : "false",
                source_word(k.source));
        buf_json(b, k.name);
        buf_put(b, S(",\"hours\":\""));
        buf_hours(b, &h);
        buf_put(b, S("\"}"));
    }
    buf_putc(b, ']');
    years_json(c, &w, from, to, b);
    buf_putc(b, '}');
    return E_OK;
}

static enum err add_get(struct ctx *c, struct req *q)
{
    struct date d, to, ret;
    struct workcal w;
    int64_t community, n;
    struct buf *b = &q->out;
    TRY(req_community(c, q, "calendar.read", &community));
    TRY(req_date_param(c, q, "date", &d));
    if (!str_int(http_param(q->h, "workdays"), &n) || n < 0 || n > ADD_MAX)
        return FAIL_FIELD(c, "workdays", "range", "应是 0 到 %d 的整数",
                          "a whole number from 0 to %d", ADD_MAX);
    /* Seven days have five working days but around long holidays; a community may take away more.
     */
    int64_t span = n * 2 + SLACK_DAYS;
    for (;; span *= 2) {
        if (span >= WORKCAL_DAYS_MAX)
            span = WORKCAL_DAYS_MAX - 1;
        to = date_of_days(date_days(d) + span);
        TRY(workcal_load(c, q->tx, community, d, to, &w));
        if (workcal_add_days(&w, d, (int)n, &ret))
            break;
        if (span == WORKCAL_DAYS_MAX - 1)
            return FAIL_FIELD(c, "workdays", "range", "日历里没有这么多工作日",
                              "the calendar has not so many working days");
    }
    buf_fmt(b, "{\"date\":\"%04d-%02d-%02d\"", ret.y, ret.m, ret.d);
    years_json(c, &w, d, ret, b);
    buf_putc(b, '}');
    return E_OK;
}

static enum err diff_get(struct ctx *c, struct req *q)
{
    struct date from, to;
    struct workcal w;
    int64_t community;
    TRY(req_community(c, q, "calendar.read", &community));
    TRY(req_date_param(c, q, "from", &from));
    TRY(req_date_param(c, q, "to", &to));
    if (date_days(to) < date_days(from))
        return FAIL_FIELD(c, "to", "range", "不能早于开始日期", "is before the start");
    TRY(workcal_load(c, q->tx, community, from, to, &w));
    buf_fmt(&q->out, "{\"workdays\":%d", workcal_diff_days(&w, from, to));
    years_json(c, &w, from, to, &q->out);
    buf_putc(&q->out, '}');
    return E_OK;
}

/* A notice is the company's: one for all communities. */
static enum err import_post(struct ctx *c, struct req *q)
{
    struct calendar_notice n;
    TRY(calendar_notice_read(c, q->body, &n));
    if (!str_eqz(http_param(q->h, "dry_run"), "1"))
        TRY(calendar_notice_store(c, q->tx, &n));
    buf_fmt(&q->out, "{\"year\":%lld,\"off\":%d,\"work\":%d,\"changed\":%s}", (long long)n.year,
            n.off, n.work, n.changed ? "true" : "false");
    return E_OK;
}

static const struct field days_query[] = {
    {"community_id", F_REF, 0, .ref = "communities", .label = {"项目", "Community"}},
    {"from", F_DATE, REQUIRED, .label = {"从", "From"}},
    {"to", F_DATE, REQUIRED, .label = {"到", "To"}}};
static const struct field add_query[] = {
    {"community_id", F_REF, 0, .ref = "communities", .label = {"项目", "Community"}},
    {"date", F_DATE, REQUIRED, .label = {"日期", "Date"}},
    {"workdays", F_INT, REQUIRED, 0, ADD_MAX, .label = {"工作日数", "Working days"}}};
#define WARNED "unpublished_years:[int],warning:str?}"
const struct route calendar_routes[] = {
    {"GET",
     "/api/v1/calendar/days",
     "calendar.read",
     SLOW,
     NULL,
     days_get,
     days_query,
     COUNT_OF(days_query),
     {"工作日与休息日", "Working days and days off"},
     "{days:[{date:date,workday:bool,source:str,name:str,hours:str}]," WARNED,
     0,
     NULL},
    {"GET",
     "/api/v1/calendar/add",
     "calendar.read",
     0,
     NULL,
     add_get,
     add_query,
     COUNT_OF(add_query),
     {"若干工作日之后(当天不计)", "So many working days later (the day itself not counted)"},
     "{date:date," WARNED,
     0,
     NULL},
    {"GET",
     "/api/v1/calendar/diff",
     "calendar.read",
     0,
     NULL,
     diff_get,
     days_query,
     COUNT_OF(days_query),
     {"两日之间的工作日数(首日不计,末日计)", "Working days after from, up to and including to"},
     "{workdays:int," WARNED,
     0,
     NULL},
    {"POST",
     "/api/v1/calendar/import",
     "calendar.company",
     0,
     NULL,
     import_post,
     NULL,
     0,
     {"导入一年的放假安排(holiday-cn 文件)", "Take in a year's notice (a holiday-cn file)"},
     "{year:int,off:int,work:int,changed:bool}",
     0,
     NULL},
    {0}};
