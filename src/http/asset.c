/* asset.c - replies with a file of the web UI out of the binary. They are stored gzipped because
 * every browser takes that; the rare client that does not gets them inflated into its request's
 * arena. Knows nothing of the disk. */
#include "http/inner.h"
#include <zlib.h>

static bool etag_matches(struct str list, const char *etag)
{
    while (list.n > 0) {
        struct str item = str_trim(str_next(&list, ','));
        if (str_starts(item, S("W/")))
            item = str_sub(item, 2, item.n);
        if (str_eqz(item, etag) || str_eqz(item, "*"))
            return true;
    }
    return false;
}

static bool inflate_whole(const struct asset *f, unsigned char *to)
{
    z_stream z = {0};
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        return false;
    z.next_in = (unsigned char *)(uintptr_t)f->gz;
    z.avail_in = (uInt)f->gz_bytes;
    z.next_out = to;
    z.avail_out = (uInt)f->bytes;
    int rc = inflate(&z, Z_FINISH);
    bool ok = rc == Z_STREAM_END && z.total_out == f->bytes;
    inflateEnd(&z);
    return ok;
}

void asset_reply(const struct http_req *q, const struct asset *f, struct http_reply *r)
{
    reply_header(r, "ETag", str_of(f->etag));
    reply_header(r, "Cache-Control",
                 f->immutable ? S("public, max-age=31536000, immutable") : S("no-cache"));
    reply_header(r, "Vary", S("Accept-Encoding"));
    if (etag_matches(http_header(q, "If-None-Match"), f->etag)) {
        r->status = 304;
        return;
    }
    r->status = 200;
    reply_header(r, "Content-Type", str_of(f->type));
    if (header_has_token(http_header(q, "Accept-Encoding"), "gzip")) {
        reply_header(r, "Content-Encoding", S("gzip"));
        r->body = (struct str){(const char *)f->gz, f->gz_bytes};
        return;
    }
    unsigned char *plain = arena_try(q->mem, f->bytes + 1);
    if (plain == NULL || !inflate_whole(f, plain)) {
        *r = (struct http_reply){.status = 500};
        return;
    }
    r->body = (struct str){(const char *)plain, f->bytes};
}
