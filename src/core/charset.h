/* charset.h - text of other character sets as UTF-8. */
#pragma once
#include "base/err.h"

/* A file of GB18030 or GBK (what a Chinese spreadsheet saves) as UTF-8; UTF-8 as it is. E_SYNTAX
 * when it is neither. */
MUST_USE enum err text_utf8(struct ctx *c, struct str text, struct str *ret);
/* Text whose sender named its charset (may be empty or wrong): whatever cannot be read becomes
 * U+FFFD, and what is valid UTF-8 is taken as that. */
MUST_USE enum err text_decode(struct ctx *c, struct str text, struct str charset, struct str *ret);
