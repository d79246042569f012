#!/usr/bin/env bash
# Mixed runs side by side for a while (70 % OK, 20 % TLE, 5 % MLE, 5 % RE), every 25th supervisor killed in the middle. Then:
# no wrong verdict, one recovery leaves the world clean, no process of it lives, no cgroup more than before.
# usage: OUT=DIR tests/soak.sh [SECONDS [WORKERS]]     (20 seconds and 4 workers)
# Exit status 0 all held, 1 something did not, 77 cannot run here.
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/harness/alone.sh
OUT=$(realpath "${OUT:-.build}")
seconds=${1:-20} workers=${2:-4}
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
world=$(mktemp -d /tmp/rbt-soak-XXXXXX)
chmod 755 "$world"
mkdir -p "$world"/{run,etc,var/lib,said} && mkdir -m 1777 "$world/tmp"
export RUSTBOX_ROOT=$world OUT
# This world's parent cgroup, named as paths.c names it: 32-bit FNV-1a of the root.
parent=rustbox-root.$(python3 -c '
import sys
h = 2166136261
for c in sys.argv[1].encode(): h = (h ^ c) * 16777619 & 0xffffffff
print("%08x" % h)' "$world")
groups() { find /sys/fs/cgroup -mindepth 2 -depth -type d -path "*/$parent*" 2>/dev/null; }
alive() { # in a cgroup of this world, and not only waiting to be reaped by the host's pid 1
  local at
  grep -l "$parent" /proc/[0-9]*/cgroup 2>/dev/null | while read -r at; do
    grep -qsE '^State:[[:space:]]+[^ZX]' "${at%cgroup}status" && tr '\0' ' ' <"${at%cgroup}cmdline" && echo "$at"
  done
}
trap 'groups | xargs -r rmdir 2>/dev/null; rm -rf "$world"' EXIT

# worker N: runs until the time is over; a line "wanted got" per run
worker() {
  local n=$1 i=0 end=$((SECONDS + seconds)) want args got pid
  while [ $SECONDS -lt "$end" ] || [ $i -lt 25 ]; do # on a slow host longer, until one was killed
    i=$((i + 1))
    case $(((i * 37 + n * 11) % 20)) in
    0) want=MLE args=(--mem 32M --time 10s --wall-time 20s -- /usr/bin/tail /dev/zero) ;;
    1) want=RE args=(--wall-time 20s -- /bin/false) ;;
    [2-5]) want=TLE args=(--wall-time 200ms -- /bin/sleep 20) ;;
    *) want=OK args=(--wall-time 20s -- /bin/true) ;;
    esac
    if [ $((i % 25)) = 0 ]; then # our own child, killed by its own number before it is waited for
      "$OUT/rustbox" run --json - --wall-time 20s -- /bin/sleep 20 >/dev/null 2>&1 &
      pid=$!
      sleep 0.0$((RANDOM % 5))$((RANDOM % 10))
      kill -KILL "$pid"
      wait "$pid" 2>/dev/null
      echo "killed killed"
      continue
    fi
    got=$("$OUT/rustbox" run --json - "${args[@]}" 2>"$world/said/$n" | sed -nE 's/^\{"schema":1,"status":"([A-Z]+)".*/\1/p')
    echo "$want ${got:-none: $(head -c 200 "$world/said/$n")}"
  done
}
"$OUT/rustbox" run --quiet -- /bin/true || { echo "not even one run works here"; exit 1; }
for ((n = 0; n < workers; n++)); do worker $n >"$world/said/lines.$n" 2>/dev/null & done
wait
bad=0
runs=$(cat "$world"/said/lines.* | wc -l) killed=$(grep -hc '^killed' "$world"/said/lines.* | awk '{n += $1} END {print n}')
wrong=$(awk '{w = $1; $1 = ""; if ($0 != " " w) print w " became" $0}' "$world"/said/lines.*)
[ -z "$wrong" ] || { echo "wrong verdicts:"; echo "$wrong" | sort | uniq -c | head -n 20; bad=1; }
for _ in $(seq 600); do [ -n "$(alive)" ] || break; sleep 0.1; done # the promise: no program of a box outlives its supervisor
[ -z "$(alive)" ] || { echo "alive long after the last kill, before any recovery:"; alive; bad=1; }
timeout 300 "$OUT/rustbox" health --recover --cleanup --json >"$world/said/recovery" 2>&1 ||
  { echo "recovery: exit $?"; tail -n 5 "$world/said/recovery"; bad=1; }
"$OUT/rustbox" health --verify-clean --json >"$world/said/clean" 2>&1 || { echo "not clean:"; cat "$world/said/clean"; bad=1; }
[ -z "$(alive)" ] || { echo "processes live:"; alive; bad=1; }
left=$(groups | grep -v "/$parent\$")
[ -z "$left" ] || { echo "cgroups are left:"; echo "$left"; bad=1; }
[ "$killed" -gt 0 ] && [ "$runs" -gt 50 ] || { echo "too little happened to prove anything"; bad=1; }
echo "$runs runs by $workers workers in $seconds s, $killed supervisors killed; bad: $bad"
exit $bad
