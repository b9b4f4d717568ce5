/* jsonw.c - see jsonw.h. One bit per open container is all the state there is. */
#include "core/jsonw.h"

static bool bit(uint64_t bits, int d)
{
    return bits >> d & 1;
}

static uint64_t with(uint64_t bits, int d, bool on)
{
    uint64_t mask = UINT64_C(1) << d;
    return on ? bits | mask : bits & ~mask;
}

static void new_line(struct jsonw *w, int depth)
{
    buf_putc(w->b, '\n');
    for (int i = 0; i < depth; i++)
        buf_putc(w->b, ' ');
}

static void member(struct jsonw *w, const char *key)
{
    int d = w->depth;
    ASSERT(d == 0 || bit(w->array, d) == !key);
    if (bit(w->some, d))
        buf_putc(w->b, ',');
    if (d > 0 && !bit(w->flat, d))
        new_line(w, d);
    else if (bit(w->some, d))
        buf_putc(w->b, ' ');
    w->some = with(w->some, d, true);
    if (!key)
        return;
    buf_json(w->b, str_of(key));
    buf_put(w->b, S(": "));
}

static void open_container(struct jsonw *w, const char *key, bool array, bool flat)
{
    member(w, key);
    buf_putc(w->b, array ? '[' : '{');
    bool inherited = w->depth > 0 && bit(w->flat, w->depth);
    w->depth++;
    ASSERT(w->depth < JSONW_DEPTH_MAX);
    w->array = with(w->array, w->depth, array);
    w->flat = with(w->flat, w->depth, flat || inherited);
    w->some = with(w->some, w->depth, false);
}

void jw_obj(struct jsonw *w, const char *key)
{
    open_container(w, key, false, false);
}

void jw_obj_flat(struct jsonw *w, const char *key)
{
    open_container(w, key, false, true);
}

void jw_arr(struct jsonw *w, const char *key)
{
    open_container(w, key, true, false);
}

void jw_arr_flat(struct jsonw *w, const char *key)
{
    open_container(w, key, true, true);
}

void jw_end(struct jsonw *w)
{
    int d = w->depth--;
    ASSERT(d > 0);
    if (bit(w->some, d) && !bit(w->flat, d))
        new_line(w, d - 1);
    buf_putc(w->b, bit(w->array, d) ? ']' : '}');
}

void jw_str(struct jsonw *w, const char *key, struct str s)
{
    member(w, key);
    buf_json(w->b, s);
}

void jw_strz(struct jsonw *w, const char *key, const char *z)
{
    jw_str(w, key, str_of(z));
}

void jw_int(struct jsonw *w, const char *key, int64_t i)
{
    member(w, key);
    buf_int(w->b, i);
}

void jw_bool(struct jsonw *w, const char *key, bool v)
{
    member(w, key);
    buf_put(w->b, v ? S("true") : S("false"));
}

void jw_null(struct jsonw *w, const char *key)
{
    member(w, key);
    buf_put(w->b, S("null"));
}
