/* ticket.h - inside service: the ticket's table and machine, its
 * queries. */
#pragma once
#include "rooms/service/service.h"

extern const struct machine ticket_machine;
extern const struct field ticket_fields[T__N];
extern const struct route desk_routes[], ticket_routes[];
extern const struct job service_jobs[];
extern const struct query *const service_queries[];
extern const struct query Q_SLA_POLICY, Q_PRIORITY_POLICY, Q_PERSON_BRIEF, Q_CATEGORY_SKILL,
    Q_OPEN_COUNT, Q_SIMILAR, Q_EXTERNAL;

enum err ticket_prepare(struct ctx *c, struct app *app, struct row *neu);
enum err ticket_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu);
enum err ticket_after(struct ctx *c, struct tx *tx, const struct row *old, const struct row *neu);
enum err ticket_extra(struct ctx *c, struct tx *tx, const struct row *r, struct buf *out);

/* Guards, effects and conditions of the machine (rules.c). */
bool is_assignee(const struct who *w, const struct row *r);
bool is_customer(const struct who *w, const struct row *r);
bool is_talk(const struct row *r); /* inquiry, suggestion, praise: the desk may answer at once */
bool is_work(const struct row *r);
/* Workers hear of free orders: the live twin of their row rule in tables.c. */
const char *ticket_heard_by(const struct row *r);
enum err guard_dispatch(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in);
enum err guard_reopen(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in);
enum err guard_close(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in);
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
