/* checks.h - the consistency checks of all rooms, run one after another. */
#pragma once
#include "core/app.h"

struct checks_told {
    int checks, faults;
};
/* Prints each fault to standard output. */
MUST_USE enum err checks_run(struct ctx *c, struct app *app, struct checks_told *ret);
