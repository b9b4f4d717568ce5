/* room.h - inside the people room: what merging two rows of one person needs from file to file. */
#pragma once
#include "core/event.h"
#include "rooms/people/people.h"

/* R1 and R5 for a person's row, as its resource checks them. */
MUST_USE enum err person_check(struct ctx *c, struct tx *tx, const struct row *old,
                               struct row *neu);

/* --- identity.c --- */
enum { IDENTITY_CREDIT_CODE = 5 };
enum err identity_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu);
extern const struct fixup people_fixups[];
extern const struct query *const identity_queries[];

/* GET people/quality (quality.c) */
enum err quality_get(struct ctx *c, struct req *q);
extern const struct query *const quality_queries[];

/* --- merge_plan.c: what a merge would do. Reads only --- */
enum { MERGE_ROWS_MAX = 1000, MERGED_FIELDS = 7 };
/* The fields that a merge decides, in this order. */
extern const int merged_fields[MERGED_FIELDS];
enum merge_take { STAYS, TAKEN, JOINED };
struct link { /* a reference to people in some room's table */
    const struct resource *res;
    int field;
};
struct merge {
    struct row keep, gone;
    struct val neu[MERGED_FIELDS]; /* of the one that stays, in plain text */
    enum merge_take how[MERGED_FIELDS];
    int64_t keep_logins, gone_logins;
};
struct merge_obstacle {
    const char *code;
    bool (*is)(const struct merge *m);
    struct text text;
};
extern const struct merge_obstacle merge_obstacles[]; /* ends with code == NULL */
/* Loads both within the caller's sight and decides the fields; take: names of fields, separated by
 * commas, that come from the one who goes. E_INVALID with field errors. */
MUST_USE enum err merge_plan(struct ctx *c, struct tx *tx, int64_t keep, int64_t gone,
                             struct str take, struct merge *ret);
/* The rows behind one reference: (id, put away: the one who stays has the same already). */
MUST_USE enum err merge_rows(struct ctx *c, struct tx *tx, const struct merge *m,
                             const struct link *l, struct rows *ret);
/* All references to people, by every room's tables, in their order; the count. */
enum { LINKS_MAX = 64 };
int merge_links(struct link ret[LINKS_MAX]);
/* Field i of merged_fields of a person's row in plain text. */
struct val merge_value(struct ctx *c, const struct row *person, int i);
enum err merge_preview(struct ctx *c, struct req *q);
extern const struct field preview_query[];
enum { PREVIEW_QUERY = 2 };
extern const struct query *const plan_queries[];

/* --- merge.c: doing it, and taking it back --- */
extern const struct resource res_merge_row;
extern const struct query *const merge_queries[];

/* --- duplicates.c --- */
enum err duplicates(struct ctx *c, struct req *q);
extern const struct query *const duplicate_queries[];
