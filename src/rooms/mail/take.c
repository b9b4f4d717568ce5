/* take.c - a message from outside becomes a ticket, or joins the one it answers. Nothing in it
 * proves who wrote it: it opens nobody's account, names no person and tells nothing but the number
 * of what it made. Which ticket it answers is told by the id of our own letter, which only whoever
 * got it knows; the number in the subject counts only from an address we wrote with before. */
#include "base/log.h"
#include "core/event.h"
#include "rooms/mail/room.h"

enum { NEW_MAX = 10, SAME_MAX = 2, ADDED_MAX = 50, TITLE_CHARS = 120, NOTE_CHARS = 5000 };

static const struct query Q_BOX_AT = {
    "mail.box_at", "SELECT b.id FROM mailbox b JOIN community c ON c.id = b.community_id WHERE "
                   "b.address = $1 AND b.archived = 0 AND c.archived = 0"};
static const struct query Q_LETTER = {
    "mail.letter", "SELECT id FROM letter WHERE community_id = $1 AND message_id = $2"};
static const struct query Q_NUMBER = {
    "mail.number",
    "SELECT t.id FROM ticket t JOIN letter l ON l.community_id = t.community_id AND l.ticket_id = "
    "t.id WHERE t.community_id = $1 AND t.code = $2 AND t.archived = 0 AND l.address = $3 LIMIT 1"};
const struct query *const take_queries[] = {&Q_BOX_AT, &Q_LETTER, &Q_NUMBER, NULL};

struct taking {
    struct app *app;
    struct str to;
    struct mail m;
    struct mail_taken *ret;
    int64_t community;
    struct row box, ticket; /* ticket: found, or prepared and then made */
    bool answers;           /* ticket was found */
    bool follows;           /* it was found and is over: its number in ends.code */
    struct row ended, letter;
};

/* --- where it belongs --- */

static enum err find_box(struct ctx *c, struct tx *tx, struct taking *k)
{
    struct str named = {0};
    const struct str *to = k->to.n ? &named : k->m.to;
    int n = k->to.n ? email_clean(c->mem, k->to, &named) : k->m.nto;
    for (int i = 0; i < n; i++) {
        struct val id;
        enum err e = q_one(c, tx, &Q_BOX_AT, IN(v_text(to[i])), &id, 1);
        if (e == E_OK) {
            TRY(res_load(c, tx, &res_mailbox, val_int(id), &k->box));
            k->community = row_int(&k->box, R_COMMUNITY);
            return E_OK;
        }
        if (e != E_MISSING)
            return e;
    }
    return FAIL(c, E_MISSING, "这里没有这个邮箱", "nobody here has this address");
}

static enum err find_letter(struct ctx *c, struct tx *tx, struct taking *k, struct str id,
                            bool *ret)
{
    struct val v;
    enum err e = q_one(c, tx, &Q_LETTER, IN(v_int(k->community), v_text(id)), &v, 1);
    *ret = e == E_OK;
    if (e == E_OK)
        return res_load(c, tx, &res_letter, val_int(v), &k->letter);
    c->fault = (struct fault){0};
    return e == E_MISSING ? E_OK : e;
}

/* The last [...] of the subject. */
static struct str number_in(struct str subject)
{
    for (size_t i = subject.n; i-- > 0;)
        if (subject.p[i] == '[') {
            struct str rest = str_sub(subject, i + 1, subject.n);
            struct str number = str_next(&rest, ']');
            return rest.p && number.n < 40 ? number : (struct str){0};
        }
    return (struct str){0};
}

/* *ret: what was merged is gone on with where it went. */
static enum err open_ticket(struct ctx *c, struct tx *tx, int64_t id, struct row *ret)
{
    TRY(res_load(c, tx, &res_ticket, id, ret));
    for (int i = 0; i < 5 && row_int(ret, T_STATE) == MERGED && row_has(ret, T_MERGED_INTO); i++)
        TRY(res_load(c, tx, &res_ticket, row_int(ret, T_MERGED_INTO), ret));
    return E_OK;
}

static enum err find_ticket(struct ctx *c, struct tx *tx, struct taking *k)
{
    bool there = false;
    int64_t id = 0;
    for (int i = 0; i < k->m.nrefs && !there; i++)
        TRY(find_letter(c, tx, k, k->m.refs[i], &there));
    if (there)
        id = row_int(&k->letter, LE_TICKET);
    struct str number = number_in(k->m.subject);
    if (!id && number.n) {
        struct val v;
        enum err e = q_one(c, tx, &Q_NUMBER,
                           IN(v_int(k->community), v_text(number), v_text(k->m.from)), &v, 1);
        if (e != E_OK && e != E_MISSING)
            return e;
        c->fault = (struct fault){0};
        id = e == E_OK ? val_int(v) : 0;
    }
    if (!id)
        return E_OK;
    TRY(open_ticket(c, tx, id, &k->ticket));
    k->answers = true;
    return E_OK;
}

static enum err find(struct ctx *c, struct tx *tx, void *arg)
{
    struct taking *k = arg;
    bool there;
    k->answers = k->follows = false;
    TRY(find_box(c, tx, k));
    TRY(find_letter(c, tx, k, k->m.message_id, &there));
    if (there) {
        k->ret->fate = MAIL_AGAIN;
        return res_load(c, tx, &res_ticket, row_int(&k->letter, LE_TICKET), &k->ticket);
    }
    TRY(find_ticket(c, tx, k));
    bool own = str_eq(k->m.from, row_str(&k->box, MB_ADDRESS));
    k->ret->fate = k->m.bounced && k->answers ? MAIL_RETURNED
                   : k->m.automatic || own    ? MAIL_IGNORED
                   : k->answers               ? MAIL_ADDED
                                              : MAIL_TICKET;
    int64_t state = k->answers ? row_int(&k->ticket, T_STATE) : 0;
    if (k->ret->fate == MAIL_ADDED && (state == CLOSED || state == CANCELLED)) {
        k->ended = k->ticket; /* nobody looks at what is closed: it is gone on with as a new one */
        k->follows = true;
        k->ret->fate = MAIL_TICKET;
    }
    return E_OK;
}

/* --- what it becomes --- */

static void fill_ticket(struct ctx *c, struct taking *k)
{
    struct row t = {0};
    struct str text = k->m.text, title = utf8_head(mail_topic(k->m.subject), TITLE_CHARS);
    struct str rest = text;
    if (!title.n)
        title = utf8_head(str_trim(str_next(&rest, '\n')), TITLE_CHARS);
    if (!title.n)
        title = arena_fmt(c->mem, "来信 %s", k->m.nfiles ? "(附件)" : "(空白)");
    row_put(&t, R_COMMUNITY, v_int(k->community));
    row_put(&t, T_KIND, k->box.v[MB_KIND]);
    row_put(&t, T_CHANNEL, v_int(CH_EMAIL));
    row_put(&t, T_TITLE, v_text(title));
    if (text.n)
        row_put(&t, T_DETAIL, v_text(text));
    if (k->m.name.n)
        row_put(&t, T_CONTACT_NAME, v_text(k->m.name));
    k->ticket = t;
}

static enum err too_much(struct ctx *c, int n)
{
    return FAIL(c, E_RATE, "今天从这个邮箱收到的已达 %d 封,请明天再写或打物业电话",
                "%d letters came from this address today: write tomorrow, or call the office", n);
}

static enum err limits(struct ctx *c, struct tx *tx, const struct taking *k)
{
    int64_t n, most = k->ret->fate == MAIL_TICKET ? NEW_MAX : ADDED_MAX;
    TRY(tally(c, tx, k->community,
              arena_fmt(c->mem, "%s\n" PRS, most == NEW_MAX ? "mail" : "answer", PRA(k->m.from)),
              &n));
    if (n > most)
        return too_much(c, (int)most);
    if (k->ret->fate != MAIL_TICKET)
        return E_OK;
    TRY(tally(c, tx, k->community,
              arena_fmt(c->mem, "words\n" PRS "\n" PRS "\n" PRS, PRA(k->m.from), PRA(k->m.subject),
                        PRA(k->m.text)),
              &n));
    return n <= SAME_MAX
               ? E_OK
               : FAIL(c, E_RATE, "今天已收到 %d 封同样的信,正在处理,不必再发",
                      "the same letter came %d times today: it is being looked after", SAME_MAX);
}

static enum err put_letter(struct ctx *c, struct tx *tx, struct taking *k)
{
    struct row l = {0};
    row_put(&l, R_COMMUNITY, v_int(k->community));
    row_put(&l, LE_TICKET, k->ticket.v[R_ID]);
    row_put(&l, LE_WAY, v_int(LETTER_IN));
    row_put(&l, LE_PURPOSE, v_int(k->ret->fate == MAIL_TICKET ? LETTER_REQUEST : LETTER_ANSWER));
    row_put(&l, LE_STATE, v_int(LETTER_TAKEN));
    row_put(&l, LE_ADDRESS, v_text(k->m.from));
    row_put(&l, LE_NAME, k->m.name.n ? v_text(k->m.name) : v_null());
    row_put(&l, LE_SUBJECT, k->m.subject.n ? v_text(k->m.subject) : v_null());
    row_put(&l, LE_TEXT, k->m.text.n ? v_text(k->m.text) : v_null());
    row_put(&l, LE_MESSAGE_ID, v_text(k->m.message_id));
    return res_insert(c, tx, &res_letter, &l);
}

static enum err put_ticket(struct ctx *c, struct tx *tx, struct taking *k)
{
    struct row t = k->ticket, link = {0};
    TRY(res_insert(c, tx, &res_ticket, &t));
    k->ticket = t;
    if (!k->follows)
        return E_OK;
    row_put(&link, R_COMMUNITY, v_int(k->community));
    row_put(&link, TL_TICKET, t.v[R_ID]);
    row_put(&link, TL_OTHER, k->ended.v[R_ID]);
    row_put(&link, TL_KIND, v_int(LINK_FOLLOW_UP));
    return res_insert(c, tx, &res_ticket_link, &link);
}

static enum err put_return(struct ctx *c, struct tx *tx, struct taking *k)
{
    struct row why = {0};
    int64_t state = row_int(&k->letter, LE_STATE);
    if (row_int(&k->letter, LE_WAY) != LETTER_OUT ||
        (state != LETTER_SENT && state != LETTER_WAITING))
        return E_OK;
    struct str said = k->m.why.n ? k->m.why : S("returned by the mail server");
    row_put(&why, 0, v_text(said));
    TRY(flow_act_row(c, tx, &res_letter, &k->letter, "return", &why, 0));
    return letter_tell(c, tx, &k->ticket, "mail_returned", said);
}

static enum err store(struct ctx *c, struct tx *tx, void *arg)
{
    struct taking *k = arg;
    struct row made = k->ticket;
    enum mail_fate fate = k->ret->fate;
    TRY(find(c, tx, k)); /* it may have come twice, or been closed, meanwhile */
    if (k->ret->fate != fate)
        return fate == MAIL_TICKET && k->ret->fate == MAIL_AGAIN
                   ? E_OK
                   : FAIL(c, E_BUSY, "请稍后重试", "it changed in this moment; once more");
    if (fate == MAIL_RETURNED)
        return put_return(c, tx, k);
    TRY(limits(c, tx, k));
    if (fate == MAIL_TICKET) {
        k->ticket = made;
        TRY(put_ticket(c, tx, k));
    }
    TRY(put_letter(c, tx, k));
    return fate == MAIL_TICKET ? E_OK
                               : letter_tell(c, tx, &k->ticket, "mail_in",
                                             utf8_head(mail_fresh(k->m.text), NOTE_CHARS));
}

/* --- attachments --- */

static enum err keep_files(struct ctx *c, struct taking *k)
{
    struct mail_taken *r = k->ret;
    r->refused = k->m.left_out;
    for (int i = 0; i < k->m.nfiles; i++) {
        enum err e = file_attach(c, k->app, &res_ticket, row_int(&k->ticket, R_ID),
                                 k->m.files[i].name, k->m.files[i].bytes);
        if (e == E_BUSY || e == E_FULL)
            return e; /* the mail server brings it again */
        r->attachments += e == E_OK;
        r->refused += e != E_OK;
        if (e != E_OK)
            log_line(LOG_WARN, "mail", "msg=\"an attachment was not kept\" why=\"" PRS "\"",
                     PRA(c->fault.nfields ? c->fault.fields[0].message : c->fault.message));
        c->fault = (struct fault){0};
    }
    return E_OK;
}

static enum err tell_refused(struct ctx *c, struct tx *tx, void *arg)
{
    struct taking *k = arg;
    return letter_tell(c, tx, &k->ticket, "mail_files",
                       arena_fmt(c->mem,
                                 "%d 个附件未保存(类型、大小或数量不符) / attachments not kept",
                                 k->ret->refused));
}

enum err mail_take(struct ctx *c, struct app *app, struct str to, struct str raw,
                   struct mail_taken *ret)
{
    struct taking *k = arena_get(c->mem, sizeof *k);
    *k = (struct taking){.app = app, .to = to, .ret = ret};
    *ret = (struct mail_taken){0};
    if (raw.n > MAIL_BYTES_MAX)
        return FAIL(c, E_TOOBIG, "邮件最大 20 MB", "a message has at most 20 MB");
    TRY(mime_read(c, raw, &k->m));
    TRY(db_read(app->db, c, find, k));
    if (ret->fate == MAIL_IGNORED)
        return E_OK;
    if (ret->fate == MAIL_TICKET) {
        fill_ticket(c, k);
        TRY(res_ticket.prepare(c, app, &k->ticket));
    }
    bool again = ret->fate == MAIL_AGAIN;
    if (!again)
        TRY(db_write(app->db, c, store, k));
    ret->code = row_str(&k->ticket, T_CODE);
    if (ret->fate == MAIL_RETURNED)
        return E_OK;
    TRY(keep_files(c, k));
    return ret->refused && !again ? db_write(app->db, c, tell_refused, k) : E_OK;
}
