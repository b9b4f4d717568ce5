/* remarks_test.c - what was written on a ticket is a row with its event's id, told or not; a log
 * from before has its remarks made once, and not those of whoever was erased. */
#include "../test/lib/house.h"

#include "core/event.h"
#include "rooms/service/ticket.h"

#define ALL "SELECT count(*) FROM ticket_remark"

static enum err come_run(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    return remarks_come(c, tx);
}

static void come(struct house *h)
{
    house_ok(h, db_write(h->app.db, house_as(h, AS_SYSTEM), come_run, NULL));
}

static int64_t ticket_back_and_forth(struct house *h)
{
    int64_t id = house_ticket_in(h, KIND_REPAIR, FINISHED);
    house_do_with(h, AS_DESK, id, "inform", "{\"channel\":\"phone\",\"note\":\"角阀换好了\"}");
    house_do_with(h, AS_DESK, id, "return", "{\"reason\":\"还在滴水\"}");
    return id;
}

static void test_written_is_a_row(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = ticket_back_and_forth(h);
    assert_int_equal(house_number(h, ALL " m JOIN event e ON e.id = m.id AND e.subject_id = "
                                         "m.ticket_id AND e.at = m.created_at WHERE m.text = "
                                         "'还在滴水' AND m.told = 1 AND e.topic LIKE 'ticket.%'"),
                     1);
    assert_int_equal(house_number(h, ALL " WHERE text = '角阀换好了'"), 1);
    int64_t result = house_number(
        h, arena_fmt(h->mem,
                     ALL " m JOIN ticket t ON t.id = m.ticket_id WHERE t.id = %lld AND m.text = "
                         "t.result",
                     (long long)id)
               .p);
    assert_int_equal(result, 0); /* the result stands on the ticket */
    house_close(h);
}

static void test_old_log(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = ticket_back_and_forth(h), other = ticket_back_and_forth(h);
    int64_t all = house_number(h, ALL);
    house_sql(h, "DELETE FROM ticket_remark");
    come(h);
    assert_int_equal(house_number(h, ALL), all);
    assert_int_equal(house_number(h, ALL " m JOIN event e ON e.id = m.id AND e.user_id = "
                                         "m.created_by WHERE m.text = '还在滴水' AND m.told = 1"),
                     2);
    come(h);
    assert_int_equal(house_number(h, ALL), all); /* once */
    house_sql(h, "DELETE FROM ticket_remark");
    house_sql(h, arena_fmt(h->mem,
                           "INSERT INTO event_hush (subject, subject_id, at) VALUES ('ticket', "
                           "%lld, 1)",
                           (long long)other)
                     .p);
    come(h);
    house_as(h, AS_DESK);
    house_do_with(h, AS_DESK, other, "prioritize", "{\"priority\":\"P1\",\"reason\":\"催过两次\"}");
    assert_int_equal(
        house_number(h, arena_fmt(h->mem, ALL " WHERE ticket_id = %lld", (long long)other).p), 0);
    assert_true(
        house_number(h, arena_fmt(h->mem, ALL " WHERE ticket_id = %lld", (long long)id).p) >= 2);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_written_is_a_row),
                                       cmocka_unit_test(test_old_log)};
    return HOUSE_RUN(tests);
}
