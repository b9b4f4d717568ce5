/* live.c - the hub of open event streams. A notice carries ids only; the client reads the row again
 * with its own rights. Still it goes only to those who may see the row: all-readers of the
 * community, and the row's own worker and customer. */
#include "core/live.h"

#include <string.h>

#include "core/res_in.h"

enum { STREAMS_MAX = 4096, STREAMS_EACH = 64, NOTICE_MAX = 400, MODULES_MAX = 32 };

struct listener {
    struct http_stream *stream;
    const struct who *who;
    struct arena *mem; /* keeps who alive */
    struct live *live;
    bool used;
};
struct live {
    mutex lock;
    struct listener *v[STREAMS_MAX];
    _Atomic int n; /* read without the lock to see that nobody listens */
};
struct notice {
    struct live *live;
    const struct resource *res;
    int64_t community_id, for_person, for_staff[4];
    int for_perm;
    size_t n;
    char text[NOTICE_MAX];
};

static const struct on *listener_tables[MODULES_MAX + 1];
static struct live
    *hub; /* the one hub of this process: notices find it without passing app through every call */

const struct on *const *live_listeners(void)
{
    return listener_tables;
}

void live_listeners_set(const struct module *const *modules)
{
    int n = 0;
    for (; *modules; modules++)
        if ((*modules)->listens) {
            ASSERT(n < MODULES_MAX);
            listener_tables[n++] = (*modules)->listens;
        }
    listener_tables[n] = NULL;
}

struct live *live_new(struct app *app)
{
    (void)app;
    hub = heap_get(sizeof *hub);
    mutex_init(&hub->lock);
    return hub;
}

static bool may_hear(const struct who *w, const struct notice *n)
{
    if (n->res && who_may_i(w, rt_of(n->res)->read_i, n->community_id))
        return true;
    int64_t staff = who_staff(w, n->community_id), person = who_person(w, n->community_id);
    if (who_may_i(w, n->for_perm, n->community_id))
        return true;
    for (size_t i = 0; staff && i < COUNT_OF(n->for_staff); i++)
        if (n->for_staff[i] == staff)
            return true;
    return (n->for_person && n->for_person == person);
}

static void notice_send(void *arg)
{
    const struct notice *n = arg;
    mutex_lock(&n->live->lock);
    for (int i = 0; i < n->live->n; i++) {
        struct listener *l = n->live->v[i];
        if (l->stream && may_hear(l->who, n))
            http_stream_send(l->stream, (struct str){n->text, n->n});
    }
    mutex_unlock(&n->live->lock);
}

void live_after_commit(struct ctx *c, struct tx *tx, const struct event *e)
{
    if (!hub || !hub->n)
        return;
    struct notice *n = arena_get(c->mem, sizeof *n);
    *n = (struct notice){.live = hub,
                         .res = e->res,
                         .community_id = e->community_id,
                         .for_person = e->for_person,
                         .for_staff = {e->for_staff, e->was_staff, e->for_asked, e->was_asked},
                         .for_perm = perm_index(e->for_perm)};
    struct buf b;
    buf_init(&b, c->mem, NOTICE_MAX);
    buf_fmt(&b,
            "event: change\ndata: "
            "{\"topic\":\"%s\",\"resource\":\"%s\",\"id\":%lld,\"community_id\":%lld,\"code\":",
            e->topic, e->res->path, (long long)e->id, (long long)e->community_id);
    buf_json(&b, utf8_head(e->code, 32));
    buf_put(&b, S("}\n\n"));
    if (b.full)
        return;
    n->n = b.n;
    memcpy(n->text, b.p, b.n);
    tx_after_commit(tx, notice_send, n);
}

void live_probe(struct ctx *c, struct tx *tx, struct str word)
{
    if (!hub || !hub->n)
        return;
    struct notice *n = arena_get(c->mem, sizeof *n);
    *n = (struct notice){.live = hub, .for_perm = perm_index("system.metrics")};
    struct buf b;
    buf_init(&b, c->mem, NOTICE_MAX);
    buf_put(&b, S("event: probe\ndata: "));
    buf_json(&b, utf8_head(word, 60));
    buf_put(&b, S("\n\n"));
    n->n = b.n;
    memcpy(n->text, b.p, b.n);
    tx_after_commit(tx, notice_send, n);
}

static void stream_opened(struct http_stream *s, void *arg)
{
    struct listener *l = arg;
    mutex_lock(&l->live->lock);
    int mine = 0; /* nobody takes all the places */
    for (int i = 0; i < l->live->n; i++)
        mine += l->live->v[i]->who->user_id == l->who->user_id;
    bool room = l->live->n < STREAMS_MAX && mine < STREAMS_EACH;
    if (room) {
        l->stream = s;
        l->used = true;
        l->live->v[l->live->n++] = l;
    }
    mutex_unlock(&l->live->lock);
    if (room)
        http_stream_send(s, S("retry: 2000\n: open\n\n"));
    else
        http_stream_close(s);
}

static void stream_ended(struct http_stream *s, void *arg)
{
    (void)s;
    struct listener *l = arg;
    struct live *live = l->live;
    mutex_lock(&live->lock);
    for (int i = 0; i < live->n; i++)
        if (live->v[i] == l) {
            live->v[i] = live->v[--live->n];
            break;
        }
    mutex_unlock(&live->lock);
    arena_free(l->mem);
}

void live_open(struct ctx *c, struct req *q)
{
    struct arena *mem = arena_new(1 << 20); /* outlives the request: the stream does */
    struct listener *l = arena_get(mem, sizeof *l);
    *l = (struct listener){.who = who_keep(c->who, mem), .mem = mem, .live = q->app->live};
    q->reply->on_stream = stream_opened;
    q->reply->on_stream_end = stream_ended;
    q->reply->stream_arg = l;
    reply_header(q->reply, "Content-Type", S("text/event-stream"));
    reply_header(q->reply, "Cache-Control", S("no-store"));
}

void live_beat(struct live *l)
{
    mutex_lock(&l->lock);
    for (int i = 0; i < l->n; i++)
        http_stream_send(l->v[i]->stream, S(": beat\n\n"));
    mutex_unlock(&l->lock);
}

void live_drop(int64_t user_id)
{
    if (!hub)
        return;
    mutex_lock(&hub->lock);
    for (int i = 0; i < hub->n; i++)
        if (!user_id || hub->v[i]->who->user_id == user_id)
            http_stream_close(hub->v[i]->stream);
    mutex_unlock(&hub->lock);
}

int live_count(struct live *l)
{
    mutex_lock(&l->lock);
    int n = l->n;
    mutex_unlock(&l->lock);
    return n;
}

void live_close_all(struct live *l)
{
    mutex_lock(&l->lock);
    for (int i = 0; i < l->n; i++)
        http_stream_close(l->v[i]->stream);
    mutex_unlock(&l->lock);
}
