# Lockbox. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
HOME_FOLDER ?= var
STACK := $(BIN)/python -m lockbox.embedded
NPM := tests/npm
STACKS ?= 3
COVERED ?= test
PYTEST = $(BIN)/pytest
SLOW_TESTS = $(PYTEST) -n $(STACKS) --dist loadfile --no-loadscope-reorder $(addprefix tests/,chaos dist integration security e2e)
QUICK_TESTS = $(PYTEST) -n $(shell nproc) --dist worksteal tests/unit tests/contracts
INSTALL := $(BIN)/pip install --disable-pip-version-check -q -c constraints.txt

# Python keeps what it compiled, also where the environment says otherwise: each process compiles everything anew else.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo 'error: Python 3.11, 3.12 or 3.13 is needed'; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || scripts/packages /usr/share/doc/python3-venv=python3-venv
	@scripts/step 'making a virtual environment' $(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run: $(VENV)/made pyproject.toml constraints.txt
	@scripts/step 'installing Python packages' $(INSTALL) -e '.[services,embedded]'
	@touch $@

$(VENV)/develop: $(VENV)/run
	@scripts/step 'installing the tools' $(INSTALL) -e '.[services,embedded,serve,pkcs11,examples,dev]'
	@touch $@

$(NPM)/node_modules: $(VENV)/develop $(NPM)/package.json $(NPM)/package-lock.json
	@scripts/step 'installing the npm packages of tests' $(BIN)/npm ci --prefix $(NPM)
	@touch $@

.PHONY: servers
servers:
ifndef LOCKBOX_AMQP_URI
	@scripts/packages /usr/lib/rabbitmq/bin/rabbitmq-server=rabbitmq-server
endif

.PHONY: setup
setup: $(VENV)/develop servers ## Install everything that development and tests need
	@$(MAKE) -s $(NPM)/node_modules || echo 'note: npm did not install the packages of tests/npm; their tests are skipped'
	@scripts/packages curl=curl chromium=chromium /usr/sbin/nginx=nginx-light softhsm2-util=softhsm2

.PHONY: up
up: $(VENV)/run servers ## Start Lockbox and the example product on this machine
	@$(STACK) up --home $(HOME_FOLDER) --product examples/content_service/app.py

.PHONY: demo
demo: up ## Start Lockbox, play the scenario, show the accounts; the portal stays up
	@$(BIN)/python -m examples.story --home $(HOME_FOLDER)
	@$(STACK) accounts --home $(HOME_FOLDER)

.PHONY: down
down: ## Stop the programs that make up started
	@test ! -d $(VENV) || $(STACK) down --home $(HOME_FOLDER)

.PHONY: status
status: ## Show the state of each program
	@$(STACK) status --home $(HOME_FOLDER)

.PHONY: check
check: $(VENV)/develop ## Check format, lint, types, layers and generated pages
	@$(BIN)/ruff format --check --quiet . || { echo 'run: make format'; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/plain_language.py
	@$(BIN)/python -m scripts.reference --check

.PHONY: format
format: $(VENV)/develop ## Format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

.PHONY: reference
reference: $(VENV)/develop ## Write the reference pages that are generated from the code
	@$(BIN)/python -m scripts.reference

.PHONY: test
test: setup ## Run all tests, the quick ones first
	@$(QUICK_TESTS)
	@$(SLOW_TESTS)

.PHONY: test-quick
test-quick: $(VENV)/develop ## Run the unit and contract tests, one process for each core
	@$(QUICK_TESTS)

.PHONY: coverage
coverage: setup ## Show the lines and branches that tests reach, in all processes; COVERED=test-quick for the quick tests
	@rm -rf .coverage.d && mkdir .coverage.d
	@$(MAKE) -s -i $(COVERED) PYTEST='$(BIN)/coverage run -m pytest'
	@$(BIN)/coverage combine -q && $(BIN)/coverage html -q && $(BIN)/coverage report | sed -n '1p;$$p'

.PHONY: dist
dist: $(VENV)/develop ## Build lockbox-guard, lockbox-cli and lockbox-server into dist/
	@$(BIN)/python -m scripts.distributions dist

.PHONY: lock
lock: $(VENV)/develop ## Write packaging/*.lock: the hashes of all Python packages in the image
	@$(BIN)/python -m scripts.lock

.PHONY: audit
audit: $(VENV)/develop ## Write the SBOM into dist/, and look up known vulnerabilities of all packages
	@$(BIN)/python -m scripts.audit

.PHONY: nightly
nightly: setup ## Run long tests: random lives of a request, races, forged grants, a flood of sign-ins
	@HYPOTHESIS_PROFILE=nightly $(BIN)/pytest --timeout 7200 tests/unit/approval_service/test_approval_machine.py
	@RACE_ROUNDS=1000 $(BIN)/pytest --timeout 7200 tests/integration/test_races.py
	@FLOOD_SECONDS=60 $(BIN)/pytest --timeout 600 -s tests/e2e/test_crowded_edge.py -k flood
	@FUZZ_CASES=1000000 $(BIN)/pytest --timeout 14400 tests/unit/lockbox/guard/test_fuzz.py

.PHONY: test-compose
test-compose: $(VENV)/develop ## Run docker-compose.yml and play the scenario against it
	@tests/compose/run

.PHONY: chaos
chaos: $(VENV)/develop servers ## Kill all programs under load for CHAOS_MINUTES (10), and check that nothing is lost
	@$(BIN)/python -m tests.chaos

.PHONY: bench
bench: $(VENV)/develop servers ## Measure, beside stock Nameko in the same run
	@$(BIN)/python -W ignore:::nameko.containers -m bench

.PHONY: tiers
tiers: $(VENV)/develop servers ## Send a failing handler through the retry tiers, for 11 minutes
	@$(BIN)/python -W ignore:::lockbox.runtime -m tests.chaos.tiers

.PHONY: soak
soak: $(VENV)/develop servers ## Run load for SOAK_MINUTES (20) and fail if memory, descriptors or connections grow
	@$(BIN)/python -m tests.soak

.PHONY: clean
clean: down ## Stop, and remove all files that make made
	rm -rf $(HOME_FOLDER) $(VENV) dist
