/* id.c - ids made by the program and human numbers. Ids are known before the commit, need no
 * sequence and fit a JavaScript number. Numbers come from blocks that a process reserves in a
 * transaction of its own, ahead of need: a rolled-back ticket leaves a gap, never a double. */
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "core/event.h"

#define ID_EPOCH_MS INT64_C(1735689600000) /* 2025-01-01 UTC */

static const struct query Q_EVENT_HIGHEST = {"id.event", "SELECT max(id) FROM event"};

static struct {
    pthread_mutex_t lock;
    int64_t last; /* ms << 8 | counter: one number, so that overflow of the counter borrows the next
                     ms */
    int node;
} ids = {.lock = PTHREAD_MUTEX_INITIALIZER};

void id_node(int node)
{
    ASSERT(node >= 0 && node < 16);
    ids.node = node;
}

int64_t id_new(void)
{
    int64_t floor = (clock_now_ms() - ID_EPOCH_MS) * 256;
    mutex_lock(&ids.lock);
    ids.last = floor > ids.last ? floor : ids.last + 1;
    int64_t at = ids.last;
    mutex_unlock(&ids.lock);
    return (at >> 8 << 12) | (int64_t)ids.node << 8 | (at & 255);
}

/* The wall clock may have been set back while the program was not running: what it gave out then
 * must not come again. */
static enum err highest(struct ctx *c, struct tx *tx, void *arg)
{
    const struct resource *const *list;
    int n = app_resources(&list);
    for (int i = 0; i < n; i++) {
        struct val v;
        const struct query *q = db_intern(
            tx_db(tx), S("id.highest"), arena_fmt(c->mem, "SELECT max(id) FROM %s", list[i]->name));
        TRY(q ? q_one(c, tx, q, IN0, &v, 1) : E_BUSY);
        *(int64_t *)arg = val_int(v) > *(int64_t *)arg ? val_int(v) : *(int64_t *)arg;
    }
    struct val v;
    TRY(q_one(c, tx, &Q_EVENT_HIGHEST, IN0, &v, 1));
    *(int64_t *)arg = val_int(v) > *(int64_t *)arg ? val_int(v) : *(int64_t *)arg;
    return E_OK;
}

enum err ids_raise(struct ctx *c, struct app *app)
{
    int64_t id = 0;
    TRY(db_read(app->db, c, highest, &id));
    int64_t last = id >> 12 << 8 | (id & 255);
    mutex_lock(&ids.lock);
    if (last > ids.last)
        ids.last = last;
    mutex_unlock(&ids.lock);
    return E_OK;
}

/* --- numbers --- */

enum { BLOCK = 100, BLOCK_MAX = 10000, BUSY_MS = 1000, SERIES_MAX = 4096 };
struct series {
    int64_t community_id, next, end;
    int64_t spare, spare_end; /* fetched ahead, so that nobody waits for the database */
    int64_t size, fetched_ms; /* of the last block: blocks grow while numbers go fast */
    bool fetching;
    char name[24];
};
static struct {
    pthread_mutex_t lock;
    pthread_cond_t
        fetched; /* one fetch at a time per series, or blocks would overtake each other */
    struct series *v;
    int n;
} numbers = {.lock = PTHREAD_MUTEX_INITIALIZER, .fetched = PTHREAD_COND_INITIALIZER};

static const struct query Q_BLOCK = {"number.block",
                                     "INSERT INTO number_series (community_id, series, next) "
                                     "VALUES ($1, $2, 1 + CAST($3 AS BIGINT)) "
                                     "ON CONFLICT (community_id, series) DO UPDATE SET next = "
                                     "number_series.next + CAST($3 AS BIGINT) "
                                     "RETURNING next"};
const struct query *const number_queries[] = {&Q_BLOCK, &Q_EVENT_HIGHEST, NULL};

struct block {
    int64_t community_id, n, end; /* end: set when it was taken */
    struct str series;
    struct ctx c; /* of one fetched ahead: it outlives the request that saw the need */
};

static enum err take_block(struct ctx *c, struct tx *tx, void *arg)
{
    struct block *b = arg;
    struct val next;
    TRY(q_one(c, tx, &Q_BLOCK, IN(v_int(b->community_id), v_text(b->series), v_int(b->n)), &next,
              1));
    b->end = val_int(next);
    return E_OK;
}

static struct series *series_find(int64_t community_id, struct str name)
{
    for (int i = 0; i < numbers.n; i++)
        if (numbers.v[i].community_id == community_id && str_eqz(name, numbers.v[i].name))
            return &numbers.v[i];
    if (!numbers.v)
        numbers.v = heap_get(SERIES_MAX * sizeof *numbers.v);
    if (numbers.n == SERIES_MAX)
        numbers.n = 0; /* forgets all blocks: gaps, never doubles */
    struct series *s = &numbers.v[numbers.n++];
    *s = (struct series){.community_id = community_id};
    snprintf(s->name, sizeof s->name, PRS, PRA(name));
    return s;
}

/* How many numbers the next block should hold. The first is one: a process that takes in a single
 * letter leaves no gap. */
static int64_t block_size(struct series *s, int64_t now_ms)
{
    bool busy = s->size >= BLOCK && now_ms - s->fetched_ms < BUSY_MS;
    s->size = !s->size ? 1 : !busy ? BLOCK : s->size * 2 < BLOCK_MAX ? s->size * 2 : BLOCK_MAX;
    s->fetched_ms = now_ms;
    return s->size;
}

/* Takes one number; *ret_low is the size of a block to fetch ahead now, or 0. */
static bool number_next(struct series *s, int64_t now_ms, int64_t *ret, int64_t *ret_low)
{
    *ret_low = 0;
    if (s->next >= s->end) {
        s->next = s->spare;
        s->end = s->spare_end;
        s->spare = s->spare_end = 0;
    }
    if (s->next >= s->end)
        return false;
    *ret = s->next++;
    if (!s->fetching && !s->spare_end && s->end - s->next < s->size / 2) {
        s->fetching = true;
        *ret_low = block_size(s, now_ms);
    }
    return true;
}

static void block_keep(struct series *s, const struct block *b)
{
    if (s->next >= s->end) {
        s->next = b->end - b->n;
        s->end = b->end;
    } else if (!s->spare_end) {
        s->spare = b->end - b->n;
        s->spare_end = b->end;
    }
}

static void fetch_end(struct series *s, const struct block *b)
{
    s->fetching = false;
    if (b)
        block_keep(s, b);
    cond_broadcast(&numbers.fetched);
}

static void ahead_done(void *arg, enum err result)
{
    struct block *b = arg;
    mutex_lock(&numbers.lock);
    struct series *s = series_find(b->community_id, b->series);
    fetch_end(s, result == E_OK ? b : NULL);
    mutex_unlock(&numbers.lock);
    arena_free(b->c.mem);
}

static void fetch_ahead(struct db *db, int64_t community_id, struct str series, int64_t n,
                        int64_t now_ms)
{
    struct arena *mem = arena_new(ARENA_REQUEST_BYTES);
    struct block *b = arena_get(mem, sizeof *b);
    *b = (struct block){.community_id = community_id,
                        .n = n,
                        .series = str_dup(mem, series),
                        .c = {.mem = mem, .now_ms = now_ms, .trace_id = "number"}};
    db_write_then(db, &b->c, take_block, b, ahead_done);
}

/* Called with the lock: a number is there, or this caller must fetch a block (*ret_n numbers). */
static bool number_wait(struct ctx *c, int64_t community_id, struct str series, int64_t *ret,
                        int64_t *ret_low, int64_t *ret_n)
{
    for (;;) {
        struct series *s = series_find(community_id, series);
        if (number_next(s, c->now_ms, ret, ret_low))
            return true;
        if (!s->fetching) {
            s->fetching = true;
            *ret_n = block_size(s, c->now_ms);
            return false;
        }
        cond_wait(&numbers.fetched, &numbers.lock);
    }
}

enum err number_take(struct ctx *c, struct db *db, int64_t community_id, struct str series,
                     int64_t *ret)
{
    ASSERT(series.n < 24);
    int64_t low = 0;
    struct block b = {.community_id = community_id, .series = series};
    mutex_lock(&numbers.lock);
    bool ok = number_wait(c, community_id, series, ret, &low, &b.n);
    mutex_unlock(&numbers.lock);
    if (ok && low)
        fetch_ahead(db, community_id, series, low, c->now_ms);
    if (ok)
        return E_OK;
    enum err e = db_write(db, c, take_block, &b);
    mutex_lock(&numbers.lock);
    struct series *s = series_find(community_id, series);
    fetch_end(s, e == E_OK ? &b : NULL);
    if (e == E_OK) /* the first number is this caller's: the others waited */
        *ret = s->next++;
    mutex_unlock(&numbers.lock);
    return e;
}
