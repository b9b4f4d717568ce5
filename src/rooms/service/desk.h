/* desk.h - inside service: what the desk's own pages share. */
#pragma once
#include "rooms/service/ticket.h"

extern const struct query *const desk_queries[];
extern const struct query *const ticket_queries[];
extern const struct query *const alike_queries[];
extern const struct route alike_routes[];
/* Do they say the same? By their words; texts of one word say too little. Pure. */
bool texts_alike(struct arena *a, struct str one, struct str two);
/* ["水电","木工"] */
enum err skills_json(struct ctx *c, struct tx *tx, int64_t community, int64_t staff,
                     struct buf *out);
