/* num_test.c - money arithmetic: rounding, overflow, text, and splits against published
 * apportionments. */
#include "base/json.h"
#include "base/num.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h> /* needs all of the above */

static struct ctx c;

static int start(void **state)
{
    (void)state;
    c = (struct ctx){.mem = arena_new(ARENA_REQUEST_BYTES), .lang = LANG_EN};
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(c.mem);
    return 0;
}

static const struct json *facts(const char *path)
{
    static char text[64 << 10];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    const struct json *j = NULL;
    assert_int_equal(json_parse(&c, (struct str){text, n}, &j), E_OK);
    return j;
}

static void rounding(void **state)
{
    (void)state;
    static const struct {
        int64_t a, b, div, half_up, half_even, down, up;
    } rows[] = {
        {5, 1, 2, 3, 2, 2, 3},
        {7, 1, 2, 4, 4, 3, 4},
        {-5, 1, 2, -3, -2, -2, -3},
        {5, 1, -2, -3, -2, -2, -3},
        {-5, -1, 2, 3, 2, 2, 3},
        {1, 1, 3, 0, 0, 0, 1},
        {-1, 1, 3, 0, 0, 0, -1},
        {2, 1, 3, 1, 1, 0, 1},
        {6, 1, 3, 2, 2, 2, 2},
        {0, 5, 3, 0, 0, 0, 0},
        {8976, 28080, 100000, 2520, 2520, 2520, 2521}, /* 89.76 m² at 2.808 yuan */
        {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX},
        {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN},
        {INT64_MIN, 1, 1, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const int64_t want[] = {rows[i].half_up, rows[i].half_even, rows[i].down, rows[i].up};
        for (int how = ROUND_HALF_UP; how <= ROUND_UP; how++) {
            int64_t v;
            assert_true(num_muldiv(rows[i].a, rows[i].b, rows[i].div, (enum round)how, &v));
            assert_true(v == want[how]);
        }
    }
    int64_t kept = 7;
    assert_false(num_muldiv(INT64_MAX, 2, 1, ROUND_DOWN, &kept));
    assert_false(num_muldiv(INT64_MIN, 1, -1, ROUND_DOWN, &kept));
    assert_false(num_muldiv(INT64_MAX, 3, 2, ROUND_UP, &kept));
    assert_false(num_add(INT64_MAX, 1, &kept));
    assert_false(num_add(INT64_MIN, -1, &kept));
    assert_int_equal(kept, 7);
    assert_true(num_add(INT64_MAX, -1, &kept) && kept == INT64_MAX - 1);
}

static void texts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int scale;
        bool good;
        int64_t v;
        const char *back;
    } rows[] = {
        {"12.34", 2, true, 1234, "12.34"},
        {"12.3", 2, true, 1230, "12.30"},
        {"12", 2, true, 1200, "12.00"},
        {"-0.05", 2, true, -5, "-0.05"},
        {"0", 0, true, 0, "0"},
        {"-7", 0, true, -7, "-7"},
        {"0.000001", 6, true, 1, "0.000001"},
        {"92233720368547758.07", 2, true, INT64_MAX, "92233720368547758.07"},
        {"-92233720368547758.08", 2, true, INT64_MIN, "-92233720368547758.08"},
        {"92233720368547758.08", 2, false, 0, NULL},
        {"92233720368547759", 2, false, 0, NULL},
        {"12.345", 2, false, 0, NULL},
        {"12.", 2, false, 0, NULL},
        {".5", 2, false, 0, NULL},
        {"-.5", 2, false, 0, NULL},
        {"1.2.3", 4, false, 0, NULL},
        {"1.5", 0, false, 0, NULL},
        {"", 2, false, 0, NULL},
        {"-", 2, false, 0, NULL},
        {"--1", 2, false, 0, NULL},
        {"+1", 2, false, 0, NULL},
        {"1e2", 2, false, 0, NULL},
        {"1,000", 2, false, 0, NULL},
        {" 1", 2, false, 0, NULL},
        {"１２", 2, false, 0, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t v = 42;
        assert_int_equal(num_parse(str_of(rows[i].text), rows[i].scale, &v), rows[i].good);
        assert_true(v == (rows[i].good ? rows[i].v : 42));
        if (rows[i].good) {
            struct buf b;
            buf_init(&b, c.mem, 100);
            buf_num(&b, v, rows[i].scale);
            assert_true(str_eqz(buf_str(&b), rows[i].back));
        }
    }
}

static void published_splits(void **state)
{
    (void)state;
    const struct json *cases = json_get(facts("test/data/billing/largest_remainder.json"), "cases");
    assert_true(json_count(cases) >= 4);
    for (size_t i = 0; i < json_count(cases); i++) {
        const struct json *one = json_at(cases, i), *weights = json_get(one, "weights");
        int64_t w[64], parts[64];
        size_t n = json_count(weights);
        for (size_t k = 0; k < n; k++)
            w[k] = json_int(json_at(weights, k));
        assert_true(num_split(json_int(json_get(one, "total")), w, parts, n));
        for (size_t k = 0; k < n; k++)
            assert_int_equal(parts[k], json_int(json_at(json_get(one, "expect"), k)));
    }
}

static void splits_sum_up(void **state)
{
    (void)state;
    static int64_t w[3000], parts[3000];
    for (int64_t total = 0; total < 2000000; total = total * 3 + 101) {
        int64_t sum = 0, weights = 0;
        for (size_t i = 0; i < COUNT_OF(w); i++)
            weights += w[i] = (int64_t)(i * 7919 % 211);
        assert_true(num_split(total, w, parts, COUNT_OF(w)));
        for (size_t i = 0; i < COUNT_OF(w); i++) {
            int64_t low, high;
            assert_true(num_muldiv(total, w[i], weights, ROUND_DOWN, &low));
            assert_true(num_muldiv(total, w[i], weights, ROUND_UP, &high));
            assert_true(parts[i] >= low && parts[i] <= high);
            sum += parts[i];
        }
        assert_true(sum == total);
    }
    static const int64_t zero[3], huge[2] = {INT64_MAX, 1}, one[2] = {INT64_MAX, 0};
    assert_true(num_split(100, zero, parts, 3));
    assert_true(parts[0] == 34 && parts[1] == 33 && parts[2] == 33);
    assert_true(num_split(INT64_MAX, one, parts, 2) && parts[0] == INT64_MAX && parts[1] == 0);
    parts[0] = 42;
    assert_false(num_split(5, huge, parts, 2));
    assert_int_equal(parts[0], 42);
}

static void prorated_fractions(void **state)
{
    (void)state;
    const struct json *rows = json_get(facts("test/data/billing/proration.json"), "facts");
    assert_true(json_count(rows) > 30);
    for (size_t i = 0; i < json_count(rows); i++) {
        struct str fraction = json_str(json_get(json_at(rows, i), "expected"));
        int64_t part, whole, v;
        assert_true(str_int(str_next(&fraction, '/'), &part));
        assert_true(str_int(fraction, &whole));
        double decimal = json_real(json_get(json_at(rows, i), "decimal"));
        assert_true(num_muldiv(1000000000, part, whole, ROUND_HALF_UP, &v));
        assert_true(v == (int64_t)(decimal * 1e9 + 0.5));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding),           cmocka_unit_test(texts),
        cmocka_unit_test(published_splits),   cmocka_unit_test(splits_sum_up),
        cmocka_unit_test(prorated_fractions),
    };
    return cmocka_run_group_tests(tests, start, end);
}
