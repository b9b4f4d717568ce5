/* shipped.h - data files of the rooms inside the binary (src/rooms/<room>/data): what a new
 * database starts with. The table is made by tools/embed at build time, sorted by path. */
#pragma once
#include "base/str.h"

struct shipped {
    const char *path; /* "calendar/holiday_cn/2026.json": without src/rooms and data */
    struct str text;
};
extern const struct shipped shipped[]; /* nshipped of them */
extern const size_t nshipped;
