/* batch_test.c - several nodes at one import: each takes pieces of it as fast as it can, and every
 * line is loaded once and taken back once. */
#include "../fuzz/door.h"

#include "base/thread.h"
#include "core/batch.h"

enum { ROWS = 6000, NODES = 4 };

struct node {
    struct house *h;
    struct str data;
    struct thread *thread;
    enum err result;
    int steps;
};

static void node_run(void *arg)
{
    struct node *n = arg;
    bool more = true;
    while (more && n->result == E_OK) {
        struct ctx c = house_ctx(n->h, AS_SYSTEM);
        n->result = batch_step(&c, &n->h->app, n->data, &more);
        n->steps++;
        if (n->result == E_BUSY) { /* clashed with the others too often: it comes again */
            n->result = E_OK;
            more = true;
        }
        arena_free(c.mem);
    }
}

static int64_t batch_of(struct house *h)
{
    return house_number(h, "SELECT max(id) FROM import_batch");
}

static void ask(struct house *h, const char *what, struct str body)
{
    int64_t id = batch_of(h);
    struct str path = arena_fmt(h->mem, "/api/v1/imports/%lld/%s", (long long)id, what);
    assert_int_equal(
        door_call("manager", "POST", path, S("Content-Type: application/json"), body, NULL), 200);
}

static void all_nodes(struct house *h)
{
    struct node nodes[NODES];
    struct str data = arena_fmt(h->mem, "{\"id\":%lld,\"lang\":\"zh\"}", (long long)batch_of(h));
    for (int i = 0; i < NODES; i++) {
        nodes[i] = (struct node){.h = h, .data = data};
        nodes[i].thread = thread_start("node", node_run, &nodes[i]);
        assert_non_null(nodes[i].thread);
    }
    for (int i = 0; i < NODES; i++) {
        thread_join(nodes[i].thread);
        assert_int_equal(nodes[i].result, E_OK);
    }
}

static void test_nodes(void **state)
{
    (void)state;
    struct house *h = door_house();
    struct buf file;
    buf_init(&file, h->mem, 1 << 20);
    buf_put(&file, S("name\r\n"));
    for (int i = 0; i < ROWS; i++)
        buf_fmt(&file, "同批 %d\r\n", i);
    struct str path = arena_fmt(h->mem, "/api/v1/imports?resource=people&community_id=%lld",
                                (long long)h->a);
    assert_int_equal(
        door_call("manager", "POST", path, S("Content-Type: text/csv"), buf_str(&file), NULL), 201);
    ask(h, "check", S("{\"columns\":[\"name\"]}"));
    ask(h, "start", S("{}"));
    all_nodes(h);
    static const char live[] =
        "SELECT count(*) FROM person WHERE name LIKE '同批 %' AND archived = 0",
                      names[] = "SELECT count(DISTINCT name) FROM person WHERE name LIKE '同批 %'",
                      done[] = "SELECT done FROM import_batch WHERE state = 4";
    assert_int_equal(house_number(h, live), ROWS);
    assert_int_equal(house_number(h, names), ROWS);
    assert_int_equal(house_number(h, done), ROWS);
    ask(h, "undo", S("{}"));
    all_nodes(h);
    assert_int_equal(house_number(h, live), 0);
    assert_int_equal(house_number(h, "SELECT state FROM import_batch"), BATCH_UNDONE);
    assert_int_equal(house_number(h, "SELECT done FROM import_batch"), 0);
    house_checks(h);
    door_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nodes)};
    return house_run(tests, COUNT_OF(tests));
}
