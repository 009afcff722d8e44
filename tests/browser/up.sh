#!/usr/bin/env bash
# Debian's Chromium and its driver, for tests of the pages that this project writes.
#
#     tests/browser/up.sh    installs what is missing; nothing happens where both are there
#
# Exit status 75: they are not there and cannot be installed here; the last line says why.
set -euo pipefail

PACKAGES=(chromium chromium-driver)

give_up() { echo "error: browser up: $*" >&2; exit 75; }

apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  local get=(apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120 "${PACKAGES[@]}")
  said=$(mktemp) # not local: the trap needs it when this function has returned
  trap 'rm -f "$said"' EXIT
  "${get[@]}" >"$said" 2>&1 && return
  apt-get update >>"$said" 2>&1 || true # the lists may be missing or old
  "${get[@]}" >>"$said" 2>&1 || give_up "the packages could not be installed: $(grep '^E:' "$said" | tail -n 1)"
}

if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then
  exit
fi
command -v apt-get >/dev/null || give_up "no Chromium is installed: needs Debian's packages, and there is no apt-get"
[ "$(id -u)" = 0 ] || give_up "no Chromium is installed: needs root"
echo "browser up: installing ${PACKAGES[*]}"
apt_install
