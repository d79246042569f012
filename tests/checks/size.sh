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
mapfile -t sources < <(find probes sandbox tui -name '*.c' 2>/dev/null | sort)
mapfile -t headers < <(find probes sandbox tui -name '*.h' 2>/dev/null | sort)
over 450 file "${sources[@]}"
over 120 header "${headers[@]}"
long=$(ctags -x --_xformat='%{line} %{end} %{name} %{input}' --kinds-C=f "${sources[@]}" 2>/dev/null |
  awk '$2-$1+1 > 70 {print $4":"$1": "$3" has "$2-$1+1" lines, a function may have 70"}')
[ -z "$long" ] || { echo "$long"; bad=1; }
# Constant tables of pointers live in .data.rel.ro and are no state; .data and .bss are.
globals=$(find "${OUT:-.build}"/probes "${OUT:-.build}"/sandbox "${OUT:-.build}"/tui -name '*.o' ! -name main.o \
  -exec objdump -t {} + 2>/dev/null | awk '
    / file format / { o = $1 }
    / O (\.bss|\.data)/ && !/\.data\.rel\.ro/ && $NF !~ /^(signal_|__)/ { print o " " $NF }')
[ -z "$globals" ] || { echo "mutable globals (only signal flags, named signal_*, are allowed):"; echo "$globals"; bad=1; }
exit $bad
