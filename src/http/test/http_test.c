/* http_test.c - the web server seen from outside: a real listening server, spoken to over sockets
 * with bytes written by hand, because what matters here is exactly what no well-behaved client
 * would send. */
#include "harness.h"

static void plain_requests(void **state)
{
    (void)state;
    serve((struct http_options){0});
    c_open(&c1);
    for (int i = 0; i < 3; i++) { /* keep-alive, both ways of running */
        c_say(&c1, "GET /a%20b HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(c_answer(&c1, false), 200);
        assert_string_equal(a1.body, "/a b");
        c_say(&c1, "POST /d/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
        assert_int_equal(c_answer(&c1, false), 200);
        assert_string_equal(a1.body, "hello");
        c_say(&c1, "HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(c_answer(&c1, true), 200);
        assert_non_null(strstr(a1.head, "Content-Length: 2"));
        c_say(&c1, "GET /forbidden HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(c_answer(&c1, false), 403);
        c_say(&c1, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
        assert_int_equal(c_answer(&c1, false), 200);
        assert_string_equal(a1.body, "abcdefg");
    }
    c_say(&c1,
          "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(c_answer(&c1, true), 100);
    c_say(&c1, "ok");
    assert_int_equal(c_answer(&c1, false), 200);
    /* Pipelined: answers come in order although they run on different threads. */
    c_say(&c1, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /d/2 HTTP/1.1\r\nHost: x\r\n\r\n"
               "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n/3GET /4 "
               "HTTP/1.1\r\nHost: x\r\n\r\n");
    static const char *const want[] = {"/1", "/d/2", "/3", "/4"};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(c_answer(&c1, false), 200);
        assert_string_equal(a1.body, want[i]);
    }
    c_close(&c1);
    unserve();
}

static void inputs_decoded(void **state)
{
    (void)state;
    serve((struct http_options){0});
    assert_int_equal(ask("GET /params?a=1&b=%E4%BD%A0+x&c&&d=a%26b HTTP/1.1\r\nHost: x\r\n\r\n"),
                     200);
    assert_string_equal(a1.body, "[a=1][b=\xE4\xBD\xA0 x][c=][d=a&b]");
    assert_int_equal(ask("GET /params?a=%zz HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    assert_string_equal(a1.body, "malformed");
    assert_int_equal(
        ask("GET /cookie HTTP/1.1\r\nHost: x\r\nCookie: a=b; xsid=no; sid=\"yes\"; z\r\n\r\n"),
        200);
    assert_string_equal(a1.body, "yes");
    assert_int_equal(ask("GET /peer HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n"), 200);
    assert_string_equal(a1.body, "127.0.0.1");
    unserve();
    static const char *const trusted[] = {"127.0.0.1", "10.0.0.1"};
    serve((struct http_options){.trusted_proxies = trusted, .ntrusted = 2});
    assert_int_equal(ask("GET /peer HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2\r\n"
                         "X-Forwarded-For: 10.0.0.1\r\n\r\n"),
                     200);
    assert_string_equal(a1.body, "2.2.2.2");
    assert_int_equal(ask("GET /peer HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.1.1.1, evil\r\n\r\n"),
                     200);
    assert_string_equal(a1.body, "127.0.0.1");
    unserve();
}

static void hostile_requests(void **state)
{
    (void)state;
    serve((struct http_options){0});
    static const char *const paths[] = {
        "/%",  "/%4",   "/%zz", "/a%00b", "/../x", "/a/..",  "/a/%2e%2e/b", "/a%2f..%2fb", "//",
        "//x", "/a//b", "/./a", "/a/.",   "/%ff",  "/a%0ab", "/a%5c..",     "*",           "x"};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        char text[128];
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[i]);
        assert_int_equal(ask(text), 400);
    }
    static const char *const heads[] = {
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 3\r\n",
        "Content-Length: 0\r\nContent-Length: 30\r\n",
        "Content-Length: 3, 3\r\n",
        "Content-Length: +3\r\n",
        "Content-Length: -3\r\n",
        "Content-Length: 0x3\r\n",
        "Content-Length:\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Content-Length : 3\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "Transfer-Encoding: chunked\r\n\t, identity\r\n",
        "Content-Length: 1\r\n 0\r\n",
        "X: a\r\n b\r\n",
        "Host: y\r\n"};
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "POST /echo HTTP/1.1\r\nHost: x\r\n%s\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n"
                 "Host: x\r\n\r\n",
                 heads[i]);
        c_open(&c1);
        c_say(&c1, text);
        int status = c_answer(&c1, false);
        if (status != 400 && status != 413 && status != 0)
            fail_msg("%s answered %d", heads[i], status);
        c_closed(&c1); /* and nothing after it was taken as a request */
        assert_null(strstr(c1.in, "smuggled"));
        c_close(&c1);
    }
    assert_int_equal(ask("GET /x HTTP/1.1\r\n\r\n"), 400); /* no Host */
    assert_string_equal(a1.body, "{\"status\":400}");
    assert_int_equal(ask("GET /x HTTP/1.0\r\n\r\n"), 200); /* of which 1.0 knows nothing */
    assert_int_equal(ask("GET /x y HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    static char big[8 << 10];
    int n = snprintf(big, sizeof big, "GET /");
    memset(big + n, 'a', 6000);
    snprintf(big + n + 6000, 100, " HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(ask(big), 414);
    assert_int_equal(ask("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"), 200); /* still well */
    unserve();
}

/* n pieces between two ends: what n parameters, headers or cookies look like. */
static int ask_many(const char *start, const char *piece, int n, const char *end)
{
    static char text[64 << 10];
    size_t at = (size_t)snprintf(text, sizeof text, "%s", start);
    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, piece, i);
    snprintf(text + at, sizeof text - at, "%s", end);
    return ask(text);
}

/* The library keeps records of a head in a pool that some hundred of them fill; it then hung. */
static void heads_limited(void **state)
{
    (void)state;
    serve((struct http_options){0});
    static const char rest[] = " HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_int_equal(ask_many("GET /params?", "a%d=1&", 300, rest), 200);
    assert_non_null(strstr(a1.body, "[a299=1]"));
    assert_int_equal(ask_many("GET /x?", "a%d=1&", 900, rest), 200);
    assert_int_equal(ask_many("GET /x?", "a%d=1&", 1200, rest), 414);
    assert_string_equal(a1.body, "{\"status\":414}");
    static const char line[] = "GET /x HTTP/1.1\r\nHost: x\r\n";
    assert_int_equal(ask_many(line, "A%d: 1\r\n", 99, "\r\n"), 200);
    assert_int_equal(ask_many(line, "A%d: 1\r\n", 100, "\r\n"), 431);
    assert_string_equal(a1.body, "{\"status\":431}");
    assert_int_equal(ask_many(line, "X: %060000d\r\n", 1, "\r\n"), 431);
    static const int many[] = {300, 1000, 2000};
    for (size_t i = 0; i < COUNT_OF(many); i++) { /* the library's own answer */
        assert_int_equal(ask_many(line, "A%d: 1\r\n", many[i], "\r\n"), 431);
        assert_int_equal(
            ask_many("GET /x HTTP/1.1\r\nHost: x\r\nCookie: ", "a%d=1;", many[i], "\r\n\r\n"), 431);
        int status = ask_many("GET /x?", "a%d=aaaaaaaa&", many[i], rest);
        assert_int_equal(status, many[i] < 500 ? 200 : 414);
    }
    unserve();
}

/* One address may hold only so many connections; whoever else comes is served. */
static void crowd_of_one_limited(void **state)
{
    (void)state;
    enum { FEW = 5 };
    serve((struct http_options){.per_address_max = FEW});
    int fds[FEW];
    for (int i = 0; i < FEW; i++)
        fds[i] = dial_from(2);
    c1.fd = dial_from(2);
    c1.n = 0;
    c_say(&c1, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(c_answer(&c1, false), 0);
    c_close(&c1);
    assert_int_equal(ask("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    for (int i = 0; i < FEW; i++)
        close(fds[i]);
    unserve();
}

static void bodies_limited(void **state)
{
    (void)state;
    serve((struct http_options){0});
    c_open(&c1); /* announced: answered although nothing of the body was sent */
    c_say(&c1, "POST /limit HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
    assert_int_equal(c_answer(&c1, false), 413);
    assert_string_equal(a1.body, "{\"status\":413}");
    assert_non_null(strstr(a1.head, "application/problem+json"));
    c_close(&c1);
    c_open(&c1); /* and reaches a client that is still sending */
    c_say(&c1, "POST /limit HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n");
    static char flood[100000];
    for (int i = 0; i < 5; i++) {
        clock_sleep_ms(10);
        assert_int_equal(send(c1.fd, flood, sizeof flood, MSG_NOSIGNAL | MSG_DONTWAIT) > 0, 1);
    }
    assert_int_equal(c_answer(&c1, false), 413);
    c_close(&c1);
    assert_int_equal(ask("GET /none HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    assert_int_equal(ask("POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"), 413);
    assert_int_equal(ask("POST /none HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "1\r\na\r\n0\r\n\r\n"),
                     413);
    static char text[5000];
    int n =
        snprintf(text, sizeof text,
                 "POST /limit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n");
    memset(text + n, 'b', 1001);
    snprintf(text + n + 1001, 100, "\r\n0\r\n\r\n");
    assert_int_equal(ask(text), 413); /* found out while reading */
    n = snprintf(text, sizeof text,
                 "POST /limit HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
    memset(text + n, 'b', 1000);
    text[n + 1000] = '\0';
    assert_int_equal(ask(text), 200);
    assert_int_equal(a1.n, 1000);
    c_open(&c1); /* without end: cut off */
    c_say(&c1, "POST /limit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    static char chunk[65536 + 16];
    n = snprintf(chunk, sizeof chunk, "10000\r\n");
    memset(chunk + n, 'c', 65536);
    memcpy(chunk + n + 65536, "\r\n", 2);
    for (int i = 0; i < 40; i++)
        c_send(&c1, chunk, (size_t)n + 65538);
    assert_int_equal(c_answer(&c1, false), 0);
    c_close(&c1);
    unserve();
}

static void slow_senders_closed(void **state)
{
    (void)state;
    serve((struct http_options){.idle_s = 1});
    c_open(&c1);
    c_say(&c1, "GET /x HT");
    int64_t start = clock_mono_ms();
    assert_true(c_closed(&c1));
    assert_in_range(clock_mono_ms() - start, 500, 5000);
    c_close(&c1);
    c_open(&c1); /* one byte now and then: never silent, still closed */
    start = clock_mono_ms();
    c_say(&c1, "GET /x HTTP/1.1\r\nX: ");
    struct pollfd p = {.fd = c1.fd, .events = POLLIN};
    while (poll(&p, 1, 300) == 0 && clock_mono_ms() - start < 15000)
        c_say(&c1, "y");
    assert_in_range(clock_mono_ms() - start, 4000, 12000);
    c_close(&c1);
    unserve();
}

/* Who takes a little now and then is never silent, and must not hold a reply for ever. */
static void slow_readers_closed(void **state)
{
    (void)state;
    enum { SLOWEST = 16000, STEP_MS = 50, STEPS = 400 }; /* 4 s for a reply; this reader takes 20 */
    serve((struct http_options){.idle_s = 3, .slowest_bytes_per_ms = SLOWEST});
    static char some[BIG_BYTES / STEPS];
    c_open(&c1);
    c_say(&c1, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    size_t got = 0;
    for (ssize_t n; (n = recv(c1.fd, some, sizeof some, 0)) > 0; got += (size_t)n)
        clock_sleep_ms(STEP_MS);
    wait_for(&t.lost, 1);
    assert_true(got < BIG_BYTES);
    c_close(&c1);
    unserve();
}

static char form_text[200000], form_body[150000];

static void uploads_stored(void **state)
{
    (void)state;
    serve((struct http_options){0});
    int n = snprintf(form_body, sizeof form_body,
                     "--BB\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nleak\r\n"
                     "--BB\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\n"
                     "Content-Type: image/png\r\n\r\n");
    size_t file = (size_t)n;
    for (int i = 0; i < 100000; i++)
        form_body[n++] = i % 7 ? (char)(i * 31) : '\r';
    uint8_t sum[32];
    hash_sha256((struct str){form_body + file, 100000}, sum);
    n +=
        snprintf(form_body + n, sizeof form_body - (size_t)n,
                 "\r\n--BB\r\nContent-Disposition: form-data; name=\"f\"; filename=\"keep.txt\"\r\n"
                 "Content-Type: text/plain\r\n\r\nabcd\r\n--BB--\r\n");
    int h = snprintf(form_text, sizeof form_text,
                     "POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
                     "Content-Type: multipart/form-data; boundary=BB\r\n\r\n",
                     n);
    memcpy(form_text + h, form_body, (size_t)n);
    c_open(&c1);
    c_send(&c1, form_text, (size_t)(h + n));
    assert_int_equal(c_answer(&c1, false), 200);
    char want[512];
    snprintf(want, sizeof want,
             "title|||leak|4|0|\nf|a.bin|image/png||100000|600|%s\nf|keep.txt|text/plain||4|600|"
             "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589\n",
             hex_of(t.mem, sum, 32).p);
    assert_string_equal(a1.body, want);
    c_say(&c1, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n"); /* the renamed one stayed; send it back */
    assert_int_equal(c_answer(&c1, false), 200);
    assert_string_equal(a1.body, "abcd");
    assert_int_equal(temp_files(), 1);
    c_close(&c1);
    unserve();
}

static void uploads_refused(void **state)
{
    (void)state;
    serve((struct http_options){0});
    int n = snprintf(form_body, sizeof form_body,
                     "--BB\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n");
    memset(form_body + n, 'x', 5000);
    int h = snprintf(form_text, sizeof form_text,
                     "POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\nContent-Type: "
                     "multipart/form-data; boundary=BB\r\n\r\n");
    memcpy(form_text + h, form_body, (size_t)n + 5000);
    n += 5000;
    /* cut off in the middle, no last boundary, wrong type, too many parts */
    c_open(&c1);
    c_send(&c1, form_text, (size_t)(h + n));
    clock_sleep_ms(100); /* an end that comes with the last bytes is noticed only by the time-out */
    c_close(&c1);
    wait_for(&t.lost, 1);
    assert_int_equal(temp_files(), 0);
    assert_int_equal(ask("POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 51\r\nContent-Type: "
                         "multipart/form-data; boundary=BB\r\n\r\n"
                         "--BB\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb"),
                     400);
    assert_int_equal(ask("POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Type: "
                         "text/csv\r\n\r\nab"),
                     415);
    n = 0;
    for (int i = 0; i < 33; i++)
        n += snprintf(form_body + n, sizeof form_body - (size_t)n,
                      "--BB\r\nContent-Disposition: form-data; name=\"n%d\"\r\n\r\nv\r\n", i);
    n += snprintf(form_body + n, sizeof form_body - (size_t)n, "--BB--\r\n");
    h = snprintf(form_text, sizeof form_text,
                 "POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
                 "Content-Type: multipart/form-data; boundary=BB\r\n\r\n%s",
                 n, form_body);
    assert_int_equal(ask(form_text), 413);
    n = snprintf(form_body, sizeof form_body,
                 "--BB\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n");
    memset(form_body + n, 'v', (64 << 10) + 1);
    n += (64 << 10) + 1;
    n += snprintf(form_body + n, sizeof form_body - (size_t)n, "\r\n--BB--\r\n");
    h = snprintf(form_text, sizeof form_text,
                 "POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
                 "Content-Type: multipart/form-data; boundary=BB\r\n\r\n%s",
                 n, form_body);
    assert_int_equal(ask(form_text), 413);
    wait_for(&t.done, 5);
    assert_int_equal(temp_files(), 0);
    unserve();
}

static void overload_refused(void **state)
{
    (void)state;
    serve((struct http_options){.workers = 2, .queue_max = 3});
    int fds[8], ok = 0, refused = 0;
    for (int i = 0; i < 8; i++) {
        fds[i] = dial();
        assert_true(send(fds[i], "GET /gate HTTP/1.1\r\nHost: x\r\n\r\n", 31, MSG_NOSIGNAL) == 31);
        if (i < 2)
            wait_for(&t.waiting, i + 1);
    }
    wait_for(&t.done, 3); /* the three that found no place */
    assert_int_equal(ask("GET /d/x HTTP/1.1\r\nHost: x\r\n\r\n"), 200); /* readers are free */
    struct http_stats s;
    http_stats_get(t.h, &s);
    assert_int_equal(s.workers, 2);
    assert_int_equal(s.queued, 3);
    gate_release();
    for (int i = 0; i < 8; i++) {
        c1.fd = fds[i];
        c1.n = 0;
        c1.in[0] = '\0';
        int status = c_answer(&c1, false);
        ok += status == 200;
        refused += status == 503 && strstr(a1.head, "Retry-After: 1") != NULL;
        c_close(&c1);
    }
    assert_int_equal(ok, 5);
    assert_int_equal(refused, 3);
    unserve();
}

static void send_all(int from, int to)
{
    char text[64];
    for (int e = from; e < to; e++) {
        int n = snprintf(text, sizeof text, "id: %d\n\n", e);
        mutex_lock(&t.lock);
        for (int i = 0; i < STREAMS_MAX; i++)
            if (t.open[i])
                assert_true(http_stream_send(t.open[i], (struct str){text, (size_t)n}));
        mutex_unlock(&t.lock);
        if (e % 50 == 0)
            clock_sleep_ms(2);
    }
}

static void streams_in_order(void **state)
{
    (void)state;
    enum { N = 50, EVENTS = 1000 };
    serve((struct http_options){0});
    int fds[N];
    for (int i = 0; i < N; i++) {
        fds[i] = dial();
        const char *text = i % 2 ? "GET /stream HTTP/1.0\r\nHost: x\r\n\r\n"
                                 : "GET /d/stream HTTP/1.0\r\nHost: x\r\n\r\n";
        assert_true(send(fds[i], text, strlen(text), MSG_NOSIGNAL) > 0);
    }
    wait_for(&t.streams, N);
    send_all(0, EVENTS);
    mutex_lock(&t.lock);
    for (int i = 0; i < STREAMS_MAX; i++)
        if (t.open[i])
            http_stream_close(t.open[i]);
    mutex_unlock(&t.lock);
    static char want[EVENTS * 16];
    size_t n = 0;
    for (int e = 0; e < EVENTS; e++)
        n += (size_t)snprintf(want + n, sizeof want - n, "id: %d\n\n", e);
    for (int i = 0; i < N; i++) {
        c1.fd = fds[i];
        c1.n = 0;
        c_closed(&c1);
        const char *body = strstr(c1.in, "\r\n\r\n");
        assert_non_null(body);
        assert_string_equal(body + 4, want);
        c_close(&c1);
    }
    wait_for(&t.ended, N);
    unserve();
}

static void slow_reader_cut(void **state)
{
    (void)state;
    serve((struct http_options){0});
    int fd = dial();
    assert_true(send(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", 33, MSG_NOSIGNAL) == 33);
    wait_for(&t.streams, 1);
    char kib[1024];
    memset(kib, 'e', sizeof kib);
    bool ok = true;
    int sent = 0;
    for (; ok && sent < 20000; sent++) {
        mutex_lock(&t.lock);
        struct http_stream *s = NULL;
        for (int i = 0; i < STREAMS_MAX && s == NULL; i++)
            s = t.open[i];
        ok = s && http_stream_send(s, (struct str){kib, sizeof kib});
        mutex_unlock(&t.lock);
        if (sent % 16 == 0)
            clock_sleep_ms(1);
    }
    assert_false(ok);
    wait_for(&t.ended, 1); /* although the client never read a byte */
    close(fd);
    unserve();
}

static void stream_closed_by_client(void **state)
{
    (void)state;
    serve((struct http_options){0});
    int fd = dial();
    assert_true(send(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", 33, MSG_NOSIGNAL) == 33);
    wait_for(&t.streams, 1);
    close(fd);
    bool gone = false;
    for (int i = 0; i < 100 && !gone; i++) {
        mutex_lock(&t.lock);
        for (int k = 0; k < STREAMS_MAX; k++)
            if (t.open[k])
                http_stream_send(t.open[k], S("x\n"));
        gone = t.ended > 0;
        mutex_unlock(&t.lock);
        clock_sleep_ms(5);
    }
    wait_for(&t.ended, 1);
    unserve();
}

static void stop_http(void *arg)
{
    (void)arg;
    http_stop(t.h, 5000);
}

static void stop_loses_nothing(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        serve((struct http_options){0});
        int stream = dial(), fds[10];
        assert_true(send(stream, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", 33, MSG_NOSIGNAL) ==
                    33);
        wait_for(&t.streams, 1);
        for (int i = 0; i < 10; i++) {
            fds[i] = dial();
            assert_true(send(fds[i], "GET /gate HTTP/1.1\r\nHost: x\r\n\r\n", 31, MSG_NOSIGNAL) ==
                        31);
        }
        wait_for(&t.waiting, 10);
        struct thread *stopper = thread_start("stopper", stop_http, NULL);
        wait_for(&t.ended, 1);
        clock_sleep_ms(20);
        gate_release();
        for (int i = 0; i < 10; i++) {
            c1.fd = fds[i];
            c1.n = 0;
            c1.in[0] = '\0';
            assert_int_equal(c_answer(&c1, false), 200);
            assert_string_equal(a1.body, "passed");
            assert_non_null(strstr(a1.head, "Connection: close"));
            c_close(&c1);
        }
        thread_join(stopper);
        t.h = NULL;
        c1.fd = stream;
        c1.n = 0;
        assert_true(c_closed(&c1));
        assert_non_null(strstr(c1.in, "0\r\n\r\n")); /* ended in good form */
        c_close(&c1);
        unserve();
    }
}

/* Answers given by other threads: no worker is held, and a stop waits for them. */
static void later_answers(void **state)
{
    enum { AT_ONCE = 20 };
    (void)state;
    int fds[AT_ONCE];
    nlater = 0;
    serve((struct http_options){.workers = 1});
    assert_int_equal(ask("GET /later HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    assert_string_equal(a1.body, "/later");
    int64_t from_ms = clock_mono_ms();
    for (int i = 0; i < AT_ONCE; i++) {
        fds[i] = dial();
        assert_true(send(fds[i], "GET /later HTTP/1.1\r\nHost: x\r\n\r\n", 32, MSG_NOSIGNAL) == 32);
    }
    wait_for(&nlater, 1 + AT_ONCE);
    http_stop(t.h, 0);
    t.h = NULL;
    assert_true(clock_mono_ms() - from_ms < 30 * AT_ONCE);
    for (int i = 0; i < AT_ONCE; i++) {
        c1.fd = fds[i];
        c1.n = 0;
        c1.in[0] = '\0';
        assert_int_equal(c_answer(&c1, false), 200);
        assert_string_equal(a1.body, "/later");
        c_close(&c1);
    }
    for (int i = 0; i < nlater; i++)
        thread_join(later[i].thread);
    unserve();
}

static void aborts_survived(void **state)
{
    (void)state;
    serve((struct http_options){.workers = 8});
    static const char *const texts[] = {
        "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nabc",
        "GET /x HT",
        "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n"
        "Content-Type: multipart/form-data; boundary=B\r\n\r\n--B\r\nContent-Disposition: "
        "form-data; name=\"a\"; filename=\"q\"\r\n\r\nzzzzzzz"};
    for (int i = 0; i < 60; i++) {
        int fd = dial();
        const char *text = texts[i % (int)COUNT_OF(texts)];
        assert_true(send(fd, text, strlen(text), MSG_NOSIGNAL) > 0);
        if (i % 3 == 0)
            clock_sleep_ms(1);
        if (i % 2) {
            struct linger now = {.l_onoff = 1, .l_linger = 0};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        }
        close(fd);
    }
    assert_int_equal(ask("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    unserve();
}

static void assets_negotiated(void **state)
{
    (void)state;
    serve((struct http_options){0});
    assert_int_equal(
        ask("GET /page HTTP/1.1\r\nHost: x\r\nAccept-Encoding: br, gzip;q=0.5\r\n\r\n"), 200);
    assert_int_equal(a1.n, sizeof page_gz);
    assert_memory_equal(a1.body, page_gz, sizeof page_gz);
    assert_non_null(strstr(a1.head, "Content-Encoding: gzip"));
    assert_non_null(strstr(a1.head, "immutable"));
    assert_int_equal(ask("GET /page HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    assert_string_equal(a1.body, "hello");
    assert_int_equal(ask("GET /page HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip;q=0.0\r\n\r\n"),
                     200);
    assert_string_equal(a1.body, "hello");
    assert_int_equal(
        ask("GET /page HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"v0\", W/\"v1\"\r\n\r\n"), 304);
    assert_int_equal(ask("GET /page HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"v0\"\r\n\r\n"), 200);
    unserve();
}

static void starts_refused(void **state)
{
    (void)state;
    serve((struct http_options){.listen = ":0"});
    assert_int_equal(ask("GET /peer HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    assert_string_equal(a1.body, "127.0.0.1"); /* not ::ffff:127.0.0.1 */
    struct http_app app = {0};
    char taken[32];
    snprintf(taken, sizeof taken, "127.0.0.1:%d", http_port(t.h));
    const char *const bad[] = {taken, "nonsense", "127.0.0.1:", "256.0.0.1:80", NULL};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct str why = {0};
        assert_null(http_start(&(struct http_options){.listen = bad[i]}, &app, t.mem, &why));
        assert_true(why.n > 0);
    }
    struct str why = {0};
    struct http_options tls = {
        .listen = "127.0.0.1:0", .tls_cert = "/nowhere", .tls_key = "/nowhere"};
    assert_null(http_start(&tls, &app, t.mem, &why));
    assert_true(why.n > 0);
    unserve();
}

static void idle_crowd_harmless(void **state)
{
    (void)state;
    struct rlimit lim;
    getrlimit(RLIMIT_NOFILE, &lim);
    int crowd = lim.rlim_cur < 4200 ? (int)(lim.rlim_cur / 2) - 100 : 2000;
    serve((struct http_options){.per_address_max = -1});
    int *fds = heap_get((size_t)crowd * sizeof *fds);

    for (int i = 0; i < crowd; i++)
        fds[i] = dial();
    struct http_stats s = {0};
    for (int i = 0; i < 600 && s.connections < crowd;
         i++) { /* they wait in the kernel's queue first */
        clock_sleep_ms(50);
        http_stats_get(t.h, &s);
    }
    assert_true(s.connections >= crowd);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    for (int i = 0; i < crowd; i++)
        close(fds[i]);
    heap_free(fds);
    unserve();
}

int main(void)
{
    crypto_start();
    log_level_set(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_requests),       cmocka_unit_test(inputs_decoded),
        cmocka_unit_test(hostile_requests),     cmocka_unit_test(bodies_limited),
        cmocka_unit_test(uploads_stored),       cmocka_unit_test(uploads_refused),
        cmocka_unit_test(overload_refused),     cmocka_unit_test(streams_in_order),
        cmocka_unit_test(slow_reader_cut),      cmocka_unit_test(stream_closed_by_client),
        cmocka_unit_test(stop_loses_nothing),   cmocka_unit_test(later_answers),
        cmocka_unit_test(aborts_survived),      cmocka_unit_test(assets_negotiated),
        cmocka_unit_test(starts_refused),       cmocka_unit_test(idle_crowd_harmless),
        cmocka_unit_test(slow_senders_closed),  cmocka_unit_test(heads_limited),
        cmocka_unit_test(crowd_of_one_limited), cmocka_unit_test(slow_readers_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
