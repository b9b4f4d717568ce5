/* core_tables.c - the core's own name plate: users, roles, grants, tokens as resources; sessions,
 * events, jobs, numbers and idempotency keys as plain tables; the permissions and menu that belong
 * to no room. Data only. */
#include <string.h>

#include "base/crypto.h"
#include "core/core.h"
#include "core/live.h"

static const struct choice homes[] = {{HOME_DESK, "desk", {"电脑", "Desk"}, NULL},
                                      {HOME_PHONE, "phone", {"手机", "Phone"}, NULL},
                                      {0}};
static const struct field user_fields[U__N] = {
    STANDARD_FIELDS,
    [U_LOGIN] = {"login", F_TEXT, REQUIRED | UNIQUE | SEARCH | LIST | CREATE_ONLY | SORT, 2, 40,
                 .label = {"登录名", "Login"}},
    [U_NAME] = {"name", F_TEXT, REQUIRED | SEARCH | LIST, 1, 40, .label = {"姓名", "Name"}},
    [U_PASSWORD] = {"password", F_SECRET, 0, 8, 128, .label = {"密码", "Password"},
                    .help = {"至少 8 位,大小写字母、数字、符号中的三种",
                             "at least 8 characters, three of: lower, upper, digit, symbol"}},
    [U_ENABLED] = {"enabled", F_BOOL, LIST | FILTER, .label = {"启用", "Enabled"}},
    [U_MUST_CHANGE] = {"must_change_password", F_BOOL, SERVER_SET,
                       .label = {"须改密码", "Must change password"}},
    [U_HOME] = {"home", F_ENUM, 0, .choices = homes, .label = {"首页", "Home"}},
    [U_FAILED] = {"failed_count", F_INT, SERVER_SET | HIDDEN, .label = {"连续失败", "Failures"}},
    [U_LOCKED_UNTIL] = {"locked_until", F_INSTANT, SERVER_SET, .label = {"锁定至", "Locked until"}},
    [U_DEMO] = {"demo", F_BOOL, SERVER_SET | HIDDEN, .label = {"演示", "Demo"}},
};
static const struct field role_fields[RL__N] = {
    STANDARD_FIELDS,
    [RL_KEY] = {"key", F_TEXT, REQUIRED | UNIQUE | LIST | CREATE_ONLY, 2, 40,
                .label = {"代码", "Key"}},
    [RL_NAME] = {"name", F_TEXT, REQUIRED | SEARCH | LIST, 1, 60, .label = {"名称", "Name"}},
    [RL_PERMS] = {"perms", F_LONGTEXT, REQUIRED, 1, 8000, .label = {"权限", "Permissions"},
                  .help = {"空格分隔的权限名", "permission names, space separated"}},
};
static const struct choice scopes[] = {{SCOPE_SYSTEM, "system", {"全系统", "Whole system"}, NULL},
                                       {SCOPE_COMPANY, "company", {"公司", "Company"}, NULL},
                                       {SCOPE_BRANCH, "branch", {"分公司", "Branch"}, NULL},
                                       {SCOPE_COMMUNITY, "community", {"项目", "Community"}, NULL},
                                       {0}};
static const struct field grant_fields[G__N] = {
    STANDARD_FIELDS,
    [G_USER] = {"user_id", F_REF, REQUIRED | CREATE_ONLY | LIST | FILTER | INDEXED, .ref = "users",
                .label = {"用户", "User"}},
    [G_ROLE] = {"role_id", F_REF, REQUIRED | LIST | FILTER, .ref = "roles",
                .label = {"角色", "Role"}},
    [G_SCOPE] = {"scope", F_ENUM, REQUIRED | LIST, .choices = scopes, .label = {"范围", "Scope"}},
    [G_SCOPE_ID] = {"scope_id", F_INT, LIST, .label = {"范围编号", "Scope id"},
                    .help = {"公司、分公司或项目的编号;全系统留空",
                             "id of the company, branch or community; empty for the whole system"}},
    [G_STAFF] = {"staff_id", F_INT, 0, .label = {"员工编号", "Staff id"}},
    [G_PERSON] = {"person_id", F_INT, 0, .label = {"住户编号", "Person id"}},
};
static const struct field token_fields[TK__N] = {
    STANDARD_FIELDS,
    [TK_NAME] = {"name", F_TEXT, REQUIRED | LIST, 1, 60, .label = {"用途", "Purpose"}},
    [TK_USER] = {"user_id", F_REF, REQUIRED | LIST | INDEXED, .ref = "users",
                 .label = {"用户", "User"}},
    [TK_HASH] = {"hash", F_TEXT, SERVER_SET | HIDDEN, .label = {"摘要", "Hash"}},
    [TK_EXPIRES] = {"expires_at", F_INSTANT, LIST, .label = {"到期", "Expires"}},
    [TK_RATE] = {"rate_per_s", F_INT, 0, 0, 1000000, .label = {"每秒请求", "Requests per second"}},
};
static const struct index token_indexes[] = {{"api_token_hash", "hash", NULL, true}};

/* Prepares the password outside the transaction: hashing takes 60 ms. */
static enum err user_prepare(struct ctx *c, struct app *app, struct row *neu)
{
    (void)app;
    char hash[128];
    if (!row_has(neu, U_PASSWORD))
        return E_OK;
    TRY(password_make(c, "password", row_str(neu, U_LOGIN), row_str(neu, U_PASSWORD), hash));
    row_put(neu, U_PASSWORD, v_text(str_dup(c->mem, str_of(hash))));
    row_put(neu, U_MUST_CHANGE,
            v_int(1)); /* whoever sets a password for somebody else does not know it for long */
    return E_OK;
}

static enum err user_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    (void)c;
    (void)tx;
    if (!old && !row_has(neu, U_ENABLED))
        row_put(neu, U_ENABLED, v_int(1));
    if (!old && !row_has(neu, U_HOME))
        row_put(neu, U_HOME, v_int(HOME_DESK));
    return E_OK;
}

static void forget(void *arg)
{
    (void)arg;
    who_forget_all();
    live_drop(0);
}

static enum err rights_changed(struct ctx *c, struct tx *tx, const struct row *old,
                               const struct row *neu)
{
    (void)c;
    (void)old;
    (void)neu;
    tx_after_commit(tx, forget, NULL);
    return E_OK;
}

/* A misspelt permission would silently give nothing. */
static enum err role_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    (void)tx;
    (void)old;
    struct str rest = row_str(neu, RL_PERMS);
    while (rest.p) {
        struct perms found = {0}, none = {0};
        struct str one = str_trim(str_next(&rest, ' '));
        perms_of_text(one, &found);
        if (one.n && memcmp(&found, &none, sizeof found) == 0)
            (void)FAIL_FIELD(c, "perms", "choice", "没有权限 " PRS, "there is no permission " PRS,
                             PRA(utf8_head(one, 60)));
    }
    return c->fault.nfields ? E_INVALID : E_OK;
}

static enum err grant_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    (void)tx;
    (void)old;
    if (row_int(neu, G_SCOPE) != SCOPE_SYSTEM && row_int(neu, G_SCOPE_ID) <= 0)
        return FAIL_FIELD(c, "scope_id", "required", "请填写范围编号",
                          "say which company, branch or community");
    return E_OK;
}

const struct resource res_user = {.name = "app_user",
                                  .path = "users",
                                  .label = {"用户", "User"},
                                  .system = true,
                                  .fields = user_fields,
                                  .nfields = U__N,
                                  .title = "name",
                                  .read = "user.read",
                                  .create = "user.manage",
                                  .update = "user.manage",
                                  .remove = "user.manage",
                                  .prepare = user_prepare,
                                  .check = user_check,
                                  .after = rights_changed};
const struct resource res_role = {.name = "role",
                                  .path = "roles",
                                  .label = {"角色", "Role"},
                                  .system = true,
                                  .fields = role_fields,
                                  .nfields = RL__N,
                                  .title = "name",
                                  .read = "role.read",
                                  .create = "role.manage",
                                  .update = "role.manage",
                                  .remove = "role.manage",
                                  .check = role_check,
                                  .after = rights_changed};
const struct resource res_grant = {.name = "role_grant",
                                   .path = "grants",
                                   .label = {"授权", "Grant"},
                                   .system = true,
                                   .fields = grant_fields,
                                   .nfields = G__N,
                                   .title = "id",
                                   .read = "role.read",
                                   .create = "role.manage",
                                   .update = "role.manage",
                                   .remove = "role.manage",
                                   .check = grant_check,
                                   .after = rights_changed};
const struct resource res_token = {.name = "api_token",
                                   .path = "tokens",
                                   .label = {"接口令牌", "API token"},
                                   .system = true,
                                   .fields = token_fields,
                                   .nfields = TK__N,
                                   .indexes = token_indexes,
                                   .nindexes = 1,
                                   .title = "name",
                                   .read = "role.manage",
                                   .remove = "role.manage",
                                   .after = rights_changed};

/* --- plain tables --- */

static const struct column event_cols[] = {
    {"id", COL_INT, true, NULL},       {"community_id", COL_INT, true, NULL},
    {"at", COL_INT, true, NULL},       {"topic", COL_TEXT, true, NULL},
    {"subject", COL_TEXT, true, NULL}, {"subject_id", COL_INT, true, NULL},
    {"user_id", COL_INT, false, NULL}, {"user_name", COL_TEXT, false, NULL},
    {"data", COL_TEXT, true, NULL},
};
static const struct index event_idx[] = {
    {"event_subject", "community_id, subject_id, id", NULL, false}};
static const struct column job_cols[] = {
    {"id", COL_INT, true, NULL},        {"name", COL_TEXT, true, NULL},
    {"data", COL_TEXT, true, NULL},     {"run_at", COL_INT, true, NULL},
    {"attempts", COL_INT, true, "0"},   {"state", COL_INT, true, "0"},
    {"once_key", COL_TEXT, true, NULL}, {"error", COL_TEXT, false, NULL},
};
static const struct index job_idx[] = {{"job_due", "run_at, id", "state = 0", false},
                                       {"job_once", "once_key", NULL, true},
                                       {"job_done", "run_at", "state = 1", false}};
static const struct column series_cols[] = {{"community_id", COL_INT, true, NULL},
                                            {"series", COL_TEXT, true, NULL},
                                            {"next", COL_INT, true, NULL}};
static const struct column session_cols[] = {
    {"id", COL_TEXT, true, NULL},       {"user_id", COL_INT, true, NULL},
    {"csrf", COL_TEXT, true, NULL},     {"created_at", COL_INT, true, NULL},
    {"seen_at", COL_INT, true, NULL},   {"expires_at", COL_INT, true, NULL},
    {"address", COL_TEXT, false, NULL}, {"agent", COL_TEXT, false, NULL}};
static const struct index session_idx[] = {{"session_user", "user_id", NULL, false},
                                           {"session_expires", "expires_at", NULL, false}};
static const struct column idem_cols[] = {
    {"id", COL_TEXT, true, NULL},     {"request", COL_TEXT, true, NULL},
    {"at", COL_INT, true, NULL},      {"status", COL_INT, false, NULL},
    {"reply", COL_TEXT, false, NULL}, {"location", COL_TEXT, false, NULL}};
static const struct index idem_idx[] = {{"idempotency_at", "at", NULL, false}};
static const struct table tables[] = {
    {"event", event_cols, COUNT_OF(event_cols), "id", event_idx, COUNT_OF(event_idx)},
    {"job", job_cols, COUNT_OF(job_cols), "id", job_idx, COUNT_OF(job_idx)},
    {"number_series", series_cols, COUNT_OF(series_cols), "community_id, series", NULL, 0},
    {"session", session_cols, COUNT_OF(session_cols), "id", session_idx, COUNT_OF(session_idx)},
    {"idempotency", idem_cols, COUNT_OF(idem_cols), "id", idem_idx, COUNT_OF(idem_idx)},
};

static enum err sweep(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    (void)app;
    (void)data;
    TRY(job_sweep_done(c, tx));
    TRY(job_sweep_idem(c, tx));
    return job_sweep_sessions(c, tx);
}

static enum err live_get(struct ctx *c, struct req *q)
{
    live_open(c, q);
    return E_OK;
}

static const struct field search_query[] = {
    {"community_id", F_REF, 0, .ref = "communities", .label = {"项目", "Community"}},
    {"q", F_TEXT, 0, 0, 60, .label = {"内容", "Text"}}};
static const struct route routes[] = {
    {"GET", "/api/v1/meta", NULL, ANY_USER, NULL, meta_get,
     .help = {"界面描述", "What the UI is made from"}, .reply = "Meta"},
    {"GET", "/api/v1/search", NULL, ANY_USER, NULL, search_get, .input = search_query,
     .ninput = COUNT_OF(search_query), .help = {"搜索", "Search everything the caller may see"},
     .reply = "{items:[{resource:str,id:int,title:str,subtitle:str}]}"},
    {"GET", "/api/v1/events", NULL, ANY_USER | NO_TX, NULL, live_get,
     .help = {"实时通知", "Server-sent events"}},
    {"GET", "/api/v1/files/{id}", NULL, ANY_USER | NO_TX, NULL, file_get,
     .help = {"读取文件", "A file's bytes"}},
    {0},
};
static const struct job jobs[] = {{"core.sweep", 3600, sweep}, {0}};
static const struct perm perm_list[] = {
    {"user.read", {"查看用户", "See users"}},
    {"user.manage", {"管理用户", "Manage users"}},
    {"role.read", {"查看角色", "See roles"}},
    {"role.manage", {"管理角色与授权", "Manage roles and grants"}},
    {"personal.read", {"查看完整个人信息", "See personal data unmasked"}},
    {"system.metrics", {"运行指标", "Read metrics"}},
    {0}};
static const struct role_seed roles[] = {
    {"admin",
     {"系统管理员", "System administrator"},
     "user.* role.* system.* estate.* staff.read staff.manage policy.*"},
    {0}};
static const struct menu_item menu[] = {
    {"system", {"系统", "System"}, "users", {"用户", "Users"}, NULL, "users", "user.read"},
    {"system", {"系统", "System"}, "roles", {"角色", "Roles"}, NULL, "roles", "role.read"},
    {"system", {"系统", "System"}, "grants", {"授权", "Grants"}, NULL, "grants", "role.read"},
    {"system",
     {"系统", "System"},
     "tokens",
     {"接口令牌", "API tokens"},
     NULL,
     "tokens",
     "role.manage"},
    {0}};
static const struct check checks[] = {
    {"dead jobs", {"check.dead_jobs", "SELECT id, name FROM job WHERE state = 2 LIMIT 50"}},
    {"grants of nobody",
     {"check.grants", "SELECT g.id, 'grant without user' FROM role_grant g LEFT JOIN app_user u ON "
                      "u.id = g.user_id WHERE u.id IS NULL LIMIT 50"}},
    {0}};
static const struct resource *const resources[] = {&res_user,  &res_role, &res_grant,
                                                   &res_token, &res_file, NULL};

const struct module core_module = {.name = "core",
                                   .purpose = "users, rights, events, jobs, files",
                                   .resources = resources,
                                   .tables = tables,
                                   .ntables = COUNT_OF(tables),
                                   .routes = routes,
                                   .jobs = jobs,
                                   .perms = perm_list,
                                   .roles = roles,
                                   .menu = menu,
                                   .checks = checks};
