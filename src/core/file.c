/* file.c - files attached to rows: streamed to disk by the web server, judged by their content,
 * kept once per SHA-256 under DATA/files/ab/…, never run and never shown inline as anything but
 * what they are. Who may see the row may see its files. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/fs.h"
#include "base/log.h"
#include "core/core.h"
#include "core/late.h"
#include "core/policy.h"
#include "core/virus.h"

enum { FILE_MAX = 10 << 20, FILES_PER_ROW = 60, HEAD_BYTES = 16, STAGE_OTHER = 3 };

static const struct choice stages[] = {
    {1, "before", {"处理前", "Before"}, NULL},       {2, "after", {"处理后", "After"}, NULL},
    {STAGE_OTHER, "other", {"其他", "Other"}, NULL}, {4, "signature", {"签名", "Signature"}, NULL},
    {5, "voice", {"语音", "Voice note"}, NULL},      {0}};
static const struct field file_fields[FI__N] = {
    STANDARD_FIELDS,
    [FI_SUBJECT] = {"subject", F_TEXT, SERVER_SET, .label = {"所属", "Belongs to"}},
    [FI_SUBJECT_ID] = {"subject_id", F_INT, SERVER_SET, .label = {"所属编号", "Belongs to id"}},
    [FI_NAME] = {"name", F_TEXT, SERVER_SET, .label = {"文件名", "Name"}},
    [FI_TYPE] = {"type", F_TEXT, SERVER_SET, .label = {"类型", "Type"}},
    [FI_BYTES] = {"bytes", F_INT, SERVER_SET, .label = {"大小", "Bytes"}},
    [FI_SHA] = {"sha256", F_TEXT, SERVER_SET | HIDDEN, .label = {"摘要", "Hash"}},
    [FI_STAGE] = {"stage", F_ENUM, SERVER_SET, .choices = stages, .label = {"阶段", "Stage"}},
    [FI_TAKEN] = {"taken_at", F_INSTANT, SERVER_SET, .label = {"拍摄时间", "Taken"}},
};
static const struct index file_indexes[] = {
    {"stored_file_subject", "community_id, subject_id, id", NULL, false},
    {"stored_file_by", "created_by, created_at", NULL, false}};
const struct resource res_file = {.name = "stored_file",
                                  .path = "files",
                                  .label = {"文件", "File"},
                                  .fields = file_fields,
                                  .nfields = FI__N,
                                  .indexes = file_indexes,
                                  .nindexes = COUNT_OF(file_indexes),
                                  .title = "name",
                                  .quiet = true};

static const struct query Q_OF_ROW = {
    "file.of_row",
    "SELECT id, name, type, bytes, stage, created_at, taken_at FROM stored_file "
    "WHERE community_id = $1 AND subject_id = $2 AND subject = $3 ORDER BY id LIMIT 60"};
static const struct query Q_COUNT = {"file.count",
                                     "SELECT count(*) FROM stored_file WHERE community_id = $1 AND "
                                     "subject_id = $2 AND subject = $3"};
/* Of a user, over all communities: the limit is his. */
static const struct query Q_TODAY = {"file.today",
                                     "SELECT COALESCE(sum(bytes), 0) FROM stored_file WHERE "
                                     "created_by = $1 AND created_at > $2"};
static const struct query Q_SAME = {
    "file.same", "SELECT id FROM stored_file WHERE community_id = $1 AND subject_id = $2 AND "
                 "subject = $3 AND sha256 = $4 LIMIT 1"};
const struct query *const file_queries[] = {&Q_OF_ROW, &Q_COUNT, &Q_TODAY, &Q_SAME, NULL};

struct magic {
    const char *type;
    size_t at;
    const char *bytes;
    size_t n;
};
static const struct magic magics[] = {
    {"image/jpeg", 0, "\xff\xd8\xff", 3},
    {"image/png", 0, "\x89PNG\r\n\x1a\n", 8},
    {"image/gif", 0, "GIF8", 4},
    {"image/webp", 8, "WEBP", 4},
    {"application/pdf", 0, "%PDF-", 5},
    {"audio/mp4", 4, "ftyp", 4},
    {"audio/mpeg", 0, "ID3", 3},
    {"audio/mpeg", 0, "\xff\xfb", 2},
    {"audio/wav", 8, "WAVE", 4},
    {"audio/ogg", 0, "OggS", 4},
    {"audio/webm", 0, "\x1a\x45\xdf\xa3", 4},
};

static const char *type_by_content(const char *path)
{
    char head[HEAD_BYTES] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof head);
    if (fd >= 0)
        close(fd);
    for (size_t i = 0; i < COUNT_OF(magics) && n > 0; i++)
        if (magics[i].at + magics[i].n <= (size_t)n &&
            memcmp(head + magics[i].at, magics[i].bytes, magics[i].n) == 0)
            return magics[i].type;
    return NULL;
}

struct str file_path(struct arena *a, const struct app *app, struct str hex)
{
    return arena_fmt(a, "%s/files/%.2s/" PRS, app->data_dir, hex.p, PRA(str_sub(hex, 2, hex.n)));
}

/* Moves the upload to its place; the same content is there once. Durable before the row is. Outside
 * every transaction: a unit of work that runs again finds the file where it is. */
static enum err keep_file(struct ctx *c, const struct app *app, const struct http_part *p,
                          struct str hex)
{
    static const struct text what = TEXT("文件", "the file");
    struct str path = file_path(c->mem, app, hex),
               all = arena_fmt(c->mem, "%s/files", app->data_dir),
               dir = arena_fmt(c->mem, PRS "/%.2s", PRA(all), hex.p);
    if (access(path.p, R_OK) == 0)
        return E_OK;
    int why = fs_folder(all.p);
    if (!why)
        why = fs_folder(dir.p);
    if (!why)
        why = fs_move(p->path, path.p);
    if (!why)
        return E_OK;
    log_line(LOG_ERROR, "file", "msg=\"cannot keep an upload\" errno=%d", why);
    return fs_fail(c, why, what);
}

/* A name people can read, without folders or control characters. */
static struct str clean_name(struct ctx *c, struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] == '/' || name.p[i] == '\\')
            return clean_name(c, str_sub(name, i + 1, name.n));
    if (!utf8_valid(name) || name.n == 0)
        return S("file");
    char *p = arena_get(c->mem, name.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] >= 0x20 && name.p[i] != 0x7f && !strchr("\"<>|:*?", name.p[i]))
            p[n++] = name.p[i];
    return n ? utf8_head((struct str){p, n}, 120) : S("file");
}

struct upload {
    struct req *q;              /* NULL: it did not come by HTTP */
    const struct resource *res; /* of the row it belongs to */
    int64_t id;
    enum err (*then)(struct ctx *c, struct tx *tx, void *arg); /* of a stranger's; else NULL */
    void *arg;
    struct row row, target;
    int64_t taken_ms, at_ms; /* as the phone says, 0: not; as it is recorded */
    int64_t bytes, quota_mb;
};

/* What one login may fill the disk with in a day is policy; the limit per row does not bound it. */
static enum err upload_quota(struct ctx *c, struct tx *tx, const struct upload *u)
{
    enum { DAY_MS = 24 * 3600 * 1000 };
    struct val sum;
    if (!c->who)
        return E_OK; /* a stranger's are counted where he was let in */
    TRY(q_one(c, tx, &Q_TODAY, IN(v_int(c->who->user_id), v_int(c->now_ms - DAY_MS)), &sum, 1));
    if (val_int(sum) + u->bytes <= u->quota_mb << 20)
        return E_OK;
    c->fault.retry_after_s = 3600;
    return FAIL(c, E_RATE, "24 小时内最多上传 %lld MB,请稍后再传",
                "at most %lld MB can be uploaded in 24 hours; go on later", (long long)u->quota_mb);
}

static enum err upload_target(struct ctx *c, struct tx *tx, void *arg)
{
    struct upload *u = arg;
    TRY(res_load_seen(c, tx, u->res, u->id, &u->target));
    struct val n;
    TRY(q_one(c, tx, &Q_COUNT,
              IN(u->target.v[R_COMMUNITY], u->target.v[R_ID], v_text(str_of(u->res->name))), &n,
              1));
    if (val_int(n) >= FILES_PER_ROW)
        return FAIL(c, E_TOOBIG, "一条记录最多 %d 个文件", "one record holds at most %d files",
                    FILES_PER_ROW);
    TRY(upload_quota(c, tx, u));
    return late_note(c, u->res, &u->target, "taken_at", u->taken_ms, &u->at_ms);
}

/* E_OK: the row holds this very content already; E_MISSING: not yet. Needs u->target. */
static enum err same_file(struct ctx *c, struct tx *tx, const struct upload *u)
{
    struct val id;
    return q_one(c, tx, &Q_SAME,
                 IN(u->target.v[R_COMMUNITY], u->target.v[R_ID], v_text(str_of(u->res->name)),
                    u->row.v[FI_SHA]),
                 &id, 1);
}

static enum err upload_write(struct ctx *c, struct tx *tx, void *arg)
{
    struct upload *u = arg;
    struct row row = u->row;
    bool replayed = false;
    if (u->q)
        TRY(req_once(u->q, tx, &replayed));
    if (replayed)
        return E_OK;
    TRY(upload_target(c, tx, u));
    if (!u->q) { /* the same letter, brought twice at one time: who comes second finds it here */
        enum err e = same_file(c, tx, u);
        if (e != E_MISSING)
            return e;
        c->fault = (struct fault){0};
    }
    row_put(&row, R_COMMUNITY, u->target.v[R_COMMUNITY]);
    row_put(&row, FI_TAKEN, u->taken_ms ? v_int(u->at_ms) : v_null());
    TRY(res_insert(c, tx, &res_file, &row));
    struct buf data;
    buf_init(&data, c->mem, 1000);
    buf_fmt(&data, "{\"action\":\"attach\",\"file_id\":%lld,\"stage\":\"%s\",\"text\":",
            (long long)row_int(&row, R_ID), choice_of_code(stages, row_int(&row, FI_STAGE))->key);
    buf_json(&data, row_str(&row, FI_NAME));
    late_mark(c, u->at_ms, &data);
    buf_putc(&data, '}');
    const struct resource *r = u->res;
    struct event e = {.topic = str_z(c->mem, arena_fmt(c->mem, "%s.file", r->name)),
                      .res = r,
                      .id = row_int(&u->target, R_ID),
                      .community_id = row_int(&u->target, R_COMMUNITY),
                      .data = buf_str(&data),
                      .at_ms = u->at_ms,
                      .for_staff = r->staff_field ? row_int(&u->target, r->staff_field) : 0,
                      .for_person = r->person_field ? row_int(&u->target, r->person_field) : 0};
    TRY(tx_emit(c, tx, &e));
    if (u->then)
        TRY(u->then(c, tx, u->arg));
    if (!u->q)
        return E_OK;
    res_render(c, &res_file, &row, 0, &u->q->out);
    return req_once_done(u->q, tx);
}

static enum err upload_judge(struct ctx *c, struct req *q, const struct http_part **ret,
                             int *ret_stage, int64_t *ret_taken_ms)
{
    *ret = NULL;
    *ret_stage = STAGE_OTHER;
    for (int i = 0; i < q->h->nparts; i++) {
        const struct http_part *p = &q->h->parts[i];
        if (p->path && str_eqz(p->name, "file") && !*ret)
            *ret = p;
        else if (!p->path && str_eqz(p->name, "stage")) {
            const struct choice *ch = choice_of_key(stages, p->value);
            if (!ch)
                return FAIL_FIELD(c, "stage", "choice",
                                  "只能是 before、after、other、signature、voice",
                                  "must be before, after, other, signature or voice");
            *ret_stage = ch->code;
        } else if (!p->path && str_eqz(p->name, "taken_at")) {
            if (!instant_parse(p->value, ret_taken_ms))
                return FAIL_FIELD(c, "taken_at", "format",
                                  "时间应带时区,如 2026-01-31T08:00:00+08:00",
                                  "a time carries its offset, like 2026-01-31T08:00:00+08:00");
        } else
            return FAIL_FIELD(c, str_z(c->mem, utf8_valid(p->name) ? p->name : S("?")), "unknown",
                              "没有这个字段", "no such field");
    }
    if (!*ret || (*ret)->bytes == 0)
        return FAIL_FIELD(c, "file", "required", "请选择文件", "choose a file");
    if ((*ret)->bytes > FILE_MAX)
        return FAIL(c, E_TOOBIG, "文件最大 10 MB", "a file has at most 10 MB");
    return E_OK;
}

static enum err keep(struct ctx *c, struct app *app, struct upload *u, const struct http_part *p,
                     int stage)
{
    const char *type = type_by_content(p->path);
    if (!type || (u->then && !str_starts(str_of(type), S("image/"))))
        return FAIL_FIELD(
            c, "file", "type", "只能上传%s", "only %s can be uploaded",
            text_in(u->then ? (struct text)TEXT("图片", "pictures")
                            : (struct text)TEXT("图片、PDF 或录音", "pictures, PDF or sound"),
                    c->lang));
    u->bytes = p->bytes;
    u->quota_mb = c->who ? policy_for(app, audience_of(c->who)).upload_mb : 0;
    TRY(db_read(app->db, c, upload_target, u)); /* before anything is kept */
    TRY(virus_scan(c, app, p->path));
    struct str hex = hex_of(c->mem, p->sha256, HASH_BYTES);
    TRY(keep_file(c, app, p, hex));
    row_put(&u->row, FI_SUBJECT, v_text(str_of(u->res->name)));
    row_put(&u->row, FI_SUBJECT_ID, v_int(u->id));
    row_put(&u->row, FI_NAME, v_text(clean_name(c, p->filename)));
    row_put(&u->row, FI_TYPE, v_text(str_of(type)));
    row_put(&u->row, FI_BYTES, v_int(p->bytes));
    row_put(&u->row, FI_SHA, v_text(hex));
    row_put(&u->row, FI_STAGE, v_int(stage));
    return db_write(app->db, c, upload_write, u);
}

static enum err upload(struct ctx *c, struct upload *u)
{
    const struct http_part *p = NULL;
    int stage;
    TRY(upload_judge(c, u->q, &p, &stage, &u->taken_ms));
    ASSERT(p && p->path);
    return keep(c, u->q->app, u, p, stage);
}

enum err file_upload(struct ctx *c, struct req *q)
{
    struct upload u = {.q = q, .res = q->res, .id = q->ids[0]};
    return upload(c, &u);
}

enum err file_take(struct ctx *c, struct req *q, const struct resource *res, int64_t id,
                   enum err (*then)(struct ctx *c, struct tx *tx, void *arg), void *arg)
{
    struct upload u = {.q = q, .res = res, .id = id, .then = then, .arg = arg};
    return upload(c, &u);
}

static enum err is_there(struct ctx *c, struct tx *tx, void *arg)
{
    struct upload *u = arg;
    TRY(res_load(c, tx, u->res, u->id, &u->target));
    return same_file(c, tx, u);
}

enum err file_attach(struct ctx *c, struct app *app, const struct resource *res, int64_t id,
                     struct str name, struct str bytes)
{
    struct upload u = {.res = res, .id = id};
    struct http_part p = {.filename = name, .bytes = (int64_t)bytes.n};
    struct fs_file f;
    if (!bytes.n || bytes.n > FILE_MAX)
        return FAIL(c, E_TOOBIG, "附件为空或超过 10 MB", "an attachment is empty or above 10 MB");
    hash_sha256(bytes, p.sha256);
    row_put(&u.row, FI_SHA, v_text(hex_of(c->mem, p.sha256, HASH_BYTES)));
    enum err e = db_read(app->db, c, is_there, &u);
    if (e != E_MISSING)
        return e; /* brought once more: it is there, or the database is away */
    c->fault = (struct fault){0};
    int why = fs_create(&f, app->data_dir, "attach");
    if (!why)
        why = fs_write(&f, bytes.p, bytes.n);
    if (!why)
        why = fs_close(&f);
    p.path = f.path;
    e = why ? fs_fail(c, why, (struct text)TEXT("附件", "the attachment"))
            : keep(c, app, &u, &p, STAGE_OTHER);
    fs_drop(&f); /* when it was kept it has another name by now */
    return e;
}

enum err file_list(struct ctx *c, struct req *q)
{
    struct row row;
    struct rows rows;
    TRY(res_load_seen(c, q->tx, q->res, q->ids[0], &row));
    TRY(q_rows(c, q->tx, &Q_OF_ROW,
               IN(row.v[R_COMMUNITY], row.v[R_ID], v_text(str_of(q->res->name))), 60, &rows));
    buf_put(&q->out, S("{\"items\":["));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        const struct choice *ch = choice_of_code(stages, val_int(v[4]));
        buf_fmt(&q->out, "%s{\"id\":%lld,\"name\":", i ? "," : "", (long long)val_int(v[0]));
        buf_json(&q->out, val_str(v[1]));
        buf_fmt(&q->out, ",\"type\":\"" PRS "\",\"bytes\":%lld,\"stage\":\"%s\",\"created_at\":\"",
                PRA(val_str(v[2])), (long long)val_int(v[3]), ch ? ch->key : "other");
        buf_instant(&q->out, val_int(v[5]), app_zone(row_int(&row, R_COMMUNITY)));
        buf_put(&q->out, S("\",\"taken_at\":"));
        field_to_json(&q->out, &file_fields[FI_TAKEN], v[6], app_zone(row_int(&row, R_COMMUNITY)));
        buf_putc(&q->out, '}');
    }
    buf_put(&q->out, S("]}"));
    return E_OK;
}

enum err file_find(struct ctx *c, struct tx *tx, int64_t id, struct row *ret_file,
                   struct row *ret_subject)
{
    TRY(res_load(c, tx, &res_file, id, ret_file));
    const struct resource *r = app_resource(row_str(ret_file, FI_SUBJECT));
    if (!r)
        return FAIL(c, E_MISSING, "没有找到文件", "no such file");
    return res_load_seen(c, tx, r, row_int(ret_file, FI_SUBJECT_ID), ret_subject);
}

enum err file_send(struct ctx *c, struct req *q, const struct row *file)
{
    struct str path = file_path(c->mem, q->app, row_str(file, FI_SHA));
    int fd = open(path.p, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        log_line(LOG_ERROR, "file", "msg=\"a stored file is missing\" id=%lld",
                 (long long)q->ids[0]);
        return FAIL(c, E_MISSING, "文件丢失,请联系管理员",
                    "the file is lost; tell the administrator");
    }
    struct buf name;
    buf_init(&name, c->mem, 2000);
    buf_put(&name, S("inline; filename*=UTF-8''"));
    buf_url(&name, row_str(file, FI_NAME));
    q->reply->status = 200;
    q->reply->file_fd = fd;
    q->reply->file_bytes = row_int(file, FI_BYTES);
    reply_header(q->reply, "Content-Type", row_str(file, FI_TYPE));
    reply_header(q->reply, "Content-Disposition", buf_str(&name));
    reply_header(q->reply, "Cache-Control", S("private, no-store"));
    return E_OK;
}

struct download {
    struct req *q;
    struct row file, subject;
};

static enum err download_find(struct ctx *c, struct tx *tx, void *arg)
{
    struct download *d = arg;
    return file_find(c, tx, d->q->ids[0], &d->file, &d->subject);
}

enum err file_get(struct ctx *c, struct req *q)
{
    struct download d = {.q = q};
    TRY(db_read(q->app->db, c, download_find, &d));
    return file_send(c, q, &d.file);
}
