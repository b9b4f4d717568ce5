/* mem_test.c - arenas: alignment, zeroing, caps, deferred order, reuse; heap; fault injection; the
 * error record. */
#include "base/err.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h> /* needs all of the above */

static void sizes_are_aligned_and_zero(void **state)
{
    (void)state;
    struct arena *a = arena_new(ARENA_REQUEST_BYTES);
    for (int round = 0; round < 2; round++) {
        for (size_t n = 0; n < 40000; n = n * 2 + 1) {
            char *p = arena_get(a, n);
            assert_int_equal((uintptr_t)p % 16, 0);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xa5, n);
        }
        arena_reset(a);
    }
    assert_true(arena_peak_bytes(a) > 60000);
    arena_free(a);
    arena_free(NULL);
}

static void cap_holds(void **state)
{
    (void)state;
    struct arena *a = arena_new(100000);
    assert_null(arena_try(a, 100001));
    assert_null(arena_try(a, SIZE_MAX));
    assert_null(arena_try(a, SIZE_MAX - 7));
    assert_non_null(arena_try(a, 60000));
    assert_null(arena_try(a, 50000));
    assert_non_null(arena_try(a, 40000));
    assert_null(arena_try(a, 1));
    assert_non_null(arena_get(a, 100)); /* the program's own reserve */
    arena_reset(a);
    assert_non_null(arena_try(a, 100000));
    arena_free(a);
}

static char order[8];
static void note(void *arg)
{
    size_t n = strlen(order);
    order[n] = *(char *)arg;
}

static void deferred_runs_newest_first(void **state)
{
    (void)state;
    char x = 'x', y = 'y', z = 'z';
    struct arena *a = arena_new(1000);
    arena_defer(a, note, &x);
    arena_defer(a, note, &y);
    arena_reset(a);
    assert_string_equal(order, "yx");
    arena_defer(a, note, &z);
    arena_free(a);
    assert_string_equal(order, "yxz");
}

static void faults_hit_the_nth_try(void **state)
{
    (void)state;
    struct arena *a = arena_new(1000);
    mem_fail_nth(3);
    void *p = heap_try(10);
    assert_non_null(p);
    assert_non_null(arena_try(a, 10));
    assert_null(heap_grow(p, 20));
    void *grown = heap_grow(p, 20);
    assert_non_null(grown);
    assert_int_equal(mem_try_count(), 4);
    mem_fail_nth(0);
    assert_int_equal(mem_try_count(), 0);
    heap_free(grown);
    char *zeroed = heap_get(100);
    assert_int_equal(zeroed[99], 0);
    heap_free(zeroed);
    arena_free(a);
}

static void first_fault_stays(void **state)
{
    (void)state;
    struct ctx c = {.mem = arena_new(100000), .lang = LANG_EN};
    assert_int_equal(FAIL(&c, E_STATE, "状态 %d", "state %d", 7), E_STATE);
    assert_int_equal(FAIL(&c, E_DB, "库", "db"), E_DB);
    assert_int_equal(c.fault.code, E_STATE);
    assert_true(str_eq(c.fault.message, S("state 7")));
    assert_non_null(strstr(c.fault.where, "mem_test.c"));
    fault_clear(&c);
    assert_int_equal(c.fault.code, E_OK);
    c.lang = LANG_ZH;
    for (int i = 0; i < FAULT_FIELDS + 5; i++)
        assert_int_equal(FAIL_FIELD(&c, "title", "max", "最多 %d", "at most %d", i), E_INVALID);
    assert_int_equal(c.fault.code, E_INVALID);
    assert_int_equal(c.fault.nfields, FAULT_FIELDS);
    assert_true(str_eq(c.fault.fields[31].message, S("最多 31")));
    fault_clear(&c);
    mem_fail_nth(1);
    assert_int_equal(FAIL(&c, E_IO, "网", "net"), E_IO);
    mem_fail_nth(0);
    assert_int_equal(c.fault.code, E_IO);
    assert_int_equal(c.fault.message.n, 0);
    arena_free(c.mem);
}

static void errors_have_status_key_name(void **state)
{
    (void)state;
    assert_int_equal(err_status(E_CONFLICT), 409);
    assert_string_equal(err_key(E_FULL), "storage_full");
    assert_string_equal(err_name(E_RETRY), "E_RETRY");
    for (int e = 0; e < E__N; e++)
        assert_true(err_status((enum err)e) >= 200 && *err_help((enum err)e));
    assert_string_equal(text_in((struct text)TEXT("是", "yes"), LANG_ZH), "是");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_aligned_and_zero), cmocka_unit_test(cap_holds),
        cmocka_unit_test(deferred_runs_newest_first), cmocka_unit_test(faults_hit_the_nth_try),
        cmocka_unit_test(first_fault_stays),          cmocka_unit_test(errors_have_status_key_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
