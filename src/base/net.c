/* net.c - see net.h. */
#include "base/net.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int open_socket(int family, int wait_ms)
{
    struct timeval wait = {wait_ms / 1000, wait_ms % 1000 * 1000};
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait); /* connect waits by it too */
    return fd;
}

/* 0 or errno. */
static int join(int fd, const struct sockaddr *to, socklen_t size)
{
    if (connect(fd, to, size) == 0)
        return 0;
    return errno == EINPROGRESS ? ETIMEDOUT : errno; /* what SO_SNDTIMEO says */
}

static int dial_unix(const char *path, int wait_ms, struct arena *a, struct str *ret_why)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof to.sun_path) {
        *ret_why = arena_fmt(a, "the socket's path is too long: %s", path);
        return -1;
    }
    memcpy(to.sun_path, path, strlen(path));
    int fd = open_socket(AF_UNIX, wait_ms);
    int why = fd < 0 ? errno : join(fd, (struct sockaddr *)&to, sizeof to);
    if (!why)
        return fd;
    if (fd >= 0)
        close(fd);
    *ret_why = arena_fmt(a, "cannot connect to %s: %s", path, strerror(why));
    return -1;
}

struct str net_host(const char *address, struct arena *a)
{
    const char *colon = strrchr(address, ':');
    struct str host = str_sub(str_of(address), 0,
                              colon ? (size_t)(colon - address) : strlen(address));
    if (host.n >= 2 && host.p[0] == '[')
        host = str_sub(host, 1, host.n - 2);
    if (!host.n || str_eqz(host, "0.0.0.0"))
        host = S("127.0.0.1");
    if (str_eqz(host, "::"))
        host = S("::1");
    return str_of(str_z(a, host));
}

static int dial_tcp(const char *address, int wait_ms, struct arena *a, struct str *ret_why)
{
    const char *colon = strrchr(address, ':');
    if (!colon) {
        *ret_why = arena_fmt(a, "the address %s has no port", address);
        return -1;
    }
    struct addrinfo hint = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    struct str host = net_host(address, a);
    int rc = getaddrinfo(host.p, colon + 1, &hint, &list), fd = -1, why = EADDRNOTAVAIL;
    for (struct addrinfo *ai = list; rc == 0 && ai && fd < 0; ai = ai->ai_next) {
        fd = open_socket(ai->ai_family, wait_ms);
        why = fd < 0 ? errno : join(fd, ai->ai_addr, ai->ai_addrlen);
        if (!why)
            break;
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    if (list)
        freeaddrinfo(list);
    if (fd < 0)
        *ret_why = arena_fmt(a, "cannot connect to " PRS ":%s: %s", PRA(host), colon + 1,
                             rc != 0 ? gai_strerror(rc) : strerror(why));
    return fd;
}

int net_dial(const char *address, int wait_ms, struct arena *a, struct str *ret_why)
{
    if (strncmp(address, "unix:", 5) == 0)
        address += 5;
    return address[0] == '/' ? dial_unix(address, wait_ms, a, ret_why)
                             : dial_tcp(address, wait_ms, a, ret_why);
}

bool net_send(int fd, const void *p, size_t n)
{
    const char *at = p;
    while (n) {
        ssize_t done = send(fd, at, n, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        at += done;
        n -= (size_t)done;
    }
    return true;
}
