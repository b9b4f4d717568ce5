#!/bin/sh
# vm_test.sh BINARY - the Debian package on a Debian 12 that really boots: in an emulated machine with systemd as its first
# process (start, restart, reload, backup timer, hardening, log rotation, alarms). What deb_test.sh tries in a folder is not
# tried again. Root and network; some minutes.
set -eu
binary=$1
here=${ANJU_BUILD:-build}/vm-test
base=${ANJU_BUILD:-build}/deb-test/base
[ "$(id -u)" -eq 0 ] || { echo "vm_test: needs root for chroot" >&2; exit 1; }
[ -e "$base/.done" ] || { echo "vm_test: run deb-test first, it makes the base system" >&2; exit 1; }
mkdir -p "$here"
here=$(realpath "$here")
root=$here/root
fail() { echo "vm_test: $*" >&2; exit 1; }
in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
clean() {
    mountpoint -q "$root/proc" && umount "$root/proc"
    rm -rf "$root" "$here/disk.img"
}
trap clean EXIT

echo "  VM a Debian 12 with a kernel, the package and the tools that look at it"
rm -rf "$root"
cp -a "$base" "$root"
mount -t proc proc "$root/proc"
[ ! -e /etc/apt/apt.conf ] || cp /etc/apt/apt.conf "$root/etc/apt/"
cp /etc/resolv.conf "$root/etc/resolv.conf"
package=$(tools/deb.sh "$binary" "$here" "$("$binary" version | cut -d' ' -f2)")
cp "$package" "$root/tmp/"
in_root apt-get -q update >"$here/apt.log" 2>&1 || fail "apt-get update: see $here/apt.log"
in_root apt-get -qy --no-install-recommends install linux-image-cloud-amd64 initramfs-tools systemd-sysv dbus curl logrotate prometheus \
    "/tmp/$(basename "$package")" >>"$here/apt.log" 2>&1 || fail "install: see $here/apt.log"
in_root setpriv --reuid anju --regid anju --init-groups anju init --config /etc/anju/anju.conf >/dev/null 2>&1 || fail "anju init"
cp packaging/alerts.yml packaging/prometheus.yml tools/vm_guest.sh "$root/root/"
cat >"$root/etc/systemd/system/guest.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh /root/vm_guest.sh
UNIT
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sf ../guest.service "$root/etc/systemd/system/multi-user.target.wants/guest.service"
ln -sf /dev/null "$root/etc/systemd/system/serial-getty@ttyS0.service" # a login there would hang up on the guest
umount "$root/proc"
cp "$root"/boot/vmlinuz-* "$here/kernel"
cp "$root"/boot/initrd.img-* "$here/initrd"
rm -f "$here/disk.img"
mkfs.ext4 -q -d "$root" "$here/disk.img" 3G

echo "  VM boot"
timeout 900 qemu-system-x86_64 -accel tcg,thread=multi -m 1024 -smp 2 -nographic -no-reboot -nic none -kernel "$here/kernel" -initrd "$here/initrd" \
    -append "root=/dev/vda rw console=ttyS0 quiet" -drive "file=$here/disk.img,format=raw,if=virtio" >"$here/console.log" 2>&1 </dev/null || true
grep -a -o '@@ \(ok\|WRONG\) .*' "$here/console.log" | sed 's/^@@/  VM/' || true
grep -aq '@@ end 0' "$here/console.log" || fail "something is wrong: see $here/console.log"
echo "vm_test: booted, restarted, reloaded, backed up, rotated, stopped"
