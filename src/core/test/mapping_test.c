/* mapping_test.c - a city's own log through our mapping: every row arrives, times are right in the
 * city's zone, the late flag computed from our columns is the city's, no byte is lost; broken files
 * and mappings give reasons. */
#include "core/mapping.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h> /* needs all of the above */

static const struct choice kinds[] = {{1, "repair", {"报修", "Repair"}, NULL}, {0}};
static const struct choice channels[] = {{1, "phone", {"电话", "Phone"}, NULL},
                                         {2, "app", {"应用", "App"}, NULL},
                                         {3, "web", {"网页", "Web"}, NULL},
                                         {4, "other", {"其他", "Other"}, NULL},
                                         {0}};
static const struct choice states[] = {
    {1, "accepted", {"已接单", "Accepted"}, NULL}, {2, "closed", {"已关闭", "Closed"}, NULL}, {0}};
enum { ID, TITLE, DETAIL, KIND, CHANNEL, STATE, CREATED, DUE, CLOSED, RESULT, ADDRESS, N };
static const struct field fields[N] = {
    [ID] = {"external_id", F_TEXT, REQUIRED, .min = 1, .max = 40},
    [TITLE] = {"title", F_TEXT, REQUIRED, .min = 1, .max = 100},
    [DETAIL] = {"detail", F_LONGTEXT, .flags = 0},
    [KIND] = {"kind", F_ENUM, REQUIRED, .choices = kinds},
    [CHANNEL] = {"channel", F_ENUM, .choices = channels},
    [STATE] = {"state", F_ENUM, .choices = states},
    [CREATED] = {"created_at", F_INSTANT, .flags = REQUIRED},
    [DUE] = {"resolve_due", F_INSTANT, .flags = 0},
    [CLOSED] = {"closed_at", F_INSTANT, .flags = 0},
    [RESULT] = {"result", F_LONGTEXT, .flags = 0},
    [ADDRESS] = {"address", F_TEXT, .max = 300},
};
static struct ctx c;
static struct row_errors errors;

static int start(void **state)
{
    (void)state;
    c = (struct ctx){.mem = arena_new(ARENA_REPORT_BYTES), .lang = LANG_EN};
    row_errors_init(&errors, c.mem);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(c.mem);
    return 0;
}

static struct str file_text(const char *path)
{
    static char text[256 << 10];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    return str_dup(c.mem, (struct str){text, n});
}

static struct mapping *loaded(struct str json)
{
    struct mapping *m = NULL;
    if (mapping_load(&c, fields, N, json, &m) != E_OK)
        fail_msg("mapping: " PRS, PRA(c.fault.message));
    return m;
}

struct seen {
    int rows, judged, late, closed, phone;
    struct str accents; /* texts of the rows with accents */
    struct row first;
};

static struct str rest_of(struct str rest, const char *column)
{
    const struct json *j = NULL;
    assert_int_equal(json_parse(&c, rest, &j), E_OK);
    const struct json *v = json_get(j, column);
    return v ? json_str(v) : (struct str){0};
}

static enum err see(struct ctx *x, int64_t row_no, struct row *row, struct str rest, void *arg)
{
    struct seen *s = arg;
    assert_ptr_equal(x, &c);
    assert_int_equal(row_no, s->rows + 2);
    if (!s->rows++)
        s->first = *row;
    s->closed += row_int(row, STATE) == 2;
    s->phone += row_int(row, CHANNEL) == 1;
    if (row_has(row, DUE) && row_has(row, CLOSED)) {
        bool late = row_int(row, CLOSED) > row_int(row, DUE);
        assert_int_equal(late, str_eqz(rest_of(rest, "ontime"), "OVERDUE"));
        s->judged++;
        s->late += late;
    }
    /* what the row changed or did not take is in rest as it was */
    assert_true(rest_of(rest, "open_dt").n == 19 && rest_of(rest, "source").n > 0);
    assert_null(rest_of(rest, "case_enquiry_id").p);
    if (str_find(row_str(row, RESULT), S("Dëad")) >= 0 ||
        str_find(row_str(row, ADDRESS), S("Sàratoga")) >= 0)
        s->accents = arena_fmt(c.mem, PRS PRS "|", PRA(s->accents), PRA(row_str(row, ID)));
    if (row_has(row, RESULT) &&
        rest_of(rest, "closure_reason").p) /* trimmed: the original is kept */
        assert_true(str_eq(str_trim(rest_of(rest, "closure_reason")), row_str(row, RESULT)));
    return E_OK;
}

static struct seen read_city(const char *path)
{
    struct seen s = {0};
    const struct mapping *m = loaded(file_text("src/rooms/service/boston311.map.json"));
    assert_int_equal(mapping_rows(&c, m, file_text(path), see, &s, &errors), E_OK);
    return s;
}

static void test_city(void **state)
{
    (void)state;
    struct seen s = read_city("test/data/boston311/boston311-100.csv");
    assert_int_equal(errors.failed, 0);
    assert_int_equal(s.rows, 100);
    assert_int_equal(s.judged, 77);
    assert_true(s.late > 0 && s.late < 77);
    assert_true(s.closed > 77 && s.closed < 100 && s.phone > 0);
    int64_t ms;
    assert_true(instant_parse(S("2022-01-21T13:47:00-05:00"), &ms)); /* winter in Boston */
    assert_int_equal(row_int(&s.first, CREATED), ms);
    assert_true(instant_parse(S("2022-02-04T13:47:30-05:00"), &ms));
    assert_int_equal(row_int(&s.first, DUE), ms);
    assert_false(row_has(&s.first, CLOSED));
    assert_false(row_has(&s.first, RESULT)); /* one space in the source */
}

static void test_accents(void **state)
{
    (void)state;
    struct seen s = read_city("test/data/boston311/boston311-100-with-nonascii.csv");
    assert_int_equal(errors.failed, 0);
    assert_int_equal(s.rows, 100);
    assert_true(str_eqz(s.accents, "101004114021|101004115281|"));
}

static enum err count(struct ctx *x, int64_t row_no, struct row *row, struct str rest, void *arg)
{
    (void)row;
    (void)rest;
    ++*(int *)arg;
    return row_no == 5 ? FAIL_FIELD(x, "title", "room", "不行", "the room says no") : E_OK;
}

static struct str errors_text(void)
{
    struct buf b;
    buf_init(&b, c.mem, 1 << 20);
    row_errors_json(&errors, &b);
    buf_putc(&b, 0);
    return buf_str(&b);
}

static void test_broken_tsv(void **state)
{
    (void)state;
    int n = 0;
    const struct mapping *m = loaded(file_text("src/rooms/service/boston311.map.json"));
    assert_int_equal(mapping_rows(&c, m, file_text("test/data/boston311/boston311-100-bad.tsv"),
                                  count, &n, &errors),
                     E_OK);
    assert_int_equal(n, 99);
    assert_string_equal(errors_text().p,
                        "[{\"row\":5,\"fields\":[{\"field\":\"title\",\"code\":\"room\","
                        "\"message\":\"the room says no\"}]},"
                        "{\"row\":41,\"fields\":[{\"field\":\"\",\"code\":\"columns\",\"message\":"
                        "\"the row has 30 columns, the header 29\"}]}]");
}

#define HEAD "{\"time_format\":\"%Y-%m-%d\",\"zone\":\"UTC\",\"columns\":{"
#define GOOD                                                                                       \
    "\"external_id\":{\"from\":\"i\"},\"title\":{\"from\":\"t\"},\"kind\":{\"value\":\"repair\"}," \
    "\"created_at\":{\"from\":\"d\"}"

static const struct {
    struct str csv;
    const char *errors; /* the whole list */
} rows[] = {
    {S_INIT("i,t,d,s\n1,x,2026-01-02,a\n"), "[]"},
    {S_INIT("i,t,d,s\n,x,2026-01-02,a\n"), "[{\"row\":2,\"fields\":[{\"field\":\"external_id\","
                                           "\"code\":\"required\",\"message\":\"required\"}]}]"},
    {S_INIT("i,t,d,s\n1,x,02.01.2026,z\n"),
     "[{\"row\":2,\"fields\":[{\"field\":\"created_at\",\"code\":\"format\",\"message\":\"time "
     "\\\"02.01.2026\\\" does not fit %Y-%m-%d\"},"
     "{\"field\":\"channel\",\"code\":\"choice\",\"message\":\"the mapping has no value "
     "\\\"z\\\"\"}]}]"},
    {S_INIT("i,t,d,s\n1,\xff,2026-01-02,a\n"),
     "[{\"row\":2,\"fields\":[{\"field\":\"t\",\"code\":\"format\",\"message\":\"not valid UTF-8 "
     "text\"}]}]"},
    {S_INIT("i,t,d,s\n1,a\0b,2026-01-02,a\n"),
     "[{\"row\":2,\"fields\":[{\"field\":\"t\",\"code\":\"format\",\"message\":\"not valid UTF-8 "
     "text\"}]}]"},
    {S_INIT("i,t,d,s\n1,x,2026-01-02,a\n\n2,\"y,2026-01-02,a\n"),
     "[{\"row\":4,\"fields\":[{\"field\":\"\",\"code\":\"malformed\",\"message\":\"row 4, column "
     "2: the opening quote is never closed\"}]}]"},
};

static void test_rows(void **state)
{
    (void)state;
    const struct mapping *m =
        loaded(S(HEAD GOOD ",\"channel\":{\"from\":\"s\",\"values\":{\"a\":\"app\"}}}}"));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int n = 0;
        row_errors_init(&errors, c.mem);
        assert_int_equal(mapping_rows(&c, m, rows[i].csv, count, &n, &errors), E_OK);
        assert_string_equal(errors_text().p, rows[i].errors);
    }
    struct buf b; /* one character over the limit is a reason, never a cut */
    buf_init(&b, c.mem, 1000);
    buf_put(&b, S("i,t,d,s\n1,"));
    for (int i = 0; i < 101; i++)
        buf_put(&b, S("长"));
    buf_put(&b, S(",2026-01-02,a\n"));
    int n = 0;
    row_errors_init(&errors, c.mem);
    assert_int_equal(mapping_rows(&c, m, buf_str(&b), count, &n, &errors), E_OK);
    assert_int_equal(n, 0);
    assert_string_equal(errors.v[0].fields[0].code, "max");
}

static const struct {
    struct str json;
    const char *why;
} bad[] = {
    {S_INIT("{"), NULL},
    {S_INIT("[]"), "the mapping must be a JSON object"},
    {S_INIT("{}"), "mapping: columns: must be an object"},
    {S_INIT("{\"columns\":{}}"), "mapping: columns: must be an object"},
    {S_INIT("{\"colums\":{}}"), "mapping: colums: unknown setting"},
    {S_INIT("{\"delimiter\":\"|\"}"), "mapping: delimiter: must be , or ; or a tab"},
    {S_INIT("{\"zone\":\"Mars/Base\"}"), "mapping: zone: there is no such time zone"},
    {S_INIT("{\"time_format\":\"%Y\",\"columns\":{}}"), "mapping: zone: time_format needs a zone"},
    {S_INIT("{\"columns\":{\"nope\":{\"from\":\"x\"}}}"), "mapping: there is no target field nope"},
    {S_INIT("{\"columns\":{\"title\":\"x\"}}"),
     "mapping: title: needs exactly one of from, value and join"},
    {S_INIT("{\"columns\":{\"title\":{\"from\":\"x\",\"value\":\"y\"}}}"),
     "mapping: title: needs exactly one of from, value and join"},
    {S_INIT("{\"columns\":{\"title\":{\"from\":7}}}"),
     "mapping: title: needs exactly one of from, value and join"},
    {S_INIT("{\"columns\":{\"title\":{\"join\":[]}}}"),
     "mapping: title: join takes 1 to 8 columns"},
    {S_INIT("{\"columns\":{\"title\":{\"from\":\"x\",\"trim\":true}}}"),
     "mapping: title: unknown setting trim"},
    {S_INIT("{\"columns\":{\"title\":{\"from\":\"x\",\"default\":\"y\"}}}"),
     "mapping: title: values go with from, default with values, sep with join"},
    {S_INIT("{\"columns\":{\"kind\":{\"value\":\"dance\"}}}"),
     "mapping: kind: value \"dance\": must be one of: repair"},
};

static void test_bad_mappings(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct mapping *m = NULL;
        assert_int_not_equal(mapping_load(&c, fields, N, bad[i].json, &m), E_OK);
        assert_null(m);
        assert_true(c.fault.message.n > 0);
        if (bad[i].why && !str_eqz(c.fault.message, bad[i].why))
            fail_msg("mapping %zu: " PRS, i, PRA(c.fault.message));
        fault_clear(&c);
    }
}

static void test_refused_files(void **state)
{
    (void)state;
    static const struct {
        const char *csv, *why;
    } files[] = {
        {"", "the file is empty"},
        {"i,t\n1,x\n", "the file has no column \"d\" (for created_at)"},
        {"i,t,d,t\n", "two columns are called \"t\""},
        {"i,\"t,d\n", "row 1, column 2: the opening quote is never closed"},
    };
    const struct mapping *m = loaded(S(HEAD GOOD "}}"));
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        int n = 0;
        assert_int_not_equal(mapping_rows(&c, m, str_of(files[i].csv), count, &n, &errors), E_OK);
        assert_true(str_eqz(c.fault.message, files[i].why));
        assert_int_equal(n + (int)errors.failed, 0);
        fault_clear(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_city, start, end),
        cmocka_unit_test_setup_teardown(test_accents, start, end),
        cmocka_unit_test_setup_teardown(test_broken_tsv, start, end),
        cmocka_unit_test_setup_teardown(test_rows, start, end),
        cmocka_unit_test_setup_teardown(test_bad_mappings, start, end),
        cmocka_unit_test_setup_teardown(test_refused_files, start, end),
    };
    return cmocka_run_group_tests_name("mapping", tests, NULL, NULL);
}
