/* token.c - API tokens: a machine acts as a user, with his rights or fewer, until a day. Only the
 * SHA-256 is stored. Made on the command line, or by the user himself from a page; never by a
 * token. */
#include <string.h>

#include "base/crypto.h"
#include "core/core.h"

enum { TOKEN_BYTES = 32, DAYS_DEFAULT = 90, DAYS_MAX = 366, RATE = 100, OWN_MAX = 100 };
#define DAY_MS INT64_C(86400000)

static const struct query Q_USER = {
    "token.user", "SELECT id FROM app_user WHERE community_id = 0 AND login = $1 AND archived = 0"};
static const struct query Q_COUNT = {
    "token.count",
    "SELECT count(*) FROM api_token WHERE community_id = 0 AND user_id = $1 AND archived = 0"};
const struct query *const token_queries[] = {&Q_USER, &Q_COUNT, NULL};

struct token {
    struct str login, hash;
    const struct token_spec *spec;
    int64_t id;
};

static enum err token_write(struct ctx *c, struct tx *tx, void *arg)
{
    struct token *t = arg;
    struct val user, n;
    struct row row = {0};
    enum err e = q_one(c, tx, &Q_USER, IN(v_text(t->login)), &user, 1);
    if (e == E_MISSING)
        return FAIL(c, E_MISSING, "没有用户 " PRS, "there is no user " PRS, PRA(t->login));
    TRY(e);
    TRY(q_one(c, tx, &Q_COUNT, IN(user), &n, 1));
    if (val_int(n) >= OWN_MAX)
        return FAIL(c, E_TOOBIG, "令牌太多,请先删除不用的", "too many tokens: remove some first");
    row_put(&row, TK_NAME, v_text(t->spec->name));
    row_put(&row, TK_USER, user);
    row_put(&row, TK_HASH, v_text(t->hash));
    row_put(&row, TK_EXPIRES, t->spec->expires_ms ? v_int(t->spec->expires_ms) : v_null());
    row_put(&row, TK_RATE, v_int(t->spec->rate_per_s));
    if (t->spec->perms.n)
        row_put(&row, TK_PERMS, v_text(t->spec->perms));
    if (t->spec->community_id)
        row_put(&row, TK_COMMUNITY, v_int(t->spec->community_id));
    TRY(res_insert(c, tx, &res_token, &row));
    t->id = row_int(&row, R_ID);
    return E_OK;
}

static enum err make(struct ctx *c, struct app *app, struct str login,
                     const struct token_spec *spec, struct str *ret_clear, int64_t *ret_id)
{
    struct str clear = arena_fmt(c->mem, "anju_" PRS, PRA(rand_token(c->mem, TOKEN_BYTES)));
    uint8_t sha[32];
    hash_sha256(clear, sha);
    struct token t = {.login = login, .hash = hex_of(c->mem, sha, 32), .spec = spec};
    TRY(db_write(app->db, c, token_write, &t));
    *ret_clear = clear;
    *ret_id = t.id;
    return E_OK;
}

enum err token_create(struct ctx *c, struct app *app, struct str login,
                      const struct token_spec *spec, struct str *ret_clear)
{
    int64_t id;
    return make(c, app, login, spec, ret_clear, &id);
}

/* --- one's own, from a page --- */

enum { IN_NAME, IN_PERMS, IN_COMMUNITY, IN_DAYS };
const struct field token_inputs[] = {
    [IN_NAME] = {"name", F_TEXT, REQUIRED, 1, 60, .label = {"用途", "Purpose"}},
    [IN_PERMS] = {"perms", F_LONGTEXT, 0, 0, 8000, .label = {"权限", "Permissions"},
                  .help = {"空格分隔;留空为本人全部权限",
                           "space separated; empty: all of one's own"}},
    [IN_COMMUNITY] = {"community_id", F_INT, 0, .label = {"项目", "Community"}},
    [IN_DAYS] = {"days", F_INT, 0, 1, DAYS_MAX, .label = {"有效天数", "Valid for days"}},
};

/* Each permission asked for is one the user holds: a token that promises more than it can do is
 * found here and not by the machine that uses it. */
static enum err judge_scope(struct ctx *c, struct str perms, int64_t community_id)
{
    while (perms.p) {
        struct str one = str_trim(str_next(&perms, ' '));
        int i = perm_index(str_z(c->mem, one));
        if (one.n && (i < 0 || !perms_has(&c->who->any, i)))
            (void)FAIL_FIELD(c, "perms", "choice", "您没有权限 " PRS, "you do not hold " PRS,
                             PRA(utf8_head(one, 60)));
    }
    bool reaches = !community_id;
    for (int i = 0; i < c->who->ngrants && !reaches; i++)
        reaches = c->who->grants[i].community_id == community_id ||
                  c->who->grants[i].community_id == ALL_COMMUNITIES;
    if (!reaches)
        (void)FAIL_FIELD(c, "community_id", "ref", "没有这个项目", "there is no such community");
    return c->fault.nfields ? E_INVALID : E_OK;
}

enum err token_post(struct ctx *c, struct req *q)
{
    struct str clear;
    int64_t id, days = row_has(&q->in, IN_DAYS) ? row_int(&q->in, IN_DAYS) : DAYS_DEFAULT;
    if (!c->who->by_cookie)
        return FAIL(c, E_DENIED, "令牌不能再生成令牌", "a token cannot make tokens");
    struct token_spec spec = {.name = row_str(&q->in, IN_NAME),
                              .perms = row_str(&q->in, IN_PERMS),
                              .community_id = row_int(&q->in, IN_COMMUNITY),
                              .expires_ms = c->now_ms + days * DAY_MS,
                              .rate_per_s = RATE};
    TRY(judge_scope(c, spec.perms, spec.community_id));
    TRY(make(c, q->app, c->who->login, &spec, &clear, &id));
    buf_fmt(&q->out, "{\"id\":%lld,\"token\":\"" PRS "\",\"expires_at\":\"", (long long)id,
            PRA(clear));
    buf_instant(&q->out, spec.expires_ms, app_zone(0));
    buf_put(&q->out, S("\"}"));
    return E_OK;
}
