/* late.h - work that is told after it was done: a phone without signal keeps what its worker did
 * and sends it when it is back. Here it is decided whether an instant the caller names is believed,
 * for steps, notes and photos alike. Only the row's own worker may name one: a clock that others
 * could set back would prove nothing. */
#pragma once
#include "core/res.h"

/* Server and phone may disagree by this much without anybody being wrong. */
#define LATE_SKEW_MS INT64_C(120000)
/* A long week-end without signal. What is older is for the desk to sort out: by then the customer
 * was told and the week's figures were read. */
#define LATE_MAX_MS (INT64_C(72) * 3600 * 1000)

enum late { LATE_OK, LATE_AHEAD, LATE_OLD, LATE_BEFORE };
/* May something said to have happened at said_ms be recorded so at now_ms, when nothing before
 * floor_ms is possible? *ret_ms is then said_ms, moved by at most LATE_SKEW_MS into floor … now.
 * Pure. */
enum late late_judge(int64_t said_ms, int64_t now_ms, int64_t floor_ms, int64_t *ret_ms);

/* When the step in hand happened: what input's happened_at says if that is believed, now if it says
 * nothing. Its floor is the last step that moved the row, whoever took it; not the row's last
 * change, because a corrected title or a breach flag does not make the work later. */
MUST_USE enum err late_step(struct ctx *c, struct tx *tx, const struct resource *r,
                            const struct row *row, const struct json *input, int64_t *ret_ms);
/* The same for what moves nothing (a note, a photo); field names the instant in the request,
 * said_ms 0: it says nothing. Its floor is the row's creation. */
MUST_USE enum err late_note(struct ctx *c, const struct resource *r, const struct row *row,
                            const char *field, int64_t said_ms, int64_t *ret_ms);
/* ,"recorded_at":"…" into an event's data when at_ms is not now. */
void late_mark(const struct ctx *c, int64_t at_ms, struct buf *data);
