/* assets.c - the equipment ledger: what stands where, since when, in whose hands. Its table, its
 * machine and the name plate. Read this file to know what an asset is; rules.c to know why. */
#include "rooms/assets/room.h"

static const struct choice systems[] = {{SYS_LIFT, "lift", {"电梯", "Lift"}, NULL},
                                        {SYS_WATER, "water", {"给排水", "Water supply"}, NULL},
                                        {SYS_POWER, "power", {"供配电", "Power"}, NULL},
                                        {SYS_FIRE, "fire", {"消防", "Fire safety"}, NULL},
                                        {SYS_SECURITY, "security", {"安防", "Security"}, NULL},
                                        {SYS_HVAC, "hvac", {"暖通", "HVAC"}, NULL},
                                        {SYS_LIGHTING, "lighting", {"照明", "Lighting"}, NULL},
                                        {SYS_ACCESS, "access", {"门禁", "Access"}, NULL},
                                        {SYS_PARKING, "parking", {"停车", "Parking"}, NULL},
                                        {SYS_AMENITY, "amenity", {"健身游乐", "Amenities"}, NULL},
                                        {SYS_OTHER, "other", {"其他", "Other"}, NULL},
                                        {0}};
static const struct choice states[] = {
    {ASSET_IN_USE, "in_use", {"在用", "In use"}, "green"},
    {ASSET_STOPPED, "out_of_order", {"停用待修", "Out of order"}, "amber"},
    {ASSET_RETIRED, "retired", {"报废", "Retired"}, "grey"},
    {0}};
static const struct field asset_fields[EQ__N] = {
    STANDARD_FIELDS,
    [EQ_CODE] = {"code", F_TEXT, UNIQUE | SEARCH | LIST, 1, 40,
                 .label = {"设备编号", "Asset number"},
                 .help = {"留空则按系统自动编号,如 DT-0001",
                          "left empty it is numbered by system, like DT-0001"}},
    [EQ_NAME] = {"name", F_TEXT, REQUIRED | SEARCH | LIST, 1, 80, .label = {"名称", "Name"},
                 .help = {"让人一看就知道是哪一台,如 3栋1单元客梯",
                          "so that one knows which, such as Building 3 Entrance 1 lift"}},
    [EQ_SYSTEM] = {"system", F_ENUM, REQUIRED | FILTER | LIST, .choices = systems,
                   .label = {"系统", "System"}},
    [EQ_SPACE] = {"space_id", F_REF, REQUIRED | FILTER | SEARCH | LIST | INDEXED, .ref = "spaces",
                  .label = {"安装位置", "Place"}},
    [EQ_STATE] = {"state", F_ENUM, SERVER_SET | FILTER | LIST, .choices = states,
                  .label = {"状态", "State"}},
    [EQ_MODEL] = {"model", F_TEXT, SEARCH | LIST, 0, 80, .label = {"型号", "Model"}},
    [EQ_MAKER] = {"maker", F_TEXT, 0, 0, 80, .label = {"厂家", "Maker"}},
    [EQ_SERIAL] = {"serial_number", F_TEXT, SEARCH, 0, 80, .label = {"出厂编号", "Serial number"}},
    [EQ_INSTALLED] = {"installed_on", F_DATE, FILTER, .label = {"安装日期", "Installed on"}},
    [EQ_WARRANTY] = {"warranty_until", F_DATE, FILTER | LIST,
                     .label = {"保修期至", "Warranty until"}},
    [EQ_STAFF] = {"responsible_id", F_REF, FILTER | LIST, .ref = "staff",
                  .label = {"责任人", "Responsible"}},
    [EQ_NOTE] = {"note", F_LONGTEXT, 0, 0, 1000, .label = {"备注", "Note"}},
};

/* --- its machine: R4 --- */

static const struct field in_reason[] = {
    {"reason", F_TEXT, REQUIRED | VIRTUAL, 1, 300, .label = {"原因", "Reason"}}};
static const struct field in_comment[] = {
    {"comment", F_TEXT, VIRTUAL, 0, 300, .label = {"备注", "Comment"}}};
static const struct action actions[] = {
    {"stop", {"停用", "Take out of use"}, "plain", in_reason, COUNT_OF(in_reason)},
    {"restore", {"恢复使用", "Back in use"}, "primary", in_comment, COUNT_OF(in_comment)},
    {"retire", {"报废", "Retire"}, "danger", in_reason, COUNT_OF(in_reason)},
    {"take_back", {"撤销报废", "Undo retiring"}, "plain", in_reason, COUNT_OF(in_reason)}};
#define STEP(from, to, action, event)                                                              \
    {                                                                                              \
        from, to, action, {{"asset.manage", NULL}}, NULL, NULL, NULL, event                        \
    }
static const struct step steps[] = {
    STEP(ASSET_IN_USE, ASSET_STOPPED, "stop", "asset.stopped"),
    STEP(ASSET_STOPPED, ASSET_IN_USE, "restore", "asset.restored"),
    STEP(ASSET_IN_USE, ASSET_RETIRED, "retire", "asset.retired"),
    STEP(ASSET_STOPPED, ASSET_RETIRED, "retire", "asset.retired"),
    STEP(ASSET_RETIRED, ASSET_STOPPED, "take_back", "asset.taken_back"),
};
static const struct machine machine = {EQ_STATE, actions, COUNT_OF(actions), steps,
                                       COUNT_OF(steps)};
const struct resource res_asset = {.name = "asset",
                                   .path = "assets",
                                   .label = {"设备", "Asset"},
                                   .fields = asset_fields,
                                   .nfields = EQ__N,
                                   .title = "name",
                                   .code = "code",
                                   .read = "asset.read",
                                   .create = "asset.manage",
                                   .update = "asset.manage",
                                   .remove = "asset.manage",
                                   .words = true,
                                   .prepare = asset_prepare,
                                   .check = asset_check,
                                   .machine = &machine};

/* --- name plate --- */

static const struct resource *const resources[] = {&res_asset, NULL};
static const struct perm perms[] = {{"asset.read", {"查看设备", "See equipment"}},
                                    {"asset.manage", {"管理设备", "Manage equipment"}},
                                    {0}};
static const struct menu_item menu[] = {{"assets",
                                         {"设施设备", "Equipment"},
                                         "assets",
                                         {"设备台账", "Equipment ledger"},
                                         NULL,
                                         "assets",
                                         "asset.read"},
                                        {0}};
static const struct check checks[] = {
    {.name = "assets without their place",
     .query = {"check.asset_space", "SELECT a.id, a.name FROM asset a LEFT JOIN space s ON s.id = "
                                    "a.space_id AND s.community_id = a.community_id WHERE s.id IS "
                                    "NULL LIMIT 50"}},
    {0}};
const struct module assets_module = {.name = "assets",
                                     .purpose = "the equipment ledger",
                                     .resources = resources,
                                     .queries = {number_taken_queries, place_queries},
                                     .routes = {place_routes},
                                     .perms = perms,
                                     .menu = menu,
                                     .checks = checks};
