/* copy.c - see copy.h. The person's own copy is the one place where encrypted and masked values
 * leave in full without a reason: they are his. */
#include "core/copy.h"

#include <string.h>

#include "core/res_in.h"

enum { CELL_BYTES = 64 << 10, PAGE_TEXT_BYTES = 8 << 20 };

static bool about_others(const struct field *f)
{
    return f->type == F_REF &&
           (str_eqz(str_of(f->ref), "users") || str_eqz(str_of(f->ref), "staff"));
}

static bool is_copied(const struct field *f)
{
    return !(f->flags & HIDDEN) && f->type != F_SECRET && !f->see && !about_others(f);
}

static void put_cell(struct ctx *c, const struct field *f, struct val v, const struct zone *z,
                     enum copy_as as, int n, struct buf *out)
{
    struct buf cell;
    if (as == COPY_JSON) {
        buf_fmt(out, "%s\"%s\":", n ? "," : "{", f->name);
        field_to_json(out, f, v, z);
        return;
    }
    buf_init(&cell, c->mem, CELL_BYTES);
    const struct choice *ch = f->type == F_ENUM ? choice_of_code(f->choices, val_int(v)) : NULL;
    if (ch)
        buf_putz(&cell, text_in(ch->label, c->lang));
    else
        field_to_text(&cell, f, v, z);
    buf_put(out, S("<td>"));
    buf_html(out, buf_str(&cell));
    buf_put(out, S("</td>"));
}

static void put_head(struct ctx *c, const char *name, struct text label, const struct field *fields,
                     int nfields, enum copy_as as, struct buf *out)
{
    if (as == COPY_JSON) {
        buf_fmt(out, ",\"%s\":[", name);
        return;
    }
    buf_put(out, S("<h2>"));
    buf_html(out, str_of(text_in(label, c->lang)));
    buf_put(out, S("</h2><table><thead><tr>"));
    for (int i = 0; i < nfields; i++)
        if (is_copied(&fields[i])) {
            buf_put(out, S("<th>"));
            buf_html(out, str_of(text_in(fields[i].label, c->lang)));
            buf_put(out, S("</th>"));
        }
    buf_put(out, S("</tr></thead><tbody>\n"));
}

static void put_tail(enum copy_as as, struct buf *out)
{
    buf_put(out, as == COPY_JSON ? S("]") : S("</tbody></table>\n"));
}

enum err copy_section(struct ctx *c, struct tx *tx, const struct resource *r, const char *where,
                      int64_t community, int64_t id, enum copy_as as, struct buf *out)
{
    const struct res_rt *rt = rt_of(r);
    struct res_page page;
    struct str sql = arena_fmt(c->mem,
                               "SELECT " PRS " FROM %s WHERE community_id = $1 AND %s ORDER BY id "
                               "LIMIT %d",
                               PRA(rt->columns), r->name, where, COPY_ROWS);
    const struct query *q = db_query(tx_db(tx), c->mem, S("copy"), sql);
    TRY(res_rows(c, tx, q, IN(v_int(community), v_int(id)), COPY_ROWS, PAGE_TEXT_BYTES, &page));
    put_head(c, r->name, r->label, r->fields, r->nfields, as, out);
    for (size_t i = 0; i < page.n; i++) {
        buf_put(out, as == COPY_HTML ? S("<tr>") : i ? S(",") : S(""));
        for (int f = 0, n = 0; f < r->nfields; f++)
            if (is_copied(&r->fields[f]))
                put_cell(c, &r->fields[f], row_shown(c, r, &page.rows[i], f, true),
                         app_zone(community), as, n++, out);
        buf_put(out, as == COPY_HTML ? S("</tr>\n") : S("}"));
    }
    put_tail(as, out);
    return E_OK;
}

enum err copy_list(struct ctx *c, struct tx *tx, const struct copy_query *q, int64_t community,
                   int64_t id, enum copy_as as, struct buf *out)
{
    struct rows rows;
    TRY(q_rows(c, tx, q->query, IN(v_int(community), v_int(id)), COPY_ROWS, &rows));
    put_head(c, q->name, q->label, q->fields, q->nfields, as, out);
    for (size_t i = 0; i < rows.n; i++) {
        buf_put(out, as == COPY_HTML ? S("<tr>") : i ? S(",") : S(""));
        for (int f = 0; f < q->nfields; f++)
            put_cell(c, &q->fields[f], rows.v[i * (size_t)rows.ncol + (size_t)f],
                     app_zone(community), as, f, out);
        buf_put(out, as == COPY_HTML ? S("</tr>\n") : S("}"));
    }
    put_tail(as, out);
    return E_OK;
}
