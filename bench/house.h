/* house.h - how the bench programs that run the product's own jobs open a database: DATABASE is
 * their one argument. */
#pragma once
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "main/modules.h"
#include "rooms/estate/estate.h"

static inline _Noreturn void die(const struct ctx *c, const char *what)
{
    fprintf(stderr, "bench: %s: " PRS "\n", what, PRA(c->fault.message));
    exit(1);
}

static inline void house_enter(int argc, char **argv, struct ctx *c, struct app *app)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s DATABASE\n", argv[0]);
        exit(2);
    }
    *c = (struct ctx){.mem = arena_new(ARENA_REPORT_BYTES),
                      .now_ms = clock_now_ms(),
                      .lang = LANG_EN,
                      .trace_id = "bench"};
    *app = (struct app){.modules = all_modules, .communities_of = &Q_COMMUNITIES_OF};
    log_level_set(LOG_ERROR);
    if (db_open(c, argv[1], &(struct db_options){.readers = 2}, &app->db) != E_OK)
        die(c, argv[1]);
    app_boot(app);
}
