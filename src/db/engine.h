/* engine.h - inside the database door: what db.c offers the two engines and what it asks of them.
 * An engine moves statements and transactions; everything that must be equal on both (doom, faults,
 * counters, slow log, after-commit list) happens once, in db.c. No other floor includes
 * this file. */
#pragma once
#include "base/thread.h"
#include "db/db.h"
#include <stdatomic.h>

enum { POOL_MAX = 256, PG_RERUNS = 5, INTERN_MAX = 2000, READ_WAIT_MS = 10000 };

struct after { /* one tx_after_commit */
    struct after *next;
    void (*fn)(void *);
    void *arg;
};
struct tx {
    struct db *db;
    struct ctx *c;
    void *conn; /* the engine's */
    bool write;
    enum err doom; /* E_OK, or the code of the statement that failed */
    struct after *after, **after_end;
};
/* One db_read or db_write on its caller's stack; on SQLite the writer thread works on it while the
 * caller waits. */
struct unit {
    struct tx tx;
    work_fn fn;
    void *arg;
    void (*done)(void *arg, enum err result); /* NULL: somebody waits */
    struct fault start; /* the context's fault before the first run: a re-run begins from it */
    int runs;
    enum err result;
    _Atomic int state; /* writer.c: waiting, asleep, done */
};
/* Runs fn once on conn as a fresh attempt. A doomed unit never answers E_OK; E_RETRY stays E_RETRY
 * whatever fn said. */
enum err unit_run(struct unit *u, void *conn);
/* Runs the after-commit calls of a good unit and tells done; the unit may be gone then. */
void unit_done(struct unit *u);

struct exec {
    const struct query *q;
    bool once;  /* q does not outlive this call: prepare, run, forget */
    bool later; /* a q_send: nobody waits for what comes of it */
    const struct val *in;
    size_t nin;
    row_fn row; /* NULL: rows are thrown away */
    void *arg;
    int64_t changed; /* out */
    char why[200];   /* out, on failure: the engine's words without values, for the log */
};
/* Runs x in tx with counters, slow log, fault injection and doom: the way of all statements. */
enum err tx_exec(struct ctx *c, struct tx *tx, struct exec *x);
/* Runs one statement without parameters whose text is made on the spot (DDL). */
enum err tx_exec_text(struct ctx *c, struct tx *tx, const char *sql);

/* CREATE TABLE, as the migration writes it. */
enum err table_create(struct ctx *c, struct tx *tx, const struct table *t);
/* Makes the word index of t where it is missing, and fills it; made: it was missing. */
#define WORDS_INDEX "dated" /* how PostgreSQL's is made: another name makes it anew */
enum err words_create(struct ctx *c, struct tx *tx, const struct table *t, bool *ret_made);
/* Drops the word indexes that are tables of their own: before their tables go. */
enum err words_drop_all(struct ctx *c, struct tx *tx);

struct engine {
    enum db_engine id;
    /* where: the URL after its scheme for SQLite, the whole URL for PostgreSQL */
    enum err (*open)(struct db *db, struct ctx *c, const char *where);
    void (*close)(struct db *db);
    enum err (*ping)(struct db *db, struct ctx *c);
    enum err (*read)(struct db *db, struct unit *u);
    enum err (*write)(struct db *db, struct unit *u);
    /* Returns at once; unit_done follows. NULL: the engine only knows write. */
    void (*send)(struct db *db, struct unit *u);
    /* E_RETRY: run the unit again. A row callback's error comes back as it is and sets *ret_own: no
     * statement failed. */
    enum err (*exec)(struct ctx *c, struct tx *tx, struct exec *x, bool *ret_own);
    enum err (*check)(struct db *db, struct ctx *c, const struct query *q, struct str *ret_why);
    int64_t (*queue_len)(struct db *db);
    /* Keeps two programs from migrating at once; NULL where a write transaction does. */
    enum err (*migrate_lock)(struct db *db, struct ctx *c);
    void (*migrate_unlock)(struct db *db);
    /* NULL: db_image copies row by row. */
    enum err (*image)(struct db *db, struct ctx *c, const char *path);
    enum err (*alone)(struct db *db, struct ctx *c);
};
extern const struct engine engine_sqlite, engine_postgres;

struct interned {
    struct interned *next;
    struct str key;
    struct query q;
};
struct db {
    const struct engine *engine;
    void *inner; /* the engine's own state */
    struct db_options o;
    _Atomic int64_t statements, writes, commits, retries, failed, slow;
    _Atomic int fault_what;
    _Atomic int64_t fault_left;
    _Atomic int64_t reach_log_ms; /* when the last "cannot reach" line was logged */
    mutex intern_lock;
    struct interned *intern[1024];
    int ninterned;
};
/* The statement kept under key (the SQL itself, or a shorter name of it); NULL: not there, or no
 * room. */
const struct query *intern_find(struct db *db, struct str key);
const struct query *intern_put(struct db *db, struct str key, struct str name, struct str sql);
/* True when the injected fault falls on this step. */
bool db_fault_hit(struct db *db, enum db_fault what);
/* Records the client-safe text of code; details belong in the log. Returns code. */
enum err db_fail(struct ctx *c, enum err code, const char *where);
/* Logs "cannot reach the database" at most once a second. */
void db_log_reach(struct db *db, const char *why);

/* Pointer -> pointer, for statements by the address of their query. One owner thread at a time. */
struct ptrmap {
    const void **keys;
    void **values;
    size_t n, cap;
};
void *ptrmap_get(const struct ptrmap *m, const void *key);
void ptrmap_put(struct ptrmap *m, const void *key, void *value);
void ptrmap_free(struct ptrmap *m);

/* Connections: the last one given back goes out first, so caches stay warm. */
struct pool {
    mutex lock;
    cond free;
    void *idle[POOL_MAX];
    int nidle, nopen, max;
};
void pool_init(struct pool *p, int max);
void pool_end(struct pool *p); /* all connections are already closed */
/* False: none came free in time. *ret NULL: the caller opens a new one, then pool_put or, on
 * failure, pool_drop. */
MUST_USE bool pool_take(struct pool *p, int64_t wait_ms, void **ret);
void pool_put(struct pool *p, void *conn);
void pool_drop(struct pool *p); /* the taken connection was closed */

/* --- writer.c: one thread, many units per commit --- */
struct writer_ops {
    enum err (*begin)(void *conn);
    enum err (*mark)(void *conn); /* before a unit */
    enum err (*keep)(void *conn); /* after a good one */
    enum err (*undo)(void *conn); /* after a bad one */
    enum err (*commit)(void *conn);
    void (*rollback)(void *conn);
    bool (*lost)(void *conn); /* the engine rolled the whole transaction back by itself */
};
struct writer;
/* NULL when the system refuses a thread. */
struct writer *writer_start(struct db *db, const struct writer_ops *ops, void *conn, int batch);
/* Waits until the unit is durable or undone. */
enum err writer_run(struct writer *w, struct unit *u);
/* Does not wait: unit_done follows. */
void writer_send(struct writer *w, struct unit *u);
size_t writer_queue_len(struct writer *w);
void writer_stop(struct writer *w); /* finishes what is queued */
