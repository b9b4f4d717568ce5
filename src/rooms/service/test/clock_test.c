/* clock_test.c - the three clocks against instants worked out by hand: T-64, T-65, T-66; the faults
 * that other desks' users reported, one line each; which policy applies; pauses and their approval;
 * the ladder, its nights and holidays. */
#include "../test/lib/house.h"

#include "base/thread.h"
#include "core/event.h"

/* "2026-03-02 09:00" in Shanghai. */
static int64_t local(const char *s)
{
    int64_t ms;
    assert_true(instant_parse_format(str_of(s), "%Y-%m-%d %H:%M", zone_find("Asia/Shanghai"), &ms));
    return ms;
}

static const char *clock_text(struct house *h, int64_t at_ms)
{
    const struct zone *z = zone_find("Asia/Shanghai");
    int64_t minute = (at_ms - zone_instant_ms(z, zone_date(z, at_ms), 0)) / 60000;
    return arena_fmt(h->mem, PRS " %02d:%02d", PRA(date_text(h->mem, zone_date(z, at_ms))),
                     (int)(minute / 60), (int)(minute % 60))
        .p;
}

static void at(struct house *h, const char *when)
{
    h->c.now_ms = local(when);
    clock_fake(h->c.now_ms);
}

static struct row ticket(struct house *h, int64_t id)
{
    struct row row;
    house_as(h, AS_SYSTEM);
    house_ok(h, house_load(h, &res_ticket, id, &row));
    return row;
}

static void act(struct house *h, enum as as, int64_t id, const char *action)
{
    house_as(h, as);
    house_ok(h, house_act(h, id, action, house_input(h, action)));
}

static void act_with(struct house *h, enum as as, int64_t id, const char *action, const char *input)
{
    house_as(h, as);
    house_ok(h, house_act(h, id, action, input));
}

#define EVENTS(h, id, topic)                                                                       \
    house_number(h, str_z((h)->c.mem, arena_fmt((h)->c.mem,                                        \
                                                "SELECT count(*) FROM event WHERE subject_id = "   \
                                                "%lld AND topic = '" topic "'",                    \
                                                (long long)(id))))
#define TOLD(h, id, where)                                                                         \
    house_number(h, str_z((h)->c.mem, arena_fmt((h)->c.mem,                                        \
                                                "SELECT count(*) FROM escalation WHERE ticket_id " \
                                                "= %lld AND " where,                               \
                                                (long long)(id))))

static void minute(struct house *h)
{
    jobs_run_due(&h->app, h->c.now_ms);
    assert_int_equal(house_number(h, "SELECT count(*) FROM job WHERE state = 2 OR error IS NOT "
                                     "NULL"),
                     0);
}

/* --- pure --- */

static void test_defaults(void **state)
{
    (void)state;
    enum { H = 60, D = 9 * 60, ALWAYS = HOURS_ALWAYS, WORK = HOURS_WORKING };
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

/* T-64, and what users of other desks found wrong with theirs. Resolution within `minutes`. */
static void test_due(void **state)
{
    (void)state;
    enum { ALWAYS = HOURS_ALWAYS, WORK = HOURS_WORKING };
    static const char *const plain[7] = {
        "09:00-18:00", "09:00-18:00", "09:00-18:00", "09:00-18:00", "09:00-18:00", "", ""};
    static const char *const lunch[7] = {"09:00-12:00 13:30-18:00",
                                         "09:00-12:00 13:30-18:00",
                                         "09:00-12:00 13:30-18:00",
                                         "09:00-12:00 13:30-18:00",
                                         "09:00-12:00 13:30-18:00",
                                         "",
                                         ""};
    static const char *const tuesday[7] = {"", "10:00-12:00", "", "", "", "", ""};
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
    } cases[] = {
        {"T-64: urgent runs day and night",
         plain,
         ALWAYS,
         60,
         "2026-10-03 23:30",
         {{0}},
         "2026-10-04 00:30",
         "2026-10-04 00:30"},
        {"T-64: others in working hours",
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
         150,
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
        {"T-65: a pause moves what is due after it by as much working time",
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
    struct house *h = house_open();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pause p[3];
        size_t n = 0;
        int64_t due[CLOCK__N];
        set_hours(h, cases[i].week);
        struct workcal w = calendar(h);
        struct sla s = {.minutes = {cases[i].minutes, cases[i].minutes, cases[i].minutes},
                        .hours = cases[i].hours};
        for (; n < 3 && cases[i].pauses[n].from; n++)
            p[n] = (struct pause){local(cases[i].pauses[n].from), local(cases[i].pauses[n].to),
                                  cases[i].pauses[n].stops};
        assert_true(sla_due(&s, &w, local(cases[i].from), p, n, due));
        if (due[CLOCK_RESPOND] != local(cases[i].respond) ||
            due[CLOCK_RESOLVE] != local(cases[i].resolve))
            fail_msg("%s: respond %s, resolve %s", cases[i].why, clock_text(h, due[0]),
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
    struct row before = ticket(h, id), policy = {0}, off = {0};
    row_put(&policy, PL_RESPOND, v_int(1));
    house_ok(h, house_change(h, &res_sla_policy, row_int(&before, T_POLICY), &policy));
    row_put(&off, R_COMMUNITY, v_int(h->a));
    row_put(&off, CD_DATE, v_lit("2026-03-03"));
    row_put(&off, CD_WORKDAY, v_int(0));
    house_ok(h, house_insert(h, &res_calendar_day, &off));
    act_with(h, AS_DESK, id, "prioritize", "{\"priority\":\"P1\",\"reason\":\"x\"}");
    act(h, AS_DESK, id, "accept");
    act(h, AS_DISPATCHER, id, "dispatch");
    struct row after = ticket(h, id);
    for (int k = 0; k < CLOCK__N; k++)
        assert_int_equal(row_int(&after, T_RESPOND_DUE + k), row_int(&before, T_RESPOND_DUE + k));
    assert_int_equal(row_int(&after, T_POLICY_VERSION), 1);
    assert_int_equal(row_int(&after, T_RESPOND_MIN), 240);
    struct row next = ticket(h, house_ticket(h, KIND_REPAIR)); /* the next one gets the new rule */
    assert_int_equal(row_int(&next, T_POLICY_VERSION), 2);
    assert_int_equal(row_int(&next, T_RESPOND_DUE), HOUSE_NOW + MINUTE_MS);
    assert_int_equal(row_int(&next, T_RESOLVE_DUE),
                     local("2026-03-04 18:00")); /* and the new day */
    house_close(h);
}

/* --- pauses --- */

static int64_t started(struct house *h)
{
    at(h, "2026-03-02 09:00");
    return house_ticket_in(h, KIND_REPAIR, IN_PROGRESS); /* due at 2026-03-03 18:00 */
}

static const char *resolve_due(struct house *h, int64_t id)
{
    struct row t = ticket(h, id);
    return clock_text(h, row_int(&t, T_RESOLVE_DUE));
}
#define CUSTOMER_PAUSE "{\"class\":\"customer\",\"reason\":\"明天再来\"}"
#define PARTS_PAUSE    "{\"class\":\"parts\",\"reason\":\"等阀门\"}"
#define OTHERS_PAUSE   "{\"class\":\"third_party\",\"reason\":\"等厂家\"}"

static void test_pause(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = started(h);
    at(h, "2026-03-02 17:00");
    act_with(h, AS_WORKER, id, "pause", CUSTOMER_PAUSE); /* needs no approval: stops at once */
    struct row t = ticket(h, id);
    assert_true(row_int(&t, T_CLOCK_STOPPED) && !row_has(&t, T_CLOCK_NEXT));
    assert_int_equal(row_int(&t, T_PAUSE_STATE), PAUSE_FREE);
    at(h, "2026-03-06 10:00"); /* while it stands nothing runs out */
    minute(h);
    assert_int_equal(EVENTS(h, id, "ticket.breached"), 0);
    act(h, AS_WORKER, id,
        "resume"); /* an hour of Monday, nine of each day between, one of Friday */
    assert_string_equal(resolve_due(h, id), "2026-03-09 11:00");
    t = ticket(h, id);
    assert_false(row_int(&t, T_CLOCK_STOPPED) || row_has(&t, T_PAUSED_AT) ||
                 row_has(&t, T_PAUSE_CLASS));
    act_with(h, AS_WORKER, id, "pause", OTHERS_PAUSE); /* one's own contractor: time runs on */
    t = ticket(h, id);
    assert_false(row_int(&t, T_CLOCK_STOPPED));
    at(h, "2026-03-09 10:00");
    act(h, AS_DISPATCHER, id, "resume");
    assert_string_equal(resolve_due(h, id), "2026-03-09 11:00");
    assert_int_equal(house_number(h, "SELECT count(*) FROM ticket_pause WHERE to_at IS NOT NULL"),
                     2);
    t = ticket(h, id);
    assert_int_equal(row_int(&t, T_PAUSED_MS),
                     local("2026-03-06 10:00") - local("2026-03-02 17:00") +
                         local("2026-03-09 10:00") - local("2026-03-06 10:00"));
    house_close(h);
}

/* T-65: reason and approval; approved it counts from its start, refused not at all. */
static void test_approval(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = started(h), other = started(h), late = started(h);
    at(h, "2026-03-02 17:00");
    int64_t all[] = {id, other, late};
    for (size_t i = 0; i < 3; i++) {
        act_with(h, AS_WORKER, all[i], "pause", PARTS_PAUSE);
        struct row t = ticket(h, all[i]);
        assert_false(row_int(&t, T_CLOCK_STOPPED));
        assert_int_equal(row_int(&t, T_PAUSE_STATE), PAUSE_ASKED);
    }
    at(h, "2026-03-02 17:30");
    act(h, AS_DISPATCHER, id, "approve_pause");
    act(h, AS_DISPATCHER, other, "refuse_pause");
    struct row t = ticket(h, id);
    assert_true(row_int(&t, T_CLOCK_STOPPED));
    at(h, "2026-03-03 10:00");
    for (size_t i = 0; i < 3; i++)
        act(h, AS_WORKER, all[i], "resume");
    assert_string_equal(resolve_due(h, id), "2026-03-04 11:00");
    assert_string_equal(resolve_due(h, other), "2026-03-03 18:00");
    assert_string_equal(resolve_due(h, late), "2026-03-03 18:00");
    act(h, AS_DISPATCHER, late, "approve_pause"); /* the answer came after work went on */
    assert_string_equal(resolve_due(h, late), "2026-03-04 11:00");
    house_as(h, AS_DISPATCHER);
    assert_int_equal(house_act(h, late, "approve_pause", "{}"), E_STATE);
    act_with(h, AS_DISPATCHER, late, "pause", PARTS_PAUSE); /* his own word is the approval */
    t = ticket(h, late);
    assert_true(row_int(&t, T_CLOCK_STOPPED));
    house_close(h);
}

/* T-65, osTicket#4078: a breach stays, and its due time too. */
static void test_breach_stays(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = started(h);
    at(h, "2026-03-03 18:01");
    act_with(h, AS_WORKER, id, "pause", CUSTOMER_PAUSE); /* before the minute's job saw it */
    struct row t = ticket(h, id);
    assert_int_equal(row_int(&t, T_RESOLVE_BREACHED), 1);
    at(h, "2026-03-05 12:00");
    act(h, AS_WORKER, id, "resume");
    assert_string_equal(resolve_due(h, id), "2026-03-03 18:00");
    act(h, AS_WORKER, id, "finish");
    t = ticket(h, id);
    assert_int_equal(row_int(&t, T_RESOLVE_BREACHED), 1);
    assert_int_equal(EVENTS(h, id, "ticket.breached"), 0); /* told by the pause itself */
    house_close(h);
}

/* T-66: reopened within 30 days it is rework of the same ticket, with a new promise in the hours of
 * the old one. */
static void test_reopen(void **state)
{
    (void)state;
    struct house *h = house_open();
    at(h, "2026-03-02 09:00");
    int64_t id = house_ticket_in(h, KIND_REPAIR, CLOSED);
    at(h, "2026-03-06 17:00");
    act(h, AS_RESIDENT, id, "reopen");
    struct row t = ticket(h, id);
    assert_int_equal(row_int(&t, T_REWORK), 1);
    assert_string_equal(resolve_due(h, id), "2026-03-10 17:00");
    assert_int_equal(row_int(&t, T_CLOCK_FROM), local("2026-03-06 17:00"));
    at(h, "2026-03-10 17:01");
    minute(h);
    t = ticket(h, id);
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
        at(h, steps[i].at);
        for (int twice = 0; twice < 2; twice++)
            minute(h);
        struct row row = ticket(h, idle);
        if (row_int(&row, T_RESPOND_BREACHED) != steps[i].respond ||
            row_int(&row, T_HANDLE_BREACHED) != steps[i].handle ||
            row_int(&row, T_RESOLVE_BREACHED) != steps[i].resolve)
            fail_msg("at %s", steps[i].at);
        assert_int_equal(EVENTS(h, idle, "ticket.breached"),
                         steps[i].respond + steps[i].handle + steps[i].resolve);
    }
    assert_int_equal(EVENTS(h, done, "ticket.breached"), 0);
    assert_int_equal(EVENTS(h, dead, "ticket.breached"), 0);
    act(h, AS_DESK, idle, "accept"); /* late, and stays late */
    struct row row = ticket(h, idle);
    assert_int_equal(row_int(&row, T_RESPOND_BREACHED), 1);
    house_close(h);
}

/* However many tickets are open, the job reads those that are due a look. */
static void test_sweep_plan(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct str plan;
    house_as(h, AS_SYSTEM);
    house_ok(h, db_explain(h->app.db, &h->c, ladder_queries[0], IN(v_int(HOUSE_NOW)), &plan));
    if (!house_pg) /* PostgreSQL scans small tables whatever indexes they have */
        assert_true(str_find(plan, S("ticket_clock")) >= 0 && str_find(plan, S("TEMP B-TREE")) < 0);
    house_close(h);
}

/* A clock that stops late is late at once, without waiting for the job. */
static void test_late_stop(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t in_time = house_ticket(h, KIND_REPAIR), late = house_ticket(h, KIND_REPAIR);
    h->c.now_ms = local("2026-03-02 13:00");
    act(h, AS_DESK, in_time, "accept");
    h->c.now_ms = local("2026-03-02 13:00") + 1;
    act(h, AS_DESK, late, "accept");
    struct row a = ticket(h, in_time), b = ticket(h, late);
    assert_int_equal(row_int(&a, T_RESPOND_BREACHED), 0);
    assert_int_equal(row_int(&b, T_RESPOND_BREACHED), 1);
    house_close(h);
}

/* --- the ladder --- */

/* Response of a P3 repair within 240 working minutes from 09:00: half at 11:00, 80 % at 12:12, all
 * at 13:00, half as much again at 15:00. */
static void test_ladder(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket(h, KIND_REPAIR);
    static const struct {
        const char *at;
        int told, last; /* rungs of the response clock; the level of the last */
    } steps[] = {{"2026-03-02 10:59", 0, 0},
                 {"2026-03-02 11:00", 1, LEVEL_WORKER},
                 {"2026-03-02 12:11", 1, LEVEL_WORKER},
                 {"2026-03-02 12:12", 2, LEVEL_SUPERVISOR},
                 {"2026-03-02 13:00", 3, LEVEL_MANAGER},
                 {"2026-03-02 14:59", 3, LEVEL_MANAGER},
                 {"2026-03-02 15:00", 4, LEVEL_COMPANY},
                 {"2026-03-02 17:59", 4, LEVEL_COMPANY}};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        at(h, steps[i].at);
        for (int twice = 0; twice < 2; twice++)
            minute(h);
        if (TOLD(h, id, "clock = 1") != steps[i].told)
            fail_msg("at %s: %d", steps[i].at, (int)TOLD(h, id, "clock = 1"));
        if (steps[i].told)
            assert_int_equal(house_number(h, "SELECT level FROM escalation WHERE clock = 1 ORDER "
                                             "BY percent DESC LIMIT 1"),
                             steps[i].last);
    }
    assert_int_equal(EVENTS(h, id, "ticket.escalated"), TOLD(h, id, "1 = 1"));
    assert_int_equal(TOLD(h, id, "level = 1 AND clock = 1 AND staff_id IS NOT NULL"), 1);
    assert_int_equal(house_number(h, arena_fmt(h->mem,
                                               "SELECT count(*) FROM escalation WHERE level = 3 "
                                               "AND staff_id = %lld",
                                               (long long)h->staff[AS_MANAGER])
                                         .p),
                     TOLD(h, id, "level = 3"));
    house_close(h);
}

/* zammad#3140: no word about a clock that stopped; and whoever gets the ticket next does not hear
 * again what was said. */
static void test_ladder_once(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket(h, KIND_REPAIR);
    at(h, "2026-03-02 10:00");
    act(h, AS_DESK, id, "accept");
    act(h, AS_DISPATCHER, id, "dispatch");
    at(h, "2026-03-02 17:00"); /* 80 % of the first handling, not half of the resolution */
    minute(h);
    assert_int_equal(TOLD(h, id, "clock = 1"), 0);
    assert_int_equal(TOLD(h, id, "clock = 2"), 2);
    act_with(h, AS_DISPATCHER, id, "dispatch",
             arena_fmt(h->mem, "{\"assignee_id\":%lld,\"reason\":\"换人\"}",
                       (long long)h->staff[AS_WORKER2])
                 .p);
    minute(h);
    at(h, "2026-03-02 17:30");
    minute(h);
    assert_int_equal(TOLD(h, id, "clock = 2"), 2);
    at(h, "2026-03-02 18:00");
    minute(h);
    assert_int_equal(TOLD(h, id, "clock = 2"), 3);
    assert_int_equal(TOLD(h, id, "clock = 3"), 1);
    house_close(h);
}

/* zammad#4432, glpi#15429, PR#22678: nobody is told at night or on a holiday, but for P1; the
 * breach is a fact at once. */
static void test_quiet(void **state)
{
    (void)state;
    struct house *h = house_open();
    at(h, "2026-09-30 23:00");
    int64_t p1 = house_ticket(h, KIND_SAFETY), p3 = house_ticket(h, KIND_SAFETY);
    house_sql(h,
              arena_fmt(h->mem, "UPDATE ticket SET priority = 1, respond_min = 30 WHERE id = %lld",
                        (long long)p1)
                  .p); /* the same promise, only urgent */
    struct row t = ticket(h, p3);
    assert_int_equal(row_int(&t, T_RESPOND_DUE), local("2026-09-30 23:30"));
    at(h, "2026-09-30 23:31");
    minute(h);
    assert_int_equal(TOLD(h, p1, "clock = 1"), 3);
    assert_int_equal(TOLD(h, p3, "clock = 1"), 0);
    t = ticket(h, p3);
    assert_int_equal(row_int(&t, T_RESPOND_BREACHED), 1);
    at(h, "2026-10-03 12:00"); /* a holiday at noon */
    minute(h);
    assert_int_equal(TOLD(h, p3, "1 = 1"), 0);
    at(h, "2026-10-08 08:59");
    minute(h);
    assert_int_equal(TOLD(h, p3, "1 = 1"), 0);
    at(h, "2026-10-08 09:00");
    minute(h);
    assert_int_equal(TOLD(h, p3, "clock = 1"), 4);
    house_close(h);
}

/* A new promise is a new ladder. */
static void test_ladder_again(void **state)
{
    (void)state;
    struct house *h = house_open();
    at(h, "2026-03-02 09:00");
    int64_t id = house_ticket(h, KIND_REPAIR);
    at(h, "2026-03-04 10:00");
    minute(h);
    int64_t first = TOLD(h, id, "clock = 3");
    assert_int_equal(first, 3);
    static const struct {
        enum as as;
        const char *action;
    } way[] = {{AS_DESK, "accept"},   {AS_DISPATCHER, "dispatch"}, {AS_WORKER, "start"},
               {AS_WORKER, "finish"}, {AS_DESK, "inform"},         {AS_DESK, "confirm"},
               {AS_DESK, "reopen"}};
    house_sql(h, "UPDATE shift SET ends_at = ends_at + 864000000");
    for (size_t i = 0; i < COUNT_OF(way); i++)
        act(h, way[i].as, id, way[i].action);
    at(h, "2026-03-05 10:00"); /* half of two days */
    minute(h);
    assert_int_equal(TOLD(h, id, "clock = 3"), first + 1);
    house_close(h);
}

/* Two nodes of a cluster look at the same minute at the same time. */
enum { NODES = 4 };
struct node {
    struct house *h;
    int ran;
};
static void look(void *arg)
{
    struct node *n = arg;
    n->ran = jobs_run_due(&n->h->app, n->h->c.now_ms);
}

static void test_many_nodes(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct node nodes[NODES];
    struct thread *threads[NODES];
    int64_t id = house_ticket(h, KIND_REPAIR);
    at(h, "2026-03-02 17:00");
    for (int i = 0; i < NODES; i++) {
        nodes[i] = (struct node){h, 0};
        threads[i] = thread_start("node", look, &nodes[i]);
    }
    for (int i = 0; i < NODES; i++)
        thread_join(threads[i]);
    minute(h);
    assert_int_equal(TOLD(h, id, "clock = 1"), 4);
    assert_int_equal(EVENTS(h, id, "ticket.breached"), 1);
    assert_int_equal(house_number(h, "SELECT count(*) FROM job WHERE state = 2"), 0);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),   cmocka_unit_test(test_breach),
        cmocka_unit_test(test_due),        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_frozen),     cmocka_unit_test(test_pause),
        cmocka_unit_test(test_approval),   cmocka_unit_test(test_breach_stays),
        cmocka_unit_test(test_reopen),     cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_late_stop),  cmocka_unit_test(test_sweep_plan),
        cmocka_unit_test(test_ladder),     cmocka_unit_test(test_ladder_once),
        cmocka_unit_test(test_quiet),      cmocka_unit_test(test_ladder_again),
        cmocka_unit_test(test_many_nodes),
    };
    return HOUSE_RUN(tests);
}
