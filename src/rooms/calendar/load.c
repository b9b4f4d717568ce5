/* load.c - a community's calendar out of the database: its hours, the notices of the years in
 * question and its own days, laid over each other. */
#include <stdlib.h>
#include <string.h>

#include "rooms/calendar/room.h"

static const struct query Q_WEEK = {
    "calendar.week", "SELECT monday, tuesday, wednesday, thursday, friday, saturday, sunday FROM "
                     "work_calendar WHERE community_id = $1 AND archived = 0"};
static const struct query Q_NOTICES = {
    "calendar.notices", "SELECT year, days FROM holiday_year WHERE community_id = 0 AND year >= $1 "
                        "AND year <= $2 AND archived = 0 ORDER BY year"};
static const struct query Q_OWN = {
    "calendar.own", "SELECT date, workday, name FROM calendar_day WHERE community_id = $1 AND date "
                    ">= $2 AND date <= $3 AND archived = 0"};
const struct query *const load_queries[] = {&Q_WEEK, &Q_NOTICES, &Q_OWN, NULL};
enum { VOICES = 4 }; /* three notices at most speak of one day, and the community */

static enum err load_week(struct ctx *c, struct tx *tx, int64_t community, struct workcal *w)
{
    struct val v[7];
    enum err e = q_one(c, tx, &Q_WEEK, IN(v_int(community)), v, 7);
    if (e != E_OK && e != E_MISSING)
        return e;
    for (int i = 0; i < 7; i++) {
        w->week[i] = work_hours_default(i + 1);
        if (e == E_OK && !work_hours_parse(val_str(v[i]), &w->week[i]))
            w->week[i] = (struct work_hours){.n = 0}; /* checked when it was written */
    }
    return E_OK;
}

struct spoken {
    struct workcal *w;
    struct str from, to; /* as a notice writes them */
    struct work_day *v;
    size_t n, cap;
};

static void keep(struct ctx *c, struct spoken *s, struct work_day d)
{
    if (d.day < s->w->first || d.day > s->w->last || s->n >= s->cap)
        return;
    d.name = str_dup(c->mem, d.name);
    s->v[s->n++] = d;
}

/* Every ticket asks, and of the hundred days of three notices a few are in question: the lines of
 * the others are not taken apart. */
static bool is_outside(const struct spoken *s, struct str line)
{
    struct str date = str_sub(line, 0, s->from.n);
    return str_cmp(date, s->from) < 0 || str_cmp(date, s->to) > 0;
}

static enum err take_notice(struct ctx *c, const struct val *v, int ncol, void *arg)
{
    struct spoken *s = arg;
    struct str rest = val_str(v[1]);
    struct work_day d;
    (void)ncol;
    while (rest.p) {
        struct notice n = {.rest = str_next(&rest, '\n')};
        if (!is_outside(s, n.rest) && notice_next(&n, &d))
            keep(c, s, d);
    }
    s->w->published |= UINT64_C(1) << (val_int(v[0]) - s->w->year0);
    return E_OK;
}

static enum err take_own(struct ctx *c, const struct val *v, int ncol, void *arg)
{
    struct date date;
    (void)ncol;
    if (date_parse(val_str(v[0]), &date))
        keep(c, arg,
             (struct work_day){(int)date_days(date), val_int(v[1]) != 0, DAY_COMMUNITY,
                               val_str(v[2])});
    return E_OK;
}

/* By day; of two that speak of one day the weightier first: the community, then the later notice,
 * which came later in the list. */
static int by_day(const void *a, const void *b)
{
    const struct work_day *x = *(const struct work_day *const *)a,
                          *y = *(const struct work_day *const *)b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return x > y ? -1 : x < y;
}

static void settle(struct ctx *c, struct spoken *s)
{
    const struct work_day **order = arena_get(c->mem, (s->n + 1) * sizeof(void *));
    struct work_day *days = arena_get(c->mem, (s->n + 1) * sizeof *days);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        order[i] = &s->v[i];
    qsort(order, s->n, sizeof(void *), by_day);
    for (size_t i = 0; i < s->n; i++)
        if (!n || days[n - 1].day != order[i]->day)
            days[n++] = *order[i];
    s->w->days = days;
    s->w->ndays = n;
}

enum err workcal_load(struct ctx *c, struct tx *tx, int64_t community_id, struct date from,
                      struct date to, struct workcal *ret)
{
    struct workcal w = {.zone = app_zone(community_id),
                        .first = (int)date_days(from),
                        .last = (int)date_days(to),
                        .year0 = from.y - 1};
    struct spoken s = {.w = &w, .from = date_text(c->mem, from), .to = date_text(c->mem, to)};
    if (w.last < w.first || w.last - w.first >= WORKCAL_DAYS_MAX)
        return FAIL_FIELD(c, "to", "range", "日期范围最多 %d 天", "at most %d days at a time",
                          WORKCAL_DAYS_MAX);
    s.cap = ((size_t)(w.last - w.first) + 1) * VOICES;
    s.v = arena_get(c->mem, s.cap * sizeof *s.v);
    TRY(load_week(c, tx, community_id, &w));
    /* Notices first, in the order of their years: what comes later about a day is weightier. */
    TRY(q_each(c, tx, &Q_NOTICES, IN(v_int(from.y - 1), v_int(to.y + 1)), take_notice, &s));
    TRY(q_each(c, tx, &Q_OWN, IN(v_int(community_id), v_text(s.from), v_text(s.to)), take_own, &s));
    settle(c, &s);
    *ret = w;
    return E_OK;
}
