/* xlsx.h - writing one sheet as an XLSX file, row after row, in constant memory: the library spools
 * the sheet to a temporary file. Texts stay texts (nothing is ever a formula), numbers are numbers
 * with their decimals. */
#pragma once
#include "base/err.h"

struct xlsx;
/* A sheet with a bold, frozen first line still to be written. temp_dir is made when missing. The
 * workbook and its file are gone when c->mem ends, whatever happened. E_FULL: the folder cannot be
 * written. */
MUST_USE enum err xlsx_open(struct ctx *c, const char *temp_dir, const char *sheet,
                            struct xlsx **ret);
/* The next cell of the row. A failure is kept and told by xlsx_end. */
void xlsx_text(struct xlsx *x, struct str s);
void xlsx_number(struct xlsx *x, int64_t v, int scale); /* scale 0, 2 or 3 */
void xlsx_empty(struct xlsx *x);
void xlsx_row_end(struct xlsx *x);
/* The finished file. */
MUST_USE enum err xlsx_end(struct ctx *c, struct xlsx *x, struct buf *out);
