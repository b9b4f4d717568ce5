/* public_link.c - an address that needs no login: whoever was given it follows one ticket, or rates
 * it once. What opens it is 128 random bits, shown once to whoever makes it; only its SHA-256 is
 * kept, so a stolen database opens nothing. It ends by itself and can be withdrawn
 * (docs/why/0090). */
#include "base/crypto.h"
#include "core/event.h"
#include "rooms/intake/room.h"

enum { TOKEN_BYTES = 16, LINKS_MAX = 20 };

static const struct choice kinds[] = {
    {PUBLIC_PROGRESS, "progress", {"查看进度", "Progress"}, "blue"},
    {PUBLIC_RATE, "rate", {"评价", "Rating"}, "green"},
    {PUBLIC_PHOTO, "photo", {"补照片", "One photo"}, "grey"},
    {0}};
/* What staff may make; the third is handed out with a request from a sign (qr_post.c). */
static const struct choice made_kinds[] = {
    {PUBLIC_PROGRESS, "progress", {"查看进度", "Progress"}, "blue"},
    {PUBLIC_RATE, "rate", {"评价", "Rating"}, "green"},
    {0}};
static const struct choice states[] = {{LINK_LIVE, "live", {"有效", "Live"}, "green"},
                                       {LINK_USED, "used", {"已使用", "Used"}, "grey"},
                                       {LINK_REVOKED, "revoked", {"已撤回", "Withdrawn"}, "red"},
                                       {0}};
static const struct field link_fields[PU__N] = {
    STANDARD_FIELDS,
    [PU_TICKET] = {"ticket_id", F_REF, SERVER_SET | FILTER | LIST | INDEXED, .ref = "tickets",
                   .label = {"工单", "Ticket"}},
    [PU_KIND] = {"kind", F_ENUM, SERVER_SET | FILTER | LIST, .choices = kinds,
                 .label = {"用途", "For"}},
    [PU_TOKEN] = {"token_hash", F_TEXT, SERVER_SET | HIDDEN, .label = {"摘要", "Hash"}},
    [PU_EXPIRES] = {"expires_at", F_INSTANT, SERVER_SET | FILTER | SORT | LIST,
                    .label = {"到期", "Ends"}},
    [PU_STATE] = {"state", F_ENUM, SERVER_SET | FILTER | LIST, .choices = states,
                  .label = {"状态", "State"}},
    [PU_ENDED] = {"ended_at", F_INSTANT, SERVER_SET,
                  .label = {"使用或撤回时间", "Used or withdrawn"}},
};
static const struct index link_indexes[] = {{"public_link_token", "token_hash", NULL, true}};

static enum err effect_end(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                           const struct row *in)
{
    (void)tx, (void)old, (void)in;
    row_put(neu, PU_ENDED, v_int(c->now_ms));
    return E_OK;
}
static const struct action actions[] = {{"revoke", {"撤回", "Withdraw"}, "danger", NULL, 0},
                                        {"use", {"使用", "Use"}, "plain", NULL, 0}};
static const struct step steps[] = {
    {LINK_LIVE,
     LINK_REVOKED,
     "revoke",
     {{"ticket.desk", NULL}, {"ticket.dispatch", NULL}},
     NULL,
     NULL,
     effect_end,
     "public_link.revoked"},
    {LINK_LIVE, LINK_USED, "use", {{NULL, NULL}}, NULL, NULL, effect_end, "public_link.used"}};
static const struct machine machine = {PU_STATE, actions, COUNT_OF(actions), steps,
                                       COUNT_OF(steps)};
const struct resource res_public_link = {.name = "public_link",
                                         .path = "public-links",
                                         .label = {"免登录链接", "Public link"},
                                         .fields = link_fields,
                                         .nfields = PU__N,
                                         .indexes = link_indexes,
                                         .nindexes = 1,
                                         .title = "id",
                                         .read = "ticket.read",
                                         .machine = &machine};

static const struct query Q_LIVE = {
    "intake.link_live", "SELECT count(*) FROM public_link WHERE community_id = $1 AND ticket_id = "
                        "$2 AND kind = $3 AND state = 1 AND expires_at > $4"};
/* One statement whatever is wrong with a token, so that its answer tells nothing by its time. A
 * community that was closed answers for nothing any more. */
static const struct query Q_FIND = {
    "intake.link_find",
    "SELECT l.id, l.ticket_id FROM public_link l JOIN community c ON c.id = l.community_id WHERE "
    "l.token_hash = $1 AND l.kind = $2 AND l.state <> 3 AND l.expires_at > $3 AND l.archived = 0 "
    "AND c.archived = 0"};
const struct query *const public_link_queries[] = {&Q_LIVE, &Q_FIND, NULL};

/* --- tokens --- */

struct str public_token(struct arena *a)
{
    uint8_t bytes[TOKEN_BYTES];
    rand_bytes(bytes, sizeof bytes);
    return hex_of(a, bytes, sizeof bytes); /* no sign that a chat window leaves off at the end */
}

struct str public_token_hash(struct arena *a, struct str token)
{
    uint8_t sha[HASH_BYTES];
    hash_sha256(token, sha);
    return hex_of(a, sha, sizeof sha);
}

enum err no_public_link(struct ctx *c)
{
    return FAIL(c, E_MISSING, "链接无效或已过期,请向物业索取新的链接",
                "the link is not valid or has expired; ask the property office for a new one");
}

enum err public_link_find(struct ctx *c, struct tx *tx, enum public_kind kind, struct str token,
                          int64_t alive_ms, struct row *ret_link, struct row *ret_ticket)
{
    struct val v[2];
    enum err e = q_one(c, tx, &Q_FIND,
                       IN(v_text(public_token_hash(c->mem, token)), v_int(kind), v_int(alive_ms)),
                       v, 2);
    if (e == E_MISSING)
        return no_public_link(c);
    TRY(e);
    TRY(res_load(c, tx, &res_public_link, val_int(v[0]), ret_link));
    return res_load(c, tx, &res_ticket, val_int(v[1]), ret_ticket);
}

/* --- making one --- */

int64_t rating_ends_ms(const struct row *t)
{
    int64_t closed = row_int(t, T_CLOSED), told = row_int(t, T_INFORMED);
    return (closed > told ? closed : told) + RATE_DAYS * DAY_MS;
}

enum err public_link_make(struct ctx *c, struct tx *tx, const struct row *ticket,
                          enum public_kind kind, int64_t ends_ms, struct str *ret_token)
{
    struct row row = {0};
    struct str token = public_token(c->mem);
    row_put(&row, R_COMMUNITY, ticket->v[R_COMMUNITY]);
    row_put(&row, PU_TICKET, ticket->v[R_ID]);
    row_put(&row, PU_KIND, v_int(kind));
    row_put(&row, PU_TOKEN, v_text(public_token_hash(c->mem, token)));
    row_put(&row, PU_EXPIRES, v_int(ends_ms));
    row_put(&row, PU_STATE, v_int(LINK_LIVE));
    TRY(res_insert(c, tx, &res_public_link, &row));
    *ret_token = token;
    return E_OK;
}

/* A link that could never be used is not made: who asks hears why. */
static enum err may_be_rated(struct ctx *c, struct tx *tx, const struct row *t)
{
    bool rated;
    if (!ticket_is_told(t))
        return FAIL(c, E_STATE, "处理完成并反馈后才能评价",
                    "it can be rated after the customer was told the result");
    TRY(ticket_is_rated(c, tx, t, &rated));
    if (rated)
        return FAIL(c, E_EXISTS, "已经评价过了", "it has been rated already");
    if (rating_ends_ms(t) <= c->now_ms)
        return FAIL(c, E_STATE, "反馈或关闭已超过 %d 天,不能再评价",
                    "it was told or closed more than %d days ago: too late to rate", RATE_DAYS);
    return E_OK;
}

struct making {
    struct req *q;
    struct str token;
    int64_t ends_ms, community;
};

static enum err make(struct ctx *c, struct tx *tx, void *arg)
{
    struct making *m = arg;
    struct row t;
    struct val n;
    enum public_kind kind = (enum public_kind)row_int(&m->q->in, 0);
    TRY(res_load_seen(c, tx, &res_ticket, m->q->ids[0], &t));
    m->community = row_int(&t, R_COMMUNITY);
    if (!who_may(c->who, "ticket.staff", m->community))
        return FAIL(c, E_DENIED, "您的岗位不能做这件事", "your role may not do this");
    if (kind == PUBLIC_RATE)
        TRY(may_be_rated(c, tx, &t));
    TRY(q_one(c, tx, &Q_LIVE, IN(t.v[R_COMMUNITY], t.v[R_ID], v_int(kind), v_int(c->now_ms)), &n,
              1));
    if (val_int(n) >= LINKS_MAX)
        return FAIL(c, E_TOOBIG, "这张工单已有 %d 个有效链接,请先撤回不用的",
                    "this ticket has %d live links: withdraw those not needed first", LINKS_MAX);
    m->ends_ms = kind == PUBLIC_RATE ? rating_ends_ms(&t) : c->now_ms + PROGRESS_DAYS * DAY_MS;
    return public_link_make(c, tx, &t, kind, m->ends_ms, &m->token);
}

static enum err links_post(struct ctx *c, struct req *q)
{
    struct making m = {.q = q};
    TRY(db_write(q->app->db, c, make, &m));
    buf_fmt(&q->out, "{\"url\":\"/%s/" PRS "\",\"expires_at\":\"",
            row_int(&q->in, 0) == PUBLIC_RATE ? "v" : "p", PRA(m.token));
    buf_instant(&q->out, m.ends_ms, app_zone(m.community));
    buf_put(&q->out, S("\"}"));
    return E_OK;
}

static const struct field make_fields[] = {
    {"kind", F_ENUM, REQUIRED, .choices = made_kinds, .label = {"用途", "For"}}};
/* NO_TX: the answer is a secret shown once, which an idempotency key must not keep. */
const struct route public_link_routes[] = {{"POST",
                                            "/api/v1/tickets/{id}/public-links",
                                            "ticket.staff",
                                            NO_TX,
                                            NULL,
                                            links_post,
                                            make_fields,
                                            COUNT_OF(make_fields),
                                            {"生成免登录链接", "Make a link that needs no login"},
                                            "{url:str,expires_at:instant}",
                                            201,
                                            NULL},
                                           {0}};
