/* room.h - inside handbook. */
#pragma once
#include "rooms/handbook/handbook.h"

#define POLICY_RIGHTS                                                                              \
    .read = "policy.read", .create = "policy.manage", .update = "policy.manage",                   \
    .remove = "policy.manage"
extern const struct query *const policy_table_queries[],
    *const sla_queries[], *const class_queries[], *const suggest_queries[],
                                                      *const page_queries[],
                                                          *const reading_queries[],
                                                              *const page_seed_queries[],
                                                                  *const reply_queries[];
extern const struct route sla_routes[], suggest_routes[], page_routes[], reading_routes[];
/* May a category of this place be given to a space of this kind (0: not said)? Homes' are for
 * homes; what everybody shares is often told from a home. Pure. */
bool place_allows(int64_t place, int64_t space_kind);
extern const struct fixup handbook_fixups[];
enum err handbook_policies(struct ctx *c, struct tx *tx, int64_t community);
enum err handbook_classes(struct ctx *c, struct tx *tx, int64_t community);
enum err handbook_pages(struct ctx *c, struct tx *tx, int64_t community);
/* Communities from before the handbook had pages get the shipped ones as drafts. */
enum err handbook_drafts(struct ctx *c, struct tx *tx);
enum err handbook_turn(struct ctx *c, struct tx *tx, struct app *app, struct str data);
/* ,"reading":{…}: what the caller has still to say about this version. */
enum err put_reading(struct ctx *c, struct tx *tx, const struct row *page, struct buf *out);
enum err handbook_replies_seed(struct ctx *c, struct tx *tx, int64_t community);
/* The post of this name in a new community, made where it is not there. */
enum err post_for_seed(struct ctx *c, struct tx *tx, int64_t community, struct str name,
                       struct val *ret);
