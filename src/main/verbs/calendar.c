/* calendar.c - the year's notice of holidays and make-up days from a file, without a network: anju
 * calendar import 2027.json. Files are those of NateScarlet/holiday-cn. */
#include <stdio.h>
#include <string.h>

#include "main/verb.h"
#include "rooms/calendar/calendar.h"

enum { FILE_BYTES_MAX = 1 << 20 };

static enum err store(struct ctx *c, struct tx *tx, void *arg)
{
    struct calendar_notice *n = arg;
    return calendar_notice_store(c, tx, n);
}

static enum err import_file(struct ctx *c, struct app *app, const char *path, bool dry)
{
    const struct json *j;
    struct str text;
    struct calendar_notice n;
    TRY(file_text(c, path, FILE_BYTES_MAX, &text));
    TRY(json_parse(c, text, &j));
    TRY(calendar_notice_read(c, j, &n));
    if (!dry)
        TRY(db_write(app->db, c, store, &n));
    printf("%lld: %d days off, %d make-up working days%s\n", (long long)n.year, n.off, n.work,
           dry         ? " (dry run: nothing was changed)"
           : n.changed ? " imported"
                       : ", as known before");
    return E_OK;
}

static int run(struct ctx *c, struct app *app, const struct args *a)
{
    if (a->nwords < 2 || strcmp(a->words[0], "import") != 0) {
        fputs("anju calendar: say `anju calendar import FILE.json…`\n", stderr);
        return 2;
    }
    for (int i = 1; i < a->nwords; i++) {
        enum err e = import_file(c, app, a->words[i], args_flag(a, "--dry-run") != NULL);
        if (e != E_OK) {
            fprintf(stderr, "%s: ", a->words[i]);
            return verb_failed(c, e);
        }
    }
    return 0;
}

static const struct flag_spec flags[] = {{"--dry-run", NULL, "read the files and change nothing"},
                                         {0}};
const struct verb verb_calendar = {"calendar",
                                   "import FILE.json… [--dry-run]",
                                   "take in a year's notice of holidays and make-up working days",
                                   flags,
                                   NEEDS_KEY,
                                   run};
