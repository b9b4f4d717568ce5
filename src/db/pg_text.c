/* pg_text.c - see pg_text.h. */
#include "db/pg_text.h"
#include <stdio.h>
#include <string.h>

static char *scratch_get(struct scratch *b, size_t n)
{
    if (n > b->cap) {
        char *p = heap_grow(b->p, n + n / 2);
        if (!p)
            return NULL;
        b->p = p;
        b->cap = n + n / 2;
    }
    return b->p;
}

const char *pg_sql(struct scratch *b, const char *sql)
{
    if (!strstr(sql, "/*pg:"))
        return sql;
    char *to = scratch_get(b, strlen(sql) + 1), *at = to;
    if (!to)
        return sql;
    for (const char *from; (from = strstr(sql, "/*pg:"));) {
        const char *end = strstr(from, "*/");
        if (!end)
            break;
        size_t before = (size_t)(from - sql), inside = (size_t)(end - from - 5);
        memcpy(at, sql, before);
        memcpy(at + before, from + 5, inside);
        at += before + inside;
        sql = end + 2;
    }
    memcpy(at, sql, strlen(sql) + 1);
    return to;
}

static size_t text_room(const struct val *v)
{
    return v->t == V_TEXT ? v->s.n + 1 : v->t == V_NULL || v->t == V_BLOB ? 0 : 32;
}

static void text_put(char *to, struct str s)
{
    if (s.n)
        memcpy(to, s.p, s.n);
    to[s.n] = 0;
}

/* All of it in one block of scratch: three arrays, then the texts. */
bool pg_params(struct scratch *b, const struct val *in, size_t nin, struct pg_params *ret)
{
    size_t fixed = nin * (sizeof(char *) + 2 * sizeof(int)), room = fixed + 1;
    for (size_t i = 0; i < nin; i++)
        room += text_room(&in[i]);
    char *p = scratch_get(b, room);
    if (!p)
        return false;
    ret->values = (const char **)(void *)p;
    ret->lengths = (int *)(void *)(p + nin * sizeof(char *));
    ret->formats = ret->lengths + nin;
    char *at = p + fixed;
    for (size_t i = 0; i < nin; i++) {
        const struct val *v = &in[i];
        ret->lengths[i] = v->t == V_BLOB ? (int)v->s.n : 0;
        ret->formats[i] = v->t == V_BLOB;
        ret->values[i] = v->t == V_NULL ? NULL : at;
        if (v->t == V_INT)
            snprintf(at, 32, "%lld", (long long)v->i);
        else if (v->t == V_REAL)
            snprintf(at, 32, "%.17g", v->r);
        else if (v->t == V_BLOB)
            ret->values[i] = v->s.n ? v->s.p : "";
        else if (v->t == V_TEXT)
            text_put(at, v->s);
        at += text_room(v);
    }
    return true;
}

static int hex_digit(char ch)
{
    return ch <= '9' ? ch - '0' : (ch | 32) - 'a' + 10;
}

struct val pg_bytea(char *p, size_t n)
{
    if (n < 2)
        return v_blob((struct str){p, 0});
    size_t bytes = (n - 2) / 2;
    for (size_t i = 0; i < bytes; i++)
        p[i] = (char)(hex_digit(p[2 + 2 * i]) << 4 | hex_digit(p[3 + 2 * i]));
    return v_blob((struct str){p, bytes});
}
