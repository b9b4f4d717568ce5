/* duplicates.c - pairs of rows that may be one person, with what speaks for it: what a clerk looks
 * at before merging. It only points; a couple shares a phone. */
#include "rooms/people/room.h"

enum { PAIRS = 200 };
/* Each way of being alike is a query of its own shape (a id, b id, why), read up to the same bound;
 * the strongest first. */
#define ALIVE                                                                                      \
    "a.community_id = $1 AND a.archived = 0 AND b.archived = 0 AND a.restricted_at IS NULL AND "   \
    "b.restricted_at IS NULL AND a.erased_at IS NULL AND b.erased_at IS NULL"
static const struct query Q_SAME_HOME = {
    "people.same_home",
    "SELECT DISTINCT a.id, a.name, a.phone, b.id, b.name, b.phone FROM occupancy o JOIN occupancy "
    "p "
    "ON p.community_id = o.community_id AND p.space_id = o.space_id AND p.person_id > o.person_id "
    "AND p.archived = 0 JOIN person a ON a.id = o.person_id JOIN person b ON b.id = p.person_id "
    "AND "
    "b.name = a.name WHERE o.community_id = $1 AND o.archived = 0 AND " ALIVE
    " ORDER BY a.id, b.id LIMIT 200"};
static const struct query Q_SAME_NUMBER = {
    "people.same_number",
    "SELECT DISTINCT a.id, a.name, a.phone, b.id, b.name, b.phone FROM person_identity i JOIN "
    "person_identity k ON k.community_id = i.community_id AND k.value_key = i.value_key AND k.kind "
    "= "
    "i.kind "
    "AND k.person_id > i.person_id AND k.archived = 0 JOIN person a ON a.id = i.person_id JOIN "
    "person b ON b.id = k.person_id WHERE i.community_id = $1 AND i.archived = 0 AND " ALIVE
    " ORDER BY a.id, b.id LIMIT 200"};
static const struct query Q_SAME_PHONE = {
    "people.duplicates",
    "SELECT a.id, a.name, a.phone, b.id, b.name, b.phone FROM person a JOIN person b ON "
    "b.community_id = a.community_id AND b.phone = a.phone AND b.id > a.id WHERE a.phone IS NOT "
    "NULL AND " ALIVE " ORDER BY a.id, b.id LIMIT 200"};
const struct query *const duplicate_queries[] = {&Q_SAME_HOME, &Q_SAME_NUMBER, &Q_SAME_PHONE, NULL};

enum { WHY_HOME = 1, WHY_NUMBER = 2, WHY_PHONE = 4 };
static const struct way {
    const struct query *query;
    int why;
    const char *key;
} ways[] = {{&Q_SAME_HOME, WHY_HOME, "name_home"},
            {&Q_SAME_NUMBER, WHY_NUMBER, "number"},
            {&Q_SAME_PHONE, WHY_PHONE, "phone"}};
struct pair {
    const struct val *v; /* a id, name, phone; b id, name, phone */
    int why;
};
struct pairs {
    struct pair v[PAIRS];
    size_t n;
};

static void pair_add(struct pairs *p, const struct val *v, int why)
{
    for (size_t i = 0; i < p->n; i++)
        if (val_eq(p->v[i].v[0], v[0]) && val_eq(p->v[i].v[3], v[3])) {
            p->v[i].why |= why;
            return;
        }
    if (p->n < PAIRS)
        p->v[p->n++] = (struct pair){v, why};
}

static void put_phone(struct ctx *c, struct val phone, struct buf *out)
{
    struct buf masked;
    buf_init(&masked, c->mem, 100);
    buf_masked(&masked, &person_fields[PE_PHONE], val_str(phone));
    if (phone.t == V_NULL)
        buf_put(out, S("null"));
    else
        buf_json(out, buf_str(&masked));
}

static void put_twin(struct ctx *c, const char *key, const struct val *v, struct buf *out)
{
    buf_fmt(out, "\"%s\":{\"id\":%lld,\"name\":", key, (long long)val_int(v[0]));
    buf_json(out, val_str(v[1]));
    buf_put(out, S(",\"phone\":"));
    put_phone(c, v[2], out);
    buf_putc(out, '}');
}

static void put_pair(struct ctx *c, const struct pair *p, struct buf *out)
{
    buf_putc(out, '{');
    put_twin(c, "a", p->v, out);
    buf_putc(out, ',');
    put_twin(c, "b", p->v + 3, out);
    buf_put(out, S(",\"why\":["));
    for (size_t i = 0, n = 0; i < COUNT_OF(ways); i++)
        if (p->why & ways[i].why)
            buf_fmt(out, "%s\"%s\"", n++ ? "," : "", ways[i].key);
    buf_put(out, S("]}"));
}

enum err duplicates(struct ctx *c, struct req *q)
{
    int64_t community;
    struct pairs *pairs = arena_get(c->mem, sizeof *pairs);
    pairs->n = 0;
    TRY(req_community(c, q, "people.manage", &community));
    for (size_t w = 0; w < COUNT_OF(ways); w++) {
        struct rows rows;
        TRY(q_rows(c, q->tx, ways[w].query, IN(v_int(community)), PAIRS, &rows));
        for (size_t i = 0; i < rows.n; i++)
            pair_add(pairs, rows.v + i * (size_t)rows.ncol, ways[w].why);
    }
    buf_put(&q->out, S("{\"items\":["));
    for (size_t i = 0; i < pairs->n; i++) {
        if (i)
            buf_putc(&q->out, ',');
        put_pair(c, &pairs->v[i], &q->out);
    }
    buf_put(&q->out, S("]}"));
    return E_OK;
}
