/* sheet.h - import and export for callers that are no web request (the command line): the same
 * code, rules and row reasons as the API's routes. The caller is the system: nothing is masked and
 * every right is held. */
#pragma once
#include "core/app.h"

/* Loads CSV text into r, all rows or none. *ret_reply is the route's JSON
 * ({"rows","ok","failed","errors":[…]}) and *ret_failed how many rows had a reason. community_id 0:
 * the company's own rows. */
MUST_USE enum err sheet_import(struct ctx *c, struct app *app, const struct resource *r,
                               int64_t community_id, struct str csv, bool dry_run,
                               struct str *ret_reply, int64_t *ret_failed);
/* All rows of r as a CSV or XLSX file. */
MUST_USE enum err sheet_export(struct ctx *c, struct app *app, const struct resource *r,
                               int64_t community_id, bool xlsx, struct str *ret_file);
