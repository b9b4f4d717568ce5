/* demo_assets.c - the equipment of a community as its ledger has it: what every entrance has, what
 * stands in the plant rooms, at the gates and in the gardens. No random numbers: the same place has
 * the same equipment. */
#include "main/demo_in.h"
#include "main/demo_texts.h"
#include "rooms/intake/intake.h"

enum { EVERY_ENTRANCE, IN_AREA, IN_PLANT };
enum { WARRANTY_YEARS = 2 };
static const struct kind {
    int system, where, spot;
    const char *name, *model, *maker;
    int years, skill, state; /* years: ago; skill of whoever looks after it; state 0: in use */
    bool sign;
    const char *note;
} kinds[] = {
    {SYS_LIFT, EVERY_ENTRANCE, 0, "客梯", "LEHY-Ⅲ 1050kg", "上海三菱电梯", 9, SKILL_LIFT, 0, true,
     "维保单位每半月保养一次"},
    {SYS_ACCESS, EVERY_ENTRANCE, 0, "单元门禁主机", "DS-KD8003", "海康威视", 4, SKILL_WEAK, 0,
     false, NULL},
    {SYS_WATER, IN_PLANT, PUMPS, "1号变频生活泵", "CDLF32-6", "南方泵业", 6, SKILL_WATER, 0, false,
     NULL},
    {SYS_WATER, IN_PLANT, PUMPS, "2号变频生活泵", "CDLF32-6", "南方泵业", 6, SKILL_WATER, 0, false,
     NULL},
    {SYS_WATER, IN_PLANT, PUMPS, "3号变频生活泵", "CDLF20-5", "南方泵业", 14, SKILL_WATER,
     ASSET_RETIRED, false, "已由新泵替换,待拆除"},
    {SYS_WATER, IN_PLANT, PUMPS, "变频控制柜", "ACS510", "ABB", 6, SKILL_WATER, 0, false, NULL},
    {SYS_WATER, IN_PLANT, RAIN_PUMPS, "1号雨水泵", "WQ100-10-5.5", "凯泉", 8, SKILL_WATER, 0, false,
     NULL},
    {SYS_WATER, IN_PLANT, RAIN_PUMPS, "2号雨水泵", "WQ100-10-5.5", "凯泉", 8, SKILL_WATER, 0, false,
     NULL},
    {SYS_WATER, IN_AREA, GARAGE, "1号排污泵", "WQ25-10-2.2", "凯泉", 5, SKILL_WATER, 0, false,
     NULL},
    {SYS_WATER, IN_AREA, GARAGE, "2号排污泵", "WQ25-10-2.2", "凯泉", 5, SKILL_WATER, 0, false,
     NULL},
    {SYS_FIRE, IN_PLANT, FIRE_PUMPS, "1号消火栓泵", "XBD10/30-L", "凯泉", 9, SKILL_FIRE, 0, false,
     "每月点动试验"},
    {SYS_FIRE, IN_PLANT, FIRE_PUMPS, "2号消火栓泵", "XBD10/30-L", "凯泉", 9, SKILL_FIRE, 0, false,
     "每月点动试验"},
    {SYS_FIRE, IN_PLANT, FIRE_PUMPS, "1号喷淋泵", "XBD9/30-L", "凯泉", 9, SKILL_FIRE, 0, false,
     NULL},
    {SYS_FIRE, IN_PLANT, FIRE_PUMPS, "2号喷淋泵", "XBD9/30-L", "凯泉", 9, SKILL_FIRE, 0, false,
     NULL},
    {SYS_FIRE, IN_PLANT, FIRE_PUMPS, "稳压泵", "25LG3-10", "凯泉", 9, SKILL_FIRE, ASSET_STOPPED,
     false, "机械密封渗水,等配件"},
    {SYS_FIRE, IN_PLANT, FIRE_ROOM, "火灾报警控制器", "JB-QG-GST5000", "海湾", 9, SKILL_FIRE, 0,
     false, NULL},
    {SYS_FIRE, IN_PLANT, SWITCHGEAR, "感烟探测器回路", "JTY-GM-GST9611", "海湾", 9, SKILL_FIRE, 0,
     false, NULL},
    {SYS_FIRE, IN_PLANT, CABLES, "感烟探测器回路", "JTY-GM-GST9611", "海湾", 9, SKILL_FIRE, 0,
     false, NULL},
    {SYS_POWER, IN_PLANT, SWITCHGEAR, "1号变压器", "SCB11-800/10", "特变电工", 9, SKILL_POWER, 0,
     false, NULL},
    {SYS_POWER, IN_PLANT, SWITCHGEAR, "2号变压器", "SCB11-800/10", "特变电工", 9, SKILL_POWER, 0,
     false, NULL},
    {SYS_POWER, IN_PLANT, SWITCHGEAR, "低压配电柜", "GCK", "正泰电器", 9, SKILL_POWER, 0, false,
     NULL},
    {SYS_POWER, IN_PLANT, SWITCHGEAR, "柴油发电机", "TZH-200", "康明斯", 9, SKILL_POWER, 0, false,
     "每月空载试机 15 分钟"},
    {SYS_SECURITY, IN_PLANT, CCTV, "监控录像主机", "DS-8664N", "海康威视", 3, SKILL_WEAK, 0, false,
     NULL},
    {SYS_SECURITY, IN_AREA, EAST_GATE, "枪式摄像机", "DS-2CD3T46", "海康威视", 3, SKILL_WEAK, 0,
     false, NULL},
    {SYS_SECURITY, IN_AREA, WEST_GATE, "枪式摄像机", "DS-2CD3T46", "海康威视", 3, SKILL_WEAK, 0,
     false, NULL},
    {SYS_SECURITY, IN_AREA, GARAGE, "1号半球摄像机", "DS-2CD3146", "海康威视", 3, SKILL_WEAK, 0,
     false, NULL},
    {SYS_SECURITY, IN_AREA, GARAGE, "2号半球摄像机", "DS-2CD3146", "海康威视", 3, SKILL_WEAK, 0,
     false, NULL},
    {SYS_SECURITY, IN_AREA, BIKES, "枪式摄像机", "DS-2CD3T46", "海康威视", 1, SKILL_WEAK, 0, false,
     NULL},
    {SYS_SECURITY, IN_AREA, PLAYGROUND, "球形摄像机", "DS-2DE4425", "海康威视", 1, SKILL_WEAK, 0,
     false, NULL},
    {SYS_PARKING, IN_AREA, EAST_GATE, "入口道闸", "DZ-2000", "捷顺科技", 4, SKILL_WEAK, 0, true,
     NULL},
    {SYS_PARKING, IN_AREA, EAST_GATE, "出口道闸", "DZ-2000", "捷顺科技", 4, SKILL_WEAK, 0, true,
     NULL},
    {SYS_PARKING, IN_AREA, WEST_GATE, "入口道闸", "DZ-2000", "捷顺科技", 4, SKILL_WEAK, 0, false,
     NULL},
    {SYS_PARKING, IN_AREA, WEST_GATE, "出口道闸", "DZ-2000", "捷顺科技", 4, SKILL_WEAK, 0, false,
     NULL},
    {SYS_HVAC, IN_AREA, GARAGE, "1号排风机", "HTF-Ⅰ-9", "上虞风机", 9, SKILL_POWER, 0, false, NULL},
    {SYS_HVAC, IN_AREA, GARAGE, "2号排风机", "HTF-Ⅰ-9", "上虞风机", 9, SKILL_POWER, 0, false, NULL},
    {SYS_LIGHTING, IN_AREA, GARDEN, "庭院灯回路", "LED 30W×18", "欧普照明", 2, SKILL_POWER, 0,
     false, NULL},
    {SYS_LIGHTING, IN_AREA, ROAD, "路灯回路", "LED 60W×24", "欧普照明", 2, SKILL_POWER, 0, false,
     NULL},
    {SYS_AMENITY, IN_AREA, FITNESS, "室外健身器材(8件)", "国标组合", "舒华体育", 1, SKILL_CARPENTRY,
     0, true, NULL},
    {SYS_AMENITY, IN_AREA, PLAYGROUND, "组合滑梯", "HX-1207", "万德游乐", 1, SKILL_CARPENTRY, 0,
     true, NULL},
};

/* Whoever has the skill; the first of them, so that it is the same again. */
static struct val in_hands(const struct town *t, int skill)
{
    for (int i = 0; i < t->nmembers; i++)
        if (t->members[i].role == ROLE_WORKER && t->members[i].skills >> skill & 1)
            return v_int(t->members[i].id);
    return v_null();
}

static void thing_new(struct demo *d, struct town *t, const struct kind *k, const struct place *at,
                      int *count)
{
    struct val *v = row_new(d, &d->assets, t->id, d->start_ms);
    struct date now = date_of_days(d->today), since = {now.y - k->years, 1 + at->building % 9, 16};
    int n = ++count[k->system];
    v[EQ_CODE] = v_text(text_of(d, "%s-%04d", asset_series(k->system), n));
    v[EQ_NAME] = v_text(text_of(d, PRS "%s", PRA(at->path), k->name));
    v[EQ_SYSTEM] = v_int(k->system);
    v[EQ_SPACE] = v_int(at->id);
    v[EQ_STATE] = v_int(k->state ? k->state : ASSET_IN_USE);
    v[EQ_MODEL] = v_text(str_of(k->model));
    v[EQ_MAKER] = v_text(str_of(k->maker));
    v[EQ_SERIAL] =
        v_text(text_of(d, "%s%04d%05d", asset_series(k->system), since.y, 10427 + 37 * n));
    v[EQ_INSTALLED] = v_text(date_text(d->mem, since));
    since.y += WARRANTY_YEARS;
    v[EQ_WARRANTY] = v_text(date_text(d->mem, since));
    v[EQ_STAFF] = in_hands(t, k->skill);
    v[EQ_NOTE] = k->note ? v_text(str_of(k->note)) : v_null();
    struct thing *one = &t->things.v[t->things.n++];
    *one = (struct thing){v[R_ID].i, at->id, k->system,
                          k->sign && (k->where != EVERY_ENTRANCE || n <= 2)};
    if (k->state == ASSET_RETIRED)
        one->system = 0; /* no ticket is about it */
}

void assets_make(struct demo *d, struct town *t)
{
    int count[SYS_OTHER + 1] = {0};
    t->things.v = arena_get(d->mem, (t->entrances.n * 2 + COUNT_OF(kinds)) * sizeof *t->things.v);
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const struct kind *k = &kinds[i];
        if (k->where == EVERY_ENTRANCE)
            for (size_t e = 0; e < t->entrances.n; e++)
                thing_new(d, t, k, &t->entrances.v[e], count);
        else
            thing_new(d, t, k, &(k->where == IN_AREA ? t->areas : t->plants).v[k->spot], count);
    }
    for (int s = SYS_LIFT; s <= SYS_OTHER; s++) {
        if (!count[s])
            continue;
        struct val *v = row_raw(d, &d->series);
        v[0] = v_int(t->id);
        v[1] = v_text(str_of(asset_series(s)));
        v[2] = v_int(count[s] + 1);
    }
}

int64_t asset_of(const struct town *t, int category, int64_t space_id, int lot)
{
    static const int systems[CAT__ALL] = {
        [CAT_LIFT] = SYS_LIFT,      [CAT_INTERCOM] = SYS_ACCESS, [CAT_GATE] = SYS_PARKING,
        [CAT_FIRE] = SYS_FIRE,      [CAT_BOOSTER] = SYS_WATER,   [CAT_CAMERA] = SYS_SECURITY,
        [CAT_LIGHT] = SYS_LIGHTING, [CAT_PUBLIC] = SYS_AMENITY};
    int64_t fit[16];
    int n = 0;
    for (size_t i = 0; i < t->things.n && n < (int)COUNT_OF(fit); i++)
        if (t->things.v[i].space_id == space_id && t->things.v[i].system &&
            t->things.v[i].system == systems[category])
            fit[n++] = t->things.v[i].id;
    return n && lot % 4 ? fit[lot % n] : 0; /* now and then the desk did not ask which */
}

enum err signs_write(struct ctx *c, struct tx *tx, const struct demo *d)
{
    const struct town *t = &d->towns[0];
    for (size_t i = 0; i < t->things.n; i++) {
        struct row asset;
        struct str code;
        int64_t id;
        if (!t->things.v[i].sign)
            continue;
        TRY(res_load(c, tx, &res_asset, t->things.v[i].id, &asset));
        TRY(sign_make(c, tx, &res_asset, &asset, false, &id, &code));
    }
    return E_OK;
}
