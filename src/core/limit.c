/* limit.c - token buckets for requests per login and per address. Fixed memory: a full table
 * forgets the slot's former owner, which can only let somebody through, never lock somebody out. */
#include "base/crypto.h"
#include "base/thread.h"
#include "core/core.h"

enum { SLOTS = 8192 };
struct bucket {
    uint64_t key;
    int64_t at_ms;
    int64_t milli; /* tokens × 1000 */
};
static struct {
    pthread_mutex_t lock;
    struct bucket *v;
} limits = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool limit_take(struct str key, int per_s, int burst, int *ret_wait_s)
{
    uint8_t h[16];
    uint64_t k;
    hash_fast(key, h);
    __builtin_memcpy(&k, h, sizeof k);
    int64_t now = clock_mono_ms();
    mutex_lock(&limits.lock);
    if (!limits.v)
        limits.v = heap_get(SLOTS * sizeof *limits.v);
    struct bucket *b = &limits.v[k % SLOTS];
    if (b->key != k)
        *b = (struct bucket){k, now, (int64_t)burst * 1000};
    b->milli += (now - b->at_ms) * per_s;
    b->at_ms = now;
    if (b->milli > (int64_t)burst * 1000)
        b->milli = (int64_t)burst * 1000;
    bool ok = b->milli >= 1000;
    if (ok)
        b->milli -= 1000;
    *ret_wait_s = ok ? 0 : (int)((1000 - b->milli) / (per_s * 1000) + 1);
    mutex_unlock(&limits.lock);
    return ok;
}
