/* erase.c - making a person anonymous: rows stay and can be counted, nobody can be found in them.
 * In bounded pieces, each a transaction; the person's own row goes last, so an interrupted erasure
 * is simply gone on with. What the sealed log holds: docs/why/0060. */
#include <string.h>

#include "rooms/mail/mail.h"
#include "rooms/privacy/room.h"

enum { DIGITS_LEAST = 11, PIECE_MAX = 200 };
#define LIVES                                                                                      \
    "SELECT id FROM occupancy WHERE community_id = $1 AND person_id = $2 AND archived = 0 AND "    \
    "(to_date IS NULL OR to_date >= $3) LIMIT 1"
static const struct query Q_LIVES = {"privacy.lives", LIVES};
static const struct query Q_OPEN = {"privacy.open",
                                    "SELECT id FROM ticket WHERE community_id = $1 AND person_id = "
                                    "$2 AND state < 8 AND archived = 0 LIMIT 1"};
static const struct query Q_TICKETS = {
    "privacy.tickets", "SELECT id FROM ticket WHERE community_id = $1 AND person_id = $2 AND "
                       "(contact_name IS NULL OR contact_name <> $3) ORDER BY id LIMIT 200"};
static const struct query Q_IDENTITIES = {
    "privacy.identities", "SELECT id, value FROM person_identity WHERE community_id = $1 AND "
                          "person_id = $2 ORDER BY id LIMIT 20"};
static const struct query Q_RATINGS = {
    "privacy.ratings",
    "SELECT r.id FROM rating r JOIN ticket t ON t.id = r.ticket_id WHERE t.community_id = $1 AND "
    "t.person_id = $2 AND r.comment IS NOT NULL ORDER BY r.id LIMIT 200"};
static const struct query Q_VISITS = {
    "privacy.visits",
    "SELECT v.id FROM return_visit v JOIN ticket t ON t.id = v.ticket_id WHERE t.community_id = $1 "
    "AND t.person_id = $2 AND v.comment IS NOT NULL ORDER BY v.id LIMIT 200"};
static const struct query Q_REQUESTS = {
    "privacy.requests", "SELECT id FROM data_request WHERE community_id = $1 AND person_id = $2 "
                        "AND (detail IS NOT NULL OR answer IS NOT NULL) ORDER BY id LIMIT 200"};
static const struct query Q_NOTES = {
    "privacy.notes", "UPDATE consent SET note = NULL WHERE community_id = $1 AND person_id = $2"};
static const struct query Q_LOGINS = {
    "privacy.logins",
    "SELECT g.id, g.user_id, (SELECT count(*) FROM role_grant o WHERE o.user_id = g.user_id AND "
    "o.id <> g.id AND o.archived = 0) FROM role_grant g WHERE g.person_id = $1 AND g.archived = 0 "
    "ORDER BY g.id LIMIT 20"};
static const struct query Q_NO_SESSION = {"privacy.no_session",
                                          "DELETE FROM session WHERE user_id = $1"};
static const struct query Q_NO_HISTORY = {"privacy.no_history",
                                          "DELETE FROM password_history WHERE user_id = $1"};
static const struct query Q_NO_CODES = {"privacy.no_codes",
                                        "DELETE FROM recovery_code WHERE user_id = $1"};
static const struct query Q_NO_TOKENS = {
    "privacy.no_tokens", "UPDATE api_token SET archived = 1 WHERE user_id = $1 AND archived = 0"};
/* Who was merged into this person, also over several merges: his rows hold the person's data too.
 */
static const struct query Q_MERGED = {
    "privacy.merged",
    "WITH RECURSIVE merged (id) AS (SELECT gone_id FROM person_merge WHERE community_id = $1 AND "
    "keep_id = $2 AND state = 1 UNION SELECT g.gone_id FROM person_merge g JOIN merged m ON "
    "g.keep_id = m.id WHERE g.state = 1) SELECT p.id, p.name, p.phone, p.phone2 FROM merged m JOIN "
    "person p ON p.id = m.id WHERE p.erased_at IS NULL ORDER BY p.id LIMIT 20"};
static const struct query Q_MERGES = {
    "privacy.merges", "SELECT id FROM person_merge WHERE community_id = $1 AND (keep_id = $2 OR "
                      "gone_id = $2) ORDER BY id LIMIT 200"};
const struct query *const erase_queries[] = {
    &Q_MERGED,     &Q_MERGES,     &Q_LIVES,    &Q_OPEN,      &Q_TICKETS,
    &Q_IDENTITIES, &Q_RATINGS,    &Q_REQUESTS, &Q_NOTES,     &Q_LOGINS,
    &Q_NO_SESSION, &Q_NO_HISTORY, &Q_NO_CODES, &Q_NO_TOKENS, NULL};

struct str anonymous(struct ctx *c, int64_t person_id)
{
    return arena_fmt(c->mem, "匿名 #%lld", (long long)person_id);
}

enum err erase_allowed(struct ctx *c, struct tx *tx, int64_t community, int64_t person)
{
    struct val id;
    enum err e = q_one(c, tx, &Q_LIVES,
                       IN(v_int(community), v_int(person), v_text(today_in(c, community))), &id, 1);
    if (e == E_OK)
        return FAIL(c, E_STATE, "现住住户的信息因履行合同须保留;迁出后可删除,现可限制处理",
                    "somebody who lives here is kept for the contract; erase after the move, or "
                    "restrict now");
    if (e != E_MISSING)
        return e;
    e = q_one(c, tx, &Q_OPEN, IN(v_int(community), v_int(person)), &id, 1);
    if (e == E_OK)
        return FAIL(c, E_STATE, "还有未完结的工单,完结后才能删除",
                    "there are open tickets; erase when they are closed");
    return e == E_MISSING ? E_OK : e;
}

/* --- texts --- */

/* How many bytes at p look like a number long enough to find somebody by: 11 digits or more, single
 * spaces and dashes between them allowed, an X at the end too. 0: no. */
static size_t number_at(struct str s, size_t from)
{
    size_t digits = 0, end = from;
    for (size_t i = from; i < s.n; i++) {
        char ch = s.p[i];
        if (ch >= '0' && ch <= '9') {
            digits++;
            end = i + 1;
        } else if ((ch != '-' && ch != ' ') || i + 1 >= s.n || s.p[i + 1] < '0' || s.p[i + 1] > '9')
            break;
    }
    if (digits < DIGITS_LEAST)
        return 0;
    if (end < s.n && (s.p[end] == 'X' || s.p[end] == 'x'))
        end++;
    return end - from;
}

static size_t word_at(struct str s, size_t from, const struct words *gone)
{
    for (int i = 0; i < gone->n; i++)
        if (gone->v[i].n && str_starts(str_sub(s, from, s.n), gone->v[i]))
            return gone->v[i].n;
    return 0;
}

struct str scrub(struct ctx *c, struct str text, const struct words *gone)
{
    struct buf b;
    buf_init(&b, c->mem, 4 * text.n + 64);
    for (size_t i = 0; i < text.n;) {
        bool starts = text.p[i] >= '0' && text.p[i] <= '9' &&
                      (i == 0 || text.p[i - 1] < '0' || text.p[i - 1] > '9');
        size_t n = word_at(text, i, gone);
        if (!n && starts)
            n = number_at(text, i);
        if (n)
            buf_put(&b, S("***"));
        else
            buf_putc(&b, text.p[i]);
        i += n ? n : 1;
    }
    return buf_str(&b);
}

/* --- rows --- */

enum err erase_ticket(struct ctx *c, struct tx *tx, int64_t ticket, struct str label,
                      const struct words *gone)
{
    static const int texts[] = {T_TITLE, T_DETAIL, T_RESULT, T_CAUSE, T_MEASURE, T_PARTS, T_ANSWER};
    struct row old, neu = {0};
    struct words all = *gone;
    TRY(res_load(c, tx, &res_ticket, ticket, &old));
    if (row_str(&old, T_CONTACT_NAME).n > 3 && all.n < WORDS_MAX)
        all.v[all.n++] = row_str(&old, T_CONTACT_NAME);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (row_has(&old, texts[i]))
            row_put(&neu, texts[i], v_text(scrub(c, row_str(&old, texts[i]), &all)));
    row_put(&neu, T_CONTACT_NAME, v_text(label));
    row_put(&neu, T_CONTACT_PHONE, v_null());
    row_put(&neu, T_REST, v_null());
    neu.set &= ~BIT(T_REST) | (row_has(&old, T_REST) ? BIT(T_REST) : 0);
    TRY(event_hush(c, tx, &res_ticket, ticket));
    /* written past res_store: its diff would keep the old words in the log */
    static const struct query q = {
        "privacy.erase_ticket",
        "UPDATE ticket SET version = version + 1, updated_at = $2, title = $3, detail = $4, result "
        "= $5, cause = $6, measure = $7, parts = $8, answer = $9, contact_name = $10, "
        "contact_phone = NULL, rest = NULL WHERE id = $1"};
    struct val v[COUNT_OF(texts)];
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        v[i] = row_has(&neu, texts[i]) && row_has(&old, texts[i]) ? neu.v[texts[i]] : v_null();
    TRY(q_do(c, tx, &q,
             IN(v_int(ticket), v_int(c->now_ms), v[0], v[1], v[2], v[3], v[4], v[5], v[6],
                v_text(label)),
             NULL));
    /* why it waited, why a step was left out: whatever somebody wrote there */
    static const struct query reasons[] = {
        {"privacy.erase_steps",
         "UPDATE ticket_step SET reason = '***' WHERE ticket_id = $1 AND reason IS NOT NULL"},
        {"privacy.erase_pauses",
         "UPDATE ticket_pause SET reason = '***' WHERE ticket_id = $1 AND reason IS NOT NULL"}};
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        TRY(q_do(c, tx, &reasons[i], IN(v_int(ticket)), NULL));
    TRY(res_words_forget(c, tx, ticket));
    TRY(remarks_forget(c, tx, ticket));
    TRY(letters_forget(c, tx, row_int(&old, R_COMMUNITY), ticket));
    struct event e = {.topic = "ticket.anonymised",
                      .res = &res_ticket,
                      .id = ticket,
                      .community_id = row_int(&old, R_COMMUNITY),
                      .data = S("{\"action\":\"anonymise\"}")};
    return tx_emit(c, tx, &e);
}

/* Sets the given fields to NULL or label; the log says which, never what was there. */
static enum err blank(struct ctx *c, struct tx *tx, const struct resource *r, int64_t id,
                      struct row *neu)
{
    struct row old;
    TRY(res_load(c, tx, r, id, &old));
    TRY(event_hush(c, tx, r, id));
    TRY(res_words_forget(c, tx, id));
    return res_store(c, tx, r, &old, neu,
                     str_z(c->mem, arena_fmt(c->mem, "%s.anonymised", r->name)),
                     S("\"action\":\"anonymise\""));
}

static enum err erase_identities(struct ctx *c, struct tx *tx, const struct row *p,
                                 struct words *gone)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_IDENTITIES, IN(p->v[R_COMMUNITY], p->v[R_ID]), PIECE_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct str value = val_str(rows.v[i * 2 + 1]), key = identity_key(c->mem, value);
        if (gone->n < WORDS_MAX)
            gone->v[gone->n++] = value;
        if (!str_eq(key, value) && key.n > 3 &&
            gone->n < WORDS_MAX) /* a plate written without its dot */
            gone->v[gone->n++] = key;
    }
    return E_OK;
}

static enum err blank_identities(struct ctx *c, struct tx *tx, const struct row *p)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_IDENTITIES, IN(p->v[R_COMMUNITY], p->v[R_ID]), PIECE_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row neu = {0};
        int64_t id = val_int(rows.v[i * 2]);
        row_put(&neu, ID_VALUE, v_text(anonymous(c, id)));
        row_put(&neu, ID_KEY, v_null());
        row_put(&neu, R_ARCHIVED, v_int(1));
        TRY(blank(c, tx, &res_identity, id, &neu));
    }
    return E_OK;
}

static enum err erase_login(struct ctx *c, struct tx *tx, int64_t grant, int64_t user, bool others)
{
    struct row old, neu = {0}, none = {0};
    const struct query *const all[] = {&Q_NO_SESSION, &Q_NO_HISTORY, &Q_NO_CODES, &Q_NO_TOKENS};
    TRY(res_load(c, tx, &res_grant, grant, &old));
    row_put(&none, R_ARCHIVED, v_int(1));
    TRY(res_store(c, tx, &res_grant, &old, &none, "role_grant.archived", (struct str){0}));
    if (others) /* works here too, or lives elsewhere as well: only this tie is cut */
        return E_OK;
    for (size_t i = 0; i < COUNT_OF(all); i++)
        TRY(q_do(c, tx, all[i], IN(v_int(user)), NULL));
    TRY(res_load(c, tx, &res_user, user, &old));
    row_put(&neu, U_LOGIN, v_text(arena_fmt(c->mem, "anonymous-%lld", (long long)user)));
    row_put(&neu, U_NAME, v_text(anonymous(c, user)));
    row_put(&neu, U_PASSWORD, v_null());
    row_put(&neu, U_TOTP, v_null());
    row_put(&neu, U_ENABLED, v_int(0));
    return blank(c, tx, &res_user, user, &neu);
}

static enum err erase_logins(struct ctx *c, struct tx *tx, int64_t person)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_LOGINS, IN(v_int(person)), PIECE_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++)
        TRY(erase_login(c, tx, val_int(rows.v[i * 3]), val_int(rows.v[i * 3 + 1]),
                        val_int(rows.v[i * 3 + 2]) > 0));
    return E_OK;
}

static enum err erase_texts(struct ctx *c, struct tx *tx, const struct row *p)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_RATINGS, IN(p->v[R_COMMUNITY], p->v[R_ID]), PIECE_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row neu = {0};
        row_put(&neu, RA_COMMENT, v_null());
        TRY(blank(c, tx, &res_rating, val_int(rows.v[i]), &neu));
    }
    TRY(q_rows(c, tx, &Q_VISITS, IN(p->v[R_COMMUNITY], p->v[R_ID]), PIECE_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row neu = {0};
        row_put(&neu, RV_COMMENT, v_null());
        TRY(blank(c, tx, &res_return_visit, val_int(rows.v[i]), &neu));
    }
    TRY(q_rows(c, tx, &Q_REQUESTS, IN(p->v[R_COMMUNITY], p->v[R_ID]), PIECE_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row neu = {0};
        row_put(&neu, DR_DETAIL, v_null());
        row_put(&neu, DR_ANSWER, v_null());
        TRY(blank(c, tx, &res_data_request, val_int(rows.v[i]), &neu));
    }
    return q_do(c, tx, &Q_NOTES, IN(p->v[R_COMMUNITY], p->v[R_ID]), NULL);
}

static void word_add(struct words *gone, struct str word)
{
    if (word.n > 3 && gone->n < WORDS_MAX) /* one Han character is no name */
        gone->v[gone->n++] = word;
}

/* The reason and the values before of every merge he was part of. */
static enum err blank_merges(struct ctx *c, struct tx *tx, const struct row *p)
{
    struct rows rows;
    TRY(q_rows(c, tx, &Q_MERGES, IN(p->v[R_COMMUNITY], p->v[R_ID]), PIECE_MAX, &rows));
    for (size_t i = 0; i < rows.n; i++) {
        struct row neu = {0};
        row_put(&neu, PM_BEFORE, v_null());
        row_put(&neu, PM_REASON, v_text(anonymous(c, row_int(p, R_ID))));
        TRY(blank(c, tx, &res_merge, val_int(rows.v[i]), &neu));
    }
    return E_OK;
}

enum err erase_person(struct ctx *c, struct tx *tx, int64_t person, bool *ret_more)
{
    static const int gone_fields[] = {PE_PHONE,   PE_PHONE2,    PE_NOTE,
                                      PE_ID_KIND, PE_ID_NUMBER, PE_ID_INDEX};
    struct row p, neu = {0};
    struct rows rows;
    struct words gone = {.n = 0};
    TRY(res_load(c, tx, &res_person, person, &p));
    *ret_more = false;
    if (row_has(&p, PE_ERASED))
        return E_OK;
    static const int words[] = {PE_NAME, PE_PHONE, PE_PHONE2};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        word_add(&gone, row_str(&p, words[i]));
    struct rows merged;
    TRY(q_rows(c, tx, &Q_MERGED, IN(p.v[R_COMMUNITY], v_int(person)), PIECE_MAX, &merged));
    for (size_t i = 0; i < merged.n; i++)
        for (size_t k = 1; k < 4; k++)
            word_add(&gone, val_str(merged.v[i * 4 + k]));
    TRY(erase_identities(c, tx, &p, &gone));
    struct str label = anonymous(c, person);
    TRY(q_rows(c, tx, &Q_TICKETS, IN(p.v[R_COMMUNITY], v_int(person), v_text(label)), PIECE_MAX,
               &rows));
    for (size_t i = 0; i < rows.n; i++)
        TRY(erase_ticket(c, tx, val_int(rows.v[i]), label, &gone));
    *ret_more = rows.n == ERASE_CHUNK;
    if (*ret_more)
        return E_OK;
    for (size_t i = 0; i < merged.n; i++) { /* what was put away with them; few rows */
        TRY(erase_person(c, tx, val_int(merged.v[i * 4]), ret_more));
        if (*ret_more)
            return E_OK;
    }
    TRY(blank_merges(c, tx, &p));
    TRY(blank_identities(c, tx, &p));
    TRY(erase_texts(c, tx, &p));
    TRY(sealed_forget(c, tx, row_int(&p, R_COMMUNITY), person));
    TRY(erase_logins(c, tx, person));
    for (size_t i = 0; i < COUNT_OF(gone_fields); i++)
        row_put(&neu, gone_fields[i], v_null());
    row_put(&neu, PE_NAME, v_text(label));
    row_put(&neu, PE_ERASED, v_int(c->now_ms));
    row_put(&neu, R_ARCHIVED, v_int(1));
    return blank(c, tx, &res_person, person, &neu);
}

enum err job_erase(struct ctx *c, struct tx *tx, struct app *app, struct str data)
{
    const struct json *j;
    bool more;
    (void)app;
    TRY(json_parse(c, data, &j));
    TRY(erase_person(c, tx, json_int(json_get(j, "person")), &more));
    return more ? tx_job(c, tx, "privacy.erase", data, 0, (struct str){0}) : E_OK;
}
