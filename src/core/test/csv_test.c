/* csv_test.c - the CSV reader against a table of texts, good and hostile; limits; and that what
 * buf_csv wrote comes back. */
#include "base/crypto.h"
#include "core/csv.h"
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

/* The whole file as one text: cells in [], records ended by | and preceded by their number; or the
 * failure. */
static struct str told(struct str text, char delimiter)
{
    struct csv r;
    struct buf b;
    bool more;
    buf_init(&b, c.mem, 1 << 20);
    csv_open(&r, c.mem, text, delimiter);
    for (;;) {
        enum err e = csv_next(&c, &r, &more);
        if (e != E_OK) {
            buf_fmt(&b, "%s: " PRS, err_name(e), PRA(c.fault.message));
            fault_clear(&c);
            break;
        }
        if (!more)
            break;
        buf_int(&b, r.row);
        for (int i = 0; i < r.n; i++) {
            buf_putc(&b, '[');
            buf_put(&b, r.cells[i]);
            buf_putc(&b, ']');
        }
        buf_putc(&b, '|');
    }
    buf_putc(&b, 0);
    return buf_str(&b);
}

static const struct {
    char delimiter;
    struct str in;
    const char *out;
} cases[] = {
    {',', S_INIT(""), ""},
    {',', S_INIT("\xEF\xBB\xBF"), ""},
    {',', S_INIT("a"), "1[a]|"},
    {',', S_INIT("a,b\n1,2\n"), "1[a][b]|2[1][2]|"},
    {',', S_INIT("a,b\r\n1,2\r\n"), "1[a][b]|2[1][2]|"},
    {',', S_INIT("\xEF\xBB\xBF名称,备注\r\n门,\r\n"), "1[名称][备注]|2[门][]|"},
    {',', S_INIT(",,\n,"), "1[][][]|2[][]|"},
    {',', S_INIT("a\n\n\r\nb\n"), "1[a]|4[b]|"}, /* blank lines are counted, not told */
    {',', S_INIT("a\n\"\"\n"), "1[a]|2[]|"},     /* an empty quoted cell is no blank line */
    {',', S_INIT("\"a,b\",\"c\nd\",\"e\r\nf\"\n"), "1[a,b][c\nd][e\r\nf]|"},
    {',', S_INIT("\"say \"\"hi\"\"\",\"\"\"\",\"\"\n"), "1[say \"hi\"][\"][]|"},
    {',', S_INIT("\"a\""), "1[a]|"},
    {',', S_INIT("\"a\"\"\""), "1[a\"]|"},
    {',', S_INIT(" a , b "), "1[ a ][ b ]|"},
    {',', S_INIT("a\rb,c\n"), "1[a\rb][c]|"}, /* a lone CR is data */
    {',', S_INIT("a\r"), "1[a\r]|"},
    {';', S_INIT("a,b;c\n"), "1[a,b][c]|"},
    {'\t', S_INIT("a b\tc\n\"x\ty\"\tz\n"), "1[a b][c]|2[x\ty][z]|"},
    {',', S_INIT("a,b\n1,\"x"),
     "1[a][b]|E_SYNTAX: row 2, column 2: the opening quote is never closed"},
    {',', S_INIT("\""), "E_SYNTAX: row 1, column 1: the opening quote is never closed"},
    {',', S_INIT("\"\"\""), "E_SYNTAX: row 1, column 1: the opening quote is never closed"},
    {',', S_INIT("a\n\n\"x\"y,2\n"),
     "1[a]|E_SYNTAX: row 3, column 1: text after the closing quote"},
    {',', S_INIT("\"a\" ,b\n"), "E_SYNTAX: row 1, column 1: text after the closing quote"},
    {',', S_INIT("\"a\"\rb\n"), "E_SYNTAX: row 1, column 1: text after the closing quote"},
    {',', S_INIT("a,5\" pipe\n"), "E_SYNTAX: row 1, column 2: a quote inside unquoted text"},
    {',', S_INIT("a\0b,\xff\n"), "1[a\0"}, /* any bytes are carried: the fields judge them */
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str got = told(cases[i].in, cases[i].delimiter);
        if (strcmp(got.p, cases[i].out) != 0 && !str_has_nul(cases[i].in))
            fail_msg("case %zu: got %s, wanted %s", i, got.p, cases[i].out);
    }
    struct csv r;
    bool more;
    csv_open(&r, c.mem, S("a\0b,\xff\n"), ',');
    assert_int_equal(csv_next(&c, &r, &more), E_OK);
    assert_true(r.n == 2 && str_eq(r.cells[0], S("a\0b")) && str_eq(r.cells[1], S("\xff")));
}

static void test_delimiter(void **state)
{
    (void)state;
    assert_int_equal(csv_delimiter(S("")), ',');
    assert_int_equal(csv_delimiter(S("a")), ',');
    assert_int_equal(csv_delimiter(S("a;b\n,,,,")), ';');
    assert_int_equal(csv_delimiter(S("a\tb\tc,d\n")), '\t');
}

static struct str repeated(struct str unit, size_t n)
{
    struct buf b;
    buf_init(&b, c.mem, 32 << 20);
    for (size_t i = 0; i < n; i++)
        buf_put(&b, unit);
    assert_false(b.full);
    return buf_str(&b);
}

static void test_limits(void **state)
{
    (void)state;
    struct csv r;
    bool more = true;
    csv_open(&r, c.mem, repeated(S(","), CSV_COLUMNS_MAX - 1), ',');
    assert_int_equal(csv_next(&c, &r, &more), E_OK);
    assert_int_equal(r.n, CSV_COLUMNS_MAX);
    assert_string_equal(told(repeated(S(","), CSV_COLUMNS_MAX), ',').p,
                        "E_TOOBIG: row 1 has more than 100 columns");
    csv_open(&r, c.mem, repeated(S("x"), CSV_ROW_BYTES_MAX), ',');
    assert_int_equal(csv_next(&c, &r, &more), E_OK);
    assert_string_equal(told(repeated(S("x"), CSV_ROW_BYTES_MAX + 1), ',').p,
                        "E_TOOBIG: row 1 is too long");
    struct buf b;
    buf_init(&b, c.mem, 8 << 20);
    buf_putc(&b, '"');
    buf_put(&b, repeated(S("\"\""), 2 << 20));
    buf_putc(&b, '"');
    assert_string_equal(told(buf_str(&b), ',').p, "E_TOOBIG: row 1 is too long");
    csv_open(&r, c.mem, repeated(S("x\n"), CSV_ROWS_MAX + 1), ',');
    for (more = true; more;)
        assert_int_equal(csv_next(&c, &r, &more), E_OK);
    assert_int_equal(r.row, CSV_ROWS_MAX + 1);
    csv_open(&r, c.mem, repeated(S("\n"), CSV_ROWS_MAX + 2), ',');
    assert_int_equal(csv_next(&c, &r, &more), E_TOOBIG);
    fault_clear(&c);
}

/* A cell of bytes that hurt most. */
static struct str any_cell(struct prng *g)
{
    static const char *const bits[] = {"\"", ",", "\n", "\r\n", "=", "+", "-",  "@",  "'",
                                       "a",  " ", "门", ";",    "1", "x", "\t", "\r", "''"};
    struct buf b;
    buf_init(&b, c.mem, 1000);
    for (int64_t n = prng_range(g, 0, 6); n > 0; n--)
        buf_putz(&b, bits[prng_range(g, 0, COUNT_OF(bits) - 1)]);
    /* the one thing the guard cannot tell from its own work; fields trim and no cell of ours starts
     * so */
    if (b.n > 1 && b.p[0] == '\'' && strchr("=+-@\t\r", b.p[1]))
        b.p[0] = 'q';
    return b.n ? buf_str(&b) : S("");
}

static void test_round_trip(void **state)
{
    (void)state;
    struct prng g;
    prng_seed(&g, 7);
    for (int round = 0; round < 3000; round++) {
        struct str cells[5];
        struct buf b;
        struct csv r;
        bool more;
        buf_init(&b, c.mem, 10000);
        for (int i = 0; i < 5; i++) {
            cells[i] = any_cell(&g);
            if (i)
                buf_putc(&b, ',');
            buf_csv(&b, cells[i]);
        }
        buf_put(&b, round % 2 ? S("\r\n") : S("\n"));
        csv_open(&r, c.mem, buf_str(&b), ',');
        assert_int_equal(csv_next(&c, &r, &more), E_OK);
        assert_int_equal(r.n, 5);
        for (int i = 0; i < 5; i++)
            if (!str_eq(csv_plain(r.cells[i]), cells[i]))
                fail_msg("round %d: [" PRS "] came back as [" PRS "]", round, PRA(cells[i]),
                         PRA(csv_plain(r.cells[i])));
        assert_int_equal(csv_next(&c, &r, &more), E_OK);
        assert_false(more);
    }
}

/* Every cut and every changed byte of a good file ends in records or in a named error, never in a
 * crash. */
static void test_damage(void **state)
{
    (void)state;
    static const char good[] = "\xEF\xBB\xBF"
                               "a,\"b\"\"c\",d\r\n\"x\ny\",,\"\"\n\n1,2,3";
    static const char bytes[] = "\",\n\r;\0a";
    char text[sizeof good];
    for (size_t n = 0; n < sizeof good; n++) {
        (void)told((struct str){good, n}, ',');
        for (size_t k = 0; k < sizeof bytes; k++) {
            memcpy(text, good, sizeof good);
            text[n] = bytes[k];
            (void)told((struct str){text, sizeof good - 1}, ',');
        }
    }
}

static void test_errors(void **state)
{
    (void)state;
    struct row_errors e;
    struct buf b;
    row_errors_init(&e, c.mem);
    buf_init(&b, c.mem, 4 << 20);
    (void)FAIL_FIELD(&c, "name", "required", "必填", "required");
    (void)FAIL_FIELD(&c, "age", "min", "太小", "too small");
    row_errors_take(&e, &c, 7);
    assert_int_equal(c.fault.code, E_OK);
    (void)FAIL(&c, E_STATE, "不行", "not \"now\"");
    row_errors_take(&e, &c, 3);
    row_errors_json(&e, &b);
    buf_putc(&b, 0);
    assert_string_equal(b.p, "[{\"row\":3,\"fields\":[{\"field\":\"\",\"code\":\"state\","
                             "\"message\":\"not \\\"now\\\"\"}]},"
                             "{\"row\":7,\"fields\":[{\"field\":\"name\",\"code\":\"required\","
                             "\"message\":\"required\"},"
                             "{\"field\":\"age\",\"code\":\"min\",\"message\":\"too small\"}]}]");
    for (int i = 0; i < 2000; i++) {
        (void)FAIL_FIELD(&c, "x", "min", "小", "small");
        row_errors_take(&e, &c, i);
    }
    assert_int_equal(e.n, ROW_ERRORS_MAX);
    assert_int_equal(e.failed, 2002);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_table, start, end),
        cmocka_unit_test_setup_teardown(test_delimiter, start, end),
        cmocka_unit_test_setup_teardown(test_limits, start, end),
        cmocka_unit_test_setup_teardown(test_round_trip, start, end),
        cmocka_unit_test_setup_teardown(test_damage, start, end),
        cmocka_unit_test_setup_teardown(test_errors, start, end),
    };
    return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
