/* live.h - server-sent events: who is listening, and the notice that goes out after a commit. */
#pragma once
#include "core/event.h"

/* Module listener tables, set at boot; ends with NULL. */
const struct on *const *live_listeners(void);
void live_listeners_set(const struct module *const *modules);
/* Remembers the notice; it is sent when the transaction is durable. */
void live_after_commit(struct ctx *c, struct tx *tx, const struct event *e);
/* After the commit: `event: probe` with word, to streams of holders of system.metrics only. */
void live_probe(struct ctx *c, struct tx *tx, struct str word);
/* Sends a comment line to every stream so that dead ones are noticed; called about every 20 s. */
void live_beat(struct live *l);
/* Ends one user's streams (0: everybody's) after a logout or a change of rights: the client comes
 * back at once and hears what it may hear now. */
void live_drop(int64_t user_id);
int live_count(struct live *l);
