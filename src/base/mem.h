/* mem.h - memory with owners. An arena belongs to one request, job or start-up; what it hands out
 * is good until the arena ends, and nobody frees single objects. The heap calls are for the few
 * things that outlive every request (pools, queues, connections). No other file calls malloc. Fault
 * injection lives here so that tests reach it all. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define MUST_USE    __attribute__((warn_unused_result))
#define FMT(f, a)   __attribute__((format(printf, f, a)))

enum {
    ARENA_REQUEST_BYTES = 4 << 20, /* cap of one request or job */
    ARENA_REPORT_BYTES = 64 << 20  /* cap of an import, export or report */
};

struct arena;
/* An empty arena that may grow to cap_bytes. Aborts only when the process has no memory for its
 * first block. */
struct arena *arena_new(size_t cap_bytes);
/* Runs deferred calls, newest first, then releases everything. NULL is fine. */
void arena_free(struct arena *a);
/* Runs deferred calls and empties the arena, keeping its first block: for loops that reuse one
 * arena. */
void arena_reset(struct arena *a);
/* n zeroed bytes, aligned for any type. For small sizes that the program itself chose: aborts when
 * over the cap, but a sixteenth more than the cap is kept for these calls alone. */
void *arena_get(struct arena *a, size_t n);
/* The same for sizes that come from outside: NULL when over the cap or out of memory. */
MUST_USE void *arena_try(struct arena *a, size_t n);
/* Whether an arena_try was refused since arena_new or arena_reset: by the cap, or because there was
 * no memory (which stays). Texts that grow by it are cut off then: nothing made here may be kept.
 */
enum arena_short { ARENA_ENOUGH, ARENA_CAPPED, ARENA_STARVED };
enum arena_short arena_short_of(const struct arena *a);
void arena_starve(struct arena *a); /* what belongs to it found no memory elsewhere */
/* fn(arg) runs when the arena ends or is reset. Not counted against the cap. */
void arena_defer(struct arena *a, void (*fn)(void *), void *arg);
/* Bytes handed out at the highest point since arena_new. */
size_t arena_peak_bytes(const struct arena *a);

/* Zeroed memory that outlives requests; aborts when the system has none. heap_try returns NULL
 * instead. */
void *heap_get(size_t n);
MUST_USE void *heap_try(size_t n);
/* Grows p (may be NULL) to n bytes, new bytes not zeroed; NULL leaves p as it was. */
MUST_USE void *heap_grow(void *p, size_t n);
void heap_free(void *p);

/* Fault injection (tests only): the n-th *_try or heap_grow from now returns NULL, once; 0 switches
 * it off. */
void mem_fail_nth(int64_t n);
/* How many *_try and heap_grow calls were made since mem_fail_nth. */
int64_t mem_try_count(void);
