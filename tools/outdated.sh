#!/bin/sh
# outdated.sh BINARY - which of the libraries the program runs with, and which npm packages it is built from, have a newer version
# or a known hole. Exit 1 when something is to be done; what could not be asked is said, and is not "fine".
set -u
binary=$1
bad=0
unasked=0
list=$(mktemp)
trap 'rm -f "$list"' EXIT
echo "Debian libraries of $binary"
apt-get -qq update 2>/dev/null || { echo "  not asked: apt-get update failed (root, network)"; unasked=1; }
for lib in $(ldd "$binary" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p'); do
    dpkg -S "$(realpath "$lib")" 2>/dev/null || dpkg -S "$lib" 2>/dev/null
done | sed 's/:.*//' | sort -u >"$list"
while read -r package; do
    have=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null)
    next=$(apt-cache policy "$package" | sed -n 's/^  Candidate: //p')
    [ "$have" = "$next" ] || { echo "  $package $have -> $next"; bad=1; }
done <"$list"
echo "  $(wc -l <"$list") packages looked at"
for folder in web test; do
    echo "npm packages of $folder/"
    if (cd "$folder" && npm audit --audit-level=moderate) >"$list" 2>&1; then
        tail -1 "$list" | sed 's/^/  /'
    elif grep -q 'audit endpoint returned an error\|ENOTFOUND\|ECONN' "$list"; then
        echo "  not asked: this registry answers no audits"
        unasked=1
    else
        sed 's/^/  /' "$list"
        bad=1
    fi
done
[ "$unasked" = 0 ] || echo "something could not be asked: see above"
exit "$bad"
