/* import.c - a CSV file into a resource, all rows or none, with the reasons of every row that
 * fails. First, outside any transaction, cells become values and the room prepares each row; then
 * one transaction of its own inserts them through res_insert like single creates. The route runs
 * without the framework's transaction because a dry run and a failed import roll back and still
 * answer 200. Memory: a file that needs more than a fixed amount is told to be split. */
#include <string.h>

#include "base/log.h"
#include "core/event.h"
#include "core/import_in.h"

enum { ROWS_BYTES = 256 << 20, RUN_BYTES = 320 << 20, RUN_SPARE_BYTES = 64 << 20 };

struct import_row {
    struct import_row *next;
    int64_t no; /* of the file */
    fieldset set;
    struct val v[]; /* nfields */
};
struct import {
    struct req *q;
    const struct resource *r;
    int64_t community_id;
    bool dry, done, kept, replayed;
    struct arena *mem; /* the prepared rows */
    struct import_row *first, **last;
    int64_t rows, ready;
    struct import_plan plan;
    const char *ignored[CSV_COLUMNS_MAX];
    int nignored;
    struct row_errors errors;
    int errors_before;
    int64_t failed_before; /* what prepare found, before the transaction's first run */
    struct import_made *made;
    size_t nmade;
    int64_t batch;
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

/* --- reading --- */

static void read_column(struct ctx *c, struct import *im, int i, struct str name)
{
    int f = import_column(im->r, name);
    im->plan.columns[i] = f;
    if (f == COLUMN_UNKNOWN) {
        struct str told = utf8_valid(name) ? utf8_head(name, 64) : S("?");
        (void)FAIL_FIELD(c, str_z(c->mem, told), "unknown", "没有这个字段", "no such field");
        return;
    }
    if (f == COLUMN_IGNORED) {
        int known = field_find(im->r->fields, im->r->nfields, name);
        if (known >= 0)
            im->ignored[im->nignored++] = im->r->fields[known].name;
        return;
    }
    for (int k = 0; k < i; k++)
        if (im->plan.columns[k] == f)
            (void)FAIL_FIELD(c, im->r->fields[f].name, "double", "这一列有两个",
                             "this column is there twice");
}

static enum err read_header(struct ctx *c, struct import *im, struct csv *csv)
{
    bool more;
    TRY(csv_next(c, csv, &more));
    if (!more)
        return FAIL(c, E_SYNTAX, "文件是空的", "the file is empty");
    im->plan.ncolumns = csv->n;
    for (int i = 0; i < csv->n; i++)
        read_column(c, im, i, str_trim(csv->cells[i]));
    if (c->fault.nfields)
        row_errors_take(&im->errors, c, csv->row);
    return E_OK;
}

static enum err keep_row(struct ctx *c, struct import *im, int64_t no, const struct row *row)
{
    size_t n = (size_t)im->r->nfields;
    struct import_row *k = arena_try(im->mem, sizeof *k + n * sizeof k->v[0]);
    if (!k)
        return import_too_large(c);
    k->no = no;
    k->set = row->set;
    for (size_t i = 0; i < n; i++)
        if (!import_copy(im->mem, row->v[i], &k->v[i]))
            return import_too_large(c);
    *im->last = k;
    im->last = &k->next;
    im->ready++;
    return E_OK;
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
        e = import_read(c, im->q->app, &im->plan, csv->cells, csv->n, &row);
        if (e == E_OK)
            TRY(keep_row(c, im, csv->row, &row));
        else if (import_is_reason(e))
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
    return import_allowed(c->who, r, im->community_id)
               ? E_OK
               : FAIL(c, E_DENIED, "您的岗位不能做这件事", "your role may not do this");
}

enum err import_prepare(struct ctx *c, struct req *q)
{
    struct import *im = arena_get(c->mem, sizeof *im);
    struct arena *mem = c->mem, *scratch;
    struct csv *csv = arena_get(mem, sizeof *csv);
    struct str text;
    *im = (struct import){.q = q, .r = q->res, .last = &im->first};
    TRY(read_options(c, im));
    im->plan = (struct import_plan){
        .r = im->r, .community_id = im->community_id, .zone = app_zone(im->community_id)};
    im->mem = arena_under(mem, ROWS_BYTES);
    row_errors_init(&im->errors, mem);
    TRY(text_utf8(c, q->h->body, &text));
    csv_open(csv, mem, text, csv_delimiter(text));
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
        enum err e = import_insert(c, tx, &im->plan, &neu);
        if (e != E_OK && !import_is_reason(e))
            return e;
        if (e != E_OK)
            row_errors_take(&im->errors, c, k->no);
        else
            im->made[im->nmade++] = (struct import_made){k->no, row_int(&neu, R_ID)};
        if (e ==
            E_EXISTS) /* a failed statement ends the transaction: the rows after it stay unjudged */
            return E_OK;
        if (arena_peak_bytes(c->mem) > RUN_BYTES - RUN_SPARE_BYTES)
            return import_too_large(c);
    }
    return E_OK;
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

static enum err run_rows(struct ctx *c, struct tx *tx, void *arg)
{
    struct import *im = arg;
    struct arena *mem = c->mem;
    im->done = false;
    im->errors.n = im->errors_before;
    im->errors.failed = im->failed_before;
    im->nmade = 0;
    im->kept = false;
    TRY(req_once(im->q, tx, &im->replayed));
    if (im->replayed)
        return E_OK;
    c->mem = arena_under(mem, RUN_BYTES);
    enum err e = insert_rows(c, tx, im);
    im->kept = e == E_OK && !im->dry && im->errors.failed == 0;
    if (im->kept)
        e = batch_record(c, tx, &im->plan, http_param(im->q->h, "name"), im->made, im->nmade,
                         &im->batch);
    if (arena_short_of(c->mem) == ARENA_STARVED)
        arena_starve(mem);
    c->mem = mem;
    TRY(e);
    im->done = true;
    if (!im->kept)
        return E_STATE; /* any code rolls back */
    import_reply(im, im->batch);
    return req_once_done(im->q, tx);
}

enum err import_run(struct ctx *c, struct req *q)
{
    struct import *im = q->state;
    if (im->ready) {
        im->made = arena_try(im->mem, (size_t)im->ready * sizeof *im->made);
        if (!im->made)
            return import_too_large(c);
        enum err e = db_write(q->app->db, c, run_rows, im);
        bool undone = im->done && !im->kept && e == E_STATE;
        if (e != E_OK && !undone)
            return e;
    }
    if (im->replayed)
        return E_OK;
    if (im->kept)
        log_line(LOG_INFO, "import",
                 "resource=%s rows=%lld community=%lld batch=%lld user=%lld trace=%s", im->r->path,
                 (long long)im->ready, (long long)im->community_id, (long long)im->batch,
                 (long long)(c->who ? c->who->user_id : 0), c->trace_id);
    else
        import_reply(im, 0);
    return E_OK;
}
