# The commands of every day. `make help` explains them.

.DEFAULT_GOAL := help
.PHONY: help run test chaos bench bench-ageing drill drill-restore drill-failover drill-upgrade nightly check images chart observability check-long fmt dev-db sqlx
SHELL := /bin/bash
# Everything that is asked here is on this machine.
export NO_PROXY := 127.0.0.1,localhost,$(NO_PROXY)

tools := $(CURDIR)/target/tools/bin
profile := $(if $(RELEASE),release,dev)
# Together, so that what they share is built once.
provers := --package tests --package benches

help: ## Explain the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: export SQLX_OFFLINE = true
run: ## Start the whole suite on this machine (ONCE=1: show it and end; RELEASE=1: optimised)
	scripts/setup
	scripts/portal build || echo "The portal could not be built: without it." >&2
	cargo build --locked --package cli --package dev --profile $(profile)
	cargo run --quiet --locked --package dev --profile $(profile) -- up $(if $(ONCE),--once)

test: export SQLX_OFFLINE = true
test: ## Run everything that proves the suite right
	scripts/setup
	cargo test --locked --workspace
	scripts/portal test

chaos: export SQLX_OFFLINE = true
chaos: ## Run the suite under faults at length, and catch its mutants (SHORT=1: ten minutes)
	scripts/setup
	cargo build --locked --profile $(if $(SHORT),dev,proof) $(provers) --bin chaos
	target/$(if $(SHORT),debug,proof)/chaos $(if $(SHORT),--short)

bench: export SQLX_OFFLINE = true
bench: ## Measure what the suite bears beside what PostgreSQL alone does (SHORT=1: to see that it can)
	scripts/setup
	cargo build --locked $(if $(SHORT),,--profile image) $(provers) --bin bench
	target/$(if $(SHORT),debug,image)/bench $(if $(SHORT),--short)

bench-ageing: export SQLX_OFFLINE = true
bench-ageing: ## Measure whether a declaration costs as much after two million others (an hour and a half)
	scripts/setup
	cargo build --locked --profile image $(provers) --bin bench
	target/image/bench --only ageing

nightly: ## Run all that takes hours, whatever fails, and show what it saw in one table
	scripts/nightly

drill-restore: drill ## Destroy PostgreSQL under load, restore it from a backup, and count what is lost
	target/debug/drill restore

drill-failover: drill ## Destroy PostgreSQL under load, and promote its standby
	target/debug/drill failover

drill-upgrade: drill ## Replace the last release by this one under load, go back, and again (PREVIOUS=commit)
	target/debug/drill upgrade --previous "$$(scripts/previous $(PREVIOUS))"

drill: export SQLX_OFFLINE = true
drill:
	scripts/setup
	cargo build --locked $(provers) --bin drill

images: ## Make the images of the suite in target/images, without Docker, and try them (PROFILE=proof: sooner)
	PROFILE=$(PROFILE) scripts/images

chart: ## Check the Helm chart: lint, tests of its templates, values as programs read them, strict schemas, scan
	scripts/chart

check: export SQLX_OFFLINE = true
check: export RUSTDOCFLAGS = -D warnings
check: ## Check format, lints, contracts, documentation, dependencies, licences, variables and query data
	scripts/setup check
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked $(addprefix --package ,$(notdir $(wildcard services/*))) --features mutants -- -D warnings
	$(tools)/buf lint
	$(tools)/buf format --diff --exit-code
	cargo doc --locked --workspace --no-deps --quiet
	$(tools)/cargo-shear --locked --deny-warnings
	$(tools)/cargo-deny --locked --log-level error check bans licenses sources
	scripts/portal check
	scripts/configuration check
	scripts/sqlx check

check-long: ## Run the tests again and again, for faults that are rare (ROUNDS=10)
	scripts/setup
	SQLX_OFFLINE=true PROPTEST_CASES=4096 \
	  bash -c 'set -e; for round in $$(seq $(or $(ROUNDS),10)); do \
	    echo "Round $$round"; cargo test --locked --workspace --quiet; done'

observability: ## Check metrics, alerts, run-books and dashboards against each other
	scripts/observability

fmt: ## Format the sources and the contracts
	scripts/setup check
	cargo fmt --all
	$(tools)/buf format --write

dev-db: ## Start the database that queries are checked against while compiling
	scripts/setup
	scripts/dev-db start
	scripts/dev-db env > .env

sqlx: ## Write the query data in .sqlx anew
	scripts/setup
	scripts/sqlx prepare
