/* log.h - one line per happening, logfmt, to standard error. Libraries and rooms never log; the
 * doors do, once. Nothing personal goes in: ids, codes and counts only. */
#pragma once
#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
void log_level_set(enum log_level lowest);
/* log_line(LOG_INFO, "http", "status=%d ms=%.1f", …): time, level and area come first. Newlines in
 * values are escaped. */
void log_line(enum log_level level, const char *area, const char *f, ...) FMT(3, 4);
