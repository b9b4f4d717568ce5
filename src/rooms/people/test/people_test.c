/* people_test.c - persons and where they live: no twins, dates that make sense, only homes and
 * parking spaces, today's occupants by the calendar, likely duplicates for the clerk. */
#include "../test/lib/house.h"

#include "core/key.h"
#include "core/res_in.h"
#include "rooms/people/idnum.h"

static enum err add_person(struct house *h, int64_t community, const char *name, const char *phone,
                           int64_t *ret)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(community));
    row_put(&row, PE_NAME, v_text(str_of(name)));
    if (phone)
        row_put(&row, PE_PHONE, v_text(str_of(phone)));
    TRY(house_insert(h, &res_person, &row));
    *ret = row_int(&row, R_ID);
    return E_OK;
}

static void test_twins(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id, other;
    struct row row = {0};
    house_ok(h, add_person(h, h->a, "王芳", "13900000001", &id));
    assert_int_equal(add_person(h, h->a, "王芳", "13900000001", &other), E_INVALID);
    assert_true(house_told(&h->c, "phone", "duplicate"));
    house_ok(h, add_person(h, h->a, "王强", "13900000001", &other)); /* a couple, one phone */
    row_put(&row, PE_NAME, v_lit("王芳"));
    assert_int_equal(house_change(h, &res_person, other, &row), E_INVALID);
    house_ok(h, add_person(h, h->b, "王芳", "13900000001", &other)); /* another community */
    house_ok(h, add_person(h, h->a, "王芳", "13900000002", &other));
    house_ok(h, add_person(h, h->a, "李明", NULL, &other));
    house_ok(h, add_person(h, h->a, "李明", NULL, &other)); /* nothing to tell them apart by */
    struct row note = {0};
    row_put(&note, PE_NOTE, v_lit("老住户"));
    house_ok(h, house_change(h, &res_person, id, &note)); /* no twin of oneself */
    house_close(h);
}

static void test_defaults(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id;
    struct row row;
    house_ok(h, add_person(h, h->a, "赵六", NULL, &id));
    house_ok(h, house_load(h, &res_person, id, &row));
    assert_int_equal(row_int(&row, PE_KIND), 1);
    assert_int_equal(row_int(&row, PE_TIER), TIER_REGULAR);
    house_close(h);
}

/* --- occupancy --- */

static enum err move_in(struct house *h, int64_t person, int64_t space, const char *from,
                        const char *to)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, OC_PERSON, v_int(person));
    row_put(&row, OC_SPACE, v_int(space));
    row_put(&row, OC_RELATION, v_int(REL_TENANT));
    row_put(&row, OC_FROM, v_text(str_of(from)));
    if (to)
        row_put(&row, OC_TO, v_text(str_of(to)));
    return house_insert(h, &res_occupancy, &row);
}

static void test_occupancy(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t me = h->person[AS_RESIDENT];
    struct row parking = {0};
    row_put(&parking, R_COMMUNITY, v_int(h->a));
    row_put(&parking, SP_KIND, v_int(SP_PARKING));
    row_put(&parking, SP_NAME, v_lit("B1-07"));
    house_ok(h, house_insert(h, &res_space, &parking));
    const struct {
        int64_t person, space;
        const char *from, *to, *field, *code; /* field NULL: fine */
    } cases[] = {
        {me, h->unit2, "2026-01-01", NULL, NULL, NULL},
        {me, h->unit2, "2026-01-01", "2026-01-01", NULL, NULL},
        {me, h->unit2, "2026-01-02", "2026-01-01", "to_date", "order"},
        {me, row_int(&parking, R_ID), "2026-01-01", NULL, NULL, NULL},
        {me, h->building, "2026-01-01", NULL, "space_id", "kind"},
        {me, h->entrance, "2026-01-01", NULL, "space_id", "kind"},
        {me, h->corridor, "2026-01-01", NULL, "space_id", "kind"},
        {me, h->unit_b, "2026-01-01", NULL, "space_id", "ref"},
        {h->person[AS_RESIDENT_B], h->unit2, "2026-01-01", NULL, "person_id", "ref"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum err e = move_in(h, cases[i].person, cases[i].space, cases[i].from, cases[i].to);
        assert_int_equal(e, cases[i].field ? E_INVALID : E_OK);
        assert_true(!cases[i].field || house_told(&h->c, cases[i].field, cases[i].code));
    }
    house_close(h);
}

struct ask {
    const struct query *q;
    struct val in[3];
    size_t n;
};

static enum err count_rows(struct ctx *c, struct tx *tx, void *arg)
{
    struct ask *a = arg;
    struct rows rows;
    TRY(q_rows(c, tx, a->q, a->in, 3, 100, &rows));
    a->n = rows.n;
    return E_OK;
}

static size_t rows_of(struct house *h, const struct query *q, int64_t one, int64_t two,
                      const char *day)
{
    struct ask a = {.q = q, .in = {v_int(one), v_int(two), v_text(str_of(day))}};
    house_ok(h, db_read(h->app.db, house_as(h, AS_SYSTEM), count_rows, &a));
    return a.n;
}

/* Who lives where on a day: the first and the last day count. */
static void test_today(void **state)
{
    (void)state;
    static const struct {
        const char *day;
        size_t lives;
    } cases[] = {{"2026-03-09", 0},
                 {"2026-03-10", 1},
                 {"2026-03-15", 1},
                 {"2026-03-20", 1},
                 {"2026-03-21", 0}};
    struct house *h = house_open();
    int64_t id;
    house_ok(h, add_person(h, h->a, "租客", NULL, &id));
    house_ok(h, move_in(h, id, h->unit2, "2026-03-10", "2026-03-20"));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(rows_of(h, &Q_PERSON_SPACES, id, h->a, cases[i].day), cases[i].lives);
        assert_int_equal(rows_of(h, &Q_SPACE_PERSONS, h->a, h->unit2, cases[i].day),
                         1 + cases[i].lives); /* and the owner, all the time */
    }
    assert_int_equal(rows_of(h, &Q_PERSON_SPACES, id, h->b, "2026-03-15"), 0);
    house_sql(h, "UPDATE occupancy SET archived = 1");
    assert_int_equal(rows_of(h, &Q_SPACE_PERSONS, h->a, h->unit2, "2026-03-15"), 0);
    house_close(h);
}

/* --- likely duplicates --- */

static enum err ask_duplicates(struct ctx *c, struct tx *tx, void *arg)
{
    struct req *q = arg;
    q->tx = tx;
    buf_init(&q->out, c->mem, 64 << 10);
    return q->route->run(c, q);
}

static enum err duplicates(struct house *h, enum as as, size_t *ret)
{
    struct ctx *c = house_as(h, as);
    struct http_req http = {.mem = c->mem,
                            .query = arena_fmt(c->mem, "community_id=%lld", (long long)h->a)};
    struct req q = {.app = &h->app, .h = &http};
    const struct json *j;
    bool known;
    q.route = route_find(S("GET"), S("/api/v1/people/duplicates"), &q, &known);
    assert_non_null(q.route);
    TRY(db_read(h->app.db, c, ask_duplicates, &q));
    TRY(json_parse(c, buf_str(&q.out), &j));
    *ret = json_count(json_get(j, "items"));
    return E_OK;
}

static void test_duplicates(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id;
    size_t n = 99;
    house_ok(h, duplicates(h, AS_DESK, &n));
    assert_int_equal(n, 0);
    house_ok(h, add_person(h, h->a, "王\"芳\"", "13900000001", &id));
    house_ok(h, add_person(h, h->a, "王强", "13900000001", &id));
    house_ok(h, add_person(h, h->b, "王刚", "13900000001", &id));
    house_ok(h, duplicates(h, AS_DESK, &n));
    assert_int_equal(n, 1);
    /* one plate, written in two ways */
    static const char *const plates[] = {"苏P·M5071", "苏p-m5071"};
    for (size_t i = 0; i < COUNT_OF(plates); i++) {
        struct row row = {0};
        house_ok(h, add_person(h, h->a, i ? "车主甲" : "车主乙", NULL, &id));
        row_put(&row, R_COMMUNITY, v_int(h->a));
        row_put(&row, ID_PERSON, v_int(id));
        row_put(&row, ID_KIND, v_int(1));
        row_put(&row, ID_VALUE, v_text(str_of(plates[i])));
        house_ok(h, house_insert(h, &res_identity, &row));
    }
    house_ok(h, duplicates(h, AS_DESK, &n));
    assert_int_equal(n, 2);
    static const enum as strangers[] = {AS_CASHIER, AS_WORKER, AS_RESIDENT, AS_MANAGER_B, AS_ADMIN};
    for (size_t i = 0; i < COUNT_OF(strangers); i++)
        assert_int_equal(duplicates(h, strangers[i], &n), E_MISSING);
    house_close(h);
}

/* --- documents --- */

static void test_check_digits(void **state)
{
    (void)state;
    struct arena *mem = arena_new(ARENA_REQUEST_BYTES);
    FILE *f = fopen("test/data/idnum/id_numbers.csv", "r");
    char line[200];
    int n = 0;
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    while (fgets(line, sizeof line, f)) {
        struct str rest = str_of(line), kind = str_next(&rest, ','), value = str_next(&rest, ','),
                   expected = str_next(&rest, ',');
        bool good = str_eqz(kind, "ric") ? idcard_valid(value) : credit_code_valid(value);
        if (good != str_eqz(expected, "accept"))
            fail_msg("%s", line);
        n++;
    }
    fclose(f);
    assert_true(n >= 69);
    /* one for every check value; and what the standards and the trade call wrong */
    static const char *const last[] = {"0090", "0031", "0082", "0023", "0074", "0015",
                                       "0066", "0197", "0058", "0189", "004X"};
    for (size_t i = 0; i < COUNT_OF(last); i++)
        assert_true(idcard_valid(arena_fmt(mem, "11010119900101%s", last[i])));
    static const char *const wrong[] = {"110105194912310021", "110101202501010011",
                                        "11010519491331002X", "99010119900101004X"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_false(idcard_valid(str_of(wrong[i])));
    static const char *const codes[] = {"91350100M000100Y43", "91110108551385082Q",
                                        "9144030071526726XG", "91330100799655058B"};
    for (size_t i = 0; i < COUNT_OF(codes); i++)
        assert_true(credit_code_valid(str_of(codes[i])));
    static const char *const fakes[] = {"91350100M000100Y4Z", "91310115MA1H8R7C6D",
                                        "91310115MA1G4L1WXK"};
    for (size_t i = 0; i < COUNT_OF(fakes); i++)
        assert_false(credit_code_valid(str_of(fakes[i])));
    arena_free(mem);
}

#define CARD "11010519491231002X"

static enum err give_card(struct house *h, int64_t person, const char *number)
{
    struct row row = {0};
    row_put(&row, PE_ID_NUMBER, v_text(str_of(number)));
    return house_change(h, &res_person, person, &row);
}

/* What is stored is no number; it comes back masked, is found whole, and moved to another row it
 * does not open. */
static void test_id_number(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct row row;
    int64_t id = h->person[AS_RESIDENT], other = h->person[AS_RESIDENT2];
    assert_int_equal(give_card(h, id, "110105194912310021"), E_INVALID);
    assert_true(house_told(&h->c, "id_number", "format"));
    house_as(h, AS_SYSTEM);
    house_ok(h, give_card(h, id, "11010519491231002x")); /* T-97a; x is kept as X */
    house_ok(h, house_load(h, &res_person, id, &row));
    assert_int_equal(str_find(row_str(&row, PE_ID_NUMBER), S("1949")), -1);
    assert_int_equal(row_str(&row, PE_ID_INDEX).n, 64);
    struct ctx desk = house_ctx(h, AS_DESK);
    assert_true(str_eqz(val_str(row_shown(&desk, &res_person, &row, PE_ID_NUMBER, false)),
                        "110***********002X"));
    assert_true(str_eqz(val_str(row_shown(&desk, &res_person, &row, PE_ID_NUMBER, true)), CARD));
    struct row moved = row;
    moved.v[R_ID] = v_int(other);
    assert_int_equal(row_shown(&desk, &res_person, &moved, PE_ID_NUMBER, true).s.n, 0);
    struct str index[KEYS_MAX];
    assert_int_equal(encrypted_find(&desk, &res_person, PE_ID_NUMBER, h->a, S(CARD), index), 1);
    assert_true(str_eq(index[0], row_str(&row, PE_ID_INDEX)));
    assert_int_equal(encrypted_find(&desk, &res_person, PE_ID_NUMBER, h->b, S(CARD), index), 1);
    assert_false(str_eq(index[0], row_str(&row, PE_ID_INDEX))); /* communities do not match up */
    assert_int_equal(give_card(h, other, CARD), E_INVALID);     /* one person, one number */
    assert_true(house_told(&h->c, "id_number", "unique"));
    house_as(h, AS_SYSTEM);
    struct row note = {0};
    row_put(&note, PE_NOTE, v_lit("x"));
    house_ok(h, house_change(h, &res_person, id, &note)); /* another change leaves the box alone */
    house_ok(h, house_load(h, &res_person, id, &moved));
    assert_true(str_eq(row_str(&moved, PE_ID_NUMBER), row_str(&row, PE_ID_NUMBER)));
    arena_free(desk.mem);
    house_close(h);
}

/* --- plates --- */

static void test_identity_key(void **state)
{
    (void)state;
    static const char *const ways[] = {"苏P·M5071", "苏PM5071",   "苏p·m5071", " 苏P-M 5071",
                                       "苏P.M5071", "苏P・M5071", "苏P•m5071", "苏PM5071"};
    struct arena *a = arena_new(1 << 16);
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        struct str key = identity_key(a, str_of(ways[i]));
        if (!str_eqz(key, "苏PM5071"))
            fail_msg("%s is looked for as " PRS, ways[i], PRA(key));
    }
    assert_true(str_eqz(identity_key(a, S("wx_abc。1")), "WX_ABC1"));
    assert_int_equal(identity_key(a, S(" ·- ")).n, 0);
    assert_int_equal(identity_key(a, (struct str){0}).n, 0);
    arena_free(a);
}

static enum err fill_keys(struct ctx *c, struct tx *tx, void *arg)
{
    (void)arg;
    return people_module.fixups[0].run(c, tx);
}

/* Every way in writes the key; a database from before gets it at its next start, however many. */
static void test_keys_come(void **state)
{
    enum { MANY = 1100 };
    (void)state;
    struct house *h = house_open();
    struct row row = {0}, changed = {0};
    house_as(h, AS_SYSTEM);
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, ID_PERSON, v_int(h->person[AS_RESIDENT]));
    row_put(&row, ID_KIND, v_int(1));
    row_put(&row, ID_VALUE, v_lit("苏P·M5071"));
    house_ok(h, house_insert(h, &res_identity, &row));
    assert_true(str_eqz(row_str(&row, ID_KEY), "苏PM5071"));
    row_put(&changed, ID_VALUE, v_lit("苏P·D12345"));
    house_ok(h, house_change(h, &res_identity, row_int(&row, R_ID), &changed));
    assert_int_equal(house_number(h, "SELECT count(*) FROM person_identity WHERE value_key = "
                                     "'苏PD12345'"),
                     1);
    for (int i = 1; i < MANY; i++) {
        struct row more = {0};
        row_put(&more, R_COMMUNITY, v_int(h->a));
        row_put(&more, ID_PERSON, v_int(h->person[AS_RESIDENT]));
        row_put(&more, ID_KIND, v_int(2));
        row_put(&more, ID_VALUE, v_text(arena_fmt(h->c.mem, "card-%04d", i)));
        house_ok(h, house_insert(h, &res_identity, &more));
    }
    house_sql(h, "UPDATE person_identity SET value_key = NULL");
    house_ok(h, db_write(h->app.db, &h->c, fill_keys, NULL));
    assert_int_equal(
        house_number(h, "SELECT count(*) FROM person_identity WHERE value_key IS NULL"), 0);
    assert_int_equal(house_number(h, "SELECT count(*) FROM person_identity WHERE value_key LIKE "
                                     "'CARD____'"),
                     MANY - 1);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twins),      cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_occupancy),  cmocka_unit_test(test_today),
        cmocka_unit_test(test_duplicates), cmocka_unit_test(test_check_digits),
        cmocka_unit_test(test_id_number),  cmocka_unit_test(test_identity_key),
        cmocka_unit_test(test_keys_come)};
    return HOUSE_RUN(tests);
}
