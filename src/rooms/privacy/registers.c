/* registers.c - what the law wants written down: who processes for us, what we process and why,
 * and what was weighed before (PIPL 21, 51, 55, 56). Each row has a day on which it is looked at
 * again; a month before, it is marked due (P8). */
#include "rooms/privacy/room.h"

#define DAY_MS INT64_C(86400000)
enum { DUE_MAX = 200 };

static const struct choice bases[] = {{1, "contract", {"履行合同", "Contract"}, NULL},
                                      {2, "law", {"法定职责义务", "Legal duty"}, NULL},
                                      {3, "emergency", {"紧急情况", "Emergency"}, NULL},
                                      {4, "consent", {"个人同意", "Consent"}, NULL},
                                      {0}};
static const struct choice risks[] = {{1, "low", {"低", "Low"}, "green"},
                                      {2, "medium", {"中", "Medium"}, "amber"},
                                      {3, "high", {"高", "High"}, "red"},
                                      {0}};
enum {
    PR_NAME = R_FIRST,
    PR_CONTACT,
    PR_PURPOSE,
    PR_CATEGORIES,
    PR_ABROAD,
    PR_CONTRACT,
    PR_REVIEW,
    PR_DUE,
    PR__N
};
#define REVIEW(required, zh, en)                                                                   \
    {                                                                                              \
        "review_date", F_DATE, required | FILTER | LIST, .label = { zh, en }                       \
    }
#define DUE                                                                                        \
    {                                                                                              \
        "due", F_BOOL, SERVER_SET | FILTER | LIST, .label = { "待复核", "Due" }                    \
    }
static const struct field processor_fields[PR__N] = {
    STANDARD_FIELDS,
    [PR_NAME] = {"name", F_TEXT, REQUIRED | SEARCH | LIST, 2, 100,
                 .label = {"受托方", "Processor"}},
    [PR_CONTACT] = {"contact", F_TEXT, PERSONAL, 0, 100, .label = {"联系方式", "Contact"}},
    [PR_PURPOSE] = {"purpose", F_TEXT, REQUIRED | LIST, 2, 200, .label = {"处理目的", "Purpose"}},
    [PR_CATEGORIES] = {"categories", F_TEXT, REQUIRED | LIST, 2, 300,
                       .label = {"信息种类", "Categories"}},
    [PR_ABROAD] = {"abroad", F_BOOL, FILTER | LIST, .label = {"境外提供", "Goes abroad"}},
    [PR_CONTRACT] = {"contract_until", F_DATE, REQUIRED | LIST,
                     .label = {"合同至", "Contract until"}},
    [PR_REVIEW] = REVIEW(REQUIRED, "复核日", "Review on"),
    [PR_DUE] = DUE,
};
enum {
    PA_NAME = R_FIRST,
    PA_PURPOSE,
    PA_BASIS,
    PA_CATEGORIES,
    PA_SUBJECTS,
    PA_RECIPIENTS,
    PA_KEPT,
    PA_MEASURES,
    PA_REVIEW,
    PA_DUE,
    PA__N
};
static const struct field activity_fields[PA__N] = {
    STANDARD_FIELDS,
    [PA_NAME] = {"name", F_TEXT, REQUIRED | UNIQUE | SEARCH | LIST, 2, 100,
                 .label = {"处理活动", "Activity"}},
    [PA_PURPOSE] = {"purpose", F_TEXT, REQUIRED | LIST, 2, 200, .label = {"目的", "Purpose"}},
    [PA_BASIS] = {"basis", F_ENUM, REQUIRED | FILTER | LIST, .choices = bases,
                  .label = {"合法性基础", "Legal basis"}},
    [PA_CATEGORIES] = {"categories", F_TEXT, REQUIRED | LIST, 2, 300,
                       .label = {"信息种类", "Categories"}},
    [PA_SUBJECTS] = {"subjects", F_TEXT, REQUIRED, 2, 200, .label = {"个人范围", "Whose"}},
    [PA_RECIPIENTS] = {"recipients", F_TEXT, 0, 0, 300, .label = {"接收方", "Recipients"}},
    [PA_KEPT] = {"kept_for", F_TEXT, REQUIRED, 2, 200, .label = {"保存期限", "Kept for"}},
    [PA_MEASURES] = {"measures", F_LONGTEXT, 0, 0, 2000, .label = {"安全措施", "Measures"}},
    [PA_REVIEW] = REVIEW(REQUIRED, "复核日", "Review on"),
    [PA_DUE] = DUE,
};
enum {
    IA_ACTIVITY = R_FIRST,
    IA_REASON,
    IA_LAWFUL,
    IA_IMPACT,
    IA_RISK,
    IA_MEASURES,
    IA_RESULT,
    IA_DONE,
    IA_REVIEW,
    IA_DUE,
    IA__N
};
static const struct field assessment_fields[IA__N] = {
    STANDARD_FIELDS,
    [IA_ACTIVITY] = {"activity_id", F_REF, REQUIRED | FILTER | LIST | INDEXED,
                     .ref = "processing-activities", .label = {"处理活动", "Activity"}},
    [IA_REASON] = {"reason", F_TEXT, REQUIRED | LIST, 2, 200, .label = {"评估原因", "Why"},
                   .help = {"敏感信息、自动化决策、委托、对外提供、公开、出境",
                            "sensitive data, automated decisions, processors, sharing, publishing, "
                            "abroad"}},
    [IA_LAWFUL] = {"necessity", F_LONGTEXT, REQUIRED, 2, 2000,
                   .label = {"合法、正当、必要", "Lawful, fair, necessary"}},
    [IA_IMPACT] = {"impact", F_LONGTEXT, REQUIRED, 2, 2000,
                   .label = {"影响与风险", "Impact and risk"}},
    [IA_RISK] = {"risk", F_ENUM, REQUIRED | FILTER | LIST, .choices = risks,
                 .label = {"风险等级", "Risk"}},
    [IA_MEASURES] = {"measures", F_LONGTEXT, REQUIRED, 2, 2000, .label = {"措施", "Measures"}},
    [IA_RESULT] = {"conclusion", F_TEXT, REQUIRED, 2, 300, .label = {"结论", "Conclusion"}},
    [IA_DONE] = {"assessed_on", F_DATE, REQUIRED | LIST, .label = {"评估日", "Assessed on"},
                 .help = {"报告至少保存 3 年", "reports are kept for three years at least"}},
    [IA_REVIEW] = REVIEW(REQUIRED, "复评日", "Review on"),
    [IA_DUE] = DUE,
};

static struct str due_limit(struct ctx *c, int64_t community)
{
    return date_text(c->mem, zone_date(app_zone(community), c->now_ms + DUE_SOON_DAYS * DAY_MS));
}

static enum err check_due(struct ctx *c, struct row *neu, int review, int due)
{
    struct str limit = due_limit(c, row_int(neu, R_COMMUNITY));
    row_put(neu, due, v_int(str_cmp(row_str(neu, review), limit) <= 0));
    return E_OK;
}

static enum err processor_check(struct ctx *c, struct tx *tx, const struct row *old,
                                struct row *neu)
{
    (void)tx;
    (void)old;
    return check_due(c, neu, PR_REVIEW, PR_DUE);
}

static enum err activity_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    (void)tx;
    (void)old;
    return check_due(c, neu, PA_REVIEW, PA_DUE);
}

static enum err assessment_check(struct ctx *c, struct tx *tx, const struct row *old,
                                 struct row *neu)
{
    (void)tx;
    (void)old;
    return check_due(c, neu, IA_REVIEW, IA_DUE);
}

#define REGISTER_RIGHTS                                                                            \
    .read = "privacy.read", .create = "privacy.manage", .update = "privacy.manage"
const struct resource res_processor = {.name = "processor",
                                       .path = "processors",
                                       .label = {"受托处理清单", "Processor"},
                                       .fields = processor_fields,
                                       .nfields = PR__N,
                                       .title = "name",
                                       REGISTER_RIGHTS,
                                       .remove = "privacy.manage",
                                       .check = processor_check};
const struct resource res_processing = {.name = "processing_activity",
                                        .path = "processing-activities",
                                        .label = {"处理活动记录", "Processing activity"},
                                        .fields = activity_fields,
                                        .nfields = PA__N,
                                        .title = "name",
                                        REGISTER_RIGHTS,
                                        .remove = "privacy.manage",
                                        .check = activity_check};
/* Not removable: an assessment is kept for three years at least. */
const struct resource res_assessment = {.name = "impact_assessment",
                                        .path = "impact-assessments",
                                        .label = {"影响评估", "Impact assessment"},
                                        .fields = assessment_fields,
                                        .nfields = IA__N,
                                        .title = "reason",
                                        REGISTER_RIGHTS,
                                        .check = assessment_check};

/* --- reminders --- */

#define DUE_ROWS(table)                                                                            \
    "SELECT id FROM " table " WHERE review_date <= $1 AND due = 0 AND archived = 0 ORDER BY id "   \
    "LIMIT 200"
static const struct query Q_PROCESSORS = {"privacy.due_processors", DUE_ROWS("processor")};
static const struct query Q_ACTIVITIES = {"privacy.due_activities",
                                          DUE_ROWS("processing_activity")};
static const struct query Q_ASSESSMENTS = {"privacy.due_assessments",
                                           DUE_ROWS("impact_assessment")};
static const struct query Q_LATE = {
    "privacy.late", "SELECT id FROM data_request WHERE due_date < $1 AND state < 4 AND late = 0 "
                    "ORDER BY due_date LIMIT 200"};
const struct query *const register_queries[] = {&Q_PROCESSORS, &Q_ACTIVITIES, &Q_ASSESSMENTS,
                                                &Q_LATE, NULL};

static enum err mark(struct ctx *c, struct tx *tx, const struct query *q, struct str day,
                     const struct resource *r, int flag, const char *topic)
{
    struct rows rows;
    TRY(q_rows(c, tx, q, IN(v_text(day)), DUE_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row old, neu = {0};
        TRY(res_load(c, tx, r, val_int(rows.v[i]), &old));
        row_put(&neu, flag, v_int(1));
        TRY(res_store(c, tx, r, &old, &neu, topic, S("\"action\":\"remind\"")));
    }
    return E_OK;
}

/* Through the store, so that the log has it and open pages show it at once. */
enum err job_due(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    struct str limit = due_limit(c, 0);
    (void)app;
    (void)data;
    TRY(mark(c, tx, &Q_PROCESSORS, limit, &res_processor, PR_DUE, "processor.due"));
    TRY(mark(c, tx, &Q_ACTIVITIES, limit, &res_processing, PA_DUE, "processing_activity.due"));
    TRY(mark(c, tx, &Q_ASSESSMENTS, limit, &res_assessment, IA_DUE, "impact_assessment.due"));
    return mark(c, tx, &Q_LATE, today_in(c, 0), &res_data_request, DR_LATE, "data_request.late");
}

/* --- an example of each, for the demo --- */

enum err registers_seed(struct ctx *c, struct tx *tx, int64_t community, struct str done,
                        struct str review)
{
    struct row p = {0}, a = {0}, i = {0};
    struct val day = v_text(review);
    row_put(&p, R_COMMUNITY, v_int(community));
    row_put(&p, PR_NAME, v_lit("某短信服务商"));
    row_put(&p, PR_PURPOSE, v_lit("向住户发送通知短信"));
    row_put(&p, PR_CATEGORIES, v_lit("手机号码、通知内容"));
    row_put(&p, PR_ABROAD, v_int(0));
    row_put(&p, PR_CONTRACT, day);
    row_put(&p, PR_REVIEW, day);
    TRY(res_insert(c, tx, &res_processor, &p));
    row_put(&a, R_COMMUNITY, v_int(community));
    row_put(&a, PA_NAME, v_lit("报修与投诉"));
    row_put(&a, PA_PURPOSE, v_lit("受理、派单、处理并答复住户"));
    row_put(&a, PA_BASIS, v_int(1));
    row_put(&a, PA_CATEGORIES, v_lit("姓名、电话、地址、诉求内容、照片"));
    row_put(&a, PA_SUBJECTS, v_lit("业主、租户、家属"));
    row_put(&a, PA_KEPT, v_lit("办结后 2 年"));
    row_put(&a, PA_REVIEW, day);
    TRY(res_insert(c, tx, &res_processing, &a));
    row_put(&i, R_COMMUNITY, v_int(community));
    row_put(&i, IA_ACTIVITY, a.v[R_ID]);
    row_put(&i, IA_REASON, v_lit("委托处理"));
    row_put(&i, IA_LAWFUL, v_lit("履行物业服务合同所必需,仅提供号码与通知内容"));
    row_put(&i, IA_IMPACT, v_lit("号码可能被受托方泄露或挪用"));
    row_put(&i, IA_RISK, v_int(1));
    row_put(&i, IA_MEASURES, v_lit("合同约定用途与保密,到期删除,每年复核"));
    row_put(&i, IA_RESULT, v_lit("可以开展"));
    row_put(&i, IA_DONE, v_text(done));
    row_put(&i, IA_REVIEW, day);
    return res_insert(c, tx, &res_assessment, &i);
}
