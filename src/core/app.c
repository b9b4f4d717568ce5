/* app.c - putting the program together: boot order, the schema of all rooms, built-in roles, and
 * the zone of each community (asked on every rendered time, so it is kept in memory). */
#include "core/app.h"

#include <string.h>

#include "base/log.h"
#include "core/core.h"
#include "core/live.h"
#include "core/policy.h"

enum { ZONES_MAX = 16384, FIXUPS_MAX = 256 };
#define DEFAULT_ZONE "Asia/Shanghai"

static struct {
    pthread_mutex_t lock;
    struct db *db;
    const struct query *communities_of;
    struct community_zone {
        int64_t id;
        const struct zone *zone;
    } * v;
    size_t n;
    _Atomic bool fresh;
    _Atomic int64_t loads; /* a thread's own memory of a zone is good for one load */
} zones = {.lock = PTHREAD_MUTEX_INITIALIZER};

void app_communities_changed(void)
{
    zones.fresh = false;
    who_forget_all(); /* company and branch grants reach the new community too */
}

static enum err read_zones(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    struct rows rows;
    TRY(q_rows(c, tx, zones.communities_of, IN(v_int(SCOPE_SYSTEM), v_int(0)), ZONES_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        const struct zone *z = zone_find(str_z(c->mem, val_str(v[2])));
        zones.v[i] = (struct community_zone){val_int(v[0]), z ? z : zone_find(DEFAULT_ZONE)};
    }
    zones.n = rows.n;
    return E_OK;
}

static void load_zones(void)
{
    struct arena *mem = arena_new(ARENA_REPORT_BYTES);
    struct ctx c = {.mem = mem, .now_ms = clock_now_ms()};
    if (!zones.v)
        zones.v = heap_get(ZONES_MAX * sizeof *zones.v);
    zones.fresh = db_read(zones.db, &c, read_zones, NULL) == E_OK;
    zones.loads++;
    arena_free(mem);
}

const struct zone *app_zone(int64_t community_id)
{
    static _Thread_local struct community_zone last;
    static _Thread_local int64_t last_load;
    if (last.id == community_id && last.zone && zones.fresh && last_load == zones.loads)
        return last.zone;
    const struct zone *found = zone_find(DEFAULT_ZONE);
    mutex_lock(&zones.lock);
    if (!zones.fresh && zones.db && zones.communities_of)
        load_zones();
    for (size_t i = 0; i < zones.n; i++)
        if (zones.v[i].id == community_id)
            found = zones.v[i].zone;
    last_load = zones.loads;
    mutex_unlock(&zones.lock);
    last = (struct community_zone){community_id, found};
    return found;
}

void app_boot(struct app *app)
{
    perms_register(app->modules);
    res_registry_build(app->modules);
    live_listeners_set(app->modules);
    menu_check(app->modules);
    routes_build(app);
    id_node(app->node_id);
    zones.db = app->db;
    zones.communities_of = app->communities_of;
    zones.fresh = false;
}

/* --- roles --- */

static const struct query Q_ROLE = {
    "role.by_key",
    "SELECT id, perms, version FROM role WHERE community_id = 0 AND key = $1 AND archived = 0"};
static const struct query Q_ROLE_PERMS = {
    "role.perms", "UPDATE role SET perms = $2 WHERE id = $1 AND version = 1"};

enum err roles_seed(struct ctx *c, struct tx *tx, const struct module *const *modules)
{
    for (; *modules; modules++)
        for (const struct role_seed *s = (*modules)->roles; s && s->key; s++) {
            struct val v[3];
            struct row row = {0};
            enum err e = q_one(c, tx, &Q_ROLE, IN(v_text(str_of(s->key))), v, 3);
            /* One that the company never changed gets what a new version of the program adds. */
            if (e == E_OK && val_int(v[2]) == 1 && !str_eqz(val_str(v[1]), s->perms))
                TRY(q_do(c, tx, &Q_ROLE_PERMS, IN(v[0], v_text(str_of(s->perms))), NULL));
            if (e == E_OK)
                continue;
            if (e != E_MISSING)
                return e;
            row_put(&row, RL_KEY, v_text(str_of(s->key)));
            row_put(&row, RL_NAME, v_text(str_of(s->label.zh)));
            row_put(&row, RL_PERMS, v_text(str_of(s->perms)));
            TRY(res_insert(c, tx, &res_role, &row));
        }
    return E_OK;
}

const struct query *const role_queries[] = {&Q_ROLE, &Q_ROLE_PERMS, NULL};

static enum err seed(struct ctx *c, struct tx *tx, void *arg)
{
    const struct app *app = arg;
    TRY(policies_seed(c, tx));
    TRY(roles_seed(c, tx, app->modules));
    for (const struct module *const *m = app->modules; *m; m++)
        if ((*m)->seed)
            TRY((*m)->seed(c, tx));
    return E_OK;
}

static size_t all_fixups(const struct app *app, struct fixup ret[FIXUPS_MAX])
{
    size_t n = 0, at;
    for (const struct module *const *m = app->modules; *m; m++)
        for (const struct fixup *f = (*m)->fixups; f && f->number; f++) {
            ASSERT(n < FIXUPS_MAX);
            for (at = n++; at && ret[at - 1].number > f->number; at--) /* by number, whosever */
                ret[at] = ret[at - 1];
            ret[at] = *f;
        }
    return n;
}

enum err app_schema_current(struct app *app, struct ctx *c, bool *ret)
{
    const struct table *tables;
    struct fixup fixups[FIXUPS_MAX];
    size_t nfixups = all_fixups(app, fixups), n = res_tables(c->mem, app->modules, &tables);
    return db_schema_current(app->db, c, tables, n, fixups, nfixups, ret);
}

enum err app_migrate(struct app *app, struct ctx *c)
{
    const struct table *tables;
    struct fixup fixups[FIXUPS_MAX];
    size_t nfixups = all_fixups(app, fixups), n = res_tables(c->mem, app->modules, &tables);
    TRY(db_migrate(app->db, c, tables, n, fixups, nfixups));
    return db_write(app->db, c, seed, app);
}
