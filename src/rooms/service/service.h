/* service.h - the door of the service room: the ticket and what other rooms may ask of it. */
#pragma once
#include "core/csv.h"
#include "rooms/handbook/handbook.h"

extern const struct module service_module;
extern const struct resource res_ticket, res_ticket_pause, res_escalation, res_rating;

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
    CH_OTHER,
    CH_OPEN311
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
    T_REPEAT_OF,
    T_ADDRESS,
    T_EXTERNAL_ID,
    T_REST,
    T__N
};
enum { TP_TICKET = R_FIRST, TP_CLASS, TP_REASON, TP_FROM, TP_TO, TP_STOPS, TP_STATE, TP__N };
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
enum {
    RA_TICKET = R_FIRST,
    RA_CONTENT,
    RA_ATTITUDE,
    RA_EFFICIENCY,
    RA_EXPERIENCE,
    RA_COMMENT,
    RA__N
};

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
