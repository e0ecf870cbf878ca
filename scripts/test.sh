#!/usr/bin/env bash
# One suite, two worlds: starts a PostgreSQL and a Redis of its own, then runs every test.
# Arguments are handed to the runner (for example a part of a test's name).
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install-tools.sh

# Outside judges of GraphQL over HTTP and WebSocket come from npm at locked versions.
for lock in $(git ls-files 'tests/*package-lock.json'); do
    folder=$(dirname "$lock")
    [ "$folder/node_modules" -nt "$lock" ] && continue
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null) && touch "$folder/node_modules"
done

# Build before the servers start: a compile error should not wait for a database.
features=(--workspace --features failpoints --locked)
if cargo nextest --version >/dev/null 2>&1; then
    runner=(cargo nextest run --no-fail-fast "${features[@]}" "$@")
    build=(cargo nextest run --no-run "${features[@]}")
else
    runner=(cargo test --no-fail-fast "${features[@]}" "$@")
    build=(cargo test --no-run "${features[@]}")
fi
"${build[@]}" </dev/null

# The folder of this run lies under target/, or in /tmp when PostgreSQL's user cannot reach it (a clone below /root).
mkdir -p target
world=$(mktemp -d "$PWD/target/world.XXXXXX")
chmod 755 "$world"
if [ "$(id -u)" = 0 ] && ! setpriv --reuid=nobody --regid=nogroup --clear-groups test -x "$world"; then
    rmdir "$world"
    world=$(mktemp -d /tmp/onedoor-world.XXXXXX)
    chmod 755 "$world"
fi
servers=()
stop() {
    local status=$?
    trap - EXIT
    for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; done
    for pid in "${servers[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$world"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

read -r postgres_port redis_port < <(scripts/free-port.py 2)
# Durability is tested on servers that the tests start themselves with fsync on; here it would only cost time.
scripts/private-postgres.sh "$world/postgres" "$postgres_port" \
    fsync=off full_page_writes=off max_connections=300 shared_buffers=256MB \
    >"$world/postgres.log" 2>&1 &
servers+=($!)
redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --appendonly no --dir "$world" \
    >"$world/redis.log" 2>&1 </dev/null &
servers+=($!)

export ONEDOOR_TEST_FOLDER=$world
export ONEDOOR_TEST_POSTGRES="postgres://onedoor@127.0.0.1:$postgres_port"
export ONEDOOR_TEST_REDIS="redis://127.0.0.1:$redis_port/0"

# Both worlds must be real: the servers say themselves what they are.
psql=$(compgen -G '/usr/lib/postgresql/*/bin/psql' | sort -V | tail -1 || command -v psql)
for _ in $(seq 300); do
    "$psql" "$ONEDOOR_TEST_POSTGRES/postgres" -Atc 'select version()' >"$world/version" 2>/dev/null &&
        redis-cli -p "$redis_port" info server >"$world/info" 2>/dev/null && break
    sleep 0.1
done
[ -s "$world/version" ] && [ -s "$world/info" ] || { cat "$world"/*.log >&2; exit 1; }
echo "world of PostgreSQL and Redis:"
sed 's/^/  /' "$world/version"
tr -d '\r' <"$world/info" | grep -E '^(redis_version|os|process_id|tcp_port):' | sed 's/^/  /'

status=0
"${runner[@]}" </dev/null 2>&1 | tee "$world/run.log" || status=$?

# Each story is told in both worlds; a story that ran in one of them only is a hole.
told() { sed 's/\x1b\[[0-9;]*m//g' "$world/run.log" | grep -oE "^ *(PASS|FAIL|test) .*::$1( \.\.\. (ok|FAILED))?$" | grep -oE "[^ ]+::$1" | sort -u | sed "s/::$1//" || true; }
told sqlite >"$world/sqlite.stories"
told postgres >"$world/postgres.stories"
if diff "$world/sqlite.stories" "$world/postgres.stories" >"$world/stories.diff"; then
    echo "$(wc -l <"$world/sqlite.stories") stories on SQLite + memory, the same $(wc -l <"$world/postgres.stories") on PostgreSQL + Redis"
else
    echo "these stories were told in one world only:"
    cat "$world/stories.diff"
    [ "$status" != 0 ] || status=1
fi
[ "$status" = 0 ] && echo "test: passed" || echo "test: FAILED ($status)"
exit "$status"
