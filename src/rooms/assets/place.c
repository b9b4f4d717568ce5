/* place.c - where assets stand, as a ticket asks it: may this asset be meant at that place, and
 * which may. A home's lift stands at its entrance, a building's pumps below it: what counts is one
 * line of the space tree, up or down. */
#include "core/event.h"
#include "rooms/assets/room.h"

enum { NEAR_MAX = 60 };

static const struct query Q_ASSET = {
    "assets.brief", "SELECT space_id, state FROM asset WHERE community_id = $1 AND id = $2"};
/* Does one of the two places stand in the other? */
static const struct query Q_IN_LINE = {
    "assets.in_line",
    "WITH RECURSIVE up(start, id, parent) AS (SELECT id, id, parent_id FROM space WHERE "
    "community_id = $1 AND id IN ($2, $3) UNION ALL SELECT up.start, s.id, s.parent_id FROM up "
    "JOIN space s ON s.id = up.parent AND s.community_id = $1) SELECT count(*) FROM up WHERE "
    "(start = $2 AND id = $3) OR (start = $3 AND id = $2)"};
static const struct query Q_NEAR = {
    "assets.near",
    "WITH RECURSIVE up(id, parent, n) AS (SELECT id, parent_id, 0 FROM space WHERE community_id = "
    "$1 AND id = $2 UNION ALL SELECT s.id, s.parent_id, up.n + 1 FROM up JOIN space s ON s.id = "
    "up.parent AND s.community_id = $1), down(id, n) AS (SELECT id, 0 FROM space WHERE "
    "community_id = $1 AND id = $2 UNION ALL SELECT s.id, down.n + 1 FROM down JOIN space s ON "
    "s.parent_id = down.id AND s.community_id = $1 AND s.archived = 0), near(id, n) AS (SELECT "
    "id, n FROM up UNION ALL SELECT id, n + 8 FROM down WHERE n > 0) SELECT a.id, a.code, a.name, "
    "a.state FROM near JOIN asset a ON a.space_id = near.id AND a.community_id = $1 WHERE "
    "a.archived = 0 AND a.state <> 3 ORDER BY near.n, a.system, a.code, a.id LIMIT 60"};
const struct query *const place_queries[] = {&Q_ASSET, &Q_IN_LINE, &Q_NEAR, NULL};

enum err asset_at(struct ctx *c, struct tx *tx, int64_t community, struct val asset, bool chosen,
                  struct val space, struct val *ret_space)
{
    struct val v[2], n;
    *ret_space = space;
    enum err e = q_one(c, tx, &Q_ASSET, IN(v_int(community), asset), v, 2);
    if (e == E_MISSING)
        return E_OK; /* told by the reference check */
    TRY(e);
    if (chosen && val_int(v[1]) == ASSET_RETIRED)
        return FAIL_FIELD(c, "asset_id", "retired", "这台设备已报废,请选在用的设备,或只填地点",
                          "this asset is retired: choose one in use, or the place alone");
    if (space.t != V_INT)
        *ret_space = v[0];
    TRY(q_one(c, tx, &Q_IN_LINE, IN(v_int(community), v[0], *ret_space), &n, 1));
    return val_int(n) ? E_OK
                      : FAIL_FIELD(c, "asset_id", "place",
                                   "这台设备不在所选地点:请换一台设备,或清空地点(以设备所在处为准)",
                                   "this asset does not stand at the chosen place: choose another "
                                   "one, or clear the place and its own is taken");
}

static enum err near_get(struct ctx *c, struct req *q)
{
    const struct field *state = &res_asset.fields[EQ_STATE];
    struct row space;
    struct rows rows;
    TRY(res_load_seen(c, q->tx, &res_space, q->ids[0], &space));
    if (!who_may(c->who, "asset.read", row_int(&space, R_COMMUNITY)))
        return FAIL(c, E_DENIED, "您的岗位不能做这件事", "your role may not do this");
    TRY(q_rows(c, q->tx, &Q_NEAR, IN(space.v[R_COMMUNITY], space.v[R_ID]), NEAR_MAX, &rows));
    buf_put(&q->out, S("{\"items\":["));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        buf_fmt(&q->out, "%s{\"id\":%lld,\"code\":", i ? "," : "", (long long)val_int(v[0]));
        buf_json(&q->out, val_str(v[1]));
        buf_put(&q->out, S(",\"name\":"));
        buf_json(&q->out, val_str(v[2]));
        buf_put(&q->out, S(",\"state\":"));
        field_to_json(&q->out, state, v[3], NULL);
        buf_putc(&q->out, '}');
    }
    buf_put(&q->out, S("]}"));
    return E_OK;
}

const struct route place_routes[] = {
    {"GET", "/api/v1/spaces/{id}/assets", "asset.read", .run = near_get,
     .help = {"这个地点及其上下级的设备", "The equipment at a place, above and below it"},
     .reply = "{items:[{id:int,code:str,name:str,state:str}]}"},
    {0}};
