#!/usr/bin/env bash
# Installs the Debian packages that building or testing Parley needs, when they are missing, and says so.
# Usage: scripts/deps.sh build|test|bench
set -euo pipefail

build=(libopus-dev pkg-config gcc)
test=(kamailio sipvicious sip-tester baresip-core linphone-cli libxml2-utils openssl python3-minimal tshark sox opus-tools espeak-ng procps fish zsh chromium systemd prometheus)
bench=(liburing-dev libopusfile-dev sip-tester) # of the load generator and the reflector; SIPp

case "${1:-build}" in
  build) wanted=("${build[@]}") ;;
  test) wanted=("${build[@]}" "${test[@]}") ;;
  bench) wanted=("${build[@]}" "${bench[@]}") ;;
  *) echo "usage: $0 build|test|bench" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
  echo "deps: not a Debian system; please see to it that these are installed: ${wanted[*]}" >&2
  exit 0
fi

missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

sudo=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "deps: missing ${missing[*]}, and neither root nor sudo to install them" >&2; exit 1; }
  sudo=(sudo)
fi
echo "deps: installing ${missing[*]} with apt-get"
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
