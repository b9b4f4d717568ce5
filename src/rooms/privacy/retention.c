/* retention.c - how long what is kept, as rows; a nightly job in bounded pieces; what would go, and
 * what went. A rule is seeded switched off: nothing goes before somebody looked at it (P7). */
#include "rooms/privacy/room.h"

#define DAY_MS INT64_C(86400000)
enum { PAGE = 201, PIECE = 100, PEOPLE_PIECE = 10, PREVIEW = 50, RULES = 500 };

static const struct choice classes[] = {
    {KEEP_TICKETS, "ticket_contacts", {"已结工单的联系人", "Contacts in closed tickets"}, NULL},
    {KEEP_PEOPLE, "former_residents", {"已迁出住户", "Former residents"}, NULL},
    {KEEP_REQUESTS, "data_requests", {"已办结的个人信息请求", "Finished data requests"}, NULL},
    {KEEP_CONSENTS, "withdrawn_consents", {"已撤回的同意", "Withdrawn consents"}, NULL},
    {0}};
static const struct choice deeds[] = {{DO_ANONYMISE, "anonymise", {"匿名化", "Anonymise"}, "amber"},
                                      {DO_DELETE, "delete", {"删除", "Delete"}, "red"},
                                      {0}};
static const struct field rule_fields[RR__N] = {
    STANDARD_FIELDS,
    [RR_CLASS] = {"data_class", F_ENUM, REQUIRED | CREATE_ONLY | FILTER | LIST, .choices = classes,
                  .label = {"数据类别", "Data"}},
    [RR_DAYS] = {"keep_days", F_INT, REQUIRED | LIST, 30, 36500,
                 .label = {"保存天数", "Keep for days"}},
    [RR_ACTION] = {"action", F_ENUM, REQUIRED | LIST, .choices = deeds,
                   .label = {"到期处理", "Then"}},
    [RR_BASIS] = {"basis", F_TEXT, REQUIRED | LIST, 2, 200, .label = {"依据", "Legal basis"}},
    [RR_ENABLED] = {"enabled", F_BOOL, LIST, .label = {"启用", "Enabled"}},
};
static const struct index rule_indexes[] = {
    {"retention_rule_class", "community_id, data_class", "archived = 0", true}};
static const struct field run_fields[RU__N] = {
    STANDARD_FIELDS,
    [RU_RULE] = {"rule_id", F_REF, SERVER_SET | FILTER | LIST, .ref = "retention-rules",
                 .label = {"规则", "Rule"}},
    [RU_ROWS] = {"row_count", F_INT, SERVER_SET | LIST, .label = {"处理条数", "Rows"}},
    [RU_BEFORE] = {"before_at", F_INSTANT, SERVER_SET | LIST, .label = {"早于", "Older than"}},
};

/* --- what each class is --- */

/* Each: $1 community, $2 before → id, since; $2 is an instant, or a civil date where dated. */
static const struct query Q_TICKETS = {
    "retain.tickets",
    "SELECT id, COALESCE(closed_at, updated_at) FROM ticket WHERE community_id = $1 AND state >= 8 "
    "AND COALESCE(closed_at, updated_at) < $2 AND (contact_phone IS NOT NULL OR contact_name IS "
    "NOT NULL AND contact_name NOT LIKE '匿名%') ORDER BY id LIMIT 201"};
static const struct query Q_PEOPLE = {
    "retain.people",
    "SELECT p.id, p.created_at FROM person p WHERE p.community_id = $1 AND p.erased_at IS NULL AND "
    "EXISTS (SELECT 1 FROM occupancy o WHERE o.community_id = $1 AND o.person_id = p.id) AND NOT "
    "EXISTS (SELECT 1 FROM occupancy o WHERE o.community_id = $1 AND o.person_id = p.id AND "
    "o.archived = 0 AND (o.to_date IS NULL OR o.to_date >= $2)) AND NOT EXISTS (SELECT 1 FROM "
    "ticket t WHERE t.community_id = $1 AND t.person_id = p.id AND t.state < 8) ORDER BY p.id "
    "LIMIT 201"};
static const struct query Q_REQUESTS = {
    "retain.requests",
    "SELECT id, finished_at FROM data_request WHERE community_id = $1 AND finished_at < $2 AND "
    "(detail IS NOT NULL OR answer IS NOT NULL) ORDER BY id LIMIT 201"};
static const struct query Q_CONSENTS = {
    "retain.consents", "SELECT id, withdrawn_at FROM consent WHERE community_id = $1 AND "
                       "withdrawn_at < $2 ORDER BY id LIMIT 201"};
static const struct query Q_NO_CONSENT = {"retain.no_consent", "DELETE FROM consent WHERE id = $1"};
static const struct query Q_ENABLED = {
    "retain.enabled",
    "SELECT id FROM retention_rule WHERE enabled = 1 AND archived = 0 ORDER BY id LIMIT 500"};
static const struct query Q_ANY = {"retain.any",
                                   "SELECT id FROM retention_rule WHERE community_id = $1 LIMIT 1"};
const struct query *const retention_queries[] = {&Q_TICKETS, &Q_PEOPLE, &Q_REQUESTS,   &Q_CONSENTS,
                                                 &Q_ENABLED, &Q_ANY,    &Q_NO_CONSENT, NULL};

static enum err old_ticket(struct ctx *c, struct tx *tx, int64_t id)
{
    struct words none = {.n = 0};
    struct row t;
    TRY(res_load(c, tx, &res_ticket, id, &t));
    int64_t person = row_int(&t, T_PERSON);
    return erase_ticket(c, tx, id, person ? anonymous(c, person) : S("匿名"), &none);
}

static enum err old_person(struct ctx *c, struct tx *tx, int64_t id)
{
    bool more; /* then he is found again by the next piece */
    return erase_person(c, tx, id, &more);
}

static enum err old_request(struct ctx *c, struct tx *tx, int64_t id)
{
    struct row old, neu = {0};
    TRY(res_load(c, tx, &res_data_request, id, &old));
    row_put(&neu, DR_DETAIL, v_null());
    row_put(&neu, DR_ANSWER, v_null());
    TRY(event_hush(c, tx, &res_data_request, id));
    return res_store(c, tx, &res_data_request, &old, &neu, "data_request.anonymised",
                     S("\"action\":\"anonymise\""));
}

static enum err old_consent(struct ctx *c, struct tx *tx, int64_t id)
{
    struct row old;
    TRY(res_load(c, tx, &res_consent, id, &old));
    struct event e = {.topic = "consent.deleted",
                      .res = &res_consent,
                      .id = id,
                      .community_id = row_int(&old, R_COMMUNITY),
                      .data = S("{\"action\":\"delete\"}")};
    TRY(tx_emit(c, tx, &e));
    return q_do(c, tx, &Q_NO_CONSENT, IN(v_int(id)), NULL);
}

static const struct kind {
    int action, days; /* the one action it can be; the seed */
    bool dated;
    const struct resource *res;
    const struct query *old;
    enum err (*go)(struct ctx *c, struct tx *tx, int64_t id);
    size_t piece;
    const char *basis; /* of the seed */
} kinds[] = {
    [KEEP_TICKETS] = {DO_ANONYMISE, 730, false, &res_ticket, &Q_TICKETS, old_ticket, PIECE,
                      "投诉报修记录 2 年(惯例)"},
    [KEEP_PEOPLE] = {DO_ANONYMISE, 1095, true, &res_person, &Q_PEOPLE, old_person, PEOPLE_PIECE,
                     "合同终止后 3 年(诉讼时效)"},
    [KEEP_REQUESTS] = {DO_ANONYMISE, 1095, false, &res_data_request, &Q_REQUESTS, old_request,
                       PIECE, "个人信息保护法 3 年"},
    [KEEP_CONSENTS] = {DO_DELETE, 1095, false, &res_consent, &Q_CONSENTS, old_consent, PIECE,
                       "个人信息保护法 3 年"},
};

static enum err rule_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    (void)tx;
    if (row_int(neu, RR_ACTION) != kinds[row_int(neu, RR_CLASS)].action)
        return FAIL_FIELD(c, "action", "choice", "这类数据不能这样处理",
                          "this data cannot be treated so");
    if (!old && !row_has(neu, RR_ENABLED))
        row_put(neu, RR_ENABLED, v_int(0));
    return E_OK;
}

const struct resource res_retention_rule = {.name = "retention_rule",
                                            .path = "retention-rules",
                                            .label = {"保存期限规则", "Retention rule"},
                                            .fields = rule_fields,
                                            .nfields = RR__N,
                                            .indexes = rule_indexes,
                                            .nindexes = 1,
                                            .title = "basis",
                                            .read = "privacy.read",
                                            .create = "privacy.manage",
                                            .update = "privacy.manage",
                                            .remove = "privacy.manage",
                                            .check = rule_check};
const struct resource res_retention_run = {.name = "retention_run",
                                           .path = "retention-runs",
                                           .label = {"清理记录", "Retention run"},
                                           .fields = run_fields,
                                           .nfields = RU__N,
                                           .title = "id",
                                           .read = "privacy.read"};

/* --- what would go, and going --- */

static enum err find_old(struct ctx *c, struct tx *tx, const struct row *rule, struct rows *ret,
                         int64_t *ret_before_ms)
{
    const struct kind *k = &kinds[row_int(rule, RR_CLASS)];
    int64_t community = row_int(rule, R_COMMUNITY);
    int64_t before_ms = c->now_ms - row_int(rule, RR_DAYS) * DAY_MS;
    struct str date = date_text(c->mem, zone_date(app_zone(community), before_ms));
    *ret_before_ms = before_ms;
    return q_rows(c, tx, k->old, IN(v_int(community), k->dated ? v_text(date) : v_int(before_ms)),
                  PAGE, ret);
}

enum err retention_preview(struct ctx *c, struct req *q)
{
    struct row rule;
    struct rows rows;
    int64_t before_ms;
    TRY(res_load_seen(c, q->tx, &res_retention_rule, q->ids[0], &rule));
    const struct zone *z = app_zone(row_int(&rule, R_COMMUNITY));
    if (!who_may(c->who, "privacy.manage", row_int(&rule, R_COMMUNITY)))
        return FAIL(c, E_DENIED, "您的岗位不能查看", "your role may not see this");
    TRY(find_old(c, q->tx, &rule, &rows, &before_ms));
    buf_put(&q->out, S("{\"before\":\""));
    buf_instant(&q->out, before_ms, z);
    buf_fmt(&q->out, "\",\"more\":%s,\"items\":[", rows.n > PREVIEW ? "true" : "false");
    for (size_t i = 0; i < rows.n && i < PREVIEW; i++) {
        buf_fmt(&q->out, "%s{\"resource\":\"%s\",\"id\":%lld,\"since\":\"", i ? "," : "",
                kinds[row_int(&rule, RR_CLASS)].res->path, (long long)val_int(rows.v[i * 2]));
        buf_instant(&q->out, val_int(rows.v[i * 2 + 1]), z);
        buf_put(&q->out, S("\"}"));
    }
    buf_put(&q->out, S("]}"));
    return E_OK;
}

static enum err run_note(struct ctx *c, struct tx *tx, const struct row *rule, size_t n,
                         int64_t before_ms)
{
    struct row run = {0};
    row_put(&run, R_COMMUNITY, rule->v[R_COMMUNITY]);
    row_put(&run, RU_RULE, rule->v[R_ID]);
    row_put(&run, RU_ROWS, v_int((int64_t)n));
    row_put(&run, RU_BEFORE, v_int(before_ms));
    return res_insert(c, tx, &res_retention_run, &run);
}

/* One piece of one rule; asks for the next while there is more. */
enum err job_retain(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    const struct json *j;
    struct row rule;
    struct rows rows;
    int64_t before_ms;
    (void)app;
    TRY(json_parse(c, data, &j));
    TRY(res_load(c, tx, &res_retention_rule, json_int(json_get(j, "rule")), &rule));
    if (row_int(&rule, R_ARCHIVED) || !row_int(&rule, RR_ENABLED))
        return E_OK;
    const struct kind *k = &kinds[row_int(&rule, RR_CLASS)];
    TRY(find_old(c, tx, &rule, &rows, &before_ms));
    size_t n = rows.n < k->piece ? rows.n : k->piece;
    for (size_t i = 0; i < n; i++)
        TRY(k->go(c, tx, val_int(rows.v[i * 2])));
    if (!n)
        return E_OK;
    TRY(run_note(c, tx, &rule, n, before_ms));
    return tx_job(c, tx, "privacy.retain", data, 0, (struct str){0});
}

enum err job_retention(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    struct rows rows;
    (void)app;
    (void)data;
    TRY(q_rows(c, tx, &Q_ENABLED, IN0, RULES, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        int64_t id = val_int(rows.v[i]);
        TRY(tx_job(c, tx, "privacy.retain", arena_fmt(c->mem, "{\"rule\":%lld}", (long long)id), 0,
                   arena_fmt(c->mem, "privacy.retain@%lld@%lld", (long long)id,
                             (long long)(c->now_ms / DAY_MS))));
    }
    return E_OK;
}

enum err retention_seed(struct ctx *c, struct tx *tx, int64_t community)
{
    struct val id;
    enum err e = q_one(c, tx, &Q_ANY, IN(v_int(community)), &id, 1);
    if (e != E_MISSING)
        return e;
    for (int k = KEEP_TICKETS; k <= KEEP_CONSENTS; k++) {
        struct row row = {0};
        row_put(&row, R_COMMUNITY, v_int(community));
        row_put(&row, RR_CLASS, v_int(k));
        row_put(&row, RR_DAYS, v_int(kinds[k].days));
        row_put(&row, RR_ACTION, v_int(kinds[k].action));
        row_put(&row, RR_BASIS, v_text(str_of(kinds[k].basis)));
        TRY(res_insert(c, tx, &res_retention_rule, &row));
    }
    return E_OK;
}

enum err job_retention_seed(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    const struct json *j;
    (void)app;
    TRY(json_parse(c, data, &j));
    return retention_seed(c, tx, json_int(json_get(j, "id")));
}
