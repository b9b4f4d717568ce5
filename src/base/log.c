/* log.c - one logfmt line, one write(2): lines of many threads never mix, and nothing is buffered
 * when the process dies. Works without memory from the heap, so that a failed assertion can still
 * speak. Must not block on a lock: a file keeps its descriptor number for ever and is changed under
 * it with dup3, so that a writer needs to know nothing of a rotation. */
#include "base/log.h"
#include "base/cal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096, PATH_BYTES = 1024 };

static _Atomic int lowest_level = LOG_INFO;
static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_level_set(enum log_level lowest)
{
    atomic_store(&lowest_level, (int)lowest);
}

/* --- the file --- */

static struct {
    const char *path;
    int fd;
    int64_t each_max; /* bytes of one of the files */
    _Atomic int64_t bytes;
    atomic_flag turning;
} file = {.fd = -1, .turning = ATOMIC_FLAG_INIT};

/* Opens path behind the number that writers use; the size begins with what is there. */
static bool file_open(void)
{
    struct stat st;
    int fd = open(file.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return false;
    atomic_store(&file.bytes, fstat(fd, &st) == 0 ? (int64_t)st.st_size : 0);
    if (file.fd < 0) {
        file.fd = fd;
        return true;
    }
    bool ok = dup3(fd, file.fd, O_CLOEXEC) >= 0;
    close(fd);
    return ok;
}

/* Moves PATH.8 to PATH.9 … PATH to PATH.1; what was PATH.9 is gone. */
static void file_turn(void)
{
    char from[PATH_BYTES], to[PATH_BYTES];
    for (int i = LOG_FILES - 1; i > 0; i--) {
        snprintf(to, sizeof to, "%s.%d", file.path, i);
        snprintf(from, sizeof from, i > 1 ? "%s.%d" : "%s", file.path, i - 1);
        rename(from, to); /* the older ones may not be there yet */
    }
    /* In a folder that takes no new file the old one must not grow on. */
    if (!file_open() && ftruncate(file.fd, 0) == 0)
        atomic_store(&file.bytes, 0);
}

bool log_to_file(const char *path, int64_t max_bytes)
{
    size_t n = 0;
    while (path[n])
        n++;
    if (n + 4 > PATH_BYTES) {
        errno = ENAMETOOLONG;
        return false;
    }
    file.path = path;
    file.each_max = max_bytes / LOG_FILES;
    return file_open();
}

bool log_reopen(void)
{
    if (!file.path || atomic_flag_test_and_set(&file.turning))
        return true; /* none, or a rotation opens it just now */
    bool ok = file_open();
    atomic_flag_clear(&file.turning);
    return ok;
}

static void line_write(const char *line, size_t n)
{
    int64_t size = 0;
    if (file.fd >= 0)
        size = atomic_fetch_add(&file.bytes, (int64_t)n) + (int64_t)n;
    if (size > file.each_max && !atomic_flag_test_and_set(&file.turning)) {
        if (atomic_load(&file.bytes) > file.each_max) {
            file_turn();
            atomic_fetch_add(&file.bytes, (int64_t)n);
        }
        atomic_flag_clear(&file.turning);
    }
    if (file.fd >= 0 && write(file.fd, line, n) == (ssize_t)n)
        return;
    if (write(STDERR_FILENO, line, n) < 0)
        return; /* nowhere left to report it */
}

/* --- lines --- */

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
    line_write(line, n);
}
