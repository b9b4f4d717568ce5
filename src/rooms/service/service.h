/* service.h - the door of the service room: the ticket and what other rooms may ask of it. */
#pragma once
#include "core/csv.h"
#include "rooms/calendar/calendar.h"
#include "rooms/staff/staff.h"

extern const struct module service_module;
extern const struct resource res_ticket, res_category, res_sla_policy, res_priority_policy,
    res_pause_policy, res_ticket_pause, res_ladder_step, res_escalation, res_rating;

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
enum pause_state { PAUSE_FREE = 1, PAUSE_ASKED, PAUSE_APPROVED, PAUSE_REFUSED };
enum ticket_state {
    RECEIVED = 1,
    ACCEPTED,
    DISPATCHED,
    IN_PROGRESS,
    PAUSED,
    FINISHED,
    INFORMED,
    CLOSED,
    CANCELLED
};
enum ticket_channel {
    CH_PHONE = 1,
    CH_DESK,
    CH_VISIT,
    CH_WECHAT,
    CH_APP,
    CH_WEB,
    CH_QR,
    CH_SMS,
    CH_EMAIL,
    CH_DEVICE,
    CH_ROUND,
    CH_OTHER
};
enum {
    T_CODE = R_FIRST,
    T_KIND,
    T_TITLE,
    T_DETAIL,
    T_SPACE,
    T_PERSON,
    T_CONTACT_NAME,
    T_CONTACT_PHONE,
    T_CHANNEL,
    T_CATEGORY,
    T_URGENCY,
    T_IMPACT,
    T_PRIORITY,
    T_STATE,
    T_FIRST_CONTACT,
    T_ASSIGNEE,
    T_APPOINTMENT,
    T_RESPOND_DUE,
    T_HANDLE_DUE,
    T_RESOLVE_DUE,
    T_RESPONDED,
    T_DISPATCHED,
    T_HANDLED,
    T_RESOLVED,
    T_INFORMED,
    T_CLOSED,
    T_RESPOND_BREACHED,
    T_HANDLE_BREACHED,
    T_RESOLVE_BREACHED,
    T_PAUSE_CLASS,
    T_PAUSED_AT,
    T_PAUSED_MS,
    T_RESULT,
    T_CAUSE,
    T_MEASURE,
    T_COST,
    T_PARTS,
    T_ANSWER,
    T_ANSWER_CHANNEL,
    T_REWORK,
    T_POLICY,
    T_POLICY_VERSION,
    T_CLOCK_FROM,
    T_RESPOND_MIN,
    T_HANDLE_MIN,
    T_RESOLVE_MIN,
    T_CLOCK_HOURS,
    T_CLOCK_STOPPED,
    T_CLOCK_NEXT,
    T_PAUSE_STATE,
    T_ADDRESS,
    T_EXTERNAL_ID,
    T_REST,
    T__N
};
enum { CA_NAME = R_FIRST, CA_NAME_EN, CA_KIND, CA_SKILL, CA__N };
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
enum { TP_TICKET = R_FIRST, TP_CLASS, TP_REASON, TP_FROM, TP_TO, TP_STOPS, TP_STATE, TP__N };
enum { LS_PERCENT = R_FIRST, LS_LEVEL, LS_QUIET, LS__N };
enum {
    ES_TICKET = R_FIRST,
    ES_CLOCK,
    ES_PERCENT,
    ES_FROM,
    ES_LEVEL,
    ES_STAFF,
    ES_DUE,
    ES_SEEN,
    ES__N
};
enum { PP_URGENCY = R_FIRST, PP_IMPACT, PP_TIER, PP_PRIORITY, PP__N };
enum {
    RA_TICKET = R_FIRST,
    RA_CONTENT,
    RA_ATTITUDE,
    RA_EFFICIENCY,
    RA_EXPERIENCE,
    RA_COMMENT,
    RA__N
};

/* --- the ticket's rules as pure functions --- */

/* R1 (G2.5): priority 1–4 from urgency and impact (1 high … 3 low) and tier. The built-in table,
 * used where the community has no row. */
int priority_default(int urgency, int impact, int tier);

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
/* A clock is breached when it stopped after its due time, or has not stopped and the due time has
 * passed. A clock stopped exactly at the due time is in time. stopped_ms 0: still running. Pure. */
bool clock_breached(int64_t due_ms, int64_t stopped_ms, int64_t now_ms);

struct import_report {
    int64_t rows, loaded;     /* read; now in the database (0: some row failed, or a dry run) */
    struct row_errors errors; /* why, by row */
};
/* A foreign log (core/mapping.h says how its columns become ours) as tickets with their original
 * times: all rows or none. Closed rows need a result, which is also the recorded answer. Call it
 * outside transactions. */
MUST_USE enum err ticket_import(struct ctx *c, struct app *app, int64_t community, struct str csv,
                                struct str map_json, bool dry_run, struct import_report *ret);
