/* encrypted.c - fields that the database holds only as boxes of the key file. They are closed as
 * the last step before the statement and opened as the last step before a reader, so rules and
 * checks see plain text of what comes in and nobody sees it by accident. A box is bound to its
 * table, field and row: copied into another row it does not open. */
#include <string.h>

#include "core/key.h"
#include "core/res_in.h"

bool field_has_index(const struct resource *r, int i)
{
    if (i + 1 >= r->nfields || !(r->fields[i].flags & ENCRYPTED))
        return false;
    const char *next = r->fields[i + 1].name;
    size_t n = strlen(r->fields[i].name);
    return strncmp(next, r->fields[i].name, n) == 0 && strcmp(next + n, "_index") == 0;
}

static struct str where_of(struct ctx *c, const struct resource *r, int i, int64_t id)
{
    return arena_fmt(c->mem, "%s.%s:%lld", r->name, r->fields[i].name, (long long)id);
}

/* Spaces and letter case do not make another ID number. */
static struct str folded(struct ctx *c, struct str s)
{
    char *p = arena_get(c->mem, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != ' ' && s.p[i] != '-')
            p[n++] = s.p[i] >= 'a' && s.p[i] <= 'z' ? (char)(s.p[i] - 32) : s.p[i];
    return (struct str){p, n};
}

int encrypted_find(struct ctx *c, const struct resource *r, int i, int64_t community_id,
                   struct str value, struct str ret[KEYS_MAX])
{
    struct str what = arena_fmt(c->mem, "%s.%s:%lld", r->name, r->fields[i].name,
                                (long long)community_id);
    return key_indexes(c->mem, what, folded(c, value), ret);
}

enum err encrypted_close(struct ctx *c, const struct resource *r, struct row *neu)
{
    for (int i = R_FIRST; i < r->nfields; i++) {
        struct str index[KEYS_MAX], box, plain = row_str(neu, i);
        if (!(r->fields[i].flags & ENCRYPTED) || !(neu->set & BIT(i)))
            continue;
        bool some = row_has(neu, i);
        if (some)
            TRY(key_seal(c, where_of(c, r, i, row_int(neu, R_ID)), plain, &box));
        if (field_has_index(r, i)) {
            int n = some ? encrypted_find(c, r, i, row_int(neu, R_COMMUNITY), plain, index) : 0;
            row_put(neu, i + 1, n ? v_text(index[0]) : v_null());
        }
        if (some)
            row_put(neu, i, v_text(box));
    }
    return E_OK;
}

struct str encrypted_open(struct ctx *c, const struct resource *r, const struct row *row, int i)
{
    struct str plain;
    if (!row_has(row, i) ||
        !key_open(c->mem, where_of(c, r, i, row_int(row, R_ID)), row_str(row, i), &plain))
        return (struct str){0};
    return plain;
}
