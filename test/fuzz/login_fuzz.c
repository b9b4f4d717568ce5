/* login_fuzz.c - cookies, bearer tokens, page tokens and idempotency keys: whatever they hold,
 * nobody is let in by one that was not given out. */
#include "door.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const char *const heads[] = {"Cookie: anju=", "Cookie: ", "Authorization: Bearer ",
                                        "Authorization: ", "X-Forwarded-For: "};
    if (!n)
        return 0;
    struct arena *mem = door_mem();
    arena_reset(mem);
    struct str value = {(const char *)p + 1, n - 1};
    struct str headers = arena_fmt(mem, "%s" PRS "\nAccept-Language: " PRS "\n",
                                   heads[p[0] % COUNT_OF(heads)], PRA(value), PRA(value));
    int status = door_call("nobody", "GET", S("/api/v1/tickets?community_id=$a"), headers, S(""),
                           NULL);
    if (status != 401 && status != 429)
        door_found("let in", headers);
    headers = arena_fmt(mem, "Idempotency-Key: " PRS "\nContent-Type: application/json\n",
                        PRA(value));
    (void)door_call("desk", "POST", S("/api/v1/tickets/$ticket/comments"), headers,
                    S("{\"text\":\"x\"}"), NULL);
    return 0;
}
