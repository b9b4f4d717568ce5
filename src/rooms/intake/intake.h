/* intake.h - the door of the intake room: requests that come from outside, through channels no
 * clerk sits at. What they make is an ordinary ticket. */
#pragma once
#include "rooms/service/service.h"

extern const struct module intake_module;
extern const struct resource res_intake_setting;
extern const struct resource res_public_link, res_space_code;
enum { IN_OPEN311 = R_FIRST, IN_NOTICE, IN_QR, IN__N };
enum { PU_TICKET = R_FIRST, PU_KIND, PU_TOKEN, PU_EXPIRES, PU_STATE, PU_ENDED, PU__N };
enum public_kind { PUBLIC_PROGRESS = 1, PUBLIC_RATE, PUBLIC_PHOTO };
enum public_link_state { LINK_LIVE = 1, LINK_USED, LINK_REVOKED };
enum { SC_SPACE = R_FIRST, SC_ASSET, SC_NAME, SC_CODE, SC_HASH, SC_STATE, SC_ENDED, SC__N };
enum {
    SI_TICKET = R_FIRST,
    SI_STATE,
    SI_PERSON,
    SI_PERSON_INDEX,
    SI_NAME,
    SI_PHONE,
    SI_REASON,
    SI_ASKED_BY,
    SI_ASKED_AT,
    SI_ANSWERED_BY,
    SI_OPEN_UNTIL,
    SI__N
};
enum seal_state { SEAL_CLOSED = 1, SEAL_ASKED, SEAL_OPEN };
extern const struct resource res_sealed_identity;
/* --- for other rooms that speak with customers --- */

enum { PROGRESS_DAYS = 90, RATE_DAYS = 14 };
/* A new link of ticket for one purpose. *ret_token is shown once and kept nowhere. */
MUST_USE enum err public_link_make(struct ctx *c, struct tx *tx, const struct row *ticket,
                                   enum public_kind kind, int64_t ends_ms, struct str *ret_token);
/* RATE_DAYS after the customer was told or it was closed, whichever is later. */
int64_t rating_ends_ms(const struct row *t);
/* The live sign of a place or an asset, made if there is none; renew: another one. of is its row.
 */
MUST_USE enum err sign_make(struct ctx *c, struct tx *tx, const struct resource *r,
                            const struct row *of, bool renew, int64_t *ret_id,
                            struct str *ret_code);
/* How often what was done in this community today, this time included (qr_post.c). */
MUST_USE enum err tally(struct ctx *c, struct tx *tx, int64_t community, struct str what,
                        int64_t *ret);
/* This person's names and numbers under seal go; the complaints stay. */
MUST_USE enum err sealed_forget(struct ctx *c, struct tx *tx, int64_t community, int64_t person);
enum space_code_state { CODE_LIVE = 1, CODE_REVOKED };
