/* probe.c - `anju doctor` on mail: nothing is sent for a try, so it says ok only of what did leave.
 */
#include <unistd.h>

#include "core/probe.h"
#include "rooms/mail/room.h"

enum { LATE_MS = 3600 * 1000, DAY_MS_ = 24 * 3600 * 1000 };
static const struct query Q_LATE = {
    "mail.late", "SELECT count(*) FROM letter WHERE state = 2 AND created_at < $1"};
static const struct query Q_LEFT = {"mail.left",
                                    "SELECT count(*) FROM letter WHERE state = 3 AND sent_at > $1"};
const struct query *const mail_probe_queries[] = {&Q_LATE, &Q_LEFT, NULL};

struct counted {
    struct val late, left;
};
static enum err count(struct ctx *c, struct tx *tx, void *arg)
{
    struct counted *n = arg;
    TRY(q_one(c, tx, &Q_LATE, IN(v_int(c->now_ms - LATE_MS)), &n->late, 1));
    return q_one(c, tx, &Q_LEFT, IN(v_int(c->now_ms - DAY_MS_)), &n->left, 1);
}

static void run(struct ctx *c, const struct probe_env *env, struct probe_result *ret)
{
    const char *program = env->app->sendmail;
    struct counted n;
    if (!program) {
        probe_skip(c, ret,
                   "no mail program is set (setting sendmail): letters come in, none "
                   "go out");
        return;
    }
    if (program[0] == '/' && access(program, X_OK) != 0) {
        probe_say(c, ret, PROBE_BROKEN, S("apt install msmtp-mta, or name another program"),
                  "%s cannot be run", program);
        return;
    }
    if (db_read(env->app->db, c, count, &n) != E_OK) {
        probe_skip(c, ret, "the letters could not be counted");
        return;
    }
    if (val_int(n.late))
        probe_say(c, ret, PROBE_WARN, S("each letter on the page Letters says why"),
                  "%lld letters wait for more than an hour", (long long)val_int(n.late));
    else if (val_int(n.left))
        probe_say(c, ret, PROBE_OK, (struct str){0}, "%s took %lld letters in a day", program,
                  (long long)val_int(n.left));
    else
        probe_skip(c, ret, "the mail program is there; no letter was sent in a day");
}

const struct probe mail_probes[] = {{"mail", {"发信", "Mail out"}, true, run}, {.name = NULL}};
