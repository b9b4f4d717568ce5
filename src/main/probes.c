/* probes.c - see probes.h. The service is asked from outside, by the address of the settings, as
 * its users do; what it does not answer is broken or untried, never assumed. */
#include "main/probes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/fs.h"
#include "core/virus.h"
#include "http/client.h"

enum {
    ASK_MS = 5000,
    WAIT_MS = 15000, /* the service looks for jobs every five seconds */
    FREE_WARN_MB = 2048,
    FREE_BROKEN_MB = 100,
    MEMORY_MB = 256,
    FILES_WANTED = 4096,
    CERT_WARN_DAYS = 21,
    BACKUP_HOURS = 26,
    CLOCK_APART_MS = 2000
};
#define DAY_MS INT64_C(86400000)

/* --- this machine --- */

/* Writes, syncs and reads one file of the data folder. 0 or errno. */
static int file_trial(struct ctx *c, const char *dir)
{
    char word[32], back[32] = {0};
    rand_bytes(word, sizeof word);
    struct str path = arena_fmt(c->mem, "%s/doctor-" PRS, dir, PRA(rand_token(c->mem, 9)));
    struct fs_file f;
    size_t n = 0;
    int why = fs_create_for(&f, path.p), fd = -1;
    if (!why)
        why = fs_write(&f, word, sizeof word);
    if (!why)
        why = fs_keep(&f, path.p, false);
    fs_drop(&f);
    if (why)
        return why;
    if ((fd = open(path.p, O_RDONLY | O_CLOEXEC)) < 0)
        return errno;
    why = fs_read_at(fd, back, sizeof back, 0, &n);
    close(fd);
    if (!why && (n != sizeof back || memcmp(word, back, sizeof word) != 0))
        why = EIO;
    if (unlink(path.p) != 0 && !why)
        why = errno;
    return why;
}

static void probe_folder(struct ctx *c, const struct probe_env *env, struct probe_result *ret)
{
    const char *dir = env->app->data_dir;
    struct stat st;
    struct statvfs fs;
    int why;
    if (stat(dir, &st) != 0 || statvfs(dir, &fs) != 0) {
        probe_say(c, ret, PROBE_BROKEN,
                  S("make the folder, owned by the service's user, mode 0700"), "%s: %s", dir,
                  strerror(errno));
        return;
    }
    if ((why = file_trial(c, dir)) != 0) {
        probe_say(c, ret, PROBE_BROKEN, S("look at owner, space and mount of the folder"),
                  "writing and reading a file in %s failed: %s", dir, strerror(why));
        return;
    }
    long long mb = (long long)fs.f_bavail * (long long)fs.f_frsize / (1 << 20);
    if (mb < FREE_WARN_MB)
        probe_say(c, ret, mb < FREE_BROKEN_MB ? PROBE_BROKEN : PROBE_WARN, S("free some space"),
                  "wrote and read a file in %s; only %lld MB are free", dir, mb);
    else if (st.st_mode & 077)
        probe_say(c, ret, PROBE_WARN, S("chmod 0700: residents' data lies there"),
                  "wrote and read a file in %s; its mode is %04o", dir, st.st_mode & 07777);
    else
        probe_say(c, ret, PROBE_OK, S(""), "wrote, synced and read a file in %s; %lld MB free", dir,
                  mb);
}

static long long memory_free_mb(void)
{
    char line[128];
    long long kb = -1;
    FILE *f = fopen("/proc/meminfo", "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %lld kB", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return kb < 0 ? -1 : kb / 1024;
}

static void probe_limits(struct ctx *c, const struct probe_env *env, struct probe_result *ret)
{
    (void)env;
    struct rlimit files;
    long long mb = memory_free_mb();
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || mb < 0) {
        probe_skip(c, ret, "this system does not tell its limits");
        return;
    }
    if (mb < MEMORY_MB)
        probe_say(c, ret, PROBE_WARN, S("each login takes 64 MB for a moment: give it memory"),
                  "%lld MB of memory are available", mb);
    else if (files.rlim_max < FILES_WANTED)
        probe_say(c, ret, PROBE_WARN, S("raise LimitNOFILE of the service"),
                  "at most %llu files may be open: one connection takes one",
                  (unsigned long long)files.rlim_max);
    else
        probe_say(c, ret, PROBE_OK, S(""),
                  "%lld MB of memory available, %llu open files allowed (to this command)", mb,
                  (unsigned long long)files.rlim_max);
}

static void probe_backups(struct ctx *c, const struct probe_env *env, struct probe_result *ret)
{
    int64_t newest_s = 0;
    int n = 0;
    struct stat st;
    if (!env->backups) {
        probe_say(c, ret, PROBE_UNTRIED,
                  S("set `backups` to the folder of your backups (docs/operations.md)"),
                  "not tried: no folder of backups is set");
        return;
    }
    DIR *d = opendir(env->backups);
    for (struct dirent *e; d && (e = readdir(d));)
        if (fstatat(dirfd(d), e->d_name, &st, 0) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
            n++;
            newest_s = st.st_mtime > newest_s ? st.st_mtime : newest_s;
        }
    if (d)
        closedir(d);
    int64_t hours = (c->now_ms / 1000 - newest_s) / 3600;
    if (n == 0)
        probe_say(c, ret, PROBE_BROKEN, S("make one now: anju backup FILE"), "no backup in %s",
                  env->backups);
    else if (hours > BACKUP_HOURS)
        probe_say(c, ret, PROBE_WARN, S("look at the timer: systemctl status anju-backup"),
                  "%d files in %s, the newest is %lld hours old", n, env->backups,
                  (long long)hours);
    else
        probe_say(c, ret, PROBE_OK, S("restore one on another machine now and then"),
                  "%d files in %s, the newest is %lld hours old; not opened", n, env->backups,
                  (long long)hours);
}

/* --- the engine --- */

static const struct query Q_CHECK = {"doctor.quick", "PRAGMA quick_check(1)"};
static const struct query Q_PAGES = {
    "doctor.pages", "SELECT (SELECT page_count FROM pragma_page_count), (SELECT freelist_count "
                    "FROM pragma_freelist_count)"};
static const struct query Q_PG = {
    "doctor.pg",
    "SELECT CAST(current_setting('server_version') AS text), "
    "CAST(current_setting('server_version_num') AS bigint), CAST(current_setting("
    "'transaction_isolation') AS text), CAST(extract(epoch FROM clock_timestamp()) * 1000 AS "
    "bigint), CAST(current_setting('synchronous_commit') AS text)"};
static const struct query Q_LAG = {
    "doctor.lag", "SELECT count(*), CAST(coalesce(max(extract(epoch FROM replay_lag)), 0) AS "
                  "bigint) FROM pg_stat_replication"};

struct engine_seen {
    bool postgres;
    struct str verdict, version, isolation, sync;
    int64_t pages, unused, number, apart_ms, replicas, lag_s;
};

static enum err engine_look(struct ctx *c, struct tx *tx, void *arg)
{
    struct engine_seen *s = arg;
    struct val v[5];
    if (!s->postgres) {
        TRY(q_one(c, tx, &Q_CHECK, IN0, v, 1));
        s->verdict = val_str(v[0]);
        TRY(q_one(c, tx, &Q_PAGES, IN0, v, 2));
        s->pages = val_int(v[0]);
        s->unused = val_int(v[1]);
        return E_OK;
    }
    TRY(q_one(c, tx, &Q_PG, IN0, v, 5));
    s->version = val_str(v[0]);
    s->number = val_int(v[1]);
    s->isolation = val_str(v[2]);
    s->apart_ms = val_int(v[3]) - clock_now_ms();
    s->sync = val_str(v[4]);
    TRY(q_one(c, tx, &Q_LAG, IN0, v, 2));
    s->replicas = val_int(v[0]);
    s->lag_s = val_int(v[1]);
    return E_OK;
}

static void say_sqlite(struct ctx *c, const struct engine_seen *s, struct probe_result *ret)
{
    if (!str_eqz(s->verdict, "ok"))
        probe_say(c, ret, PROBE_BROKEN,
                  S("stop the service, keep a copy of the file, restore the newest backup"),
                  "SQLite's quick check says: " PRS, PRA(utf8_head(s->verdict, 200)));
    else if (s->pages > 10000 && s->unused * 2 > s->pages)
        probe_say(c, ret, PROBE_WARN, S("VACUUM in a quiet hour, with the service stopped"),
                  "quick check ok; %lld of %lld pages are unused", (long long)s->unused,
                  (long long)s->pages);
    else
        probe_say(c, ret, PROBE_OK, S(""), "quick check ok; %lld pages, %lld unused",
                  (long long)s->pages, (long long)s->unused);
}

static void say_postgres(struct ctx *c, const struct engine_seen *s, struct probe_result *ret)
{
    struct str tried = arena_fmt(c->mem,
                                 "PostgreSQL " PRS ", isolation " PRS ", synchronous_commit " PRS
                                 ", clocks %lld ms apart, %lld replicas, %lld s behind",
                                 PRA(s->version), PRA(s->isolation), PRA(s->sync),
                                 (long long)s->apart_ms, (long long)s->replicas,
                                 (long long)s->lag_s);
    enum probe_state state = PROBE_WARN;
    struct str next = {0};
    if (s->number < 150000)
        next = S("the house is tested with PostgreSQL 15 and newer");
    else if (str_eqz(s->sync, "off"))
        next = S("synchronous_commit = off loses acknowledged work when the power fails: set on");
    else if (s->apart_ms > CLOCK_APART_MS || s->apart_ms < -CLOCK_APART_MS)
        next = S("keep both machines' clocks right with NTP");
    else if (s->lag_s > 60)
        next = S("look at the replica and the network to it");
    else
        state = PROBE_OK;
    probe_say(c, ret, state, next, PRS, PRA(tried));
}

static void probe_engine(struct ctx *c, const struct probe_env *env, struct probe_result *ret)
{
    struct engine_seen s = {.postgres = db_engine_of(env->app->db) == DB_POSTGRES};
    enum err e = db_read(env->app->db, c, engine_look, &s);
    if (e != E_OK)
        probe_say(c, ret, PROBE_BROKEN, S("read the lines area=db above this one"),
                  "looking at the engine failed (%s)", err_key(e));
    else if (s.postgres)
        say_postgres(c, &s, ret);
    else
        say_sqlite(c, &s, ret);
    fault_clear(c);
}

/* --- the virus scanner --- */

/* It gets the test file that every scanner calls a virus (eicar.org), in two halves here so that
 * nobody calls this program one. */
static void probe_virus(struct ctx *c, const struct probe_env *env, struct probe_result *ret)
{
    static const char eicar[] = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$",
                      rest[] = "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";
    struct str said, file = arena_fmt(c->mem, "%s%s", eicar, rest);
    const char *clamd = env->app->clamd;
    if (!clamd)
        probe_skip(c, ret,
                   "no virus scanner is set (setting clamd): uploads are judged by their "
                   "type only");
    else if (!virus_ask(c->mem, clamd, file, &said))
        probe_say(c, ret, PROBE_BROKEN, S("start it, or take the setting out: uploads are refused"),
                  "the scanner at %s: " PRS, clamd, PRA(said));
    else if (str_ends(said, S(" FOUND")))
        probe_say(c, ret, PROBE_OK, S(""), "gave it a test virus, it said " PRS, PRA(said));
    else
        probe_say(c, ret, PROBE_BROKEN, S("bring its signatures up to date: freshclam"),
                  "gave it a test virus, it said " PRS, PRA(said));
}

/* --- the running service --- */

/* One whole GET; status 0: *ret_why. */
static int get(struct ctx *c, const struct probe_env *env, const char *path, struct str *ret_text,
               struct tls_seen *seen, struct str *ret_why)
{
    struct client *l = client_dial(env->listen, env->tls, ASK_MS, c->mem, seen, ret_why);
    if (!l)
        return 0;
    int status = 0;
    if (client_ask(l, path, (struct str){0}, ret_why)) {
        *ret_text = client_hear(l, (struct str){0});
        status = client_status(*ret_text);
        if (!status)
            *ret_why = S("it sent nothing that is HTTP");
    }
    client_close(l);
    return status;
}

static void probe_door(struct ctx *c, const struct probe_env *env, struct probe_result *ret)
{
    static const char *const wanted[] = {"Content-Security-Policy", "X-Content-Type-Options",
                                         "Referrer-Policy", "Strict-Transport-Security"};
    struct str why = {0}, text = {0};
    struct tls_seen seen = {0};
    int health = get(c, env, "/healthz", &text, &seen, &why);
    if (!health) {
        probe_say(c, ret, PROBE_BROKEN,
                  S("is it running? systemctl status anju; is `listen` here what it was started "
                    "with?"),
                  "GET /healthz at %s: " PRS, env->listen, PRA(why));
        return;
    }
    for (size_t i = 0; i < COUNT_OF(wanted) - !env->tls; i++)
        if (!client_has_header(text, wanted[i])) {
            probe_say(c, ret, PROBE_BROKEN, S("is that another program on this port?"),
                      "GET /healthz at %s: %d, without the header %s", env->listen, health,
                      wanted[i]);
            return;
        }
    int ready = get(c, env, "/readyz", &text, &seen, &why);
    if (health != 200 || ready != 200)
        probe_say(c, ret, PROBE_BROKEN, S("/readyz is 503 while the database is away: see its log"),
                  "at %s: /healthz %d, /readyz %d", env->listen, health, ready);
    else
        probe_say(c, ret, PROBE_OK, S(""),
                  "at %s: /healthz 200, /readyz 200, protecting headers there", env->listen);
}

static void probe_tls(struct ctx *c, const struct probe_env *env, struct probe_result *ret)
{
    struct tls_seen seen = {0};
    struct str why = {0};
    if (!env->tls) {
        probe_skip(c, ret, "no certificate is set: https is a reverse proxy's work here");
        return;
    }
    struct client *l = client_dial(env->listen, true, ASK_MS, c->mem, &seen, &why);
    if (!l) {
        probe_say(c, ret, PROBE_BROKEN, S("is the service running with this certificate?"),
                  "at %s: " PRS, env->listen, PRA(why));
        return;
    }
    client_close(l);
    int64_t days = (seen.expires_ms - c->now_ms) / DAY_MS;
    enum probe_state state = days < 0                ? PROBE_BROKEN
                             : days < CERT_WARN_DAYS ? PROBE_WARN
                                                     : PROBE_OK;
    probe_say(c, ret, state,
              state == PROBE_OK ? S("") : S("renew the certificate, then systemctl reload anju"),
              "shook hands at %s: " PRS " " PRS ", the certificate ends in %lld days", env->listen,
              PRA(seen.version), PRA(seen.cipher), (long long)days);
}

/* Waits until the service has done the job; false: not within WAIT_MS. */
static bool job_wait(struct ctx *c, struct app *app, int64_t id)
{
    bool done = false;
    for (int64_t until = clock_mono_ms() + WAIT_MS; !done && clock_mono_ms() < until;) {
        if (probe_job_done(c, app, id, &done) != E_OK)
            return false;
        if (!done)
            clock_sleep_ms(50);
    }
    return done;
}

static void probe_job_run(struct ctx *c, const struct probe_env *env, struct probe_result *ret)
{
    int64_t id, began = clock_mono_ms();
    enum err e = probe_job(c, env->app, rand_token(c->mem, 12), &id);
    if (e != E_OK)
        probe_say(c, ret, PROBE_BROKEN, S("see `database`"), "a job cannot be written (%s)",
                  err_key(e));
    else if (job_wait(c, env->app, id))
        probe_say(c, ret, PROBE_OK, S(""), "the service ran a job of ours after %.1f s",
                  (double)(clock_mono_ms() - began) / 1000.0);
    else
        probe_say(c, ret, PROBE_BROKEN, S("is the service running on this same database?"),
                  "wrote a job; no service ran it within %d s", WAIT_MS / 1000);
}

/* A stream opened with the token, then a job that makes the service speak on it. */
static void hear_live(struct ctx *c, const struct probe_env *env, struct str token,
                      struct probe_result *ret)
{
    struct str why = {0}, word = rand_token(c->mem, 12);
    struct tls_seen seen = {0};
    int64_t id, began;
    struct client *l = client_dial(env->listen, env->tls, WAIT_MS, c->mem, &seen, &why);
    struct str auth = arena_fmt(c->mem, "Authorization: Bearer " PRS "\r\n", PRA(token));
    if (!l || !client_ask(l, "/api/v1/events", auth, &why)) {
        probe_say(c, ret, PROBE_BROKEN, S("see `web door`"), "no event stream: " PRS, PRA(why));
    } else if (str_find(client_hear(l, S(": open")), S(": open")) < 0) {
        probe_say(c, ret, PROBE_BROKEN, S("does the service use this same database?"),
                  "the event stream did not open (status %d)",
                  client_status(client_hear(l, S(" "))));
    } else if (began = clock_mono_ms(), probe_job(c, env->app, word, &id) != E_OK) {
        probe_say(c, ret, PROBE_BROKEN, S("see `database`"), "a job cannot be written");
    } else if (str_find(client_hear(l, word), word) >= 0) {
        probe_say(c, ret, PROBE_OK, S(""),
                  "opened a stream; a notice made in the database came out of it after %.1f s",
                  (double)(clock_mono_ms() - began) / 1000.0);
    } else {
        probe_say(c, ret, PROBE_BROKEN,
                  S("with several processes on one database, notices reach the streams of the one "
                    "that ran the job: try again"),
                  "opened a stream; the notice did not come out of it within %d s", WAIT_MS / 1000);
    }
    if (l)
        client_close(l);
}

static void probe_live(struct ctx *c, const struct probe_env *env, struct probe_result *ret)
{
    struct str token;
    enum err e = probe_token(c, env->app, &token);
    if (e == E_MISSING) {
        probe_skip(c, ret, "no administrator has logged in and changed the first password yet");
        fault_clear(c);
        return;
    }
    if (e != E_OK) {
        probe_say(c, ret, PROBE_BROKEN, S("see `database`"), "no one-time token (%s)", err_key(e));
        fault_clear(c);
        return;
    }
    hear_live(c, env, token, ret);
    probe_token_drop(c, env->app, token);
    fault_clear(c);
}

const struct probe house_probes[] = {
    {"data folder", {"数据目录", "Data folder"}, false, probe_folder},
    {"limits", {"内存与文件数", "Memory and limits"}, false, probe_limits},
    {"engine", {"数据库引擎", "Database engine"}, true, probe_engine},
    {"virus scan", {"病毒检查", "Virus scan"}, false, probe_virus},
    {"web door", {"网页服务", "Web door"}, false, probe_door},
    {"tls", {"加密连接", "TLS"}, false, probe_tls},
    {"job run", {"任务执行", "Job run"}, true, probe_job_run},
    {"live", {"实时通知", "Live events"}, true, probe_live},
    {"backups", {"备份", "Backups"}, false, probe_backups},
    {0}};
