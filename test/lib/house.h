/* house.h - a small company on a fresh database, for tests of rooms and of the resource engine: two
 * communities, staff, residents and a login of every built-in role in each, whose rights are read
 * through the real login path. The clock stands still at HOUSE_NOW, so every run sees the same.
 * SQLite lives in a temporary folder; PostgreSQL in a schema of this process's own at ANJU_TEST_PG.
 * Nothing here knows a rule that a test is about. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "main/modules.h"
#include "rooms/service/ticket.h"

#define HOUSE_NOW INT64_C(1772413200000) /* Monday 2026-03-02 09:00 in Shanghai */
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   INT64_C(3600000)
#define DAY_MS    INT64_C(86400000)

/* Who acts. Those without a letter belong to community a, except the first two. */
enum as {
    AS_SYSTEM,
    AS_ADMIN,
    AS_MANAGER,
    AS_DESK,
    AS_DISPATCHER,
    AS_WORKER,
    AS_WORKER2,
    AS_CASHIER,
    AS_RESIDENT,
    AS_RESIDENT2,
    AS_MANAGER_B,
    AS_DESK_B,
    AS_DISPATCHER_B,
    AS_WORKER_B,
    AS_CASHIER_B,
    AS_RESIDENT_B,
    AS__N
};
struct house {
    struct app app;
    struct ctx c; /* the one most tests use: house_as says who it is */
    int64_t company, branch, a, b;
    int64_t building, entrance, unit, unit2, corridor, unit_b; /* unit: where AS_RESIDENT lives */
    int64_t staff[AS__N], person[AS__N];                       /* 0: none */
    int64_t other; /* a ticket to merge into, when the test made one */
    const struct who *who[AS__N];
    struct arena *mem; /* as long as the house */
    char dir[64], url[1024], schema[32], key[96];
};
extern bool house_pg; /* the engine of the group in hand */

struct house *house_open(void);
/* The house without people and places: a database as `anju init` finds it. */
struct house *house_bare(void);
void house_close(struct house *h);
/* The context of this caller at this instant, without a fault; what it held stays. */
struct ctx *house_as(struct house *h, enum as as);
/* A context of one's own, for a thread or a loop; arena_free(c.mem) ends it. */
struct ctx house_ctx(const struct house *h, enum as as);
const char *house_name(enum as as);

/* All of these run as h->c says and in one transaction each. */
enum err house_insert(struct house *h, const struct resource *r, struct row *row);
enum err house_load(struct house *h, const struct resource *r, int64_t id, struct row *ret);
/* Changes the fields that neu->set names, as a PATCH does; neu becomes the new row. */
enum err house_change(struct house *h, const struct resource *r, int64_t id, struct row *neu);
/* The row as the caller sees it, then the action, as the API does; input is JSON text. */
enum err house_act(struct house *h, int64_t ticket, const char *action, const char *input);
/* The same, rolled back whatever comes out. */
enum err house_try(struct house *h, int64_t ticket, const char *action, const char *input);
/* A statement of a test's own; and one that gives an integer. */
void house_sql(struct house *h, const char *sql);
int64_t house_number(struct house *h, const char *sql);
/* PostgreSQL plans as if every table held a million rows: of a test's few it would read all,
 * whatever indexes there are. SQLite plans the same for few and many. */
void house_pretend_large(struct house *h);
/* Fails the test when any consistency check of `anju check` finds something. */
void house_checks(struct house *h);
/* Fails the test with the fault's words unless e is E_OK. */
void house_ok(struct house *h, enum err e);
/* Was a field error of this code recorded for this field? */
bool house_told(const struct ctx *c, const char *field, const char *code);

/* A ticket of AS_RESIDENT about his unit, registered by AS_DESK; and one brought to state by the
 * real transitions, with AS_WORKER as its worker. Both leave c.who as AS_SYSTEM. */
int64_t house_ticket(struct house *h, int64_t kind);
int64_t house_ticket_in(struct house *h, int64_t kind, int64_t state);
/* The input with which the action is complete, "{}" when it needs none. */
const char *house_input(const struct house *h, const char *action);

/* "2026-03-02 09:00" in Shanghai; and making it now. */
int64_t house_local(const char *when);
void house_at(struct house *h, const char *when);
struct row house_row(struct house *h, const struct resource *r, int64_t id);
/* The action must succeed; with its usual input, or this one. */
void house_do(struct house *h, enum as as, int64_t ticket, const char *action);
void house_do_with(struct house *h, enum as as, int64_t ticket, const char *action,
                   const char *input);
void house_minute(struct house *h); /* runs the jobs that are due; none may fail */

/* Runs the group on SQLite, then on PostgreSQL. */
#define HOUSE_RUN(tests) house_run(tests, COUNT_OF(tests))
int house_run(const struct CMUnitTest *tests, size_t n);
