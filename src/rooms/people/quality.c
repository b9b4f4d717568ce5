/* quality.c - what the records lack: a worklist that is empty when everybody can be reached and
 * every unit can be charged (G2.1). It only points; each line is mended where the record is. */
#include "rooms/people/room.h"

enum { SHOWN_MAX = 100 };

/* ($1 community, $2 today) -> id, title; 101 at most. */
#define LIVES "o.archived = 0 AND o.from_date <= $2 AND (o.to_date IS NULL OR o.to_date >= $2)"
#define UNITS                                                                                      \
    "SELECT s.id, s.path_name FROM space s WHERE s.community_id = $1 "                             \
    "AND s.kind = 4 AND s.archived = 0 AND "
#define IN_ORDER " ORDER BY s.id LIMIT 101"
#define HOME                                                                                       \
    "SELECT 1 FROM occupancy o WHERE o.community_id = $1 AND "                                     \
    "o.space_id = s.id AND " LIVES
static const struct query Q_NO_PHONE = {
    "quality.no_phone",
    "SELECT p.id, p.name FROM person p WHERE p.community_id = $1 AND p.archived = 0 AND p.phone IS "
    "NULL AND p.phone2 IS NULL AND p.restricted_at IS NULL AND p.erased_at IS NULL AND EXISTS "
    "(SELECT 1 FROM occupancy o WHERE o.community_id = $1 AND o.person_id = p.id AND " LIVES
    ") ORDER BY p.id LIMIT 101"};
static const struct query Q_NO_AREA = {"quality.no_area",
                                       UNITS "s.built_area IS NULL AND $2 = $2" IN_ORDER};
static const struct query Q_NO_PEOPLE = {"quality.no_people",
                                         UNITS "NOT EXISTS (" HOME ")" IN_ORDER};
static const struct query Q_NO_OWNER = {"quality.no_owner",
                                        UNITS "EXISTS (" HOME ") AND NOT EXISTS (" HOME
                                              " AND o.relation = 1)" IN_ORDER};
static const struct query Q_UNREACHABLE = {
    "quality.unreachable",
    UNITS "EXISTS (" HOME ") AND NOT EXISTS (SELECT 1 FROM occupancy o JOIN person p ON p.id = "
          "o.person_id WHERE o.community_id = $1 AND o.space_id = s.id AND " LIVES
          " AND (p.phone IS NOT NULL OR p.phone2 IS NOT NULL))" IN_ORDER};
const struct query *const quality_queries[] = {&Q_NO_PHONE, &Q_NO_AREA,     &Q_NO_PEOPLE,
                                               &Q_NO_OWNER, &Q_UNREACHABLE, NULL};

static const struct lack {
    const char *key, *resource;
    struct text label;
    const struct query *query;
} lacks[] = {
    {"unreachable",
     "spaces",
     {"整户没有电话", "Nobody of the household has a phone"},
     &Q_UNREACHABLE},
    {"no_area", "spaces", {"没有建筑面积", "Unit without an area"}, &Q_NO_AREA},
    {"no_owner", "spaces", {"有人住,没有业主", "Lived in, without an owner"}, &Q_NO_OWNER},
    {"no_people", "spaces", {"没有住户", "Unit without anybody"}, &Q_NO_PEOPLE},
    {"no_phone", "people", {"住户没有电话", "Resident without a phone"}, &Q_NO_PHONE},
};

enum err quality_get(struct ctx *c, struct req *q)
{
    int64_t community;
    struct buf *b = &q->out;
    TRY(req_community(c, q, "people.manage", &community));
    struct str today = date_text(c->mem, zone_date(app_zone(community), c->now_ms));
    buf_put(b, S("{\"groups\":["));
    for (size_t k = 0; k < COUNT_OF(lacks); k++) {
        const struct lack *l = &lacks[k];
        struct rows rows;
        TRY(q_rows(c, q->tx, l->query, IN(v_int(community), v_text(today)), SHOWN_MAX + 1, &rows));
        buf_fmt(b, "%s{\"what\":\"%s\",\"resource\":\"%s\",\"text\":", k ? "," : "", l->key,
                l->resource);
        buf_json(b, str_of(text_in(l->label, c->lang)));
        buf_put(b, S(",\"items\":["));
        for (size_t i = 0; i < rows.n && i < SHOWN_MAX; i++) {
            buf_fmt(b, "%s{\"id\":%lld,\"title\":", i ? "," : "",
                    (long long)val_int(rows.v[2 * i]));
            buf_json(b, val_str(rows.v[2 * i + 1]));
            buf_putc(b, '}');
        }
        buf_fmt(b, "],\"more\":%s}", rows.n > SHOWN_MAX ? "true" : "false");
    }
    buf_put(b, S("]}"));
    return E_OK;
}
