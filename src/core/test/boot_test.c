/* boot_test.c - the whole house stands: all rooms boot together, every statement of theirs prepares
 * on both engines, every kind of row comes back as it was stored, addresses and rights agree, and
 * what is personal is masked for those who may not read it. */
#include "../test/lib/house.h"

#include "base/crypto.h"
#include "core/audit.h"
#include "core/batch.h"
#include "core/rights.h"
#include "core/search.h"

static void test_boot(void **state)
{
    (void)state;
    struct house *h = house_open();
    const struct resource *const *list;
    int n = app_resources(&list);
    assert_true(n >= 20);
    for (int i = 0; i < n; i++) {
        assert_ptr_equal(app_resource(str_of(list[i]->path)), list[i]);
        struct str sql = arena_fmt(h->c.mem, "SELECT count(*) FROM %s", list[i]->name);
        assert_true(house_number(h, str_z(h->c.mem, sql)) >= 0);
    }
    house_ok(h, app_migrate(&h->app, &h->c)); /* a second start changes nothing */
    assert_int_equal(house_number(h, "SELECT count(*) FROM sla_policy"), 2 * 6 * 4);
    assert_int_equal(house_number(h, "SELECT count(*) FROM priority_policy"), 2 * 27);
    house_close(h);
}

/* --- statements --- */

struct prepare {
    struct house *h;
    int n, bad;
};

static void prepare(struct prepare *p, const struct query *q)
{
    struct str why = {0};
    fault_clear(&p->h->c);
    p->n++;
    if (db_prepare_check(p->h->app.db, &p->h->c, q, &why) == E_OK)
        return;
    p->bad++;
    print_error("%s: " PRS "\n", q->name, PRA(why));
}

static void prepare_list(struct prepare *p, const struct query *const *list)
{
    for (; list && *list; list++)
        prepare(p, *list);
}

static void test_prepare(void **state)
{
    (void)state;
    const struct query *const *const core[] = {
        number_queries,    event_queries,  job_queries,        session_queries, web_queries,
        file_queries,      news_queries,   auth_queries,       key_queries,     role_queries,
        password_queries,  factor_queries, token_queries,      policy_queries,  rights_queries,
        audit_queries,     seal_queries,   late_queries,       probe_queries,   batch_queries,
        batch_run_queries, import_queries, file_check_queries, search_queries};
    struct house *h = house_open();
    struct prepare p = {.h = h};
    const struct resource *const *list;
    int n = app_resources(&list);
    for (size_t i = 0; i < COUNT_OF(core); i++)
        prepare_list(&p, core[i]);
    for (const struct module *const *m = all_modules; *m; m++) {
        for (size_t i = 0; i < COUNT_OF((*m)->queries); i++)
            prepare_list(&p, (*m)->queries[i]);
        for (const struct check *k = (*m)->checks; k && k->name; k++)
            if (!k->run)
                prepare(&p, &k->query);
    }
    for (int i = 0; i < n; i++) {
        const struct res_rt *rt = rt_of(list[i]);
        prepare(&p, &rt->get);
        prepare(&p, &rt->insert);
        prepare(&p, &rt->names);
        if (rt->names_en.sql)
            prepare(&p, &rt->names_en);
        if (rt->names_veiled.sql)
            prepare(&p, &rt->names_veiled);
        prepare(&p, &rt->exists);
    }
    assert_true(p.n > 100);
    assert_int_equal(p.bad, 0);
    house_close(h);
}

/* A fresh house has nothing that `anju check` complains about. */
static void test_checks(void **state)
{
    (void)state;
    struct house *h = house_open();
    for (int64_t s = RECEIVED; s <= CANCELLED; s++)
        house_ticket_in(h, KIND_REPAIR, s);
    house_checks(h);
    house_close(h);
}

/* --- rows --- */

/* A value of the field's type that has what makes stores stumble; 0 of kind: nothing at all. */
static struct val generate(struct house *h, struct prng *g, const struct field *f, int kind)
{
    static const char *const texts[] = {"漏水 💧 3#",
                                        "'; DROP TABLE ticket; --",
                                        "\"\\u0041\\",
                                        "\xe2\x80\x8f\xd7\xa2\xd7\x91",
                                        "%_\\ ",
                                        "é = é",
                                        "第一行\n第二行\t。"};
    if (kind == 0)
        return v_null();
    switch (field_column(f->type)) {
    case COL_TEXT:
        return v_text(arena_fmt(h->c.mem, "%s%llx", texts[prng_range(g, 0, COUNT_OF(texts) - 1)],
                                (unsigned long long)prng_u64(g)));
    default:
        return v_int(kind == 1   ? prng_range(g, INT64_MIN, INT64_MAX)
                     : kind == 2 ? INT64_MAX
                                 : INT64_MIN);
    }
}

struct trip {
    const struct resource *r;
    struct row in;
    const char *differs;
};

static enum err there(struct ctx *c, struct tx *tx, void *arg)
{
    struct trip *t = arg;
    return q_do(c, tx, &rt_of(t->r)->insert, t->in.v, (size_t)t->r->nfields, NULL);
}

static enum err and_back(struct ctx *c, struct tx *tx, void *arg)
{
    struct trip *t = arg;
    struct row out;
    TRY(res_load(c, tx, t->r, row_int(&t->in, R_ID), &out));
    for (int i = 0; i < t->r->nfields && !t->differs; i++)
        if (!val_eq(t->in.v[i], out.v[i]))
            t->differs = t->r->fields[i].name;
    return E_OK;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct house *h = house_open();
    const struct resource *const *list;
    struct prng g;
    prng_seed(&g, 20260302);
    int n = app_resources(&list);
    for (int i = 0; i < n; i++)
        for (int kind = 0; kind < 6; kind++) {
            struct trip t = {.r = list[i]};
            for (int f = 0; f < list[i]->nfields; f++)
                t.in.v[f] = generate(h, &g, &list[i]->fields[f],
                                     f < R_FIRST || (kind > 3) ? 1 : kind);
            house_ok(h, db_write(h->app.db, house_as(h, AS_SYSTEM), there, &t));
            house_ok(h, db_read(h->app.db, house_as(h, AS_SYSTEM), and_back, &t));
            if (t.differs)
                fail_msg("%s.%s comes back changed", list[i]->name, t.differs);
        }
    house_close(h);
}

/* --- addresses and rights --- */

static void test_addresses(void **state)
{
    (void)state;
    struct house *h = house_open();
    const struct resource *const *list;
    size_t nroutes;
    const struct route *const *routes = routes_all(&nroutes);
    int n = app_resources(&list);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(list[i]->path, list[k]->path);
            assert_string_not_equal(list[i]->name, list[k]->name);
        }
    assert_true(nroutes > 100);
    for (size_t i = 0; i < nroutes; i++) {
        assert_true(routes[i]->perm ? perm_index(routes[i]->perm) >= 0
                                    : routes[i]->flags & (PUBLIC | ANY_USER));
        for (size_t k = 0; k < i; k++)
            if (strcmp(routes[i]->path, routes[k]->path) == 0)
                assert_string_not_equal(routes[i]->method, routes[k]->method);
    }
    house_close(h);
}

static bool job_known(const char *name)
{
    for (const struct module *const *m = all_modules; *m; m++)
        for (const struct job *j = (*m)->jobs; j && j->name; j++)
            if (strcmp(j->name, name) == 0)
                return true;
    return false;
}

static void test_names(void **state)
{
    (void)state;
    struct house *h = house_open();
    int fixups[100] = {0};
    for (const struct module *const *m = all_modules; *m; m++) {
        for (const struct role_seed *r = (*m)->roles; r && r->key; r++)
            for (struct str rest = str_of(r->perms), one = str_next(&rest, ' '); one.n;
                 one = str_next(&rest, ' ')) {
                struct perms p = {{0}};
                perms_of_text(one, &p); /* a misspelt right would be none at all */
                uint64_t any = 0;
                for (size_t i = 0; i < COUNT_OF(p.w); i++)
                    any |= p.w[i];
                if (!any)
                    fail_msg("role %s: no right " PRS, r->key, PRA(one));
            }
        for (const struct menu_item *i = (*m)->menu; i && i->key; i++) {
            assert_true(!i->perm || perm_index(i->perm) >= 0);
            assert_true(!i->resource || app_resource(str_of(i->resource)));
        }
        for (const struct on *on = (*m)->listens; on && on->topic; on++)
            assert_true(job_known(on->job));
        for (const struct fixup *f = (*m)->fixups; f && f->number; f++)
            assert_true(f->number < 100 && !fixups[f->number]++); /* once in the whole program */
    }
    house_close(h);
}

/* --- what is personal --- */

static void test_masks(void **state)
{
    (void)state;
    static const struct {
        enum as as;
        bool masked;
    } cases[] = {{AS_SYSTEM, false},  {AS_DESK, true},      {AS_MANAGER, true},
                 {AS_WORKER, true},   {AS_CASHIER, true},   {AS_ADMIN, true},
                 {AS_RESIDENT, true}, {AS_MANAGER_B, true}, {AS_DESK_B, true}};
    struct house *h = house_open();
    const struct resource *const *list;
    int n = app_resources(&list), fields = 0;
    for (int i = 0; i < n; i++)
        for (int f = R_FIRST; f < list[i]->nfields; f++) {
            const struct field *fd = &list[i]->fields[f];
            if (!(fd->flags & PERSONAL) || fd->flags & ENCRYPTED ||
                /* people_test.c */ (fd->type != F_TEXT && fd->type != F_PHONE))
                continue;
            fields++;
            struct row row = {0};
            row_put(&row, R_ID, v_int(1));
            row_put(&row, R_COMMUNITY, v_int(h->a));
            row_put(&row, f, v_lit("13812345678"));
            for (size_t k = 0; k < COUNT_OF(cases); k++) {
                struct ctx *c = house_as(h, cases[k].as);
                struct buf b;
                buf_init(&b, c->mem, 64 << 10);
                res_render(c, list[i], &row, 0, &b);
                bool plain = str_find(buf_str(&b), S("13812345678")) >= 0;
                bool stars = str_find(buf_str(&b), S("**")) >= 0;
                if (plain == cases[k].masked || stars != cases[k].masked)
                    fail_msg("%s.%s for %s: " PRS, list[i]->name, fd->name, house_name(cases[k].as),
                             PRA(buf_str(&b)));
            }
        }
    assert_true(fields >= 5);
    house_as(h, AS_SYSTEM);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boot),      cmocka_unit_test(test_prepare),
        cmocka_unit_test(test_checks),    cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_names),
        cmocka_unit_test(test_masks)};
    return HOUSE_RUN(tests);
}
