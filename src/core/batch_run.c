/* batch_run.c - loading and taking back in small units of work, by the job thread; see batch.h. A
 * chunk's rows, the marks on its lines and the batch's place are one transaction that holds only
 * while the place is where the chunk began: two nodes that work on one batch, a crash and a cancel
 * cannot load a line twice. Taking back archives what nobody has changed and nothing else points
 * to; the rest stays and says why. */
#include "core/batch.h"

#include "base/log.h"
#include "core/event.h"
#include "core/sheet.h"

static const struct query Q_MOVE = {
    "batch.move", "UPDATE import_batch SET state = $3, next_no = $4, updated_at = $5, version = "
                  "version + 1 WHERE id = $1 AND state = $2"};
static const struct query Q_PROGRESS = {
    "batch.progress", "UPDATE import_batch SET next_no = $4, done = done + $5, bad = bad + $6, "
                      "updated_at = $7 WHERE id = $1 AND state = $2 AND next_no = $3"};
static const struct query Q_MADE = {
    "batch.made", "UPDATE import_line SET state = 1, row_id = $3, cells = '', reason = NULL WHERE "
                  "batch_id = $1 AND no = $2"};
static const struct query Q_BAD = {
    "batch.bad", "UPDATE import_line SET state = 2, reason = $3 WHERE batch_id = $1 AND no = $2"};
static const struct query Q_BACK = {
    "batch.back", "SELECT no, row_id FROM import_line WHERE batch_id = $1 AND no < $2 AND state = "
                  "1 ORDER BY no DESC LIMIT $3"};
static const struct query Q_UNDONE = {
    "batch.undone",
    "UPDATE import_line SET state = $3, reason = $4 WHERE batch_id = $1 AND no = $2"};
const struct query *const batch_run_queries[] = {&Q_MOVE, &Q_PROGRESS, &Q_MADE, &Q_BAD,
                                                 &Q_BACK, &Q_UNDONE,   NULL};

static enum err tell(struct ctx *c, struct tx *tx, const struct row *batch, const char *topic)
{
    struct buf b;
    buf_init(&b, c->mem, 2000);
    buf_put(&b, S("{\"resource\":"));
    buf_json(&b, row_str(batch, IM_RESOURCE));
    buf_fmt(&b, ",\"rows\":%lld}", (long long)row_int(batch, IM_ROWS));
    struct event e = {.topic = topic,
                      .res = &res_import,
                      .id = row_int(batch, R_ID),
                      .community_id = row_int(batch, R_COMMUNITY),
                      .data = buf_str(&b)};
    return tx_emit(c, tx, &e);
}

enum err batch_move(struct ctx *c, struct tx *tx, const struct row *batch, int from, int to,
                    int64_t next, const char *event)
{
    int64_t changed;
    TRY(q_do(c, tx, &Q_MOVE,
             IN(batch->v[R_ID], v_int(from), v_int(to), v_int(next), v_int(c->now_ms)), &changed));
    if (!changed)
        return FAIL(c, E_STATE, "这次导入现在不能这样做", "this import cannot do that now");
    return event ? tell(c, tx, batch, event) : E_OK;
}

void batch_hurry(struct tx *tx)
{
    tx_after_commit(tx, jobs_nudge, NULL);
}

/* E_CONFLICT: another node did this chunk, or somebody cancelled. */
static enum err progress(struct ctx *c, struct tx *tx, const struct row *batch, int64_t next,
                         int64_t done, int64_t bad)
{
    int64_t changed;
    TRY(q_do(c, tx, &Q_PROGRESS,
             IN(batch->v[R_ID], batch->v[IM_STATE], batch->v[IM_NEXT], v_int(next), v_int(done),
                v_int(bad), v_int(c->now_ms)),
             &changed));
    return changed ? E_OK : E_CONFLICT;
}

/* --- loading --- */

struct chunk {
    struct batch_load *l;
    int64_t fresh; /* reasons found in this transaction: it rolls back, and is done without them */
};

static enum err load_tx(struct ctx *c, struct tx *tx, void *arg)
{
    struct chunk *k = arg;
    struct batch_load *l = k->l;
    int64_t bad = 0, made = 0;
    TRY(batch_insert(c, tx, l, &k->fresh));
    if (k->fresh)
        return E_STATE;
    for (const struct batch_line *x = l->first; x; x = x->next) {
        if (x->settled) {
            bad++;
            TRY(q_send(c, tx, &Q_BAD, IN(l->batch.v[R_ID], v_int(x->no), v_text(x->reason))));
        } else {
            made++;
            TRY(q_send(c, tx, &Q_MADE, IN(l->batch.v[R_ID], v_int(x->no), v_int(x->id))));
        }
    }
    return progress(c, tx, &l->batch, l->last_no, made, bad);
}

static enum err finish_tx(struct ctx *c, struct tx *tx, void *arg)
{
    const struct row *batch = arg;
    bool undo = row_int(batch, IM_STATE) == BATCH_UNDOING;
    return batch_move(c, tx, batch, (int)row_int(batch, IM_STATE), undo ? BATCH_UNDONE : BATCH_DONE,
                      row_int(batch, IM_NEXT), undo ? "import.undone" : "import.done");
}

static enum err load_chunk(struct ctx *c, struct app *app, const struct row *batch, bool *ret_more)
{
    struct batch_load l = {.app = app, .batch = *batch, .mem = c->mem};
    struct chunk k = {.l = &l};
    enum err e;
    l.last = &l.first;
    TRY(batch_plan(c, batch, &l.plan));
    TRY(batch_lines(c, &l, row_int(batch, IM_NEXT), BATCH_CHUNK));
    if (!l.n)
        return db_write(app->db, c, finish_tx, (void *)batch);
    do {
        e = db_write(app->db, c, load_tx, &k);
        for (struct batch_line *x = l.first; e == E_STATE && k.fresh && x; x = x->next)
            x->settled = x->reason.n > 0;
        if (e == E_STATE && k.fresh)
            c->fault = (struct fault){0};
    } while (e == E_STATE && k.fresh);
    *ret_more = true;
    return e;
}

/* --- taking back --- */

struct back {
    const struct row *batch;
    struct import_plan plan;
    struct rows lines;
};

static enum err back_read(struct ctx *c, struct tx *tx, void *arg)
{
    struct back *k = arg;
    return q_rows(c, tx, &Q_BACK, IN(k->batch->v[R_ID], k->batch->v[IM_NEXT], v_int(BATCH_CHUNK)),
                  BATCH_CHUNK, &k->lines);
}

/* Does a live row of any resource point to id? Asked of every reference to this resource;
 * references between rows of one file are gone before: the last line is taken back first. */
static enum err pointed_to(struct ctx *c, struct tx *tx, const struct resource *r,
                           int64_t community_id, int64_t id, const struct resource **ret_by)
{
    const struct resource *const *all;
    int n = app_resources(&all);
    *ret_by = NULL;
    for (int i = 0; i < n && !*ret_by; i++)
        for (int f = R_FIRST; f < all[i]->nfields && !*ret_by; f++) {
            struct val found;
            if (all[i]->fields[f].type != F_REF ||
                !str_eqz(str_of(all[i]->fields[f].ref), r->path) ||
                all[i]->fields[f].flags & VIRTUAL)
                continue;
            /* Of a company's row any community may point to it. */
            const struct query *q = db_intern(
                tx_db(tx), S("batch.pointed"),
                arena_fmt(c->mem,
                          r->system ? "SELECT id FROM %s WHERE CAST($1 AS BIGINT) >= 0 AND %s = $2 "
                                      "AND archived = "
                                      "0 LIMIT 1"
                                    : "SELECT id FROM %s WHERE community_id = $1 AND %s = $2 AND "
                                      "archived = 0 LIMIT 1",
                          all[i]->name, all[i]->fields[f].name));
            if (!q)
                return FAIL(c, E_BUSY, "系统忙,请稍候重试", "busy, please try again");
            enum err e = q_one(c, tx, q, IN(v_int(community_id), v_int(id)), &found, 1);
            if (e == E_OK)
                *ret_by = all[i];
            else if (e != E_MISSING)
                return e;
        }
    return E_OK;
}

static enum err take_back(struct ctx *c, struct tx *tx, struct back *k, int64_t id,
                          struct str *ret_reason)
{
    const struct resource *r = k->plan.r, *by;
    struct row old, neu = {0};
    *ret_reason = (struct str){0};
    enum err e = res_load(c, tx, r, id, &old);
    if (e == E_MISSING || (e == E_OK && row_int(&old, R_ARCHIVED))) {
        c->fault = (struct fault){0};
        return E_OK; /* somebody did it */
    }
    TRY(e);
    TRY(pointed_to(c, tx, r, k->plan.community_id, id, &by));
    if (row_int(&old, R_VERSION) != 1)
        *ret_reason = c->lang == LANG_ZH ? S("导入之后有人改过,保留") : S("changed since; kept");
    else if (by)
        *ret_reason = arena_fmt(c->mem,
                                c->lang == LANG_ZH ? "已被“%s”引用,保留" : "%s refers to it; kept",
                                text_in(by->label, c->lang));
    if (ret_reason->n)
        return E_OK;
    row_put(&neu, R_ARCHIVED, v_int(1));
    return res_store(c, tx, r, &old, &neu, str_z(c->mem, arena_fmt(c->mem, "%s.archived", r->name)),
                     arena_fmt(c->mem, "\"import\":%lld", (long long)row_int(k->batch, R_ID)));
}

static enum err back_tx(struct ctx *c, struct tx *tx, void *arg)
{
    struct back *k = arg;
    int64_t kept = 0, last = 0;
    for (size_t i = 0; i < k->lines.n; i++) {
        const struct val *v = k->lines.v + i * (size_t)k->lines.ncol;
        struct str reason;
        struct buf b;
        TRY(take_back(c, tx, k, val_int(v[1]), &reason));
        last = val_int(v[0]);
        kept += reason.n > 0;
        buf_init(&b, c->mem, 2000);
        buf_put(&b, S("[{\"field\":\"\",\"code\":\"kept\",\"message\":"));
        buf_json(&b, reason);
        buf_put(&b, S("}]"));
        TRY(q_send(c, tx, &Q_UNDONE,
                   IN(k->batch->v[R_ID], v[0], v_int(reason.n ? LINE_MADE : LINE_UNDONE),
                      reason.n ? v_text(buf_str(&b)) : v_null())));
    }
    return progress(c, tx, k->batch, last, kept - (int64_t)k->lines.n, kept);
}

static enum err back_chunk(struct ctx *c, struct app *app, const struct row *batch, bool *ret_more)
{
    struct back k = {.batch = batch};
    TRY(batch_plan(c, batch, &k.plan));
    TRY(db_read(app->db, c, back_read, &k));
    if (!k.lines.n)
        return db_write(app->db, c, finish_tx, (void *)batch);
    *ret_more = true;
    return db_write(app->db, c, back_tx, &k);
}

/* --- the job --- */

struct finding {
    int64_t id;
    struct row batch;
};
static enum err find_tx(struct ctx *c, struct tx *tx, void *arg)
{
    struct finding *f = arg;
    return res_load(c, tx, &res_import, f->id, &f->batch);
}

enum err batch_step(struct ctx *c, struct app *app, struct str data, bool *ret_more)
{
    const struct json *j;
    struct finding f = {0};
    *ret_more = false;
    TRY(json_parse(c, data, &j));
    f.id = json_int(json_get(j, "id"));
    c->lang = str_eqz(json_str(json_get(j, "lang")), "en") ? LANG_EN : LANG_ZH;
    enum err e = db_read(app->db, c, find_tx, &f);
    if (e == E_MISSING)
        return E_OK;
    TRY(e);
    c->who = who_for(c, row_int(&f.batch, R_CREATED_BY), row_str(&f.batch, IM_USER_NAME));
    if (row_int(&f.batch, IM_STATE) == BATCH_RUNNING)
        e = load_chunk(c, app, &f.batch, ret_more);
    else if (row_int(&f.batch, IM_STATE) == BATCH_UNDOING)
        e = back_chunk(c, app, &f.batch, ret_more);
    c->who = NULL;
    if (e == E_CONFLICT || (e == E_STATE && !*ret_more)) { /* cancelled, or another node was here */
        c->fault = (struct fault){0};
        *ret_more = true;
        return E_OK;
    }
    return e;
}

/* --- for the command line --- */

static enum err undo_tx(struct ctx *c, struct tx *tx, void *arg)
{
    struct finding *f = arg;
    enum err e = res_load(c, tx, &res_import, f->id, &f->batch);
    if (e == E_MISSING)
        return FAIL(c, e, "没有编号为 %lld 的导入", "there is no import %lld", (long long)f->id);
    TRY(e);
    return batch_move(c, tx, &f->batch, (int)row_int(&f->batch, IM_STATE), BATCH_UNDOING,
                      CSV_ROWS_MAX + 2, "import.undo");
}

enum err batch_take_back(struct ctx *c, struct app *app, int64_t id, int64_t *ret_kept)
{
    struct finding f = {.id = id};
    bool more = true;
    TRY(db_write(app->db, c, undo_tx, &f));
    struct str data = arena_fmt(c->mem, "{\"id\":%lld,\"lang\":\"%s\"}", (long long)id,
                                c->lang == LANG_EN ? "en" : "zh");
    while (more) {
        struct arena *mem = c->mem;
        c->mem = arena_new(ARENA_REPORT_BYTES);
        enum err e = batch_step(c, app, data, &more);
        struct arena *step = c->mem;
        c->mem = mem;
        if (e != E_OK)
            c->fault.message = str_dup(mem, c->fault.message);
        arena_free(step);
        TRY(e);
    }
    TRY(db_read(app->db, c, find_tx, &f));
    *ret_kept = row_int(&f.batch, IM_DONE);
    return E_OK;
}
