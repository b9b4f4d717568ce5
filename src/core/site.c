/* site.c - the embedded UI with single-page fallback, health, metrics, the OpenAPI document. Pages
 * are the same for all; what a person may see comes through the API only. */
#include "core/site.h"

#include <stdatomic.h>

#include "core/core.h"
#include "core/live.h"

static struct {
    _Atomic int64_t requests, by_class[6], us_total;
    _Atomic int64_t bucket[8]; /* ≤ 1 5 10 50 100 500 1000 ms, more */
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

static void reply_text(struct http_reply *r, int status, const char *type, struct str body)
{
    r->status = status;
    r->body = body;
    reply_header(r, "Content-Type", str_of(type));
    reply_header(r, "Cache-Control", S("no-store"));
}

static void metrics_text(struct app *app, struct buf *b)
{
    struct db_stats db;
    struct http_stats http = {0};
    db_stats_get(app->db, &db);
    if (app->http)
        http_stats_get(app->http, &http);
    for (int i = 2; i < 6; i++)
        buf_fmt(b, "anju_http_responses_total{class=\"%dxx\"} %lld\n", i, (long long)m.by_class[i]);
    int64_t sum = 0;
    for (size_t i = 0; i < COUNT_OF(bucket_ms); i++) {
        sum += m.bucket[i];
        buf_fmt(b, "anju_http_seconds_bucket{le=\"%g\"} %lld\n", bucket_ms[i] / 1000.0,
                (long long)sum);
    }
    buf_fmt(b,
            "anju_http_seconds_bucket{le=\"+Inf\"} %lld\nanju_http_seconds_sum "
            "%g\nanju_http_seconds_count %lld\n",
            (long long)m.requests, (double)m.us_total / 1e6, (long long)m.requests);
    buf_fmt(b,
            "anju_http_connections %lld\nanju_http_rejected_total %lld\nanju_http_workers "
            "%lld\nanju_live_streams %d\n",
            (long long)http.connections, (long long)http.rejected, (long long)http.workers,
            app->live ? live_count(app->live) : 0);
    buf_fmt(b,
            "anju_db_statements_total %lld\nanju_db_writes_total %lld\nanju_db_commits_total "
            "%lld\nanju_db_retries_total %lld\nanju_db_failed_total %lld\nanju_db_queue %lld\n",
            (long long)db.statements, (long long)db.writes, (long long)db.commits,
            (long long)db.retries, (long long)db.failed, (long long)db.queue_len);
    buf_fmt(b, "anju_start_time_seconds %lld\n", (long long)(app->started_ms / 1000));
}

static bool is_loopback(struct str peer)
{
    return str_eqz(peer, "127.0.0.1") || str_eqz(peer, "::1") || str_eqz(peer, "::ffff:127.0.0.1");
}

static void reply_metrics(struct app *app, struct ctx *c, struct http_req *h, struct http_reply *r)
{
    struct buf b;
    struct str auth = http_header(h, "Authorization");
    struct str bearer = str_starts(auth, S("Bearer ")) ? str_sub(auth, 7, auth.n) : (struct str){0};
    const struct who *w = NULL;
    if (auth_who(c, app, (struct str){0}, bearer, &w) != E_OK)
        w = NULL;
    bool allowed = is_loopback(h->peer) || (w && perms_has(&w->any, perm_index("system.metrics")));
    if (!allowed) {
        reply_text(r, 404, "application/problem+json", problem_status(c->mem, 404));
        return;
    }
    buf_init(&b, c->mem, 64 << 10);
    metrics_text(app, &b);
    reply_text(r, 200, "text/plain; version=0.0.4", buf_str(&b));
}

static void reply_ready(struct app *app, struct ctx *c, struct http_reply *r)
{
    if (db_ping(app->db, c) == E_OK) {
        reply_text(r, 200, "text/plain", S("ok\n"));
        return;
    }
    reply_text(r, 503, "application/problem+json", problem_json(c, c->mem, E_BUSY));
    reply_header(r, "Retry-After", S("1"));
}

static const struct asset *asset_find(const struct app *app, struct str path)
{
    for (size_t i = 0; i < app->nassets; i++)
        if (str_eqz(path, app->assets[i].path))
            return &app->assets[i];
    return NULL;
}

/* A page address has no file ending: it belongs to the single-page application. */
static const struct asset *page_of(const struct app *app, struct str path)
{
    if (str_find(path, S(".")) >= 0)
        return NULL;
    bool phone = str_eqz(path, "/m") || str_starts(path, S("/m/"));
    return asset_find(app, phone ? S("/m.html") : S("/index.html"));
}

bool site_is_direct(struct str path)
{
    return !str_eqz(path, "/readyz") && !str_eqz(path, "/metrics") &&
           !str_eqz(path, "/openapi.json");
}

void site_reply(struct app *app, struct ctx *c, struct http_req *h, struct http_reply *r)
{
    struct buf b;
    if (h->method != HTTP_GET && h->method != HTTP_HEAD) {
        reply_text(r, 405, "application/problem+json", problem_status(c->mem, 405));
        return;
    }
    if (str_eqz(h->path, "/healthz")) {
        reply_text(r, 200, "text/plain", S("ok\n"));
    } else if (str_eqz(h->path, "/readyz")) {
        reply_ready(app, c, r);
    } else if (str_eqz(h->path, "/metrics")) {
        reply_metrics(app, c, h, r);
    } else if (str_eqz(h->path, "/openapi.json")) {
        buf_init(&b, c->mem, 3 << 20);
        openapi_print(app, &b);
        reply_text(r, 200, "application/json", buf_str(&b));
    } else {
        const struct asset *f = asset_find(app, h->path);
        if (!f)
            f = page_of(app, h->path);
        if (f)
            asset_reply(h, f, r);
        else
            reply_text(r, 404, "application/problem+json", problem_status(c->mem, 404));
    }
}

void site_security_headers(struct http_reply *r)
{
    static const struct {
        const char *name;
        struct str value;
    } headers[] = {
        {"Content-Security-Policy", S_INIT("default-src 'self'; object-src 'none'; base-uri "
                                           "'none'; frame-ancestors 'none'; form-action 'self'")},
        {"X-Content-Type-Options", S_INIT("nosniff")},
        {"Referrer-Policy", S_INIT("no-referrer")},
        {"Permissions-Policy", S_INIT("camera=(self), geolocation=(self), microphone=(self)")},
        {"Cross-Origin-Opener-Policy", S_INIT("same-origin")},
    };
    for (size_t i = 0; i < COUNT_OF(headers) && r->nheaders < HTTP_REPLY_HEADERS; i++)
        reply_header(r, headers[i].name, headers[i].value);
}
