#!/usr/bin/env bash
# rustbox prepare: two mounts and nothing else, made once, removed whole; no leftover to anybody; used by strict runs only,
# and not at all when it is not what was recorded. Then the tests of isolation, attack and launch on a prepared host.
set -u
OUT=$(realpath "${OUT:-.build}")
[ "$(id -u)" = 0 ] || { echo "skip: needs root"; exit 77; }
if [ "${1-}" != inside ]; then
  exec unshare --mount --propagation private -- "$0" inside
fi
world=$(mktemp -d /tmp/rbt-prepare-XXXXXX)
export RUSTBOX_ROOT=$world
rustbox=$OUT/rustbox nest=$world/run/rustbox/nest bad=0
mkdir -m 1777 "$world/tmp"
# This world's parent cgroup, named as paths.c names it: 32-bit FNV-1a of the root.
parent=rustbox-root.$(python3 -c '
import sys
h = 2166136261
for c in sys.argv[1].encode(): h = (h ^ c) * 16777619 & 0xffffffff
print("%08x" % h)' "$world")
trap '"$rustbox" prepare --undo; find /sys/fs/cgroup -maxdepth 2 -type d -name "$parent" -exec rmdir {} + 2>/dev/null; rm -rf "${world:?}"' EXIT
fail() { echo "$*"; bad=1; }
mounts() { grep -c " $world/" /proc/self/mountinfo; }
# nested YES|NO WHEN [OPTIONS]: how a run's root replaces the host's, and that its program sees the same in any case.
nested() {
  local way=pivot_root seen
  [ "$1" = yes ] && way=chroot
  seen=$(strace -f -qq -e trace=pivot_root,chroot -o "$world/trace" "$rustbox" run "${@:3}" -- /bin/cat /proc/self/mountinfo 2>&1)
  grep -q "$way" "$world/trace" || fail "$2: not by $way: $(cat "$world/trace") $seen"
  [ "$(awk '{print $5}' <<<"$seen" | sort | xargs)" = "$plain" ] || fail "$2: other mounts in the box: $seen"
}
plain=$("$rustbox" run -- /bin/cat /proc/self/mountinfo | awk '{print $5}' | sort | xargs)
checked() { "$rustbox" check | grep -q "prepared *$1" || fail "$2: check does not say $1: $("$rustbox" check | grep prepared)"; }

nested no "not prepared"
checked no "not prepared"
"$rustbox" prepare --undo || fail "undo of nothing"
"$OUT/rustbox-probe" baseline capture >"$world/before"
"$rustbox" prepare || fail "prepare: exit $?"
[ "$(mounts)" = 2 ] || fail "not two mounts: $(grep " $world/" /proc/self/mountinfo)"
"$rustbox" prepare || fail "prepare again: exit $?"
[ "$(mounts)" = 2 ] || fail "prepared twice over"
checked yes prepared
nested yes prepared
nested no "prepared, permissive" --permissive
"$rustbox" run --dir "/run=$world/run" -- /bin/cat /proc/self/mountinfo >"$world/seen" || fail "a box cannot be given /run"
grep nest "$world/seen" && fail "a box that is given /run is given the nest as well"
"$rustbox" health --verify-clean >/dev/null || fail "what was prepared is a leftover: $("$rustbox" health --verify-clean)"
"$OUT/rustbox-probe" baseline capture >"$world/after"
diff "$world/before" "$world/after" >/dev/null || fail "the baseline changed: $(diff "$world/before" "$world/after")"
"$rustbox" health --recover --cleanup --json >/dev/null && "$rustbox" reclaim mount --all >/dev/null
[ "$(mounts)" = 2 ] || fail "recovery removed furniture"

# Not what was recorded: a mount more, another record, none, no namespace. Seen, and not used.
python3 -c '
import ctypes, os, sys
c = ctypes.CDLL(None, use_errno=True)
if c.setns(os.open(sys.argv[1], os.O_RDONLY), 0x20000) or c.mount(b"none", b"/", b"tmpfs", 0, None):
    sys.exit(os.strerror(ctypes.get_errno()))' "$nest/ns" || fail "cannot mount in the nest"
if grep -qE '^(6\.1[2-9]|6\.[2-9][0-9]|[7-9])' /proc/sys/kernel/osrelease; then # older ones do not count mounts
  checked unusable "a mount in it"
  nested no "a mount in it"
fi
"$rustbox" prepare || fail "prepare over one that is unusable: exit $?"
checked yes "made anew"
chmod 600 "$nest/record"; echo "rustbox-nest 1 1 1" >"$nest/record"
checked unusable "another record"
nested no "another record"
rm "$nest/record"
nested no "no record"
"$rustbox" prepare || fail "prepare over an unfinished one: exit $?"
[ "$(mounts)" = 2 ] || fail "an unfinished one was built over"
umount "$nest/ns"
checked unusable "no namespace"
nested no "no namespace"
"$rustbox" prepare --undo || fail "undo: exit $?"
[ "$(mounts)" = 0 ] && [ ! -e "$nest" ] || fail "undo left something"
nested no undone
"$rustbox" prepare now 2>/dev/null; [ $? = 2 ] || fail "usage"

for t in test_isolation test_launch test_attack_caller test_attack; do
  WORLD_PREPARED=1 RUSTBOX_ROOT='' "$OUT/tests/system/$t" >"$world/said" 2>&1 || { fail "$t on a prepared host:"; grep -v ' OK ' "$world/said" | tail -40; }
done
exit $bad
