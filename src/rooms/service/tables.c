/* tables.c - data only: the ticket's fields, choices, actions and arrows; ratings.
 * Read this file to know what a ticket is; rules.c to know why. */
#include "rooms/service/ticket.h"

const struct choice ticket_channels[] = {{CH_PHONE, "phone", {"电话", "Phone"}, NULL},
                                         {CH_DESK, "desk", {"前台", "Desk"}, NULL},
                                         {CH_VISIT, "visit", {"上门", "Visit"}, NULL},
                                         {CH_WECHAT, "wechat", {"微信", "WeChat"}, NULL},
                                         {CH_APP, "app", {"手机端", "App"}, NULL},
                                         {CH_WEB, "web", {"网页", "Web"}, NULL},
                                         {CH_QR, "qr", {"二维码", "QR code"}, NULL},
                                         {CH_SMS, "sms", {"短信", "SMS"}, NULL},
                                         {CH_EMAIL, "email", {"邮件", "E-mail"}, NULL},
                                         {CH_DEVICE, "device", {"设备", "Device"}, NULL},
                                         {CH_ROUND, "round", {"巡检", "Round"}, NULL},
                                         {CH_OTHER, "other", {"其他", "Other"}, NULL},
                                         {CH_OPEN311, "open311", {"Open311", "Open311"}, NULL},
                                         {0}};
static const struct choice states[] = {
    {RECEIVED, "received", {"待受理", "Received"}, "amber"},
    {ACCEPTED, "accepted", {"待派单", "Accepted"}, "amber"},
    {DISPATCHED, "dispatched", {"已派单", "Dispatched"}, "blue"},
    {IN_PROGRESS, "in_progress", {"处理中", "In progress"}, "blue"},
    {PAUSED, "paused", {"已暂停", "Paused"}, "amber"},
    {FINISHED, "finished", {"待反馈", "Finished"}, "green"},
    {INFORMED, "informed", {"待确认", "Informed"}, "green"},
    {CLOSED, "closed", {"已关闭", "Closed"}, "grey"},
    {CANCELLED, "cancelled", {"已取消", "Cancelled"}, "grey"},
    {MERGED, "merged", {"已合并", "Merged"}, "grey"},
    {0}};

const struct choice ticket_pause_states[] = {
    {PAUSE_FREE, "free", {"无须审批", "Needs none"}, NULL},
    {PAUSE_ASKED, "asked", {"待审批", "Asked for"}, "amber"},
    {PAUSE_APPROVED, "approved", {"已批准", "Approved"}, "green"},
    {PAUSE_REFUSED, "refused", {"未批准", "Refused"}, "red"},
    {0}};

#define SET(n, t, zh, en)                                                                          \
    {                                                                                              \
        n, t, SERVER_SET, .label = { zh, en }                                                      \
    }
/* What the policy in force promised, kept as it was then. */
#define FROZEN(n, zh, en)                                                                          \
    {                                                                                              \
        n, F_INT, SERVER_SET, .label = {zh, en}, .see = "ticket.staff"                             \
    }
const struct field ticket_fields[T__N] = {
    STANDARD_FIELDS,
    [T_CODE] = {"code", F_TEXT, SERVER_SET | UNIQUE | SEARCH | LIST, .label = {"工单号", "Number"}},
    [T_KIND] = {"kind", F_ENUM, REQUIRED | CREATE_ONLY | FILTER | LIST, .choices = ticket_kinds,
                .label = {"类别", "Kind"}},
    [T_TITLE] = {"title", F_TEXT, REQUIRED | SEARCH | LIST, 1, 120, .label = {"标题", "Title"},
                 .help = {"一句话说明什么事", "what it is, in one line"}},
    [T_DETAIL] = {"detail", F_LONGTEXT, SEARCH, 0, 10000, .label = {"详情", "Detail"}},
    [T_SPACE] = {"space_id", F_REF, FILTER | LIST | SEARCH, .ref = "spaces",
                 .label = {"地点", "Place"}},
    [T_ASSET] = {"asset_id", F_REF, FILTER | SEARCH, .ref = "assets", .label = {"设备", "Asset"},
                 .help = {"没填地点的,以设备所在处为准", "without a place, its own is taken"},
                 .edit = "ticket.staff"},
    [T_PERSON] = {"person_id", F_REF, CREATE_ONLY | FILTER, .ref = "people",
                  .label = {"住户", "Person"}},
    [T_CONTACT_NAME] = {"contact_name", F_TEXT, PERSONAL, 0, 60, .label = {"联系人", "Contact"}},
    [T_CONTACT_PHONE] = {"contact_phone", F_PHONE, PERSONAL, .label = {"联系电话", "Phone"}},
    [T_CHANNEL] = {"channel", F_ENUM, CREATE_ONLY | FILTER, .choices = ticket_channels,
                   .label = {"渠道", "Channel"}},
    [T_CATEGORY] = {"category_id", F_REF, FILTER, .ref = "categories",
                    .label = {"分类", "Category"}},
    [T_URGENCY] = {"urgency", F_INT, CREATE_ONLY, 1, 3, .choices = ticket_steps,
                   .label = {"紧急程度", "Urgency"},
                   .help = {"1 高 2 中 3 低", "1 high, 2 medium, 3 low"}, .edit = "ticket.desk"},
    [T_IMPACT] = {"impact", F_INT, CREATE_ONLY, 1, 3, .choices = ticket_steps,
                  .label = {"影响范围", "Impact"},
                  .help = {"1 高 2 中 3 低", "1 high, 2 medium, 3 low"}, .edit = "ticket.desk"},
    [T_PRIORITY] = {"priority", F_ENUM, SERVER_SET | FILTER | LIST, .choices = ticket_priorities,
                    .label = {"优先级", "Priority"}},
    [T_STATE] = {"state", F_ENUM, SERVER_SET | FILTER | LIST, .choices = states,
                 .label = {"状态", "State"}},
    [T_FIRST_CONTACT] = {"first_contact_id", F_REF, SERVER_SET | FILTER, .ref = "staff",
                         .label = {"首问责任人", "First contact"}},
    [T_ASSIGNEE] = {"assignee_id", F_REF, SERVER_SET | FILTER | LIST, .ref = "staff",
                    .label = {"处理人", "Assignee"}},
    [T_APPOINTMENT] = {"appointment_at", F_INSTANT, FILTER, .label = {"预约时间", "Appointment"}},
    [T_NEXT_DUE] = {"next_due", F_INSTANT, SERVER_SET | FILTER | SORT | LIST,
                    .label = {"最近时限", "Next due"}, .see = "ticket.staff",
                    .help = {"在走的时限中最近的一个;过了就是超时",
                             "the nearest of the clocks that run; past it the ticket is overdue"}},
    [T_RESPOND_DUE] = {"respond_due", F_INSTANT, SERVER_SET | FILTER,
                       .label = {"响应时限", "Respond by"}},
    [T_HANDLE_DUE] = {"handle_due", F_INSTANT, SERVER_SET | FILTER,
                      .label = {"首次处理时限", "Handle by"}},
    [T_RESOLVE_DUE] = {"resolve_due", F_INSTANT, SERVER_SET | FILTER | SORT | LIST,
                       .label = {"完成时限", "Resolve by"}},
    [T_RESPONDED] = SET("responded_at", F_INSTANT, "响应时间", "Responded"),
    [T_DISPATCHED] = SET("dispatched_at", F_INSTANT, "派单时间", "Dispatched"),
    [T_HANDLED] = SET("handled_at", F_INSTANT, "首次处理", "First handled"),
    [T_RESOLVED] = SET("resolved_at", F_INSTANT, "完成时间", "Resolved"),
    [T_INFORMED] = SET("informed_at", F_INSTANT, "反馈时间", "Informed"),
    [T_CLOSED] = SET("closed_at", F_INSTANT, "关闭时间", "Closed"),
    [T_RESPOND_BREACHED] = {"respond_breached", F_BOOL, SERVER_SET | FILTER,
                            .label = {"响应超时", "Response late"}},
    [T_HANDLE_BREACHED] = {"handle_breached", F_BOOL, SERVER_SET | FILTER,
                           .label = {"处理超时", "Handling late"}},
    [T_RESOLVE_BREACHED] = {"resolve_breached", F_BOOL, SERVER_SET | FILTER,
                            .label = {"完成超时", "Resolution late"}},
    [T_PAUSE_CLASS] = {"pause_class", F_ENUM, SERVER_SET, .choices = ticket_pause_classes,
                       .label = {"暂停原因", "Paused for"}},
    [T_PAUSED_AT] = SET("paused_at", F_INSTANT, "暂停时间", "Paused at"),
    [T_PAUSED_MS] = SET("paused_ms", F_INT, "累计暂停毫秒", "Paused ms"),
    [T_RESULT] = {"result", F_LONGTEXT, SERVER_SET | SEARCH, 0, 2000,
                  .label = {"处理结果", "Result"}},
    [T_CAUSE] = {"cause", F_TEXT, SERVER_SET, 0, 200, .label = {"原因", "Cause"}},
    [T_MEASURE] = {"measure", F_TEXT, SERVER_SET, 0, 200, .label = {"措施", "Measure"}},
    [T_COST] = {"cost", F_MONEY, SERVER_SET, 0, 100000000, .label = {"费用", "Cost"},
                .see = "ticket.staff"},
    [T_PARTS] = {"parts", F_LONGTEXT, SERVER_SET, 0, 1000, .label = {"用料", "Parts"}},
    [T_ANSWER] = {"answer", F_LONGTEXT, SERVER_SET, 0, 2000,
                  .label = {"给客户的答复", "Answer to the customer"}},
    [T_ANSWER_CHANNEL] = {"answer_channel", F_ENUM, SERVER_SET, .choices = ticket_channels,
                          .label = {"答复渠道", "Answered by"}},
    [T_REWORK] = {"rework_count", F_INT, SERVER_SET | FILTER, .label = {"返修次数", "Reworks"}},
    [T_POLICY] = {"sla_policy_id", F_REF, SERVER_SET, .ref = "sla-policies",
                  .label = {"时限规则", "SLA policy"}},
    [T_POLICY_VERSION] = SET("policy_version", F_INT, "规则版本", "Policy version"),
    [T_CLOCK_FROM] = SET("clock_from", F_INSTANT, "计时起点", "Clocks run from"),
    [T_RESPOND_MIN] = FROZEN("respond_min", "响应(分钟)", "Respond (min)"),
    [T_HANDLE_MIN] = FROZEN("handle_min", "首次处理(分钟)", "First handling (min)"),
    [T_RESOLVE_MIN] = FROZEN("resolve_min", "完成(分钟)", "Resolve (min)"),
    [T_CLOCK_HOURS] = {"clock_hours", F_ENUM, SERVER_SET, .choices = clock_hours,
                       .label = {"计时方式", "Clock"}},
    [T_CLOCK_STOPPED] = {"clock_stopped", F_BOOL, SERVER_SET | FILTER,
                         .label = {"停表中", "Clock stopped"}},
    [T_CLOCK_NEXT] = {"clock_next", F_INSTANT, SERVER_SET | HIDDEN,
                      .label = {"下次检查", "Next look"}},
    [T_PAUSE_STATE] = {"pause_state", F_ENUM, SERVER_SET | FILTER, .choices = ticket_pause_states,
                       .label = {"暂停审批", "Pause approval"}},
    [T_REPEAT_OF] = {"repeat_of_id", F_REF, SERVER_SET | FILTER | INDEXED, .ref = "tickets",
                     .label = {"重复发生,前一单", "Repeats"}, .see = "ticket.read",
                     .help = {"90 天内同一地点或设备、同一分类",
                              "same place or asset, and category, within 90 days"}},
    [T_HANDOVER_TO] = {"handover_to_id", F_REF, SERVER_SET | FILTER, .ref = "staff",
                       .label = {"等待接手", "Asked to take over"}, .see = "ticket.staff"},
    [T_VOUCHED] = {"vouched_at", F_INSTANT, SERVER_SET, .label = {"首问确认", "Vouched for"},
                   .help = {"首问责任人确认客户的事办妥了",
                            "the first contact says that his customer was served"}},
    /* Another customer's ticket: its title is not for this one's. */
    [T_MERGED_INTO] = {"merged_into_id", F_REF, SERVER_SET | FILTER | INDEXED, .ref = "tickets",
                       .label = {"合并到", "Merged into"}, .see = "ticket.read"},
    [T_REROUTES] = {"reroutes", F_INT, SERVER_SET | FILTER, .label = {"改派次数", "Reroutes"},
                    .help = {"改派、退单、移交、改分类",
                             "sent on, declined, handed over, reclassified"},
                    .see = "ticket.staff"},
    [T_ADDRESS] = {"address", F_TEXT, SERVER_SET | SEARCH, .label = {"地址", "Address"}},
    [T_EXTERNAL_ID] = {"external_id", F_TEXT, SERVER_SET | FILTER,
                       .label = {"外部编号", "External number"}},
    [T_REST] = {"rest", F_JSON, SERVER_SET, .label = {"原始数据", "Original data"},
                .see = "ticket.read"},
    [T_ANONYMOUS] = {"anonymous", F_BOOL, SERVER_SET | FILTER, .label = {"匿名", "Anonymous"},
                     .help = {"身份封存,两人同意才能启封",
                              "who it is stays sealed until two people agree"}},
    [T_ARRIVED] = SET("arrived_at", F_INSTANT, "到场时间", "Arrived"),
    [T_PAYABLE] = {"payable", F_MONEY, SERVER_SET | FILTER, .label = {"客户应付", "To be paid"},
                   .help = {"用料与收费明细中由客户付的合计",
                            "the sum of the items that the customer pays"}},
    [T_GUESSED] = {"guessed_by", F_TEXT, SERVER_SET, .label = {"分类依据", "Category guessed by"},
                   .help = {"客户没选分类,按描述里的这些词选的",
                            "the customer chose none: these words of his did"}},
    [T_PAGE] = {"handbook_page_id", F_REF, SERVER_SET, .ref = "handbook-pages",
                .label = {"服务手册", "Handbook"}, .see = "ticket.staff",
                .help = {"开始时生效的版本,以后不变",
                         "the version in force when it came; it stays"}},
};

/* --- actions --- */

#define REASON                                                                                     \
    {                                                                                              \
        "reason", F_TEXT, REQUIRED | VIRTUAL, 1, 300, .label = { "原因", "Reason" }                \
    }
#define TOLD_REASON                                                                                \
    {                                                                                              \
        "reason", F_TEXT, REQUIRED | VIRTUAL | TOLD, 1, 300, .label = { "原因", "Reason" }         \
    }
#define COMMENT                                                                                    \
    {                                                                                              \
        "comment", F_TEXT, VIRTUAL, 0, 300, .label = { "备注", "Comment" }                         \
    }
static const struct field in_comment[] = {COMMENT};
static const struct field in_reason[] = {REASON, COMMENT};
static const struct field in_told_reason[] = {TOLD_REASON, COMMENT};
static const struct field in_confirm[] = {
    {"comment", F_TEXT, VIRTUAL | TOLD, 0, 300, .label = {"备注", "Comment"}}};
static const struct field in_dispatch[] = {
    {"assignee_id", F_REF, REQUIRED, .ref = "staff", .label = {"处理人", "Assignee"}},
    {"reason", F_TEXT, VIRTUAL, 0, 300, .label = {"理由", "Reason"},
     .help = {"不在班或无此技能时必填", "required when off duty or without the skill"}},
    COMMENT};
static const struct field in_pause[] = {{"class", F_ENUM, REQUIRED | VIRTUAL,
                                         .choices = ticket_pause_classes,
                                         .label = {"类别", "Class"}},
                                        REASON,
                                        COMMENT};
static const struct field in_resume[] = {
    {"class", F_ENUM, VIRTUAL, .choices = ticket_pause_classes, .label = {"类别", "Class"}},
    {"reason", F_TEXT, VIRTUAL, 0, 300, .label = {"原因", "Reason"}},
    COMMENT};
static const struct field in_finish[] = {
    {"result", F_LONGTEXT, REQUIRED | TOLD, 1, 2000, .label = {"处理结果", "Result"}},
    {"cause", F_TEXT, 0, 0, 200, .label = {"原因", "Cause"}},
    {"measure", F_TEXT, 0, 0, 200, .label = {"措施", "Measure"}},
    {"cost", F_MONEY, 0, 0, 100000000, .label = {"费用", "Cost"}},
    {"parts", F_LONGTEXT, 0, 0, 1000, .label = {"用料", "Parts"}},
    COMMENT};
/* Where he was, as his phone says: "31.23042,121.47370 ±18". Only those who work there read it. */
static const struct field in_arrive[] = {
    {"where", F_TEXT, VIRTUAL, 0, 60, .label = {"位置", "Position"}}, COMMENT};
static const struct field in_answer[] = {
    {"result", F_LONGTEXT, REQUIRED | TOLD, 1, 2000, .label = {"答复内容", "Answer"}}, COMMENT};
static const struct field in_inform[] = {{"channel", F_ENUM, REQUIRED | VIRTUAL,
                                          .choices = ticket_channels, .label = {"渠道", "Channel"}},
                                         {"note", F_LONGTEXT, REQUIRED | VIRTUAL | TOLD, 1, 2000,
                                          .label = {"告知内容", "What the customer was told"}},
                                         COMMENT};
static const struct field in_priority[] = {
    {"priority", F_ENUM, REQUIRED, .choices = ticket_priorities, .label = {"优先级", "Priority"}},
    REASON,
    COMMENT};

static const struct field in_hand_over[] = {
    {"handover_to_id", F_REF, REQUIRED, .ref = "staff", .label = {"接手人", "Who takes over"},
     .help = {"对方接受后责任才转移", "responsibility moves when he accepts"}},
    REASON,
    COMMENT};
static const struct field in_merge[] = {
    {"merged_into_id", F_REF, REQUIRED, .ref = "tickets", .label = {"合并到", "Merge into"},
     .help = {"同一件事、仍在处理的工单", "the open ticket about the same thing"}},
    COMMENT};

#define A(k, zh, en, t, in)                                                                        \
    {                                                                                              \
        k, {zh, en}, t, in, COUNT_OF(in)                                                           \
    }
static const struct action actions[] = {
    A("accept", "接单", "Accept", "primary", in_comment),
    A("dispatch", "派单", "Dispatch", "primary", in_dispatch),
    A("grab", "抢单", "Grab", "primary", in_comment),
    A("decline", "退单", "Decline", "danger", in_reason),
    A("arrive", "到场", "Arrived", "plain", in_arrive),
    A("start", "开始处理", "Start", "primary", in_comment),
    A("pause", "暂停", "Pause", "plain", in_pause),
    A("approve_pause", "批准暂停", "Approve pause", "primary", in_comment),
    A("refuse_pause", "不批准暂停", "Refuse pause", "danger", in_reason),
    A("resume", "恢复", "Resume", "primary", in_resume),
    A("finish", "完成", "Finish", "primary", in_finish),
    A("answer", "直接答复", "Answer", "primary", in_answer),
    A("inform", "反馈客户", "Inform", "primary", in_inform),
    A("confirm", "确认解决", "Confirm", "primary", in_confirm),
    A("return", "退回返工", "Return", "danger", in_told_reason),
    A("close", "关闭", "Close", "plain", in_comment),
    A("cancel", "取消", "Cancel", "danger", in_told_reason),
    A("reopen", "重新打开", "Reopen", "danger", in_told_reason),
    A("hand_over", "移交", "Hand over", "plain", in_hand_over),
    A("accept_handover", "接手", "Take over", "primary", in_comment),
    A("refuse_handover", "拒绝接手", "Refuse", "danger", in_reason),
    A("recall_handover", "收回移交", "Recall", "plain", in_comment),
    A("vouch", "首问确认", "Vouch for it", "primary", in_comment),
    A("merge", "合并", "Merge", "plain", in_merge),
    A("split", "拆分", "Split off", "plain", in_reason),
    A("check", "勾选步骤", "Tick a step", "part", in_check),
    A("add_item", "记用料收费", "Add an item", "part", in_add_item),
    A("drop_item", "去掉明细", "Take an item out", "part", in_drop_item),
    A("prioritize", "调整优先级", "Change priority", "plain", in_priority),
};

/* --- arrows: from, to, action, who, offered, guard, effect, event --- */

#define DESK                                                                                       \
    {                                                                                              \
        "ticket.desk", NULL                                                                        \
    }
#define DISPATCHER                                                                                 \
    {                                                                                              \
        "ticket.dispatch", NULL                                                                    \
    }
#define WORKER                                                                                     \
    {                                                                                              \
        "ticket.work", NULL                                                                        \
    }
#define ASSIGNEE                                                                                   \
    {                                                                                              \
        "ticket.staff", is_assignee                                                                \
    }
#define RESPONSIBLE                                                                                \
    {                                                                                              \
        "ticket.staff", is_responsible                                                             \
    }
#define RECEIVER                                                                                   \
    {                                                                                              \
        "ticket.staff", is_receiver                                                                \
    }
#define FIRST_CONTACT                                                                              \
    {                                                                                              \
        "ticket.staff", is_first_contact                                                           \
    }
#define CUSTOMER                                                                                   \
    {                                                                                              \
        "ticket.own", is_customer                                                                  \
    }
#define FREE_ORDER is_work
#define DISPATCH(state)                                                                            \
    {                                                                                              \
        state, DISPATCHED, "dispatch", {DISPATCHER}, NULL, guard_dispatch, effect_dispatch,        \
            "ticket.dispatched"                                                                    \
    }
#define PRIORITIZE(state)                                                                          \
    {                                                                                              \
        state, STEP_SAME, "prioritize", {DESK, DISPATCHER}, NULL, NULL, effect_prioritize,         \
            "ticket.prioritized"                                                                   \
    }
#define CANCEL(state)                                                                              \
    {                                                                                              \
        state, CANCELLED, "cancel", {DESK, CUSTOMER}, NULL, guard_cancel, effect_cancel,           \
            "ticket.cancelled"                                                                     \
    }
#define MERGE(state)                                                                               \
    {                                                                                              \
        state, MERGED, "merge", {DESK, DISPATCHER}, NULL, guard_merge, effect_merge,               \
            "ticket.merged"                                                                        \
    }
#define HAND_OVER(state, to)                                                                       \
    {state,           STEP_SAME,        "hand_over",         {RESPONSIBLE}, is_not_handed_over,    \
     guard_hand_over, effect_hand_over, "ticket.handed_over"},                                     \
        {state,                                                                                    \
         to,                                                                                       \
         "accept_handover",                                                                        \
         {RECEIVER},                                                                               \
         is_handed_over,                                                                           \
         guard_accept_handover,                                                                    \
         effect_accept_handover,                                                                   \
         "ticket.handover_accepted"},                                                              \
        {state,          STEP_SAME, "refuse_handover",      {RECEIVER},                            \
         is_handed_over, NULL,      effect_refuse_handover, "ticket.handover_refused"},            \
    {                                                                                              \
        state, STEP_SAME, "recall_handover", {RESPONSIBLE, DISPATCHER}, is_handed_over, NULL,      \
            effect_recall_handover, "ticket.handover_recalled"                                     \
    }
static const struct step steps[] = {
    {RECEIVED,
     ACCEPTED,
     "accept",
     {DESK, DISPATCHER},
     NULL,
     NULL,
     effect_take_up,
     "ticket.accepted"},
    CANCEL(RECEIVED),
    MERGE(RECEIVED),
    PRIORITIZE(RECEIVED),
    DISPATCH(ACCEPTED),
    {ACCEPTED,
     DISPATCHED,
     "grab",
     {WORKER},
     FREE_ORDER,
     guard_grab,
     effect_grab,
     "ticket.dispatched"},
    {ACCEPTED, FINISHED, "answer", {DESK}, is_talk, NULL, effect_finish, "ticket.finished"},
    CANCEL(ACCEPTED),
    MERGE(ACCEPTED),
    HAND_OVER(ACCEPTED, DISPATCHED),
    PRIORITIZE(ACCEPTED),
    {DISPATCHED,
     IN_PROGRESS,
     "start",
     {ASSIGNEE},
     NULL,
     guard_start,
     effect_start,
     "ticket.started"},
#define ARRIVE(state)                                                                              \
    {                                                                                              \
        state, STEP_SAME, "arrive", {ASSIGNEE}, is_on_the_way, NULL, effect_arrive,                \
            "ticket.arrived"                                                                       \
    }
    ARRIVE(DISPATCHED),
    ARRIVE(IN_PROGRESS),
    DISPATCH(DISPATCHED),
    {DISPATCHED, ACCEPTED, "decline", {ASSIGNEE}, NULL, NULL, effect_decline, "ticket.declined"},
    MERGE(DISPATCHED),
    HAND_OVER(DISPATCHED, STEP_SAME),
    PRIORITIZE(DISPATCHED),
    DISPATCH(IN_PROGRESS),
    MERGE(IN_PROGRESS),
    HAND_OVER(IN_PROGRESS, STEP_SAME),
    HAND_OVER(PAUSED, STEP_SAME),
    {IN_PROGRESS, FINISHED, "finish", {ASSIGNEE}, NULL, NULL, effect_finish, "ticket.finished"},
    {IN_PROGRESS,
     PAUSED,
     "pause",
     {ASSIGNEE, DISPATCHER},
     NULL,
     NULL,
     effect_pause,
     "ticket.paused"},
    PRIORITIZE(IN_PROGRESS),
    {PAUSED,
     IN_PROGRESS,
     "resume",
     {ASSIGNEE, DISPATCHER},
     NULL,
     NULL,
     effect_resume,
     "ticket.resumed"},
#define ITEM(state)                                                                                \
    {state, STEP_SAME, "add_item",      {ASSIGNEE, DESK},                                          \
     NULL,  NULL,      effect_add_item, "ticket.item_added"},                                      \
    {                                                                                              \
        state, STEP_SAME, "drop_item", {ASSIGNEE, DESK}, NULL, NULL, effect_drop_item,             \
            "ticket.item_dropped"                                                                  \
    }
#define CHECK(state)                                                                               \
    {                                                                                              \
        state, STEP_SAME, "check", {ASSIGNEE}, NULL, NULL, effect_check, "ticket.checked"          \
    }
    CHECK(IN_PROGRESS),
    CHECK(PAUSED),
    ITEM(IN_PROGRESS),
    ITEM(PAUSED),
    ITEM(FINISHED),
#define DECIDE(state, action, effect)                                                              \
    {                                                                                              \
        state, STEP_SAME, action, {DISPATCHER}, pause_is_asked, NULL, effect, "ticket." action     \
    }
    DECIDE(PAUSED, "approve_pause", effect_approve_pause),
    DECIDE(PAUSED, "refuse_pause", effect_refuse_pause),
    DECIDE(IN_PROGRESS, "approve_pause", effect_approve_pause),
    DECIDE(IN_PROGRESS, "refuse_pause", effect_refuse_pause),
    PRIORITIZE(PAUSED),
    {FINISHED, INFORMED, "inform", {DESK, ASSIGNEE}, NULL, NULL, effect_inform, "ticket.informed"},
    {INFORMED,
     STEP_SAME,
     "vouch",
     {FIRST_CONTACT},
     is_to_vouch,
     NULL,
     effect_vouch,
     "ticket.vouched"},
    {CLOSED, /* somebody may have confirmed before he was asked */
     STEP_SAME,
     "vouch",
     {FIRST_CONTACT},
     is_to_vouch,
     NULL,
     effect_vouch,
     "ticket.vouched"},
    {MERGED, ACCEPTED, "split", {DESK, DISPATCHER}, NULL, NULL, effect_split, "ticket.split"},
    {INFORMED,
     CLOSED,
     "confirm",
     {CUSTOMER, DESK},
     NULL,
     guard_close,
     effect_close,
     "ticket.closed"},
    {INFORMED, ACCEPTED, "return", {CUSTOMER, DESK}, NULL, NULL, effect_rework, "ticket.returned"},
    {INFORMED, CLOSED, "close", {{NULL, NULL}}, NULL, guard_close, effect_close, "ticket.closed"},
    {CLOSED,
     ACCEPTED,
     "reopen",
     {CUSTOMER, DESK},
     NULL,
     guard_reopen,
     effect_reopen,
     "ticket.reopened"},
};
const struct machine ticket_machine = {T_STATE, actions, COUNT_OF(actions), steps, COUNT_OF(steps)};

#define PAUSE_SHAPE                                                                                \
    "{id:int,class:str,reason:str?,from_at:instant,to_at:instant?,stops_clock:bool,state:str}"
#define LINK_SHAPE "{id:int,code:str,title:str,state:str,link:str,link_id:int?}"
#define STEP_SHAPE                                                                                 \
    "{id:int,text:str,text_en:str?,state:str,reason:str?,done_at:instant?,staff_id:int?}"
#define ITEM_SHAPE                                                                                 \
    "{id:int,kind:str,price_item_id:int?,name:str,name_en:str?,unit:str?,quantity:int,price:int,"  \
    "amount:int,payer:str,dropped:bool}"
#define VISIT_SHAPE                                                                                \
    "{id:int,why:str,due_at:instant,state:str,score:int?,comment:str?,done_at:instant?}"
static const struct row_rule ticket_rules[] = {
    {"ticket.work",
     "assignee_id = :staff OR handover_to_id = :staff OR (state = 2 AND assignee_id IS NULL AND "
     "kind IN (1, 6))"},
    {"ticket.own", "person_id = :person"},
    {0}};
static const struct index ticket_indexes[] = {
    {"ticket_state", "community_id, state, id", NULL, false},
    {"ticket_assignee", "community_id, assignee_id, id", "assignee_id IS NOT NULL", false},
    {"ticket_person", "community_id, person_id, id", "person_id IS NOT NULL", false},
    {"ticket_space", "community_id, space_id, id", "space_id IS NOT NULL", false},
    {"ticket_asset", "community_id, asset_id, id", "asset_id IS NOT NULL", false},
    {"ticket_open311", "community_id, created_at, id", "channel = 13", false},
    {"ticket_external", "community_id, external_id", "external_id IS NOT NULL", true},
    {"ticket_clock", "clock_next", "clock_next IS NOT NULL", false},
    {"ticket_informed", "informed_at", "state = 7", false},
    {"ticket_handover", "community_id, handover_to_id", "handover_to_id IS NOT NULL", false},
    {"ticket_closed", "community_id, closed_at, id", "closed_at IS NOT NULL", false},
};
const struct resource res_ticket = {
    .name = "ticket",
    .path = "tickets",
    .words = true,
    .remarks = &res_ticket_remark,
    .label = {"工单", "Ticket"},
    .fields = ticket_fields,
    .nfields = T__N,
    .indexes = ticket_indexes,
    .nindexes = COUNT_OF(ticket_indexes),
    .title = "title",
    .code = "code",
    .read = "ticket.read",
    .create = "ticket.create",
    .update = "ticket.desk",
    .rules = ticket_rules,
    .mine = {"ticket.staff",
             "first_contact_id = :staff OR id IN (SELECT w.ticket_id FROM ticket_watch w WHERE "
             "w.staff_id = :staff AND w.archived = 0)",
             {"我关注的", "Watched by me"}},
    .prepare = ticket_prepare,
    .check = ticket_check,
    .after = ticket_after,
    .derive = ticket_next_due,
    .extra = ticket_extra,
    .extras = {{"rating", "{content:int, attitude:int, efficiency:int, "
                          "experience:int, comment:str?}?"},
               {"pauses", "[" PAUSE_SHAPE "]"},
               {"links", "[" LINK_SHAPE "]"},
               {"visits", "[" VISIT_SHAPE "]"},
               {"checklist", "[" STEP_SHAPE "]"},
               {"items", "[" ITEM_SHAPE "]"}},
    .machine = &ticket_machine,
    .heard_by = ticket_heard_by,
    .staff_field = T_ASSIGNEE,
    .asked_field = T_HANDOVER_TO,
    .person_field = T_PERSON};

/* --- ratings --- */

static const struct field rating_fields[RA__N] = {
    STANDARD_FIELDS,
    [RA_TICKET] = {"ticket_id", F_REF, SERVER_SET | UNIQUE | FILTER | LIST, .ref = "tickets",
                   .label = {"工单", "Ticket"}},
    [RA_CONTENT] = {"content", F_INT, REQUIRED | LIST, 1, 5, .label = {"服务内容", "Content"}},
    [RA_ATTITUDE] = {"attitude", F_INT, REQUIRED | LIST, 1, 5, .label = {"服务态度", "Attitude"}},
    [RA_EFFICIENCY] = {"efficiency", F_INT, REQUIRED | LIST, 1, 5,
                       .label = {"服务效率", "Efficiency"}},
    [RA_EXPERIENCE] = {"experience", F_INT, REQUIRED | LIST, 1, 5,
                       .label = {"服务体验", "Experience"}},
    [RA_COMMENT] = {"comment", F_LONGTEXT, LIST | UNLOGGED, 0, 500, .label = {"评语", "Comment"}},
};

const struct resource res_rating = {.name = "rating",
                                    .path = "ratings",
                                    .label = {"评价", "Rating"},
                                    .fields = rating_fields,
                                    .nfields = RA__N,
                                    .title = "id",
                                    .read = "ticket.read"};
