/* serve.c - runs the house until SIGTERM or SIGINT, then drains and exits 0. With --demo an empty
 * database is filled first. Demo passwords are public, so while any exists it refuses to listen
 * beyond loopback. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"
#include "core/event.h"
#include "core/live.h"
#include "main/demo.h"
#include "main/notify.h"
#include "main/verb.h"

enum {
    DRAIN_MS = 10000,
    PROXIES_MAX = 32,
    LOG_MB_MIN = 10,
    LOG_MB_MAX = 1000000,
    TEMP_OLD_S = 3600
};

static const struct query Q_DEMO_LEFT = {
    "serve.demo_left",
    "SELECT id FROM app_user WHERE community_id = 0 AND demo = 1 AND archived = 0 LIMIT 1"};

static enum err demo_left(struct ctx *c, struct tx *tx, void *arg)
{
    struct val id;
    enum err e = q_one(c, tx, &Q_DEMO_LEFT, IN0, &id, 1);
    *(bool *)arg = e == E_OK;
    return e == E_MISSING ? E_OK : e;
}

static bool is_loopback(const char *listen)
{
    return strncmp(listen, "127.", 4) == 0 || strncmp(listen, "[::1]", 5) == 0 ||
           strncmp(listen, "localhost:", 10) == 0;
}

static sigset_t our_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

/* SIGHUP: what others may have renewed behind our back, the certificate and the log file. */
static void renew(struct app *app)
{
    struct arena *mem = arena_new(ARENA_REQUEST_BYTES);
    struct str why = {0};
    bool log_ok = log_reopen();
    if (!log_ok)
        log_line(LOG_ERROR, "serve", "msg=\"the log file cannot be opened anew\" reason=\"%s\"",
                 strerror(errno));
    bool tls_ok = http_renew(app->http, mem, &why);
    if (!tls_ok)
        log_line(LOG_ERROR, "serve", "msg=\"the certificate in use stays\" reason=\"" PRS "\"",
                 PRA(why));
    if (log_ok && tls_ok)
        log_line(LOG_INFO, "serve", "msg=\"reloaded\"");
    arena_free(mem);
}

static void wait_for_signal(struct app *app)
{
    sigset_t set = our_signals();
    int sig = 0;
    while (sigwait(&set, &sig) != 0 || sig == SIGHUP)
        if (sig == SIGHUP) {
            notify_manager("RELOADING=1");
            renew(app);
            notify_manager("READY=1");
        }
    notify_manager("STOPPING=1");
    log_line(LOG_INFO, "serve", "msg=\"stopping\" signal=%d", sig);
}

static void block_signals(void)
{
    sigset_t set = our_signals();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static bool open_log(const struct args *a)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    int64_t mb;
    for (size_t i = 0; i < COUNT_OF(levels); i++)
        if (strcmp(a->set[SET_LOG], levels[i]) == 0)
            log_level_set((enum log_level)i);
    if (!a->set[SET_LOG_FILE])
        return true;
    if (!str_int(str_of(a->set[SET_LOG_MB]), &mb) || mb < LOG_MB_MIN || mb > LOG_MB_MAX) {
        fprintf(stderr, "anju serve: --log-mb is a number from %d to %d, not \"%s\"\n", LOG_MB_MIN,
                LOG_MB_MAX, a->set[SET_LOG_MB]);
        return false;
    }
    if (log_to_file(a->set[SET_LOG_FILE], mb << 20))
        return true;
    fprintf(stderr, "anju serve: cannot write the log file %s: %s\n", a->set[SET_LOG_FILE],
            strerror(errno));
    return false;
}

/* "A,B": the addresses of trusted proxies. */
static void read_proxies(struct arena *mem, const char *list, struct http_options *o)
{
    const char **kept = arena_get(mem, PROXIES_MAX * sizeof *kept);
    struct str rest = str_of(list);
    while (rest.n && o->ntrusted < PROXIES_MAX) {
        struct str one = str_trim(str_next(&rest, ','));
        if (one.n)
            kept[o->ntrusted++] = str_z(mem, one);
    }
    o->trusted_proxies = kept;
}

static bool start_web(struct ctx *c, struct app *app, const struct args *a)
{
    struct str why, tmp = arena_fmt(c->mem, "%s/tmp", app->data_dir);
    int64_t workers;
    mkdir(tmp.p, 0700);
    /* what a kill left; not what a sister process on the same folder is at */
    int left = fs_sweep(tmp.p, "-", TEMP_OLD_S);
    if (left)
        log_line(LOG_INFO, "serve", "msg=\"unfinished uploads removed\" files=%d", left);
    struct http_options o = {.listen = a->set[SET_LISTEN],
                             .temp_dir = tmp.p,
                             .tls_cert = a->set[SET_TLS_CERT],
                             .tls_key = a->set[SET_TLS_KEY],
                             .workers = str_int(str_of(a->set[SET_WORKERS]), &workers) &&
                                                workers > 0 && workers <= 1024
                                            ? (int)workers
                                            : 64};
    struct http_app web = app_http(app);
    read_proxies(c->mem, a->set[SET_TRUSTED_PROXY], &o);
    app->http = http_start(&o, &web, c->mem, &why);
    if (!app->http) {
        fprintf(stderr, "anju serve: " PRS "\n", PRA(why));
        return false;
    }
    const char *host = a->set[SET_LISTEN], *colon = strrchr(host, ':');
    log_line(LOG_INFO, "http", "msg=\"listening\" url=%s://%.*s:%d", o.tls_cert ? "https" : "http",
             colon && colon > host ? (int)(colon - host) : 7,
             colon && colon > host ? host : "0.0.0.0", http_port(app->http));
    return true;
}

static void tell_demo(const struct args *a)
{
    fprintf(stderr,
            "\n  Anju 安居 demo: http://%s\n  accounts: admin security auditor manager desk "
            "dispatcher worker1 "
            "worker2 cashier resident1 resident2 manager-b\n"
            "  password: anju-demo      phone pages: http://%s/m\n\n",
            a->set[SET_LISTEN], a->set[SET_LISTEN]);
}

static int run(struct ctx *c, struct app *app, const struct args *a)
{
    if (!open_log(a))
        return 2;
    block_signals(); /* before any thread starts: only sigwait sees them */
    enum err e = args_flag(a, "--demo") ? demo_if_empty(c, app) : E_OK;
    if (e == E_OK)
        e = db_read(app->db, c, demo_left, &app->demo);
    if (e != E_OK)
        return verb_failed(c, e);
    if (app->demo && !is_loopback(a->set[SET_LISTEN])) {
        fprintf(stderr,
                "anju serve: this database has demo accounts with a public password; it is served "
                "on 127.0.0.1 only.\n"
                "  Change their passwords or remove them (anju user), then listen on %s.\n",
                a->set[SET_LISTEN]);
        return 1;
    }
    app->live = live_new(app);
    if (!start_web(c, app, a))
        return 1;
    app->jobs = jobs_start(app);
    if (app->demo)
        tell_demo(a);
    notify_manager("READY=1");
    wait_for_signal(app);
    live_close_all(app->live);
    http_stop(app->http, DRAIN_MS);
    jobs_stop(app->jobs);
    log_line(LOG_INFO, "serve", "msg=\"stopped\"");
    return 0;
}

static const struct flag_spec flags[] = {
    {"--demo", NULL, "fill an empty database with a demo community and accounts"}, {0}};
const struct verb verb_serve = {
    "serve",           "[--db URL] [--listen HOST:PORT] [--data DIR] [--demo]",
    "run the service", flags,
    NEEDS_KEY,         run};
