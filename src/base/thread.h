/* thread.h - threads, locks and bounded queues. Everything that waits can be told to stop. */
#pragma once
#include "base/mem.h"
#include <pthread.h>

struct thread;
/* Starts fn(arg) on a new thread with all signals blocked; name (≤ 15 chars) shows in ps and gdb.
 * NULL when the system refuses. */
struct thread *thread_start(const char *name, void (*fn)(void *), void *arg);
void thread_join(struct thread *t); /* waits and frees */
int cpu_count(void);

typedef pthread_mutex_t mutex;
typedef pthread_cond_t cond; /* on the monotonic clock: use cond_init */
void mutex_init(mutex *m);
void mutex_free(mutex *m);
void mutex_lock(mutex *m);
void mutex_unlock(mutex *m);
void cond_init(cond *c);
void cond_free(cond *c);
void cond_wait(cond *c, mutex *m);
bool cond_wait_ms(cond *c, mutex *m, int64_t ms); /* false: timed out */
void cond_signal(cond *c);
void cond_broadcast(cond *c);

/* At most width are inside at once; the others wait in a line that can be seen. */
struct gate {
    mutex lock;
    cond left;
    int width, inside, waiting;
};
#define GATE(n)                                                                                    \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, (n), 0, 0                             \
    }
void gate_enter(struct gate *g); /* waits */
void gate_leave(struct gate *g);
int gate_waiting(struct gate *g);

/* A bounded first-in first-out queue of pointers for many producers and consumers. */
struct queue;
struct queue *queue_new(size_t cap);
void queue_free(struct queue *q);
bool queue_push(struct queue *q, void *item); /* false: full or closed; never waits */
void *queue_pop(struct queue *q);             /* waits; NULL: closed and empty */
size_t
queue_pop_many(struct queue *q, void **ret,
               size_t max); /* waits for the first, takes what is there; 0: closed and empty */
size_t queue_len(struct queue *q);
void queue_close(struct queue *q);
