/* suggest.c - which category a description sounds like, and by which words. The words stand in the
 * categories themselves, so a manager who sees a wrong suggestion mends it where it comes from; a
 * word that many categories share says little, a long or rare one much. Nothing is ever chosen
 * silently: the answer is a proposal with its reasons. */
#include "rooms/handbook/room.h"

enum { CATEGORIES_MAX = 1000, WORDS_MAX = 24, BEST_MAX = 3, TEXT_CHARS = 2000, FULL = 1000 };
enum { GUESS_MIN = FULL / 4, GUESS_WORDS_MAX = 8 }; /* a word that four categories share */

static const struct query Q_CLASSES = {
    "handbook.classes",
    "SELECT id, name, name_en, kind, place, sla_class, words FROM category WHERE community_id = $1 "
    "AND archived = 0 AND words IS NOT NULL ORDER BY id LIMIT 1001"};
static const struct query Q_SPACE_KIND = {
    "handbook.space_kind", "SELECT kind FROM space WHERE community_id = $1 AND id = $2"};
const struct query *const suggest_queries[] = {&Q_CLASSES, &Q_SPACE_KIND, NULL};
enum { C_ID, C_NAME, C_NAME_EN, C_KIND, C_PLACE, C_CLASS, C_WORDS, C__N };

/* ASCII letters small, the rest as it is. */
static struct str folded(struct arena *a, struct str s)
{
    struct str out = str_dup(a, s);
    char *p = (char *)(uintptr_t)out.p;
    for (size_t i = 0; i < out.n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] - 'A' + 'a');
    return out;
}

static bool is_letter(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9');
}

/* Latin words match whole: "car" is not in "card". */
static bool says(struct str text, struct str word)
{
    for (size_t at = 0; at + word.n <= text.n;) {
        ptrdiff_t p = str_find(str_sub(text, at, text.n), word);
        if (p < 0)
            return false;
        size_t from = at + (size_t)p, to = from + word.n;
        if (!is_letter(word.p[0]) ||
            ((!from || !is_letter(text.p[from - 1])) && (to == text.n || !is_letter(text.p[to]))))
            return true;
        at = from + 1;
    }
    return false;
}

struct found {
    const struct val *row;
    int score;
    bool strong; /* by more than single characters, which are in anything */
    struct str words[WORDS_MAX];
    size_t n;
};

/* In how many categories a word stands. */
static int spread(const struct rows *all, struct str word)
{
    int n = 0;
    for (size_t i = 0; i < all->n; i++) {
        struct str rest = val_str(all->v[i * C__N + C_WORDS]);
        while (rest.n)
            if (str_eq(str_next(&rest, ' '), word)) {
                n++;
                break;
            }
    }
    return n ? n : 1;
}

/* Two characters found once count FULL, one a quarter of that, for it is in anything; a place that
 * does not fit halves it. */
static struct found weigh(const struct rows *all, const struct val *row, struct str text, int place)
{
    struct found f = {.row = row};
    struct str rest = val_str(row[C_WORDS]);
    while (rest.n && f.n < WORDS_MAX) {
        struct str word = str_next(&rest, ' ');
        if (!word.n || !says(text, word))
            continue;
        size_t chars = utf8_len(word);
        int half = is_letter(word.p[0]) ? 2 : chars > 4 ? 4 : (int)chars;
        f.strong |= half > 1;
        f.score += (half > 1 ? FULL * half / 2 : FULL / 4) / spread(all, word);
        f.words[f.n++] = word;
    }
    if (place && val_int(row[C_PLACE]) && val_int(row[C_PLACE]) != PLACE_NONE &&
        val_int(row[C_PLACE]) != place)
        f.score /= 2;
    return f;
}

struct suggestion { /* of what is described as text, at a place of this kind (0: not said) */
    int64_t community, kind, space_kind;
    struct str text;
    struct found best[BEST_MAX];
    size_t n;
};

static void keep(struct suggestion *s, const struct found *f)
{
    size_t k = s->n < BEST_MAX ? s->n++ : BEST_MAX;
    for (; k > 0 && f->score > s->best[k - 1].score; k--)
        if (k < BEST_MAX)
            s->best[k] = s->best[k - 1];
    if (k < BEST_MAX)
        s->best[k] = *f;
}

static int place_of(int64_t space_kind)
{
    switch (space_kind) {
    case SP_UNIT: return PLACE_HOME;
    case SP_PLANT: return PLACE_PLANT;
    case SP_PARKING: return PLACE_PARKING;
    case SP_AREA: return PLACE_OUTDOOR;
    case 0: return 0;
    default: return PLACE_COMMON;
    }
}

enum { I_COMMUNITY, I_TEXT, I_KIND, I_SPACE, I__N };
static const struct field suggest_fields[I__N] = {
    [I_COMMUNITY] = {"community_id", F_REF, REQUIRED, .ref = "communities",
                     .label = {"项目", "Community"}},
    [I_TEXT] = {"text", F_LONGTEXT, REQUIRED, 1, TEXT_CHARS, .label = {"描述", "Description"}},
    [I_KIND] = {"kind", F_ENUM, 0, .choices = ticket_kinds, .label = {"类别", "Kind"}},
    [I_SPACE] = {"space_id", F_REF, 0, .ref = "spaces", .label = {"地点", "Place"}}};

static enum err find(struct ctx *c, struct tx *tx, struct suggestion *s)
{
    struct rows *all = arena_get(c->mem, sizeof *all);
    struct str text = folded(c->mem, s->text);
    s->n = 0;
    TRY(q_rows(c, tx, &Q_CLASSES, IN(v_int(s->community)), CATEGORIES_MAX, all));
    for (size_t i = 0; i < all->n; i++) {
        const struct val *row = all->v + i * C__N;
        if ((s->kind && val_int(row[C_KIND]) != s->kind) ||
            !place_allows(val_int(row[C_PLACE]), s->space_kind))
            continue;
        struct found f = weigh(all, row, text, place_of(s->space_kind));
        if (f.score)
            keep(s, &f);
    }
    return E_OK;
}

/* One fits, and better than any other: of two that fit as well a person chooses. */
static bool is_guess(const struct suggestion *s)
{
    return s->n && s->best[0].strong && s->best[0].score >= GUESS_MIN &&
           (s->n == 1 || s->best[1].score < s->best[0].score);
}

enum err category_guess(struct ctx *c, struct tx *tx, int64_t community, int64_t kind,
                        struct val space, struct str text, struct val *ret, struct str *ret_words)
{
    struct suggestion *s = arena_get(c->mem, sizeof *s);
    struct val at = v_null();
    *s = (struct suggestion){.community = community, .kind = kind};
    *ret = v_null();
    *ret_words = (struct str){0};
    if (space.t == V_INT) {
        enum err e = q_one(c, tx, &Q_SPACE_KIND, IN(v_int(community), space), &at, 1);
        if (e == E_MISSING)
            return E_OK; /* told by the reference check */
        TRY(e);
    }
    s->space_kind = val_int(at);
    s->text = utf8_head(text, TEXT_CHARS);
    TRY(find(c, tx, s));
    if (!is_guess(s))
        return E_OK;
    struct buf b;
    buf_init(&b, c->mem, TEXT_CHARS);
    for (size_t k = 0; k < s->best[0].n && k < GUESS_WORDS_MAX; k++) {
        if (k)
            buf_putc(&b, ' ');
        buf_put(&b, s->best[0].words[k]);
    }
    *ret = s->best[0].row[C_ID];
    *ret_words = buf_str(&b);
    return E_OK;
}

struct asking {
    struct req *q;
    struct suggestion s;
};

static enum err ask(struct ctx *c, struct tx *tx, struct asking *a)
{
    const struct row *in = &a->q->in;
    int64_t community = row_int(in, I_COMMUNITY);
    struct row space = {0};
    if (!who_may(c->who, "ticket.create", community))
        return FAIL(c, E_MISSING, "没有找到这个项目", "no such community");
    TRY(res_check_refs(c, tx, suggest_fields + I_SPACE, 1,
                       &(struct row){.v = {in->v[I_SPACE]}, .set = 1}, community));
    if (row_has(in, I_SPACE))
        TRY(res_load(c, tx, &res_space, row_int(in, I_SPACE), &space));
    a->s = (struct suggestion){.community = community,
                               .kind = row_int(in, I_KIND),
                               .space_kind = row_int(&space, SP_KIND),
                               .text = row_str(in, I_TEXT)};
    return find(c, tx, &a->s);
}

static enum err answer(struct ctx *c, struct tx *tx, void *arg)
{
    struct asking *a = arg;
    struct buf *b = &a->q->out;
    const struct suggestion *s = &a->s;
    TRY(ask(c, tx, a));
    buf_put(b, S("{\"items\":["));
    for (size_t i = 0; i < s->n; i++) {
        const struct found *f = &s->best[i];
        struct str en = val_str(f->row[C_NAME_EN]);
        buf_fmt(b, "%s{\"category_id\":%lld,\"name\":", i ? "," : "",
                (long long)val_int(f->row[C_ID]));
        buf_json(b, c->lang == LANG_EN && en.n ? en : val_str(f->row[C_NAME]));
        buf_put(b, S(",\"kind\":"));
        field_to_json(b, &res_category.fields[CA_KIND], f->row[C_KIND], NULL);
        buf_put(b, S(",\"sla_class\":"));
        field_to_json(b, &res_category.fields[CA_CLASS], f->row[C_CLASS], NULL);
        buf_fmt(b, ",\"score\":%d,\"taken\":%s,\"words\":[", f->score,
                i == 0 && is_guess(s) ? "true" : "false");
        for (size_t k = 0; k < f->n; k++) {
            if (k)
                buf_putc(b, ',');
            buf_json(b, f->words[k]);
        }
        buf_put(b, S("]}"));
    }
    buf_put(b, S("]}"));
    return E_OK;
}

/* A read, asked by POST because what people describe has no place in an address. */
static enum err suggest_post(struct ctx *c, struct req *q)
{
    struct asking *a = arena_get(c->mem, sizeof *a);
    a->q = q;
    return db_read(q->app->db, c, answer, a);
}

const struct route suggest_routes[] = {
    {"POST",
     "/api/v1/categories/suggest",
     "ticket.create",
     NO_TX,
     NULL,
     suggest_post,
     suggest_fields,
     I__N,
     {"按描述推荐分类", "Which category does it sound like, and why"},
     "{items:[{category_id:int,name:str,kind:str,sla_class:str?,score:int,taken:bool,words:[str]}]"
     "}",
     0,
     NULL},
    {0}};
