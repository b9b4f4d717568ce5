/* file_link.c - an address of one file that works without a login, for a short time: for a printer,
 * a player, a chat window that cannot carry a session. It is signed with the key file, names who
 * made it, and making it is on record. Who may see the file may make one. */
#include "core/core.h"
#include "core/key.h"

enum { IN_MINUTES, MINUTES_DEFAULT = 15, MINUTES_MAX = 24 * 60 };
#define USE_LINK "anjulink"

const struct field file_link_fields[] = {
    [IN_MINUTES] = {"minutes", F_INT, 0, 1, MINUTES_MAX,
                    .label = {"有效分钟", "Valid for minutes"}},
};
const struct field file_signed_query[] = {
    {"until", F_INT, 0, .label = {"到期", "Until"}},
    {"by", F_INT, 0, .label = {"生成人", "Made by"}},
    {"sign", F_TEXT, 0, 0, 200, .label = {"签名", "Signature"}},
};

static struct str link_text(struct ctx *c, int64_t file_id, int64_t until_ms, int64_t user_id)
{
    return arena_fmt(c->mem, "file %lld %lld %lld", (long long)file_id, (long long)until_ms,
                     (long long)user_id);
}

struct linking {
    struct req *q;
    struct row file, subject;
    int64_t minutes;
};

static enum err link_note(struct ctx *c, struct tx *tx, void *arg)
{
    struct linking *l = arg;
    TRY(file_find(c, tx, l->q->ids[0], &l->file, &l->subject));
    struct event e = {
        .topic = "file.linked",
        .res = &res_file,
        .id = row_int(&l->file, R_ID),
        .community_id = row_int(&l->file, R_COMMUNITY),
        .data = arena_fmt(c->mem, "{\"action\":\"link\",\"minutes\":%lld}", (long long)l->minutes)};
    return tx_emit(c, tx, &e);
}

enum err file_link(struct ctx *c, struct req *q)
{
    struct linking l = {.q = q, .minutes = MINUTES_DEFAULT};
    struct str sign;
    if (row_has(&q->in, IN_MINUTES))
        l.minutes = row_int(&q->in, IN_MINUTES);
    int64_t until_ms = c->now_ms + l.minutes * 60000, id = q->ids[0];
    TRY(db_write(q->app->db, c, link_note, &l));
    TRY(key_sign(c, USE_LINK, link_text(c, id, until_ms, c->who->user_id), &sign));
    buf_fmt(&q->out,
            "{\"url\":\"/api/v1/files/%lld/signed?until=%lld\\u0026by=%lld\\u0026sign=" PRS
            "\",\"expires_at\":\"",
            (long long)id, (long long)until_ms, (long long)c->who->user_id, PRA(sign));
    buf_instant(&q->out, until_ms, app_zone(row_int(&l.file, R_COMMUNITY)));
    buf_put(&q->out, S("\"}"));
    return E_OK;
}

static enum err signed_find(struct ctx *c, struct tx *tx, void *arg)
{
    struct linking *l = arg;
    return res_load(c, tx, &res_file, l->q->ids[0], &l->file);
}

/* One answer for a wrong, an old and an unknown address. */
static enum err no_link(struct ctx *c)
{
    return FAIL(c, E_MISSING, "链接无效或已过期", "the link is not valid or has expired");
}

enum err file_signed(struct ctx *c, struct req *q)
{
    struct linking l = {.q = q};
    int64_t until_ms, by;
    if (!str_int(http_param(q->h, "until"), &until_ms) || !str_int(http_param(q->h, "by"), &by) ||
        until_ms <= c->now_ms ||
        !key_signed(c->mem, USE_LINK, link_text(c, q->ids[0], until_ms, by),
                    http_param(q->h, "sign")))
        return no_link(c);
    enum err e = db_read(q->app->db, c, signed_find, &l);
    if (e == E_MISSING)
        return no_link(c);
    TRY(e);
    return file_send(c, q, &l.file);
}
