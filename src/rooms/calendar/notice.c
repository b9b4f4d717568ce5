/* notice.c - the State Council's notice of a year as lines of text in one row: who reads the row
 * reads the notice. The program ships the years published when it was built; a later one is
 * imported from the same kind of file, with no network. A day spoken of by two notices (New Year's
 * Eve of 2022 by that of 2023) obeys the later one. */
#include <string.h>

#include "core/shipped.h"
#include "rooms/calendar/room.h"

enum { DAYS_MAX = 150, NAME_CHARS = 20 };

static const struct query Q_KNOWN = {"calendar.known",
                                     "SELECT id FROM holiday_year WHERE community_id = 0 AND year "
                                     "= $1 AND archived = 0"};
const struct query *const notice_queries[] = {&Q_KNOWN, NULL};

bool notice_next(struct notice *n, struct work_day *ret)
{
    struct str line = {0};
    struct date d;
    while (n->rest.n && !line.n) {
        line = str_trim(str_next(&n->rest, '\n'));
        n->line++;
    }
    if (!line.n)
        return false;
    struct str rest = line, date = str_next(&rest, ' '), kind = str_next(&rest, ' ');
    bool off = str_eqz(kind, "off");
    n->bad = !date_parse(date, &d) || (!off && !str_eqz(kind, "work"));
    if (n->bad)
        return false;
    *ret = (struct work_day){(int)date_days(d), !off, DAY_PUBLISHED, str_trim(rest)};
    return true;
}

/* --- from a file --- */

/* One day of the file as a line of the row; counted in n. False: told why not. */
static bool day_put(struct ctx *c, struct buf *out, const struct json *j, struct date *last,
                    struct calendar_notice *n)
{
    struct date d;
    const struct json *off = json_get(j, "isOffDay");
    struct str date = json_str(json_get(j, "date")), name = json_str(json_get(j, "name"));
    if (!date_parse(date, &d) || !off || json_type(off) != JSON_BOOL) {
        (void)FAIL_FIELD(c, "days", "format", "每天应有 date(如 2026-01-01)和 isOffDay(真或假)",
                         "each day has a date such as 2026-01-01 and isOffDay, true or false");
        return false;
    }
    if (d.y < n->year - 1 || d.y > n->year + 1) {
        (void)FAIL_FIELD(c, "days", "range", "%.10s 不属于 %lld 年", "%.10s is not of year %lld",
                         date.p, (long long)n->year);
        return false;
    }
    if (last->y && date_days(d) <= date_days(*last)) {
        (void)FAIL_FIELD(c, "days", "order", "%.10s 重复或顺序不对",
                         "%.10s is there twice or out of order", date.p);
        return false;
    }
    *last = d;
    buf_put(out, date);
    buf_put(out, json_int(off) ? S(" off ") : S(" work "));
    json_int(off) ? n->off++ : n->work++;
    name = utf8_head(name, NAME_CHARS);
    for (size_t i = 0; i < name.n; i++)
        buf_putc(out, (unsigned char)name.p[i] < ' ' ? ' ' : name.p[i]);
    buf_putc(out, '\n');
    return true;
}

enum err calendar_notice_read(struct ctx *c, const struct json *j, struct calendar_notice *ret)
{
    const struct json *days = json_get(j, "days"), *papers = json_get(j, "papers");
    struct calendar_notice n = {.year = json_int(json_get(j, "year"))};
    struct date last = {0};
    struct buf b;
    if (n.year < NOTICE_YEAR_MIN || n.year > NOTICE_YEAR_MAX)
        return FAIL_FIELD(c, "year", "range", "这不是放假安排文件:应有 year(%d–%d)",
                          "not a file of a year's holidays: it has a year %d–%d", NOTICE_YEAR_MIN,
                          NOTICE_YEAR_MAX);
    if (!days || json_type(days) != JSON_ARRAY || !json_count(days))
        return FAIL_FIELD(c, "days", "required", "%lld 年的安排还没有公布,文件里没有日期",
                          "year %lld is not published yet: the file has no days",
                          (long long)n.year);
    if (json_count(days) > DAYS_MAX)
        return FAIL_FIELD(c, "days", "max", "最多 %d 天", "at most %d days", DAYS_MAX);
    buf_init(&b, c->mem, 16 << 10);
    for (size_t i = 0; i < json_count(days); i++)
        if (!day_put(c, &b, json_at(days, i), &last, &n))
            return E_INVALID;
    row_put(&n.row, R_COMMUNITY, v_int(0));
    row_put(&n.row, HY_YEAR, v_int(n.year));
    row_put(&n.row, HY_DAYS, v_text(str_trim(buf_str(&b))));
    if (papers && json_type(papers) == JSON_ARRAY && json_count(papers))
        row_put(&n.row, HY_SOURCE,
                v_text(utf8_head(json_str(json_at(papers, json_count(papers) - 1)), 200)));
    *ret = n;
    return E_OK;
}

static enum err year_find(struct ctx *c, struct tx *tx, int64_t year, int64_t *ret_id)
{
    struct val id = v_int(0);
    enum err e = q_one(c, tx, &Q_KNOWN, IN(v_int(year)), &id, 1);
    *ret_id = val_int(id);
    return e == E_MISSING ? E_OK : e;
}

enum err calendar_notice_store(struct ctx *c, struct tx *tx, struct calendar_notice *n)
{
    int64_t id;
    struct row old, neu = n->row;
    TRY(year_find(c, tx, n->year, &id));
    n->changed = true;
    if (!id)
        return res_insert(c, tx, &res_holiday_year, &neu);
    TRY(res_load(c, tx, &res_holiday_year, id, &old));
    n->changed = !val_eq(old.v[HY_DAYS], neu.v[HY_DAYS]);
    neu.set = BIT(HY_DAYS) | BIT(HY_SOURCE);
    return n->changed ? res_store(c, tx, &res_holiday_year, &old, &neu, NULL, (struct str){0})
                      : E_OK;
}

/* --- what the program brings along --- */

/* A year the company has is the company's: a corrected notice of ours does not overwrite it. */
enum err calendar_seed(struct ctx *c, struct tx *tx)
{
    for (size_t i = 0; i < nshipped; i++) {
        const struct json *j;
        struct calendar_notice n;
        int64_t id;
        struct str path = str_of(shipped[i].path);
        if (!str_starts(path, S("calendar/holiday_cn/")) || !str_ends(path, S(".json")))
            continue;
        TRY(json_parse(c, shipped[i].text, &j));
        TRY(year_find(c, tx, json_int(json_get(j, "year")), &id));
        if (id || !json_count(json_get(j, "days"))) /* known; not published when this was built */
            continue;
        TRY(calendar_notice_read(c, j, &n));
        TRY(calendar_notice_store(c, tx, &n));
    }
    return E_OK;
}
