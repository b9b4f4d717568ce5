/* sweep.c - the minute's look at the clocks on a database with very many open tickets: sweep
 * DATABASE prints as JSON how long it takes when nothing is due, and how long each ticket takes
 * when 500 are due a look. It runs the product's own job in its own transaction, as a node does. */
#include "house.h"
#include "rooms/service/ticket.h"

enum { ROUNDS = 51, DUE = 500 };

static enum err sweep(struct ctx *c, struct tx *tx, void *arg)
{
    return ladder_sweep(c, tx, arg, (struct str){0});
}

static enum err make_due(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct query q = {"bench.due", "UPDATE ticket SET clock_next = $1 WHERE id IN "
                                                "(SELECT id FROM ticket WHERE clock_next > $1 "
                                                "ORDER BY clock_next LIMIT 500)"};
    int64_t n;
    (void)arg;
    TRY(q_do(c, tx, &q, IN(v_int(c->now_ms)), &n));
    return n == DUE ? E_OK : FAIL(c, E_INTERNAL, "工单不够", "too few tickets");
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double once(struct ctx *c, struct app *app)
{
    int64_t from_us = clock_mono_us();
    if (db_write(app->db, c, sweep, app) != E_OK)
        die(c, "sweep");
    double ms = (double)(clock_mono_us() - from_us) / 1000;
    arena_reset(c->mem);
    return ms;
}

int main(int argc, char **argv)
{
    struct ctx c;
    struct app app;
    double idle[ROUNDS], busy = 0;
    house_enter(argc, argv, &c, &app);
    (void)once(&c, &app); /* what the seed left due, and the first touch of the pages */
    for (int i = 0; i < ROUNDS; i++)
        idle[i] = once(&c, &app);
    qsort(idle, ROUNDS, sizeof *idle, by_size);
    if (db_write(app.db, &c, make_due, NULL) != E_OK)
        die(&c, "due");
    busy = once(&c, &app);
    printf("{\"idle_ms\":%.3f,\"per_due_ms\":%.3f}\n", idle[ROUNDS / 2], busy / DUE);
    db_close(app.db);
    return 0;
}
