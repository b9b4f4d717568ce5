/* search.c - fills the word index of a database with very many tickets, as a node does after they
 * came in bulk: search DATABASE prints as JSON how many rows it indexes a second. The questions are
 * asked of the server itself (run.mjs). */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "core/search.h"
#include "main/modules.h"
#include "rooms/estate/estate.h"

static _Noreturn void die(const struct ctx *c, const char *what)
{
    fprintf(stderr, "search: %s: " PRS "\n", what, PRA(c->fault.message));
    exit(1);
}

static enum err fill(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct query stale = {"bench.stale",
                                       "SELECT count(*) FROM search_doc WHERE stale = 1"};
    struct val n;
    TRY(res_words_fill(c, tx));
    TRY(q_one(c, tx, &stale, IN0, &n, 1));
    *(int64_t *)arg = val_int(n);
    return E_OK;
}

int main(int argc, char **argv)
{
    struct ctx c = {.mem = arena_new(ARENA_REPORT_BYTES),
                    .now_ms = clock_now_ms(),
                    .lang = LANG_EN,
                    .trace_id = "bench"};
    struct app app = {.modules = all_modules, .communities_of = &Q_COMMUNITIES_OF};
    int64_t rows;
    if (argc != 2) {
        fputs("usage: search DATABASE\n", stderr);
        return 2;
    }
    log_level_set(LOG_ERROR);
    if (db_open(&c, argv[1], &(struct db_options){.readers = 2}, &app.db) != E_OK)
        die(&c, argv[1]);
    app_boot(&app);
    if (db_write(app.db, &c, fill, &rows) != E_OK)
        die(&c, "fill");
    int64_t from_us = clock_mono_us();
    if (search_settle(&c, &app) != E_OK)
        die(&c, "index");
    double s = (double)(clock_mono_us() - from_us) / 1e6;
    printf("{\"rows\":%lld,\"rows_s\":%.0f}\n", (long long)rows, (double)rows / s);
    db_close(app.db);
    return 0;
}
