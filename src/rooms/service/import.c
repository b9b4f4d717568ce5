/* import.c - somebody else's log of requests as tickets: the mapping reads the rows, here they
 * become whole tickets with the clocks they had. First everything is judged, so that one run names
 * every fault; then numbers are taken; then one transaction loads all rows or none. What no column
 * takes stays, byte for byte, in `rest`. */
#include <stdlib.h>

#include "core/event.h"
#include "core/mapping.h"
#include "rooms/service/ticket.h"

const struct query Q_EXTERNAL = {
    "service.external", "SELECT code FROM ticket WHERE community_id = $1 AND external_id = $2"};

enum { KEEP_BYTES = 512 << 20 };
struct kept {
    struct kept *next;
    int64_t no; /* row of the file */
    struct row row;
};
struct import {
    int64_t community;
    struct app *app;
    struct arena *mem; /* the rows, until the import ends */
    struct kept *first, **last;
    struct import_report *rep;
    int64_t n;
};

/* --- one row becomes a whole ticket --- */

static void keep_row(struct import *im, int64_t no, const struct row *row)
{
    struct kept *k = arena_get(im->mem, sizeof *k);
    k->no = no;
    k->row = *row;
    for (int i = 0; i < T__N; i++)
        if (row->v[i].t == V_TEXT)
            k->row.v[i].s = str_dup(im->mem, row->v[i].s);
    *im->last = k;
    im->last = &k->next;
    im->n++;
}

static void need(struct ctx *c, const struct row *row, int f)
{
    if (!row_has(row, f))
        (void)FAIL_FIELD(c, ticket_fields[f].name, "required", "必填", "required");
}

/* What the house decides itself cannot be brought along. */
static void refuse_own(struct ctx *c, const struct row *row)
{
    static const int own[] = {R_ID,         R_COMMUNITY,     R_VERSION, R_CREATED_BY,
                              R_UPDATED_AT, R_ARCHIVED,      T_CODE,    T_PRIORITY,
                              T_REST,       T_FIRST_CONTACT, T_PAGE};
    for (size_t i = 0; i < COUNT_OF(own); i++)
        if (row_has(row, own[i]))
            (void)FAIL_FIELD(c, ticket_fields[own[i]].name, "read_only", "由系统填写",
                             "set by the system");
}

/* A request that the other system closed was answered there: its result is the answer, its closing
 * time every clock's end. */
static void fill_closed(struct ctx *c, struct row *row)
{
    static const int ends[] = {T_RESPONDED, T_HANDLED, T_RESOLVED, T_INFORMED};
    need(c, row, T_RESULT);
    need(c, row, T_CLOSED);
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        if (!row_has(row, ends[i]))
            row_put(row, ends[i], row->v[T_CLOSED]);
    if (!row_has(row, T_ANSWER))
        row_put(row, T_ANSWER, row->v[T_RESULT]);
    if (!row_has(row, T_ANSWER_CHANNEL))
        row_put(row, T_ANSWER_CHANNEL, v_int(CH_OTHER));
}

static enum err take_row(struct ctx *c, int64_t no, struct row *row, struct str rest, void *arg)
{
    struct import *im = arg;
    int64_t state = row_has(row, T_STATE) ? row_int(row, T_STATE) : RECEIVED;
    need(c, row, R_CREATED_AT);
    need(c, row, T_CHANNEL);
    refuse_own(c, row);
    if (state == CLOSED)
        fill_closed(c, row);
    else if (state != RECEIVED && state != ACCEPTED)
        (void)FAIL_FIELD(c, "state", "choice", "只能是 received、accepted、closed",
                         "must be received, accepted or closed");
    if (row_has(row, T_CLOSED) && row_int(row, T_CLOSED) < row_int(row, R_CREATED_AT))
        (void)FAIL_FIELD(c, "closed_at", "order", "早于创建时间", "before it was created");
    row_put(row, R_COMMUNITY, v_int(im->community));
    row_put(row, T_REST, v_text(rest));
    if (c->fault.nfields)
        return E_INVALID;
    keep_row(im, no, row);
    return E_OK;
}

/* --- the store --- */

static int by_external(const void *a, const void *b)
{
    const struct kept *x = *(const struct kept *const *)a, *y = *(const struct kept *const *)b;
    int d = str_cmp(row_str(&x->row, T_EXTERNAL_ID), row_str(&y->row, T_EXTERNAL_ID));
    return d ? d : (x->no > y->no) - (x->no < y->no);
}

/* The same foreign number twice in the file. */
static void check_twins(struct ctx *c, struct import *im)
{
    struct kept **list = arena_get(im->mem, (size_t)(im->n + 1) * sizeof(struct kept *));
    size_t n = 0;
    for (struct kept *k = im->first; k; k = k->next)
        if (row_has(&k->row, T_EXTERNAL_ID))
            list[n++] = k;
    qsort(list, n, sizeof(struct kept *), by_external);
    for (size_t i = 1; i < n; i++) {
        if (!val_eq(list[i]->row.v[T_EXTERNAL_ID], list[i - 1]->row.v[T_EXTERNAL_ID]))
            continue;
        (void)FAIL_FIELD(c, "external_id", "unique", "与第 %lld 行相同", "the same as in row %lld",
                         (long long)list[i - 1]->no);
        row_errors_take(&im->rep->errors, c, list[i]->no);
    }
}

static enum err check_stored(struct ctx *c, struct tx *tx, void *arg)
{
    struct import *im = arg;
    for (const struct kept *k = im->first; k; k = k->next) {
        struct val code;
        if (!row_has(&k->row, T_EXTERNAL_ID))
            continue;
        enum err e = q_one(c, tx, &Q_EXTERNAL, IN(v_int(im->community), k->row.v[T_EXTERNAL_ID]),
                           &code, 1);
        if (e == E_MISSING)
            continue;
        TRY(e);
        (void)FAIL_FIELD(c, "external_id", "unique", "已经是工单 " PRS, "is ticket " PRS " already",
                         PRA(val_str(code)));
        row_errors_take(&im->rep->errors, c, k->no);
    }
    return E_OK;
}

/* Another house had its own table of what fits what: its category is dropped rather than its
 * request. */
static enum err drop_misfit(struct ctx *c, struct tx *tx, struct row *row)
{
    enum err e = category_fits(c, tx, row_int(row, R_COMMUNITY), row_int(row, T_KIND),
                               row->v[T_CATEGORY], row->v[T_SPACE]);
    if (e != E_INVALID)
        return e;
    fault_clear(c);
    row_put(row, T_CATEGORY, v_null());
    return E_OK;
}

static enum err insert_rows(struct ctx *c, struct tx *tx, void *arg)
{
    struct import *im = arg;
    for (const struct kept *k = im->first; k; k = k->next) {
        struct row neu = k->row;
        TRY(drop_misfit(c, tx, &neu));
        enum err e = res_insert(c, tx, &res_ticket, &neu);
        if (e == E_INVALID && c->fault.nfields)
            row_errors_take(&im->rep->errors, c, k->no);
        else
            TRY(e);
    }
    return im->rep->errors.failed ? E_STATE : E_OK; /* any failure rolls all of it back */
}

static void arena_end(void *arg)
{
    arena_free(arg);
}

enum err ticket_import(struct ctx *c, struct app *app, int64_t community, struct str csv,
                       struct str map_json, bool dry_run, struct import_report *ret)
{
    struct import im = {
        .community = community, .app = app, .mem = arena_new(KEEP_BYTES), .rep = ret};
    struct mapping *m;
    im.last = &im.first;
    arena_defer(c->mem, arena_end, im.mem);
    *ret = (struct import_report){0};
    row_errors_init(&ret->errors, c->mem);
    TRY(mapping_load(c, ticket_fields, T__N, map_json, &m));
    TRY(mapping_rows(c, m, csv, take_row, &im, &ret->errors));
    ret->rows = im.n + ret->errors.failed; /* each row is either kept or told */
    check_twins(c, &im);
    TRY(db_read(app->db, c, check_stored, &im));
    if (ret->errors.failed || dry_run)
        return E_OK;
    for (struct kept *k = im.first; k; k = k->next)
        TRY(ticket_prepare(c, app, &k->row));
    enum err e = db_write(app->db, c, insert_rows, &im);
    if (e == E_STATE && ret->errors.failed)
        return E_OK;
    TRY(e);
    ret->loaded = im.n;
    return E_OK;
}
