/* zone.c - time zones from the system's compiled zoneinfo (TZif, RFC 8536): transitions by binary
 * search, and the POSIX rule of the footer for times after the last one. UTC and Asia/Shanghai are
 * built in, so the product's default zone gives the same answers on a machine without tzdata. Zones
 * once read stay for the life of the process. Must not open anything outside the zoneinfo folder,
 * whatever the name says. */
#include "base/cal.h"
#include "base/err.h"
#include "base/thread.h"
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ZONEINFO "/usr/share/zoneinfo/"
enum { NAME_MAX_BYTES = 48, FILE_MAX_BYTES = 64 << 10, TYPES_MAX = 256, DAY_S = 86400 };

enum day_kind { DAY_MONTH_WEEK, DAY_JULIAN, DAY_OF_YEAR };
struct rule_day {
    enum day_kind kind;
    int month, week, day;
    int at_s; /* local wall time, may be negative or beyond a day */
};
struct rule {
    bool given, has_dst;
    int std_s, dst_s; /* east of UTC */
    struct rule_day start, end;
};

struct zone {
    struct zone *older;
    char name[NAME_MAX_BYTES];
    size_t n;
    const int64_t *at_s; /* n transition instants, ascending */
    const int *offset_s; /* n offsets from then on */
    int first_s;         /* before the first transition */
    struct rule rule;    /* after the last */
};

/* China's summer times (1919, 1940-49, 1986-91) and Shanghai's local mean time before 1901, from
 * tzdata. */
static const int64_t shanghai_at_s[] = {
    -2177481943, -1600675200, -1585904400, -933667200, -922093200, -908870400,
    -888829200,  -881049600,  -767869200,  -745833600, -733827600, -716889600,
    -699613200,  -683884800,  -670669200,  -652348800, -650019600, 515527200,
    527014800,   545162400,   558464400,   577216800,  589914000,  608666400,
    621968400,   640116000,   653418000,   671565600,  684867600};
static const int shanghai_offset_s[] = {28800, 32400, 28800, 32400, 28800, 32400, 28800, 32400,
                                        28800, 32400, 28800, 32400, 28800, 32400, 28800, 32400,
                                        28800, 32400, 28800, 32400, 28800, 32400, 28800, 32400,
                                        28800, 32400, 28800, 32400, 28800};
_Static_assert(COUNT_OF(shanghai_at_s) == COUNT_OF(shanghai_offset_s), "one offset each");

static struct zone utc = {.name = "UTC"};
static struct zone shanghai = {.older = &utc,
                               .name = "Asia/Shanghai",
                               .n = COUNT_OF(shanghai_at_s),
                               .at_s = shanghai_at_s,
                               .offset_s = shanghai_offset_s,
                               .first_s = 29143};
static struct zone *_Atomic zones = &shanghai;
static mutex zones_lock = PTHREAD_MUTEX_INITIALIZER;

static bool name_valid(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n >= NAME_MAX_BYTES || name[0] == '/' || strstr(name, ".."))
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/") == n;
}

/* Reading: every number of the file is checked against what is left of it. */
struct reader {
    const unsigned char *p;
    size_t n;
};

static bool skip(struct reader *r, size_t n)
{
    if (r->n < n)
        return false;
    r->p += n;
    r->n -= n;
    return true;
}

static int64_t big_endian(const unsigned char *p, size_t bytes)
{
    uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return (int64_t)v;
}

struct head {
    int version;
    size_t isut, isstd, leap, times, types, chars;
};

static bool read_head(struct reader *r, struct head *ret)
{
    const unsigned char *p = r->p;
    if (!skip(r, 44) || memcmp(p, "TZif", 4) != 0)
        return false;
    size_t counts[6];
    for (size_t i = 0; i < 6; i++) {
        int64_t v = big_endian(p + 20 + i * 4, 4);
        if (v < 0 || v > FILE_MAX_BYTES)
            return false;
        counts[i] = (size_t)v;
    }
    *ret = (struct head){p[4], counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
    return true;
}

static bool read_body(struct reader *r, const struct head *h, size_t width, struct zone *z)
{
    const unsigned char *times = r->p, *index = times + h->times * width;
    const unsigned char *types = index + h->times;
    size_t rest = h->chars + h->leap * (width + 4) + h->isstd + h->isut;
    if (h->types == 0 || h->types > TYPES_MAX ||
        !skip(r, h->times * (width + 1) + h->types * 6 + rest))
        return false;
    int64_t *at = heap_get(h->times * sizeof *at);
    int *offset = heap_get(h->times * sizeof *offset);
    z->at_s = at;
    z->offset_s = offset;
    z->n = h->times;
    z->first_s = (int)big_endian(types, 4);
    for (size_t i = 0; i < h->times; i++) {
        if (index[i] >= h->types)
            return false;
        at[i] = big_endian(times + i * width, width);
        offset[i] = (int)big_endian(types + index[i] * 6, 4);
        if ((i > 0 && at[i] <= at[i - 1]) || offset[i] <= -DAY_S * 2 || offset[i] >= DAY_S * 2)
            return false;
    }
    return true;
}

/* The footer: "EST5EDT,M3.2.0,M11.1.0". */
static bool rule_char(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_sub(*s, 1, s->n);
    return true;
}

static bool rule_int(struct str *s, int max, int *ret)
{
    int v = 0;
    size_t i = 0;
    for (; i < s->n && i < 4 && s->p[i] >= '0' && s->p[i] <= '9'; i++)
        v = v * 10 + (s->p[i] - '0');
    if (i == 0 || v > max)
        return false;
    *s = str_sub(*s, i, s->n);
    *ret = v;
    return true;
}

static bool rule_name(struct str *s)
{
    size_t i = 0;
    if (rule_char(s, '<')) {
        str_next(s, '>');
        return s->p != NULL;
    }
    while (i < s->n && ((s->p[i] | 0x20) >= 'a' && (s->p[i] | 0x20) <= 'z'))
        i++;
    *s = str_sub(*s, i, s->n);
    return i >= 3;
}

/* [+-]hh[:mm[:ss]] in seconds */
static bool rule_time(struct str *s, int *ret)
{
    int sign = rule_char(s, '-') ? -1 : 1, h, m = 0, sec = 0;
    if (sign == 1)
        rule_char(s, '+');
    if (!rule_int(s, 167, &h))
        return false;
    if (rule_char(s, ':') && !rule_int(s, 59, &m))
        return false;
    if (rule_char(s, ':') && !rule_int(s, 59, &sec))
        return false;
    *ret = sign * (h * 3600 + m * 60 + sec);
    return true;
}

static bool rule_day(struct str *s, struct rule_day *ret)
{
    struct rule_day d = {.kind = DAY_OF_YEAR, .at_s = 7200};
    if (!rule_char(s, ','))
        return false;
    if (rule_char(s, 'M')) {
        d.kind = DAY_MONTH_WEEK;
        if (!rule_int(s, 12, &d.month) || !rule_char(s, '.') || !rule_int(s, 5, &d.week) ||
            !rule_char(s, '.') || !rule_int(s, 6, &d.day) || d.month < 1 || d.week < 1)
            return false;
    } else {
        if (rule_char(s, 'J'))
            d.kind = DAY_JULIAN;
        if (!rule_int(s, 365, &d.day) || (d.kind == DAY_JULIAN && d.day < 1))
            return false;
    }
    if (rule_char(s, '/') && !rule_time(s, &d.at_s))
        return false;
    *ret = d;
    return true;
}

static bool rule_parse(struct str s, struct rule *ret)
{
    struct rule r = {.given = true};
    if (!rule_name(&s) || !rule_time(&s, &r.std_s))
        return false;
    r.std_s = -r.std_s; /* POSIX counts west of Greenwich */
    if (s.n > 0) {
        r.has_dst = true;
        r.dst_s = r.std_s + 3600;
        if (!rule_name(&s))
            return false;
        if (s.n > 0 && s.p[0] != ',') {
            if (!rule_time(&s, &r.dst_s))
                return false;
            r.dst_s = -r.dst_s;
        }
        if (!rule_day(&s, &r.start) || !rule_day(&s, &r.end) || s.n != 0)
            return false;
    }
    *ret = r;
    return true;
}

static bool zone_read(struct reader r, struct zone *z)
{
    struct head h;
    if (!read_head(&r, &h))
        return false;
    if (h.version == 0)
        return read_body(&r, &h, 4, z);
    /* Version 2 and later repeat everything in 64 bits; the first part is only for old readers. */
    size_t old = h.times * 5 + h.types * 6 + h.chars + h.leap * 8 + h.isstd + h.isut;
    if (!skip(&r, old) || !read_head(&r, &h) || !read_body(&r, &h, 8, z))
        return false;
    if (r.n < 2 || r.p[0] != '\n')
        return false;
    struct str footer = {(const char *)r.p + 1, r.n - 1};
    footer = str_next(&footer, '\n');
    return footer.n == 0 || rule_parse(footer, &z->rule);
}

static size_t file_read(const char *name, unsigned char *ret, size_t max)
{
    char path[sizeof ZONEINFO + NAME_MAX_BYTES];
    snprintf(path, sizeof path, ZONEINFO "%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    size_t n = 0;
    ssize_t got;
    while (n < max && (got = read(fd, ret + n, max - n)) > 0)
        n += (size_t)got;
    close(fd);
    return n;
}

static struct zone *zone_load(const char *name)
{
    unsigned char *bytes = heap_get(FILE_MAX_BYTES);
    struct zone *z = heap_get(sizeof *z);
    snprintf(z->name, sizeof z->name, "%s", name);
    struct reader r = {bytes, file_read(name, bytes, FILE_MAX_BYTES)};
    bool good = zone_read(r, z);
    heap_free(bytes);
    if (good)
        return z;
    heap_free((void *)z->at_s);
    heap_free((void *)z->offset_s);
    heap_free(z);
    return NULL;
}

static const struct zone *zone_known(const char *name)
{
    for (const struct zone *z = atomic_load(&zones); z; z = z->older)
        if (strcmp(z->name, name) == 0)
            return z;
    return NULL;
}

const struct zone *zone_find(const char *name)
{
    if (!name || !name_valid(name))
        return NULL;
    const struct zone *known = zone_known(name);
    if (known)
        return known;
    mutex_lock(&zones_lock);
    known = zone_known(name); /* another thread may have been faster */
    if (!known) {
        struct zone *z = zone_load(name);
        if (z) {
            z->older = atomic_load(&zones);
            atomic_store(&zones, z);
        }
        known = z;
    }
    mutex_unlock(&zones_lock);
    return known;
}

/* Seconds since 1970 of the rule's wall time in year y, still without an offset. */
static int64_t rule_wall_s(const struct rule_day *r, int y)
{
    int64_t day;
    bool leap = date_month_days(y, 2) == 29;
    if (r->kind == DAY_MONTH_WEEK) {
        struct date first = {y, r->month, 1};
        int ahead = (r->day - date_weekday(first) % 7 + 7) % 7; /* Sunday is 0 here */
        int d = 1 + ahead + (r->week - 1) * 7;
        while (d > date_month_days(y, r->month))
            d -= 7;
        day = date_days((struct date){y, r->month, d});
    } else if (r->kind == DAY_JULIAN) {
        /* Counts from 1 and never sees 29 February. */
        day = date_days((struct date){y, 1, 1}) + r->day - 1 + (leap && r->day >= 60);
    } else {
        day = date_days((struct date){y, 1, 1}) + r->day;
    }
    return day * DAY_S + r->at_s;
}

static int64_t floor_div(int64_t a, int64_t by)
{
    return a / by - (a % by < 0);
}

static int rule_offset_s(const struct rule *r, int64_t at_s)
{
    if (!r->has_dst)
        return r->std_s;
    int y = date_of_days(floor_div(at_s + r->std_s, DAY_S)).y;
    int64_t start = rule_wall_s(&r->start, y) - r->std_s, end = rule_wall_s(&r->end, y) - r->dst_s;
    bool dst = start < end ? at_s >= start && at_s < end : at_s >= start || at_s < end;
    return dst ? r->dst_s : r->std_s;
}

static int offset_at_s(const struct zone *z, int64_t at_s)
{
    if (z->n == 0 || at_s < z->at_s[0])
        return z->n == 0 && z->rule.given ? rule_offset_s(&z->rule, at_s) : z->first_s;
    if (at_s >= z->at_s[z->n - 1])
        return z->rule.given ? rule_offset_s(&z->rule, at_s) : z->offset_s[z->n - 1];
    size_t lo = 0, hi = z->n - 1; /* at_s[lo] <= at_s < at_s[hi] */
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (z->at_s[mid] <= at_s)
            lo = mid;
        else
            hi = mid;
    }
    return z->offset_s[lo];
}

int zone_offset_s(const struct zone *z, int64_t at_ms)
{
    return offset_at_s(z, floor_div(at_ms, 1000));
}

struct date zone_date(const struct zone *z, int64_t at_ms)
{
    int64_t at_s = floor_div(at_ms, 1000);
    return date_of_days(floor_div(at_s + offset_at_s(z, at_s), DAY_S));
}

int64_t zone_instant_ms(const struct zone *z, struct date d, int ms_of_day)
{
    int64_t local = date_days(d) * DAY_S * 1000 + ms_of_day;
    int64_t local_s = floor_div(local, 1000);
    /* Offsets change by less than a day and not twice in two days, so these are the old and the new
     * one. */
    int before = offset_at_s(z, local_s - DAY_S), after = offset_at_s(z, local_s + DAY_S);
    bool is_before = offset_at_s(z, local_s - before) == before;
    bool is_after = offset_at_s(z, local_s - after) == after;
    return local - (!is_before && is_after ? after : before) * INT64_C(1000);
}
