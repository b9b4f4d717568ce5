/* reading.c - read and confirmed (G3.1): a version in force is read by everybody whose post is in
 * it, who says so himself, once. Nobody can say it for another, and no machine for anybody; a new
 * version asks again because it is another row. */
#include "rooms/handbook/room.h"

enum { TO_READ_MAX = 100, READERS_MAX = 500 };

static const struct field confirmation_fields[HC__N] = {
    STANDARD_FIELDS,
    [HC_PAGE] = {"page_id", F_REF, SERVER_SET | FILTER | LIST, .ref = "handbook-pages",
                 .label = {"手册页", "Page"}},
    [HC_STAFF] = {"staff_id", F_REF, SERVER_SET | FILTER | LIST, .ref = "staff",
                  .label = {"员工", "Staff"}},
    [HC_AT] = {"confirmed_at", F_INSTANT, SERVER_SET | LIST, .label = {"确认时间", "Confirmed"}},
};
static const struct index confirmation_indexes[] = {
    {"handbook_confirmation_once", "community_id, page_id, staff_id", NULL, true}};
static const struct row_rule confirmation_rules[] = {{"policy.read", "staff_id = :staff"}, {0}};
const struct resource res_handbook_confirmation = {.name = "handbook_confirmation",
                                                   .path = "handbook-confirmations",
                                                   .label = {"阅读确认", "Confirmation"},
                                                   .fields = confirmation_fields,
                                                   .nfields = HC__N,
                                                   .indexes = confirmation_indexes,
                                                   .nindexes = 1,
                                                   .title = "id",
                                                   .read = "policy.manage",
                                                   .rules = confirmation_rules};

/* Staff s is of a post that page p names. */
#define CONCERNS                                                                                   \
    "(s.post_id = p.post_id OR EXISTS (SELECT 1 FROM handbook_step h WHERE h.community_id = "      \
    "p.community_id AND h.page_id = p.id AND h.archived = 0 AND h.post_id = s.post_id))"
/* Page p is what holds on day $3. */
#define HOLDS                                                                                      \
    "p.state = 2 AND p.archived = 0 AND p.effective_from <= $3 AND NOT EXISTS (SELECT 1 FROM "     \
    "handbook_page n WHERE n.community_id = p.community_id AND n.kind = p.kind AND "               \
    "COALESCE(n.category_id, 0) = COALESCE(p.category_id, 0) AND n.state = 2 AND n.archived = 0 "  \
    "AND n.edition > p.edition AND n.effective_from <= $3)"
static const struct query Q_TO_READ = {
    "handbook.to_read",
    "SELECT p.id, p.kind, p.edition, p.effective_from, p.title, p.title_en FROM staff s JOIN "
    "handbook_page p ON p.community_id = s.community_id WHERE s.community_id = $1 AND s.id = $2 "
    "AND "
    "s.archived = 0 AND " HOLDS " AND " CONCERNS
    " AND NOT EXISTS (SELECT 1 FROM handbook_confirmation k WHERE k.community_id = $1 AND "
    "k.page_id "
    "= p.id AND k.staff_id = $2) ORDER BY p.kind, p.id LIMIT 101"};
static const struct query Q_MINE = {
    "handbook.confirmed", "SELECT confirmed_at FROM handbook_confirmation WHERE community_id = $1 "
                          "AND page_id = $2 AND staff_id = $3"};
static const struct query Q_ASKED = {
    "handbook.asked",
    "SELECT p.id FROM handbook_page p JOIN staff s ON s.community_id = p.community_id WHERE "
    "p.community_id = $1 AND p.id = $4 AND s.id = $2 AND s.archived = 0 AND " HOLDS
    " AND " CONCERNS};
static const struct query Q_HOLDS = {
    "handbook.holds",
    "SELECT p.id FROM handbook_page p WHERE p.community_id = $1 AND p.id = $2 AND " HOLDS};
static const struct query Q_READERS = {
    "handbook.readers",
    "SELECT s.id, s.name, t.name, k.confirmed_at FROM handbook_page p JOIN staff s ON "
    "s.community_id = p.community_id LEFT JOIN post t ON t.community_id = s.community_id AND t.id "
    "= "
    "s.post_id LEFT JOIN handbook_confirmation k ON k.community_id = p.community_id AND k.page_id "
    "= "
    "p.id AND k.staff_id = s.id WHERE p.community_id = $1 AND p.id = $2 AND s.archived = 0 AND "
    "(k.id IS NOT NULL OR " CONCERNS ") ORDER BY CASE WHEN k.id IS NULL THEN 0 ELSE 1 END, s.name, "
    "s.id LIMIT 501"};
const struct query *const reading_queries[] = {&Q_TO_READ, &Q_MINE,    &Q_ASKED,
                                               &Q_HOLDS,   &Q_READERS, NULL};

static struct val today_in_force(struct ctx *c, int64_t community)
{
    return v_text(date_text(c->mem, zone_date(app_zone(community), c->now_ms)));
}

/* --- confirming --- */

enum err handbook_confirm(struct ctx *c, struct tx *tx, const struct row *page, int64_t staff,
                          int64_t *ret_at_ms)
{
    struct row row = {0};
    struct val at, id;
    enum err e = q_one(c, tx, &Q_MINE, IN(page->v[R_COMMUNITY], page->v[R_ID], v_int(staff)), &at,
                       1);
    if (e == E_OK)
        *ret_at_ms = val_int(at);
    if (e != E_MISSING)
        return e;
    e = q_one(
        c, tx, &Q_HOLDS,
        IN(page->v[R_COMMUNITY], page->v[R_ID], today_in_force(c, row_int(page, R_COMMUNITY))), &id,
        1);
    if (e != E_OK)
        return e != E_MISSING ? e
                              : FAIL(c, E_STATE, "这个版本现在不生效,请阅读生效的版本",
                                     "this version is not in force now; read the one that is");
    row_put(&row, R_COMMUNITY, page->v[R_COMMUNITY]);
    row_put(&row, HC_PAGE, page->v[R_ID]);
    row_put(&row, HC_STAFF, v_int(staff));
    row_put(&row, HC_AT, v_int(c->now_ms));
    TRY(res_insert(c, tx, &res_handbook_confirmation, &row));
    *ret_at_ms = c->now_ms;
    return E_OK;
}

/* R10: from one's own session. A token is a machine, and machines do not read. */
static enum err confirm_post(struct ctx *c, struct req *q)
{
    struct row page;
    int64_t at_ms;
    TRY(res_load_seen(c, q->tx, &res_handbook_page, q->ids[0], &page));
    int64_t community = row_int(&page, R_COMMUNITY), me = who_staff(c->who, community);
    if (!c->who->by_cookie)
        return FAIL(c, E_DENIED, "请本人登录后确认,令牌不能代为确认",
                    "log in yourself to confirm; a token cannot do it for you");
    if (!me)
        return FAIL(c, E_DENIED, "您在这个项目没有员工身份", "you are not a staff member here");
    TRY(handbook_confirm(c, q->tx, &page, me, &at_ms));
    buf_fmt(&q->out, "{\"page_id\":%lld,\"confirmed_at\":", (long long)q->ids[0]);
    field_to_json(&q->out, &confirmation_fields[HC_AT], v_int(at_ms), app_zone(community));
    buf_putc(&q->out, '}');
    return E_OK;
}

/* --- who has, who has not --- */

enum err put_reading(struct ctx *c, struct tx *tx, const struct row *page, struct buf *out)
{
    int64_t community = row_int(page, R_COMMUNITY), me = c->who ? who_staff(c->who, community) : 0;
    struct val at = v_null(), id;
    enum err e = E_MISSING;
    if (me) {
        e = q_one(c, tx, &Q_MINE, IN(v_int(community), page->v[R_ID], v_int(me)), &at, 1);
        if (e == E_MISSING)
            e = q_one(c, tx, &Q_ASKED,
                      IN(v_int(community), v_int(me), today_in_force(c, community), page->v[R_ID]),
                      &id, 1);
    }
    if (e != E_OK && e != E_MISSING)
        return e;
    buf_fmt(out, ",\"reading\":{\"asked\":%s,\"confirmed_at\":",
            e == E_OK && at.t == V_NULL ? "true" : "false");
    field_to_json(out, &confirmation_fields[HC_AT], at, app_zone(community));
    buf_putc(out, '}');
    return E_OK;
}

static enum err to_read_get(struct ctx *c, struct req *q)
{
    struct rows rows;
    int64_t community;
    TRY(req_community(c, q, "policy.read", &community));
    TRY(q_rows(
        c, q->tx, &Q_TO_READ,
        IN(v_int(community), v_int(who_staff(c->who, community)), today_in_force(c, community)),
        TO_READ_MAX + 1, &rows));
    buf_put(&q->out, S("{\"items\":["));
    for (size_t i = 0; i < rows.n && i < TO_READ_MAX; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        buf_fmt(&q->out, "%s{\"page_id\":%lld,\"kind\":\"%s\",\"edition\":%lld,\"effective_from\":",
                i ? "," : "", (long long)val_int(v[0]),
                choice_of_code(ticket_kinds, val_int(v[1]))->key, (long long)val_int(v[2]));
        buf_json(&q->out, val_str(v[3]));
        buf_put(&q->out, S(",\"title\":"));
        buf_json(&q->out, c->lang == LANG_EN && v[5].t == V_TEXT ? v[5].s : val_str(v[4]));
        buf_putc(&q->out, '}');
    }
    buf_fmt(&q->out, "],\"more\":%s}", rows.n > TO_READ_MAX ? "true" : "false");
    return E_OK;
}

static enum err readers_get(struct ctx *c, struct req *q)
{
    struct row page;
    struct rows rows;
    TRY(res_load_seen(c, q->tx, &res_handbook_page, q->ids[0], &page));
    int64_t community = row_int(&page, R_COMMUNITY);
    if (!who_may(c->who, "policy.manage", community))
        return FAIL(c, E_DENIED, "您的岗位不能查看谁读过", "your role may not see who has read it");
    TRY(q_rows(c, q->tx, &Q_READERS, IN(page.v[R_COMMUNITY], page.v[R_ID]), READERS_MAX + 1,
               &rows));
    buf_put(&q->out, S("{\"items\":["));
    for (size_t i = 0; i < rows.n && i < READERS_MAX; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        buf_fmt(&q->out, "%s{\"staff_id\":%lld,\"name\":", i ? "," : "", (long long)val_int(v[0]));
        buf_json(&q->out, val_str(v[1]));
        buf_put(&q->out, S(",\"post\":"));
        buf_json(&q->out, val_str(v[2]));
        buf_put(&q->out, S(",\"confirmed_at\":"));
        field_to_json(&q->out, &confirmation_fields[HC_AT], v[3], app_zone(community));
        buf_putc(&q->out, '}');
    }
    buf_fmt(&q->out, "],\"more\":%s}", rows.n > READERS_MAX ? "true" : "false");
    return E_OK;
}

static const struct field community_query[] = {
    {"community_id", F_REF, 0, .ref = "communities", .label = {"项目", "Community"}}};
const struct route reading_routes[] = {
    {"GET", "/api/v1/me/handbook", "policy.read", .run = to_read_get, .input = community_query,
     .ninput = 1, .help = {"我待阅读的手册页", "Handbook pages I have still to read"},
     .reply = "{items:[{page_id:int,kind:str,edition:int,effective_from:date,title:str}],"
              "more:bool}"},
    {"POST", "/api/v1/handbook-pages/{id}/confirm", "policy.read", .run = confirm_post,
     .help = {"确认已读", "Confirm that I have read it"},
     .reply = "{page_id:int,confirmed_at:instant}"},
    {"GET", "/api/v1/handbook-pages/{id}/readers", "policy.manage", .run = readers_get,
     .help = {"谁已读、谁未读", "Who has read it and who has not"},
     .reply = "{items:[{staff_id:int,name:str,post:str,confirmed_at:instant?}],more:bool}"},
    {0}};
