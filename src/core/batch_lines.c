/* batch_lines.c - staged lines as rows, and rows into the database; see batch.h. */
#include "core/batch.h"

#include <string.h>

static const struct query Q_LINES = {
    "batch.lines", "SELECT no, cells FROM import_line WHERE batch_id = $1 AND no > $2 AND "
                   "state = 0 ORDER BY no LIMIT $3"};
const struct query *const batch_queries[] = {&Q_LINES, NULL};

enum err batch_plan(struct ctx *c, const struct row *batch, struct import_plan *ret)
{
    const struct json *columns;
    int64_t community = row_int(batch, R_COMMUNITY);
    *ret = (struct import_plan){.r = app_resource(row_str(batch, IM_RESOURCE)),
                                .community_id = community,
                                .zone = app_zone(community)};
    if (!ret->r || !ret->r->create)
        return FAIL(c, E_STATE, "程序已不认识这种资料", "the program does not know this resource");
    TRY(json_parse(c, row_str(batch, IM_COLUMNS), &columns));
    ret->ncolumns = (int)json_count(columns);
    for (int i = 0; i < ret->ncolumns && i < CSV_COLUMNS_MAX; i++) {
        struct str name = json_str(json_at(columns, (size_t)i));
        ret->columns[i] = name.n ? field_find(ret->r->fields, ret->r->nfields, name)
                                 : COLUMN_IGNORED;
    }
    return E_OK;
}

static struct str reason_json(struct ctx *c, struct arena *mem)
{
    struct buf b;
    const struct fault *f = &c->fault;
    buf_init(&b, mem, 16 << 10);
    for (int i = 0; i < (f->nfields ? f->nfields : 1); i++) {
        buf_put(&b, i ? S(",{\"field\":") : S("[{\"field\":"));
        buf_json(&b, f->nfields ? str_of(f->fields[i].field) : S(""));
        buf_fmt(&b,
                ",\"code\":\"%s\",\"message\":", f->nfields ? f->fields[i].code : err_key(f->code));
        buf_json(&b, utf8_head(f->nfields ? f->fields[i].message : f->message, 200));
        buf_putc(&b, '}');
    }
    buf_putc(&b, ']');
    c->fault = (struct fault){0};
    return buf_str(&b);
}

static enum err keep(struct ctx *c, struct batch_load *l, int64_t no, const struct row *row)
{
    size_t n = row ? (size_t)l->plan.r->nfields : 0;
    struct batch_line *k = arena_try(l->mem, sizeof *k + n * sizeof k->v[0]);
    if (!k)
        return import_too_large(c);
    *k = (struct batch_line){.no = no, .set = row ? row->set : 0};
    for (size_t i = 0; i < n; i++)
        if (!import_copy(l->mem, row->v[i], &k->v[i]))
            return import_too_large(c);
    if (!row) {
        k->reason = reason_json(c, l->mem);
        k->settled = true;
        l->bad++;
    }
    *l->last = k;
    l->last = &k->next;
    l->n++;
    l->last_no = no;
    return E_OK;
}

static enum err read_line(struct ctx *c, struct batch_load *l, int64_t no, struct str cells_json)
{
    const struct json *j;
    struct str cells[CSV_COLUMNS_MAX];
    struct row row;
    int n = 0;
    TRY(json_parse(c, cells_json, &j));
    for (; n < (int)json_count(j) && n < CSV_COLUMNS_MAX; n++)
        cells[n] = json_str(json_at(j, (size_t)n));
    enum err e = import_read(c, l->app, &l->plan, cells, n, &row);
    if (e != E_OK && !import_is_reason(e))
        return e;
    return keep(c, l, no, e == E_OK ? &row : NULL);
}

struct reading {
    struct batch_load *l;
    int64_t after;
    size_t max;
    struct rows rows;
};
static enum err read_tx(struct ctx *c, struct tx *tx, void *arg)
{
    struct reading *r = arg;
    return q_rows(c, tx, &Q_LINES, IN(r->l->batch.v[R_ID], v_int(r->after), v_int((int64_t)r->max)),
                  r->max, &r->rows);
}

enum err batch_lines(struct ctx *c, struct batch_load *l, int64_t after_no, size_t max)
{
    struct arena *mem = c->mem, *page = arena_new(ARENA_REPORT_BYTES),
                 *scratch = arena_new(ARENA_REPORT_BYTES);
    struct reading r = {.l = l, .after = after_no, .max = max};
    c->mem = page;
    enum err e = db_read(l->app->db, c, read_tx, &r);
    c->mem = scratch;
    for (size_t i = 0; e == E_OK && i < r.rows.n; i++) {
        const struct val *v = r.rows.v + i * (size_t)r.rows.ncol;
        e = read_line(c, l, val_int(v[0]), val_str(v[1]));
        if (e == E_OK) /* else the fault's words live there */
            arena_reset(scratch);
    }
    c->mem = mem;
    if (e != E_OK && c->fault.message.n)
        c->fault.message = str_dup(mem, c->fault.message);
    arena_free(page);
    arena_free(scratch);
    return e;
}

enum err batch_insert(struct ctx *c, struct tx *tx, struct batch_load *l, int64_t *ret_bad)
{
    *ret_bad = 0;
    for (struct batch_line *k = l->first; k; k = k->next) {
        struct row neu = {0};
        if (k->settled)
            continue;
        k->reason = (struct str){0};
        row_of_vals(&neu, k->v, l->plan.r->nfields);
        neu.set = k->set;
        enum err e = import_insert(c, tx, &l->plan, &neu);
        if (e != E_OK && !import_is_reason(e))
            return e;
        k->id = row_int(&neu, R_ID);
        if (e == E_OK)
            continue;
        k->reason = reason_json(c, l->mem);
        ++*ret_bad;
        /* A failed statement ends the transaction: what follows stays unjudged. */
        if (e == E_EXISTS)
            return E_OK;
    }
    return E_OK;
}
