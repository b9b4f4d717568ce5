/* rules.c - why a ticket may or may not: pure rules first, then guards and effects of the arrows in
 * tables.c. Rule ids R1… are those of this room's README. */
#include "core/event.h"
#include "rooms/service/ticket.h"

/* --- pure --- */

bool is_assignee(const struct who *w, const struct row *r)
{
    int64_t me = who_staff(w, row_int(r, R_COMMUNITY));
    return me && me == row_int(r, T_ASSIGNEE);
}

bool is_customer(const struct who *w, const struct row *r)
{
    int64_t me = who_person(w, row_int(r, R_COMMUNITY));
    return me && me == row_int(r, T_PERSON);
}

bool is_talk(const struct row *r)
{
    int64_t k = row_int(r, T_KIND);
    return k == KIND_SUGGESTION || k == KIND_PRAISE || k == KIND_INQUIRY;
}

bool is_work(const struct row *r)
{
    return row_int(r, T_KIND) == KIND_REPAIR || row_int(r, T_KIND) == KIND_SAFETY;
}

bool is_on_the_way(const struct row *r)
{
    return !row_has(r, T_ARRIVED);
}

const char *ticket_heard_by(const struct row *r)
{
    bool free = row_int(r, T_STATE) == ACCEPTED && !row_has(r, T_ASSIGNEE) && is_work(r);
    return free ? "ticket.work" : NULL;
}

/* --- creation --- */

/* R41: what customers tell without a category is taken for what it sounds like, so that a flood at
 * night is urgent before anybody read it. Which words did it stays on the ticket until somebody
 * says what it is; a category given as null is a customer who wants none guessed. */
struct guess {
    struct row *neu;
    struct str text, words;
    struct val category;
};

static enum err guess_read(struct ctx *c, struct tx *tx, void *arg)
{
    struct guess *g = arg;
    return category_guess(c, tx, row_int(g->neu, R_COMMUNITY), row_int(g->neu, T_KIND),
                          g->neu->v[T_SPACE], g->text, &g->category, &g->words);
}

static enum err take_guess(struct ctx *c, struct app *app, struct row *neu)
{
    struct guess g = {.neu = neu};
    if (neu->set & BIT(T_CATEGORY) || row_has(neu, T_EXTERNAL_ID) ||
        (c->who && who_may(c->who, "ticket.staff", row_int(neu, R_COMMUNITY))))
        return E_OK;
    g.text = arena_fmt(c->mem, PRS "\n" PRS, PRA(row_str(neu, T_TITLE)),
                       PRA(row_str(neu, T_DETAIL)));
    TRY(db_read(app->db, c, guess_read, &g));
    if (g.category.t == V_NULL)
        return E_OK;
    row_put(neu, T_CATEGORY, g.category);
    row_put(neu, T_GUESSED, v_text(g.words));
    return E_OK;
}

/* The number is taken outside the transaction: WX-2026-000123 by kind and the community's civil
 * year. */
enum err ticket_prepare(struct ctx *c, struct app *app, struct row *neu)
{
    static const char *const prefix[] = {
        [KIND_REPAIR] = "WX", [KIND_COMPLAINT] = "TS", [KIND_SUGGESTION] = "JY",
        [KIND_PRAISE] = "BY", [KIND_INQUIRY] = "ZX",   [KIND_SAFETY] = "AQ"};
    if (!(neu->set & BIT(T_KIND)) || !row_has(neu, R_COMMUNITY))
        return E_OK;
    int64_t community = row_int(neu, R_COMMUNITY), n;
    TRY(take_guess(c, app, neu));
    int64_t at = row_has(neu, R_CREATED_AT) ? row_int(neu, R_CREATED_AT) : c->now_ms;
    struct date d = zone_date(app_zone(community), at);
    struct str series = arena_fmt(c->mem, "%s-%04d", prefix[row_int(neu, T_KIND)], d.y);
    TRY(number_take(c, app->db, community, series, &n));
    row_put(neu, T_CODE, v_text(arena_fmt(c->mem, PRS "-%06lld", PRA(series), (long long)n)));
    return E_OK;
}

static enum err set_priority(struct ctx *c, struct tx *tx, struct row *neu, int64_t tier)
{
    int p;
    TRY(priority_read(c, tx, row_int(neu, R_COMMUNITY), (int)row_int(neu, T_URGENCY),
                      (int)row_int(neu, T_IMPACT), tier, &p));
    row_put(neu, T_PRIORITY, v_int(p));
    return E_OK;
}

/* R4 (G3.2): who takes a request owns it; what customers enter themselves belongs to the desk
 * member on duty. */
static enum err set_first_contact(struct ctx *c, struct tx *tx, struct row *neu)
{
    struct val id = v_null();
    int64_t me = who_staff(c->who, row_int(neu, R_COMMUNITY));
    if (me) {
        row_put(neu, T_FIRST_CONTACT, v_int(me));
        return E_OK;
    }
    enum err e = q_one(c, tx, &Q_DESK_MEMBER, IN(neu->v[R_COMMUNITY], v_int(c->now_ms)), &id, 1);
    if (e != E_OK && e != E_MISSING)
        return e;
    row_put(neu, T_FIRST_CONTACT, e == E_OK ? id : v_null());
    return E_OK;
}

static bool own_channel(int64_t ch)
{
    return ch == CH_WECHAT || ch == CH_APP || ch == CH_WEB || ch == CH_QR;
}

/* R5: a resident speaks for himself, about places he lives in or that everybody shares. */
static enum err check_resident(struct ctx *c, struct tx *tx, struct row *neu)
{
    int64_t community = row_int(neu, R_COMMUNITY), me = who_person(c->who, community);
    struct rows mine;
    if (!c->who || who_may(c->who, "ticket.staff", community))
        return E_OK;
    if (!me)
        return FAIL(c, E_DENIED, "您在这个项目没有住户登记",
                    "you are not registered as a resident here");
    if (row_has(neu, T_PERSON) && row_int(neu, T_PERSON) != me)
        (void)FAIL_FIELD(c, "person_id", "ref", "只能为本人提交", "you can only ask for yourself");
    row_put(neu, T_PERSON, v_int(me));
    if (!row_has(neu, T_CHANNEL))
        row_put(neu, T_CHANNEL, v_int(CH_APP));
    if (!own_channel(row_int(neu, T_CHANNEL)))
        (void)FAIL_FIELD(c, "channel", "choice", "自助提交的渠道只能是 wechat、app、web、qr",
                         "your own channel is wechat, app, web or qr");
    if (!row_has(neu, T_SPACE))
        return E_OK;
    struct row space;
    TRY(res_load(c, tx, &res_space, row_int(neu, T_SPACE), &space));
    if (row_int(&space, SP_KIND) != SP_UNIT && row_int(&space, SP_KIND) != SP_PARKING)
        return E_OK;
    struct str today = date_text(c->mem, zone_date(app_zone(community), c->now_ms));
    TRY(q_rows(c, tx, &Q_PERSON_SPACES, IN(v_int(me), v_int(community), v_text(today)), 50, &mine));
    for (size_t i = 0; i < mine.n; i++)
        if (val_int(mine.v[i * (size_t)mine.ncol]) == row_int(neu, T_SPACE))
            return E_OK;
    (void)FAIL_FIELD(c, "space_id", "ref", "找不到所指的空间", "there is no such Space");
    return E_OK;
}

/* Name, phone and tier of a known person fill what the clerk left empty. */
static enum err take_person(struct ctx *c, struct tx *tx, struct row *neu, int64_t *ret_tier)
{
    struct val v[3];
    *ret_tier = TIER_REGULAR;
    if (!row_has(neu, T_PERSON))
        return E_OK;
    enum err e = q_one(c, tx, &Q_PERSON_BRIEF, IN(neu->v[R_COMMUNITY], neu->v[T_PERSON]), v, 3);
    if (e == E_MISSING)
        return E_OK; /* told by the reference check */
    TRY(e);
    /* What he may not see he must not get by naming the person: his own ticket shows it in full. */
    int64_t community = row_int(neu, R_COMMUNITY);
    bool may_see = !c->who || who_may(c->who, "personal.read", community) ||
                   who_person(c->who, community) == row_int(neu, T_PERSON);
    if (may_see && !row_has(neu, T_CONTACT_NAME))
        row_put(neu, T_CONTACT_NAME, v[0]);
    if (may_see && !row_has(neu, T_CONTACT_PHONE))
        row_put(neu, T_CONTACT_PHONE, v[1]);
    *ret_tier = val_int(v[2]) ? val_int(v[2]) : TIER_REGULAR;
    return E_OK;
}

/* R13: urgency and impact that nobody said are those of the category's class. */
static enum err take_class(struct ctx *c, struct tx *tx, struct row *neu)
{
    struct val skill;
    int class = 0, urgency, impact;
    if (!row_has(neu, T_URGENCY) && !row_has(neu, T_IMPACT))
        TRY(category_brief(c, tx, row_int(neu, R_COMMUNITY), neu->v[T_CATEGORY], &skill, &class));
    class_urgency(class, &urgency, &impact);
    if (!row_has(neu, T_URGENCY))
        row_put(neu, T_URGENCY, v_int(urgency));
    if (!row_has(neu, T_IMPACT))
        row_put(neu, T_IMPACT, v_int(impact));
    return E_OK;
}

/* R6: nothing is closed without a result and a recorded answer, by any route. */
static enum err check_closed(struct ctx *c, const struct row *neu)
{
    if (row_int(neu, T_STATE) != CLOSED ||
        (row_has(neu, T_RESULT) && row_has(neu, T_ANSWER) && row_has(neu, T_INFORMED)))
        return E_OK;
    return FAIL(c, E_STATE, "没有处理结果和给客户的答复,不能关闭",
                "it cannot be closed without a result and a recorded answer");
}

/* An import brings clocks that stopped long ago; those still running are the minute job's. */
static void set_flag(struct ctx *c, struct row *neu, int stopped, int due, int flag)
{
    row_put(neu, flag,
            v_int(row_has(neu, stopped) &&
                  clock_breached(row_int(neu, due), row_int(neu, stopped), c->now_ms)));
}

/* G2.8: another class or kind of place after it was taken up is a misjudgement, counted as such. */
static void count_reclass(const struct row *old, struct row *neu)
{
    if (row_int(old, T_STATE) > RECEIVED && row_has(old, T_CATEGORY) &&
        neu->set & BIT(T_CATEGORY) && !val_eq(old->v[T_CATEGORY], neu->v[T_CATEGORY]))
        row_put(neu, T_REROUTES, v_int(row_int(old, T_REROUTES) + 1));
}

/* R25 (G3.1): the version of the handbook it starts with is the one it is judged by, whatever is
 * written or reclassified later. A foreign log was worked by other rules. */
static enum err take_page(struct ctx *c, struct tx *tx, struct row *neu)
{
    struct val page;
    if (row_has(neu, T_EXTERNAL_ID))
        return E_OK;
    TRY(handbook_page_for(c, tx, row_int(neu, R_COMMUNITY), row_int(neu, T_KIND),
                          neu->v[T_CATEGORY], &page));
    row_put(neu, T_PAGE, page);
    return E_OK;
}

/* A category is for tickets of its kind and place; asked again when one of the three changes. */
static enum err check_category(struct ctx *c, struct tx *tx, const struct row *old,
                               const struct row *neu)
{
    bool same = old && val_eq(old->v[T_KIND], neu->v[T_KIND]) &&
                val_eq(old->v[T_CATEGORY], neu->v[T_CATEGORY]) &&
                val_eq(old->v[T_SPACE], neu->v[T_SPACE]);
    return same ? E_OK
                : category_fits(c, tx, row_int(neu, R_COMMUNITY), row_int(neu, T_KIND),
                                neu->v[T_CATEGORY], neu->v[T_SPACE]);
}

/* When somebody comes is arranged for later, not for before it was asked; "now" takes a clerk a
 * moment to write down. A foreign log brings its own past. */
static enum err check_appointment(struct ctx *c, const struct row *old, const struct row *neu)
{
    enum { SLACK_MS = 5 * 60000 };
    bool said = row_has(neu, T_APPOINTMENT) && !row_has(neu, T_EXTERNAL_ID) &&
                !(old && val_eq(old->v[T_APPOINTMENT], neu->v[T_APPOINTMENT]));
    if (said && row_int(neu, T_APPOINTMENT) < row_int(neu, R_CREATED_AT) - SLACK_MS)
        return FAIL_FIELD(c, "appointment_at", "past", "预约时间早于登记时间",
                          "the appointment is before the request was registered");
    return E_OK;
}

/* R36: an asset stands at the ticket's place, above or below it; where no place was said, it gives
 * its own. */
static enum err check_asset(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    bool chosen = !old || !val_eq(old->v[T_ASSET], neu->v[T_ASSET]);
    struct val space;
    if (!row_has(neu, T_ASSET) || (!chosen && val_eq(old->v[T_SPACE], neu->v[T_SPACE])))
        return E_OK;
    TRY(asset_at(c, tx, row_int(old ? old : neu, R_COMMUNITY), neu->v[T_ASSET], chosen,
                 neu->v[T_SPACE], &space));
    row_put(neu, T_SPACE, space);
    return E_OK;
}

enum err ticket_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    int64_t tier;
    TRY(check_appointment(c, old, neu));
    TRY(check_asset(c, tx, old, neu));
    TRY(check_category(c, tx, old, neu));
    if (old) {
        if (row_has(old, T_GUESSED) && neu->set & BIT(T_CATEGORY))
            row_put(neu, T_GUESSED, v_null());
        count_reclass(old, neu);
        TRY(ticket_reclass(c, tx, old, neu));
        return check_closed(c, neu);
    }
    TRY(check_resident(c, tx, neu));
    if (!row_has(neu, T_CHANNEL))
        return FAIL_FIELD(c, "channel", "required", "必填", "required");
    TRY(take_person(c, tx, neu, &tier));
    TRY(take_class(c, tx, neu));
    if (!row_has(neu, T_STATE))
        row_put(neu, T_STATE, v_int(RECEIVED));
    TRY(set_priority(c, tx, neu, tier));
    TRY(mark_repeat(c, tx, neu, neu));
    TRY(clocks_start(c, tx, neu, tier));
    TRY(take_page(c, tx, neu));
    TRY(set_first_contact(c, tx, neu));
    static const int zero[] = {T_REWORK, T_PAUSED_MS, T_REROUTES};
    for (size_t i = 0; i < COUNT_OF(zero); i++)
        if (!row_has(neu, zero[i]))
            row_put(neu, zero[i], v_int(0));
    set_flag(c, neu, T_RESPONDED, T_RESPOND_DUE, T_RESPOND_BREACHED);
    set_flag(c, neu, T_HANDLED, T_HANDLE_DUE, T_HANDLE_BREACHED);
    set_flag(c, neu, T_RESOLVED, T_RESOLVE_DUE, T_RESOLVE_BREACHED);
    return check_closed(c, neu);
}

/* R6 again where no check runs: every change that goes through the store, whatever its topic. */
enum err ticket_after(struct ctx *c, struct tx *tx, const struct row *old, const struct row *neu)
{
    (void)tx;
    (void)old;
    return check_closed(c, neu);
}

/* --- guards --- */

/* R16 (T-104): lifts and electricity only to holders of a valid certificate, whatever the reason.
 */
enum err check_skill_of(struct ctx *c, struct tx *tx, const struct row *old, const char *field,
                        int64_t staff)
{
    struct val need;
    int class;
    bool yes;
    int64_t community = row_int(old, R_COMMUNITY);
    TRY(category_brief(c, tx, community, old->v[T_CATEGORY], &need, &class));
    TRY(staff_certified(c, tx, community, staff, need, &yes));
    return yes ? E_OK
               : FAIL_FIELD(c, field, "certificate", "此人没有这项技能的有效证书,不能派给他",
                            "this person has no certificate in force for the skill: he cannot be "
                            "sent");
}

/* T-104 again when the work begins: a certificate may have ended since. */
enum err guard_start(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in)
{
    (void)in;
    return check_skill_of(c, tx, old, "assignee_id", row_int(old, T_ASSIGNEE));
}

enum err guard_grab(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in)
{
    struct val need, fit[2];
    int class;
    int64_t community = row_int(old, R_COMMUNITY), me = who_staff(c->who, community);
    (void)in;
    TRY(check_skill_of(c, tx, old, "assignee_id", me));
    TRY(category_brief(c, tx, community, old->v[T_CATEGORY], &need, &class));
    if (need.t == V_NULL || !me) /* who is nobody here is refused by the effect */
        return E_OK;
    TRY(q_one(c, tx, &Q_STAFF_FIT, IN(v_int(community), need, v_int(c->now_ms), v_int(me)), fit,
              2));
    return val_int(fit[1])
               ? E_OK
               : FAIL_FIELD(c, "assignee_id", "no_skill", "您没有这类工单的技能,请由派单员派给您",
                            "you lack the skill for it: a dispatcher may send you");
}

/* R7: on duty and with the skill the category asks for — or a reason. */
enum err guard_dispatch(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in)
{
    enum { ASSIGNEE_ID, REASON };
    struct val need, fit[2];
    int class;
    TRY(category_brief(c, tx, row_int(old, R_COMMUNITY), old->v[T_CATEGORY], &need, &class));
    TRY(q_one(c, tx, &Q_STAFF_FIT,
              IN(old->v[R_COMMUNITY], need, v_int(c->now_ms), in->v[ASSIGNEE_ID]), fit, 2));
    TRY(check_skill_of(c, tx, old, "assignee_id", row_int(in, ASSIGNEE_ID)));
    if (row_has(in, REASON) || (val_int(fit[0]) && val_int(fit[1])))
        return E_OK;
    return !val_int(fit[0]) ? FAIL_FIELD(c, "reason", "off_duty", "此人现在不在班,请填写理由",
                                         "this person is off duty now; give a reason")
                            : FAIL_FIELD(c, "reason", "no_skill", "此人没有所需技能,请填写理由",
                                         "this person lacks the skill needed; give a reason");
}

/* R8: within 30 days of closing. */
enum err guard_reopen(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in)
{
    (void)tx;
    (void)in;
    if (c->now_ms - row_int(old, T_CLOSED) <= INT64_C(30) * 86400 * 1000)
        return E_OK;
    return FAIL(c, E_STATE, "关闭已超过 30 天,请新建工单",
                "closed more than 30 days ago; please open a new one");
}

enum err guard_close(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in)
{
    (void)tx;
    (void)in;
    struct row after = *old;
    after.v[T_STATE] = v_int(CLOSED);
    return check_closed(c, &after);
}

/* --- effects --- */

/* Stops a clock once: later steps of the same kind do not move it. A breach flagged only because
 * the news of a step in time came later (core/late.h) is taken back; after a rework the flag may
 * be of the first round and stays (R3). */
static void stop_clock(struct ctx *c, const struct row *old, struct row *neu, int stopped, int due,
                       int flag)
{
    if (row_has(old, stopped))
        return;
    row_put(neu, stopped, v_int(c->now_ms));
    if (clock_breached(row_int(old, due), c->now_ms, c->now_ms))
        row_put(neu, flag, v_int(1));
    else if (row_int(old, flag) && !row_int(old, T_REWORK))
        row_put(neu, flag, v_int(0));
}

#define EFFECT(name)                                                                               \
    enum err name(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,            \
                  const struct row *in)
#define UNUSED(x) (void)(x)

EFFECT(effect_accept)
{
    UNUSED(tx), UNUSED(in);
    stop_clock(c, old, neu, T_RESPONDED, T_RESPOND_DUE, T_RESPOND_BREACHED);
    return E_OK;
}

EFFECT(effect_take_up)
{
    TRY(effect_accept(c, tx, old, neu, in));
    return tell_if_nobody(c, tx, old);
}

/* Sent to a second person is sent to the wrong one first. */
EFFECT(effect_dispatch)
{
    UNUSED(in);
    row_put(neu, T_ARRIVED, v_null());
    row_put(neu, T_DISPATCHED, v_int(c->now_ms));
    if (row_has(old, T_ASSIGNEE) && !val_eq(old->v[T_ASSIGNEE], neu->v[T_ASSIGNEE]))
        row_put(neu, T_REROUTES, v_int(row_int(old, T_REROUTES) + 1));
    return handover_drop(c, tx, old, neu);
}

EFFECT(effect_grab)
{
    UNUSED(in);
    row_put(neu, T_ASSIGNEE, v_int(who_staff(c->who, row_int(old, R_COMMUNITY))));
    row_put(neu, T_DISPATCHED, v_int(c->now_ms));
    return row_int(neu, T_ASSIGNEE)
               ? handover_drop(c, tx, old, neu)
               : FAIL(c, E_DENIED, "您在这个项目没有员工身份", "you are not a staff member here");
}

EFFECT(effect_arrive)
{
    UNUSED(tx), UNUSED(old), UNUSED(in);
    row_put(neu, T_ARRIVED, v_int(c->now_ms));
    return E_OK;
}

EFFECT(effect_decline)
{
    UNUSED(in);
    row_put(neu, T_ARRIVED, v_null());
    row_put(neu, T_ASSIGNEE, v_null());
    row_put(neu, T_REROUTES, v_int(row_int(old, T_REROUTES) + 1));
    return handover_drop(c, tx, old, neu);
}

EFFECT(effect_start)
{
    UNUSED(in);
    stop_clock(c, old, neu, T_HANDLED, T_HANDLE_DUE, T_HANDLE_BREACHED);
    return checklist_begin(c, tx, old, old->v[T_CATEGORY]);
}

EFFECT(effect_finish)
{
    enum { COST = 3 };
    TRY(items_cost(c, old, neu, in->set & BIT(COST)));
    /* an answer given at once is also the first handling */
    stop_clock(c, old, neu, T_HANDLED, T_HANDLE_DUE, T_HANDLE_BREACHED);
    stop_clock(c, old, neu, T_RESOLVED, T_RESOLVE_DUE, T_RESOLVE_BREACHED);
    row_put(neu, T_CLOCK_NEXT, v_null());
    return handover_drop(c, tx, old, neu);
}

/* R20: who took the request and did the work himself knows already that it was done. */
EFFECT(effect_inform)
{
    enum { CHANNEL, NOTE };
    if (responsible_of(old) == row_int(old, T_FIRST_CONTACT))
        row_put(neu, T_VOUCHED, v_int(c->now_ms));
    row_put(neu, T_ANSWER_CHANNEL, in->v[CHANNEL]);
    row_put(neu, T_ANSWER, in->v[NOTE]);
    row_put(neu, T_INFORMED, v_int(c->now_ms));
    return merged_follow(c, tx, old, neu, "ticket.informed", "inform");
}

static void end(struct ctx *c, struct row *neu)
{
    row_put(neu, T_CLOSED, v_int(c->now_ms));
    row_put(neu, T_CLOCK_NEXT, v_null());
}

EFFECT(effect_cancel)
{
    UNUSED(in);
    end(c, neu);
    return handover_drop(c, tx, old, neu);
}

/* R22: whether the customer is asked again is drawn at once. */
EFFECT(effect_close)
{
    UNUSED(in);
    end(c, neu);
    TRY(merged_follow(c, tx, old, neu, "ticket.closed", "close"));
    return visit_by_rule(c, tx, old);
}

/* R9: a return counts as rework; the resolve clock runs on against the same due time. */
EFFECT(effect_rework)
{
    UNUSED(in);
    row_put(neu, T_ARRIVED, v_null());
    row_put(neu, T_CLOCK_NEXT, v_int(c->now_ms));
    row_put(neu, T_REWORK, v_int(row_int(old, T_REWORK) + 1));
    row_put(neu, T_ASSIGNEE, v_null());
    row_put(neu, T_RESOLVED, v_null());
    row_put(neu, T_INFORMED, v_null());
    row_put(neu, T_ANSWER, v_null());
    row_put(neu, T_ANSWER_CHANNEL, v_null());
    row_put(neu, T_CLOSED, v_null());
    row_put(neu, T_VOUCHED, v_null());
    return merged_follow(c, tx, old, neu, "ticket.returned", "return");
}

/* A reopened ticket gets a new promise of the same length; a breach that happened stays. */
EFFECT(effect_reopen)
{
    TRY(effect_rework(c, tx, old, neu, in));
    raise_step(old, neu); /* R18: it was not mended the first time */
    return clocks_restart(c, tx, old, neu);
}
