#!/usr/bin/env bash
# Builds the dist profile and measures; see benches/run.py. Arguments are handed on: --quick, G1, G2, G3, G3b, G8;
# only when named: G6 (a backlog of 100,000), BOARD (a million cases), NETWORK (G3, G3b and G6 in one table).
# BENCH_PROFILE=release measures a release build instead: made in a fraction of the time, for figures of the database.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install-tools.sh
profile=${BENCH_PROFILE:-dist}
cargo build --profile "$profile" --locked --package onedoor --package onedoor-bench --bins
export ONEDOOR_BENCH_PROGRAMS=$PWD/target/$profile
exec python3 benches/run.py "$@"
