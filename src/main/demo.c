/* demo.c - fills an empty database: makes everything in memory, then writes it in one transaction,
 * so that a demo is there completely or not at all. The community tree goes through the store like
 * a user's own, so that every room hears of it. */
#include "main/demo_in.h"
#include "rooms/intake/intake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MEM_MAX = 1536 };
#define PASSWORD "anju-demo"

static const struct query Q_USERS = {"demo.users", "SELECT id FROM app_user LIMIT 1"};
static const struct query Q_ROLE = {
    "demo.role", "SELECT id FROM role WHERE community_id = 0 AND key = $1 AND archived = 0"};
static const struct query Q_SLA = {"demo.sla", "SELECT id FROM sla_policy WHERE community_id = $1 "
                                               "AND kind = $2 AND priority = $3 AND archived = 0"};

static const struct query Q_PAGE = {"demo.page",
                                    "SELECT id FROM handbook_page WHERE community_id = "
                                    "$1 AND kind = $2 AND state = 2 AND archived = 0"};

/* --- small tools --- */

void progress(const char *what, size_t n)
{
    if (isatty(2))
        fprintf(stderr, "\r\033[Kdemo: %zu %s", n, what);
}

int pick(struct demo *d, int lo, int hi)
{
    return (int)prng_range(&d->g, lo, hi);
}

void reseed(struct demo *d, const struct town *t, int what)
{
    prng_seed(&d->g, d->size.seed * UINT64_C(1000000007) + (uint64_t)what * TOWNS +
                         (uint64_t)(t - d->towns));
}

bool chance(struct demo *d, int per_mille)
{
    return prng_range(&d->g, 0, 999) < per_mille;
}

struct str text_of(struct demo *d, const char *f, ...)
{
    char tmp[512];
    va_list ap;
    va_start(ap, f);
    int n = vsnprintf(tmp, sizeof tmp, f, ap);
    va_end(ap);
    ASSERT(n >= 0 && (size_t)n < sizeof tmp);
    return str_dup(d->mem, (struct str){tmp, (size_t)n});
}

static void rowset_of(struct rowset *s, const struct resource *r)
{
    s->table = r->name;
    s->ncol = r->nfields;
    for (int i = 0; i < r->nfields; i++)
        s->columns[i] = r->fields[i].name;
}

struct val *row_raw(struct demo *d, struct rowset *s)
{
    size_t ncol = (size_t)s->ncol;
    if (!s->last || s->last->n == CHUNK_ROWS) {
        struct chunk *k = arena_get(d->mem, sizeof *k + CHUNK_ROWS * ncol * sizeof(struct val));
        if (s->last)
            s->last->next = k;
        else
            s->first = k;
        s->last = k;
    }
    s->n++;
    return s->last->v + s->last->n++ * ncol;
}

struct val *row_new(struct demo *d, struct rowset *s, int64_t community_id, int64_t created_ms)
{
    struct val *v = row_raw(d, s);
    v[R_ID] = v_int(id_new());
    v[R_COMMUNITY] = v_int(community_id);
    v[R_VERSION] = v_int(1);
    v[R_CREATED_AT] = v[R_UPDATED_AT] = v_int(created_ms);
    v[R_ARCHIVED] = v_int(0);
    return v;
}

/* --- accounts --- */

const struct account *account_new(struct demo *d, const char *login, struct str name, int home)
{
    struct account *a = arena_get(d->mem, sizeof *a);
    struct val *v = row_new(d, &d->users, 0, d->start_ms);
    *a = (struct account){v[R_ID].i, str_dup(d->mem, str_of(login)), name};
    v[U_LOGIN] = v_text(a->login);
    v[U_NAME] = v_text(name);
    v[U_PASSWORD] = v_text(str_of(d->password));
    v[U_ENABLED] = v[U_DEMO] = v_int(1);
    v[U_MUST_CHANGE] = v[U_FAILED] = v_int(0);
    v[U_HOME] = v_int(home);
    return a;
}

void grant_new(struct demo *d, const struct account *a, int role, int scope, int64_t scope_id,
               int64_t staff_id, int64_t person_id)
{
    struct val *v = row_new(d, &d->grants, 0, d->start_ms);
    v[G_USER] = v_int(a->user_id);
    v[G_SCOPE] = v_int(scope);
    v[G_SCOPE_ID] = scope_id ? v_int(scope_id) : v_null();
    v[G_STAFF] = staff_id ? v_int(staff_id) : v_null();
    v[G_PERSON] = person_id ? v_int(person_id) : v_null();
    ASSERT(d->nwaiting < (int)COUNT_OF(d->waiting));
    d->waiting[d->nwaiting].row = v;
    d->waiting[d->nwaiting++].role = role;
}

static void accounts_make(struct demo *d)
{
    const struct account *admin = account_new(d, "admin", S("系统管理员"), HOME_DESK);
    grant_new(d, admin, ROLE_ADMIN, SCOPE_SYSTEM, 0, 0, 0);
    grant_new(d, admin, ROLE_MANAGER, SCOPE_COMMUNITY, d->towns[0].id, 0, 0);
    grant_new(d, account_new(d, "security", S("安全管理员"), HOME_DESK), ROLE_SECURITY,
              SCOPE_SYSTEM, 0, 0, 0);
    grant_new(d, account_new(d, "auditor", S("审计管理员"), HOME_DESK), ROLE_AUDITOR, SCOPE_SYSTEM,
              0, 0, 0);
}

static void residents_make(struct demo *d)
{
    static const char *const logins[] = {"resident1", "resident2"};
    for (int i = 0; i < 2; i++) {
        struct resident *r = d->towns[0].known[i];
        r->account = account_new(d, logins[i], r->name, HOME_PHONE);
        grant_new(d, r->account, ROLE_RESIDENT, SCOPE_COMMUNITY, d->towns[0].id, 0, r->id);
    }
}

/* --- writing --- */

static enum err write_house(struct ctx *c, struct tx *tx, struct demo *d)
{
    struct row company = {0}, branch = {0};
    row_put(&company, R_ID, v_int(d->company_id));
    row_put(&company, R_CREATED_AT, v_int(d->start_ms));
    row_put(&company, CO_NAME, v_lit("安居物业服务有限公司"));
    TRY(res_insert(c, tx, &res_company, &company));
    row_put(&branch, R_ID, v_int(d->branch_id));
    row_put(&branch, R_CREATED_AT, v_int(d->start_ms));
    row_put(&branch, BR_COMPANY, v_int(d->company_id));
    row_put(&branch, BR_NAME, v_lit("城东分公司"));
    TRY(res_insert(c, tx, &res_branch, &branch));
    static const char *const address[TOWNS] = {"城东区安居路88号", "城东区和悦街6号"};
    for (int i = 0; i < TOWNS; i++) {
        struct row row = {0};
        row_put(&row, R_ID, v_int(d->towns[i].id));
        row_put(&row, R_CREATED_AT, v_int(d->start_ms));
        row_put(&row, CM_NAME, v_text(str_of(d->towns[i].name)));
        row_put(&row, CM_COMPANY, v_int(d->company_id));
        row_put(&row, CM_BRANCH, v_int(d->branch_id));
        row_put(&row, CM_ADDRESS, v_text(str_of(address[i])));
        row_put(&row, CM_TIME_ZONE, v_lit("Asia/Shanghai"));
        row_put(&row, CM_PHONE, v_text(i ? S("051200000002") : S("051200000001")));
        TRY(res_insert(c, tx, &res_community, &row));
    }
    return E_OK;
}

/* The rooms' own jobs for a new community, run here because tickets name the policies they make. */
static enum err run_job(struct ctx *c, struct tx *tx, struct demo *d, const char *name,
                        int64_t community)
{
    for (const struct module *const *m = d->app->modules; *m; m++)
        for (const struct job *j = (*m)->jobs; j && j->name; j++)
            if (str_eqz(str_of(name), j->name))
                return j->run(c, tx, d->app,
                              arena_fmt(c->mem, "{\"id\":%lld}", (long long)community));
    return FAIL(c, E_INTERNAL, "没有任务 %s", "there is no job %s", name);
}

static enum err seed_policies(struct ctx *c, struct tx *tx, struct demo *d)
{
    for (int i = 0; i < TOWNS; i++) {
        TRY(run_job(c, tx, d, "handbook.seed", d->towns[i].id));
        TRY(run_job(c, tx, d, "calendar.seed", d->towns[i].id));
    }
    return E_OK;
}

static enum err open_doors(struct ctx *c, struct tx *tx, struct demo *d)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(d->towns[0].id));
    row_put(&row, IN_OPEN311, v_int(1));
    row_put(&row, IN_QR, v_int(1));
    row_put(&row, IN_NOTICE, v_lit("已收到。内容公开可见,请不要写个人信息。"));
    return res_insert(c, tx, &res_intake_setting, &row);
}

static enum err name_roles(struct ctx *c, struct tx *tx, struct demo *d)
{
    static const char *const keys[ROLE__N] = {"manager",  "desk",     "dispatcher",
                                              "worker",   "cashier",  "resident",
                                              "sysadmin", "security", "auditor"};
    struct val id[ROLE__N];
    for (int i = 0; i < ROLE__N; i++)
        TRY(q_one(c, tx, &Q_ROLE, IN(v_text(str_of(keys[i]))), &id[i], 1));
    for (int i = 0; i < d->nwaiting; i++)
        d->waiting[i].row[G_ROLE] = id[d->waiting[i].role];
    return E_OK;
}

static enum err name_policies(struct ctx *c, struct tx *tx, struct demo *d)
{
    struct val id[TOWNS][KIND_INQUIRY + 1][5], page[TOWNS][KIND_INQUIRY + 1];
    for (int t = 0; t < TOWNS; t++)
        for (int k = KIND_REPAIR; k <= KIND_INQUIRY; k++) {
            TRY(q_one(c, tx, &Q_PAGE, IN(v_int(d->towns[t].id), v_int(k)), &page[t][k], 1));
            for (int p = 1; p <= 4; p++)
                TRY(q_one(c, tx, &Q_SLA, IN(v_int(d->towns[t].id), v_int(k), v_int(p)),
                          &id[t][k][p], 1));
        }
    for (struct chunk *k = d->tickets.first; k; k = k->next)
        for (size_t i = 0; i < k->n; i++) {
            struct val *v = k->v + i * (size_t)d->tickets.ncol;
            int t = v[R_COMMUNITY].i == d->towns[0].id ? 0 : 1;
            v[T_POLICY] = id[t][v[T_KIND].i][v[T_PRIORITY].i];
            v[T_POLICY_VERSION] = v_int(1);
            v[T_PAGE] = page[t][v[T_KIND].i];
        }
    return E_OK;
}

static enum err write_rows(struct ctx *c, struct tx *tx, const struct rowset *s)
{
    struct bulk b = {.table = s->table, .columns = s->columns, .ncol = s->ncol, .on_conflict = ""};
    for (const struct chunk *k = s->first; k; k = k->next)
        TRY(q_bulk(c, tx, &b, k->v, k->n, NULL));
    progress(s->table, s->n);
    return E_OK;
}

static void forget(void *arg)
{
    (void)arg;
    app_communities_changed();
}

static enum err write_all(struct ctx *c, struct tx *tx, void *arg)
{
    struct demo *d = arg;
    struct val one;
    enum err e = q_one(c, tx, &Q_USERS, IN0, &one, 1);
    if (e == E_OK)
        return FAIL(c, E_STATE, "数据库不是空的,不能填入演示数据",
                    "the database is not empty; a demo needs an empty one");
    if (e != E_MISSING)
        return e;
    TRY(write_house(c, tx, d));
    TRY(write_rows(c, tx, &d->skills));
    TRY(write_rows(c, tx, &d->posts));
    TRY(write_rows(c, tx, &d->categories)); /* so that the seeds find them there */
    TRY(seed_policies(c, tx, d));
    TRY(open_doors(c, tx, d));
    TRY(name_roles(c, tx, d));
    TRY(name_policies(c, tx, d));
    const struct rowset *const sets[] = {
        &d->users,       &d->grants,  &d->spaces,       &d->people, &d->identities, &d->stays,
        &d->departments, &d->staff,   &d->staff_skills, &d->shifts, &d->assets,     &d->tickets,
        &d->pauses,      &d->ratings, &d->events,       &d->series};
    for (size_t i = 0; i < COUNT_OF(sets); i++)
        TRY(write_rows(c, tx, sets[i]));
    TRY(remarks_fill(c, tx));
    TRY(res_words_fill(c, tx));
    TRY(privacy_write(c, tx, d));
    TRY(loops_write(c, tx, d));
    TRY(handbook_write(c, tx, d));
    TRY(mail_write(c, tx, d));
    TRY(signs_write(c, tx, d));
    TRY(run_job(c, tx, d, "service.clocks", 0)); /* who should have been told by now, was */
    TRY(told_is_seen(c, tx));
    tx_after_commit(tx, forget, NULL);
    return E_OK;
}

/* --- putting it together --- */

static int by_time(const void *a, const void *b)
{
    const struct draft_event *x = a, *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return x->seq - y->seq;
}

/* Ids last, over all tickets, so that the log's ids grow with its times. */
static void events_make(struct demo *d)
{
    qsort(d->log, d->nlog, sizeof *d->log, by_time);
    for (size_t i = 0; i < d->nlog; i++) {
        const struct draft_event *e = &d->log[i];
        struct val *v = row_raw(d, &d->events);
        v[0] = v_int(id_new());
        v[1] = v_int(e->community_id);
        v[2] = v_int(e->at_ms);
        v[3] = v_text(str_of(e->topic));
        v[4] = v_lit("ticket");
        v[5] = v_int(e->ticket_id);
        v[6] = e->by ? v_int(e->by->user_id) : v_null();
        v[7] = v_null(); /* by reference: residents are never named in the log */
        v[8] = v_text(e->data);
    }
}

static void rowsets_init(struct demo *d)
{
    const struct {
        struct rowset *s;
        const struct resource *r;
    } sets[] = {{&d->users, &res_user},
                {&d->grants, &res_grant},
                {&d->spaces, &res_space},
                {&d->people, &res_person},
                {&d->identities, &res_identity},
                {&d->stays, &res_occupancy},
                {&d->departments, &res_department},
                {&d->posts, &res_post},
                {&d->skills, &res_skill},
                {&d->staff, &res_staff},
                {&d->staff_skills, &res_staff_skill},
                {&d->shifts, &res_shift},
                {&d->categories, &res_category},
                {&d->assets, &res_asset},
                {&d->tickets, &res_ticket},
                {&d->pauses, &res_ticket_pause},
                {&d->ratings, &res_rating}};
    for (size_t i = 0; i < COUNT_OF(sets); i++)
        rowset_of(sets[i].s, sets[i].r);
    d->events = (struct rowset){.table = "event",
                                .ncol = 9,
                                .columns = {"id", "community_id", "at", "topic", "subject",
                                            "subject_id", "user_id", "user_name", "data"}};
    d->series = (struct rowset){
        .table = "number_series", .ncol = 3, .columns = {"community_id", "series", "next"}};
}

static void demo_start(struct demo *d)
{
    d->z = zone_find("Asia/Shanghai");
    d->now_ms = d->c->now_ms;
    struct date today = zone_date(d->z, d->now_ms);
    d->today = date_days(today);
    d->start_ms = zone_instant_ms(d->z, date_of_days(d->today - d->size.years * 365 - 30), 0);
    prng_seed(&d->g, d->size.seed);
    buf_init(&d->json, d->mem, 16 << 10);
    buf_init(&d->line, d->mem, 64 << 10);
    rowsets_init(d);
    d->company_id = id_new();
    d->branch_id = id_new();
    d->towns[0] = (struct town){
        .id = id_new(), .name = "安居花园", .households = d->size.households, .main = true};
    d->towns[1] = (struct town){.id = id_new(),
                                .name = "和悦苑",
                                .households = d->size.households < 60 ? d->size.households : 60};
}

static void make_all(struct demo *d)
{
    demo_start(d);
    accounts_make(d);
    for (int i = 0; i < TOWNS; i++) {
        reseed(d, &d->towns[i], 0);
        places_make(d, &d->towns[i]);
        staff_make(d, &d->towns[i]);
        assets_make(d, &d->towns[i]);
        people_make(d, &d->towns[i]);
        if (i == 0)
            residents_make(d);
        tickets_make(d, &d->towns[i]);
    }
    events_make(d);
    privacy_make(d);
}

static enum err has_users(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    struct val one;
    return q_one(c, tx, &Q_USERS, IN0, &one, 1);
}

static enum err read_calendar(struct ctx *c, struct tx *tx, void *arg)
{
    struct demo *d = arg;
    struct date today = zone_date(zone_find("Asia/Shanghai"), c->now_ms);
    int64_t day = date_days(today);
    return workcal_load(c, tx, 0, date_of_days(day - (d->size.years + 1) * 366),
                        date_of_days(day + 300), &d->calendar);
}

enum err demo_fill(struct ctx *c, struct app *app, const struct demo_size *size)
{
    enum err e = db_read(app->db, c, has_users, NULL);
    if (e == E_OK)
        return FAIL(c, E_STATE, "数据库不是空的,不能填入演示数据",
                    "the database is not empty; a demo needs an empty one");
    if (e != E_MISSING)
        return e;
    struct arena *mem = arena_new((size_t)MEM_MAX << 20);
    struct demo *d = arena_get(mem, sizeof *d);
    *d = (struct demo){.c = c, .app = app, .mem = mem, .size = *size};
    e = db_read(app->db, c, read_calendar, d);
    d->classes = arena_get(mem, CLASSES_SHIPPED_MAX * sizeof *d->classes);
    if (e == E_OK)
        e = classes_shipped(c, d->classes, CLASSES_SHIPPED_MAX, &d->nclasses);
    if (e != E_OK) {
        arena_free(mem);
        return e;
    }
    bool hashed = password_hash(S(PASSWORD), d->password);
    if (hashed) {
        make_all(d);
        e = db_write(app->db, c, write_all, d);
    }
    if (isatty(2))
        fputs("\r\033[K", stderr);
    arena_free(mem);
    return hashed ? e : FAIL(c, E_INTERNAL, "内存不足", "not enough memory to hash the password");
}

enum err demo_if_empty(struct ctx *c, struct app *app)
{
    static const struct demo_size size = {300, 1, 1};
    enum err e = db_read(app->db, c, has_users, NULL);
    return e == E_MISSING ? demo_fill(c, app, &size) : e;
}
