/* mem.c - arenas and the process heap. An arena is a chain of blocks, each at least twice as big as
 * the one before, and one pointer that moves forward; objects are zeroed when handed out, so a
 * reused block needs no cleaning. Under the address sanitizer unused bytes are poisoned and objects
 * stand apart, so overruns are caught as with malloc. Must not: free single objects, lock (an arena
 * has one owner), or be bypassed by a malloc elsewhere. */
#include "base/mem.h"
#include "base/err.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEM_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(MEM_ASAN)
#define MEM_ASAN 1
#endif
#ifdef MEM_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
enum { RED_ZONE = 16 };
#else
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
enum { RED_ZONE = 0 };
#endif

/* A small arena may live long, one for each open page: it begins small. */
enum { FIRST_BLOCK = 16 << 10, SMALL_BLOCK = 2 << 10, SMALL_CAP = 1 << 20, ALIGN = 16 };

struct block {
    _Alignas(ALIGN) struct block *older;
    size_t size, used; /* of data */
};

struct deferred {
    struct deferred *older;
    void (*fn)(void *);
    void *arg;
};

struct arena {
    struct block *last;
    struct deferred *deferred;
    size_t cap, given, peak;
    enum arena_short short_of;
    _Alignas(ALIGN) struct block first; /* its data follows to the end of the allocation */
};

/* Counting is off until a test asks for it: a shared counter would slow every thread down. */
static atomic_bool fail_counting;
static _Atomic int64_t fail_nth, fail_seen;

void mem_fail_nth(int64_t n)
{
    atomic_store(&fail_seen, 0);
    atomic_store(&fail_nth, n);
    atomic_store(&fail_counting, true);
}

int64_t mem_try_count(void)
{
    return atomic_load(&fail_seen);
}

static bool fault_now(void)
{
    if (!atomic_load_explicit(&fail_counting, memory_order_relaxed))
        return false;
    int64_t seen = atomic_fetch_add(&fail_seen, 1) + 1;
    return seen == atomic_load(&fail_nth);
}

static char *block_data(struct block *b)
{
    return (char *)(b + 1);
}

static size_t round_up(size_t n)
{
    return (n + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
}

struct arena *arena_new(size_t cap_bytes)
{
    ASSERT(cap_bytes < SIZE_MAX / 2);
    size_t first = cap_bytes <= SMALL_CAP ? SMALL_BLOCK : FIRST_BLOCK;
    struct arena *a = malloc(first);
    ASSERT(a != NULL);
    *a = (struct arena){.cap = cap_bytes};
    a->first = (struct block){.size = first - sizeof *a};
    a->last = &a->first;
    POISON(block_data(&a->first), a->first.size);
    return a;
}

static void deferred_run(struct arena *a)
{
    /* A deferred call may defer again; newest first until none is left. */
    while (a->deferred) {
        struct deferred *d = a->deferred;
        a->deferred = d->older;
        d->fn(d->arg);
    }
}

static void blocks_free(struct arena *a)
{
    while (a->last != &a->first) {
        struct block *b = a->last;
        a->last = b->older;
        UNPOISON(block_data(b), b->size);
        free(b);
    }
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    deferred_run(a);
    blocks_free(a);
    UNPOISON(block_data(&a->first), a->first.size);
    free(a);
}

void arena_reset(struct arena *a)
{
    deferred_run(a);
    blocks_free(a);
    a->first.used = 0;
    a->given = 0;
    a->short_of = ARENA_ENOUGH;
    POISON(block_data(&a->first), a->first.size);
}

static void *take(struct arena *a, size_t n)
{
    size_t need = round_up(n ? n : 1) + RED_ZONE;
    struct block *b = a->last;
    if (b->size - b->used < need) {
        size_t size = (b->size + sizeof *b) * 2 - sizeof *b;
        if (size < need)
            size = need;
        b = malloc(sizeof *b + size);
        if (!b)
            return NULL;
        *b = (struct block){.older = a->last, .size = size};
        a->last = b;
        POISON(block_data(b), size);
    }
    char *p = block_data(b) + b->used;
    b->used += need;
    UNPOISON(p, n);
    return memset(p, 0, n);
}

static void *take_within(struct arena *a, size_t n, size_t limit)
{
    /* The first comparison keeps the rounding below from wrapping around. */
    if (n > limit || a->given > limit || round_up(n) > limit - a->given)
        return NULL;
    void *p = take(a, n);
    if (!p)
        return NULL;
    a->given += round_up(n);
    if (a->given > a->peak)
        a->peak = a->given;
    return p;
}

void *arena_get(struct arena *a, size_t n)
{
    /* A sixteenth above the cap is kept for the program's own small objects: a client that fills
     * the arena through arena_try up to the cap must meet an error answer, not an abort. */
    void *p = take_within(a, n, a->cap + a->cap / 16);
    ASSERT(p != NULL);
    return p;
}

void *arena_try(struct arena *a, size_t n)
{
    bool fits = n <= a->cap && a->given <= a->cap && round_up(n) <= a->cap - a->given;
    void *p = fault_now() ? NULL : take_within(a, n, a->cap);
    if (!p && a->short_of != ARENA_STARVED)
        a->short_of = fits ? ARENA_STARVED : ARENA_CAPPED;
    return p;
}

enum arena_short arena_short_of(const struct arena *a)
{
    return a->short_of;
}

void arena_starve(struct arena *a)
{
    a->short_of = ARENA_STARVED;
}

void arena_defer(struct arena *a, void (*fn)(void *), void *arg)
{
    /* Outside the cap: a clean-up that cannot be noted would be a leak. */
    struct deferred *d = take(a, sizeof *d);
    ASSERT(d != NULL);
    *d = (struct deferred){a->deferred, fn, arg};
    a->deferred = d;
}

size_t arena_peak_bytes(const struct arena *a)
{
    return a->peak;
}

void *heap_get(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    ASSERT(p != NULL);
    return p;
}

void *heap_try(size_t n)
{
    return fault_now() ? NULL : calloc(1, n ? n : 1);
}

void *heap_grow(void *p, size_t n)
{
    return fault_now() ? NULL : realloc(p, n ? n : 1);
}

void heap_free(void *p)
{
    free(p);
}
