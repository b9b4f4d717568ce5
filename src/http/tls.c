/* tls.c - the only file that knows GnuTLS (libmicrohttpd stands on it). A renewed certificate is
 * put in place by one pointer; those it replaces are kept until the server has stopped, because
 * sessions still point at them, and a renewal every two months makes a short list. */
#include "http/tls.h"
#include "base/cal.h"
#include "http/inner.h"
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <string.h>

enum { CHAIN_MAX = 16 };

struct pair {
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned n;
    gnutls_privkey_t key;
    struct pair *older;
};
static struct pair *_Atomic served;

static gnutls_datum_t datum(const char *z)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)z, (unsigned)strlen(z)};
}

static void pair_free(struct pair *p)
{
    for (unsigned i = 0; i < p->n; i++)
        gnutls_pcert_deinit(&p->chain[i]);
    if (p->key)
        gnutls_privkey_deinit(p->key);
    heap_free(p);
}

static struct str day_text(struct arena *a, int64_t s)
{
    return date_text(a, date_of_days(s / 86400));
}

/* The first certificate of the chain: is it in its time, and does the key belong to it? */
static bool leaf_good(gnutls_x509_crt_t leaf, gnutls_x509_privkey_t key, const char *cert,
                      const char *key_path, struct arena *a, struct str *ret_why)
{
    int64_t now_s = clock_now_ms() / 1000, until_s = gnutls_x509_crt_get_expiration_time(leaf),
            from_s = gnutls_x509_crt_get_activation_time(leaf);
    unsigned char of_cert[64], of_key[64];
    size_t n_cert = sizeof of_cert, n_key = sizeof of_key;
    if (until_s < now_s)
        *ret_why = arena_fmt(a, "the certificate %s expired on " PRS "; renew it", cert,
                             PRA(day_text(a, until_s)));
    else if (from_s > now_s)
        *ret_why = arena_fmt(
            a, "the certificate %s is only valid from " PRS "; look at this machine's clock", cert,
            PRA(day_text(a, from_s)));
    else if (gnutls_x509_crt_get_key_id(leaf, 0, of_cert, &n_cert) < 0 ||
             gnutls_x509_privkey_get_key_id(key, 0, of_key, &n_key) < 0 || n_cert != n_key ||
             memcmp(of_cert, of_key, n_key) != 0)
        *ret_why = arena_fmt(a,
                             "the key %s does not belong to the certificate %s: the server's own "
                             "certificate comes first in the chain",
                             key_path, cert);
    else
        return true;
    return false;
}

static bool pair_judge(const char *cert, const char *key_path, const char *cert_text,
                       const char *key_text, struct arena *a, struct str *ret_why)
{
    gnutls_x509_crt_t list[CHAIN_MAX];
    gnutls_x509_privkey_t key;
    unsigned n = CHAIN_MAX;
    gnutls_datum_t c = datum(cert_text), k = datum(key_text);
    int rc = gnutls_x509_crt_list_import(list, &n, &c, GNUTLS_X509_FMT_PEM,
                                         GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
    if (rc <= 0) {
        *ret_why = arena_fmt(a, "%s holds no PEM certificate: %s", cert, gnutls_strerror(rc));
        return false;
    }
    n = (unsigned)rc;
    gnutls_x509_privkey_init(&key);
    rc = gnutls_x509_privkey_import2(key, &k, GNUTLS_X509_FMT_PEM, NULL, 0);
    bool ok = rc == 0 && leaf_good(list[0], key, cert, key_path, a, ret_why);
    if (rc != 0)
        *ret_why = arena_fmt(a, "%s holds no private key without a password: %s", key_path,
                             gnutls_strerror(rc));
    gnutls_x509_privkey_deinit(key);
    for (unsigned i = 0; i < n; i++)
        gnutls_x509_crt_deinit(list[i]);
    return ok;
}

bool tls_load(const char *cert, const char *key, struct arena *a, struct str *ret_why)
{
    const char *cert_text = pem_text(a, cert, ret_why);
    const char *key_text = cert_text ? pem_text(a, key, ret_why) : NULL;
    if (!key_text || !pair_judge(cert, key, cert_text, key_text, a, ret_why))
        return false;
    struct pair *p = heap_get(sizeof *p);
    gnutls_datum_t c = datum(cert_text), k = datum(key_text);
    unsigned n = CHAIN_MAX;
    int rc = gnutls_pcert_list_import_x509_raw(p->chain, &n, &c, GNUTLS_X509_FMT_PEM, 0);
    p->n = rc == 0 ? n : 0;
    if (rc == 0)
        rc = gnutls_privkey_init(&p->key);
    if (rc == 0)
        rc = gnutls_privkey_import_x509_raw(p->key, &k, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (rc != 0) {
        *ret_why = arena_fmt(a, "%s and %s cannot be used: %s", cert, key, gnutls_strerror(rc));
        pair_free(p);
        return false;
    }
    p->older = atomic_load(&served);
    atomic_store(&served, p);
    return true;
}

void tls_unload(void)
{
    struct pair *p = atomic_exchange(&served, NULL);
    while (p) {
        struct pair *older = p->older;
        pair_free(p);
        p = older;
    }
}

static int retrieve(gnutls_session_t session, const gnutls_datum_t *ca, int nca,
                    const gnutls_pk_algorithm_t *algorithms, int nalgorithms,
                    gnutls_pcert_st **ret_chain, unsigned *ret_n, gnutls_privkey_t *ret_key)
{
    (void)session, (void)ca, (void)nca, (void)algorithms, (void)nalgorithms;
    struct pair *p = atomic_load(&served);
    if (!p)
        return -1;
    *ret_chain = p->chain;
    *ret_n = p->n;
    *ret_key = p->key;
    return 0;
}

void *tls_retrieve(void)
{
    return (void *)retrieve;
}

/* --- the client's end --- */

struct tls_line {
    gnutls_session_t session;
    gnutls_certificate_credentials_t trust;
};

static void look_at(gnutls_session_t session, struct arena *a, struct tls_seen *ret)
{
    unsigned n = 0;
    const gnutls_datum_t *raw = gnutls_certificate_get_peers(session, &n);
    gnutls_x509_crt_t leaf;
    ret->version = str_of(gnutls_protocol_get_name(gnutls_protocol_get_version(session)));
    ret->cipher = str_dup(a, str_of(gnutls_cipher_get_name(gnutls_cipher_get(session))));
    if (n == 0 || gnutls_x509_crt_init(&leaf) != 0)
        return;
    if (gnutls_x509_crt_import(leaf, &raw[0], GNUTLS_X509_FMT_DER) == 0)
        ret->expires_ms = (int64_t)gnutls_x509_crt_get_expiration_time(leaf) * 1000;
    gnutls_x509_crt_deinit(leaf);
}

struct tls_line *tls_connect(int fd, struct arena *a, struct tls_seen *ret, struct str *ret_why)
{
    struct tls_line *l = heap_get(sizeof *l);
    int rc = gnutls_certificate_allocate_credentials(&l->trust);
    if (rc == 0)
        rc = gnutls_init(&l->session, GNUTLS_CLIENT);
    if (rc == 0)
        rc = gnutls_set_default_priority(l->session);
    if (rc == 0)
        rc = gnutls_credentials_set(l->session, GNUTLS_CRD_CERTIFICATE, l->trust);
    if (rc == 0) {
        gnutls_transport_set_int(l->session, fd);
        do
            rc = gnutls_handshake(l->session);
        while (rc == GNUTLS_E_INTERRUPTED);
    }
    if (rc == 0) {
        look_at(l->session, a, ret);
        return l;
    }
    *ret_why = arena_fmt(a, "the TLS handshake failed: %s", gnutls_strerror(rc));
    tls_close(l);
    return NULL;
}

ssize_t tls_send(struct tls_line *l, const void *p, size_t n)
{
    return gnutls_record_send(l->session, p, n);
}

ssize_t tls_recv(struct tls_line *l, void *p, size_t n)
{
    ssize_t got;
    do
        got = gnutls_record_recv(l->session, p, n);
    while (got == GNUTLS_E_INTERRUPTED);
    return got < 0 ? -1 : got;
}

void tls_close(struct tls_line *l)
{
    if (l->session)
        gnutls_deinit(l->session);
    if (l->trust)
        gnutls_certificate_free_credentials(l->trust);
    heap_free(l);
}
