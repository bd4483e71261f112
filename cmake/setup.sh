# Read by ./demo and ./check: from a bare Debian 12 to a finished build.
# The caller has set PERDURE_SOURCE to the folder of the sources.
#
#   perdure_install     installs what packages.txt names and this machine lacks
#   perdure_build NAME  configures and builds the CMake preset NAME

perdure_say() { printf '%s\n' "$*"; }
perdure_stop() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Prints the packages of packages.txt that are not installed.
perdure_missing() {
  local Package
  while read -r Package; do
    case $Package in '' | '#'*) continue ;; esac
    case $(dpkg-query -W -f='${db:Status-Abbrev}' "$Package" 2>/dev/null) in
    ?i*) ;;
    *) printf '%s\n' "$Package" ;;
    esac
  done <"$PERDURE_SOURCE/packages.txt"
}

perdure_install() {
  local Missing Unknown Package Log
  command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
    perdure_stop "needs Debian 12: there is no dpkg-query or no apt-get here"
  mapfile -t Missing < <(perdure_missing)
  [ ${#Missing[@]} -gt 0 ] || return 0

  [ "$(id -u)" -eq 0 ] || perdure_stop "these packages are missing, and only root can install them: ${Missing[*]}
Run this as root, or first run: sudo apt-get install ${Missing[*]}"

  export DEBIAN_FRONTEND=noninteractive
  Log=$(mktemp)
  perdure_say "Installing ${#Missing[@]} packages: ${Missing[*]}"
  # A stale list is better than none: what cannot be had shows below.
  apt-get update >"$Log" 2>&1 || perdure_say "apt-get update failed; trying with the lists that are here"
  Unknown=()
  for Package in "${Missing[@]}"; do
    apt-cache show --no-all-versions "$Package" >/dev/null 2>&1 || Unknown+=("$Package")
  done
  if [ ${#Unknown[@]} -gt 0 ]; then
    tail -n 5 "$Log" >&2
    perdure_stop "these packages cannot be had from this machine's apt sources: ${Unknown[*]}"
  fi
  if ! apt-get install -y --no-install-recommends "${Missing[@]}" >"$Log" 2>&1; then
    tail -n 15 "$Log" >&2
    mapfile -t Missing < <(perdure_missing)
    perdure_stop "apt-get could not install: ${Missing[*]} (whole log: $Log)"
  fi
  rm -f "$Log"
}

# Quiet when all goes well, the whole output when it does not.
perdure_build() {
  local Preset=$1 Log
  Log=$(mktemp)
  cd "$PERDURE_SOURCE" || exit 1
  perdure_say "Configuring (preset $Preset)"
  if ! cmake --preset "$Preset" >"$Log" 2>&1; then
    cat "$Log" >&2
    perdure_stop "cmake --preset $Preset failed"
  fi
  rm -f "$Log"
  perdure_say "Building into build/"
  NINJA_STATUS='[%f/%t %es] ' cmake --build --preset "$Preset" || perdure_stop "the build failed"
}
