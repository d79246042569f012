#!/usr/bin/env bash
# The lists in the manual pages are the program's own tables: between `.\" table NAME` and `.\" end` stands what the table
# says, word for word (WRITE=1 writes it there). And each flag, command and exit status of each program has its entry.
set -u
cd "$(dirname "$0")/../.."
bad=0
python3 - "${WRITE:-0}" <<'PY' || bad=1
import re, sys
write = sys.argv[1] == "1"
bad = []
def source(path): return open(path).read()
def rows(pattern, path, least):
    found = re.findall(pattern, source(path), re.M)
    if len(found) < least: bad.append(f"{path}: only {len(found)} rows found: the pattern is wrong")
    return found
def x_macro(path, name, pattern, least):
    body = re.search(r"#define " + name + r"\(X\)((?:.*\\\n)*.*\n)", source(path)).group(1)
    found = re.findall(pattern, body)
    if len(found) < least: bad.append(f"{path} {name}: only {len(found)} rows found: the pattern is wrong")
    return found
TEXT = r'"((?:[^"\\]|\\.)*)"'
def plain(text): # C's escapes, then roff's
    return text.replace('\\"', '"').replace("\\\\", "\\").replace("\\", "\\e")
def sentence(text): return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")
def listed(items): return ".Bl -tag -width Ds\n" + "".join(f".It {head}\n{plain(text)}\n" for head, text in items) + ".El\n"

def keys():
    names = {}
    for shown, action in rows(r"^KEY\([^\n]*?, " + TEXT + r", (\w+)\)", "tui/keys.def", 40): names.setdefault(action, []).append(shown)
    out = []
    for action, palette, help in rows(r"^ACTION\((\w+),\s+" + TEXT + r",\s+\"[^\"]*\",\s+" + TEXT + r"\)", "tui/actions.def", 40):
        shown = " , ".join(f"Li \\&{k}" for k in names.get(action, []))
        out.append((f"{shown} Pq Cm {palette}" if shown else f"Cm {palette}", sentence(help)))
    return listed(out)
def options():
    out = []
    for flag, arg, help in x_macro("tui/main.c", "OPTIONS", r'X\(\w+, "([\w-]+)", (NULL|"[^"]*"), ' + TEXT + r"\)", 15):
        head = f"Fl -{flag}" + ("" if arg == "NULL" else " Ar " + arg.strip('"').replace("|", " | "))
        out.append((head, sentence(help)))
    return listed(out)
def metrics():
    return listed([(f"Va {name}" + (f" Pq label Va {label}" if label else ""), help) for name, label, help in
                   rows(r"^X\(\w+, \"(\w+)\", \w+, \"(\w*)\", \w+, " + TEXT + r"\)", "sandbox/policy/metrics.def", 15)])
def events():
    return listed([(f"Va {name}", sentence(help)) for name, help in rows(r"^X\(\w+, \"(\w+)\", \d, " + TEXT + r"\)", "sandbox/policy/events.def", 8)])
def kinds():
    found = x_macro("sandbox/policy/events.h", "EVENT_KINDS", r'X\(\w+, "(\w+)"\)', 6)
    return "".join(f".Va {k}" + (" ,\n" if k != found[-1] else " .\n") for k in found)
def once():
    return listed([(value, sentence(meaning)) for value, meaning in x_macro("tui/once.h", "ONCE_CODES", r"X\(\w+, (\d), " + TEXT + r"\)", 5)])
tables = {"tui/rustbox-tui.1": {"keys": keys, "options": options, "once": once},
          "sandbox/cli/rustbox.1": {"metrics": metrics, "events": events, "kinds": kinds}}
for path, its in tables.items():
    page = source(path)
    for name, make in its.items():
        mark = re.compile(r'(\.\\" table ' + name + r'\b[^\n]*\n)(.*?)(\.\\" end\n)', re.S)
        m = mark.search(page)
        if not m: bad.append(f"{path} has no place for the table {name}")
        elif m.group(2) != make():
            if write: page = page[:m.start(2)] + make() + page[m.end(2):]
            else: bad.append(f"{path}: {name} is not what the table says; WRITE=1 tests/checks/manual_tables.sh writes it")
    if write: open(path, "w").write(page)

# what is written by hand: each of these has an entry of its own
def need(path, what, words, entry):
    page = re.sub(r"\\[&-]|\\", "", source(path))
    for w in sorted(set(words)):
        if not re.search(entry.format(re.escape(w)), page, re.M): bad.append(f"{path} has no entry for the {what} {w}")
R = "sandbox/cli/rustbox.1"
need(R, "command", rows(r'^\t\{ "([\w-]+)", "', "sandbox/cli/commands.c", 12), r"^\.It .*(?:Cm|,) {}\b")
need(R, "limit", rows(r'LIMIT\(\w+, "([\w-]+)"', "sandbox/policy/limits.def", 16), r"^\.It .*Fl -{}\b")
need(R, "option", x_macro("sandbox/cli/options.h", "RUN_OPTIONS", r'X\(\w+, "([\w-]+)"', 18), r"^\.It .*Fl -{}\b")
ops = []
import glob
for path in glob.glob("sandbox/ops/*.c"): ops += re.findall(r'\{ "([\w-]+)", (?:no|required|optional)_argument', source(path))
if len(set(ops)) < 18: bad.append("sandbox/ops: the pattern of the options is wrong")
need(R, "option", set(ops) - {"version"}, r"Fl -{}(?![\w-])")
need(R, "exit status", [v for v in re.findall(r"EXIT_\w+ = (\d)", source("sandbox/cli/commands.h"))], r"^\.It {}$")
need(R, "status", x_macro("sandbox/policy/verdict.h", "STATUSES", r'X\(\w+, "(\w+)"', 9), r"^\.It {}$")
P = "probes/rustbox-probe.1"
need(P, "command", rows(r'^\t\{ "([\w-]+)", "[^"]*", "[^"]*", run_', "probes/main.c", 6), r"^\.It Cm {}\b")
need(P, "option", rows(r'\{ "([\w-]+)", (?:no|required|optional)_argument', "probes/main.c", 4), r"Fl -{}(?![\w-])")
need(P, "exit status", ["0", "1", "2", "3"], r"^\.It {}$")
print("\n".join(bad), end="\n" if bad else "")
sys.exit(bool(bad))
PY
if command -v mandoc >/dev/null; then
  for page in probes/*.[1-8] sandbox/*/*.[1-8] tui/*.[1-8]; do mandoc -Tlint -Wwarning "$page" || bad=1; done
else
  echo "skipped: mandoc is not installed: pages not linted"
fi
exit $bad
