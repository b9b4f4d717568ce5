/* alike.c - is somebody telling us what we know already? (G2.7) Twenty people call about one lift.
 * While a request is being written down, open ones of the last two weeks are compared with it by
 * place, by category and by words; each proposal says why. Nothing is merged by this. */
#include "core/event.h"
#include "core/grams.h"
#include "rooms/service/desk.h"

enum { LOOKED_AT = 300, SHOWN = 5, DAYS = 14, LEAST = 3, PAIRS_MAX = 200 };
enum { ASSET = 3, PLACE = 3, BUILDING = 1, CATEGORY = 2, WORDS = 2 }; /* points */

/* Open tickets, the newest first, each with the building its place stands in. */
static const struct query Q_OPEN = {
    "service.alike_open",
    "WITH RECURSIVE o AS (SELECT id, space_id FROM ticket WHERE community_id = $1 AND created_at "
    ">= "
    "$2 AND state < 8 AND archived = 0 ORDER BY created_at DESC LIMIT 300), up(ticket, space, "
    "parent, kind) AS (SELECT o.id, s.id, s.parent_id, s.kind FROM o JOIN space s ON s.id = "
    "o.space_id AND s.community_id = $1 UNION ALL SELECT up.ticket, s.id, s.parent_id, s.kind FROM "
    "up JOIN space s ON s.id = up.parent AND s.community_id = $1) SELECT t.id, t.code, t.title, "
    "t.state, t.category_id, t.space_id, t.asset_id, (SELECT max(up.space) FROM up WHERE up.ticket "
    "= t.id AND "
    "up.kind = 1) FROM o JOIN ticket t ON t.id = o.id ORDER BY t.id DESC"};
static const struct query Q_BUILDING = {
    "service.alike_building",
    "WITH RECURSIVE up(id, parent, kind) AS (SELECT id, parent_id, kind FROM space WHERE id = $2 "
    "AND "
    "community_id = $1 UNION ALL SELECT s.id, s.parent_id, s.kind FROM up JOIN space s ON s.id = "
    "up.parent AND s.community_id = $1) SELECT max(id) FROM up WHERE kind = 1"};
const struct query *const alike_queries[] = {&Q_OPEN, &Q_BUILDING, NULL};

/* --- pure --- */

/* Half of the shorter one's pairs are the other's as well; texts of one pair say too little. */
bool texts_alike(struct arena *a, struct str one, struct str two)
{
    struct word w[GRAMS_ASKED_MAX];
    struct str words = grams_of(a, &two, 1);
    size_t n = grams_ask(a, one, w), same = 0, pairs = 0;
    for (size_t i = 0; i < n; i++) {
        struct str rest = words;
        if (w[i].text.n < 4) /* a single character, a short number */
            continue;
        pairs++;
        for (bool found = false; rest.p && rest.n && !found;) {
            found = str_eq(str_next(&rest, ' '), w[i].text);
            same += found;
        }
    }
    return pairs > 1 && same * 2 >= pairs;
}

/* --- proposals --- */

struct asked {
    int64_t community, space, asset, category, building; /* 0: not said */
    struct str text;
};
struct alike {
    const struct val *v; /* a row of Q_OPEN */
    bool asset, place, building, category, words;
    int points;
};
enum { ID, CODE, TITLE, STATE, CATEGORY_ID, SPACE_ID, ASSET_ID, BUILDING_ID, COLS };

static struct alike judge(struct ctx *c, const struct asked *a, const struct val *v)
{
    struct alike r = {.v = v,
                      .asset = a->asset && val_int(v[ASSET_ID]) == a->asset,
                      .place = a->space && val_int(v[SPACE_ID]) == a->space,
                      .category = a->category && val_int(v[CATEGORY_ID]) == a->category,
                      .words = a->text.n && texts_alike(c->mem, a->text, val_str(v[TITLE]))};
    r.building = !r.place && a->building && val_int(v[BUILDING_ID]) == a->building;
    if (!r.asset && !r.place && !r.building && a->building && v[BUILDING_ID].t == V_INT)
        return r; /* another house has its own troubles */
    r.points = r.asset * ASSET + r.place * PLACE + r.building * BUILDING + r.category * CATEGORY +
               r.words * WORDS;
    return r;
}

static void put_alike(const struct alike *r, struct buf *out)
{
    const struct {
        bool is;
        const char *key;
    } why[] = {{r->asset, "asset"},
               {r->place, "place"},
               {r->building, "building"},
               {r->category, "category"},
               {r->words, "words"}};
    int n = 0;
    buf_fmt(out, "{\"id\":%lld,\"code\":", (long long)val_int(r->v[ID]));
    buf_json(out, val_str(r->v[CODE]));
    buf_put(out, S(",\"title\":"));
    buf_json(out, val_str(r->v[TITLE]));
    buf_put(out, S(",\"state\":"));
    field_to_json(out, &ticket_fields[T_STATE], r->v[STATE], NULL);
    buf_put(out, S(",\"why\":["));
    for (size_t i = 0; i < COUNT_OF(why); i++)
        if (why[i].is)
            buf_fmt(out, "%s\"%s\"", n++ ? "," : "", why[i].key);
    buf_put(out, S("]}"));
}

/* The best SHOWN, the newer first among equals. */
static size_t best(struct ctx *c, const struct asked *a, const struct rows *rows,
                   struct alike ret[SHOWN])
{
    size_t n = 0;
    for (size_t i = 0; i < rows->n; i++) {
        struct alike r = judge(c, a, rows->v + i * COLS);
        size_t at = n;
        if (r.points < LEAST)
            continue;
        while (at && ret[at - 1].points < r.points)
            at--;
        if (at == SHOWN)
            continue;
        n += n < SHOWN;
        for (size_t k = n - 1; k > at; k--)
            ret[k] = ret[k - 1];
        ret[at] = r;
    }
    return n;
}

static enum err alike_get(struct ctx *c, struct req *q)
{
    struct asked a = {.text = str_trim(http_param(q->h, "text"))};
    struct alike found[SHOWN];
    struct rows rows;
    struct val building = v_null();
    TRY(req_community(c, q, "ticket.desk", &a.community));
    TRY(req_id_param(c, q, "space_id", &a.space));
    TRY(req_id_param(c, q, "asset_id", &a.asset));
    TRY(req_id_param(c, q, "category_id", &a.category));
    if (!utf8_valid(a.text))
        return FAIL_FIELD(c, "text", "format", "文字编码不是 UTF-8", "the text is not UTF-8");
    a.text = utf8_head(a.text, PAIRS_MAX);
    if (a.space)
        TRY(q_one(c, q->tx, &Q_BUILDING, IN(v_int(a.community), v_int(a.space)), &building, 1));
    a.building = val_int(building);
    TRY(q_rows(c, q->tx, &Q_OPEN,
               IN(v_int(a.community), v_int(c->now_ms - (int64_t)DAYS * 86400 * 1000)), LOOKED_AT,
               &rows));
    size_t n = best(c, &a, &rows, found);
    buf_put(&q->out, S("{\"items\":["));
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_putc(&q->out, ',');
        put_alike(&found[i], &q->out);
    }
    buf_put(&q->out, S("]}"));
    return E_OK;
}

static const struct field alike_query[] = {
    {"community_id", F_REF, 0, .ref = "communities", .label = {"项目", "Community"}},
    {"space_id", F_REF, 0, .ref = "spaces", .label = {"地点", "Place"}},
    {"asset_id", F_REF, 0, .ref = "assets", .label = {"设备", "Asset"}},
    {"category_id", F_REF, 0, .ref = "categories", .label = {"分类", "Category"}},
    {"text", F_TEXT, 0, 0, 200, .label = {"内容", "Text"}}};
const struct route alike_routes[] = {
    {"GET", "/api/v1/desk/alike", "ticket.desk", .run = alike_get, .input = alike_query,
     .ninput = COUNT_OF(alike_query),
     .help = {"可能重复的未结工单", "Open tickets that may be the same"},
     .reply = "{items:[{id:int,code:str,title:str,state:str,why:[(asset|place|building|category|"
              "words)]}]}"},
    {0}};
