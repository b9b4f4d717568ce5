/* import.c - files into the database, all rows or none: our own CSV of any resource, or somebody
 * else's log of requests through a mapping. Every row that fails is named with its reason and the
 * exit status says so. */
#include <stdio.h>

#include "core/sheet.h"
#include "main/verbs/place.h"
#include "rooms/service/service.h"

enum { CSV_BYTES_MAX = 128 << 20, MAP_BYTES_MAX = 1 << 20 };

static void print_row_errors(const struct json *errors)
{
    for (size_t i = 0; i < json_count(errors); i++) {
        const struct json *one = json_at(errors, i), *fields = json_get(one, "fields");
        for (size_t k = 0; k < json_count(fields); k++) {
            const struct json *f = json_at(fields, k);
            struct str name = json_str(json_get(f, "field"));
            printf("row %lld: " PRS "%s" PRS "\n", (long long)json_int(json_get(one, "row")),
                   PRA(name), name.n ? ": " : "", PRA(json_str(json_get(f, "message"))));
        }
    }
}

static int report(int64_t rows, int64_t failed, bool dry, int64_t batch)
{
    if (failed)
        printf("%lld rows read, faults in %lld lines: nothing was loaded\n", (long long)rows,
               (long long)failed);
    else
        printf("%lld rows %s\n", (long long)rows,
               dry ? "could be loaded (dry run: nothing was)" : "loaded");
    if (batch)
        printf("to take it back: anju import --undo %lld\n", (long long)batch);
    return failed ? 1 : 0;
}

static enum err import_own(struct ctx *c, struct app *app, const struct args *a, struct str csv,
                           bool dry, int *ret_status)
{
    const struct resource *r = app_resource(str_of(a->words[0]));
    int64_t community = 0, failed;
    struct str reply;
    const struct json *j;
    if (!r || !r->create)
        return FAIL(c, E_MISSING, "没有可导入的资源 %s", "there is no resource %s to import into",
                    a->words[0]);
    if (!r->system)
        TRY(place_find(c, app, a, &community));
    TRY(sheet_import(c, app, r, community, csv, dry, &reply, &failed));
    TRY(json_parse(c, reply, &j));
    print_row_errors(json_get(j, "errors"));
    const struct json *ignored = json_get(j, "ignored");
    for (size_t i = 0; i < json_count(ignored); i++)
        printf("column " PRS " is set by the system and was not read\n",
               PRA(json_str(json_at(ignored, i))));
    *ret_status = report(json_int(json_get(j, "rows")), failed, dry,
                         json_int(json_get(j, "batch_id")));
    return E_OK;
}

static enum err import_foreign(struct ctx *c, struct app *app, const struct args *a, struct str csv,
                               bool dry, int *ret_status)
{
    struct import_report rep;
    struct str map;
    int64_t community;
    TRY(place_find(c, app, a, &community));
    TRY(file_text(c, args_flag(a, "--map"), MAP_BYTES_MAX, &map));
    TRY(ticket_import(c, app, community, csv, map, dry, &rep));
    const struct json *errors;
    struct buf b;
    buf_init(&b, c->mem, 16 << 20);
    row_errors_json(&rep.errors, &b);
    TRY(json_parse(c, buf_str(&b), &errors));
    print_row_errors(errors);
    *ret_status = report(rep.rows, rep.errors.failed, dry, 0);
    return E_OK;
}

static int undo(struct ctx *c, struct app *app, struct str id_text)
{
    int64_t id, kept;
    if (!str_int(id_text, &id) || id <= 0) {
        fputs("anju import: --undo takes the number an import was given\n", stderr);
        return 2;
    }
    enum err e = batch_take_back(c, app, id, &kept);
    if (e != E_OK)
        return verb_failed(c, e);
    if (kept)
        printf("taken back; %lld rows stay: changed or used since\n", (long long)kept);
    else
        printf("taken back\n");
    return kept ? 1 : 0;
}

static int run(struct ctx *c, struct app *app, const struct args *a)
{
    if (args_flag(a, "--undo"))
        return undo(c, app, str_of(args_flag(a, "--undo")));
    bool dry = args_flag(a, "--dry-run") != NULL, foreign = args_flag(a, "--map") != NULL;
    struct str csv;
    int status = 0;
    if (a->nwords != 2 || (foreign && !str_eqz(str_of(a->words[0]), "tickets"))) {
        fputs("anju import: say `anju import RESOURCE FILE.csv` or `anju import tickets FILE.csv "
              "--map FILE.json`\n",
              stderr);
        return 2;
    }
    enum err e = file_text(c, a->words[1], CSV_BYTES_MAX, &csv);
    if (e == E_OK)
        e = foreign ? import_foreign(c, app, a, csv, dry, &status)
                    : import_own(c, app, a, csv, dry, &status);
    return e == E_OK ? status : verb_failed(c, e);
}

static const struct flag_spec flags[] = {
    {"--community", "ID|NAME", "needed when there are several"},
    {"--map", "FILE.json", "for tickets: how somebody else's columns become ours"},
    {"--dry-run", NULL, "check every row and load nothing"},
    {"--undo", "NUMBER", "take an import back: archive what it made, unless changed or used since"},
    {0}};
const struct verb verb_import = {
    "import",
    "RESOURCE FILE.csv [--community ID|NAME] [--map FILE.json] [--dry-run]",
    "load a CSV file, all rows or none",
    flags,
    NEEDS_KEY,
    run};
