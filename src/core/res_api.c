/* res_api.c - the derived routes of a resource: list, create, get, patch, archive, actions,
 * timeline, files, import, export. Each checks its right in the row's own community; a row out of
 * sight is "not found", never "forbidden". */
#include "core/event.h"
#include "core/search.h"

static enum err may_here(struct ctx *c, int perm, int64_t community_id)
{
    if (who_may_i(c->who, perm, community_id))
        return E_OK;
    return FAIL(c, E_DENIED, "您的岗位不能做这件事", "your role may not do this");
}

static enum err list_total(struct ctx *c, struct req *q, const struct res_rt *rt,
                           const struct list_spec *s)
{
    struct sql_args args;
    const struct query *query;
    struct val total;
    struct list_spec counted = *s;
    counted.by = s->by == BY_HIT ? BY_FEW : s->by; /* in one statement */
    TRY(search_all(c, q->tx, rt, &counted));
    TRY(list_query(c, q->app->db, rt, &counted, true, &args, &query));
    TRY(q_one(c, q->tx, query, args.v, args.n, &total, 1));
    buf_fmt(&q->out, ",\"total\":%lld", (long long)val_int(total));
    return E_OK;
}

static enum err api_list(struct ctx *c, struct req *q)
{
    const struct res_rt *rt = rt_of(q->res);
    struct list_spec s;
    struct row *rows;
    size_t n;
    struct str next;
    TRY(list_parse(c, q, rt, &s));
    TRY(search_plan(c, q->tx, rt, &s));
    TRY(list_run(c, q->tx, rt, &s, &rows, &n, &next));
    buf_put(&q->out, S("{\"items\":["));
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_putc(&q->out, ',');
        res_render(c, q->res, &rows[i], s.actions ? RENDER_ACTIONS : 0, &q->out);
    }
    buf_put(&q->out, S("],\"next\":"));
    if (next.n)
        buf_json(&q->out, next);
    else
        buf_put(&q->out, S("null"));
    if (s.count)
        TRY(list_total(c, q, rt, &s));
    if (s.refs)
        TRY(res_refs_json(c, q->tx, q->res, rows, n, &q->out));
    buf_putc(&q->out, '}');
    return E_OK;
}

/* The row as single answers show it: actions and the resource's own extras. */
static enum err reply_row(struct ctx *c, struct req *q, const struct row *row, bool refs)
{
    struct buf *b = &q->out;
    res_render(c, q->res, row, RENDER_ACTIONS, b);
    b->n--; /* reopen the object */
    if (q->res->extra)
        TRY(q->res->extra(c, q->tx, row, b));
    if (refs)
        TRY(res_refs_json(c, q->tx, q->res, row, 1, b));
    buf_putc(b, '}');
    return E_OK;
}

static enum err api_get(struct ctx *c, struct req *q)
{
    struct row row;
    TRY(res_load_seen(c, q->tx, q->res, q->ids[0], &row));
    req_header(q, "ETag", arena_fmt(c->mem, "\"%lld\"", (long long)row_int(&row, R_VERSION)));
    return reply_row(c, q, &row, str_eqz(http_param(q->h, "refs"), "1"));
}

static enum err create_prepare(struct ctx *c, struct req *q)
{
    const struct resource *r = q->res;
    int64_t community = 0;
    enum err e = fields_read(c, r->fields, r->nfields, q->body, READ_CREATE, NULL, &q->in);
    if (e != E_OK && e != E_INVALID)
        return e;
    if (!r->system && !row_has(&q->in, R_COMMUNITY)) {
        community = who_only_community(c->who, r->create);
        if (!community)
            (void)FAIL_FIELD(c, "community_id", "required", "必填", "required");
        row_put(&q->in, R_COMMUNITY, v_int(community));
    } else if (r->system && row_int(&q->in, R_COMMUNITY) != 0)
        (void)FAIL_FIELD(c, "community_id", "read_only", "由系统填写", "set by the system");
    if (c->fault.nfields)
        return E_INVALID;
    community = row_int(&q->in, R_COMMUNITY);
    const struct res_rt *rt = rt_of(r);
    if (!rules_any(c, rt, community) && !who_may_i(c->who, rt->create_i, community) &&
        !who_works(c->who, community))
        return FAIL(c, E_MISSING, "没有找到这个项目", "no such community");
    TRY(may_here(c, rt->create_i, community));
    return r->prepare ? r->prepare(c, q->app, &q->in) : E_OK;
}

enum err edit_allowed(struct ctx *c, const struct res_rt *rt, const struct row *in,
                      int64_t community)
{
    for (int i = 0; i < rt->r->nfields; i++)
        if (in->set & BIT(i) && rt->r->fields[i].edit &&
            !who_may_i(c->who, rt->edit_i[i], community))
            (void)FAIL_FIELD(c, rt->r->fields[i].name, "denied", "您的岗位不能填写",
                             "your role may not set this");
    return c->fault.nfields ? E_INVALID : E_OK;
}

static enum err api_create(struct ctx *c, struct req *q)
{
    struct row neu = q->in; /* a copy: this may run again */
    TRY(edit_allowed(c, rt_of(q->res), &neu, row_int(&neu, R_COMMUNITY)));
    TRY(res_insert(c, q->tx, q->res, &neu));
    req_header(q, "Location",
               arena_fmt(c->mem, "/api/v1/%s/%lld", q->res->path, (long long)row_int(&neu, R_ID)));
    return reply_row(c, q, &neu, false);
}

static enum err need_version(struct ctx *c, struct req *q, const struct row *old)
{
    struct str h = http_header(q->h, "If-Match");
    int64_t v;
    if (!h.p)
        return FAIL(c, E_PRECOND, "缺少 If-Match:请带上读到的版本号",
                    "If-Match is missing: send the version you read");
    if (h.n >= 2 && h.p[0] == '"')
        h = str_sub(h, 1, h.n - 2);
    if (!str_int(h, &v))
        return FAIL(c, E_SYNTAX, "If-Match 应为版本号", "If-Match must be a version number");
    if (v == row_int(old, R_VERSION))
        return E_OK;
    c->fault.current_version = row_int(old, R_VERSION);
    return FAIL(c, E_CONFLICT, "别人改过这条记录,请重新读取后再改",
                "someone changed this record; read it again, then change it");
}

static enum err patch_prepare(struct ctx *c, struct req *q)
{
    const struct resource *r = q->res;
    TRY(fields_read(c, r->fields, r->nfields, q->body, READ_PATCH, NULL, &q->in));
    q->in.v[R_ID] = v_int(q->ids[0]); /* not set: for prepare to know which row it is about */
    return r->prepare ? r->prepare(c, q->app, &q->in) : E_OK;
}

static enum err api_patch(struct ctx *c, struct req *q)
{
    struct row old, neu = q->in;
    const struct res_rt *rt = rt_of(q->res);
    TRY(res_load_seen(c, q->tx, q->res, q->ids[0], &old));
    TRY(may_here(c, rt->update_i, row_int(&old, R_COMMUNITY)));
    TRY(edit_allowed(c, rt, &neu, row_int(&old, R_COMMUNITY)));
    TRY(need_version(c, q, &old));
    TRY(res_store(c, q->tx, q->res, &old, &neu, NULL, (struct str){0}));
    return reply_row(c, q, &neu, false);
}

static enum err api_archive(struct ctx *c, struct req *q)
{
    struct row old, neu = {0};
    TRY(res_load_seen(c, q->tx, q->res, q->ids[0], &old));
    TRY(may_here(c, rt_of(q->res)->remove_i, row_int(&old, R_COMMUNITY)));
    TRY(need_version(c, q, &old));
    row_put(&neu, R_ARCHIVED, v_int(1));
    const char *topic = str_z(c->mem, arena_fmt(c->mem, "%s.archived", q->res->name));
    TRY(res_store(c, q->tx, q->res, &old, &neu, topic, (struct str){0}));
    return reply_row(c, q, &neu, false);
}

/* A row that somebody else was faster to take (grab) is out of sight now; who could have taken it
 * is told so, everybody else gets the answer he had. */
static enum err load_to_act(struct ctx *c, struct req *q, const char *action, struct row *ret)
{
    const struct resource *r = q->res;
    enum err e = res_load_seen(c, q->tx, r, q->ids[0], ret);
    if (e != E_DENIED)
        return e;
    TRY(res_load(c, q->tx, r, q->ids[0], ret));
    if (!r->staff_field || !row_int(ret, r->staff_field) || !flow_open_to(c, r, ret, action))
        return e;
    fault_clear(c);
    c->fault.current_version = row_int(ret, R_VERSION);
    return FAIL(c, E_STATE, "已经有人接走了", "somebody else was faster");
}

static enum err api_action(struct ctx *c, struct req *q)
{
    const char *action = str_z(c->mem, q->words[0]);
    struct row row;
    int64_t version = 0;
    const struct json *v = q->body ? json_get(q->body, "version") : NULL;
    if (v && json_type(v) != JSON_INT)
        return FAIL_FIELD(c, "version", "type", "应为整数", "must be an integer");
    version = v ? json_int(v) : 0;
    TRY(load_to_act(c, q, action, &row));
    TRY(flow_act(c, q->tx, q->res, &row, action, q->body, version));
    return reply_row(c, q, &row, false);
}

static enum err api_timeline(struct ctx *c, struct req *q)
{
    struct row row;
    TRY(res_load_seen(c, q->tx, q->res, q->ids[0], &row));
    int64_t community = row_int(&row, R_COMMUNITY);
    buf_put(&q->out, S("{\"items\":["));
    TRY(event_timeline(c, q->tx, q->res, q->ids[0], community,
                       who_staff(c->who, community) > 0 || who_may(c->who, q->res->read, community),
                       &q->out));
    buf_put(&q->out, S("]}"));
    return E_OK;
}

/* The derived routes as data: which address, which right, and what a resource must have to get it.
 */
enum need { SEEN, CREATES, UPDATES, REMOVES, MOVES, TELLS, READ_ALL, REVEALS };
static const struct derived {
    const char *method, *suffix;
    enum need need;
    unsigned flags;
    route_fn prepare, run;
    int status;
    struct text help;
} derived[] = {
    {"GET", "", SEEN, 0, NULL, api_list, 0, {"列表", "List"}},
    {"POST", "", CREATES, 0, create_prepare, api_create, 201, {"新建", "Create"}},
    {"GET", "/{id}", SEEN, 0, NULL, api_get, 0, {"读取", "Read one"}},
    {"PATCH", "/{id}", UPDATES, 0, patch_prepare, api_patch, 0, {"修改", "Change"}},
    {"DELETE", "/{id}", REMOVES, 0, NULL, api_archive, 0, {"归档", "Archive"}},
    {"POST", "/{id}/actions/{action}", MOVES, 0, NULL, api_action, 0, {"执行动作", "Take a step"}},
    {"GET", "/{id}/timeline", TELLS, 0, NULL, api_timeline, 0, {"时间线", "Timeline"}},
    {"POST",
     "/{id}/files",
     MOVES,
     NO_TX | MULTIPART | ONE_TX,
     NULL,
     file_upload,
     201,
     {"上传文件", "Attach a file"}},
    {"GET", "/{id}/files", MOVES, 0, NULL, file_list, 0, {"文件", "Files"}},
    {"POST",
     "/import",
     CREATES,
     RAW_BODY | SLOW | NO_TX | ONE_TX,
     import_prepare,
     import_run,
     0,
     {"导入 CSV", "Import CSV"}},
    {"POST",
     "/{id}/reveal",
     REVEALS,
     0,
     reveal_prepare,
     reveal_post,
     0,
     {"查看完整个人信息", "See personal data in full"}},
    {"GET", "/export.csv", READ_ALL, SLOW | NO_TX, NULL, export_csv, 0, {"导出 CSV", "Export CSV"}},
    {"GET",
     "/export.xlsx",
     READ_ALL,
     SLOW | NO_TX,
     NULL,
     export_xlsx,
     0,
     {"导出 XLSX", "Export XLSX"}},
};

/* Does r have this route, and with which right? A NULL right: a login is enough, rows are judged
 * one by one. */
static bool has_route(const struct resource *r, enum need need, const char **ret_perm)
{
    const char *sight = r->rules ? NULL : r->read;
    const char *perms[] = {
        [SEEN] = sight, [CREATES] = r->create, [UPDATES] = r->update, [REMOVES] = r->remove,
        [MOVES] = NULL, [TELLS] = sight,       [READ_ALL] = r->read,  [REVEALS] = "personal.read"};
    *ret_perm = perms[need];
    switch (need) {
    case SEEN: return true;
    case MOVES: return r->machine != NULL;
    case TELLS: return !r->quiet;
    case REVEALS: return reveal_offered(r);
    default: return perms[need] != NULL;
    }
}

size_t res_routes(struct arena *a, const struct resource *r, struct route *ret, size_t max)
{
    size_t n = 0;
    ASSERT(max >= COUNT_OF(derived));
    for (size_t i = 0; i < COUNT_OF(derived) && (r->read || r->rules); i++) {
        const struct derived *d = &derived[i];
        const char *perm;
        if (!has_route(r, d->need, &perm))
            continue;
        ret[n++] =
            (struct route){.method = d->method,
                           .path = str_z(a, arena_fmt(a, "/api/v1/%s%s", r->path, d->suffix)),
                           .perm = perm,
                           .flags = d->flags | (perm ? 0 : ANY_USER),
                           .prepare = d->prepare,
                           .run = d->run,
                           .help = d->help,
                           .status = d->status,
                           .res = r};
        if (d->need == REVEALS) {
            ret[n - 1].input = reveal_fields;
            ret[n - 1].ninput = reveal_nfields;
            ret[n - 1].reply = "{values:object}";
        }
    }
    return n;
}
