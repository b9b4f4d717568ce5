/* request.c - what the people whose data it is may ask (PIPL 44-50): received → identity checked →
 * in progress → done or refused with a reason. Finishing a request does what it asks (P5). */
#include "rooms/privacy/room.h"

enum { AHEAD_DAYS = 60 }; /* fifteen working days end within, whatever holidays there are */

static const struct choice kinds[] = {
    {ASK_ACCESS, "access", {"查阅", "Access"}, "blue"},
    {ASK_COPY, "copy", {"复制、转移", "Copy, transfer"}, "blue"},
    {ASK_CORRECT, "correct", {"更正、补充", "Correction"}, "green"},
    {ASK_RESTRICT, "restrict", {"限制处理", "Restriction"}, "amber"},
    {ASK_ERASE, "erase", {"删除", "Deletion"}, "red"},
    {ASK_OBJECT, "object", {"拒绝处理(撤回全部同意)", "Objection"}, "amber"},
    {ASK_COMPLAIN, "complain", {"投诉", "Complaint"}, "red"},
    {ASK_LIFT, "lift", {"解除限制", "Lift a restriction"}, "green"},
    {0}};
static const struct choice states[] = {
    {DR_RECEIVED, "received", {"已收到", "Received"}, "amber"},
    {DR_VERIFIED, "verified", {"身份已核验", "Identity checked"}, "blue"},
    {DR_DOING, "in_progress", {"办理中", "In progress"}, "blue"},
    {DR_FINISHED, "done", {"已办结", "Done"}, "green"},
    {DR_REFUSED, "refused", {"不予办理", "Refused"}, "red"},
    {DR_TAKEN_BACK, "taken_back", {"已撤回", "Taken back"}, "grey"},
    {0}};
static const struct choice channels[] = {{BY_PHONE_APP, "app", {"手机端", "App"}, NULL},
                                         {BY_PAPER, "paper", {"书面", "Paper"}, NULL},
                                         {BY_DESK, "desk", {"前台", "Desk"}, NULL},
                                         {BY_CALL, "phone", {"电话", "Phone"}, NULL},
                                         {0}};
static const struct choice proofs[] = {{1, "login", {"本人登录", "Own login"}, NULL},
                                       {2, "document", {"查验证件", "Document seen"}, NULL},
                                       {3, "call_back", {"回拨登记电话", "Called back"}, NULL},
                                       {4, "authorised", {"授权委托", "Authorised agent"}, NULL},
                                       {0}};
static const struct field request_fields[DR__N] = {
    STANDARD_FIELDS,
    [DR_CODE] = {"code", F_TEXT, SERVER_SET | UNIQUE | SEARCH | LIST, .label = {"编号", "Number"}},
    [DR_PERSON] = {"person_id", F_REF, CREATE_ONLY | FILTER | LIST, .ref = "people",
                   .label = {"住户", "Person"}},
    [DR_KIND] = {"kind", F_ENUM, REQUIRED | CREATE_ONLY | FILTER | LIST, .choices = kinds,
                 .label = {"请求", "Request"}},
    [DR_DETAIL] = {"detail", F_LONGTEXT, CREATE_ONLY | UNLOGGED, 0, 2000,
                   .label = {"说明", "Detail"}},
    [DR_CHANNEL] = {"channel", F_ENUM, CREATE_ONLY | FILTER, .choices = channels,
                    .label = {"渠道", "Channel"}},
    [DR_STATE] = {"state", F_ENUM, SERVER_SET | FILTER | LIST, .choices = states,
                  .label = {"状态", "State"}},
    [DR_DUE] = {"due_date", F_DATE, SERVER_SET | FILTER | SORT | LIST,
                .label = {"答复期限", "Answer by"}},
    [DR_IDENTITY] = {"identity_by", F_ENUM, SERVER_SET, .choices = proofs,
                     .label = {"核验方式", "Identity by"}},
    [DR_ANSWER] = {"answer", F_LONGTEXT, SERVER_SET | UNLOGGED, 0, 2000,
                   .label = {"答复", "Answer"}},
    [DR_DONE] = {"finished_at", F_INSTANT, SERVER_SET | LIST, .label = {"办结时间", "Finished"}},
    [DR_LATE] = {"late", F_BOOL, SERVER_SET | FILTER | LIST, .label = {"超期", "Late"}},
};
static const struct index request_indexes[] = {
    {"data_request_person", "community_id, person_id, id", NULL, false},
    {"data_request_due", "due_date", "state < 4 AND late = 0", false},
    {"data_request_done", "community_id, finished_at", "finished_at IS NOT NULL", false}};
static const struct field in_verify[] = {
    {"identity_by", F_ENUM, REQUIRED, .choices = proofs, .label = {"核验方式", "Identity by"}}};
static const struct field in_answer[] = {
    {"answer", F_LONGTEXT, REQUIRED | UNLOGGED, 2, 2000, .label = {"答复", "Answer"}}};
static const struct field in_refuse[] = {
    {"answer", F_LONGTEXT, REQUIRED | UNLOGGED, 2, 2000, .label = {"理由", "Reason"},
     .help = {"须说明理由并告知申诉途径", "the law wants the reason and where to complain"}}};

static bool is_own(const struct who *w, const struct row *r)
{
    int64_t me = who_person(w, row_int(r, R_COMMUNITY));
    return me && me == row_int(r, DR_PERSON);
}

/* --- what finishing does --- */

static enum err restrict_person(struct ctx *c, struct tx *tx, int64_t person, bool on)
{
    struct row old, neu = {0};
    TRY(res_load(c, tx, &res_person, person, &old));
    row_put(&neu, PE_RESTRICTED, on ? v_int(c->now_ms) : v_null());
    return res_store(c, tx, &res_person, &old, &neu, on ? "person.restricted" : "person.freed",
                     on ? S("\"action\":\"restrict\"") : S("\"action\":\"free\""));
}

/* In pieces, later: a person may have thousands of tickets. */
static enum err erase_later(struct ctx *c, struct tx *tx, int64_t person)
{
    return tx_job(c, tx, "privacy.erase", arena_fmt(c->mem, "{\"person\":%lld}", (long long)person),
                  0, (struct str){0});
}

static enum err effect_finish(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                              const struct row *in)
{
    int64_t person = row_int(old, DR_PERSON), community = row_int(old, R_COMMUNITY);
    (void)in;
    row_put(neu, DR_DONE, v_int(c->now_ms));
    switch (row_int(old, DR_KIND)) {
    case ASK_RESTRICT: return restrict_person(c, tx, person, true);
    case ASK_LIFT: return restrict_person(c, tx, person, false);
    case ASK_OBJECT: return object_to_all(c, tx, community, person);
    case ASK_ERASE: return erase_later(c, tx, person);
    default: return E_OK;
    }
}

static enum err guard_finish(struct ctx *c, struct tx *tx, const struct row *old,
                             const struct row *in)
{
    (void)in;
    if (row_int(old, DR_KIND) != ASK_ERASE)
        return E_OK;
    return erase_allowed(c, tx, row_int(old, R_COMMUNITY), row_int(old, DR_PERSON));
}

static enum err effect_end(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                           const struct row *in)
{
    (void)tx;
    (void)old;
    (void)in;
    row_put(neu, DR_DONE, v_int(c->now_ms));
    return E_OK;
}

static const struct action actions[] = {
    {"verify", {"核验身份", "Check identity"}, "primary", in_verify, 1},
    {"begin", {"开始办理", "Begin"}, "primary", NULL, 0},
    {"finish", {"办结", "Finish"}, "primary", in_answer, 1},
    {"refuse", {"不予办理", "Refuse"}, "danger", in_refuse, 1},
    {"take_back", {"撤回请求", "Take back"}, "plain", NULL, 0},
};
#define DESK                                                                                       \
    {                                                                                              \
        "privacy.desk", NULL                                                                       \
    }
#define HEAD                                                                                       \
    {                                                                                              \
        "privacy.manage", NULL                                                                     \
    }
#define OWN                                                                                        \
    {                                                                                              \
        "privacy.own", is_own                                                                      \
    }
#define ENDS(state)                                                                                \
    {state, DR_REFUSED, "refuse", {HEAD}, NULL, NULL, effect_end, "data_request.refused"},         \
    {                                                                                              \
        state, DR_TAKEN_BACK, "take_back", {OWN, DESK}, NULL, NULL, effect_end,                    \
            "data_request.taken_back"                                                              \
    }
static const struct step steps[] = {
    {DR_RECEIVED, DR_VERIFIED, "verify", {DESK}, NULL, NULL, NULL, "data_request.verified"},
    ENDS(DR_RECEIVED),
    {DR_VERIFIED, DR_DOING, "begin", {DESK}, NULL, NULL, NULL, "data_request.begun"},
    ENDS(DR_VERIFIED),
    {DR_DOING,
     DR_FINISHED,
     "finish",
     {HEAD},
     NULL,
     guard_finish,
     effect_finish,
     "data_request.finished"},
    ENDS(DR_DOING),
};
static const struct machine machine = {DR_STATE, actions, COUNT_OF(actions), steps,
                                       COUNT_OF(steps)};

/* --- creation --- */

struct date due_after(const struct workcal *w, struct date start, int working_days)
{
    int64_t day = date_days(start);
    while (working_days > 0) {
        struct date d = date_of_days(++day);
        struct work_day is = workcal_day(w, d);
        working_days -= is.work || (is.source == DAY_COMMUNITY && date_weekday(d) <= 5);
    }
    return date_of_days(day);
}

static enum err request_prepare(struct ctx *c, struct app *app, struct row *neu)
{
    int64_t community = row_int(neu, R_COMMUNITY), n;
    if (!row_has(neu, R_COMMUNITY))
        return E_OK;
    struct date d = zone_date(app_zone(community), c->now_ms);
    struct str series = arena_fmt(c->mem, "GR-%04d", d.y);
    TRY(number_take(c, app->db, community, series, &n));
    row_put(neu, DR_CODE, v_text(arena_fmt(c->mem, PRS "-%06lld", PRA(series), (long long)n)));
    return E_OK;
}

/* Who asks with his own login has shown who he is. */
static enum err request_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    struct workcal calendar;
    if (old)
        return E_OK;
    TRY(take_own_person(c, neu, DR_PERSON, DR_CHANNEL, BY_PHONE_APP));
    bool own = c->who && is_own(c->who, neu);
    row_put(neu, DR_STATE, v_int(own ? DR_VERIFIED : DR_RECEIVED));
    if (own)
        row_put(neu, DR_IDENTITY, v_int(1));
    struct date today = zone_date(app_zone(row_int(neu, R_COMMUNITY)), c->now_ms);
    TRY(workcal_load(c, tx, row_int(neu, R_COMMUNITY), today,
                     date_of_days(date_days(today) + AHEAD_DAYS), &calendar));
    struct date due = due_after(&calendar, today, ANSWER_WORKING_DAYS);
    row_put(neu, DR_DUE, v_text(date_text(c->mem, due)));
    row_put(neu, DR_LATE, v_int(0));
    int64_t kind = row_int(neu, DR_KIND);
    if ((kind == ASK_CORRECT || kind == ASK_COMPLAIN) && !row_str(neu, DR_DETAIL).n)
        return FAIL_FIELD(c, "detail", "required", "请写明要更正或投诉的内容",
                          "say what is to be corrected or what you complain about");
    return E_OK;
}

static const struct row_rule request_rules[] = {{"privacy.own", "person_id = :person"}, {0}};
const struct resource res_data_request = {.name = "data_request",
                                          .path = "data-requests",
                                          .label = {"个人信息请求", "Data request"},
                                          .fields = request_fields,
                                          .nfields = DR__N,
                                          .indexes = request_indexes,
                                          .nindexes = COUNT_OF(request_indexes),
                                          .title = "code",
                                          .code = "code",
                                          .read = "privacy.read",
                                          .create = "privacy.ask",
                                          .rules = request_rules,
                                          .prepare = request_prepare,
                                          .check = request_check,
                                          .machine = &machine,
                                          .person_field = DR_PERSON};
const struct route request_routes[] = {
    {"GET", "/api/v1/data-requests/{id}/copy", NULL, ANY_USER | NO_TX | SLOW, .run = subject_copy,
     .input = copy_query, .ninput = 1,
     .help = {"个人信息副本", "Everything kept about the person who asked"}},
    {"POST", "/api/v1/data-requests/{id}/link", NULL, ANY_USER | NO_TX, .run = subject_link,
     .input = link_fields, .ninput = 2,
     .help = {"副本的限时链接", "An address of the copy that works for a while"},
     .reply = "{url:str,expires_at:instant}"},
    {"GET", "/api/v1/data-requests/{id}/signed", NULL, PUBLIC | NO_TX | SLOW, .run = subject_signed,
     .input = signed_query, .ninput = 4,
     .help = {"限时链接的副本", "The copy behind such an address"}},
    {"GET", "/api/v1/retention-rules/{id}/preview", "privacy.manage", .run = retention_preview,
     .help = {"预览将清理的数据", "What the rule would take now; nothing is changed"},
     .reply = "{before:instant,more:bool,items:[{resource:str,id:int,since:str}]}"},
    {0}};
