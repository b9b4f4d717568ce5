/* doctor.c - tries every channel end to end and says for each what was tried, what was seen and
 * what to do next. Exit 0: nothing is broken; 1: something is. It opens the database without
 * upgrading or creating it, and it is no part of the service: it asks it from outside. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "main/probes.h"
#include "main/verb.h"

static const char *const words[] = {"not tried", "ok", "warn", "broken"};

static void open_database(struct ctx *c, struct app *app, struct probe_env *env)
{
    struct db_options o = {.readers = 4};
    const char *file = strncmp(env->db_url, "sqlite:", 7) == 0 ? env->db_url + 7 : NULL;
    if (file && access(file, F_OK) != 0)
        env->why_no_db = arena_fmt(c->mem, "there is no database at %s", file);
    else if (db_open(c, env->db_url, &o, &app->db) != E_OK) {
        env->why_no_db = str_dup(c->mem, c->fault.message);
        app->db = NULL;
    }
    app_boot(app); /* after the database: time zones of communities are asked of it */
    fault_clear(c);
}

struct report {
    bool json;
    int n[COUNT_OF(words)];
    struct buf out;
};

static void tell(struct report *r, const struct probe *p, const struct probe_result *got)
{
    struct str next = got->state == PROBE_OK && !got->next.n ? S("") : got->next;
    if (r->json) {
        buf_fmt(&r->out, "%s{\"name\":\"%s\",\"state\":\"%s\",\"tried\":", r->out.n > 1 ? "," : "",
                p->name, words[got->state]);
        buf_json(&r->out, got->tried);
        buf_put(&r->out, S(",\"next\":"));
        buf_json(&r->out, next);
        buf_putc(&r->out, '}');
        return;
    }
    printf("%-9s  %-12s " PRS "\n", words[got->state], p->name, PRA(got->tried));
    if (next.n)
        printf("%-9s  %-12s -> " PRS "\n", "", "", PRA(next));
}

static void run_probes(struct ctx *c, const struct probe_env *env, const struct probe *p,
                       struct report *r)
{
    for (; p && p->name; p++) {
        struct probe_result got = {.tried = S("not tried: the probe gave no answer")};
        c->now_ms = clock_now_ms();
        if (p->needs_db && !env->app->db)
            probe_say(c, &got, strcmp(p->name, "database") == 0 ? PROBE_BROKEN : PROBE_UNTRIED,
                      strcmp(p->name, "database") == 0 ? S("see the settings db and data") : S(""),
                      "the database does not open: " PRS, PRA(env->why_no_db));
        else
            p->run(c, env, &got);
        fault_clear(c);
        r->n[got.state]++;
        tell(r, p, &got);
    }
}

static int run(struct ctx *c, struct app *app, const struct args *a)
{
    struct probe_env env = {.app = app,
                            .listen = a->set[SET_LISTEN],
                            .tls = a->set[SET_TLS_CERT] != NULL,
                            .backups = a->set[SET_BACKUPS],
                            .db_url = a->set[SET_DB]};
    struct report r = {.json = args_flag(a, "--json") != NULL};
    buf_init(&r.out, c->mem, 1 << 20);
    buf_putc(&r.out, '[');
    open_database(c, app, &env);
    for (const struct module *const *m = app->modules; *m; m++)
        run_probes(c, &env, (*m)->probes, &r);
    run_probes(c, &env, house_probes, &r);
    if (r.json)
        printf("{\"probes\":" PRS "],\"ok\":%d,\"warn\":%d,\"broken\":%d,\"untried\":%d}\n",
               PRA(buf_str(&r.out)), r.n[PROBE_OK], r.n[PROBE_WARN], r.n[PROBE_BROKEN],
               r.n[PROBE_UNTRIED]);
    else
        printf("%d ok, %d to look at, %d broken, %d not tried\n", r.n[PROBE_OK], r.n[PROBE_WARN],
               r.n[PROBE_BROKEN], r.n[PROBE_UNTRIED]);
    return r.n[PROBE_BROKEN] ? 1 : 0;
}

static const struct flag_spec flags[] = {{"--json", NULL, "for programs"}, {0}};
const struct verb verb_doctor = {
    "doctor",
    "[--json] [settings of the service]",
    "try every channel end to end: what works, what does not, what to do",
    flags,
    NEEDS_NOTHING,
    run};
