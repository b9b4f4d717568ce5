/* stream.c - the waiting room of one event stream: a ring of at most 32 KiB between the threads
 * that publish and the thread that writes to the socket. It starts small and grows only for slow
 * readers; one who falls 32 KiB behind is cut off and reconnects, because waiting for him would
 * make him everybody's problem. Nothing here waits for the network. */
#include "base/cal.h"
#include "http/inner.h"
#include <string.h>
#include <sys/socket.h>

enum { STREAM_BEAT_MS = 20000 };

void stream_init(struct http_stream *s, struct stream_line line)
{
    *s = (struct http_stream){.line = line, .sent_ms = clock_mono_ms()};
    mutex_init(&s->lock);
}

void stream_free(struct http_stream *s)
{
    heap_free(s->ring);
    mutex_free(&s->lock);
}

static void stream_unpark(struct http_stream *s)
{
    if (!s->parked)
        return;
    s->parked = false;
    s->line.unpark(s->line.to);
}

static bool ring_fit(struct http_stream *s, size_t more)
{
    size_t need = s->n + more, cap = s->cap ? s->cap : STREAM_START_BYTES;
    if (need > STREAM_MAX_BYTES)
        return false;
    while (cap < need)
        cap *= 2;
    if (cap == s->cap)
        return true;
    char *bigger = heap_try(cap);
    if (bigger == NULL)
        return false;
    ASSERT(s->n <= s->cap);
    for (size_t i = 0; s->cap > 0 && i < s->n; i++)
        bigger[i] = s->ring[(s->start + i) % s->cap];
    heap_free(s->ring);
    s->ring = bigger;
    s->cap = cap;
    s->start = 0;
    return true;
}

static void ring_put(struct http_stream *s, struct str bytes)
{
    size_t at = (s->start + s->n) % s->cap;
    size_t first = bytes.n < s->cap - at ? bytes.n : s->cap - at;
    memcpy(s->ring + at, bytes.p, first);
    memcpy(s->ring, bytes.p + first, bytes.n - first);
    s->n += bytes.n;
}

static bool stream_put(struct http_stream *s, struct str bytes)
{
    if (s->broken || s->ending)
        return false;
    if (bytes.n == 0)
        return true;
    if (!ring_fit(s, bytes.n)) {
        s->broken = true;
        /* The transport may be waiting for a socket that will never be writable: end that wait. */
        shutdown(s->line.fd, SHUT_RDWR);
        stream_unpark(s);
        return false;
    }
    ring_put(s, bytes);
    s->sent_ms = clock_mono_ms();
    stream_unpark(s);
    return true;
}

bool http_stream_send(struct http_stream *s, struct str bytes)
{
    mutex_lock(&s->lock);
    bool ok = stream_put(s, bytes);
    mutex_unlock(&s->lock);
    return ok;
}

void stream_beat(struct http_stream *s, int64_t now_ms)
{
    mutex_lock(&s->lock);
    if (now_ms - s->sent_ms > STREAM_BEAT_MS)
        stream_put(s, S(":\n\n"));
    mutex_unlock(&s->lock);
}

void http_stream_close(struct http_stream *s)
{
    mutex_lock(&s->lock);
    s->ending = true;
    stream_unpark(s);
    mutex_unlock(&s->lock);
}

static ssize_t ring_take(struct http_stream *s, char *to, size_t max)
{
    size_t n = s->n < max ? s->n : max;
    size_t first = n < s->cap - s->start ? n : s->cap - s->start;
    memcpy(to, s->ring + s->start, first);
    memcpy(to + first, s->ring, n - first);
    s->start = (s->start + n) % s->cap;
    s->n -= n;
    s->bytes += (int64_t)n;
    if (s->n == 0 && s->cap > STREAM_START_BYTES) {
        heap_free(s->ring);
        s->ring = NULL;
        s->cap = s->start = 0;
    }
    return (ssize_t)n;
}

ssize_t stream_take(struct http_stream *s, char *to, size_t max)
{
    mutex_lock(&s->lock);
    ssize_t got = STREAM_PARKED;
    if (s->broken)
        got = STREAM_BROKEN;
    else if (s->n > 0)
        got = ring_take(s, to, max);
    else if (s->ending)
        got = STREAM_END;
    else {
        s->parked = true;
        s->line.park(s->line.to);
    }
    mutex_unlock(&s->lock);
    return got;
}
