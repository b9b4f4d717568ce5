/* strength.h - how hard a password is to guess. The only door to zxcvbn. */
#pragma once
#include "base/str.h"

/* Bits of guessing: the base-2 logarithm of how many tries an attacker needs who knows breached
 * passwords, words, names, keyboard rows, dates, repetitions and what letters are swapped for what
 * signs (D. Wheeler, zxcvbn, USENIX Security 2016), and own: the words that belong to this user.
 * Its score 3 of 4, "safely unguessable: moderate protection from offline slow-hash", begins at 27;
 * 30 takes a row of keys said twice with it. */
enum { STRENGTH_LEAST_BITS = 30 };
double strength_bits(struct arena *a, struct str password, const struct str *own, int nown);
