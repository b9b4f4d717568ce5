/* openapi.c - /openapi.json: an OpenAPI 3.1 document of every route, in the order of the router's
 * table, so two prints of one program are equal and a diff shows what an API change really changes.
 * Nothing is described twice: parameters and bodies come from the field tables that read them,
 * replies from schema.c. */
#include <string.h>

#include "core/print.h"
#include "core/schema.h"

#define API_ROOT "/api/v1/"

/* The derived routes of a resource (res_api.c), recognised by method and what follows the
 * resource's path. */
enum kind {
    K_LIST,
    K_GET,
    K_CREATE,
    K_PATCH,
    K_ARCHIVE,
    K_ACT,
    K_TIMELINE,
    K_UPLOAD,
    K_FILES,
    K_IMPORT,
    K_CSV,
    K_XLSX,
    K_OTHER
};
static const struct {
    const char *method, *tail, *verb;
    bool plural;
    const char *after; /* operationId: verb + Ticket or Tickets + after */
} kinds[K_OTHER] = {
    [K_LIST] = {"GET", "", "list", true, ""},
    [K_GET] = {"GET", "/{id}", "get", false, ""},
    [K_CREATE] = {"POST", "", "create", false, ""},
    [K_PATCH] = {"PATCH", "/{id}", "update", false, ""},
    [K_ARCHIVE] = {"DELETE", "/{id}", "archive", false, ""},
    [K_ACT] = {"POST", "/{id}/actions/{action}", "act", false, ""},
    [K_TIMELINE] = {"GET", "/{id}/timeline", "get", false, "Timeline"},
    [K_UPLOAD] = {"POST", "/{id}/files", "add", false, "File"},
    [K_FILES] = {"GET", "/{id}/files", "list", false, "Files"},
    [K_IMPORT] = {"POST", "/import", "import", true, ""},
    [K_CSV] = {"GET", "/export.csv", "export", true, "Csv"},
    [K_XLSX] = {"GET", "/export.xlsx", "export", true, "Xlsx"},
};
#define XLSX_TYPE "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

static enum kind kind_of(const struct route *r)
{
    if (!r->res)
        return K_OTHER;
    size_t n = strlen(API_ROOT) + strlen(r->res->path);
    for (int k = 0; k < K_OTHER; k++)
        if (strcmp(r->method, kinds[k].method) == 0 && strlen(r->path) >= n &&
            strcmp(r->path + n, kinds[k].tail) == 0)
            return (enum kind)k;
    return K_OTHER;
}

/* The segment after /api/v1/: the resource's path or the room's own word. */
static const char *tag_of(struct oas *o, const struct route *r)
{
    struct str rest = str_sub(str_of(r->path), strlen(API_ROOT), strlen(r->path));
    return str_z(o->mem, str_next(&rest, '/'));
}

static struct str lower(struct oas *o, const char *method)
{
    struct str s = str_dup(o->mem, str_of(method));
    for (char *p = (char *)(uintptr_t)s.p; *p; p++)
        *p = (char)(*p + 32);
    return s;
}

static struct str operation_id(struct oas *o, const struct route *r, enum kind k)
{
    if (k == K_OTHER) {
        struct str m = lower(o, r->method);
        return arena_fmt(o->mem, PRS "%s", PRA(m), schema_name(o, r->path + strlen(API_ROOT), ""));
    }
    const char *noun = kinds[k].plural ? r->res->path : r->res->name;
    return arena_fmt(o->mem, "%s%s", kinds[k].verb, schema_name(o, noun, kinds[k].after));
}

/* --- parameters --- */

static void param_begin(struct oas *o, const char *name, const char *in, bool required)
{
    jw_obj_flat(&o->w, NULL);
    jw_strz(&o->w, "name", name);
    jw_strz(&o->w, "in", in);
    if (required)
        jw_bool(&o->w, "required", true);
}

static void param_ref(struct oas *o, const char *name)
{
    jw_obj_flat(&o->w, NULL);
    jw_str(&o->w, "$ref", arena_fmt(o->mem, "#/components/parameters/%s", name));
    jw_end(&o->w);
}

/* As text: amounts are written in yuan, areas in m² (field_of_text), unlike in JSON. */
static void filter_value(struct oas *o, const char *key, const struct field *f)
{
    struct field bare = *f;
    bare.label.en = bare.help.en = bare.ref = NULL;
    bare.flags = 0;
    if (f->type == F_MONEY || f->type == F_AREA || f->type == F_QTY) {
        jw_obj_flat(&o->w, key);
        jw_strz(&o->w, "type", "number");
        jw_end(&o->w);
    } else
        schema_field(o, key, &bare, false, false);
}

static void filter_value_or_null(struct oas *o, const char *key, const struct field *f)
{
    struct jsonw *w = &o->w;
    jw_obj_flat(w, key);
    jw_arr(w, "anyOf");
    filter_value(o, NULL, f);
    jw_obj(w, NULL);
    jw_strz(w, "const", "null");
    jw_end(w);
    jw_end(w);
    jw_end(w);
}

static bool is_ordered(const struct field *f)
{
    return f->type != F_BOOL && f->type != F_ENUM && f->type != F_REF &&
           (field_column(f->type) == COL_INT || f->type == F_DATE);
}

static void filter_params(struct oas *o, const struct field *f)
{
    static const char *const ops[] = {"ne", "lt", "lte", "gt", "gte"};
    struct jsonw *w = &o->w;
    param_begin(o, f->name, "query", false);
    jw_strz(w, "description", "one value or several; null: empty");
    jw_strz(w, "style", "form");
    jw_bool(w, "explode", false);
    jw_obj(w, "schema");
    jw_strz(w, "type", "array");
    jw_int(w, "maxItems", 20);
    filter_value_or_null(o, "items", f);
    jw_end(w);
    jw_end(w);
    for (size_t i = 0; i < (is_ordered(f) ? COUNT_OF(ops) : 1); i++) {
        param_begin(o, arena_fmt(o->mem, "%s.%s", f->name, ops[i]).p, "query", false);
        if (i == 0)
            filter_value_or_null(o, "schema", f);
        else
            filter_value(o, "schema", f);
        jw_end(w);
    }
}

static void sort_param(struct oas *o, const struct resource *r)
{
    struct jsonw *w = &o->w;
    param_begin(o, "sort", "query", false);
    jw_obj(w, "schema");
    jw_strz(w, "type", "string");
    jw_arr(w, "enum");
    for (int i = 0; i < r->nfields; i++)
        if (i == R_ID || r->fields[i].flags & SORT) {
            jw_strz(w, NULL, r->fields[i].name);
            jw_str(w, NULL, arena_fmt(o->mem, "-%s", r->fields[i].name));
        }
    jw_end(w);
    jw_strz(w, "default", r->default_sort ? r->default_sort : "-id");
    jw_end(w);
    jw_end(w);
}

static void list_params(struct oas *o, const struct resource *r)
{
    static const char *const common[] = {"Limit", "After", "Count", "Refs", "Actions", "Archived"};
    bool search = false;
    if (!r->system)
        param_ref(o, "Community");
    for (int i = 0; i < r->nfields; i++) {
        search |= r->fields[i].flags & SEARCH;
        if (r->fields[i].flags & FILTER && i != R_COMMUNITY)
            filter_params(o, &r->fields[i]);
    }
    if (search)
        param_ref(o, "Q");
    if (r->mine.sql)
        param_ref(o, "Mine");
    sort_param(o, r);
    for (size_t i = 0; i < COUNT_OF(common); i++)
        param_ref(o, common[i]);
}

static void query_params(struct oas *o, const struct route *r, enum kind k)
{
    if (k == K_LIST || k == K_CSV || k == K_XLSX)
        list_params(o, r->res);
    if (k == K_GET)
        param_ref(o, "Refs");
    if (k == K_IMPORT) {
        if (!r->res->system)
            param_ref(o, "Community");
        param_ref(o, "DryRun");
    }
    for (int i = 0; strcmp(r->method, "GET") == 0 && i < r->ninput; i++) {
        param_begin(o, r->input[i].name, "query", r->input[i].flags & REQUIRED);
        schema_field(o, "schema", &r->input[i], false, false);
        jw_end(&o->w);
    }
}

static void operation_params(struct oas *o, const struct route *r, enum kind k)
{
    bool get = strcmp(r->method, "GET") == 0;
    jw_arr(&o->w, "parameters");
    query_params(o, r, k);
    if (k == K_PATCH || k == K_ARCHIVE)
        param_ref(o, "IfMatch");
    if (strcmp(r->method, "POST") == 0 && !(r->flags & NO_TX && !(r->flags & ONE_TX)))
        param_ref(o, "IdempotencyKey");
    if (!get && !(r->flags & NO_CSRF))
        param_ref(o, "Csrf");
    jw_end(&o->w);
}

static void action_enum(struct oas *o, const struct machine *m)
{
    jw_obj(&o->w, "schema");
    jw_strz(&o->w, "type", "string");
    jw_arr(&o->w, "enum");
    for (int i = 0; i < m->nactions; i++)
        jw_strz(&o->w, NULL, m->actions[i].key);
    jw_end(&o->w);
    jw_end(&o->w);
}

/* The {…} segments of the path, as parameters of all its methods. */
static void path_params(struct oas *o, const struct route *r)
{
    struct str rest = str_of(r->path);
    jw_arr(&o->w, "parameters");
    while (rest.p) {
        struct str seg = str_next(&rest, '/');
        if (!str_starts(seg, S("{")))
            continue;
        if (str_eqz(seg, "{id}")) {
            param_ref(o, "Id");
            continue;
        }
        param_begin(o, str_z(o->mem, str_sub(seg, 1, seg.n - 2)), "path", true);
        if (str_eqz(seg, "{action}") && r->res && r->res->machine)
            action_enum(o, r->res->machine);
        else
            schema_shape(o, "schema", "str");
        jw_end(&o->w);
    }
    jw_end(&o->w);
}

/* --- bodies --- */

static void body_begin(struct oas *o, const char *type, bool required)
{
    jw_obj(&o->w, "requestBody");
    jw_bool(&o->w, "required", required);
    jw_obj(&o->w, "content");
    jw_obj(&o->w, type);
}

static void body_end(struct oas *o)
{
    jw_end(&o->w);
    jw_end(&o->w);
    jw_end(&o->w);
}

/* anyOf, not oneOf: a body of two actions with the same input fits both. */
static void action_body(struct oas *o, const struct resource *r)
{
    const struct machine *m = r->machine;
    bool required = true;
    for (int i = 0; i < m->nactions; i++)
        required &= m->actions[i].ninput > 0;
    body_begin(o, "application/json", required);
    jw_obj(&o->w, "schema");
    jw_arr(&o->w, "anyOf");
    for (int i = 0; i < m->nactions; i++)
        schema_ref(o, NULL, schema_action_name(o, r, &m->actions[i]));
    jw_end(&o->w);
    jw_end(&o->w);
    body_end(o);
}

static void upload_body(struct oas *o)
{
    struct jsonw *w = &o->w;
    body_begin(o, "multipart/form-data", true);
    jw_obj(w, "schema");
    jw_strz(w, "type", "object");
    jw_obj(w, "properties");
    jw_obj_flat(w, "file");
    jw_strz(w, "type", "string");
    jw_strz(w, "contentMediaType", "application/octet-stream");
    jw_strz(w, "description",
            "JPEG, PNG, WebP, GIF, PDF or sound, at most 10 MiB, judged by content");
    jw_end(w);
    schema_field(o, "stage", &res_file.fields[FI_STAGE], false, false);
    schema_field(o, "taken_at", &res_file.fields[FI_TAKEN], false, false);
    jw_end(w);
    jw_arr_flat(w, "required");
    jw_strz(w, NULL, "file");
    jw_end(w);
    jw_bool(w, "additionalProperties", false);
    jw_end(w);
    body_end(o);
}

static void operation_body(struct oas *o, const struct route *r, enum kind k)
{
    if (strcmp(r->method, "GET") == 0 || k == K_ARCHIVE)
        return;
    if (k == K_ACT) {
        action_body(o, r->res);
    } else if (r->flags & MULTIPART) {
        upload_body(o);
    } else if (r->flags & FORM_BODY) {
        body_begin(o, "application/x-www-form-urlencoded", true);
        schema_shape(o, "schema", "object");
        body_end(o);
    } else if (r->flags & RAW_BODY) {
        body_begin(o, "text/csv", true);
        schema_shape(o, "schema", "str");
        body_end(o);
    } else if (k == K_CREATE || k == K_PATCH) {
        body_begin(o, "application/json", true);
        schema_ref(o, "schema", schema_name(o, r->res->name, k == K_CREATE ? "Create" : "Patch"));
        body_end(o);
    } else if (r->ninput) {
        body_begin(o, "application/json", true);
        schema_input(o, "schema", r->input, r->ninput, READ_INPUT, false);
        body_end(o);
    }
}

/* --- replies --- */

struct reply {
    const char *type, *component, *shape; /* component or shape, or neither: bytes */
};

static struct reply reply_of(struct oas *o, const struct route *r, enum kind k)
{
    static const char json[] = "application/json";
    switch (k) {
    case K_LIST: return (struct reply){json, schema_name(o, r->res->name, "List"), NULL};
    case K_GET:
    case K_CREATE:
    case K_PATCH:
    case K_ARCHIVE:
    case K_ACT: return (struct reply){json, schema_name(o, r->res->name, ""), NULL};
    case K_TIMELINE: return (struct reply){json, "Timeline", NULL};
    case K_UPLOAD: return (struct reply){json, schema_name(o, res_file.name, ""), NULL};
    case K_FILES: return (struct reply){json, "FileList", NULL};
    case K_IMPORT: return (struct reply){json, "Import", NULL};
    case K_CSV: return (struct reply){"text/csv", NULL, "str"};
    case K_XLSX: return (struct reply){XLSX_TYPE, NULL, NULL};
    case K_OTHER: break;
    }
    if (r->run == file_get || r->run == file_signed)
        return (struct reply){"*/*", NULL, NULL};
    size_t n = strlen(r->path);
    if (n > 4 && strcmp(r->path + n - 4, ".csv") == 0)
        return (struct reply){"text/csv", NULL, "str"};
    if (n > 4 && strcmp(r->path + n - 4, ".xml") == 0)
        return (struct reply){"text/xml", NULL, "str"};
    if (strcmp(r->path, API_ROOT "events") == 0)
        return (struct reply){"text/event-stream", NULL, "str"};
    if (r->run == search_get && !r->reply)
        return (struct reply){json, "Search", NULL};
    if (!r->reply)
        return (struct reply){json, NULL, "object"};
    return schema_known(o, r->reply) ? (struct reply){json, r->reply, NULL}
                                     : (struct reply){json, NULL, r->reply};
}

static void reply_headers(struct oas *o, enum kind k)
{
    if (k != K_CREATE && k != K_GET)
        return;
    jw_obj(&o->w, "headers");
    jw_obj_flat(&o->w, k == K_GET ? "ETag" : "Location");
    schema_shape(o, "schema", "str");
    jw_end(&o->w);
    jw_end(&o->w);
}

static void problem_replies(struct oas *o)
{
    static const char *const classes[] = {"4XX", "5XX"};
    for (size_t i = 0; i < COUNT_OF(classes); i++) {
        jw_obj_flat(&o->w, classes[i]);
        jw_strz(&o->w, "$ref", "#/components/responses/Problem");
        jw_end(&o->w);
    }
}

static void operation_replies(struct oas *o, const struct route *r, enum kind k)
{
    struct jsonw *w = &o->w;
    int status = r->status ? r->status : 200;
    jw_obj(w, "responses");
    jw_obj(w, arena_fmt(o->mem, "%d", status).p);
    jw_strz(w, "description",
            status == 201   ? "Made"
            : status == 204 ? "Done, nothing to say"
                            : "Done");
    reply_headers(o, k);
    if (status != 204) {
        struct reply reply = reply_of(o, r, k);
        jw_obj(w, "content");
        jw_obj(w, reply.type);
        if (reply.component)
            schema_ref(o, "schema", reply.component);
        else if (reply.shape)
            schema_shape(o, "schema", reply.shape);
        jw_end(w);
        jw_end(w);
    }
    jw_end(w);
    if (r->run == meta_get) {
        jw_obj_flat(w, "304");
        jw_strz(w, "description", "As the ETag in If-None-Match");
        jw_end(w);
    }
    problem_replies(o);
    jw_end(w);
}

/* --- operations --- */

static struct str operation_about(struct oas *o, const struct route *r)
{
    if (r->flags & PUBLIC)
        return S("No login needed.");
    if (!r->perm)
        return S("Any login; what it may see or do is judged row by row.");
    return arena_fmt(o->mem, "Needs the permission %s.", r->perm);
}

static void operation(struct oas *o, const struct route *r)
{
    struct jsonw *w = &o->w;
    enum kind k = kind_of(r);
    jw_obj(w, lower(o, r->method).p);
    jw_str(w, "operationId", operation_id(o, r, k));
    jw_arr_flat(w, "tags");
    jw_strz(w, NULL, tag_of(o, r));
    jw_end(w);
    if (k == K_OTHER)
        jw_strz(w, "summary", r->help.en ? r->help.en : r->path);
    else
        jw_str(w, "summary", arena_fmt(o->mem, "%s: %s", r->res->label.en, r->help.en));
    jw_str(w, "description", operation_about(o, r));
    if (r->flags & PUBLIC) {
        jw_arr_flat(w, "security");
        jw_end(w);
    }
    operation_params(o, r, k);
    operation_body(o, r, k);
    operation_replies(o, r, k);
    jw_end(w);
}

static bool seen_before(const struct route *const *all, size_t i, bool same_method)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(all[k]->path, all[i]->path) == 0 &&
            (!same_method || strcmp(all[k]->method, all[i]->method) == 0))
            return true;
    return false;
}

static void all_paths(struct oas *o, const struct route *const *all, size_t n)
{
    jw_obj(&o->w, "paths");
    for (size_t i = 0; i < n; i++) {
        if (seen_before(all, i, false))
            continue;
        jw_obj(&o->w, all[i]->path);
        if (strchr(all[i]->path, '{'))
            path_params(o, all[i]);
        for (size_t k = i; k < n; k++)
            if (strcmp(all[k]->path, all[i]->path) == 0 && !seen_before(all, k, true))
                operation(o, all[k]);
        jw_end(&o->w);
    }
    jw_end(&o->w);
}

static void all_tags(struct oas *o, const struct route *const *all, size_t n)
{
    struct jsonw *w = &o->w;
    jw_arr(w, "tags");
    for (size_t i = 0; i < n; i++) {
        const char *tag = tag_of(o, all[i]);
        bool told = false;
        for (size_t k = 0; k < i && !told; k++)
            told = strcmp(tag_of(o, all[k]), tag) == 0;
        if (told)
            continue;
        const struct resource *r = app_resource(str_of(tag));
        jw_obj_flat(w, NULL);
        jw_strz(w, "name", tag);
        if (r)
            jw_strz(w, "description", r->label.en);
        jw_end(w);
    }
    jw_end(w);
}

/* --- components --- */

static void shared_begin(struct oas *o, const char *key, const char *name, const char *in,
                         bool required, const char *about)
{
    jw_obj_flat(&o->w, key);
    jw_strz(&o->w, "name", name);
    jw_strz(&o->w, "in", in);
    if (required)
        jw_bool(&o->w, "required", true);
    jw_strz(&o->w, "description", about);
}

static void shared_shape(struct oas *o, const char *key, const char *name, const char *in,
                         bool required, const char *about, const char *shape)
{
    shared_begin(o, key, name, in, required, about);
    schema_shape(o, "schema", shape);
    jw_end(&o->w);
}

static void shared_field(struct oas *o, const char *key, const char *in, const struct field *f,
                         const char *about)
{
    shared_begin(o, key, f->name, in, strcmp(in, "path") == 0, about);
    schema_field(o, "schema", f, false, false);
    jw_end(&o->w);
}

static void shared_params(struct oas *o)
{
    static const struct field id = {.name = "id", .type = F_ID},
                              community = {.name = "community_id", .type = F_ID};
    static const struct field limit = {.name = "limit", .type = F_INT, .min = 1, .max = 200};
    static const struct {
        const char *key, *name, *about;
    } flags[] = {{"Count", "count", "1: with total"},
                 {"Refs", "refs", "1: with the names of what rows point to"},
                 {"Actions", "actions", "1: each row with the actions this caller may do now"},
                 {"Archived", "archived", "1: the archived rows instead"},
                 {"Mine", "mine", "1: only those that are the caller's own"},
                 {"DryRun", "dry_run", "1: check only, load nothing"}};
    jw_obj(&o->w, "parameters");
    shared_field(o, "Id", "path", &id, "id of the row");
    shared_field(o, "Community", "query", &community,
                 "may be left out when the login sees exactly one");
    shared_field(o, "Limit", "query", &limit, "rows at most; 50 when left out");
    shared_shape(o, "Q", "q", "query", false, "text to look for", "str");
    shared_shape(o, "After", "after", "query", false, "the next of the page before", "str");
    for (size_t i = 0; i < COUNT_OF(flags); i++)
        shared_shape(o, flags[i].key, flags[i].name, "query", false, flags[i].about, "(0|1)");
    shared_shape(o, "IfMatch", "If-Match", "header", true, "the version that was read", "str");
    shared_shape(o, "IdempotencyKey", "Idempotency-Key", "header", false,
                 "same key and body: the same answer for 24 h, 7 days with happened_at or taken_at",
                 "str");
    shared_shape(o, "Csrf", "X-CSRF-Token", "header", false,
                 "csrf of the session; needed with the cookie, not with a bearer token", "str");
    jw_end(&o->w);
}

static void shared_problem(struct oas *o)
{
    struct jsonw *w = &o->w;
    jw_obj(w, "responses");
    jw_obj(w, "Problem");
    jw_strz(w, "description", "What went wrong (RFC 9457), in the language of Accept-Language");
    jw_obj(w, "headers");
    jw_obj_flat(w, "Retry-After");
    jw_strz(w, "description", "seconds; with 429 and 503");
    schema_shape(o, "schema", "int");
    jw_end(w);
    jw_end(w);
    jw_obj(w, "content");
    jw_obj(w, "application/problem+json");
    schema_ref(o, "schema", "Problem");
    jw_end(w);
    jw_end(w);
    jw_end(w);
    jw_end(w);
}

static void security_schemes(struct oas *o)
{
    struct jsonw *w = &o->w;
    jw_obj(w, "securitySchemes");
    jw_obj_flat(w, "cookie");
    jw_strz(w, "type", "apiKey");
    jw_strz(w, "in", "cookie");
    jw_strz(w, "name", "anju");
    jw_end(w);
    jw_obj_flat(w, "bearer");
    jw_strz(w, "type", "http");
    jw_strz(w, "scheme", "bearer");
    jw_strz(w, "description", "from anju token create");
    jw_end(w);
    jw_end(w);
}

static void head(struct oas *o)
{
    static const char *const ways[] = {"cookie", "bearer"};
    struct jsonw *w = &o->w;
    jw_strz(w, "openapi", "3.1.0");
    jw_obj(w, "info");
    jw_strz(w, "title", "Anju");
    jw_strz(w, "version", "v1");
    jw_strz(w, "description",
            "Property management. Ids are integers, money is in fen, areas in 0.01 m²; docs/api.md "
            "has the conventions.");
    jw_obj_flat(w, "license");
    jw_strz(w, "name", "Apache-2.0");
    jw_strz(w, "identifier", "Apache-2.0");
    jw_end(w);
    jw_end(w);
    jw_arr_flat(w, "servers");
    jw_obj(w, NULL);
    jw_strz(w, "url", "/");
    jw_end(w);
    jw_end(w);
    jw_arr_flat(w, "security");
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        jw_obj(w, NULL);
        jw_arr(w, ways[i]);
        jw_end(w);
        jw_end(w);
    }
    jw_end(w);
}

void openapi_print(const struct app *app, struct buf *out)
{
    (void)app; /* the router's table is the program's own */
    size_t n;
    const struct route *const *all = routes_all(&n);
    struct oas o = {.w = {.b = out}, .mem = arena_new(ARENA_REPORT_BYTES)};
    jw_obj(&o.w, NULL);
    head(&o);
    all_tags(&o, all, n);
    all_paths(&o, all, n);
    jw_obj(&o.w, "components");
    jw_obj(&o.w, "schemas");
    schema_components(&o);
    jw_end(&o.w);
    shared_params(&o);
    shared_problem(&o);
    security_schemes(&o);
    jw_end(&o.w);
    jw_end(&o.w);
    buf_putc(out, '\n');
    arena_free(o.mem);
}
