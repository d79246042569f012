#!/usr/bin/env bash
# The drawn layering is the real one: every include goes down, none up or sideways, and no module is
# part of a loop. The table below is the picture in the README.
set -u
declare -A layer
allowed() {
  case $1 in
  probes/base) echo "probes/base" ;;
  probes) echo "probes probes/base" ;;
  tui) echo "tui probes probes/base" ;;
  sandbox/policy) echo "sandbox/policy probes probes/base" ;;
  sandbox/kernel) echo "sandbox/kernel sandbox/policy probes probes/base" ;;
  sandbox/box) echo "sandbox/box sandbox/kernel sandbox/policy probes probes/base" ;;
  sandbox/worker) echo "sandbox/worker sandbox/kernel sandbox/policy probes probes/base" ;;
  sandbox/cli) echo "sandbox/cli sandbox/worker sandbox/box sandbox/kernel sandbox/policy probes probes/base" ;;
  sandbox/drill) echo "sandbox/drill sandbox/worker sandbox/box sandbox/kernel sandbox/policy probes probes/base" ;;
  sandbox/ops) echo "sandbox/ops sandbox/drill sandbox/cli sandbox/worker sandbox/box sandbox/kernel sandbox/policy probes probes/base" ;;
  *) echo "" ;;
  esac
}
bad=0
edges=$(mktemp)
trap 'rm -f "$edges"' EXIT
mapfile -t files < <(find probes sandbox tui -name '*.[ch]' | sort)
while read -r file inc; do
  folder=${file%/*} into=${inc%/*}
  [ -n "${layer[$folder]+x}" ] || layer[$folder]=$(allowed "$folder")
  ok=${layer[$folder]}
  [ -n "$ok" ] || { echo "$file: its folder is not in the layer table"; bad=1; continue; }
  [ -e "$inc" ] || { echo "$file: \"$inc\" must be spelt from the top"; bad=1; continue; }
  case " $ok " in *" $into "*) ;; *) echo "$file: may not include $inc"; bad=1 ;; esac
  [ "${file%.[ch]}" = "${inc%.*}" ] || echo "${file%.[ch]} ${inc%.*}" >>"$edges"
done < <(awk 'match($0, /^# *include "[^"]+"/) { split($0, part, "\""); print FILENAME, part[2] }' "${files[@]}")
loops=$(tsort "$edges" 2>&1 >/dev/null) || { echo "modules in a loop:"; echo "$loops"; bad=1; }
curses=$(grep -lE '# *include <(n?curses|panel)' tui/*.[ch] 2>/dev/null | grep -v '^tui/term\.c$')
[ -z "$curses" ] || { echo "only tui/term.c may know curses: $curses"; bad=1; }
exit $bad
