/* embed.c - turns the built web UI into one C file: embed web/dist build/gen/web/assets.c, every
 * file compressed once here, so that the server only copies bytes; and the rooms' data files into
 * another: embed rooms src/rooms build/gen/shipped.c. The output depends on the
 * input alone (sorted, no times): two builds of one tree are equal. A build tool: it stops at the
 * first trouble and frees nothing. */
#include <ctype.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const struct {
    const char *ending, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".webp", "image/webp"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".wasm", "application/wasm"},
    {".mp3", "audio/mpeg"},
    {".txt", "text/plain; charset=utf-8"},
};

enum { FILES_MAX = 2000 };
static char *files[FILES_MAX];
static size_t nfiles;

static _Noreturn void stop(const char *f, ...)
{
    va_list ap;
    va_start(ap, f);
    fputs("embed: ", stderr);
    vfprintf(stderr, f, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

static int collect(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st;
    if (flag == FTW_DNR || flag == FTW_NS)
        stop("cannot read %s", path);
    if (at->level > 0 && path[at->base] == '.')
        return FTW_SKIP_SUBTREE; /* the build's own notes */
    if (flag != FTW_F)
        return FTW_CONTINUE;
    if (nfiles == FILES_MAX)
        stop("more than %d files", FILES_MAX);
    files[nfiles++] = strdup(path);
    return FTW_CONTINUE;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *type_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
        if (!strcmp(dot, types[i].ending))
            return types[i].type;
    stop("%s: no content type known; add its ending to the table in tools/embed.c", path);
}

/* Vite writes assets/name-HASH8.ext, and only Vite writes there (web/public must not have a folder
 * assets). */
static bool holds_hash(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (strncmp(path, "/assets/", 8) || !dot || dot - path < 8 + 9 || dot[-9] != '-')
        return false;
    for (const char *p = dot - 8; p < dot; p++)
        if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-')
            return false;
    return true;
}

static unsigned char *read_all(const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END))
        stop("%s: %s", path, strerror(errno));
    size_t n = (size_t)ftell(f);
    rewind(f);
    unsigned char *p = malloc(n + 1);
    if (!p || fread(p, 1, n, f) != n)
        stop("%s: cannot read", path);
    fclose(f);
    *ret_n = n;
    return p;
}

static unsigned char *gzip(const unsigned char *in, size_t n, size_t *ret_n)
{
    enum { GZIP_WINDOW = 15 + 16 };
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)in, .avail_in = (uInt)n};
    if (deflateInit2(&z, 9, Z_DEFLATED, GZIP_WINDOW, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        stop("zlib failed");
    size_t cap = deflateBound(&z, n);
    unsigned char *out = malloc(cap);
    z.next_out = out;
    z.avail_out = (uInt)cap;
    if (!out || deflate(&z, Z_FINISH) != Z_STREAM_END)
        stop("zlib failed");
    *ret_n = z.total_out;
    deflateEnd(&z);
    return out;
}

static uint64_t hash_fnv1a(const unsigned char *p, size_t n)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 1099511628211u;
    return h;
}

/* Octal escapes in string literals compile ten times faster than lists of numbers. */
static void write_bytes(FILE *out, size_t i, const unsigned char *p, size_t n)
{
    fprintf(out, "static const unsigned char gz_%zu[] =", i);
    for (size_t k = 0; k < n; k++)
        fprintf(out, "%s\\%03o", k % 40 ? "" : k ? "\"\n\"" : "\n\"", p[k]);
    fputs("\";\n", out);
}

static void open_output(const char *path, FILE **ret_out, FILE **ret_rows, char **table, size_t *n)
{
    *ret_out = fopen(path, "w");
    *ret_rows = open_memstream(table, n);
    if (!*ret_out || !*ret_rows)
        stop("%s: %s", path, strerror(errno));
}

static void embed_web(const char *folder, const char *output)
{
    FILE *out, *rows;
    char *table = NULL;
    size_t table_n = 0;
    open_output(output, &out, &rows, &table, &table_n);
    fputs("/* Made by tools/embed from web/dist. */\n#include \"main/assets.h\"\n\n", out);
    for (size_t i = 0; i < nfiles; i++) {
        const char *path = files[i] + strlen(folder);
        size_t n, gz_n;
        unsigned char *bytes = read_all(files[i], &n), *gz = gzip(bytes, n, &gz_n);
        write_bytes(out, i, gz, gz_n);
        fprintf(rows, "    {\"%s\", \"%s\", \"\\\"%016llx\\\"\", gz_%zu, %zu, %zu, %s},\n", path,
                type_of(path), (unsigned long long)hash_fnv1a(bytes, n), i, gz_n, n,
                holds_hash(path) ? "true" : "false");
    }
    fclose(rows);
    fprintf(out,
            "\nconst struct asset assets[] = {\n%s    {0}, /* C has no empty arrays; not counted "
            "*/\n};\n",
            table);
    fprintf(out, "const size_t nassets = %zu;\n", nfiles);
    if (fclose(out))
        stop("%s: %s", output, strerror(errno));
}

/* Of src/rooms/calendar/data/holiday_cn/2026.json the path is calendar/holiday_cn/2026.json. */
static void embed_rooms(const char *folder, const char *output)
{
    FILE *out, *rows;
    char *table = NULL;
    size_t table_n = 0, nrows = 0;
    open_output(output, &out, &rows, &table, &table_n);
    fputs("/* Made by tools/embed from src/rooms. */\n#include \"core/shipped.h\"\n\n", out);
    for (size_t i = 0; i < nfiles; i++) {
        const char *path = files[i] + strlen(folder) + 1, *slash = strchr(path, '/');
        size_t n;
        if (!slash || strncmp(slash, "/data/", 6))
            continue;
        unsigned char *bytes = read_all(files[i], &n);
        write_bytes(out, i, bytes, n);
        fprintf(rows, "    {\"%.*s/%s\", {(const char *)gz_%zu, %zu}},\n", (int)(slash - path),
                path, slash + 6, i, n);
        nrows++;
    }
    fclose(rows);
    fprintf(out, "\nconst struct shipped shipped[] = {\n%s    {0}};\n", table);
    fprintf(out, "const size_t nshipped = %zu;\n", nrows);
    if (fclose(out))
        stop("%s: %s", output, strerror(errno));
}

int main(int argc, char **argv)
{
    bool rooms = argc == 4 && !strcmp(argv[1], "rooms");
    if (argc != 3 && !rooms)
        stop("usage: embed [rooms] FOLDER OUTPUT.c");
    const char *folder = argv[argc - 2], *output = argv[argc - 1];
    if (nftw(folder, collect, 16, FTW_PHYS | FTW_ACTIONRETVAL))
        stop("%s: %s", folder, strerror(errno));
    qsort(files, nfiles, sizeof files[0], by_name);
    rooms ? embed_rooms(folder, output) : embed_web(folder, output);
    return 0;
}
