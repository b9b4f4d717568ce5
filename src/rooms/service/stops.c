/* stops.c - in which house each order of a worker is, so that his list goes from house to house.
 * The tree knows it; a place's name alone does not say where the house ends. */
#include "rooms/service/ticket.h"

enum { STOPS_MAX = 400 };

/* ($1 community, $2 staff) Entrances and buildings above each place, the nearest first. */
static const struct query Q_STOPS = {
    "service.stops",
    "WITH RECURSIVE up (space_id, kind, parent_id, path_name, steps) AS (SELECT s.id, s.kind, "
    "s.parent_id, s.path_name, 0 FROM space s WHERE s.community_id = $1 AND s.id IN (SELECT "
    "t.space_id FROM ticket t WHERE t.community_id = $1 AND t.assignee_id = $2 AND t.state IN (3, "
    "4, 5, 6) AND t.archived = 0) UNION ALL SELECT u.space_id, p.kind, p.parent_id, p.path_name, "
    "u.steps + 1 FROM up u JOIN space p ON p.id = u.parent_id WHERE p.community_id = $1 AND "
    "u.steps < 8) SELECT space_id, path_name FROM up WHERE kind IN (1, 2) ORDER BY space_id, steps "
    "LIMIT 400"};
const struct query *const stop_queries[] = {&Q_STOPS, NULL};

static enum err stops_get(struct ctx *c, struct req *q)
{
    int64_t community, last = 0;
    struct rows rows;
    struct buf *b = &q->out;
    TRY(req_community(c, q, "ticket.work", &community));
    TRY(q_rows(c, q->tx, &Q_STOPS, IN(v_int(community), v_int(who_staff(c->who, community))),
               STOPS_MAX, &rows));
    buf_put(b, S("{\"items\":["));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        if (val_int(v[0]) == last)
            continue;
        buf_fmt(b, "%s{\"space_id\":%lld,\"stop\":", last ? "," : "", (long long)val_int(v[0]));
        buf_json(b, val_str(v[1]));
        buf_putc(b, '}');
        last = val_int(v[0]);
    }
    buf_put(b, S("]}"));
    return E_OK;
}

static const struct field stops_query[] = {
    {"community_id", F_REF, 0, .ref = "communities", .label = {"项目", "Community"}}};
const struct route stop_routes[] = {
    {"GET", "/api/v1/me/stops", "ticket.work", .run = stops_get, .input = stops_query,
     .ninput = COUNT_OF(stops_query),
     .help = {"本人工单各在哪一栋、哪个单元", "In which house each of one's own orders is"},
     .reply = "{items:[{space_id:int,stop:str}]}"},
    {0}};
