/* demo_loops.c - how the demo's loops were closed: return visits made and to be made, low marks
 * followed up, responsibility asked for and taken, a duplicate merged. Through the service room's
 * own steps, at the times they would have happened, so its rules hold and nothing is left lying. */
#include "main/demo_in.h"
#include "rooms/service/ticket.h"

enum { LOOK_BACK_DAYS = 45, CLOSED_MAX = 3000, VISITS_MAX = 1000 };

static const struct query Q_CLOSED = {
    "demo.closed", "SELECT id, closed_at FROM ticket WHERE community_id = $1 AND state = 8 AND "
                   "closed_at >= $2 ORDER BY id LIMIT 3000"};
static const struct query Q_LOW = {
    "demo.low",
    "SELECT ticket_id, created_at FROM rating WHERE community_id = $1 AND created_at >= "
    "$2 AND (content <= 2 OR attitude <= 2 OR efficiency <= 2 OR experience <= 2) ORDER "
    "BY id LIMIT 3000"};
static const struct query Q_OPEN_VISITS = {
    "demo.open_visits",
    "SELECT id FROM return_visit WHERE community_id = $1 AND state = 1 ORDER BY "
    "id LIMIT 1000"};
/* Somebody's order that asks for no certificate, and another worker who could take it. */
static const struct query Q_ORDERS = {
    "demo.orders",
    "SELECT t.id, (SELECT min(s.id) FROM staff s WHERE s.community_id = $1 AND s.takes_orders = 1 "
    "AND s.archived = 0 AND s.id <> t.assignee_id) FROM ticket t WHERE t.community_id = $1 AND "
    "t.state = 4 AND t.updated_at < $2 AND NOT EXISTS (SELECT 1 FROM category k JOIN skill n ON "
    "n.id = k.skill_id WHERE k.id = t.category_id AND n.needs_certificate = 1) ORDER BY t.id DESC "
    "LIMIT 4"};
static const struct query Q_UNSENT = {
    "demo.unsent",
    "SELECT t.id, (SELECT min(s.id) FROM staff s WHERE s.community_id = $1 AND s.takes_orders = 1 "
    "AND s.archived = 0) FROM ticket t WHERE t.community_id = $1 AND t.state = 2 AND t.kind IN (1, "
    "6) AND t.assignee_id IS NULL AND t.handle_due < $2 AND NOT EXISTS (SELECT 1 FROM category k "
    "JOIN skill n ON n.id = k.skill_id WHERE k.id = t.category_id AND n.needs_certificate = 1) "
    "ORDER BY t.id LIMIT 50"};
static const struct query Q_PAIR = {
    "demo.pair",
    "SELECT id FROM ticket WHERE community_id = $1 AND state = 2 AND kind = 1 AND updated_at < $2 "
    "ORDER BY id DESC LIMIT 3"};

/* All that was told but the two of each person's newest tickets. */
static const struct query Q_TOLD_LONG_AGO = {
    "demo.told_long_ago",
    "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY staff_id ORDER BY ticket_id DESC, "
    "id DESC) AS nth FROM escalation WHERE state = 1) told WHERE nth > 2 ORDER BY id LIMIT 1000"};

static enum err visit_step(struct ctx *c, struct tx *tx, int64_t id, const char *action,
                           int64_t at_ms, struct val first, const char *comment)
{
    struct row row, in = {0};
    bool reach = str_eqz(str_of(action), "reach");
    c->now_ms = at_ms;
    row_put(&in, 0, first);
    if (reach) {
        row_put(&in, 1, v_int(CH_PHONE));
        row_put(&in, 2, v_text(str_of(comment)));
    }
    TRY(res_load(c, tx, &res_return_visit, id, &row));
    return flow_act_row(c, tx, &res_return_visit, &row, action, &in, 0);
}

/* Those that are due are done, so are most of the others; the rest wait for whoever looks, three of
 * them at least where there are as many. */
static enum err visits_make(struct ctx *c, struct tx *tx, struct demo *d, int64_t town)
{
    static const char *const good[] = {"满意,处理及时", "修得不错,谢谢", "态度很好", "没有问题"};
    struct rows rows;
    int open = 0;
    TRY(q_rows(c, tx, &Q_OPEN_VISITS, IN(v_int(town)), VISITS_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row v;
        int64_t id = val_int(rows.v[i]);
        TRY(res_load(c, tx, &res_return_visit, id, &v));
        int64_t due = row_int(&v, RV_DUE), from = row_int(&v, R_CREATED_AT);
        int64_t at = from + prng_range(&d->g, 3, (int)((due - from) / HOUR_MS)) * HOUR_MS - HOUR_MS;
        bool late = due <= d->now_ms;
        if (at + HOUR_MS >= d->now_ms || (!late && (open < 3 || chance(d, 400)))) {
            open += !late;
            continue;
        }
        if (chance(d, 60)) {
            TRY(visit_step(c, tx, id, "miss", from + HOUR_MS, v_lit("电话无人接听"), ""));
            TRY(visit_step(c, tx, id, "miss", at + HOUR_MS, v_lit("再次拨打仍无人接听"), ""));
        } else
            TRY(visit_step(c, tx, id, "reach", at, v_int(chance(d, 700) ? 5 : pick(d, 3, 4)),
                           good[pick(d, 0, COUNT_OF(good) - 1)]));
    }
    return E_OK;
}

typedef enum err (*open_visit)(struct ctx *c, struct tx *tx, const struct row *t);

static enum err visits_open(struct ctx *c, struct tx *tx, struct demo *d, int64_t town,
                            const struct query *q, open_visit open)
{
    struct rows rows;
    TRY(q_rows(c, tx, q, IN(v_int(town), v_int(d->now_ms - LOOK_BACK_DAYS * DAY_MS)), CLOSED_MAX,
               &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row t;
        TRY(res_load(c, tx, &res_ticket, val_int(rows.v[2 * i]), &t));
        c->now_ms = val_int(rows.v[2 * i + 1]);
        TRY(open(c, tx, &t));
    }
    return E_OK;
}

static enum err act(struct ctx *c, struct tx *tx, int64_t id, const char *action, struct val first,
                    const char *reason)
{
    struct row t, in = {0};
    row_put(&in, 0, first);
    if (reason)
        row_put(&in, 1, v_text(str_of(reason)));
    TRY(res_load(c, tx, &res_ticket, id, &t));
    return flow_act_row(c, tx, &res_ticket, &t, action, &in, 0);
}

/* What waited a day beyond its time is sent at last: nothing is left lying. */
static enum err late_sent(struct ctx *c, struct tx *tx, int64_t town)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_UNSENT, IN(v_int(town), v_int(c->now_ms - DAY_MS / 2)), 50, &rows));
    for (size_t i = 0; i < rows.n; i++)
        TRY(act(c, tx, val_int(rows.v[2 * i]), "dispatch", rows.v[2 * i + 1], "已超时,优先处理"));
    return E_OK;
}

static const struct query Q_MANAGER_OF = {
    "demo.manager_of",
    "SELECT min(s.id) FROM staff s JOIN role_grant g ON g.staff_id = s.id JOIN role r ON r.id = "
    "g.role_id WHERE s.community_id = $1 AND s.archived = 0 AND r.key = 'manager'"};

/* What the manager wants to hear of. */
static enum err watched(struct ctx *c, struct tx *tx, int64_t town, const struct rows *orders)
{
    struct val manager;
    TRY(q_one(c, tx, &Q_MANAGER_OF, IN(v_int(town)), &manager, 1));
    for (size_t i = 0; i < orders->n && manager.t == V_INT; i++) {
        struct row t;
        TRY(res_load(c, tx, &res_ticket, val_int(orders->v[2 * i]), &t));
        TRY(ticket_watch(c, tx, &t, val_int(manager), true));
    }
    return E_OK;
}

static const struct query Q_FIRST_STEP = {
    "demo.first_step",
    "SELECT min(id) FROM ticket_step WHERE community_id = $1 AND ticket_id = $2"};
static const struct query Q_LISTED = {
    "demo.listed", "SELECT min(p.id) FROM price_item p JOIN category k ON k.group_name = "
                   "p.group_name AND k.community_id = p.community_id WHERE p.community_id = $1 AND "
                   "k.id = $2"};

/* Repairs at work, or done and not told yet, of things that the price list knows. */
static const struct query Q_PRICED = {
    "demo.priced",
    "SELECT t.id FROM ticket t JOIN category k ON k.id = t.category_id AND k.community_id = "
    "t.community_id WHERE t.community_id = $1 AND t.state IN (4, 6) AND t.kind = 1 AND "
    "k.group_name IN (SELECT group_name FROM price_item WHERE community_id = $1) AND "
    "t.updated_at < $2 ORDER BY t.id DESC LIMIT 6"};

static enum err add(struct ctx *c, struct tx *tx, struct row *t, struct val listed)
{
    struct row in = {0};
    bool own = listed.t != V_INT;
    row_put(&in, ADD_KIND, v_int(own ? ITEM_MATERIAL : ITEM_SERVICE));
    row_put(&in, ADD_QTY, v_int(own ? 500 : 1000));
    row_put(&in, ADD_PAYER, v_int(own ? PAYER_PROPERTY : PAYER_CUSTOMER));
    if (own) {
        row_put(&in, ADD_NAME, v_lit("辅材"));
        row_put(&in, ADD_UNIT, v_lit("份"));
        row_put(&in, ADD_PRICE, v_int(200));
    } else
        row_put(&in, ADD_PRICE_ITEM, listed);
    return flow_act_row(c, tx, &res_ticket, t, "add_item", &in, 0);
}

/* Work that goes on, or was finished and is not told yet: a step is ticked, something was used,
 * something is charged. */
static enum err work_make(struct ctx *c, struct tx *tx, int64_t town)
{
    struct rows priced;
    TRY(q_rows(c, tx, &Q_PRICED, IN(v_int(town), v_int(c->now_ms)), 6, &priced));
    for (size_t i = 0; i < priced.n; i++) {
        struct row t, step = {0};
        struct val first, listed;
        TRY(res_load(c, tx, &res_ticket, val_int(priced.v[i]), &t));
        TRY(add(c, tx, &t, v_null()));
        TRY(q_one(c, tx, &Q_LISTED, IN(v_int(town), t.v[T_CATEGORY]), &listed, 1));
        TRY(add(c, tx, &t, listed));
        if (row_int(&t, T_STATE) != IN_PROGRESS)
            continue;
        TRY(checklist_begin(c, tx, &t, t.v[T_CATEGORY]));
        TRY(q_one(c, tx, &Q_FIRST_STEP, IN(v_int(town), t.v[R_ID]), &first, 1));
        row_put(&step, CHECK_STEP, first);
        row_put(&step, CHECK_STATE, v_int(STEP_DONE));
        if (first.t == V_INT)
            TRY(flow_act_row(c, tx, &res_ticket, &t, "check", &step, 0));
    }
    return E_OK;
}

/* One handover taken, one that waits; two reports of one thing, and a ticket that belongs to
 * another. */
static enum err hands_make(struct ctx *c, struct tx *tx, int64_t town)
{
    struct rows orders, pair;
    c->fault.nfields = 0;
    TRY(q_rows(c, tx, &Q_ORDERS, IN(v_int(town), v_int(c->now_ms)), 4, &orders));
    TRY(watched(c, tx, town, &orders));
    TRY(work_make(c, tx, town));
    for (size_t i = 0; i < orders.n && i < 2; i++) {
        const struct val *v = orders.v + 2 * i;
        if (v[1].t != V_INT)
            continue;
        TRY(act(c, tx, val_int(v[0]), "hand_over", v[1], "明天参加电梯安全培训"));
        if (i)
            TRY(act(c, tx, val_int(v[0]), "accept_handover", v_null(), NULL));
    }
    TRY(q_rows(c, tx, &Q_PAIR, IN(v_int(town), v_int(c->now_ms)), 3, &pair));
    if (pair.n < 2)
        return E_OK;
    struct row link = {0};
    row_put(&link, R_COMMUNITY, v_int(town));
    row_put(&link, TL_TICKET, pair.v[0]);
    row_put(&link, TL_OTHER, pair.v[1]);
    row_put(&link, TL_KIND, v_int(LINK_RELATED));
    TRY(res_insert(c, tx, &res_ticket_link, &link));
    return pair.n < 3 ? E_OK : act(c, tx, val_int(pair.v[2]), "merge", pair.v[1], NULL);
}

enum err loops_write(struct ctx *c, struct tx *tx, struct demo *d)
{
    enum err e = visit_rules_seed(c, tx);
    for (int i = 0; i < TOWNS && e == E_OK; i++) {
        int64_t town = d->towns[i].id;
        reseed(d, &d->towns[i], 3);
        e = visits_open(c, tx, d, town, &Q_CLOSED, visit_by_rule);
        if (e == E_OK)
            e = visits_open(c, tx, d, town, &Q_LOW, visit_after_low_score);
        if (e == E_OK)
            e = visits_make(c, tx, d, town);
        c->now_ms = d->now_ms;
        if (e == E_OK)
            e = hands_make(c, tx, town);
        if (e == E_OK)
            e = late_sent(c, tx, town);
    }
    c->now_ms = d->now_ms;
    return e;
}

/* A visitor finds a house whose people look at what they are told: only the last is new. */
enum err told_is_seen(struct ctx *c, struct tx *tx)
{
    struct row in = {0};
    struct rows rows;
    TRY(q_rows(c, tx, &Q_TOLD_LONG_AGO, IN0, 1000, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row e;
        TRY(res_load(c, tx, &res_escalation, val_int(rows.v[i]), &e));
        TRY(flow_act_row(c, tx, &res_escalation, &e, "see", &in, 0));
    }
    return E_OK;
}
