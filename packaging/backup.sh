#!/bin/sh
# backup - one backup of the house of /etc/anju/anju.conf, then the oldest go; run by anju-backup.service.
# Old ones go only after the new one was made: a month of failures leaves the last good ones where they are.
set -eu
umask 077
dir=${ANJU_BACKUP_DIR:-/var/lib/anju/backups}
keep=${ANJU_BACKUP_KEEP:-30}
case $keep in '' | *[!0-9]* | 0) echo "backup: ANJU_BACKUP_KEEP is a number from 1, not \"$keep\"" >&2; exit 2 ;; esac
mkdir -p "$dir"
"${ANJU_BIN:-/usr/bin/anju}" backup "$dir/anju-$(date -u +%Y%m%dT%H%M%SZ).backup" --config "${ANJU_CONFIG:-/etc/anju/anju.conf}"
# The names sort by time; only whole names of ours are touched.
find "$dir" -maxdepth 1 -type f -name 'anju-????????T??????Z.backup' | sort -r | tail -n +"$((keep + 1))" |
    while IFS= read -r old; do rm -f -- "$old"; done
