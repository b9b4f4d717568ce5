/* id.c - ids made by the program and human numbers. Ids are known before the commit, need no
 * sequence and fit a JavaScript number. Numbers come from blocks of 100 that a process reserves in
 * a transaction of its own: a rolled-back ticket leaves a gap, never a double. */
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "core/event.h"

#define ID_EPOCH_MS INT64_C(1735689600000) /* 2025-01-01 UTC */

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

/* --- numbers ---- */

enum { BLOCK = 100, SERIES_MAX = 4096 };
struct series {
    int64_t community_id, next, end;
    char name[24];
};
static struct {
    pthread_mutex_t lock;
    struct series *v;
    int n;
} numbers = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const struct query Q_BLOCK = {"number.block",
                                     "INSERT INTO number_series (community_id, series, next) "
                                     "VALUES ($1, $2, 1 + CAST($3 AS BIGINT)) "
                                     "ON CONFLICT (community_id, series) DO UPDATE SET next = "
                                     "number_series.next + CAST($3 AS BIGINT) "
                                     "RETURNING next"};
const struct query *const number_queries[] = {&Q_BLOCK, NULL};

struct block {
    int64_t community_id, end;
    struct str series;
};

static enum err take_block(struct ctx *c, struct tx *tx, void *arg)
{
    struct block *b = arg;
    struct val next;
    TRY(q_one(c, tx, &Q_BLOCK, IN(v_int(b->community_id), v_text(b->series), v_int(BLOCK)), &next,
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

static bool from_block(int64_t community_id, struct str series, const struct block *fresh,
                       int64_t *ret)
{
    mutex_lock(&numbers.lock);
    struct series *s = series_find(community_id, series);
    if (s->next >= s->end && fresh) {
        s->next = fresh->end - BLOCK;
        s->end = fresh->end;
    }
    bool ok = s->next < s->end;
    if (ok)
        *ret = s->next++;
    mutex_unlock(&numbers.lock);
    return ok;
}

enum err number_take(struct ctx *c, struct db *db, int64_t community_id, struct str series,
                     int64_t *ret)
{
    ASSERT(series.n < 24);
    struct block b = {.community_id = community_id, .series = series};
    if (from_block(community_id, series, NULL, ret))
        return E_OK;
    TRY(db_write(db, c, take_block, &b));
    if (!from_block(community_id, series, &b, ret))
        return FAIL(c, E_BUSY, "编号暂时用尽,请重试",
                    "numbers are exhausted for the moment; try again");
    return E_OK;
}
