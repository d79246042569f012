#!/usr/bin/env bash
# A sample of every fuzz target, 5 seconds each from the same seed each day; `make fuzz FUZZ_SECONDS=3600` is the real thing.
set -eu
command -v clang >/dev/null || { echo "skipped: clang is not installed"; exit 77; }
FUZZ_SEED=1 nice -n 5 make --no-print-directory -s OUT="${OUT:-.build}" fuzz FUZZ_SECONDS="${FUZZ_SAMPLE:-5}"
