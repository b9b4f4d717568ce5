/* event.c - writing and reading the event log. One row per happening, in the transaction of the
 * change itself; listeners get one job row each; the live notice leaves only after the commit. */
#include "core/event.h"

#include <string.h>

#include "core/live.h"

static const struct query Q_EVENT = {"event.insert",
                                     "INSERT INTO event (id, community_id, at, topic, subject, "
                                     "subject_id, user_id, user_name, data) "
                                     "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"};
static const struct query Q_TIMELINE = {
    "event.timeline",
    "SELECT e.id, e.at, e.topic, e.user_id, COALESCE(e.user_name, u.name), e.data FROM event e "
    "LEFT JOIN app_user u ON u.id = e.user_id WHERE e.community_id = $1 AND e.subject = $2 AND "
    "e.subject_id = $3 ORDER BY e.id DESC LIMIT 500"};
/* Rows about a person who was erased: their events stay where they are, sealed; their words are not
 * given out any more. */
static const struct query Q_HUSHED = {
    "event.hushed", "SELECT at FROM event_hush WHERE subject = $1 AND subject_id = $2"};
static const struct query Q_HUSH = {
    "event.hush", "INSERT INTO event_hush (subject, subject_id, at) VALUES ($1, $2, $3) ON "
                  "CONFLICT (subject, subject_id) DO NOTHING"};
static const struct query Q_JOB = {
    "job.insert", "INSERT INTO job (id, name, data, run_at, attempts, state, once_key) "
                  "VALUES ($1, $2, $3, $4, 0, 0, $5) ON CONFLICT (once_key) DO NOTHING"};
const struct query *const event_queries[] = {&Q_EVENT,  &Q_TIMELINE, &Q_JOB,
                                             &Q_HUSHED, &Q_HUSH,     NULL};

enum err tx_job(struct ctx *c, struct tx *tx, const char *name, struct str data, int64_t run_at_ms,
                struct str once_key)
{
    int64_t id = id_new();
    if (run_at_ms <= c->now_ms)
        tx_after_commit(tx, jobs_nudge, NULL);
    struct str key = once_key.n ? once_key : arena_fmt(c->mem, "%s#%lld", name, (long long)id);
    return q_send(c, tx, &Q_JOB,
                  IN(v_int(id), v_text(str_of(name)), v_text(data),
                     v_int(run_at_ms ? run_at_ms : c->now_ms), v_text(key)));
}

static enum err enqueue_listeners(struct ctx *c, struct tx *tx, const struct event *e,
                                  int64_t event_id)
{
    const struct on *const *lists = live_listeners();
    for (; *lists; lists++)
        for (const struct on *on = *lists; on->topic; on++) {
            if (!str_eqz(str_of(e->topic), on->topic))
                continue;
            struct str data = arena_fmt(c->mem,
                                        "{\"topic\":\"%s\",\"subject\":\"%s\",\"id\":%lld,"
                                        "\"community_id\":%lld,\"event_id\":%lld}",
                                        e->topic, e->res->name, (long long)e->id,
                                        (long long)e->community_id, (long long)event_id);
            TRY(tx_job(c, tx, on->job, data, 0, (struct str){0}));
        }
    return E_OK;
}

/* Who works here is named in the log as he was named then. A resident is named by reference only:
 * what cannot be changed must not hold what he may have erased. */
static bool named(const struct ctx *c, int64_t community_id)
{
    return c->who && (who_works(c->who, community_id) || !who_person(c->who, community_id));
}

/* --- what people wrote --- */

/* What people wrote on this step, whatever the action calls it. */
static const struct json *comment_of(const struct json *data)
{
    static const char *const names[] = {"comment", "reason", "note", "text", "result"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (json_get(data, names[i]))
            return json_get(data, names[i]);
    return NULL;
}

/* What the row's own people may read of it: inputs that the machine's table marks TOLD; notes that
 * are not internal; and what they wrote themselves. */
static const struct json *told_of(const struct resource *r, const struct json *data, bool own)
{
    const struct json *name = json_get(data, "action");
    struct str action = name ? json_str(name) : (struct str){0};
    if (own || str_eqz(action, "comment"))
        return comment_of(data);
    for (int i = 0; r->machine && i < r->machine->nactions; i++) {
        const struct action *a = &r->machine->actions[i];
        for (int k = 0; str_eqz(action, a->key) && k < a->ninput; k++)
            if (a->input[k].flags & TOLD && json_get(data, a->input[k].name))
                return json_get(data, a->input[k].name);
    }
    return NULL;
}

static bool is_shown(const struct json *data, bool internal)
{
    const struct json *hidden = json_get(data, "internal");
    return internal || !hidden || !json_int(hidden);
}

enum { EV_ID, EV_COMMUNITY, EV_AT, EV_SUBJECT, EV_USER, EV_DATA, EV_COLUMNS };

/* Is the row about somebody who was erased? */
static enum err is_hushed(struct ctx *c, struct tx *tx, const struct resource *r, int64_t id,
                          bool *ret)
{
    struct val at;
    enum err e = q_one(c, tx, &Q_HUSHED, IN(v_text(str_of(r->name)), v_int(id)), &at, 1);
    *ret = e == E_OK;
    if (e == E_MISSING)
        c->fault = (struct fault){0};
    return e == E_MISSING ? E_OK : e;
}

/* All that was written on a step, a line each, but its result, which stands on the row itself;
 * *ret_told: it is one text, and the row's own people are told it. A note to colleagues beside what
 * the customer is told makes it theirs alone. */
static struct str written_on(struct ctx *c, const struct resource *r, const struct json *data,
                             bool *ret_told)
{
    static const char *const names[] = {"comment", "reason", "note", "text"};
    const struct json *one = NULL;
    struct str all = {0};
    int n = 0;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct json *j = json_get(data, names[i]);
        if (!j || !json_str(j).n)
            continue;
        all = n++ ? arena_fmt(c->mem, PRS "\n" PRS, PRA(all), PRA(json_str(j))) : json_str(j);
        one = j;
    }
    *ret_told = n == 1 && is_shown(data, false) && told_of(r, data, false) == one;
    return all;
}

/* What was written on this step as a row of its own. */
static enum err remark(struct ctx *c, struct tx *tx, const struct resource *r,
                       const struct val *event)
{
    const struct json *data;
    struct row row = {0};
    bool hushed, told;
    if (!r->remarks || !val_str(event[EV_DATA]).n)
        return E_OK;
    TRY(json_parse(c, val_str(event[EV_DATA]), &data));
    struct str text = written_on(c, r, data, &told);
    if (!text.n)
        return E_OK;
    TRY(is_hushed(c, tx, r, val_int(event[EV_SUBJECT]), &hushed));
    if (hushed)
        return E_OK;
    row_put(&row, R_ID, event[EV_ID]);
    row_put(&row, R_COMMUNITY, event[EV_COMMUNITY]);
    row_put(&row, R_CREATED_AT, event[EV_AT]);
    if (event[EV_USER].t == V_INT)
        row_put(&row, R_CREATED_BY, event[EV_USER]);
    row_put(&row, REMARK_OF, event[EV_SUBJECT]);
    row_put(&row, REMARK_TEXT, v_text(text));
    row_put(&row, REMARK_TOLD, v_int(told));
    return res_insert(c, tx, r->remarks, &row);
}

enum err tx_emit(struct ctx *c, struct tx *tx, const struct event *e)
{
    int64_t id = id_new();
    struct val user = e->by_user ? v_int(e->by_user) : c->who ? v_int(c->who->user_id) : v_null();
    struct val name = named(c, e->community_id) ? v_text(c->who->name) : v_null();
    TRY(q_send(c, tx, &Q_EVENT,
               IN(v_int(id), v_int(e->community_id), v_int(e->at_ms ? e->at_ms : c->now_ms),
                  v_text(str_of(e->topic)), v_text(str_of(e->res->name)), v_int(e->id), user, name,
                  v_text(e->data))));
    const struct val said[] = {
        v_int(id), v_int(e->community_id), v_int(e->at_ms ? e->at_ms : c->now_ms), v_int(e->id),
        user,      v_text(e->data)};
    TRY(remark(c, tx, e->res, said));
    TRY(enqueue_listeners(c, tx, e, id));
    if (e->id) /* an export is about no row that a page could read again */
        live_after_commit(c, tx, e);
    return E_OK;
}

enum { FILL_STEP = 500 };
static enum err fill_of(struct ctx *c, struct tx *tx, const struct resource *r)
{
    int64_t after = 0;
    bool more = true;
    struct arena *mem = arena_new(ARENA_REQUEST_BYTES);
    const struct query *q = db_intern(
        tx_db(tx), S("remarks.missing"),
        arena_fmt(c->mem,
                  "SELECT id, community_id, at, subject_id, user_id, data FROM event e WHERE e.id "
                  "> $1 AND e.subject = '%s' AND NOT EXISTS (SELECT 1 "
                  "FROM %s m WHERE m.id = e.id) AND EXISTS (SELECT 1 FROM %s s WHERE s.id = "
                  "e.subject_id AND s.archived = 0) ORDER BY e.id LIMIT %d",
                  r->name, r->remarks->name, r->name, FILL_STEP));
    enum err e = q ? E_OK : E_BUSY;
    while (e == E_OK && more) {
        struct ctx step = {.mem = mem, .now_ms = c->now_ms};
        struct rows rows = {0};
        e = q_rows(&step, tx, q, IN(v_int(after)), FILL_STEP, &rows);
        for (size_t i = 0; e == E_OK && i < rows.n; i++) {
            after = val_int(rows.v[i * EV_COLUMNS]);
            e = remark(&step, tx, r, rows.v + i * EV_COLUMNS);
        }
        more = rows.n == FILL_STEP;
        arena_reset(mem);
    }
    arena_free(mem);
    return e == E_OK ? e : FAIL(c, e, "留言没有建成", "the remarks could not be made");
}

enum err remarks_fill(struct ctx *c, struct tx *tx)
{
    const struct resource *const *list;
    int n = app_resources(&list);
    for (int i = 0; i < n; i++)
        if (list[i]->remarks)
            TRY(fill_of(c, tx, list[i]));
    return E_OK;
}

/* --- timeline --- */

static void put_member(struct buf *out, const char *name, const struct json *j)
{
    buf_fmt(out, ",\"%s\":", name);
    if (j)
        buf_json_value(out, j);
    else
        buf_put(out, S("null"));
}

enum reader { STAFF, OWNER, HUSHED };

static enum err timeline_item(struct ctx *c, const struct resource *r, const struct val *v,
                              const struct zone *z, enum reader reader, int *n, struct buf *out)
{
    const struct json *data;
    TRY(json_parse(c, val_str(v[5]), &data));
    if (!is_shown(data, reader != OWNER))
        return E_OK;
    buf_fmt(out, "%s{\"id\":%lld,\"at\":\"", (*n)++ ? "," : "", (long long)v[0].i);
    buf_instant(out, v[1].i, z);
    buf_fmt(out, "\",\"topic\":\"" PRS "\"", PRA(val_str(v[2])));
    put_member(out, "action", json_get(data, "action"));
    put_member(out, "from", json_get(data, "from"));
    put_member(out, "to", json_get(data, "to"));
    buf_put(out, S(",\"actor\":"));
    if (v[3].t == V_NULL)
        buf_put(out, S("null"));
    else
        buf_json(out, val_str(v[4]));
    bool own = c->who && v[3].t == V_INT && v[3].i == c->who->user_id;
    put_member(out, "comment",
               reader == STAFF   ? comment_of(data)
               : reader == OWNER ? told_of(r, data, own)
                                 : NULL);
    if (json_get(data, "recorded_at"))
        put_member(out, "recorded_at", json_get(data, "recorded_at"));
    buf_put(out, S(",\"data\":"));
    buf_put(out, reader == STAFF ? val_str(v[5]) : S("{}")); /* the diff is for staff only */
    buf_putc(out, '}');
    return E_OK;
}

/* The newest happenings, newest first, until they are many or their texts large: whoever may
 * comment must not be able to take the timeline away from everybody else. */
enum { TIMELINE_MAX = 500, TIMELINE_COLUMNS = 6, TIMELINE_BYTES = 1 << 20 };
struct told {
    struct val v[TIMELINE_MAX][TIMELINE_COLUMNS];
    size_t n, bytes;
};

static enum err timeline_keep(struct ctx *c, const struct val *v, int ncol, void *arg)
{
    struct told *t = arg;
    if (t->bytes > TIMELINE_BYTES || t->n == TIMELINE_MAX)
        return E_OK;
    struct val *to = t->v[t->n++];
    for (int i = 0; i < ncol; i++) {
        to[i] = v[i];
        if (v[i].t != V_TEXT || !v[i].s.n)
            continue;
        char *p = arena_try(c->mem, v[i].s.n);
        if (!p)
            return FAIL(c, E_TOOBIG, "结果太大,请缩小范围",
                        "the result is too large; narrow it down");
        memcpy(p, v[i].s.p, v[i].s.n);
        to[i].s.p = p;
        t->bytes += v[i].s.n;
    }
    return E_OK;
}

enum err event_timeline(struct ctx *c, struct tx *tx, const struct resource *r, int64_t id,
                        int64_t community_id, bool internal, struct buf *out)
{
    const struct zone *z = app_zone(community_id);
    struct told *t = arena_get(c->mem, sizeof *t);
    bool hushed;
    int n = 0;
    TRY(is_hushed(c, tx, r, id, &hushed));
    TRY(q_each(c, tx, &Q_TIMELINE, IN(v_int(community_id), v_text(str_of(r->name)), v_int(id)),
               timeline_keep, t));
    for (size_t i = t->n; i-- > 0;)
        TRY(timeline_item(c, r, t->v[i], z, hushed ? HUSHED : internal ? STAFF : OWNER, &n, out));
    return E_OK;
}

enum err event_hush(struct ctx *c, struct tx *tx, const struct resource *r, int64_t id)
{
    return q_do(c, tx, &Q_HUSH, IN(v_text(str_of(r->name)), v_int(id), v_int(c->now_ms)), NULL);
}
