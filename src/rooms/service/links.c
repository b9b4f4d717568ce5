/* links.c - tickets that belong together. A duplicate is merged into the ticket that is worked on:
 * its words, photos and customer stay with it, and he is told what the others are told (R21).
 * Others are linked by hand, or by the rule that knows repeats. */
#include "core/event.h"
#include "rooms/service/ticket.h"

enum { MERGED_MAX = 50, LINKS_MAX = 100 };

static const struct choice link_kinds[] = {
    {LINK_RELATED, "related", {"相关", "Related"}, NULL},
    {LINK_FOLLOW_UP, "follow_up", {"后续", "Follow-up"}, NULL},
    {LINK_CAUSED_BY, "caused_by", {"起因", "Caused by"}, NULL},
    {0}};
static const struct field link_fields[TL__N] = {
    STANDARD_FIELDS,
    [TL_TICKET] = {"ticket_id", F_REF, REQUIRED | CREATE_ONLY | FILTER | LIST, .ref = "tickets",
                   .label = {"工单", "Ticket"}},
    [TL_OTHER] = {"other_id", F_REF, REQUIRED | CREATE_ONLY | FILTER | LIST | INDEXED,
                  .ref = "tickets", .label = {"另一工单", "Other ticket"}},
    [TL_KIND] = {"kind", F_ENUM, REQUIRED | FILTER | LIST, .choices = link_kinds,
                 .label = {"关系", "Relation"},
                 .help = {"另一工单是这一单的……", "what the other is to this one"}},
};
static const struct index link_indexes[] = {
    {"ticket_link_once", "ticket_id, other_id", "archived = 0", true}};

enum { LINK_STEPS = 20 };
static const struct query Q_LINKED = {
    "service.linked", "SELECT id FROM ticket_link WHERE community_id = $1 AND ticket_id = $3 AND "
                      "other_id = $2 AND archived = 0 LIMIT 1"};
/* Is $3 among what came after $2, by any chain of follow-ups and causes without link $4? */
static const struct query Q_AFTER = {
    "service.link_after",
    "WITH RECURSIVE later (id, steps) AS (SELECT CAST($2 AS BIGINT), 0 UNION SELECT CASE WHEN "
    "l.kind = 2 THEN l.other_id ELSE l.ticket_id END, d.steps + 1 FROM later d JOIN ticket_link l "
    "ON (l.kind = 2 AND l.ticket_id = d.id) OR (l.kind = 3 AND l.other_id = d.id) WHERE d.steps < "
    "$5 AND l.community_id = $1 AND l.archived = 0 AND l.id <> $4) SELECT id FROM later WHERE id = "
    "$3 LIMIT 1"};

/* Two tickets are linked once, whichever names the other, and nothing comes before itself. */
static enum err link_fits(struct ctx *c, struct tx *tx, const struct row *old,
                          const struct row *neu)
{
    struct val id, first = neu->v[TL_TICKET], then = neu->v[TL_OTHER];
    enum err e = old ? E_MISSING
                     : q_one(c, tx, &Q_LINKED, IN(neu->v[R_COMMUNITY], first, then), &id, 1);
    if (e == E_OK)
        return FAIL_FIELD(c, "other_id", "linked", "这两张工单已经关联",
                          "these two tickets are linked already");
    if (e != E_MISSING || row_int(neu, TL_KIND) == LINK_RELATED)
        return e == E_MISSING ? E_OK : e;
    if (row_int(neu, TL_KIND) == LINK_CAUSED_BY) /* the other came first */
        first = neu->v[TL_OTHER], then = neu->v[TL_TICKET];
    e = q_one(c, tx, &Q_AFTER,
              IN(neu->v[R_COMMUNITY], then, first, neu->v[R_ID], v_int(LINK_STEPS)), &id, 1);
    if (e != E_OK)
        return e == E_MISSING ? E_OK : e;
    return FAIL_FIELD(c, old ? "kind" : "other_id", "cycle",
                      "前后关系会成环:另一工单已经排在这一单的另一侧",
                      "it would come before itself: other links say the opposite order");
}

static enum err link_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    static const int ends[] = {TL_TICKET, TL_OTHER};
    struct row t;
    if (old)
        return link_fits(c, tx, old, neu);
    if (row_int(neu, TL_TICKET) == row_int(neu, TL_OTHER))
        return FAIL_FIELD(c, "other_id", "self", "不能关联自己",
                          "a ticket is not linked to itself");
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        TRY(res_load_seen(c, tx, &res_ticket, row_int(neu, ends[i]), &t));
    return link_fits(c, tx, NULL, neu);
}

const struct resource res_ticket_link = {.name = "ticket_link",
                                         .path = "ticket-links",
                                         .label = {"关联工单", "Ticket link"},
                                         .fields = link_fields,
                                         .nfields = TL__N,
                                         .indexes = link_indexes,
                                         .nindexes = 1,
                                         .title = "id",
                                         .read = "ticket.read",
                                         .create = "ticket.desk",
                                         .update = "ticket.desk",
                                         .remove = "ticket.desk",
                                         .check = link_check};

static const struct query Q_MERGED = {
    "service.merged", "SELECT id FROM ticket WHERE community_id = $1 AND merged_into_id = $2 AND "
                      "state = 10 ORDER BY id LIMIT 51"};
#define SHOWN "t.id, t.code, t.title, t.state"
static const struct query Q_LINKS = {
    "service.links",
    "SELECT " SHOWN ", 'merged', 0 FROM ticket t WHERE t.community_id = $1 AND t.merged_into_id = "
    "$2 AND t.state = 10 UNION ALL SELECT " SHOWN ", 'merged_into', 0 FROM ticket m JOIN ticket t "
    "ON t.id = m.merged_into_id WHERE m.community_id = $1 AND m.id = $2 UNION ALL SELECT " SHOWN
    ", 'repeats', 0 FROM ticket m JOIN ticket t ON t.id = m.repeat_of_id WHERE m.community_id = $1 "
    "AND m.id = $2 UNION ALL SELECT " SHOWN
    ", 'repeated_by', 0 FROM ticket t WHERE t.community_id = $1 AND t.repeat_of_id = $2 UNION ALL "
    "SELECT " SHOWN
    ", CASE l.kind WHEN 1 THEN 'related' WHEN 2 THEN 'follow_up' ELSE 'caused_by' END, l.id FROM "
    "ticket_link l JOIN ticket t ON t.id = l.other_id WHERE l.community_id = $1 AND l.ticket_id = "
    "$2 AND l.archived = 0 UNION ALL SELECT " SHOWN
    ", CASE l.kind WHEN 1 THEN 'related' WHEN 2 THEN 'follows' ELSE 'causes' END, l.id FROM "
    "ticket_link l JOIN ticket t ON t.id = l.ticket_id WHERE l.community_id = $1 AND l.other_id = "
    "$2 AND l.archived = 0 ORDER BY 1 LIMIT 100"};
const struct query *const link_queries[] = {&Q_MERGED, &Q_LINKS, &Q_LINKED, &Q_AFTER, NULL};

/* --- shown on a ticket --- */

enum err links_json(struct ctx *c, struct tx *tx, const struct row *t, struct buf *out)
{
    enum { ID, CODE, TITLE, STATE, LINK, LINK_ID };
    struct rows rows;
    buf_put(out, S(",\"links\":["));
    if (!c->who || who_may(c->who, "ticket.read", row_int(t, R_COMMUNITY))) {
        TRY(q_rows(c, tx, &Q_LINKS, IN(t->v[R_COMMUNITY], t->v[R_ID]), LINKS_MAX, &rows));
        for (size_t i = 0; i < rows.n; i++) {
            const struct val *v = rows.v + i * (size_t)rows.ncol;
            buf_fmt(out, "%s{\"id\":%lld,\"code\":", i ? "," : "", (long long)val_int(v[ID]));
            buf_json(out, val_str(v[CODE]));
            buf_put(out, S(",\"title\":"));
            buf_json(out, val_str(v[TITLE]));
            buf_put(out, S(",\"state\":"));
            field_to_json(out, &ticket_fields[T_STATE], v[STATE], NULL);
            buf_put(out, S(",\"link\":"));
            buf_json(out, val_str(v[LINK]));
            buf_put(out, S(",\"link_id\":"));
            val_int(v[LINK_ID]) ? buf_int(out, val_int(v[LINK_ID])) : buf_put(out, S("null"));
            buf_putc(out, '}');
        }
    }
    buf_putc(out, ']');
    return E_OK;
}

/* --- merging --- */

static enum err merged_into(struct ctx *c, struct tx *tx, const struct row *t, struct rows *ret)
{
    return q_rows(c, tx, &Q_MERGED, IN(t->v[R_COMMUNITY], t->v[R_ID]), MERGED_MAX + 1, ret);
}

enum err guard_merge(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in)
{
    enum { INTO };
    struct row into;
    struct rows there, mine;
    if (row_int(in, INTO) == row_int(old, R_ID))
        return FAIL_FIELD(c, "merged_into_id", "self", "不能合并到自己",
                          "a ticket is not merged into itself");
    TRY(res_load_seen(c, tx, &res_ticket, row_int(in, INTO), &into));
    if (row_int(&into, T_STATE) >= INFORMED)
        return FAIL_FIELD(
            c, "merged_into_id", "state", "只能合并到还没有反馈客户的工单",
            "it can only be merged into a ticket whose customer was not answered yet");
    if ((row_int(&into, T_KIND) == KIND_COMPLAINT) != (row_int(old, T_KIND) == KIND_COMPLAINT))
        return FAIL_FIELD(c, "merged_into_id", "kind",
                          "投诉只能与投诉合并,它有自己的办理和回访;可改为关联",
                          "a complaint is merged with complaints only, it is handled and revisited "
                          "in its own way; link them instead");
    TRY(merged_into(c, tx, &into, &there));
    TRY(merged_into(c, tx, old, &mine));
    if (there.n + mine.n + 1 > MERGED_MAX)
        return FAIL_FIELD(c, "merged_into_id", "many", "一张工单最多合并 %d 张",
                          "at most %d tickets are merged into one", MERGED_MAX);
    return E_OK;
}

static enum err tell_into(struct ctx *c, struct tx *tx, const struct row *dup, int64_t into)
{
    struct row t;
    struct buf data;
    TRY(res_load(c, tx, &res_ticket, into, &t));
    buf_init(&data, c->mem, 4000);
    buf_put(&data, S("{\"action\":\"absorb\",\"internal\":true,\"text\":"));
    buf_json(&data,
             arena_fmt(c->mem, PRS " " PRS, PRA(row_str(dup, T_CODE)), PRA(row_str(dup, T_TITLE))));
    buf_putc(&data, '}');
    struct event e = {.topic = "ticket.absorbed",
                      .res = &res_ticket,
                      .id = into,
                      .community_id = row_int(&t, R_COMMUNITY),
                      .data = buf_str(&data),
                      .code = row_str(&t, T_CODE),
                      .for_staff = row_int(&t, T_ASSIGNEE)};
    return tx_emit(c, tx, &e);
}

#define EFFECT(name)                                                                               \
    enum err name(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,            \
                  const struct row *in)

/* The customer was answered by a person who read his words, so the response clock stops; the rest
 * is the other ticket's. What was merged into this one goes along. */
EFFECT(effect_merge)
{
    enum { INTO };
    struct rows mine;
    struct row into;
    TRY(handover_drop(c, tx, old, neu));
    TRY(effect_accept(c, tx, old, neu, in));
    row_put(neu, T_ASSIGNEE, v_null());
    row_put(neu, T_CLOCK_NEXT, v_null());
    TRY(merged_into(c, tx, old, &mine));
    for (size_t i = 0; i < mine.n; i++) {
        struct row one, moved = {0};
        TRY(res_load(c, tx, &res_ticket, val_int(mine.v[i]), &one));
        row_put(&moved, T_MERGED_INTO, in->v[INTO]);
        TRY(res_store(c, tx, &res_ticket, &one, &moved, "ticket.merged",
                      S("\"action\":\"merge\"")));
    }
    TRY(res_load(c, tx, &res_ticket, row_int(in, INTO), &into));
    TRY(take_over_promise(c, tx, &into, old));
    return tell_into(c, tx, old, row_int(in, INTO));
}

EFFECT(effect_split)
{
    (void)in, (void)old, (void)tx;
    row_put(neu, T_MERGED_INTO, v_null());
    row_put(neu, T_RESULT, v_null());
    row_put(neu, T_ANSWER, v_null());
    row_put(neu, T_ANSWER_CHANNEL, v_null());
    row_put(neu, T_INFORMED, v_null());
    row_put(neu, T_CLOSED, v_null());
    row_put(neu, T_CLOCK_NEXT, v_int(c->now_ms));
    return E_OK;
}

enum err guard_cancel(struct ctx *c, struct tx *tx, const struct row *old, const struct row *in)
{
    struct rows mine;
    (void)in;
    TRY(merged_into(c, tx, old, &mine));
    return mine.n
               ? FAIL(c, E_STATE, "还有合并进来的工单,请先拆分它们,或完成这一单",
                      "other tickets were merged into this one: split them off first, or finish it")
               : E_OK;
}

/* What the customers of merged tickets learn at the same step, field by field. */
enum err merged_follow(struct ctx *c, struct tx *tx, const struct row *old, const struct row *neu,
                       const char *topic, const char *action)
{
    static const int shared[] = {T_RESULT, T_ANSWER, T_ANSWER_CHANNEL, T_INFORMED, T_CLOSED};
    struct rows mine;
    TRY(merged_into(c, tx, old, &mine));
    for (size_t i = 0; i < mine.n; i++) {
        struct row one, told = {0};
        TRY(res_load(c, tx, &res_ticket, val_int(mine.v[i]), &one));
        for (size_t k = 0; k < COUNT_OF(shared); k++) {
            int f = shared[k];
            row_put(&told, f, neu->set & BIT(f) ? neu->v[f] : old->v[f]);
        }
        TRY(res_store(c, tx, &res_ticket, &one, &told, topic,
                      arena_fmt(c->mem, "\"action\":\"%s\"", action)));
    }
    return E_OK;
}
