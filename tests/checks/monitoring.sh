#!/usr/bin/env bash
# Alert rules, recording rules and the dashboard, against promtool and against what rustbox really exports:
# every alert is proven to fire and to keep quiet, and every metric, label and label value that is named exists.
#
# promtool comes from the Debian package prometheus, unpacked and never installed: installing it starts a server.
set -u
cd "$(dirname "$0")/../.."
OUT=${OUT:-.build}
dir=runbooks/monitoring
bad=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
complain() { echo "monitoring: $*"; bad=1; }

# 1. What needs no promtool: names in rules and dashboard against metrics.def, and each alert's tests and runbook.
python3 - $dir sandbox/policy/metrics.def <<'PY' || bad=1
import json, os, re, sys
folder, table = sys.argv[1:]
bad = []
rows = {m[0]: m for m in re.findall(r'^X\(\w+, "(\w+)", (\w+), "(\w*)"', open(table).read(), re.M)}
assert len(rows) > 10, f"{table}: no rows found"
def text(name): return open(os.path.join(folder, name)).read()
def strip_comments(s): return re.sub(r'^\s*#.*$', '', s, flags=re.M)
rules, alerts, proofs = (strip_comments(text(f"rustbox-{n}.yml")) for n in ("rules", "alerts", "alerts_test"))
recorded = set(re.findall(r'record: (\S+)', rules))
def exprs(s): # plain, and folded with >-
    return [a or b for a, b in re.findall(r'expr: (?!>-)(.+)|expr: >-\n((?:\s{10,}.*\n)+)', s)]
dash = json.loads(text("rustbox-dashboard.json"))
panels = [p for p in dash["panels"] if p["type"] != "row"]
used = [("rules", e) for e in exprs(rules)] + [("alerts", e) for e in exprs(alerts)]
used += [(p["title"], t["expr"]) for p in panels for t in p["targets"]]
used += [(a["name"], a["expr"]) for a in dash["annotations"]["list"]]
if len(used) < 40: bad.append(f"only {len(used)} expressions found")
for where, e in used:
    for name, selector in re.findall(r'([a-z][a-z0-9_]*(?::[a-z0-9_]+)*)(\{[^}]*\})?', re.sub(r'"[^"]*"', '""', e)):
        if ":" in name and name not in recorded: bad.append(f"{where}: no rule records {name}")
        if ":" in name or not name.startswith("rustbox_"): continue
        base = re.sub(r'_(bucket|sum|count)$', '', name)
        row = rows.get(name) or (rows.get(base) if base in rows and rows[base][1] == "HISTOGRAM" else None)
        if not row: bad.append(f"{where}: {name} is not in {table}"); continue
        for label in re.findall(r'(\w+)(?==|!=|=~|!~)', selector):
            if label not in (row[2], "instance", "job", "le"): bad.append(f"{where}: {name} has no label {label}")
for r in recorded: # what is recorded is used
    if not any(r in e for _, e in used): bad.append(f"rules: nothing uses {r}")
names = re.findall(r'alert: (\w+)', alerts)
for a in names:
    for verb in ("fires", "stays quiet"):
        if f"name: {a} {verb}\n" not in proofs: bad.append(f"alerts_test: nothing proves that {a} {verb}")
    if f"`{a}`" not in text("README.md"): bad.append(f"README.md does not list {a}")
    block = alerts.split(f"alert: {a}\n")[1].split("- alert:")[0]
    for part in ("severity:", "summary:", "description:", "runbook:"):
        if part not in block: bad.append(f"alerts: {a} has no {part}")
    for page in re.findall(r'runbooks/[\w-]+\.md', block):
        if not os.path.exists(page): bad.append(f"alerts: {a} names {page}, which is not there")
everywhere = " ".join(e for _, e in used)
for m in rows: # a metric that nobody looks at is not worth its line
    if m not in everywhere: bad.append(f"no rule, alert or panel uses {m}")
seen = {}
for p in panels:
    if not p.get("description"): bad.append(f"dashboard: panel {p['title']} does not say what it shows")
    if seen.setdefault(p["id"], p) is not p: bad.append(f"dashboard: two panels have the id {p['id']}")
print("\n".join(f"monitoring: {b}" for b in bad), end="\n" if bad else "")
sys.exit(bool(bad))
PY

# 2. promtool: from PATH, or from the package's archive.
promtool=$(command -v promtool || true)
[ -n "$promtool" ] || promtool=$(find "$OUT/tools" -path '*/usr/bin/promtool' -type f 2>/dev/null | head -n 1)
if [ -z "$promtool" ]; then
  mkdir -p "$OUT/tools/download"
  if (cd "$OUT/tools/download" && timeout 120 apt-get -q -o Acquire::Retries=1 download prometheus) >"$scratch/apt" 2>&1 &&
    dpkg-deb --fsys-tarfile "$OUT"/tools/download/prometheus_*.deb | tar -x -C "$OUT/tools" ./usr/bin/promtool; then
    promtool=$OUT/tools/usr/bin/promtool
  fi
  rm -rf "$OUT/tools/download"
fi
if [ -z "$promtool" ] || [ ! -x "$promtool" ]; then
  [ $bad = 0 ] || exit 1
  echo "skipped: no promtool, and the package prometheus can't be fetched: $(tail -n 1 "$scratch/apt")"
  exit 77
fi
"$promtool" check rules $dir/rustbox-rules.yml $dir/rustbox-alerts.yml >"$scratch/out" 2>&1 || { cat "$scratch/out"; complain "check rules"; }
"$promtool" test rules $dir/rustbox-alerts_test.yml >"$scratch/out" 2>&1 || { cat "$scratch/out"; complain "test rules"; }

# The tests must be able to fail: an alert that never fires, and one that always does, are both found out.
cp $dir/*.yml "$scratch"
for break in 's/^( *expr: ).*> 0\.0001$/\1vector(0) > 1/' 's/^( *expr: ).*> 0\.0001$/\1vector(1)/'; do
  sed -E "$break" $dir/rustbox-alerts.yml >"$scratch/rustbox-alerts.yml"
  cmp -s $dir/rustbox-alerts.yml "$scratch/rustbox-alerts.yml" && complain "the broken rule is the right one: $break"
  "$promtool" test rules "$scratch/rustbox-alerts_test.yml" >/dev/null 2>&1 && complain "a broken rule passes its test: $break"
done

# 3. What rustbox really prints, in a world of its own.
if [ ! -x "$OUT/rustbox-ops" ] || [ ! -x "$OUT/rustbox" ]; then
  [ $bad = 0 ] || exit 1
  echo "skipped: $OUT/rustbox-ops is not built, so there is no real output to check"
  exit 77
fi
world=$(mktemp -d /tmp/rbt-monitoring-XXXXXX)
trap 'rm -rf "$scratch" "$world"' EXIT
if ! RUSTBOX_ROOT=$world timeout 20 "$OUT/rustbox" metrics >"$scratch/metrics" 2>"$scratch/err"; then
  cat "$scratch/err"
  complain "rustbox metrics"
fi
"$promtool" check metrics <"$scratch/metrics" >"$scratch/out" 2>&1 || { cat "$scratch/out"; complain "check metrics"; }
# Every label value that an expression selects is one that rustbox prints.
grep -hoE 'rustbox_[a-z_]+\{[a-z]+!?=\\?"[^"\\$]+\\?"' $dir/*.yml $dir/*.json | tr -d '\\' | sed -E 's/!=/=/; s/,?instance=.*//' |
  grep -vE '\{(instance|le)=' | sort -u >"$scratch/selected"
[ -s "$scratch/selected" ] || complain "no selected label values found: the pattern is wrong"
while read -r series; do
  [[ $series == *'{'*'='* ]] || continue
  grep -qF "$series" "$scratch/metrics" || complain "rustbox never prints $series..."
done <"$scratch/selected"
exit $bad
