#!/usr/bin/env bash
# Measures what a newcomer waits for: from `git clone` over `make run` to the first GraphQL answer.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
run=
stop() {
    local status=$?
    trap - EXIT
    # its own process group: make, cargo and the gateway
    [ -z "$run" ] || kill -TERM -- "-$run" 2>/dev/null || true
    [ -z "$run" ] || wait "$run" 2>/dev/null || true
    rm -rf "$folder"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT TERM

port=$(scripts/free-port.py 1)
question='{"query": "{ serviceItem(by: {code: \"pension-enroll\"}) { name(language: EN) } }"}'
began=$SECONDS
git clone --quiet --no-local . "$folder/onedoor"
cd "$folder/onedoor"
export ONEDOOR__SERVER__LISTEN="127.0.0.1:$port"
set -m
make run >"$folder/run.log" 2>&1 </dev/null &
run=$!
set +m
until curl -s "http://127.0.0.1:$port/graphql" -H 'content-type: application/json' -d "$question" 2>/dev/null | grep -q '"name"'; do
    kill -0 "$run" 2>/dev/null || { cat "$folder/run.log" >&2; exit 1; }
    sleep 0.5
done
took=$((SECONDS - began))
echo "from clone to the first GraphQL answer: $((took / 60)) min $((took % 60)) s, $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)"
