/* ticket.h - inside service: the ticket's table and machine, its
 * queries. */
#pragma once
#include "rooms/service/service.h"

extern const struct machine ticket_machine;
extern const struct field ticket_fields[T__N];
extern const struct route desk_routes[], ticket_routes[];
extern const struct job service_jobs[];
extern const struct query *const service_queries[];
extern const struct choice ticket_pause_states[];
extern const struct query *const pause_queries[], *const ladder_queries[], *const clock_queries[];
extern const struct route dispatch_routes[];
extern const struct query *const dispatch_queries[];
extern const struct query *const handover_queries[],
    *const link_queries[], *const visit_queries[], *const loop_queries[];
extern const struct query *const stop_queries[], *const watch_queries[];
extern const struct route loop_routes[], reply_routes[], escalation_routes[];
extern const struct route stop_routes[], watch_routes[];
extern const struct choice ticket_channels[];
extern const struct table dispatch_tables[1];
extern const struct fixup service_fixups[];
extern const struct query Q_PERSON_BRIEF, Q_OPEN_COUNT, Q_REPEAT, Q_REPEAT_ASSET, Q_SIMILAR,
    Q_EXTERNAL;

/* --- clocks (clock.c) --- */

struct clock_field { /* which columns of a ticket a clock is */
    int due, stopped, breached, minutes;
};
extern const struct clock_field clock_fields[CLOCK__N];
/* A new ticket's promise: dues and the frozen policy. */
MUST_USE enum err clocks_start(struct ctx *c, struct tx *tx, struct row *neu, int64_t tier);
/* A pause that stops the clock ended, or was approved after it ended: what is due later moves, but
 * for what ran out meanwhile (T-65: nothing hides a breach). */
MUST_USE enum err clocks_move(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                              int64_t from_ms, int64_t to_ms);
/* What the policy promises for what neu makes of an open ticket, from when its clocks began: taken
 * where it is earlier than what was promised, of clocks that still run. */
MUST_USE enum err clocks_tighten(struct ctx *c, struct tx *tx, const struct row *old,
                                 struct row *neu, int64_t tier);
/* A reopened ticket's new promise of the same length from now, or what its new priority asks for.
 */
MUST_USE enum err clocks_restart(struct ctx *c, struct tx *tx, const struct row *old,
                                 struct row *neu);
/* What a ticket was promised, out of its own columns. */
struct sla sla_of_ticket(const struct row *t);

/* --- parts of a ticket: rows that stand with it --- */

/* "id":…,"name":… of a row that a query read as v: v[0] is its id, v[k] field fields[k] of r. */
void part_json(struct buf *out, const struct resource *r, const struct val *v, const int *fields,
               size_t n, const struct zone *z);

/* --- pauses (pauses.c) --- */

bool pause_is_asked(const struct row *r);
enum { PAUSES_MAX = 100 };
/* A ticket's pauses since its clocks began, oldest first; one that goes on ends now, or is left out
 * (ended). */
MUST_USE enum err pauses_read(struct ctx *c, struct tx *tx, const struct row *t, bool ended,
                              struct pause *ret, size_t *ret_n);
/* ,"pauses":[…] of a ticket, oldest first. */
MUST_USE enum err pauses_json(struct ctx *c, struct tx *tx, const struct row *t, struct buf *out);
/* Does this clock of an open ticket run? The response clock runs while the others are stopped. */
bool clock_runs(const struct row *t, int clock);
/* Marks clocks that ran out before now. */
void clocks_mark(const struct ctx *c, const struct row *old, struct row *neu);

/* Tells level about a ticket for another reason than time: once about the visit or handover of that
 * id, or (about 0) once since its last promise. */
MUST_USE enum err escalate_once(struct ctx *c, struct tx *tx, const struct row *t,
                                enum escalation_why why, int level, int64_t about);
/* T-103: the manager is told when nobody on duty is fit for this order (dispatch.c). */
MUST_USE enum err tell_if_nobody(struct ctx *c, struct tx *tx, const struct row *ticket);
/* The minute's look at the clocks that are due one (ladder.c). */
enum err ladder_sweep(struct ctx *c, struct tx *tx, struct app *app, struct str data);

/* --- what it turns out to be (reclass.c) --- */

MUST_USE enum err ticket_reclass(struct ctx *c, struct tx *tx, const struct row *old,
                                 struct row *neu);
/* old is neu itself for a new ticket. */
MUST_USE enum err mark_repeat(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu);
void raise_step(const struct row *old, struct row *neu);
enum err effect_prioritize(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                           const struct row *in);
/* dup is merged into into: the higher priority and the earlier dues are kept. */
MUST_USE enum err take_over_promise(struct ctx *c, struct tx *tx, const struct row *into,
                                    const struct row *dup);

/* --- responsibility (handover.c) --- */

int64_t responsible_of(const struct row *r); /* assignee, else the first contact; 0: nobody */
bool is_responsible(const struct who *w, const struct row *r);
bool is_receiver(const struct who *w, const struct row *r);
bool is_first_contact(const struct who *w, const struct row *r);
bool is_handed_over(const struct row *r); /* asked of somebody who has not answered */
bool is_not_handed_over(const struct row *r);
bool is_to_vouch(const struct row *r);
/* Whoever was asked to take it is not asked any more: it went another way. */
MUST_USE enum err handover_drop(struct ctx *c, struct tx *tx, const struct row *old,
                                struct row *neu);
/* R16: a field error at field unless staff holds what the ticket's category asks a certificate for.
 */
MUST_USE enum err check_skill_of(struct ctx *c, struct tx *tx, const struct row *old,
                                 const char *field, int64_t staff);

/* --- tickets that belong together (links.c) --- */

/* ,"links":[…] */
MUST_USE enum err links_json(struct ctx *c, struct tx *tx, const struct row *t, struct buf *out);
/* The customers of what was merged into old are told what neu tells its own. */
MUST_USE enum err merged_follow(struct ctx *c, struct tx *tx, const struct row *old,
                                const struct row *neu, const char *topic, const char *action);

/* --- the steps of the work (checklist.c) --- */

enum { TICKED_MAX = 40 };
extern const struct field in_check[CHECK__N];
extern const struct query *const checklist_queries[], *const item_queries[],
                                                          *const remark_queries[];
MUST_USE enum err remarks_come(struct ctx *c, struct tx *tx); /* fixup */
/* ,"checklist":[…] of the newest round, for staff; empty before the work began. */
MUST_USE enum err checklist_json(struct ctx *c, struct tx *tx, const struct row *t,
                                 struct buf *out);
enum err effect_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                      const struct row *in);

/* --- materials and paid services (items.c) --- */

enum { ITEMS_MAX = 200 };
extern const struct field in_add_item[ADD__N], in_drop_item[1];
/* ,"items":[…]; customers see what they pay. */
MUST_USE enum err items_json(struct ctx *c, struct tx *tx, const struct row *t, struct buf *out);
/* The work is finished: where there are items, the cost is their sum, whatever was said. */
MUST_USE enum err items_cost(struct ctx *c, const struct row *old, struct row *neu, bool said);
enum err effect_add_item(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                         const struct row *in);
enum err effect_drop_item(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                          const struct row *in);

/* --- who follows a ticket (watch.c) --- */

/* That staff watches t, or no longer; nothing when it is so already. Whether he sees the ticket is
 * the caller's business. */
MUST_USE enum err ticket_watch(struct ctx *c, struct tx *tx, const struct row *t, int64_t staff,
                               bool on);
enum err watches_end(struct ctx *c, struct tx *tx, struct app *app, struct str data);

/* --- return visits (visits.c) --- */

bool is_low_score(int64_t score, int64_t low); /* 1 … low of 5; score 0: no mark */
/* Up to which mark a ticket's customer is called back: 2, or what its rule says. */
MUST_USE enum err low_mark_of(struct ctx *c, struct tx *tx, const struct row *t, int64_t *ret);
int visit_lot(int64_t ticket_id); /* 0…99: drawn for the sample when below the rule's percent */
/* A ticket was closed: a visit if its kind's rule and the lot say so. */
MUST_USE enum err visit_by_rule(struct ctx *c, struct tx *tx, const struct row *t);
MUST_USE enum err visit_after_low_score(struct ctx *c, struct tx *tx, const struct row *t);
/* ,"visits":[…], newest first */
MUST_USE enum err visits_json(struct ctx *c, struct tx *tx, const struct row *t, struct buf *out);
/* Fixup: low marks of the last 30 days that nobody followed up are, now. */
enum err low_scores_come(struct ctx *c, struct tx *tx);
enum err visits_late(struct ctx *c, struct tx *tx, struct app *app, struct str data);
MUST_USE enum err visit_rules_seed(struct ctx *c, struct tx *tx);
enum err visit_rules_job(struct ctx *c, struct tx *tx, struct app *app, struct str data);

/* --- loops (loops.c) --- */

/* What nobody looks after: what, id, code, title, since; 201 at most. */
MUST_USE enum err orphans_read(struct ctx *c, struct tx *tx, int64_t community, struct rows *ret);
enum err orphans_nightly(struct ctx *c, struct tx *tx, struct app *app, struct str data);

enum err ticket_prepare(struct ctx *c, struct app *app, struct row *neu);
enum err ticket_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu);
enum err ticket_after(struct ctx *c, struct tx *tx, const struct row *old, const struct row *neu);
enum err ticket_extra(struct ctx *c, struct tx *tx, const struct row *r, struct buf *out);

/* Guards, effects and conditions of the machine (rules.c). */
bool is_assignee(const struct who *w, const struct row *r);
bool is_customer(const struct who *w, const struct row *r);
bool is_talk(const struct row *r); /* inquiry, suggestion, praise: the desk may answer at once */
bool is_work(const struct row *r);
bool is_on_the_way(const struct row *r); /* its worker has not said that he is there */
enum err effect_arrive(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                       const struct row *in);
/* Workers hear of free orders: the live twin of their row rule in tables.c. */
const char *ticket_heard_by(const struct row *r);
enum err guard_dispatch(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in);
enum err guard_start(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in);
enum err guard_grab(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in);
enum err guard_reopen(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in);
enum err guard_close(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in);
enum err guard_hand_over(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in);
enum err guard_accept_handover(struct ctx *c, struct tx *tx, const struct row *old,
                               const struct row *in);
enum err guard_merge(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in);
enum err guard_cancel(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in);
enum err effect_hand_over(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                          const struct row *in);
enum err effect_accept_handover(struct ctx *c, struct tx *tx, const struct row *old,
                                struct row *neu, const struct row *in);
enum err effect_refuse_handover(struct ctx *c, struct tx *tx, const struct row *old,
                                struct row *neu, const struct row *in);
enum err effect_recall_handover(struct ctx *c, struct tx *tx, const struct row *old,
                                struct row *neu, const struct row *in);
enum err effect_vouch(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                      const struct row *in);
enum err effect_merge(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                      const struct row *in);
enum err effect_split(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                      const struct row *in);
enum err effect_cancel(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                       const struct row *in);
enum err effect_take_up(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                        const struct row *in);
enum err effect_accept(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                       const struct row *in);
enum err effect_dispatch(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                         const struct row *in);
enum err effect_grab(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                     const struct row *in);
enum err effect_decline(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                        const struct row *in);
enum err effect_start(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                      const struct row *in);
enum err effect_pause(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                      const struct row *in);
enum err effect_approve_pause(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                              const struct row *in);
enum err effect_refuse_pause(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                             const struct row *in);
enum err effect_resume(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                       const struct row *in);
enum err effect_finish(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                       const struct row *in);
enum err effect_inform(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                       const struct row *in);
enum err effect_close(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                      const struct row *in);
enum err effect_rework(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                       const struct row *in);
enum err effect_reopen(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                       const struct row *in);
