/* audit.c - reading the event log, a page at a time by id. Values in it are as they were written:
 * personal ones are "***". */
#include "core/audit.h"

#include "core/seal.h"

enum { PAGE = 50, FAULTS_MAX = 200 };

/* $1 community, $2 ids below, $3 from ms, $4 until ms, $5 topic or '', $6 user or 0, $7 subject id
 * or
 * 0 */
static const struct query Q_PAGE = {
    "audit.page",
    "SELECT e.id, e.at, e.community_id, e.topic, e.subject, e.subject_id, e.user_id, "
    "COALESCE(e.user_name, u.name), e.position, CASE WHEN EXISTS (SELECT 1 FROM event_hush h WHERE "
    "h.subject = e.subject AND h.subject_id = e.subject_id) THEN '{\"hushed\":true}' ELSE e.data "
    "END "
    "FROM event e LEFT JOIN app_user u ON u.id = e.user_id WHERE e.community_id = $1 AND e.id < $2 "
    "AND e.at >= $3 AND e.at < $4 AND (CAST($5 AS TEXT) = '' OR e.topic = CAST($5 AS TEXT)) AND "
    "(CAST($6 AS BIGINT) = 0 OR e.user_id = CAST($6 AS BIGINT)) AND (CAST($7 AS BIGINT) = 0 OR "
    "e.subject_id = CAST($7 AS BIGINT)) ORDER BY e.id DESC LIMIT 51"};
static const struct query Q_CHAINS = {
    "audit.chains",
    "SELECT community_id, length, head FROM event_chain ORDER BY community_id LIMIT 20000"};
const struct query *const audit_queries[] = {&Q_PAGE, &Q_CHAINS, NULL};

enum { AQ_COMMUNITY, AQ_FROM, AQ_TO, AQ_TOPIC, AQ_USER, AQ_SUBJECT, AQ_AFTER };
const struct field audit_query[] = {
    [AQ_COMMUNITY] = {"community_id", F_INT, 0, .label = {"项目", "Community"},
                      .help = {"0:公司", "0: the company itself"}},
    [AQ_FROM] = {"from", F_INSTANT, 0, .label = {"从", "From"}},
    [AQ_TO] = {"to", F_INSTANT, 0, .label = {"到", "To"}},
    [AQ_TOPIC] = {"topic", F_TEXT, 0, 0, 60, .label = {"事件", "Topic"}},
    [AQ_USER] = {"user_id", F_INT, 0, .label = {"用户", "User"}},
    [AQ_SUBJECT] = {"subject_id", F_INT, 0, .label = {"记录编号", "Row"}},
    [AQ_AFTER] = {"after", F_TEXT, 0, 0, 30, .label = {"翻页", "Page mark"}},
};

static void put_item(struct buf *b, const struct val *v, const struct zone *z, bool first)
{
    buf_fmt(b, "%s{\"id\":%lld,\"at\":\"", first ? "" : ",", (long long)val_int(v[0]));
    buf_instant(b, val_int(v[1]), z);
    buf_fmt(b, "\",\"community_id\":%lld,\"topic\":", (long long)val_int(v[2]));
    buf_json(b, val_str(v[3]));
    buf_put(b, S(",\"resource\":"));
    buf_json(b, val_str(v[4]));
    buf_fmt(b, ",\"subject_id\":%lld,\"user_id\":", (long long)val_int(v[5]));
    if (v[6].t == V_INT)
        buf_int(b, v[6].i);
    else
        buf_put(b, S("null"));
    buf_put(b, S(",\"user\":"));
    if (v[7].t == V_NULL)
        buf_put(b, S("null"));
    else
        buf_json(b, val_str(v[7]));
    buf_put(b, S(",\"position\":"));
    if (v[8].t == V_INT)
        buf_int(b, v[8].i);
    else
        buf_put(b, S("null"));
    buf_put(b, S(",\"data\":"));
    buf_put(b, val_str(v[9]));
    buf_putc(b, '}');
}

static enum err read_query(struct ctx *c, struct req *q, struct val in[AQ_AFTER + 1])
{
    for (int i = 0; i <= AQ_AFTER; i++) {
        struct str text = http_param(q->h, audit_query[i].name);
        in[i] = v_null();
        if (text.n)
            (void)!field_of_text(c, &audit_query[i], text, app_zone(0), &in[i]);
    }
    int64_t after = 0;
    if (in[AQ_AFTER].t == V_TEXT && !str_int(in[AQ_AFTER].s, &after))
        (void)FAIL_FIELD(c, "after", "format", "翻页标记无效", "the page mark is not valid");
    in[AQ_AFTER] = v_int(after ? after : INT64_MAX);
    return c->fault.nfields ? E_INVALID : E_OK;
}

enum err audit_list(struct ctx *c, struct req *q)
{
    struct val in[AQ_AFTER + 1];
    struct rows rows;
    TRY(read_query(c, q, in));
    int64_t community = val_int(in[AQ_COMMUNITY]);
    if (!who_may(c->who, "audit.read", community))
        return FAIL(c, E_MISSING, "没有找到这个项目", "no such community");
    TRY(q_rows(c, q->tx, &Q_PAGE,
               IN(v_int(community), in[AQ_AFTER], v_int(val_int(in[AQ_FROM])),
                  v_int(in[AQ_TO].t == V_INT ? in[AQ_TO].i : INT64_MAX),
                  v_text(val_str(in[AQ_TOPIC])), v_int(val_int(in[AQ_USER])),
                  v_int(val_int(in[AQ_SUBJECT]))),
               PAGE + 1, &rows));
    size_t n = rows.n < PAGE ? rows.n : PAGE;
    buf_put(&q->out, S("{\"items\":["));
    for (size_t i = 0; i < n; i++)
        put_item(&q->out, rows.v + i * (size_t)rows.ncol, app_zone(community), i == 0);
    buf_put(&q->out, S("],\"next\":"));
    if (rows.n > PAGE)
        buf_fmt(&q->out, "\"%lld\"", (long long)val_int(rows.v[(n - 1) * (size_t)rows.ncol]));
    else
        buf_put(&q->out, S("null"));
    buf_putc(&q->out, '}');
    return E_OK;
}

struct verifying {
    struct req *q;
    int n;
    struct rows chains;
};

static void tell(void *arg, int64_t id, struct str text)
{
    struct verifying *v = arg;
    if (v->n == FAULTS_MAX)
        return;
    buf_fmt(&v->q->out, "%s{\"id\":%lld,\"text\":", v->n++ ? "," : "", (long long)id);
    buf_json(&v->q->out, text);
    buf_putc(&v->q->out, '}');
}

static enum err chains_read(struct ctx *c, struct tx *tx, void *arg)
{
    struct verifying *v = arg;
    return q_rows(c, tx, &Q_CHAINS, IN0, 20000, &v->chains);
}

/* For who reads the log of the whole company: a chain tells how much happened elsewhere. */
enum err audit_verify(struct ctx *c, struct req *q)
{
    struct verifying v = {.q = q};
    if (!who_may(c->who, "audit.read", ALL_COMMUNITIES))
        return FAIL(c, E_DENIED, "需要全系统的审计权限",
                    "this needs the audit right for the whole system");
    buf_put(&q->out, S("{\"faults\":["));
    TRY(seal_verify(c, q->app, tell, &v));
    TRY(db_read(q->app->db, c, chains_read, &v));
    buf_put(&q->out, S("],\"chains\":["));
    for (size_t i = 0; i < v.chains.n; i++) {
        const struct val *row = v.chains.v + i * (size_t)v.chains.ncol;
        buf_fmt(&q->out, "%s{\"community_id\":%lld,\"length\":%lld,\"head\":\"" PRS "\"}",
                i ? "," : "", (long long)val_int(row[0]), (long long)val_int(row[1]),
                PRA(val_str(row[2])));
    }
    buf_put(&q->out, S("]}"));
    return E_OK;
}
