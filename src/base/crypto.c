/* crypto.c - the only file that knows libsodium. Nothing here is our own cryptography; prng is the
 * public-domain xoshiro256** of Blackman and Vigna and is for demos and tests. Must not be used
 * before crypto_start. */
#include "base/crypto.h"
#include "base/err.h"
#include <sodium.h>

_Static_assert(HASH_BYTES == crypto_hash_sha256_BYTES, "SHA-256 size");
_Static_assert(PASSWORD_HASH_MAX >= crypto_pwhash_STRBYTES, "password hash size");

struct hasher {
    crypto_hash_sha256_state state;
};

void crypto_start(void)
{
    ASSERT(sodium_init() >= 0);
}

void rand_bytes(void *p, size_t n)
{
    randombytes_buf(p, n);
}

uint64_t rand_u64(void)
{
    uint64_t v;
    randombytes_buf(&v, sizeof v);
    return v;
}

struct str rand_token(struct arena *a, size_t nbytes)
{
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    size_t cap = sodium_base64_encoded_len(nbytes, variant);
    unsigned char *raw = arena_get(a, nbytes);
    char *text = arena_get(a, cap);
    randombytes_buf(raw, nbytes);
    sodium_bin2base64(text, cap, raw, nbytes, variant);
    sodium_memzero(raw, nbytes);
    return (struct str){text, cap - 1};
}

void prng_seed(struct prng *g, uint64_t seed)
{
    for (size_t i = 0; i < COUNT_OF(g->s); i++) { /* splitmix64 */
        uint64_t z = seed += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        g->s[i] = z ^ (z >> 31);
    }
}

static uint64_t rotate_left(uint64_t v, int by)
{
    return (v << by) | (v >> (64 - by));
}

uint64_t prng_u64(struct prng *g)
{
    uint64_t *s = g->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

int64_t prng_range(struct prng *g, int64_t lo, int64_t hi)
{
    ASSERT(lo <= hi);
    uint64_t span = (uint64_t)hi - (uint64_t)lo + 1;
    if (span == 0)
        return (int64_t)prng_u64(g);
    /* Numbers below 2^64 mod span are thrown away: they would make the first results likelier. */
    uint64_t skip = (0 - span) % span, v;
    do
        v = prng_u64(g);
    while (v < skip);
    return (int64_t)((uint64_t)lo + v % span);
}

void hash_sha256(struct str s, uint8_t ret[HASH_BYTES])
{
    crypto_hash_sha256(ret, (const unsigned char *)(s.p ? s.p : ""), s.n);
}

struct hasher *hasher_new(struct arena *a)
{
    struct hasher *h = arena_get(a, sizeof *h);
    crypto_hash_sha256_init(&h->state);
    return h;
}

void hasher_add(struct hasher *h, const void *p, size_t n)
{
    if (n > 0)
        crypto_hash_sha256_update(&h->state, p, n);
}

void hasher_end(struct hasher *h, uint8_t ret[HASH_BYTES])
{
    crypto_hash_sha256_final(&h->state, ret);
}

void hash_fast(struct str s, uint8_t ret[16])
{
    crypto_generichash(ret, 16, (const unsigned char *)(s.p ? s.p : ""), s.n, NULL, 0);
}

struct str hex_of(struct arena *a, const uint8_t *p, size_t n)
{
    char *text = arena_get(a, n * 2 + 1);
    sodium_bin2hex(text, n * 2 + 1, p, n);
    return (struct str){text, n * 2};
}

bool bytes_of_hex(struct str hex, uint8_t *ret, size_t n)
{
    size_t got = 0;
    return sodium_hex2bin(ret, n, hex.p ? hex.p : "", hex.n, NULL, &got, NULL) == 0 && got == n &&
           hex.n == 2 * n;
}

bool bytes_equal(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}

struct gate password_gate = GATE(PASSWORDS_AT_ONCE);

bool password_busy(void)
{
    return gate_waiting(&password_gate) >= PASSWORDS_WAITING;
}

bool password_hash(struct str password, char ret[PASSWORD_HASH_MAX])
{
    char text[crypto_pwhash_STRBYTES];
    gate_enter(&password_gate);
    int failed = crypto_pwhash_str(text, password.p ? password.p : "", password.n,
                                   crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                   crypto_pwhash_MEMLIMIT_INTERACTIVE);
    gate_leave(&password_gate);
    if (failed != 0)
        return false;
    for (size_t i = 0; i < sizeof text; i++)
        ret[i] = text[i];
    return true;
}

bool password_check(const char *hash, struct str password)
{
    gate_enter(&password_gate);
    int wrong = crypto_pwhash_str_verify(hash, password.p ? password.p : "", password.n);
    gate_leave(&password_gate);
    return wrong == 0;
}

/* --- keys --- */

_Static_assert(KEY_BYTES == crypto_kdf_KEYBYTES, "master key size");
_Static_assert(KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "box key size");
enum {
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    BOX_VARIANT = sodium_base64_VARIANT_URLSAFE_NO_PADDING
};

void key_derive(const uint8_t master[KEY_BYTES], const char *use, uint8_t ret[KEY_BYTES])
{
    ASSERT(str_of(use).n == crypto_kdf_CONTEXTBYTES);
    crypto_kdf_derive_from_key(ret, KEY_BYTES, 1, use, master);
}

void mac_of(const uint8_t key[KEY_BYTES], struct str s, uint8_t ret[MAC_BYTES])
{
    crypto_generichash(ret, MAC_BYTES, (const unsigned char *)(s.p ? s.p : ""), s.n, key,
                       KEY_BYTES);
}

static const unsigned char *bytes(struct str s)
{
    return (const unsigned char *)(s.p ? s.p : "");
}

struct str box_seal(struct arena *a, const uint8_t key[KEY_BYTES], struct str where,
                    struct str plain)
{
    size_t n = NONCE_BYTES + plain.n + TAG_BYTES, cap = sodium_base64_encoded_len(n, BOX_VARIANT);
    unsigned char *raw = arena_get(a, n);
    char *text = arena_get(a, cap);
    randombytes_buf(raw, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(raw + NONCE_BYTES, NULL, bytes(plain), plain.n,
                                               bytes(where), where.n, NULL, raw, key);
    sodium_bin2base64(text, cap, raw, n, BOX_VARIANT);
    return (struct str){text, cap - 1};
}

bool box_open(struct arena *a, const uint8_t key[KEY_BYTES], struct str where, struct str box,
              struct str *ret)
{
    size_t n = 0;
    unsigned char *raw = arena_get(a, box.n + 1);
    if (!box.n || sodium_base642bin(raw, box.n, box.p, box.n, NULL, &n, NULL, BOX_VARIANT) != 0 ||
        n < NONCE_BYTES + TAG_BYTES)
        return false;
    size_t len = n - NONCE_BYTES - TAG_BYTES;
    char *plain = arena_get(a, len + 1);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)plain, NULL, NULL,
                                                   raw + NONCE_BYTES, n - NONCE_BYTES, bytes(where),
                                                   where.n, raw, key) != 0)
        return false;
    *ret = (struct str){plain, len};
    return true;
}

void secret_clear(void *p, size_t n)
{
    sodium_memzero(p, n);
}
