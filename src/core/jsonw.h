/* jsonw.h - a JSON writer that keeps commas, indentation and brackets right, for documents people
 * read and diff. Containers are written one member per line, or flat: all on one line, with
 * everything inside them. Replies of the API are not written with it: they go straight into their
 * buffer. */
#pragma once
#include "base/err.h"

enum { JSONW_DEPTH_MAX = 60 };
struct jsonw {
    struct buf *b;
    int depth;
    uint64_t array, flat,
        some; /* bit d: the container at depth d is an array, is flat, has members */
};
/* key is NULL inside arrays and at the top. Every jw_obj… and jw_arr… needs one jw_end. */
void jw_obj(struct jsonw *w, const char *key);
void jw_obj_flat(struct jsonw *w, const char *key);
void jw_arr(struct jsonw *w, const char *key);
void jw_arr_flat(struct jsonw *w, const char *key);
void jw_end(struct jsonw *w);
void jw_str(struct jsonw *w, const char *key, struct str s);
void jw_strz(struct jsonw *w, const char *key, const char *z);
void jw_int(struct jsonw *w, const char *key, int64_t i);
void jw_bool(struct jsonw *w, const char *key, bool v);
void jw_null(struct jsonw *w, const char *key);
