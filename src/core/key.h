/* key.h - the key file: what is encrypted in the database opens only with it, so a stolen database
 * or backup tells no ID number. It lies outside the database, readable by its owner only, one line
 * a key: "ID HEX". The first key is the current one; the others still open what they closed until
 * `anju key rotate` has closed it anew. The database keeps a mark of every key in use, so a wrong
 * or missing file is found at the start and not at the first ID number. */
#pragma once
#include "core/app.h"

enum { KEYS_MAX = 8, KEY_ID_CHARS = 8, KEY_MARK_CHARS = 64 };

/* Reads the file at path (kept; must outlive the process) and holds it against the database's
 * marks. With create a missing file is made when the database never had one. A missing file that is
 * not needed yet is no fault. E_STATE: wrong, unreadable or lost, with words that say what to do.
 */
MUST_USE enum err keys_load(struct ctx *c, struct app *app, const char *path, bool create);
/* Forgets the keys: before another database is opened in this process (tests). */
void keys_forget(void);
bool keys_ready(void);

/* "ID.BOX" of plain, bound to the place where it will stand ("person.id_number:17"). */
MUST_USE enum err key_seal(struct ctx *c, struct str where, struct str plain, struct str *ret);
/* False: sealed for another place, changed, or by a key that is not in the file. */
MUST_USE bool key_open(struct arena *a, struct str where, struct str sealed, struct str *ret);
bool key_is_current(struct str sealed);
/* The keyed hashes of plain by which equal values are found without opening any: one per key, the
 * current first. what ("person.id_number:COMMUNITY") keeps columns and communities apart. Returns
 * how many. */
int key_indexes(struct arena *a, struct str what, struct str plain, struct str ret[KEYS_MAX]);
/* "ID.HEX": proof that text was written by who holds the key. */
MUST_USE enum err key_sign(struct ctx *c, const char *use, struct str text, struct str *ret);
bool key_signed(struct arena *a, const char *use, struct str text, struct str sign);

/* --- rotation (rekey.c) --- */
/* Puts a new current key before the others. */
MUST_USE enum err keys_add(struct ctx *c, struct app *app);
/* Removes all but the current key from file and database. */
MUST_USE enum err keys_drop_old(struct ctx *c, struct app *app);
/* A new key; everything that is encrypted is closed anew with it, in small transactions while the
 * service runs; then the old keys go. Interrupted, it is simply called again. */
MUST_USE enum err keys_rotate(struct ctx *c, struct app *app, int64_t *ret_values);
