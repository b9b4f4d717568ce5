/* virus.h - uploads are looked at by a virus scanner before they are kept, where the site runs one:
 * clamd of ClamAV, named by the setting clamd (ASVS 12.4.2). */
#pragma once
#include "core/app.h"

/* E_OK: clean, or no scanner is set. E_INVALID with the field "file": it found something. E_BUSY:
 * it could not be asked, and then nothing is kept. Not within a transaction: it waits. */
MUST_USE enum err virus_scan(struct ctx *c, const struct app *app, const char *path);
/* What the scanner says to these bytes: "stream: OK", "stream: NAME FOUND" or an error of its own.
 * False: it could not be asked, *ret_said says why. */
bool virus_ask(struct arena *a, const char *clamd, struct str bytes, struct str *ret_said);
