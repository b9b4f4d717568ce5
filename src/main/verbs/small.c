/* small.c - the verbs that need few words: init, user, token, check, doc, version. */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "core/event.h"
#include "core/print.h"
#include "main/verb.h"

/* --- init --- */

struct admin {
    char hash[128];
    struct str login, name, role;
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
    row_put(&user, U_MUST_CHANGE, v_int(1));
    TRY(res_insert(c, tx, &res_user, &user));
    row_put(&grant, G_USER, user.v[R_ID]);
    row_put(&grant, G_ROLE, role);
    row_put(&grant, G_SCOPE, v_int(SCOPE_SYSTEM));
    return res_insert(c, tx, &res_grant, &grant);
}

static enum err first_admin(struct ctx *c, struct tx *tx, void *arg)
{
    struct admin *u = arg;
    struct val id;
    enum err e = q_one(c, tx, &Q_ANY_USER, IN0, &id, 1);
    u->made = e == E_MISSING;
    return e == E_MISSING ? add_user(c, tx, u) : e;
}

static struct str new_password(struct ctx *c)
{
    return arena_fmt(c->mem, "Aj1-" PRS, PRA(rand_token(c->mem, 9)));
}

static int run_init(struct ctx *c, struct app *app, const struct args *a)
{
    (void)a;
    struct admin u = {.login = S("admin"), .name = S("系统管理员"), .role = S("admin")};
    struct str password = new_password(c);
    enum err e = password_make(c, "password", u.login, password, u.hash);
    if (e == E_OK)
        e = db_write(app->db, c, first_admin, &u);
    if (e != E_OK)
        return verb_failed(c, e);
    if (u.made)
        printf("database ready. First login: admin, password " PRS " (must be changed at once)\n",
               PRA(password));
    else
        puts("database ready; it has users already");
    return 0;
}
const struct verb verb_init = {
    "init", "[--db URL]", "create or upgrade the database and the first administrator",
    NULL,   true,         run_init};

/* --- user --- */

static const struct query Q_USER = {
    "user.by_login",
    "SELECT id FROM app_user WHERE community_id = 0 AND login = $1 AND archived = 0"};
static const struct query Q_RESET = {
    "user.reset", "UPDATE app_user SET password = $2, must_change_password = 1, demo = 0, "
                  "locked_until = NULL, failed_count = 0 WHERE id = $1"};
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
    TRY(q_do(c, tx, &Q_RESET, IN(id, v_text(str_of(u->hash))), NULL));
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
                      .role = str_of(role ? role : "admin")};
    struct str password = new_password(c);
    enum err e = password_make(c, "password", u.login, password, u.hash);
    if (e == E_OK)
        e = db_write(app->db, c, add ? user_add : user_reset, &u);
    if (e != E_OK)
        return verb_failed(c, e);
    printf("%s: password " PRS " (must be changed at the first login)\n", a->words[1],
           PRA(password));
    return 0;
}
static const struct flag_spec user_flags[] = {
    {"--name", "NAME", "shown name"}, {"--role", "ROLE", "role for the whole system [admin]"}, {0}};
const struct verb verb_user = {"user",
                               "add|reset LOGIN [--name NAME] [--role ROLE]",
                               "add a user or give a new password",
                               user_flags,
                               true,
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
    enum err e = token_create(c, app, str_of(a->words[1]), str_of(name ? name : "cli"), expires,
                              (int)args_int(a, "--rate", 100), &clear);
    if (e != E_OK)
        return verb_failed(c, e);
    printf(PRS "\n", PRA(clear));
    return 0;
}
static const struct flag_spec token_flags[] = {
    {"--name", "TEXT", "what it is for"},
    {"--days", "N", "expires after N days"},
    {"--rate", "N", "requests a second, 0 unlimited [100]"},
    {0}};
const struct verb verb_token = {"token",
                                "create LOGIN [--name TEXT] [--days N] [--rate N]",
                                "make an API token; it is shown once",
                                token_flags,
                                true,
                                run_token};

/* --- check --- */

struct checking {
    struct app *app;
    int faults, checks;
};

static enum err run_checks(struct ctx *c, struct tx *tx, void *arg)
{
    struct checking *k = arg;
    k->faults = k->checks = 0;
    for (const struct module *const *m = k->app->modules; *m; m++)
        for (const struct check *ch = (*m)->checks; ch && ch->name; ch++) {
            struct rows rows;
            TRY(q_rows(c, tx, &ch->query, IN0, 50, &rows));
            k->checks++;
            for (size_t i = 0; i < rows.n; i++)
                printf("%s: id %lld " PRS "\n", ch->name, (long long)val_int(rows.v[2 * i]),
                       PRA(val_str(rows.v[2 * i + 1])));
            k->faults += (int)rows.n;
        }
    return E_OK;
}

static int run_check(struct ctx *c, struct app *app, const struct args *a)
{
    (void)a;
    struct checking k = {.app = app};
    enum err e = db_read(app->db, c, run_checks, &k);
    if (e != E_OK)
        return verb_failed(c, e);
    printf("%d checks, %d faults\n", k.checks, k.faults);
    return k.faults ? 1 : 0;
}
const struct verb verb_check = {
    "check", "[--db URL]", "look for inconsistent data; exit 1 when some is found",
    NULL,    true,         run_check};

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
    else {
        fputs("anju doc: say openapi, states, dictionary or errors\n", stderr);
        return 2;
    }
    fwrite(b.p, 1, b.n, stdout);
    return 0;
}
const struct verb verb_doc = {"doc",
                              "openapi|states|dictionary|errors",
                              "print a document derived from the program",
                              NULL,
                              false,
                              run_doc};

static int run_version(struct ctx *c, struct app *app, const struct args *a)
{
    (void)c;
    (void)app;
    (void)a;
    puts("anju " ANJU_VERSION);
    return 0;
}
const struct verb verb_version = {"version", "", "print the version", NULL, false, run_version};
