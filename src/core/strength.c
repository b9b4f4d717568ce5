/* strength.c - see strength.h. */
#include "core/strength.h"

#include <zxcvbn.h>

enum { OWN_MAX = 8, SHORTEST_WORD = 3 };

/* What people here add to what the library knows: the trade, and Chinese phrases in pinyin. */
static const char *const local[] = {
    "anju",      "wuye",         "xiaoqu",    "yezhu",    "guanli",  "fuwu",    "woaini",
    "woaiwojia", "woaizhongguo", "wodemima",  "mima",     "nihao",   "laopo",   "laogong",
    "baobei",    "zhongguo",     "huawei",    "baidu",    "taobao",  "weixin",  "alipay",
    "beijing",   "shanghai",     "guangzhou", "shenzhen", "5201314", "1314520", "zhang",
    "wang",      "zhao",         "chen",      "yang",     "huang",   "zhou",    "property"};

double strength_bits(struct arena *a, struct str password, const struct str *own, int nown)
{
    const char *words[COUNT_OF(local) + OWN_MAX + 1];
    size_t n = 0;
    for (size_t i = 0; i < COUNT_OF(local); i++)
        words[n++] = local[i];
    for (int i = 0; i < nown && i < OWN_MAX; i++)
        if (own[i].n >= SHORTEST_WORD)
            words[n++] = str_z(a, own[i]);
    words[n] = NULL;
    return ZxcvbnMatch(str_z(a, password), words, NULL);
}
