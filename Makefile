# Two commands: `make run` and `make test`. Each installs what it needs first; both may be called again at any time.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

UI_SOURCES := $(shell find ui -path ui/node_modules -prune -o -path ui/dist -prune -o -type f -print 2>/dev/null)

.PHONY: help run test build ui lint rust-test ui-test e2e bench bench-alerting bench-check counts counts-accept orders conformance format advisories

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: build ## set everything up and start Bellwether with the demo fleet
	@exec $${CARGO_TARGET_DIR:-target}/release/bellwether demo --storage.tsdb.path=demo-data $(ARGS)

test: ## set everything up and run every check and test
	@scripts/test.sh

build: ui ## build the UI and the release binary
	@scripts/setup.sh build
	@echo "==> building the release binary (about five minutes the first time, seconds afterwards)"
	@cargo build --release --locked -p bellwether

ui: ui/dist/index.html ## build the web UI

ui/dist/index.html: ui/node_modules/.installed $(UI_SOURCES)
	@echo "==> building the web UI"
	@cd ui && npm run --silent build
	@touch $@

ui/node_modules/.installed: ui/package-lock.json
	@scripts/setup.sh node
	@echo "==> installing the web UI's packages"
	@cd ui && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

lint: ui/node_modules/.installed ## formatting and lints of all languages
	@scripts/test.sh lint

rust-test: ## the Rust tests
	@scripts/test.sh rust

ui-test: ui/node_modules/.installed ## the UI's unit tests
	@scripts/test.sh ui

e2e: ## the browser tests against the real binary
	@scripts/test.sh e2e

bench-check: ## the smallest benchmark profile, results compared with Prometheus
	@scripts/test.sh bench

orders: ## every order of steps that the lock-free files of the SDK can run in
	@scripts/orders.sh

counts: ## instructions per sample of each step from a scrape to the disk, compared with what was accepted
	@scripts/test.sh counts

counts-accept: ## take the instructions per sample as they are now for what is expected
	@scripts/setup.sh build counts
	@scripts/counts.sh accept

bench: build ## measure beside Prometheus and VictoriaMetrics (PROFILE=small|medium|large)
	@scripts/setup.sh rivals python
	@scripts/bench.sh $(PROFILE)

bench-alerting: build ## measure alerting beside Alertmanager and Prometheus (PROFILE=quick|small|large)
	@scripts/setup.sh peers
	@scripts/bench-alerting.sh $(PROFILE)

conformance: ## the peers' conformance data, one line per area
	@cargo run --quiet --locked -p xtask -- conformance

format: ## format everything
	@cargo fmt --all
	@cd ui && npx biome check --write .

advisories: ## known vulnerabilities of the dependencies (needs the network)
	@scripts/setup.sh deny
	@PATH="$${XDG_CACHE_HOME:-$$HOME/.cache}/bellwether/tools/bin:$$PATH" cargo deny check advisories
