/* clock.c - the three clocks: what a policy promises, when that runs out, what a pause does to it.
 * sla_due is pure and the only place where a promise becomes an instant; the rest reads rows for it
 * and writes its answers. A promise once made stays when policies or holidays change later; only
 * pauses and a reopening move it. */
#include "rooms/service/ticket.h"

const struct clock_field clock_fields[CLOCK__N] = {[CLOCK_RESPOND] = {"respond",
                                                                      {"响应", "Response"},
                                                                      T_RESPOND_DUE,
                                                                      T_RESPONDED,
                                                                      T_RESPOND_BREACHED,
                                                                      T_RESPOND_MIN},
                                                   [CLOCK_HANDLE] = {"handle",
                                                                     {"首次处理", "First handling"},
                                                                     T_HANDLE_DUE,
                                                                     T_HANDLED,
                                                                     T_HANDLE_BREACHED,
                                                                     T_HANDLE_MIN},
                                                   [CLOCK_RESOLVE] = {"resolve",
                                                                      {"完成", "Resolution"},
                                                                      T_RESOLVE_DUE,
                                                                      T_RESOLVED,
                                                                      T_RESOLVE_BREACHED,
                                                                      T_RESOLVE_MIN}};

static const struct query Q_SLA_POLICY = {
    "service.sla_policy",
    "SELECT id, version, respond_min, handle_min, resolve_min, hours FROM sla_policy WHERE "
    "community_id = $1 AND kind = $2 AND priority = $3 AND (category_id IS NULL OR category_id = "
    "$4) AND (tier IS NULL OR tier = $5) AND archived = 0 ORDER BY CASE WHEN category_id IS NULL "
    "THEN 1 ELSE 0 END, CASE WHEN tier IS NULL THEN 1 ELSE 0 END LIMIT 1"};
const struct query *const clock_queries[] = {&Q_SLA_POLICY, NULL};
enum { SLACK_DAYS = 25 };

bool clock_breached(int64_t due_ms, int64_t stopped_ms, int64_t now_ms)
{
    return (stopped_ms ? stopped_ms : now_ms) > due_ms;
}

/* --- pure --- */

static bool add(int hours, const struct workcal *w, int64_t from_ms, int64_t ms, int64_t *ret)
{
    if (hours == HOURS_WORKING)
        return workcal_add(w, from_ms, ms, ret);
    *ret = from_ms + ms;
    return true;
}

bool pause_moves(int hours, const struct workcal *calendar, const struct pause *p, int64_t *due_ms)
{
    int64_t ms = p->to_ms - p->from_ms;
    if (!p->stops || *due_ms <= p->from_ms || ms <= 0)
        return true;
    if (hours == HOURS_WORKING && !workcal_between(calendar, p->from_ms, p->to_ms, &ms))
        return false;
    return add(hours, calendar, *due_ms, ms, due_ms);
}

bool sla_due(const struct sla *policy, const struct workcal *calendar, int64_t received_ms,
             const struct pause *pauses, size_t n, int64_t ret_ms[CLOCK__N])
{
    int64_t due[CLOCK__N];
    for (int k = 0; k < CLOCK__N; k++) {
        if (!add(policy->hours, calendar, received_ms, policy->minutes[k] * INT64_C(60000),
                 &due[k]))
            return false;
        for (size_t i = 0; k != CLOCK_RESPOND && i < n; i++)
            if (!pause_moves(policy->hours, calendar, &pauses[i], &due[k]))
                return false;
    }
    for (int k = 0; k < CLOCK__N; k++)
        ret_ms[k] = due[k];
    return true;
}

/* --- with the community's rows --- */

enum err sla_read(struct ctx *c, struct tx *tx, int64_t community, int64_t kind, int64_t priority,
                  struct val category, int64_t tier, struct sla *ret)
{
    struct val v[6];
    enum err e = q_one(
        c, tx, &Q_SLA_POLICY,
        IN(v_int(community), v_int(kind), v_int(priority), v_int(val_int(category)), v_int(tier)),
        v, 6);
    if (e != E_OK && e != E_MISSING)
        return e;
    *ret = sla_default((int)kind, (int)priority);
    if (e == E_MISSING)
        return E_OK;
    *ret = (struct sla){.hours = val_int(v[5]) ? (int)val_int(v[5]) : HOURS_ALWAYS,
                        .policy_id = val_int(v[0]),
                        .version = val_int(v[1])};
    for (int k = 0; k < CLOCK__N; k++)
        ret->minutes[k] = (int)val_int(v[2 + k]);
    return E_OK;
}

/* Asks fn with as much of the calendar as it takes for an answer: from from_ms, at first to to_ms
 * and what minutes of working time usually need. */
static enum err ask_calendar(struct ctx *c, struct tx *tx, int64_t community, int64_t from_ms,
                             int64_t to_ms, int64_t minutes,
                             bool (*fn)(const struct workcal *w, void *arg), void *arg,
                             struct workcal *ret)
{
    const struct zone *z = app_zone(community);
    int64_t first = date_days(zone_date(z, from_ms)),
            /* enough for five days of eight hours */
        days = date_days(zone_date(z, to_ms)) - first + minutes / 300 + SLACK_DAYS;
    for (;; days *= 2) {
        if (days >= WORKCAL_DAYS_MAX)
            days = WORKCAL_DAYS_MAX - 1;
        TRY(workcal_load(c, tx, community, date_of_days(first), date_of_days(first + days), ret));
        if (fn(ret, arg))
            return E_OK;
        if (days == WORKCAL_DAYS_MAX - 1)
            return FAIL(c, E_INVALID, "工作日历里的工作时间太少,算不出时限",
                        "the work calendar has too little working time to work this out");
    }
}

struct ask {
    const struct sla *policy;
    int64_t from_ms;
    const struct pause *pauses;
    size_t n;
    int64_t due_ms[CLOCK__N];
};

static bool ask_due(const struct workcal *w, void *arg)
{
    struct ask *a = arg;
    return sla_due(a->policy, w, a->from_ms, a->pauses, a->n, a->due_ms);
}

enum err sla_due_of(struct ctx *c, struct tx *tx, int64_t community, const struct sla *policy,
                    int64_t received_ms, const struct pause *pauses, size_t n,
                    int64_t ret_ms[CLOCK__N], struct workcal *ret_calendar)
{
    struct ask a = {policy, received_ms, pauses, n, {0}};
    int64_t last_ms = n && pauses[n - 1].to_ms > received_ms ? pauses[n - 1].to_ms : received_ms;
    if (policy->hours == HOURS_ALWAYS && !ret_calendar)
        (void)ask_due(NULL, &a);
    else {
        struct workcal w;
        TRY(ask_calendar(c, tx, community, received_ms, last_ms, policy->minutes[CLOCK_RESOLVE],
                         ask_due, &a, &w));
        if (ret_calendar)
            *ret_calendar = w;
    }
    for (int k = 0; k < CLOCK__N; k++)
        ret_ms[k] = a.due_ms[k];
    return E_OK;
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

struct move {
    int hours;
    struct pause pause;
    int64_t due_ms[CLOCK__N];
};

static bool ask_move(const struct workcal *w, void *arg)
{
    struct move *m = arg;
    int64_t due_ms[CLOCK__N];
    for (int k = 0; k < CLOCK__N; k++) {
        due_ms[k] = m->due_ms[k];
        if (k != CLOCK_RESPOND && !pause_moves(m->hours, w, &m->pause, &due_ms[k]))
            return false;
    }
    for (int k = 0; k < CLOCK__N; k++)
        m->due_ms[k] = due_ms[k];
    return true;
}

static int64_t row_now(const struct row *old, const struct row *neu, int field)
{
    return neu->set & BIT(field) ? row_int(neu, field) : row_int(old, field);
}

enum err clocks_move(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                     int64_t from_ms, int64_t to_ms)
{
    struct sla s = sla_of_ticket(old);
    struct move m = {s.hours, {from_ms, to_ms, true}, {0}};
    struct workcal w;
    int64_t last_ms = to_ms;
    for (int k = 0; k < CLOCK__N; k++) {
        m.due_ms[k] = row_now(old, neu, clock_fields[k].due);
        last_ms = m.due_ms[k] > last_ms ? m.due_ms[k] : last_ms;
    }
    if (s.hours == HOURS_WORKING)
        TRY(ask_calendar(c, tx, row_int(old, R_COMMUNITY), from_ms, last_ms,
                         (to_ms - from_ms) / 60000, ask_move, &m, &w));
    else
        (void)ask_move(NULL, &m);
    for (int k = 0; k < CLOCK__N; k++)
        if (!row_has(old, clock_fields[k].stopped))
            row_put(neu, clock_fields[k].due, v_int(m.due_ms[k]));
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
    return E_OK;
}
