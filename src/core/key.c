/* key.c - reading and writing the key file, and the four things its keys do: close, open, find and
 * sign. Every use has a key of its own, derived from the file's. The keys stay in this file's
 * memory only. A process notices a changed file by its time within a second, so a rotation by the
 * command line reaches a running service. */
#include "core/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/fs.h"
#include "core/core.h"

enum { FILE_MAX = 8192, LOOK_EVERY_MS = 1000 };
#define USE_BOX   "anjubox1"
#define USE_INDEX "anjuidx1"
#define USE_MARK  "anjumrk1"

struct key {
    char id[KEY_ID_CHARS + 1];
    uint8_t master[KEY_BYTES], box[KEY_BYTES], index[KEY_BYTES];
};
struct ring {
    struct key v[KEYS_MAX];
    int n;
};
static struct {
    pthread_mutex_t lock;
    const char *path;
    struct ring ring;
    struct timespec changed;
    ino_t inode;
    int64_t looked_ms;
} keys = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const struct query Q_MARKS = {"key.marks", "SELECT id, mark FROM key_mark ORDER BY id"};
static const struct query Q_MARK = {"key.mark",
                                    "INSERT INTO key_mark (id, mark, at) VALUES ($1, $2, $3) ON "
                                    "CONFLICT (id) DO NOTHING"};
static const struct query Q_UNMARK = {"key.unmark", "DELETE FROM key_mark WHERE id <> $1"};
const struct query *const key_queries[] = {&Q_MARKS, &Q_MARK, &Q_UNMARK, NULL};

/* --- the file --- */

static bool key_make(struct key *k, struct str id, const uint8_t master[KEY_BYTES])
{
    if (id.n != KEY_ID_CHARS)
        return false;
    memcpy(k->id, id.p, id.n);
    k->id[id.n] = 0;
    memcpy(k->master, master, KEY_BYTES);
    key_derive(master, USE_BOX, k->box);
    key_derive(master, USE_INDEX, k->index);
    return true;
}

/* False: a line that is neither a key nor a comment. */
static bool ring_read(struct str text, struct ring *ret)
{
    ret->n = 0;
    while (text.p) {
        struct str line = str_trim(str_next(&text, '\n'));
        uint8_t master[KEY_BYTES];
        if (!line.n || line.p[0] == '#')
            continue;
        struct str id = str_next(&line, ' ');
        bool ok = ret->n < KEYS_MAX && bytes_of_hex(str_trim(line), master, KEY_BYTES) &&
                  key_make(&ret->v[ret->n], id, master);
        secret_clear(master, sizeof master);
        if (!ok)
            return false;
        ret->n++;
    }
    return ret->n > 0;
}

static bool file_read(const char *path, struct ring *ret, struct stat *ret_st)
{
    char text[FILE_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 || fstat(fd, ret_st) != 0 ? -1 : read(fd, text, sizeof text);
    if (fd >= 0)
        close(fd);
    bool ok = n > 0 && ring_read((struct str){text, (size_t)n}, ret);
    secret_clear(text, sizeof text);
    return ok;
}

/* The whole file at once or not at all: a half-written key file would lose what it closed. */
static enum err file_write(struct ctx *c, const char *path, const struct ring *ring, bool fresh)
{
    struct buf b;
    struct fs_file f = {.fd = -1};
    buf_init(&b, c->mem, FILE_MAX);
    buf_put(&b, S("# Anju keys. Without this file nobody can read the ID numbers in the database.\n"
                  "# Keep a copy in a safe place, apart from the backups.\n"));
    for (int i = 0; i < ring->n; i++) {
        buf_fmt(&b, "%s ", ring->v[i].id);
        for (int k = 0; k < KEY_BYTES; k++)
            buf_fmt(&b, "%02x", ring->v[i].master[k]);
        buf_putc(&b, '\n');
    }
    /* not replacing when fresh: two first starts at once must not each make a key */
    int why = fs_create_for(&f, path);
    if (!why)
        why = fs_write(&f, b.p, b.n);
    secret_clear(b.p, b.n);
    if (!why)
        why = fs_keep(&f, path, !fresh);
    fs_drop(&f);
    if (!why || (fresh && why == EEXIST))
        return E_OK;
    return FAIL(c, E_STATE, "无法写密钥文件 %s: %s", "cannot write the key file %s: %s", path,
                strerror(why));
}

static void ring_keep(const struct ring *ring, const struct stat *st)
{
    keys.ring = *ring;
    keys.changed = st->st_mtim;
    keys.inode = st->st_ino;
}

/* With the lock: another process may have rotated. */
static void look_again(void)
{
    struct stat st;
    struct ring ring;
    int64_t now_ms = clock_mono_ms();
    if (!keys.path || now_ms - keys.looked_ms < LOOK_EVERY_MS)
        return;
    keys.looked_ms = now_ms;
    if (stat(keys.path, &st) != 0 ||
        (st.st_ino == keys.inode && st.st_mtim.tv_sec == keys.changed.tv_sec &&
         st.st_mtim.tv_nsec == keys.changed.tv_nsec))
        return;
    if (file_read(keys.path, &ring, &st))
        ring_keep(&ring, &st);
    secret_clear(&ring, sizeof ring);
}

static struct ring ring_take(void)
{
    mutex_lock(&keys.lock);
    look_again();
    struct ring ring = keys.ring;
    mutex_unlock(&keys.lock);
    return ring;
}

void keys_forget(void)
{
    mutex_lock(&keys.lock);
    secret_clear(&keys.ring, sizeof keys.ring);
    keys.path = NULL;
    mutex_unlock(&keys.lock);
}

bool keys_ready(void)
{
    return ring_take().n > 0;
}

/* --- the database's marks --- */

struct marking {
    const struct ring *ring;
    const char *path;
    struct rows marks;
};

static struct str mark_of(struct arena *a, const struct key *k)
{
    uint8_t use[KEY_BYTES], mac[MAC_BYTES];
    key_derive(k->master, USE_MARK, use);
    mac_of(use, str_of(k->id), mac);
    return hex_of(a, mac, sizeof mac);
}

static const struct key *key_of(const struct ring *r, struct str id)
{
    for (int i = 0; i < r->n; i++)
        if (str_eqz(id, r->v[i].id))
            return &r->v[i];
    return NULL;
}

static enum err marks_read(struct ctx *c, struct tx *tx, void *arg)
{
    struct marking *m = arg;
    return q_rows(c, tx, &Q_MARKS, IN0, 1000, &m->marks);
}

static enum err marks_judge(struct ctx *c, const struct marking *m)
{
    for (size_t i = 0; i < m->marks.n; i++) {
        struct str id = val_str(m->marks.v[2 * i]), mark = val_str(m->marks.v[2 * i + 1]);
        const struct key *k = key_of(m->ring, id);
        if (!k || !str_eq(mark, mark_of(c->mem, k)))
            return FAIL(c, E_STATE,
                        "密钥文件 %s 里没有这个数据库所用的密钥 " PRS
                        ";请放回原来的密钥文件(设置 key_file)",
                        "the key file %s does not hold the key " PRS
                        " that this database uses; put the right file back (setting key_file)",
                        m->path, PRA(id));
    }
    return E_OK;
}

static enum err marks_write(struct ctx *c, struct tx *tx, void *arg)
{
    struct marking *m = arg;
    for (int i = 0; i < m->ring->n; i++)
        TRY(q_do(c, tx, &Q_MARK,
                 IN(v_text(str_of(m->ring->v[i].id)), v_text(mark_of(c->mem, &m->ring->v[i])),
                    v_int(c->now_ms)),
                 NULL));
    return E_OK;
}

static void key_new(struct key *k)
{
    uint8_t id[KEY_ID_CHARS / 2], master[KEY_BYTES];
    char text[KEY_ID_CHARS + 1];
    rand_bytes(id, sizeof id);
    rand_bytes(master, sizeof master);
    snprintf(text, sizeof text, "%02x%02x%02x%02x", id[0], id[1], id[2], id[3]);
    ASSERT(key_make(k, str_of(text), master));
    secret_clear(master, sizeof master);
}

enum err keys_load(struct ctx *c, struct app *app, const char *path, bool create)
{
    struct ring ring = {.n = 0};
    struct stat st;
    struct marking m = {.ring = &ring, .path = path};
    keys_forget();
    TRY(db_read(app->db, c, marks_read, &m));
    bool there = access(path, F_OK) == 0;
    if (!there && !m.marks.n && create) {
        ring.n = 1;
        key_new(&ring.v[0]);
        TRY(file_write(c, path, &ring, true));
        there = true;
    }
    if (!there && !m.marks.n)
        return E_OK;
    if (!there && !create) /* a verb that opens nothing may go on without */
        return E_OK;
    if (!there)
        return FAIL(c, E_STATE, "缺少密钥文件 %s:请从保管处放回(设置 key_file)",
                    "the key file %s is missing: put it back from your safe copy (setting "
                    "key_file)",
                    path);
    if (!file_read(path, &ring, &st))
        return FAIL(c, E_STATE, "密钥文件 %s 无法读取或已损坏",
                    "the key file %s cannot be read or is damaged", path);
    TRY(marks_judge(c, &m));
    if ((size_t)ring.n > m.marks.n)
        TRY(db_write(app->db, c, marks_write, &m));
    mutex_lock(&keys.lock);
    keys.path = path;
    ring_keep(&ring, &st);
    keys.looked_ms = clock_mono_ms();
    mutex_unlock(&keys.lock);
    secret_clear(&ring, sizeof ring);
    return E_OK;
}

/* --- use --- */

static enum err no_key(struct ctx *c)
{
    return FAIL(c, E_STATE, "没有密钥文件,不能保存或读取加密内容",
                "there is no key file: encrypted values can be neither kept nor read");
}

enum err key_seal(struct ctx *c, struct str where, struct str plain, struct str *ret)
{
    struct ring ring = ring_take();
    if (!ring.n)
        return no_key(c);
    *ret = arena_fmt(c->mem, "%s." PRS, ring.v[0].id,
                     PRA(box_seal(c->mem, ring.v[0].box, where, plain)));
    secret_clear(&ring, sizeof ring);
    return E_OK;
}

bool key_open(struct arena *a, struct str where, struct str sealed, struct str *ret)
{
    struct ring ring = ring_take();
    struct str box = sealed, id = str_next(&box, '.');
    const struct key *k = key_of(&ring, id);
    bool ok = k && box.p && box_open(a, k->box, where, box, ret);
    secret_clear(&ring, sizeof ring);
    return ok;
}

bool key_is_current(struct str sealed)
{
    struct ring ring = ring_take();
    struct str id = str_next(&sealed, '.');
    bool current = ring.n && str_eqz(id, ring.v[0].id);
    secret_clear(&ring, sizeof ring);
    return current;
}

int key_indexes(struct arena *a, struct str what, struct str plain, struct str ret[KEYS_MAX])
{
    struct ring ring = ring_take();
    struct str text = arena_fmt(a, PRS "\n" PRS, PRA(what), PRA(plain));
    uint8_t mac[MAC_BYTES];
    int n = ring.n;
    for (int i = 0; i < n; i++) {
        mac_of(ring.v[i].index, text, mac);
        ret[i] = hex_of(a, mac, sizeof mac);
    }
    secret_clear(&ring, sizeof ring);
    return n;
}

static struct str sign_by(struct arena *a, const struct key *k, const char *use, struct str text)
{
    uint8_t key[KEY_BYTES], mac[MAC_BYTES];
    key_derive(k->master, use, key);
    mac_of(key, text, mac);
    secret_clear(key, sizeof key);
    return arena_fmt(a, "%s." PRS, k->id, PRA(hex_of(a, mac, sizeof mac)));
}

enum err key_sign(struct ctx *c, const char *use, struct str text, struct str *ret)
{
    struct ring ring = ring_take();
    if (!ring.n)
        return no_key(c);
    *ret = sign_by(c->mem, &ring.v[0], use, text);
    secret_clear(&ring, sizeof ring);
    return E_OK;
}

bool key_signed(struct arena *a, const char *use, struct str text, struct str sign)
{
    struct ring ring = ring_take();
    struct str rest = sign;
    const struct key *k = key_of(&ring, str_next(&rest, '.'));
    struct str right = k ? sign_by(a, k, use, text) : (struct str){0};
    secret_clear(&ring, sizeof ring);
    return k && right.n == sign.n && bytes_equal(right.p, sign.p, sign.n);
}

/* --- rotation --- */

enum err keys_add(struct ctx *c, struct app *app)
{
    struct ring ring = ring_take();
    if (!ring.n)
        return no_key(c);
    if (ring.n == KEYS_MAX)
        return FAIL(c, E_STATE, "密钥太多,请先完成上一次轮换",
                    "too many keys: finish the last rotation first");
    memmove(&ring.v[1], &ring.v[0], (size_t)ring.n * sizeof ring.v[0]);
    ring.n++;
    key_new(&ring.v[0]);
    const char *path = keys.path;
    TRY(file_write(c, path, &ring, false));
    secret_clear(&ring, sizeof ring);
    return keys_load(c, app, path, false);
}

static enum err unmark(struct ctx *c, struct tx *tx, void *arg)
{
    return q_do(c, tx, &Q_UNMARK, IN(v_text(*(struct str *)arg)), NULL);
}

enum err keys_drop_old(struct ctx *c, struct app *app)
{
    struct ring ring = ring_take();
    struct str id = str_dup(c->mem, str_of(ring.v[0].id));
    const char *path = keys.path;
    ring.n = 1;
    TRY(db_write(app->db, c, unmark, &id));
    TRY(file_write(c, path, &ring, false));
    secret_clear(&ring, sizeof ring);
    return keys_load(c, app, path, false);
}
