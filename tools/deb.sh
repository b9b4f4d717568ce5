#!/bin/sh
# deb.sh BINARY OUT_FOLDER [VERSION] - the Debian package of a built program: OUT_FOLDER/anju_VERSION_ARCH.deb. Needs only
# dpkg-dev. The same program, files and SOURCE_DATE_EPOCH (default: the last commit's time) give the same bytes.
set -eu
export LC_ALL=C TZ=UTC
umask 022
binary=$1 out=$2
version=${3:-$("$binary" version | cut -d' ' -f2)}
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}"
export SOURCE_DATE_EPOCH
arch=$(dpkg --print-architecture)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/anju
doc=$root/usr/share/doc/anju

put() { install -D -m "$1" "$2" "$root/$3"; } # mode, source, path
put 755 "$binary" usr/bin/anju
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$root/usr/bin/anju"
put 755 packaging/backup.sh usr/lib/anju/backup
put 644 packaging/anju.conf etc/anju/anju.conf
put 644 packaging/logrotate etc/logrotate.d/anju
for unit in anju.service anju-backup.service anju-backup.timer; do put 644 packaging/$unit lib/systemd/system/$unit; done
for file in nginx.conf prometheus.yml alerts.yml; do put 644 packaging/$file usr/share/doc/anju/examples/$file; done
put 644 docs/operations.md usr/share/doc/anju/operations.md
put 644 packaging/debian/copyright usr/share/doc/anju/copyright
put 644 packaging/debian/lintian-overrides usr/share/lintian/overrides/anju
mkdir -p "$root/usr/share/man/man1"
"$binary" doc man | gzip -9n >"$root/usr/share/man/man1/anju.1.gz"
{
    printf 'anju (%s) bookworm; urgency=medium\n\n  * Built from the source of this version; its CHANGELOG.md lists the changes.\n' "$version"
    printf '\n -- Anju maintainers <maintainers@anju.invalid>  %s\n' "$(date -u -R -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$doc/changelog.gz"

# dpkg-shlibdeps reads what the program links and says which packages hold it, from which version on.
mkdir -p "$work/debian" "$root/DEBIAN"
printf 'Source: anju\n\nPackage: anju\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O anju/usr/bin/anju 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || { echo "deb: dpkg-shlibdeps found no libraries; it needs their packages installed" >&2; exit 1; }
size=$(du -k -s --apparent-size "$root" | cut -f1)
sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" -e "s/@SIZE@/$size/" -e "s/@DEPENDS@/$depends/" packaging/debian/control >"$root/DEBIAN/control"
printf '/etc/anju/anju.conf\n/etc/logrotate.d/anju\n' >"$root/DEBIAN/conffiles"
for script in preinst postinst prerm postrm; do install -m 755 packaging/debian/$script "$root/DEBIAN/$script"; done
(cd "$root" && find usr lib etc -type f -print0 | sort -z | xargs -0 md5sum) | grep -v '  etc/' >"$root/DEBIAN/md5sums"
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
mkdir -p "$out"
dpkg-deb --root-owner-group --uniform-compression -Zxz --threads-max=1 --build "$root" "$out/anju_${version}_$arch.deb" >/dev/null
echo "$out/anju_${version}_$arch.deb"
