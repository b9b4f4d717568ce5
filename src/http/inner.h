/* inner.h - what the files of this folder share and nobody outside sees: path checks, the
 * listening socket, the watch over connections, and event streams without their transport. No
 * foreign library's types here. */
#pragma once
#include "base/thread.h"
#include "http/http.h"
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/types.h>

enum {
    ADDRESS_TEXT_MAX = INET6_ADDRSTRLEN,
    PATH_MAX_BYTES = 4096,
    QUERY_MAX_BYTES = 8192,
    HEAD_LINES_MAX = 100,
    HELD_MAX = 64,
    STREAM_MAX_BYTES = 32 << 10,
    STREAM_START_BYTES = 1 << 10
};

/* --- query.c --- */
/* Decodes and checks a request path. False: undecodable, not UTF-8, control characters, "//", "."
 * or ".." segments. */
MUST_USE bool path_decode(struct arena *a, struct str raw, struct str *ret);
/* Whether a list such as Accept-Encoding names the token and does not give it q=0. */
bool header_has_token(struct str list, const char *token);

/* What decides where a request ends. Two opinions about that are how requests are smuggled, so
 * only one is allowed. */
struct framing {
    int lengths, encodings, hosts;
    bool chunked, bad;
    int64_t length;
};
void framing_add(struct framing *f, struct str name, struct str value);
bool framing_clear(const struct framing *f, const char *version);
enum http_method method_of(struct str s);
/* A request's head, line by line, while it is judged. */
struct head {
    struct framing framing;
    int lines;
    struct arena *mem;
    bool want_forwarded;          /* the peer is a trusted proxy */
    struct str forwarded, scheme; /* X-Forwarded-For, all of them; X-Forwarded-Proto */
};
/* name and value must lie where the library received them: that tells folded lines. */
void head_add(struct head *h, struct str name, struct str value);
/* False: programs differ on where this address ends. */
bool address_clear(struct str path, struct str query);
/* The limits that are ours; the library's pool bounds the rest of a head. 0, 414, 431. */
int head_check(const struct head *h, struct str path, struct str query);

/* --- listen.c --- */
/* A listening, non-blocking socket, or -1 with the reason in *ret_why. */
int listen_open(const char *address, struct arena *a, struct str *ret_why);
int listen_port(int fd);
void options_default(struct http_options *o);
/* The text of a certificate or key file; NULL with the reason in *ret_why. */
const char *pem_text(struct arena *a, const char *path, struct str *ret_why);
/* The numeric address without port; IPv4 inside IPv6 is written as IPv4. */
void address_text(const struct sockaddr *sa, char ret[ADDRESS_TEXT_MAX]);
/* The last element of a X-Forwarded-For list that is not a trusted proxy; peer when there is none
 * or it is no address. */
struct str address_forwarded(struct str peer, struct str list, const char *const *trusted, int n);
bool address_trusted(struct str peer, const char *const *trusted, int n);

/* --- watch.c --- */
/* One open connection. Past deadline_ms (monotonic; 0: none) the watch shuts its socket: this ends
 * senders that drip a byte now and then and so never meet the server's time-out for silence. */
struct link {
    int fd;
    char peer[ADDRESS_TEXT_MAX];
    _Atomic int64_t deadline_ms;
    struct link *prev, *next;
};
struct watch {
    mutex lock;
    cond wake;
    struct link links;           /* ring head */
    struct http_stream *streams; /* open event streams */
    _Atomic int64_t nlinks, nstreams;
    struct held {
        int fd;
        int64_t until_ms;
    } held[HELD_MAX];
    int nheld;
    bool ending;
    struct thread *thread;
};
MUST_USE bool watch_start(struct watch *w);
void watch_stop(struct watch *w);
void watch_add(struct watch *w, struct link *l);
void watch_remove(struct watch *w, struct link *l);
void watch_add_stream(struct watch *w, struct http_stream *s);
void watch_remove_stream(struct watch *w, struct http_stream *s);
void watch_close_streams(struct watch *w);
/* Keeps a second handle of the socket open for a while: closing one that the client still sends to
 * makes his system throw our last reply away. Does nothing when many are held already. */
void watch_hold(struct watch *w, int fd);

/* --- stream.c --- */
/* park and unpark stop and restart the transport's calls of stream_take; both run under the
 * stream's lock. */
struct stream_line {
    void *to;
    void (*park)(void *to), (*unpark)(void *to);
    int fd;
};
struct http_stream {
    mutex lock;
    struct stream_line line;
    char *ring;
    size_t cap, start, n;
    bool parked, ending, broken;
    int64_t sent_ms, bytes;
    struct http_stream *prev, *next;
};
enum { STREAM_PARKED = 0, STREAM_END = -1, STREAM_BROKEN = -2 };
void stream_init(struct http_stream *s, struct stream_line line);
void stream_free(struct http_stream *s);
/* Moves queued bytes out: their number, or one of STREAM_*. */
ssize_t stream_take(struct http_stream *s, char *to, size_t max);
/* Sends a comment when nothing was sent for a while, so that lost clients are noticed. */
void stream_beat(struct http_stream *s, int64_t now_ms);
