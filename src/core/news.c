/* news.c - what happened to one's own account lately, out of the event log: logins, changes of the
 * password and the second factor, locks, a code tried twice. Whoever sees a line that he did not
 * cause knows that somebody else was there (ASVS 2.2.3, 2.5.5, 2.8.5). Only one's own. */
#include "core/core.h"

enum { NEWS_MAX = 20, NEWS_DAYS = 90 };

static const struct query Q_NEWS = {
    "session.news", "SELECT at, topic, user_name FROM event WHERE community_id = 0 AND subject_id "
                    "= $1 AND at > $2 ORDER BY id DESC LIMIT 20"};
const struct query *const news_queries[] = {&Q_NEWS, NULL};

enum err session_news(struct ctx *c, struct req *q)
{
    const int64_t day_ms = INT64_C(24) * 3600 * 1000;
    struct rows rows;
    TRY(q_rows(c, q->tx, &Q_NEWS, IN(v_int(c->who->user_id), v_int(c->now_ms - NEWS_DAYS * day_ms)),
               NEWS_MAX, &rows));
    buf_put(&q->out, S("{\"items\":["));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * (size_t)rows.ncol;
        buf_fmt(&q->out, "%s{\"at\":\"", i ? "," : "");
        buf_instant(&q->out, val_int(v[0]), app_zone(0));
        buf_put(&q->out, S("\",\"topic\":"));
        buf_json(&q->out, val_str(v[1]));
        buf_put(&q->out, S(",\"by\":"));
        if (val_str(v[2]).n)
            buf_json(&q->out, val_str(v[2]));
        else
            buf_put(&q->out, S("null"));
        buf_putc(&q->out, '}');
    }
    buf_put(&q->out, S("]}"));
    return E_OK;
}
