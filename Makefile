# Beffroi: `make run` and `make test` are the whole set-up. `make` alone lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
BUILD := src/beffroi/console/static/build
WEB_SOURCES := $(shell find web/src -type f 2>/dev/null) web/vite.config.ts web/vite.worker.config.ts web/tsconfig.json

help: ## List the commands
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: .venv/.installed $(BUILD)/.built ## Prepare everything (what run and test do first)

.venv/.installed: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "python3-venv is needed: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q src
	@touch $@

web/node_modules/.installed: web/package-lock.json web/package.json
	@node -e 'process.exit(+(process.versions.node.split(".")[0] < 20))' 2>/dev/null || { echo "Node 20 or later is needed to build the console's scripts"; exit 1; }
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(BUILD)/.built: web/node_modules/.installed $(WEB_SOURCES)
	cd web && npm run --silent build
	@touch $@

run: setup ## Start the post with the simulated metropolis
	$(BIN)/beffroi up

# One worker more than there are processors: whole posts and browsers wait more than they work.
test: setup browser ## Run all tests
	$(BIN)/python -m pytest -n $$(($$(nproc) + 1)) --dist loadgroup --no-loadscope-reorder

browser: .venv/.installed
	@$(BIN)/python -m tests.browser

unit: setup ## Tests that need no post and no browser (seconds)
	$(BIN)/python -m pytest -m "not browser and not post"

POSTGRES15 ?= /usr/lib/postgresql/15/bin
test-postgres15: setup ## Run the tests of the store and what stands on it against PostgreSQL 15 (Debian's; POSTGRES15=folder)
	@test -x $(POSTGRES15)/initdb || { echo "no PostgreSQL 15 in $(POSTGRES15): apt-get install postgresql-15, or set POSTGRES15"; exit 1; }
	BEFFROI_TEST_POSTGRES=$(POSTGRES15) $(BIN)/python -m pytest -n auto --dist loadfile -m "not browser and not post" \
	  tests/kernel tests/app tests/api tests/console tests/foundation

check: setup ## Format, lint, import floors, types, the shape of the house, the docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	cd web && npm run --silent check
	$(BIN)/python -m pytest tests/architecture tests/docs

fix: setup ## Format, and mend what can be mended alone
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dev: setup ## Start the post and build the console's scripts again at every change
	trap 'kill 0' EXIT; (cd web && npm run --silent dev) & $(BIN)/beffroi up

bench: setup ## Measure the readings path (about 15 minutes; see bench/README.md)
	$(BIN)/python -m bench.ingest

ROUNDS ?= 50
crash: setup ## Kill processes at random under load: make crash ROUNDS=50
	$(BIN)/python -m bench.crash --rounds $(ROUNDS)

lock: ## Write the lock files again from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	for group in "runtime:" "dev:--group dev"; do \
	  $(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml $${group#*:} -o requirements/$${group%%:*}.txt; done

clean: ## Remove what was built and installed, never the data in var/
	rm -rf .venv web/node_modules $(BUILD) .mypy_cache .ruff_cache .pytest_cache

.PHONY: help setup run test browser unit test-postgres15 check fix dev bench crash lock clean
