/* session.c - login, logout, who am I, and one's open sessions. A login answers the same for an
 * unknown name, a wrong password, a wrong one-time code and a disabled user, and takes the same
 * time. Wrong tries lock the name (domain-rules 6.2, T-98); how many and how long is policy.
 * Hashing is done outside transactions. Clear tokens are never stored, only their SHA-256. */
#include <string.h>

#include "base/crypto.h"
#include "base/log.h"
#include "core/core.h"
#include "core/key.h"
#include "core/live.h"
#include "core/metrics.h"
#include "core/policy.h"
#include "core/totp.h"

enum { TOKEN_BYTES = 32, ADDRESS_PER_S = 5, ADDRESS_BURST = 60, NAME_BURST = 30 };
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   INT64_C(3600000)

enum {
    L_ID,
    L_PASSWORD,
    L_ENABLED,
    L_FAILED,
    L_LOCKED,
    L_TOTP,
    L_TOTP_AT,
    L_TOTP_STEP,
    L_NAME,
    L_MUST_CHANGE,
    L_PASSWORD_AT,
    L__N
};
static const struct query Q_BY_LOGIN = {
    "session.by_login", "SELECT id, password, enabled, failed_count, locked_until, totp_secret, "
                        "totp_at, totp_step, name, must_change_password, password_at FROM "
                        "app_user WHERE community_id = 0 AND login = $1 AND archived = 0"};
/* Counts in the statement: tries that run side by side must each count. $2: how many are too many.
 */
static const struct query Q_FAILED = {
    "session.failed",
    "UPDATE app_user SET locked_until = CASE WHEN COALESCE(failed_count, 0) + 1 >= CAST($2 AS "
    "BIGINT) THEN CAST($3 AS BIGINT) ELSE locked_until END, failed_count = CASE WHEN "
    "COALESCE(failed_count, 0) + 1 >= CAST($2 AS BIGINT) THEN 0 ELSE COALESCE(failed_count, 0) + 1 "
    "END WHERE id = $1"};
/* A password whose age nobody knows begins to age at this login. */
static const struct query Q_CLEAR = {
    "session.clear", "UPDATE app_user SET failed_count = 0, locked_until = NULL, password_at = "
                     "COALESCE(password_at, $2) WHERE id = $1"};
/* A code works once: the step it belongs to is used up, for tries that run side by side too. */
static const struct query Q_STEP = {
    "session.step",
    "UPDATE app_user SET totp_step = $2 WHERE id = $1 AND COALESCE(totp_step, 0) < $2"};
static const struct query Q_RECOVERY = {
    "session.recovery",
    "UPDATE recovery_code SET used_at = $3 WHERE user_id = $1 AND hash = $2 AND used_at IS NULL"};
static const struct query Q_RECOVERY_THERE = {
    "session.recovery_there",
    "SELECT used_at FROM recovery_code WHERE user_id = $1 AND hash = $2 AND used_at IS NULL"};
static const struct query Q_OPEN = {
    "session.open", "INSERT INTO session (id, num, user_id, csrf, created_at, seen_at, expires_at, "
                    "address, agent) VALUES ($1, $8, $2, $3, $4, $4, $5, $6, $7)"};
static const struct query Q_CLOSE = {"session.close", "DELETE FROM session WHERE id = $1"};
static const struct query Q_CLOSE_ONE = {"session.close_one",
                                         "DELETE FROM session WHERE user_id = $1 AND num = $2"};
static const struct query Q_CLOSE_ALL = {"session.close_all",
                                         "DELETE FROM session WHERE user_id = $1 AND id <> $2"};
static const struct query Q_LIST = {
    "session.list",
    "SELECT num, created_at, seen_at, address, agent, id FROM session WHERE user_id "
    "= $1 AND expires_at > $2 ORDER BY seen_at DESC LIMIT 100"};
static const struct query Q_SWEEP = {"session.sweep", "DELETE FROM session WHERE expires_at < $1"};
const struct query *const session_queries[] = {&Q_BY_LOGIN,  &Q_FAILED,         &Q_CLEAR, &Q_STEP,
                                               &Q_RECOVERY,  &Q_RECOVERY_THERE, &Q_OPEN,  &Q_CLOSE,
                                               &Q_CLOSE_ONE, &Q_CLOSE_ALL,      &Q_LIST,  &Q_SWEEP,
                                               NULL};

enum err job_sweep_sessions(struct ctx *c, struct tx *tx)
{
    return q_do(c, tx, &Q_SWEEP, IN(v_int(c->now_ms)), NULL);
}

/* --- login --- */

enum { IN_LOGIN, IN_PASSWORD, IN_CODE };
static const struct field login_fields[] = {
    [IN_LOGIN] = {"login", F_TEXT, REQUIRED, 1, 40, .label = {"登录名", "Login"}},
    [IN_PASSWORD] = {"password", F_SECRET, REQUIRED, 1, 128, .label = {"密码", "Password"}},
    [IN_CODE] = {"code", F_SECRET, 0, 1, 40, .label = {"动态码", "One-time code"}},
};

struct login {
    struct str login, token, csrf, hex, recovery;
    struct val user[L__N];
    bool known, right, again; /* again: a right code that was used before */
    int64_t step;             /* of the one-time code; 0: none */
    struct login_policy policy;
    struct req *q;
};

static enum err login_read(struct ctx *c, struct tx *tx, void *arg)
{
    struct login *l = arg;
    enum err e = q_one(c, tx, &Q_BY_LOGIN, IN(v_text(l->login)), l->user, L__N);
    l->known = e == E_OK && val_int(l->user[L_ENABLED]);
    return e == E_MISSING ? E_OK : e;
}

static enum err locked(struct ctx *c, int64_t until_ms)
{
    c->fault.retry_after_s = (int)((until_ms - c->now_ms) / 1000 + 1);
    return FAIL(c, E_RATE, "密码错误次数太多,账号已锁定,请稍后再试",
                "too many wrong passwords; the account is locked for a while");
}

/* Names that do not exist are locked like those that do, or the lock would tell which is which. A
 * slot that another name takes over forgets its own. */
enum { GHOSTS = 4096 };
static struct {
    pthread_mutex_t lock;
    struct ghost {
        uint64_t key;
        int failed;
        int64_t until_ms;
    } v[GHOSTS];
} ghosts = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Until when the unknown name is locked; counts one more failure when asked to. */
static int64_t ghost_lock(struct ctx *c, const struct login_policy *p, struct str login,
                          bool failed)
{
    uint8_t h[16];
    uint64_t key;
    hash_fast(login, h);
    memcpy(&key, h, sizeof key);
    mutex_lock(&ghosts.lock);
    struct ghost *g = &ghosts.v[key % GHOSTS];
    if (g->key != key)
        *g = (struct ghost){.key = key};
    if (failed && ++g->failed >= p->lock_after) {
        g->failed = 0;
        g->until_ms = c->now_ms + p->lock_minutes * MINUTE_MS;
    }
    int64_t until_ms = g->until_ms;
    mutex_unlock(&ghosts.lock);
    return until_ms;
}

static enum err use_up(struct ctx *c, struct tx *tx, const struct login *l)
{
    int64_t used = 1;
    if (l->step)
        TRY(q_do(c, tx, &Q_STEP, IN(l->user[L_ID], v_int(l->step)), &used));
    else if (l->recovery.n)
        TRY(q_do(c, tx, &Q_RECOVERY, IN(l->user[L_ID], v_text(l->recovery), v_int(c->now_ms)),
                 &used));
    return used ? E_OK
                : FAIL(c, E_UNAUTH, "登录名、密码或动态码不对", "wrong login, password or code");
}

/* Counts a wrong try. What its user should hear of goes into the log, where news.c finds it. */
static enum err login_failed(struct ctx *c, struct tx *tx, const struct login *l)
{
    int64_t id = val_int(l->user[L_ID]);
    struct val now[L__N];
    TRY(q_do(c, tx, &Q_FAILED,
             IN(v_int(id), v_int(l->policy.lock_after),
                v_int(c->now_ms + l->policy.lock_minutes * MINUTE_MS)),
             NULL));
    TRY(q_one(c, tx, &Q_BY_LOGIN, IN(v_text(l->login)), now, L__N));
    bool locks = val_int(now[L_LOCKED]) > c->now_ms;
    struct event e = {.topic = locks ? "auth.locked" : "auth.code_again",
                      .res = &res_user,
                      .id = id,
                      .data = S("{}")};
    return locks || l->again ? tx_emit(c, tx, &e) : E_OK;
}

static enum err login_write(struct ctx *c, struct tx *tx, void *arg)
{
    struct login *l = arg;
    int64_t id = val_int(l->user[L_ID]);
    if (!l->right)
        return login_failed(c, tx, l);
    struct val now[L__N]; /* tries beside this one may have locked the name since */
    TRY(q_one(c, tx, &Q_BY_LOGIN, IN(v_text(l->login)), now, L__N));
    if (val_int(now[L_LOCKED]) > c->now_ms)
        return locked(c, val_int(now[L_LOCKED]));
    TRY(use_up(c, tx, l));
    TRY(q_do(c, tx, &Q_CLEAR, IN(v_int(id), v_int(c->now_ms)), NULL));
    /* Its kind of user ends it sooner (auth.c); this is the longest any policy can allow. */
    int64_t end_ms = c->now_ms + 2160 * HOUR_MS;
    TRY(q_do(c, tx, &Q_OPEN,
             IN(v_text(l->hex), v_int(id), v_text(l->csrf), v_int(c->now_ms), v_int(end_ms),
                v_text(l->q->h->peer), v_text(utf8_head(http_header(l->q->h, "User-Agent"), 120)),
                v_int(id_new())),
             NULL));
    struct event e = {.topic = "auth.login",
                      .res = &res_user,
                      .id = id,
                      .by_user = id,
                      .data = l->recovery.n ? S("{\"with\":\"recovery_code\"}")
                              : l->step     ? S("{\"with\":\"code\"}")
                                            : S("{}")};
    return tx_emit(c, tx, &e);
}

static void session_json(const struct who *w, struct buf *out)
{
    buf_fmt(out, "{\"user\":{\"id\":%lld,\"login\":", (long long)w->user_id);
    buf_json(out, w->login);
    buf_put(out, S(",\"name\":"));
    buf_json(out, w->name);
    buf_fmt(out,
            ",\"home\":\"%s\",\"must_change_password\":%s,\"second_factor\":%s,"
            "\"must_set_second_factor\":%s},\"csrf\":\"%s\"}",
            w->home == HOME_PHONE ? "phone" : "desk", w->must_change_password ? "true" : "false",
            w->has_factor ? "true" : "false", w->must_set_factor ? "true" : "false", w->csrf);
}

/* The session as it is after a change that was just committed. */
static enum err session_tell(struct ctx *c, struct req *q, struct str token)
{
    const struct who *w;
    TRY(auth_who(c, q->app, token, (struct str){0}, &w));
    if (!w)
        return FAIL(c, E_UNAUTH, "请先登录", "please log in");
    buf_clear(&q->out);
    session_json(w, &q->out);
    return E_OK;
}

enum err session_again(struct ctx *c, struct req *q)
{
    return session_tell(c, q, session_cookie(q->h));
}

/* Over https the cookie's name says that only this host may have set it (ASVS 3.4.4): one planted
 * by a neighbouring subdomain or over plain http has another name and is not looked at. */
struct str session_cookie(const struct http_req *h)
{
    return http_cookie(h, h->https ? "__Host-anju" : "anju");
}

static void set_cookie(struct ctx *c, struct req *q, struct str token)
{
    bool secure = q->h->https;
    req_header(q, "Set-Cookie",
               arena_fmt(c->mem, "%s=" PRS "; Path=/; HttpOnly; SameSite=Strict%s%s",
                         secure ? "__Host-anju" : "anju", PRA(token), secure ? "; Secure" : "",
                         token.n ? "" : "; Max-Age=0"));
}

static enum err wrong_login(struct ctx *c, struct login *l)
{
    metrics_login(false);
    /* the same time whether or not the name exists */
    if (!l->known) {
        (void)ghost_lock(c, &l->policy, l->login, true);
        char hash[PASSWORD_HASH_MAX];
        if (!password_hash(S("not a password"), hash))
            return FAIL(c, E_BUSY, "服务器内存不足,请稍后再试",
                        "the server is short of memory; try again later");
    } else
        TRY(db_write(l->q->app->db, c, login_write, l));
    return FAIL(c, E_UNAUTH, "登录名、密码或动态码不对", "wrong login, password or code");
}

/* --- the second factor --- */

static enum err recovery_there(struct ctx *c, struct tx *tx, void *arg)
{
    struct login *l = arg;
    struct val used;
    return q_one(c, tx, &Q_RECOVERY_THERE, IN(l->user[L_ID], v_text(l->recovery)), &used, 1);
}

/* Sets l->right by the code; E_FACTOR when none was given. A code of six digits is the app's, a
 * longer one a recovery code. */
static enum err judge_code(struct ctx *c, struct login *l)
{
    struct str secret, code = row_str(&l->q->in, IN_CODE);
    if (l->user[L_TOTP_AT].t == V_NULL)
        return E_OK;
    if (!code.n)
        return FAIL(c, E_FACTOR, "请输入动态码", "enter the one-time code");
    if (code.n > 6) {
        l->recovery = recovery_hash(c->mem, code);
        enum err e = db_read(l->q->app->db, c, recovery_there, l);
        l->right = e == E_OK;
        return e == E_MISSING ? E_OK : e;
    }
    struct str where = arena_fmt(c->mem, "app_user.totp_secret:%lld",
                                 (long long)val_int(l->user[L_ID]));
    if (!key_open(c->mem, where, val_str(l->user[L_TOTP]), &secret))
        return FAIL(c, E_STATE, "无法读取双因素密钥,请联系管理员",
                    "the second factor cannot be read; tell the administrator");
    bool fits = totp_check(c->mem, secret, code, c->now_ms, &l->step);
    l->right = fits && l->step > val_int(l->user[L_TOTP_STEP]);
    l->again = fits && !l->right;
    return E_OK;
}

static enum err too_fast(struct ctx *c, struct req *q, struct str login)
{
    int wait_s;
    uint8_t h[16];
    hash_fast(login, h);
    if (limit_take(arena_fmt(c->mem, "login:" PRS, PRA(q->h->peer)), ADDRESS_PER_S, ADDRESS_BURST,
                   &wait_s) &&
        limit_take(arena_fmt(c->mem, "name:" PRS, PRA(hex_of(c->mem, h, 16))), 1, NAME_BURST,
                   &wait_s)) {
        c->fault.retry_after_s = 1;
        return !password_busy() ? E_OK
                                : FAIL(c, E_BUSY, "登录的人太多,请稍后再试",
                                       "too many people log in; try again in a moment");
    }
    c->fault.retry_after_s = wait_s;
    return FAIL(c, E_RATE, "登录太频繁,请稍后再试", "too many logins; wait a moment");
}

/* A password that somebody else gave and that nobody changed lies in a letter or a chat for ever
 * (ASVS 2.3.1). Told only to who knows it. */
static bool expired(const struct ctx *c, const struct login *l)
{
    return val_int(l->user[L_MUST_CHANGE]) && l->user[L_PASSWORD_AT].t != V_NULL &&
           val_int(l->user[L_PASSWORD_AT]) + l->policy.initial_days * 24 * HOUR_MS < c->now_ms;
}

static enum err session_open(struct ctx *c, struct req *q)
{
    struct login l = {
        .q = q, .login = row_str(&q->in, IN_LOGIN), .policy = policy_for(q->app, FOR_STAFF)};
    TRY(too_fast(c, q, l.login));
    TRY(db_read(q->app->db, c, login_read, &l));
    int64_t until_ms = l.known ? val_int(l.user[L_LOCKED])
                               : ghost_lock(c, &l.policy, l.login, false);
    if (until_ms > c->now_ms)
        return locked(c, until_ms);
    struct str hash = val_str(l.user[L_PASSWORD]);
    l.right = l.known && hash.n &&
              password_check(str_z(c->mem, hash), row_str(&q->in, IN_PASSWORD));
    if (l.right && expired(c, &l))
        return FAIL(c, E_UNAUTH, "初始密码已过期,请联系管理员重新设置",
                    "the first password has expired; ask the administrator for a new one");
    if (l.right)
        TRY(judge_code(c, &l));
    if (!l.right)
        return wrong_login(c, &l);
    l.token = rand_token(c->mem, TOKEN_BYTES);
    l.csrf = str_sub(rand_token(c->mem, TOKEN_BYTES), 0, 32);
    uint8_t sha[32];
    hash_sha256(l.token, sha);
    l.hex = hex_of(c->mem, sha, 32);
    TRY(db_write(q->app->db, c, login_write, &l));
    metrics_login(true);
    set_cookie(c, q, l.token);
    return session_tell(c, q, l.token);
}

static enum err session_get(struct ctx *c, struct req *q)
{
    if (!c->who)
        return FAIL(c, E_UNAUTH, "请先登录", "please log in");
    session_json(c->who, &q->out);
    return E_OK;
}

/* Only after the commit: sooner, a request in between would remember the session once more. */
void session_changed(int64_t user_id)
{
    who_forget_all();
    live_drop(user_id);
}

static void logged_out(void *arg)
{
    session_changed(*(int64_t *)arg);
}

static void forget_after(struct ctx *c, struct tx *tx, int64_t user_id)
{
    int64_t *id = arena_get(c->mem, sizeof *id);
    *id = user_id;
    tx_after_commit(tx, logged_out, id);
}

static enum err session_close(struct ctx *c, struct req *q)
{
    struct str hex = hex_of(c->mem, c->who->session_key, 32);
    TRY(q_do(c, q->tx, &Q_CLOSE, IN(v_text(hex)), NULL));
    forget_after(c, q->tx, c->who->user_id);
    set_cookie(c, q, (struct str){0});
    q->status = 204;
    return E_OK;
}

/* --- open sessions --- */

static enum err list_json(struct ctx *c, struct req *q, int64_t user_id)
{
    struct rows rows;
    struct str own = hex_of(c->mem, c->who->session_key, 32);
    TRY(q_rows(c, q->tx, &Q_LIST, IN(v_int(user_id), v_int(c->now_ms)), 100, &rows));
    buf_put(&q->out, S("{\"items\":["));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        buf_fmt(&q->out, "%s{\"id\":%lld,\"current\":%s,\"created_at\":\"", i ? "," : "",
                (long long)val_int(v[0]), str_eq(val_str(v[5]), own) ? "true" : "false");
        buf_instant(&q->out, val_int(v[1]), app_zone(0));
        buf_put(&q->out, S("\",\"seen_at\":\""));
        buf_instant(&q->out, val_int(v[2]), app_zone(0));
        buf_put(&q->out, S("\",\"address\":"));
        buf_json(&q->out, val_str(v[3]));
        buf_put(&q->out, S(",\"agent\":"));
        buf_json(&q->out, val_str(v[4]));
        buf_putc(&q->out, '}');
    }
    buf_put(&q->out, S("]}"));
    return E_OK;
}

static enum err session_list(struct ctx *c, struct req *q)
{
    return list_json(c, q, c->who->user_id);
}

static enum err session_ended(struct ctx *c, struct req *q, int64_t user_id, struct str data)
{
    struct event e = {
        .topic = "auth.sessions_ended", .res = &res_user, .id = user_id, .data = data};
    TRY(tx_emit(c, q->tx, &e));
    forget_after(c, q->tx, user_id);
    q->status = 204;
    return E_OK;
}

static enum err session_end_one(struct ctx *c, struct req *q)
{
    int64_t ended = 0;
    TRY(q_do(c, q->tx, &Q_CLOSE_ONE, IN(v_int(c->who->user_id), v_int(q->ids[0])), &ended));
    if (!ended)
        return FAIL(c, E_MISSING, "没有这个登录", "there is no such session");
    return session_ended(c, q, c->who->user_id, S("{\"which\":\"one\"}"));
}

static enum err session_end_others(struct ctx *c, struct req *q)
{
    struct str own = hex_of(c->mem, c->who->session_key, 32);
    TRY(q_do(c, q->tx, &Q_CLOSE_ALL, IN(v_int(c->who->user_id), v_text(own)), NULL));
    return session_ended(c, q, c->who->user_id, S("{\"which\":\"others\"}"));
}

/* Somebody else's, by the security administrator: a lost phone, a person who left. */
static enum err user_sessions(struct ctx *c, struct req *q)
{
    struct row user;
    TRY(res_load_seen(c, q->tx, &res_user, q->ids[0], &user));
    return list_json(c, q, q->ids[0]);
}

static enum err user_sessions_end(struct ctx *c, struct req *q)
{
    struct row user;
    TRY(res_load_seen(c, q->tx, &res_user, q->ids[0], &user));
    TRY(q_do(c, q->tx, &Q_CLOSE_ALL, IN(v_int(q->ids[0]), v_text(S(""))), NULL));
    return session_ended(c, q, q->ids[0], S("{\"which\":\"all\"}"));
}

#define SESSION_LIST                                                                               \
    "{items:[{id:int,current:bool,created_at:instant,seen_at:instant,address:str,agent:str}]}"
const struct route session_routes[] = {
    {"POST",
     "/api/v1/session",
     NULL,
     PUBLIC | NO_TX | NO_CSRF,
     NULL,
     session_open,
     login_fields,
     COUNT_OF(login_fields),
     {"登录", "Log in"},
     "Session",
     201,
     NULL},
    {"GET", "/api/v1/session", NULL, PUBLIC | PW_OK, .run = session_get,
     .help = {"当前登录", "Who am I"}, .reply = "Session"},
    {"DELETE", "/api/v1/session", NULL, ANY_USER | PW_OK, .run = session_close,
     .help = {"退出", "Log out"}, .status = 204},
    {"POST", "/api/v1/session/password", NULL, ANY_USER | NO_TX | PW_OK, .run = session_password,
     .input = password_fields, .ninput = 2, .help = {"改密码", "Change my password"},
     .reply = "Session"},
    {"GET", "/api/v1/session/list", NULL, ANY_USER, .run = session_list,
     .help = {"我的登录", "My open sessions"}, .reply = SESSION_LIST},
    {"GET", "/api/v1/session/news", NULL, ANY_USER, .run = session_news,
     .help = {"我的账户动态", "What happened to my account"},
     .reply = "{items:[{at:instant,topic:str,by:str?}]}"},
    {"DELETE", "/api/v1/session/list/{id}", NULL, ANY_USER, .run = session_end_one,
     .help = {"结束一个登录", "End one of my sessions"}, .status = 204},
    {"DELETE", "/api/v1/session/others", NULL, ANY_USER, .run = session_end_others,
     .help = {"结束其他登录", "End all my other sessions"}, .status = 204},
    {"GET", "/api/v1/users/{id}/sessions", "session.manage", .run = user_sessions,
     .help = {"用户的登录", "A user's open sessions"}, .reply = SESSION_LIST},
    {"DELETE", "/api/v1/users/{id}/sessions", "session.manage", .run = user_sessions_end,
     .help = {"结束用户的登录", "End a user's sessions"}, .status = 204},
    {"POST", "/api/v1/session/factor", NULL, ANY_USER | NO_TX | PW_OK, .run = factor_begin,
     .input = factor_begin_fields, .ninput = 1,
     .help = {"开始设置双因素", "Begin setting up the second factor"},
     .reply = "{secret:str,uri:str}"},
    {"POST", "/api/v1/session/factor/confirm", NULL, ANY_USER | NO_TX | PW_OK,
     .run = factor_confirm, .input = factor_confirm_fields, .ninput = 1,
     .help = {"确认双因素", "Confirm the second factor"}, .reply = "{recovery:[str]}"},
    {"POST", "/api/v1/session/factor/remove", NULL, ANY_USER | NO_TX, .run = factor_remove,
     .input = factor_begin_fields, .ninput = 1, .help = {"停用双因素", "Remove the second factor"},
     .status = 204},
    {"DELETE", "/api/v1/users/{id}/factor", "session.manage", .run = factor_reset,
     .help = {"重置用户的双因素", "Take a user's second factor away"}, .status = 204},
    {"POST", "/api/v1/tokens", "token.create", NO_TX, .run = token_post, .input = token_inputs,
     .ninput = 4, .help = {"新建接口令牌", "Make an API token"},
     .reply = "{id:int,token:str,expires_at:instant}", .status = 201},
    {0},
};
