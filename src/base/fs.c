/* fs.c - see fs.h. Every step that can fail on a real disk goes through step(), so that a test can
 * let any of them fail. */
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cal.h"
#include "base/crypto.h"

/* --- fault injection --- */

static atomic_bool counting;
static _Atomic int64_t fail_nth, fail_seen;
static _Atomic int fail_why;

void fs_fail_nth(int64_t n, int why)
{
    atomic_store(&fail_seen, 0);
    atomic_store(&fail_why, why);
    atomic_store(&fail_nth, n);
    atomic_store(&counting, true);
}

int64_t fs_step_count(void)
{
    return atomic_load(&fail_seen);
}

/* 0, or the injected errno. */
static int step(void)
{
    if (!atomic_load_explicit(&counting, memory_order_relaxed))
        return 0;
    bool hit = atomic_fetch_add(&fail_seen, 1) + 1 == atomic_load(&fail_nth);
    return hit ? atomic_load(&fail_why) : 0;
}

/* --- a file --- */

static int create(struct fs_file *f)
{
    int why = step();
    f->fd = why ? -1 : open(f->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (f->fd < 0) {
        why = why ? why : errno;
        f->path[0] = 0;
    }
    return why;
}

static int name_it(struct fs_file *f, const char *head, const char *joint, const char *tail)
{
    f->fd = -1;
    int n = snprintf(f->path, sizeof f->path, "%s%s%s-%016llx", head, joint, tail,
                     (unsigned long long)rand_u64());
    if (n > 0 && (size_t)n < sizeof f->path)
        return create(f);
    f->path[0] = 0;
    return ENAMETOOLONG;
}

int fs_create(struct fs_file *f, const char *dir, const char *prefix)
{
    return name_it(f, dir, "/", prefix);
}

int fs_create_for(struct fs_file *f, const char *path)
{
    return name_it(f, path, ".", "part");
}

int fs_write(struct fs_file *f, const void *p, size_t n)
{
    const char *at = p;
    int why = step();
    while (!why && n) {
        ssize_t done = write(f->fd, at, n);
        if (done < 0 && errno != EINTR)
            why = errno;
        if (done > 0) {
            at += done;
            n -= (size_t)done;
        }
    }
    return why;
}

int fs_close(struct fs_file *f)
{
    int why = step();
    if (close(f->fd) != 0 && !why)
        why = errno;
    f->fd = -1;
    return why;
}

static int sync_fd(int fd)
{
    int why = step();
    return why ? why : fsync(fd) == 0 ? 0 : errno;
}

static int folder_sync(const char *path)
{
    char dir[FS_PATH_MAX];
    const char *slash = strrchr(path, '/');
    int n = slash ? (int)(slash - path) : 0;
    snprintf(dir, sizeof dir, "%.*s", slash ? (n ? n : 1) : 1, slash ? path : ".");
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), why = fd < 0 ? errno : sync_fd(fd);
    if (fd >= 0)
        close(fd);
    return why;
}

/* link refuses to replace, rename does not know how to. */
static int place(const char *from, const char *path, bool replace)
{
    int why = step();
    if (!why && (replace ? rename(from, path) : link(from, path)) != 0)
        why = errno;
    if (!why && !replace)
        (void)unlink(from);
    return why ? why : folder_sync(path);
}

static int sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), why = fd < 0 ? errno : sync_fd(fd);
    if (fd >= 0)
        close(fd);
    return why;
}

int fs_keep(struct fs_file *f, const char *path, bool replace)
{
    int why = f->fd >= 0 ? fs_close(f) : 0;
    if (!why)
        why = sync_path(f->path);
    if (!why)
        why = place(f->path, path, replace);
    if (why)
        fs_drop(f);
    f->path[0] = 0;
    return why;
}

void fs_drop(struct fs_file *f)
{
    if (!f->path[0])
        return;
    if (f->fd >= 0)
        close(f->fd);
    (void)unlink(f->path);
    *f = (struct fs_file){.fd = -1};
}

int fs_move(const char *from, const char *path)
{
    int why = sync_path(from);
    return why ? why : place(from, path, true);
}

int fs_folder(const char *path)
{
    int why = step();
    if (!why && mkdir(path, 0700) == 0)
        return folder_sync(path);
    if (!why && errno != EEXIST)
        why = errno;
    return why;
}

int fs_read_at(int fd, void *p, size_t n, int64_t offset, size_t *ret_n)
{
    ssize_t got;
    do
        got = pread(fd, p, n, (off_t)offset);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno;
    *ret_n = (size_t)got;
    return 0;
}

int fs_sweep(const char *dir, const char *mark, int old_s)
{
    DIR *d = opendir(dir);
    int64_t now_s = clock_now_ms() / 1000;
    int gone = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        struct stat st;
        bool ours = strstr(e->d_name, mark) && fstatat(dirfd(d), e->d_name, &st, 0) == 0 &&
                    S_ISREG(st.st_mode) && now_s - st.st_mtim.tv_sec >= old_s;
        gone += ours && unlinkat(dirfd(d), e->d_name, 0) == 0;
    }
    if (d)
        closedir(d);
    return gone;
}

/* --- words --- */

enum err fs_code(int why)
{
    return why == ENOSPC || why == EDQUOT || why == EFBIG ? E_FULL : E_BUSY;
}

enum err fs_fail(struct ctx *c, int why, struct text what)
{
    const char *name = text_in(what, c->lang);
    if (fs_code(why) == E_FULL)
        return FAIL(c, E_FULL, "磁盘已满,%s没有保存:请腾出空间后再试",
                    "the disk is full and %s was not kept: free some space, then try again", name);
    if (c->fault.code == E_OK)
        c->fault.retry_after_s = 5;
    if (why == EROFS || why == EACCES || why == EPERM)
        return FAIL(c, E_BUSY, "磁盘不可写,%s没有保存:请管理员检查数据目录",
                    "the disk cannot be written and %s was not kept: look at the mount and the "
                    "owner of the data folder",
                    name);
    return FAIL(c, E_BUSY, "磁盘出错,%s没有保存,请稍后再试(%s)",
                "the disk failed and %s was not kept; try again (%s)", name, strerror(why));
}
