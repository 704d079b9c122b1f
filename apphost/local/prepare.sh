# Sourced by ./run, ./test and ./bench: what a fresh Debian or Ubuntu machine needs before they can start.

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

fail() {
  echo "$*" >&2
  exit 1
}

# Where the built program of a project is, e.g. `program Local`.
program() {
  echo "${ArtifactsPath:-$root/artifacts}/bin/$1/release/$1.dll"
}

missing_packages() {
  ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null || echo postgresql
  command -v redis-server >/dev/null || echo redis-server
  [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || command -v rabbitmq-server >/dev/null || echo rabbitmq-server
  /usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null || echo python3-aiosmtpd
}

install_missing() {
  local packages sudo=()
  mapfile -t packages < <(missing_packages)
  [ "${#packages[@]}" -gt 0 ] || return 0
  command -v apt-get >/dev/null || fail "Not installed: ${packages[*]}. Install them and start again."
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "Not installed: ${packages[*]}. As root: apt-get install ${packages[*]}"
    sudo=(sudo)
  fi
  echo "Installing with apt: ${packages[*]} (only their programs are used; their system services are not started)"
  "${sudo[@]}" bash -s -- "${packages[@]}" <<'INSTALL'
set -euo pipefail
# Debian asks this file whether a package may start its service: 101 = no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null
INSTALL
}

# Restores and builds everything for release; speaks only when it takes long or something is wrong.
build() {
  local version log
  version=$(cd "$1" && dotnet --version 2>/dev/null) || version=none
  [ "${version%%.*}" = 10 ] || fail ".NET SDK 10.0 is needed (found: $version). Get it from https://dot.net/download"
  log=$(mktemp)
  [ -e "$(program Local)" ] || echo "Building; the first time takes a minute or two."
  # Build servers would stay behind for minutes.
  if ! dotnet build "$1/Platform.sln" -c Release -v quiet --disable-build-servers </dev/null >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    fail "The build failed."
  fi
  rm -f "$log"
}
