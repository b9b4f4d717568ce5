/* cal.h - instants, civil dates and time zones. An instant is int64 milliseconds UTC (names end in
 * _ms); a civil date is struct date. They never mix without a zone. This file is the only one that
 * reads a clock. Zones come from the system's zoneinfo; UTC and Asia/Shanghai work without it. */
#pragma once
#include "base/str.h"

struct date {
    int y, m, d;
};
int64_t clock_now_ms(void);  /* wall clock; stored times */
int64_t clock_mono_ms(void); /* monotonic; durations */
int64_t clock_mono_us(void);
void clock_sleep_ms(int ms);
/* Tests only: makes clock_now_ms return this until set to 0 again. */
void clock_fake(int64_t now_ms);

bool date_valid(struct date d);
MUST_USE bool date_parse(struct str s,
                         struct date *ret); /* YYYY-MM-DD, a real day, years 1900–2199 */
struct str date_text(struct arena *a, struct date d);
int64_t date_days(struct date d); /* days since 1970-01-01 */
struct date date_of_days(int64_t days);
int date_weekday(struct date d); /* 1 Monday … 7 Sunday */
int date_month_days(int y, int m);

struct zone;
/* The named zone (cached for the life of the process) or NULL when unknown. */
const struct zone *zone_find(const char *name);
int zone_offset_s(const struct zone *z, int64_t at_ms); /* seconds east of UTC at that instant */
struct date zone_date(const struct zone *z, int64_t at_ms);
/* The instant of a local wall time. In a gap: as if the old offset went on. In an overlap: the
 * first one. */
int64_t zone_instant_ms(const struct zone *z, struct date d, int ms_of_day);

/* RFC 3339 with offset ("2026-01-02T03:04:05.678+08:00" or Z; fraction optional). */
MUST_USE bool instant_parse(struct str s, int64_t *ret_ms);
void buf_instant(struct buf *b, int64_t at_ms,
                 const struct zone *z); /* with milliseconds and the zone's offset */
/* Foreign times: %Y %m %d %H %M %S %y %b %p %I and literal characters; local to z. */
MUST_USE bool instant_parse_format(struct str s, const char *format, const struct zone *z,
                                   int64_t *ret_ms);
