#!/usr/bin/env bash
# aarch64-sysroot.sh DIR: what programs for AArch64 are compiled against and run
# with, from Debian's packages: fetched and unpacked into DIR, installed nowhere.
# Needs no root. The machine's own apt sources are asked, through lists and a
# cache of its own, so nothing that belongs to the machine changes.
set -u
Dir=$1
# Of each the runtime, or its tests, include or link something.
Packages=(libc6-dev libstdc++-12-dev libpmem2-dev libsodium-dev zlib1g-dev libxxhash-dev
  libcli11-dev libgtest-dev nlohmann-json3-dev)

stop() {
  printf '%s\n' "$*" >&2
  exit 1
}

[ -e "$Dir/complete" ] && exit 0
rm -rf "$Dir" && mkdir -p "$Dir" || stop "cannot make $Dir"
Dir=$(cd "$Dir" && pwd)
# apt drops root's rights for what it downloads, and complains where it cannot.
Apt=(apt-get -q -y --no-install-recommends
  -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root
  -o Dir::State="$Dir/apt/state" -o Dir::State::status="$Dir/apt/status"
  -o Dir::Cache="$Dir/apt/cache" -o Debug::NoLocking=1)
mkdir -p "$Dir"/apt/state/lists/partial "$Dir"/apt/cache/archives/partial
: >"$Dir/apt/status"

"${Apt[@]}" update >"$Dir/apt/log" 2>&1 || {
  cat "$Dir/apt/log" >&2
  stop "the lists of Debian's arm64 packages cannot be had from this machine's apt sources"
}
"${Apt[@]}" --download-only install "${Packages[@]}" >"$Dir/apt/log" 2>&1 || {
  cat "$Dir/apt/log" >&2
  stop "these arm64 packages cannot be had from this machine's apt sources: ${Packages[*]}"
}
for Deb in "$Dir"/apt/cache/archives/*.deb; do
  dpkg-deb -x "$Deb" "$Dir" || stop "$Deb cannot be unpacked"
done
# Links that begin at the root would lead into this machine's files.
find "$Dir" -lname '/*' -print0 | while IFS= read -r -d '' Link; do
  ln -srfn "$Dir$(readlink "$Link")" "$Link"
done
rm -rf "$Dir/apt"
: >"$Dir/complete"
