/* num.h - money, quantities and rates as scaled integers, and the one rounding function. Money is
 * fen (1/100 yuan); quantities are ×1e-3, rates ×1e-4 or ×1e-6, areas 0.01 m². Products pass
 * through __int128; overflow is reported, never wrapped. */
#pragma once
#include "base/str.h"

enum round {
    ROUND_HALF_UP /* away from zero at .5: the trade's 四舍五入 */,
    ROUND_HALF_EVEN,
    ROUND_DOWN /* toward zero */,
    ROUND_UP /* away from zero */
};

/* ret = a × b ÷ div, rounded once. div ≠ 0. False when the result does not fit in int64. */
MUST_USE bool num_muldiv(int64_t a, int64_t b, int64_t div, enum round how, int64_t *ret);
MUST_USE bool num_add(int64_t a, int64_t b, int64_t *ret);
/* "12.34" with scale 2 -> 1234. At most scale decimals, optional leading '-', no exponent, no
 * spaces. */
MUST_USE bool num_parse(struct str s, int scale, int64_t *ret);
/* 1234 with scale 2 -> "12.34". */
void buf_num(struct buf *b, int64_t v, int scale);
/* Splits total over n weights so that the parts sum to total exactly (largest remainder; ties to
 * the earlier one). total ≥ 0, weights ≥ 0; all-zero weights give an equal split. Source:
 * domain-rules 1.4. False on overflow. */
MUST_USE bool num_split(int64_t total, const int64_t *weights, int64_t *ret_parts, size_t n);
