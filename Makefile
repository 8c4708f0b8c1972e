# What there is to do here. Each target sets up what it needs; `make help` lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
export PYTHON

# auto, compose or embedded
STACK ?= auto
STACK_COMMAND = "$$(stack/find-python)" -m stack
BIN := .venv/bin
PACKAGES := shared/pyproject.toml $(wildcard services/*/pyproject.toml)
UNIT_TESTS := $(wildcard shared/tests services/*/tests stack/tests bench/tests)
PYTEST = $(BIN)/python -m pytest
PARALLEL = --numprocesses auto --maxprocesses 4 --dist loadfile
COMPILE = $(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11
UV = $(firstword $(wildcard .tools/bin/uv .venv/bin/uv) .tools/bin/uv)

.PHONY: help up down logs status reset certs test test-unit test-integration test-e2e check fmt docs catalogues bench lock venv

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## Start everything and print what to try: with Docker, else embedded (STACK=compose or embedded chooses)
	@if [[ $$($(STACK_COMMAND) choose --stack $(STACK) 2>/dev/null) == embedded ]]; then \
	  $(MAKE) .venv/.stack && exec $(BIN)/python -m stack up --stack $(STACK); \
	else exec $(STACK_COMMAND) up --stack $(STACK); fi

down: ## Stop everything; data stays
	@$(STACK_COMMAND) down --stack $(STACK)

logs: ## Follow the logs of everything that runs
	@$(STACK_COMMAND) logs --follow --stack $(STACK)

status: ## Say what runs and whether it is healthy
	@$(STACK_COMMAND) status --stack $(STACK)

reset: ## Stop everything and remove data, keys and secrets (asks first; YES=1 does not)
	@$(STACK_COMMAND) reset --stack $(STACK) $(if $(YES),--yes)

certs: ## Put the demo certificates for the TLS ports into .tessera/certificates
	@if [[ $$($(STACK_COMMAND) choose --stack $(STACK) 2>/dev/null) == embedded ]]; then \
	  $(MAKE) .venv/.stack && exec $(BIN)/python -m stack certs --stack $(STACK); \
	else exec $(STACK_COMMAND) certs --stack $(STACK); fi

test: .venv/.test ## Run every test: unit, integration, and end to end against each stack this machine can run
	@mkdir -p artifacts; failed=; \
	for step in unit integration e2e; do \
	  $(MAKE) test-$$step 2>&1 | tee artifacts/test-$$step.log || failed+=" $$step"; \
	done; \
	printf '\n'; grep -HE '^=+ .* in [0-9.]+s' artifacts/test-{unit,integration,e2e}.log || true; \
	[[ -z $$failed ]] || { echo "failed:$$failed"; exit 1; }

test-unit: .venv/.test ## Run the tests that need no server
	@$(PYTEST) $(PARALLEL) $(UNIT_TESTS) -m 'not integration'

test-integration: .venv/.test ## Run the tests that need a real PostgreSQL and Redis
	@$(PYTEST) $(PARALLEL) $(UNIT_TESTS) -m integration

test-e2e: .venv/.test ## Run the end-to-end tests (E2E_STACK=compose, embedded or a URL chooses one stack)
	@stack/test-e2e

check: .venv/.test ## Run every check of the pre-commit set on all files
	@$(BIN)/pre-commit run --all-files --show-diff-on-failure

fmt: .venv/.test ## Format the Python files and mend what the linter can mend
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

docs: .venv/.test ## Write docs/configuration.md anew, out of the configuration's types and files
	@$(BIN)/python -m stack.reference

catalogues: .venv/.test ## Bring the translations up to date with the texts, and say what lacks (docs/translating.md)
	@$(BIN)/python -m stack.catalogues

bench: .venv/.test ## Measure the stack
	@$(BIN)/python -m bench

lock: $(UV) ## Compile requirements/*.in into hashed *.txt (UPGRADE=--upgrade takes newer versions)
	@for name in build runtime stack test; do \
	  $(COMPILE) $(UPGRADE) requirements/$$name.in -o requirements/$$name.txt; \
	done
	@for name in coverage mailbox; do \
	  $(COMPILE) $(UPGRADE) -c requirements/test.txt requirements/$$name.in -o requirements/$$name.txt; \
	done

venv: .venv/.test ## Make .venv with everything for development

.venv/.stack: requirements/build.txt requirements/stack.txt $(PACKAGES)
	@stack/make-venv stack

.venv/.test: requirements/build.txt requirements/test.txt $(PACKAGES)
	@stack/make-venv test

.tools/bin/uv:
	@"$$(stack/find-python)" -m venv .tools && .tools/bin/pip install --quiet uv
