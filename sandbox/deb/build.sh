#!/usr/bin/env bash
# usage: build.sh BUILD VERSION WORK: a Debian package of the programs in BUILD (compiled for PREFIX=/usr), made in
# WORK by what `make install` installs. Same sources, same bytes: times are the last commit's, owners are root.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath -m "$1") version=$2 work=$(realpath -m "$3") here=$PWD/sandbox/deb
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y Makefile)}
tree=$work/tree doc=$work/tree/usr/share/doc/rustbox arch=$(dpkg --print-architecture)
rm -rf "$work"
mkdir -p "$tree/DEBIAN" "$work/debian"
# units live where systemd of this release reads them
make --no-print-directory -s OUT="$build" PREFIX=/usr UNITDIR=/lib/systemd/system DESTDIR="$tree" BASELINE=no install >/dev/null
programs=("$tree"/usr/bin/rustbox "$tree"/usr/bin/rustbox-probe "$tree"/usr/bin/rustbox-tui "$tree"/usr/libexec/rustbox/rustbox-ops)
strip --strip-unneeded --remove-section=.comment --remove-section=.note "${programs[@]}"
find "$tree/usr/share/man" -type f -exec gzip -9n {} +

install -D -m 644 "$here/config.json" "$tree/etc/rustbox/config.json"
echo /etc/rustbox/config.json >"$tree/DEBIAN/conffiles"
install -D -m 644 README.md "$doc/README.md"
{
  echo "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
  echo "Upstream-Name: rustbox"
  echo
  echo "Files: *"
  echo "Copyright: 2026 the rustbox authors"
  echo "License: Expat"
  sed -n '/^Permission/,$p' LICENSE | sed 's/^$/./; s/^/ /'
} >"$doc/copyright"
{
  echo "rustbox ($version) unstable; urgency=medium"
  echo
  echo "  * Built from the sources; their history is in git."
  echo
  echo " -- the rustbox authors <rustboxdev@rustbox.invalid>  $(LC_ALL=C date -Ru -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$doc/changelog.gz"
chmod 644 "$doc"/*

# which packages the programs' libraries come from, and how new they must be
printf 'Source: rustbox\n\nPackage: rustbox\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O "${programs[@]/#/-e}" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || { echo "dpkg-shlibdeps names no library" >&2; exit 1; }
size=$(du -k -s --apparent-size "$tree" | cut -f 1)
sed -e "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SIZE@/$size/; s/@DEPENDS@/$depends/" "$here/control.in" >"$tree/DEBIAN/control"
for script in postinst prerm postrm; do install -m 755 "$here/$script" "$tree/DEBIAN/$script"; done
(cd "$tree" && find usr lib -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)
find "$tree" -type d -exec chmod 755 {} +
find "$tree" -print0 | xargs -0 touch -h -d "@$SOURCE_DATE_EPOCH"
dpkg-deb --root-owner-group --uniform-compression -b "$tree" "$work/rustbox_${version}_$arch.deb" >/dev/null
echo "$work/rustbox_${version}_$arch.deb"
