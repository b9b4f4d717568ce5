/* import_row.c - see import_in.h. Where a cell can be read in two ways it is refused with its
 * reason: an ambiguous name is never guessed. */
#include "core/import_in.h"

#include <string.h>

#include "core/event.h"

enum err import_too_large(struct ctx *c)
{
    return FAIL(c, E_TOOBIG, "文件太大,请分成几个文件导入", "the file is too large; split it");
}

bool import_copy(struct arena *mem, struct val v, struct val *ret)
{
    *ret = v;
    if ((v.t != V_TEXT && v.t != V_BLOB) || !v.s.n)
        return true;
    char *p = arena_try(mem, v.s.n);
    if (!p)
        return false;
    memcpy(p, v.s.p, v.s.n);
    ret->s.p = p;
    return true;
}

bool import_is_reason(enum err e)
{
    return e == E_INVALID || e == E_STATE || e == E_MISSING || e == E_DENIED || e == E_CONFLICT ||
           e == E_EXISTS;
}

bool import_allowed(const struct who *w, const struct resource *r, int64_t community_id)
{
    const struct res_rt *rt = rt_of(r);
    return r->create && who_may_i(w, rt->create_i, community_id) &&
           who_may_i(w, rt->read_i, community_id);
}

const struct who *who_for(struct ctx *c, int64_t user_id, struct str name)
{
    struct who *w = arena_get(c->mem, sizeof *w);
    struct grant *g = arena_get(c->mem, sizeof *g);
    memset(&w->any, 0xff, sizeof w->any);
    *g = (struct grant){.community_id = ALL_COMMUNITIES, .perms = w->any};
    w->user_id = user_id;
    w->name = name;
    w->grants = g;
    w->ngrants = 1;
    return w;
}

static bool same_label(struct str s, const char *label)
{
    struct str l = str_of(label);
    if (s.n != l.n)
        return false;
    for (size_t i = 0; i < s.n; i++) /* ASCII letters in any case; everything else as it is */
        if ((s.p[i] | (s.p[i] >= 'A' && s.p[i] <= 'Z' ? 0x20 : 0)) !=
            (l.p[i] | (l.p[i] >= 'A' && l.p[i] <= 'Z' ? 0x20 : 0)))
            return false;
    return true;
}

int import_column(const struct resource *r, struct str name)
{
    struct str s = str_trim(name);
    if (str_eqz(s, EXPORT_MARK))
        return COLUMN_IGNORED;
    int f = field_find(r->fields, r->nfields, s);
    for (int i = 0; f < 0 && i < r->nfields; i++)
        if (same_label(s, r->fields[i].label.zh) || same_label(s, r->fields[i].label.en))
            f = i;
    if (f < 0 || r->fields[f].flags & HIDDEN)
        return COLUMN_UNKNOWN;
    return r->fields[f].flags & SERVER_SET ? COLUMN_IGNORED : f;
}

/* --- reading a record --- */

static void check_community(struct ctx *c, const struct import_plan *p, struct str cell)
{
    int64_t id;
    if (cell.n && (!str_int(cell, &id) || id != p->community_id))
        (void)FAIL_FIELD(c, "community_id", "ref", "与导入的项目不同",
                         "not the community that this import is for");
}

static void check_required(struct ctx *c, const struct import_plan *p, const struct row *row)
{
    for (int i = 0; i < p->r->nfields; i++) {
        const char *name = p->r->fields[i].name;
        if (!(p->r->fields[i].flags & REQUIRED) || row_has(row, i))
            continue;
        bool told = false; /* a wrong value was told already */
        for (int k = 0; k < c->fault.nfields; k++)
            told |= str_eqz(str_of(c->fault.fields[k].field), name);
        if (!told)
            (void)FAIL_FIELD(c, name, "required", "必填", "required");
    }
}

/* Up to max digits from *at on; false: there is none. */
static bool digits(struct str s, size_t *at, size_t max, int *ret)
{
    size_t from = *at;
    for (*ret = 0; *at < s.n && *at - from < max && s.p[*at] >= '0' && s.p[*at] <= '9'; ++*at)
        *ret = *ret * 10 + (s.p[*at] - '0');
    return *at > from;
}

static bool date_mark(struct str s, size_t *at)
{
    if (*at >= s.n || !memchr("/.-", s.p[*at], 3))
        return false;
    ++*at;
    return true;
}

/* 2024/3/5 and 2024.3.5 as spreadsheets write them, with or without a time after a space. */
static struct str date_plain(struct arena *a, struct str s)
{
    int y, m, d;
    size_t at = 0;
    if (!digits(s, &at, 4, &y) || at != 4 || !date_mark(s, &at) || !digits(s, &at, 2, &m) ||
        !date_mark(s, &at) || !digits(s, &at, 2, &d) || (at < s.n && s.p[at] != ' '))
        return s;
    return arena_fmt(a, "%04d-%02d-%02d" PRS, y, m, d, PRA(str_sub(s, at, s.n)));
}

static enum err cell_value(struct ctx *c, const struct import_plan *p, const struct field *f,
                           struct str cell, struct val *ret)
{
    int64_t id;
    struct str s = str_trim(cell);
    if (f->type == F_REF && s.n && !str_int(s, &id) && utf8_valid(s)) {
        *ret = v_text(s); /* a name: import_insert finds it */
        return E_OK;
    }
    if (f->type == F_DATE || f->type == F_INSTANT)
        cell = date_plain(c->mem, s);
    if (f->type == F_BOOL && (str_eqz(s, "是") || str_eqz(s, "否")))
        cell = str_eqz(s, "是") ? S("1") : S("0");
    return field_of_text(c, f, cell, p->zone, ret);
}

enum err import_read(struct ctx *c, struct app *app, const struct import_plan *p,
                     const struct str *cells, int n, struct row *ret)
{
    *ret = (struct row){0};
    if (n != p->ncolumns)
        return FAIL_FIELD(c, "", "columns", "这一行有 %d 列,表头有 %d 列",
                          "the row has %d columns, the header %d", n, p->ncolumns);
    for (int i = 0; i < n; i++) {
        struct val v;
        int f = p->columns[i];
        struct str cell = csv_plain(cells[i]);
        if (f == R_COMMUNITY)
            check_community(c, p, str_trim(cell));
        else if (f >= 0 && cell_value(c, p, &p->r->fields[f], cell, &v) == E_OK && v.t != V_NULL)
            row_put(ret, f, v);
    }
    check_required(c, p, ret);
    row_put(ret, R_COMMUNITY, v_int(p->community_id));
    TRY(edit_allowed(c, rt_of(p->r), ret, p->community_id));
    return p->r->prepare ? p->r->prepare(c, app, ret) : E_OK;
}

/* --- names --- */

/* Ids of live rows whose field i has this value: none, one, or 2 for several. */
static enum err named(struct ctx *c, struct tx *tx, const struct resource *to, int i,
                      int64_t community_id, struct val v, int *ret_n, int64_t *ret_id)
{
    struct rows rows;
    struct str sql = arena_fmt(c->mem,
                               "SELECT id FROM %s WHERE community_id = $1 AND %s = $2 AND archived "
                               "= 0 ORDER BY id LIMIT 2",
                               to->name, to->fields[i].name);
    const struct query *q = db_intern(tx_db(tx), S("import.named"), sql);
    if (!q)
        return FAIL(c, E_BUSY, "系统忙,请稍候重试", "busy, please try again");
    TRY(q_rows(c, tx, q, IN(v_int(to->system ? 0 : community_id), v), 2, &rows));
    *ret_n = (int)rows.n;
    *ret_id = rows.n ? val_int(rows.v[0]) : 0;
    return E_OK;
}

/* By what people call a row: its code, a value only it has, a phone, its title; the first kind that
 * knows the text decides. */
static bool names_row(const struct resource *to, const struct res_rt *rt, int i, int kind)
{
    const struct field *f = &to->fields[i];
    if (i < R_FIRST || f->flags & (HIDDEN | ENCRYPTED | VIRTUAL))
        return false;
    return kind == 0   ? i == rt->code_f
           : kind == 1 ? (f->flags & UNIQUE) && f->type == F_TEXT
           : kind == 2 ? f->type == F_PHONE
                       : i == rt->title_f && f->type == F_TEXT;
}

static enum err find_named(struct ctx *c, struct tx *tx, const struct field *f, struct str name,
                           int64_t community_id, struct val *ret)
{
    const struct resource *to = app_resource(str_of(f->ref));
    const struct res_rt *rt = rt_of(to);
    for (int kind = 0; kind < 4; kind++)
        for (int i = R_FIRST; i < to->nfields; i++) {
            struct val v;
            int n = 0;
            int64_t id = 0;
            if (!names_row(to, rt, i, kind))
                continue;
            struct fault before = c->fault;
            enum err e = field_of_text(c, &to->fields[i], name, NULL, &v);
            c->fault = before; /* not a phone: then perhaps a name */
            if (e != E_OK || v.t == V_NULL)
                continue;
            TRY(named(c, tx, to, i, community_id, v, &n, &id));
            if (n == 1) {
                *ret = v_int(id);
                return E_OK;
            }
            if (n > 1)
                return FAIL_FIELD(c, f->name, "ambiguous", "有不止一个%s叫“" PRS "”,请写编号",
                                  "more than one %s is called “" PRS "”; write the id",
                                  text_in(to->label, c->lang), PRA(utf8_head(name, 40)));
        }
    return FAIL_FIELD(c, f->name, "ref", "没有叫“" PRS "”的%s",
                      "there is no “" PRS "” among the %s", PRA(utf8_head(name, 40)),
                      text_in(to->label, c->lang));
}

enum err import_insert(struct ctx *c, struct tx *tx, const struct import_plan *p, struct row *row)
{
    for (int i = R_FIRST; i < p->r->nfields; i++)
        if (p->r->fields[i].type == F_REF && row->set & BIT(i) && row->v[i].t == V_TEXT) {
            enum err e = find_named(c, tx, &p->r->fields[i], row->v[i].s, p->community_id,
                                    &row->v[i]);
            if (e != E_OK && e != E_INVALID)
                return e;
        }
    return c->fault.nfields ? E_INVALID : res_insert(c, tx, p->r, row);
}
