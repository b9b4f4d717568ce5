/* intake.c - the intake room's settings and name plate. */
#include "rooms/intake/intake.h"

#include "rooms/intake/room.h"

static const struct field setting_fields[IN__N] = {
    STANDARD_FIELDS,
    [IN_OPEN311] = {"open311", F_BOOL, LIST, .label = {"开放 Open311", "Open311 is open"},
                    .help = {"经此提交的请求(不含报事人)任何人可见",
                             "what comes this way is public, but never who sent it"}},
    [IN_NOTICE] = {"notice", F_TEXT, LIST, 0, 300,
                   .label = {"提交后的提示", "Said after a report"}},
    [IN_QR] = {"qr", F_BOOL, LIST, .label = {"开放扫码报事", "QR signs are open"},
               .help = {"扫墙上二维码的人不登录就能提交",
                        "whoever scans a sign can tell what is wrong, without a login"}},
};
static const struct index setting_indexes[] = {
    {"intake_setting_one", "community_id", "archived = 0", true}};
const struct resource res_intake_setting = {.name = "intake_setting",
                                            .path = "intake-settings",
                                            .label = {"受理渠道", "Intake"},
                                            .fields = setting_fields,
                                            .nfields = IN__N,
                                            .indexes = setting_indexes,
                                            .nindexes = 1,
                                            .title = "id",
                                            .read = "policy.read",
                                            .create = "policy.manage",
                                            .update = "policy.manage"};

static const struct resource *const resources[] = {&res_intake_setting, &res_public_link,
                                                   &res_space_code, &res_sealed_identity, NULL};
static const struct menu_item menu[] = {{"rules",
                                         {"服务规则", "Service rules"},
                                         "intake-settings",
                                         {"受理渠道", "Intake"},
                                         NULL,
                                         "intake-settings",
                                         "policy.manage"},
                                        {"service",
                                         {"客户服务", "Service"},
                                         "public-links",
                                         {"免登录链接", "Public links"},
                                         NULL,
                                         "public-links",
                                         "ticket.read"},
                                        {"service",
                                         {"客户服务", "Service"},
                                         "qr-signs",
                                         {"二维码标牌", "QR signs"},
                                         "qr-signs",
                                         NULL,
                                         "estate.manage"},
                                        {0}};
const struct module intake_module = {
    .name = "intake",
    .purpose = "requests from outside: Open311, links without a login, QR signs",
    .resources = resources,
    .queries = {open311_queries, public_link_queries, public_ticket_queries, space_code_queries,
                qr_queries, sealed_queries},
    .routes = {open311_routes, public_link_routes, public_ticket_routes, space_code_routes,
               qr_routes, sealed_routes},
    .tables = qr_tables,
    .ntables = COUNT_OF(qr_tables),
    .jobs = intake_jobs,
    .fixups = space_code_fixups,
    .menu = menu};
