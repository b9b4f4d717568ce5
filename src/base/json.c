/* json.c - the only file that knows jansson. A struct json is a jansson value; the root's reference
 * belongs to the arena. Depth and the number of values are counted over the raw text first, so a
 * hostile document costs nothing. Must not use jansson's json_is_* macros: its enum names are
 * renamed below because the house has its own. */
#define json_type    jansson_type
#define json_real    jansson_real
#define JSON_OBJECT  JANSSON_OBJECT
#define JSON_ARRAY   JANSSON_ARRAY
#define JSON_STRING  JANSSON_STRING
#define JSON_INTEGER JANSSON_INTEGER
#define JSON_REAL    JANSSON_REAL
#define JSON_TRUE    JANSSON_TRUE
#define JSON_FALSE   JANSSON_FALSE
#define JSON_NULL    JANSSON_NULL
#include <jansson.h>
#undef json_type
#undef json_real
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_INTEGER
#undef JSON_REAL
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL

#include "base/json.h"
#include "base/thread.h"
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 32 << 20, VALUES_MAX = 1 << 18 };

_Static_assert(sizeof(json_int_t) == sizeof(int64_t), "integers are 64 bits wide");

static const json_t *of(const struct json *j)
{
    return (const json_t *)j;
}

static const struct json *to(const json_t *j)
{
    return (const struct json *)j;
}

/* jansson often reports a failed allocation as bad syntax, so it is noted where it happens. Its
 * lexer (2.14) may even assert when a text of many bytes a character cannot grow: so a second try,
 * whose success changes nothing: what was read is thrown away. */
static _Thread_local bool starved;

static void *jansson_get(size_t n)
{
    void *p = heap_try(n);
    starved |= p == NULL;
    return p ? p : heap_try(n);
}

static void jansson_start(void)
{
    json_set_alloc_funcs(jansson_get, heap_free);
    json_object_seed(0); /* from the system's randomness, against chosen hash collisions */
}

static void root_free(void *root)
{
    json_decref(root);
}

static const struct {
    enum json_error_code code;
    struct text why;
} reasons[] = {
    {json_error_premature_end_of_input, TEXT("内容不完整", "the text ends too early")},
    {json_error_invalid_utf8, TEXT("不是有效的 UTF-8", "not valid UTF-8")},
    {json_error_null_character, TEXT("不允许 U+0000", "U+0000 is not allowed")},
    {json_error_null_byte_in_key, TEXT("不允许 U+0000", "U+0000 is not allowed")},
    {json_error_duplicate_key, TEXT("键重复", "duplicate key")},
    {json_error_numeric_overflow, TEXT("数字过大", "number out of range")},
    {json_error_end_of_input_expected, TEXT("结尾有多余内容", "text after the end")},
    {json_error_stack_overflow, TEXT("嵌套过深", "nested too deeply")},
};

static enum err fail_position(struct ctx *c, int line, int column, struct text why)
{
    return FAIL(c, E_SYNTAX, "JSON 第 %d 行第 %d 列有误：%s", "JSON line %d, column %d: %s", line,
                column, text_in(why, c->lang));
}

static enum err fail_jansson(struct ctx *c, const json_error_t *e)
{
    enum json_error_code code = json_error_code(e);
    if (starved)
        return FAIL(c, E_BUSY, "内存不足，请稍后再试", "out of memory; try again");
    struct text why = TEXT("格式不正确", "not as JSON is written");
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        if (reasons[i].code == code)
            why = reasons[i].why;
    return fail_position(c, e->line, e->column, why);
}

/* Where the string that opens at i closes, or the end of the text. */
static size_t string_end(struct str s, size_t i)
{
    for (i++; i < s.n && s.p[i] != '"'; i++)
        i += s.p[i] == '\\';
    return i;
}

/* Refuses by depth and size before anything is allocated. Broken text passes: jansson says what is
 * wrong with it. */
static enum err check_limits(struct ctx *c, struct str s)
{
    int depth = 0, line = 1, values = 0;
    size_t line_start = 0;
    if (s.n > BYTES_MAX)
        return FAIL(c, E_TOOBIG, "JSON 超过 %d 字节", "JSON is over %d bytes", BYTES_MAX);
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '"': i = string_end(s, i); break;
        case '\n':
            line++;
            line_start = i + 1;
            break;
        case '[':
        case '{':
            values++;
            if (++depth > JSON_DEPTH_MAX)
                return fail_position(c, line, (int)(i - line_start) + 1,
                                     (struct text)TEXT("嵌套过深", "nested too deeply"));
            break;
        case ']':
        case '}': depth--; break;
        case ',': values++; break;
        default: break;
        }
    }
    if (values > VALUES_MAX)
        return FAIL(c, E_TOOBIG, "JSON 超过 %d 个值", "JSON has over %d values", VALUES_MAX);
    return E_OK;
}

enum err json_parse(struct ctx *c, struct str text, const struct json **ret)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, jansson_start);
    TRY(check_limits(c, text));
    json_error_t e;
    starved = false;
    json_t *root = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &e);
    if (root)
        arena_defer(c->mem, root_free, root);
    if (!root || starved)
        return fail_jansson(c, &e);
    *ret = to(root);
    return E_OK;
}

enum json_type json_type(const struct json *j)
{
    switch (json_typeof(of(j))) {
    case JANSSON_OBJECT: return JSON_OBJECT;
    case JANSSON_ARRAY: return JSON_ARRAY;
    case JANSSON_STRING: return JSON_STRING;
    case JANSSON_INTEGER: return JSON_INT;
    case JANSSON_REAL: return JSON_REAL;
    case JANSSON_TRUE:
    case JANSSON_FALSE: return JSON_BOOL;
    case JANSSON_NULL: break;
    }
    return JSON_NULL;
}

struct str json_str(const struct json *j)
{
    if (!j || json_type(j) != JSON_STRING)
        return S("");
    return (struct str){json_string_value(of(j)), json_string_length(of(j))};
}

int64_t json_int(const struct json *j)
{
    if (!j)
        return 0;
    if (json_typeof(of(j)) == JANSSON_TRUE)
        return 1;
    return json_integer_value(of(j));
}

double json_real(const struct json *j)
{
    return json_number_value(of(j));
}

size_t json_count(const struct json *j)
{
    return json_type(j) == JSON_OBJECT ? json_object_size(of(j)) : json_array_size(of(j));
}

const struct json *json_at(const struct json *array, size_t i)
{
    return to(json_array_get(of(array), i));
}

const struct json *json_get(const struct json *object, const char *key)
{
    return to(json_object_get(of(object), key));
}

void *json_first(const struct json *object)
{
    return json_object_iter((json_t *)object);
}

void *json_next(const struct json *object, void *it)
{
    return json_object_iter_next((json_t *)object, it);
}

const char *json_key(void *it)
{
    return json_object_iter_key(it);
}

const struct json *json_value(void *it)
{
    return to(json_object_iter_value(it));
}

static void put_real(struct buf *b, double v)
{
    char text[40];
    snprintf(text, sizeof text, "%.15g", v);
    if (strtod(text, NULL) != v)
        snprintf(text, sizeof text, "%.17g", v);
    /* A real stays a real when it is read again. */
    buf_fmt(b, strpbrk(text, ".e") ? "%s" : "%s.0", text);
}

static void put_members(struct buf *b, const struct json *j)
{
    buf_putc(b, '{');
    for (void *it = json_first(j), *first = it; it; it = json_next(j, it)) {
        if (it != first)
            buf_putc(b, ',');
        buf_json(b, str_of(json_key(it)));
        buf_putc(b, ':');
        buf_json_value(b, json_value(it));
    }
    buf_putc(b, '}');
}

static void put_items(struct buf *b, const struct json *j)
{
    buf_putc(b, '[');
    for (size_t i = 0; i < json_count(j); i++) {
        if (i > 0)
            buf_putc(b, ',');
        buf_json_value(b, json_at(j, i));
    }
    buf_putc(b, ']');
}

void buf_json_value(struct buf *b, const struct json *j)
{
    switch (json_type(j)) {
    case JSON_NULL: buf_put(b, S("null")); break;
    case JSON_BOOL: buf_put(b, json_int(j) ? S("true") : S("false")); break;
    case JSON_INT: buf_int(b, json_int(j)); break;
    case JSON_REAL: put_real(b, json_real(j)); break;
    case JSON_STRING: buf_json(b, json_str(j)); break;
    case JSON_ARRAY: put_items(b, j); break;
    case JSON_OBJECT: put_members(b, j); break;
    }
}
