/* sheet.c - dresses a call of the program itself as a request, so that files have one way in and
 * one way out and the command line can never accept or tell what the API would not. */
#include "core/sheet.h"

#include <string.h>

#include "core/import_in.h"

enum { FILE_BYTES_MAX = 256 << 20 };

struct call {
    struct http_req h;
    struct http_reply reply;
    struct req q;
};

static struct call *call_new(struct ctx *c, struct app *app, const struct resource *r,
                             int64_t community_id)
{
    struct call *k = arena_get(c->mem, sizeof *k);
    k->h.mem = c->mem;
    if (!r->system)
        k->h.query = arena_fmt(c->mem, "community_id=%lld", (long long)community_id);
    k->q = (struct req){.app = app, .h = &k->h, .res = r, .reply = &k->reply};
    buf_init(&k->q.out, c->mem, FILE_BYTES_MAX);
    return k;
}

enum err sheet_import(struct ctx *c, struct app *app, const struct resource *r,
                      int64_t community_id, struct str csv, bool dry_run, struct str *ret_reply,
                      int64_t *ret_failed)
{
    struct call *k = call_new(c, app, r, community_id);
    const struct json *reply;
    k->h.body = csv;
    k->h.query = arena_fmt(c->mem, PRS "&dry_run=%d", PRA(k->h.query), dry_run);
    c->who = who_for(c, 0, (struct str){0});
    enum err e = import_prepare(c, &k->q);
    c->who = NULL; /* rows are made by nobody: there is no user to name */
    TRY(e);
    TRY(import_run(c, &k->q));
    if (k->q.out.full)
        return FAIL(c, E_TOOBIG, "报告太大", "the report is too large");
    TRY(json_parse(c, buf_str(&k->q.out), &reply));
    *ret_reply = buf_str(&k->q.out);
    *ret_failed = json_int(json_get(reply, "failed"));
    return E_OK;
}

enum err sheet_export(struct ctx *c, struct app *app, const struct resource *r,
                      int64_t community_id, bool xlsx, bool unmasked, struct str *ret_file)
{
    struct call *k = call_new(c, app, r, community_id);
    static const struct route exporting = {.flags = SLOW};
    k->q.route = &exporting;
    if (unmasked)
        k->h.query = arena_fmt(c->mem, PRS "%sunmasked=1", PRA(k->h.query),
                               k->h.query.n ? "&" : "");
    TRY(xlsx ? export_xlsx(c, &k->q) : export_csv(c, &k->q));
    *ret_file = buf_str(&k->q.out);
    return E_OK;
}
