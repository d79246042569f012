#!/usr/bin/env bash
# usage: run.sh OUT [SCENE...]: plays each scene with the real console in a real xterm, on an X server of its own that draws
# into memory, and puts what came of it into screenshots/ (pictures, recordings) and tests/screenshots/replay/ (key scripts).
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$1 shots=$1/shots
shift
[ $# -gt 0 ] || set -- $(basename -s .scene tests/screenshots/scenes/*.scene)
rm -rf "$shots"
mkdir -p "$shots" screenshots tests/screenshots/replay
# -displayfd lets the server choose a free number and say it when it is ready.
mkfifo "$shots/display"
Xvfb -displayfd 3 -screen 0 1700x1000x24 -nolisten tcp 3>"$shots/display" 2>/dev/null &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
read -r display <"$shots/display"
export DISPLAY=:$display FONTCONFIG_FILE=$PWD/tests/screenshots/fonts.conf XDG_CACHE_HOME=$shots

for scene; do
  file=tests/screenshots/scenes/$scene.scene
  size=$(sed -n 's/^\(console\|program\) \([0-9]*x[0-9]*\).*/\2/p' "$file" | head -n 1)
  colours=(-bg '#16181d' -fg '#d8dce2')
  if grep -q -- '--light' "$file"; then colours=(-bg '#fdfdf8' -fg '#202428'); fi
  echo "$scene ($size)"
  # bold stays bold and is not another colour; xterm's own dark blue is hard to read and the console does not use it
  xterm -name rustbox -u8 -fa 'DejaVu Sans Mono' -fs 10 -geometry "$size" "${colours[@]}" -b 6 +sb -xrm '*boldColors: false' \
    -xrm '*cursorBlink: false' -xrm '*color1: #d9544f' -xrm '*color2: #4faf58' -xrm '*color3: #c99a2e' -xrm '*color6: #3aa6b9' \
    -e bash -c '"$1" "$2" "$3" 2>"$3/$4.err"; echo $? >"$3/$4.code"' _ "$out/tests/screenshots/shoot" "$file" "$shots" "$scene"
  if [ "$(cat "$shots/$scene.code")" != 0 ]; then
    cat "$shots/$scene.err" >&2
    exit 1
  fi
  mv "$shots"/*.png "$shots/$scene.cast" screenshots/
  [ ! -e "$shots/$scene.script" ] || mv "$shots/$scene.script" tests/screenshots/replay/
done
