/* estate.c - the estate room's tables and name plate. The space tree is one table: whatever has a
 * place hangs somewhere in it. */
#include "rooms/estate/estate.h"

#include "rooms/estate/space.h"

static const struct field company_fields[CO__N] = {
    STANDARD_FIELDS,
    [CO_NAME] = {"name", F_TEXT, REQUIRED | UNIQUE | SEARCH | LIST, 2, 80,
                 .label = {"公司名称", "Company"}},
    [CO_CREDIT_CODE] = {"credit_code", F_TEXT, LIST, 18, 18,
                        .label = {"统一社会信用代码", "Credit code"}},
};
static const struct field branch_fields[BR__N] = {
    STANDARD_FIELDS,
    [BR_COMPANY] = {"company_id", F_REF, REQUIRED | CREATE_ONLY | LIST | FILTER | INDEXED,
                    .ref = "companies", .label = {"公司", "Company"}},
    [BR_NAME] = {"name", F_TEXT, REQUIRED | SEARCH | LIST, 2, 80, .label = {"分公司", "Branch"}},
};
static const struct field community_fields[CM__N] = {
    STANDARD_FIELDS,
    [CM_NAME] = {"name", F_TEXT, REQUIRED | UNIQUE | SEARCH | LIST, 2, 60,
                 .label = {"项目名称", "Community"}},
    [CM_COMPANY] = {"company_id", F_REF, REQUIRED | LIST | FILTER | INDEXED, .ref = "companies",
                    .label = {"公司", "Company"}},
    [CM_BRANCH] = {"branch_id", F_REF, LIST | FILTER | INDEXED, .ref = "branches",
                   .label = {"分公司", "Branch"}},
    [CM_ADDRESS] = {"address", F_TEXT, LIST, 0, 200, .label = {"地址", "Address"}},
    [CM_TIME_ZONE] = {"time_zone", F_TEXT, 0, 1, 40, .label = {"时区", "Time zone"},
                      .help = {"默认 Asia/Shanghai", "default Asia/Shanghai"}},
    [CM_PHONE] = {"phone", F_PHONE, LIST, .label = {"服务电话", "Service phone"}},
};
static const struct choice space_kinds[] = {{SP_BUILDING, "building", {"楼栋", "Building"}, "blue"},
                                            {SP_ENTRANCE, "entrance", {"单元", "Entrance"}, "blue"},
                                            {SP_FLOOR, "floor", {"楼层", "Floor"}, "grey"},
                                            {SP_UNIT, "unit", {"房屋", "Unit"}, "green"},
                                            {SP_AREA, "area", {"公共区域", "Public area"}, "amber"},
                                            {SP_PLANT, "plant", {"设备房", "Plant room"}, "amber"},
                                            {SP_PARKING, "parking", {"车位", "Parking"}, "grey"},
                                            {0}};
static const struct choice space_uses[] = {{1, "residential", {"住宅", "Residential"}, "green"},
                                           {2, "shop", {"商铺", "Shop"}, "blue"},
                                           {3, "office", {"办公", "Office"}, "blue"},
                                           {4, "common", {"公用", "Common"}, "grey"},
                                           {0}};
static const struct field space_fields[SP__N] = {
    STANDARD_FIELDS,
    [SP_KIND] = {"kind", F_ENUM, REQUIRED | CREATE_ONLY | FILTER | LIST, .choices = space_kinds,
                 .label = {"类型", "Kind"}},
    [SP_PARENT] = {"parent_id", F_REF, FILTER | INDEXED, .ref = "spaces",
                   .label = {"上级", "Parent"}},
    [SP_NAME] = {"name", F_TEXT, REQUIRED, 1, 40, .label = {"名称", "Name"},
                 .help = {"如 3栋、2单元、1502", "such as Building 3, Entrance 2, 1502"}},
    [SP_CODE] = {"code", F_TEXT, UNIQUE | SEARCH | LIST, 1, 40, .label = {"房号", "Code"},
                 .help = {"前台输入用,如 3-2-1502", "what the desk types, like 3-2-1502"}},
    [SP_PATH] = {"path_name", F_TEXT, SERVER_SET | SEARCH | LIST, 0, 200,
                 .label = {"全称", "Full name"}},
    [SP_BUILT_AREA] = {"built_area", F_AREA, LIST, 0, 100000000,
                       .label = {"建筑面积", "Built area"}},
    [SP_INNER_AREA] = {"inner_area", F_AREA, 0, 0, 100000000, .label = {"套内面积", "Inner area"}},
    [SP_USE] = {"use_kind", F_ENUM, FILTER, .choices = space_uses, .label = {"用途", "Use"}},
};

static enum err community_check(struct ctx *c, struct tx *tx, const struct row *old,
                                struct row *neu)
{
    (void)tx;
    (void)old;
    if (!row_has(neu, CM_TIME_ZONE))
        row_put(neu, CM_TIME_ZONE, v_lit("Asia/Shanghai"));
    if (!zone_find(str_z(c->mem, row_str(neu, CM_TIME_ZONE))))
        return FAIL_FIELD(c, "time_zone", "choice", "没有这个时区,如 Asia/Shanghai",
                          "no such time zone; for example Asia/Shanghai");
    return E_OK;
}

static void changed(void *arg)
{
    (void)arg;
    app_communities_changed();
}

static enum err community_after(struct ctx *c, struct tx *tx, const struct row *old,
                                const struct row *neu)
{
    (void)c;
    (void)old;
    (void)neu;
    tx_after_commit(tx, changed, NULL);
    return E_OK;
}

#define ESTATE_RIGHTS                                                                              \
    .read = "estate.read", .create = "estate.manage", .update = "estate.manage",                   \
    .remove = "estate.manage"
const struct resource res_company = {.name = "company",
                                     .path = "companies",
                                     .label = {"公司", "Company"},
                                     .system = true,
                                     .fields = company_fields,
                                     .nfields = CO__N,
                                     .title = "name",
                                     ESTATE_RIGHTS};
const struct resource res_branch = {.name = "branch",
                                    .path = "branches",
                                    .label = {"分公司", "Branch"},
                                    .system = true,
                                    .fields = branch_fields,
                                    .nfields = BR__N,
                                    .title = "name",
                                    ESTATE_RIGHTS};
const struct resource res_community = {.name = "community",
                                       .path = "communities",
                                       .label = {"项目", "Community"},
                                       .system = true,
                                       .fields = community_fields,
                                       .nfields = CM__N,
                                       .title = "name",
                                       ESTATE_RIGHTS,
                                       .check = community_check,
                                       .after = community_after};
static const struct index space_indexes[] = {
    {"space_room", "community_id, name", "kind IN (4, 7)", false}};
const struct resource res_space = {.name = "space",
                                   .path = "spaces",
                                   .label = {"空间", "Space"},
                                   .fields = space_fields,
                                   .nfields = SP__N,
                                   .indexes = space_indexes,
                                   .nindexes = COUNT_OF(space_indexes),
                                   .title = "path_name",
                                   .code = "code",
                                   .tree = "parent_id",
                                   .words = true,
                                   ESTATE_RIGHTS,
                                   .check = space_check,
                                   .after = space_after};

const struct query Q_COMMUNITIES_OF = {
    "estate.communities_of", "SELECT id, name, time_zone FROM community WHERE archived = 0 AND "
                             "(CAST($1 AS BIGINT) = 1 OR (CAST($1 AS BIGINT) = 2 AND company_id = "
                             "$2) OR (CAST($1 AS BIGINT) = 3 AND branch_id = $2)) ORDER BY id"};

static const struct query *const queries[] = {&Q_COMMUNITIES_OF, &Q_SPACE_PARENT, &Q_SPACE_CHILDREN,
                                              &Q_SPACE_PATH, NULL};
static const struct resource *const resources[] = {&res_company, &res_branch, &res_community,
                                                   &res_space, NULL};
static const struct perm perms[] = {{"estate.read", {"查看房产", "See the estate"}},
                                    {"estate.manage", {"管理房产", "Manage the estate"}},
                                    {0}};
#define GROUP                                                                                      \
    "estate",                                                                                      \
    {                                                                                              \
        "房产", "Estate"                                                                           \
    }
static const struct menu_item menu[] = {
    {GROUP, "spaces", {"空间", "Spaces"}, NULL, "spaces", "estate.read"},
    {GROUP, "communities", {"项目", "Communities"}, NULL, "communities", "estate.manage"},
    {GROUP, "companies", {"公司", "Companies"}, NULL, "companies", "estate.manage"},
    {GROUP, "branches", {"分公司", "Branches"}, NULL, "branches", "estate.manage"},
    {0}};
static const struct check checks[] = {
    {.name = "spaces without their parent",
     .query = {"check.space_parent", "SELECT s.id, s.name FROM space s LEFT JOIN space p ON p.id = "
                                     "s.parent_id AND p.community_id = s.community_id "
                                     "WHERE s.parent_id IS NOT NULL AND p.id IS NULL LIMIT 50"}},
    {0}};
const struct module estate_module = {.name = "estate",
                                     .purpose = "company, branch, community, the space tree",
                                     .resources = resources,
                                     .queries = {queries},
                                     .perms = perms,
                                     .menu = menu,
                                     .checks = checks};
