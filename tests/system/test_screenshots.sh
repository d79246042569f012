#!/usr/bin/env bash
# The text screens in screenshots/ are what the program draws now, each has its picture, and no picture is too large.
set -u
cd "$(dirname "$0")/../.."
bad=0
drawn=$(mktemp -d /tmp/rbt-text-XXXXXX)
trap 'rm -rf "$drawn"' EXIT
tests/screenshots/text.sh "${OUT:-.build}/rustbox-tui" "$drawn" || bad=1
diff -ru --exclude='*.png' --exclude='*.cast' --exclude='*.md' screenshots "$drawn" >"$drawn.diff" || {
  head -n 60 "$drawn.diff"
  echo "the console draws something else now: look at it, then \`make screenshots-text\` (the pictures: \`make screenshots\`)"
  bad=1
}
rm -f "$drawn.diff"
for text in screenshots/*.txt; do
  [ -s "${text%.txt}.png" ] || { echo "$text has no picture"; bad=1; }
done
large=$(find screenshots -name '*.png' -size +100k)
[ -z "$large" ] || { echo "over 100 KiB: $large"; bad=1; }
for script in tests/screenshots/replay/*.script; do
  name=$(basename -s .script "$script")
  [ -s "tests/screenshots/scenes/$name.scene" ] || { echo "$script: no scene of that name"; bad=1; }
  [ -s "screenshots/$name.cast" ] || { echo "$script: no recording of that name"; bad=1; }
done
python3 - screenshots/*.cast <<'PY' || bad=1
import json, sys
for path in sys.argv[1:]: # asciinema's format, version 2: a header, then [time, "o", text], times never going back
    lines = [json.loads(line) for line in open(path, encoding="utf-8")]
    times = [t for t, kind, text in lines[1:] if kind == "o" and isinstance(text, str)]
    assert lines[0]["version"] == 2 and lines[0]["width"] > 0 and len(times) == len(lines) - 1 and times == sorted(times), path
PY
exit $bad
