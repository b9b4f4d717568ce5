/* jobs.c - what the room does by itself: breach flags at the minute, closing after seven days of
 * silence, policies for a new community. All are jobs inside one transaction: a crash repeats them,
 * never half of them. */
#include "core/event.h"
#include "rooms/service/ticket.h"

enum { SWEEP_MAX = 500, CLOSE_AFTER_DAYS = 7 };

#define SWEEP(name, due, stopped, flag)                                                            \
    static const struct query name = {"service.sweep_" flag,                                       \
                                      "SELECT id FROM ticket WHERE " due " < $1 AND " stopped      \
                                      " IS NULL AND " flag " = 0 AND state < 8 ORDER BY " due      \
                                      " LIMIT 500"}
SWEEP(Q_SWEEP_RESPOND, "respond_due", "responded_at", "respond_breached");
SWEEP(Q_SWEEP_HANDLE, "handle_due", "handled_at", "handle_breached");
SWEEP(Q_SWEEP_RESOLVE, "resolve_due", "resolved_at", "resolve_breached");
static const struct query Q_SILENT = {
    "service.silent",
    "SELECT id FROM ticket WHERE state = 7 AND informed_at < $1 ORDER BY informed_at LIMIT 500"};
const struct query Q_SLA_POLICY = {
    "service.sla_policy",
    "SELECT id, version, respond_min, handle_min, resolve_min FROM sla_policy WHERE community_id = "
    "$1 AND kind = $2 AND priority = $3 AND archived = 0"};
const struct query Q_PRIORITY_POLICY = {
    "service.priority_policy", "SELECT priority FROM priority_policy WHERE community_id = $1 AND "
                               "urgency = $2 AND impact = $3 AND tier = $4 AND archived = 0"};
const struct query Q_PERSON_BRIEF = {
    "service.person", "SELECT name, phone, tier FROM person WHERE community_id = $1 AND id = $2"};
const struct query Q_CATEGORY_SKILL = {
    "service.category",
    "SELECT skill_id, resolve_min FROM category WHERE community_id = $1 AND id = $2"};
const struct query Q_OPEN_COUNT = {"service.open_count",
                                   "SELECT count(*) FROM ticket WHERE community_id = $1 AND "
                                   "assignee_id = $2 AND state IN (3, 4, 5) AND archived = 0"};
static const struct query Q_HAS_POLICY = {
    "service.has_policy", "SELECT id FROM sla_policy WHERE community_id = $1 LIMIT 1"};

/* Marks each late ticket through the store, so that version, event and live notice are as for any
 * change. */
static enum err mark_late(struct ctx *c, struct tx *tx, const struct query *q, int flag,
                          const char *clock)
{
    struct rows rows;
    TRY(q_rows(c, tx, q, IN(v_int(c->now_ms)), SWEEP_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row old, neu = {0};
        TRY(res_load(c, tx, &res_ticket, val_int(rows.v[i]), &old));
        row_put(&neu, flag, v_int(1));
        TRY(res_store(c, tx, &res_ticket, &old, &neu, "ticket.breached",
                      arena_fmt(c->mem, "\"action\":\"breach\",\"clock\":\"%s\"", clock)));
    }
    return E_OK;
}

static enum err sweep(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    (void)app;
    (void)data;
    TRY(mark_late(c, tx, &Q_SWEEP_RESPOND, T_RESPOND_BREACHED, "respond"));
    TRY(mark_late(c, tx, &Q_SWEEP_HANDLE, T_HANDLE_BREACHED, "handle"));
    return mark_late(c, tx, &Q_SWEEP_RESOLVE, T_RESOLVE_BREACHED, "resolve");
}

static enum err auto_close(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    struct rows rows;
    struct row in = {0};
    (void)app;
    (void)data;
    TRY(q_rows(c, tx, &Q_SILENT, IN(v_int(c->now_ms - INT64_C(86400000) * CLOSE_AFTER_DAYS)),
               SWEEP_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row row;
        TRY(res_load(c, tx, &res_ticket, val_int(rows.v[i]), &row));
        TRY(flow_act_row(c, tx, &res_ticket, &row, "close", &in, 0));
    }
    return E_OK;
}

/* A new community starts with the guide's defaults as rows of its own, to be changed there. */
static enum err seed_sla(struct ctx *c, struct tx *tx, int64_t community)
{
    for (int kind = KIND_REPAIR; kind <= KIND_INQUIRY; kind++)
        for (int p = 1; p <= 4; p++) {
            struct sla s = sla_default(kind, p);
            struct row row = {0};
            row_put(&row, R_COMMUNITY, v_int(community));
            row_put(&row, PL_KIND, v_int(kind));
            row_put(&row, PL_PRIORITY, v_int(p));
            row_put(&row, PL_RESPOND, v_int(s.respond_min));
            row_put(&row, PL_HANDLE, v_int(s.handle_min));
            row_put(&row, PL_RESOLVE, v_int(s.resolve_min));
            row_put(&row, PL_SOURCE, v_lit("2025 指南 2.2.1、3.1"));
            TRY(res_insert(c, tx, &res_sla_policy, &row));
        }
    return E_OK;
}

static enum err seed_priority(struct ctx *c, struct tx *tx, int64_t community)
{
    for (int i = 0; i < 27; i++) {
        int u = i / 9 + 1, m = i / 3 % 3 + 1, tier = i % 3 + 1;
        struct row row = {0};
        row_put(&row, R_COMMUNITY, v_int(community));
        row_put(&row, PP_URGENCY, v_int(u));
        row_put(&row, PP_IMPACT, v_int(m));
        row_put(&row, PP_TIER, v_int(tier));
        row_put(&row, PP_PRIORITY, v_int(priority_default(u, m, tier)));
        TRY(res_insert(c, tx, &res_priority_policy, &row));
    }
    return E_OK;
}

static enum err seed_policies(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    const struct json *j;
    struct val id;
    (void)app;
    TRY(json_parse(c, data, &j));
    int64_t community = json_int(json_get(j, "id"));
    enum err e = q_one(c, tx, &Q_HAS_POLICY, IN(v_int(community)), &id, 1);
    if (e != E_MISSING)
        return e;
    TRY(seed_sla(c, tx, community));
    return seed_priority(c, tx, community);
}

const struct job service_jobs[] = {{"service.breach", 60, sweep, NULL},
                                   {"service.auto_close", 3600, auto_close, NULL},
                                   {"service.seed", 0, seed_policies, NULL},
                                   {0}};
const struct query *const service_queries[] = {
    &Q_SWEEP_RESPOND, &Q_SWEEP_HANDLE,    &Q_SWEEP_RESOLVE, &Q_SILENT,
    &Q_SLA_POLICY,    &Q_PRIORITY_POLICY, &Q_PERSON_BRIEF,  &Q_CATEGORY_SKILL,
    &Q_OPEN_COUNT,    &Q_HAS_POLICY,      &Q_EXTERNAL,      NULL};
