/* demo_test.c - a small demo on both engines: complete, consistent, alive now, and the same again
 * for the same seed and day. */
#include "../test/lib/house.h"

#include "base/crypto.h"
#include "core/event.h"
#include "main/demo.h"

static const struct demo_size small = {30, 1, 7};

static struct house *filled(const struct demo_size *size)
{
    struct house *h = house_bare();
    house_ok(h, demo_fill(&h->c, &h->app, size));
    return h;
}

#define NONE(sql)  assert_int_equal(house_number(h, "SELECT count(*) FROM " sql), 0)
#define COUNT(sql) house_number(h, "SELECT count(*) FROM " sql)

/* What only somebody's own action makes. */
static bool is_made_by_hand(const char *resource)
{
    static const char *const names[] = {"api_token",    "retention_run",  "stored_file",
                                        "import_batch", "person_merge",   "person_merge_row",
                                        "calendar_day", "staff_zone",     "public_link",
                                        "qr_code",      "sealed_identity"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_eqz(str_of(resource), names[i]))
            return true;
    return false;
}

static void test_complete(void **state)
{
    (void)state;
    struct house *h = filled(&small);
    const struct resource *const *list;
    int n = app_resources(&list);
    for (int i = 0; i < n; i++)
        if (!is_made_by_hand(list[i]->name))
            assert_true(house_number(h, str_z(h->mem, arena_fmt(h->mem, "SELECT count(*) FROM %s",
                                                                list[i]->name))) > 0);
    NONE("ticket WHERE state = 8 AND (result IS NULL OR answer IS NULL OR informed_at IS NULL OR "
         "closed_at IS NULL)");
    NONE("ticket t WHERE (SELECT e.topic FROM event e WHERE e.community_id = t.community_id AND "
         "e.subject_id = t.id ORDER BY e.id LIMIT 1) <> 'ticket.created'");
    NONE("ticket t WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.community_id = t.community_id "
         "AND e.subject_id = t.id)");
    NONE("ticket t WHERE first_contact_id IS NULL OR sla_policy_id IS NULL");
    NONE("ticket t JOIN ticket u ON u.community_id = t.community_id AND u.id > t.id AND "
         "u.created_at < t.created_at");
    NONE("event a JOIN event b ON b.subject_id = a.subject_id AND b.id > a.id AND b.at < a.at "
         "WHERE a.subject = 'ticket'");
    NONE("(SELECT community_id, code, count(*) AS n FROM ticket GROUP BY community_id, code) x "
         "WHERE n > 1");
    NONE("ticket t WHERE version <> (SELECT count(*) FROM event e WHERE e.community_id = "
         "t.community_id AND e.subject_id = t.id AND e.topic NOT IN ('ticket.comment', "
         "'ticket.rated', 'ticket.escalated', 'ticket.absorbed'))");
    house_checks(h);
    house_close(h);
}

/* Every category is one for its ticket's kind and place. */
static void test_categories(void **state)
{
    (void)state;
    struct house *h = filled(&small);
    assert_true(COUNT("ticket WHERE category_id IS NOT NULL") > 100);
    NONE("ticket t JOIN category k ON k.id = t.category_id WHERE k.kind <> t.kind");
    NONE("ticket t JOIN category k ON k.id = t.category_id JOIN space s ON s.id = t.space_id WHERE "
         "k.place = 1 AND s.kind <> 4");
    house_close(h);
}

/* A flag says what the clock says; the job that sets them has nothing left to do. */
static void test_clocks(void **state)
{
    (void)state;
    struct house *h = filled(&small);
    static const char *const clocks[][3] = {{"respond_due", "responded_at", "respond_breached"},
                                            {"handle_due", "handled_at", "handle_breached"},
                                            {"resolve_due", "resolved_at", "resolve_breached"}};
    for (size_t i = 0; i < COUNT_OF(clocks); i++) {
        const char *const *k = clocks[i];
        struct str wrong =
            arena_fmt(h->mem,
                      "SELECT count(*) FROM ticket WHERE state <> 9 AND rework_count = 0 AND %s <> "
                      "CASE WHEN %s < coalesce(%s, %lld) THEN 1 ELSE 0 END",
                      k[2], k[0], k[1], (long long)(h->c.now_ms / 60000 * 60000));
        assert_int_equal(house_number(h, str_z(h->mem, wrong)), 0);
    }
    int64_t before = COUNT("event");
    jobs_run_due(&h->app, h->c.now_ms);
    assert_true(COUNT("event") - before <= 2); /* at most one that fell due within this minute */
    NONE("job WHERE state <> 1");
    NONE("(SELECT staff_id, count(*) AS n FROM escalation WHERE state = 1 GROUP BY staff_id) x "
         "WHERE n > 3"); /* nobody comes to a heap of old ones */
    house_close(h);
}

static void test_alive(void **state)
{
    (void)state;
    struct house *h = filled(&small);
    for (int s = RECEIVED; s <= CLOSED; s++)
        assert_true(
            house_number(
                h, str_z(h->mem, arena_fmt(h->mem, "SELECT count(*) FROM ticket WHERE state = %d",
                                           s))) > 0);
    struct str on_duty = arena_fmt(h->mem,
                                   "SELECT count(DISTINCT u.id) FROM app_user u JOIN staff s ON "
                                   "s.user_id = u.id JOIN shift f ON f.staff_id = s.id WHERE "
                                   "u.login IN ('desk', 'dispatcher', 'worker1', 'worker2') AND "
                                   "f.starts_at <= %lld AND f.ends_at > %lld",
                                   (long long)h->c.now_ms, (long long)h->c.now_ms);
    assert_int_equal(house_number(h, str_z(h->mem, on_duty)), 4);
    static const char *const logins[] = {"admin",     "manager",  "desk",    "dispatcher",
                                         "worker1",   "worker2",  "cashier", "resident1",
                                         "resident2", "manager-b"};
    for (size_t i = 0; i < COUNT_OF(logins); i++)
        assert_int_equal(
            house_number(
                h, str_z(h->mem,
                         arena_fmt(h->mem,
                                   "SELECT count(*) FROM app_user u WHERE login = '%s' AND demo = "
                                   "1 AND must_change_password = 0 AND "
                                   "EXISTS (SELECT 1 FROM role_grant g WHERE g.user_id = u.id)",
                                   logins[i]))),
            1);
    NONE("ticket t JOIN staff s ON s.id = t.assignee_id WHERE s.community_id <> t.community_id");
    house_close(h);
}

static void test_numbers_go_on(void **state)
{
    (void)state;
    struct house *h = filled(&small);
    int64_t town = house_number(h, "SELECT min(id) FROM community"), n;
    struct str last = arena_fmt(
        h->mem, "SELECT count(*) FROM ticket WHERE community_id = %lld AND code LIKE 'WX-2026-%%'",
        (long long)town);
    house_ok(h, number_take(&h->c, h->app.db, town, S("WX-2026"), &n));
    assert_int_equal(n, house_number(h, str_z(h->mem, last)) + 1);
    house_close(h);
}

/* A fingerprint of what people see. */
static int64_t fingerprint(struct house *h)
{
    return house_number(h, "SELECT CAST(sum(length(t.title) * 31 + t.state * 7 + t.priority + "
                           "length(coalesce(t.contact_name, '')) * 3 + t.created_at / 1000 % "
                           "100003) AS BIGINT) FROM ticket t");
}

static void test_same_again(void **state)
{
    (void)state;
    struct house *h = filled(&small);
    int64_t one = fingerprint(h);
    house_close(h);
    h = filled(&small);
    assert_int_equal(fingerprint(h), one);
    house_close(h);
    struct demo_size other = small;
    other.seed++;
    h = filled(&other);
    assert_int_not_equal(fingerprint(h), one);
    house_close(h);
}

static void test_only_empty(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t users = COUNT("app_user");
    house_as(h, AS_SYSTEM);
    assert_int_equal(demo_fill(&h->c, &h->app, &small), E_STATE);
    fault_clear(&h->c);
    assert_int_equal(demo_if_empty(&h->c, &h->app), E_OK);
    assert_int_equal(COUNT("app_user"), users);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete),      cmocka_unit_test(test_categories),
        cmocka_unit_test(test_clocks),        cmocka_unit_test(test_alive),
        cmocka_unit_test(test_numbers_go_on), cmocka_unit_test(test_same_again),
        cmocka_unit_test(test_only_empty)};
    return HOUSE_RUN(tests);
}
