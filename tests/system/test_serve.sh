#!/usr/bin/env bash
# rustbox serve: /metrics and /health with curl, on loopback only; requests that are none, a hundred connections at once,
# clients that say nothing; and it ends with SIGTERM.
set -u
. tests/harness/alone.sh
OUT=$(realpath "${OUT:-.build}")
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
command -v curl >/dev/null || { echo "skipped: curl is not installed"; exit 77; }
world=$(mktemp -d /tmp/rbt-serve-XXXXXX)
export RUSTBOX_ROOT=$world
bad=0
fail() { echo "FAILED: $*"; bad=1; }
"$OUT/rustbox" serve --port 0 >"$world/said" 2>"$world/err" &
server=$!
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null; rm -rf "$world"' EXIT
until grep -q listening "$world/said" || ! kill -0 $server; do sleep 0.05; done
port=$(sed -nE 's/.*port ([0-9]+):.*/\1/p' "$world/said")
[ -n "$port" ] || { cat "$world/err"; exit 1; }
url=http://localhost:$port
get() { curl -sS -m 120 "$@"; }

get "$url/metrics" | grep -q '^rustbox_cleanup_total{outcome="success"} ' || fail "/metrics"
get "$url/metrics" | grep -q '^rustbox_queued_executions 0$' || fail "/metrics: queued"
get "$url/health" | python3 -c 'import json,sys; assert json.load(sys.stdin)["status"] == "healthy"' || fail "/health"
mkdir -p "$world/tmp/rustbox-left" # it looks itself: nothing has to be told to it
get "$url/health" | python3 -c 'import json,sys; h = json.load(sys.stdin); assert h["status"] == "unhealthy" and h["leftovers"]["temp_dirs"] == 1' || fail "/health with a leftover"
get "$url/metrics" | grep -q '^rustbox_leftover_resources{kind="tempdir"} 1$' || fail "/metrics with a leftover"
code() { get -o /dev/null -w '%{http_code}' "$@"; }
[ "$(code "$url/")" = 404 ] || fail "/ is not 404"
[ "$(code "$url/../../etc/passwd" --path-as-is)" = 404 ] || fail "a path is not 404"
[ "$(code -X DELETE "$url/health")" = 405 ] || fail "DELETE is not 405"
[ "$(code --data x=1 "$url/health")" = 405 ] || fail "POST is not 405"
[ "$(code -I "$url/health")" = 200 ] || fail "HEAD is not 200"

# garbage, silence, and more clients than it takes; then it still answers
python3 - "$port" <<'PY' || fail "what is no request"
import socket, sys
port = int(sys.argv[1])
for junk in (b"\0" * 4096, b"GET\r\n\r\n", b"GET /metrics HTTP/9.9\r\n\r\n", b"\x1b[2J" * 100 + b"\r\n\r\n", b"A" * 100000):
    s = socket.create_connection(("127.0.0.1", port), 5)
    try:
        s.sendall(junk)
        s.settimeout(5)
        s.recv(100)
    except OSError:
        pass
    s.close()
for _ in range(20):  # all go at once: whoever comes next is heard
    idle = []
    for _ in range(40):
        try:
            idle.append(socket.create_connection(("127.0.0.1", port), 5))
        except OSError:
            break
    for s in idle:
        s.close()
    s = socket.create_connection(("127.0.0.1", port), 60)
    s.sendall(b"HEAD /none HTTP/1.0\r\n\r\n")
    assert b"404" in s.recv(100), "not heard"
    s.close()
PY
get --retry 5 --retry-all-errors "$url/health" >/dev/null || fail "it does not answer after that"
for _ in $(seq 30); do get --retry 8 --retry-all-errors "$url/metrics" >"$world/one.$_" & done
for job in $(jobs -p); do [ "$job" = $server ] || wait "$job" || fail "one of thirty at once"; done
for f in "$world"/one.*; do grep -q '^rustbox_worker_health' "$f" || fail "a cut answer"; done

# nobody but this host
ss -Hltn "sport = :$port" 2>/dev/null | grep -qv '127.0.0.1' && fail "it listens beyond loopback"
kill -0 $server || fail "it died: $(cat "$world/err")"
"$OUT/rustbox" serve --port "$port" >/dev/null 2>"$world/err2" && fail "two on one port"
grep -q 'cannot listen' "$world/err2" || fail "a taken port is not named: $(cat "$world/err2")"
"$OUT/rustbox" serve --port 99999 2>/dev/null
[ $? = 2 ] || fail "port 99999 is no usage error"
kill -TERM $server
wait $server || fail "SIGTERM: exit $?"
exit $bad
