/* db_test.c - the door's promises, proved on both engines with the same tests: values come back as
 * they went in, a failed unit leaves nothing, units are as if one after another. */
#include "base/crypto.h"
#include "db/test/item.h"

static const struct query item_get = {"item.get", "SELECT n, r, t, b FROM item WHERE id = $1"};
static const struct query item_list = {"item.list", "SELECT id, t FROM item ORDER BY id"};
static const struct query item_set = {"item.set", "UPDATE item SET n = $2 WHERE id = $1"};
static const struct query item_inc = {"item.inc", "UPDATE item SET n = n + 1 WHERE id = $1"};

/* --- values --- */
static const char blob_bytes[] = {0, 1, (char)0xff, 0, 'x', 0};

static enum err values_write(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    int64_t n = -1;
    TRY(q_do(c, tx, &item_add,
             IN(v_int(1), v_int(INT64_MIN), v_real(0.1), v_text(S("物业 'né' 🏠")),
                v_blob((struct str){blob_bytes, sizeof blob_bytes})),
             &n));
    assert_int_equal(n, 1);
    TRY(q_do(c, tx, &item_add,
             IN(v_int(2), v_null(), v_null(), v_text((struct str){0}), v_blob((struct str){0})),
             &n));
    TRY(q_do(c, tx, &item_set, IN(v_int(2), v_int(INT64_MAX)), &n));
    assert_int_equal(n, 1);
    TRY(q_do(c, tx, &item_set, IN(v_int(77), v_int(0)), &n));
    assert_int_equal(n, 0);
    return E_OK;
}

static enum err values_read(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    struct val v[4];
    TRY(q_one(c, tx, &item_get, IN(v_int(1)), v, 4));
    assert_true(val_eq(v[0], v_int(INT64_MIN)));
    assert_true(val_eq(v[1], v_real(0.1)));
    assert_true(val_eq(v[2], v_lit("物业 'né' 🏠")));
    assert_true(val_eq(v[3], v_blob((struct str){blob_bytes, sizeof blob_bytes})));
    TRY(q_one(c, tx, &item_get, IN(v_int(2)), v, 4));
    assert_true(val_eq(v[0], v_int(INT64_MAX)));
    assert_true(val_eq(v[1], v_null()));
    assert_true(v[2].t == V_TEXT && v[2].s.n == 0);
    assert_true(v[3].t == V_BLOB && v[3].s.n == 0);
    assert_int_equal(q_one(c, tx, &item_get, IN(v_int(3)), v, 4), E_MISSING);
    assert_int_equal(c->fault.code, E_OK);
    struct rows r;
    TRY(q_rows(c, tx, &item_list, IN0, 10, &r));
    assert_int_equal(r.n, 2);
    assert_int_equal(r.ncol, 2);
    assert_int_equal(q_rows(c, tx, &item_list, IN0, 1, &r), E_TOOBIG);
    fault_clear(c);
    return q_one(c, tx, &item_get, IN(v_int(1)), v, 4); /* too many rows is no failed statement */
}

static void test_values(void **state)
{
    (void)state;
    struct fix *f = fresh();
    assert_int_equal(db_write(f->db, &f->c, values_write, NULL), E_OK);
    assert_int_equal(db_read(f->db, &f->c, values_read, NULL), E_OK);
    assert_int_equal(fix_number(f, "SELECT sum(n) FROM item WHERE id = 2"), INT64_MAX);
    assert_int_equal(fix_number(f, "SELECT count(*) FROM item"), 2);
    fix_close(f);
}

static enum err nested_row(struct ctx *c, const struct val *row, int ncol, void *arg)
{
    struct rows r;
    struct tx *tx = arg;
    (void)row, (void)ncol;
    return q_rows(c, tx, &item_list, IN0, 10, &r); /* the same query, still running outside */
}

static enum err nested_read(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    return q_each(c, tx, &item_list, IN0, nested_row, tx);
}

static void test_nested_query(void **state)
{
    (void)state;
    struct fix *f = fresh();
    assert_int_equal(db_write(f->db, &f->c, values_write, NULL), E_OK);
    assert_int_equal(db_read(f->db, &f->c, nested_read, NULL), E_OK);
    fix_close(f);
}

/* --- doom --- */
static enum err doomed(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct query bad = {"bad", "SELECT nothing FROM nowhere"};
    int *after = arg;
    TRY(add(c, tx, 10, 1));
    tx_after_commit(tx, (void (*)(void *))(uintptr_t)abort, NULL);
    assert_int_equal(q_do(c, tx, &bad, IN0, NULL), E_DB);
    *after = (int)add(c, tx, 11, 1); /* refused: the transaction is lost on both engines */
    return E_OK;
}

static void test_doomed(void **state)
{
    (void)state;
    struct fix *f = fresh();
    int after = E_OK;
    assert_int_equal(db_write(f->db, &f->c, doomed, &after), E_DB);
    assert_int_equal(after, E_DB);
    assert_int_equal(f->c.fault.code, E_DB);
    assert_int_equal(fix_number(f, "SELECT count(*) FROM item"), 0);
    fix_close(f);
}

/* --- changes nobody waits for --- */
static enum err send(struct ctx *c, struct tx *tx, int64_t id, const char *t)
{
    return q_send(c, tx, &item_add,
                  IN(v_int(id), v_int(1), v_null(), t ? v_text(str_of(t)) : v_null(), v_null()));
}

static enum err sent_many(struct ctx *c, struct tx *tx, void *arg)
{
    enum { MANY = 1000 }; /* far more than travel together */
    struct rows r;
    (void)arg;
    for (int i = 1; i <= MANY; i++)
        TRY(send(c, tx, i, NULL));
    TRY(q_rows(c, tx, &item_list, IN0, MANY, &r)); /* what was sent is there for what comes after */
    assert_int_equal(r.n, MANY);
    return send(c, tx, MANY + 1, NULL); /* travels with the commit */
}

static enum err sent_clash(struct ctx *c, struct tx *tx, void *arg)
{
    struct val v[4];
    TRY(send(c, tx, 1, "x"));
    enum err e = send(c, tx, 2, "x");
    if (e != E_OK || !arg) /* at once, or at the commit */
        return e;
    return q_one(c, tx, &item_get, IN(v_int(1)), v, 4); /* or with the next statement */
}

static enum err sent_then_refused(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    TRY(send(c, tx, 1, "x"));
    if (send(c, tx, 2, "x") != E_OK)
        fault_clear(c);
    return FAIL(c, E_CONFLICT, "旧", "old");
}

static enum err sent_wrong(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct query wrong = {"item.wrong", "UPDATE item SET none = 1 WHERE id = $1"};
    (void)arg;
    return q_send(c, tx, &wrong, IN(v_int(1)));
}

static void test_sent(void **state)
{
    (void)state;
    struct fix *f = fresh();
    for (int turn = 0; turn < 2; turn++) { /* the same connections again: nothing is left on them */
        assert_int_equal(db_write(f->db, &f->c, sent_clash, NULL), E_DB);
        assert_int_equal(db_write(f->db, &f->c, sent_clash, f), E_DB);
        assert_int_equal(db_write(f->db, &f->c, sent_wrong, NULL), E_DB);
        enum err e = db_write(f->db, &f->c, sent_then_refused, NULL);
        assert_true(e == E_CONFLICT || e == E_DB);
        assert_int_equal(fix_number(f, "SELECT count(*) FROM item"), 0);
        fault_clear(&f->c);
    }
    assert_int_equal(db_write(f->db, &f->c, sent_many, NULL), E_OK);
    assert_int_equal(fix_number(f, "SELECT count(*) FROM item"), 1001);
    fix_close(f);
}

static enum err refuse(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    TRY(add(c, tx, 10, 1));
    return FAIL(c, E_CONFLICT, "旧", "old");
}

static enum err clash(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    TRY(add(c, tx, 1, 1));
    TRY(q_do(c, tx, &item_add, IN(v_int(2), v_null(), v_null(), v_lit("x"), v_null()), NULL));
    return q_do(c, tx, &item_add, IN(v_int(3), v_null(), v_null(), v_lit("x"), v_null()), NULL);
}

static enum err clash_key(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    TRY(add(c, tx, 1, 1));
    return add(c, tx, 1, 1);
}

static enum err write_in_read(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    return add(c, tx, 1, 1);
}

static enum err nul_text(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    return q_do(c, tx, &item_add, IN(v_int(1), v_null(), v_null(), v_lit("a\0b"), v_null()), NULL);
}

static enum err few_values(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    return q_do(c, tx, &item_set, IN(v_int(1)), NULL);
}

static void test_refusals(void **state)
{
    (void)state;
    struct fix *f = fresh();
    assert_int_equal(db_write(f->db, &f->c, refuse, NULL), E_CONFLICT);
    assert_string_equal(f->c.fault.message.p, "old");
    fault_clear(&f->c);
    assert_int_equal(db_write(f->db, &f->c, clash, NULL), E_EXISTS);
    fault_clear(&f->c);
    assert_int_equal(db_write(f->db, &f->c, clash_key, NULL), E_EXISTS);
    fault_clear(&f->c);
    assert_int_equal(db_read(f->db, &f->c, write_in_read, NULL), E_INTERNAL);
    fault_clear(&f->c);
    assert_int_equal(db_write(f->db, &f->c, nul_text, NULL), E_INVALID);
    fault_clear(&f->c);
    assert_true(db_write(f->db, &f->c, few_values, NULL) != E_OK);
    assert_int_equal(fix_number(f, "SELECT count(*) FROM item"), 0);
    assert_int_equal(fix_sql(f, "INSERT INTO item (id) VALUES (1)"), E_OK);
    fix_close(f);
}

/* --- one after another --- */
enum { THREADS = 16, TIMES = 200 };
static _Atomic int after_count;
static void count_after(void *arg)
{
    (void)arg;
    after_count++;
}

static enum err increment(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct query get = {"item.n", "SELECT n FROM item WHERE id = $1"};
    struct val v;
    (void)arg;
    tx_after_commit(tx, count_after, NULL);
    TRY(q_one(c, tx, &get, IN(v_int(1)), &v, 1));
    return q_do(c, tx, &item_set, IN(v_int(1), v_int(v.i + 1)), NULL);
}

static void increment_many(void *arg)
{
    struct job *j = arg;
    struct ctx c = ctx_make();
    for (int done = 0; done < TIMES; arena_reset(c.mem)) {
        enum err e = db_write(j->db, &c, increment, NULL);
        fault_clear(&c);
        done += e == E_OK;
        if (e != E_OK && e != E_BUSY) { /* E_BUSY: too many clashes, nothing was done, try again */
            j->result = e;
            break;
        }
    }
    arena_free(c.mem);
}

static void test_counter(void **state)
{
    (void)state;
    struct fix *f = fresh();
    struct job jobs[THREADS] = {0};
    after_count = 0;
    assert_int_equal(fix_sql(f, "INSERT INTO item (id, n) VALUES (1, 0)"), E_OK);
    for (int i = 0; i < THREADS; i++) {
        jobs[i].db = f->db;
        jobs[i].thread = thread_start("inc", increment_many, &jobs[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(jobs[i].thread);
        assert_int_equal(jobs[i].result, E_OK);
    }
    assert_int_equal(fix_number(f, "SELECT n FROM item WHERE id = 1"), THREADS * TIMES);
    assert_int_equal(after_count, THREADS * TIMES);
    fix_close(f);
}

/* --- writes nobody waits for --- */
struct sent {
    struct job job;
    struct ctx c;
    _Atomic int told;
};

static enum err sent_add(struct ctx *c, struct tx *tx, void *arg)
{
    struct sent *s = arg;
    tx_after_commit(tx, count_after, NULL);
    TRY(add(c, tx, s->job.id, 0));
    return s->job.id % 5 == 0 ? FAIL(c, E_STATE, "不行", "no") : E_OK;
}

static void sent_told(void *arg, enum err result)
{
    struct sent *s = arg;
    s->job.result = result;
    s->told++;
}

static void test_write_then(void **state)
{
    enum { SENT = 40 };
    (void)state;
    struct fix *f = fresh();
    static struct sent sent[SENT];
    memset(sent, 0, sizeof sent);
    after_count = 0;
    for (int i = 0; i < SENT; i++) {
        sent[i].job.id = i + 1;
        sent[i].c = ctx_make();
        db_write_then(f->db, &sent[i].c, sent_add, &sent[i], sent_told);
    }
    for (int i = 0; i < SENT; i++) {
        while (sent[i].told == 0)
            clock_sleep_ms(1);
        assert_int_equal(sent[i].told, 1);
        assert_int_equal(sent[i].job.result, sent[i].job.id % 5 ? E_OK : E_STATE);
        arena_free(sent[i].c.mem);
    }
    assert_int_equal(fix_number(f, "SELECT count(*) FROM item"), SENT - SENT / 5);
    assert_int_equal(after_count, SENT - SENT / 5);
    fix_close(f);
}

/* Two doctors: each goes off duty when it sees the other on duty. As if one after another, one
 * stays. */
static _Atomic int skew_seen;

static enum err skew(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct query sum = {"item.sum", "SELECT sum(n) FROM item"};
    struct job *j = arg;
    struct val v;
    tx_after_commit(tx, count_after, NULL);
    TRY(q_one(c, tx, &sum, IN0, &v, 1));
    if (j->runs++ == 0) {
        skew_seen++;
        for (int i = 0; i < 100 && skew_seen < 2; i++)
            clock_sleep_ms(1);
    }
    return v.i < 2 ? E_OK : q_do(c, tx, &item_set, IN(v_int(j->id), v_int(0)), NULL);
}

static void skew_thread(void *arg)
{
    struct job *j = arg;
    struct ctx c = ctx_make();
    j->result = db_write(j->db, &c, skew, j);
    arena_free(c.mem);
}

static void test_write_skew(void **state)
{
    (void)state;
    struct fix *f = fresh();
    struct job jobs[2] = {{.db = f->db, .id = 1}, {.db = f->db, .id = 2}};
    after_count = skew_seen = 0;
    assert_int_equal(fix_sql(f, "INSERT INTO item (id, n) VALUES (1, 1), (2, 1)"), E_OK);
    for (int i = 0; i < 2; i++)
        jobs[i].thread = thread_start("skew", skew_thread, &jobs[i]);
    for (int i = 0; i < 2; i++) {
        thread_join(jobs[i].thread);
        assert_int_equal(jobs[i].result, E_OK);
    }
    assert_int_equal(fix_number(f, "SELECT sum(n) FROM item"), 1);
    assert_int_equal(after_count, 2); /* also when one of them ran twice */
    if (fix_pg)
        assert_true(jobs[0].runs + jobs[1].runs >= 3);
    fix_close(f);
}

/* --- a batch whose commit fails is run again one by one (SQLite) --- */
static enum err slow_add(struct ctx *c, struct tx *tx, void *arg)
{
    struct job *j = arg;
    j->runs++;
    tx_after_commit(tx, count_after, NULL);
    if (j->id == 1)
        clock_sleep_ms(100); /* the others queue up behind this one */
    if (j->id == 3)
        return FAIL(c, E_STATE, "不行", "no");
    return add(c, tx, j->id, 0);
}

static void slow_thread(void *arg)
{
    struct job *j = arg;
    struct ctx c = ctx_make();
    clock_sleep_ms(j->id == 1 ? 0 : 30);
    j->result = db_write(j->db, &c, slow_add, j);
    arena_free(c.mem);
}

static void test_batch_rerun(void **state)
{
    (void)state;
    if (fix_pg)
        return;
    struct fix *f = fresh();
    struct job jobs[4] = {0};
    after_count = 0;
    db_fault_nth(f->db, DB_FAULT_COMMIT, 2);
    for (int i = 0; i < 4; i++) {
        jobs[i] = (struct job){.db = f->db, .id = i + 1};
        jobs[i].thread = thread_start("slow", slow_thread, &jobs[i]);
    }
    for (int i = 0; i < 4; i++) {
        thread_join(jobs[i].thread);
        assert_int_equal(jobs[i].result, i == 2 ? E_STATE : E_OK);
        assert_int_equal(jobs[i].runs, i == 0 ? 1 : 2);
    }
    assert_int_equal(after_count, 3);
    assert_int_equal(fix_number(f, "SELECT count(*) FROM item"), 3);
    fix_close(f);
}

/* --- faults at every step --- */
static const char *const pair_names[] = {"a", "b", "v"};
static const struct bulk pair_bulk = {"pair", pair_names, 3, ""};

static enum err many_steps(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    struct val v[3 * 60];
    for (int i = 0; i < 60; i++) {
        v[3 * i] = v_int(i);
        v[3 * i + 1] = v_lit("b");
        v[3 * i + 2] = v_int(i);
    }
    TRY(add(c, tx, 1, 1));
    TRY(q_bulk(c, tx, &pair_bulk, v, 60, NULL));
    return add(c, tx, 2, 2);
}

static void fault_every(struct fix *f, enum db_fault what, int least)
{
    static const char all[] = "SELECT (SELECT count(*) FROM item) + (SELECT count(*) FROM pair)";
    int n = 1;
    for (;; n++) {
        fault_clear(&f->c);
        db_fault_nth(f->db, what, n);
        enum err e = db_write(f->db, &f->c, many_steps, NULL);
        db_fault_nth(f->db, DB_FAULT_NONE, 0);
        if (e == E_OK)
            break;
        assert_int_equal(e, E_DB);
        assert_int_equal(fix_number(f, all), 0);
    }
    assert_true(n > least);
    assert_int_equal(fix_number(f, all), 62);
    assert_int_equal(fix_sql(f, "DELETE FROM item"), E_OK);
    assert_int_equal(fix_sql(f, "DELETE FROM pair"), E_OK);
}

static void test_faults(void **state)
{
    (void)state;
    struct fix *f = fresh();
    fault_every(f, DB_FAULT_STATEMENT, 5);
    fault_every(f, DB_FAULT_COMMIT, 1);
    fix_close(f);
}

/* --- bulk --- */
static enum err bulk_put(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct query clear = {"pair.clear", "DELETE FROM pair"};
    int n = *(int *)arg;
    int64_t changed = -1;
    struct val *v = arena_try(c->mem, (size_t)n * 3 * sizeof *v);
    for (int i = 0; i < n; i++) {
        v[3 * i] = v_int(i);
        v[3 * i + 1] = v_text(arena_fmt(c->mem, "单元 %d", i));
        v[3 * i + 2] = v_int(i * 7);
    }
    TRY(q_do(c, tx, &clear, IN0, NULL));
    TRY(q_bulk(c, tx, &pair_bulk, v, (size_t)n, &changed));
    assert_int_equal(changed, n);
    struct bulk again = pair_bulk;
    again.on_conflict = "ON CONFLICT DO NOTHING";
    TRY(q_bulk(c, tx, &again, v, (size_t)n, &changed));
    assert_int_equal(changed, 0);
    return E_OK;
}

static void test_bulk(void **state)
{
    (void)state;
    struct fix *f = fresh();
    for (int n = 1; n <= 260; n += n < 110 || n > 195 ? 1 : 17) {
        assert_int_equal(db_write(f->db, &f->c, bulk_put, &n), E_OK);
        arena_reset(f->c.mem);
        assert_int_equal(fix_number(f, "SELECT count(*) FROM pair"), n);
        assert_int_equal(fix_number(f, "SELECT sum(v) FROM pair"), 7 * n * (n - 1) / 2);
    }
    fix_close(f);
}

/* --- statements kept, checked, explained --- */
static enum err claim(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct query q = {
        "item.claim",
        "SELECT id FROM item WHERE n = $1 ORDER BY id LIMIT 1 /*pg:FOR UPDATE SKIP LOCKED*/"};
    return q_one(c, tx, &q, IN(v_int(5)), arg, 1);
}

static void test_statements(void **state)
{
    (void)state;
    static const struct query bad = {"bad", "SELECT nothing FROM item"};
    struct fix *f = fresh();
    struct str why = {0};
    struct val v = v_null();
    const struct query *a = db_intern(f->db, S("n"), S("SELECT 1 WHERE 1 = $1"));
    assert_ptr_equal(a, db_intern(f->db, S("n"), S("SELECT 1 WHERE 1 = $1")));
    assert_ptr_not_equal(a, db_intern(f->db, S("n"), S("SELECT 1 WHERE 2 = $1")));
    assert_int_equal(db_prepare_check(f->db, &f->c, a, &why), E_OK);
    assert_int_equal(db_prepare_check(f->db, &f->c, &item_add, &why), E_OK);
    assert_int_equal(db_prepare_check(f->db, &f->c, &bad, &why), E_DB);
    assert_true(str_find(why, S("nothing")) >= 0);
    fault_clear(&f->c);
    assert_int_equal(db_explain(f->db, &f->c, &item_get, IN(v_int(1)), &why), E_OK);
    assert_true(str_find(why, fix_pg ? S("item_pkey") : S("PRIMARY KEY")) >= 0);
    assert_int_equal(db_explain(f->db, &f->c, &item_inc, IN(v_int(1)), &why), E_OK);
    assert_int_equal(fix_sql(f, "INSERT INTO item (id, n) VALUES (7, 5), (8, 5)"), E_OK);
    assert_int_equal(db_write(f->db, &f->c, claim, &v), E_OK);
    assert_int_equal(val_int(v), 7);
    struct db_stats s;
    db_stats_get(f->db, &s);
    assert_true(s.statements > 0 && s.writes > 0 && s.commits > 0);
    fix_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),     cmocka_unit_test(test_nested_query),
        cmocka_unit_test(test_doomed),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_counter),    cmocka_unit_test(test_write_skew),
        cmocka_unit_test(test_write_then), cmocka_unit_test(test_batch_rerun),
        cmocka_unit_test(test_faults),     cmocka_unit_test(test_bulk),
        cmocka_unit_test(test_statements), cmocka_unit_test(test_sent)};
    crypto_start();
    return RUN_BOTH(tests);
}
