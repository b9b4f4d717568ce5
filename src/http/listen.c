/* listen.c - the listening socket, its certificate, and addresses as text. The server accepts on a
 * thread of its own instead of letting libmicrohttpd do it: version 0.9.75 can abort in
 * MHD_quiesce_daemon when a pool thread takes the listening socket out of its epoll set at the same
 * moment, and a stop under load must not end in a crash. */
#include "http/inner.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int listen_one(const struct addrinfo *ai)
{
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (ai->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

int listen_open(const char *address, struct arena *a, struct str *ret_why)
{
    struct str text = str_of(address);
    const char *colon = address ? strrchr(address, ':') : NULL;
    if (colon == NULL || colon[1] == '\0') {
        *ret_why = arena_fmt(a, "the address to listen on needs host:port, not \"" PRS "\"",
                             PRA(text));
        return -1;
    }
    struct str host = str_sub(text, 0, (size_t)(colon - address));
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = str_sub(host, 1, host.n - 2);
    struct addrinfo hint = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
    /* Without a host: the IPv6 wildcard takes IPv4 too, so it is tried first. */
    const char *node = host.n ? str_z(a, host) : "::";
    int rc = getaddrinfo(node, colon + 1, &hint, &list);
    int fd = -1;
    errno = EADDRNOTAVAIL;
    for (struct addrinfo *ai = list; rc == 0 && ai && fd < 0; ai = ai->ai_next)
        fd = listen_one(ai);
    int why = errno;
    if (list)
        freeaddrinfo(list);
    if (fd < 0 && host.n == 0 && why != EADDRINUSE)
        return listen_open(str_z(a, arena_fmt(a, "0.0.0.0%s", colon)), a, ret_why);
    if (fd < 0)
        *ret_why = arena_fmt(a, "cannot listen on %s: %s", address,
                             rc != 0 ? gai_strerror(rc) : strerror(why));
    return fd;
}

int listen_port(int fd)
{
    struct sockaddr_storage sa = {0};
    socklen_t n = sizeof sa;
    if (getsockname(fd, (struct sockaddr *)&sa, &n) != 0)
        return 0;
    if (sa.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&sa)->sin6_port);
    return ntohs(((struct sockaddr_in *)&sa)->sin_port);
}

void address_text(const struct sockaddr *sa, char ret[ADDRESS_TEXT_MAX])
{
    ret[0] = '\0';
    if (sa == NULL)
        return;
    if (sa->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)sa)->sin_addr, ret, ADDRESS_TEXT_MAX);
    if (sa->sa_family != AF_INET6)
        return;
    const struct in6_addr *six = &((const struct sockaddr_in6 *)sa)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(six))
        inet_ntop(AF_INET, &six->s6_addr[12], ret, ADDRESS_TEXT_MAX);
    else
        inet_ntop(AF_INET6, six, ret, ADDRESS_TEXT_MAX);
}

bool address_trusted(struct str peer, const char *const *trusted, int n)
{
    for (int i = 0; i < n; i++)
        if (str_eqz(peer, trusted[i]))
            return true;
    return false;
}

static bool address_valid(struct str s)
{
    char z[ADDRESS_TEXT_MAX];
    struct in6_addr any;
    if (s.n == 0 || s.n >= sizeof z)
        return false;
    memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    return inet_pton(AF_INET, z, &any) == 1 || inet_pton(AF_INET6, z, &any) == 1;
}

struct str address_forwarded(struct str peer, struct str list, const char *const *trusted, int n)
{
    struct str best = peer;
    /* From the right: each trusted hop vouches only for the element before its own. */
    while (list.n > 0) {
        size_t cut = list.n;
        while (cut > 0 && list.p[cut - 1] != ',')
            cut--;
        struct str item = str_trim(str_sub(list, cut, list.n - cut));
        if (!address_valid(item))
            return best;
        best = item;
        if (!address_trusted(item, trusted, n))
            return best;
        list = str_sub(list, 0, cut > 0 ? cut - 1 : 0);
    }
    return best;
}

const char *pem_text(struct arena *a, const char *path, struct str *ret_why)
{
    struct buf b;
    char piece[4096];
    FILE *f = fopen(path, "re");
    buf_init(&b, a, 256 << 10);
    size_t n = 0;
    while (f && (n = fread(piece, 1, sizeof piece, f)) > 0)
        buf_put(&b, (struct str){piece, n});
    bool ok = f && !ferror(f) && !b.full && b.n > 0;
    if (!ok)
        *ret_why = arena_fmt(a, "cannot read %s: %s", path, f ? "not a PEM file" : strerror(errno));
    if (f)
        fclose(f);
    return ok ? str_z(a, buf_str(&b)) : NULL;
}

/* As many connections as the system lets us hold, with files kept back for the database, uploads
 * and replies: a crowd must not take those. */
static int connections_possible(int wanted)
{
    enum { FILES_KEPT = 256, CONNECTIONS_MIN = 64 };
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return wanted;
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_max >= (rlim_t)wanted + FILES_KEPT)
        return wanted;
    int possible = (int)files.rlim_max - FILES_KEPT;
    return possible > CONNECTIONS_MIN ? possible : CONNECTIONS_MIN;
}

void options_default(struct http_options *o)
{
    int cores = cpu_count();
    if (o->readers <= 0)
        o->readers = cores < 4 ? cores : 4;
    if (o->workers <= 0)
        o->workers = 64;
    if (o->connections_max <= 0)
        o->connections_max = 20000;
    o->connections_max = connections_possible(o->connections_max);
    if (o->per_address_max == 0) /* a proxy brings everybody from its own address */
        o->per_address_max = o->ntrusted > 0 ? -1 : 1000;
    if (o->idle_s <= 0)
        o->idle_s = 60;
    if (o->slowest_bytes_per_ms <= 0)
        o->slowest_bytes_per_ms = 8;
    if (o->queue_max <= 0)
        o->queue_max = 1024;
}
