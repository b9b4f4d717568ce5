/* json.h - reading JSON (jansson behind it). What goes out is written with buf_* and never built as
 * a tree. Nodes live as long as the arena they were parsed into. Depth, size and duplicate keys are
 * limited here. */
#pragma once
#include "base/err.h"

struct json; /* one value */
enum json_type { JSON_NULL, JSON_BOOL, JSON_INT, JSON_REAL, JSON_STRING, JSON_ARRAY, JSON_OBJECT };
enum { JSON_DEPTH_MAX = 16 };

/* Parses one whole document. E_SYNTAX with line, column and reason when malformed (also: duplicate
 * keys, depth > JSON_DEPTH_MAX, U+0000). */
MUST_USE enum err json_parse(struct ctx *c, struct str text, const struct json **ret);
enum json_type json_type(const struct json *j);
struct str json_str(const struct json *j); /* of a string; else, and of NULL, empty */
int64_t json_int(const struct json *j);    /* of an int or bool; else, and of NULL, 0 */
/* Of a real or int; else 0. Another link name: jansson exports a json_real of its own and would
 * call this one. */
double json_real(const struct json *j) __asm__("anju_json_real");
size_t json_count(const struct json *j); /* members of an array or object */
const struct json *json_at(const struct json *array, size_t i);
const struct json *json_get(const struct json *object,
                            const char *key); /* NULL: not there, or no object */
/* Walks an object in document order: for (void *it = json_first(o); it; it = json_next(o, it)) */
void *json_first(const struct json *object);
void *json_next(const struct json *object, void *it);
const char *json_key(void *it);
const struct json *json_value(void *it);
/* The value as compact JSON text. */
void buf_json_value(struct buf *b, const struct json *j);
