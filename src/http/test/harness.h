/* harness.h - what the tests of the web server share: an application that echoes, waits, streams
 * and stores, the server around it, and a client that sends bytes as they are. Included by
 * http_test.c alone. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cal.h"
#include "base/crypto.h"
#include "base/log.h"
#include "http/inner.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the application under the tests --- */

enum { STREAMS_MAX = 64, REPLY_MAX = 256 << 10, BIG_BYTES = 16 << 20 };
static char big_body[BIG_BYTES];
static struct {
    struct http *h;
    struct arena *mem;
    char temp[64];
    mutex lock;
    cond changed;
    bool gate_open;
    int waiting, streams, ended, done, lost;
    struct http_stream *open[STREAMS_MAX];
    char kept[128]; /* where an upload was renamed to */
} t;

static const unsigned char page_gz[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                        0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x86,
                                        0xa6, 0x10, 0x36, 0x05, 0x00, 0x00, 0x00};
static const struct asset page = {.path = "/page",
                                  .type = "text/html",
                                  .etag = "\"v1\"",
                                  .gz = page_gz,
                                  .gz_bytes = sizeof page_gz,
                                  .bytes = 5,
                                  .immutable = true};

static void app_head(void *arg, struct http_req *q, struct http_plan *plan,
                     struct http_reply *reply)
{
    (void)arg;
    plan->body_max = 1 << 20;
    plan->direct = str_starts(q->path, S("/d/"));
    if (str_eqz(q->path, "/none"))
        plan->body_max = 0;
    if (str_eqz(q->path, "/limit"))
        plan->body_max = 1000;
    if (str_eqz(q->path, "/up"))
        plan->multipart = true;
    if (str_eqz(q->path, "/forbidden")) {
        reply->status = 403;
        reply->body = S("no");
    }
}

static void gate_wait(void)
{
    mutex_lock(&t.lock);
    t.waiting++;
    cond_broadcast(&t.changed);
    while (!t.gate_open)
        cond_wait(&t.changed, &t.lock);
    t.waiting--;
    mutex_unlock(&t.lock);
}

static void stream_opened(struct http_stream *s, void *arg)
{
    (void)arg;
    mutex_lock(&t.lock);
    for (int i = 0; i < STREAMS_MAX; i++)
        if (t.open[i] == NULL) {
            t.open[i] = s;
            break;
        }
    t.streams++;
    cond_broadcast(&t.changed);
    mutex_unlock(&t.lock);
}

static void stream_gone(struct http_stream *s, void *arg)
{
    (void)arg;
    mutex_lock(&t.lock);
    for (int i = 0; i < STREAMS_MAX; i++)
        if (t.open[i] == s)
            t.open[i] = NULL;
    t.streams--;
    t.ended++;
    cond_broadcast(&t.changed);
    mutex_unlock(&t.lock);
}

static void upload_answer(struct http_req *q, struct http_reply *r)
{
    struct buf b;
    buf_init(&b, q->mem, 8192);
    for (int i = 0; i < q->nparts; i++) {
        const struct http_part *p = &q->parts[i];
        struct stat st = {0};
        if (p->path)
            assert_int_equal(stat(p->path, &st), 0);
        buf_fmt(&b, PRS "|" PRS "|" PRS "|" PRS "|%lld|%o|" PRS "\n", PRA(p->name),
                PRA(p->filename), PRA(p->type), PRA(p->value), (long long)p->bytes,
                p->path ? st.st_mode & 0777 : 0,
                PRA(p->path ? hex_of(q->mem, p->sha256, 32) : S("")));
        if (str_eqz(p->filename, "keep.txt")) {
            snprintf(t.kept, sizeof t.kept, "%s/kept", t.temp);
            assert_int_equal(rename(p->path, t.kept), 0);
        }
    }
    r->body = buf_str(&b);
}

static bool param_list(struct str name, struct str value, void *arg)
{
    buf_fmt(arg, "[" PRS "=" PRS "]", PRA(name), PRA(value));
    return true;
}

/* Answers given by other threads. */
enum { LATER_MAX = 32 };
static struct later {
    struct http_req *q;
    struct http_reply *r;
    struct thread *thread;
} later[LATER_MAX];
static int nlater; /* under t.lock */

static void later_run(void *arg)
{
    struct later *l = arg;
    clock_sleep_ms(30);
    l->r->body = str_dup(l->q->mem, l->q->path);
    http_answer(l->q);
}

static void later_start(struct http_req *q, struct http_reply *r)
{
    mutex_lock(&t.lock);
    struct later *l = &later[nlater++];
    cond_broadcast(&t.changed);
    mutex_unlock(&t.lock);
    *l = (struct later){.q = q, .r = r};
    http_later(q);
    l->thread = thread_start("later", later_run, l);
    ASSERT(l->thread);
}

static void app_request(void *arg, struct http_req *q, struct http_reply *r)
{
    (void)arg;
    struct str path = q->path;
    r->status = 200;
    reply_header(r, "Content-Type", S("text/plain"));
    if (str_eqz(path, "/echo") || str_eqz(path, "/d/echo") || str_eqz(path, "/limit")) {
        r->body = q->body;
    } else if (str_eqz(path, "/slow")) {
        clock_sleep_ms(300);
        r->body = S("slow done");
    } else if (str_eqz(path, "/big")) { /* more than the system's buffers hold */
        r->body = (struct str){big_body, BIG_BYTES};
    } else if (str_eqz(path, "/later")) {
        later_start(q, r);
    } else if (str_eqz(path, "/gate")) {
        gate_wait();
        r->body = S("passed");
    } else if (str_eqz(path, "/stream") || str_eqz(path, "/d/stream")) {
        r->nheaders = 0;
        reply_header(r, "Content-Type", S("text/event-stream"));
        r->on_stream = stream_opened;
        r->on_stream_end = stream_gone;
    } else if (str_eqz(path, "/up")) {
        upload_answer(q, r);
    } else if (str_eqz(path, "/peer")) {
        r->body = q->peer;
    } else if (str_eqz(path, "/cookie")) {
        r->body = http_cookie(q, "sid");
    } else if (str_eqz(path, "/params")) {
        struct buf b;
        buf_init(&b, q->mem, 4096);
        if (!http_params(q, param_list, &b))
            buf_putz(&b, "malformed");
        r->body = buf_str(&b);
    } else if (str_eqz(path, "/page")) {
        r->nheaders = 0;
        asset_reply(q, &page, r);
    } else if (str_eqz(path, "/file")) {
        r->file_fd = open(t.kept, O_RDONLY | O_CLOEXEC);
        r->file_bytes = 4;
    } else {
        r->body = q->path;
    }
}

static void app_done(void *arg, const struct http_req *q, int status, int64_t bytes, int64_t us)
{
    (void)arg, (void)q, (void)bytes;
    assert_true(us >= 0);
    mutex_lock(&t.lock);
    t.done++;
    t.lost += status == 499;
    cond_broadcast(&t.changed);
    mutex_unlock(&t.lock);
}

static struct str app_problem(void *arg, struct arena *a, int status)
{
    (void)arg;
    return arena_fmt(a, "{\"status\":%d}", status);
}

static void serve(struct http_options o)
{
    t.mem = arena_new(1 << 20);
    t.gate_open = false;
    t.waiting = t.streams = t.ended = t.done = t.lost = 0;
    memset(t.open, 0, sizeof t.open);
    snprintf(t.temp, sizeof t.temp, "/tmp/http-test-XXXXXX");
    assert_non_null(mkdtemp(t.temp));
    mutex_init(&t.lock);
    cond_init(&t.changed);
    if (o.listen == NULL)
        o.listen = "127.0.0.1:0";
    o.temp_dir = t.temp;
    struct http_app app = {.on_head = app_head,
                           .on_request = app_request,
                           .on_done = app_done,
                           .problem = app_problem};
    struct str why = S("");
    t.h = http_start(&o, &app, t.mem, &why);
    if (t.h == NULL)
        fail_msg("http_start: %.*s", (int)why.n, why.p);
}

static int temp_files(void)
{
    int n = 0;
    DIR *d = opendir(t.temp);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void unserve(void)
{
    if (t.h)
        http_stop(t.h, 2000);
    t.h = NULL;
    assert_int_equal(t.streams, 0);
    if (t.kept[0])
        unlink(t.kept);
    t.kept[0] = '\0';
    assert_int_equal(rmdir(t.temp), 0);
    cond_free(&t.changed);
    mutex_free(&t.lock);
    arena_free(t.mem);
}

/* Waits until *what is at least n; fails after ten seconds. */
static void wait_for(const int *what, int n)
{
    int64_t until = clock_mono_ms() + 10000;
    mutex_lock(&t.lock);
    while (*what < n && clock_mono_ms() < until)
        cond_wait_ms(&t.changed, &t.lock, 100);
    int got = *what;
    mutex_unlock(&t.lock);
    assert_true(got >= n);
}

static void gate_release(void)
{
    mutex_lock(&t.lock);
    t.gate_open = true;
    cond_broadcast(&t.changed);
    mutex_unlock(&t.lock);
}

/* --- the client --- */

struct client {
    int fd;
    size_t n;
    char in[REPLY_MAX];
};
static struct client c1;

/* A connection from 127.0.0.host. */
static int dial_from(int host)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + (unsigned)host)};
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)http_port(t.h)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    struct timeval ten = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &ten, sizeof ten);
    return fd;
}

static int dial(void)
{
    return dial_from(1);
}

static void c_open(struct client *c)
{
    c->fd = dial();
    c->n = 0;
    c->in[0] = '\0';
}

static void c_close(struct client *c)
{
    close(c->fd);
}

static void c_send(struct client *c, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = send(c->fd, bytes, n, MSG_NOSIGNAL);
        if (done <= 0)
            return; /* the server may close early: the reply tells */
        bytes += done;
        n -= (size_t)done;
    }
}

static void c_say(struct client *c, const char *text)
{
    c_send(c, text, strlen(text));
}

static bool c_more(struct client *c)
{
    ssize_t got = recv(c->fd, c->in + c->n, sizeof c->in - c->n - 1, 0);
    if (got <= 0)
        return false;
    c->n += (size_t)got;
    c->in[c->n] = '\0';
    return true;
}

struct answer {
    int status;
    char head[4096];
    char body[REPLY_MAX];
    size_t n;
};
static struct answer a1;

/* Reads one reply with Content-Length; status 0: the connection was closed instead. */
static int c_answer(struct client *c, bool head_only)
{
    char *end;
    a1.status = 0;
    a1.n = 0;
    while ((end = strstr(c->in, "\r\n\r\n")) == NULL || c->n == 0)
        if (!c_more(c))
            return 0;
    size_t head_n = (size_t)(end - c->in) + 4;
    assert_true(head_n < sizeof a1.head);
    memcpy(a1.head, c->in, head_n);
    a1.head[head_n] = '\0';
    const char *length = strcasestr(a1.head, "\r\nContent-Length:");
    size_t body_n = length && !head_only ? strtoul(length + 17, NULL, 10) : 0;
    while (c->n < head_n + body_n)
        if (!c_more(c))
            return 0;
    memcpy(a1.body, c->in + head_n, body_n);
    a1.body[body_n] = '\0';
    a1.n = body_n;
    c->n -= head_n + body_n;
    memmove(c->in, c->in + head_n + body_n, c->n);
    c->in[c->n] = '\0';
    a1.status = (int)strtol(a1.head + 9, NULL, 10);
    return a1.status;
}

static bool c_closed(struct client *c)
{
    while (c_more(c))
        ;
    return true;
}

static int ask(const char *text)
{
    c_open(&c1);
    c_say(&c1, text);
    int status = c_answer(&c1, false);
    c_close(&c1);
    return status;
}
