#!/usr/bin/env bash
# `rustbox explain` prints each table whole, and every word of the command line that is garbage is one line
# on stderr with the exit status the contract gives it.
set -u
OUT=${OUT:-.build}
rustbox=$OUT/rustbox
bad=0
lines() { # lines TOPIC LEAST
  local n
  n=$("$rustbox" explain "$1" | wc -l)
  [ "$n" -ge "$2" ] || { echo "explain $1 prints $n lines, expected at least $2"; bad=1; }
}
lines stages 20; lines limits 17; lines syscalls 380; lines verdicts 34; lines languages 40; lines metrics 20; lines events 10
says() { # says STATUS ARGS...
  local want=$1 got=0 text
  shift
  text=$("$rustbox" "$@" 2>&1 >/dev/null </dev/null) || got=$?
  [ $got = "$want" ] || { echo "rustbox $*: exit $got, expected $want"; bad=1; }
  [ "$(printf '%s\n' "$text" | wc -l)" = 1 ] && [ -n "$text" ] || { echo "rustbox $*: not one line: $text"; bad=1; }
  ! printf '%s' "$text" | LC_ALL=C grep -q '[^ -~]' || { echo "rustbox $*: control characters in the message"; bad=1; }
}
says 2
says 2 nonsense
says 2 $'\e[31mred\e[0m'
says 2 --root
says 2 --root relative check
says 2 run
says 2 run --mem x -- true
says 2 run --nonsense $'\e]0;title\a' -- true
says 2 run --dir $'/a\n=/b:x' -- true
says 2 run --box-id ../.. -- true
says 2 run --json /nonexistent/dir/file -- true
says 2 run --spec /dev/null -- true
says 2 explain
says 2 explain $'\x1b[2J'
says 2 explain verdict
says 2 explain verdict /dev/null
says 2 explain verdict /etc/passwd
says 2 check --nonsense
says 2 completion tcsh
# The completion offers what the tables have: `offers N WORDS...` says how many of N words are there at least.
offers() {
  local least=$1
  shift
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
  _rustbox
  [ ${#COMPREPLY[@]} -ge "$least" ] || { echo "completing '$*' offers only: ${COMPREPLY[*]}"; bad=1; }
}
source <("$rustbox" completion bash)
offers 16 "$rustbox" ""; offers 36 "$rustbox" run --; offers 36 "$rustbox" execute-code --; offers 8 "$rustbox" explain ""
offers 8 "$rustbox" execute-code --language ""; offers 3 "$rustbox" run --profile ""; offers 2 "$rustbox" put --
offers 1 "$rustbox" completion ""; offers 1 "$rustbox" run --cpus; offers 2 "$rustbox" check --
bash -n <("$rustbox" completion bash) || { echo "the completion script does not parse"; bad=1; }
"$rustbox" explain limits >/dev/full 2>/dev/null && { echo "a full disk goes unnoticed"; bad=1; }
exit $bad
