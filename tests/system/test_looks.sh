#!/usr/bin/env bash
# Looks while boxes come and go: none of them is ever called a leftover, the worker stays healthy, and when all is over not
# one file is left of any box.
set -u
OUT=$(realpath "${OUT:-.build}")
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
export RUSTBOX_ROOT=$(mktemp -d /tmp/rbt-looks-XXXXXX)
# This world's parent cgroup, named as paths.c names it: 32-bit FNV-1a of the root.
parent=rustbox-root.$(python3 -c '
import sys
h = 2166136261
for c in sys.argv[1].encode(): h = (h ^ c) * 16777619 & 0xffffffff
print("%08x" % h)' "$RUSTBOX_ROOT")
trap 'wait; find /sys/fs/cgroup -maxdepth 2 -mindepth 2 -type d -name "$parent" -exec rmdir {} +; rm -rf "$RUSTBOX_ROOT"' EXIT
bad=0
until=$((SECONDS + ${LOOK_SECONDS:-6}))
runs() { while [ $SECONDS -lt $until ]; do "$OUT/rustbox" run --quiet -- /bin/true || echo "a run failed: $?"; done; }
runs & runs & runs &
n=0
while [ $SECONDS -lt $until ]; do
  "$OUT/rustbox" health --check --json >"$RUSTBOX_ROOT/health" || { bad=1; cat "$RUSTBOX_ROOT/health"; break; }
  n=$((n + 1))
done
wait
[ $n -gt 3 ] || { echo "only $n looks"; bad=1; }
left=$(find "$RUSTBOX_ROOT/run/rustbox/ledger" -type f)
[ -z "$left" ] || { echo "ledgers left: $left"; bad=1; }
[ ! -e "$RUSTBOX_ROOT/var/lib/rustbox/events.jsonl" ] || { cat "$RUSTBOX_ROOT/var/lib/rustbox/events.jsonl"; bad=1; }
"$OUT/rustbox" health --verify-clean >/dev/null || bad=1
exit $bad
