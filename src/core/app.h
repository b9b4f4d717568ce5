/* app.h - the running program: its database, its rooms, its live listeners; and a module, the name
 * plate on a room's door. main makes one struct app; everything above base gets it by pointer. */
#pragma once
#include "base/thread.h"
#include "core/auth.h"
#include "http/http.h"

enum route_flag {
    PUBLIC = 1, /* no login needed */
    NO_TX = 2,  /* the handler opens its own transactions (login, uploads, streams) */
    NO_CSRF = 4,
    MULTIPART = 8,
    RAW_BODY = 16, /* the body is not JSON (CSV) */
    SLOW = 32,     /* a report or export: never on a reading thread, bigger arena */
    ANY_USER = 64, /* a login is enough, no permission */
    PW_OK = 128,   /* allowed before a forced password change */
    ONE_TX = 256, /* with NO_TX: all its writing is one transaction, which keeps the idempotency key
                    too (req_once); without it a key whose handler was cut off stays taken */
    FORM_BODY =
        512 /* the body is a form (application/x-www-form-urlencoded), read by the handler */
};
typedef enum err (*route_fn)(struct ctx *c, struct req *q);
/* One address. prepare runs outside the transaction (parse, hash, take numbers); run inside a read
 * transaction for GET, a write transaction otherwise: it may run again, and builds the whole reply
 * there so that idempotency keys can store it. Of a PUBLIC MULTIPART route prepare decides by the
 * address alone, before a byte of the body is taken. */
struct route {
    const char *method, *path; /* "/api/v1/tickets/{id}/rating" */
    const char *perm;          /* held somewhere; the row's own scope is checked by the handler */
    unsigned flags;
    route_fn prepare, run;
    const struct field *
        input; /* body fields, read by the framework; of a GET: query parameters, only documented */
    int ninput;
    struct text help;
    const char *reply;          /* "Ticket", "TicketList": an OpenAPI schema; or a shape (schema.h):
                                   "{items:[@Ticket]}"; NULL: any object */
    int status;                 /* of success; 0: 200 */
    const struct resource *res; /* set by the core for derived routes */
};
struct job {
    const char *name;
    int every_s; /* > 0: scheduled at every multiple of it (UTC); 0: only when asked */
    /* Inside one transaction together with its done mark; data is JSON text. */
    enum err (*run)(struct ctx *c, struct tx *tx, struct app *app, struct str data);
    /* Instead of run, for long work: one step in units of work of its own, each safe to repeat and
     * to meet its twin of another node; more: again. The done mark comes after the last. */
    enum err (*step)(struct ctx *c, struct app *app, struct str data, bool *ret_more);
};
struct on { /* a listener: an event of topic enqueues job with
               {"topic","subject","id","community_id","event_id"} */
    const char *topic, *job;
};
struct menu_item {
    const char *group; /* key of the menu group */
    struct text group_label;
    const char *key;
    struct text label;
    const char *page, *resource; /* one of the two */
    const char *perm;
};
typedef void (*tell_fn)(void *arg, int64_t id, struct str text);
struct check { /* a consistency query of `anju check`: returns rows only when something is wrong:
                  (id, text) */
    const char *name;
    struct query query;
    /* What no query can say; calls tell for each fault. Runs outside transactions. May be NULL,
     * then query is asked. */
    enum err (*run)(struct ctx *c, struct app *app, tell_fn tell, void *arg);
};
struct probe; /* core/probe.h: a channel that `anju doctor` tries */
struct module {
    const char *name, *purpose;
    const struct resource *const *resources; /* arrays end with NULL or a zero element */
    const struct table *tables;              /* besides the resources' */
    int ntables;
    const struct query *const *queries[18]; /* all named queries, for the prepare-all test */
    const struct route *routes[10];
    const struct job *jobs;
    const struct on *listens;
    const struct fixup *fixups;
    /* After every migration: adds what this version of the program brings along and the database
     * lacks; repeatable. May be NULL. */
    enum err (*seed)(struct ctx *c, struct tx *tx);
    const struct perm *perms;
    const struct role_seed *roles;
    const struct menu_item *menu;
    const struct check *checks;
    const struct probe *probes;
};

struct community { /* what the core must know of one */
    int64_t id;
    char name[128];
    const struct zone *zone;
};
struct live;
struct jobs;
struct app {
    struct db *db;
    struct http *http;
    const struct module *const *modules; /* ends with NULL */
    const struct asset *assets;
    size_t nassets;
    const char *data_dir;
    const char *clamd;    /* address of the virus scanner; NULL: none */
    const char *sendmail; /* program that takes a message for sending; NULL: no mail goes out */
    int node_id;
    bool demo; /* demo passwords exist: the login page may say so */
    struct live *live;
    struct jobs *jobs;
    int64_t started_ms;
    /* asked of estate: the communities under (scope, scope_id); scope SCOPE_SYSTEM: all. Columns
     * id, name, time_zone. */
    const struct query *communities_of;
};
/* Indexes modules, permissions, resources and routes; aborts on a table that breaks a rule (a
 * programmer error). Once. */
void app_boot(struct app *app);
const struct resource *app_resource(struct str path_or_name); /* NULL: none */
int app_resources(const struct resource *const **ret);
/* Zone of a community; the default zone for 0 or an unknown one. Loaded on first use, dropped by
 * app_communities_changed. */
const struct zone *app_zone(int64_t community_id);
void app_communities_changed(void);
MUST_USE enum err app_migrate(struct app *app, struct ctx *c);
/* Whether app_migrate would have nothing to do; changes nothing. */
MUST_USE enum err app_schema_current(struct app *app, struct ctx *c, bool *ret);

/* --- one request --- */
struct req {
    struct app *app;
    struct http_req *h;
    const struct route *route;
    const struct resource *res;
    struct tx *tx;
    const struct json *body;
    int64_t ids[3];      /* {id} parts of the path */
    struct str words[3]; /* {word} and {token} parts */
    struct row in;       /* body fields read by the framework when the route has an input table */
    void *state;         /* from prepare to run */
    int status;
    struct buf out;
    struct http_reply *reply;
};
/* A required or optional query parameter as id; field error when malformed. 0 when absent. */
MUST_USE enum err req_id_param(struct ctx *c, struct req *q, const char *name, int64_t *ret);
/* A required query parameter as a civil date; field error when malformed. */
MUST_USE enum err req_date_param(struct ctx *c, struct req *q, const char *name, struct date *ret);
/* The community the request is about: its community_id parameter, or the caller's only one with
 * perm. E_MISSING when the caller lacks perm there; E_INVALID when it must be named. */
MUST_USE enum err req_community(struct ctx *c, struct req *q, const char *perm, int64_t *ret);
/* What may be asked without a login at a narrower rate than everything else: burst at once, then
 * one a second, per address and purpose. E_RATE: too many. */
MUST_USE enum err req_calm(struct ctx *c, struct req *q, const char *purpose, int burst);
/* Keeps the one picture of a MULTIPART request with row id of res, for a stranger whose right
 * prepare has judged; the checks are those of every upload. then runs in the transaction that keeps
 * it. */
MUST_USE enum err file_take(struct ctx *c, struct req *q, const struct resource *res, int64_t id,
                            enum err (*then)(struct ctx *c, struct tx *tx, void *arg), void *arg);
/* Keeps bytes as a file of row id of res, for what did not come by HTTP; the checks are those of
 * every upload. The same content twice is kept once. Outside transactions. */
MUST_USE enum err file_attach(struct ctx *c, struct app *app, const struct resource *res,
                              int64_t id, struct str name, struct str bytes);
/* For a ONE_TX handler, first and last in its writing transaction. replayed: it was all done before
 * and q->out holds that answer. */
MUST_USE enum err req_once(struct req *q, struct tx *tx, bool *ret_replayed);
MUST_USE enum err req_once_done(struct req *q, struct tx *tx);
void req_header(struct req *q, const char *name, struct str value);

/* The web door of the app: fills an http_app whose functions route, authenticate, dispatch and
 * answer. */
struct http_app app_http(struct app *app);
