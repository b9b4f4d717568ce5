/* main.c - the way in: picks the verb, reads settings, opens the house, runs, closes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"
#include "core/event.h"
#include "core/key.h"
#include "main/assets.h"
#include "main/verb.h"
#include "rooms/estate/estate.h"

const struct verb *const all_verbs[] = {&verb_serve,  &verb_init,    &verb_demo,    &verb_user,
                                        &verb_token,  &verb_import,  &verb_export,  &verb_calendar,
                                        &verb_backup, &verb_restore, &verb_upgrade, &verb_db,
                                        &verb_check,  &verb_doctor,  &verb_key,     &verb_mail,
                                        &verb_doc,    &verb_version, NULL};

static void usage(FILE *to)
{
    fputs("anju - the property-management information system\n\nusage: anju VERB [options]\n\n",
          to);
    for (size_t i = 0; all_verbs[i]; i++)
        fprintf(to, "  %-8s %s\n", all_verbs[i]->name, all_verbs[i]->help);
    fputs("\n`anju VERB --help` explains one.\n", to);
}

static void verb_help(struct arena *mem, const struct verb *v)
{
    struct buf b;
    buf_init(&b, mem, 64 << 10);
    printf("anju %s %s\n  %s\n", v->name, v->usage, v->help);
    if (v->flags)
        puts("\noptions:");
    for (const struct flag_spec *f = v->flags; f && f->name; f++)
        printf("  %-12s %-8s %s\n", f->name, f->value ? f->value : "", f->help);
    settings_print(&b);
    printf("\nsettings (option > ANJU_* environment > anju.conf > default):\n" PRS,
           PRA(buf_str(&b)));
}

int verb_failed(struct ctx *c, enum err e)
{
    struct str words = c->fault.message.n ? c->fault.message : str_of(err_help(e));
    fprintf(stderr, "anju: " PRS " (%s)\n", PRA(words), err_key(e));
    for (int i = 0; i < c->fault.nfields; i++)
        fprintf(stderr, "  %s: " PRS "\n", c->fault.fields[i].field,
                PRA(c->fault.fields[i].message));
    return 1;
}

enum err file_text(struct ctx *c, const char *path, size_t max, struct str *ret)
{
    int fd = strcmp(path, "-") == 0 ? 0 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return FAIL(c, E_MISSING, "无法读取 %s: %s", "cannot read %s: %s", path, strerror(errno));
    struct buf b;
    char chunk[16384];
    ssize_t n;
    buf_init(&b, c->mem, max);
    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        buf_put(&b, (struct str){chunk, (size_t)n});
    if (fd)
        close(fd);
    if (n < 0 || b.full)
        return FAIL(c, E_TOOBIG, "%s 无法读取或太大", "%s cannot be read or is too large", path);
    *ret = buf_str(&b);
    return E_OK;
}

const char *setting_key_file(struct ctx *c, const struct args *a)
{
    const char *key = a->set[SET_KEY_FILE];
    return key ? key : arena_fmt(c->mem, "%s/anju.key", a->set[SET_DATA]).p;
}

enum err app_open(struct ctx *c, struct app *app, const struct verb *v, const struct args *a)
{
    struct db_options o = {.readers = 32};
    mkdir(a->set[SET_DATA], 0700);
    TRY(db_open(c, a->set[SET_DB], &o, &app->db));
    app_boot(app);
    TRY(app_migrate(app, c));
    TRY(ids_raise(c, app));
    return keys_load(c, app, setting_key_file(c, a), v->needs >= NEEDS_KEY);
}

void app_close(struct app *app)
{
    if (app->db)
        db_close(app->db);
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

/* Two processes of one number would make the same ids: the command line beside a running service
 * has the last one to itself. */
static int node_of(const struct verb *v, const struct args *a)
{
    enum { COMMAND_LINE = 15 };
    int64_t node;
    if (v != &verb_serve)
        return COMMAND_LINE;
    return str_int(str_of(a->set[SET_NODE]), &node) && node >= 0 && node < COMMAND_LINE ? (int)node
                                                                                        : 0;
}

static int run_verb(const struct verb *v, int argc, char **argv)
{
    struct arena *mem = arena_new(ARENA_REPORT_BYTES);
    struct ctx c = {.mem = mem, .now_ms = clock_now_ms(), .lang = LANG_EN, .trace_id = "cli"};
    struct app app = {.modules = all_modules,
                      .assets = assets,
                      .nassets = nassets,
                      .communities_of = &Q_COMMUNITIES_OF,
                      .started_ms = c.now_ms};
    struct args a;
    struct str why;
    int status = 2;
    if (wants_help(argc, argv)) {
        verb_help(mem, v);
        status = 0;
    } else if (!args_read(mem, argc - 2, argv + 2, v->flags, &a, &why)) {
        fprintf(stderr, "anju %s: " PRS "\n", v->name, PRA(why));
    } else {
        app.data_dir = a.set[SET_DATA];
        app.clamd = a.set[SET_CLAMD];
        app.sendmail = a.set[SET_SENDMAIL];
        app.node_id = node_of(v, &a);
        enum err e = v->needs ? app_open(&c, &app, v, &a) : E_OK;
        status = e == E_OK ? v->run(&c, &app, &a) : verb_failed(&c, e);
        if (e != E_OK && v->needs == NEEDS_KEY_OR_LATER)
            status = EX_TEMPFAIL;
        app_close(&app);
    }
    arena_free(mem);
    return status;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    crypto_start();
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        usage(argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : 0;
    }
    for (size_t i = 0; all_verbs[i]; i++)
        if (strcmp(argv[1], all_verbs[i]->name) == 0 ||
            (strcmp(argv[1], "--version") == 0 && all_verbs[i] == &verb_version))
            return run_verb(all_verbs[i], argc, argv);
    fprintf(stderr, "anju: there is no verb \"%s\"\n\n", argv[1]);
    usage(stderr);
    return 2;
}
