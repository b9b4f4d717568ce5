/* room.h - inside the privacy room: its fields and the calls between its files. */
#pragma once
#include "core/core_module.h"
#include "core/event.h"
#include "rooms/privacy/privacy.h"

enum { CT_PURPOSE = R_FIRST, CT_EDITION, CT_TEXT, CT_TEXT_EN, CT_FROM, CT_SEPARATE, CT__N };
enum {
    CS_PERSON = R_FIRST,
    CS_TEXT,
    CS_STATE,
    CS_CHANNEL,
    CS_ANSWERED,
    CS_WITHDRAWN,
    CS_NOTE,
    CS__N
};
enum { GIVEN = 1, REFUSED, WITHDRAWN };
enum { BY_PHONE_APP = 1, BY_PAPER, BY_DESK, BY_CALL };
enum {
    DR_CODE = R_FIRST,
    DR_PERSON,
    DR_KIND,
    DR_DETAIL,
    DR_CHANNEL,
    DR_STATE,
    DR_DUE,
    DR_IDENTITY,
    DR_ANSWER,
    DR_DONE,
    DR_LATE,
    DR__N
};
enum {
    ASK_ACCESS = 1,
    ASK_COPY,
    ASK_CORRECT,
    ASK_RESTRICT,
    ASK_ERASE,
    ASK_OBJECT,
    ASK_COMPLAIN,
    ASK_LIFT
};
enum { DR_RECEIVED = 1, DR_VERIFIED, DR_DOING, DR_FINISHED, DR_REFUSED, DR_TAKEN_BACK };
enum { RR_CLASS = R_FIRST, RR_DAYS, RR_ACTION, RR_BASIS, RR_ENABLED, RR__N };
enum { KEEP_TICKETS = 1, KEEP_PEOPLE, KEEP_REQUESTS, KEEP_CONSENTS };
enum { DO_ANONYMISE = 1, DO_DELETE };
enum { RU_RULE = R_FIRST, RU_ROWS, RU_BEFORE, RU__N };

/* --- erase.c --- */
enum { ERASE_CHUNK = 200 };
/* "匿名 #17": stands where a name stood, so that rows can still be told apart. */
struct str anonymous(struct ctx *c, int64_t person_id);
/* E_STATE with words while somebody lives here or has an open ticket: another legal basis holds. */
MUST_USE enum err erase_allowed(struct ctx *c, struct tx *tx, int64_t community, int64_t person);
/* One bounded piece of making a person anonymous; *ret_more: call again. */
MUST_USE enum err erase_person(struct ctx *c, struct tx *tx, int64_t person, bool *ret_more);
/* A ticket without its contact; gone: what is taken out of its texts besides phone and ID numbers.
 */
enum { WORDS_MAX = 48 };
struct words {
    struct str v[WORDS_MAX];
    int n;
};
MUST_USE enum err erase_ticket(struct ctx *c, struct tx *tx, int64_t ticket, struct str label,
                               const struct words *gone);
/* text without the words, and without anything that looks like a mobile or ID number. Pure. */
struct str scrub(struct ctx *c, struct str text, const struct words *gone);
enum err job_erase(struct ctx *c, struct tx *tx, struct app *app, struct str data);
extern const struct query *const erase_queries[];

/* --- consent.c, request.c, subject_copy.c, retention.c, registers.c --- */
extern const struct query *const consent_queries[],
    *const copy_queries[], *const retention_queries[], *const register_queries[];
extern const struct route consent_routes[], request_routes[];
enum err object_to_all(struct ctx *c, struct tx *tx, int64_t community, int64_t person);
MUST_USE enum err take_own_person(struct ctx *c, struct row *neu, int person, int channel,
                                  int own_channel);
enum err subject_copy(struct ctx *c, struct req *q);
enum err subject_link(struct ctx *c, struct req *q);
enum err subject_signed(struct ctx *c, struct req *q);
extern const struct field copy_query[], link_fields[], signed_query[];
enum err retention_preview(struct ctx *c, struct req *q);
enum err job_retention(struct ctx *c, struct tx *tx, struct app *app, struct str data);
enum err job_retain(struct ctx *c, struct tx *tx, struct app *app, struct str data);
/* A community's first rules, switched off; and an example of each register. */
MUST_USE enum err retention_seed(struct ctx *c, struct tx *tx, int64_t community);
MUST_USE enum err registers_seed(struct ctx *c, struct tx *tx, int64_t community, struct str done,
                                 struct str review);
enum err job_retention_seed(struct ctx *c, struct tx *tx, struct app *app, struct str data);
enum err job_due(struct ctx *c, struct tx *tx, struct app *app, struct str data);
struct str today_in(struct ctx *c, int64_t community);
