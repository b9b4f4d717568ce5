/* scope_test.c - no role reads or changes another community: for every resource and every login of
 * community a, a row of community b is not there - by id, in lists, behind a reference. */
#include "../test/lib/house.h"

#include "core/res_in.h"
#include "rooms/staff/staff.h"

static const enum as strangers[] = {AS_MANAGER, AS_DESK,    AS_DISPATCHER, AS_WORKER,
                                    AS_WORKER2, AS_CASHIER, AS_RESIDENT,   AS_RESIDENT2};

static enum err insert_bare(struct ctx *c, struct tx *tx, void *arg)
{
    void **a = arg;
    const struct resource *r = a[0];
    const struct row *row = a[1];
    return q_do(c, tx, &rt_of(r)->insert, row->v, (size_t)r->nfields, NULL);
}

/* A row with nothing but what every row has, made by whoever asks: even that gives no sight. */
static int64_t put_bare(struct house *h, const struct resource *r, int64_t community)
{
    struct row row = {0};
    void *args[] = {(void *)(uintptr_t)r, &row};
    row_put(&row, R_ID, v_int(id_new()));
    row_put(&row, R_COMMUNITY, v_int(community));
    row_put(&row, R_VERSION, v_int(1));
    row_put(&row, R_CREATED_AT, v_int(HOUSE_NOW));
    row_put(&row, R_CREATED_BY, v_int(h->who[AS_DESK]->user_id));
    row_put(&row, R_UPDATED_AT, v_int(HOUSE_NOW));
    row_put(&row, R_ARCHIVED, v_int(0));
    if (r->staff_field)
        row_put(&row, r->staff_field, v_int(h->staff[AS_WORKER]));
    if (r->person_field)
        row_put(&row, r->person_field, v_int(h->person[AS_RESIDENT]));
    house_as(h, AS_SYSTEM);
    house_ok(h, db_write(h->app.db, &h->c, insert_bare, args));
    return row_int(&row, R_ID);
}

static enum err list_of(struct house *h, const struct resource *r, int64_t community)
{
    struct list_spec spec;
    struct sql_args args;
    const struct query *query;
    struct http_req http = {
        .mem = h->c.mem, .query = arena_fmt(h->c.mem, "community_id=%lld", (long long)community)};
    struct req q = {.app = &h->app, .h = &http, .res = r};
    fault_clear(&h->c);
    TRY(list_parse(&h->c, &q, rt_of(r), &spec));
    return list_query(&h->c, h->app.db, rt_of(r), &spec, false, &args, &query);
}

static void test_sight(void **state)
{
    (void)state;
    struct house *h = house_open();
    const struct resource *const *list;
    int n = app_resources(&list), looked = 0;
    house_sql(h, "UPDATE work_calendar SET archived = 1"); /* one per community: make room */
    for (int i = 0; i < n; i++) {
        const struct resource *r = list[i];
        if (r->system)
            continue;
        int64_t there = put_bare(h, r, h->b), here = put_bare(h, r, h->a);
        for (size_t k = 0; k < COUNT_OF(strangers); k++) {
            struct row row, neu = {0};
            house_as(h, strangers[k]);
            row_put(&neu, R_ARCHIVED, v_int(1));
            if (house_load(h, r, there, &row) != E_MISSING ||
                house_change(h, r, there, &neu) != E_MISSING ||
                ((r->read || r->rules) && list_of(h, r, h->b) != E_MISSING))
                fail_msg("%s is in sight of %s", r->path, house_name(strangers[k]));
            looked += house_load(h, r, here, &row) == E_OK;
        }
    }
    assert_true(looked > 30); /* their own they do see: the test looks at something */
    house_as(h, AS_SYSTEM);
    house_close(h);
}

struct point {
    const struct resource *r;
    struct row row;
    int64_t community;
};

static enum err check_refs(struct ctx *c, struct tx *tx, void *arg)
{
    struct point *p = arg;
    return res_check_refs(c, tx, p->r->fields, p->r->nfields, &p->row, p->community);
}

/* Pointing at another community's row, at an archived one and at nothing give one answer. */
static void test_references(void **state)
{
    (void)state;
    struct house *h = house_open();
    const struct resource *const *list;
    int n = app_resources(&list), looked = 0;
    for (int i = 0; i < n; i++)
        for (int f = R_FIRST; f < list[i]->nfields; f++) {
            const struct field *fd = &list[i]->fields[f];
            const struct resource *target = fd->type == F_REF ? app_resource(str_of(fd->ref))
                                                              : NULL;
            if (!target || target->system)
                continue;
            looked++;
            int64_t gone = put_bare(h, target, h->a);
            house_sql(
                h, str_z(h->c.mem, arena_fmt(h->c.mem, "UPDATE %s SET archived = 1 WHERE id = %lld",
                                             target->name, (long long)gone)));
            const struct {
                int64_t id;
                bool fine;
            } cases[] = {{put_bare(h, target, h->a), true},
                         {put_bare(h, target, h->b), false},
                         {gone, false},
                         {12345, false}};
            for (size_t k = 0; k < COUNT_OF(cases); k++) {
                struct point p = {.r = list[i], .community = h->a};
                row_put(&p.row, f, v_int(cases[k].id));
                house_as(h, AS_SYSTEM);
                enum err e = db_read(h->app.db, &h->c, check_refs, &p);
                if (e != (cases[k].fine ? E_OK : E_INVALID) ||
                    (!cases[k].fine && !house_told(&h->c, fd->name, "ref")))
                    fail_msg("%s.%s case %zu: %s", list[i]->name, fd->name, k, err_name(e));
            }
        }
    assert_true(looked >= 10);
    house_close(h);
}

/* The inputs of an action are fields too, and none of their places is a standard field's. */
static enum err check_inputs(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct field inputs[] = {
        {"note", F_TEXT, 0, .label = {"备注", "Note"}},
        {"staff_id", F_REF, 0, .ref = "staff", .label = {"员工", "Staff"}}};
    struct point *p = arg;
    return res_check_refs(c, tx, inputs, COUNT_OF(inputs), &p->row, p->community);
}

static void test_input_references(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct point own = {.community = h->a}, other = own;
    row_put(&own.row, 1, v_int(put_bare(h, &res_staff, h->a)));
    row_put(&other.row, 1, v_int(put_bare(h, &res_staff, h->b)));
    house_as(h, AS_SYSTEM);
    assert_int_equal(db_read(h->app.db, &h->c, check_inputs, &own), E_OK);
    assert_int_equal(db_read(h->app.db, &h->c, check_inputs, &other), E_INVALID);
    assert_true(house_told(&h->c, "staff_id", "ref"));
    house_close(h);
}

/* Rights of a role end at the community it was granted in. */
static void test_rights(void **state)
{
    (void)state;
    struct house *h = house_open();
    for (size_t k = 0; k < COUNT_OF(strangers); k++) {
        const struct who *w = h->who[strangers[k]];
        assert_int_equal(who_staff(w, h->b), 0);
        assert_int_equal(who_person(w, h->b), 0);
        for (int p = 0; p < perm_count(); p++) {
            assert_false(who_may_i(w, p, h->b));
            assert_false(who_may_i(w, p, 0));
        }
        assert_int_equal(who_only_community(w, NULL), h->a);
    }
    assert_true(who_may(h->who[AS_ADMIN], "user.manage", h->b));
    assert_false(who_may(h->who[AS_ADMIN], "ticket.read", h->b));
    assert_false(who_may(NULL, "ticket.read", h->a));
    assert_false(who_may(h->who[AS_ADMIN], "no.such.right", h->a));
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sight), cmocka_unit_test(test_references),
        cmocka_unit_test(test_input_references), cmocka_unit_test(test_rights)};
    return HOUSE_RUN(tests);
}
