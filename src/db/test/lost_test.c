/* lost_test.c - what goes wrong outside: bad addresses, a lock held by somebody else, a file that
 * vanishes or is replaced, a full disk, a lost server. Always an answer, nothing half-written, and
 * recovery without a restart. */
#include "base/crypto.h"
#include "db/test/item.h"
#include <sys/stat.h>
#include <sys/wait.h>

static enum err open_fails(const char *url, const char *says)
{
    struct ctx c = ctx_make();
    struct db *db = NULL;
    enum err e = db_open(&c, url, NULL, &db);
    assert_true(e != E_OK);
    assert_null(db);
    if (str_find(c.fault.message, str_of(says)) < 0)
        fail_msg("%s: " PRS, url, PRA(c.fault.message));
    arena_free(c.mem);
    return e;
}

static void test_open_fails(void **state)
{
    (void)state;
    open_fails("anju.db", "write sqlite:PATH");
    open_fails("sqlite:", "write sqlite:PATH");
    open_fails("sqlite:/nowhere-at-all/x/a.db", "mkdir -p /nowhere-at-all/x");
    open_fails("sqlite:/tmp", "/tmp");
    open_fails("sqlite:/etc/passwd", "/etc/passwd");
    assert_int_equal(open_fails("postgres://127.0.0.1:1/none", "cannot use PostgreSQL"), E_BUSY);
}

/* Another process holds the write lock until told. */
static pid_t lock_child(const char *url, int *ret_held, int *ret_go)
{
    int held[2], go[2];
    char ch = 0;
    assert_true(pipe(held) == 0 && pipe(go) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("python3", "python3", "-c",
               "import sqlite3,sys,os\n"
               "d=sqlite3.connect(sys.argv[1],isolation_level=None)\n"
               "d.execute('BEGIN EXCLUSIVE')\n"
               "os.write(int(sys.argv[2]),b'x')\n"
               "os.read(int(sys.argv[3]),1)\n"
               "d.execute('ROLLBACK')\n",
               url + 7, arena_fmt(arena_new(4096), "%d", held[1]).p,
               arena_fmt(arena_new(4096), "%d", go[0]).p, (char *)NULL);
        _exit(127);
    }
    close(held[1]);
    close(go[0]);
    assert_int_equal(read(held[0], &ch, 1), 1);
    *ret_held = held[0];
    *ret_go = go[1];
    return pid;
}

static void test_locked(void **state)
{
    (void)state;
    if (fix_pg)
        return;
    struct fix *f = fresh();
    int held, go, status;
    pid_t pid = lock_child(f->url, &held, &go);
    assert_int_equal(fix_sql(f, "INSERT INTO item (id) VALUES (1)"), E_BUSY);
    assert_int_equal(f->c.fault.code, E_BUSY);
    assert_true(f->c.fault.retry_after_s > 0);
    assert_int_equal(fix_number(f, "SELECT count(*) FROM item"), 0); /* reads go on */
    assert_int_equal(write(go, "x", 1), 1);
    close(go);
    close(held);
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(fix_sql(f, "INSERT INTO item (id) VALUES (1)"), E_OK);
    fix_close(f);
}

static void test_file_lost(void **state)
{
    (void)state;
    if (fix_pg)
        return;
    struct fix *f = fresh(), *g = fresh();
    char moved[128];
    const char *path = f->url + 7;
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(moved, sizeof moved, "%s.moved", path);
    assert_int_equal(fix_sql(f, "INSERT INTO item (id) VALUES (1)"), E_OK);
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(db_ping(f->db, &f->c), E_BUSY);
    assert_int_equal(fix_sql(f, "INSERT INTO item (id) VALUES (2)"), E_BUSY);
    assert_int_equal(fix_number(f, "SELECT count(*) FROM item"), -1);
    assert_int_equal(rename(moved, path), 0);
    fault_clear(&f->c);
    assert_int_equal(db_ping(f->db, &f->c), E_OK);
    assert_int_equal(fix_number(f, "SELECT count(*) FROM item"), 1);
    assert_int_equal(fix_sql(f, "INSERT INTO item (id) VALUES (2)"), E_OK);
    /* another database is put in its place */
    assert_int_equal(fix_sql(g, "INSERT INTO item (id) VALUES (1), (2), (3)"), E_OK);
    db_close(g->db);
    for (int i = 0; i < 3; i++) {
        static const char *const tails[] = {"-wal", "-shm", ""};
        snprintf(moved, sizeof moved, "%s%s", path, tails[i]);
        unlink(moved);
    }
    assert_int_equal(db_ping(f->db, &f->c), E_BUSY);
    assert_int_equal(rename(g->url + 7, path), 0);
    fault_clear(&f->c);
    assert_int_equal(db_ping(f->db, &f->c), E_OK);
    assert_int_equal(fix_number(f, "SELECT count(*) FROM item"), 3);
    assert_int_equal(fix_sql(f, "INSERT INTO item (id) VALUES (4)"), E_OK);
    assert_int_equal(fix_number(f, "SELECT count(*) FROM item"), 4);
    assert_int_equal(db_open(&g->c, g->url, NULL, &g->db), E_OK);
    fix_close(g);
    fix_close(f);
}

/* A full disk (SQLite gives up its whole transaction then): that unit fails, the others stay. */
static enum err too_much(struct ctx *c, struct tx *tx, void *arg)
{
    char *p = arena_try(c->mem, 4 << 20);
    (void)arg;
    TRY(tx_exec_text(c, tx, "PRAGMA max_page_count = 200"));
    return q_do(c, tx, &item_add,
                IN(v_int(100), v_null(), v_null(), v_null(), v_blob((struct str){p, 4 << 20})),
                NULL);
}

static enum err queue_up(struct ctx *c, struct tx *tx, void *arg)
{
    struct job *j = arg;
    if (j->id == 1)
        clock_sleep_ms(100); /* the others queue up behind this one */
    return add(c, tx, j->id, 0);
}

static void full_thread(void *arg)
{
    struct job *j = arg;
    struct ctx c = ctx_make();
    clock_sleep_ms(j->id == 1 ? 0 : 30);
    j->result = db_write(j->db, &c, j->id == 3 ? too_much : queue_up, j);
    arena_free(c.mem);
}

static void test_full(void **state)
{
    (void)state;
    if (fix_pg)
        return;
    struct fix *f = fresh();
    struct job jobs[5] = {0};
    for (int i = 0; i < 5; i++) {
        jobs[i].db = f->db;
        jobs[i].id = i + 1;
        jobs[i].thread = thread_start("full", full_thread, &jobs[i]);
    }
    for (int i = 0; i < 5; i++) {
        thread_join(jobs[i].thread);
        assert_int_equal(jobs[i].result, i == 2 ? E_FULL : E_OK);
    }
    assert_int_equal(fix_number(f, "SELECT count(*) FROM item"), 4);
    fix_close(f);
}

static _Atomic int holding;

static enum err hold_table(struct ctx *c, struct tx *tx, void *arg)
{
    struct job *j = arg;
    TRY(tx_exec_text(c, tx, "LOCK TABLE item IN ACCESS EXCLUSIVE MODE"));
    holding = 1;
    for (int i = 0; i < 5000 && !j->runs; i++)
        clock_sleep_ms(1);
    return E_OK;
}

static void hold_thread(void *arg)
{
    struct job *j = arg;
    struct ctx c = ctx_make();
    j->result = db_write(j->db, &c, hold_table, j);
    arena_free(c.mem);
}

static void test_table_locked(void **state)
{
    (void)state;
    if (!fix_pg)
        return;
    struct fix *f = fresh();
    struct job j = {.db = f->db};
    holding = 0;
    j.thread = thread_start("hold", hold_thread, &j);
    while (!holding)
        clock_sleep_ms(1);
    assert_int_equal(fix_sql(f, "INSERT INTO item (id) VALUES (1)"), E_BUSY);
    j.runs = 1;
    thread_join(j.thread);
    assert_int_equal(j.result, E_OK);
    assert_int_equal(fix_sql(f, "INSERT INTO item (id) VALUES (1)"), E_OK);
    fix_close(f);
}

static void backends_end(struct fix *f)
{
    struct ctx c = ctx_make();
    struct db *other = NULL;
    struct val v = v_text(S("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                            "application_name = 'anju' AND pid <> pg_backend_pid() AND datname = "
                            "current_database()"));
    assert_int_equal(db_open(&c, f->url, NULL, &other), E_OK);
    assert_int_equal(db_read(other, &c, run_number, &v), E_OK);
    assert_true(val_int(v) > 0);
    db_close(other);
    arena_free(c.mem);
    clock_sleep_ms(100);
}

static enum err cut_between(struct ctx *c, struct tx *tx, void *arg)
{
    TRY(add(c, tx, 50, 1));
    backends_end(arg);
    return add(c, tx, 51, 1);
}

static void test_backend_lost(void **state)
{
    (void)state;
    if (!fix_pg)
        return;
    struct fix *f = fresh();
    backends_end(f);
    assert_int_equal(fix_sql(f, "INSERT INTO item (id) VALUES (1)"), E_BUSY);
    assert_int_equal(fix_sql(f, "INSERT INTO item (id) VALUES (1)"), E_OK);
    fault_clear(&f->c);
    assert_int_equal(db_write(f->db, &f->c, cut_between, f), E_BUSY);
    assert_int_equal(fix_number(f, "SELECT count(*) FROM item"), 1);
    backends_end(f);
    fault_clear(&f->c);
    assert_int_equal(db_ping(f->db, &f->c), E_OK);
    fix_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_fails),   cmocka_unit_test(test_locked),
        cmocka_unit_test(test_file_lost),    cmocka_unit_test(test_full),
        cmocka_unit_test(test_table_locked), cmocka_unit_test(test_backend_lost)};
    crypto_start();
    return RUN_BOTH(tests);
}
