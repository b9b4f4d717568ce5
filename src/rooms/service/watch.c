/* watch.c - who follows a ticket besides those who work on it (R32). Only staff, only what they see
 * anyway, each for himself: a watch shows nothing and grants nothing, it says what somebody wants
 * to hear of. The first contact always watches his ticket, without a row. */
#include "core/event.h"
#include "rooms/service/ticket.h"

static const struct field watch_fields[TW__N] = {
    STANDARD_FIELDS,
    [TW_TICKET] = {"ticket_id", F_REF, SERVER_SET | FILTER | LIST | INDEXED, .ref = "tickets",
                   .label = {"工单", "Ticket"}},
    [TW_STAFF] = {"staff_id", F_REF, SERVER_SET | FILTER | LIST | INDEXED, .ref = "staff",
                  .label = {"关注人", "Watched by"}},
};
static const struct index watch_indexes[] = {
    {"ticket_watch_once", "staff_id, ticket_id", "archived = 0", true}};
static const struct row_rule watch_rules[] = {{"ticket.work", "staff_id = :staff"}, {0}};
const struct resource res_ticket_watch = {.name = "ticket_watch",
                                          .path = "ticket-watches",
                                          .label = {"关注", "Watch"},
                                          .fields = watch_fields,
                                          .nfields = TW__N,
                                          .indexes = watch_indexes,
                                          .nindexes = 1,
                                          .title = "id",
                                          .read = "ticket.read",
                                          .rules = watch_rules,
                                          .staff_field = TW_STAFF};

static const struct query Q_WATCH = {
    "service.watch", "SELECT id FROM ticket_watch WHERE community_id = $1 AND ticket_id = $2 AND "
                     "staff_id = $3 AND archived = 0"};
static const struct query Q_OF_STAFF = {
    "service.watches_of",
    "SELECT id FROM ticket_watch WHERE community_id = $1 AND staff_id = $2 AND "
    "archived = 0 ORDER BY id LIMIT 1000"};
const struct query *const watch_queries[] = {&Q_WATCH, &Q_OF_STAFF, NULL};

static enum err watch_end(struct ctx *c, struct tx *tx, int64_t id)
{
    struct row old, neu = {0};
    TRY(res_load(c, tx, &res_ticket_watch, id, &old));
    row_put(&neu, R_ARCHIVED, v_int(1));
    return res_store(c, tx, &res_ticket_watch, &old, &neu, "ticket_watch.archived",
                     (struct str){0});
}

enum err ticket_watch(struct ctx *c, struct tx *tx, const struct row *t, int64_t staff, bool on)
{
    struct val id;
    struct row row = {0};
    if (staff == row_int(t, T_FIRST_CONTACT))
        return on ? E_OK
                  : FAIL(c, E_STATE, "首问责任人始终关注自己的工单",
                         "the first contact always watches his ticket");
    enum err e = q_one(c, tx, &Q_WATCH, IN(t->v[R_COMMUNITY], t->v[R_ID], v_int(staff)), &id, 1);
    if (e != E_MISSING)
        return e == E_OK && !on ? watch_end(c, tx, val_int(id)) : e;
    if (!on)
        return E_OK;
    row_put(&row, R_COMMUNITY, t->v[R_COMMUNITY]);
    row_put(&row, TW_TICKET, t->v[R_ID]);
    row_put(&row, TW_STAFF, v_int(staff));
    return res_insert(c, tx, &res_ticket_watch, &row);
}

static enum err watch_post(struct ctx *c, struct req *q)
{
    enum { ON };
    struct row t;
    TRY(res_load_seen(c, q->tx, &res_ticket, q->ids[0], &t));
    int64_t community = row_int(&t, R_COMMUNITY), me = who_staff(c->who, community);
    bool on = row_int(&q->in, ON);
    if (!me || !who_may(c->who, "ticket.staff", community))
        return FAIL(c, E_DENIED, "只有员工可以关注工单", "only staff watch tickets");
    TRY(ticket_watch(c, q->tx, &t, me, on));
    buf_fmt(&q->out, "{\"watching\":%s}", on ? "true" : "false");
    return E_OK;
}

/* Who left follows nothing any more. */
enum err watches_end(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    const struct json *j;
    struct rows rows;
    (void)app;
    TRY(json_parse(c, data, &j));
    TRY(q_rows(c, tx, &Q_OF_STAFF,
               IN(v_int(json_int(json_get(j, "community_id"))), v_int(json_int(json_get(j, "id")))),
               1000, &rows));
    for (size_t i = 0; i < rows.n; i++)
        TRY(watch_end(c, tx, val_int(rows.v[i])));
    return E_OK;
}

static const struct field watch_input[] = {
    {"watching", F_BOOL, REQUIRED, .label = {"关注", "Watch"}}};
const struct route watch_routes[] = {
    {"POST", "/api/v1/tickets/{id}/watch", "ticket.staff", .run = watch_post, .input = watch_input,
     .ninput = 1, .help = {"关注或取消关注", "Watch it, or no longer"}, .reply = "{watching:bool}"},
    {0}};
