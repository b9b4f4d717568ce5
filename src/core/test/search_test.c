/* search_test.c - the word index: what is a word, that a row is found from the moment it is written
 * until it says something else, that the index and the rows themselves give one answer, and that
 * nothing is found by whoever may not see it. */
#include "../test/lib/house.h"

#include "core/search.h"

/* --- words --- */

static void test_words(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words, *asked;
    } cases[] = {
        {"漏水", "水 漏 漏水", "漏水"},
        {"水", "水", "水"},
        {"3号楼电梯", "3 3号 _3 号 号楼 梯 楼 楼电 电 电梯", "3 3号 号楼 楼电 电梯"},
        {"5栋2", "2 5 5栋 _2 _5 栋 栋2", "5 5栋 栋 _2"},
        {"5栋 2单", "2 2单 5 5栋 _2 _5 单 栋", "5 5栋 栋 2 2单 单"},
        {"KR-2026-0012", "0012 12 2026 _0 _00 _001 _1 _12 _2 _20 _202 _k _kr kr", "kr 2026 0012*"},
        {"电梯，电梯！", "梯 电 电梯", "电梯 电梯"},
        {"Lift (B1)", "_b _b1 _l _li _lif b1 lift", "lift b1"},
        {"lift b1", "_b _b1 _l _li _lif b1 lift", "lift _b1"},
        {"Ün", "_Ü _Ün Ün", "_Ün"},
        {"。、 ，-", "", ""},
        {"0", "0 _0", "_0"},
        {"😀漏😀水", "水 漏", "漏 水"},
        {"", "", ""}};
    struct arena *a = arena_new(ARENA_REPORT_BYTES);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str text = str_of(cases[i].text);
        struct word w[GRAMS_ASKED_MAX];
        struct buf asked;
        size_t n = grams_ask(a, text, w);
        buf_init(&asked, a, 4000);
        for (size_t k = 0; k < n; k++)
            buf_fmt(&asked, "%s" PRS "%s", k ? " " : "", PRA(w[k].text), w[k].begins ? "*" : "");
        assert_string_equal(str_z(a, grams_of(a, &text, 1)), cases[i].words);
        assert_string_equal(str_z(a, buf_str(&asked)), cases[i].asked);
    }
    arena_free(a);
}

/* --- rows --- */

struct found {
    const struct resource *r;
    struct list_spec spec;
    enum list_by by;
    struct row *rows;
    size_t n;
};
#define AS_PLANNED ((enum list_by)(BY_FRESH + 1))

static enum err find_run(struct ctx *c, struct tx *tx, void *arg)
{
    struct found *f = arg;
    struct str next;
    TRY(search_plan(c, tx, rt_of(f->r), &f->spec));
    if (f->by != AS_PLANNED)
        f->spec.by = f->by;
    return list_run(c, tx, rt_of(f->r), &f->spec, &f->rows, &f->n, &next);
}

static struct found find(struct house *h, const struct resource *r, const char *q, enum list_by by)
{
    struct found f = {.r = r, .by = by};
    f.spec = (struct list_spec){
        .community_id = h->a, .sort = R_ID, .desc = true, .limit = 50, .q = str_of(q)};
    house_ok(h, db_read(h->app.db, &h->c, find_run, &f));
    return f;
}

static size_t count(struct house *h, const char *q)
{
    struct found f = find(h, &res_ticket, q, AS_PLANNED);
    assert_int_equal(f.spec.by, BY_HIT);
    return f.n;
}

static void settle(struct house *h)
{
    house_ok(h, search_settle(&h->c, &h->app));
    assert_int_equal(house_number(h, "SELECT count(*) FROM search_doc WHERE stale <> 0"), 0);
}

static int64_t said(struct house *h, const char *title, const char *detail)
{
    struct row neu = {0};
    int64_t id = house_ticket(h, KIND_REPAIR);
    house_as(h, AS_DESK);
    row_put(&neu, T_TITLE, v_text(str_of(title)));
    row_put(&neu, T_DETAIL, v_text(str_of(detail)));
    house_ok(h, house_change(h, &res_ticket, id, &neu));
    return id;
}

static void test_found_at_once_and_later(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = said(h, "地下车库渗水", "B2 靠近 3 号门,水从顶上滴下来");
    for (int later = 0; later < 2; later++) {
        assert_int_equal(count(h, "渗水"), 1);
        assert_int_equal(count(h, "车库渗"), 1);
        assert_int_equal(count(h, "渗"), 1);
        assert_int_equal(count(h, "滴下"), 1); /* in the detail */
        assert_int_equal(count(h, "车库 b2"), 1);
        assert_int_equal(count(h, "库车"), 0);
        assert_int_equal(count(h, "车库 电梯"), 0);
        settle(h);
    }
    struct row neu = {0};
    row_put(&neu, T_TITLE, v_lit("地下车库照明"));
    house_ok(h, house_change(h, &res_ticket, id, &neu));
    for (int later = 0; later < 2; later++) {
        assert_int_equal(count(h, "渗水"), 0);
        assert_int_equal(count(h, "照明"), 1);
        settle(h);
    }
    house_sql(h, "UPDATE ticket SET title = 'x', detail = NULL");
    char sql[100];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM search_doc WHERE grams IS NULL AND id = %lld",
             (long long)id);
    assert_int_equal(house_number(h, sql), 0);
    house_close(h);
}

/* A clerk says what and where in one breath; where is another row, and may be renamed. */
static void test_found_by_its_place(void **state)
{
    (void)state;
    struct house *h = house_open();
    struct row name = {0};
    (void)said(h, "厨房漏水", ""); /* at the resident's unit */
    row_put(&name, SP_NAME, v_lit("北斗阁"));
    house_as(h, AS_MANAGER);
    house_ok(h, house_change(h, &res_space, h->building, &name));
    house_as(h, AS_DESK);
    for (int later = 0; later < 2; later++) {
        assert_int_equal(count(h, "漏水 北斗阁"), 1);
        assert_int_equal(count(h, "北斗阁漏水"), 0); /* one word stands in one text */
        assert_int_equal(find(h, &res_ticket, "北斗 厨房", BY_ROWS).n, 1);
        settle(h);
    }
    row_put(&name, SP_NAME, v_lit("南星楼"));
    house_as(h, AS_MANAGER);
    house_ok(h, house_change(h, &res_space, h->building, &name));
    house_as(h, AS_DESK);
    for (int later = 0; later < 2; later++) {
        assert_int_equal(count(h, "漏水 北斗阁"), 0);
        assert_int_equal(count(h, "漏水 南星楼"), 1);
        settle(h);
    }
    house_close(h);
}

/* What was done is asked for as often as what was wrong. */
static void test_found_by_its_result(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = house_ticket_in(h, KIND_REPAIR, IN_PROGRESS);
    settle(h);
    house_do_with(h, AS_WORKER, id, "finish", "{\"result\":\"换了孔雀牌阀芯\"}");
    house_as(h, AS_DESK);
    for (int later = 0; later < 2; later++) {
        assert_int_equal(count(h, "孔雀"), 1);
        settle(h);
    }
    house_close(h);
}

static enum err forget(struct ctx *c, struct tx *tx, void *arg)
{
    return res_words_forget(c, tx, *(int64_t *)arg);
}

static void test_forgotten(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t id = said(h, "王五家的狗", "");
    settle(h);
    house_ok(h, db_write(h->app.db, &h->c, forget, &id));
    char sql[100];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM search_doc WHERE grams IS NULL AND id = %lld",
             (long long)id);
    assert_int_equal(house_number(h, sql), 1); /* at once, not when the index is next made */
    house_close(h);
}

static void test_one_answer_however_asked(void **state)
{
    (void)state;
    static const char *const titles[] = {"水管漏水", "漏水水管", "电梯困人", "电梯 异响", "Lift B1",
                                         "灯不亮",   "水",       "100% 湿",  "门_禁"};
    static const char *const asked[] = {"水管",      "漏水",           "管漏水", "水",   "电梯",
                                        "电梯 困人", "lift",           "b",      "100%", "门_禁",
                                        "困人 电",   "电梯\u3000困人", "没有的"};
    static const enum list_by ways[] = {BY_ROWS, BY_FEW, BY_HIT};
    struct house *h = house_open();
    for (size_t i = 0; i < COUNT_OF(titles); i++)
        (void)said(h, titles[i], "");
    settle(h);
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        struct found first = find(h, &res_ticket, asked[i], BY_ROWS);
        for (size_t k = 1; k < COUNT_OF(ways); k++) {
            struct found f = find(h, &res_ticket, asked[i], ways[k]);
            if (f.n != first.n)
                print_error("%s: %zu by rows, %zu by way %zu\n", asked[i], first.n, f.n, k);
            assert_int_equal(f.n, first.n);
            for (size_t x = 0; x < f.n; x++)
                assert_int_equal(row_int(&f.rows[x], R_ID), row_int(&first.rows[x], R_ID));
        }
    }
    house_close(h);
}

static enum err page_run(struct ctx *c, struct tx *tx, void *arg)
{
    struct found *f = arg;
    TRY(search_plan(c, tx, rt_of(f->r), &f->spec));
    return list_run(c, tx, rt_of(f->r), &f->spec, &f->rows, &f->n, &f->spec.after);
}

/* Some in the index, some stale, some both: each comes once, the newest first, however long a page.
 */
static void test_pages(void **state)
{
    (void)state;
    struct house *h = house_open();
    int64_t ids[20];
    static char detail[9900 * 3 + 1]; /* long ones end a page early */
    for (size_t i = 0; i < sizeof detail - 1; i += 6)
        memcpy(detail + i, "电梯", 6);
    for (int i = 0; i < 20; i++) {
        ids[i] = said(h, i % 3 ? "电梯异响" : "水管漏水", detail);
        if (i == 6 || i == 16)
            settle(h);
    }
    struct row neu = {0};
    row_put(&neu, T_TITLE, v_lit("电梯停了"));
    house_ok(h, house_change(h, &res_ticket, ids[0], &neu)); /* both */
    for (int limit = 1; limit <= 21; limit++) {
        struct found f = {.r = &res_ticket};
        int seen = 20;
        f.spec = (struct list_spec){
            .community_id = h->a, .sort = R_ID, .desc = true, .limit = limit, .q = S("电梯")};
        do {
            house_ok(h, db_read(h->app.db, &h->c, page_run, &f));
            assert_true(f.n > 0 && f.n <= (size_t)limit);
            for (size_t i = 0; i < f.n; i++)
                assert_int_equal(row_int(&f.rows[i], R_ID), ids[--seen]);
        } while (f.spec.after.n);
        assert_int_equal(seen, 0);
    }
    house_close(h);
}

/* --- sight --- */

static void test_only_ones_own(void **state)
{
    (void)state;
    struct house *h = house_open();
    (void)said(h, "顶楼漏水", "");
    settle(h);
    struct found f = {.r = &res_ticket, .by = AS_PLANNED};
    f.spec = (struct list_spec){
        .community_id = h->b, .sort = R_ID, .desc = true, .limit = 50, .q = S("漏水")};
    house_as(h, AS_DESK_B);
    house_ok(h, db_read(h->app.db, &h->c, find_run, &f));
    assert_int_equal(f.n, 0);
    house_as(h, AS_WORKER); /* nobody gave him this one */
    struct found own = find(h, &res_ticket, "漏水", AS_PLANNED);
    assert_int_equal(own.n, 0);
    assert_int_equal(own.spec.by, BY_ROWS); /* he has few of his own */
    house_as(h, AS_MANAGER);
    assert_int_equal(find(h, &res_ticket, "漏水", AS_PLANNED).n, 1);
    /* A phone number is asked of the rows, where it is masked for whoever may not read it. */
    house_as(h, AS_SYSTEM);
    assert_int_equal(find(h, &res_person, "138", AS_PLANNED).spec.by, BY_ROWS);
    house_close(h);
}

/* --- plans --- */

static enum err explain(struct ctx *c, struct tx *tx, void *arg)
{
    struct found *f = arg;
    struct sql_args args;
    const struct query *q;
    int64_t before = INT64_MAX;
    bool last;
    TRY(search_window(c, tx, rt_of(f->r), &f->spec, 50, &before, &last));
    return list_query(c, tx_db(tx), rt_of(f->r), &f->spec, false, &args, &q);
}

static void test_asks_the_index(void **state)
{
    (void)state;
    struct house *h = house_open();
    (void)said(h, "顶楼漏水", "");
    settle(h);
    for (enum list_by by = BY_FEW; by <= BY_HIT; by++) {
        struct found f = find(h, &res_ticket, "漏水", by);
        struct sql_args args;
        const struct query *q;
        struct str plan;
        house_ok(h, db_read(h->app.db, &h->c, explain, &f));
        house_ok(h, list_query(&h->c, h->app.db, rt_of(f.r), &f.spec, false, &args, &q));
        house_ok(h, db_explain(h->app.db, &h->c, q, args.v, args.n, &plan));
        if (!house_pg && str_find(plan, S("search_doc_words VIRTUAL TABLE INDEX")) < 0)
            fail_msg("%s\n" PRS, q->sql, PRA(plan));
        if (!house_pg && by == BY_HIT && str_find(plan, S("TEMP B-TREE")) >= 0)
            fail_msg("sorts: " PRS, PRA(plan)); /* hit by hit means: the newest come first */
    }
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words),
                                       cmocka_unit_test(test_found_at_once_and_later),
                                       cmocka_unit_test(test_found_by_its_place),
                                       cmocka_unit_test(test_found_by_its_result),
                                       cmocka_unit_test(test_forgotten),
                                       cmocka_unit_test(test_one_answer_however_asked),
                                       cmocka_unit_test(test_pages),
                                       cmocka_unit_test(test_only_ones_own),
                                       cmocka_unit_test(test_asks_the_index)};
    return HOUSE_RUN(tests);
}
