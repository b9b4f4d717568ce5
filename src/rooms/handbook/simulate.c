/* simulate.c - "if it came then, when would it be due, and why": the clocks' own function asked
 * about a request that does not exist, with an account of every step, because nobody can find a
 * fault in a due time otherwise. */
#include "rooms/handbook/room.h"

enum { PAUSES_ASKED_MAX = 50 };
enum { I_COMMUNITY, I_KIND, I_CATEGORY, I_PRIORITY, I_TIER, I_RECEIVED, I_PAUSES, I__N };
static const struct field simulate_fields[I__N] = {
    [I_COMMUNITY] = {"community_id", F_REF, REQUIRED, .ref = "communities",
                     .label = {"项目", "Community"}},
    [I_KIND] = {"kind", F_ENUM, REQUIRED, .choices = ticket_kinds, .label = {"类别", "Kind"}},
    [I_CATEGORY] = {"category_id", F_REF, 0, .ref = "categories", .label = {"分类", "Category"}},
    [I_PRIORITY] = {"priority", F_ENUM, REQUIRED, .choices = ticket_priorities,
                    .label = {"优先级", "Priority"}},
    [I_TIER] = {"tier", F_ENUM, 0, .choices = ticket_tiers, .label = {"客户等级", "Tier"}},
    [I_RECEIVED] = {"received_at", F_INSTANT, REQUIRED, .label = {"收到时间", "Received at"}},
    [I_PAUSES] = {"pauses", F_JSON, 0, .label = {"暂停", "Pauses"},
                  .help = {"[{from, to, class}],按时间先后", "[{from, to, class}] in order"}},
};

struct simulation {
    struct req *q;
    int64_t community, received_ms;
    const struct zone *zone;
    struct sla sla;
    struct workcal calendar;
    struct pause pauses[PAUSES_ASKED_MAX];
    const struct choice *classes[PAUSES_ASKED_MAX];
    size_t npauses;
    int64_t due_ms[CLOCK__N];
    struct buf lines; /* JSON strings, ,-separated */
};

/* --- what is asked --- */

static enum err read_pause(struct ctx *c, struct tx *tx, struct simulation *s, const struct json *j,
                           size_t i)
{
    struct pause p = {0};
    bool ask;
    int64_t before = i ? s->pauses[i - 1].to_ms : s->received_ms;
    if (json_type(j) != JSON_OBJECT || !instant_parse(json_str(json_get(j, "from")), &p.from_ms) ||
        !instant_parse(json_str(json_get(j, "to")), &p.to_ms))
        return FAIL_FIELD(c, "pauses", "format",
                          "第 %zu 个暂停应有 from 和 to(如 "
                          "2026-01-31T09:00:00+08:00)",
                          "pause %zu needs from and to, such as 2026-01-31T09:00:00+08:00", i + 1);
    s->classes[i] = choice_of_key(ticket_pause_classes, json_str(json_get(j, "class")));
    if (!s->classes[i])
        return FAIL_FIELD(c, "pauses", "choice", "第 %zu 个暂停的类别无效",
                          "pause %zu has no such class", i + 1);
    if (p.to_ms <= p.from_ms)
        return FAIL_FIELD(c, "pauses", "order", "第 %zu 个暂停的结束早于开始",
                          "pause %zu ends before it begins", i + 1);
    if (p.from_ms < before)
        return i ? FAIL_FIELD(c, "pauses", "overlap", "第 %zu 个暂停与前一个重叠或顺序不对",
                              "pause %zu overlaps the one before or is out of order", i + 1)
                 : FAIL_FIELD(c, "pauses", "range", "暂停早于收到时间",
                              "the first pause begins before the request was received");
    TRY(pause_policy_of(c, tx, s->community, s->classes[i]->code, &p.stops, &ask));
    s->pauses[i] = p;
    s->npauses++;
    return E_OK;
}

static enum err read_asked(struct ctx *c, struct tx *tx, struct simulation *s)
{
    const struct row *in = &s->q->in;
    const struct json *pauses = json_get(s->q->body, "pauses");
    s->community = row_int(in, I_COMMUNITY);
    s->received_ms = row_int(in, I_RECEIVED);
    if (!who_may(c->who, "policy.read", s->community))
        return FAIL(c, E_MISSING, "没有找到这个项目", "no such community");
    s->zone = app_zone(s->community);
    TRY(res_check_refs(c, tx, simulate_fields + I_CATEGORY, 1,
                       &(struct row){.v = {in->v[I_CATEGORY]}, .set = 1}, s->community));
    struct date d = zone_date(s->zone, s->received_ms);
    if (d.y < 2000 || d.y > 2150)
        return FAIL_FIELD(c, "received_at", "range", "年份应在 2000 到 2150 之间",
                          "a year between 2000 and 2150");
    if (!pauses || json_type(pauses) == JSON_NULL)
        return E_OK;
    if (json_type(pauses) != JSON_ARRAY || json_count(pauses) > PAUSES_ASKED_MAX)
        return FAIL_FIELD(c, "pauses", "format", "应是最多 %d 个暂停的列表",
                          "a list of at most %d pauses", PAUSES_ASKED_MAX);
    for (size_t i = 0; i < json_count(pauses); i++)
        TRY(read_pause(c, tx, s, json_at(pauses, i), i));
    return E_OK;
}

/* --- the account --- */

static void line(struct simulation *s, struct buf *b)
{
    if (s->lines.n)
        buf_putc(&s->lines, ',');
    buf_json(&s->lines, buf_str(b));
    buf_clear(b);
}

static void put_date(struct buf *b, struct date d)
{
    buf_fmt(b, "%04d-%02d-%02d", d.y, d.m, d.d);
}

static void put_time(struct buf *b, const struct zone *z, int64_t at_ms)
{
    struct date d = zone_date(z, at_ms);
    int64_t minute = (at_ms - zone_instant_ms(z, d, 0)) / 60000;
    put_date(b, d);
    buf_fmt(b, " %02d:%02d", (int)(minute / 60), (int)(minute % 60));
}

static void tell_policy(struct ctx *c, struct simulation *s, struct buf *b)
{
    bool zh = c->lang == LANG_ZH;
    const struct choice *kind = choice_of_code(ticket_kinds, row_int(&s->q->in, I_KIND)),
                        *priority = choice_of_code(ticket_priorities,
                                                   row_int(&s->q->in, I_PRIORITY)),
                        *hours = choice_of_code(clock_hours, s->sla.hours);
    if (s->sla.policy_id)
        buf_fmt(b, zh ? "时限规则第 %lld 版(%s · %s):" : "Policy version %lld (%s, %s): ",
                (long long)s->sla.version, text_in(kind->label, c->lang),
                text_in(priority->label, c->lang));
    else
        buf_putz(b, zh ? "没有时限规则,按系统默认:" : "No policy; the built-in one: ");
    for (int k = 0; k < CLOCK__N; k++)
        buf_fmt(b, zh ? "%s %d 分钟," : "%s %d min, ", text_in(sla_clocks[k].label, c->lang),
                s->sla.minutes[k]);
    buf_fmt(b, zh ? "按%s计" : "counted %s",
            zh                             ? hours->label.zh
            : s->sla.hours == HOURS_ALWAYS ? "around the clock"
                                           : "in working time");
    line(s, b);
}

/* What no calendar can answer is counted like an emergency (sla_due_of). */
static void tell_closed(struct ctx *c, struct simulation *s, struct buf *b)
{
    int years = WORKCAL_DAYS_MAX / 365;
    buf_fmt(b,
            c->lang == LANG_ZH
                ? "注意:工作日历在 %d 年内没有足够的工作时间,改按 24 小时计。请检查工作日历"
                : "Note: the work calendar has too little working time within %d years: counted "
                  "around the clock instead. Please check the work calendar",
            years);
    line(s, b);
}

static void tell_hours(struct ctx *c, struct simulation *s, struct buf *b)
{
    buf_putz(b, c->lang == LANG_ZH ? "工作时间:" : "Working time: ");
    for (int i = 0, n = 0; i < 7; i++) {
        if (!s->calendar.week[i].n)
            continue;
        buf_putz(b, n++ ? c->lang == LANG_ZH ? ";" : "; " : "");
        buf_fmt(b, "%s ", text_in(res_work_calendar.fields[WC_MONDAY + i].label, c->lang));
        buf_hours(b, &s->calendar.week[i]);
    }
    line(s, b);
}

/* Days somebody spoke of, alike ones in one line. */
static void tell_days(struct ctx *c, struct simulation *s, struct buf *b)
{
    bool zh = c->lang == LANG_ZH;
    const struct workcal *w = &s->calendar;
    int first = (int)date_days(zone_date(s->zone, s->received_ms)),
        last = (int)date_days(zone_date(s->zone, s->due_ms[CLOCK_RESOLVE]));
    for (size_t i = 0, n; i < w->ndays; i += n) {
        const struct work_day *d = &w->days[i];
        for (n = 1; i + n < w->ndays && d[n].day == d->day + (int)n && d[n].work == d->work &&
                    str_eq(d[n].name, d->name);)
            n++;
        if (d[n - 1].day < first || d->day > last)
            continue;
        put_date(b, date_of_days(d->day));
        if (n > 1) {
            buf_putz(b, zh ? " 至 " : " to ");
            put_date(b, date_of_days(d[n - 1].day));
        }
        buf_fmt(b, " " PRS " ", PRA(d->name));
        buf_putz(b, d->work ? zh ? "上班,计时" : "worked: counts"
                    : zh    ? "休息,不计时"
                            : "off: does not count");
        line(s, b);
    }
}

static void tell_pauses(struct ctx *c, struct simulation *s, struct buf *b)
{
    bool zh = c->lang == LANG_ZH;
    for (size_t i = 0; i < s->npauses; i++) {
        const struct pause *p = &s->pauses[i];
        put_time(b, s->zone, p->from_ms);
        buf_putz(b, zh ? " 至 " : " to ");
        put_time(b, s->zone, p->to_ms);
        buf_fmt(b, zh ? " 暂停(%s):" : " paused (%s): ", text_in(s->classes[i]->label, c->lang));
        buf_putz(b, !p->stops ? zh ? "不停表" : "the clock goes on"
                    : zh ? "停表,此后到期的首次处理和完成时限顺延;响应时限不停"
                         : "handling and resolution due later move by as much; the response "
                           "clock goes on");
        line(s, b);
    }
}

static void tell_dues(struct ctx *c, struct simulation *s, struct buf *b)
{
    for (int k = 0; k < CLOCK__N; k++) {
        buf_fmt(b, "%s%s", text_in(sla_clocks[k].label, c->lang), c->lang == LANG_ZH ? ":" : ": ");
        put_time(b, s->zone, s->received_ms);
        buf_fmt(b, c->lang == LANG_ZH ? " + %d 分钟 → " : " + %d min → ", s->sla.minutes[k]);
        put_time(b, s->zone, s->due_ms[k]);
        line(s, b);
    }
}

static void tell_unknown(struct ctx *c, struct simulation *s, struct buf *b)
{
    int first = zone_date(s->zone, s->received_ms).y,
        last = zone_date(s->zone, s->due_ms[CLOCK_RESOLVE]).y;
    for (int y = first; s->sla.hours == HOURS_WORKING && y <= last; y++) {
        if (workcal_year_known(&s->calendar, y))
            continue;
        buf_fmt(b,
                c->lang == LANG_ZH ? "注意:%d 年的放假安排还没有公布或没有导入,按周一至周五算"
                                   : "Note: the holidays of %d are not published or not "
                                     "imported: Monday to Friday is assumed",
                y);
        line(s, b);
    }
}

static enum err work_out(struct ctx *c, struct tx *tx, void *arg)
{
    struct simulation *s = arg;
    struct sla counted;
    struct buf b;
    const struct row *in = &s->q->in;
    *s = (struct simulation){.q = s->q};
    TRY(read_asked(c, tx, s));
    TRY(sla_read(c, tx, s->community, row_int(in, I_KIND), row_int(in, I_PRIORITY),
                 in->v[I_CATEGORY], row_has(in, I_TIER) ? row_int(in, I_TIER) : TIER_REGULAR,
                 &s->sla));
    counted = s->sla;
    TRY(sla_due_of(c, tx, s->community, &counted, s->received_ms, s->pauses, s->npauses, s->due_ms,
                   &s->calendar));
    buf_init(&b, c->mem, 4000);
    buf_init(&s->lines, c->mem, 64 << 10);
    tell_policy(c, s, &b);
    if (counted.hours != s->sla.hours)
        tell_closed(c, s, &b);
    s->sla.hours = counted.hours;
    if (s->sla.hours == HOURS_WORKING) {
        tell_hours(c, s, &b);
        tell_days(c, s, &b);
    }
    tell_pauses(c, s, &b);
    tell_dues(c, s, &b);
    tell_unknown(c, s, &b);
    return E_OK;
}

/* Nothing is written: a read, though it is asked by POST. */
static enum err simulate_post(struct ctx *c, struct req *q)
{
    struct simulation *s = arena_get(c->mem, sizeof *s);
    s->q = q;
    TRY(db_read(q->app->db, c, work_out, s));
    buf_fmt(&q->out, "{\"policy_version\":%lld", (long long)s->sla.version);
    for (int k = 0; k < CLOCK__N; k++) {
        buf_fmt(&q->out, ",\"%s_due\":\"", sla_clocks[k].key);
        buf_instant(&q->out, s->due_ms[k], s->zone);
        buf_putc(&q->out, '"');
    }
    buf_put(&q->out, S(",\"explanation\":["));
    buf_put(&q->out, buf_str(&s->lines));
    buf_put(&q->out, S("]}"));
    return E_OK;
}

const struct route sla_routes[] = {
    {"POST",
     "/api/v1/sla/simulate",
     "policy.read",
     NO_TX,
     NULL,
     simulate_post,
     simulate_fields,
     I__N,
     {"时限推算", "When would it be due, and why"},
     "{policy_version:int,respond_due:instant,handle_due:instant,resolve_due:instant,explanation:["
     "str]}",
     0,
     NULL},
    {0}};
