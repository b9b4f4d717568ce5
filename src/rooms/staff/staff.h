/* staff.h - the door of the staff room: departments, posts, staff, skills, shifts. */
#pragma once
#include "rooms/people/people.h"

extern const struct module staff_module;
extern const struct resource res_department, res_post, res_staff, res_skill, res_staff_skill,
    res_staff_zone, res_shift;

enum { DP_NAME = R_FIRST, DP_HEAD, DP__N };
enum { PO_NAME = R_FIRST, PO__N };
enum { ST_NAME = R_FIRST, ST_PHONE, ST_DEPARTMENT, ST_POST, ST_USER, ST_DESK, ST_WORKER, ST__N };
enum { SK_NAME = R_FIRST, SK_CERTIFICATE, SK__N };
enum { SS_STAFF = R_FIRST, SS_SKILL, SS_CERTIFICATE, SS_VALID_TO, SS__N };
enum { SZ_STAFF = R_FIRST, SZ_SPACE, SZ__N };
enum { SH_STAFF = R_FIRST, SH_FROM, SH_TO, SH__N };

/* ($1 community, $2 skill or NULL, $3 now, $4 staff id) -> on_duty, has_skill of one member (1/0).
 */
extern const struct query Q_STAFF_FIT;
/* ($1 community, $2 skill or NULL, $3 now) -> id, name, on_duty, has_skill of all who take work
 * orders. */
extern const struct query Q_WORKERS;
/* ($1 community, $2 staff) -> skill names. */
extern const struct query Q_STAFF_SKILLS;
/* ($1 community, $2 now) -> the desk member who gets requests nobody took by hand: on duty first.
 */
extern const struct query Q_DESK_MEMBER;
/* T-104: the skill (V_NULL: none) asks for no certificate, or the member has one in force today. */
MUST_USE enum err staff_certified(struct ctx *c, struct tx *tx, int64_t community, int64_t staff,
                                  struct val skill, bool *ret);
