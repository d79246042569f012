#!/usr/bin/env bash
# `rustbox` is on the measured path of every run: it may load libc (and libm) and nothing else.
set -u
OUT=${OUT:-.build}
bad=0
for p in "$OUT/rustbox"; do
  needed=$(readelf -d "$p" 2>/dev/null | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p')
  [ -n "$needed" ] || { echo "$p: not built, or not a dynamic program"; exit 1; }
  for lib in $needed; do
    case $lib in libc.so.6 | libm.so.6 | ld-linux-x86-64.so.2 | libasan* | libubsan*) ;; *) echo "$p loads $lib"; bad=1 ;; esac
  done
done
exit $bad
