/* load.c - asks a server as fast as it answers: 64 connections kept alive, one request in flight on
 * each, for a fixed time, on one thread. Prints one JSON line: operations, seconds, failures,
 * latencies. Anything but a 2xx is a failure. It must cost little, because it shares the cores with
 * what it measures: request texts are made before, replies are counted and not looked into.
 * With `start` it measures instead how long a program takes from exec to its first good answer. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 64, REQUESTS_MAX = 4096, SLOTS = 200000, SLOT_US = 10, HEAD_MAX = 8192 };

struct conn {
    int fd;
    int64_t sent_us;
    size_t head_n;     /* bytes of the reply head read so far */
    int64_t body_left; /* -1: still in the head */
    int status;
    char head[HEAD_MAX + 1];
};
static struct conn conns[CONNECTIONS];
static char *requests[REQUESTS_MAX];
static size_t request_n[REQUESTS_MAX];
static int nrequests;
static uint32_t histogram[SLOTS];
static uint64_t ops, failed;
static int first_bad;

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "load: %s: %s\n", what, why);
    exit(1);
}

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/* --- requests --- */
/* One request a line: "GET /path" or "POST /path BODY". */
static void requests_read(const char *file, const char *token)
{
    FILE *f = fopen(file, "r");
    char line[4096], login[300] = "";
    if (!f)
        die(file, strerror(errno));
    if (*token)
        snprintf(login, sizeof login, "Authorization: Bearer %s\r\n", token);
    while (nrequests < REQUESTS_MAX && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *path = strchr(line, ' '), *body = path ? strchr(path + 1, ' ') : NULL;
        if (!path)
            die(file, "a line without an address");
        *path++ = 0;
        if (body)
            *body++ = 0;
        char more[100] = "";
        if (body)
            snprintf(more, sizeof more, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                     strlen(body));
        int n = asprintf(&requests[nrequests], "%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n%s",
                         line, path, login, more, body ? body : "");
        if (n < 0)
            die("memory", "none");
        request_n[nrequests++] = (size_t)n;
    }
    fclose(f);
    if (!nrequests)
        die(file, "no requests");
}

static uint32_t next_random(void)
{
    static uint64_t x = 88172645463325252u;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (uint32_t)(x >> 16);
}

/* --- connections --- */
static int dial(int port)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void ask(struct conn *c)
{
    uint32_t i = next_random() % (uint32_t)nrequests;
    c->head_n = 0;
    c->body_left = -1;
    c->sent_us = now_us();
    if (send(c->fd, requests[i], request_n[i], MSG_NOSIGNAL) != (ssize_t)request_n[i])
        die("send", strerror(errno));
}

static void count(struct conn *c)
{
    int64_t slot = (now_us() - c->sent_us) / SLOT_US;
    histogram[slot < SLOTS ? slot : SLOTS - 1]++;
    ops++;
    if (c->status >= 200 && c->status < 300)
        return;
    failed++;
    first_bad = first_bad ? first_bad : c->status;
}

/* Status and length out of a whole head; the head of a reply without a length is an error. */
static void head_read(struct conn *c, size_t head_n)
{
    c->head[c->head_n] = 0;
    const char *length = strcasestr(c->head, "\r\ncontent-length:");
    if (sscanf(c->head, "HTTP/1.1 %d", &c->status) != 1 || !length || length > c->head + head_n)
        die("not a reply", c->head);
    c->body_left = strtoll(length + 17, NULL, 10) - (int64_t)(c->head_n - head_n);
    if (c->body_left < 0)
        die("more than the reply", c->head);
}

/* True when a whole reply was read. */
static bool take(struct conn *c)
{
    static char body[256 << 10];
    bool head = c->body_left < 0;
    char *to = head ? c->head + c->head_n : body;
    size_t room = head ? HEAD_MAX - c->head_n : sizeof body;
    ssize_t n = recv(c->fd, to, room, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0)
        die("the server closed a connection", n ? strerror(errno) : "");
    if (!head) {
        c->body_left -= n;
        return c->body_left == 0;
    }
    c->head_n += (size_t)n;
    const char *end = memmem(c->head, c->head_n, "\r\n\r\n", 4);
    if (!end)
        return false;
    head_read(c, (size_t)(end + 4 - c->head));
    return c->body_left == 0;
}

static void run_until(int ep, int64_t until_us)
{
    struct epoll_event events[CONNECTIONS];
    while (now_us() < until_us) {
        int n = epoll_wait(ep, events, CONNECTIONS, 100);
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            if (!take(c))
                continue;
            count(c);
            ask(c);
        }
    }
}

static double percentile_ms(double share)
{
    uint64_t seen = 0, want = (uint64_t)((double)ops * share);
    for (int i = 0; i < SLOTS; i++)
        if ((seen += histogram[i]) > want)
            return (i + 1) * SLOT_US / 1000.0;
    return 0;
}

static int load(int port, const char *file, double secs, double warm_secs, const char *token)
{
    int ep = epoll_create1(0);
    requests_read(file, token);
    for (int i = 0; i < CONNECTIONS; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &conns[i]};
        conns[i].fd = dial(port);
        if (conns[i].fd < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, conns[i].fd, &e) != 0)
            die("connect", strerror(errno));
    }
    for (int i = 0; i < CONNECTIONS; i++)
        ask(&conns[i]);
    run_until(ep, now_us() + (int64_t)(warm_secs * 1e6));
    if (failed) {
        fprintf(stderr, "load: %llu failures while warming up, the first with status %d\n",
                (unsigned long long)failed, first_bad);
        return 1;
    }
    ops = 0;
    memset(histogram, 0, sizeof histogram);
    int64_t from = now_us();
    run_until(ep, from + (int64_t)(secs * 1e6));
    double took = (double)(now_us() - from) / 1e6;
    printf("{\"ops\":%llu,\"secs\":%.3f,\"per_s\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
           "\"failed\":%llu,\"first_bad_status\":%d}\n",
           (unsigned long long)ops, took, (double)ops / took, percentile_ms(0.50),
           percentile_ms(0.99), (unsigned long long)failed, first_bad);
    return failed ? 1 : 0;
}

/* --- start --- */
static bool healthy(int port)
{
    static const char text[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char reply[32] = "";
    int fd = dial(port);
    if (fd < 0)
        return false;
    bool ok = send(fd, text, sizeof text - 1, MSG_NOSIGNAL) > 0 &&
              recv(fd, reply, 12, MSG_WAITALL) == 12 && strncmp(reply, "HTTP/1.1 200", 12) == 0;
    close(fd);
    return ok;
}

static int start(int port, char **program)
{
    int64_t from = now_us();
    pid_t pid = fork();
    if (pid == 0) {
        int out = open("/dev/null", O_WRONLY);
        dup2(out, 1);
        dup2(out, 2);
        execv(program[0], program);
        _exit(127);
    }
    while (!healthy(port) && now_us() < from + 20000000)
        usleep(500);
    double ms = (double)(now_us() - from) / 1000;
    int status = 0;
    kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    printf("{\"ms\":%.1f,\"exit\":%d}\n", ms, status);
    return status;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "start") == 0)
        return start((int)strtol(argv[2], NULL, 10), argv + 3);
    if (argc == 6)
        return load((int)strtol(argv[1], NULL, 10), argv[2], atof(argv[3]), atof(argv[4]), argv[5]);
    fprintf(stderr, "usage: load PORT REQUESTS-FILE SECONDS WARM-UP-SECONDS TOKEN\n"
                    "       load start PORT PROGRAM [ARGUMENT…]\n");
    return 2;
}
