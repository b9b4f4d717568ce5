/* policy.h - the rules for passwords, lockout, sessions and the second factor, as rows: one per
 * kind of user. The numbers come from the trade's assessors (domain-rules 6.2) and may be made
 * stricter or looser by the security administrator, inside the limits of the fields. Kept in
 * memory, read anew ten seconds later at the latest on every process. */
#pragma once
#include "core/app.h"

enum audience { FOR_ADMIN = 1, FOR_STAFF, FOR_RESIDENT };
struct login_policy {
    int password_min_chars, password_kinds, password_history, password_max_days; /* 0 days: never */
    int lock_after, lock_minutes, idle_minutes, absolute_hours;
    bool second_factor; /* cannot work without one */
    int initial_days;   /* a password given by somebody else must be changed within */
    int upload_mb;      /* of files per user in 24 hours */
};
/* The row of an audience; the built-in one where the table has none or cannot be read. Call it
 * outside transactions. */
struct login_policy policy_for(struct app *app, enum audience who);
/* Administrators hold a right over users, roles or the log; residents hold residents' grants only.
 */
enum audience audience_of(const struct who *w);
extern const struct resource res_login_policy;
MUST_USE enum err policies_seed(struct ctx *c, struct tx *tx);
