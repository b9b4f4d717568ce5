/* machine_test.c - every state × action × caller of the ticket, judged by the contract and not by
 * the machine's own table: what follows here is written down from the contract's words (issue 2,
 * "The service ticket"). Each ticket is brought into its state by real transitions, every attempt
 * runs through sight, rights, guard, effect and store, and is rolled back. */
#include "../test/lib/house.h"

enum {
    DESK = 1,
    DISPATCHER = 2,
    ASSIGNEE = 4,
    WORKER = 8,
    CUSTOMER = 16,
    SYSTEM = 32,
    FIRST = 64,        /* who took the request */
    RESPONSIBLE = 128, /* its worker, before there is one the first contact */
    RECEIVER = 256     /* who is asked to take over: nobody here */
};
enum { ANY_KIND, REPAIR_ONLY, TALK_ONLY };
/* action | from | who | which kinds */
static const struct line {
    const char *action;
    int from[6]; /* ends with 0 */
    unsigned who;
    int kinds;
} contract[] = {
    {"accept", {RECEIVED}, DESK | DISPATCHER, ANY_KIND},
    {"dispatch", {ACCEPTED, DISPATCHED, IN_PROGRESS}, DISPATCHER, ANY_KIND},
    {"grab", {ACCEPTED}, WORKER, REPAIR_ONLY},
    {"decline", {DISPATCHED}, ASSIGNEE, ANY_KIND},
    {"arrive", {DISPATCHED, IN_PROGRESS}, ASSIGNEE, ANY_KIND},
    {"start", {DISPATCHED}, ASSIGNEE, ANY_KIND},
    {"pause", {IN_PROGRESS}, ASSIGNEE | DISPATCHER, ANY_KIND},
    /* a worker's pause waits for an answer (T-65) */
    {"approve_pause", {PAUSED}, DISPATCHER, ANY_KIND},
    {"refuse_pause", {PAUSED}, DISPATCHER, ANY_KIND},
    {"resume", {PAUSED}, ASSIGNEE | DISPATCHER, ANY_KIND},
    {"finish", {IN_PROGRESS}, ASSIGNEE, ANY_KIND},
    {"inform", {FINISHED}, DESK | ASSIGNEE, ANY_KIND},
    {"confirm", {INFORMED}, CUSTOMER | DESK, ANY_KIND},
    {"return", {INFORMED}, CUSTOMER | DESK, ANY_KIND},
    {"close", {INFORMED}, SYSTEM, ANY_KIND},
    {"cancel", {RECEIVED, ACCEPTED}, DESK | CUSTOMER, ANY_KIND},
    {"reopen", {CLOSED}, CUSTOMER | DESK, ANY_KIND},
    {"answer", {ACCEPTED}, DESK, TALK_ONLY},
    /* responsibility moves when the other one takes it (issue 4) */
    {"hand_over", {ACCEPTED, DISPATCHED, IN_PROGRESS, PAUSED}, RESPONSIBLE, ANY_KIND},
    {"accept_handover", {0}, RECEIVER, ANY_KIND},
    {"refuse_handover", {0}, RECEIVER, ANY_KIND},
    {"recall_handover", {0}, RESPONSIBLE | DISPATCHER, ANY_KIND},
    /* the first contact is asked at closing; these were his own to answer for, or another's work */
    {"vouch", {INFORMED, CLOSED}, FIRST, ANY_KIND},
    {"merge", {RECEIVED, ACCEPTED, DISPATCHED, IN_PROGRESS}, DESK | DISPATCHER, ANY_KIND},
    {"split", {MERGED}, DESK | DISPATCHER, ANY_KIND},
    /* "override needs a reason": whoever takes or sends it, while it is being worked on */
    {"prioritize",
     {RECEIVED, ACCEPTED, DISPATCHED, IN_PROGRESS, PAUSED},
     DESK | DISPATCHER,
     ANY_KIND},
    /* the worker's own steps; what it took may be put right until the customer was told */
    {"check", {IN_PROGRESS, PAUSED}, ASSIGNEE, ANY_KIND},
    {"add_item", {IN_PROGRESS, PAUSED, FINISHED}, ASSIGNEE | DESK, ANY_KIND},
    {"drop_item", {IN_PROGRESS, PAUSED, FINISHED}, ASSIGNEE | DESK, ANY_KIND},
};

struct at {
    struct house *h;
    int64_t id, kind;
    int state;
};

static bool is_assigned(const struct at *t)
{
    return t->state >= DISPATCHED && t->state <= CLOSED;
}

static bool is_free_order(const struct at *t)
{
    return t->state == ACCEPTED && t->kind == KIND_REPAIR;
}

/* Who the caller is to this ticket. */
static unsigned hats(const struct at *t, enum as as)
{
    switch (as) {
    case AS_SYSTEM: return ~0u;
    case AS_MANAGER: return DESK | DISPATCHER;
    case AS_DESK: return DESK | FIRST | (is_assigned(t) ? 0u : RESPONSIBLE);
    case AS_DISPATCHER: return DISPATCHER;
    case AS_WORKER: return WORKER | (is_assigned(t) ? ASSIGNEE | RESPONSIBLE : 0u);
    case AS_WORKER2: return WORKER;
    case AS_RESIDENT: return CUSTOMER;
    default: return 0;
    }
}

static bool sees(const struct at *t, enum as as)
{
    switch (as) {
    case AS_SYSTEM:
    case AS_MANAGER:
    case AS_DESK:
    case AS_DISPATCHER:
    case AS_RESIDENT: return true;
    case AS_WORKER: return is_assigned(t) || is_free_order(t);
    case AS_WORKER2: return is_free_order(t);
    default: return false;
    }
}

static bool starts_here(const struct at *t, const struct line *l)
{
    if (l->kinds == REPAIR_ONLY && t->kind != KIND_REPAIR)
        return false;
    if (l->kinds == TALK_ONLY && t->kind == KIND_REPAIR)
        return false;
    for (size_t i = 0; i < COUNT_OF(l->from) && l->from[i]; i++)
        if (l->from[i] == t->state)
            return true;
    return false;
}

/* Works in the community: a row out of his sight is "not allowed", not "not there". */
static bool works_there(enum as as)
{
    return as == AS_WORKER || as == AS_WORKER2 || as == AS_CASHIER || as == AS_ADMIN;
}

/* Not in sight 404, not his to do 403, not now 409. */
static enum err expected(const struct at *t, const struct line *l, enum as as)
{
    if (!sees(t, as))
        return works_there(as) ? E_DENIED : E_MISSING;
    if (!(hats(t, as) & l->who))
        return E_DENIED;
    if (!starts_here(t, l))
        return E_STATE;
    bool nobody = as == AS_SYSTEM && strcmp(l->action, "grab") == 0;
    return nobody ? E_DENIED : E_OK; /* somebody must be the one who grabs */
}

/* A step to tick and an item to take out, with the ticket's own number. */
static void give_rows(const struct at *t)
{
    struct arena *a = t->h->c.mem;
    long long id = (long long)t->id;
    house_sql(t->h, str_z(a, arena_fmt(a,
                                       "INSERT INTO ticket_step (id, community_id, version, "
                                       "created_at, updated_at, archived, ticket_id, round, text, "
                                       "state) SELECT id, community_id, 1, 0, 0, 0, id, 1, '关阀', "
                                       "1 FROM ticket WHERE id = %lld",
                                       id)));
    house_sql(t->h, str_z(a, arena_fmt(a,
                                       "INSERT INTO ticket_item (id, community_id, version, "
                                       "created_at, updated_at, archived, ticket_id, kind, name, "
                                       "quantity, price, amount, payer) SELECT id, community_id, "
                                       "1, 0, 0, 0, id, 2, '角阀', 1000, 1500, 1500, 1 FROM ticket "
                                       "WHERE id = %lld",
                                       id)));
}

static const char *input_of(const struct at *t, const char *action)
{
    struct arena *a = t->h->c.mem;
    long long id = (long long)t->id;
    if (strcmp(action, "check") == 0)
        return str_z(a, arena_fmt(a, "{\"step_id\":%lld,\"state\":\"done\"}", id));
    if (strcmp(action, "drop_item") == 0)
        return str_z(a, arena_fmt(a, "{\"item_id\":%lld}", id));
    return house_input(t->h, action);
}

static int check_actions(struct at *t, enum as as, struct buf *allowed)
{
    int wrong = 0;
    for (size_t i = 0; i < COUNT_OF(contract); i++) {
        const struct line *l = &contract[i];
        house_as(t->h, as);
        enum err want = expected(t, l, as);
        enum err got = house_try(t->h, t->id, l->action, input_of(t, l->action));
        if (got != want) {
            wrong++;
            print_error("state %d kind %d: %s by %s gives %s, the contract says %s: " PRS "\n",
                        t->state, (int)t->kind, l->action, house_name(as), err_name(got),
                        err_name(want), PRA(t->h->c.fault.message));
        }
        if (want == E_OK)
            buf_fmt(allowed, "%s ", l->action);
    }
    return wrong;
}

/* The buttons are exactly what works: same number, and each one in. */
static int check_offer(struct at *t, enum as as, struct str allowed)
{
    struct row row;
    struct buf b;
    const struct json *offer;
    struct ctx *c = house_as(t->h, as);
    if (!sees(t, as))
        return 0;
    house_ok(t->h, house_load(t->h, &res_ticket, t->id, &row));
    buf_init(&b, c->mem, 4000);
    buf_putc(&b, '{');
    flow_actions_json(c, &res_ticket, &row, &b);
    b.p[1] = ' '; /* the comma before the member */
    buf_putc(&b, '}');
    house_ok(t->h, json_parse(c, buf_str(&b), &offer));
    offer = json_get(offer, "actions");
    size_t n = 0, matched = 0;
    for (struct str rest = allowed, one = str_next(&rest, ' '); one.n; one = str_next(&rest, ' ')) {
        n++;
        for (size_t i = 0; i < json_count(offer); i++)
            matched += str_eq(json_str(json_at(offer, i)), one);
    }
    if (matched == n && json_count(offer) == n)
        return 0;
    print_error("state %d kind %d: %s is offered " PRS " but may " PRS "\n", t->state, (int)t->kind,
                house_name(as), PRA(buf_str(&b)), PRA(allowed));
    return 1;
}

static void test_matrix(void **state)
{
    (void)state;
    static const int64_t kinds[] = {KIND_REPAIR, KIND_INQUIRY};
    struct house *h = house_open();
    int wrong = 0;
    h->other = house_ticket(h, KIND_REPAIR);
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        for (int s = RECEIVED; s <= MERGED; s++) {
            struct at t = {h, house_ticket_in(h, kinds[k], s), kinds[k], s};
            give_rows(&t);
            for (enum as as = AS_SYSTEM; as < AS__N; as++) {
                struct buf allowed;
                buf_init(&allowed, h->c.mem, 1000);
                wrong += check_actions(&t, as, &allowed);
                if (as != AS_SYSTEM) /* nobody shows the system buttons */
                    wrong += check_offer(&t, as, buf_str(&allowed));
                arena_reset(h->c.mem);
            }
        }
    assert_int_equal(wrong, 0);
    house_close(h);
}

/* The table above knows every action and every state of the program, and the program no other. */
static void test_complete(void **state)
{
    (void)state;
    assert_int_equal(ticket_machine.nactions, (int)COUNT_OF(contract));
    for (int i = 0; i < ticket_machine.nactions; i++) {
        bool there = false;
        for (size_t k = 0; k < COUNT_OF(contract); k++)
            there |= strcmp(contract[k].action, ticket_machine.actions[i].key) == 0;
        assert_true(there);
    }
    int states = 0;
    for (const struct choice *ch = ticket_fields[T_STATE].choices; ch->key; ch++)
        states++;
    assert_int_equal(states, MERGED);
}

/* What each action needs besides the right: without it every missing field is named. */
static void test_needs(void **state)
{
    (void)state;
    static const struct {
        const char *action;
        int64_t from;
        enum as as;
        const char *input, *field, *code;
    } cases[] = {
        {"dispatch", ACCEPTED, AS_DISPATCHER, "{}", "assignee_id", "required"},
        {"dispatch", ACCEPTED, AS_DISPATCHER, "{\"assignee_id\":1}", "assignee_id", "ref"},
        {"decline", DISPATCHED, AS_WORKER, "{}", "reason", "required"},
        {"decline", DISPATCHED, AS_WORKER, "{\"reason\":\"   \"}", "reason", "required"},
        {"pause", IN_PROGRESS, AS_WORKER, "{}", "reason", "required"},
        {"pause", IN_PROGRESS, AS_WORKER, "{}", "class", "required"},
        {"pause", IN_PROGRESS, AS_WORKER, "{\"class\":\"lunch\",\"reason\":\"x\"}", "class",
         "choice"},
        {"finish", IN_PROGRESS, AS_WORKER, "{}", "result", "required"},
        {"finish", IN_PROGRESS, AS_WORKER, "{\"result\":\"x\",\"cost\":-1}", "cost", "min"},
        {"finish", IN_PROGRESS, AS_WORKER, "{\"result\":\"x\",\"answer\":\"y\"}", "answer",
         "unknown"},
        {"inform", FINISHED, AS_DESK, "{}", "channel", "required"},
        {"inform", FINISHED, AS_DESK, "{}", "note", "required"},
        {"return", INFORMED, AS_RESIDENT, "{}", "reason", "required"},
        {"cancel", RECEIVED, AS_RESIDENT, "{}", "reason", "required"},
        {"reopen", CLOSED, AS_RESIDENT, "{}", "reason", "required"},
        {"prioritize", RECEIVED, AS_DESK, "{}", "priority", "required"},
        {"prioritize", RECEIVED, AS_DESK, "{\"priority\":\"P1\"}", "reason", "required"},
        {"accept", RECEIVED, AS_DESK, "{\"state\":\"closed\"}", "state", "unknown"},
    };
    struct house *h = house_open();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t id = house_ticket_in(h, KIND_REPAIR, cases[i].from);
        house_as(h, cases[i].as);
        assert_int_equal(house_act(h, id, cases[i].action, cases[i].input), E_INVALID);
        if (!house_told(&h->c, cases[i].field, cases[i].code))
            fail_msg("%s %s: no error %s for %s", cases[i].action, cases[i].input, cases[i].code,
                     cases[i].field);
    }
    house_as(h, AS_DESK);
    assert_int_equal(house_act(h, house_ticket(h, KIND_REPAIR), "explode", "{}"), E_MISSING);
    house_close(h);
}

static enum err act_at_version(struct ctx *c, struct tx *tx, void *arg)
{
    int64_t *id = arg;
    struct row row;
    TRY(res_load_seen(c, tx, &res_ticket, id[0], &row));
    return flow_act_row(c, tx, &res_ticket, &row, "accept", &(struct row){0}, id[1]);
}

/* Two people at one ticket: the second one is told what is stored now. */
static void test_version(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t args[2] = {house_ticket(h, KIND_REPAIR), 7};
    house_as(h, AS_DESK);
    assert_int_equal(db_write(h->app.db, &h->c, act_at_version, args), E_CONFLICT);
    assert_int_equal(h->c.fault.current_version, 1);
    args[1] = 1;
    house_as(h, AS_DESK);
    assert_int_equal(db_write(h->app.db, &h->c, act_at_version, args), E_OK);
    house_as(h, AS_DESK);
    assert_int_equal(db_write(h->app.db, &h->c, act_at_version, args), E_STATE);
    assert_int_equal(h->c.fault.current_version, 2);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix), cmocka_unit_test(test_complete),
        cmocka_unit_test(test_needs), cmocka_unit_test(test_version)};
    return HOUSE_RUN(tests);
}
