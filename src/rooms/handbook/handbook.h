/* handbook.h - the door of the handbook room (G3.1): what kinds of request there are, how urgent
 * each is, what is promised for it, which pauses stop its clocks and who is told when one runs out.
 * The running process reads its limits here and nowhere else, so the book and the work cannot drift
 * apart. What a due time is follows from these rows and the calendar alone, by pure functions. */
#pragma once
#include "rooms/assets/assets.h"
#include "rooms/calendar/calendar.h"

extern const struct module handbook_module;
extern const struct resource res_category, res_sla_policy, res_priority_policy, res_pause_policy,
    res_ladder_step, res_price_item, res_handbook_page, res_handbook_step,
    res_handbook_confirmation, res_reply_template;
extern const struct choice ticket_kinds[], ticket_priorities[], ticket_pause_classes[],
    ticket_tiers[], ticket_steps[], clock_hours[], ladder_levels[],
    sla_clocks[]; /* by enum sla_clock; their codes are one more */

enum ticket_kind {
    KIND_REPAIR = 1,
    KIND_COMPLAINT,
    KIND_SUGGESTION,
    KIND_PRAISE,
    KIND_INQUIRY,
    KIND_SAFETY,
    KIND__END
};
enum pause_class { PAUSE_CUSTOMER = 1, PAUSE_PARTS, PAUSE_THIRD_PARTY, PAUSE_WEATHER, PAUSE_ORDER };
enum ladder_level { LEVEL_WORKER = 1, LEVEL_SUPERVISOR, LEVEL_MANAGER, LEVEL_COMPANY };
enum request_place {
    PLACE_HOME = 1,
    PLACE_COMMON,
    PLACE_OUTDOOR,
    PLACE_PLANT,
    PLACE_PARKING,
    PLACE_NONE
};
enum sla_class { CLASS_EMERGENCY = 1, CLASS_URGENT, CLASS_ORDINARY, CLASS_PLANNED };
enum {
    CA_NAME = R_FIRST,
    CA_NAME_EN,
    CA_KIND,
    CA_SKILL,
    CA_PLACE,
    CA_GROUP,
    CA_PROBLEM,
    CA_CLASS,
    CA_WORDS,
    CA_CHECKLIST,
    CA_GROUP_EN,
    CA_PROBLEM_EN,
    CA_CHECKLIST_EN,
    CA__N
};
enum { PI_GROUP = R_FIRST, PI_NAME, PI_NAME_EN, PI_UNIT, PI_PRICE, PI__N };
enum {
    PL_KIND = R_FIRST,
    PL_PRIORITY,
    PL_CATEGORY,
    PL_TIER,
    PL_RESPOND,
    PL_HANDLE,
    PL_RESOLVE,
    PL_HOURS,
    PL_SOURCE,
    PL__N
};
enum { PZ_CLASS = R_FIRST, PZ_STOPS, PZ_APPROVAL, PZ__N };
enum { PP_URGENCY = R_FIRST, PP_IMPACT, PP_TIER, PP_PRIORITY, PP__N };
enum page_state { PAGE_DRAFT = 1, PAGE_IN_FORCE, PAGE_WITHDRAWN };
enum {
    HP_KIND = R_FIRST,
    HP_CATEGORY,
    HP_EDITION,
    HP_TITLE,
    HP_TITLE_EN,
    HP_POST,
    HP_PURPOSE,
    HP_PURPOSE_EN,
    HP_STATE,
    HP_FROM,
    HP_ENDED,
    HP__N
};
enum {
    HS_PAGE = R_FIRST,
    HS_POSITION,
    HS_NAME,
    HS_NAME_EN,
    HS_POST,
    HS_WHAT,
    HS_WHAT_EN,
    HS_STANDARD,
    HS_STANDARD_EN,
    HS_CLOCK,
    HS__N
};
enum {
    RT_KIND = R_FIRST,
    RT_POST,
    RT_TITLE,
    RT_TITLE_EN,
    RT_BODY,
    RT_BODY_EN,
    RT_STATE,
    RT_WRITER,
    RT_APPROVER,
    RT_APPROVED,
    RT__N
};
/* What a wording may name. */
enum reply_variable {
    REPLY_TICKET,
    REPLY_TITLE,
    REPLY_NAME,
    REPLY_DUE,
    REPLY_RESULT,
    REPLY_STAFF,
    REPLY__N
};
enum { HC_PAGE = R_FIRST, HC_STAFF, HC_AT, HC__N };
enum { LS_PERCENT = R_FIRST, LS_LEVEL, LS_QUIET, LS__N };

/* --- pure --- */

/* R1 (G2.5): priority 1–4 from urgency and impact (1 high … 3 low) and tier. The built-in table,
 * used where the community has no row. */
int priority_default(int urgency, int impact, int tier);

/* Urgency and impact of a category's class; 2 and 2 for 0. */
void class_urgency(int class, int *ret_urgency, int *ret_impact);

/* The three clocks of a ticket: to the first answer of a person, to the first handling, to the
 * finish (G2.8). */
enum sla_clock { CLOCK_RESPOND, CLOCK_HANDLE, CLOCK_RESOLVE, CLOCK__N };
enum clock_hours { HOURS_ALWAYS = 1, HOURS_WORKING };
struct sla {                    /* a policy; sources: guide 2.2.1, 3.1 and domain-rules 2.1 */
    int minutes[CLOCK__N];      /* from creation, of the hours below */
    int hours;                  /* enum clock_hours */
    int64_t policy_id, version; /* 0: the built-in defaults */
};
/* R2 (G2.8): the built-in targets of a kind at a priority. */
struct sla sla_default(int kind, int priority);
struct pause {
    int64_t from_ms, to_ms;
    bool stops; /* does its class stop the clock, and was it approved? */
};
/* R3 (T-64, T-65): when each clock of a request received at received_ms runs out. Pauses are in
 * order and apart; those that stop the clock move what is due later than their start by as much of
 * the policy's hours as they lasted, but for the first answer: somebody can always give one. False:
 * the answer lies outside the loaded calendar (which may be NULL for HOURS_ALWAYS). Pure. */
MUST_USE bool sla_due(const struct sla *policy, const struct workcal *calendar, int64_t received_ms,
                      const struct pause *pauses, size_t n, int64_t ret_ms[CLOCK__N]);
/* What is due after the pause began moves by as much of its own hours as the pause lasted. False:
 * outside the calendar, which may be NULL for HOURS_ALWAYS. Pure. */
MUST_USE bool pause_moves(int hours, const struct workcal *calendar, const struct pause *p,
                          int64_t *due_ms);
/* --- as the community's rows have it --- */

/* The policy for a ticket of this kind, priority, category (NULL: none) and tier: the most specific
 * row, or the built-in default. */
MUST_USE enum err sla_read(struct ctx *c, struct tx *tx, int64_t community, int64_t kind,
                           int64_t priority, struct val category, int64_t tier, struct sla *ret);
/* sla_due with as much of the community's calendar as it takes; it is handed out unless
 * ret_calendar is NULL. Where the calendar has too little working time to say, the clock runs
 * around the clock, and policy->hours says so: no request is turned away for a calendar. */
MUST_USE enum err sla_due_of(struct ctx *c, struct tx *tx, int64_t community, struct sla *policy,
                             int64_t received_ms, const struct pause *pauses, size_t n,
                             int64_t ret_ms[CLOCK__N], struct workcal *ret_calendar);
/* The same for one pause, over due_ms[0 … n-1]; what it lasted, where the calendar cannot say. */
MUST_USE enum err pause_moves_of(struct ctx *c, struct tx *tx, int64_t community, int hours,
                                 const struct pause *p, int64_t *due_ms, size_t n);
/* Does a pause of this class stop the clock, and must a worker's be approved first? */
MUST_USE enum err pause_policy_of(struct ctx *c, struct tx *tx, int64_t community, int64_t class,
                                  bool *ret_stops, bool *ret_ask);
MUST_USE enum err priority_read(struct ctx *c, struct tx *tx, int64_t community, int urgency,
                                int impact, int64_t tier, int *ret);
/* The skill a category asks for (v_null: none) and its class (0: none). */
MUST_USE enum err category_brief(struct ctx *c, struct tx *tx, int64_t community,
                                 struct val category, struct val *ret_skill, int *ret_class);
/* R6: is this a category for tickets of this kind at this space (either may be v_null)? E_INVALID
 * with field error category_id, kind or place, when not. */
MUST_USE enum err category_fits(struct ctx *c, struct tx *tx, int64_t community, int64_t kind,
                                struct val category, struct val space);
/* R5, service R41: the category that a customer's own words of this kind at this space (either may
 * be v_null) sound most like, and by which of them; v_null where they say too little. Needs no
 * right. */
MUST_USE enum err category_guess(struct ctx *c, struct tx *tx, int64_t community, int64_t kind,
                                 struct val space, struct str text, struct val *ret,
                                 struct str *ret_words);
struct class_seed { /* a row of the shipped table: without community and skill_id */
    struct row row;
    struct str skill; /* its name; empty: none */
};
enum { CLASSES_SHIPPED_MAX = 200 };
MUST_USE enum err classes_shipped(struct ctx *c, struct class_seed *ret, size_t max, size_t *ret_n);
/* The version of the page a ticket of this kind and category starts with: its category's, else its
 * kind's; v_null where none is in force. */
MUST_USE enum err handbook_page_for(struct ctx *c, struct tx *tx, int64_t community, int64_t kind,
                                    struct val category, struct val *ret);
/* This member has read this version; once, with the time of the first time. E_STATE unless it is in
 * force. Whether he may say so is the caller's business. */
MUST_USE enum err handbook_confirm(struct ctx *c, struct tx *tx, const struct row *page,
                                   int64_t staff, int64_t *ret_at_ms);
/* body with its variables filled in, to out (may be NULL). False: a variable is none of the list,
 * or has no value in values[REPLY__N] (NULL: not asked); then out holds a part. Pure. */
bool reply_fill(struct str body, const struct str *values, struct buf *out);
/* {"id","title","text"},… of the approved wordings for this kind whose variables all have a value,
 * in the caller's language. */
MUST_USE enum err handbook_replies(struct ctx *c, struct tx *tx, int64_t community, int64_t kind,
                                   const struct str *values, struct buf *out);
/* What a community starts with, where it has nothing of the kind yet. */
MUST_USE enum err handbook_seed(struct ctx *c, struct tx *tx, int64_t community);
