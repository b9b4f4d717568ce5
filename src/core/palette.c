/* palette.c - one question to everything the caller may see: rows that answer by themselves first,
 * then rows of which a part does (a ticket by a remark or a letter), each once. */
#include "core/core.h"
#include "core/search.h"

enum { SEARCH_EACH = 5, SEARCH_ALL = 20, BEFORE_CHARS = 12, SHOWN_CHARS = 60 };

struct hits {
    struct req *q;
    int64_t community_id;
    struct str text;
    int64_t ids[SEARCH_ALL]; /* ids are one series over all resources */
    int n;
};

static bool is_in(const struct hits *h, int64_t id)
{
    for (int i = 0; i < h->n; i++)
        if (h->ids[i] == id)
            return true;
    return false;
}

static void put_hit(struct hits *h, const struct resource *r, int64_t id, struct str title,
                    struct str subtitle)
{
    struct buf *out = &h->q->out;
    buf_fmt(out, "%s{\"resource\":\"%s\",\"id\":%lld,\"title\":", h->n ? "," : "", r->path,
            (long long)id);
    buf_json(out, title);
    buf_put(out, S(",\"subtitle\":"));
    buf_json(out, subtitle);
    buf_putc(out, '}');
    h->ids[h->n++] = id;
}

static struct str code_or_label(struct ctx *c, const struct resource *r, const struct row *row)
{
    const struct res_rt *rt = rt_of(r);
    return rt->code_f >= 0 ? row_str(row, rt->code_f) : str_of(text_in(r->label, c->lang));
}

static struct str title_of(struct ctx *c, const struct resource *r, const struct row *row)
{
    return val_str(row_shown(c, r, row, rt_of(r)->title_f, row_unmasked(c, r, row)));
}

/* The stretch of a text where the first word asked for stands, on one line. */
static struct str stretch(struct ctx *c, struct str text, struct str asked)
{
    struct str low = grams_lower(c->mem, text), rest = grams_lower(c->mem, asked);
    ptrdiff_t at = str_find(low, str_next(&rest, ' '));
    size_t from = text.p && at > 0 ? (size_t)at : 0, back = 0;
    while (from && back < BEFORE_CHARS)
        back += ((unsigned char)text.p[--from] & 0xc0) != 0x80;
    struct str shown = utf8_head(str_sub(text, from, text.n), SHOWN_CHARS);
    struct str ret = arena_fmt(c->mem, "%s" PRS "%s", from ? "…" : "", PRA(shown),
                               from + shown.n < text.n ? "…" : "");
    char *p = arena_get(c->mem, ret.n + 1);
    for (size_t i = 0; i < ret.n; i++)
        p[i] = (unsigned char)ret.p[i] < 0x20 ? ' ' : ret.p[i];
    return (struct str){p, ret.n};
}

/* A part leads to its row, if that may be seen too: the words are those of the part. */
static enum err put_part(struct ctx *c, struct hits *h, const struct resource *r,
                         const struct row *part)
{
    const struct resource *whole = app_resource(str_of(r->fields[r->part_of].ref));
    int64_t id = row_int(part, r->part_of);
    struct row row;
    if (is_in(h, id))
        return E_OK;
    enum err e = res_load_seen(c, h->q->tx, whole, id, &row);
    if (e == E_MISSING || e == E_DENIED) { /* the part alone shows nothing */
        c->fault = (struct fault){0};
        return E_OK;
    }
    TRY(e);
    struct str text = title_of(c, r, part);
    for (int i = R_FIRST; i < r->nfields; i++) { /* the longest text is what was written */
        const struct field *f = &r->fields[i];
        if (f->type == F_LONGTEXT && f->flags & SEARCH && row_str(part, i).n)
            text = row_str(part, i);
    }
    put_hit(h, whole, id, stretch(c, text, h->text),
            arena_fmt(c->mem, "%s · " PRS, text_in(r->label, c->lang),
                      PRA(code_or_label(c, whole, &row))));
    return E_OK;
}

static enum err search_one(struct ctx *c, struct hits *h, const struct resource *r)
{
    const struct res_rt *rt = rt_of(r);
    struct list_spec s = {.community_id = r->system ? 0 : h->community_id,
                          .sort = R_ID,
                          .desc = true,
                          .limit = SEARCH_EACH,
                          .q = h->text};
    struct row *rows;
    size_t found;
    struct str next;
    if (!rt->search_f || rt->title_f < 0 || !rules_any(c, rt, s.community_id))
        return E_OK;
    TRY(search_plan(c, h->q->tx, rt, &s));
    TRY(list_run(c, h->q->tx, rt, &s, &rows, &found, &next));
    for (size_t i = 0; i < found && h->n < SEARCH_ALL; i++) {
        if (r->part_of)
            TRY(put_part(c, h, r, &rows[i]));
        else
            put_hit(h, r, row_int(&rows[i], R_ID), title_of(c, r, &rows[i]),
                    code_or_label(c, r, &rows[i]));
    }
    return E_OK;
}

enum err search_get(struct ctx *c, struct req *q)
{
    const struct resource *const *list;
    int nlist = app_resources(&list);
    struct hits h = {.q = q};
    struct str text = str_trim(http_param(q->h, "q"));
    TRY(req_community(c, q, NULL, &h.community_id));
    buf_put(&q->out, S("{\"items\":["));
    h.text = utf8_head(text, 60);
    for (int parts = 0; parts < 2 && text.n && utf8_valid(text); parts++)
        for (int i = nlist - 1; i >= 0; i--) /* later rooms first: tickets before buildings */
            if (parts == (list[i]->part_of != 0))
                TRY(search_one(c, &h, list[i]));
    buf_put(&q->out, S("]}"));
    return E_OK;
}
