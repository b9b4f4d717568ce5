/* live.h - server-sent events: who is listening, and the notice that goes out after a commit. */
#pragma once
#include "core/event.h"

/* Module listener tables, set at boot; ends with NULL. */
const struct on *const *live_listeners(void);
void live_listeners_set(const struct module *const *modules);
/* Remembers the notice; it is sent when the transaction is durable. */
void live_after_commit(struct ctx *c, struct tx *tx, const struct event *e);
/* Sends a comment line to every stream so that dead ones are noticed; called about every 20 s. */
void live_beat(struct live *l);
int live_count(struct live *l);
