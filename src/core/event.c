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
    "SELECT id, at, topic, user_id, user_name, data FROM event "
    "WHERE community_id = $1 AND subject = $2 AND subject_id = $3 ORDER BY id DESC LIMIT 500"};
static const struct query Q_JOB = {
    "job.insert", "INSERT INTO job (id, name, data, run_at, attempts, state, once_key) "
                  "VALUES ($1, $2, $3, $4, 0, 0, $5) ON CONFLICT (once_key) DO NOTHING"};
const struct query *const event_queries[] = {&Q_EVENT, &Q_TIMELINE, &Q_JOB, NULL};

enum err tx_job(struct ctx *c, struct tx *tx, const char *name, struct str data, int64_t run_at_ms,
                struct str once_key)
{
    int64_t id = id_new();
    if (run_at_ms <= c->now_ms)
        tx_after_commit(tx, jobs_nudge, NULL);
    struct str key = once_key.n ? once_key : arena_fmt(c->mem, "%s#%lld", name, (long long)id);
    return q_do(c, tx, &Q_JOB,
                IN(v_int(id), v_text(str_of(name)), v_text(data),
                   v_int(run_at_ms ? run_at_ms : c->now_ms), v_text(key)),
                NULL);
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

enum err tx_emit(struct ctx *c, struct tx *tx, const struct event *e)
{
    int64_t id = id_new();
    struct val user = c->who ? v_int(c->who->user_id) : v_null();
    struct val name = c->who ? v_text(c->who->name) : v_null();
    TRY(q_do(c, tx, &Q_EVENT,
             IN(v_int(id), v_int(e->community_id), v_int(e->at_ms ? e->at_ms : c->now_ms),
                v_text(str_of(e->topic)), v_text(str_of(e->res->name)), v_int(e->id), user, name,
                v_text(e->data)),
             NULL));
    TRY(enqueue_listeners(c, tx, e, id));
    live_after_commit(c, tx, e);
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

/* What people wrote on this step, whatever the action calls it. */
static const struct json *comment_of(const struct json *data)
{
    static const char *const names[] = {"comment", "reason", "note", "text", "result"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (json_get(data, names[i]))
            return json_get(data, names[i]);
    return NULL;
}

static bool is_shown(const struct json *data, bool internal)
{
    const struct json *hidden = json_get(data, "internal");
    return internal || !hidden || !json_int(hidden);
}

static enum err timeline_item(struct ctx *c, const struct val *v, const struct zone *z,
                              bool internal, int *n, struct buf *out)
{
    const struct json *data;
    TRY(json_parse(c, val_str(v[5]), &data));
    if (!is_shown(data, internal))
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
    put_member(out, "comment", comment_of(data));
    buf_put(out, S(",\"data\":"));
    buf_put(out, internal ? val_str(v[5]) : S("{}")); /* the diff is for staff only */
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
    int n = 0;
    TRY(q_each(c, tx, &Q_TIMELINE, IN(v_int(community_id), v_text(str_of(r->name)), v_int(id)),
               timeline_keep, t));
    for (size_t i = t->n; i-- > 0;)
        TRY(timeline_item(c, t->v[i], z, internal, &n, out));
    return E_OK;
}
