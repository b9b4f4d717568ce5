/* list_fuzz.c - filter strings, sorts and page marks of every list: the first byte chooses the list
 * and the reader, the rest is the query string. A page mark the list gave itself must lead to its
 * end in a bounded number of pages. */
#include "door.h"

enum { PAGES_MAX = 50 };
static const char *const lists[] = {"tickets", "people", "identities",    "occupancies",  "spaces",
                                    "staff",   "shifts", "ratings",       "sla-policies", "users",
                                    "grants",  "tokens", "login-policies"};
static const char *const readers[] = {"manager", "resident", "worker", "admin", "manager-b"};

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n < 2)
        return 0;
    struct arena *mem = door_mem();
    arena_reset(mem);
    const char *list = lists[p[0] % COUNT_OF(lists)], *role = readers[p[1] % COUNT_OF(readers)];
    struct str query = {(const char *)p + 2, n - 2}, said;
    struct str target = arena_fmt(mem, "/api/v1/%s?" PRS, list, PRA(query));
    if (door_call(role, "GET", target, S(""), S(""), &said) != 200)
        return 0;
    for (int page = 0;; page++) {
        struct ctx c = {.mem = mem, .lang = LANG_EN};
        const struct json *j;
        if (json_parse(&c, said, &j) != E_OK || json_type(json_get(j, "next")) != JSON_STRING)
            return 0;
        if (page == PAGES_MAX)
            door_found("pages without end", target);
        struct buf next;
        buf_init(&next, mem, 1 << 20);
        buf_fmt(&next, "/api/v1/%s?after=", list);
        buf_url(&next, json_str(json_get(j, "next")));
        for (struct str rest = query; rest.n;) { /* a name may be there once */
            struct str pair = str_next(&rest, '&');
            if (!str_starts(pair, S("after")))
                buf_fmt(&next, "&" PRS, PRA(pair));
        }
        if (door_call(role, "GET", buf_str(&next), S(""), S(""), &said) != 200)
            return 0;
    }
}
