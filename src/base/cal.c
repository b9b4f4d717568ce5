/* cal.c - the clocks, the civil calendar and the texts of time. Day numbers use the proleptic
 * Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms"). Zones are in
 * zone.c. Formatting is by hand: instants are written for every row of every reply. Must not depend
 * on the process's TZ or locale. */
#include "base/cal.h"
#include "base/err.h"
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { MS_PER_DAY = 86400000, YEAR_MIN = 1900, YEAR_MAX = 2199 };

static _Atomic int64_t faked_ms;

static int64_t clock_us(clockid_t id)
{
    struct timespec t;
    ASSERT(clock_gettime(id, &t) == 0);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_now_ms(void)
{
    int64_t fake = atomic_load_explicit(&faked_ms, memory_order_relaxed);
    return fake ? fake : clock_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_mono_ms(void)
{
    return clock_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

void clock_sleep_ms(int ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    while (ms > 0 && nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

void clock_fake(int64_t now_ms)
{
    atomic_store(&faked_ms, now_ms);
}

int date_month_days(int y, int m)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    ASSERT(m >= 1 && m <= 12);
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return days[m - 1] + (m == 2 && leap);
}

bool date_valid(struct date d)
{
    return d.y >= 1 && d.y <= 9999 && d.m >= 1 && d.m <= 12 && d.d >= 1 &&
           d.d <= date_month_days(d.y, d.m);
}

int64_t date_days(struct date d)
{
    int64_t y = (int64_t)d.y - (d.m <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400, in_era = y - era * 400;
    int64_t in_year = (153 * (d.m + (d.m > 2 ? -3 : 9)) + 2) / 5 + d.d - 1;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

struct date date_of_days(int64_t days)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, day = z - era * 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t in_year = day - (365 * year + year / 4 - year / 100), m = (5 * in_year + 2) / 153;
    int month = (int)(m < 10 ? m + 3 : m - 9);
    return (struct date){(int)(year + era * 400 + (month <= 2)), month,
                         (int)(in_year - (153 * m + 2) / 5 + 1)};
}

int date_weekday(struct date d)
{
    int64_t from_thursday = date_days(d) % 7; /* 1970-01-01 */
    return (int)((from_thursday + 7 + 3) % 7) + 1;
}

/* Takes min..max digits off the front of *s. */
static bool take_digits(struct str *s, size_t min, size_t max, int *ret)
{
    size_t i = 0;
    int v = 0;
    for (; i < s->n && i < max && s->p[i] >= '0' && s->p[i] <= '9'; i++)
        v = v * 10 + (s->p[i] - '0');
    if (i < min)
        return false;
    *s = str_sub(*s, i, s->n);
    *ret = v;
    return true;
}

static bool take_char(struct str *s, char a, char b)
{
    if (s->n == 0 || (s->p[0] != a && s->p[0] != b))
        return false;
    *s = str_sub(*s, 1, s->n);
    return true;
}

static bool date_stored(struct date d)
{
    return d.y >= YEAR_MIN && d.y <= YEAR_MAX && date_valid(d);
}

static bool take_date(struct str *s, struct date *ret)
{
    struct date d;
    if (!take_digits(s, 4, 4, &d.y) || !take_char(s, '-', '-') || !take_digits(s, 2, 2, &d.m) ||
        !take_char(s, '-', '-') || !take_digits(s, 2, 2, &d.d) || !date_stored(d))
        return false;
    *ret = d;
    return true;
}

bool date_parse(struct str s, struct date *ret)
{
    struct date d;
    if (!take_date(&s, &d) || s.n != 0)
        return false;
    *ret = d;
    return true;
}

static char *put_digits(char *p, int v, int width)
{
    for (int i = width - 1; i >= 0; i--, v /= 10)
        p[i] = (char)('0' + v % 10);
    return p + width;
}

static char *put_date(char *p, struct date d)
{
    p = put_digits(p, d.y, 4);
    *p++ = '-';
    p = put_digits(p, d.m, 2);
    *p++ = '-';
    return put_digits(p, d.d, 2);
}

struct str date_text(struct arena *a, struct date d)
{
    ASSERT(date_valid(d));
    char *p = arena_get(a, 11);
    put_date(p, d);
    return (struct str){p, 10};
}

/* "Z" or "+08:00" and nothing after it. */
static bool take_offset(struct str s, int *ret_s)
{
    if (take_char(&s, 'Z', 'z')) {
        *ret_s = 0;
        return s.n == 0;
    }
    int h, m, sign = s.n > 0 && s.p[0] == '-' ? -1 : 1;
    if (!take_char(&s, '+', '-') || !take_digits(&s, 2, 2, &h) || !take_char(&s, ':', ':') ||
        !take_digits(&s, 2, 2, &m) || s.n != 0 || h > 23 || m > 59)
        return false;
    *ret_s = sign * (h * 3600 + m * 60);
    return true;
}

bool instant_parse(struct str s, int64_t *ret_ms)
{
    struct date d;
    int h, m, sec, ms = 0, offset_s;
    if (!take_date(&s, &d) || !take_char(&s, 'T', 't') || !take_digits(&s, 2, 2, &h) ||
        !take_char(&s, ':', ':') || !take_digits(&s, 2, 2, &m) || !take_char(&s, ':', ':') ||
        !take_digits(&s, 2, 2, &sec) || h > 23 || m > 59 || sec > 59)
        return false;
    if (take_char(&s, '.', '.')) {
        size_t digits = s.n;
        if (!take_digits(&s, 1, 9, &ms))
            return false;
        for (digits -= s.n; digits < 3; digits++)
            ms *= 10;
        for (; digits > 3; digits--)
            ms /= 10;
    }
    if (!take_offset(s, &offset_s))
        return false;
    *ret_ms = date_days(d) * MS_PER_DAY + (h * 3600 + m * 60 + sec - offset_s) * INT64_C(1000) + ms;
    return true;
}

static int64_t floor_div(int64_t a, int64_t by)
{
    return a / by - (a % by < 0);
}

void buf_instant(struct buf *b, int64_t at_ms, const struct zone *z)
{
    /* Nothing outside four-digit years can be written; such values only come from a damaged file.
     * */
    const int64_t lowest = INT64_C(-62135596800000), highest = INT64_C(253402300799999);
    at_ms = at_ms < lowest ? lowest : at_ms > highest ? highest : at_ms;
    /* RFC 3339 has no seconds in offsets; local mean times of the 19th century do. */
    int offset_min = z ? (int)floor_div(zone_offset_s(z, at_ms), 60) : 0;
    int64_t local = at_ms + offset_min * INT64_C(60000);
    local = local < lowest ? lowest : local > highest ? highest : local;
    int64_t days = floor_div(local, MS_PER_DAY);
    int ms = (int)(local - days * MS_PER_DAY), east = offset_min < 0 ? -offset_min : offset_min;
    char text[32], *p = put_date(text, date_of_days(days));
    *p++ = 'T';
    p = put_digits(p, ms / 3600000, 2);
    *p++ = ':';
    p = put_digits(p, ms / 60000 % 60, 2);
    *p++ = ':';
    p = put_digits(p, ms / 1000 % 60, 2);
    *p++ = '.';
    p = put_digits(p, ms % 1000, 3);
    if (offset_min == 0) {
        *p++ = 'Z';
    } else {
        *p++ = offset_min < 0 ? '-' : '+';
        p = put_digits(p, east / 60, 2);
        *p++ = ':';
        p = put_digits(p, east % 60, 2);
    }
    buf_put(b, (struct str){text, (size_t)(p - text)});
}

struct parts {
    struct date d;
    int h24, h12, pm, min, sec; /* -1: not given */
};

static bool take_month(struct str *s, int *ret)
{
    static const char names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (int i = 0; i < 12; i++) {
        if (str_eq_nocase(str_sub(*s, 0, 3), str_of(names[i]))) {
            *s = str_sub(*s, 3, s->n);
            *ret = i + 1;
            return true;
        }
    }
    return false;
}

static bool take_field(struct str *s, char field, struct parts *t)
{
    switch (field) {
    case 'Y': return take_digits(s, 4, 4, &t->d.y);
    case 'y':
        if (!take_digits(s, 2, 2, &t->d.y))
            return false;
        t->d.y += t->d.y < 69 ? 2000 : 1900; /* POSIX strptime */
        return true;
    case 'm': return take_digits(s, 1, 2, &t->d.m);
    case 'd': return take_digits(s, 1, 2, &t->d.d);
    case 'b': return take_month(s, &t->d.m);
    case 'H': return take_digits(s, 1, 2, &t->h24);
    case 'I': return take_digits(s, 1, 2, &t->h12);
    case 'M': return take_digits(s, 1, 2, &t->min);
    case 'S': return take_digits(s, 1, 2, &t->sec);
    case 'p':
        t->pm = s->n > 0 && (s->p[0] | 0x20) == 'p';
        return take_char(s, t->pm ? 'p' : 'a', t->pm ? 'P' : 'A') && take_char(s, 'm', 'M');
    case '%': return take_char(s, '%', '%');
    }
    return false;
}

bool instant_parse_format(struct str s, const char *format, const struct zone *z, int64_t *ret_ms)
{
    struct parts t = {.h24 = -1, .h12 = -1, .pm = -1};
    for (const char *f = format; *f; f++) {
        bool fits = *f == '%' && f[1] ? take_field(&s, *++f, &t) : take_char(&s, *f, *f);
        if (!fits)
            return false;
    }
    if (s.n != 0 || !date_stored(t.d))
        return false;
    if (t.h24 < 0 && t.h12 >= 0) {
        if (t.pm < 0 || t.h12 < 1 || t.h12 > 12)
            return false;
        t.h24 = t.h12 % 12 + t.pm * 12;
    }
    if (t.h24 > 23 || t.min > 59 || t.sec > 59)
        return false;
    int h = t.h24 < 0 ? 0 : t.h24;
    *ret_ms = zone_instant_ms(z, t.d, (h * 3600 + t.min * 60 + t.sec) * 1000);
    return true;
}
