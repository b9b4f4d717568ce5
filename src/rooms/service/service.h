/* service.h - the door of the service room: the ticket and what other rooms may ask of it. */
#pragma once
#include "core/csv.h"
#include "rooms/handbook/handbook.h"

extern const struct module service_module;
extern const struct resource res_ticket, res_ticket_pause, res_escalation, res_rating, res_handover,
    res_ticket_link, res_visit_rule, res_return_visit, res_ticket_step, res_ticket_item,
    res_ticket_watch, res_ticket_remark;
/* The tickets ticket_rules show a worker and a customer, for rules of rows that belong to tickets;
 * each part is read through an index. */
#define TICKETS_WHERE "SELECT id FROM ticket WHERE community_id = :community AND "
#define WORKERS_TICKETS                                                                            \
    TICKETS_WHERE "assignee_id = :staff UNION ALL " TICKETS_WHERE                                  \
                  "handover_to_id = :staff UNION ALL " TICKETS_WHERE                               \
                  "state = 2 AND assignee_id IS NULL AND kind IN (1, 6)"
#define CUSTOMERS_TICKETS TICKETS_WHERE "person_id = :person"
/* An erased person's: no word of what was written on the ticket is kept or found. */
MUST_USE enum err remarks_forget(struct ctx *c, struct tx *tx, int64_t ticket);

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
    CANCELLED,
    MERGED
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
    T_ASSET,
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
    T_NEXT_DUE,
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
    T_HANDOVER_TO,
    T_VOUCHED,
    T_MERGED_INTO,
    T_REROUTES,
    T_ADDRESS,
    T_EXTERNAL_ID,
    T_REST,
    T_ANONYMOUS,
    T_PAGE,
    T_ARRIVED,
    T_PAYABLE,
    T_GUESSED,
    T__N
};
/* Writes T_NEXT_DUE from the row's own clocks; res_ticket's derive, for rows written past the
 * store.
 */
void ticket_next_due(struct row *t);
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
    ES_WHY,
    ES_STATE,
    ES_CODE,
    ES_ABOUT,
    ES__N
};
enum escalation_state { ESCALATION_TOLD = 1, ESCALATION_SEEN, ESCALATION_JOINED };
enum escalation_why { WHY_TIME = 1, WHY_NOBODY, WHY_REFUSED, WHY_VISIT_LATE, WHY_LOW_SCORE };
enum { HO_TICKET = R_FIRST, HO_FROM, HO_TO, HO_REASON, HO_STATE, HO_ANSWERED, HO_ANSWER, HO__N };
enum handover_state { HANDOVER_ASKED = 1, HANDOVER_ACCEPTED, HANDOVER_REFUSED, HANDOVER_RECALLED };
enum { TW_TICKET = R_FIRST, TW_STAFF, TW__N };
enum { TL_TICKET = R_FIRST, TL_OTHER, TL_KIND, TL__N };
enum link_kind { LINK_RELATED = 1, LINK_FOLLOW_UP, LINK_CAUSED_BY };
enum { VR_KIND = R_FIRST, VR_CATEGORY, VR_PERCENT, VR_HOURS, VR_LOW, VR__N };
enum {
    RV_TICKET = R_FIRST,
    RV_WHY,
    RV_WORKER,
    RV_STAFF,
    RV_DUE,
    RV_STATE,
    RV_TRIES,
    RV_SCORE,
    RV_CHANNEL,
    RV_COMMENT,
    RV_DONE,
    RV_DONE_BY,
    RV_TOLD,
    RV__N
};
enum {
    TS_TICKET = R_FIRST,
    TS_ROUND,
    TS_TEXT,
    TS_TEXT_EN,
    TS_STATE,
    TS_REASON,
    TS_AT,
    TS_BY,
    TS__N
};
enum step_state { STEP_OPEN = 1, STEP_DONE, STEP_SKIPPED };
enum {
    TI_TICKET = R_FIRST,
    TI_KIND,
    TI_PRICE_ITEM,
    TI_NAME,
    TI_NAME_EN,
    TI_UNIT,
    TI_QTY,
    TI_PRICE,
    TI_AMOUNT,
    TI_PAYER,
    TI__N
};
enum item_kind { ITEM_SERVICE = 1, ITEM_MATERIAL };
enum item_payer { PAYER_CUSTOMER = 1, PAYER_PROPERTY, PAYER_WARRANTY };
enum visit_why { VISIT_RULE = 1, VISIT_LOW_SCORE };
enum visit_state { VISIT_OPEN = 1, VISIT_DONE, VISIT_UNREACHED };
enum {
    RA_TICKET = R_FIRST,
    RA_CONTENT,
    RA_ATTITUDE,
    RA_EFFICIENCY,
    RA_EXPERIENCE,
    RA_COMMENT,
    RA__N
};

/* Inputs of the actions check and add_item. */
enum { CHECK_STEP, CHECK_STATE, CHECK_REASON, CHECK__N };
enum { ADD_KIND, ADD_PRICE_ITEM, ADD_NAME, ADD_QTY, ADD_UNIT, ADD_PRICE, ADD_PAYER, ADD__N };
/* Work on t begins, by the steps of this category (NULL, or one without steps: none). */
MUST_USE enum err checklist_begin(struct ctx *c, struct tx *tx, const struct row *t,
                                  struct val category);

/* R10: he was told the result, so he may rate it. */
bool ticket_is_told(const struct row *ticket);
MUST_USE enum err ticket_is_rated(struct ctx *c, struct tx *tx, const struct row *ticket,
                                  bool *ret);
/* The customer's marks (RA_CONTENT … RA_COMMENT of *rating), once, after he was told; a low one
 * opens its follow-up. That it is the customer who gives them is the caller's business. */
MUST_USE enum err ticket_rate(struct ctx *c, struct tx *tx, const struct row *ticket,
                              struct row *rating);

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
