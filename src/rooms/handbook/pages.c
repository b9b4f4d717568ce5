/* pages.c - the pages of the service handbook (G3.1): per kind of request, or per category, who is
 * responsible, which steps are taken, by which standard. A row is one version. What was in force is
 * never changed again, because tickets and confirmations name it: a change is a new version. No
 * minute stands here: limits are read from the policy rows when a page is shown. */
#include "core/event.h"
#include "rooms/handbook/room.h"

enum { STEPS_MAX = 50, EDITIONS_MAX = 100, TURNS_MAX = 200 };

static const struct choice page_states[] = {
    {PAGE_DRAFT, "draft", {"草稿", "Draft"}, "amber"},
    {PAGE_IN_FORCE, "in_force", {"生效", "In force"}, "green"},
    {PAGE_WITHDRAWN, "withdrawn", {"已废止", "Withdrawn"}, "grey"},
    {0}};
static const struct field page_fields[HP__N] = {
    STANDARD_FIELDS,
    [HP_KIND] = {"kind", F_ENUM, REQUIRED | CREATE_ONLY | FILTER | LIST, .choices = ticket_kinds,
                 .label = {"类别", "Kind"}},
    [HP_CATEGORY] = {"category_id", F_REF, CREATE_ONLY | FILTER | LIST, .ref = "categories",
                     .label = {"分类", "Category"}, .help = {"留空:所有分类", "empty: all"}},
    [HP_EDITION] = {"edition", F_INT, SERVER_SET | LIST, .label = {"版本", "Version"}},
    [HP_TITLE] = {"title", F_TEXT, REQUIRED | SEARCH | LIST, 1, 60, .label = {"标题", "Title"}},
    [HP_TITLE_EN] = {"title_en", F_TEXT, SEARCH, 0, 80, .label = {"英文标题", "English title"}},
    [HP_POST] = {"post_id", F_REF, FILTER | LIST, .ref = "posts",
                 .label = {"责任岗位", "Duty post"},
                 .help = {"这个岗位的员工都要阅读并确认",
                          "everybody of this post reads and confirms"}},
    [HP_PURPOSE] = {"purpose", F_LONGTEXT, 0, 0, 1000, .label = {"目的", "Purpose"}},
    [HP_PURPOSE_EN] = {"purpose_en", F_LONGTEXT, 0, 0, 2000,
                       .label = {"英文目的", "English purpose"}},
    [HP_STATE] = {"state", F_ENUM, SERVER_SET | FILTER | LIST, .choices = page_states,
                  .label = {"状态", "State"}},
    [HP_FROM] = {"effective_from", F_DATE, SERVER_SET | LIST, .label = {"生效日", "In force from"}},
    [HP_ENDED] = {"withdrawn_at", F_INSTANT, SERVER_SET, .label = {"废止时间", "Withdrawn at"}},
};
static const struct index page_indexes[] = {
    {"handbook_page_edition", "community_id, kind, COALESCE(category_id, 0), edition",
     "archived = 0", true},
    {"handbook_page_draft", "community_id, kind, COALESCE(category_id, 0)",
     "state = 1 AND archived = 0", true},
    {"handbook_page_in_force", "kind, community_id", "state = 2 AND archived = 0", false}};
static const struct field step_fields[HS__N] = {
    STANDARD_FIELDS,
    [HS_PAGE] = {"page_id", F_REF, REQUIRED | CREATE_ONLY | FILTER | LIST | INDEXED,
                 .ref = "handbook-pages", .label = {"手册页", "Page"}},
    [HS_POSITION] = {"position", F_INT, REQUIRED | LIST, 1, 999, .label = {"顺序", "Order"}},
    [HS_NAME] = {"name", F_TEXT, REQUIRED | LIST, 1, 30, .label = {"步骤", "Step"}},
    [HS_NAME_EN] = {"name_en", F_TEXT, 0, 0, 60, .label = {"英文名", "English name"}},
    [HS_POST] = {"post_id", F_REF, LIST, .ref = "posts", .label = {"责任岗位", "Post"}},
    [HS_WHAT] = {"what", F_LONGTEXT, 0, 0, 500, .label = {"做什么", "What is done"}},
    [HS_WHAT_EN] = {"what_en", F_LONGTEXT, 0, 0, 1000,
                    .label = {"做什么(英文)", "What is done, English"}},
    [HS_STANDARD] = {"standard", F_LONGTEXT, 0, 0, 500,
                     .label = {"标准与凭证", "Standard and evidence"}},
    [HS_STANDARD_EN] = {"standard_en", F_LONGTEXT, 0, 0, 1000,
                        .label = {"标准与凭证(英文)", "Standard and evidence, English"}},
    [HS_CLOCK] = {"clock", F_ENUM, LIST, .choices = sla_clocks, .label = {"受限于", "Limited by"},
                  .help = {"时限是多少由时限规则决定", "how long that is, the SLA policies say"}},
};

#define SAME_KEY(a, b)                                                                             \
    a ".community_id = " b ".community_id AND " a ".kind = " b ".kind AND COALESCE(" a             \
      ".category_id, 0) = COALESCE(" b ".category_id, 0)"
static const struct query Q_FOR = {
    "handbook.page_for",
    "SELECT id, category_id, edition FROM handbook_page WHERE community_id = $1 AND kind = $2 AND "
    "(category_id IS NULL OR category_id = $3) AND state = 2 AND archived = 0 AND effective_from "
    "<= $4 LIMIT 200"};
static const struct query Q_LAST = {
    "handbook.last_edition",
    "SELECT max(edition), max(CASE WHEN state = 1 THEN edition ELSE 0 END) FROM handbook_page "
    "WHERE community_id = $1 AND kind = $2 AND COALESCE(category_id, 0) = $3 AND archived = 0"};
static const struct query Q_EDITIONS = {
    "handbook.editions",
    "SELECT id, edition, state, effective_from FROM handbook_page WHERE community_id = $1 AND kind "
    "= $2 AND COALESCE(category_id, 0) = $3 AND archived = 0 ORDER BY edition DESC LIMIT 100"};
static const struct query Q_OLDER = {
    "handbook.older", "SELECT o.id FROM handbook_page o JOIN handbook_page p ON " SAME_KEY(
                          "o", "p") " WHERE p.id = $1 AND o.id <> p.id AND o.edition < p.edition "
                                    "AND o.state = 2 AND o.archived = 0 "
                                    "ORDER BY o.id LIMIT 100"};
static const struct query Q_TURNS = {
    "handbook.turns", "SELECT DISTINCT p.id FROM handbook_page p JOIN handbook_page o ON " SAME_KEY(
                          "o", "p") " WHERE p.state = 2 AND p.archived = 0 AND o.state = 2 AND "
                                    "o.archived = 0 AND o.edition < "
                                    "p.edition ORDER BY p.id LIMIT 200"};
static const struct query Q_STEPS = {
    "handbook.steps",
    "SELECT h.id, h.version, h.position, h.name, h.name_en, h.post_id, h.what, h.what_en, "
    "h.standard, h.standard_en, h.clock, p.name FROM handbook_step h LEFT JOIN post p ON "
    "p.community_id = h.community_id AND p.id = h.post_id WHERE h.community_id = $1 AND h.page_id "
    "= "
    "$2 AND h.archived = 0 ORDER BY h.position, h.id LIMIT 51"};
const struct query *const page_queries[] = {&Q_FOR,   &Q_LAST,  &Q_EDITIONS, &Q_OLDER,
                                            &Q_TURNS, &Q_STEPS, NULL};

static struct str today_of(struct ctx *c, int64_t community)
{
    return date_text(c->mem, zone_date(app_zone(community), c->now_ms));
}

struct closest {
    struct val id;
    bool of_category;
    int64_t edition;
};

/* The category's own before the kind's, the newest before an older one whose end the job has not
 * written yet. Compared here: every ticket asks, and a sorter costs more than the question. */
static enum err closest_page(struct ctx *c, const struct val *v, int ncol, void *arg)
{
    struct closest *best = arg;
    bool of_category = v[1].t != V_NULL;
    (void)c, (void)ncol;
    if (best->id.t == V_NULL || of_category > best->of_category ||
        (of_category == best->of_category && val_int(v[2]) > best->edition))
        *best = (struct closest){v[0], of_category, val_int(v[2])};
    return E_OK;
}

enum err handbook_page_for(struct ctx *c, struct tx *tx, int64_t community, int64_t kind,
                           struct val category, struct val *ret)
{
    struct closest best = {.id = v_null()};
    TRY(q_each(
        c, tx, &Q_FOR,
        IN(v_int(community), v_int(kind), v_int(val_int(category)), v_text(today_of(c, community))),
        closest_page, &best));
    *ret = best.id;
    return E_OK;
}

/* --- rules --- */

/* R7: a new row is the next version; there is one draft of a page at a time. */
static enum err page_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    struct val v[2];
    struct row category;
    if (old)
        return E_OK;
    if (row_has(neu, HP_CATEGORY)) {
        TRY(res_load(c, tx, &res_category, row_int(neu, HP_CATEGORY), &category));
        if (row_int(&category, CA_KIND) != row_int(neu, HP_KIND))
            return FAIL_FIELD(c, "category_id", "kind", "这个分类属于另一个类别",
                              "this category is of another kind");
    }
    TRY(q_one(c, tx, &Q_LAST,
              IN(neu->v[R_COMMUNITY], neu->v[HP_KIND], v_int(row_int(neu, HP_CATEGORY))), v, 2));
    if (!row_has(neu, HP_STATE))
        row_put(neu, HP_STATE, v_int(PAGE_DRAFT));
    if (val_int(v[1]) && row_int(neu, HP_STATE) == PAGE_DRAFT)
        return FAIL(c, E_EXISTS, "这一页已有草稿(第 %lld 版),请直接修改它",
                    "this page has a draft already (version %lld): change that one",
                    (long long)val_int(v[1]));
    row_put(neu, HP_EDITION, v_int(val_int(v[0]) + 1));
    return E_OK;
}

static enum err frozen(struct ctx *c)
{
    return FAIL(c, E_STATE, "生效过的版本不能修改,请建立新版本",
                "a version that was in force is not changed; make a new version");
}

/* R7 whatever the route: only its state moves on once it was in force. */
static enum err page_after(struct ctx *c, struct tx *tx, const struct row *old,
                           const struct row *neu)
{
    (void)tx;
    if (!old || row_int(old, HP_STATE) == PAGE_DRAFT)
        return E_OK;
    for (int i = HP_KIND; i <= HP_FROM; i++)
        if (i != HP_STATE && !val_eq(old->v[i], neu->v[i]))
            return frozen(c);
    return row_int(neu, R_ARCHIVED) ? frozen(c) : E_OK;
}

static enum err step_after(struct ctx *c, struct tx *tx, const struct row *old,
                           const struct row *neu)
{
    struct row page;
    struct rows rows;
    TRY(res_load(c, tx, &res_handbook_page, row_int(neu, HS_PAGE), &page));
    if (row_int(&page, HP_STATE) != PAGE_DRAFT)
        return frozen(c);
    if (old)
        return E_OK;
    TRY(q_rows(c, tx, &Q_STEPS, IN(neu->v[R_COMMUNITY], neu->v[HS_PAGE]), STEPS_MAX + 1, &rows));
    return rows.n <= STEPS_MAX
               ? E_OK
               : FAIL(c, E_STATE, "一页最多 %d 个步骤", "a page has %d steps at most", STEPS_MAX);
}

/* --- in force and out of it --- */

static enum err older_end(struct ctx *c, struct tx *tx, int64_t page)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_OLDER, IN(v_int(page)), EDITIONS_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row old, neu = {0};
        TRY(res_load(c, tx, &res_handbook_page, val_int(rows.v[i]), &old));
        row_put(&neu, HP_STATE, v_int(PAGE_WITHDRAWN));
        row_put(&neu, HP_ENDED, v_int(c->now_ms));
        TRY(res_store(c, tx, &res_handbook_page, &old, &neu, "handbook_page.superseded",
                      (struct str){0}));
    }
    return E_OK;
}

/* R8: whoever is to confirm it must be known, and there must be something to confirm. */
static enum err guard_publish(struct ctx *c, struct tx *tx, const struct row *old,
                              const struct row *in)
{
    enum { FROM, POST_COLUMN = 5 };
    struct rows rows;
    if (row_has(in, FROM) && str_cmp(row_str(in, FROM), today_of(c, row_int(old, R_COMMUNITY))) < 0)
        return FAIL_FIELD(c, "effective_from", "past", "生效日不能早于今天",
                          "not before today: nobody could have known it");
    if (!row_has(old, HP_POST))
        return FAIL(c, E_STATE, "请先填写责任岗位", "say first which post is responsible");
    TRY(q_rows(c, tx, &Q_STEPS, IN(old->v[R_COMMUNITY], old->v[R_ID]), STEPS_MAX + 1, &rows));
    if (!rows.n)
        return FAIL(c, E_STATE, "没有步骤的页不能生效", "a page without steps cannot be in force");
    for (size_t i = 0; i < rows.n; i++)
        if (rows.v[i * (size_t)rows.ncol + POST_COLUMN].t != V_INT)
            return FAIL(c, E_STATE, "第 %zu 步还没有责任岗位", "step %zu has no post yet", i + 1);
    return E_OK;
}

static enum err effect_publish(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                               const struct row *in)
{
    enum { FROM };
    struct str today = today_of(c, row_int(old, R_COMMUNITY));
    row_put(neu, HP_FROM, row_has(in, FROM) ? in->v[FROM] : v_text(today));
    return str_cmp(row_str(neu, HP_FROM), today) > 0 ? E_OK : older_end(c, tx, row_int(old, R_ID));
}

static enum err effect_withdraw(struct ctx *c, struct tx *tx, const struct row *old,
                                struct row *neu, const struct row *in)
{
    (void)tx, (void)old, (void)in;
    row_put(neu, HP_ENDED, v_int(c->now_ms));
    return E_OK;
}

/* A version whose day has come ends the one before. */
enum err handbook_turn(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    struct rows rows;
    (void)app, (void)data;
    TRY(q_rows(c, tx, &Q_TURNS, IN0, TURNS_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row page;
        TRY(res_load(c, tx, &res_handbook_page, val_int(rows.v[i]), &page));
        if (str_cmp(row_str(&page, HP_FROM), today_of(c, row_int(&page, R_COMMUNITY))) <= 0)
            TRY(older_end(c, tx, row_int(&page, R_ID)));
    }
    return E_OK;
}

static const struct field in_publish[] = {{"effective_from", F_DATE, 0,
                                           .label = {"生效日", "In force from"},
                                           .help = {"留空:今天", "empty: today"}}};
static const struct action actions[] = {
    {"publish", {"生效", "Put in force"}, "primary", in_publish, COUNT_OF(in_publish)},
    {"withdraw", {"废止", "Withdraw"}, "danger", NULL, 0}};
static const struct step steps[] = {{PAGE_DRAFT,
                                     PAGE_IN_FORCE,
                                     "publish",
                                     {{"policy.manage", NULL}},
                                     NULL,
                                     guard_publish,
                                     effect_publish,
                                     "handbook_page.published"},
                                    {PAGE_IN_FORCE,
                                     PAGE_WITHDRAWN,
                                     "withdraw",
                                     {{"policy.manage", NULL}},
                                     NULL,
                                     NULL,
                                     effect_withdraw,
                                     "handbook_page.withdrawn"}};
static const struct machine machine = {HP_STATE, actions, COUNT_OF(actions), steps,
                                       COUNT_OF(steps)};

/* --- what a page shows --- */

static enum err put_steps(struct ctx *c, struct tx *tx, const struct row *page, struct buf *out)
{
    static const int fields[] = {R_ID,        R_VERSION,      HS_POSITION, HS_NAME,
                                 HS_NAME_EN,  HS_POST,        HS_WHAT,     HS_WHAT_EN,
                                 HS_STANDARD, HS_STANDARD_EN, HS_CLOCK};
    struct rows rows;
    TRY(q_rows(c, tx, &Q_STEPS, IN(page->v[R_COMMUNITY], page->v[R_ID]), STEPS_MAX + 1, &rows));
    buf_put(out, S(",\"steps\":["));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        buf_put(out, i ? S(",{\"post\":") : S("{\"post\":"));
        field_to_json(out, &step_fields[HS_NAME], v[COUNT_OF(fields)], NULL);
        for (size_t k = 0; k < COUNT_OF(fields); k++) {
            buf_fmt(out, ",\"%s\":", step_fields[fields[k]].name);
            field_to_json(out, &step_fields[fields[k]], v[k], NULL);
        }
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
    return E_OK;
}

/* R9: the limits are the policy rows, as they are at this moment. */
static enum err put_limits(struct ctx *c, struct tx *tx, const struct row *page, struct buf *out)
{
    buf_put(out, S(",\"limits\":["));
    for (int p = 0; p < 4; p++) {
        struct sla s;
        TRY(sla_read(c, tx, row_int(page, R_COMMUNITY), row_int(page, HP_KIND), p + 1,
                     page->v[HP_CATEGORY], TIER_REGULAR, &s));
        buf_fmt(out,
                "%s{\"priority\":\"%s\",\"respond_min\":%d,\"handle_min\":%d,\"resolve_min\":%d,"
                "\"hours\":\"%s\"}",
                p ? "," : "", ticket_priorities[p].key, s.minutes[CLOCK_RESPOND],
                s.minutes[CLOCK_HANDLE], s.minutes[CLOCK_RESOLVE],
                choice_of_code(clock_hours, s.hours)->key);
    }
    buf_putc(out, ']');
    return E_OK;
}

static enum err put_editions(struct ctx *c, struct tx *tx, const struct row *page, struct buf *out)
{
    static const int fields[] = {HP_EDITION, HP_STATE, HP_FROM};
    struct rows rows;
    TRY(q_rows(c, tx, &Q_EDITIONS,
               IN(page->v[R_COMMUNITY], page->v[HP_KIND], v_int(row_int(page, HP_CATEGORY))),
               EDITIONS_MAX, &rows));
    buf_put(out, S(",\"editions\":["));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        buf_fmt(out, "%s{\"id\":%lld", i ? "," : "", (long long)val_int(v[0]));
        for (size_t k = 0; k < COUNT_OF(fields); k++) {
            buf_fmt(out, ",\"%s\":", page_fields[fields[k]].name);
            field_to_json(out, &page_fields[fields[k]], v[k + 1], NULL);
        }
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
    return E_OK;
}

static enum err page_extra(struct ctx *c, struct tx *tx, const struct row *page, struct buf *out)
{
    TRY(put_steps(c, tx, page, out));
    TRY(put_limits(c, tx, page, out));
    TRY(put_editions(c, tx, page, out));
    return put_reading(c, tx, page, out);
}

const struct resource res_handbook_page = {
    .name = "handbook_page",
    .path = "handbook-pages",
    .label = {"手册页", "Handbook page"},
    .fields = page_fields,
    .nfields = HP__N,
    .indexes = page_indexes,
    .nindexes = COUNT_OF(page_indexes),
    .title = "title",
    .default_sort = "id",
    POLICY_RIGHTS,
    .check = page_check,
    .after = page_after,
    .extra = page_extra,
    .extras = {{"steps", "[{id:int,version:int,position:int,name:str,name_en:str?,post_id:int?,"
                         "post:str?,what:str?,what_en:str?,standard:str?,standard_en:str?,"
                         "clock:str?}]"},
               {"limits", "[{priority:str,respond_min:int,handle_min:int,resolve_min:int,"
                          "hours:str}]"},
               {"editions", "[{id:int,edition:int,state:str,effective_from:date?}]"},
               {"reading", "{asked:bool,confirmed_at:instant?}"}},
    .machine = &machine};
const struct resource res_handbook_step = {.name = "handbook_step",
                                           .path = "handbook-steps",
                                           .label = {"手册步骤", "Handbook step"},
                                           .fields = step_fields,
                                           .nfields = HS__N,
                                           .title = "name",
                                           .default_sort = "id",
                                           POLICY_RIGHTS,
                                           .after = step_after};

/* --- a new version --- */

static enum err copy_steps(struct ctx *c, struct tx *tx, const struct row *from, int64_t to)
{
    static const int fields[] = {HS_POSITION, HS_NAME,     HS_NAME_EN,     HS_POST, HS_WHAT,
                                 HS_WHAT_EN,  HS_STANDARD, HS_STANDARD_EN, HS_CLOCK};
    struct rows rows;
    TRY(q_rows(c, tx, &Q_STEPS, IN(from->v[R_COMMUNITY], from->v[R_ID]), STEPS_MAX + 1, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row row = {0};
        row_put(&row, R_COMMUNITY, from->v[R_COMMUNITY]);
        row_put(&row, HS_PAGE, v_int(to));
        for (size_t k = 0; k < COUNT_OF(fields); k++)
            row_put(&row, fields[k], rows.v[i * (size_t)rows.ncol + 2 + k]);
        TRY(res_insert(c, tx, &res_handbook_step, &row));
    }
    return E_OK;
}

static enum err revise_post(struct ctx *c, struct req *q)
{
    struct row page, row = {0};
    TRY(res_load_seen(c, q->tx, &res_handbook_page, q->ids[0], &page));
    if (!who_may(c->who, "policy.manage", row_int(&page, R_COMMUNITY)))
        return FAIL(c, E_DENIED, "您的岗位不能修改手册", "your role may not change the handbook");
    row_put(&row, R_COMMUNITY, page.v[R_COMMUNITY]);
    for (int i = HP_KIND; i < HP_STATE; i++)
        if (i != HP_EDITION)
            row_put(&row, i, page.v[i]);
    TRY(res_insert(c, q->tx, &res_handbook_page, &row));
    TRY(copy_steps(c, q->tx, &page, row_int(&row, R_ID)));
    buf_fmt(&q->out, "{\"id\":%lld,\"edition\":%lld}", (long long)row_int(&row, R_ID),
            (long long)row_int(&row, HP_EDITION));
    return E_OK;
}

const struct route page_routes[] = {
    {"POST", "/api/v1/handbook-pages/{id}/revise", "policy.manage", .run = revise_post,
     .help = {"建立新版本", "Make a new version"}, .reply = "{id:int,edition:int}", .status = 201},
    {0}};
