/* log.c - one logfmt line, one write(2): lines of many threads never mix, and nothing is buffered
 * when the process dies. Works without memory from the heap, so that a failed assertion can still
 * speak. Must not block on a lock. */
#include "base/log.h"
#include "base/cal.h"
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096 };

static _Atomic int lowest_level = LOG_INFO;
static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_level_set(enum log_level lowest)
{
    atomic_store(&lowest_level, (int)lowest);
}

static size_t line_head(char *line, enum log_level level, const char *area)
{
    int64_t now = clock_now_ms(), days = now / 86400000;
    int ms = (int)(now % 86400000);
    struct date d = date_of_days(days);
    int n = snprintf(line, 200, "ts=%04d-%02d-%02dT%02d:%02d:%02d.%03dZ level=%s area=%.32s ", d.y,
                     d.m, d.d, ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000,
                     level_names[level], area);
    return n < 0 ? 0 : (size_t)n;
}

void log_line(enum log_level level, const char *area, const char *f, ...)
{
    if ((int)level < atomic_load_explicit(&lowest_level, memory_order_relaxed))
        return;
    char raw[LINE_MAX_BYTES / 2], line[LINE_MAX_BYTES];
    va_list args;
    va_start(args, f);
    int len = vsnprintf(raw, sizeof raw, f, args);
    va_end(args);
    size_t n = line_head(line, level, area);
    for (const char *p = raw; len > 0 && *p && n < sizeof line - 8; p++) {
        unsigned char ch = (unsigned char)*p;
        if (ch >= 0x20 && ch != 0x7f) {
            line[n++] = *p;
        } else if (ch == '\n' || ch == '\r' || ch == '\t') {
            line[n++] = '\\';
            line[n++] = ch == '\n' ? 'n' : ch == '\r' ? 'r' : 't';
        } else {
            n += (size_t)snprintf(line + n, 5, "\\x%02x", ch);
        }
    }
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, n) < 0)
        return; /* nowhere left to report it */
}
