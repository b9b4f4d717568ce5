/* client.h - a very small HTTP client for `anju doctor`: it asks the running service what any
 * browser would. One request a line (connection); no redirects, no names but those of the listening
 * address. */
#pragma once
#include "http/tls.h"

struct client;
/* Connects to the address of a --listen ("HOST:PORT"; the wildcard becomes loopback), shaking hands
 * when tls is set. Each wait ends after wait_ms. NULL: *ret_why. */
struct client *client_dial(const char *listen, bool tls, int wait_ms, struct arena *a,
                           struct tls_seen *ret_seen, struct str *ret_why);
/* Sends GET path with the extra header lines ("A: b\r\n" or empty). False: *ret_why. */
MUST_USE bool client_ask(struct client *l, const char *path, struct str headers,
                         struct str *ret_why);
/* Reads until the text so far holds what, or to the end of the reply when what is empty, at most
 * 256 KiB or wait_ms without a byte. The text so far, head first. */
struct str client_hear(struct client *l, struct str what);
void client_close(struct client *l);
/* Status of a reply text; 0: none. */
int client_status(struct str reply);
/* Whether its head has this header line's name. */
bool client_has_header(struct str reply, const char *name);
