/* num.c - scaled integers. Every product goes through 128 bits and is rounded exactly once; nothing
 * here uses floating point or allocates. Must not wrap around: what does not fit is reported. */
#include "base/num.h"
#include "base/err.h"

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 uwide;

static const int64_t pow10s[] = {
    INT64_C(1),
    INT64_C(10),
    INT64_C(100),
    INT64_C(1000),
    INT64_C(10000),
    INT64_C(100000),
    INT64_C(1000000),
    INT64_C(10000000),
    INT64_C(100000000),
    INT64_C(1000000000),
    INT64_C(10000000000),
    INT64_C(100000000000),
    INT64_C(1000000000000),
};

static bool rounds_away(uwide rest, uwide div, bool odd, enum round how)
{
    if (rest == 0)
        return false;
    switch (how) {
    case ROUND_DOWN: return false;
    case ROUND_UP: return true;
    case ROUND_HALF_UP: return rest * 2 >= div;
    case ROUND_HALF_EVEN: return rest * 2 > div || (rest * 2 == div && odd);
    }
    assert_failed("a known rounding", __FILE__, __LINE__);
}

bool num_muldiv(int64_t a, int64_t b, int64_t div, enum round how, int64_t *ret)
{
    ASSERT(div != 0);
    wide product = (wide)a * b;
    bool negative = (product < 0) != (div < 0);
    uwide size = product < 0 ? 0 - (uwide)product : (uwide)product;
    uwide by = div < 0 ? 0 - (uwide)div : (uwide)div;
    uwide q = size / by;
    if (rounds_away(size % by, by, q & 1, how))
        q++;
    if (q > (uwide)INT64_MAX + (negative ? 1 : 0))
        return false;
    *ret = (int64_t)(negative ? -(wide)q : (wide)q);
    return true;
}

bool num_add(int64_t a, int64_t b, int64_t *ret)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *ret = sum;
    return true;
}

bool num_parse(struct str s, int scale, int64_t *ret)
{
    ASSERT(scale >= 0 && scale < (int)COUNT_OF(pow10s));
    bool negative = s.n > 0 && s.p[0] == '-';
    if (negative)
        s = str_sub(s, 1, s.n);
    ptrdiff_t dot = str_find(s, S("."));
    size_t decimals = dot < 0 ? 0 : s.n - (size_t)dot - 1;
    if (dot == 0 || (dot > 0 && decimals == 0) || s.n == 0 || decimals > (size_t)scale)
        return false;
    /* Built up below zero, where the range is one wider. */
    int64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if ((ptrdiff_t)i == dot)
            continue;
        unsigned digit = (unsigned)s.p[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_sub_overflow(v, (int64_t)digit, &v))
            return false;
    }
    if (__builtin_mul_overflow(v, pow10s[(size_t)scale - decimals], &v))
        return false;
    if (!negative && v == INT64_MIN)
        return false;
    *ret = negative ? v : -v;
    return true;
}

void buf_num(struct buf *b, int64_t v, int scale)
{
    ASSERT(scale >= 0 && scale < (int)COUNT_OF(pow10s));
    uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    char text[32], *p = text + sizeof text;
    for (int i = 0; size > 0 || i <= scale; i++) {
        if (i == scale && scale > 0)
            *--p = '.';
        *--p = (char)('0' + size % 10);
        size /= 10;
    }
    if (v < 0)
        *--p = '-';
    buf_put(b, (struct str){p, (size_t)(text + sizeof text - p)});
}

/* The k-th largest of n values in [0, top): by halving the range, so that no scratch memory is
 * needed. */
static int64_t kth_largest(const int64_t *v, size_t n, size_t k, int64_t top)
{
    int64_t lo = 0, hi = top;
    while (hi - lo > 1) {
        int64_t mid = lo + (hi - lo) / 2;
        size_t at_least = 0;
        for (size_t i = 0; i < n; i++)
            at_least += v[i] >= mid;
        if (at_least >= k)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

bool num_split(int64_t total, const int64_t *weights, int64_t *ret_parts, size_t n)
{
    ASSERT(total >= 0 && n > 0);
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        ASSERT(weights[i] >= 0);
        if (!num_add(sum, weights[i], &sum))
            return false;
    }
    bool equal = sum == 0;
    if (equal)
        sum = (int64_t)n;
    /* First the remainders stand in ret_parts, then the parts. */
    int64_t left = total;
    for (size_t i = 0; i < n; i++) {
        wide share = (wide)total * (equal ? 1 : weights[i]);
        left -= (int64_t)(share / sum);
        ret_parts[i] = (int64_t)(share % sum);
    }
    ASSERT(left >= 0 && left < (int64_t)n);
    int64_t edge = left ? kth_largest(ret_parts, n, (size_t)left, sum) : sum;
    int64_t above = 0;
    for (size_t i = 0; i < n; i++)
        above += ret_parts[i] > edge;
    int64_t ties = left - above;
    for (size_t i = 0; i < n; i++) {
        wide share = (wide)total * (equal ? 1 : weights[i]);
        bool extra = ret_parts[i] > edge || (ret_parts[i] == edge && ties > 0);
        ties -= extra && ret_parts[i] == edge;
        ret_parts[i] = (int64_t)(share / sum) + extra;
    }
    return true;
}
