/* config.c - where a setting comes from. The file is KEY = VALUE lines; unknown keys are refused,
 * because a misspelt setting that is silently ignored is found at the worst moment. */
#include "main/config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct setting_words settings[SET__N] = {
    [SET_DB] = {"--db", "ANJU_DB", "db", "sqlite:data/anju.db",
                "database: sqlite:PATH or postgres://USER@HOST/NAME"},
    [SET_LISTEN] = {"--listen", "ANJU_LISTEN", "listen", "127.0.0.1:8080",
                    "address to serve: HOST:PORT"},
    [SET_DATA] = {"--data", "ANJU_DATA", "data", "data", "folder for uploaded files"},
    [SET_KEY_FILE] =
        {"--key-file", "ANJU_KEY_FILE", "key_file", NULL,
         "what opens encrypted values [DATA/anju.key]; keep a copy apart from backups"},
    [SET_WORKERS] = {"--workers", "ANJU_WORKERS", "workers", "64",
                     "most requests worked on at once"},
    [SET_LOG] = {"--log", "ANJU_LOG", "log", "info", "lowest level logged: debug info warn error"},
    [SET_LOG_FILE] = {"--log-file", "ANJU_LOG_FILE", "log_file", NULL,
                      "log there instead of to standard error; SIGHUP opens it anew"},
    [SET_LOG_MB] = {"--log-mb", "ANJU_LOG_MB", "log_mb", "1000",
                    "most megabytes of the log file and its older ones together, 10 and up"},
    [SET_TLS_CERT] = {"--tls-cert", "ANJU_TLS_CERT", "tls_cert", NULL,
                      "certificate chain, PEM; SIGHUP reads it anew"},
    [SET_TLS_KEY] = {"--tls-key", "ANJU_TLS_KEY", "tls_key", NULL, "private key, PEM"},
    [SET_TRUSTED_PROXY] = {"--trusted-proxy", "ANJU_TRUSTED_PROXY", "trusted_proxy", NULL,
                           "addresses of reverse proxies whose X-Forwarded-* counts: A,B"},
    [SET_BACKUPS] = {"--backups", "ANJU_BACKUPS", "backups", NULL,
                     "folder of the backups, for anju doctor to look at their age"},
    [SET_CLAMD] = {"--clamd", "ANJU_CLAMD", "clamd", NULL,
                   "virus scanner for uploads: its socket's /PATH or HOST:PORT"},
    [SET_SENDMAIL] =
        {"--sendmail", "ANJU_SENDMAIL", "sendmail", NULL,
         "program that sends mail, called as PROGRAM -i -f FROM -- TO; else none goes"},
    [SET_NODE] = {"--node", "ANJU_NODE", "node", "0",
                  "number of this process among several on one PostgreSQL, 0 to 14"},
    [SET_CONFIG] = {"--config", "ANJU_CONFIG", NULL, NULL,
                    "settings file (default: anju.conf here, if there)"},
};

void settings_print(struct buf *b)
{
    for (int i = 0; i < SET__N; i++)
        buf_fmt(b, "  %-16s %s%s%s%s\n", settings[i].flag, settings[i].help,
                settings[i].fallback ? " [" : "", settings[i].fallback ? settings[i].fallback : "",
                settings[i].fallback ? "]" : "");
}

void settings_each(void (*fn)(const struct setting_words *s, void *arg), void *arg)
{
    for (int i = 0; i < SET__N; i++)
        fn(&settings[i], arg);
}

static bool read_file(struct arena *a, const char *path, struct str *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    char *p = arena_get(a, 64 << 10);
    ssize_t n = read(fd, p, (64 << 10) - 1);
    close(fd);
    *ret = (struct str){p, n > 0 ? (size_t)n : 0};
    return n >= 0;
}

static bool config_line(struct arena *a, struct str line, int number, struct args *ret,
                        struct str *ret_why)
{
    struct str value = line, key = str_trim(str_next(&value, '='));
    if (!key.n || key.p[0] == '#')
        return true;
    for (int i = 0; i < SET__N; i++) {
        if (!settings[i].key || !str_eqz(key, settings[i].key))
            continue;
        if (!value.p)
            break;
        ret->set[i] = str_z(a, str_trim(value));
        return true;
    }
    *ret_why = arena_fmt(a,
                         "settings file, line %d: \"" PRS
                         "\" is not a setting (KEY = VALUE; see anju serve --help)",
                         number, PRA(key));
    return false;
}

static bool read_config(struct arena *a, const char *path, bool must, struct args *ret,
                        struct str *ret_why)
{
    struct str text;
    if (!read_file(a, path, &text)) {
        if (must)
            *ret_why = arena_fmt(a, "the settings file %s cannot be read", path);
        return !must;
    }
    for (int n = 1; text.p; n++)
        if (!config_line(a, str_next(&text, '\n'), n, ret, ret_why))
            return false;
    return true;
}

static bool is_setting(const char *name)
{
    for (int i = 0; i < SET__N; i++)
        if (strcmp(settings[i].flag, name) == 0)
            return true;
    return false;
}

static void setting_flag(struct args *ret, const char *name, const char *value)
{
    for (int i = 0; i < SET__N; i++)
        if (strcmp(settings[i].flag, name) == 0)
            ret->set[i] = value;
}

static const struct flag_spec *own_flag(const struct flag_spec *own, const char *name)
{
    for (; own && own->name; own++)
        if (strcmp(own->name, name) == 0)
            return own;
    return NULL;
}

/* One argument; *i moves past a value it takes. */
static bool read_arg(struct arena *a, int argc, char **argv, int *i, const struct flag_spec *own,
                     struct args *ret, struct str *ret_why)
{
    char *name = argv[*i];
    if (strncmp(name, "--", 2) != 0) {
        if (ret->nwords == (int)COUNT_OF(ret->words)) {
            *ret_why = S("too many arguments");
            return false;
        }
        ret->words[ret->nwords++] = name;
        return true;
    }
    const struct flag_spec *mine = own_flag(own, name);
    if (!mine && !is_setting(name)) {
        *ret_why = arena_fmt(a, "there is no option %s; --help lists them", name);
        return false;
    }
    bool takes = !mine || mine->value;
    if (takes && *i + 1 >= argc) {
        *ret_why = arena_fmt(a, "%s needs a value", name);
        return false;
    }
    const char *value = takes ? argv[++*i] : "";
    if (mine && ret->nflags < (int)COUNT_OF(ret->flags)) {
        ret->flags[ret->nflags].name = mine->name;
        ret->flags[ret->nflags++].value = value;
        return true;
    }
    setting_flag(ret, name, value);
    return true;
}

bool args_read(struct arena *a, int argc, char **argv, const struct flag_spec *own,
               struct args *ret, struct str *ret_why)
{
    struct args flags = {0};
    *ret = (struct args){0};
    for (int i = 0; i < argc; i++)
        if (!read_arg(a, argc, argv, &i, own, &flags, ret_why))
            return false;
    for (int i = 0; i < SET__N; i++)
        ret->set[i] = settings[i].fallback;
    const char *file = flags.set[SET_CONFIG] ? flags.set[SET_CONFIG]
                                             : getenv(settings[SET_CONFIG].env);
    if (!read_config(a, file ? file : "anju.conf", file != NULL, ret, ret_why))
        return false;
    for (int i = 0; i < SET__N; i++) {
        const char *env = getenv(settings[i].env);
        if (flags.set[i])
            ret->set[i] = flags.set[i];
        else if (env && *env)
            ret->set[i] = env;
    }
    memcpy(ret->words, flags.words, sizeof flags.words);
    memcpy(ret->flags, flags.flags, sizeof flags.flags);
    ret->nwords = flags.nwords;
    ret->nflags = flags.nflags;
    return true;
}

const char *args_flag(const struct args *a, const char *name)
{
    for (int i = 0; i < a->nflags; i++)
        if (strcmp(a->flags[i].name, name) == 0)
            return a->flags[i].value;
    return NULL;
}

int64_t args_int(const struct args *a, const char *name, int64_t otherwise)
{
    int64_t n;
    const char *v = args_flag(a, name);
    return v && str_int(str_of(v), &n) ? n : otherwise;
}
