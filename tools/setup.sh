#!/bin/sh
# setup.sh BUILD_FOLDER GROUP... - installs what is missing for the groups build, test, lint, fuzz, bench, deb, deb-test, vm-test: never more, and never
# in place of what the machine already has. Asks nothing. sudo only when not root; on a system without apt it prints the
# packages and fails. A stamp in the build folder makes the next call instant.
set -eu
build=$1
shift

have() { command -v "$1" >/dev/null 2>&1; }
node_ok() { have node && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ]; }
missing=
want_tool() { have "$1" || missing="$missing ${2:-$1}"; }                              # command [package]
want_lib() { have pkg-config && pkg-config --exists "$1" || missing="$missing $2"; }   # pkg-config name, package
want_file() { [ -e "$1" ] || missing="$missing $2"; }                                  # path, package

want_group() {
    case $1 in
    build)
        want_tool gcc
        want_tool make
        want_tool pkg-config
        want_file /usr/include/stdio.h libc6-dev
        want_lib sqlite3 libsqlite3-dev
        want_lib libpq libpq-dev
        want_lib libmicrohttpd libmicrohttpd-dev
        want_lib gnutls libgnutls28-dev
        want_lib jansson libjansson-dev
        want_lib libsodium libsodium-dev
        want_lib liboath liboath-dev
        want_lib xlsxwriter libxlsxwriter-dev
        want_lib zlib zlib1g-dev
        want_lib gmime-3.0 libgmime-3.0-dev
        want_file /usr/include/zxcvbn.h libzxcvbn-dev
        want_file /etc/ssl/certs/ca-certificates.crt ca-certificates
        # A node from elsewhere (nodesource, nvm) brings its npm; Debian's npm would clash with it.
        if ! node_ok; then missing="$missing nodejs npm"; else want_tool npm; fi
        ;;
    test)
        want_lib cmocka libcmocka-dev
        ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || have initdb || missing="$missing postgresql"
        want_tool chromium
        want_tool python3 # its sqlite3: the journeys lock and age a database from outside
        want_tool oathtool # an authenticator that is not ours
        want_tool msmtp
        want_file /usr/lib/python3/dist-packages/aiosmtpd/__init__.py python3-aiosmtpd # the journeys' mail server
        want_tool faketime # a clock that steps back
        want_file /usr/sbin/clamd clamav-daemon # a virus scanner for uploads
        want_tool unzip
        ! have dpkg || want_tool dpkg-shlibdeps dpkg-dev # the package is built by a test too
        want_file /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc fonts-noto-cjk
        ;;
    lint)
        want_tool clang
        want_tool clang-format
        want_tool clang-tidy
        want_tool cppcheck
        ;;
    fuzz)
        want_tool clang
        ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a >/dev/null 2>&1 || missing="$missing libclang-rt-14-dev"
        ;;
    bench) want_tool wrk ;;
    deb) want_tool dpkg-shlibdeps dpkg-dev ;;
    deb-test)
        want_tool debootstrap
        want_tool lintian
        ;;
    vm-test)
        want_tool qemu-system-x86_64 qemu-system-x86
        want_tool mkfs.ext4 e2fsprogs
        ;;
    *)
        echo "setup: no group '$1' (build test lint fuzz bench deb deb-test vm-test)" >&2
        exit 2
        ;;
    esac
}

todo=
for group in "$@"; do
    stamp=$build/setup-$group
    if [ ! -e "$stamp" ] || [ "$0" -nt "$stamp" ]; then
        todo="$todo $group"
        want_group "$group"
    fi
done
[ -n "$todo" ] || exit 0

if [ -n "$missing" ]; then
    if ! have apt-get; then
        printf 'setup: this is not a Debian system. Install what these Debian packages hold, then try again:\n %s\n' "$missing" >&2
        exit 1
    fi
    sudo=
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    if [ -n "$sudo" ] && ! have sudo; then
        printf 'setup: not root and no sudo here. As root:\n  apt-get install%s\n' "$missing" >&2
        exit 1
    fi
    case $missing in *postgresql*)
        # The tests start a server of their own; Debian's package would create and start another one.
        if [ ! -e /etc/postgresql-common ]; then
            $sudo mkdir -p /etc/postgresql-common
            echo 'create_main_cluster = false' | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
        fi
        ;;
    esac
    echo "setup: installing$missing"
    apt="$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q"
    $apt update </dev/null
    # shellcheck disable=SC2086 # words on purpose
    $apt install -y --no-install-recommends -o Dpkg::Options::=--force-confold $missing </dev/null
fi
if ! node_ok; then
    echo "setup: Node $(node --version) is too old; 18.19 or newer is needed" >&2
    exit 1
fi
mkdir -p "$build"
for group in $todo; do touch "$build/setup-$group"; done
