#!/usr/bin/env bash
# png.sh WINDOW FILE: the window of an X terminal as a small PNG (a palette of 32 colours is more than a terminal shows).
set -euo pipefail
[ -n "$1" ] || exit 1
import -window "$1" "png:$2.raw"
convert "png:$2.raw" -strip +dither -colors 32 -define png:compression-level=9 "PNG8:$2"
rm -f "$2.raw"
size=$(stat -c %s "$2")
[ "$size" -le 102400 ] || { echo "$2: $size bytes, a picture may have 102400" >&2; exit 1; }
