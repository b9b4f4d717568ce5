/* job.c - work that happens later: jobs in the database, run inside one transaction together with
 * their done mark, so a crash between the two is impossible. Schedules enqueue one job per time
 * slot under a unique key, so two nodes never run a slot twice. A failed job waits 1 m, 5 m, 30 m,
 * 2 h, 12 h, then is dead and shows in /metrics and `anju check`. */
#include <string.h>

#include "base/log.h"
#include "core/core.h"
#include "core/event.h"
#include "core/live.h"
#include "core/seal.h"

enum { JOB_READY, JOB_DONE, JOB_DEAD };
enum {
    SEAL_MS = 1000,
    POLL_MS = 5000,
    BEAT_MS = 20000,
    KEEP_DONE_MS = 2 * 86400 * 1000,
    ATTEMPTS = 6
};

static const struct query Q_DUE = {"job.due",
                                   "SELECT id, name, data, attempts FROM job WHERE state = 0 AND "
                                   "run_at <= $1 ORDER BY run_at, id LIMIT 1"
                                   " /*pg:FOR UPDATE SKIP LOCKED*/"};
static const struct query Q_ANY_DUE = {
    "job.any_due",
    "SELECT id, name, data, attempts FROM job WHERE state = 0 AND run_at <= $1 ORDER BY run_at, id "
    "LIMIT 1"};
static const struct query Q_DONE = {
    "job.done", "UPDATE job SET state = 1, run_at = $2 WHERE id = $1 AND state = 0"};
static const struct query Q_FAILED = {
    "job.failed",
    "UPDATE job SET attempts = attempts + 1, run_at = $2, state = $3, error = $4 WHERE id = $1"};
static const struct query Q_SWEEP = {"job.sweep",
                                     "DELETE FROM job WHERE state = 1 AND run_at < $1"};
static const struct query Q_WAITING = {
    "job.waiting", "SELECT count(*), min(run_at) FROM job WHERE state = 0 AND run_at <= $1"};
static const struct query Q_DEAD = {"job.dead", "SELECT count(*) FROM job WHERE state = 2"};
static const struct query Q_SLOT = {"job.slot", "SELECT id FROM job WHERE once_key = $1"};
const struct query *const job_queries[] = {&Q_DUE,  &Q_ANY_DUE, &Q_DONE, &Q_FAILED, &Q_SWEEP,
                                           &Q_SLOT, &Q_WAITING, &Q_DEAD, NULL};

struct jobs {
    struct app *app;
    struct thread *thread;
    mutex lock;
    cond wake;
    bool stop, nudged;
};

/* The one of this process: a commit that enqueued a job nudges it. Set before its thread starts and
 * cleared after all other writers have ended. */
static struct jobs *_Atomic running;

static const struct job *job_find(struct app *app, struct str name)
{
    for (const struct module *const *m = app->modules; *m; m++)
        for (const struct job *j = (*m)->jobs; j && j->name; j++)
            if (str_eqz(name, j->name))
                return j;
    return NULL;
}

struct run {
    struct app *app;
    bool found;
    int64_t id;
    int attempts;
    struct str name, data, error;
};

static enum err run_one(struct ctx *c, struct tx *tx, void *arg)
{
    struct run *r = arg;
    struct val v[4];
    enum err e = q_one(c, tx, &Q_DUE, IN(v_int(c->now_ms)), v, 4);
    r->found = e == E_OK;
    if (e == E_MISSING)
        return E_OK;
    TRY(e);
    r->id = val_int(v[0]);
    r->name = val_str(v[1]);
    r->attempts = (int)val_int(v[3]);
    const struct job *job = job_find(r->app, r->name);
    if (!job) /* left by a newer program: it fails, waits, and shows when it is dead */
        return FAIL(c, E_INTERNAL, "没有任务 " PRS, "no module knows the job " PRS, PRA(r->name));
    if (job->step) { /* the one looked at is in another node's hands; this one is for run_step */
        r->found = false;
        return E_OK;
    }
    TRY(job->run(c, tx, r->app, val_str(v[2])));
    return q_do(c, tx, &Q_DONE, IN(v[0], v_int(c->now_ms)), NULL);
}

static enum err mark_failed(struct ctx *c, struct tx *tx, void *arg)
{
    static const int wait_min[ATTEMPTS] = {1, 5, 30, 120, 720, 0};
    struct run *r = arg;
    bool dead = r->attempts + 1 >= ATTEMPTS;
    int64_t next = c->now_ms + (int64_t)wait_min[dead ? 0 : r->attempts] * 60000;
    return q_do(c, tx, &Q_FAILED,
                IN(v_int(r->id), v_int(next), v_int(dead ? JOB_DEAD : JOB_READY), v_text(r->error)),
                NULL);
}

static struct ctx job_ctx(struct arena *mem, int64_t now_ms)
{
    return (struct ctx){.mem = mem, .now_ms = now_ms, .lang = LANG_EN, .trace_id = "job"};
}

static enum err any_due(struct ctx *c, struct tx *tx, void *arg)
{
    struct run *r = arg;
    struct val v[4];
    TRY(q_one(c, tx, &Q_ANY_DUE, IN(v_int(c->now_ms)), v, 4));
    r->id = val_int(v[0]);
    r->name = val_str(v[1]);
    r->data = val_str(v[2]);
    r->attempts = (int)val_int(v[3]);
    return E_OK;
}

static enum err mark_done(struct ctx *c, struct tx *tx, void *arg)
{
    struct run *r = arg;
    return q_do(c, tx, &Q_DONE, IN(v_int(r->id), v_int(c->now_ms)), NULL);
}

static enum err run_step(struct ctx *c, struct run *r, const struct job *job)
{
    bool more = false;
    r->found = true;
    TRY(job->step(c, r->app, r->data, &more));
    return more ? E_OK : db_write(r->app->db, c, mark_done, r);
}

/* One due job in its own transaction, or a step of a long one; false when none is due or the
 * database is away. */
static bool run_next(struct app *app, int64_t now_ms)
{
    struct arena *mem = arena_new(ARENA_REPORT_BYTES);
    struct ctx c = job_ctx(mem, now_ms);
    struct run r = {.app = app};
    if (db_read(app->db, &c, any_due, &r) != E_OK) { /* none, or the database is away */
        arena_free(mem);
        return false;
    }
    const struct job *job = job_find(app, r.name);
    enum err e = job && job->step ? run_step(&c, &r, job) : db_write(app->db, &c, run_one, &r);
    bool ran = e == E_OK && r.found;
    if (e != E_OK && r.found && e != E_BUSY) {
        r.error = str_dup(mem, c.fault.message);
        log_line(LOG_ERROR, "job", "name=" PRS " err=%s detail=\"" PRS "\"", PRA(r.name),
                 err_name(e), PRA(r.error));
        c.fault = (struct fault){0};
        ran = db_write(app->db, &c, mark_failed, &r) == E_OK;
    }
    arena_free(mem);
    return ran;
}

/* --- schedule --- */

struct slot {
    const struct job *job;
    struct str key;
    int64_t at_ms;
};

static enum err slot_there(struct ctx *c, struct tx *tx, void *arg)
{
    struct slot *s = arg;
    struct val id;
    return q_one(c, tx, &Q_SLOT, IN(v_text(s->key)), &id, 1);
}

static enum err slot_add(struct ctx *c, struct tx *tx, void *arg)
{
    struct slot *s = arg;
    return tx_job(c, tx, s->job->name, S("{}"), s->at_ms, s->key);
}

static void enqueue_slot(struct app *app, const struct job *j, int64_t now_ms)
{
    struct arena *mem = arena_new(ARENA_REQUEST_BYTES);
    struct ctx c = job_ctx(mem, now_ms);
    int64_t every = (int64_t)j->every_s * 1000, at = now_ms / every * every;
    struct slot s = {j, arena_fmt(mem, "%s@%lld", j->name, (long long)at), at};
    if (db_read(app->db, &c, slot_there, &s) == E_MISSING) {
        c.fault = (struct fault){0};
        if (db_write(app->db, &c, slot_add, &s) != E_OK)
            log_line(LOG_WARN, "job",
                     "name=%s msg=\"schedule not written, tried again in a moment\"", j->name);
    }
    arena_free(mem);
}

static void schedule(struct app *app, int64_t now_ms)
{
    for (const struct module *const *m = app->modules; *m; m++)
        for (const struct job *j = (*m)->jobs; j && j->name; j++)
            if (j->every_s)
                enqueue_slot(app, j, now_ms);
}

int jobs_run_due(struct app *app, int64_t now_ms)
{
    int n = 0;
    schedule(app, now_ms);
    while (run_next(app, now_ms))
        n++;
    return n;
}

/* As many as fit between two seals; true: there may be more. */
static bool run_some(struct app *app, int64_t now_ms)
{
    int64_t end_ms = clock_mono_ms() + SEAL_MS;
    schedule(app, now_ms);
    while (run_next(app, now_ms))
        if (clock_mono_ms() >= end_ms)
            return true;
    return false;
}

static void jobs_loop(void *arg)
{
    struct jobs *j = arg;
    int64_t beat_ms = clock_mono_ms(), polled_ms = 0, sealed_ms = 0;
    bool again = false;
    for (;;) {
        int64_t mono_ms = clock_mono_ms();
        mutex_lock(&j->lock);
        bool due = again || j->nudged || !polled_ms || mono_ms - polled_ms >= POLL_MS;
        j->nudged = false;
        mutex_unlock(&j->lock);
        if (due) {
            polled_ms = mono_ms;
            again = run_some(j->app, clock_now_ms());
        }
        if (mono_ms - sealed_ms >= SEAL_MS) {
            sealed_ms = mono_ms;
            (void)seal_run(j->app, clock_now_ms());
        }
        if (mono_ms - beat_ms >= BEAT_MS) {
            live_beat(j->app->live);
            beat_ms = mono_ms;
        }
        mutex_lock(&j->lock);
        if (!j->stop && !j->nudged && !again)
            cond_wait_ms(&j->wake, &j->lock, SEAL_MS);
        bool stop = j->stop;
        mutex_unlock(&j->lock);
        if (stop)
            return;
    }
}

struct jobs *jobs_start(struct app *app)
{
    struct jobs *j = heap_get(sizeof *j);
    j->app = app;
    mutex_init(&j->lock);
    cond_init(&j->wake);
    running = j;
    j->thread = thread_start("jobs", jobs_loop, j);
    ASSERT(j->thread);
    return j;
}

void jobs_nudge(void *unused)
{
    (void)unused;
    struct jobs *j = running;
    if (!j)
        return;
    mutex_lock(&j->lock);
    j->nudged = true;
    cond_signal(&j->wake);
    mutex_unlock(&j->lock);
}

void jobs_stop(struct jobs *j)
{
    if (!j)
        return;
    running = NULL;
    mutex_lock(&j->lock);
    j->stop = true;
    cond_signal(&j->wake);
    mutex_unlock(&j->lock);
    thread_join(j->thread);
    cond_free(&j->wake);
    mutex_free(&j->lock);
    heap_free(j);
}

/* The core's own job: forgets done jobs and old idempotency keys and sessions; see core_tables.c.
 */
enum err job_sweep_done(struct ctx *c, struct tx *tx)
{
    return q_do(c, tx, &Q_SWEEP, IN(v_int(c->now_ms - KEEP_DONE_MS)), NULL);
}

enum err jobs_backlog(struct ctx *c, struct tx *tx, void *ret_backlog)
{
    struct backlog *l = ret_backlog;
    struct val v[2], dead;
    TRY(q_one(c, tx, &Q_WAITING, IN(v_int(c->now_ms)), v, 2));
    TRY(q_one(c, tx, &Q_DEAD, IN0, &dead, 1));
    *l = (struct backlog){val_int(v[0]), v[1].t == V_NULL ? c->now_ms : val_int(v[1]),
                          val_int(dead)};
    return E_OK;
}
