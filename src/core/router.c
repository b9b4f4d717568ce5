/* router.c - the table of all addresses, built once at boot: the rooms' own routes and those
 * derived from resources. Paths are compared segment by segment; routes are grouped by their third
 * segment ("tickets" in /api/v1/tickets/…), so a look-up touches a dozen entries. A route that
 * names no right and is not marked PUBLIC or ANY_USER stops the program at boot. */
#include <string.h>

#include "core/core.h"

enum { ROUTES_MAX = 1024, SEGMENTS_MAX = 8, BUCKETS = 256 };
struct entry {
    const struct route *route;
    struct str seg[SEGMENTS_MAX];
    int nseg;
    int next; /* in the bucket; -1: last */
};
static struct {
    struct arena *mem;
    struct entry v[ROUTES_MAX];
    const struct route *list[ROUTES_MAX];
    size_t n;
    int bucket[BUCKETS];
} table;

static int split(struct str path, struct str seg[SEGMENTS_MAX])
{
    int n = 0;
    struct str rest = str_sub(path, 1, path.n);
    while (rest.p) {
        if (n == SEGMENTS_MAX)
            return -1;
        seg[n++] = str_next(&rest, '/');
    }
    return n;
}

static unsigned bucket_of(const struct str *seg, int n)
{
    unsigned h = 2166136261u;
    struct str s = n > 2 ? seg[2] : seg[0];
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619u;
    return h % BUCKETS;
}

static void add(const struct route *r)
{
    ASSERT(table.n < ROUTES_MAX);
    ASSERT(r->perm || r->flags & (PUBLIC | ANY_USER)); /* nothing is public by accident */
    ASSERT(!(r->flags & PUBLIC && r->flags & MULTIPART) || r->prepare); /* nor a disk filled */
    ASSERT(!r->perm || perm_index(r->perm) >= 0);
    struct entry *e = &table.v[table.n];
    e->route = r;
    e->nseg = split(str_of(r->path), e->seg);
    ASSERT(e->nseg > 0);
    unsigned b = bucket_of(e->seg, e->nseg);
    e->next = table.bucket[b];
    table.bucket[b] = (int)table.n;
    table.list[table.n++] = r;
}

void routes_build(struct app *app)
{
    arena_free(table.mem); /* of an earlier boot */
    table.n = 0;
    table.mem = arena_new(ARENA_REPORT_BYTES);
    for (int i = 0; i < BUCKETS; i++)
        table.bucket[i] = -1;
    for (const struct route *r = session_routes; r->path; r++)
        add(r);
    for (const struct module *const *m = app->modules; *m; m++)
        for (size_t i = 0; i < COUNT_OF((*m)->routes); i++)
            for (const struct route *r = (*m)->routes[i]; r && r->path; r++)
                add(r);
    const struct resource *const *list;
    int n = app_resources(&list);
    for (int i = 0; i < n; i++) {
        struct route *derived = arena_get(table.mem, 16 * sizeof *derived);
        size_t k = res_routes(table.mem, list[i], derived, 16);
        for (size_t j = 0; j < k; j++)
            add(&derived[j]);
    }
}

const struct route *const *routes_all(size_t *ret_n)
{
    *ret_n = table.n;
    return table.list;
}

static bool is_word(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '_' || s.p[i] == '-'))
            return false;
    return s.n > 0 && s.n <= 40;
}

static bool match(const struct entry *e, const struct str *seg, int n, struct req *q)
{
    int ids = 0, words = 0;
    if (e->nseg != n)
        return false;
    for (int i = 0; i < n; i++) {
        struct str pattern = e->seg[i];
        if (pattern.p[0] != '{') {
            if (!str_eq(pattern, seg[i]))
                return false;
        } else if (str_starts(pattern, S("{id}"))) { /* "{id}.json": with what follows it */
            struct str end = str_sub(pattern, 4, pattern.n), id = seg[i];
            if (!str_ends(id, end))
                return false;
            id.n -= end.n;
            if (!str_int(id, &q->ids[ids++]) || q->ids[ids - 1] <= 0)
                return false;
        } else if (str_eqz(pattern, "{token}")) { /* a secret: any text, so that each wrong one is
                                                     answered by its handler in the same way */
            q->words[words++] = seg[i];
        } else {
            if (!is_word(seg[i]))
                return false;
            q->words[words++] = seg[i];
        }
    }
    return true;
}

const struct route *route_find(struct str method, struct str path, struct req *q, bool *ret_known)
{
    struct str seg[SEGMENTS_MAX];
    int n = split(path, seg);
    *ret_known = false;
    if (n <= 0)
        return NULL;
    struct str want = str_eqz(method, "HEAD") ? S("GET") : method;
    for (int i = table.bucket[bucket_of(seg, n)]; i >= 0; i = table.v[i].next) {
        if (!match(&table.v[i], seg, n, q))
            continue;
        *ret_known = true;
        if (str_eqz(want, table.v[i].route->method))
            return table.v[i].route;
    }
    return NULL;
}
