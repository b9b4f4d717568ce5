/* net.h - a connection to a neighbour, blocking, with a time-out on every wait. */
#pragma once
#include "base/str.h"

/* address: "/PATH" or "unix:/PATH" of a socket, or "HOST:PORT" ("[::1]:80"; an empty or wildcard
 * host becomes loopback). Connecting, and each later wait on the descriptor, ends after wait_ms.
 * -1: *ret_why in a. */
int net_dial(const char *address, int wait_ms, struct arena *a, struct str *ret_why);
/* The host of such an address as it is dialled. */
struct str net_host(const char *address, struct arena *a);
/* Sends all of it. False: errno says why. */
MUST_USE bool net_send(int fd, const void *p, size_t n);
