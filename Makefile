# Everything a fresh machine needs is set up here: Python 3.11+, make, git and a package registry are enough.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   := requirements/dev.txt
STAMP  := $(VENV)/.installed
PYTEST ?= $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench format lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

test: setup  ## every test, the tamper matrix included
	@$(PYTEST)

check: setup  ## format, lint, types, import rules, documents
	@$(BIN)/ruff format --check src tests bench
	@$(BIN)/ruff check src tests bench
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.documents

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

clean:  ## remove what make built
	@rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist build
