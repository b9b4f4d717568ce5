/* thread_test.c - queues under many producers and consumers, closing, time-outs; the zone cache and
 * log from threads. */
#include "base/cal.h"
#include "base/json.h"
#include "base/log.h"
#include "base/thread.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h> /* needs all of the above */

enum { WORKERS = 4, ITEMS = 20000 };

struct shared {
    struct queue *q;
    atomic_llong sum, got;
    atomic_int ready;
};

static void produce(void *arg)
{
    struct shared *s = arg;
    for (uintptr_t i = 1; i <= ITEMS; i++)
        while (!queue_push(s->q, (void *)i))
            sched_yield();
}

static void consume(void *arg)
{
    struct shared *s = arg;
    void *items[16];
    size_t n;
    while ((n = queue_pop_many(s->q, items, COUNT_OF(items))) > 0) {
        for (size_t i = 0; i < n; i++)
            atomic_fetch_add(&s->sum, (long long)(uintptr_t)items[i]);
        atomic_fetch_add(&s->got, (long long)n);
    }
}

static void queue_carries_everything_once(void **state)
{
    (void)state;
    struct shared s = {.q = queue_new(64)};
    struct thread *producers[WORKERS], *consumers[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        consumers[i] = thread_start("consumer", consume, &s);
        producers[i] = thread_start("a name that is too long", produce, &s);
        assert_non_null(consumers[i]);
        assert_non_null(producers[i]);
    }
    for (int i = 0; i < WORKERS; i++)
        thread_join(producers[i]);
    queue_close(s.q);
    for (int i = 0; i < WORKERS; i++)
        thread_join(consumers[i]);
    assert_int_equal(s.got, WORKERS * ITEMS);
    assert_true(s.sum == (long long)WORKERS * ITEMS * (ITEMS + 1) / 2);
    queue_free(s.q);
}

static void queue_is_bounded_and_ordered(void **state)
{
    (void)state;
    int items[3];
    struct queue *q = queue_new(2);
    assert_true(queue_push(q, &items[0]) && queue_push(q, &items[1]));
    assert_false(queue_push(q, &items[2]));
    assert_ptr_equal(queue_pop(q), &items[0]);
    assert_true(queue_push(q, &items[2]));
    assert_int_equal(queue_len(q), 2);
    queue_close(q);
    assert_false(queue_push(q, &items[0]));
    assert_ptr_equal(queue_pop(q), &items[1]);
    assert_ptr_equal(queue_pop(q), &items[2]);
    assert_null(queue_pop(q));
    queue_free(q);
    queue_free(NULL);
}

static void waits_end(void **state)
{
    (void)state;
    mutex m;
    cond c;
    mutex_init(&m);
    cond_init(&c);
    int64_t before = clock_mono_ms();
    mutex_lock(&m);
    assert_false(cond_wait_ms(&c, &m, 30));
    assert_false(cond_wait_ms(&c, &m, -5));
    mutex_unlock(&m);
    assert_true(clock_mono_ms() - before >= 29);
    cond_free(&c);
    mutex_free(&m);
    assert_true(cpu_count() >= 1);
}

static void use_base(void *arg)
{
    atomic_int *good = arg;
    for (int i = 0; i < 50; i++) {
        const struct zone *z = zone_find(i % 2 ? "Europe/Berlin" : "America/New_York");
        struct ctx c = {.mem = arena_new(ARENA_REQUEST_BYTES)};
        const struct json *j;
        if (json_parse(&c, S("{\"a\":[1,2]}"), &j) == E_OK && zone_offset_s(z, 0) != 1)
            atomic_fetch_add(good, 1);
        log_line(LOG_INFO, "test", "n=%d text=%s", i, "two\nlines\x1b");
        arena_free(c.mem);
    }
}

/* Standard error goes to a pipe's file meanwhile, so every line can be looked at. */
static void shared_parts_bear_threads(void **state)
{
    (void)state;
    atomic_int good = 0;
    FILE *lines = tmpfile();
    assert_non_null(lines);
    fflush(stderr);
    int kept = dup(STDERR_FILENO);
    dup2(fileno(lines), STDERR_FILENO);
    log_level_set(LOG_WARN);
    log_line(LOG_INFO, "test", "filtered");
    log_level_set(LOG_INFO);
    struct thread *t[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        t[i] = thread_start("base", use_base, &good);
    for (int i = 0; i < WORKERS; i++)
        thread_join(t[i]);
    dup2(kept, STDERR_FILENO);
    close(kept);
    assert_int_equal(good, WORKERS * 50);
    rewind(lines);
    char line[300];
    int count = 0;
    for (; fgets(line, sizeof line, lines); count++) {
        struct str s = str_trim(str_of(line));
        assert_true(str_starts(s, S("ts=2")));
        assert_true(str_find(s, S("Z level=info area=test n=")) == 26);
        assert_true(str_ends(s, S(" text=two\\nlines\\x1b")));
    }
    assert_int_equal(count, WORKERS * 50);
    fclose(lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queue_carries_everything_once),
        cmocka_unit_test(queue_is_bounded_and_ordered),
        cmocka_unit_test(waits_end),
        cmocka_unit_test(shared_parts_bear_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
