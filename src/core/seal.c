/* seal.c - the hash chain over the event log, see seal.h. A row's bytes are its columns, each with
 * its length before it, so no two different rows read alike. The places follow the order of
 * sealing, not of ids: ids commit out of order where several nodes write. */
#include "core/seal.h"

#include "base/crypto.h"
#include "base/log.h"
#include "core/core.h"
#include "core/key.h"

enum { UNIT_ROWS = 200, PAGE_ROWS = 1000, COLUMNS = 9, CHAINS_MAX = 100000 };
#define USE_SIGN "anjuseal"
/* Before the first row. */
#define GENESIS "0000000000000000000000000000000000000000000000000000000000000000"

#define ROW_COLUMNS "community_id, id, at, topic, subject, subject_id, user_id, user_name, data"
static const struct query Q_OPEN = {
    "seal.open", "SELECT " ROW_COLUMNS " FROM event WHERE position IS NULL ORDER BY community_id, "
                 "id LIMIT 200"};
static const struct query Q_ANY = {"seal.any",
                                   "SELECT id FROM event WHERE position IS NULL LIMIT 1"};
static const struct query Q_END = {
    "seal.end",
    "SELECT length, head, sign FROM event_chain WHERE community_id = $1 /*pg:FOR UPDATE*/"};
static const struct query Q_END_READ = {
    "seal.end_read", "SELECT length, head, sign FROM event_chain WHERE community_id = $1"};
static const struct query Q_SEAL = {
    "seal.row", "UPDATE event SET position = $2, seal = $3 WHERE id = $1 AND position IS NULL"};
static const struct query Q_PUT = {
    "seal.put",
    "INSERT INTO event_chain (community_id, length, head, sign, at) VALUES ($1, $2, $3, "
    "$4, $5) ON CONFLICT (community_id) DO UPDATE SET length = excluded.length, head = "
    "excluded.head, sign = excluded.sign, at = excluded.at"};
static const struct query Q_CHAINS = {"seal.chains",
                                      "SELECT community_id FROM event_chain ORDER BY community_id"};
static const struct query Q_PAGE = {
    "seal.page", "SELECT " ROW_COLUMNS ", position, seal FROM event WHERE community_id = $1 AND "
                 "position > $2 AND position IS NOT NULL ORDER BY position LIMIT 1000"};
static const struct query Q_STRAY = {
    "seal.stray", "SELECT DISTINCT e.community_id FROM event e WHERE e.position = 1 AND NOT EXISTS "
                  "(SELECT 1 FROM event_chain c WHERE c.community_id = e.community_id) LIMIT 50"};
const struct query *const seal_queries[] = {&Q_OPEN, &Q_ANY,    &Q_END,  &Q_END_READ, &Q_SEAL,
                                            &Q_PUT,  &Q_CHAINS, &Q_PAGE, &Q_STRAY,    NULL};

/* --- one row --- */

static void hash_value(struct hasher *h, struct val v)
{
    char number[INT_TEXT], length[INT_TEXT];
    if (v.t == V_NULL) {
        hasher_add(h, "-", 1);
        return;
    }
    struct str text = v.t == V_INT ? int_text(number, v.i) : val_str(v);
    struct str n = int_text(length, (int64_t)text.n);
    hasher_add(h, n.p, n.n);
    hasher_add(h, ":", 1);
    hasher_add(h, text.p, text.n);
}

static struct str seal_of(struct arena *a, struct str before, int64_t position,
                          const struct val *row)
{
    struct hasher *h = hasher_new(a);
    uint8_t sum[HASH_BYTES];
    hash_value(h, v_text(before));
    hash_value(h, v_int(position));
    for (int i = 0; i < COLUMNS; i++)
        hash_value(h, row[i]);
    hasher_end(h, sum);
    return hex_of(a, sum, sizeof sum);
}

/* --- the end of a chain --- */

struct end {
    int64_t community_id, length;
    struct str head, sign;
};

static struct str end_text(struct arena *a, const struct end *e)
{
    return arena_fmt(a, "%lld %lld " PRS, (long long)e->community_id, (long long)e->length,
                     PRA(e->head));
}

static enum err end_put(struct ctx *c, struct tx *tx, struct end *e)
{
    struct val sign = v_null();
    if (keys_ready()) {
        TRY(key_sign(c, USE_SIGN, end_text(c->mem, e), &e->sign));
        sign = v_text(e->sign);
    }
    return q_send(
        c, tx, &Q_PUT,
        IN(v_int(e->community_id), v_int(e->length), v_text(e->head), sign, v_int(c->now_ms)));
}

static enum err end_read(struct ctx *c, struct tx *tx, const struct query *q, int64_t community_id,
                         struct end *ret)
{
    struct val v[3];
    *ret = (struct end){.community_id = community_id, .head = S(GENESIS)};
    enum err e = q_one(c, tx, q, IN(v_int(community_id)), v, 3);
    if (e == E_MISSING)
        return E_OK;
    TRY(e);
    *ret = (struct end){community_id, val_int(v[0]), val_str(v[1]), val_str(v[2])};
    return E_OK;
}

static enum err end_get(struct ctx *c, struct tx *tx, int64_t community_id, struct end *ret)
{
    TRY(end_read(c, tx, &Q_END, community_id, ret));
    /* Somebody wrote an end that the key did not sign: adding to it would sign his history. */
    if (ret->sign.n && keys_ready() &&
        !key_signed(c->mem, USE_SIGN, end_text(c->mem, ret), ret->sign))
        return FAIL(c, E_STATE, "事件链末端签名不符,请运行 anju check",
                    "the signature at the end of an event chain is wrong; run anju check");
    return E_OK;
}

/* --- sealing --- */

struct sealing {
    int64_t sealed;
};

static enum err seal_unit(struct ctx *c, struct tx *tx, void *arg)
{
    struct sealing *s = arg;
    struct rows rows;
    struct end end = {.community_id = -1};
    s->sealed = 0;
    TRY(q_rows(c, tx, &Q_OPEN, IN0, UNIT_ROWS, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *row = rows.v + i * (size_t)rows.ncol;
        if (val_int(row[0]) != end.community_id) {
            if (end.community_id >= 0)
                TRY(end_put(c, tx, &end));
            TRY(end_get(c, tx, val_int(row[0]), &end));
        }
        end.head = seal_of(c->mem, end.head, ++end.length, row);
        TRY(q_send(c, tx, &Q_SEAL, IN(row[1], v_int(end.length), v_text(end.head))));
    }
    if (rows.n)
        TRY(end_put(c, tx, &end));
    s->sealed = (int64_t)rows.n;
    return E_OK;
}

static enum err any_open(struct ctx *c, struct tx *tx, void *arg)
{
    struct val id;
    (void)arg;
    return q_one(c, tx, &Q_ANY, IN0, &id, 1);
}

static int64_t seal_open(struct app *app, int64_t now_ms, enum err *ret_err)
{
    struct arena *mem = arena_new(ARENA_REPORT_BYTES);
    struct ctx c = {.mem = mem, .now_ms = now_ms, .lang = LANG_EN, .trace_id = "seal"};
    struct sealing s = {.sealed = 0};
    int64_t total = 0;
    enum err e = db_read(app->db, &c, any_open, NULL);
    while (e == E_OK) {
        e = db_write(app->db, &c, seal_unit, &s);
        total += s.sealed;
        if (s.sealed < UNIT_ROWS)
            break;
        arena_reset(mem);
        c.fault = (struct fault){0};
    }
    if (e == E_MISSING)
        e = E_OK;
    if (e != E_OK && e != E_BUSY)
        log_line(LOG_ERROR, "seal", "msg=\"events were not sealed\" err=%s detail=\"" PRS "\"",
                 err_name(e), PRA(c.fault.message));
    arena_free(mem);
    *ret_err = e;
    return total;
}

int64_t seal_run(struct app *app, int64_t now_ms)
{
    enum err e;
    int64_t total = seal_open(app, now_ms, &e);
    return e == E_OK ? total : -1;
}

/* For a check: the service and its sisters write and seal at the same time, so busy is not a fault.
 */
static enum err seal_rest(struct ctx *c, struct app *app)
{
    enum { TRIES = 20, PAUSE_MS = 100 };
    enum err e = E_BUSY;
    for (int i = 0; i < TRIES && e == E_BUSY; i++) {
        if (i)
            clock_sleep_ms(PAUSE_MS);
        (void)seal_open(app, c->now_ms, &e);
    }
    return e == E_OK ? e
                     : FAIL(c, e, "新事件无法封存,请查看日志",
                            "new events cannot be sealed; see the log");
}

/* --- verifying --- */

struct walk {
    struct end end; /* as stored */
    int64_t at;     /* position reached */
    struct str head;
    struct rows page;
    tell_fn tell;
    void *arg;
    int faults;
};

static void tell(struct walk *w, struct ctx *c, int64_t id, const char *what)
{
    if (w->faults++ < 50)
        w->tell(w->arg, id,
                arena_fmt(c->mem, "community %lld: %s", (long long)w->end.community_id, what));
}

/* The end is read in the page's own snapshot: the service goes on sealing meanwhile. */
static enum err read_page(struct ctx *c, struct tx *tx, void *arg)
{
    struct walk *w = arg;
    TRY(end_read(c, tx, &Q_END_READ, w->end.community_id, &w->end));
    return q_rows(c, tx, &Q_PAGE, IN(v_int(w->end.community_id), v_int(w->at)), PAGE_ROWS,
                  &w->page);
}

/* After a fault the walk goes on from the stored seal, so each fault is told once, where it is. */
static void judge_row(struct walk *w, struct ctx *c, const struct val *row)
{
    int64_t id = val_int(row[1]), position = val_int(row[COLUMNS]);
    struct str stored = val_str(row[COLUMNS + 1]);
    if (position != w->at + 1)
        tell(w, c, id, "rows before this event are missing");
    else if (!str_eq(seal_of(c->mem, w->head, position, row), stored))
        tell(w, c, id, "this event, or its place in the chain, was changed");
    w->at = position;
    w->head = stored;
}

static void judge_end(struct walk *w, struct ctx *c)
{
    if (w->at < w->end.length)
        tell(w, c, 0, "the last events of the chain are missing");
    else if (w->at > w->end.length)
        tell(w, c, 0, "events were added past the chain's end");
    else if (!str_eq(w->head, w->end.head))
        tell(w, c, 0, "the end of the chain does not fit its last event");
    if (keys_ready() && !key_signed(c->mem, USE_SIGN, end_text(c->mem, &w->end), w->end.sign))
        tell(w, c, 0, "the end of the chain is not signed with our key");
}

static enum err walk_chain(struct ctx *c, struct app *app, struct walk *w)
{
    struct arena *mem = c->mem,
                 *page[2] = {arena_new(ARENA_REPORT_BYTES), arena_new(ARENA_REPORT_BYTES)};
    enum err e;
    w->head = S(GENESIS);
    for (int turn = 0;; turn ^= 1) { /* the last seal of a page is read with the next one */
        c->mem = page[turn];
        arena_reset(c->mem);
        e = db_read(app->db, c, read_page, w);
        if (e != E_OK || !w->page.n)
            break;
        for (size_t i = 0; i < w->page.n; i++)
            judge_row(w, c, w->page.v + i * (size_t)w->page.ncol);
    }
    if (e == E_OK)
        judge_end(w, c);
    c->mem = mem;
    arena_free(page[0]);
    arena_free(page[1]);
    return e;
}

struct verify {
    struct rows chains, stray;
};

static enum err read_chains(struct ctx *c, struct tx *tx, void *arg)
{
    struct verify *v = arg;
    TRY(q_rows(c, tx, &Q_CHAINS, IN0, CHAINS_MAX, &v->chains));
    return q_rows(c, tx, &Q_STRAY, IN0, 50, &v->stray);
}

enum err seal_verify(struct ctx *c, struct app *app, tell_fn tell_out, void *arg)
{
    struct verify v;
    TRY(seal_rest(c, app)); /* what the service has not come to yet */
    TRY(db_read(app->db, c, read_chains, &v));
    for (size_t i = 0; i < v.stray.n; i++)
        tell_out(arg, val_int(v.stray.v[i]),
                 S("the end of this community's event chain is missing"));
    for (size_t i = 0; i < v.chains.n; i++) {
        const struct val *row = v.chains.v + i * (size_t)v.chains.ncol;
        struct walk w = {.tell = tell_out, .arg = arg, .end.community_id = val_int(row[0])};
        TRY(walk_chain(c, app, &w));
    }
    return E_OK;
}

/* --- after a change of keys --- */

static enum err sign_all(struct ctx *c, struct tx *tx, void *arg)
{
    struct rows rows;
    (void)arg;
    TRY(q_rows(c, tx, &Q_CHAINS, IN0, CHAINS_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct end end;
        TRY(end_get(c, tx, val_int(rows.v[i * (size_t)rows.ncol]), &end));
        TRY(end_put(c, tx, &end));
    }
    return E_OK;
}

enum err seal_sign_again(struct ctx *c, struct app *app)
{
    return db_write(app->db, c, sign_all, NULL);
}
