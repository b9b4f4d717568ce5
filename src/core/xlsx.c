/* xlsx.c - the wrapper of libxlsxwriter. This version of the library writes to a path only, so the
 * file is made under the data folder, readable by us alone, and read back. Must not decide what may
 * be exported: it is handed cells. */
#include "core/xlsx.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xlsxwriter.h>

#include "base/fs.h"
#include "base/log.h"

enum { TEXT_CHARS_MAX = 32767 /* of the format */, READ_BYTES = 64 << 10 };

struct xlsx {
    lxw_workbook *book; /* NULL: closed */
    lxw_worksheet *sheet;
    lxw_format *bold, *scaled[4];
    lxw_row_t row;
    lxw_col_t column;
    lxw_error fault;
    struct arena *mem;
    struct buf cell; /* one NUL-terminated text at a time */
    char *path;
};

static lxw_error book_close(struct xlsx *x)
{
    lxw_error e = x->book ? workbook_close(x->book) : LXW_NO_ERROR;
    x->book = NULL; /* closing frees it, also when it fails */
    return e;
}

static void xlsx_drop(void *arg)
{
    struct xlsx *x = arg;
    (void)book_close(x);
    (void)unlink(x->path);
}

static enum err cannot_write(struct ctx *c, const char *what)
{
    log_line(LOG_ERROR, "xlsx", "msg=\"cannot write the temporary file\" why=\"%s\"", what);
    return FAIL(c, E_FULL, "服务器无法写入临时文件", "the server cannot write its temporary file");
}

static void make_formats(struct xlsx *x)
{
    static const char *const patterns[] = {"0", NULL, "0.00", "0.000"};
    x->bold = workbook_add_format(x->book);
    format_set_bold(x->bold);
    for (size_t i = 0; i < COUNT_OF(patterns); i++) {
        if (!patterns[i])
            continue;
        x->scaled[i] = workbook_add_format(x->book);
        format_set_num_format(x->scaled[i], patterns[i]);
    }
}

enum err xlsx_open(struct ctx *c, const char *temp_dir, const char *sheet, struct xlsx **ret)
{
    struct xlsx *x = arena_get(c->mem, sizeof *x);
    char *dir = (char *)(uintptr_t)str_z(c->mem, str_of(temp_dir));
    struct fs_file f;
    x->mem = c->mem;
    int why = fs_folder(dir);
    if (!why)
        why = fs_create(&f, dir, "export"); /* ours alone; the library then writes into this file */
    if (why)
        return fs_fail(c, why, (struct text)TEXT("导出文件", "the export"));
    x->path = (char *)(uintptr_t)str_z(c->mem, str_of(f.path));
    (void)close(f.fd);
    arena_defer(c->mem, xlsx_drop, x);
    lxw_workbook_options o = {.constant_memory = LXW_TRUE, .tmpdir = dir};
    x->book = workbook_new_opt(x->path, &o);
    x->sheet = x->book ? workbook_add_worksheet(x->book, sheet) : NULL;
    if (!x->sheet)
        return cannot_write(c, "libxlsxwriter");
    make_formats(x);
    (void)worksheet_set_column(x->sheet, 0, 99, 16, NULL);
    worksheet_freeze_panes(x->sheet, 1, 0);
    buf_init(&x->cell, c->mem, 4 * TEXT_CHARS_MAX + 1);
    *ret = x;
    return E_OK;
}

static void note(struct xlsx *x, lxw_error e)
{
    if (x->fault == LXW_NO_ERROR)
        x->fault = e;
    x->column++;
}

/* XML cannot hold most control characters: the format writes them as _x0001_. */
static void put_cell(struct buf *b, struct str s)
{
    buf_clear(b);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char ch = (unsigned char)s.p[i];
        if (ch < 0x20 && ch != '\t' && ch != '\n')
            buf_fmt(b, "_x%04X_", ch);
        else
            buf_putc(b, (char)ch);
    }
    buf_putc(b, 0);
}

void xlsx_text(struct xlsx *x, struct str s)
{
    put_cell(&x->cell, s);
    if (x->cell.full)
        note(x, LXW_ERROR_MAX_STRING_LENGTH_EXCEEDED);
    else
        note(x, worksheet_write_string(x->sheet, x->row, x->column, x->cell.p,
                                       x->row ? NULL : x->bold));
}

void xlsx_number(struct xlsx *x, int64_t v, int scale)
{
    static const double units[] = {1, 10, 100, 1000};
    ASSERT(scale >= 0 && scale <= 3 && scale != 1);
    note(x, worksheet_write_number(x->sheet, x->row, x->column, (double)v / units[scale],
                                   x->scaled[scale]));
}

void xlsx_empty(struct xlsx *x)
{
    x->column++;
}

void xlsx_row_end(struct xlsx *x)
{
    x->row++;
    x->column = 0;
}

static enum err read_back(struct ctx *c, const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cannot_write(c, strerror(errno));
    ssize_t n = 0;
    do {
        out->n += (size_t)n;
        if (!buf_reserve(out, READ_BYTES))
            break;
        n = read(fd, out->p + out->n, READ_BYTES);
    } while (n > 0);
    (void)close(fd);
    return n < 0 ? cannot_write(c, strerror(errno)) : E_OK;
}

enum err xlsx_end(struct ctx *c, struct xlsx *x, struct buf *out)
{
    lxw_error e = book_close(x);
    if (x->fault == LXW_ERROR_MAX_STRING_LENGTH_EXCEEDED)
        return FAIL(c, E_TOOBIG, "有文字超过 XLSX 一格的上限,请导出 CSV",
                    "a text is longer than an XLSX cell can hold; export CSV instead");
    if (x->fault != LXW_NO_ERROR || e != LXW_NO_ERROR)
        return cannot_write(c, lxw_strerror(x->fault != LXW_NO_ERROR ? x->fault : e));
    enum err r = read_back(c, x->path, out);
    (void)unlink(x->path);
    return r;
}
