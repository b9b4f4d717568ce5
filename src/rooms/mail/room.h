/* room.h - inside mail. */
#pragma once
#include "core/probe.h"
#include "rooms/mail/mail.h"
#include "rooms/mail/mime.h"

extern const struct query *const letter_queries[],
    *const take_queries[], *const send_queries[], *const mail_probe_queries[];
extern const struct probe mail_probes[];
extern const struct route letter_routes[];
enum { SEND_EVERY_S = 60 };
#define LINK_PROGRESS S("{progress}")
#define LINK_RATING   S("{rating}")

/* The community's live mailbox; E_MISSING: it has none. */
MUST_USE enum err mailbox_of(struct ctx *c, struct tx *tx, int64_t community, struct row *ret);
/* With whom a ticket is being written: the newest letter that came, else the newest that went.
 * E_MISSING: nobody. */
MUST_USE enum err letter_newest(struct ctx *c, struct tx *tx, const struct row *ticket,
                                struct row *ret);
/* A letter that goes out, in the transaction that has a reason for it; answers may be NULL. */
MUST_USE enum err letter_queue(struct ctx *c, struct tx *tx, const struct row *ticket,
                               enum letter_purpose purpose, struct str address, struct str name,
                               struct str text, const struct row *answers);
/* Puts what was written into the ticket's timeline, among those who work there. */
MUST_USE enum err letter_tell(struct ctx *c, struct tx *tx, const struct row *ticket,
                              const char *action, struct str text);

/* Jobs. */
enum err job_receipt(struct ctx *c, struct tx *tx, struct app *app, struct str data);
enum err job_told(struct ctx *c, struct tx *tx, struct app *app, struct str data);
enum err step_send(struct ctx *c, struct app *app, struct str data, bool *ret_more);
