/* request_fuzz.c - any request of any role through the whole application: router, login, rights,
 * bodies, rooms, database. */
#include "door.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    (void)door_text((struct str){(const char *)p, n});
    return 0;
}
