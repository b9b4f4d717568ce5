/* fixture.h - a fresh database per test on either engine. SQLite lives in a temporary directory;
 * PostgreSQL is used when ANJU_TEST_PG holds an address, inside a schema of its own that is dropped
 * and made anew, and skipped loudly otherwise. */
#pragma once
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cal.h"
#include "base/log.h"
#include "db/engine.h"

struct fix {
    struct db *db;
    struct ctx c;
    struct db_options o;
    char dir[64], url[1024];
};
static bool fix_pg; /* which engine the group in hand runs on */

static struct ctx ctx_make(void)
{
    return (struct ctx){
        .mem = arena_new(ARENA_REPORT_BYTES), .lang = LANG_EN, .now_ms = 1700000000000};
}

static enum err run_text(struct ctx *c, struct tx *tx, void *arg)
{
    return tx_exec_text(c, tx, arg);
}

/* One statement without parameters in a transaction of its own. */
static enum err fix_sql(struct fix *f, const char *sql)
{
    fault_clear(&f->c);
    return db_write(f->db, &f->c, run_text, (void *)(uintptr_t)sql);
}

static enum err run_number(struct ctx *c, struct tx *tx, void *arg)
{
    struct val *v = arg;
    const struct query *q = db_intern(tx_db(tx), S("test.number"), v->s);
    struct val got;
    TRY(q_one(c, tx, q, IN0, &got, 1));
    *v = got;
    return E_OK;
}

/* The integer that sql gives; -1 when it fails. */
static int64_t fix_number(struct fix *f, const char *sql)
{
    struct val v = v_text(str_of(sql));
    fault_clear(&f->c);
    return db_read(f->db, &f->c, run_number, &v) == E_OK ? val_int(v) : -1;
}

static struct fix *fix_open(struct db_options o)
{
    struct fix *f = heap_get(sizeof *f);
    f->c = ctx_make();
    f->o = o;
    if (fix_pg) {
        const char *url = getenv("ANJU_TEST_PG");
        snprintf(f->url, sizeof f->url, "%s%soptions=-csearch_path%%3Danju_db_test", url,
                 strchr(url, '?') ? "&" : "?");
    } else {
        snprintf(f->dir, sizeof f->dir, "/tmp/anju-db-XXXXXX");
        assert_non_null(mkdtemp(f->dir));
        snprintf(f->url, sizeof f->url, "sqlite:%s/a.db", f->dir);
    }
    enum err e = db_open(&f->c, f->url, &f->o, &f->db);
    if (e != E_OK)
        fail_msg("db_open: " PRS, PRA(f->c.fault.message));
    if (fix_pg) {
        assert_int_equal(fix_sql(f, "DROP SCHEMA IF EXISTS anju_db_test CASCADE"), E_OK);
        assert_int_equal(fix_sql(f, "CREATE SCHEMA anju_db_test"), E_OK);
    }
    return f;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static void fix_close(struct fix *f)
{
    db_close(f->db);
    arena_free(f->c.mem);
    if (f->dir[0]) {
        nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    }
    heap_free(f);
}

/* Runs the group on SQLite, then on PostgreSQL. */
#define RUN_BOTH(tests) run_both(tests, COUNT_OF(tests))
static int run_both(const struct CMUnitTest *tests, size_t n)
{
    fix_pg = false;
    int failed = _cmocka_run_group_tests("sqlite", tests, n, NULL, NULL);
    if (!getenv("ANJU_TEST_PG")) {
        fprintf(stderr, "*** SKIPPED on PostgreSQL: set ANJU_TEST_PG=postgres://…\n");
        return failed;
    }
    fix_pg = true;
    return failed + _cmocka_run_group_tests("postgres", tests, n, NULL, NULL);
}
