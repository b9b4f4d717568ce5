/* workcal.c - days and working time as pure functions. Nothing here reads a clock, a database or a
 * setting, and every walk over days ends where the loaded calendar ends. */
#include "rooms/calendar/room.h"

static bool read_time(struct str s, int *ret)
{
    int64_t h, m;
    struct str rest = s, hours = str_next(&rest, ':');
    if (hours.n != 2 || rest.n != 2 || !str_int(hours, &h) || !str_int(rest, &m))
        return false;
    if (h < 0 || m < 0 || m > 59 || h * 60 + m > 1440)
        return false;
    *ret = (int)(h * 60 + m);
    return true;
}

bool work_hours_parse(struct str s, struct work_hours *ret)
{
    struct work_hours h = {.n = 0};
    struct str rest = str_trim(s);
    while (rest.n) {
        struct str span = str_next(&rest, ' ');
        struct str to = span, from = str_next(&to, '-');
        int a, b;
        if (!span.n)
            continue;
        if (h.n == SPANS_MAX || !to.p || !read_time(from, &a) || !read_time(to, &b) || a >= b)
            return false;
        if (h.n && a < h.span[h.n - 1].to)
            return false;
        h.span[h.n].from = a;
        h.span[h.n++].to = b;
    }
    *ret = h;
    return true;
}

struct work_hours work_hours_default(int weekday)
{
    struct work_hours h = {.n = 0};
    if (weekday <= 5)
        h = (struct work_hours){{{9 * 60, 18 * 60}}, 1};
    return h;
}

static const struct work_day *spoken_of(const struct workcal *w, int day)
{
    size_t lo = 0, hi = w->ndays;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (w->days[mid].day < day)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < w->ndays && w->days[lo].day == day ? &w->days[lo] : NULL;
}

bool workcal_year_known(const struct workcal *w, int year)
{
    int i = year - w->year0;
    return i >= 0 && i < 64 && (w->published >> i & 1);
}

struct work_day workcal_day(const struct workcal *w, struct date d)
{
    int day = (int)date_days(d);
    const struct work_day *said = spoken_of(w, day);
    if (said)
        return *said;
    return (struct work_day){.day = day,
                             .work = date_weekday(d) <= 5,
                             .source = workcal_year_known(w, d.y) ? DAY_WEEKDAY : DAY_UNPUBLISHED};
}

struct work_hours workcal_hours(const struct workcal *w, struct date d)
{
    const struct work_day *said = spoken_of(w, (int)date_days(d));
    const struct work_hours *own = &w->week[date_weekday(d) - 1];
    if (said && !said->work)
        return (struct work_hours){.n = 0};
    for (int i = 0; said && !own->n && i < 7; i++)
        if (w->week[i].n)
            return w->week[i];
    return *own;
}

static int64_t instant(const struct workcal *w, int day, int minute)
{
    return zone_instant_ms(w->zone, date_of_days(day), minute * 60000);
}

/* The next stretch of working time that ends after at_ms: [*ret_from, *ret_to), not before at_ms.
 * day: where to look from, moved along. */
struct walk {
    int day, span; /* the next to look at */
};
static bool next_stretch(const struct workcal *w, struct walk *k, int64_t at_ms, int64_t *ret_from,
                         int64_t *ret_to)
{
    for (; k->day <= w->last; k->day++, k->span = 0) {
        struct work_hours h = workcal_hours(w, date_of_days(k->day));
        while (k->span < h.n) {
            int64_t a = instant(w, k->day, h.span[k->span].from),
                    b = instant(w, k->day, h.span[k->span].to);
            k->span++;
            if (b <= at_ms)
                continue;
            *ret_from = a < at_ms ? at_ms : a;
            *ret_to = b;
            return true;
        }
    }
    return false;
}

static struct walk walk_from(const struct workcal *w, int64_t at_ms)
{
    return (struct walk){(int)date_days(zone_date(w->zone, at_ms)), 0};
}

bool workcal_add(const struct workcal *w, int64_t from_ms, int64_t ms, int64_t *ret_ms)
{
    int64_t left_ms = ms, a, b;
    struct walk k = walk_from(w, from_ms);
    if (k.day < w->first)
        return false;
    if (left_ms <= 0) {
        *ret_ms = from_ms;
        return true;
    }
    while (next_stretch(w, &k, from_ms, &a, &b)) {
        if (left_ms <= b - a) {
            *ret_ms = a + left_ms;
            return true;
        }
        left_ms -= b - a;
    }
    return false;
}

bool workcal_between(const struct workcal *w, int64_t from_ms, int64_t to_ms, int64_t *ret_ms)
{
    int64_t sum = 0, a, b;
    struct walk k = walk_from(w, from_ms);
    if (k.day < w->first || date_days(zone_date(w->zone, to_ms)) > w->last)
        return false;
    while (from_ms < to_ms && next_stretch(w, &k, from_ms, &a, &b) && a < to_ms)
        sum += (b < to_ms ? b : to_ms) - a;
    *ret_ms = sum;
    return true;
}

bool workcal_open_at(const struct workcal *w, int64_t at_ms, int64_t *ret_ms)
{
    int64_t b;
    struct walk k = walk_from(w, at_ms);
    return k.day >= w->first && next_stretch(w, &k, at_ms, ret_ms, &b);
}

bool workcal_add_days(const struct workcal *w, struct date d, int n, struct date *ret)
{
    int day = (int)date_days(d);
    if (day < w->first)
        return false;
    while (n > 0) {
        if (++day > w->last)
            return false;
        n -= workcal_day(w, date_of_days(day)).work;
    }
    *ret = date_of_days(day);
    return true;
}

int workcal_diff_days(const struct workcal *w, struct date from, struct date to)
{
    int n = 0;
    for (int day = (int)date_days(from) + 1; day <= (int)date_days(to); day++)
        n += workcal_day(w, date_of_days(day)).work;
    return n;
}
