/* grams.h - the one tokenizer behind the search index (docs/why/0092). Chinese has no spaces and
 * its words are mostly two characters long, so a run of Chinese, Japanese or Korean is indexed as
 * its overlapping pairs; everything else as words. Pure: the same text gives the same words on both
 * engines. */
#pragma once
#include "db/db.h"

enum { GRAMS_ASKED_MAX = 24 };

/* Letters of ASCII as small ones, as texts are compared. */
struct str grams_lower(struct arena *a, struct str s);
/* The distinct words of texts, sorted, one space apart. 漏水 gives its pairs and its characters: 水
 * 漏 漏水. B-07 gives 07 7 b: a number is found without its leading zeros. A word of letters or
 * digits also gives its first characters, _a _ab _abc, so that its beginning is a word as well:
 * many thousand numbers begin alike. Where a word touches Chinese, both count together: 5栋 栋2. */
struct str grams_of(struct arena *a, const struct str *texts, size_t n);

/* What a row must hold to hold the text q: every pair, a lone character, every word; the last word
 * as a beginning. At most GRAMS_ASKED_MAX; 0: q has no letters. Rows found so may still lack q (its
 * pairs in another order): the caller looks at the text itself. */
size_t grams_ask(struct arena *a, struct str q, struct word ret[GRAMS_ASKED_MAX]);
