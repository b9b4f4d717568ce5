/* demo_in.h - what the files of the demo share. All rows are made in memory first, in the order of
 * their times, so that ids grow with time; one transaction then writes them in bulk. Nothing here
 * is random but through demo.g: the same seed and day give the same community. */
#pragma once
#include "base/crypto.h"
#include "core/event.h"
#include "main/demo.h"
#include "rooms/service/service.h"

enum { CHUNK_ROWS = 400, TOWNS = 2, BUILDINGS_MAX = 256 };
#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)

struct rowset { /* the rows of one table, in chunks so that a row never moves */
    const char *table;
    const char *columns[ROW_FIELDS_MAX];
    int ncol;
    struct chunk {
        struct chunk *next;
        size_t n;
        struct val v[];
    } * first, *last;
    size_t n;
};

struct resident {
    int64_t id;
    struct str name, phone;
    int tier;
    const struct account *account; /* NULL: no login */
};
struct stay { /* who lives in a unit from when to when, in days since 1970 */
    struct stay *next;
    struct resident *who;
    int64_t from, to; /* to 0: until now */
    int relation;
    struct val *row; /* its row, to be ended there too */
};
struct place {
    int64_t id;
    struct str path, code;
    int kind; /* enum space_kind */
    int building;
    struct stay *stays;
};
struct places {
    struct place *v;
    size_t n;
};
struct thing { /* of the equipment ledger */
    int64_t id, space_id;
    int system;
    bool sign; /* a QR sign hangs on it */
};
struct things {
    struct thing *v;
    size_t n;
};
struct account {
    int64_t user_id;
    struct str login, name;
};
enum {
    ROLE_MANAGER,
    ROLE_DESK,
    ROLE_DISPATCHER,
    ROLE_WORKER,
    ROLE_CASHIER,
    ROLE_RESIDENT,
    ROLE_ADMIN,
    ROLE_SECURITY,
    ROLE_AUDITOR,
    ROLE__N
};
struct member { /* of the staff */
    int64_t id;
    int role;
    unsigned skills; /* bits of the skill table */
    const struct account *account;
};
enum { MEMBERS_MAX = 40, SKILLS_MAX = 12, CATEGORIES_MAX = 48 };
struct town {
    int64_t id;
    const char *name;
    int households;
    bool main;         /* the one with the accounts people know */
    int64_t contracts; /* given a number so far */
    struct places units, entrances, areas, plants, parking, shops;
    struct things things;
    struct member members[MEMBERS_MAX];
    int nmembers;
    int64_t skills[SKILLS_MAX], categories[CATEGORIES_MAX];
    struct resident *known[2]; /* resident1, resident2 */
    struct place *known_home[2];
};
struct draft_event {
    int64_t at_ms, community_id, ticket_id;
    int seq;
    const char *topic;
    const struct account *by; /* NULL: the system */
    struct str data;
};
struct demo {
    struct ctx *c;
    struct app *app;
    struct arena *mem;
    struct prng g;
    struct demo_size size;
    int64_t now_ms, start_ms;
    int64_t today; /* days since 1970, in the community's zone */
    const struct zone *z;
    struct workcal calendar; /* of a community that changed nothing */
    struct class_seed *classes;
    size_t nclasses;
    char password[PASSWORD_HASH_MAX];
    int64_t company_id, branch_id;
    struct town towns[TOWNS];
    struct rowset users, grants, spaces, people, identities, stays, departments, posts, skills,
        staff, staff_skills, shifts, categories, assets, tickets, pauses, ratings, events, series;
    struct draft_event *log;
    size_t nlog, caplog;
    int phones, plates;
    struct buf json, line; /* scratch of the events */
    struct {               /* grants wait for the ids of the roles, which the database knows */
        struct val *row;
        int role;
    } waiting[400];
    int nwaiting;
};

/* demo.c */
struct val *row_new(struct demo *d, struct rowset *s, int64_t community_id, int64_t created_ms);
struct val *row_raw(struct demo *d, struct rowset *s); /* of a table that is no resource */
int pick(struct demo *d, int lo, int hi);              /* lo … hi */
bool chance(struct demo *d, int per_mille);
/* Starts the random numbers of one thing anew, so that a later hour of the day changes only what
 * happened since. */
void reseed(struct demo *d, const struct town *t, int what);
struct str text_of(struct demo *d, const char *f, ...) FMT(2, 3);
const struct account *account_new(struct demo *d, const char *login, struct str name, int home);
void grant_new(struct demo *d, const struct account *a, int role, int scope, int64_t scope_id,
               int64_t staff_id, int64_t person_id);
void progress(const char *what, size_t n);
/* demo_names.c */
struct str person_name(struct demo *d);
struct str phone_new(struct demo *d); /* plausible, of prefixes given to no operator */
struct str plate_new(struct demo *d); /* of a letter given to no city */
/* demo_places.c: the space tree. */
void places_make(struct demo *d, struct town *t);
/* demo_people.c: who lives there and who did. */
void people_make(struct demo *d, struct town *t);
/* demo_staff.c: departments, posts, staff with logins, skills, shifts, categories. */
void staff_make(struct demo *d, struct town *t);
const struct member *member_with(struct demo *d, const struct town *t, int role,
                                 int skill); /* skill -1: any */
/* demo_assets.c: the equipment ledger. */
void assets_make(struct demo *d, struct town *t);
/* What of it a problem of this category at this place is about; of several it is the lot's. 0:
 * nothing. */
int64_t asset_of(const struct town *t, int category, int64_t space_id, int lot);
MUST_USE enum err signs_write(struct ctx *c, struct tx *tx, const struct demo *d);
/* demo_tickets.c */
void tickets_make(struct demo *d, struct town *t);
/* demo_privacy.c */
void privacy_make(struct demo *d);
MUST_USE enum err privacy_write(struct ctx *c, struct tx *tx, struct demo *d);
/* demo_loops.c */
MUST_USE enum err loops_write(struct ctx *c, struct tx *tx, struct demo *d);
MUST_USE enum err told_is_seen(struct ctx *c, struct tx *tx);
/* demo_handbook.c */
MUST_USE enum err handbook_write(struct ctx *c, struct tx *tx, struct demo *d);
/* demo_mail.c */
MUST_USE enum err mail_write(struct ctx *c, struct tx *tx, struct demo *d);
