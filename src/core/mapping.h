/* mapping.h - reading foreign logs: a JSON mapping says which column of somebody else's CSV becomes
 * which of our fields.
 *   {"delimiter":",", "time_format":"%Y-%m-%d %H:%M:%S", "zone":"America/New_York",
 * "columns":{TARGET:SOURCE,…}} delimiter may be left out: then the header tells. SOURCE is one of
 * {"from":COLUMN}, {"from":COLUMN,"values":{TEXT:TEXT,…},"default":TEXT}, {"value":TEXT} and
 * {"join":[COLUMN,…],"sep":TEXT}. Texts are read like CSV cells of the target field; instants by
 * time_format in zone (both absent: RFC 3339). Nothing is cut, guessed or dropped: what cannot be
 * stored is a reason, the rest goes into `rest`. */
#pragma once
#include "core/csv.h"
#include "core/field.h"

struct mapping;
/* Reads and checks a mapping onto the fields, which must outlive it (as must c->mem). E_SYNTAX, or
 * E_INVALID with one sentence: an unknown target field, setting, zone or constant value. */
MUST_USE enum err mapping_load(struct ctx *c, const struct field *fields, int nfields,
                               struct str json, struct mapping **ret);

/* One good row; row, rest and their texts are gone when it returns. rest: JSON object of source
 * column to text, of every column that row does not hold byte for byte. Field errors it records and
 * answers with E_INVALID become that row's reasons; any other failure ends the reading. */
typedef enum err (*mapping_row_fn)(struct ctx *c, int64_t row_no, struct row *row, struct str rest,
                                   void *arg);
/* Calls fn for every row without errors, in order; the others are in errors (initialised by the
 * caller). E_INVALID or E_SYNTAX when the whole file is refused: no header, a source column missing
 * or there twice, bad quoting in the header. */
MUST_USE enum err mapping_rows(struct ctx *c, const struct mapping *m, struct str csv,
                               mapping_row_fn fn, void *arg, struct row_errors *errors);
