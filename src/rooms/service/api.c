/* api.c - the ticket's endpoints that are not CRUD: comments, rating, similar
 * tickets, and what a single GET adds to the row. */
#include "core/event.h"
#include "core/late.h"
#include "rooms/service/desk.h"
#include "rooms/service/ticket.h"

static const struct query Q_RATING = {
    "service.rating", "SELECT content, attitude, efficiency, experience, comment FROM rating WHERE "
                      "community_id = $1 AND ticket_id = $2 AND archived = 0"};
const struct query Q_SIMILAR = {
    "service.similar",
    "SELECT id, code, title, state FROM ticket WHERE community_id = $1 AND space_id = $2 AND id <> "
    "$3 AND state < 8 AND archived = 0 ORDER BY id DESC LIMIT 5"};
const struct query *const ticket_queries[] = {&Q_RATING, &Q_SIMILAR, NULL};

static enum err rating_json(struct ctx *c, struct tx *tx, const struct row *r, struct buf *out)
{
    struct val v[5];
    buf_put(out, S(",\"rating\":"));
    enum err e = row_int(r, T_STATE) >= INFORMED
                     ? q_one(c, tx, &Q_RATING, IN(r->v[R_COMMUNITY], r->v[R_ID]), v, 5)
                     : E_MISSING;
    if (e == E_MISSING) {
        buf_put(out, S("null"));
        return E_OK;
    }
    TRY(e);
    buf_fmt(
        out,
        "{\"content\":%lld,\"attitude\":%lld,\"efficiency\":%lld,\"experience\":%lld,\"comment\":",
        (long long)val_int(v[0]), (long long)val_int(v[1]), (long long)val_int(v[2]),
        (long long)val_int(v[3]));
    if (v[4].t == V_TEXT)
        buf_json(out, v[4].s);
    else
        buf_put(out, S("null"));
    buf_putc(out, '}');
    return E_OK;
}

/* The reply to whoever registers it waits for no query that cannot find anything. */
static bool is_made_now(const struct ctx *c, const struct row *r)
{
    return row_int(r, R_VERSION) == 1 && row_int(r, R_CREATED_AT) == c->now_ms &&
           !row_has(r, T_REPEAT_OF);
}

void part_json(struct buf *out, const struct resource *r, const struct val *v, const int *fields,
               size_t n, const struct zone *z)
{
    buf_fmt(out, "\"id\":%lld", (long long)val_int(v[0]));
    for (size_t k = 1; k < n; k++) {
        const struct field *f = &r->fields[fields[k]];
        buf_fmt(out, ",\"%s\":", f->name);
        field_to_json(out, f, v[k], z);
    }
}

enum err ticket_extra(struct ctx *c, struct tx *tx, const struct row *r, struct buf *out)
{
    if (is_made_now(c, r)) {
        buf_put(out, S(",\"rating\":null,\"pauses\":[],\"links\":[],\"visits\":[],\"checklist\":[],"
                       "\"items\":[]"));
        return E_OK;
    }
    TRY(rating_json(c, tx, r, out));
    TRY(pauses_json(c, tx, r, out));
    TRY(links_json(c, tx, r, out));
    TRY(visits_json(c, tx, r, out));
    TRY(checklist_json(c, tx, r, out));
    return items_json(c, tx, r, out);
}

/* T-105: a low mark in any of the four. */
static bool is_low_rating(const struct row *rating, int64_t low)
{
    for (int i = RA_CONTENT; i <= RA_EXPERIENCE; i++)
        if (is_low_score(row_int(rating, i), low))
            return true;
    return false;
}

bool ticket_is_told(const struct row *ticket)
{
    int64_t state = row_int(ticket, T_STATE);
    return state == INFORMED || state == CLOSED || (state == MERGED && row_has(ticket, T_INFORMED));
}

enum err ticket_is_rated(struct ctx *c, struct tx *tx, const struct row *ticket, bool *ret)
{
    struct val v[5];
    enum err e = q_one(c, tx, &Q_RATING, IN(ticket->v[R_COMMUNITY], ticket->v[R_ID]), v, 5);
    if (e != E_OK && e != E_MISSING)
        return e;
    *ret = e == E_OK;
    return E_OK;
}

/* R10 */
enum err ticket_rate(struct ctx *c, struct tx *tx, const struct row *ticket, struct row *rating)
{
    bool rated;
    int64_t low;
    if (!ticket_is_told(ticket))
        return FAIL(c, E_STATE, "处理完成并反馈后才能评价",
                    "it can be rated after you were told the result");
    TRY(ticket_is_rated(c, tx, ticket, &rated));
    if (rated)
        return FAIL(c, E_EXISTS, "已经评价过了", "it has been rated already");
    row_put(rating, R_COMMUNITY, ticket->v[R_COMMUNITY]);
    row_put(rating, RA_TICKET, ticket->v[R_ID]);
    TRY(res_insert(c, tx, &res_rating, rating));
    TRY(low_mark_of(c, tx, ticket, &low));
    if (is_low_rating(rating, low))
        TRY(visit_after_low_score(c, tx, ticket));
    struct event ev = {.topic = "ticket.rated",
                       .res = &res_ticket,
                       .id = row_int(ticket, R_ID),
                       .community_id = row_int(ticket, R_COMMUNITY),
                       .data = S("{\"action\":\"rate\"}"),
                       .for_staff = row_int(ticket, T_ASSIGNEE),
                       .for_person = row_int(ticket, T_PERSON)};
    return tx_emit(c, tx, &ev);
}

static enum err rating_post(struct ctx *c, struct req *q)
{
    struct row ticket, row = {0};
    TRY(res_load_seen(c, q->tx, &res_ticket, q->ids[0], &ticket));
    if (!is_customer(c->who, &ticket))
        return FAIL(c, E_DENIED, "只有报事人本人可以评价", "only the customer can rate");
    for (int i = RA_CONTENT; i <= RA_COMMENT; i++)
        row_put(&row, i, q->in.v[i - RA_CONTENT]);
    TRY(ticket_rate(c, q->tx, &ticket, &row));
    res_render(c, &res_rating, &row, 0, &q->out);
    return E_OK;
}

/* How the customer was spoken with, where a comment is what was said then. */
static const struct choice contacts[] = {{1, "call", {"通话", "Call"}, NULL},
                                         {2, "missed", {"未接通", "No answer"}, NULL},
                                         {3, "meeting", {"面谈", "Meeting"}, NULL},
                                         {0}};

static enum err comment_post(struct ctx *c, struct req *q)
{
    enum { TEXT_IN, INTERNAL, HAPPENED, CONTACT };
    struct row ticket;
    int64_t at_ms;
    TRY(res_load_seen(c, q->tx, &res_ticket, q->ids[0], &ticket));
    int64_t community = row_int(&ticket, R_COMMUNITY);
    bool internal = row_int(&q->in, INTERNAL);
    bool staff = who_may(c->who, "ticket.staff", community);
    if (internal && !staff)
        return FAIL_FIELD(c, "internal", "denied", "只有员工可以写内部备注",
                          "only staff can write internal notes");
    if (row_has(&q->in, CONTACT) && !staff)
        return FAIL_FIELD(c, "contact", "denied", "只有员工可以登记通话和见面",
                          "only staff can record calls and meetings");
    TRY(late_note(c, &res_ticket, &ticket, "happened_at", row_int(&q->in, HAPPENED), &at_ms));
    struct buf data;
    buf_init(&data, c->mem, 64 << 10);
    buf_put(&data, S("{\"action\":\"comment\",\"text\":"));
    buf_json(&data, row_str(&q->in, TEXT_IN));
    if (internal)
        buf_put(&data, S(",\"internal\":true"));
    if (row_has(&q->in, CONTACT))
        buf_fmt(&data, ",\"contact\":\"%s\"",
                choice_of_code(contacts, row_int(&q->in, CONTACT))->key);
    late_mark(c, at_ms, &data);
    buf_putc(&data, '}');
    struct event e = {.topic = "ticket.comment",
                      .res = &res_ticket,
                      .id = row_int(&ticket, R_ID),
                      .community_id = community,
                      .data = buf_str(&data),
                      .at_ms = at_ms,
                      .code = row_str(&ticket, T_CODE),
                      .for_staff = row_int(&ticket, T_ASSIGNEE),
                      .for_person = internal ? 0 : row_int(&ticket, T_PERSON)};
    TRY(tx_emit(c, q->tx, &e));
    buf_put(&q->out, S("{\"ok\":true}"));
    return E_OK;
}

static enum err similar_get(struct ctx *c, struct req *q)
{
    struct row ticket;
    struct rows rows;
    TRY(res_load_seen(c, q->tx, &res_ticket, q->ids[0], &ticket));
    if (!who_may(c->who, "ticket.read", row_int(&ticket, R_COMMUNITY)))
        return FAIL(c, E_DENIED, "您的岗位不能查看", "your role may not see this");
    TRY(q_rows(c, q->tx, &Q_SIMILAR,
               IN(ticket.v[R_COMMUNITY], v_int(row_int(&ticket, T_SPACE)), ticket.v[R_ID]), 5,
               &rows));
    buf_put(&q->out, S("{\"items\":["));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        buf_fmt(&q->out, "%s{\"id\":%lld,\"code\":", i ? "," : "", (long long)val_int(v[0]));
        buf_json(&q->out, val_str(v[1]));
        buf_put(&q->out, S(",\"title\":"));
        buf_json(&q->out, val_str(v[2]));
        buf_put(&q->out, S(",\"state\":"));
        field_to_json(&q->out, &ticket_fields[T_STATE], v[3], NULL);
        buf_putc(&q->out, '}');
    }
    buf_put(&q->out, S("]}"));
    return E_OK;
}

static const struct field comment_fields[] = {
    {"text", F_LONGTEXT, REQUIRED, 1, 2000, .label = {"内容", "Text"}},
    {"internal", F_BOOL, 0, .label = {"内部", "Internal"}},
    {"happened_at", F_INSTANT, 0, .label = {"实际时间", "When it happened"},
     .help = {"只限处理人补报,72 小时内", "the worker's own, at most 72 h ago"}},
    {"contact", F_ENUM, 0, .choices = contacts, .label = {"联系方式", "Contact"},
     .help = {"这段话是与客户通话或面谈的记录", "the text is what was said in a call or meeting"}}};
static const struct field rating_input[] = {
    {"content", F_INT, REQUIRED, 1, 5, .label = {"服务内容", "Content"}},
    {"attitude", F_INT, REQUIRED, 1, 5, .label = {"服务态度", "Attitude"}},
    {"efficiency", F_INT, REQUIRED, 1, 5, .label = {"服务效率", "Efficiency"}},
    {"experience", F_INT, REQUIRED, 1, 5, .label = {"服务体验", "Experience"}},
    {"comment", F_LONGTEXT, 0, 0, 500, .label = {"评语", "Comment"}}};
const struct route ticket_routes[] = {{"POST",
                                       "/api/v1/tickets/{id}/rating",
                                       "ticket.own",
                                       0,
                                       NULL,
                                       rating_post,
                                       rating_input,
                                       COUNT_OF(rating_input),
                                       {"评价", "Rate"},
                                       "Rating",
                                       201,
                                       NULL},
                                      {"POST",
                                       "/api/v1/tickets/{id}/comments",
                                       NULL,
                                       ANY_USER,
                                       NULL,
                                       comment_post,
                                       comment_fields,
                                       COUNT_OF(comment_fields),
                                       {"留言", "Comment"},
                                       "{ok:bool}",
                                       201,
                                       NULL},
                                      {"GET",
                                       "/api/v1/tickets/{id}/similar",
                                       "ticket.read",
                                       0,
                                       NULL,
                                       similar_get,
                                       NULL,
                                       0,
                                       {"同地点未完工单", "Open tickets of the same place"},
                                       "{items:[{id:int,code:str,title:str,state:str}]}",
                                       0,
                                       NULL},
                                      {0}};
