#!/usr/bin/env bash
# Puts GraphiQL's files into web/vendor/graphiql from its npm package at the locked version; without npm it says so.
set -euo pipefail
cd "$(dirname "$0")/.."
lock=web/graphiql/package-lock.json
[ -e "$lock" ] || exit 0
stamp=web/vendor/graphiql/.installed
[ "$stamp" -nt "$lock" ] && exit 0
if ! command -v npm >/dev/null 2>&1; then
    echo "npm is not installed: /graphiql will show how to put GraphiQL in place (apt-get install npm; make graphiql)"
    exit 0
fi
# A missing registry must not keep the gateway from starting: the page says how to try again.
if (cd web/graphiql && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && npm run --silent vendor); then
    touch "$stamp"
else
    echo "GraphiQL could not be installed; the gateway runs without it. Try again with: make graphiql"
fi
