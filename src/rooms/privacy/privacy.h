/* privacy.h - the door of the privacy room (PIPL; domain-rules 6.1): consents, requests of the
 * people whose data it is, how long what is kept, and the registers the law asks for. */
#pragma once
#include "rooms/service/service.h"

extern const struct module privacy_module;
extern const struct resource res_consent_text, res_consent, res_data_request, res_retention_rule,
    res_retention_run, res_processor, res_processing, res_assessment;

enum consent_purpose {
    FOR_MARKETING = 1,
    FOR_GREETINGS,
    FOR_GROUPS,
    FOR_FACE,
    FOR_LOCATION,
    FOR_PUBLICATION
};
/* ($1 community, $2 person, $3 purpose, $4 today) -> id of the consent that holds: given, not
 * withdrawn, to the edition in force today. No row: do not do it (P2). */
extern const struct query Q_CONSENT_HOLDS;

/* The last day for an answer: n working days after start, which is not counted. Public holidays and
 * make-up days count as published; a day off of the community's own does not, and a year nobody
 * published has weekends only, so the day is never later than the law's (P4). Pure. */
struct date due_after(const struct workcal *w, struct date start, int working_days);

enum {
    DAILY_S = 86400,
    HOURLY_S = 3600,
    ANSWER_WORKING_DAYS = 15, /* domain-rules 6.1: PIPL 44-50 */
    COPY_DAYS = 15,           /* how long a finished request's copy can be had */
    DUE_SOON_DAYS = 30
};
