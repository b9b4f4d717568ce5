/* worker.c - the pool behind worker.h. Idle workers stand on a stack, so the one that worked last
 * (its stack and caches are warm) works next and the others can end. More threads than needed cost
 * dearly (short requests: 55k/s with 4 workers, 25k/s with 64), so a job that finds all busy
 * waits, and only when it waited some milliseconds - the workers are blocked, not just quick - the
 * scout adds some. base/thread.h's queue is not used because its waits have no time limit. */
#include "http/worker.h"
#include "base/cal.h"

enum { WORKER_IDLE_MS = 30000, QUEUE_WAIT_MS = 4, SCOUT_FULL_MS = 50 };

struct worker {
    struct pool *pool;
    struct thread *thread; /* set until joined */
    cond wake;
    void *job;
    struct worker *below; /* in the idle stack */
    bool live;
};
struct waiting {
    void *job;
    int64_t since_us;
};
struct pool {
    mutex lock;
    void (*run)(void *job);
    struct worker *workers, *idle;
    int max, live;
    struct waiting *ring;
    size_t cap, start, n;
    bool closed;
    cond look; /* wakes the scout */
    struct thread *scout;
    bool scouting;
};

static void idle_remove(struct pool *p, struct worker *w)
{
    struct worker **at = &p->idle;
    while (*at && *at != w)
        at = &(*at)->below;
    if (*at)
        *at = w->below;
}

/* The next job, or NULL when this worker shall end; the lock is held. */
static void *worker_next(struct worker *w)
{
    struct pool *p = w->pool;
    for (;;) {
        void *job = w->job;
        w->job = NULL;
        if (job == NULL && p->n > 0) {
            job = p->ring[p->start].job;
            p->start = (p->start + 1) % p->cap;
            p->n--;
        }
        if (job != NULL || p->closed)
            return job;
        w->below = p->idle;
        p->idle = w;
        bool in_time = true;
        while (w->job == NULL && !p->closed && in_time)
            in_time = cond_wait_ms(&w->wake, &p->lock, WORKER_IDLE_MS);
        if (w->job == NULL)
            idle_remove(p, w);
        if (w->job == NULL && !p->closed && p->live > WORKERS_KEPT)
            return NULL;
    }
}

static void worker_run(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    mutex_lock(&p->lock);
    for (void *job = worker_next(w); job != NULL; job = worker_next(w)) {
        mutex_unlock(&p->lock);
        p->run(job);
        mutex_lock(&p->lock);
    }
    w->live = false;
    p->live--;
    mutex_unlock(&p->lock);
}

/* Starts one more worker; the lock is held. */
static bool worker_add(struct pool *p)
{
    if (p->live >= p->max)
        return false;
    struct worker *w = p->workers;
    while (w->live)
        w++;
    if (w->thread) {
        /* It has given up the lock for the last time and is at most a few instructions from its
         * end. */
        thread_join(w->thread);
        w->thread = NULL;
    }
    w->live = true;
    p->live++;
    w->thread = thread_start("http-worker", worker_run, w);
    if (w->thread)
        return true;
    w->live = false;
    p->live--;
    return false;
}

static void scout_run(void *arg)
{
    struct pool *p = arg;
    mutex_lock(&p->lock);
    while (!p->closed) {
        if (p->n == 0) {
            p->scouting = false;
            cond_wait(&p->look, &p->lock);
            continue;
        }
        cond_wait_ms(&p->look, &p->lock, p->live < p->max ? QUEUE_WAIT_MS : SCOUT_FULL_MS);
        if (p->n == 0 || clock_mono_us() - p->ring[p->start].since_us < QUEUE_WAIT_MS * 1000)
            continue;
        int add = p->live / 2 + 1;
        if ((size_t)add > p->n)
            add = (int)p->n;
        while (add-- > 0 && worker_add(p))
            ;
    }
    mutex_unlock(&p->lock);
}

struct pool *pool_start(int workers_max, int queue_max, void (*run)(void *job))
{
    struct pool *p = heap_get(sizeof *p);
    mutex_init(&p->lock);
    p->run = run;
    p->max = workers_max;
    p->workers = heap_get((size_t)workers_max * sizeof *p->workers);
    p->cap = (size_t)queue_max;
    p->ring = heap_get(p->cap * sizeof *p->ring);
    mutex_lock(&p->lock);
    for (int i = 0; i < workers_max; i++) {
        p->workers[i].pool = p;
        cond_init(&p->workers[i].wake);
    }
    for (int i = 0; i < WORKERS_KEPT && i < workers_max; i++)
        worker_add(p);
    cond_init(&p->look);
    p->scout = thread_start("http-scout", scout_run, p);
    bool ok = p->live > 0 && p->scout;
    mutex_unlock(&p->lock);
    if (ok)
        return p;
    pool_stop(p);
    pool_free(p);
    return NULL;
}

bool pool_push(struct pool *p, void *job)
{
    mutex_lock(&p->lock);
    bool ok = false;
    struct worker *w = p->closed ? NULL : p->idle;
    if (w) {
        p->idle = w->below;
        w->job = job;
        cond_signal(&w->wake);
        ok = true;
    } else if (!p->closed && p->n < p->cap) {
        p->ring[(p->start + p->n++) % p->cap] = (struct waiting){job, clock_mono_us()};
        ok = true;
        if (!p->scouting) {
            p->scouting = true;
            cond_signal(&p->look);
        }
    }
    mutex_unlock(&p->lock);
    return ok;
}

void pool_stop(struct pool *p)
{
    mutex_lock(&p->lock);
    p->closed = true;
    cond_signal(&p->look);
    for (int i = 0; i < p->max; i++)
        cond_signal(&p->workers[i].wake);
    mutex_unlock(&p->lock);
    if (p->scout)
        thread_join(p->scout);
    p->scout = NULL;
    for (int i = 0; i < p->max; i++) {
        if (p->workers[i].thread)
            thread_join(p->workers[i].thread);
        p->workers[i].thread = NULL;
    }
}

void pool_free(struct pool *p)
{
    for (int i = 0; i < p->max; i++)
        cond_free(&p->workers[i].wake);
    cond_free(&p->look);
    mutex_free(&p->lock);
    heap_free(p->workers);
    heap_free(p->ring);
    heap_free(p);
}

void pool_stats(struct pool *p, int64_t *ret_workers, int64_t *ret_queued)
{
    mutex_lock(&p->lock);
    *ret_workers = p->live;
    *ret_queued = (int64_t)p->n;
    mutex_unlock(&p->lock);
}
