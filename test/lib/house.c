/* house.c - builds the company of house.h and gives tests short ways to act in it. */
#include "house.h"

#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"
#include "core/event.h"
#include "core/key.h"

bool house_pg;

/* --- who is there --- */

static const struct {
    const char *login, *role;
    char where; /* a, b; 0: the whole system */
    bool staff, worker, resident;
} people[AS__N] = {
    [AS_SYSTEM] = {.login = "system"},
    [AS_ADMIN] = {"admin", "security", 0, false, false, false},
    [AS_MANAGER] = {"manager", "manager", 'a', true, false, false},
    [AS_DESK] = {"desk", "desk", 'a', true, false, false},
    [AS_DISPATCHER] = {"dispatcher", "dispatcher", 'a', true, false, false},
    [AS_WORKER] = {"worker", "worker", 'a', true, true, false},
    [AS_WORKER2] = {"worker2", "worker", 'a', true, true, false},
    [AS_CASHIER] = {"cashier", "cashier", 'a', true, false, false},
    [AS_RESIDENT] = {"resident", "resident", 'a', false, false, true},
    [AS_RESIDENT2] = {"resident2", "resident", 'a', false, false, true},
    [AS_MANAGER_B] = {"manager-b", "manager", 'b', true, false, false},
    [AS_DESK_B] = {"desk-b", "desk", 'b', true, false, false},
    [AS_DISPATCHER_B] = {"dispatcher-b", "dispatcher", 'b', true, false, false},
    [AS_WORKER_B] = {"worker-b", "worker", 'b', true, true, false},
    [AS_CASHIER_B] = {"cashier-b", "cashier", 'b', true, false, false},
    [AS_RESIDENT_B] = {"resident-b", "resident", 'b', false, false, true},
};

const char *house_name(enum as as)
{
    return people[as].login;
}

struct ctx house_ctx(const struct house *h, enum as as)
{
    return (struct ctx){.mem = arena_new(ARENA_REPORT_BYTES),
                        .now_ms = h->c.now_ms,
                        .lang = LANG_EN,
                        .who = h->who[as],
                        .trace_id = "test"};
}

struct ctx *house_as(struct house *h, enum as as)
{
    fault_clear(&h->c);
    h->c.who = h->who[as];
    return &h->c;
}

void house_ok(struct house *h, enum err e)
{
    const struct fault *f = &h->c.fault;
    if (e != E_OK)
        fail_msg("%s: " PRS "; %s " PRS, err_name(e), PRA(f->message),
                 f->nfields ? f->fields[0].field : "",
                 PRA(f->nfields ? f->fields[0].message : (struct str){0}));
}

bool house_told(const struct ctx *c, const char *field, const char *code)
{
    for (int i = 0; i < c->fault.nfields; i++)
        if (strcmp(c->fault.fields[i].field, field) == 0 &&
            strcmp(c->fault.fields[i].code, code) == 0)
            return true;
    return false;
}

/* --- rows --- */

struct job_of_row {
    const struct resource *r;
    int64_t id;
    const struct row *in;
    struct row out;
};

static enum err insert_row(struct ctx *c, struct tx *tx, void *arg)
{
    struct job_of_row *j = arg;
    j->out = *j->in;
    return res_insert(c, tx, j->r, &j->out);
}

enum err house_insert(struct house *h, const struct resource *r, struct row *row)
{
    struct job_of_row j = {.r = r, .in = row};
    fault_clear(&h->c);
    if (r->prepare)
        TRY(r->prepare(&h->c, &h->app, row));
    TRY(db_write(h->app.db, &h->c, insert_row, &j));
    *row = j.out;
    return E_OK;
}

static enum err load_row(struct ctx *c, struct tx *tx, void *arg)
{
    struct job_of_row *j = arg;
    return res_load_seen(c, tx, j->r, j->id, &j->out);
}

enum err house_load(struct house *h, const struct resource *r, int64_t id, struct row *ret)
{
    struct job_of_row j = {.r = r, .id = id};
    fault_clear(&h->c);
    TRY(db_read(h->app.db, &h->c, load_row, &j));
    *ret = j.out;
    return E_OK;
}

static enum err change_row(struct ctx *c, struct tx *tx, void *arg)
{
    struct job_of_row *j = arg;
    struct row old;
    j->out = *j->in;
    TRY(res_load_seen(c, tx, j->r, j->id, &old));
    return res_store(c, tx, j->r, &old, &j->out, NULL, (struct str){0});
}

enum err house_change(struct house *h, const struct resource *r, int64_t id, struct row *neu)
{
    struct job_of_row j = {.r = r, .id = id, .in = neu};
    fault_clear(&h->c);
    TRY(db_write(h->app.db, &h->c, change_row, &j));
    *neu = j.out;
    return E_OK;
}

/* --- actions --- */

struct job_of_act {
    int64_t id;
    const char *action, *input;
    enum err came; /* of a try */
};

static enum err act(struct ctx *c, struct tx *tx, void *arg)
{
    struct job_of_act *j = arg;
    const struct json *input;
    struct row row;
    TRY(json_parse(c, str_of(j->input), &input));
    TRY(res_load_seen(c, tx, &res_ticket, j->id, &row));
    return flow_act(c, tx, &res_ticket, &row, j->action, input, 0);
}

static enum err act_and_forget(struct ctx *c, struct tx *tx, void *arg)
{
    struct job_of_act *j = arg;
    j->came = act(c, tx, j);
    return j->came == E_RETRY ? E_RETRY : E_STATE; /* nothing of it stays */
}

enum err house_act(struct house *h, int64_t ticket, const char *action, const char *input)
{
    struct job_of_act j = {.id = ticket, .action = action, .input = input};
    fault_clear(&h->c);
    return db_write(h->app.db, &h->c, act, &j);
}

enum err house_try(struct house *h, int64_t ticket, const char *action, const char *input)
{
    struct job_of_act j = {.id = ticket, .action = action, .input = input};
    fault_clear(&h->c);
    assert_int_equal(db_write(h->app.db, &h->c, act_and_forget, &j), E_STATE);
    return j.came;
}

/* --- statements --- */

struct job_of_sql {
    const char *sql;
    bool gives;
    int64_t number;
};

static enum err run_sql(struct ctx *c, struct tx *tx, void *arg)
{
    struct job_of_sql *j = arg;
    struct val v;
    const struct query *q = db_intern(tx_db(tx), S("test"), str_of(j->sql));
    if (!j->gives)
        return q_do(c, tx, q, IN0, NULL);
    TRY(q_one(c, tx, q, IN0, &v, 1));
    j->number = val_int(v);
    return E_OK;
}

void house_sql(struct house *h, const char *sql)
{
    struct job_of_sql j = {.sql = sql};
    fault_clear(&h->c);
    house_ok(h, db_write(h->app.db, &h->c, run_sql, &j));
}

int64_t house_number(struct house *h, const char *sql)
{
    struct job_of_sql j = {.sql = sql, .gives = true};
    fault_clear(&h->c);
    house_ok(h, db_read(h->app.db, &h->c, run_sql, &j));
    return j.number;
}

void house_pretend_large(struct house *h)
{
    if (house_pg)
        house_sql(
            h,
            str_z(h->mem,
                  arena_fmt(h->mem,
                            "UPDATE pg_class SET reltuples = 1000000, relpages = "
                            "1 WHERE relkind IN ('r', 'i') AND relnamespace = '%s'::regnamespace",
                            h->schema)));
}

/* --- building --- */

static int64_t put(struct house *h, const struct resource *r, struct row *row)
{
    house_ok(h, house_insert(h, r, row));
    return row_int(row, R_ID);
}

static int64_t put_community(struct house *h, const char *name)
{
    struct row row = {0};
    row_put(&row, CM_NAME, v_text(str_of(name)));
    row_put(&row, CM_COMPANY, v_int(h->company));
    row_put(&row, CM_BRANCH, v_int(h->branch));
    return put(h, &res_community, &row);
}

static int64_t put_space(struct house *h, int64_t community, int64_t kind, int64_t parent,
                         const char *name, const char *code)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(community));
    row_put(&row, SP_KIND, v_int(kind));
    if (parent)
        row_put(&row, SP_PARENT, v_int(parent));
    row_put(&row, SP_NAME, v_text(str_of(name)));
    if (code)
        row_put(&row, SP_CODE, v_text(str_of(code)));
    return put(h, &res_space, &row);
}

static void put_estate(struct house *h)
{
    struct row company = {0}, branch = {0};
    row_put(&company, CO_NAME, v_lit("安居物业"));
    h->company = put(h, &res_company, &company);
    row_put(&branch, BR_COMPANY, v_int(h->company));
    row_put(&branch, BR_NAME, v_lit("上海分公司"));
    h->branch = put(h, &res_branch, &branch);
    h->a = put_community(h, "和安苑");
    h->b = put_community(h, "云锦里");
    h->building = put_space(h, h->a, SP_BUILDING, 0, "3栋", NULL);
    h->entrance = put_space(h, h->a, SP_ENTRANCE, h->building, "2单元", NULL);
    h->unit = put_space(h, h->a, SP_UNIT, h->entrance, "1502", "3-2-1502");
    h->unit2 = put_space(h, h->a, SP_UNIT, h->entrance, "1503", "3-2-1503");
    h->corridor = put_space(h, h->a, SP_AREA, 0, "花园", NULL);
    h->unit_b = put_space(h, h->b, SP_UNIT, put_space(h, h->b, SP_BUILDING, 0, "1栋", NULL), "101",
                          "1-101");
}

static int64_t put_staff(struct house *h, enum as as, int64_t community)
{
    struct row staff = {0}, shift = {0};
    row_put(&staff, R_COMMUNITY, v_int(community));
    row_put(&staff, ST_NAME, v_text(str_of(people[as].login)));
    row_put(&staff, ST_DESK, v_int(strcmp(people[as].role, "desk") == 0));
    row_put(&staff, ST_WORKER, v_int(people[as].worker));
    int64_t id = put(h, &res_staff, &staff);
    row_put(&shift, R_COMMUNITY, v_int(community));
    row_put(&shift, SH_STAFF, v_int(id));
    row_put(&shift, SH_FROM, v_int(HOUSE_NOW - HOUR_MS));
    row_put(&shift, SH_TO, v_int(HOUSE_NOW + 8 * HOUR_MS));
    put(h, &res_shift, &shift);
    return id;
}

static int64_t put_resident(struct house *h, enum as as, int64_t community)
{
    struct row person = {0}, home = {0};
    char phone[16];
    snprintf(phone, sizeof phone, "138000012%02d", (int)as);
    row_put(&person, R_COMMUNITY, v_int(community));
    row_put(&person, PE_NAME, v_text(str_of(people[as].login)));
    row_put(&person, PE_PHONE, v_text(str_dup(h->mem, str_of(phone))));
    int64_t id = put(h, &res_person, &person);
    int64_t unit = as == AS_RESIDENT ? h->unit : as == AS_RESIDENT2 ? h->unit2 : h->unit_b;
    row_put(&home, R_COMMUNITY, v_int(community));
    row_put(&home, OC_PERSON, v_int(id));
    row_put(&home, OC_SPACE, v_int(unit));
    row_put(&home, OC_RELATION, v_int(REL_OWNER));
    row_put(&home, OC_FROM, v_lit("2020-01-01"));
    put(h, &res_occupancy, &home);
    return id;
}

static int64_t role_id(struct house *h, const char *key)
{
    struct str sql = arena_fmt(h->mem, "SELECT id FROM role WHERE key = '%s'", key);
    return house_number(h, str_z(h->mem, sql));
}

static void put_login(struct house *h, enum as as)
{
    struct row user = {0}, grant = {0};
    struct str token, login = str_of(people[as].login);
    struct ctx *c = &h->c;
    int64_t community = people[as].where == 'a' ? h->a : h->b;
    if (people[as].staff)
        h->staff[as] = put_staff(h, as, community);
    if (people[as].resident)
        h->person[as] = put_resident(h, as, community);
    row_put(&user, U_LOGIN, v_text(login));
    row_put(&user, U_NAME, v_text(login));
    row_put(&grant, G_USER, v_int(put(h, &res_user, &user)));
    row_put(&grant, G_ROLE, v_int(role_id(h, people[as].role)));
    row_put(&grant, G_SCOPE, v_int(people[as].where ? SCOPE_COMMUNITY : SCOPE_SYSTEM));
    if (people[as].where)
        row_put(&grant, G_SCOPE_ID, v_int(community));
    if (h->staff[as])
        row_put(&grant, G_STAFF, v_int(h->staff[as]));
    if (h->person[as])
        row_put(&grant, G_PERSON, v_int(h->person[as]));
    put(h, &res_grant, &grant);
    house_ok(h, token_create(c, &h->app, login, &(struct token_spec){.name = S("test")}, &token));
    struct ctx keep = {.mem = h->mem, .now_ms = c->now_ms, .lang = LANG_EN};
    assert_int_equal(auth_who(&keep, &h->app, (struct str){0}, token, &h->who[as]), E_OK);
    assert_non_null(h->who[as]);
}

static void open_database(struct house *h)
{
    struct db_options o = {.readers = 32};
    snprintf(h->dir, sizeof h->dir, "/tmp/anju-house-XXXXXX");
    assert_non_null(mkdtemp(h->dir));
    if (house_pg) {
        const char *url = getenv("ANJU_TEST_PG");
        snprintf(h->schema, sizeof h->schema, "anju_house_%d", (int)getpid());
        snprintf(h->url, sizeof h->url, "%s%soptions=-csearch_path%%3D%s", url,
                 strchr(url, '?') ? "&" : "?", h->schema);
    } else {
        snprintf(h->url, sizeof h->url, "sqlite:%s/a.db", h->dir);
    }
    house_ok(h, db_open(&h->c, h->url, &o, &h->app.db));
    if (!house_pg)
        return;
    house_sql(h, str_z(h->mem, arena_fmt(h->mem, "DROP SCHEMA IF EXISTS %s CASCADE", h->schema)));
    house_sql(h, str_z(h->mem, arena_fmt(h->mem, "CREATE SCHEMA %s", h->schema)));
}

struct house *house_bare(void)
{
    struct house *h = heap_get(sizeof *h);
    h->mem = arena_new(ARENA_REPORT_BYTES);
    h->c = house_ctx(h, AS_SYSTEM);
    h->c.now_ms = HOUSE_NOW;
    h->app = (struct app){.modules = all_modules, .communities_of = &Q_COMMUNITIES_OF};
    log_level_set(LOG_ERROR);
    clock_fake(HOUSE_NOW);
    open_database(h);
    app_boot(&h->app);
    house_ok(h, app_migrate(&h->app, &h->c));
    snprintf(h->key, sizeof h->key, "%s/house.key", h->dir);
    house_ok(h, keys_load(&h->c, &h->app, h->key, true));
    return h;
}

struct house *house_open(void)
{
    struct house *h = house_bare();
    put_estate(h);
    for (enum as as = AS_ADMIN; as < AS__N; as++)
        put_login(h, as);
    jobs_run_due(&h->app, HOUSE_NOW); /* gives both communities their policies */
    house_as(h, AS_SYSTEM);
    return h;
}

void house_close(struct house *h)
{
    if (h->schema[0])
        house_sql(h, str_z(h->mem, arena_fmt(h->mem, "DROP SCHEMA %s CASCADE", h->schema)));
    db_close(h->app.db);
    static const char *const files[] = {"a.db", "a.db-wal", "a.db-shm", "house.key"};
    for (size_t i = 0; i < COUNT_OF(files) && h->dir[0]; i++)
        (void)unlink(str_z(h->mem, arena_fmt(h->mem, "%s/%s", h->dir, files[i])));
    if (h->dir[0])
        assert_int_equal(rmdir(h->dir), 0);
    arena_free(h->c.mem);
    arena_free(h->mem);
    heap_free(h);
    clock_fake(0);
}

/* --- checks --- */

static void check_told(void *arg, int64_t id, struct str text)
{
    const struct check *k = arg;
    fail_msg("%s: %lld " PRS, k->name, (long long)id, PRA(text));
}

static enum err check_query(struct ctx *c, struct tx *tx, void *arg)
{
    const struct check *k = arg;
    struct rows rows;
    TRY(q_rows(c, tx, &k->query, IN0, 50, &rows));
    if (rows.n)
        check_told(arg, val_int(rows.v[0]), val_str(rows.v[1]));
    return E_OK;
}

void house_checks(struct house *h)
{
    house_as(h, AS_SYSTEM);
    for (const struct module *const *m = h->app.modules; *m; m++)
        for (const struct check *k = (*m)->checks; k && k->name; k++) {
            void *arg = (void *)(uintptr_t)k;
            house_ok(h, k->run ? k->run(&h->c, &h->app, check_told, arg)
                               : db_read(h->app.db, &h->c, check_query, arg));
        }
}

/* --- tickets --- */

int64_t house_ticket(struct house *h, int64_t kind)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, T_KIND, v_int(kind));
    row_put(&row, T_TITLE, v_lit("厨房水管漏水"));
    row_put(&row, T_CHANNEL, v_int(CH_PHONE));
    row_put(&row, T_SPACE, v_int(h->unit));
    row_put(&row, T_PERSON, v_int(h->person[AS_RESIDENT]));
    house_as(h, AS_DESK);
    int64_t id = put(h, &res_ticket, &row);
    house_as(h, AS_SYSTEM);
    return id;
}

const char *house_input(const struct house *h, const char *action)
{
    static const struct {
        const char *action, *input;
    } inputs[] = {
        {"decline", "{\"reason\":\"不顺路\"}"},
        {"refuse_handover", "{\"reason\":\"手上太多\"}"},
        {"split", "{\"reason\":\"不是一回事\"}"},
        {"refuse_pause", "{\"reason\":\"配件库里有\"}"},
        {"pause", "{\"class\":\"parts\",\"reason\":\"等配件\"}"},
        {"finish", "{\"result\":\"已更换水管\",\"cost\":2000}"},
        {"answer", "{\"result\":\"已答复\"}"},
        {"inform", "{\"channel\":\"phone\",\"note\":\"已告知修好\"}"},
        {"return", "{\"reason\":\"还在漏\"}"},
        {"cancel", "{\"reason\":\"不修了\"}"},
        {"reopen", "{\"reason\":\"又漏了\"}"},
        {"add_item", "{\"kind\":\"material\",\"name\":\"角阀\",\"quantity\":2000,"
                     "\"price\":1500,\"payer\":\"customer\"}"},
        {"prioritize", "{\"priority\":\"P1\",\"reason\":\"楼下也漏了\"}"},
    };
    if (strcmp(action, "dispatch") == 0)
        return str_z(h->c.mem,
                     arena_fmt(h->c.mem, "{\"assignee_id\":%lld}", (long long)h->staff[AS_WORKER]));
    if (strcmp(action, "hand_over") == 0)
        return arena_fmt(h->c.mem, "{\"handover_to_id\":%lld,\"reason\":\"要去培训\"}",
                         (long long)h->staff[AS_WORKER2])
            .p;
    if (strcmp(action, "merge") == 0)
        return arena_fmt(h->c.mem, "{\"merged_into_id\":%lld}", (long long)h->other).p;
    for (size_t i = 0; i < COUNT_OF(inputs); i++)
        if (strcmp(inputs[i].action, action) == 0)
            return inputs[i].input;
    return "{}";
}

int64_t house_ticket_in(struct house *h, int64_t kind, int64_t state)
{
    static const struct {
        int64_t reached;
        enum as as;
        const char *action;
    } way[] = {{ACCEPTED, AS_DESK, "accept"},     {DISPATCHED, AS_DISPATCHER, "dispatch"},
               {IN_PROGRESS, AS_WORKER, "start"}, {PAUSED, AS_WORKER, "pause"},
               {FINISHED, AS_WORKER, "finish"},   {INFORMED, AS_DESK, "inform"},
               {CLOSED, AS_RESIDENT, "confirm"}};
    int64_t id = house_ticket(h, kind);
    const char *at_once = state == CANCELLED ? "cancel" : state == MERGED ? "merge" : NULL;
    if (at_once) {
        house_as(h, AS_DESK);
        house_ok(h, house_act(h, id, at_once, house_input(h, at_once)));
    }
    for (size_t i = 0; i < COUNT_OF(way) && !at_once; i++) {
        if (way[i].reached > state || (way[i].reached == PAUSED && state != PAUSED))
            continue;
        house_as(h, way[i].as);
        house_ok(h, house_act(h, id, way[i].action, house_input(h, way[i].action)));
    }
    house_as(h, AS_SYSTEM);
    return id;
}

/* --- groups --- */

int64_t house_local(const char *when)
{
    int64_t ms;
    assert_true(
        instant_parse_format(str_of(when), "%Y-%m-%d %H:%M", zone_find("Asia/Shanghai"), &ms));
    return ms;
}

void house_at(struct house *h, const char *when)
{
    h->c.now_ms = house_local(when);
    clock_fake(h->c.now_ms);
}

struct row house_row(struct house *h, const struct resource *r, int64_t id)
{
    struct row row;
    house_as(h, AS_SYSTEM);
    house_ok(h, house_load(h, r, id, &row));
    return row;
}

void house_do_with(struct house *h, enum as as, int64_t ticket, const char *action,
                   const char *input)
{
    house_as(h, as);
    house_ok(h, house_act(h, ticket, action, input));
}

void house_do(struct house *h, enum as as, int64_t ticket, const char *action)
{
    house_do_with(h, as, ticket, action, house_input(h, action));
}

void house_minute(struct house *h)
{
    jobs_run_due(&h->app, h->c.now_ms);
    assert_int_equal(
        house_number(h, "SELECT count(*) FROM job WHERE state = 2 OR error IS NOT NULL"), 0);
}

int house_run(const struct CMUnitTest *tests, size_t n)
{
    crypto_start();
    house_pg = false;
    int failed = _cmocka_run_group_tests("sqlite", tests, n, NULL, NULL);
    if (!getenv("ANJU_TEST_PG")) {
        fprintf(stderr, "*** SKIPPED on PostgreSQL: set ANJU_TEST_PG=postgres://…\n");
        return failed;
    }
    house_pg = true;
    return failed + _cmocka_run_group_tests("postgres", tests, n, NULL, NULL);
}
