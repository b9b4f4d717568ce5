/* replies.c - approved wording for what customers are told (G4.2): text with variables of a fixed
 * list, owned by a post, offered only when somebody other than its writer approved it. A change of
 * the words takes the approval away. Filling in is pure; the values are the ticket's business. */
#include "core/csv.h"
#include "core/shipped.h"
#include "rooms/handbook/room.h"

enum { OFFERED_MAX = 50 };
enum reply_state { REPLY_DRAFT = 1, REPLY_APPROVED, REPLY_WITHDRAWN };
static const struct choice reply_states[] = {
    {REPLY_DRAFT, "draft", {"待审批", "To be approved"}, "amber"},
    {REPLY_APPROVED, "approved", {"已批准", "Approved"}, "green"},
    {REPLY_WITHDRAWN, "withdrawn", {"已停用", "Withdrawn"}, "grey"},
    {0}};
static const char *const variables[REPLY__N] = {
    [REPLY_TICKET] = "ticket", [REPLY_TITLE] = "title",   [REPLY_NAME] = "name",
    [REPLY_DUE] = "due",       [REPLY_RESULT] = "result", [REPLY_STAFF] = "staff"};
#define VARIABLES "{ticket} {title} {name} {due} {result} {staff}"

static const struct field reply_fields[RT__N] = {
    STANDARD_FIELDS,
    [RT_KIND] = {"kind", F_ENUM, FILTER | LIST, .choices = ticket_kinds, .label = {"类别", "Kind"},
                 .help = {"留空:所有类别", "empty: all"}},
    [RT_POST] = {"post_id", F_REF, REQUIRED | FILTER | LIST, .ref = "posts",
                 .label = {"负责岗位", "Owner"},
                 .help = {"谁保证这些话是对的", "who sees to it that the words are right"}},
    [RT_TITLE] = {"title", F_TEXT, REQUIRED | SEARCH | LIST, 1, 60, .label = {"名称", "Name"}},
    [RT_TITLE_EN] = {"title_en", F_TEXT, SEARCH, 0, 80, .label = {"英文名", "English name"}},
    [RT_BODY] = {"body", F_LONGTEXT, REQUIRED, 1, 1000, .label = {"内容", "Text"},
                 .help = {"可用 " VARIABLES, "may hold " VARIABLES}},
    [RT_BODY_EN] = {"body_en", F_LONGTEXT, 0, 0, 2000, .label = {"英文内容", "English text"},
                    .help = {"可用 " VARIABLES, "may hold " VARIABLES}},
    [RT_STATE] = {"state", F_ENUM, SERVER_SET | FILTER | LIST, .choices = reply_states,
                  .label = {"状态", "State"}},
    [RT_WRITER] = {"written_by_id", F_REF, SERVER_SET | LIST, .ref = "users",
                   .label = {"撰写人", "Written by"}},
    [RT_APPROVER] = {"approved_by_id", F_REF, SERVER_SET, .ref = "users",
                     .label = {"审批人", "Approved by"}},
    [RT_APPROVED] = {"approved_at", F_INSTANT, SERVER_SET, .label = {"批准时间", "Approved at"}},
};
static const struct index reply_indexes[] = {
    {"reply_template_state", "community_id, state, id", NULL, false}};
static const struct query Q_OFFERED = {
    "handbook.replies",
    "SELECT id, title, title_en, body, body_en FROM reply_template WHERE community_id = $1 AND "
    "state = 2 AND archived = 0 AND (kind IS NULL OR kind = $2) ORDER BY CASE WHEN kind IS NULL "
    "THEN "
    "1 ELSE 0 END, id LIMIT 50"};
static const struct query Q_HAS_REPLY = {
    "handbook.has_reply", "SELECT id FROM reply_template WHERE community_id = $1 LIMIT 1"};
const struct query *const reply_queries[] = {&Q_OFFERED, &Q_HAS_REPLY, NULL};

/* --- pure --- */

static int variable_named(struct str name)
{
    for (int i = 0; i < REPLY__N; i++)
        if (str_eqz(name, variables[i]))
            return i;
    return -1;
}

bool reply_fill(struct str body, const struct str *values, struct buf *out)
{
    for (size_t i = 0; i < body.n; i++) {
        size_t end = i + 1;
        if (body.p[i] != '{' && body.p[i] != '}') {
            if (out)
                buf_putc(out, body.p[i]);
            continue;
        }
        while (body.p[i] == '{' && end < body.n && body.p[end] != '}')
            end++;
        int v = body.p[i] == '{' && end < body.n
                    ? variable_named((struct str){body.p + i + 1, end - i - 1})
                    : -1;
        if (v < 0 || (values && !values[v].n))
            return false;
        if (out && values)
            buf_put(out, values[v]);
        i = end;
    }
    return true;
}

/* --- rules --- */

/* R11: variables are of the list. R12: other words are another text, to be approved anew. */
static enum err reply_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    static const int words[] = {RT_KIND, RT_TITLE, RT_TITLE_EN, RT_BODY, RT_BODY_EN};
    bool changed = !old;
    (void)tx;
    for (int i = RT_BODY; i <= RT_BODY_EN; i++)
        if (!reply_fill(row_str(neu, i), NULL, NULL))
            (void)FAIL_FIELD(c, reply_fields[i].name, "variable", "变量只能是 " VARIABLES,
                             "variables are " VARIABLES);
    for (size_t i = 0; old && i < COUNT_OF(words); i++)
        changed |= !val_eq(old->v[words[i]], neu->v[words[i]]);
    if (changed) {
        row_put(neu, RT_STATE, v_int(REPLY_DRAFT));
        row_put(neu, RT_WRITER, c->who ? v_int(c->who->user_id) : v_null());
        row_put(neu, RT_APPROVER, v_null());
        row_put(neu, RT_APPROVED, v_null());
    }
    return c->fault.nfields ? E_INVALID : E_OK;
}

/* R12: four eyes. */
static enum err guard_approve(struct ctx *c, struct tx *tx, const struct row *old,
                              const struct row *in)
{
    (void)tx, (void)in;
    if (c->who && row_int(old, RT_WRITER) == c->who->user_id)
        return FAIL(c, E_DENIED, "自己写的由别人审批", "somebody else approves what you wrote");
    return E_OK;
}

static enum err effect_approve(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                               const struct row *in)
{
    (void)tx, (void)old, (void)in;
    row_put(neu, RT_APPROVER, c->who ? v_int(c->who->user_id) : v_null());
    row_put(neu, RT_APPROVED, v_int(c->now_ms));
    return E_OK;
}

static const struct action actions[] = {{"approve", {"批准", "Approve"}, "primary", NULL, 0},
                                        {"withdraw", {"停用", "Withdraw"}, "danger", NULL, 0}};
static const struct step steps[] = {{REPLY_DRAFT,
                                     REPLY_APPROVED,
                                     "approve",
                                     {{"policy.manage", NULL}},
                                     NULL,
                                     guard_approve,
                                     effect_approve,
                                     "reply_template.approved"},
                                    {REPLY_APPROVED,
                                     REPLY_WITHDRAWN,
                                     "withdraw",
                                     {{"policy.manage", NULL}},
                                     NULL,
                                     NULL,
                                     NULL,
                                     "reply_template.withdrawn"}};
static const struct machine machine = {RT_STATE, actions, COUNT_OF(actions), steps,
                                       COUNT_OF(steps)};
/* The desk writes, who manages the rules approves. */
const struct resource res_reply_template = {.name = "reply_template",
                                            .path = "reply-templates",
                                            .label = {"答复模板", "Reply template"},
                                            .fields = reply_fields,
                                            .nfields = RT__N,
                                            .indexes = reply_indexes,
                                            .nindexes = 1,
                                            .title = "title",
                                            .default_sort = "id",
                                            .read = "policy.read",
                                            .create = "ticket.desk",
                                            .update = "ticket.desk",
                                            .remove = "policy.manage",
                                            .check = reply_check,
                                            .machine = &machine};

/* --- offering --- */

enum err handbook_replies(struct ctx *c, struct tx *tx, int64_t community, int64_t kind,
                          const struct str *values, struct buf *out)
{
    struct rows rows;
    size_t n = 0;
    TRY(q_rows(c, tx, &Q_OFFERED, IN(v_int(community), v_int(kind)), OFFERED_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        bool en = c->lang == LANG_EN && v[4].t == V_TEXT;
        struct buf text;
        buf_init(&text, c->mem, 32 << 10);
        if (!reply_fill(val_str(v[en ? 4 : 3]), values, &text))
            continue;
        buf_fmt(out, "%s{\"id\":%lld,\"title\":", n++ ? "," : "", (long long)val_int(v[0]));
        buf_json(out, en && v[2].t == V_TEXT ? v[2].s : val_str(v[1]));
        buf_put(out, S(",\"text\":"));
        buf_json(out, buf_str(&text));
        buf_putc(out, '}');
    }
    return E_OK;
}

/* --- what a community starts with: drafts, since words are approved by people --- */

enum err handbook_replies_seed(struct ctx *c, struct tx *tx, int64_t community)
{
    enum { C_KIND, C_POST, C_TITLE, C_TITLE_EN, C_BODY, C_BODY_EN, C__N };
    struct csv csv;
    struct val id;
    bool more;
    struct str text = {0};
    enum err e = q_one(c, tx, &Q_HAS_REPLY, IN(v_int(community)), &id, 1);
    if (e != E_MISSING)
        return e;
    for (size_t i = 0; i < nshipped; i++)
        if (str_eqz(S("handbook/replies.csv"), shipped[i].path))
            text = shipped[i].text;
    csv_open(&csv, c->mem, text, ',');
    TRY(csv_next(c, &csv, &more)); /* the heads */
    for (;;) {
        struct row row = {0};
        struct val post;
        TRY(csv_next(c, &csv, &more));
        if (!more)
            return E_OK;
        ASSERT(csv.n == C__N);
        const struct choice *kind = choice_of_key(ticket_kinds, csv.cells[C_KIND]);
        row_put(&row, R_COMMUNITY, v_int(community));
        row_put(&row, RT_KIND, kind ? v_int(kind->code) : v_null());
        for (int i = RT_TITLE; i <= RT_BODY_EN; i++)
            row_put(&row, i, v_text(str_dup(c->mem, csv.cells[C_TITLE + i - RT_TITLE])));
        TRY(post_for_seed(c, tx, community, str_dup(c->mem, csv.cells[C_POST]), &post));
        row_put(&row, RT_POST, post);
        TRY(res_insert(c, tx, &res_reply_template, &row));
    }
}
