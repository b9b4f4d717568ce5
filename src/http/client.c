/* client.c - see client.h. Blocking, with time-outs on the socket: its caller is a command that
 * waits for the answer anyway. Must not be used by the service itself. */
#include "http/client.h"
#include "base/net.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEARD_MAX = 256 << 10 };

struct client {
    int fd;
    struct tls_line *tls;
    struct arena *mem;
    struct buf heard;
    const char *host;
};

struct client *client_dial(const char *listen, bool tls, int wait_ms, struct arena *a,
                           struct tls_seen *ret_seen, struct str *ret_why)
{
    struct client *l = arena_get(a, sizeof *l);
    l->mem = a;
    l->host = net_host(listen, a).p;
    l->fd = net_dial(listen, wait_ms, a, ret_why);
    if (l->fd < 0)
        return NULL;
    if (tls && !(l->tls = tls_connect(l->fd, a, ret_seen, ret_why))) {
        close(l->fd);
        return NULL;
    }
    buf_init(&l->heard, a, HEARD_MAX);
    return l;
}

bool client_ask(struct client *l, const char *path, struct str headers, struct str *ret_why)
{
    struct str text = arena_fmt(l->mem,
                                "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n" PRS "\r\n",
                                path, l->host, PRA(headers));
    while (text.n) {
        ssize_t n = l->tls ? tls_send(l->tls, text.p, text.n)
                           : send(l->fd, text.p, text.n, MSG_NOSIGNAL);
        if (n <= 0) {
            *ret_why = arena_fmt(l->mem, "cannot send to the service: %s", strerror(errno));
            return false;
        }
        text = str_sub(text, (size_t)n, text.n);
    }
    return true;
}

struct str client_hear(struct client *l, struct str what)
{
    char piece[4096];
    while (!l->heard.full && (!what.n || str_find(buf_str(&l->heard), what) < 0)) {
        ssize_t n = l->tls ? tls_recv(l->tls, piece, sizeof piece)
                           : recv(l->fd, piece, sizeof piece, 0);
        if (n <= 0)
            break;
        buf_put(&l->heard, (struct str){piece, (size_t)n});
    }
    return buf_str(&l->heard);
}

void client_close(struct client *l)
{
    if (l->tls)
        tls_close(l->tls);
    close(l->fd);
}

int client_status(struct str reply)
{
    int64_t status;
    struct str code = str_sub(reply, 9, 3);
    return str_starts(reply, S("HTTP/1.")) && str_int(code, &status) ? (int)status : 0;
}

bool client_has_header(struct str reply, const char *name)
{
    size_t n = strlen(name);
    while (reply.n) {
        struct str line = str_next(&reply, '\n');
        if (line.n <= 1)
            return false;
        if (line.n > n && line.p[n] == ':' && str_eq_nocase(str_sub(line, 0, n), str_of(name)))
            return true;
    }
    return false;
}
