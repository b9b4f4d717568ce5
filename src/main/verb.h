/* verb.h - what the command line can do: one struct verb per word, one file each under verbs/. A
 * verb prints its result to standard output and returns the exit status: 0 done, 1 failed, 2 called
 * wrongly. */
#pragma once
#include "main/config.h"
#include "main/modules.h"

/* What is there before run: nothing; the database, open, migrated and booted; and its key file too,
 * made when the database never had one. OR_LATER: whoever calls it tries again by its exit status
 * when the house cannot be opened now. */
enum need { NEEDS_NOTHING, NEEDS_DB, NEEDS_KEY, NEEDS_KEY_OR_LATER };
struct verb {
    const char *name, *usage, *help;
    const struct flag_spec *flags;
    enum need needs;
    int (*run)(struct ctx *c, struct app *app, const struct args *a);
};
extern const struct verb verb_serve, verb_init, verb_demo, verb_user, verb_token, verb_import,
    verb_export, verb_calendar, verb_backup, verb_restore, verb_upgrade, verb_db, verb_check,
    verb_doctor, verb_key, verb_mail, verb_doc, verb_version;

/* All of them, in the order of --help; ends with NULL. */
extern const struct verb *const all_verbs[];

/* Prints the fault as "anju: …" on standard error; returns 1. */
int verb_failed(struct ctx *c, enum err e);
/* Opens the database of the settings, boots the rooms and migrates. */
enum err app_open(struct ctx *c, struct app *app, const struct verb *v, const struct args *a);
const char *setting_key_file(struct ctx *c, const struct args *a);
void app_close(struct app *app);
/* Whole text of a file or, for "-", of standard input; at most max bytes. */
enum err file_text(struct ctx *c, const char *path, size_t max, struct str *ret);
