/* mail_fuzz.c - a message from outside, read as `anju mail` reads it, and what is made of its
 * words. */
#include "rooms/mail/mime.h"
#include "rooms/mail/room.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct arena *mem;
    if (!mem)
        mem = arena_new(ARENA_REPORT_BYTES);
    arena_reset(mem);
    struct ctx c = {.mem = mem, .now_ms = INT64_C(1795000000000)};
    struct mail m;
    if (mime_read(&c, (struct str){(const char *)p, n}, &m) != E_OK)
        return 0;
    ASSERT(utf8_valid(m.text) && utf8_valid(m.subject) && utf8_valid(m.name));
    ASSERT(m.from.n && m.message_id.n && m.nfiles <= MAIL_FILES);
    struct str fresh = mail_fresh(m.text), topic = mail_topic(m.subject);
    ASSERT(fresh.n <= m.text.n && topic.n <= m.subject.n);
    struct letter_out l = {.from = S("service@wy.example"),
                           .from_name = m.name,
                           .to = m.from,
                           .subject = m.subject,
                           .text = m.text,
                           .message_id = m.message_id};
    struct mail back;
    ASSERT(mime_read(&c, mime_write(&c, &l), &back) == E_OK);
    ASSERT(str_eq(back.to[0], m.from));
    return 0;
}
