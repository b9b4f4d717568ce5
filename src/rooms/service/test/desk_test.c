/* desk_test.c - a clerk on the phone waits for the look-up: every question it asks has an index. */
#include "../test/lib/house.h"

#include "rooms/service/desk.h"

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
    house_as(h, AS_SYSTEM);
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        const struct query *const *q = desk_queries;
        struct str plan;
        while (*q && !str_eqz(str_of((*q)->name), asked[i].query))
            q++;
        assert_non_null(*q);
        struct val in[] = {v_int(h->a), asked[i].nin == 3 ? text : date, text, text};
        house_ok(h, db_explain(h->app.db, &h->c, *q, in, (size_t)asked[i].nin, &plan));
        if (!house_pg && str_find(plan, str_of(asked[i].index)) < 0) /* it scans small tables */
            fail_msg("%s: " PRS, asked[i].query, PRA(plan));
    }
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lookup_plans)};
    return HOUSE_RUN(tests);
}
