#!/usr/bin/env bash
# make install and uninstall: into a DESTDIR as a package would, and under a PREFIX of its own, where the programs must
# find each other, the units must verify and the two scripts must work. The host's own directories stay as they are.
set -u
. tests/harness/alone.sh
OUT=${OUT:-.build}
bad=0
top=$(mktemp -d /tmp/rbt-install-XXXXXX)
trap 'rm -rf "$top"' EXIT
fail() { echo "FAILED: $*"; bad=1; }
build() { make --no-print-directory -s OUT="$OUT" "$@"; }

# as a package
build install DESTDIR="$top/dest" PREFIX=/usr/local BASELINE=no || fail "make install DESTDIR"
for f in bin/rustbox bin/rustbox-probe bin/rustbox-tui libexec/rustbox/rustbox-ops bin/rustbox-capture-baseline.sh \
  bin/rustbox-audit-cleanup.sh lib/systemd/system/rustbox.service lib/systemd/system/rustbox-health.timer \
  lib/systemd/system/rustbox-audit.timer lib/tmpfiles.d/rustbox.conf share/bash-completion/completions/rustbox; do
  [ -s "$top/dest/usr/local/$f" ] || fail "not installed: $f"
done
grep -rq '@[A-Z]*@' "$top/dest/usr/local/lib" && fail "a placeholder was left in a unit"
build uninstall DESTDIR="$top/dest" PREFIX=/usr/local || fail "make uninstall"
left=$(find "$top/dest" -type f)
[ -z "$left" ] || fail "uninstall left: $left"

# under a prefix of its own, with objects of its own (the prefix is compiled in)
objects=$top/build
mkdir "$objects"
tar -C "$OUT" --exclude=./clang --exclude=./asan --exclude=./fuzz --exclude=./tests -cf - . | tar -C "$objects" -xf -
find "$objects" -name '*.d' -exec sed -i "s|$OUT/|$objects/|g" {} +
make --no-print-directory -s OUT="$objects" PREFIX="$top/prefix" BASELINE=no install || fail "make install PREFIX"
export RUSTBOX_ROOT=$top/root
mkdir -p "$RUSTBOX_ROOT/tmp"
bin=$top/prefix/bin
rm -rf "$objects" # whatever runs now is what was installed
"$bin/rustbox-capture-baseline.sh" >"$top/state" || fail "rustbox-capture-baseline.sh"
[ -s "$top/state" ] || fail "the capture is empty"
if [ "$(id -u)" = 0 ]; then
  "$bin/rustbox" health --json >"$top/health" || fail "rustbox health does not find rustbox-ops"
  python3 -c 'import json,sys; json.load(open(sys.argv[1]))["status"]' "$top/health" || fail "health is no JSON"
  "$bin/rustbox-capture-baseline.sh" --store || fail "--store"
  [ -s "$RUSTBOX_ROOT/var/lib/rustbox/baseline.txt" ] || fail "no baseline stored"
  "$bin/rustbox-audit-cleanup.sh" >"$top/audit" 2>&1 || fail "the audit of a clean world: $(cat "$top/audit")"
  mkdir -p "$RUSTBOX_ROOT/tmp/rustbox-left"
  "$bin/rustbox-audit-cleanup.sh" >"$top/audit" 2>&1 && fail "the audit did not see a leftover"
  "$bin/rustbox-capture-baseline.sh" --store >/dev/null 2>&1 && fail "a baseline was taken of a host that is not clean"
  "$bin/rustbox" health --recover --cleanup --json >/dev/null || fail "recovery"
  "$bin/rustbox" health --quarantine --reason test || fail "quarantine"
  "$bin/rustbox-capture-baseline.sh" --store >/dev/null 2>&1 && fail "a baseline was taken while quarantined"
  "$bin/rustbox" health --unquarantine || fail "unquarantine"
  # the founding page, by the letter
  (cd "$top" && cp "$RUSTBOX_ROOT/var/lib/rustbox/baseline.txt" baseline-state.txt &&
    "$bin/rustbox-capture-baseline.sh" >current-state.txt && diff baseline-state.txt current-state.txt >"$top/diff") ||
    fail "diff baseline-state.txt current-state.txt: $(cat "$top/diff")"
  mkdir "$RUSTBOX_ROOT/tmp/rustbox-seen"
  "$bin/rustbox-capture-baseline.sh" >"$top/current-state.txt"
  diff "$top/baseline-state.txt" "$top/current-state.txt" | grep -q '^> tempdir.*rustbox-seen$' || fail "diff shows no leftover"
  rmdir "$RUSTBOX_ROOT/tmp/rustbox-seen"
  # something innocent that has gone since: not a leftover, and still said
  printf 'mount\t/was/here\ttmpfs\tt\t/\trw\n' >>"$RUSTBOX_ROOT/var/lib/rustbox/baseline.txt"
  "$bin/rustbox" health --check
  [ $? = 1 ] || fail "a violated baseline does not make the worker unhealthy"
  "$bin/rustbox" health --verify-clean 2>"$top/err" | grep -q '"missing":1' || fail "--verify-clean does not compare"
  grep -q baseline_equivalence_failed "$RUSTBOX_ROOT/var/lib/rustbox/events.jsonl" || fail "no event of it"
  "$bin/rustbox-capture-baseline.sh" --store || fail "the operator's word"
  "$bin/rustbox" health --check || fail "not healthy with the new baseline"
  "$bin/rustbox-audit-cleanup.sh" >"$top/audit" 2>&1 || fail "the audit after recovery: $(cat "$top/audit")"
else
  echo "skipped: needs root: the audit of a real leftover"
fi
if command -v systemd-analyze >/dev/null; then
  for unit in "$top"/prefix/lib/systemd/system/*; do
    said=$(systemd-analyze verify --man=no --recursive-errors=no "$unit" 2>&1) || fail "systemd-analyze: $said"
    [ -z "$said" ] || echo "systemd-analyze: $said"
  done
else
  echo "skipped: systemd-analyze is not installed: units not verified"
fi
if command -v mandoc >/dev/null; then
  while read -r page; do
    mandoc -Tlint -Werror "$page" || fail "$page"
  done < <(find "$top/prefix/share/man" -type f 2>/dev/null)
fi
bash -n "$top/prefix/share/bash-completion/completions/rustbox" || fail "completion"
exit $bad
