#!/usr/bin/env bash
# Installs from Debian's packages what the tests need and this machine lacks. Nothing missing: nothing done.
set -euo pipefail

packages=()
need() { # need PACKAGE COMMAND: the package is wanted when the command is nowhere
    command -v "$2" >/dev/null 2>&1 || packages+=("$1")
}
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || need postgresql initdb
compgen -G '/usr/lib/postgresql/*/bin/pg_dump' >/dev/null || need postgresql-client pg_dump
need redis-server redis-server
need python3 python3
need nodejs node
need npm npm
need gcc cc
need openssl openssl
[ ${#packages[@]} -gt 0 ] || exit 0

echo "installing: ${packages[*]}" >&2
command -v apt-get >/dev/null || { echo "please install ${packages[*]} (no apt-get here)" >&2; exit 1; }
root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "please install as root: apt-get install ${packages[*]}" >&2; exit 1; }
    root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { "${root[@]}" apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$log" 2>&1; }
install() { apt install --yes --no-install-recommends "${packages[@]}"; }
# the package lists may be there and fresh; only when they are not are they fetched, once
install || { apt update && install; } || { cat "$log" >&2; exit 1; }
