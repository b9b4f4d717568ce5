/* jobs.c - what the room does by itself: a look at the clocks each minute (ladder.c), closing after
 * seven days of silence. All are jobs inside one transaction: a crash
 * repeats them, never half of them. */
#include "core/event.h"
#include "rooms/service/ticket.h"

enum { SWEEP_MAX = 500, CLOSE_AFTER_DAYS = 7 };

static const struct query Q_SILENT = {
    "service.silent",
    "SELECT id FROM ticket WHERE state = 7 AND informed_at < $1 ORDER BY informed_at LIMIT 500"};
const struct query Q_PERSON_BRIEF = {
    "service.person", "SELECT name, phone, tier FROM person WHERE community_id = $1 AND id = $2"};
const struct query Q_REPEAT = {
    "service.repeat", "SELECT id FROM ticket WHERE community_id = $1 AND space_id = $2 AND "
                      "category_id = $3 AND created_at >= $4 AND id < $5 AND state <> 9 AND "
                      "archived = 0 ORDER BY id DESC LIMIT 1"};
const struct query Q_REPEAT_ASSET = {
    "service.repeat_asset", "SELECT id FROM ticket WHERE community_id = $1 AND asset_id = $2 AND "
                            "category_id = $3 AND created_at >= $4 AND id < $5 AND state <> 9 AND "
                            "archived = 0 ORDER BY id DESC LIMIT 1"};
const struct query Q_OPEN_COUNT = {"service.open_count",
                                   "SELECT count(*) FROM ticket WHERE community_id = $1 AND "
                                   "assignee_id = $2 AND state IN (3, 4, 5) AND archived = 0"};
static enum err auto_close(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    struct rows rows;
    struct row in = {0};
    (void)app;
    (void)data;
    TRY(q_rows(c, tx, &Q_SILENT, IN(v_int(c->now_ms - INT64_C(86400000) * CLOSE_AFTER_DAYS)),
               SWEEP_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row row;
        TRY(res_load(c, tx, &res_ticket, val_int(rows.v[i]), &row));
        TRY(flow_act_row(c, tx, &res_ticket, &row, "close", &in, 0));
    }
    return E_OK;
}

const struct job service_jobs[] = {{"service.clocks", 60, ladder_sweep, NULL},
                                   {"service.auto_close", 3600, auto_close, NULL},
                                   {"service.visits", 600, visits_late, NULL},
                                   {"service.visit_rules", 0, visit_rules_job, NULL},
                                   {"service.watches_end", 0, watches_end, NULL},
                                   {"service.orphans", 86400, orphans_nightly, NULL},
                                   {0}};
const struct query *const service_queries[] = {
    &Q_SILENT, &Q_PERSON_BRIEF, &Q_OPEN_COUNT, &Q_REPEAT, &Q_REPEAT_ASSET, &Q_EXTERNAL, NULL};
