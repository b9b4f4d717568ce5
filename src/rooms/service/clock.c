/* clock.c - a ticket's three clocks in its columns: what it was promised (handbook.h says how) and
 * what moves that. A promise once made stays when policies or holidays change later; only pauses
 * and a reopening move it. */
#include "rooms/service/ticket.h"

const struct clock_field clock_fields[CLOCK__N] = {
    [CLOCK_RESPOND] = {T_RESPOND_DUE, T_RESPONDED, T_RESPOND_BREACHED, T_RESPOND_MIN},
    [CLOCK_HANDLE] = {T_HANDLE_DUE, T_HANDLED, T_HANDLE_BREACHED, T_HANDLE_MIN},
    [CLOCK_RESOLVE] = {T_RESOLVE_DUE, T_RESOLVED, T_RESOLVE_BREACHED, T_RESOLVE_MIN}};

bool clock_breached(int64_t due_ms, int64_t stopped_ms, int64_t now_ms)
{
    return (stopped_ms ? stopped_ms : now_ms) > due_ms;
}

bool clock_runs(const struct row *t, int clock)
{
    return !row_has(t, clock_fields[clock].stopped) &&
           (clock == CLOCK_RESPOND || !row_int(t, T_CLOCK_STOPPED));
}

/* What overdue means, for every list and number: before now, of an open ticket. */
void ticket_next_due(struct row *t)
{
    struct val next = v_null();
    for (int k = 0; row_int(t, T_STATE) < FINISHED && k < CLOCK__N; k++) {
        struct val due = t->v[clock_fields[k].due];
        if (due.t == V_INT && clock_runs(t, k) && (next.t == V_NULL || due.i < next.i))
            next = due;
    }
    if (!val_eq(t->v[T_NEXT_DUE], next))
        row_put(t, T_NEXT_DUE, next);
}

static void put_dues(struct row *neu, const int64_t due_ms[CLOCK__N])
{
    for (int k = 0; k < CLOCK__N; k++)
        row_put(neu, clock_fields[k].due, v_int(due_ms[k]));
}

/* Looked at first when half of the shortest clock may be over: in working time that is later, then
 * the look finds nothing and says when to look again. */
static int64_t first_look(const struct sla *s, int64_t from_ms)
{
    return from_ms + s->minutes[CLOCK_RESPOND] * INT64_C(60000) / 2;
}

enum err clocks_start(struct ctx *c, struct tx *tx, struct row *neu, int64_t tier)
{
    struct sla s;
    int64_t due_ms[CLOCK__N], from = row_int(neu, R_CREATED_AT);
    struct val brought = neu->v[T_RESOLVE_DUE]; /* an import's: the target it was promised */
    bool ended = row_has(neu, T_RESPONDED) && row_has(neu, T_HANDLED) && row_has(neu, T_RESOLVED);
    TRY(sla_read(c, tx, row_int(neu, R_COMMUNITY), row_int(neu, T_KIND), row_int(neu, T_PRIORITY),
                 neu->v[T_CATEGORY], tier, &s));
    TRY(sla_due_of(c, tx, row_int(neu, R_COMMUNITY), &s, from, NULL, 0, due_ms, NULL));
    put_dues(neu, due_ms);
    if (brought.t == V_INT)
        row_put(neu, T_RESOLVE_DUE, brought);
    row_put(neu, T_POLICY, s.policy_id ? v_int(s.policy_id) : v_null());
    row_put(neu, T_POLICY_VERSION, v_int(s.version));
    row_put(neu, T_CLOCK_FROM, v_int(from));
    row_put(neu, T_CLOCK_HOURS, v_int(s.hours));
    for (int k = 0; k < CLOCK__N; k++)
        row_put(neu, clock_fields[k].minutes, v_int(s.minutes[k]));
    row_put(neu, T_CLOCK_STOPPED, v_int(0));
    row_put(neu, T_CLOCK_NEXT, ended ? v_null() : v_int(first_look(&s, from)));
    return E_OK;
}

struct sla sla_of_ticket(const struct row *t)
{
    struct sla s = {.hours = (int)row_int(t, T_CLOCK_HOURS),
                    .policy_id = row_int(t, T_POLICY),
                    .version = row_int(t, T_POLICY_VERSION)};
    for (int k = 0; k < CLOCK__N; k++) {
        const struct clock_field *f = &clock_fields[k];
        /* One from before the columns were there: as long as it was promised. */
        s.minutes[k] = row_has(t, f->minutes)
                           ? (int)row_int(t, f->minutes)
                           : (int)((row_int(t, f->due) - row_int(t, R_CREATED_AT)) / 60000);
    }
    if (!s.hours)
        s.hours = HOURS_ALWAYS;
    return s;
}

static int64_t row_now(const struct row *old, const struct row *neu, int field)
{
    return neu->set & BIT(field) ? row_int(neu, field) : row_int(old, field);
}

enum err clocks_move(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                     int64_t from_ms, int64_t to_ms)
{
    struct pause p = {from_ms, to_ms, true};
    int64_t due_ms[CLOCK__N];
    for (int k = 0; k < CLOCK__N; k++)
        due_ms[k] = row_now(old, neu, clock_fields[k].due);
    TRY(pause_moves_of(c, tx, row_int(old, R_COMMUNITY), sla_of_ticket(old).hours, &p,
                       due_ms + CLOCK_HANDLE, CLOCK__N - CLOCK_HANDLE));
    for (int k = CLOCK_HANDLE; k < CLOCK__N; k++)
        if (!row_has(old, clock_fields[k].stopped) && !row_int(old, clock_fields[k].breached))
            row_put(neu, clock_fields[k].due, v_int(due_ms[k]));
    row_put(neu, T_CLOCK_NEXT, v_int(c->now_ms));
    return E_OK;
}

enum err clocks_restart(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    struct sla s = sla_of_ticket(old);
    int64_t due_ms[CLOCK__N];
    TRY(sla_due_of(c, tx, row_int(old, R_COMMUNITY), &s, c->now_ms, NULL, 0, due_ms, NULL));
    row_put(neu, T_RESOLVE_DUE, v_int(due_ms[CLOCK_RESOLVE]));
    row_put(neu, T_CLOCK_FROM, v_int(c->now_ms));
    row_put(neu, T_CLOCK_NEXT, v_int(c->now_ms));
    if (row_now(old, neu, T_PRIORITY) == row_int(old, T_PRIORITY))
        return E_OK;
    struct row again = *old; /* as it is with the new promise, to be made tighter */
    for (int i = T_RESOLVE_DUE; i <= T_CLOCK_FROM; i++)
        if (neu->set & BIT(i))
            again.v[i] = neu->v[i];
    again.v[T_RESOLVED] = v_null();
    return clocks_tighten(c, tx, &again, neu, TIER_REGULAR);
}

enum err clocks_tighten(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                        int64_t tier)
{
    struct sla s;
    struct pause pauses[PAUSES_MAX + 1];
    int64_t due_ms[CLOCK__N], from = row_now(old, neu, T_CLOCK_FROM);
    size_t n;
    bool earlier = false;
    struct val category = neu->set & BIT(T_CATEGORY) ? neu->v[T_CATEGORY] : old->v[T_CATEGORY];
    if (!row_has(old, T_CLOCK_FROM))
        return E_OK;
    TRY(sla_read(c, tx, row_int(old, R_COMMUNITY), row_int(old, T_KIND),
                 row_now(old, neu, T_PRIORITY), category, tier, &s));
    TRY(pauses_read(c, tx, old, true, pauses, &n));
    TRY(sla_due_of(c, tx, row_int(old, R_COMMUNITY), &s, from, pauses, n, due_ms, NULL));
    for (int k = 0; k < CLOCK__N; k++) {
        const struct clock_field *f = &clock_fields[k];
        if (row_has(old, f->stopped) || due_ms[k] >= row_int(old, f->due))
            continue;
        row_put(neu, f->due, v_int(due_ms[k]));
        earlier = true;
    }
    if (!earlier)
        return E_OK;
    row_put(neu, T_POLICY, s.policy_id ? v_int(s.policy_id) : v_null());
    row_put(neu, T_POLICY_VERSION, v_int(s.version));
    row_put(neu, T_CLOCK_HOURS, v_int(s.hours));
    for (int k = 0; k < CLOCK__N; k++)
        row_put(neu, clock_fields[k].minutes, v_int(s.minutes[k]));
    row_put(neu, T_CLOCK_NEXT, v_int(c->now_ms));
    return E_OK;
}

/* --- databases from before the clocks knew hours --- */

static const struct query Q_OLD_KEY = {"service.old_key", "DROP INDEX IF EXISTS sla_policy_key"};
static const struct query Q_OLD_HOURS = {"service.old_hours",
                                         "UPDATE sla_policy SET hours = 1 WHERE hours IS NULL"};
static const struct query Q_OLD_TICKETS = {
    "service.old_tickets",
    "UPDATE ticket SET clock_from = created_at, clock_hours = 1, clock_stopped = 0, clock_next = "
    "$1 WHERE clock_from IS NULL AND state < 8"};
static const struct query Q_NO_LADDER = {
    "service.no_ladder",
    "SELECT DISTINCT p.community_id FROM sla_policy p WHERE NOT EXISTS (SELECT 1 FROM ladder_step "
    "l WHERE l.community_id = p.community_id) ORDER BY 1 LIMIT 10000"};

/* What was promised stays as it was: around the clock. A company that wants working time changes
 * its policies; open tickets join the ladder at once. */
static enum err hours_come(struct ctx *c, struct tx *tx)
{
    struct rows rows;
    TRY(q_do(c, tx, &Q_OLD_KEY, IN0, NULL));
    TRY(q_do(c, tx, &Q_OLD_HOURS, IN0, NULL));
    TRY(q_do(c, tx, &Q_OLD_TICKETS, IN(v_int(c->now_ms)), NULL));
    TRY(q_rows(c, tx, &Q_NO_LADDER, IN0, 10000, &rows));
    for (size_t i = 0; i < rows.n; i++)
        TRY(handbook_seed(c, tx, val_int(rows.v[i])));
    return E_OK;
}

/* --- databases from before an escalation said why --- */

static const struct query Q_OLD_ONCE = {"service.old_once", "DROP INDEX IF EXISTS escalation_once"};
static const struct query Q_OLD_WHY = {"service.old_why",
                                       "UPDATE escalation SET why = CASE WHEN percent = 0 THEN 2 "
                                       "ELSE 1 END, state = CASE WHEN seen_at "
                                       "IS NULL THEN 1 ELSE 2 END WHERE why IS NULL"};

static enum err whys_come(struct ctx *c, struct tx *tx)
{
    TRY(q_do(c, tx, &Q_OLD_ONCE, IN0, NULL));
    return q_do(c, tx, &Q_OLD_WHY, IN0, NULL);
}

/* --- databases from before an escalation carried its ticket's number, a ticket its next due --- */

static const struct query Q_OLD_NUMBER = {
    "service.old_number", "UPDATE escalation SET code = (SELECT t.code FROM ticket t WHERE t.id = "
                          "escalation.ticket_id) WHERE code IS NULL"};

/* ticket_next_due in SQL. */
static const struct query Q_OLD_DUE = {
    "service.old_due",
    "UPDATE ticket SET next_due = (SELECT min(due) FROM (SELECT respond_due AS due WHERE "
    "responded_at IS NULL UNION ALL SELECT handle_due WHERE handled_at IS NULL AND "
    "COALESCE(clock_stopped, 0) = 0 UNION ALL SELECT resolve_due WHERE resolved_at IS NULL AND "
    "COALESCE(clock_stopped, 0) = 0) running) WHERE state < 6"};

static enum err numbers_come(struct ctx *c, struct tx *tx)
{
    TRY(q_do(c, tx, &Q_OLD_NUMBER, IN0, NULL));
    return q_do(c, tx, &Q_OLD_DUE, IN0, NULL);
}

/* --- databases from before an escalation said which visit or handover it is about --- */

static const struct query Q_OLD_ONE = {"service.old_one", "DROP INDEX IF EXISTS escalation_why"};

static enum err abouts_come(struct ctx *c, struct tx *tx)
{
    return q_do(c, tx, &Q_OLD_ONE, IN0, NULL);
}

/* --- databases from before the tickets were without an index they have under another name --- */

static const struct query Q_OLD_TWIN = {"service.old_twin", "DROP INDEX IF EXISTS ticket_created"};

static enum err twin_goes(struct ctx *c, struct tx *tx)
{
    return q_do(c, tx, &Q_OLD_TWIN, IN0, NULL);
}

const struct query *const clock_queries[] = {
    &Q_OLD_HOURS, &Q_OLD_TICKETS, &Q_NO_LADDER, &Q_OLD_WHY, &Q_OLD_NUMBER, &Q_OLD_DUE, NULL};
const struct fixup service_fixups[] = {
    {1, "clocks know working time", hours_come},
    {2, "escalations say why", whys_come},
    {3, "low marks are followed up", low_scores_come},
    {7, "escalations carry a number, tickets their next due", numbers_come},
    {8, "escalations say what they are about", abouts_come},
    {10, "what was written is found", remarks_come},
    {11, "tickets lose an index they had twice", twin_goes},
    {0}};
