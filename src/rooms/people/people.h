/* people.h - the door of the people room: persons and organisations, their identities, who lives
 * where and since when. */
#pragma once
#include "rooms/estate/estate.h"

extern const struct module people_module;
extern const struct resource res_person, res_identity, res_occupancy, res_merge;

enum person_tier { TIER_VIP = 1, TIER_REGULAR, TIER_POTENTIAL };
enum {
    PE_KIND = R_FIRST,
    PE_NAME,
    PE_PHONE,
    PE_PHONE2,
    PE_TIER,
    PE_NOTE,
    PE_ID_KIND,
    PE_ID_NUMBER,
    PE_ID_INDEX,
    PE_RESTRICTED, /* since when his data is only kept (privacy room); empty: not */
    PE_ERASED,     /* since when he is anonymous; empty: not */
    PE__N
};
extern const struct field person_fields[PE__N];
enum { IDENTITY_CONTRACT = 6 };
enum { ID_PERSON = R_FIRST, ID_KIND, ID_VALUE, ID_KEY, ID__N };
/* What an identity is found by, however a clerk types it: capitals, without dots, dashes, spaces
 * and full width. In the arena. Pure. */
struct str identity_key(struct arena *a, struct str value);
enum { OC_PERSON = R_FIRST, OC_SPACE, OC_RELATION, OC_FROM, OC_TO, OC__N };
/* Two rows of one person made one (merge.c); a row with PM_STATE 1 holds. */
enum {
    PM_KEEP = R_FIRST,
    PM_GONE,
    PM_TAKE,
    PM_REASON,
    PM_STATE,
    PM_MOVED,
    PM_LEFT,
    PM_BEFORE,
    PM__N
};
enum { REL_OWNER = 1, REL_TENANT, REL_FAMILY, REL_OTHER };

/* ($1 person, $2 community, $3 today) -> space_id, path_name of the person's current units. */
extern const struct query Q_PERSON_SPACES;
/* ($1 community, $2 space, $3 today) -> person id, name, phone, relation, tier of those now living
 * there or owning it. */
extern const struct query Q_SPACE_PERSONS;
