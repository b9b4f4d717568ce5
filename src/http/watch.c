/* watch.c - the list of open connections and event streams, and the one thread that looks at them
 * each second: it shuts connections past their deadline and sends heartbeats on quiet streams (a
 * parked stream's socket is not polled, so a lost client shows only when something is written). It
 * never touches a request. */
#include "base/cal.h"
#include "http/inner.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOLD_MS = 2000 };

static void held_close(struct watch *w, int64_t now_ms)
{
    int kept = 0;
    for (int i = 0; i < w->nheld; i++)
        if (now_ms > w->held[i].until_ms)
            close(w->held[i].fd);
        else
            w->held[kept++] = w->held[i];
    w->nheld = kept;
}

void watch_hold(struct watch *w, int fd)
{
    mutex_lock(&w->lock);
    int copy = w->nheld < HELD_MAX ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
    if (copy >= 0)
        w->held[w->nheld++] = (struct held){copy, clock_mono_ms() + HOLD_MS};
    mutex_unlock(&w->lock);
}

static void watch_look(struct watch *w)
{
    int64_t now = clock_mono_ms();
    for (struct link *l = w->links.next; l != &w->links; l = l->next) {
        int64_t deadline = atomic_load_explicit(&l->deadline_ms, memory_order_relaxed);
        if (deadline != 0 && now > deadline)
            shutdown(l->fd, SHUT_RDWR);
    }
    for (struct http_stream *s = w->streams; s; s = s->next)
        stream_beat(s, now);
    held_close(w, now);
}

static void watch_run(void *arg)
{
    struct watch *w = arg;
    mutex_lock(&w->lock);
    while (!w->ending) {
        if (!cond_wait_ms(&w->wake, &w->lock, 1000))
            watch_look(w);
    }
    mutex_unlock(&w->lock);
}

bool watch_start(struct watch *w)
{
    mutex_init(&w->lock);
    cond_init(&w->wake);
    w->links.prev = w->links.next = &w->links;
    w->thread = thread_start("http-watch", watch_run, w);
    return w->thread != NULL;
}

void watch_stop(struct watch *w)
{
    mutex_lock(&w->lock);
    w->ending = true;
    cond_broadcast(&w->wake);
    mutex_unlock(&w->lock);
    if (w->thread)
        thread_join(w->thread);
    held_close(w, INT64_MAX);
    cond_free(&w->wake);
    mutex_free(&w->lock);
}

void watch_add(struct watch *w, struct link *l)
{
    mutex_lock(&w->lock);
    l->next = w->links.next;
    l->prev = &w->links;
    l->next->prev = l->prev->next = l;
    atomic_fetch_add(&w->nlinks, 1);
    mutex_unlock(&w->lock);
}

void watch_remove(struct watch *w, struct link *l)
{
    mutex_lock(&w->lock);
    l->prev->next = l->next;
    l->next->prev = l->prev;
    atomic_fetch_sub(&w->nlinks, 1);
    mutex_unlock(&w->lock);
}

void watch_add_stream(struct watch *w, struct http_stream *s)
{
    mutex_lock(&w->lock);
    s->prev = NULL;
    s->next = w->streams;
    if (s->next)
        s->next->prev = s;
    w->streams = s;
    atomic_fetch_add(&w->nstreams, 1);
    mutex_unlock(&w->lock);
}

void watch_remove_stream(struct watch *w, struct http_stream *s)
{
    mutex_lock(&w->lock);
    if (s->prev)
        s->prev->next = s->next;
    else
        w->streams = s->next;
    if (s->next)
        s->next->prev = s->prev;
    atomic_fetch_sub(&w->nstreams, 1);
    mutex_unlock(&w->lock);
}

void watch_close_streams(struct watch *w)
{
    mutex_lock(&w->lock);
    for (struct http_stream *s = w->streams; s; s = s->next)
        http_stream_close(s);
    mutex_unlock(&w->lock);
}
