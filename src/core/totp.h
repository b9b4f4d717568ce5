/* totp.h - one-time codes of an authenticator app (RFC 6238, SHA-1, 6 digits, 30 s: what all apps
 * speak), liboath behind it. */
#pragma once
#include "base/str.h"

enum { TOTP_SECRET_BYTES = 20, TOTP_STEP_S = 30 };
/* A new secret in base32, as people type it and the address below carries it. */
struct str totp_secret_new(struct arena *a);
/* otpauth://totp/… for a QR code. */
struct str totp_uri(struct arena *a, struct str secret, struct str login);
/* Is code right at now, one step of clock error allowed? *ret_step is its step: the caller keeps it
 * and takes no code of that step or an earlier one again. */
MUST_USE bool totp_check(struct arena *a, struct str secret, struct str code, int64_t now_ms,
                         int64_t *ret_step);
