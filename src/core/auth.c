/* auth.c - permissions and the struct who: names to indexes at boot, grants to rights per session,
 * and the small cache that keeps a who for at most two seconds, so that a removed right is gone at
 * the next request of this process and within two seconds on its sisters. */
#include "core/auth.h"

#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/thread.h"
#include "core/core.h"
#include "core/policy.h"

static struct {
    const char *names[PERMS_MAX];
    int n;
} perms;

void perms_register(const struct module *const *modules)
{
    if (perms.n)
        return;
    for (; *modules; modules++)
        for (const struct perm *p = (*modules)->perms; p && p->name; p++) {
            ASSERT(perms.n < PERMS_MAX && perm_index(p->name) < 0);
            perms.names[perms.n++] = p->name;
        }
}

int perm_index(const char *name)
{
    for (int i = 0; name && i < perms.n; i++)
        if (strcmp(perms.names[i], name) == 0)
            return i;
    return -1;
}

const char *perm_name(int i)
{
    return perms.names[i];
}

int perm_count(void)
{
    return perms.n;
}

void perms_of_text(struct str text, struct perms *ret)
{
    while (text.p) {
        struct str one = str_next(&text, ' ');
        bool all = str_ends(one, S(".*"));
        struct str prefix = all ? str_sub(one, 0, one.n - 1) : one;
        for (int i = 0; i < perms.n && one.n; i++) {
            struct str name = str_of(perms.names[i]);
            if (all ? str_starts(name, prefix) : str_eq(name, one))
                perms_add(ret, i);
        }
    }
}

bool who_may_i(const struct who *w, int perm, int64_t community_id)
{
    if (!w || perm < 0)
        return false;
    for (int i = 0; i < w->ngrants; i++)
        if ((w->grants[i].community_id == community_id ||
             w->grants[i].community_id == ALL_COMMUNITIES) &&
            perms_has(&w->grants[i].perms, perm))
            return true;
    return false;
}

bool who_may(const struct who *w, const char *perm, int64_t community_id)
{
    return who_may_i(w, perm_index(perm), community_id);
}

int64_t who_staff(const struct who *w, int64_t community_id)
{
    for (int i = 0; w && i < w->ngrants; i++)
        if (w->grants[i].community_id == community_id && w->grants[i].staff_id)
            return w->grants[i].staff_id;
    return 0;
}

int64_t who_person(const struct who *w, int64_t community_id)
{
    for (int i = 0; w && i < w->ngrants; i++)
        if (w->grants[i].community_id == community_id && w->grants[i].person_id)
            return w->grants[i].person_id;
    return 0;
}

bool who_works(const struct who *w, int64_t community_id)
{
    for (int i = 0; w && i < w->ngrants; i++)
        if (!w->grants[i].person_id && (w->grants[i].community_id == community_id ||
                                        w->grants[i].community_id == ALL_COMMUNITIES))
            return true;
    return false;
}

int64_t who_only_community(const struct who *w, const char *perm)
{
    int p = perm ? perm_index(perm) : -1;
    int64_t found = 0;
    for (int i = 0; w && i < w->ngrants; i++) {
        const struct grant *g = &w->grants[i];
        if (perm && !perms_has(&g->perms, p))
            continue;
        if (g->community_id == ALL_COMMUNITIES)
            return 0;
        if (g->community_id > 0 && found && g->community_id != found)
            return 0;
        if (g->community_id > 0)
            found = g->community_id;
    }
    return found;
}

/* --- reading one who from the database --- */

static const struct query Q_SESSION = {
    "auth.session", "SELECT s.user_id, s.csrf, s.seen_at, s.expires_at, u.login, u.name, "
                    "u.enabled, u.must_change_password, u.archived, u.home, u.password_at, "
                    "u.totp_at, u.demo, s.created_at "
                    "FROM session s JOIN app_user u ON u.id = s.user_id WHERE s.id = $1"};
static const struct query Q_TOKEN = {
    "auth.token",
    "SELECT t.user_id, t.rate_per_s, t.expires_at, t.archived, u.login, u.name, "
    "u.enabled, u.must_change_password, u.archived, u.home, t.perms, t.scope_community, "
    "u.demo, t.created_at "
    "FROM api_token t JOIN app_user u ON u.id = t.user_id WHERE t.hash = $1"};
static const struct query Q_GRANTS = {
    "auth.grants",
    "SELECT g.scope, g.scope_id, g.staff_id, g.person_id, r.perms, r.key FROM role_grant g JOIN "
    "role r ON r.id = g.role_id "
    "WHERE g.user_id = $1 AND g.archived = 0 AND r.archived = 0 ORDER BY g.id LIMIT 200"};
static const struct query Q_SEEN = {
    "auth.seen", "UPDATE session SET seen_at = $2 WHERE id = $1 AND seen_at < $2"};
const struct query *const auth_queries[] = {&Q_SESSION, &Q_TOKEN, &Q_GRANTS, &Q_SEEN, NULL};

enum { GRANTS_MAX = 8192, SEEN_EVERY_MS = 60000, WHO_COLUMNS = 14 };
#define DAY_MS INT64_C(86400000)

struct entry {
    uint8_t key[32];
    struct arena *mem;
    struct who *who; /* NULL: the token is known to be invalid */
    int64_t until_ms, expires_ms, seen_ms;
    int refs; /* requests and streams using mem, plus one while it is in the table */
    int64_t epoch;
};
enum { CACHE_SLOTS = 1024 };
static struct {
    pthread_mutex_t lock;
    struct entry *slots[CACHE_SLOTS];
    int64_t epoch;
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct load {
    struct app *app;
    struct str key;
    bool bearer;
    struct entry *entry;
    struct login_policy policy[FOR_RESIDENT + 1];
    struct perms only; /* of a narrowed token */
    bool narrowed;
    int64_t only_community;
};

/* Grows: most people have one or two, and a stream keeps the memory of the request it began as. */
struct grants {
    struct grant *v;
    int n, cap;
};

static void grant_add(struct arena *a, struct grants *list, struct grant g)
{
    if (list->n == GRANTS_MAX)
        return;
    if (list->n == list->cap) {
        int cap = list->cap ? 4 * list->cap : 8;
        struct grant *v = arena_get(a, (size_t)cap * sizeof *v);
        if (list->n)
            memcpy(v, list->v, (size_t)list->n * sizeof *v);
        *list = (struct grants){v, list->n, cap};
    }
    list->v[list->n++] = g;
}

static enum err add_grants(struct ctx *c, struct tx *tx, struct app *app, const struct val *v,
                           struct grants *list)
{
    struct grant g = {.staff_id = val_int(v[2]), .person_id = val_int(v[3])};
    perms_of_text(val_str(v[4]), &g.perms);
    int64_t scope = val_int(v[0]);
    if (scope == SCOPE_SYSTEM || scope == SCOPE_COMMUNITY) {
        g.community_id = scope == SCOPE_SYSTEM ? ALL_COMMUNITIES : val_int(v[1]);
        grant_add(c->mem, list, g);
        return E_OK;
    }
    struct rows rows;
    TRY(q_rows(c, tx, app->communities_of, IN(v[0], v[1]), GRANTS_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        g.community_id = val_int(rows.v[i * (size_t)rows.ncol]);
        grant_add(c->mem, list, g);
    }
    return E_OK;
}

/* A token with a narrower scope than its user's: fewer rights, one community. */
static int narrow(const struct load *l, struct grant *list, int n)
{
    int kept = 0;
    for (int i = 0; i < n; i++) {
        struct grant g = list[i];
        for (size_t k = 0; k < COUNT_OF(g.perms.w) && l->narrowed; k++)
            g.perms.w[k] &= l->only.w[k];
        if (l->only_community && g.community_id == ALL_COMMUNITIES)
            g.community_id = l->only_community;
        if (!l->only_community || g.community_id == l->only_community)
            list[kept++] = g;
    }
    return kept;
}

static enum err load_grants(struct ctx *c, struct tx *tx, struct load *l, struct who *w)
{
    struct rows rows;
    struct buf roles;
    buf_init(&roles, l->entry->mem, 4000);
    TRY(q_rows(c, tx, &Q_GRANTS, IN(v_int(w->user_id)), 200, &rows));
    struct grants list = {0};
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        TRY(add_grants(c, tx, l->app, v, &list));
        buf_fmt(&roles, "%s" PRS, i ? "," : "", PRA(val_str(v[5])));
    }
    int n = narrow(l, list.v, list.n);
    struct grant *kept = arena_get(l->entry->mem, (size_t)n * sizeof *kept + 1);
    if (list.v)
        memcpy(kept, list.v, (size_t)n * sizeof *kept);
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < COUNT_OF(w->any.w); k++)
            w->any.w[k] |= kept[i].perms.w[k];
    w->grants = kept;
    w->ngrants = n;
    w->role_keys = buf_str(&roles);
    return E_OK;
}

static bool is_stale(int64_t now_ms, int64_t at_ms, int64_t for_ms)
{
    return now_ms - at_ms > for_ms;
}

/* What the policy of this kind of user says about the session. False: it has ended. */
static bool judge_session(const struct ctx *c, struct load *l, const struct val *v, struct who *w)
{
    const struct login_policy *p = &l->policy[audience_of(w)];
    bool demo = val_int(v[12]);
    if (is_stale(c->now_ms, val_int(v[2]), p->idle_minutes * INT64_C(60000)) ||
        is_stale(c->now_ms, val_int(v[13]), p->absolute_hours * INT64_C(3600000)))
        return false;
    bool old = p->password_max_days && v[10].t == V_INT &&
               is_stale(c->now_ms, v[10].i, p->password_max_days * DAY_MS);
    w->must_change_password = val_int(v[7]) || (old && !demo);
    w->has_factor = v[11].t == V_INT;
    w->must_set_factor = p->second_factor && !w->has_factor && !demo;
    return true;
}

static enum err load_who(struct ctx *c, struct tx *tx, void *arg)
{
    struct load *l = arg;
    struct entry *e = l->entry;
    struct val v[WHO_COLUMNS];
    arena_reset(e->mem);
    e->who = NULL;
    enum err err = q_one(c, tx, l->bearer ? &Q_TOKEN : &Q_SESSION, IN(v_text(l->key)), v,
                         WHO_COLUMNS);
    if (err == E_MISSING)
        return E_OK;
    TRY(err);
    int64_t expires = l->bearer ? (v[2].t == V_INT ? v[2].i : INT64_MAX) : val_int(v[3]);
    if (!val_int(v[6]) || val_int(v[8]) || expires <= c->now_ms || (l->bearer && val_int(v[3])))
        return E_OK;
    struct who *w = arena_get(e->mem, sizeof *w);
    w->user_id = val_int(v[0]);
    w->login = str_dup(e->mem, val_str(v[4]));
    w->name = str_dup(e->mem, val_str(v[5]));
    w->home = val_int(v[9]) == HOME_PHONE ? HOME_PHONE : HOME_DESK;
    w->by_cookie = !l->bearer;
    if (w->by_cookie)
        snprintf(w->csrf, sizeof w->csrf, PRS, PRA(val_str(v[1])));
    w->rate_per_s = l->bearer ? (int)val_int(v[1]) : 50;
    if (l->bearer) {
        l->narrowed = val_str(v[10]).n > 0;
        perms_of_text(val_str(v[10]), &l->only);
        l->only_community = val_int(v[11]);
    }
    e->expires_ms = expires;
    e->seen_ms = l->bearer ? INT64_MAX : val_int(v[2]);
    TRY(load_grants(c, tx, l, w));
    if (l->bearer || judge_session(c, l, v, w))
        e->who = w;
    return E_OK;
}

static enum err touch_session(struct ctx *c, struct tx *tx, void *arg)
{
    return q_do(c, tx, &Q_SEEN, IN(v_text(*(struct str *)arg), v_int(c->now_ms)), NULL);
}

/* --- the cache --- */

static void entry_release(void *arg)
{
    struct entry *e = arg;
    mutex_lock(&cache.lock);
    bool last = --e->refs == 0;
    mutex_unlock(&cache.lock);
    if (last) {
        arena_free(e->mem);
        heap_free(e);
    }
}

static size_t slot_of(const uint8_t key[32])
{
    return (key[0] | (size_t)key[1] << 8) % CACHE_SLOTS;
}

static struct entry *cache_get(const uint8_t key[32], int64_t now_ms)
{
    mutex_lock(&cache.lock);
    struct entry *e = cache.slots[slot_of(key)];
    bool good = e && memcmp(e->key, key, 32) == 0 && e->until_ms > now_ms &&
                e->epoch == cache.epoch;
    if (good)
        e->refs++;
    mutex_unlock(&cache.lock);
    return good ? e : NULL;
}

static void cache_put(struct entry *e)
{
    mutex_lock(&cache.lock);
    struct entry *old = cache.slots[slot_of(e->key)];
    cache.slots[slot_of(e->key)] = e;
    e->refs++;
    mutex_unlock(&cache.lock);
    if (old)
        entry_release(old);
}

void who_forget_all(void)
{
    mutex_lock(&cache.lock);
    cache.epoch++;
    mutex_unlock(&cache.lock);
}

static struct entry *entry_new(const uint8_t key[32])
{
    struct entry *e = heap_get(sizeof *e);
    memcpy(e->key, key, 32);
    e->mem = arena_new(ARENA_REQUEST_BYTES);
    e->refs = 1;
    mutex_lock(&cache.lock);
    e->epoch = cache.epoch;
    mutex_unlock(&cache.lock);
    return e;
}

enum err auth_who(struct ctx *c, struct app *app, struct str cookie, struct str bearer,
                  const struct who **ret)
{
    struct str token = bearer.n ? bearer : cookie;
    uint8_t key[32];
    *ret = NULL;
    if (!token.n || token.n > 200)
        return E_OK;
    hash_sha256(token, key);
    struct entry *e = cache_get(key, c->now_ms);
    struct str hex = {0};
    if (!e) {
        e = entry_new(key);
        hex = hex_of(c->mem, key, 32);
        struct load l = {.app = app, .key = hex, .bearer = bearer.n > 0, .entry = e};
        for (enum audience who = FOR_ADMIN; who <= FOR_RESIDENT && !l.bearer; who++)
            l.policy[who] = policy_for(app, who);
        enum err err = db_read(app->db, c, load_who, &l);
        if (err != E_OK) {
            entry_release(e);
            return err;
        }
        if (e->who)
            memcpy(e->who->session_key, key, 32);
        e->until_ms = c->now_ms + 2000;
        if (e->who && c->now_ms - e->seen_ms > SEEN_EVERY_MS &&
            db_write(app->db, c, touch_session, &hex) != E_OK)
            fault_clear(c); /* only makes the session idle sooner */
        cache_put(e);
    }
    arena_defer(c->mem, entry_release, e);
    *ret = e->who;
    return E_OK;
}

const struct who *who_keep(const struct who *w, struct arena *mem)
{
    struct who *copy = arena_get(mem, sizeof *copy);
    *copy = *w;
    struct grant *g = arena_try(mem, (size_t)w->ngrants * sizeof *g + 1);
    copy->ngrants = g ? w->ngrants : 0;
    if (g)
        memcpy(g, w->grants, (size_t)w->ngrants * sizeof *g);
    copy->grants = g;
    copy->login = copy->name = copy->role_keys = (struct str){0};
    return copy;
}
