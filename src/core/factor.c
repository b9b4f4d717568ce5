/* factor.c - the second factor of a login: set up with an authenticator app, confirmed by a code,
 * with recovery codes for a lost phone. The secret is kept closed by the key file, recovery codes
 * as hashes; both are shown once. Setting up and removing ask for the password again: a screen left
 * open must not be enough. */
#include "base/crypto.h"
#include "core/core.h"
#include "core/key.h"
#include "core/policy.h"
#include "core/totp.h"

enum { CODES = 10, CODE_BYTES = 14 /* 112 bits, ASVS 2.6.2 */ };

static const struct query Q_USER = {
    "factor.user", "SELECT password, login, totp_secret, totp_at FROM app_user WHERE id = $1"};
static const struct query Q_BEGIN = {
    "factor.begin",
    "UPDATE app_user SET totp_secret = $2, totp_step = NULL WHERE id = $1 AND totp_at IS NULL"};
static const struct query Q_CONFIRM = {
    "factor.confirm",
    "UPDATE app_user SET totp_at = $2, totp_step = $3 WHERE id = $1 AND totp_at IS NULL"};
static const struct query Q_REMOVE = {
    "factor.remove",
    "UPDATE app_user SET totp_secret = NULL, totp_at = NULL, totp_step = NULL WHERE id = $1"};
static const struct query Q_DROP_CODES = {"factor.drop_codes",
                                          "DELETE FROM recovery_code WHERE user_id = $1"};
static const struct query Q_CODE = {
    "factor.code", "INSERT INTO recovery_code (user_id, hash, used_at) VALUES ($1, $2, NULL)"};
const struct query *const factor_queries[] = {&Q_USER,       &Q_BEGIN, &Q_CONFIRM, &Q_REMOVE,
                                              &Q_DROP_CODES, &Q_CODE,  NULL};

const struct field factor_begin_fields[] = {
    {"password", F_SECRET, REQUIRED, 1, 128, .label = {"密码", "Password"}}};
const struct field factor_confirm_fields[] = {
    {"code", F_SECRET, REQUIRED, 6, 6, .label = {"动态码", "One-time code"}}};

struct factor {
    struct app *app;
    int64_t user_id, step;
    struct val user[4];
    struct str box, codes[CODES];
};

static struct str where_of(struct ctx *c, int64_t user_id)
{
    return arena_fmt(c->mem, "app_user.totp_secret:%lld", (long long)user_id);
}

struct str recovery_hash(struct arena *a, struct str code)
{
    char *p = arena_get(a, code.n + 1);
    uint8_t sum[HASH_BYTES];
    size_t n = 0;
    for (size_t i = 0; i < code.n; i++)
        if (code.p[i] != '-' && code.p[i] != ' ')
            p[n++] = code.p[i] >= 'A' && code.p[i] <= 'Z' ? (char)(code.p[i] + 32) : code.p[i];
    hash_sha256((struct str){p, n}, sum);
    return hex_of(a, sum, sizeof sum);
}

static enum err user_read(struct ctx *c, struct tx *tx, void *arg)
{
    struct factor *f = arg;
    return q_one(c, tx, &Q_USER, IN(v_int(f->user_id)), f->user, 4);
}

static enum err event(struct ctx *c, struct tx *tx, const char *topic, int64_t user_id)
{
    struct event e = {.topic = topic, .res = &res_user, .id = user_id, .data = S("{}")};
    return tx_emit(c, tx, &e);
}

static enum err password_again(struct ctx *c, struct req *q, struct factor *f)
{
    int wait_s;
    *f = (struct factor){.app = q->app, .user_id = c->who->user_id};
    if (!c->who->by_cookie)
        return FAIL(c, E_DENIED, "令牌没有双因素", "a token has no second factor");
    if (!limit_take(arena_fmt(c->mem, "pw:%lld", (long long)f->user_id), 1, 10, &wait_s)) {
        c->fault.retry_after_s = wait_s;
        return FAIL(c, E_RATE, "请稍后再试", "wait a moment");
    }
    TRY(db_read(q->app->db, c, user_read, f));
    if (!password_check(str_z(c->mem, val_str(f->user[0])), row_str(&q->in, 0)))
        return FAIL_FIELD(c, "password", "wrong", "密码不对", "the password is wrong");
    return E_OK;
}

static enum err begin_write(struct ctx *c, struct tx *tx, void *arg)
{
    struct factor *f = arg;
    int64_t changed = 0;
    TRY(q_do(c, tx, &Q_BEGIN, IN(v_int(f->user_id), v_text(f->box)), &changed));
    return changed ? E_OK
                   : FAIL(c, E_STATE, "双因素已经启用", "the second factor is in use already");
}

enum err factor_begin(struct ctx *c, struct req *q)
{
    struct factor f;
    TRY(password_again(c, q, &f));
    struct str secret = totp_secret_new(c->mem);
    TRY(key_seal(c, where_of(c, f.user_id), secret, &f.box));
    TRY(db_write(q->app->db, c, begin_write, &f));
    buf_fmt(&q->out, "{\"secret\":\"" PRS "\",\"uri\":", PRA(secret));
    buf_json(&q->out, totp_uri(c->mem, secret, val_str(f.user[1])));
    buf_putc(&q->out, '}');
    return E_OK;
}

static enum err confirm_write(struct ctx *c, struct tx *tx, void *arg)
{
    struct factor *f = arg;
    int64_t changed = 0;
    TRY(q_do(c, tx, &Q_CONFIRM, IN(v_int(f->user_id), v_int(c->now_ms), v_int(f->step)), &changed));
    if (!changed)
        return FAIL(c, E_STATE, "双因素已经启用", "the second factor is in use already");
    TRY(q_do(c, tx, &Q_DROP_CODES, IN(v_int(f->user_id)), NULL));
    for (int i = 0; i < CODES; i++)
        TRY(q_do(c, tx, &Q_CODE, IN(v_int(f->user_id), v_text(recovery_hash(c->mem, f->codes[i]))),
                 NULL));
    return event(c, tx, "auth.factor_set", f->user_id);
}

/* abcde-fghij-…: hex in fives, easy to write down and to read out. */
static struct str code_new(struct ctx *c)
{
    uint8_t raw[CODE_BYTES];
    struct buf b;
    rand_bytes(raw, sizeof raw);
    buf_init(&b, c->mem, 64);
    for (int i = 0; i < CODE_BYTES; i++)
        buf_fmt(&b, "%s%02x", i && i % 2 == 0 ? "-" : "", raw[i]);
    return buf_str(&b);
}

enum err factor_confirm(struct ctx *c, struct req *q)
{
    struct factor f = {.app = q->app, .user_id = c->who->user_id};
    struct str secret;
    int wait_s;
    if (!limit_take(arena_fmt(c->mem, "pw:%lld", (long long)f.user_id), 1, 10, &wait_s)) {
        c->fault.retry_after_s = wait_s;
        return FAIL(c, E_RATE, "请稍后再试", "wait a moment");
    }
    TRY(db_read(q->app->db, c, user_read, &f));
    if (f.user[3].t != V_NULL || f.user[2].t == V_NULL)
        return FAIL(c, E_STATE, "请先开始设置双因素", "begin setting up the second factor first");
    if (!key_open(c->mem, where_of(c, f.user_id), val_str(f.user[2]), &secret) ||
        !totp_check(c->mem, secret, row_str(&q->in, 0), c->now_ms, &f.step))
        return FAIL_FIELD(c, "code", "wrong", "动态码不对,请核对手机时间",
                          "the code is wrong; is the phone's clock right?");
    for (int i = 0; i < CODES; i++)
        f.codes[i] = code_new(c);
    TRY(db_write(q->app->db, c, confirm_write, &f));
    session_changed(f.user_id);
    buf_put(&q->out, S("{\"recovery\":["));
    for (int i = 0; i < CODES; i++)
        buf_fmt(&q->out, "%s\"" PRS "\"", i ? "," : "", PRA(f.codes[i]));
    buf_put(&q->out, S("]}"));
    return E_OK;
}

static enum err remove_write(struct ctx *c, struct tx *tx, void *arg)
{
    struct factor *f = arg;
    TRY(q_do(c, tx, &Q_REMOVE, IN(v_int(f->user_id)), NULL));
    TRY(q_do(c, tx, &Q_DROP_CODES, IN(v_int(f->user_id)), NULL));
    return event(c, tx, "auth.factor_removed", f->user_id);
}

enum err factor_drop(struct ctx *c, struct tx *tx, int64_t user_id)
{
    struct factor f = {.user_id = user_id};
    return remove_write(c, tx, &f);
}

enum err factor_remove(struct ctx *c, struct req *q)
{
    struct factor f;
    TRY(password_again(c, q, &f));
    TRY(db_write(q->app->db, c, remove_write, &f));
    session_changed(f.user_id);
    q->status = 204;
    return E_OK;
}

static void dropped(void *arg)
{
    session_changed(*(int64_t *)arg);
}

/* A lost phone without recovery codes: the security administrator, who has seen the person. */
enum err factor_reset(struct ctx *c, struct req *q)
{
    struct row user;
    int64_t *id = arena_get(c->mem, sizeof *id);
    TRY(res_load_seen(c, q->tx, &res_user, q->ids[0], &user));
    *id = q->ids[0];
    if (*id == c->who->user_id)
        return FAIL(c, E_DENIED, "不能重置自己的双因素", "nobody resets his own second factor");
    TRY(factor_drop(c, q->tx, *id));
    tx_after_commit(q->tx, dropped, id);
    q->status = 204;
    return E_OK;
}
