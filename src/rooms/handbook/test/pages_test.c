/* pages_test.c - the handbook a community starts with is whole; what was in force is never changed;
 * a new version waits for its day, ends the one before, and asks everybody again. */
#include "../test/lib/house.h"

#include "core/event.h"
#include "rooms/handbook/room.h"

static int64_t page_in(struct house *h, int kind, int state)
{
    return house_number(h, str_z(h->mem, arena_fmt(h->mem,
                                                   "SELECT coalesce(max(id), 0) FROM handbook_page "
                                                   "WHERE community_id = %lld AND kind = %d AND "
                                                   "state = %d AND archived = 0",
                                                   (long long)h->a, kind, state)));
}

static int64_t count(struct house *h, const char *from)
{
    return house_number(h, str_z(h->mem, arena_fmt(h->mem, "SELECT count(*) FROM %s", from)));
}

struct doing {
    int64_t page, staff, at_ms;
    const char *action, *from;
};

static enum err act_tx(struct ctx *c, struct tx *tx, void *arg)
{
    struct doing *d = arg;
    struct row page, in = {0};
    TRY(res_load(c, tx, &res_handbook_page, d->page, &page));
    if (!d->action)
        return handbook_confirm(c, tx, &page, d->staff, &d->at_ms);
    if (d->from)
        row_put(&in, 0, v_text(str_of(d->from)));
    return flow_act_row(c, tx, &res_handbook_page, &page, d->action, &in, 0);
}

static enum err act_on(struct house *h, int64_t page, const char *action, const char *from)
{
    struct doing d = {.page = page, .action = action, .from = from};
    return db_write(h->app.db, house_as(h, AS_MANAGER), act_tx, &d);
}

static enum err confirm(struct house *h, int64_t page, enum as as, int64_t *ret_at_ms)
{
    struct doing d = {.page = page, .staff = h->staff[as]};
    enum err e = db_write(h->app.db, house_as(h, as), act_tx, &d);
    *ret_at_ms = d.at_ms;
    return e;
}

/* A draft of the repair page with one step of the desk's post. */
static int64_t draft_new(struct house *h, bool with_step)
{
    struct row page = {0}, step = {0};
    struct row before = house_row(h, &res_handbook_page, page_in(h, KIND_REPAIR, PAGE_IN_FORCE));
    house_as(h, AS_MANAGER);
    row_put(&page, R_COMMUNITY, v_int(h->a));
    row_put(&page, HP_KIND, v_int(KIND_REPAIR));
    row_put(&page, HP_TITLE, v_lit("报修服务,新"));
    row_put(&page, HP_POST, before.v[HP_POST]);
    house_ok(h, house_insert(h, &res_handbook_page, &page));
    row_put(&step, R_COMMUNITY, v_int(h->a));
    row_put(&step, HS_PAGE, page.v[R_ID]);
    row_put(&step, HS_POSITION, v_int(1));
    row_put(&step, HS_NAME, v_lit("接单"));
    row_put(&step, HS_POST, before.v[HP_POST]);
    if (with_step)
        house_ok(h, house_insert(h, &res_handbook_step, &step));
    return row_int(&page, R_ID);
}

static void test_shipped(void **state)
{
    (void)state;
    struct house *h = house_open();
    assert_int_equal(count(h, "handbook_page WHERE state = 2 AND edition = 1"), 2 * 6);
    assert_int_equal(count(h, "handbook_step"), 2 * 6 * 4);
    assert_int_equal(count(h, "handbook_page WHERE post_id IS NULL OR title_en IS NULL OR purpose "
                              "IS NULL OR purpose_en IS NULL OR effective_from IS NULL"),
                     0);
    assert_int_equal(count(h, "handbook_step WHERE post_id IS NULL OR name_en IS NULL OR what IS "
                              "NULL OR what_en IS NULL OR standard IS NULL OR standard_en IS NULL"),
                     0);
    for (int clock = 1; clock <= CLOCK__N; clock++) /* each clock limits a step of every page */
        assert_int_equal(
            count(h, str_z(h->mem, arena_fmt(h->mem, "handbook_step WHERE clock = %d", clock))),
            2 * 6);
    assert_int_equal(count(h, "handbook_step s JOIN handbook_page p ON p.id = s.page_id JOIN post "
                              "o ON o.id = s.post_id WHERE p.community_id <> s.community_id OR "
                              "o.community_id <> s.community_id"),
                     0);
    house_close(h);
}

/* R7, R8 */
static void test_versions(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t first = page_in(h, KIND_REPAIR, PAGE_IN_FORCE), bare = draft_new(h, false);
    struct row again = {0}, neu = {0};
    row_put(&again, R_COMMUNITY, v_int(h->a));
    row_put(&again, HP_KIND, v_int(KIND_REPAIR));
    row_put(&again, HP_TITLE, v_lit("x"));
    house_as(h, AS_MANAGER);
    assert_int_equal(house_insert(h, &res_handbook_page, &again), E_EXISTS);
    assert_int_equal(act_on(h, bare, "publish", NULL), E_STATE); /* no steps */
    struct row step = {0};
    row_put(&step, R_COMMUNITY, v_int(h->a));
    row_put(&step, HS_PAGE, v_int(bare));
    row_put(&step, HS_POSITION, v_int(1));
    row_put(&step, HS_NAME, v_lit("接单"));
    house_as(h, AS_MANAGER);
    house_ok(h, house_insert(h, &res_handbook_step, &step));
    assert_int_equal(act_on(h, bare, "publish", NULL), E_STATE); /* nobody is responsible for it */
    row_put(&neu, HS_POST, house_row(h, &res_handbook_page, first).v[HP_POST]);
    house_as(h, AS_MANAGER);
    house_ok(h, house_change(h, &res_handbook_step, row_int(&step, R_ID), &neu));
    assert_int_equal(act_on(h, bare, "publish", "2026-03-01"), E_INVALID); /* yesterday */
    house_ok(h, act_on(h, bare, "publish", NULL));
    assert_int_equal(page_in(h, KIND_REPAIR, PAGE_IN_FORCE), bare);
    struct row old = house_row(h, &res_handbook_page, first);
    assert_int_equal(row_int(&old, HP_STATE), PAGE_WITHDRAWN);
    assert_true(row_has(&old, HP_ENDED));
    assert_int_equal(row_int(&old, HP_EDITION) + 1,
                     house_number(h, "SELECT max(edition) FROM handbook_page"));
    /* Neither the page, old or new, nor its steps are changed any more. */
    for (int i = 0; i < 2; i++) {
        struct row other = {0};
        row_put(&other, HP_TITLE, v_lit("y"));
        house_as(h, AS_MANAGER);
        assert_int_equal(house_change(h, &res_handbook_page, i ? first : bare, &other), E_STATE);
    }
    struct row renamed = {0};
    row_put(&renamed, HS_NAME, v_lit("z"));
    house_as(h, AS_MANAGER);
    assert_int_equal(house_change(h, &res_handbook_step, row_int(&step, R_ID), &renamed), E_STATE);
    house_close(h);
}

/* A day to come: the old one holds until then, and the hourly look ends it. */
static void test_its_day(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t first = page_in(h, KIND_REPAIR, PAGE_IN_FORCE), next = draft_new(h, true), at_ms;
    house_ok(h, act_on(h, next, "publish", "2026-03-04"));
    int64_t t = house_ticket(h, KIND_REPAIR);
    struct row ticket = house_row(h, &res_ticket, t);
    assert_int_equal(row_int(&ticket, T_PAGE), first);
    assert_int_equal(confirm(h, next, AS_DESK, &at_ms), E_STATE);
    house_at(h, "2026-03-04 08:01");
    house_minute(h);
    struct row old = house_row(h, &res_handbook_page, first);
    assert_int_equal(row_int(&old, HP_STATE), PAGE_WITHDRAWN);
    int64_t u = house_ticket(h, KIND_REPAIR);
    ticket = house_row(h, &res_ticket, u);
    assert_int_equal(row_int(&ticket, T_PAGE), next);
    ticket = house_row(h, &res_ticket, t); /* keeps what it started with */
    assert_int_equal(row_int(&ticket, T_PAGE), first);
    house_ok(h, act_on(h, next, "withdraw", NULL));
    ticket = house_row(h, &res_ticket, house_ticket(h, KIND_REPAIR));
    assert_false(row_has(&ticket, T_PAGE));
    house_close(h);
}

/* A category's own page comes before its kind's, and must be of its kind. */
static void test_category(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t category =
        house_number(h, str_z(h->mem, arena_fmt(h->mem,
                                                "SELECT min(id) FROM category WHERE kind = 1 AND "
                                                "community_id = %lld",
                                                (long long)h->a)));
    struct row page = {0}, wrong = {0};
    row_put(&wrong, R_COMMUNITY, v_int(h->a));
    row_put(&wrong, HP_KIND, v_int(KIND_PRAISE));
    row_put(&wrong, HP_CATEGORY, v_int(category));
    row_put(&wrong, HP_TITLE, v_lit("x"));
    house_as(h, AS_MANAGER);
    assert_int_equal(house_insert(h, &res_handbook_page, &wrong), E_INVALID);
    assert_true(house_told(&h->c, "category_id", "kind"));
    row_put(&page, R_COMMUNITY, v_int(h->a));
    row_put(&page, HP_KIND, v_int(KIND_REPAIR));
    row_put(&page, HP_CATEGORY, v_int(category));
    row_put(&page, HP_TITLE, v_lit("水龙头"));
    row_put(&page, HP_POST,
            house_row(h, &res_handbook_page, page_in(h, KIND_REPAIR, PAGE_IN_FORCE)).v[HP_POST]);
    house_as(h, AS_MANAGER);
    house_ok(h, house_insert(h, &res_handbook_page, &page));
    assert_int_equal(row_int(&page, HP_EDITION), 1);
    house_sql(h, str_z(h->mem, arena_fmt(h->mem,
                                         "UPDATE handbook_page SET state = 2, effective_from = "
                                         "'2026-01-01' WHERE id = %lld",
                                         (long long)row_int(&page, R_ID))));
    struct row t = {0};
    row_put(&t, R_COMMUNITY, v_int(h->a));
    row_put(&t, T_KIND, v_int(KIND_REPAIR));
    row_put(&t, T_TITLE, v_lit("x"));
    row_put(&t, T_CHANNEL, v_int(CH_PHONE));
    row_put(&t, T_CATEGORY, v_int(category));
    house_as(h, AS_DESK);
    house_ok(h, house_insert(h, &res_ticket, &t));
    assert_int_equal(row_int(&t, T_PAGE), row_int(&page, R_ID));
    house_close(h);
}

/* R10: once, with the first time. */
static void test_confirm(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t page = page_in(h, KIND_REPAIR, PAGE_IN_FORCE), one, two;
    house_ok(h, confirm(h, page, AS_DESK, &one));
    h->c.now_ms += HOUR_MS;
    house_ok(h, confirm(h, page, AS_DESK, &two));
    assert_true(one && one == two);
    house_ok(h, confirm(h, page, AS_WORKER, &two));
    assert_int_equal(count(h, "handbook_confirmation"), 2);
    int64_t next = draft_new(h, true);
    assert_int_equal(confirm(h, next, AS_DESK, &one), E_STATE); /* a draft */
    house_ok(h, act_on(h, next, "publish", NULL));
    house_ok(h, confirm(h, next, AS_DESK, &one)); /* the new version asks again */
    assert_int_equal(count(h, "handbook_confirmation"), 3);
    assert_int_equal(confirm(h, page, AS_WORKER2, &one), E_STATE); /* withdrawn */
    house_close(h);
}

/* A community from before has drafts to decide about, and gets nothing twice. */
static enum err drafts_tx(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    return handbook_drafts(c, tx);
}

static void test_from_before(void **state)
{
    (void)state;
    struct house *h = house_open();
    house_sql(h, "DELETE FROM handbook_step");
    house_sql(h, "DELETE FROM handbook_page");
    for (int i = 0; i < 2; i++)
        house_ok(h, db_write(h->app.db, house_as(h, AS_SYSTEM), drafts_tx, NULL));
    assert_int_equal(count(h, "handbook_page WHERE state = 1 AND effective_from IS NULL"), 2 * 6);
    assert_int_equal(count(h, "handbook_page"), 2 * 6);
    assert_int_equal(count(h, "handbook_step"), 2 * 6 * 4);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped), cmocka_unit_test(test_versions),
        cmocka_unit_test(test_its_day), cmocka_unit_test(test_category),
        cmocka_unit_test(test_confirm), cmocka_unit_test(test_from_before)};
    return HOUSE_RUN(tests);
}
