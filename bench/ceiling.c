/* ceiling.c - how fast could a ticket service be on this machine at all? The same web library with
 * the same threads, the same tables, rows and indexes, the same group commit as src/db/writer.c,
 * and nothing else: no login, no rights, no validation, no field tables, no log. Rows are copies of
 * the newest ticket and event that the product itself wrote. Do not weaken it: every shortcut that
 * keeps the rows and the durability is taken, so a ratio against it can only be too strict. */
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { COLUMNS_MAX = 100, BATCH_MAX = 256, BATCH_US = 20000, PAGE = 50, NUMBERS_EVERY = 100 };

struct request {
    struct MHD_Connection *mhd;
    struct request *next; /* in the writer's queue */
    bool post, started;
    size_t body_n;
    char *reply;
    size_t reply_n;
    int status;
    char body[4096];
};
struct value {
    int type;
    int64_t i;
    char *text;
};
struct shape { /* a table's columns and the row that new ones copy */
    int n, id, community, code, title, space, created, updated, at, subject;
    char *names[COLUMNS_MAX], *keys[COLUMNS_MAX]; /* keys: ,"name": */
    size_t key_n[COLUMNS_MAX];
    struct value row[COLUMNS_MAX];
};
static const char *path;
static struct shape ticket, event;
static int64_t last_id, number;
static char get_sql[4096], page_sql[4096];

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "ceiling: %s: %s\n", what, why);
    exit(1);
}

static int64_t now_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/* --- text --- */
struct text {
    char *p;
    size_t n, cap;
};

static void room(struct text *t, size_t n)
{
    if (t->n + n <= t->cap)
        return;
    while (t->cap < t->n + n)
        t->cap = t->cap ? t->cap * 2 : 2048;
    t->p = realloc(t->p, t->cap);
    if (!t->p)
        die("memory", "none");
}

static void put(struct text *t, const char *p, size_t n)
{
    room(t, n);
    memcpy(t->p + t->n, p, n);
    t->n += n;
}

static void put_int(struct text *t, int64_t v)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        digits[--at] = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        digits[--at] = '-';
    put(t, digits + at, sizeof digits - at);
}

static void put_string(struct text *t, const char *p, size_t n)
{
    room(t, 6 * n + 2);
    char *to = t->p + t->n;
    *to++ = '"';
    for (size_t i = 0; i < n; i++) {
        unsigned char ch = (unsigned char)p[i];
        if (ch < 0x20) {
            to += snprintf(to, 7, "\\u%04x", ch);
            continue;
        }
        if (ch == '"' || ch == '\\')
            *to++ = '\\';
        *to++ = (char)ch;
    }
    *to++ = '"';
    t->n = (size_t)(to - t->p);
}

static void put_row(struct text *t, sqlite3_stmt *s)
{
    for (int i = 0; i < ticket.n; i++) {
        put(t, ticket.keys[i], ticket.key_n[i]);
        int type = sqlite3_column_type(s, i);
        if (type == SQLITE_INTEGER)
            put_int(t, sqlite3_column_int64(s, i));
        else if (type == SQLITE_NULL)
            put(t, "null", 4);
        else {
            const char *text = (const char *)sqlite3_column_text(s, i);
            put_string(t, text, (size_t)sqlite3_column_bytes(s, i));
        }
    }
    put(t, "}", 1);
}

/* --- the database --- */
static void run(sqlite3 *h, const char *sql)
{
    if (sqlite3_exec(h, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(sql, sqlite3_errmsg(h));
}

static sqlite3_stmt *prepare(sqlite3 *h, const char *sql)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v3(h, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK)
        die(sql, sqlite3_errmsg(h));
    return s;
}

/* The settings of src/db/sqlite.c. */
static sqlite3 *connect_db(bool writer)
{
    sqlite3 *h = NULL;
    if (sqlite3_open_v2(path, &h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        die(path, sqlite3_errmsg(h));
    sqlite3_busy_timeout(h, 5000);
    sqlite3_db_config(h, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
    run(h, "PRAGMA foreign_keys=OFF; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=268435456;");
    if (writer)
        run(h, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=10000;"
               "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-4000;");
    else
        run(h, "PRAGMA cache_size=-2000; PRAGMA query_only=ON;");
    return h;
}

static int column_find(const struct shape *s, const char *name)
{
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->names[i], name) == 0)
            return i;
    return -1;
}

static char *printed(const char *f, ...) __attribute__((format(printf, 1, 2)));
static char *printed(const char *f, ...)
{
    va_list args;
    char *p = NULL;
    va_start(args, f);
    if (vasprintf(&p, f, args) < 0)
        die("memory", "none");
    va_end(args);
    return p;
}

static void shape_read(sqlite3 *h, struct shape *s, const char *sql)
{
    sqlite3_stmt *q = prepare(h, sql);
    if (sqlite3_step(q) != SQLITE_ROW)
        die(sql, "the product must have written one first");
    s->n = sqlite3_column_count(q);
    for (int i = 0; i < s->n; i++) {
        s->names[i] = printed("%s", sqlite3_column_name(q, i));
        s->keys[i] = printed("%c\"%s\":", i ? ',' : '{', s->names[i]);
        s->key_n[i] = strlen(s->keys[i]);
        struct value *v = &s->row[i];
        v->type = sqlite3_column_type(q, i);
        v->i = sqlite3_column_int64(q, i);
        v->text = v->type == SQLITE_TEXT ? printed("%s", (const char *)sqlite3_column_text(q, i))
                                         : NULL;
    }
    sqlite3_finalize(q);
    s->id = column_find(s, "id");
    s->community = column_find(s, "community_id");
    s->code = column_find(s, "code");
    s->title = column_find(s, "title");
    s->space = column_find(s, "space_id");
    s->created = column_find(s, "created_at");
    s->updated = column_find(s, "updated_at");
    s->at = column_find(s, "at");
    s->subject = column_find(s, "subject_id");
}

static char *list_of(const struct shape *s, bool marks)
{
    char *list = printed("%s", "");
    for (int i = 0; i < s->n; i++) {
        char *longer = printed("%s%s%s", list, i ? ", " : "", marks ? "?" : s->names[i]);
        free(list);
        list = longer;
    }
    return list;
}

static void statements_write(void)
{
    char *cols = list_of(&ticket, false);
    snprintf(get_sql, sizeof get_sql, "SELECT %s FROM ticket WHERE id = ?1", cols);
    snprintf(page_sql, sizeof page_sql,
             "SELECT %s FROM ticket WHERE community_id = ?1 AND archived = ?2 "
             "ORDER BY id DESC LIMIT ?3",
             cols);
    free(cols);
}

/* --- reading: on the web library's own threads --- */
struct reader {
    sqlite3_stmt *get, *page;
};

static struct reader *reader_mine(void)
{
    static _Thread_local struct reader mine;
    if (mine.get)
        return &mine;
    sqlite3 *h = connect_db(false);
    mine.get = prepare(h, get_sql);
    mine.page = prepare(h, page_sql);
    return &mine;
}

static void read_one(struct request *r, int64_t id)
{
    sqlite3_stmt *s = reader_mine()->get;
    struct text t = {0};
    sqlite3_bind_int64(s, 1, id);
    r->status = sqlite3_step(s) == SQLITE_ROW ? 200 : 404;
    if (r->status == 200)
        put_row(&t, s);
    sqlite3_reset(s);
    r->reply = t.p;
    r->reply_n = t.n;
}

static void read_page(struct request *r, int64_t community)
{
    sqlite3_stmt *s = reader_mine()->page;
    struct text t = {0};
    int64_t last = 0;
    int n = 0;
    sqlite3_bind_int64(s, 1, community);
    sqlite3_bind_int64(s, 2, 0);
    sqlite3_bind_int64(s, 3, PAGE + 1);
    put(&t, "{\"items\":[", 10);
    while (sqlite3_step(s) == SQLITE_ROW && n++ < PAGE) {
        if (n > 1)
            put(&t, ",", 1);
        put_row(&t, s);
        last = sqlite3_column_int64(s, ticket.id);
    }
    sqlite3_reset(s);
    put(&t, "],\"next\":\"", 10);
    put_int(&t, last);
    put(&t, "\"}", 2);
    r->status = 200;
    r->reply = t.p;
    r->reply_n = t.n;
}

/* --- writing: one thread, many units per commit --- */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct request *first, **end;
    sqlite3 *h;
    sqlite3_stmt *begin, *commit, *mark, *keep, *ticket, *event, *numbers;
} w = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .end = &w.first};

static void step(sqlite3_stmt *s)
{
    if (sqlite3_step(s) != SQLITE_DONE)
        die(sqlite3_sql(s), sqlite3_errmsg(w.h));
    sqlite3_reset(s);
}

/* Takes up to max waiting requests; waits for the first one. */
static size_t queue_take(struct request **ret, size_t max, bool wait)
{
    size_t n = 0;
    pthread_mutex_lock(&w.lock);
    while (wait && !w.first)
        pthread_cond_wait(&w.wake, &w.lock);
    while (w.first && n < max) {
        ret[n] = w.first;
        w.first = ret[n++]->next;
    }
    if (!w.first)
        w.end = &w.first;
    pthread_mutex_unlock(&w.lock);
    return n;
}

static void queue_put(struct request *r)
{
    pthread_mutex_lock(&w.lock);
    bool idle = !w.first;
    r->next = NULL;
    *w.end = r;
    w.end = &r->next;
    if (idle)
        pthread_cond_signal(&w.wake);
    pthread_mutex_unlock(&w.lock);
}

static void bind_row(sqlite3_stmt *s, const struct shape *shape)
{
    for (int i = 0; i < shape->n; i++) {
        const struct value *v = &shape->row[i];
        if (v->type == SQLITE_INTEGER)
            sqlite3_bind_int64(s, i + 1, v->i);
        else if (v->type == SQLITE_TEXT)
            sqlite3_bind_text(s, i + 1, v->text, -1, SQLITE_STATIC);
    }
}

/* The text between key and its closing quote, or the digits after it; good for the load program's
 * bodies. */
static const char *body_find(const struct request *r, const char *key, size_t *ret_n)
{
    const char *p = strstr(r->body, key);
    if (!p)
        return NULL;
    p += strlen(key);
    *ret_n = strcspn(p, "\",}");
    return p;
}

static void write_one(struct request *r)
{
    size_t title_n = 0, space_n = 0;
    const char *title = body_find(r, "\"title\":\"", &title_n);
    const char *space = body_find(r, "\"space_id\":", &space_n);
    int64_t now = now_us(CLOCK_REALTIME) / 1000, id = ++last_id;
    char code[40];
    if (++number % NUMBERS_EVERY == 0)
        step(w.numbers);
    int code_n = snprintf(code, sizeof code, "CE-2026-%07lld", (long long)number);
    step(w.mark);
    sqlite3_bind_int64(w.ticket, ticket.id + 1, id);
    sqlite3_bind_int64(w.ticket, ticket.created + 1, now);
    sqlite3_bind_int64(w.ticket, ticket.updated + 1, now);
    sqlite3_bind_text(w.ticket, ticket.code + 1, code, code_n, SQLITE_STATIC);
    sqlite3_bind_text(w.ticket, ticket.title + 1, title, (int)title_n, SQLITE_STATIC);
    sqlite3_bind_int64(w.ticket, ticket.space + 1, space ? strtoll(space, NULL, 10) : 0);
    step(w.ticket);
    sqlite3_bind_int64(w.event, event.id + 1, ++last_id);
    sqlite3_bind_int64(w.event, event.at + 1, now);
    sqlite3_bind_int64(w.event, event.subject + 1, id);
    step(w.event);
    step(w.keep);
    struct text t = {0};
    put(&t, "{\"id\":", 6);
    put_int(&t, id);
    put(&t, ",\"code\":", 8);
    put_string(&t, code, (size_t)code_n);
    put(&t, "}", 1);
    r->status = 201;
    r->reply = t.p;
    r->reply_n = t.n;
}

static void *writer_run(void *arg)
{
    (void)arg;
    struct request *units[BATCH_MAX];
    for (;;) {
        size_t done = 0, n = queue_take(units, BATCH_MAX, true);
        int64_t until = now_us(CLOCK_MONOTONIC) + BATCH_US;
        step(w.begin);
        while (done < n) {
            write_one(units[done++]);
            if (done == n && n < BATCH_MAX && now_us(CLOCK_MONOTONIC) < until)
                n += queue_take(units + n, BATCH_MAX - n, false);
        }
        step(w.commit);
        for (size_t i = 0; i < n; i++)
            MHD_resume_connection(units[i]->mhd);
    }
    return NULL;
}

static void writer_start(void)
{
    pthread_t thread;
    char *cols = list_of(&ticket, false), *marks = list_of(&ticket, true);
    char *sql = printed("INSERT INTO ticket (%s) VALUES (%s)", cols, marks);
    w.begin = prepare(w.h, "BEGIN IMMEDIATE");
    w.commit = prepare(w.h, "COMMIT");
    w.mark = prepare(w.h, "SAVEPOINT u");
    w.keep = prepare(w.h, "RELEASE u");
    w.ticket = prepare(w.h, sql);
    free(sql);
    free(cols);
    free(marks);
    cols = list_of(&event, false);
    marks = list_of(&event, true);
    sql = printed("INSERT INTO event (%s) VALUES (%s)", cols, marks);
    w.event = prepare(w.h, sql);
    free(sql);
    free(cols);
    free(marks);
    w.numbers = prepare(w.h, "INSERT INTO number_series (community_id, series, next) VALUES (1, "
                             "'CE-2026', 1) ON CONFLICT (community_id, series) DO UPDATE SET next "
                             "= number_series.next + 100");
    bind_row(w.ticket, &ticket);
    bind_row(w.event, &event);
    if (pthread_create(&thread, NULL, writer_run, NULL) != 0)
        die("thread", strerror(errno));
}

/* --- the web --- */
static enum MHD_Result answer(struct request *r)
{
    struct MHD_Response *p = MHD_create_response_from_buffer(r->reply_n, r->reply,
                                                             MHD_RESPMEM_MUST_FREE);
    r->reply = NULL;
    MHD_add_response_header(p, "Content-Type", "application/json");
    enum MHD_Result ok = MHD_queue_response(r->mhd, (unsigned)r->status, p);
    MHD_destroy_response(p);
    return ok;
}

static void read_now(struct request *r, const char *url)
{
    const char *id = strrchr(url, '/');
    const char *community = MHD_lookup_connection_value(r->mhd, MHD_GET_ARGUMENT_KIND,
                                                        "community_id");
    if (community)
        read_page(r, strtoll(community, NULL, 10));
    else
        read_one(r, id ? strtoll(id + 1, NULL, 10) : 0);
}

static enum MHD_Result on_access(void *arg, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_n, void **state)
{
    (void)arg, (void)version;
    struct request *r = *state;
    if (!r) {
        *state = r = malloc(sizeof *r);
        if (!r)
            return MHD_NO;
        memset(r, 0, offsetof(struct request, body));
        r->mhd = mhd;
        r->post = strcmp(method, "POST") == 0;
        return MHD_YES;
    }
    if (*data_n) {
        if (r->body_n + *data_n >= sizeof r->body)
            return MHD_NO;
        memcpy(r->body + r->body_n, data, *data_n);
        r->body_n += *data_n;
        *data_n = 0;
        return MHD_YES;
    }
    if (r->post && !r->started) {
        r->started = true;
        r->body[r->body_n] = 0;
        MHD_suspend_connection(mhd);
        queue_put(r);
        return MHD_YES;
    }
    if (!r->post)
        read_now(r, url);
    return answer(r);
}

static void on_completed(void *arg, struct MHD_Connection *mhd, void **state,
                         enum MHD_RequestTerminationCode why)
{
    (void)arg, (void)mhd, (void)why;
    struct request *r = *state;
    if (r)
        free(r->reply);
    free(r);
}

static int listen_on(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 1024) != 0)
        die("listen", strerror(errno));
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        die("usage", "ceiling DATABASE PORT");
    signal(SIGPIPE, SIG_IGN);
    path = argv[1];
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    w.h = connect_db(true);
    shape_read(w.h, &ticket, "SELECT * FROM ticket ORDER BY id DESC LIMIT 1");
    shape_read(w.h, &event, "SELECT * FROM event WHERE topic = 'ticket.created' ORDER BY id DESC");
    event.row[column_find(&event, "position")].type = SQLITE_NULL; /* sealed later, as ours are */
    event.row[column_find(&event, "seal")].type = SQLITE_NULL;
    last_id = ticket.row[ticket.id].i + (INT64_C(1) << 40); /* never meets ids made elsewhere */
    statements_write();
    writer_start();
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct MHD_OptionItem more[2] = {{MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}};
    if (cores > 1)
        more[0] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, cores < 4 ? cores : 4, NULL};
    struct MHD_Daemon *d = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0, NULL,
        NULL, on_access, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(16 << 10), MHD_OPTION_CONNECTION_LIMIT, 2000U,
        MHD_OPTION_ARRAY, more, MHD_OPTION_END);
    if (!d)
        die("web server", "did not start");
    int fd = listen_on((int)strtol(argv[2], NULL, 10));
    for (;;) {
        struct sockaddr_storage sa;
        socklen_t n = sizeof sa;
        int c = accept4(fd, (struct sockaddr *)&sa, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (c >= 0)
            MHD_add_connection(d, c, (struct sockaddr *)&sa, n);
    }
}
