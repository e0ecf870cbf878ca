#!/usr/bin/env bash
# Builds the dist profile and measures; see benches/run.py. Arguments are handed on: --quick, G1, G2, G8, BOARD (a million cases: only when named).
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install-tools.sh
cargo build --profile dist --locked --package onedoor --package onedoor-bench --bins
exec python3 benches/run.py "$@"
