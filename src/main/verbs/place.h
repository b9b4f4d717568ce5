/* place.h - which community the command line means: its id or its exact name. */
#pragma once
#include "main/verb.h"

/* The community that --community names; the only one when it is left out. */
MUST_USE enum err place_find(struct ctx *c, struct app *app, const struct args *a, int64_t *ret);
