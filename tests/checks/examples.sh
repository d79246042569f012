#!/usr/bin/env bash
# The worked examples of the READMEs: in a copy of the sources, each patch applies, the program builds with it, and the
# lines after it do what they say. Every file, command and make target that a README names exists.
set -u
cd "$(dirname "$0")/../.." || exit 2
OUT=$(realpath "${OUT:-.build}")
copy=$(mktemp -d /tmp/rbt-examples-XXXXXX)
trap 'rm -rf --one-file-system "$copy"' EXIT
bad=0
fail() { echo "FAILED: $*"; bad=1; }

python3 - README.md probes/README.md sandbox/README.md tui/README.md screenshots/README.md <<'PY' || bad=1
import os, re, sys
bad, make = [], "".join(open(p).read() for p in ("Makefile", "tests/targets.mk", "tests/screenshots/targets.mk", "sandbox/install.mk", "sandbox/deb/targets.mk"))
every = {f for d, _, names in os.walk(".") if not d.startswith(("./.git", "./.build")) for f in names}
for page in sys.argv[1:]:
    text, here = open(page).read(), os.path.dirname(page)
    prose = re.sub(r"```.*?```", "", text, flags=re.S)
    for link in re.findall(r"\]\(([^)#:]+)\)", prose):
        if not os.path.exists(os.path.join(here, link)): bad.append(f"{page}: no {link}")
    for target in re.findall(r"`(?:sudo )?make ([a-z-]+)", prose):
        if not re.search(r"^" + target + r"\b[^\n=]*:", make, re.M): bad.append(f"{page}: no make {target}")
    for name in re.findall(r"`([\w./*-]+\.(?:c|h|def|sh|mk|md|feed|scene|script))`", prose):
        if "*" in name: continue
        if "/" in name and not any(os.path.exists(os.path.join(d, name)) for d in (".", here, "tests/checks")) or os.path.basename(name) not in every:
            bad.append(f"{page}: no file {name}")
print("\n".join(bad), end="\n" if bad else "")
sys.exit(bool(bad))
PY

# the objects are this build's: only what a patch touches is compiled
tar -cf - Makefile README.md probes sandbox tui tests runbooks screenshots | tar -C "$copy" -xf -
mkdir "$copy/out"
tar -C "$OUT" -cf - $(cd "$OUT" && find probes sandbox tui tests/harness -name '*.[od]') prefix | tar -C "$copy/out" -xf -
find "$copy/out" -name '*.d' -exec sed -i "s#^[^ ]*/\(probes\|sandbox\|tui\|tests\)/\([^ ]*\.o:\)#$copy/out/\1/\2#" {} +
for page in probes/README.md sandbox/README.md tui/README.md; do
  python3 - "$page" "$copy" <<'PY'
import re, sys
page, copy = sys.argv[1:]
open(f"{copy}/patch", "w").write("".join(re.findall(r"```diff\n(.*?)```", open(page).read(), re.S)))
open(f"{copy}/try", "w").write("".join(re.findall(r"```sh\n(.*?)```", open(page).read(), re.S)))
PY
  [ -s "$copy/patch" ] && [ -s "$copy/try" ] || fail "$page has no example"
  patch -s -p0 -F3 -d "$copy" <"$copy/patch" || { fail "$page: the patch does not apply"; continue; }
done
cd "$copy" || exit 2
unit=$(cat "$OLDPWD"/{probes,sandbox,tui}/README.md | grep -oE '^test_[a-z]+' | sed "s|^|$copy/out/tests/unit/|")
make --no-print-directory -s OUT="$copy/out" all $unit >"$copy/log" 2>&1 || { tail -n 30 "$copy/log"; fail "with the examples it does not build"; exit 1; }
export PATH=$copy/out:$copy/out/tests/unit:$PATH LC_ALL=C.UTF-8 OUT=$copy/out RUSTBOX_ROOT=$copy/world
mkdir -p "$RUSTBOX_ROOT"
for page in probes sandbox tui; do
  while read -r line; do
    bash -o pipefail -c "$line" >"$copy/said" 2>&1 || { tail -n 5 "$copy/said"; fail "$page/README.md: $line"; }
  done < <(python3 -c 'import re, sys; print("".join(re.findall(r"```sh\n(.*?)```", open(sys.argv[1]).read(), re.S)), end="")' $page/README.md)
done
exit $bad
