/* search.c - fills the word index of a database with very many tickets, as a node does after they
 * came in bulk: search DATABASE prints as JSON how many rows it indexes a second. The questions are
 * asked of the server itself (run.mjs). */
#include "core/search.h"
#include "house.h"

static enum err fill(struct ctx *c, struct tx *tx, void *arg)
{
    static const struct query stale = {"bench.stale",
                                       "SELECT count(*) FROM search_doc WHERE stale = 1"};
    struct val n;
    TRY(res_words_fill(c, tx));
    TRY(q_one(c, tx, &stale, IN0, &n, 1));
    *(int64_t *)arg = val_int(n);
    return E_OK;
}

int main(int argc, char **argv)
{
    struct ctx c;
    struct app app;
    int64_t rows;
    house_enter(argc, argv, &c, &app);
    if (db_write(app.db, &c, fill, &rows) != E_OK)
        die(&c, "fill");
    int64_t from_us = clock_mono_us();
    if (search_settle(&c, &app) != E_OK)
        die(&c, "index");
    double s = (double)(clock_mono_us() - from_us) / 1e6;
    printf("{\"rows\":%lld,\"rows_s\":%.0f}\n", (long long)rows, (double)rows / s);
    db_close(app.db);
    return 0;
}
