/* assets.h - the web UI inside the binary. tools/embed makes the table from web/dist at build time,
 * sorted by path so that bsearch finds a file; asset_reply answers it. Empty in a build with
 * WEB=0. */
#pragma once
#include "http/http.h"

extern const struct asset assets[]; /* nassets of them, sorted by path (strcmp) */
extern const size_t nassets;
