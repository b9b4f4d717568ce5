/* checklist.c - the steps of a good answer, ticked off while the work is done. They are the
 * category's (the handbook's words), copied when the work starts, so that the ticket keeps the
 * steps it was done by. Work that starts again, or turns out to be of another category, gets a new
 * set; what was ticked in the old one stays as it was. */
#include "rooms/service/ticket.h"

static const struct choice states[] = {{STEP_OPEN, "open", {"未做", "To do"}, "grey"},
                                       {STEP_DONE, "done", {"已做", "Done"}, "green"},
                                       {STEP_SKIPPED, "skipped", {"不适用", "Not needed"}, "amber"},
                                       {0}};
static const struct field step_fields[TS__N] = {
    STANDARD_FIELDS,
    [TS_TICKET] = {"ticket_id", F_REF, SERVER_SET | FILTER | LIST | INDEXED, .ref = "tickets",
                   .label = {"工单", "Ticket"}},
    [TS_ROUND] = {"round", F_INT, SERVER_SET | FILTER | LIST, .label = {"第几遍", "Round"}},
    [TS_TEXT] = {"text", F_TEXT, SERVER_SET | LIST, 0, 300, .label = {"步骤", "Step"}},
    [TS_TEXT_EN] = {"text_en", F_TEXT, SERVER_SET, 0, 300,
                    .label = {"英文步骤", "Step in English"}},
    [TS_STATE] = {"state", F_ENUM, SERVER_SET | FILTER | LIST, .choices = states,
                  .label = {"状态", "State"}},
    [TS_REASON] = {"reason", F_TEXT, SERVER_SET | LIST, 0, 300, .label = {"原因", "Reason"}},
    [TS_AT] = {"done_at", F_INSTANT, SERVER_SET | LIST, .label = {"时间", "When"}},
    [TS_BY] = {"staff_id", F_REF, SERVER_SET | FILTER | LIST, .ref = "staff",
               .label = {"经手人", "By"}},
};
const struct resource res_ticket_step = {.name = "ticket_step",
                                         .path = "ticket-steps",
                                         .label = {"处理步骤", "Step of the work"},
                                         .fields = step_fields,
                                         .nfields = TS__N,
                                         .title = "text",
                                         .read = "ticket.read",
                                         .quiet = true};
const struct field in_check[CHECK__N] = {
    [CHECK_STEP] = {"step_id", F_REF, REQUIRED | VIRTUAL, .ref = "ticket-steps",
                    .label = {"步骤", "Step"}},
    [CHECK_STATE] = {"state", F_ENUM, REQUIRED | VIRTUAL, .choices = states,
                     .label = {"状态", "State"}},
    [CHECK_REASON] = {"reason", F_TEXT, VIRTUAL, 0, 300, .label = {"原因", "Reason"},
                      .help = {"不适用时必填", "required when it is not needed"}}};

static const struct query Q_STEPS = {
    "service.steps", "SELECT id, text, text_en, state, reason, done_at, staff_id, round FROM "
                     "ticket_step WHERE community_id = $1 AND ticket_id = $2 AND round = (SELECT "
                     "max(round) FROM ticket_step WHERE community_id = $1 AND ticket_id = $2) "
                     "ORDER BY id LIMIT 41"};
static const struct query Q_CATEGORY = {
    "service.steps_of",
    "SELECT checklist, checklist_en FROM category WHERE community_id = $1 AND id = $2"};
const struct query *const checklist_queries[] = {&Q_STEPS, &Q_CATEGORY, NULL};
enum { S_ID, S_TEXT, S_TEXT_EN, S_STATE, S_REASON, S_AT, S_BY, S_ROUND, S__N };

static enum err rows_of(struct ctx *c, struct tx *tx, const struct row *t, struct rows *ret)
{
    return q_rows(c, tx, &Q_STEPS, IN(t->v[R_COMMUNITY], t->v[R_ID]), TICKED_MAX + 1, ret);
}

enum err checklist_begin(struct ctx *c, struct tx *tx, const struct row *t, struct val category)
{
    struct val lists[2];
    struct rows before;
    enum err e = category.t != V_INT ? E_MISSING
                                     : q_one(c, tx, &Q_CATEGORY, IN(t->v[R_COMMUNITY], category),
                                             lists, COUNT_OF(lists));
    if (e == E_MISSING)
        return E_OK;
    TRY(e);
    TRY(rows_of(c, tx, t, &before));
    int64_t round = before.n ? val_int(before.v[S_ROUND]) + 1 : 1;
    struct str zh = val_str(lists[0]), en = val_str(lists[1]);
    for (int n = 0; zh.n && n < TICKED_MAX;) {
        struct row step = {0};
        struct str line = str_trim(str_next(&zh, '\n')), line_en = str_trim(str_next(&en, '\n'));
        if (!line.n)
            continue;
        row_put(&step, R_COMMUNITY, t->v[R_COMMUNITY]);
        row_put(&step, TS_TICKET, t->v[R_ID]);
        row_put(&step, TS_ROUND, v_int(round));
        row_put(&step, TS_TEXT, v_text(utf8_head(line, 300)));
        if (line_en.n)
            row_put(&step, TS_TEXT_EN, v_text(utf8_head(line_en, 300)));
        row_put(&step, TS_STATE, v_int(STEP_OPEN));
        TRY(res_insert(c, tx, &res_ticket_step, &step));
        n++;
    }
    return E_OK;
}

enum err checklist_json(struct ctx *c, struct tx *tx, const struct row *t, struct buf *out)
{
    static const int fields[] = {
        [S_TEXT] = TS_TEXT,     [S_TEXT_EN] = TS_TEXT_EN, [S_STATE] = TS_STATE,
        [S_REASON] = TS_REASON, [S_AT] = TS_AT,           [S_BY] = TS_BY};
    struct rows rows = {0};
    const struct zone *z = app_zone(row_int(t, R_COMMUNITY));
    /* how the office works is its own business, as are the reasons */
    bool staff = !c->who || who_may(c->who, "ticket.staff", row_int(t, R_COMMUNITY));
    if (staff && (row_int(t, T_STATE) > ACCEPTED || row_has(t, T_HANDLED)))
        TRY(rows_of(c, tx, t, &rows));
    buf_put(out, S(",\"checklist\":["));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * S__N;
        buf_putz(out, i ? ",{" : "{");
        part_json(out, &res_ticket_step, v, fields, COUNT_OF(fields), z);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
    return E_OK;
}

enum err effect_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                      const struct row *in)
{
    struct rows rows;
    struct row step, done = {0};
    int64_t id = row_int(in, CHECK_STEP);
    bool here = false;
    (void)neu;
    TRY(rows_of(c, tx, old, &rows));
    for (size_t i = 0; i < rows.n; i++)
        here |= val_int(rows.v[i * S__N]) == id;
    if (!here)
        return FAIL_FIELD(c, "step_id", "missing", "这一步不是这张工单现在的步骤,请刷新",
                          "this is no step of the ticket as it is now: refresh");
    if (row_int(in, CHECK_STATE) == STEP_SKIPPED && !row_has(in, CHECK_REASON))
        return FAIL_FIELD(c, "reason", "required", "不适用的步骤请写原因",
                          "say why a step is not needed");
    TRY(res_load(c, tx, &res_ticket_step, id, &step));
    bool open = row_int(in, CHECK_STATE) == STEP_OPEN;
    int64_t me = c->who && !open ? who_staff(c->who, row_int(old, R_COMMUNITY)) : 0;
    row_put(&done, TS_STATE, in->v[CHECK_STATE]);
    row_put(&done, TS_REASON, open ? v_null() : in->v[CHECK_REASON]);
    row_put(&done, TS_AT, open ? v_null() : v_int(c->now_ms));
    row_put(&done, TS_BY, me ? v_int(me) : v_null());
    return res_store(c, tx, &res_ticket_step, &step, &done, "ticket_step.checked", (struct str){0});
}
