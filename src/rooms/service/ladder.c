/* ladder.c - who is told when a clock runs: at half its time the worker, later the supervisor, the
 * manager, the company, as the community's ladder says; each rung once per promise, whoever has the
 * ticket by then. A ticket carries the instant of its next look, so the minute's job reads only
 * tickets that are due one. Everything happens in the job's one transaction: whichever node of a
 * cluster runs it, each rung and each breach happens once. */
#include "core/event.h"
#include "rooms/service/ticket.h"

enum { LOOKS_MAX = 500, RUNGS_MAX = 20, FIRED_MAX = 200, AHEAD_DAYS = 40, SEE_ALL_MAX = 500 };
enum { NIGHT_FROM_MIN = 22 * 60, NIGHT_TO_MIN = 7 * 60, AGAIN_MS = 6 * 3600 * 1000 };

static const struct choice whys[] = {
    {WHY_TIME, "time", {"时限", "Time"}, NULL},
    {WHY_NOBODY, "nobody", {"无合适人员", "Nobody is fit to go"}, "red"},
    {WHY_REFUSED, "refused", {"移交两次被拒", "Handover refused twice"}, "red"},
    {WHY_VISIT_LATE, "visit_late", {"回访逾期", "Return visit overdue"}, "amber"},
    {WHY_LOW_SCORE, "low_score", {"复评仍低", "Low mark again"}, "red"},
    {0}};
static const struct choice escalation_states[] = {
    {ESCALATION_TOLD, "told", {"待知悉", "To be seen"}, "amber"},
    {ESCALATION_SEEN, "seen", {"已知悉", "Seen"}, "green"},
    {ESCALATION_JOINED, "joined", {"已并入后一次", "Joined to a later one"}, "grey"},
    {0}};
static const struct field escalation_fields[ES__N] = {
    STANDARD_FIELDS,
    [ES_TICKET] = {"ticket_id", F_REF, SERVER_SET | FILTER | LIST | INDEXED, .ref = "tickets",
                   .label = {"工单", "Ticket"}},
    [ES_CLOCK] = {"clock", F_ENUM, SERVER_SET | FILTER | LIST, .choices = sla_clocks,
                  .label = {"时限", "Clock"}},
    [ES_PERCENT] = {"percent", F_INT, SERVER_SET | FILTER | LIST,
                    .label = {"用时(%)", "Time used (%)"}},
    [ES_FROM] = {"promised_at", F_INSTANT, SERVER_SET, .label = {"承诺时间", "Promised at"}},
    [ES_LEVEL] = {"level", F_ENUM, SERVER_SET | FILTER | LIST, .choices = ladder_levels,
                  .label = {"提醒到", "Told to"}},
    [ES_STAFF] = {"staff_id", F_REF, SERVER_SET | FILTER | LIST | INDEXED, .ref = "staff",
                  .label = {"被提醒人", "Told"},
                  .help = {"空:没有找到人,由调度知悉",
                           "empty: nobody was found; it is the dispatchers' to see"}},
    [ES_DUE] = {"due_at", F_INSTANT, SERVER_SET | LIST, .label = {"到期时间", "Due at"}},
    [ES_SEEN] = {"seen_at", F_INSTANT, SERVER_SET | LIST, .label = {"已知悉", "Seen"}},
    [ES_STATE] = {"state", F_ENUM, SERVER_SET | FILTER | LIST, .choices = escalation_states,
                  .label = {"状态", "State"}},
    [ES_WHY] = {"why", F_ENUM, SERVER_SET | FILTER | LIST, .choices = whys,
                .label = {"缘由", "Why"}},
    [ES_CODE] = {"code", F_TEXT, SERVER_SET | LIST, .label = {"工单号", "Number"}},
    [ES_ABOUT] = {"about_id", F_INT, SERVER_SET | HIDDEN, .label = {"所指", "About"},
                  .help = {"哪一次回访、哪一次移交;空:本次承诺",
                           "which return visit or handover; empty: the promise"}},
};
static const struct index escalation_indexes[] = {
    {"escalation_about", "ticket_id, why, clock, percent, promised_at, COALESCE(about_id, 0)", NULL,
     true}};

/* The one who was told, or whoever runs the place, says that it was seen. */
static bool is_told(const struct who *w, const struct row *r)
{
    int64_t me = who_staff(w, row_int(r, R_COMMUNITY));
    return me && me == row_int(r, ES_STAFF);
}

static enum err effect_see(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                           const struct row *in)
{
    (void)in;
    row_put(neu, ES_SEEN, v_int(c->now_ms));
    struct event e = {.topic = "escalation.seen",
                      .res = &res_escalation,
                      .id = row_int(old, R_ID),
                      .community_id = row_int(old, R_COMMUNITY),
                      .data = S("{\"action\":\"see\",\"internal\":true}"),
                      .code = row_str(old, ES_CODE),
                      .for_staff = row_int(old, ES_STAFF)};
    return tx_emit(c, tx, &e);
}

static const struct action escalation_actions[] = {{"see", {"知道了", "Seen"}, "primary", NULL, 0}};
static const struct step escalation_steps[] = {
    {ESCALATION_TOLD,
     ESCALATION_SEEN,
     "see",
     {{"ticket.staff", is_told}, {"ticket.dispatch", NULL}},
     NULL,
     NULL,
     effect_see,
     "escalation.seen"}};
static const struct machine escalation_machine = {ES_STATE, escalation_actions, 1, escalation_steps,
                                                  1};
static const struct row_rule escalation_rules[] = {{"ticket.work", "staff_id = :staff"}, {0}};
const struct resource res_escalation = {.name = "escalation",
                                        .path = "escalations",
                                        .label = {"升级提醒", "Escalation"},
                                        .fields = escalation_fields,
                                        .nfields = ES__N,
                                        .indexes = escalation_indexes,
                                        .nindexes = 1,
                                        .title = "id",
                                        .code = "code",
                                        .read = "ticket.read",
                                        .rules = escalation_rules,
                                        .machine = &escalation_machine,
                                        .staff_field = ES_STAFF,
                                        .quiet = true};

static const struct query Q_DUE = {
    "service.clocks_due", "SELECT id FROM ticket WHERE clock_next IS NOT NULL AND clock_next <= $1 "
                          "ORDER BY clock_next LIMIT 500"};
static const struct query Q_NEXT = {"service.clock_next",
                                    "UPDATE ticket SET clock_next = $2 WHERE id = $1"};
static const struct query Q_LADDER = {
    "service.ladder", "SELECT percent, level, quiet FROM ladder_step WHERE community_id = $1 AND "
                      "archived = 0 ORDER BY percent LIMIT 20"};
static const struct query Q_FIRED = {
    "service.fired",
    "SELECT clock, percent, why FROM escalation WHERE community_id = $1 AND ticket_id "
    "= $2 AND promised_at = $3 LIMIT 200"};
/* What is about a visit or a handover was told once about that one; the rest once per promise. */
static const struct query Q_TOLD = {
    "service.told",
    "SELECT id FROM escalation WHERE community_id = $1 AND ticket_id = $2 AND why = $3 AND "
    "(about_id = $4 OR about_id IS NULL AND $4 = 0 AND promised_at IS NOT DISTINCT FROM $5) LIMIT "
    "1"};
static const struct query Q_UNSEEN = {
    "service.unseen",
    "SELECT id FROM escalation WHERE community_id = $1 AND ticket_id = $2 AND why = 1 AND state = "
    "1 AND staff_id IS NOT DISTINCT FROM $3 AND percent <= $4 ORDER BY id LIMIT 50"};
static const struct query Q_MINE = {
    "service.told_to", "SELECT id FROM escalation WHERE community_id = $1 AND staff_id = $2 AND "
                       "state = 1 AND id <= $3 ORDER BY id LIMIT 500"};
/* Who left is told nothing: he is no answer, and the next one up is. */
static const struct query Q_PRESENT = {
    "service.present", "SELECT id FROM staff WHERE community_id = $1 AND id = $2 AND archived = 0"};
static const struct query Q_HEAD = {
    "service.head",
    "SELECT h.id FROM staff s JOIN department d ON d.id = s.department_id AND d.community_id = "
    "s.community_id AND d.archived = 0 JOIN staff h ON h.id = d.head_id AND h.community_id = "
    "d.community_id AND h.archived = 0 WHERE s.community_id = $1 AND s.id = $2 AND h.id <> s.id"};
#define MANAGERS                                                                                   \
    "SELECT h.id FROM role_grant g JOIN role r ON r.id = g.role_id AND r.key = 'manager' JOIN "    \
    "staff h ON h.id = g.staff_id AND h.archived = 0 WHERE g.archived = 0 AND h.community_id = "   \
    "$1 AND "
static const struct query Q_MANAGER = {"service.manager", MANAGERS
                                       "g.scope = 4 AND g.scope_id = $1 ORDER BY g.id LIMIT 1"};
/* A manager of the company, else of the branch, that the community belongs to. */
static const struct query Q_COMPANY = {
    "service.company",
    MANAGERS "EXISTS (SELECT 1 FROM community m WHERE m.id = $1 AND (g.scope = 2 AND g.scope_id = "
             "m.company_id OR g.scope = 3 AND g.scope_id = m.branch_id)) ORDER BY g.scope, g.id "
             "LIMIT 1"};
const struct query *const ladder_queries[] = {&Q_DUE,     &Q_NEXT,   &Q_LADDER,  &Q_FIRED,
                                              &Q_PRESENT, &Q_HEAD,   &Q_MANAGER, &Q_COMPANY,
                                              &Q_TOLD,    &Q_UNSEEN, &Q_MINE,    NULL};

struct rung {
    int percent, level;
    bool quiet;
};
struct look { /* at one ticket */
    const struct row *t;
    struct sla sla;
    struct workcal calendar;
    struct pause pauses[PAUSES_MAX];
    size_t npauses;
    struct rung rungs[RUNGS_MAX];
    size_t nrungs;
    struct rows fired;
    int64_t next_ms; /* the earliest instant at which something more happens; 0: never */
};

static void next_at(struct look *l, int64_t at_ms)
{
    if (!l->next_ms || at_ms < l->next_ms)
        l->next_ms = at_ms;
}

static bool has_fired(const struct rows *fired, int why, int clock, int percent)
{
    for (size_t i = 0; i < fired->n; i++) {
        const struct val *v = fired->v + i * (size_t)fired->ncol;
        if (val_int(v[0]) == clock + 1 && val_int(v[1]) == percent && val_int(v[2]) == why)
            return true;
    }
    return false;
}

/* When so many percent of a clock are used up. What was promised in another way (an import's
 * target) bounds it from its side. */
static bool rung_at(const struct look *l, int clock, int percent, int64_t *ret_ms)
{
    int64_t due_ms = row_int(l->t, clock_fields[clock].due), at_ms[CLOCK__N];
    struct sla s = l->sla;
    *ret_ms = due_ms;
    if (percent == 100)
        return true;
    s.minutes[clock] = (int)((int64_t)s.minutes[clock] * percent / 100);
    if (!sla_due(&s, &l->calendar, row_int(l->t, T_CLOCK_FROM), l->pauses, l->npauses, at_ms))
        return false;
    *ret_ms = at_ms[clock];
    if (percent < 100 ? *ret_ms > due_ms : *ret_ms < due_ms)
        *ret_ms = due_ms;
    return true;
}

/* Night and days without hours wait for the next working time; P1 never does. */
static bool told_at(const struct look *l, const struct rung *r, int64_t at_ms, int64_t *ret_ms)
{
    const struct zone *z = l->calendar.zone;
    struct date d = zone_date(z, at_ms);
    int64_t minute = (at_ms - zone_instant_ms(z, d, 0)) / 60000;
    *ret_ms = at_ms;
    if (!r->quiet || row_int(l->t, T_PRIORITY) == 1)
        return true;
    if (minute >= NIGHT_TO_MIN && minute < NIGHT_FROM_MIN && workcal_hours(&l->calendar, d).n)
        return true;
    return workcal_open_at(&l->calendar, at_ms, ret_ms);
}

/* Who holds a level for this ticket; null: nobody. */
static enum err holder_of(struct ctx *c, struct tx *tx, const struct row *t, int level,
                          struct val *ret)
{
    struct val worker = row_has(t, T_ASSIGNEE) ? t->v[T_ASSIGNEE] : t->v[T_FIRST_CONTACT];
    enum err e = E_OK;
    *ret = v_null();
    if (level == LEVEL_MANAGER)
        e = q_one(c, tx, &Q_MANAGER, IN(t->v[R_COMMUNITY]), ret, 1);
    else if (level == LEVEL_COMPANY)
        e = q_one(c, tx, &Q_COMPANY, IN(t->v[R_COMMUNITY]), ret, 1);
    else if (worker.t == V_INT)
        e = q_one(c, tx, level == LEVEL_WORKER ? &Q_PRESENT : &Q_HEAD,
                  IN(t->v[R_COMMUNITY], worker), ret, 1);
    if (e == E_MISSING)
        *ret = v_null();
    return e == E_MISSING ? E_OK : e;
}

/* The person a rung tells: of its level, else of the next one up; above the company there is only
 * the community's manager. Null: nobody; the dispatchers see to it. */
static enum err person_of(struct ctx *c, struct tx *tx, const struct row *t, int level,
                          struct val *ret)
{
    *ret = v_null();
    for (int l = level; l <= LEVEL_COMPANY && ret->t == V_NULL; l++)
        TRY(holder_of(c, tx, t, l, ret));
    return ret->t == V_NULL && level == LEVEL_COMPANY ? holder_of(c, tx, t, LEVEL_MANAGER, ret)
                                                      : E_OK;
}

/* Where two rungs fall to one person, the later says all that the earlier did: that one, unseen,
 * joins it, and one line stands where two would. */
static enum err join_earlier(struct ctx *c, struct tx *tx, const struct row *t, int percent,
                             struct val person)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_UNSEEN, IN(t->v[R_COMMUNITY], t->v[R_ID], person, v_int(percent)), 50,
               &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row old, neu = {0};
        TRY(res_load(c, tx, &res_escalation, val_int(rows.v[i]), &old));
        row_put(&neu, ES_STATE, v_int(ESCALATION_JOINED));
        TRY(res_store(c, tx, &res_escalation, &old, &neu, "escalation.joined", (struct str){0}));
    }
    return E_OK;
}

static enum err fire(struct ctx *c, struct tx *tx, const struct row *t, int why, int clock,
                     int percent, int level_code, int64_t about)
{
    struct row row = {0};
    struct val person;
    TRY(person_of(c, tx, t, level_code, &person));
    if (why == WHY_TIME)
        TRY(join_earlier(c, tx, t, percent, person));
    row_put(&row, R_COMMUNITY, t->v[R_COMMUNITY]);
    row_put(&row, ES_TICKET, t->v[R_ID]);
    row_put(&row, ES_STATE, v_int(ESCALATION_TOLD));
    row_put(&row, ES_WHY, v_int(why));
    row_put(&row, ES_CLOCK, v_int(clock + 1));
    row_put(&row, ES_PERCENT, v_int(percent));
    row_put(&row, ES_FROM, t->v[T_CLOCK_FROM]);
    row_put(&row, ES_LEVEL, v_int(level_code));
    row_put(&row, ES_STAFF, person);
    row_put(&row, ES_DUE, t->v[clock_fields[clock].due]);
    row_put(&row, ES_CODE, t->v[T_CODE]);
    row_put(&row, ES_ABOUT, about ? v_int(about) : v_null());
    TRY(res_insert(c, tx, &res_escalation, &row));
    const struct choice *level = choice_of_code(res_escalation.fields[ES_LEVEL].choices,
                                                level_code);
    struct event e = {.topic = "ticket.escalated",
                      .res = &res_ticket,
                      .id = row_int(t, R_ID),
                      .community_id = row_int(t, R_COMMUNITY),
                      .data = arena_fmt(c->mem,
                                        "{\"action\":\"escalate\",\"why\":\"%s\",\"clock\":\"%s\","
                                        "\"percent\":%d,\"level\":\"%s\",\"internal\":true}",
                                        whys[why - 1].key, sla_clocks[clock].key, percent,
                                        level->key),
                      .code = row_str(t, T_CODE),
                      .for_staff = val_int(person)};
    return tx_emit(c, tx, &e);
}

enum err escalate_once(struct ctx *c, struct tx *tx, const struct row *t, enum escalation_why why,
                       int level, int64_t about)
{
    struct val id;
    enum err e = q_one(
        c, tx, &Q_TOLD,
        IN(t->v[R_COMMUNITY], t->v[R_ID], v_int(why), v_int(about), t->v[T_CLOCK_FROM]), &id, 1);
    return e == E_MISSING ? fire(c, tx, t, why, CLOCK_HANDLE, 0, level, about) : e;
}

static enum err climb(struct ctx *c, struct tx *tx, struct look *l, int clock)
{
    for (size_t i = 0; i < l->nrungs; i++) {
        const struct rung *r = &l->rungs[i];
        int64_t at_ms, told_ms;
        if (has_fired(&l->fired, WHY_TIME, clock, r->percent))
            continue;
        if (!rung_at(l, clock, r->percent, &at_ms) || !told_at(l, r, at_ms, &told_ms)) {
            next_at(l, c->now_ms + AGAIN_MS); /* beyond the calendar read now; never forgotten */
            continue;
        }
        if (told_ms > c->now_ms)
            next_at(l, told_ms);
        else
            TRY(fire(c, tx, l->t, WHY_TIME, clock, r->percent, r->level, 0));
    }
    return E_OK;
}

static enum err read_look(struct ctx *c, struct tx *tx, struct look *l)
{
    const struct row *t = l->t;
    struct rows rows;
    const struct zone *z = app_zone(row_int(t, R_COMMUNITY));
    int64_t from_ms = row_int(t, T_CLOCK_FROM), to_ms = c->now_ms;
    l->sla = sla_of_ticket(t);
    TRY(pauses_read(c, tx, t, false, l->pauses, &l->npauses));
    TRY(q_rows(c, tx, &Q_LADDER, IN(t->v[R_COMMUNITY]), RUNGS_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++)
        l->rungs[l->nrungs++] = (struct rung){(int)val_int(rows.v[3 * i]),
                                              (int)val_int(rows.v[3 * i + 1]),
                                              val_int(rows.v[3 * i + 2]) != 0};
    TRY(q_rows(c, tx, &Q_FIRED, IN(t->v[R_COMMUNITY], t->v[R_ID], t->v[T_CLOCK_FROM]), FIRED_MAX,
               &l->fired));
    for (int k = 0; k < CLOCK__N; k++)
        to_ms = row_int(t, clock_fields[k].due) > to_ms ? row_int(t, clock_fields[k].due) : to_ms;
    int64_t first = date_days(zone_date(z, from_ms)),
            last = date_days(zone_date(z, to_ms + (to_ms - from_ms))) + AHEAD_DAYS;
    if (last - first >= WORKCAL_DAYS_MAX) /* one forgotten for years: only what is near matters */
        last = first + WORKCAL_DAYS_MAX - 1;
    return workcal_load(c, tx, row_int(t, R_COMMUNITY), date_of_days(first), date_of_days(last),
                        &l->calendar);
}

/* Breaches through the store, so that version, event and live notice are as for any change; R3: at
 * the due time itself a clock is still in time. */
static enum err mark(struct ctx *c, struct tx *tx, struct row *t, int clock, struct look *l)
{
    const struct clock_field *f = &clock_fields[clock];
    struct row neu = {0};
    if (row_int(t, f->breached))
        return E_OK;
    if (!clock_breached(row_int(t, f->due), 0, c->now_ms)) {
        next_at(l, row_int(t, f->due) + 1);
        return E_OK;
    }
    row_put(&neu, f->breached, v_int(1));
    TRY(res_store(
        c, tx, &res_ticket, t, &neu, "ticket.breached",
        arena_fmt(c->mem, "\"action\":\"breach\",\"clock\":\"%s\"", sla_clocks[clock].key)));
    *t = neu;
    return E_OK;
}

/* What is read for one ticket is forgotten before the next, however long its calendar is; what its
 * events keep until the commit stays in c->mem. */
static enum err look_at(struct ctx *c, struct tx *tx, int64_t id, struct arena *scratch)
{
    struct row t;
    struct arena *mem = c->mem;
    struct look *l = arena_get(scratch, sizeof *l);
    TRY(res_load(c, tx, &res_ticket, id, &t));
    l->t = &t;
    if (row_int(&t, T_STATE) < CLOSED && row_has(&t, T_CLOCK_FROM)) {
        c->mem = scratch;
        enum err e = read_look(c, tx, l);
        c->mem = mem;
        TRY(e);
        for (int k = 0; k < CLOCK__N; k++) {
            if (!clock_runs(&t, k))
                continue;
            TRY(mark(c, tx, &t, k, l));
            TRY(climb(c, tx, l, k));
        }
    }
    return q_do(c, tx, &Q_NEXT, IN(v_int(id), l->next_ms ? v_int(l->next_ms) : v_null()), NULL);
}

static void scratch_free(void *arg)
{
    arena_free(arg);
}

enum err ladder_sweep(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    struct rows rows;
    enum err e = E_OK;
    (void)app;
    (void)data;
    TRY(q_rows(c, tx, &Q_DUE, IN(v_int(c->now_ms)), LOOKS_MAX, &rows));
    struct arena *scratch = arena_new(ARENA_REQUEST_BYTES);
    arena_defer(c->mem, scratch_free, scratch); /* a fault's words may lie in it */
    for (size_t i = 0; e == E_OK && i < rows.n; i++) {
        e = look_at(c, tx, val_int(rows.v[i]), scratch);
        if (e == E_OK)
            arena_reset(scratch);
    }
    /* nine o'clock, when the night's words are told: an emergency does not wait behind them */
    return e == E_OK && rows.n == LOOKS_MAX
               ? tx_job(c, tx, "service.clocks", S("{}"), 0, (struct str){0})
               : e;
}

/* --- all at once --- */

enum { SEE_COMMUNITY, SEE_UP_TO, SEE__N };
static const struct field see_all_fields[SEE__N] = {
    [SEE_COMMUNITY] = {"community_id", F_REF, REQUIRED, .ref = "communities",
                       .label = {"项目", "Community"}},
    [SEE_UP_TO] = {"up_to", F_INT, REQUIRED, 1, INT64_MAX, .label = {"截至", "Up to"},
                   .help = {"页面上最新一条的 id;之后来的不算看过",
                            "the id of the newest one shown: what came since was not seen"}}};

/* What was told to the caller, each by its own step: rights and record are those of one. */
static enum err see_all_post(struct ctx *c, struct req *q)
{
    int64_t community = row_int(&q->in, SEE_COMMUNITY), me = who_staff(c->who, community);
    struct row in = {0};
    struct rows rows;
    if (!who_may(c->who, "ticket.staff", community))
        return FAIL(c, E_MISSING, "没有找到这个项目", "no such community");
    TRY(q_rows(c, q->tx, &Q_MINE, IN(v_int(community), v_int(me), q->in.v[SEE_UP_TO]), SEE_ALL_MAX,
               &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row e;
        TRY(res_load(c, q->tx, &res_escalation, val_int(rows.v[i]), &e));
        TRY(flow_act_row(c, q->tx, &res_escalation, &e, "see", &in, 0));
    }
    buf_fmt(&q->out, "{\"seen\":%zu,\"more\":%s}", rows.n,
            rows.n == SEE_ALL_MAX ? "true" : "false");
    return E_OK;
}

const struct route escalation_routes[] = {
    {"POST", "/api/v1/escalations/see-all", "ticket.staff", .run = see_all_post,
     .input = see_all_fields, .ninput = SEE__N,
     .help = {"本人的升级提醒全部知悉", "All that was told to the caller is seen"},
     .reply = "{seen:int,more:bool}"},
    {0}};
