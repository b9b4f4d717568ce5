/* suggest.c - which category a description sounds like, and by which words. The words stand in the
 * categories themselves, so a manager who sees a wrong suggestion mends it where it comes from; a
 * word that many categories share says little, a long or rare one much. Nothing is ever chosen
 * silently: the answer is a proposal with its reasons. */
#include "rooms/handbook/room.h"

enum { CATEGORIES_MAX = 1000, WORDS_MAX = 24, BEST_MAX = 3, TEXT_CHARS = 2000, FULL = 1000 };

static const struct query Q_CLASSES = {
    "handbook.classes",
    "SELECT id, name, name_en, kind, place, sla_class, words FROM category WHERE community_id = $1 "
    "AND archived = 0 AND words IS NOT NULL ORDER BY id LIMIT 1001"};
const struct query *const suggest_queries[] = {&Q_CLASSES, NULL};
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

/* Two characters found once count FULL; a place that does not fit halves it. */
static struct found weigh(const struct rows *all, const struct val *row, struct str text, int place)
{
    struct found f = {.row = row};
    struct str rest = val_str(row[C_WORDS]);
    while (rest.n && f.n < WORDS_MAX) {
        struct str word = str_next(&rest, ' ');
        if (!word.n || !says(text, word))
            continue;
        size_t chars = utf8_len(word);
        int length = is_letter(word.p[0]) ? 2 : chars > 4 ? 4 : (int)chars;
        f.score += FULL * length / 2 / spread(all, word);
        f.words[f.n++] = word;
    }
    if (place && val_int(row[C_PLACE]) && val_int(row[C_PLACE]) != PLACE_NONE &&
        val_int(row[C_PLACE]) != place)
        f.score /= 2;
    return f;
}

struct suggestion {
    struct req *q;
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
    const struct row *in = &s->q->in;
    struct rows *all = arena_get(c->mem, sizeof *all);
    int64_t community = row_int(in, I_COMMUNITY), kind = row_int(in, I_KIND);
    struct row space = {0};
    if (!who_may(c->who, "ticket.create", community))
        return FAIL(c, E_MISSING, "没有找到这个项目", "no such community");
    TRY(res_check_refs(c, tx, suggest_fields + I_SPACE, 1,
                       &(struct row){.v = {in->v[I_SPACE]}, .set = 1}, community));
    if (row_has(in, I_SPACE))
        TRY(res_load(c, tx, &res_space, row_int(in, I_SPACE), &space));
    TRY(q_rows(c, tx, &Q_CLASSES, IN(v_int(community)), CATEGORIES_MAX, all));
    struct str text = folded(c->mem, row_str(in, I_TEXT));
    for (size_t i = 0; i < all->n; i++) {
        const struct val *row = all->v + i * C__N;
        if ((kind && val_int(row[C_KIND]) != kind) ||
            !place_allows(val_int(row[C_PLACE]), row_int(&space, SP_KIND)))
            continue;
        struct found f = weigh(all, row, text, place_of(row_int(&space, SP_KIND)));
        if (f.score)
            keep(s, &f);
    }
    return E_OK;
}

static enum err answer(struct ctx *c, struct tx *tx, void *arg)
{
    struct suggestion *s = arg;
    struct buf *b = &s->q->out;
    s->n = 0;
    TRY(find(c, tx, s));
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
        buf_fmt(b, ",\"score\":%d,\"words\":[", f->score);
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
    struct suggestion *s = arena_get(c->mem, sizeof *s);
    s->q = q;
    return db_read(q->app->db, c, answer, s);
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
     "{items:[{category_id:int,name:str,kind:str,sla_class:str?,score:int,words:[str]}]}",
     0,
     NULL},
    {0}};
