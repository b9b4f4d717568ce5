/* room.h - inside assets. */
#pragma once
#include "rooms/assets/assets.h"

extern const struct query *const place_queries[], *const number_taken_queries[];
extern const struct route place_routes[];
enum err asset_prepare(struct ctx *c, struct app *app, struct row *neu);
enum err asset_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu);
