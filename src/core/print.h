/* print.h - documents printed from the tables; and the program's version. */
#pragma once
#include "core/app.h"

#define ANJU_VERSION "0.1.0"
void openapi_print(const struct app *app, struct buf *out);
void dictionary_print(const struct app *app, struct buf *out);
void states_print(const struct app *app, struct buf *out);
void errors_print(struct buf *out);
