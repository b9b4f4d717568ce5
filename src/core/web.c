/* web.c - one request's way through the house, phase by phase: route, login, rate, right, page
 * token, body, prepare, unit of work, answer, log line. Access is decided before any handler runs;
 * a handler sees only requests that may be there. */
#include <string.h>

#include "base/crypto.h"
#include "base/log.h"
#include "core/core.h"
#include "core/metrics.h"
#include "core/site.h"

enum {
    BODY_MAX = 1 << 20,
    UPLOAD_MAX = 11 << 20,
    IMPORT_MAX = 32 << 20,
    REPLY_MAX = 3 << 20,
    REPORT_MAX = 48 << 20
};
enum { ANON_PER_S = 50, ANON_BURST = 400 };
/* How long a repeated POST answers as the first time. What a phone sends late is kept longer: its
 * answer may have been lost just before days without signal (it asks no more after 6 days). */
#define IDEM_MS      INT64_C(86400000)
#define IDEM_LATE_MS (7 * INT64_C(86400000))

static const struct query Q_IDEM_TAKE = {
    "idem.take", "INSERT INTO idempotency (id, request, at, expires_at) VALUES ($1, $2, $3, $4) "
                 "ON CONFLICT (id) DO NOTHING"};
static const struct query Q_IDEM_GET = {
    "idem.get", "SELECT request, status, reply, location FROM idempotency WHERE id = $1"};
static const struct query Q_IDEM_KEEP = {
    "idem.keep", "UPDATE idempotency SET status = $2, reply = $3, location = $4 WHERE id = $1"};
static const struct query Q_IDEM_SWEEP = {
    "idem.sweep", "DELETE FROM idempotency WHERE at < $1 AND expires_at <= $2"};
const struct query *const web_queries[] = {&Q_IDEM_TAKE, &Q_IDEM_GET, &Q_IDEM_KEEP, &Q_IDEM_SWEEP,
                                           NULL};

enum err job_sweep_idem(struct ctx *c, struct tx *tx)
{
    return q_do(c, tx, &Q_IDEM_SWEEP, IN(v_int(c->now_ms - IDEM_MS), v_int(c->now_ms)), NULL);
}

struct call { /* one request's state, in its arena */
    struct ctx c;
    struct req q;
    struct str idem_key, idem_request;
    int64_t idem_ms; /* how long the key is kept */
    enum err err;
};

/* --- parameters --- */

void req_header(struct req *q, const char *name, struct str value)
{
    for (int i = 0; i < q->reply->nheaders; i++)
        if (strcmp(q->reply->headers[i].name, name) == 0) {
            q->reply->headers[i].value = value;
            return;
        }
    reply_header(q->reply, name, value);
}

enum err req_id_param(struct ctx *c, struct req *q, const char *name, int64_t *ret)
{
    struct str s = http_param(q->h, name);
    if (!s.p) {
        *ret = 0;
        return E_OK;
    }
    int64_t id;
    if (!str_int(s, &id) || id <= 0)
        return FAIL_FIELD(c, name, "format", "编号无效", "not a valid id");
    *ret = id;
    return E_OK;
}

enum err req_date_param(struct ctx *c, struct req *q, const char *name, struct date *ret)
{
    if (!date_parse(http_param(q->h, name), ret))
        return FAIL_FIELD(c, name, "format", "应是日期,如 2026-01-31", "a date such as 2026-01-31");
    return E_OK;
}

enum err req_community(struct ctx *c, struct req *q, const char *perm, int64_t *ret)
{
    int64_t id;
    TRY(req_id_param(c, q, "community_id", &id));
    if (!id)
        id = who_only_community(c->who, perm);
    if (!id)
        return FAIL_FIELD(c, "community_id", "required", "请指明项目", "say which community");
    if (perm && !who_may(c->who, perm, id))
        return FAIL(c, E_MISSING, "没有找到这个项目", "no such community");
    *ret = id;
    return E_OK;
}

static enum err too_many(struct ctx *c, int wait_s)
{
    c->fault.retry_after_s = wait_s;
    return FAIL(c, E_RATE, "请求太多,请 %d 秒后再试", "too many requests; try again in %d s",
                wait_s);
}

enum err req_calm(struct ctx *c, struct req *q, const char *purpose, int burst)
{
    int wait_s;
    struct str key = arena_fmt(c->mem, "%s:" PRS, purpose, PRA(q->h->peer));
    return limit_take(key, 1, burst, &wait_s) ? E_OK : too_many(c, wait_s);
}

/* --- phases --- */

static enum lang lang_of(const struct http_req *h)
{
    struct str al = str_trim(http_header(h, "Accept-Language"));
    return str_starts(al, S("en")) ? LANG_EN : LANG_ZH;
}

static enum err phase_login(struct call *k)
{
    struct ctx *c = &k->c;
    struct str auth = http_header(k->q.h, "Authorization"), bearer = {0};
    if (str_starts(auth, S("Bearer ")))
        bearer = str_trim(str_sub(auth, 7, auth.n));
    TRY(auth_who(c, k->q.app, session_cookie(k->q.h), bearer, &c->who));
    if (!c->who && !(k->q.route->flags & PUBLIC))
        return FAIL(c, E_UNAUTH, "请先登录", "please log in");
    return E_OK;
}

static enum err phase_rate(struct call *k)
{
    struct ctx *c = &k->c;
    int wait_s, per_s = c->who ? c->who->rate_per_s : ANON_PER_S;
    if (c->who && per_s == 0)
        return E_OK;
    struct str key = arena_fmt(c->mem, "a:" PRS, PRA(k->q.h->peer));
    if (c->who && c->who->by_cookie)
        key = arena_fmt(c->mem, "u:%lld", (long long)c->who->user_id);
    else if (c->who) /* each token has its own rate and must not slow its user's screen */
        key = arena_fmt(c->mem, "t:" PRS, PRA(hex_of(c->mem, c->who->session_key, 32)));
    if (limit_take(key, per_s, c->who ? per_s * 8 : ANON_BURST, &wait_s))
        return E_OK;
    return too_many(c, wait_s);
}

static enum err phase_right(struct call *k)
{
    struct ctx *c = &k->c;
    const struct route *r = k->q.route;
    if (c->who && c->who->must_change_password && !(r->flags & (PW_OK | PUBLIC)))
        return FAIL(c, E_PASSWORD, "请先修改密码", "change your password first");
    if (c->who && c->who->must_set_factor && !(r->flags & (PW_OK | PUBLIC)))
        return FAIL(c, E_FACTOR_SETUP, "请先设置双因素登录", "set up the second factor first");
    if (!r->perm || (c->who && perms_has(&c->who->any, perm_index(r->perm))))
        return E_OK;
    return FAIL(c, E_DENIED, "您的岗位不能做这件事", "your role may not do this");
}

static enum err phase_csrf(struct call *k)
{
    enum http_method m = k->q.h->method;
    if (m == HTTP_GET || m == HTTP_HEAD || k->q.route->flags & NO_CSRF || !k->c.who ||
        !k->c.who->by_cookie)
        return E_OK;
    struct str token = http_header(k->q.h, "X-CSRF-Token");
    size_t n = strlen(k->c.who->csrf);
    if (token.n == n && bytes_equal(token.p, k->c.who->csrf, n))
        return E_OK;
    return FAIL(&k->c, E_CSRF, "页面已过期,请刷新后再试",
                "the page is out of date; reload it and try again");
}

static bool is_type(struct str header, const char *type)
{
    struct str s = header;
    return str_eq_nocase(str_trim(str_next(&s, ';')), str_of(type));
}

static enum err phase_body(struct call *k)
{
    const struct route *r = k->q.route;
    struct str type = http_header(k->q.h, "Content-Type");
    if (k->q.h->method == HTTP_GET || k->q.h->method == HTTP_HEAD || r->flags & MULTIPART)
        return E_OK;
    if (r->flags & RAW_BODY)
        return is_type(type, "text/csv")
                   ? E_OK
                   : FAIL(&k->c, E_TYPE, "请以 text/csv 发送", "send text/csv");
    if (r->flags & FORM_BODY)
        return is_type(type, "application/x-www-form-urlencoded")
                   ? E_OK
                   : FAIL(&k->c, E_TYPE, "请以表单发送", "send application/x-www-form-urlencoded");
    if (!k->q.h->body.n && !r->ninput &&
        (!r->res || r->res->machine || k->q.h->method == HTTP_DELETE))
        return E_OK;
    if (!is_type(type, "application/json"))
        return FAIL(&k->c, E_TYPE, "请以 application/json 发送", "send application/json");
    TRY(json_parse(&k->c, k->q.h->body, &k->q.body));
    if (r->input)
        return fields_read(&k->c, r->input, r->ninput, k->q.body, READ_INPUT, NULL, &k->q.in);
    return E_OK;
}

struct seen_name {
    struct seen_name *next;
    struct str name;
};
struct seen {
    struct arena *mem;
    struct seen_name *list;
    struct str twice;
};

static bool see_name(struct str name, struct str value, void *arg)
{
    struct seen *s = arg;
    (void)value;
    for (struct seen_name *x = s->list; x; x = x->next)
        if (str_eq(x->name, name)) {
            s->twice = name;
            return false;
        }
    struct seen_name *one = arena_get(s->mem, sizeof *one);
    *one = (struct seen_name){s->list, name};
    s->list = one;
    return true;
}

/* One program takes the first of two, the next the last; so neither counts. */
static enum err phase_query(struct call *k)
{
    struct seen s = {.mem = k->c.mem};
    (void)http_params(k->q.h, see_name, &s); /* what cannot be read is its reader's to say */
    if (!s.twice.p)
        return E_OK;
    return FAIL(&k->c, E_SYNTAX, "网址参数 " PRS " 出现了两次",
                "the parameter " PRS " is there twice", PRA(utf8_head(s.twice, 60)));
}

/* --- the unit of work, with idempotency --- */

static enum err idem_replay(struct call *k, struct tx *tx, bool *ret_replayed)
{
    int64_t fresh = 0;
    struct val v[4];
    *ret_replayed = false;
    TRY(q_do(&k->c, tx, &Q_IDEM_TAKE,
             IN(v_text(k->idem_key), v_text(k->idem_request), v_int(k->c.now_ms),
                v_int(k->c.now_ms + k->idem_ms)),
             &fresh));
    if (fresh)
        return E_OK;
    TRY(q_one(&k->c, tx, &Q_IDEM_GET, IN(v_text(k->idem_key)), v, 4));
    if (!str_eq(val_str(v[0]), k->idem_request))
        return FAIL(&k->c, E_REPLAY, "这个 Idempotency-Key 已用于另一个请求",
                    "this Idempotency-Key was used for another request");
    k->q.status = (int)val_int(v[1]);
    buf_put(&k->q.out, val_str(v[2]));
    if (v[3].t != V_NULL)
        req_header(&k->q, "Location", val_str(v[3]));
    req_header(&k->q, "Idempotent-Replayed", S("true"));
    *ret_replayed = true;
    return E_OK;
}

static struct val header_val(const struct http_reply *r, const char *name)
{
    for (int i = 0; i < r->nheaders; i++)
        if (strcmp(r->headers[i].name, name) == 0)
            return v_text(r->headers[i].value);
    return v_null();
}

static enum err idem_keep(struct call *k, struct tx *tx)
{
    int status = k->q.status ? k->q.status : 200;
    return q_send(&k->c, tx, &Q_IDEM_KEEP,
                  IN(v_text(k->idem_key), v_int(status), v_text(buf_str(&k->q.out)),
                     header_val(k->q.reply, "Location")));
}

static enum err whole_reply(struct call *k)
{
    if (!k->q.out.full)
        return E_OK;
    return FAIL(&k->c, E_TOOBIG, "结果太大,请缩小范围", "the result is too large; narrow it down");
}

static enum err run_in_tx(struct ctx *c, struct tx *tx, void *arg)
{
    struct call *k = arg;
    k->q.tx = tx;
    k->q.status = k->q.route->status;
    k->q.reply->nheaders = 0;
    buf_clear(&k->q.out);
    if (k->idem_key.n) {
        bool replayed;
        TRY(idem_replay(k, tx, &replayed));
        if (replayed)
            return E_OK;
    }
    TRY(k->q.route->run(c, &k->q));
    if (c->fault.nfields)
        return E_INVALID;
    TRY(whole_reply(k)); /* or the work would stay and its answer be lost */
    return k->idem_key.n ? idem_keep(k, tx) : E_OK;
}

/* Does the request say that it tells of something done earlier (core/late.h)? */
static bool is_late(const struct call *k)
{
    for (int i = 0; i < k->q.h->nparts; i++)
        if (str_eqz(k->q.h->parts[i].name, "taken_at"))
            return true;
    return k->q.body && json_get(k->q.body, "happened_at");
}

/* Where the answer is kept in the transaction that did the work. What is answered elsewhere is a
 * secret shown once (a token, a second factor, a signed address), which must not be stored; there
 * the header does nothing. */
static bool takes_key(const struct route *r)
{
    return !(r->flags & PUBLIC) && (!(r->flags & NO_TX) || r->flags & ONE_TX);
}

static enum err idem_read(struct call *k)
{
    struct str key = http_header(k->q.h, "Idempotency-Key");
    struct arena *a = k->c.mem;
    if (!key.p || k->q.h->method != HTTP_POST || !takes_key(k->q.route))
        return E_OK;
    if (!key.n || key.n > 200 || !utf8_valid(key))
        return FAIL(&k->c, E_SYNTAX, "Idempotency-Key 应为 1 到 200 个字符",
                    "Idempotency-Key must have 1 to 200 characters");
    uint8_t h[16];
    hash_fast(arena_fmt(a, "%lld\n" PRS, (long long)(k->c.who ? k->c.who->user_id : 0), PRA(key)),
              h);
    k->idem_key = hex_of(a, h, 16);
    k->idem_ms = is_late(k) ? IDEM_LATE_MS : IDEM_MS;
    uint8_t sum[HASH_BYTES];
    hash_sha256(k->q.h->body, sum);
    for (int i = 0; i < k->q.h->nparts; i++) /* files, in order */
        for (int b = 0; b < HASH_BYTES; b++)
            sum[b] = (uint8_t)(sum[b] * 31 + k->q.h->parts[i].sha256[b]);
    hash_fast(arena_fmt(a, PRS "?" PRS "\n" PRS, PRA(k->q.h->path), PRA(k->q.h->query),
                        PRA(hex_of(a, sum, sizeof sum))),
              h);
    k->idem_request = hex_of(a, h, 16);
    return E_OK;
}

/* --- the same for handlers with transactions of their own (imports, uploads) --- */

enum err req_once(struct req *q, struct tx *tx, bool *ret_replayed)
{
    struct call *k = q->h->app;
    *ret_replayed = false;
    buf_clear(&q->out);
    return k && k->idem_key.n ? idem_replay(k, tx, ret_replayed) : E_OK; /* no call: sheet.c */
}

enum err req_once_done(struct req *q, struct tx *tx)
{
    struct call *k = q->h->app;
    if (!k)
        return E_OK;
    TRY(whole_reply(k));
    return k->idem_key.n ? idem_keep(k, tx) : E_OK;
}

/* A handler with transactions of its own; with ONE_TX it calls req_once in the one that writes. */
static enum err run_own(struct call *k)
{
    k->q.status = k->q.route->status;
    return k->q.route->run(&k->c, &k->q);
}

/* Its prepare ran before the body came (on_head). */
static bool is_let_in_early(const struct route *r)
{
    return r->flags & PUBLIC && r->flags & MULTIPART;
}

/* All phases but a write itself: *ret_write says that it is due. */
static enum err perform(struct call *k, bool *ret_write)
{
    const struct route *r = k->q.route;
    bool reads = k->q.h->method == HTTP_GET || k->q.h->method == HTTP_HEAD;
    TRY(phase_login(k));
    TRY(phase_rate(k));
    TRY(phase_right(k));
    TRY(phase_csrf(k));
    TRY(phase_query(k));
    TRY(phase_body(k));
    TRY(idem_read(k));
    if (r->prepare && !is_let_in_early(r))
        TRY(r->prepare(&k->c, &k->q));
    if (r->flags & NO_TX)
        return run_own(k);
    *ret_write = !reads;
    return reads ? db_read(k->q.app->db, &k->c, run_in_tx, k) : E_OK;
}

/* --- answering --- */

static void answer_problem(struct call *k, struct http_reply *reply)
{
    struct ctx *c = &k->c;
    enum err e = k->err;
    if (e == E_INVALID && !c->fault.nfields && c->fault.code != E_INVALID && c->fault.code != E_OK)
        e = c->fault.code;
    if (e == E_MISSING && !c->fault.message.n)
        c->fault.message = str_of(c->lang == LANG_ZH ? "没有找到这条记录" : "no such record");
    reply->nheaders = 0;
    reply->status = err_status(e);
    reply->body = problem_json(c, c->mem, e);
    if (k->q.route && str_eqz(str_of(k->q.route->path), "/api/v1/session") && k->q.app->demo &&
        e == E_UNAUTH)
        reply->body = arena_fmt(c->mem, PRS ",\"demo\":true}",
                                PRA(str_sub(reply->body, 0, reply->body.n - 1)));
    reply_header(reply, "Content-Type", S("application/problem+json"));
    reply_header(reply, "Cache-Control", S("no-store"));
    if (e == E_RATE || e == E_BUSY)
        reply_header(
            reply, "Retry-After",
            arena_fmt(c->mem, "%d", c->fault.retry_after_s > 0 ? c->fault.retry_after_s : 1));
    if (e == E_UNAUTH)
        reply_header(reply, "WWW-Authenticate", S("Bearer"));
}

static void answer(struct call *k, struct http_reply *reply)
{
    if (k->err == E_OK)
        k->err = whole_reply(k);
    if (k->err != E_OK && k->err != E_BUSY && arena_short_of(k->c.mem) == ARENA_STARVED) {
        fault_clear(&k->c); /* whatever was said: it was said for want of memory */
        k->err = FAIL(&k->c, E_BUSY, "服务器内存不足,请稍后再试",
                      "the server is out of memory; try again");
    }
    if (k->err != E_OK) {
        answer_problem(k, reply);
    } else if (!reply->on_stream && reply->file_fd <= 0) {
        reply->status = k->q.status;
        reply->body = buf_str(&k->q.out);
        if (k->q.status != 204 && header_val(reply, "Content-Type").t == V_NULL)
            reply_header(reply, "Content-Type", S("application/json"));
        if (header_val(reply, "Cache-Control").t == V_NULL)
            reply_header(reply, "Cache-Control", S("no-store"));
    }
    site_security_headers(k->q.h, reply);
}

static struct call *call_new(struct app *app, struct http_req *h)
{
    struct call *k = arena_get(h->mem, sizeof *k);
    k->c.mem = h->mem;
    k->c.now_ms = h->received_ms;
    k->c.lang = lang_of(h);
    uint64_t id = rand_u64();
    for (int i = 0; i < 16; i++)
        k->c.trace_id[i] = "0123456789abcdef"[id >> (4 * i) & 15];
    k->q.app = app;
    k->q.h = h;
    return k;
}

static void on_head(void *arg, struct http_req *h, struct http_plan *plan, struct http_reply *reply)
{
    struct app *app = arg;
    struct call *k = call_new(app, h);
    h->app = k;
    bool known = false;
    const struct route *r = route_find(h->method_text, h->path, &k->q, &known);
    if (!r && !known && !str_starts(h->path, S("/api/"))) { /* pages and files */
        plan->direct = site_is_direct(h->path);
        plan->body_max = 0;
        return;
    }
    if (!r) {
        k->err = known ? E_METHOD : E_MISSING;
        (void)(known ? FAIL(&k->c, E_METHOD, "这个地址不支持此方法",
                            "this address does not know the method")
                     : FAIL(&k->c, E_MISSING, "没有这个地址", "no such address"));
        answer(k, reply);
        return;
    }
    k->q.route = r;
    k->q.res = r->res;
    bool get = h->method == HTTP_GET || h->method == HTTP_HEAD;
    plan->body_max = get                    ? 0
                     : r->flags & MULTIPART ? UPLOAD_MAX
                     : r->flags & RAW_BODY  ? IMPORT_MAX
                                            : BODY_MAX;
    plan->multipart = r->flags & MULTIPART;
    plan->direct = get && db_engine_of(app->db) == DB_SQLITE && !(r->flags & (SLOW | NO_TX));
    if (plan->multipart) { /* nobody unknown gets to write a byte to disk */
        k->err = phase_login(k);
        if (k->err == E_OK && is_let_in_early(r))
            k->err = r->prepare(&k->c, &k->q);
        if (k->err != E_OK)
            answer(k, reply);
    }
}

static void on_written(void *arg, enum err result)
{
    struct call *k = arg;
    k->err = result;
    answer(k, k->q.reply);
    http_answer(k->q.h);
}

static void on_request(void *arg, struct http_req *h, struct http_reply *reply)
{
    struct app *app = arg;
    struct call *k = h->app;
    k->q.reply = reply;
    if (!k->q.route) {
        site_reply(app, &k->c, h, reply);
        site_security_headers(h, reply);
        return;
    }
    buf_init(&k->q.out, h->mem, k->q.route->flags & SLOW ? REPORT_MAX : REPLY_MAX);
    bool write = false;
    k->err = perform(k, &write);
    if (k->err == E_OK && k->c.fault.nfields)
        k->err = E_INVALID;
    if (k->err != E_OK || !write) {
        answer(k, reply);
        return;
    }
    /* No worker waits for the disk: the thread that commits answers. */
    http_later(h);
    db_write_then(app->db, &k->c, run_in_tx, k, on_written);
}

static void on_done(void *arg, const struct http_req *h, int status, int64_t bytes, int64_t us)
{
    (void)arg;
    const struct call *k = h->app;
    metrics_request(status, us);
    if (!k || !k->q.route)
        return;
    bool quiet = h->method == HTTP_GET && status < 400; /* reads that went well: only when asked */
    enum log_level level = status >= 500 ? LOG_ERROR : quiet ? LOG_DEBUG : LOG_INFO;
    log_line(level, "http",
             "trace=%s method=" PRS " route=%s status=%d ms=%.2f bytes=%lld sql=%d user=%lld%s%s",
             k->c.trace_id, PRA(h->method_text), k->q.route->path, status, (double)us / 1000.0,
             (long long)bytes, k->c.sql_count,
             (long long)(status == 499 || !k->c.who ? 0 : k->c.who->user_id),
             k->c.fault.where ? " where=" : "", k->c.fault.where ? k->c.fault.where : "");
}

static struct str on_problem(void *arg, struct arena *a, int status)
{
    (void)arg;
    return problem_status(a, status);
}

struct http_app app_http(struct app *app)
{
    return (struct http_app){on_head, on_request, on_done, on_problem, app};
}
