#!/usr/bin/env bash
# What runs in the guest: the tests that talk to the kernel, each with its own line; the same verdicts as on the host.
set -u
OUT=${OUT:-.build}
bad=0
uname -r
grep cgroup /proc/mounts | awk '{print $2, $3}' | head -n 3
for t in test_attack $(cd tests/system && ls test_{launch,run,syscalls,proofs,exchange,delegation,rootless}.c 2>/dev/null | sed 's/\.c$//'); do
  [ -x "$OUT/tests/system/$t" ] || continue
  if "$OUT/tests/system/$t" >/tmp/said 2>&1; then
    echo "$t: $(grep -c '^\[       OK' /tmp/said) passed"
  else
    echo "$t: FAILED"
    grep -vE '^\[ (RUN  |      OK)' /tmp/said | tail -n 60
    bad=1
  fi
done
exit $bad
