/* registry.c - at boot, walks the directory board once: resolves permissions and field names,
 * writes the fixed statements of every resource, and refuses tables that break a rule. A broken
 * table is a programmer error: it stops the program before the first request, and the unit tests
 * before that. */
#include "core/res_in.h"

#include <string.h>

enum { RESOURCES_MAX = 128 };
static struct {
    struct arena *mem; /* lives as long as the process */
    const struct resource *list[RESOURCES_MAX];
    struct res_rt *rt[RESOURCES_MAX];
    int n;
    int personal_read;
} reg;

const struct res_rt *rt_of(const struct resource *r)
{
    for (int i = 0; i < reg.n; i++)
        if (reg.list[i] == r)
            return reg.rt[i];
    assert_failed("the resource is on a name plate", __FILE__, __LINE__);
}

int personal_read_index(void)
{
    return reg.personal_read;
}

const struct resource *app_resource(struct str name)
{
    for (int i = 0; i < reg.n; i++)
        if (str_eqz(name, reg.list[i]->path) || str_eqz(name, reg.list[i]->name))
            return reg.list[i];
    return NULL;
}

int app_resources(const struct resource *const **ret)
{
    *ret = reg.list;
    return reg.n;
}

static void check_field(const struct resource *r, int i)
{
    const struct field *f = &r->fields[i];
    ASSERT(f->name && f->label.zh && f->label.en);
    ASSERT(i >= R_FIRST || (f->flags & (SERVER_SET | CREATE_ONLY)));
    ASSERT(f->type == F_INT || (f->type == F_ENUM) == (f->choices != NULL));
    ASSERT((f->type == F_REF) == (f->ref != NULL));
    ASSERT(!(f->flags & VIRTUAL));
    /* keyset paging compares the sort column: it must never be NULL */
    ASSERT(!(f->flags & SORT) || f->flags & (REQUIRED | SERVER_SET));
    ASSERT(!(f->flags & SORT) || !(f->flags & PERSONAL));
    ASSERT(!(f->flags & ENCRYPTED) ||
           (f->type == F_TEXT && f->flags & (PERSONAL | HIDDEN) && !(f->flags & (SORT | SEARCH))));
    ASSERT(!field_has_index(r, i) ||
           (r->fields[i + 1].flags & (HIDDEN | SERVER_SET)) == (HIDDEN | SERVER_SET));
    ASSERT(!f->see || perm_index(f->see) >= 0);
    ASSERT(!f->edit || perm_index(f->edit) >= 0);
    for (int k = 0; k < i; k++)
        ASSERT(!str_eqz(str_of(r->fields[k].name), f->name));
}

static void check_resource(const struct resource *r)
{
    ASSERT(r->nfields > R_FIRST && r->nfields <= ROW_FIELDS_MAX);
    for (int i = 0; i < r->nfields; i++)
        check_field(r, i);
    const char *perms[] = {r->read, r->create, r->update, r->remove};
    for (size_t i = 0; i < COUNT_OF(perms); i++)
        ASSERT(!perms[i] || perm_index(perms[i]) >= 0);
    const struct machine *m = r->machine;
    ASSERT(!m || m->nsteps <= STEPS_MAX);
    ASSERT(!m || r->fields[m->state_field].type == F_ENUM);
}

static void fill_flags(struct res_rt *rt)
{
    const struct resource *r = rt->r;
    rt->read_i = perm_index(r->read);
    rt->create_i = perm_index(r->create);
    rt->update_i = perm_index(r->update);
    rt->remove_i = perm_index(r->remove);
    for (int i = 0; i < r->nfields; i++) {
        const struct field *f = &r->fields[i];
        rt->key[i] = arena_fmt(reg.mem, ",\"%s\":", f->name);
        rt->see_i[i] = perm_index(f->see);
        rt->edit_i[i] = perm_index(f->edit);
        rt->unique_f |= f->flags & UNIQUE ? BIT(i) : 0;
        rt->search_f |= f->flags & SEARCH ? BIT(i) : 0;
        ASSERT(!(f->flags & SEARCH) || f->type != F_REF || r->words);
        rt->sort_f |= f->flags & SORT ? BIT(i) : 0;
        rt->ref_f |= f->type == F_REF && i >= R_FIRST ? BIT(i) : 0;
    }
    rt->title_f = r->title ? field_find(r->fields, r->nfields, str_of(r->title)) : -1;
    rt->code_f = r->code ? field_find(r->fields, r->nfields, str_of(r->code)) : -1;
    rt->tree_f = r->tree ? field_find(r->fields, r->nfields, str_of(r->tree)) : -1;
    for (int i = 0; i < r->nindexes; i++)
        rt->unique_rows |= r->indexes[i].unique;
    rt->veil_i = perm_index(r->veil.perm);
    ASSERT(!r->veil.sql || rt->veil_i >= 0);
    for (const struct row_rule *rule = r->rules; rule && rule->perm; rule++) {
        ASSERT(rt->nrules < RULES_MAX && perm_index(rule->perm) >= 0);
        rt->rule_i[rt->nrules++] = perm_index(rule->perm);
    }
    for (int s = 0; r->machine && s < r->machine->nsteps; s++)
        for (int a = 0; a < STEP_ACTORS; a++) {
            const char *perm = r->machine->steps[s].by[a].perm;
            rt->actor_i[s][a] = perm_index(perm);
            ASSERT(!perm || rt->actor_i[s][a] >= 0);
        }
}

static void fill_queries(struct res_rt *rt)
{
    const struct resource *r = rt->r;
    struct arena *a = reg.mem;
    struct buf cols, marks;
    buf_init(&cols, a, 8000);
    buf_init(&marks, a, 2000);
    for (int i = 0; i < r->nfields; i++) {
        buf_fmt(&cols, "%s%s", i ? ", " : "", r->fields[i].name);
        buf_fmt(&marks, "%s$%d", i ? ", " : "", i + 1);
    }
    rt->columns = buf_str(&cols);
    rt->get.name = str_z(a, arena_fmt(a, "%s.get", r->name));
    rt->get.sql =
        str_z(a, arena_fmt(a, "SELECT " PRS " FROM %s WHERE id = $1", PRA(rt->columns), r->name));
    rt->insert.name = str_z(a, arena_fmt(a, "%s.insert", r->name));
    rt->insert.sql = str_z(a, arena_fmt(a, "INSERT INTO %s (" PRS ") VALUES (" PRS ")", r->name,
                                        PRA(rt->columns), PRA(buf_str(&marks))));
    rt->exists.name = str_z(a, arena_fmt(a, "%s.exists", r->name));
    rt->exists.sql =
        str_z(a, arena_fmt(a, "SELECT community_id, archived FROM %s WHERE id = $1", r->name));
    rt->names.name = str_z(a, arena_fmt(a, "%s.name", r->name));
    rt->names.sql = str_z(
        a, arena_fmt(a, "SELECT %s FROM %s WHERE id = $1", r->title ? r->title : "id", r->name));
    /* A title called name with a field name_en beside it has both languages. */
    struct str en = arena_fmt(a, "%s_en", r->title ? r->title : "id");
    if (field_find(r->fields, r->nfields, en) >= 0) {
        rt->names_en.name = str_z(a, arena_fmt(a, "%s.name_en", r->name));
        rt->names_en.sql =
            str_z(a, arena_fmt(a, "SELECT COALESCE(NULLIF(" PRS ", ''), %s) FROM %s WHERE id = $1",
                               PRA(en), r->title, r->name));
    }
    if (!r->veil.sql)
        return;
    rt->names_veiled.name = str_z(a, arena_fmt(a, "%s.name_veiled", r->name));
    rt->names_veiled.sql = str_z(a, arena_fmt(a, "%s AND (%s)", rt->names.sql, r->veil.sql));
}

void res_registry_build(const struct module *const *modules)
{
    if (reg.mem)
        return;
    reg.mem = arena_new(ARENA_REPORT_BYTES);
    reg.personal_read = perm_index("personal.read");
    for (; *modules; modules++)
        for (const struct resource *const *r = (*modules)->resources; r && *r; r++) {
            ASSERT(reg.n < RESOURCES_MAX);
            check_resource(*r);
            reg.list[reg.n] = *r;
            reg.rt[reg.n] = arena_get(reg.mem, sizeof(struct res_rt));
            reg.rt[reg.n]->r = *r;
            fill_flags(reg.rt[reg.n]);
            fill_queries(reg.rt[reg.n++]);
        }
    for (int i = 0; i < reg.n; i++) /* refs resolve */
        for (int k = 0; k < reg.list[i]->nfields; k++)
            ASSERT(!reg.list[i]->fields[k].ref || app_resource(str_of(reg.list[i]->fields[k].ref)));
}

/* --- tables for the migration --- */

struct index_list {
    struct index v[64];
    size_t n;
};

static void index_add(struct arena *a, struct index_list *l, const char *name, const char *suffix,
                      const char *columns, const char *where, bool unique)
{
    ASSERT(l->n < COUNT_OF(l->v));
    l->v[l->n++] = (struct index){.name = str_z(a, arena_fmt(a, "%s_%s", name, suffix)),
                                  .columns = columns,
                                  .where = where,
                                  .unique = unique};
}

/* A second index on the same costs every write and serves nobody; of two with one name the second
 * would never be made. */
static bool is_there(const struct index_list *l, const struct index *x)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct index *o = &l->v[i];
        if (!strcmp(o->name, x->name) ||
            (!strcmp(o->columns, x->columns) && o->unique == x->unique &&
             !strcmp(o->where ? o->where : "", x->where ? x->where : "")))
            return true;
    }
    return false;
}

static void table_indexes(struct arena *a, const struct resource *r, struct table *t)
{
    struct index_list l = {.n = 0};
    index_add(a, &l, r->name, "page", "community_id, id", NULL, false);
    index_add(a, &l, r->name, "created_at", "community_id, created_at, id", NULL, false);
    for (int i = R_FIRST; i < r->nfields; i++) {
        const struct field *f = &r->fields[i];
        const char *cols = str_z(a, arena_fmt(a, "community_id, %s", f->name));
        const char *keyset = str_z(a, arena_fmt(a, "community_id, %s, id", f->name));
        if (f->flags & UNIQUE)
            /* Rows without the value stay out: PostgreSQL, which learns late how a table grew,
             * would else read all of them by this index for any question about the community. */
            index_add(a, &l, r->name, f->name, cols,
                      f->flags & REQUIRED
                          ? "archived = 0"
                          : str_z(a, arena_fmt(a, "archived = 0 AND %s IS NOT NULL", f->name)),
                      true);
        if (f->flags & UNIQUE && f->flags & SORT) /* a list may show archived rows too */
            index_add(a, &l, r->name, str_z(a, arena_fmt(a, "%s_sort", f->name)), keyset, NULL,
                      false);
        else if (f->flags & (SORT | INDEXED) && !(f->flags & UNIQUE))
            index_add(a, &l, r->name, f->name, keyset, NULL, false);
    }
    for (int i = 0; i < r->nindexes; i++) {
        ASSERT(l.n < COUNT_OF(l.v));
        ASSERT(!is_there(&l, &r->indexes[i]));
        l.v[l.n++] = r->indexes[i];
    }
    struct index *copy = arena_get(a, l.n * sizeof *copy);
    memcpy(copy, l.v, l.n * sizeof *copy);
    t->indexes = copy;
    t->nindexes = l.n;
}

static struct table table_of(struct arena *a, const struct resource *r)
{
    struct column *cols = arena_get(a, (size_t)r->nfields * sizeof *cols);
    for (int i = 0; i < r->nfields; i++) {
        bool standard = i < R_FIRST && i != R_CREATED_BY;
        cols[i] = (struct column){.name = r->fields[i].name,
                                  .type = field_column(r->fields[i].type),
                                  .not_null = standard,
                                  .default_sql = standard && i != R_ID ? "0" : NULL};
    }
    struct table t = {
        .name = r->name, .columns = cols, .ncolumns = (size_t)r->nfields, .primary_key = "id"};
    table_indexes(a, r, &t);
    return t;
}

size_t res_tables(struct arena *a, const struct module *const *modules, const struct table **ret)
{
    struct table *t = arena_get(a, 2 * RESOURCES_MAX * sizeof *t);
    size_t n = 0;
    for (int i = 0; i < reg.n; i++)
        t[n++] = table_of(a, reg.list[i]);
    for (; *modules; modules++)
        for (int i = 0; i < (*modules)->ntables; i++) {
            ASSERT(n < 2 * RESOURCES_MAX);
            t[n++] = (*modules)->tables[i];
        }
    *ret = t;
    return n;
}
