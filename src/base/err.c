/* err.c - the error list as tables, and the one place that writes a fault. Texts of faults live in
 * the request's arena; when even that is full the code still gets through, only the words are lost.
 * Must not log: the doors do. */
#include "base/err.h"
#include "base/log.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int status;
    const char *name, *key, *help;
} errors[] = {
#define ERR_ROW(c, http, key, help) [E_##c] = {http, "E_" #c, key, help},
    ERR_LIST(ERR_ROW)
#undef ERR_ROW
};

int err_status(enum err e)
{
    ASSERT((unsigned)e < E__N);
    return errors[e].status;
}

const char *err_key(enum err e)
{
    ASSERT((unsigned)e < E__N);
    return errors[e].key;
}

const char *err_help(enum err e)
{
    ASSERT((unsigned)e < E__N);
    return errors[e].help;
}

const char *err_name(enum err e)
{
    ASSERT((unsigned)e < E__N);
    return errors[e].name;
}

const char *text_in(struct text t, enum lang lang)
{
    return lang == LANG_ZH ? t.zh : t.en;
}

static struct str message_of(struct ctx *c, const char *f, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, f, again);
    va_end(again);
    char *p = n < 0 ? NULL : arena_try(c->mem, (size_t)n + 1);
    if (!p)
        return S("");
    vsnprintf(p, (size_t)n + 1, f, args);
    return (struct str){p, (size_t)n};
}

enum err fail_at(struct ctx *c, enum err code, const char *where, const char *f, ...)
{
    ASSERT(code != E_OK);
    if (c->fault.code != E_OK)
        return code;
    va_list args;
    va_start(args, f);
    c->fault.code = code;
    c->fault.where = where;
    c->fault.message = message_of(c, f, args);
    va_end(args);
    return code;
}

enum err fail_field_at(struct ctx *c, const char *field, const char *code, const char *where,
                       const char *f, ...)
{
    struct fault *fault = &c->fault;
    if (fault->code == E_OK) {
        fault->code = E_INVALID;
        fault->where = where;
    }
    if (fault->nfields == FAULT_FIELDS)
        return E_INVALID;
    va_list args;
    va_start(args, f);
    fault->fields[fault->nfields++] =
        (struct field_fault){.field = field, .code = code, .message = message_of(c, f, args)};
    va_end(args);
    return E_INVALID;
}

void fault_clear(struct ctx *c)
{
    memset(&c->fault, 0, sizeof c->fault);
}

_Noreturn void assert_failed(const char *expr, const char *file, int line)
{
    log_line(LOG_ERROR, "assert", "at=%s:%d expr=\"%s\"", file, line, expr);
    abort();
}
