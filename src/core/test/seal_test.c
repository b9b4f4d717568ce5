/* seal_test.c - the event log as evidence: the database refuses to change or remove a row whoever
 * asks; who breaks that lock and changes, removes, adds or reorders one is found by the chain; and
 * a chain written anew is found by the missing signature. */
#include "../test/lib/house.h"

#include "core/key.h"
#include "core/seal.h"

struct told {
    int n;
    int64_t id;
    char text[200];
};

static void hear(void *arg, int64_t id, struct str text)
{
    struct told *t = arg;
    if (!t->n++)
        snprintf(t->text, sizeof t->text, PRS, PRA(text));
    t->id = id;
}

static struct told verify(struct house *h)
{
    struct told t = {0};
    house_as(h, AS_SYSTEM);
    house_ok(h, seal_verify(&h->c, &h->app, hear, &t));
    return t;
}

static enum err run_text(struct ctx *c, struct tx *tx, void *arg)
{
    const struct query *q = db_intern(tx_db(tx), S("test"), str_of(arg));
    return q_do(c, tx, q, IN0, NULL);
}

static enum err try_sql(struct house *h, const char *sql)
{
    house_as(h, AS_SYSTEM);
    return db_write(h->app.db, &h->c, run_text, (void *)(uintptr_t)sql);
}

/* What only the owner of the database can do. */
static void unlock(struct house *h)
{
    if (house_pg) {
        house_sql(h, "ALTER TABLE event DISABLE TRIGGER ALL");
        return;
    }
    house_sql(h, "DROP TRIGGER \"event_no_UPDATE\"");
    house_sql(h, "DROP TRIGGER \"event_no_DELETE\"");
}

static void test_append_only(void **state)
{
    (void)state;
    struct house *h = house_open();
    (void)house_ticket(h, KIND_REPAIR);
    assert_true(seal_run(&h->app, HOUSE_NOW) > 0);
    int64_t n = house_number(h, "SELECT count(*) FROM event");
    static const char *const tries[] = {
        "DELETE FROM event",
        "UPDATE event SET data = '{}'",
        "UPDATE event SET user_name = NULL",
        "UPDATE event SET position = 1",
        "UPDATE event SET position = NULL, seal = NULL",
        "DELETE FROM event WHERE id = (SELECT max(id) FROM event)",
    };
    for (size_t i = 0; i < COUNT_OF(tries); i++)
        if (try_sql(h, tries[i]) != E_DB)
            fail_msg("%s", tries[i]);
    if (house_pg)
        assert_int_equal(try_sql(h, "TRUNCATE event"), E_DB);
    assert_int_equal(house_number(h, "SELECT count(*) FROM event"), n);
    assert_int_equal(verify(h).n, 0);
    (void)house_ticket(h, KIND_REPAIR); /* one not sealed yet is protected too */
    assert_int_equal(try_sql(h, "UPDATE event SET data = '{}' WHERE position IS NULL"), E_DB);
    assert_int_equal(try_sql(h, "DELETE FROM event WHERE position IS NULL"), E_DB);
    house_close(h);
}

static void test_sealed(void **state)
{
    (void)state;
    struct house *h = house_open();
    for (int i = 0; i < 70; i++) /* more events than one unit seals */
        (void)house_ticket_in(h, KIND_REPAIR, INFORMED);
    assert_true(seal_run(&h->app, HOUSE_NOW) > 400);
    assert_int_equal(seal_run(&h->app, HOUSE_NOW), 0);
    assert_int_equal(house_number(h, "SELECT count(*) FROM event WHERE position IS NULL"), 0);
    assert_int_equal(house_number(h, "SELECT count(*) FROM event_chain"),
                     house_number(h, "SELECT count(DISTINCT community_id) FROM event"));
    assert_int_equal(house_number(h, "SELECT sum(length) FROM event_chain"),
                     house_number(h, "SELECT count(*) FROM event"));
    assert_int_equal(verify(h).n, 0);
    house_close(h);
}

/* One harm at a time to a fresh house; each must be found, with its place. */
static void test_tampering(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *says;
    } harms[] = {
        {"UPDATE event SET data = '{\"action\":\"nothing\"}' WHERE position = 3", "was changed"},
        {"UPDATE event SET at = at - 1 WHERE position = 2", "was changed"},
        {"UPDATE event SET user_name = 'somebody else' WHERE position = 4", "was changed"},
        {"UPDATE event SET user_id = NULL, user_name = NULL WHERE user_name IS NOT NULL",
         "was changed"},
        {"DELETE FROM event WHERE position = 3", "are missing"},
        {"DELETE FROM event WHERE position = 1", "are missing"},
        {"DELETE FROM event WHERE position = (SELECT max(length) FROM event_chain)", "last events"},
        {"UPDATE event SET position = 1000000 - position WHERE position < 5", "are missing"},
        {"INSERT INTO event (id, community_id, at, topic, subject, subject_id, data, position, "
         "seal) "
         "SELECT -1 - community_id, community_id, at, 'ticket.closed', subject, subject_id, '{}', "
         "length + 1, "
         "seal "
         "FROM (SELECT e.*, c.length FROM event e JOIN event_chain c ON c.community_id = "
         "e.community_id AND c.length = e.position) AS last",
         "was changed"},
        {"UPDATE event_chain SET length = length - 1", "added past"},
        {"UPDATE event_chain SET sign = NULL", "not signed"},
        {"UPDATE event_chain SET sign = 'x'", "not signed"},
        {"DELETE FROM event_chain", "chain is missing"},
    };
    for (size_t i = 0; i < COUNT_OF(harms); i++) {
        struct house *h = house_open();
        (void)house_ticket_in(h, KIND_REPAIR, INFORMED);
        assert_true(seal_run(&h->app, HOUSE_NOW) > 0);
        unlock(h);
        house_sql(h, harms[i].sql);
        struct told t = verify(h);
        if (!t.n || !strstr(t.text, harms[i].says))
            fail_msg("%s: %d \"%s\"", harms[i].sql, t.n, t.text);
        house_close(h);
    }
}

/* Two rows change places and the seals are written anew: only the signature can tell. */
static void test_rewritten(void **state)
{
    (void)state;
    struct house *h = house_open();
    (void)house_ticket_in(h, KIND_REPAIR, INFORMED);
    assert_true(seal_run(&h->app, HOUSE_NOW) > 0);
    unlock(h);
    house_sql(h, "DELETE FROM event WHERE position = 3");
    house_sql(h, "UPDATE event SET position = NULL, seal = NULL");
    house_sql(h, "DELETE FROM event_chain");
    keys_forget(); /* the forger has the database, not the key file */
    assert_true(seal_run(&h->app, HOUSE_NOW) > 0);
    assert_int_equal(verify(h).n, 0); /* without the key nobody sees it */
    house_as(h, AS_SYSTEM);
    house_ok(h, keys_load(&h->c, &h->app, h->key, false));
    assert_non_null(strstr(verify(h).text, "not signed"));
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_only),
        cmocka_unit_test(test_sealed),
        cmocka_unit_test(test_tampering),
        cmocka_unit_test(test_rewritten),
    };
    return HOUSE_RUN(tests);
}
