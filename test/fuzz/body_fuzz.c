/* body_fuzz.c - JSON bodies of creates, changes and actions: the first byte chooses the address and
 * who sends, the rest is the body. */
#include "door.h"

static const struct {
    const char *role, *method, *target;
} calls[] = {
    {"manager", "POST", "/api/v1/tickets"},
    {"resident", "POST", "/api/v1/tickets"},
    {"worker", "POST", "/api/v1/tickets/$ticket/actions/finish"},
    {"manager", "POST", "/api/v1/tickets/$ticket/actions/dispatch"},
    {"desk", "POST", "/api/v1/tickets/$ticket/comments"},
    {"manager", "PATCH", "/api/v1/people/$person"},
    {"manager", "POST", "/api/v1/people"},
    {"manager", "POST", "/api/v1/spaces"},
    {"manager", "POST", "/api/v1/occupancies"},
    {"admin", "POST", "/api/v1/users"},
    {"admin", "PATCH", "/api/v1/users/$user"},
    {"admin", "POST", "/api/v1/grants"},
    {"admin", "POST", "/api/v1/roles"},
    {"desk", "POST", "/api/v1/people/$person/reveal"},
    {"manager-b", "POST", "/api/v1/tickets/$ticket/actions/cancel"},
};

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (!n)
        return 0;
    size_t i = p[0] % COUNT_OF(calls);
    arena_reset(door_mem());
    (void)door_call(calls[i].role, calls[i].method, str_of(calls[i].target),
                    S("Content-Type: application/json\nIf-Match: 1\n"),
                    (struct str){(const char *)p + 1, n - 1}, NULL);
    return 0;
}
