#!/usr/bin/env bash
# Boots a Debian with systemd of its own in namespaces, installs the package, and runs the units: calls, recordings, reload, the death of either process,
# drain. Wants root, mmdebstrap, cgroup2 and access to a Debian mirror; the network is one of its own, so that no port is in the way.
# Usage: scripts/units.sh PACKAGE [TREE]   (make deb; the tree, /var/tmp/parley-units, is kept for the next time)
set -euo pipefail
cd "$(dirname "$0")/.."
package=$(realpath "${1:?usage: scripts/units.sh PACKAGE [TREE]}")
tree=${2:-/var/tmp/parley-units}
[ "$(id -u)" -eq 0 ] || { echo "units: only root can boot a system" >&2; exit 2; }

if [ ! -x "$tree/lib/systemd/systemd" ]; then
  mmdebstrap --quiet --variant=apt --include=systemd,systemd-sysv,dbus,procps,adduser,libopus0,sip-tester,curl,iproute2 bookworm "$tree"
fi
chroot "$tree" dpkg --force-all --purge parley >/dev/null 2>&1 || true
rm -rf "${tree:?}"/{dev,tmp,run,etc/parley}/* "$tree"/var/lib/parley* "$tree/var/log/"{parley,journal} "$tree/old"
mkdir -p "$tree/old" "$tree/opt"
install -m 644 "$package" "$tree/opt/parley.deb"
install -m 644 testdata/units/* "$tree/opt/"
rm -f "$tree"/etc/systemd/system/*.wants/getty* "$tree/etc/machine-id"
: >"$tree/etc/machine-id"

unified=$(findmnt -n -t cgroup2 -o TARGET | head -1)
group=$unified/parley-units
mkdir -p "$group"
leave() {
  [ -z "${system:-}" ] || kill -KILL "$system" 2>/dev/null || true # unshare --kill-child: all of it
  wait "${system:-}" 2>/dev/null || true
  find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
}
trap leave EXIT

boot='
echo $$ >"$2/cgroup.procs"
exec unshare --cgroup --mount --pid --uts --ipc --net --fork --kill-child --mount-proc sh -e -c "
  ip link set lo up; hostname units
  mount --make-rprivate / ; mount --bind \"$1\" \"$1\"; cd \"$1\"
  mount -t proc proc proc; mount -t sysfs -o ro sysfs sys; mount -t cgroup2 cgroup2 sys/fs/cgroup
  mount -t tmpfs -o mode=755 tmpfs run; mount -t tmpfs tmpfs tmp; mount -t tmpfs -o mode=755 tmpfs dev
  for d in null zero full random urandom tty; do : >dev/\$d; mount --bind /dev/\$d dev/\$d; done
  mkdir dev/pts dev/shm; mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts; ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
  mount -t tmpfs tmpfs dev/shm
  pivot_root . old; umount -l /old
  exec env -i container=unshare PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=null"'
sh -c "$boot" sh "$tree" "$group" </dev/null >/dev/null 2>&1 &
system=$!
init=
for _ in $(seq 100); do
  init=$(pgrep -P "$system" -x systemd || true)
  [ -z "$init" ] || break
  sleep .1
done
[ -n "$init" ] || { echo "units: systemd does not boot here" >&2; exit 2; }
echo "$init" >"$tree.pid" # for nsenter by hand
inside() { nsenter -t "$init" -a env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }
for _ in $(seq 100); do
  case $(inside systemctl is-system-running 2>/dev/null || true) in running | degraded) break ;; esac
  sleep .1
done
echo "units: $(inside systemctl --version | head -1) runs"

failures=0
# check WHAT COMMAND...: says whether it succeeds.
check() {
  local what=$1; shift
  if "$@" >/tmp/units.$$ 2>&1; then echo "ok    $what"; else echo "FAIL  $what"; tail -5 /tmp/units.$$; failures=$((failures + 1)); fi
  rm -f /tmp/units.$$
}
# within SECONDS COMMAND...: until it succeeds.
within() {
  local end=$((SECONDS + $1)); shift
  until "$@"; do [ "$SECONDS" -lt "$end" ] || return 1; sleep .2; done
}
property() { inside systemctl show -P "$2" "$1"; }
is() { [ "$1" = "$2" ] || { echo "$1, not $2"; false; }; }
unit_is() { is "$(property "$1" "$2")" "$3"; }
metric() { inside curl -s "http://127.0.0.1:${2:-8080}/metrics" | awk -v name="$1" '$1 == name { print $2 }'; }
metric_is() { is "$(metric "$1" "${3:-8080}")" "$2"; }
metric_above() { awk -v a="$(metric "$1" "${3:-8080}")" -v b="$2" 'BEGIN { print a; exit !(a + 0 > b + 0) }'; }
# call EXTRA_MS: a telephone in the background.
call() { inside timeout 60 sipp -sf /opt/phone.xml -s 1000 -m 1 -d "$1" -i 127.0.0.1 -mi 127.0.0.1 -p 0 -nostdin 127.0.0.1:5060 >/tmp/sipp.$$ 2>&1 & phone=$!; }
answered() { metric_is parley_participants 1; }
real_time() { inside ps -L -o cls=,rtprio= -p "$(property parley MainPID)" | grep -q 'FF *5'; }
descriptors() { inside ls -l "/proc/$(property "$1" MainPID)/fd"; }
rings() { descriptors parley | grep -q io_uring; }
status() { inside grep -E "^$2:" "/proc/$(property "$1" MainPID)/status" | grep -qE "$3"; }
said() { inside journalctl -u "$1" --no-pager -o cat | grep -q "$2"; }

check "the package installs" inside dpkg -i /opt/parley.deb
check "and starts nothing" unit_is parley ActiveState inactive
for name in parley srs; do inside install -m 640 -g parley "/opt/$name.yml" "/etc/parley/$name.yml"; done
key=$(head -c 32 /dev/urandom | base64)
# Where not even root may raise limits, as in many containers, systemd takes what it gets (LimitRTPRIO=5 becomes 0) and says nothing: real-time threads need
# the capability there. The filter has to let them pass all the same.
if ! (ulimit -r 5) 2>/dev/null; then
  echo "units: limits cannot be raised here; CAP_SYS_NICE instead of LimitRTPRIO"
  nice=00800400 # of the two
  inside mkdir -p /run/systemd/system/parley.service.d
  inside sh -c 'printf "[Service]\nAmbientCapabilities=CAP_SYS_NICE\nCapabilityBoundingSet=CAP_SYS_NICE\n" >/run/systemd/system/parley.service.d/nice.conf; systemctl daemon-reload'
fi
inside sh -c "umask 077; echo PARLEY_RECORDING_SPOOL_KEY=$key >/etc/parley/parley.env"
check "parley-srs starts" inside systemctl start parley-srs
check "parley starts" inside systemctl start parley
for unit in parley parley-srs; do
  check "$unit runs as parley" status "$unit" Uid "[1-9]"
  check "$unit is filtered" status "$unit" Seccomp 2
done
check "parley has CAP_NET_BIND_SERVICE alone" status parley CapBnd "00000000${nice:-00000400}"
check "parley-srs has CAP_NET_BIND_SERVICE alone" status parley-srs CapBnd 0000000000000400
call 3000
check "a call is answered" within 10 answered
check "threads that mix are real-time threads" real_time
check "and the metrics say so" metric_above 'parley_mixer_threads{class="realtime"}' 0
check "system calls are made together (io_uring)" rings
check "it is recorded" within 5 metric_is 'parley_recording_sessions{state="recording"}' 1
check "parley reloads" inside systemctl reload parley
check "and says so" within 5 said parley "reload"
check "with the call" answered
check "the recorder reloads" inside systemctl reload parley-srs
before=$(property parley-srs MainPID)
check "the recorder is killed" inside kill -9 "$before"
check "and begins anew" within 10 unit_is parley-srs NRestarts 1
check "what it missed is kept" within 15 metric_above 'parley_recording_seconds_total{fate="spooled"}' 0
check "the call ends by itself" wait "$phone"
check "what was kept is delivered" within 60 metric_is parley_recording_spool_bytes 0
check "nothing is unrecorded" metric_is 'parley_recording_seconds_total{fate="unrecorded"}' 0
recordings() { inside find /var/lib/parley-srs -name recording.json | wc -l; }
check "recordings are there" within 20 test "$(recordings)" -ge 2
check "call records are there" inside grep -q participant /var/log/parley/cdr.jsonl
call 20000
check "another call is answered" within 10 answered
check "parley is killed" inside kill -9 "$(property parley MainPID)"
check "and begins anew" within 10 unit_is parley NRestarts 1
check "and is ready" within 10 unit_is parley ActiveState active
kill "$phone" 2>/dev/null || true
call 20000
check "and answers" within 10 answered
begun=$SECONDS
check "parley stops" inside systemctl stop parley
check "after the drain, 10 s" test $((SECONDS - begun)) -ge 8 -a $((SECONDS - begun)) -le 25
check "without complaint" unit_is parley Result success
check "parley restarts" inside systemctl restart parley
check "nothing is refused by the filter" sh -c "! nsenter -t $init -a journalctl -u 'parley*' --no-pager | grep -iE 'EPERM|not permitted|read-only file|permission denied'"
inside journalctl -u 'parley*' --no-pager -o short-precise >"$tree.journal"
inside systemctl status --no-pager -n 0 parley parley-srs | sed 's/^/      /'
echo "units: the journal is in $tree.journal; $failures checks failed"
[ -z "${UNITS_STAY:-}" ] || { echo "units: nsenter -t $init -a; ^C ends it"; wait "$system"; }
[ "$failures" -eq 0 ]
