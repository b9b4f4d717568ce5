/* form.h - the parts of one multipart body, as they arrive: files go to temp_dir and are hashed on
 * the way, other fields stay in memory. The splitting itself is libmicrohttpd's work in http.c. */
#pragma once
#include "http/http.h"

enum { FORM_PARTS_MAX = 32, FORM_VALUE_MAX = 64 << 10 };
struct form;
struct form *form_new(struct arena *a, const char *temp_dir);
/* One piece of a part; offset counts within the part. False: stop reading, see form_status. */
bool form_piece(struct form *f, const char *name, const char *filename, const char *type,
                struct str bytes, uint64_t offset);
/* Closes the last part. 0, or the HTTP status of what went wrong. */
int form_end(struct form *f);
int form_status(const struct form *f);
struct http_part *form_parts(struct form *f, int *ret_n);
/* Closes and removes the temporary files that are still where they were made. */
void form_free(struct form *f);
