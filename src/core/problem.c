/* problem.c - every error answer, in one shape: RFC 9457 problem+json with stable codes and words
 * in the caller's language. */
#include "core/core.h"

static const struct text titles[E__N] = {
    [E_SYNTAX] = {"请求无法读取", "The request cannot be read"},
    [E_UNAUTH] = {"请先登录", "Please log in"},
    [E_DENIED] = {"没有权限", "Not allowed"},
    [E_PASSWORD] = {"请先修改初始密码", "Change your first password"},
    [E_CSRF] = {"页面已过期,请刷新", "The page is out of date; reload it"},
    [E_MISSING] = {"没有找到", "Not found"},
    [E_METHOD] = {"不支持的方法", "Method not allowed"},
    [E_CONFLICT] = {"别人先改了", "Someone changed it first"},
    [E_STATE] = {"现在不能做这一步", "Not possible in this state"},
    [E_EXISTS] = {"已经有了", "There is one already"},
    [E_REPLAY] = {"重复的请求编号", "This request key was used before"},
    [E_TOOBIG] = {"内容太大", "Too large"},
    [E_TYPE] = {"不支持的内容类型", "Unsupported content type"},
    [E_INVALID] = {"有字段没有填对", "Some fields are not right"},
    [E_PRECOND] = {"缺少版本号", "The version is missing"},
    [E_RATE] = {"请求太多,请稍候", "Too many requests; wait a moment"},
    [E_DB] = {"服务器出错,没有改动任何数据", "Server error; nothing was changed"},
    [E_INTERNAL] = {"服务器出错,没有改动任何数据", "Server error; nothing was changed"},
    [E_IO] = {"外部系统没有响应", "A neighbouring system failed"},
    [E_BUSY] = {"系统忙,没有改动任何数据,请重试", "Busy; nothing was changed, try again"},
    [E_FULL] = {"磁盘已满,没有改动任何数据:请腾出空间后再试",
                "The disk is full; nothing was changed: free some space, then try again"},
    [E_RETRY] = {"系统忙,请重试", "Busy; try again"},
};

static void problem_fields(const struct fault *f, struct buf *b)
{
    if (!f->nfields)
        return;
    buf_put(b, S(",\"fields\":["));
    for (int i = 0; i < f->nfields; i++) {
        buf_put(b, i ? S(",{\"field\":") : S("{\"field\":"));
        buf_json(b, str_of(f->fields[i].field));
        buf_fmt(b, ",\"code\":\"%s\",\"message\":", f->fields[i].code);
        buf_json(b, f->fields[i].message);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

struct str problem_json(struct ctx *c, struct arena *a, enum err e)
{
    struct buf b;
    struct str detail = c->fault.message;
    buf_init(&b, a, 64 << 10);
    buf_fmt(&b, "{\"type\":\"about:blank\",\"title\":");
    buf_json(&b, str_of(text_in(titles[e], c->lang)));
    buf_fmt(&b, ",\"status\":%d,\"code\":\"%s\",\"detail\":", err_status(e), err_key(e));
    if (c->fault.nfields && !detail.n)
        detail = c->fault.fields[0].message;
    buf_json(&b, detail);
    problem_fields(&c->fault, &b);
    if ((e == E_CONFLICT || e == E_STATE) && c->fault.current_version)
        buf_fmt(&b, ",\"current_version\":%lld", (long long)c->fault.current_version);
    buf_fmt(&b, ",\"trace_id\":\"%s\"}", c->trace_id);
    return buf_str(&b);
}

struct str problem_status(struct arena *a, int status)
{
    enum err e = E_INTERNAL;
    for (int i = E_OK + 1; i < E_RETRY; i++)
        if (err_status((enum err)i) == status) {
            e = (enum err)i;
            break;
        }
    const char *key = status == 431 ? "head_too_large" : status == 408 ? "timeout" : err_key(e);
    return arena_fmt(a, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"code\":\"%s\"}",
                     status < 500 && e == E_INTERNAL ? "The request cannot be read"
                                                     : text_in(titles[e], LANG_EN),
                     status, key);
}
