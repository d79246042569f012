#!/usr/bin/env bash
# Budgets: functions of at most 70 lines, files of 450, headers of 120 (tables in *.def are free).
set -u
bad=0
over() { # over LIMIT WHAT FILES...
  local limit=$1 what=$2
  shift 2
  [ $# -gt 0 ] || return 0
  wc -l "$@" | awk -v m="$limit" -v w="$what" '$2 != "total" && $1 > m {print $2": "$1" lines, a "w" may have "m; n=1} END {exit n}' || bad=1
}
mapfile -t sources < <(find probes sandbox tui -name '*.c' | sort)
mapfile -t headers < <(find probes sandbox tui -name '*.h' | sort)
over 450 file "${sources[@]}"
over 120 header "${headers[@]}"
long=$(ctags -x --_xformat='%{line} %{end} %{name} %{input}' --kinds-C=f "${sources[@]}" 2>/dev/null |
  awk '$2-$1+1 > 70 {print $4":"$1": "$3" has "$2-$1+1" lines, a function may have 70"}')
[ -z "$long" ] || { echo "$long"; bad=1; }
globals=$(find "${OUT:-.build}"/probes "${OUT:-.build}"/sandbox "${OUT:-.build}"/tui -name '*.o' ! -name main.o -print0 |
  xargs -0 nm -A 2>/dev/null | grep -E ' [bBdDC] ' | grep -vE ' [dD] .*(\.rel|local)' |
  grep -vE ' [bBdD] (signal_|completed\.|__)' )
[ -z "$globals" ] || { echo "mutable globals (only signal flags, named signal_*, are allowed):"; echo "$globals"; bad=1; }
exit $bad
