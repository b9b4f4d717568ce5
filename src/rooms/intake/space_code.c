/* space_code.c - the sign on a wall: the code of a space or of an asset, 128 random bits in an
 * address that a phone's camera opens. A sign is printed again when it is torn off, so the code
 * itself is kept, closed by the key file, and found by its hash. A sign that was misused is
 * withdrawn and another one made.
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
    [SC_ASSET] = {"asset_id", F_REF, SERVER_SET | FILTER | LIST | INDEXED, .ref = "assets",
                  .label = {"设备", "Asset"}},
    [SC_NAME] = {"name", F_TEXT, SERVER_SET | SEARCH | LIST, .label = {"标牌", "Sign"},
                 .help = {"印在标牌上的文字", "what is printed on it"}},
    [SC_CODE] = {"code", F_TEXT, SERVER_SET | HIDDEN | ENCRYPTED, .label = {"码", "Code"}},
    [SC_HASH] = {"token_hash", F_TEXT, SERVER_SET | HIDDEN, .label = {"摘要", "Hash"}},
    [SC_STATE] = {"state", F_ENUM, SERVER_SET | FILTER | LIST, .choices = states,
                  .label = {"状态", "State"}},
    [SC_ENDED] = {"ended_at", F_INSTANT, SERVER_SET, .label = {"作废时间", "Withdrawn at"}},
};
static const struct index code_indexes[] = {
    {"qr_code_token", "token_hash", NULL, true},
    {"qr_code_live", "community_id, space_id", "state = 1", true},
    {"qr_code_asset_live", "community_id, asset_id", "state = 1", true}};

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
                                        .label = {"二维码标牌", "QR sign"},
                                        .fields = code_fields,
                                        .nfields = SC__N,
                                        .indexes = code_indexes,
                                        .nindexes = COUNT_OF(code_indexes),
                                        .title = "name",
                                        .read = "estate.manage",
                                        .machine = &machine};

static const struct query Q_LIVE = {
    "intake.code_live",
    "SELECT id FROM qr_code WHERE community_id = $1 AND space_id = $2 AND state = 1"};
static const struct query Q_LIVE_ASSET = {
    "intake.code_live_asset",
    "SELECT id FROM qr_code WHERE community_id = $1 AND asset_id = $2 AND state = 1"};
/* Where the community did not open the door, a sign is as unknown as any other address; so is that
 * of an asset out of the ledger. An asset's sign leads to where it stands now. */
static const struct query Q_FIND = {
    "intake.code_find",
    "SELECT k.id, k.community_id, s.id, s.path_name, a.id, a.name, a.code FROM qr_code k LEFT JOIN "
    "asset a ON a.id = k.asset_id AND a.community_id = k.community_id AND a.archived = 0 AND "
    "a.state <> 3 JOIN space s ON s.id = COALESCE(a.space_id, k.space_id) AND s.community_id = "
    "k.community_id JOIN community c ON c.id = k.community_id JOIN intake_setting i ON "
    "i.community_id = k.community_id AND i.archived = 0 WHERE k.token_hash = $1 AND k.state = 1 "
    "AND k.archived = 0 AND s.archived = 0 AND c.archived = 0 AND i.qr = 1"};
/* A database from before a sign carried its name. */
static const struct query Q_OLD_NAME = {
    "intake.old_sign", "UPDATE qr_code SET name = (SELECT s.path_name FROM space s WHERE s.id = "
                       "qr_code.space_id) WHERE name IS NULL"};
const struct query *const space_code_queries[] = {&Q_LIVE, &Q_LIVE_ASSET, &Q_FIND, &Q_OLD_NAME,
                                                  NULL};

static enum err names_come(struct ctx *c, struct tx *tx)
{
    return q_do(c, tx, &Q_OLD_NAME, IN0, NULL);
}
const struct fixup space_code_fixups[] = {{9, "signs carry their name", names_come}, {0}};

enum err space_code_find(struct ctx *c, struct tx *tx, struct str token, struct sign *ret)
{
    struct val v[7];
    enum err e = q_one(c, tx, &Q_FIND, IN(v_text(public_token_hash(c->mem, token))), v, 7);
    if (e == E_MISSING)
        return FAIL(c, E_MISSING, "这个二维码无效或已停用,请联系物业",
                    "this code is not valid or was withdrawn; please tell the property office");
    TRY(e);
    *ret = (struct sign){.id = val_int(v[0]),
                         .community_id = val_int(v[1]),
                         .space_id = val_int(v[2]),
                         .place = val_str(v[3]),
                         .asset_id = val_int(v[4]),
                         .asset = val_str(v[5]),
                         .asset_code = val_str(v[6])};
    return E_OK;
}

/* ,"asset":…,"asset_code":… */
void sign_put_asset(struct buf *out, struct str name, struct str code)
{
    buf_put(out, S(",\"asset\":"));
    buf_json(out, name);
    buf_put(out, S(",\"asset_code\":"));
    buf_json(out, code);
}

/* --- making and printing --- */

/* What is printed on it. */
static struct str sign_name(struct ctx *c, const struct resource *r, const struct row *of)
{
    return r == &res_space ? row_str(of, SP_PATH)
                           : arena_fmt(c->mem, PRS " " PRS, PRA(row_str(of, EQ_NAME)),
                                       PRA(row_str(of, EQ_CODE)));
}

static enum err make(struct ctx *c, struct tx *tx, const struct resource *r, const struct row *of,
                     int64_t *ret_id, struct str *ret_code)
{
    struct row row = {0};
    struct str code = public_token(c->mem);
    row_put(&row, R_COMMUNITY, of->v[R_COMMUNITY]);
    row_put(&row, r == &res_asset ? SC_ASSET : SC_SPACE, of->v[R_ID]);
    row_put(&row, SC_NAME, v_text(sign_name(c, r, of)));
    row_put(&row, SC_CODE, v_text(code));
    row_put(&row, SC_HASH, v_text(public_token_hash(c->mem, code)));
    row_put(&row, SC_STATE, v_int(CODE_LIVE));
    TRY(res_insert(c, tx, &res_space_code, &row));
    *ret_id = row_int(&row, R_ID);
    *ret_code = code;
    return E_OK;
}

enum err sign_make(struct ctx *c, struct tx *tx, const struct resource *r, const struct row *of,
                   bool renew, int64_t *ret_id, struct str *ret_code)
{
    struct row code, none = {0};
    struct val id;
    enum err e = q_one(c, tx, r == &res_asset ? &Q_LIVE_ASSET : &Q_LIVE,
                       IN(of->v[R_COMMUNITY], of->v[R_ID]), &id, 1);
    if (e == E_MISSING)
        return make(c, tx, r, of, ret_id, ret_code);
    TRY(e);
    TRY(res_load(c, tx, &res_space_code, val_int(id), &code));
    struct str kept = encrypted_open(c, &res_space_code, &code, SC_CODE);
    if (renew || !kept.n) {
        TRY(flow_act_row(c, tx, &res_space_code, &code, "revoke", &none, 0));
        return make(c, tx, r, of, ret_id, ret_code);
    }
    *ret_id = val_int(id);
    *ret_code = kept;
    struct str name = sign_name(c, r, of);
    if (str_eq(name, row_str(&code, SC_NAME)))
        return E_OK;
    row_put(&none, SC_NAME, v_text(name)); /* renamed since: the new print says so */
    return res_store(c, tx, &res_space_code, &code, &none, NULL, (struct str){0});
}

struct issuing {
    struct req *q;
    const struct resource *r; /* what the sign is of */
    struct str code, place, asset, asset_code;
    int64_t id;
};

static enum err find_place(struct ctx *c, struct tx *tx, struct issuing *s, const struct row *of)
{
    struct row space;
    if (s->r == &res_space) {
        s->place = row_str(of, SP_PATH);
        return row_int(of, R_ARCHIVED)
                   ? FAIL(c, E_STATE, "这个地点已归档", "this place is archived")
                   : E_OK;
    }
    if (row_int(of, R_ARCHIVED) || row_int(of, EQ_STATE) == ASSET_RETIRED)
        return FAIL(c, E_STATE, "这台设备已报废或归档", "this asset is retired or archived");
    TRY(res_load(c, tx, &res_space, row_int(of, EQ_SPACE), &space));
    s->place = row_str(&space, SP_PATH);
    s->asset = row_str(of, EQ_NAME);
    s->asset_code = row_str(of, EQ_CODE);
    return E_OK;
}

static enum err issue(struct ctx *c, struct tx *tx, void *arg)
{
    struct issuing *s = arg;
    struct row of;
    TRY(res_load_seen(c, tx, s->r, s->q->ids[0], &of));
    if (!who_may(c->who, "estate.manage", row_int(&of, R_COMMUNITY)))
        return FAIL(c, E_DENIED, "您的岗位不能做这件事", "your role may not do this");
    TRY(find_place(c, tx, s, &of));
    return sign_make(c, tx, s->r, &of, row_int(&s->q->in, 0), &s->id, &s->code);
}

static enum err issue_for(struct ctx *c, struct req *q, const struct resource *r)
{
    struct issuing s = {.q = q, .r = r};
    TRY(db_write(q->app->db, c, issue, &s));
    buf_fmt(&q->out, "{\"id\":%lld,\"url\":\"/q/" PRS "\",\"place\":", (long long)s.id,
            PRA(s.code));
    buf_json(&q->out, s.place);
    if (r == &res_asset)
        sign_put_asset(&q->out, s.asset, s.asset_code);
    buf_putc(&q->out, '}');
    return E_OK;
}

static enum err space_post(struct ctx *c, struct req *q)
{
    return issue_for(c, q, &res_space);
}

static enum err asset_post(struct ctx *c, struct req *q)
{
    return issue_for(c, q, &res_asset);
}

static const struct field code_inputs[] = {
    {"renew", F_BOOL, 0, .label = {"作废旧码,换新码", "Withdraw the old one, make a new one"}}};
/* NO_TX: no idempotency key may keep the answer. */
const struct route space_code_routes[] = {
    {"POST", "/api/v1/spaces/{id}/qr-code", "estate.manage", NO_TX, .run = space_post,
     .input = code_inputs, .ninput = COUNT_OF(code_inputs),
     .help = {"地点二维码", "A place's QR code"}, .reply = "{id:int,url:str,place:str}"},
    {"POST", "/api/v1/assets/{id}/qr-code", "estate.manage", NO_TX, .run = asset_post,
     .input = code_inputs, .ninput = COUNT_OF(code_inputs),
     .help = {"设备二维码", "An asset's QR code"},
     .reply = "{id:int,url:str,place:str,asset:str,asset_code:str}"},
    {0}};
