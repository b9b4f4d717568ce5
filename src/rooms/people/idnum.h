/* idnum.h - inside people: numbers with check digits. Pure; a wrong digit is found at the counter
 * and not a year later. */
#pragma once
#include "base/str.h"

/* 18 characters, GB 11643-1999: check digit by ISO 7064 MOD 11-2, a real date of birth, a province.
 * x is taken for X. */
bool idcard_valid(struct str s);
/* 18 characters, GB 32100-2015: mod 31 over its own alphabet. */
bool credit_code_valid(struct str s);
