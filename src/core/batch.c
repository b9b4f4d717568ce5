/* batch.c - the API of staged imports; see batch.h. Whoever may load the resource's rows in that
 * community may see and steer its imports; nobody else learns that they are there. */
#include "core/batch.h"

#include <string.h>

#include "base/crypto.h"
#include "core/event.h"

enum { NAME_CHARS = 120, SAMPLES = 3, LIST_MAX = 50, REASONS_SHOWN = 100, BULK_ROWS = 2000 };

static const struct choice states[] = {
    {BATCH_LOADED, "loaded", {"已上传", "Uploaded"}, NULL},
    {BATCH_CHECKED, "checked", {"已校验", "Checked"}, "blue"},
    {BATCH_RUNNING, "running", {"导入中", "Loading"}, "amber"},
    {BATCH_CANCELLED, "cancelled", {"已停止", "Stopped"}, NULL},
    {BATCH_DONE, "done", {"已导入", "Loaded"}, "green"},
    {BATCH_UNDOING, "undoing", {"撤销中", "Taking back"}, "amber"},
    {BATCH_UNDONE, "undone", {"已撤销", "Taken back"}, NULL},
    {0}};
static const struct field fields[IM__N] = {
    STANDARD_FIELDS,
    [IM_RESOURCE] = {"resource", F_TEXT, SERVER_SET, .label = {"资料", "Resource"}},
    [IM_NAME] = {"name", F_TEXT, SERVER_SET, .label = {"文件名", "File"}},
    [IM_STATE] = {"state", F_ENUM, SERVER_SET, .choices = states, .label = {"状态", "State"}},
    [IM_ROWS] = {"rows", F_INT, SERVER_SET, .label = {"行数", "Rows"}},
    [IM_BAD] = {"bad", F_INT, SERVER_SET, .label = {"有误", "With reasons"}},
    [IM_DONE] = {"done", F_INT, SERVER_SET, .label = {"已导入", "Loaded"}},
    [IM_NEXT] = {"next_no", F_INT, SERVER_SET | HIDDEN, .label = {"进度", "Place"}},
    [IM_HEADER] = {"header", F_JSON, SERVER_SET | HIDDEN, .label = {"表头", "Header"}},
    [IM_COLUMNS] = {"columns", F_JSON, SERVER_SET | HIDDEN, .label = {"对应字段", "Columns"}},
    [IM_USER_NAME] = {"user_name", F_TEXT, SERVER_SET, .label = {"导入人", "By"}},
};
static const struct index indexes[] = {
    {"import_batch_list", "community_id, resource, id", NULL, false}};
const struct resource res_import = {.name = "import_batch",
                                    .path = "imports",
                                    .label = {"导入", "Import"},
                                    .fields = fields,
                                    .nfields = IM__N,
                                    .indexes = indexes,
                                    .nindexes = 1,
                                    .title = "name",
                                    .quiet = true};

static const struct query Q_LIST = {
    "import.list",
    "SELECT id FROM import_batch WHERE community_id = $1 AND (resource = CAST($2 AS TEXT) OR "
    "CAST($2 AS TEXT) = '') ORDER BY id DESC LIMIT 50"};
static const struct query Q_SAMPLES = {
    "import.samples",
    "SELECT cells FROM import_line WHERE batch_id = $1 AND no <= 4 ORDER BY no LIMIT 3"};
static const struct query Q_REASONS = {
    "import.reasons", "SELECT no, reason FROM import_line WHERE batch_id = $1 AND reason IS NOT "
                      "NULL ORDER BY no LIMIT 100"};
static const struct query Q_BAD_LINES = {
    "import.bad_lines", "SELECT no, cells, reason FROM import_line WHERE batch_id = $1 AND "
                        "reason IS NOT NULL ORDER BY no"};
static const struct query Q_CLEAR = {
    "import.clear", "UPDATE import_line SET state = 0, reason = NULL WHERE batch_id = $1 AND "
                    "(state <> 0 OR reason IS NOT NULL)"};
static const struct query Q_BAD = {
    "import.bad", "UPDATE import_line SET state = 2, reason = $3 WHERE batch_id = $1 AND no = $2"};
static const struct query Q_CHECKED = {
    "import.checked",
    "UPDATE import_batch SET state = 1, columns = $2, bad = $3, done = 0, next_no = 0, updated_at "
    "= $4, version = version + 1 WHERE id = $1 AND state IN (0, 1)"};
static const struct query Q_MEMORY = {
    "import.memory", "SELECT columns FROM import_memory WHERE resource = $1 AND header = $2"};
static const struct query Q_REMEMBER = {
    "import.remember", "INSERT INTO import_memory (resource, header, columns, at) VALUES ($1, $2, "
                       "$3, $4) ON CONFLICT (resource, header) DO UPDATE SET columns = "
                       "excluded.columns, at = excluded.at"};
static const struct query Q_FORGET = {
    "import.forget", "DELETE FROM import_line WHERE batch_id IN (SELECT id FROM import_batch WHERE "
                     "updated_at < $1) AND community_id >= 0"};
const struct query *const import_queries[] = {&Q_LIST,     &Q_SAMPLES, &Q_REASONS, &Q_BAD_LINES,
                                              &Q_CLEAR,    &Q_BAD,     &Q_CHECKED, &Q_MEMORY,
                                              &Q_REMEMBER, &Q_FORGET,  NULL};

/* --- staging and telling --- */

struct staging {
    struct req *q;
    struct row batch;
    struct import_plan plan;
    struct val *lines; /* batch_id, community_id, no, state, cells */
    size_t n;
    struct arena *mem, *scratch;
    struct str header_hash;
};
enum { LINE_COLS = 5 };
static const char *const line_columns[] = {"batch_id", "community_id", "no", "state", "cells"};

/* The record as a JSON array in mem; scratch is emptied. Empty when there is no room. */
static struct str cells_json(struct arena *mem, struct arena *scratch, const struct csv *csv)
{
    struct buf b;
    arena_reset(scratch);
    buf_init(&b, scratch, CSV_ROW_BYTES_MAX * 2);
    for (int i = 0; i < csv->n; i++) {
        buf_putc(&b, i ? ',' : '[');
        buf_json(&b, utf8_valid(csv->cells[i]) ? csv->cells[i] : S("?"));
    }
    buf_putc(&b, ']');
    struct str s = buf_str(&b);
    char *p = b.full ? NULL : arena_try(mem, s.n);
    return p ? (struct str){memcpy(p, s.p, s.n), s.n} : (struct str){0};
}

/* Header names in their order, so that the same sheet next month is known again. */
static struct str hash_of(struct arena *mem, struct str header)
{
    uint8_t h[HASH_BYTES];
    struct hasher *s = hasher_new(mem);
    hasher_add(s, header.p, header.n);
    hasher_end(s, h);
    return hex_of(mem, h, sizeof h);
}

static struct str columns_json(struct arena *mem, const struct import_plan *p)
{
    struct buf b;
    buf_init(&b, mem, 16 << 10);
    for (int i = 0; i < p->ncolumns; i++)
        buf_fmt(&b, "%s\"%s\"", i ? "," : "[",
                p->columns[i] >= 0 ? p->r->fields[p->columns[i]].name : "");
    buf_put(&b, p->ncolumns ? S("]") : S("[]"));
    return buf_str(&b);
}

static enum err stage_read(struct ctx *c, struct staging *s, struct str text)
{
    struct csv *csv = arena_get(c->mem, sizeof *csv);
    bool more;
    size_t max = 1;
    for (size_t i = 0; i < text.n; i++)
        max += text.p[i] == '\n';
    csv_open(csv, c->mem, text, csv_delimiter(text));
    TRY(csv_next(c, csv, &more));
    if (!more)
        return FAIL(c, E_SYNTAX, "文件是空的", "the file is empty");
    s->plan.ncolumns = csv->n;
    for (int i = 0; i < csv->n; i++) {
        int f = import_column(s->plan.r, csv->cells[i]);
        if (f ==
            R_COMMUNITY) /* where to is said already: a sheet of another community may come in */
            f = COLUMN_IGNORED;
        for (int k = 0; k < i; k++)
            if (s->plan.columns[k] == f)
                f = COLUMN_IGNORED; /* the second of its name: the person decides */
        s->plan.columns[i] = f;
    }
    struct str header = cells_json(s->mem, s->scratch, csv);
    row_put(&s->batch, IM_HEADER, v_text(header));
    s->header_hash = hash_of(c->mem, header);
    s->lines = arena_try(s->mem, (max + 1) * LINE_COLS * sizeof *s->lines);
    for (;;) {
        TRY(csv_next(c, csv, &more));
        if (!more)
            return E_OK;
        struct str cells = s->lines ? cells_json(s->mem, s->scratch, csv) : (struct str){0};
        if (!cells.n || s->n >= max)
            return import_too_large(c);
        struct val *v = s->lines + LINE_COLS * s->n++;
        v[0] = s->batch.v[R_ID];
        v[1] = s->batch.v[R_COMMUNITY];
        v[2] = v_int(csv->row);
        v[3] = v_int(LINE_WAITING);
        v[4] = v_text(cells);
    }
}

static void put_columns(struct ctx *c, struct buf *out, const struct row *batch,
                        const struct rows *samples)
{
    const struct json *header, *columns, *cells[SAMPLES];
    size_t ns = 0;
    if (json_parse(c, row_str(batch, IM_HEADER), &header) != E_OK ||
        json_parse(c, row_str(batch, IM_COLUMNS), &columns) != E_OK)
        return;
    for (size_t i = 0; i < samples->n && ns < SAMPLES; i++)
        if (json_parse(c, val_str(samples->v[i]), &cells[ns]) == E_OK)
            ns++;
    c->fault = (struct fault){0}; /* loaded lines hold no cells any more */
    for (size_t i = 0; i < json_count(header); i++) {
        struct str field = json_str(json_at(columns, i));
        buf_put(out, i ? S(",{\"name\":") : S("{\"name\":"));
        buf_json(out, json_str(json_at(header, i)));
        buf_put(out, S(",\"field\":"));
        if (field.n)
            buf_json(out, field);
        else
            buf_put(out, S("null"));
        buf_put(out, S(",\"samples\":["));
        for (size_t k = 0; k < ns; k++) {
            if (k)
                buf_putc(out, ',');
            buf_json(out, utf8_head(json_str(json_at(cells[k], i)), 60));
        }
        buf_put(out, S("]}"));
    }
}

static enum err reply_batch(struct ctx *c, struct tx *tx, const struct row *batch, struct buf *out)
{
    struct rows samples, reasons = {0};
    TRY(q_rows(c, tx, &Q_SAMPLES, IN(batch->v[R_ID]), SAMPLES, &samples));
    if (row_int(batch,
                IM_BAD)) /* asked every moment while it loads: no search for what is not there */
        TRY(q_rows(c, tx, &Q_REASONS, IN(batch->v[R_ID]), REASONS_SHOWN, &reasons));
    buf_put(out, S("{\"import\":"));
    res_render(c, &res_import, batch, 0, out);
    buf_put(out, S(",\"columns\":["));
    put_columns(c, out, batch, &samples);
    buf_put(out, S("],\"errors\":["));
    for (size_t i = 0; i < reasons.n; i++) {
        const struct val *v = reasons.v + i * (size_t)reasons.ncol;
        buf_fmt(out, "%s{\"row\":%lld,\"fields\":", i ? "," : "", (long long)val_int(v[0]));
        buf_put(out, val_str(v[1]));
        buf_putc(out, '}');
    }
    buf_put(out, S("]}"));
    return E_OK;
}

static enum err stage_tx(struct ctx *c, struct tx *tx, void *arg)
{
    struct staging *s = arg;
    struct val known;
    bool replayed;
    static const struct bulk into = {"import_line", line_columns, LINE_COLS, ""};
    TRY(req_once(s->q, tx, &replayed));
    if (replayed)
        return E_OK;
    enum err e = q_one(c, tx, &Q_MEMORY, IN(s->batch.v[IM_RESOURCE], v_text(s->header_hash)),
                       &known, 1);
    if (e != E_OK && e != E_MISSING)
        return e;
    c->fault = (struct fault){0};
    row_put(&s->batch, IM_COLUMNS, e == E_OK ? known : v_text(columns_json(c->mem, &s->plan)));
    struct row neu = s->batch; /* a re-run begins from the same */
    TRY(res_insert(c, tx, &res_import, &neu));
    for (size_t i = 0; i < s->n; i += BULK_ROWS)
        TRY(q_bulk(c, tx, &into, s->lines + i * LINE_COLS,
                   s->n - i < BULK_ROWS ? s->n - i : BULK_ROWS, NULL));
    TRY(reply_batch(c, tx, &neu, &s->q->out));
    return req_once_done(s->q, tx);
}

/* The batch of the address, when the caller may load such rows there. */
static enum err batch_seen(struct ctx *c, struct tx *tx, int64_t id, struct row *ret)
{
    enum err e = res_load(c, tx, &res_import, id, ret);
    const struct resource *r = e == E_OK ? app_resource(row_str(ret, IM_RESOURCE)) : NULL;
    if (e != E_OK && e != E_MISSING)
        return e;
    if (!r || !import_allowed(c->who, r, row_int(ret, R_COMMUNITY)))
        return FAIL(c, E_MISSING, "没有找到这次导入", "no such import");
    return E_OK;
}

/* --- the routes --- */

static enum err batch_post(struct ctx *c, struct req *q)
{
    struct staging s = {
        .q = q, .mem = arena_new(256 << 20), .scratch = arena_new(ARENA_REPORT_BYTES)};
    arena_defer(c->mem, (void (*)(void *))arena_free, s.mem);
    arena_defer(c->mem, (void (*)(void *))arena_free, s.scratch);
    struct str text, name = http_param(q->h, "name");
    s.plan.r = app_resource(http_param(q->h, "resource"));
    if (!s.plan.r || !s.plan.r->create)
        return FAIL_FIELD(c, "resource", "unknown", "没有这种可导入的资料",
                          "there is no such resource to import into");
    if (!s.plan.r->system)
        TRY(req_community(c, q, s.plan.r->create, &s.plan.community_id));
    if (!import_allowed(c->who, s.plan.r, s.plan.community_id))
        return FAIL(c, E_DENIED, "您的岗位不能做这件事", "your role may not do this");
    row_put(&s.batch, R_ID, v_int(id_new()));
    row_put(&s.batch, R_COMMUNITY, v_int(s.plan.community_id));
    row_put(&s.batch, IM_RESOURCE, v_text(str_of(s.plan.r->path)));
    row_put(&s.batch, IM_NAME,
            v_text(name.n && utf8_valid(name) ? utf8_head(name, NAME_CHARS) : S("-")));
    row_put(&s.batch, IM_STATE, v_int(BATCH_LOADED));
    row_put(&s.batch, IM_USER_NAME, v_text(c->who->name));
    TRY(text_utf8(c, q->h->body, &text));
    TRY(stage_read(c, &s, text));
    row_put(&s.batch, IM_ROWS, v_int((int64_t)s.n));
    row_put(&s.batch, IM_BAD, v_int(0));
    row_put(&s.batch, IM_DONE, v_int(0));
    row_put(&s.batch, IM_NEXT, v_int(0));
    q->status = 201;
    return db_write(q->app->db, c, stage_tx, &s);
}

static enum err batch_list(struct ctx *c, struct req *q)
{
    struct rows rows;
    int64_t community = 0;
    int n = 0;
    struct str path = http_param(q->h, "resource");
    const struct resource *only = path.n ? app_resource(path) : NULL;
    if (path.n && !only)
        return FAIL_FIELD(c, "resource", "unknown", "没有这种资料", "there is no such resource");
    if (!only || !only->system)
        TRY(req_community(c, q, only ? only->create : NULL, &community));
    TRY(q_rows(c, q->tx, &Q_LIST, IN(v_int(community), v_text(path)), LIST_MAX, &rows));
    buf_put(&q->out, S("{\"items\":["));
    for (size_t i = 0; i < rows.n; i++) {
        struct row batch;
        enum err e = batch_seen(c, q->tx, val_int(rows.v[i]), &batch);
        c->fault = (struct fault){0};
        if (e != E_OK && e != E_MISSING)
            return e;
        if (e != E_OK)
            continue;
        if (n++)
            buf_putc(&q->out, ',');
        res_render(c, &res_import, &batch, 0, &q->out);
    }
    buf_put(&q->out, S("]}"));
    return E_OK;
}

static enum err batch_get(struct ctx *c, struct req *q)
{
    struct row batch;
    TRY(batch_seen(c, q->tx, q->ids[0], &batch));
    return reply_batch(c, q->tx, &batch, &q->out);
}

/* --- the check --- */

static const struct field check_fields[] = {
    {"columns", F_JSON, REQUIRED, .label = {"对应字段", "Columns"},
     .help = {"每列一个字段名;空:不导入", "one field name per column; empty: left out"}}};

struct checking {
    struct req *q;
    struct batch_load l;
    struct str columns;
    int64_t fresh;
};

/* ["name","",…] onto the plan; each field once, none that the system sets. */
static enum err check_columns(struct ctx *c, struct checking *k, const struct json *columns)
{
    const struct json *header;
    struct import_plan *p = &k->l.plan;
    TRY(json_parse(c, row_str(&k->l.batch, IM_HEADER), &header));
    p->ncolumns = (int)json_count(header);
    if (json_count(columns) != json_count(header))
        return FAIL_FIELD(c, "columns", "count", "表头有 %d 列", "the header has %d columns",
                          p->ncolumns);
    for (int i = 0; i < p->ncolumns; i++) {
        struct str name = json_str(json_at(columns, (size_t)i));
        int f = name.n ? field_find(p->r->fields, p->r->nfields, name) : COLUMN_IGNORED;
        bool known = f == COLUMN_IGNORED ||
                     (f >= 0 && !(p->r->fields[f].flags & (HIDDEN | SERVER_SET)));
        for (int x = 0; x < i && known && f >= 0; x++)
            known = p->columns[x] != f;
        if (!known)
            return FAIL_FIELD(c, "columns", "field", "第 %d 列:没有这个字段,或已用于另一列",
                              "column %d: no such field, or another column has it", i + 1);
        p->columns[i] = f;
    }
    k->columns = columns_json(c->mem, p);
    return E_OK;
}

static enum err try_tx(struct ctx *c, struct tx *tx, void *arg)
{
    struct checking *k = arg;
    struct arena *mem = c->mem;
    c->mem = arena_new(320 << 20);
    arena_defer(mem, (void (*)(void *))arena_free, c->mem);
    enum err e = batch_insert(c, tx, &k->l, &k->fresh);
    c->mem = mem;
    return e == E_OK ? E_STATE : e; /* nothing of it stays */
}

static enum err checked_tx(struct ctx *c, struct tx *tx, void *arg)
{
    struct checking *k = arg;
    int64_t changed;
    bool replayed;
    const struct row *batch = &k->l.batch;
    TRY(req_once(k->q, tx, &replayed));
    if (replayed)
        return E_OK;
    TRY(q_do(c, tx, &Q_CHECKED,
             IN(batch->v[R_ID], v_text(k->columns), v_int(k->l.bad + k->fresh), v_int(c->now_ms)),
             &changed));
    if (!changed)
        return FAIL(c, E_STATE, "已经开始导入", "the import has begun");
    TRY(q_do(c, tx, &Q_CLEAR, IN(batch->v[R_ID]), NULL));
    for (const struct batch_line *x = k->l.first; x; x = x->next)
        if (x->reason.n)
            TRY(q_send(c, tx, &Q_BAD, IN(batch->v[R_ID], v_int(x->no), v_text(x->reason))));
    TRY(q_do(c, tx, &Q_REMEMBER,
             IN(batch->v[IM_RESOURCE], v_text(hash_of(c->mem, row_str(batch, IM_HEADER))),
                v_text(k->columns), v_int(c->now_ms)),
             NULL));
    struct row now;
    TRY(batch_seen(c, tx, row_int(batch, R_ID), &now));
    TRY(reply_batch(c, tx, &now, &k->q->out));
    return req_once_done(k->q, tx);
}

static enum err load_tx(struct ctx *c, struct tx *tx, void *arg)
{
    struct checking *k = arg;
    TRY(batch_seen(c, tx, row_int(&k->l.batch, R_ID), &k->l.batch));
    int64_t state = row_int(&k->l.batch, IM_STATE);
    return state == BATCH_LOADED || state == BATCH_CHECKED
               ? E_OK
               : FAIL(c, E_STATE, "已经开始导入", "the import has begun");
}

/* All lines wait again before the check reads them: those that were bad the last time too. */
static enum err fresh_tx(struct ctx *c, struct tx *tx, void *arg)
{
    struct checking *k = arg;
    return q_do(c, tx, &Q_CLEAR, IN(k->l.batch.v[R_ID]), NULL);
}

static enum err batch_check(struct ctx *c, struct req *q)
{
    enum { PAGE = 5000 };
    struct checking k = {.q = q, .l = {.app = q->app, .mem = arena_new(256 << 20)}};
    arena_defer(c->mem, (void (*)(void *))arena_free, k.l.mem);
    k.l.last = &k.l.first;
    row_put(&k.l.batch, R_ID, v_int(q->ids[0]));
    TRY(db_read(q->app->db, c, load_tx, &k));
    TRY(batch_plan(c, &k.l.batch, &k.l.plan));
    TRY(check_columns(c, &k, json_get(q->body, "columns")));
    TRY(db_write(q->app->db, c, fresh_tx, &k));
    for (int64_t before = -1; before != k.l.n;) {
        before = k.l.n;
        TRY(batch_lines(c, &k.l, k.l.last_no, PAGE));
    }
    if (k.l.n > k.l.bad) {
        enum err e = db_write(q->app->db, c, try_tx, &k);
        if (e != E_STATE)
            return e;
        c->fault = (struct fault){0};
    }
    return db_write(q->app->db, c, checked_tx, &k);
}

/* --- steering --- */

static const struct field start_fields[] = {
    {"skip_bad", F_BOOL, 0, .label = {"跳过有误的行", "Leave out lines with reasons"}}};

static enum err hurry(struct ctx *c, struct tx *tx, int64_t id)
{
    struct str data = arena_fmt(c->mem, "{\"id\":%lld,\"lang\":\"%s\"}", (long long)id,
                                c->lang == LANG_EN ? "en" : "zh");
    TRY(tx_job(c, tx, "core.import", data, 0, (struct str){0}));
    batch_hurry(tx);
    return E_OK;
}

static enum err steer(struct ctx *c, struct req *q, int from, int to, int64_t next,
                      const char *event)
{
    struct row batch;
    TRY(batch_seen(c, q->tx, q->ids[0], &batch));
    TRY(batch_move(c, q->tx, &batch, from, to, next < 0 ? row_int(&batch, IM_NEXT) : next, event));
    if (to == BATCH_RUNNING || to == BATCH_UNDOING)
        TRY(hurry(c, q->tx, q->ids[0]));
    TRY(batch_seen(c, q->tx, q->ids[0], &batch));
    return reply_batch(c, q->tx, &batch, &q->out);
}

static enum err batch_start(struct ctx *c, struct req *q)
{
    struct row batch;
    TRY(batch_seen(c, q->tx, q->ids[0], &batch));
    if (row_int(&batch, IM_BAD) && !row_int(&q->in, 0))
        return FAIL(c, E_STATE, "还有有误的行:请改好重传,或选择跳过",
                    "some lines have reasons: correct the file, or leave them out");
    return steer(c, q, BATCH_CHECKED, BATCH_RUNNING, 0, "import.started");
}
static enum err batch_cancel(struct ctx *c, struct req *q)
{
    return steer(c, q, BATCH_RUNNING, BATCH_CANCELLED, -1, "import.cancelled");
}
static enum err batch_resume(struct ctx *c, struct req *q)
{
    return steer(c, q, BATCH_CANCELLED, BATCH_RUNNING, -1, "import.resumed");
}
static enum err batch_undo(struct ctx *c, struct req *q)
{
    struct row batch;
    TRY(batch_seen(c, q->tx, q->ids[0], &batch));
    int64_t state = row_int(&batch, IM_STATE);
    if (c->now_ms - row_int(&batch, R_CREATED_AT) > (int64_t)BATCH_KEEP_DAYS * 86400 * 1000)
        return FAIL(c, E_STATE, "超过 %d 天,不能再撤销", "after %d days it cannot be taken back",
                    BATCH_KEEP_DAYS);
    /* What was kept the last time may be free now. */
    int from = state == BATCH_CANCELLED || state == BATCH_UNDONE ? (int)state : BATCH_DONE;
    return steer(c, q, from, BATCH_UNDOING, CSV_ROWS_MAX + 2, "import.undo");
}

/* --- the sheet of bad lines --- */

struct sheet {
    struct req *q;
    const struct resource *r;
};
static enum err sheet_line(struct ctx *c, const struct val *v, int n, void *arg)
{
    struct sheet *s = arg;
    const struct json *cells, *reasons;
    struct buf why;
    (void)n;
    buf_init(&why, c->mem, 8000);
    TRY(json_parse(c, val_str(v[2]), &reasons));
    for (size_t i = 0; i < json_count(reasons); i++) {
        struct str field = json_str(json_get(json_at(reasons, i), "field"));
        int f = field_find(s->r->fields, s->r->nfields, field);
        buf_put(&why, i ? S("; ") : S(""));
        buf_put(&why, f < 0 ? field : str_of(text_in(s->r->fields[f].label, c->lang)));
        buf_put(&why, field.n ? S(": ") : S(""));
        buf_put(&why, json_str(json_get(json_at(reasons, i), "message")));
    }
    if (val_str(v[1]).n) { /* a line that was loaded has none left */
        TRY(json_parse(c, val_str(v[1]), &cells));
        for (size_t i = 0; i < json_count(cells); i++) {
            buf_csv(&s->q->out, json_str(json_at(cells, i)));
            buf_putc(&s->q->out, ',');
        }
    }
    buf_fmt(&s->q->out, "%lld,", (long long)val_int(v[0]));
    buf_csv(&s->q->out, buf_str(&why));
    buf_put(&s->q->out, S("\r\n"));
    return E_OK;
}

static enum err batch_errors(struct ctx *c, struct req *q)
{
    struct row batch;
    const struct json *header;
    struct sheet s = {.q = q};
    TRY(batch_seen(c, q->tx, q->ids[0], &batch));
    s.r = app_resource(row_str(&batch, IM_RESOURCE));
    TRY(json_parse(c, row_str(&batch, IM_HEADER), &header));
    buf_put(&q->out, S("\xef\xbb\xbf"));
    for (size_t i = 0; i < json_count(header); i++) {
        buf_csv(&q->out, json_str(json_at(header, i)));
        buf_putc(&q->out, ',');
    }
    buf_put(&q->out, c->lang == LANG_EN ? S("row,reason\r\n") : S("行号,原因\r\n"));
    TRY(q_each(c, q->tx, &Q_BAD_LINES, IN(batch.v[R_ID]), sheet_line, &s));
    req_header(q, "Content-Type", S("text/csv; charset=utf-8"));
    req_header(q, "Content-Disposition", S("attachment; filename=\"import-errors.csv\""));
    return E_OK;
}

/* --- for the load that is all rows or none --- */

enum err batch_record(struct ctx *c, struct tx *tx, const struct import_plan *p, struct str name,
                      const struct import_made *made, size_t n, int64_t *ret_batch)
{
    static const char *const cols[] = {"batch_id", "community_id", "no",
                                       "state",    "cells",        "row_id"};
    enum { COLS = 6 };
    static const struct bulk into = {"import_line", cols, COLS, ""};
    struct row batch = {0};
    *ret_batch = id_new();
    row_put(&batch, R_ID, v_int(*ret_batch));
    row_put(&batch, R_COMMUNITY, v_int(p->community_id));
    row_put(&batch, IM_RESOURCE, v_text(str_of(p->r->path)));
    row_put(&batch, IM_NAME,
            v_text(name.n && utf8_valid(name) ? utf8_head(name, NAME_CHARS) : S("-")));
    row_put(&batch, IM_STATE, v_int(BATCH_DONE));
    row_put(&batch, IM_ROWS, v_int((int64_t)n));
    row_put(&batch, IM_BAD, v_int(0));
    row_put(&batch, IM_DONE, v_int((int64_t)n));
    row_put(&batch, IM_NEXT, v_int(n ? made[n - 1].no : 0));
    row_put(&batch, IM_HEADER, v_lit("[]"));
    row_put(&batch, IM_COLUMNS, v_lit("[]"));
    row_put(&batch, IM_USER_NAME, c->who ? v_text(c->who->name) : v_null());
    TRY(res_insert(c, tx, &res_import, &batch));
    struct val *v = arena_try(c->mem, BULK_ROWS * COLS * sizeof *v);
    if (!v)
        return import_too_large(c);
    for (size_t i = 0; i < n; i += BULK_ROWS) {
        size_t rows = n - i < BULK_ROWS ? n - i : BULK_ROWS;
        for (size_t k = 0; k < rows; k++)
            memcpy(v + k * COLS,
                   (struct val[]){v_int(*ret_batch), v_int(p->community_id), v_int(made[i + k].no),
                                  v_int(LINE_MADE), v_lit(""), v_int(made[i + k].id)},
                   COLS * sizeof *v);
        TRY(q_bulk(c, tx, &into, v, rows, NULL));
    }
    return E_OK;
}

enum err batch_sweep(struct ctx *c, struct tx *tx)
{
    return q_do(c, tx, &Q_FORGET, IN(v_int(c->now_ms - (int64_t)BATCH_KEEP_DAYS * 86400 * 1000)),
                NULL);
}

#define BATCH_SHAPE                                                                                \
    "{import:{id:int,community_id:int,version:int,created_at:instant,created_by:int?,updated_at:"  \
    "instant,archived:bool,resource:str,name:str,state:(loaded|checked|running|cancelled|done|"    \
    "undoing|undone),rows:int,bad:int,done:int,user_name:str?},columns:[{name:str,field:str?,"     \
    "samples:[str]}],errors:[{row:int,fields:[{field:str,code:str,message:str}]}]}"
static const struct field post_query[] = {
    {"resource", F_TEXT, REQUIRED, 0, 60, .label = {"资料", "Resource"}},
    {"community_id", F_REF, 0, .ref = "communities", .label = {"项目", "Community"}},
    {"name", F_TEXT, 0, 0, 200, .label = {"文件名", "File name"}}};
static const struct field imports_query[] = {
    {"resource", F_TEXT, 0, 0, 60, .label = {"资料", "Resource"}},
    {"community_id", F_REF, 0, .ref = "communities", .label = {"项目", "Community"}}};
const struct route batch_routes[] = {
    {"POST", "/api/v1/imports", NULL, ANY_USER | NO_TX | ONE_TX | RAW_BODY | SLOW, NULL, batch_post,
     .input = post_query, .ninput = COUNT_OF(post_query), .status = 201,
     .help = {"上传要导入的文件", "Stage a file"}, .reply = BATCH_SHAPE},
    {"GET", "/api/v1/imports", NULL, ANY_USER, NULL, batch_list, .input = imports_query,
     .ninput = COUNT_OF(imports_query), .help = {"导入记录", "Imports, newest first, at most 50"}},
    {"GET", "/api/v1/imports/{id}", NULL, ANY_USER, NULL, batch_get,
     .help = {"导入进度", "An import and its first reasons"}, .reply = BATCH_SHAPE},
    {"POST", "/api/v1/imports/{id}/check", NULL, ANY_USER | NO_TX | ONE_TX | SLOW, NULL,
     batch_check, .input = check_fields, .ninput = COUNT_OF(check_fields),
     .help = {"校验", "Try all lines and keep nothing"}, .reply = BATCH_SHAPE},
    {"POST", "/api/v1/imports/{id}/start", NULL, ANY_USER, NULL, batch_start, .input = start_fields,
     .ninput = COUNT_OF(start_fields), .help = {"开始导入", "Load"}, .reply = BATCH_SHAPE},
    {"POST", "/api/v1/imports/{id}/cancel", NULL, ANY_USER, NULL, batch_cancel,
     .help = {"停止导入", "Stop between two steps"}, .reply = BATCH_SHAPE},
    {"POST", "/api/v1/imports/{id}/resume", NULL, ANY_USER, NULL, batch_resume,
     .help = {"继续导入", "Go on"}, .reply = BATCH_SHAPE},
    {"POST", "/api/v1/imports/{id}/undo", NULL, ANY_USER, NULL, batch_undo,
     .help = {"撤销导入", "Archive what it made and nobody changed"}, .reply = BATCH_SHAPE},
    {"GET", "/api/v1/imports/{id}/errors.csv", NULL, ANY_USER | SLOW, NULL, batch_errors,
     .help = {"有误的行", "The lines with reasons, as a sheet"}},
    {0}};
