/* metrics.c - counters and gauges in Prometheus' text format 0.0.4. Names are a promise to other
 * people's dashboards and alarms: one that is here stays (test/journeys/operations.test.mjs holds
 * the list). No label carries anything a client chose. */
#include "core/metrics.h"
#include "core/event.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/core.h"
#include "core/live.h"

static struct {
    _Atomic int64_t requests, by_class[6], us_total;
    _Atomic int64_t bucket[8]; /* ≤ 1 5 10 50 100 500 1000 ms, more */
    _Atomic int64_t logins[2]; /* failed, good */
} m;
static const int bucket_ms[] = {1, 5, 10, 50, 100, 500, 1000};

void metrics_request(int status, int64_t us)
{
    size_t b = 0;
    while (b < COUNT_OF(bucket_ms) && us > (int64_t)bucket_ms[b] * 1000)
        b++;
    m.bucket[b]++;
    m.requests++;
    m.us_total += us;
    m.by_class[status / 100 < 6 ? status / 100 : 5]++;
}

void metrics_login(bool good)
{
    m.logins[good]++;
}

static void head(struct buf *b, const char *name, const char *type, const char *help)
{
    buf_fmt(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct buf *b, const char *name, const char *type, const char *help, int64_t v)
{
    head(b, name, type, help);
    buf_fmt(b, "%s %lld\n", name, (long long)v);
}

static void web_part(struct app *app, struct buf *b)
{
    struct http_stats h = {0};
    if (app->http)
        http_stats_get(app->http, &h);
    head(b, "anju_http_responses_total", "counter", "Replies by class of status.");
    for (int i = 2; i < 6; i++)
        buf_fmt(b, "anju_http_responses_total{class=\"%dxx\"} %lld\n", i, (long long)m.by_class[i]);
    head(b, "anju_http_seconds", "histogram", "Time from the end of a request's head to its end.");
    int64_t sum = 0;
    for (size_t i = 0; i < COUNT_OF(bucket_ms); i++) {
        sum += m.bucket[i];
        buf_fmt(b, "anju_http_seconds_bucket{le=\"%g\"} %lld\n", bucket_ms[i] / 1000.0,
                (long long)sum);
    }
    sum += m.bucket[COUNT_OF(bucket_ms)];
    buf_fmt(b,
            "anju_http_seconds_bucket{le=\"+Inf\"} %lld\nanju_http_seconds_sum "
            "%.6f\nanju_http_seconds_count %lld\n",
            (long long)sum, (double)m.us_total / 1e6, (long long)sum);
    one(b, "anju_http_connections", "gauge", "Open connections.", h.connections);
    one(b, "anju_http_rejected_total", "counter", "Requests and connections refused by a limit.",
        h.rejected);
    one(b, "anju_http_workers", "gauge", "Threads that run requests.", h.workers);
    one(b, "anju_http_queue", "gauge", "Requests waiting for a worker.", h.queued);
    one(b, "anju_live_streams", "gauge", "Open event streams.",
        app->live ? live_count(app->live) : 0);
    head(b, "anju_logins_total", "counter", "Logins tried, by result.");
    buf_fmt(b,
            "anju_logins_total{result=\"failed\"} %lld\nanju_logins_total{result=\"good\"} "
            "%lld\n",
            (long long)m.logins[0], (long long)m.logins[1]);
}

static void db_part(struct app *app, struct buf *b)
{
    struct db_stats d;
    db_stats_get(app->db, &d);
    one(b, "anju_db_statements_total", "counter", "Statements run.", d.statements);
    one(b, "anju_db_writes_total", "counter", "Units of work that write.", d.writes);
    one(b, "anju_db_commits_total", "counter",
        "Commits; writes per commit are the batch of the SQLite writer.", d.commits);
    one(b, "anju_db_retries_total", "counter", "Units run again after a clash.", d.retries);
    one(b, "anju_db_failed_total", "counter", "Units that failed in the database.", d.failed);
    one(b, "anju_db_slow_total", "counter", "Statements slower than 200 ms.", d.slow);
    one(b, "anju_db_queue", "gauge", "Writes waiting for the SQLite writer.", d.queue_len);
}

static void jobs_part(struct app *app, struct ctx *c, struct buf *b)
{
    struct backlog l = {0};
    struct fault before = c->fault;
    bool known = db_read(app->db, c, jobs_backlog, &l) == E_OK;
    c->fault = before;
    one(b, "anju_db_up", "gauge", "1 while the database answers.", known);
    if (!known)
        return;
    one(b, "anju_jobs_due", "gauge", "Jobs whose time has come.", l.due);
    one(b, "anju_jobs_dead", "gauge", "Jobs given up after six attempts.", l.dead);
    one(b, "anju_jobs_oldest_seconds", "gauge", "How long the oldest due job waits.",
        (c->now_ms - l.oldest_ms) / 1000);
}

static int64_t files_open(void)
{
    DIR *d = opendir("/proc/self/fd");
    int64_t n = -3; /* ".", ".." and the folder's own */
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

static void process_part(struct app *app, struct buf *b)
{
    long long pages = 0, total = 0, threads = 0;
    char line[128];
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%lld %lld", &total, &pages) != 2)
        pages = 0;
    if (f)
        fclose(f);
    f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "Threads: %lld", &threads) == 1)
            break;
    if (f)
        fclose(f);
    one(b, "anju_process_resident_bytes", "gauge", "Memory in use.", pages * sysconf(_SC_PAGESIZE));
    one(b, "anju_process_threads", "gauge", "Threads.", threads);
    one(b, "anju_process_open_fds", "gauge", "Open file descriptors.", files_open());
    one(b, "anju_start_time_seconds", "gauge", "When this process started, Unix time.",
        app->started_ms / 1000);
    head(b, "anju_build_info", "gauge", "Version and engine of the database; always 1.");
    buf_fmt(b, "anju_build_info{version=\"" ANJU_VERSION "\",engine=\"%s\"} 1\n",
            db_engine_of(app->db) == DB_SQLITE ? "sqlite" : "postgres");
}

void metrics_text(struct app *app, struct ctx *c, struct buf *b)
{
    web_part(app, b);
    db_part(app, b);
    jobs_part(app, c, b);
    process_part(app, b);
}
