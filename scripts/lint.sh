#!/usr/bin/env bash
# What a machine can say about the code without running it; the quick checks first.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; "$@" </dev/null; }

step cargo fmt --all --check
advisories=../shared/advisories/check-advisories
if [ -e "$advisories" ]; then
    command -v python3 >/dev/null || scripts/install-tools.sh
    step "$advisories" Cargo.lock
else
    echo "no advisory database beside the project: advisories not checked"
fi
if cargo deny --version >/dev/null 2>&1; then
    step cargo deny --locked check licenses bans sources
else
    echo "cargo-deny is not installed: licences, bans and sources not checked"
fi
step cargo clippy --workspace --all-targets --features failpoints --locked -- -D warnings
echo "lint: passed"
