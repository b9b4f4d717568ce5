/* privacy_test.c - the room's pure rules, and the request's machine: every state × action × caller,
 * judged by what the README says and not by the machine's own table. */
#include "../test/lib/house.h"
#include "rooms/privacy/room.h"

static void add_day(struct workcal *w, struct work_day *days, const char *date, bool work,
                    enum day_source source)
{
    struct date d;
    assert_true(date_parse(str_of(date), &d));
    days[w->ndays++] = (struct work_day){.day = (int)date_days(d), .work = work, .source = source};
}

static void test_due(void **state)
{
    (void)state;
    struct house *h = house_bare();
    static const struct {
        const char *start, *due;
        int days;
    } cases[] = {{"2026-09-30", "2026-10-08", 1}, /* the week of the National Day */
                 {"2026-10-09", "2026-10-10", 1}, /* a Saturday that is worked */
                 {"2026-06-09", "2026-06-10", 1}, /* the community's own day off is the law's day */
                 {"2026-09-25", "2026-10-22", 15},
                 {"2026-03-02", "2026-03-23", 15}, /* a Monday: three weeks on */
                 {"2026-03-06", "2026-03-09", 1},  /* Friday: the day of asking is not counted */
                 {"2026-03-07", "2026-03-09", 1},
                 {"2026-03-08", "2026-03-09", 1},
                 {"2026-12-31", "2027-01-21", 15},
                 {"2028-02-28", "2028-02-29", 1}};
    struct work_day days[10];
    struct workcal w = {.days = days};
    add_day(&w, days, "2026-06-10", false, DAY_COMMUNITY);
    for (int i = 0; i < 7; i++)
        add_day(&w, days, arena_fmt(h->mem, "2026-10-%02d", i + 1).p, false, DAY_PUBLISHED);
    add_day(&w, days, "2026-10-10", true, DAY_PUBLISHED);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct date d;
        assert_true(date_parse(str_of(cases[i].start), &d));
        struct str due = date_text(h->mem, due_after(&w, d, cases[i].days));
        assert_string_equal(str_z(h->mem, due), cases[i].due);
    }
    house_close(h);
}

static void test_scrub(void **state)
{
    (void)state;
    struct house *h = house_bare();
    static const struct {
        const char *text, *left;
    } cases[] = {
        {"请打13800138000", "请打***"},
        {"138-0013-8000 或 +86 138 0013 8000", "*** 或 +***"},
        {"证号11010519491231002X。", "证号***。"},
        {"张三家,张三丰也在", "***家,***丰也在"},
        {"车京A12345停在 3 号位", "车***停在 3 号位"},
        {"2026-03-02 10:00 换阀芯 3 个,120.50 元", "2026-03-02 10:00 换阀芯 3 个,120.50 元"},
        {"工单 WX-2026-000123", "工单 WX-2026-000123"},
        {"", ""},
        {"1380013800", "1380013800"}};
    struct words gone = {.v = {S("张三"), S("京A12345")}, .n = 2};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str left = scrub(house_as(h, AS_SYSTEM), str_of(cases[i].text), &gone);
        assert_string_equal(str_z(h->mem, left), cases[i].left);
    }
    house_close(h);
}

/* --- the machine --- */

enum { OWNER = 1, DESK = 2, HEAD = 4 };
static const struct line {
    const char *action, *input;
    int from[4]; /* ends with 0 */
    unsigned who;
    int to;
} contract[] = {
    {"verify", "{\"identity_by\":\"document\"}", {DR_RECEIVED}, DESK, DR_VERIFIED},
    {"begin", "{}", {DR_VERIFIED}, DESK, DR_DOING},
    {"finish", "{\"answer\":\"done\"}", {DR_DOING}, HEAD, DR_FINISHED},
    {"refuse", "{\"answer\":\"because\"}", {DR_RECEIVED, DR_VERIFIED, DR_DOING}, HEAD, DR_REFUSED},
    {"take_back", "{}", {DR_RECEIVED, DR_VERIFIED, DR_DOING}, OWNER | DESK, DR_TAKEN_BACK},
};
static const struct {
    enum as as;
    unsigned hats;
} callers[] = {{AS_RESIDENT, OWNER},      {AS_RESIDENT2, 0}, {AS_DESK, DESK},
               {AS_MANAGER, DESK | HEAD}, {AS_WORKER, 0},    {AS_CASHIER, 0},
               {AS_MANAGER_B, 0},         {AS_RESIDENT_B, 0}};

struct attempt {
    int64_t id;
    const struct line *line;
    enum err got;
    int64_t to;
};

/* Takes the step, remembers what came of it, and rolls back. */
static enum err attempt(struct ctx *c, struct tx *tx, void *arg)
{
    struct attempt *a = arg;
    const struct json *in;
    struct row row;
    TRY(json_parse(c, str_of(a->line->input), &in));
    a->got = res_load_seen(c, tx, &res_data_request, a->id, &row);
    if (a->got == E_OK)
        a->got = flow_act(c, tx, &res_data_request, &row, a->line->action, in, 0);
    a->to = a->got == E_OK ? row_int(&row, DR_STATE) : 0;
    return a->got == E_OK ? FAIL(c, E_STATE, "-", "rolled back") : a->got;
}

static bool leaves(const struct line *l, int state)
{
    for (int i = 0; i < 4 && l->from[i]; i++)
        if (l->from[i] == state)
            return true;
    return false;
}

static int64_t request_of_resident(struct house *h, int kind)
{
    struct row row = {0};
    house_as(h, AS_DESK);
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, DR_PERSON, v_int(h->person[AS_RESIDENT]));
    row_put(&row, DR_KIND, v_int(kind));
    row_put(&row, DR_CHANNEL, v_int(BY_DESK));
    row_put(&row, DR_CODE, v_text(arena_fmt(h->mem, "GR-%d", kind)));
    house_ok(h, house_insert(h, &res_data_request, &row));
    return row_int(&row, R_ID);
}

static void test_machine(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = request_of_resident(h, ASK_ACCESS);
    int tried = 0, taken = 0;
    for (int from = DR_RECEIVED; from <= DR_TAKEN_BACK; from++) {
        char sql[120];
        snprintf(sql, sizeof sql, "UPDATE data_request SET state = %d WHERE id = %lld", from,
                 (long long)id);
        house_sql(h, sql);
        for (size_t l = 0; l < COUNT_OF(contract); l++)
            for (size_t w = 0; w < COUNT_OF(callers); w++) {
                struct attempt a = {.id = id, .line = &contract[l]};
                struct ctx *c = house_as(h, callers[w].as);
                (void)!db_write(h->app.db, c, attempt, &a);
                bool may = leaves(&contract[l], from) && contract[l].who & callers[w].hats;
                if (may != (a.got == E_OK) || (may && a.to != contract[l].to))
                    fail_msg("%s from %d as %s: %s", contract[l].action, from,
                             house_name(callers[w].as), err_name(a.got));
                tried++;
                taken += may;
            }
    }
    assert_int_equal(tried, 6 * 5 * 8);
    assert_int_equal(taken, 2 + 2 + 1 + 3 + 9);
    house_close(h);
}

static enum err erase(struct ctx *c, struct tx *tx, void *arg)
{
    bool more;
    return erase_person(c, tx, *(int64_t *)arg, &more);
}

/* Everybody who is gone is gone: rows stay, and the database's own checks are content. */
static void test_erase(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t p = h->person[AS_RESIDENT];
    int64_t ticket = house_ticket(h, KIND_REPAIR);
    struct row visit = {0};
    row_put(&visit, R_COMMUNITY, v_int(h->a));
    row_put(&visit, RV_TICKET, v_int(ticket));
    row_put(&visit, RV_WHY, v_int(VISIT_RULE));
    row_put(&visit, RV_DUE, v_int(h->c.now_ms));
    row_put(&visit, RV_STATE, v_int(VISIT_DONE));
    row_put(&visit, RV_COMMENT, v_lit("王先生说满意"));
    house_as(h, AS_SYSTEM);
    house_ok(h, house_insert(h, &res_return_visit, &visit));
    struct row step = {0}, pause = {0};
    row_put(&step, R_COMMUNITY, v_int(h->a));
    row_put(&step, TS_TICKET, v_int(ticket));
    row_put(&step, TS_TEXT, v_lit("关阀"));
    row_put(&step, TS_STATE, v_int(STEP_SKIPPED));
    row_put(&step, TS_REASON, v_lit("王先生自己关了"));
    house_ok(h, house_insert(h, &res_ticket_step, &step));
    row_put(&pause, R_COMMUNITY, v_int(h->a));
    row_put(&pause, TP_TICKET, v_int(ticket));
    row_put(&pause, TP_REASON, v_lit("王先生出差"));
    house_ok(h, house_insert(h, &res_ticket_pause, &pause));
    house_sql(h, "UPDATE ticket SET state = 9, closed_at = 1");
    house_ok(h, db_write(h->app.db, &h->c, erase, &p));
    assert_int_equal(house_number(h, "SELECT count(*) FROM ticket_step WHERE reason = '***'"), 1);
    assert_int_equal(house_number(h, "SELECT count(*) FROM ticket_pause WHERE reason = '***'"), 1);
    assert_int_equal(house_number(h, "SELECT count(*) FROM person WHERE erased_at IS NOT NULL AND "
                                     "name LIKE '匿名 #%' AND phone IS NULL AND archived = 1"),
                     1);
    assert_int_equal(house_number(h, "SELECT count(*) FROM ticket WHERE contact_name LIKE '匿名%' "
                                     "AND contact_phone IS NULL"),
                     1);
    assert_int_equal(house_number(h, "SELECT count(*) FROM return_visit WHERE comment IS NOT NULL"),
                     0);
    assert_int_equal(house_number(h, "SELECT count(*) FROM app_user WHERE login LIKE "
                                     "'anonymous-%' AND enabled = 0 AND password IS NULL"),
                     1);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_due), cmocka_unit_test(test_scrub),
                                       cmocka_unit_test(test_machine),
                                       cmocka_unit_test(test_erase)};
    return HOUSE_RUN(tests);
}
