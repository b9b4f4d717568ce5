#!/bin/sh
# docs.sh check|write PROGRAM - the documents that the finished program prints about itself are committed, so that a change
# of the API or of a state machine shows in review. check fails when one is stale; write makes them again.
set -eu
stale=0
new=$(mktemp)
trap 'rm -f "$new"' EXIT
while read -r what file; do
    "$2" doc "$what" >"$new"
    if [ "$1" = write ]; then
        cmp -s "$new" "$file" || { cp "$new" "$file" && echo "written: $file"; }
    elif ! diff -u "$file" "$new" | head -n 20 || ! cmp -s "$new" "$file"; then
        echo "stale: $file (make docs writes it again)" >&2
        stale=1
    fi
done <<LIST
openapi     docs/openapi.json
states      docs/states.md
dictionary  docs/dictionary.md
errors      docs/errors.md
LIST
exit $stale
