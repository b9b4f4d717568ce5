/* str.c - borrowed text and growing text. A buf's memory comes from the heap and is tied to the
 * owner arena through one small cell, so a buf may be copied or live on a stack and is still freed
 * with its arena. What speaks a format (UTF-8, JSON, CSV, HTML, URLs) is in text.c. Must not call
 * snprintf on the hot paths. */
#include "base/str.h"
#include "base/err.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { BUF_FIRST = 1024 };

struct str str_of(const char *z)
{
    return z ? (struct str){z, strlen(z)} : (struct str){NULL, 0};
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eqz(struct str a, const char *z)
{
    return str_eq(a, str_of(z));
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int by_bytes = n ? memcmp(a.p, b.p, n) : 0;
    return by_bytes ? by_bytes : (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_sub(s, 0, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_sub(s, s.n - suffix.n, suffix.n), suffix);
}

ptrdiff_t str_find(struct str s, struct str needle)
{
    if (needle.n == 0)
        return 0;
    if (s.n < needle.n)
        return -1;
    const char *at = memmem(s.p, s.n, needle.p, needle.n);
    return at ? at - s.p : -1;
}

struct str str_sub(struct str s, size_t from, size_t n)
{
    if (!s.p)
        return s;
    if (from > s.n)
        from = s.n;
    if (n > s.n - from)
        n = s.n - from;
    return (struct str){s.p + from, n};
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct str str_next(struct str *s, char sep)
{
    struct str whole = *s;
    const char *at = whole.n ? memchr(whole.p, sep, whole.n) : NULL;
    if (!at) {
        *s = (struct str){NULL, 0};
        return whole;
    }
    size_t n = (size_t)(at - whole.p);
    *s = (struct str){at + 1, whole.n - n - 1};
    return (struct str){whole.p, n};
}

bool str_int(struct str s, int64_t *ret)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    size_t i = negative;
    if (i == s.n)
        return false;
    /* Built up below zero, where the range is one wider. */
    int64_t v = 0;
    for (; i < s.n; i++) {
        unsigned digit = (unsigned)s.p[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_sub_overflow(v, (int64_t)digit, &v))
            return false;
    }
    if (!negative && v == INT64_MIN)
        return false;
    *ret = negative ? v : -v;
    return true;
}

struct str str_dup(struct arena *a, struct str s)
{
    char *p = arena_get(a, s.n + 1);
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    return (struct str){p, s.n};
}

const char *str_z(struct arena *a, struct str s)
{
    return str_dup(a, s).p;
}

struct str arena_fmt(struct arena *a, const char *f, ...)
{
    va_list args, again;
    va_start(args, f);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, f, again);
    va_end(again);
    ASSERT(n >= 0);
    char *p = arena_get(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, f, args);
    va_end(args);
    return (struct str){p, (size_t)n};
}

bool str_has_nul(struct str s)
{
    return s.n > 0 && memchr(s.p, 0, s.n) != NULL;
}

static void owned_free(void *cell)
{
    heap_free(*(void **)cell);
}

void buf_init(struct buf *b, struct arena *owner, size_t max)
{
    ASSERT(max < SIZE_MAX / 2);
    *b = (struct buf){.max = max, .owner = owner, .owned = arena_get(owner, sizeof(void *))};
    arena_defer(owner, owned_free, b->owned);
}

bool buf_reserve(struct buf *b, size_t n)
{
    if (b->full)
        return false;
    if (n <= b->cap - b->n)
        return true;
    size_t cap = b->cap ? b->cap * 2 : BUF_FIRST;
    if (n <= b->max - b->n) {
        if (cap < b->n + n)
            cap = b->n + n;
        if (cap > b->max)
            cap = b->max;
        char *p = heap_grow(b->p, cap + 1); /* one more for the NUL that vsnprintf writes */
        if (p) {
            *b->owned = p;
            b->p = p;
            b->cap = cap;
            return true;
        }
        arena_starve(b->owner);
    }
    b->full = true;
    return false;
}

void buf_put(struct buf *b, struct str s)
{
    if (s.n == 0 || !buf_reserve(b, s.n))
        return;
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
}

void buf_putz(struct buf *b, const char *z)
{
    buf_put(b, str_of(z));
}

void buf_putc(struct buf *b, char ch)
{
    if (buf_reserve(b, 1))
        b->p[b->n++] = ch;
}

struct str int_text(char room[INT_TEXT], int64_t v)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char *p = room + INT_TEXT;
    uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    for (; size >= 100; size /= 100)
        memcpy(p -= 2, pairs + size % 100 * 2, 2);
    if (size >= 10)
        memcpy(p -= 2, pairs + size * 2, 2);
    else
        *--p = (char)('0' + size);
    if (v < 0)
        *--p = '-';
    return (struct str){p, (size_t)(room + INT_TEXT - p)};
}

void buf_int(struct buf *b, int64_t v)
{
    char room[INT_TEXT];
    buf_put(b, int_text(room, v));
}

void buf_fmt(struct buf *b, const char *f, ...)
{
    if (b->full)
        return;
    va_list args, again;
    va_start(args, f);
    va_copy(again, args);
    size_t room = b->p ? b->cap - b->n + 1 : 0;
    int n = vsnprintf(b->p ? b->p + b->n : NULL, room, f, args);
    va_end(args);
    ASSERT(n >= 0);
    if ((size_t)n >= room && n > 0 && buf_reserve(b, (size_t)n))
        vsnprintf(b->p + b->n, (size_t)n + 1, f, again);
    va_end(again);
    if (!b->full)
        b->n += (size_t)n;
}

struct str buf_str(const struct buf *b)
{
    return (struct str){b->p ? b->p : "", b->n};
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->full = false;
}
