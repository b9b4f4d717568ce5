/* res.c - rows in and out of the store for every resource: load, sight, insert, versioned update,
 * references. Rights of the caller are checked by the callers of this file (res_api.c, flow.c),
 * except sight, which is decided here once. */
#include "core/res_in.h"

#include <string.h>

#include "core/event.h"
#include "core/search.h"

void row_of_vals(struct row *r, const struct val *v, int n)
{
    memcpy(r->v, v, (size_t)n * sizeof *v);
    for (int i = n; i < ROW_FIELDS_MAX; i++)
        r->v[i] = v_null();
    r->set = 0;
}

enum err res_load(struct ctx *c, struct tx *tx, const struct resource *r, int64_t id,
                  struct row *ret)
{
    const struct res_rt *rt = rt_of(r);
    struct row row = {0};
    enum err e = q_one(c, tx, &rt->get, IN(v_int(id)), row.v, r->nfields);
    if (e == E_MISSING)
        return FAIL(c, E_MISSING, "没有找到这条记录", "no such record");
    TRY(e);
    *ret = row;
    return E_OK;
}

/* --- sight --- */

/* Writes rule with :staff, :person and :community replaced by parameters. */
static void rule_sql(const struct ctx *c, const char *rule, int64_t community_id, struct buf *sql,
                     struct sql_args *args)
{
    struct str s = str_of(rule);
    while (s.n) {
        struct str before = str_next(&s, ':');
        buf_put(sql, before);
        if (!s.p)
            return;
        size_t len = 0;
        while (len < s.n && s.p[len] >= 'a' && s.p[len] <= 'z')
            len++;
        struct str name = str_sub(s, 0, len);
        bool staff = str_eqz(name, "staff"), community = str_eqz(name, "community");
        ASSERT(staff || community || str_eqz(name, "person"));
        int64_t id = community ? community_id
                     : staff   ? who_staff(c->who, community_id)
                               : who_person(c->who, community_id);
        args->v[args->n++] = v_int(id ? id : -1); /* -1: nobody, matches no row */
        buf_fmt(sql, "$%zu", args->n);
        s = str_sub(s, len, s.n);
    }
}

bool rules_any(const struct ctx *c, const struct res_rt *rt, int64_t community_id)
{
    if (!c->who || who_may_i(c->who, rt->read_i, community_id))
        return true;
    for (int i = 0; i < rt->nrules; i++)
        if (who_may_i(c->who, rt->rule_i[i], community_id))
            return true;
    return false;
}

bool rules_sql(const struct ctx *c, const struct res_rt *rt, int64_t community_id, struct buf *sql,
               struct sql_args *args)
{
    if (!c->who)
        return true;
    if (rt->r->veil.sql && !who_may_i(c->who, rt->veil_i, community_id))
        buf_fmt(sql, " AND (%s)", rt->r->veil.sql);
    if (who_may_i(c->who, rt->read_i, community_id))
        return true;
    int n = 0;
    for (int i = 0; i < rt->nrules; i++) {
        if (!who_may_i(c->who, rt->rule_i[i], community_id))
            continue;
        buf_put(sql, n++ ? S(" OR (") : S(" AND (("));
        rule_sql(c, rt->r->rules[i].sql, community_id, sql, args);
        buf_putc(sql, ')');
    }
    if (n)
        buf_putc(sql, ')');
    return n > 0;
}

void mine_sql(const struct ctx *c, const struct res_rt *rt, int64_t community_id, struct buf *sql,
              struct sql_args *args)
{
    buf_put(sql, S(" AND ("));
    rule_sql(c, rt->r->mine.sql, community_id, sql, args);
    buf_putc(sql, ')');
}

enum err out_of_sight(struct ctx *c, int64_t community_id)
{
    if (who_works(c->who, community_id))
        return FAIL(c, E_DENIED, "您的岗位不能查看", "your role may not see this");
    return FAIL(c, E_MISSING, "没有找到这条记录", "no such record");
}

enum err res_load_seen(struct ctx *c, struct tx *tx, const struct resource *r, int64_t id,
                       struct row *ret)
{
    const struct res_rt *rt = rt_of(r);
    struct row row;
    TRY(res_load(c, tx, r, id, &row));
    int64_t community = row_int(&row, R_COMMUNITY);
    bool veiled = r->veil.sql && c->who && !who_may_i(c->who, rt->veil_i, community);
    if (!veiled && (!c->who || who_may_i(c->who, rt->read_i, community))) {
        *ret = row;
        return E_OK;
    }
    struct buf sql;
    buf_init(&sql, c->mem, 4000);
    buf_fmt(&sql, "SELECT 1 FROM %s WHERE id = $1", r->name);
    struct sql_args args = {.n = 1};
    args.v[0] = v_int(id);
    if (!rules_sql(c, rt, community, &sql, &args))
        return out_of_sight(c, community);
    const struct query *q = db_query(tx_db(tx), c->mem, S("sight"), buf_str(&sql));
    struct val one;
    enum err e = q_one(c, tx, q, args.v, args.n, &one, 1);
    if (e == E_MISSING)
        return out_of_sight(c, community);
    TRY(e);
    *ret = row;
    return E_OK;
}

/* --- references and uniqueness --- */

static enum err check_ref(struct ctx *c, struct tx *tx, const struct field *f, int64_t id,
                          int64_t community_id)
{
    const struct resource *target = app_resource(str_of(f->ref));
    struct val v[2];
    enum err e = q_one(c, tx, &rt_of(target)->exists, IN(v_int(id)), v, 2);
    if (e != E_OK && e != E_MISSING)
        return e;
    bool there = e == E_OK && !val_int(v[1]) && (target->system || val_int(v[0]) == community_id);
    if (!there) /* the same answer for "another community's" and "none": existence does not leak */
        (void)FAIL_FIELD(c, f->name, "ref", "找不到所指的%s", "there is no such %s",
                         text_in(target->label, c->lang));
    return E_OK;
}

/* The community was judged with the right to write there; who did it is logged in. */
static bool is_house_ref(const struct field *f)
{
    return str_eqz(str_of(f->name), "community_id") ||
           (f->flags & SERVER_SET && str_eqz(str_of(f->name), "created_by"));
}

enum err res_check_refs(struct ctx *c, struct tx *tx, const struct field *fields, int n,
                        const struct row *row, int64_t community_id)
{
    for (int i = 0; i < n; i++)
        if (fields[i].type == F_REF && row->set & BIT(i) && row->v[i].t == V_INT &&
            !is_house_ref(&fields[i]))
            TRY(check_ref(c, tx, &fields[i], row->v[i].i, community_id));
    return c->fault.nfields ? E_INVALID : E_OK;
}

static enum err check_unique(struct ctx *c, struct tx *tx, const struct res_rt *rt,
                             const struct row *row, int64_t self)
{
    for (int i = 0; i < rt->r->nfields; i++) {
        const struct field *f = &rt->r->fields[i];
        if (!(rt->unique_f & BIT(i)) || !(row->set & BIT(i)) || row->v[i].t == V_NULL)
            continue;
        struct str sql = arena_fmt(c->mem,
                                   "SELECT id FROM %s WHERE community_id = $1 AND %s = $2 "
                                   "AND archived = 0 AND id <> $3",
                                   rt->r->name, f->name);
        const struct query *q = db_query(tx_db(tx), c->mem, S("unique"), sql);
        struct val id;
        enum err e = q_one(c, tx, q, IN(row->v[R_COMMUNITY], row->v[i], v_int(self)), &id, 1);
        if (f->flags & HIDDEN && field_has_index(rt->r, i - 1))
            f--; /* people know the value, not its index */
        if (e == E_OK)
            (void)FAIL_FIELD(c, f->name, "unique", "已经有一个相同的%s",
                             "there is already one with this %s", text_in(f->label, c->lang));
        else if (e != E_MISSING)
            return e;
    }
    return c->fault.nfields ? E_INVALID : E_OK;
}

/* --- writing --- */

static void fill_standard(struct ctx *c, struct row *neu)
{
    if (!row_has(neu, R_ID))
        row_put(neu, R_ID, v_int(id_new()));
    if (!row_has(neu, R_COMMUNITY))
        row_put(neu, R_COMMUNITY, v_int(0));
    if (!row_has(neu, R_CREATED_AT))
        row_put(neu, R_CREATED_AT, v_int(c->now_ms));
    row_put(neu, R_VERSION, v_int(1));
    row_put(neu, R_UPDATED_AT, neu->v[R_CREATED_AT]);
    row_put(neu, R_ARCHIVED, v_int(0));
    if (c->who && !row_has(neu, R_CREATED_BY))
        row_put(neu, R_CREATED_BY, v_int(c->who->user_id));
}

/* Who is shown the row now, or was until this change. */
static const char *heard_by(const struct resource *r, const struct row *old, const struct row *neu)
{
    const char *perm = r->heard_by ? r->heard_by(neu) : NULL;
    return !perm && r->heard_by && old ? r->heard_by(old) : perm;
}

static enum err emit_row(struct ctx *c, struct tx *tx, const struct resource *r,
                         const struct row *old, const struct row *row, const char *topic,
                         struct str data, int64_t at_ms)
{
    if (r->quiet)
        return E_OK;
    const struct res_rt *rt = rt_of(r);
    struct event e = {.topic = topic,
                      .res = r,
                      .id = row_int(row, R_ID),
                      .community_id = row_int(row, R_COMMUNITY),
                      .data = data,
                      .at_ms = at_ms,
                      .code = rt->code_f >= 0 ? row_str(row, rt->code_f) : (struct str){0},
                      .for_staff = r->staff_field ? row_int(row, r->staff_field) : 0,
                      .for_person = r->person_field ? row_int(row, r->person_field) : 0,
                      .was_staff = old && r->staff_field ? row_int(old, r->staff_field) : 0,
                      .for_asked = r->asked_field ? row_int(row, r->asked_field) : 0,
                      .was_asked = old && r->asked_field ? row_int(old, r->asked_field) : 0,
                      .for_perm = heard_by(r, old, row)};
    return tx_emit(c, tx, &e);
}

/* Whether the insert has to be waited for, because somebody else may have been faster with a value
 * that one row only can have. */
static bool may_clash(const struct res_rt *rt, const struct row *row)
{
    for (int i = 0; i < rt->r->nfields; i++)
        if (rt->unique_f & BIT(i) && row->v[i].t != V_NULL)
            return true;
    return rt->unique_rows;
}

enum err res_insert(struct ctx *c, struct tx *tx, const struct resource *r, struct row *neu)
{
    const struct res_rt *rt = rt_of(r);
    fill_standard(c, neu);
    TRY(res_check_refs(c, tx, r->fields, r->nfields, neu, row_int(neu, R_COMMUNITY)));
    if (r->check)
        TRY(r->check(c, tx, NULL, neu));
    if (c->fault.nfields)
        return E_INVALID;
    if (r->derive)
        r->derive(neu);
    TRY(encrypted_close(c, r, neu));
    TRY(check_unique(c, tx, rt, neu, 0));
    TRY(may_clash(rt, neu) ? q_do(c, tx, &rt->insert, neu->v, (size_t)r->nfields, NULL)
                           : q_send(c, tx, &rt->insert, neu->v, (size_t)r->nfields));
    if (r->after)
        TRY(r->after(c, tx, NULL, neu));
    TRY(search_touch(c, tx, r, NULL, neu));
    return emit_row(c, tx, r, NULL, neu, str_z(c->mem, arena_fmt(c->mem, "%s.created", r->name)),
                    S("{}"), row_int(neu, R_CREATED_AT));
}

static void diff_value(struct buf *b, const struct field *f, struct val v)
{
    if (f->type == F_SECRET || (f->flags & (PERSONAL | UNLOGGED) && v.t == V_TEXT))
        buf_put(b, v.t == V_NULL ? S("null") : S("\"***\""));
    else
        field_to_json(b, f, v, zone_find("UTC"));
}

/* {"diff":{"field":[old,new],…}<,data>} of the fields that really change. */
static struct str diff_json(struct ctx *c, const struct resource *r, const struct row *old,
                            const struct row *neu, struct str data)
{
    struct buf b;
    buf_init(&b, c->mem, 256 << 10);
    buf_put(&b, S("{\"diff\":{"));
    int n = 0;
    for (int i = R_FIRST; i < r->nfields; i++) {
        if (!(neu->set & BIT(i)) || val_eq(old->v[i], neu->v[i]))
            continue;
        buf_fmt(&b, "%s\"%s\":[", n++ ? "," : "", r->fields[i].name);
        diff_value(&b, &r->fields[i], old->v[i]);
        buf_putc(&b, ',');
        diff_value(&b, &r->fields[i], neu->v[i]);
        buf_putc(&b, ']');
    }
    buf_putc(&b, '}');
    if (data.n)
        buf_putc(&b, ',');
    buf_put(&b, data);
    buf_putc(&b, '}');
    return buf_str(&b);
}

static enum err update_row(struct ctx *c, struct tx *tx, const struct resource *r,
                           const struct row *old, struct row *neu)
{
    struct buf sql;
    struct sql_args args = {.n = 2};
    args.v[0] = old->v[R_ID];
    args.v[1] = old->v[R_VERSION];
    buf_init(&sql, c->mem, 8000);
    buf_fmt(&sql, "UPDATE %s SET version = version + 1", r->name);
    for (int i = R_UPDATED_AT; i < r->nfields; i++)
        if (neu->set & BIT(i)) {
            args.v[args.n++] = neu->v[i];
            buf_fmt(&sql, ", %s = $%zu", r->fields[i].name, args.n);
        }
    buf_put(&sql, S(" WHERE id = $1 AND version = $2"));
    const struct query *q = db_query(tx_db(tx), c->mem, str_of(r->name), buf_str(&sql));
    int64_t changed = 0;
    TRY(q_do(c, tx, q, args.v, args.n, &changed));
    if (changed == 1)
        return E_OK;
    c->fault.current_version = row_int(old, R_VERSION) + 1;
    return FAIL(c, E_CONFLICT, "别人刚刚改过这条记录", "someone else has just changed this record");
}

enum err res_store_at(struct ctx *c, struct tx *tx, const struct resource *r, const struct row *old,
                      struct row *neu, const char *topic, struct str data, int64_t at_ms)
{
    for (int i = 0; i < r->nfields; i++) /* neu becomes the whole new row */
        if (!(neu->set & BIT(i)))
            neu->v[i] = old->v[i];
    row_put(neu, R_UPDATED_AT, v_int(c->now_ms));
    neu->set &= ~(BIT(R_ID) | BIT(R_COMMUNITY) | BIT(R_VERSION));
    TRY(res_check_refs(c, tx, r->fields, r->nfields, neu, row_int(old, R_COMMUNITY)));
    if (r->check && !topic)
        TRY(r->check(c, tx, old, neu));
    if (c->fault.nfields)
        return E_INVALID;
    if (r->derive)
        r->derive(neu);
    TRY(encrypted_close(c, r, neu));
    TRY(check_unique(c, tx, rt_of(r), neu, row_int(old, R_ID)));
    TRY(update_row(c, tx, r, old, neu));
    neu->v[R_VERSION] = v_int(row_int(old, R_VERSION) + 1);
    if (r->after)
        TRY(r->after(c, tx, old, neu));
    TRY(search_touch(c, tx, r, old, neu));
    if (!topic)
        topic = str_z(c->mem, arena_fmt(c->mem, "%s.updated", r->name));
    return emit_row(c, tx, r, old, neu, topic, diff_json(c, r, old, neu, data), at_ms);
}

enum err res_store(struct ctx *c, struct tx *tx, const struct resource *r, const struct row *old,
                   struct row *neu, const char *topic, struct str data)
{
    return res_store_at(c, tx, r, old, neu, topic, data, c->now_ms);
}
