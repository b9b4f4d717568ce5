/* import.c - a CSV file into a resource, all rows or none, with the reasons of every row that
 * fails. First, outside any transaction, cells become values and the room prepares each row; then
 * one transaction of its own inserts them through res_insert like single creates. The route runs
 * without the framework's transaction because a dry run and a failed import roll back and still
 * answer 200. Memory: a file that needs more than a fixed amount is told to be split. */
#include <string.h>

#include "base/log.h"
#include "core/csv.h"
#include "core/event.h"
#include "core/res_in.h"

enum { ROWS_BYTES = 256 << 20, RUN_BYTES = 320 << 20, RUN_SPARE_BYTES = 64 << 20 };

struct import_row {
    struct import_row *next;
    int64_t no; /* of the file */
    uint64_t set;
    struct val v[]; /* nfields */
};
struct import {
    struct req *q;
    const struct resource *r;
    int64_t community_id;
    bool dry, done, kept;
    const struct zone *zone;
    struct arena *mem; /* the prepared rows */
    struct import_row *first, **last;
    int64_t rows, ready;
    int columns[CSV_COLUMNS_MAX]; /* field of each column, -1: ignored */
    int ncolumns;
    const char *ignored[CSV_COLUMNS_MAX];
    int nignored;
    struct row_errors errors;
    int errors_before;
    int64_t failed_before; /* what prepare found, before the transaction's first run */
};

static void arena_end(void *arg)
{
    arena_free(arg);
}

static struct arena *arena_under(struct arena *owner, size_t cap)
{
    struct arena *a = arena_new(cap);
    arena_defer(owner, arena_end, a);
    return a;
}

static enum err too_large(struct ctx *c)
{
    return FAIL(c, E_TOOBIG, "文件太大,请分成几个文件导入", "the file is too large; split it");
}

/* --- reading --- */

static void read_column(struct ctx *c, struct import *im, int i, struct str name)
{
    const struct field *fields = im->r->fields;
    int f = field_find(fields, im->r->nfields, name);
    im->columns[i] = -1;
    if (f < 0 || fields[f].flags & HIDDEN) {
        struct str told = utf8_valid(name) ? utf8_head(name, 64) : S("?");
        (void)FAIL_FIELD(c, str_z(c->mem, told), "unknown", "没有这个字段", "no such field");
        return;
    }
    if (fields[f].flags & SERVER_SET) {
        im->ignored[im->nignored++] = fields[f].name;
        return;
    }
    for (int k = 0; k < i; k++)
        if (im->columns[k] == f)
            (void)FAIL_FIELD(c, fields[f].name, "double", "这一列有两个",
                             "this column is there twice");
    im->columns[i] = f;
}

static enum err read_header(struct ctx *c, struct import *im, struct csv *csv)
{
    bool more;
    TRY(csv_next(c, csv, &more));
    if (!more)
        return FAIL(c, E_SYNTAX, "文件是空的", "the file is empty");
    im->ncolumns = csv->n;
    for (int i = 0; i < csv->n; i++)
        read_column(c, im, i, str_trim(csv->cells[i]));
    if (c->fault.nfields)
        row_errors_take(&im->errors, c, csv->row);
    return E_OK;
}

static void check_community(struct ctx *c, const struct import *im, struct str cell)
{
    int64_t id;
    if (cell.n && (!str_int(cell, &id) || id != im->community_id))
        (void)FAIL_FIELD(c, "community_id", "ref", "与导入的项目不同",
                         "not the community that this import is for");
}

static void check_required(struct ctx *c, const struct import *im, const struct row *row)
{
    for (int i = 0; i < im->r->nfields; i++) {
        const char *name = im->r->fields[i].name;
        if (!(im->r->fields[i].flags & REQUIRED) || row_has(row, i))
            continue;
        bool told = false; /* a wrong value was told already */
        for (int k = 0; k < c->fault.nfields; k++)
            told |= str_eqz(str_of(c->fault.fields[k].field), name);
        if (!told)
            (void)FAIL_FIELD(c, name, "required", "必填", "required");
    }
}

static enum err read_row(struct ctx *c, const struct import *im, const struct csv *csv,
                         struct row *ret)
{
    *ret = (struct row){0};
    if (csv->n != im->ncolumns)
        return FAIL_FIELD(c, "", "columns", "这一行有 %d 列,表头有 %d 列",
                          "the row has %d columns, the header %d", csv->n, im->ncolumns);
    for (int i = 0; i < csv->n; i++) {
        struct val v;
        int f = im->columns[i];
        struct str cell = csv_plain(csv->cells[i]);
        if (f == R_COMMUNITY)
            check_community(c, im, str_trim(cell));
        else if (f >= 0 && field_of_text(c, &im->r->fields[f], cell, im->zone, &v) == E_OK &&
                 v.t != V_NULL)
            row_put(ret, f, v);
    }
    check_required(c, im, ret);
    row_put(ret, R_COMMUNITY, v_int(im->community_id));
    TRY(edit_allowed(c, rt_of(im->r), ret, im->community_id));
    return im->r->prepare ? im->r->prepare(c, im->q->app, ret) : E_OK;
}

static bool copy_val(struct arena *mem, struct val v, struct val *ret)
{
    *ret = v;
    if ((v.t != V_TEXT && v.t != V_BLOB) || !v.s.n)
        return true;
    char *p = arena_try(mem, v.s.n);
    if (!p)
        return false;
    memcpy(p, v.s.p, v.s.n);
    ret->s.p = p;
    return true;
}

static enum err keep_row(struct ctx *c, struct import *im, int64_t no, const struct row *row)
{
    size_t n = (size_t)im->r->nfields;
    struct import_row *k = arena_try(im->mem, sizeof *k + n * sizeof k->v[0]);
    if (!k)
        return too_large(c);
    k->no = no;
    k->set = row->set;
    for (size_t i = 0; i < n; i++)
        if (!copy_val(im->mem, row->v[i], &k->v[i]))
            return too_large(c);
    *im->last = k;
    im->last = &k->next;
    im->ready++;
    return E_OK;
}

/* A rule that the row broke, not a fault of the house. */
static bool is_reason(enum err e)
{
    return e == E_INVALID || e == E_STATE || e == E_MISSING || e == E_DENIED || e == E_CONFLICT ||
           e == E_EXISTS;
}

/* c->mem is scratch and emptied after each row. */
static enum err read_rows(struct ctx *c, struct import *im, struct csv *csv)
{
    for (;;) {
        bool more;
        struct row row;
        enum err e = csv_next(c, csv, &more);
        if (e == E_SYNTAX) { /* what follows bad quoting cannot be told apart */
            row_errors_take(&im->errors, c, csv->row);
            im->rows++;
            return E_OK;
        }
        TRY(e);
        if (!more)
            return E_OK;
        im->rows++;
        e = read_row(c, im, csv, &row);
        if (e == E_OK)
            TRY(keep_row(c, im, csv->row, &row));
        else if (is_reason(e))
            row_errors_take(&im->errors, c, csv->row);
        else
            return e;
        arena_reset(c->mem);
    }
}

static enum err read_options(struct ctx *c, struct import *im)
{
    struct str dry = http_param(im->q->h, "dry_run");
    const struct resource *r = im->r;
    if (dry.p && !str_eqz(dry, "0") && !str_eqz(dry, "1"))
        return FAIL_FIELD(c, "dry_run", "format", "只能是 0 或 1", "must be 0 or 1");
    im->dry = str_eqz(dry, "1");
    if (!r->system)
        TRY(req_community(c, im->q, r->create, &im->community_id));
    /* Bulk is for those who see all rows: a resident may create his own, one by one. */
    if (!who_may_i(c->who, rt_of(r)->create_i, im->community_id) ||
        !who_may_i(c->who, rt_of(r)->read_i, im->community_id))
        return FAIL(c, E_DENIED, "您的岗位不能做这件事", "your role may not do this");
    return E_OK;
}

enum err import_prepare(struct ctx *c, struct req *q)
{
    struct import *im = arena_get(c->mem, sizeof *im);
    struct arena *mem = c->mem, *scratch;
    struct csv *csv = arena_get(mem, sizeof *csv);
    *im = (struct import){.q = q, .r = q->res, .last = &im->first};
    TRY(read_options(c, im));
    im->zone = app_zone(im->community_id);
    im->mem = arena_under(mem, ROWS_BYTES);
    row_errors_init(&im->errors, mem);
    csv_open(csv, mem, q->h->body, csv_delimiter(q->h->body));
    scratch = arena_under(
        mem, ARENA_REPORT_BYTES); /* ends with the request: a fault's words may live in it */
    TRY(read_header(c, im, csv));
    c->mem = scratch;
    enum err e = read_rows(c, im, csv);
    c->mem = mem;
    TRY(e);
    im->errors_before = im->errors.n;
    im->failed_before = im->errors.failed;
    q->state = im;
    return E_OK;
}

/* --- the transaction --- */

/* Never resets its memory between rows: what should happen after the commit is remembered there. */
static enum err insert_rows(struct ctx *c, struct tx *tx, struct import *im)
{
    for (const struct import_row *k = im->first; k; k = k->next) {
        struct row neu = {0};
        row_of_vals(&neu, k->v, im->r->nfields);
        neu.set = k->set;
        enum err e = res_insert(c, tx, im->r, &neu);
        if (e != E_OK && !is_reason(e))
            return e;
        if (e != E_OK)
            row_errors_take(&im->errors, c, k->no);
        if (e ==
            E_EXISTS) /* a failed statement ends the transaction: the rows after it stay unjudged */
            return E_OK;
        if (arena_peak_bytes(c->mem) > RUN_BYTES - RUN_SPARE_BYTES)
            return too_large(c);
    }
    return E_OK;
}

static enum err run_rows(struct ctx *c, struct tx *tx, void *arg)
{
    struct import *im = arg;
    struct arena *mem = c->mem;
    im->done = false;
    im->errors.n = im->errors_before;
    im->errors.failed = im->failed_before;
    c->mem = arena_under(mem, RUN_BYTES);
    enum err e = insert_rows(c, tx, im);
    c->mem = mem;
    TRY(e);
    im->done = true;
    im->kept = !im->dry && im->errors.failed == 0;
    return im->kept ? E_OK : E_STATE; /* any code rolls back */
}

static void import_reply(struct import *im, int64_t batch)
{
    struct buf *b = &im->q->out;
    int64_t failed = im->errors.failed, ok = im->ready - (failed - im->failed_before);
    buf_fmt(b, "{\"rows\":%lld,\"ok\":%lld,\"failed\":%lld,\"dry_run\":%s,\"batch_id\":",
            (long long)im->rows, (long long)ok, (long long)failed, im->dry ? "true" : "false");
    if (batch)
        buf_int(b, batch);
    else
        buf_put(b, S("null"));
    buf_put(b, S(",\"ignored\":["));
    for (int i = 0; i < im->nignored; i++)
        buf_fmt(b, "%s\"%s\"", i ? "," : "", im->ignored[i]);
    buf_put(b, S("],\"errors\":"));
    row_errors_json(&im->errors, b);
    buf_putc(b, '}');
}

enum err import_run(struct ctx *c, struct req *q)
{
    struct import *im = q->state;
    int64_t batch = 0;
    if (im->ready) {
        enum err e = db_write(q->app->db, c, run_rows, im);
        bool undone = im->done && !im->kept && e == E_STATE;
        if (e != E_OK && !undone)
            return e;
    }
    if (im->kept) {
        batch = id_new();
        log_line(LOG_INFO, "import",
                 "resource=%s rows=%lld community=%lld batch=%lld user=%lld trace=%s", im->r->path,
                 (long long)im->ready, (long long)im->community_id, (long long)batch,
                 (long long)(c->who ? c->who->user_id : 0), c->trace_id);
    }
    import_reply(im, batch);
    return E_OK;
}
