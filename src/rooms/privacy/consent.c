/* consent.c - consent texts by edition, and who gave, refused or withdrew what. A text that was
 * shown never changes: a new one is a new edition, and asks again (P1). */
#include "rooms/privacy/room.h"

static const struct choice purposes[] = {
    {FOR_MARKETING, "marketing", {"营销信息", "Marketing"}, "amber"},
    {FOR_GREETINGS, "greetings", {"节日与生日问候", "Greetings"}, "green"},
    {FOR_GROUPS, "groups", {"业主群、社群", "Resident groups"}, "blue"},
    {FOR_FACE, "face", {"人脸识别", "Face recognition"}, "red"},
    {FOR_LOCATION, "location", {"位置信息", "Location"}, "red"},
    {FOR_PUBLICATION, "publication", {"公开展示", "Publication"}, "amber"},
    {0}};
static const struct field text_fields[CT__N] = {
    STANDARD_FIELDS,
    [CT_PURPOSE] = {"purpose", F_ENUM, REQUIRED | CREATE_ONLY | FILTER | LIST, .choices = purposes,
                    .label = {"目的", "Purpose"}},
    [CT_EDITION] = {"edition", F_INT, REQUIRED | CREATE_ONLY | LIST, 1, 10000,
                    .label = {"版本", "Edition"},
                    .help = {"新版本会重新征求同意", "a new edition asks everybody again"}},
    [CT_TEXT] = {"text", F_LONGTEXT, REQUIRED | CREATE_ONLY | LIST, 10, 10000,
                 .label = {"告知文本", "Text"},
                 .help = {"谁、为何、哪些信息、保存多久、如何撤回",
                          "who, why, which data, for how long, how to withdraw"}},
    [CT_TEXT_EN] = {"text_en", F_LONGTEXT, CREATE_ONLY, 0, 10000,
                    .label = {"英文文本", "English text"}},
    [CT_FROM] = {"effective_from", F_DATE, REQUIRED | CREATE_ONLY | LIST,
                 .label = {"生效日", "Effective from"}},
    [CT_SEPARATE] = {"sensitive", F_BOOL, CREATE_ONLY | LIST,
                     .label = {"敏感信息(单独同意)", "Sensitive: consent of its own"}},
};
static const struct index text_indexes[] = {
    {"consent_text_edition", "community_id, purpose, edition", NULL, true}};
static const struct row_rule text_rules[] = {{"privacy.own", "archived = 0"}, {0}};
const struct resource res_consent_text = {.name = "consent_text",
                                          .path = "consent-texts",
                                          .label = {"同意书文本", "Consent text"},
                                          .fields = text_fields,
                                          .nfields = CT__N,
                                          .indexes = text_indexes,
                                          .nindexes = 1,
                                          .title = "purpose",
                                          .read = "privacy.read",
                                          .create = "privacy.manage",
                                          .remove = "privacy.manage",
                                          .rules = text_rules};

static const struct choice answers[] = {{GIVEN, "given", {"同意", "Given"}, "green"},
                                        {REFUSED, "refused", {"不同意", "Refused"}, "grey"},
                                        {WITHDRAWN, "withdrawn", {"已撤回", "Withdrawn"}, "amber"},
                                        {0}};
/* The answer of a new row; withdrawing is a step. */
static const struct choice channels[] = {{BY_PHONE_APP, "app", {"手机端", "App"}, NULL},
                                         {BY_PAPER, "paper", {"纸质签署", "Paper"}, NULL},
                                         {BY_DESK, "desk", {"前台", "Desk"}, NULL},
                                         {BY_CALL, "phone", {"电话", "Phone"}, NULL},
                                         {0}};
static const struct field consent_fields[CS__N] = {
    STANDARD_FIELDS,
    [CS_PERSON] = {"person_id", F_REF, CREATE_ONLY | FILTER | LIST, .ref = "people",
                   .label = {"住户", "Person"}},
    [CS_TEXT] = {"text_id", F_REF, REQUIRED | CREATE_ONLY | FILTER | LIST, .ref = "consent-texts",
                 .label = {"同意书", "Text"}},
    [CS_STATE] = {"answer", F_ENUM, CREATE_ONLY | FILTER | LIST, .choices = answers,
                  .label = {"答复", "Answer"}},
    [CS_CHANNEL] = {"channel", F_ENUM, CREATE_ONLY | LIST, .choices = channels,
                    .label = {"渠道", "Channel"}},
    [CS_ANSWERED] = {"answered_at", F_INSTANT, SERVER_SET | LIST,
                     .label = {"答复时间", "Answered at"}},
    [CS_WITHDRAWN] = {"withdrawn_at", F_INSTANT, SERVER_SET | LIST,
                      .label = {"撤回时间", "Withdrawn at"}},
    [CS_NOTE] = {"note", F_TEXT, CREATE_ONLY | UNLOGGED, 0, 300, .label = {"备注", "Note"}},
};
static const struct index consent_indexes[] = {
    {"consent_person", "community_id, person_id, id", NULL, false},
    {"consent_given", "person_id, text_id", "answer = 1 AND archived = 0", true},
    {"consent_withdrawn", "community_id, withdrawn_at", "withdrawn_at IS NOT NULL", false}};

static bool is_own_consent(const struct who *w, const struct row *r)
{
    int64_t me = who_person(w, row_int(r, R_COMMUNITY));
    return me && me == row_int(r, CS_PERSON);
}

static enum err effect_withdraw(struct ctx *c, struct tx *tx, const struct row *old,
                                struct row *neu, const struct row *in)
{
    (void)tx;
    (void)old;
    (void)in;
    row_put(neu, CS_WITHDRAWN, v_int(c->now_ms));
    return E_OK;
}

/* As easy as giving: no reason is asked (PIPL 15). */
static const struct action actions[] = {{"withdraw", {"撤回同意", "Withdraw"}, "danger", NULL, 0}};
static const struct step steps[] = {{GIVEN,
                                     WITHDRAWN,
                                     "withdraw",
                                     {{"privacy.own", is_own_consent}, {"privacy.desk", NULL}},
                                     NULL,
                                     NULL,
                                     effect_withdraw,
                                     "consent.withdrawn"}};
static const struct machine machine = {CS_STATE, actions, COUNT_OF(actions), steps,
                                       COUNT_OF(steps)};

const struct query Q_CONSENT_HOLDS = {
    "privacy.consent_holds",
    "SELECT k.id FROM consent k JOIN consent_text t ON t.id = k.text_id WHERE k.community_id = $1 "
    "AND k.person_id = $2 AND k.answer = 1 AND k.archived = 0 AND t.purpose = $3 AND t.archived = "
    "0 AND t.edition = (SELECT max(n.edition) FROM consent_text n WHERE n.community_id = $1 AND "
    "n.purpose = $3 AND n.archived = 0 AND n.effective_from <= $4) LIMIT 1"};
static const struct query Q_HELD = {
    "privacy.held", "SELECT id FROM consent WHERE community_id = $1 AND person_id = $2 AND text_id "
                    "= $3 AND answer = 1 AND archived = 0 LIMIT 1"};
static const struct query Q_ALL_HELD = {
    "privacy.all_held", "SELECT id FROM consent WHERE community_id = $1 AND person_id = $2 AND "
                        "answer = 1 AND archived = 0 ORDER BY id LIMIT 200"};
/* The editions in force, each with this person's last answer to it. */
static const struct query Q_ASKED = {
    "privacy.asked",
    "SELECT t.id, t.purpose, t.edition, t.text, t.text_en, t.sensitive, (SELECT max(k.id) FROM "
    "consent k WHERE k.community_id = $1 AND k.person_id = $2 AND k.text_id = t.id AND k.archived "
    "= 0) FROM consent_text t WHERE t.community_id = $1 AND t.archived = 0 AND t.edition = (SELECT "
    "max(n.edition) FROM consent_text n WHERE n.community_id = $1 AND n.purpose = t.purpose AND "
    "n.archived = 0 AND n.effective_from <= $3) ORDER BY t.purpose LIMIT 50"};
const struct query *const consent_queries[] = {&Q_CONSENT_HOLDS, &Q_HELD, &Q_ALL_HELD, &Q_ASKED,
                                               NULL};

struct str today_in(struct ctx *c, int64_t community)
{
    return date_text(c->mem, zone_date(app_zone(community), c->now_ms));
}

/* Who lives here speaks for himself only; who works here says for whom and how. */
enum err take_own_person(struct ctx *c, struct row *neu, int person, int channel, int own_channel)
{
    int64_t community = row_int(neu, R_COMMUNITY), me = c->who ? who_person(c->who, community) : 0;
    bool desk = !c->who || who_may(c->who, "privacy.desk", community);
    if (!desk && (!me || (row_has(neu, person) && row_int(neu, person) != me)))
        return FAIL_FIELD(c, "person_id", "denied", "只能为本人提交", "for yourself only");
    if (!desk) {
        row_put(neu, person, v_int(me));
        row_put(neu, channel, v_int(own_channel));
    }
    if (!row_has(neu, person))
        return FAIL_FIELD(c, "person_id", "required", "必填", "required");
    if (!row_has(neu, channel))
        return FAIL_FIELD(c, "channel", "required", "必填", "required");
    return E_OK;
}

static enum err consent_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    struct row text;
    struct val id;
    if (old)
        return E_OK;
    TRY(take_own_person(c, neu, CS_PERSON, CS_CHANNEL, BY_PHONE_APP));
    if (!row_has(neu, CS_STATE))
        row_put(neu, CS_STATE, v_int(GIVEN));
    if (row_int(neu, CS_STATE) == WITHDRAWN)
        return FAIL_FIELD(c, "answer", "choice", "撤回请用“撤回同意”",
                          "withdrawing is a step of the consent");
    row_put(neu, CS_ANSWERED, v_int(c->now_ms));
    TRY(res_load(c, tx, &res_consent_text, row_int(neu, CS_TEXT), &text));
    if (str_cmp(row_str(&text, CT_FROM), today_in(c, row_int(neu, R_COMMUNITY))) > 0)
        return FAIL_FIELD(c, "text_id", "early", "这个版本还没有生效",
                          "this edition is not in force yet");
    enum err e = q_one(c, tx, &Q_HELD, IN(neu->v[R_COMMUNITY], neu->v[CS_PERSON], neu->v[CS_TEXT]),
                       &id, 1);
    if (e == E_OK)
        return FAIL_FIELD(c, "text_id", "exists", "已经同意过,请先撤回",
                          "it is given already; withdraw it first");
    return e == E_MISSING ? E_OK : e;
}

static const struct row_rule consent_rules[] = {{"privacy.own", "person_id = :person"}, {0}};
const struct resource res_consent = {.name = "consent",
                                     .path = "consents",
                                     .label = {"同意记录", "Consent"},
                                     .fields = consent_fields,
                                     .nfields = CS__N,
                                     .indexes = consent_indexes,
                                     .nindexes = COUNT_OF(consent_indexes),
                                     .title = "id",
                                     .read = "privacy.read",
                                     .create = "privacy.ask",
                                     .rules = consent_rules,
                                     .check = consent_check,
                                     .machine = &machine,
                                     .person_field = CS_PERSON};

/* An objection: everything that rests on consent ends. */
enum err object_to_all(struct ctx *c, struct tx *tx, int64_t community, int64_t person)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_ALL_HELD, IN(v_int(community), v_int(person)), 200, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row row, neu = {0};
        TRY(res_load(c, tx, &res_consent, val_int(rows.v[i]), &row));
        row_put(&neu, CS_STATE, v_int(WITHDRAWN));
        row_put(&neu, CS_WITHDRAWN, v_int(c->now_ms));
        TRY(res_store(c, tx, &res_consent, &row, &neu, "consent.withdrawn",
                      S("\"action\":\"withdraw\",\"why\":\"objection\"")));
    }
    return E_OK;
}

static enum err put_asked(struct ctx *c, struct tx *tx, const struct val *v, struct buf *out)
{
    struct row last = {0};
    if (v[6].t == V_INT)
        TRY(res_load(c, tx, &res_consent, v[6].i, &last));
    buf_fmt(out, "{\"text_id\":%lld,\"purpose\":", (long long)val_int(v[0]));
    field_to_json(out, &text_fields[CT_PURPOSE], v[1], NULL);
    const struct choice *ch = choice_of_code(purposes, val_int(v[1]));
    buf_put(out, S(",\"label\":"));
    buf_text_pair(out, ch->label);
    buf_fmt(out, ",\"edition\":%lld,\"sensitive\":%s,\"text\":", (long long)val_int(v[2]),
            val_int(v[5]) ? "true" : "false");
    buf_json(out, c->lang == LANG_EN && v[4].t == V_TEXT ? v[4].s : val_str(v[3]));
    buf_put(out, S(",\"consent_id\":"));
    field_to_json(out, &consent_fields[R_VERSION], v[6], NULL);
    buf_put(out, S(",\"answer\":"));
    field_to_json(out, &consent_fields[CS_STATE], last.v[CS_STATE], NULL);
    buf_put(out, S(",\"answered_at\":"));
    field_to_json(out, &consent_fields[CS_ANSWERED], last.v[CS_ANSWERED],
                  app_zone(row_int(&last, R_COMMUNITY)));
    buf_putc(out, '}');
    return E_OK;
}

/* What the phone shows: each purpose in its present edition, and what this person said to it. */
static enum err asked_get(struct ctx *c, struct req *q)
{
    struct rows rows;
    int64_t community;
    TRY(req_community(c, q, "privacy.own", &community));
    TRY(q_rows(
        c, q->tx, &Q_ASKED,
        IN(v_int(community), v_int(who_person(c->who, community)), v_text(today_in(c, community))),
        50, &rows));
    buf_put(&q->out, S("{\"items\":["));
    for (size_t i = 0; i < rows.n; i++) {
        if (i)
            buf_putc(&q->out, ',');
        TRY(put_asked(c, q->tx, rows.v + i * (size_t)rows.ncol, &q->out));
    }
    buf_put(&q->out, S("]}"));
    return E_OK;
}

static const struct field community_query[] = {
    {"community_id", F_REF, 0, .ref = "communities", .label = {"项目", "Community"}}};
const struct route consent_routes[] = {
    {"GET", "/api/v1/me/consents", "privacy.own", .run = asked_get, .input = community_query,
     .ninput = 1, .help = {"我的同意", "What I am asked and said"},
     .reply = "{items:[{text_id:int,purpose:str,label:[str],edition:int,sensitive:bool,text:str,"
              "consent_id:int?,answer:str?,answered_at:instant?}]}"},
    {0}};
