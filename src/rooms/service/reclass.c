/* reclass.c - what follows when it turns out what a ticket is about: its category, its place, how
 * urgent it is. An emergency that came in without a category is one from the moment somebody says
 * so, and is measured from when the customer told it. A promise only ever becomes earlier: what the
 * customer was told stands, and no later word makes a breach go away (docs/why/0095). */
#include "rooms/service/ticket.h"

#define REPEAT_WITHIN_MS (INT64_C(90) * 86400 * 1000)

static struct val now_of(const struct row *old, const struct row *neu, int field)
{
    return neu->set & BIT(field) ? neu->v[field] : old->v[field];
}

static bool moved(const struct row *old, const struct row *neu, int field)
{
    return neu->set & BIT(field) && !val_eq(old->v[field], neu->v[field]);
}

/* Raised by a step when the same thing happened here before; never to P1, which is for danger. */
static int raised(int priority)
{
    return priority > 2 ? priority - 1 : priority;
}

/* The last ticket before this one of the same category about what, by q: a place, an asset. What is
 * later than *before takes its place. */
static enum err find_repeat(struct ctx *c, struct tx *tx, const struct query *q,
                            const struct row *old, const struct row *neu, struct val what,
                            struct val *before)
{
    struct val id;
    if (what.t != V_INT)
        return E_OK;
    enum err e = q_one(c, tx, q,
                       IN(now_of(old, neu, R_COMMUNITY), what, now_of(old, neu, T_CATEGORY),
                          v_int(val_int(now_of(old, neu, R_CREATED_AT)) - REPEAT_WITHIN_MS),
                          now_of(old, neu, R_ID)),
                       &id, 1);
    if (e == E_OK && val_int(id) > val_int(*before))
        *before = id;
    return e == E_MISSING ? E_OK : e;
}

/* R18 (G2.7): the same problem at the same place, or of the same asset, within 90 days is linked to
 * the one before and raised a step. A foreign log brings its own past. */
enum err mark_repeat(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    struct val before = v_null();
    if (now_of(old, neu, T_CATEGORY).t != V_INT || now_of(old, neu, T_REPEAT_OF).t == V_INT ||
        now_of(old, neu, T_EXTERNAL_ID).t != V_NULL)
        return E_OK;
    TRY(find_repeat(c, tx, &Q_REPEAT, old, neu, now_of(old, neu, T_SPACE), &before));
    TRY(find_repeat(c, tx, &Q_REPEAT_ASSET, old, neu, now_of(old, neu, T_ASSET), &before));
    if (before.t == V_NULL)
        return E_OK;
    row_put(neu, T_REPEAT_OF, before);
    row_put(neu, T_PRIORITY, v_int(raised((int)val_int(now_of(old, neu, T_PRIORITY)))));
    return E_OK;
}

void raise_step(const struct row *old, struct row *neu)
{
    row_put(neu, T_PRIORITY, v_int(raised((int)val_int(now_of(old, neu, T_PRIORITY)))));
}

/* --- category, place, urgency --- */

/* R16 (T-104): a class that asks for a certificate is not slipped under somebody without one. */
static enum err check_hands(struct ctx *c, struct tx *tx, const struct row *old, struct val class)
{
    struct val need;
    int sla;
    bool yes = true;
    TRY(category_brief(c, tx, row_int(old, R_COMMUNITY), class, &need, &sla));
    if (row_has(old, T_ASSIGNEE))
        TRY(staff_certified(c, tx, row_int(old, R_COMMUNITY), row_int(old, T_ASSIGNEE), need,
                            &yes));
    return yes ? E_OK
               : FAIL_FIELD(c, "category_id", "certificate",
                            "现在的处理人没有这一类要求的有效证书,请先改派",
                            "whoever has it now holds no certificate in force for this class: send "
                            "somebody else first");
}

static enum err tier_of(struct ctx *c, struct tx *tx, const struct row *old, int64_t *ret)
{
    struct val v[3];
    *ret = TIER_REGULAR;
    if (!row_has(old, T_PERSON))
        return E_OK;
    enum err e = q_one(c, tx, &Q_PERSON_BRIEF, IN(old->v[R_COMMUNITY], old->v[T_PERSON]), v, 3);
    if (e == E_OK && val_int(v[2]))
        *ret = val_int(v[2]);
    return e == E_MISSING ? E_OK : e;
}

/* What somebody says of urgency and impact decides both ways, and so does the first category a
 * person says after one that was guessed (R41); another only raises: lowering is a person's word,
 * with a reason. */
static enum err set_urgency(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                            int64_t tier)
{
    struct val skill;
    int class, p, urgency = (int)val_int(now_of(old, neu, T_URGENCY)),
                  impact = (int)val_int(now_of(old, neu, T_IMPACT));
    bool said = moved(old, neu, T_URGENCY) || moved(old, neu, T_IMPACT);
    int64_t community = row_int(old, R_COMMUNITY);
    if (!said) {
        TRY(category_brief(c, tx, community, now_of(old, neu, T_CATEGORY), &skill, &class));
        class_urgency(class, &urgency, &impact);
    }
    TRY(priority_read(c, tx, community, urgency, impact, tier, &p));
    if (!said && p >= row_int(old, T_PRIORITY) && !row_has(old, T_GUESSED))
        return E_OK;
    row_put(neu, T_URGENCY, v_int(urgency));
    row_put(neu, T_IMPACT, v_int(impact));
    row_put(neu, T_PRIORITY, v_int(p));
    return E_OK;
}

enum err ticket_reclass(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    bool class = moved(old, neu, T_CATEGORY),
         place = moved(old, neu, T_SPACE) || moved(old, neu, T_ASSET),
         said = moved(old, neu, T_URGENCY) || moved(old, neu, T_IMPACT);
    int64_t tier;
    if (row_int(old, T_STATE) > PAUSED || !(class || place || said))
        return E_OK;
    if (class)
        TRY(check_hands(c, tx, old, now_of(old, neu, T_CATEGORY)));
    TRY(tier_of(c, tx, old, &tier));
    if (class || said)
        TRY(set_urgency(c, tx, old, neu, tier));
    if (class && row_has(old, T_GUESSED))
        row_put(neu, T_REPEAT_OF, v_null()); /* it repeated what it was taken for */
    if (class || place)
        TRY(mark_repeat(c, tx, old, neu));
    if (class && row_int(old, T_STATE) >= IN_PROGRESS)
        TRY(checklist_begin(c, tx, old, now_of(old, neu, T_CATEGORY)));
    return clocks_tighten(c, tx, old, neu, tier);
}

enum err effect_prioritize(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                           const struct row *in)
{
    int64_t tier;
    (void)in;
    TRY(tier_of(c, tx, old, &tier));
    return clocks_tighten(c, tx, old, neu, tier);
}

/* --- merging: what the other ticket was promised --- */

enum err take_over_promise(struct ctx *c, struct tx *tx, const struct row *into,
                           const struct row *dup)
{
    struct row neu = {0};
    int64_t tier;
    TRY(tier_of(c, tx, dup, &tier));
    if (row_int(dup, T_PRIORITY) < row_int(into, T_PRIORITY))
        row_put(&neu, T_PRIORITY, dup->v[T_PRIORITY]);
    TRY(clocks_tighten(c, tx, into, &neu, tier));
    for (int k = CLOCK_HANDLE; k < CLOCK__N; k++) {
        const struct clock_field *f = &clock_fields[k];
        if (!row_has(into, f->stopped) && !row_has(dup, f->stopped) &&
            row_int(dup, f->due) < val_int(now_of(into, &neu, f->due))) {
            row_put(&neu, f->due, dup->v[f->due]);
            row_put(&neu, T_CLOCK_NEXT, v_int(c->now_ms));
        }
    }
    return neu.set ? res_store(c, tx, &res_ticket, into, &neu, "ticket.tightened",
                               S("\"action\":\"tighten\",\"internal\":true"))
                   : E_OK;
}
