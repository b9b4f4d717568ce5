#!/bin/sh
# vm_guest.sh - runs inside the machine that vm_test.sh boots, after everything is up: tries the package under a real systemd
# and says on the console what it found. One line a thing; the last is "@@ end" with the number of failures.
exec >/dev/ttyS0 2>&1
bad=0
is() { # what, wanted (a shell pattern), got
    case $3 in
    $2) echo "@@ ok $1: $(echo "$3" | tr '\n' ' ')" ;;
    *) bad=$((bad + 1)); echo "@@ WRONG $1: $3 (wanted $2)" ;;
    esac
}
ready() { curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/readyz; }
show() { systemctl show -p "$1" --value anju; }
score() { systemd-analyze security "$1" --no-pager | sed -n 's/.*exposure level for [^:]*: \([0-9]\).*/\1/p'; }

for i in $(seq 60); do systemctl is-active -q anju && break; sleep 1; done
is "the first process" systemd "$(cat /proc/1/comm)"
is "started at boot, as its own user, told by itself" "active enabled notify anju" "$(systemctl is-active anju) $(systemctl is-enabled anju) $(show Type) $(show User)"
is "answers" 200 "$(ready)"
is "exposure of the service, of the backup (0 to 10)" "[012] [012]" "$(score anju.service) $(score anju-backup.service)"
is "its file system is read-only" "*Read-only*" "$(nsenter -t "$(show MainPID)" -m -- touch /etc/x 2>&1)"
old=$(show MainPID)
systemctl reload anju
is "reload keeps the process" "$old" "$(show MainPID)"
kill -9 "$old"
for i in $(seq 30); do sleep 1; [ "$(ready)" = 200 ] && break; done
is "killed, it is started again" "active 1 200" "$(systemctl is-active anju) $(show NRestarts) $(ready)"
systemctl start anju-backup
is "the backup runs and keeps one file" "0 1" "$? $(ls /var/lib/anju/backups | wc -l)"
is "the timer waits for tonight" "*anju-backup.timer*" "$(systemctl list-timers anju-backup.timer --no-pager --no-legend)"
is "the doctor finds nothing broken" "*, 0 broken,*" "$(runuser -u anju -- anju doctor --config /etc/anju/anju.conf | tail -1)"

install -d -o anju -g anju /var/log/anju
echo 'log_file = /var/log/anju/anju.log' >>/etc/anju/anju.conf
systemctl restart anju
logrotate -f /etc/logrotate.d/anju
sleep 2
is "logrotate turns the log and the service writes the new one" "2 yes" "$(ls /var/log/anju | wc -l) $(grep -q reloaded /var/log/anju/anju.log && echo yes)"

cd /root
is "the alarms are sound" "*SUCCESS*" "$(promtool check rules alerts.yml 2>&1)"
is "the scrape configuration is sound" "*SUCCESS*" "$(promtool check config --syntax-only prometheus.yml 2>&1)"
is "the metrics are sound" "" "$(curl -s http://127.0.0.1:8080/metrics | promtool check metrics 2>&1)"
systemctl stop anju
is "stops cleanly" "inactive success" "$(systemctl is-active anju) $(show Result)"
is "no unit failed" "" "$(systemctl --failed --no-legend --no-pager)"
echo "@@ end $bad"
poweroff -f
