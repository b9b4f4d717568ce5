/* site.c - the embedded UI with single-page fallback, health, metrics, the OpenAPI document. Pages
 * are the same for all; what a person may see comes through the API only. */
#include "core/site.h"

#include "core/core.h"
#include "core/metrics.h"

static void reply_text(struct http_reply *r, int status, const char *type, struct str body)
{
    r->status = status;
    r->body = body;
    reply_header(r, "Content-Type", str_of(type));
    reply_header(r, "Cache-Control", S("no-store"));
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
    metrics_text(app, c, &b);
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

/* Pages that need no login: /p/ progress, /v/ vote, /q/ the sign on a wall. */
static bool is_public_page(struct str path)
{
    return str_starts(path, S("/p/")) || str_starts(path, S("/v/")) || str_starts(path, S("/q/"));
}

/* A page address has no file ending: it belongs to the single-page application. */
static const struct asset *page_of(const struct app *app, struct str path)
{
    if (str_find(path, S(".")) >= 0)
        return NULL;
    bool phone = str_eqz(path, "/m") || str_starts(path, S("/m/")) || is_public_page(path);
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
        if (is_public_page(h->path)) /* a link that got about must not be found by searching */
            reply_header(r, "X-Robots-Tag", S("noindex"));
        if (f)
            asset_reply(h, f, r);
        else
            reply_text(r, 404, "application/problem+json", problem_status(c->mem, 404));
    }
}

void site_security_headers(const struct http_req *h, struct http_reply *r)
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
    /* A year, this host only: its neighbours under the same domain are not ours to promise for. */
    if (h->https && r->nheaders < HTTP_REPLY_HEADERS)
        reply_header(r, "Strict-Transport-Security", S("max-age=31536000"));
}
