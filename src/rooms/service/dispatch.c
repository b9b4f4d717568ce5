/* dispatch.c - who should go: hard conditions first (on duty, the skill, a certificate in force
 * where the skill asks for one), then points for knowing the place, for being well rated, against
 * being loaded; every point is told. Choosing by the system takes the best, or whose turn it is;
 * when nobody is fit the manager hears of it (T-103): an order never waits in silence. */
#include <stdlib.h>

#include "core/event.h"
#include "rooms/service/desk.h"
#include "rooms/service/ticket.h"

enum { CANDIDATES_MAX = 200, BASE = 60, ZONE = 20, KNOWN = 15, EACH_OPEN = -12, RATED_MOST = 20 };
#define LOOK_BACK_MS (INT64_C(90) * 86400 * 1000)

static const struct query Q_FACTS = {
    "dispatch.facts",
    "SELECT (SELECT count(*) FROM ticket WHERE community_id = $1 AND assignee_id = $2 AND state IN "
    "(3, 4, 5) AND archived = 0), (SELECT count(*) FROM ticket WHERE community_id = $1 AND "
    "assignee_id = $2 AND space_id = $3 AND resolved_at >= $4), (SELECT COALESCE(sum(r.content + "
    "r.attitude + r.efficiency + r.experience), 0) FROM ticket t JOIN rating r ON r.community_id = "
    "t.community_id AND r.ticket_id = t.id WHERE t.community_id = $1 AND t.assignee_id = $2 AND "
    "t.resolved_at >= $4 AND r.archived = 0), (SELECT count(*) FROM ticket t JOIN rating r ON "
    "r.community_id = t.community_id AND r.ticket_id = t.id WHERE t.community_id = $1 AND "
    "t.assignee_id = $2 AND t.resolved_at >= $4 AND r.archived = 0), (WITH RECURSIVE up(id, "
    "parent_id) AS (SELECT id, parent_id FROM space WHERE id = $3 UNION ALL SELECT s.id, "
    "s.parent_id FROM space s JOIN up ON s.id = up.parent_id) SELECT count(*) FROM staff_zone z "
    "WHERE z.community_id = $1 AND z.staff_id = $2 AND z.archived = 0 AND z.space_id IN (SELECT id "
    "FROM up)), (SELECT COALESCE(max(turn), 0) FROM dispatch_turn WHERE community_id = $1 AND "
    "staff_id = $2)"};
static const struct query Q_TURN = {
    "dispatch.turn", "INSERT INTO dispatch_turn (community_id, staff_id, turn) SELECT $1, $2, "
                     "COALESCE(max(turn), 0) + 1 FROM dispatch_turn WHERE community_id = $1 ON "
                     "CONFLICT (community_id, staff_id) DO UPDATE SET turn = excluded.turn"};
const struct query *const dispatch_queries[] = {&Q_FACTS, &Q_TURN, NULL};
enum { FACT_OPEN, FACT_KNOWN, FACT_STARS, FACT_RATINGS, FACT_ZONE, FACT_TURN, FACT__N };

static const struct column turn_columns[] = {{"community_id", COL_INT, true, NULL},
                                             {"staff_id", COL_INT, true, NULL},
                                             {"turn", COL_INT, true, NULL}};
const struct table dispatch_tables[1] = {{.name = "dispatch_turn",
                                          .columns = turn_columns,
                                          .ncolumns = COUNT_OF(turn_columns),
                                          .primary_key = "community_id, staff_id"}};

struct candidate {
    int64_t id, facts[FACT__N];
    struct str name;
    bool on_duty, has_skill, certified;
    int score;
};

static bool is_fit(const struct candidate *k)
{
    return k->on_duty && k->has_skill && k->certified;
}

/* Four marks of 1 to 5 make a rating; 3 is neither good nor bad. */
static int rated_points(const struct candidate *k)
{
    int64_t n = k->facts[FACT_RATINGS] * 4;
    return n ? (int)((k->facts[FACT_STARS] - 3 * n) * (RATED_MOST / 2) / n) : 0;
}

static int score_of(const struct candidate *k)
{
    int s = BASE + rated_points(k) + EACH_OPEN * (int)k->facts[FACT_OPEN];
    return s + (k->facts[FACT_ZONE] ? ZONE : 0) + (k->facts[FACT_KNOWN] ? KNOWN : 0);
}

/* Whoever is fit, then by points; among equals whose turn was longest ago. */
static int by_fitness(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    int fx = 4 * x->certified + 2 * x->on_duty + x->has_skill,
        fy = 4 * y->certified + 2 * y->on_duty + y->has_skill;
    if (is_fit(x) != is_fit(y))
        return is_fit(x) ? -1 : 1;
    if (!is_fit(x) && fx != fy)
        return fy - fx;
    if (x->score != y->score)
        return y->score - x->score;
    if (x->facts[FACT_TURN] != y->facts[FACT_TURN])
        return x->facts[FACT_TURN] < y->facts[FACT_TURN] ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static enum err read_candidates(struct ctx *c, struct tx *tx, const struct row *ticket,
                                struct candidate *list, size_t *ret_n)
{
    struct rows rows;
    struct val need;
    int class;
    int64_t community = row_int(ticket, R_COMMUNITY);
    TRY(category_brief(c, tx, community, ticket->v[T_CATEGORY], &need, &class));
    TRY(q_rows(c, tx, &Q_WORKERS, IN(v_int(community), need, v_int(c->now_ms)), CANDIDATES_MAX,
               &rows));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        struct candidate *k = &list[i];
        struct val facts[FACT__N];
        *k = (struct candidate){.id = val_int(v[0]),
                                .name = val_str(v[1]),
                                .on_duty = val_int(v[2]),
                                .has_skill = val_int(v[3])};
        TRY(staff_certified(c, tx, community, k->id, need, &k->certified));
        TRY(q_one(c, tx, &Q_FACTS,
                  IN(v_int(community), v[0], v_int(row_int(ticket, T_SPACE)),
                     v_int(c->now_ms - LOOK_BACK_MS)),
                  facts, FACT__N));
        for (int f = 0; f < FACT__N; f++)
            k->facts[f] = val_int(facts[f]);
        k->score = score_of(k);
    }
    qsort(list, rows.n, sizeof *list, by_fitness);
    *ret_n = rows.n;
    return E_OK;
}

/* T-103: whoever takes an order up hears of it here, not when somebody asks the system to send it.
 */
enum err tell_if_nobody(struct ctx *c, struct tx *tx, const struct row *ticket)
{
    struct rows rows;
    struct val need;
    int class;
    bool fit = !is_work(ticket);
    int64_t community = row_int(ticket, R_COMMUNITY);
    TRY(category_brief(c, tx, community, ticket->v[T_CATEGORY], &need, &class));
    TRY(q_rows(c, tx, &Q_WORKERS, IN(v_int(community), need, v_int(c->now_ms)), CANDIDATES_MAX,
               &rows));
    for (size_t i = 0; i < rows.n && !fit; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        if (val_int(v[2]) && val_int(v[3]))
            TRY(staff_certified(c, tx, community, val_int(v[0]), need, &fit));
    }
    return fit ? E_OK : escalate_once(c, tx, ticket, WHY_NOBODY, LEVEL_MANAGER, 0);
}

/* --- why --- */

static void reason(struct buf *b, int *n, int points, struct str text)
{
    buf_fmt(b, "%s{\"text\":", (*n)++ ? "," : "");
    buf_json(b, text);
    buf_fmt(b, ",\"points\":%d}", points);
}

static void why_json(struct ctx *c, const struct candidate *k, struct buf *b)
{
    bool zh = c->lang == LANG_ZH;
    int n = 0;
    int64_t open = k->facts[FACT_OPEN], rated = k->facts[FACT_RATINGS];
    buf_putc(b, '[');
    if (!k->on_duty)
        reason(b, &n, 0, str_of(zh ? "不在班" : "off duty"));
    if (!k->has_skill)
        reason(b, &n, 0, str_of(zh ? "没有所需技能" : "lacks the skill"));
    if (!k->certified)
        reason(b, &n, 0, str_of(zh ? "没有有效证书" : "no certificate in force"));
    if (k->facts[FACT_ZONE])
        reason(b, &n, ZONE, str_of(zh ? "负责此区域" : "this is his zone"));
    if (k->facts[FACT_KNOWN])
        reason(b, &n, KNOWN, str_of(zh ? "近 90 天来过此处" : "was here within 90 days"));
    if (rated) {
        int64_t tenths = (k->facts[FACT_STARS] * 10 + rated * 2) / (rated * 4);
        reason(b, &n, rated_points(k),
               arena_fmt(c->mem, zh ? "评价 %lld.%lld(%lld 次)" : "rated %lld.%lld (%lld)",
                         (long long)(tenths / 10), (long long)(tenths % 10), (long long)rated));
    }
    if (open)
        reason(b, &n, EACH_OPEN * (int)open,
               arena_fmt(c->mem, zh ? "手上 %lld 单" : "%lld orders in hand", (long long)open));
    buf_putc(b, ']');
}

static enum err may_dispatch(struct ctx *c, struct req *q, struct row *ret_ticket)
{
    TRY(res_load_seen(c, q->tx, &res_ticket, q->ids[0], ret_ticket));
    return who_may(c->who, "ticket.dispatch", row_int(ret_ticket, R_COMMUNITY))
               ? E_OK
               : FAIL(c, E_DENIED, "您的岗位不能派单", "your role may not dispatch");
}

static enum err candidates_get(struct ctx *c, struct req *q)
{
    struct row ticket;
    struct candidate *list = arena_get(c->mem, CANDIDATES_MAX * sizeof *list);
    struct buf *b = &q->out;
    size_t n;
    TRY(may_dispatch(c, q, &ticket));
    TRY(read_candidates(c, q->tx, &ticket, list, &n));
    buf_put(b, S("{\"items\":["));
    for (size_t i = 0; i < n; i++) {
        const struct candidate *k = &list[i];
        buf_fmt(b, "%s{\"staff_id\":%lld,\"name\":", i ? "," : "", (long long)k->id);
        buf_json(b, k->name);
        buf_put(b, S(",\"skills\":"));
        TRY(skills_json(c, q->tx, row_int(&ticket, R_COMMUNITY), k->id, b));
        buf_fmt(b,
                ",\"on_duty\":%s,\"has_skill\":%s,\"certified\":%s,\"open\":%lld,\"suggested\":%s,"
                "\"score\":%d,\"why\":",
                k->on_duty ? "true" : "false", k->has_skill ? "true" : "false",
                k->certified ? "true" : "false", (long long)k->facts[FACT_OPEN],
                i == 0 && is_fit(k) ? "true" : "false", k->score);
        why_json(c, k, b);
        buf_putc(b, '}');
    }
    buf_put(b, S("]}"));
    return E_OK;
}

/* --- by the system --- */

enum { BY_SCORE = 1, BY_TURN };
static const struct choice modes[] = {{BY_SCORE, "smart", {"智能派单", "Best fit"}, NULL},
                                      {BY_TURN, "turn", {"轮派", "In turn"}, NULL},
                                      {0}};
static const struct field auto_fields[] = {
    {"mode", F_ENUM, REQUIRED, .choices = modes, .label = {"方式", "How"}},
    {"version", F_INT, 0, .label = {"版本", "Version"}}};

static const struct candidate *choose(const struct candidate *list, size_t n, int64_t mode)
{
    const struct candidate *best = NULL;
    for (size_t i = 0; i < n && is_fit(&list[i]); i++)
        if (!best || (mode == BY_TURN && list[i].facts[FACT_TURN] < best->facts[FACT_TURN]))
            best = &list[i];
    return best;
}

static enum err send(struct ctx *c, struct req *q, struct row *ticket, const struct candidate *k)
{
    enum { ASSIGNEE_ID, REASON, COMMENT };
    struct row in = {0};
    const struct choice *mode = choice_of_code(modes, row_int(&q->in, 0));
    row_put(&in, ASSIGNEE_ID, v_int(k->id));
    row_put(&in, COMMENT, v_text(str_of(text_in(mode->label, c->lang))));
    TRY(flow_act_row(c, q->tx, &res_ticket, ticket, "dispatch", &in, row_int(&q->in, 1)));
    return q_do(c, q->tx, &Q_TURN, IN(ticket->v[R_COMMUNITY], v_int(k->id)), NULL);
}

static enum err auto_post(struct ctx *c, struct req *q)
{
    struct row ticket;
    struct candidate *list = arena_get(c->mem, CANDIDATES_MAX * sizeof *list);
    struct buf *b = &q->out;
    size_t n;
    TRY(may_dispatch(c, q, &ticket));
    if (!is_work(&ticket)) /* a complaint about a worker must not land with a worker */
        return FAIL(c, E_STATE, "只有报修和安全隐患可以自动派单,其他请指定负责人",
                    "only repairs and hazards are sent by the system; choose somebody for others");
    if (row_int(&ticket, T_STATE) != ACCEPTED)
        return FAIL(c, E_STATE, "只有待派单的工单可以自动派单",
                    "only an accepted ticket can be dispatched by the system");
    if (!row_has(&ticket, T_CATEGORY)) /* everybody would be fit for it */
        return FAIL_FIELD(c, "category_id", "required", "还没有分类,不知道派给谁:请先选分类",
                          "no category, so nobody knows who is fit: say what it is first");
    TRY(read_candidates(c, q->tx, &ticket, list, &n));
    const struct candidate *k = choose(list, n, row_int(&q->in, 0));
    if (k)
        TRY(send(c, q, &ticket, k));
    else
        TRY(escalate_once(c, q->tx, &ticket, WHY_NOBODY, LEVEL_MANAGER, 0));
    buf_fmt(b, "{\"dispatched\":%s,\"escalated\":%s,\"staff_id\":", k ? "true" : "false",
            k ? "false" : "true");
    k ? buf_int(b, k->id) : buf_put(b, S("null"));
    buf_put(b, S(",\"why\":"));
    k ? why_json(c, k, b) : buf_put(b, S("[]"));
    buf_put(b, S(",\"ticket\":"));
    res_render(c, &res_ticket, &ticket, RENDER_ACTIONS, b);
    buf_putc(b, '}');
    return E_OK;
}

#define WHY "[{text:str,points:int}]"
const struct route dispatch_routes[] = {
    {"GET",
     "/api/v1/tickets/{id}/candidates",
     "ticket.dispatch",
     0,
     NULL,
     candidates_get,
     NULL,
     0,
     {"可派人员", "Who could be sent, best first, and why"},
     "{items:[{staff_id:int,name:str,skills:[str],on_duty:bool,has_skill:bool,certified:bool,open:"
     "int,suggested:bool,score:int,why:" WHY "}]}",
     0,
     NULL},
    {"POST",
     "/api/v1/tickets/{id}/auto-dispatch",
     "ticket.dispatch",
     0,
     NULL,
     auto_post,
     auto_fields,
     COUNT_OF(auto_fields),
     {"由系统派单", "Dispatch by the system: the best fit, or in turn"},
     "{dispatched:bool,escalated:bool,staff_id:int?,why:" WHY ",ticket:@Ticket}",
     0,
     NULL},
    {0}};
