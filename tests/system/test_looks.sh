#!/usr/bin/env bash
# Looks while boxes come and go: none of them is ever called a leftover, the worker stays healthy, and when all is over not
# one file is left of any box.
set -u
. tests/harness/alone.sh
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
: >"$RUSTBOX_ROOT/dots"
looks=${LOOKS:-40} n=0
# Each of the three adds a dot a run, until the looks are over.
runs() { until [ -e "$RUSTBOX_ROOT/over" ]; do "$OUT/rustbox" run --quiet -- /bin/true && echo -n . >>"$RUSTBOX_ROOT/dots" || echo "a run failed: $?"; done; }
runs & runs & runs &
while [ $n -lt "$looks" ] || [ "$(wc -c <"$RUSTBOX_ROOT/dots")" -lt "$looks" ]; do
  "$OUT/rustbox" health --check --json >"$RUSTBOX_ROOT/health" || { bad=1; cat "$RUSTBOX_ROOT/health"; break; }
  n=$((n + 1))
done
touch "$RUSTBOX_ROOT/over"
wait
echo "$n looks beside $(wc -c <"$RUSTBOX_ROOT/dots") runs"
left=$(find "$RUSTBOX_ROOT/run/rustbox/ledger" -type f)
[ -z "$left" ] || { echo "ledgers left: $left"; bad=1; }
[ ! -e "$RUSTBOX_ROOT/var/lib/rustbox/events.jsonl" ] || { cat "$RUSTBOX_ROOT/var/lib/rustbox/events.jsonl"; bad=1; }
"$OUT/rustbox" health --verify-clean >/dev/null || bad=1
exit $bad
