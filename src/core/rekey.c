/* rekey.c - a new key for everything that is encrypted. The new key is current from its first
 * moment (a running service sees it within a second), so nothing new is closed with the old one;
 * then all boxes are opened and closed anew, in pages that each commit; only when a whole walk
 * finds no old box do the old keys go. */
#include "core/key.h"

#include "core/core.h"
#include "core/res_in.h"
#include "core/seal.h"

enum { PAGE = 200, WALKS_MAX = 20, SETTLE_MS = 2500 };

struct walk {
    const struct resource *r;
    int field;
    int64_t after, changed, n;
};

/* One page of one field: rows after w->after that hold a box. */
static enum err page(struct ctx *c, struct tx *tx, void *arg)
{
    struct walk *w = arg;
    const char *name = w->r->fields[w->field].name;
    struct rows rows;
    struct str sql = arena_fmt(c->mem,
                               "SELECT id, community_id, %s FROM %s WHERE id > $1 AND %s IS NOT "
                               "NULL ORDER BY id LIMIT %d",
                               name, w->r->name, name, PAGE);
    TRY(q_rows(c, tx, db_intern(tx_db(tx), S("rekey.page"), sql), IN(v_int(w->after)), PAGE,
               &rows));
    w->n = (int64_t)rows.n;
    w->changed = 0;
    sql = arena_fmt(c->mem, "UPDATE %s SET %s = $2%s%s%s WHERE id = $1 AND %s = $3", w->r->name,
                    name, field_has_index(w->r, w->field) ? ", " : "",
                    field_has_index(w->r, w->field) ? w->r->fields[w->field + 1].name : "",
                    field_has_index(w->r, w->field) ? " = $4" : "", name);
    const struct query *put = db_intern(tx_db(tx), S("rekey.put"), sql);
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        struct row row = {0};
        int64_t changed = 0;
        if (key_is_current(val_str(v[2])))
            continue;
        row.v[R_ID] = v[0];
        row.v[R_COMMUNITY] = v[1];
        row.v[w->field] = v[2];
        struct str plain = encrypted_open(c, w->r, &row, w->field);
        if (!plain.n)
            return FAIL(c, E_STATE, "%s %lld 的加密内容无法打开",
                        "the encrypted value of %s %lld does not open", w->r->name,
                        (long long)val_int(v[0]));
        row_put(&row, w->field, v_text(plain));
        TRY(encrypted_close(c, w->r, &row));
        struct val in[] = {v[0], row.v[w->field], v[2], row.v[w->field + 1]};
        TRY(q_do(c, tx, put, in, field_has_index(w->r, w->field) ? 4 : 3, &changed));
        w->changed += changed;
    }
    if (rows.n)
        w->after = val_int(rows.v[(rows.n - 1) * (size_t)rows.ncol]);
    return E_OK;
}

static enum err walk_field(struct ctx *c, struct app *app, const struct resource *r, int field,
                           int64_t *changed)
{
    struct walk w = {.r = r, .field = field};
    struct arena *mem = c->mem, *scratch = arena_new(ARENA_REPORT_BYTES);
    enum err e;
    c->mem = scratch;
    do {
        arena_reset(scratch);
        e = db_write(app->db, c, page, &w);
        *changed += e == E_OK ? w.changed : 0;
    } while (e == E_OK && w.n == PAGE);
    c->mem = mem;
    c->fault.message = str_dup(mem, c->fault.message);
    arena_free(scratch);
    return e;
}

static enum err walk_all(struct ctx *c, struct app *app, int64_t *changed)
{
    const struct resource *const *list;
    int n = app_resources(&list);
    *changed = 0;
    for (int i = 0; i < n; i++)
        for (int f = R_FIRST; f < list[i]->nfields; f++)
            if (list[i]->fields[f].flags & ENCRYPTED)
                TRY(walk_field(c, app, list[i], f, changed));
    return E_OK;
}

enum err keys_rotate(struct ctx *c, struct app *app, int64_t *ret_values)
{
    int64_t changed, total = 0;
    TRY(keys_add(c, app));
    for (int i = 0; i < WALKS_MAX; i++) {
        TRY(walk_all(c, app, &changed));
        total += changed;
        if (!changed && i)
            break;
        clock_sleep_ms(SETTLE_MS); /* a service that had not seen the new key has seen it now */
    }
    TRY(seal_sign_again(c, app));
    TRY(keys_drop_old(c, app));
    *ret_values = total;
    return E_OK;
}
