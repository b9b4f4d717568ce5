/* items.c - what a ticket took: materials, and services from the price list, each a row with its
 * quantity, its price as it was then, and who pays. The ticket's cost is their sum, what the
 * customer is asked for the sum of his. Until the customer was told they may be put right; after
 * that they stand. A row taken out stays, archived. */
#include "base/num.h"
#include "rooms/service/ticket.h"

static const struct choice kinds[] = {{ITEM_SERVICE, "service", {"服务", "Service"}, NULL},
                                      {ITEM_MATERIAL, "material", {"材料", "Material"}, NULL},
                                      {0}};
static const struct choice payers[] = {
    {PAYER_CUSTOMER, "customer", {"客户付", "Customer"}, "amber"},
    {PAYER_PROPERTY, "property", {"物业承担", "Property office"}, "grey"},
    {PAYER_WARRANTY, "warranty", {"保修", "Warranty"}, "grey"},
    {0}};
enum { PRICE_MAX = 100000000, QTY_MAX = 10000000 };
static const struct field item_fields[TI__N] = {
    STANDARD_FIELDS,
    [TI_TICKET] = {"ticket_id", F_REF, SERVER_SET | FILTER | LIST | INDEXED, .ref = "tickets",
                   .label = {"工单", "Ticket"}},
    [TI_KIND] = {"kind", F_ENUM, SERVER_SET | FILTER | LIST, .choices = kinds,
                 .label = {"类别", "Kind"}},
    [TI_PRICE_ITEM] = {"price_item_id", F_REF, SERVER_SET | FILTER, .ref = "price-items",
                       .label = {"收费项目", "Price list"},
                       .help = {"空:不在价目表内", "empty: not on the price list"}},
    [TI_NAME] = {"name", F_TEXT, SERVER_SET | LIST, 1, 60, .label = {"名称", "Name"}},
    [TI_NAME_EN] = {"name_en", F_TEXT, SERVER_SET, 0, 80, .label = {"英文名", "English name"}},
    [TI_UNIT] = {"unit", F_TEXT, SERVER_SET | LIST, 0, 10, .label = {"单位", "Unit"}},
    [TI_QTY] = {"quantity", F_QTY, SERVER_SET | LIST, 1, QTY_MAX, .label = {"数量", "Quantity"}},
    [TI_PRICE] = {"price", F_MONEY, SERVER_SET | LIST, 0, PRICE_MAX, .label = {"单价", "Price"}},
    [TI_AMOUNT] = {"amount", F_MONEY, SERVER_SET | LIST, .label = {"金额", "Amount"}},
    [TI_PAYER] = {"payer", F_ENUM, SERVER_SET | FILTER | LIST, .choices = payers,
                  .label = {"谁付", "Who pays"}},
};
const struct resource res_ticket_item = {.name = "ticket_item",
                                         .path = "ticket-items",
                                         .label = {"用料与收费", "Material or charge"},
                                         .fields = item_fields,
                                         .nfields = TI__N,
                                         .title = "name",
                                         .read = "ticket.read"};
const struct field in_add_item[ADD__N] = {
    [ADD_KIND] = {"kind", F_ENUM, REQUIRED | VIRTUAL, .choices = kinds, .label = {"类别", "Kind"}},
    [ADD_PRICE_ITEM] = {"price_item_id", F_REF, VIRTUAL, .ref = "price-items",
                        .label = {"价目", "From the price list"},
                        .help = {"选了价目,名称、单位和单价就是价目表的",
                                 "then name, unit and price are the list's"}},
    [ADD_NAME] = {"name", F_TEXT, VIRTUAL, 0, 60, .label = {"名称", "Name"},
                  .help = {"价目表里没有时填", "for what is not on the list"}},
    [ADD_QTY] = {"quantity", F_QTY, REQUIRED | VIRTUAL, 1, QTY_MAX, .label = {"数量", "Quantity"}},
    [ADD_UNIT] = {"unit", F_TEXT, VIRTUAL, 0, 10, .label = {"单位", "Unit"}},
    [ADD_PRICE] = {"price", F_MONEY, VIRTUAL, 0, PRICE_MAX, .label = {"单价", "Price"}},
    [ADD_PAYER] = {"payer", F_ENUM, REQUIRED | VIRTUAL, .choices = payers,
                   .label = {"谁付", "Who pays"}}};
const struct field in_drop_item[1] = {
    {"item_id", F_REF, REQUIRED | VIRTUAL, .ref = "ticket-items", .label = {"明细", "Item"}}};

/* Those taken out, too: the timeline names them. */
static const struct query Q_ITEMS = {
    "service.items",
    "SELECT id, kind, price_item_id, name, name_en, unit, quantity, price, amount, payer, archived "
    "FROM ticket_item WHERE community_id = $1 AND ticket_id = $2 ORDER BY id LIMIT 201"};
static const struct query Q_PRICE = {
    "service.price", "SELECT name, name_en, unit, price FROM price_item WHERE community_id = $1 "
                     "AND id = $2 AND archived = 0"};
const struct query *const item_queries[] = {&Q_ITEMS, &Q_PRICE, NULL};
enum {
    I_ID,
    I_KIND,
    I_PRICE_ITEM,
    I_NAME,
    I_NAME_EN,
    I_UNIT,
    I_QTY,
    I_PRICE,
    I_AMOUNT,
    I_PAYER,
    I_DROPPED,
    I__N
};

static enum err rows_of(struct ctx *c, struct tx *tx, const struct row *t, struct rows *ret)
{
    return q_rows(c, tx, &Q_ITEMS, IN(t->v[R_COMMUNITY], t->v[R_ID]), ITEMS_MAX + 1, ret);
}

static void put_item(const struct val *v, const struct zone *z, bool first, struct buf *out)
{
    static const int fields[] = {[I_KIND] = TI_KIND,   [I_PRICE_ITEM] = TI_PRICE_ITEM,
                                 [I_NAME] = TI_NAME,   [I_NAME_EN] = TI_NAME_EN,
                                 [I_UNIT] = TI_UNIT,   [I_QTY] = TI_QTY,
                                 [I_PRICE] = TI_PRICE, [I_AMOUNT] = TI_AMOUNT,
                                 [I_PAYER] = TI_PAYER};
    buf_putz(out, first ? "{" : ",{");
    part_json(out, &res_ticket_item, v, fields, COUNT_OF(fields), z);
    buf_fmt(out, ",\"dropped\":%s}", val_int(v[I_DROPPED]) ? "true" : "false");
}

enum err items_json(struct ctx *c, struct tx *tx, const struct row *t, struct buf *out)
{
    struct rows rows;
    bool staff = !c->who || who_may(c->who, "ticket.staff", row_int(t, R_COMMUNITY)), first = true;
    TRY(rows_of(c, tx, t, &rows));
    buf_put(out, S(",\"items\":["));
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * I__N;
        if (!staff && (val_int(v[I_PAYER]) != PAYER_CUSTOMER || val_int(v[I_DROPPED])))
            continue; /* what the office bears is its own business */
        put_item(v, app_zone(row_int(t, R_COMMUNITY)), first, out);
        first = false;
    }
    buf_putc(out, ']');
    return E_OK;
}

/* Writes into neu what t costs with one item more (add; NULL: none), without the item minus. */
static enum err sums(struct ctx *c, struct tx *tx, const struct row *t, const struct row *add,
                     int64_t minus, struct row *neu)
{
    struct rows rows;
    int64_t cost = add ? row_int(add, TI_AMOUNT) : 0, n = add != NULL,
            payable = add && row_int(add, TI_PAYER) == PAYER_CUSTOMER ? cost : 0;
    TRY(rows_of(c, tx, t, &rows));
    if (add && rows.n >= ITEMS_MAX)
        return FAIL(c, E_STATE, "一张工单最多 200 行明细", "a ticket has 200 items at most");
    for (size_t i = 0; i < rows.n; i++) {
        const struct val *v = rows.v + i * I__N;
        if (val_int(v[I_DROPPED]) || val_int(v[I_ID]) == minus)
            continue;
        n++;
        cost += val_int(v[I_AMOUNT]); /* each within PRICE_MAX, 200 of them */
        payable += val_int(v[I_PAYER]) == PAYER_CUSTOMER ? val_int(v[I_AMOUNT]) : 0;
    }
    row_put(neu, T_COST, n ? v_int(cost) : v_null());
    row_put(neu, T_PAYABLE, n ? v_int(payable) : v_null());
    return E_OK;
}

enum err items_cost(struct ctx *c, const struct row *old, struct row *neu, bool said)
{
    if (!row_has(old, T_PAYABLE)) /* no items: the worker's word stands */
        return E_OK;
    if (said && row_has(neu, T_COST) && row_int(neu, T_COST) != row_int(old, T_COST))
        return FAIL_FIELD(c, "cost", "sum", "费用由用料与收费明细合计,不用另填",
                          "the cost is the sum of the items: leave it empty");
    row_put(neu, T_COST, old->v[T_COST]);
    return E_OK;
}

/* Name, unit and price: the list's, or what the worker says of something that is not on it. */
static enum err describe(struct ctx *c, struct tx *tx, const struct row *t, const struct row *in,
                         struct row *item)
{
    struct val v[4];
    if (!row_has(in, ADD_PRICE_ITEM)) {
        if (!row_has(in, ADD_NAME))
            return FAIL_FIELD(c, "name", "required", "请选价目,或填名称",
                              "choose from the price list, or say what it is");
        if (!row_has(in, ADD_PRICE) && row_int(in, ADD_PAYER) == PAYER_CUSTOMER)
            return FAIL_FIELD(c, "price", "required", "客户付的要有单价",
                              "what the customer pays needs a price");
        row_put(item, TI_NAME, in->v[ADD_NAME]);
        row_put(item, TI_UNIT, in->v[ADD_UNIT]);
        row_put(item, TI_PRICE, v_int(row_int(in, ADD_PRICE)));
        return E_OK;
    }
    for (int i = ADD_NAME; i <= ADD_PRICE; i++)
        if (i != ADD_QTY && row_has(in, i))
            return FAIL_FIELD(c, in_add_item[i].name, "listed", "选了价目就按价目表,不能另填",
                              "it is on the price list: its name, unit and price are the list's");
    enum err e = q_one(c, tx, &Q_PRICE, IN(t->v[R_COMMUNITY], in->v[ADD_PRICE_ITEM]), v, 4);
    if (e == E_MISSING)
        return FAIL_FIELD(c, "price_item_id", "missing", "价目表里没有这一项",
                          "this is not on the price list any more");
    TRY(e);
    row_put(item, TI_PRICE_ITEM, in->v[ADD_PRICE_ITEM]);
    row_put(item, TI_NAME, v[0]);
    row_put(item, TI_NAME_EN, v[1]);
    row_put(item, TI_UNIT, v[2]);
    row_put(item, TI_PRICE, v[3]);
    return E_OK;
}

enum err effect_add_item(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                         const struct row *in)
{
    struct row item = {0};
    int64_t amount;
    TRY(describe(c, tx, old, in, &item));
    if (!num_muldiv(row_int(&item, TI_PRICE), row_int(in, ADD_QTY), 1000, ROUND_HALF_UP, &amount) ||
        amount > PRICE_MAX)
        return FAIL_FIELD(c, "quantity", "range", "金额太大", "the amount is too large");
    row_put(&item, R_COMMUNITY, old->v[R_COMMUNITY]);
    row_put(&item, TI_TICKET, old->v[R_ID]);
    row_put(&item, TI_KIND, in->v[ADD_KIND]);
    row_put(&item, TI_QTY, in->v[ADD_QTY]);
    row_put(&item, TI_AMOUNT, v_int(amount));
    row_put(&item, TI_PAYER, in->v[ADD_PAYER]);
    TRY(sums(c, tx, old, &item, 0, neu));
    return res_insert(c, tx, &res_ticket_item, &item);
}

enum err effect_drop_item(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu,
                          const struct row *in)
{
    struct row item, gone = {0};
    int64_t id = row_int(in, 0);
    enum err e = res_load(c, tx, &res_ticket_item, id, &item);
    if (e == E_MISSING || row_int(&item, TI_TICKET) != row_int(old, R_ID) ||
        row_int(&item, R_ARCHIVED))
        return FAIL_FIELD(c, "item_id", "missing", "这张工单没有这一行,请刷新",
                          "the ticket has no such item: refresh");
    TRY(e);
    row_put(&gone, R_ARCHIVED, v_int(1));
    TRY(res_store(c, tx, &res_ticket_item, &item, &gone, "ticket_item.dropped", (struct str){0}));
    return sums(c, tx, old, NULL, id, neu);
}
