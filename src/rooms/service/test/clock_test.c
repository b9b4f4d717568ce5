/* clock_test.c - the three clocks against instants worked out by hand: T-64, T-65, T-66; the faults
 * that other desks' users reported, one line each; which policy applies; pauses and their approval.
 */
#include "../test/lib/house.h"

#include "base/thread.h"
#include "core/event.h"

enum { ALWAYS = HOURS_ALWAYS, WORK = HOURS_WORKING };

static const char *clock_text(struct house *h, int64_t at_ms)
{
    const struct zone *z = zone_find("Asia/Shanghai");
    int64_t minute = (at_ms - zone_instant_ms(z, zone_date(z, at_ms), 0)) / 60000;
    return arena_fmt(h->mem, PRS " %02d:%02d", PRA(date_text(h->mem, zone_date(z, at_ms))),
                     (int)(minute / 60), (int)(minute % 60))
        .p;
}

#define EVENTS(h, id, topic)                                                                       \
    house_number(h, str_z((h)->c.mem, arena_fmt((h)->c.mem,                                        \
                                                "SELECT count(*) FROM event WHERE subject_id = "   \
                                                "%lld AND topic = '" topic "'",                    \
                                                (long long)(id))))

/* --- pure --- */

static void test_defaults(void **state)
{
    (void)state;
    enum { H = 60, D = 9 * 60 };
    static const struct {
        int kind, priority, respond, handle, resolve, hours;
    } cases[] = {{KIND_REPAIR, 1, 15, 30, 24 * H, ALWAYS},
                 {KIND_REPAIR, 2, 30, 4 * H, 24 * H, ALWAYS},
                 {KIND_REPAIR, 3, 4 * H, D, 2 * D, WORK},
                 {KIND_REPAIR, 4, D, 2 * D, 5 * D, WORK},
                 {KIND_COMPLAINT, 1, H, 24 * H, 48 * H, ALWAYS},
                 {KIND_COMPLAINT, 3, 2 * H, D, 2 * D, WORK},
                 {KIND_SUGGESTION, 3, 4 * H, 2 * D, 5 * D, WORK},
                 {KIND_INQUIRY, 2, 4 * H, 24 * H, 48 * H, ALWAYS},
                 {KIND_SAFETY, 4, H, 24 * H, 48 * H, ALWAYS}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sla s = sla_default(cases[i].kind, cases[i].priority);
        assert_int_equal(s.minutes[CLOCK_RESPOND], cases[i].respond);
        assert_int_equal(s.minutes[CLOCK_HANDLE], cases[i].handle);
        assert_int_equal(s.minutes[CLOCK_RESOLVE], cases[i].resolve);
        assert_int_equal(s.hours, cases[i].hours);
    }
    for (int kind = KIND_REPAIR; kind < KIND__END; kind++)
        for (int p = 1; p <= 4; p++) { /* guide 2.2.1 and the rule of hours */
            struct sla s = sla_default(kind, p);
            int day = s.hours == WORK ? D : 24 * H;
            assert_true(s.minutes[0] > 0 && s.minutes[0] <= s.minutes[1]);
            assert_true(s.minutes[1] <= s.minutes[2]);
            assert_true(s.minutes[0] <= day && s.minutes[1] <= 2 * day);
            assert_int_equal(s.hours, p <= 2 || kind == KIND_SAFETY ? ALWAYS : WORK);
        }
}

static void test_breach(void **state)
{
    (void)state;
    static const struct {
        int64_t due, stopped, now;
        bool breached;
    } cases[] = {{1000, 0, 999, false},    {1000, 0, 1000, false},    {1000, 0, 1001, true},
                 {1000, 999, 5000, false}, {1000, 1000, 5000, false}, {1000, 1001, 5000, true},
                 {1000, 1001, 0, true}};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(clock_breached(cases[i].due, cases[i].stopped, cases[i].now),
                         cases[i].breached);
}

struct load {
    int64_t community;
    struct workcal w;
};
static enum err load_tx(struct ctx *c, struct tx *tx, void *arg)
{
    struct load *l = arg;
    return workcal_load(c, tx, l->community, (struct date){2026, 1, 1}, (struct date){2027, 12, 31},
                        &l->w);
}

static struct workcal calendar(struct house *h)
{
    struct load l = {.community = h->a};
    house_as(h, AS_SYSTEM);
    house_ok(h, db_read(h->app.db, &h->c, load_tx, &l));
    return l.w;
}

static void set_hours(struct house *h, const char *const week[7])
{
    struct row row = {0};
    for (int i = 0; i < 7; i++)
        row_put(&row, WC_MONDAY + i, v_text(str_of(week[i])));
    house_ok(h, house_change(h, &res_work_calendar,
                             house_number(h, arena_fmt(h->mem,
                                                       "SELECT id FROM work_calendar WHERE "
                                                       "community_id = %lld",
                                                       (long long)h->a)
                                                 .p),
                             &row));
}

static const char *const plain[7] = {
    "09:00-18:00", "09:00-18:00", "09:00-18:00", "09:00-18:00", "09:00-18:00", "", ""};
static const char *const lunch[7] = {"09:00-12:00 13:30-18:00",
                                     "09:00-12:00 13:30-18:00",
                                     "09:00-12:00 13:30-18:00",
                                     "09:00-12:00 13:30-18:00",
                                     "09:00-12:00 13:30-18:00",
                                     "",
                                     ""};
static const char *const tuesday[7] = {"", "10:00-15:00", "", "", "", "", ""};
static const char *const weekend[7] = {"", "", "", "", "", "10:00-16:00", "10:00-16:00"};
static const struct {
    const char *why, *const *week;
    int hours, minutes;
    const char *from;
    struct {
        const char *from, *to;
        bool stops;
    } pauses[3];
    const char *respond, *resolve;
} dues[] = {
    {"T-64: urgent runs day and night",
     plain,
     ALWAYS,
     60,
     "2026-10-03 23:30",
     {{0}},
     "2026-10-04 00:30",
     "2026-10-04 00:30"},
    {"T-64, osTicket#1168, osTicket-1.7#515: others in working hours",
     plain,
     WORK,
     60,
     "2026-09-30 17:30",
     {{0}},
     "2026-10-08 09:30",
     "2026-10-08 09:30"},
    {"a make-up Saturday counts",
     plain,
     WORK,
     60,
     "2026-10-09 17:30",
     {{0}},
     "2026-10-10 09:30",
     "2026-10-10 09:30"},
    {"00:30 local is of its own day",
     plain,
     WORK,
     60,
     "2026-03-03 00:30",
     {{0}},
     "2026-03-03 10:00",
     "2026-03-03 10:00"},
    {"helpdesk#2212: a lunch break does not count",
     lunch,
     WORK,
     240,
     "2026-03-02 10:00",
     {{0}},
     "2026-03-02 15:30",
     "2026-03-02 15:30"},
    {"osTicket#6739: any days of the week will do",
     tuesday,
     WORK,
     330,
     "2026-03-02 09:00",
     {{0}},
     "2026-03-10 10:30",
     "2026-03-10 10:30"},
    {"open on weekends only",
     weekend,
     WORK,
     420,
     "2026-03-02 09:00",
     {{0}},
     "2026-03-08 11:00",
     "2026-03-08 11:00"},
    {"a year nobody published goes by weekdays",
     plain,
     WORK,
     60,
     "2027-01-01 17:30",
     {{0}},
     "2027-01-04 09:30",
     "2027-01-04 09:30"},
    {"T-65, osTicket#3034: a pause moves what is due after it by as much working time",
     plain,
     WORK,
     120,
     "2026-03-02 16:00",
     {{"2026-03-02 17:00", "2026-03-03 10:00", true}},
     "2026-03-02 18:00",
     "2026-03-03 11:00"},
    {"PR#2449: it is added to the due time, not to the creation",
     plain,
     ALWAYS,
     120,
     "2026-03-02 16:00",
     {{"2026-03-02 17:00", "2026-03-02 17:30", true}},
     "2026-03-02 18:00",
     "2026-03-02 18:30"},
    {"a class that does not stop the clock",
     plain,
     WORK,
     120,
     "2026-03-02 16:00",
     {{"2026-03-02 17:00", "2026-03-03 10:00", false}},
     "2026-03-02 18:00",
     "2026-03-02 18:00"},
    {"T-65: a pause after the due time moves nothing",
     plain,
     WORK,
     120,
     "2026-03-02 10:00",
     {{"2026-03-02 12:01", "2026-03-05 10:00", true}},
     "2026-03-02 12:00",
     "2026-03-02 12:00"},
    {"one that begins at the due time neither",
     plain,
     WORK,
     120,
     "2026-03-02 10:00",
     {{"2026-03-02 12:00", "2026-03-05 10:00", true}},
     "2026-03-02 12:00",
     "2026-03-02 12:00"},
    {"the second pause is judged by what the first moved",
     plain,
     WORK,
     120,
     "2026-03-02 10:00",
     {{"2026-03-02 11:00", "2026-03-02 12:00", true},
      {"2026-03-02 12:30", "2026-03-02 13:00", true}},
     "2026-03-02 12:00",
     "2026-03-02 13:30"},
    {"a pause over a holiday costs no more than its working time",
     plain,
     WORK,
     120,
     "2026-09-30 16:30",
     {{"2026-09-30 17:00", "2026-10-08 09:30", true}},
     "2026-10-08 09:30",
     "2026-10-08 11:00"},
};

/* T-64, and what users of other desks found wrong with theirs. Resolution within `minutes`. */
static void test_due(void **state)
{
    (void)state;
    struct house *h = house_open();
    for (size_t i = 0; i < COUNT_OF(dues); i++) {
        struct pause p[3];
        size_t n = 0;
        int64_t due[CLOCK__N];
        set_hours(h, dues[i].week);
        struct workcal w = calendar(h);
        struct sla s = {.minutes = {dues[i].minutes, dues[i].minutes, dues[i].minutes},
                        .hours = dues[i].hours};
        for (; n < 3 && dues[i].pauses[n].from; n++)
            p[n] = (struct pause){house_local(dues[i].pauses[n].from),
                                  house_local(dues[i].pauses[n].to), dues[i].pauses[n].stops};
        assert_true(sla_due(&s, &w, house_local(dues[i].from), p, n, due));
        if (due[CLOCK_RESPOND] != house_local(dues[i].respond) ||
            due[CLOCK_RESOLVE] != house_local(dues[i].resolve))
            fail_msg("%s: respond %s, resolve %s", dues[i].why, clock_text(h, due[0]),
                     clock_text(h, due[2]));
        assert_int_equal(due[CLOCK_HANDLE], due[CLOCK_RESOLVE]);
    }
    house_close(h);
}

/* --- which policy --- */

static int64_t put_policy(struct house *h, int64_t category, int tier, int respond, int hours,
                          enum err expect)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, PL_KIND, v_int(KIND_REPAIR));
    row_put(&row, PL_PRIORITY, v_int(3));
    row_put(&row, PL_CATEGORY, category ? v_int(category) : v_null());
    row_put(&row, PL_TIER, tier ? v_int(tier) : v_null());
    row_put(&row, PL_RESPOND, v_int(respond));
    row_put(&row, PL_HANDLE, v_int(respond + 60));
    row_put(&row, PL_RESOLVE, v_int(respond + 120));
    row_put(&row, PL_HOURS, v_int(hours));
    house_as(h, AS_MANAGER);
    assert_int_equal(house_insert(h, &res_sla_policy, &row), expect);
    return row_int(&row, R_ID);
}

struct lookup {
    int64_t community, category;
    int tier;
    struct sla sla;
};
static enum err lookup_tx(struct ctx *c, struct tx *tx, void *arg)
{
    struct lookup *l = arg;
    return sla_read(c, tx, l->community, KIND_REPAIR, 3,
                    l->category ? v_int(l->category) : v_null(), l->tier, &l->sla);
}

static int64_t applies(struct house *h, int64_t community, int64_t category, int tier)
{
    struct lookup l = {.community = community, .category = category, .tier = tier};
    house_as(h, AS_SYSTEM);
    house_ok(h, db_read(h->app.db, &h->c, lookup_tx, &l));
    return l.sla.policy_id;
}

static void test_policy(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct row cat = {0};
    row_put(&cat, R_COMMUNITY, v_int(h->a));
    row_put(&cat, CA_NAME, v_lit("电梯"));
    row_put(&cat, CA_KIND, v_int(KIND_REPAIR));
    house_ok(h, house_insert(h, &res_category, &cat));
    int64_t lift = row_int(&cat, R_ID), general = applies(h, h->a, 0, TIER_REGULAR);
    int64_t by_cat = put_policy(h, lift, 0, 60, HOURS_ALWAYS, E_OK);
    int64_t vip = put_policy(h, 0, TIER_VIP, 120, HOURS_ALWAYS, E_OK);
    int64_t both = put_policy(h, lift, TIER_VIP, 30, HOURS_ALWAYS, E_OK);
    assert_int_equal(applies(h, h->a, 0, TIER_REGULAR), general);
    assert_int_equal(applies(h, h->a, lift, TIER_REGULAR), by_cat);
    assert_int_equal(applies(h, h->a, 0, TIER_VIP), vip);
    assert_int_equal(applies(h, h->a, lift, TIER_VIP), both);
    assert_int_equal(applies(h, h->a, lift + 1, TIER_POTENTIAL), general);
    assert_true(applies(h, h->b, lift, TIER_VIP) != both && applies(h, h->b, 0, TIER_VIP) > 0);
    put_policy(h, lift, TIER_VIP, 20, HOURS_ALWAYS, E_EXISTS);
    put_policy(h, lift, TIER_POTENTIAL, 61, HOURS_ALWAYS, E_INVALID); /* a tier is never slower */
    assert_true(house_told(&h->c, "respond_min", "tier"));
    put_policy(h, lift, TIER_POTENTIAL, 60, HOURS_WORKING, E_INVALID);
    assert_true(house_told(&h->c, "hours", "tier"));
    struct row order = {0};
    row_put(&order, PL_HANDLE, v_int(10));
    assert_int_equal(house_change(h, &res_sla_policy, general, &order), E_INVALID);
    assert_true(house_told(&h->c, "handle_min", "order"));
    house_close(h);
}

/* What was promised stays, whatever rules say later: zammad#390, #2082, #5177, #5624. */
static void test_frozen(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket(h, KIND_REPAIR);
    struct row before = house_row(h, &res_ticket, id), policy = {0}, off = {0};
    row_put(&policy, PL_RESPOND, v_int(1));
    house_ok(h, house_change(h, &res_sla_policy, row_int(&before, T_POLICY), &policy));
    row_put(&off, R_COMMUNITY, v_int(h->a));
    row_put(&off, CD_DATE, v_lit("2026-03-03"));
    row_put(&off, CD_WORKDAY, v_int(0));
    house_ok(h, house_insert(h, &res_calendar_day, &off));
    house_do(h, AS_DESK, id, "accept");
    house_do(h, AS_DISPATCHER, id, "dispatch");
    struct row after = house_row(h, &res_ticket, id);
    for (int k = 0; k < CLOCK__N; k++)
        assert_int_equal(row_int(&after, T_RESPOND_DUE + k), row_int(&before, T_RESPOND_DUE + k));
    assert_int_equal(row_int(&after, T_POLICY_VERSION), 1);
    assert_int_equal(row_int(&after, T_RESPOND_MIN), 240);
    struct row next = house_row(h, &res_ticket,
                                house_ticket(h, KIND_REPAIR)); /* the next one gets the new rule */
    assert_int_equal(row_int(&next, T_POLICY_VERSION), 2);
    assert_int_equal(row_int(&next, T_RESPOND_DUE), HOUSE_NOW + MINUTE_MS);
    assert_int_equal(row_int(&next, T_RESOLVE_DUE),
                     house_local("2026-03-04 18:00")); /* and the new day */
    house_close(h);
}

/* zammad#5177: a shorter clock overrules no other; each has its own length and its own end. */
static void test_three_clocks(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct sla s = {.minutes = {240, 60, 600}, .hours = ALWAYS};
    int64_t due[CLOCK__N], from = house_local("2026-03-02 09:00");
    struct workcal w = calendar(h);
    assert_true(sla_due(&s, &w, from, NULL, 0, due));
    assert_int_equal(due[CLOCK_RESPOND], house_local("2026-03-02 13:00"));
    assert_int_equal(due[CLOCK_HANDLE], house_local("2026-03-02 10:00"));
    assert_int_equal(due[CLOCK_RESOLVE], house_local("2026-03-02 19:00"));
    house_close(h);
}

/* --- pauses --- */

static int64_t started(struct house *h)
{
    house_at(h, "2026-03-02 09:00");
    return house_ticket_in(h, KIND_REPAIR, IN_PROGRESS); /* due at 2026-03-03 18:00 */
}

static const char *resolve_due(struct house *h, int64_t id)
{
    struct row t = house_row(h, &res_ticket, id);
    return clock_text(h, row_int(&t, T_RESOLVE_DUE));
}
#define CUSTOMER_PAUSE "{\"class\":\"customer\",\"reason\":\"明天再来\"}"
#define PARTS_PAUSE    "{\"class\":\"parts\",\"reason\":\"等阀门\"}"
#define OTHERS_PAUSE   "{\"class\":\"third_party\",\"reason\":\"等厂家\"}"

/* The list of pauses has an end, and the ticket stays readable at it. */
static void test_pause_limit(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = started(h);
    for (int i = 0; i < PAUSES_MAX; i++) {
        house_do_with(h, AS_WORKER, id, "pause", CUSTOMER_PAUSE);
        house_do(h, AS_WORKER, id, "resume");
    }
    house_as(h, AS_WORKER);
    assert_int_equal(house_act(h, id, "pause", CUSTOMER_PAUSE), E_STATE);
    house_at(h, "2026-03-09 10:00");
    house_minute(h); /* the sweep reads all of them */
    assert_int_equal(EVENTS(h, id, "ticket.breached"), 1);
    house_close(h);
}

static void test_pause(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = started(h);
    house_at(h, "2026-03-02 17:00");
    house_do_with(h, AS_WORKER, id, "pause", CUSTOMER_PAUSE); /* needs no approval: stops at once */
    struct row t = house_row(h, &res_ticket, id);
    assert_true(row_int(&t, T_CLOCK_STOPPED) && !row_has(&t, T_CLOCK_NEXT));
    assert_int_equal(row_int(&t, T_PAUSE_STATE), PAUSE_FREE);
    house_at(h, "2026-03-06 10:00"); /* while it stands nothing runs out */
    house_minute(h);
    assert_int_equal(EVENTS(h, id, "ticket.breached"), 0);
    house_do(h, AS_WORKER, id,
             "resume"); /* an hour of Monday, nine of each day between, one of Friday */
    assert_string_equal(resolve_due(h, id), "2026-03-09 11:00");
    t = house_row(h, &res_ticket, id);
    assert_false(row_int(&t, T_CLOCK_STOPPED) || row_has(&t, T_PAUSED_AT) ||
                 row_has(&t, T_PAUSE_CLASS));
    house_do_with(h, AS_WORKER, id, "pause", OTHERS_PAUSE); /* one's own contractor: time runs on */
    t = house_row(h, &res_ticket, id);
    assert_false(row_int(&t, T_CLOCK_STOPPED));
    house_at(h, "2026-03-09 10:00");
    house_do(h, AS_DISPATCHER, id, "resume");
    assert_string_equal(resolve_due(h, id), "2026-03-09 11:00");
    assert_int_equal(house_number(h, "SELECT count(*) FROM ticket_pause WHERE to_at IS NOT NULL"),
                     2);
    t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_PAUSED_MS),
                     house_local("2026-03-06 10:00") - house_local("2026-03-02 17:00") +
                         house_local("2026-03-09 10:00") - house_local("2026-03-06 10:00"));
    house_close(h);
}

/* T-65: reason and approval; approved it counts from its start, refused not at all. */
static void test_approval(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = started(h), other = started(h), late = started(h);
    house_at(h, "2026-03-02 17:00");
    int64_t all[] = {id, other, late};
    for (size_t i = 0; i < 3; i++) {
        house_do_with(h, AS_WORKER, all[i], "pause", PARTS_PAUSE);
        struct row t = house_row(h, &res_ticket, all[i]);
        assert_false(row_int(&t, T_CLOCK_STOPPED));
        assert_int_equal(row_int(&t, T_PAUSE_STATE), PAUSE_ASKED);
    }
    house_at(h, "2026-03-02 17:30");
    house_do(h, AS_DISPATCHER, id, "approve_pause");
    house_do(h, AS_DISPATCHER, other, "refuse_pause");
    struct row t = house_row(h, &res_ticket, id);
    assert_true(row_int(&t, T_CLOCK_STOPPED));
    house_at(h, "2026-03-03 10:00");
    for (size_t i = 0; i < 3; i++)
        house_do(h, AS_WORKER, all[i], "resume");
    assert_string_equal(resolve_due(h, id), "2026-03-04 11:00");
    assert_string_equal(resolve_due(h, other), "2026-03-03 18:00");
    assert_string_equal(resolve_due(h, late), "2026-03-03 18:00");
    house_do(h, AS_DISPATCHER, late, "approve_pause"); /* the answer came after work went on */
    assert_string_equal(resolve_due(h, late), "2026-03-04 11:00");
    house_as(h, AS_DISPATCHER);
    assert_int_equal(house_act(h, late, "approve_pause", "{}"), E_STATE);
    house_do_with(h, AS_DISPATCHER, late, "pause", PARTS_PAUSE); /* his own word is the approval */
    t = house_row(h, &res_ticket, late);
    assert_true(row_int(&t, T_CLOCK_STOPPED));
    house_close(h);
}

/* T-65, osTicket#4078: a breach stays, and its due time too. */
static void test_breach_stays(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = started(h);
    house_at(h, "2026-03-03 18:01");
    house_do_with(h, AS_WORKER, id, "pause", CUSTOMER_PAUSE); /* before the minute's job saw it */
    struct row t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_RESOLVE_BREACHED), 1);
    house_at(h, "2026-03-05 12:00");
    house_do(h, AS_WORKER, id, "resume");
    assert_string_equal(resolve_due(h, id), "2026-03-03 18:00");
    house_do(h, AS_WORKER, id, "finish");
    t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_RESOLVE_BREACHED), 1);
    assert_int_equal(EVENTS(h, id, "ticket.breached"), 0); /* told by the pause itself */
    house_close(h);
}

/* T-65: asked for in time and allowed too late, a pause does not take back what ran out meanwhile.
 */
static void test_late_yes(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = started(h);
    house_at(h, "2026-03-03 17:30");
    house_do_with(h, AS_WORKER, id, "pause", PARTS_PAUSE);
    house_at(h, "2026-03-03 18:01");
    house_minute(h);
    house_at(h, "2026-03-04 10:00");
    house_do(h, AS_DISPATCHER, id, "approve_pause");
    house_do(h, AS_WORKER, id, "resume");
    struct row t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_RESOLVE_BREACHED), 1);
    assert_string_equal(resolve_due(h, id), "2026-03-03 18:00");
    assert_int_equal(row_int(&t, T_NEXT_DUE),
                     row_int(&t, T_RESOLVE_DUE)); /* overdue, in every list */
    house_close(h);
}

/* T-66: reopened within 30 days it is rework of the same ticket, raised a step, with a new promise:
 * a P2's, a day around the clock. */
static void test_reopen(void **state)
{
    (void)state;
    struct house *h = house_open();
    house_at(h, "2026-03-02 09:00");
    int64_t id = house_ticket_in(h, KIND_REPAIR, CLOSED);
    house_at(h, "2026-03-06 17:00");
    house_do(h, AS_RESIDENT, id, "reopen");
    struct row t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_REWORK), 1);
    assert_string_equal(resolve_due(h, id), "2026-03-07 17:00");
    assert_int_equal(row_int(&t, T_CLOCK_FROM), house_local("2026-03-06 17:00"));
    assert_int_equal(row_int(&t, T_PRIORITY), 2);
    house_at(h, "2026-03-07 17:01");
    house_minute(h);
    t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_RESOLVE_BREACHED), 1);
    assert_int_equal(row_int(&t, T_RESPOND_BREACHED), 0); /* answered the first time */
    house_close(h);
}

/* --- the minute's job --- */

static void test_sweep(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t idle = house_ticket(h, KIND_REPAIR), done = house_ticket_in(h, KIND_REPAIR, FINISHED);
    int64_t dead = house_ticket_in(h, KIND_REPAIR, CANCELLED);
    static const struct {
        const char *at;
        int respond, handle, resolve;
    } steps[] = {{"2026-03-02 13:00", 0, 0, 0}, /* due at this very moment: in time */
                 {"2026-03-02 13:01", 1, 0, 0}, {"2026-03-02 18:00", 1, 0, 0},
                 {"2026-03-02 18:01", 1, 1, 0}, {"2026-03-03 18:00", 1, 1, 0},
                 {"2026-03-03 18:01", 1, 1, 1}, {"2026-03-04 18:00", 1, 1, 1}};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        house_at(h, steps[i].at);
        for (int twice = 0; twice < 2; twice++)
            house_minute(h);
        struct row row = house_row(h, &res_ticket, idle);
        if (row_int(&row, T_RESPOND_BREACHED) != steps[i].respond ||
            row_int(&row, T_HANDLE_BREACHED) != steps[i].handle ||
            row_int(&row, T_RESOLVE_BREACHED) != steps[i].resolve)
            fail_msg("at %s", steps[i].at);
        assert_int_equal(EVENTS(h, idle, "ticket.breached"),
                         steps[i].respond + steps[i].handle + steps[i].resolve);
    }
    assert_int_equal(EVENTS(h, done, "ticket.breached"), 0);
    assert_int_equal(EVENTS(h, dead, "ticket.breached"), 0);
    house_do(h, AS_DESK, idle, "accept"); /* late, and stays late */
    struct row row = house_row(h, &res_ticket, idle);
    assert_int_equal(row_int(&row, T_RESPOND_BREACHED), 1);
    house_close(h);
}

/* However many tickets are open, the job reads those that are due a look. */
static void test_sweep_plan(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct str plan;
    house_pretend_large(h);
    house_as(h, AS_SYSTEM);
    house_ok(h, db_explain(h->app.db, &h->c, ladder_queries[0], IN(v_int(HOUSE_NOW)), &plan));
    assert_true(str_find(plan, S("ticket_clock")) >= 0);
    assert_true(str_find(plan, S("TEMP B-TREE")) < 0 && str_find(plan, S("Sort")) < 0);
    house_close(h);
}

static enum err fix_up(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    for (const struct fixup *f = service_fixups; f->number; f++)
        if (f->number == 7)
            TRY(f->run(c, tx));
    return E_OK;
}

/* The column says what the row's clocks say: 0 none, else which clock + 1. The upgrade of a
 * database without it comes to the same. */
static void is_next(struct house *h, int64_t id, int clock)
{
    struct row t = house_row(h, &res_ticket, id);
    struct val due = clock ? t.v[clock_fields[clock - 1].due] : v_null();
    if (!val_eq(t.v[T_NEXT_DUE], due))
        fail_msg("state %d: next due is not that of clock %d", (int)row_int(&t, T_STATE), clock);
    house_sql(h, "UPDATE ticket SET next_due = NULL");
    house_as(h, AS_SYSTEM);
    house_ok(h, db_write(h->app.db, &h->c, fix_up, NULL));
    t = house_row(h, &res_ticket, id);
    if (!val_eq(t.v[T_NEXT_DUE], due))
        fail_msg("state %d: the upgrade finds another", (int)row_int(&t, T_STATE));
}

static void test_next_due(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket(h, KIND_REPAIR), gone = house_ticket(h, KIND_REPAIR);
    static const struct {
        enum as as;
        const char *action, *input; /* NULL: the usual one */
        int clock;
    } way[] = {{AS_DESK, "accept", NULL, 1 + CLOCK_HANDLE},
               {AS_DISPATCHER, "dispatch", NULL, 1 + CLOCK_HANDLE},
               {AS_WORKER, "start", NULL, 1 + CLOCK_RESOLVE},
               {AS_WORKER, "pause", OTHERS_PAUSE, 1 + CLOCK_RESOLVE},
               {AS_DISPATCHER, "resume", NULL, 1 + CLOCK_RESOLVE},
               {AS_WORKER, "pause", CUSTOMER_PAUSE, 0},
               {AS_WORKER, "resume", NULL, 1 + CLOCK_RESOLVE},
               {AS_WORKER, "finish", NULL, 0},
               {AS_DESK, "inform", NULL, 0},
               {AS_DESK, "return", NULL, 1 + CLOCK_RESOLVE}};
    is_next(h, id, 1 + CLOCK_RESPOND);
    for (size_t i = 0; i < COUNT_OF(way); i++) {
        if (way[i].input)
            house_do_with(h, way[i].as, id, way[i].action, way[i].input);
        else
            house_do(h, way[i].as, id, way[i].action);
        is_next(h, id, way[i].clock);
    }
    house_do(h, AS_DESK, gone, "cancel");
    is_next(h, gone, 0);
    house_close(h);
}

/* A clock that stops late is late at once, without waiting for the job. */
static void test_late_stop(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t in_time = house_ticket(h, KIND_REPAIR), late = house_ticket(h, KIND_REPAIR);
    h->c.now_ms = house_local("2026-03-02 13:00");
    house_do(h, AS_DESK, in_time, "accept");
    h->c.now_ms = house_local("2026-03-02 13:00") + 1;
    house_do(h, AS_DESK, late, "accept");
    struct row a = house_row(h, &res_ticket, in_time), b = house_row(h, &res_ticket, late);
    assert_int_equal(row_int(&a, T_RESPOND_BREACHED), 0);
    assert_int_equal(row_int(&b, T_RESPOND_BREACHED), 1);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),     cmocka_unit_test(test_breach),
        cmocka_unit_test(test_due),          cmocka_unit_test(test_policy),
        cmocka_unit_test(test_three_clocks), cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_pause),        cmocka_unit_test(test_pause_limit),
        cmocka_unit_test(test_approval),     cmocka_unit_test(test_breach_stays),
        cmocka_unit_test(test_late_yes),     cmocka_unit_test(test_reopen),
        cmocka_unit_test(test_sweep),        cmocka_unit_test(test_late_stop),
        cmocka_unit_test(test_sweep_plan),   cmocka_unit_test(test_next_due),
    };
    return HOUSE_RUN(tests);
}
