/* field.h - a field is a line in a table you can read. From it come the column, the JSON both ways,
 * validation, filters, CSV cells, the form in the browser and the OpenAPI schema. The same tables
 * describe resources, action inputs and request bodies, so there is one reader and one writer of
 * values. No expressions here: write a named query or a check. */
#pragma once
#include "base/cal.h"
#include "base/json.h"
#include "db/db.h"

enum ftype {
    F_ID,
    F_INT,
    F_BOOL,     /* 0 or 1 */
    F_MONEY,    /* fen */
    F_AREA,     /* 0.01 m² */
    F_QTY,      /* ×1e-3 */
    F_TEXT,     /* one line */
    F_LONGTEXT, /* lines */
    F_PHONE,    /* digits, spaces, + - ( ) ; stored as digits with an optional leading + */
    F_EMAIL,    /* local@domain in ASCII, stored in lower case */
    F_ENUM,     /* choices: code stored, key spoken */
    F_REF,      /* id of a row of resource .ref, in the same community or in the system */
    F_DATE,     /* civil date, text YYYY-MM-DD */
    F_INSTANT,  /* ms UTC stored, RFC 3339 spoken */
    F_SECRET,   /* taken in, never given out (passwords) */
    F_JSON      /* opaque JSON text, objects and arrays */
};
enum fflag {
    REQUIRED = 1 << 0, /* on create; a PATCH may not clear it */
    UNIQUE = 1 << 1,   /* within the community, among rows not archived */
    INDEXED = 1 << 2,
    FILTER = 1 << 3,
    SORT = 1 << 4,
    SEARCH = 1 << 5,     /* q= looks here; of an F_REF: at the title of the row it points to */
    SERVER_SET = 1 << 6, /* refused from outside */
    CREATE_ONLY = 1 << 7,
    PERSONAL = 1 << 8, /* masked for callers without personal.read */
    LIST = 1 << 9,     /* a column of the generated list */
    HIDDEN = 1 << 10,  /* stored, not spoken */
    VIRTUAL = 1 << 11, /* spoken in, not stored: an action's or form's own input */
    /* Kept closed by the key file (key.h); F_TEXT. When the next field is called NAME_index, HIDDEN
     * and SERVER_SET, it holds the keyed hash by which the whole value is found. */
    ENCRYPTED = 1 << 12,
    /* Of an action's input: the row's own people read it in the timeline. Whatever is not marked
     * stays among those who work there. */
    TOLD = 1 << 13,
    /* Spoken to whoever sees the row, but personal: the event log keeps "***" instead. */
    UNLOGGED = 1 << 14
};
struct choice {
    int code;
    const char *key;
    struct text label;
    const char *tone; /* grey blue green amber red; NULL: grey */
};
struct field {
    const char *name; /* = column = JSON key = CSV header */
    enum ftype type;
    uint32_t flags;
    int64_t min, max; /* value, or characters of texts; both 0: the type's own limits */
    const char *ref;  /* F_REF: resource path ("spaces") */
    const struct choice
        *choices; /* F_ENUM: ends with key == NULL; F_INT: names of some numbers, for people */
    struct text label, help;
    const char *see, *edit; /* permission needed; NULL: as the resource */
};

enum { ROW_FIELDS_MAX = 80, TEXT_DEFAULT_MAX = 200, LONGTEXT_DEFAULT_MAX = 10000, EMAIL_MAX = 254 };
/* A set of fields: bit i stands for fields[i]. */
__extension__ typedef unsigned __int128 fieldset;
#define BIT(i) ((fieldset)1 << (i))
/* v[i] belongs to fields[i]; bit i of set: the caller gave it (null counts). */
struct row {
    struct val v[ROW_FIELDS_MAX];
    fieldset set;
};
static inline int64_t row_int(const struct row *r, int i)
{
    return val_int(r->v[i]);
}
static inline struct str row_str(const struct row *r, int i)
{
    return val_str(r->v[i]);
}
static inline bool row_has(const struct row *r, int i)
{
    return r->v[i].t != V_NULL;
}
static inline void row_put(struct row *r, int i, struct val v)
{
    r->v[i] = v;
    r->set |= BIT(i);
}

int field_find(const struct field *fields, int n, struct str name); /* -1: none */
const struct choice *choice_of_code(const struct choice *list, int64_t code);
const struct choice *choice_of_key(const struct choice *list, struct str key);
const char *field_type_name(enum ftype t);
enum col_type field_column(enum ftype t);
int64_t field_max(const struct field *f); /* effective maximum */
int64_t field_min(const struct field *f);

enum read_mode { READ_CREATE, READ_PATCH, READ_INPUT };
/* Reads a JSON object into row: every field error is recorded in c->fault, unknown and SERVER_SET
 * fields are errors, REQUIRED ones must be there (READ_CREATE, READ_INPUT). extra: names accepted
 * and left to the caller ("version"), ends with NULL; may be NULL. E_INVALID when any field error
 * was recorded. Refs are only typed here; res_check_refs looks them up. */
MUST_USE enum err fields_read(struct ctx *c, const struct field *fields, int n,
                              const struct json *body, enum read_mode mode,
                              const char *const *extra, struct row *ret);
/* One text cell (CSV, query parameter) to a value; records a field error under f->name. "" and
 * "null" are NULL. */
MUST_USE enum err field_of_text(struct ctx *c, const struct field *f, struct str cell,
                                const struct zone *z, struct val *ret);
/* The value as a CSV cell / as JSON. NULL: empty / null. */
void field_to_text(struct buf *b, const struct field *f, struct val v, const struct zone *z);
void field_to_json(struct buf *b, const struct field *f, struct val v, const struct zone *z);
/* 138****1234 (of numbers below 11 digits nothing), 110***********002X of what is kept encrypted,
 * 张**: the first character of anything else. Source: domain-rules 6.1. */
void buf_masked(struct buf *b, const struct field *f, struct str s);
/* s as an F_EMAIL keeps it; false: it is none. */
bool email_clean(struct arena *a, struct str s, struct str *ret);
void buf_text_pair(struct buf *b, struct text t); /* ["中文","English"] */
/* The field as meta and forms know it. */
void field_to_meta(struct buf *b, const struct field *f);
