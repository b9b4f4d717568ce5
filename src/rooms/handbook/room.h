/* room.h - inside handbook. */
#pragma once
#include "rooms/handbook/handbook.h"

#define POLICY_RIGHTS                                                                              \
    .read = "policy.read", .create = "policy.manage", .update = "policy.manage",                   \
    .remove = "policy.manage"
extern const struct query *const policy_table_queries[],
    *const sla_queries[], *const class_queries[], *const suggest_queries[];
extern const struct route sla_routes[], suggest_routes[];
enum err handbook_policies(struct ctx *c, struct tx *tx, int64_t community);
enum err handbook_classes(struct ctx *c, struct tx *tx, int64_t community);
