/* watch_test.c - who follows a ticket: each for himself, the first contact always, nobody who left;
 * the list of one's own; and in which house a worker's orders are. */
#include "../test/lib/house.h"

#include "core/res_in.h"
#include "rooms/service/desk.h"

static int64_t count(struct house *h, const char *from)
{
    return house_number(h, arena_fmt(h->mem, "SELECT count(*) FROM %s", from).p);
}

struct call {
    const char *method, *path, *query;
    struct row in;
    struct str reply;
};
static enum err ask(struct ctx *c, struct tx *tx, void *arg)
{
    struct req *q = arg;
    q->tx = tx;
    buf_init(&q->out, c->mem, 256 << 10);
    return q->route->run(c, q);
}

static enum err call(struct house *h, enum as as, struct call *call)
{
    struct ctx *c = house_as(h, as);
    struct http_req http = {.mem = c->mem, .query = str_of(call->query ? call->query : "")};
    struct req q = {.app = &h->app, .h = &http, .in = call->in};
    bool known;
    q.route = route_find(str_of(call->method), str_of(call->path), &q, &known);
    assert_non_null(q.route);
    enum err e = db_write(h->app.db, c, ask, &q);
    call->reply = buf_str(&q.out);
    return e;
}

static enum err watch(struct house *h, enum as as, int64_t ticket, bool on)
{
    struct call k = {.method = "POST",
                     .path = arena_fmt(h->mem, "/api/v1/tickets/%lld/watch", (long long)ticket).p};
    row_put(&k.in, 0, v_int(on));
    return call(h, as, &k);
}

static void test_watch(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket(h, KIND_REPAIR); /* taken by the desk */
    for (int twice = 0; twice < 2; twice++)
        house_ok(h, watch(h, AS_MANAGER, id, true));
    assert_int_equal(count(h, "ticket_watch WHERE archived = 0"), 1);
    assert_int_equal(house_number(h, "SELECT staff_id FROM ticket_watch"), h->staff[AS_MANAGER]);
    house_ok(h, watch(h, AS_DESK, id, true)); /* is the first contact: without a row */
    assert_int_equal(count(h, "ticket_watch WHERE archived = 0"), 1);
    assert_int_equal(watch(h, AS_DESK, id, false), E_STATE);
    assert_int_not_equal(watch(h, AS_WORKER_B, id, true), E_OK); /* of another community */
    assert_int_not_equal(watch(h, AS_CASHIER, id, true), E_OK);
    assert_int_not_equal(watch(h, AS_RESIDENT, id, true), E_OK);
    int64_t his = house_ticket_in(h, KIND_REPAIR, IN_PROGRESS);
    house_ok(h, watch(h, AS_WORKER, his, true));
    assert_int_not_equal(watch(h, AS_WORKER2, his, true), E_OK); /* does not see it */
    for (int twice = 0; twice < 2; twice++)
        house_ok(h, watch(h, AS_MANAGER, id, false));
    assert_int_equal(count(h, "ticket_watch WHERE archived = 0"), 1);
    house_ok(h, watch(h, AS_MANAGER, id, true)); /* and again */
    assert_int_equal(count(h, "ticket_watch"), 3);
    house_close(h);
}

static enum err leave(struct ctx *c, struct tx *tx, void *arg)
{
    struct row old, neu = {0};
    TRY(res_load(c, tx, &res_staff, *(int64_t *)arg, &old));
    row_put(&neu, R_ARCHIVED, v_int(1));
    return res_store(c, tx, &res_staff, &old, &neu, "staff.archived", (struct str){0});
}

/* What he left behind ends; of the others nothing. */
static void test_left(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket(h, KIND_REPAIR);
    house_ok(h, watch(h, AS_MANAGER, id, true));
    house_ok(h, watch(h, AS_DISPATCHER, id, true));
    house_as(h, AS_SYSTEM);
    house_ok(h, db_write(h->app.db, &h->c, leave, &h->staff[AS_DISPATCHER]));
    house_minute(h);
    assert_int_equal(count(h, "ticket_watch WHERE archived = 0"), 1);
    assert_int_equal(house_number(h, "SELECT staff_id FROM ticket_watch WHERE archived = 0"),
                     h->staff[AS_MANAGER]);
    house_close(h);
}

/* The nearest entrance or building above each place; a plant room outside has none. */
static void test_stops(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket_in(h, KIND_REPAIR, IN_PROGRESS);
    struct row t = house_row(h, &res_ticket, id);
    struct call k = {.method = "GET", .path = "/api/v1/me/stops"};
    house_ok(h, call(h, AS_WORKER, &k));
    const struct json *j;
    house_ok(h, json_parse(&h->c, k.reply, &j));
    const struct json *one = json_at(json_get(j, "items"), 0);
    assert_int_equal(json_int(json_get(one, "space_id")), row_int(&t, T_SPACE));
    struct row s = house_row(h, &res_space, row_int(&t, T_SPACE));
    while (row_int(&s, SP_KIND) > SP_ENTRANCE)
        s = house_row(h, &res_space, row_int(&s, SP_PARENT));
    assert_true(val_eq(v_text(json_str(json_get(one, "stop"))), s.v[SP_PATH]));
    house_ok(h, call(h, AS_WORKER2, &k));
    assert_true(str_find(k.reply, S("stop")) < 0);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_watch), cmocka_unit_test(test_left),
                                       cmocka_unit_test(test_stops)};
    return HOUSE_RUN(tests);
}
