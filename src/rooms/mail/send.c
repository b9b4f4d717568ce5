/* send.c - what is written by itself, and how letters leave: one at a time, each handed to the
 * machine's own mail program, which knows servers, passwords and queues better than we ever would
 * (docs/why/0094). Nothing is sent inside a transaction: a letter is claimed by moving its next
 * try, sent, and then marked, so one whose sender died is simply tried again, under the same id. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "core/event.h"
#include "core/live.h"
#include "rooms/mail/room.h"

extern char **environ;

enum { SEND_MS = 30000, TRIES_MAX = 6, STALE_HOURS = 72, RECEIPTS_MAX = 5, WHY_CHARS = 280 };
#define STALE_MS   (INT64_C(3600000) * STALE_HOURS)
#define RECEIPT_MS INT64_C(86400000) /* a day later it is no news */

static const struct query Q_DUE = {
    "mail.due", "SELECT id FROM letter WHERE state = 2 AND next_at <= $1 AND archived = 0 ORDER BY "
                "next_at, id LIMIT 1 /*pg:FOR UPDATE SKIP LOCKED*/"};
const struct query *const send_queries[] = {&Q_DUE, NULL};

/* --- what is written by itself --- */

static enum err event_row(struct ctx *c, struct tx *tx, const struct resource *r, struct str data,
                          struct row *ret)
{
    const struct json *j;
    TRY(json_parse(c, data, &j));
    return res_load(c, tx, r, json_int(json_get(j, "id")), ret);
}

/* `anju mail` is a process of its own: the pages that are open hear of its tickets here, where the
 * service runs. */
static enum err tell_live(struct ctx *c, struct tx *tx, const struct row *letter)
{
    struct row t;
    if (row_int(letter, LE_WAY) != LETTER_IN)
        return E_OK;
    TRY(res_load(c, tx, &res_ticket, row_int(letter, LE_TICKET), &t));
    struct event e = {.topic = "ticket.mail",
                      .res = &res_ticket,
                      .id = row_int(&t, R_ID),
                      .community_id = row_int(&t, R_COMMUNITY),
                      .code = row_str(&t, T_CODE),
                      .for_staff = row_int(&t, T_ASSIGNEE)};
    live_after_commit(c, tx, &e);
    return E_OK;
}

enum err job_receipt(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    struct row l, box, t;
    int64_t n;
    TRY(event_row(c, tx, &res_letter, data, &l));
    TRY(tell_live(c, tx, &l));
    bool late = c->now_ms - row_int(&l, R_CREATED_AT) > RECEIPT_MS;
    if (!app->sendmail || late || row_int(&l, LE_PURPOSE) != LETTER_REQUEST ||
        !row_has(&l, LE_ADDRESS))
        return E_OK;
    enum err e = mailbox_of(c, tx, row_int(&l, R_COMMUNITY), &box);
    if (e == E_MISSING || (e == E_OK && !row_int(&box, MB_RECEIPT)))
        return E_OK;
    TRY(e);
    /* whoever puts somebody else's address on his letters makes us write to them: a few a day */
    TRY(tally(c, tx, row_int(&l, R_COMMUNITY),
              arena_fmt(c->mem, "receipt\n" PRS, PRA(row_str(&l, LE_ADDRESS))), &n));
    if (n > RECEIPTS_MAX)
        return E_OK;
    TRY(res_load(c, tx, &res_ticket, row_int(&l, LE_TICKET), &t));
    struct str text =
        arena_fmt(c->mem,
                  "您好:\n\n来信已收到,工单号 " PRS "。进度可随时查看:\n" PRS
                  "\n补充情况请直接回复本邮件。\n\nYour letter has arrived as " PRS
                  ". Follow it at the address above; to add something, answer this letter.",
                  PRA(row_str(&t, T_CODE)), PRA(LINK_PROGRESS), PRA(row_str(&t, T_CODE)));
    return letter_queue(c, tx, &t, LETTER_RECEIPT, row_str(&l, LE_ADDRESS), row_str(&l, LE_NAME),
                        text, &l);
}

enum err job_told(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    struct row t, before;
    TRY(event_row(c, tx, &res_ticket, data, &t));
    if (!app->sendmail || row_int(&t, T_ANSWER_CHANNEL) != CH_EMAIL || !row_has(&t, T_ANSWER))
        return E_OK;
    enum err e = letter_newest(c, tx, &t, &before);
    if (e == E_MISSING) /* he was told by e-mail, but not by ours */
        return E_OK;
    TRY(e);
    struct str text = arena_fmt(
        c->mem,
        PRS "\n\n请为这次服务打分:\n" PRS
            "\n如有问题请直接回复本邮件。\n\nPlease rate this service at the address above.",
        PRA(row_str(&t, T_ANSWER)), PRA(LINK_RATING));
    return letter_queue(c, tx, &t, LETTER_TOLD, row_str(&before, LE_ADDRESS),
                        row_str(&before, LE_NAME), text, &before);
}

/* --- one letter --- */

struct sending {
    struct row letter, box, ticket;
    struct str text, why;
    bool found, stale, sent, for_good;
};

/* A link is made as late as this: only its hash is kept, and no stored letter holds it. */
static enum err with_link(struct ctx *c, struct tx *tx, struct sending *s, struct str mark,
                          enum public_kind kind)
{
    ptrdiff_t at = str_find(s->text, mark);
    struct str token;
    if (at < 0 || (row_int(&s->letter, LE_PURPOSE) != LETTER_RECEIPT &&
                   row_int(&s->letter, LE_PURPOSE) != LETTER_TOLD))
        return E_OK; /* what people typed stays as they typed it */
    bool rate = kind == PUBLIC_RATE;
    int64_t ends_ms = rate ? rating_ends_ms(&s->ticket) : c->now_ms + PROGRESS_DAYS * 86400000LL;
    TRY(public_link_make(c, tx, &s->ticket, kind, ends_ms, &token));
    s->text = arena_fmt(c->mem, PRS PRS "/%s/" PRS PRS, (int)at, s->text.p,
                        PRA(row_str(&s->box, MB_SITE)), rate ? "v" : "p", PRA(token),
                        PRA(str_sub(s->text, (size_t)at + mark.n, s->text.n)));
    return E_OK;
}

static enum err claim(struct ctx *c, struct tx *tx, void *arg)
{
    static const int wait_min[TRIES_MAX] = {2, 5, 30, 120, 720, 720};
    struct sending *s = arg;
    struct val id;
    struct row next = {0};
    *s = (struct sending){0};
    enum err e = q_one(c, tx, &Q_DUE, IN(v_int(c->now_ms)), &id, 1);
    if (e == E_MISSING)
        return E_OK;
    TRY(e);
    s->found = true;
    TRY(res_load(c, tx, &res_letter, val_int(id), &s->letter));
    TRY(res_load(c, tx, &res_ticket, row_int(&s->letter, LE_TICKET), &s->ticket));
    s->stale = row_int(&s->letter, LE_TRIES) >= TRIES_MAX ||
               c->now_ms - row_int(&s->letter, R_CREATED_AT) > STALE_MS;
    if (row_int(&s->letter, LE_TRIES) == 0)
        s->stale = false; /* sent again by hand */
    e = mailbox_of(c, tx, row_int(&s->letter, R_COMMUNITY), &s->box);
    if (e == E_MISSING) {
        s->why = S("the community has no mailbox any more");
        s->for_good = true;
        return E_OK;
    }
    TRY(e);
    struct str end = row_str(&s->box, MB_SIGNATURE);
    s->text = arena_fmt(c->mem, PRS "%s" PRS, PRA(row_str(&s->letter, LE_TEXT)),
                        end.n ? "\n\n-- \n" : "", PRA(end));
    TRY(with_link(c, tx, s, LINK_PROGRESS, PUBLIC_PROGRESS));
    TRY(with_link(c, tx, s, LINK_RATING, PUBLIC_RATE));
    int64_t tries = row_int(&s->letter, LE_TRIES);
    row_put(&next, LE_TRIES, v_int(tries + 1));
    row_put(&next, LE_NEXT,
            v_int(c->now_ms + wait_min[tries < TRIES_MAX ? tries : TRIES_MAX - 1] * 60000));
    return res_store(c, tx, &res_letter, &s->letter, &next, "letter.tried", (struct str){0});
}

static enum err mark(struct ctx *c, struct tx *tx, void *arg)
{
    struct sending *s = arg;
    struct row l, why = {0};
    struct str said = utf8_head(s->why, WHY_CHARS);
    TRY(res_load(c, tx, &res_letter, row_int(&s->letter, R_ID), &l));
    if (row_int(&l, LE_STATE) != LETTER_WAITING)
        return E_OK; /* dropped meanwhile; what left has left */
    if (s->sent)
        return flow_act_row(c, tx, &res_letter, &l, "sent", &why, 0);
    if (s->for_good || s->stale) {
        row_put(&why, 0, v_text(said));
        TRY(flow_act_row(c, tx, &res_letter, &l, "fail", &why, 0));
        return letter_tell(c, tx, &s->ticket, "mail_failed", said);
    }
    row_put(&why, LE_REASON, v_text(said));
    return res_store(c, tx, &res_letter, &l, &why, "letter.tried", (struct str){0});
}

/* --- the mail program --- */

/* Waits for it, at most until ends_ms of this process's clock; kills it then. -1: killed. */
static int wait_child(pid_t pid, int64_t ends_ms)
{
    int status;
    for (;;) {
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        if (got < 0 && errno != EINTR)
            return -1;
        if (clock_mono_ms() >= ends_ms)
            break;
        poll(NULL, 0, 20);
    }
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return -1;
}

static int start_program(const char *program, const char *from, const char *to, int in, int err,
                         pid_t *ret)
{
    char *const argv[] = {(char *)program, "-i", "-f", (char *)from, "--", (char *)to, NULL};
    posix_spawn_file_actions_t files;
    int why = posix_spawn_file_actions_init(&files);
    if (why)
        return why;
    why = posix_spawn_file_actions_adddup2(&files, in, 0);
    if (!why)
        why = posix_spawn_file_actions_adddup2(&files, err, 1);
    if (!why)
        why = posix_spawn_file_actions_adddup2(&files, err, 2);
    if (!why)
        why = posix_spawnp(ret, program, &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    return why;
}

/* The message and what the program says go through files without a name: whatever it reads or
 * writes, or not, nobody waits for anybody. */
static int hidden_file(const char *dir, struct str content)
{
    struct fs_file f;
    int fd = -1;
    if (fs_create(&f, dir, "mail") == 0) {
        if (fs_write(&f, content.p, content.n) == 0 && fs_close(&f) == 0)
            fd = open(f.path, O_RDWR | O_CLOEXEC);
        fs_drop(&f);
    }
    return fd;
}

/* On one line, and without the address: who may not read it reads the reason. */
static struct str said_in(struct ctx *c, int fd, struct str address)
{
    char text[1000];
    size_t n = 0;
    struct buf b;
    if (fs_read_at(fd, text, sizeof text, 0, &n) != 0)
        return (struct str){0};
    struct str all = str_trim((struct str){text, n});
    buf_init(&b, c->mem, 4000);
    for (size_t i = 0; i < all.n;) {
        bool named = str_eq_nocase(str_sub(all, i, address.n), address);
        if (named)
            buf_put(&b, S("***"));
        else
            buf_putc(&b, (unsigned char)all.p[i] < ' ' || (unsigned char)all.p[i] > '~' ? ' '
                                                                                        : all.p[i]);
        i += named ? address.n : 1;
    }
    return buf_str(&b);
}

static void send_one(struct ctx *c, const struct app *app, struct sending *s)
{
    enum { EX_TEMP = 75, EX_USER = 64, EX_CONFIG_ = 78 };
    struct letter_out o = {.from = row_str(&s->box, MB_ADDRESS),
                           .from_name = row_str(&s->box, MB_NAME),
                           .to = row_str(&s->letter, LE_ADDRESS),
                           .subject = row_str(&s->letter, LE_SUBJECT),
                           .text = s->text,
                           .message_id = row_str(&s->letter, LE_MESSAGE_ID),
                           .answers = row_str(&s->letter, LE_ANSWERS),
                           .automatic = row_int(&s->letter, LE_PURPOSE) == LETTER_RECEIPT};
    int in = hidden_file(app->data_dir, mime_write(c, &o)),
        err = hidden_file(app->data_dir, (struct str){0}), code = -1;
    pid_t pid;
    int why = in < 0 || err < 0 ? ENOSPC
                                : start_program(app->sendmail, str_z(c->mem, o.from),
                                                str_z(c->mem, o.to), in, err, &pid);
    if (!why)
        code = wait_child(pid, clock_mono_ms() + SEND_MS);
    struct str said = err >= 0 ? said_in(c, err, o.to) : (struct str){0};
    s->sent = !why && code == 0;
    s->for_good = code >= EX_USER && code < EX_CONFIG_ && code != EX_TEMP && code != 69 &&
                  code != 71 && code != 73 && code != 74;
    if (!s->sent)
        s->why = why ? arena_fmt(c->mem, "%s: %s", app->sendmail, strerror(why))
                 : code < 0
                     ? arena_fmt(c->mem, "%s did not end in %d s", app->sendmail, SEND_MS / 1000)
                     : arena_fmt(c->mem, "%s: exit %d " PRS, app->sendmail, code, PRA(said));
    if (!s->sent)
        log_line(LOG_WARN, "mail", "letter=%lld why=\"" PRS "\"",
                 (long long)row_int(&s->letter, R_ID), PRA(s->why));
    if (in >= 0)
        close(in);
    if (err >= 0)
        close(err);
}

enum err step_send(struct ctx *c, struct app *app, struct str data, bool *ret_more)
{
    struct sending s;
    (void)data;
    *ret_more = false;
    if (!app->sendmail)
        return E_OK;
    TRY(db_write(app->db, c, claim, &s));
    if (!s.found)
        return E_OK;
    if (!s.why.n)
        send_one(c, app, &s);
    TRY(db_write(app->db, c, mark, &s));
    *ret_more = true;
    return E_OK;
}
