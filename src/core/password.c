/* password.c - what a password must be, which old ones are refused, and changing one's own. The
 * last hashes are kept beside the user; comparing with them costs a hash each, so it is done
 * outside transactions. Source of the rules: policy.h (domain-rules 6.2, T-99). */
#include <string.h>

#include "base/crypto.h"
#include "core/core.h"
#include "core/live.h"
#include "core/policy.h"
#include "core/strength.h"

enum { HISTORY_MAX = 24 };
static const struct query Q_OLD = {"password.old",
                                   "SELECT password, login FROM app_user WHERE id = $1"};
static const struct query Q_HISTORY = {
    "password.history",
    "SELECT hash FROM password_history WHERE user_id = $1 ORDER BY at DESC LIMIT 24"};
static const struct query Q_KEEP = {
    "password.keep", "INSERT INTO password_history (user_id, at, hash) VALUES ($1, $2, $3) ON "
                     "CONFLICT (user_id, at) DO NOTHING"};
static const struct query Q_FORGET = {
    "password.forget", "DELETE FROM password_history WHERE user_id = $1 AND at < (SELECT min(at) "
                       "FROM (SELECT at FROM password_history WHERE user_id = $1 ORDER BY at DESC "
                       "LIMIT 24) AS kept)"};
static const struct query Q_SET = {
    "password.set", "UPDATE app_user SET password = $2, must_change_password = 0, "
                    "demo = 0, password_at = $3, version = version + 1 WHERE id = $1"};
static const struct query Q_CLOSE_OTHERS = {"password.close_others",
                                            "DELETE FROM session WHERE user_id = $1 AND id <> $2"};
const struct query *const password_queries[] = {&Q_OLD, &Q_HISTORY,      &Q_KEEP, &Q_FORGET,
                                                &Q_SET, &Q_CLOSE_OTHERS, NULL};

enum err password_remember(struct ctx *c, struct tx *tx, int64_t user_id, struct str hash)
{
    TRY(q_do(c, tx, &Q_KEEP, IN(v_int(user_id), v_int(c->now_ms), v_text(hash)), NULL));
    return q_do(c, tx, &Q_FORGET, IN(v_int(user_id)), NULL);
}

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

/* What attackers try first: breached passwords, words, keyboard rows and dates, dressed up with
 * digits, signs and capitals (ASVS 2.1.7). */
static bool is_guessable(struct ctx *c, struct str login, struct str p)
{
    return strength_bits(c->mem, p, &login, 1) < STRENGTH_LEAST_BITS;
}

static bool is_login(struct str login, struct str p)
{
    bool reverse = login.n == p.n && login.n > 0;
    for (size_t i = 0; i < p.n && reverse; i++)
        reverse = login.p[i] == p.p[p.n - 1 - i];
    return reverse || str_eq_nocase(login, p);
}

enum err password_make(struct ctx *c, const struct login_policy *rules, const char *field,
                       struct str login, struct str p, char ret[128])
{
    size_t chars = utf8_len(p);
    if (chars < (size_t)rules->password_min_chars || chars > 128)
        return FAIL_FIELD(c, field, "min", "密码要 %d 到 128 位",
                          "a password has %d to 128 characters", rules->password_min_chars);
    if (password_kinds(p) < rules->password_kinds)
        return FAIL_FIELD(c, field, "weak", "要有大写、小写、数字、符号中的 %d 种",
                          "use %d of: upper case, lower case, digits, symbols",
                          rules->password_kinds);
    if (is_login(login, p))
        return FAIL_FIELD(c, field, "weak", "密码不能是登录名或其倒写",
                          "the password must not be the login or its reverse");
    if (is_guessable(c, login, p))
        return FAIL_FIELD(
            c, field, "common", "这个密码容易猜到(常见密码、词语、键盘顺序、日期或重复),请换一个",
            "this password is easy to guess (a well-known one, a word, keys in a row, "
            "a date, a repetition); choose another");
    if (!password_hash(p, ret))
        return FAIL(c, E_BUSY, "服务器内存不足,请稍后再试",
                    "the server is short of memory; try again later");
    return E_OK;
}

/* --- change of one's own password --- */

enum { IN_OLD, IN_NEW };
const struct field password_fields[] = {
    [IN_OLD] = {"old", F_SECRET, REQUIRED, 1, 128, .label = {"现在的密码", "Current password"}},
    [IN_NEW] = {"new", F_SECRET, REQUIRED, 1, 128, .label = {"新密码", "New password"}},
};
struct change {
    int64_t user_id;
    struct val old[2];
    struct rows history;
    char hash[128];
    struct str keep;
};

static enum err password_old(struct ctx *c, struct tx *tx, void *arg)
{
    struct change *ch = arg;
    TRY(q_rows(c, tx, &Q_HISTORY, IN(v_int(ch->user_id)), HISTORY_MAX, &ch->history));
    return q_one(c, tx, &Q_OLD, IN(v_int(ch->user_id)), ch->old, 2);
}

static enum err password_set(struct ctx *c, struct tx *tx, void *arg)
{
    struct change *ch = arg;
    TRY(password_remember(c, tx, ch->user_id, val_str(ch->old[0])));
    TRY(q_do(c, tx, &Q_SET, IN(v_int(ch->user_id), v_text(str_of(ch->hash)), v_int(c->now_ms)),
             NULL));
    TRY(q_do(c, tx, &Q_CLOSE_OTHERS, IN(v_int(ch->user_id), v_text(ch->keep)), NULL));
    struct event e = {
        .topic = "auth.password", .res = &res_user, .id = ch->user_id, .data = S("{}")};
    return tx_emit(c, tx, &e);
}

static enum err not_used_before(struct ctx *c, const struct change *ch, int most, struct str fresh)
{
    /* the current one counts as the first */
    for (size_t i = 0; i < ch->history.n && (int)i < most - 1; i++)
        if (password_check(str_z(c->mem, val_str(ch->history.v[i])), fresh))
            return FAIL_FIELD(c, "new", "used", "不能与最近 %d 次用过的密码相同",
                              "the last %d passwords cannot be used again", most);
    return E_OK;
}

enum err session_password(struct ctx *c, struct req *q)
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
    struct login_policy rules = policy_for(q->app, audience_of(c->who));
    TRY(not_used_before(c, &ch, rules.password_history, row_str(&q->in, IN_NEW)));
    TRY(password_make(c, &rules, "new", val_str(ch.old[1]), row_str(&q->in, IN_NEW), ch.hash));
    TRY(db_write(q->app->db, c, password_set, &ch));
    session_changed(ch.user_id);
    return session_again(c, q);
}