/* mime_test.c - what is read out of messages as programs really write them, and what is written. */
#include "rooms/mail/room.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs all of the above */

static struct ctx ctx_of(struct arena *a)
{
    return (struct ctx){.mem = a, .now_ms = INT64_C(1795000000000), .lang = LANG_EN};
}
#define HEAD "From: =?gb2312?B?zfW3vA==?= <Wang@QQ.example>\r\nTo: Service@wy.example\r\n"

static void a_message_of_a_chinese_program(void **state)
{
    struct arena *a = arena_new(ARENA_REPORT_BYTES);
    struct ctx c = ctx_of(a);
    struct mail m;
    (void)state;
    /* gb2312 said, GBK meant; a subject in pieces, each padded; the second cut within a character
     */
    struct str raw = S(
        HEAD "Subject: =?gb2312?B?s/i3v8Kpy64=?=\r\n =?GB2312?B?o6y88Q==?= [WX-1]\r\n"
             "Message-ID: <a@b>\r\nIn-Reply-To: <two@x>\r\nReferences: <one@x> <two@x>\r\n"
             "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"
             "--B\r\nContent-Type: text/plain; charset=gb2312\r\n"
             "Content-Transfer-Encoding: base64\r\n\r\nxPq6ww==\r\n"
             "--B\r\nContent-Type: image/png; name=\"=?gbk?B?wqnLri5wbmc=?=\"\r\n"
             "Content-Disposition: attachment; filename*=utf-8''%E6%BC%8F.png\r\n"
             "Content-Transfer-Encoding: base64\r\n\r\niVBORw0K\r\n--B--\r\n");
    assert_int_equal(mime_read(&c, raw, &m), E_OK);
    assert_true(str_eqz(m.name, "王芳"));
    assert_true(str_eqz(m.from, "wang@qq.example"));
    assert_true(str_eqz(m.subject, "厨房漏水，辨 [WX-1]") ||
                str_starts(m.subject, S("厨房漏水，")));
    assert_true(str_eqz(m.text, "您好"));
    assert_int_equal(m.nrefs, 3);
    assert_true(str_eqz(m.refs[0], "two@x") && str_eqz(m.refs[1], "two@x"));
    assert_true(m.nto == 1 && str_eqz(m.to[0], "service@wy.example"));
    assert_int_equal(m.nfiles, 1);
    assert_true(str_eqz(m.files[0].name, "漏.png"));
    assert_int_equal(m.files[0].bytes.n, 6);
    assert_false(m.automatic);
    arena_free(a);
}

static void html_alone_is_read_as_words(void **state)
{
    struct arena *a = arena_new(ARENA_REPORT_BYTES);
    struct ctx c = ctx_of(a);
    struct mail m;
    (void)state;
    assert_int_equal(
        mime_read(&c,
                  S(HEAD
                    "Content-Type: text/html; charset=utf-8\r\n\r\n<html><head><title>t</title>"
                    "<style>p{x:y}</style></head><body><p>3栋&nbsp;&amp; 5栋<br>漏水</p>"
                    "<script>alert(1)</script><div>&#x4E2D;&#25991;&bogus;</div></body>"),
                  &m),
        E_OK);
    assert_true(str_eqz(m.text, "3栋 & 5栋\n漏水\n中文&bogus;"));
    assert_true(str_ends(m.message_id, S("@none")));
    arena_free(a);
}

static void words_of_html(void **state)
{
    static const struct {
        const char *html, *words;
    } cases[] = {{"a<b", "a"},
                 {"1 < 2 & 3", "1 < 2 & 3"},
                 {"<p title='a>b'>x", "x"},
                 {"<!-- x -->y", "y"},
                 {"<!-- x", ""},
                 {"&#0;&#xD800;&#x110000;z", "z"},
                 {"<style>x", ""},
                 {"a<td>b</td>", "a b"},
                 {"&", "&"}};
    struct arena *a = arena_new(ARENA_REQUEST_BYTES);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_string_equal(str_z(a, html_words(a, str_of(cases[i].html))), cases[i].words);
    arena_free(a);
}

static void what_is_new_in_an_answer(void **state)
{
    static const struct {
        const char *text, *fresh;
    } cases[] = {{"好的\n\n在 2026年11月29日，翠园物业 <a@b> 写道：\n> 您好", "好的"},
                 {"ok\r\n\r\nOn Sun, Anju wrote:\r\n> hi", "ok"},
                 {"行\n------------------ 原始邮件 ------------------\n发件人: x", "行"},
                 {"yes\n-----Original Message-----\nFrom: a@b", "yes"},
                 {"嗯\n-- \n王芳", "嗯"},
                 {"见附件\n发件人：物业", "见附件"},
                 {"> 只有引用", "> 只有引用"},
                 {"--- 不是引用\n第二行", "--- 不是引用\n第二行"},
                 {"", ""}};
    struct arena *a = arena_new(ARENA_REQUEST_BYTES);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_string_equal(str_z(a, mail_fresh(str_of(cases[i].text))), cases[i].fresh);
    assert_string_equal(str_z(a, mail_topic(S(" Re: 回复：FW: 漏水"))), "漏水");
    assert_string_equal(str_z(a, mail_topic(S("Re:"))), "");
    arena_free(a);
}

static void programs_and_returned_letters(void **state)
{
    struct arena *a = arena_new(ARENA_REPORT_BYTES);
    struct ctx c = ctx_of(a);
    struct mail m;
    (void)state;
    static const char *const signs[] = {"Auto-Submitted: auto-replied", "Precedence: bulk",
                                        "List-Id: <x>", "Return-Path: <>",
                                        "X-Auto-Response-Suppress: OOF"};
    for (size_t i = 0; i < COUNT_OF(signs); i++) {
        assert_int_equal(mime_read(&c, arena_fmt(a, HEAD "%s\r\n\r\nhi", signs[i]), &m), E_OK);
        assert_true(m.automatic && !m.bounced);
    }
    assert_int_equal(mime_read(&c, S(HEAD "Auto-Submitted: no\r\n\r\nhi"), &m), E_OK);
    assert_false(m.automatic);
    static const char report[] = HEAD
        "Content-Type: multipart/report; boundary=B\r\n\r\n--B\r\n"
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        "Action: %s\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 <wang@qq.example> unknown\r\n\r\n--B\r\n"
        "Content-Type: message/rfc822\r\n\r\nMessage-ID: <our@x>\r\nFrom: a@b.example\r\n\r\n"
        "x\r\n--B--\r\n";
    assert_int_equal(mime_read(&c, arena_fmt(a, report, "failed"), &m), E_OK);
    assert_true(m.bounced && m.automatic && m.nrefs == 1 && str_eqz(m.refs[0], "our@x"));
    assert_true(str_eqz(m.why, "Diagnostic-Code: smtp; 550 *** unknown"));
    assert_int_equal(mime_read(&c, arena_fmt(a, report, "delayed"), &m), E_OK);
    assert_false(m.bounced);
    arena_free(a);
}

static void what_is_no_message(void **state)
{
    static const char *const bad[] = {"",
                                      "\r\n",
                                      "hello",
                                      "Subject: x\r\n\r\ny",
                                      "From: nobody\r\n\r\nx",
                                      "From: a@b\r\n\r\nx",
                                      "From: -oQ/tmp@x.example\r\n\r\nx"};
    struct arena *a = arena_new(ARENA_REPORT_BYTES);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct ctx c = ctx_of(a);
        struct mail m;
        assert_int_equal(mime_read(&c, str_of(bad[i]), &m), E_SYNTAX);
    }
    arena_free(a);
}

/* Deep, wide and large: bounded, and an answer. */
static void hostile_shapes(void **state)
{
    struct arena *a = arena_new(ARENA_REPORT_BYTES);
    struct ctx c = ctx_of(a);
    struct mail m;
    struct buf b;
    (void)state;
    buf_init(&b, a, 8 << 20);
    buf_put(&b, S(HEAD));
    for (int i = 0; i < 3000; i++)
        buf_fmt(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
    assert_int_equal(mime_read(&c, buf_str(&b), &m), E_OK);
    buf_clear(&b);
    buf_put(&b, S(HEAD "Content-Type: multipart/mixed; boundary=B\r\n\r\n"));
    for (int i = 0; i < 5000; i++)
        buf_fmt(&b, "--B\r\nContent-Disposition: attachment; filename=\"%d.png\"\r\n\r\nx\r\n", i);
    assert_int_equal(mime_read(&c, buf_str(&b), &m), E_OK);
    assert_true(m.nfiles == MAIL_FILES && m.left_out > 0);
    buf_clear(&b);
    buf_put(&b, S(HEAD "\r\n"));
    for (int i = 0; i < 100000; i++)
        buf_put(&b, S("一行字\n"));
    assert_int_equal(mime_read(&c, buf_str(&b), &m), E_OK);
    assert_int_equal(utf8_len(m.text), MAIL_TEXT_MAX);
    arena_free(a);
    a = arena_new(ARENA_REPORT_BYTES);
    c = ctx_of(a);
    char *big = arena_get(a, MAIL_BYTES_MAX);
    memset(big, 'a', MAIL_BYTES_MAX);
    memcpy(big, HEAD "\r\n", strlen(HEAD) + 2);
    enum err e = mime_read(&c, (struct str){big, MAIL_BYTES_MAX}, &m);
    assert_true(e == E_OK || e == E_TOOBIG);
    arena_free(a);
}

static void a_letter_is_read_as_it_was_written(void **state)
{
    struct arena *a = arena_new(ARENA_REPORT_BYTES);
    struct ctx c = ctx_of(a);
    struct mail m;
    struct letter_out l = {.from = S("service@wy.example"),
                           .from_name = S("翠园物业，\"客服\" <x>"),
                           .to = S("wang@qq.example"),
                           .subject = S("Re: 厨房漏水\r\nBcc: x@y.example"),
                           .text = S("您好:\n第二行 .\n.\nFrom 行首"),
                           .message_id = S("anju.1@wy.example"),
                           .answers = S("a@b")};
    (void)state;
    struct str raw = mime_write(&c, &l);
    for (size_t i = 0; i < raw.n; i++)
        assert_true((unsigned char)raw.p[i] < 0x80);
    assert_true(str_find(raw, S("\nBcc:")) < 0);
    assert_int_equal(mime_read(&c, raw, &m), E_OK);
    assert_true(str_eq(m.from, l.from) && str_eq(m.name, l.from_name));
    assert_true(str_eq(m.text, l.text) && str_eq(m.message_id, l.message_id));
    assert_true(m.nrefs == 2 && str_eq(m.refs[0], l.answers));
    assert_true(m.nto == 1 && str_eq(m.to[0], l.to) && !m.automatic);
    l.automatic = true;
    assert_int_equal(mime_read(&c, mime_write(&c, &l), &m), E_OK);
    assert_true(m.automatic);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_of_a_chinese_program),
        cmocka_unit_test(html_alone_is_read_as_words),
        cmocka_unit_test(words_of_html),
        cmocka_unit_test(what_is_new_in_an_answer),
        cmocka_unit_test(programs_and_returned_letters),
        cmocka_unit_test(what_is_no_message),
        cmocka_unit_test(hostile_shapes),
        cmocka_unit_test(a_letter_is_read_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
