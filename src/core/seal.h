/* seal.h - the event log made evidence. Once a second every row written since takes the next place
 * in its community's hash chain: seal n = SHA-256(seal n-1, row n). Whoever changes, removes, adds
 * or reorders a row breaks every seal after it; whoever writes all of them anew cannot sign the
 * chain's end, because that needs the key file. Not inside the write itself: one chain end per
 * community would make all its writes wait for each other. */
#pragma once
#include "core/app.h"

/* Seals what is not sealed yet, in small units of work. Returns how many rows, -1 when the database
 * is away. */
int64_t seal_run(struct app *app, int64_t now_ms);
/* Walks every chain from its first row; tell hears of each fault with the event's id. */
MUST_USE enum err seal_verify(struct ctx *c, struct app *app, tell_fn tell, void *arg);
/* Signs the ends of all chains with the current key, after a change of keys. */
MUST_USE enum err seal_sign_again(struct ctx *c, struct app *app);
