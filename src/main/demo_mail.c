/* demo_mail.c - the first community's mailbox, and what was written with customers about some of
 * the tickets that came over the web. */
#include "main/demo_in.h"
#include "rooms/mail/mail.h"

enum { TICKETS_MAX = 12 };
static const struct query Q_BY_MAIL = {
    "demo.by_mail",
    "SELECT id FROM ticket WHERE community_id = $1 AND channel = 6 AND person_id IS "
    "NOT NULL AND created_at < $2 ORDER BY id DESC LIMIT 12"};

static enum err letter(struct ctx *c, struct tx *tx, const struct row *t, enum letter_way way,
                       int64_t at_ms, int i, struct str text)
{
    struct row l = {0};
    bool in = way == LETTER_IN;
    row_put(&l, R_COMMUNITY, t->v[R_COMMUNITY]);
    row_put(&l, LE_TICKET, t->v[R_ID]);
    row_put(&l, LE_WAY, v_int(way));
    row_put(&l, LE_PURPOSE, v_int(in ? LETTER_REQUEST : LETTER_ANSWER));
    row_put(&l, LE_STATE, v_int(in ? LETTER_TAKEN : LETTER_SENT));
    row_put(&l, LE_ADDRESS, v_text(arena_fmt(c->mem, "resident%d@mail.example", 100 + i)));
    row_put(&l, LE_NAME, t->v[T_CONTACT_NAME]);
    row_put(&l, LE_SUBJECT,
            in ? t->v[T_TITLE]
               : v_text(arena_fmt(c->mem, "Re: " PRS " [" PRS "]", PRA(row_str(t, T_TITLE)),
                                  PRA(row_str(t, T_CODE)))));
    row_put(&l, LE_TEXT, v_text(text));
    row_put(
        &l, LE_MESSAGE_ID,
        v_text(arena_fmt(c->mem, "%lld.%d@mail.example", (long long)row_int(t, R_ID), (int)way)));
    if (!in)
        row_put(&l, LE_SENT, v_int(at_ms));
    c->now_ms = at_ms;
    return res_insert(c, tx, &res_letter, &l);
}

enum err mail_write(struct ctx *c, struct tx *tx, struct demo *d)
{
    int64_t town = d->towns[0].id;
    struct row box = {0};
    struct rows rows;
    row_put(&box, R_COMMUNITY, v_int(town));
    row_put(&box, MB_ADDRESS, v_lit("service@anju.example"));
    row_put(&box, MB_NAME, v_lit("物业服务中心"));
    row_put(&box, MB_KIND, v_int(KIND_REPAIR));
    row_put(&box, MB_RECEIPT, v_int(1));
    row_put(&box, MB_SITE, v_lit("http://127.0.0.1:8080"));
    row_put(&box, MB_SIGNATURE, v_lit("物业服务中心 敬上"));
    TRY(res_insert(c, tx, &res_mailbox, &box));
    TRY(q_rows(c, tx, &Q_BY_MAIL, IN(v_int(town), v_int(d->now_ms - 2 * DAY_MS)), TICKETS_MAX,
               &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row t;
        TRY(res_load(c, tx, &res_ticket, val_int(rows.v[i]), &t));
        int64_t came = row_int(&t, R_CREATED_AT), told = row_int(&t, T_RESPONDED);
        struct str text = row_has(&t, T_DETAIL) ? row_str(&t, T_DETAIL) : row_str(&t, T_TITLE);
        TRY(letter(c, tx, &t, LETTER_IN, came, (int)i, text));
        if (row_has(&t, T_RESPONDED) && told <= d->now_ms)
            TRY(letter(c, tx, &t, LETTER_OUT, told, (int)i,
                       S("您好,已收到并安排处理,处理完会再写信告知。")));
    }
    c->now_ms = d->now_ms;
    return E_OK;
}
