#!/usr/bin/env bash
# Runs the tests: checks, then each test program with a time limit of its own, and says what failed.
# usage: tests/run.sh [FOLDER...]   (unit golden checks faults system; default: all of them)
# One program's output is shown only when it failed (or with V=1). Closes with "N passed, N failed".
set -u
cd "$(dirname "$0")/.."
OUT=${OUT:-.build}
export OUT
passed=0 failed=0 skipped=0
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT

# one NAME COMMAND...: counts cmocka's own tests where the program is one, else one per script.
one() {
  local name=$1 status=0 start=$SECONDS p f s
  shift
  timeout -k 5 "${TEST_TIMEOUT:-300}" "$@" >"$log/out" 2>&1 </dev/null || status=$?
  p=$(sed -nE 's/^\[  PASSED  \] ([0-9]+) test.*/\1/p' "$log/out" | awk '{n+=$1} END {print n+0}')
  f=$(sed -nE 's/^\[  FAILED  \] [^0-9]*([0-9]+) test.*/\1/p' "$log/out" | awk '{n+=$1} END {print n+0}')
  s=$(sed -nE 's/^\[  SKIPPED \] ([0-9]+) test.*/\1/p' "$log/out" | awk '{n+=$1} END {print n+0}')
  if [ $((p + f + s)) = 0 ]; then # not cmocka: the exit status speaks (77 = skipped, with a reason)
    case $status in 0) p=1 ;; 77) s=1 ;; *) f=1 ;; esac
  elif [ $status != 0 ] && [ "$f" = 0 ]; then
    f=1 # a crash or a time-out after some tests passed
  fi
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  printf '%-46s %4d passed %3d failed %3d skipped %4ds\n' "$name" "$p" "$f" "$s" $((SECONDS - start))
  if [ "$f" != 0 ] || [ "${V:-0}" = 1 ]; then
    [ $status != 124 ] || echo "   (timed out after ${TEST_TIMEOUT:-300} s)"
    sed 's/^/   | /' "$log/out" | tail -n "${TAIL:-60}"
  elif [ "$s" != 0 ]; then
    grep -iE 'skip' "$log/out" | grep -v '^\[' | sort -u | head -n 5 | sed 's/^/   | /'
  fi
}

for folder in ${*:-checks unit golden faults system}; do
  if [ "$folder" = checks ]; then
    for t in tests/checks/*.sh; do one "$t" bash "$t"; done
  else
    for t in tests/"$folder"/test_*.c; do
      [ -e "$t" ] || continue
      t=${t%.c}
      one "$t" "$OUT/$t"
    done
    for t in tests/"$folder"/test_*.sh; do
      [ ! -e "$t" ] || one "$t" bash "$t"
    done
  fi
done
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
