/* charset.c - the only file that knows iconv. Files come from spreadsheets; those of a Chinese
 * Windows are GB18030 unless somebody chose otherwise. What is valid UTF-8 is UTF-8: text of the
 * other kind practically never is by chance. */
#include <iconv.h>
#include <string.h>

#include "core/import_in.h"

enum err text_utf8(struct ctx *c, struct str text, struct str *ret)
{
    if (utf8_valid(text)) {
        *ret = text;
        return E_OK;
    }
    iconv_t cd = iconv_open("UTF-8", "GB18030");
    if (cd == (iconv_t)-1) /* a system without glibc's gconv modules */
        return FAIL(c, E_SYNTAX, "文件不是 UTF-8 文字", "the file is not UTF-8 text");
    size_t room = text.n * 2 + 16, in_left = text.n, out_left = room; /* 2 bytes become 3 at most */
    char *out = arena_try(c->mem, room), *in = (char *)text.p, *at = out;
    size_t bad = out ? iconv(cd, &in, &in_left, &at, &out_left) : 0;
    iconv_close(cd);
    if (!out)
        return FAIL(c, E_TOOBIG, "文件太大,请分成几个文件导入", "the file is too large; split it");
    if (bad == (size_t)-1)
        return FAIL(c, E_SYNTAX, "第 %zu 个字节处既不是 UTF-8 也不是 GB18030 文字",
                    "neither UTF-8 nor GB18030 text at byte %zu", text.n - in_left);
    *ret = (struct str){out, room - out_left};
    return E_OK;
}
