/* service.c - the service room's name plate: what it owns, who may what, what it does by itself. */
#include "rooms/service/service.h"

#include "rooms/service/desk.h"

static const struct resource *const resources[] = {&res_ticket,
                                                   &res_ticket_pause,
                                                   &res_escalation,
                                                   &res_rating,
                                                   &res_handover,
                                                   &res_ticket_link,
                                                   &res_return_visit,
                                                   &res_visit_rule,
                                                   &res_ticket_step,
                                                   &res_ticket_item,
                                                   &res_ticket_watch,
                                                   &res_ticket_remark,
                                                   NULL};
static const struct perm perms[] = {{"ticket.read", {"查看全部工单", "See all tickets"}},
                                    {"ticket.create", {"登记工单", "Register tickets"}},
                                    {"ticket.desk", {"前台受理", "Front desk"}},
                                    {"ticket.dispatch", {"派单", "Dispatch"}},
                                    {"ticket.work", {"处理工单", "Work on tickets"}},
                                    {"ticket.own", {"本人的请求", "One's own requests"}},
                                    {"ticket.staff", {"工单内部信息", "Internal ticket data"}},
                                    {"ticket.unseal", {"启封匿名身份", "Unseal who complained"}},
                                    {0}};
#define STAFF_COMMON                                                                               \
    "estate.read asset.read staff.read policy.read calendar.read ticket.staff ticket.create "
static const struct role_seed roles[] = {
    {"desk",
     {"客服前台", "Front desk"},
     STAFF_COMMON "ticket.read ticket.desk people.read people.manage personal.read "
                  "privacy.read privacy.ask privacy.desk"},
    {"dispatcher",
     {"调度", "Dispatcher"},
     STAFF_COMMON "ticket.read ticket.dispatch ticket.unseal people.read personal.read"},
    {"worker", {"维修工", "Worker"}, STAFF_COMMON "ticket.work"},
    {"cashier", {"收费员", "Cashier"}, "estate.read asset.read people.read policy.read"},
    {"manager",
     {"项目经理", "Manager"},
     STAFF_COMMON "ticket.read ticket.desk ticket.dispatch ticket.unseal policy.manage people.read "
                  "people.manage "
                  "personal.read personal.export estate.manage asset.manage calendar.manage "
                  "staff.manage privacy.read "
                  "privacy.ask privacy.desk privacy.manage privacy.restricted"},
    {"resident", {"住户", "Resident"}, "ticket.own ticket.create privacy.own privacy.ask"},
    {0}};
#define GROUP                                                                                      \
    "service",                                                                                     \
    {                                                                                              \
        "客户服务", "Service"                                                                      \
    }
static const struct menu_item menu[] = {
    {GROUP, "desk", {"受理与派单", "Desk & dispatch"}, "desk", NULL, "ticket.read"},
    {GROUP, "tickets", {"工单", "Tickets"}, NULL, "tickets", "ticket.read"},
    {GROUP, "escalations", {"升级提醒", "Escalations"}, NULL, "escalations", "ticket.read"},
    {GROUP, "ratings", {"评价", "Ratings"}, NULL, "ratings", "ticket.read"},
    {GROUP, "return-visits", {"回访", "Return visits"}, NULL, "return-visits", "ticket.read"},
    {GROUP, "handovers", {"责任移交", "Handovers"}, NULL, "handovers", "ticket.read"},
    {GROUP, "loops", {"闭环检查", "Closed loops"}, "loops", NULL, "ticket.read"},
    {0}};
static const struct check checks[] = {
    {.name = "closed without result or answer",
     .query = {"check.closed",
               "SELECT id, code FROM ticket WHERE state = 8 AND (result IS NULL OR answer "
               "IS NULL OR informed_at IS NULL OR closed_at IS NULL) LIMIT 50"}},
    {.name = "working without a worker",
     .query =
         {"check.assignee",
          "SELECT id, code FROM ticket WHERE state IN (3, 4, 5) AND assignee_id IS NULL LIMIT 50"}},
    {.name = "tickets without any event",
     .query = {"check.events",
               "SELECT t.id, t.code FROM ticket t WHERE NOT EXISTS (SELECT 1 FROM event e "
               "WHERE e.community_id = t.community_id AND e.subject_id = t.id) LIMIT 50"}},
    {.name = "remarks the log does not know",
     .query = {"check.remarks",
               "SELECT m.id, 'remark without event' FROM ticket_remark m WHERE NOT "
               "EXISTS (SELECT 1 FROM event e WHERE e.id = m.id) LIMIT 50"}},
    {.name = "ratings of nothing",
     .query = {"check.ratings", "SELECT r.id, 'rating without ticket' FROM rating r LEFT JOIN "
                                "ticket t ON t.id = r.ticket_id "
                                "AND t.community_id = r.community_id WHERE t.id IS NULL LIMIT 50"}},
    {0}};
static const struct on listens[] = {
    {"community.created", "service.visit_rules"}, {"staff.archived", "service.watches_end"}, {0}};
const struct module service_module = {
    .name = "service",
    .purpose = "tickets from any channel, through accept, dispatch, execute, feed back",
    .resources = resources,
    .queries = {service_queries, ticket_queries, desk_queries, pause_queries, ladder_queries,
                clock_queries, dispatch_queries, handover_queries, link_queries, visit_queries,
                loop_queries, alike_queries, checklist_queries, item_queries, stop_queries,
                watch_queries, remark_queries},
    .routes = {ticket_routes, desk_routes, dispatch_routes, loop_routes, reply_routes, alike_routes,
               escalation_routes, stop_routes, watch_routes},
    .tables = dispatch_tables,
    .ntables = COUNT_OF(dispatch_tables),
    .jobs = service_jobs,
    .listens = listens,
    .seed = visit_rules_seed,
    .fixups = service_fixups,
    .perms = perms,
    .roles = roles,
    .menu = menu,
    .checks = checks};
