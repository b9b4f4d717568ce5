/* str_test.c - text: cutting, numbers, growth and its limits, UTF-8, and every escaping with
 * naughty strings. */
#include "base/err.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs all of the above */

static struct arena *mem;

static int start(void **state)
{
    (void)state;
    mem = arena_new(ARENA_REPORT_BYTES);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(mem);
    return 0;
}

static void assert_str(struct str got, const char *want)
{
    assert_string_equal(str_z(mem, got), want);
    assert_int_equal(got.n, strlen(want));
}

static void cutting(void **state)
{
    (void)state;
    struct str s = S("a,,b,"), none = {NULL, 0};
    assert_str(str_next(&s, ','), "a");
    assert_str(str_next(&s, ','), "");
    assert_str(str_next(&s, ','), "b");
    assert_non_null(s.p);
    assert_str(str_next(&s, ','), "");
    assert_null(s.p);
    assert_str(str_trim(S(" \t\r\n x y \v")), "x y");
    assert_str(str_trim(S("   ")), "");
    assert_str(str_sub(S("hello"), 3, 99), "lo");
    assert_str(str_sub(S("hello"), 9, 1), "");
    assert_str(str_sub(none, 1, 1), "");
    assert_int_equal(str_find(S("hello"), S("lo")), 3);
    assert_int_equal(str_find(S("hello"), S("x")), -1);
    assert_int_equal(str_find(none, S("x")), -1);
    assert_true(str_starts(S("hello"), S("he")) && !str_starts(S("h"), S("he")));
    assert_true(str_ends(S("hello"), S("lo")) && !str_ends(S("o"), S("lo")));
    assert_true(str_eq_nocase(S("Content-TYPE"), S("content-type")));
    assert_false(str_eq_nocase(S("@["), S("`{")));
    assert_true(str_cmp(S("a"), S("ab")) < 0 && str_cmp(S("b"), S("ab")) > 0);
    assert_int_equal(str_cmp(none, S("")), 0);
    assert_true(str_eqz(none, NULL) && str_eqz(S("x"), "x"));
    assert_true(str_has_nul((struct str){"a\0b", 3}) && !str_has_nul(S("ab")));
    assert_str(arena_fmt(mem, "%d-" PRS, 7, PRA(S("x"))), "7-x");
}

static void integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        int64_t v;
    } rows[] = {{"0", true, 0},
                {"-1", true, -1},
                {"007", true, 7},
                {"9223372036854775807", true, INT64_MAX},
                {"-9223372036854775808", true, INT64_MIN},
                {"9223372036854775808", false, 0},
                {"-9223372036854775809", false, 0},
                {"99999999999999999999", false, 0},
                {"", false, 0},
                {"-", false, 0},
                {"+1", false, 0},
                {" 1", false, 0},
                {"1 ", false, 0},
                {"0x1", false, 0},
                {"1e3", false, 0},
                {"１", false, 0}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t v = 42;
        assert_int_equal(str_int(str_of(rows[i].text), &v), rows[i].good);
        assert_true(v == (rows[i].good ? rows[i].v : 42));
    }
    static const int64_t values[] = {0,  9,    10,          99,        100,      101,
                                     -1, -100, 12345678901, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        struct buf b;
        int64_t back;
        buf_init(&b, mem, 100);
        buf_int(&b, values[i]);
        assert_true(str_int(buf_str(&b), &back) && back == values[i]);
        assert_str(buf_str(&b), str_z(mem, arena_fmt(mem, "%lld", (long long)values[i])));
    }
}

static void growth(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, mem, 5000);
    for (int i = 0; i < 1000; i++)
        buf_fmt(&b, "%05d", i);
    assert_int_equal(b.n, 5000);
    assert_false(b.full);
    buf_putc(&b, 'x');
    assert_true(b.full);
    assert_int_equal(b.n, 5000);
    assert_memory_equal(b.p + 4995, "00999", 5);
    buf_clear(&b);
    buf_putz(&b, "again");
    assert_str(buf_str(&b), "again");
    buf_fmt(&b, "%s", "");
    assert_str(buf_str(&b), "again");

    struct buf small, never = {0};
    buf_init(&small, mem, 3);
    buf_fmt(&small, "%d", 1234);
    assert_true(small.full && small.n == 0);
    buf_putz(&small, "a");
    assert_int_equal(small.n, 0);
    buf_putz(&never, "a");
    assert_true(never.full);

    struct buf broken;
    buf_init(&broken, mem, 100);
    mem_fail_nth(1);
    buf_putz(&broken, "a");
    mem_fail_nth(0);
    assert_true(broken.full && broken.n == 0);
}

static void utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {{"", true},
                {"plain ascii, long enough for the fast path", true},
                {"物业管理 𠮷 é ¿", true},
                {"12345678\xff", false},
                {"\xc0\x80", false},         /* overlong NUL */
                {"\xc1\xbf", false},         /* overlong */
                {"\xe0\x9f\xbf", false},     /* overlong */
                {"\xf0\x8f\xbf\xbf", false}, /* overlong */
                {"\xed\xa0\x80", false},     /* surrogate */
                {"\xed\xbf\xbf", false},     /* surrogate */
                {"\xf4\x90\x80\x80", false}, /* above U+10FFFF */
                {"\xf5\x80\x80\x80", false},
                {"\x80", false},
                {"\xe4\xb8", false}, /* cut */
                {"\xf0\x9f\x98", false},
                {"\xc3(", false},
                {"\xfe\xff", false},
                {"\xf4\x8f\xbf\xbf", true},
                {"\xef\xbf\xbf", true},
                {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa9", true}}; /* joined emoji */
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(utf8_valid(str_of(rows[i].text)), rows[i].valid);
    assert_true(utf8_valid((struct str){NULL, 0}));
    assert_int_equal(utf8_len(S("物业ab𠮷")), 5);
    assert_str(utf8_head(S("物业ab"), 1), "物");
    assert_str(utf8_head(S("物业ab"), 0), "");
    assert_str(utf8_head(S("物业ab"), 99), "物业ab");
}

typedef void put_fn(struct buf *, struct str);
struct escape_row {
    struct str in;
    const char *out;
};

static void check_escapes(put_fn *put, const struct escape_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct buf b;
        buf_init(&b, mem, 1000);
        put(&b, rows[i].in);
        assert_str(buf_str(&b), rows[i].out);
        for (size_t max = 0; max < strlen(rows[i].out); max++) { /* every place it may not fit */
            struct buf tight;
            buf_init(&tight, mem, max);
            put(&tight, rows[i].in);
            assert_true(tight.full && tight.n <= max);
        }
    }
}

static void json_text(void **state)
{
    (void)state;
    static const struct escape_row rows[] = {
        {{NULL, 0}, "\"\""},
        {S_INIT("物业 𠮷 ok"), "\"物业 𠮷 ok\""},
        {S_INIT("\"\\/\b\f\n\r\t"), "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
        {S_INIT("a\0\x01\x0b\x0e\x1f\x7f"), "\"a\\u0000\\u0001\\u000b\\u000e\\u001f\\u007f\""},
        {S_INIT("</script>&"), "\"\\u003c/script\\u003e\\u0026\""},
        {S_INIT("\xe2\x80\xa8x\xe2\x80\xa9"), "\"\\u2028x\\u2029\""},
        {S_INIT("\xe2\x80\xa7\xe2\x80\xaa"), "\"\xe2\x80\xa7\xe2\x80\xaa\""},
        {S_INIT("x\xffy\xe4\xb8"), "\"x\xef\xbf\xbdy\xef\xbf\xbd\xef\xbf\xbd\""},
        {S_INIT("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    check_escapes(buf_json, rows, COUNT_OF(rows));
}

static void csv_cells(void **state)
{
    (void)state;
    static const struct escape_row rows[] = {
        {S_INIT(""), ""},
        {S_INIT("plain 物业"), "plain 物业"},
        {S_INIT("a,b"), "\"a,b\""},
        {S_INIT("say \"hi\""), "\"say \"\"hi\"\"\""},
        {S_INIT("\""), "\"\"\"\""},
        {S_INIT("two\r\nlines"), "\"two\r\nlines\""},
        {S_INIT("=1+1"), "'=1+1"},
        {S_INIT("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0"},
        {S_INIT("=HYPERLINK(\"x\",1)"), "\"'=HYPERLINK(\"\"x\"\",1)\""},
        {S_INIT("+86 10"), "'+86 10"},
        {S_INIT("-2+3"), "'-2+3"},
        {S_INIT("@SUM(1)"), "'@SUM(1)"},
        {S_INIT("\t=1"), "'\t=1"},
        {S_INIT("\r=1"), "\"'\r=1\""},
    };
    check_escapes(buf_csv, rows, COUNT_OF(rows));
}

static void html_and_urls(void **state)
{
    (void)state;
    static const struct escape_row html[] = {
        {{NULL, 0}, ""},
        {S_INIT("<b a=\"1\" c='2'>&物"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;物"},
    };
    static const struct escape_row urls[] = {
        {{NULL, 0}, ""},
        {S_INIT("a-b._~Z9"), "a-b._~Z9"},
        {S_INIT("a b/物?\n"), "a%20b%2F%E7%89%A9%3F%0A"},
    };
    check_escapes(buf_html, html, COUNT_OF(html));
    check_escapes(buf_url, urls, COUNT_OF(urls));
    assert_str(url_decode(mem, S("a+b%20c%E7%89%a9"), true), "a b c物");
    assert_str(url_decode(mem, S("a+b"), false), "a+b");
    assert_str(url_decode(mem, (struct str){NULL, 0}, false), "");
    assert_non_null(url_decode(mem, S(""), true).p);
    static const char *const bad[] = {"%", "%4", "a%4", "%zz", "%4g", "%00", "%-1", "% 1"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_null(url_decode(mem, str_of(bad[i]), true).p);
    assert_null(url_decode(mem, (struct str){"a\0", 2}, true).p);
    assert_str(url_decode(mem, S("%41"), true), "A");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cutting),       cmocka_unit_test(integers),  cmocka_unit_test(growth),
        cmocka_unit_test(utf8),          cmocka_unit_test(json_text), cmocka_unit_test(csv_cells),
        cmocka_unit_test(html_and_urls),
    };
    return cmocka_run_group_tests(tests, start, end);
}
