/* totp.c - the only file that knows liboath. */
#include "core/totp.h"

#include <liboath/oath.h>

#include "base/crypto.h"
#include "base/err.h"

enum { DIGITS = 6, WINDOW = 1 };

struct str totp_secret_new(struct arena *a)
{
    char raw[TOTP_SECRET_BYTES], *text = NULL;
    size_t n = 0;
    rand_bytes(raw, sizeof raw);
    ASSERT(oath_base32_encode(raw, sizeof raw, &text, &n) == OATH_OK);
    struct str secret = str_dup(a, (struct str){text, n});
    secret_clear(text, n);
    secret_clear(raw, sizeof raw);
    heap_free(text);
    return secret;
}

struct str totp_uri(struct arena *a, struct str secret, struct str login)
{
    struct buf b;
    buf_init(&b, a, 1000);
    buf_put(&b, S("otpauth://totp/Anju:"));
    buf_url(&b, login);
    buf_fmt(&b, "?secret=" PRS "&issuer=Anju&algorithm=SHA1&digits=%d&period=%d", PRA(secret),
            DIGITS, TOTP_STEP_S);
    return buf_str(&b);
}

bool totp_check(struct arena *a, struct str secret, struct str code, int64_t now_ms,
                int64_t *ret_step)
{
    char *raw = NULL;
    size_t n = 0;
    uint64_t step = 0;
    int at = 0;
    if (code.n != DIGITS || oath_base32_decode(str_z(a, secret), secret.n, &raw, &n) != OATH_OK)
        return false;
    int hit = oath_totp_validate3(raw, n, (time_t)(now_ms / 1000), TOTP_STEP_S, 0, WINDOW, &at,
                                  &step, str_z(a, code));
    secret_clear(raw, n);
    heap_free(raw);
    if (hit < 0)
        return false;
    *ret_step = (int64_t)step;
    return true;
}
