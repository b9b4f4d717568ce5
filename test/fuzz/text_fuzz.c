/* text_fuzz.c - the readers of single values: what one writes the other reads back the same, and
 * nothing reads past its end. */
#include "base/cal.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/num.h"
#include "core/grams.h"
#include "core/mapping.h"
#include "door.h"
#include "http/inner.h"

static void numbers(struct arena *a, struct str s)
{
    int64_t v, again;
    struct buf b;
    for (int scale = 0; scale <= 6; scale += 2)
        if (num_parse(s, scale, &v)) {
            buf_init(&b, a, 100);
            buf_num(&b, v, scale);
            if (!num_parse(buf_str(&b), scale, &again) || again != v)
                door_found("a number that changes", s);
        }
    if (str_int(s, &v)) {
        buf_init(&b, a, 100);
        buf_int(&b, v);
        if (!str_int(buf_str(&b), &again) || again != v)
            door_found("an integer that changes", s);
    }
}

static void times(struct arena *a, struct str s)
{
    struct date day, again;
    int64_t ms, back;
    if (date_parse(s, &day) &&
        (!date_parse(date_text(a, day), &again) || date_days(again) != date_days(day)))
        door_found("a date that changes", s);
    if (instant_parse(s, &ms)) {
        struct buf b;
        buf_init(&b, a, 100);
        buf_instant(&b, ms, zone_find("Asia/Shanghai"));
        if (!instant_parse(buf_str(&b), &back) || back != ms)
            door_found("an instant that changes", s);
    }
    struct str format = s, text = str_next(&format, '\n');
    if (format.p && format.n < 100)
        (void)!instant_parse_format(text, str_z(a, format), zone_find("Asia/Shanghai"), &ms);
}

static void texts(struct arena *a, struct str s)
{
    struct buf b;
    buf_init(&b, a, 8 << 20);
    buf_url(&b, s);
    struct str back = url_decode(a, buf_str(&b), false);
    if (!str_has_nul(s) && !str_eq(back, s))
        door_found("a text that a URL changes", s);
    (void)url_decode(a, s, true);
    buf_clear(&b);
    buf_html(&b, s);
    if (str_find(buf_str(&b), S("<")) >= 0)
        door_found("an open bracket in HTML", s);
    struct str path;
    if (path_decode(a, s, &path) && str_find(path, S("/../")) >= 0)
        door_found("a path that climbs", s);
    if (utf8_valid(s) && utf8_len(utf8_head(s, 3)) > 3)
        door_found("a longer head", s);
}

static bool has_word(struct str words, const struct word *w)
{
    while (words.p && words.n) {
        struct str one = str_next(&words, ' ');
        if (w->begins ? str_starts(one, w->text) : str_eq(one, w->text))
            return true;
    }
    return false;
}

/* What holds a text holds every word that is asked for it. */
static void words(struct arena *a, struct str s)
{
    struct word w[GRAMS_ASKED_MAX];
    if (s.n > 2000 || !utf8_valid(s))
        return;
    struct str all = grams_of(a, &s, 1);
    size_t n = grams_ask(a, s, w);
    for (size_t i = 0; i < n; i++)
        if (!has_word(all, &w[i]))
            door_found("a text that its own words do not find", s);
}

static void documents(struct arena *a, struct str s)
{
    struct ctx c = {.mem = a, .lang = LANG_EN};
    const struct json *j, *again;
    struct mapping *m;
    if (json_parse(&c, s, &j) == E_OK) {
        struct buf one, two;
        buf_init(&one, a, 16 << 20);
        buf_init(&two, a, 16 << 20);
        buf_json_value(&one, j);
        if (!one.full && json_parse(&c, buf_str(&one), &again) != E_OK)
            door_found("JSON that we do not read ourselves", s);
        if (!one.full) {
            buf_json_value(&two, again);
            if (!str_eq(buf_str(&one), buf_str(&two)))
                door_found("JSON that changes", s);
        }
    }
    fault_clear(&c);
    (void)!mapping_load(&c, ticket_fields, T__N, s, &m);
}

static void heads(struct arena *a, struct str s)
{
    static const char *const trusted[] = {"127.0.0.1"};
    struct framing f = {0};
    struct str rest = s;
    while (rest.p) {
        struct str value = str_next(&rest, '\n'), name = str_next(&value, ':');
        framing_add(&f, name, value);
    }
    if (framing_clear(&f, "HTTP/1.1") &&
        (f.lengths > 1 || f.hosts > 1 || (f.lengths && f.encodings)))
        door_found("two opinions about an end", s);
    struct str peer = address_forwarded(S("127.0.0.1"), s, trusted, 1);
    if (!peer.n || peer.n >= ADDRESS_TEXT_MAX)
        door_found("an address that is none", s);
    (void)header_has_token(s, "gzip");
    (void)a;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct arena *a = door_mem();
    struct str s = {(const char *)p, n};
    arena_reset(a);
    numbers(a, s);
    times(a, s);
    texts(a, s);
    words(a, s);
    documents(a, s);
    heads(a, s);
    return 0;
}
