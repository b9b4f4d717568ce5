/* mail.h - the door of the mail room: letters by e-mail, in and out. */
#pragma once
#include "rooms/intake/intake.h"

extern const struct module mail_module;
extern const struct resource res_mailbox, res_letter;
enum { MB_ADDRESS = R_FIRST, MB_NAME, MB_KIND, MB_RECEIPT, MB_SITE, MB_SIGNATURE, MB__N };
enum {
    LE_TICKET = R_FIRST,
    LE_WAY,
    LE_PURPOSE,
    LE_STATE,
    LE_ADDRESS,
    LE_NAME,
    LE_SUBJECT,
    LE_TEXT,
    LE_MESSAGE_ID,
    LE_ANSWERS,
    LE_TRIES,
    LE_NEXT,
    LE_SENT,
    LE_REASON,
    LE__N
};
enum letter_way { LETTER_IN = 1, LETTER_OUT };
enum letter_purpose { LETTER_REQUEST = 1, LETTER_ANSWER, LETTER_RECEIPT, LETTER_TOLD };
enum letter_state {
    LETTER_TAKEN = 1,
    LETTER_WAITING,
    LETTER_SENT,
    LETTER_FAILED,
    LETTER_RETURNED,
    LETTER_DROPPED
};

/* What became of a message from outside. */
enum mail_fate { MAIL_TICKET, MAIL_ADDED, MAIL_AGAIN, MAIL_RETURNED, MAIL_IGNORED };
struct mail_taken {
    enum mail_fate fate;
    struct str code;          /* of the ticket */
    int attachments, refused; /* kept, and not: their types, sizes or number */
};
/* One message as it came. to: whom the mail server delivers it for; empty: its own heads say. It
 * makes a ticket, or joins the one it answers. E_MISSING: nobody here has that address. E_RATE: too
 * much from there today. E_SYNTAX: no message. Anything else may be tried again. Outside
 * transactions. */
MUST_USE enum err mail_take(struct ctx *c, struct app *app, struct str to, struct str raw,
                            struct mail_taken *ret);
/* Of a ticket of somebody who was erased: its letters keep no word and no address. */
MUST_USE enum err letters_forget(struct ctx *c, struct tx *tx, int64_t community, int64_t ticket);
