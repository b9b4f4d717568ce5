/* log.h - one line per happening, logfmt, to standard error or to a file of its own. Libraries and
 * rooms never log; the doors do, once. Nothing personal goes in: ids, codes and counts only. */
#pragma once
#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum { LOG_FILES = 10 }; /* the file and PATH.1 (newest) … PATH.9 */
void log_level_set(enum log_level lowest);
/* log_line(LOG_INFO, "http", "status=%d ms=%.1f", …): time, level and area come first. Newlines in
 * values are escaped. */
void log_line(enum log_level level, const char *area, const char *f, ...) FMT(3, 4);
/* From now on lines go to the file at path (kept), and all LOG_FILES of it together never take more
 * than max_bytes: logs alone cannot fill a disk. Lines the file does not take go to standard error.
 * False, with errno: it cannot be opened. Once, before threads start. */
MUST_USE bool log_to_file(const char *path, int64_t max_bytes);
/* Opens the file anew, for whoever moved it away. False: the old one is still written. */
bool log_reopen(void);
