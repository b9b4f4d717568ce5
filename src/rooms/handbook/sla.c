/* sla.c - from a policy to a due time. sla_due and pause_moves are pure and the only places where a
 * promise becomes an instant; the rest reads the rows they need. */
#include "rooms/handbook/room.h"

static const struct query Q_SLA_POLICY = {
    "handbook.sla_policy",
    "SELECT id, version, respond_min, handle_min, resolve_min, hours, category_id, tier FROM "
    "sla_policy WHERE community_id = $1 AND kind = $2 AND priority = $3 AND (category_id IS NULL "
    "OR category_id = $4) AND (tier IS NULL OR tier = $5) AND archived = 0 LIMIT 5"};
static const struct query Q_PRIORITY = {
    "handbook.priority", "SELECT priority FROM priority_policy WHERE community_id = $1 AND urgency "
                         "= $2 AND impact = $3 AND tier = $4 AND archived = 0"};
static const struct query Q_PAUSE = {
    "handbook.pause", "SELECT stops_clock, needs_approval FROM pause_policy WHERE community_id = "
                      "$1 AND class = $2 AND archived = 0"};
static const struct query Q_SKILL = {
    "handbook.skill",
    "SELECT skill_id, sla_class FROM category WHERE community_id = $1 AND id = $2"};
const struct query *const sla_queries[] = {&Q_SLA_POLICY, &Q_PRIORITY, &Q_PAUSE, &Q_SKILL, NULL};
enum { SLACK_DAYS = 25 };

/* --- pure --- */

/* R1: the ITIL matrix urgency × impact; a VIP moves up one, never down; tiers never lower anybody
 * below the matrix. */
int priority_default(int urgency, int impact, int tier)
{
    int sum = urgency + impact; /* 2 … 6 */
    int p = sum <= 2 ? 1 : sum == 3 ? 2 : sum <= 5 ? 3 : 4;
    if (urgency == 2 && impact == 3)
        p = 4;
    return tier == TIER_VIP && p > 1 ? p - 1 : p;
}

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
    enum { CATEGORY = 6, TIER, ROWS_MAX = 4 }; /* with and without either, one row each */
    struct rows rows;
    TRY(q_rows(
        c, tx, &Q_SLA_POLICY,
        IN(v_int(community), v_int(kind), v_int(priority), v_int(val_int(category)), v_int(tier)),
        ROWS_MAX, &rows));
    *ret = sla_default((int)kind, (int)priority);
    /* The closest fits: its category weighs more than its tier. Every ticket asks: four rows are
     * compared here, for a sorter in the database costs more than all the rest of the question. */
    const struct val *v = NULL;
    int best = -1;
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *row = rows.v + i * (size_t)rows.ncol;
        int close = 2 * (row[CATEGORY].t != V_NULL) + (row[TIER].t != V_NULL);
        if (close > best) {
            best = close;
            v = row;
        }
    }
    if (!v)
        return E_OK;
    *ret = (struct sla){.hours = val_int(v[5]) ? (int)val_int(v[5]) : HOURS_ALWAYS,
                        .policy_id = val_int(v[0]),
                        .version = val_int(v[1])};
    for (int k = 0; k < CLOCK__N; k++)
        ret->minutes[k] = (int)val_int(v[2 + k]);
    return E_OK;
}

/* Asks fn with as much of the calendar as it takes for an answer: from from_ms, at first to to_ms
 * and what minutes of working time usually need. *ret_found false: nothing within its limit, for
 * somebody has closed everything for years. */
static enum err ask_calendar(struct ctx *c, struct tx *tx, int64_t community, int64_t from_ms,
                             int64_t to_ms, int64_t minutes,
                             bool (*fn)(const struct workcal *w, void *arg), void *arg,
                             struct workcal *ret, bool *ret_found)
{
    const struct zone *z = app_zone(community);
    int64_t first = date_days(zone_date(z, from_ms)),
            /* enough for five days of eight hours */
        days = date_days(zone_date(z, to_ms)) - first + minutes / 300 + SLACK_DAYS;
    for (*ret_found = false;; days *= 2) {
        if (days >= WORKCAL_DAYS_MAX)
            days = WORKCAL_DAYS_MAX - 1;
        TRY(workcal_load(c, tx, community, date_of_days(first), date_of_days(first + days), ret));
        *ret_found = fn(ret, arg);
        if (*ret_found || days == WORKCAL_DAYS_MAX - 1)
            return E_OK;
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

enum err sla_due_of(struct ctx *c, struct tx *tx, int64_t community, struct sla *policy,
                    int64_t received_ms, const struct pause *pauses, size_t n,
                    int64_t ret_ms[CLOCK__N], struct workcal *ret_calendar)
{
    struct ask a = {policy, received_ms, pauses, n, {0}};
    int64_t last_ms = n && pauses[n - 1].to_ms > received_ms ? pauses[n - 1].to_ms : received_ms;
    bool found = false;
    if (policy->hours == HOURS_WORKING || ret_calendar) {
        struct workcal w;
        TRY(ask_calendar(c, tx, community, received_ms, last_ms, policy->minutes[CLOCK_RESOLVE],
                         ask_due, &a, &w, &found));
        if (ret_calendar)
            *ret_calendar = w;
    }
    if (!found) {
        policy->hours = HOURS_ALWAYS;
        (void)ask_due(NULL, &a);
    }
    for (int k = 0; k < CLOCK__N; k++)
        ret_ms[k] = a.due_ms[k];
    return E_OK;
}

struct move {
    int hours;
    const struct pause *pause;
    int64_t *due_ms;
    size_t n;
};

static bool ask_move(const struct workcal *w, void *arg)
{
    struct move *m = arg;
    int64_t due_ms[CLOCK__N];
    for (size_t i = 0; i < m->n; i++) {
        due_ms[i] = m->due_ms[i];
        if (!pause_moves(m->hours, w, m->pause, &due_ms[i]))
            return false;
    }
    for (size_t i = 0; i < m->n; i++)
        m->due_ms[i] = due_ms[i];
    return true;
}

enum err pause_moves_of(struct ctx *c, struct tx *tx, int64_t community, int hours,
                        const struct pause *p, int64_t *due_ms, size_t n)
{
    struct move m = {hours, p, due_ms, n};
    struct workcal w;
    int64_t last_ms = p->to_ms;
    ASSERT(n <= CLOCK__N);
    for (size_t i = 0; i < n; i++)
        last_ms = due_ms[i] > last_ms ? due_ms[i] : last_ms;
    bool found = false;
    if (hours == HOURS_WORKING)
        TRY(ask_calendar(c, tx, community, p->from_ms, last_ms, (p->to_ms - p->from_ms) / 60000,
                         ask_move, &m, &w, &found));
    m.hours = HOURS_ALWAYS;
    if (!found)
        (void)ask_move(NULL, &m);
    return E_OK;
}

enum err pause_policy_of(struct ctx *c, struct tx *tx, int64_t community, int64_t class,
                         bool *ret_stops, bool *ret_ask)
{
    struct val v[2] = {{0}};
    enum err e = q_one(c, tx, &Q_PAUSE, IN(v_int(community), v_int(class)), v, 2);
    if (e != E_OK && e != E_MISSING)
        return e;
    *ret_stops = e == E_OK && val_int(v[0]);
    *ret_ask = *ret_stops && val_int(v[1]);
    return E_OK;
}

enum err priority_read(struct ctx *c, struct tx *tx, int64_t community, int urgency, int impact,
                       int64_t tier, int *ret)
{
    struct val p = v_int(priority_default(urgency, impact, (int)tier));
    enum err e = q_one(c, tx, &Q_PRIORITY,
                       IN(v_int(community), v_int(urgency), v_int(impact), v_int(tier)), &p, 1);
    if (e != E_OK && e != E_MISSING)
        return e;
    *ret = (int)val_int(p);
    return E_OK;
}

enum err category_brief(struct ctx *c, struct tx *tx, int64_t community, struct val category,
                        struct val *ret_skill, int *ret_class)
{
    struct val v[2] = {{0}};
    *ret_skill = v_null();
    *ret_class = 0;
    if (category.t != V_INT)
        return E_OK;
    enum err e = q_one(c, tx, &Q_SKILL, IN(v_int(community), category), v, 2);
    if (e != E_OK)
        return e == E_MISSING ? E_OK : e;
    *ret_skill = v[0];
    *ret_class = (int)val_int(v[1]);
    return E_OK;
}
