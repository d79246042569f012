#!/usr/bin/env bash
# `rustbox` is on the measured path of every run: it loads nothing, and is position-independent all the same. Under a
# sanitiser it may load libc and libm.
set -u
OUT=${OUT:-.build}
bad=0
for p in "$OUT/rustbox"; do
  readelf -h "$p" 2>/dev/null | grep -q 'Type:.*DYN' || { echo "$p: not built, or not position-independent"; exit 1; }
  needed=$(readelf -d "$p" 2>/dev/null | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p')
  case $needed in *libasan* | *libubsan*) sanitised=1 ;; *) sanitised= ;; esac
  for lib in $needed; do
    case $sanitised$lib in 1libc.so.6 | 1libm.so.6 | 1ld-linux-x86-64.so.2 | 1libasan* | 1libubsan*) ;; *) echo "$p loads $lib"; bad=1 ;; esac
  done
done
exit $bad
