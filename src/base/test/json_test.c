/* json_test.c - reading: values, order, positions, every refusal, and no leak or crash at any
 * failing allocation. */
#include "base/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h> /* needs all of the above */

static struct ctx c;

static int start(void **state)
{
    (void)state;
    c = (struct ctx){.mem = arena_new(ARENA_REPORT_BYTES), .lang = LANG_EN};
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(c.mem);
    return 0;
}

static const char sample[] = "{\"z\": [1, -2, 3.5, 1e3], \"a\": {\"物\": \"业\\n\"}, \"t\": true, "
                             "\"f\": false, \"n\": null, \"big\": 9223372036854775807}";
static const char compact[] = "{\"z\":[1,-2,3.5,1000.0],\"a\":{\"物\":\"业\\n\"},\"t\":true,"
                              "\"f\":false,\"n\":null,\"big\":9223372036854775807}";

static void values(void **state)
{
    (void)state;
    const struct json *j;
    assert_int_equal(json_parse(&c, str_of(sample), &j), E_OK);
    assert_int_equal(json_type(j), JSON_OBJECT);
    assert_int_equal(json_count(j), 6);
    const struct json *z = json_get(j, "z");
    assert_int_equal(json_count(z), 4);
    assert_int_equal(json_int(json_at(z, 1)), -2);
    assert_int_equal(json_int(json_at(z, 2)), 0);
    assert_true(json_real(json_at(z, 2)) == 3.5 && json_real(json_at(z, 0)) == 1.0);
    assert_int_equal(json_type(json_at(z, 3)), JSON_REAL);
    assert_null(json_at(z, 4));
    assert_null(json_get(j, "nothing"));
    assert_true(str_eq(json_str(json_get(json_get(j, "a"), "物")), S("业\n")));
    assert_int_equal(json_str(z).n, 0);
    assert_int_equal(json_int(json_get(j, "t")), 1);
    assert_int_equal(json_type(json_get(j, "f")), JSON_BOOL);
    assert_int_equal(json_type(json_get(j, "n")), JSON_NULL);
    assert_true(json_int(json_get(j, "big")) == INT64_MAX);
    struct buf b;
    buf_init(&b, c.mem, 1000);
    for (void *it = json_first(j); it; it = json_next(j, it))
        buf_putz(&b, json_key(it));
    assert_true(str_eqz(buf_str(&b), "zatfnbig"));
    buf_clear(&b);
    buf_json_value(&b, j);
    assert_true(str_eqz(buf_str(&b), compact));
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        const char *position;
    } rows[] = {
        {S_INIT(""), "line 1, column 0"},
        {S_INIT("5"), "line 1, column 1"},
        {S_INIT("\"x\""), "line 1, column"},
        {S_INIT("null"), "line 1, column"},
        {S_INIT("{\"a\":1,\n \"a\":2}"), "line 2, column 4: duplicate key"},
        {S_INIT("{\"a\":1,}"), "line 1, column 8"},
        {S_INIT("[1,2"), "the text ends too early"},
        {S_INIT("[1] x"), "text after the end"},
        {S_INIT("[1]\0"), "line 1"},
        {S_INIT("[\"\\u0000\"]"), "U+0000"},
        {S_INIT("{\"a\\u0000b\":1}"), "U+0000"},
        {S_INIT("[\"a\0b\"]"), "line 1"},
        {S_INIT("[\"\xff\"]"), "UTF-8"},
        {S_INIT("[\"\xed\xa0\x80\"]"), "UTF-8"},
        {S_INIT("[\"\\ud800\"]"), "line 1"},
        {S_INIT("[\"\n\"]"), "line 1"},
        {S_INIT("[01]"), "line 1"},
        {S_INIT("[NaN]"), "line 1"},
        {S_INIT("[1e999]"), "number out of range"},
        {S_INIT("[9223372036854775808]"), "number out of range"},
        {S_INIT("{'a':1}"), "line 1"},
        {S_INIT("[1] // x"), "line 1"},
        {S_INIT("\xef\xbb\xbf[]"), "line 1"},
        {S_INIT("[\"\\"), "line 1"},
        {S_INIT("\n\n [[[[[[[[[[[[[[[[[ 1"), "line 3, column 18: nested too deeply"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct json *j = NULL;
        fault_clear(&c);
        assert_int_equal(json_parse(&c, rows[i].text, &j), E_SYNTAX);
        assert_null(j);
        assert_int_equal(c.fault.code, E_SYNTAX);
        if (str_find(c.fault.message, str_of(rows[i].position)) < 0)
            fail_msg("row %zu: %s", i, c.fault.message.p);
    }
    fault_clear(&c);
    c.lang = LANG_ZH;
    const struct json *j;
    assert_int_equal(json_parse(&c, S("[1,"), &j), E_SYNTAX);
    assert_true(str_starts(c.fault.message, S("JSON 第 1 行第 3 列有误：")));
    c.lang = LANG_EN;
    fault_clear(&c);
}

static void limits(void **state)
{
    (void)state;
    const struct json *j;
    assert_int_equal(json_parse(&c, S("[[[[[[[[[[[[[[[[\"[[[{\\\"[\"]]]]]]]]]]]]]]]]"), &j), E_OK);
    struct buf b;
    buf_init(&b, c.mem, 1 << 20);
    buf_putc(&b, '[');
    for (int i = 0; i < 300000; i++)
        buf_putz(&b, "1,");
    buf_putz(&b, "1]");
    assert_int_equal(json_parse(&c, buf_str(&b), &j), E_TOOBIG);
    fault_clear(&c);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (int64_t nth = 1;; nth++) {
        struct ctx own = {.mem = arena_new(ARENA_REQUEST_BYTES), .lang = LANG_EN};
        const struct json *j = NULL;
        mem_fail_nth(nth);
        enum err e = json_parse(&own, str_of(sample), &j);
        int64_t tries = mem_try_count();
        mem_fail_nth(0);
        if (e != E_OK) {
            assert_null(j);
            assert_int_equal(e, E_BUSY);
        }
        arena_free(own.mem);
        if (tries < nth) {
            assert_int_equal(e, E_OK);
            assert_true(nth > 20);
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(refusals),
        cmocka_unit_test(limits),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, start, end);
}
