/* desk.c - the front desk's pages: find a household by whatever the caller says, its card, and the
 * dispatch board. Each answer is one request, because a clerk on the phone waits for it. */
#include "rooms/service/desk.h"

#include <string.h>

#include "core/event.h"

enum { LOOKUP_MAX = 20, PLATES_OF_DIGITS = 5, END_CHARS = 4 };
enum { COLUMN_MAX = 50, FEEDBACK_MAX = 50, DUE_SOON_MS = 2 * 3600 * 1000 };
enum { COLUMN_TEXT_BYTES = 90 << 10 }; /* four such columns fit a reply, whatever people write */

static const struct query Q_BY_CODE = {
    "desk.by_code", "SELECT id FROM space WHERE community_id = $1 AND code >= $2 AND code < $3 AND "
                    "kind IN (4, 7) AND archived = 0 ORDER BY code LIMIT 20"};
static const struct query Q_BY_PATH = {
    "desk.by_path", "SELECT id FROM space WHERE community_id = $1 AND kind IN (4, 7) AND archived "
                    "= 0 AND path_name LIKE $2 ESCAPE '\\' ORDER BY id LIMIT 20"};
/* Whoever it is comes first, then where he lives: CROSS JOIN keeps SQLite to that order. */
#define HOME_OF                                                                                    \
    "SELECT DISTINCT o.space_id, p.id FROM person p CROSS JOIN occupancy o WHERE o.community_id "  \
    "= "                                                                                           \
    "p.community_id AND o.person_id = p.id AND p.community_id = $1 AND p.archived = 0 AND "        \
    "p.restricted_at IS NULL AND o.archived = 0 AND (o.to_date IS NULL OR o.to_date >= $2) AND "
#define FIRST_HOMES " ORDER BY o.space_id LIMIT 20"
static const struct query Q_BY_NAME = {"desk.by_name",
                                       HOME_OF "p.name >= $3 AND p.name < $4" FIRST_HOMES};
/* By its last digits: the last four through their own index (people.c), the rest by looking. */
static const struct query Q_BY_PHONE_END = {
    "desk.by_phone_end",
    HOME_OF "substr(p.phone, length(p.phone) - 3) = $3 AND p.phone LIKE $4" FIRST_HOMES};
static const struct query Q_BY_PHONE2_END = {
    "desk.by_phone2_end",
    HOME_OF "substr(p.phone2, length(p.phone2) - 3) = $3 AND p.phone2 LIKE $4" FIRST_HOMES};
static const struct query Q_BY_PHONE_START = {"desk.by_phone_start",
                                              HOME_OF "p.phone >= $3 AND p.phone < $4" FIRST_HOMES};
static const struct query Q_BY_ROOM = {
    "desk.by_room", "SELECT id FROM space WHERE community_id = $1 AND name >= $2 AND name < $3 AND "
                    "kind IN (4, 7) AND archived = 0 ORDER BY name, id LIMIT 20"};
/* By its key (people.h), from the front or by its last characters, as a phone. */
#define HOME_OF_IDENTITY                                                                           \
    "SELECT DISTINCT o.space_id, i.person_id, i.kind, i.value FROM person_identity i CROSS JOIN "  \
    "occupancy o WHERE o.community_id = i.community_id AND o.person_id = i.person_id AND NOT "     \
    "EXISTS (SELECT 1 FROM "                                                                       \
    "person r WHERE r.id = i.person_id AND r.restricted_at IS NOT NULL) AND i.community_id = $1 "  \
    "AND i.archived = 0 AND o.archived = 0 AND (o.to_date IS NULL OR o.to_date >= $2) AND "
static const struct query Q_BY_IDENTITY = {"desk.by_identity", HOME_OF_IDENTITY
                                           "i.value_key >= $3 AND i.value_key < $4" FIRST_HOMES};
static const struct query Q_BY_IDENTITY_END = {
    "desk.by_identity_end",
    HOME_OF_IDENTITY "substr(i.value_key, length(i.value_key) - 3) = $3 AND i.value_key LIKE $4 "
                     "ESCAPE '\\'" FIRST_HOMES};
static const struct query Q_SPACE = {
    "desk.space", "SELECT path_name, code FROM space WHERE id = $1 AND community_id = $2"};
static const struct query Q_SPACE_OPEN = {"desk.space_open",
                                          "SELECT count(*) FROM ticket WHERE community_id = $1 AND "
                                          "space_id = $2 AND state < 8 AND archived = 0"};
static const struct query Q_BOARD_COUNT = {
    "desk.board_count",
    "SELECT count(*) FROM ticket WHERE community_id = $1 AND state IN ($2, $3) AND archived = 0"};
/* The very rows that the lists behind the board's numbers show: next_due.lt, and .gte with .lt. */
static const struct query Q_LATE = {
    "desk.late", "SELECT count(*) FROM ticket WHERE community_id = $1 AND archived = 0 AND "
                 "next_due >= $2 AND next_due < $3"};
static const struct query Q_TODAY = {
    "desk.today",
    "SELECT count(*) FROM ticket WHERE community_id = $1 AND created_at >= $2 AND archived = 0"};
/* What this household said of the service: ratings and return visits, newest first. */
static const struct query Q_FEEDBACK = {
    "desk.feedback",
    "SELECT t.id, t.code, t.title, 'rating', (r.content + r.attitude + r.efficiency + "
    "r.experience) * 10 / 4, r.comment, r.created_at FROM rating r JOIN ticket t ON t.id = "
    "r.ticket_id WHERE t.community_id = $1 AND t.space_id = $2 AND r.archived = 0 UNION ALL SELECT "
    "t.id, t.code, t.title, 'visit', v.score * 10, v.comment, v.done_at FROM return_visit v JOIN "
    "ticket t ON t.id = v.ticket_id WHERE t.community_id = $1 AND t.space_id = $2 AND v.state = 2 "
    "ORDER BY 7 DESC, 1 LIMIT 50"};
const struct query *const desk_queries[] = {&Q_FEEDBACK,       &Q_BY_CODE,
                                            &Q_BY_PATH,        &Q_BY_NAME,
                                            &Q_BY_PHONE_END,   &Q_BY_PHONE2_END,
                                            &Q_BY_PHONE_START, &Q_BY_ROOM,
                                            &Q_BY_IDENTITY,    &Q_BY_IDENTITY_END,
                                            &Q_SPACE,          &Q_SPACE_OPEN,
                                            &Q_BOARD_COUNT,    &Q_LATE,
                                            &Q_TODAY,          NULL};

static struct str today_of(struct ctx *c, int64_t community)
{
    return date_text(c->mem, zone_date(app_zone(community), c->now_ms));
}

/* --- look-up --- */

struct found {
    struct {
        int64_t space, person; /* 0: by the place itself */
        int64_t kind;          /* of the plate, card or contract it was; 0: by a name or a phone */
        struct str value;
    } v[LOOKUP_MAX];
    size_t n;
};

static size_t found_at(const struct found *f, int64_t space)
{
    size_t k = 0;
    while (k < f->n && f->v[k].space != space)
        k++;
    return k;
}

/* No more than most are found afterwards. */
static enum err collect_to(struct ctx *c, struct tx *tx, const struct query *q,
                           const struct val *in, size_t nin, size_t most, struct found *f)
{
    struct rows rows;
    TRY(q_rows(c, tx, q, in, nin, LOOKUP_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        size_t k = found_at(f, val_int(v[0]));
        if (k == f->n && f->n >= most)
            continue;
        if (k == f->n)
            f->v[f->n++].space = val_int(v[0]);
        if (rows.ncol > 1 && !f->v[k].person) {
            f->v[k].person = val_int(v[1]);
            if (rows.ncol > 2) {
                f->v[k].kind = val_int(v[2]);
                f->v[k].value = val_str(v[3]);
            }
        }
    }
    return E_OK;
}

static enum err collect(struct ctx *c, struct tx *tx, const struct query *q, const struct val *in,
                        size_t nin, struct found *f)
{
    return collect_to(c, tx, q, in, nin, LOOKUP_MAX, f);
}

static struct val like(struct ctx *c, struct str s, bool after)
{
    struct buf b;
    buf_init(&b, c->mem, 400);
    buf_putc(&b, '%');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%' || s.p[i] == '_' || s.p[i] == '\\')
            buf_putc(&b, '\\');
        buf_putc(&b, s.p[i]);
    }
    if (after)
        buf_putc(&b, '%');
    return v_text(buf_str(&b));
}

static bool digits_only(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return true;
}

/* A plate or a contract's number, however it is typed. Digits alone may be the end of a phone just
 * as well: plates leave room for those. In full only for who may not ask for numbers (below). */
static enum err find_by_identity(struct ctx *c, struct tx *tx, int64_t community, struct str s,
                                 bool plain, struct found *f)
{
    struct str key = identity_key(c->mem, s);
    size_t most = digits_only(s) ? f->n + PLATES_OF_DIGITS : LOOKUP_MAX, chars = utf8_len(key);
    struct val cm = v_int(community), today = v_text(today_of(c, community)),
               to = v_text(
                   arena_fmt(c->mem, PRS "%s", PRA(key), plain ? "\xf4\x8f\xbf\xbf" : "\x01"));
    if (most > LOOKUP_MAX)
        most = LOOKUP_MAX;
    if (!chars || f->n >= most)
        return E_OK;
    TRY(collect_to(c, tx, &Q_BY_IDENTITY, IN(cm, today, v_text(key), to), most, f));
    if (!plain || chars < END_CHARS)
        return E_OK;
    size_t before = utf8_head(key, chars - END_CHARS).n;
    struct val end = v_text(str_sub(key, before, key.n));
    return collect_to(c, tx, &Q_BY_IDENTITY_END, IN(cm, today, end, like(c, key, false)), most, f);
}

/* A caller says the end of his number and a clerk types it: that is what the desk is for. Who may
 * not ask for a number in full finds people by the whole number only, or could find it out digit by
 * digit. */
static enum err find_households(struct ctx *c, struct tx *tx, int64_t community, struct str s,
                                struct found *f)
{
    bool plain = who_may(c->who, "personal.read", community);
    struct val from = v_text(s), to = v_text(arena_fmt(c->mem, PRS "\xf4\x8f\xbf\xbf", PRA(s))),
               today = v_text(today_of(c, community));
    struct val cm = v_int(community);
    TRY(collect(c, tx, &Q_BY_CODE, IN(cm, from, to), f));
    if (digits_only(s))
        TRY(find_by_identity(c, tx, community, s, plain, f));
    if (digits_only(s) && s.n >= 4) {
        struct val end = v_text(str_sub(s, s.n - 4, 4)), some = plain ? like(c, s, false) : from;
        TRY(collect(c, tx, &Q_BY_PHONE_END, IN(cm, today, end, some), f));
        TRY(collect(c, tx, &Q_BY_PHONE2_END, IN(cm, today, end, some), f));
        if (plain)
            TRY(collect(c, tx, &Q_BY_PHONE_START, IN(cm, today, from, to), f));
    }
    if (f->n < LOOKUP_MAX && digits_only(s))
        TRY(collect(c, tx, &Q_BY_ROOM, IN(cm, from, to), f));
    if (f->n < LOOKUP_MAX && !digits_only(s))
        TRY(collect(c, tx, &Q_BY_NAME, IN(cm, today, from, to), f));
    if (!digits_only(s)) /* after the names: 苏 is one too */
        TRY(find_by_identity(c, tx, community, s, plain, f));
    if (!f->n) /* only now look through them all */
        TRY(collect(c, tx, &Q_BY_PATH, IN(cm, like(c, s, true)), f));
    return E_OK;
}

static enum err persons_json(struct ctx *c, struct tx *tx, int64_t community, int64_t space,
                             struct buf *out)
{
    struct rows rows;
    const struct field *phone = &res_person.fields[PE_PHONE];
    TRY(q_rows(c, tx, &Q_SPACE_PERSONS,
               IN(v_int(community), v_int(space), v_text(today_of(c, community))), 30, &rows));
    buf_put(out, S("\"persons\":["));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        struct buf masked;
        buf_init(&masked, c->mem, 100);
        buf_masked(&masked, phone, val_str(v[2]));
        buf_fmt(out, "%s{\"id\":%lld,\"name\":", i ? "," : "", (long long)val_int(v[0]));
        buf_json(out, val_str(v[1]));
        buf_put(out, S(",\"phone\":"));
        if (v[2].t == V_NULL)
            buf_put(out, S("null"));
        else
            buf_json(out, buf_str(&masked));
        buf_put(out, S(",\"relation\":"));
        field_to_json(out, &res_occupancy.fields[OC_RELATION], v[3], NULL);
        buf_put(out, S(",\"tier\":"));
        field_to_json(out, &res_person.fields[PE_TIER], v[4], NULL);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
    return E_OK;
}

/* Whose name, phone, plate, card or contract it was: the screen knows phones masked only and must
 * not guess who is calling. The value of the last three, as masked as everywhere. */
static void matched_json(struct ctx *c, struct found *f, size_t i, struct buf *out)
{
    struct buf masked;
    buf_init(&masked, c->mem, 300);
    buf_put(out, S(",\"matched\":"));
    if (!f->v[i].person) {
        buf_put(out, S("null"));
        return;
    }
    buf_fmt(out, "{\"person_id\":%lld,\"kind\":", (long long)f->v[i].person);
    if (!f->v[i].kind) {
        buf_put(out, S("null,\"value\":null}"));
        return;
    }
    buf_masked(&masked, &res_identity.fields[ID_VALUE], f->v[i].value);
    field_to_json(out, &res_identity.fields[ID_KIND], v_int(f->v[i].kind), NULL);
    buf_put(out, S(",\"value\":"));
    buf_json(out, buf_str(&masked));
    buf_putc(out, '}');
}

static enum err lookup_get(struct ctx *c, struct req *q)
{
    int64_t community;
    struct found f = {.n = 0};
    struct str s = str_trim(http_param(q->h, "q"));
    TRY(req_community(c, q, "ticket.desk", &community));
    if (!s.n || !utf8_valid(s) || utf8_len(s) > 40)
        return FAIL_FIELD(c, "q", "required", "请输入房号、姓名、电话、车牌或合同号",
                          "type a room, name, phone, number plate or contract number");
    TRY(find_households(c, q->tx, community, s, &f));
    buf_put(&q->out, S("{\"items\":["));
    for (size_t i = 0; i < f.n; i++) {
        struct val v[2], open;
        int64_t id = f.v[i].space;
        TRY(q_one(c, q->tx, &Q_SPACE, IN(v_int(id), v_int(community)), v, 2));
        TRY(q_one(c, q->tx, &Q_SPACE_OPEN, IN(v_int(community), v_int(id)), &open, 1));
        buf_fmt(&q->out, "%s{\"space_id\":%lld,\"space\":", i ? "," : "", (long long)id);
        buf_json(&q->out, val_str(v[0]));
        buf_put(&q->out, S(",\"code\":"));
        buf_json(&q->out, val_str(v[1]));
        buf_putc(&q->out, ',');
        TRY(persons_json(c, q->tx, community, id, &q->out));
        matched_json(c, &f, i, &q->out);
        buf_fmt(&q->out, ",\"open_tickets\":%lld}", (long long)val_int(open));
    }
    buf_put(&q->out, S("]}"));
    return E_OK;
}

/* --- household card --- */

static const struct query *ticket_list(struct tx *tx, struct ctx *c, const char *where)
{
    struct buf sql;
    buf_init(&sql, c->mem, 4000);
    buf_put(&sql, S("SELECT "));
    for (int i = 0; i < T__N; i++)
        buf_fmt(&sql, "%s%s", i ? ", " : "", ticket_fields[i].name);
    buf_fmt(&sql, " FROM ticket WHERE community_id = $1 AND archived = 0 AND %s", where);
    return db_query(tx_db(tx), c->mem, S("desk.tickets"), buf_str(&sql));
}

static enum err tickets_json(struct ctx *c, struct tx *tx, const char *where, const struct val *in,
                             size_t nin, unsigned flags, struct buf *out, struct row **ret_rows,
                             size_t *ret_n)
{
    struct res_page p;
    TRY(res_rows(c, tx, ticket_list(tx, c, where), in, nin, COLUMN_MAX, COLUMN_TEXT_BYTES, &p));
    buf_putc(out, '[');
    for (size_t i = 0; i < p.n; i++) {
        if (i)
            buf_putc(out, ',');
        res_render(c, &res_ticket, &p.rows[i], flags, out);
    }
    buf_putc(out, ']');
    *ret_rows = p.rows;
    *ret_n = p.n;
    return E_OK;
}

static enum err household_get(struct ctx *c, struct req *q)
{
    int64_t id;
    struct row space, *rows;
    size_t n;
    TRY(req_id_param(c, q, "space_id", &id));
    TRY(res_load_seen(c, q->tx, &res_space, id, &space));
    int64_t community = row_int(&space, R_COMMUNITY);
    if (!who_may(c->who, "ticket.desk", community))
        return FAIL(c, E_MISSING, "没有找到这户", "no such household");
    buf_put(&q->out, S("{\"space\":"));
    res_render(c, &res_space, &space, 0, &q->out);
    buf_putc(&q->out, ',');
    TRY(persons_json(c, q->tx, community, id, &q->out));
    buf_put(&q->out, S(",\"tickets\":"));
    TRY(tickets_json(c, q->tx, "space_id = $2 ORDER BY id DESC LIMIT 20",
                     IN(v_int(community), v_int(id)), 0, &q->out, &rows, &n));
    buf_putc(&q->out, '}');
    return E_OK;
}

static enum err feedback_get(struct ctx *c, struct req *q)
{
    enum { ID, CODE, TITLE, FROM, TENTHS, COMMENT, AT };
    int64_t id;
    struct row space;
    struct rows rows;
    struct buf *b = &q->out;
    TRY(req_id_param(c, q, "space_id", &id));
    TRY(res_load_seen(c, q->tx, &res_space, id, &space));
    int64_t community = row_int(&space, R_COMMUNITY);
    if (!who_may(c->who, "ticket.desk", community))
        return FAIL(c, E_MISSING, "没有找到这户", "no such household");
    TRY(q_rows(c, q->tx, &Q_FEEDBACK, IN(v_int(community), v_int(id)), FEEDBACK_MAX, &rows));
    buf_put(b, S("{\"items\":["));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        buf_fmt(b, "%s{\"ticket_id\":%lld,\"code\":", i ? "," : "", (long long)val_int(v[ID]));
        buf_json(b, val_str(v[CODE]));
        buf_put(b, S(",\"title\":"));
        buf_json(b, val_str(v[TITLE]));
        buf_fmt(b, ",\"from\":\"" PRS "\",\"tenths\":%lld,\"comment\":", PRA(val_str(v[FROM])),
                (long long)val_int(v[TENTHS]));
        if (v[COMMENT].t == V_TEXT)
            buf_json(b, v[COMMENT].s);
        else
            buf_put(b, S("null"));
        buf_put(b, S(",\"at\":\""));
        buf_instant(b, val_int(v[AT]), app_zone(community));
        buf_put(b, S("\"}"));
    }
    buf_put(b, S("]}"));
    return E_OK;
}

/* --- board --- */

struct column_of_board {
    const char *key;
    int a, b; /* states; doing has two, so has every other */
};
static const struct column_of_board columns[] = {{"new", RECEIVED, ACCEPTED},
                                                 {"assigned", DISPATCHED, DISPATCHED},
                                                 {"doing", IN_PROGRESS, PAUSED},
                                                 {"verify", FINISHED, INFORMED}};

enum err skills_json(struct ctx *c, struct tx *tx, int64_t community, int64_t staff,
                     struct buf *out)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_STAFF_SKILLS, IN(v_int(community), v_int(staff)), 20, &rows));
    buf_putc(out, '[');
    for (size_t i = 0; i < rows.n; i++) {
        if (i)
            buf_putc(out, ',');
        buf_json(out, val_str(rows.v[i]));
    }
    buf_putc(out, ']');
    return E_OK;
}

static enum err board_workers(struct ctx *c, struct tx *tx, int64_t community, struct buf *out)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_WORKERS, IN(v_int(community), v_null(), v_int(c->now_ms)), 200, &rows));
    buf_put(out, S("],\"workers\":["));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        struct val open;
        TRY(q_one(c, tx, &Q_OPEN_COUNT, IN(v_int(community), v[0]), &open, 1));
        buf_fmt(out, "%s{\"staff_id\":%lld,\"name\":", i ? "," : "", (long long)val_int(v[0]));
        buf_json(out, val_str(v[1]));
        buf_put(out, S(",\"skills\":"));
        TRY(skills_json(c, tx, community, val_int(v[0]), out));
        buf_fmt(out, ",\"on_duty\":%s,\"open\":%lld}", val_int(v[2]) ? "true" : "false",
                (long long)val_int(open));
    }
    return E_OK;
}

static enum err board_counts(struct ctx *c, struct tx *tx, int64_t community, struct buf *out)
{
    struct val late, soon, today;
    const struct zone *z = app_zone(community);
    int64_t midnight = zone_instant_ms(z, zone_date(z, c->now_ms), 0);
    struct val now = v_int(c->now_ms), then = v_int(c->now_ms + DUE_SOON_MS);
    TRY(q_one(c, tx, &Q_LATE, IN(v_int(community), v_int(0), now), &late, 1));
    TRY(q_one(c, tx, &Q_LATE, IN(v_int(community), now, then), &soon, 1));
    TRY(q_one(c, tx, &Q_TODAY, IN(v_int(community), v_int(midnight)), &today, 1));
    buf_fmt(out, "],\"counts\":{\"breached\":%lld,\"due_soon\":%lld,\"today\":%lld}",
            (long long)val_int(late), (long long)val_int(soon), (long long)val_int(today));
    return E_OK;
}

static enum err board_get(struct ctx *c, struct req *q)
{
    int64_t community;
    struct buf *b = &q->out;
    struct row *all = arena_get(c->mem, COUNT_OF(columns) * COLUMN_MAX * sizeof *all);
    size_t n_all = 0;
    TRY(req_community(c, q, "ticket.read", &community));
    buf_put(b, S("{\"now\":\""));
    buf_instant(b, c->now_ms, app_zone(community));
    buf_put(b, S("\",\"columns\":["));
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        struct val total;
        struct row *rows;
        size_t n;
        TRY(q_one(c, q->tx, &Q_BOARD_COUNT,
                  IN(v_int(community), v_int(columns[i].a), v_int(columns[i].b)), &total, 1));
        buf_fmt(b, "%s{\"key\":\"%s\",\"total\":%lld,\"items\":", i ? "," : "", columns[i].key,
                (long long)val_int(total));
        /* By what stays: no card moves under a hand because one of its clocks stopped. */
        TRY(tickets_json(c, q->tx, "state IN ($2, $3) ORDER BY priority, resolve_due, id LIMIT 50",
                         IN(v_int(community), v_int(columns[i].a), v_int(columns[i].b)),
                         RENDER_ACTIONS, b, &rows, &n));
        buf_putc(b, '}');
        if (n)
            memcpy(all + n_all, rows, n * sizeof *rows);
        n_all += n;
    }
    TRY(board_workers(c, q->tx, community, b));
    TRY(board_counts(c, q->tx, community, b));
    TRY(res_refs_json(c, q->tx, &res_ticket, all, n_all, b));
    buf_putc(b, '}');
    return E_OK;
}

/* --- a resident's own places --- */

static enum err my_spaces_get(struct ctx *c, struct req *q)
{
    int n = 0;
    buf_put(&q->out, S("{\"items\":["));
    for (int i = 0; i < c->who->ngrants; i++) {
        const struct grant *g = &c->who->grants[i];
        struct rows rows;
        if (!g->person_id)
            continue;
        TRY(q_rows(
            c, q->tx, &Q_PERSON_SPACES,
            IN(v_int(g->person_id), v_int(g->community_id), v_text(today_of(c, g->community_id))),
            50, &rows));
        for (size_t k = 0; k < rows.n; k++) {
            const struct val *v = rows.v + k * (size_t)rows.ncol;
            buf_fmt(&q->out, "%s{\"space_id\":%lld,\"space\":", n++ ? "," : "",
                    (long long)val_int(v[0]));
            buf_json(&q->out, val_str(v[1]));
            buf_fmt(&q->out, ",\"community_id\":%lld,\"person_id\":%lld}",
                    (long long)g->community_id, (long long)g->person_id);
        }
    }
    buf_put(&q->out, S("]}"));
    return E_OK;
}

static const struct field lookup_query[] = {
    {"community_id", F_REF, 0, .ref = "communities", .label = {"项目", "Community"}},
    {"q", F_TEXT, REQUIRED, 1, 40,
     .label = {"房号、姓名、电话、车牌、合同号", "Room, name, phone, plate or contract"}}};
static const struct field household_query[] = {
    {"space_id", F_REF, REQUIRED, .ref = "spaces", .label = {"房屋", "Unit"}}};
static const struct field board_query[] = {
    {"community_id", F_REF, 0, .ref = "communities", .label = {"项目", "Community"}}};
#define PERSON       "{id:int,name:str,phone:str?,relation:str?,tier:str?}"
#define BOARD_WORKER "{staff_id:int,name:str,skills:[str],on_duty:bool,open:int}"
const struct route desk_routes[] = {
    {"GET",
     "/api/v1/desk/lookup",
     "ticket.desk",
     0,
     NULL,
     lookup_get,
     lookup_query,
     COUNT_OF(lookup_query),
     {"找住户", "Find a household"},
     "{items:[{space_id:int,space:str,code:str?,persons:[" PERSON "],"
     "matched:{person_id:int,kind:str?,value:str?}?,open_tickets:int}]}",
     0,
     NULL},
    {"GET",
     "/api/v1/desk/household",
     "ticket.desk",
     0,
     NULL,
     household_get,
     household_query,
     COUNT_OF(household_query),
     {"住户卡片", "A household's card"},
     "{space:@Space,persons:[" PERSON "],tickets:[@Ticket]}",
     0,
     NULL},
    {"GET",
     "/api/v1/desk/feedback",
     "ticket.desk",
     0,
     NULL,
     feedback_get,
     household_query,
     COUNT_OF(household_query),
     {"住户的评价与回访", "What a household said of the service"},
     "{items:[{ticket_id:int,code:str,title:str,from:(rating|visit),tenths:int,comment:str?,at:"
     "instant}"
     "]}",
     0,
     NULL},
    {"GET",
     "/api/v1/desk/board",
     "ticket.read",
     0,
     NULL,
     board_get,
     board_query,
     COUNT_OF(board_query),
     {"调度看板", "The dispatch board"},
     "{now:instant,columns:[{key:str,total:int,items:[@Ticket]}],workers:[" BOARD_WORKER
     "],counts:{breached:int,due_soon:int,today:int},refs:@Refs}",
     0,
     NULL},
    {"GET",
     "/api/v1/me/spaces",
     NULL,
     ANY_USER,
     NULL,
     my_spaces_get,
     NULL,
     0,
     {"我的房屋", "My places"},
     "{items:[{space_id:int,space:str,community_id:int,person_id:int}]}",
     0,
     NULL},
    {0}};
