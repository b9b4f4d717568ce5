/* site.h - everything that is not the API: the embedded UI, health, metrics, the OpenAPI document.
 */
#pragma once
#include "core/app.h"

bool site_is_direct(struct str path);
void site_reply(struct app *app, struct ctx *c, struct http_req *h, struct http_reply *reply);
void site_security_headers(const struct http_req *h, struct http_reply *reply);
