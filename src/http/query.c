/* query.c - reading what a client wrote into the address line and the Cookie header. Everything is
 * decoded once, here, and refused when it is ambiguous: a path that could mean two things to two
 * programs is an attack, not a request. */
#include "http/inner.h"
#include <string.h>

bool path_decode(struct arena *a, struct str raw, struct str *ret)
{
    if (raw.n == 0 || raw.p[0] != '/')
        return false;
    struct str path = url_decode(a, raw, false);
    if (path.p == NULL || !utf8_valid(path))
        return false;
    for (size_t i = 0; i < path.n; i++) {
        unsigned char ch = (unsigned char)path.p[i];
        if (ch < 0x20 || ch == 0x7f || ch == '\\')
            return false;
    }
    struct str rest = str_sub(path, 1, path.n - 1);
    while (rest.n > 0) {
        struct str segment = str_next(&rest, '/');
        if (segment.n == 0 || str_eqz(segment, ".") || str_eqz(segment, ".."))
            return false;
    }
    *ret = path;
    return true;
}

bool header_has_token(struct str list, const char *token)
{
    while (list.n > 0) {
        struct str item = str_next(&list, ',');
        struct str name = str_trim(str_next(&item, ';'));
        if (!str_eq_nocase(name, str_of(token)))
            continue;
        struct str weight = str_trim(item);
        if (weight.n < 2 || (weight.p[0] != 'q' && weight.p[0] != 'Q') || weight.p[1] != '=')
            return true;
        for (size_t i = 2; i < weight.n; i++)
            if (weight.p[i] >= '1' && weight.p[i] <= '9')
                return true;
        return false;
    }
    return false;
}

struct str http_cookie(const struct http_req *q, const char *name)
{
    struct str rest = http_header(q, "Cookie");
    while (rest.n > 0) {
        struct str value = str_trim(str_next(&rest, ';'));
        ptrdiff_t eq = str_find(value, S("="));
        if (eq < 0 || !str_eqz(str_sub(value, 0, (size_t)eq), name))
            continue;
        value = str_sub(value, (size_t)eq + 1, value.n);
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            value = str_sub(value, 1, value.n - 2);
        return value;
    }
    return (struct str){0};
}

bool http_params(const struct http_req *q, bool (*fn)(struct str name, struct str value, void *arg),
                 void *arg)
{
    struct str rest = q->query;
    while (rest.n > 0) {
        struct str pair = str_next(&rest, '&');
        if (pair.n == 0)
            continue;
        struct str value = pair;
        struct str name = url_decode(q->mem, str_next(&value, '='), true);
        value = value.n == 0 ? S("") : url_decode(q->mem, value, true);
        if (name.p == NULL || value.p == NULL || !utf8_valid(name) || !utf8_valid(value))
            return false;
        if (!fn(name, value, arg))
            return true;
    }
    return true;
}

struct param_search {
    const char *name;
    struct str value;
};

static bool param_match(struct str name, struct str value, void *arg)
{
    struct param_search *search = arg;
    if (!str_eqz(name, search->name))
        return true;
    search->value = value;
    return false;
}

struct str http_param(const struct http_req *q, const char *name)
{
    struct param_search search = {.name = name};
    http_params(q, param_match, &search);
    return search.value;
}

/* "Content-Length : 3" is another header to one program and this one to the next. */
static bool name_clean(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] == 0x7f)
            return false;
    return name.n > 0;
}

void framing_add(struct framing *f, struct str name, struct str value)
{
    f->bad |= str_has_nul(value) || !name_clean(name);
    if (str_eq_nocase(name, S("Content-Length"))) {
        f->lengths++;
        f->bad |= value.n == 0 || value.p[0] == '-' || !str_int(value, &f->length);
    } else if (str_eq_nocase(name, S("Transfer-Encoding"))) {
        f->encodings++;
        f->chunked = str_eq_nocase(value, S("chunked"));
    } else if (str_eq_nocase(name, S("Host"))) {
        f->hosts++;
    }
}

bool framing_clear(const struct framing *f, const char *version)
{
    bool old = strcmp(version, "HTTP/1.0") == 0;
    if (f->bad || f->lengths > 1 || f->encodings > 1 || f->hosts > 1 || (f->hosts == 0 && !old))
        return false;
    if (f->encodings == 0)
        return true;
    return f->lengths == 0 && f->chunked && strcmp(version, "HTTP/1.1") == 0;
}

/* Whether the value was put together from several lines: then it does not lie behind its name,
 * where it was received. Proxies read such lines in three ways. */
static bool folded(struct str name, struct str value)
{
    enum { GAP_MAX = 64 };
    uintptr_t end = (uintptr_t)name.p + name.n, at = (uintptr_t)value.p;
    return at <= end || at > end + GAP_MAX;
}

void head_add(struct head *h, struct str name, struct str value)
{
    h->lines++;
    h->framing.bad |= folded(name, value);
    framing_add(&h->framing, name, value);
    if (!h->want_forwarded)
        return;
    if (str_eq_nocase(name, S("X-Forwarded-For")))
        h->forwarded = h->forwarded.n == 0
                           ? value
                           : arena_fmt(h->mem, PRS "," PRS, PRA(h->forwarded), PRA(value));
    if (str_eq_nocase(name, S("X-Forwarded-Proto")))
        h->scheme = str_trim(value);
}

/* Where the address ends with a space in it, programs differ on. */
bool address_clear(struct str path, struct str query)
{
    return str_find(path, S(" ")) < 0 && str_find(query, S(" ")) < 0;
}

int head_check(const struct head *h, struct str path, struct str query)
{
    if (path.n > PATH_MAX_BYTES || query.n > QUERY_MAX_BYTES)
        return 414;
    if (h->lines > HEAD_LINES_MAX)
        return 431;
    return 0;
}

enum http_method method_of(struct str s)
{
    static const struct str names[] = {S_INIT("GET"),    S_INIT("HEAD"),  S_INIT("POST"),
                                       S_INIT("PUT"),    S_INIT("PATCH"), S_INIT("DELETE"),
                                       S_INIT("OPTIONS")};
    for (int i = 0; i < HTTP_OTHER; i++)
        if (str_eq(s, names[i]))
            return (enum http_method)i;
    return HTTP_OTHER;
}
