/* crypto.h - randomness, hashes and passwords (libsodium behind it). */
#pragma once
#include "base/str.h"
#include "base/thread.h"

enum { HASH_BYTES = 32, PASSWORD_HASH_MAX = 128 };
void crypto_start(void); /* once, before any other call; aborts when the system has no randomness */
void rand_bytes(void *p, size_t n);
uint64_t rand_u64(void);
/* n random bytes as URL-safe base64 without padding. */
struct str rand_token(struct arena *a, size_t nbytes);

/* A seeded generator for demos and tests: the same seed gives the same numbers on every machine.
 * Not for secrets. */
struct prng {
    uint64_t s[4];
};
void prng_seed(struct prng *g, uint64_t seed);
uint64_t prng_u64(struct prng *g);
int64_t prng_range(struct prng *g, int64_t lo, int64_t hi); /* lo ≤ result ≤ hi, unbiased */

void hash_sha256(struct str s, uint8_t ret[HASH_BYTES]);
struct hasher; /* SHA-256 of a stream */
struct hasher *hasher_new(struct arena *a);
void hasher_add(struct hasher *h, const void *p, size_t n);
void hasher_end(struct hasher *h, uint8_t ret[HASH_BYTES]);
void hash_fast(struct str s, uint8_t ret[16]); /* keyless BLAKE2b-128: cache and idempotency keys */
struct str hex_of(struct arena *a, const uint8_t *p, size_t n);
MUST_USE bool bytes_of_hex(struct str hex, uint8_t *ret, size_t n); /* exactly n bytes */
bool bytes_equal(const void *a, const void *b, size_t n);           /* constant time */

/* argon2id, interactive limits (64 MiB, 2 passes); takes ~60 ms: never inside a transaction. At
 * most PASSWORDS_AT_ONCE run, others wait their turn: a flood of logins must not take all memory.
 */
enum { PASSWORDS_AT_ONCE = 4, PASSWORDS_WAITING = 32 };
extern struct gate password_gate;
MUST_USE bool password_hash(struct str password, char ret[PASSWORD_HASH_MAX]);
bool password_check(const char *hash, struct str password);
/* Whether PASSWORDS_WAITING wait already: whoever can should answer "busy" instead of holding one
 * more worker. */
bool password_busy(void);

/* --- keys: what is kept secret at rest --- */
enum { KEY_BYTES = 32, MAC_BYTES = 32 };
/* One key for one use, from a master key; use is exactly 8 characters. */
void key_derive(const uint8_t master[KEY_BYTES], const char *use, uint8_t ret[KEY_BYTES]);
void mac_of(const uint8_t key[KEY_BYTES], struct str s, uint8_t ret[MAC_BYTES]); /* keyed BLAKE2b */
/* XChaCha20-Poly1305 under a random nonce, as URL-safe base64. where is bound to the text: a box
 * that was moved elsewhere does not open. */
struct str box_seal(struct arena *a, const uint8_t key[KEY_BYTES], struct str where,
                    struct str plain);
MUST_USE bool box_open(struct arena *a, const uint8_t key[KEY_BYTES], struct str where,
                       struct str box, struct str *ret);
void secret_clear(void *p, size_t n); /* not left out by the compiler */
