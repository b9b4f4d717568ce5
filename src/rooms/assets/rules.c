/* rules.c - what the ledger asks of an asset: a number of its own, dates that can be. Rule ids R1…
 * are those of this room's README. */
#include "core/event.h"
#include "rooms/assets/room.h"

enum { TAKEN_MAX = 1000, AHEAD_DAYS = 366 };

static const struct query Q_TAKEN = {
    "assets.code_taken",
    "SELECT 1 FROM asset WHERE community_id = $1 AND code = $2 AND archived = 0"};
const struct query *const number_taken_queries[] = {&Q_TAKEN, NULL};

const char *asset_series(int64_t system)
{
    static const char *const series[] = {
        [SYS_LIFT] = "DT",     [SYS_WATER] = "GS",   [SYS_POWER] = "PD",    [SYS_FIRE] = "XF",
        [SYS_SECURITY] = "AF", [SYS_HVAC] = "NT",    [SYS_LIGHTING] = "ZM", [SYS_ACCESS] = "MJ",
        [SYS_PARKING] = "TC",  [SYS_AMENITY] = "JS", [SYS_OTHER] = "QT"};
    ASSERT(system >= SYS_LIFT && system <= SYS_OTHER);
    return series[system];
}

struct wanted {
    int64_t community;
    struct str code;
};

static enum err find_taken(struct ctx *c, struct tx *tx, void *arg)
{
    const struct wanted *w = arg;
    struct val one;
    return q_one(c, tx, &Q_TAKEN, IN(v_int(w->community), v_text(w->code)), &one, 1);
}

/* R1: numbered by system, outside the transaction; what people typed before is stepped over. */
enum err asset_prepare(struct ctx *c, struct app *app, struct row *neu)
{
    struct wanted w = {.community = row_int(neu, R_COMMUNITY)};
    if (!row_has(neu, R_COMMUNITY) || !row_has(neu, EQ_SYSTEM) || row_has(neu, EQ_CODE))
        return E_OK;
    struct str series = str_of(asset_series(row_int(neu, EQ_SYSTEM)));
    for (int i = 0; i < TAKEN_MAX; i++) {
        int64_t n;
        TRY(number_take(c, app->db, w.community, series, &n));
        w.code = arena_fmt(c->mem, PRS "-%04lld", PRA(series), (long long)n);
        enum err e = db_read(app->db, c, find_taken, &w);
        if (e == E_MISSING) {
            row_put(neu, EQ_CODE, v_text(w.code));
            return E_OK;
        }
        TRY(e);
    }
    return FAIL_FIELD(c, "code", "required", "自动编号都已被占用,请填写设备编号",
                      "the automatic numbers are taken: type one");
}

/* R2, R3. */
static enum err check_dates(struct ctx *c, const struct row *neu, int64_t community)
{
    if (!row_has(neu, EQ_INSTALLED))
        return E_OK;
    struct str at = row_str(neu, EQ_INSTALLED), until = row_str(neu, EQ_WARRANTY);
    int64_t today = date_days(zone_date(app_zone(community), c->now_ms));
    if (str_cmp(at, date_text(c->mem, date_of_days(today + AHEAD_DAYS))) > 0)
        (void)FAIL_FIELD(c, "installed_on", "max", "安装日期最多在一年之内",
                         "it is installed within a year from now at most");
    if (until.n && str_cmp(until, at) < 0)
        (void)FAIL_FIELD(c, "warranty_until", "order", "保修期止于安装日期之前",
                         "the warranty ends before it is installed");
    return c->fault.nfields ? E_INVALID : E_OK;
}

enum err asset_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    (void)tx;
    if (!row_has(neu, EQ_STATE))
        row_put(neu, EQ_STATE, v_int(ASSET_IN_USE));
    if (!row_has(neu, EQ_CODE))
        (void)FAIL_FIELD(c, "code", "required", "必填", "required");
    return check_dates(c, neu, row_int(old ? old : neu, R_COMMUNITY));
}
