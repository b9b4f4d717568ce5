/* place.c - people type the name of a community, scripts its id: both are taken, neither is
 * guessed. */
#include "main/verbs/place.h"

static const struct query Q_PLACE = {
    "cli.community", "SELECT id, name FROM community WHERE archived = 0 AND (CAST($1 AS TEXT) = '' "
                     "OR name = CAST($1 AS TEXT) OR id = $2) ORDER BY id LIMIT 2"};

struct place {
    struct str text;
    int64_t id;
    size_t n;
};

static enum err look(struct ctx *c, struct tx *tx, void *arg)
{
    struct place *p = arg;
    struct rows rows;
    int64_t id;
    if (!str_int(p->text, &id))
        id = 0;
    TRY(q_rows(c, tx, &Q_PLACE, IN(v_text(p->text), v_int(id)), 2, &rows));
    p->n = rows.n;
    p->id = rows.n ? val_int(rows.v[0]) : 0;
    return E_OK;
}

enum err place_find(struct ctx *c, struct app *app, const struct args *a, int64_t *ret)
{
    const char *given = args_flag(a, "--community");
    struct place p = {.text = given ? str_of(given) : S("")};
    TRY(db_read(app->db, c, look, &p));
    if (p.n > 1)
        return FAIL(c, E_INVALID, "请用 --community 指明项目",
                    "say which community: --community ID or NAME");
    if (!p.n)
        return FAIL(c, E_MISSING, "没有这个项目", "there is no such community");
    *ret = p.id;
    return E_OK;
}
