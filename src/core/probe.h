/* probe.h - `anju doctor`: each channel the house depends on is tried from end to end, and the
 * answer says what was tried. A probe is a line in its room's table (struct module, probes), so a
 * new channel - SMS, mail, a gate - joins by being listed. The rule of the whole: a result begins
 * as UNTRIED, and only what was really done makes it anything else. */
#pragma once
#include "core/app.h"

enum probe_state { PROBE_UNTRIED, PROBE_OK, PROBE_WARN, PROBE_BROKEN };
struct probe_result {
    enum probe_state state;
    struct str tried; /* what was done and seen */
    struct str next;  /* what to do; empty when nothing is to be done */
};
struct probe_env {
    struct app *app; /* its db is NULL when the database did not open: why_no_db */
    struct str why_no_db;
    const char *listen; /* where the running service should answer */
    bool tls;
    const char *backups; /* folder, or NULL */
    const char *db_url;
};
struct probe {
    const char *name;
    struct text what;
    bool needs_db; /* not run, and so UNTRIED, while the database does not open */
    void (*run)(struct ctx *c, const struct probe_env *env, struct probe_result *ret);
};
/* tried and next are printf-like in that order: probe_say(c, ret, PROBE_OK, "", "wrote %d", n). */
void probe_say(struct ctx *c, struct probe_result *ret, enum probe_state state, struct str next,
               const char *tried, ...) FMT(5, 6);
/* UNTRIED, with the reason. */
void probe_skip(struct ctx *c, struct probe_result *ret, const char *why, ...) FMT(3, 4);
extern const struct probe core_probes[];

/* --- a one-time login and a question to the running service --- */
/* A token of an administrator that may read metrics and nothing else, for one minute; E_MISSING:
 * no administrator has finished his first login. */
MUST_USE enum err probe_token(struct ctx *c, struct app *app, struct str *ret_clear);
void probe_token_drop(struct ctx *c, struct app *app, struct str clear);
/* Enqueues the job core.probe; the service that runs it tells its event streams `event: probe` with
 * word. Returns the job's id. */
MUST_USE enum err probe_job(struct ctx *c, struct app *app, struct str word, int64_t *ret_id);
/* Whether that job is done. */
MUST_USE enum err probe_job_done(struct ctx *c, struct app *app, int64_t id, bool *ret);
/* The job itself. */
enum err job_probe(struct ctx *c, struct tx *tx, struct app *app, struct str data);
