#!/usr/bin/env bash
# Becomes a PostgreSQL of our own: scripts/private-postgres.sh FOLDER PORT [name=value ...]
#
# The data folder is FOLDER/data, made on first use; the port is on loopback only, without a socket file; the machine's
# own clusters are never touched. The script execs the server, so that the caller's child is the postmaster itself:
# SIGINT stops it (fast), SIGQUIT stops it as a crash would (immediate), and it does not outlive its parent.
# PostgreSQL refuses to run as root: then it runs as `postgres` or `nobody`.
set -euo pipefail
folder=$1 port=$2
shift 2

bin=$(compgen -G '/usr/lib/postgresql/*/bin/postgres' | sort -V | tail -1 || true)
bin=$(dirname "${bin:-$(command -v postgres)}")

mkdir -p "$folder"
as=(setpriv --pdeathsig=KILL)
if [ "$(id -u)" = 0 ]; then
    user=postgres
    id "$user" >/dev/null 2>&1 || user=nobody
    as+=(--reuid="$user" --regid="$(id -g "$user")" --clear-groups)
    chown "$user" "$folder"
fi
cd "$folder" || exit 1

if [ ! -e data/PG_VERSION ]; then
    "${as[@]}" "$bin/initdb" --pgdata=data --username=onedoor --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
        --no-sync --no-instructions >initdb.log 2>&1 </dev/null || { cat initdb.log >&2; exit 1; }
fi
settings=()
for setting in "$@"; do settings+=(-c "$setting"); done
exec "${as[@]}" "$bin/postgres" -D data -p "$port" -h 127.0.0.1 -c unix_socket_directories= "${settings[@]}" </dev/null
