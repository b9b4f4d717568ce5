/* policies.c - how fast, how urgent, which pauses stop a clock, who is told when one runs out: a
 * community's rules as rows, with the defaults it starts with. A ticket keeps what was promised
 * under the version in force when it came. */
#include "rooms/handbook/room.h"

const struct choice ladder_levels[] = {
    {LEVEL_WORKER, "worker", {"处理人", "Worker"}, "grey"},
    {LEVEL_SUPERVISOR, "supervisor", {"主管", "Supervisor"}, "amber"},
    {LEVEL_MANAGER, "manager", {"项目经理", "Manager"}, "red"},
    {LEVEL_COMPANY, "company", {"公司", "Company"}, "red"},
    {0}};
const struct choice ticket_kinds[] = {
    {KIND_REPAIR, "repair", {"报修", "Repair"}, "blue"},
    {KIND_COMPLAINT, "complaint", {"投诉", "Complaint"}, "red"},
    {KIND_SUGGESTION, "suggestion", {"建议", "Suggestion"}, "green"},
    {KIND_PRAISE, "praise", {"表扬", "Praise"}, "green"},
    {KIND_INQUIRY, "inquiry", {"咨询", "Inquiry"}, "grey"},
    {KIND_SAFETY, "safety", {"安全隐患", "Safety hazard"}, "red"},
    {0}};
const struct choice ticket_priorities[] = {{1, "P1", {"紧急 P1", "P1 urgent"}, "red"},
                                           {2, "P2", {"高 P2", "P2 high"}, "amber"},
                                           {3, "P3", {"普通 P3", "P3 normal"}, "grey"},
                                           {4, "P4", {"低 P4", "P4 low"}, "grey"},
                                           {0}};
/* Urgency and impact are numbers in the API; people see words. */
const struct choice ticket_steps[] = {{1, "1", {"高", "High"}, NULL},
                                      {2, "2", {"中", "Medium"}, NULL},
                                      {3, "3", {"低", "Low"}, NULL},
                                      {0}};
const struct choice ticket_pause_classes[] = {
    {PAUSE_CUSTOMER, "customer", {"客户改约", "Customer"}, NULL},
    {PAUSE_PARTS, "parts", {"等待配件", "Parts"}, NULL},
    {PAUSE_THIRD_PARTY, "third_party", {"等第三方", "Third party"}, NULL},
    {PAUSE_WEATHER, "weather", {"天气", "Weather"}, NULL},
    {PAUSE_ORDER, "stop_order", {"停工令", "Stop-work order"}, NULL},
    {0}};
const struct choice ticket_tiers[] = {{TIER_VIP, "vip", {"VIP", "VIP"}, NULL},
                                      {TIER_REGULAR, "regular", {"普通", "Regular"}, NULL},
                                      {TIER_POTENTIAL, "potential", {"潜在", "Potential"}, NULL},
                                      {0}};
const struct choice clock_hours[] = {
    {HOURS_ALWAYS, "always", {"24 小时", "Around the clock"}, NULL},
    {HOURS_WORKING, "working", {"工作时间", "Working time"}, NULL},
    {0}};
const struct choice sla_clocks[] = {
    {1 + CLOCK_RESPOND, "respond", {"响应", "Response"}, NULL},
    {1 + CLOCK_HANDLE, "handle", {"首次处理", "First handling"}, NULL},
    {1 + CLOCK_RESOLVE, "resolve", {"完成", "Resolution"}, NULL},
    {0}};
/* --- tables --- */

static const struct field policy_fields[PL__N] = {
    STANDARD_FIELDS,
    [PL_KIND] = {"kind", F_ENUM, REQUIRED | CREATE_ONLY | FILTER | LIST, .choices = ticket_kinds,
                 .label = {"类别", "Kind"}},
    [PL_PRIORITY] = {"priority", F_ENUM, REQUIRED | CREATE_ONLY | FILTER | LIST,
                     .choices = ticket_priorities, .label = {"优先级", "Priority"}},
    [PL_CATEGORY] = {"category_id", F_REF, CREATE_ONLY | FILTER | LIST, .ref = "categories",
                     .label = {"分类", "Category"}, .help = {"留空:所有分类", "empty: all"}},
    [PL_TIER] = {"tier", F_ENUM, CREATE_ONLY | FILTER | LIST, .choices = ticket_tiers,
                 .label = {"客户等级", "Tier"}, .help = {"留空:所有等级", "empty: all"}},
    [PL_RESPOND] = {"respond_min", F_INT, REQUIRED | LIST, 1, 525600,
                    .label = {"响应(分钟)", "Respond (min)"}},
    [PL_HANDLE] = {"handle_min", F_INT, REQUIRED | LIST, 1, 525600,
                   .label = {"首次处理(分钟)", "First handling (min)"}},
    [PL_RESOLVE] = {"resolve_min", F_INT, REQUIRED | LIST, 1, 525600,
                    .label = {"完成(分钟)", "Resolve (min)"}},
    [PL_HOURS] = {"hours", F_ENUM, REQUIRED | LIST, .choices = clock_hours,
                  .label = {"计时方式", "Clock"}},
    [PL_SOURCE] = {"source", F_TEXT, LIST, 0, 200, .label = {"依据", "Source"}},
};
static const struct index policy_indexes[] = {
    {"sla_policy_for", "community_id, kind, priority, COALESCE(category_id, 0), COALESCE(tier, 0)",
     "archived = 0", true}};
static const struct field priority_fields[PP__N] = {
    STANDARD_FIELDS,
    [PP_URGENCY] = {"urgency", F_INT, REQUIRED | CREATE_ONLY | LIST, 1, 3, .choices = ticket_steps,
                    .label = {"紧急程度", "Urgency"}},
    [PP_IMPACT] = {"impact", F_INT, REQUIRED | CREATE_ONLY | LIST, 1, 3, .choices = ticket_steps,
                   .label = {"影响范围", "Impact"}},
    [PP_TIER] = {"tier", F_ENUM, REQUIRED | CREATE_ONLY | LIST, .choices = ticket_tiers,
                 .label = {"客户等级", "Tier"}},
    [PP_PRIORITY] = {"priority", F_ENUM, REQUIRED | LIST, .choices = ticket_priorities,
                     .label = {"优先级", "Priority"}},
};
static const struct index priority_indexes[] = {
    {"priority_policy_key", "community_id, urgency, impact, tier", "archived = 0", true}};
static const struct field pause_policy_fields[PZ__N] = {
    STANDARD_FIELDS,
    [PZ_CLASS] = {"class", F_ENUM, REQUIRED | CREATE_ONLY | LIST, .choices = ticket_pause_classes,
                  .label = {"暂停原因", "Paused for"}},
    [PZ_STOPS] = {"stops_clock", F_BOOL, REQUIRED | LIST, .label = {"停表", "Stops the clock"}},
    [PZ_APPROVAL] = {"needs_approval", F_BOOL, REQUIRED | LIST,
                     .label = {"须审批", "Needs approval"},
                     .help = {"处理人自己暂停时,批准后才停表",
                              "a worker's own pause stops the clock once approved"}},
};
static const struct index pause_policy_indexes[] = {
    {"pause_policy_class", "community_id, class", "archived = 0", true}};
static const struct field ladder_fields[LS__N] = {
    STANDARD_FIELDS,
    [LS_PERCENT] = {"percent", F_INT, REQUIRED | UNIQUE | LIST, 10, 1000,
                    .label = {"用时(%)", "Time used (%)"}},
    [LS_LEVEL] = {"level", F_ENUM, REQUIRED | LIST, .choices = ladder_levels,
                  .label = {"提醒到", "Told to"}},
    [LS_QUIET] = {"quiet", F_BOOL, REQUIRED | LIST,
                  .label = {"夜间假日不扰", "Not at night or on holidays"},
                  .help = {"等到下一个工作时间;P1 不受此限",
                           "waits for working time; never for P1"}},
};
/* --- checks --- */

static const struct query Q_GENERAL = {
    "handbook.sla_general",
    "SELECT respond_min, handle_min, resolve_min, hours FROM sla_policy WHERE community_id = $1 "
    "AND "
    "kind = $2 AND priority = $3 AND tier IS NULL AND archived = 0 AND (category_id IS NULL OR "
    "category_id = $4) ORDER BY CASE WHEN category_id IS NULL THEN 1 ELSE 0 END LIMIT 1"};

/* A tier may raise service, never lower it below what everybody gets (product.md). */
static enum err check_tier(struct ctx *c, struct tx *tx, const struct row *neu)
{
    struct val v[4];
    if (!row_has(neu, PL_TIER))
        return E_OK;
    enum err e = q_one(c, tx, &Q_GENERAL,
                       IN(neu->v[R_COMMUNITY], neu->v[PL_KIND], neu->v[PL_PRIORITY],
                          row_has(neu, PL_CATEGORY) ? neu->v[PL_CATEGORY] : v_int(0)),
                       v, 4);
    if (e != E_OK)
        return e == E_MISSING ? E_OK : e;
    if (val_int(v[3]) == HOURS_ALWAYS && row_int(neu, PL_HOURS) == HOURS_WORKING)
        return FAIL_FIELD(c, "hours", "tier", "这一等级不能比普通客户慢:普通客户按 24 小时计时",
                          "a tier cannot be slower than everybody: their clock runs day and night");
    for (int i = 0; i < CLOCK__N; i++)
        if (row_int(neu, PL_RESPOND + i) > val_int(v[i]))
            (void)FAIL_FIELD(c, policy_fields[PL_RESPOND + i].name, "tier",
                             "这一等级不能比普通客户慢(%lld 分钟)",
                             "a tier cannot be slower than everybody (%lld min)",
                             (long long)val_int(v[i]));
    return c->fault.nfields ? E_INVALID : E_OK;
}

static enum err policy_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    for (int i = PL_HANDLE; i <= PL_RESOLVE; i++)
        if (row_int(neu, i) < row_int(neu, i - 1))
            return FAIL_FIELD(c, policy_fields[i].name, "order", "不能短于前一个时限",
                              "not shorter than the clock before it");
    if (!old)
        TRY(category_fits(c, tx, row_int(neu, R_COMMUNITY), row_int(neu, PL_KIND),
                          neu->v[PL_CATEGORY], v_null()));
    if (row_int(neu, PL_HOURS) != HOURS_ALWAYS) {
        if (row_int(neu, PL_KIND) == KIND_SAFETY)
            return FAIL_FIELD(c, "hours", "safety", "安全类按 24 小时计时",
                              "safety runs day and night");
        if (row_int(neu, PL_PRIORITY) <= 2)
            return FAIL_FIELD(c, "hours", "urgent", "P1、P2 按 24 小时计时",
                              "P1 and P2 run day and night");
    }
    return check_tier(c, tx, neu);
}

static const struct query Q_RUNG = {
    "handbook.rung",
    "SELECT percent FROM ladder_step WHERE community_id = $1 AND archived = 0 AND id <> $2 AND "
    "((percent < $3 AND level > $4) OR (percent > $3 AND level < $4)) ORDER BY percent LIMIT 1"};

/* The longer a clock has run, the higher up it is told. */
static enum err rung_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    struct val other;
    int64_t percent = row_int(neu, LS_PERCENT), level = row_int(neu, LS_LEVEL);
    enum err e =
        q_one(c, tx, &Q_RUNG,
              IN(neu->v[R_COMMUNITY], old ? old->v[R_ID] : v_int(0), v_int(percent), v_int(level)),
              &other, 1);
    if (e != E_OK)
        return e == E_MISSING ? E_OK : e;
    return val_int(other) < percent
               ? FAIL_FIELD(c, "level", "order", "%lld%% 已提醒到更高一级,之后不能再往下",
                            "more senior people are told at %lld %% already: it does not go down "
                            "after that",
                            (long long)val_int(other))
               : FAIL_FIELD(c, "level", "order", "%lld%% 才提醒较低一级,之前不能高于它",
                            "less senior people are told later, at %lld %%: it does not go down "
                            "after this",
                            (long long)val_int(other));
}

const struct resource res_sla_policy = {.name = "sla_policy",
                                        .path = "sla-policies",
                                        .label = {"时限规则", "SLA policy"},
                                        .fields = policy_fields,
                                        .nfields = PL__N,
                                        .indexes = policy_indexes,
                                        .nindexes = 1,
                                        .title = "id",
                                        POLICY_RIGHTS,
                                        .check = policy_check};
const struct resource res_priority_policy = {.name = "priority_policy",
                                             .path = "priority-policies",
                                             .label = {"优先级规则", "Priority policy"},
                                             .fields = priority_fields,
                                             .nfields = PP__N,
                                             .indexes = priority_indexes,
                                             .nindexes = 1,
                                             .title = "id",
                                             POLICY_RIGHTS};
const struct resource res_pause_policy = {.name = "pause_policy",
                                          .path = "pause-policies",
                                          .label = {"暂停规则", "Pause policy"},
                                          .fields = pause_policy_fields,
                                          .nfields = PZ__N,
                                          .indexes = pause_policy_indexes,
                                          .nindexes = 1,
                                          .title = "id",
                                          POLICY_RIGHTS};
const struct resource res_ladder_step = {.name = "ladder_step",
                                         .path = "ladder-steps",
                                         .label = {"升级阶梯", "Escalation step"},
                                         .fields = ladder_fields,
                                         .nfields = LS__N,
                                         .title = "percent",
                                         .default_sort = "id",
                                         POLICY_RIGHTS,
                                         .check = rung_check};
/* --- a new community starts with these --- */

enum { H = 60, WORKDAY = 9 * H }; /* a day of the default hours */
/* R2: guide 2.2.1 (respond 24 h, first handling 48 h) and 3.1 (complaints within 48 h) counted in
 * working days; shorter where domain-rules 2.1 knows the trade to be. By kind, then priority. */
static const struct sla defaults[KIND__END][5] = {
#define ALWAYS(a, b, c)                                                                            \
    {                                                                                              \
        {a, b, c}, HOURS_ALWAYS, 0, 0                                                              \
    }
#define WORKING(a, b, c)                                                                           \
    {                                                                                              \
        {a, b, c}, HOURS_WORKING, 0, 0                                                             \
    }
    [KIND_REPAIR] = {{{0}, 0, 0, 0},
                     ALWAYS(15, 30, 24 * H),
                     ALWAYS(30, 4 * H, 24 * H),
                     WORKING(4 * H, WORKDAY, 2 * WORKDAY),
                     WORKING(WORKDAY, 2 * WORKDAY, 5 * WORKDAY)},
    [KIND_COMPLAINT] = {{{0}, 0, 0, 0},
                        ALWAYS(H, 24 * H, 48 * H),
                        ALWAYS(H, 24 * H, 48 * H),
                        WORKING(2 * H, WORKDAY, 2 * WORKDAY),
                        WORKING(2 * H, WORKDAY, 2 * WORKDAY)},
    [KIND_SUGGESTION] = {{{0}, 0, 0, 0},
                         ALWAYS(24 * H, 48 * H, 168 * H),
                         ALWAYS(24 * H, 48 * H, 168 * H),
                         WORKING(4 * H, 2 * WORKDAY, 5 * WORKDAY),
                         WORKING(WORKDAY, 2 * WORKDAY, 5 * WORKDAY)},
    [KIND_PRAISE] = {{{0}, 0, 0, 0},
                     ALWAYS(24 * H, 48 * H, 168 * H),
                     ALWAYS(24 * H, 48 * H, 168 * H),
                     WORKING(4 * H, 2 * WORKDAY, 5 * WORKDAY),
                     WORKING(WORKDAY, 2 * WORKDAY, 5 * WORKDAY)},
    [KIND_INQUIRY] = {{{0}, 0, 0, 0},
                      ALWAYS(4 * H, 24 * H, 48 * H),
                      ALWAYS(4 * H, 24 * H, 48 * H),
                      WORKING(4 * H, WORKDAY, 2 * WORKDAY),
                      WORKING(WORKDAY, 2 * WORKDAY, 2 * WORKDAY)},
    [KIND_SAFETY] = {{{0}, 0, 0, 0},
                     ALWAYS(15, 30, 24 * H),
                     ALWAYS(15, H, 24 * H),
                     ALWAYS(30, 4 * H, 48 * H),
                     ALWAYS(H, 24 * H, 48 * H)},
};

struct sla sla_default(int kind, int priority)
{
    bool known = kind >= KIND_REPAIR && kind < KIND__END && priority >= 1 && priority <= 4;
    return known ? defaults[kind][priority] : defaults[KIND_REPAIR][3];
}

static const struct query Q_HAS_POLICY = {
    "handbook.has_policy", "SELECT id FROM sla_policy WHERE community_id = $1 LIMIT 1"};
static const struct query Q_HAS_LADDER = {
    "handbook.has_ladder", "SELECT id FROM ladder_step WHERE community_id = $1 LIMIT 1"};
const struct query *const policy_table_queries[] = {&Q_GENERAL, &Q_RUNG, &Q_HAS_POLICY,
                                                    &Q_HAS_LADDER, NULL};

static enum err seed_sla(struct ctx *c, struct tx *tx, int64_t community)
{
    for (int kind = KIND_REPAIR; kind < KIND__END; kind++)
        for (int p = 1; p <= 4; p++) {
            struct sla s = sla_default(kind, p);
            struct row row = {0};
            row_put(&row, R_COMMUNITY, v_int(community));
            row_put(&row, PL_KIND, v_int(kind));
            row_put(&row, PL_PRIORITY, v_int(p));
            for (int i = 0; i < CLOCK__N; i++)
                row_put(&row, PL_RESPOND + i, v_int(s.minutes[i]));
            row_put(&row, PL_HOURS, v_int(s.hours));
            row_put(&row, PL_SOURCE, v_lit("2025 指南 2.2.1、3.1"));
            TRY(res_insert(c, tx, &res_sla_policy, &row));
        }
    return E_OK;
}

static enum err seed_priority(struct ctx *c, struct tx *tx, int64_t community)
{
    for (int i = 0; i < 27; i++) {
        int u = i / 9 + 1, m = i / 3 % 3 + 1, tier = i % 3 + 1;
        struct row row = {0};
        row_put(&row, R_COMMUNITY, v_int(community));
        row_put(&row, PP_URGENCY, v_int(u));
        row_put(&row, PP_IMPACT, v_int(m));
        row_put(&row, PP_TIER, v_int(tier));
        row_put(&row, PP_PRIORITY, v_int(priority_default(u, m, tier)));
        TRY(res_insert(c, tx, &res_priority_policy, &row));
    }
    return E_OK;
}

/* T-65: what the customer, a missing part or an order from outside decides is not the company's
 * time; waiting for one's own contractor is. */
static enum err seed_pauses(struct ctx *c, struct tx *tx, int64_t community)
{
    static const struct {
        int class;
        bool stops, approval;
    } rows[] = {{PAUSE_CUSTOMER, true, false},
                {PAUSE_PARTS, true, true},
                {PAUSE_THIRD_PARTY, false, true},
                {PAUSE_WEATHER, true, true},
                {PAUSE_ORDER, true, true}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct row row = {0};
        row_put(&row, R_COMMUNITY, v_int(community));
        row_put(&row, PZ_CLASS, v_int(rows[i].class));
        row_put(&row, PZ_STOPS, v_int(rows[i].stops));
        row_put(&row, PZ_APPROVAL, v_int(rows[i].approval));
        TRY(res_insert(c, tx, &res_pause_policy, &row));
    }
    return E_OK;
}

/* domain-rules 7.5 */
static enum err seed_ladder(struct ctx *c, struct tx *tx, int64_t community)
{
    static const int percent[] = {50, 80, 100, 150};
    for (int i = 0; i < 4; i++) {
        struct row row = {0};
        row_put(&row, R_COMMUNITY, v_int(community));
        row_put(&row, LS_PERCENT, v_int(percent[i]));
        row_put(&row, LS_LEVEL, v_int(LEVEL_WORKER + i));
        row_put(&row, LS_QUIET, v_int(1));
        TRY(res_insert(c, tx, &res_ladder_step, &row));
    }
    return E_OK;
}

enum err handbook_policies(struct ctx *c, struct tx *tx, int64_t community)
{
    struct val id;
    enum err e = q_one(c, tx, &Q_HAS_POLICY, IN(v_int(community)), &id, 1);
    if (e == E_MISSING) {
        TRY(seed_sla(c, tx, community));
        TRY(seed_priority(c, tx, community));
    } else
        TRY(e);
    e = q_one(c, tx, &Q_HAS_LADDER, IN(v_int(community)), &id, 1);
    if (e != E_MISSING)
        return e;
    TRY(seed_pauses(c, tx, community));
    return seed_ladder(c, tx, community);
}
