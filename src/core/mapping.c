/* mapping.c - foreign CSV to rows by a mapping. Each record is judged alone and completely, so one
 * pass tells a person everything that is wrong with a file. Must not know tickets: the targets are
 * a table of fields given by the room. */
#include "core/mapping.h"

#include <string.h>

enum { JOIN_MAX = 8, VALUES_MAX = 200, REST_BYTES_MAX = 4 << 20, NAME_CHARS = 64 };

struct source {
    int field; /* target */
    struct str from[JOIN_MAX];
    int nfrom;
    struct str sep;
    bool joined, constant, has_default;
    struct val value; /* of a constant or default */
    struct {
        struct str text;
        struct val value;
    } * values;
    int nvalues;
};
struct mapping {
    const struct field *fields;
    int nfields;
    char delimiter;          /* 0: as the file's header shows */
    const char *time_format; /* NULL: RFC 3339 */
    const struct zone *zone;
    struct source sources[ROW_FIELDS_MAX];
    int nsources;
};

/* --- the mapping --- */

static enum err bad_mapping(struct ctx *c, const char *where, struct text why)
{
    return FAIL(c, E_INVALID, "映射文件:%s:%s", "mapping: %s: %s", where, text_in(why, c->lang));
}

/* A text that the mapping itself holds, as a value of the target. */
static enum err fixed_value(struct ctx *c, const struct mapping *m, const struct field *f,
                            const struct json *j, struct val *ret)
{
    if (json_type(j) != JSON_STRING)
        return bad_mapping(c, f->name, (struct text){"值应为文字", "a value must be a text"});
    if (field_of_text(c, f, json_str(j), m->zone, ret) == E_OK)
        return E_OK;
    struct str why = c->fault.fields[0].message;
    fault_clear(c);
    return FAIL(c, E_INVALID, "映射文件:%s:值 \"" PRS "\":" PRS,
                "mapping: %s: value \"" PRS "\": " PRS, f->name, PRA(json_str(j)), PRA(why));
}

static enum err load_values(struct ctx *c, const struct mapping *m, const struct field *f,
                            const struct json *j, struct source *s)
{
    if (json_type(j) != JSON_OBJECT || json_count(j) > VALUES_MAX)
        return bad_mapping(c, f->name,
                           (struct text){"values 应为对象,最多 200 项",
                                         "values must be an object of at most 200"});
    s->values = arena_get(c->mem, (json_count(j) + 1) * sizeof *s->values);
    for (void *it = json_first(j); it; it = json_next(j, it)) {
        s->values[s->nvalues].text = str_of(json_key(it));
        TRY(fixed_value(c, m, f, json_value(it), &s->values[s->nvalues].value));
        s->nvalues++;
    }
    return E_OK;
}

static enum err load_join(struct ctx *c, const struct field *f, const struct json *j,
                          struct source *s)
{
    size_t n = json_count(j);
    if (json_type(j) != JSON_ARRAY || n == 0 || n > JOIN_MAX)
        return bad_mapping(c, f->name,
                           (struct text){"join 应为 1 到 8 列", "join takes 1 to 8 columns"});
    s->joined = true;
    for (size_t i = 0; i < n; i++)
        s->from[s->nfrom++] = json_str(json_at(j, i));
    return E_OK;
}

static enum err load_source(struct ctx *c, const struct mapping *m, const struct json *j,
                            struct source *s)
{
    const struct field *f = &m->fields[s->field];
    struct text shape = {"应有 from、value、join 之一",
                         "needs exactly one of from, value and join"};
    if (json_type(j) != JSON_OBJECT)
        return bad_mapping(c, f->name, shape);
    int kinds = 0;
    for (void *it = json_first(j); it; it = json_next(j, it)) {
        struct str key = str_of(json_key(it));
        const struct json *v = json_value(it);
        if (str_eqz(key, "from")) {
            s->from[s->nfrom++] = json_str(v);
            kinds++;
        } else if (str_eqz(key, "value")) {
            s->constant = true;
            TRY(fixed_value(c, m, f, v, &s->value));
            kinds++;
        } else if (str_eqz(key, "join")) {
            TRY(load_join(c, f, v, s));
            kinds++;
        } else if (str_eqz(key, "sep"))
            s->sep = json_str(v);
        else if (str_eqz(key, "values"))
            TRY(load_values(c, m, f, v, s));
        else if (str_eqz(key, "default")) {
            s->has_default = true;
            TRY(fixed_value(c, m, f, v, &s->value));
        } else
            return FAIL(c, E_INVALID, "映射文件:%s:不认识 %s", "mapping: %s: unknown setting %s",
                        f->name, json_key(it));
        if (kinds > 1)
            return bad_mapping(c, f->name, shape);
    }
    bool named = s->nfrom > 0 || s->constant;
    for (int i = 0; i < s->nfrom; i++)
        named = named && s->from[i].n;
    if (kinds != 1 || !named)
        return bad_mapping(c, f->name, shape);
    if ((s->has_default && !s->values) || (s->values && (s->joined || s->constant)) ||
        (s->sep.n && !s->joined))
        return bad_mapping(
            c, f->name,
            (struct text){"values 与 from、default 与 values、sep 与 join 同用",
                          "values go with from, default with values, sep with join"});
    return E_OK;
}

static enum err load_columns(struct ctx *c, struct mapping *m, const struct json *j)
{
    if (!j || json_type(j) != JSON_OBJECT || !json_count(j))
        return bad_mapping(c, "columns", (struct text){"应为对象", "must be an object"});
    for (void *it = json_first(j); it; it = json_next(j, it)) {
        int f = field_find(m->fields, m->nfields, str_of(json_key(it)));
        if (f < 0)
            return FAIL(c, E_INVALID, "映射文件:没有目标字段 %s",
                        "mapping: there is no target field %s", json_key(it));
        struct source *s = &m->sources[m->nsources++];
        s->field = f;
        TRY(load_source(c, m, json_value(it), s));
    }
    return E_OK;
}

static enum err load_setting(struct ctx *c, struct mapping *m, const char *key,
                             const struct json *v)
{
    struct str text = json_str(v), name = str_of(key);
    if (str_eqz(name, "columns"))
        return E_OK;
    if (str_eqz(name, "delimiter")) {
        if (text.n != 1 || !memchr(",;\t", text.p[0], 3))
            return bad_mapping(c, key,
                               (struct text){"应为逗号、分号或制表符", "must be , or ; or a tab"});
        m->delimiter = text.p[0];
    } else if (str_eqz(name, "time_format")) {
        if (!text.n)
            return bad_mapping(c, key, (struct text){"应为文字", "must be a text"});
        m->time_format = str_z(c->mem, text);
    } else if (str_eqz(name, "zone")) {
        m->zone = zone_find(str_z(c->mem, text));
        if (!m->zone)
            return bad_mapping(c, key, (struct text){"没有这个时区", "there is no such time zone"});
    } else
        return bad_mapping(c, key, (struct text){"不认识这个设置", "unknown setting"});
    return E_OK;
}

enum err mapping_load(struct ctx *c, const struct field *fields, int nfields, struct str json,
                      struct mapping **ret)
{
    const struct json *j;
    ASSERT(nfields <= ROW_FIELDS_MAX);
    TRY(json_parse(c, json, &j));
    if (json_type(j) != JSON_OBJECT)
        return FAIL(c, E_SYNTAX, "映射文件应为 JSON 对象", "the mapping must be a JSON object");
    struct mapping *m = arena_get(c->mem, sizeof *m);
    *m = (struct mapping){.fields = fields, .nfields = nfields};
    for (void *it = json_first(j); it; it = json_next(j, it))
        TRY(load_setting(c, m, json_key(it), json_value(it)));
    if (m->time_format && !m->zone)
        return bad_mapping(c, "zone",
                           (struct text){"有 time_format 就要写时区", "time_format needs a zone"});
    TRY(load_columns(c, m, json_get(j, "columns")));
    *ret = m;
    return E_OK;
}

/* --- one file --- */

struct reading {
    const struct mapping *m;
    struct csv csv;
    struct str header[CSV_COLUMNS_MAX];
    int ncolumns;
    int at[ROW_FIELDS_MAX][JOIN_MAX]; /* position of each source's columns */
    bool whole[CSV_COLUMNS_MAX];      /* of this row: the column is stored byte for byte */
};

static int column_find(const struct reading *r, struct str name)
{
    for (int i = 0; i < r->ncolumns; i++)
        if (str_eq(r->header[i], name))
            return i;
    return -1;
}

static enum err read_header(struct ctx *c, struct reading *r)
{
    bool more;
    TRY(csv_next(c, &r->csv, &more));
    if (!more)
        return FAIL(c, E_SYNTAX, "文件是空的", "the file is empty");
    for (int i = 0; i < r->csv.n; i++) {
        struct str name = str_trim(r->csv.cells[i]);
        if (!utf8_valid(name) || str_has_nul(name))
            return FAIL(c, E_INVALID, "第 %d 列的名称无法读取",
                        "the name of column %d cannot be read", i + 1);
        if (column_find(r, name) >= 0)
            return FAIL(c, E_INVALID, "有两列叫 \"" PRS "\"", "two columns are called \"" PRS "\"",
                        PRA(utf8_head(name, NAME_CHARS)));
        r->header[r->ncolumns++] = str_dup(c->mem, name);
    }
    for (int i = 0; i < r->m->nsources; i++)
        for (int k = 0; k < r->m->sources[i].nfrom; k++) {
            struct str from = r->m->sources[i].from[k];
            r->at[i][k] = column_find(r, from);
            if (r->at[i][k] < 0)
                return FAIL(c, E_INVALID, "文件没有列 \"" PRS "\"(用于 %s)",
                            "the file has no column \"" PRS "\" (for %s)", PRA(from),
                            r->m->fields[r->m->sources[i].field].name);
        }
    return E_OK;
}

/* --- one row --- */

static enum err choose_value(struct ctx *c, const struct field *f, const struct source *s,
                             struct str cell, struct val *ret)
{
    for (int i = 0; i < s->nvalues; i++)
        if (str_eq(str_trim(cell), str_trim(s->values[i].text))) {
            *ret = s->values[i].value;
            return E_OK;
        }
    *ret = s->has_default ? s->value : v_null();
    if (s->has_default || !str_trim(cell).n)
        return E_OK;
    return FAIL_FIELD(c, f->name, "choice", "映射里没有值 \"" PRS "\"",
                      "the mapping has no value \"" PRS "\"", PRA(utf8_head(cell, NAME_CHARS)));
}

static enum err instant_value(struct ctx *c, const struct mapping *m, const struct field *f,
                              struct str cell, struct val *ret)
{
    struct str s = str_trim(cell);
    *ret = v_null();
    if (!s.n)
        return E_OK;
    int64_t ms;
    if (!instant_parse_format(s, m->time_format, m->zone, &ms))
        return FAIL_FIELD(c, f->name, "format", "时间 \"" PRS "\" 不合 %s",
                          "time \"" PRS "\" does not fit %s", PRA(utf8_head(s, NAME_CHARS)),
                          m->time_format);
    *ret = v_int(ms);
    return E_OK;
}

static enum err joined_value(struct ctx *c, const struct reading *r, int i, struct val *ret)
{
    const struct source *s = &r->m->sources[i];
    struct buf b;
    buf_init(&b, c->mem, CSV_ROW_BYTES_MAX + JOIN_MAX * 1024);
    for (int k = 0; k < s->nfrom; k++) {
        struct str part = str_trim(r->csv.cells[r->at[i][k]]);
        if (!part.n)
            continue;
        if (b.n)
            buf_put(&b, s->sep);
        buf_put(&b, part);
    }
    const struct field *f = &r->m->fields[s->field];
    if (b.full)
        return FAIL_FIELD(c, f->name, "max", "内容太大", "too large");
    return field_of_text(c, f, buf_str(&b), r->m->zone, ret);
}

static enum err column_value(struct ctx *c, struct reading *r, int i, struct val *ret)
{
    const struct source *s = &r->m->sources[i];
    const struct field *f = &r->m->fields[s->field];
    int column = r->at[i][0];
    struct str cell = r->csv.cells[column];
    if (s->values)
        return choose_value(c, f, s, cell, ret);
    if (f->type == F_INSTANT && r->m->time_format)
        return instant_value(c, r->m, f, cell, ret);
    TRY(field_of_text(c, f, cell, r->m->zone, ret));
    r->whole[column] |= ret->t == V_TEXT ? str_eq(ret->s, cell) : ret->t == V_NULL && !cell.n;
    return E_OK;
}

static bool cells_readable(struct ctx *c, const struct reading *r)
{
    for (int i = 0; i < r->ncolumns; i++)
        if (!utf8_valid(r->csv.cells[i]) || str_has_nul(r->csv.cells[i]))
            (void)FAIL_FIELD(c, r->header[i].p, "format", "不是有效的 UTF-8 文字",
                             "not valid UTF-8 text");
    return !c->fault.nfields;
}

static enum err make_row(struct ctx *c, struct reading *r, struct row *ret)
{
    const struct mapping *m = r->m;
    *ret = (struct row){0};
    memset(r->whole, 0, sizeof r->whole);
    if (r->csv.n != r->ncolumns)
        return FAIL_FIELD(c, "", "columns", "这一行有 %d 列,表头有 %d 列",
                          "the row has %d columns, the header %d", r->csv.n, r->ncolumns);
    if (!cells_readable(c, r))
        return E_INVALID;
    fieldset told = 0;
    for (int i = 0; i < m->nsources; i++) {
        const struct source *s = &m->sources[i];
        struct val v = s->value;
        enum err e = s->constant ? E_OK
                     : s->joined ? joined_value(c, r, i, &v)
                                 : column_value(c, r, i, &v);
        if (e != E_OK)
            told |= BIT(s->field);
        else if (v.t != V_NULL)
            row_put(ret, s->field, v);
    }
    for (int f = 0; f < m->nfields; f++)
        if (m->fields[f].flags & REQUIRED && !row_has(ret, f) && !(told & BIT(f)))
            (void)FAIL_FIELD(c, m->fields[f].name, "required", "必填", "required");
    return c->fault.nfields ? E_INVALID : E_OK;
}

static struct str rest_json(struct ctx *c, const struct reading *r)
{
    struct buf b;
    buf_init(&b, c->mem, REST_BYTES_MAX);
    buf_putc(&b, '{');
    for (int i = 0; i < r->ncolumns; i++) {
        if (r->whole[i])
            continue;
        if (b.n > 1)
            buf_putc(&b, ',');
        buf_json(&b, r->header[i]);
        buf_putc(&b, ':');
        buf_json(&b, r->csv.cells[i]);
    }
    buf_putc(&b, '}');
    if (b.full)
        return (struct str){0};
    return buf_str(&b);
}

/* Converts with a context of its own, so that fn finds c->mem as its caller left it. */
static enum err one_row(struct ctx *c, struct ctx *own, struct reading *r, mapping_row_fn fn,
                        void *arg, struct row_errors *errors)
{
    struct row row;
    struct str rest = {0};
    enum err e = make_row(own, r, &row);
    if (e == E_OK) {
        rest = rest_json(own, r);
        if (!rest.n)
            e = FAIL_FIELD(own, "", "max", "这一行太长", "the row is too long");
    }
    if (e != E_OK) {
        row_errors_take(errors, own, r->csv.row);
        return E_OK;
    }
    e = fn(c, r->csv.row, &row, rest, arg);
    if (e == E_INVALID && c->fault.nfields) {
        row_errors_take(errors, c, r->csv.row);
        return E_OK;
    }
    return e;
}

static void arena_end(void *arg)
{
    arena_free(arg);
}

enum err mapping_rows(struct ctx *c, const struct mapping *m, struct str csv, mapping_row_fn fn,
                      void *arg, struct row_errors *errors)
{
    struct reading *r = arena_get(c->mem, sizeof *r);
    struct ctx own = {.mem = arena_new(ARENA_REPORT_BYTES), .now_ms = c->now_ms, .lang = c->lang};
    arena_defer(c->mem, arena_end, own.mem);
    r->m = m;
    csv_open(&r->csv, c->mem, csv, m->delimiter ? m->delimiter : csv_delimiter(csv));
    TRY(read_header(c, r));
    for (;;) {
        bool more;
        enum err e = csv_next(c, &r->csv, &more);
        if (e == E_SYNTAX) { /* what follows bad quoting cannot be told apart */
            row_errors_take(errors, c, r->csv.row);
            return E_OK;
        }
        TRY(e);
        if (!more)
            return E_OK;
        TRY(one_row(c, &own, r, fn, arg, errors));
        arena_reset(own.mem);
    }
}
