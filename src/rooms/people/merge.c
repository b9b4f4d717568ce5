/* merge.c - two rows of one person become one, and two again. A merge is a row of its own whose
 * creation does the work and whose action "undo" takes it back: every row that points to the one
 * who goes is pointed to the one who stays, the former is archived with all it held, and a list of
 * what moved is kept. Must not move logins (merge_plan.c says why). */
#include "rooms/people/room.h"

#include <string.h>

enum { MERGED = 1, UNDONE };
static const struct choice states[] = {{MERGED, "merged", {"已合并", "Merged"}, "blue"},
                                       {UNDONE, "undone", {"已撤销", "Undone"}, "grey"},
                                       {0}};
static const struct field merge_fields[PM__N] = {
    STANDARD_FIELDS,
    [PM_KEEP] = {"keep_id", F_REF, REQUIRED | CREATE_ONLY | FILTER | LIST | INDEXED,
                 .ref = "people", .label = {"保留", "Stays"}},
    [PM_GONE] = {"gone_id", F_REF, REQUIRED | CREATE_ONLY | FILTER | LIST | INDEXED,
                 .ref = "people", .label = {"并入", "Goes"}},
    [PM_TAKE] = {"take", F_TEXT, CREATE_ONLY, 0, 200,
                 .label = {"取自并入者的字段", "Fields of the one who goes"},
                 .help = {"字段名,用逗号分开;留空:保留者的值优先",
                          "names with commas; empty: the values of the one who stays"}},
    [PM_REASON] = {"reason", F_TEXT, REQUIRED | CREATE_ONLY | LIST | UNLOGGED, 2, 200,
                   .label = {"理由", "Reason"}},
    [PM_STATE] = {"state", F_ENUM, SERVER_SET | FILTER | LIST, .choices = states,
                  .label = {"状态", "State"}},
    [PM_MOVED] = {"moved", F_INT, SERVER_SET | LIST, .label = {"转移记录数", "Records moved"}},
    [PM_LEFT] = {"left_where_they_are", F_INT, SERVER_SET,
                 .label = {"撤销时未退回", "Not moved back"},
                 .help = {"合并后又被改到别处的记录和字段",
                          "rows and values that were changed to something else since"}},
    /* {"phone":["before","after"]} of the one who stays; gone when either is anonymous */
    [PM_BEFORE] = {"before", F_TEXT, SERVER_SET | HIDDEN | ENCRYPTED,
                   .label = {"合并前的值", "Values before"}},
};
enum { PW_MERGE = R_FIRST, PW_RESOURCE, PW_FIELD, PW_ROW, PW_AWAY, PW__N };
static const struct field row_fields[PW__N] = {
    STANDARD_FIELDS,
    [PW_MERGE] = {"merge_id", F_REF, SERVER_SET | FILTER | LIST | INDEXED, .ref = "person-merges",
                  .label = {"合并", "Merge"}},
    [PW_RESOURCE] = {"resource", F_TEXT, SERVER_SET | LIST, .label = {"记录类型", "Resource"}},
    [PW_FIELD] = {"field", F_TEXT, SERVER_SET | LIST, .label = {"字段", "Field"}},
    [PW_ROW] = {"row_id", F_INT, SERVER_SET | LIST, .label = {"记录编号", "Record"}},
    [PW_AWAY] = {"put_away", F_BOOL, SERVER_SET | LIST,
                 .label = {"重复,已归档", "Doubled: archived"}},
};
static const struct query Q_KEEP_ROW = {
    "merge.keep_row",
    "INSERT INTO person_merge_row (id, community_id, version, created_at, created_by, updated_at, "
    "archived, merge_id, resource, field, row_id, put_away) VALUES ($1, $2, 1, $3, $4, $3, 0, $5, "
    "$6, $7, $8, $9)"};
static const struct query Q_KEPT_ROWS = {
    "merge.kept_rows", "SELECT resource, field, row_id, put_away FROM person_merge_row WHERE "
                       "merge_id = $1 ORDER BY id LIMIT 65000"};
const struct query *const merge_queries[] = {&Q_KEEP_ROW, &Q_KEPT_ROWS, NULL};

/* --- one row of some room --- */

/* Written past res_store: thousands of rows, and nothing of them changes but whose they are. The
 * row's own log says so. */
static enum err row_changed(struct ctx *c, struct tx *tx, const struct resource *r, int64_t id,
                            int64_t community, int64_t merge, const char *action, const char *diff)
{
    struct event e = {.topic = str_z(c->mem, arena_fmt(c->mem, "%s.merged", r->name)),
                      .res = r,
                      .id = id,
                      .community_id = community,
                      .data = arena_fmt(c->mem, "{\"action\":\"%s\",\"merge\":%lld,\"diff\":%s}",
                                        action, (long long)merge, diff)};
    return tx_emit(c, tx, &e);
}

/* Changes the row while its field still points to person; *ret_changed false: it points elsewhere,
 * or is so already. */
static enum err change(struct ctx *c, struct tx *tx, const struct link *l, int64_t id,
                       int64_t person, const char *set, int64_t to, bool *ret_changed)
{
    int64_t n = 0;
    struct str sql = arena_fmt(c->mem,
                               "UPDATE %s SET version = version + 1, updated_at = $4, %s = $3 "
                               "WHERE id = $1 AND %s = $2 AND %s <> $3",
                               l->res->name, set, l->res->fields[l->field].name, set);
    TRY(q_do(c, tx, db_intern(tx_db(tx), S("merge.change"), sql),
             IN(v_int(id), v_int(person), v_int(to), v_int(c->now_ms)), &n));
    *ret_changed = n == 1;
    return E_OK;
}

static enum err point(struct ctx *c, struct tx *tx, const struct link *l, int64_t id, int64_t from,
                      int64_t to, bool *ret_changed)
{
    return change(c, tx, l, id, from, l->res->fields[l->field].name, to, ret_changed);
}

static enum err put_away(struct ctx *c, struct tx *tx, const struct link *l, int64_t id,
                         int64_t person, bool away, bool *ret_changed)
{
    return change(c, tx, l, id, person, "archived", away, ret_changed);
}

/* --- the values of the one who stays --- */

static void put_val(struct buf *b, struct val v)
{
    if (v.t == V_INT)
        buf_int(b, v.i);
    else if (v.t == V_TEXT)
        buf_json(b, val_str(v));
    else
        buf_put(b, S("null"));
}

static struct val val_of_json(const struct json *j)
{
    return json_type(j) == JSON_STRING ? v_text(json_str(j))
           : json_type(j) == JSON_INT  ? v_int(json_int(j))
                                       : v_null();
}

static enum err change_values(struct ctx *c, struct tx *tx, struct merge *m, struct row *merge)
{
    struct row neu = {0};
    struct buf before;
    int n = 0;
    buf_init(&before, c->mem, 32 << 10);
    for (int i = 0; i < MERGED_FIELDS; i++) {
        struct val old = merge_value(c, &m->keep, i);
        if (val_eq(old, m->neu[i]))
            continue;
        row_put(&neu, merged_fields[i], m->neu[i]);
        buf_fmt(&before, "%s\"%s\":[", n++ ? "," : "{", person_fields[merged_fields[i]].name);
        put_val(&before, old);
        buf_putc(&before, ',');
        put_val(&before, m->neu[i]);
        buf_putc(&before, ']');
    }
    if (!n)
        return E_OK;
    buf_putc(&before, '}');
    row_put(merge, PM_BEFORE, v_text(buf_str(&before)));
    /* no topic: the rules of a person hold for what comes of two */
    return res_store(c, tx, &res_person, &m->keep, &neu, NULL, (struct str){0});
}

static enum err archive_gone(struct ctx *c, struct tx *tx, const struct merge *m, int64_t merge)
{
    struct row neu = {0};
    row_put(&neu, R_ARCHIVED, v_int(1));
    return res_store(c, tx, &res_person, &m->gone, &neu, "person.merged",
                     arena_fmt(c->mem, "\"action\":\"merge\",\"merge\":%lld", (long long)merge));
}

/* --- doing it --- */

static enum err move_row(struct ctx *c, struct tx *tx, const struct merge *m, const struct link *l,
                         int64_t id, bool away, int64_t merge)
{
    int64_t keep = row_int(&m->keep, R_ID), gone = row_int(&m->gone, R_ID);
    bool changed;
    TRY(away ? put_away(c, tx, l, id, gone, true, &changed)
             : point(c, tx, l, id, gone, keep, &changed));
    TRY(q_do(c, tx, &Q_KEEP_ROW,
             IN(v_int(id_new()), m->keep.v[R_COMMUNITY], v_int(c->now_ms),
                c->who ? v_int(c->who->user_id) : v_null(), v_int(merge),
                v_text(str_of(l->res->name)), v_text(str_of(l->res->fields[l->field].name)),
                v_int(id), v_int(away)),
             NULL));
    struct str diff = away
                          ? S("{}")
                          : arena_fmt(c->mem, "{\"%s\":[%lld,%lld]}", l->res->fields[l->field].name,
                                      (long long)gone, (long long)keep);
    return row_changed(c, tx, l->res, id, row_int(&m->keep, R_COMMUNITY), merge, "merge",
                       str_z(c->mem, diff));
}

static enum err move_all(struct ctx *c, struct tx *tx, const struct merge *m, int64_t merge,
                         int64_t *ret_moved)
{
    struct link links[LINKS_MAX];
    int n = merge_links(links);
    *ret_moved = 0;
    for (int i = 0; i < n; i++) {
        struct rows rows;
        TRY(merge_rows(c, tx, m, &links[i], &rows));
        for (size_t k = 0; k < rows.n; k++)
            TRY(move_row(c, tx, m, &links[i], val_int(rows.v[k * 2]),
                         val_int(rows.v[k * 2 + 1]) != 0, merge));
        *ret_moved += (int64_t)rows.n;
        if (*ret_moved > MERGE_ROWS_MAX)
            return FAIL(c, E_TOOBIG, "涉及记录超过 %d 条,不能一次合并",
                        "more than %d records: too many for one merge", MERGE_ROWS_MAX);
    }
    return E_OK;
}

/* Creating the row is doing the merge: everything in the transaction that inserts it. */
static enum err merge_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    struct merge m;
    int64_t moved;
    if (old)
        return E_OK;
    TRY(merge_plan(c, tx, row_int(neu, PM_KEEP), row_int(neu, PM_GONE), row_str(neu, PM_TAKE), &m));
    for (const struct merge_obstacle *o = merge_obstacles; o->code; o++)
        if (o->is(&m))
            return FAIL_FIELD(c, "gone_id", o->code, "%s", "%s", text_in(o->text, c->lang));
    TRY(move_all(c, tx, &m, row_int(neu, R_ID), &moved));
    TRY(archive_gone(c, tx, &m, row_int(neu, R_ID))); /* first: its numbers are free then */
    TRY(change_values(c, tx, &m, neu));
    row_put(neu, PM_STATE, v_int(MERGED));
    row_put(neu, PM_MOVED, v_int(moved));
    row_put(neu, PM_LEFT, v_int(0));
    return E_OK;
}

/* --- taking it back --- */

static enum err move_back(struct ctx *c, struct tx *tx, const struct row *merge, int64_t *ret_left)
{
    struct rows rows;
    int64_t keep = row_int(merge, PM_KEEP), gone = row_int(merge, PM_GONE);
    TRY(q_rows(c, tx, &Q_KEPT_ROWS, IN(merge->v[R_ID]), 65000, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * 4;
        struct link l = {.res = app_resource(val_str(v[0]))};
        bool changed = false;
        l.field = l.res ? field_find(l.res->fields, l.res->nfields, val_str(v[1])) : -1;
        if (l.field >= 0)
            TRY(val_int(v[3]) ? put_away(c, tx, &l, val_int(v[2]), gone, false, &changed)
                              : point(c, tx, &l, val_int(v[2]), keep, gone, &changed));
        if (changed)
            TRY(row_changed(c, tx, l.res, val_int(v[2]), row_int(merge, R_COMMUNITY),
                            row_int(merge, R_ID), "undo", "{}"));
        else
            ++*ret_left;
    }
    return E_OK;
}

/* A value goes back when it still is what the merge made of it. */
static enum err values_back(struct ctx *c, struct tx *tx, const struct row *merge,
                            const struct row *keep, int64_t *ret_left)
{
    struct row neu = {0};
    const struct json *j;
    if (!row_has(merge, PM_BEFORE))
        return E_OK;
    struct str before = encrypted_open(c, &res_merge, merge, PM_BEFORE);
    if (!before.n)
        return FAIL(c, E_STATE, "合并前的值无法打开,请检查密钥文件",
                    "the values before do not open; check the key file");
    TRY(json_parse(c, before, &j));
    for (int i = 0; i < MERGED_FIELDS; i++) {
        const struct json *pair = json_get(j, person_fields[merged_fields[i]].name);
        if (!pair)
            continue;
        if (val_eq(merge_value(c, keep, i), val_of_json(json_at(pair, 1))))
            row_put(&neu, merged_fields[i], val_of_json(json_at(pair, 0)));
        else
            ++*ret_left;
    }
    return neu.set ? res_store(c, tx, &res_person, keep, &neu, NULL, (struct str){0}) : E_OK;
}

/* The archived row comes back under the rules of a person: no twin, no number held by another. */
static enum err gone_back(struct ctx *c, struct tx *tx, const struct row *gone)
{
    struct row neu = {0};
    row_put(&neu, R_ARCHIVED, v_int(0));
    row_put(&neu, PE_ID_INDEX, gone->v[PE_ID_INDEX]);
    return res_store(c, tx, &res_person, gone, &neu, NULL, (struct str){0});
}

static enum err effect_undo(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                            const struct row *in)
{
    struct row keep, gone;
    int64_t left = 0;
    (void)in;
    TRY(res_load(c, tx, &res_person, row_int(old, PM_KEEP), &keep));
    TRY(res_load(c, tx, &res_person, row_int(old, PM_GONE), &gone));
    if (row_has(&keep, PE_ERASED) || row_has(&gone, PE_ERASED))
        return FAIL(c, E_STATE, "已匿名化,不能撤销合并",
                    "one of them is anonymous: the merge stays");
    if (row_int(&keep, R_ARCHIVED))
        return FAIL(c, E_STATE, "保留的住户后来又并入了别人或已归档,请先撤销那一次",
                    "the one who stayed was merged or archived later; take that back first");
    TRY(values_back(c, tx, old, &keep, &left)); /* first: what both had is free for the other */
    TRY(gone_back(c, tx, &gone));
    TRY(move_back(c, tx, old, &left));
    row_put(neu, PM_LEFT, v_int(left));
    row_put(neu, PM_BEFORE, v_null());
    return E_OK;
}

static const struct field undo_input[] = {
    {"reason", F_TEXT, REQUIRED | VIRTUAL, 2, 200, .label = {"理由", "Reason"}}};
static const struct action actions[] = {
    {"undo", {"撤销合并", "Undo the merge"}, "danger", undo_input, COUNT_OF(undo_input)}};
static const struct step steps[] = {{MERGED,
                                     UNDONE,
                                     "undo",
                                     {{"people.manage", NULL}},
                                     NULL,
                                     NULL,
                                     effect_undo,
                                     "person_merge.undone"}};
static const struct machine machine = {PM_STATE, actions, COUNT_OF(actions), steps,
                                       COUNT_OF(steps)};
const struct resource res_merge = {.name = "person_merge",
                                   .path = "person-merges",
                                   .label = {"住户合并", "Merge"},
                                   .fields = merge_fields,
                                   .nfields = PM__N,
                                   .title = "reason",
                                   .read = "people.manage",
                                   .create = "people.manage",
                                   .check = merge_check,
                                   .machine = &machine};
const struct resource res_merge_row = {.name = "person_merge_row",
                                       .path = "person-merge-rows",
                                       .label = {"合并转移的记录", "Moved record"},
                                       .fields = row_fields,
                                       .nfields = PW__N,
                                       .title = "id",
                                       .read = "people.manage",
                                       .quiet = true};
