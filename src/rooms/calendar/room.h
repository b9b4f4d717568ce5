/* room.h - inside calendar: the year's notice as text, its loading, the endpoints. */
#pragma once
#include "rooms/calendar/calendar.h"

extern const struct query *const notice_queries[], *const load_queries[];
extern const struct route calendar_routes[];
enum err calendar_seed(struct ctx *c, struct tx *tx);

enum { NOTICE_YEAR_MIN = 2000, NOTICE_YEAR_MAX = 2199 };
/* A stored notice, a line a day: "2026-01-01 off 元旦" or "2026-01-04 work 元旦". Empty lines are
 * passed over; false at the end, and at a line that is malformed (then bad). */
struct notice {
    struct str rest;
    int line; /* read so far */
    bool bad;
};
bool notice_next(struct notice *n, struct work_day *ret);
