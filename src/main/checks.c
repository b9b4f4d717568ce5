/* checks.c - see checks.h. */
#include "main/checks.h"

#include <stdio.h>

#include "core/key.h"
#include "core/seal.h"

struct checking {
    struct app *app;
    const struct check *now;
    struct checks_told *told;
};

static void tell_fault(void *arg, int64_t id, struct str text)
{
    struct checking *k = arg;
    printf("%s: id %lld " PRS "\n", k->now->name, (long long)id, PRA(text));
    k->told->faults++;
}

static enum err run_query(struct ctx *c, struct tx *tx, void *arg)
{
    struct checking *k = arg;
    struct rows rows;
    TRY(q_rows(c, tx, &k->now->query, IN0, 50, &rows));
    for (size_t i = 0; i < rows.n; i++)
        tell_fault(k, val_int(rows.v[2 * i]), val_str(rows.v[2 * i + 1]));
    return E_OK;
}

enum err checks_run(struct ctx *c, struct app *app, struct checks_told *ret)
{
    struct checking k = {.app = app, .told = ret};
    *ret = (struct checks_told){0};
    for (const struct module *const *m = app->modules; *m; m++)
        for (k.now = (*m)->checks; k.now && k.now->name; k.now++, ret->checks++)
            TRY(k.now->run ? k.now->run(c, app, tell_fault, &k)
                           : db_read(app->db, c, run_query, &k));
    return E_OK;
}
