/* totp_test.c - the published vectors of RFC 6238, one step of clock error, and codes that are no
 * codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "core/totp.h"

static void test_vectors(void **state)
{
    (void)state;
    static const struct {
        int64_t at_s;
        const char *code; /* the last six of the RFC's eight digits */
    } vectors[] = {{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
                   {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
    struct arena *a = arena_new(ARENA_REQUEST_BYTES);
    struct str secret = S("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"); /* 12345678901234567890 */
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        int64_t at_ms = vectors[i].at_s * 1000, step = 0;
        struct str code = str_of(vectors[i].code);
        assert_true(totp_check(a, secret, code, at_ms, &step));
        assert_int_equal(step, vectors[i].at_s / TOTP_STEP_S);
        assert_true(totp_check(a, secret, code, at_ms + 30000, &step)); /* a slow phone */
        assert_int_equal(step, vectors[i].at_s / TOTP_STEP_S);
        assert_false(totp_check(a, secret, code, at_ms + 90000, &step));
    }
    int64_t step = 7;
    static const char *const wrong[] = {"", "28708", "2870822", "abcdef", "287083", "２８７０８２"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_false(totp_check(a, secret, str_of(wrong[i]), 59000, &step));
    assert_false(totp_check(a, S("not base32!"), S("287082"), 59000, &step));
    assert_int_equal(step, 7);
    arena_free(a);
}

static void test_new(void **state)
{
    (void)state;
    struct arena *a = arena_new(ARENA_REQUEST_BYTES);
    struct str one = totp_secret_new(a), two = totp_secret_new(a);
    assert_int_equal(one.n, 32);
    assert_false(str_eq(one, two));
    struct str uri = totp_uri(a, one, S("张 三"));
    assert_true(str_starts(uri, S("otpauth://totp/Anju:%E5%BC%A0%20%E4%B8%89?secret=")));
    arena_free(a);
}

int main(void)
{
    crypto_start();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors), cmocka_unit_test(test_new)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
