/* room.h - inside intake. */
#pragma once
#include "rooms/intake/intake.h"

extern const struct query *const open311_queries[];
extern const struct route open311_routes[];

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
