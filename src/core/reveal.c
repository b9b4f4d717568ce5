/* reveal.c - a masked row in full: one row, for a reason, on the record. Lists and pages stay
 * masked for everybody but the row's own people, so that a screen left open, a screenshot or an
 * export tells nobody's number; who needs to call somebody asks for that one, and the event log
 * keeps who, which fields, and why (never the values). Source: domain-rules 6.1, T-97. */
#include "core/core.h"

enum { REVEAL_PER_S = 1, REVEAL_BURST = 60 };

static void fields_json(const struct resource *r, const struct row *row, struct buf *b)
{
    int n = 0;
    for (int i = R_FIRST; i < r->nfields; i++)
        if (r->fields[i].flags & PERSONAL && !(r->fields[i].flags & HIDDEN) && row_has(row, i))
            buf_fmt(b, "%s\"%s\"", n++ ? "," : "", r->fields[i].name);
}

static enum err note(struct ctx *c, struct tx *tx, const struct resource *r, const struct row *row,
                     struct str reason)
{
    struct buf b;
    buf_init(&b, c->mem, 8 << 10);
    buf_put(&b, S("{\"action\":\"reveal\",\"internal\":true,\"reason\":"));
    buf_json(&b, reason);
    buf_put(&b, S(",\"fields\":["));
    fields_json(r, row, &b);
    buf_put(&b, S("]}"));
    struct event e = {.topic = str_z(c->mem, arena_fmt(c->mem, "%s.revealed", r->name)),
                      .res = r,
                      .id = row_int(row, R_ID),
                      .community_id = row_int(row, R_COMMUNITY),
                      .data = buf_str(&b)};
    return tx_emit(c, tx, &e);
}

bool reveal_offered(const struct resource *r)
{
    for (int i = R_FIRST; i < r->nfields; i++)
        if (r->fields[i].flags & PERSONAL)
            return true;
    return false;
}

const struct field reveal_fields[] = {
    {"reason", F_TEXT, REQUIRED, 2, 200, .label = {"查看原因", "Reason"},
     .help = {"会记入日志", "goes on the record"}},
};
const int reveal_nfields = COUNT_OF(reveal_fields);

enum err reveal_post(struct ctx *c, struct req *q)
{
    const struct res_rt *rt = rt_of(q->res);
    struct row row;
    TRY(res_load_seen(c, q->tx, q->res, q->ids[0], &row));
    int64_t community = row_int(&row, R_COMMUNITY);
    if (!who_may_i(c->who, personal_read_index(), community))
        return FAIL(c, E_DENIED, "您的岗位不能查看完整个人信息",
                    "your role may not see personal data in full");
    TRY(note(c, q->tx, q->res, &row, row_str(&q->in, 0)));
    buf_put(&q->out, S("{\"values\":{"));
    for (int i = R_FIRST, n = 0; i < q->res->nfields; i++) {
        const struct field *f = &q->res->fields[i];
        if (!(f->flags & PERSONAL) || !field_seen(c, rt, i, community))
            continue;
        buf_fmt(&q->out, "%s\"%s\":", n++ ? "," : "", f->name);
        field_to_json(&q->out, f, row_shown(c, q->res, &row, i, true), app_zone(community));
    }
    buf_put(&q->out, S("}}"));
    return E_OK;
}

/* So that nobody copies a whole community row by row without being noticed. */
enum err reveal_prepare(struct ctx *c, struct req *q)
{
    int wait_s;
    (void)q;
    struct str key = arena_fmt(c->mem, "reveal:%lld", (long long)c->who->user_id);
    if (limit_take(key, REVEAL_PER_S, REVEAL_BURST, &wait_s))
        return E_OK;
    c->fault.retry_after_s = wait_s;
    return FAIL(c, E_RATE, "查看得太频繁,请稍后再试", "too many at once; wait a moment");
}
