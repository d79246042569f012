#!/usr/bin/env bash
# Eyes look, policy thinks, only sys.o and sys_mount.o change the host: proven on the symbols each object imports.
set -u
OUT=${OUT:-.build}
mutating='mount|umount|umount2|unshare|setns|pivot_root|chroot|kill|tgkill|unlink|unlinkat|rmdir|mkdir|mkdirat|rename|renameat|renameat2|chown|fchown|fchownat|lchown|chmod|fchmod|fchmodat|mknod|mknodat|symlink|symlinkat|link|linkat|truncate|ftruncate|setuid|setgid|setresuid|setresgid|setgroups|sethostname|capset|prctl|setrlimit|prlimit|prlimit64|sched_setaffinity|reboot|swapoff|remove|creat|mkfifo|mkdtemp|mkstemp|mkostemp|utimensat|setxattr|fsetxattr|fopen_w'
thinking='open|open64|openat|openat64|read|write|close|fork|vfork|execve|execv|execvp|posix_spawn|ioctl|socket|connect|poll|waitpid|waitid|syscall|fopen|fopen64|getenv|time|clock_gettime|stat|fstat|lstat|opendir|readdir'
# syscall(2) is how a number could be smuggled past the list: only these may use it, each reviewed.
# A process's own limit of open files is its own business: the eyes watch more processes so.
own='probes/watch_ends.o:setrlimit'
raw='sandbox/kernel/sys.o sandbox/kernel/sys_mount.o probes/mountinfo.o probes/watch.o probes/host.o'
find "$OUT"/probes "$OUT"/sandbox -name '*.o' -exec nm -uA {} + |
  awk -v out="$OUT/" -v mutating="^($mutating)\$" -v thinking="^($thinking)\$" -v raw=" $raw " -v own=" $own " '
    function bad(why) { print o ": " why ": " name; wrong = 1 }
    { o = $1; sub(/:$/, "", o); o = substr(o, length(out) + 1)
      name = $NF; sub(/@.*/, "", name); sub(/^__/, "", name); sub(/_chk$/, "", name)
      if (!(o in seen)) { seen[o]; n++ }
      if (o ~ /^sandbox\/policy\// && (name ~ mutating || name ~ thinking)) bad("policy may not call")
      else if (o ~ /^probes\// && name ~ mutating && !index(own, " " o ":" name " ")) bad("the eyes may not call")
      else if (o ~ /^sandbox\// && o !~ /^sandbox\/kernel\/sys(_mount)?\.o$/ && name ~ mutating) bad("only sandbox/kernel/sys.c and sys_mount.c may call")
      if (name == "syscall" && !index(raw, " " o " ")) bad("is not on the list of those that may call") }
    END { if (n <= 5) { print "no objects under " out ": build first"; exit 1 }; exit wrong }'
