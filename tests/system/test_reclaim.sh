#!/usr/bin/env bash
# rustbox reclaim by hand: a plan acts on the intersection with the world, an age means what it says, Ctrl-C loses track of
# nothing, who comes second says who is at work, and each item is a line of its own the moment it is done.
set -u
. tests/harness/alone.sh
OUT=$(realpath "${OUT:-.build}")
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
world=$(mktemp -d /tmp/rbt-reclaim-XXXXXX)
export RUSTBOX_ROOT=$world
trap 'rm -rf "$world"' EXIT
rustbox() { "$OUT/rustbox" "$@"; }
bad=0
fail() { echo "FAILED: $*"; bad=1; }
dir() { for d in "$@"; do mkdir -p "$world/tmp/rustbox-$d/sub" && echo x >"$world/tmp/rustbox-$d/sub/file"; done; }
there() { for d in "$@"; do [ -d "$world/tmp/rustbox-$d" ] || return 1; done; }
gone() { for d in "$@"; do [ ! -e "$world/tmp/rustbox-$d" ] || return 1; done; }
field() { python3 -c 'import json,sys
for l in sys.stdin:
  j = json.loads(l)
  if "summary" in j: print(j["summary"][sys.argv[1]])' "$1"; }

# the plan: what it names and still is what it was
dir a b c
rustbox reclaim all --dry-run --json >"$world/plan"
there a b c || fail "--dry-run did something"
mv "$world/tmp/rustbox-b" "$world/elsewhere" && dir b # another directory with its name
rm -r "$world/tmp/rustbox-c"
dir d
rustbox reclaim --plan "$world/plan" --json >"$world/out"
gone a || fail "what was planned is still there"
there b d || fail "what was not planned is gone"
[ "$(field released <"$world/out") $(field gone <"$world/out")" = "1 2" ] || fail "the plan: $(cat "$world/out")"
rustbox reclaim tempdir --dry-run --text | grep -q '2 would go' || fail "--dry-run --text"
# a plan of another kind does not take a lock that happens to bear its number
mkdir -p "$world/run/rustbox/ledger"
echo "rustbox-ledger 1 77 $(cat /proc/sys/kernel/random/boot_id)" >"$world/run/rustbox/ledger/77"
echo '{"kind":"mount","id":"77","name":"77"}' >"$world/plan"
rustbox reclaim --plan "$world/plan" --json >/dev/null
[ -e "$world/run/rustbox/ledger/77" ] || fail "a mount's id took a lock"
for junk in '' '{"kind":"mount"}' 'x' '{"kind":"moon","id":"1"}' '[]' '{"kind":1,"id":2}'; do
  echo "$junk" >"$world/plan"
  rustbox reclaim --plan "$world/plan" >/dev/null 2>"$world/err"
  [ $? = 2 ] && [ "$(wc -l <"$world/err")" = 1 ] || fail "a plan of '$junk': $(cat "$world/err")"
done
rustbox reclaim lock --all >/dev/null || fail "a ledger with a header only"
[ ! -e "$world/run/rustbox/ledger/77" ] || fail "its file is still there"

# ages
touch -d '25 hours ago' "$world/tmp/rustbox-b"
rustbox reclaim tempdir --all --older-than 1d >/dev/null || fail "--older-than"
gone b && there d || fail "25 hours is older than a day, a minute is not"
rustbox reclaim tempdir --all --older-than 1x >/dev/null 2>&1
[ $? = 2 ] || fail "--older-than 1x"
rustbox reclaim all --all >/dev/null || fail "all"

# Ctrl-C: the one at hand may be half done, the others are pending and listed, and the next run finishes. It is at work when
# it is interrupted: its pipe is too short for all it has to say, and is read only then.
for d in $(seq 200); do dir "i$d"; done
python3 - "$OUT/rustbox" "$world/out" <<'PY' || fail "an interrupted reclaim: $(cat "$world/out")"
import fcntl, json, signal, subprocess, sys
p = subprocess.Popen([sys.argv[1], "reclaim", "all", "--all", "--json"], stdout=subprocess.PIPE, text=True, pipesize=4096)
first = p.stdout.readline()      # it streams: one line is here while the rest is not done
assert json.loads(first)["outcome"] == "released", first
p.send_signal(signal.SIGINT)
rest = p.stdout.read().splitlines()
open(sys.argv[2], "w").write(first + "\n".join(rest))
summary = json.loads(rest[-1])["summary"]
assert p.wait() == 1, p.returncode
assert summary["pending"] > 0 and summary["released"] >= 1 and summary["items"] == 200, summary
PY
python3 -c 'import sys; sys.exit(0)' && rustbox health --check
[ $? = 1 ] || fail "the health after an interrupted reclaim"
rustbox health --recover --cleanup >/dev/null || fail "the recovery after an interrupted reclaim"
rustbox health --verify-clean >/dev/null || fail "not clean"

# who comes second
dir e
exec 9>>"$world/run/rustbox/recovery.lock"
flock 9 && echo "pid 7 of uid 0, since noon" >"$world/run/rustbox/recovery.lock"
rustbox reclaim all --all >/dev/null 2>"$world/err" 9>&- &
second=$!
until grep -q 'pid 7 of uid 0' "$world/err" || ! kill -0 $second 2>/dev/null; do sleep 0.05; done
grep -q 'waiting: a recovery is at work: pid 7' "$world/err" || fail "the second does not say who is at work: $(cat "$world/err")"
there e || fail "two at once"
exec 9>&-
wait $second || fail "the second, when its turn came"
gone e || fail "the second did nothing"
# a zombie whose parent does not read it: said, waited for with a bound, in nobody's way; gone with its parent
python3 - "$world" <<'PY' &
import os, sys, time
h = 2166136261
for c in sys.argv[1].encode(): h = (h ^ c) * 16777619 & 0xffffffff
uid = 200000 + h % 4096 * 128 # as paths.c: the first of this world's pool
child = os.fork()
if child == 0:
    os.setresuid(uid, uid, uid)
    os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
open(sys.argv[1] + "/ready", "w").close()
time.sleep(1000)
PY
lazy=$!
until [ -e "$world/ready" ]; do sleep 0.05; done
dir h
start=$SECONDS
rustbox health --recover --cleanup --text >"$world/out" 2>&1
[ $? = 1 ] || fail "a zombie that stays: $(cat "$world/out")"
[ $((SECONDS - start)) -lt 300 ] || fail "it waited $((SECONDS - start)) s for a zombie"
grep -q "a zombie: it has ended and holds nothing; it goes when its parent $lazy reads it" "$world/out" || fail "$(cat "$world/out")"
gone h || fail "a zombie was in the way"
grep -q '"event":"containment_violation","kind":"zombie_detected"' "$world/var/lib/rustbox/events.jsonl" || fail "no event"
kill $lazy
wait $lazy 2>/dev/null
for _ in $(seq 600); do rustbox health --recover --cleanup >/dev/null && break; sleep 0.1; done # its reaper may be slow
rustbox health --verify-clean >/dev/null || fail "the zombie's end was not seen"
# on a terminal: what it is at
dir f g
script -qec "$OUT/rustbox reclaim tempdir --all" /dev/null | tr -d '\r' | grep -q 'released tempdir .*/rustbox-f' || fail "text on a terminal"
exit $bad
