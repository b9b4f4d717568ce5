/* idnum.c - see idnum.h. Source of weights and alphabet: domain-rules 8.3. */
#include "rooms/people/idnum.h"

#include <string.h>

#include "base/cal.h"

enum { LEN = 18 };

static bool province_known(int code)
{
    static const signed char codes[] = {11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34,
                                        35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52,
                                        53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83, 91};
    for (size_t i = 0; i < COUNT_OF(codes); i++)
        if (codes[i] == code)
            return true;
    return false;
}

static int digits(const char *p, size_t n)
{
    int v = 0;
    for (size_t i = 0; i < n; i++)
        v = v * 10 + (p[i] - '0');
    return v;
}

bool idcard_valid(struct str s)
{
    static const int weights[LEN - 1] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    if (s.n != LEN)
        return false;
    for (int i = 0; i < LEN - 1; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        sum += weights[i] * (s.p[i] - '0');
    }
    char last = s.p[LEN - 1] == 'x' ? 'X' : s.p[LEN - 1];
    struct date born = {digits(s.p + 6, 4), digits(s.p + 10, 2), digits(s.p + 12, 2)};
    return last == "10X98765432"[sum % 11] && province_known(digits(s.p, 2)) && born.y >= 1850 &&
           date_valid(born);
}

bool credit_code_valid(struct str s)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    int sum = 0, weight = 1, value[LEN];
    if (s.n != LEN)
        return false;
    for (int i = 0; i < LEN; i++) {
        const char *at = s.p[i] ? strchr(alphabet, s.p[i]) : NULL;
        if (!at)
            return false;
        value[i] = (int)(at - alphabet);
    }
    for (int i = 0; i < LEN - 1; i++, weight = weight * 3 % 31)
        sum += weight * value[i];
    return value[LEN - 1] == (31 - sum % 31) % 31;
}
