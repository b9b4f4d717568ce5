/* tls.h - https, the little of it that libmicrohttpd leaves to its user: which protocol versions
 * and ciphers, the certificate that is served and its renewal while connections stay, and the other
 * end of a connection for `anju doctor`. GnuTLS inside tls.c. */
#pragma once
#include "base/err.h"
#include <sys/types.h>

/* TLS 1.3 and 1.2 with forward secrecy and authenticated encryption, nothing older. */
#define TLS_PRIORITIES                                                                             \
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:"   \
    "+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-MAC-ALL:+AEAD:%SERVER_PRECEDENCE"

/* Reads and judges certificate chain and key (PEM paths): readable, a pair, valid now. From then on
 * new connections get them; open ones keep theirs. False: nothing changed, *ret_why says what to
 * do. One certificate per process, because the library's call for it has no argument. */
MUST_USE bool tls_load(const char *cert, const char *key, struct arena *a, struct str *ret_why);
/* What MHD_OPTION_HTTPS_CERT_CALLBACK wants. */
void *tls_retrieve(void);
/* After the last connection ended. */
void tls_unload(void);

/* --- the client's end --- */
struct tls_seen {
    struct str version, cipher;
    int64_t expires_ms; /* of the certificate that was served */
};
struct tls_line;
/* Shakes hands over a connected blocking socket (its time-outs bound the wait); does not judge who
 * answers. NULL: *ret_why. */
struct tls_line *tls_connect(int fd, struct arena *a, struct tls_seen *ret, struct str *ret_why);
ssize_t tls_send(struct tls_line *l, const void *p, size_t n);
ssize_t tls_recv(struct tls_line *l, void *p, size_t n); /* 0: the end; -1: failed or timed out */
void tls_close(struct tls_line *l);
