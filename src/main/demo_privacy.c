/* demo_privacy.c - what the privacy room shows in the demo: a text people are asked to agree to, an
 * answer, a request under way, the registers. Through the room's own door, so its rules hold. */
#include "main/demo_in.h"
#include "rooms/privacy/room.h"

static const struct query Q_SOMEBODY = {
    "demo.somebody", "SELECT max(id) FROM person WHERE community_id = $1 AND archived = 0"};

static struct str day(struct demo *d, int days)
{
    return date_text(d->mem, date_of_days(d->today + days));
}

static struct str series_of(struct demo *d)
{
    return arena_fmt(d->mem, "GR-%04d", date_of_days(d->today).y);
}

/* The next request's number follows the one made here. */
void privacy_make(struct demo *d)
{
    for (int i = 0; i < TOWNS; i++) {
        struct val *v = row_raw(d, &d->series);
        v[0] = v_int(d->towns[i].id);
        v[1] = v_text(series_of(d));
        v[2] = v_int(2);
    }
}

static enum err text_write(struct ctx *c, struct tx *tx, struct demo *d, int64_t town,
                           int64_t person)
{
    struct row text = {0}, consent = {0};
    row_put(&text, R_COMMUNITY, v_int(town));
    row_put(&text, CT_PURPOSE, v_int(FOR_GREETINGS));
    row_put(&text, CT_EDITION, v_int(1));
    row_put(&text, CT_TEXT,
            v_lit("物业服务中心将使用您的姓名和电话,在节日和生日发送问候。保存至您撤回为止;"
                  "可随时在“我的信息”撤回,不影响物业服务。"));
    row_put(
        &text, CT_TEXT_EN,
        v_lit("We use your name and phone to send greetings on holidays and birthdays, until you "
              "withdraw: at any time, under My data. Services do not depend on it."));
    row_put(&text, CT_FROM, v_text(day(d, -90)));
    row_put(&text, CT_SEPARATE, v_int(0));
    TRY(res_insert(c, tx, &res_consent_text, &text));
    row_put(&consent, R_COMMUNITY, v_int(town));
    row_put(&consent, CS_PERSON, v_int(person));
    row_put(&consent, CS_TEXT, text.v[R_ID]);
    row_put(&consent, CS_CHANNEL, v_int(BY_PAPER));
    return res_insert(c, tx, &res_consent, &consent);
}

static enum err request_write(struct ctx *c, struct tx *tx, struct demo *d, int64_t town,
                              int64_t person)
{
    struct row row = {0};
    row_put(&row, R_COMMUNITY, v_int(town));
    row_put(&row, DR_PERSON, v_int(person));
    row_put(&row, DR_KIND, v_int(ASK_ACCESS));
    row_put(&row, DR_CHANNEL, v_int(BY_DESK));
    row_put(&row, DR_CODE, v_text(arena_fmt(d->mem, PRS "-000001", PRA(series_of(d)))));
    return res_insert(c, tx, &res_data_request, &row);
}

enum err privacy_write(struct ctx *c, struct tx *tx, struct demo *d)
{
    for (int i = 0; i < TOWNS; i++) {
        struct val person;
        int64_t town = d->towns[i].id;
        TRY(q_one(c, tx, &Q_SOMEBODY, IN(v_int(town)), &person, 1));
        TRY(text_write(c, tx, d, town, val_int(person)));
        TRY(request_write(c, tx, d, town, val_int(person)));
        TRY(retention_seed(c, tx, town));
        TRY(registers_seed(c, tx, town, day(d, -30), day(d, 335)));
    }
    return E_OK;
}
