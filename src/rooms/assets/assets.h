/* assets.h - the door of the assets room: the equipment ledger, and what a ticket or a sign may ask
 * of it. */
#pragma once
#include "rooms/staff/staff.h"

extern const struct module assets_module;
extern const struct resource res_asset;

enum {
    EQ_CODE = R_FIRST,
    EQ_NAME,
    EQ_SYSTEM,
    EQ_SPACE,
    EQ_STATE,
    EQ_MODEL,
    EQ_MAKER,
    EQ_SERIAL,
    EQ_INSTALLED,
    EQ_WARRANTY,
    EQ_STAFF,
    EQ_NOTE,
    EQ__N
};
enum asset_system {
    SYS_LIFT = 1,
    SYS_WATER,
    SYS_POWER,
    SYS_FIRE,
    SYS_SECURITY,
    SYS_HVAC,
    SYS_LIGHTING,
    SYS_ACCESS,
    SYS_PARKING,
    SYS_AMENITY,
    SYS_OTHER
};
enum asset_state { ASSET_IN_USE = 1, ASSET_STOPPED, ASSET_RETIRED };

/* The number series of a system: "DT". */
const char *asset_series(int64_t system);
/* R5, R6: a ticket about asset at space (V_NULL: not said). *ret_space is space, or where the asset
 * stands. chosen: it was chosen now and must be usable. Field errors at asset_id: "retired",
 * "place". */
MUST_USE enum err asset_at(struct ctx *c, struct tx *tx, int64_t community, struct val asset,
                           bool chosen, struct val space, struct val *ret_space);
