/* people.c - the people room's tables, rules and name plate. Persons belong to one community: the
 * same owner in two estates is two rows, so that nothing leaks between them. ID
 * numbers are optional, checked, and kept encrypted. */
#include "rooms/people/idnum.h"
#include "rooms/people/room.h"

static const struct choice person_kinds[] = {{1, "person", {"个人", "Person"}, NULL},
                                             {2, "organisation", {"单位", "Organisation"}, "blue"},
                                             {0}};
static const struct choice tiers[] = {{TIER_VIP, "vip", {"VIP", "VIP"}, "amber"},
                                      {TIER_REGULAR, "regular", {"普通", "Regular"}, "grey"},
                                      {TIER_POTENTIAL, "potential", {"潜在", "Potential"}, "blue"},
                                      {0}};
enum { DOC_ID_CARD = 1, DOC_PASSPORT, DOC_PERMIT, DOC_OTHER };
static const struct choice documents[] = {
    {DOC_ID_CARD, "id_card", {"居民身份证", "ID card"}, NULL},
    {DOC_PASSPORT, "passport", {"护照", "Passport"}, NULL},
    {DOC_PERMIT, "permit", {"港澳台通行证", "Travel permit"}, NULL},
    {DOC_OTHER, "other", {"其他", "Other"}, NULL},
    {0}};
const struct field person_fields[PE__N] = {
    STANDARD_FIELDS,
    [PE_KIND] = {"kind", F_ENUM, FILTER | LIST, .choices = person_kinds, .label = {"类型", "Kind"}},
    [PE_NAME] = {"name", F_TEXT, REQUIRED | SEARCH | LIST | INDEXED | UNLOGGED, 1, 60,
                 .label = {"姓名", "Name"}},
    [PE_PHONE] = {"phone", F_PHONE, SEARCH | LIST | INDEXED | PERSONAL, .label = {"电话", "Phone"}},
    [PE_PHONE2] = {"phone2", F_PHONE, PERSONAL, .label = {"备用电话", "Second phone"}},
    [PE_TIER] = {"tier", F_ENUM, FILTER | LIST, .choices = tiers, .label = {"客户等级", "Tier"}},
    [PE_ID_KIND] = {"id_kind", F_ENUM, 0, .choices = documents, .label = {"证件类型", "Document"}},
    [PE_ID_NUMBER] = {"id_number", F_TEXT, PERSONAL | ENCRYPTED | FILTER, 4, 30,
                      .label = {"证件号码", "Document number"},
                      .help = {"非必要不采集;加密保存,只能按完整号码查找",
                               "only where it is needed; kept encrypted, found by its whole value "
                               "only"}},
    [PE_ID_INDEX] = {"id_number_index", F_TEXT, UNIQUE | HIDDEN | SERVER_SET,
                     .label = {"证件号码", "Document number"}},
    [PE_RESTRICTED] = {"restricted_at", F_INSTANT, SERVER_SET | FILTER,
                       .label = {"限制处理自", "Restricted since"}},
    [PE_ERASED] = {"erased_at", F_INSTANT, SERVER_SET | FILTER,
                   .label = {"匿名化于", "Anonymous since"}},
    [PE_NOTE] = {"note", F_LONGTEXT, UNLOGGED, 0, 1000, .label = {"备注", "Note"}},
};
static const struct choice identity_kinds[] = {
    {1, "plate", {"车牌", "Number plate"}, NULL},
    {2, "access_card", {"门禁卡", "Access card"}, NULL},
    {3, "wechat", {"微信", "WeChat"}, NULL},
    {4, "wecom", {"企业微信", "WeCom"}, NULL},
    {IDENTITY_CREDIT_CODE, "credit_code", {"统一社会信用代码", "Credit code"}, NULL},
    {IDENTITY_CONTRACT, "contract", {"合同号", "Contract"}, NULL},
    {0}};
static const struct field identity_fields[ID__N] = {
    STANDARD_FIELDS,
    [ID_PERSON] = {"person_id", F_REF, REQUIRED | CREATE_ONLY | FILTER | LIST | INDEXED,
                   .ref = "people", .label = {"住户", "Person"}},
    [ID_KIND] = {"kind", F_ENUM, REQUIRED | FILTER | LIST, .choices = identity_kinds,
                 .label = {"类型", "Kind"}},
    [ID_VALUE] = {"value", F_TEXT, REQUIRED | SEARCH | LIST | INDEXED | PERSONAL, 2, 60,
                  .label = {"号码", "Number"}},
    [ID_KEY] = {"value_key", F_TEXT, INDEXED | UNLOGGED | HIDDEN | SERVER_SET, 0, 60,
                .label = {"号码(查找用)", "Number as it is looked for"}},
};
/* A plate is told by its last characters, as a phone by its last digits. */
static const struct index identity_indexes[] = {
    {"person_identity_end", "community_id, substr(value_key, length(value_key) - 3)", NULL, false}};
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
    "SELECT DISTINCT p.id, p.name, p.phone, o.relation, p.tier FROM occupancy o JOIN person p ON "
    "p.id = "
    "o.person_id "
    "WHERE o.community_id = $1 AND o.space_id = $2 AND o.archived = 0 AND p.archived = 0 AND "
    "p.restricted_at IS NULL AND "
    "o.from_date <= $3 AND (o.to_date IS NULL OR o.to_date >= $3) "
    "ORDER BY o.relation, p.id LIMIT 30"};
static const struct query Q_TWIN = {"people.twin",
                                    "SELECT id FROM person WHERE community_id = $1 AND phone = $2 "
                                    "AND name = $3 AND archived = 0 AND id <> $4 LIMIT 1"};
/* R5: an ID card number is right by its own check digit; it belongs to a person. Only a number just
 * given is plain text here. */
static enum err document_check(struct ctx *c, struct row *neu)
{
    if (!(neu->set & BIT(PE_ID_NUMBER)) || !row_has(neu, PE_ID_NUMBER))
        return E_OK;
    if (row_int(neu, PE_KIND) != 1)
        return FAIL_FIELD(c, "id_number", "kind", "单位没有个人证件", "an organisation has no ID");
    if (!row_has(neu, PE_ID_KIND))
        row_put(neu, PE_ID_KIND, v_int(DOC_ID_CARD));
    if (row_int(neu, PE_ID_KIND) != DOC_ID_CARD)
        return E_OK;
    struct str s = row_str(neu, PE_ID_NUMBER);
    if (!idcard_valid(s))
        return FAIL_FIELD(c, "id_number", "format", "身份证号码不正确,请核对 18 位号码",
                          "not a valid ID card number; check its 18 characters");
    if (s.n && s.p[s.n - 1] == 'x')
        row_put(neu, PE_ID_NUMBER, v_text(arena_fmt(c->mem, "%.17sX", s.p)));
    return E_OK;
}

/* R1: the same name with the same phone is the same person. */
enum err person_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    struct val id;
    if (!old && !row_has(neu, PE_KIND))
        row_put(neu, PE_KIND, v_int(1));
    if (!old && !row_has(neu, PE_TIER))
        row_put(neu, PE_TIER, v_int(TIER_REGULAR));
    TRY(document_check(c, neu));
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

/* A restricted person is only kept: in no list, page, search or export but those of whoever handles
 * his request (rooms/privacy, P5). */
#define UNRESTRICTED                                                                               \
    "NOT EXISTS (SELECT 1 FROM person rp WHERE rp.id = person_id AND rp.restricted_at IS NOT "     \
    "NULL)"
#define PEOPLE_RIGHTS                                                                              \
    .read = "people.read", .create = "people.manage", .update = "people.manage",                   \
    .remove = "people.manage"
/* The desk finds people by the last digits of a phone. */
static const struct index person_indexes[] = {
    {"person_phone_end", "community_id, substr(phone, length(phone) - 3)", NULL, false},
    {"person_phone2_end", "community_id, substr(phone2, length(phone2) - 3)", NULL, false}};
const struct resource res_person = {.name = "person",
                                    .path = "people",
                                    .label = {"住户", "Person"},
                                    .fields = person_fields,
                                    .nfields = PE__N,
                                    .indexes = person_indexes,
                                    .nindexes = COUNT_OF(person_indexes),
                                    .title = "name",
                                    .words = true,
                                    PEOPLE_RIGHTS,
                                    .veil = {"privacy.restricted", "restricted_at IS NULL"},
                                    .check = person_check};
const struct resource res_identity = {.name = "person_identity",
                                      .path = "identities",
                                      .label = {"证件与车牌", "Identity"},
                                      .fields = identity_fields,
                                      .nfields = ID__N,
                                      .indexes = identity_indexes,
                                      .nindexes = COUNT_OF(identity_indexes),
                                      .title = "value",
                                      PEOPLE_RIGHTS,
                                      .veil = {"privacy.restricted", UNRESTRICTED},
                                      .check = identity_check};
const struct resource res_occupancy = {.name = "occupancy",
                                       .path = "occupancies",
                                       .label = {"入住关系", "Occupancy"},
                                       .fields = occupancy_fields,
                                       .nfields = OC__N,
                                       .title = "id",
                                       PEOPLE_RIGHTS,
                                       .veil = {"privacy.restricted", UNRESTRICTED},
                                       .check = occupancy_check};

static const struct query *const queries[] = {&Q_PERSON_SPACES, &Q_SPACE_PERSONS, &Q_TWIN, NULL};
static const struct resource *const resources[] = {&res_person, &res_identity,  &res_occupancy,
                                                   &res_merge,  &res_merge_row, NULL};
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
                                       "{items:[{a:" TWIN ",b:" TWIN ",why:[str]}]}",
                                       0,
                                       NULL},
                                      {"GET",
                                       "/api/v1/people/quality",
                                       "people.manage",
                                       0,
                                       NULL,
                                       quality_get,
                                       duplicates_query,
                                       COUNT_OF(duplicates_query),
                                       {"资料缺什么", "What the records lack"},
                                       "{groups:[{what:str,resource:str,text:str,items:[{id:int,"
                                       "title:str}],more:bool}]}",
                                       0,
                                       NULL},
                                      {"GET",
                                       "/api/v1/people/{id}/merge-preview",
                                       "people.manage",
                                       0,
                                       NULL,
                                       merge_preview,
                                       preview_query,
                                       PREVIEW_QUERY,
                                       {"合并预览", "What a merge would do"},
                                       "{keep:int,gone:int,obstacles:[{code:str,message:str}],"
                                       "fields:[{name:str,keep:any?,gone:any?,same:bool,"
                                       "result:(keep|gone|both)}],"
                                       "moves:[{resource:str,label:str,moved:int,put_away:int}]}",
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
    {GROUP, "quality", {"资料待完善", "Records to mend"}, "quality", NULL, "people.manage"},
    {GROUP, "duplicates", {"疑似重复", "Duplicates"}, "duplicates", NULL, "people.manage"},
    {GROUP, "person-merges", {"合并记录", "Merges"}, NULL, "person-merges", "people.manage"},
    {0}};
static const struct check checks[] = {
    {.name = "occupancies of nobody or nowhere",
     .query = {"check.occupancy",
               "SELECT o.id, 'person or space missing' FROM occupancy o LEFT JOIN person "
               "p ON p.id = o.person_id AND p.community_id = o.community_id "
               "LEFT JOIN space s ON s.id = o.space_id AND s.community_id = "
               "o.community_id WHERE p.id IS NULL OR s.id IS NULL LIMIT 50"}},
    {.name = "rows of somebody who was merged into another",
     .query = {"check.merged",
               "SELECT o.id, 'still points to a person who was merged' FROM occupancy o JOIN "
               "person_merge m ON m.gone_id = o.person_id AND m.state = 1 WHERE o.archived = 0 "
               "LIMIT 50"}},
    {0}};
const struct module people_module = {.name = "people",
                                     .purpose = "persons, organisations, identities, occupancy",
                                     .resources = resources,
                                     .queries = {queries, identity_queries, plan_queries,
                                                 merge_queries, duplicate_queries, quality_queries},
                                     .routes = {routes},
                                     .perms = perms,
                                     .menu = menu,
                                     .checks = checks,
                                     .fixups = people_fixups};
