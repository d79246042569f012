#!/usr/bin/env bash
# Events where the founding runbook looks for them: `journalctl -u rustbox | grep cleanup_failure`, against the real
# journald when it is installed, and against a socket that shows each datagram; nothing that a name says can begin a field
# of its own; a full journal file moves on. All in mount and pid namespaces of its own, on the default paths.
set -u
OUT=${OUT:-.build}
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
if [ "${1:-}" != inside ]; then
  OUT=$(realpath "$OUT") exec unshare --mount --pid --fork --mount-proc --propagation private bash "$0" inside
fi
bad=0
fail() { echo "FAILED: $*"; bad=1; }
mount -t tmpfs t /run && mount -t tmpfs t /var/lib && mkdir -p /run/bin /run/systemd/journal || exit 1
cp "$OUT"/rustbox "$OUT"/rustbox-ops /run/bin/ # /tmp goes next, and may hold the build
mount -t tmpfs t /tmp && mount -t tmpfs t /var/log || exit 1
cd / || exit 1
unset RUSTBOX_ROOT
PATH=/run/bin:$PATH
state=/var/lib/rustbox

stuck() { # a clean-up that fails: somebody sits in the box's file system
  rustbox init --box-id "$1" >/run/where || fail "init"
  (cd "$(cat /run/where)" && exec sleep 100) &
  local holder=$!
  until [ "$(readlink /proc/$holder/cwd)" = "$(cat /run/where)" ]; do sleep 0.05; done
  rustbox cleanup --box-id "$1" >/dev/null 2>&1 && fail "a busy box was cleaned up"
  kill $holder
  wait $holder 2>/dev/null
  rustbox health --recover --cleanup >/dev/null 2>&1 || fail "the recovery of $1"
}

# nobody listens: the file has it
stuck silent
grep -q '"event":"cleanup_failure","kind":"mount_unmount_failed"' $state/events.jsonl || fail "no line in events.jsonl"

# a socket that shows what it is sent
python3 - /run/systemd/journal/socket /run/said <<'PY' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
out = open(sys.argv[2], "wb", 0)
while True: out.write(s.recv(65536) + b"--\n")
PY
fake=$!
until [ -S /run/systemd/journal/socket ]; do sleep 0.05; done
stuck heard
rustbox health --quarantine --reason $'bad\nPRIORITY=0\nMESSAGE=forged' || fail "quarantine"
rustbox health --unquarantine || fail "unquarantine"
for want in 'MESSAGE=cleanup_failure mount_unmount_failed' OBJECT_SYSTEMD_UNIT=rustbox.service RUSTBOX_BOX=heard \
  RUSTBOX_EVENT=worker_quarantined RUSTBOX_EVENT=recovery_finished; do
  grep -qxF -- "$want" /run/said || fail "no field $want was sent"
done
grep -qE '^(MESSAGE=forged|PRIORITY=0)$' /run/said && fail "a reason began a field of its own"
kill $fake
rm -f /run/systemd/journal/socket

# the real one, as the page reads it
if [ -x /lib/systemd/systemd-journald ] && command -v journalctl >/dev/null; then
  /lib/systemd/systemd-journald >/dev/null 2>&1 &
  for _ in $(seq 600); do [ ! -S /run/systemd/journal/socket ] || break; sleep 0.1; done
  stuck real
  for _ in $(seq 600); do # journald writes when it has read
    journalctl --no-pager -u rustbox 2>/dev/null | grep cleanup_failure | grep -q mount_unmount_failed && break
    sleep 0.1
  done
  journalctl --no-pager -u rustbox 2>/dev/null | grep "cleanup_failure" | grep -q "mount_unmount_failed" ||
    fail "journalctl -u rustbox | grep cleanup_failure finds nothing"
else
  echo "skipped: systemd-journald is not installed: only the socket was tested"
fi

# rotation: by size, two older ones are kept, no line is lost on the way
for round in 1 2 3; do
  truncate -s 9M $state/events.jsonl
  rustbox health --quarantine --reason "round $round" || fail "quarantine"
done
[ "$(wc -l <$state/events.jsonl)" -lt 10 ] || fail "the event file was not rotated"
[ -f $state/events.jsonl.1 ] && [ -f $state/events.jsonl.2 ] && [ ! -e $state/events.jsonl.3 ] || fail "$(ls $state)"
grep -q 'round 3' $state/events.jsonl || fail "the last event was lost in the rotation"
exit $bad
