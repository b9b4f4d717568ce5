/* sealed_test.c - a complaint without a name: nothing that is stored in the clear says who it was,
 * two people open it for a day, and who was erased is under no seal. */
#include "../test/lib/house.h"

#include "rooms/intake/intake.h"

static int64_t seal(struct house *h)
{
    struct row t = {0}, s = {0};
    house_as(h, AS_SYSTEM);
    row_put(&t, R_COMMUNITY, v_int(h->a));
    row_put(&t, T_KIND, v_int(KIND_COMPLAINT));
    row_put(&t, T_TITLE, v_lit("保安态度恶劣"));
    row_put(&t, T_CHANNEL, v_int(CH_APP));
    row_put(&t, T_ANONYMOUS, v_int(1));
    house_ok(h, res_ticket.prepare(&h->c, &h->app, &t));
    house_ok(h, house_insert(h, &res_ticket, &t));
    row_put(&s, R_COMMUNITY, v_int(h->a));
    row_put(&s, SI_TICKET, t.v[R_ID]);
    row_put(&s, SI_STATE, v_int(SEAL_CLOSED));
    row_put(&s, SI_NAME, v_lit("钱多多"));
    row_put(&s, SI_PHONE, v_lit("13900001111"));
    row_put(&s, SI_PERSON, v_text(arena_fmt(h->c.mem, "%lld", (long long)h->person[AS_RESIDENT])));
    house_ok(h, house_insert(h, &res_sealed_identity, &s));
    return row_int(&s, R_ID);
}

struct acting {
    int64_t id;
    const char *action;
    struct row in;
};

static enum err act_run(struct ctx *c, struct tx *tx, void *arg)
{
    struct acting *a = arg;
    struct row row;
    TRY(res_load_seen(c, tx, &res_sealed_identity, a->id, &row));
    return flow_act_row(c, tx, &res_sealed_identity, &row, a->action, &a->in, 0);
}

static enum err act(struct house *h, enum as as, int64_t id, const char *action)
{
    struct acting a = {.id = id, .action = action};
    if (strcmp(action, "ask") == 0)
        row_put(&a.in, 0, v_lit("要当面道歉"));
    house_as(h, as);
    return db_write(h->app.db, &h->c, act_run, &a);
}

static void test_two_people(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = seal(h);
    assert_int_equal(act(h, AS_MANAGER, id, "read"), E_DENIED);
    assert_int_equal(act(h, AS_MANAGER, id, "grant"), E_STATE);
    assert_int_equal(act(h, AS_DESK, id, "ask"), E_DENIED);
    assert_int_equal(act(h, AS_MANAGER_B, id, "ask"), E_MISSING);
    house_ok(h, act(h, AS_MANAGER, id, "ask"));
    assert_int_equal(act(h, AS_MANAGER, id, "grant"), E_DENIED); /* not to oneself */
    assert_int_equal(act(h, AS_MANAGER, id, "refuse"), E_DENIED);
    house_ok(h, act(h, AS_DISPATCHER, id, "refuse"));
    assert_int_equal(act(h, AS_MANAGER, id, "read"), E_STATE);
    house_ok(h, act(h, AS_MANAGER, id, "ask"));
    house_ok(h, act(h, AS_DISPATCHER, id, "grant"));
    assert_int_equal(act(h, AS_DISPATCHER, id, "read"), E_DENIED); /* only who said why */
    house_ok(h, act(h, AS_MANAGER, id, "read"));
    assert_int_equal(
        house_number(h, "SELECT count(*) FROM event WHERE topic = 'sealed_identity.read'"), 1);
    house_as(h, AS_SYSTEM);
    house_sql(h, "UPDATE sealed_identity SET open_until = 1");
    assert_int_equal(act(h, AS_MANAGER, id, "read"), E_STATE); /* its day is over */
    house_ok(h, act(h, AS_MANAGER, id, "ask"));
    house_close(h);
}

static void test_nothing_in_the_clear(void **state)
{
    (void)state;
    struct house *h = house_open();
    (void)seal(h);
    assert_int_equal(house_number(h, "SELECT count(*) FROM sealed_identity WHERE name LIKE '%钱%' "
                                     "OR phone LIKE '%1111%'"),
                     0);
    assert_int_equal(house_number(h, "SELECT count(*) FROM event WHERE data LIKE '%钱多多%' OR "
                                     "data LIKE '%13900001111%'"),
                     0);
    house_close(h);
}

static enum err forget(struct ctx *c, struct tx *tx, void *arg)
{
    struct house *h = arg;
    return sealed_forget(c, tx, h->a, h->person[AS_RESIDENT]);
}

static void test_erased(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = seal(h);
    house_as(h, AS_SYSTEM);
    house_ok(h, db_write(h->app.db, &h->c, forget, h));
    struct row row = house_row(h, &res_sealed_identity, id);
    assert_false(row_has(&row, SI_NAME) || row_has(&row, SI_PHONE) || row_has(&row, SI_PERSON) ||
                 row_has(&row, SI_PERSON_INDEX));
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_people),
                                       cmocka_unit_test(test_nothing_in_the_clear),
                                       cmocka_unit_test(test_erased)};
    return HOUSE_RUN(tests);
}
