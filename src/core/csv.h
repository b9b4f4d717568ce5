/* csv.h - RFC 4180 text, record by record, without copying what need not be copied; and the list of
 * what is wrong with which row of a file, which every import answers with. Foreign files are
 * hostile: each limit below is checked while reading, and quoting that can be read in two ways is
 * refused with its place, never guessed. */
#pragma once
#include "base/err.h"

enum { CSV_COLUMNS_MAX = 100, CSV_ROW_BYTES_MAX = 1 << 20, CSV_ROWS_MAX = 200000 };

struct csv {
    struct str rest; /* not read yet */
    char delimiter;  /* , or ; or tab */
    int64_t row;     /* number of the record in cells; the header is 1, blank lines count too */
    int n;           /* its cells; after a failure: those before the bad one */
    struct str cells[CSV_COLUMNS_MAX]; /* good until the next csv_next */
    struct arena *mem;                 /* private: cells that held doubled quotes */
};
/* Of , ; and tab the one most frequent in the first line; the comma when there is none. */
char csv_delimiter(struct str text);
/* Skips a byte order mark. text must outlive r; delimiter is one of , ; tab. */
void csv_open(struct csv *r, struct arena *owner, struct str text, char delimiter);
/* The next record that is not a blank line; *ret_more false: the end. E_SYNTAX (quoting) and
 * E_TOOBIG (limits) name row and column; nothing can be read after them. */
MUST_USE enum err csv_next(struct ctx *c, struct csv *r, bool *ret_more);
/* The cell without the ' that buf_csv puts before what a spreadsheet would run. Only for files of
 * our own making. */
struct str csv_plain(struct str cell);

/* Heads the last column of every export: whose file a row is from. Imports leave it out. */
#define EXPORT_MARK "_export"

enum { ROW_ERRORS_MAX = 1000 };
struct row_error {
    int64_t row;
    struct field_fault *fields; /* field "": the row as a whole */
    int n;
};
struct row_errors {
    struct row_error *v; /* the first ROW_ERRORS_MAX */
    int n;
    int64_t failed;    /* all of them */
    struct arena *mem; /* private */
};
void row_errors_init(struct row_errors *e, struct arena *owner);
/* Moves c's fault into the list as the reasons of this row, and clears it. */
void row_errors_take(struct row_errors *e, struct ctx *c, int64_t row);
/* [{"row":3,"fields":[{"field","code","message"}]},…] by row. */
void row_errors_json(struct row_errors *e, struct buf *b);
