/* sheet.h - import and export for callers that are no web request (the command line): the same
 * code, rules and row reasons as the API's routes. The caller is the system: every right is held.
 */
#pragma once
#include "core/app.h"

/* Loads CSV text into r, all rows or none. *ret_reply is the route's JSON
 * ({"rows","ok","failed","errors":[…]}) and *ret_failed how many rows had a reason. community_id 0:
 * the company's own rows. */
MUST_USE enum err sheet_import(struct ctx *c, struct app *app, const struct resource *r,
                               int64_t community_id, struct str csv, bool dry_run,
                               struct str *ret_reply, int64_t *ret_failed);
/* All rows of r as a CSV or XLSX file, personal values masked unless said otherwise; on record like
 * every export. */
MUST_USE enum err sheet_export(struct ctx *c, struct app *app, const struct resource *r,
                               int64_t community_id, bool xlsx, bool unmasked,
                               struct str *ret_file);
/* Takes an import back, step by step on this thread: archives the rows it made that nobody changed
 * or uses since; *ret_kept: how many stay. E_MISSING without it. batch_run.c */
MUST_USE enum err batch_take_back(struct ctx *c, struct app *app, int64_t id, int64_t *ret_kept);
