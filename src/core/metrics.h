/* metrics.h - what /metrics tells of this process. */
#pragma once
#include "core/app.h"

void metrics_request(int status, int64_t us);
void metrics_login(bool good);
/* The whole page in Prometheus' text format. What is asked of the database is left out while that
 * is away. */
void metrics_text(struct app *app, struct ctx *c, struct buf *b);
