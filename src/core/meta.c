/* meta.c - what the UI is made from: the caller, the communities, the menu and every resource the
 * caller may read, as the tables say. Filtered by rights, so a menu never shows what a click would
 * refuse. */
#include <string.h>

#include "base/crypto.h"
#include "core/core.h"

static bool holds(const struct ctx *c, const char *perm)
{
    return perm && perms_has(&c->who->any, perm_index(perm));
}

/* Rows of the whole company are out of reach of a right that holds for communities only. */
static bool holds_on(const struct ctx *c, const struct resource *r, const char *perm)
{
    return perm && (r->system ? who_may_i(c->who, perm_index(perm), 0) : holds(c, perm));
}

static bool sees(const struct ctx *c, const struct resource *r)
{
    if (holds_on(c, r, r->read))
        return true;
    for (const struct row_rule *rule = r->rules; rule && rule->perm; rule++)
        if (holds(c, rule->perm))
            return true;
    return false;
}

static void put_id_or_null(struct buf *b, const char *name, int64_t id)
{
    buf_fmt(b, ",\"%s\":", name);
    if (id)
        buf_int(b, id);
    else
        buf_put(b, S("null"));
}

static void meta_me(struct ctx *c, struct buf *b)
{
    const struct who *w = c->who;
    int64_t staff = 0, person = 0;
    for (int i = 0; i < w->ngrants; i++) {
        staff = staff ? staff : w->grants[i].staff_id;
        person = person ? person : w->grants[i].person_id;
    }
    buf_fmt(b, "\"me\":{\"id\":%lld,\"login\":", (long long)w->user_id);
    buf_json(b, w->login);
    buf_put(b, S(",\"name\":"));
    buf_json(b, w->name);
    buf_fmt(b, ",\"home\":\"%s\"", person || holds(c, "ticket.work") ? "phone" : "desk");
    put_id_or_null(b, "staff_id", staff);
    put_id_or_null(b, "person_id", person);
    buf_put(b, S(",\"roles\":["));
    struct str roles = w->role_keys;
    for (int n = 0; roles.n; n++) {
        if (n)
            buf_putc(b, ',');
        buf_json(b, str_next(&roles, ','));
    }
    buf_put(b, S("]},"));
}

static enum err meta_communities(struct ctx *c, struct req *q)
{
    struct rows rows;
    buf_put(&q->out, S("\"communities\":["));
    TRY(q_rows(c, q->tx, q->app->communities_of, IN(v_int(SCOPE_SYSTEM), v_int(0)), 16384, &rows));
    int n = 0;
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        bool mine = false;
        for (int g = 0; g < c->who->ngrants && !mine; g++)
            mine = c->who->grants[g].community_id == val_int(v[0]) ||
                   c->who->grants[g].community_id == ALL_COMMUNITIES;
        if (!mine)
            continue;
        buf_fmt(&q->out, "%s{\"id\":%lld,\"name\":", n++ ? "," : "", (long long)val_int(v[0]));
        buf_json(&q->out, val_str(v[1]));
        buf_put(&q->out, S(",\"time_zone\":"));
        buf_json(&q->out, val_str(v[2]));
        buf_putc(&q->out, '}');
    }
    buf_put(&q->out, S("],"));
    return E_OK;
}

static void meta_permissions(struct ctx *c, struct buf *b)
{
    buf_put(b, S("\"permissions\":["));
    for (int i = 0, n = 0; i < perm_count(); i++)
        if (perms_has(&c->who->any, i))
            buf_fmt(b, "%s\"%s\"", n++ ? "," : "", perm_name(i));
    buf_put(b, S("],"));
}

static bool item_shown(struct ctx *c, const struct menu_item *m)
{
    const struct resource *r = m->resource ? app_resource(str_of(m->resource)) : NULL;
    if (!r)
        return holds(c, m->perm);
    return sees(c, r) && (!m->perm || holds_on(c, r, m->perm));
}

static void menu_group(struct ctx *c, const struct app *app, const struct menu_item *first,
                       struct buf *b)
{
    int n = 0;
    buf_fmt(b, "{\"key\":\"%s\",\"label\":", first->group);
    buf_text_pair(b, first->group_label);
    buf_put(b, S(",\"items\":["));
    for (const struct module *const *m = app->modules; *m; m++)
        for (const struct menu_item *i = (*m)->menu; i && i->key; i++) {
            if (strcmp(i->group, first->group) != 0 || !item_shown(c, i))
                continue;
            buf_fmt(b, "%s{\"key\":\"%s\",\"label\":", n++ ? "," : "", i->key);
            buf_text_pair(b, i->label);
            buf_fmt(b, ",\"%s\":\"%s\"}", i->page ? "page" : "resource",
                    i->page ? i->page : i->resource);
        }
    buf_put(b, S("]}"));
}

/* Groups appear in a fixed order of daily use, not in the order of the floors. */
static const char *const order[] = {"service", "rules", "people",  "estate",
                                    "assets",  "staff", "privacy", "system"};

void menu_check(const struct module *const *modules)
{
    for (const struct module *const *m = modules; *m; m++)
        for (const struct menu_item *i = (*m)->menu; i && i->key; i++) {
            bool known = false;
            for (size_t g = 0; g < COUNT_OF(order); g++)
                known |= strcmp(i->group, order[g]) == 0;
            ASSERT(known); /* a group without a place here would be shown to nobody */
        }
}

static void meta_menu(struct ctx *c, const struct app *app, struct buf *b)
{
    int n = 0;
    buf_put(b, S("\"menu\":["));
    for (size_t g = 0; g < COUNT_OF(order); g++) {
        const struct menu_item *first = NULL;
        for (const struct module *const *m = app->modules; *m && !first; m++)
            for (const struct menu_item *i = (*m)->menu; i && i->key && !first; i++)
                if (strcmp(i->group, order[g]) == 0 && item_shown(c, i))
                    first = i;
        if (!first)
            continue;
        if (n++)
            buf_putc(b, ',');
        menu_group(c, app, first, b);
    }
    buf_put(b, S("],"));
}

static void meta_may(struct ctx *c, const struct resource *r, struct buf *b)
{
    const struct {
        const char *name;
        bool may;
    } rights[] = {{"read", sees(c, r)},
                  {"create", holds_on(c, r, r->create)},
                  {"update", holds_on(c, r, r->update)},
                  {"remove", holds_on(c, r, r->remove)},
                  {"import", holds_on(c, r, r->create) && holds_on(c, r, r->read)},
                  {"export", holds_on(c, r, r->read)},
                  {"timeline", sees(c, r) && !r->quiet}};
    buf_put(b, S(",\"may\":["));
    for (size_t i = 0, n = 0; i < COUNT_OF(rights); i++)
        if (rights[i].may)
            buf_fmt(b, "%s\"%s\"", n++ ? "," : "", rights[i].name);
    buf_putc(b, ']');
}

/* From which state to which: a phone without signal shows by it what it has not sent yet. */
static void meta_moves(const struct resource *r, const char *action, struct buf *b)
{
    const struct machine *m = r->machine;
    const struct choice *states = r->fields[m->state_field].choices;
    buf_put(b, S(",\"moves\":{"));
    for (int i = 0, n = 0; i < m->nsteps; i++) {
        const struct step *s = &m->steps[i];
        if (strcmp(s->action, action) != 0 || !s->by[0].perm)
            continue;
        buf_fmt(b, "%s\"%s\":\"%s\"", n++ ? "," : "", choice_of_code(states, s->from)->key,
                choice_of_code(states, s->to == STEP_SAME ? s->from : s->to)->key);
    }
    buf_putc(b, '}');
}

static void meta_actions(const struct resource *r, struct buf *b)
{
    const struct machine *m = r->machine;
    buf_put(b, S(",\"actions\":["));
    for (int i = 0; m && i < m->nactions; i++) {
        const struct action *a = &m->actions[i];
        buf_fmt(b, "%s{\"key\":\"%s\",\"label\":", i ? "," : "", a->key);
        buf_text_pair(b, a->label);
        buf_fmt(b, ",\"tone\":\"%s\",\"input\":[", a->tone ? a->tone : "plain");
        for (int k = 0; k < a->ninput; k++) {
            if (k)
                buf_putc(b, ',');
            field_to_meta(b, &a->input[k]);
        }
        buf_putc(b, ']');
        meta_moves(r, a->key, b);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

static void put_name(struct buf *b, const char *key, const char *value)
{
    buf_fmt(b, value ? ",\"%s\":\"%s\"" : ",\"%s\":null", key, value);
}

static void meta_resource(struct ctx *c, const struct resource *r, struct buf *b)
{
    const struct res_rt *rt = rt_of(r);
    buf_fmt(b, "\"%s\":{\"name\":\"%s\",\"path\":\"%s\",\"scope\":\"%s\",\"label\":", r->path,
            r->name, r->path, r->system ? "system" : "community");
    buf_text_pair(b, r->label);
    put_name(b, "title", r->title);
    put_name(b, "code", r->code);
    put_name(b, "tree", r->tree);
    meta_may(c, r, b);
    if (r->mine.sql && holds_on(c, r, r->mine.perm)) {
        buf_put(b, S(",\"mine\":"));
        buf_text_pair(b, r->mine.label);
    }
    buf_put(b, S(",\"fields\":["));
    for (int i = 0, n = 0; i < r->nfields; i++) {
        const struct field *f = &r->fields[i];
        if (f->flags & HIDDEN || (f->see && !perms_has(&c->who->any, rt->see_i[i])))
            continue;
        if (n++)
            buf_putc(b, ',');
        field_to_meta(b, f);
    }
    buf_putc(b, ']');
    meta_actions(r, b);
    buf_putc(b, '}');
}

static void meta_resources(struct ctx *c, struct buf *b)
{
    const struct resource *const *list;
    int n = app_resources(&list), told = 0;
    buf_put(b, S("\"resources\":{"));
    for (int i = 0; i < n; i++) {
        if (!sees(c, list[i]))
            continue;
        if (told++)
            buf_putc(b, ',');
        meta_resource(c, list[i], b);
    }
    buf_putc(b, '}');
}

enum err meta_get(struct ctx *c, struct req *q)
{
    struct buf *b = &q->out;
    buf_fmt(b, "{\"version\":\"%s\",\"demo\":%s,", ANJU_VERSION, q->app->demo ? "true" : "false");
    meta_me(c, b);
    TRY(meta_communities(c, q));
    meta_permissions(c, b);
    meta_menu(c, q->app, b);
    meta_resources(c, b);
    uint8_t h[16]; /* over all but the time */
    hash_fast(buf_str(b), h);
    struct str etag = arena_fmt(c->mem, "\"" PRS "\"", PRA(hex_of(c->mem, h, 16)));
    req_header(q, "ETag", etag);
    req_header(q, "Cache-Control", S("private, no-cache"));
    if (str_eq(http_header(q->h, "If-None-Match"), etag)) {
        buf_clear(b);
        q->status = 304;
        return E_OK;
    }
    buf_put(b, S(",\"now\":\""));
    buf_instant(b, c->now_ms, app_zone(0));
    buf_put(b, S("\"}"));
    return E_OK;
}
