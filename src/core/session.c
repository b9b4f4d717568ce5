/* session.c - login, logout, passwords and API tokens. A login answers the same for an unknown
 * name, a wrong password and a disabled user, and takes the same time. Five wrong passwords lock
 * the name for 30 minutes (domain-rules 6.2, T-98). Hashing is done outside transactions. Clear
 * tokens are never stored, only their SHA-256. */
#include <string.h>

#include "base/crypto.h"
#include "base/log.h"
#include "core/core.h"
#include "core/live.h"

enum { LOCK_AFTER = 5, LOCK_MS = 30 * 60 * 1000, TOKEN_BYTES = 32 };
#define ABSOLUTE_MS (INT64_C(12) * 3600 * 1000)

static const struct query Q_BY_LOGIN = {
    "session.by_login",
    "SELECT id, password, enabled, failed_count, locked_until, must_change_password FROM app_user "
    "WHERE community_id = 0 AND login = $1 AND archived = 0"};
/* Counts in the statement: tries that run side by side must each count. $2: how many are too many.
 */
static const struct query Q_FAILED = {
    "session.failed",
    "UPDATE app_user SET locked_until = CASE WHEN COALESCE(failed_count, 0) + 1 >= CAST($2 AS "
    "BIGINT) THEN CAST($3 AS BIGINT) ELSE locked_until END, failed_count = CASE WHEN "
    "COALESCE(failed_count, 0) + 1 >= CAST($2 AS BIGINT) THEN 0 ELSE COALESCE(failed_count, 0) + 1 "
    "END WHERE id = $1"};
static const struct query Q_CLEAR = {
    "session.clear", "UPDATE app_user SET failed_count = 0, locked_until = NULL WHERE id = $1"};
static const struct query Q_OPEN = {
    "session.open", "INSERT INTO session (id, user_id, csrf, created_at, seen_at, expires_at, "
                    "address, agent) VALUES ($1, $2, $3, $4, $4, $5, $6, $7)"};
static const struct query Q_CLOSE = {"session.close", "DELETE FROM session WHERE id = $1"};
static const struct query Q_CLOSE_OTHERS = {"session.close_others",
                                            "DELETE FROM session WHERE user_id = $1 AND id <> $2"};
static const struct query Q_PASSWORD = {"session.password",
                                        "UPDATE app_user SET password = $2, must_change_password = "
                                        "0, demo = 0, version = version + 1 WHERE id = $1"};
static const struct query Q_OLD_PASSWORD = {"session.old_password",
                                            "SELECT password, login FROM app_user WHERE id = $1"};
static const struct query Q_SWEEP = {"session.sweep", "DELETE FROM session WHERE expires_at < $1"};
static const struct query Q_ME = {
    "session.me", "SELECT login, name, home, must_change_password FROM app_user WHERE id = $1"};
const struct query *const session_queries[] = {
    &Q_BY_LOGIN, &Q_FAILED,       &Q_CLEAR, &Q_OPEN, &Q_CLOSE, &Q_CLOSE_OTHERS,
    &Q_PASSWORD, &Q_OLD_PASSWORD, &Q_SWEEP, &Q_ME,   NULL};

enum err job_sweep_sessions(struct ctx *c, struct tx *tx)
{
    return q_do(c, tx, &Q_SWEEP, IN(v_int(c->now_ms)), NULL);
}

/* --- passwords --- */

static int password_kinds(struct str p)
{
    bool lower = false, upper = false, digit = false, other = false;
    for (size_t i = 0; i < p.n; i++) {
        char ch = p.p[i];
        if (ch >= 'a' && ch <= 'z')
            lower = true;
        else if (ch >= 'A' && ch <= 'Z')
            upper = true;
        else if (ch >= '0' && ch <= '9')
            digit = true;
        else
            other = true;
    }
    return lower + upper + digit + other;
}

static bool is_login(struct str login, struct str p)
{
    bool reverse = login.n == p.n && login.n > 0;
    for (size_t i = 0; i < p.n && reverse; i++)
        reverse = login.p[i] == p.p[p.n - 1 - i];
    return reverse || str_eq_nocase(login, p);
}

enum err password_make(struct ctx *c, const char *field, struct str login, struct str p,
                       char ret[128])
{
    size_t chars = utf8_len(p);
    if (chars < 8 || chars > 128)
        return FAIL_FIELD(c, field, "min", "密码要 8 到 128 位",
                          "a password has 8 to 128 characters");
    if (password_kinds(p) < 3)
        return FAIL_FIELD(c, field, "weak", "要有大写、小写、数字、符号中的三种",
                          "use three of: upper case, lower case, digits, symbols");
    if (is_login(login, p))
        return FAIL_FIELD(c, field, "weak", "密码不能是登录名或其倒写",
                          "the password must not be the login or its reverse");
    if (!password_hash(p, ret))
        return FAIL(c, E_BUSY, "服务器内存不足,请稍后再试",
                    "the server is short of memory; try again later");
    return E_OK;
}

/* --- login --- */

enum { IN_LOGIN, IN_PASSWORD };
static const struct field login_fields[] = {
    [IN_LOGIN] = {"login", F_TEXT, REQUIRED, 1, 40, .label = {"登录名", "Login"}},
    [IN_PASSWORD] = {"password", F_SECRET, REQUIRED, 1, 128, .label = {"密码", "Password"}},
};

struct login {
    struct str login, token, csrf, hex;
    struct val user[6];
    bool known, right;
    struct req *q;
};

static enum err login_read(struct ctx *c, struct tx *tx, void *arg)
{
    struct login *l = arg;
    enum err e = q_one(c, tx, &Q_BY_LOGIN, IN(v_text(l->login)), l->user, 6);
    l->known = e == E_OK && val_int(l->user[2]);
    return e == E_MISSING ? E_OK : e;
}

static enum err locked(struct ctx *c, int64_t until_ms)
{
    c->fault.retry_after_s = (int)((until_ms - c->now_ms) / 1000 + 1);
    return FAIL(c, E_RATE, "密码错误次数太多,已锁定 30 分钟",
                "too many wrong passwords; locked for 30 minutes");
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
static int64_t ghost_lock(struct ctx *c, struct str login, bool failed)
{
    uint8_t h[16];
    uint64_t key;
    hash_fast(login, h);
    memcpy(&key, h, sizeof key);
    mutex_lock(&ghosts.lock);
    struct ghost *g = &ghosts.v[key % GHOSTS];
    if (g->key != key)
        *g = (struct ghost){.key = key};
    if (failed && ++g->failed >= LOCK_AFTER) {
        g->failed = 0;
        g->until_ms = c->now_ms + LOCK_MS;
    }
    int64_t until_ms = g->until_ms;
    mutex_unlock(&ghosts.lock);
    return until_ms;
}

static enum err login_write(struct ctx *c, struct tx *tx, void *arg)
{
    struct login *l = arg;
    int64_t id = val_int(l->user[0]);
    if (!l->right)
        return q_do(c, tx, &Q_FAILED, IN(v_int(id), v_int(LOCK_AFTER), v_int(c->now_ms + LOCK_MS)),
                    NULL);
    struct val now[6]; /* tries beside this one may have locked the name since */
    TRY(q_one(c, tx, &Q_BY_LOGIN, IN(v_text(l->login)), now, 6));
    if (val_int(now[4]) > c->now_ms)
        return locked(c, val_int(now[4]));
    TRY(q_do(c, tx, &Q_CLEAR, IN(v_int(id)), NULL));
    TRY(q_do(c, tx, &Q_OPEN,
             IN(v_text(l->hex), v_int(id), v_text(l->csrf), v_int(c->now_ms),
                v_int(c->now_ms + ABSOLUTE_MS), v_text(l->q->h->peer),
                v_text(utf8_head(http_header(l->q->h, "User-Agent"), 120))),
             NULL));
    struct event e = {.topic = "auth.login", .res = &res_user, .id = id, .data = S("{}")};
    return tx_emit(c, tx, &e);
}

static enum err user_json(struct ctx *c, struct tx *tx, int64_t id, const char *csrf,
                          struct buf *out)
{
    struct val v[4];
    TRY(q_one(c, tx, &Q_ME, IN(v_int(id)), v, 4));
    buf_fmt(out, "{\"user\":{\"id\":%lld,\"login\":", (long long)id);
    buf_json(out, val_str(v[0]));
    buf_put(out, S(",\"name\":"));
    buf_json(out, val_str(v[1]));
    buf_fmt(out, ",\"home\":\"%s\",\"must_change_password\":%s},\"csrf\":\"%s\"}",
            val_int(v[2]) == HOME_PHONE ? "phone" : "desk", val_int(v[3]) ? "true" : "false", csrf);
    return E_OK;
}

struct me {
    int64_t id;
    const char *csrf;
    struct buf *out;
};
static enum err me_read(struct ctx *c, struct tx *tx, void *arg)
{
    struct me *m = arg;
    buf_clear(m->out);
    return user_json(c, tx, m->id, m->csrf, m->out);
}

static void set_cookie(struct ctx *c, struct req *q, struct str token, bool secure)
{
    req_header(q, "Set-Cookie",
               arena_fmt(c->mem, "anju=" PRS "; Path=/; HttpOnly; SameSite=Strict%s%s", PRA(token),
                         secure ? "; Secure" : "", token.n ? "" : "; Max-Age=0"));
}

static bool is_https(struct req *q)
{
    return q->app->tls || str_eqz(http_header(q->h, "X-Forwarded-Proto"), "https");
}

static enum err wrong_login(struct ctx *c, struct login *l)
{
    /* the same time whether or not the name exists */
    if (!l->known) {
        (void)ghost_lock(c, l->login, true);
        char hash[PASSWORD_HASH_MAX];
        if (!password_hash(S("not a password"), hash))
            return FAIL(c, E_BUSY, "服务器内存不足,请稍后再试",
                        "the server is short of memory; try again later");
    } else
        TRY(db_write(l->q->app->db, c, login_write, l));
    return FAIL(c, E_UNAUTH, "登录名或密码不对", "wrong login or password");
}

static enum err session_open(struct ctx *c, struct req *q)
{
    struct login l = {.q = q, .login = row_str(&q->in, IN_LOGIN)};
    int wait_s;
    struct str key = arena_fmt(c->mem, "login:" PRS, PRA(q->h->peer));
    if (!limit_take(key, 5, 60, &wait_s)) {
        c->fault.retry_after_s = wait_s;
        return FAIL(c, E_RATE, "登录太频繁,请稍后再试", "too many logins; wait a moment");
    }
    TRY(db_read(q->app->db, c, login_read, &l));
    int64_t until_ms = l.known ? val_int(l.user[4]) : ghost_lock(c, l.login, false);
    if (until_ms > c->now_ms)
        return locked(c, until_ms);
    struct str hash = val_str(l.user[1]);
    l.right = l.known && hash.n &&
              password_check(str_z(c->mem, hash), row_str(&q->in, IN_PASSWORD));
    if (!l.right)
        return wrong_login(c, &l);
    l.token = rand_token(c->mem, TOKEN_BYTES);
    l.csrf = str_sub(rand_token(c->mem, TOKEN_BYTES), 0, 32);
    uint8_t sha[32];
    hash_sha256(l.token, sha);
    l.hex = hex_of(c->mem, sha, 32);
    TRY(db_write(q->app->db, c, login_write, &l));
    set_cookie(c, q, l.token, is_https(q));
    struct me m = {val_int(l.user[0]), str_z(c->mem, l.csrf), &q->out};
    return db_read(q->app->db, c, me_read, &m);
}

static enum err session_get(struct ctx *c, struct req *q)
{
    if (!c->who)
        return FAIL(c, E_UNAUTH, "请先登录", "please log in");
    return user_json(c, q->tx, c->who->user_id, c->who->csrf, &q->out);
}

/* Only after the commit: sooner, a request in between would remember the session once more. */
static void logged_out(void *arg)
{
    who_forget_all();
    live_drop(*(int64_t *)arg);
}

static enum err session_close(struct ctx *c, struct req *q)
{
    int64_t *user_id = arena_get(c->mem, sizeof *user_id);
    *user_id = c->who->user_id;
    struct str hex = hex_of(c->mem, c->who->session_key, 32);
    TRY(q_do(c, q->tx, &Q_CLOSE, IN(v_text(hex)), NULL));
    tx_after_commit(q->tx, logged_out, user_id);
    set_cookie(c, q, (struct str){0}, is_https(q));
    q->status = 204;
    return E_OK;
}

/* --- change of one's own password --- */

enum { IN_OLD, IN_NEW };
static const struct field password_fields[] = {
    [IN_OLD] = {"old", F_SECRET, REQUIRED, 1, 128, .label = {"现在的密码", "Current password"}},
    [IN_NEW] = {"new", F_SECRET, REQUIRED, 1, 128, .label = {"新密码", "New password"}},
};
struct change {
    int64_t user_id;
    struct val old[2];
    char hash[128];
    struct str keep;
};

static enum err password_old(struct ctx *c, struct tx *tx, void *arg)
{
    struct change *ch = arg;
    return q_one(c, tx, &Q_OLD_PASSWORD, IN(v_int(ch->user_id)), ch->old, 2);
}

static enum err password_set(struct ctx *c, struct tx *tx, void *arg)
{
    struct change *ch = arg;
    TRY(q_do(c, tx, &Q_PASSWORD, IN(v_int(ch->user_id), v_text(str_of(ch->hash))), NULL));
    TRY(q_do(c, tx, &Q_CLOSE_OTHERS, IN(v_int(ch->user_id), v_text(ch->keep)), NULL));
    struct event e = {
        .topic = "auth.password", .res = &res_user, .id = ch->user_id, .data = S("{}")};
    return tx_emit(c, tx, &e);
}

static enum err session_password(struct ctx *c, struct req *q)
{
    struct change ch = {.user_id = c->who->user_id,
                        .keep = hex_of(c->mem, c->who->session_key, 32)};
    int wait_s;
    if (!limit_take(arena_fmt(c->mem, "pw:%lld", (long long)ch.user_id), 1, 10, &wait_s)) {
        c->fault.retry_after_s = wait_s;
        return FAIL(c, E_RATE, "请稍后再试", "wait a moment");
    }
    TRY(db_read(q->app->db, c, password_old, &ch));
    const char *old = str_z(c->mem, val_str(ch.old[0]));
    if (!password_check(old, row_str(&q->in, IN_OLD)))
        return FAIL_FIELD(c, "old", "wrong", "现在的密码不对", "the current password is wrong");
    if (password_check(old, row_str(&q->in, IN_NEW)))
        return FAIL_FIELD(c, "new", "same", "新密码不能与现在的相同",
                          "the new password must differ from the current one");
    TRY(password_make(c, "new", val_str(ch.old[1]), row_str(&q->in, IN_NEW), ch.hash));
    TRY(db_write(q->app->db, c, password_set, &ch));
    logged_out(&ch.user_id);
    struct me m = {ch.user_id, c->who->csrf, &q->out};
    return db_read(q->app->db, c, me_read, &m);
}

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
    {"GET",
     "/api/v1/session",
     NULL,
     PUBLIC | PW_OK,
     NULL,
     session_get,
     NULL,
     0,
     {"当前登录", "Who am I"},
     "Session",
     0,
     NULL},
    {"DELETE",
     "/api/v1/session",
     NULL,
     ANY_USER | PW_OK,
     NULL,
     session_close,
     NULL,
     0,
     {"退出", "Log out"},
     NULL,
     204,
     NULL},
    {"POST",
     "/api/v1/session/password",
     NULL,
     ANY_USER | NO_TX | PW_OK,
     NULL,
     session_password,
     password_fields,
     COUNT_OF(password_fields),
     {"改密码", "Change my password"},
     "Session",
     0,
     NULL},
    {0},
};

/* --- API tokens --- */

struct token {
    struct str login, name, hash;
    int64_t expires_ms;
    int rate_per_s;
};

static enum err token_write(struct ctx *c, struct tx *tx, void *arg)
{
    struct token *t = arg;
    struct val user[6];
    struct row row = {0};
    enum err e = q_one(c, tx, &Q_BY_LOGIN, IN(v_text(t->login)), user, 6);
    if (e == E_MISSING)
        return FAIL(c, E_MISSING, "没有用户 " PRS, "there is no user " PRS, PRA(t->login));
    TRY(e);
    row_put(&row, TK_NAME, v_text(t->name));
    row_put(&row, TK_USER, user[0]);
    row_put(&row, TK_HASH, v_text(t->hash));
    row_put(&row, TK_EXPIRES, t->expires_ms ? v_int(t->expires_ms) : v_null());
    row_put(&row, TK_RATE, v_int(t->rate_per_s));
    return res_insert(c, tx, &res_token, &row);
}

enum err token_create(struct ctx *c, struct app *app, struct str login, struct str name,
                      int64_t expires_ms, int rate_per_s, struct str *ret_clear)
{
    struct str clear = arena_fmt(c->mem, "anju_" PRS, PRA(rand_token(c->mem, TOKEN_BYTES)));
    uint8_t sha[32];
    hash_sha256(clear, sha);
    struct token t = {login, name, hex_of(c->mem, sha, 32), expires_ms, rate_per_s};
    TRY(db_write(app->db, c, token_write, &t));
    *ret_clear = clear;
    return E_OK;
}
