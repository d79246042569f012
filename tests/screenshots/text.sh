#!/usr/bin/env bash
# usage: text.sh TUI DIR: replays each recording without a terminal and writes each of its screens to DIR/NAME.txt.
set -euo pipefail
cd "$(dirname "$0")/../.."
tui=$1 dir=$2
mkdir -p "$dir"
for script in tests/screenshots/replay/*.script; do
  LC_ALL=C.UTF-8 RUSTBOX_RUNBOOKS=$PWD/runbooks "$tui" --script "$script" |
    awk -v dir="$dir" '/^--- / { file = dir "/" substr($0, 5) ".txt"; next } { print >file }'
done
