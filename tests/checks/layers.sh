#!/usr/bin/env bash
# The drawn layering is the real one: every include goes down, none up or sideways, and no module is
# part of a loop. The table below is the picture in the README.
set -u
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
  sandbox/ops) echo "sandbox/ops sandbox/cli sandbox/worker sandbox/box sandbox/kernel sandbox/policy probes probes/base" ;;
  *) echo "" ;;
  esac
}
bad=0
edges=$(mktemp)
trap 'rm -f "$edges"' EXIT
while read -r file; do
  folder=$(dirname "$file")
  ok=$(allowed "$folder")
  [ -n "$ok" ] || { echo "$file: its folder is not in the layer table"; bad=1; continue; }
  while read -r inc; do
    [ -n "$inc" ] || continue
    into=$(dirname "$inc")
    [ -e "$inc" ] || { echo "$file: \"$inc\" must be spelt from the top"; bad=1; continue; }
    case " $ok " in *" $into "*) ;; *) echo "$file: may not include $inc"; bad=1 ;; esac
    from=${file%.[ch]} to=${inc%.*}
    [ "$from" = "$to" ] || echo "$from $to" >>"$edges"
  done < <(sed -nE 's/^# *include "([^"]+)".*/\1/p' "$file")
done < <(find probes sandbox tui -name '*.[ch]' | sort)
loops=$(tsort "$edges" 2>&1 >/dev/null) || { echo "modules in a loop:"; echo "$loops"; bad=1; }
curses=$(grep -lE '# *include <(n?curses|panel)' tui/*.[ch] 2>/dev/null | grep -v '^tui/term\.c$')
[ -z "$curses" ] || { echo "only tui/term.c may know curses: $curses"; bad=1; }
exit $bad
