/* field_test.c - values in and out by the field table, no database: a table of JSON bodies with the
 * value or the error each must give, the same for text cells, all errors of a body at once, naughty
 * strings, masks, and what goes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h> /* needs all of the above */

#include "core/field.h"

static const struct choice colours[] = {
    {1, "red", {"红", "Red"}, NULL}, {2, "blue", {"蓝", "Blue"}, NULL}, {0}};
enum {
    ID,
    INT,
    NUMBER,
    BOOL,
    MONEY,
    AREA,
    QTY,
    TEXT,
    CODE,
    LONG,
    PHONE,
    COLOUR,
    REF,
    DATE,
    INSTANT,
    SECRET,
    OPAQUE,
    SERVER,
    ONCE,
    HID,
    MUST,
    N
};
static const struct field fields[N] = {
    [ID] = {.name = "id", .type = F_ID},
    [INT] = {.name = "level", .type = F_INT, .min = 1, .max = 3},
    [NUMBER] = {.name = "number", .type = F_INT},
    [BOOL] = {.name = "flag", .type = F_BOOL},
    [MONEY] = {.name = "cost", .type = F_MONEY, .min = 0, .max = 100000000},
    [AREA] = {.name = "area", .type = F_AREA},
    [QTY] = {.name = "qty", .type = F_QTY},
    [TEXT] = {.name = "title", .type = F_TEXT},
    [CODE] = {.name = "code", .type = F_TEXT, .min = 3, .max = 5},
    [LONG] = {.name = "detail", .type = F_LONGTEXT},
    [PHONE] = {.name = "phone", .type = F_PHONE, .flags = PERSONAL},
    [COLOUR] = {.name = "colour", .type = F_ENUM, .choices = colours},
    [REF] = {.name = "space_id", .type = F_REF, .ref = "spaces"},
    [DATE] = {.name = "day", .type = F_DATE},
    [INSTANT] = {.name = "at", .type = F_INSTANT},
    [SECRET] = {.name = "password", .type = F_SECRET, .min = 8, .max = 128},
    [OPAQUE] = {.name = "data", .type = F_JSON},
    [SERVER] = {.name = "state", .type = F_INT, .flags = SERVER_SET},
    [ONCE] = {.name = "kind", .type = F_TEXT, .flags = CREATE_ONLY},
    [HID] = {.name = "inner", .type = F_INT, .flags = HIDDEN},
    [MUST] = {.name = "name", .type = F_TEXT, .flags = REQUIRED, .min = 2, .max = 10},
};

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

static enum err read_text(struct str text, enum read_mode mode, struct row *ret)
{
    static const char *const extra[] = {"version", NULL};
    const struct json *body;
    fault_clear(&c);
    TRY(json_parse(&c, text, &body));
    return fields_read(&c, fields, N, body, mode, extra, ret);
}

static bool told(const char *field, const char *code)
{
    for (int i = 0; i < c.fault.nfields; i++)
        if (strcmp(c.fault.fields[i].field, field) == 0 &&
            strcmp(c.fault.fields[i].code, code) == 0)
            return true;
    return false;
}

static struct str out_json(int field, struct val v)
{
    struct buf b;
    buf_init(&b, c.mem, 1 << 20);
    field_to_json(&b, &fields[field], v, zone_find("Asia/Shanghai"));
    return buf_str(&b);
}

static struct str out_text(int field, struct val v)
{
    struct buf b;
    buf_init(&b, c.mem, 1 << 20);
    field_to_text(&b, &fields[field], v, zone_find("Asia/Shanghai"));
    return buf_str(&b);
}

/* --- one JSON value --- */

#define INT53 "9007199254740991"
static const struct {
    int field;
    const char *in, *code, *out; /* out: as JSON again, when there is no error code */
} json_cases[] = {
    {INT, "1", NULL, "1"},
    {INT, "3", NULL, "3"},
    {INT, "0", "min", NULL},
    {INT, "4", "max", NULL},
    {INT, "null", NULL, "null"},
    {INT, "\"2\"", "type", NULL},
    {INT, "2.0", "type", NULL},
    {INT, "2.5", "type", NULL},
    {INT, "true", "type", NULL},
    {INT, "[2]", "type", NULL},
    {NUMBER, "-5", NULL, "-5"},
    {NUMBER, INT53, NULL, INT53},
    {NUMBER, "-" INT53, NULL, "-" INT53},
    {NUMBER, "9007199254740992", "max", NULL},
    {NUMBER, "-9007199254740992", "min", NULL},
    {ID, "1", NULL, "1"},
    {ID, "0", "ref", NULL},
    {REF, "12", NULL, "12"},
    {REF, "-12", "ref", NULL},
    {REF, "\"12\"", "type", NULL},
    {BOOL, "true", NULL, "true"},
    {BOOL, "false", NULL, "false"},
    {BOOL, "1", "type", NULL},
    {BOOL, "\"true\"", "type", NULL},
    {MONEY, "12345", NULL, "12345"},
    {MONEY, "123.45", "type", NULL},
    {MONEY, "-1", "min", NULL},
    {MONEY, "100000001", "max", NULL},
    {AREA, "8912", NULL, "8912"},
    {QTY, "1500", NULL, "1500"},
    {TEXT, "\"hello\"", NULL, "\"hello\""},
    {TEXT, "\"  hello\\t\"", NULL, "\"hello\""},
    {TEXT, "\"\"", NULL, "null"},
    {TEXT, "\"   \"", NULL, "null"},
    {TEXT, "\"a\\nb\"", "format", NULL},
    {TEXT, "\"a\\u001bb\"", "format", NULL},
    {TEXT, "5", "type", NULL},
    {CODE, "\"ab\"", "min", NULL},
    {CODE, "\"abc\"", NULL, "\"abc\""},
    {CODE, "\"abcde\"", NULL, "\"abcde\""},
    {CODE, "\"abcdef\"", "max", NULL},
    {CODE, "\"三个字\"", NULL, "\"三个字\""},
    {CODE, "\"五个字的话\"", NULL, "\"五个字的话\""},
    {CODE, "\"六个字的话啊\"", "max", NULL},
    {LONG, "\"a\\nb\"", NULL, "\"a\\nb\""},
    {PHONE, "\"138 0013-8000\"", NULL, "\"13800138000\""},
    {PHONE, "\"+86 (021) 5555 1234\"", NULL, "\"+8602155551234\""},
    {PHONE, "\"110\"", NULL, "\"110\""},
    {PHONE, "\"11\"", "min", NULL},
    {PHONE, "\"1-1\"", "min", NULL},
    {PHONE, "\"--- ()\"", "min", NULL},
    {PHONE, "\"138x\"", "format", NULL},
    {PHONE, "\"138+86\"", "format", NULL},
    {PHONE, "\"１３８００１３８０００\"", "format", NULL},
    {PHONE, "\"12345678901234567890\"", NULL, "\"12345678901234567890\""},
    {PHONE, "\"123456789012345678901\"", "max", NULL},
    {COLOUR, "\"red\"", NULL, "\"red\""},
    {COLOUR, "\"Red\"", "choice", NULL},
    {COLOUR, "\"green\"", "choice", NULL},
    {COLOUR, "1", "type", NULL},
    {DATE, "\"2024-02-29\"", NULL, "\"2024-02-29\""},
    {DATE, "\"2026-02-29\"", "format", NULL},
    {DATE, "\"2026-13-01\"", "format", NULL},
    {DATE, "\"2026-1-1\"", "format", NULL},
    {DATE, "\"1899-12-31\"", "format", NULL},
    {DATE, "20260101", "type", NULL},
    {INSTANT, "\"2026-01-31T08:00:00+08:00\"", NULL, "\"2026-01-31T08:00:00.000+08:00\""},
    {INSTANT, "\"2026-01-31T00:00:00.5Z\"", NULL, "\"2026-01-31T08:00:00.500+08:00\""},
    {INSTANT, "\"2026-01-31T08:00:00\"", "format", NULL},
    {INSTANT, "\"2026-01-31\"", "format", NULL},
    {INSTANT, "1769817600000", "type", NULL},
    {SECRET, "\"short\"", "min", NULL},
    {OPAQUE, "{\"a\":[1,null]}", NULL, "{\"a\":[1,null]}"},
    {OPAQUE, "[]", NULL, "[]"},
    {OPAQUE, "\"text\"", "type", NULL},
};

static void test_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(json_cases); i++) {
        struct row row;
        const char *name = fields[json_cases[i].field].name;
        struct str body = arena_fmt(c.mem, "{\"%s\":%s}", name, json_cases[i].in);
        enum err e = read_text(body, READ_PATCH, &row);
        if (e != (json_cases[i].code ? E_INVALID : E_OK))
            fail_msg(PRS ": %s", PRA(body), err_name(e));
        if (json_cases[i].code && (c.fault.nfields != 1 || !told(name, json_cases[i].code)))
            fail_msg(PRS ": %s", PRA(body), c.fault.fields[0].code);
        if (json_cases[i].code)
            continue;
        assert_true(row.set == BIT(json_cases[i].field));
        struct str out = out_json(json_cases[i].field, row.v[json_cases[i].field]);
        if (!str_eqz(out, json_cases[i].out))
            fail_msg(PRS " gives " PRS, PRA(body), PRA(out));
    }
}

/* --- one text cell --- */

static void test_text(void **state)
{
    (void)state;
    static const struct {
        int field;
        const char *in, *code, *out; /* out: as a cell again */
    } cases[] = {
        {INT, " 2 ", NULL, "2"},
        {INT, "", NULL, ""},
        {INT, "null", NULL, ""},
        {INT, "2.0", "format", NULL},
        {INT, "9", "max", NULL},
        {INT, "0x2", "format", NULL},
        {NUMBER, "99999999999999999999", "format", NULL},
        {MONEY, "12.34", NULL, "12.34"},
        {MONEY, "12.3", NULL, "12.30"},
        {MONEY, "12", NULL, "12.00"},
        {MONEY, "0.01", NULL, "0.01"},
        {MONEY, "12.345", "format", NULL},
        {MONEY, "1,234", "format", NULL},
        {MONEY, "1e3", "format", NULL},
        {MONEY, "-0.01", "min", NULL},
        {MONEY, "1000000.01", "max", NULL},
        {AREA, "89.12", NULL, "89.12"},
        {AREA, "-0.5", NULL, "-0.50"},
        {QTY, "1.5", NULL, "1.500"},
        {QTY, "1.2345", "format", NULL},
        {BOOL, "是", NULL, "1"},
        {BOOL, "false", NULL, "0"},
        {BOOL, "maybe", "type", NULL},
        {COLOUR, "red", NULL, "red"},
        {COLOUR, "红", NULL, "red"},
        {COLOUR, "Blue", NULL, "blue"},
        {COLOUR, "5", "choice", NULL},
        {TEXT, "null", NULL, "null"}, /* somebody's name may be that */
        {TEXT, "  x ", NULL, "x"},
        {PHONE, "138-0013-8000", NULL, "13800138000"},
        {DATE, "2026-01-31", NULL, "2026-01-31"},
        {DATE, "31/01/2026", "format", NULL},
        {INSTANT, "2026-01-31 08:00", NULL, "2026-01-31T08:00:00.000+08:00"},
        {INSTANT, "2026-01-31T00:00:00Z", NULL, "2026-01-31T08:00:00.000+08:00"},
        {INSTANT, "2026-02-31 08:00", "format", NULL},
        {REF, "12", NULL, "12"},
        {REF, "0", "ref", NULL},
        {TEXT, "\xff\xfe", "format", NULL},
        {INT, "\xff", "format", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct val v;
        fault_clear(&c);
        enum err e = field_of_text(&c, &fields[cases[i].field], str_of(cases[i].in),
                                   zone_find("Asia/Shanghai"), &v);
        if (e != (cases[i].code ? E_INVALID : E_OK))
            fail_msg("%s: %s", cases[i].in, err_name(e));
        if (cases[i].code && !told(fields[cases[i].field].name, cases[i].code))
            fail_msg("%s: %s", cases[i].in, c.fault.fields[0].code);
        if (!cases[i].code && !str_eqz(out_text(cases[i].field, v), cases[i].out))
            fail_msg("%s gives " PRS, cases[i].in, PRA(out_text(cases[i].field, v)));
    }
}

/* --- bodies --- */

static void test_bodies(void **state)
{
    (void)state;
    struct row row;
    assert_int_equal(read_text(S("{\"name\":\"王五\"}"), READ_CREATE, &row), E_OK);
    assert_true(row.set == BIT(MUST));
    assert_int_equal(read_text(S("{}"), READ_CREATE, &row), E_INVALID);
    assert_true(c.fault.nfields == 1 && told("name", "required"));
    assert_int_equal(read_text(S("{\"name\":null}"), READ_INPUT, &row), E_INVALID);
    assert_true(c.fault.nfields == 1 && told("name", "required"));
    assert_int_equal(read_text(S("{\"name\":\"x\"}"), READ_CREATE, &row), E_INVALID);
    assert_true(c.fault.nfields == 1 && told("name", "min")); /* not also "required" */
    assert_int_equal(read_text(S("{}"), READ_PATCH, &row), E_OK);
    assert_true(row.set == 0);
    assert_int_equal(read_text(S("{\"name\":null}"), READ_PATCH, &row), E_INVALID);
    assert_true(told("name", "required"));
    assert_int_equal(read_text(S("{\"level\":null}"), READ_PATCH, &row), E_OK);
    assert_true(row.set == BIT(INT) && !row_has(&row, INT)); /* cleared, not left alone */
    assert_int_equal(read_text(S("{\"version\":3}"), READ_PATCH, &row), E_OK);
    assert_int_equal(read_text(S("{\"kind\":\"a\"}"), READ_PATCH, &row), E_INVALID);
    assert_true(told("kind", "create_only"));
    assert_int_equal(read_text(S("{\"kind\":\"a\",\"name\":\"bb\"}"), READ_CREATE, &row), E_OK);
    assert_int_equal(read_text(S("[]"), READ_CREATE, &row), E_SYNTAX);
    assert_int_equal(read_text(S("7"), READ_CREATE, &row), E_SYNTAX);
    assert_int_equal(fields_read(&c, fields, N, NULL, READ_PATCH, NULL, &row), E_SYNTAX);
}

static void test_all_errors(void **state)
{
    (void)state;
    struct row row;
    enum err e = read_text(S("{\"level\":9,\"phone\":\"x\",\"colour\":\"green\",\"day\":\"soon\","
                             "\"state\":1,\"inner\":1,\"nonsense\":true,\"title\":5}"),
                           READ_CREATE, &row);
    assert_int_equal(e, E_INVALID);
    assert_int_equal(c.fault.nfields, 9);
    assert_true(told("level", "max") && told("phone", "format") && told("colour", "choice"));
    assert_true(told("day", "format") && told("state", "read_only") && told("inner", "unknown"));
    assert_true(told("nonsense", "unknown") && told("title", "type") && told("name", "required"));
    for (int i = 0; i < c.fault.nfields; i++)
        assert_true(c.fault.fields[i].message.n > 0);
    struct buf b; /* more errors than are kept: no crash, and still an error */
    buf_init(&b, c.mem, 1 << 20);
    buf_putc(&b, '{');
    for (int i = 0; i < 200; i++)
        buf_fmt(&b, "%s\"no_such_%d\":1", i ? "," : "", i);
    buf_putc(&b, '}');
    assert_int_equal(read_text(buf_str(&b), READ_PATCH, &row), E_INVALID);
    assert_int_equal(c.fault.nfields, FAULT_FIELDS);
    c.lang = LANG_ZH;
    assert_int_equal(read_text(S("{\"level\":9}"), READ_PATCH, &row), E_INVALID);
    assert_true(str_eqz(c.fault.fields[0].message, "不能大于 3"));
    c.lang = LANG_EN;
}

/* --- naughty strings --- */

static struct str repeat(const char *one, size_t times)
{
    struct buf b;
    buf_init(&b, c.mem, 1 << 20);
    for (size_t i = 0; i < times; i++)
        buf_putz(&b, one);
    return buf_str(&b);
}

static void test_naughty(void **state)
{
    (void)state;
    const struct {
        int field;
        struct str in;
        const char *code;
    } cases[] = {
        {TEXT, S("a\0b"), "format"}, /* would be cut in half by somebody later */
        {LONG, S("\0"), "format"},
        {TEXT, S("\xc3\x28"), "format"},     /* broken UTF-8 */
        {TEXT, S("\xed\xa0\x80"), "format"}, /* a lone surrogate */
        {TEXT, S("\xc0\xaf"), "format"},     /* overlong */
        {TEXT, S("\xf4\x90\x80\x80"), "format"},
        {LONG, repeat("a", 10000), NULL},
        {LONG, repeat("a", 10001), "max"},
        {LONG, repeat("💧", 10000), NULL}, /* characters, not bytes */
        {LONG, repeat("💧", 10001), "max"},
        {TEXT, repeat("漏", 200), NULL},
        {TEXT, repeat("漏", 201), "max"},
        {CODE, S("💧💧💧"), NULL},
        {CODE, S("💧💧"), "min"},
        {TEXT, S("\xe2\x80\x8f\xd7\xa2\xd7\x91\xd7\xa8"), NULL}, /* right to left */
        {TEXT, S("<script>alert(1)</script>"), NULL},
        {TEXT, S("'; DROP TABLE ticket; --"), NULL},
        {TEXT, S("=cmd|' /C calc'!A0"), NULL},
        {TEXT, S("%s%n%d"), NULL},
        {TEXT, S("\xef\xbf\xbf"), NULL},
        {PHONE,
         S("138\0"
           "00"),
         "format"},
        {PHONE, repeat("1", 10000), "max"},
        {DATE, S("2026-01-01\0"), "format"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct val v;
        fault_clear(&c);
        const struct field *f = &fields[cases[i].field];
        enum err e = field_of_text(&c, f, cases[i].in, NULL, &v);
        if (e != (cases[i].code ? E_INVALID : E_OK))
            fail_msg("case %zu: %s", i, err_name(e));
        if (cases[i].code && !told(f->name, cases[i].code))
            fail_msg("case %zu: %s", i, c.fault.fields[0].code);
        if (!cases[i].code)
            assert_true(str_eq(val_str(v), cases[i].in)); /* every byte is kept */
    }
}

/* What is spoken out can be read in again and is the same. */
static void test_round_trip(void **state)
{
    (void)state;
    const struct {
        int field;
        struct val v;
    } cases[] = {{NUMBER, v_int(-1)},
                 {MONEY, v_int(5)},
                 {QTY, v_int(1)},
                 {BOOL, v_int(1)},
                 {COLOUR, v_int(2)},
                 {TEXT, v_lit("\"\\/<>&\xe2\x80\xa8 💧")},
                 {LONG, v_lit("一\n二\t三\r\n")},
                 {DATE, v_lit("2026-03-02")},
                 {INSTANT, v_int(1772413200123)},
                 {OPAQUE, v_lit("{\"a\":\"é\"}")}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int f = cases[i].field;
        struct row row;
        struct str body = arena_fmt(c.mem, "{\"%s\":" PRS "}", fields[f].name,
                                    PRA(out_json(f, cases[i].v)));
        assert_int_equal(read_text(body, READ_PATCH, &row), E_OK);
        if (f == LONG) /* the blank end is trimmed */
            assert_true(str_eqz(val_str(row.v[f]), "一\n二\t三"));
        else if (!val_eq(row.v[f], cases[i].v))
            fail_msg("changed: " PRS, PRA(body));
    }
    assert_true(str_eqz(out_json(COLOUR, v_int(77)), "null")); /* a code from a newer program */
    assert_true(str_eqz(out_text(COLOUR, v_int(77)), ""));
}

/* --- masks --- */

static void test_masks(void **state)
{
    (void)state;
    static const struct {
        int field;
        const char *in, *out;
    } cases[] = {{PHONE, "13812341234", "138****1234"},
                 {PHONE, "+8613812341234", "+86****1234"},
                 {PHONE, "1234567", "**"},
                 {PHONE, "55551234", "**"},
                 {PHONE, "110", "**"},
                 {TEXT, "张三", "张**"},
                 {TEXT, "欧阳娜娜", "欧**"},
                 {TEXT, "💧x", "💧**"},
                 {TEXT, "", "**"},
                 {TEXT, "沪A12345", "沪**"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf b;
        buf_init(&b, c.mem, 100);
        buf_masked(&b, &fields[cases[i].field], str_of(cases[i].in));
        if (!str_eqz(buf_str(&b), cases[i].out))
            fail_msg("%s gives " PRS, cases[i].in, PRA(buf_str(&b)));
    }
}

/* --- meta --- */

static void test_meta(void **state)
{
    (void)state;
    for (int i = 0; i < N; i++) {
        struct buf b;
        const struct json *j;
        struct field f = fields[i];
        f.label = (struct text){"标签 \"x\"", "Label"};
        buf_init(&b, c.mem, 10000);
        field_to_meta(&b, &f);
        fault_clear(&c);
        assert_int_equal(json_parse(&c, buf_str(&b), &j), E_OK);
        assert_true(str_eqz(json_str(json_get(j, "name")), f.name));
        assert_true(str_eqz(json_str(json_get(j, "type")), field_type_name(f.type)));
        assert_int_equal(json_count(json_get(j, "label")), 2);
        if (f.choices)
            assert_int_equal(json_count(json_get(j, "choices")), 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),    cmocka_unit_test(test_text),
        cmocka_unit_test(test_bodies),  cmocka_unit_test(test_all_errors),
        cmocka_unit_test(test_naughty), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_masks),   cmocka_unit_test(test_meta)};
    return cmocka_run_group_tests(tests, start, end);
}
