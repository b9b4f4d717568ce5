/* subject_copy.c - everything kept about the person who asked, made when it is fetched and never
 * stored: nothing is left behind that would have to be encrypted or erased (P6). */
#include "core/copy.h"
#include "core/key.h"
#include "rooms/mail/mail.h"
#include "rooms/privacy/room.h"

enum { IN_MINUTES, IN_FORMAT, MINUTES_DEFAULT = 60, MINUTES_MAX = 7 * 24 * 60 };
#define USE_LINK "anjucopy"
#define DAY_MS   INT64_C(86400000)

static const struct choice formats[] = {{COPY_JSON + 1, "json", {"机器可读", "JSON"}, NULL},
                                        {COPY_HTML + 1, "html", {"可阅读", "Readable"}, NULL},
                                        {0}};
const struct field copy_query[] = {
    {"format", F_ENUM, 0, .choices = formats, .label = {"格式", "Format"}}};
const struct field link_fields[] = {
    [IN_MINUTES] = {"minutes", F_INT, 0, 1, MINUTES_MAX,
                    .label = {"有效分钟", "Valid for minutes"}},
    [IN_FORMAT] = {"format", F_ENUM, 0, .choices = formats, .label = {"格式", "Format"}},
};
const struct field signed_query[] = {
    {"format", F_ENUM, 0, .choices = formats, .label = {"格式", "Format"}},
    {"until", F_INT, 0, .label = {"到期", "Until"}},
    {"by", F_INT, 0, .label = {"生成人", "Made by"}},
    {"sign", F_TEXT, 0, 0, 200, .label = {"签名", "Signature"}},
};
static const struct query Q_SESSIONS = {
    "privacy.sessions",
    "SELECT DISTINCT s.created_at, s.seen_at, s.address, s.agent FROM session s JOIN role_grant g "
    "ON g.user_id = s.user_id WHERE (g.scope_id = $1 OR g.scope_id IS NULL) AND g.person_id = $2 "
    "AND g.archived = 0 ORDER BY s.created_at LIMIT 500"};
static const struct query Q_EVENTS = {
    "privacy.events",
    "SELECT id, at, topic, subject, subject_id FROM event WHERE community_id = $1 AND (subject_id "
    "= $2 OR subject_id IN (SELECT id FROM ticket WHERE community_id = $1 AND person_id = $2) OR "
    "subject_id IN (SELECT id FROM consent WHERE community_id = $1 AND person_id = $2) OR "
    "subject_id IN (SELECT id FROM data_request WHERE community_id = $1 AND person_id = $2)) ORDER "
    "BY id DESC LIMIT 1900"};
const struct query *const copy_queries[] = {&Q_SESSIONS, &Q_EVENTS, NULL};
static const struct field session_fields[] = {
    {"created_at", F_INSTANT, 0, .label = {"登录时间", "Logged in"}},
    {"seen_at", F_INSTANT, 0, .label = {"最近使用", "Last used"}},
    {"address", F_TEXT, 0, .label = {"地址", "Address"}},
    {"agent", F_TEXT, 0, .label = {"浏览器", "Browser"}}};
static const struct field event_fields[] = {
    {"id", F_ID, 0, .label = {"编号", "Id"}},
    {"at", F_INSTANT, 0, .label = {"时间", "At"}},
    {"topic", F_TEXT, 0, .label = {"事件", "What"}},
    {"subject", F_TEXT, 0, .label = {"记录", "Record"}},
    {"subject_id", F_ID, 0, .label = {"记录编号", "Record id"}}};
static const struct copy_query lists[] = {
    {"sessions", {"登录", "Logins"}, &Q_SESSIONS, session_fields, COUNT_OF(session_fields)},
    {"events", {"处理记录", "What was done"}, &Q_EVENTS, event_fields, COUNT_OF(event_fields)}};

struct copying {
    struct req *q;
    struct row request;
    enum copy_as as;
    bool by_link;
};

static enum err not_now(struct ctx *c)
{
    return FAIL(c, E_STATE, "副本在请求办结后 %d 天内可取",
                "the copy can be had for %d days after "
                "the request is done",
                COPY_DAYS);
}

/* Whose it is, or who answers for it; a done request for access or a copy, not long ago. */
static enum err request_find(struct ctx *c, struct tx *tx, void *arg)
{
    struct copying *k = arg;
    int64_t id = k->q->ids[0];
    TRY(k->by_link ? res_load(c, tx, &res_data_request, id, &k->request)
                   : res_load_seen(c, tx, &res_data_request, id, &k->request));
    int64_t community = row_int(&k->request, R_COMMUNITY), kind = row_int(&k->request, DR_KIND);
    if (!k->by_link && who_person(c->who, community) != row_int(&k->request, DR_PERSON) &&
        !who_may(c->who, "privacy.manage", community))
        return FAIL(c, E_DENIED, "您的岗位不能取副本", "your role may not take the copy");
    if (row_int(&k->request, DR_STATE) != DR_FINISHED || (kind != ASK_ACCESS && kind != ASK_COPY) ||
        row_int(&k->request, DR_DONE) + COPY_DAYS * DAY_MS < c->now_ms)
        return not_now(c);
    return E_OK;
}

static enum err note(struct ctx *c, struct tx *tx, void *arg)
{
    struct copying *k = arg;
    struct event e = {.topic = k->by_link ? "data_request.link_used" : "data_request.copied",
                      .res = &res_data_request,
                      .id = row_int(&k->request, R_ID),
                      .community_id = row_int(&k->request, R_COMMUNITY),
                      .data = S("{\"action\":\"copy\"}")};
    return tx_emit(c, tx, &e);
}

static void put_title(struct ctx *c, struct copying *k, struct buf *out)
{
    struct str code = row_str(&k->request, DR_CODE);
    if (k->as == COPY_JSON)
        buf_put(out, S("{\"request\":"));
    else
        buf_fmt(out,
                "<!doctype html><html lang=\"%s\"><meta charset=\"utf-8\"><title>%s</title><h1>%s "
                "</h1><p>",
                c->lang == LANG_ZH ? "zh-CN" : "en",
                c->lang == LANG_ZH ? "个人信息副本" : "Your data",
                c->lang == LANG_ZH ? "个人信息副本" : "Your data");
    if (k->as == COPY_JSON)
        buf_json(out, code);
    else
        buf_html(out, code);
    buf_put(out, k->as == COPY_JSON ? S(",\"made_at\":\"") : S(" · "));
    buf_instant(out, c->now_ms, app_zone(row_int(&k->request, R_COMMUNITY)));
    buf_put(out, k->as == COPY_JSON ? S("\"") : S("</p>"));
}

/* He and whoever turned out to be he. */
#define HIS                                                                                        \
    "(WITH RECURSIVE his (id) AS (SELECT CAST($2 AS BIGINT) UNION SELECT g.gone_id FROM "          \
    "person_merge g JOIN his "                                                                     \
    "h ON "                                                                                        \
    "g.keep_id = h.id WHERE g.state = 1) SELECT id FROM his)"

static enum err copy_all(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct {
        const struct resource *r;
        const char *where;
    } sections[] = {{&res_person, "id IN " HIS},
                    {&res_occupancy, "person_id IN " HIS},
                    {&res_identity, "person_id IN " HIS},
                    {&res_ticket, "person_id = $2"},
                    {&res_ticket_item, "payer = 1 AND ticket_id IN (SELECT id FROM ticket WHERE "
                                       "community_id = $1 AND person_id = $2)"},
                    {&res_ticket_remark, "told = 1 AND ticket_id IN (SELECT id FROM ticket WHERE "
                                         "community_id = $1 AND person_id = $2)"},
                    {&res_rating, "ticket_id IN (SELECT id FROM ticket WHERE community_id = $1 AND "
                                  "person_id = $2)"},
                    {&res_return_visit, "ticket_id IN (SELECT id FROM ticket WHERE community_id = "
                                        "$1 AND person_id = $2)"},
                    {&res_letter, "ticket_id IN (SELECT id FROM ticket WHERE community_id = $1 AND "
                                  "person_id = $2)"},
                    {&res_consent, "person_id IN " HIS},
                    {&res_data_request, "person_id = $2"}};
    struct copying *k = arg;
    struct buf *out = &k->q->out;
    int64_t community = row_int(&k->request, R_COMMUNITY), id = row_int(&k->request, DR_PERSON);
    buf_clear(out);
    put_title(c, k, out);
    for (size_t i = 0; i < COUNT_OF(sections); i++)
        TRY(copy_section(c, tx, sections[i].r, sections[i].where, community, id, k->as, out));
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        TRY(copy_list(c, tx, &lists[i], community, id, k->as, out));
    buf_put(out, k->as == COPY_JSON ? S("}") : S("</html>\n"));
    return E_OK;
}

static enum err copy_reply(struct ctx *c, struct copying *k)
{
    TRY(db_write(k->q->app->db, c, note, k));
    TRY(db_read(k->q->app->db, c, copy_all, k));
    req_header(k->q, "Content-Type",
               k->as == COPY_JSON ? S("application/json") : S("text/html; charset=utf-8"));
    req_header(k->q, "Cache-Control", S("private, no-store"));
    req_header(k->q, "Content-Disposition",
               arena_fmt(c->mem, "attachment; filename=\"" PRS ".%s\"",
                         PRA(row_str(&k->request, DR_CODE)), formats[k->as].key));
    return E_OK;
}

static enum err format_of(struct ctx *c, struct req *q, enum copy_as *ret)
{
    struct val v = v_null();
    TRY(field_of_text(c, &copy_query[0], http_param(q->h, "format"), NULL, &v));
    *ret = v.t == V_INT ? (enum copy_as)(v.i - 1) : COPY_JSON;
    return E_OK;
}

enum err subject_copy(struct ctx *c, struct req *q)
{
    struct copying k = {.q = q};
    TRY(format_of(c, q, &k.as));
    TRY(db_read(q->app->db, c, request_find, &k));
    return copy_reply(c, &k);
}

static struct str link_text(struct ctx *c, int64_t id, int64_t until_ms, int64_t by,
                            enum copy_as as)
{
    return arena_fmt(c->mem, "copy %lld %lld %lld %d", (long long)id, (long long)until_ms,
                     (long long)by, (int)as);
}

static enum err link_note(struct ctx *c, struct tx *tx, void *arg)
{
    struct copying *k = arg;
    TRY(request_find(c, tx, k));
    struct event e = {.topic = "data_request.linked",
                      .res = &res_data_request,
                      .id = row_int(&k->request, R_ID),
                      .community_id = row_int(&k->request, R_COMMUNITY),
                      .data = S("{\"action\":\"link\"}")};
    return tx_emit(c, tx, &e);
}

enum err subject_link(struct ctx *c, struct req *q)
{
    struct copying k = {.q = q};
    struct str sign;
    int64_t minutes = row_has(&q->in, IN_MINUTES) ? row_int(&q->in, IN_MINUTES) : MINUTES_DEFAULT;
    int64_t until_ms = c->now_ms + minutes * 60000, id = q->ids[0], by = c->who->user_id;
    k.as = row_has(&q->in, IN_FORMAT) ? (enum copy_as)(row_int(&q->in, IN_FORMAT) - 1) : COPY_HTML;
    TRY(db_write(q->app->db, c, link_note, &k));
    TRY(key_sign(c, USE_LINK, link_text(c, id, until_ms, by, k.as), &sign));
    buf_fmt(&q->out,
            "{\"url\":\"/api/v1/data-requests/%lld/signed?format=%s\\u0026until=%lld\\u0026by=%lld"
            "\\u0026sign=" PRS "\",\"expires_at\":\"",
            (long long)id, formats[k.as].key, (long long)until_ms, (long long)by, PRA(sign));
    buf_instant(&q->out, until_ms, app_zone(row_int(&k.request, R_COMMUNITY)));
    buf_put(&q->out, S("\"}"));
    return E_OK;
}

/* One answer for a wrong, an old and an unknown address. */
static enum err no_link(struct ctx *c)
{
    fault_clear(c);
    return FAIL(c, E_MISSING, "链接无效或已过期", "the link is not valid or has expired");
}

enum err subject_signed(struct ctx *c, struct req *q)
{
    struct copying k = {.q = q, .by_link = true};
    int64_t until_ms, by;
    if (format_of(c, q, &k.as) != E_OK || !str_int(http_param(q->h, "until"), &until_ms) ||
        !str_int(http_param(q->h, "by"), &by) || until_ms <= c->now_ms ||
        !key_signed(c->mem, USE_LINK, link_text(c, q->ids[0], until_ms, by, k.as),
                    http_param(q->h, "sign")))
        return no_link(c);
    enum err e = db_read(q->app->db, c, request_find, &k);
    if (e == E_MISSING || e == E_STATE)
        return no_link(c);
    TRY(e);
    return copy_reply(c, &k);
}
