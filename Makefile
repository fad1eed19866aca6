# Two commands: `make run` starts everything, `make test` proves it. Nothing is installed outside this folder
# (only `make test` asks the system for Chromium and Redis, when it may and they are missing).
PYTHON ?= python3
CONFIG ?= config/embedded.yaml
VENV   := .venv
BIN    := $(VENV)/bin
WIDGET := leflux/widget
PAGES  := leflux/dashboard
NPM     = PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix $(WIDGET)
# Set PYTEST_ARGS to run a part: make test PYTEST_ARGS=tests/unit
PYTEST_ARGS ?=

.PHONY: run setup test check bench soak clean tools services

run: setup
	@exec $(BIN)/python run.py --config $(CONFIG)

setup: $(VENV)/.serve $(WIDGET)/dist/.built

test: setup tools services
	$(NPM) test
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not soak" $(PYTEST_ARGS)

soak: setup tools services
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m soak --timeout 5400 $(PYTEST_ARGS)

check: setup tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NPM) run check

bench: setup tools services
	$(BIN)/python -m bench $(BENCH_ARGS)

tools: $(VENV)/.tools
services: tools
	$(BIN)/python -m tests.services.install

clean:
	rm -rf $(VENV) $(WIDGET)/node_modules $(WIDGET)/dist $(PAGES)/dist build

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "LeFlux needs Python 3.11 or newer (make run PYTHON=python3.12)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing (on Debian: apt install python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.serve: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.tools: requirements.txt tests/requirements.txt | $(VENV)/.serve
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@

$(WIDGET)/node_modules/.installed: $(WIDGET)/package.json $(WIDGET)/package-lock.json $(WIDGET)/.npmrc | $(VENV)/.serve
	$(NPM) ci --silent --no-progress
	@touch $@

$(WIDGET)/dist/.built: $(WIDGET)/node_modules/.installed $(WIDGET)/build.mjs $(WIDGET)/build-dashboard.mjs $(shell find $(WIDGET)/src $(PAGES)/src $(PAGES)/*.html -type f 2>/dev/null)
	$(NPM) run --silent build
	@touch $@
