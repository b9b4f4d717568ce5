/* door.c - takes the place of http.c for the fuzz targets; see door.h. Links before libanju, so the
 * archive's own http.c is never drawn in. */
#include "door.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"
#include "core/live.h"
#include "http/inner.h"

#define MARK_A "TELLTALE-OF-A"
#define MARK_B "TELLTALE-OF-B"
enum { HEADERS_MAX = 24, NAMES_MAX = 8 };

struct http_conn { /* what http.c knows of a request, here its headers */
    struct {
        struct str name, value;
    } headers[HEADERS_MAX];
    int n;
    mutex lock;
    cond answered;
    bool later, done;
};

static struct {
    struct house *h;
    struct http_app app;
    struct arena *mem;
    struct str token[AS__N];
    struct {
        const char *name;
        int64_t id;
    } names[NAMES_MAX];
    int nnames;
    void (*hurt)(void); /* faults are injected: ends them */
    bool leaves;        /* close_house is on exit's list */
    struct http_part *parts;
    int nparts;
    struct live *live;
} d;

/* --- what http.c gives the application --- */

struct str http_header(const struct http_req *q, const char *name)
{
    for (int i = 0; i < q->conn->n; i++)
        if (str_eq_nocase(q->conn->headers[i].name, str_of(name)))
            return q->conn->headers[i].value;
    return (struct str){0};
}

void reply_header(struct http_reply *r, const char *name, struct str value)
{
    ASSERT(r->nheaders < HTTP_REPLY_HEADERS);
    r->headers[r->nheaders].name = name;
    r->headers[r->nheaders++].value = value;
}

void http_later(struct http_req *q)
{
    q->conn->later = true;
}

void http_answer(struct http_req *q)
{
    mutex_lock(&q->conn->lock);
    q->conn->done = true;
    cond_signal(&q->conn->answered);
    mutex_unlock(&q->conn->lock);
}

void http_stats_get(struct http *h, struct http_stats *ret)
{
    (void)h;
    *ret = (struct http_stats){0};
}

/* --- the house --- */

_Noreturn void door_found(const char *what, struct str where)
{
    fprintf(stderr, "\nfound: %s\n" PRS "\n", what, PRA(where));
    abort();
}

static void must(enum err e)
{
    if (e != E_OK)
        door_found("the house does not open", d.h->c.fault.message);
}

static void name_id(const char *name, int64_t id)
{
    ASSERT(d.nnames < NAMES_MAX);
    d.names[d.nnames].name = name;
    d.names[d.nnames++].id = id;
}

static void mark(int64_t community, int64_t unit, const char *text)
{
    struct row person = {0}, ticket = {0};
    house_as(d.h, AS_SYSTEM);
    row_put(&person, R_COMMUNITY, v_int(community));
    row_put(&person, PE_NAME, v_text(str_of(text)));
    must(house_insert(d.h, &res_person, &person));
    row_put(&ticket, R_COMMUNITY, v_int(community));
    row_put(&ticket, T_KIND, v_int(KIND_REPAIR));
    row_put(&ticket, T_CHANNEL, v_int(CH_PHONE));
    row_put(&ticket, T_SPACE, v_int(unit));
    row_put(&ticket, T_TITLE, v_text(str_of(text)));
    must(house_insert(d.h, &res_ticket, &ticket));
}

static int file_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static void files_remove(const char *folder)
{
    (void)nftw(folder, file_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static void close_house(void)
{
    if (!d.h)
        return;
    files_remove(arena_fmt(d.mem, "%s/files", d.h->dir).p);
    (void)rmdir(arena_fmt(d.mem, "%s/tmp", d.h->dir).p); /* XLSX files are made there */
    arena_free(d.mem);
    house_close(d.h);
    d.h = NULL;
    d.nnames = 0;
}

void door_close(void)
{
    close_house();
}

void door_hurt(void (*hurt)(void))
{
    d.hurt = hurt;
}

void door_parts(struct http_part *parts, int n)
{
    d.parts = parts;
    d.nparts = n;
}

static void open_house(void)
{
    crypto_start();
    d.h = house_open();
    d.mem = arena_new(ARENA_REPORT_BYTES);
    d.h->app.data_dir = d.h->dir;
    ASSERT(mkdir(arena_fmt(d.mem, "%s/tmp", d.h->dir).p, 0700) == 0);
    if (!d.live)
        d.live = live_new(&d.h->app); /* one for the process, as in serve */
    d.h->app.live = d.live;
    d.app = app_http(&d.h->app);
    for (enum as as = AS_ADMIN; as < AS__N; as++) {
        struct str token;
        struct token_spec spec = {.name = S("fuzz")};
        must(token_create(&d.h->c, &d.h->app, str_of(house_name(as)), &spec, &token));
        d.token[as] = str_dup(d.h->mem, token);
    }
    mark(d.h->a, d.h->unit, MARK_A);
    mark(d.h->b, d.h->unit_b, MARK_B);
    name_id("$a", d.h->a);
    name_id("$b", d.h->b);
    name_id("$unit", d.h->unit);
    name_id("$person", d.h->person[AS_RESIDENT]);
    name_id("$staff", d.h->staff[AS_WORKER]);
    name_id("$ticket", house_ticket_in(d.h, KIND_REPAIR, IN_PROGRESS));
    name_id("$user", d.h->who[AS_DESK]->user_id);
    if (!d.leaves)
        atexit(close_house);
    d.leaves = true;
}

struct house *door_house(void)
{
    if (!d.h)
        open_house();
    return d.h;
}

struct arena *door_mem(void)
{
    (void)door_house();
    return d.mem;
}

/* --- one call --- */

static struct str with_ids(struct str s)
{
    struct buf b;
    buf_init(&b, d.mem, 2 << 20);
    for (size_t i = 0; i < s.n;) {
        int hit = -1;
        struct str rest = str_sub(s, i, s.n);
        for (int k = 0; k < d.nnames && s.p[i] == '$'; k++)
            if (str_starts(rest, str_of(d.names[k].name)) &&
                (hit < 0 || strlen(d.names[k].name) > strlen(d.names[hit].name)))
                hit = k;
        if (hit < 0)
            buf_putc(&b, s.p[i++]);
        else {
            buf_int(&b, d.names[hit].id);
            i += strlen(d.names[hit].name);
        }
    }
    return buf_str(&b);
}

static enum as role_of(const char *role)
{
    for (enum as as = AS_ADMIN; as < AS__N; as++)
        if (strcmp(house_name(as), role) == 0)
            return as;
    return AS_SYSTEM;
}

static void read_headers(struct http_conn *conn, struct str text)
{
    while (text.p && conn->n < HEADERS_MAX - 1) {
        struct str value = str_trim(str_next(&text, '\n'));
        struct str name = str_next(&value, ':');
        if (!name.n || !value.p || str_has_nul(value))
            continue;
        conn->headers[conn->n].name = name;
        conn->headers[conn->n++].value = str_trim(value);
    }
}

static bool is_json(const struct http_reply *r)
{
    for (int i = 0; i < r->nheaders; i++)
        if (strcmp(r->headers[i].name, "Content-Type") == 0)
            return str_find(r->headers[i].value, S("json")) >= 0;
    return false;
}

static void judge(const struct http_reply *r, enum as as, struct str said, struct str input)
{
    static const int good[] = {200, 201, 204, 304, 400, 401, 403, 404,
                               405, 409, 413, 415, 422, 428, 429};
    bool known = false;
    for (size_t i = 0; i < COUNT_OF(good); i++)
        known |= r->status == good[i];
    known |= d.hurt && (r->status == 500 || r->status == 503 || r->status == 507);
    if (!known)
        door_found(arena_fmt(d.mem, "status %d", r->status).p, input);
    struct ctx c = {.mem = d.mem, .lang = LANG_EN};
    const struct json *j;
    bool deep = str_find(input, S("/openapi.json")) >= 0; /* deeper than we read ourselves */
    if (is_json(r) && !deep && json_parse(&c, said, &j) != E_OK)
        door_found("the reply is not JSON", said);
    bool of_b = as >= AS_MANAGER_B;
    const char *foreign = of_b ? MARK_A : MARK_B;
    if (as != AS_ADMIN && str_find(input, S("TELLTALE")) < 0 &&
        str_find(said, str_of(foreign)) >= 0)
        door_found("another community's mark", said);
}

int door_call(const char *role, const char *method, struct str target, struct str headers,
              struct str body, struct str *ret_body)
{
    (void)door_house();
    struct http_conn conn = {.n = 0};
    struct http_plan plan = {0};
    struct http_reply reply = {0};
    struct arena *mem = arena_new(ARENA_REPORT_BYTES);
    enum as as = role_of(role);
    struct str query = with_ids(target), raw = str_next(&query, '?');
    struct http_req q = {.mem = mem,
                         .method = method_of(str_of(method)),
                         .method_text = str_of(method),
                         .query = query.p ? query : (struct str){0},
                         .peer = S("127.0.0.1"),
                         .received_ms = HOUSE_NOW,
                         .received_us = clock_mono_us(),
                         .conn = &conn};
    int status = 400;
    mutex_init(&conn.lock);
    cond_init(&conn.answered);
    read_headers(&conn, headers);
    if (as != AS_SYSTEM) {
        conn.headers[conn.n].name = S("Authorization");
        conn.headers[conn.n++].value = arena_fmt(mem, "Bearer " PRS, PRA(d.token[as]));
    }
    if (path_decode(mem, raw, &q.path)) {
        d.app.on_head(d.app.arg, &q, &plan, &reply);
        q.body = with_ids(body);
        q.parts = d.parts;
        q.nparts = plan.multipart ? d.nparts : 0;
        if (q.body.n > plan.body_max)
            q.body.n = plan.body_max;
        if (reply.status < 400)
            d.app.on_request(d.app.arg, &q, &reply);
        mutex_lock(&conn.lock);
        while (conn.later && !conn.done)
            cond_wait(&conn.answered, &conn.lock);
        mutex_unlock(&conn.lock);
        if (d.hurt)
            d.hurt();
        status = reply.status = reply.status ? reply.status : 200;
        if (reply.file_fd > 0)
            close(reply.file_fd);
        struct buf input; /* not by a format: it may hold U+0000 */
        buf_init(&input, mem, 8 << 20);
        buf_fmt(&input, "%s %s ", role, method);
        buf_put(&input, q.path);
        buf_putc(&input, '?');
        buf_put(&input, q.query);
        buf_putc(&input, '\n');
        buf_put(&input, q.body);
        judge(&reply, as, reply.body, buf_str(&input));
        d.app.on_done(d.app.arg, &q, status, (int64_t)reply.body.n, 1);
        if (ret_body)
            *ret_body = str_dup(d.mem, reply.body);
    }
    cond_free(&conn.answered);
    mutex_free(&conn.lock);
    arena_free(mem);
    return status;
}

int door_text(struct str text)
{
    (void)door_house();
    arena_reset(d.mem);
    struct str rest = text, line = str_next(&rest, '\n');
    const char *role = str_z(d.mem, str_next(&line, ' ')),
               *method = str_z(d.mem, str_next(&line, ' '));
    ptrdiff_t end = rest.p ? str_find(rest, S("\n\n")) : -1;
    struct str headers = end < 0 ? rest : str_sub(rest, 0, (size_t)end);
    struct str body = end < 0 ? (struct str){0} : str_sub(rest, (size_t)end + 2, rest.n);
    if (!line.n)
        return 0;
    return door_call(role, method, line, headers, body, NULL);
}
