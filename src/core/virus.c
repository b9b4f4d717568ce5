/* virus.c - see virus.h. The protocol of clamd(8): "zINSTREAM\0", then pieces with their length
 * before them, an empty one at the end, and one answer. It hangs up on a stream longer than its
 * StreamMaxLength; that is an answer too. */
#include "core/virus.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/net.h"

enum { WAIT_MS = 15000, PIECE = 64 << 10, ANSWER_MAX = 512 };

static bool send_piece(int fd, const char *p, size_t n)
{
    uint32_t size = htonl((uint32_t)n);
    return net_send(fd, &size, sizeof size) && (n == 0 || net_send(fd, p, n));
}

/* Whether there was an answer at all. */
static bool answer(struct arena *a, int fd, struct str *ret_said)
{
    char text[ANSWER_MAX];
    size_t n = 0;
    ssize_t got = 0;
    while (n < sizeof text && (got = recv(fd, text + n, sizeof text - n, 0)) > 0)
        n += (size_t)got;
    while (n && (text[n - 1] == 0 || text[n - 1] == '\n'))
        n--;
    *ret_said = n ? str_dup(a, (struct str){text, n})
                  : arena_fmt(a, "no answer: %s", got < 0 ? strerror(errno) : "it hung up");
    return n > 0;
}

static int begin(struct arena *a, const char *clamd, struct str *ret_said)
{
    static const char command[] = "zINSTREAM"; /* with its NUL */
    int fd = net_dial(clamd, WAIT_MS, a, ret_said);
    if (fd < 0 || net_send(fd, command, sizeof command))
        return fd;
    *ret_said = arena_fmt(a, "cannot send: %s", strerror(errno));
    close(fd);
    return -1;
}

bool virus_ask(struct arena *a, const char *clamd, struct str bytes, struct str *ret_said)
{
    int fd = begin(a, clamd, ret_said);
    if (fd < 0)
        return false;
    /* when it hangs up in between, it has said why */
    (void)(send_piece(fd, bytes.p, bytes.n) && send_piece(fd, NULL, 0));
    bool said = answer(a, fd, ret_said);
    close(fd);
    return said;
}

static bool ask_file(struct arena *a, const char *clamd, int file, struct str *ret_said)
{
    int fd = begin(a, clamd, ret_said), why = 0;
    char *piece = arena_get(a, PIECE);
    size_t n = 1;
    bool sent = true;
    if (fd < 0)
        return false;
    for (int64_t at = 0; sent && n && !why; at += (int64_t)n) {
        why = fs_read_at(file, piece, PIECE, at, &n);
        sent = !why && send_piece(fd, piece, n); /* the empty one is the end */
    }
    bool said = !why && answer(a, fd, ret_said);
    if (why)
        *ret_said = arena_fmt(a, "cannot read the upload: %s", strerror(why));
    close(fd);
    return said;
}

enum err virus_scan(struct ctx *c, const struct app *app, const char *path)
{
    struct str said;
    if (!app->clamd)
        return E_OK;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool asked = file >= 0 && ask_file(c->mem, app->clamd, file, &said);
    if (file >= 0)
        close(file);
    else
        said = S("cannot open the upload");
    if (asked && str_ends(said, S(": OK")))
        return E_OK;
    bool found = asked && str_ends(said, S(" FOUND"));
    log_line(found ? LOG_WARN : LOG_ERROR, "virus",
             "msg=\"%s\" said=\"" PRS "\" user=%lld trace=%s",
             found ? "an upload was refused" : "the scanner cannot be asked", PRA(said),
             (long long)(c->who ? c->who->user_id : 0), c->trace_id);
    if (found)
        return FAIL_FIELD(c, "file", "virus", "文件带有病毒,没有保存;请先为设备杀毒",
                          "the file carries a virus and was not kept; clean your device first");
    return FAIL(c, E_BUSY, "病毒检查暂时不可用,文件没有保存,请稍后再传",
                "the virus check is not available; the file was not kept, try again later");
}
