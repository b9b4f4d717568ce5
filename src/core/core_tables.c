/* core_tables.c - the core's own name plate: users, roles, grants, tokens as resources; sessions,
 * events, jobs, numbers and idempotency keys as plain tables; the permissions and menu that belong
 * to no room. Data only. */
#include <string.h>

#include "base/crypto.h"
#include "core/audit.h"
#include "core/core.h"
#include "core/import_in.h"
#include "core/policy.h"
#include "core/probe.h"
#include "core/rights.h"
#include "core/seal.h"
#include "core/search.h"

static const struct choice homes[] = {{HOME_DESK, "desk", {"电脑", "Desk"}, NULL},
                                      {HOME_PHONE, "phone", {"手机", "Phone"}, NULL},
                                      {0}};
static const struct field user_fields[U__N] = {
    STANDARD_FIELDS,
    [U_LOGIN] = {"login", F_TEXT, REQUIRED | UNIQUE | SEARCH | LIST | CREATE_ONLY | SORT | UNLOGGED,
                 2, 40, .label = {"登录名", "Login"}},
    [U_NAME] = {"name", F_TEXT, REQUIRED | SEARCH | LIST | UNLOGGED, 1, 40,
                .label = {"姓名", "Name"}},
    [U_PASSWORD] = {"password", F_SECRET, 0, 8, 128, .label = {"密码", "Password"},
                    .help = {"至少 12 位,大小写字母、数字、符号中的三种",
                             "at least 12 characters, three of: lower, upper, digit, symbol"}},
    [U_ENABLED] = {"enabled", F_BOOL, LIST | FILTER, .label = {"启用", "Enabled"}},
    [U_MUST_CHANGE] = {"must_change_password", F_BOOL, SERVER_SET,
                       .label = {"须改密码", "Must change password"}},
    [U_HOME] = {"home", F_ENUM, 0, .choices = homes, .label = {"首页", "Home"}},
    [U_FAILED] = {"failed_count", F_INT, SERVER_SET | HIDDEN, .label = {"连续失败", "Failures"}},
    [U_LOCKED_UNTIL] = {"locked_until", F_INSTANT, SERVER_SET, .label = {"锁定至", "Locked until"}},
    [U_DEMO] = {"demo", F_BOOL, SERVER_SET | HIDDEN, .label = {"演示", "Demo"}},
    [U_PASSWORD_AT] = {"password_at", F_INSTANT, SERVER_SET, .label = {"密码设于", "Password set"}},
    [U_TOTP] = {"totp_secret", F_TEXT, SERVER_SET | HIDDEN | ENCRYPTED,
                .label = {"双因素密钥", "Second factor's secret"}},
    [U_TOTP_AT] = {"totp_at", F_INSTANT, SERVER_SET,
                   .label = {"双因素启用于", "Second factor since"}},
    [U_TOTP_STEP] = {"totp_step", F_INT, SERVER_SET | HIDDEN,
                     .label = {"最后一个动态码", "Last code's step"}},
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
    [TK_PERMS] = {"perms", F_LONGTEXT, CREATE_ONLY, 0, 8000, .label = {"权限", "Permissions"},
                  .help = {"留空:用户的全部权限", "empty: all of the user's"}},
    [TK_COMMUNITY] = {"scope_community", F_REF, CREATE_ONLY, .ref = "communities",
                      .label = {"限于项目", "Only in community"}},
};
static const struct index token_indexes[] = {{"api_token_hash", "hash", NULL, true}};

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
                                  .after = user_after};
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
                                  .after = rights_after};
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
                                   .after = grant_after};
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
                                   .after = rights_after};

/* --- plain tables --- */

static const struct column event_cols[] = {
    {"id", COL_INT, true, NULL},       {"community_id", COL_INT, true, NULL},
    {"at", COL_INT, true, NULL},       {"topic", COL_TEXT, true, NULL},
    {"subject", COL_TEXT, true, NULL}, {"subject_id", COL_INT, true, NULL},
    {"user_id", COL_INT, false, NULL}, {"user_name", COL_TEXT, false, NULL},
    {"data", COL_TEXT, true, NULL},    {"position", COL_INT, false, NULL},
    {"seal", COL_TEXT, false, NULL},
};
static const struct index event_idx[] = {
    {"event_subject", "community_id, subject_id, id", NULL, false},
    {"event_unsealed", "community_id, id", "position IS NULL", false},
    {"event_position", "community_id, position", "position IS NOT NULL", true}};
static const struct column event_chain_cols[] = {
    {"community_id", COL_INT, true, NULL}, {"length", COL_INT, true, NULL},
    {"head", COL_TEXT, true, NULL},        {"sign", COL_TEXT, false, NULL},
    {"at", COL_INT, true, NULL},
};
static const struct column event_hush_cols[] = {{"subject", COL_TEXT, true, NULL},
                                                {"subject_id", COL_INT, true, NULL},
                                                {"at", COL_INT, true, NULL}};
static const struct column job_cols[] = {
    {"id", COL_INT, true, NULL},        {"name", COL_TEXT, true, NULL},
    {"data", COL_TEXT, true, NULL},     {"run_at", COL_INT, true, NULL},
    {"attempts", COL_INT, true, "0"},   {"state", COL_INT, true, "0"},
    {"once_key", COL_TEXT, true, NULL}, {"error", COL_TEXT, false, NULL},
};
static const struct index job_idx[] = {{"job_due", "run_at, id", "state = 0", false},
                                       {"job_once", "once_key", NULL, true},
                                       {"job_done", "run_at", "state = 1", false}};
static const struct column number_series_cols[] = {{"community_id", COL_INT, true, NULL},
                                                   {"series", COL_TEXT, true, NULL},
                                                   {"next", COL_INT, true, NULL}};
static const struct column session_cols[] = {
    {"id", COL_TEXT, true, NULL},        {"num", COL_INT, false, NULL},
    {"user_id", COL_INT, true, NULL},    {"csrf", COL_TEXT, true, NULL},
    {"created_at", COL_INT, true, NULL}, {"seen_at", COL_INT, true, NULL},
    {"expires_at", COL_INT, true, NULL}, {"address", COL_TEXT, false, NULL},
    {"agent", COL_TEXT, false, NULL}};
static const struct index session_idx[] = {{"session_user", "user_id", NULL, false},
                                           {"session_expires", "expires_at", NULL, false}};
static const struct column idempotency_cols[] = {
    {"id", COL_TEXT, true, NULL},      {"request", COL_TEXT, true, NULL},
    {"at", COL_INT, true, NULL},       {"status", COL_INT, false, NULL},
    {"reply", COL_TEXT, false, NULL},  {"location", COL_TEXT, false, NULL},
    {"expires_at", COL_INT, true, "0"}};
static const struct column key_mark_cols[] = {
    {"id", COL_TEXT, true, NULL}, {"mark", COL_TEXT, true, NULL}, {"at", COL_INT, true, NULL}};
static const struct index idempotency_idx[] = {{"idempotency_at", "at", NULL, false}};
static const struct column password_history_cols[] = {
    {"user_id", COL_INT, true, NULL}, {"at", COL_INT, true, NULL}, {"hash", COL_TEXT, true, NULL}};
static const struct column recovery_code_cols[] = {{"user_id", COL_INT, true, NULL},
                                                   {"hash", COL_TEXT, true, NULL},
                                                   {"used_at", COL_INT, false, NULL}};
/* cells: JSON array of texts until the line is loaded; reason: JSON, see batch.h. */
static const struct column import_line_cols[] = {
    {"batch_id", COL_INT, true, NULL}, {"community_id", COL_INT, true, NULL},
    {"no", COL_INT, true, NULL},       {"state", COL_INT, true, "0"},
    {"cells", COL_TEXT, true, "''"},   {"reason", COL_TEXT, false, NULL},
    {"row_id", COL_INT, false, NULL}};
static const struct index import_line_idx[] = {
    {"import_line_reason", "batch_id, no", "reason IS NOT NULL", false}};
/* Which column was which field the last time such a header came. */
static const struct column import_memory_cols[] = {{"resource", COL_TEXT, true, NULL},
                                                   {"header", COL_TEXT, true, NULL},
                                                   {"columns", COL_TEXT, true, NULL},
                                                   {"at", COL_INT, true, NULL}};
/* The words of a row of any resource marked `words` (search.h); grams NULL: not indexed yet. */
static const struct column search_doc_cols[] = {{"id", COL_INT, true, NULL},
                                                {"community_id", COL_INT, true, NULL},
                                                {"resource", COL_TEXT, true, NULL},
                                                {"grams", COL_TEXT, false, NULL},
                                                {"stale", COL_INT, true, NULL}};
static const struct index search_doc_idx[] = {
    {"search_doc_stale", "id", "stale = 1", false},
    {"search_doc_fresh", "community_id, resource, id", "stale = 1", false}};
#define PLAIN(table, key)                                                                          \
    .name = #table, .columns = table##_cols, .ncolumns = COUNT_OF(table##_cols), .primary_key = key
#define INDEXES(list) .indexes = list, .nindexes = COUNT_OF(list)
static const struct table tables[] = {
    {PLAIN(event, "id"), INDEXES(event_idx), .append_only = "position, seal"},
    {PLAIN(event_chain, "community_id")},
    {PLAIN(event_hush, "subject, subject_id")},
    {PLAIN(job, "id"), INDEXES(job_idx)},
    {PLAIN(number_series, "community_id, series")},
    {PLAIN(session, "id"), INDEXES(session_idx)},
    {PLAIN(idempotency, "id"), INDEXES(idempotency_idx)},
    {PLAIN(key_mark, "id")},
    {PLAIN(password_history, "user_id, at")},
    {PLAIN(recovery_code, "user_id, hash")},
    {PLAIN(import_line, "batch_id, no"), INDEXES(import_line_idx)},
    {PLAIN(import_memory, "resource, header")},
    {PLAIN(search_doc, "id"), INDEXES(search_doc_idx), .words = "grams"},
};

static enum err sweep(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    (void)app;
    (void)data;
    TRY(job_sweep_done(c, tx));
    TRY(job_sweep_idem(c, tx));
    TRY(batch_sweep(c, tx));
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
    AUDIT_ROUTES,
    {"GET", "/api/v1/meta", NULL, ANY_USER, NULL, meta_get,
     .help = {"界面描述", "What the UI is made from"}, .reply = "Meta"},
    {"GET", "/api/v1/search", NULL, ANY_USER, NULL, search_get, .input = search_query,
     .ninput = COUNT_OF(search_query), .help = {"搜索", "Search everything the caller may see"},
     .reply = "{items:[{resource:str,id:int,title:str,subtitle:str}]}"},
    {"GET", "/api/v1/events", NULL, ANY_USER | NO_TX, NULL, live_get,
     .help = {"实时通知", "Server-sent events"}},
    {"GET", "/api/v1/files/{id}", NULL, ANY_USER | NO_TX, NULL, file_get,
     .help = {"读取文件", "A file's bytes"}},
    {"POST", "/api/v1/files/{id}/link", NULL, ANY_USER | NO_TX, NULL, file_link,
     .input = file_link_fields, .ninput = 1,
     .help = {"限时链接", "An address that works for a while"},
     .reply = "{url:str,expires_at:instant}"},
    {"GET", "/api/v1/files/{id}/signed", NULL, PUBLIC | NO_TX, NULL, file_signed,
     .input = file_signed_query, .ninput = 3,
     .help = {"限时链接的文件", "The bytes behind such an address"}},
    {0},
};
static const struct job jobs[] = {{"core.sweep", 3600, sweep, NULL},
                                  {"core.probe", 0, job_probe, NULL},
                                  {"core.import", 0, .step = batch_step},
                                  {"core.search", 300, .step = search_step},
                                  {0}};
static const struct fixup fixups[] = {{4, "words of the rows there are", res_words_fill}, {0}};
static const struct perm perm_list[] = {
    {"user.read", {"查看用户", "See users"}},
    {"user.manage", {"管理用户", "Manage users"}},
    {"role.read", {"查看角色", "See roles"}},
    {"role.manage", {"管理角色与授权", "Manage roles and grants"}},
    {"personal.read",
     {"查看完整个人信息(逐条、留痕)", "See personal data in full, row by row, on record"}},
    {"personal.export", {"导出完整个人信息", "Export personal data in full"}},
    {"session.manage", {"管理登录", "End sessions, reset second factors"}},
    {"security.read", {"查看登录策略", "See login policies"}},
    {"security.manage", {"管理登录策略", "Manage login policies"}},
    {"token.create", {"生成接口令牌", "Make API tokens"}},
    {"audit.read", {"查看操作日志", "Read the log"}},
    {"system.manage", {"系统管理", "Manage the system"}},
    {"system.metrics", {"运行指标", "Read metrics"}},
    {0}};
/* Three administrators that watch each other (rights.c). */
static const struct role_seed roles[] = {
    {"sysadmin",
     {"系统管理员", "System administrator"},
     "system.* user.read role.read estate.* calendar.* staff.read staff.manage policy.*"},
    {"security",
     {"安全管理员", "Security administrator"},
     "user.* role.* session.* security.* token.create"},
    {"auditor", {"审计管理员", "Auditor"}, "audit.* user.read role.read security.read"},
    {0}};
static const struct menu_item menu[] = {
    {"system", {"系统", "System"}, "users", {"用户", "Users"}, NULL, "users", "user.read"},
    {"system", {"系统", "System"}, "roles", {"角色", "Roles"}, NULL, "roles", "role.read"},
    {"system", {"系统", "System"}, "grants", {"授权", "Grants"}, NULL, "grants", "role.read"},
    {"system",
     {"系统", "System"},
     "login-policies",
     {"登录策略", "Login policies"},
     NULL,
     "login-policies",
     "security.read"},
    {"system", {"系统", "System"}, "audit", {"操作日志", "Log"}, "audit", NULL, "audit.read"},
    {"system",
     {"系统", "System"},
     "tokens",
     {"接口令牌", "API tokens"},
     NULL,
     "tokens",
     "role.manage"},
    {0}};
static const struct check checks[] = {
    {.name = "dead jobs",
     .query = {"check.dead_jobs", "SELECT id, name FROM job WHERE state = 2 LIMIT 50"}},
    {.name = "grants of nobody",
     .query = {"check.grants",
               "SELECT g.id, 'grant without user' FROM role_grant g LEFT JOIN app_user u ON "
               "u.id = g.user_id WHERE u.id IS NULL LIMIT 50"}},
    {.name = "event chain", .run = seal_verify},
    {.name = "uploads", .run = files_verify},
    {.name = "search index", .run = search_verify},
    {0}};
static const struct resource *const resources[] = {
    &res_user, &res_role, &res_grant, &res_login_policy, &res_token, &res_file, &res_import, NULL};

const struct module core_module = {.name = "core",
                                   .purpose = "users, rights, events, jobs, files",
                                   .resources = resources,
                                   .tables = tables,
                                   .ntables = COUNT_OF(tables),
                                   .routes = {routes, batch_routes},
                                   .jobs = jobs,
                                   .fixups = fixups,
                                   .perms = perm_list,
                                   .roles = roles,
                                   .menu = menu,
                                   .checks = checks,
                                   .probes = core_probes};
