/* desk.h - inside service: what the desk's own pages share. */
#pragma once
#include "rooms/service/ticket.h"

extern const struct query *const desk_queries[];
extern const struct query *const ticket_queries[];
/* ["水电","木工"] */
enum err skills_json(struct ctx *c, struct tx *tx, int64_t community, int64_t staff,
                     struct buf *out);
