/* line_test.c - when as many logins wait for a hash as may wait, the next one is told to come back.
 * The gate is held, so that the line is full however fast or slow the machine is. */
#include "../fuzz/door.h"

#include <sched.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/thread.h"

static void hash_one(void *arg)
{
    char hash[PASSWORD_HASH_MAX];
    (void)arg;
    assert_true(password_hash(S("anything"), hash));
}

static void answered(void) {}

static int login(const char *name)
{
    struct house *h = door_house();
    struct str body = arena_fmt(h->mem, "{\"login\":\"%s\",\"password\":\"wrong\"}", name);
    door_hurt(answered); /* 503 is an answer here */
    return door_call("nobody", "POST", S("/api/v1/session"), S("Content-Type: application/json"),
                     body, NULL);
}

static void test_full_line(void **state)
{
    (void)state;
    struct thread *threads[PASSWORDS_WAITING];
    (void)door_house();
    for (int i = 0; i < PASSWORDS_AT_ONCE; i++)
        gate_enter(&password_gate);
    for (int i = 0; i < PASSWORDS_WAITING; i++)
        assert_non_null(threads[i] = thread_start("hash", hash_one, NULL));
    while (!password_busy())
        sched_yield();
    alarm(60); /* a login that waits instead would wait for ever: the gate is ours */
    assert_int_equal(login("somebody"), 503);
    assert_int_equal(login("desk"), 503);
    alarm(0);
    for (int i = 0; i < PASSWORDS_AT_ONCE; i++)
        gate_leave(&password_gate);
    for (int i = 0; i < PASSWORDS_WAITING; i++)
        thread_join(threads[i]);
    assert_int_equal(login("somebody"), 401);
    door_hurt(NULL);
    door_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_full_line)};
    return house_run(tests, COUNT_OF(tests));
}
