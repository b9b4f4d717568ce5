/* rights.h - inside the core: the hooks that guard users, roles and grants. */
#pragma once
#include "core/core.h"

enum err user_prepare(struct ctx *c, struct app *app, struct row *neu);
enum err user_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu);
enum err user_after(struct ctx *c, struct tx *tx, const struct row *old, const struct row *neu);
enum err role_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu);
enum err grant_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu);
enum err grant_after(struct ctx *c, struct tx *tx, const struct row *old, const struct row *neu);
/* After any change that may take a right away: rights are read anew, and somebody who can manage
 * roles must be left. */
enum err rights_after(struct ctx *c, struct tx *tx, const struct row *old, const struct row *neu);
extern const struct query *const rights_queries[];
