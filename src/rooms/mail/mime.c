/* mime.c - the only file that knows GMime. It copies what is needed into the arena and lets go of
 * GMime's own objects before it returns. */
#include "rooms/mail/mime.h"

#include <gmime/gmime.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "core/charset.h"

enum { NAME_MAX_CHARS = 60, SUBJECT_MAX_CHARS = 200, WHY_MAX_CHARS = 300, ID_MAX = 250 };

/* How heads without a charset, or of one nobody knows, are read. Only `anju mail` and the one
 * thread that sends come here. */
static GMimeParserOptions *start(void)
{
    const char *charsets[] = {"utf-8", "gb18030", "iso-8859-1", NULL};
    g_mime_init(); /* again: nothing */
    GMimeParserOptions *options = g_mime_parser_options_new();
    g_mime_parser_options_set_fallback_charsets(options, charsets);
    return options;
}

/* One valid line of at most max characters. */
static struct str line_of(struct ctx *c, const char *z, size_t max)
{
    struct str s = str_of(z), out;
    if (!utf8_valid(s) && text_decode(c, s, S("GB18030"), &s) != E_OK)
        return (struct str){0};
    char *p = arena_get(c->mem, s.n + 1);
    for (size_t i = 0; i < s.n; i++)
        p[i] = (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ? ' ' : s.p[i];
    out = (struct str){p, s.n};
    return utf8_head(str_trim(out), max);
}

/* --- encoded words (RFC 2047) --- */

struct coded {
    struct str charset, text;
    size_t bytes; /* of the whole word; 0: there is none here */
};

static struct coded coded_at(struct str s, size_t at)
{
    enum { WORD_MAX = 2000, CHARSET_MAX = 40 };
    struct coded w = {0};
    struct str rest = str_sub(s, at + 2, WORD_MAX);
    if (!str_starts(str_sub(s, at, 2), S("=?")))
        return w;
    w.charset = str_next(&rest, '?');
    struct str how = rest.p ? str_next(&rest, '?') : (struct str){0};
    w.text = rest.p ? str_next(&rest, '?') : (struct str){0};
    if (rest.p && str_starts(rest, S("=")) && w.charset.n && w.charset.n < CHARSET_MAX &&
        str_eq_nocase(how, S("b")))
        w.bytes = (size_t)(rest.p + 1 - s.p) - at;
    return w;
}

static size_t gap_end(struct str s, size_t at)
{
    while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\t' || s.p[at] == '\r' || s.p[at] == '\n'))
        at++;
    return at;
}

/* Base64 words that follow each other become one, in place: it is never longer. GMime 3.2.13
 * decodes them in one go and stops at the first padding, which is where most Chinese subjects would
 * be cut; and many a program cuts a character in two between words. Returns the new length. */
static size_t join_words(struct ctx *c, char *p, size_t size)
{
    enum { RUN_MAX = 8000 };
    struct str raw = {p, size};
    struct buf bytes;
    size_t to = 0;
    buf_init(&bytes, c->mem, 16 << 10);
    for (size_t i = 0; i < size;) {
        struct coded first = p[i] == '=' ? coded_at(raw, i) : (struct coded){0}, w = first;
        struct str charset = first.bytes ? str_dup(c->mem, first.charset) : first.charset;
        size_t from = i, words = 0;
        buf_clear(&bytes);
        for (size_t at = i; w.bytes && str_eq_nocase(w.charset, charset) && bytes.n < RUN_MAX;
             words++) {
            gsize n = 0;
            guchar *got = g_base64_decode(str_z(c->mem, w.text), &n);
            buf_put(&bytes, (struct str){(const char *)got, n});
            g_free(got);
            i = at + w.bytes;
            at = gap_end(raw, i);
            w = coded_at(raw, at);
        }
        if (words > 1) {
            gchar *all = g_base64_encode((const guchar *)bytes.p, bytes.n);
            int n = snprintf(p + to, size - to, "=?" PRS "?B?%s?=", PRA(charset), all);
            to += n > 0 ? (size_t)n : 0;
            g_free(all);
            continue;
        }
        i = words ? i : i + 1;
        memmove(p + to, p + from, i - from);
        to += i - from;
    }
    return to;
}

/* --- heads --- */

/* ASCII without spaces, as ids are; anything else is none. */
static struct str clean_id(struct ctx *c, const char *z)
{
    struct str s = str_of(z);
    if (s.n == 0 || s.n > ID_MAX)
        return (struct str){0};
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return (struct str){0};
    return str_dup(c->mem, s);
}

static void add_refs(struct ctx *c, struct mail *m, const char *text)
{
    GMimeReferences *refs = text ? g_mime_references_parse(NULL, text) : NULL;
    for (int i = refs ? g_mime_references_length(refs) : 0; i-- > 0 && m->nrefs < MAIL_REFS;) {
        struct str id = clean_id(c, g_mime_references_get_message_id(refs, i));
        if (id.n)
            m->refs[m->nrefs++] = id;
    }
    if (refs)
        g_mime_references_free(refs);
}

static void add_to(struct ctx *c, struct mail *m, InternetAddressList *list)
{
    for (int i = 0; list && i < internet_address_list_length(list) && m->nto < MAIL_REFS; i++) {
        InternetAddress *one = internet_address_list_get_address(list, i);
        const char *z = INTERNET_ADDRESS_IS_MAILBOX(one)
                            ? internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(one))
                            : NULL;
        struct str clean;
        if (z && email_clean(c->mem, str_of(z), &clean))
            m->to[m->nto++] = clean;
    }
}

static void add_to_header(struct ctx *c, struct mail *m, GMimeObject *o, const char *name)
{
    const char *z = g_mime_object_get_header(o, name);
    InternetAddressList *list = z ? internet_address_list_parse(NULL, z) : NULL;
    add_to(c, m, list);
    if (list)
        g_object_unref(list);
}

static bool header_is(GMimeObject *o, const char *name, const char *prefix)
{
    const char *z = g_mime_object_get_header(o, name);
    struct str s = str_trim(str_of(z));
    return z && (!prefix || str_eq_nocase(str_sub(s, 0, strlen(prefix)), str_of(prefix)));
}

/* RFC 3834: what must not be answered. An empty sender of the envelope is how bounces come. */
static bool is_automatic(GMimeObject *o)
{
    const char *sent = g_mime_object_get_header(o, "Auto-Submitted");
    return (sent && !str_eq_nocase(str_trim(str_of(sent)), S("no"))) ||
           header_is(o, "Precedence", "bulk") || header_is(o, "Precedence", "junk") ||
           header_is(o, "Precedence", "list") || header_is(o, "List-Id", NULL) ||
           header_is(o, "X-Autoreply", NULL) || header_is(o, "X-Auto-Response-Suppress", NULL) ||
           header_is(o, "Return-Path", "<>");
}

static bool is_nobody(struct str from)
{
    struct str rest = from, local = str_next(&rest, '@');
    return str_eqz(local, "mailer-daemon") || str_eqz(local, "postmaster") ||
           str_starts(local, S("noreply")) || str_starts(local, S("no-reply"));
}

static enum err read_heads(struct ctx *c, GMimeMessage *msg, struct mail *m)
{
    GMimeObject *o = GMIME_OBJECT(msg);
    InternetAddressList *from = g_mime_message_get_from(msg);
    InternetAddress *first = from && internet_address_list_length(from)
                                 ? internet_address_list_get_address(from, 0)
                                 : NULL;
    if (!first || !INTERNET_ADDRESS_IS_MAILBOX(first) ||
        !email_clean(c->mem,
                     str_of(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(first))),
                     &m->from))
        return FAIL(c, E_SYNTAX, "不是邮件,或没有发件人", "no message, or nobody sent it");
    m->name = line_of(c, internet_address_get_name(first), NAME_MAX_CHARS);
    m->subject = line_of(c, g_mime_message_get_subject(msg), SUBJECT_MAX_CHARS);
    m->message_id = clean_id(c, g_mime_message_get_message_id(msg));
    add_refs(c, m, g_mime_object_get_header(o, "In-Reply-To"));
    add_refs(c, m, g_mime_object_get_header(o, "References"));
    add_to_header(c, m, o, "X-Original-To");
    add_to_header(c, m, o, "Delivered-To");
    add_to(c, m, g_mime_message_get_to(msg));
    add_to(c, m, g_mime_message_get_cc(msg));
    m->automatic = is_automatic(o) || is_nobody(m->from);
    return E_OK;
}

/* --- bodies --- */

static enum err content_of(struct ctx *c, GMimePart *part, struct str *ret)
{
    GMimeDataWrapper *w = g_mime_part_get_content(part);
    GMimeStream *mem = g_mime_stream_mem_new();
    if (w)
        g_mime_data_wrapper_write_to_stream(w, mem);
    GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(mem));
    char *p = arena_try(c->mem, bytes->len + 1);
    if (p && bytes->len)
        memcpy(p, bytes->data, bytes->len);
    *ret = (struct str){p, p ? bytes->len : 0};
    g_object_unref(mem);
    return p ? E_OK : FAIL(c, E_TOOBIG, "邮件太大", "the message is too large");
}

/* Without the controls that no text has, and not longer than a ticket takes. */
static struct str plain(struct ctx *c, struct str s)
{
    struct buf b;
    buf_init(&b, c->mem, s.n + 1);
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= ' ' || s.p[i] == '\n' || s.p[i] == '\t')
            buf_putc(&b, s.p[i]);
    return utf8_head(str_trim(buf_str(&b)), MAIL_TEXT_MAX);
}

struct bodies {
    struct str text, html;
};

static enum err read_text(struct ctx *c, GMimePart *part, GMimeContentType *type, struct bodies *b)
{
    const char *charset = g_mime_content_type_get_parameter(type, "charset");
    bool html = g_mime_content_type_is_type(type, "text", "html");
    struct str raw, text, *to = html ? &b->html : &b->text;
    TRY(content_of(c, part, &raw));
    TRY(text_decode(c, raw, str_of(charset), &text));
    if (!to->n)
        *to = text;
    else if (!html) /* a list's footer, a second body */
        *to = arena_fmt(c->mem, PRS "\n" PRS, PRA(*to), PRA(text));
    return E_OK;
}

static enum err read_file(struct ctx *c, GMimePart *part, struct mail *m)
{
    struct mail_file *f = &m->files[m->nfiles];
    if (m->nfiles == MAIL_FILES) {
        m->left_out++;
        return E_OK;
    }
    TRY(content_of(c, part, &f->bytes));
    f->name = line_of(c, g_mime_part_get_filename(part), 120);
    m->nfiles += f->bytes.n > 0;
    return E_OK;
}

/* Servers repeat whom it was for: 550 <wang@qq.com>: no such user. */
static struct str without_addresses(struct ctx *c, struct str s)
{
    struct buf b;
    buf_init(&b, c->mem, s.n + 16);
    while (s.p && s.n) {
        struct str word = str_next(&s, ' ');
        buf_put(&b, str_find(word, S("@")) >= 0 ? S("***") : word);
        if (s.p)
            buf_putc(&b, ' ');
    }
    return buf_str(&b);
}

/* What a mail server says of a message it could not deliver (RFC 3464). */
static enum err read_report(struct ctx *c, GMimePart *part, struct mail *m)
{
    struct str text, line;
    TRY(content_of(c, part, &text));
    m->automatic = m->bounced = true;
    while (text.p && text.n) {
        line = str_trim(str_next(&text, '\n'));
        if (str_eq_nocase(str_sub(line, 0, 16), S("Diagnostic-Code:")) ||
            (!m->why.n && str_eq_nocase(str_sub(line, 0, 7), S("Status:"))))
            m->why = without_addresses(c, line_of(c, str_z(c->mem, line), WHY_MAX_CHARS));
        if (str_eq_nocase(line, S("Action: delayed")) ||
            str_eq_nocase(line, S("Action: relayed")) ||
            str_eq_nocase(line, S("Action: delivered")) ||
            str_eq_nocase(line, S("Action: expanded")))
            m->bounced = false; /* nothing failed yet */
    }
    return E_OK;
}

/* The head of what could not be delivered, whole or alone, names it. */
static enum err read_returned(struct ctx *c, GMimePart *part, struct mail *m)
{
    struct str text;
    TRY(content_of(c, part, &text));
    while (text.p && text.n) {
        struct str line = str_trim(str_next(&text, '\n'));
        if (str_eq_nocase(str_sub(line, 0, 11), S("Message-ID:"))) {
            m->nrefs = 0;
            add_refs(c, m, str_z(c->mem, str_sub(line, 11, line.n)));
            break;
        }
    }
    return E_OK;
}

static enum err read_part(struct ctx *c, GMimeObject *o, struct mail *m, struct bodies *b)
{
    GMimeContentType *type = g_mime_object_get_content_type(o);
    const char *placed = g_mime_object_get_disposition(o);
    if (GMIME_IS_MESSAGE_PART(o)) {
        GMimeMessage *inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(o));
        const char *id = inner ? g_mime_message_get_message_id(inner) : NULL;
        if (m->bounced && id && clean_id(c, id).n)
            m->refs[0] = clean_id(c, id), m->nrefs = 1;
        else
            m->left_out += !m->bounced;
        return E_OK;
    }
    if (!GMIME_IS_PART(o))
        return E_OK;
    GMimePart *part = GMIME_PART(o);
    if (g_mime_content_type_is_type(type, "message", "delivery-status"))
        return read_report(c, part, m);
    if (g_mime_content_type_is_type(type, "text", "rfc822-headers"))
        return read_returned(c, part, m);
    bool attached = g_mime_part_get_filename(part) ||
                    (placed && str_eq_nocase(str_of(placed), S("attachment")));
    if (!attached && (g_mime_content_type_is_type(type, "text", "plain") ||
                      g_mime_content_type_is_type(type, "text", "html")))
        return read_text(c, part, type, b);
    return read_file(c, part, m);
}

/* A message inside a message is its own: GMime's iterator would walk into it. */
static enum err read_tree(struct ctx *c, GMimeObject *o, int depth, struct mail *m,
                          struct bodies *b)
{
    enum { DEPTH_MAX = 20 };
    if (!o)
        return E_OK;
    if (!GMIME_IS_MULTIPART(o))
        return read_part(c, o, m, b);
    int n = g_mime_multipart_get_count(GMIME_MULTIPART(o));
    for (int i = 0; i < n && i < 200 && depth < DEPTH_MAX; i++)
        TRY(read_tree(c, g_mime_multipart_get_part(GMIME_MULTIPART(o), i), depth + 1, m, b));
    return E_OK;
}

static enum err read_message(struct ctx *c, GMimeMessage *msg, struct mail *m)
{
    struct bodies b = {0};
    TRY(read_heads(c, msg, m));
    TRY(read_tree(c, g_mime_message_get_mime_part(msg), 0, m, &b));
    m->text = plain(c, b.text.n ? b.text : html_words(c->mem, b.html));
    return E_OK;
}

enum err mime_read(struct ctx *c, struct str raw, struct mail *ret)
{
    *ret = (struct mail){0};
    char *copy = arena_try(c->mem, raw.n + 1);
    if (!copy)
        return FAIL(c, E_TOOBIG, "邮件太大", "the message is too large");
    GMimeParserOptions *options = start();
    if (raw.n)
        memcpy(copy, raw.p, raw.n);
    size_t n = join_words(c, copy, raw.n);
    GMimeStream *s = g_mime_stream_mem_new_with_buffer(copy, n);
    GMimeParser *parser = g_mime_parser_new_with_stream(s);
    g_mime_parser_set_format(parser, str_starts(raw, S("From ")) ? GMIME_FORMAT_MBOX
                                                                 : GMIME_FORMAT_MESSAGE);
    GMimeMessage *msg = g_mime_parser_construct_message(parser, options);
    enum err e = msg ? read_message(c, msg, ret)
                     : FAIL(c, E_SYNTAX, "不是邮件,或没有发件人", "no message, or nobody sent it");
    if (msg)
        g_object_unref(msg);
    g_object_unref(parser);
    g_object_unref(s);
    g_mime_parser_options_free(options);
    uint8_t sha[HASH_BYTES];
    if (e == E_OK && !ret->message_id.n) {
        hash_sha256(raw, sha);
        ret->message_id = arena_fmt(c->mem, PRS "@none", PRA(hex_of(c->mem, sha, sizeof sha)));
    }
    return e;
}

/* --- out --- */

struct str mime_write(struct ctx *c, const struct letter_out *l)
{
    g_mime_init();
    GMimeMessage *msg = g_mime_message_new(TRUE);
    GMimeTextPart *text = g_mime_text_part_new_with_subtype("plain");
    GDateTime *now = g_date_time_new_from_unix_utc(c->now_ms / 1000);
    g_mime_message_add_mailbox(msg, GMIME_ADDRESS_TYPE_FROM, str_z(c->mem, l->from_name),
                               str_z(c->mem, l->from));
    g_mime_message_add_mailbox(msg, GMIME_ADDRESS_TYPE_TO, NULL, str_z(c->mem, l->to));
    g_mime_message_set_subject(msg, str_z(c->mem, l->subject), "utf-8");
    g_mime_message_set_date(msg, now);
    g_mime_message_set_message_id(msg, str_z(c->mem, l->message_id));
    if (l->answers.n) {
        const char *ids = arena_fmt(c->mem, "<" PRS ">", PRA(l->answers)).p;
        g_mime_object_set_header(GMIME_OBJECT(msg), "In-Reply-To", ids, NULL);
        g_mime_object_set_header(GMIME_OBJECT(msg), "References", ids, NULL);
    }
    /* RFC 3834: no program answers what a program sent. */
    g_mime_object_set_header(GMIME_OBJECT(msg), "Auto-Submitted",
                             l->automatic ? "auto-replied" : "no", NULL);
    g_mime_text_part_set_charset(text, "utf-8");
    g_mime_text_part_set_text(text, str_z(c->mem, l->text));
    g_mime_part_set_content_encoding(GMIME_PART(text), GMIME_CONTENT_ENCODING_BASE64);
    g_mime_message_set_mime_part(msg, GMIME_OBJECT(text));
    GMimeFormatOptions *dos = g_mime_format_options_new();
    g_mime_format_options_set_newline_format(dos, GMIME_NEWLINE_FORMAT_DOS);
    char *all = g_mime_object_to_string(GMIME_OBJECT(msg), dos);
    struct str ret = str_dup(c->mem, str_of(all));
    g_free(all);
    g_mime_format_options_free(dos);
    g_date_time_unref(now);
    g_object_unref(text);
    g_object_unref(msg);
    return ret;
}
