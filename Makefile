# Touchstone. Every target sets up what it needs and is quick the second time.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
UV = $(shell command -v uv 2>/dev/null || echo $(BIN)/uv)
ARGS ?=
NAME ?= verify
ENGINE ?= embedded
# Bytecode is kept: compiling every module for each test process takes longer than the tests.
unexport PYTHONDONTWRITEBYTECODE
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
# Where addresses are, for services of this folder.
COUNTRIES := $(or $(TOUCHSTONE_DATA),touchstone-data)/geo/country.mmdb

.DEFAULT_GOAL := help
# Unit tests: quick examples, no network (the plugin for OpenAPI takes seconds to load).
UNIT_TESTS := --numprocesses=auto --dist=worksteal --hypothesis-profile=dev -p no:schemathesis \
	--override-ini=tmp_path_retention_policy=failed tests/unit
# Their files are in memory where there is room: they wait for the disk as long as they work.
MEMORY := $(shell [ -w /dev/shm ] && df -Pk /dev/shm | awk 'NR == 2 && $$4 > 1000000 {print $$6}')
IN_MEMORY := $(if $(MEMORY),TMPDIR=$(MEMORY))
MEASURED_TESTS := $(addprefix tests/integration/,api ledger kafka engine)
# $(call floor,TABLE) compares what was measured, see pyproject.toml.
floor = $(BIN)/coverage json --quiet -o - | $(BIN)/python -m tests.support.coverage_floor $(1)
.PHONY: help run unit check lint types measured-unit coverage test docs bench format lock clean kafka-machine machine

help: ## Show what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-8s %s\n", $$1, $$2}'

run: $(RUNTIME) $(COUNTRIES) $(if $(filter kafka,$(ENGINE)),kafka-machine) ## Set up, then run the live demo (ARGS="--for 30s" ends by itself; ENGINE=kafka)
	@$(BIN)/touchstone demo --engine $(ENGINE) $(ARGS)

# Without network the run goes on, and the next one tries again.
$(COUNTRIES): cli/support/country_database/package-lock.json | $(RUNTIME)
	@$(BIN)/touchstone geo install && touch $@ || true

kafka-machine:
	@.ci/machine kafka

machine: ## Install the system packages that the tests need (Debian and its kin)
	@.ci/machine tests

unit: $(DEV) ## Set up, then run the unit tests alone: no network, no system packages
	@$(IN_MEMORY) $(BIN)/python -m pytest $(UNIT_TESTS) $(ARGS)

check: lint types measured-unit ## Format, lint, strict types, import contracts, unit tests with branch coverage

lint: $(DEV)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(DEV)
	@$(BIN)/mypy
	@$(BIN)/lint-imports

measured-unit: $(DEV)
	@$(BIN)/coverage erase
	@$(IN_MEMORY) $(BIN)/coverage run -m pytest $(UNIT_TESTS)
	@$(BIN)/coverage combine --quiet
	@$(call floor,unit)

# `make check coverage` measures the unit tests once.
coverage: machine measured-unit ## Unit tests and those of the service, the ledger, Kafka and the engine, with branch coverage
	@$(BIN)/coverage run -m pytest --numprocesses=auto --dist=loadfile $(MEASURED_TESTS)
	@$(BIN)/coverage combine --quiet --append
	@$(call floor,all)

# What is selected by ARGS may need no system package: those tests that do say so.
test: $(DEV) $(if $(ARGS),,machine) ## Set up, then run every test (ARGS="path::name" runs one, ARGS="-k words" some)
	@$(BIN)/python -m pytest $(if $(findstring ::,$(ARGS)),,--numprocesses=auto --maxprocesses=4 --dist=loadfile) $(ARGS)

docs: $(DEV) ## Build the documentation site into build/site/
	@$(BIN)/mkdocs build --strict --quiet

bench: $(DEV) $(if $(findstring kafka,$(ARGS))$(filter fire,$(NAME)),kafka-machine) ## Set up, then measure (NAME=verify|issue|labels|stream|api|growth|trust-list|fire|detect)
	@$(BIN)/touchstone bench $(NAME) $(ARGS)

format: $(DEV) ## Format and fix what can be fixed by machine
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: $(VENV)/.created ## Resolve the dependencies anew, with hashes
	@$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade \
		--custom-compile-command 'make lock' --quiet pyproject.toml -o requirements.lock
	@$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade \
		--custom-compile-command 'make lock' --quiet --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	@$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade \
		--quiet benchmarks/speed/peers/quix.in -o benchmarks/speed/peers/quix.lock
	@$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade \
		--custom-compile-command 'make lock' --quiet cli/support/country_database/node.in \
		-o cli/support/country_database/node.lock

clean: ## Remove the virtual environment and caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* build

$(VENV)/.created:
	@test -n "$(PYTHON)" || { echo "Touchstone needs Python 3.11 or newer; install it and run make again." >&2; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv $(VENV) || { echo "python3-venv is missing; install it and run make again." >&2; exit 1; }
	@command -v uv >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

$(RUNTIME): $(VENV)/.created requirements.lock pyproject.toml
	@echo "Installing the pinned dependencies …"
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes -r requirements.lock
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --editable .
	@touch $@

$(DEV): $(RUNTIME) requirements-dev.lock
	@echo "Installing the tools for development …"
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@
