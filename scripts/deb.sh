#!/usr/bin/env bash
# Makes a Debian package of bin/parley, for the Debian that it was built on, in a folder (bin/).
# Usage: [BINARY=bin/parley] scripts/deb.sh VERSION [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${2:-bin}
version=${1#v}
case $version in [0-9]*) ;; *) version=0~$version ;; esac # Debian's begin with a digit
version=${version//-/+}
arch=$(dpkg --print-architecture)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

DESTDIR=$root PREFIX=/usr scripts/install.sh
install -D -m 644 LICENSE "$root/usr/share/doc/parley/copyright"
gzip -9n <CHANGELOG.md | install -D -m 644 /dev/stdin "$root/usr/share/doc/parley/changelog.gz"
mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: parley
Version: $version
Architecture: $arch
Maintainer: Parley <parley@localhost>
Section: comm
Priority: optional
Depends: libc6, libopus0, adduser
Recommends: ca-certificates
Installed-Size: $(du -sk "$root" | cut -f1)
Homepage: https://github.com/parley-sip/parley
Description: SIP conference bridge for calls that must be recorded
 Conference focus, audio mixer, conference event notifier and SIPREC
 session recording client in one program, with a reference recorder.
CONTROL
printf '/etc/parley/%s\n' parley.yml srs.yml >"$root/DEBIAN/conffiles"
# Nothing is started: the sample configuration wants to be read first.
cat >"$root/DEBIAN/postinst" <<'POSTINST'
#!/bin/sh
set -e
if [ "$1" = configure ]; then
  getent passwd parley >/dev/null || adduser --system --group --quiet --home /var/lib/parley --no-create-home parley
  for file in /etc/parley/parley.yml /etc/parley/srs.yml; do # an operator may have removed one
    [ ! -e "$file" ] || chgrp parley "$file"
  done
  [ ! -d /run/systemd/system ] || systemctl daemon-reload
fi
POSTINST
cat >"$root/DEBIAN/prerm" <<'PRERM'
#!/bin/sh
set -e
[ "$1" != remove ] || [ ! -d /run/systemd/system ] || systemctl stop parley.service parley-srs.service
PRERM
cat >"$root/DEBIAN/postrm" <<'POSTRM'
#!/bin/sh
set -e
[ ! -d /run/systemd/system ] || systemctl daemon-reload
POSTRM
chmod 755 "$root"/DEBIAN/p*
dpkg-deb --root-owner-group --build "$root" "$folder/parley_${version}_$arch.deb" >/dev/null
echo "$folder/parley_${version}_$arch.deb"
