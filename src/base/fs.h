/* fs.h - files that are there whole or not at all. A new file grows under a name of its own beside
 * its place, is synced, then takes the place in one step, and the folder is synced too: after a
 * power cut a name leads to the old content or to the new, never to half of it. Everything that the
 * house keeps in files of its own (uploads, key file, backups) is written here; the log is not, it
 * only grows. Calls return 0 or an errno; fs_fail turns that into our error. */
#pragma once
#include "base/err.h"

enum { FS_PATH_MAX = 1024 };
struct fs_file {
    char path[FS_PATH_MAX]; /* where it grows, until it is kept; "" : nothing is open */
    int fd;                 /* -1: closed, content complete */
};
/* A new empty file DIR/PREFIX-RANDOM, 0600, ours alone. */
MUST_USE int fs_create(struct fs_file *f, const char *dir, const char *prefix);
/* The same beside the place it is for: PATH.part-RANDOM. */
MUST_USE int fs_create_for(struct fs_file *f, const char *path);
MUST_USE int fs_write(struct fs_file *f, const void *p, size_t n);
/* Closes; the file stays under its own name, complete but not durable. */
MUST_USE int fs_close(struct fs_file *f);
/* Syncs the file and gives it the name path, durably. replace: what stands there goes, in the same
 * step; else EEXIST. The file is removed when it cannot be kept. */
MUST_USE int fs_keep(struct fs_file *f, const char *path, bool replace);
/* Removes what was not kept. */
void fs_drop(struct fs_file *f);
/* The complete file from is synced and becomes path, durably; replaces. */
MUST_USE int fs_move(const char *from, const char *path);
/* A folder, 0700, durably; fine when it is there. */
MUST_USE int fs_folder(const char *path);
/* At most n bytes at offset; *ret_n 0: the end. */
MUST_USE int fs_read_at(int fd, void *p, size_t n, int64_t offset, size_t *ret_n);
/* Removes what interrupted calls left in dir: files whose name holds mark and that nobody has
 * changed for old_s seconds. Returns how many. */
int fs_sweep(const char *dir, const char *mark, int old_s);

/* No space: E_FULL. A disk that cannot be written now: E_BUSY. what: "the upload". */
enum err fs_code(int why);
enum err fs_fail(struct ctx *c, int why, struct text what);

/* Tests only: the n-th step of writing from now (create, write, sync, rename, folder) fails with
 * why, once; 0 switches it off. */
void fs_fail_nth(int64_t n, int why);
int64_t fs_step_count(void); /* steps since fs_fail_nth */
