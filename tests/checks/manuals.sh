#!/usr/bin/env bash
# rustbox.json(5) and rustbox-runbook(7) against the tables and the code they describe: each limit key, field, word and
# verb stands in its page, each example is what it says, and mandoc has nothing to say.
set -u
cd "$(dirname "$0")/../.."
bad=0
json=sandbox/install/rustbox.json.5 book=tui/rustbox-runbook.7
if command -v mandoc >/dev/null; then
  mandoc -Tlint -Wwarning $json $book || bad=1
else
  echo "skipped: mandoc is not installed: pages not linted"
fi
python3 - $json $book <<'PY' || bad=1
import json, re, sys
json_page, book_page = (open(p).read() for p in sys.argv[1:])
bad = []
def source(path): return open(path).read()
def macro(path, name): # the quoted first words of an X-macro's rows
    body = re.search(r'#define ' + name + r'\(X\)((?:.*\\\n)*.*\n)', source(path)).group(1)
    return re.findall(r'X\(\w+, "([^"]+)"', body)
def need(page, title, where, words, least):
    if len(set(words)) < least: bad.append(f"{where}: only {len(set(words))} words found: the pattern is wrong")
    text = re.sub(r'\\&|\\', '', page)
    for w in sorted(set(words)):
        if not re.search(r'(?<![\w-])' + re.escape(w) + r'(?![\w-])', text): bad.append(f"{title} does not mention {w} ({where})")
J = "rustbox.json(5)"
need(json_page, J, "limits.def", re.findall(r'LIMIT\(\w+, "[\w-]+", "(\w+)"', source("sandbox/policy/limits.def")), 16)
result = source("sandbox/box/result.c")
fields = re.findall(r'put\(\w+, "(\w+)"', result) + [k for p in re.findall(r'json_pack\("\{[^;]+;', result) for k in re.findall(r'"([a-z_]+)"', p)]
need(json_page, J, "result.c", fields, 25)
evidence = source("sandbox/policy/evidence.c")
fields = re.findall(r'\bN\("(\w+)"', evidence) + re.findall(r'json_object_set_new\(obj, "(\w+)"', evidence)
need(json_page, J, "evidence.c", fields, 25)
spec = source("sandbox/box/spec_json.c")
fields = re.findall(r'\{ "(\w+)", offsetof', spec) + re.findall(r'json_object_set_new\(obj, "(\w+)"', spec)
need(json_page, J, "spec_json.c", fields, 15)
for path, name in (("sandbox/policy/verdict.h", "STATUSES"), ("sandbox/policy/verdict.h", "CAUSES"), ("sandbox/policy/verdict.h", "ACTORS"),
                   ("sandbox/policy/verdict.h", "DIVERGENCES"), ("sandbox/policy/evidence.h", "SOURCES"), ("sandbox/policy/evidence.h", "KILLS"),
                   ("sandbox/policy/evidence.h", "INTEGRITIES"), ("sandbox/policy/cleanup.h", "CLEANUPS"), ("sandbox/policy/limits.h", "PROFILES"),
                   ("sandbox/policy/stages.h", "STAGES"), ("sandbox/box/spec.h", "BIND_OPTIONS"), ("sandbox/box/box.h", "PHASES")):
    need(json_page, J, f"{path} {name}", macro(path, name), 2)
B = "rustbox-runbook(7)"
need(book_page, B, "VERBS", macro("tui/runbook.h", "VERBS"), 5)
kinds = re.search(r'#define RESOURCE_KINDS\(X\)((?:.*\\\n)*.*\n)', source("probes/resource.h")).group(1)
need(book_page, B, "RESOURCE_KINDS", re.findall(r'X\(\w+, "(\w+)"', kinds) + re.findall(r'"(\w+)",\s+\'', kinds), 12)
limit = re.search(r'STEPS_MAX = (\d+)', source("tui/walk.h") + source("tui/runbook.h"))
if not limit or f"at most {limit.group(1)} of them" not in book_page: bad.append(f"{B}: the greatest number of steps is another")
for verb in ("do", "do!"):
    if not re.search(r'\.It Cm ' + re.escape(verb) + ' Ar', book_page): bad.append(f"{B} has no entry for {verb}")
example = re.search(r'^(\{"profiles".*)$', json_page, re.M)
for profile, limits in json.loads(example.group(1))["profiles"].items():
    keys = set(re.findall(r'LIMIT\(\w+, "[\w-]+", "(\w+)"', source("sandbox/policy/limits.def")))
    if not set(limits) <= keys: bad.append(f"{J}: the example has keys that are no limits")
print("\n".join(bad), end="\n" if bad else "")
sys.exit(bool(bad))
PY
exit $bad
