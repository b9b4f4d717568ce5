/* text.c - what people wrote, out of what their programs sent. */
#include <string.h>

#include "rooms/mail/mime.h"

/* --- HTML --- */

static bool tag_is(struct str tag, const char *name)
{
    size_t n = strlen(name);
    return tag.n >= n && str_eq_nocase(str_sub(tag, 0, n), str_of(name)) &&
           (tag.n == n || strchr(" \t\r\n/>", tag.p[n]));
}

/* Where the text goes on after an element whose content is not for reading. */
static size_t skip_element(struct str s, size_t from, const char *name)
{
    for (size_t i = from; i + 2 < s.n; i++)
        if (s.p[i] == '<' && s.p[i + 1] == '/' && tag_is(str_sub(s, i + 2, s.n), name))
            return i;
    return s.n;
}

static void put_code(struct buf *b, int64_t code)
{
    char u[4];
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (code < 0x20 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return;
    for (size_t i = n; i-- > 1; code >>= 6)
        u[i] = (char)(0x80 | (code & 0x3F));
    u[0] = (char)(n == 1 ? code : (0xF00 >> n & 0xFF) | code);
    buf_put(b, (struct str){u, n});
}

static int64_t code_of(struct str s)
{
    bool hex = s.n > 1 && (s.p[1] == 'x' || s.p[1] == 'X');
    int64_t code = 0;
    for (size_t i = hex ? 2 : 1; i < s.n && code < 0x200000; i++) {
        char ch = s.p[i];
        int d = ch >= '0' && ch <= '9'          ? ch - '0'
                : hex && ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
                : hex && ch >= 'A' && ch <= 'F' ? ch - 'A' + 10
                                                : -1;
        if (d < 0)
            return -1;
        code = code * (hex ? 16 : 10) + d;
    }
    return code;
}

/* s begins with &. How many bytes it took; 0: it is no entity. */
static size_t put_entity(struct buf *b, struct str s)
{
    static const struct {
        const char *name;
        int code;
    } named[] = {{"amp", '&'},     {"lt", '<'},       {"gt", '>'},       {"quot", '"'},
                 {"apos", '\''},   {"nbsp", ' '},     {"ensp", ' '},     {"emsp", ' '},
                 {"middot", 0xB7}, {"ldquo", 0x201C}, {"rdquo", 0x201D}, {"hellip", 0x2026}};
    struct str rest = str_sub(s, 1, 12), name = str_next(&rest, ';');
    if (!rest.p || !name.n)
        return 0;
    if (name.p[0] == '#' && code_of(name) >= 0) {
        put_code(b, code_of(name));
        return name.n + 2;
    }
    for (size_t i = 0; i < COUNT_OF(named); i++)
        if (str_eqz(name, named[i].name)) {
            put_code(b, named[i].code);
            return name.n + 2;
        }
    return 0;
}

static size_t tag_end(struct str s, size_t from)
{
    char quote = 0;
    for (size_t i = from; i < s.n; i++) {
        if (quote)
            quote = s.p[i] == quote ? 0 : quote;
        else if (s.p[i] == '"' || s.p[i] == '\'')
            quote = s.p[i];
        else if (s.p[i] == '>')
            return i + 1;
    }
    return s.n;
}

static void put_space(struct buf *b)
{
    if (b->n && b->p[b->n - 1] != ' ' && b->p[b->n - 1] != '\n')
        buf_putc(b, ' ');
}

static size_t put_tag(struct buf *b, struct str s, size_t at)
{
    static const char *const dark[] = {"style", "script", "head", "title"};
    static const char *const lines[] = {"br", "p",  "/p", "div", "/div", "tr",  "li",         "/li",
                                        "h1", "h2", "h3", "/h1", "/h2",  "/h3", "blockquote", "hr"};
    struct str tag = str_sub(s, at + 1, 24);
    if (str_starts(tag, S("!--"))) {
        ptrdiff_t end = str_find(str_sub(s, at, s.n), S("-->"));
        return end < 0 ? s.n : at + (size_t)end + 3;
    }
    size_t end = tag_end(s, at);
    for (size_t i = 0; i < COUNT_OF(dark); i++)
        if (tag_is(tag, dark[i]))
            return skip_element(s, end, dark[i]);
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        if (tag_is(tag, lines[i]) && b->n && b->p[b->n - 1] != '\n')
            buf_putc(b, '\n');
    if (tag_is(tag, "td"))
        put_space(b);
    return end;
}

struct str html_words(struct arena *a, struct str s)
{
    struct buf b;
    buf_init(&b, a, s.n + 16);
    for (size_t i = 0; i < s.n;) {
        char ch = s.p[i];
        size_t n = 1;
        if (ch == '<' && i + 1 < s.n &&
            (s.p[i + 1] == '/' || s.p[i + 1] == '!' || (s.p[i + 1] | 32) >= 'a')) {
            i = put_tag(&b, s, i);
            continue;
        }
        if (ch == '&' && (n = put_entity(&b, str_sub(s, i, s.n))) > 0) {
            i += n;
            continue;
        }
        if ((unsigned char)ch <= ' ')
            put_space(&b);
        else
            buf_putc(&b, ch);
        i++;
    }
    return str_trim(buf_str(&b));
}

/* --- answers --- */

static bool holds(struct str s, const char *word)
{
    return str_find(s, str_of(word)) >= 0;
}

/* The line with which a mail program begins what it quotes. */
static bool begins_quote(struct str line)
{
    struct str s = str_trim(line);
    if (str_starts(s, S("-----")) || str_starts(s, S("_____")) || str_starts(s, S("— — —")))
        return holds(s, "riginal") || holds(s, "原始邮件") || holds(s, "原邮件") ||
               holds(s, "回复的邮件") || holds(s, "转发") || holds(s, "orwarded") ||
               str_starts(s, S("______________"));
    return (str_starts(s, S("On ")) && str_ends(s, S("wrote:"))) || str_ends(s, S("写道:")) ||
           str_ends(s, S("写道：")) || str_ends(s, S("寫道：")) ||
           (str_starts(s, S("发件人:")) || str_starts(s, S("发件人："))) ||
           (str_starts(s, S("From:")) && holds(s, "@"));
}

struct str mail_fresh(struct str text)
{
    struct str rest = text;
    size_t end = text.n;
    while (rest.p && rest.n) {
        size_t at = (size_t)(rest.p - text.p);
        struct str line = str_next(&rest, '\n');
        if (begins_quote(line) || str_eqz(line, "-- ") || str_eqz(line, "-- \r") ||
            str_starts(line, S(">"))) {
            end = at;
            break;
        }
    }
    struct str fresh = str_trim(str_sub(text, 0, end));
    return fresh.n ? fresh : str_trim(text);
}

struct str mail_topic(struct str subject)
{
    static const char *const before[] = {"re:",   "fw:",    "fwd:",  "aw:",    "回复:", "回复：",
                                         "转发:", "转发：", "答复:", "答复：", "re：",  "fw："};
    struct str s = str_trim(subject);
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < COUNT_OF(before); i++) {
            size_t n = strlen(before[i]);
            if (s.n >= n && str_eq_nocase(str_sub(s, 0, n), str_of(before[i]))) {
                s = str_trim(str_sub(s, n, s.n));
                again = true;
            }
        }
    }
    return s;
}
