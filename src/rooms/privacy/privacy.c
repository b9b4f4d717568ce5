/* privacy.c - the privacy room's name plate. */
#include "rooms/privacy/room.h"

static const struct resource *const resources[] = {
    &res_consent_text,   &res_consent,       &res_data_request,
    &res_retention_rule, &res_retention_run, &res_processor,
    &res_processing,     &res_assessment,    NULL};
static const struct on listens[] = {{"community.created", "privacy.seed"}, {0}};
static const struct job jobs[] = {{.name = "privacy.erase", .run = job_erase},
                                  {.name = "privacy.retain", .run = job_retain},
                                  {"privacy.retention", DAILY_S, .run = job_retention},
                                  {"privacy.due", HOURLY_S, .run = job_due},
                                  {.name = "privacy.seed", .run = job_retention_seed},
                                  {0}};
static const struct perm perms[] = {
    {"privacy.read", {"查看个人信息合规", "See consents, requests, registers"}},
    {"privacy.ask", {"提交同意与请求", "Record consents and requests"}},
    {"privacy.own", {"本人的同意与请求", "One's own consents and requests"}},
    {"privacy.desk", {"代住户登记、核验", "Record for residents, check identity"}},
    {"privacy.manage", {"办理请求、管理清单", "Decide requests, keep registers"}},
    {"privacy.restricted", {"查看被限制处理的住户", "See restricted persons"}},
    {0}};
#define GROUP                                                                                      \
    "privacy",                                                                                     \
    {                                                                                              \
        "个人信息保护", "Privacy"                                                                  \
    }
#define ITEM(path, zh, en, perm)                                                                   \
    {                                                                                              \
        GROUP, path, {zh, en}, NULL, path, perm                                                    \
    }
static const struct menu_item menu[] = {
    ITEM("data-requests", "个人信息请求", "Data requests", "privacy.read"),
    ITEM("consents", "同意记录", "Consents", "privacy.read"),
    ITEM("consent-texts", "同意书文本", "Consent texts", "privacy.manage"),
    ITEM("retention-rules", "保存期限", "Retention", "privacy.manage"),
    ITEM("retention-runs", "清理记录", "Retention runs", "privacy.manage"),
    ITEM("processors", "受托处理清单", "Processors", "privacy.manage"),
    ITEM("processing-activities", "处理活动记录", "Processing activities", "privacy.manage"),
    ITEM("impact-assessments", "影响评估", "Impact assessments", "privacy.manage"),
    {0}};
static const struct check checks[] = {
    {.name = "anonymous persons who can still be found",
     .query = {"check.erased",
               "SELECT id, 'erased, but a number is left' FROM person WHERE erased_at IS NOT NULL "
               "AND (phone IS NOT NULL OR phone2 IS NOT NULL OR id_number IS NOT NULL OR note IS "
               "NOT NULL) LIMIT 50"}},
    {0}};
const struct module privacy_module = {
    .name = "privacy",
    .purpose = "consents, requests about one's own data, retention, registers (PIPL)",
    .resources = resources,
    .queries = {consent_queries, retention_queries, erase_queries, register_queries, copy_queries},
    .routes = {consent_routes, request_routes},
    .jobs = jobs,
    .listens = listens,
    .perms = perms,
    .menu = menu,
    .checks = checks};
