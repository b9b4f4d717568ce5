/* public_ticket.c - what whoever holds a link of a ticket may read and do without a login. Reading
 * tells the number, where it stands, what was promised and the steps that concern the customer:
 * never a name, a phone, a place, a word anybody wrote. Only a POST rates, because mail scanners
 * open every link they see. */
#include "core/event.h"
#include "rooms/intake/room.h"

enum { STEPS_MAX = 100, BURST = 60 };

/* The steps a customer is told of; what staff do among themselves is not there. */
#define TOPICS                                                                                     \
    "'ticket.created', 'ticket.accepted', 'ticket.dispatched', 'ticket.started', "                 \
    "'ticket.paused', 'ticket.resumed', 'ticket.finished', 'ticket.informed', 'ticket.returned', " \
    "'ticket.closed', 'ticket.reopened', 'ticket.cancelled', 'ticket.merged', 'ticket.split'"
static const struct query Q_STEPS = {
    "intake.public_steps",
    "SELECT topic, at FROM event WHERE community_id = $1 AND subject = 'ticket' AND subject_id = "
    "$2 AND topic IN (" TOPICS ") ORDER BY at DESC, id DESC LIMIT 100"};
const struct query *const public_ticket_queries[] = {&Q_STEPS, NULL};

static void put_field(struct buf *out, const struct row *t, int i, const struct zone *z)
{
    buf_fmt(out, ",\"%s\":", res_ticket.fields[i].name);
    field_to_json(out, &res_ticket.fields[i], t->v[i], z);
}

static void put_ticket(struct buf *out, const struct row *t, const struct row *link)
{
    static const int told[] = {T_KIND, T_STATE, T_RESPOND_DUE, T_HANDLE_DUE, T_RESOLVE_DUE};
    const struct zone *z = app_zone(row_int(t, R_COMMUNITY));
    buf_put(out, S("{\"code\":"));
    buf_json(out, row_str(t, T_CODE));
    for (size_t i = 0; i < COUNT_OF(told); i++)
        put_field(out, t, told[i], z);
    buf_put(out, S(",\"expires_at\":\""));
    buf_instant(out, row_int(link, PU_EXPIRES), z);
    buf_putc(out, '"');
}

/* Whoever is logged in beside it asks here as a stranger: the link is his only right. */
enum err public_enter(struct ctx *c, struct req *q)
{
    c->who = NULL;
    return req_calm(c, q, "public", BURST);
}

static enum err progress_get(struct ctx *c, struct req *q)
{
    struct row link, t;
    struct rows rows;
    TRY(public_link_find(c, q->tx, PUBLIC_PROGRESS, q->words[0], c->now_ms, &link, &t));
    TRY(q_rows(c, q->tx, &Q_STEPS, IN(t.v[R_COMMUNITY], t.v[R_ID]), STEPS_MAX, &rows));
    put_ticket(&q->out, &t, &link);
    buf_put(&q->out, S(",\"steps\":["));
    for (size_t i = rows.n; i-- > 0;) { /* oldest first */
        struct str topic = val_str(rows.v[2 * i]);
        buf_fmt(&q->out, "%s{\"step\":\"" PRS "\",\"at\":\"", i + 1 < rows.n ? "," : "",
                PRA(str_sub(topic, sizeof "ticket." - 1, topic.n)));
        buf_instant(&q->out, val_int(rows.v[2 * i + 1]), app_zone(row_int(&t, R_COMMUNITY)));
        buf_put(&q->out, S("\"}"));
    }
    buf_put(&q->out, S("]}"));
    return E_OK;
}

/* --- one vote --- */

/* A link that was a right and is none any more says so: who was asked for his view must not think
 * that it was lost. */
static enum err vote_find(struct ctx *c, struct req *q, struct row *ret_link, struct row *ret_t)
{
    TRY(public_link_find(c, q->tx, PUBLIC_RATE, q->words[0], 0, ret_link, ret_t));
    if (row_int(ret_link, PU_STATE) == LINK_USED)
        return FAIL(c, E_EXISTS, "这个链接已经用过,评价已收到,谢谢",
                    "this link was used: your rating was received, thank you");
    if (row_int(ret_link, PU_EXPIRES) <= c->now_ms)
        return FAIL(c, E_STATE, "评价期已过(反馈或关闭后 %d 天)",
                    "the time to rate is over (%d days after you were told or it was closed)",
                    RATE_DAYS);
    return E_OK;
}

static enum err vote_get(struct ctx *c, struct req *q)
{
    struct row link, t;
    bool rated;
    TRY(vote_find(c, q, &link, &t));
    TRY(ticket_is_rated(c, q->tx, &t, &rated));
    if (rated)
        return FAIL(c, E_EXISTS, "已经评价过了", "it has been rated already");
    put_ticket(&q->out, &t, &link);
    buf_putc(&q->out, '}');
    return E_OK;
}

/* The one mark counts for all four: a tap is all that is asked for. */
static enum err vote_post(struct ctx *c, struct req *q)
{
    enum { SCORE, COMMENT };
    struct row link, t, rating = {0}, none = {0};
    TRY(vote_find(c, q, &link, &t));
    for (int i = RA_CONTENT; i <= RA_EXPERIENCE; i++)
        row_put(&rating, i, q->in.v[SCORE]);
    row_put(&rating, RA_COMMENT, q->in.v[COMMENT]);
    TRY(ticket_rate(c, q->tx, &t, &rating));
    TRY(flow_act_row(c, q->tx, &res_public_link, &link, "use", &none, 0));
    buf_fmt(&q->out, "{\"score\":%lld}", (long long)row_int(&q->in, SCORE));
    return E_OK;
}

static const struct field vote_fields[] = {
    {"score", F_INT, REQUIRED, 1, 5, .label = {"评分(1–5)", "Mark (1–5)"}},
    {"comment", F_LONGTEXT, UNLOGGED, 0, 500, .label = {"评语", "Comment"}}};
#define TICKET_SHAPE                                                                               \
    "code:str,kind:str,state:str,respond_due:instant?,handle_due:instant?,resolve_due:instant?,"   \
    "expires_at:instant"
const struct route public_ticket_routes[] = {
    {"GET",
     "/api/v1/public/rating/{token}",
     NULL,
     PUBLIC,
     public_enter,
     vote_get,
     NULL,
     0,
     {"凭链接查看要评价的工单", "The ticket a link may rate"},
     "{" TICKET_SHAPE "}",
     0,
     NULL},
    {"POST",
     "/api/v1/public/rating/{token}",
     NULL,
     PUBLIC | NO_CSRF,
     public_enter,
     vote_post,
     vote_fields,
     COUNT_OF(vote_fields),
     {"凭链接评价一次", "Rate once by a link"},
     "{score:int}",
     201,
     NULL},
    {"GET",
     "/api/v1/public/progress/{token}",
     NULL,
     PUBLIC,
     public_enter,
     progress_get,
     NULL,
     0,
     {"凭链接查看进度", "A ticket's progress by its link"},
     "{" TICKET_SHAPE ",steps:[{step:str,at:instant}]}",
     0,
     NULL},
    {0}};
