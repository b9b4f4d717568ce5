/* event.h - the one append-only log. Every change says what happened, to what, by whom, with the
 * field diff; timelines, notifications, live updates, audit and later the evidence chain all read
 * this. Ids commit out of order on PostgreSQL, so nothing ever remembers a "last id seen":
 * listeners get a job each, inserted in the same transaction. */
#pragma once
#include "core/app.h"

struct event {
    const char *topic; /* "ticket.dispatched" */
    const struct resource *res;
    int64_t id, community_id; /* the row it is about */
    struct str data;          /* JSON object text */
    int64_t at_ms;            /* 0: c->now_ms */
    struct str code;          /* the row's human number, for live notices; may be empty */
    /* Who hears of it live, besides those who may read all: the row's own people now and before,
     * and holders of a permission that shows them this row (the pool of free orders). */
    int64_t for_staff, for_person, was_staff, for_asked, was_asked;
    const char *for_perm;
    /* Who did it where c->who is not known yet: a login. 0: c->who. */
    int64_t by_user;
};
MUST_USE enum err tx_emit(struct ctx *c, struct tx *tx, const struct event *e);
/* ,-separated timeline items of one row, oldest first, at most 500. Not internal: for the row's own
 * people, who read of each step only what the machine's table marks TOLD and what they wrote. */
MUST_USE enum err event_timeline(struct ctx *c, struct tx *tx, const struct resource *r, int64_t id,
                                 int64_t community_id, bool internal, struct buf *out);
/* From now on nobody is given the words in this row's events (timeline, log): it is about somebody
 * who was erased. Who, when and which step stay. */
MUST_USE enum err event_hush(struct ctx *c, struct tx *tx, const struct resource *r, int64_t id);
/* The remarks (res.h) of events there are without one: a log from before remarks, or one that came
 * in bulk. */
MUST_USE enum err remarks_fill(struct ctx *c, struct tx *tx);
/* Enqueues job name at run_at_ms (0: now). once_key (may be empty): a second one with the same key
 * is dropped. */
MUST_USE enum err tx_job(struct ctx *c, struct tx *tx, const char *name, struct str data,
                         int64_t run_at_ms, struct str once_key);

/* New id: 41 bits of ms since 2025, 4 node, 8 counter; monotonic in this process; safe in JSON. */
int64_t id_new(void);
void id_node(int node);
/* Ids begin above every one that is stored. At the start, after the migration. */
MUST_USE enum err ids_raise(struct ctx *c, struct app *app);
/* The next human number of a series ("WX-2026") in a community, from a block this process owns;
 * gaps are possible. Outside transactions. */
MUST_USE enum err number_take(struct ctx *c, struct db *db, int64_t community_id, struct str series,
                              int64_t *ret);

struct live *live_new(struct app *app);
void live_open(struct ctx *c,
               struct req *q); /* turns the reply into an event stream for the caller */
void live_close_all(struct live *l);

/* Job threads and the schedule. */
struct jobs *jobs_start(struct app *app);
void jobs_nudge(void *unused); /* there is something to do now; fits tx_after_commit */
void jobs_stop(struct jobs *j);
/* Runs everything due now, once, on this thread; for tests and the CLI. Returns how many ran. */
int jobs_run_due(struct app *app, int64_t now_ms);
/* Jobs due now, since when the oldest waits (now when none does), and how many were given up. */
struct backlog {
    int64_t due, oldest_ms, dead;
};
MUST_USE enum err jobs_backlog(struct ctx *c, struct tx *tx, void *ret_backlog);
