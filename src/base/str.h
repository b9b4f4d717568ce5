/* str.h - borrowed text (struct str) and growing text (struct buf). Text is UTF-8; a str promises
 * no NUL. A buf cannot be made without a maximum: past it the buf turns `full`, further writes do
 * nothing, and the door that owns it answers "too large". There is one way to build text: these
 * calls. */
#pragma once
#include "base/mem.h"

struct str {
    const char *p;
    size_t n;
};
#define S(lit) ((struct str){"" lit, sizeof(lit) - 1})
#define S_INIT(lit)                                                                                \
    {                                                                                              \
        "" lit, sizeof(lit) - 1                                                                    \
    }                 /* the same in a static table */
#define PRS    "%.*s" /* printf of a str: PRS with PRA(s) */
#define PRA(s) (int)(s).n, ((s).p ? (s).p : "")

struct str str_of(const char *z); /* z may be NULL: empty */
bool str_eq(struct str a, struct str b);
bool str_eqz(struct str a, const char *z);
bool str_eq_nocase(struct str a, struct str b); /* ASCII case only */
int str_cmp(struct str a, struct str b);        /* by bytes */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
ptrdiff_t str_find(struct str s, struct str needle);     /* -1: not there */
struct str str_sub(struct str s, size_t from, size_t n); /* clamped */
struct str str_trim(struct str s);                       /* ASCII white space */
/* Cuts *s at the first sep: returns what stood before it, leaves the rest in *s (p = NULL when
 * nothing is left). */
struct str str_next(struct str *s, char sep);
MUST_USE bool str_int(struct str s,
                      int64_t *ret); /* whole text is one decimal int64, no spaces, no '+' */
struct str str_dup(struct arena *a, struct str s); /* NUL-terminated copy, by arena_get */
const char *str_z(struct arena *a, struct str s);
struct str arena_fmt(struct arena *a, const char *f, ...) FMT(2, 3); /* NUL-terminated */
/* v in decimal, at the end of room, which the caller keeps. Many times cheaper than a format. */
enum { INT_TEXT = 20 };
struct str int_text(char room[INT_TEXT], int64_t v);

bool utf8_valid(struct str s);                    /* strict: no overlong forms, no surrogates */
size_t utf8_len(struct str s);                    /* code points of valid text */
struct str utf8_head(struct str s, size_t chars); /* the first chars code points */
bool str_has_nul(struct str s);

struct buf {
    char *p;
    size_t n, cap, max;
    struct arena *owner;
    void **owned; /* private: where the owner arena finds the memory */
    bool full; /* a write did not fit (or memory ran out): content is incomplete, do not send it */
};
/* An empty buf that may grow to max bytes; its memory is freed when the owner arena ends. */
void buf_init(struct buf *b, struct arena *owner, size_t max);
bool buf_reserve(struct buf *b, size_t n); /* room for n more bytes at p + n; false: full */
void buf_put(struct buf *b, struct str s);
void buf_putz(struct buf *b, const char *z);
void buf_putc(struct buf *b, char ch);
void buf_int(struct buf *b, int64_t v);
void buf_fmt(struct buf *b, const char *f, ...) FMT(2, 3);
/* The text as a JSON string with quotes; escapes controls, quote, backslash, <, >, & and U+2028/9.
 * Bytes that are not UTF-8 become U+FFFD. */
void buf_json(struct buf *b, struct str s);
/* The text as one CSV cell: quoted when it must be; cells that a spreadsheet would run (= + - @ tab
 * CR) get a leading '. */
void buf_csv(struct buf *b, struct str s);
/* The text with & < > " ' escaped for HTML. */
void buf_html(struct buf *b, struct str s);
struct str buf_str(const struct buf *b);
void buf_clear(struct buf *b);

/* Percent-decodes a query or form component (+ is a space when plus is set); p = NULL when
 * malformed or it holds U+0000. */
struct str url_decode(struct arena *a, struct str s, bool plus);
void buf_url(struct buf *b, struct str s); /* percent-encodes all but unreserved */
