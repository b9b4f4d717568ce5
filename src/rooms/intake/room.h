/* room.h - inside intake. */
#pragma once
#include "rooms/intake/intake.h"

extern const struct query *const open311_queries[];
extern const struct route open311_routes[];
extern const struct query *const public_link_queries[], *const public_ticket_queries[];
extern const struct route public_link_routes[], public_ticket_routes[];
extern const struct query *const space_code_queries[], *const qr_queries[];
extern const struct route space_code_routes[], qr_routes[];
extern const struct fixup space_code_fixups[];
extern const struct table qr_tables[1];
extern const struct job intake_jobs[];

/* --- links without a login (public_link.c) --- */

#define DAY_MS INT64_C(86400000)
struct str public_token(struct arena *a); /* 128 random bits as 32 hex digits */
struct str public_token_hash(struct arena *a, struct str token); /* as it is stored */
/* One answer for whatever cannot be found, malformed, unknown, withdrawn or over. */
enum err no_public_link(struct ctx *c);
/* prepare of every public route: a stranger, and not too often. */
enum err public_enter(struct ctx *c, struct req *q);
/* The link of this kind and its ticket, unless it was withdrawn or ended at or before alive_ms. */
MUST_USE enum err public_link_find(struct ctx *c, struct tx *tx, enum public_kind kind,
                                   struct str token, int64_t alive_ms, struct row *ret_link,
                                   struct row *ret_ticket);

/* --- complaints without a name (sealed.c) --- */

extern const struct query *const sealed_queries[];
extern const struct route sealed_routes[];

/* --- signs (space_code.c) --- */

struct sign {
    int64_t id, community_id, space_id, asset_id; /* asset_id 0: of a place */
    struct str place;                             /* as precise as what is printed on it */
    struct str asset, asset_code;
};
/* E_MISSING, always with the same words: unknown, withdrawn, its place or asset archived, the asset
 * retired, or the community's door is shut. */
MUST_USE enum err space_code_find(struct ctx *c, struct tx *tx, struct str token, struct sign *ret);
void sign_put_asset(struct buf *out, struct str name, struct str code);

/* One document in either of Open311's formats: a list of flat records. */
struct geo_out {
    struct buf *b;
    bool xml;
    const char *item; /* the XML name of a record */
    int records, fields;
};
void geo_begin(struct geo_out *o, const char *list, const char *item);
void geo_record(struct geo_out *o);
void geo_text(struct geo_out *o, const char *name, struct str value); /* empty: there, but empty */
void geo_raw(struct geo_out *o, const char *name, struct str value);  /* numbers and true, false */
void geo_record_end(struct geo_out *o);
void geo_end(struct geo_out *o, const char *list);
