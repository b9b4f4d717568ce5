/* demo_handbook.c - who of the demo's staff has read the handbook: most have, on different days;
 * those whose accounts visitors use have one or two pages still before them. */
#include "main/demo_in.h"

static const struct query Q_READERS = {
    "demo.readers",
    "SELECT p.id, s.id FROM handbook_page p JOIN staff s ON s.community_id = p.community_id AND "
    "(s.post_id = p.post_id OR EXISTS (SELECT 1 FROM handbook_step h WHERE h.community_id = $1 AND "
    "h.page_id = p.id AND h.post_id = s.post_id)) WHERE p.community_id = $1 AND p.state = 2 ORDER "
    "BY p.id, s.id LIMIT 500"};

static const struct query Q_REPLIES = {
    "demo.replies", "SELECT id FROM reply_template WHERE community_id = $1 ORDER BY id LIMIT 50"};

static const struct member *first_of(const struct town *t, int role)
{
    for (int i = 0; i < t->nmembers; i++)
        if (t->members[i].role == role)
            return &t->members[i];
    return NULL;
}

/* Written by the desk, approved by the manager; the last one waits for him. */
static enum err replies_write(struct ctx *c, struct tx *tx, struct demo *d, const struct town *t)
{
    enum { APPROVED = 2 };
    struct rows rows;
    const struct member *desk = first_of(t, ROLE_DESK), *manager = first_of(t, ROLE_MANAGER);
    ASSERT(desk && manager);
    TRY(q_rows(c, tx, &Q_REPLIES, IN(v_int(t->id)), 50, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row old, neu = {0};
        TRY(res_load(c, tx, &res_reply_template, val_int(rows.v[i]), &old));
        row_put(&neu, RT_WRITER, v_int(desk->account->user_id));
        if (i + 1 < rows.n) {
            row_put(&neu, RT_STATE, v_int(APPROVED));
            row_put(&neu, RT_APPROVER, v_int(manager->account->user_id));
            row_put(&neu, RT_APPROVED, v_int(d->now_ms - 30 * DAY_MS));
        }
        TRY(res_store(c, tx, &res_reply_template, &old, &neu, "reply_template.approved",
                      (struct str){0}));
    }
    return E_OK;
}

enum err handbook_write(struct ctx *c, struct tx *tx, struct demo *d)
{
    enum err e = E_OK;
    for (int t = 0; t < TOWNS && e == E_OK; t++) {
        struct rows rows;
        TRY(replies_write(c, tx, d, &d->towns[t]));
        reseed(d, &d->towns[t], 4);
        TRY(q_rows(c, tx, &Q_READERS, IN(v_int(d->towns[t].id)), 500, &rows));
        for (size_t i = 0; i < rows.n && e == E_OK; i++) {
            struct row page;
            int64_t at_ms;
            c->now_ms = d->now_ms - pick(d, 1, 60) * DAY_MS;
            e = res_load(c, tx, &res_handbook_page, val_int(rows.v[2 * i]), &page);
            if (e == E_OK && i % 4)
                e = handbook_confirm(c, tx, &page, val_int(rows.v[2 * i + 1]), &at_ms);
        }
    }
    c->now_ms = d->now_ms;
    return e;
}
