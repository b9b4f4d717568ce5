/* replies.c - the approved wordings for one ticket, its own values filled in. What is masked stays
 * masked: a wording is no way around asking for it. */
#include "rooms/service/ticket.h"

static struct str when(struct ctx *c, const struct row *t)
{
    const struct zone *z = app_zone(row_int(t, R_COMMUNITY));
    int64_t at_ms = row_int(t, T_RESOLVE_DUE);
    struct date d = zone_date(z, at_ms);
    int64_t minute = (at_ms - zone_instant_ms(z, d, 0)) / 60000;
    if (!row_has(t, T_RESOLVE_DUE))
        return (struct str){0};
    return arena_fmt(c->mem, "%04d-%02d-%02d %02d:%02d", d.y, d.m, d.d, (int)(minute / 60),
                     (int)(minute % 60));
}

/* What the mask shows everybody: the first character. The whole name is given by reveal alone, with
 * a reason, on record. */
static struct str first_of(struct str name)
{
    size_t n = name.n ? 1 : 0;
    while (n < name.n && ((unsigned char)name.p[n] & 0xC0) == 0x80)
        n++;
    return (struct str){name.p, n};
}

static enum err replies_get(struct ctx *c, struct req *q)
{
    struct row t;
    TRY(res_load_seen(c, q->tx, &res_ticket, q->ids[0], &t));
    int64_t community = row_int(&t, R_COMMUNITY);
    if (!who_may(c->who, "ticket.staff", community))
        return FAIL(c, E_DENIED, "您的岗位不能查看", "your role may not see this");
    struct str values[REPLY__N] = {
        [REPLY_TICKET] = row_str(&t, T_CODE),
        [REPLY_TITLE] = row_str(&t, T_TITLE),
        [REPLY_NAME] = first_of(row_str(&t, T_CONTACT_NAME)),
        [REPLY_DUE] = when(c, &t),
        [REPLY_RESULT] = row_str(&t, T_RESULT),
        [REPLY_STAFF] = c->who->name,
    };
    buf_put(&q->out, S("{\"items\":["));
    TRY(handbook_replies(c, q->tx, community, row_int(&t, T_KIND), values, &q->out));
    buf_put(&q->out, S("]}"));
    return E_OK;
}

const struct route reply_routes[] = {{"GET", "/api/v1/tickets/{id}/replies", "ticket.staff",
                                      .run = replies_get, .help = {"可用的答复", "Wordings for it"},
                                      .reply = "{items:[{id:int,title:str,text:str}]}"},
                                     {0}};
