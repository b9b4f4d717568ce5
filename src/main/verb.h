/* verb.h - what the command line can do: one struct verb per word, one file each under verbs/. A
 * verb prints its result to standard output and returns the exit status: 0 done, 1 failed, 2 called
 * wrongly. */
#pragma once
#include "main/config.h"
#include "main/modules.h"

struct verb {
    const char *name, *usage, *help;
    const struct flag_spec *flags;
    bool needs_db; /* open, migrate and boot before run */
    int (*run)(struct ctx *c, struct app *app, const struct args *a);
};
extern const struct verb verb_serve, verb_init, verb_demo, verb_user, verb_token, verb_import,
    verb_export, verb_check, verb_doc, verb_version;

/* Prints the fault as "anju: …" on standard error; returns 1. */
int verb_failed(struct ctx *c, enum err e);
/* Opens the database of the settings, boots the rooms and migrates. */
enum err app_open(struct ctx *c, struct app *app, const struct args *a);
void app_close(struct app *app);
/* Whole text of a file or, for "-", of standard input; at most max bytes. */
enum err file_text(struct ctx *c, const char *path, size_t max, struct str *ret);
