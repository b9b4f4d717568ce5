/* demo_names.c - names, phone numbers and number plates that look real and belong to nobody. Family
 * names in the order of their frequency: data/names_zh, Apache-2.0 (see docs/demo.md). Phones begin
 * with 160, 161, 163 or 164, which no operator has been given; plates with a letter that no city of
 * the province has. */
#include "main/demo_in.h"

static const char families[] = "王李张刘陈杨黄吴赵周徐孙马朱胡林郭何高罗郑梁谢宋唐许邓冯韩曹曾彭肖"
                               "蔡潘田董袁于余蒋叶杜苏魏程吕丁沈任姚卢"
                               "钟姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白毛江闫薛尹付段雷黎史龙"
                               "钱贺陶顾龚郝邵万严洪赖武傅莫孔汤向常"
                               "温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟申殷詹欧耿关覃兰焦俞左"
                               "柳甘祝包代宁符阮尚舒纪柯梅童";
static const char first_chars[] =
    "建国志文明晓小玉秀海春永德家俊思子雨佳欣美丽红云龙世宇浩嘉立学正庆振兴雅静慧婉若梓一";
static const char second_chars[] =
    "华强军平伟芳敏静磊涛杰娟勇艳鹏辉超霞波斌玲琴飞峰丽燕兰英梅洁琳萍宁轩涵怡彤睿然航泽晨欣妍博";

static struct str hanzi(const char *chars, size_t i)
{
    return (struct str){chars + 3 * i, 3};
}

/* The n-th family name is about 1 / (n + 12) as frequent: close to the census. */
static struct str family_name(struct demo *d)
{
    size_t n = (sizeof families - 1) / 3;
    int64_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += 1000000 / (int64_t)(i + 12);
    int64_t at = prng_range(&d->g, 0, total - 1);
    for (size_t i = 0; i < n; i++) {
        at -= 1000000 / (int64_t)(i + 12);
        if (at < 0)
            return hanzi(families, i);
    }
    return hanzi(families, 0);
}

struct str person_name(struct demo *d)
{
    struct str family = family_name(d);
    struct str a = hanzi(first_chars, (size_t)pick(d, 0, (int)(sizeof first_chars - 1) / 3 - 1));
    struct str b = hanzi(second_chars, (size_t)pick(d, 0, (int)(sizeof second_chars - 1) / 3 - 1));
    if (chance(d, 150) || str_eq(a, b))
        return text_of(d, PRS PRS, PRA(family), PRA(b));
    return text_of(d, PRS PRS PRS, PRA(family), PRA(a), PRA(b));
}

/* Counting by a prime through the numbers makes each one once. */
struct str phone_new(struct demo *d)
{
    static const int prefix[] = {160, 161, 163, 164};
    int64_t n = (int64_t)++d->phones * 48271393 % 100000000;
    return text_of(d, "%d%08lld", prefix[pick(d, 0, 3)], (long long)n);
}

struct str plate_new(struct demo *d)
{
    static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ";
    int64_t n = (int64_t)++d->plates * 7919 % 100000;
    if (chance(d, 300)) /* new energy: one more character */
        return text_of(d, "苏P·D%05lld", (long long)n);
    return text_of(d, "苏P·%c%04lld", letters[n / 10000 * 2 + pick(d, 0, 1)],
                   (long long)(n % 10000));
}
