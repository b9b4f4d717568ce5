/* handbook.c - the handbook room's name plate. */
#include "rooms/handbook/handbook.h"

#include "rooms/handbook/room.h"

enum err handbook_seed(struct ctx *c, struct tx *tx, int64_t community)
{
    TRY(handbook_policies(c, tx, community));
    TRY(handbook_classes(c, tx, community));
    TRY(handbook_pages(c, tx, community));
    return handbook_replies_seed(c, tx, community);
}

static enum err seed_job(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    const struct json *j;
    (void)app;
    TRY(json_parse(c, data, &j));
    return handbook_seed(c, tx, json_int(json_get(j, "id")));
}

static const struct resource *const resources[] = {&res_category,
                                                   &res_sla_policy,
                                                   &res_priority_policy,
                                                   &res_pause_policy,
                                                   &res_ladder_step,
                                                   &res_price_item,
                                                   &res_handbook_page,
                                                   &res_handbook_step,
                                                   &res_handbook_confirmation,
                                                   &res_reply_template,
                                                   NULL};
static const struct job jobs[] = {
    {"handbook.seed", 0, seed_job, NULL}, {"handbook.turn", 3600, handbook_turn, NULL}, {0}};
static const struct on listens[] = {{"community.created", "handbook.seed"}, {0}};
static const struct perm perms[] = {{"policy.read", {"查看规则", "See policies"}},
                                    {"policy.manage", {"管理规则", "Manage policies"}},
                                    {0}};
#define RULES                                                                                      \
    "rules",                                                                                       \
    {                                                                                              \
        "服务规则", "Service rules"                                                                \
    }
static const struct menu_item menu[] = {
    {RULES, "handbook", {"服务手册", "Service handbook"}, "handbook", NULL, "policy.read"},
    {RULES,
     "reply-templates",
     {"答复模板", "Reply templates"},
     NULL,
     "reply-templates",
     "ticket.desk"},
    {RULES, "simulator", {"时限推算", "Simulator"}, "simulator", NULL, "policy.read"},
    {RULES, "categories", {"工单分类", "Categories"}, NULL, "categories", "policy.manage"},
    {RULES, "price-items", {"收费项目", "Prices"}, NULL, "price-items", "policy.manage"},
    {RULES, "sla-policies", {"时限规则", "SLA policies"}, NULL, "sla-policies", "policy.manage"},
    {RULES,
     "priority-policies",
     {"优先级规则", "Priority policies"},
     NULL,
     "priority-policies",
     "policy.manage"},
    {RULES,
     "pause-policies",
     {"暂停规则", "Pause policies"},
     NULL,
     "pause-policies",
     "policy.manage"},
    {RULES,
     "ladder-steps",
     {"升级阶梯", "Escalation ladder"},
     NULL,
     "ladder-steps",
     "policy.manage"},
    {0}};
const struct module handbook_module = {
    .name = "handbook",
    .purpose = "what may be asked for, what is promised for it, by which rules",
    .resources = resources,
    .queries = {policy_table_queries, sla_queries, class_queries, suggest_queries, page_queries,
                reading_queries, page_seed_queries, reply_queries},
    .routes = {sla_routes, suggest_routes, page_routes, reading_routes},
    .jobs = jobs,
    .listens = listens,
    .seed = handbook_drafts,
    .perms = perms,
    .menu = menu,
    .fixups = handbook_fixups};
