/* export.c - a list as a file: the list's own query and row rules, all its rows, page after page
 * with memory of one page. What a caller may see and what is masked is asked of the same functions
 * that render JSON; a file must never tell more than the screen: personal values are masked, unless
 * somebody with the right says why (?unmasked=1&reason=…). Every file is put on record before it is
 * made, and every row carries the mark of that record, so a file that turns up somewhere says whose
 * it was. The rows come from one read transaction: one snapshot. */
#include <string.h>

#include "base/log.h"
#include "core/core.h"
#include "core/csv.h"
#include "core/xlsx.h"

enum { PAGE_ROWS = 200, EXPORT_ROWS_MAX = 100000 };

struct export
{
    struct req *q;
    const struct res_rt *rt;
    struct list_spec spec;
    const struct zone *zone;
    bool csv, plain; /* plain: personal values of all rows in full */
    struct str reason, mark;
    struct xlsx *xlsx; /* of XLSX, inside the transaction */
    int64_t rows;
};
typedef void (*row_out_fn)(struct ctx *c, struct export *x, const struct row *row);

static bool is_column(const struct ctx *c, const struct export *x, int i)
{
    return field_seen(c, x->rt, i, x->spec.community_id);
}

/* --- CSV --- */

static void csv_head(struct ctx *c, struct export *x)
{
    struct buf *out = &x->q->out;
    buf_put(out, S("\xEF\xBB\xBF")); /* without it Excel reads Chinese as something else */
    for (int i = 0, n = 0; i < x->rt->r->nfields; i++) {
        if (!is_column(c, x, i))
            continue;
        if (n++)
            buf_putc(out, ',');
        buf_csv(out, str_of(x->rt->r->fields[i].name));
    }
    buf_put(out, S("," EXPORT_MARK "\r\n"));
}

static bool is_plain(const struct ctx *c, const struct export *x, const struct row *row)
{
    return x->plain || (c->who && row_unmasked(c, x->rt->r, row));
}

static void csv_row(struct ctx *c, struct export *x, const struct row *row)
{
    struct buf *out = &x->q->out;
    bool plain = is_plain(c, x, row);
    for (int i = 0, n = 0; i < x->rt->r->nfields; i++) {
        const struct field *f = &x->rt->r->fields[i];
        if (!is_column(c, x, i))
            continue;
        if (n++)
            buf_putc(out, ',');
        struct val v = row_shown(c, x->rt->r, row, i, plain);
        if (v.t == V_TEXT) /* only texts can run in a spreadsheet: -5 stays a number */
            buf_csv(out, v.s);
        else
            field_to_text(out, f, v, x->zone);
    }
    buf_putc(out, ',');
    buf_csv(out, x->mark);
    buf_put(out, S("\r\n"));
}

/* --- XLSX --- */

static void xlsx_head(struct ctx *c, struct export *x)
{
    for (int i = 0; i < x->rt->r->nfields; i++)
        if (is_column(c, x, i))
            xlsx_text(x->xlsx, str_of(x->rt->r->fields[i].name));
    xlsx_text(x->xlsx, S(EXPORT_MARK));
    xlsx_row_end(x->xlsx);
}

static void xlsx_value(struct ctx *c, struct export *x, const struct field *f, struct val v)
{
    if (v.t == V_NULL) {
        xlsx_empty(x->xlsx);
        return;
    }
    switch (f->type) {
    case F_INT:
    case F_BOOL: xlsx_number(x->xlsx, v.i, 0); return;
    case F_MONEY:
    case F_AREA: xlsx_number(x->xlsx, v.i, 2); return;
    case F_QTY: xlsx_number(x->xlsx, v.i, 3); return;
    default: break; /* ids too: a spreadsheet keeps 15 digits of a number, an id may have 16 */
    }
    if (v.t == V_TEXT) {
        xlsx_text(x->xlsx, v.s);
        return;
    }
    struct buf b;
    buf_init(&b, c->mem, 200);
    field_to_text(&b, f, v, x->zone);
    xlsx_text(x->xlsx, buf_str(&b));
}

static void xlsx_row(struct ctx *c, struct export *x, const struct row *row)
{
    bool plain = is_plain(c, x, row);
    for (int i = 0; i < x->rt->r->nfields; i++)
        if (is_column(c, x, i))
            xlsx_value(c, x, &x->rt->r->fields[i], row_shown(c, x->rt->r, row, i, plain));
    xlsx_text(x->xlsx, x->mark);
    xlsx_row_end(x->xlsx);
}

/* --- all rows --- */

static void arena_end(void *arg)
{
    arena_free(arg);
}

/* c->mem is the page's memory; *ret_more: there is another page. */
static enum err export_page(struct ctx *c, struct export *x, row_out_fn out, struct arena *keep,
                            bool *ret_more)
{
    struct row *rows;
    size_t n;
    struct str next;
    TRY(list_run(c, x->q->tx, x->rt, &x->spec, &rows, &n, &next));
    x->rows += (int64_t)n;
    if (x->rows > EXPORT_ROWS_MAX || (x->rows == EXPORT_ROWS_MAX && next.n) || x->q->out.full)
        return FAIL(c, E_TOOBIG, "超过 %d 行或文件太大,请缩小范围",
                    "more than %d rows or too large a file; narrow it down", EXPORT_ROWS_MAX);
    for (size_t i = 0; i < n; i++)
        out(c, x, &rows[i]);
    *ret_more = next.n > 0;
    if (next.n)
        x->spec.after = str_dup(keep, next);
    return E_OK;
}

static enum err export_rows(struct ctx *c, struct export *x, row_out_fn out)
{
    struct arena *mem = c->mem, *page = arena_new(ARENA_REPORT_BYTES);
    arena_defer(mem, arena_end, page); /* not ended here: a fault's words may live in it */
    enum err e = E_OK;
    bool more = true;
    c->mem = page;
    while (more && (e = export_page(c, x, out, mem, &more)) == E_OK)
        arena_reset(page);
    c->mem = mem;
    return e;
}

/* --- on record --- */

static enum err read_unmasked(struct ctx *c, struct export *x)
{
    struct str ask = http_param(x->q->h, "unmasked");
    x->reason = str_trim(http_param(x->q->h, "reason"));
    x->plain = str_eqz(ask, "1");
    if (ask.p && !x->plain && !str_eqz(ask, "0"))
        return FAIL_FIELD(c, "unmasked", "format", "只能是 0 或 1", "must be 0 or 1");
    if (!x->plain || !c->who)
        return E_OK;
    if (!who_may(c->who, "personal.export", x->spec.community_id))
        return FAIL(c, E_DENIED, "您的岗位不能导出完整个人信息",
                    "your role may not export personal data in full");
    if (!utf8_valid(x->reason) || utf8_len(x->reason) < 2 || utf8_len(x->reason) > 200)
        return FAIL_FIELD(c, "reason", "required", "请写明导出原因(2 到 200 字)",
                          "say why, in 2 to 200 characters");
    return E_OK;
}

static enum err export_note(struct ctx *c, struct tx *tx, void *arg)
{
    const struct export *x = arg;
    struct buf b;
    buf_init(&b, c->mem, 4000);
    buf_fmt(&b, "{\"action\":\"export\",\"format\":\"%s\",\"masked\":%s,\"mark\":",
            x->csv ? "csv" : "xlsx", x->plain ? "false" : "true");
    buf_json(&b, x->mark);
    if (x->reason.n) {
        buf_put(&b, S(",\"reason\":"));
        buf_json(&b, x->reason);
    }
    buf_putc(&b, '}');
    struct event e = {.topic = str_z(c->mem, arena_fmt(c->mem, "%s.exported", x->rt->r->name)),
                      .res = x->rt->r,
                      .community_id = x->spec.community_id,
                      .data = buf_str(&b)};
    return tx_emit(c, tx, &e);
}

static enum err export_start(struct ctx *c, struct req *q, bool csv, struct export *x)
{
    *x = (struct export){.q = q, .rt = rt_of(q->res), .csv = csv};
    TRY(list_parse(c, q, x->rt, &x->spec));
    TRY(read_unmasked(c, x));
    x->spec.limit = PAGE_ROWS;
    x->zone = app_zone(x->spec.community_id);
    x->mark = arena_fmt(c->mem, "%lld " PRS " " PRS, (long long)id_new(),
                        PRA(c->who ? c->who->login : S("cli")),
                        PRA(date_text(c->mem, zone_date(x->zone, c->now_ms))));
    return db_write(q->app->db, c, export_note, x);
}

static enum err export_reply(struct ctx *c, struct export *x, const char *suffix, struct str type)
{
    struct str day = date_text(c->mem, zone_date(x->zone, c->now_ms));
    struct str name = arena_fmt(c->mem, "attachment; filename=\"%s-" PRS ".%s\"", x->rt->r->path,
                                PRA(day), suffix);
    req_header(x->q, "Content-Type", type);
    req_header(x->q, "Content-Disposition", name);
    log_line(LOG_INFO, "export",
             "resource=%s format=%s rows=%lld community=%lld user=%lld trace=%s", x->rt->r->path,
             suffix, (long long)x->rows, (long long)x->spec.community_id,
             (long long)(c->who ? c->who->user_id : 0), c->trace_id);
    return E_OK;
}

static enum err export_in(struct ctx *c, struct tx *tx, void *arg)
{
    struct export *x = arg;
    x->q->tx = tx;
    x->rows = 0;
    x->spec.after = (struct str){0};
    buf_clear(&x->q->out);
    if (x->csv) {
        csv_head(c, x);
        return export_rows(c, x, csv_row);
    }
    const char *temp = str_z(c->mem, arena_fmt(c->mem, "%s/tmp", x->q->app->data_dir));
    TRY(xlsx_open(c, temp, x->rt->r->path, &x->xlsx));
    xlsx_head(c, x);
    TRY(export_rows(c, x, xlsx_row));
    return xlsx_end(c, x->xlsx, &x->q->out);
}

enum err export_csv(struct ctx *c, struct req *q)
{
    struct export x;
    TRY(export_start(c, q, true, &x));
    TRY(db_read(q->app->db, c, export_in, &x));
    return export_reply(c, &x, "csv", S("text/csv; charset=utf-8"));
}

enum err export_xlsx(struct ctx *c, struct req *q)
{
    struct export x;
    TRY(export_start(c, q, false, &x));
    TRY(db_read(q->app->db, c, export_in, &x));
    return export_reply(c, &x, "xlsx",
                        S("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"));
}
