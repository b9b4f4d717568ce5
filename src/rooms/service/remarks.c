/* remarks.c - what people write on a ticket's steps, as rows, so that it can be looked for. The log
 * is the truth; a remark has its event's id. Whoever is shown a ticket's timeline finds the same
 * words: staff all of them, the customer what he is told (README R40). */
#include "core/event.h"
#include "rooms/service/ticket.h"

static const struct field remark_fields[REMARK__N] = {
    STANDARD_FIELDS,
    [REMARK_OF] = {"ticket_id", F_REF, SERVER_SET | FILTER | LIST | INDEXED, .ref = "tickets",
                   .label = {"工单", "Ticket"}},
    [REMARK_TEXT] = {"text", F_LONGTEXT, SERVER_SET | LIST | SEARCH | UNLOGGED,
                     .label = {"内容", "Text"}},
    [REMARK_TOLD] = {"told", F_BOOL, SERVER_SET | FILTER | LIST,
                     .label = {"客户可见", "Customer sees it"}},
};
static const struct row_rule remark_rules[] = {
    {"ticket.work", "ticket_id IN (" WORKERS_TICKETS ")"},
    {"ticket.own", "told = 1 AND ticket_id IN (" CUSTOMERS_TICKETS ")"},
    {0}};
const struct resource res_ticket_remark = {.name = "ticket_remark",
                                           .path = "ticket-remarks",
                                           .label = {"留言", "Remark"},
                                           .fields = remark_fields,
                                           .nfields = REMARK__N,
                                           .title = "text",
                                           .read = "ticket.read",
                                           .rules = remark_rules,
                                           .part_of = REMARK_OF,
                                           .words = true,
                                           .quiet = true};

static const struct query Q_REMARKS = {
    "service.remarks", "SELECT id FROM ticket_remark WHERE ticket_id = $1 ORDER BY id LIMIT 10000"};
static const struct query Q_HUSH = {"service.remarks_hush",
                                    "UPDATE ticket_remark SET text = '***' WHERE ticket_id = $1"};
const struct query *const remark_queries[] = {&Q_REMARKS, &Q_HUSH, NULL};

enum err remarks_forget(struct ctx *c, struct tx *tx, int64_t ticket)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_REMARKS, IN(v_int(ticket)), 10000, &rows));
    for (size_t i = 0; i < rows.n; i++)
        TRY(res_words_forget(c, tx, val_int(rows.v[i])));
    return q_do(c, tx, &Q_HUSH, IN(v_int(ticket)), NULL);
}

/* A database from before remarks were rows, and letters words. */
enum err remarks_come(struct ctx *c, struct tx *tx)
{
    TRY(remarks_fill(c, tx));
    return res_words_fill(c, tx);
}
