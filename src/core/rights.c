/* rights.c - who may become what. The three administrations are separate (MLPS level 3, 三权分立):
 * who runs the system, who gives rights, and who reads the log are three people, so none of them
 * can misuse his power unseen. Nobody changes his own rights, and the last one who can give rights
 * cannot be lost by a slip. */
#include "core/rights.h"

#include <string.h>

#include "core/live.h"
#include "core/policy.h"

enum { MINE_MAX = 200, GRANTS_SEEN_MAX = 5000 };

/* One right that stands for each administration. */
static const struct {
    const char *perm;
    struct text label;
} powers[] = {{"system.manage", {"系统管理", "system administration"}},
              {"role.manage", {"安全管理", "security administration"}},
              {"audit.read", {"审计", "audit"}}};

static const struct query Q_LOGIN = {"rights.login", "SELECT login FROM app_user WHERE id = $1"};
static const struct query Q_OF_USER = {
    "rights.of_user",
    "SELECT r.perms, g.id FROM role_grant g JOIN role r ON r.id = g.role_id WHERE "
    "g.user_id = $1 AND g.archived = 0 AND r.archived = 0 LIMIT 200"};
static const struct query Q_ROLE = {"rights.role", "SELECT perms FROM role WHERE id = $1"};
static const struct query Q_HELD = {
    "rights.held",
    "SELECT id FROM role_grant WHERE user_id = $1 AND role_id = $2 AND archived = 0 LIMIT 1"};
static const struct query Q_GRANTS = {
    "rights.system", "SELECT r.perms FROM role_grant g JOIN role r ON r.id = g.role_id JOIN "
                     "app_user u ON u.id = g.user_id WHERE g.scope = 1 AND g.archived = 0 AND "
                     "r.archived = 0 AND u.archived = 0 AND u.enabled = 1 LIMIT 5000"};
const struct query *const rights_queries[] = {&Q_LOGIN, &Q_OF_USER, &Q_ROLE,
                                              &Q_HELD,  &Q_GRANTS,  NULL};

/* --- users --- */

static enum err login_read(struct ctx *c, struct tx *tx, void *arg)
{
    struct row *neu = arg;
    struct val login;
    enum err e = q_one(c, tx, &Q_LOGIN, IN(neu->v[R_ID]), &login, 1);
    if (e == E_OK)
        neu->v[U_LOGIN] = login; /* only to judge the password by: not set, so not written */
    return e == E_MISSING ? E_OK : e;
}

/* Prepares the password outside the transaction: hashing takes 60 ms. */
enum err user_prepare(struct ctx *c, struct app *app, struct row *neu)
{
    char hash[128];
    if (!row_has(neu, U_PASSWORD))
        return E_OK;
    if (!row_has(neu, U_LOGIN) && row_has(neu, R_ID))
        TRY(db_read(app->db, c, login_read, neu));
    struct login_policy rules = policy_for(app, FOR_STAFF);
    TRY(password_make(c, &rules, "password", row_str(neu, U_LOGIN), row_str(neu, U_PASSWORD),
                      hash));
    row_put(neu, U_PASSWORD, v_text(str_dup(c->mem, str_of(hash))));
    row_put(neu, U_PASSWORD_AT, v_int(c->now_ms));
    row_put(neu, U_MUST_CHANGE,
            v_int(1)); /* whoever sets a password for somebody else does not know it for long */
    return E_OK;
}

enum err user_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    if (!old && !row_has(neu, U_ENABLED))
        row_put(neu, U_ENABLED, v_int(1));
    if (!old && !row_has(neu, U_HOME))
        row_put(neu, U_HOME, v_int(HOME_DESK));
    bool self = old && c->who && row_int(old, R_ID) == c->who->user_id;
    if (self && neu->set & BIT(U_PASSWORD))
        return FAIL_FIELD(c, "password", "own", "自己的密码请在“账户安全”里修改",
                          "change your own password on your account page");
    if (self && neu->set & BIT(U_ENABLED) && !row_int(neu, U_ENABLED))
        return FAIL_FIELD(c, "enabled", "own", "不能停用自己", "nobody disables himself");
    if (old && neu->set & BIT(U_PASSWORD) && row_has(old, U_PASSWORD))
        return password_remember(c, tx, row_int(old, R_ID), row_str(old, U_PASSWORD));
    return E_OK;
}

enum err user_after(struct ctx *c, struct tx *tx, const struct row *old, const struct row *neu)
{
    if (old && row_int(neu, R_ARCHIVED) && c->who && row_int(old, R_ID) == c->who->user_id)
        return FAIL(c, E_STATE, "不能归档自己", "nobody archives himself");
    return rights_after(c, tx, old, neu);
}

/* --- separation --- */

static int power_of(const struct perms *p)
{
    for (size_t i = 0; i < COUNT_OF(powers); i++)
        if (perms_has(p, perm_index(powers[i].perm)))
            return (int)i;
    return -1;
}

/* Two of the three in one hand: which two. */
static enum err judge_powers(struct ctx *c, const struct perms *p, const char *field)
{
    int first = power_of(p);
    for (size_t i = (size_t)first + 1; first >= 0 && i < COUNT_OF(powers); i++)
        if (perms_has(p, perm_index(powers[i].perm)))
            return FAIL_FIELD(c, field, "separation", "%s和%s不能由同一人担任",
                              "%s and %s must not be in one hand",
                              text_in(powers[first].label, c->lang),
                              text_in(powers[i].label, c->lang));
    return E_OK;
}

/* A misspelt permission would silently give nothing. */
enum err role_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    struct str rest = row_str(neu, RL_PERMS);
    struct perms all = {0};
    while (rest.p) {
        struct perms found = {0}, none = {0};
        struct str one = str_trim(str_next(&rest, ' '));
        perms_of_text(one, &found);
        if (one.n && memcmp(&found, &none, sizeof found) == 0)
            (void)FAIL_FIELD(c, "perms", "choice", "没有权限 " PRS, "there is no permission " PRS,
                             PRA(utf8_head(one, 60)));
        perms_of_text(one, &all);
    }
    (void)judge_powers(c, &all, "perms");
    if (old && c->who && neu->set & BIT(RL_PERMS)) {
        struct val id;
        enum err e = q_one(c, tx, &Q_HELD, IN(v_int(c->who->user_id), old->v[R_ID]), &id, 1);
        if (e == E_OK)
            (void)FAIL_FIELD(c, "perms", "own", "不能修改自己所任角色的权限",
                             "nobody changes the rights of a role he holds");
        else if (e != E_MISSING)
            return e;
    }
    return c->fault.nfields ? E_INVALID : E_OK;
}

static enum err powers_with(struct ctx *c, struct tx *tx, const struct row *old,
                            const struct row *neu)
{
    struct perms all = {0};
    struct rows rows;
    struct val perms;
    TRY(q_rows(c, tx, &Q_OF_USER, IN(neu->v[G_USER]), MINE_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++)
        if (!old || val_int(rows.v[2 * i + 1]) != row_int(old, R_ID))
            perms_of_text(val_str(rows.v[2 * i]), &all);
    TRY(q_one(c, tx, &Q_ROLE, IN(neu->v[G_ROLE]), &perms, 1));
    perms_of_text(val_str(perms), &all);
    return judge_powers(c, &all, "role_id");
}

enum err grant_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    if (row_int(neu, G_SCOPE) != SCOPE_SYSTEM && row_int(neu, G_SCOPE_ID) <= 0)
        return FAIL_FIELD(c, "scope_id", "required", "请填写范围编号",
                          "say which company, branch or community");
    if (c->who && row_int(neu, G_USER) == c->who->user_id)
        return FAIL_FIELD(c, "user_id", "own", "不能给自己授权", "nobody changes his own rights");
    return powers_with(c, tx, old, neu);
}

/* --- the last one --- */

static void forget(void *arg)
{
    (void)arg;
    who_forget_all();
    live_drop(0);
}

enum err rights_after(struct ctx *c, struct tx *tx, const struct row *old, const struct row *neu)
{
    (void)neu;
    tx_after_commit(tx, forget, NULL);
    if (!old || !c->who) /* something new takes nothing away; the command line may do all */
        return E_OK;
    struct rows rows;
    TRY(q_rows(c, tx, &Q_GRANTS, IN0, GRANTS_SEEN_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct perms p = {0};
        perms_of_text(val_str(rows.v[i]), &p);
        if (perms_has(&p, perm_index("role.manage")))
            return E_OK;
    }
    return FAIL(
        c, E_STATE, "这样就没有人能授权了:请先指定另一位安全管理员",
        "then nobody could give rights any more: appoint another security administrator first");
}

enum err grant_after(struct ctx *c, struct tx *tx, const struct row *old, const struct row *neu)
{
    if (old && c->who && row_int(old, G_USER) == c->who->user_id)
        return FAIL(c, E_STATE, "不能改动自己的授权", "nobody changes his own rights");
    return rights_after(c, tx, old, neu);
}
