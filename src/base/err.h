/* err.h - one error path. A function returns enum err; what went wrong in words sits in ctx->fault,
 * written once, by the place that knows. The list below is the only place where a code, its HTTP
 * status and its meaning meet; `anju doc errors` prints it. ret_ parameters are untouched when a
 * call fails. Broken programmer assumptions: ASSERT, always on. */
#pragma once
#include "base/str.h"

#define ERR_LIST(X)                                                                                \
    X(OK, 200, "ok", "ok")                                                                         \
    X(SYNTAX, 400, "malformed", "the request cannot be read")                                      \
    X(UNAUTH, 401, "unauthenticated", "no valid login")                                            \
    X(DENIED, 403, "denied", "this role may not")                                                  \
    X(PASSWORD, 403, "password_change_required", "the first password must be changed")             \
    X(FACTOR, 401, "second_factor", "the one-time code is needed too")                             \
    X(FACTOR_SETUP, 403, "second_factor_required", "a second factor must be set up first")         \
    X(CSRF, 403, "csrf", "the page's security token is missing or old")                            \
    X(MISSING, 404, "not_found", "not there, or not in this login's scope")                        \
    X(METHOD, 405, "method", "this address does not know the method")                              \
    X(CONFLICT, 409, "conflict", "someone changed it first")                                       \
    X(STATE, 409, "state", "no such step in this state")                                           \
    X(EXISTS, 409, "exists", "there is one already")                                               \
    X(REPLAY, 409, "idempotency", "this key was used for another request")                         \
    X(TOOBIG, 413, "too_large", "over a fixed limit")                                              \
    X(TYPE, 415, "media_type", "this content type is not read here")                               \
    X(INVALID, 422, "invalid", "a field breaks its rule")                                          \
    X(PRECOND, 428, "precondition", "the If-Match version is missing")                             \
    X(RATE, 429, "rate_limited", "too many requests; wait")                                        \
    X(DB, 500, "internal", "rolled back; nothing was changed")                                     \
    X(INTERNAL, 500, "internal", "an unexpected fault; nothing was changed")                       \
    X(IO, 502, "neighbour", "a neighbouring system failed")                                        \
    X(BUSY, 503, "busy", "nothing was done; try again")                                            \
    X(FULL, 507, "storage_full", "no space left; nothing was changed")                             \
    X(RETRY, 503, "retry", "inner: run the unit of work again")
#define ERR_ENUM(c, http, key, help) E_##c,
enum err { ERR_LIST(ERR_ENUM) E__N };

int err_status(enum err e);       /* HTTP status */
const char *err_key(enum err e);  /* stable code text of the API */
const char *err_help(enum err e); /* meaning, English */
const char *err_name(enum err e); /* "E_CONFLICT" */

enum lang { LANG_ZH, LANG_EN };
/* A text that people read, in both languages of the product. */
struct text {
    const char *zh, *en;
};
#define TEXT(z, e)                                                                                 \
    {                                                                                              \
        z, e                                                                                       \
    }
const char *text_in(struct text t, enum lang lang);

enum { FAULT_FIELDS = 32 };
struct field_fault {
    const char *field,
        *code; /* the API's field name; required, unknown, type, min, max, format, choice, ref, … */
    struct str message; /* in the caller's language */
};
struct fault {
    enum err code;
    const char *where; /* source file of the place that failed: for the log, never for the client */
    struct str message;
    struct field_fault fields[FAULT_FIELDS];
    int nfields;
    int64_t current_version; /* E_CONFLICT: the version now stored */
    int retry_after_s;       /* E_RATE, E_BUSY */
};

struct who; /* core/auth.h: the caller's identity and rights; NULL = nobody */
/* One request or job run; the first argument of everything above base. */
struct ctx {
    struct arena *mem;
    int64_t now_ms; /* read once per request */
    enum lang lang;
    const struct who *who;
    char trace_id[17];
    int sql_count;
    struct fault fault;
};

/* Records the fault (the first one stays) and returns code. f is printf-like, already in the
 * caller's language. */
enum err fail_at(struct ctx *c, enum err code, const char *where, const char *f, ...) FMT(4, 5);
/* Adds one field error; the request goes on collecting and the caller returns E_INVALID at the end.
 * Returns E_INVALID. */
enum err fail_field_at(struct ctx *c, const char *field, const char *code, const char *where,
                       const char *f, ...) FMT(5, 6);
void fault_clear(struct ctx *c);
/* FAIL(c, E_STATE, "已关闭", "already closed"): both texts take the same arguments in the same
 * order. */
#define FAIL(c, code, zh, en, ...)                                                                 \
    fail_at((c), (code), __FILE__, (c)->lang == LANG_ZH ? zh : en, ##__VA_ARGS__)
#define FAIL_FIELD(c, field, code, zh, en, ...)                                                    \
    fail_field_at((c), (field), (code), __FILE__, (c)->lang == LANG_ZH ? zh : en, ##__VA_ARGS__)

#define TRY(expr)                                                                                  \
    do {                                                                                           \
        enum err e_ = (expr);                                                                      \
        if (e_ != E_OK)                                                                            \
            return e_;                                                                             \
    } while (0) /* the only control-flow macro */

/* Programmer errors stop the program, in production too: going on with a broken assumption costs
 * more. */
_Noreturn void assert_failed(const char *expr, const char *file, int line);
#define ASSERT(expr) ((expr) ? (void)0 : assert_failed(#expr, __FILE__, __LINE__))
