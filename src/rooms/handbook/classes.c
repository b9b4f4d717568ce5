/* classes.c - what may be asked for: place × thing × problem, only the combinations that exist,
 * each with its kind, the skill it takes, how urgent it is, the words people use for it and the
 * steps of a good answer; and what is charged for what. Shipped as two tables (data/), then a
 * community's own. */
#include "core/csv.h"
#include "core/shipped.h"
#include "rooms/handbook/room.h"

static const struct choice places[] = {{PLACE_HOME, "home", {"户内", "Home"}, NULL},
                                       {PLACE_COMMON, "common", {"公共部位", "Common parts"}, NULL},
                                       {PLACE_OUTDOOR, "outdoor", {"室外园区", "Grounds"}, NULL},
                                       {PLACE_PLANT, "plant", {"设备房", "Plant rooms"}, NULL},
                                       {PLACE_PARKING, "parking", {"车库车位", "Parking"}, NULL},
                                       {PLACE_NONE, "none", {"不限", "Anywhere"}, NULL},
                                       {0}};
static const struct choice classes[] = {
    {CLASS_EMERGENCY, "emergency", {"紧急", "Emergency"}, "red"},
    {CLASS_URGENT, "urgent", {"急修", "Urgent"}, "amber"},
    {CLASS_ORDINARY, "ordinary", {"一般", "Ordinary"}, "grey"},
    {CLASS_PLANNED, "planned", {"可计划", "Can be planned"}, "grey"},
    {0}};
static const struct field category_fields[CA__N] = {
    STANDARD_FIELDS,
    [CA_NAME] = {"name", F_TEXT, REQUIRED | UNIQUE | SEARCH | LIST, 1, 60,
                 .label = {"分类", "Category"}},
    [CA_NAME_EN] = {"name_en", F_TEXT, SEARCH | LIST, 0, 80, .label = {"英文名", "English name"}},
    [CA_KIND] = {"kind", F_ENUM, REQUIRED | FILTER | LIST, .choices = ticket_kinds,
                 .label = {"适用类别", "For"}},
    [CA_SKILL] = {"skill_id", F_REF, FILTER | LIST, .ref = "skills",
                  .label = {"所需技能", "Skill needed"}},
    [CA_PLACE] = {"place", F_ENUM, REQUIRED | FILTER | LIST, .choices = places,
                  .label = {"部位", "Place"}},
    [CA_GROUP] = {"group_name", F_TEXT, REQUIRED | FILTER, 1, 30, .label = {"事项", "Thing"}},
    [CA_PROBLEM] = {"problem", F_TEXT, REQUIRED | SEARCH, 1, 30, .label = {"问题", "Problem"}},
    [CA_CLASS] = {"sla_class", F_ENUM, FILTER | LIST, .choices = classes,
                  .label = {"时限等级", "SLA class"},
                  .help = {"登记时没有说明紧急程度和影响范围的,按此定",
                           "decides urgency and impact where nobody said them"}},
    [CA_WORDS] = {"words", F_TEXT, 0, 0, 200, .label = {"常用词", "Words for it"},
                  .help = {"用空格分开;用来根据描述推荐分类",
                           "separated by spaces; a category is suggested by them"}},
    [CA_CHECKLIST] = {"checklist", F_LONGTEXT, 0, 0, 1000, .label = {"处理步骤", "Steps"},
                      .help = {"每行一步", "one a line"}},
    [CA_GROUP_EN] = {"group_name_en", F_TEXT, 0, 0, 60, .label = {"英文事项", "Thing in English"}},
    [CA_PROBLEM_EN] = {"problem_en", F_TEXT, 0, 0, 60, .label = {"英文问题", "Problem in English"}},
    [CA_CHECKLIST_EN] = {"checklist_en", F_LONGTEXT, 0, 0, 1000,
                         .label = {"英文步骤", "Steps in English"},
                         .help = {"每行一步", "one a line"}},
};
static const struct field price_fields[PI__N] = {
    STANDARD_FIELDS,
    [PI_GROUP] = {"group_name", F_TEXT, REQUIRED | FILTER | LIST, 1, 30,
                  .label = {"事项", "Thing"}},
    [PI_NAME] = {"name", F_TEXT, REQUIRED | UNIQUE | SEARCH | LIST, 1, 60,
                 .label = {"收费项目", "Item"}},
    [PI_NAME_EN] = {"name_en", F_TEXT, LIST, 0, 80, .label = {"英文名", "English name"}},
    [PI_UNIT] = {"unit", F_TEXT, LIST, 0, 10, .label = {"单位", "Unit"}},
    [PI_PRICE] = {"price", F_MONEY, REQUIRED | LIST, 0, 100000000, .label = {"单价", "Price"}},
};
const struct resource res_category = {.name = "category",
                                      .path = "categories",
                                      .label = {"工单分类", "Category"},
                                      .fields = category_fields,
                                      .nfields = CA__N,
                                      .title = "name",
                                      .default_sort = "id",
                                      POLICY_RIGHTS};
const struct resource res_price_item = {.name = "price_item",
                                        .path = "price-items",
                                        .label = {"收费项目", "Price"},
                                        .fields = price_fields,
                                        .nfields = PI__N,
                                        .title = "name",
                                        .default_sort = "id",
                                        POLICY_RIGHTS};

/* The ITIL matrix (sla.c) makes them P1 to P4. */
void class_urgency(int class, int *ret_urgency, int *ret_impact)
{
    static const int by_class[][2] = {[0] = {2, 2},
                                      [CLASS_EMERGENCY] = {1, 1},
                                      [CLASS_URGENT] = {1, 2},
                                      [CLASS_ORDINARY] = {2, 2},
                                      [CLASS_PLANNED] = {2, 3}};
    bool known = class >= CLASS_EMERGENCY && class <= CLASS_PLANNED;
    *ret_urgency = by_class[known ? class : 0][0];
    *ret_impact = by_class[known ? class : 0][1];
}

/* --- which ticket a category is for --- */

/* One that is not there is told by the reference check. */
static const struct query Q_FITS = {
    "handbook.fits",
    "SELECT k.kind, k.place, s.kind FROM category k LEFT JOIN space s ON s.id = $3 "
    "AND s.community_id = k.community_id WHERE k.community_id = $1 AND k.id = $2"};

bool place_allows(int64_t place, int64_t space_kind)
{
    return place != PLACE_HOME || !space_kind || space_kind == SP_UNIT;
}

enum err category_fits(struct ctx *c, struct tx *tx, int64_t community, int64_t kind,
                       struct val category, struct val space)
{
    struct val v[3];
    if (category.t != V_INT)
        return E_OK;
    enum err e = q_one(c, tx, &Q_FITS, IN(v_int(community), category, v_int(val_int(space))), v, 3);
    if (e != E_OK)
        return e == E_MISSING ? E_OK : e;
    if (val_int(v[0]) != kind)
        return FAIL_FIELD(c, "category_id", "kind", "这个分类属于另一个类别",
                          "this category is of another kind");
    return place_allows(val_int(v[1]), val_int(v[2]))
               ? E_OK
               : FAIL_FIELD(c, "category_id", "place",
                            "这个分类只用于户内,所选地点不是房屋:请换一个分类或选房屋",
                            "this category is for homes and the place is none: choose another "
                            "category, or a home");
}

/* --- the shipped tables --- */

enum {
    F_PLACE,
    F_GROUP,
    F_GROUP_EN,
    F_PROBLEM,
    F_PROBLEM_EN,
    F_KIND,
    F_SKILL,
    F_CLASS,
    F_WORDS,
    F_STEPS,
    F_STEPS_EN,
    F__N
};

static struct str shipped_text(const char *path)
{
    for (size_t i = 0; i < nshipped; i++)
        if (str_eqz(str_of(path), shipped[i].path))
            return shipped[i].text;
    return (struct str){0};
}

/* The steps, a line each; ; separates them in the table. */
static struct str lines_of(struct ctx *c, struct str s)
{
    struct buf b;
    buf_init(&b, c->mem, 2000);
    for (size_t i = 0; i < s.n; i++)
        buf_putc(&b, s.p[i] == ';' ? '\n' : s.p[i]);
    return buf_str(&b);
}

static struct val text_or_null(struct str s)
{
    return s.n ? v_text(s) : v_null();
}

static struct row row_of(struct ctx *c, const struct str *cell)
{
    struct row row = {0};
    const struct choice *place = choice_of_key(places, cell[F_PLACE]),
                        *kind = choice_of_key(ticket_kinds, cell[F_KIND]),
                        *class = choice_of_key(classes, cell[F_CLASS]);
    ASSERT(place && kind && class); /* our own table */
    row_put(&row, CA_NAME,
            v_text(arena_fmt(c->mem, PRS "·" PRS, PRA(cell[F_GROUP]), PRA(cell[F_PROBLEM]))));
    row_put(
        &row, CA_NAME_EN,
        v_text(arena_fmt(c->mem, PRS ": " PRS, PRA(cell[F_GROUP_EN]), PRA(cell[F_PROBLEM_EN]))));
    row_put(&row, CA_KIND, v_int(kind->code));
    row_put(&row, CA_PLACE, v_int(place->code));
    row_put(&row, CA_GROUP, v_text(cell[F_GROUP]));
    row_put(&row, CA_PROBLEM, v_text(cell[F_PROBLEM]));
    row_put(&row, CA_CLASS, v_int(class->code));
    row_put(&row, CA_WORDS, text_or_null(cell[F_WORDS]));
    row_put(&row, CA_CHECKLIST, text_or_null(lines_of(c, cell[F_STEPS])));
    row_put(&row, CA_GROUP_EN, v_text(cell[F_GROUP_EN]));
    row_put(&row, CA_PROBLEM_EN, v_text(cell[F_PROBLEM_EN]));
    row_put(&row, CA_CHECKLIST_EN, text_or_null(lines_of(c, cell[F_STEPS_EN])));
    return row;
}

enum err classes_shipped(struct ctx *c, struct class_seed *ret, size_t max, size_t *ret_n)
{
    struct csv csv;
    bool more;
    size_t n = 0;
    csv_open(&csv, c->mem, shipped_text("handbook/classes.csv"), ',');
    TRY(csv_next(c, &csv, &more)); /* the heads */
    for (;;) {
        TRY(csv_next(c, &csv, &more));
        if (!more)
            break;
        ASSERT(csv.n == F__N && n < max);
        struct str cell[F__N];
        for (int i = 0; i < F__N; i++)
            cell[i] = str_dup(c->mem, csv.cells[i]);
        ret[n++] = (struct class_seed){row_of(c, cell), cell[F_SKILL]};
    }
    *ret_n = n;
    return E_OK;
}

/* What nobody has changed since it was shipped. Roofs and outer walls were homes' only. */
static const struct query Q_ENGLISH = {
    "handbook.english",
    "UPDATE category SET group_name_en = $4, problem_en = $5, checklist_en = $6, place = CASE WHEN "
    "place = 1 THEN CAST($7 AS BIGINT) ELSE place END WHERE group_name = $1 AND problem = $2 AND "
    "checklist = $3 AND group_name_en IS NULL AND problem_en IS NULL AND checklist_en IS NULL"};

static enum err english_comes(struct ctx *c, struct tx *tx)
{
    struct class_seed *all = arena_get(c->mem, CLASSES_SHIPPED_MAX * sizeof *all);
    size_t n;
    TRY(classes_shipped(c, all, CLASSES_SHIPPED_MAX, &n));
    for (size_t i = 0; i < n; i++) {
        const struct val *v = all[i].row.v;
        TRY(q_do(c, tx, &Q_ENGLISH,
                 IN(v[CA_GROUP], v[CA_PROBLEM], v[CA_CHECKLIST], v[CA_GROUP_EN], v[CA_PROBLEM_EN],
                    v[CA_CHECKLIST_EN], v[CA_PLACE]),
                 NULL));
    }
    return E_OK;
}

const struct fixup handbook_fixups[] = {{6, "shipped categories speak English", english_comes},
                                        {0}};

static const struct query Q_SKILL_NAMED = {
    "handbook.skill_named",
    "SELECT id FROM skill WHERE community_id = $1 AND name = $2 AND archived = 0"};
static const struct query Q_HAS_CLASS = {"handbook.has_class",
                                         "SELECT id FROM category WHERE community_id = $1 LIMIT 1"};
static const struct query Q_HAS_PRICE = {
    "handbook.has_price", "SELECT id FROM price_item WHERE community_id = $1 LIMIT 1"};
const struct query *const class_queries[] = {&Q_FITS,      &Q_ENGLISH,   &Q_SKILL_NAMED,
                                             &Q_HAS_CLASS, &Q_HAS_PRICE, NULL};

/* A skill a class asks for must be there to be had. */
static enum err skill_named(struct ctx *c, struct tx *tx, int64_t community, struct str name,
                            struct val *ret)
{
    struct row row = {0};
    *ret = v_null();
    if (!name.n)
        return E_OK;
    enum err e = q_one(c, tx, &Q_SKILL_NAMED, IN(v_int(community), v_text(name)), ret, 1);
    if (e != E_MISSING)
        return e;
    row_put(&row, R_COMMUNITY, v_int(community));
    row_put(&row, SK_NAME, v_text(name));
    row_put(&row, SK_CERTIFICATE,
            v_int(str_eqz(name, "电工") || str_eqz(name, "电梯"))); /* T-104 */
    TRY(res_insert(c, tx, &res_skill, &row));
    *ret = row.v[R_ID];
    return E_OK;
}

static enum err seed_classes(struct ctx *c, struct tx *tx, int64_t community)
{
    struct class_seed *all = arena_get(c->mem, CLASSES_SHIPPED_MAX * sizeof *all);
    struct val skill = v_null();
    size_t n;
    TRY(classes_shipped(c, all, CLASSES_SHIPPED_MAX, &n));
    for (size_t i = 0; i < n; i++) {
        if (!i || !str_eq(all[i].skill, all[i - 1].skill))
            TRY(skill_named(c, tx, community, all[i].skill, &skill));
        row_put(&all[i].row, R_COMMUNITY, v_int(community));
        row_put(&all[i].row, CA_SKILL, skill);
        TRY(res_insert(c, tx, &res_category, &all[i].row));
    }
    return E_OK;
}

static enum err seed_prices(struct ctx *c, struct tx *tx, int64_t community)
{
    struct csv csv;
    bool more;
    csv_open(&csv, c->mem, shipped_text("handbook/prices.csv"), ',');
    TRY(csv_next(c, &csv, &more));
    for (;;) {
        struct row row = {0};
        int64_t price;
        TRY(csv_next(c, &csv, &more));
        if (!more)
            return E_OK;
        ASSERT(csv.n == 5 && str_int(csv.cells[4], &price));
        row_put(&row, R_COMMUNITY, v_int(community));
        for (int i = PI_GROUP; i <= PI_UNIT; i++)
            row_put(&row, i, v_text(str_dup(c->mem, csv.cells[i - PI_GROUP])));
        row_put(&row, PI_PRICE, v_int(price));
        TRY(res_insert(c, tx, &res_price_item, &row));
    }
}

enum err handbook_classes(struct ctx *c, struct tx *tx, int64_t community)
{
    struct val id;
    enum err e = q_one(c, tx, &Q_HAS_CLASS, IN(v_int(community)), &id, 1);
    if (e == E_MISSING)
        e = seed_classes(c, tx, community);
    TRY(e);
    e = q_one(c, tx, &Q_HAS_PRICE, IN(v_int(community)), &id, 1);
    return e == E_MISSING ? seed_prices(c, tx, community) : e;
}
