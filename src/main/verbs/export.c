/* export.c - a whole list as a file on standard output, as the API's export route would write it
 * for somebody who may see all. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/sheet.h"
#include "main/verbs/place.h"

static enum err write_sheet(struct ctx *c, struct app *app, const struct args *a, bool xlsx,
                            struct str *ret)
{
    const struct resource *r = app_resource(str_of(a->words[0]));
    int64_t community = 0;
    if (!r)
        return FAIL(c, E_MISSING, "没有资源 %s", "there is no resource %s", a->words[0]);
    if (!r->system)
        TRY(place_find(c, app, a, &community));
    return sheet_export(c, app, r, community, xlsx, args_flag(a, "--unmasked") != NULL, ret);
}

static int run(struct ctx *c, struct app *app, const struct args *a)
{
    const char *format = args_flag(a, "--format");
    bool xlsx = format && strcmp(format, "xlsx") == 0;
    struct str file;
    if (a->nwords != 1 || (format && !xlsx && strcmp(format, "csv") != 0)) {
        fputs("anju export: say `anju export RESOURCE [--format csv|xlsx] [--community ID|NAME]`\n",
              stderr);
        return 2;
    }
    if (xlsx && isatty(1)) {
        fputs("anju export: an XLSX file is not for a terminal; write `> FILE.xlsx`\n", stderr);
        return 2;
    }
    enum err e = write_sheet(c, app, a, xlsx, &file);
    if (e != E_OK)
        return verb_failed(c, e);
    if (fwrite(file.p, 1, file.n, stdout) != file.n || fflush(stdout) != 0) {
        fputs("anju export: the file could not be written completely\n", stderr);
        return 1;
    }
    return 0;
}

static const struct flag_spec flags[] = {
    {"--format", "csv|xlsx", "kind of file [csv]"},
    {"--community", "ID|NAME", "needed when there are several"},
    {"--unmasked", NULL, "personal data in full; goes on record like every export"},
    {0}};
const struct verb verb_export = {"export",
                                 "RESOURCE [--format csv|xlsx] [--community ID|NAME] [--unmasked]",
                                 "write all rows of a resource to standard output",
                                 flags,
                                 NEEDS_DB,
                                 run};
