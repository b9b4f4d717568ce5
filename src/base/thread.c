/* thread.c - thin, checked wrappers over pthread and the bounded queue. A lock call that fails is a
 * programmer error and stops the program. Signals stay with the main thread. Must not hold the
 * queue's lock while anyone waits for work. */
#include "base/thread.h"
#include "base/cal.h"
#include "base/err.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>

struct thread {
    pthread_t id;
    void (*fn)(void *);
    void *arg;
    char name[16];
};

static void *thread_main(void *p)
{
    struct thread *t = p;
    pthread_setname_np(pthread_self(), t->name);
    t->fn(t->arg);
    return NULL;
}

struct thread *thread_start(const char *name, void (*fn)(void *), void *arg)
{
    struct thread *t = heap_try(sizeof *t);
    if (!t)
        return NULL;
    t->fn = fn;
    t->arg = arg;
    snprintf(t->name, sizeof t->name, "%.15s", name);
    /* The new thread inherits the mask, so there is no moment in which it could be interrupted. */
    sigset_t all, before;
    sigfillset(&all);
    ASSERT(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    int rc = pthread_create(&t->id, NULL, thread_main, t);
    ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (rc != 0) {
        heap_free(t);
        return NULL;
    }
    return t;
}

void thread_join(struct thread *t)
{
    ASSERT(pthread_join(t->id, NULL) == 0);
    heap_free(t);
}

int cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return CPU_COUNT(&set);
}

void mutex_init(mutex *m)
{
    ASSERT(pthread_mutex_init(m, NULL) == 0);
}

void mutex_free(mutex *m)
{
    ASSERT(pthread_mutex_destroy(m) == 0);
}

void mutex_lock(mutex *m)
{
    ASSERT(pthread_mutex_lock(m) == 0);
}

void mutex_unlock(mutex *m)
{
    ASSERT(pthread_mutex_unlock(m) == 0);
}

void cond_init(cond *c)
{
    pthread_condattr_t attr;
    ASSERT(pthread_condattr_init(&attr) == 0);
    ASSERT(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    ASSERT(pthread_cond_init(c, &attr) == 0);
    pthread_condattr_destroy(&attr);
}

void cond_free(cond *c)
{
    ASSERT(pthread_cond_destroy(c) == 0);
}

void cond_wait(cond *c, mutex *m)
{
    ASSERT(pthread_cond_wait(c, m) == 0);
}

bool cond_wait_ms(cond *c, mutex *m, int64_t ms)
{
    int64_t until_us = clock_mono_us() + (ms > 0 ? ms : 0) * 1000;
    struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    int rc = pthread_cond_timedwait(c, m, &until);
    ASSERT(rc == 0 || rc == ETIMEDOUT);
    return rc == 0;
}

void cond_signal(cond *c)
{
    ASSERT(pthread_cond_signal(c) == 0);
}

void cond_broadcast(cond *c)
{
    ASSERT(pthread_cond_broadcast(c) == 0);
}

void gate_enter(struct gate *g)
{
    mutex_lock(&g->lock);
    g->waiting++;
    while (g->inside >= g->width)
        cond_wait(&g->left, &g->lock);
    g->waiting--;
    g->inside++;
    mutex_unlock(&g->lock);
}

void gate_leave(struct gate *g)
{
    mutex_lock(&g->lock);
    g->inside--;
    cond_signal(&g->left);
    mutex_unlock(&g->lock);
}

int gate_waiting(struct gate *g)
{
    mutex_lock(&g->lock);
    int n = g->waiting;
    mutex_unlock(&g->lock);
    return n;
}

struct queue {
    mutex lock;
    cond filled;
    size_t cap, head, n;
    bool closed;
    void *items[];
};

struct queue *queue_new(size_t cap)
{
    ASSERT(cap > 0 && cap < SIZE_MAX / sizeof(void *) - sizeof(struct queue));
    struct queue *q = heap_get(sizeof *q + cap * sizeof q->items[0]);
    mutex_init(&q->lock);
    cond_init(&q->filled);
    q->cap = cap;
    return q;
}

void queue_free(struct queue *q)
{
    if (!q)
        return;
    cond_free(&q->filled);
    mutex_free(&q->lock);
    heap_free(q);
}

bool queue_push(struct queue *q, void *item)
{
    ASSERT(item != NULL);
    mutex_lock(&q->lock);
    bool fits = !q->closed && q->n < q->cap;
    if (fits)
        q->items[(q->head + q->n++) % q->cap] = item;
    mutex_unlock(&q->lock);
    if (fits)
        cond_signal(&q->filled);
    return fits;
}

size_t queue_pop_many(struct queue *q, void **ret, size_t max)
{
    size_t got = 0;
    mutex_lock(&q->lock);
    while (q->n == 0 && !q->closed)
        cond_wait(&q->filled, &q->lock);
    for (; got < max && q->n > 0; got++, q->n--) {
        ret[got] = q->items[q->head];
        q->head = (q->head + 1) % q->cap;
    }
    mutex_unlock(&q->lock);
    return got;
}

void *queue_pop(struct queue *q)
{
    void *item;
    return queue_pop_many(q, &item, 1) ? item : NULL;
}

size_t queue_len(struct queue *q)
{
    mutex_lock(&q->lock);
    size_t n = q->n;
    mutex_unlock(&q->lock);
    return n;
}

void queue_close(struct queue *q)
{
    mutex_lock(&q->lock);
    q->closed = true;
    mutex_unlock(&q->lock);
    cond_broadcast(&q->filled);
}
