/* qr_post.c - what whoever stands before a sign may do without a login: read which place it is, and
 * tell what is wrong there, or with which asset. It becomes an ordinary ticket of the channel `qr`.
 * Anybody can do this, so it is counted: by address, by device, by place or asset and text, per
 * day, in one statement each, so that two at once are two. Whether a phone number is known here is
 * not asked and not told. */
#include <arpa/inet.h>
#include <string.h>

#include "base/crypto.h"
#include "core/event.h"
#include "core/key.h"
#include "rooms/intake/room.h"

enum { ADDRESS_MAX = 10, DEVICE_MAX = 10, SAME_MAX = 2, TEXT_MAX = 2000, TITLE_MAX = 120 };
enum { PHOTO_MS = 15 * 60 * 1000, KEPT_DAYS = 2 };
enum { KIND, TEXT_IN, PHONE, DEVICE };

static const struct column tally_columns[] = {{"community_id", COL_INT, true, NULL},
                                              {"day", COL_TEXT, true, NULL},
                                              {"key_hash", COL_TEXT, true, NULL},
                                              {"n", COL_INT, true, NULL}};
const struct table qr_tables[1] = {{.name = "intake_tally",
                                    .columns = tally_columns,
                                    .ncolumns = COUNT_OF(tally_columns),
                                    .primary_key = "community_id, day, key_hash"}};
static const struct query Q_COUNT = {
    "intake.tally", "INSERT INTO intake_tally (community_id, day, key_hash, n) VALUES ($1, $2, $3, "
                    "1) ON CONFLICT (community_id, day, key_hash) DO UPDATE SET n = intake_tally.n "
                    "+ 1 RETURNING n"};
static const struct query Q_SWEEP = {"intake.tally_sweep",
                                     "DELETE FROM intake_tally WHERE day < $1"};
const struct query *const qr_queries[] = {&Q_COUNT, &Q_SWEEP, NULL};

static enum err sweep(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    (void)app, (void)data;
    struct date d = zone_date(app_zone(0), c->now_ms - KEPT_DAYS * DAY_MS);
    return q_do(c, tx, &Q_SWEEP, IN(v_text(date_text(c->mem, d))), NULL);
}
const struct job intake_jobs[] = {{"intake.sweep", 86400, sweep, NULL}, {0}};

/* --- limits --- */

struct posting {
    struct req *q;
    struct sign sign;
    struct row ticket;
    struct str progress, photo, code;
};

/* Counted under the key file: an address is personal, and there are few enough to try them all. */
enum err tally(struct ctx *c, struct tx *tx, int64_t community, struct str what, int64_t *ret)
{
    struct str key[KEYS_MAX], day = date_text(c->mem, zone_date(app_zone(community), c->now_ms));
    struct val n;
    if (!key_indexes(c->mem, S("intake.tally"), what, key))
        return FAIL(c, E_BUSY, "服务器缺少密钥文件,请联系物业",
                    "the server lacks its key file; please tell the property office");
    TRY(q_one(c, tx, &Q_COUNT, IN(v_int(community), v_text(day), v_text(key[0])), &n, 1));
    *ret = val_int(n);
    return E_OK;
}

/* Who is one: an IPv4 address, or the /64 that a provider gives a household; there are more
 * addresses in one than anybody could count. */
static struct str neighbourhood(struct arena *a, struct str peer)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    uint8_t six[16];
    if (inet_pton(AF_INET6, str_z(a, peer), six) != 1)
        return peer;
    bool is_four = memcmp(six, mapped, sizeof mapped) == 0;
    return is_four ? hex_of(a, six + sizeof mapped, 4) : hex_of(a, six, 8);
}

/* The same words with other spaces between them are the same words. */
static struct str bare(struct arena *a, struct str s)
{
    char *p = arena_get(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] > ' ')
            p[n++] = s.p[i];
    return (struct str){p, n};
}

static enum err too_often(struct ctx *c, const char *field)
{
    c->fault.retry_after_s = 3600;
    (void)FAIL_FIELD(c, field, "too_many", "今天从这里提交的已达 %d 次,请明天再来或打物业电话",
                     "%d were sent from here today: come back tomorrow, or call the office",
                     ADDRESS_MAX);
    return E_RATE;
}

/* Always in this order: two at once wait for each other and never in a ring. */
static enum err limits(struct ctx *c, struct tx *tx, const struct posting *p)
{
    int64_t n, asset = p->sign.asset_id;
    const struct row *in = &p->q->in;
    struct str text = bare(c->mem, row_str(in, TEXT_IN)), device = row_str(in, DEVICE);
    TRY(tally(c, tx, p->sign.community_id,
              arena_fmt(c->mem, "a\n" PRS, PRA(neighbourhood(c->mem, p->q->h->peer))), &n));
    if (n > ADDRESS_MAX)
        return too_often(c, "address");
    TRY(tally(c, tx, p->sign.community_id,
              arena_fmt(c->mem, "d\n%lld\n" PRS, (long long)p->sign.id, PRA(device)), &n));
    if (n > DEVICE_MAX)
        return too_often(c, "device");
    TRY(tally(c, tx, p->sign.community_id,
              arena_fmt(c->mem, "%c\n%lld\n" PRS, asset ? 'e' : 't',
                        (long long)(asset ? asset : p->sign.space_id), PRA(text)),
              &n));
    if (n <= SAME_MAX)
        return E_OK;
    (void)FAIL_FIELD(c, "text", "same", "今天这里已收到 %d 条同样的内容,正在处理,不必再发",
                     "the same words came %d times from here today: it is being looked after",
                     SAME_MAX);
    return E_EXISTS;
}

/* --- reading a sign, telling --- */

static enum err sign_get(struct ctx *c, struct req *q)
{
    struct sign s;
    TRY(space_code_find(c, q->tx, q->words[0], &s));
    buf_put(&q->out, S("{\"place\":"));
    buf_json(&q->out, s.place);
    if (s.asset_id)
        sign_put_asset(&q->out, s.asset, s.asset_code);
    buf_putc(&q->out, '}');
    return E_OK;
}

static enum err sign_find(struct ctx *c, struct tx *tx, void *arg)
{
    struct posting *p = arg;
    struct sign s;
    TRY(space_code_find(c, tx, p->q->words[0], &s));
    p->sign = s;
    return E_OK;
}

static enum err fill_ticket(struct ctx *c, struct posting *p)
{
    struct row *t = &p->ticket;
    const struct row *in = &p->q->in;
    struct str text = str_trim(row_str(in, TEXT_IN)), line = text;
    if (!text.n)
        return FAIL_FIELD(c, "text", "required", "必填", "required");
    line = utf8_head(str_trim(str_next(&line, '\n')), TITLE_MAX);
    char *title = arena_get(c->mem, line.n + 1);
    for (size_t i = 0; i < line.n; i++)
        title[i] = (unsigned char)line.p[i] < ' ' ? ' ' : line.p[i];
    row_put(t, R_COMMUNITY, v_int(p->sign.community_id));
    row_put(t, T_KIND, in->v[KIND]);
    row_put(t, T_CHANNEL, v_int(CH_QR));
    row_put(t, T_SPACE, v_int(p->sign.space_id));
    if (p->sign.asset_id)
        row_put(t, T_ASSET, v_int(p->sign.asset_id));
    row_put(t, T_TITLE, v_text((struct str){title, line.n}));
    if (text.n != line.n)
        row_put(t, T_DETAIL, v_text(text));
    if (row_has(in, PHONE))
        row_put(t, T_CONTACT_PHONE, in->v[PHONE]);
    return E_OK;
}

static enum err store(struct ctx *c, struct tx *tx, void *arg)
{
    struct posting *p = arg;
    struct row t = p->ticket;
    struct sign s;
    TRY(space_code_find(c, tx, p->q->words[0], &s)); /* it may have been withdrawn meanwhile */
    row_put(&t, T_SPACE, v_int(s.space_id));         /* or its asset moved */
    TRY(limits(c, tx, p));
    TRY(res_insert(c, tx, &res_ticket, &t));
    p->code = row_str(&t, T_CODE);
    TRY(public_link_make(c, tx, &t, PUBLIC_PROGRESS, c->now_ms + PROGRESS_DAYS * DAY_MS,
                         &p->progress));
    return public_link_make(c, tx, &t, PUBLIC_PHOTO, c->now_ms + PHOTO_MS, &p->photo);
}

static enum err sign_post(struct ctx *c, struct req *q)
{
    struct posting p = {.q = q};
    TRY(db_read(q->app->db, c, sign_find, &p));
    TRY(fill_ticket(c, &p));
    TRY(res_ticket.prepare(c, q->app, &p.ticket));
    TRY(db_write(q->app->db, c, store, &p));
    buf_put(&q->out, S("{\"code\":"));
    buf_json(&q->out, p.code);
    buf_fmt(&q->out, ",\"progress\":\"/p/" PRS "\",\"photo\":\"" PRS "\"}", PRA(p.progress),
            PRA(p.photo));
    return E_OK;
}

/* --- one photo --- */

struct photo {
    struct req *q;
    struct row link, ticket;
};

static enum err photo_find(struct ctx *c, struct tx *tx, void *arg)
{
    struct photo *p = arg;
    TRY(public_link_find(c, tx, PUBLIC_PHOTO, p->q->words[0], c->now_ms, &p->link, &p->ticket));
    if (row_int(&p->link, PU_STATE) != LINK_LIVE)
        return FAIL(c, E_EXISTS, "照片已收到", "the photo was received already");
    return E_OK;
}

/* Before a byte of the body: nobody without a fresh request of his own gets to fill the disk. */
static enum err photo_enter(struct ctx *c, struct req *q)
{
    struct photo p = {.q = q};
    TRY(public_enter(c, q));
    return db_read(q->app->db, c, photo_find, &p);
}

static enum err photo_used(struct ctx *c, struct tx *tx, void *arg)
{
    struct photo p = {.q = arg};
    struct row none = {0};
    TRY(photo_find(c, tx, &p));
    return flow_act_row(c, tx, &res_public_link, &p.link, "use", &none, 0);
}

static enum err photo_post(struct ctx *c, struct req *q)
{
    struct photo p = {.q = q};
    c->who = NULL; /* the login was read again when the body was there */
    TRY(db_read(q->app->db, c, photo_find, &p));
    TRY(file_take(c, q, &res_ticket, row_int(&p.ticket, R_ID), photo_used, q));
    buf_clear(&q->out);
    buf_put(&q->out, S("{\"ok\":true}"));
    return E_OK;
}

static const struct choice kinds[] = {{KIND_REPAIR, "repair", {"报修", "Repair"}, NULL},
                                      {KIND_SAFETY, "safety", {"安全隐患", "Safety hazard"}, NULL},
                                      {KIND_SUGGESTION, "suggestion", {"建议", "Suggestion"}, NULL},
                                      {KIND_COMPLAINT, "complaint", {"投诉", "Complaint"}, NULL},
                                      {0}};
static const struct field post_fields[] = {
    [KIND] = {"kind", F_ENUM, REQUIRED, .choices = kinds, .label = {"类别", "Kind"}},
    [TEXT_IN] = {"text", F_LONGTEXT, REQUIRED, 1, TEXT_MAX, .label = {"内容", "What is wrong"}},
    [PHONE] = {"phone", F_PHONE, PERSONAL, .label = {"联系电话", "Phone"}},
    [DEVICE] = {"device", F_TEXT, 0, 0, 64, .label = {"设备", "Device"},
                .help = {"浏览器自己的随机编号", "a random number of the browser's own"}}};
const struct route qr_routes[] = {{"GET",
                                   "/api/v1/public/places/{token}",
                                   NULL,
                                   PUBLIC,
                                   public_enter,
                                   sign_get,
                                   NULL,
                                   0,
                                   {"二维码所在地点或设备", "The place or asset of a QR sign"},
                                   "{place:str,asset?:str,asset_code?:str}",
                                   0,
                                   NULL},
                                  {"POST",
                                   "/api/v1/public/places/{token}",
                                   NULL,
                                   PUBLIC | NO_TX | NO_CSRF,
                                   public_enter,
                                   sign_post,
                                   post_fields,
                                   COUNT_OF(post_fields),
                                   {"扫码提交", "Tell what is wrong at a QR sign"},
                                   "{code:str,progress:str,photo:str}",
                                   201,
                                   NULL},
                                  {"POST",
                                   "/api/v1/public/photos/{token}",
                                   NULL,
                                   PUBLIC | NO_TX | NO_CSRF | MULTIPART,
                                   photo_enter,
                                   photo_post,
                                   NULL,
                                   0,
                                   {"补一张照片", "One photo of what was told"},
                                   "{ok:bool}",
                                   201,
                                   NULL},
                                  {0}};
