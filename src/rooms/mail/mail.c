/* mail.c - the mail room's name plate, and under which address a community is written to. */
#include "rooms/mail/mail.h"

#include "rooms/mail/room.h"

static const struct field box_fields[MB__N] = {
    STANDARD_FIELDS,
    [MB_ADDRESS] = {"address", F_EMAIL, REQUIRED | LIST, .label = {"邮箱", "Address"},
                    .help = {"发到这个邮箱的信成为工单", "what is sent there becomes a ticket"}},
    [MB_NAME] = {"name", F_TEXT, REQUIRED | LIST, 1, 60, .label = {"署名", "Sender's name"}},
    [MB_KIND] = {"kind", F_ENUM, REQUIRED | LIST, .choices = ticket_kinds,
                 .label = {"工单类别", "Kind of ticket"}},
    [MB_RECEIPT] = {"receipt", F_BOOL, LIST, .label = {"自动回复收悉", "Send a receipt"},
                    .help = {"回信告知工单号与查询链接", "with the number and a progress link"}},
    [MB_SITE] = {"site", F_TEXT, REQUIRED, 8, 200, .label = {"对外网址", "Public address"},
                 .help = {"客户打开本系统的网址,如 https://wy.example.cn",
                          "where customers open this site: https://desk.example.org"}},
    [MB_SIGNATURE] = {"signature", F_LONGTEXT, 0, 0, 300, .label = {"落款", "Signature"},
                      .help = {"每封去信的结尾", "how each letter ends"}},
};
/* One address leads to one community, and a community speaks under one. */
static const struct index box_indexes[] = {{"mailbox_address", "address", "archived = 0", true},
                                           {"mailbox_one", "community_id", "archived = 0", true}};

static enum err box_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu)
{
    struct str site = row_str(neu, MB_SITE), host = site;
    (void)tx, (void)old;
    if (str_starts(site, S("https://")) || str_starts(site, S("http://")))
        host = str_sub(site, str_starts(site, S("https://")) ? 8 : 7, site.n);
    bool fine = host.n && host.n < site.n;
    for (size_t i = 0; i < host.n; i++)
        fine &= (unsigned char)host.p[i] > ' ' && (unsigned char)host.p[i] < 0x7f &&
                host.p[i] != '?' && host.p[i] != '#';
    if (!fine)
        return FAIL_FIELD(c, "site", "format", "应形如 https://wy.example.cn",
                          "looks like https://desk.example.org");
    while (str_ends(site, S("/")))
        site.n--;
    row_put(neu, MB_SITE, v_text(site));
    return E_OK;
}

const struct resource res_mailbox = {.name = "mailbox",
                                     .path = "mailboxes",
                                     .label = {"服务邮箱", "Mailbox"},
                                     .fields = box_fields,
                                     .nfields = MB__N,
                                     .indexes = box_indexes,
                                     .nindexes = COUNT_OF(box_indexes),
                                     .title = "address",
                                     .read = "policy.read",
                                     .create = "policy.manage",
                                     .update = "policy.manage",
                                     .remove = "policy.manage",
                                     .check = box_check};

static const struct query Q_BOX = {
    "mail.box", "SELECT id FROM mailbox WHERE community_id = $1 AND archived = 0"};
static const struct query *const box_queries[] = {&Q_BOX, NULL};

enum err mailbox_of(struct ctx *c, struct tx *tx, int64_t community, struct row *ret)
{
    struct val id;
    enum err e = q_one(c, tx, &Q_BOX, IN(v_int(community)), &id, 1);
    if (e == E_MISSING)
        return FAIL(c, E_MISSING, "本项目没有服务邮箱,请先在服务规则里设置",
                    "this community has no mailbox yet: add one under the service rules");
    TRY(e);
    return res_load(c, tx, &res_mailbox, val_int(id), ret);
}

static const struct on listens[] = {
    {"letter.created", "mail.receipt"}, {"ticket.informed", "mail.told"}, {0}};
static const struct job jobs[] = {{"mail.receipt", 0, job_receipt, NULL},
                                  {"mail.told", 0, job_told, NULL},
                                  {"mail.send", SEND_EVERY_S, NULL, step_send},
                                  {0}};
static const struct resource *const resources[] = {&res_mailbox, &res_letter, NULL};
static const struct menu_item menu[] = {{"rules",
                                         {"服务规则", "Service rules"},
                                         "mailboxes",
                                         {"服务邮箱", "Mailboxes"},
                                         NULL,
                                         "mailboxes",
                                         "policy.manage"},
                                        {"service",
                                         {"客户服务", "Service"},
                                         "letters",
                                         {"邮件", "Letters"},
                                         NULL,
                                         "letters",
                                         "ticket.desk"},
                                        {0}};
const struct module mail_module = {
    .name = "mail",
    .purpose = "letters by e-mail: in as tickets, out as answers",
    .resources = resources,
    .queries = {box_queries, letter_queries, take_queries, send_queries, mail_probe_queries},
    .routes = {letter_routes},
    .jobs = jobs,
    .listens = listens,
    .menu = menu,
    .probes = mail_probes};
