/* db.c - the engine-free part of the database door: opening, doom, counters, slow log, fault
 * injection, after-commit calls, interned statements, connection pools. It knows neither SQLite nor
 * PostgreSQL; query.c builds the row calls on tx_exec, the engines move the statements. */
#include "base/cal.h"
#include "base/log.h"
#include "db/engine.h"
#include <string.h>

bool val_eq(struct val a, struct val b)
{
    if (a.t != b.t)
        return false;
    switch (a.t) {
    case V_NULL: return true;
    case V_INT: return a.i == b.i;
    case V_REAL: return a.r == b.r;
    case V_TEXT:
    case V_BLOB: return str_eq(a.s, b.s);
    }
    return false;
}

/* --- opening --- */
static const struct engine *engine_of_url(struct str url, const char **ret_where)
{
    if (str_starts(url, S("sqlite:"))) {
        *ret_where = url.p + 7;
        return &engine_sqlite;
    }
    *ret_where = url.p;
    if (str_starts(url, S("postgres://")) || str_starts(url, S("postgresql://")))
        return &engine_postgres;
    return NULL;
}

static int or_default(int v, int otherwise)
{
    return v > 0 ? v : otherwise;
}

enum err db_open(struct ctx *c, const char *url, const struct db_options *o, struct db **ret)
{
    const char *where = NULL;
    const struct engine *engine = engine_of_url(str_of(url), &where);
    if (!engine)
        return fail_at(c, E_INVALID, __FILE__,
                       "unknown database address; write sqlite:PATH (for example "
                       "sqlite:data/anju.db) or postgres://user@host/name");
    struct db *db = heap_get(sizeof *db);
    db->engine = engine;
    if (o)
        db->o = *o;
    db->o.readers = or_default(db->o.readers, 16);
    if (db->o.readers > POOL_MAX)
        db->o.readers = POOL_MAX;
    db->o.writer_batch = or_default(db->o.writer_batch, 256);
    db->o.busy_ms = or_default(db->o.busy_ms, 5000);
    db->o.slow_ms = or_default(db->o.slow_ms, 200);
    mutex_init(&db->intern_lock);
    enum err e = engine->open(db, c, where);
    if (e != E_OK) {
        mutex_free(&db->intern_lock);
        heap_free(db);
        return e;
    }
    *ret = db;
    return E_OK;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    db->engine->close(db);
    for (size_t i = 0; i < COUNT_OF(db->intern); i++)
        for (struct interned *p = db->intern[i], *next; p; p = next) {
            next = p->next;
            heap_free(p);
        }
    mutex_free(&db->intern_lock);
    heap_free(db);
}

enum db_engine db_engine_of(const struct db *db)
{
    return db->engine->id;
}

enum err db_ping(struct db *db, struct ctx *c)
{
    return db->engine->ping(db, c);
}

/* --- units of work --- */
static void unit_init(struct unit *u, struct db *db, struct ctx *c, work_fn fn, void *arg)
{
    memset(u, 0, sizeof *u);
    u->tx.db = db;
    u->tx.c = c;
    u->fn = fn;
    u->arg = arg;
    u->start = c->fault;
}

/* A unit whose memory ran out may have cut off a text on its way: none of it is kept. */
static enum err enough_memory(struct ctx *c)
{
    switch (arena_short_of(c->mem)) {
    case ARENA_STARVED:
        return FAIL(c, E_BUSY, "服务器内存不足，没有做任何更改，请稍后再试",
                    "the server is out of memory; nothing was changed, try again");
    case ARENA_CAPPED: return FAIL(c, E_TOOBIG, "内容太大", "too large");
    default: return E_OK;
    }
}

enum err unit_run(struct unit *u, void *conn)
{
    struct tx *tx = &u->tx;
    if (u->runs++ > 0) {
        tx->c->fault = u->start;
        atomic_fetch_add_explicit(&tx->db->retries, 1, memory_order_relaxed);
    }
    tx->conn = conn;
    tx->doom = E_OK;
    tx->after = NULL;
    tx->after_end = &tx->after;
    enum err e = u->fn(tx->c, tx, u->arg);
    if (tx->doom == E_RETRY || (tx->doom != E_OK && e == E_OK))
        return tx->doom;
    return e == E_OK && tx->write ? enough_memory(tx->c) : e;
}

enum err db_read(struct db *db, struct ctx *c, work_fn fn, void *arg)
{
    struct unit u;
    unit_init(&u, db, c, fn, arg);
    return db->engine->read(db, &u);
}

static void unit_after(struct unit *u)
{
    for (struct after *a = u->tx.after; a; a = a->next)
        a->fn(a->arg);
}

enum err db_write(struct db *db, struct ctx *c, work_fn fn, void *arg)
{
    struct unit u;
    unit_init(&u, db, c, fn, arg);
    u.tx.write = true;
    atomic_fetch_add_explicit(&db->writes, 1, memory_order_relaxed);
    TRY(db->engine->write(db, &u));
    unit_after(&u);
    return E_OK;
}

void unit_done(struct unit *u)
{
    if (u->result == E_OK)
        unit_after(u);
    u->done(u->arg, u->result);
}

void db_write_then(struct db *db, struct ctx *c, work_fn fn, void *arg,
                   void (*done)(void *arg, enum err result))
{
    struct unit *u = arena_get(c->mem, sizeof *u);
    unit_init(u, db, c, fn, arg);
    u->tx.write = true;
    u->done = done;
    atomic_fetch_add_explicit(&db->writes, 1, memory_order_relaxed);
    if (db->engine->send) {
        db->engine->send(db, u);
        return;
    }
    u->result = db->engine->write(db, u);
    unit_done(u);
}

void tx_after_commit(struct tx *tx, void (*fn)(void *), void *arg)
{
    struct after *a = arena_get(tx->c->mem, sizeof *a);
    *a = (struct after){.fn = fn, .arg = arg};
    *tx->after_end = a;
    tx->after_end = &a->next;
}

struct db *tx_db(struct tx *tx)
{
    return tx->db;
}

/* --- statements --- */
/* Marks, by its address, a statement that is not kept. */
static const char once_name[] = "composed";
/* Each kept statement costs some 40 KiB on every connection. */
enum { COMPOSED_MAX = 400 };

enum err db_fail(struct ctx *c, enum err code, const char *where)
{
    static const struct text busy = TEXT("数据库暂时无法使用，没有做任何更改，请稍后再试",
                                         "the database cannot be used now; nothing was done, "
                                         "try again");
    static const struct text full = TEXT("存储空间已满，没有做任何更改；请管理员腾出磁盘空间",
                                         "storage is full; nothing was changed. Free some space "
                                         "on the database's disk");
    static const struct text exists = TEXT("已有相同的记录", "there is one already");
    static const struct text other = TEXT("数据库错误，已撤销，没有做任何更改",
                                          "a database error; rolled back");
    struct text t = code == E_BUSY     ? busy
                    : code == E_FULL   ? full
                    : code == E_EXISTS ? exists
                                       : other;
    if (code == E_BUSY && c->fault.code == E_OK)
        c->fault.retry_after_s = 1;
    return fail_at(c, code, where, "%s", text_in(t, c->lang));
}

void db_log_reach(struct db *db, const char *why)
{
    int64_t now = clock_mono_ms(), last = atomic_load(&db->reach_log_ms);
    if (last != 0 && now - last < 1000)
        return;
    if (atomic_compare_exchange_strong(&db->reach_log_ms, &last, now))
        log_line(LOG_ERROR, "db", "cannot reach the database: %s", why);
}

/* U+0000 in text is stored by one engine and cuts the text on the other: refused on both. */
static bool input_ok(const struct exec *x)
{
    for (size_t i = 0; i < x->nin; i++)
        if (x->in[i].t == V_TEXT && str_has_nul(x->in[i].s))
            return false;
    return true;
}

static enum err exec_doom(struct ctx *c, struct tx *tx, const struct exec *x, enum err e)
{
    struct db *db = tx->db;
    tx->doom = e;
    atomic_fetch_add_explicit(&db->failed, 1, memory_order_relaxed);
    if (e == E_RETRY)
        return e;
    if (e == E_BUSY)
        db_log_reach(db, x->why);
    else
        log_line(e == E_EXISTS ? LOG_DEBUG : LOG_ERROR, "db",
                 "statement=%s failed=%s trace=%s why=\"%s\"", x->q->name, err_name(e), c->trace_id,
                 x->why);
    return db_fail(c, e, __FILE__);
}

enum err tx_exec(struct ctx *c, struct tx *tx, struct exec *x)
{
    struct db *db = tx->db;
    bool own = false;
    if (tx->doom != E_OK)
        return tx->doom;
    c->sql_count++;
    x->once |= x->q->name == once_name;
    atomic_fetch_add_explicit(&db->statements, 1, memory_order_relaxed);
    if (!input_ok(x)) {
        tx->doom = E_INVALID;
        return FAIL(c, E_INVALID, "文本含有空字符", "text holds a NUL character");
    }
    if (db_fault_hit(db, DB_FAULT_STATEMENT))
        return exec_doom(c, tx, x, E_DB);
    int64_t from_us = clock_mono_us();
    enum err e = db->engine->exec(c, tx, x, &own);
    int64_t took_us = clock_mono_us() - from_us;
    if (x->later && e == E_EXISTS)
        e = E_DB;
    if (took_us >= (int64_t)db->o.slow_ms * 1000) {
        atomic_fetch_add_explicit(&db->slow, 1, memory_order_relaxed);
        log_line(LOG_WARN, "db", "slow statement=%s ms=%lld trace=%s", x->q->name,
                 (long long)(took_us / 1000), c->trace_id);
    }
    return e == E_OK || own ? e : exec_doom(c, tx, x, e);
}

enum err tx_exec_text(struct ctx *c, struct tx *tx, const char *sql)
{
    struct query q = {.name = "text", .sql = sql};
    struct exec x = {.q = &q, .once = true};
    return tx_exec(c, tx, &x);
}

enum err db_prepare_check(struct db *db, struct ctx *c, const struct query *q, struct str *ret_why)
{
    return db->engine->check(db, c, q, ret_why);
}

/* --- interned statements --- */
static struct interned **intern_slot(struct db *db, struct str key)
{
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < key.n; i++)
        h = (h ^ (uint8_t)key.p[i]) * 1099511628211u;
    struct interned **at = &db->intern[(h ^ h >> 32) % COUNT_OF(db->intern)];
    while (*at && !str_eq((*at)->key, key))
        at = &(*at)->next;
    return at;
}

const struct query *intern_find(struct db *db, struct str key)
{
    mutex_lock(&db->intern_lock);
    struct interned *p = *intern_slot(db, key);
    mutex_unlock(&db->intern_lock);
    return p ? &p->q : NULL;
}

static char *put_z(char *to, struct str s)
{
    if (s.n)
        memcpy(to, s.p, s.n);
    to[s.n] = 0;
    return to + s.n + 1;
}

const struct query *intern_put(struct db *db, struct str key, struct str name, struct str sql)
{
    const struct query *q = NULL;
    mutex_lock(&db->intern_lock);
    struct interned **at = intern_slot(db, key), *p = *at;
    if (!p && db->ninterned < INTERN_MAX) {
        p = heap_try(sizeof *p + key.n + name.n + sql.n + 3);
        if (p) {
            char *to = (char *)(p + 1);
            p->key = (struct str){to, key.n};
            p->q.name = to = put_z(to, key);
            p->q.sql = to = put_z(to, name);
            put_z(to, sql);
            *at = p;
            db->ninterned++;
        }
    }
    if (p)
        q = &p->q;
    mutex_unlock(&db->intern_lock);
    return q;
}

const struct query *db_intern(struct db *db, struct str name, struct str sql)
{
    return intern_put(db, sql, name, sql);
}

const struct query *db_query(struct db *db, struct arena *a, struct str name, struct str sql)
{
    mutex_lock(&db->intern_lock);
    bool room = db->ninterned < COMPOSED_MAX;
    mutex_unlock(&db->intern_lock);
    const struct query *kept = room ? db_intern(db, name, sql) : intern_find(db, sql);
    if (kept)
        return kept;
    struct query *q = arena_get(a, sizeof *q);
    *q = (struct query){once_name, str_z(a, sql)};
    return q;
}

/* --- measures and fault injection --- */
void db_stats_get(struct db *db, struct db_stats *ret)
{
    *ret = (struct db_stats){.statements = atomic_load(&db->statements),
                             .writes = atomic_load(&db->writes),
                             .commits = atomic_load(&db->commits),
                             .retries = atomic_load(&db->retries),
                             .failed = atomic_load(&db->failed),
                             .slow = atomic_load(&db->slow),
                             .queue_len = db->engine->queue_len(db)};
}

void db_fault_nth(struct db *db, enum db_fault what, int64_t n)
{
    atomic_store(&db->fault_left, n);
    atomic_store(&db->fault_what, n > 0 ? (int)what : DB_FAULT_NONE);
}

bool db_fault_waits(struct db *db)
{
    return atomic_load(&db->fault_what) != DB_FAULT_NONE;
}

bool db_fault_hit(struct db *db, enum db_fault what)
{
    if (atomic_load_explicit(&db->fault_what, memory_order_relaxed) != (int)what)
        return false;
    if (atomic_fetch_sub(&db->fault_left, 1) != 1)
        return false;
    atomic_store(&db->fault_what, DB_FAULT_NONE);
    return true;
}

/* --- pools and pointer maps --- */
static size_t ptr_slot(const struct ptrmap *m, const void *key)
{
    size_t at = (size_t)(((uintptr_t)key >> 4) * 0x9E3779B97F4A7C15u >> 32) & (m->cap - 1);
    while (m->keys[at] && m->keys[at] != key)
        at = (at + 1) & (m->cap - 1);
    return at;
}

void *ptrmap_get(const struct ptrmap *m, const void *key)
{
    return m->cap ? m->values[ptr_slot(m, key)] : NULL;
}

void ptrmap_put(struct ptrmap *m, const void *key, void *value)
{
    if (2 * (m->n + 1) > m->cap) {
        struct ptrmap old = *m;
        m->cap = old.cap ? old.cap * 2 : 64;
        m->keys = heap_get(m->cap * sizeof *m->keys);
        m->values = heap_get(m->cap * sizeof *m->values);
        m->n = 0;
        for (size_t i = 0; i < old.cap; i++)
            if (old.keys[i])
                ptrmap_put(m, old.keys[i], old.values[i]);
        ptrmap_free(&old);
    }
    size_t at = ptr_slot(m, key);
    m->n += m->keys[at] == NULL;
    m->keys[at] = key;
    m->values[at] = value;
}

void ptrmap_free(struct ptrmap *m)
{
    heap_free(m->keys);
    heap_free(m->values);
    *m = (struct ptrmap){0};
}

void pool_init(struct pool *p, int max)
{
    mutex_init(&p->lock);
    cond_init(&p->free);
    p->max = max;
}

void pool_end(struct pool *p)
{
    cond_free(&p->free);
    mutex_free(&p->lock);
}

bool pool_take(struct pool *p, int64_t wait_ms, void **ret)
{
    int64_t until = 0;
    mutex_lock(&p->lock);
    while (p->nidle == 0 && p->nopen >= p->max) {
        int64_t now = clock_mono_ms();
        until = until ? until : now + wait_ms;
        if (now >= until || !cond_wait_ms(&p->free, &p->lock, until - now))
            break;
    }
    bool ok = p->nidle > 0 || p->nopen < p->max;
    if (p->nidle > 0)
        *ret = p->idle[--p->nidle];
    else if (ok) {
        p->nopen++;
        *ret = NULL;
    }
    mutex_unlock(&p->lock);
    return ok;
}

void pool_put(struct pool *p, void *conn)
{
    mutex_lock(&p->lock);
    p->idle[p->nidle++] = conn;
    cond_signal(&p->free);
    mutex_unlock(&p->lock);
}

void pool_drop(struct pool *p)
{
    mutex_lock(&p->lock);
    p->nopen--;
    cond_signal(&p->free);
    mutex_unlock(&p->lock);
}
