/* floors.c - the house rules that a compiler does not know: floors FOLDER prints every breach and
 * fails when there is one. It reads C as text: comments and strings are blanked out first, so a
 * rule never trips over prose; there is no parser, and a rule that would need one does not belong
 * here. tools/floors_test.sh shows each rule a bad sample. */
#include <ctype.h>
#include <fnmatch.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_LINES_MAX = 700, FUNCTION_LINES_MAX = 70, LINE_COLUMNS_MAX = 100 };

/* Includes go down: a floor sees itself and lower ranks; two doors of rank 2 do not see each other.
 */
static const struct {
    const char *name;
    int rank;
} floors[] = {{"base", 1}, {"db", 2},   {"http", 2},  {"mqtt", 2},
              {"out", 2},  {"core", 3}, {"rooms", 4}, {"main", 5}};

/* A room sees rooms before it, and of those only rooms/<room>/<room>.h. */
static const char *const rooms[] = {
    "estate", "calendar", "people",  "staff",     "assets",  "handbook", "service", "intake",
    "mail",   "privacy",  "charges", "rounds",    "energy",  "notices",  "surveys", "care",
    "access", "handover", "owners",  "emergency", "quality", "improve",  "hub"};

/* A foreign library is touched by one file, so that it can be replaced. */
static const struct {
    const char *header, *only_in;
} foreign[] = {
    {"sqlite3.h", "src/db/sqlite.c"},
    {"libpq-fe.h", "src/db/postgres.c"},
    {"gnutls/gnutls.h", "src/http/tls.c"},
    {"gnutls/x509.h", "src/http/tls.c"},
    {"gnutls/abstract.h", "src/http/tls.c"},
    {"microhttpd.h", "src/http/http.c"},
    {"jansson.h", "src/base/json.c"},
    {"sodium.h", "src/base/crypto.c"},
    {"zlib.h", "src/http/asset.c"},
    {"xlsxwriter.h", "src/core/xlsx.c"},
    {"pthread.h", "src/base/thread.h"},
    {"liboath/oath.h", "src/core/totp.c"},
    {"gmime/gmime.h", "src/rooms/mail/mime.c"},
    {"curl/curl.h", "src/out/http_client.c"},
    {"mosquitto.h", "src/mqtt/mqtt.c"},
};

/* Calls that one file may make, or none (NULL). */
static const struct {
    const char *call, *only_in, *instead;
} calls[] = {
    {"malloc", "src/base/mem.c", "an arena, or heap_get"},
    {"calloc", "src/base/mem.c", "an arena, or heap_get"},
    {"realloc", "src/base/mem.c", "heap_grow"},
    {"free", "src/base/mem.c", "heap_free"},
    {"time", "src/base/cal.c", "ctx->now_ms or clock_now_ms"},
    {"gettimeofday", "src/base/cal.c", "clock_now_ms"},
    {"clock_gettime", "src/base/cal.c", "clock_mono_ms"},
    {"fsync", "src/base/fs.c", "fs_keep or fs_move"},
    {"mkstemp", "src/base/fs.c", "fs_create"},
    {"strcpy", NULL, "struct buf"},
    {"strcat", NULL, "struct buf"},
    {"sprintf", NULL, "buf_f, or snprintf"},
    {"gets", NULL, "fgets"},
    {"strtok", NULL, "the str_ calls"},
    {"atoi", NULL, "the num_ calls"},
    {"atol", NULL, "the num_ calls"},
    {"system", NULL, "no shell"},
    {"popen", NULL, "no shell"},
};
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static int nbreaches;
static const char *root;

struct source {
    const char *path;  /* from the root */
    char *text, *code; /* the same length; code has no comments, strings and preprocessor lines */
    char in[64];       /* floor: "base" … "main"; "" outside src */
    char room[64];     /* in rooms: which */
    bool test;
};

static void breach(const struct source *s, int line, const char *rule, const char *detail)
{
    printf("%s:%d: %s: %s\n", s->path, line, rule, detail);
    nbreaches++;
}

static int line_of(const char *text, const char *at)
{
    int n = 1;
    for (; text < at; text++)
        n += *text == '\n';
    return n;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), e = strlen(end);
    return n >= e && !strcmp(s + n - e, end);
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The next whole word w in p, or NULL. */
static const char *find_word(const char *text, const char *p, const char *w)
{
    size_t n = strlen(w);
    for (; (p = strstr(p, w)); p += n)
        if ((p == text || !is_word(p[-1])) && !is_word(p[n]))
            return p;
    return NULL;
}

static void blank(char *from, const char *to)
{
    for (; from < to; from++)
        if (*from != '\n')
            *from = ' ';
}

static char *end_of_quoted(char *p)
{
    char quote = *p++;
    while (*p && *p != quote)
        p += *p == '\\' && p[1] ? 2 : 1;
    return *p ? p + 1 : p;
}

static char *end_of_directive(char *p)
{
    for (; *p && *p != '\n'; p++)
        if (*p == '\\' && p[1] == '\n')
            p++;
    return p;
}

static void blank_prose(char *p)
{
    for (bool line_start = true; *p;) {
        char *end = p + 1;
        bool drop = true;
        if (!strncmp(p, "/*", 2))
            end = strstr(p + 2, "*/") ? strstr(p + 2, "*/") + 2 : p + strlen(p);
        else if (!strncmp(p, "//", 2))
            end = strchr(p, '\n') ? strchr(p, '\n') : p + strlen(p);
        else if (*p == '"' || *p == '\'')
            end = end_of_quoted(p);
        else if (*p == '#' && line_start)
            end = end_of_directive(p);
        else
            drop = false;
        line_start = *p == '\n' || (line_start && isspace((unsigned char)*p));
        if (drop)
            blank(p, end);
        p = end;
    }
}

/* --- rules --- */
static int rank_of(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(floors); i++)
        if (!strcmp(floors[i].name, name))
            return floors[i].rank;
    return 0;
}

static int order_of(const char *room)
{
    for (size_t i = 0; i < COUNT_OF(rooms); i++)
        if (!strcmp(rooms[i], room))
            return (int)i + 1;
    return 0;
}

static void check_own_include(const struct source *s, int line, const char *header)
{
    char floor[64], room[64] = "", file[128] = "";
    if (sscanf(header, "%63[^/]/%63[^/]/%127s", floor, room, file) < 2 || !rank_of(floor)) {
        breach(s, line, "include", "write it from src/ on, as \"base/str.h\"");
        return;
    }
    int to = rank_of(floor), from = rank_of(s->in);
    if (to > from || (to == from && strcmp(floor, s->in)))
        breach(s, line, "include goes up or across", header);
    if (strcmp(floor, "rooms") || strcmp(s->in, "rooms") || !strcmp(room, s->room))
        return;
    char door[80];
    snprintf(door, sizeof door, "%s.h", room);
    if (strcmp(file, door))
        breach(s, line, "include past a room's door", header);
    if (!order_of(room) || order_of(room) >= order_of(s->room))
        breach(s, line, "include of a later room", header);
}

static void check_includes(const struct source *s)
{
    int line = 0;
    for (const char *p = s->text; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
        char open, header[200];
        line++;
        if (p[strspn(p, " \t")] != '#' ||
            sscanf(p, " # include %c%199[^\">\n]", &open, header) != 2)
            continue;
        if (open == '"' && s->in[0] && !s->test)
            check_own_include(s, line, header);
        for (size_t i = 0; i < COUNT_OF(foreign); i++)
            if (!strcmp(header, foreign[i].header) && strcmp(s->path, foreign[i].only_in) &&
                !s->test)
                breach(s, line, "foreign header outside its one file", foreign[i].only_in);
    }
}

static void check_calls(const struct source *s)
{
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        if ((calls[i].only_in && !strcmp(calls[i].only_in, s->path)) ||
            (calls[i].only_in && s->test))
            continue;
        for (const char *p = s->code; (p = find_word(s->code, p, calls[i].call)); p++) {
            const char *after = p + strlen(calls[i].call);
            bool member = p > s->code &&
                          (p[-1] == '.' || (p[-1] == '>' && p - 1 > s->code && p[-2] == '-'));
            char detail[100];
            snprintf(detail, sizeof detail, "%s(); use %s", calls[i].call, calls[i].instead);
            if (*after == '(' && !member)
                breach(s, line_of(s->code, p), "call not allowed here", detail);
        }
    }
}

/* A room keeps nothing between requests but in the database. */
static void check_statics(const struct source *s)
{
    if (strcmp(s->in, "rooms") || s->test)
        return;
    for (const char *p = s->code; (p = find_word(s->code, p, "static")); p++) {
        size_t n = strcspn(p, "=;({[");
        if (p[n] == '(' && p[n + 1] != '*')
            continue; /* a function */
        char head[300];
        snprintf(head, sizeof head, "%.*s", (int)n, p);
        const char *star = strrchr(head, '*');
        if (!find_word(head, star ? star : head, "const") && strncmp(head, "static inline", 13))
            breach(s, line_of(s->code, p), "mutable static in a room", "const, or the database");
    }
}

static void check_functions(const struct source *s)
{
    int depth = 0;
    const char *statement = s->code, *open = NULL;
    for (const char *p = s->code; *p; p++) {
        if (*p == '{' && depth++ == 0) {
            const char *q = p;
            while (q > statement && isspace((unsigned char)q[-1]))
                q--;
            bool body = q > statement && q[-1] == ')' &&
                        !memchr(statement, '=', (size_t)(q - statement));
            open = body ? p : NULL;
        } else if (*p == '}' && depth && --depth == 0) {
            int lines = open ? line_of(open, p) : 0;
            char detail[60];
            snprintf(detail, sizeof detail, "%d lines of at most %d", lines, FUNCTION_LINES_MAX);
            if (lines > FUNCTION_LINES_MAX)
                breach(s, line_of(s->code, open), "long function", detail);
            statement = p + 1;
        } else if (*p == ';' && depth == 0) {
            statement = p + 1;
        }
    }
}

/* Columns as clang-format counts them: CJK and what follows it are two wide. */
static int columns(const char *p)
{
    int n = 0;
    for (; *p && *p != '\n'; p++)
        if (((unsigned char)*p & 0xC0) != 0x80)
            n += (unsigned char)*p >= 0xE3 && (unsigned char)*p != 0xEF ? 2 : 1;
    return n;
}

static void check_lines(const struct source *s, bool wide_too)
{
    int line = 0;
    for (const char *p = s->text; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
        char detail[60];
        line++;
        snprintf(detail, sizeof detail, "%d columns of at most %d", columns(p), LINE_COLUMNS_MAX);
        if (wide_too && columns(p) > LINE_COLUMNS_MAX)
            breach(s, line, "long line", detail);
    }
    if (line > FILE_LINES_MAX)
        breach(s, line, "long file", "split it");
}

static void check_marks(const struct source *s)
{
    /* In two parts, or this file would be a breach itself. */
    static const char *const marks[] = {"TO"
                                        "DO",
                                        "FIX"
                                        "ME",
                                        "XX"
                                        "X"};
    for (size_t i = 0; i < COUNT_OF(marks); i++)
        for (const char *p = s->text; (p = find_word(s->text, p, marks[i])); p++)
            breach(s, line_of(s->text, p), "mark of unfinished work", marks[i]);
}

/* People read both languages: texts live in the catalogue, not in pages. U+3400…U+9FFF. */
static void check_han(const struct source *s)
{
    for (const unsigned char *p = (const unsigned char *)s->text; *p; p++)
        if ((*p == 0xE3 && p[1] >= 0x90) || (*p >= 0xE4 && *p <= 0xE9)) {
            breach(s, line_of(s->text, (const char *)p), "Chinese text in a page",
                   "put it in the catalogue");
            break;
        }
}

/* --- files --- */
static char *read_all(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    size_t cap = 0;
    if (f && getdelim(&text, &cap, '\0', f) < 0 && text)
        text[0] = 0;
    if (f)
        fclose(f);
    if (!text) {
        fprintf(stderr, "floors: cannot read %s\n", path);
        exit(2);
    }
    return text;
}

static void check_file(const char *full)
{
    struct source s = {.path = full + strlen(root) + 1};
    bool c = ends_with(s.path, ".c") || ends_with(s.path, ".h");
    s.text = read_all(full);
    check_lines(&s, c);
    check_marks(&s);
    if (ends_with(s.path, ".vue"))
        check_han(&s);
    if (c) {
        s.test = strstr(s.path, "/test/") || !strncmp(s.path, "test/", 5) ||
                 !strncmp(s.path, "bench/", 6);
        if (sscanf(s.path, "src/%63[^/]/%63[^/]/", s.in, s.room) >= 1 && !rank_of(s.in))
            breach(&s, 1, "no such floor", s.in);
        s.code = strdup(s.text);
        blank_prose(s.code);
        check_functions(&s);
        if (s.in[0] || s.test) {
            check_includes(&s);
            check_calls(&s);
            check_statics(&s);
        }
        free(s.code);
    }
    free(s.text);
}

static int visit(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    static const char *const skip[] = {"node_modules", "dist",    "data", ".git",
                                       "build",        "build-*", "docs", "LICENSE"};
    static const char *const read[] = {".c", ".h", ".vue", ".ts", ".mjs", ".css", ".sh"};
    (void)st;
    for (size_t i = 0; i < COUNT_OF(skip) && at->level; i++)
        if (!fnmatch(skip[i], path + at->base, 0))
            return FTW_SKIP_SUBTREE;
    for (size_t i = 0; i < COUNT_OF(read) && flag == FTW_F; i++)
        if (ends_with(path, read[i]) && strcmp(path + at->base, "floors_test.sh"))
            check_file(path);
    return FTW_CONTINUE;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: floors FOLDER\n", stderr);
        return 2;
    }
    root = argv[1];
    if (nftw(root, visit, 16, FTW_PHYS | FTW_ACTIONRETVAL)) {
        perror(root);
        return 2;
    }
    if (nbreaches)
        printf("floors: %d breaches\n", nbreaches);
    return nbreaches ? 1 : 0;
}
