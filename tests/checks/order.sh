#!/usr/bin/env bash
# The launch order can't be broken by accident: swapping two neighbouring stages that a sentence forbids
# must not compile, and the compiler must say that sentence. With gcc and, where it is there, clang.
set -u
header=sandbox/policy/stages.h
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0
mapfile -t rows < <(grep -nE '^	X\([A-Z]+, "[a-z]+", (FLOOR|OPTIONAL),' $header | cut -d: -f1)
name_at() { sed -n "${1}p" $header | sed -E 's/^\tX\(([A-Z]+),.*/\1/'; }
compile() { "$1" -std=gnu11 -fsyntax-only -I. -x c "$2" 2>&1; }
for cc in gcc clang; do
  command -v $cc >/dev/null || continue
  swaps=0
  compile $cc $header >"$tmp/out" || { echo "$cc: $header itself does not compile"; cat "$tmp/out"; bad=1; }
  for ((i = 0; i + 1 < ${#rows[@]}; i++)); do
    a=${rows[i]} b=${rows[i + 1]} first=$(name_at "${rows[i]}") then=$(name_at "${rows[i + 1]}")
    sentence=$(sed -nE "s/^\tX\($first, $then, \"(.*)\"\).*/\1/p" $header)
    # The last row lacks the line continuation, so only the text before it is swapped.
    awk -v a="$a" -v b="$b" '{ line[NR] = $0 } END { for (n = 1; n <= NR; n++) { m = n == a ? b : n == b ? a : n
      text = line[m]; sub(/ *\\$/, "", text); print text (line[n] ~ /\\$/ ? " \\" : "") } }' $header >"$tmp/swapped.h"
    if [ -n "$sentence" ]; then
      swaps=$((swaps + 1))
      compile $cc "$tmp/swapped.h" >"$tmp/out" && { echo "$cc: $first and $then can be swapped"; bad=1; }
      grep -qF "$sentence" "$tmp/out" || { echo "$cc: swapping $first and $then fails without its sentence"; bad=1; }
    else
      compile $cc "$tmp/swapped.h" >"$tmp/out" || grep -q 'static assertion\|static_assert' "$tmp/out" ||
        { echo "$cc: swapping $first and $then fails for another reason"; head -3 "$tmp/out"; bad=1; }
    fi
  done
  [ $swaps -ge 7 ] || { echo "$cc: only $swaps forbidden neighbours were tried"; bad=1; }
done
[ ${#rows[@]} -ge 9 ] || { echo "only ${#rows[@]} stage rows found in $header: this check no longer reads it"; bad=1; }
exit $bad
