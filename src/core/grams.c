/* grams.c - text into indexable words (grams.h). */
#include "core/grams.h"

#include <stdlib.h>
#include <string.h>

enum { BEGINNING_MAX = 3, WORD_MAX_BYTES = 60 }; /* longer ones are found by their beginning */
enum script { GAP, LETTER, IDEOGRAPH };

struct glyph { /* one character where it stands */
    enum script script;
    struct str text;
};

static enum script script_of(uint32_t ch)
{
    static const struct {
        uint32_t from, to;
        enum script script;
    } ranges[] = {/* in order; between them are letters of other scripts */
                  {0x00, 0x2f, GAP},
                  {0x3a, 0x40, GAP},
                  {0x5b, 0x60, GAP},
                  {0x7b, 0xbf, GAP},
                  {0xd7, 0xd7, GAP},
                  {0xf7, 0xf7, GAP},
                  {0x2000, 0x2bff, GAP}, /* punctuation, arrows, boxes, symbols */
                  {0x3000, 0x3004, GAP},
                  {0x3005, 0x3007, IDEOGRAPH},
                  {0x3008, 0x303f, GAP},
                  {0x3040, 0x30ff, IDEOGRAPH}, /* kana */
                  {0x3400, 0x9fff, IDEOGRAPH},
                  {0xac00, 0xd7af, IDEOGRAPH}, /* hangul */
                  {0xf900, 0xfaff, IDEOGRAPH},
                  {0xfe00, 0xfe6f, GAP},
                  {0xff00, 0xff0f, GAP},
                  {0xff1a, 0xff20, GAP},
                  {0xff3b, 0xff40, GAP},
                  {0xff5b, 0xff65, GAP},
                  {0x1f000, 0x1faff, GAP}, /* pictures */
                  {0x20000, 0x3ffff, IDEOGRAPH}};
    for (size_t i = 0; i < COUNT_OF(ranges); i++)
        if (ch >= ranges[i].from && ch <= ranges[i].to)
            return ranges[i].script;
    return LETTER;
}

/* The next character of valid UTF-8; what is not valid is a gap. */
static struct glyph glyph_next(struct str *rest)
{
    const unsigned char *p = (const unsigned char *)rest->p;
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;
    struct glyph g = {GAP, str_sub(*rest, 0, n ? n : 1)};
    if (n && n <= rest->n) {
        uint32_t ch = n == 1 ? p[0] : p[0] & (0x7fu >> n);
        for (size_t i = 1; i < n; i++)
            ch = ch << 6 | (p[i] & 0x3fu);
        g.script = script_of(ch);
    }
    *rest = str_sub(*rest, g.text.n, rest->n);
    return g;
}

/* The next run of one script that is no gap: its text, its characters; false at the end. */
static bool run_next(struct str *rest, enum script *ret_script, struct str *ret)
{
    while (rest->n) {
        struct str before = *rest;
        struct glyph g = glyph_next(rest);
        if (g.script == GAP)
            continue;
        size_t n = g.text.n;
        while (rest->n) {
            struct str at = *rest;
            if (glyph_next(rest).script != g.script) {
                *rest = at;
                break;
            }
            n = before.n - rest->n;
        }
        *ret_script = g.script;
        *ret = str_sub(before, 0, n);
        return true;
    }
    return false;
}

static struct str word_head(struct str s) /* never half a character */
{
    size_t n = s.n < WORD_MAX_BYTES ? s.n : WORD_MAX_BYTES;
    while (n < s.n && n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    return str_sub(s, 0, n);
}

static struct str without_zeros(struct str s)
{
    size_t zeros = 0;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return s;
    while (zeros + 1 < s.n && s.p[zeros] == '0')
        zeros++;
    return str_sub(s, zeros, s.n);
}

struct words {
    struct str *v;
    size_t n;
};

static void pairs_add(struct words *w, struct str run)
{
    struct str rest = run, first = glyph_next(&rest).text;
    w->v[w->n++] = first;
    while (rest.n) {
        struct str second = glyph_next(&rest).text;
        w->v[w->n++] = (struct str){first.p, first.n + second.n};
        w->v[w->n++] = second;
        first = second;
    }
}

/* The word, and its first one, two and three characters behind a '_'. */
static void word_add(struct arena *a, struct words *w, struct str word)
{
    struct str rest = word;
    w->v[w->n++] = word_head(word);
    for (size_t chars = 1; rest.n && chars <= BEGINNING_MAX; chars++) {
        (void)glyph_next(&rest);
        w->v[w->n++] = arena_fmt(a, "_" PRS, PRA(str_sub(word, 0, word.n - rest.n)));
    }
}

static int by_bytes(const void *a, const void *b)
{
    const struct str *x = a, *y = b;
    int d = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
    return d ? d : (x->n > y->n) - (x->n < y->n);
}

struct str grams_lower(struct arena *a, struct str s)
{
    char *p = arena_get(a, s.n + 1);
    for (size_t i = 0; i < s.n; i++)
        p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
    return (struct str){p, s.n};
}

/* Where a word and an ideograph touch: both together, 5栋 of "5栋2单元" and 栋2. Without them a
 * house number would be found by its parts in every house. Empty: they do not touch. */
static struct str seam(struct str before, struct str run, enum script script)
{
    struct str word = script == LETTER ? run : before, rest = run;
    if (!before.p || before.p + before.n != run.p || word.n > WORD_MAX_BYTES)
        return (struct str){0};
    if (script == IDEOGRAPH)
        return (struct str){before.p, before.n + glyph_next(&rest).text.n};
    size_t last = 1;
    while (((unsigned char)before.p[before.n - last] & 0xc0) == 0x80)
        last++;
    return (struct str){run.p - last, last + run.n};
}

struct str grams_of(struct arena *a, const struct str *texts, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += texts[i].n;
    struct words w = {arena_get(a, (4 * bytes + 1) * sizeof *w.v), 0};
    for (size_t i = 0; i < n; i++) {
        struct str rest = grams_lower(a, texts[i]), run, before = {0};
        enum script script;
        for (; run_next(&rest, &script, &run); before = run) {
            struct str both = seam(before, run, script);
            if (both.n)
                w.v[w.n++] = both;
            if (script == IDEOGRAPH) {
                pairs_add(&w, run);
                continue;
            }
            struct str number = without_zeros(run);
            word_add(a, &w, run);
            if (number.n < run.n)
                word_add(a, &w, number);
        }
    }
    qsort(w.v, w.n, sizeof *w.v, by_bytes);
    struct buf b;
    buf_init(&b, a, 16 * bytes + 16);
    for (size_t i = 0; i < w.n; i++) {
        if (i && str_eq(w.v[i], w.v[i - 1]))
            continue;
        if (i)
            buf_putc(&b, ' ');
        buf_put(&b, w.v[i]);
    }
    ASSERT(!b.full);
    return buf_str(&b);
}

static struct word beginning(struct arena *a, struct str word)
{
    size_t chars = utf8_len(word);
    if (chars <= BEGINNING_MAX)
        return (struct word){arena_fmt(a, "_" PRS, PRA(word)), false};
    return (struct word){word_head(word), true};
}

size_t grams_ask(struct arena *a, struct str q, struct word ret[GRAMS_ASKED_MAX])
{
    struct str run, before = {0};
    enum script script;
    size_t n = 0;
    q = grams_lower(a, q);
    for (; n + 1 < GRAMS_ASKED_MAX && run_next(&q, &script, &run); before = run) {
        struct str rest = run, first = glyph_next(&rest).text, both = seam(before, run, script);
        if (both.n && (script == IDEOGRAPH || q.n)) /* the last word may be a beginning */
            ret[n++] = (struct word){both, false};
        if (script == LETTER)
            ret[n++] = q.n ? (struct word){word_head(run), false} : beginning(a, run);
        else if (!rest.n)
            ret[n++] = (struct word){first, false};
        while (script == IDEOGRAPH && rest.n && n < GRAMS_ASKED_MAX) {
            struct str second = glyph_next(&rest).text;
            ret[n++] = (struct word){{first.p, first.n + second.n}, false};
            first = second;
        }
    }
    return n;
}
