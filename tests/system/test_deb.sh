#!/usr/bin/env bash
# The Debian package, built, installed, used, purged, and nothing left: in a layer over this host's own root, so that it takes
# seconds and needs no network; and in a fresh Debian by debootstrap, which proves the Depends, where that is to be had.
# Every mount is in a mount namespace of the test's own; the layer is memory and ends with it.
set -u
cd "$(dirname "$0")/../.." || exit 2
OUT=${OUT:-.build}
[ "$(id -u)" = 0 ] || { echo "skipped: needs root: a package is installed"; exit 77; }
. tests/harness/alone.sh
command -v dpkg-shlibdeps >/dev/null || { echo "skipped: dpkg-dev is not installed (make deb installs it)"; exit 77; }
top=$(mktemp -d /tmp/rbt-deb-XXXXXX)
trap 'rm -rf --one-file-system "$top"' EXIT
bad=0
fail() { echo "FAILED: $*"; bad=1; }

make --no-print-directory -s OUT="$OUT" deb >"$top/made" 2>&1 || { cat "$top/made"; exit 1; }
deb=$(tail -n 1 "$top/made")
[ -s "$deb" ] || { fail "make deb names no package: $deb"; exit 1; }
cp "$deb" "$top/rustbox.deb"

# what the package says of itself
dpkg-deb -f "$deb" Depends | grep -q 'libc6 (>= ' || fail "Depends does not name libc6 and its version"
for library in libncursesw6 libjansson4 libmount1 libproc2-0 libmicrohttpd12 libmd4c0; do
  dpkg-deb -f "$deb" Depends | grep -q "$library" || fail "Depends does not name $library"
done
dpkg-deb -c "$deb" >"$top/list"
for page in man1/rustbox.1 man1/rustbox-probe.1 man1/rustbox-tui.1 man5/rustbox.json.5 man7/rustbox-runbook.7; do
  grep -q " ./usr/share/man/$page.gz$" "$top/list" || fail "no manual page $page"
done
awk '$2 != "root/root" || $1 ~ /^-.....w|^-........w|^-..s/ {print "owner or mode:", $0; bad=1} END {exit bad}' "$top/list" || bad=1
if command -v lintian >/dev/null; then
  # a first version with no bug of Debian's to close, and a name in README.md that is no address
  lintian --fail-on error --suppress-tags initial-upload-closes-no-bugs,bogus-mail-host-in-debian-changelog,mail-contact "$deb" ||
    fail "lintian"
fi

# what happens to it, in a root where it is installed; says nothing but what failed
cat >"$top/use" <<'IN'
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
export RUSTBOX_ROOT=$top/world # cgroups and uids are this machine's, in every root
mkdir -p "$RUSTBOX_ROOT/tmp"
bad=0
fail() { echo "FAILED: $*"; bad=1; }
state() { # every file that is not dpkg's own book-keeping, a log, or a cache that others write
  find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /var/lib/dpkg -o -path /var/log -o -path /var/cache \
    -o -path /root -o -path /work -o -path "$tree" -o -path "$built" \) -prune -o -print | LC_ALL=C sort
}
: >/var/lib/dpkg/statoverride # of other packages' files, with groups that this root may not know
state >/tmp/before
dpkg -i /tmp/rustbox.deb >/tmp/said 2>&1 || { cat /tmp/said; fail "dpkg -i"; exit 1; }
dpkg -V rustbox >/tmp/said 2>&1 && [ ! -s /tmp/said ] || { cat /tmp/said; fail "dpkg -V: files are not the package's"; }
for program in rustbox rustbox-probe rustbox-tui; do
  [ "$(command -v $program)" = /usr/bin/$program ] || fail "$program is not the package's"
done
said=$(rustbox check --json 2>&1) || case $said in {*) ;; *) fail "rustbox check: $said" ;; esac
said=$(rustbox run --json - -- /bin/echo hi 2>&1)
case $said in
*'"status":"OK"'*'"stdout":"hi\n"'*) ;;
*) if [ "${STRICT:-1}" = 1 ]; then fail "rustbox run: $said"; else echo "rustbox run was not possible in this root: $said"; fi ;;
esac
rustbox-probe host --json >/tmp/said 2>&1 || { cat /tmp/said; fail "rustbox-probe host"; }
rustbox health --json >/tmp/said 2>&1 || { cat /tmp/said; fail "rustbox health does not find rustbox-ops"; }
rustbox-tui --once >/tmp/said 2>&1
case $? in 0 | 1) ;; *) cat /tmp/said; fail "rustbox-tui --once" ;; esac
printf 'key p\nscreen\n' | rustbox-tui --script - >/tmp/said 2>&1 || fail "rustbox-tui --script"
grep -q 'P2 Manual mount cleanup' /tmp/said || { cat /tmp/said; fail "the console does not find its runbooks"; }
if command -v man >/dev/null; then
  for page in rustbox rustbox-probe rustbox-tui rustbox.json rustbox-runbook; do
    MANROFFSEQ='' MANWIDTH=80 man --warnings -l /usr/share/man/man?/$page.?.gz >/tmp/said 2>/tmp/warned || fail "man $page"
    sed -i "/mdoc.local/d" /tmp/warned # a file of the host, not of the page
    [ -s /tmp/said ] && [ ! -s /tmp/warned ] || { cat /tmp/warned; fail "man $page warns"; }
  done
fi
box=deb-$$
if rustbox init --box-id $box >/tmp/said 2>&1; then
  mkfifo /tmp/hold
  rustbox run --wall-time 5m --box-id $box -- /bin/sh -c 'echo again; read wait' >/tmp/again 2>&1 </tmp/hold &
  exec 5>/tmp/hold # it waits as long as this is open
  until grep -q again /tmp/again || ! kill -0 $!; do sleep 0.1; done
  above=$(find /sys/fs/cgroup -maxdepth 3 -type d -name "rustbox-$box" -printf '%h\n')
  exec 5>&-
  wait $!
  [ -n "$above" ] || fail "a running box without a cgroup"
  [ "$(cat /tmp/again)" = again ] || fail "rustbox run --box-id: $(cat /tmp/again)"
  rustbox cleanup --box-id $box >/tmp/said 2>&1 || { cat /tmp/said; fail "rustbox cleanup"; }
  for group in $above; do rmdir "$group" || fail "a cgroup is left"; done # this world's own, empty now
elif [ "${STRICT:-1}" = 1 ]; then
  cat /tmp/said; fail "rustbox init"
fi
rustbox health --verify-clean --json >/tmp/said 2>&1 || { cat /tmp/said; fail "something is left of the run"; }
bash -n /usr/share/bash-completion/completions/rustbox || fail "completion"
echo '{ "profiles": { "judge": { "time": 3.0 } } }' >/etc/rustbox/config.json
dpkg -r rustbox >/tmp/said 2>&1 || { cat /tmp/said; fail "dpkg -r"; }
[ -e /etc/rustbox/config.json ] || fail "remove took the configuration"
dpkg -P rustbox >/tmp/said 2>&1 || { cat /tmp/said; fail "dpkg -P"; }
state >/tmp/after
diff /tmp/before /tmp/after || fail "purge left or took something"
exit $bad
IN

# in ROOT [STRICT]: the package used in that root, with this host's /proc, /sys and /dev
in_root() {
  local root=$1
  mkdir -p "$root/tmp"
  mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
  cp "$top/rustbox.deb" "$top/use" "$root/tmp/"
  mount -t tmpfs -o mode=755 tmpfs "$root/run"
  rm -rf "$root/var/lib/rustbox" # of the layer: this host's own stays
  for fs in proc sys dev; do mount --rbind "/$fs" "$root/$fs"; done
  STRICT=${2:-1} chroot "$root" /bin/bash /tmp/use
}
export -f in_root
export top
export tree=$PWD built # what is built there meanwhile is not the package's doing
built=$(realpath "$OUT")

if unshare -m true 2>/dev/null; then
  unshare -m --propagation private bash -c '
    mkdir "$top/layer" && mount -t tmpfs tmpfs "$top/layer" && mkdir "$top/layer/upper" "$top/layer/work" "$top/layer/root" &&
    mount -t overlay -o lowerdir=/,upperdir="$top/layer/upper",workdir="$top/layer/work" overlay "$top/layer/root" || exit 77
    in_root "$top/layer/root"'
  case $? in 0) ;; 77) echo "skipped: no overlay file system here: the layer over this host" ;; *) fail "in a layer over this host" ;; esac
else
  echo "skipped: no mount namespace of one's own"
fi

cache=${XDG_CACHE_HOME:-$HOME/.cache}/rustbox/bookworm-$(dpkg --print-architecture).tar
if [ ! -s "$cache" ] && ! command -v debootstrap >/dev/null; then
  echo "skipped: debootstrap is not installed: a fresh Debian"
elif [ ! -s "$cache" ] && ! timeout 240 debootstrap --variant=minbase \
  --include=libjansson4,libmd4c0,libmicrohttpd12,libmount1,libncursesw6,libproc2-0,man-db,groff-base bookworm "$top/fresh" >"$top/log" 2>&1; then
  tail -n 3 "$top/log"
  echo "skipped: no Debian could be had: a fresh Debian"
else
  if [ ! -s "$cache" ]; then
    mkdir -p "${cache%/*}"
    tar -C "$top/fresh" --exclude='./var/cache/apt/archives/*.deb' -cf "$cache.new" . && mv "$cache.new" "$cache"
    rm -rf --one-file-system "$top/fresh"
  fi
  export cache
  unshare -m --propagation private bash -c '
    mkdir "$top/fresh" && mount -t tmpfs tmpfs "$top/fresh" && tar -C "$top/fresh" -xf "$cache" && in_root "$top/fresh"' ||
    fail "in a fresh Debian"
fi
exit $bad
