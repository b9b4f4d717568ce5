/* file_check.c - `anju check` reads every upload: a photo that a row speaks of is evidence, and one
 * that is lost or was changed must be found while a backup still has it. */
#include <fcntl.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/fs.h"
#include "core/core.h"

struct file_look {
    struct rows rows;
    int64_t after;
};

static const struct query Q_FILES = {
    "file.verify", "SELECT id, sha256, bytes FROM stored_file WHERE id > $1 ORDER BY id LIMIT 500"};
const struct query *const file_check_queries[] = {&Q_FILES, NULL};

static enum err files_page(struct ctx *c, struct tx *tx, void *arg)
{
    struct file_look *f = arg;
    return q_rows(c, tx, &Q_FILES, IN(v_int(f->after)), 500, &f->rows);
}

/* NULL: as it should be. */
static const char *file_fault(struct arena *a, const char *path, struct str sum, int64_t bytes)
{
    struct hasher *h = hasher_new(a);
    char *part = arena_get(a, 64 << 10);
    uint8_t is[HASH_BYTES];
    int64_t at = 0;
    size_t n = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC), why = 0;
    if (fd < 0)
        return "the upload is not in the data folder";
    while (!why && n) {
        why = fs_read_at(fd, part, 64 << 10, at, &n);
        hasher_add(h, part, why ? 0 : n);
        at += why ? 0 : (int64_t)n;
    }
    close(fd);
    hasher_end(h, is);
    if (why)
        return "the upload cannot be read";
    bool same = at == bytes && str_eq(hex_of(a, is, sizeof is), sum);
    return same ? NULL : "the upload was changed or cut off";
}

enum err files_verify(struct ctx *c, struct app *app, tell_fn tell, void *arg)
{
    struct arena *mem = c->mem, *own = arena_new(ARENA_REQUEST_BYTES);
    struct file_look f = {.after = 0};
    enum err e = E_OK;
    c->mem = own;
    do {
        arena_reset(own);
        e = db_read(app->db, c, files_page, &f);
        for (size_t i = 0; e == E_OK && i < f.rows.n; i++) {
            const struct val *v = f.rows.v + i * (size_t)f.rows.ncol;
            struct arena *one = arena_new(ARENA_REQUEST_BYTES);
            const char *fault = file_fault(one, file_path(one, app, val_str(v[1])).p, val_str(v[1]),
                                           val_int(v[2]));
            if (fault)
                tell(arg, val_int(v[0]), str_of(fault));
            f.after = val_int(v[0]);
            arena_free(one);
        }
    } while (e == E_OK && f.rows.n);
    c->mem = mem;
    c->fault.message = str_dup(mem, c->fault.message);
    arena_free(own);
    return e;
}
