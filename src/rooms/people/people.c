/* people.c - the people room's tables, rules and name plate. Persons belong to one community: the
 * same owner in two estates is two rows, so that nothing leaks between them. ID-card numbers are
 * not taken until they can be kept encrypted. */
#include "rooms/people/people.h"

static const struct choice person_kinds[] = {{1, "person", {"个人", "Person"}, NULL},
                                             {2, "organisation", {"单位", "Organisation"}, "blue"},
                                             {0}};
static const struct choice tiers[] = {{TIER_VIP, "vip", {"VIP", "VIP"}, "amber"},
                                      {TIER_REGULAR, "regular", {"普通", "Regular"}, "grey"},
                                      {TIER_POTENTIAL, "potential", {"潜在", "Potential"}, "blue"},
                                      {0}};
static const struct field person_fields[PE__N] = {
    STANDARD_FIELDS,
    [PE_KIND] = {"kind", F_ENUM, FILTER | LIST, .choices = person_kinds, .label = {"类型", "Kind"}},
    [PE_NAME] = {"name", F_TEXT, REQUIRED | SEARCH | LIST | INDEXED, 1, 60,
                 .label = {"姓名", "Name"}},
    [PE_PHONE] = {"phone", F_PHONE, SEARCH | LIST | INDEXED | PERSONAL, .label = {"电话", "Phone"}},
    [PE_PHONE2] = {"phone2", F_PHONE, PERSONAL, .label = {"备用电话", "Second phone"}},
    [PE_TIER] = {"tier", F_ENUM, FILTER | LIST, .choices = tiers, .label = {"客户等级", "Tier"}},
    [PE_NOTE] = {"note", F_LONGTEXT, 0, 0, 1000, .label = {"备注", "Note"}},
};
static const struct choice identity_kinds[] = {
    {1, "plate", {"车牌", "Number plate"}, NULL},
    {2, "access_card", {"门禁卡", "Access card"}, NULL},
    {3, "wechat", {"微信", "WeChat"}, NULL},
    {4, "wecom", {"企业微信", "WeCom"}, NULL},
    {5, "credit_code", {"统一社会信用代码", "Credit code"}, NULL},
    {6, "contract", {"合同号", "Contract"}, NULL},
    {0}};
static const struct field identity_fields[ID__N] = {
    STANDARD_FIELDS,
    [ID_PERSON] = {"person_id", F_REF, REQUIRED | CREATE_ONLY | FILTER | LIST | INDEXED,
                   .ref = "people", .label = {"住户", "Person"}},
    [ID_KIND] = {"kind", F_ENUM, REQUIRED | FILTER | LIST, .choices = identity_kinds,
                 .label = {"类型", "Kind"}},
    [ID_VALUE] = {"value", F_TEXT, REQUIRED | SEARCH | LIST | INDEXED | PERSONAL, 2, 60,
                  .label = {"号码", "Number"}},
};
static const struct choice relations[] = {{REL_OWNER, "owner", {"业主", "Owner"}, "green"},
                                          {REL_TENANT, "tenant", {"租户", "Tenant"}, "blue"},
                                          {REL_FAMILY, "family", {"家属", "Family"}, "grey"},
                                          {REL_OTHER, "other", {"其他", "Other"}, "grey"},
                                          {0}};
static const struct field occupancy_fields[OC__N] = {
    STANDARD_FIELDS,
    [OC_PERSON] = {"person_id", F_REF, REQUIRED | CREATE_ONLY | FILTER | LIST | INDEXED,
                   .ref = "people", .label = {"住户", "Person"}},
    [OC_SPACE] = {"space_id", F_REF, REQUIRED | CREATE_ONLY | FILTER | LIST | INDEXED,
                  .ref = "spaces", .label = {"房屋", "Unit"}},
    [OC_RELATION] = {"relation", F_ENUM, REQUIRED | FILTER | LIST, .choices = relations,
                     .label = {"关系", "Relation"}},
    [OC_FROM] = {"from_date", F_DATE, REQUIRED | LIST, .label = {"起", "From"}},
    [OC_TO] = {"to_date", F_DATE, LIST, .label = {"止", "To"},
               .help = {"留空:至今", "empty: until now"}},
};

const struct query Q_PERSON_SPACES = {
    "people.spaces",
    "SELECT DISTINCT s.id, s.path_name FROM occupancy o JOIN space s ON s.id = o.space_id "
    "WHERE o.community_id = $2 AND o.person_id = $1 AND o.archived = 0 AND o.from_date <= $3 AND "
    "(o.to_date IS NULL OR o.to_date >= $3) "
    "ORDER BY s.id LIMIT 50"};
const struct query Q_SPACE_PERSONS = {
    "people.of_space",
    "SELECT p.id, p.name, p.phone, o.relation, p.tier FROM occupancy o JOIN person p ON p.id = "
    "o.person_id "
    "WHERE o.community_id = $1 AND o.space_id = $2 AND o.archived = 0 AND p.archived = 0 AND "
    "o.from_date <= $3 AND (o.to_date IS NULL OR o.to_date >= $3) "
    "ORDER BY o.relation, p.id LIMIT 30"};
static const struct query Q_TWIN = {"people.twin",
                                    "SELECT id FROM person WHERE community_id = $1 AND phone = $2 "
                                    "AND name = $3 AND archived = 0 AND id <> $4 LIMIT 1"};
static const struct query Q_DUPLICATES = {
    "people.duplicates",
    "SELECT a.id, a.name, a.phone, b.id, b.name, b.phone FROM person a JOIN person b ON "
    "b.community_id = a.community_id AND b.phone = a.phone AND b.id > a.id "
    "WHERE a.community_id = $1 AND a.phone IS NOT NULL AND a.archived = 0 AND b.archived = 0 ORDER "
    "BY a.id, b.id LIMIT 200"};

/* R1: the same name with the same phone is the same person. */
static enum err person_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    struct val id;
    if (!old && !row_has(neu, PE_KIND))
        row_put(neu, PE_KIND, v_int(1));
    if (!old && !row_has(neu, PE_TIER))
        row_put(neu, PE_TIER, v_int(TIER_REGULAR));
    if (!row_has(neu, PE_PHONE))
        return E_OK;
    int64_t self = old ? row_int(old, R_ID) : 0, community = row_int(old ? old : neu, R_COMMUNITY);
    enum err e = q_one(c, tx, &Q_TWIN,
                       IN(v_int(community), neu->v[PE_PHONE], neu->v[PE_NAME], v_int(self)), &id,
                       1);
    if (e == E_OK)
        return FAIL_FIELD(c, "phone", "duplicate", "已有同名同电话的住户(编号 %lld)",
                          "there is a person with this name and phone (id %lld)",
                          (long long)val_int(id));
    return e == E_MISSING ? E_OK : e;
}

/* R2: dates in order. R3: people live in units, shops and parking, not in corridors. */
static enum err occupancy_check(struct ctx *c, struct tx *tx, const struct row *old,
                                struct row *neu)
{
    struct row space;
    if (row_has(neu, OC_TO) && str_cmp(row_str(neu, OC_TO), row_str(neu, OC_FROM)) < 0)
        (void)FAIL_FIELD(c, "to_date", "order", "止日早于起日", "the end is before the start");
    if (old)
        return E_OK;
    TRY(res_load(c, tx, &res_space, row_int(neu, OC_SPACE), &space));
    int64_t kind = row_int(&space, SP_KIND);
    if (kind != SP_UNIT && kind != SP_PARKING)
        return FAIL_FIELD(c, "space_id", "kind", "只能登记到房屋或车位",
                          "only a unit or a parking space can be occupied");
    return E_OK;
}

static void put_phone(struct ctx *c, struct val phone, bool plain, struct buf *out)
{
    struct buf masked;
    if (plain) {
        buf_json(out, val_str(phone));
        return;
    }
    buf_init(&masked, c->mem, 100);
    buf_masked(&masked, &person_fields[PE_PHONE], val_str(phone));
    buf_json(out, buf_str(&masked));
}

/* Pairs that share a phone: what a clerk looks at before merging. */
static enum err duplicates(struct ctx *c, struct req *q)
{
    int64_t community;
    struct rows rows;
    TRY(req_community(c, q, "people.manage", &community));
    bool plain = who_may(c->who, "personal.read", community);
    TRY(q_rows(c, q->tx, &Q_DUPLICATES, IN(v_int(community)), 200, &rows));
    buf_put(&q->out, S("{\"items\":["));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        for (int k = 0; k < 2; k++) {
            buf_fmt(&q->out, "%s\"%s\":{\"id\":%lld,\"name\":",
                    k   ? ","
                    : i ? ",{"
                        : "{",
                    k ? "b" : "a", (long long)val_int(v[3 * k]));
            buf_json(&q->out, val_str(v[3 * k + 1]));
            buf_put(&q->out, S(",\"phone\":"));
            put_phone(c, v[3 * k + 2], plain, &q->out);
            buf_putc(&q->out, '}');
        }
        buf_put(&q->out, S(",\"why\":\"phone\"}"));
    }
    buf_put(&q->out, S("]}"));
    return E_OK;
}

#define PEOPLE_RIGHTS                                                                              \
    .read = "people.read", .create = "people.manage", .update = "people.manage",                   \
    .remove = "people.manage"
const struct resource res_person = {.name = "person",
                                    .path = "people",
                                    .label = {"住户", "Person"},
                                    .fields = person_fields,
                                    .nfields = PE__N,
                                    .title = "name",
                                    PEOPLE_RIGHTS,
                                    .check = person_check};
const struct resource res_identity = {.name = "person_identity",
                                      .path = "identities",
                                      .label = {"证件与车牌", "Identity"},
                                      .fields = identity_fields,
                                      .nfields = ID__N,
                                      .title = "value",
                                      PEOPLE_RIGHTS};
const struct resource res_occupancy = {.name = "occupancy",
                                       .path = "occupancies",
                                       .label = {"入住关系", "Occupancy"},
                                       .fields = occupancy_fields,
                                       .nfields = OC__N,
                                       .title = "id",
                                       PEOPLE_RIGHTS,
                                       .check = occupancy_check};

static const struct query *const queries[] = {&Q_PERSON_SPACES, &Q_SPACE_PERSONS, &Q_TWIN,
                                              &Q_DUPLICATES, NULL};
static const struct resource *const resources[] = {&res_person, &res_identity, &res_occupancy,
                                                   NULL};
static const struct field duplicates_query[] = {
    {"community_id", F_REF, 0, .ref = "communities", .label = {"项目", "Community"}}};
#define TWIN "{id:int,name:str,phone:str?}"
static const struct route routes[] = {{"GET",
                                       "/api/v1/people/duplicates",
                                       "people.manage",
                                       0,
                                       NULL,
                                       duplicates,
                                       duplicates_query,
                                       COUNT_OF(duplicates_query),
                                       {"疑似重复", "Likely duplicates"},
                                       "{items:[{a:" TWIN ",b:" TWIN ",why:str}]}",
                                       0,
                                       NULL},
                                      {0}};
static const struct perm perms[] = {{"people.read", {"查看住户", "See people"}},
                                    {"people.manage", {"管理住户", "Manage people"}},
                                    {0}};
#define GROUP                                                                                      \
    "people",                                                                                      \
    {                                                                                              \
        "住户", "People"                                                                           \
    }
static const struct menu_item menu[] = {
    {GROUP, "people", {"住户", "People"}, NULL, "people", "people.read"},
    {GROUP, "occupancies", {"入住关系", "Occupancies"}, NULL, "occupancies", "people.read"},
    {GROUP, "identities", {"证件与车牌", "Identities"}, NULL, "identities", "people.manage"},
    {0}};
static const struct check checks[] = {
    {"occupancies of nobody or nowhere",
     {"check.occupancy", "SELECT o.id, 'person or space missing' FROM occupancy o LEFT JOIN person "
                         "p ON p.id = o.person_id AND p.community_id = o.community_id "
                         "LEFT JOIN space s ON s.id = o.space_id AND s.community_id = "
                         "o.community_id WHERE p.id IS NULL OR s.id IS NULL LIMIT 50"}},
    {0}};
const struct module people_module = {.name = "people",
                                     .purpose = "persons, organisations, identities, occupancy",
                                     .resources = resources,
                                     .queries = queries,
                                     .routes = routes,
                                     .perms = perms,
                                     .menu = menu,
                                     .checks = checks};
