/* space.c - rules of the space tree: R1 a parent is in the same community; R2 kinds nest building >
 * entrance > floor > unit, the others stand anywhere but in a unit; R3 no cycles; R4 path_name is
 * the names from the root, kept true when a name or a place changes; R5 at most eight levels. */
#include "rooms/estate/space.h"

enum { DEPTH_MAX = 8, CHILDREN_MAX = 5000 };

const struct query Q_SPACE_PARENT = {"estate.space_parent",
                                     "SELECT parent_id, kind, path_name FROM space WHERE id = $1 "
                                     "AND community_id = $2 AND archived = 0"};
const struct query Q_SPACE_CHILDREN = {
    "estate.space_children",
    "SELECT id, name FROM space WHERE community_id = $1 AND parent_id = $2 AND archived = 0"};
const struct query Q_SPACE_PATH = {
    "estate.space_path", "UPDATE space SET path_name = $2, version = version + 1 WHERE id = $1"};

bool space_fits(int64_t kind, int64_t parent)
{
    if (kind == SP_BUILDING)
        return parent == 0 || parent == SP_AREA;
    if (kind >= SP_ENTRANCE && kind <= SP_UNIT)
        return parent >= SP_BUILDING && parent < kind;
    return parent != SP_UNIT;
}

static enum err too_deep(struct ctx *c)
{
    return FAIL_FIELD(c, "parent_id", "depth", "空间最多 %d 层", "at most %d levels of spaces",
                      DEPTH_MAX);
}

/* R3, R5: walks up from parent to the root; the row itself must not be there. *ret_above: how many
 * stand above it. */
static enum err walk_up(struct ctx *c, struct tx *tx, int64_t self, int64_t community,
                        int64_t parent, int *ret_above)
{
    int above = 0;
    for (; parent; above++) {
        struct val v[3];
        if (parent == self)
            return FAIL_FIELD(c, "parent_id", "cycle", "上级不能是自己或自己的下级",
                              "a space cannot stand inside itself");
        if (above == DEPTH_MAX - 1)
            return too_deep(c);
        enum err e = q_one(c, tx, &Q_SPACE_PARENT, IN(v_int(parent), v_int(community)), v, 3);
        if (e == E_MISSING)
            break; /* res_check_refs has told already */
        TRY(e);
        parent = val_int(v[0]);
    }
    *ret_above = above;
    return E_OK;
}

enum err space_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    struct val up[3] = {{0}};
    int above;
    int64_t parent = row_int(neu, SP_PARENT), community = row_int(neu, R_COMMUNITY);
    if (old)
        community = row_int(old, R_COMMUNITY);
    if (parent) {
        enum err e = q_one(c, tx, &Q_SPACE_PARENT, IN(v_int(parent), v_int(community)), up, 3);
        if (e != E_OK && e != E_MISSING)
            return e;
    }
    if (!space_fits(row_int(neu, SP_KIND), parent ? val_int(up[1]) : 0))
        (void)FAIL_FIELD(c, "parent_id", "kind", "这种空间不能放在所选的上级里",
                         "this kind of space cannot stand there");
    TRY(walk_up(c, tx, old ? row_int(old, R_ID) : -1, community, parent, &above));
    struct str path = arena_fmt(c->mem, PRS PRS, PRA(val_str(up[2])), PRA(row_str(neu, SP_NAME)));
    row_put(neu, SP_PATH, v_text(utf8_head(path, 200)));
    return E_OK;
}

/* By arena_try: how many stand below is in nobody's hands. */
static enum err path_below(struct ctx *c, struct str path, struct str name, struct str *ret)
{
    char *p = arena_try(c->mem, path.n + name.n);
    if (!p)
        return FAIL(c, E_TOOBIG, "下级太多,不能一次改名或移动",
                    "too much stands below to rename or move it at once");
    for (size_t i = 0; i < path.n + name.n; i++)
        p[i] = i < path.n ? path.p[i] : name.p[i - path.n];
    *ret = utf8_head((struct str){p, path.n + name.n}, 200);
    return E_OK;
}

/* R4 for everything below, of which above stand over the first. */
static enum err rename_below(struct ctx *c, struct tx *tx, int64_t community, int64_t id,
                             struct str path, int above)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_SPACE_CHILDREN, IN(v_int(community), v_int(id)), CHILDREN_MAX, &rows));
    if (rows.n && above == DEPTH_MAX)
        return too_deep(c); /* moved so far down that its own would not fit */
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        struct str child;
        TRY(path_below(c, path, val_str(v[1]), &child));
        TRY(q_do(c, tx, &Q_SPACE_PATH, IN(v[0], v_text(child)), NULL));
        TRY(res_words_forget(c, tx, val_int(v[0])));
        TRY(res_words_renamed(c, tx, &res_space, community, val_int(v[0])));
        TRY(rename_below(c, tx, community, val_int(v[0]), child, above + 1));
    }
    return E_OK;
}

/* R6: what still holds something is not put away. */
static enum err check_empty(struct ctx *c, struct tx *tx, const struct row *old)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_SPACE_CHILDREN, IN(old->v[R_COMMUNITY], old->v[R_ID]), CHILDREN_MAX,
               &rows));
    return rows.n == 0 ? E_OK
                       : FAIL(c, E_STATE, "下面还有空间,请先归档下级",
                              "other spaces stand below; archive those first");
}

enum err space_after(struct ctx *c, struct tx *tx, const struct row *old, const struct row *neu)
{
    int above;
    if (old && row_int(neu, R_ARCHIVED))
        return check_empty(c, tx, old);
    if (!old ||
        (val_eq(old->v[SP_PATH], neu->v[SP_PATH]) && val_eq(old->v[SP_PARENT], neu->v[SP_PARENT])))
        return E_OK;
    int64_t id = row_int(old, R_ID), community = row_int(old, R_COMMUNITY);
    TRY(walk_up(c, tx, id, community, row_int(neu, SP_PARENT), &above));
    return rename_below(c, tx, community, id, row_str(neu, SP_PATH), above + 1);
}
