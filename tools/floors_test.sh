#!/bin/sh
# floors_test.sh PROGRAM - proves that tools/floors catches what it says: every bad sample must give exactly its one breach,
# and the good ones none. Run by make lint before the real run, so that a blind guard is noticed.
set -eu
floors=$(realpath "$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# expect FILE RULE <<content: RULE is the text of the only breach wanted, or "clean".
expect() {
    rm -rf "$dir/t" && mkdir -p "$dir/t/$(dirname "$1")" && cat >"$dir/t/$1"
    got=$("$floors" "$dir/t" || true)
    want=1
    [ "$2" = clean ] && want=0
    if [ "$(printf '%s' "$got" | grep -c "^$1:")" -ne $want ] || { [ $want -eq 1 ] && ! printf '%s' "$got" | grep -qF "$2"; }; then
        printf 'floors_test: %s should give "%s", gave: %s\n' "$1" "$2" "${got:-nothing}" >&2
        failed=1
    fi
}
repeat() { yes "$2" | head -n "$1"; }

expect src/base/a.c 'goes up or across' <<C

#include "db/db.h"
C
expect src/db/a.c 'goes up or across' <<C
#include "http/http.h"
C
expect src/core/a.c 'goes up or across' <<C
#include "rooms/estate/estate.h"
C
expect src/core/a.c 'from src/ on' <<C
#include "res.h"
C
expect src/rooms/estate/a.c 'later room' <<C
#include "rooms/people/people.h"
C
expect src/rooms/people/a.c "past a room's door" <<C
#include "rooms/estate/space.h"
C
expect src/attic/a.c 'no such floor' <<C
int a;
C
for header in sqlite3 libpq-fe microhttpd jansson sodium zlib xlsxwriter pthread; do
    expect src/core/a.c 'foreign header' <<C
  #  include <$header.h>
C
done
for call in malloc calloc realloc free time gettimeofday clock_gettime fsync mkstemp strcpy strcat sprintf gets strtok atoi atol system popen; do
    expect src/db/a.c 'call not allowed' <<C
int f(void) { return $call(0); }
C
done
expect src/base/mem.c 'call not allowed' <<C
void f(char *a) { strcpy(a, "x"); }
C
expect test/unit/a_test.c 'call not allowed' <<C
void f(void) { system("true"); }
C
for var in 'static int n;' 'static const char *now;' 'static struct x *p = 0;' 'static int (*fn)(void);' 'static int a[3];' \
    'void f(void) { static long n = 1; }'; do
    expect src/rooms/staff/a.c 'mutable static' <<C
$var
C
done
{ echo 'void f(int a)'; echo '{'; repeat 69 ';'; echo '}'; } | expect src/core/a.c 'long function'
repeat 701 '' | expect src/core/a.h 'long file'
repeat 701 '' | expect web/src/a.ts 'long file'
printf '/* %0100d */\n' 1 | expect src/core/a.c 'long line'
for mark in "TO""DO" "FIX""ME" "XX""X"; do
    expect web/src/a.ts 'unfinished' <<C
// $mark later
C
done
expect web/src/a.vue 'Chinese text' <<C
<p>报修</p>
C

expect src/rooms/service/good.c clean <<'C'
/* system( malloc( static int n; "quote */
#include <stdio.h>
#include "core/res.h"
#include "rooms/estate/estate.h"
#include "rooms/service/ticket.h"
static const char *const names[] = {"free(x)", "time(0) \" static int n;"};
static const struct { int a; } table[] = {{1}};
static inline int twice(int a) { return a * 2; }
static int run_time(struct ops *o) { o->free(o); o->t.time(0); return twice('"'); }
#define LATER(x) system(x)
C
{ echo 'int f(int a)'; echo '{'; repeat 68 ';'; echo '}'; echo 'int t[] = {'; repeat 90 '1,'; echo '};'; } | expect src/core/good.c clean
printf 'const text = "报修 XXXXXX"\n' | expect web/src/good.ts clean
expect src/rooms/service/test/good_test.c clean <<'C'
#include <pthread.h>
#include "ticket.h"
static int calls;
void f(void *p) { free(p); }
C
[ $failed -eq 0 ] && echo 'floors_test: every rule catches its samples'
exit $failed
