/* backup.c - see backup.h. The file grows beside its place and takes it only after it was read back
 * whole. What is in it comes from one snapshot; uploads are never changed or deleted, so those the
 * snapshot speaks of are there. */
#include "core/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/fs.h"
#include "core/core.h"
#include "core/print.h"

enum { PART_BYTES = 1 << 20, SLOW_MS = 60000 };
#define SKIP "backup_"
static const struct text what = TEXT("备份", "the backup");

static const struct query Q_TABLES[] = {
    {"backup.files_table", "CREATE TABLE backup_file (id INTEGER PRIMARY KEY, sum TEXT NOT NULL, "
                           "part INTEGER NOT NULL, data BLOB NOT NULL) STRICT"},
    {"backup.manifest_table",
     "CREATE TABLE backup_manifest (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT "
     "NULL, rows INTEGER NOT NULL, sum TEXT NOT NULL) STRICT"}};
static const struct query Q_HAS = {
    "backup.has", "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $1"};
static const struct query Q_SUMS = {
    "backup.sums", "SELECT sha256 FROM stored_file WHERE sha256 > $1 GROUP BY sha256 ORDER BY "
                   "sha256 LIMIT 1"};
static const struct query Q_PART = {
    "backup.part", "INSERT INTO backup_file (sum, part, data) VALUES ($1, $2, $3)"};
static const struct query Q_PARTS = {"backup.parts",
                                     "SELECT sum, part, data FROM backup_file ORDER BY id"};
static const struct query Q_LINE = {
    "backup.line", "INSERT INTO backup_manifest (kind, name, rows, sum) VALUES ($1, $2, $3, $4)"};
static const struct query Q_LINES = {
    "backup.lines", "SELECT kind, name, rows, sum FROM backup_manifest ORDER BY id"};
static const struct query Q_SOUND = {"backup.sound", "PRAGMA integrity_check(5)"};

static enum err copy_open(struct ctx *c, const char *path, bool read_only, struct db **ret)
{
    struct db_options o = {.readers = 4,
                           .slow_ms = SLOW_MS,
                           .must_exist = true,
                           .read_only = read_only,
                           .one_file = !read_only};
    return db_open(c, arena_fmt(c->mem, "sqlite:%s", path).p, &o, ret);
}

static struct str upload_path(struct arena *a, const char *data_dir, struct str sum)
{
    return arena_fmt(a, "%s/files/%.2s/" PRS, data_dir, sum.p, PRA(str_sub(sum, 2, sum.n)));
}

/* --- uploads into the copy --- */

struct uploading {
    struct db *copy;
    struct str sum; /* of the upload in hand; it is its name */
    int fd;
    struct backup_told *told;
    int64_t bytes;
    bool good;
};

static enum err next_sum(struct ctx *c, struct tx *tx, void *arg)
{
    struct uploading *u = arg;
    struct val v;
    TRY(q_one(c, tx, &Q_SUMS, IN(v_text(u->sum)), &v, 1));
    u->sum = val_str(v);
    return E_OK;
}

static enum err has_uploads(struct ctx *c, struct tx *tx, void *arg)
{
    struct val n;
    TRY(q_one(c, tx, &Q_HAS, IN(v_lit("stored_file")), &n, 1));
    *(bool *)arg = val_int(n) > 0;
    return E_OK;
}

static enum err upload_put(struct ctx *c, struct tx *tx, void *arg)
{
    struct uploading *u = arg;
    struct hasher *h = hasher_new(c->mem);
    char *part = arena_try(c->mem, PART_BYTES);
    uint8_t sum[HASH_BYTES];
    size_t n = 1;
    u->bytes = 0;
    if (!part)
        return FAIL(c, E_BUSY, "内存不足", "out of memory");
    for (int64_t i = 0; n; i++) {
        int why = fs_read_at(u->fd, part, PART_BYTES, u->bytes, &n);
        if (why)
            return fs_fail(c, why, what);
        hasher_add(h, part, n);
        u->bytes += (int64_t)n;
        if (n)
            TRY(q_do(c, tx, &Q_PART, IN(v_text(u->sum), v_int(i), v_blob((struct str){part, n})),
                     NULL));
    }
    hasher_end(h, sum);
    u->good = str_eq(hex_of(c->mem, sum, sizeof sum), u->sum);
    return u->good ? E_OK : E_STATE; /* a damaged one is not kept */
}

static enum err upload_add(struct ctx *c, struct uploading *u, const char *data_dir)
{
    u->fd = open(upload_path(c->mem, data_dir, u->sum).p, O_RDONLY | O_CLOEXEC);
    u->good = u->fd >= 0;
    enum err e = u->good ? db_write(u->copy, c, upload_put, u) : E_STATE;
    if (u->fd >= 0)
        close(u->fd);
    if (e != E_OK && u->good)
        return e;
    u->told->files += u->good;
    u->told->missing += !u->good;
    u->told->bytes += u->good ? u->bytes : 0;
    return E_OK;
}

static enum err uploads_add(struct ctx *c, struct db *copy, const char *data_dir,
                            struct backup_told *told)
{
    struct arena *mem = c->mem, *own = arena_new(ARENA_REQUEST_BYTES);
    char sum[2 * HASH_BYTES] = {0};
    struct uploading u = {.copy = copy, .told = told};
    bool any = false;
    enum err e = db_read(copy, c, has_uploads, &any);
    c->mem = own;
    while (e == E_OK && any) {
        arena_reset(own);
        e = db_read(copy, c, next_sum, &u);
        if (e != E_OK || u.sum.n != sizeof sum)
            break;
        memcpy(sum, u.sum.p, sizeof sum);
        u.sum = (struct str){sum, sizeof sum};
        e = upload_add(c, &u, data_dir);
    }
    c->mem = mem;
    c->fault.message = str_dup(mem, c->fault.message);
    arena_free(own);
    return e == E_MISSING ? E_OK : e;
}

/* --- the manifest --- */

struct manifest {
    struct db_sums sums;
    struct backup_told told;
    struct str files; /* sum of the uploads' sums, in order */
    struct str made, all;
    struct rows lines; /* as stored */
};

/* Sums the uploads in the copy; damaged: the first that does not fit its name. */
struct part_walk {
    struct hasher *all, *one;
    struct arena *mem;
    char sum[2 * HASH_BYTES + 1];
    int64_t next, files, bytes;
    struct str damaged;
    enum err (*each)(struct ctx *c, struct part_walk *w, struct str data); /* may be NULL */
    struct fs_file out;
    const char *data_dir;
    bool skip;
};

static enum err part_end(struct ctx *c, struct part_walk *w)
{
    uint8_t sum[HASH_BYTES];
    if (!w->one)
        return E_OK;
    hasher_end(w->one, sum);
    w->one = NULL;
    struct arena *a = arena_new(4096);
    bool good = str_eqz(hex_of(a, sum, sizeof sum), w->sum);
    arena_free(a);
    if (!good && !w->damaged.n)
        w->damaged = str_dup(c->mem, str_of(w->sum));
    return good && w->each ? w->each(c, w, (struct str){0}) : E_OK;
}

static enum err part_row(struct ctx *c, const struct val *row, int ncol, void *arg)
{
    struct part_walk *w = arg;
    (void)ncol;
    struct str sum = val_str(row[0]), data = val_str(row[2]);
    if (sum.n != 2 * HASH_BYTES)
        return FAIL(c, E_STATE, "备份已损坏", "the backup is damaged: the name of an upload");
    if (!w->one || !str_eqz(sum, w->sum)) {
        TRY(part_end(c, w));
        memcpy(w->sum, sum.p, sum.n);
        arena_reset(w->mem);
        w->one = hasher_new(w->mem);
        w->next = 0;
        w->files++;
        hasher_add(w->all, sum.p, sum.n);
    }
    if (val_int(row[1]) != w->next++ && !w->damaged.n)
        w->damaged = str_dup(c->mem, sum);
    hasher_add(w->one, data.p, data.n);
    w->bytes += (int64_t)data.n;
    return w->each ? w->each(c, w, data) : E_OK;
}

static enum err parts_walk(struct ctx *c, struct tx *tx, void *arg)
{
    struct part_walk *w = arg;
    TRY(q_each(c, tx, &Q_PARTS, IN0, part_row, w));
    return part_end(c, w);
}

static enum err uploads_sum(struct ctx *c, struct db *copy, struct manifest *m)
{
    struct part_walk w = {.all = hasher_new(c->mem), .mem = arena_new(ARENA_REQUEST_BYTES)};
    uint8_t sum[HASH_BYTES];
    enum err e = db_read(copy, c, parts_walk, &w);
    hasher_end(w.all, sum);
    arena_free(w.mem);
    TRY(e);
    if (w.damaged.n)
        return FAIL(c, E_STATE, "备份已损坏:文件 " PRS, "the backup is damaged: upload " PRS,
                    PRA(w.damaged));
    m->files = hex_of(c->mem, sum, sizeof sum);
    m->told.files = w.files;
    m->told.bytes = w.bytes;
    return E_OK;
}

static void line_hash(struct hasher *h, struct arena *a, const char *kind, struct str name,
                      int64_t rows, struct str sum)
{
    struct str s = arena_fmt(a, "%s|" PRS "|%lld|" PRS "\n", kind, PRA(name), (long long)rows,
                             PRA(sum));
    hasher_add(h, s.p, s.n);
}

/* What the copy holds, summed; m->made is given. */
static enum err manifest_sum(struct ctx *c, struct db *copy, struct manifest *m)
{
    struct hasher *h = hasher_new(c->mem);
    uint8_t all[HASH_BYTES];
    TRY(db_sums(copy, c, SKIP, &m->sums));
    TRY(uploads_sum(c, copy, m));
    m->told.tables = (int64_t)m->sums.n;
    m->told.rows = 0;
    for (size_t i = 0; i < m->sums.n; i++) {
        const struct db_sum *s = &m->sums.v[i];
        m->told.rows += s->rows;
        line_hash(h, c->mem, "table", s->table, s->rows, s->sum);
    }
    line_hash(h, c->mem, "uploads", S(""), m->told.files, m->files);
    line_hash(h, c->mem, "made", m->made, 0, S(""));
    hasher_end(h, all);
    m->all = hex_of(c->mem, all, sizeof all);
    return E_OK;
}

static enum err line_put(struct ctx *c, struct tx *tx, const char *kind, struct str name,
                         int64_t rows, struct str sum)
{
    return q_do(c, tx, &Q_LINE, IN(v_text(str_of(kind)), v_text(name), v_int(rows), v_text(sum)),
                NULL);
}

static enum err manifest_write(struct ctx *c, struct tx *tx, void *arg)
{
    const struct manifest *m = arg;
    for (size_t i = 0; i < m->sums.n; i++)
        TRY(line_put(c, tx, "table", m->sums.v[i].table, m->sums.v[i].rows, m->sums.v[i].sum));
    TRY(line_put(c, tx, "uploads", S(""), m->told.files, m->files));
    TRY(line_put(c, tx, "missing", S(""), m->told.missing, S("")));
    TRY(line_put(c, tx, "made", m->made, 0, S("")));
    TRY(line_put(c, tx, "program", S(ANJU_VERSION), 0, S("")));
    return line_put(c, tx, "all", S(""), 0, m->all);
}

static enum err manifest_read(struct ctx *c, struct tx *tx, void *arg)
{
    struct manifest *m = arg;
    struct val n;
    TRY(q_one(c, tx, &Q_HAS, IN(v_lit("backup_manifest")), &n, 1));
    if (!val_int(n))
        return FAIL(c, E_INVALID, "这不是安居的备份", "this is not a backup of Anju");
    return q_rows(c, tx, &Q_LINES, IN0, 2000, &m->lines);
}

static enum err sound_read(struct ctx *c, struct tx *tx, void *arg)
{
    struct rows rows;
    (void)arg;
    TRY(q_rows(c, tx, &Q_SOUND, IN0, 5, &rows));
    if (rows.n == 1 && str_eqz(val_str(rows.v[0]), "ok"))
        return E_OK;
    return FAIL(c, E_STATE, "备份已损坏:" PRS, "the backup is damaged: " PRS,
                PRA(rows.n ? val_str(rows.v[0]) : S("?")));
}

/* One line of the stored manifest against the sums of what is there. */
static enum err line_judge(struct ctx *c, const struct manifest *m, const struct val *line,
                           size_t *tables)
{
    struct str kind = val_str(line[0]), name = val_str(line[1]), sum = val_str(line[3]);
    int64_t rows = val_int(line[2]);
    bool good = true;
    if (str_eqz(kind, "table")) {
        const struct db_sum *s = *tables < m->sums.n ? &m->sums.v[*tables] : NULL;
        good = s && str_eq(s->table, name) && s->rows == rows && str_eq(s->sum, sum);
        (*tables)++;
    } else if (str_eqz(kind, "uploads")) {
        good = rows == m->told.files && str_eq(sum, m->files);
    } else if (str_eqz(kind, "all")) {
        good = str_eq(sum, m->all);
    }
    return good ? E_OK
                : FAIL(c, E_STATE, "备份已损坏:" PRS " " PRS, "the backup is damaged: " PRS " " PRS,
                       PRA(kind), PRA(name));
}

static enum err manifest_judge(struct ctx *c, struct db *copy, struct backup_told *ret)
{
    struct manifest m = {.made = S("")};
    size_t tables = 0;
    bool all = false;
    TRY(db_read(copy, c, manifest_read, &m));
    for (size_t i = 0; i < m.lines.n; i++) {
        const struct val *line = m.lines.v + i * (size_t)m.lines.ncol;
        if (str_eqz(val_str(line[0]), "made"))
            m.made = val_str(line[1]);
        if (str_eqz(val_str(line[0]), "missing"))
            m.told.missing = val_int(line[2]);
        all |= str_eqz(val_str(line[0]), "all");
    }
    TRY(db_read(copy, c, sound_read, NULL));
    TRY(manifest_sum(c, copy, &m));
    for (size_t i = 0; i < m.lines.n; i++)
        TRY(line_judge(c, &m, m.lines.v + i * (size_t)m.lines.ncol, &tables));
    if (!all || tables != m.sums.n)
        return FAIL(c, E_STATE, "备份已损坏:清单不完整",
                    "the backup is damaged: its manifest is not whole");
    *ret = m.told;
    ret->made = m.made;
    return E_OK;
}

/* An engine's word for a file it cannot read is not enough for somebody whose backup it is. */
static enum err damaged_in_words(struct ctx *c, enum err e)
{
    if (e == E_DB || (e == E_BUSY && !c->fault.nfields)) {
        fault_clear(c);
        return FAIL(c, E_STATE, "备份已损坏,无法读取", "the backup is damaged: it cannot be read");
    }
    return e;
}

enum err backup_verify(struct ctx *c, const char *path, struct backup_told *ret)
{
    struct db *copy;
    if (access(path, R_OK) != 0)
        return FAIL(c, E_MISSING, "无法读取 %s: %s", "cannot read %s: %s", path, strerror(errno));
    enum err e = copy_open(c, path, true, &copy);
    if (e == E_OK) {
        e = manifest_judge(c, copy, ret);
        db_close(copy);
    }
    return damaged_in_words(c, e);
}

/* --- making --- */

static enum err tables_make(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < COUNT_OF(Q_TABLES); i++)
        TRY(q_do(c, tx, &Q_TABLES[i], IN0, NULL));
    return E_OK;
}

static enum err copy_fill(struct ctx *c, struct db *copy, const struct backup_make *how)
{
    struct manifest m = {.told = {0}};
    struct buf made;
    struct backup_told told = {0};
    buf_init(&made, c->mem, 100);
    buf_instant(&made, c->now_ms, zone_find("Asia/Shanghai"));
    m.made = buf_str(&made);
    if (how->look)
        TRY(how->look(c, copy, how->arg));
    TRY(db_write(copy, c, tables_make, NULL));
    TRY(uploads_add(c, copy, how->data_dir, &told));
    TRY(manifest_sum(c, copy, &m));
    m.told.missing = told.missing;
    return db_write(copy, c, manifest_write, &m);
}

enum err backup_make(struct ctx *c, const struct backup_make *m, struct backup_told *ret)
{
    struct fs_file f;
    struct db *copy;
    if (!m->replace && access(m->path, F_OK) == 0)
        return FAIL(c, E_EXISTS, "%s 已存在(--replace 覆盖)",
                    "%s is there already; --replace replaces it", m->path);
    int why = fs_create_for(&f, m->path);
    if (why)
        return fs_fail(c, why, what);
    if ((why = fs_close(&f)) != 0) {
        fs_drop(&f);
        return fs_fail(c, why, what);
    }
    enum err e = db_image(m->db, c, f.path);
    if (e == E_OK)
        e = copy_open(c, f.path, false, &copy);
    if (e == E_OK) {
        e = copy_fill(c, copy, m);
        db_close(copy);
    }
    if (e == E_OK)
        e = backup_verify(c, f.path, ret);
    if (e == E_OK && (why = fs_keep(&f, m->path, m->replace)) != 0)
        e = fs_fail(c, why, what);
    (void)unlink(arena_fmt(c->mem, "%s-journal", f.path).p);
    fs_drop(&f);
    return e;
}

/* --- going back --- */

enum err backup_rows(struct ctx *c, const char *path, struct db *to, bool replace)
{
    struct db *copy;
    struct db_sums sums;
    TRY(copy_open(c, path, true, &copy));
    enum err e = db_copy(c, copy, to, SKIP, replace, &sums);
    db_close(copy);
    return e;
}

static enum err upload_out(struct ctx *c, struct part_walk *w, struct str data)
{
    struct arena *a = w->mem;
    struct str sum = str_of(w->sum), path = upload_path(a, w->data_dir, sum);
    int why = 0;
    if (data.n && w->next == 1) { /* its first part */
        w->skip = access(path.p, F_OK) == 0;
        if (!w->skip)
            why = fs_folder(arena_fmt(a, "%s/files/%.2s", w->data_dir, sum.p).p);
        if (!w->skip && !why)
            why = fs_create_for(&w->out, path.p);
    }
    if (data.n && !w->skip && !why)
        why = fs_write(&w->out, data.p, data.n);
    if (!data.n && !w->skip && !why) /* it was whole */
        why = fs_keep(&w->out, path.p, true);
    return why ? fs_fail(c, why, (struct text)TEXT("文件", "the upload")) : E_OK;
}

enum err backup_files(struct ctx *c, const char *path, const char *data_dir)
{
    struct part_walk w = {.all = hasher_new(c->mem),
                          .mem = arena_new(ARENA_REQUEST_BYTES),
                          .each = upload_out,
                          .out.fd = -1,
                          .data_dir = data_dir};
    struct db *copy = NULL;
    int why = fs_folder(arena_fmt(c->mem, "%s/files", data_dir).p);
    enum err e = why ? fs_fail(c, why, (struct text)TEXT("文件", "the uploads"))
                     : copy_open(c, path, true, &copy);
    if (e == E_OK)
        e = db_read(copy, c, parts_walk, &w);
    if (copy)
        db_close(copy);
    fs_drop(&w.out);
    arena_free(w.mem);
    return e;
}
