#!/usr/bin/env bash
# tests/scenarios.md names a proof for each of S01 to S40, and each proof exists and is run.
set -u
cd "$(dirname "$0")/../.." || exit 1
bad=0
complain() { echo "tests/scenarios.md: $*"; bad=1; }
for i in $(seq -w 1 40); do
  [ "$(grep -c "^| S$i |" tests/scenarios.md)" = 1 ] || complain "S$i has no row of its own"
done
while read -r scenario proofs; do
  [ -n "$proofs" ] || complain "$scenario has no proof"
  for proof in $proofs; do
    program=${proof%%:*} name=${proof#*:}
    case $program in
    golden) [ -f "tests/golden/$name.script" ] || complain "$scenario: no tests/golden/$name.script" ;;
    bench_*) [ -f "tests/bench/$program.c" ] || complain "$scenario: no tests/bench/$program.c" ;;
    *)
      file=$(ls tests/*/"$program.c" 2>/dev/null)
      # Defined, and named once more: in the list of what is run.
      { [ -f "$file" ] && grep -q "^static void $name(" "$file" && grep -q "[(]$name[),]" "$file"; } ||
        complain "$scenario: no test $name in $program" ;;
    esac
  done
done < <(sed -n 's/^| \(S[0-9][0-9]\) | \([^|]*\)|.*/\1 \2/p' tests/scenarios.md)
exit $bad
