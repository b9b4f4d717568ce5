/* search.c - keeping and asking the word index (search.h). */
#include "core/search.h"

#include "core/core.h"

enum {
    STEP_ROWS = 200,  /* indexed in one transaction: other writers wait for it */
    FRESH_MAX = 5000, /* stale lines looked at by one question, newest first */
    FEW_MAX = 20000   /* so many hits are looked up and sorted */
};

static const struct query Q_STALE = {
    "search.stale", "INSERT INTO search_doc (id, community_id, resource, grams, stale) VALUES ($1, "
                    "$2, $3, NULL, 1) ON CONFLICT (id) DO UPDATE SET stale = 1"};
static const struct query Q_DUE = {
    "search.due",
    "SELECT id, resource, grams FROM search_doc WHERE stale = 1 ORDER BY id LIMIT $1"};
static const struct query Q_WORDS = {"search.words",
                                     "UPDATE search_doc SET grams = $2, stale = 0 WHERE id = $1"};
static const struct query Q_SAID = {"search.said", "SELECT grams FROM search_doc WHERE id = $1"};
static const struct query Q_FORGET = {
    "search.forget", "UPDATE search_doc SET grams = NULL, stale = 1 WHERE id = $1"};
const struct query *const search_queries[] = {&Q_STALE, &Q_DUE, &Q_WORDS, &Q_SAID, &Q_FORGET, NULL};

/* --- keeping --- */

static bool is_indexed(const struct res_rt *rt, int i)
{
    return rt->search_f & BIT(i) && !(rt->r->fields[i].flags & (PERSONAL | ENCRYPTED));
}

/* Lines of rows that are found by the title of this one are stale with it. */
enum err res_words_renamed(struct ctx *c, struct tx *tx, const struct resource *r,
                           int64_t community_id, int64_t id)
{
    const struct resource *const *list;
    int nlist = app_resources(&list);
    for (int k = 0; k < nlist; k++)
        for (int i = R_FIRST; list[k]->words && i < list[k]->nfields; i++) {
            const struct field *f = &list[k]->fields[i];
            if (f->type != F_REF || !(f->flags & SEARCH) || !str_eqz(str_of(f->ref), r->path))
                continue;
            const struct query *q = db_intern(
                tx_db(tx), S("search.renamed"),
                arena_fmt(c->mem,
                          "UPDATE search_doc SET stale = 1 WHERE stale = 0 AND id IN (SELECT id "
                          "FROM %s WHERE community_id = $1 AND %s = $2)",
                          list[k]->name, f->name));
            TRY(q ? q_do(c, tx, q, IN(v_int(community_id), v_int(id)), NULL) : E_BUSY);
        }
    return E_OK;
}

enum err search_touch(struct ctx *c, struct tx *tx, const struct resource *r, const struct row *old,
                      const struct row *row)
{
    const struct res_rt *rt = rt_of(r);
    bool changed = !old;
    if (old && rt->title_f >= 0 && !val_eq(old->v[rt->title_f], row->v[rt->title_f]))
        TRY(res_words_renamed(c, tx, r, row_int(row, R_COMMUNITY), row_int(row, R_ID)));
    if (!r->words)
        return E_OK;
    for (int i = R_FIRST; i < r->nfields && !changed; i++)
        changed = is_indexed(rt, i) && !val_eq(old->v[i], row->v[i]);
    return !changed ? E_OK
                    : q_send(c, tx, &Q_STALE,
                             IN(row->v[R_ID], row->v[R_COMMUNITY], v_text(str_of(r->name))));
}

enum err res_words_forget(struct ctx *c, struct tx *tx, int64_t id)
{
    struct val old;
    enum err e = q_one(c, tx, &Q_SAID, IN(v_int(id)), &old, 1);
    if (e != E_OK)
        return e == E_MISSING ? E_OK : e;
    TRY(db_words_moved(c, tx, "search_doc", "grams", id, old, v_null()));
    return q_send(c, tx, &Q_FORGET, IN(v_int(id)));
}

enum err res_words_fill(struct ctx *c, struct tx *tx)
{
    const struct resource *const *list;
    int n = app_resources(&list);
    for (int i = 0; i < n; i++) {
        if (!list[i]->words)
            continue;
        const struct query *q = db_intern(
            tx_db(tx), S("search.fill"),
            arena_fmt(
                c->mem,
                "INSERT INTO search_doc (id, community_id, resource, grams, stale) SELECT id, "
                "community_id, '%s', NULL, 1 FROM %s WHERE true ON CONFLICT (id) DO NOTHING",
                list[i]->name, list[i]->name));
        TRY(q ? q_do(c, tx, q, IN0, NULL) : E_BUSY);
    }
    return E_OK;
}

/* What every line of a resource in a community holds besides its words: '_' is in no word. */
static struct str mark_of(struct arena *a, const struct resource *r, int64_t community_id)
{
    return arena_fmt(a, "_%s_%lld", r->name, (long long)community_id);
}

/* What a field says: its text, or the title of the row it points to. */
static enum err text_said(struct ctx *c, struct tx *tx, const struct resource *r, int i,
                          const struct row *row, struct str *ret)
{
    const struct field *f = &r->fields[i];
    struct val title = v_null();
    if (f->type != F_REF) {
        *ret = row_str(row, i);
        return E_OK;
    }
    *ret = (struct str){0};
    if (!row_has(row, i))
        return E_OK;
    const struct resource *to = app_resource(str_of(f->ref));
    const struct query *q =
        db_intern(tx_db(tx), S("search.title"),
                  arena_fmt(c->mem, "SELECT %s FROM %s WHERE id = $1", to->title, to->name));
    enum err e = q ? q_one(c, tx, q, IN(row->v[i]), &title, 1) : E_BUSY;
    if (e != E_OK)
        return e == E_MISSING ? E_OK : e;
    *ret = val_str(title);
    return E_OK;
}

static enum err line_index(struct ctx *c, struct tx *tx, int64_t id, struct str resource,
                           struct val old)
{
    const struct resource *r = app_resource(resource);
    const struct res_rt *rt = rt_of(r);
    struct row row;
    struct str texts[ROW_FIELDS_MAX];
    size_t n = 0;
    TRY(res_load(c, tx, r, id, &row));
    for (int i = R_FIRST; i < r->nfields; i++)
        if (is_indexed(rt, i))
            TRY(text_said(c, tx, r, i, &row, &texts[n++]));
    struct str words = grams_of(c->mem, texts, n);
    words = arena_fmt(c->mem, PRS " " PRS, PRA(mark_of(c->mem, r, row_int(&row, R_COMMUNITY))),
                      PRA(words));
    TRY(db_words_moved(c, tx, "search_doc", "grams", id, old, v_text(words)));
    return q_send(c, tx, &Q_WORDS, IN(v_int(id), v_text(words)));
}

static enum err step_run(struct ctx *c, struct tx *tx, void *arg)
{
    struct rows due;
    TRY(q_rows(c, tx, &Q_DUE, IN(v_int(STEP_ROWS)), STEP_ROWS, &due));
    for (size_t i = 0; i < due.n; i++)
        TRY(line_index(c, tx, val_int(due.v[3 * i]), val_str(due.v[3 * i + 1]), due.v[3 * i + 2]));
    *(bool *)arg = due.n == STEP_ROWS;
    return due.n < STEP_ROWS ? db_words_settle(c, tx, "search_doc") : E_OK;
}

enum err search_step(struct ctx *c, struct app *app, struct str data, bool *ret_more)
{
    (void)data;
    return db_write(app->db, c, step_run, ret_more);
}

enum err search_settle(struct ctx *c, struct app *app)
{
    struct arena *mem = arena_new(ARENA_REPORT_BYTES);
    struct ctx step = {.mem = mem, .now_ms = c->now_ms};
    bool more = true;
    enum err e = E_OK;
    while (e == E_OK && more) {
        e = search_step(&step, app, (struct str){0}, &more);
        arena_reset(mem);
    }
    arena_free(mem);
    return e == E_OK ? e : FAIL(c, e, "搜索索引没有建成", "the search index could not be made");
}

struct lost { /* rows of one resource that have no line */
    const struct resource *r;
    tell_fn tell;
    void *arg;
};

static enum err lost_row(struct ctx *c, const struct val *row, int ncol, void *arg)
{
    const struct lost *l = arg;
    (void)ncol;
    l->tell(l->arg, val_int(row[0]),
            arena_fmt(c->mem, "%s without a line in the search index", l->r->name));
    return E_OK;
}

static enum err lost_read(struct ctx *c, struct tx *tx, void *arg)
{
    const struct lost *l = arg;
    const struct query *q = db_intern(
        tx_db(tx), S("search.lost"),
        arena_fmt(c->mem,
                  "SELECT id FROM %s t WHERE NOT EXISTS (SELECT 1 FROM search_doc d WHERE d.id = "
                  "t.id) LIMIT 50",
                  l->r->name));
    return q ? q_each(c, tx, q, IN0, lost_row, arg) : E_BUSY;
}

enum err search_verify(struct ctx *c, struct app *app, tell_fn tell, void *arg)
{
    const struct resource *const *list;
    int n = app_resources(&list);
    for (int i = 0; i < n; i++) {
        struct lost l = {list[i], tell, arg};
        if (list[i]->words)
            TRY(db_read(app->db, c, lost_read, &l));
    }
    return E_OK;
}

/* --- asking --- */

static void push(struct buf *sql, struct sql_args *args, struct val v)
{
    ASSERT(args->n < COUNT_OF(args->v));
    args->v[args->n++] = v;
    buf_fmt(sql, "$%zu", args->n);
}

/* Personal fields are numbers and answer to their whole value only, and are in no index: a question
 * with letters or digits is asked of the rows themselves. */
static bool may_be_personal(const struct res_rt *rt, const struct word *w, size_t n)
{
    bool personal = false, ascii = false;
    for (int i = 0; i < rt->r->nfields; i++)
        personal |= rt->search_f & BIT(i) && !is_indexed(rt, i);
    for (size_t i = 0; i < n; i++)
        ascii |= (unsigned char)w[i].text.p[0] < 0x80;
    return personal && ascii;
}

static void hits_sql(struct ctx *c, struct db *db, const struct list_spec *s, struct buf *sql,
                     struct sql_args *args)
{
    ASSERT(args->n < COUNT_OF(args->v) && s->window.t == V_TEXT);
    args->v[args->n++] = s->window;
    buf_put(sql, db_words_hits(db, c->mem, "search_doc", "grams", (int)args->n));
}

enum err search_window(struct ctx *c, struct tx *tx, const struct res_rt *rt, struct list_spec *s,
                       int64_t want, int64_t *before, bool *ret_last)
{
    struct words_window window;
    struct word w[GRAMS_ASKED_MAX + 1];
    size_t n = grams_ask(c->mem, s->q, w);
    w[n++] = (struct word){mark_of(c->mem, rt->r, s->community_id), false};
    TRY(db_words_window(c, tx, "search_doc", "grams", w, n, *before, want, &window));
    s->window = window.ask;
    *before = window.from;
    *ret_last = window.last;
    return E_OK;
}

enum err search_all(struct ctx *c, struct tx *tx, const struct res_rt *rt, struct list_spec *s)
{
    int64_t before = INT64_MAX;
    bool last;
    bool found = s->window.t == V_TEXT; /* while it was planned: few, so all of them */
    return s->by == BY_FEW && !found ? search_window(c, tx, rt, s, 0, &before, &last) : E_OK;
}

static enum err few_hits(struct ctx *c, struct tx *tx, const struct res_rt *rt, struct list_spec *s,
                         bool *ret)
{
    int64_t before = INT64_MAX;
    struct buf sql;
    struct sql_args args = {.n = 0};
    struct val n;
    TRY(search_window(c, tx, rt, s, FEW_MAX + 1, &before, ret));
    if (!*ret || s->window.t != V_TEXT)
        return E_OK;
    buf_init(&sql, c->mem, 2000);
    buf_put(&sql, S("SELECT count(*) FROM (SELECT hit FROM ("));
    hits_sql(c, tx_db(tx), s, &sql, &args);
    buf_fmt(&sql, ") h LIMIT %d) few", FEW_MAX + 1);
    const struct query *q = db_query(tx_db(tx), c->mem, S("search.few"), buf_str(&sql));
    TRY(q_one(c, tx, q, args.v, args.n, &n, 1));
    *ret = val_int(n) <= FEW_MAX;
    return E_OK;
}

enum err search_plan(struct ctx *c, struct tx *tx, const struct res_rt *rt, struct list_spec *s)
{
    struct word w[GRAMS_ASKED_MAX];
    size_t n = rt->r->words && s->q.n ? grams_ask(c->mem, s->q, w) : 0;
    bool few;
    s->by = BY_ROWS;
    /* Who sees only rows of his own has few of them; among all hits they would be looked for long.
     */
    bool all = !c->who || who_may_i(c->who, rt->read_i, s->community_id);
    if (!n || !all || may_be_personal(rt, w, n))
        return E_OK;
    if (s->sort == R_ID && s->desc) {
        s->by = BY_HIT;
        return E_OK;
    }
    TRY(few_hits(c, tx, rt, s, &few));
    s->by = few ? BY_FEW : BY_ROWS;
    return E_OK;
}

static void fresh_sql(const struct res_rt *rt, const struct list_spec *s, struct buf *sql,
                      struct sql_args *args)
{
    buf_put(sql, S("SELECT id FROM (SELECT id FROM search_doc WHERE stale = 1 AND resource = "));
    push(sql, args, v_text(str_of(rt->r->name)));
    buf_put(sql, S(" AND community_id = "));
    push(sql, args, v_int(s->community_id));
    buf_fmt(sql, " ORDER BY id DESC LIMIT %d) fresh", FRESH_MAX);
}

void search_from_sql(struct ctx *c, struct db *db, const struct res_rt *rt,
                     const struct list_spec *s, struct buf *sql, struct sql_args *args)
{
    if (s->by != BY_HIT) {
        buf_putz(sql, rt->r->name);
        return;
    }
    struct buf hits;
    buf_init(&hits, c->mem, 4000);
    hits_sql(c, db, s, &hits, args);
    buf_put(sql, db_words_join(db, c->mem, buf_str(&hits), rt->r->name));
}

void search_where_sql(struct ctx *c, struct db *db, const struct res_rt *rt,
                      const struct list_spec *s, struct buf *sql, struct sql_args *args)
{
    if (s->by == BY_HIT)
        buf_put(sql, S(" AND id = hit"));
    if (s->by != BY_FEW && s->by != BY_FRESH)
        return;
    buf_put(sql, S(" AND id IN ("));
    if (s->by == BY_FEW && s->window.t == V_TEXT) {
        buf_put(sql, S("SELECT hit FROM ("));
        hits_sql(c, db, s, sql, args);
        buf_put(sql, S(") h UNION ALL "));
    }
    fresh_sql(rt, s, sql, args);
    buf_putc(sql, ')');
}
