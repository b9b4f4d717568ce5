/* form.c - writes uploads. Files are made with O_EXCL and 0600 under random names, so nobody can
 * guess, share or swap them; whoever wants to keep one renames it away before the request ends. A
 * client's file name is only ever data. */
#include "http/form.h"
#include "base/crypto.h"
#include "base/fs.h"
#include "base/log.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

struct form {
    struct arena *mem;
    const char *temp_dir;
    struct http_part parts[FORM_PARTS_MAX];
    int n, status;
    struct fs_file file; /* of the last part; open while fd >= 0 */
    struct buf value;
    struct hasher *hash;
};

struct form *form_new(struct arena *a, const char *temp_dir)
{
    struct form *f = arena_get(a, sizeof *f);
    f->mem = a;
    f->temp_dir = temp_dir;
    f->file.fd = -1;
    return f;
}

static bool form_fail(struct form *f, int status)
{
    if (f->status == 0)
        f->status = status;
    return false;
}

static bool form_fail_disk(struct form *f, int why)
{
    log_line(LOG_ERROR, "http", "upload=failed reason=\"%s\"", strerror(why));
    return form_fail(f, err_status(fs_code(why)));
}

static void part_close(struct form *f)
{
    if (f->n == 0)
        return;
    struct http_part *p = &f->parts[f->n - 1];
    if (f->file.fd >= 0) {
        int why = fs_close(&f->file);
        if (why)
            form_fail_disk(f, why);
        hasher_end(f->hash, p->sha256);
    } else if (p->path == NULL) {
        p->value = buf_str(&f->value);
    }
}

static bool part_open(struct form *f, const char *name, const char *filename, const char *type)
{
    part_close(f);
    if (f->n == FORM_PARTS_MAX)
        return form_fail(f, 413);
    struct http_part *p = &f->parts[f->n++];
    p->name = str_dup(f->mem, str_of(name));
    p->type = str_dup(f->mem, str_of(type));
    if (filename == NULL || filename[0] == '\0') {
        buf_init(&f->value, f->mem, FORM_VALUE_MAX);
        return true;
    }
    p->filename = str_dup(f->mem, str_of(filename));
    if (!utf8_valid(p->filename))
        return form_fail(f, 400);
    int why = fs_create(&f->file, f->temp_dir, "up");
    if (why)
        return form_fail_disk(f, why);
    p->path = str_z(f->mem, str_of(f->file.path));
    f->hash = hasher_new(f->mem);
    return true;
}

/* libmicrohttpd may announce a part with an empty piece and then give its first bytes, both at
 * offset 0. */
static bool part_goes_on(const struct form *f, const char *name, const char *filename,
                         uint64_t offset)
{
    if (f->n == 0)
        return false;
    const struct http_part *p = &f->parts[f->n - 1];
    if (offset > 0)
        return true;
    return p->bytes == 0 && str_eqz(p->name, name ? name : "") &&
           str_eqz(p->filename, filename ? filename : "");
}

static bool part_write(struct form *f, struct str bytes)
{
    hasher_add(f->hash, bytes.p, bytes.n);
    int why = fs_write(&f->file, bytes.p, bytes.n);
    if (why)
        return form_fail_disk(f, why);
    return true;
}

bool form_piece(struct form *f, const char *name, const char *filename, const char *type,
                struct str bytes, uint64_t offset)
{
    if (f->status != 0)
        return false;
    if (!part_goes_on(f, name, filename, offset) && !part_open(f, name, filename, type))
        return false;
    struct http_part *p = &f->parts[f->n - 1];
    p->bytes += (int64_t)bytes.n;
    if (bytes.n == 0)
        return true;
    if (f->file.fd >= 0)
        return part_write(f, bytes);
    buf_put(&f->value, bytes);
    return f->value.full ? form_fail(f, 413) : true;
}

int form_end(struct form *f)
{
    part_close(f);
    return f->status;
}

int form_status(const struct form *f)
{
    return f->status;
}

struct http_part *form_parts(struct form *f, int *ret_n)
{
    *ret_n = f->n;
    return f->parts;
}

void form_free(struct form *f)
{
    if (f->file.fd >= 0)
        fs_drop(&f->file);
    for (int i = 0; i < f->n; i++)
        if (f->parts[i].path && unlink(f->parts[i].path) != 0 && errno != ENOENT)
            log_line(LOG_WARN, "http", "upload=left reason=\"%s\"", strerror(errno));
}
