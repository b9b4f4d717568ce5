/* door.h - the whole request path in one process, for the fuzz targets: the real application
 * (router, login, rights, reading, rooms, SQLite) behind a door without sockets. What http.c would
 * have read arrives as text:
 *   ROLE METHOD TARGET\n  Header: value\n …  \n  \n  body
 * ROLE is a login of test/lib/house.h or "nobody"; $a $b (communities), $unit, $person, $staff,
 * $ticket, $file and $user in target and body become ids of the house. */
#pragma once
#include "../lib/house.h"

/* Runs one request and judges its reply: aborts on a status that no input may cause, a body that is
 * not the JSON it says it is, or another community's mark. Returns the status. */
int door_text(struct str text);
int door_call(const char *role, const char *method, struct str target, struct str headers,
              struct str body, struct str *ret_body);
/* For tests of faults: 500, 503 and 507 are answers too; end is called when the answer is there, to
 * stop injecting before the answer is judged. NULL: no more. */
void door_hurt(void (*end)(void));
/* What the next multipart calls bring. */
void door_parts(struct http_part *parts, int n);
/* Closes the house; the next call opens another, on the engine of house_pg. */
void door_close(void);
/* The house behind the door; opened at the first call. */
struct house *door_house(void);
/* Memory of the call in hand; emptied before the next. */
struct arena *door_mem(void);
/* What a target says when it found something. */
_Noreturn void door_found(const char *what, struct str where);
