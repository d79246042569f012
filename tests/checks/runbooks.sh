#!/usr/bin/env bash
# The runbooks against what they speak of: every link, path, command, option, metric, alert, event, field and make target
# that a page names exists, and every founding line that it quotes is one whose replacement is tested. That each page
# parses and each step runs is proven by tests/unit/test_runbook and tests/system/test_runbook_commands.
set -u
cd "$(dirname "$0")/../.."
OUT=${OUT:-.build}
if [ ! -x "$OUT/rustbox" ] || [ ! -x "$OUT/rustbox-ops" ] || [ ! -x "$OUT/rustbox-probe" ]; then
  echo "skipped: the programs are not built in $OUT, so their options can't be asked for"
  exit 77
fi
OUT=$OUT python3 - <<'PY'
import glob, os, re, subprocess, sys
out, bad = os.environ["OUT"], []
def read(p): return open(p, encoding="utf-8").read()
pages = sorted(glob.glob("runbooks/*.md")) + ["runbooks/monitoring/README.md"]
need_pages = {"cleanup-failure", "stale-state", "worker-quarantine", "orphan-process", "backend-mismatch"}
missing = need_pages - {os.path.basename(p)[:-3] for p in pages}
if missing: bad.append(f"no page for {', '.join(sorted(missing))}")
sources = [f for d in ("probes", "sandbox", "tui") for f in glob.glob(f"{d}/**/*", recursive=True) if f.endswith((".c", ".h", ".def"))]
code = "\n".join(map(read, sources))
metrics = dict(re.findall(r'^X\(\w+, "(rustbox_\w+)", (\w+)', read("sandbox/policy/metrics.def"), re.M))
for m in [m for m, t in metrics.items() if t == "HISTOGRAM"]:
    metrics.update({m + s: "HISTOGRAM" for s in ("_bucket", "_sum", "_count")})
alerts = set(re.findall(r'alert: (\w+)', read("runbooks/monitoring/rustbox-alerts.yml")))
paths = set(re.findall(r'X\(\w+, "(/[^"]+)"', read("probes/base/paths.h")))
targets = set(re.findall(r'^([a-z-]+):', read("Makefile") + read("tests/targets.mk") + read("sandbox/install.mk"), re.M))
tested = read("tests/system/runbook_lines.h").replace('\\"', '"').replace("\\\\", "\\")
squeeze = lambda s: re.sub(r'\s+', ' ', s).strip()
tested = squeeze(tested)
help_of = {}
def help_text(words): # what the program says of itself: help where there is one, usage where not
    if words not in help_of:
        r = subprocess.run([os.path.join(out, words[0]), *words[1:], "--help"], capture_output=True, text=True, timeout=20)
        help_of[words] = r.stdout + r.stderr
    return help_of[words]
def check_command(page, text):
    words = text.split()
    if words[0] == "rustbox-tui" or words[0].endswith(".sh"): return
    if len(words) < 2: return
    top = help_text((words[0],))
    name = words[1]
    if name.startswith("-") or not re.search(r'^\s*' + re.escape(name) + r'\b', top, re.M):
        bad.append(f"{page}: `{text}`: {words[0]} has no command {name}"); return
    # rustbox-probe documents its commands on one page; rustbox has one for each
    said = top if words[0] == "rustbox-probe" else help_text((words[0], name))
    for w in words[2:]:
        if w == "--": break
        if w.startswith("--") and not re.search(re.escape(w.split("=")[0]) + r'(?![\w-])', said):
            bad.append(f"{page}: `{text}`: no option {w}")
    if name == "reclaim" and words[2:] and not re.search(r'\b' + words[2] + r'\b', said): bad.append(f"{page}: `{text}`: no kind {words[2]}")
seen = dict.fromkeys(("links", "commands", "words", "metrics", "alerts", "paths", "originals"), 0)
for page in pages:
    text = read(page)
    here = os.path.dirname(page)
    if page.startswith("runbooks/monitoring") is False and not page.endswith("README.md"):
        for part in ("severity", "impact|who is affected", "detection|how you notice", "## (?:symptoms|how you notice)",
                     "## (?:investigation|look before you act)", "### procedure 1:", "## (?:when to )?escalat", "## (?:post-incident|afterwards)",
                     "## related"):
            if not re.search(part, text.lower()): bad.append(f"{page}: no section or line for {part}")
    for link in re.findall(r'\]\(([^)#\s]+)', text):
        seen["links"] += 1
        if not link.startswith("http") and not os.path.exists(os.path.join(here, link)): bad.append(f"{page}: dead link {link}")
    fences = re.findall(r'^ *```(\w*)\n(.*?)^ *```$', text, re.M | re.S)
    fenced = "\n".join(body for language, body in fences if language in ("", "bash", "sh"))
    own = re.sub(r'^\s*- (?:Original|Why):.*(?:\n\s{5,}.*)*', '', text, flags=re.M) # what we say, without what we quote
    own = re.sub(r'```.*?```', '', own, flags=re.S)
    spans = [squeeze(s) for s in re.findall(r'`([^`]+)`', own)]
    for c in [l.strip() for l in fenced.splitlines()] + spans:
        c = re.sub(r'^(?:do!?|look|check) (?=rustbox )', '', c)
        if re.match(r'rustbox(-probe|-tui)? ', c): seen["commands"] += 1; check_command(page, re.sub(r'\s*[|>;].*', '', c))
        for script in re.findall(r'\brustbox-[a-z-]+\.sh', c):
            if not os.path.exists(f"sandbox/install/{script}"): bad.append(f"{page}: no script {script}")
        for target in re.findall(r'^make ([a-z-]+)', c):
            if target not in targets: bad.append(f"{page}: no make target {target}")
    for m in set(re.findall(r'\brustbox_[a-z_]+', text)):
        seen["metrics"] += 1
        if m not in metrics: bad.append(f"{page}: no metric {m}")
    for a in set(re.findall(r'\bRustbox[A-Z]\w+', text)):
        seen["alerts"] += 1
        if a not in alerts: bad.append(f"{page}: no alert {a}")
    for w in {s for s in spans if re.fullmatch(r'[a-z]+(_[a-z0-9]+)+', s)} - set(metrics): # fields, events, reasons, kinds
        seen["words"] += 1
        if f'"{w}"' not in code: bad.append(f"{page}: `{w}` stands nowhere in the program")
    for p in set(re.findall(r'(?<![\w/])/(?:var/lib|run|etc)/rustbox[\w./-]*', own + fenced)):
        seen["paths"] += 1
        p = p.rstrip("/.")
        if p not in paths and not re.match(r'/var/lib/rustbox/(ledger-BOX|health\.json)\.corrupt-TIME$|/var/lib/rustbox$', p) and \
           not any(p.startswith(q + "/") for q in paths - {"/var/lib/rustbox", "/run/rustbox"}):
            if p != "/var/lib/rustbox/": bad.append(f"{page}: no path {p}")
    for p in {s for s in spans if re.fullmatch(r'(?:monitoring|tests|runbooks)/[\w./-]+', s)}:
        if not os.path.exists(p) and not os.path.exists(os.path.join("runbooks", p)): bad.append(f"{page}: no file {p}")
    if os.path.basename(page) != "cleanup-failure.md": # that page shortens the lines; the others quote them whole
        for o in re.findall(r'- Original: `([^`]+)`', text):
            seen["originals"] += 1
            if squeeze(o) not in tested: bad.append(f"{page}: nothing tests what replaces {squeeze(o)}")
traps = {int(t) for t in re.findall(r"\.trap = \"H(\d+)\"", read("tests/system/runbook_lines.h"))}
if traps != set(range(1, 14)): bad.append(f"traps without a test: {sorted(set(range(1, 14)) - traps)}")
for what, least in (("links", 15), ("commands", 40), ("words", 15), ("metrics", 6), ("alerts", 16), ("paths", 8), ("originals", 12)):
    if seen[what] < least: bad.append(f"only {seen[what]} {what} found: the pattern is wrong")
print("\n".join(bad), end="\n" if bad else "")
sys.exit(bool(bad))
PY
