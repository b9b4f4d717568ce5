/* import_test.c - a city's log becomes tickets: every row arrives with its times, the product's own
 * late flag is the city's, no byte is lost; what is broken is named by row and loads nothing. */
#include "../test/lib/house.h"

#define CITY "test/data/boston311/"

static struct str text_of_file(struct house *h, const char *path)
{
    static char text[512 << 10];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    return str_dup(h->mem, (struct str){text, n});
}

static struct import_report load(struct house *h, struct str csv, bool dry)
{
    struct import_report rep;
    struct str map = text_of_file(h, "src/rooms/service/boston311.map.json");
    house_as(h, AS_SYSTEM);
    house_ok(h, ticket_import(&h->c, &h->app, h->a, csv, map, dry, &rep));
    return rep;
}

static enum err each(struct ctx *c, const struct val *v, int ncol, void *arg)
{
    const struct json *rest, *city;
    int *judged = arg;
    assert_int_equal(ncol, 3);
    assert_int_equal(json_parse(c, val_str(v[0]), &rest), E_OK);
    city = json_get(rest, "ontime");
    assert_non_null(city); /* no target takes the city's verdict: it is in rest */
    assert_int_equal(val_int(v[1]), str_eqz(json_str(city), "OVERDUE"));
    assert_true(val_int(v[2]) > 0);
    ++*judged;
    return E_OK;
}

static enum err judge(struct ctx *c, struct tx *tx, void *arg)
{
    /* a row without a target of the city's gets the house's own and no verdict of the city */
    static const struct query q = {"test.judge",
                                   "SELECT rest, resolve_breached, resolve_due FROM ticket WHERE "
                                   "state = 8 AND rest LIKE '%\"target_dt\":\"2%'"};
    return q_each(c, tx, &q, IN0, each, arg);
}

static void test_city(void **state)
{
    (void)state;
    struct house *h = house_open();
    int judged = 0;
    struct import_report rep = load(h, text_of_file(h, CITY "boston311-100.csv"), true);
    assert_int_equal(rep.rows, 100);
    assert_int_equal(rep.loaded, 0);
    assert_int_equal(house_number(h, "SELECT count(*) FROM ticket"), 0);
    rep = load(h, text_of_file(h, CITY "boston311-100.csv"), false);
    assert_int_equal(rep.errors.failed, 0);
    assert_int_equal(rep.loaded, 100);
    assert_int_equal(house_number(h, "SELECT count(*) FROM ticket"), 100);
    house_ok(h, db_read(h->app.db, &h->c, judge, &judged));
    assert_int_equal(judged, 77);
    assert_int_equal(
        house_number(h, "SELECT count(*) FROM ticket WHERE state = 8 AND (answer <> result OR "
                        "informed_at <> closed_at OR resolved_at <> closed_at OR "
                        "responded_at <> closed_at OR answer_channel <> 12)"),
        0);
    assert_int_equal(house_number(h, "SELECT count(*) FROM event WHERE topic = 'ticket.created'"),
                     100);
    assert_int_equal(house_number(h, "SELECT count(*) FROM ticket WHERE handbook_page_id IS NOT "
                                     "NULL"),
                     0); /* worked by other rules */
    assert_int_equal(house_number(h, "SELECT count(*) FROM ticket WHERE code LIKE 'WX-2022-%'"),
                     100);
    rep = load(h, text_of_file(h, CITY "boston311-100.csv"),
               false); /* again: every one is there already */
    assert_int_equal(rep.errors.failed, 100);
    assert_int_equal(house_number(h, "SELECT count(*) FROM ticket"), 100);
    house_close(h);
}

static void test_broken(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct import_report rep = load(h, text_of_file(h, CITY "boston311-100-bad.tsv"), false);
    assert_true(rep.errors.failed > 0);
    assert_int_equal(rep.errors.v[0].row, 41);
    assert_string_equal(rep.errors.v[0].fields[0].code, "columns");
    assert_int_equal(rep.loaded, 0);
    assert_int_equal(house_number(h, "SELECT count(*) FROM ticket"), 0);
    house_close(h);
}

static void test_bytes(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct import_report rep = load(h, text_of_file(h, CITY "boston311-100-with-nonascii.csv"),
                                    false);
    assert_int_equal(rep.loaded, 100);
    assert_int_equal(
        house_number(
            h, "SELECT count(*) FROM ticket WHERE result LIKE '%Dëad%' OR rest LIKE '%Dëad%'"),
        1);
    assert_true(house_number(h, "SELECT count(*) FROM ticket WHERE address LIKE '%Sàratoga%'") >=
                1);
    house_close(h);
}

#define HEAD                                                                                       \
    "case_enquiry_id,open_dt,target_dt,closed_dt,case_status,closure_reason,case_title,subject,"   \
    "reason,type,source,location,neighborhood\n"

static void test_reasons(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct import_report rep =
        load(h,
             S(HEAD "1,2022-01-01 10:00:00,,2022-01-02 10:00:00,Closed,,A,s,r,t,x,l,n\n"
                    "2,2022-01-01 10:00:00,,,Closed,done,B,s,r,t,x,l,n\n"
                    "3,2022-01-01 10:00:00,,,Open,,C,s,r,t,x,l,n\n"
                    "3,2022-01-01 10:00:00,,,Open,,D,s,r,t,x,l,n\n"
                    "5,,,,Open,,E,s,r,t,x,l,n\n"
                    "6,2022-01-03 10:00:00,,2022-01-02 10:00:00,Closed,done,F,s,r,t,x,l,n\n"),
             false);
    static const struct {
        int64_t row;
        const char *field;
    } want[] = {
        {2, "result"}, {3, "closed_at"}, {5, "external_id"}, {6, "created_at"}, {7, "closed_at"}};
    struct buf b;
    const struct json *j;
    buf_init(&b, h->mem, 1 << 16);
    row_errors_json(&rep.errors, &b);
    house_ok(h, json_parse(&h->c, buf_str(&b), &j));
    assert_int_equal(rep.rows, 6);
    assert_int_equal(json_count(j), COUNT_OF(want));
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        assert_int_equal(json_int(json_get(json_at(j, i), "row")), want[i].row);
        assert_true(
            str_eqz(json_str(json_get(json_at(json_get(json_at(j, i), "fields"), 0), "field")),
                    want[i].field));
    }
    assert_int_equal(house_number(h, "SELECT count(*) FROM ticket"), 0);
    house_close(h);
}

/* A category of another kind is dropped, not the request; one that fits stays. */
static void test_category_dropped(void **state)
{
    (void)state;
    struct house *h = house_open();
    for (int kind = KIND_REPAIR; kind <= KIND_COMPLAINT; kind++) {
        struct import_report rep;
        struct str id = arena_fmt(h->mem,
                                  "SELECT min(id) FROM category WHERE kind = %d AND community_id = "
                                  "%lld",
                                  kind, (long long)h->a),
                   map = arena_fmt(h->mem,
                                   "{\"columns\":{\"title\":{\"from\":\"t\"},\"kind\":{\"value\":"
                                   "\"repair\"},\"channel\":{\"value\":\"other\"},\"created_at\":{"
                                   "\"from\":\"at\"},\"category_id\":{\"value\":\"%lld\"}}}",
                                   (long long)house_number(h, id.p));
        house_as(h, AS_SYSTEM);
        house_ok(h, ticket_import(&h->c, &h->app, h->a, S("t,at\nA,2026-01-05T10:00:00+08:00\n"),
                                  map, false, &rep));
        assert_int_equal(rep.loaded, 1);
        assert_int_equal(house_number(h, "SELECT count(*) FROM ticket WHERE category_id IS NULL"),
                         kind == KIND_COMPLAINT);
    }
    assert_int_equal(house_number(h, "SELECT count(*) FROM ticket"), 2);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_city), cmocka_unit_test(test_broken),
                                       cmocka_unit_test(test_bytes), cmocka_unit_test(test_reasons),
                                       cmocka_unit_test(test_category_dropped)};
    return HOUSE_RUN(tests);
}
