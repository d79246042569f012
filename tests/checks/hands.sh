#!/usr/bin/env bash
# Eyes look, policy thinks, only sys.o changes the host: proven on the symbols each object imports.
set -u
OUT=${OUT:-.build}
mutating='mount|umount|umount2|unshare|setns|pivot_root|chroot|kill|tgkill|unlink|unlinkat|rmdir|mkdir|mkdirat|rename|renameat|renameat2|chown|fchown|fchownat|lchown|chmod|fchmod|fchmodat|mknod|mknodat|symlink|symlinkat|link|linkat|truncate|ftruncate|setuid|setgid|setresuid|setresgid|setgroups|sethostname|capset|prctl|setrlimit|prlimit|prlimit64|reboot|swapoff|remove|creat|mkfifo|mkdtemp|mkstemp|mkostemp|utimensat|setxattr|fsetxattr|fopen_w'
thinking='open|open64|openat|openat64|read|write|close|fork|vfork|execve|execv|execvp|posix_spawn|ioctl|socket|connect|poll|waitpid|waitid|syscall|fopen|fopen64|getenv|time|clock_gettime|stat|fstat|lstat|opendir|readdir'
bad=0
imports() { nm -u "$1" 2>/dev/null | awk '{print $2}' | sed 's/@.*//; s/^__//; s/_chk$//'; }
report() { # report OBJECT PATTERN WHY
  local hits
  hits=$(imports "$1" | grep -xE "$2" | tr '\n' ' ')
  [ -z "$hits" ] || { echo "$1: $3: $hits"; bad=1; }
}
seen=0
while read -r o; do
  case $o in
  "$OUT"/sandbox/policy/*) report "$o" "$mutating|$thinking" "policy may not call" ;;
  "$OUT"/probes/*) report "$o" "$mutating|syscall_mutating" "the eyes may not call" ;;
  "$OUT"/sandbox/kernel/sys.o) ;;
  "$OUT"/sandbox/*) report "$o" "$mutating" "only sandbox/kernel/sys.c may call" ;;
  esac
  seen=$((seen + 1))
done < <(find "$OUT"/probes "$OUT"/sandbox -name '*.o')
[ $seen -gt 5 ] || { echo "no objects under $OUT: build first"; exit 1; }
# syscall(2) is how a number could be smuggled past the list: only these may use it, each reviewed.
allowed='sandbox/kernel/sys.o probes/mountinfo.o probes/watch.o probes/host.o'
for o in $(find "$OUT"/probes "$OUT"/sandbox -name '*.o'); do
  imports "$o" | grep -qx syscall || continue
  case " $allowed " in *" ${o#"$OUT"/} "*) ;; *) echo "$o: calls syscall(2) but is not on the list in $0"; bad=1 ;; esac
done
exit $bad
