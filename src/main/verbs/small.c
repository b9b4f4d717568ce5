/* small.c - the verbs that need few words: init, user, token, check, doc, version. */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "core/event.h"
#include "core/key.h"
#include "core/policy.h"
#include "core/print.h"
#include "main/checks.h"
#include "main/man.h"
#include "main/verb.h"

/* --- init --- */

struct admin {
    char hash[128];
    struct str login, name, role, password;
};
struct first { /* the three administrators of a new database */
    struct admin v[3];
    bool made;
};

static const struct query Q_ANY_USER = {"init.any_user", "SELECT id FROM app_user LIMIT 1"};
static const struct query Q_ROLE_KEY = {
    "user.role", "SELECT id FROM role WHERE community_id = 0 AND key = $1 AND archived = 0"};

static enum err add_user(struct ctx *c, struct tx *tx, const struct admin *u)
{
    struct row user = {0}, grant = {0};
    struct val role;
    enum err e = q_one(c, tx, &Q_ROLE_KEY, IN(v_text(u->role)), &role, 1);
    if (e == E_MISSING)
        return FAIL(c, E_MISSING, "没有角色 " PRS, "there is no role " PRS, PRA(u->role));
    TRY(e);
    row_put(&user, U_LOGIN, v_text(u->login));
    row_put(&user, U_NAME, v_text(u->name));
    row_put(&user, U_PASSWORD, v_text(str_of(u->hash)));
    row_put(&user, U_PASSWORD_AT, v_int(c->now_ms));
    row_put(&user, U_MUST_CHANGE, v_int(1));
    TRY(res_insert(c, tx, &res_user, &user));
    row_put(&grant, G_USER, user.v[R_ID]);
    row_put(&grant, G_ROLE, role);
    row_put(&grant, G_SCOPE, v_int(SCOPE_SYSTEM));
    return res_insert(c, tx, &res_grant, &grant);
}

static enum err first_admins(struct ctx *c, struct tx *tx, void *arg)
{
    struct first *f = arg;
    struct val id;
    enum err e = q_one(c, tx, &Q_ANY_USER, IN0, &id, 1);
    f->made = e == E_MISSING;
    if (e != E_MISSING)
        return e;
    for (size_t i = 0; i < COUNT_OF(f->v); i++)
        TRY(add_user(c, tx, &f->v[i]));
    return E_OK;
}

static enum err new_password(struct ctx *c, struct app *app, struct admin *u)
{
    struct login_policy rules = policy_for(app, FOR_ADMIN);
    u->password = arena_fmt(c->mem, "Aj1-" PRS, PRA(rand_token(c->mem, 12)));
    return password_make(c, &rules, "password", u->login, u->password, u->hash);
}

static int run_init(struct ctx *c, struct app *app, const struct args *a)
{
    (void)a;
    struct first f = {
        .v = {{.login = S("admin"), .name = S("系统管理员"), .role = S("sysadmin")},
              {.login = S("security"), .name = S("安全管理员"), .role = S("security")},
              {.login = S("auditor"), .name = S("审计管理员"), .role = S("auditor")}}};
    enum err e = E_OK;
    for (size_t i = 0; i < COUNT_OF(f.v) && e == E_OK; i++)
        e = new_password(c, app, &f.v[i]);
    if (e == E_OK)
        e = db_write(app->db, c, first_admins, &f);
    if (e != E_OK)
        return verb_failed(c, e);
    if (!f.made) {
        puts("database ready; it has users already");
        return 0;
    }
    puts("database ready. Three administrators, each for another person; every password must be "
         "changed at the first login:");
    for (size_t i = 0; i < COUNT_OF(f.v); i++)
        printf("  %-9s " PRS "   " PRS "\n", f.v[i].login.p, PRA(f.v[i].password),
               PRA(f.v[i].role));
    puts("admin runs the system, security gives rights to users, auditor reads the log.");
    return 0;
}
const struct verb verb_init = {
    "init", "[--db URL]", "create or upgrade the database and the first administrator",
    NULL,   NEEDS_KEY,    run_init};

/* --- user --- */

static const struct query Q_USER = {
    "user.by_login",
    "SELECT id FROM app_user WHERE community_id = 0 AND login = $1 AND archived = 0"};
static const struct query Q_RESET = {
    "user.reset", "UPDATE app_user SET password = $2, must_change_password = 1, demo = 0, "
                  "locked_until = NULL, failed_count = 0, password_at = $3, totp_secret = NULL, "
                  "totp_at = NULL, totp_step = NULL WHERE id = $1"};
static const struct query Q_LOGOUT = {"user.logout", "DELETE FROM session WHERE user_id = $1"};

static enum err user_add(struct ctx *c, struct tx *tx, void *arg)
{
    return add_user(c, tx, arg);
}

static enum err user_reset(struct ctx *c, struct tx *tx, void *arg)
{
    struct admin *u = arg;
    struct val id;
    enum err e = q_one(c, tx, &Q_USER, IN(v_text(u->login)), &id, 1);
    if (e == E_MISSING)
        return FAIL(c, E_MISSING, "没有用户 " PRS, "there is no user " PRS, PRA(u->login));
    TRY(e);
    TRY(q_do(c, tx, &Q_RESET, IN(id, v_text(str_of(u->hash)), v_int(c->now_ms)), NULL));
    return q_do(c, tx, &Q_LOGOUT, IN(id), NULL);
}

static int run_user(struct ctx *c, struct app *app, const struct args *a)
{
    bool add = a->nwords == 2 && strcmp(a->words[0], "add") == 0,
         reset = a->nwords == 2 && strcmp(a->words[0], "reset") == 0;
    if (!add && !reset) {
        fputs("anju user: say `anju user add LOGIN` or `anju user reset LOGIN`\n", stderr);
        return 2;
    }
    const char *name = args_flag(a, "--name"), *role = args_flag(a, "--role");
    struct admin u = {.login = str_of(a->words[1]),
                      .name = str_of(name ? name : a->words[1]),
                      .role = str_of(role ? role : "sysadmin")};
    enum err e = new_password(c, app, &u);
    if (e == E_OK)
        e = db_write(app->db, c, add ? user_add : user_reset, &u);
    if (e != E_OK)
        return verb_failed(c, e);
    printf("%s: password " PRS " (must be changed at the first login)\n", a->words[1],
           PRA(u.password));
    return 0;
}
static const struct flag_spec user_flags[] = {
    {"--name", "NAME", "shown name"},
    {"--role", "ROLE", "role for the whole system [sysadmin]"},
    {0}};
const struct verb verb_user = {"user",
                               "add|reset LOGIN [--name NAME] [--role ROLE]",
                               "add a user, or give a new password and take the second factor away",
                               user_flags,
                               NEEDS_DB,
                               run_user};

/* --- token --- */

static int run_token(struct ctx *c, struct app *app, const struct args *a)
{
    const char *days = args_flag(a, "--days"), *name = args_flag(a, "--name");
    struct str clear;
    if (a->nwords != 2 || strcmp(a->words[0], "create") != 0) {
        fputs("anju token: say `anju token create LOGIN`\n", stderr);
        return 2;
    }
    int64_t expires = days ? c->now_ms + args_int(a, "--days", 1) * INT64_C(86400000) : 0;
    const char *perms = args_flag(a, "--perms");
    struct token_spec spec = {.name = str_of(name ? name : "cli"),
                              .perms = str_of(perms),
                              .community_id = args_int(a, "--community", 0),
                              .expires_ms = expires,
                              .rate_per_s = (int)args_int(a, "--rate", 100)};
    enum err e = token_create(c, app, str_of(a->words[1]), &spec, &clear);
    if (e != E_OK)
        return verb_failed(c, e);
    printf(PRS "\n", PRA(clear));
    return 0;
}
static const struct flag_spec token_flags[] = {
    {"--name", "TEXT", "what it is for"},
    {"--days", "N", "expires after N days"},
    {"--perms", "LIST", "space separated permissions [all of the user's]"},
    {"--community", "ID", "only in this community"},
    {"--rate", "N", "requests a second, 0 unlimited [100]"},
    {0}};
const struct verb verb_token = {
    "token",
    "create LOGIN [--name TEXT] [--days N] [--perms LIST] [--community ID] [--rate N]",
    "make an API token; it is shown once",
    token_flags,
    NEEDS_DB,
    run_token};

/* --- check --- */

static int run_check(struct ctx *c, struct app *app, const struct args *a)
{
    (void)a;
    struct checks_told k;
    enum err e = checks_run(c, app, &k);
    if (e != E_OK)
        return verb_failed(c, e);
    if (!keys_ready())
        puts("note: without the key file the signatures of the event chains were not checked");
    printf("%d checks, %d faults\n", k.checks, k.faults);
    return k.faults ? 1 : 0;
}
const struct verb verb_check = {
    "check", "[--db URL]", "look for inconsistent data; exit 1 when some is found",
    NULL,    NEEDS_DB,     run_check};

/* --- doc, version --- */

static int run_doc(struct ctx *c, struct app *app, const struct args *a)
{
    struct buf b;
    const char *what = a->nwords == 1 ? a->words[0] : "";
    buf_init(&b, c->mem, 8 << 20);
    app_boot(app);
    if (strcmp(what, "openapi") == 0)
        openapi_print(app, &b);
    else if (strcmp(what, "states") == 0)
        states_print(app, &b);
    else if (strcmp(what, "dictionary") == 0)
        dictionary_print(app, &b);
    else if (strcmp(what, "errors") == 0)
        errors_print(&b);
    else if (strcmp(what, "man") == 0)
        man_print(&b);
    else {
        fputs("anju doc: say openapi, states, dictionary, errors or man\n", stderr);
        return 2;
    }
    fwrite(b.p, 1, b.n, stdout);
    return 0;
}
const struct verb verb_doc = {"doc",
                              "openapi|states|dictionary|errors|man",
                              "print a document derived from the program",
                              NULL,
                              NEEDS_NOTHING,
                              run_doc};

static int run_version(struct ctx *c, struct app *app, const struct args *a)
{
    (void)c;
    (void)app;
    (void)a;
    puts("anju " ANJU_VERSION);
    return 0;
}
const struct verb verb_version = {"version",     "",         "print the version", NULL,
                                  NEEDS_NOTHING, run_version};
