# One command for each thing one does here. `make` alone tells which there are.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
TARGET := $${CARGO_TARGET_DIR:-target}

.PHONY: help
help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## install what is missing, build, and serve on 127.0.0.1:8080 with the data in ./data
	@scripts/ensure-servers
	@echo "run: building in release mode (some minutes the first time)"
	@cargo build --release -p counterfoil
	@exec "$(TARGET)/release/counterfoil" serve

.PHONY: build
build: ## build everything in release mode
	@echo "build: target/release/counterfoil and target/release/bench"
	cargo build --release --workspace

.PHONY: test
test: ## install what is missing and run every test
	@scripts/ensure-servers
	@echo "test: building"
	@cargo build --workspace --bin counterfoil
	@scripts/run-tests

.PHONY: test-newer-nats
test-newer-nats: ## the tests that speak with NATS, against a current nats-server
	@scripts/ensure-servers
	@scripts/test-newer-nats

.PHONY: fuzz-api
fuzz-api: ## asks everything the OpenAPI document allows, and much that it does not, and compares the answers with it
	@scripts/ensure-servers
	@cargo build -p counterfoil
	@scripts/fuzz-api

.PHONY: test-page
test-page: ## opens the links of mails in a real browser (Chromium), and does there what a person would do
	@scripts/ensure-servers
	@cargo build -p counterfoil
	@scripts/test-page

.PHONY: check
check: ## formatting, lints, licences and bans, rules of the house
	@scripts/ensure-tools
	@echo "check: formatting"
	@cargo fmt --all --check
	@echo "check: lints"
	@cargo clippy --workspace --all-targets --quiet -- -D warnings
	@echo "check: licences, bans and sources of the dependencies"
	@scripts/check-dependencies
	@echo "check: the rules of the house"
	@cargo test --quiet --workspace --test tidy --test golden_events
	@echo "check: all is well"

.PHONY: bench bench-quick
bench: ## the benchmark with its peers, into target/bench/report.json and report.svg
	@scripts/ensure-servers
	@cargo build --release -p counterfoil -p bench
	@exec "$(TARGET)/release/bench" run

bench-quick: ## a look of a few minutes: smaller sizes, shorter rounds
	@scripts/ensure-servers
	@cargo build --release -p counterfoil -p bench
	@exec "$(TARGET)/release/bench" run --quick

.PHONY: clean-data
clean-data: ## forget everything in ./data (asks first)
	@scripts/clean-data

.PHONY: chaos
chaos: ## kill everything there is, many times, and compare what was answered with what is stored
	@scripts/ensure-servers
	@cargo build --workspace --bin counterfoil
	@COUNTERFOIL_CHAOS_KILLS=$${COUNTERFOIL_CHAOS_KILLS:-60} scripts/run-tests --watch -p counterfoil --test chaos

.PHONY: interop
interop: ## tests with third-party programs: figures of trading sessions and settings, against freqtrade
	@scripts/ensure-servers
	@cargo build -p domain --example performance
	@cargo build -p counterfoil
	@scripts/interop
