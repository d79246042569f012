#!/bin/sh
# Prints what the host holds, one resource a line, for `diff` against an earlier capture.
#   rustbox-capture-baseline.sh > current-state.txt
#   rustbox-capture-baseline.sh --store [--if-missing]    keeps it as this host's baseline, if the host is clean
set -eu
here=$(dirname "$(readlink -f "$0")")
baseline=${RUSTBOX_ROOT:-}/var/lib/rustbox/baseline.txt

case ${1:-} in
'') exec "$here/rustbox-probe" baseline capture ;;
--store) ;;
*)
  echo "usage: rustbox-capture-baseline.sh [--store [--if-missing]]" >&2
  exit 2
  ;;
esac

if [ "${2:-}" = --if-missing ] && [ -e "$baseline" ]; then
  exit 0
fi
# A baseline with a leftover in it would make that leftover normal for ever; and while the worker is quarantined, what the
# host looks like is what somebody still has to judge.
if ! "$here/rustbox" health --verify-clean --json >/dev/null; then
  echo "rustbox-capture-baseline.sh: the host is not clean; run: rustbox health --recover --cleanup" >&2
  exit 1
fi
mkdir -p "$(dirname "$baseline")"
status=0
"$here/rustbox" health --check || status=$?
if [ "$status" -gt 1 ]; then
  echo "rustbox-capture-baseline.sh: the worker is quarantined; run: rustbox health" >&2
  exit 1
fi
new=$(mktemp "$baseline.XXXXXX")
trap 'rm -f "$new"' EXIT
"$here/rustbox-probe" baseline capture >"$new"
chmod 644 "$new"
sync "$new"
mv -f "$new" "$baseline"
trap - EXIT
echo "stored $baseline"
