#!/usr/bin/env bash
# Runs fuzz targets for some seconds each, two at a time, from the seeds in tests/fuzz/seeds/<target>/ (never written to).
# usage: OUT=DIR tests/fuzz/run.sh SECONDS TARGET...   (FUZZ_SEED: another seed than a random one)
set -u
cd "$(dirname "$0")/../.."
seconds=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
one() {
  local target=$1 status=0
  mkdir -p "$work/$target"
  local seeds=()
  [ ! -d "tests/fuzz/seeds/$target" ] || seeds=("tests/fuzz/seeds/$target")
  "$OUT/$target" -max_total_time="$seconds" -timeout=60 -seed="${FUZZ_SEED:-0}" -rss_limit_mb=1024 -max_len=8192 -verbosity=0 -print_final_stats=1 \
    -artifact_prefix="$OUT/crash-$target-" "$work/$target" "${seeds[@]}" >"$work/$target.log" 2>&1 || status=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$target.log")
  if [ $status = 0 ]; then
    echo "$target: ${runs:-?} inputs in $seconds s, none crashed"
  else
    echo "$target: FAILED (status $status)"
    grep -vE '^(stat|INFO)' "$work/$target.log" | head -n 40
    touch "$work/failed"
  fi
}
running=0
for target in "$@"; do
  one "$target" &
  running=$((running + 1))
  [ $running -lt 2 ] || { wait -n; running=$((running - 1)); }
done
wait
[ ! -e "$work/failed" ]
