/* writer.c - the one thread that writes to SQLite. Callers queue units and sleep; the thread runs
 * as many as are there inside one transaction, each under a savepoint, commits once, then wakes
 * them. Durable writes per second are then bounded by work and not by fsync. It knows no engine:
 * begin, mark, commit … come as function pointers. It never waits to gather a bigger batch: while
 * one commit runs, the next batch gathers by itself. */
#include "base/cal.h"
#include "db/engine.h"
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BATCH_MAX = 1024, BATCH_US = 20000, QUEUE_CAP = 16384 };
enum { WAITING, ASLEEP, DONE };

struct writer {
    struct db *db;
    const struct writer_ops *ops;
    void *conn;
    size_t batch;
    struct queue *queue;
    struct thread *thread;
};
/* A unit that starts another write would wait for itself for ever. */
static _Thread_local bool on_writer_thread;

/* A futex on the unit itself: a caller is woken alone, and one that has not slept yet costs no
 * system call. */
static void unit_wait(struct unit *u)
{
    int was = WAITING;
    atomic_compare_exchange_strong(&u->state, &was, ASLEEP);
    while (atomic_load(&u->state) != DONE)
        syscall(SYS_futex, &u->state, FUTEX_WAIT_PRIVATE, ASLEEP, NULL, NULL, 0);
}

static void unit_wake(struct unit *u)
{
    /* After the exchange the unit may be gone; a wake on its old address is at worst a spurious
     * one. */
    if (atomic_exchange(&u->state, DONE) == ASLEEP)
        syscall(SYS_futex, &u->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* Runs one unit under its savepoint. False: the engine gave up the whole transaction. */
static bool unit_step(struct writer *w, struct unit *u)
{
    enum err e = w->ops->mark(w->conn);
    if (e != E_OK) {
        u->result = db_fail(u->tx.c, e, __FILE__);
        return !w->ops->lost(w->conn);
    }
    u->result = unit_run(u, w->conn);
    if (w->ops->lost(w->conn))
        return false;
    if (u->result == E_OK && (e = w->ops->keep(w->conn)) == E_OK)
        return true;
    if (u->result == E_OK)
        u->result = db_fail(u->tx.c, e, __FILE__);
    return w->ops->undo(w->conn) == E_OK;
}

static enum err batch_commit(struct writer *w)
{
    enum err e = E_DB;
    if (!db_fault_hit(w->db, DB_FAULT_COMMIT))
        e = w->ops->commit(w->conn);
    if (e == E_OK)
        atomic_fetch_add_explicit(&w->db->commits, 1, memory_order_relaxed);
    else
        w->ops->rollback(w->conn);
    return e;
}

static void batch_fail(struct unit **units, size_t n, enum err e)
{
    for (size_t i = 0; i < n; i++)
        units[i]->result = db_fail(units[i]->tx.c, e, __FILE__);
}

/* Each unit in its own transaction, in order: one bad neighbour must not cost the others their
 * work. */
static void batch_singly(struct writer *w, struct unit **units, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct unit *u = units[i];
        enum err e = w->ops->begin(w->conn);
        if (e != E_OK) { /* unreachable for this one is unreachable for all: do not wait n times */
            batch_fail(units + i, n - i, e);
            return;
        }
        bool alive = unit_step(w, u);
        if (!alive || u->result != E_OK) {
            if (u->result == E_OK)
                u->result = db_fail(u->tx.c, E_DB, __FILE__);
            w->ops->rollback(w->conn);
        } else if ((e = batch_commit(w)) != E_OK) {
            u->result = db_fail(u->tx.c, e, __FILE__);
        }
    }
}

/* Runs the waiting units and, while they are quick and more come, takes further ones into the same
 * transaction. Stops after BATCH_US: a slow unit must not hold up the answers of the others.
 * Returns how many ran, in *n how many are held. */
static size_t batch_run(struct writer *w, struct unit **units, size_t *n, size_t *ret_good,
                        bool *ret_lost)
{
    int64_t until_us = clock_mono_us() + BATCH_US;
    size_t done = 0, good = 0;
    bool lost = false, late = false;
    while (!lost && !late && done < *n) {
        lost = !unit_step(w, units[done]);
        good += units[done]->result == E_OK;
        done++;
        late = clock_mono_us() >= until_us;
        if (!lost && !late && done == *n && *n < w->batch && queue_len(w->queue) > 0)
            *n += queue_pop_many(w->queue, (void **)units + *n, w->batch - *n);
    }
    *ret_good = good;
    *ret_lost = lost;
    return done;
}

/* One transaction over the first of the *n held units; returns how many have a result. */
static size_t batch_do(struct writer *w, struct unit **units, size_t *n)
{
    size_t good = 0, done = *n;
    bool lost = false;
    enum err e = w->ops->begin(w->conn);
    if (e != E_OK) {
        batch_fail(units, *n, e);
        return done;
    }
    done = batch_run(w, units, n, &good, &lost);
    if (lost || good == 0)
        w->ops->rollback(w->conn);
    else
        e = batch_commit(w);
    if (done > 1 && (lost || e != E_OK))
        batch_singly(w, units, done);
    else if ((lost || e != E_OK) && units[0]->result == E_OK)
        units[0]->result = db_fail(units[0]->tx.c, e != E_OK ? e : E_DB, __FILE__);
    return done;
}

static void writer_main(void *arg)
{
    struct writer *w = arg;
    struct unit *units[BATCH_MAX];
    size_t n = 0;
    on_writer_thread = true;
    for (;;) {
        if (n == 0)
            n = queue_pop_many(w->queue, (void **)units, w->batch);
        if (n == 0)
            return;
        size_t done = batch_do(w, units, &n);
        for (size_t i = 0; i < done; i++)
            if (units[i]->done)
                unit_done(units[i]);
            else
                unit_wake(units[i]);
        n -= done;
        memmove(units, units + done, n * sizeof *units);
    }
}

struct writer *writer_start(struct db *db, const struct writer_ops *ops, void *conn, int batch)
{
    struct writer *w = heap_get(sizeof *w);
    w->db = db;
    w->ops = ops;
    w->conn = conn;
    w->batch = batch < 1 ? 1 : batch > BATCH_MAX ? BATCH_MAX : (size_t)batch;
    w->queue = queue_new(QUEUE_CAP);
    w->thread = thread_start("db-writer", writer_main, w);
    if (w->thread)
        return w;
    queue_free(w->queue);
    heap_free(w);
    return NULL;
}

enum err writer_run(struct writer *w, struct unit *u)
{
    ASSERT(!on_writer_thread);
    atomic_store(&u->state, WAITING);
    if (!queue_push(w->queue, u))
        return db_fail(u->tx.c, E_BUSY, __FILE__);
    unit_wait(u);
    return u->result;
}

void writer_send(struct writer *w, struct unit *u)
{
    if (queue_push(w->queue, u))
        return;
    u->result = db_fail(u->tx.c, E_BUSY, __FILE__);
    unit_done(u);
}

size_t writer_queue_len(struct writer *w)
{
    return queue_len(w->queue);
}

void writer_stop(struct writer *w)
{
    queue_close(w->queue);
    thread_join(w->thread);
    queue_free(w->queue);
    heap_free(w);
}
