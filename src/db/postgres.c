/* postgres.c - the engine for many nodes; the only file that knows libpq-fe.h. A pool of
 * connections, each always in pipeline mode: BEGIN, a first PREPARE and changes nobody waits for
 * (q_send) travel with the statement or the COMMIT after them, and a read does not wait for its
 * COMMIT, so a one-statement write costs two round trips and a read one. Writes are SERIALIZABLE
 * and re-run on a clash. Parameters and results are text (blobs go in as bytes); parameter types
 * are inferred from the SQL alone, so that a statement either always prepares or never does. */
#include "base/cal.h"
#include "base/crypto.h"
#include "base/log.h"
#include "db/pg_text.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A statement takes three steps at most; SENT_MAX of them without an answer bounds what a server
 * works through before it can say that the first one failed. */
enum { COLUMNS_MAX = 256, PARAMS_MAX = 65535, STEPS_MAX = 3, SENT_MAX = 192 };
enum oid {
    O_BOOL = 16,
    O_BYTEA = 17,
    O_INT8 = 20,
    O_INT2 = 21,
    O_INT4 = 23,
    O_FLOAT4 = 700,
    O_FLOAT8 = 701,
    O_NUMERIC = 1700
};
enum step { BEGIN_STEP, PREPARE_STEP, RUN_STEP };

/* Sent and not answered yet. */
struct sent {
    enum step step;
    const struct query *q; /* of a PREPARE or a run of ours */
};
struct conn {
    PGconn *pg;
    int gen;
    bool begun, dead;
    bool owed; /* the answer to a read's COMMIT has not been read yet */
    struct sent sent[SENT_MAX];
    int nsent;
    char name[24];       /* of the statement in hand */
    struct ptrmap stmts; /* struct query -> its number */
    uintptr_t nstmts;
    struct scratch in, out;
};
struct post {
    struct db *db;
    char *url;
    /* rises when a connection is lost: the others are likely dead too and are opened anew */
    _Atomic int gen;
    struct pool pool;
    struct conn *locked; /* holds the migration lock */
};

static enum err code_of(const char *state, bool write)
{
    static const struct {
        char state[6];
        enum err code;
    } codes[] = {{"40001", E_RETRY}, {"40P01", E_RETRY}, {"23505", E_EXISTS},
                 {"53100", E_FULL},  {"55P03", E_BUSY},  {"57014", E_BUSY}};
    if (!state)
        return E_DB;
    for (size_t i = 0; i < COUNT_OF(codes); i++)
        if (strcmp(state, codes[i].state) == 0)
            return codes[i].code;
    if (strcmp(state, "25006") ==
        0) /* a change inside db_read; inside db_write the server is a stand-by */
        return write ? E_BUSY : E_INTERNAL;
    bool away = strncmp(state, "08", 2) == 0 || strncmp(state, "53", 2) == 0 ||
                strncmp(state, "57P", 3) == 0;
    return away ? E_BUSY : E_DB;
}

/* --- connections --- */
static void silent(void *arg, const char *message)
{
    (void)arg, (void)message;
}

static void one_line(char *to, size_t cap, const char *from)
{
    snprintf(to, cap, "%.*s", (int)strcspn(from, "\n"), from);
}

static void conn_end(struct conn *s)
{
    PQfinish(s->pg);
    ptrmap_free(&s->stmts);
    heap_free(s->in.p);
    heap_free(s->out.p);
    heap_free(s);
}

/* As on SQLite, a lock held by somebody else is waited for only so long. */
static const char *lock_timeout(char sql[48], int ms)
{
    snprintf(sql, 48, "SET lock_timeout = %d", ms);
    return sql;
}

static bool conn_set(struct conn *s, const char *sql)
{
    PGresult *res = PQexec(s->pg, sql);
    bool ok = PQresultStatus(res) == PGRES_COMMAND_OK;
    PQclear(res);
    return ok;
}

/* Once, before pipeline mode. Without jit: the server believes a question to the word index dear,
 * and spends 30 ms, the first time 100, compiling what runs in one. */
static bool conn_setup(struct conn *s, int busy_ms)
{
    char sql[48];
    PQsetNoticeProcessor(s->pg, silent, NULL);
    return conn_set(s, lock_timeout(sql, busy_ms)) && conn_set(s, "SET jit = off") &&
           PQenterPipelineMode(s->pg);
}

static enum err conn_new(struct post *p, struct conn **ret, char *why, size_t cap)
{
    /* What stands before dbname may be overridden by the address; what stands after may not. */
    const char *keys[] = {"connect_timeout",  "keepalives_idle",  "keepalives_interval",
                          "keepalives_count", "tcp_user_timeout", "application_name",
                          "dbname",           "client_encoding",  NULL};
    const char *values[] = {"3", "30", "5", "3", "15000", "anju", p->url, "UTF8", NULL};
    struct conn *s = heap_get(sizeof *s);
    s->gen = atomic_load(&p->gen);
    s->pg = PQconnectdbParams(keys, values, 1);
    enum err e = E_OK;
    if (PQstatus(s->pg) != CONNECTION_OK) {
        one_line(why, cap, PQerrorMessage(s->pg));
        e = E_BUSY;
    } else if (PQserverVersion(s->pg) < 140000) {
        snprintf(why, cap, "the server is older than PostgreSQL 14");
        e = E_STATE;
    } else if (strcmp(PQparameterStatus(s->pg, "server_encoding"), "UTF8") != 0) {
        snprintf(why, cap, "the database is not UTF8; create it with ENCODING 'UTF8'");
        e = E_STATE;
    } else if (!conn_setup(s, p->db->o.busy_ms)) {
        one_line(why, cap, PQerrorMessage(s->pg));
        e = E_BUSY;
    }
    if (e != E_OK) {
        conn_end(s);
        return e;
    }
    *ret = s;
    return E_OK;
}

static void conn_give(struct post *p, struct conn *s)
{
    if (s->dead)
        atomic_fetch_add(&p->gen, s->gen == atomic_load(&p->gen));
    if (!s->dead && (s->owed || PQtransactionStatus(s->pg) == PQTRANS_IDLE)) {
        pool_put(&p->pool, s);
        return;
    }
    conn_end(s);
    pool_drop(&p->pool);
}

static enum err conn_take(struct post *p, struct conn **ret)
{
    void *got = NULL;
    char why[200];
    if (!pool_take(&p->pool, READ_WAIT_MS, &got))
        return E_BUSY;
    if (got && ((struct conn *)got)->gen != atomic_load(&p->gen)) {
        conn_end(got);
        got = NULL;
    }
    struct conn *s = got;
    enum err e = s ? E_OK : conn_new(p, &s, why, sizeof why);
    if (e != E_OK) {
        pool_drop(&p->pool);
        db_log_reach(p->db, why);
        return E_BUSY;
    }
    *ret = s;
    return E_OK;
}

/* --- one round trip --- */
struct round {
    struct conn *s;
    bool write;
    bool ok; /* so far everything could be sent */
    PGresult *result;
    char why[200];
    enum err code;
};

static void step_add(struct round *r, enum step step, const struct query *q, int sent)
{
    struct conn *s = r->s;
    ASSERT(s->nsent < SENT_MAX);
    s->sent[s->nsent++] = (struct sent){step, q};
    r->ok = r->ok && sent;
}

/* The statement that failed is this round's own only when it is the last one: a unique clash of one
 * before it must not be taken for its own. */
static void round_bad(struct round *r, const struct sent *of, bool last, const PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    if (r->code != E_OK)
        return;
    r->code = code_of(state, r->write);
    if (r->code == E_EXISTS && !last)
        r->code = E_DB;
    /* Class 22 messages quote values; those stay out of the log. */
    const char *words = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    if (state && strncmp(state, "22", 2) == 0)
        words = "bad value";
    char text[120];
    one_line(text, sizeof text, words ? words : PQresultErrorMessage(res));
    snprintf(r->why, sizeof r->why, "postgres %s: %s%s%s", state ? state : "-", text,
             last || !of->q ? "" : ", in ", last || !of->q ? "" : of->q->name);
    if (state && strncmp(state, "57P", 3) == 0)
        r->s->dead = true;
}

static void round_result(struct round *r, int i, PGresult *res)
{
    struct sent *of = &r->s->sent[i];
    bool last = i == r->s->nsent - 1;
    ExecStatusType st = PQresultStatus(res);
    bool good = st == PGRES_COMMAND_OK || st == PGRES_TUPLES_OK;
    if (st == PGRES_FATAL_ERROR || st == PGRES_BAD_RESPONSE)
        round_bad(r, of, last, res);
    if (good && of->step == PREPARE_STEP)
        of->q = NULL; /* it is prepared now, whatever becomes of the rest */
    if (good && of->step == RUN_STEP && last && !r->result)
        r->result = res;
    else
        PQclear(res);
}

/* Nothing hangs on the answer but the place of the next one. */
static void owed_read(struct conn *s)
{
    bool synced = false;
    for (int ends = 0; !synced && ends < 2;) {
        PGresult *res = PQgetResult(s->pg);
        synced = res && PQresultStatus(res) == PGRES_PIPELINE_SYNC;
        ends += res == NULL;
        PQclear(res);
    }
    s->owed = false;
}

/* Reads the answers to everything sent. */
static bool answers_read(struct round *r)
{
    struct conn *s = r->s;
    bool synced = false;
    int i = 0;
    while (!synced && i <= s->nsent) {
        PGresult *res = PQgetResult(s->pg);
        if (!res) {
            i++;
        } else if (PQresultStatus(res) == PGRES_PIPELINE_SYNC) {
            synced = true;
            PQclear(res);
        } else {
            round_result(r, i < s->nsent ? i : s->nsent - 1, res);
        }
    }
    for (i = 0; i < s->nsent; i++) /* not prepared after all */
        if (s->sent[i].step == PREPARE_STEP && s->sent[i].q)
            ptrmap_put(&s->stmts, s->sent[i].q, NULL);
    s->nsent = 0;
    return synced;
}

/* Sends the sync and reads every answer. On E_OK r->result is the last step's and the caller clears
 * it. */
static enum err round_end(struct round *r)
{
    struct conn *s = r->s;
    r->ok = r->ok && PQpipelineSync(s->pg);
    if (r->ok && s->owed)
        owed_read(s);
    if (!r->ok || !answers_read(r) || PQstatus(s->pg) != CONNECTION_OK)
        s->dead = true;
    if (s->dead) {
        if (!r->why[0])
            one_line(r->why, sizeof r->why, PQerrorMessage(s->pg));
        r->code = E_BUSY;
    }
    if (r->code != E_OK) {
        PQclear(r->result);
        r->result = NULL;
    } else {
        ASSERT(r->result);
    }
    return r->code;
}

/* What was sent is to be undone: only its place in the line matters. */
static void answers_drop(struct conn *s)
{
    struct round r = {.s = s, .write = true, .ok = true};
    (void)!round_end(&r);
    PQclear(r.result);
}

static enum err plain(struct conn *s, bool write, const char *sql, char why[200])
{
    struct round r = {.s = s, .write = write, .ok = true};
    step_add(&r, RUN_STEP, NULL, PQsendQueryParams(s->pg, sql, 0, NULL, NULL, NULL, NULL, 0));
    enum err e = round_end(&r);
    /* A COMMIT of a broken transaction answers ROLLBACK and no error. */
    if (e == E_OK && strcmp(sql, "COMMIT") == 0 && strcmp(PQcmdStatus(r.result), "COMMIT") != 0)
        e = E_DB;
    PQclear(r.result);
    memcpy(why, r.why, sizeof r.why);
    return e;
}

/* --- statements --- */
static struct val column(const PGresult *res, int row, int i)
{
    if (PQgetisnull(res, row, i))
        return v_null();
    char *p = PQgetvalue(res, row, i);
    struct str s = {p, (size_t)PQgetlength(res, row, i)};
    int64_t n = 0;
    switch (PQftype(res, i)) {
    case O_BOOL: return v_int(p[0] == 't');
    case O_INT2:
    case O_INT4:
    case O_INT8: return v_int(strtoll(p, NULL, 10));
    case O_NUMERIC: /* sum() of integers; SQLite gives an integer there */
        return str_int(s, &n) ? v_int(n) : v_real(strtod(p, NULL));
    case O_FLOAT4:
    case O_FLOAT8: return v_real(strtod(p, NULL));
    case O_BYTEA: return pg_bytea(p, s.n);
    default: return v_text(s);
    }
}

static enum err rows_give(struct ctx *c, const PGresult *res, struct exec *x)
{
    struct val row[COLUMNS_MAX];
    int ncol = PQnfields(res), n = PQntuples(res);
    ASSERT(ncol <= COLUMNS_MAX);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < ncol; j++)
            row[j] = column(res, i, j);
        TRY(x->row(c, row, ncol, x->arg));
    }
    return E_OK;
}

static void round_begin(struct round *r, const struct tx *tx)
{
    const char *sql = tx->write ? "BEGIN ISOLATION LEVEL SERIALIZABLE"
                                : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    if (r->s->begun)
        return;
    step_add(r, BEGIN_STEP, NULL, PQsendQueryParams(r->s->pg, sql, 0, NULL, NULL, NULL, NULL, 0));
    r->s->begun = true;
}

static void round_run(struct round *r, const struct exec *x, const struct pg_params *p)
{
    struct conn *s = r->s;
    int n = (int)x->nin;
    const char *sql = x->q->sql;
    if (x->once) {
        step_add(r, RUN_STEP, x->q,
                 PQsendQueryParams(s->pg, pg_sql(&s->out, sql), n, NULL, p->values, p->lengths,
                                   p->formats, 0));
        return;
    }
    uintptr_t number = (uintptr_t)ptrmap_get(&s->stmts, x->q);
    bool fresh = number == 0;
    if (fresh) {
        number = ++s->nstmts;
        ptrmap_put(&s->stmts, x->q, (void *)number); /* taken back when it fails */
    }
    snprintf(s->name, sizeof s->name, "s%llu", (unsigned long long)number);
    if (fresh)
        step_add(r, PREPARE_STEP, x->q,
                 PQsendPrepare(s->pg, s->name, pg_sql(&s->out, sql), 0, NULL));
    step_add(r, RUN_STEP, x->q,
             PQsendQueryPrepared(s->pg, s->name, n, p->values, p->lengths, p->formats, 0));
}

static enum err post_exec(struct ctx *c, struct tx *tx, struct exec *x, bool *ret_own)
{
    struct conn *s = tx->conn;
    struct round r = {.s = s, .write = tx->write, .ok = true};
    struct pg_params p;
    if (s->dead)
        return E_BUSY;
    if (x->nin > PARAMS_MAX || !pg_params(&s->in, x->in, x->nin, &p)) {
        snprintf(x->why, sizeof x->why, "too many or too large values");
        return E_INTERNAL;
    }
    round_begin(&r, tx);
    round_run(&r, x, &p);
    if (x->later && r.ok && s->nsent + STEPS_MAX <= SENT_MAX)
        return E_OK;
    enum err e = round_end(&r);
    if (e != E_OK) {
        memcpy(x->why, r.why, sizeof x->why);
        return e;
    }
    if (strncmp(PQcmdStatus(r.result), "SELECT", 6) != 0)
        x->changed = strtoll(PQcmdTuples(r.result), NULL, 10);
    if (x->row)
        e = rows_give(c, r.result, x);
    PQclear(r.result);
    *ret_own = e != E_OK;
    return e;
}

static enum err check_run(struct conn *s, const struct query *q, struct round *r)
{
    *r = (struct round){.s = s, .ok = true};
    step_add(r, RUN_STEP, q, PQsendPrepare(s->pg, "", pg_sql(&s->out, q->sql), 0, NULL));
    return round_end(r);
}

static enum err post_check(struct db *db, struct ctx *c, const struct query *q, struct str *ret_why)
{
    struct post *p = db->inner;
    struct conn *s = NULL;
    struct round r;
    enum err e = conn_take(p, &s);
    if (e != E_OK)
        return db_fail(c, e, __FILE__);
    e = check_run(s, q, &r);
    PQclear(r.result);
    if (e != E_OK)
        *ret_why = arena_fmt(c->mem, "%s", r.why);
    conn_give(p, s);
    return e == E_OK ? E_OK : db_fail(c, e, __FILE__);
}

/* --- transactions --- */
static enum err unit_commit(struct db *db, struct unit *u, struct conn *s)
{
    char why[200];
    if (u->tx.write && db_fault_hit(db, DB_FAULT_COMMIT))
        return E_DB;
    if (!s->begun)
        return E_OK;
    if (!u->tx.write) { /* nothing to learn from the answer: the next round reads it */
        s->owed = PQsendQueryParams(s->pg, "COMMIT", 0, NULL, NULL, NULL, NULL, 0) &&
                  PQpipelineSync(s->pg);
        s->dead = !s->owed;
        s->begun = false;
        return E_OK;
    }
    enum err e = plain(s, true, "COMMIT", why);
    if (e == E_OK)
        atomic_fetch_add_explicit(&db->commits, 1, memory_order_relaxed);
    if (e == E_BUSY)
        db_log_reach(db, why);
    else if (e != E_OK && e != E_RETRY)
        log_line(LOG_ERROR, "db", "commit failed=%s trace=%s why=\"%s\"", err_name(e),
                 u->tx.c->trace_id, why);
    return e == E_OK || e == E_RETRY ? e : db_fail(u->tx.c, e, __FILE__);
}

/* One attempt; the connection is idle or dead afterwards. */
static enum err unit_try(struct db *db, struct unit *u, struct conn *s)
{
    char why[200];
    s->begun = false;
    enum err e = unit_run(u, s);
    if (e == E_OK)
        e = unit_commit(db, u, s);
    if (e == E_DB)
        db_fail(u->tx.c, e, __FILE__);
    if (e == E_OK)
        return e;
    if (s->nsent && !s->dead) /* or a failure among them would take the ROLLBACK with it */
        answers_drop(s);
    if (s->begun && !s->dead && PQtransactionStatus(s->pg) != PQTRANS_IDLE)
        (void)!plain(s, true, "ROLLBACK", why);
    return e;
}

static enum err post_unit(struct db *db, struct unit *u)
{
    struct post *p = db->inner;
    struct conn *s = NULL;
    enum err e = conn_take(p, &s);
    if (e != E_OK)
        return db_fail(u->tx.c, e, __FILE__);
    e = unit_try(db, u, s);
    for (int i = 0; i < PG_RERUNS && e == E_RETRY; i++) {
        /* Those who clashed must not meet again: wait 0 … 2^i ms, not in step. */
        clock_sleep_ms((int)(rand_u64() % (2u << i)));
        e = unit_try(db, u, s);
    }
    conn_give(p, s);
    if (e != E_RETRY)
        return e;
    u->tx.c->fault = u->start;
    return db_fail(u->tx.c, E_BUSY, __FILE__);
}

/* --- life --- */
static enum err ping_read(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct query q = {"db.ping", "SELECT 1"};
    (void)arg;
    return q_each(c, tx, &q, IN0, NULL, NULL);
}

static enum err post_ping(struct db *db, struct ctx *c)
{
    struct fault start = c->fault;
    enum err e = db_read(db, c, ping_read, NULL);
    if (e != E_BUSY)
        return e;
    c->fault = start; /* the first only met a connection that had died unnoticed */
    return db_read(db, c, ping_read, NULL);
}

static void post_close(struct db *db)
{
    struct post *p = db->inner;
    while (p->pool.nidle > 0)
        conn_end(p->pool.idle[--p->pool.nidle]);
    pool_end(&p->pool);
    heap_free(p->url);
    heap_free(p);
}

static enum err post_open(struct db *db, struct ctx *c, const char *where)
{
    char why[200];
    struct conn *s = NULL;
    struct post *p = heap_get(sizeof *p);
    p->db = db;
    p->url = heap_get(strlen(where) + 1);
    memcpy(p->url, where, strlen(where));
    pool_init(&p->pool, db->o.readers);
    db->inner = p;
    enum err e = conn_new(p, &s, why, sizeof why);
    if (e != E_OK) {
        post_close(db);
        return fail_at(c, e, __FILE__,
                       "cannot use PostgreSQL: %s; check that it runs and that the address, "
                       "login and database name are right",
                       why);
    }
    p->pool.nopen++;
    pool_put(&p->pool, s);
    return E_OK;
}

static int64_t post_queue_len(struct db *db)
{
    (void)db;
    return 0;
}

/* A lock of the session, not of a transaction: a serializable transaction that waited for it would
 * look at the catalogue as it was before the wait. */
static enum err post_migrate_lock(struct db *db, struct ctx *c)
{
    struct post *p = db->inner;
    struct conn *s = NULL;
    char why[200], sql[48];
    enum err e = conn_take(p, &s);
    if (e != E_OK)
        return db_fail(c, e, __FILE__);
    e = plain(s, true, lock_timeout(sql, 0), why);
    if (e == E_OK)
        e = plain(s, true, "SELECT pg_advisory_lock(1634626165)", why);
    if (e != E_OK) {
        db_log_reach(db, why);
        conn_give(p, s);
        return db_fail(c, e, __FILE__);
    }
    p->locked = s;
    return E_OK;
}

static void post_migrate_unlock(struct db *db)
{
    struct post *p = db->inner;
    char why[200], sql[48];
    (void)!plain(p->locked, true, "SELECT pg_advisory_unlock(1634626165)", why);
    (void)!plain(p->locked, true, lock_timeout(sql, db->o.busy_ms), why);
    conn_give(p, p->locked);
    p->locked = NULL;
}

static enum err alone_read(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct query q = {
        "db.others", "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                     "application_name = 'anju' AND pid <> pg_backend_pid()"};
    return q_one(c, tx, &q, IN0, arg, 1);
}

static enum err post_alone(struct db *db, struct ctx *c)
{
    struct val n;
    TRY(db_read(db, c, alone_read, &n));
    return val_int(n) ? E_BUSY : E_OK;
}

const struct engine engine_postgres = {.id = DB_POSTGRES,
                                       .open = post_open,
                                       .close = post_close,
                                       .ping = post_ping,
                                       .read = post_unit,
                                       .write = post_unit,
                                       .exec = post_exec,
                                       .check = post_check,
                                       .queue_len = post_queue_len,
                                       .migrate_lock = post_migrate_lock,
                                       .migrate_unlock = post_migrate_unlock,
                                       .alone = post_alone};
