#!/bin/sh
# deb_test.sh BINARY - the Debian package on a fresh Debian 12 in a folder (debootstrap, chroot): install with apt, first accounts,
# serve as the user anju, log in, upgrade, remove, purge, and look at what is left. Root and network; some minutes the first
# time, under one afterwards (the base system is kept in build/deb-test).
set -eu
binary=$1
here=${ANJU_BUILD:-build}/deb-test
[ "$(id -u)" -eq 0 ] || { echo "deb_test: needs root for chroot" >&2; exit 1; }
mkdir -p "$here"
here=$(realpath "$here")
root=$here/root
port=18473

fail() { echo "deb_test: $*" >&2; [ ! -f "$root/tmp/serve.log" ] || tail -5 "$root/tmp/serve.log" >&2; exit 1; }
step() { echo "  DEB $*"; }
in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
as_anju() { in_root setpriv --reuid anju --regid anju --init-groups "$@"; }
served=
stop() {
    [ -z "$served" ] || kill "$served" 2>/dev/null || true
    [ -z "$served" ] || wait "$served" || fail "the service did not end with 0"
    served=
}
clean() {
    [ -z "$served" ] || kill "$served" 2>/dev/null || true
    mountpoint -q "$root/proc" && umount "$root/proc"
    rm -rf "$root"
}
trap clean EXIT

step "a fresh Debian 12"
if [ ! -e "$here/base/.done" ]; then
    rm -rf "$here/base"
    debootstrap --variant=minbase --include=systemd bookworm "$here/base" >"$here/debootstrap.log" 2>&1 || fail "debootstrap: see $here/debootstrap.log"
    touch "$here/base/.done"
fi
rm -rf "$root"
cp -a "$here/base" "$root"
mount -t proc proc "$root/proc"
[ ! -e /etc/apt/apt.conf ] || cp /etc/apt/apt.conf "$root/etc/apt/"
cp /etc/resolv.conf "$root/etc/resolv.conf"
version=$("$binary" version | cut -d' ' -f2)
one=$(tools/deb.sh "$binary" "$here" "$version")
two=$(tools/deb.sh "$binary" "$here" "$version+1")
lintian --fail-on error,warning "$one" 2>/dev/null || fail "lintian finds something"
cp "$one" "$two" "$root/tmp/"
one=/tmp/$(basename "$one") two=/tmp/$(basename "$two")

step "apt install"
in_root apt-get -q update >"$here/apt.log" 2>&1 || fail "apt-get update: see $here/apt.log"
in_root apt-get -qy --no-install-recommends install "$one" curl >>"$here/apt.log" 2>&1 || fail "install: see $here/apt.log"
in_root getent passwd anju | grep -q ':/var/lib/anju:/usr/sbin/nologin$' || fail "the user anju is not a system user without shell"
[ "$(in_root stat -c '%U %a' /var/lib/anju)" = "anju 700" ] || fail "/var/lib/anju is not anju's alone"
[ -L "$root/etc/systemd/system/multi-user.target.wants/anju.service" ] || fail "the service is not enabled"
[ -L "$root/etc/systemd/system/timers.target.wants/anju-backup.timer" ] || fail "the backup timer is not enabled"
in_root test -s /usr/share/man/man1/anju.1.gz || fail "no manual page"
in_root systemd-analyze verify /lib/systemd/system/anju.service /lib/systemd/system/anju-backup.service /lib/systemd/system/anju-backup.timer 2>"$here/verify.log" || fail "systemd-analyze verify: see $here/verify.log"

step "first accounts, serve, log in"
password=$(as_anju anju init --config /etc/anju/anju.conf | sed -n 's/^  admin  *\(Aj1-[^ ]*\).*/\1/p')
[ -n "$password" ] || fail "init printed no password"
serve() {
    # One simple command: $! is the program itself, and a signal reaches it.
    chroot "$root" setpriv --reuid anju --regid anju --init-groups /usr/bin/anju serve --config /etc/anju/anju.conf --listen 127.0.0.1:$port >"$root/tmp/serve.log" 2>&1 &
    served=$!
    for _ in $(seq 200); do
        if in_root curl -sf -o /dev/null http://127.0.0.1:$port/readyz; then return; fi
        kill -0 "$served" 2>/dev/null || break
        sleep 0.1
    done
    fail "the service does not answer"
}
login() {
    in_root curl -s -o /dev/null -w '%{http_code}' -H 'content-type: application/json' \
        -d "{\"login\":\"admin\",\"password\":\"$password\"}" http://127.0.0.1:$port/api/v1/session
}
serve
[ "$(login)" = 201 ] || fail "no login with the password of init"
as_anju anju doctor --config /etc/anju/anju.conf --listen 127.0.0.1:$port >"$here/doctor.log" && fail "doctor finds no missing backup"
grep -q '^broken  *backups' "$here/doctor.log" || fail "doctor does not miss the backup"
[ "$(grep -c '^broken' "$here/doctor.log")" = 1 ] || fail "doctor finds more broken: see $here/doctor.log"

step "upgrade: settings that were changed and all data stay"
echo '# of the administrator' >>"$root/etc/anju/anju.conf"
in_root apt-get -qy install "$two" >>"$here/apt.log" 2>&1 || fail "upgrade: see $here/apt.log"
[ "$(in_root dpkg-query -W anju | cut -f2)" = "$version+1" ] || fail "the version did not change"
grep -q 'of the administrator' "$root/etc/anju/anju.conf" || fail "the upgrade took a changed settings file"
stop
serve
[ "$(login)" = 201 ] || fail "no login after the upgrade"
stop

step "remove keeps, purge takes settings and logs"
in_root apt-get -qy remove anju >>"$here/apt.log" 2>&1 || fail "remove: see $here/apt.log"
[ ! -e "$root/usr/bin/anju" ] || fail "the program is still there"
[ -e "$root/var/lib/anju/anju.db" ] || fail "remove took data"
[ -e "$root/etc/anju/anju.conf" ] || fail "remove took settings"
in_root apt-get -qy purge anju >>"$here/apt.log" 2>&1 || fail "purge: see $here/apt.log"
[ -e "$root/var/lib/anju/anju.db" ] || fail "purge took the residents' data"
left=$(cd "$root" && find etc usr lib/systemd var -iname '*anju*' ! -path 'var/lib/anju*' ! -path 'usr/share/zoneinfo/*' ! -path 'var/cache/*' ! -path 'var/log/*' | sort)
[ -z "$left" ] || fail "left behind: $left"
[ ! -e "$root/var/log/anju" ] || fail "the log folder is left"
echo "deb_test: installed, upgraded, removed, purged"
