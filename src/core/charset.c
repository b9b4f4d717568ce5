/* charset.c - the only file that knows iconv. Files come from spreadsheets; those of a Chinese
 * Windows are GB18030 unless somebody chose otherwise. What is valid UTF-8 is UTF-8: text of the
 * other kind practically never is by chance. */
#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "core/charset.h"

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

/* Mail from China says gb2312 and means what Windows writes. */
static const char *charset_known(struct arena *a, struct str name)
{
    if (str_eq_nocase(name, S("gb2312")) || str_eq_nocase(name, S("gbk")) ||
        str_eq_nocase(name, S("x-gbk")))
        return "GB18030";
    return name.n && name.n < 40 && !str_has_nul(name) ? str_z(a, name) : "GB18030";
}

enum err text_decode(struct ctx *c, struct str text, struct str charset, struct str *ret)
{
    static const char unread[] = "\xef\xbf\xbd"; /* U+FFFD */
    *ret = text;
    if (utf8_valid(text) && !str_eq_nocase(charset, S("iso-2022-jp")) &&
        !str_eq_nocase(charset, S("hz-gb-2312")))
        return E_OK; /* which plain ASCII is too */
    iconv_t cd = iconv_open("UTF-8", charset_known(c->mem, charset));
    if (cd == (iconv_t)-1)
        cd = iconv_open("UTF-8", "GB18030");
    size_t room = text.n * 3 + 16, in_left = text.n, out_left = room;
    char *out = cd == (iconv_t)-1 ? NULL : arena_try(c->mem, room), *in = (char *)text.p, *at = out;
    while (out && in_left) {
        if (iconv(cd, &in, &in_left, &at, &out_left) != (size_t)-1)
            break;
        if (errno == E2BIG || out_left < sizeof unread)
            break;
        memcpy(at, unread, sizeof unread - 1);
        at += sizeof unread - 1, out_left -= sizeof unread - 1;
        in++, in_left--;
    }
    if (cd != (iconv_t)-1)
        iconv_close(cd);
    if (!out)
        return FAIL(c, E_TOOBIG, "文字太长", "the text is too long");
    *ret = (struct str){out, room - out_left};
    return E_OK;
}
