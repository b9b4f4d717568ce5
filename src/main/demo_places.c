/* demo_places.c - the space tree of a community: buildings with entrances, floors and units as a
 * Chinese estate numbers them, and everything around them that can break. */
#include "main/demo_in.h"

enum { SHOPS = 6 };
struct shape {
    int floors, entrances, per_floor;
};

static struct shape shape_of(int households)
{
    return households <= 120    ? (struct shape){6, 2, 2}
           : households <= 1200 ? (struct shape){18, 2, 2}
                                : (struct shape){28, 2, 3};
}

static struct place *place_new(struct demo *d, struct town *t, struct places *list, int kind,
                               const struct place *parent, struct str name, struct str code)
{
    struct place *p = &list->v[list->n++];
    struct val *v = row_new(d, &d->spaces, t->id, d->start_ms);
    struct str path = text_of(d, PRS PRS, PRA(parent ? parent->path : (struct str){0}), PRA(name));
    *p = (struct place){.id = v[R_ID].i,
                        .path = path,
                        .code = code,
                        .kind = kind,
                        .building = parent ? parent->building : 0};
    v[SP_KIND] = v_int(kind);
    v[SP_PARENT] = parent ? v_int(parent->id) : v_null();
    v[SP_NAME] = v_text(name);
    v[SP_CODE] = v_text(code);
    v[SP_PATH] = v_text(path);
    v[SP_USE] = v_int(kind == SP_UNIT ? 1 : 4);
    return p;
}

static void areas_set(struct demo *d, int64_t built)
{
    struct chunk *k = d->spaces.last;
    struct val *v = k->v + (k->n - 1) * (size_t)d->spaces.ncol;
    v[SP_BUILT_AREA] = v_int(built);
    v[SP_INNER_AREA] = v_int(built * 79 / 100);
}

static void list_init(struct demo *d, struct places *l, size_t max)
{
    *l = (struct places){.v = arena_get(d->mem, max * sizeof *l->v)};
}

static void floor_make(struct demo *d, struct town *t, const struct place *entrance,
                       const struct shape *s, int b, int e, int f)
{
    static const int built[] = {8936,  10482, 12618, 7415,
                                11867, 14203}; /* 0.01 m²; the same on every floor, as stacks are */
    struct places own = {0};
    list_init(d, &own, 1);
    struct place *floor = place_new(d, t, &own, SP_FLOOR, entrance, text_of(d, "%d层", f),
                                    text_of(d, "%d-%d-%dF", b, e, f));
    for (int u = 1; u <= s->per_floor && (int)t->units.n < t->households; u++) {
        place_new(d, t, &t->units, SP_UNIT, floor, text_of(d, "%d%02d", f, u),
                  text_of(d, "%d-%d-%d%02d", b, e, f, u));
        areas_set(d, built[((b - 1) / 4 * 2 + (e + u) % 2 + (u == 3) * 2) % 6]);
    }
}

static void building_make(struct demo *d, struct town *t, const struct shape *s, int b)
{
    struct places own = {0};
    list_init(d, &own, 1);
    struct place *building = place_new(d, t, &own, SP_BUILDING, NULL, text_of(d, "%d栋", b),
                                       text_of(d, "%d", b));
    building->building = b;
    for (int e = 1; e <= s->entrances && (int)t->units.n < t->households; e++) {
        struct place *entrance = place_new(d, t, &t->entrances, SP_ENTRANCE, building,
                                           text_of(d, "%d单元", e), text_of(d, "%d-%d", b, e));
        for (int f = 1; f <= s->floors && (int)t->units.n < t->households; f++)
            floor_make(d, t, entrance, s, b, e, f);
    }
}

static void around_make(struct demo *d, struct town *t)
{
    static const char *const areas[] = {"中央花园",   "东门岗亭",  "西门岗亭",   "儿童游乐区",
                                        "健身广场",   "地下车库",  "垃圾分类站", "快递柜区",
                                        "非机动车棚", "小区主干道"};
    static const char *const plants[] = {"配电房", "生活水泵房", "消防控制室", "监控中心",
                                         "弱电间", "雨水泵房",   "消防泵房"};
    for (size_t i = 0; i < COUNT_OF(areas); i++)
        place_new(d, t, &t->areas, SP_AREA, NULL, str_of(areas[i]), text_of(d, "GG-%02zu", i + 1));
    for (size_t i = 0; i < COUNT_OF(plants); i++)
        place_new(d, t, &t->plants, SP_PLANT, NULL, str_of(plants[i]),
                  text_of(d, "SB-%02zu", i + 1));
    for (int i = 1; i <= t->households * 8 / 10; i++)
        place_new(d, t, &t->parking, SP_PARKING, &t->areas.v[5], text_of(d, "B1-%03d", i),
                  text_of(d, "B1-%03d", i));
    struct places own = {0};
    list_init(d, &own, 1);
    struct place *street = place_new(d, t, &own, SP_BUILDING, NULL, S("商业街"), S("S"));
    for (int i = 1; i <= SHOPS; i++) {
        place_new(d, t, &t->shops, SP_UNIT, street, text_of(d, "商铺%02d", i),
                  text_of(d, "S-%02d", i));
        areas_set(d, pick(d, 3200, 9800));
        d->spaces.last->v[(d->spaces.last->n - 1) * (size_t)d->spaces.ncol + SP_USE] = v_int(2);
    }
}

void places_make(struct demo *d, struct town *t)
{
    struct shape s = shape_of(t->households);
    size_t n = (size_t)t->households;
    list_init(d, &t->units, n);
    list_init(d, &t->entrances, n + 2);
    list_init(d, &t->areas, 16);
    list_init(d, &t->plants, 16);
    list_init(d, &t->parking, n);
    list_init(d, &t->shops, SHOPS);
    for (int b = 1; (int)t->units.n < t->households; b++)
        building_make(d, t, &s, b);
    around_make(d, t);
}
