/* demo.h - a believable community made from a seed. */
#pragma once
#include "main/verb.h"

struct demo_size {
    int households, years;
    uint64_t seed;
};
/* Fills the database; E_STATE when it is not empty. Progress goes to standard error when it is a
 * terminal. */
MUST_USE enum err demo_fill(struct ctx *c, struct app *app, const struct demo_size *size);
/* serve --demo: 300 households and the demo accounts, only when the database is empty. */
MUST_USE enum err demo_if_empty(struct ctx *c, struct app *app);
