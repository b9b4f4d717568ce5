/* config.h - settings: flag > ANJU_* environment > anju.conf > default. One table says them all;
 * --help prints it. */
#pragma once
#include "base/err.h"

enum setting {
    SET_DB,
    SET_LISTEN,
    SET_DATA,
    SET_KEY_FILE,
    SET_WORKERS,
    SET_LOG,
    SET_LOG_FILE,
    SET_LOG_MB,
    SET_TLS_CERT,
    SET_TLS_KEY,
    SET_TRUSTED_PROXY,
    SET_BACKUPS,
    SET_CLAMD,
    SET_SENDMAIL,
    SET_NODE,
    SET_CONFIG,
    SET__N
};
struct args {
    const char *set[SET__N];
    const char *words[16]; /* what is not a flag, in order */
    int nwords;
    struct flag { /* flags of the verb itself */
        const char *name, *value;
    } flags[16];
    int nflags;
};
/* A verb's own flags: name and, when it takes one, what its value is. Ends with NULL. */
struct flag_spec {
    const char *name, *value, *help;
};
/* Reads argv after the verb. False: *ret_why says what is wrong, in one line. */
bool args_read(struct arena *a, int argc, char **argv, const struct flag_spec *own,
               struct args *ret, struct str *ret_why);
const char *args_flag(const struct args *a,
                      const char *name); /* NULL: not given; "" for a flag without value */
int64_t args_int(const struct args *a, const char *name, int64_t otherwise);
void settings_print(struct buf *b);
struct setting_words {
    const char *flag, *env, *key, *fallback, *help; /* key, fallback: may be NULL */
};
void settings_each(void (*fn)(const struct setting_words *s, void *arg), void *arg);
