/* man.c - anju(1) in man's language, from the same tables that --help prints, so that the page of a
 * package cannot say what the program does not. */
#include "main/man.h"

#include "core/print.h"

/* Text for roff: backslashes and hyphens as such, no line that begins with a command. */
static void text(struct buf *b, const char *z)
{
    for (; *z; z++)
        if (*z == '-')
            buf_putz(b, "\\-");
        else if (*z == '\\')
            buf_putz(b, "\\e");
        else
            buf_putc(b, *z);
}

static void verb_part(struct buf *b, const struct verb *v)
{
    buf_putz(b, ".TP\n\\fBanju ");
    text(b, v->name);
    buf_putz(b, "\\fR ");
    text(b, v->usage);
    buf_putz(b, "\n\\&");
    text(b, v->help);
    buf_putz(b, "\n");
    for (const struct flag_spec *f = v->flags; f && f->name; f++) {
        buf_putz(b, ".RS\n.TP\n\\fB");
        text(b, f->name);
        buf_putz(b, "\\fR ");
        text(b, f->value ? f->value : "");
        buf_putz(b, "\n\\&");
        text(b, f->help);
        buf_putz(b, "\n.RE\n");
    }
}

static void setting_part(const struct setting_words *s, void *arg)
{
    struct buf *b = arg;
    buf_putz(b, ".TP\n\\fB");
    text(b, s->flag);
    buf_putz(b, "\\fR, ");
    text(b, s->env);
    if (s->key) {
        buf_putz(b, ", ");
        text(b, s->key);
    }
    buf_putz(b, "\n\\&");
    text(b, s->help);
    if (s->fallback) {
        buf_putz(b, " [");
        text(b, s->fallback);
        buf_putz(b, "]");
    }
    buf_putz(b, "\n");
}

void man_print(struct buf *b)
{
    buf_putz(b, ".TH ANJU 1 \"\" \"anju " ANJU_VERSION "\" \"\"\n.SH NAME\nanju \\- "
                "property\\-management information system\n.SH SYNOPSIS\n.B anju\nVERB "
                "[options]\n.SH DESCRIPTION\nOne program that runs a residential community, or a "
                "company with many of them: service, command line and web pages.\n.SH VERBS\n");
    for (size_t i = 0; all_verbs[i]; i++)
        verb_part(b, all_verbs[i]);
    buf_putz(b, ".SH SETTINGS\nAn option of every verb, else a variable of the environment, else "
                "a line of the settings file.\n");
    settings_each(setting_part, b);
    buf_putz(b, ".SH FILES\n.I /etc/anju/anju.conf\n.PP\n.I /var/lib/anju\n.SH EXIT STATUS\n0 "
                "done, 1 failed, 2 called wrongly.\n");
}
