/* key.c - the key file: does it fit the database, and a new key for everything it closes. */
#include <stdio.h>
#include <string.h>

#include "core/key.h"
#include "main/verb.h"

static int run(struct ctx *c, struct app *app, const struct args *a)
{
    int64_t values = 0;
    bool rotate = a->nwords == 1 && strcmp(a->words[0], "rotate") == 0;
    if (!rotate && (a->nwords != 1 || strcmp(a->words[0], "check") != 0)) {
        fputs("anju key: say `anju key check` or `anju key rotate`\n", stderr);
        return 2;
    }
    if (!keys_ready()) {
        fputs("anju key: there is no key file for this database here (setting --key-file)\n",
              stderr);
        return 1;
    }
    if (!rotate) {
        puts("the key file fits the database");
        return 0;
    }
    enum err e = keys_rotate(c, app, &values);
    if (e != E_OK)
        return verb_failed(c, e);
    printf(
        "%lld values closed with a new key; the old one is gone. Keep a copy of the key file in a "
        "safe place now: older backups need the older copy.\n",
        (long long)values);
    return 0;
}
const struct verb verb_key = {
    "key", "check|rotate", "look at the key file, or give everything encrypted a new key",
    NULL,  NEEDS_DB,       run};
