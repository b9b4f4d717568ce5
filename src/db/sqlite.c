/* sqlite.c - the embedded engine; the only file that knows sqlite3.h. One writing connection, owned
 * by the writer thread, and a pool of query_only readers, each read on one snapshot (WAL).
 * synchronous=FULL: a commit is on disk before anyone is told. A database file that vanishes or is
 * replaced while we run is noticed (SQLite itself would go on writing into the nameless file) and
 * answered with E_BUSY until a file is there again. */
#include "base/cal.h"
#include "base/log.h"
#include "db/engine.h"
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COLUMNS_MAX = 256, FILE_CHECK_MS = 100 };

struct stmt {
    sqlite3_stmt *s;
    int nparams, highest; /* $highest is the last one named */
    uint16_t *number;     /* parameter index - 1 -> n of its $n */
    bool running, once;
};
enum { P_BEGIN, P_COMMIT, P_ROLLBACK, P_MARK, P_KEEP, P_UNDO, P__N };
struct conn {
    struct lite *lite;
    sqlite3 *h; /* NULL: could not be opened, tried again at the next use */
    int gen;
    bool writer;
    struct ptrmap stmts;
    sqlite3_stmt *plain[P__N];
};
struct lite {
    struct db *db;
    char *path;
    mutex file_lock; /* dev, ino */
    dev_t dev;
    ino_t ino;
    _Atomic int gen; /* rises when another file stands at path: older connections are closed */
    _Atomic int64_t checked_ms;
    _Atomic bool missing;
    struct conn *writer;
    struct writer *thread;
    struct pool readers;
};

static enum err code_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return E_OK;
    case SQLITE_FULL: return E_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_NOTADB: return E_BUSY;
    default: break;
    }
    bool unique = rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
                  rc == SQLITE_CONSTRAINT_ROWID;
    return unique ? E_EXISTS : E_DB;
}

/* --- the file --- */
/* E_OK while a file stands at path; a new one raises gen. Reads look every FILE_CHECK_MS, writes
 * each time (force). */
static enum err file_check(struct lite *l, bool force)
{
    int64_t now = clock_mono_ms();
    if (!force && !atomic_load(&l->missing) && now - atomic_load(&l->checked_ms) < FILE_CHECK_MS)
        return E_OK;
    struct stat st;
    if (stat(l->path, &st) != 0) {
        atomic_store(&l->missing, true);
        db_log_reach(l->db, "the SQLite file is missing");
        return E_BUSY;
    }
    mutex_lock(&l->file_lock);
    if (st.st_dev != l->dev || st.st_ino != l->ino) {
        l->dev = st.st_dev;
        l->ino = st.st_ino;
        atomic_fetch_add(&l->gen, 1);
        log_line(LOG_WARN, "db", "another SQLite file is in place: reopened");
    }
    mutex_unlock(&l->file_lock);
    atomic_store(&l->missing, false);
    atomic_store(&l->checked_ms, now);
    return E_OK;
}

static enum err file_create(struct ctx *c, struct lite *l)
{
    struct stat st;
    char *slash = strrchr(l->path, '/');
    if (slash && slash != l->path) {
        struct str dir = {l->path, (size_t)(slash - l->path)};
        if (stat(str_z(c->mem, dir), &st) != 0 || !S_ISDIR(st.st_mode))
            return fail_at(c, E_MISSING, __FILE__,
                           "the directory " PRS " does not exist; make it: mkdir -p " PRS, PRA(dir),
                           PRA(dir));
    }
    const struct db_options *o = &l->db->o;
    int how = (o->read_only ? O_RDONLY : O_RDWR) | (o->must_exist || o->read_only ? 0 : O_CREAT);
    int fd = open(l->path, how | O_CLOEXEC, 0600); /* SQLite itself would make it 0644 */
    if (fd < 0 && errno == ENOENT)
        return fail_at(c, E_MISSING, __FILE__, "there is no database %s", l->path);
    if (fd < 0)
        return fail_at(c, E_BUSY, __FILE__, "cannot open %s: %s; check its owner and mode", l->path,
                       strerror(errno));
    int rc = fstat(fd, &st);
    close(fd);
    if (rc != 0 || !S_ISREG(st.st_mode))
        return fail_at(c, E_INVALID, __FILE__, "%s is not a file", l->path);
    l->dev = st.st_dev;
    l->ino = st.st_ino;
    return E_OK;
}

/* --- connections --- */
static void stmt_free(struct stmt *p)
{
    sqlite3_finalize(p->s);
    heap_free(p->number);
    heap_free(p);
}

static void conn_shut(struct conn *s)
{
    for (size_t i = 0; i < s->stmts.cap; i++)
        if (s->stmts.values[i])
            stmt_free(s->stmts.values[i]);
    ptrmap_free(&s->stmts);
    for (int i = 0; i < P__N; i++)
        sqlite3_finalize(s->plain[i]);
    memset(s->plain, 0, sizeof s->plain);
    sqlite3_close(s->h);
    s->h = NULL;
}

static int conn_setup(struct conn *s)
{
    static const char *const texts[P__N] = {[P_COMMIT] = "COMMIT",
                                            [P_ROLLBACK] = "ROLLBACK",
                                            [P_MARK] = "SAVEPOINT u",
                                            [P_KEEP] = "RELEASE u",
                                            [P_UNDO] = "ROLLBACK TO u"};
    static const char all[] = "PRAGMA foreign_keys=OFF; PRAGMA temp_store=MEMORY;"
                              "PRAGMA mmap_size=268435456; PRAGMA trusted_schema=OFF;";
    static const char writer[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                 "PRAGMA wal_autocheckpoint=10000;"
                                 "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-4000;";
    static const char one_file[] = "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL;";
    static const char reader[] = "PRAGMA cache_size=-2000; PRAGMA query_only=ON;";
    sqlite3_busy_timeout(s->h, s->lite->db->o.busy_ms);
    /* Without it a parameter that meets a partial index or LIKE makes every new value plan again.
     */
    sqlite3_db_config(s->h, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
    int rc = sqlite3_exec(s->h, all, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(s->h,
                          !s->writer || s->lite->db->o.read_only ? reader
                          : s->lite->db->o.one_file              ? one_file
                                                                 : writer,
                          NULL, NULL, NULL);
    for (int i = 0; i < P__N && rc == SQLITE_OK; i++) {
        const char *sql = i != P_BEGIN ? texts[i] : s->writer ? "BEGIN IMMEDIATE" : "BEGIN";
        rc = sqlite3_prepare_v3(s->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->plain[i], NULL);
    }
    return rc;
}

/* Opens s in place. The engine's words stay in why when it fails. */
static enum err conn_open(struct conn *s, char *why, size_t cap)
{
    s->gen = atomic_load(&s->lite->gen);
    int how = s->lite->db->o.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int rc = sqlite3_open_v2(s->lite->path, &s->h,
                             how | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK)
        rc = conn_setup(s);
    if (rc == SQLITE_OK)
        return E_OK;
    snprintf(why, cap, "%s", s->h ? sqlite3_errmsg(s->h) : sqlite3_errstr(rc));
    conn_shut(s);
    return code_of(rc);
}

static enum err conn_ready(struct conn *s)
{
    if (s->h && s->gen == atomic_load(&s->lite->gen))
        return E_OK;
    char why[200];
    if (s->h)
        conn_shut(s);
    enum err e = conn_open(s, why, sizeof why);
    if (e != E_OK)
        db_log_reach(s->lite->db, why);
    return e;
}

static void conn_end(struct conn *s)
{
    if (!s)
        return;
    conn_shut(s);
    heap_free(s);
}

static struct conn *conn_new(struct lite *l, bool writer)
{
    struct conn *s = heap_get(sizeof *s);
    s->lite = l;
    s->writer = writer;
    return s;
}

static enum err reader_take(struct lite *l, struct conn **ret)
{
    void *got = NULL;
    TRY(file_check(l, false));
    if (!pool_take(&l->readers, READ_WAIT_MS, &got))
        return E_BUSY;
    struct conn *s = got ? got : conn_new(l, false);
    enum err e = conn_ready(s);
    if (e != E_OK) {
        conn_end(s);
        pool_drop(&l->readers);
        return e;
    }
    *ret = s;
    return E_OK;
}

/* --- transactions --- */
static enum err plain(struct conn *s, int which)
{
    sqlite3_stmt *p = s->plain[which];
    int rc = sqlite3_step(p);
    enum err e = code_of(rc);
    if (e == E_BUSY)
        db_log_reach(s->lite->db, sqlite3_errmsg(s->h));
    else if (e != E_OK)
        log_line(LOG_ERROR, "db", "sqlite code=%d failed=%s why=\"%s\"", rc, sqlite3_sql(p),
                 sqlite3_errmsg(s->h));
    sqlite3_reset(p);
    return e;
}

static enum err w_begin(void *conn)
{
    struct conn *s = conn;
    TRY(file_check(s->lite, true));
    TRY(conn_ready(s));
    return plain(s, P_BEGIN);
}
static enum err w_mark(void *conn)
{
    return plain(conn, P_MARK);
}
static enum err w_keep(void *conn)
{
    return plain(conn, P_KEEP);
}
static enum err w_undo(void *conn)
{
    TRY(plain(conn, P_UNDO));
    return plain(conn, P_KEEP);
}
static enum err w_commit(void *conn)
{
    return plain(conn, P_COMMIT);
}
static bool w_lost(void *conn)
{
    const struct conn *s = conn;
    return sqlite3_get_autocommit(s->h) != 0;
}
static void w_rollback(void *conn)
{
    if (!w_lost(conn))
        (void)!plain(conn, P_ROLLBACK);
}
static const struct writer_ops writer_ops = {w_begin,  w_mark,     w_keep, w_undo,
                                             w_commit, w_rollback, w_lost};

static enum err lite_write(struct db *db, struct unit *u)
{
    struct lite *l = db->inner;
    return writer_run(l->thread, u);
}

static void lite_send(struct db *db, struct unit *u)
{
    struct lite *l = db->inner;
    writer_send(l->thread, u);
}

static enum err lite_read(struct db *db, struct unit *u)
{
    struct lite *l = db->inner;
    struct conn *s = NULL;
    enum err e = reader_take(l, &s);
    if (e != E_OK)
        return db_fail(u->tx.c, e, __FILE__);
    e = plain(s, P_BEGIN);
    if (e == E_OK)
        e = unit_run(u, s);
    else
        e = db_fail(u->tx.c, e, __FILE__);
    if (!w_lost(s) && plain(s, P_COMMIT) != E_OK)
        w_rollback(s);
    pool_put(&l->readers, s);
    return e;
}

/* --- statements --- */
static bool only_blank(const char *tail)
{
    return tail[strspn(tail, " \t\r\n;")] == 0;
}

/* On failure the reason is in why: SQLite's, or ours about parameters. */
static int stmt_make(struct conn *s, const char *sql, struct stmt **ret, char *why, size_t cap)
{
    const char *tail = NULL;
    struct stmt *p = heap_get(sizeof *p);
    int rc = sqlite3_prepare_v3(s->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &p->s, &tail);
    if (rc != SQLITE_OK)
        snprintf(why, cap, "%s", sqlite3_errmsg(s->h));
    else if (!p->s || !only_blank(tail)) {
        snprintf(why, cap, "not exactly one statement");
        rc = SQLITE_ERROR;
    }
    p->nparams = p->s ? sqlite3_bind_parameter_count(p->s) : 0;
    p->number = heap_get(((size_t)p->nparams + 1) * sizeof *p->number);
    for (int i = 0; i < p->nparams && rc == SQLITE_OK; i++) {
        const char *name = sqlite3_bind_parameter_name(p->s, i + 1);
        int64_t n = 0;
        if (!name || name[0] != '$' || !str_int(str_of(name + 1), &n) || n < 1 || n > UINT16_MAX) {
            snprintf(why, cap, "parameters are written $1, $2, …");
            rc = SQLITE_ERROR;
        }
        p->number[i] = (uint16_t)n;
        p->highest = n > p->highest ? (int)n : p->highest;
    }
    if (rc == SQLITE_OK)
        *ret = p;
    else
        stmt_free(p);
    return rc;
}

/* The kept statement of q; a fresh one when it is running right now (a callback that runs its own
 * query again). */
static int stmt_take(struct conn *s, struct exec *x, struct stmt **ret)
{
    struct stmt *p = x->once ? NULL : ptrmap_get(&s->stmts, x->q);
    bool once = x->once || (p && p->running);
    if (!p || once) {
        int rc = stmt_make(s, x->q->sql, &p, x->why, sizeof x->why);
        if (rc != SQLITE_OK)
            return rc;
        p->once = once;
        if (!once)
            ptrmap_put(&s->stmts, x->q, p);
    }
    p->running = true;
    *ret = p;
    return SQLITE_OK;
}

static void stmt_give(struct stmt *p)
{
    sqlite3_reset(p->s);
    p->running = false;
    if (p->once)
        stmt_free(p);
}

static int bind_one(sqlite3_stmt *s, int i, const struct val *v)
{
    /* An empty value with a NULL pointer would become SQL NULL. */
    const char *p = v->t == V_TEXT || v->t == V_BLOB ? (v->s.n ? v->s.p : "") : NULL;
    switch (v->t) {
    case V_INT: return sqlite3_bind_int64(s, i, v->i);
    case V_REAL: return sqlite3_bind_double(s, i, v->r);
    case V_TEXT: return sqlite3_bind_text64(s, i, p, v->s.n, SQLITE_STATIC, SQLITE_UTF8);
    case V_BLOB: return sqlite3_bind_blob64(s, i, p, v->s.n, SQLITE_STATIC);
    default: return sqlite3_bind_null(s, i);
    }
}

static struct val column(sqlite3_stmt *s, int i)
{
    const void *p;
    switch (sqlite3_column_type(s, i)) {
    case SQLITE_INTEGER: return v_int(sqlite3_column_int64(s, i));
    case SQLITE_FLOAT: return v_real(sqlite3_column_double(s, i));
    case SQLITE_TEXT:
        p = sqlite3_column_text(s, i);
        return v_text((struct str){p, (size_t)sqlite3_column_bytes(s, i)});
    case SQLITE_BLOB:
        p = sqlite3_column_blob(s, i);
        return v_blob((struct str){p, (size_t)sqlite3_column_bytes(s, i)});
    default: return v_null();
    }
}

static int stmt_run(struct ctx *c, sqlite3_stmt *s, struct exec *x, enum err *ret_own)
{
    int rc, ncol = sqlite3_column_count(s);
    struct val row[COLUMNS_MAX];
    ASSERT(ncol <= COLUMNS_MAX);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        if (!x->row)
            continue;
        for (int i = 0; i < ncol; i++)
            row[i] = column(s, i);
        *ret_own = x->row(c, row, ncol, x->arg);
        if (*ret_own != E_OK)
            return SQLITE_OK;
    }
    return rc;
}

static enum err lite_exec(struct ctx *c, struct tx *tx, struct exec *x, bool *ret_own)
{
    struct conn *s = tx->conn;
    struct stmt *p = NULL;
    enum err own = E_OK;
    int rc = stmt_take(s, x, &p);
    if (rc != SQLITE_OK)
        return code_of(rc);
    bool changes = !sqlite3_stmt_readonly(p->s) && !sqlite3_stmt_isexplain(p->s);
    if ((size_t)p->highest != x->nin) {
        snprintf(x->why, sizeof x->why, "%zu values for $1..$%d", x->nin, p->highest);
        stmt_give(p);
        return E_INTERNAL;
    }
    if (changes && !tx->write) {
        snprintf(x->why, sizeof x->why, "a change inside db_read");
        stmt_give(p);
        return E_INTERNAL;
    }
    for (int i = 0; i < p->nparams && rc == SQLITE_OK; i++)
        rc = bind_one(p->s, i + 1, &x->in[p->number[i] - 1]);
    if (rc == SQLITE_OK)
        rc = stmt_run(c, p->s, x, &own);
    if (code_of(rc) != E_OK)
        snprintf(x->why, sizeof x->why, "sqlite %d: %s", rc, sqlite3_errmsg(s->h));
    else if (changes)
        x->changed = sqlite3_changes64(s->h);
    stmt_give(p);
    *ret_own = own != E_OK;
    return own != E_OK ? own : code_of(rc);
}

static enum err lite_check(struct db *db, struct ctx *c, const struct query *q, struct str *ret_why)
{
    struct lite *l = db->inner;
    struct conn *s = NULL;
    struct stmt *p = NULL;
    char why[200];
    enum err e = reader_take(l, &s);
    if (e != E_OK)
        return db_fail(c, e, __FILE__);
    int rc = stmt_make(s, q->sql, &p, why, sizeof why);
    if (rc == SQLITE_OK)
        stmt_free(p);
    else
        *ret_why = arena_fmt(c->mem, "%s", why);
    pool_put(&l->readers, s);
    return rc == SQLITE_OK ? E_OK : db_fail(c, code_of(rc), __FILE__);
}

/* --- life --- */
static enum err ping_read(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct query q = {"db.ping", "SELECT count(*) FROM sqlite_schema"};
    (void)arg;
    return q_each(c, tx, &q, IN0, NULL, NULL);
}

static enum err lite_ping(struct db *db, struct ctx *c)
{
    enum err e = file_check(db->inner, true);
    if (e != E_OK)
        return db_fail(c, e, __FILE__);
    return db_read(db, c, ping_read, NULL);
}

static void lite_close(struct db *db)
{
    struct lite *l = db->inner;
    if (l->thread)
        writer_stop(l->thread);
    while (l->readers.nidle > 0)
        conn_end(l->readers.idle[--l->readers.nidle]);
    conn_end(l->writer);
    pool_end(&l->readers);
    mutex_free(&l->file_lock);
    heap_free(l->path);
    heap_free(l);
}

static enum err lite_open(struct db *db, struct ctx *c, const char *where)
{
    if (!*where || *where == ':')
        return fail_at(c, E_INVALID, __FILE__,
                       "the database needs a file; write sqlite:PATH, for example "
                       "sqlite:data/anju.db");
    /* Counting memory takes a global lock on every allocation; refused, harmlessly, after the first
     * open. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    struct lite *l = heap_get(sizeof *l);
    db->inner = l;
    l->db = db;
    l->path = heap_get(strlen(where) + 1);
    memcpy(l->path, where, strlen(where));
    mutex_init(&l->file_lock);
    pool_init(&l->readers, db->o.readers);
    enum err e = file_create(c, l);
    if (e == E_OK) {
        char why[200];
        l->writer = conn_new(l, true);
        e = conn_open(l->writer, why, sizeof why);
        if (e != E_OK)
            fail_at(c, e, __FILE__,
                    "cannot use %s: %s; is it in use by another program, or "
                    "not a database?",
                    l->path, why);
    }
    if (e == E_OK && !(l->thread = writer_start(db, &writer_ops, l->writer, db->o.writer_batch)))
        e = fail_at(c, E_BUSY, __FILE__, "the system refuses a thread; raise its limits");
    if (e != E_OK)
        lite_close(db);
    return e;
}

static int64_t lite_queue_len(struct db *db)
{
    struct lite *l = db->inner;
    return (int64_t)writer_queue_len(l->thread);
}

/* --- whole databases --- */
/* All pages in one step: in WAL mode it reads one snapshot, and nobody waits for it. The copy's
 * head says WAL like ours; it is to be one file. */
static int pages_copy(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    if (!b)
        return sqlite3_extended_errcode(to);
    (void)sqlite3_backup_step(b, -1);
    int rc = sqlite3_backup_finish(b);
    return rc != SQLITE_OK ? rc : sqlite3_exec(to, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
}

static enum err lite_image(struct db *db, struct ctx *c, const char *path)
{
    struct lite *l = db->inner;
    struct conn *s = NULL;
    sqlite3 *to = NULL;
    enum err e = reader_take(l, &s);
    if (e != E_OK)
        return db_fail(c, e, __FILE__);
    int rc = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK)
        rc = pages_copy(s->h, to);
    if (rc != SQLITE_OK)
        log_line(LOG_ERROR, "db", "image failed=%d why=\"%s\"", rc, sqlite3_errstr(rc));
    (void)sqlite3_close(to);
    pool_put(&l->readers, s);
    e = code_of(rc);
    return e == E_OK ? E_OK : db_fail(c, e, __FILE__);
}

/* Leaving WAL takes the only connection. The next opening goes back to it. */
static enum err lite_alone(struct db *db, struct ctx *c)
{
    struct lite *l = db->inner;
    (void)c;
    return code_of(sqlite3_exec(l->writer->h, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL));
}

const struct engine engine_sqlite = {.id = DB_SQLITE,
                                     .open = lite_open,
                                     .close = lite_close,
                                     .ping = lite_ping,
                                     .read = lite_read,
                                     .write = lite_write,
                                     .send = lite_send,
                                     .exec = lite_exec,
                                     .check = lite_check,
                                     .queue_len = lite_queue_len,
                                     .image = lite_image,
                                     .alone = lite_alone};
