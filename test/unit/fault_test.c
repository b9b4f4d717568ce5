/* fault_test.c - whole requests whose n-th statement, commit, allocation or step of writing a file
 * fails, for every n until the request meets the fault no more. A refused one has changed nothing
 * (every table is summed before and after), the same request with the same Idempotency-Key then
 * passes, and its work is there once. Leaks are the address sanitizer's to find. */
#include "../fuzz/door.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/fs.h"
#include "core/batch.h"
#include "core/event.h"

enum hurt { HURT_STATEMENT, HURT_COMMIT, HURT_MEMORY, HURT_DISK, HURT__N };
static const char *const hurt_names[HURT__N] = {"statement", "commit", "allocation", "file step"};
enum { TURNS_MAX = 4000, PG_MEMORY_EVERY = 5, MANY_EVERY = 49 };

struct call { /* one request; made anew for every turn */
    const char *role, *method;
    struct str target, headers, body;
    bool photo;
};
struct op {
    const char *name;
    void (*make)(struct house *h, struct arena *a, struct call *ret, int turn);
    const char *count; /* how often the work is done */
    int64_t adds;
    bool many;        /* allocations, all alike: not each is tried */
    const char *kept; /* tables that a refused request may have written to */
    enum err (*run)(struct house *h, struct ctx *c, const struct call *k); /* NULL: the request */
};

/* --- the requests --- */

static int64_t number(struct house *h, struct arena *a, const char *f, int64_t id)
{
    return house_number(h, arena_fmt(a, "%s%lld", f, (long long)id).p);
}

static void make_ticket(struct house *h, struct arena *a, struct call *k, int turn)
{
    k->role = "desk";
    k->method = "POST";
    k->target = S("/api/v1/tickets");
    k->body = arena_fmt(a,
                        "{\"community_id\":%lld,\"kind\":\"repair\",\"channel\":\"phone\","
                        "\"title\":\"故障 %d\",\"space_id\":%lld,\"person_id\":%lld}",
                        (long long)h->a, turn, (long long)h->unit,
                        (long long)h->person[AS_RESIDENT]);
}

static void make_accept(struct house *h, struct arena *a, struct call *k, int turn)
{
    (void)turn;
    k->role = "desk";
    k->method = "POST";
    k->target = arena_fmt(a, "/api/v1/tickets/%lld/actions/accept",
                          (long long)house_ticket(h, KIND_REPAIR));
    k->body = S("{}");
}

static void make_comment(struct house *h, struct arena *a, struct call *k, int turn)
{
    (void)h;
    k->role = "desk";
    k->method = "POST";
    k->target = S("/api/v1/tickets/$ticket/comments");
    k->body = arena_fmt(a, "{\"text\":\"备注 %d\"}", turn);
}

static void make_photo(struct house *h, struct arena *a, struct call *k, int turn)
{
    (void)turn;
    k->role = "desk";
    k->method = "POST";
    k->target = arena_fmt(a, "/api/v1/tickets/%lld/files", (long long)house_ticket(h, KIND_REPAIR));
    k->photo = true;
}

static void make_login(struct house *h, struct arena *a, struct call *k, int turn)
{
    (void)h;
    enum as as = AS_MANAGER + (enum as)(turn % (AS__N - AS_MANAGER)); /* each name has a rate */
    k->role = "nobody";
    k->method = "POST";
    k->target = S("/api/v1/session");
    k->body = arena_fmt(a, "{\"login\":\"%s\",\"password\":\"anju-demo\"}", house_name(as));
}

static void make_import(struct house *h, struct arena *a, struct call *k, int turn)
{
    k->role = "manager";
    k->method = "POST";
    k->target = arena_fmt(a, "/api/v1/people/import?community_id=%lld", (long long)h->a);
    k->headers = S("Content-Type: text/csv");
    k->body = arena_fmt(a, "name\r\n张%d\r\n李%d\r\n王%d\r\n", turn, turn, turn);
}

static void make_patch(struct house *h, struct arena *a, struct call *k, int turn)
{
    int64_t id = h->who[AS_DESK]->user_id;
    k->role = "admin";
    k->method = "PATCH";
    k->target = arena_fmt(a, "/api/v1/users/%lld", (long long)id);
    k->headers = arena_fmt(a, "Content-Type: application/json\nIf-Match: %lld",
                           (long long)number(h, a, "SELECT version FROM app_user WHERE id = ", id));
    k->body = arena_fmt(a, "{\"name\":\"前台 %d\"}", turn);
}

static void make_reveal(struct house *h, struct arena *a, struct call *k, int turn)
{
    k->role = "desk";
    k->method = "POST";
    k->target = arena_fmt(a, "/api/v1/people/%lld/reveal", (long long)h->person[AS_RESIDENT]);
    k->body = arena_fmt(a, "{\"reason\":\"核对 %d\"}", turn);
}

static void make_person(struct house *h, struct arena *a, struct call *k, int turn)
{
    k->role = "manager";
    k->method = "POST";
    k->target = S("/api/v1/people");
    k->body = arena_fmt(a, "{\"community_id\":%lld,\"name\":\"新人 %d\",\"phone\":\"13900000000\"}",
                        (long long)h->a, turn);
}

static void make_export(struct house *h, struct arena *a, struct call *k, int turn)
{
    (void)turn;
    k->role = "manager";
    k->method = "GET";
    k->target = arena_fmt(a, "/api/v1/people/export.xlsx?community_id=%lld", (long long)h->a);
}

static int64_t last_batch(struct house *h)
{
    return house_number(h, "SELECT max(id) FROM import_batch");
}

static void make_stage(struct house *h, struct arena *a, struct call *k, int turn)
{
    k->role = "manager";
    k->method = "POST";
    k->target = arena_fmt(a, "/api/v1/imports?resource=people&community_id=%lld", (long long)h->a);
    k->headers = S("Content-Type: text/csv");
    k->body = arena_fmt(a, "name\r\n册一 %d\r\n册二 %d\r\n册三 %d\r\n", turn, turn, turn);
}

static void now_done(struct call *k)
{
    struct str json = S("Content-Type: application/json");
    assert_true(door_call(k->role, k->method, k->target, k->headers.n ? k->headers : json, k->body,
                          NULL) < 300);
    k->headers = S("");
}

static void make_check(struct house *h, struct arena *a, struct call *k, int turn)
{
    make_stage(h, a, k, turn);
    now_done(k);
    k->target = arena_fmt(a, "/api/v1/imports/%lld/check", (long long)last_batch(h));
    k->body = S("{\"columns\":[\"name\"]}");
}

static void make_step(struct house *h, struct arena *a, struct call *k, int turn)
{
    make_check(h, a, k, turn);
    now_done(k);
    k->target = arena_fmt(a, "/api/v1/imports/%lld/start", (long long)last_batch(h));
    k->body = S("{}");
    now_done(k);
    k->body = arena_fmt(a, "{\"id\":%lld,\"lang\":\"zh\"}", (long long)last_batch(h));
}

static void make_back(struct house *h, struct arena *a, struct call *k, int turn)
{
    bool more = true;
    make_step(h, a, k, turn);
    while (more) {
        struct ctx c = {.mem = a, .now_ms = HOUSE_NOW, .lang = LANG_EN, .trace_id = "step"};
        assert_int_equal(batch_step(&c, &h->app, k->body, &more), E_OK);
    }
    struct call undo = *k;
    undo.target = arena_fmt(a, "/api/v1/imports/%lld/undo", (long long)last_batch(h));
    undo.body = S("{}");
    now_done(&undo);
}

/* One piece of an import, loading or taking back: what the job thread does. */
static enum err run_step(struct house *h, struct ctx *c, const struct call *k)
{
    bool more;
    return batch_step(c, &h->app, k->body, &more);
}

static void make_merge(struct house *h, struct arena *a, struct call *k, int turn)
{
    int64_t id[2];
    for (int i = 0; i < 2; i++) {
        struct row p = {0};
        row_put(&p, R_COMMUNITY, v_int(h->a));
        row_put(&p, PE_NAME, v_text(arena_fmt(a, "同人 %d", turn)));
        row_put(&p, PE_PHONE, v_text(arena_fmt(a, "139000%05d", 2 * turn + i)));
        house_as(h, AS_SYSTEM);
        house_ok(h, house_insert(h, &res_person, &p));
        id[i] = row_int(&p, R_ID);
    }
    k->role = "manager";
    k->method = "POST";
    k->target = S("/api/v1/person-merges");
    k->body = arena_fmt(a,
                        "{\"community_id\":%lld,\"keep_id\":%lld,\"gone_id\":%lld,"
                        "\"take\":\"phone\",\"reason\":\"同一人\"}",
                        (long long)h->a, (long long)id[0], (long long)id[1]);
}

static const struct op ops[] = {
    {"register a ticket", make_ticket, "SELECT count(*) FROM ticket WHERE title LIKE '故障 %'", 1,
     false, NULL, NULL},
    {"a step", make_accept, "SELECT count(*) FROM event WHERE data LIKE '%\"action\":\"accept\"%'",
     1, false, NULL, NULL},
    {"a comment", make_comment, "SELECT count(*) FROM event WHERE data LIKE '%备注 %'", 1, false,
     NULL, NULL},
    {"a photo", make_photo, "SELECT count(*) FROM stored_file", 1, false, NULL, NULL},
    /* a session that was opened and whose answer was lost idles away; the next login opens its own
     */
    {"a login", make_login, NULL, 0, false, "event session app_user", NULL},
    {"an import", make_import,
     "SELECT count(*) FROM person WHERE name LIKE '张%' OR name LIKE '李%' OR name LIKE '王%'", 3,
     false, NULL, NULL},
    {"a user's new name", make_patch, "SELECT count(*) FROM event WHERE topic = 'app_user.updated'",
     1, false, NULL, NULL},
    {"a reveal", make_reveal, "SELECT count(*) FROM event WHERE data LIKE '%核对 %'", 1, false,
     NULL, NULL},
    {"a person", make_person, "SELECT count(*) FROM person WHERE name LIKE '新人 %'", 1, false,
     NULL, NULL},
    {"two people become one", make_merge, "SELECT count(*) FROM person_merge", 1, false, NULL,
     NULL},
    {"a sheet staged", make_stage, "SELECT count(*) FROM import_batch", 1, false, NULL, NULL},
    {"a sheet checked", make_check, "SELECT count(*) FROM import_batch WHERE state = 1", 1, false,
     NULL, NULL},
    {"a piece of an import", make_step,
     "SELECT count(*) FROM person WHERE name LIKE '册%' AND archived = 0", 3, false, NULL,
     run_step},
    {"a piece taken back", make_back,
     "SELECT count(*) FROM person WHERE name LIKE '册%' AND archived = 0", -3, false, NULL,
     run_step},
    /* put on record before it is made: one that fails then has been asked for all the same */
    {"an export", make_export, NULL, 0, true, "event", NULL},
};

/* --- one turn --- */

static enum err nothing(struct ctx *c, struct tx *tx, void *arg)
{
    (void)c, (void)tx, (void)arg;
    return E_OK;
}

/* Numbers are fetched ahead by units nobody waits for: the writer works in order. */
static void drain(struct house *h)
{
    house_as(h, AS_SYSTEM);
    house_ok(h, db_write(h->app.db, &h->c, nothing, NULL));
}

static struct db_sums sums_now(struct house *h, struct arena *a)
{
    struct ctx c = {.mem = a, .now_ms = HOUSE_NOW, .lang = LANG_EN};
    struct db_sums sums = {0};
    assert_int_equal(db_sums(h->app.db, &c, "", &sums), E_OK);
    return sums;
}

static void same_tables(const struct op *op, enum hurt f, int64_t n, struct db_sums x,
                        struct db_sums y)
{
    assert_int_equal(x.n, y.n);
    for (size_t i = 0; i < x.n; i++) {
        bool kept = op->kept && str_find(str_of(op->kept), x.v[i].table) >= 0;
        /* blocks of numbers are taken in transactions of their own: gaps, never doubles */
        if (kept || str_eqz(x.v[i].table, "number_series") || str_eq(x.v[i].sum, y.v[i].sum))
            continue;
        fail_msg("%s: %s %lld failed and left something in the table " PRS, op->name, hurt_names[f],
                 (long long)n, PRA(x.v[i].table));
    }
}

static void photo_put(struct house *h, struct arena *a, int turn, struct http_part *ret)
{
    static const char png[] = "\x89PNG\r\n\x1a\n";
    struct str bytes = arena_fmt(a, "%s %d", png, turn);
    struct str path = arena_fmt(a, "%s/tmp/up-%d", h->dir, turn);
    int fd = open(path.p, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
    close(fd);
    *ret = (struct http_part){
        .name = S("file"), .filename = S("现场.png"), .path = path.p, .bytes = (int64_t)bytes.n};
    hash_sha256(bytes, ret->sha256);
}

static void inject(struct house *h, enum hurt f, int64_t n)
{
    switch (f) {
    case HURT_STATEMENT: db_fault_nth(h->app.db, DB_FAULT_STATEMENT, n); break;
    case HURT_COMMIT: db_fault_nth(h->app.db, DB_FAULT_COMMIT, n); break;
    case HURT_MEMORY: mem_fail_nth(n); break;
    default: fs_fail_nth(n, ENOSPC);
    }
}

static struct { /* of the turn in hand */
    struct house *h;
    enum hurt f;
    int64_t n;
    bool on, came;
} now;

/* Notes whether the fault had come and switches it off. */
static void hurt_end(void)
{
    if (!now.on)
        return;
    enum hurt f = now.f;
    int64_t n = now.n;
    struct house *h = now.h;
    now.came = f == HURT_MEMORY ? mem_try_count() >= n
               : f == HURT_DISK ? fs_step_count() >= n
                                : !db_fault_waits(h->app.db);
    now.on = false;
    db_fault_nth(h->app.db, DB_FAULT_NONE, 0);
    mem_fail_nth(0);
    fs_fail_nth(0, 0);
}

static int send(struct house *h, struct arena *a, const struct call *k, int turn)
{
    struct http_part part;
    const char *type = k->headers.n ? "" : "Content-Type: application/json\n";
    struct str headers = arena_fmt(a, "%s" PRS "\nIdempotency-Key: turn-%d", type, PRA(k->headers),
                                   turn);
    arena_reset(door_mem());
    if (k->photo) {
        photo_put(h, a, turn, &part);
        door_parts(&part, 1);
    }
    if (now.on)
        inject(h, now.f, now.n);
    int status = door_call(k->role, k->method, k->target, headers, k->body, NULL);
    if (k->photo)
        (void)unlink(part.path); /* as form_free does */
    return status;
}

/* The same without a request: the codes stand for what a request would have been told. */
static int step_run(struct house *h, const struct op *op, const struct call *k)
{
    struct ctx c = house_ctx(h, AS_SYSTEM);
    if (now.on)
        inject(h, now.f, now.n);
    enum err e = op->run(h, &c, k);
    hurt_end();
    arena_free(c.mem);
    return e == E_OK ? 200 : err_status(e);
}

static int try_once(struct house *h, struct arena *a, const struct op *op, const struct call *k,
                    int turn)
{
    return op->run ? step_run(h, op, k) : send(h, a, k, turn);
}

static bool is_good(int status)
{
    return status == 200 || status == 201;
}

/* False: the request did not meet the n-th step any more. */
static bool turn(struct house *h, const struct op *op, enum hurt f, int64_t n, int no,
                 int *ret_refused)
{
    struct arena *a = arena_new(ARENA_REPORT_BYTES);
    struct call k = {.headers = S("")};
    house_as(h, AS_SYSTEM);
    op->make(h, a, &k, no);
    drain(h);
    int64_t done = op->count ? house_number(h, op->count) : 0;
    struct db_sums before = sums_now(h, a);
    now = (typeof(now)){h, f, n, true, false};
    int status = try_once(h, a, op, &k, no);
    while (status == 429) { /* some things have a rate by the real clock */
        clock_sleep_ms(500);
        now.on = true;
        status = try_once(h, a, op, &k, no);
    }
    hurt_end(); /* an address that could not be read never came to an answer */
    bool came = now.came;
    drain(h);
    if (!is_good(status)) {
        if (!came)
            fail_msg("%s gave %d without a fault (%s %lld)", op->name, status, hurt_names[f],
                     (long long)n);
        (*ret_refused)++;
        /* an address that could not be taken in for want of memory is a bad one */
        bool said = status == 500 || status == 503 || status == 507 ||
                    (f == HURT_MEMORY && (status == 400 || status == 413));
        if (!said)
            fail_msg("%s: %s %lld gave %d", op->name, hurt_names[f], (long long)n, status);
        if (f == HURT_DISK)
            assert_int_equal(status, 507);
        same_tables(op, f, n, before, sums_now(h, a));
        status = try_once(h, a, op, &k, no); /* the same key: it was refused, so it is done now */
        for (; status == 429; status = try_once(h, a, op, &k, no))
            clock_sleep_ms(500);
        if (!is_good(status))
            fail_msg("%s: after %s %lld the repeat gave %d", op->name, hurt_names[f], (long long)n,
                     status);
    }
    if (op->count && house_number(h, op->count) != done + op->adds)
        fail_msg("%s: %s %lld: done %lld times", op->name, hurt_names[f], (long long)n,
                 (long long)(house_number(h, op->count) - done));
    arena_free(a);
    return came;
}

static void test_every_fault(void **state)
{
    struct house *h = door_house();
    char hash[PASSWORD_HASH_MAX];
    int no = 0, refused[HURT__N] = {0};
    (void)state;
    assert_true(password_hash(S("anju-demo"), hash));
    house_sql(h, str_z(h->mem,
                       arena_fmt(h->mem, "UPDATE app_user SET password = '%s', password_at = %lld",
                                 hash, (long long)HOUSE_NOW)));
    door_hurt(hurt_end);
    for (size_t i = 0; i < COUNT_OF(ops); i++)
        for (enum hurt f = 0; f < HURT__N; f++) {
            int64_t step = f != HURT_MEMORY ? 1
                           : ops[i].many    ? MANY_EVERY
                           : house_pg       ? PG_MEMORY_EVERY
                                            : 1,
                    n = 1;
            (void)turn(h, &ops[i], f, TURNS_MAX, no++, &refused[f]); /* warm: nothing to prepare */
            while (turn(h, &ops[i], f, n, no++, &refused[f])) {
                n += step;
                assert_true(n < TURNS_MAX);
            }
            fprintf(stderr, "%s: %lld × %s\n", ops[i].name, (long long)n, hurt_names[f]);
        }
    for (enum hurt f = 0; f < HURT__N; f++)
        assert_true(refused[f] > 0); /* a fault that nothing meets proves nothing */
    house_checks(h);
    door_hurt(NULL);
    door_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_fault)};
    return house_run(tests, COUNT_OF(tests));
}
