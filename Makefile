# Thin: the work is in cargo, in scripts/ and in the binary's subcommands.
.DEFAULT_GOAL := help
.PHONY: help run test lint bench graphiql

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

run: graphiql ## build and serve the demo on http://127.0.0.1:8080
	cargo run --quiet --locked --bin onedoor -- serve --demo

test: ## the whole suite on SQLite + memory and on PostgreSQL + Redis (both started privately)
	scripts/test.sh

lint: ## format, clippy, licences, advisories
	scripts/lint.sh

bench: ## ratios side by side, see benches/run.py; printed, not asserted
	scripts/bench.sh

graphiql: ## put GraphiQL's files in place from its npm package, where npm is there
	@scripts/graphiql.sh
