/* pages_seed.c - the handbook a community starts with: a page for each of the six kinds, its four
 * steps (G3.3), first-contact responsibility (G3.2). Shipped as two tables (data/). A new community
 * has them in force from its first day; one from before gets drafts, because what its staff must
 * read is the manager's to say. */
#include "core/csv.h"
#include "core/shipped.h"
#include "rooms/estate/estate.h"
#include "rooms/handbook/room.h"

enum { PC_KIND, PC_POST, PC_TITLE, PC_TITLE_EN, PC_PURPOSE, PC_PURPOSE_EN, PC__N };
enum {
    SC_KIND,
    SC_NAME,
    SC_NAME_EN,
    SC_POST,
    SC_WHAT,
    SC_WHAT_EN,
    SC_STANDARD,
    SC_STANDARD_EN,
    SC_CLOCK,
    SC__N
};

static const struct query Q_POST_NAMED = {
    "handbook.post_named",
    "SELECT id FROM post WHERE community_id = $1 AND name = $2 AND archived = 0"};
static const struct query Q_HAS_PAGE = {
    "handbook.has_page", "SELECT id FROM handbook_page WHERE community_id = $1 LIMIT 1"};
static const struct query Q_NO_PAGES = {
    "handbook.no_pages",
    "SELECT c.id FROM community c WHERE NOT EXISTS (SELECT 1 FROM handbook_page p WHERE "
    "p.community_id = c.id) ORDER BY c.id LIMIT 10000"};
const struct query *const page_seed_queries[] = {&Q_POST_NAMED, &Q_HAS_PAGE, &Q_NO_PAGES, NULL};

struct seeding {
    int64_t community;
    bool in_force;
    struct str from; /* the day it is in force from */
    int64_t pages[KIND__END];
    int64_t steps[KIND__END]; /* how many so far */
};

static struct str table(const char *path)
{
    for (size_t i = 0; i < nshipped; i++)
        if (str_eqz(str_of(path), shipped[i].path))
            return shipped[i].text;
    return (struct str){0};
}

/* The post of this name; a new community gets it, an older one has posts of its own. */
static enum err post_named(struct ctx *c, struct tx *tx, const struct seeding *s, struct str name,
                           struct val *ret)
{
    struct row row = {0};
    enum err e = q_one(c, tx, &Q_POST_NAMED, IN(v_int(s->community), v_text(name)), ret, 1);
    if (e != E_MISSING)
        return e;
    *ret = v_null();
    if (!s->in_force)
        return E_OK;
    row_put(&row, R_COMMUNITY, v_int(s->community));
    row_put(&row, PO_NAME, v_text(name));
    TRY(res_insert(c, tx, &res_post, &row));
    *ret = row.v[R_ID];
    return E_OK;
}

enum err post_for_seed(struct ctx *c, struct tx *tx, int64_t community, struct str name,
                       struct val *ret)
{
    struct seeding s = {.community = community, .in_force = true};
    return post_named(c, tx, &s, name, ret);
}

typedef enum err (*line_fn)(struct ctx *c, struct tx *tx, struct seeding *s,
                            const struct str *cells);

static enum err each_line(struct ctx *c, struct tx *tx, struct seeding *s, const char *path,
                          size_t ncells, line_fn fn)
{
    struct csv csv;
    bool more;
    csv_open(&csv, c->mem, table(path), ',');
    TRY(csv_next(c, &csv, &more)); /* the heads */
    for (;;) {
        struct str cells[SC__N];
        TRY(csv_next(c, &csv, &more));
        if (!more)
            return E_OK;
        ASSERT((size_t)csv.n == ncells && ncells <= SC__N);
        for (size_t i = 0; i < ncells; i++)
            cells[i] = str_dup(c->mem, csv.cells[i]);
        TRY(fn(c, tx, s, cells));
    }
}

static int kind_of(struct str key)
{
    const struct choice *kind = choice_of_key(ticket_kinds, key);
    ASSERT(kind); /* our own table */
    return kind->code;
}

static enum err seed_page(struct ctx *c, struct tx *tx, struct seeding *s, const struct str *cells)
{
    struct row row = {0};
    struct val post;
    int kind = kind_of(cells[PC_KIND]);
    TRY(post_named(c, tx, s, cells[PC_POST], &post));
    row_put(&row, R_COMMUNITY, v_int(s->community));
    row_put(&row, HP_KIND, v_int(kind));
    row_put(&row, HP_POST, post);
    row_put(&row, HP_TITLE, v_text(cells[PC_TITLE]));
    row_put(&row, HP_TITLE_EN, v_text(cells[PC_TITLE_EN]));
    row_put(&row, HP_PURPOSE, v_text(cells[PC_PURPOSE]));
    row_put(&row, HP_PURPOSE_EN, v_text(cells[PC_PURPOSE_EN]));
    TRY(res_insert(c, tx, &res_handbook_page, &row));
    s->pages[kind] = row_int(&row, R_ID);
    return E_OK;
}

static enum err seed_step(struct ctx *c, struct tx *tx, struct seeding *s, const struct str *cells)
{
    struct row row = {0};
    struct val post;
    const struct choice *clock = choice_of_key(sla_clocks, cells[SC_CLOCK]);
    int kind = kind_of(cells[SC_KIND]);
    TRY(post_named(c, tx, s, cells[SC_POST], &post));
    row_put(&row, R_COMMUNITY, v_int(s->community));
    row_put(&row, HS_PAGE, v_int(s->pages[kind]));
    row_put(&row, HS_POSITION, v_int(++s->steps[kind]));
    row_put(&row, HS_NAME, v_text(cells[SC_NAME]));
    row_put(&row, HS_NAME_EN, v_text(cells[SC_NAME_EN]));
    row_put(&row, HS_POST, post);
    row_put(&row, HS_WHAT, v_text(cells[SC_WHAT]));
    row_put(&row, HS_WHAT_EN, v_text(cells[SC_WHAT_EN]));
    row_put(&row, HS_STANDARD, v_text(cells[SC_STANDARD]));
    row_put(&row, HS_STANDARD_EN, v_text(cells[SC_STANDARD_EN]));
    row_put(&row, HS_CLOCK, clock ? v_int(clock->code) : v_null());
    return res_insert(c, tx, &res_handbook_step, &row);
}

static enum err put_in_force(struct ctx *c, struct tx *tx, const struct seeding *s)
{
    for (int k = KIND_REPAIR; k < KIND__END; k++) {
        struct row old, neu = {0};
        TRY(res_load(c, tx, &res_handbook_page, s->pages[k], &old));
        row_put(&neu, HP_STATE, v_int(PAGE_IN_FORCE));
        row_put(&neu, HP_FROM, v_text(s->from));
        TRY(res_store(c, tx, &res_handbook_page, &old, &neu, "handbook_page.published",
                      (struct str){0}));
    }
    return E_OK;
}

static enum err seed_all(struct ctx *c, struct tx *tx, struct seeding *s)
{
    TRY(each_line(c, tx, s, "handbook/pages.csv", PC__N, seed_page));
    TRY(each_line(c, tx, s, "handbook/steps.csv", SC__N, seed_step));
    return s->in_force ? put_in_force(c, tx, s) : E_OK;
}

enum err handbook_pages(struct ctx *c, struct tx *tx, int64_t community)
{
    struct val id;
    struct row town;
    enum err e = q_one(c, tx, &Q_HAS_PAGE, IN(v_int(community)), &id, 1);
    if (e != E_MISSING)
        return e;
    TRY(res_load(c, tx, &res_community, community, &town));
    struct seeding s = {
        .community = community,
        .in_force = true,
        .from = date_text(c->mem, zone_date(app_zone(community), row_int(&town, R_CREATED_AT)))};
    return seed_all(c, tx, &s);
}

enum err handbook_drafts(struct ctx *c, struct tx *tx)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_NO_PAGES, IN0, 10000, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct seeding s = {.community = val_int(rows.v[i])};
        TRY(seed_all(c, tx, &s));
    }
    return E_OK;
}
