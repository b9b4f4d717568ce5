/* appointment.c - when somebody comes is arranged for later, not for before it was asked. */
#include "rooms/service/ticket.h"

enum { SLACK_MS = 5 * 60000 }; /* "now" takes a clerk a moment to write down */

/* A foreign log brings its own past. */
enum err ticket_row_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    bool said = row_has(neu, T_APPOINTMENT) && !row_has(neu, T_EXTERNAL_ID) &&
                !(old && val_eq(old->v[T_APPOINTMENT], neu->v[T_APPOINTMENT]));
    if (said && row_int(neu, T_APPOINTMENT) < row_int(neu, R_CREATED_AT) - SLACK_MS)
        return FAIL_FIELD(c, "appointment_at", "past", "预约时间早于登记时间",
                          "the appointment is before the request was registered");
    return ticket_check(c, tx, old, neu);
}
