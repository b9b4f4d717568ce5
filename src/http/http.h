/* http.h - the web server behind one door (libmicrohttpd inside http.c). Its threads only read and
 * send; a request runs to completion on one worker thread, or directly on the reading thread when
 * its plan says `direct` (short reads of the embedded database). Everything a client controls has a
 * limit: head, body, fields, time, connections. This floor knows nothing of users, JSON or the
 * database. */
#pragma once
#include "base/err.h"

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_OTHER
};

/* What the application answers when the head has been read and before any body is taken. */
struct http_plan {
    size_t body_max; /* bytes; more is answered 413 */
    bool multipart;  /* stream multipart/form-data parts to files in temp_dir instead of memory */
    bool direct;     /* run on the reading thread */
};
struct http_part { /* one part of a multipart body; its file is removed when the request ends unless
                      renamed away */
    struct str name, filename, type, value; /* value: parts without a file name, ≤ 64 KiB */
    const char *path;                       /* the temporary file, or NULL */
    int64_t bytes;
    uint8_t sha256[32];
};
struct http_req {
    struct arena *mem; /* ends after the reply is sent */
    enum http_method method;
    struct str method_text,
        path;         /* path is decoded, starts with '/', no "." or ".." segments, no '//' */
    struct str query; /* raw, without '?' */
    struct str peer;  /* address text, from X-Forwarded-For only when the peer is a trusted proxy */
    bool https;       /* we speak it ourselves, or a trusted proxy says that it does */
    struct str body;
    struct http_part *parts;
    int nparts;
    int64_t received_ms;    /* wall clock at the end of the head */
    int64_t received_us;    /* monotonic */
    void *app;              /* the application's own state between on_head and on_request */
    struct http_conn *conn; /* inner */
};
/* Request header by name (any case); p = NULL when absent. */
struct str http_header(const struct http_req *q, const char *name);
struct str http_cookie(const struct http_req *q, const char *name);
/* Query parameter, decoded; p = NULL when absent. */
struct str http_param(const struct http_req *q, const char *name);
/* Calls fn for every query parameter in order; stops when fn returns false. False: malformed. */
bool http_params(const struct http_req *q, bool (*fn)(struct str name, struct str value, void *arg),
                 void *arg);

enum { HTTP_REPLY_HEADERS = 16 };
struct http_stream; /* an open server-sent-events connection */
struct http_reply {
    int status;      /* 0 becomes 200 */
    struct str body; /* lives in the request's arena or for ever */
    struct {
        const char *name;
        struct str value;
    } headers[HTTP_REPLY_HEADERS];
    int nheaders;
    int file_fd; /* > 0: send this file from its start instead of body, then close it */
    int64_t file_bytes;
    /* Set for an event stream: called once when the stream is open, and once when it is gone (then
     * forget it). */
    void (*on_stream)(struct http_stream *s, void *arg);
    void (*on_stream_end)(struct http_stream *s, void *arg);
    void *stream_arg;
};
void reply_header(struct http_reply *r, const char *name, struct str value);
/* For answers that another thread will give: on_request calls http_later and then touches neither
 * q nor reply; whoever holds them fills the reply and calls http_answer, once. Not for direct
 * plans. */
void http_later(struct http_req *q);
void http_answer(struct http_req *q);

/* Queues bytes to an open stream from any thread; false when its 32 KiB are full (the stream is
 * then closed: the client reconnects). */
bool http_stream_send(struct http_stream *s, struct str bytes);
void http_stream_close(struct http_stream *s);

struct http_app {
    /* Decides the plan. Returning an error status (≥ 400) in reply answers at once without reading
     * the body. */
    void (*on_head)(void *arg, struct http_req *q, struct http_plan *plan,
                    struct http_reply *reply);
    void (*on_request)(void *arg, struct http_req *q, struct http_reply *reply);
    /* After the reply was sent or the connection lost; for the access log. status 499: the client
     * went away. */
    void (*on_done)(void *arg, const struct http_req *q, int status, int64_t bytes, int64_t us);
    /* A reply body for faults of this floor (400, 408, 413, 414, 431, 500, 503), as
     * application/problem+json. */
    struct str (*problem)(void *arg, struct arena *a, int status);
    void *arg;
};
struct http_options {
    const char *listen;  /* "127.0.0.1:8080", "[::1]:8080", ":8080" */
    int readers;         /* reading threads; 0: one per core, at most 4 */
    int workers;         /* 0: 64; started as they are needed, idle ones beyond 4 end after 30 s */
    int connections_max; /* 0: 20000; never more than the system's limit of files allows */
    int per_address_max; /* open connections of one address; 0: 1000, or no limit when proxies are
                            trusted; < 0: no limit */
    int idle_s;          /* idle keep-alive connections and slow senders; 0: 60 */
    int slowest_bytes_per_ms; /* the slowest upload or download that is waited for; 0: 8 */
    int queue_max;            /* requests waiting for a worker; more are answered 503; 0: 1024 */
    const char *temp_dir;     /* for uploads */
    const char *const *trusted_proxies;
    int ntrusted;
    const char *tls_cert, *tls_key; /* PEM file paths, both or none; kept */
};
struct http;
/* Binds and serves. NULL on failure with one line for people in *ret_why (static or in a). */
struct http *http_start(const struct http_options *o, const struct http_app *app, struct arena *a,
                        struct str *ret_why);
/* Reads certificate and key anew for connections to come; open ones go on. False: the old ones stay
 * and *ret_why says why. True without TLS. */
MUST_USE bool http_renew(struct http *h, struct arena *a, struct str *ret_why);
int http_port(const struct http *h); /* the real one when 0 was asked */
/* Stops accepting, lets running requests end (at most ms), closes streams, ends threads. */
void http_stop(struct http *h, int drain_ms);
struct http_stats {
    int64_t requests, rejected, connections, streams, workers, queued;
};
void http_stats_get(struct http *h, struct http_stats *ret);

/* --- embedded assets --- */
struct asset {        /* one file of the web UI; the table is made by tools/embed at build time */
    const char *path; /* "/assets/index-abc123.js" */
    const char *type;
    const char *etag;        /* quoted */
    const unsigned char *gz; /* gzip */
    size_t gz_bytes, bytes;
    bool immutable; /* its name holds its hash */
};
/* Answers GET/HEAD of an asset: If-None-Match, gzip as stored or inflated for the rare client
 * without it. */
void asset_reply(const struct http_req *q, const struct asset *f, struct http_reply *r);
