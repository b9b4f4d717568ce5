/* merge_plan.c - what merging two rows of one person would do: which values stay, which rows of
 * which rooms move, and what stands against it. The preview shows it, merge.c does it; both read it
 * here, so that what was shown is what happens. Must not write. */
#include <string.h>

#include "rooms/people/room.h"

const int merged_fields[MERGED_FIELDS] = {PE_NAME,    PE_PHONE,     PE_PHONE2, PE_TIER,
                                          PE_ID_KIND, PE_ID_NUMBER, PE_NOTE};
enum { AT_NAME, AT_PHONE, AT_PHONE2, AT_TIER, AT_ID_KIND, AT_ID_NUMBER, AT_NOTE };
enum { IN_WITH, IN_TAKE };
const struct field preview_query[PREVIEW_QUERY] = {
    [IN_WITH] = {"with", F_REF, REQUIRED, .ref = "people", .label = {"并入的住户", "Goes"}},
    [IN_TAKE] = {"take", F_TEXT, 0, .label = {"取自并入者的字段", "Fields of the one who goes"}}};

static const struct query Q_LOGINS = {
    "merge.logins", "SELECT count(*) FROM role_grant WHERE person_id = $1 AND archived = 0"};
const struct query *const plan_queries[] = {&Q_LOGINS, NULL};

/* --- references --- */

/* When the one who stays has a row b that says what a says, a is put away instead of moved. Unique
 * indexes say so by themselves. */
static const struct {
    const struct resource *res;
    const char *sql;
} sames[] = {
    {&res_identity, "b.kind = a.kind AND b.value_key = a.value_key"},
    {&res_occupancy, "b.space_id = a.space_id AND b.relation = a.relation AND b.from_date <= "
                     "a.from_date AND (b.to_date IS NULL OR b.to_date >= a.to_date)"},
};

/* A merge's own rows tell who was merged: they stay as they are. */
static bool is_link(const struct resource *r, const struct field *f)
{
    return f->type == F_REF && r != &res_merge && str_eqz(str_of(f->ref), res_person.path);
}

int merge_links(struct link ret[LINKS_MAX])
{
    const struct resource *const *list;
    int n = app_resources(&list), found = 0;
    for (int i = 0; i < n; i++)
        for (int f = R_FIRST; f < list[i]->nfields; f++)
            if (is_link(list[i], &list[i]->fields[f])) {
                ASSERT(found < LINKS_MAX);
                ret[found++] = (struct link){list[i], f};
            }
    return found;
}

static bool column_in(struct str columns, const char *name)
{
    while (columns.n)
        if (str_eqz(str_trim(str_next(&columns, ',')), name))
            return true;
    return false;
}

/* OR EXISTS (a row of the one who stays that the index would not let a stand beside). */
static void put_unique(struct buf *sql, const struct link *l, const struct index *x)
{
    const char *field = l->res->fields[l->field].name, *where = x->where ? x->where : "1 = 1";
    struct str columns = str_of(x->columns);
    if (!x->unique || !column_in(columns, field))
        return;
    buf_fmt(sql,
            " OR (EXISTS (SELECT 1 FROM (SELECT id FROM %s WHERE %s) own WHERE own.id = a.id) AND "
            "EXISTS (SELECT 1 FROM (SELECT * FROM %s WHERE %s) b WHERE b.%s = $3",
            l->res->name, where, l->res->name, where, field);
    while (columns.n) {
        struct str column = str_trim(str_next(&columns, ','));
        if (!str_eqz(column, field))
            buf_fmt(sql, " AND b." PRS " = a." PRS, PRA(column), PRA(column));
    }
    buf_put(sql, S("))"));
}

enum err merge_rows(struct ctx *c, struct tx *tx, const struct merge *m, const struct link *l,
                    struct rows *ret)
{
    const char *field = l->res->fields[l->field].name;
    struct buf sql;
    buf_init(&sql, c->mem, 8000);
    buf_fmt(&sql, "SELECT a.id, CASE WHEN a.archived = 0 AND a.%s <> $3 AND (1 = 0", field);
    for (int i = 0; i < l->res->nindexes; i++)
        put_unique(&sql, l, &l->res->indexes[i]);
    for (size_t i = 0; i < COUNT_OF(sames); i++)
        if (sames[i].res == l->res)
            buf_fmt(&sql,
                    " OR EXISTS (SELECT 1 FROM %s b WHERE b.community_id = a.community_id AND b.%s "
                    "= $3 AND b.archived = 0 AND %s)",
                    l->res->name, field, sames[i].sql);
    buf_fmt(&sql,
            ") THEN 1 ELSE 0 END FROM %s a WHERE a.community_id = $1 AND a.%s = $2 ORDER BY a.id "
            "LIMIT %d",
            l->res->name, field, MERGE_ROWS_MAX + 1);
    const struct query *q = db_query(tx_db(tx), c->mem, S("merge.rows"), buf_str(&sql));
    enum err e = q_rows(c, tx, q, IN(m->keep.v[R_COMMUNITY], m->gone.v[R_ID], m->keep.v[R_ID]),
                        MERGE_ROWS_MAX, ret);
    if (e != E_TOOBIG)
        return e;
    fault_clear(c);
    return FAIL(c, E_TOOBIG, "“%s”超过 %d 条,不能一次合并",
                "more than %2$d rows of “%1$s”: too many", text_in(l->res->label, c->lang),
                MERGE_ROWS_MAX);
}

/* --- values --- */

struct val merge_value(struct ctx *c, const struct row *person, int i)
{
    int f = merged_fields[i];
    if (!(person_fields[f].flags & ENCRYPTED) || !row_has(person, f))
        return person->v[f];
    return v_text(encrypted_open(c, &res_person, person, f));
}

static void join_notes(struct ctx *c, struct merge *m)
{
    struct str a = row_str(&m->keep, PE_NOTE), b = row_str(&m->gone, PE_NOTE);
    if (!a.n || !b.n || str_eq(a, b) || m->how[AT_NOTE] == TAKEN ||
        utf8_len(a) + 1 + utf8_len(b) > (size_t)field_max(&person_fields[PE_NOTE]))
        return;
    m->neu[AT_NOTE] = v_text(arena_fmt(c->mem, PRS "\n" PRS, PRA(a), PRA(b)));
    m->how[AT_NOTE] = JOINED;
}

/* The number that is not the first one becomes the second where there is none: it is how somebody
 * was reached until today. */
static void keep_number(struct merge *m)
{
    struct val other = m->how[AT_PHONE] == TAKEN ? m->keep.v[PE_PHONE] : m->gone.v[PE_PHONE];
    if (m->neu[AT_PHONE2].t != V_NULL || other.t == V_NULL || val_eq(other, m->neu[AT_PHONE]))
        return;
    m->neu[AT_PHONE2] = other;
    m->how[AT_PHONE2] = JOINED;
}

static void take_field(struct ctx *c, struct merge *m, int i)
{
    m->neu[i] = merge_value(c, &m->gone, i);
    m->how[i] = TAKEN;
}

static int merged_index(struct str name)
{
    for (int i = 0; i < MERGED_FIELDS; i++)
        if (str_eqz(name, person_fields[merged_fields[i]].name))
            return i;
    return -1;
}

static enum err plan_values(struct ctx *c, struct str take, struct merge *m)
{
    for (int i = 0; i < MERGED_FIELDS; i++) {
        m->neu[i] = merge_value(c, &m->keep, i);
        if (m->neu[i].t == V_NULL && row_has(&m->gone, merged_fields[i]))
            take_field(c, m, i);
    }
    if (row_int(&m->gone, PE_TIER) == TIER_VIP) /* what was promised to one is promised to both */
        m->neu[AT_TIER] = v_int(TIER_VIP);
    while (take.n) {
        struct str name = str_trim(str_next(&take, ','));
        int i = merged_index(name);
        if (i < 0 || !row_has(&m->gone, merged_fields[i]))
            return FAIL_FIELD(c, "take", "unknown", "“" PRS "”不能取自并入的住户",
                              "“" PRS "” cannot come from the one who goes", PRA(name));
        take_field(c, m, i);
    }
    /* a number and what kind of number it is are one thing */
    if (m->how[AT_ID_NUMBER] == TAKEN || m->how[AT_ID_KIND] == TAKEN) {
        take_field(c, m, AT_ID_KIND);
        take_field(c, m, AT_ID_NUMBER);
    }
    join_notes(c, m);
    keep_number(m);
    return E_OK;
}

/* --- what stands against it --- */

static bool is_same(const struct merge *m)
{
    return row_int(&m->keep, R_ID) == row_int(&m->gone, R_ID);
}

static bool is_archived(const struct merge *m)
{
    return row_int(&m->keep, R_ARCHIVED) || row_int(&m->gone, R_ARCHIVED);
}

static bool is_other_kind(const struct merge *m)
{
    return row_int(&m->keep, PE_KIND) != row_int(&m->gone, PE_KIND);
}

/* Two numbers of one kind are two persons: the database holds each number once. */
static bool is_other_document(const struct merge *m)
{
    return row_has(&m->keep, PE_ID_NUMBER) && row_has(&m->gone, PE_ID_NUMBER) && !is_same(m) &&
           row_int(&m->keep, PE_ID_KIND) == row_int(&m->gone, PE_ID_KIND);
}

static bool is_restricted(const struct merge *m)
{
    return row_has(&m->keep, PE_RESTRICTED) || row_has(&m->gone, PE_RESTRICTED);
}

static bool has_two_logins(const struct merge *m)
{
    return m->keep_logins && m->gone_logins && !is_same(m);
}

/* Logins never move: whose login shows what is an administrator's decision, not a clerk's. */
static bool loses_login(const struct merge *m)
{
    return !m->keep_logins && m->gone_logins;
}

const struct merge_obstacle merge_obstacles[] = {
    {"same", is_same, {"这是同一条记录", "this is one and the same record"}},
    {"archived", is_archived, {"其中一条已归档", "one of them is archived"}},
    {"kind", is_other_kind, {"一个是个人,一个是单位", "one is a person, one an organisation"}},
    {"document",
     is_other_document,
     {"两人的证件号码不同,不是同一人;号码有误请先更正",
      "two different document numbers are two persons; correct a wrong one first"}},
    {"restricted",
     is_restricted,
     {"其中一人要求限制处理,只保存不使用", "one of them asked for restriction: only kept"}},
    {"logins",
     has_two_logins,
     {"两人都有登录账号,请管理员先停用一个",
      "both can log in; let an administrator end one login"}},
    {"login",
     loses_login,
     {"并入的住户有登录账号,请保留有账号的一条", "the one who goes can log in: keep that one"}},
    {0}};

enum err merge_plan(struct ctx *c, struct tx *tx, int64_t keep, int64_t gone, struct str take,
                    struct merge *ret)
{
    *ret = (struct merge){0};
    TRY(res_load_seen(c, tx, &res_person, keep, &ret->keep));
    TRY(res_load_seen(c, tx, &res_person, gone, &ret->gone));
    if (row_int(&ret->keep, R_COMMUNITY) != row_int(&ret->gone, R_COMMUNITY))
        return FAIL(c, E_MISSING, "没有找到这条记录", "no such record");
    struct val n;
    TRY(q_one(c, tx, &Q_LOGINS, IN(v_int(keep)), &n, 1));
    ret->keep_logins = val_int(n);
    TRY(q_one(c, tx, &Q_LOGINS, IN(v_int(gone)), &n, 1));
    ret->gone_logins = val_int(n);
    return plan_values(c, take, ret);
}

/* --- the preview --- */

static void put_shown(struct ctx *c, const struct row *person, int i, struct buf *out)
{
    const struct field *f = &person_fields[merged_fields[i]];
    struct val v = merge_value(c, person, i);
    if (!(f->flags & PERSONAL) || v.t == V_NULL) {
        field_to_json(out, f, v, app_zone(row_int(person, R_COMMUNITY)));
        return;
    }
    struct buf masked;
    buf_init(&masked, c->mem, 400);
    buf_masked(&masked, f, val_str(v));
    buf_json(out, buf_str(&masked));
}

/* Masked like everywhere; same says what the masks hide. */
static void put_fields(struct ctx *c, const struct merge *m, struct buf *out)
{
    static const char *const how[] = {"keep", "gone", "both"};
    for (int i = 0; i < MERGED_FIELDS; i++) {
        buf_fmt(out, "%s{\"name\":\"%s\",\"keep\":", i ? "," : "",
                person_fields[merged_fields[i]].name);
        put_shown(c, &m->keep, i, out);
        buf_put(out, S(",\"gone\":"));
        put_shown(c, &m->gone, i, out);
        buf_fmt(out, ",\"same\":%s,\"result\":\"%s\"}",
                val_eq(merge_value(c, &m->keep, i), merge_value(c, &m->gone, i)) ? "true" : "false",
                how[m->how[i]]);
    }
}

static enum err put_moves(struct ctx *c, struct tx *tx, const struct merge *m, struct buf *out)
{
    struct link links[LINKS_MAX];
    int n = merge_links(links), put = 0;
    for (int i = 0; i < n; i++) {
        struct rows rows;
        int64_t away = 0;
        TRY(merge_rows(c, tx, m, &links[i], &rows));
        for (size_t k = 0; k < rows.n; k++)
            away += val_int(rows.v[k * 2 + 1]);
        if (!rows.n)
            continue;
        buf_fmt(out, "%s{\"resource\":\"%s\",\"label\":", put++ ? "," : "", links[i].res->path);
        buf_json(out, str_of(text_in(links[i].res->label, c->lang)));
        buf_fmt(out, ",\"moved\":%lld,\"put_away\":%lld}", (long long)rows.n - (long long)away,
                (long long)away);
    }
    return E_OK;
}

enum err merge_preview(struct ctx *c, struct req *q)
{
    struct merge m;
    int64_t with;
    TRY(req_id_param(c, q, preview_query[IN_WITH].name, &with));
    if (!with)
        return FAIL_FIELD(c, preview_query[IN_WITH].name, "required", "请指明另一位住户",
                          "say who the other one is");
    TRY(merge_plan(c, q->tx, q->ids[0], with, http_param(q->h, preview_query[IN_TAKE].name), &m));
    if (!who_may(c->who, "people.manage", row_int(&m.keep, R_COMMUNITY)))
        return FAIL(c, E_DENIED, "您的岗位不能合并住户", "your role may not merge persons");
    buf_fmt(&q->out, "{\"keep\":%lld,\"gone\":%lld,\"obstacles\":[", (long long)q->ids[0],
            (long long)with);
    for (int i = 0, n = 0; merge_obstacles[i].code; i++)
        if (merge_obstacles[i].is(&m)) {
            buf_fmt(&q->out, "%s{\"code\":\"%s\",\"message\":", n++ ? "," : "",
                    merge_obstacles[i].code);
            buf_json(&q->out, str_of(text_in(merge_obstacles[i].text, c->lang)));
            buf_putc(&q->out, '}');
        }
    buf_put(&q->out, S("],\"fields\":["));
    put_fields(c, &m, &q->out);
    buf_put(&q->out, S("],\"moves\":["));
    TRY(put_moves(c, q->tx, &m, &q->out));
    buf_put(&q->out, S("]}"));
    return E_OK;
}
