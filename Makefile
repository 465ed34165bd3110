# Everything is built inside this folder: .venv holds the programs, .cache what was downloaded, data what a run leaves.

# The interpreter to build .venv with; empty: the first suitable one of CANDIDATES.
PYTHON ?=
CANDIDATES := python3.13 python3.12 python3.11 python3 python
# How many tests run at once.
WORKERS ?= 2
# `make lock UPGRADE=--upgrade` moves every pin to the newest release; without it only what pyproject.toml asks for moves.
UPGRADE ?=

BIN := .venv/bin
INSTALLED := .venv/.installed
# What vendors publish to be judged by, in an environment of its own.
JUDGES := .cache/judges/installed.sha256
# A macro's text is SQL only where it is called: it is linted there.
MODELS := dbt_project/models dbt_project/tests
MANIFEST := dbt_project/target/manifest.json
# The settings that `make dev` and `make check` load; `make dev` keeps Dagster's runs where `postback run` does.
POSTBACK_CONFIG ?= postbacks.toml
INSTANCE = $(abspath $(or $(POSTBACK_HOME),$(dir $(abspath $(POSTBACK_CONFIG)))data)/dagster)
CHECKED := $(CURDIR)/.cache/dagster
# Named in dbt's profile; parsing does not open it.
POSTBACK_WAREHOUSE ?= $(CURDIR)/data/warehouse.duckdb

# Downloads stay in this folder, nothing fetches a Python, and nobody is told what is run here.
export UV_CACHE_DIR := $(CURDIR)/.cache/uv
export PIP_CACHE_DIR := $(CURDIR)/.cache/pip
export UV_PYTHON_DOWNLOADS := never
export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export DAGSTER_DISABLE_TELEMETRY := yes

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup test check demo dev docs format lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) $(MANIFEST) ## Build .venv with everything in it, and dbt's manifest

test: setup $(JUDGES) ## Run the whole test suite
	@$(BIN)/python -m tests.browser.chromium
	env -u DAGSTER_HOME -u POSTBACK_HOME -u POSTBACK_CONFIG $(BIN)/pytest -n $(WORKERS) --dist worksteal

check: setup $(CHECKED)/dagster.yaml ## Lint, check formats, types, imports, SQL, sizes and names; load the definitions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --disable-progress-bar $(MODELS)
	$(BIN)/pytest tests/house/test_layout.py
	DAGSTER_HOME=$(CHECKED) POSTBACK_CONFIG=$(POSTBACK_CONFIG) PYTHONWARNINGS='ignore:Function `definitions_validate' \
		$(BIN)/dagster definitions validate -w workspace.yaml

demo: setup ## Take a sample shop the whole way, against a local stand-in network
	$(BIN)/python -m examples.demo.run

dev: setup $(INSTANCE)/dagster.yaml ## Open the Dagster UI on http://127.0.0.1:3000
	@echo 'Runs are kept in $(INSTANCE). dagster.yaml is the production instance: not used here, as Dagster will warn.'
	@DAGSTER_HOME=$(INSTANCE) POSTBACK_CONFIG=$(POSTBACK_CONFIG) PYTHONWARNINGS='ignore:Function `dev_command`' \
		$(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1 -p 3000

format: setup ## Format Python and SQL, and mend what the linters can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix --disable-progress-bar $(MODELS)

docs: setup ## Write docs/destinations*, docs/platform-reports.md and the secrets in .env.example anew from the code
	$(BIN)/python -m postback_pipeline.cli.documents

lock: $(BIN)/uv ## Write requirements/*.txt anew from pyproject.toml and requirements/uv.in
	$(BIN)/uv pip compile $(LOCK) requirements/uv.in -o requirements/uv.txt
	$(BIN)/uv pip compile $(LOCK) pyproject.toml -o requirements/runtime.txt
	$(BIN)/uv pip compile $(LOCK) pyproject.toml --group dev -c requirements/runtime.txt -o requirements/dev.txt
	$(BIN)/uv pip compile $(LOCK) --group peers -o requirements/peers.txt
	$(BIN)/uv pip compile $(LOCK) --group judges -o requirements/judges.txt
	$(BIN)/uv pip compile $(LOCK) --group npm -o requirements/npm.txt

clean: ## Remove everything that make built, except data
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf dbt_project/target dbt_project/logs logs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One file for all systems and for Python 3.11-3.13, every download named by its hash, no word of where it came from.
LOCK = --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-header --no-annotate $(UPGRADE)

# pip asks rustc for its version, and where rustc is rustup's that alone writes to the home folder.
$(BIN)/python $(BIN)/uv: export RUSTUP_HOME := $(CURDIR)/.cache/rustup

# Tried here and then in /, where a version manager's local choice of a version that is not installed has no say.
$(BIN)/python:
	@for folder in . /; do for candidate in $(or $(PYTHON),$(CANDIDATES)); do \
		found=$$(cd $$folder && $$candidate -c 'import ensurepip, sys, venv; \
			(3, 11) <= sys.version_info < (3, 14) or sys.exit(1); print(sys.executable)' 2>/dev/null) && break 2; \
	done; done; \
	if [ -z "$$found" ]; then \
		echo 'Python 3.11, 3.12 or 3.13 with its venv module is needed, and none of these is one: $(or $(PYTHON),$(CANDIDATES)).' >&2; \
		echo 'Install one (on Debian: python3 and python3-venv) or name it: make setup PYTHON=/path/to/python3.12' >&2; \
		exit 1; \
	fi; \
	echo "Building .venv with $$found"; \
	"$$found" -m venv --clear .venv

$(BIN)/uv: requirements/uv.txt $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(INSTALLED): requirements/dev.txt pyproject.toml $(BIN)/uv
	@echo 'Installing what requirements/dev.txt names'
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(JUDGES): requirements/judges.txt $(INSTALLED)
	@$(BIN)/python -m benchmarks.environments judges
	@touch $@

# Folders count as well as files, so that a model that was removed leaves the manifest too.
# Parsed whole: where a metric came from a file before and from a measure now, dbt's partial parse counts it twice.
$(MANIFEST): $(INSTALLED) $(shell find dbt_project \
		-name target -prune -o -name logs -prune -o -name lint -prune -o -print)
	@echo 'Parsing dbt_project'
	@POSTBACK_WAREHOUSE=$(POSTBACK_WAREHOUSE) $(BIN)/dbt --quiet parse --no-partial-parse --project-dir dbt_project --profiles-dir dbt_project
	@touch $@

# Made once and then its owner's.
%/dagster.yaml: | $(INSTALLED)
	@$(BIN)/python -m postback_pipeline.defs.instance $(@D)