#!/usr/bin/env bash
# `rustbox run` as a user types it: each verdict from a real program on the real kernel, the exit status,
# where output goes, and that a stored result replays to the verdict it holds. In a root of its own.
set -u
. tests/harness/alone.sh
OUT=${OUT:-.build}
rustbox=$(realpath "$OUT/rustbox") || exit 1
[ "$(id -u)" = 0 ] || { echo "skip: needs root"; exit 77; }
world=$(mktemp -d /tmp/rbt-run-XXXXXX)
export RUSTBOX_ROOT=$world
bad=0 runs=0
# This world's parent cgroup, named as paths.c names it: 32-bit FNV-1a of the root.
parent=rustbox-root.$(python3 -c '
import sys
h = 2166136261
for c in sys.argv[1].encode(): h = (h ^ c) * 16777619 & 0xffffffff
print("%08x" % h)' "$RUSTBOX_ROOT")
cgroups() { find /sys/fs/cgroup -maxdepth 3 -mindepth 2 -type d -path "*/$parent*"; }
trap 'cgroups | sort -r | xargs -r rmdir 2>/dev/null; rm -rf "$world"' EXIT

# expect STATUS CAUSE EXIT OPTIONS... -- PROGRAM...
expect() {
  local status=$1 cause=$2 exit=$3 got=0 seen
  shift 3
  rm -f "$world/t.result"
  "$rustbox" run --json "$world/t.result" "$@" >"$world/t.out" 2>"$world/t.err" </dev/null || got=$?
  seen=$(python3 -c 'import json,sys; r=json.load(open(sys.argv[1])); print(r["status"], r["verdict"]["cause"], r["cleanup"]["outcome"])' "$world/t.result" 2>&1)
  runs=$((runs + 1))
  [[ $seen =~ ^$status\ ($cause)\ clean$ ]] && [ $got = "$exit" ] ||
    { echo "run $*: $seen, exit $got; expected $status $cause clean, exit $exit; $(head -c 300 "$world/t.err")"; bad=1; }
  "$rustbox" explain verdict "$world/t.result" >"$world/t.replay" || { echo "run $*: replay differs"; cat "$world/t.replay"; bad=1; }
}
for v in "" --cgroup-v1; do
  expect OK success 0 $v -- /bin/echo hi
  grep -qx hi "$world/t.out" || { echo "the program's output did not pass through"; bad=1; }
  expect RE exit_status 1 $v -- /bin/sh -c 'exit 137'
  expect SIG signal 1 $v -- /bin/sh -c 'kill -SEGV $$'
  expect SIG signal 1 $v -- /bin/sh -c 'kill -KILL $$'
  expect SIG signal 1 $v -- /bin/sh -c 'kill -XCPU $$'
  expect TLE cpu_time 1 $v --time 300ms --wall-time 60s -- /bin/sh -c 'while :; do :; done'
  expect TLE wall_time 1 $v --wall-time 300ms -- /bin/sleep 60
  expect MLE "oom_kill|memory_limit" 1 $v --mem 32M -- python3 -c 'x = bytearray(200 << 20)'
  expect MLE "oom_kill|memory_limit" 1 $v --mem 32M -- /bin/sh -c 'head -c 60000000 /dev/zero > /box/fill; exit 0'
  expect FSE file_size 1 $v --fsize 64k -- /bin/dd if=/dev/zero of=/box/big bs=1k count=100 status=none
  expect SV seccomp 1 $v -- python3 -c 'import ctypes; ctypes.CDLL(None).unshare(0x10000000)'
  expect PLE process_limit 1 $v --processes 4 -- python3 -c 'import os
for i in range(9):
    if os.fork() == 0: os.execv("/bin/sleep", ["sleep", "30"])'
  expect PLE fork_bomb 1 $v --time 2s --wall-time 60s -- python3 -c 'import os
while True:
    try: os.fork()
    except OSError: pass'
done
expect IE exec_failed 3 -- /no/such/program
# --json - prints one line and nothing else, with the output inside.
line=$("$rustbox" run --json - -- /bin/echo in 2>&1)
python3 -c 'import json,sys; r=json.loads(sys.argv[1]); assert r["output"]["stdout"] == "in\n", r' "$line" || { echo "--json -: $line"; bad=1; }
"$rustbox" run --timings -- /bin/true 2>&1 | grep -Eq '^ms: [a-z]+ [0-9.]+, .*cleanup [0-9.]+$' || { echo "--timings says nothing"; bad=1; }
# Equal wishes, equal envelope; another wish, another one.
envelope() { "$rustbox" run --json - "$@" | python3 -c 'import json,sys; print(json.load(sys.stdin)["envelope"])'; }
[ "$(envelope -- /bin/true)" = "$(envelope -- /bin/true)" ] || { echo "the envelope is not stable"; bad=1; }
[ "$(envelope -- /bin/true)" != "$(envelope --time 1s -- /bin/true)" ] || { echo "the envelope does not see a limit"; bad=1; }
# Every command that is listed says how it is written, when asked.
for c in $("$rustbox" --help | awk '/^  / {print $1}'); do
  "$rustbox" "$c" --help 2>"$world/t.err" | grep -q "^usage: rustbox.* $c" && [ ! -s "$world/t.err" ] ||
    { echo "$c --help: $(head -c 200 "$world/t.err")"; bad=1; }
done
# A worker whose state can't be believed takes no work.
mkdir -p "$RUSTBOX_ROOT/var/lib/rustbox"
echo 'garbage' >"$RUSTBOX_ROOT/var/lib/rustbox/health.json"
got=0; text=$("$rustbox" run -- /bin/echo started 2>&1) || got=$?
[ $got = 4 ] && ! grep -q '^started' <<<"$text" && grep -q quarantined <<<"$text" || { echo "corrupt health: exit $got: $text"; bad=1; }
# Seen in the kernel's own files: no cgroup of a box, no mount, no directory is left.
[ -n "$(cgroups)" ] || { echo "the world's cgroups are not where this test looks"; bad=1; }
[ -z "$(cgroups | grep '/rustbox-r[0-9]')" ] || { echo "cgroups left:"; cgroups; bad=1; }
! grep -F "$world" /proc/mounts || { echo "mounts left"; bad=1; }
[ -z "$(find "$world" -name 'rustbox-*')" ] || { echo "directories left"; bad=1; }
echo "$runs runs"
exit $bad
