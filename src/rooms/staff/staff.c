/* staff.c - the staff room's tables, queries and name plate. Who is on duty is a fact of the shift
 * plan, never a switch. */
#include "rooms/staff/staff.h"

static const struct field department_fields[DP__N] = {
    STANDARD_FIELDS,
    [DP_NAME] = {"name", F_TEXT, REQUIRED | UNIQUE | SEARCH | LIST, 1, 60,
                 .label = {"部门", "Department"}},
    [DP_HEAD] = {"head_id", F_REF, LIST, .ref = "staff", .label = {"主管", "Head"},
                 .help = {"工单时限将到时提醒", "told when a clock of theirs runs out"}}};
static const struct field post_fields[PO__N] = {
    STANDARD_FIELDS, [PO_NAME] = {"name", F_TEXT, REQUIRED | UNIQUE | SEARCH | LIST, 1, 60,
                                  .label = {"岗位", "Post"}}};
static const struct field skill_fields[SK__N] = {
    STANDARD_FIELDS,
    [SK_NAME] = {"name", F_TEXT, REQUIRED | UNIQUE | SEARCH | LIST, 1, 40,
                 .label = {"技能", "Skill"}},
    [SK_CERTIFICATE] = {"needs_certificate", F_BOOL, LIST,
                        .label = {"须持证", "Needs a certificate"},
                        .help = {"没有有效证书的不能派", "nobody is sent without one in force"}}};
static const struct field staff_fields[ST__N] = {
    STANDARD_FIELDS,
    [ST_NAME] = {"name", F_TEXT, REQUIRED | SEARCH | LIST, 1, 40, .label = {"姓名", "Name"}},
    [ST_PHONE] = {"phone", F_PHONE, SEARCH | LIST, .label = {"工作电话", "Work phone"}},
    [ST_DEPARTMENT] = {"department_id", F_REF, FILTER | LIST, .ref = "departments",
                       .label = {"部门", "Department"}},
    [ST_POST] = {"post_id", F_REF, FILTER | LIST, .ref = "posts", .label = {"岗位", "Post"}},
    [ST_USER] = {"user_id", F_REF, INDEXED, .ref = "users", .label = {"登录用户", "Login"}},
    [ST_DESK] = {"takes_calls", F_BOOL, FILTER | LIST, .label = {"首问责任", "First contact"},
                 .help = {"自助提交的请求由其负责首问",
                          "owns requests that customers enter themselves"}},
    [ST_WORKER] = {"takes_orders", F_BOOL, FILTER | LIST, .label = {"接工单", "Takes orders"}},
};
static const struct field staff_skill_fields[SS__N] = {
    STANDARD_FIELDS,
    [SS_STAFF] = {"staff_id", F_REF, REQUIRED | CREATE_ONLY | FILTER | LIST | INDEXED,
                  .ref = "staff", .label = {"员工", "Staff"}},
    [SS_SKILL] = {"skill_id", F_REF, REQUIRED | CREATE_ONLY | FILTER | LIST, .ref = "skills",
                  .label = {"技能", "Skill"}},
    [SS_CERTIFICATE] = {"certificate", F_TEXT, LIST, 0, 60, .label = {"证书编号", "Certificate"}},
    [SS_VALID_TO] = {"valid_to", F_DATE, FILTER | LIST, .label = {"有效期至", "Valid to"}},
};
static const struct field zone_fields[SZ__N] = {
    STANDARD_FIELDS,
    [SZ_STAFF] = {"staff_id", F_REF, REQUIRED | CREATE_ONLY | FILTER | LIST | INDEXED,
                  .ref = "staff", .label = {"员工", "Staff"}},
    [SZ_SPACE] = {"space_id", F_REF, REQUIRED | CREATE_ONLY | FILTER | LIST, .ref = "spaces",
                  .label = {"负责区域", "Zone"}},
};
static const struct field shift_fields[SH__N] = {
    STANDARD_FIELDS,
    [SH_STAFF] = {"staff_id", F_REF, REQUIRED | CREATE_ONLY | FILTER | LIST | INDEXED,
                  .ref = "staff", .label = {"员工", "Staff"}},
    [SH_FROM] = {"starts_at", F_INSTANT, REQUIRED | FILTER | SORT | LIST,
                 .label = {"开始", "Starts"}},
    [SH_TO] = {"ends_at", F_INSTANT, REQUIRED | LIST, .label = {"结束", "Ends"}},
};
static const struct index shift_indexes[] = {
    {"shift_now", "community_id, staff_id, ends_at, starts_at", NULL, false}};

/* R1: a shift ends after it starts, within 36 hours. */
static enum err shift_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    (void)tx;
    (void)old;
    int64_t ms = row_int(neu, SH_TO) - row_int(neu, SH_FROM);
    if (ms <= 0)
        return FAIL_FIELD(c, "ends_at", "order", "结束早于开始", "the end is before the start");
    if (ms > INT64_C(36) * 3600 * 1000)
        return FAIL_FIELD(c, "ends_at", "max", "一个班次最长 36 小时",
                          "a shift lasts at most 36 hours");
    return E_OK;
}

#define ON_DUTY                                                                                    \
    "EXISTS (SELECT 1 FROM shift h WHERE h.community_id = s.community_id AND h.staff_id = s.id "   \
    "AND h.archived = 0 AND h.ends_at > $3 AND h.starts_at <= $3)"
#define HAS_SKILL                                                                                  \
    "(CAST($2 AS BIGINT) IS NULL OR EXISTS (SELECT 1 FROM staff_skill k WHERE k.community_id = "   \
    "s.community_id AND k.staff_id = s.id AND k.archived = 0 AND k.skill_id = CAST($2 AS "         \
    "BIGINT)))"
const struct query Q_STAFF_FIT = {
    "staff.fit",
    "SELECT CASE WHEN " ON_DUTY " THEN 1 ELSE 0 END, CASE WHEN " HAS_SKILL " THEN 1 ELSE 0 END "
    "FROM staff s WHERE s.community_id = $1 AND s.id = $4 AND s.archived = 0"};
const struct query Q_WORKERS = {"staff.workers",
                                "SELECT s.id, s.name, CASE WHEN " ON_DUTY
                                " THEN 1 ELSE 0 END, CASE WHEN " HAS_SKILL " THEN 1 ELSE 0 END "
                                "FROM staff s WHERE s.community_id = $1 AND s.takes_orders = 1 AND "
                                "s.archived = 0 ORDER BY s.id LIMIT 200"};
const struct query Q_STAFF_SKILLS = {
    "staff.skills",
    "SELECT n.name FROM staff_skill k JOIN skill n ON n.id = k.skill_id "
    "WHERE k.community_id = $1 AND k.staff_id = $2 AND k.archived = 0 ORDER BY n.id LIMIT 20"};
const struct query Q_DESK_MEMBER = {
    "staff.desk_member", "SELECT s.id FROM staff s WHERE s.community_id = $1 AND s.takes_calls = 1 "
                         "AND s.archived = 0 ORDER BY "
                         "CASE WHEN EXISTS (SELECT 1 FROM shift h WHERE h.community_id = "
                         "s.community_id AND h.staff_id = s.id AND h.archived = 0 AND h.ends_at > "
                         "$2 AND h.starts_at <= $2) THEN 0 ELSE 1 END, s.id LIMIT 1"};

#define STAFF_RIGHTS                                                                               \
    .read = "staff.read", .create = "staff.manage", .update = "staff.manage",                      \
    .remove = "staff.manage"
const struct resource res_department = {.name = "department",
                                        .path = "departments",
                                        .label = {"部门", "Department"},
                                        .fields = department_fields,
                                        .nfields = DP__N,
                                        .title = "name",
                                        STAFF_RIGHTS};
const struct resource res_post = {.name = "post",
                                  .path = "posts",
                                  .label = {"岗位", "Post"},
                                  .fields = post_fields,
                                  .nfields = PO__N,
                                  .title = "name",
                                  STAFF_RIGHTS};
const struct resource res_skill = {.name = "skill",
                                   .path = "skills",
                                   .label = {"技能", "Skill"},
                                   .fields = skill_fields,
                                   .nfields = SK__N,
                                   .title = "name",
                                   STAFF_RIGHTS};
const struct resource res_staff = {.name = "staff",
                                   .path = "staff",
                                   .label = {"员工", "Staff"},
                                   .fields = staff_fields,
                                   .nfields = ST__N,
                                   .title = "name",
                                   STAFF_RIGHTS};
const struct resource res_staff_skill = {.name = "staff_skill",
                                         .path = "staff-skills",
                                         .label = {"员工技能", "Staff skill"},
                                         .fields = staff_skill_fields,
                                         .nfields = SS__N,
                                         .title = "id",
                                         STAFF_RIGHTS};
const struct resource res_staff_zone = {.name = "staff_zone",
                                        .path = "staff-zones",
                                        .label = {"负责区域", "Staff zone"},
                                        .fields = zone_fields,
                                        .nfields = SZ__N,
                                        .title = "id",
                                        STAFF_RIGHTS};
const struct resource res_shift = {.name = "shift",
                                   .path = "shifts",
                                   .label = {"班次", "Shift"},
                                   .fields = shift_fields,
                                   .nfields = SH__N,
                                   .indexes = shift_indexes,
                                   .nindexes = 1,
                                   .title = "id",
                                   .default_sort = "-starts_at",
                                   STAFF_RIGHTS,
                                   .check = shift_check};

static const struct query Q_CERTIFIED = {
    "staff.certified",
    "SELECT CASE WHEN COALESCE(k.needs_certificate, 0) = 0 OR EXISTS (SELECT 1 FROM staff_skill s "
    "WHERE s.community_id = $1 AND s.staff_id = $2 AND s.skill_id = $3 AND s.archived = 0 AND "
    "s.valid_to >= $4) THEN 1 ELSE 0 END FROM skill k WHERE k.community_id = $1 AND k.id = $3"};

enum err staff_certified(struct ctx *c, struct tx *tx, int64_t community, int64_t staff,
                         struct val skill, bool *ret)
{
    struct val yes = v_int(1);
    if (skill.t == V_INT) {
        struct str today = date_text(c->mem, zone_date(app_zone(community), c->now_ms));
        enum err e = q_one(c, tx, &Q_CERTIFIED,
                           IN(v_int(community), v_int(staff), skill, v_text(today)), &yes, 1);
        if (e != E_OK && e != E_MISSING)
            return e;
    }
    *ret = val_int(yes);
    return E_OK;
}

static const struct query *const queries[] = {&Q_STAFF_FIT,   &Q_WORKERS,   &Q_STAFF_SKILLS,
                                              &Q_DESK_MEMBER, &Q_CERTIFIED, NULL};
static const struct resource *const resources[] = {
    &res_department,  &res_post,       &res_skill, &res_staff,
    &res_staff_skill, &res_staff_zone, &res_shift, NULL};
static const struct perm perms[] = {
    {"staff.read", {"查看员工", "See staff"}}, {"staff.manage", {"管理员工", "Manage staff"}}, {0}};
#define GROUP                                                                                      \
    "staff",                                                                                       \
    {                                                                                              \
        "员工", "Staff"                                                                            \
    }
static const struct menu_item menu[] = {
    {GROUP, "staff", {"员工", "Staff"}, NULL, "staff", "staff.read"},
    {GROUP, "shifts", {"班次", "Shifts"}, NULL, "shifts", "staff.read"},
    {GROUP, "departments", {"部门", "Departments"}, NULL, "departments", "staff.manage"},
    {GROUP, "posts", {"岗位", "Posts"}, NULL, "posts", "staff.manage"},
    {GROUP, "skills", {"技能", "Skills"}, NULL, "skills", "staff.manage"},
    {GROUP, "staff-skills", {"员工技能", "Staff skills"}, NULL, "staff-skills", "staff.manage"},
    {GROUP, "staff-zones", {"负责区域", "Zones"}, NULL, "staff-zones", "staff.manage"},
    {0}};
const struct module staff_module = {.name = "staff",
                                    .purpose = "departments, posts, staff, skills, shifts",
                                    .resources = resources,
                                    .queries = {queries},
                                    .perms = perms,
                                    .menu = menu};
