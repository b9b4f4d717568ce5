/* doc.c - the pages that `anju doc` prints from the tables, in Markdown: the data dictionary, the
 * state machines, the error codes. They are never written by hand, so they cannot say anything else
 * than the program does. */
#include <string.h>

#include "core/core.h"
#include "core/print.h"

/* Text of a table cell. */
static void put_cell(struct buf *b, const char *z)
{
    for (; z && *z; z++) {
        if (*z == '|')
            buf_putc(b, '\\');
        buf_putc(b, *z == '\n' ? ' ' : *z);
    }
}

static void put_text(struct buf *b, struct text t)
{
    put_cell(b, t.zh);
    if (t.en && t.zh && strcmp(t.zh, t.en) != 0) {
        buf_put(b, S(" / "));
        put_cell(b, t.en);
    }
}

/* --- data dictionary --- */

static const char *column_name(enum col_type t)
{
    static const char *const names[] = {
        [COL_INT] = "int", [COL_REAL] = "real", [COL_TEXT] = "text", [COL_BLOB] = "blob"};
    return names[t];
}

static void put_flags(struct buf *b, uint32_t flags)
{
    static const char *const names[] = {"required", "unique",     "indexed",     "filter",   "sort",
                                        "search",   "server set", "create only", "personal", "list",
                                        "hidden",   "virtual",    "encrypted"};
    for (size_t i = 0, n = 0; i < COUNT_OF(names); i++)
        if (flags & (1u << i))
            buf_fmt(b, "%s%s", n++ ? ", " : "", names[i]);
}

/* Unicode dashes would be pretty; "1..40" can be searched for. */
static void put_limits(struct buf *b, const struct field *f)
{
    bool text = field_column(f->type) == COL_TEXT && f->type != F_DATE;
    if (f->ref)
        buf_fmt(b, "[%s](#%s)", f->ref, f->ref);
    for (const struct choice *ch = f->choices; ch && ch->key; ch++) {
        buf_fmt(b, "%s`%s` ", ch == f->choices ? "" : "<br>", ch->key);
        put_text(b, ch->label);
    }
    if (f->ref || f->choices)
        return;
    if (text || f->min || f->max)
        buf_fmt(b, "%lld..%lld%s", (long long)field_min(f), (long long)field_max(f),
                text ? " characters" : "");
}

static void dictionary_field(struct buf *b, const struct field *f)
{
    buf_fmt(b, "| `%s` | %s | %s | ", f->name, field_type_name(f->type),
            column_name(field_column(f->type)));
    put_flags(b, f->flags);
    buf_put(b, S(" | "));
    put_cell(b, f->label.zh);
    buf_put(b, S(" | "));
    put_cell(b, f->label.en);
    buf_put(b, S(" | "));
    put_limits(b, f);
    buf_put(b, S(" | "));
    put_text(b, f->help);
    if (f->see)
        buf_fmt(b, " Seen with `%s`.", f->see);
    if (f->edit)
        buf_fmt(b, " Set with `%s`.", f->edit);
    buf_put(b, S(" |\n"));
}

static void dictionary_rights(struct buf *b, const struct resource *r)
{
    const struct {
        const char *what, *perm;
    } rights[] = {
        {"read", r->read}, {"create", r->create}, {"update", r->update}, {"archive", r->remove}};
    int n = 0;
    for (size_t i = 0; i < COUNT_OF(rights); i++)
        if (rights[i].perm)
            buf_fmt(b, "%s%s `%s`", n++ ? ", " : "Rights: ", rights[i].what, rights[i].perm);
    buf_putz(b, n ? ".\n" : "");
    for (const struct row_rule *rule = r->rules; rule && rule->perm; rule++) {
        buf_fmt(b, "With `%s`: %s", rule->perm, rule->sql ? "the rows where `" : "all rows");
        buf_putz(b, rule->sql ? rule->sql : "");
        buf_putz(b, rule->sql ? "`.\n" : ".\n");
    }
}

static void dictionary_resource(struct buf *b, const struct resource *r)
{
    buf_fmt(b, "\n### %s\n\n", r->path);
    put_text(b, r->label);
    buf_fmt(b, ". Table `%s`; rows of %s.\n", r->name, r->system ? "the company" : "a community");
    dictionary_rights(b, r);
    buf_put(b, S("\n| field | type | column | flags | 中文 | English | limits | help "
                 "|\n|---|---|---|---|---|---|---|---|\n"));
    for (int i = 0; i < r->nfields; i++)
        dictionary_field(b, &r->fields[i]);
}

static void dictionary_table(struct buf *b, const struct table *t)
{
    buf_fmt(b,
            "\n### `%s` (inner)\n\nPrimary key: %s.\n\n| column | type | null | default "
            "|\n|---|---|---|---|\n",
            t->name, t->primary_key);
    for (size_t i = 0; i < t->ncolumns; i++) {
        const struct column *col = &t->columns[i];
        buf_fmt(b, "| `%s` | %s | %s | %s |\n", col->name, column_name(col->type),
                col->not_null ? "no" : "yes", col->default_sql ? col->default_sql : "");
    }
}

void dictionary_print(const struct app *app, struct buf *out)
{
    buf_put(out, S("# Data dictionary\n\nPrinted by `anju doc dictionary`. Money in fen, area in "
                   "0.01 m², quantities in 0.001, instants in ms UTC.\n"));
    for (const struct module *const *m = app->modules; *m; m++) {
        if (!(*m)->ntables && !((*m)->resources && *(*m)->resources))
            continue;
        buf_fmt(out, "\n## %s\n\n%s.\n", (*m)->name, (*m)->purpose);
        for (const struct resource *const *r = (*m)->resources; r && *r; r++)
            dictionary_resource(out, *r);
        for (int i = 0; i < (*m)->ntables; i++)
            dictionary_table(out, &(*m)->tables[i]);
    }
}

/* --- state machines --- */

static const struct choice *states_of(const struct resource *r)
{
    return r->fields[r->machine->state_field].choices;
}

static const char *state_key(const struct resource *r, int code)
{
    const struct choice *ch = choice_of_code(states_of(r), code);
    return ch ? ch->key : "?";
}

static int target_of(const struct step *s)
{
    return s->to == STEP_SAME ? s->from : s->to;
}

static bool arrow_told(const struct machine *m, int i)
{
    const struct step *s = &m->steps[i];
    for (int k = 0; k < i; k++)
        if (m->steps[k].from == s->from && target_of(&m->steps[k]) == target_of(s) &&
            strcmp(m->steps[k].action, s->action) == 0)
            return true;
    return false;
}

/* A state no other state leads to is where rows begin; one that leads nowhere else is an end. */
static void diagram_state(struct buf *b, const struct resource *r, const struct choice *ch)
{
    const struct machine *m = r->machine;
    bool entered = false, left = false;
    for (int i = 0; i < m->nsteps; i++) {
        int from = m->steps[i].from, to = target_of(&m->steps[i]);
        entered |= to == ch->code && from != ch->code;
        left |= from == ch->code && to != ch->code;
    }
    buf_fmt(b, "  %s : %s %s\n", ch->key, ch->label.zh, ch->label.en);
    if (left && !entered)
        buf_fmt(b, "  [*] --> %s\n", ch->key);
    if (entered && !left)
        buf_fmt(b, "  %s --> [*]\n", ch->key);
}

static void states_diagram(struct buf *b, const struct resource *r)
{
    const struct machine *m = r->machine;
    buf_put(b, S("```mermaid\nstateDiagram-v2\n"));
    for (const struct choice *ch = states_of(r); ch->key; ch++)
        diagram_state(b, r, ch);
    for (int i = 0; i < m->nsteps; i++)
        if (!arrow_told(m, i))
            buf_fmt(b, "  %s --> %s : %s\n", state_key(r, m->steps[i].from),
                    state_key(r, target_of(&m->steps[i])), m->steps[i].action);
    buf_put(b, S("```\n"));
}

static void step_who(struct buf *b, const struct step *s)
{
    if (!s->by[0].perm)
        buf_put(b, S("the system"));
    for (int a = 0; a < STEP_ACTORS && s->by[a].perm; a++)
        buf_fmt(b, "%s`%s`%s", a ? " or " : "", s->by[a].perm,
                s->by[a].is ? " and the row is theirs" : "");
}

static void step_needs(struct buf *b, const struct machine *m, const struct step *s)
{
    int n = 0;
    for (int i = 0; i < m->nactions; i++)
        for (int k = 0; strcmp(m->actions[i].key, s->action) == 0 && k < m->actions[i].ninput;
             k++) {
            const struct field *f = &m->actions[i].input[k];
            buf_fmt(b, "%s`%s`%s", n++ ? ", " : "", f->name, f->flags & REQUIRED ? "" : "?");
        }
    if (s->offered)
        buf_fmt(b, "%sonly some rows", n++ ? "; " : "");
    if (s->guard)
        buf_fmt(b, "%sa check", n++ ? "; " : "");
}

static const struct action *action_of(const struct machine *m, const char *key)
{
    for (int i = 0; i < m->nactions; i++)
        if (strcmp(m->actions[i].key, key) == 0)
            return &m->actions[i];
    return NULL;
}

static void states_table(struct buf *b, const struct resource *r)
{
    const struct machine *m = r->machine;
    buf_put(b, S("\n| action | from → to | who | needs | event |\n|---|---|---|---|---|\n"));
    for (int i = 0; i < m->nsteps; i++) {
        const struct step *s = &m->steps[i];
        const struct action *a = action_of(m, s->action);
        buf_fmt(b, "| `%s` ", s->action);
        if (a)
            put_text(b, a->label);
        buf_fmt(b, " | %s → %s | ", state_key(r, s->from),
                s->to == STEP_SAME ? "the same" : state_key(r, s->to));
        step_who(b, s);
        buf_put(b, S(" | "));
        step_needs(b, m, s);
        buf_fmt(b, " | %s |\n", s->event ? s->event : "");
    }
}

void states_print(const struct app *app, struct buf *out)
{
    buf_put(out, S("# State machines\n\nPrinted by `anju doc states`. A field with ? may be left "
                   "out; “a check” is a rule that needs the database or the input.\n"));
    for (const struct module *const *m = app->modules; *m; m++)
        for (const struct resource *const *r = (*m)->resources; r && *r; r++) {
            if (!(*r)->machine)
                continue;
            buf_fmt(out, "\n## %s\n\n", (*r)->path);
            put_text(out, (*r)->label);
            buf_fmt(out, ", by its field `%s`.\n\n", (*r)->fields[(*r)->machine->state_field].name);
            states_diagram(out, *r);
            states_table(out, *r);
        }
}

/* --- errors --- */

void errors_print(struct buf *out)
{
    buf_put(out, S("# Errors\n\nPrinted by `anju doc errors`: `code` and `status` of a problem "
                   "answer, and its name in the program.\n\n"
                   "| code | status | meaning | in C |\n|---|---|---|---|\n"));
    for (int e = E_OK + 1; e < E_RETRY; e++) /* E_RETRY never leaves the program */
        buf_fmt(out, "| `%s` | %d | %s | %s |\n", err_key((enum err)e), err_status((enum err)e),
                err_help((enum err)e), err_name((enum err)e));
}
