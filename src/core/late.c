/* late.c - see late.h. It believes or refuses an instant and never picks another: where the skew
 * does not explain a contradiction, a person must decide. */
#include "core/late.h"

#include "core/core.h"

static const struct query Q_STEPS = {
    "late.steps", "SELECT topic, at FROM event WHERE community_id = $1 AND subject = $2 AND "
                  "subject_id = $3 ORDER BY id DESC LIMIT 200"};
const struct query *const late_queries[] = {&Q_STEPS, NULL};

enum late late_judge(int64_t said_ms, int64_t now_ms, int64_t floor_ms, int64_t *ret_ms)
{
    if (said_ms > now_ms + LATE_SKEW_MS)
        return LATE_AHEAD;
    if (said_ms < now_ms - LATE_MAX_MS)
        return LATE_OLD;
    if (said_ms < floor_ms - LATE_SKEW_MS)
        return LATE_BEFORE;
    int64_t at = said_ms > floor_ms ? said_ms : floor_ms;
    *ret_ms = at < now_ms ? at : now_ms;
    return LATE_OK;
}

static enum err judge(struct ctx *c, const char *field, int64_t said_ms, int64_t floor_ms,
                      const struct zone *z, int64_t *ret_ms)
{
    switch (late_judge(said_ms, c->now_ms, floor_ms, ret_ms)) {
    case LATE_OK: return E_OK;
    case LATE_AHEAD:
        return FAIL_FIELD(c, field, "max", "时间还没有到,请检查手机的时钟",
                          "this time has not come yet; check the phone's clock");
    case LATE_OLD:
        return FAIL_FIELD(c, field, "min", "已超过 %d 小时,请联系前台,或按现在的时间提交",
                          "more than %d hours ago; tell the desk, or send it with the time of now",
                          (int)(LATE_MAX_MS / 3600000));
    case LATE_BEFORE: break;
    }
    struct date d = zone_date(z, floor_ms);
    int minute = (int)((floor_ms / 1000 + zone_offset_s(z, floor_ms)) / 60 % 1440);
    return FAIL_FIELD(c, field, "order", "早于上一步(%02d-%02d %02d:%02d),请核对后按现在的时间提交",
                      "before the last step (%02d-%02d %02d:%02d); check it, then send it with the "
                      "time of now",
                      d.m, d.d, minute / 60, minute % 60);
}

static enum err own_worker(struct ctx *c, const struct resource *r, const struct row *row,
                           const char *field)
{
    int64_t me = c->who ? who_staff(c->who, row_int(row, R_COMMUNITY)) : 0;
    if (me && r->staff_field && row_int(row, r->staff_field) == me)
        return E_OK;
    return FAIL_FIELD(c, field, "denied", "只有这条记录的处理人可以补报时间",
                      "only the one who works on it may say when it happened");
}

struct floor {
    const struct machine *m;
    int64_t at_ms, oldest_ms;
};

static bool moves(const struct machine *m, struct str topic)
{
    for (int i = 0; i < m->nsteps; i++)
        if (m->steps[i].to != STEP_SAME && str_eqz(topic, m->steps[i].event))
            return true;
    return false;
}

/* Newest first: the first that moved the row is the floor. */
static enum err see_event(struct ctx *c, const struct val *v, int ncol, void *arg)
{
    struct floor *f = arg;
    (void)c;
    (void)ncol;
    f->oldest_ms = val_int(v[1]);
    if (!f->at_ms && moves(f->m, val_str(v[0])))
        f->at_ms = val_int(v[1]);
    return E_OK;
}

/* Behind hundreds of notes the oldest one seen is the floor: too late rather than too early. */
static enum err floor_of(struct ctx *c, struct tx *tx, const struct resource *r,
                         const struct row *row, int64_t *ret_ms)
{
    struct floor f = {.m = r->machine};
    TRY(q_each(c, tx, &Q_STEPS, IN(row->v[R_COMMUNITY], v_text(str_of(r->name)), row->v[R_ID]),
               see_event, &f));
    *ret_ms = f.at_ms ? f.at_ms : f.oldest_ms ? f.oldest_ms : row_int(row, R_CREATED_AT);
    return E_OK;
}

enum err late_step(struct ctx *c, struct tx *tx, const struct resource *r, const struct row *row,
                   const struct json *input, int64_t *ret_ms)
{
    static const char field[] = "happened_at";
    const struct json *said = input ? json_get(input, field) : NULL;
    int64_t said_ms, floor_ms;
    if (!said) {
        *ret_ms = c->now_ms;
        return E_OK;
    }
    if (json_type(said) != JSON_STRING || !instant_parse(json_str(said), &said_ms))
        return FAIL_FIELD(c, field, "format", "时间应带时区,如 2026-01-31T08:00:00+08:00",
                          "a time carries its offset, like 2026-01-31T08:00:00+08:00");
    TRY(own_worker(c, r, row, field));
    TRY(floor_of(c, tx, r, row, &floor_ms));
    return judge(c, field, said_ms, floor_ms, app_zone(row_int(row, R_COMMUNITY)), ret_ms);
}

enum err late_note(struct ctx *c, const struct resource *r, const struct row *row,
                   const char *field, int64_t said_ms, int64_t *ret_ms)
{
    if (!said_ms) {
        *ret_ms = c->now_ms;
        return E_OK;
    }
    TRY(own_worker(c, r, row, field));
    return judge(c, field, said_ms, row_int(row, R_CREATED_AT), app_zone(row_int(row, R_COMMUNITY)),
                 ret_ms);
}

void late_mark(const struct ctx *c, int64_t at_ms, struct buf *data)
{
    if (at_ms == c->now_ms)
        return;
    buf_put(data, S(",\"recorded_at\":\""));
    buf_instant(data, c->now_ms, zone_find("UTC"));
    buf_putc(data, '"');
}
