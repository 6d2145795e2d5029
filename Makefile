# Everything a fresh machine needs is set up here: Python 3.11+, make, git and a package registry are enough.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   := requirements/dev.txt
STAMP  := $(VENV)/.installed
PYTEST ?= $(BIN)/python -m pytest

# Tests start hundreds of processes: what was compiled once is kept.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup demo test parts screenshots check bench format lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv with the locked dependencies and the package itself

$(STAMP): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "muniment needs Python 3.11 or later: make PYTHON=python3.12 …"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing locked dependencies into $(VENV) (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup  ## record, seal, prove and attack a ledger, on this machine, in under a minute
	@$(BIN)/muniment demo

test: setup parts  ## every test, the tamper matrix included
	@$(PYTEST)

parts: $(VENV)/.parts $(VENV)/.adapters  ## what the tests run beside us: a browser, xmlsec1, an OpenID provider, frameworks

# apt-get is asked only for what is missing. npm comes with some builds of nodejs, which Debian's own package of it conflicts with.
APT := DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends
$(VENV)/.parts: $(STAMP) $(wildcard tests/support/oidc/*)
	@missing=; \
	test -x /usr/bin/chromium || missing="$$missing chromium"; \
	command -v xmlsec1 >/dev/null || missing="$$missing xmlsec1"; \
	command -v npm >/dev/null || missing="$$missing nodejs"; \
	test -n "$$missing" || exit 0; \
	test "$$(id -u)" = 0 || { echo "the tests need Debian's$$missing (and npm): run 'make parts' once as root"; exit 2; }; \
	echo "installing for the tests:$$missing"; \
	apt-get update -qq && $(APT) $$missing >/dev/null && { command -v npm >/dev/null || $(APT) npm >/dev/null; }
	@$(BIN)/python -m tests.support.oidc
	@touch $@

# Each in an environment of its own under .cache/adapters, as its lock file says.
$(VENV)/.adapters: $(STAMP) $(wildcard requirements/adapters/*.txt)
	@$(BIN)/python -m tests.adapters.environments
	@touch $@

screenshots: setup $(VENV)/.parts  ## pictures of every page into build/screenshots, and what axe-core has against them
	@$(BIN)/python -m tests.screenshots

check: setup  ## format, lint, types, import rules, documents, tenant tables
	@$(BIN)/ruff format --check src tests bench
	@$(BIN)/ruff check src tests bench
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.documents
	@$(BIN)/python -m tests.tenant_tables

bench: setup $(VENV)/.peers  ## measure, print the table, write bench/results.json
	@$(BIN)/python -m bench

$(VENV)/.peers: requirements/bench.txt $(STAMP)
	@echo "installing the peers to measure beside us"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --ignore-requires-python -r requirements/bench.txt
	@touch $@

format: setup  ## format the sources
	@$(BIN)/ruff format src tests bench
	@$(BIN)/ruff check --fix src tests bench

lock: setup  ## resolve the lock files again (hashes, no registry addresses)
	@cd requirements && ./compile "$(abspath $(BIN))/uv"
	@cd requirements/adapters && ./compile "$(abspath $(BIN))/uv"

clean:  ## remove what make built
	@rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist build
