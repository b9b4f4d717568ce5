/* schema.h - JSON Schemas (2020-12, as OpenAPI 3.1 uses them) of fields, resources and fixed
 * replies. What goes out is described by type only, what comes in with its limits too: a limit that
 * changes must not make old rows invalid. */
#pragma once
#include "core/core.h"
#include "core/jsonw.h"

struct oas { /* one document being printed */
    struct jsonw w;
    struct arena *mem;
};
/* "work_order" or "work-orders" + "List" → "WorkOrderList", "WorkOrdersList". */
const char *schema_name(struct oas *o, const char *name, const char *suffix);
/* The schema of an action's input: "TicketActionDispatch". */
const char *schema_action_name(struct oas *o, const struct resource *r, const struct action *a);
void schema_ref(struct oas *o, const char *key, const char *component);
/* One value: out as replies have it, otherwise as bodies and parameters take it. */
void schema_field(struct oas *o, const char *key, const struct field *f, bool out, bool nullable);
bool schema_taken(const struct field *f,
                  enum read_mode mode); /* may a body of this mode hold it? */
/* A body object; version: it may also carry the row's version. */
void schema_input(struct oas *o, const char *key, const struct field *fields, int n,
                  enum read_mode mode, bool version);
/* A shape in short notation, the way routes write their replies down:
 *   int str bool date instant object any   (a|b) keys   [type] array   <type> object with any keys
 * @Ticket component {name:type, name?:type} object, name? may be left out; type? may be null */
void schema_shape(struct oas *o, const char *key, const char *shape);
/* All members of components.schemas. */
void schema_components(struct oas *o);
bool schema_known(struct oas *o, const char *component);
