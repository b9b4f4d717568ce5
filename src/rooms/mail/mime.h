/* mime.h - messages of RFC 5322 and MIME, in and out. mime.c is the only file that knows GMime. */
#pragma once
#include "core/core.h"

enum { MAIL_BYTES_MAX = 20 << 20, MAIL_REFS = 20, MAIL_FILES = 10, MAIL_TEXT_MAX = 9000 };

/* What a message says, decoded to UTF-8, in the arena it was read with. Nothing of it is believed:
 * whoever sends a message writes all of it. */
struct mail {
    struct str message_id; /* without < >; made of the content when there is none */
    struct str from, name, subject;
    struct str text;            /* whole, at most MAIL_TEXT_MAX characters */
    struct str refs[MAIL_REFS]; /* what it answers, the nearest first */
    int nrefs;
    struct str to[MAIL_REFS]; /* whom it was delivered or sent to, the surest first */
    int nto;
    bool automatic; /* by a program: an out-of-office note, a list, a bounce. Never answered. */
    bool bounced;   /* says that refs[0] was not delivered, and why */
    struct str why;
    struct mail_file {
        struct str name, bytes;
    } files[MAIL_FILES];
    int nfiles, left_out; /* attachments, and how many more there were */
};
/* E_SYNTAX: no message, or nobody sent it. */
MUST_USE enum err mime_read(struct ctx *c, struct str raw, struct mail *ret);

struct letter_out {
    struct str from, from_name, to, subject, text, message_id, answers; /* answers may be empty */
    bool automatic;
};
/* Lines end with CR LF and are pure ASCII. */
struct str mime_write(struct ctx *c, const struct letter_out *l);

/* --- texts (text.c), pure --- */
/* The words of an HTML body. */
struct str html_words(struct arena *a, struct str html);
/* What is new in an answer: without what it quotes and without the signature. */
struct str mail_fresh(struct str text);
/* A subject without the Re: and 转发: before it. */
struct str mail_topic(struct str subject);
