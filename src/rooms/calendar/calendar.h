/* calendar.h - the door of the calendar room: which days a community works, and how long working
 * time is. Holidays and make-up working days (调休) come from the State Council's notice of each
 * year, as data; a community adds its own days; hours are per weekday. The arithmetic is pure: it
 * knows no clock and no database, so anything due can be worked out, explained and tested alone. */
#pragma once
#include "rooms/estate/estate.h"

extern const struct module calendar_module;
extern const struct resource res_work_calendar, res_calendar_day, res_holiday_year;

enum { WC_MONDAY = R_FIRST, WC_SUNDAY = WC_MONDAY + 6, WC__N };
enum { CD_DATE = R_FIRST, CD_WORKDAY, CD_NAME, CD__N };
enum { HY_YEAR = R_FIRST, HY_DAYS, HY_SOURCE, HY__N };

/* --- working time, pure --- */

enum { SPANS_MAX = 4, WORKCAL_DAYS_MAX = 4200 }; /* spans of one day; days of one loaded calendar */
struct work_hours { /* of one day: minutes after midnight, ascending, apart; n 0: closed */
    struct {
        int from, to; /* 0 … 1440 */
    } span[SPANS_MAX];
    int n;
};
enum day_source {
    DAY_WEEKDAY = 1, /* nobody said anything: by its weekday */
    DAY_PUBLISHED,   /* the State Council's notice */
    DAY_COMMUNITY,   /* the community's own word, which wins */
    DAY_UNPUBLISHED  /* by its weekday, because the year's notice is not known here */
};
struct work_day {
    int day; /* since 1970-01-01 */
    bool work;
    enum day_source source;
    struct str name;
};
struct workcal {
    const struct zone *zone;
    struct work_hours week[7]; /* Monday first */
    const struct work_day *days;
    size_t ndays;    /* days somebody spoke of, ascending, one each */
    int first, last; /* loaded for these days */
    int year0;       /* bit i of published: the notice of year0 + i is known */
    uint64_t published;
};
/* "09:00-12:00 13:30-18:00" to spans, 24:00 allowed as an end; empty: closed. False when malformed,
 * overlapping, out of order or too many. */
MUST_USE bool work_hours_parse(struct str s, struct work_hours *ret);
void buf_hours(struct buf *b, const struct work_hours *h); /* the same text */
/* Mondays to Fridays 09:00 to 18:00: where a community has not said otherwise. */
struct work_hours work_hours_default(int weekday);
/* What kind of day it is. A legal working day: by notice or the community's word, else Monday to
 * Friday, whatever the hours. name may be empty. */
struct work_day workcal_day(const struct workcal *w, struct date d);
/* The hours of a day: none on days off; those of its weekday; a make-up day without hours of its
 * own has those of the first weekday that has some. */
struct work_hours workcal_hours(const struct workcal *w, struct date d);
/* All four: false when the answer lies outside the loaded days. */
/* So much working time after from_ms; ending exactly at closing time stays on that day. */
MUST_USE bool workcal_add(const struct workcal *w, int64_t from_ms, int64_t ms, int64_t *ret_ms);
/* Working time in [from_ms, to_ms). */
MUST_USE bool workcal_between(const struct workcal *w, int64_t from_ms, int64_t to_ms,
                              int64_t *ret_ms);
/* The first instant from at_ms on that is working time: at_ms itself when it is. */
MUST_USE bool workcal_open_at(const struct workcal *w, int64_t at_ms, int64_t *ret_ms);
/* The n-th legal working day after d, which itself does not count; n 0: d. */
MUST_USE bool workcal_add_days(const struct workcal *w, struct date d, int n, struct date *ret);
/* Legal working days after from up to and including to. */
int workcal_diff_days(const struct workcal *w, struct date from, struct date to);
bool workcal_year_known(const struct workcal *w, int year);

/* --- a year's notice --- */

struct calendar_notice {
    struct row row; /* of res_holiday_year */
    int64_t year;
    int off, work; /* days it speaks of */
    bool changed;  /* it was new, or not the same as the one known */
};
/* From a file of NateScarlet/holiday-cn ({year, papers, days: [{name, date, isOffDay}]}). E_INVALID
 * with field errors when it is none, or says nothing yet. */
MUST_USE enum err calendar_notice_read(struct ctx *c, const struct json *j,
                                       struct calendar_notice *ret);
/* New, or instead of the one known of its year. */
MUST_USE enum err calendar_notice_store(struct ctx *c, struct tx *tx, struct calendar_notice *n);

/* --- loading --- */

/* The community's calendar for days from … to (at most WORKCAL_DAYS_MAX; E_INVALID else). Lives in
 * c->mem. */
MUST_USE enum err workcal_load(struct ctx *c, struct tx *tx, int64_t community_id, struct date from,
                               struct date to, struct workcal *ret);
