/* probe.c - the core's own probes: database, uploads, jobs, clock, zones, accounts. They look at
 * the store as a second program beside the running service; what must be asked of that one by
 * network is in main/probes.c. Nothing a probe writes stays, but the done mark of its job for two
 * days and the event that a token was made. */
#include "core/probe.h"
#include "core/event.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "core/core.h"
#include "core/live.h"

enum { FILES_SAMPLE = 200, JOB_LATE_S = 60, CLOCK_APART_MS = 2000 };

static const struct query Q_MARK_IN = {
    "probe.write", "INSERT INTO idempotency (id, request, at) VALUES ($1, $2, $3)"};
static const struct query Q_MARK_OUT = {"probe.read",
                                        "SELECT request FROM idempotency WHERE id = $1"};
static const struct query Q_FILES = {
    "probe.files", "SELECT id, sha256, bytes FROM stored_file ORDER BY id DESC LIMIT 200"};
static const struct query Q_DEMO = {
    "probe.demo", "SELECT count(*) FROM app_user WHERE community_id = 0 AND demo = 1 AND "
                  "archived = 0 AND enabled = 1"};
static const struct query Q_FIRST = {"probe.first",
                                     "SELECT count(*) FROM app_user WHERE community_id = 0 AND "
                                     "must_change_password = 1 AND archived = 0 AND enabled = 1"};
static const struct query Q_ADMINS = {
    "probe.admins",
    "SELECT u.login, r.perms FROM app_user u JOIN role_grant g ON g.user_id = u.id JOIN role r ON "
    "r.id = g.role_id WHERE u.community_id = 0 AND u.archived = 0 AND u.enabled = 1 AND "
    "u.must_change_password = 0 AND g.archived = 0 AND g.scope = 1 AND r.archived = 0 ORDER BY "
    "u.id LIMIT 200"};
static const struct query Q_TOKEN_DROP = {"probe.token_drop",
                                          "DELETE FROM api_token WHERE hash = $1"};
static const struct query Q_JOB_ID = {"probe.job", "SELECT id FROM job WHERE once_key = $1"};
static const struct query Q_JOB_STATE = {"probe.job_state", "SELECT state FROM job WHERE id = $1"};
const struct query *const probe_queries[] = {&Q_MARK_IN,   &Q_MARK_OUT, &Q_FILES,      &Q_DEMO,
                                             &Q_FIRST,     &Q_ADMINS,   &Q_TOKEN_DROP, &Q_JOB_ID,
                                             &Q_JOB_STATE, NULL};

/* --- words --- */

void probe_say(struct ctx *c, struct probe_result *ret, enum probe_state state, struct str next,
               const char *tried, ...)
{
    char text[600];
    va_list args;
    va_start(args, tried);
    vsnprintf(text, sizeof text, tried, args);
    va_end(args);
    *ret = (struct probe_result){state, str_dup(c->mem, str_of(text)), next};
}

void probe_skip(struct ctx *c, struct probe_result *ret, const char *why, ...)
{
    char text[600];
    va_list args;
    va_start(args, why);
    vsnprintf(text, sizeof text, why, args);
    va_end(args);
    *ret = (struct probe_result){PROBE_UNTRIED, arena_fmt(c->mem, "not tried: %s", text), {0}};
}

static void say_fault(struct ctx *c, struct probe_result *ret, const char *what, enum err e)
{
    probe_say(c, ret, PROBE_BROKEN, S("read the lines area=db of the log, above this one"),
              "%s failed: " PRS " (%s)", what,
              PRA(c->fault.message.n ? c->fault.message : str_of(err_help(e))), err_key(e));
    fault_clear(c);
}

/* --- the database --- */

struct trial {
    struct str id, word, back;
};

/* Written and read in one transaction that then fails on purpose, so that nothing of it stays. */
static enum err write_and_back(struct ctx *c, struct tx *tx, void *arg)
{
    struct trial *t = arg;
    struct val v;
    TRY(q_do(c, tx, &Q_MARK_IN, IN(v_text(t->id), v_text(t->word), v_int(c->now_ms)), NULL));
    TRY(q_one(c, tx, &Q_MARK_OUT, IN(v_text(t->id)), &v, 1));
    t->back = str_dup(c->mem, val_str(v));
    return FAIL(c, E_STATE, "试写完成", "the trial is over");
}

static enum err look_back(struct ctx *c, struct tx *tx, void *arg)
{
    struct trial *t = arg;
    struct val v;
    return q_one(c, tx, &Q_MARK_OUT, IN(v_text(t->id)), &v, 1);
}

static void probe_database(struct ctx *c, const struct probe_env *env, struct probe_result *ret)
{
    struct trial t = {.id = arena_fmt(c->mem, "doctor " PRS, PRA(rand_token(c->mem, 16))),
                      .word = rand_token(c->mem, 16)};
    int64_t began = clock_mono_us();
    enum err e = db_write(env->app->db, c, write_and_back, &t);
    if (e != E_STATE || !str_eq(t.word, t.back)) {
        say_fault(c, ret, "writing a row and reading it back", e);
        return;
    }
    fault_clear(c);
    double ms = (double)(clock_mono_us() - began) / 1000.0;
    if (db_read(env->app->db, c, look_back, &t) != E_MISSING) {
        probe_say(c, ret, PROBE_BROKEN, S("report this: a rollback must leave nothing"),
                  "a row that was rolled back is still there");
        return;
    }
    probe_say(c, ret, PROBE_OK, S(""),
              "wrote a row, read it back and rolled it back in %.1f ms; nothing stayed", ms);
}

static void probe_schema(struct ctx *c, const struct probe_env *env, struct probe_result *ret)
{
    bool current = false;
    enum err e = app_schema_current(env->app, c, &current);
    if (e != E_OK)
        say_fault(c, ret, "comparing the schema", e);
    else if (current)
        probe_say(c, ret, PROBE_OK, S(""), "the database's tables are those of this program");
    else
        probe_say(c, ret, PROBE_WARN, S("make a backup, then start the service: it upgrades"),
                  "the database belongs to another version of the program");
}

/* --- uploads --- */

static enum err sample_files(struct ctx *c, struct tx *tx, void *arg)
{
    return q_rows(c, tx, &Q_FILES, IN0, FILES_SAMPLE, arg);
}

static void probe_uploads(struct ctx *c, const struct probe_env *env, struct probe_result *ret)
{
    struct rows rows;
    enum err e = db_read(env->app->db, c, sample_files, &rows);
    if (e != E_OK) {
        say_fault(c, ret, "listing stored files", e);
        return;
    }
    size_t lost = 0;
    int64_t first_lost = 0;
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        struct str hex = val_str(v[1]);
        struct stat st;
        struct str path = arena_fmt(c->mem, "%s/files/%.2s/" PRS, env->app->data_dir,
                                    hex.n > 2 ? hex.p : "--", PRA(str_sub(hex, 2, hex.n)));
        if (stat(path.p, &st) == 0 && st.st_size == val_int(v[2]))
            continue;
        if (!lost++)
            first_lost = val_int(v[0]);
    }
    if (rows.n == 0)
        probe_skip(c, ret, "no file was uploaded yet");
    else if (lost)
        probe_say(c, ret, PROBE_BROKEN,
                  S("bring DATA/files back from a backup; is --data the folder of this database?"),
                  "of the newest %zu stored files %zu lack their bytes, first id %lld", rows.n,
                  lost, (long long)first_lost);
    else
        probe_say(c, ret, PROBE_OK, S(""), "the newest %zu stored files are there in full length",
                  rows.n);
}

/* --- jobs --- */

static void probe_backlog(struct ctx *c, const struct probe_env *env, struct probe_result *ret)
{
    struct backlog l;
    enum err e = db_read(env->app->db, c, jobs_backlog, &l);
    if (e != E_OK) {
        say_fault(c, ret, "counting jobs", e);
        return;
    }
    int64_t late_s = (c->now_ms - l.oldest_ms) / 1000;
    if (l.dead)
        probe_say(c, ret, PROBE_WARN,
                  S("`anju check` names them; the column job.error says why each failed"),
                  "%lld jobs were given up after six attempts, %lld are due", (long long)l.dead,
                  (long long)l.due);
    else if (late_s > JOB_LATE_S)
        probe_say(c, ret, PROBE_BROKEN, S("is the service running? see `web door` and `job run`"),
                  "%lld jobs are due, the oldest since %lld s", (long long)l.due,
                  (long long)late_s);
    else
        probe_say(c, ret, PROBE_OK, S(""), "%lld jobs are due, none given up", (long long)l.due);
}

enum err job_probe(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    (void)app;
    live_probe(c, tx, data);
    return E_OK;
}

struct job_ask {
    struct str key, data;
    int64_t id;
    bool done;
};

static enum err job_put(struct ctx *c, struct tx *tx, void *arg)
{
    struct job_ask *a = arg;
    struct val id;
    TRY(tx_job(c, tx, "core.probe", a->data, 0, a->key));
    TRY(q_one(c, tx, &Q_JOB_ID, IN(v_text(a->key)), &id, 1));
    a->id = val_int(id);
    return E_OK;
}

enum err probe_job(struct ctx *c, struct app *app, struct str word, int64_t *ret_id)
{
    struct job_ask a = {.key = arena_fmt(c->mem, "probe@" PRS, PRA(word)), .data = word};
    TRY(db_write(app->db, c, job_put, &a));
    *ret_id = a.id;
    return E_OK;
}

static enum err job_look(struct ctx *c, struct tx *tx, void *arg)
{
    struct job_ask *a = arg;
    struct val state;
    TRY(q_one(c, tx, &Q_JOB_STATE, IN(v_int(a->id)), &state, 1));
    a->done = val_int(state) == 1;
    return E_OK;
}

enum err probe_job_done(struct ctx *c, struct app *app, int64_t id, bool *ret)
{
    struct job_ask a = {.id = id};
    TRY(db_read(app->db, c, job_look, &a));
    *ret = a.done;
    return E_OK;
}

/* --- a one-time login --- */

struct finding {
    struct str login;
};

static enum err find_admin(struct ctx *c, struct tx *tx, void *arg)
{
    struct finding *f = arg;
    struct rows rows;
    TRY(q_rows(c, tx, &Q_ADMINS, IN0, 200, &rows));
    for (size_t i = 0; i < rows.n && !f->login.n; i++) {
        struct perms p = {0};
        perms_of_text(val_str(rows.v[2 * i + 1]), &p);
        if (perms_has(&p, perm_index("system.metrics")))
            f->login = val_str(rows.v[2 * i]);
    }
    return f->login.n ? E_OK : E_MISSING;
}

enum err probe_token(struct ctx *c, struct app *app, struct str *ret_clear)
{
    struct finding f = {0};
    TRY(db_read(app->db, c, find_admin, &f));
    struct token_spec spec = {.name = S("anju doctor"),
                              .perms = S("system.metrics"),
                              .expires_ms = clock_now_ms() + 60000,
                              .rate_per_s = 20};
    return token_create(c, app, f.login, &spec, ret_clear);
}

static enum err token_drop(struct ctx *c, struct tx *tx, void *arg)
{
    struct str *hash = arg;
    return q_do(c, tx, &Q_TOKEN_DROP, IN(v_text(*hash)), NULL);
}

void probe_token_drop(struct ctx *c, struct app *app, struct str clear)
{
    uint8_t sha[HASH_BYTES];
    hash_sha256(clear, sha);
    struct str hash = hex_of(c->mem, sha, sizeof sha);
    (void)!db_write(app->db, c, token_drop, &hash); /* else it ends by itself within the minute */
}

/* --- clock, zones, accounts --- */

static void probe_clock(struct ctx *c, const struct probe_env *env, struct probe_result *ret)
{
    (void)env;
    int64_t wall = clock_now_ms(), mono = clock_mono_ms();
    clock_sleep_ms(100);
    int64_t apart = (clock_now_ms() - wall) - (clock_mono_ms() - mono);
    if (wall < INT64_C(1735689600000)) /* 2025: ids count from there */
        probe_say(c, ret, PROBE_BROKEN, S("set the clock, and keep it right with NTP"),
                  "the clock says a time before 2025");
    else if (apart > CLOCK_APART_MS || apart < -CLOCK_APART_MS)
        probe_say(c, ret, PROBE_WARN, S("look at the NTP service: the clock is being stepped"),
                  "within a tenth of a second the clock moved %lld ms against the monotonic one",
                  (long long)apart);
    else
        probe_say(c, ret, PROBE_OK, S(""), "the wall clock runs with the monotonic one");
}

static void probe_zones(struct ctx *c, const struct probe_env *env, struct probe_result *ret)
{
    (void)env;
    const struct zone *z = zone_find("Asia/Shanghai");
    const struct zone *other = zone_find("Europe/Berlin");
    if (!z || zone_offset_s(z, clock_now_ms()) != 8 * 3600)
        probe_say(c, ret, PROBE_BROKEN, S("install the package tzdata"),
                  "the rules of Asia/Shanghai are not there or not +08:00");
    else if (!other)
        probe_say(c, ret, PROBE_WARN, S("install the package tzdata for zones other than Shanghai"),
                  "Asia/Shanghai is +08:00; the system's zone files are missing");
    else
        probe_say(c, ret, PROBE_OK, S(""), "Asia/Shanghai is +08:00, the system's zones load");
}

static enum err count_accounts(struct ctx *c, struct tx *tx, void *arg)
{
    int64_t *n = arg;
    struct val demo, first;
    TRY(q_one(c, tx, &Q_DEMO, IN0, &demo, 1));
    TRY(q_one(c, tx, &Q_FIRST, IN0, &first, 1));
    n[0] = val_int(demo);
    n[1] = val_int(first);
    return E_OK;
}

static void probe_accounts(struct ctx *c, const struct probe_env *env, struct probe_result *ret)
{
    int64_t n[2] = {0};
    enum err e = db_read(env->app->db, c, count_accounts, n);
    if (e != E_OK)
        say_fault(c, ret, "counting accounts", e);
    else if (n[0])
        probe_say(c, ret, PROBE_WARN, S("a real community starts from an empty database"),
                  "%lld demo accounts with a public password can log in", (long long)n[0]);
    else if (n[1])
        probe_say(c, ret, PROBE_WARN, S("let each log in once; disable those that nobody will use"),
                  "%lld accounts still have the first password they were given", (long long)n[1]);
    else
        probe_say(c, ret, PROBE_OK, S(""), "no demo account, no account with its first password");
}

const struct probe core_probes[] = {{"database", {"数据库", "Database"}, true, probe_database},
                                    {"schema", {"表结构", "Schema"}, true, probe_schema},
                                    {"uploads", {"上传文件", "Uploads"}, true, probe_uploads},
                                    {"jobs", {"后台任务", "Jobs"}, true, probe_backlog},
                                    {"clock", {"时钟", "Clock"}, false, probe_clock},
                                    {"time zones", {"时区", "Time zones"}, false, probe_zones},
                                    {"accounts", {"账号", "Accounts"}, true, probe_accounts},
                                    {0}};
