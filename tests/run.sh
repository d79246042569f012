#!/usr/bin/env bash
# Runs the tests, as many at a time as there are processors, each program with a time limit of its own.
# usage: tests/run.sh [FOLDER...]   (checks unit golden faults system; default: all of them)
# One program's output is shown only when it failed (or with V=1). Closes with the failures again, for who sees only the
# end of a log, and "N passed, N failed, N skipped".
# Every test lives in a world of its own (tests/harness/world.h), so they may run beside each other; one that measures
# time or the whole host says so with a comment line "run.sh: alone" and runs after the others, by itself.
# From the environment: OUT, JOBS, TEST_TIMEOUT (seconds a program may take), TAIL (lines shown of a failure), V;
# TRIES=2 runs a program that failed once more, alone: what passes then is named as unsteady, with what it said at first.
set -u
cd "$(dirname "$0")/.." || exit 2
export OUT=${OUT:-.build}

# one TEST LOG: runs it, prints its line, appends its counts; cmocka's own tests where it is such a program, else one.
one() {
  local name=$1 log=$2/${1//\//-} status=0 start=$EPOCHREALTIME p f s command
  case $name in *.sh) command=(bash "$name") ;; *) command=("$OUT/$name") ;; esac
  timeout -k 5 "${TEST_TIMEOUT:-900}" "${command[@]}" >"$log" 2>&1 </dev/null || status=$?
  count() { sed -nE "s/^\[  $1 *\] [^0-9]*([0-9]+) test.*/\1/p" "$log" | awk '{n+=$1} END {print n+0}'; }
  p=$(count PASSED) f=$(count FAILED) s=$(count SKIPPED)
  if [ $((p + f + s)) = 0 ]; then # not cmocka: the exit status speaks (77 = skipped, with a reason)
    case $status in 0) p=1 ;; 77) s=1 ;; *) f=1 ;; esac
  elif [ $status != 0 ] && [ "$f" = 0 ]; then
    f=1 # a crash or a time-out after some tests passed
  fi
  echo "$name $p $f $s" >>"$2/counts" # the last line of a name counts
  { # in one write, so that two lines never mix
    LC_ALL=C printf '%-44s %4d passed %3d failed %3d skipped %6.1f s\n' "$name" "$p" "$f" "$s" \
      "$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN {print b - a}')"
    if [ "${V:-0}" = 1 ]; then
      sed 's/^/   | /' "$log"
    elif [ "$f" != 0 ]; then
      case $status in 124 | 137) echo "   (timed out after ${TEST_TIMEOUT:-900} s)" ;; esac
      grep -vE '^\[ (RUN  |      OK|={9})' "$log" | tail -n "${TAIL:-60}" | sed 's/^/   | /'
    elif [ "$s" != 0 ]; then
      grep -i 'skip' "$log" | grep -v '^\[' | sort -u | head -n 5 | sed 's/^/   | /'
    fi
  } >"$log.said"
  cat "$log.said"
  [ "$f" = 0 ] || mv "$log.said" "$log.failed"
}
export -f one

# again LOG: every failed test a second time; what it said before is a failure or, if it passes now, unsteadiness.
again() {
  local first
  for first in "$1"/*.failed; do
    mv "$first" "$first.once" && one "$(awk '{print $1; exit}' "$first.once")" "$1"
    [ -e "$first" ] || mv "$first.once" "${first%.failed}.unsteady"
  done
}

tests() { # those of a folder; the long ones first, so that none is waited for alone at the end
  local t
  case $1 in
  checks) printf '%s\n' tests/checks/*.sh ;;
  *)
    for t in tests/"$1"/test_*.c; do [ ! -e "$t" ] || echo "${t%.c}"; done
    for t in tests/"$1"/test_*.sh; do [ ! -e "$t" ] || echo "$t"; done
    ;;
  esac
}
alone() { grep -qs 'run.sh: alone' "$1" "$1.c"; }

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
for folder in ${*:-faults system golden checks unit}; do tests "$folder"; done |
  while read -r t; do if alone "$t"; then echo "$t" >>"$log/alone"; else echo "$t"; fi; done >"$log/beside"
touch "$log/alone" "$log/counts"
xargs -r -P "${JOBS:-$(nproc)}" -I{} bash -c 'one "$1" "$2"' - {} "$log" <"$log/beside"
xargs -r -P 1 -I{} bash -c 'one "$1" "$2"' - {} "$log" <"$log/alone"
shopt -s nullglob
[ "${TRIES:-1}" = 1 ] || again "$log"
summary() { # HEADING FILE...
  [ $# = 1 ] || { echo && echo "$1" && shift && cat "$@"; }
}
summary 'Unsteady (failed, then passed alone; each has a cause that is to be found):' "$log"/*.unsteady
summary 'Failed, once more:' "$log"/*.failed
echo
awk '{p[$1] = $2; f[$1] = $3; s[$1] = $4}
     END {for (t in p) {P += p[t]; F += f[t]; S += s[t]}
          print P+0 " passed, " F+0 " failed, " S+0 " skipped"; exit F != 0 || P == 0}' "$log/counts"
