/* visits.c - the customer is asked again (回访): by rule after closing, complaints always, the rest
 * by a sample; and within a day after a low mark (T-105). Never by whoever did the work. A visit
 * stays open until the customer gave a mark or two tries failed; late, the manager is told once
 * (R22, R23). */
#include "core/event.h"
#include "rooms/service/ticket.h"

enum { LOW_SCORE = 2, TRIES_MAX = 2, LOW_SCORE_HOURS = 24, VISITS_MAX = 50, LATE_MAX = 200 };
#define HOUR_MS      INT64_C(3600000)
#define TRY_APART_MS HOUR_MS

/* --- rules --- */

static const struct field rule_fields[VR__N] = {
    STANDARD_FIELDS,
    [VR_KIND] = {"kind", F_ENUM, REQUIRED | CREATE_ONLY | FILTER | LIST, .choices = ticket_kinds,
                 .label = {"类别", "Kind"}},
    [VR_CATEGORY] = {"category_id", F_REF, CREATE_ONLY | FILTER | LIST, .ref = "categories",
                     .label = {"分类", "Category"},
                     .help = {"不填:此类别的其余工单", "empty: the others of this kind"}},
    [VR_PERCENT] = {"percent", F_INT, REQUIRED | LIST, 0, 100,
                    .label = {"回访比例(%)", "Visited (%)"},
                    .help = {"100:每单都回访", "100: every one"}},
    [VR_HOURS] = {"within_hours", F_INT, REQUIRED | LIST, 1, 720,
                  .label = {"几小时内", "Within hours"}},
    [VR_LOW] = {"low_mark", F_INT, LIST, LOW_SCORE, 4, .label = {"低分线", "Low mark"},
                .help = {"评分不高于此即跟进,不填为 2",
                         "a mark up to this is followed up; empty: 2"}},
};
static const struct index rule_indexes[] = {
    {"visit_rule_key", "community_id, kind, COALESCE(category_id, 0)", NULL, true}};
/* G3.4; domain-rules 7: complaints 100 %. */
static enum err rule_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    const struct row *was = old ? old : neu;
    (void)tx;
    if (row_int(was, VR_KIND) == KIND_COMPLAINT && neu->set & BIT(VR_PERCENT) &&
        row_int(neu, VR_PERCENT) != 100)
        return FAIL_FIELD(c, "percent", "complaint", "投诉必须 100%% 回访",
                          "every complaint is visited");
    return E_OK;
}
const struct resource res_visit_rule = {.name = "visit_rule",
                                        .path = "visit-rules",
                                        .label = {"回访规则", "Return-visit rule"},
                                        .fields = rule_fields,
                                        .nfields = VR__N,
                                        .indexes = rule_indexes,
                                        .nindexes = 1,
                                        .title = "kind",
                                        .read = "policy.read",
                                        .create = "policy.manage",
                                        .update = "policy.manage",
                                        .check = rule_check};

/* --- visits --- */

static const struct choice whys[] = {
    {VISIT_RULE, "rule", {"按规则回访", "By rule"}, NULL},
    {VISIT_LOW_SCORE, "low_score", {"低分跟进", "After a low mark"}, "red"},
    {0}};
static const struct choice states[] = {
    {VISIT_OPEN, "open", {"待回访", "To be made"}, "amber"},
    {VISIT_DONE, "done", {"已回访", "Made"}, "green"},
    {VISIT_UNREACHED, "unreached", {"两次未联系上", "Not reached twice"}, "grey"},
    {0}};
static const struct field visit_fields[RV__N] = {
    STANDARD_FIELDS,
    [RV_TICKET] = {"ticket_id", F_REF, SERVER_SET | FILTER | LIST | INDEXED, .ref = "tickets",
                   .label = {"工单", "Ticket"}},
    [RV_WHY] = {"why", F_ENUM, SERVER_SET | FILTER | LIST, .choices = whys,
                .label = {"回访缘由", "Why"}},
    [RV_WORKER] = {"worker_id", F_REF, SERVER_SET, .ref = "staff",
                   .label = {"处理人", "Who did the work"}},
    [RV_STAFF] = {"staff_id", F_REF, SERVER_SET | FILTER | LIST, .ref = "staff",
                  .label = {"回访人", "Visitor"}},
    [RV_DUE] = {"due_at", F_INSTANT, SERVER_SET | FILTER | SORT | LIST, .label = {"期限", "Due"}},
    [RV_STATE] = {"state", F_ENUM, SERVER_SET | FILTER | LIST, .choices = states,
                  .label = {"状态", "State"}},
    [RV_TRIES] = {"failed_tries", F_INT, SERVER_SET, .label = {"未联系上", "Failed tries"}},
    [RV_SCORE] = {"score", F_INT, SERVER_SET | FILTER | LIST, 1, 5, .label = {"评分", "Mark"}},
    [RV_CHANNEL] = {"channel", F_ENUM, SERVER_SET, .choices = ticket_channels,
                    .label = {"渠道", "Channel"}},
    [RV_COMMENT] = {"comment", F_LONGTEXT, SERVER_SET | UNLOGGED, 0, 1000,
                    .label = {"客户意见", "What the customer said"}},
    [RV_DONE] = {"done_at", F_INSTANT, SERVER_SET, .label = {"完成时间", "Done"}},
    [RV_DONE_BY] = {"done_by_id", F_REF, SERVER_SET, .ref = "staff",
                    .label = {"完成人", "Done by"}},
    [RV_TOLD] = {"told_late_at", F_INSTANT, SERVER_SET | HIDDEN,
                 .label = {"已提醒逾期", "Told late"}},
};
static const struct index visit_indexes[] = {
    {"return_visit_due", "due_at", "state = 1 AND told_late_at IS NULL", false}};

static const struct query Q_RULE = {"service.visit_rule",
                                    "SELECT percent, within_hours, COALESCE(low_mark, 2) FROM "
                                    "visit_rule WHERE community_id = $1 AND kind = $2 AND "
                                    "(category_id IS NULL OR category_id = $3) AND archived = 0 "
                                    "ORDER BY CASE WHEN category_id IS NULL THEN 1 ELSE 0 END "
                                    "LIMIT 1"};
static const struct query Q_OPEN = {
    "service.visit_open", "SELECT id FROM return_visit WHERE community_id = $1 AND ticket_id = $2 "
                          "AND state = 1 AND why = $3 LIMIT 1"};
static const struct query Q_VISITS = {
    "service.visits", "SELECT id, why, due_at, state, score, comment, done_at FROM return_visit "
                      "WHERE community_id = $1 AND ticket_id = $2 ORDER BY id DESC LIMIT 50"};
static const struct query Q_LATE = {
    "service.visits_late",
    "SELECT id FROM return_visit WHERE state = 1 AND told_late_at IS NULL AND "
    "due_at < $1 ORDER BY due_at LIMIT 200"};
static const struct query Q_NO_RULES = {"service.no_visit_rules",
                                        "SELECT c.id FROM community c WHERE NOT EXISTS (SELECT 1 "
                                        "FROM visit_rule r WHERE r.community_id "
                                        "= c.id) ORDER BY c.id LIMIT 10000"};
static const struct query Q_UNHEARD = {
    "service.low_unheard",
    "SELECT DISTINCT r.ticket_id FROM rating r WHERE r.archived = 0 AND r.created_at >= $1 AND "
    "(r.content <= 2 OR r.attitude <= 2 OR r.efficiency <= 2 OR r.experience <= 2) ORDER BY "
    "r.ticket_id LIMIT 10000"};
const struct query *const visit_queries[] = {&Q_RULE,     &Q_OPEN,    &Q_VISITS, &Q_LATE,
                                             &Q_NO_RULES, &Q_UNHEARD, NULL};

/* --- pure --- */

bool is_low_score(int64_t score, int64_t low)
{
    return score && score <= low;
}

static bool is_not_worker(const struct who *w, const struct row *r)
{
    int64_t me = who_staff(w, row_int(r, R_COMMUNITY));
    return me && me != row_int(r, RV_WORKER);
}

/* 0…99, always the same for a ticket, so that nobody can draw until he likes the lot. */
int visit_lot(int64_t ticket_id)
{
    uint64_t x = (uint64_t)ticket_id;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (int)((x ^ (x >> 31)) % 100);
}

/* --- opening --- */

static enum err visit_open(struct ctx *c, struct tx *tx, const struct row *t, int why,
                           int64_t hours)
{
    struct row row = {0};
    struct val id, desk;
    int64_t worker = responsible_of(t);
    enum err e = q_one(c, tx, &Q_OPEN, IN(t->v[R_COMMUNITY], t->v[R_ID], v_int(why)), &id, 1);
    if (e != E_MISSING)
        return e;
    e = q_one(c, tx, &Q_DESK_MEMBER, IN(t->v[R_COMMUNITY], v_int(c->now_ms)), &desk, 1);
    if (e != E_OK && e != E_MISSING)
        return e;
    bool free = e == E_OK && val_int(desk) != worker; /* else whoever comes first */
    row_put(&row, R_COMMUNITY, t->v[R_COMMUNITY]);
    row_put(&row, RV_TICKET, t->v[R_ID]);
    row_put(&row, RV_WHY, v_int(why));
    row_put(&row, RV_WORKER, worker ? v_int(worker) : v_null());
    row_put(&row, RV_STAFF, free ? desk : v_null());
    row_put(&row, RV_DUE, v_int(c->now_ms + hours * HOUR_MS));
    row_put(&row, RV_STATE, v_int(VISIT_OPEN));
    row_put(&row, RV_TRIES, v_int(0));
    return res_insert(c, tx, &res_return_visit, &row);
}

/* The rule of its category, else of its kind: percent, hours, low mark. None: nobody is visited. */
static enum err rule_of(struct ctx *c, struct tx *tx, const struct row *t, int64_t ret[3])
{
    struct val v[3];
    enum err e = q_one(c, tx, &Q_RULE,
                       IN(t->v[R_COMMUNITY], t->v[T_KIND], v_int(row_int(t, T_CATEGORY))), v, 3);
    ret[0] = ret[1] = 0;
    ret[2] = LOW_SCORE;
    for (int i = 0; i < 3 && e == E_OK; i++)
        ret[i] = val_int(v[i]);
    return e == E_MISSING ? E_OK : e;
}

enum err visit_by_rule(struct ctx *c, struct tx *tx, const struct row *t)
{
    int64_t rule[3];
    if (row_int(t, T_ANONYMOUS))
        return E_OK; /* nobody knows whom to call */
    TRY(rule_of(c, tx, t, rule));
    return visit_lot(row_int(t, R_ID)) < rule[0] ? visit_open(c, tx, t, VISIT_RULE, rule[1]) : E_OK;
}

enum err low_mark_of(struct ctx *c, struct tx *tx, const struct row *t, int64_t *ret)
{
    int64_t rule[3];
    TRY(rule_of(c, tx, t, rule));
    *ret = rule[2];
    return E_OK;
}

enum err visit_after_low_score(struct ctx *c, struct tx *tx, const struct row *t)
{
    return visit_open(c, tx, t, VISIT_LOW_SCORE, LOW_SCORE_HOURS);
}

enum err visits_json(struct ctx *c, struct tx *tx, const struct row *t, struct buf *out)
{
    static const int fields[] = {RV_WHY, RV_DUE, RV_STATE, RV_SCORE, RV_COMMENT, RV_DONE};
    const struct zone *z = app_zone(row_int(t, R_COMMUNITY));
    struct rows rows = {0};
    buf_put(out, S(",\"visits\":["));
    if (!c->who || who_may(c->who, "ticket.read", row_int(t, R_COMMUNITY)))
        TRY(q_rows(c, tx, &Q_VISITS, IN(t->v[R_COMMUNITY], t->v[R_ID]), VISITS_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        buf_fmt(out, "%s{\"id\":%lld", i ? "," : "", (long long)val_int(v[0]));
        for (size_t k = 0; k < COUNT_OF(fields); k++) {
            buf_fmt(out, ",\"%s\":", visit_fields[fields[k]].name);
            field_to_json(out, &visit_fields[fields[k]], v[k + 1], z);
        }
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
    return E_OK;
}

/* --- steps --- */

static const struct field in_reach[] = {
    {"score", F_INT, REQUIRED, 1, 5, .label = {"评分(1–5)", "Mark (1–5)"},
     .help = {"客户现在给的总评分", "what the customer gives now"}},
    {"channel", F_ENUM, 0, .choices = ticket_channels, .label = {"渠道", "Channel"}},
    {"comment", F_LONGTEXT, UNLOGGED, 0, 1000, .label = {"客户意见", "What the customer said"}}};
static const struct field in_miss[] = {{"comment", F_LONGTEXT, REQUIRED | UNLOGGED, 1, 1000,
                                        .label = {"怎样联系的", "How it was tried"}}};
static const struct action actions[] = {
    {"reach", {"登记回访", "Record the visit"}, "primary", in_reach, COUNT_OF(in_reach)},
    {"miss", {"未联系上", "Not reached"}, "plain", in_miss, COUNT_OF(in_miss)}};

static enum err guard_miss(struct ctx *c, struct tx *tx, const struct row *old,
                           const struct row *in)
{
    (void)tx, (void)in;
    if (row_int(old, RV_TRIES) && c->now_ms - row_int(old, R_UPDATED_AT) < TRY_APART_MS)
        return FAIL(c, E_STATE, "两次联系至少间隔一小时",
                    "try again after an hour at the earliest");
    return E_OK;
}

static enum err done(struct ctx *c, const struct row *old, struct row *neu)
{
    int64_t me = who_staff(c->who, row_int(old, R_COMMUNITY));
    row_put(neu, RV_DONE, v_int(c->now_ms));
    row_put(neu, RV_DONE_BY, me ? v_int(me) : v_null());
    return E_OK;
}

#define EFFECT(name)                                                                               \
    static enum err name(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,     \
                         const struct row *in)

/* A new mark ends the loop (T-105). As low again, it is the manager's. */
EFFECT(effect_reach)
{
    enum { SCORE };
    struct row t;
    int64_t low;
    TRY(done(c, old, neu));
    TRY(res_load(c, tx, &res_ticket, row_int(old, RV_TICKET), &t));
    TRY(low_mark_of(c, tx, &t, &low));
    if (!is_low_score(row_int(in, SCORE), low))
        return E_OK;
    return row_int(old, RV_WHY) == VISIT_LOW_SCORE
               ? escalate_once(c, tx, &t, WHY_LOW_SCORE, LEVEL_MANAGER, row_int(old, R_ID))
               : visit_after_low_score(c, tx, &t);
}

EFFECT(effect_miss)
{
    int64_t tries = row_int(old, RV_TRIES) + 1;
    (void)tx, (void)in;
    row_put(neu, RV_TRIES, v_int(tries));
    if (tries < TRIES_MAX)
        return E_OK;
    row_put(neu, RV_STATE, v_int(VISIT_UNREACHED));
    return done(c, old, neu);
}

#define VISITOR                                                                                    \
    {                                                                                              \
        {"ticket.desk", is_not_worker},                                                            \
        {                                                                                          \
            "ticket.dispatch", is_not_worker                                                       \
        }                                                                                          \
    }
static const struct step steps[] = {
    {VISIT_OPEN, VISIT_DONE, "reach", VISITOR, NULL, NULL, effect_reach, "return_visit.made"},
    {VISIT_OPEN, STEP_SAME, "miss", VISITOR, NULL, guard_miss, effect_miss, "return_visit.missed"}};
static const struct machine machine = {RV_STATE, actions, COUNT_OF(actions), steps,
                                       COUNT_OF(steps)};
const struct resource res_return_visit = {.name = "return_visit",
                                          .path = "return-visits",
                                          .label = {"回访", "Return visit"},
                                          .fields = visit_fields,
                                          .nfields = RV__N,
                                          .indexes = visit_indexes,
                                          .nindexes = 1,
                                          .title = "id",
                                          .read = "ticket.read",
                                          .default_sort = "due_at",
                                          .machine = &machine,
                                          .staff_field = RV_STAFF};

/* --- low marks from before visits --- */

enum err low_scores_come(struct ctx *c, struct tx *tx)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_UNHEARD, IN(v_int(c->now_ms - INT64_C(30) * 86400000)), 10000, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row t;
        TRY(res_load(c, tx, &res_ticket, val_int(rows.v[i]), &t));
        TRY(visit_after_low_score(c, tx, &t));
    }
    return E_OK;
}

/* --- by itself --- */

enum err visits_late(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    struct rows rows;
    (void)app, (void)data;
    TRY(q_rows(c, tx, &Q_LATE, IN(v_int(c->now_ms)), LATE_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row old, t, neu = {0};
        TRY(res_load(c, tx, &res_return_visit, val_int(rows.v[i]), &old));
        TRY(res_load(c, tx, &res_ticket, row_int(&old, RV_TICKET), &t));
        TRY(escalate_once(c, tx, &t, WHY_VISIT_LATE, LEVEL_MANAGER, row_int(&old, R_ID)));
        row_put(&neu, RV_TOLD, v_int(c->now_ms));
        TRY(res_store(c, tx, &res_return_visit, &old, &neu, "return_visit.late", (struct str){0}));
    }
    return E_OK;
}

static const struct {
    int kind, percent, hours;
} defaults[] = {{KIND_REPAIR, 20, 72}, {KIND_COMPLAINT, 100, 48}, {KIND_SUGGESTION, 30, 120},
                {KIND_PRAISE, 0, 120}, {KIND_INQUIRY, 10, 72},    {KIND_SAFETY, 100, 48}};

/* Every community has its rules; those that are there stay as they were made. */
enum err visit_rules_seed(struct ctx *c, struct tx *tx)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_NO_RULES, IN0, 10000, &rows));
    for (size_t i = 0; i < rows.n; i++)
        for (size_t k = 0; k < COUNT_OF(defaults); k++) {
            struct row row = {0};
            row_put(&row, R_COMMUNITY, rows.v[i]);
            row_put(&row, VR_KIND, v_int(defaults[k].kind));
            row_put(&row, VR_PERCENT, v_int(defaults[k].percent));
            row_put(&row, VR_HOURS, v_int(defaults[k].hours));
            TRY(res_insert(c, tx, &res_visit_rule, &row));
        }
    return E_OK;
}

enum err visit_rules_job(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    (void)app, (void)data;
    return visit_rules_seed(c, tx);
}
