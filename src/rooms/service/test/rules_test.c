/* rules_test.c - the ticket's rules one by one, each against values worked out by hand: priority,
 * promises, closing, reopening, first contact, grabbing, rework, numbers, duty. */
#include "../test/lib/house.h"

#include "base/thread.h"
#include "core/event.h"

static struct row ticket(struct house *h, int64_t id)
{
    struct row row;
    house_as(h, AS_SYSTEM);
    house_ok(h, house_load(h, &res_ticket, id, &row));
    return row;
}

static int64_t value(struct house *h, int64_t id, int field)
{
    struct row row = ticket(h, id);
    return row_int(&row, field);
}

static enum err act_as(struct house *h, enum as as, int64_t id, const char *action)
{
    house_as(h, as);
    return house_act(h, id, action, house_input(h, action));
}

static void at(struct house *h, int64_t now_ms)
{
    h->c.now_ms = now_ms;
    clock_fake(now_ms);
}

static int64_t events(struct house *h, int64_t id, const char *topic)
{
    return house_number(h, str_z(h->c.mem, arena_fmt(h->c.mem,
                                                     "SELECT count(*) FROM event WHERE "
                                                     "subject_id = %lld AND topic = '%s'",
                                                     (long long)id, topic)));
}

/* --- pure --- */

static void test_priority(void **state)
{
    (void)state;
    /* urgency × impact: high, medium, low; the ITIL matrix, a VIP one step up */
    static const int regular[3][3] = {{1, 2, 3}, {2, 3, 4}, {3, 3, 4}};
    static const int vip[3][3] = {{1, 1, 2}, {1, 2, 3}, {2, 2, 3}};
    for (int u = 1; u <= 3; u++)
        for (int i = 1; i <= 3; i++) {
            assert_int_equal(priority_default(u, i, TIER_VIP), vip[u - 1][i - 1]);
            assert_int_equal(priority_default(u, i, TIER_REGULAR), regular[u - 1][i - 1]);
            assert_int_equal(priority_default(u, i, TIER_POTENTIAL), regular[u - 1][i - 1]);
        }
}

/* --- promises --- */

static void test_promise(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct row vip = {0}, urgent = {0}, row = ticket(h, house_ticket(h, KIND_REPAIR));
    assert_int_equal(row_int(&row, T_PRIORITY), 3);
    assert_int_equal(row_int(&row, T_RESPOND_DUE), HOUSE_NOW + 4 * HOUR_MS); /* a Monday, 09:00 */
    assert_int_equal(row_int(&row, T_HANDLE_DUE), HOUSE_NOW + 9 * HOUR_MS);
    assert_int_equal(row_int(&row, T_RESOLVE_DUE), HOUSE_NOW + DAY_MS + 9 * HOUR_MS);
    assert_true(row_int(&row, T_POLICY) > 0); /* the community's own rows, made when it was made */
    assert_int_equal(row_int(&row, T_POLICY_VERSION), 1);
    assert_int_equal(row_int(&row, T_FIRST_CONTACT), h->staff[AS_DESK]);
    row_put(&vip, PE_TIER, v_int(TIER_VIP));
    house_ok(h, house_change(h, &res_person, h->person[AS_RESIDENT], &vip));
    row_put(&urgent, R_COMMUNITY, v_int(h->a));
    row_put(&urgent, T_KIND, v_int(KIND_REPAIR));
    row_put(&urgent, T_TITLE, v_lit("爆管"));
    row_put(&urgent, T_CHANNEL, v_int(CH_PHONE));
    row_put(&urgent, T_PERSON, v_int(h->person[AS_RESIDENT]));
    row_put(&urgent, T_URGENCY, v_int(1));
    house_as(h, AS_DESK);
    house_ok(h, house_insert(h, &res_ticket, &urgent));
    assert_int_equal(row_int(&urgent, T_PRIORITY), 1);
    assert_int_equal(row_int(&urgent, T_RESPOND_DUE), HOUSE_NOW + 15 * MINUTE_MS);
    assert_int_equal(row_int(&urgent, T_HANDLE_DUE), HOUSE_NOW + 30 * MINUTE_MS);
    assert_true(str_eqz(row_str(&urgent, T_CONTACT_NAME), "resident"));
    assert_true(str_eqz(row_str(&urgent, T_CONTACT_PHONE), "13800001208"));
    house_close(h);
}

static struct row again(struct house *h, int64_t category, int64_t space)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, T_KIND, v_int(KIND_REPAIR));
    row_put(&row, T_TITLE, v_lit("又漏了"));
    row_put(&row, T_CHANNEL, v_int(CH_PHONE));
    row_put(&row, T_CATEGORY, v_int(category));
    row_put(&row, T_SPACE, v_int(space));
    house_as(h, AS_DESK);
    house_ok(h, house_insert(h, &res_ticket, &row));
    return row;
}

static int64_t category_of(struct house *h, const char *name)
{
    return house_number(h, arena_fmt(h->mem,
                                     "SELECT id FROM category WHERE community_id = %lld AND name = "
                                     "'%s'",
                                     (long long)h->a, name)
                               .p);
}

/* R18: linked and raised a step; never to P1, never by another place, category, a cancelled one or
 * one of more than 90 days ago. */
static void test_repeat(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t tap = category_of(h, "户内给水·水龙头漏水"), pipe = category_of(h, "户内给水·水管渗漏");
    struct row first = again(h, tap, h->unit), other = again(h, tap, h->unit2),
               kind = again(h, pipe, h->unit);
    assert_false(row_has(&first, T_REPEAT_OF) || row_has(&other, T_REPEAT_OF) ||
                 row_has(&kind, T_REPEAT_OF));
    assert_int_equal(row_int(&first, T_PRIORITY), 3);
    at(h, HOUSE_NOW + 90 * DAY_MS);
    struct row second = again(h, tap, h->unit);
    assert_int_equal(row_int(&second, T_REPEAT_OF), row_int(&first, R_ID));
    assert_int_equal(row_int(&second, T_PRIORITY), 2);
    assert_int_equal(row_int(&second, T_RESPOND_DUE), h->c.now_ms + 30 * MINUTE_MS); /* as P2 */
    house_ok(h, act_as(h, AS_DESK, row_int(&second, R_ID), "cancel"));
    at(h, HOUSE_NOW + 90 * DAY_MS + 1);
    struct row late = again(h, tap, h->unit);
    assert_false(row_has(&late, T_REPEAT_OF)); /* the first is too old, the second was cancelled */
    struct row urgent = again(h, pipe, h->unit2), raised = again(h, pipe, h->unit2);
    assert_int_equal(row_int(&raised, T_REPEAT_OF), row_int(&urgent, R_ID));
    assert_int_equal(row_int(&raised, T_PRIORITY), 2);
    house_close(h);
}

/* --- closing --- */

struct store {
    int64_t id;
    struct row neu;
    const char *topic;
};

static enum err store(struct ctx *c, struct tx *tx, void *arg)
{
    struct store *s = arg;
    struct row old, neu = s->neu;
    TRY(res_load(c, tx, &res_ticket, s->id, &old));
    return res_store(c, tx, &res_ticket, &old, &neu, s->topic, (struct str){0});
}

/* Routes to "closed" that skip the result or the answer: none may work, and nothing may stay. */
static void test_no_empty_close(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket_in(h, KIND_REPAIR, IN_PROGRESS);
    struct store s = {.id = id};
    row_put(&s.neu, T_STATE, v_int(CLOSED));
    row_put(&s.neu, T_CLOSED, v_int(HOUSE_NOW));
    assert_int_not_equal(db_write(h->app.db, house_as(h, AS_SYSTEM), store, &s), E_OK);
    row_put(&s.neu, T_RESULT, v_lit("修好了"));
    assert_int_not_equal(db_write(h->app.db, house_as(h, AS_SYSTEM), store, &s), E_OK);
    s.topic = "ticket.closed";
    assert_int_not_equal(db_write(h->app.db, house_as(h, AS_SYSTEM), store, &s), E_OK);
    assert_int_equal(value(h, id, T_STATE), IN_PROGRESS);
    assert_int_equal(act_as(h, AS_SYSTEM, id, "close"), E_STATE);
    assert_int_equal(act_as(h, AS_DESK, id, "confirm"), E_STATE);
    static const int missing[] = {T_RESULT, T_ANSWER, T_INFORMED};
    for (size_t i = 0; i < COUNT_OF(missing); i++) { /* as if a step before had been skipped */
        int64_t told = house_ticket_in(h, KIND_REPAIR, INFORMED);
        struct store hole = {.id = told, .topic = "ticket.updated"};
        row_put(&hole.neu, missing[i], v_null());
        house_ok(h, db_write(h->app.db, house_as(h, AS_SYSTEM), store, &hole));
        assert_int_equal(act_as(h, AS_RESIDENT, told, "confirm"), E_STATE);
        assert_int_equal(act_as(h, AS_DESK, told, "confirm"), E_STATE);
        assert_int_equal(act_as(h, AS_SYSTEM, told, "close"), E_STATE);
        assert_int_equal(value(h, told, T_STATE), INFORMED);
    }
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, T_KIND, v_int(KIND_REPAIR));
    row_put(&row, T_TITLE, v_lit("x"));
    row_put(&row, T_CHANNEL, v_int(CH_PHONE));
    row_put(&row, T_STATE, v_int(CLOSED));
    row_put(&row, T_RESULT, v_lit("x"));
    house_as(h, AS_SYSTEM);
    assert_int_equal(house_insert(h, &res_ticket, &row), E_STATE);
    assert_int_equal(house_number(h, "SELECT count(*) FROM ticket WHERE state = 8"), 0);
    house_close(h);
}

static void test_reopen_edge(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket_in(h, KIND_REPAIR, CLOSED);
    at(h, HOUSE_NOW + 30 * DAY_MS + 1);
    assert_int_equal(act_as(h, AS_RESIDENT, id, "reopen"), E_STATE);
    assert_int_equal(act_as(h, AS_DESK, id, "reopen"), E_STATE);
    at(h, HOUSE_NOW + 30 * DAY_MS);
    house_ok(h, act_as(h, AS_RESIDENT, id, "reopen"));
    struct row row = ticket(h, id);
    assert_int_equal(row_int(&row, T_STATE), ACCEPTED);
    assert_int_equal(row_int(&row, T_REWORK), 1);
    assert_int_equal(row_int(&row, T_PRIORITY), 2); /* raised: a day around the clock */
    assert_int_equal(row_int(&row, T_RESOLVE_DUE), HOUSE_NOW + 31 * DAY_MS);
    assert_false(row_has(&row, T_CLOSED));
    house_close(h);
}

/* --- a whole life --- */

static void test_first_contact(void **state)
{
    (void)state;
    static const struct {
        enum as as;
        const char *action;
    } life[] = {
        {AS_DISPATCHER, "prioritize"}, {AS_MANAGER, "accept"},      {AS_WORKER2, "grab"},
        {AS_WORKER2, "decline"},       {AS_DISPATCHER, "dispatch"}, {AS_WORKER, "start"},
        {AS_WORKER, "pause"},          {AS_WORKER, "resume"},       {AS_WORKER, "finish"},
        {AS_MANAGER, "inform"},        {AS_RESIDENT, "return"},     {AS_DISPATCHER, "dispatch"},
        {AS_WORKER, "start"},          {AS_WORKER, "finish"},       {AS_WORKER, "inform"},
        {AS_RESIDENT, "confirm"},      {AS_MANAGER, "reopen"},      {AS_WORKER, "grab"}};
    struct house *h = house_open();
    int64_t id = house_ticket(h, KIND_REPAIR);
    for (size_t i = 0; i < COUNT_OF(life); i++) {
        house_ok(h, act_as(h, life[i].as, id, life[i].action));
        assert_int_equal(value(h, id, T_FIRST_CONTACT), h->staff[AS_DESK]);
    }
    struct row row = {0}; /* what a resident enters himself goes to the desk member on duty */
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, T_KIND, v_int(KIND_REPAIR));
    row_put(&row, T_TITLE, v_lit("门铃坏了"));
    house_as(h, AS_RESIDENT);
    house_ok(h, house_insert(h, &res_ticket, &row));
    assert_int_equal(row_int(&row, T_FIRST_CONTACT), h->staff[AS_DESK]);
    assert_int_equal(row_int(&row, T_PERSON), h->person[AS_RESIDENT]);
    assert_int_equal(row_int(&row, T_CHANNEL), CH_APP);
    house_close(h);
}

static void test_return(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket_in(h, KIND_REPAIR, INFORMED);
    int64_t due = value(h, id, T_RESOLVE_DUE);
    house_ok(h, act_as(h, AS_RESIDENT, id, "return"));
    struct row row = ticket(h, id);
    static const int cleared[] = {T_ASSIGNEE, T_RESOLVED, T_INFORMED, T_ANSWER, T_ANSWER_CHANNEL};
    for (size_t i = 0; i < COUNT_OF(cleared); i++)
        assert_false(row_has(&row, cleared[i]));
    assert_int_equal(row_int(&row, T_STATE), ACCEPTED);
    assert_int_equal(row_int(&row, T_REWORK), 1);
    assert_int_equal(row_int(&row, T_RESOLVE_DUE), due);                 /* the promise stands */
    assert_true(row_has(&row, T_RESPONDED) && row_has(&row, T_HANDLED)); /* those clocks did stop */
    static const struct {
        enum as as;
        const char *action;
    } again[] = {{AS_WORKER2, "grab"},   {AS_WORKER2, "start"},  {AS_WORKER2, "finish"},
                 {AS_WORKER2, "inform"}, {AS_DESK, "return"},    {AS_DISPATCHER, "dispatch"},
                 {AS_WORKER, "start"},   {AS_WORKER, "finish"},  {AS_DESK, "inform"},
                 {AS_DESK, "confirm"},   {AS_RESIDENT, "reopen"}};
    for (size_t i = 0; i < COUNT_OF(again); i++)
        house_ok(h, act_as(h, again[i].as, id, again[i].action));
    assert_int_equal(value(h, id, T_REWORK), 3); /* two returns and a reopening */
    house_close(h);
}

/* --- jobs --- */

static void test_auto_close(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket_in(h, KIND_REPAIR, INFORMED);
    at(h, HOUSE_NOW + 7 * DAY_MS);
    jobs_run_due(&h->app, h->c.now_ms);
    assert_int_equal(value(h, id, T_STATE), INFORMED); /* seven days are not over yet */
    at(h, HOUSE_NOW + 7 * DAY_MS + HOUR_MS);
    jobs_run_due(&h->app, h->c.now_ms);
    jobs_run_due(&h->app, h->c.now_ms);
    struct row row = ticket(h, id);
    assert_int_equal(row_int(&row, T_STATE), CLOSED);
    assert_int_equal(row_int(&row, T_CLOSED), h->c.now_ms);
    assert_int_equal(events(h, id, "ticket.closed"), 1);
    assert_int_equal(house_number(h, "SELECT count(*) FROM job WHERE state = 2"), 0);
    house_close(h);
}

/* --- many at once --- */

enum { GRABBERS = 20, CALLERS = 16, CALLS = 20 };
struct runner {
    struct house *h;
    int i;
    int64_t id;
    enum err came;
    int64_t numbers[CALLS];
};

static enum err grab(struct ctx *c, struct tx *tx, void *arg)
{
    struct row row;
    TRY(res_load_seen(c, tx, &res_ticket, *(int64_t *)arg, &row));
    return flow_act_row(c, tx, &res_ticket, &row, "grab", &(struct row){0}, 0);
}

static void run_grab(void *arg)
{
    struct runner *r = arg;
    struct ctx c = house_ctx(r->h, r->i % 2 ? AS_WORKER : AS_WORKER2);
    r->came = db_write(r->h->app.db, &c, grab, &r->id);
    arena_free(c.mem);
}

static void run_all(struct runner *r, int n, void (*fn)(void *))
{
    struct thread *t[GRABBERS];
    for (int i = 0; i < n; i++) {
        t[i] = thread_start("test", fn, &r[i]);
        assert_non_null(t[i]);
    }
    for (int i = 0; i < n; i++)
        thread_join(t[i]);
}

static void test_grab(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct runner r[GRABBERS];
    int64_t id = house_ticket_in(h, KIND_REPAIR, ACCEPTED);
    int won = 0, winner = -1;
    for (int i = 0; i < GRABBERS; i++)
        r[i] = (struct runner){.h = h, .i = i, .id = id};
    run_all(r, GRABBERS, run_grab);
    for (int i = 0; i < GRABBERS; i++) {
        if (r[i].came == E_OK) {
            won++;
            winner = i;
        } else /* 403 for those who no longer see it, 409 for those who still do */
            assert_true(r[i].came == E_DENIED || r[i].came == E_STATE || r[i].came == E_BUSY);
    }
    assert_int_equal(won, 1);
    assert_int_equal(value(h, id, T_ASSIGNEE), h->staff[winner % 2 ? AS_WORKER : AS_WORKER2]);
    assert_int_equal(events(h, id, "ticket.dispatched"), 1);
    house_close(h);
}

static void run_calls(void *arg)
{
    struct runner *r = arg;
    struct ctx c = house_ctx(r->h, AS_SYSTEM);
    r->came = E_OK;
    for (int i = 0; i < CALLS && r->came == E_OK; i++)
        r->came = number_take(&c, r->h->app.db, r->h->a, S("XX-2026"), &r->numbers[i]);
    arena_free(c.mem);
}

static void test_numbers(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct runner r[CALLERS];
    bool seen[CALLERS * CALLS + 1] = {false};
    for (int i = 0; i < CALLERS; i++)
        r[i] = (struct runner){.h = h, .i = i};
    run_all(r, CALLERS, run_calls);
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(r[i].came, E_OK);
        for (int k = 0; k < CALLS; k++) {
            assert_in_range(r[i].numbers[k], 1, CALLERS * CALLS); /* 1 … n: none left out */
            assert_false(seen[r[i].numbers[k]]);
            seen[r[i].numbers[k]] = true;
        }
    }
    static const char *const codes[] = {"WX-2026-000001", "WX-2026-000002", "WX-2026-000003"};
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        struct row row = ticket(h, house_ticket(h, KIND_REPAIR));
        assert_true(str_eqz(row_str(&row, T_CODE), codes[i]));
    }
    at(h, INT64_C(1798732800000)); /* 2027 has begun in Shanghai, not yet in UTC */
    struct row row = ticket(h, house_ticket(h, KIND_COMPLAINT));
    assert_true(str_eqz(row_str(&row, T_CODE), "TS-2027-000001"));
    house_close(h);
}

/* --- duty --- */

static void test_duty(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct row skill = {0}, category = {0}, has = {0}, row = {0};
    const char *worker = house_input(h, "dispatch");
    const char *reason = str_z(h->c.mem,
                               arena_fmt(h->c.mem, "{\"assignee_id\":%lld,\"reason\":\"加班\"}",
                                         (long long)h->staff[AS_WORKER]));
    int64_t id = house_ticket_in(h, KIND_REPAIR, ACCEPTED);
    at(h, HOUSE_NOW + 8 * HOUR_MS); /* the shift ends at this moment */
    house_as(h, AS_DISPATCHER);
    assert_int_equal(house_try(h, id, "dispatch", worker), E_INVALID);
    assert_true(house_told(&h->c, "reason", "off_duty"));
    assert_int_equal(house_try(h, id, "dispatch", reason), E_OK);
    at(h, HOUSE_NOW + 8 * HOUR_MS - 1);
    assert_int_equal(house_try(h, id, "dispatch", worker), E_OK);
    at(h, HOUSE_NOW - HOUR_MS - 1);
    assert_int_equal(house_try(h, id, "dispatch", worker), E_INVALID);
    at(h, HOUSE_NOW);
    house_as(h, AS_SYSTEM);
    row_put(&skill, R_COMMUNITY, v_int(h->a));
    row_put(&skill, SK_NAME, v_lit("水电"));
    house_ok(h, house_insert(h, &res_skill, &skill));
    row_put(&category, R_COMMUNITY, v_int(h->a));
    row_put(&category, CA_NAME, v_lit("水管"));
    row_put(&category, CA_KIND, v_int(KIND_REPAIR));
    row_put(&category, CA_SKILL, skill.v[R_ID]);
    house_ok(h, house_insert(h, &res_category, &category));
    row_put(&row, T_CATEGORY, category.v[R_ID]);
    house_ok(h, house_change(h, &res_ticket, id, &row));
    house_as(h, AS_DISPATCHER);
    assert_int_equal(house_try(h, id, "dispatch", worker), E_INVALID);
    assert_true(house_told(&h->c, "reason", "no_skill"));
    assert_int_equal(house_try(h, id, "dispatch", reason), E_OK);
    house_as(h, AS_SYSTEM);
    row_put(&has, R_COMMUNITY, v_int(h->a));
    row_put(&has, SS_STAFF, v_int(h->staff[AS_WORKER]));
    row_put(&has, SS_SKILL, skill.v[R_ID]);
    house_ok(h, house_insert(h, &res_staff_skill, &has));
    house_as(h, AS_DISPATCHER);
    assert_int_equal(house_try(h, id, "dispatch", worker), E_OK);
    const char *stranger = str_z(
        h->c.mem, arena_fmt(h->c.mem, "{\"assignee_id\":%lld}", (long long)h->staff[AS_WORKER_B]));
    assert_int_equal(house_try(h, id, "dispatch", stranger), E_INVALID);
    assert_true(house_told(&h->c, "assignee_id", "ref"));
    house_close(h);
}

/* --- what residents may register --- */

static void test_resident(void **state)
{
    (void)state;
    struct house *h = house_open();
    const struct {
        int field;
        struct val v;
        const char *name, *code; /* NULL: fine */
    } cases[] = {{T_SPACE, v_int(h->unit), NULL, NULL},
                 {T_SPACE, v_int(h->corridor), NULL, NULL},
                 {T_SPACE, v_int(h->unit2), "space_id", "ref"},
                 {T_SPACE, v_int(h->unit_b), "space_id", "ref"},
                 {T_PERSON, v_int(h->person[AS_RESIDENT2]), "person_id", "ref"},
                 {T_CHANNEL, v_int(CH_WECHAT), NULL, NULL},
                 {T_CHANNEL, v_int(CH_PHONE), "channel", "choice"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct row row = {0};
        row_put(&row, R_COMMUNITY, v_int(h->a));
        row_put(&row, T_KIND, v_int(KIND_REPAIR));
        row_put(&row, T_TITLE, v_lit("灯不亮"));
        row_put(&row, cases[i].field, cases[i].v);
        house_as(h, AS_RESIDENT);
        enum err e = house_insert(h, &res_ticket, &row);
        assert_int_equal(e, cases[i].name ? E_INVALID : E_OK);
        assert_true(!cases[i].name || house_told(&h->c, cases[i].name, cases[i].code));
    }
    house_close(h);
}

/* --- rating ---- */

static enum err post_rating(struct ctx *c, struct tx *tx, void *arg)
{
    struct req *q = arg;
    q->tx = tx;
    buf_init(&q->out, c->mem, 64 << 10);
    return q->route->run(c, q);
}

static enum err rate(struct house *h, enum as as, int64_t id)
{
    struct req q = {.app = &h->app};
    struct ctx *c = house_as(h, as);
    const struct json *body;
    bool known;
    struct str path = arena_fmt(c->mem, "/api/v1/tickets/%lld/rating", (long long)id);
    q.route = route_find(S("POST"), path, &q, &known);
    assert_non_null(q.route);
    TRY(json_parse(c, S("{\"content\":5,\"attitude\":4,\"efficiency\":3,\"experience\":1}"),
                   &body));
    TRY(fields_read(c, q.route->input, q.route->ninput, body, READ_INPUT, NULL, &q.in));
    return db_write(h->app.db, c, post_rating, &q);
}

/* By the customer, once, after he was told. */
static void test_rating(void **state)
{
    (void)state;
    struct house *h = house_open();
    for (int64_t s = RECEIVED; s <= CANCELLED; s++) {
        int64_t id = house_ticket_in(h, KIND_REPAIR, s);
        bool told = s == INFORMED || s == CLOSED;
        static const enum as others[] = {AS_DESK, AS_MANAGER, AS_RESIDENT2, AS_MANAGER_B, AS_ADMIN};
        for (size_t i = 0; i < COUNT_OF(others); i++) {
            enum err e = rate(h, others[i], id);
            assert_true(e == E_DENIED || e == E_MISSING);
        }
        assert_int_equal(rate(h, AS_RESIDENT, id), told ? E_OK : E_STATE);
        assert_int_equal(rate(h, AS_RESIDENT, id), told ? E_EXISTS : E_STATE);
        assert_int_equal(events(h, id, "ticket.rated"), told);
    }
    assert_int_equal(house_number(h, "SELECT count(*) FROM rating"), 2);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_priority),    cmocka_unit_test(test_promise),
        cmocka_unit_test(test_repeat),      cmocka_unit_test(test_no_empty_close),
        cmocka_unit_test(test_reopen_edge), cmocka_unit_test(test_first_contact),
        cmocka_unit_test(test_return),      cmocka_unit_test(test_auto_close),
        cmocka_unit_test(test_grab),        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_duty),        cmocka_unit_test(test_resident),
        cmocka_unit_test(test_rating)};
    return HOUSE_RUN(tests);
}
