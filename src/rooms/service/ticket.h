/* ticket.h - inside service: the ticket's rules as pure functions, its table and machine, its
 * queries. */
#pragma once
#include "rooms/service/service.h"

/* R1 (G2.5): priority 1–4 from urgency and impact (1 high … 3 low) and tier. The built-in table,
 * used where the community has no row. */
int priority_default(int urgency, int impact, int tier);

struct sla { /* minutes from creation; source: guide 2.2.1, 3.1 and domain-rules 2.1 */
    int respond_min, handle_min, resolve_min;
    int64_t policy_id, version; /* 0: the built-in defaults */
};
/* R2 (G2.8): the built-in targets of a kind at a priority. */
struct sla sla_default(int kind, int priority);
/* R3: a clock is breached when it stopped after its due time, or has not stopped and the due time
 * has passed. A clock stopped exactly at the due time is in time. stopped_ms 0: still running.
 * Pure. */
bool clock_breached(int64_t due_ms, int64_t stopped_ms, int64_t now_ms);

extern const struct machine ticket_machine;
extern const struct field ticket_fields[T__N];
extern const struct route desk_routes[], ticket_routes[];
extern const struct job service_jobs[];
extern const struct query *const service_queries[];
extern const struct query Q_SLA_POLICY, Q_PRIORITY_POLICY, Q_PERSON_BRIEF, Q_CATEGORY_SKILL,
    Q_OPEN_COUNT, Q_SIMILAR, Q_EXTERNAL;

enum err ticket_prepare(struct ctx *c, struct app *app, struct row *neu);
enum err ticket_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu);
enum err ticket_extra(struct ctx *c, struct tx *tx, const struct row *r, struct buf *out);

/* Guards, effects and conditions of the machine (rules.c). */
bool is_assignee(const struct who *w, const struct row *r);
bool is_customer(const struct who *w, const struct row *r);
bool is_talk(const struct row *r); /* inquiry, suggestion, praise: the desk may answer at once */
bool is_work(const struct row *r);
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
