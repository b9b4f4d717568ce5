/* replies_test.c - a wording holds variables of the list only; whoever wrote it does not approve
 * it; other words are approved anew. */
#include "../test/lib/house.h"

#include "rooms/handbook/room.h"

static void test_fill(void **state)
{
    (void)state;
    struct arena *mem = arena_new(1 << 20);
    struct str values[REPLY__N] = {[REPLY_TICKET] = S("WX-1"), [REPLY_NAME] = S("{due}")};
    static const struct {
        const char *body, *said; /* NULL: not offered */
        bool known;
    } cases[] = {{"plain", "plain", true},
                 {"{ticket}{ticket}", "WX-1WX-1", true},
                 {"a {name} b", "a {due} b", true}, /* a value is not filled in again */
                 {"{result}", NULL, true},
                 {"{nobody}", NULL, false},
                 {"{", NULL, false},
                 {"}", NULL, false},
                 {"{}", NULL, false},
                 {"{ticket", NULL, false},
                 {"{{ticket}}", NULL, false},
                 {"", "", true}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out;
        buf_init(&out, mem, 1000);
        assert_int_equal(reply_fill(str_of(cases[i].body), NULL, NULL), cases[i].known);
        bool whole = reply_fill(str_of(cases[i].body), values, &out);
        assert_int_equal(whole, cases[i].said != NULL);
        if (whole)
            assert_true(str_eqz(buf_str(&out), cases[i].said));
    }
    arena_free(mem);
}

struct doing {
    int64_t id;
    const char *action;
};

static enum err act_tx(struct ctx *c, struct tx *tx, void *arg)
{
    struct doing *d = arg;
    struct row row, in = {0};
    TRY(res_load(c, tx, &res_reply_template, d->id, &row));
    return flow_act_row(c, tx, &res_reply_template, &row, d->action, &in, 0);
}

static enum err act_on(struct house *h, enum as as, int64_t id, const char *action)
{
    struct doing d = {id, action};
    return db_write(h->app.db, house_as(h, as), act_tx, &d);
}

static void test_four_eyes(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct row row = {0}, words = {0}, owner = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, RT_TITLE, v_lit("x"));
    row_put(&row, RT_BODY, v_lit("{ticket} {phone}"));
    row_put(&row, RT_POST,
            v_int(house_number(h, str_z(h->mem, arena_fmt(h->mem,
                                                          "SELECT min(id) FROM post WHERE "
                                                          "community_id = %lld",
                                                          (long long)h->a)))));
    house_as(h, AS_MANAGER);
    assert_int_equal(house_insert(h, &res_reply_template, &row), E_INVALID);
    assert_true(house_told(&h->c, "body", "variable"));
    row.v[R_ID] = v_null();
    row_put(&row, RT_BODY, v_lit("{ticket}"));
    house_as(h, AS_MANAGER);
    house_ok(h, house_insert(h, &res_reply_template, &row));
    int64_t id = row_int(&row, R_ID);
    assert_int_equal(act_on(h, AS_MANAGER, id, "approve"), E_DENIED); /* his own words */
    assert_int_equal(act_on(h, AS_DESK, id, "approve"), E_DENIED);    /* not the desk's to say */
    row_put(&words, RT_BODY, v_lit("{ticket}!"));
    house_as(h, AS_DESK);
    house_ok(h, house_change(h, &res_reply_template, id, &words));
    house_ok(h, act_on(h, AS_MANAGER, id, "approve"));
    row_put(&owner, RT_POST, row.v[RT_POST]); /* the words stay: so does the approval */
    house_as(h, AS_DESK);
    house_ok(h, house_change(h, &res_reply_template, id, &owner));
    row = house_row(h, &res_reply_template, id);
    assert_int_equal(row_int(&row, RT_STATE), 2);
    words = (struct row){0};
    row_put(&words, RT_BODY, v_lit("{ticket}?"));
    house_as(h, AS_DESK);
    house_ok(h, house_change(h, &res_reply_template, id, &words));
    row = house_row(h, &res_reply_template, id);
    assert_int_equal(row_int(&row, RT_STATE), 1);
    assert_false(row_has(&row, RT_APPROVER));
    assert_int_equal(house_number(h, "SELECT count(*) FROM reply_template WHERE state = 2"), 0);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fill),
                                       cmocka_unit_test(test_four_eyes)};
    return HOUSE_RUN(tests);
}
