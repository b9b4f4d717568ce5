/* text.c - the formats text travels in: UTF-8, JSON strings, CSV cells, HTML, URLs. buf_json is on
 * the hottest path of the product: it copies runs of plain text (Chinese included) with memcpy and
 * stops only at bytes that need care. Must not trust its input: bytes may be anything. */
#include "base/err.h"
#include <string.h>

/* Length of the well-formed UTF-8 sequence at p (Unicode table 3-7), 0 when there is none. */
static size_t utf8_step(const unsigned char *p, const unsigned char *end)
{
    unsigned char c = *p;
    if (c < 0x80)
        return 1;
    size_t room = (size_t)(end - p);
    if (c >= 0xc2 && c <= 0xdf)
        return room >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
    if (c >= 0xe0 && c <= 0xef) {
        unsigned char lo = c == 0xe0 ? 0xa0 : 0x80, hi = c == 0xed ? 0x9f : 0xbf;
        return room >= 3 && p[1] >= lo && p[1] <= hi && (p[2] & 0xc0) == 0x80 ? 3 : 0;
    }
    if (c >= 0xf0 && c <= 0xf4) {
        unsigned char lo = c == 0xf0 ? 0x90 : 0x80, hi = c == 0xf4 ? 0x8f : 0xbf;
        return room >= 4 && p[1] >= lo && p[1] <= hi && (p[2] & 0xc0) == 0x80 &&
                       (p[3] & 0xc0) == 0x80
                   ? 4
                   : 0;
    }
    return 0;
}

bool utf8_valid(struct str s)
{
    const unsigned char *p = (const unsigned char *)(s.p ? s.p : ""), *end = p + s.n;
    while (p < end) {
        uint64_t eight;
        if (end - p >= 8 && (memcpy(&eight, p, 8), (eight & 0x8080808080808080u) == 0)) {
            p += 8;
            continue;
        }
        size_t step = utf8_step(p, end);
        if (step == 0)
            return false;
        p += step;
    }
    return true;
}

size_t utf8_len(struct str s)
{
    size_t chars = 0;
    for (size_t i = 0; i < s.n; i++)
        chars += (s.p[i] & 0xc0) != 0x80;
    return chars;
}

struct str utf8_head(struct str s, size_t chars)
{
    size_t i = 0;
    for (; i < s.n; i++)
        if ((s.p[i] & 0xc0) != 0x80 && chars-- == 0)
            break;
    return str_sub(s, 0, i);
}

static void put_run(struct buf *b, const unsigned char *from, const unsigned char *to)
{
    buf_put(b, (struct str){(const char *)from, (size_t)(to - from)});
}

/* 0: plain. Else the character after the backslash, 'u' for a \u00XX form, or 1 for a byte of a
 * longer sequence. */
static const char json_class[256] = {
    [0 ... 7] = 'u', ['\b'] = 'b', ['\t'] = 't',      ['\n'] = 'n', [11] = 'u',
    ['\f'] = 'f',    ['\r'] = 'r', [14 ... 31] = 'u', ['"'] = '"',  ['&'] = 'u',
    ['<'] = 'u',     ['>'] = 'u',  ['\\'] = '\\',     [127] = 'u',  [128 ... 255] = 1,
};

static void put_json_escape(struct buf *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char kind = json_class[c];
    if (kind == 'u') {
        char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        buf_put(b, (struct str){text, sizeof text});
    } else {
        char text[2] = {'\\', kind};
        buf_put(b, (struct str){text, sizeof text});
    }
}

void buf_json(struct buf *b, struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p, *end = s.n ? p + s.n : p, *run = p;
    buf_putc(b, '"');
    while (p < end) {
        char kind = json_class[*p];
        if (kind == 0) {
            p++;
            continue;
        }
        if (kind == 1) {
            /* Chinese text and its punctuation, without the care the rarer sequences need. */
            if (end - p >= 3 && *p >= 0xe3 && *p <= 0xef && *p != 0xed && (p[1] & 0xc0) == 0x80 &&
                (p[2] & 0xc0) == 0x80) {
                p += 3;
                continue;
            }
            size_t step = utf8_step(p, end);
            bool line_end = step == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] & 0xfe) == 0xa8;
            if (step > 0 && !line_end) {
                p += step;
                continue;
            }
            put_run(b, run, p);
            buf_put(b, step == 0 ? S("\xef\xbf\xbd") : p[2] == 0xa8 ? S("\\u2028") : S("\\u2029"));
            p += step ? step : 1;
        } else {
            put_run(b, run, p);
            put_json_escape(b, *p++);
        }
        run = p;
    }
    put_run(b, run, end);
    buf_putc(b, '"');
}

void buf_csv(struct buf *b, struct str s)
{
    bool quote = false;
    for (size_t i = 0; i < s.n && !quote; i++)
        quote = s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r';
    bool runs = s.n > 0 && memchr("=+-@\t\r", s.p[0], 6) != NULL;
    if (quote)
        buf_putc(b, '"');
    if (runs)
        buf_putc(b, '\'');
    while (quote && s.p) {
        buf_put(b, str_next(&s, '"'));
        if (s.p)
            buf_put(b, S("\"\""));
    }
    buf_put(b, s);
    if (quote)
        buf_putc(b, '"');
}

void buf_html(struct buf *b, struct str s)
{
    size_t run = 0;
    for (size_t i = 0; i < s.n; i++) {
        struct str entity;
        switch (s.p[i]) {
        case '&': entity = S("&amp;"); break;
        case '<': entity = S("&lt;"); break;
        case '>': entity = S("&gt;"); break;
        case '"': entity = S("&quot;"); break;
        case '\'': entity = S("&#39;"); break;
        default: continue;
        }
        buf_put(b, str_sub(s, run, i - run));
        buf_put(b, entity);
        run = i + 1;
    }
    buf_put(b, str_sub(s, run, s.n - run));
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct str url_decode(struct arena *a, struct str s, bool plus)
{
    const struct str bad = {NULL, 0};
    char *to = arena_try(a, s.n + 1);
    if (!to)
        return bad;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            int hi = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
            int lo = i + 2 < s.n ? hex_digit(s.p[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return bad;
            c = (char)(hi << 4 | lo);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c == 0)
            return bad;
        to[n++] = c;
    }
    return (struct str){to, n};
}

static bool url_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void buf_url(struct buf *b, struct str s)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (url_plain(s.p[i])) {
            buf_putc(b, s.p[i]);
        } else {
            char text[3] = {'%', hex[c >> 4], hex[c & 15]};
            buf_put(b, (struct str){text, sizeof text});
        }
    }
}
