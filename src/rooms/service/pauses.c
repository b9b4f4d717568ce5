/* pauses.c - work that waits: each pause is a row with its reason, its class decides whether the
 * clock stops, and a worker's own word is not enough where the class asks for approval (T-65). A
 * pause moves only what was still due when it began, so no breach ever goes away. */
#include "rooms/service/ticket.h"

static const struct field pause_fields[TP__N] = {
    STANDARD_FIELDS,
    [TP_TICKET] = {"ticket_id", F_REF, SERVER_SET | FILTER | LIST | INDEXED, .ref = "tickets",
                   .label = {"工单", "Ticket"}},
    [TP_CLASS] = {"class", F_ENUM, SERVER_SET | FILTER | LIST, .choices = ticket_pause_classes,
                  .label = {"暂停原因", "Paused for"}},
    [TP_REASON] = {"reason", F_TEXT, SERVER_SET | LIST, 0, 300, .label = {"说明", "Reason"}},
    [TP_FROM] = {"from_at", F_INSTANT, SERVER_SET | FILTER | LIST, .label = {"从", "From"}},
    [TP_TO] = {"to_at", F_INSTANT, SERVER_SET | LIST, .label = {"到", "To"}},
    [TP_STOPS] = {"stops_clock", F_BOOL, SERVER_SET | FILTER | LIST,
                  .label = {"停表", "Stops the clock"}},
    [TP_STATE] = {"state", F_ENUM, SERVER_SET | FILTER | LIST, .choices = ticket_pause_states,
                  .label = {"审批", "Approval"}},
};
const struct resource res_ticket_pause = {.name = "ticket_pause",
                                          .path = "ticket-pauses",
                                          .label = {"暂停", "Pause"},
                                          .fields = pause_fields,
                                          .nfields = TP__N,
                                          .title = "id",
                                          .read = "ticket.read",
                                          .quiet = true};

static const struct query Q_PAUSES = {
    "service.pauses", "SELECT id, class, reason, from_at, to_at, stops_clock, state FROM "
                      "ticket_pause WHERE community_id = $1 AND ticket_id = $2 ORDER BY id LIMIT "
                      "101"};
const struct query *const pause_queries[] = {&Q_PAUSES, NULL};
enum { P_ID, P_CLASS, P_REASON, P_FROM, P_TO, P_STOPS, P_STATE, P__N };

bool pause_is_asked(const struct row *r)
{
    return row_int(r, T_PAUSE_STATE) == PAUSE_ASKED;
}

static bool counts(const struct val *v)
{
    return val_int(v[P_STOPS]) &&
           (val_int(v[P_STATE]) == PAUSE_FREE || val_int(v[P_STATE]) == PAUSE_APPROVED);
}

static enum err rows_of(struct ctx *c, struct tx *tx, const struct row *t, struct rows *ret)
{
    return q_rows(c, tx, &Q_PAUSES, IN(t->v[R_COMMUNITY], t->v[R_ID]), PAUSES_MAX, ret);
}

enum err pauses_read(struct ctx *c, struct tx *tx, const struct row *t, bool ended,
                     struct pause *ret, size_t *ret_n)
{
    struct rows rows;
    int64_t began = row_int(t,
                            T_CLOCK_FROM); /* a reopened ticket's: those before moved the first */
    size_t n = 0;
    TRY(rows_of(c, tx, t, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * P__N;
        int64_t from = val_int(v[P_FROM]), to = v[P_TO].t == V_INT ? v[P_TO].i : c->now_ms;
        if (to > began && (v[P_TO].t == V_INT || !ended))
            ret[n++] = (struct pause){from > began ? from : began, to, counts(v)};
    }
    *ret_n = n;
    return E_OK;
}

enum err pauses_json(struct ctx *c, struct tx *tx, const struct row *t, struct buf *out)
{
    struct rows rows;
    const struct zone *z = app_zone(row_int(t, R_COMMUNITY));
    TRY(rows_of(c, tx, t, &rows));
    buf_put(out, S(",\"pauses\":["));
    for (size_t i = 0; i < rows.n; i++) {
        static const int fields[] = {
            [P_CLASS] = TP_CLASS, [P_REASON] = TP_REASON, [P_FROM] = TP_FROM,
            [P_TO] = TP_TO,       [P_STOPS] = TP_STOPS,   [P_STATE] = TP_STATE};
        const struct val *v = rows.v + i * P__N;
        buf_putz(out, i ? ",{" : "{");
        part_json(out, &res_ticket_pause, v, fields, COUNT_OF(fields), z);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
    return E_OK;
}

void clocks_mark(const struct ctx *c, const struct row *old, struct row *neu)
{
    for (int k = 0; k < CLOCK__N; k++) {
        const struct clock_field *f = &clock_fields[k];
        if (!row_has(old, f->stopped) && clock_breached(row_int(old, f->due), 0, c->now_ms))
            row_put(neu, f->breached, v_int(1));
    }
}

#define EFFECT(name)                                                                               \
    enum err name(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,            \
                  const struct row *in)

EFFECT(effect_pause)
{
    enum { CLASS, REASON };
    struct row p = {0};
    bool stops, ask;
    int64_t community = row_int(old, R_COMMUNITY);
    struct rows before;
    TRY(rows_of(c, tx, old, &before));
    if (before.n >= PAUSES_MAX) /* one more and nobody could read the ticket's pauses at all */
        return FAIL(c, E_STATE, "这张工单已暂停 100 次,请先完成,或取消后另开一张",
                    "this ticket was paused 100 times: finish it, or cancel it and open another");
    TRY(pause_policy_of(c, tx, community, row_int(in, CLASS), &stops, &ask));
    ask = ask && c->who && !who_may(c->who, "ticket.dispatch", community);
    row_put(&p, R_COMMUNITY, old->v[R_COMMUNITY]);
    row_put(&p, TP_TICKET, old->v[R_ID]);
    row_put(&p, TP_CLASS, in->v[CLASS]);
    row_put(&p, TP_REASON, in->v[REASON]);
    row_put(&p, TP_FROM, v_int(c->now_ms));
    row_put(&p, TP_STOPS, v_int(stops));
    row_put(&p, TP_STATE, v_int(ask ? PAUSE_ASKED : PAUSE_FREE));
    TRY(res_insert(c, tx, &res_ticket_pause, &p));
    row_put(neu, T_PAUSE_CLASS, in->v[CLASS]);
    row_put(neu, T_PAUSED_AT, v_int(c->now_ms));
    if (ask || !pause_is_asked(old)) /* an earlier one may still wait for its answer */
        row_put(neu, T_PAUSE_STATE, p.v[TP_STATE]);
    clocks_mark(c, old, neu);
    if (stops && !ask) {
        row_put(neu, T_CLOCK_STOPPED, v_int(1));
        row_put(neu, T_CLOCK_NEXT, v_null());
    }
    return E_OK;
}

EFFECT(effect_resume)
{
    struct rows rows;
    (void)in;
    row_put(neu, T_PAUSED_MS,
            v_int(row_int(old, T_PAUSED_MS) + c->now_ms - row_int(old, T_PAUSED_AT)));
    row_put(neu, T_PAUSED_AT, v_null());
    row_put(neu, T_PAUSE_CLASS, v_null());
    row_put(neu, T_CLOCK_STOPPED, v_int(0));
    TRY(rows_of(c, tx, old, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * P__N;
        struct row p, done = {0};
        if (v[P_TO].t == V_INT)
            continue;
        TRY(res_load(c, tx, &res_ticket_pause, val_int(v[P_ID]), &p));
        row_put(&done, TP_TO, v_int(c->now_ms));
        TRY(res_store(c, tx, &res_ticket_pause, &p, &done, "ticket_pause.ended", (struct str){0}));
        if (counts(v))
            TRY(clocks_move(c, tx, old, neu, val_int(v[P_FROM]), c->now_ms));
    }
    return E_OK;
}

/* Answers every pause that waits for one. Approved, it counts from its start; if it goes on, the
 * clock stops now and moves when work resumes. */
static enum err answer(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                       int state)
{
    struct rows rows;
    TRY(rows_of(c, tx, old, &rows));
    row_put(neu, T_PAUSE_STATE, v_int(state));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * P__N;
        struct row p, done = {0};
        if (val_int(v[P_STATE]) != PAUSE_ASKED)
            continue;
        TRY(res_load(c, tx, &res_ticket_pause, val_int(v[P_ID]), &p));
        row_put(&done, TP_STATE, v_int(state));
        TRY(res_store(c, tx, &res_ticket_pause, &p, &done, "ticket_pause.answered",
                      (struct str){0}));
        if (state != PAUSE_APPROVED)
            continue;
        if (v[P_TO].t == V_INT)
            TRY(clocks_move(c, tx, old, neu, val_int(v[P_FROM]), val_int(v[P_TO])));
        else {
            clocks_mark(c, old, neu);
            row_put(neu, T_CLOCK_STOPPED, v_int(1));
            row_put(neu, T_CLOCK_NEXT, v_null());
        }
    }
    return E_OK;
}

EFFECT(effect_approve_pause)
{
    (void)in;
    return answer(c, tx, old, neu, PAUSE_APPROVED);
}

EFFECT(effect_refuse_pause)
{
    (void)in;
    return answer(c, tx, old, neu, PAUSE_REFUSED);
}
