/* open311.c - GeoReport v2 (wiki.open311.org), so that civic apps that know it work here unchanged:
 * services are the categories one may report, requests are the tickets that came this way. A
 * community opens the door itself (intake settings); what came through it is public, but never who
 * sent it. Posting needs an API token with the right to register, sent as api_key. */
#include <stdlib.h>
#include <string.h>

#include "core/event.h"
#include "rooms/intake/room.h"

enum { SERVICES_MAX = 500, FORM_MAX = 60, DAYS_DEFAULT = 90, IDS_MAX = 50 };

static const struct query Q_OPEN = {
    "open311.open",
    "SELECT s.community_id, c.name, s.notice FROM intake_setting s JOIN community c "
    "ON c.id = s.community_id WHERE s.open311 = 1 AND s.archived = 0 AND "
    "c.archived = 0 AND (CAST($1 AS BIGINT) = 0 OR s.community_id = $1) ORDER BY "
    "s.community_id LIMIT 1"};
static const struct query Q_SERVICES = {
    "open311.services",
    "SELECT id, name, name_en, group_name, problem, words, group_name_en, problem_en FROM category "
    "WHERE community_id = $1 AND kind IN (1, 2, 6) AND archived = 0 ORDER BY id "
    "LIMIT 500"};
static const struct query Q_SERVICE = {
    "open311.service", "SELECT id, kind, name FROM category WHERE community_id = $1 AND id = $2 "
                       "AND kind IN (1, 2, 6) AND archived = 0"};
#define COLUMNS                                                                                    \
    "SELECT t.id, t.state, t.title, t.detail, t.category_id, k.name, k.name_en, t.created_at, "    \
    "t.updated_at, t.resolve_due, t.address, s.path_name, t.space_id, t.answer, t.rest FROM "      \
    "ticket t LEFT JOIN category k ON k.id = t.category_id AND k.community_id = t.community_id "   \
    "LEFT JOIN space s ON s.id = t.space_id AND s.community_id = t.community_id WHERE "            \
    "t.community_id = $1 AND t.channel = 13 AND t.archived = 0 "
static const struct query Q_LIST = {
    "open311.list",
    COLUMNS "AND t.created_at >= $2 AND t.created_at < $3 AND (CAST($4 AS BIGINT) = 0 OR "
            "t.category_id = $4) AND t.state >= $5 AND t.state <= $6 ORDER BY t.created_at DESC, "
            "t.id DESC LIMIT 1000"};
static const struct query Q_ONE = {"open311.one", COLUMNS "AND t.id = $2"};
static const struct query Q_SPACE = {
    "open311.space",
    "SELECT id FROM space WHERE community_id = $1 AND archived = 0 AND (code = $2 OR id = $3)"};
const struct query *const open311_queries[] = {&Q_OPEN, &Q_SERVICES, &Q_SERVICE, &Q_LIST,
                                               &Q_ONE,  &Q_SPACE,    NULL};
enum {
    C_ID,
    C_STATE,
    C_TITLE,
    C_DETAIL,
    C_SERVICE,
    C_NAME,
    C_NAME_EN,
    C_CREATED,
    C_UPDATED,
    C_DUE,
    C_ADDRESS,
    C_PATH,
    C_SPACE,
    C_ANSWER,
    C_REST,
    C__N
};

struct pair {
    struct str name, value;
};
struct ask {
    struct req *q;
    struct geo_out out;
    int64_t community;
    struct str place, notice;
    struct pair form[FORM_MAX];
    size_t nform;
    /* of a post */
    struct row ticket;
    int64_t service, kind, space;
    /* of a list */
    int64_t from_ms, to_ms, state_min, state_max;
    int64_t ids[IDS_MAX];
    size_t nids;
};

static bool is_xml(const struct req *q)
{
    return str_ends(q->h->path, S(".xml"));
}

/* The fault as Open311 says it: [{code, description}] with the code as HTTP status too. */
static enum err refuse(struct ctx *c, struct ask *a, int status, const char *zh, const char *en)
{
    a->q->status = status;
    buf_clear(a->out.b);
    geo_begin(&a->out, "errors", "error");
    geo_record(&a->out);
    geo_raw(&a->out, "code", arena_fmt(c->mem, "%d", status));
    geo_text(&a->out, "description", str_of(c->lang == LANG_ZH ? zh : en));
    geo_record_end(&a->out);
    geo_end(&a->out, "errors");
    return E_OK;
}

static struct ask *ask_new(struct ctx *c, struct req *q)
{
    struct ask *a = arena_get(c->mem, sizeof *a);
    a->q = q;
    a->out = (struct geo_out){.b = &q->out, .xml = is_xml(q)};
    req_header(q, "Content-Type",
               a->out.xml ? S("text/xml; charset=utf-8") : S("application/json; charset=utf-8"));
    return a;
}

/* The community that is asked: jurisdiction_id is its id, or may be left out where only one is
 * open. E_MISSING: none is. */
static enum err find_place(struct ctx *c, struct tx *tx, struct ask *a, struct str jurisdiction)
{
    struct val v[3];
    int64_t id = 0;
    if (jurisdiction.n && (!str_int(jurisdiction, &id) || id <= 0))
        return E_MISSING;
    TRY(q_one(c, tx, &Q_OPEN, IN(v_int(id)), v, 3));
    a->community = val_int(v[0]);
    a->place = val_str(v[1]);
    a->notice = val_str(v[2]);
    return E_OK;
}
#define NO_PLACE                                                                                   \
    404, "没有这个 jurisdiction_id,或者这个项目没有开放 Open311",                                  \
        "jurisdiction_id was not found, or that community has not opened Open311"

/* --- services --- */

static enum err services_get(struct ctx *c, struct req *q)
{
    struct ask *a = ask_new(c, q);
    struct rows rows;
    enum err e = find_place(c, q->tx, a, http_param(q->h, "jurisdiction_id"));
    if (e == E_MISSING)
        return refuse(c, a, NO_PLACE);
    TRY(e);
    TRY(q_rows(c, q->tx, &Q_SERVICES, IN(v_int(a->community)), SERVICES_MAX, &rows));
    geo_begin(&a->out, "services", "service");
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * 8;
        bool en = c->lang == LANG_EN && val_str(v[2]).n;
        struct buf words;
        buf_init(&words, c->mem, 1000);
        for (size_t k = 0; k < val_str(v[5]).n; k++)
            buf_putc(&words, val_str(v[5]).p[k] == ' ' ? ',' : val_str(v[5]).p[k]);
        geo_record(&a->out);
        geo_text(&a->out, "service_code", arena_fmt(c->mem, "%lld", (long long)val_int(v[0])));
        geo_text(&a->out, "service_name", val_str(v[en ? 2 : 1]));
        geo_text(&a->out, "description", val_str(v[en && val_str(v[7]).n ? 7 : 4]));
        geo_raw(&a->out, "metadata", S("false"));
        geo_text(&a->out, "type", S("realtime"));
        geo_text(&a->out, "keywords", buf_str(&words));
        geo_text(&a->out, "group", val_str(v[en && val_str(v[6]).n ? 6 : 3]));
        geo_record_end(&a->out);
    }
    geo_end(&a->out, "services");
    return E_OK;
}

/* No service asks for more than the protocol's own fields. */
static enum err service_get(struct ctx *c, struct req *q)
{
    struct ask *a = ask_new(c, q);
    struct val v[3];
    enum err e = find_place(c, q->tx, a, http_param(q->h, "jurisdiction_id"));
    if (e == E_OK)
        e = q_one(c, q->tx, &Q_SERVICE, IN(v_int(a->community), v_int(q->ids[0])), v, 3);
    if (e == E_MISSING)
        return refuse(c, a, 404, "没有这个 service_code", "service_code was not found");
    TRY(e);
    buf_fmt(a->out.b,
            a->out.xml ? "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<service_definition>"
                         "<service_code>%lld</service_code><attributes/></service_definition>\n"
                       : "{\"service_code\":\"%lld\",\"attributes\":[]}",
            (long long)q->ids[0]);
    return E_OK;
}

/* --- requests --- */

static void put_time(struct ctx *c, struct ask *a, const char *name, struct val at)
{
    struct buf b;
    buf_init(&b, c->mem, 64);
    if (at.t == V_INT)
        buf_instant(&b, at.i, app_zone(a->community));
    struct str s = buf_str(&b);
    if (s.n > 10) /* seconds are what its clients expect: 2026-01-31T09:00:00+08:00 */
        s = arena_fmt(c->mem, PRS PRS, PRA(str_sub(s, 0, 19)), PRA(str_sub(s, 23, s.n)));
    geo_text(&a->out, name, s);
}

/* Anybody reads what one client sent: only an address that shows a page and runs nothing. */
static bool is_web(struct str s)
{
    return str_starts(s, S("https://")) || str_starts(s, S("http://"));
}

static void put_rest(struct ctx *c, struct ask *a, struct str rest)
{
    static const char *const numbers[] = {"lat", "long"};
    const struct json *j = NULL;
    if (rest.n && json_parse(c, rest, &j) != E_OK)
        fault_clear(c);
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (j && json_str(json_get(j, numbers[i])).n)
            geo_raw(&a->out, numbers[i], json_str(json_get(j, numbers[i])));
    struct str media = j ? json_str(json_get(j, "media_url")) : (struct str){0};
    geo_text(&a->out, "media_url", is_web(media) ? media : (struct str){0});
}

/* Never who sent it. */
static void put_request(struct ctx *c, struct ask *a, const struct val *v)
{
    int64_t state = val_int(v[C_STATE]);
    bool en = c->lang == LANG_EN && val_str(v[C_NAME_EN]).n;
    struct str detail = val_str(v[C_DETAIL]), address = val_str(v[C_ADDRESS]);
    geo_record(&a->out);
    geo_text(&a->out, "service_request_id", arena_fmt(c->mem, "%lld", (long long)val_int(v[C_ID])));
    geo_text(&a->out, "status", state >= CLOSED ? S("closed") : S("open"));
    geo_text(&a->out, "status_notes", state >= INFORMED ? val_str(v[C_ANSWER]) : (struct str){0});
    geo_text(&a->out, "service_name", val_str(v[en ? C_NAME_EN : C_NAME]));
    geo_text(&a->out, "service_code", arena_fmt(c->mem, "%lld", (long long)val_int(v[C_SERVICE])));
    geo_text(&a->out, "description", detail.n ? detail : val_str(v[C_TITLE]));
    geo_text(&a->out, "agency_responsible", a->place);
    geo_text(&a->out, "service_notice", (struct str){0});
    put_time(c, a, "requested_datetime", v[C_CREATED]);
    put_time(c, a, "updated_datetime", v[C_UPDATED]);
    put_time(c, a, "expected_datetime", v[C_DUE]);
    geo_text(&a->out, "address", address.n ? address : val_str(v[C_PATH]));
    geo_text(&a->out, "address_id",
             v[C_SPACE].t == V_INT ? arena_fmt(c->mem, "%lld", (long long)v[C_SPACE].i)
                                   : (struct str){0});
    geo_text(&a->out, "zipcode", (struct str){0});
    put_rest(c, a, val_str(v[C_REST]));
    geo_record_end(&a->out);
}

static enum err put_each(struct ctx *c, const struct val *row, int ncol, void *arg)
{
    (void)ncol;
    put_request(c, arg, row);
    return E_OK;
}

/* 2026-01-31T09:00:00Z, or a civil date. */
static bool read_time(struct ask *a, const char *name, int64_t otherwise, int64_t *ret)
{
    struct str s = http_param(a->q->h, name);
    struct date d;
    *ret = otherwise;
    if (!s.n)
        return true;
    if (date_parse(s, &d)) {
        *ret = zone_instant_ms(app_zone(a->community), d, 0);
        return true;
    }
    return instant_parse(s, ret);
}

static bool read_ids(struct ask *a)
{
    struct str rest = http_param(a->q->h, "service_request_id");
    while (rest.n) {
        struct str one = str_trim(str_next(&rest, ','));
        if (a->nids == IDS_MAX || !str_int(one, &a->ids[a->nids++]))
            return false;
    }
    return true;
}

static enum err requests_get(struct ctx *c, struct req *q)
{
    struct ask *a = ask_new(c, q);
    struct str status = http_param(q->h, "status"), code = http_param(q->h, "service_code");
    enum err e = find_place(c, q->tx, a, http_param(q->h, "jurisdiction_id"));
    if (e == E_MISSING)
        return refuse(c, a, NO_PLACE);
    TRY(e);
    if (!read_ids(a) || (code.n && (!str_int(code, &a->service) || a->service <= 0)))
        return refuse(c, a, 400, "service_request_id 或 service_code 无效",
                      "service_request_id or service_code is not valid");
    if (!read_time(a, "end_date", c->now_ms + 1, &a->to_ms) ||
        !read_time(a, "start_date", a->to_ms - DAYS_DEFAULT * INT64_C(86400000), &a->from_ms))
        return refuse(c, a, 400, "start_date、end_date 应如 2026-01-31T09:00:00Z",
                      "start_date and end_date look like 2026-01-31T09:00:00Z");
    if (status.n && !str_eqz(status, "open") && !str_eqz(status, "closed"))
        return refuse(c, a, 400, "status 只能是 open 或 closed", "status is open or closed");
    a->state_min = str_eqz(status, "closed") ? CLOSED : RECEIVED;
    a->state_max = str_eqz(status, "open") ? INFORMED : MERGED;
    geo_begin(&a->out, "service_requests", "request");
    for (size_t i = 0; i < a->nids; i++)
        TRY(q_each(c, q->tx, &Q_ONE, IN(v_int(a->community), v_int(a->ids[i])), put_each, a));
    if (!a->nids)
        TRY(q_each(c, q->tx, &Q_LIST,
                   IN(v_int(a->community), v_int(a->from_ms), v_int(a->to_ms), v_int(a->service),
                      v_int(a->state_min), v_int(a->state_max)),
                   put_each, a));
    geo_end(&a->out, "service_requests");
    return E_OK;
}

static enum err request_get(struct ctx *c, struct req *q)
{
    struct ask *a = ask_new(c, q);
    enum err e = find_place(c, q->tx, a, http_param(q->h, "jurisdiction_id"));
    if (e == E_MISSING)
        return refuse(c, a, NO_PLACE);
    TRY(e);
    geo_begin(&a->out, "service_requests", "request");
    TRY(q_each(c, q->tx, &Q_ONE, IN(v_int(a->community), v_int(q->ids[0])), put_each, a));
    if (!a->out.records)
        return refuse(c, a, 404, "没有这个 service_request_id", "service_request_id was not found");
    geo_end(&a->out, "service_requests");
    return E_OK;
}

/* Everything here is realtime: a token is the request's own number. */
static enum err token_get(struct ctx *c, struct req *q)
{
    struct ask *a = ask_new(c, q);
    struct val v[C__N];
    enum err e = find_place(c, q->tx, a, http_param(q->h, "jurisdiction_id"));
    if (e == E_OK)
        e = q_one(c, q->tx, &Q_ONE, IN(v_int(a->community), v_int(q->ids[0])), v, C__N);
    if (e == E_MISSING)
        return refuse(c, a, 404, "没有这个 token", "token was not found");
    TRY(e);
    struct str id = arena_fmt(c->mem, "%lld", (long long)q->ids[0]);
    geo_begin(&a->out, "service_requests", "request");
    geo_record(&a->out);
    geo_text(&a->out, "service_request_id", id);
    geo_text(&a->out, "token", id);
    geo_record_end(&a->out);
    geo_end(&a->out, "service_requests");
    return E_OK;
}

/* --- posting --- */

static bool read_form(struct ctx *c, struct ask *a)
{
    struct str rest = a->q->h->body;
    while (rest.n) {
        struct str value = str_next(&rest, '&'), name = str_next(&value, '=');
        if (!name.n)
            continue;
        struct pair p = {url_decode(c->mem, name, true), url_decode(c->mem, value, true)};
        if (a->nform == FORM_MAX || !p.name.p || (value.n && !p.value.p) || !utf8_valid(p.name) ||
            !utf8_valid(p.value))
            return false;
        a->form[a->nform++] = p;
    }
    return true;
}

/* In the body, or in the address as some clients have it. */
static struct str form(const struct ask *a, const char *name)
{
    for (size_t i = 0; i < a->nform; i++)
        if (str_eqz(a->form[i].name, name))
            return str_trim(a->form[i].value);
    return str_trim(http_param(a->q->h, name));
}

/* A decimal number of degrees, from -limit to limit. */
static bool is_degrees(struct str s, double limit)
{
    enum { DIGITS_MAX = 31 };
    char text[DIGITS_MAX + 1], *end;
    if (!s.n || s.n > DIGITS_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("-.0123456789", s.p[i]) || !s.p[i])
            return false; /* strtod would take spaces, exponents, hex and nan too */
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    double v = strtod(text, &end);
    return !*end && v >= -limit && v <= limit;
}

/* What the ticket's own columns have no place for, kept as it came. */
static void keep_rest(struct ctx *c, struct ask *a)
{
    static const char *const names[] = {"lat",   "long",      "media_url",
                                        "email", "device_id", "account_id"};
    struct buf b;
    int n = 0;
    buf_init(&b, c->mem, 8000);
    buf_putc(&b, '{');
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct str v = utf8_head(form(a, names[i]), 500);
        if (!v.n)
            continue;
        buf_fmt(&b, "%s\"%s\":", n++ ? "," : "", names[i]);
        buf_json(&b, v);
    }
    buf_putc(&b, '}');
    if (n)
        row_put(&a->ticket, T_REST, v_text(buf_str(&b)));
}

static enum err read_post(struct ctx *c, struct tx *tx, void *arg)
{
    struct ask *a = arg;
    struct val v[3];
    int64_t code = 0, address = 0;
    struct str id = form(a, "address_id");
    a->community = a->service = a->space = 0;
    enum err e = find_place(c, tx, a, form(a, "jurisdiction_id"));
    if (e != E_OK)
        return e == E_MISSING ? E_OK : e;
    if (str_int(form(a, "service_code"), &code))
        e = q_one(c, tx, &Q_SERVICE, IN(v_int(a->community), v_int(code)), v, 3);
    if (e == E_OK && code) {
        a->service = val_int(v[0]);
        a->kind = val_int(v[1]);
        row_put(&a->ticket, T_TITLE, v[2]);
    }
    if (e != E_OK && e != E_MISSING)
        return e;
    if (!id.n)
        return E_OK;
    if (!str_int(id, &address))
        address = 0; /* a code such as 3-2-1502, not a number */
    e = q_one(c, tx, &Q_SPACE, IN(v_int(a->community), v_text(id), v_int(address)), v, 1);
    a->space = e == E_OK ? val_int(v[0]) : 0;
    return e == E_MISSING ? E_OK : e;
}

struct refusal {
    int status; /* 0: nothing is wrong */
    const char *zh, *en;
};

static struct refusal fault_of(const struct ask *a)
{
    struct str lat = form(a, "lat"), lon = form(a, "long"), address = form(a, "address_string");
    if (!form(a, "service_code").n)
        return (struct refusal){400, "缺少 service_code", "service_code was not provided"};
    if (!a->service)
        return (struct refusal){404, "没有这个 service_code", "service_code was not found"};
    if ((lat.n || lon.n) && (!is_degrees(lat, 90) || !is_degrees(lon, 180)))
        return (struct refusal){400, "lat、long 无效", "lat or long is not valid"};
    if (form(a, "media_url").n && !is_web(form(a, "media_url")))
        return (struct refusal){400, "media_url 应以 http:// 或 https:// 开头",
                                "media_url must begin with http:// or https://"};
    if (form(a, "address_id").n && !a->space)
        return (struct refusal){400, "没有这个 address_id(可用房号)",
                                "address_id was not found (it is a code such as 3-2-1502)"};
    if (!lat.n && !address.n && !a->space)
        return (struct refusal){400, "缺少地点:lat 和 long、address_string 或 address_id",
                                "a location is needed: lat and long, address_string or address_id"};
    if (utf8_len(form(a, "description")) > 4000 || utf8_len(address) > 200)
        return (struct refusal){400, "description 最多 4000 字,address_string 最多 200 字",
                                "description has at most 4000 characters, address_string 200"};
    return (struct refusal){0};
}

static void fill_ticket(struct ctx *c, struct ask *a)
{
    struct row *t = &a->ticket;
    struct str first = form(a, "first_name"), last = form(a, "last_name"),
               text = form(a, "description"), phone = form(a, "phone");
    struct str name = arena_fmt(c->mem, PRS "%s" PRS, PRA(first), first.n && last.n ? " " : "",
                                PRA(last));
    struct str line = text;
    line = str_next(&line, '\n');
    row_put(t, R_COMMUNITY, v_int(a->community));
    row_put(t, T_KIND, v_int(a->kind));
    row_put(t, T_CATEGORY, v_int(a->service));
    row_put(t, T_CHANNEL, v_int(CH_OPEN311));
    if (line.n)
        row_put(t, T_TITLE, v_text(utf8_head(line, 120)));
    row_put(t, T_DETAIL, text.n ? v_text(text) : v_null());
    if (a->space)
        row_put(t, T_SPACE, v_int(a->space));
    if (form(a, "address_string").n)
        row_put(t, T_ADDRESS, v_text(form(a, "address_string")));
    if (name.n)
        row_put(t, T_CONTACT_NAME, v_text(utf8_head(name, 60)));
    struct val number;
    if (phone.n &&
        field_of_text(c, &res_ticket.fields[T_CONTACT_PHONE], phone, NULL, &number) == E_OK)
        row_put(t, T_CONTACT_PHONE, number);
    fault_clear(c); /* a number that is none is not worth losing the report */
    keep_rest(c, a);
}

/* A service for homes told of a hall: the place stays as words, the report is not lost. */
static enum err place_or_words(struct ctx *c, struct tx *tx, const struct ask *a, struct row *t)
{
    enum err e = category_fits(c, tx, a->community, row_int(t, T_KIND), t->v[T_CATEGORY],
                               t->v[T_SPACE]);
    if (e != E_INVALID)
        return e;
    fault_clear(c);
    row_put(t, T_SPACE, v_null());
    if (!row_has(t, T_ADDRESS))
        row_put(t, T_ADDRESS, v_text(utf8_head(form(a, "address_id"), 200)));
    return E_OK;
}

static enum err store_post(struct ctx *c, struct tx *tx, void *arg)
{
    struct ask *a = arg;
    struct row row = a->ticket;
    TRY(place_or_words(c, tx, a, &row));
    TRY(res_insert(c, tx, &res_ticket, &row));
    a->service = row_int(&row, R_ID);
    return E_OK;
}

static enum err requests_post(struct ctx *c, struct req *q)
{
    struct ask *a = ask_new(c, q);
    const struct who *who = NULL;
    if (!read_form(c, a))
        return refuse(c, a, 400, "表单无法读取", "the form cannot be read");
    TRY(auth_who(c, q->app, (struct str){0}, form(a, "api_key"), &who));
    TRY(db_read(q->app->db, c, read_post, a));
    if (!a->community)
        return refuse(c, a, NO_PLACE);
    if (!who || !who_may(who, "ticket.create", a->community))
        return refuse(c, a, 403, "缺少 api_key,或它无效、无权登记",
                      "api_key is missing, not valid, or may not register requests");
    struct refusal r = fault_of(a);
    if (r.status)
        return refuse(c, a, r.status, r.zh, r.en);
    c->who = who;
    fill_ticket(c, a);
    TRY(res_ticket.prepare(c, q->app, &a->ticket));
    TRY(db_write(q->app->db, c, store_post, a));
    q->status = 201;
    geo_begin(&a->out, "service_requests", "request");
    geo_record(&a->out);
    geo_text(&a->out, "service_request_id", arena_fmt(c->mem, "%lld", (long long)a->service));
    geo_text(&a->out, "service_notice", a->notice);
    geo_text(&a->out, "account_id", (struct str){0});
    geo_record_end(&a->out);
    geo_end(&a->out, "service_requests");
    return E_OK;
}

static const struct field place_query[] = {
    {"jurisdiction_id", F_TEXT, 0, .label = {"项目编号", "Community id"}}};
static const struct field list_query[] = {
    {"jurisdiction_id", F_TEXT, 0, .label = {"项目编号", "Community id"}},
    {"service_request_id", F_TEXT, 0, .label = {"请求编号,逗号分隔", "Requests, ,-separated"}},
    {"service_code", F_TEXT, 0, .label = {"服务编号", "Service"}},
    {"start_date", F_TEXT, 0, .label = {"从", "From"}},
    {"end_date", F_TEXT, 0, .label = {"到", "To"}},
    {"status", F_TEXT, 0, .label = {"open 或 closed", "open or closed"}}};
#define ROOT "/open311/v2/"
#define GET(path, fn, query, zh, en)                                                               \
    {"GET", ROOT path ".json", NULL,     PUBLIC,  NULL, fn,                                        \
     query, COUNT_OF(query),   {zh, en}, "[any]", 0,    NULL},                                     \
    {                                                                                              \
        "GET", ROOT path ".xml", NULL, PUBLIC, NULL, fn, query, COUNT_OF(query), {zh, en}, NULL,   \
            0, NULL                                                                                \
    }
#define POST_FLAGS PUBLIC | NO_TX | NO_CSRF | FORM_BODY
const struct route open311_routes[] = {
    GET("services", services_get, place_query, "Open311:可报事项", "Open311: what may be reported"),
    {"GET",
     ROOT "services/{id}.json",
     NULL,
     PUBLIC,
     NULL,
     service_get,
     place_query,
     COUNT_OF(place_query),
     {"Open311:一个事项", "Open311: one service"},
     "{service_code:str,attributes:[any]}",
     0,
     NULL},
    {"GET",
     ROOT "services/{id}.xml",
     NULL,
     PUBLIC,
     NULL,
     service_get,
     place_query,
     COUNT_OF(place_query),
     {"Open311:一个事项", "Open311: one service"},
     NULL,
     0,
     NULL},
    GET("requests", requests_get, list_query, "Open311:请求列表", "Open311: requests"),
    GET("requests/{id}", request_get, place_query, "Open311:一个请求", "Open311: one request"),
    GET("tokens/{id}", token_get, place_query, "Open311:凭证换编号", "Open311: a token's request"),
    {"POST",
     ROOT "requests.json",
     NULL,
     POST_FLAGS,
     NULL,
     requests_post,
     NULL,
     0,
     {"Open311:提交请求", "Open311: report"},
     "[any]",
     201,
     NULL},
    {"POST",
     ROOT "requests.xml",
     NULL,
     POST_FLAGS,
     NULL,
     requests_post,
     NULL,
     0,
     {"Open311:提交请求", "Open311: report"},
     NULL,
     201,
     NULL},
    {0}};
