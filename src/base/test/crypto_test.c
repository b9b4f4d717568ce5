/* crypto_test.c - published hash values, passwords, tokens, and the generator's fixed numbers. */
#include "base/crypto.h"
#include "base/thread.h"
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs all of the above */

static struct arena *mem;

static int start(void **state)
{
    (void)state;
    crypto_start();
    mem = arena_new(ARENA_REQUEST_BYTES);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(mem);
    return 0;
}

static void hashes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hex; /* FIPS 180-4 examples */
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t once[HASH_BYTES], parts[HASH_BYTES];
        struct str s = str_of(rows[i].text);
        hash_sha256(s, once);
        assert_true(str_eqz(hex_of(mem, once, sizeof once), rows[i].hex));
        struct hasher *h = hasher_new(mem);
        for (size_t k = 0; k < s.n; k++)
            hasher_add(h, s.p + k, 1);
        hasher_end(h, parts);
        assert_true(bytes_equal(once, parts, sizeof once));
    }
    uint8_t fast[16];
    hash_fast(S("abc"), fast); /* BLAKE2b-128 */
    assert_true(str_eq(hex_of(mem, fast, 16), S("cf4ab791c62b8d2b2109c90275287816")));
    assert_false(bytes_equal("ab", "ac", 2));
}

static void passwords(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_MAX];
    assert_true(password_hash(S("anju-demo"), hash));
    assert_true(strncmp(hash, "$argon2id$", 10) == 0);
    assert_true(password_check(hash, S("anju-demo")));
    assert_false(password_check(hash, S("anju-dem0")));
    assert_false(password_check(hash, S("")));
    assert_false(password_check("", S("anju-demo")));
    assert_false(password_check("not a hash", S("anju-demo")));
}

static _Atomic int hashed;

static void hash_one(void *arg)
{
    char hash[PASSWORD_HASH_MAX];
    assert_true(password_hash(S("anything"), hash));
    (void)arg;
    hashed++;
}

/* Many at once wait in a line that can be seen, and all get their turn. The gate is held, so that
 * nobody is through before the last one has come, however fast or slow the machine is. */
static void passwords_in_line(void **state)
{
    (void)state;
    struct thread *threads[PASSWORDS_WAITING];
    for (int i = 0; i < PASSWORDS_AT_ONCE; i++)
        gate_enter(&password_gate);
    for (int i = 0; i < PASSWORDS_WAITING; i++) {
        assert_false(password_busy());
        assert_non_null(threads[i] = thread_start("hash", hash_one, NULL));
    }
    while (!password_busy())
        sched_yield();
    assert_int_equal(hashed, 0);
    for (int i = 0; i < PASSWORDS_AT_ONCE; i++)
        gate_leave(&password_gate);
    for (int i = 0; i < PASSWORDS_WAITING; i++)
        thread_join(threads[i]);
    assert_false(password_busy());
    assert_int_equal(hashed, PASSWORDS_WAITING);
}

static void randomness(void **state)
{
    (void)state;
    struct str a = rand_token(mem, 32), b = rand_token(mem, 32);
    assert_int_equal(a.n, 43);
    assert_int_equal(
        strspn(a.p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
    assert_false(str_eq(a, b));
    assert_true(rand_u64() != rand_u64());
    uint8_t bytes[64] = {0}, zero[64] = {0};
    rand_bytes(bytes, sizeof bytes);
    assert_memory_not_equal(bytes, zero, sizeof bytes);
}

static void generator(void **state)
{
    (void)state;
    struct prng g, h;
    prng_seed(&g, 0); /* splitmix64(0) is published */
    assert_true(g.s[0] == 0xe220a8397b1dcdafu && g.s[1] == 0x6e789e6aa1b965f4u);
    struct prng known = {{1, 2, 3, 4}}; /* the reference program's first numbers */
    assert_true(prng_u64(&known) == 11520 && prng_u64(&known) == 0 &&
                prng_u64(&known) == 1509978240);
    prng_seed(&h, 0);
    int seen[7] = {0};
    for (int i = 0; i < 7000; i++) {
        int64_t v = prng_range(&g, -3, 3);
        assert_true(v >= -3 && v <= 3 && v == prng_range(&h, -3, 3));
        seen[v + 3]++;
    }
    for (size_t i = 0; i < COUNT_OF(seen); i++)
        assert_in_range(seen[i], 850, 1150);
    assert_int_equal(prng_range(&g, 5, 5), 5);
    (void)prng_range(&g, INT64_MIN, INT64_MAX);
    assert_true(prng_range(&g, INT64_MAX - 1, INT64_MAX) >= INT64_MAX - 1);
}

static void boxes(void **state)
{
    (void)state;
    uint8_t master[KEY_BYTES], one[KEY_BYTES], two[KEY_BYTES], a[MAC_BYTES], b[MAC_BYTES];
    struct str plain = {0}, secret = S("11010519491231002X");
    rand_bytes(master, sizeof master);
    key_derive(master, "anjubox1", one);
    key_derive(master, "anjuidx1", two);
    assert_memory_not_equal(one, two, KEY_BYTES);
    struct str box = box_seal(mem, one, S("person:1"), secret);
    assert_true(box_open(mem, one, S("person:1"), box, &plain));
    assert_true(str_eq(plain, secret));
    assert_false(str_eq(box, box_seal(mem, one, S("person:1"), secret))); /* a nonce of its own */
    plain = (struct str){0};
    assert_false(box_open(mem, one, S("person:2"), box, &plain)); /* moved */
    assert_false(box_open(mem, two, S("person:1"), box, &plain)); /* another key */
    char *changed = (char *)(uintptr_t)str_dup(mem, box).p;
    for (size_t i = 0; i < box.n; i++) {
        changed[i] = box.p[i] == 'A' ? 'B' : 'A';
        assert_false(box_open(mem, one, S("person:1"), (struct str){changed, box.n}, &plain));
        changed[i] = box.p[i];
    }
    for (size_t n = 0; n < box.n; n++)
        assert_false(box_open(mem, one, S("person:1"), str_sub(box, 0, n), &plain));
    assert_int_equal(plain.n, 0);
    mac_of(one, secret, a);
    mac_of(one, secret, b);
    assert_memory_equal(a, b, MAC_BYTES);
    mac_of(two, secret, b);
    assert_memory_not_equal(a, b, MAC_BYTES);
    uint8_t raw[2] = {0};
    assert_true(bytes_of_hex(S("0aff"), raw, 2));
    assert_true(raw[0] == 0x0a && raw[1] == 0xff);
    static const char *const wrong[] = {"", "0a", "0aff0", "0aff00", "0ag0", "0a:ff"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_false(bytes_of_hex(str_of(wrong[i]), raw, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes),
        cmocka_unit_test(passwords),
        cmocka_unit_test(passwords_in_line),
        cmocka_unit_test(randomness),
        cmocka_unit_test(generator),
        cmocka_unit_test(boxes),
    };
    return cmocka_run_group_tests(tests, start, end);
}
