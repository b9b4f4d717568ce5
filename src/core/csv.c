/* csv.c - the CSV reader. Cells point into the text itself; only a cell with doubled quotes is
 * copied. It knows no fields and no meaning: a record is a list of texts. */
#include "core/csv.h"

#include <stdlib.h>
#include <string.h>

enum { ROW_MEM = 2 * CSV_ROW_BYTES_MAX, MESSAGE_CHARS = 200 };

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

char csv_delimiter(struct str text)
{
    static const char candidates[] = ",;\t";
    size_t counts[3] = {0}, best = 0;
    for (size_t i = 0; i < text.n && text.p[i] != '\n'; i++)
        for (size_t k = 0; k < COUNT_OF(counts); k++)
            counts[k] += text.p[i] == candidates[k];
    for (size_t k = 1; k < COUNT_OF(counts); k++)
        best = counts[k] > counts[best] ? k : best;
    return candidates[best];
}

void csv_open(struct csv *r, struct arena *owner, struct str text, char delimiter)
{
    ASSERT(delimiter == ',' || delimiter == ';' || delimiter == '\t');
    *r = (struct csv){.rest = text, .delimiter = delimiter, .mem = arena_under(owner, ROW_MEM)};
    if (str_starts(text, S("\xEF\xBB\xBF")))
        r->rest = str_sub(text, 3, text.n);
}

/* --- one cell --- */

static enum err bad_cell(struct ctx *c, const struct csv *r, struct text why)
{
    return FAIL(c, E_SYNTAX, "第 %lld 行第 %d 列:%s", "row %lld, column %d: %s", (long long)r->row,
                r->n + 1, text_in(why, c->lang));
}

/* The text of a quoted cell whose raw inside has doubled quotes. */
static enum err unquote(struct ctx *c, struct csv *r, struct str raw, struct str *ret)
{
    char *p = arena_try(r->mem, raw.n);
    if (!p)
        return FAIL(c, E_TOOBIG, "第 %lld 行太长", "row %lld is too long", (long long)r->row);
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        p[n++] = raw.p[i];
        i += raw.p[i] == '"';
    }
    *ret = (struct str){p, n};
    return E_OK;
}

static bool at_end(struct str s, char delimiter)
{
    return s.n == 0 || s.p[0] == delimiter || s.p[0] == '\n' || str_starts(s, S("\r\n"));
}

static enum err quoted_cell(struct ctx *c, struct csv *r, struct str *ret)
{
    struct str s = str_sub(r->rest, 1, r->rest.n);
    size_t n = 0;
    bool doubled = false;
    for (;;) {
        const char *quote = n < s.n ? memchr(s.p + n, '"', s.n - n) : NULL;
        if (!quote)
            return bad_cell(c, r,
                            (struct text){"引号没有结束", "the opening quote is never closed"});
        n = (size_t)(quote - s.p);
        if (n + 1 >= s.n || s.p[n + 1] != '"')
            break;
        doubled = true;
        n += 2;
    }
    if (n > CSV_ROW_BYTES_MAX)
        return FAIL(c, E_TOOBIG, "第 %lld 行太长", "row %lld is too long", (long long)r->row);
    r->rest = str_sub(s, n + 1, s.n);
    if (!at_end(r->rest, r->delimiter))
        return bad_cell(c, r, (struct text){"引号后面还有文字", "text after the closing quote"});
    *ret = str_sub(s, 0, n);
    return doubled ? unquote(c, r, *ret, ret) : E_OK;
}

static enum err plain_cell(struct ctx *c, struct csv *r, struct str *ret)
{
    struct str s = r->rest;
    size_t n = 0;
    while (!at_end(str_sub(s, n, 2), r->delimiter)) {
        if (s.p[n] == '"')
            return bad_cell(
                c, r, (struct text){"没有加引号的文字里有引号", "a quote inside unquoted text"});
        n++;
    }
    *ret = str_sub(s, 0, n);
    r->rest = str_sub(s, n, s.n);
    return E_OK;
}

/* --- one record --- */

/* Reads to the end of the record and steps over its line end. *ret_blank: an empty line. */
static enum err read_record(struct ctx *c, struct csv *r, bool *ret_blank)
{
    const char *start = r->rest.p;
    bool quoted = false;
    for (;;) {
        if (r->n == CSV_COLUMNS_MAX)
            return FAIL(c, E_TOOBIG, "第 %lld 行超过 %d 列", "row %lld has more than %d columns",
                        (long long)r->row, CSV_COLUMNS_MAX);
        quoted = r->rest.n && r->rest.p[0] == '"';
        struct str cell;
        TRY(quoted ? quoted_cell(c, r, &cell) : plain_cell(c, r, &cell));
        if (r->rest.p - start > CSV_ROW_BYTES_MAX)
            return FAIL(c, E_TOOBIG, "第 %lld 行太长", "row %lld is too long", (long long)r->row);
        r->cells[r->n++] = cell;
        if (!r->rest.n || r->rest.p[0] != r->delimiter)
            break;
        r->rest = str_sub(r->rest, 1, r->rest.n);
    }
    *ret_blank = r->n == 1 && !quoted && !r->cells[0].n;
    if (r->rest.n)
        r->rest = str_sub(r->rest, r->rest.p[0] == '\r' ? 2 : 1, r->rest.n);
    return E_OK;
}

enum err csv_next(struct ctx *c, struct csv *r, bool *ret_more)
{
    bool blank = true;
    while (blank) {
        r->n = 0;
        if (!r->rest.n) {
            *ret_more = false;
            return E_OK;
        }
        arena_reset(r->mem);
        if (++r->row > CSV_ROWS_MAX + 1)
            return FAIL(c, E_TOOBIG, "超过 %d 行,请分成几个文件",
                        "more than %d rows; split the file", CSV_ROWS_MAX);
        TRY(read_record(c, r, &blank));
    }
    *ret_more = true;
    return E_OK;
}

struct str csv_plain(struct str cell)
{
    bool guarded = cell.n > 1 && cell.p[0] == '\'' && memchr("=+-@\t\r", cell.p[1], 6);
    return guarded ? str_sub(cell, 1, cell.n) : cell;
}

/* --- what is wrong with which row --- */

void row_errors_init(struct row_errors *e, struct arena *owner)
{
    *e = (struct row_errors){.mem = arena_under(owner, ARENA_REPORT_BYTES)};
    e->v = arena_get(e->mem, ROW_ERRORS_MAX * sizeof *e->v);
}

static struct str short_copy(struct arena *a, struct str s)
{
    return str_dup(a, utf8_valid(s) ? utf8_head(s, MESSAGE_CHARS) : S("?"));
}

void row_errors_take(struct row_errors *e, struct ctx *c, int64_t row)
{
    const struct fault *f = &c->fault;
    e->failed++;
    if (e->n < ROW_ERRORS_MAX) {
        struct row_error *to = &e->v[e->n++];
        *to = (struct row_error){.row = row, .n = f->nfields ? f->nfields : 1};
        to->fields = arena_get(e->mem, (size_t)to->n * sizeof *to->fields);
        if (!f->nfields)
            to->fields[0] = (struct field_fault){"", err_key(f->code),
                                                 short_copy(e->mem, f->message)};
        for (int i = 0; i < f->nfields; i++)
            to->fields[i] = (struct field_fault){short_copy(e->mem, str_of(f->fields[i].field)).p,
                                                 f->fields[i].code,
                                                 short_copy(e->mem, f->fields[i].message)};
    }
    fault_clear(c);
}

static int by_row(const void *a, const void *b)
{
    int64_t x = ((const struct row_error *)a)->row, y = ((const struct row_error *)b)->row;
    return x < y ? -1 : x > y;
}

void row_errors_json(struct row_errors *e, struct buf *b)
{
    qsort(e->v, (size_t)e->n, sizeof *e->v, by_row);
    buf_putc(b, '[');
    for (int i = 0; i < e->n; i++) {
        buf_fmt(b, "%s{\"row\":%lld,\"fields\":[", i ? "," : "", (long long)e->v[i].row);
        for (int k = 0; k < e->v[i].n; k++) {
            const struct field_fault *f = &e->v[i].fields[k];
            buf_put(b, k ? S(",{\"field\":") : S("{\"field\":"));
            buf_json(b, str_of(f->field));
            buf_fmt(b, ",\"code\":\"%s\",\"message\":", f->code);
            buf_json(b, f->message);
            buf_putc(b, '}');
        }
        buf_put(b, S("]}"));
    }
    buf_putc(b, ']');
}
