/* demo.c - the verb around main/demo.h. */
#include <stdio.h>

#include "main/demo.h"

enum { HOME_YEARS_MAX = 60000 }; /* all of it is made in memory first */

static int run(struct ctx *c, struct app *app, const struct args *a)
{
    int64_t households = args_int(a, "--households", 300), years = args_int(a, "--years", 1),
            seed = args_int(a, "--seed", 1);
    if (households < 10 || households > 20000 || years < 1 || years > 10 ||
        households * years > HOME_YEARS_MAX) {
        fputs("anju demo: 10 to 20000 households, 1 to 10 years, their product at most 60000\n",
              stderr);
        return 2;
    }
    struct demo_size size = {(int)households, (int)years, (uint64_t)seed};
    enum err e = demo_fill(c, app, &size);
    if (e != E_OK)
        return verb_failed(c, e);
    puts("demo community ready; accounts: admin security auditor manager desk dispatcher worker1 "
         "worker2 cashier "
         "resident1 resident2 manager-b\n"
         "password of all of them: anju-demo");
    return 0;
}

static const struct flag_spec flags[] = {
    {"--households", "N", "homes in the first community [300]"},
    {"--years", "Y", "years of history [1]"},
    {"--seed", "S", "the same seed gives the same community [1]"},
    {0}};
const struct verb verb_demo = {"demo",
                               "[--households N] [--years Y] [--seed S]",
                               "fill an empty database with a demo community",
                               flags,
                               NEEDS_KEY,
                               run};
