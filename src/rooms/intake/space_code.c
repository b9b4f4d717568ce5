/* space_code.c - the sign on a wall: a space's code, 128 random bits in an address that a phone's
 * camera opens. A sign is printed again when it is torn off, so the code itself is kept, closed by
 * the key file, and found by its hash. A sign that was misused is withdrawn and another one made.
 */
#include "core/event.h"
#include "rooms/intake/room.h"

static const struct choice states[] = {{CODE_LIVE, "live", {"有效", "Live"}, "green"},
                                       {CODE_REVOKED, "revoked", {"已作废", "Withdrawn"}, "red"},
                                       {0}};
static const struct field code_fields[SC__N] = {
    STANDARD_FIELDS,
    [SC_SPACE] = {"space_id", F_REF, SERVER_SET | FILTER | LIST | INDEXED, .ref = "spaces",
                  .label = {"地点", "Place"}},
    [SC_CODE] = {"code", F_TEXT, SERVER_SET | HIDDEN | ENCRYPTED, .label = {"码", "Code"}},
    [SC_HASH] = {"token_hash", F_TEXT, SERVER_SET | HIDDEN, .label = {"摘要", "Hash"}},
    [SC_STATE] = {"state", F_ENUM, SERVER_SET | FILTER | LIST, .choices = states,
                  .label = {"状态", "State"}},
    [SC_ENDED] = {"ended_at", F_INSTANT, SERVER_SET, .label = {"作废时间", "Withdrawn at"}},
};
static const struct index code_indexes[] = {
    {"qr_code_token", "token_hash", NULL, true},
    {"qr_code_live", "community_id, space_id", "state = 1", true}};

static enum err effect_revoke(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                              const struct row *in)
{
    (void)tx, (void)old, (void)in;
    row_put(neu, SC_ENDED, v_int(c->now_ms));
    return E_OK;
}
static const struct action actions[] = {{"revoke", {"作废", "Withdraw"}, "danger", NULL, 0}};
static const struct step steps[] = {{CODE_LIVE,
                                     CODE_REVOKED,
                                     "revoke",
                                     {{"estate.manage", NULL}},
                                     NULL,
                                     NULL,
                                     effect_revoke,
                                     "qr_code.revoked"}};
static const struct machine machine = {SC_STATE, actions, COUNT_OF(actions), steps,
                                       COUNT_OF(steps)};
const struct resource res_space_code = {.name = "qr_code",
                                        .path = "qr-codes",
                                        .label = {"地点二维码", "QR sign"},
                                        .fields = code_fields,
                                        .nfields = SC__N,
                                        .indexes = code_indexes,
                                        .nindexes = COUNT_OF(code_indexes),
                                        .title = "space_id",
                                        .read = "estate.manage",
                                        .machine = &machine};

static const struct query Q_LIVE = {
    "intake.code_live",
    "SELECT id FROM qr_code WHERE community_id = $1 AND space_id = $2 AND state = 1"};
/* Where the community did not open the door, a sign is as unknown as any other address. */
static const struct query Q_FIND = {
    "intake.code_find",
    "SELECT k.id, k.community_id, k.space_id, s.path_name FROM qr_code k JOIN space s ON s.id = "
    "k.space_id AND s.community_id = k.community_id JOIN community c ON c.id = k.community_id JOIN "
    "intake_setting i ON i.community_id = k.community_id AND i.archived = 0 WHERE k.token_hash = "
    "$1 AND k.state = 1 AND k.archived = 0 AND s.archived = 0 AND c.archived = 0 AND i.qr = 1"};
const struct query *const space_code_queries[] = {&Q_LIVE, &Q_FIND, NULL};

enum err space_code_find(struct ctx *c, struct tx *tx, struct str token, struct sign *ret)
{
    struct val v[4];
    enum err e = q_one(c, tx, &Q_FIND, IN(v_text(public_token_hash(c->mem, token))), v, 4);
    if (e == E_MISSING)
        return FAIL(c, E_MISSING, "这个二维码无效或已停用,请联系物业",
                    "this code is not valid or was withdrawn; please tell the property office");
    TRY(e);
    *ret = (struct sign){val_int(v[0]), val_int(v[1]), val_int(v[2]), val_str(v[3])};
    return E_OK;
}

/* --- making and printing --- */

struct issuing {
    struct req *q;
    struct str code, place;
    int64_t id;
};

static enum err make(struct ctx *c, struct tx *tx, struct issuing *s, const struct row *space)
{
    struct row row = {0};
    s->code = public_token(c->mem);
    row_put(&row, R_COMMUNITY, space->v[R_COMMUNITY]);
    row_put(&row, SC_SPACE, space->v[R_ID]);
    row_put(&row, SC_CODE, v_text(s->code));
    row_put(&row, SC_HASH, v_text(public_token_hash(c->mem, s->code)));
    row_put(&row, SC_STATE, v_int(CODE_LIVE));
    TRY(res_insert(c, tx, &res_space_code, &row));
    s->id = row_int(&row, R_ID);
    return E_OK;
}

static enum err issue(struct ctx *c, struct tx *tx, void *arg)
{
    struct issuing *s = arg;
    struct row space, code, none = {0};
    struct val id;
    TRY(res_load_seen(c, tx, &res_space, s->q->ids[0], &space));
    if (!who_may(c->who, "estate.manage", row_int(&space, R_COMMUNITY)))
        return FAIL(c, E_DENIED, "您的岗位不能做这件事", "your role may not do this");
    if (row_int(&space, R_ARCHIVED))
        return FAIL(c, E_STATE, "这个地点已归档", "this place is archived");
    s->place = row_str(&space, SP_PATH);
    enum err e = q_one(c, tx, &Q_LIVE, IN(space.v[R_COMMUNITY], space.v[R_ID]), &id, 1);
    if (e == E_MISSING)
        return make(c, tx, s, &space);
    TRY(e);
    TRY(res_load(c, tx, &res_space_code, val_int(id), &code));
    s->id = val_int(id);
    s->code = encrypted_open(c, &res_space_code, &code, SC_CODE);
    if (!row_int(&s->q->in, 0) && s->code.n)
        return E_OK;
    TRY(flow_act_row(c, tx, &res_space_code, &code, "revoke", &none, 0));
    return make(c, tx, s, &space);
}

static enum err code_post(struct ctx *c, struct req *q)
{
    struct issuing s = {.q = q};
    TRY(db_write(q->app->db, c, issue, &s));
    buf_fmt(&q->out, "{\"id\":%lld,\"url\":\"/q/" PRS "\",\"place\":", (long long)s.id,
            PRA(s.code));
    buf_json(&q->out, s.place);
    buf_putc(&q->out, '}');
    return E_OK;
}

static const struct field code_inputs[] = {
    {"renew", F_BOOL, 0, .label = {"作废旧码,换新码", "Withdraw the old one, make a new one"}}};
/* NO_TX: no idempotency key may keep the answer. */
const struct route space_code_routes[] = {{"POST",
                                           "/api/v1/spaces/{id}/qr-code",
                                           "estate.manage",
                                           NO_TX,
                                           NULL,
                                           code_post,
                                           code_inputs,
                                           COUNT_OF(code_inputs),
                                           {"地点二维码", "A place's QR code"},
                                           "{id:int,url:str,place:str}",
                                           0,
                                           NULL},
                                          {0}};
