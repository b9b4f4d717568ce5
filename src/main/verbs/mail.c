/* mail.c - a message from the mail server: `|anju mail` in an alias, an MDA of fetchmail or
 * getmail. The exit status is what such programs understand (sysexits.h): what is wrong with the
 * message is said once and sent back, what is wrong with us is tried again. */
#include <stdio.h>
#include <sysexits.h>

#include "main/verb.h"
#include "rooms/mail/mail.h"

enum { BYTES_MAX = 21 << 20 };

static int status_of(enum err e)
{
    switch (e) {
    case E_MISSING: return EX_NOUSER;
    case E_SYNTAX:
    case E_INVALID:
    case E_TOOBIG: return EX_DATAERR;
    case E_RATE: return EX_UNAVAILABLE;
    default: return EX_TEMPFAIL; /* also two at once that met each other: one comes again */
    }
}

static int run(struct ctx *c, struct app *app, const struct args *a)
{
    static const char *const words[] = {[MAIL_TICKET] = "ticket",
                                        [MAIL_ADDED] = "added to",
                                        [MAIL_AGAIN] = "had already come as",
                                        [MAIL_RETURNED] = "a letter was returned to",
                                        [MAIL_IGNORED] = "not for people: left alone"};
    struct mail_taken taken;
    struct str raw;
    if (a->nwords) {
        fputs("anju mail: the message is read from standard input; say --to ADDRESS\n", stderr);
        return EX_USAGE;
    }
    enum err e = file_text(c, "-", BYTES_MAX, &raw);
    if (e == E_OK)
        e = mail_take(c, app, str_of(args_flag(a, "--to")), raw, &taken);
    if (e != E_OK) {
        (void)verb_failed(c, e);
        return status_of(e);
    }
    printf("%s " PRS "\n", words[taken.fate], PRA(taken.code));
    if (taken.attachments || taken.refused)
        printf("%d attachments kept, %d not\n", taken.attachments, taken.refused);
    return 0;
}

static const struct flag_spec flags[] = {
    {"--to", "ADDRESS", "whom it was delivered for; else its own heads say"}, {0}};
const struct verb verb_mail = {.name = "mail",
                               .usage = "[--to ADDRESS] < MESSAGE",
                               .help = "take in an e-mail: it becomes a ticket, or joins its own",
                               .flags = flags,
                               .needs = NEEDS_KEY_OR_LATER,
                               .run = run};
