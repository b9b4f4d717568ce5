/* import_fuzz.c - CSV files as people, spaces and staff (checked, not kept), and the CSV reader by
 * itself: it must come to an end and never hand out more cells than it says. */
#include "core/csv.h"
#include "door.h"

static const char *const targets[] = {"people", "spaces", "staff", "occupancies", "categories"};

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (!n)
        return 0;
    struct arena *mem = door_mem();
    arena_reset(mem);
    struct str text = {(const char *)p + 1, n - 1};
    struct ctx c = {.mem = mem, .lang = LANG_EN};
    struct csv *csv = arena_get(mem, sizeof *csv);
    csv_open(csv, mem, text, csv_delimiter(text));
    bool more = true;
    for (int64_t rows = 0; more && csv_next(&c, csv, &more) == E_OK; rows++)
        if (csv->n < 0 || csv->n > CSV_COLUMNS_MAX || rows > (int64_t)n + 1)
            door_found("a record of no size, or more records than bytes", text);
    struct str target = arena_fmt(mem, "/api/v1/%s/import?community_id=$a&dry_run=1",
                                  targets[p[0] % COUNT_OF(targets)]);
    (void)door_call("manager", "POST", target, S("Content-Type: text/csv\n"), text, NULL);
    return 0;
}
