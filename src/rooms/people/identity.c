/* identity.c - number plates, cards and codes: what each is found by. A clerk hears a plate and
 * types what he heard of it, with or without the province, the dot and the capitals; so beside what
 * was written stands what is looked for. */
#include "rooms/people/idnum.h"
#include "rooms/people/room.h"

enum { OLD_AT_ONCE = 1000 };

/* The code point at s[at], of valid text; *ret_n: its bytes. */
static unsigned point_at(struct str s, size_t at, size_t *ret_n)
{
    unsigned char first = (unsigned char)s.p[at];
    size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    unsigned p = n == 1 ? first : first & (0x3fU >> (n - 1));
    for (size_t i = 1; i < n && at + i < s.n; i++)
        p = p << 6 | ((unsigned char)s.p[at + i] & 0x3f);
    *ret_n = n;
    return p;
}

/* Dots of every keyboard, dashes, spaces. */
static bool separates(unsigned p)
{
    static const unsigned all[] = {' ',    '-',    '.',    0xa0,   0xb7,   0x2010, 0x2011, 0x2012,
                                   0x2013, 0x2014, 0x2022, 0x2027, 0x22c5, 0x3000, 0x3002, 0x30fb};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (all[i] == p)
            return true;
    return false;
}

struct str identity_key(struct arena *a, struct str value)
{
    struct buf b;
    buf_init(&b, a, value.n + 1);
    for (size_t i = 0, n; i < value.n; i += n) {
        unsigned p = point_at(value, i, &n);
        bool wide = p > 0xff00 && p < 0xff5f; /* full width: ASCII, elsewhere */
        if (wide)
            p -= 0xfee0;
        if (separates(p))
            continue;
        if (p >= 'a' && p <= 'z')
            buf_putc(&b, (char)(p - 'a' + 'A'));
        else if (wide)
            buf_putc(&b, (char)p);
        else
            buf_put(&b, str_sub(value, i, n));
    }
    return buf_str(&b);
}

/* R6: a credit code is right by its own check digit. */
enum err identity_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    (void)tx;
    (void)old;
    row_put(neu, ID_KEY, v_text(identity_key(c->mem, row_str(neu, ID_VALUE))));
    if (row_int(neu, ID_KIND) != IDENTITY_CREDIT_CODE || credit_code_valid(row_str(neu, ID_VALUE)))
        return E_OK;
    return FAIL_FIELD(c, "value", "format", "统一社会信用代码不正确,请核对 18 位代码",
                      "not a valid credit code; check its 18 characters");
}

/* --- databases from before plates were found by their end --- */

static const struct query Q_OLD = {
    "people.old_identities", "SELECT id, value FROM person_identity WHERE id > $1 AND value_key IS "
                             "NULL ORDER BY id LIMIT 1000"};
static const struct query Q_KEY = {"people.identity_key",
                                   "UPDATE person_identity SET value_key = $2 WHERE id = $1"};
const struct query *const identity_queries[] = {&Q_OLD, &Q_KEY, NULL};

static enum err keys_after(struct ctx *c, struct tx *tx, int64_t *last, size_t *ret_n)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_OLD, IN(v_int(*last)), OLD_AT_ONCE, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * 2;
        TRY(q_send(c, tx, &Q_KEY, IN(v[0], v_text(identity_key(c->mem, val_str(v[1]))))));
        *last = val_int(v[0]);
    }
    *ret_n = rows.n;
    return E_OK;
}

static enum err keys_come(struct ctx *c, struct tx *tx)
{
    struct arena *mem = c->mem, *own = arena_new(ARENA_REQUEST_BYTES);
    int64_t last = 0;
    size_t n;
    enum err e;
    c->mem = own;
    do {
        arena_reset(own);
        e = keys_after(c, tx, &last, &n);
    } while (e == E_OK && n == OLD_AT_ONCE);
    c->mem = mem;
    c->fault.message = str_dup(mem, c->fault.message);
    arena_free(own);
    return e;
}

const struct fixup people_fixups[] = {{5, "identities are found by their end", keys_come}, {0}};
