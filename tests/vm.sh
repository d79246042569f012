#!/usr/bin/env bash
# Boots a throw-away guest on this host's own files (read-only, under a scratch layer) with pure cgroup v2 or v1, and
# runs the launch and attack tests there: the verdicts must be the same.
# usage: OUT=DIR tests/vm.sh v1|v2 [COMMAND...]     (VM_KERNEL: an apt package; VM_SECONDS: the time limit)
# Exit status: the command's; 77 when this machine cannot (says why); 125 when the guest itself failed.
set -euo pipefail
cd "$(dirname "$0")/.."
OUT=$(realpath "${OUT:-.build}")
layout=${1:?v1 or v2}
shift
package=${VM_KERNEL:-linux-image-amd64}
cache=${VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rustbox-vm}
modules="virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci netfs fscache 9pnet 9pnet_virtio 9p overlay"

skip() { echo "skipped: $*"; exit 77; }
command -v qemu-system-x86_64 >/dev/null || skip "qemu-system-x86 is not installed"
busybox=$(command -v busybox) || skip "busybox-static is not installed"
! ldd "$busybox" >/dev/null 2>&1 || skip "busybox is not the static one"

# kernel PACKAGE: what a guest needs of it, kept in the cache
kernel() {
  local real deb work
  [ ! -e "$cache/$package/done" ] || return 0
  work=$(mktemp -d)
  real=$(apt-cache depends "$package" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
  (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "${real:-$package}") ||
    { rm -rf "$work"; skip "the package $package cannot be downloaded"; }
  deb=$(find "$work" -name '*.deb' | head -n 1)
  rm -rf "${cache:?}/$package" && mkdir -p "$cache/$package"
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$cache/$package" --wildcards '*/vmlinuz-*' '*/kernel/fs/*' '*/kernel/net/9p/*' '*/virtio*.ko*'
  rm -rf "$work"
  touch "$cache/$package/done"
}

# The guest's first program: modules, the host's files, cgroups of one kind, the command, power off.
write_init() {
  cat <<'INIT'
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /dev /host /scratch /new
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
export PATH=/bin
/bin/busybox --install -s /bin
die() { echo "guest: $*"; echo "rustbox-vm-status 125"; poweroff -f; }
for m in /modules/*; do insmod "$m" || die "cannot load $m"; done
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=262144,cache=loose host /host || die "no host files"
mount -t tmpfs scratch /scratch && mkdir /scratch/upper /scratch/work
mount -t overlay -o lowerdir=/host,upperdir=/scratch/upper,workdir=/scratch/work root /new || die "no overlay"
mount -t tmpfs -o mode=1777 tmp /new/tmp
mount -t tmpfs -o mode=755 run /new/run
. /config
mkdir -p "/new$out" && mount --bind "/host$out" "/new$out"
mount -t proc proc /new/proc && mount -t sysfs sys /new/sys && mount --move /dev /new/dev
mkdir -p /new/dev/pts /new/dev/shm && mount -t devpts -o ptmxmode=666 pts /new/dev/pts && mount -t tmpfs shm /new/dev/shm
ln -sf /proc/self/fd /new/dev/fd
cg=/new/sys/fs/cgroup
if [ "$layout" = v2 ]; then
  mount -t cgroup2 cgroup2 $cg || die "no cgroup v2"
  for c in memory pids cpu cpuset; do echo +$c >$cg/cgroup.subtree_control || die "cgroup v2 has no $c"; done
else
  mount -t tmpfs cgroups $cg
  for c in memory pids cpu cpuacct cpuset freezer; do
    mkdir $cg/$c && mount -t cgroup -o $c $c $cg/$c || die "cgroup v1 has no $c"
  done
fi
ip link set lo up
cp /command /busybox /new/run/
# Not chroot: in a chroot nobody may make a user namespace.
exec switch_root /new /bin/bash -c '/bin/bash /run/command </dev/null 2>&1; echo "rustbox-vm-status $?"; exec /run/busybox poweroff -f'
INIT
}

kernel
image=$(find "$cache/$package" -name 'vmlinuz-*' | head -n 1)
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
mkdir -p "$top/root/bin" "$top/root/modules"
cp "$busybox" "$top/root/bin/busybox" && cp "$busybox" "$top/root/busybox"
n=10
for m in $modules; do
  file=$(find "$cache/$package" -name "$m.ko*" -print -quit)
  [ -n "$file" ] || continue # built in
  case $file in *.xz) xzcat "$file" ;; *.zst) zstdcat "$file" ;; *) cat "$file" ;; esac >"$top/root/modules/$n-$m"
  n=$((n + 1))
done
write_init >"$top/root/init" && chmod 755 "$top/root/init"
printf 'layout=%q out=%q\n' "$layout" "$OUT" >"$top/root/config"
{
  printf 'export PATH=%q HOME=/root LANG=C.UTF-8 OUT=%q SLOW_HOST=10\ncd %q || exit 125\n' "$PATH" "$OUT" "$PWD"
  if [ $# -gt 0 ]; then
    printf 'exec'
    printf ' %q' "$@"
  else
    printf 'TEST_TIMEOUT=900 exec tests/vm-tests.sh'
  fi
  echo
} >"$top/root/command"
(cd "$top/root" && find . | "$busybox" cpio -o -H newc 2>/dev/null) >"$top/initrd"

accel=tcg,thread=multi cpu=max,la57=off
if [ -w /dev/kvm ] && grep -qwE 'vmx|svm' /proc/cpuinfo; then accel=kvm cpu=host; fi
timeout -k 5 "${VM_SECONDS:-900}" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot -M q35 \
  -accel "$accel" -cpu "$cpu" -m 2048 -smp 2 -kernel "$image" -initrd "$top/initrd" -serial stdio \
  -append "console=ttyS0 quiet loglevel=0 panic=-1 psi=1 mitigations=off nokaslr random.trust_cpu=on" \
  -fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
  -device virtio-9p-pci,fsdev=host,mount_tag=host </dev/null 2>"$top/errors" |
  tr -d '\r' | tee "$top/output" | grep -v '^rustbox-vm-status ' || true
status=$(sed -n 's/^rustbox-vm-status //p' "$top/output" | tail -n 1)
[ -n "$status" ] || { echo "the guest did not finish" >&2; cat "$top/errors" >&2; exit 125; }
exit "$status"
