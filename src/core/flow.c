/* flow.c - the state machine engine. An arrow is a line in a room's table; here, once for all
 * machines: who may, in which state, with what input; then guard, effect, versioned update and
 * event in the caller's transaction. */
#include <string.h>

#include "core/event.h"
#include "core/late.h"
#include "core/res_in.h"

static bool actor_fits(const struct ctx *c, const struct res_rt *rt, int step,
                       const struct row *row)
{
    const struct step *s = &rt->r->machine->steps[step];
    if (!c->who)
        return true; /* the system */
    for (int a = 0; a < STEP_ACTORS && s->by[a].perm; a++)
        if (who_may_i(c->who, rt->actor_i[step][a], row_int(row, R_COMMUNITY)) &&
            (!s->by[a].is || s->by[a].is(c->who, row)))
            return true;
    return false;
}

static const struct action *action_find(const struct machine *m, const char *key)
{
    for (int i = 0; i < m->nactions; i++)
        if (str_eqz(str_of(key), m->actions[i].key))
            return &m->actions[i];
    return NULL;
}

static bool leaves(const struct step *s, int state, const char *action)
{
    return s->from == state && str_eqz(str_of(action), s->action);
}

void flow_actions_json(struct ctx *c, const struct resource *r, const struct row *row,
                       struct buf *out)
{
    buf_put(out, S(",\"actions\":["));
    const struct machine *m = r->machine;
    const struct res_rt *rt = rt_of(r);
    const char *last = NULL;
    for (int i = 0; m && i < m->nsteps; i++) {
        const struct step *s = &m->steps[i];
        if (s->from != row_int(row, m->state_field) || (last && strcmp(last, s->action) == 0))
            continue;
        if ((s->offered && !s->offered(row)) || !actor_fits(c, rt, i, row) ||
            (c->who && !s->by[0].perm))
            continue;
        buf_fmt(out, "%s\"%s\"", last ? "," : "", s->action);
        last = s->action;
    }
    buf_putc(out, ']');
}

static enum err no_such_step(struct ctx *c, const struct resource *r, const struct row *row,
                             const char *action)
{
    const struct machine *m = r->machine;
    const struct choice *now = choice_of_code(r->fields[m->state_field].choices,
                                              row_int(row, m->state_field));
    const struct action *a = action_find(m, action);
    c->fault.current_version = row_int(row, R_VERSION);
    return FAIL(c, E_STATE, "现在的状态是“%s”,不能%s", "it is now “%s”; “%s” is not possible",
                now ? text_in(now->label, c->lang) : "?", text_in(a->label, c->lang));
}

/* The arrow for this row, action and caller: state first (409), then rights (403). */
static enum err find_step(struct ctx *c, const struct res_rt *rt, const struct row *row,
                          const char *action, const struct step **ret)
{
    const struct machine *m = rt->r->machine;
    bool here = false;
    for (int i = 0; i < m->nsteps; i++) {
        const struct step *s = &m->steps[i];
        if (!leaves(s, (int)row_int(row, m->state_field), action) ||
            (s->offered && !s->offered(row)))
            continue;
        here = true;
        if ((s->by[0].perm || !c->who) && actor_fits(c, rt, i, row)) {
            *ret = s;
            return E_OK;
        }
    }
    if (!here) {
        bool ever = false; /* who may never take this action is told so, whatever the state */
        for (int i = 0; i < m->nsteps; i++)
            ever |= str_eqz(str_of(action), m->steps[i].action) && actor_fits(c, rt, i, row);
        if (ever)
            return no_such_step(c, rt->r, row, action);
    }
    return FAIL(c, E_DENIED, "您的岗位不能做这一步", "your role may not take this step");
}

bool flow_open_to(const struct ctx *c, const struct resource *r, const struct row *row,
                  const char *action)
{
    for (int i = 0; i < r->machine->nsteps; i++) {
        const struct step *s = &r->machine->steps[i];
        for (int a = 0; a < STEP_ACTORS && s->by[a].perm; a++)
            if (str_eqz(str_of(action), s->action) && !s->by[a].is &&
                who_may_i(c->who, rt_of(r)->actor_i[i][a], row_int(row, R_COMMUNITY)))
                return true;
    }
    return false;
}

/* The input as members of the event: everything the caller gave. */
static struct str input_json(struct ctx *c, const struct machine *m, const struct step *s,
                             const struct action *a, const struct row *old, const struct row *neu,
                             const struct row *in, const struct resource *r, int64_t at_ms)
{
    const struct choice *states = r->fields[m->state_field].choices;
    const struct choice *from = choice_of_code(states, row_int(old, m->state_field));
    const struct choice *to = choice_of_code(states, row_int(neu, m->state_field));
    struct buf b;
    buf_init(&b, c->mem, 64 << 10);
    buf_fmt(&b, "\"action\":\"%s\",\"from\":\"%s\",\"to\":\"%s\"", s->action, from ? from->key : "",
            to ? to->key : "");
    for (int i = 0; i < a->ninput; i++) {
        if (!row_has(in, i))
            continue;
        buf_fmt(&b, ",\"%s\":", a->input[i].name);
        if (a->input[i].flags & (PERSONAL | UNLOGGED))
            buf_put(&b, S("\"***\""));
        else
            field_to_json(&b, &a->input[i], in->v[i], zone_find("UTC"));
    }
    late_mark(c, at_ms, &b);
    return buf_str(&b);
}

static void copy_input(const struct resource *r, const struct action *a, const struct row *in,
                       struct row *neu)
{
    for (int i = 0; i < a->ninput; i++) {
        if (a->input[i].flags & VIRTUAL || !(in->set & BIT(i)))
            continue;
        int f = field_find(r->fields, r->nfields, str_of(a->input[i].name));
        ASSERT(f >= 0);
        row_put(neu, f, in->v[i]);
    }
}

/* Guard and effect see the instant of the step as now: that is where clocks stop. */
static enum err run_rules(struct ctx *c, struct tx *tx, const struct step *s, const struct row *row,
                          struct row *neu, const struct row *in, int64_t at_ms)
{
    int64_t now_ms = c->now_ms;
    c->now_ms = at_ms;
    enum err e = s->guard ? s->guard(c, tx, row, in) : E_OK;
    if (e == E_OK && s->effect)
        e = s->effect(c, tx, row, neu, in);
    c->now_ms = now_ms;
    return e;
}

static enum err take_step(struct ctx *c, struct tx *tx, const struct resource *r, struct row *row,
                          const struct step *s, const struct action *a, const struct row *in,
                          int64_t at_ms)
{
    const struct machine *m = r->machine;
    struct row neu = {0};
    TRY(res_check_refs(c, tx, a->input, a->ninput, in, row_int(row, R_COMMUNITY)));
    copy_input(r, a, in, &neu);
    if (s->to != STEP_SAME)
        row_put(&neu, m->state_field, v_int(s->to));
    TRY(run_rules(c, tx, s, row, &neu, in, at_ms));
    if (c->fault.nfields)
        return E_INVALID;
    if (!(neu.set & BIT(m->state_field)))
        neu.v[m->state_field] = row->v[m->state_field];
    struct str data = input_json(c, m, s, a, row, &neu, in, r, at_ms);
    TRY(res_store_at(c, tx, r, row, &neu, s->event, data, at_ms));
    *row = neu;
    return E_OK;
}

static enum err prepare_step(struct ctx *c, const struct resource *r, const struct row *row,
                             const char *action, int64_t version, const struct step **ret,
                             const struct action **ret_action)
{
    *ret_action = action_find(r->machine, action);
    if (!*ret_action)
        return FAIL(c, E_MISSING, "没有这个动作", "there is no such action");
    TRY(find_step(c, rt_of(r), row, action, ret));
    if (version && version != row_int(row, R_VERSION)) {
        c->fault.current_version = row_int(row, R_VERSION);
        return FAIL(c, E_CONFLICT, "别人刚刚处理过,请刷新后再试",
                    "someone else has just handled this; refresh and try again");
    }
    return E_OK;
}

enum err flow_act(struct ctx *c, struct tx *tx, const struct resource *r, struct row *row,
                  const char *action, const struct json *input, int64_t version)
{
    static const char *const extra[] = {"version", "happened_at", NULL};
    const struct step *s;
    const struct action *a;
    struct row in = {0};
    int64_t at_ms;
    TRY(prepare_step(c, r, row, action, version, &s, &a));
    TRY(late_step(c, tx, r, row, input, &at_ms));
    if (input || a->ninput)
        TRY(fields_read(c, a->input, a->ninput, input, READ_INPUT, extra, &in));
    return take_step(c, tx, r, row, s, a, &in, at_ms);
}

enum err flow_act_row(struct ctx *c, struct tx *tx, const struct resource *r, struct row *row,
                      const char *action, const struct row *in, int64_t version)
{
    const struct step *s;
    const struct action *a;
    TRY(prepare_step(c, r, row, action, version, &s, &a));
    return take_step(c, tx, r, row, s, a, in, c->now_ms);
}
