/* loops.c - is every loop closed, and how well? What nobody looks after (the orphans: a list that
 * must be empty each night), the three measures of G2.8 with the tickets behind each figure, and
 * who took, kept and gave away responsibility (G3.2). Nothing is kept: every figure is read from
 * the rows. */
#include "core/event.h"
#include "rooms/service/ticket.h"

enum { ORPHANS_MAX = 200, MISSED_MAX = 200, STAFF_MAX = 500, PERIOD_MAX_DAYS = 731 };
#define DAY_MS INT64_C(86400000)

/* --- orphans --- */

enum {
    ORPHAN_NOBODY = 1,
    ORPHAN_LEFT,
    ORPHAN_NO_CLOCK,
    ORPHAN_NOT_TOLD,
    ORPHAN_HANDOVER,
    ORPHAN_VISIT,
    ORPHAN_LOW_SCORE,
    ORPHAN_MERGED,
    ORPHAN_UNSENT
};
static const struct choice orphans[] = {
    {ORPHAN_NOBODY, "nobody", {"没有责任人", "Nobody is responsible"}, "red"},
    {ORPHAN_LEFT, "left", {"责任人已离职", "Who was responsible has left"}, "red"},
    {ORPHAN_NO_CLOCK, "no_clock", {"没有时限在走", "No clock runs"}, "red"},
    {ORPHAN_NOT_TOLD,
     "not_told",
     {"完成超过两天未反馈客户", "Done for two days, customer not told"},
     "amber"},
    {ORPHAN_HANDOVER, "handover", {"移交一天无人答复", "A handover unanswered for a day"}, "amber"},
    {ORPHAN_VISIT, "visit", {"回访逾期", "Return visit overdue"}, "amber"},
    {ORPHAN_LOW_SCORE, "low_score", {"低分没有跟进", "A low mark nobody followed up"}, "red"},
    {ORPHAN_MERGED, "merged", {"合并到已取消的工单", "Merged into a cancelled ticket"}, "red"},
    {ORPHAN_UNSENT, "unsent", {"超时一天仍未派人", "A day late and nobody was sent"}, "red"},
    {0}};

#define OF_TICKET "t.id, t.code, t.title"
/* ($1 community, $2 now, $3 two days ago, $4 a day ago) */
static const struct query Q_ORPHANS = {
    "service.orphans",
    "SELECT 1, " OF_TICKET ", t.created_at FROM ticket t WHERE t.community_id = $1 AND t.state < 8 "
    "AND t.archived = 0 AND t.first_contact_id IS NULL AND t.assignee_id IS NULL AND t.created_at "
    "< "
    "$4 UNION ALL SELECT 2, " OF_TICKET
    ", t.created_at FROM ticket t JOIN staff s ON s.id = COALESCE(t.assignee_id, "
    "t.first_contact_id) WHERE t.community_id = $1 AND t.state < 8 AND t.archived = 0 AND "
    "s.archived "
    "= 1 UNION ALL SELECT 3, " OF_TICKET
    ", t.created_at FROM ticket t WHERE t.community_id = $1 AND t.state < 6 AND t.archived = 0 AND "
    "t.clock_next IS NULL AND t.clock_stopped = 0 AND t.resolved_at IS NULL AND t.resolve_breached "
    "= "
    "0 UNION ALL SELECT 4, " OF_TICKET ", t.resolved_at FROM ticket t WHERE t.community_id = $1 "
    "AND t.state = 6 AND t.archived = 0 AND "
    "t.resolved_at < $3 UNION ALL SELECT 5, " OF_TICKET
    ", h.created_at FROM handover h JOIN ticket t ON t.id = h.ticket_id WHERE h.community_id = $1 "
    "AND h.state = 1 AND h.created_at < $4 UNION ALL SELECT 6, " OF_TICKET
    ", v.due_at FROM return_visit v JOIN ticket t ON t.id = v.ticket_id WHERE v.community_id = $1 "
    "AND v.state = 1 AND v.due_at < $2 UNION ALL SELECT 7, " OF_TICKET
    ", r.created_at FROM rating r JOIN ticket t ON t.id = r.ticket_id WHERE r.community_id = $1 "
    "AND "
    "r.archived = 0 AND r.created_at >= $5 AND (r.content <= 2 OR r.attitude <= 2 OR r.efficiency "
    "<= "
    "2 OR r.experience <= 2) AND NOT EXISTS (SELECT 1 FROM return_visit v WHERE v.community_id = "
    "$1 "
    "AND v.ticket_id = t.id AND v.why = 2) UNION ALL SELECT 8, " OF_TICKET
    ", t.updated_at FROM ticket t JOIN ticket m ON m.id = t.merged_into_id WHERE t.community_id = "
    "$1 "
    "AND t.state = 10 AND t.archived = 0 AND m.state = 9 UNION ALL SELECT 9, " OF_TICKET
    ", t.handle_due FROM ticket t WHERE t.community_id = $1 AND t.state = 2 AND t.kind IN (1, "
    "6) AND "
    "t.archived = 0 AND t.assignee_id IS NULL AND t.handled_at IS NULL AND t.handle_due < $4 "
    "ORDER BY 1, 5, 2 LIMIT 201"};
static const struct query Q_COMMUNITIES = {
    "service.loops_communities",
    "SELECT id FROM community WHERE archived = 0 ORDER BY id LIMIT 10000"};

/* --- measures --- */

/* G2.8. A ticket counts in the period in which it was closed. In time: no clock ran out. Accurate:
 * it went to the right person and class at once. Complete: neither returned nor reopened nor
 * repeated. */
#define TIMELY "(respond_breached = 1 OR handle_breached = 1 OR resolve_breached = 1)"
/* One from before reroutes were counted was sent once, as far as anybody knows. */
#define INACCURATE "COALESCE(reroutes, 0) > 0"
#define INCOMPLETE                                                                                 \
    "(rework_count > 0 OR EXISTS (SELECT 1 FROM ticket n WHERE n.community_id = "                  \
    "ticket.community_id "                                                                         \
    "AND n.repeat_of_id = ticket.id AND n.state <> 9))"
#define CLOSED_IN                                                                                  \
    "community_id = $1 AND state IN (8, 10) AND archived = 0 AND closed_at >= $2 AND closed_at < " \
    "$3"
static const struct query Q_MEASURES = {
    "service.measures",
    "SELECT kind, count(*), count(*) FILTER (WHERE NOT " TIMELY
    "), count(*) FILTER (WHERE NOT (" INACCURATE ")), count(*) FILTER (WHERE NOT " INCOMPLETE
    ") FROM ticket WHERE " CLOSED_IN " GROUP BY kind ORDER BY kind LIMIT 20"};
#define MISSED(name, what)                                                                         \
    {                                                                                              \
        name, "SELECT id, code, title, kind, closed_at FROM ticket WHERE " CLOSED_IN " AND " what  \
              " ORDER BY closed_at DESC, id DESC LIMIT 201"                                        \
    }
enum { MEASURE_TIMELY = 1, MEASURE_ACCURATE, MEASURE_COMPLETE };
static const struct query Q_LATE = MISSED("service.missed_timely", TIMELY);
static const struct query Q_REROUTED = MISSED("service.missed_accurate", INACCURATE);
static const struct query Q_REWORKED = MISSED("service.missed_complete", INCOMPLETE);
static const struct query *const missed_queries[] = {
    [MEASURE_TIMELY] = &Q_LATE, [MEASURE_ACCURATE] = &Q_REROUTED, [MEASURE_COMPLETE] = &Q_REWORKED};
static const struct choice measures[] = {{MEASURE_TIMELY, "timely", {"及时", "In time"}, NULL},
                                         {MEASURE_ACCURATE, "accurate", {"准确", "Accurate"}, NULL},
                                         {MEASURE_COMPLETE, "complete", {"完整", "Complete"}, NULL},
                                         {0}};

/* --- responsibility --- */

static const struct query Q_FIRST = {
    "service.first_contacts",
    "SELECT s.id, s.name, count(*), count(*) FILTER (WHERE t.state = 8), count(*) FILTER (WHERE "
    "t.state < 8), count(*) FILTER (WHERE t.respond_breached = 1 OR t.handle_breached = 1 OR "
    "t.resolve_breached = 1), count(*) FILTER (WHERE t.vouched_at IS NOT NULL), count(*) FILTER "
    "(WHERE t.state IN (7, 8) AND t.external_id IS NULL AND t.vouched_at IS NULL) FROM ticket t "
    "JOIN "
    "staff s ON s.id = t.first_contact_id WHERE t.community_id = $1 AND t.created_at >= $2 AND "
    "t.created_at < $3 AND "
    "t.archived = 0 GROUP BY s.id, s.name ORDER BY 3 DESC, s.id LIMIT 500"};
static const struct query Q_HANDOVERS = {
    "service.handovers",
    "SELECT s.id, s.name, count(*) FILTER (WHERE h.from_staff_id = s.id), count(*) FILTER (WHERE "
    "h.to_staff_id = s.id), count(*) FILTER (WHERE h.to_staff_id = s.id AND h.state = 2), count(*) "
    "FILTER (WHERE h.to_staff_id = s.id AND h.state = 3), count(*) FILTER (WHERE h.to_staff_id = "
    "s.id AND h.state = 1), CAST(COALESCE(sum(CASE WHEN h.to_staff_id = s.id AND h.state IN (2, 3) "
    "THEN h.answered_at - h.created_at END), 0) AS BIGINT) FROM handover h JOIN staff s ON s.id = "
    "h.from_staff_id OR s.id = h.to_staff_id WHERE h.community_id = $1 AND h.created_at >= $2 AND "
    "h.created_at < $3 GROUP BY s.id, s.name ORDER BY 3 DESC, 4 DESC, s.id LIMIT 500"};
const struct query *const loop_queries[] = {&Q_ORPHANS, &Q_COMMUNITIES, &Q_MEASURES,
                                            &Q_LATE,    &Q_REROUTED,    &Q_REWORKED,
                                            &Q_FIRST,   &Q_HANDOVERS,   NULL};

/* --- reading --- */

enum err orphans_read(struct ctx *c, struct tx *tx, int64_t community, struct rows *ret)
{
    /* A low mark opens its visit at once; older ones than this program has visits for are past. */
    return q_rows(c, tx, &Q_ORPHANS,
                  IN(v_int(community), v_int(c->now_ms), v_int(c->now_ms - 2 * DAY_MS),
                     v_int(c->now_ms - DAY_MS), v_int(c->now_ms - 30 * DAY_MS)),
                  ORPHANS_MAX + 1, ret);
}

static void ticket_members(struct buf *b, const struct val *v)
{
    buf_fmt(b, "\"ticket_id\":%lld,\"code\":", (long long)val_int(v[0]));
    buf_json(b, val_str(v[1]));
    buf_put(b, S(",\"title\":"));
    buf_json(b, val_str(v[2]));
}

static enum err orphans_get(struct ctx *c, struct req *q)
{
    int64_t community;
    struct rows rows;
    struct buf *b = &q->out;
    TRY(req_community(c, q, "ticket.read", &community));
    TRY(orphans_read(c, q->tx, community, &rows));
    buf_put(b, S("{\"items\":["));
    for (size_t i = 0; i < rows.n && i < ORPHANS_MAX; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        const struct choice *what = choice_of_code(orphans, val_int(v[0]));
        buf_fmt(b, "%s{\"what\":\"%s\",\"text\":", i ? "," : "", what->key);
        buf_json(b, str_of(text_in(what->label, c->lang)));
        buf_putc(b, ',');
        ticket_members(b, v + 1);
        buf_put(b, S(",\"since\":\""));
        buf_instant(b, val_int(v[4]), app_zone(community));
        buf_put(b, S("\"}"));
    }
    buf_fmt(b, "],\"more\":%s}", rows.n > ORPHANS_MAX ? "true" : "false");
    return E_OK;
}

/* Both days count, in the community's zone. */
static enum err period(struct ctx *c, struct req *q, int64_t *ret_community, int64_t *ret_from_ms,
                       int64_t *ret_to_ms)
{
    struct date from, to;
    TRY(req_community(c, q, "ticket.read", ret_community));
    TRY(req_date_param(c, q, "from", &from));
    TRY(req_date_param(c, q, "to", &to));
    int64_t days = date_days(to) - date_days(from);
    if (days < 0 || days > PERIOD_MAX_DAYS)
        return FAIL_FIELD(c, "to", "range", "应不早于开始日期,且不超过两年",
                          "not before the start, and two years at most");
    const struct zone *z = app_zone(*ret_community);
    *ret_from_ms = zone_instant_ms(z, from, 0);
    *ret_to_ms = zone_instant_ms(z, date_of_days(date_days(to) + 1), 0);
    return E_OK;
}

static void figures(struct buf *b, const int64_t n[4])
{
    buf_fmt(b, "\"closed\":%lld,\"timely\":%lld,\"accurate\":%lld,\"complete\":%lld",
            (long long)n[0], (long long)n[1], (long long)n[2], (long long)n[3]);
}

static enum err measures_get(struct ctx *c, struct req *q)
{
    int64_t community, from_ms, to_ms, all[4] = {0};
    struct rows rows;
    struct buf *b = &q->out;
    TRY(period(c, q, &community, &from_ms, &to_ms));
    TRY(q_rows(c, q->tx, &Q_MEASURES, IN(v_int(community), v_int(from_ms), v_int(to_ms)), 20,
               &rows));
    buf_put(b, S("{\"kinds\":["));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        int64_t n[4];
        for (int k = 0; k < 4; k++)
            all[k] += n[k] = val_int(v[k + 1]);
        buf_fmt(b, "%s{\"kind\":", i ? "," : "");
        field_to_json(b, &ticket_fields[T_KIND], v[0], NULL);
        buf_putc(b, ',');
        figures(b, n);
        buf_putc(b, '}');
    }
    buf_put(b, S("],\"all\":{"));
    figures(b, all);
    buf_put(b, S("}}"));
    return E_OK;
}

static enum err missed_get(struct ctx *c, struct req *q)
{
    int64_t community, from_ms, to_ms;
    struct rows rows;
    struct buf *b = &q->out;
    const struct choice *m = choice_of_key(measures, http_param(q->h, "measure"));
    TRY(period(c, q, &community, &from_ms, &to_ms));
    if (!m)
        return FAIL_FIELD(c, "measure", "choice", "应是 timely、accurate 或 complete",
                          "timely, accurate or complete");
    TRY(q_rows(c, q->tx, missed_queries[m->code],
               IN(v_int(community), v_int(from_ms), v_int(to_ms)), MISSED_MAX + 1, &rows));
    buf_put(b, S("{\"items\":["));
    for (size_t i = 0; i < rows.n && i < MISSED_MAX; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        buf_put(b, i ? S(",{") : S("{"));
        ticket_members(b, v);
        buf_put(b, S(",\"kind\":"));
        field_to_json(b, &ticket_fields[T_KIND], v[3], NULL);
        buf_put(b, S(",\"closed_at\":\""));
        buf_instant(b, val_int(v[4]), app_zone(community));
        buf_put(b, S("\"}"));
    }
    buf_fmt(b, "],\"more\":%s}", rows.n > MISSED_MAX ? "true" : "false");
    return E_OK;
}

static enum err staff_rows(struct ctx *c, struct req *q, const struct query *query,
                           const char *const *names, int n)
{
    int64_t community, from_ms, to_ms;
    struct rows rows;
    struct buf *b = &q->out;
    TRY(period(c, q, &community, &from_ms, &to_ms));
    TRY(q_rows(c, q->tx, query, IN(v_int(community), v_int(from_ms), v_int(to_ms)), STAFF_MAX,
               &rows));
    buf_put(b, S("{\"items\":["));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        buf_fmt(b, "%s{\"staff_id\":%lld,\"name\":", i ? "," : "", (long long)val_int(v[0]));
        buf_json(b, val_str(v[1]));
        for (int k = 0; k < n; k++)
            buf_fmt(b, ",\"%s\":%lld", names[k], (long long)val_int(v[k + 2]));
        buf_putc(b, '}');
    }
    buf_put(b, S("]}"));
    return E_OK;
}

static enum err first_get(struct ctx *c, struct req *q)
{
    static const char *const names[] = {"taken", "closed", "open", "late", "vouched", "to_vouch"};
    return staff_rows(c, q, &Q_FIRST, names, COUNT_OF(names));
}

static enum err handovers_get(struct ctx *c, struct req *q)
{
    static const char *const names[] = {"given",   "asked",   "accepted",
                                        "refused", "waiting", "answer_ms"};
    return staff_rows(c, q, &Q_HANDOVERS, names, COUNT_OF(names));
}

/* --- once a day --- */

/* The managers hear of what nobody looks after; silence means the list is empty. */
enum err orphans_nightly(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    struct rows communities, found;
    (void)app, (void)data;
    TRY(q_rows(c, tx, &Q_COMMUNITIES, IN0, 10000, &communities));
    for (size_t i = 0; i < communities.n; i++) {
        int64_t community = val_int(communities.v[i]);
        TRY(orphans_read(c, tx, community, &found));
        if (!found.n)
            continue;
        struct event e = {.topic = "service.orphans",
                          .res = &res_community,
                          .id = community,
                          .community_id = community,
                          .data = arena_fmt(c->mem, "{\"action\":\"orphans\",\"n\":%zu}", found.n),
                          .for_perm = "ticket.dispatch"};
        TRY(tx_emit(c, tx, &e));
    }
    return E_OK;
}

static const struct field community_query[] = {
    {"community_id", F_REF, 0, .ref = "communities", .label = {"项目", "Community"}}};
#define PERIOD                                                                                     \
    {"community_id", F_REF, 0, .ref = "communities", .label = {"项目", "Community"}},              \
        {"from", F_DATE, REQUIRED, .label = {"从", "From"}},                                       \
    {                                                                                              \
        "to", F_DATE, REQUIRED, .label = { "到", "To" }                                            \
    }
static const struct field period_query[] = {PERIOD};
static const struct field missed_query[] = {
    PERIOD, {"measure", F_ENUM, REQUIRED, .choices = measures, .label = {"指标", "Measure"}}};
#define FIGURES "closed:int,timely:int,accurate:int,complete:int"
#define READ(path, fn, query, zh, en, shape)                                                       \
    {                                                                                              \
        "GET", path, "ticket.read", 0, NULL, fn, query, COUNT_OF(query), {zh, en}, shape, 0, NULL  \
    }
const struct route loop_routes[] = {
    READ("/api/v1/service/orphans", orphans_get, community_query, "无人管的工单",
         "What nobody looks after",
         "{items:[{what:str,text:str,ticket_id:int,code:str,title:str,since:instant}],more:bool}"),
    READ("/api/v1/service/measures", measures_get, period_query, "及时、准确、完整",
         "In time, accurate, complete", "{kinds:[{kind:str," FIGURES "}],all:{" FIGURES "}}"),
    READ("/api/v1/service/missed", missed_get, missed_query, "没有达到某项指标的工单",
         "The tickets that missed a measure",
         "{items:[{ticket_id:int,code:str,title:str,kind:str,closed_at:instant}],more:bool}"),
    READ("/api/v1/service/first-contacts", first_get, period_query, "首问责任统计",
         "First contacts",
         "{items:[{staff_id:int,name:str,taken:int,closed:int,open:int,late:int,vouched:int,"
         "to_vouch:int}]}"),
    READ("/api/v1/service/handovers", handovers_get, period_query, "责任移交统计",
         "Handovers of responsibility",
         "{items:[{staff_id:int,name:str,given:int,asked:int,accepted:int,refused:int,waiting:int,"
         "answer_ms:int}]}"),
    {0}};
