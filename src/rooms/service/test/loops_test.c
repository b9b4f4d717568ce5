/* loops_test.c - responsibility changes hands only by acceptance, nothing merged is lost, who gave
 * a low mark is asked again until he gives another (T-105), and what nobody looks after is found.
 */
#include "../test/lib/house.h"

#include "rooms/service/desk.h"

static const char *ask(struct house *h, enum as to)
{
    return arena_fmt(h->mem, "{\"handover_to_id\":%lld,\"reason\":\"去培训\"}",
                     (long long)h->staff[to])
        .p;
}

static int64_t count(struct house *h, const char *from)
{
    return house_number(h, arena_fmt(h->mem, "SELECT count(*) FROM %s", from).p);
}

static void refused(struct house *h, enum as as, int64_t id, const char *action, const char *input,
                    enum err want)
{
    house_as(h, as);
    assert_int_equal(house_act(h, id, action, input), want);
}

/* --- responsibility --- */

static void test_handover(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket_in(h, KIND_REPAIR, IN_PROGRESS);
    refused(h, AS_WORKER2, id, "hand_over", ask(h, AS_WORKER2), E_DENIED); /* not his to give */
    house_do_with(h, AS_WORKER, id, "hand_over", ask(h, AS_WORKER2));
    struct row t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_ASSIGNEE),
                     h->staff[AS_WORKER]); /* until the other one takes it */
    refused(h, AS_WORKER, id, "hand_over", ask(h, AS_DESK), E_STATE); /* asked already */
    refused(h, AS_WORKER, id, "accept_handover", "{}", E_DENIED);
    house_do(h, AS_WORKER2, id, "accept_handover");
    t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_ASSIGNEE), h->staff[AS_WORKER2]);
    assert_int_equal(row_int(&t, T_STATE), IN_PROGRESS);
    assert_int_equal(row_int(&t, T_REROUTES), 1);
    assert_false(row_has(&t, T_HANDOVER_TO));
    refused(h, AS_WORKER, id, "finish", "{\"result\":\"好了\"}", E_DENIED);
    house_do(h, AS_WORKER2, id, "finish");
    house_close(h);
}

/* Before there is a worker the first contact is responsible; who accepts from him has the order. */
static void test_first_contact_hands_over(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket_in(h, KIND_COMPLAINT, ACCEPTED);
    refused(h, AS_DISPATCHER, id, "hand_over", ask(h, AS_MANAGER), E_DENIED);
    refused(h, AS_DESK, id, "hand_over", ask(h, AS_DESK), E_INVALID);
    refused(h, AS_DESK, id, "hand_over", ask(h, AS_WORKER_B), E_INVALID); /* of another community */
    house_do_with(h, AS_DESK, id, "hand_over", ask(h, AS_MANAGER));
    house_do(h, AS_MANAGER, id, "accept_handover");
    struct row t = house_row(h, &res_ticket, id);
    assert_int_equal(row_int(&t, T_STATE), DISPATCHED);
    assert_int_equal(row_int(&t, T_ASSIGNEE), h->staff[AS_MANAGER]);
    assert_int_equal(row_int(&t, T_FIRST_CONTACT),
                     h->staff[AS_DESK]); /* stays whose it was first */
    house_do(h, AS_MANAGER, id, "start");
    house_do(h, AS_MANAGER, id, "finish");
    house_do(h, AS_MANAGER, id, "inform");
    refused(h, AS_MANAGER, id, "vouch", "{}", E_DENIED);
    house_do(h, AS_DESK, id, "vouch"); /* he is asked whether his customer was served */
    refused(h, AS_DESK, id, "vouch", "{}", E_STATE);
    house_do(h, AS_RESIDENT, id, "return");
    t = house_row(h, &res_ticket, id);
    assert_false(row_has(&t, T_VOUCHED));
    house_close(h);
}

static void test_refused_twice(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket_in(h, KIND_REPAIR, DISPATCHED);
    const char *told = "escalation WHERE why = 3";
    for (int i = 0; i < 2; i++) {
        assert_int_equal(count(h, told), 0);
        house_do_with(h, AS_WORKER, id, "hand_over", ask(h, AS_WORKER2));
        refused(h, AS_WORKER2, id, "refuse_handover", "{}", E_INVALID); /* why not? */
        house_do(h, AS_WORKER2, id, "refuse_handover");
    }
    assert_int_equal(count(h, told), 1);
    assert_int_equal(house_number(h, "SELECT level FROM escalation WHERE why = 3"), LEVEL_MANAGER);
    refused(h, AS_WORKER, id, "hand_over", ask(h, AS_DESK), E_STATE); /* now the manager decides */
    h->c.now_ms += MINUTE_MS;
    house_do_with(h, AS_MANAGER, id, "dispatch",
                  arena_fmt(h->mem, "{\"assignee_id\":%lld}", (long long)h->staff[AS_WORKER2]).p);
    house_do_with(h, AS_WORKER2, id, "hand_over", ask(h, AS_WORKER)); /* counted anew */
    house_do(h, AS_DISPATCHER, id, "recall_handover");
    house_do_with(h, AS_WORKER2, id, "hand_over", ask(h, AS_WORKER));
    house_do_with(h, AS_MANAGER, id, "dispatch",
                  arena_fmt(h->mem, "{\"assignee_id\":%lld}", (long long)h->staff[AS_WORKER2]).p);
    assert_int_equal(count(h, "handover WHERE state = 1"), 0); /* nobody is asked for nothing */
    assert_int_equal(count(h, "handover WHERE state = 4"), 2);
    for (int i = 0; i < 2; i++) { /* it is the second time: told again */
        h->c.now_ms += MINUTE_MS;
        house_do_with(h, AS_WORKER2, id, "hand_over", ask(h, AS_WORKER));
        house_do(h, AS_WORKER, id, "refuse_handover");
    }
    assert_int_equal(count(h, told), 2);
    house_close(h);
}

/* --- tickets that belong together --- */

static const char *into(struct house *h, int64_t id)
{
    return arena_fmt(h->mem, "{\"merged_into_id\":%lld}", (long long)id).p;
}

static int64_t of_resident2(struct house *h)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, T_KIND, v_int(KIND_REPAIR));
    row_put(&row, T_TITLE, v_lit("楼下也漏了"));
    row_put(&row, T_CHANNEL, v_int(CH_PHONE));
    row_put(&row, T_PERSON, v_int(h->person[AS_RESIDENT2]));
    house_as(h, AS_DESK);
    house_ok(h, house_insert(h, &res_ticket, &row));
    return row_int(&row, R_ID);
}

/* Whoever reported it hears what the others hear, keeps his words, and may rate. */
static void test_merge(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t first = house_ticket_in(h, KIND_REPAIR, IN_PROGRESS), b = of_resident2(h),
            a = house_ticket(h, KIND_REPAIR);
    refused(h, AS_DESK, b, "merge", into(h, b), E_INVALID);
    refused(h, AS_DESK, b, "merge", into(h, house_ticket_in(h, KIND_REPAIR, CLOSED)), E_INVALID);
    refused(h, AS_DESK, b, "merge", into(h, house_ticket_in(h, KIND_REPAIR, INFORMED)), E_INVALID);
    house_do_with(h, AS_DESK, b, "merge", into(h, a));
    refused(h, AS_DESK, a, "cancel", "{\"reason\":\"算了\"}", E_STATE); /* he would be forgotten */
    house_do_with(h, AS_DISPATCHER, a, "merge", into(h, first));        /* takes b along */
    struct row t = house_row(h, &res_ticket, b);
    assert_int_equal(row_int(&t, T_MERGED_INTO), first);
    assert_int_equal(row_int(&t, T_STATE), MERGED);
    assert_true(str_eqz(row_str(&t, T_TITLE), "楼下也漏了"));
    house_do(h, AS_WORKER, first, "finish");
    house_do(h, AS_DESK, first, "inform");
    t = house_row(h, &res_ticket, b);
    assert_true(str_eqz(row_str(&t, T_ANSWER), "已告知修好"));
    assert_true(row_has(&t, T_INFORMED));
    house_do(h, AS_DESK, first, "return");
    t = house_row(h, &res_ticket, b);
    assert_false(row_has(&t, T_INFORMED));
    house_do(h, AS_DESK, b, "split");
    t = house_row(h, &res_ticket, b);
    assert_int_equal(row_int(&t, T_STATE), ACCEPTED);
    assert_false(row_has(&t, T_MERGED_INTO));
    assert_true(row_has(&t, T_CLOCK_NEXT)); /* its clocks are looked at again */
    house_checks(h);
    house_close(h);
}

/* Low marks of a database from before there were visits: followed up once, the old ones let be. */
static enum err come(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    return low_scores_come(c, tx);
}

static void rated(struct house *h, int64_t ticket, int64_t marks, int64_t days_ago)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, R_CREATED_AT, v_int(h->c.now_ms - days_ago * DAY_MS));
    row_put(&row, RA_TICKET, v_int(ticket));
    for (int i = RA_CONTENT; i <= RA_EXPERIENCE; i++)
        row_put(&row, i, v_int(marks));
    house_as(h, AS_SYSTEM);
    house_ok(h, house_insert(h, &res_rating, &row));
}

static void test_low_before(void **state)
{
    (void)state;
    struct house *h = house_open();
    rated(h, house_ticket_in(h, KIND_PRAISE, CLOSED), 2, 3);
    rated(h, house_ticket_in(h, KIND_PRAISE, CLOSED), 3, 3);
    rated(h, house_ticket_in(h, KIND_PRAISE, CLOSED), 1, 40);
    for (int i = 0; i < 2; i++)
        house_ok(h, db_write(h->app.db, &h->c, come, NULL));
    assert_int_equal(count(h, "return_visit WHERE why = 2"), 1);
    house_close(h);
}

static void test_links(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct row row = {0};
    int64_t a = house_ticket(h, KIND_REPAIR), b = house_ticket(h, KIND_COMPLAINT);
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, TL_TICKET, v_int(a));
    row_put(&row, TL_OTHER, v_int(a));
    row_put(&row, TL_KIND, v_int(LINK_CAUSED_BY));
    house_as(h, AS_DESK);
    assert_int_equal(house_insert(h, &res_ticket_link, &row), E_INVALID);
    assert_true(house_told(&h->c, "other_id", "self"));
    row = (struct row){0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, TL_TICKET, v_int(a));
    row_put(&row, TL_OTHER, v_int(b));
    row_put(&row, TL_KIND, v_int(LINK_CAUSED_BY));
    house_ok(h, house_insert(h, &res_ticket_link, &row));
    house_close(h);
}

static enum err link_as(struct house *h, int64_t one, int64_t other, int kind, int64_t *ret)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, TL_TICKET, v_int(one));
    row_put(&row, TL_OTHER, v_int(other));
    row_put(&row, TL_KIND, v_int(kind));
    house_as(h, AS_DESK);
    enum err e = house_insert(h, &res_ticket_link, &row);
    if (ret)
        *ret = row_int(&row, R_ID);
    return e;
}

/* R39: once for two, and no ticket comes before itself, by however many links. */
static void test_links_fit(void **state)
{
    enum { CHAIN = 5 };
    (void)state;
    struct house *h = house_open();
    int64_t t[CHAIN], plain;
    for (int i = 0; i < CHAIN; i++)
        t[i] = house_ticket(h, KIND_REPAIR);
    house_ok(h, link_as(h, t[0], t[4], LINK_RELATED, &plain));
    assert_int_equal(link_as(h, t[4], t[0], LINK_RELATED, NULL), E_INVALID);
    assert_true(house_told(&h->c, "other_id", "linked"));
    house_ok(h, link_as(h, t[0], t[1], LINK_FOLLOW_UP, NULL)); /* 1 follows 0 */
    assert_int_equal(link_as(h, t[1], t[0], LINK_FOLLOW_UP, NULL), E_INVALID);
    house_ok(h, link_as(h, t[2], t[1], LINK_CAUSED_BY, NULL)); /* 1 caused 2 */
    house_ok(h, link_as(h, t[2], t[3], LINK_FOLLOW_UP, NULL));
    assert_int_equal(link_as(h, t[3], t[0], LINK_FOLLOW_UP, NULL), E_INVALID);
    assert_true(house_told(&h->c, "other_id", "cycle"));
    assert_int_equal(link_as(h, t[0], t[3], LINK_CAUSED_BY, NULL), E_INVALID);
    house_ok(h, link_as(h, t[3], t[0], LINK_RELATED, NULL));
    house_ok(h, link_as(h, t[3], t[4], LINK_FOLLOW_UP, NULL));
    /* 4 comes after 0 by now: what was merely related cannot become its cause. */
    struct row neu = {0}, fits = {0};
    row_put(&neu, TL_KIND, v_int(LINK_CAUSED_BY));
    house_as(h, AS_DESK);
    assert_int_equal(house_change(h, &res_ticket_link, plain, &neu), E_INVALID);
    assert_true(house_told(&h->c, "kind", "cycle"));
    row_put(&fits, TL_KIND, v_int(LINK_FOLLOW_UP));
    house_ok(h, house_change(h, &res_ticket_link, plain, &fits));
    house_close(h);
}

/* --- return visits --- */

static int64_t visit_of(struct house *h, int64_t ticket, int why)
{
    const char *from = arena_fmt(h->mem, "return_visit WHERE ticket_id = %lld AND why = %d",
                                 (long long)ticket, why)
                           .p;
    return count(h, from) ? house_number(h, arena_fmt(h->mem, "SELECT max(id) FROM %s", from).p)
                          : 0;
}

struct visit_act {
    int64_t id;
    const char *action, *input;
};
static enum err visit_act(struct ctx *c, struct tx *tx, void *arg)
{
    struct visit_act *a = arg;
    struct row row;
    const struct json *in;
    TRY(json_parse(c, str_of(a->input), &in));
    TRY(res_load_seen(c, tx, &res_return_visit, a->id, &row));
    return flow_act(c, tx, &res_return_visit, &row, a->action, in, 0);
}
static enum err visit(struct house *h, enum as as, int64_t id, const char *action,
                      const char *input)
{
    struct visit_act a = {id, action, input};
    house_as(h, as);
    return db_write(h->app.db, &h->c, visit_act, &a);
}

static int64_t state_of(struct house *h, int64_t visit)
{
    struct row row = house_row(h, &res_return_visit, visit);
    return row_int(&row, RV_STATE);
}

/* Complaints always, others by the lot their number draws. */
static void test_visit_rules(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t complaint = house_ticket_in(h, KIND_COMPLAINT, CLOSED);
    int64_t v = visit_of(h, complaint, VISIT_RULE);
    assert_true(v);
    for (int i = 0; i < 12; i++) {
        int64_t id = house_ticket_in(h, KIND_REPAIR, CLOSED);
        assert_int_equal(visit_of(h, id, VISIT_RULE) != 0, visit_lot(id) < 20);
    }
    assert_int_equal(visit(h, AS_WORKER, v, "reach", "{\"score\":5}"), E_DENIED);
    house_ok(h, visit(h, AS_DESK, v, "reach", "{\"score\":5,\"comment\":\"满意\"}"));
    assert_int_equal(state_of(h, v), VISIT_DONE);
    assert_int_equal(visit(h, AS_DESK, v, "reach", "{\"score\":4}"), E_STATE);
    struct row rule = {0};
    row_put(&rule, VR_PERCENT, v_int(50));
    house_as(h, AS_MANAGER);
    int64_t id = house_number(
        h, arena_fmt(h->mem, "SELECT id FROM visit_rule WHERE community_id = %lld AND kind = 2",
                     (long long)h->a)
               .p);
    assert_int_equal(house_change(h, &res_visit_rule, id, &rule), E_INVALID);
    assert_true(house_told(&h->c, "percent", "complaint"));
    house_close(h);
}

/* A rule of a category goes before its kind's, and says from which mark on the customer is called.
 */
static void test_rule_of_a_category(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t tap =
        house_number(h, arena_fmt(h->mem,
                                  "SELECT id FROM category WHERE community_id = %lld AND name = "
                                  "'户内给水·水龙头漏水'",
                                  (long long)h->a)
                            .p);
    struct row rule = {0}, class = {0};
    row_put(&rule, R_COMMUNITY, v_int(h->a));
    row_put(&rule, VR_KIND, v_int(KIND_REPAIR));
    row_put(&rule, VR_CATEGORY, v_int(tap));
    row_put(&rule, VR_PERCENT, v_int(100));
    row_put(&rule, VR_HOURS, v_int(48));
    row_put(&rule, VR_LOW, v_int(3));
    house_as(h, AS_MANAGER);
    house_ok(h, house_insert(h, &res_visit_rule, &rule));
    for (int i = 0; i < 5; i++) {
        int64_t id = house_ticket_in(h, KIND_REPAIR, IN_PROGRESS);
        row_put(&class, T_CATEGORY, v_int(tap));
        house_as(h, AS_DESK);
        house_ok(h, house_change(h, &res_ticket, id, &class));
        class = (struct row){0};
        static const struct {
            enum as as;
            const char *action;
        } way[] = {{AS_WORKER, "finish"}, {AS_DESK, "inform"}, {AS_RESIDENT, "confirm"}};
        for (size_t k = 0; k < COUNT_OF(way); k++)
            house_do(h, way[k].as, id, way[k].action);
        assert_true(visit_of(h, id, VISIT_RULE));
    }
    int64_t plain = house_ticket_in(h, KIND_REPAIR, CLOSED);
    assert_int_equal(visit_of(h, plain, VISIT_RULE) != 0, visit_lot(plain) < 20);
    assert_true(is_low_score(3, 3) && !is_low_score(3, 2) && !is_low_score(0, 4));
    house_close(h);
}

/* Who did the work does not ask how it was: here the desk itself did. */
static void test_not_the_worker(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket_in(h, KIND_COMPLAINT, ACCEPTED);
    house_do_with(h, AS_DISPATCHER, id, "dispatch",
                  arena_fmt(h->mem, "{\"assignee_id\":%lld,\"reason\":\"她熟悉\"}",
                            (long long)h->staff[AS_DESK])
                      .p);
    house_do(h, AS_DESK, id, "start");
    house_do(h, AS_DESK, id, "finish");
    house_do(h, AS_DESK, id, "inform");
    house_do(h, AS_RESIDENT, id, "confirm");
    int64_t v = visit_of(h, id, VISIT_RULE);
    assert_int_equal(visit(h, AS_DESK, v, "reach", "{\"score\":5}"), E_DENIED);
    house_ok(h, visit(h, AS_MANAGER, v, "reach", "{\"score\":5}"));
    house_close(h);
}

/* T-105: open until another mark is given, or two tries, an hour apart, found nobody. */
static void test_low_score(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket_in(h, KIND_COMPLAINT, CLOSED), v = visit_of(h, id, VISIT_RULE);
    house_ok(h, visit(h, AS_DESK, v, "reach", "{\"score\":2,\"comment\":\"拖太久\"}"));
    int64_t low = visit_of(h, id, VISIT_LOW_SCORE);
    assert_true(low);
    struct row row = house_row(h, &res_return_visit, low);
    assert_int_equal(row_int(&row, RV_DUE) - h->c.now_ms, 24 * HOUR_MS);
    house_ok(h, visit(h, AS_DESK, low, "miss", "{\"comment\":\"没人接\"}"));
    assert_int_equal(state_of(h, low), VISIT_OPEN);
    assert_int_equal(visit(h, AS_DESK, low, "miss", "{\"comment\":\"没人接\"}"), E_STATE);
    h->c.now_ms += HOUR_MS;
    house_ok(h, visit(h, AS_DESK, low, "miss", "{\"comment\":\"没人接\"}"));
    assert_int_equal(state_of(h, low), VISIT_UNREACHED);
    house_close(h);
}

static void test_low_again(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket_in(h, KIND_COMPLAINT, CLOSED), v = visit_of(h, id, VISIT_RULE);
    house_ok(h, visit(h, AS_DESK, v, "reach", "{\"score\":1}"));
    int64_t low = visit_of(h, id, VISIT_LOW_SCORE);
    h->c.now_ms += 25 * HOUR_MS; /* nobody called within the day */
    house_minute(h);
    house_minute(h);
    assert_int_equal(count(h, "escalation WHERE why = 4"), 1);
    house_ok(h, visit(h, AS_DESK, low, "reach", "{\"score\":2}"));
    assert_int_equal(state_of(h, low), VISIT_DONE);
    assert_int_equal(count(h, "escalation WHERE why = 5"), 1);
    house_close(h);
}

/* Of one ticket under one promise: each late visit, each mark as low again is told, once. */
static void test_each_is_told(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket_in(h, KIND_COMPLAINT, CLOSED), v = visit_of(h, id, VISIT_RULE);
    h->c.now_ms += 60 * HOUR_MS; /* due within 48 */
    for (int i = 0; i < 2; i++)
        house_minute(h);
    assert_int_equal(count(h, "escalation WHERE why = 4"), 1);
    house_ok(h, visit(h, AS_DESK, v, "reach", "{\"score\":1}"));
    rated(h, id, 1, 0);
    for (int round = 1; round <= 2; round++) {
        house_ok(h, db_write(h->app.db, &h->c, come, NULL)); /* the second time a new one */
        h->c.now_ms += 25 * HOUR_MS;
        for (int i = 0; i < 2; i++)
            house_minute(h);
        assert_int_equal(count(h, "escalation WHERE why = 4"), 1 + round);
        v = visit_of(h, id, VISIT_LOW_SCORE);
        house_ok(h, visit(h, AS_DESK, v, "reach", "{\"score\":2}"));
        assert_int_equal(count(h, "escalation WHERE why = 5"), round);
    }
    assert_int_equal(count(h, "return_visit WHERE why = 2"), 2);
    assert_int_equal(count(h, "escalation WHERE why > 3 AND about_id IS NULL"), 0);
    house_close(h);
}

/* --- what nobody looks after --- */

struct reading {
    int64_t community;
    struct rows rows;
};
static enum err read_orphans(struct ctx *c, struct tx *tx, void *arg)
{
    struct reading *r = arg;
    return orphans_read(c, tx, r->community, &r->rows);
}
static int orphans(struct house *h, int what)
{
    struct reading r = {.community = h->a};
    int n = 0;
    house_as(h, AS_SYSTEM);
    house_ok(h, db_read(h->app.db, &h->c, read_orphans, &r));
    for (size_t i = 0; i < r.rows.n; i++)
        n += !what || val_int(r.rows.v[i * (size_t)r.rows.ncol]) == what;
    return n;
}

static void test_orphans(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t asked = 0, done = 0;
    for (int s = RECEIVED; s <= CANCELLED; s++) {
        int64_t id = house_ticket_in(h, KIND_COMPLAINT, s);
        asked = s == DISPATCHED ? id : asked;
        done = s == FINISHED ? id : done;
    }
    assert_int_equal(orphans(h, 0), 0); /* in an ordinary life there are none */
    house_do_with(h, AS_WORKER, asked, "hand_over", ask(h, AS_WORKER2));
    h->c.now_ms += 49 * HOUR_MS;
    assert_int_equal(orphans(h, 4), 1); /* done, not told */
    assert_int_equal(orphans(h, 5), 1); /* handover unanswered */
    assert_int_equal(orphans(h, 6), 1); /* the closed complaint's visit */
    assert_int_equal(orphans(h, 0), 3);
    house_sql(h, arena_fmt(h->mem,
                           "UPDATE ticket SET assignee_id = NULL, first_contact_id = NULL, "
                           "clock_next = NULL WHERE id = %lld",
                           (long long)asked)
                     .p);
    assert_int_equal(orphans(h, 1), 1);
    assert_int_equal(orphans(h, 3), 1);
    house_sql(h, arena_fmt(h->mem, "UPDATE staff SET archived = 1 WHERE id = %lld",
                           (long long)h->staff[AS_DESK])
                     .p);
    assert_true(orphans(h, 2) >= 1);
    house_close(h);
}

/* --- what may be the same --- */

static void test_texts_alike(void **state)
{
    (void)state;
    static const struct {
        const char *one, *two;
        bool alike;
    } cases[] = {{"电梯停在三楼", "三号楼电梯停在三楼打不开门", true},
                 {"电梯停在三楼", "电梯异响", false},
                 {"广场喷泉不出水", "喷泉不出水了", true},
                 {"漏水", "漏水", false}, /* one pair says too little */
                 {"", "电梯停在三楼", false},
                 {"Lift stuck between floors", "lift is stuck between two floors", true},
                 {"3", "3", false}};
    struct arena *a = arena_new(ARENA_REPORT_BYTES);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (texts_alike(a, str_of(cases[i].one), str_of(cases[i].two)) != cases[i].alike)
            fail_msg("%s / %s", cases[i].one, cases[i].two);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_handover),
                                       cmocka_unit_test(test_first_contact_hands_over),
                                       cmocka_unit_test(test_refused_twice),
                                       cmocka_unit_test(test_merge),
                                       cmocka_unit_test(test_rule_of_a_category),
                                       cmocka_unit_test(test_links),
                                       cmocka_unit_test(test_low_before),
                                       cmocka_unit_test(test_visit_rules),
                                       cmocka_unit_test(test_not_the_worker),
                                       cmocka_unit_test(test_low_score),
                                       cmocka_unit_test(test_low_again),
                                       cmocka_unit_test(test_each_is_told),
                                       cmocka_unit_test(test_orphans),
                                       cmocka_unit_test(test_links_fit),
                                       cmocka_unit_test(test_texts_alike)};
    return HOUSE_RUN(tests);
}
