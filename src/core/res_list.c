/* res_list.c - lists: the API's query becomes one statement over one community, paged by (sort, id)
 * so that no row is lost or doubled while rows come in. Only fields the table marks FILTER or SORT
 * can be asked for; unknown parameters are refused, because a misspelt filter that silently shows
 * everything is worse than an error. */
#include "core/search.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 200, IN_MAX = 20, VALUES_MAX = 64 };

struct parse {
    struct ctx *c;
    struct req *q;
    const struct res_rt *rt;
    struct list_spec *s;
};

static bool flag_param(struct parse *p, const char *name, struct str v, bool *ret)
{
    if (str_eqz(v, "1") || str_eqz(v, "0")) {
        *ret = str_eqz(v, "1");
        return true;
    }
    (void)FAIL_FIELD(p->c, name, "format", "只能是 0 或 1", "must be 0 or 1");
    return true;
}

static void parse_sort(struct parse *p, struct str v)
{
    bool desc = str_starts(v, S("-"));
    int f = field_find(p->rt->r->fields, p->rt->r->nfields, desc ? str_sub(v, 1, v.n) : v);
    if (f < 0 || (f != R_ID && !(p->rt->sort_f & BIT(f))) ||
        !field_seen(p->c, p->rt, f, p->s->community_id)) {
        (void)FAIL_FIELD(p->c, "sort", "choice", "不能按这个字段排序",
                         "the list cannot be sorted by this field");
        return;
    }
    p->s->sort = f;
    p->s->desc = desc;
}

static void parse_limit(struct parse *p, struct str v)
{
    int64_t n;
    if (!str_int(v, &n) || n < 1 || n > LIMIT_MAX)
        (void)FAIL_FIELD(p->c, "limit", "range", "应在 1 到 %d 之间", "must be 1 to %d", LIMIT_MAX);
    else
        p->s->limit = (int)n;
}

static char filter_op(struct str op)
{
    static const struct {
        const char *name;
        char op;
    } ops[] = {{"", '='},   {"eq", '='},  {"ne", '!'}, {"lt", '<'},
               {"gt", '>'}, {"lte", 'l'}, {"gte", 'g'}};
    for (size_t i = 0; i < COUNT_OF(ops); i++)
        if (str_eqz(op, ops[i].name))
            return ops[i].op;
    return 0;
}

/* All filters share the places of one statement's parameters. */
static int values_used(const struct list_spec *s)
{
    int n = 0;
    for (int i = 0; i < s->nfilters; i++)
        n += s->filters[i].nv;
    return n;
}

/* What is kept encrypted is found by its whole value only, through its index. */
static void filter_encrypted(struct parse *p, int f, char op, struct str value, const char *shown)
{
    typeof(&p->s->filters[0]) w = &p->s->filters[p->s->nfilters];
    struct str index[8];
    if (op != '=' || !field_has_index(p->rt->r, f) || !utf8_valid(value)) {
        (void)FAIL_FIELD(p->c, shown, "unknown", "只能按完整号码查找",
                         "this is found by its whole value only");
        return;
    }
    int n = encrypted_find(p->c, p->rt->r, f, p->s->community_id, str_trim(value), index);
    if (n > VALUES_MAX - values_used(p->s))
        n = 0;
    w->field = f + 1;
    w->op = '=';
    for (w->nv = 0; w->nv < n; w->nv++)
        w->v[w->nv] = v_text(index[w->nv]);
    if (!n) /* without a key nothing can be found, which must not look like no filter */
        w->v[w->nv++] = v_text(S("-"));
    p->s->nfilters++;
}

static void parse_filter(struct parse *p, struct str name, struct str value)
{
    struct str op = name, field = str_next(&op, '.');
    int f = field_find(p->rt->r->fields, p->rt->r->nfields, field);
    char o = filter_op(op);
    const char *shown = str_z(p->c->mem, utf8_head(name, 64));
    /* What may not be read is not to be guessed by asking for it either. */
    if (f < 0 || !(p->rt->r->fields[f].flags & FILTER) || !o ||
        !field_seen(p->c, p->rt, f, p->s->community_id)) {
        (void)FAIL_FIELD(p->c, shown, "unknown", "列表没有这个筛选条件",
                         "the list has no such filter");
        return;
    }
    if (p->s->nfilters == (int)COUNT_OF(p->s->filters)) {
        (void)FAIL_FIELD(p->c, shown, "max", "筛选条件太多", "too many filters");
        return;
    }
    typeof(&p->s->filters[0]) w = &p->s->filters[p->s->nfilters];
    int room = VALUES_MAX - values_used(p->s);
    w->field = f;
    w->op = o;
    w->nv = 0;
    if (str_eqz(value, "null")) {
        w->op = o == '!' ? '1' : '0';
        p->s->nfilters++;
        return;
    }
    if (p->rt->r->fields[f].flags & ENCRYPTED) {
        filter_encrypted(p, f, o, value, shown);
        return;
    }
    while (value.p) {
        struct str one = str_next(&value, ',');
        if (w->nv == IN_MAX || w->nv == room || (w->nv && o != '=')) {
            (void)FAIL_FIELD(p->c, shown, "max", "值太多", "too many values");
            return;
        }
        if (field_of_text(p->c, &p->rt->r->fields[f], one, app_zone(p->s->community_id),
                          &w->v[w->nv]) == E_OK &&
            w->v[w->nv].t != V_NULL)
            w->nv++;
    }
    if (w->nv)
        p->s->nfilters++;
}

static bool parse_param(struct str name, struct str v, void *arg)
{
    struct parse *p = arg;
    if (str_eqz(name, "community_id"))
        return true; /* read by req_community */
    if (p->q->route && p->q->route->flags & SLOW &&
        (str_eqz(name, "unmasked") || str_eqz(name, "reason")))
        return true; /* read by export.c */
    if (str_eqz(name, "q"))
        p->s->q = utf8_valid(v) ? utf8_head(str_trim(v), 60) : (struct str){0};
    else if (str_eqz(name, "sort"))
        parse_sort(p, v);
    else if (str_eqz(name, "limit"))
        parse_limit(p, v);
    else if (str_eqz(name, "after"))
        p->s->after = v;
    else if (str_eqz(name, "count"))
        return flag_param(p, "count", v, &p->s->count);
    else if (str_eqz(name, "refs"))
        return flag_param(p, "refs", v, &p->s->refs);
    else if (str_eqz(name, "actions"))
        return flag_param(p, "actions", v, &p->s->actions);
    else if (str_eqz(name, "mine") && p->rt->r->mine.sql && p->c->who &&
             who_may(p->c->who, p->rt->r->mine.perm, p->s->community_id))
        return flag_param(p, "mine", v, &p->s->mine);
    else if (str_eqz(name, "archived"))
        return flag_param(p, "archived", v, &p->s->archived);
    else
        parse_filter(p, name, v);
    return true;
}

enum err list_parse(struct ctx *c, struct req *q, const struct res_rt *rt, struct list_spec *ret)
{
    *ret = (struct list_spec){.sort = R_ID, .desc = true, .limit = LIMIT_DEFAULT};
    struct parse p = {c, q, rt, ret};
    if (!rt->r->system)
        TRY(req_community(c, q, NULL, &ret->community_id));
    if (!rules_any(c, rt, ret->community_id))
        return out_of_sight(c, ret->community_id);
    if (rt->r->default_sort)
        parse_sort(&p, str_of(rt->r->default_sort));
    if (!http_params(q->h, parse_param, &p))
        return FAIL(c, E_SYNTAX, "网址参数无法读取", "the query string cannot be read");
    return c->fault.nfields ? E_INVALID : E_OK;
}

/* --- cursor: "<sort field>.<i|t><value>.<id>", text values in hex --- */

static struct str cursor_make(struct ctx *c, const struct res_rt *rt, const struct list_spec *s,
                              const struct row *last)
{
    struct val v = last->v[s->sort];
    const char *name = rt->r->fields[s->sort].name;
    long long id = row_int(last, R_ID);
    if (v.t == V_INT)
        return arena_fmt(c->mem, "%s.i%lld.%lld", name, (long long)v.i, id);
    struct str hex = hex_of(c->mem, (const uint8_t *)val_str(v).p, val_str(v).n);
    return arena_fmt(c->mem, "%s.t" PRS ".%lld", name, PRA(hex), id);
}

static int hex_digit(char ch)
{
    return ch >= '0' && ch <= '9' ? ch - '0' : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static bool unhex(struct arena *a, struct str hex, struct val *ret)
{
    if (hex.n % 2 || hex.n > 2000)
        return false;
    char *p = arena_get(a, hex.n / 2 + 1);
    for (size_t i = 0; i < hex.n / 2; i++) {
        int hi = hex_digit(hex.p[2 * i]), lo = hex_digit(hex.p[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        p[i] = (char)(hi * 16 + lo);
    }
    *ret = v_text((struct str){p, hex.n / 2});
    return utf8_valid(ret->s) && !str_has_nul(ret->s);
}

static enum err cursor_read(struct ctx *c, const struct res_rt *rt, const struct list_spec *s,
                            struct val *ret, int64_t *ret_id)
{
    struct str rest = s->after;
    struct str name = str_next(&rest, '.'), value = str_next(&rest, '.');
    bool text = field_column(rt->r->fields[s->sort].type) == COL_TEXT;
    bool ok = str_eqz(name, rt->r->fields[s->sort].name) && value.n && str_int(rest, ret_id) &&
              value.p[0] == (text ? 't' : 'i');
    if (ok && text)
        ok = unhex(c->mem, str_sub(value, 1, value.n), ret);
    else if (ok) {
        ret->t = V_INT;
        ok = str_int(str_sub(value, 1, value.n), &ret->i);
    }
    return ok ? E_OK
              : FAIL_FIELD(c, "after", "format", "翻页标记无效,请从第一页开始",
                           "the page mark is not valid; start from the first page");
}

/* --- the statement --- */

static void push(struct buf *sql, struct sql_args *args, struct val v)
{
    ASSERT(args->n < COUNT_OF(args->v));
    args->v[args->n++] = v;
    buf_fmt(sql, "$%zu", args->n);
}

static void sql_filters(const struct res_rt *rt, const struct list_spec *s, struct buf *sql,
                        struct sql_args *args)
{
    for (int i = 0; i < s->nfilters; i++) {
        typeof(&s->filters[0]) w = &s->filters[i];
        buf_fmt(sql, " AND %s ", rt->r->fields[w->field].name);
        if (w->op == '0' || w->op == '1') {
            buf_put(sql, w->op == '0' ? S("IS NULL") : S("IS NOT NULL"));
            continue;
        }
        if (w->op == '=' && w->nv > 1) {
            buf_put(sql, S("IN ("));
            for (int k = 0; k < w->nv; k++) {
                if (k)
                    buf_putc(sql, ',');
                push(sql, args, w->v[k]);
            }
            buf_putc(sql, ')');
            continue;
        }
        buf_putz(sql, w->op == '='   ? "= "
                      : w->op == '!' ? "<> "
                      : w->op == '<' ? "< "
                      : w->op == '>' ? "> "
                      : w->op == 'l' ? "<= "
                                     : ">= ");
        push(sql, args, w->v[0]);
    }
}

/* q= as a LIKE pattern with its own wildcards taken literally. */
static struct str like_pattern(struct ctx *c, struct str q)
{
    struct buf b;
    buf_init(&b, c->mem, 1000);
    buf_putc(&b, '%');
    for (size_t i = 0; i < q.n; i++) {
        if (q.p[i] == '%' || q.p[i] == '_' || q.p[i] == '\\')
            buf_putc(&b, '\\');
        char ch = q.p[i];
        buf_putc(&b, ch >= 'A' && ch <= 'Z' ? (char)(ch + 32) : ch);
    }
    buf_putc(&b, '%');
    return buf_str(&b);
}

/* One word of q= in any SEARCH field; a masked field answers to the full value of q only, or a
 * caller who may not see phone numbers could find them digit by digit. */
static void sql_word(struct ctx *c, const struct res_rt *rt, struct str word, size_t whole,
                     bool plain, struct buf *sql, struct sql_args *args)
{
    args->v[args->n++] = v_text(like_pattern(c, word));
    size_t like = args->n;
    for (int i = 0, n = 0; i < rt->r->nfields; i++) {
        const struct field *f = &rt->r->fields[i];
        if (!(rt->search_f & BIT(i)))
            continue;
        buf_putz(sql, n++ ? " OR " : " AND (");
        if (f->type == F_REF) {
            const struct resource *to = app_resource(str_of(f->ref));
            buf_fmt(sql,
                    "EXISTS (SELECT 1 FROM %s x WHERE x.id = %s.%s AND lower(x.%s) LIKE $%zu "
                    "ESCAPE '\\')",
                    to->name, rt->r->name, f->name, to->title, like);
        } else if (f->flags & PERSONAL && !plain)
            buf_fmt(sql, "%s = $%zu", f->name, whole);
        else
            buf_fmt(sql, "lower(%s) LIKE $%zu ESCAPE '\\'", f->name, like);
    }
    buf_fmt(sql, " OR 1 = 0 AND $%zu = $%zu)", whole, like); /* both parameters are always used */
}

/* Chinese keyboards write a wide space. */
static struct str spaced(struct arena *a, struct str q)
{
    struct str wide = S("\u3000"), rest = q;
    char *p = arena_get(a, q.n + 1);
    if (q.n)
        memcpy(p, q.p, q.n);
    for (ptrdiff_t at; (at = str_find(rest, wide)) >= 0;
         rest = str_sub(rest, (size_t)at + wide.n, rest.n))
        memset(p + (rest.p - q.p) + at, ' ', wide.n);
    return (struct str){p, q.n};
}

/* Every word of q=, in whichever fields; past QUERY_WORDS the rest counts as one. */
static void sql_search(struct ctx *c, const struct res_rt *rt, const struct list_spec *s,
                       struct buf *sql, struct sql_args *args)
{
    enum { QUERY_WORDS = 6 };
    struct str rest = str_trim(spaced(c->mem, s->q));
    if (!s->q.n || !rt->search_f)
        return;
    bool plain = !c->who || who_may_i(c->who, personal_read_index(), s->community_id);
    ASSERT(args->n + QUERY_WORDS + 1 <= COUNT_OF(args->v));
    args->v[args->n++] = v_text(s->q);
    size_t whole = args->n;
    for (int i = 1; i == 1 || rest.n; i++) {
        struct str word = i == QUERY_WORDS ? rest : str_next(&rest, ' ');
        if (i == QUERY_WORDS)
            rest = (struct str){0};
        rest = str_trim(rest);
        sql_word(c, rt, word, whole, plain, sql, args);
    }
}

/* Parts of one's own rows are few: they are sorted, or everybody's would be read in order until
 * enough of them were met. */
static bool asks_own_parts(const struct ctx *c, const struct res_rt *rt, const struct list_spec *s)
{
    return rt->r->part_of && s->q.n && c->who && !who_may_i(c->who, rt->read_i, s->community_id);
}

enum err list_query(struct ctx *c, struct db *db, const struct res_rt *rt,
                    const struct list_spec *s, bool counting, struct sql_args *args,
                    const struct query **ret)
{
    const char *sort = rt->r->fields[s->sort].name, *way = s->desc ? "DESC" : "ASC";
    struct buf sql;
    buf_init(&sql, c->mem, 16000);
    args->n = 0;
    if (counting)
        buf_put(&sql, S("SELECT count(*) FROM "));
    else
        buf_fmt(&sql, "SELECT " PRS " FROM ", PRA(rt->columns));
    search_from_sql(c, db, rt, s, &sql, args);
    buf_put(&sql, S(" WHERE community_id = "));
    push(&sql, args, v_int(s->community_id));
    buf_put(&sql, S(" AND archived = "));
    push(&sql, args, v_int(s->archived));
    if (!rules_sql(c, rt, s->community_id, &sql, args))
        return FAIL(c, E_MISSING, "没有找到这个项目", "no such community");
    if (s->mine)
        mine_sql(c, rt, s->community_id, &sql, args);
    sql_filters(rt, s, &sql, args);
    search_where_sql(c, db, rt, s, &sql, args);
    sql_search(c, rt, s, &sql, args);
    if (!counting && s->after.n) {
        struct val v;
        int64_t id;
        TRY(cursor_read(c, rt, s, &v, &id));
        if (s->by == BY_HIT) {
            buf_put(&sql, S(" AND hit < ")); /* the index begins there */
            push(&sql, args, v_int(id));
        } else {
            buf_fmt(&sql, " AND (%s, id) %s (", sort, s->desc ? "<" : ">");
            push(&sql, args, v);
            buf_putc(&sql, ',');
            push(&sql, args, v_int(id));
            buf_putc(&sql, ')');
        }
    }
    if (!counting) {
        if (s->sort == R_ID)
            buf_fmt(&sql, " ORDER BY %s %s LIMIT ",
                    s->by == BY_HIT            ? "hit"
                    : asks_own_parts(c, rt, s) ? "+id"
                                               : "id",
                    way);
        else
            buf_fmt(&sql, " ORDER BY %s %s, id %s LIMIT ", sort, way, way);
        push(&sql, args, v_int(s->limit + 1));
    }
    *ret = db_query(db, c->mem, str_of(rt->r->path), buf_str(&sql));
    return E_OK;
}

/* --- one page --- */

/* A page ends early when its texts grow large: ten thousand characters in each of 200 rows fit
 * neither the request's memory nor its reply, and whoever writes long texts must not be able to
 * take the list away from everybody else. */
enum { PAGE_TEXT_BYTES = 400 << 10, PAGE_FIRST_ROWS = 16 };
struct page {
    struct row *rows;
    size_t n, cap, limit, text_bytes, text_max;
    bool more;
};

static enum err page_full(struct ctx *c)
{
    return FAIL(c, E_TOOBIG, "结果太大,请缩小范围", "the result is too large; narrow it down");
}

static enum err page_grow(struct ctx *c, struct page *p)
{
    size_t cap = p->cap ? p->cap * 4 : PAGE_FIRST_ROWS;
    struct row *rows = arena_try(c->mem, cap * sizeof *rows);
    if (!rows)
        return page_full(c);
    if (p->n)
        memcpy(rows, p->rows, p->n * sizeof *rows);
    p->rows = rows;
    p->cap = cap;
    return E_OK;
}

static enum err page_row(struct ctx *c, const struct val *v, int ncol, void *arg)
{
    struct page *p = arg;
    if (p->more || p->n == p->limit || p->text_bytes > p->text_max) {
        p->more = true;
        return E_OK;
    }
    if (p->n == p->cap)
        TRY(page_grow(c, p));
    struct row *row = &p->rows[p->n++];
    row_of_vals(row, v, ncol);
    for (int i = 0; i < ncol; i++) {
        if (v[i].t != V_TEXT)
            continue;
        char *text = arena_try(c->mem, v[i].s.n + 1);
        if (!text)
            return page_full(c);
        if (v[i].s.n)
            memcpy(text, v[i].s.p, v[i].s.n);
        row->v[i].s.p = text;
        p->text_bytes += v[i].s.n;
    }
    return E_OK;
}

enum err res_rows(struct ctx *c, struct tx *tx, const struct query *q, const struct val *in,
                  size_t nin, size_t max, size_t text_max, struct res_page *ret)
{
    struct page p = {.limit = max, .text_max = text_max};
    TRY(q_each(c, tx, q, in, nin, page_row, &p));
    *ret = (struct res_page){p.rows, p.n, p.more};
    return E_OK;
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = row_int(a, R_ID), y = row_int(b, R_ID);
    return (x < y) - (x > y);
}

static enum err query_page(struct ctx *c, struct tx *tx, const struct res_rt *rt,
                           const struct list_spec *s, struct page *p)
{
    struct sql_args args;
    const struct query *query;
    TRY(list_query(c, tx_db(tx), rt, s, false, &args, &query));
    return q_each(c, tx, query, args.v, args.n, page_row, p);
}

/* A page of hits, window by window; a hit that does not hold q after all, or that the caller may
 * not see, is none, so each next window asks for more. */
static enum err hits_page(struct ctx *c, struct tx *tx, const struct res_rt *rt,
                          const struct list_spec *s, struct page *p)
{
    struct list_spec part = *s;
    int64_t before = INT64_MAX, want = s->limit + 1;
    struct val at;
    bool last = false;
    if (s->after.n)
        TRY(cursor_read(c, rt, s, &at, &before));
    for (; !last && !p->more; want *= 4) {
        TRY(search_window(c, tx, rt, &part, want, &before, &last));
        if (part.window.t == V_TEXT)
            TRY(query_page(c, tx, rt, &part, p));
    }
    return E_OK;
}

/* What is stale joins what the index found; a row that is both is there once. */
static enum err add_fresh(struct ctx *c, struct tx *tx, const struct res_rt *rt,
                          const struct list_spec *s, struct page *p)
{
    struct list_spec stale = *s;
    struct page fresh = {.limit = (size_t)s->limit, .text_max = PAGE_TEXT_BYTES};
    size_t n = 0;
    stale.by = BY_FRESH;
    TRY(query_page(c, tx, rt, &stale, &fresh));
    if (!fresh.n)
        return E_OK;
    int64_t floor = fresh.more ? row_int(&fresh.rows[fresh.n - 1], R_ID) : 0;
    if (p->more && p->n && row_int(&p->rows[p->n - 1], R_ID) > floor)
        floor = row_int(&p->rows[p->n - 1], R_ID); /* one of them has not been read below it */
    struct row *all = arena_try(c->mem, (p->n + fresh.n) * sizeof *all);
    if (!all)
        return page_full(c);
    if (p->n)
        memcpy(all, p->rows, p->n * sizeof *all);
    memcpy(all + p->n, fresh.rows, fresh.n * sizeof *all);
    qsort(all, p->n + fresh.n, sizeof *all, newest_first);
    for (size_t i = 0; i < p->n + fresh.n && row_int(&all[i], R_ID) >= floor; i++)
        if (!n || row_int(&all[i], R_ID) != row_int(&all[n - 1], R_ID))
            all[n++] = all[i];
    bool cut = n > (size_t)s->limit;
    *p = (struct page){
        .rows = all, .n = cut ? (size_t)s->limit : n, .more = p->more || fresh.more || cut};
    return E_OK;
}

enum err list_run(struct ctx *c, struct tx *tx, const struct res_rt *rt, const struct list_spec *s,
                  struct row **ret_rows, size_t *ret_n, struct str *ret_next)
{
    struct page p = {.limit = (size_t)s->limit, .text_max = PAGE_TEXT_BYTES};
    struct list_spec asked = *s;
    TRY(search_all(c, tx, rt, &asked));
    TRY(s->by == BY_HIT ? hits_page(c, tx, rt, s, &p) : query_page(c, tx, rt, &asked, &p));
    if (s->by == BY_HIT)
        TRY(add_fresh(c, tx, rt, s, &p));
    *ret_next = p.more ? cursor_make(c, rt, s, &p.rows[p.n - 1]) : (struct str){0};
    *ret_rows = p.rows;
    *ret_n = p.n;
    return E_OK;
}
