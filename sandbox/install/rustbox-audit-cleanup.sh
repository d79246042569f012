#!/bin/sh
# The daily audit: is anything left behind, and does the host match its baseline? Looks, never cleans.
# Exit status: 0 clean and equal, 1 something differs (listed), 2 could not look.
set -u
here=$(dirname "$(readlink -f "$0")")
baseline=${RUSTBOX_ROOT:-}/var/lib/rustbox/baseline.txt
worst=0

note() { # note STATUS: 0 and 1 speak for themselves, everything else means it could not look
  case $1 in
  0) ;;
  1) [ $worst -gt 1 ] || worst=1 ;;
  *) worst=2 ;;
  esac
}

"$here/rustbox" health --verify-clean --json
note $?
if [ -e "$baseline" ]; then
  "$here/rustbox-probe" baseline diff
  note $?
else
  echo "no baseline yet; on a clean host run: rustbox-capture-baseline.sh --store" >&2
fi
case $worst in
0) echo "rustbox audit: clean" ;;
1) echo "rustbox audit: something is left or differs; run: rustbox health --recover --cleanup, or rustbox-tui" >&2 ;;
*) echo "rustbox audit: could not look everywhere; run it as root" >&2 ;;
esac
exit $worst
