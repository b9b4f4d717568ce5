/* public_link_test.c - a link opens one ticket for one purpose until it ends; what is stored opens
 * nothing; whatever else is tried gets one and the same answer. */
#include "../test/lib/house.h"

#include "base/crypto.h"
#include "rooms/intake/room.h"

struct attempt {
    enum public_kind kind;
    struct str token;
    int64_t ticket, alive_ms;
    struct row t, link;
};

static enum err make_one(struct ctx *c, struct tx *tx, void *arg)
{
    struct attempt *y = arg;
    TRY(res_load(c, tx, &res_ticket, y->ticket, &y->t));
    return public_link_make(c, tx, &y->t, y->kind, c->now_ms + PROGRESS_DAYS * DAY_MS, &y->token);
}

static enum err find_one(struct ctx *c, struct tx *tx, void *arg)
{
    struct attempt *y = arg;
    return public_link_find(c, tx, y->kind, y->token, y->alive_ms ? y->alive_ms : c->now_ms,
                            &y->link, &y->t);
}

static struct attempt made(struct house *h, enum public_kind kind)
{
    struct attempt y = {.kind = kind, .ticket = house_ticket(h, KIND_REPAIR)};
    house_ok(h, db_write(h->app.db, &h->c, make_one, &y));
    return y;
}

static enum err found(struct house *h, struct attempt y)
{
    house_as(h, AS_SYSTEM);
    return db_read(h->app.db, &h->c, find_one, &y);
}

static void test_opens_its_ticket(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct attempt y = made(h, PUBLIC_PROGRESS), z = made(h, PUBLIC_PROGRESS);
    assert_int_equal(y.token.n, 32);
    assert_false(str_eq(y.token, z.token));
    house_ok(h, db_read(h->app.db, &h->c, find_one, &y));
    assert_int_equal(row_int(&y.t, R_ID), y.ticket);
    struct str sql = arena_fmt(
        h->mem, "SELECT count(*) FROM public_link WHERE token_hash = '" PRS "'", PRA(y.token));
    assert_int_equal(house_number(h, str_z(h->mem, sql)), 0); /* the hash is stored, not the key */
    sql = arena_fmt(h->mem, "SELECT count(*) FROM event WHERE data LIKE '%%" PRS "%%'",
                    PRA(y.token));
    assert_int_equal(house_number(h, str_z(h->mem, sql)), 0);
    y.token = public_token_hash(h->mem, y.token); /* who reads the table opens nothing */
    assert_int_equal(found(h, y), E_MISSING);
    house_close(h);
}

static void test_ends(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct attempt y = made(h, PUBLIC_PROGRESS);
    h->c.now_ms += PROGRESS_DAYS * DAY_MS - 1;
    assert_int_equal(found(h, y), E_OK);
    h->c.now_ms += 1;
    assert_int_equal(found(h, y), E_MISSING);
    h->c.now_ms -= DAY_MS;
    y.kind = PUBLIC_RATE; /* one purpose is not the other */
    assert_int_equal(found(h, y), E_MISSING);
    y.kind = PUBLIC_PROGRESS;
    house_sql(h, "UPDATE public_link SET state = 3");
    assert_int_equal(found(h, y), E_MISSING);
    house_sql(h, "UPDATE public_link SET state = 1");
    assert_int_equal(found(h, y), E_OK);
    house_sql(h, "UPDATE community SET archived = 1");
    assert_int_equal(found(h, y), E_MISSING);
    house_close(h);
}

/* Seeded: the same thousand each time. */
static void test_hostile_tokens(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct attempt y = made(h, PUBLIC_PROGRESS);
    struct prng g;
    char text[512];
    prng_seed(&g, 90);
    for (int i = 0; i < 1000; i++) {
        size_t n = (size_t)prng_range(&g, 0, (int64_t)sizeof text);
        for (size_t k = 0; k < n; k++)
            text[k] = (char)prng_range(&g, 0, 255);
        struct attempt bad = y;
        bad.token = (struct str){text, n};
        assert_int_equal(found(h, bad), E_MISSING);
        struct str near = str_dup(h->mem, y.token); /* one digit off */
        ((char *)(uintptr_t)near.p)[i % 32] ^= 1;
        bad.token = near;
        assert_int_equal(found(h, bad), E_MISSING);
    }
    y.token.n--;
    assert_int_equal(found(h, y), E_MISSING);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_opens_its_ticket),
                                       cmocka_unit_test(test_ends),
                                       cmocka_unit_test(test_hostile_tokens)};
    return HOUSE_RUN(tests);
}
