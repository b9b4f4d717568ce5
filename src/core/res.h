/* res.h - a resource is a table of fields with rights; its CRUD, lists, import, export, forms and
 * docs derive from it. A room's hooks are the only hand-written part: prepare (outside the
 * transaction), check and after (inside). Every row belongs to a community; rows of the company
 * itself carry community_id 0. */
#pragma once
#include "core/field.h"

struct app;
struct req;

/* The first fields of every resource, in this order. */
enum {
    R_ID,
    R_COMMUNITY,
    R_VERSION,
    R_CREATED_AT,
    R_CREATED_BY,
    R_UPDATED_AT,
    R_ARCHIVED,
    R_FIRST
};
#define STANDARD_FIELDS                                                                            \
    [R_ID] = {"id", F_ID, SERVER_SET, .label = {"编号", "Id"}},                                    \
    [R_COMMUNITY] = {"community_id", F_REF, CREATE_ONLY, .ref = "communities",                     \
                     .label = {"项目", "Community"}},                                              \
    [R_VERSION] = {"version", F_INT, SERVER_SET, .label = {"版本", "Version"}},                    \
    [R_CREATED_AT] = {"created_at", F_INSTANT, SERVER_SET | FILTER | SORT,                         \
                      .label = {"创建时间", "Created"}},                                           \
    [R_CREATED_BY] = {"created_by", F_REF, SERVER_SET, .ref = "users",                             \
                      .label = {"创建人", "Created by"}},                                          \
    [R_UPDATED_AT] = {"updated_at", F_INSTANT, SERVER_SET, .label = {"更新时间", "Updated"}},      \
    [R_ARCHIVED] = {"archived", F_BOOL, SERVER_SET, .label = {"已归档", "Archived"}}

/* The fields of a resource that holds remarks: the row it is about, what was written, whether the
 * row's own people are told. A remark's id is its event's. */
enum { REMARK_OF = R_FIRST, REMARK_TEXT, REMARK_TOLD, REMARK__N };

/* Who sees which rows of a community: callers with perm see the rows where sql holds (NULL: all
 * rows). :staff and :person in sql stand for the caller's own staff and person ids there,
 * :community for it. The first rule without sql that the caller holds ends the search. */
struct row_rule {
    const char *perm, *sql;
};
enum { RULES_MAX = 4 };

struct action {
    const char *key;
    struct text label;
    const char
        *tone; /* primary, plain, danger; part: offered by a part of the page, not a button */
    const struct field *input; /* names equal to a resource field are stored there; VIRTUAL ones go
                                  to the event only */
    int ninput;
};
struct actor { /* may act: holds perm in the row's community, and is(…) holds when given */
    const char *perm;
    bool (*is)(const struct who *w, const struct row *r);
};
enum { STEP_ACTORS = 3, STEP_SAME = -1 };
struct step {     /* one arrow of a state machine */
    int from, to; /* state codes; to STEP_SAME: stays */
    const char *action;
    struct actor by[STEP_ACTORS]; /* none: only the system */
    /* Does the arrow hold for this row? Also decides whether the action is offered. May be NULL.
     * Pure. */
    bool (*offered)(const struct row *r);
    /* R-rules that need the database or the input; records the fault. May be NULL. */
    enum err (*guard)(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in);
    /* Sets further fields of neu; in holds the action's input by its own field order. May be NULL.
     */
    enum err (*effect)(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                       const struct row *in);
    const char *event; /* topic */
};
struct machine {
    int state_field;
    const struct action *actions;
    int nactions;
    const struct step *steps;
    int nsteps;
};

struct resource {
    const char *name, *path; /* "ticket" = table, "tickets" = address */
    struct text label;
    bool system; /* rows belong to the company (community_id 0) */
    const struct field *fields;
    int nfields;
    const struct index *indexes;
    int nindexes;
    const char *title, *code, *tree; /* field names for lists, the search palette and trees */
    const char *read, *create, *update, *remove; /* permissions; NULL: not through CRUD */
    const struct row_rule *rules; /* besides read; ends with perm == NULL; may be NULL */
    /* Rows where veil.sql does not hold are seen, listed, searched and exported only by holders of
     * veil.perm, whatever else a caller may. Both NULL: nothing is veiled. */
    struct row_rule veil;
    /* mine=1 of a list: those that are the caller's own in this way (:staff, :person as in rules).
     * Asked of lists alone; it shows nothing that he does not see anyway. sql NULL: no such filter.
     */
    struct {
        const char *perm, *sql;
        struct text label;
    } mine;
    const char *default_sort; /* "-created_at"; NULL: "-id" */
    /* Outside the transaction, before a create or update: numbers, hashes. May be NULL. */
    enum err (*prepare)(struct ctx *c, struct app *app, struct row *neu);
    /* Inside: cross-field and cross-row rules, values set by the server. old is NULL on create. May
     * be NULL. */
    enum err (*check)(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu);
    enum err (*after)(struct ctx *c, struct tx *tx, const struct row *old, const struct row *neu);
    /* Sets the columns that follow from others, on every insert and store; row is whole. Pure. May
     * be NULL. */
    void (*derive)(struct row *row);
    /* More JSON members of a single GET, each starting with a comma. May be NULL. */
    enum err (*extra)(struct ctx *c, struct tx *tx, const struct row *r, struct buf *out);
    struct {
        const char *name, *shape;
    } extras[8]; /* the members that extra adds, for OpenAPI (schema.h) */
    const struct machine *machine;
    /* The permission whose holders see this row although they may not read all: they hear of its
     * changes live. May be NULL. */
    const char *(*heard_by)(const struct row *r);
    int staff_field,
        person_field; /* refs to the row's own people (0: none), told about its changes */
    int asked_field; /* ref to a member of staff who is asked something about it (0: none): told too
                      */
    bool quiet;      /* its changes are not worth an event (sessions, counters) */
    bool words;      /* grows large: q= is asked of the word index (core/search.h) */
    int part_of;     /* ref to the row it is a part of (0: none): the palette leads there */
    /* What people write on this row's steps stands there as rows too (REMARK_*), so that it is
     * found; the log stays the truth. May be NULL. */
    const struct resource *remarks;
};

/* --- calls for rooms; inside a unit of work --- */
/* The resource's row by id, any community, no rights asked. E_MISSING without it. */
MUST_USE enum err res_load(struct ctx *c, struct tx *tx, const struct resource *r, int64_t id,
                           struct row *ret);
/* The same within the caller's sight: E_MISSING when it may not be seen. */
MUST_USE enum err res_load_seen(struct ctx *c, struct tx *tx, const struct resource *r, int64_t id,
                                struct row *ret);
/* Checks refs, runs check, fills the standard fields, inserts, runs after, emits "<name>.created".
 * Rights are the caller's business. */
MUST_USE enum err res_insert(struct ctx *c, struct tx *tx, const struct resource *r,
                             struct row *neu);
/* Writes the fields that neu->set names where version is still old's; bumps the version; emits
 * topic (NULL: "<name>.updated") with data (JSON members, may be empty) and the field diff. Runs no
 * hooks but check when topic is NULL. */
MUST_USE enum err res_store(struct ctx *c, struct tx *tx, const struct resource *r,
                            const struct row *old, struct row *neu, const char *topic,
                            struct str data);
/* The same, told in the log as of at_ms (core/late.h); updated_at is the time of recording. */
MUST_USE enum err res_store_at(struct ctx *c, struct tx *tx, const struct resource *r,
                               const struct row *old, struct row *neu, const char *topic,
                               struct str data, int64_t at_ms);
/* For a row written past res_store: nothing of what it said stays in the word index. */
MUST_USE enum err res_words_forget(struct ctx *c, struct tx *tx, int64_t id);
/* The title of a row of r was changed past res_store: rows found by it (a ticket by its place) are
 * looked at anew. */
MUST_USE enum err res_words_renamed(struct ctx *c, struct tx *tx, const struct resource *r,
                                    int64_t community_id, int64_t id);
/* After rows came in bulk, past res_insert: they are found from now on. */
MUST_USE enum err res_words_fill(struct ctx *c, struct tx *tx);

/* Every set F_REF of row points to a live row of the same community or of the system; field errors
 * otherwise. */
MUST_USE enum err res_check_refs(struct ctx *c, struct tx *tx, const struct field *fields, int n,
                                 const struct row *row, int64_t community_id);

/* The text of ENCRYPTED field i of a loaded row; empty when it is NULL or cannot be opened. */
struct str encrypted_open(struct ctx *c, const struct resource *r, const struct row *row, int i);

/* The values of the index beside ENCRYPTED field i under which value is found in a community; how
 * many. */
int encrypted_find(struct ctx *c, const struct resource *r, int i, int64_t community_id,
                   struct str value, struct str ret[8]);

/* Rows of a query that selects all fields of a resource in order: at most max, and no more once
 * their texts exceed text_max bytes; more: there were others. */
struct res_page {
    struct row *rows;
    size_t n;
    bool more;
};
MUST_USE enum err res_rows(struct ctx *c, struct tx *tx, const struct query *q,
                           const struct val *in, size_t nin, size_t max, size_t text_max,
                           struct res_page *ret);

enum render_flags { RENDER_ACTIONS = 1 };
/* One row as the caller may see it: {"id":…}, members per field table, masked where due. */
void res_render(struct ctx *c, const struct resource *r, const struct row *row, unsigned flags,
                struct buf *out);
/* ,"actions":[…] for this caller. */
void flow_actions_json(struct ctx *c, const struct resource *r, const struct row *row,
                       struct buf *out);
/* ,"refs":{…} display names of everything rows point to. */
MUST_USE enum err res_refs_json(struct ctx *c, struct tx *tx, const struct resource *r,
                                const struct row *rows, size_t n, struct buf *out);

/* Performs action on the row: state, rights, input, guard, effect, update, event — all or nothing.
 * c->who NULL: the system. version 0: not checked. With happened_at in the input the step is
 * taken as of that instant where late.h allows it. On success *row is the new row. */
MUST_USE enum err flow_act(struct ctx *c, struct tx *tx, const struct resource *r, struct row *row,
                           const char *action, const struct json *input, int64_t version);
/* The same for an action whose input is already a row of the action's own fields (the system,
 * demos, imports). */
MUST_USE enum err flow_act_row(struct ctx *c, struct tx *tx, const struct resource *r,
                               struct row *row, const char *action, const struct row *in,
                               int64_t version);
