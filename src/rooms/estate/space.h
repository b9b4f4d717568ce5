/* space.h - inside estate: the rules of the space tree. */
#pragma once
#include "rooms/estate/estate.h"

extern const struct query Q_SPACE_PARENT, Q_SPACE_CHILDREN, Q_SPACE_PATH;
enum err space_check(struct ctx *c, struct tx *tx, const struct row *old, struct row *neu);
enum err space_after(struct ctx *c, struct tx *tx, const struct row *old, const struct row *neu);
/* R2: may a space of kind stand in one of kind parent (0: at the root)? Pure. */
bool space_fits(int64_t kind, int64_t parent);
