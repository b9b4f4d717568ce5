/* sealed.c - a complaint without a name (G4.3): who complains is kept apart from what he complains
 * about, closed by the key file, and opened by two people only: one asks and says why, another
 * agrees, and then the first may read it for a day. The ticket, the log and the list of requests
 * know nobody; the resident follows it by a link (docs/why/0093). */
#include "core/event.h"
#include "core/key.h"
#include "rooms/intake/room.h"

enum { OPEN_HOURS = 24, EACH_DAY = 10 };
#define OPEN_MS ((int64_t)OPEN_HOURS * 3600 * 1000)

static const struct choice states[] = {{SEAL_CLOSED, "closed", {"已封存", "Sealed"}, "grey"},
                                       {SEAL_ASKED, "asked", {"申请启封", "Asked for"}, "amber"},
                                       {SEAL_OPEN, "open", {"已启封", "Unsealed"}, "red"},
                                       {0}};
static const struct field seal_fields[SI__N] = {
    STANDARD_FIELDS,
    [SI_TICKET] = {"ticket_id", F_REF, SERVER_SET | FILTER | LIST, .ref = "tickets",
                   .label = {"工单", "Ticket"}},
    [SI_STATE] = {"state", F_ENUM, SERVER_SET | FILTER | LIST, .choices = states,
                  .label = {"状态", "State"}},
    [SI_PERSON] = {"person", F_TEXT, SERVER_SET | HIDDEN | ENCRYPTED, .label = {"住户", "Person"}},
    [SI_PERSON_INDEX] = {"person_index", F_TEXT, SERVER_SET | HIDDEN,
                         .label = {"住户索引", "Person's index"}},
    [SI_NAME] = {"name", F_TEXT, SERVER_SET | HIDDEN | ENCRYPTED, .label = {"姓名", "Name"}},
    [SI_PHONE] = {"phone", F_TEXT, SERVER_SET | HIDDEN | ENCRYPTED, .label = {"电话", "Phone"}},
    [SI_REASON] = {"reason", F_TEXT, SERVER_SET | LIST, .label = {"理由", "Reason"}},
    [SI_ASKED_BY] = {"asked_by", F_REF, SERVER_SET | LIST, .ref = "users",
                     .label = {"申请人", "Asked by"}},
    [SI_ASKED_AT] = {"asked_at", F_INSTANT, SERVER_SET | LIST, .label = {"申请时间", "Asked at"}},
    [SI_ANSWERED_BY] = {"answered_by", F_REF, SERVER_SET | LIST, .ref = "users",
                        .label = {"审批人", "Answered by"}},
    [SI_OPEN_UNTIL] = {"open_until", F_INSTANT, SERVER_SET | LIST,
                       .label = {"启封至", "Open until"}},
};
static const struct index seal_indexes[] = {
    {"sealed_identity_ticket", "community_id, ticket_id", NULL, true},
    {"sealed_identity_person", "community_id, person_index", "person_index IS NOT NULL", false}};
static const struct query Q_OF_PERSON = {
    "intake.sealed_of", "SELECT id FROM sealed_identity WHERE community_id = $1 AND person_index = "
                        "$2 ORDER BY id LIMIT 1000"};
static const struct query Q_BRIEF = {
    "intake.sealed_person",
    "SELECT name, phone FROM person WHERE community_id = $1 AND id = $2 AND archived = 0"};
const struct query *const sealed_queries[] = {&Q_OF_PERSON, &Q_BRIEF, NULL};

/* --- two people --- */

static bool is_another(const struct who *w, const struct row *r)
{
    return w->user_id != row_int(r, SI_ASKED_BY);
}
static bool is_asker(const struct who *w, const struct row *r)
{
    return w->user_id == row_int(r, SI_ASKED_BY);
}

static const struct field in_ask[] = {
    {"reason", F_TEXT, REQUIRED, 4, 200, .label = {"理由", "Reason"},
     .help = {"为什么必须知道是谁", "why it must be known who it is"}}};
static const struct action actions[] = {
    {"ask", {"申请启封", "Ask to unseal"}, "plain", in_ask, COUNT_OF(in_ask)},
    {"grant", {"同意启封", "Agree"}, "danger", NULL, 0},
    {"refuse", {"不同意", "Refuse"}, "plain", NULL, 0},
    {"read", {"查看身份", "Read who it is"}, "plain", NULL, 0}};

#define EFFECT(name)                                                                               \
    static enum err name(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,     \
                         const struct row *in)

EFFECT(effect_ask)
{
    (void)tx, (void)old, (void)in;
    row_put(neu, SI_ASKED_BY, v_int(c->who->user_id));
    row_put(neu, SI_ASKED_AT, v_int(c->now_ms));
    row_put(neu, SI_ANSWERED_BY, v_null());
    row_put(neu, SI_OPEN_UNTIL, v_null());
    return E_OK;
}

EFFECT(effect_grant)
{
    (void)tx, (void)old, (void)in;
    row_put(neu, SI_ANSWERED_BY, v_int(c->who->user_id));
    row_put(neu, SI_OPEN_UNTIL, v_int(c->now_ms + OPEN_MS));
    return E_OK;
}

EFFECT(effect_refuse)
{
    (void)tx, (void)old, (void)in;
    row_put(neu, SI_ANSWERED_BY, v_int(c->who->user_id));
    return E_OK;
}

static enum err guard_read(struct ctx *c, struct tx *tx, const struct row *old,
                           const struct row *in)
{
    (void)tx, (void)in;
    if (c->now_ms >= row_int(old, SI_OPEN_UNTIL))
        return FAIL(c, E_STATE, "启封只在 %d 小时内有效,请重新申请",
                    "it was open for %d hours only: ask again", OPEN_HOURS);
    return E_OK;
}

static const struct step steps[] = {{SEAL_CLOSED,
                                     SEAL_ASKED,
                                     "ask",
                                     {{"ticket.unseal", NULL}},
                                     NULL,
                                     NULL,
                                     effect_ask,
                                     "sealed_identity.asked"},
                                    {SEAL_OPEN,
                                     SEAL_ASKED,
                                     "ask",
                                     {{"ticket.unseal", NULL}},
                                     NULL,
                                     NULL,
                                     effect_ask,
                                     "sealed_identity.asked"},
                                    {SEAL_ASKED,
                                     SEAL_OPEN,
                                     "grant",
                                     {{"ticket.unseal", is_another}},
                                     NULL,
                                     NULL,
                                     effect_grant,
                                     "sealed_identity.granted"},
                                    {SEAL_ASKED,
                                     SEAL_CLOSED,
                                     "refuse",
                                     {{"ticket.unseal", is_another}},
                                     NULL,
                                     NULL,
                                     effect_refuse,
                                     "sealed_identity.refused"},
                                    {SEAL_OPEN,
                                     STEP_SAME,
                                     "read",
                                     {{"ticket.unseal", is_asker}},
                                     NULL,
                                     guard_read,
                                     NULL,
                                     "sealed_identity.read"}};
static const struct machine machine = {SI_STATE, actions, COUNT_OF(actions), steps,
                                       COUNT_OF(steps)};
const struct resource res_sealed_identity = {.name = "sealed_identity",
                                             .path = "sealed-identities",
                                             .label = {"封存的身份", "Sealed identity"},
                                             .fields = seal_fields,
                                             .nfields = SI__N,
                                             .indexes = seal_indexes,
                                             .nindexes = COUNT_OF(seal_indexes),
                                             .title = "id",
                                             .read = "ticket.unseal",
                                             .machine = &machine};

/* --- reading it --- */

static enum err read_run(struct ctx *c, struct tx *tx, void *arg)
{
    struct req *q = arg;
    struct row seal, none = {0};
    static const int said[] = {SI_NAME, SI_PHONE, SI_PERSON};
    TRY(res_load_seen(c, tx, &res_sealed_identity, q->ids[0], &seal));
    TRY(flow_act_row(c, tx, &res_sealed_identity, &seal, "read", &none, 0));
    buf_clear(&q->out);
    for (size_t i = 0; i < COUNT_OF(said); i++) {
        struct str plain = encrypted_open(c, &res_sealed_identity, &seal, said[i]);
        buf_fmt(&q->out, "%s\"%s\":", i ? "," : "{",
                said[i] == SI_PERSON ? "person_id" : seal_fields[said[i]].name);
        if (!plain.n)
            buf_put(&q->out, S("null"));
        else if (said[i] == SI_PERSON)
            buf_put(&q->out, plain);
        else
            buf_json(&q->out, plain);
    }
    buf_putc(&q->out, '}');
    return E_OK;
}

/* NO_TX: no idempotency key may keep the answer. */
static enum err read_post(struct ctx *c, struct req *q)
{
    return db_write(q->app->db, c, read_run, q);
}

/* Who was erased is not kept under seal either. */
enum err sealed_forget(struct ctx *c, struct tx *tx, int64_t community, int64_t person)
{
    struct str id = arena_fmt(c->mem, "%lld", (long long)person), index[KEYS_MAX];
    int n = encrypted_find(c, &res_sealed_identity, SI_PERSON, community, id, index);
    for (int k = 0; k < n; k++) {
        struct rows rows;
        TRY(q_rows(c, tx, &Q_OF_PERSON, IN(v_int(community), v_text(index[k])), 1000, &rows));
        for (size_t i = 0; i < rows.n; i++) {
            struct row old, neu = {0};
            TRY(res_load(c, tx, &res_sealed_identity, val_int(rows.v[i]), &old));
            row_put(&neu, SI_PERSON, v_null());
            row_put(&neu, SI_NAME, v_null());
            row_put(&neu, SI_PHONE, v_null());
            TRY(res_store(c, tx, &res_sealed_identity, &old, &neu, "sealed_identity.forgotten",
                          (struct str){0}));
        }
    }
    return E_OK;
}

/* --- complaining --- */

enum { COMMUNITY, KIND, TITLE, DETAIL, SPACE, CONTACT_NAME, CONTACT_PHONE, PERSON };

struct complaint {
    struct req *q;
    const struct who *who;
    int64_t community, person; /* 0: not known here */
    struct row ticket;
    struct str link;
};

/* A home would tell who it is. */
static enum err place_check(struct ctx *c, struct tx *tx, const struct row *in)
{
    struct row space;
    if (!row_has(in, SPACE))
        return E_OK;
    enum err e = res_load(c, tx, &res_space, row_int(in, SPACE), &space);
    if (e == E_MISSING)
        return E_OK; /* told by the reference check */
    TRY(e);
    int64_t kind = row_int(&space, SP_KIND);
    if (kind == SP_UNIT || kind == SP_PARKING)
        return FAIL_FIELD(c, "space_id", "private", "匿名投诉请选公共部位:自家房号会透露您是谁",
                          "choose a shared place: your own home would tell who you are");
    return E_OK;
}

static enum err identity(struct ctx *c, struct tx *tx, const struct complaint *k,
                         struct row *ret_seal)
{
    const struct row *in = &k->q->in;
    struct val v[2] = {{0}};
    struct row *s = ret_seal;
    if (k->person) {
        enum err e = q_one(c, tx, &Q_BRIEF, IN(v_int(k->community), v_int(k->person)), v, 2);
        if (e == E_MISSING)
            return FAIL_FIELD(c, "person_id", "ref", "找不到所指的住户", "there is no such Person");
        TRY(e);
        row_put(s, SI_PERSON, v_text(arena_fmt(c->mem, "%lld", (long long)k->person)));
    }
    struct val name = row_has(in, CONTACT_NAME) ? in->v[CONTACT_NAME] : v[0],
               phone = row_has(in, CONTACT_PHONE) ? in->v[CONTACT_PHONE] : v[1];
    row_put(s, SI_NAME, name);
    row_put(s, SI_PHONE, phone);
    return E_OK;
}

static enum err too_many(struct ctx *c)
{
    c->fault.retry_after_s = 3600;
    return FAIL(c, E_RATE, "今天已匿名提交 %d 次,请明天再来", "%d today: come back tomorrow",
                EACH_DAY);
}

static enum err store(struct ctx *c, struct tx *tx, void *arg)
{
    struct complaint *k = arg;
    struct row t = k->ticket, seal = {0};
    int64_t n;
    TRY(place_check(c, tx, &k->q->in));
    TRY(tally(c, tx, k->community, arena_fmt(c->mem, "anonymous\n%lld", (long long)k->who->user_id),
              &n));
    if (n > EACH_DAY && !who_may(k->who, "ticket.staff", k->community))
        return too_many(c);
    TRY(identity(c, tx, k, &seal));
    TRY(res_insert(c, tx, &res_ticket, &t));
    row_put(&seal, R_COMMUNITY, v_int(k->community));
    row_put(&seal, SI_TICKET, t.v[R_ID]);
    row_put(&seal, SI_STATE, v_int(SEAL_CLOSED));
    TRY(res_insert(c, tx, &res_sealed_identity, &seal));
    TRY(public_link_make(c, tx, &t, PUBLIC_PROGRESS, c->now_ms + PROGRESS_DAYS * DAY_MS, &k->link));
    buf_clear(&k->q->out);
    buf_put(&k->q->out, S("{\"code\":"));
    buf_json(&k->q->out, row_str(&t, T_CODE));
    buf_fmt(&k->q->out, ",\"progress\":\"/p/" PRS "\"}", PRA(k->link));
    return E_OK;
}

static enum err complaint_post(struct ctx *c, struct req *q)
{
    const struct row *in = &q->in;
    struct complaint k = {.q = q, .who = c->who, .community = row_int(in, COMMUNITY)};
    struct row *t = &k.ticket;
    bool staff = who_may(c->who, "ticket.staff", k.community);
    if (!who_may(c->who, "ticket.create", k.community))
        return FAIL(c, E_MISSING, "没有找到这个项目", "no such community");
    k.person = staff ? row_int(in, PERSON) : who_person(c->who, k.community);
    if (!staff && !k.person)
        return FAIL(c, E_DENIED, "您在这个项目没有住户登记",
                    "you are not registered as a resident here");
    row_put(t, R_COMMUNITY, in->v[COMMUNITY]);
    row_put(t, T_KIND, in->v[KIND]);
    row_put(t, T_TITLE, in->v[TITLE]);
    row_put(t, T_DETAIL, in->v[DETAIL]);
    row_put(t, T_SPACE, in->v[SPACE]);
    row_put(t, T_CHANNEL, v_int(staff ? CH_PHONE : CH_APP));
    row_put(t, T_ANONYMOUS, v_int(1));
    TRY(res_ticket.prepare(c, q->app, t));
    if (!staff)
        c->who = NULL; /* neither the row nor any log may say who wrote it */
    return db_write(q->app->db, c, store, &k);
}

static const struct choice kinds[] = {{KIND_COMPLAINT, "complaint", {"投诉", "Complaint"}, NULL},
                                      {KIND_SUGGESTION, "suggestion", {"建议", "Suggestion"}, NULL},
                                      {0}};
static const struct field complaint_fields[] = {
    [COMMUNITY] = {"community_id", F_REF, REQUIRED, .ref = "communities",
                   .label = {"项目", "Community"}},
    [KIND] = {"kind", F_ENUM, REQUIRED, .choices = kinds, .label = {"类别", "Kind"}},
    [TITLE] = {"title", F_TEXT, REQUIRED, 1, 120, .label = {"标题", "Title"}},
    [DETAIL] = {"detail", F_LONGTEXT, 0, 0, 10000, .label = {"详情", "Detail"}},
    [SPACE] = {"space_id", F_REF, 0, .ref = "spaces", .label = {"公共部位", "Shared place"}},
    [CONTACT_NAME] = {"contact_name", F_TEXT, PERSONAL, 0, 60, .label = {"联系人", "Contact"}},
    [CONTACT_PHONE] = {"contact_phone", F_PHONE, PERSONAL, .label = {"联系电话", "Phone"}},
    [PERSON] = {"person_id", F_REF, 0, .ref = "people", .label = {"住户", "Person"},
                .help = {"仅前台代录时", "only where the desk writes it down"}}};
const struct route sealed_routes[] = {
    {"POST", "/api/v1/anonymous-complaints", "ticket.create", NO_TX, NULL, complaint_post,
     complaint_fields, COUNT_OF(complaint_fields),
     .help = {"匿名投诉或建议", "Complain without a name"}, .reply = "{code:str,progress:str}",
     .status = 201},
    {"POST", "/api/v1/sealed-identities/{id}/identity", "ticket.unseal", NO_TX, NULL, read_post,
     .help = {"查看启封的身份", "Who it is, once two agreed"},
     .reply = "{name:str?,phone:str?,person_id:int?}"},
    {0}};
