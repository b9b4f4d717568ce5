/* seed.c - fills a community of an existing database with N closed-or-open tickets and their first
 * events, as the product would have left them after a year: same columns, plausible values, ids
 * and times rising together. It writes to SQLite directly, without the product, because a million
 * tickets through it would take minutes; indexes are dropped first and made again from their own
 * text. Only for measuring; never run on a database somebody needs. */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sqlite3 *h;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "seed: %s: %s\n", what, sqlite3_errmsg(h));
    exit(1);
}

static void run(const char *sql)
{
    if (sqlite3_exec(h, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(sql);
}

struct numbers {
    int64_t n, community, from, step;
};

/* Runs sql with the numbers bound to the names it has. */
static void run_with(const char *sql, const struct numbers *x)
{
    const struct {
        const char *name;
        int64_t value;
    } values[] = {
        {":n", x->n}, {":community", x->community}, {":from", x->from}, {":step", x->step}};
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(h, sql, -1, &s, NULL) != SQLITE_OK)
        die(sql);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        int at = sqlite3_bind_parameter_index(s, values[i].name);
        if (at)
            sqlite3_bind_int64(s, at, values[i].value);
    }
    if (sqlite3_step(s) != SQLITE_DONE)
        die(sql);
    sqlite3_finalize(s);
}

static int64_t number_of(const char *sql)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(h, sql, -1, &s, NULL) != SQLITE_OK || sqlite3_step(s) != SQLITE_ROW)
        die(sql);
    int64_t v = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return v;
}

/* i counts from 0; at is the time of creation; one in 40 is still open, with its clocks in order.
 */
static const char tickets_sql[] =
    "WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i + 1 < :n),"
    " t AS (SELECT i, :from + i * :step AS at, i % 40 = 39 AS open FROM s) "
    "INSERT INTO ticket (id, community_id, version, created_at, created_by, updated_at, archived,"
    " code, kind, title, detail, space_id, contact_name, contact_phone, channel, urgency, impact,"
    " priority, state, first_contact_id, assignee_id, respond_due, handle_due, resolve_due,"
    " responded_at, dispatched_at, handled_at, resolved_at, informed_at, closed_at,"
    " respond_breached, handle_breached, resolve_breached, paused_ms, result, cause, measure, cost,"
    " answer, answer_channel, rework_count, policy_version, next_due) "
    "SELECT ((at - 1735689600000) << 12) + (i & 255), :community, 7, at,"
    " (SELECT min(id) FROM app_user), at + 90000000, 0,"
    " printf('SD-2025-%07d', i), 1 + (i % 10 > 6) + (i % 10 > 8),"
    " printf('%d栋%d单元 水管漏水,厨房地面有积水 %d', 1 + i % 20, 1 + i % 4, i),"
    " '业主来电反映厨房水槽下方的角阀一直渗水,请尽快安排师傅上门查看。',"
    " (SELECT id FROM pick WHERE n = i % (SELECT count(*) FROM pick)),"
    " '王女士', printf('139%08d', i % 100000000), 1 + i % 3, 2, 2, 3, iif(open, 2, 8),"
    " (SELECT min(id) FROM staff WHERE community_id = :community),"
    " iif(open, NULL, (SELECT max(id) FROM staff WHERE community_id = :community)),"
    " at + 86400000, at + 172800000 + iif(open, 315360000000, 0),"
    " at + 172800000 + iif(open, 315360000000, 0), at + 600000,"
    " iif(open, NULL, at + 1200000), iif(open, NULL, at + 3600000), iif(open, NULL, at + 7200000),"
    " iif(open, NULL, at + 9000000), iif(open, NULL, at + 90000000), 0, 0, 0, 0,"
    " iif(open, NULL, '已更换角阀并清理积水,试水正常。'), iif(open, NULL, '角阀老化'),"
    " iif(open, NULL, '更换'), iif(open, NULL, 4500), iif(open, NULL, '已电话告知业主处理完成。'),"
    " iif(open, NULL, 1), 0, 1, iif(open, at + 315532800000, NULL) FROM t";
static const char events_sql[] =
    "INSERT INTO event (id, community_id, at, topic, subject, subject_id, user_id, user_name, data)"
    " SELECT id + 256, community_id, created_at, 'ticket.created', 'ticket', id, created_by,"
    " '前台', '{}' FROM ticket WHERE community_id = :community AND code LIKE 'SD-2025-%'";

/* Every one of them still open, accepted, with its next look in days to come. */
static const char open_sql[] =
    "UPDATE ticket SET state = 2, handled_at = NULL, resolved_at = NULL, informed_at = NULL,"
    " closed_at = NULL, assignee_id = NULL, clock_from = created_at, clock_hours = 2,"
    " clock_stopped = 0, respond_min = 240, handle_min = 540, resolve_min = 1080,"
    " handle_due = unixepoch('now') * 1000 + 864000000 + id % 864000000,"
    " resolve_due = unixepoch('now') * 1000 + 864000000 + id % 864000000,"
    " next_due = unixepoch('now') * 1000 + 864000000 + id % 864000000,"
    " clock_next = unixepoch('now') * 1000 + 3600000 + id % 864000000 WHERE code LIKE 'SD-2025-%'";

/* What people really say: the shipped categories' words, some of them in every hundredth ticket;
 * one thing said often, but only long ago; one said hardly ever. */
static const char *const words_sql[] = {
    "CREATE TEMP TABLE said AS SELECT row_number() OVER (ORDER BY id) - 1 AS n, name FROM category "
    "WHERE community_id = :community",
    "CREATE INDEX temp.said_n ON said (n)",
    "WITH t AS (SELECT id, CAST(substr(code, 9) AS INTEGER) AS i FROM ticket WHERE code LIKE "
    "'SD-2025-%') UPDATE ticket SET title = printf('%d栋%d单元 ', 1 + i % 20, 1 + i % 4) || CASE "
    "WHEN "
    "i % 50021 = 7 THEN '孔明灯落在雨棚上' WHEN i < :n / 5 AND i % 3 = 0 THEN '暖气片不热' ELSE "
    "(SELECT name FROM said WHERE n = (i % 97) * (i % 89) % (SELECT count(*) FROM said)) END, "
    "detail = '来电反映' || (SELECT name FROM said WHERE n = (i % 83) * (i % 79) % (SELECT "
    "count(*) "
    "FROM said)) || ',请尽快安排师傅上门查看。' FROM t WHERE ticket.id = t.id"};

/* N homes with somebody in each; ids far from the product's own. */
static const char *const homes_sql[] = {
    "WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i + 1 < :n) INSERT INTO "
    "space (id, community_id, version, created_at, updated_at, archived, kind, name, code, "
    "path_name) SELECT 1000000 + i, :community, 1, 0, 0, 0, 4, printf('%d', 101 + i % 3000), "
    "printf('B%d-%d', i / 3000, 101 + i % 3000), printf('新区%d栋%d室', i / 3000, 101 + i % 3000) "
    "FROM s",
    "WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i + 1 < :n) INSERT INTO "
    "person (id, community_id, version, created_at, updated_at, archived, kind, name, phone, tier) "
    "SELECT 2000000 + i, :community, 1, 0, 0, 0, 1, char(0x4e00 + i * 7 % 5000, 0x4e00 + i * 13 % "
    "5000), printf('139%08d', i * 997 % 100000000), 2 FROM s",
    "WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i + 1 < :n) INSERT INTO "
    "occupancy (id, community_id, version, created_at, updated_at, archived, person_id, space_id, "
    "relation, from_date) SELECT 3000000 + i, :community, 1, 0, 0, 0, 2000000 + i, 1000000 + i, 1, "
    "'2020-01-01' FROM s"};

static char *index_texts(const char *column)
{
    char sql[200];
    sqlite3_stmt *s = NULL;
    sqlite3_str *out = sqlite3_str_new(h);
    snprintf(sql, sizeof sql,
             "SELECT %s FROM sqlite_schema WHERE type = 'index' AND tbl_name IN ('ticket', "
             "'event') AND sql IS NOT NULL",
             column);
    if (sqlite3_prepare_v2(h, sql, -1, &s, NULL) != SQLITE_OK)
        die(sql);
    while (sqlite3_step(s) == SQLITE_ROW)
        sqlite3_str_appendf(out, "%s;", (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    return sqlite3_str_finish(out);
}

int main(int argc, char **argv)
{
    const int64_t year_ms = INT64_C(31536000000); /* not longer: ids count from 2025 */
    bool all_open = argc == 5 && strcmp(argv[4], "open") == 0,
         homes = argc == 5 && strcmp(argv[4], "households") == 0,
         words = argc == 5 && strcmp(argv[4], "words") == 0;
    if (argc != 4 && !all_open && !homes && !words) {
        fprintf(stderr, "usage: seed DATABASE N COMMUNITY-ID [open|households|words]\n");
        return 2;
    }
    struct numbers x = {.n = atoll(argv[2]), .community = atoll(argv[3])};
    if (x.n < 1 || sqlite3_open_v2(argv[1], &h, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        die(argv[1]);
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-200000;"
        "PRAGMA temp_store=MEMORY");
    x.step = year_ms / x.n;
    x.from = number_of("SELECT CAST(unixepoch('now') AS INTEGER)") * 1000 - year_ms;
    if (homes) {
        for (size_t i = 0; i < sizeof homes_sql / sizeof *homes_sql; i++)
            run_with(homes_sql[i], &x);
        return sqlite3_close(h) == SQLITE_OK ? 0 : 1;
    }
    char *drops = index_texts("'DROP INDEX ' || name"), *makes = index_texts("sql");
    run("BEGIN IMMEDIATE");
    run_with("CREATE TEMP TABLE pick AS SELECT row_number() OVER () - 1 AS n, id FROM space WHERE "
             "community_id = :community AND archived = 0 LIMIT 5000",
             &x);
    run("CREATE INDEX temp.pick_n ON pick (n)");
    if (drops)
        run(drops);
    run_with(tickets_sql, &x);
    run_with(events_sql, &x);
    if (all_open)
        run(open_sql);
    for (size_t i = 0; words && i < sizeof words_sql / sizeof *words_sql; i++)
        run_with(words_sql[i], &x);
    if (makes)
        run(makes);
    run("COMMIT");
    run("PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite3_free(drops);
    sqlite3_free(makes);
    return sqlite3_close(h) == SQLITE_OK ? 0 : 1;
}
