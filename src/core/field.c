/* field.c - values in and out by the field table: JSON, text cells, masks. One reader, so every
 * body, form, filter and import row obeys the same rules; it collects all errors of a row instead
 * of stopping at the first. */
#include "core/field.h"

#include <string.h>

#include "base/num.h"

int field_find(const struct field *fields, int n, struct str name)
{
    for (int i = 0; i < n; i++)
        if (str_eqz(name, fields[i].name))
            return i;
    return -1;
}

const struct choice *choice_of_code(const struct choice *list, int64_t code)
{
    for (const struct choice *ch = list; ch && ch->key; ch++)
        if (ch->code == code)
            return ch;
    return NULL;
}

const struct choice *choice_of_key(const struct choice *list, struct str key)
{
    for (const struct choice *ch = list; ch && ch->key; ch++)
        if (str_eqz(key, ch->key))
            return ch;
    return NULL;
}

const char *field_type_name(enum ftype t)
{
    static const char *const names[] = {
        [F_ID] = "id",           [F_INT] = "int",           [F_BOOL] = "bool",
        [F_MONEY] = "money",     [F_AREA] = "area",         [F_QTY] = "qty",
        [F_TEXT] = "text",       [F_LONGTEXT] = "longtext", [F_PHONE] = "phone",
        [F_ENUM] = "enum",       [F_REF] = "ref",           [F_DATE] = "date",
        [F_INSTANT] = "instant", [F_SECRET] = "secret",     [F_JSON] = "json",
        [F_EMAIL] = "email",
    };
    return names[t];
}

enum col_type field_column(enum ftype t)
{
    switch (t) {
    case F_TEXT:
    case F_LONGTEXT:
    case F_PHONE:
    case F_EMAIL:
    case F_DATE:
    case F_SECRET:
    case F_JSON: return COL_TEXT;
    default: return COL_INT;
    }
}

static bool is_text(enum ftype t)
{
    return t == F_TEXT || t == F_LONGTEXT || t == F_PHONE || t == F_EMAIL || t == F_SECRET ||
           t == F_JSON;
}

int64_t field_min(const struct field *f)
{
    return f->min;
}

int64_t field_max(const struct field *f)
{
    if (f->max)
        return f->max;
    switch (f->type) {
    case F_TEXT: return TEXT_DEFAULT_MAX;
    case F_PHONE: return 20;
    case F_EMAIL: return EMAIL_MAX;
    case F_SECRET: return 128;
    case F_LONGTEXT:
    case F_JSON: return LONGTEXT_DEFAULT_MAX;
    case F_BOOL: return 1;
    default: return INT64_C(9007199254740991); /* 2^53 - 1: safe in JSON */
    }
}

/* --- checks of one value --- */

static enum err bad_type(struct ctx *c, const struct field *f)
{
    return FAIL_FIELD(c, f->name, "type", "类型不对,应为 %s", "wrong type, expected %s",
                      field_type_name(f->type));
}

/* Digits with an optional leading +, 3 to 20 of them; separators people write are dropped. */
static enum err phone_clean(struct ctx *c, const struct field *f, struct str s, struct val *ret)
{
    char d[24];
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        bool keep = (ch >= '0' && ch <= '9') || (ch == '+' && n == 0);
        bool skip = ch == ' ' || ch == '-' || ch == '(' || ch == ')';
        if (!keep && !skip)
            return FAIL_FIELD(c, f->name, "format", "电话号码只能有数字",
                              "a phone number has digits only");
        if (keep && n == 20)
            return FAIL_FIELD(c, f->name, "max", "电话号码太长", "the phone number is too long");
        if (keep)
            d[n++] = ch;
    }
    if (n < 3)
        return FAIL_FIELD(c, f->name, "min", "电话号码太短", "the phone number is too short");
    *ret = v_text(str_dup(c->mem, (struct str){d, n}));
    return E_OK;
}

static bool is_host_label(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') &&
            (s.p[i] != '-' || i == 0 || i == s.n - 1))
            return false;
    return s.n > 0 && s.n <= 63;
}

/* The part before the @ as RFC 5322 has it without quotes (dot-atom). */
static bool is_local_part(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        bool dot = ch == '.' && i > 0 && i < s.n - 1 && s.p[i - 1] != '.';
        if (!(ch >= 'a' && ch <= 'z') && !(ch >= '0' && ch <= '9') && !dot &&
            (!strchr("!#$%&'*+-/=?^_`{|}~", ch) || ch == 0))
            return false;
    }
    return s.n > 0 && s.n <= 64 && s.p[0] != '-'; /* nor is it ever taken for an option */
}

bool email_clean(struct arena *a, struct str s, struct str *ret)
{
    char *p = arena_get(a, EMAIL_MAX + 1);
    if (s.n > EMAIL_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++)
        p[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]);
    struct str domain = {p, s.n}, local = str_next(&domain, '@');
    *ret = (struct str){p, s.n};
    if (!is_local_part(local) || !domain.p)
        return false;
    int labels = 0;
    for (; domain.p; labels++)
        if (!is_host_label(str_next(&domain, '.')))
            return false;
    return labels >= 2;
}

static enum err email_check(struct ctx *c, const struct field *f, struct str s, struct val *ret)
{
    struct str clean;
    if (!email_clean(c->mem, s, &clean))
        return FAIL_FIELD(c, f->name, "format", "邮箱应形如 name@example.com",
                          "an e-mail address looks like name@example.com");
    *ret = v_text(clean);
    return E_OK;
}

static enum err text_check(struct ctx *c, const struct field *f, struct str s, struct val *ret)
{
    if (!utf8_valid(s) || str_has_nul(s))
        return FAIL_FIELD(c, f->name, "format", "含有无法保存的字符",
                          "holds characters that cannot be stored");
    struct str t = f->type == F_SECRET || f->type == F_JSON ? s : str_trim(s);
    if (f->type == F_TEXT)
        for (size_t i = 0; i < t.n; i++)
            if ((unsigned char)t.p[i] < 0x20)
                return FAIL_FIELD(c, f->name, "format", "只能是一行文字",
                                  "must be one line of text");
    if (t.n == 0) {
        *ret = v_null();
        return E_OK;
    }
    int64_t len = (int64_t)utf8_len(t);
    if (len < f->min)
        return FAIL_FIELD(c, f->name, "min", "至少 %lld 个字", "at least %lld characters",
                          (long long)f->min);
    if (len > field_max(f))
        return FAIL_FIELD(c, f->name, "max", "最多 %lld 个字,现有 %lld 个",
                          "at most %lld characters, there are %lld", (long long)field_max(f),
                          (long long)len);
    if (f->type == F_PHONE)
        return phone_clean(c, f, t, ret);
    if (f->type == F_EMAIL)
        return email_check(c, f, t, ret);
    *ret = v_text(str_dup(c->mem, t));
    return E_OK;
}

static enum err int_check(struct ctx *c, const struct field *f, int64_t i, struct val *ret)
{
    bool limited = f->min || f->max;
    if (limited && i < f->min)
        return FAIL_FIELD(c, f->name, "min", "不能小于 %lld", "must not be below %lld",
                          (long long)f->min);
    if (i > field_max(f))
        return FAIL_FIELD(c, f->name, "max", "不能大于 %lld", "must not be above %lld",
                          (long long)field_max(f));
    if (i < -field_max(f))
        return FAIL_FIELD(c, f->name, "min", "数值太小", "the number is too small");
    if ((f->type == F_REF || f->type == F_ID) && i <= 0)
        return FAIL_FIELD(c, f->name, "ref", "编号无效", "not a valid id");
    *ret = v_int(i);
    return E_OK;
}

static enum err enum_check(struct ctx *c, const struct field *f, struct str key, struct val *ret)
{
    const struct choice *ch = choice_of_key(f->choices, key);
    if (ch) {
        *ret = v_int(ch->code);
        return E_OK;
    }
    struct buf b;
    buf_init(&b, c->mem, 1000);
    for (ch = f->choices; ch && ch->key; ch++) {
        if (b.n)
            buf_putc(&b, ' ');
        buf_putz(&b, ch->key);
    }
    return FAIL_FIELD(c, f->name, "choice", "只能是: " PRS, "must be one of: " PRS,
                      PRA(buf_str(&b)));
}

static enum err date_check(struct ctx *c, const struct field *f, struct str s, struct val *ret)
{
    struct date d;
    if (!date_parse(s, &d))
        return FAIL_FIELD(c, f->name, "format", "日期应为 年-月-日,如 2026-01-31",
                          "a date looks like 2026-01-31");
    *ret = v_text(date_text(c->mem, d));
    return E_OK;
}

static enum err instant_check(struct ctx *c, const struct field *f, struct str s, struct val *ret)
{
    int64_t ms;
    if (!instant_parse(s, &ms))
        return FAIL_FIELD(c, f->name, "format", "时间应带时区,如 2026-01-31T08:00:00+08:00",
                          "a time carries its offset, like 2026-01-31T08:00:00+08:00");
    *ret = v_int(ms);
    return E_OK;
}

static enum err value_of_json(struct ctx *c, const struct field *f, const struct json *j,
                              struct val *ret)
{
    enum json_type t = json_type(j);
    if (t == JSON_NULL) {
        *ret = v_null();
        return E_OK;
    }
    switch (f->type) {
    case F_BOOL:
        if (t != JSON_BOOL)
            return bad_type(c, f);
        *ret = v_int(json_int(j));
        return E_OK;
    case F_ID:
    case F_INT:
    case F_MONEY:
    case F_AREA:
    case F_QTY:
    case F_REF: return t == JSON_INT ? int_check(c, f, json_int(j), ret) : bad_type(c, f);
    case F_ENUM: return t == JSON_STRING ? enum_check(c, f, json_str(j), ret) : bad_type(c, f);
    case F_DATE: return t == JSON_STRING ? date_check(c, f, json_str(j), ret) : bad_type(c, f);
    case F_INSTANT:
        return t == JSON_STRING ? instant_check(c, f, json_str(j), ret) : bad_type(c, f);
    case F_JSON: {
        if (t != JSON_OBJECT && t != JSON_ARRAY)
            return bad_type(c, f);
        struct buf b;
        buf_init(&b, c->mem, 64 << 10);
        buf_json_value(&b, j);
        return b.full ? FAIL_FIELD(c, f->name, "max", "内容太大", "too large")
                      : text_check(c, f, buf_str(&b), ret);
    }
    default: return t == JSON_STRING ? text_check(c, f, json_str(j), ret) : bad_type(c, f);
    }
}

/* --- rows --- */

static bool is_extra(const char *const *extra, const char *name)
{
    for (; extra && *extra; extra++)
        if (str_eqz(str_of(*extra), name))
            return true;
    return false;
}

static void read_member(struct ctx *c, const struct field *fields, int n, const char *key,
                        const struct json *j, enum read_mode mode, struct row *ret)
{
    int i = field_find(fields, n, str_of(key));
    if (i < 0 || fields[i].flags & HIDDEN) {
        (void)FAIL_FIELD(c, str_z(c->mem, utf8_head(str_of(key), 64)), "unknown", "没有这个字段",
                         "no such field");
        return;
    }
    const struct field *f = &fields[i];
    if (f->flags & SERVER_SET) {
        (void)FAIL_FIELD(c, f->name, "read_only", "由系统填写", "set by the system");
        return;
    }
    if (mode == READ_PATCH && f->flags & CREATE_ONLY) {
        (void)FAIL_FIELD(c, f->name, "create_only", "创建后不能修改",
                         "cannot be changed after creation");
        return;
    }
    struct val v;
    if (value_of_json(c, f, j, &v) != E_OK)
        return;
    if (v.t == V_NULL && mode == READ_PATCH && f->flags & REQUIRED) {
        (void)FAIL_FIELD(c, f->name, "required", "必填", "required");
        return;
    }
    row_put(ret, i, v);
}

enum err fields_read(struct ctx *c, const struct field *fields, int n, const struct json *body,
                     enum read_mode mode, const char *const *extra, struct row *ret)
{
    ASSERT(n <= ROW_FIELDS_MAX);
    *ret = (struct row){0};
    if (!body || json_type(body) != JSON_OBJECT)
        return FAIL(c, E_SYNTAX, "请求体应为 JSON 对象", "the body must be a JSON object");
    int before = c->fault.nfields;
    for (void *it = json_first(body); it; it = json_next(body, it))
        if (!is_extra(extra, json_key(it)))
            read_member(c, fields, n, json_key(it), json_value(it), mode, ret);
    for (int i = 0; i < n && mode != READ_PATCH; i++) {
        if (!(fields[i].flags & REQUIRED) || row_has(ret, i))
            continue;
        bool told = false; /* a wrong value was told already */
        for (int k = before; k < c->fault.nfields; k++)
            told |= str_eqz(str_of(c->fault.fields[k].field), fields[i].name);
        if (!told)
            (void)FAIL_FIELD(c, fields[i].name, "required", "必填", "required");
    }
    return c->fault.nfields > before ? E_INVALID : E_OK;
}

static enum err bool_of_text(struct ctx *c, const struct field *f, struct str s, struct val *ret)
{
    static const char *const yes[] = {"1", "true", "yes", "是"};
    static const char *const no[] = {"0", "false", "no", "否"};
    for (size_t i = 0; i < COUNT_OF(yes); i++) {
        if (str_eqz(s, yes[i]))
            return *ret = v_int(1), E_OK;
        if (str_eqz(s, no[i]))
            return *ret = v_int(0), E_OK;
    }
    return bad_type(c, f);
}

static enum err number_of_text(struct ctx *c, const struct field *f, struct str s, int scale,
                               struct val *ret)
{
    int64_t i;
    if (!num_parse(s, scale, &i))
        return FAIL_FIELD(c, f->name, "format", "应为数字", "must be a number");
    return int_check(c, f, i, ret);
}

enum err field_of_text(struct ctx *c, const struct field *f, struct str cell, const struct zone *z,
                       struct val *ret)
{
    struct str s = str_trim(cell);
    if (s.n == 0 || (!is_text(f->type) && str_eqz(s, "null"))) {
        *ret = v_null();
        return E_OK;
    }
    if (!utf8_valid(s))
        return FAIL_FIELD(c, f->name, "format", "不是有效的 UTF-8 文字", "not valid UTF-8 text");
    switch (f->type) {
    case F_BOOL: return bool_of_text(c, f, s, ret);
    case F_MONEY:
    case F_AREA: return number_of_text(c, f, s, 2, ret);
    case F_QTY: return number_of_text(c, f, s, 3, ret);
    case F_ID:
    case F_INT:
    case F_REF: return number_of_text(c, f, s, 0, ret);
    case F_ENUM:
        for (const struct choice *ch = f->choices; ch && ch->key; ch++)
            if (str_eqz(s, ch->label.zh) || str_eqz(s, ch->label.en))
                return *ret = v_int(ch->code), E_OK;
        return enum_check(c, f, s, ret);
    case F_DATE: return date_check(c, f, s, ret);
    case F_INSTANT:
        if (z && s.n == 16 && instant_parse_format(s, "%Y-%m-%d %H:%M", z, &ret->i))
            return *ret = v_int(ret->i), E_OK;
        return instant_check(c, f, s, ret);
    default: return text_check(c, f, cell, ret);
    }
}

void field_to_text(struct buf *b, const struct field *f, struct val v, const struct zone *z)
{
    if (v.t == V_NULL)
        return;
    switch (f->type) {
    case F_MONEY:
    case F_AREA: buf_num(b, v.i, 2); return;
    case F_QTY: buf_num(b, v.i, 3); return;
    case F_ENUM: {
        const struct choice *ch = choice_of_code(f->choices, v.i);
        if (ch)
            buf_putz(b, ch->key);
        return;
    }
    case F_INSTANT: buf_instant(b, v.i, z); return;
    default:
        if (v.t == V_INT)
            buf_int(b, v.i);
        else
            buf_put(b, val_str(v));
    }
}

void field_to_json(struct buf *b, const struct field *f, struct val v, const struct zone *z)
{
    if (v.t == V_NULL) {
        buf_put(b, S("null"));
        return;
    }
    switch (f->type) {
    case F_BOOL: buf_put(b, v.i ? S("true") : S("false")); return;
    case F_ENUM: {
        const struct choice *ch = choice_of_code(f->choices, v.i);
        if (!ch) {
            buf_put(b, S("null"));
            return;
        }
        buf_putc(b, '"');
        buf_putz(b, ch->key);
        buf_putc(b, '"');
        return;
    }
    case F_INSTANT:
        buf_putc(b, '"');
        buf_instant(b, v.i, z);
        buf_putc(b, '"');
        return;
    case F_JSON: buf_put(b, val_str(v)); return;
    default:
        if (v.t == V_INT)
            buf_int(b, v.i);
        else
            buf_json(b, val_str(v));
    }
}

/* 110***********002X: the first three and the last four, a star for each of the others. */
static void masked_id(struct buf *b, struct str s)
{
    size_t chars = utf8_len(s), head = chars >= 11 ? 3 : 1, tail = chars >= 11 ? 4 : 0;
    buf_put(b, utf8_head(s, head));
    for (size_t i = head; i + tail < chars; i++)
        buf_putc(b, '*');
    struct str front = utf8_head(s, chars - tail);
    buf_put(b, str_sub(s, front.n, s.n));
}

void buf_masked(struct buf *b, const struct field *f, struct str s)
{
    size_t chars = utf8_len(s);
    if (f->flags & ENCRYPTED) {
        masked_id(b, s);
        return;
    }
    if (f->type == F_EMAIL) { /* w***@qq.com: who reads it aloud can still tell two apart */
        struct str domain = s;
        (void)str_next(&domain, '@');
        buf_put(b, utf8_head(s, 1));
        buf_put(b, S("***@"));
        buf_put(b, domain);
        return;
    }
    bool phone = f->type == F_PHONE && chars >= 11; /* of a shorter one 3 + 4 would be nearly all */
    struct str head = utf8_head(s, phone ? 3 : f->type == F_PHONE ? 0 : 1);
    buf_put(b, head);
    for (size_t i = 0; i < (phone ? 4 : 2); i++)
        buf_putc(b, '*');
    if (phone)
        buf_put(b, str_sub(s, s.n - 4, 4));
}

void buf_text_pair(struct buf *b, struct text t)
{
    buf_putc(b, '[');
    buf_json(b, str_of(t.zh));
    buf_putc(b, ',');
    buf_json(b, str_of(t.en ? t.en : t.zh));
    buf_putc(b, ']');
}

static void meta_choices(struct buf *b, const struct choice *list)
{
    buf_put(b, S(",\"choices\":["));
    for (const struct choice *ch = list; ch->key; ch++) {
        buf_fmt(b, "%s{\"key\":\"%s\",\"label\":", ch == list ? "" : ",", ch->key);
        buf_text_pair(b, ch->label);
        buf_fmt(b, ",\"tone\":\"%s\"}", ch->tone ? ch->tone : "grey");
    }
    buf_putc(b, ']');
}

void field_to_meta(struct buf *b, const struct field *f)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } flags[] = {{REQUIRED, "required"},
                 {FILTER, "filter"},
                 {SORT, "sort"},
                 {SEARCH, "search"},
                 {SERVER_SET, "server_set"},
                 {CREATE_ONLY, "create_only"},
                 {PERSONAL, "personal"},
                 {LIST, "list"}};
    buf_fmt(b, "{\"name\":\"%s\",\"type\":\"%s\",\"label\":", f->name, field_type_name(f->type));
    buf_text_pair(b, f->label);
    if (f->help.zh) {
        buf_put(b, S(",\"help\":"));
        buf_text_pair(b, f->help);
    }
    for (size_t i = 0; i < COUNT_OF(flags); i++)
        if (f->flags & flags[i].flag)
            buf_fmt(b, ",\"%s\":true", flags[i].name);
    if (f->min || f->max)
        buf_fmt(b, ",\"min\":%lld,\"max\":%lld", (long long)f->min, (long long)field_max(f));
    else if (is_text(f->type))
        buf_fmt(b, ",\"max\":%lld", (long long)field_max(f));
    if (f->ref)
        buf_fmt(b, ",\"ref\":\"%s\"", f->ref);
    if (f->choices)
        meta_choices(b, f->choices);
    buf_putc(b, '}');
}
