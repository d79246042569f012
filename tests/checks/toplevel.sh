#!/usr/bin/env bash
# The top level holds what the README names, and nothing else but dot-files and LICENSE.
set -u
command -v git >/dev/null && git rev-parse --git-dir >/dev/null 2>&1 || { echo "skipped: not a git checkout"; exit 77; }
extra=$(git ls-files | cut -d/ -f1 | sort -u |
  grep -vxE 'Makefile|tui|sandbox|probes|tests|runbooks|screenshots|README\.md|LICENSE|\..*')
[ -z "$extra" ] || { echo "not at the top level:" "$extra"; exit 1; }
