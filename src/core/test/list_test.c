/* list_test.c - lists of every resource, asked for by the query strings a browser sends: each sort,
 * each filter and each rule of sight is answered by an index on both engines; paging loses and
 * doubles nothing while rows come in; marks and filters that are not ours are refused; what people
 * type into the search box is text, never a pattern. */
#include "../test/lib/house.h"

#include "core/res_in.h"

struct asker { /* a caller with exactly one right, in community a or in the company */
    struct grant grant;
    struct who who;
};

static void asker_init(struct asker *k, const struct house *h, const struct resource *r,
                       const char *perm)
{
    *k = (struct asker){.grant = {.community_id = r->system ? 0 : h->a,
                                  .staff_id = h->staff[AS_WORKER],
                                  .person_id = h->person[AS_RESIDENT]}};
    perms_add(&k->grant.perms, perm_index(perm));
    k->who = (struct who){.user_id = 1, .any = k->grant.perms, .grants = &k->grant, .ngrants = 1};
}

/* As list requests are read: the query string to a spec. */
static enum err parse(struct house *h, const struct resource *r, struct str query,
                      struct list_spec *ret)
{
    struct http_req http = {.mem = h->c.mem, .query = query};
    struct req q = {.app = &h->app, .h = &http, .res = r};
    fault_clear(&h->c);
    return list_parse(&h->c, &q, rt_of(r), ret);
}

/* --- every list has an index --- */

static struct str sample(struct house *h, const struct field *f)
{
    switch (f->type) {
    case F_BOOL: return S("1");
    case F_ENUM: return str_of(f->choices[0].key);
    case F_DATE: return S("2026-03-02");
    case F_INSTANT: return S("2026-03-02T00:00:00Z");
    case F_REF: return arena_fmt(h->c.mem, "%lld", (long long)h->unit);
    case F_PHONE: return S("13800000000");
    default: return S("1");
    }
}

static bool plan_is_good(struct str plan)
{
    while (plan.p) {
        struct str line = str_next(&plan, '\n');
        bool scan = str_find(line, S("SCAN ")) >= 0 && str_find(line, S("USING")) < 0 &&
                    str_find(line, S("SCAN CONSTANT ROW")) < 0;
        if (scan || str_find(line, S("Seq Scan")) >= 0)
            return false;
    }
    return true;
}

/* The order of a plain list comes from the index: page n costs what page 1 costs. Only SQLite says
 * so for certain: PostgreSQL sorts small tables whatever indexes there are. */
static bool plan_sorts(struct str plan)
{
    return str_find(plan, S("TEMP B-TREE")) >= 0;
}

static int explain(struct house *h, const struct resource *r, struct str query, bool plain)
{
    struct list_spec spec;
    struct sql_args args;
    const struct query *q;
    struct str plan = S("");
    int bad = 0;
    for (int counting = 0; counting < 2; counting++) {
        house_ok(h, parse(h, r, query, &spec));
        house_ok(h, list_query(&h->c, h->app.db, rt_of(r), &spec, counting, &args, &q));
        house_ok(h, db_explain(h->app.db, &h->c, q, args.v, args.n, &plan));
        assert_true(plan.n > 0);
        if (plan_is_good(plan) && !(plain && !counting && plan_sorts(plan)))
            continue;
        print_error("%s?" PRS ":\n%s\n" PRS "\n", r->path, PRA(query), q->sql, PRA(plan));
        bad++;
    }
    return bad;
}

static bool is_seen(struct house *h, const struct resource *r, int f)
{
    return field_seen(&h->c, rt_of(r), f, r->system ? 0 : h->a);
}

/* Both directions and a later page of one sort, without and with each filter. */
static int explain_sort(struct house *h, const struct resource *r, int sort, bool plain)
{
    const struct field *s = &r->fields[sort];
    struct str mark = field_column(s->type) == COL_TEXT ? S("t31") : S("i1");
    struct arena *mem = h->c.mem;
    struct str place = r->system ? S("") : arena_fmt(mem, "&community_id=%lld", (long long)h->a);
    int bad = 0;
    for (int way = 0; way < 2; way++)
        for (int page = 0; page < 2; page++) {
            struct str after = page ? arena_fmt(mem, "&after=%s." PRS ".1", s->name, PRA(mark))
                                    : S("");
            struct str base = arena_fmt(mem, "sort=%s%s" PRS PRS, way ? "-" : "", s->name,
                                        PRA(after), PRA(place));
            bad += explain(h, r, base, plain);
            bad += explain(h, r, arena_fmt(mem, PRS "&q=1502", PRA(base)), false);
            for (int f = 0; f < r->nfields && !page; f++)
                if (r->fields[f].flags & FILTER && is_seen(h, r, f))
                    bad += explain(h, r,
                                   arena_fmt(mem, PRS "&%s%s=" PRS, PRA(base), r->fields[f].name,
                                             r->fields[f].type == F_INSTANT ? ".lt" : "",
                                             PRA(sample(h, &r->fields[f]))),
                                   false);
        }
    return bad;
}

static int explain_as(struct house *h, const struct resource *r, const char *perm)
{
    struct asker k;
    int bad = 0;
    asker_init(&k, h, r, perm);
    h->c.who = &k.who;
    for (int i = 0; i < r->nfields; i++)
        if (i == R_ID || (r->fields[i].flags & SORT && is_seen(h, r, i)))
            bad += explain_sort(h, r, i, r->read && strcmp(perm, r->read) == 0);
    h->c.who = NULL;
    arena_reset(h->c.mem);
    return bad;
}

static void test_explain(void **state)
{
    (void)state;
    struct house *h = house_open();
    const struct resource *const *list;
    int bad = 0, n = app_resources(&list), asked = 0;
    for (int i = 0; i < n; i++) {
        if (list[i]->read) {
            bad += explain_as(h, list[i], list[i]->read);
            asked++;
        }
        for (const struct row_rule *rule = list[i]->rules; rule && rule->perm; rule++) {
            bad += explain_as(h, list[i], rule->perm);
            asked++;
        }
    }
    assert_true(asked >= n); /* every resource was looked at */
    assert_int_equal(bad, 0);
    house_close(h);
}

/* What a caller may not read he does not ask or sort by: his own ticket would answer yes or no. */
static void test_unseen(void **state)
{
    (void)state;
    struct house *h = house_open();
    static const char *const asked[] = {"handover_to_id=1", "next_due.lt=2030-01-01T00:00:00Z",
                                        "sort=next_due"};
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        struct asker k;
        struct list_spec spec;
        struct str q = arena_fmt(h->mem, "%s&community_id=%lld", asked[i], (long long)h->a);
        asker_init(&k, h, &res_ticket, "ticket.own");
        h->c.who = &k.who;
        assert_int_equal(parse(h, &res_ticket, q, &spec), E_INVALID);
        h->c.who = NULL;
        h->c.fault = (struct fault){0};
        house_ok(h, parse(h, &res_ticket, q, &spec));
    }
    house_close(h);
}

/* --- paging --- */

struct page {
    const struct resource *r;
    struct list_spec spec;
    int64_t ids[256];
    size_t n;
    struct str next;
};

static enum err run_page(struct ctx *c, struct tx *tx, void *arg)
{
    struct page *p = arg;
    struct row *rows;
    TRY(list_run(c, tx, rt_of(p->r), &p->spec, &rows, &p->n, &p->next));
    for (size_t i = 0; i < p->n; i++)
        p->ids[i] = row_int(&rows[i], R_ID);
    return E_OK;
}

static void read_page(struct house *h, const struct resource *r, struct str query, struct page *ret)
{
    *ret = (struct page){.r = r};
    house_ok(h, parse(h, r, query, &ret->spec));
    house_ok(h, db_read(h->app.db, &h->c, run_page, ret));
}

static void add_one(struct house *h, const struct resource *r, int i)
{
    struct row row = {0};
    const struct who *who = h->c.who;
    static int names;
    struct str name = arena_fmt(h->c.mem, "page %03d", names++ * 37 % 1000);
    h->c.who = NULL;
    if (r == &res_ticket) {
        h->c.now_ms = HOUSE_NOW + i * 7 % 5 * MINUTE_MS; /* many share a due time */
        house_ticket(h, KIND_REPAIR);
    } else if (r == &res_user) {
        row_put(&row, U_LOGIN, v_text(name));
        row_put(&row, U_NAME, v_text(name));
        house_ok(h, house_insert(h, r, &row));
    } else {
        row_put(&row, R_COMMUNITY, v_int(h->a));
        row_put(&row, SH_STAFF, v_int(h->staff[AS_WORKER]));
        row_put(&row, SH_FROM, v_int(HOUSE_NOW + i * 3 % 4 * HOUR_MS));
        row_put(&row, SH_TO, v_int(HOUSE_NOW + 5 * HOUR_MS));
        house_ok(h, house_insert(h, r, &row));
    }
    h->c.who = who;
    h->c.now_ms = HOUSE_NOW;
}

static bool has(const int64_t *ids, size_t n, int64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* Rows come in between any two pages: what was there at the start comes exactly once. */
static void walk(struct house *h, const struct resource *r, const char *sort)
{
    struct page all, one;
    int64_t got[256];
    size_t n = 0;
    struct arena *mem = h->c.mem;
    struct str place = r->system ? S("") : arena_fmt(mem, "&community_id=%lld", (long long)h->a);
    read_page(h, r, arena_fmt(mem, "limit=200&sort=%s" PRS, sort, PRA(place)), &all);
    assert_int_equal(all.next.n, 0);
    struct str after = S("");
    for (int i = 0; i == 0 || after.n; i++) {
        read_page(h, r, arena_fmt(mem, "limit=5&sort=%s" PRS PRS, sort, PRA(place), PRA(after)),
                  &one);
        assert_true(one.n == 5 || !one.next.n);
        for (size_t k = 0; k < one.n; k++) {
            assert_false(has(got, n, one.ids[k])); /* not doubled */
            assert_true(n < COUNT_OF(got));
            got[n++] = one.ids[k];
        }
        after = one.next.n ? arena_fmt(mem, "&after=" PRS, PRA(one.next)) : S("");
        if (i < 6)
            add_one(h, r, 100 + i);
    }
    size_t in_order = 0;
    for (size_t i = 0; i < n && in_order < all.n; i++)
        in_order += got[i] == all.ids[in_order];
    assert_int_equal(in_order, all.n); /* none lost, none out of place */
}

static void test_paging(void **state)
{
    (void)state;
    static const struct {
        const struct resource *r;
        const char *sorts[5];
    } cases[] = {{&res_ticket, {"id", "-id", "resolve_due", "-resolve_due"}},
                 {&res_user, {"id", "-id", "login", "-login"}},
                 {&res_shift, {"-starts_at", "starts_at"}}};
    struct house *h = house_open();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct asker k;
        asker_init(&k, h, cases[i].r, cases[i].r->read);
        for (int n = 0; n < 23; n++)
            add_one(h, cases[i].r, n);
        h->c.who = &k.who;
        for (const char *const *sort = cases[i].sorts; *sort; sort++)
            walk(h, cases[i].r, *sort);
        h->c.who = NULL;
    }
    house_close(h);
}

/* --- what is refused --- */

#define TWENTY "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20"
static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const struct resource *r;
        const char *query, *field, *code;
    } cases[] = {
        {&res_user, "after=x", "after", "format"},
        {&res_user, "after=id", "after", "format"},
        {&res_user, "after=id.i5", "after", "format"},
        {&res_user, "after=id.5.5", "after", "format"},
        {&res_user, "after=id.t35.5", "after", "format"},
        {&res_user, "after=id.i5.x", "after", "format"},
        {&res_user, "after=id.i5.5.5", "after", "format"},
        {&res_user, "after=id.i99999999999999999999.1", "after", "format"},
        {&res_user, "after=login.t31.1", "after", "format"}, /* another sort's */
        {&res_user, "sort=login&after=id.i5.5", "after", "format"},
        {&res_user, "sort=login&after=login.i5.5", "after", "format"},
        {&res_user, "sort=login&after=login.t3.5", "after", "format"},
        {&res_user, "sort=login&after=login.tzz.5", "after", "format"},
        {&res_user, "sort=login&after=login.tff.5", "after", "format"}, /* not UTF-8 */
        {&res_user, "sort=login&after=login.t00.5", "after", "format"},
        {&res_user, "sort=name", "sort", "choice"},
        {&res_user, "sort=password", "sort", "choice"},
        {&res_user, "sort=", "sort", "choice"},
        {&res_user, "sort=id;drop", "sort", "choice"},
        {&res_user, "password=x", "password", "unknown"},
        {&res_user, "failed_count=1", "failed_count", "unknown"},
        {&res_user, "enabled.like=1", "enabled.like", "unknown"},
        {&res_user, "enabled=maybe", "enabled", "type"},
        {&res_user, "enabeld=1", "enabeld", "unknown"},
        {&res_user, "limit=0", "limit", "range"},
        {&res_user, "limit=201", "limit", "range"},
        {&res_user, "limit=many", "limit", "range"},
        {&res_user, "count=yes", "count", "format"},
        {&res_user, "created_at.lt=yesterday", "created_at", "format"},
        {&res_ticket, "state=broken", "state", "choice"},
        /* 80 values: more than one statement holds */
        {&res_ticket,
         "assignee_id=" TWENTY "&person_id=" TWENTY "&space_id=" TWENTY "&category_id=" TWENTY,
         "category_id", "max"},
        {&res_ticket, "assignee_id=12x", "assignee_id", "format"},
        {&res_ticket, "contact_phone=138", "contact_phone", "unknown"},
        {&res_ticket, "community_id=x", "community_id", NULL},
    };
    struct house *h = house_open();
    int wrong = 0;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct asker k;
        struct list_spec spec;
        struct sql_args args;
        const struct query *q;
        asker_init(&k, h, cases[i].r, cases[i].r->read);
        h->c.who = &k.who;
        enum err e = parse(h, cases[i].r, str_of(cases[i].query), &spec);
        if (e == E_OK) /* a mark is read when the statement is made */
            e = list_query(&h->c, h->app.db, rt_of(cases[i].r), &spec, false, &args, &q);
        bool told = h->c.fault.nfields == 1 &&
                    strcmp(h->c.fault.fields[0].field, cases[i].field) == 0 &&
                    (!cases[i].code || strcmp(h->c.fault.fields[0].code, cases[i].code) == 0);
        if (e != E_INVALID || !told) {
            wrong++;
            print_error("%s?%s: %s %s %s\n", cases[i].r->path, cases[i].query, err_name(e),
                        h->c.fault.nfields ? h->c.fault.fields[0].field : "",
                        h->c.fault.nfields ? h->c.fault.fields[0].code : "");
        }
    }
    h->c.who = NULL;
    assert_int_equal(wrong, 0);
    house_close(h);
}

static void test_scope(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct list_spec spec;
    struct str other = arena_fmt(h->c.mem, "community_id=%lld", (long long)h->b);
    static const enum as strangers[] = {AS_MANAGER, AS_DESK, AS_WORKER, AS_CASHIER, AS_RESIDENT};
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        house_as(h, strangers[i]);
        assert_int_equal(parse(h, &res_ticket, other, &spec), E_MISSING);
        assert_int_equal(parse(h, &res_person, other, &spec), E_MISSING);
        assert_int_equal(parse(h, &res_space, other, &spec), E_MISSING);
    }
    house_as(h, AS_SYSTEM);
    house_close(h);
}

/* --- the search box --- */

static void test_search(void **state)
{
    (void)state;
    static const char *const names[] = {"100%", "1000", "a_b",  "axb",
                                        "c\\d", "cd",   "Ünal", "O'Neil"};
    static const struct {
        const char *q, *found; /* names, comma separated */
    } cases[] = {{"%25", "100%"},   {"0%25", "100%"}, {"_", "a_b"},    {"A_B", "a_b"},
                 {"%5C", "c\\d"},   {"%5C%5C", ""},   {"%25%25", ""},  {"100", "100%,1000"},
                 {"o'n", "O'Neil"}, {"';--", ""},     {"nal", "Ünal"}, {"%20cd%20", "cd"}};
    struct house *h = house_open();
    int64_t ids[COUNT_OF(names)];
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct row row = {0};
        row_put(&row, R_COMMUNITY, v_int(h->a));
        row_put(&row, PE_NAME, v_text(str_of(names[i])));
        house_ok(h, house_insert(h, &res_person, &row));
        ids[i] = row_int(&row, R_ID);
    }
    house_as(h, AS_DESK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct page p;
        size_t want = 0;
        read_page(h, &res_person, arena_fmt(h->c.mem, "q=%s", cases[i].q), &p);
        for (struct str rest = str_of(cases[i].found), one = str_next(&rest, ','); one.n;
             one = str_next(&rest, ',')) {
            size_t k = 0;
            while (!str_eqz(one, names[k]))
                k++;
            assert_true(has(p.ids, p.n, ids[k]));
            want++;
        }
        if (p.n != want)
            fail_msg("q=%s finds %zu, not %zu", cases[i].q, p.n, want);
    }
    house_as(h, AS_SYSTEM);
    house_close(h);
}

/* Who may not read phone numbers cannot find people by parts of them. */
static void test_search_masked(void **state)
{
    (void)state;
    static const struct {
        enum as as;
        const char *q;
        size_t found;
    } cases[] = {{AS_DESK, "13800001208", 1},    {AS_DESK, "0001208", 1},
                 {AS_CASHIER, "13800001208", 1}, {AS_CASHIER, "0001208", 0},
                 {AS_CASHIER, "1380000", 0},     {AS_CASHIER, "resident2", 1}};
    struct house *h = house_open();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct page p;
        house_as(h, cases[i].as);
        read_page(h, &res_person, arena_fmt(h->c.mem, "q=%s", cases[i].q), &p);
        assert_int_equal(p.n, cases[i].found);
    }
    house_as(h, AS_SYSTEM);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explain),      cmocka_unit_test(test_unseen),
        cmocka_unit_test(test_paging),       cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_scope),        cmocka_unit_test(test_search),
        cmocka_unit_test(test_search_masked)};
    return HOUSE_RUN(tests);
}
