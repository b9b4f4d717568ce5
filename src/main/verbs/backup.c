/* backup.c - the verbs for the day something goes wrong, or might: backup, restore, db copy,
 * upgrade. None of them changes a database before what is to be kept of it was written, read back
 * and compared. They open databases as they are: an upgrade is only ever asked for by name. */
#include "core/backup.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "core/key.h"
#include "main/checks.h"
#include "main/verb.h"

enum { PART_OLD_S = 86400 };
static const struct db_options tool = {.readers = 8, .slow_ms = 60000, .must_exist = true};

/* A database as it is, and the house booted over it. *ret_current: its tables are this program's;
 * then the keys are loaded too. */
static enum err house_as_is(struct ctx *c, struct app *app, const struct args *a, const char *url,
                            bool *ret_current)
{
    TRY(db_open(c, url, &tool, &app->db));
    app_boot(app);
    TRY(app_schema_current(app, c, ret_current));
    if (!*ret_current)
        return E_OK;
    enum err e = keys_load(c, app, setting_key_file(c, a), false);
    fault_clear(c); /* a backup needs no key; its chain is then not looked at */
    return e == E_STATE ? E_OK : e;
}

static void told_print(const char *verb, const char *path, const struct backup_told *t)
{
    printf("%s %s: %lld tables, %lld rows, %lld uploads (%lld bytes), read back and compared\n",
           verb, path, (long long)t->tables, (long long)t->rows, (long long)t->files,
           (long long)t->bytes);
    if (t->missing)
        fprintf(stderr,
                "anju: %lld uploads are lost or damaged and so not in it; anju check names them\n",
                (long long)t->missing);
}

/* Runs the checks of all rooms over the copy: what they find was in the house already, so it is
 * told and kept. */
static enum err look(struct ctx *c, struct db *copy, void *arg)
{
    struct app app = *(struct app *)arg;
    struct checks_told told;
    app.db = copy;
    TRY(checks_run(c, &app, &told));
    if (told.faults)
        fprintf(stderr,
                "anju: the checks found %d faults in the data; they are in the backup too\n",
                told.faults);
    return E_OK;
}

static enum err make(struct ctx *c, struct app *app, bool current, const char *path, bool replace)
{
    struct backup_told told;
    struct backup_make m = {.db = app->db,
                            .data_dir = app->data_dir,
                            .path = path,
                            .replace = replace,
                            .look = current && keys_ready() ? look : NULL,
                            .arg = app};
    const char *slash = strrchr(path, '/');
    struct str dir = slash ? (struct str){path, (size_t)(slash - path) + 1} : S(".");
    (void)fs_sweep(str_z(c->mem, dir), ".part-", PART_OLD_S);
    TRY(backup_make(c, &m, &told));
    told_print("backup", path, &told);
    return E_OK;
}

static int run_backup(struct ctx *c, struct app *app, const struct args *a)
{
    bool current;
    if (a->nwords != 1) {
        fputs("anju backup: say `anju backup FILE`\n", stderr);
        return 2;
    }
    enum err e = house_as_is(c, app, a, a->set[SET_DB], &current);
    if (e == E_OK)
        e = make(c, app, current, a->words[0], args_flag(a, "--replace"));
    return e == E_OK ? 0 : verb_failed(c, e);
}
static const struct flag_spec replace_flags[] = {
    {"--replace", NULL, "what stands there goes once the new one is whole"}, {0}};
const struct verb verb_backup = {"backup",
                                 "FILE [--replace]",
                                 "write the whole house but its key file into one file, while it "
                                 "runs, and read it back",
                                 replace_flags,
                                 NEEDS_NOTHING,
                                 run_backup};

/* --- restore --- */

/* What follows once the rows are in: this program's tables, uploads, checks. */
static enum err settle(struct ctx *c, struct app *app, const struct args *a, const char *path)
{
    struct checks_told told;
    app_boot(app);
    TRY(app_migrate(app, c));
    TRY(backup_files(c, path, app->data_dir));
    if (keys_load(c, app, setting_key_file(c, a), false) != E_OK || !keys_ready()) {
        fault_clear(c);
        fprintf(stderr,
                "anju: the key file of this house is not at %s: put your copy there before the "
                "service starts; the data was not checked\n",
                setting_key_file(c, a));
        return E_OK;
    }
    TRY(checks_run(c, app, &told));
    printf("%d checks, %d faults\n", told.checks, told.faults);
    return E_OK;
}

/* An SQLite house grows beside its place, with nobody looking, and takes it whole. */
static enum err restore_file(struct ctx *c, struct app *app, const struct args *a, const char *to,
                             bool replace)
{
    static const struct text what = TEXT("数据库", "the database");
    static const char *const beside[] = {"-wal", "-shm", "-journal"};
    struct fs_file f;
    struct db *old;
    bool empty = true;
    if (access(to, F_OK) == 0) {
        TRY(db_open(c, arena_fmt(c->mem, "sqlite:%s", to).p, &tool, &old));
        enum err e = db_alone(old, c);
        if (e == E_OK)
            e = db_is_empty(old, c, &empty);
        db_close(old);
        TRY(e);
    }
    if (!empty && !replace)
        return FAIL(c, E_EXISTS, "%s 已有数据(--replace 覆盖)",
                    "%s holds a house already; --replace replaces it", to);
    int why = fs_create_for(&f, to);
    if (!why)
        why = fs_close(&f);
    if (why)
        return fs_fail(c, why, what);
    enum err e = db_open(c, arena_fmt(c->mem, "sqlite:%s", f.path).p, &tool, &app->db);
    if (e == E_OK)
        e = backup_rows(c, a->words[0], app->db, false);
    if (e == E_OK)
        e = settle(c, app, a, a->words[0]);
    db_close(app->db);
    app->db = NULL;
    for (size_t i = 0; i < COUNT_OF(beside); i++) {
        (void)unlink(arena_fmt(c->mem, "%s%s", f.path, beside[i]).p);
        if (e == E_OK) /* of a database that is gone: they would be played into the new one */
            (void)unlink(arena_fmt(c->mem, "%s%s", to, beside[i]).p);
    }
    if (e == E_OK && (why = fs_keep(&f, to, true)) != 0)
        e = fs_fail(c, why, what);
    fs_drop(&f);
    return e;
}

static enum err restore_server(struct ctx *c, struct app *app, const struct args *a, bool replace)
{
    TRY(db_open(c, a->set[SET_DB], &tool, &app->db));
    TRY(db_alone(app->db, c));
    TRY(backup_rows(c, a->words[0], app->db, replace));
    return settle(c, app, a, a->words[0]);
}

static int run_restore(struct ctx *c, struct app *app, const struct args *a)
{
    struct backup_told told;
    const char *url = a->set[SET_DB];
    bool replace = args_flag(a, "--replace");
    if (a->nwords != 1) {
        fputs("anju restore: say `anju restore FILE`\n", stderr);
        return 2;
    }
    int why = fs_folder(app->data_dir);
    enum err e = why ? fs_fail(c, why, (struct text)TEXT("数据目录", "the data folder"))
                     : backup_verify(c, a->words[0], &told);
    if (e == E_OK)
        e = strncmp(url, "sqlite:", 7) == 0 ? restore_file(c, app, a, url + 7, replace)
                                            : restore_server(c, app, a, replace);
    if (e != E_OK)
        return verb_failed(c, e);
    told_print("restored", a->words[0], &told);
    printf("it was made at " PRS "\n", PRA(told.made));
    return 0;
}
const struct verb verb_restore = {"restore",
                                  "FILE [--replace]",
                                  "check a backup and bring the house back from it; the service "
                                  "is stopped meanwhile",
                                  replace_flags,
                                  NEEDS_NOTHING,
                                  run_restore};

/* --- db copy --- */

static enum err nobody_else(struct ctx *c, const char *url)
{
    struct db *db;
    TRY(db_open(c, url, &tool, &db));
    enum err e = db_alone(db, c);
    db_close(db);
    return e;
}

static enum err copy(struct ctx *c, struct app *app, const struct args *a)
{
    const struct db_options fresh = {.readers = 8, .slow_ms = 60000};
    struct db *from = NULL;
    struct db_sums sums;
    bool current;
    int64_t rows = 0;
    TRY(nobody_else(c, a->words[1])); /* what is written after the copy would be lost */
    TRY(house_as_is(c, app, a, a->words[1], &current));
    from = app->db;
    enum err e = db_open(c, a->words[2], &fresh, &app->db);
    if (e != E_OK) {
        app->db = from;
        return e;
    }
    e = db_copy(c, from, app->db, "", false, &sums);
    db_close(from);
    TRY(e);
    if (current) {
        app_boot(app);
        TRY(app_migrate(app, c)); /* indexes and triggers */
    }
    for (size_t i = 0; i < sums.n; i++)
        rows += sums.v[i].rows;
    printf("copied %zu tables, %lld rows, read back and compared; uploads and key file stay where "
           "they are\n",
           sums.n, (long long)rows);
    if (!current)
        puts("the database is of an older program: run anju upgrade on the copy");
    return E_OK;
}

static int run_db(struct ctx *c, struct app *app, const struct args *a)
{
    if (a->nwords != 3 || strcmp(a->words[0], "copy") != 0) {
        fputs("anju db: say `anju db copy FROM TO`, each sqlite:PATH or postgres://…\n", stderr);
        return 2;
    }
    enum err e = copy(c, app, a);
    return e == E_OK ? 0 : verb_failed(c, e);
}
const struct verb verb_db = {"db",
                             "copy FROM TO",
                             "copy a whole database into an empty one, from one engine to the "
                             "other, row by row",
                             NULL,
                             NEEDS_NOTHING,
                             run_db};

/* --- upgrade --- */

static enum err upgrade(struct ctx *c, struct app *app, const struct args *a)
{
    const char *path = args_flag(a, "--backup");
    struct checks_told told;
    bool current;
    TRY(house_as_is(c, app, a, a->set[SET_DB], &current));
    if (path)
        TRY(make(c, app, current, path, args_flag(a, "--replace")));
    TRY(app_migrate(app, c));
    puts(current ? "the database is this program's already" : "the database is upgraded");
    TRY(keys_load(c, app, setting_key_file(c, a), true));
    TRY(checks_run(c, app, &told));
    printf("%d checks, %d faults\n", told.checks, told.faults);
    return E_OK;
}

static int run_upgrade(struct ctx *c, struct app *app, const struct args *a)
{
    enum err e = upgrade(c, app, a);
    return e == E_OK ? 0 : verb_failed(c, e);
}
static const struct flag_spec upgrade_flags[] = {
    {"--backup", "FILE", "write a backup first; nothing is changed when that fails"},
    {"--replace", NULL, "an older backup of that name goes"},
    {0}};
const struct verb verb_upgrade = {
    "upgrade",     "[--backup FILE]", "bring an older database up to this program, a backup first",
    upgrade_flags, NEEDS_NOTHING,     run_upgrade};
