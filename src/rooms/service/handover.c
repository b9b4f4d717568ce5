/* handover.c - responsibility changes hands only when the other one takes it (G3.2): whoever is
 * responsible asks, the receiver accepts or refuses with a reason; until then nothing changes.
 * Refused twice, it is the manager's to decide (R19). The first contact stays: he is asked at the
 * end whether his customer was served (R20). */
#include "core/event.h"
#include "rooms/service/ticket.h"

enum { REFUSALS_MAX = 2, HANDOVERS_MAX = 200 };

static const struct choice handover_states[] = {
    {HANDOVER_ASKED, "asked", {"待接手", "Asked"}, "amber"},
    {HANDOVER_ACCEPTED, "accepted", {"已接手", "Accepted"}, "green"},
    {HANDOVER_REFUSED, "refused", {"已拒绝", "Refused"}, "red"},
    {HANDOVER_RECALLED, "recalled", {"已收回", "Recalled"}, "grey"},
    {0}};
static const struct field handover_fields[HO__N] = {
    STANDARD_FIELDS,
    [HO_TICKET] = {"ticket_id", F_REF, SERVER_SET | FILTER | LIST | INDEXED, .ref = "tickets",
                   .label = {"工单", "Ticket"}},
    [HO_FROM] = {"from_staff_id", F_REF, SERVER_SET | FILTER | LIST | INDEXED, .ref = "staff",
                 .label = {"移交人", "From"}},
    [HO_TO] = {"to_staff_id", F_REF, SERVER_SET | FILTER | LIST | INDEXED, .ref = "staff",
               .label = {"接手人", "To"}},
    [HO_REASON] = {"reason", F_TEXT, SERVER_SET | LIST, 0, 300, .label = {"移交原因", "Reason"}},
    [HO_STATE] = {"state", F_ENUM, SERVER_SET | FILTER | LIST, .choices = handover_states,
                  .label = {"状态", "State"}},
    [HO_ANSWERED] = {"answered_at", F_INSTANT, SERVER_SET | LIST,
                     .label = {"答复时间", "Answered"}},
    [HO_ANSWER] = {"answer", F_TEXT, SERVER_SET, 0, 300, .label = {"拒绝原因", "Why refused"}},
};
static const struct row_rule handover_rules[] = {
    {"ticket.work", "from_staff_id = :staff OR to_staff_id = :staff"}, {0}};
const struct resource res_handover = {.name = "handover",
                                      .path = "handovers",
                                      .label = {"责任移交", "Handover"},
                                      .fields = handover_fields,
                                      .nfields = HO__N,
                                      .title = "id",
                                      .read = "ticket.read",
                                      .rules = handover_rules,
                                      .staff_field = HO_TO,
                                      .quiet = true};

static const struct query Q_ASKED = {
    "service.handover_asked", "SELECT id FROM handover WHERE community_id = $1 AND ticket_id = $2 "
                              "AND state = 1 ORDER BY id DESC LIMIT 1"};
/* Refusals since somebody was last made responsible, by accepting or by dispatch. */
static const struct query Q_REFUSED = {
    "service.handover_refused",
    "SELECT count(*) FROM handover WHERE community_id = $1 AND ticket_id = $2 AND state = 3 AND "
    "answered_at >= $3 AND id > COALESCE((SELECT max(id) FROM handover WHERE community_id = $1 AND "
    "ticket_id = $2 AND state = 2), 0)"};
const struct query *const handover_queries[] = {&Q_ASKED, &Q_REFUSED, NULL};

/* --- pure --- */

int64_t responsible_of(const struct row *r)
{
    return row_has(r, T_ASSIGNEE) ? row_int(r, T_ASSIGNEE) : row_int(r, T_FIRST_CONTACT);
}

bool is_responsible(const struct who *w, const struct row *r)
{
    int64_t me = who_staff(w, row_int(r, R_COMMUNITY));
    return me && me == responsible_of(r);
}

bool is_receiver(const struct who *w, const struct row *r)
{
    int64_t me = who_staff(w, row_int(r, R_COMMUNITY));
    return me && me == row_int(r, T_HANDOVER_TO);
}

bool is_first_contact(const struct who *w, const struct row *r)
{
    int64_t me = who_staff(w, row_int(r, R_COMMUNITY));
    return me && me == row_int(r, T_FIRST_CONTACT);
}

bool is_handed_over(const struct row *r)
{
    return row_has(r, T_HANDOVER_TO);
}

bool is_not_handed_over(const struct row *r)
{
    return !is_handed_over(r);
}

bool is_to_vouch(const struct row *r)
{
    return !row_has(r, T_VOUCHED) && row_has(r, T_FIRST_CONTACT);
}

/* --- guards --- */

static enum err refusals(struct ctx *c, struct tx *tx, const struct row *t, int64_t *ret)
{
    struct val n;
    TRY(q_one(c, tx, &Q_REFUSED, IN(t->v[R_COMMUNITY], t->v[R_ID], v_int(row_int(t, T_DISPATCHED))),
              &n, 1));
    *ret = val_int(n);
    return E_OK;
}

enum err guard_hand_over(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in)
{
    enum { TO };
    int64_t n;
    if (row_int(in, TO) == responsible_of(old))
        return FAIL_FIELD(c, "handover_to_id", "self", "他现在就是责任人",
                          "this is who is responsible now");
    TRY(refusals(c, tx, old, &n));
    if (n >= REFUSALS_MAX)
        return FAIL(c, E_STATE, "已被拒绝两次,由经理指定处理人",
                    "refused twice: the manager says who takes it");
    return check_skill_of(c, tx, old, "handover_to_id", row_int(in, TO));
}

enum err guard_accept_handover(struct ctx *c, struct tx *tx, const struct row *old,
                               const struct row *in)
{
    (void)in; /* a certificate may have run out since */
    return check_skill_of(c, tx, old, "assignee_id", row_int(old, T_HANDOVER_TO));
}

/* --- effects --- */

#define EFFECT(name)                                                                               \
    enum err name(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,            \
                  const struct row *in)

EFFECT(effect_hand_over)
{
    enum { TO, REASON };
    struct row row = {0};
    (void)neu; /* handover_to_id is copied from the input */
    row_put(&row, R_COMMUNITY, old->v[R_COMMUNITY]);
    row_put(&row, HO_TICKET, old->v[R_ID]);
    row_put(&row, HO_FROM, v_int(responsible_of(old)));
    row_put(&row, HO_TO, in->v[TO]);
    row_put(&row, HO_REASON, in->v[REASON]);
    row_put(&row, HO_STATE, v_int(HANDOVER_ASKED));
    return res_insert(c, tx, &res_handover, &row);
}

static enum err answer(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                       int state, struct val reason, int64_t *ret_id)
{
    struct row row, done = {0};
    struct val id;
    row_put(neu, T_HANDOVER_TO, v_null());
    TRY(q_one(c, tx, &Q_ASKED, IN(old->v[R_COMMUNITY], old->v[R_ID]), &id, 1));
    TRY(res_load(c, tx, &res_handover, val_int(id), &row));
    *ret_id = val_int(id);
    row_put(&done, HO_STATE, v_int(state));
    row_put(&done, HO_ANSWERED, v_int(c->now_ms));
    row_put(&done, HO_ANSWER, reason);
    return res_store(c, tx, &res_handover, &row, &done, "handover.answered", (struct str){0});
}

EFFECT(effect_accept_handover)
{
    int64_t id;
    (void)in;
    row_put(neu, T_ASSIGNEE, old->v[T_HANDOVER_TO]);
    row_put(neu, T_ARRIVED, v_null());
    row_put(neu, T_REROUTES, v_int(row_int(old, T_REROUTES) + 1));
    if (!row_has(old, T_ASSIGNEE))
        row_put(neu, T_DISPATCHED, v_int(c->now_ms));
    return answer(c, tx, old, neu, HANDOVER_ACCEPTED, v_null(), &id);
}

EFFECT(effect_refuse_handover)
{
    enum { REASON };
    int64_t n, id;
    TRY(answer(c, tx, old, neu, HANDOVER_REFUSED, in->v[REASON], &id));
    TRY(refusals(c, tx, old, &n));
    return n >= REFUSALS_MAX ? escalate_once(c, tx, old, WHY_REFUSED, LEVEL_MANAGER, id) : E_OK;
}

EFFECT(effect_recall_handover)
{
    int64_t id;
    (void)in;
    return answer(c, tx, old, neu, HANDOVER_RECALLED, v_null(), &id);
}

enum err handover_drop(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    int64_t id;
    return is_handed_over(old) ? answer(c, tx, old, neu, HANDOVER_RECALLED, v_null(), &id) : E_OK;
}

EFFECT(effect_vouch)
{
    (void)in, (void)old, (void)tx;
    row_put(neu, T_VOUCHED, v_int(c->now_ms));
    return E_OK;
}
