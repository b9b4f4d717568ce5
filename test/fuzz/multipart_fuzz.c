/* multipart_fuzz.c - the pieces of an upload as they arrive: names, sizes and order are hostile.
 * The input is cut into pieces by its own bytes: part, length, bytes. Nothing may stay in the
 * folder. */
#include <dirent.h>
#include <unistd.h>

#include "door.h"
#include "http/form.h"

static int files_in(const char *dir)
{
    DIR *d = opendir(dir);
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static char dir[] = "/tmp/anju-fuzz-XXXXXX";
    static bool made;
    static const char *const names[] = {"file", "stage", "", "file", "../x", "文件"};
    if (!made)
        made = mkdtemp(dir) != NULL;
    (void)door_house();
    struct arena *mem = arena_new(ARENA_REQUEST_BYTES);
    struct form *f = form_new(mem, dir);
    uint64_t offset[COUNT_OF(names)] = {0};
    for (size_t at = 0; at + 2 < n;) {
        size_t part = p[at] % COUNT_OF(names), len = p[at + 1], left = n - at - 2;
        bool fresh = p[at] & 0x40;
        len = len < left ? len : left;
        const char *filename = p[at] & 0x80
                                   ? str_z(mem, str_sub((struct str){(const char *)p, n}, at, 9))
                                   : NULL;
        if (fresh)
            offset[part] = 0;
        if (!form_piece(f, names[part], filename, filename ? "image/png" : NULL,
                        (struct str){(const char *)p + at + 2, len}, offset[part]))
            break;
        offset[part] += len;
        at += 2 + len;
    }
    (void)form_end(f);
    int parts;
    struct http_part *list = form_parts(f, &parts);
    for (int i = 0; i < parts; i++)
        if (list[i].bytes < 0 || (!list[i].path && list[i].value.n > FORM_VALUE_MAX))
            door_found("a part over its limit", list[i].name);
    form_free(f);
    arena_free(mem);
    if (files_in(dir))
        door_found("a file stayed", str_of(dir));
    return 0;
}
