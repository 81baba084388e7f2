#!/usr/bin/env bash
# Puts bin/parley, units, completions and sample configurations in their places. A configuration that is there already is left as it is.
# Usage: [BINARY=bin/parley] [DESTDIR=/somewhere] [PREFIX=/usr/local] scripts/install.sh
set -euo pipefail
cd "$(dirname "$0")/.."
binary=${BINARY:-bin/parley}
prefix=${PREFIX:-/usr/local}
root=${DESTDIR:-}

install -D -m 755 "$binary" "$root$prefix/bin/parley"
for unit in parley parley-srs; do
  install -d "$root$prefix/lib/systemd/system"
  sed "s#/usr/bin/parley #$prefix/bin/parley #" "deploy/systemd/$unit.service" >"$root$prefix/lib/systemd/system/$unit.service"
done
"$binary" completion bash | install -D -m 644 /dev/stdin "$root$prefix/share/bash-completion/completions/parley"
"$binary" completion zsh | install -D -m 644 /dev/stdin "$root$prefix/share/zsh/vendor-completions/_parley"
"$binary" completion fish | install -D -m 644 /dev/stdin "$root$prefix/share/fish/vendor_completions.d/parley.fish"
for file in prometheus/parley.rules.yml grafana/parley.json; do
  install -D -m 644 "deploy/$file" "$root$prefix/share/parley/$(basename "$file")"
done
for file in parley.yml srs.yml; do
  [ -e "$root/etc/parley/$file" ] || install -D -m 640 "deploy/$file" "$root/etc/parley/$file"
done
