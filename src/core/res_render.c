/* res_render.c - rows out: straight into the reply buffer by the field table, leaving out what the
 * caller may not see and masking what is personal. The only place where a stored row becomes JSON.
 */
#include "core/res_in.h"

#include <string.h>

bool field_seen(const struct ctx *c, const struct res_rt *rt, int i, int64_t community_id)
{
    const struct field *f = &rt->r->fields[i];
    if (f->flags & HIDDEN || f->type == F_SECRET)
        return false;
    return !f->see || !c->who || who_may_i(c->who, rt->see_i[i], community_id);
}

/* The row's own people: its worker, its customer, the resident who made it. A worker may call the
 * customer of his own order, and nobody else's; a clerk owns nothing by having typed it in. */
static bool is_own(const struct who *w, const struct resource *r, const struct row *row)
{
    int64_t community = row_int(row, R_COMMUNITY);
    int64_t staff = who_staff(w, community), person = who_person(w, community);
    return (person && row_int(row, R_CREATED_BY) == w->user_id) ||
           (staff && r->staff_field && row_int(row, r->staff_field) == staff) ||
           (person && r->person_field && row_int(row, r->person_field) == person);
}

bool row_unmasked(const struct ctx *c, const struct resource *r, const struct row *row)
{
    return !c->who || is_own(c->who, r, row);
}

struct val row_shown(struct ctx *c, const struct resource *r, const struct row *row, int i,
                     bool plain)
{
    const struct field *f = &r->fields[i];
    struct val v = row->v[i];
    if (v.t != V_TEXT)
        return v;
    if (f->flags & ENCRYPTED)
        v.s = encrypted_open(c, r, row, i);
    if (plain || !(f->flags & PERSONAL))
        return v;
    struct buf m;
    buf_init(&m, c->mem, 200);
    buf_masked(&m, f, v.s);
    return v_text(buf_str(&m));
}

static void render_fields(struct ctx *c, const struct res_rt *rt, const struct row *row,
                          struct buf *out)
{
    int64_t community = row_int(row, R_COMMUNITY);
    const struct zone *z = app_zone(community);
    bool plain = row_unmasked(c, rt->r, row);
    buf_put(out, S("{\"id\":"));
    buf_int(out, row_int(row, R_ID));
    for (int i = R_ID + 1; i < rt->r->nfields; i++) {
        const struct field *f = &rt->r->fields[i];
        if (!field_seen(c, rt, i, community))
            continue;
        buf_put(out, rt->key[i]);
        if (f->flags & (PERSONAL | ENCRYPTED))
            field_to_json(out, f, row_shown(c, rt->r, row, i, plain), z);
        else
            field_to_json(out, f, row->v[i], z);
    }
}

void res_render(struct ctx *c, const struct resource *r, const struct row *row, unsigned flags,
                struct buf *out)
{
    render_fields(c, rt_of(r), row, out);
    if (flags & RENDER_ACTIONS)
        flow_actions_json(c, r, row, out);
    buf_putc(out, '}');
}

/* --- names of what rows point to --- */

enum { REF_IDS_MAX = 1200 };
struct ref_set {
    const struct resource *target;
    int64_t ids[REF_IDS_MAX];
    size_t n;
};

static void ref_add(struct ref_set *s, int64_t id)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->ids[i] == id)
            return;
    if (s->n < REF_IDS_MAX)
        s->ids[s->n++] = id;
}

/* A row behind its veil has no name either: only that something is referred to. */
static enum err ref_names(struct ctx *c, struct tx *tx, const struct ref_set *s, int64_t community,
                          struct buf *out)
{
    const struct res_rt *rt = rt_of(s->target);
    bool veiled = rt->names_veiled.sql && c->who && !who_may_i(c->who, rt->veil_i, community);
    const struct query *q = veiled                                   ? &rt->names_veiled
                            : c->lang == LANG_EN && rt->names_en.sql ? &rt->names_en
                                                                     : &rt->names;
    buf_fmt(out, "\"%s\":{", s->target->path);
    for (size_t i = 0, n = 0; i < s->n; i++) {
        struct val v;
        enum err e = q_one(c, tx, q, IN(v_int(s->ids[i])), &v, 1);
        if (e == E_MISSING)
            continue;
        TRY(e);
        buf_fmt(out, "%s\"%lld\":", n++ ? "," : "", (long long)s->ids[i]);
        if (v.t == V_INT)
            buf_fmt(out, "\"%lld\"", (long long)v.i);
        else
            buf_json(out, val_str(v));
    }
    buf_putc(out, '}');
    return E_OK;
}

static struct ref_set *ref_set_of(struct ctx *c, struct ref_set **sets, int *n, const char *path)
{
    const struct resource *target = app_resource(str_of(path));
    for (int i = 0; i < *n; i++)
        if (sets[i]->target == target)
            return sets[i];
    if (*n == 16)
        return NULL;
    sets[*n] = arena_get(c->mem, sizeof **sets);
    sets[*n]->target = target;
    return sets[(*n)++];
}

enum err res_refs_json(struct ctx *c, struct tx *tx, const struct resource *r,
                       const struct row *rows, size_t n, struct buf *out)
{
    const struct res_rt *rt = rt_of(r);
    struct ref_set *sets[16];
    int nsets = 0;
    for (int i = 0; i < r->nfields; i++) {
        if (r->fields[i].type != F_REF || i == R_COMMUNITY ||
            !field_seen(c, rt, i, n ? row_int(rows, R_COMMUNITY) : 0))
            continue;
        struct ref_set *s = ref_set_of(c, sets, &nsets, r->fields[i].ref);
        for (size_t k = 0; s && k < n; k++)
            if (rows[k].v[i].t == V_INT)
                ref_add(s, rows[k].v[i].i);
    }
    buf_put(out, S(",\"refs\":{"));
    for (int i = 0, told = 0; i < nsets; i++) {
        if (!sets[i]->n)
            continue;
        if (told++)
            buf_putc(out, ',');
        TRY(ref_names(c, tx, sets[i], n ? row_int(rows, R_COMMUNITY) : 0, out));
    }
    buf_putc(out, '}');
    return E_OK;
}
