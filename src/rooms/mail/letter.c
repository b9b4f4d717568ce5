/* letter.c - what was written by e-mail about a ticket, both ways, and how far each letter got. A
 * letter belongs to a ticket; whoever works on the ticket reads it. Addresses are masked. */
#include "base/crypto.h"
#include "core/event.h"
#include "rooms/mail/room.h"

enum { SHOWN_MAX = 50, TOPIC_CHARS = 150 };

static const struct choice ways[] = {
    {LETTER_IN, "in", {"来信", "In"}, "blue"}, {LETTER_OUT, "out", {"去信", "Out"}, "grey"}, {0}};
static const struct choice purposes[] = {
    {LETTER_REQUEST, "request", {"来信", "From a customer"}, NULL},
    {LETTER_ANSWER, "answer", {"回信", "Answer"}, NULL},
    {LETTER_RECEIPT, "receipt", {"收悉通知", "Receipt"}, NULL},
    {LETTER_TOLD, "told", {"处理结果", "Result"}, NULL},
    {0}};
static const struct choice states[] = {{LETTER_TAKEN, "taken", {"已收", "Taken"}, "grey"},
                                       {LETTER_WAITING, "waiting", {"待发", "Waiting"}, "amber"},
                                       {LETTER_SENT, "sent", {"已发", "Sent"}, "green"},
                                       {LETTER_FAILED, "failed", {"未发出", "Not sent"}, "red"},
                                       {LETTER_RETURNED, "returned", {"被退回", "Returned"}, "red"},
                                       {LETTER_DROPPED, "dropped", {"已放弃", "Dropped"}, "grey"},
                                       {0}};
static const struct field letter_fields[LE__N] = {
    STANDARD_FIELDS,
    [LE_TICKET] = {"ticket_id", F_REF, SERVER_SET | FILTER | LIST, .ref = "tickets",
                   .label = {"工单", "Ticket"}},
    [LE_WAY] = {"way", F_ENUM, SERVER_SET | FILTER | LIST, .choices = ways,
                .label = {"方向", "Way"}},
    [LE_PURPOSE] = {"purpose", F_ENUM, SERVER_SET | FILTER | LIST, .choices = purposes,
                    .label = {"用途", "For"}},
    [LE_STATE] = {"state", F_ENUM, SERVER_SET | FILTER | LIST, .choices = states,
                  .label = {"状态", "State"}},
    [LE_ADDRESS] = {"address", F_EMAIL, SERVER_SET | PERSONAL | LIST | UNLOGGED,
                    .label = {"对方邮箱", "Address"}},
    [LE_NAME] = {"name", F_TEXT, SERVER_SET | PERSONAL | UNLOGGED, .label = {"对方", "Name"}},
    [LE_SUBJECT] = {"subject", F_TEXT, SERVER_SET | LIST | SEARCH | UNLOGGED,
                    .label = {"主题", "Subject"}},
    [LE_TEXT] = {"text", F_LONGTEXT, SERVER_SET | SEARCH | UNLOGGED, .label = {"内容", "Text"}},
    [LE_MESSAGE_ID] = {"message_id", F_TEXT, SERVER_SET | HIDDEN, 0, 250,
                       .label = {"信件编号", "Message id"}},
    [LE_ANSWERS] = {"answers", F_TEXT, SERVER_SET | HIDDEN, 0, 250,
                    .label = {"所回复的信件", "Answers"}},
    [LE_TRIES] = {"tries", F_INT, SERVER_SET, .label = {"已试次数", "Tries"}},
    [LE_NEXT] = {"next_at", F_INSTANT, SERVER_SET, .label = {"下次发送", "Next try"}},
    [LE_SENT] = {"sent_at", F_INSTANT, SERVER_SET | LIST, .label = {"发出时间", "Sent"}},
    [LE_REASON] = {"reason", F_TEXT, SERVER_SET | LIST, 0, 300, .label = {"原因", "Reason"}},
};
static const struct index letter_indexes[] = {
    {"letter_ticket", "community_id, ticket_id, id", NULL, false},
    {"letter_message", "community_id, message_id", NULL, true},
    {"letter_due", "next_at", "state = 2", false}};

/* --- how far it got --- */

static bool goes_out(const struct row *r)
{
    return row_int(r, LE_WAY) == LETTER_OUT;
}

static enum err effect_again(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                             const struct row *in)
{
    (void)old, (void)in;
    row_put(neu, LE_TRIES, v_int(0));
    row_put(neu, LE_NEXT, v_int(c->now_ms));
    row_put(neu, LE_REASON, v_null());
    return tx_job(c, tx, "mail.send", S("{}"), 0, (struct str){0});
}
static enum err effect_end(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                           const struct row *in)
{
    (void)c, (void)tx, (void)old, (void)in;
    row_put(neu, LE_NEXT, v_null());
    return E_OK;
}
static enum err effect_sent(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                            const struct row *in)
{
    (void)tx, (void)old, (void)in;
    row_put(neu, LE_NEXT, v_null());
    row_put(neu, LE_SENT, v_int(c->now_ms));
    row_put(neu, LE_REASON, v_null());
    return E_OK;
}

static const struct field in_why[] = {
    {"reason", F_TEXT, REQUIRED, 1, 300, .label = {"原因", "Reason"}}};
static const struct action actions[] = {
    {"again", {"重新发送", "Send again"}, "primary", NULL, 0},
    {"drop", {"不再发送", "Do not send"}, "danger", NULL, 0},
    {"sent", {"已发出", "Sent"}, "plain", NULL, 0},
    {"fail", {"未发出", "Not sent"}, "plain", in_why, COUNT_OF(in_why)},
    {"return", {"被退回", "Returned"}, "plain", in_why, COUNT_OF(in_why)}};
#define DESK                                                                                       \
    {                                                                                              \
        {"ticket.desk", NULL},                                                                     \
        {                                                                                          \
            "ticket.dispatch", NULL                                                                \
        }                                                                                          \
    }
#define SYSTEM                                                                                     \
    {                                                                                              \
        {                                                                                          \
            NULL, NULL                                                                             \
        }                                                                                          \
    }
static const struct step steps[] = {
    {LETTER_FAILED, LETTER_WAITING, "again", DESK, goes_out, NULL, effect_again, "letter.again"},
    {LETTER_RETURNED, LETTER_WAITING, "again", DESK, goes_out, NULL, effect_again, "letter.again"},
    {LETTER_DROPPED, LETTER_WAITING, "again", DESK, goes_out, NULL, effect_again, "letter.again"},
    {LETTER_WAITING, LETTER_DROPPED, "drop", DESK, NULL, NULL, effect_end, "letter.dropped"},
    {LETTER_FAILED, LETTER_DROPPED, "drop", DESK, NULL, NULL, effect_end, "letter.dropped"},
    {LETTER_WAITING, LETTER_SENT, "sent", SYSTEM, NULL, NULL, effect_sent, "letter.sent"},
    {LETTER_WAITING, LETTER_FAILED, "fail", SYSTEM, NULL, NULL, effect_end, "letter.failed"},
    {LETTER_SENT, LETTER_RETURNED, "return", SYSTEM, NULL, NULL, NULL, "letter.returned"},
    {LETTER_WAITING, LETTER_RETURNED, "return", SYSTEM, NULL, NULL, effect_end, "letter.returned"},
};
static const struct machine machine = {LE_STATE, actions, COUNT_OF(actions), steps,
                                       COUNT_OF(steps)};
/* R10: a worker reads those of his orders. */
static const struct row_rule letter_rules[] = {
    {"ticket.work", "ticket_id IN (" WORKERS_TICKETS ")"}, {0}};
const struct resource res_letter = {.name = "letter",
                                    .path = "letters",
                                    .label = {"邮件", "Letter"},
                                    .fields = letter_fields,
                                    .nfields = LE__N,
                                    .indexes = letter_indexes,
                                    .nindexes = COUNT_OF(letter_indexes),
                                    .title = "subject",
                                    .read = "ticket.desk",
                                    .rules = letter_rules,
                                    .part_of = LE_TICKET,
                                    .words = true,
                                    .machine = &machine};

static const struct query Q_OF_TICKET = {
    "mail.of_ticket", "SELECT id FROM letter WHERE community_id = $1 AND ticket_id = $2 AND "
                      "archived = 0 ORDER BY id DESC LIMIT 50"};
static const struct query Q_ALL = {
    "mail.all", "SELECT id FROM letter WHERE community_id = $1 AND ticket_id = $2 LIMIT 10000"};
static const struct query Q_NEWEST = {
    "mail.newest", "SELECT id FROM letter WHERE community_id = $1 AND ticket_id = $2 AND archived "
                   "= 0 AND address IS NOT NULL ORDER BY way, id DESC LIMIT 1"};
static const struct query Q_FORGET = {
    "mail.forget", "UPDATE letter SET address = NULL, name = NULL, subject = NULL, text = NULL "
                   "WHERE community_id = $1 AND ticket_id = $2"};
static const struct query Q_STOP = {
    "mail.stop", "UPDATE letter SET state = 6, next_at = NULL WHERE community_id = $1 AND "
                 "ticket_id = $2 AND state = 2"};
const struct query *const letter_queries[] = {&Q_OF_TICKET, &Q_ALL,  &Q_NEWEST,
                                              &Q_FORGET,    &Q_STOP, NULL};

/* --- for those who write and take --- */

enum err letter_newest(struct ctx *c, struct tx *tx, const struct row *ticket, struct row *ret)
{
    struct val id;
    TRY(q_one(c, tx, &Q_NEWEST, IN(ticket->v[R_COMMUNITY], ticket->v[R_ID]), &id, 1));
    return res_load(c, tx, &res_letter, val_int(id), ret);
}

enum err letter_tell(struct ctx *c, struct tx *tx, const struct row *ticket, const char *action,
                     struct str text)
{
    struct buf data;
    buf_init(&data, c->mem, 64 << 10);
    buf_fmt(&data, "{\"action\":\"%s\",\"internal\":true,\"text\":", action);
    buf_json(&data, text);
    buf_putc(&data, '}');
    struct event e = {.topic = "ticket.mail",
                      .res = &res_ticket,
                      .id = row_int(ticket, R_ID),
                      .community_id = row_int(ticket, R_COMMUNITY),
                      .code = row_str(ticket, T_CODE),
                      .data = buf_str(&data),
                      .for_staff = row_int(ticket, T_ASSIGNEE)};
    return tx_emit(c, tx, &e);
}

/* An id nobody guesses: who answers it was sent it. */
static struct str message_id(struct ctx *c, struct str address)
{
    uint8_t bytes[16];
    struct str domain = address;
    (void)str_next(&domain, '@');
    rand_bytes(bytes, sizeof bytes);
    return arena_fmt(c->mem, "anju." PRS "@" PRS, PRA(hex_of(c->mem, bytes, sizeof bytes)),
                     PRA(domain));
}

enum err letter_queue(struct ctx *c, struct tx *tx, const struct row *ticket,
                      enum letter_purpose purpose, struct str address, struct str name,
                      struct str text, const struct row *answers)
{
    struct row box, l = {0};
    struct str topic = utf8_head(row_str(ticket, T_TITLE), TOPIC_CHARS);
    if (answers && row_has(answers, LE_SUBJECT))
        topic = utf8_head(row_str(answers, LE_SUBJECT), TOPIC_CHARS);
    TRY(mailbox_of(c, tx, row_int(ticket, R_COMMUNITY), &box));
    row_put(&l, R_COMMUNITY, ticket->v[R_COMMUNITY]);
    row_put(&l, LE_TICKET, ticket->v[R_ID]);
    row_put(&l, LE_WAY, v_int(LETTER_OUT));
    row_put(&l, LE_PURPOSE, v_int(purpose));
    row_put(&l, LE_STATE, v_int(LETTER_WAITING));
    row_put(&l, LE_ADDRESS, v_text(address));
    if (name.n)
        row_put(&l, LE_NAME, v_text(name));
    /* the number in the subject finds the ticket even when a program drops the ids */
    row_put(&l, LE_SUBJECT,
            v_text(arena_fmt(c->mem, "%s" PRS " [" PRS "]", answers ? "Re: " : "",
                             PRA(mail_topic(topic)), PRA(row_str(ticket, T_CODE)))));
    row_put(&l, LE_TEXT, v_text(text));
    row_put(&l, LE_MESSAGE_ID, v_text(message_id(c, row_str(&box, MB_ADDRESS))));
    if (answers)
        row_put(&l, LE_ANSWERS, answers->v[LE_MESSAGE_ID]);
    row_put(&l, LE_TRIES, v_int(0));
    row_put(&l, LE_NEXT, v_int(c->now_ms));
    TRY(res_insert(c, tx, &res_letter, &l));
    return tx_job(c, tx, "mail.send", S("{}"), 0, (struct str){0});
}

enum err letters_forget(struct ctx *c, struct tx *tx, int64_t community, int64_t ticket)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_ALL, IN(v_int(community), v_int(ticket)), 10000, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        TRY(event_hush(c, tx, &res_letter, val_int(rows.v[i])));
        TRY(res_words_forget(c, tx, val_int(rows.v[i])));
    }
    TRY(q_do(c, tx, &Q_STOP, IN(v_int(community), v_int(ticket)), NULL));
    return q_do(c, tx, &Q_FORGET, IN(v_int(community), v_int(ticket)), NULL);
}

/* --- on the ticket --- */

static enum err may_read(struct ctx *c, struct tx *tx, int64_t ticket, struct row *ret)
{
    TRY(res_load_seen(c, tx, &res_ticket, ticket, ret));
    if (!who_may(c->who, "ticket.staff", row_int(ret, R_COMMUNITY)))
        return FAIL(c, E_DENIED, "您的岗位不能查看", "your role may not see this");
    return E_OK;
}

static enum err letters_get(struct ctx *c, struct req *q)
{
    struct row t, box;
    struct rows rows;
    TRY(may_read(c, q->tx, q->ids[0], &t));
    enum err e = mailbox_of(c, q->tx, row_int(&t, R_COMMUNITY), &box);
    if (e != E_OK && e != E_MISSING)
        return e;
    c->fault = (struct fault){0};
    bool ready = e == E_OK && q->app->sendmail &&
                 who_may(c->who, "ticket.desk", row_int(&t, R_COMMUNITY));
    TRY(q_rows(c, q->tx, &Q_OF_TICKET, IN(t.v[R_COMMUNITY], t.v[R_ID]), SHOWN_MAX, &rows));
    buf_fmt(&q->out, "{\"ready\":%s,\"items\":[", ready ? "true" : "false");
    for (size_t i = 0; i < rows.n; i++) {
        struct row l;
        TRY(res_load(c, q->tx, &res_letter, val_int(rows.v[i]), &l));
        if (i)
            buf_putc(&q->out, ',');
        res_render(c, &res_letter, &l, RENDER_ACTIONS, &q->out);
    }
    buf_put(&q->out, S("]}"));
    return E_OK;
}

enum { TEXT_IN, TO };
static enum err letters_post(struct ctx *c, struct req *q)
{
    struct row t, before, none = {0};
    struct str to = row_str(&q->in, TO);
    TRY(may_read(c, q->tx, q->ids[0], &t));
    if (!who_may(c->who, "ticket.desk", row_int(&t, R_COMMUNITY)))
        return FAIL(c, E_DENIED, "只有客服能给客户写信", "only the desk writes to customers");
    if (!q->app->sendmail)
        return FAIL(c, E_STATE, "服务器未设置发信程序(--sendmail),请管理员设置",
                    "the server has no program that sends mail (--sendmail): tell the "
                    "administrator");
    enum err e = letter_newest(c, q->tx, &t, &before);
    if (e != E_OK && e != E_MISSING)
        return e;
    if (e == E_MISSING) {
        c->fault = (struct fault){0};
        before = none;
        if (!to.n)
            return FAIL_FIELD(c, "to", "required", "请填写对方邮箱", "whom is it for?");
    }
    bool same = e == E_OK && (!to.n || str_eq(to, row_str(&before, LE_ADDRESS)));
    TRY(letter_queue(c, q->tx, &t, LETTER_ANSWER, to.n ? to : row_str(&before, LE_ADDRESS),
                     same ? row_str(&before, LE_NAME) : (struct str){0}, row_str(&q->in, TEXT_IN),
                     same ? &before : NULL));
    TRY(letter_tell(c, q->tx, &t, "mail_out", row_str(&q->in, TEXT_IN)));
    buf_put(&q->out, S("{\"ok\":true}"));
    return E_OK;
}

static const struct field post_fields[] = {
    [TEXT_IN] = {"text", F_LONGTEXT, REQUIRED | UNLOGGED, 1, 5000, .label = {"内容", "Text"}},
    [TO] = {"to", F_EMAIL, PERSONAL, .label = {"对方邮箱", "Address"},
            .help = {"不填则回复最近的来信", "empty: whoever wrote last"}}};
const struct route letter_routes[] = {
    {"GET", "/api/v1/tickets/{id}/letters", "ticket.staff", .run = letters_get,
     .help = {"往来邮件", "Letters about it"}, .reply = "{ready:bool,items:[@Letter]}"},
    {"POST", "/api/v1/tickets/{id}/letters", "ticket.desk", .run = letters_post,
     .input = post_fields, .ninput = COUNT_OF(post_fields),
     .help = {"给客户写信", "Write to the customer"}, .reply = "{ok:bool}", .status = 201},
    {0}};
