/* http.c - the web server: the only file that knows libmicrohttpd. Its pool of epoll threads reads
 * and sends; requests run on workers (worker.c) while their connection is suspended, and the
 * reader thread queues the reply when it is resumed, so every connection is touched by its own
 * reader thread only. Readers must never wait: not for a lock held during work, not for the
 * application unless a plan says `direct`. README.md tells a request's way through here. */
#include "base/cal.h"
#include "base/log.h"
#include "http/form.h"
#include "http/inner.h"
#include "http/tls.h"
#include "http/worker.h"
#include <errno.h>
#include <microhttpd.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HEAD_MEMORY_BYTES =
        16 << 10, /* libmicrohttpd's pool of one connection: request head, reply head */
    FORM_BUFFER_BYTES = 8 << 10,
    OVERFLOW_READ_BYTES =
        1 << 20, /* read and thrown away past body_max before giving up on a 413 */
    STREAM_SEND_BUFFER_BYTES = 64 << 10,
    STREAM_LOST_MS = 60000
};

struct http {
    struct arena *mem;
    struct http_options o;
    struct http_app app;
    struct MHD_Daemon *daemon;
    struct pool *pool;
    struct watch watch;
    struct thread *acceptor;
    int listen_fd, wake_fd, port;
    _Atomic bool draining, stopping;
    _Atomic int64_t active, later, requests, rejected;
};
static _Thread_local bool taken_over; /* this worker's request is another thread's now */

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_ANSWER, PHASE_REPLY };
struct http_conn { /* one request */
    struct http_req req;
    struct http *h;
    struct MHD_Connection *mhd;
    struct link *link;
    struct arena *head_mem, *body_mem;
    struct http_plan plan;
    struct http_reply reply;
    struct str raw_path;
    enum phase phase;
    bool counted, has_body, must_close;
    size_t body_seen;
    struct buf body;
    struct MHD_PostProcessor *splitter;
    struct form *form;
    struct MHD_Response *response;
    int64_t reply_bytes;
    bool streaming;
    struct http_stream stream;
};

/* --- what requests may ask --- */

struct str http_header(const struct http_req *q, const char *name)
{
    const char *value = NULL;
    size_t n = 0;
    if (MHD_lookup_connection_value_n(q->conn->mhd, MHD_HEADER_KIND, name, strlen(name), &value,
                                      &n) != MHD_YES ||
        value == NULL)
        return (struct str){0};
    return (struct str){value, n};
}

void reply_header(struct http_reply *r, const char *name, struct str value)
{
    ASSERT(r->nheaders < HTTP_REPLY_HEADERS);
    r->headers[r->nheaders].name = name;
    r->headers[r->nheaders++].value = value;
}

/* --- replies --- */

static void fault_reply(struct http_conn *c, int status)
{
    struct http *h = c->h;
    c->reply = (struct http_reply){.status = status};
    if (h->app.problem)
        c->reply.body = h->app.problem(h->app.arg, c->req.mem, status);
    reply_header(&c->reply, "Content-Type", S("application/problem+json"));
    if (status == 503)
        reply_header(&c->reply, "Retry-After", S("1"));
    atomic_fetch_add_explicit(&h->rejected, 1, memory_order_relaxed);
}

static void stream_park(void *mhd)
{
    MHD_suspend_connection(mhd);
}

static void stream_unpark(void *mhd)
{
    MHD_resume_connection(mhd);
}

static ssize_t stream_read(void *arg, uint64_t pos, char *to, size_t max)
{
    (void)pos;
    ssize_t got = stream_take(arg, to, max);
    if (got == STREAM_END)
        return MHD_CONTENT_READER_END_OF_STREAM;
    return got == STREAM_BROKEN ? MHD_CONTENT_READER_END_WITH_ERROR : got;
}

static void stream_open(struct http_conn *c)
{
    int fd = c->link->fd, send_bytes = STREAM_SEND_BUFFER_BYTES, lost_ms = STREAM_LOST_MS;
    /* Bounds what the kernel holds for a slow reader, and notices a vanished one within a minute
     * of a heartbeat. */
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &lost_ms, sizeof lost_ms);
    stream_init(
        &c->stream,
        (struct stream_line){.to = c->mhd, .park = stream_park, .unpark = stream_unpark, .fd = fd});
    c->streaming = true;
    watch_add_stream(&c->h->watch, &c->stream);
    if (atomic_load(&c->h->draining))
        http_stream_close(&c->stream);
    c->reply.on_stream(&c->stream, c->reply.stream_arg);
}

static struct MHD_Response *response_body(struct http_conn *c)
{
    struct http_reply *r = &c->reply;
    bool bodiless = c->req.method == HTTP_HEAD || r->status == 204 || r->status == 304;
    if (r->on_stream && c->req.method != HTTP_HEAD) {
        stream_open(c);
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1024, stream_read, &c->stream,
                                                 NULL);
    }
    if (r->file_fd > 0) {
        c->reply_bytes = bodiless ? 0 : r->file_bytes;
        return MHD_create_response_from_fd_at_offset64((uint64_t)r->file_bytes, r->file_fd, 0);
    }
    c->reply_bytes = bodiless ? 0 : (int64_t)r->body.n;
    /* The library wants a pointer it may write to but, for a persistent buffer, never does. */
    return MHD_create_response_from_buffer(r->body.n, (void *)(uintptr_t)r->body.p,
                                           MHD_RESPMEM_PERSISTENT);
}

/* Turns c->reply into the library's object; on any thread. Without one the connection is closed. */
static void reply_build(struct http_conn *c)
{
    struct http_reply *r = &c->reply;
    if (r->status == 0)
        r->status = 200;
    c->phase = PHASE_REPLY;
    c->response = response_body(c);
    if (c->response == NULL) {
        if (r->file_fd > 0)
            close(r->file_fd);
        return;
    }
    for (int i = 0; i < r->nheaders; i++)
        if (MHD_add_response_header(c->response, r->headers[i].name,
                                    str_z(c->req.mem, r->headers[i].value)) != MHD_YES)
            log_line(LOG_ERROR, "http", "reply_header=refused name=%s", r->headers[i].name);
    if (c->streaming || c->must_close ||
        atomic_load_explicit(&c->h->draining, memory_order_relaxed))
        MHD_add_response_header(c->response, "Connection", "close");
}

/* From now the client has the time of silence, and that of so many bytes on the slowest line. */
static void deadline_set(struct http_conn *c, int64_t bytes)
{
    atomic_store_explicit(&c->link->deadline_ms,
                          clock_mono_ms() + c->h->o.idle_s * 1000LL +
                              bytes / c->h->o.slowest_bytes_per_ms,
                          memory_order_relaxed);
}

static enum MHD_Result reply_queue(struct http_conn *c)
{
    if (c->response == NULL)
        return MHD_NO;
    if (c->streaming)
        MHD_set_connection_option(c->mhd, MHD_CONNECTION_OPTION_TIMEOUT, 0U);
    else
        deadline_set(c, c->reply_bytes);
    enum MHD_Result ok = MHD_queue_response(c->mhd, (unsigned)c->reply.status, c->response);
    MHD_destroy_response(c->response);
    c->response = NULL;
    return ok;
}

/* --- running --- */

static void worker_job(void *job)
{
    struct http_conn *c = job;
    taken_over = false;
    if (atomic_load(&c->h->stopping))
        fault_reply(c, 503);
    else
        c->h->app.on_request(c->h->app.arg, &c->req, &c->reply);
    if (taken_over)
        return;
    reply_build(c);
    MHD_resume_connection(c->mhd);
}

void http_later(struct http_req *q)
{
    ASSERT(!q->conn->plan.direct);
    atomic_fetch_add(&q->conn->h->later, 1);
    taken_over = true;
}

void http_answer(struct http_req *q)
{
    struct http_conn *c = q->conn;
    struct http *h = c->h;
    c->phase = PHASE_ANSWER; /* its reader builds the reply */
    MHD_resume_connection(c->mhd);
    atomic_fetch_sub(&h->later, 1);
}

static enum MHD_Result request_hand_over(struct http_conn *c)
{
    /* Suspended first: the worker may be done before pool_push returns. After a push c belongs to
     * the worker. */
    MHD_suspend_connection(c->mhd);
    if (pool_push(c->h->pool, c))
        return MHD_YES;
    fault_reply(c, 503);
    reply_build(c);
    MHD_resume_connection(c->mhd);
    return MHD_YES;
}

static int body_end(struct http_conn *c)
{
    if (c->body_seen > c->plan.body_max || c->body.full)
        return 413;
    c->req.body = buf_str(&c->body);
    if (c->form == NULL)
        return 0;
    int status = form_status(c->form);
    /* Tells a body that ended before its last boundary. */
    bool whole = c->splitter == NULL || MHD_destroy_post_processor(c->splitter) == MHD_YES;
    c->splitter = NULL;
    int end_status = form_end(c->form);
    if (status == 0)
        status = end_status;
    if (status == 0 && !whole)
        status = 400;
    c->req.parts = form_parts(c->form, &c->req.nparts);
    return status;
}

static enum MHD_Result request_complete(struct http_conn *c)
{
    if (c->phase == PHASE_REPLY)
        return reply_queue(c);
    atomic_store_explicit(&c->link->deadline_ms, 0, memory_order_relaxed);
    int status = c->phase == PHASE_BODY ? body_end(c) : 0;
    if (status != 0)
        fault_reply(c, status);
    else if (c->phase == PHASE_BODY && c->plan.direct)
        c->h->app.on_request(c->h->app.arg, &c->req, &c->reply);
    else if (c->phase == PHASE_BODY)
        return request_hand_over(c);
    reply_build(c);
    return reply_queue(c);
}

/* --- bodies --- */

static enum MHD_Result form_take(void *arg, enum MHD_ValueKind kind, const char *name,
                                 const char *filename, const char *type, const char *encoding,
                                 const char *data, uint64_t offset, size_t n)
{
    (void)kind, (void)encoding;
    struct http_conn *c = arg;
    return form_piece(c->form, name, filename, type, (struct str){data, n}, offset) ? MHD_YES
                                                                                    : MHD_NO;
}

/* Replies are not possible inside a body, so a body that broke a limit is read on, a little, to
 * answer at its end. */
static enum MHD_Result body_take(struct http_conn *c, const char *data, size_t n)
{
    c->body_seen += n;
    if (c->body_seen > c->plan.body_max + OVERFLOW_READ_BYTES)
        return MHD_NO;
    if (c->phase != PHASE_BODY || c->body_seen > c->plan.body_max)
        return MHD_YES;
    if (c->form == NULL) {
        buf_put(&c->body, (struct str){data, n});
        return MHD_YES;
    }
    if (form_status(c->form) == 0 && MHD_post_process(c->splitter, data, n) != MHD_YES &&
        form_status(c->form) == 0) {
        fault_reply(c, 400);
        c->phase = PHASE_ANSWER;
    }
    return MHD_YES;
}

/* Makes room for the body as planned. 0 or the status to answer. */
static int body_start(struct http_conn *c, int64_t length)
{
    if (length > 0 && (uint64_t)length > c->plan.body_max)
        return 413;
    if (c->plan.body_max > ARENA_REQUEST_BYTES / 8)
        c->req.mem = c->body_mem = arena_new(ARENA_REPORT_BYTES);
    buf_init(&c->body, c->req.mem, c->plan.body_max);
    if (!c->has_body || !c->plan.multipart)
        return 0;
    struct str type = http_header(&c->req, "Content-Type");
    if (!str_eq_nocase(str_trim(str_next(&type, ';')), S("multipart/form-data")))
        return 415;
    c->splitter = MHD_create_post_processor(c->mhd, FORM_BUFFER_BYTES, form_take, c);
    if (c->splitter == NULL)
        return 400;
    c->form = form_new(c->req.mem, c->h->o.temp_dir);
    return 0;
}

/* --- heads --- */

static enum MHD_Result head_line(void *arg, enum MHD_ValueKind kind, const char *name,
                                 size_t name_n, const char *value, size_t value_n)
{
    (void)kind;
    head_add(arg, (struct str){name, name_n}, (struct str){value, value_n});
    return MHD_YES;
}

/* Reads the head into c->req. 0 or the status to answer. */
static int head_read(struct http_conn *c, const char *method, const char *version,
                     int64_t *ret_length)
{
    struct http_req *q = &c->req;
    q->received_ms = clock_now_ms();
    q->received_us = clock_mono_us();
    q->method_text = str_of(method);
    q->method = method_of(q->method_text);
    q->peer = str_of(c->link->peer);
    struct head look = {
        .mem = q->mem,
        .want_forwarded = address_trusted(q->peer, c->h->o.trusted_proxies, c->h->o.ntrusted)};
    MHD_get_connection_values_n(c->mhd, MHD_HEADER_KIND, head_line, &look);
    q->https = c->h->o.tls_cert || str_eq_nocase(look.scheme, S("https"));
    if (look.want_forwarded)
        q->peer = address_forwarded(q->peer, look.forwarded, c->h->o.trusted_proxies,
                                    c->h->o.ntrusted);
    c->must_close = !framing_clear(&look.framing, version) || !address_clear(c->raw_path, q->query);
    c->has_body = look.framing.encodings > 0 || look.framing.length > 0;
    *ret_length = look.framing.length;
    int status = c->must_close ? 400 : head_check(&look, c->raw_path, q->query);
    return status == 0 && !path_decode(q->mem, c->raw_path, &q->path) ? 400 : status;
}

static enum MHD_Result request_begin(struct http_conn *c, const char *method, const char *version)
{
    struct http *h = c->h;
    atomic_fetch_add_explicit(&h->active, 1, memory_order_seq_cst);
    atomic_fetch_add_explicit(&h->requests, 1, memory_order_relaxed);
    c->counted = true;
    int64_t length = 0;
    int status = head_read(c, method, version, &length);
    if (status == 0) {
        h->app.on_head(h->app.arg, &c->req, &c->plan, &c->reply);
        if (c->reply.status < 400)
            status = body_start(c, length);
    }
    if (status != 0)
        fault_reply(c, status);
    bool answered = c->reply.status >= 400;
    c->phase = answered ? PHASE_ANSWER : PHASE_BODY;
    if (answered && (c->has_body || c->must_close)) {
        watch_hold(&h->watch, c->link->fd);
        reply_build(c);
        return reply_queue(c);
    }
    /* An answer given now would close the connection, so requests without a body wait for the
     * library's next call. */
    if (c->has_body)
        deadline_set(c, (int64_t)c->plan.body_max);
    return MHD_YES;
}

static enum MHD_Result on_access(void *arg, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_n, void **state)
{
    (void)arg, (void)mhd, (void)url;
    struct http_conn *c = *state;
    if (c == NULL)
        return MHD_NO;
    if (c->phase == PHASE_HEAD)
        return request_begin(c, method, version);
    if (*data_n == 0)
        return request_complete(c);
    enum MHD_Result ok = body_take(c, data, *data_n);
    *data_n = 0;
    return ok;
}

/* --- the library's other calls --- */

static void deadline_idle(struct http *h, struct link *l)
{
    atomic_store_explicit(&l->deadline_ms, clock_mono_ms() + (h->o.idle_s + 5) * 1000LL,
                          memory_order_relaxed);
}

/* The first call of each request, with its untouched address; what it returns is the request's
 * state. */
static void *on_uri(void *arg, const char *uri, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info == NULL || info->socket_context == NULL)
        return NULL;
    struct arena *a = arena_new(ARENA_REQUEST_BYTES);
    struct http_conn *c = arena_get(a, sizeof *c);
    c->h = arg;
    c->mhd = mhd;
    c->link = info->socket_context;
    c->head_mem = c->req.mem = a;
    c->req.conn = c;
    struct str rest = str_dup(a, str_of(uri));
    c->raw_path = str_next(&rest, '?');
    c->req.query = rest;
    /* The library would cut the parameters into records of its own; about 230 fill a connection's
     * pool, and 0.9.75 then waits for ever. query.c reads them, so they end here. The text lies in
     * the library's read buffer. */
    if (c->raw_path.n < strlen(uri))
        ((char *)(uintptr_t)uri)[c->raw_path.n + 1] = '\0';
    return c;
}

static void on_completed(void *arg, struct MHD_Connection *mhd, void **state,
                         enum MHD_RequestTerminationCode why)
{
    (void)mhd;
    struct http *h = arg;
    struct http_conn *c = *state;
    *state = NULL;
    if (c == NULL)
        return;
    if (c->streaming) {
        watch_remove_stream(&h->watch, &c->stream);
        if (c->reply.on_stream_end)
            c->reply.on_stream_end(&c->stream, c->reply.stream_arg);
        c->reply_bytes = c->stream.bytes;
        stream_free(&c->stream);
    }
    if (c->response)
        MHD_destroy_response(c->response);
    if (c->splitter)
        MHD_destroy_post_processor(c->splitter);
    if (c->form)
        form_free(c->form);
    bool whole = why == MHD_REQUEST_TERMINATED_COMPLETED_OK && c->phase == PHASE_REPLY;
    if (c->counted && h->app.on_done)
        h->app.on_done(h->app.arg, &c->req, whole || c->streaming ? c->reply.status : 499,
                       whole || c->streaming ? c->reply_bytes : 0,
                       clock_mono_us() - c->req.received_us);
    deadline_idle(h, c->link);
    bool counted = c->counted;
    arena_free(c->body_mem);
    arena_free(c->head_mem);
    if (counted)
        atomic_fetch_sub(&h->active, 1);
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http *h = arg;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*context == NULL)
            return;
        watch_remove(&h->watch, *context);
        heap_free(*context);
        *context = NULL;
        return;
    }
    struct link *l = heap_try(sizeof *l);
    if (l == NULL)
        return;
    l->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    address_text(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr,
                 l->peer);
    deadline_idle(h, l);
    watch_add(&h->watch, l);
    *context = l;
}

static size_t on_unescape(void *arg, struct MHD_Connection *mhd, char *s)
{
    (void)arg, (void)mhd;
    return strlen(s); /* query.c decodes, once and strictly */
}

/* Its words without their values: those are the client's. */
static void on_log(void *arg, const char *f, va_list args)
{
    (void)arg;
    (void)args;
    char text[256];
    snprintf(text, sizeof text, "%s", f);
    text[strcspn(text, "\n")] = '\0';
    log_line(LOG_DEBUG, "http", "library=\"%s\"", text);
}

/* --- start and stop --- */

static bool accept_one(struct http *h)
{
    struct sockaddr_storage sa;
    socklen_t n = sizeof sa;
    int fd = accept4(h->listen_fd, (struct sockaddr *)&sa, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        /* On failure (limits) the library has closed the socket. */
        if (MHD_add_connection(h->daemon, fd, (struct sockaddr *)&sa, n) != MHD_YES)
            atomic_fetch_add(&h->rejected, 1);
        return true;
    }
    if (errno == EAGAIN)
        return false;
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        log_line(LOG_ERROR, "http", "accept=failed reason=\"%s\"", strerror(errno));
        clock_sleep_ms(500);
        return false;
    }
    return true; /* the client gave up in between */
}

static void accept_run(void *arg)
{
    struct http *h = arg;
    struct pollfd fds[2] = {{.fd = h->listen_fd, .events = POLLIN},
                            {.fd = h->wake_fd, .events = POLLIN}};
    while (!atomic_load(&h->draining))
        if (poll(fds, 2, -1) > 0)
            while (accept_one(h) && !atomic_load(&h->draining))
                ;
    /* Who already stands in the kernel's line is still served. */
    while (accept_one(h))
        ;
    close(h->listen_fd);
}

static bool daemon_start(struct http *h, struct arena *a, struct str *ret_why)
{
    struct MHD_OptionItem more[4];
    int n = 0;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                     MHD_USE_NO_LISTEN_SOCKET;
    if (h->o.tls_cert) {
        if (!tls_load(h->o.tls_cert, h->o.tls_key, a, ret_why))
            return false;
        flags |= MHD_USE_TLS;
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, TLS_PRIORITIES};
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_CERT_CALLBACK, 0, tls_retrieve()};
    }
    if (h->o.readers > 1)
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, h->o.readers, NULL};
    more[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    h->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_access, h, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        h, MHD_OPTION_URI_LOG_CALLBACK, on_uri, h, MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_MEMORY_BYTES, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)h->o.connections_max, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)(h->o.per_address_max > 0 ? h->o.per_address_max : 0),
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)h->o.idle_s, MHD_OPTION_ARRAY, more,
        MHD_OPTION_END);
    if (h->daemon == NULL)
        *ret_why = S("the web server library refused to start (limits of the system?)");
    return h->daemon != NULL;
}

static void threads_stop(struct http *h)
{
    atomic_store(&h->draining, true);
    uint64_t one = 1;
    if (h->acceptor && write(h->wake_fd, &one, sizeof one) == (ssize_t)sizeof one)
        thread_join(h->acceptor);
    else
        close(h->listen_fd);
    h->acceptor = NULL;
}

static void http_free(struct http *h)
{
    if (h->daemon)
        MHD_stop_daemon(h->daemon);
    if (h->o.tls_cert)
        tls_unload();
    if (h->pool)
        pool_free(h->pool); /* only now: readers push until the daemon has ended */
    watch_stop(&h->watch);
    close(h->wake_fd);
    arena_free(h->mem);
    heap_free(h);
}

struct http *http_start(const struct http_options *o, const struct http_app *app, struct arena *a,
                        struct str *ret_why)
{
    if ((o->tls_cert == NULL) != (o->tls_key == NULL)) {
        *ret_why = S("https needs both a certificate and its key");
        return NULL;
    }
    int fd = listen_open(o->listen, a, ret_why);
    if (fd < 0)
        return NULL;
    struct http *h = heap_get(sizeof *h);
    h->o = *o;
    h->app = *app;
    options_default(&h->o);
    h->mem = arena_new(ARENA_REQUEST_BYTES);
    h->listen_fd = fd;
    h->port = listen_port(fd);
    h->wake_fd = eventfd(0, EFD_CLOEXEC);
    struct str why = S("the system refused another thread");
    bool ok = watch_start(&h->watch) && h->wake_fd >= 0;
    ok = ok && daemon_start(h, a, &why);
    ok = ok && (h->pool = pool_start(h->o.workers, h->o.queue_max, worker_job)) != NULL;
    ok = ok && (h->acceptor = thread_start("http-accept", accept_run, h)) != NULL;
    if (ok)
        return h;
    *ret_why = why;
    threads_stop(h);
    if (h->pool)
        pool_stop(h->pool);
    http_free(h);
    return NULL;
}

bool http_renew(struct http *h, struct arena *a, struct str *ret_why)
{
    return !h->o.tls_cert || tls_load(h->o.tls_cert, h->o.tls_key, a, ret_why);
}

int http_port(const struct http *h)
{
    return h->port;
}

static void wait_idle(struct http *h, int64_t until_ms)
{
    while (atomic_load(&h->active) > 0 && clock_mono_ms() < until_ms)
        clock_sleep_ms(2);
}

void http_stop(struct http *h, int drain_ms)
{
    enum { LAST_REPLIES_MS = 500 };
    int64_t until_ms = clock_mono_ms() + drain_ms;
    threads_stop(h);
    watch_close_streams(&h->watch);
    wait_idle(h, until_ms);
    atomic_store(&h->stopping, true);
    /* A worker cannot be ended from outside: one that overruns is waited for, so that its reply
     * and memory stay whole. */
    pool_stop(h->pool);
    for (; atomic_load(&h->later) > 0; clock_sleep_ms(2))
        ;
    wait_idle(h, clock_mono_ms() + LAST_REPLIES_MS);
    watch_close_streams(&h->watch);
    http_free(h);
}

void http_stats_get(struct http *h, struct http_stats *ret)
{
    *ret = (struct http_stats){.requests = atomic_load(&h->requests),
                               .rejected = atomic_load(&h->rejected),
                               .connections = atomic_load(&h->watch.nlinks),
                               .streams = atomic_load(&h->watch.nstreams)};
    pool_stats(h->pool, &ret->workers, &ret->queued);
}
