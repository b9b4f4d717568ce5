/* worker.h - threads that run requests to completion. Few at rest, more while jobs come and all
 * are busy (they mostly wait for the database), fewer again after half a minute without work. */
#pragma once
#include "base/thread.h"

enum { WORKERS_KEPT = 4 };
struct pool;
struct pool *pool_start(int workers_max, int queue_max, void (*run)(void *job));
/* Hands the job to an idle worker or queues it. False: the queue is full or the pool stopped.
 * Never waits. */
MUST_USE bool pool_push(struct pool *p, void *job);
/* Refuses further jobs, runs what is queued and waits for every worker. pool_push stays allowed
 * until pool_free. */
void pool_stop(struct pool *p);
void pool_free(struct pool *p);
void pool_stats(struct pool *p, int64_t *ret_workers, int64_t *ret_queued);
