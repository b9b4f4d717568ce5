/* desk_test.c - a clerk on the phone waits for the look-up: every question it asks has an index;
 * and a plate is found however it is typed, but only whole by who may not ask for one in full. */
#include "../test/lib/house.h"

#include "core/res_in.h"
#include "rooms/service/desk.h"

static void has_identity(struct house *h, int64_t kind, const char *value)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, ID_PERSON, v_int(h->person[AS_RESIDENT]));
    row_put(&row, ID_KIND, v_int(kind));
    row_put(&row, ID_VALUE, v_text(str_of(value)));
    house_as(h, AS_DESK);
    house_ok(h, house_insert(h, &res_identity, &row));
}

/* What each question begins with; by whatever is typed, nobody's whole community is read. */
static void test_lookup_plans(void **state)
{
    (void)state;
    struct house *h = house_open();
    static const struct {
        const char *query, *index;
        int nin;
    } asked[] = {{"desk.by_phone_end", "person_phone_end", 4},
                 {"desk.by_phone2_end", "person_phone2_end", 4},
                 {"desk.by_room", "space_room", 3},
                 {"desk.by_identity", "person_identity_value_key", 4},
                 {"desk.by_identity_end", "person_identity_end", 4}};
    struct val text = v_lit("5071"), date = v_lit("2026-03-02");
    has_identity(h, 1, "苏P·M9Q71"); /* an empty table has no size to pretend */
    house_pretend_large(h);
    house_as(h, AS_SYSTEM);
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        const struct query *const *q = desk_queries;
        struct str plan;
        while (*q && !str_eqz(str_of((*q)->name), asked[i].query))
            q++;
        assert_non_null(*q);
        struct val in[] = {v_int(h->a), asked[i].nin == 3 ? text : date, text, v_lit("5072")};
        house_ok(h, db_explain(h->app.db, &h->c, *q, in, (size_t)asked[i].nin, &plan));
        if (str_find(plan, str_of(asked[i].index)) < 0)
            fail_msg("%s: " PRS, asked[i].query, PRA(plan));
    }
    house_close(h);
}

static enum err ask(struct ctx *c, struct tx *tx, void *arg)
{
    struct req *q = arg;
    q->tx = tx;
    buf_init(&q->out, c->mem, 64 << 10);
    return q->route->run(c, q);
}

/* How many homes are found; plain false: by a desk that may not ask for personal data. */
static int homes(struct house *h, const char *typed, bool plain)
{
    struct ctx *c = house_as(h, AS_DESK);
    struct who who = *c->who;
    struct grant grants[4];
    int may = personal_read_index();
    assert_true(who.ngrants <= (int)COUNT_OF(grants));
    for (int i = 0; i < who.ngrants; i++) {
        grants[i] = who.grants[i];
        if (!plain)
            grants[i].perms.w[may / 64] &= ~(UINT64_C(1) << may % 64);
    }
    who.grants = grants;
    c->who = &who;
    struct http_req http = {
        .mem = c->mem,
        .query = arena_fmt(c->mem, "community_id=%lld&q=%s", (long long)h->a, typed)};
    struct req q = {.app = &h->app, .h = &http};
    const struct json *j;
    bool known;
    q.route = route_find(S("GET"), S("/api/v1/desk/lookup"), &q, &known);
    assert_non_null(q.route);
    house_ok(h, db_read(h->app.db, c, ask, &q));
    house_ok(h, json_parse(c, buf_str(&q.out), &j));
    return (int)json_count(json_get(j, "items"));
}

static void test_plates(void **state)
{
    (void)state;
    struct house *h = house_open();
    has_identity(h, 1, "苏P·M9Q71");
    static const struct {
        const char *typed;
        int plain, masked;
    } asked[] = {{"9q71", 1, 0},      {"M9Q71", 1, 0},   {"P·m9q71", 1, 0}, {"苏PM9Q71", 1, 1},
                 {"苏p·m9q71", 1, 1}, {"苏P·M", 1, 0},   {"9Q7", 0, 0},     {"9Q72", 0, 0},
                 {"-·", 0, 0},        {"粤PM9Q71", 0, 0}};
    for (size_t i = 0; i < COUNT_OF(asked); i++)
        for (int plain = 0; plain < 2; plain++)
            if (homes(h, asked[i].typed, plain) != (plain ? asked[i].plain : asked[i].masked))
                fail_msg("%s, %s: %d", asked[i].typed, plain ? "in full" : "masked",
                         homes(h, asked[i].typed, plain));
    house_close(h);
}

/* A contract's number finds the home, and it is said which it was, masked. */
static void test_contracts(void **state)
{
    (void)state;
    struct house *h = house_open();
    has_identity(h, IDENTITY_CONTRACT, "HT-2024-0815");
    static const struct {
        const char *typed;
        int plain, masked;
    } asked[] = {{"HT-2024-0815", 1, 1}, {"ht20240815", 1, 1},   {"HT-2024", 1, 0},
                 {"0815", 1, 0},         {"2024%200815", 1, 0},  {"HT-2025-0815", 0, 0},
                 {"HT-2024-081", 1, 0},  {"HT-2024-08155", 0, 0}};
    for (size_t i = 0; i < COUNT_OF(asked); i++)
        for (int plain = 0; plain < 2; plain++)
            if (homes(h, asked[i].typed, plain) != (plain ? asked[i].plain : asked[i].masked))
                fail_msg("%s, %s: %d", asked[i].typed, plain ? "in full" : "masked",
                         homes(h, asked[i].typed, plain));
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lookup_plans),
                                       cmocka_unit_test(test_plates),
                                       cmocka_unit_test(test_contracts)};
    return HOUSE_RUN(tests);
}
