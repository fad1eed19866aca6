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
PYTEST  = pytest -n 2 --dist loadgroup -m "not soak"
# Measuring makes Python a third slower, so it is left out where browsers and killed processes set the pace.
MEASURED   = tests/house tests/unit tests/contract tests/contract_kit tests/model tests/server tests/chaos tests/security tests/fuzz
UNMEASURED = tests/browser tests/faults tests/stores
INSTALL = $(BIN)/python -m tools.install

# Seeds of a minute on each kind of store; make faults FAULTS_ARGS="--seeds 10 --set-ups redis"
FAULTS_ARGS ?=

.PHONY: run setup test check bench faults soak clean lock wheel tools services

run: setup
	@echo "Starting LeFlux with $(CONFIG)"
	@exec $(BIN)/python run.py --config $(CONFIG)

setup: $(VENV)/.serve $(WIDGET)/dist/.built

test: setup tools services
	$(NPM) test
ifeq ($(strip $(PYTEST_ARGS)),)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m $(PYTEST) $(MEASURED)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
	$(BIN)/python -m $(PYTEST) $(UNMEASURED)
else
	$(BIN)/python -m $(PYTEST) $(PYTEST_ARGS)
endif

soak: setup tools services
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m soak --timeout 5400 $(PYTEST_ARGS)

check: setup tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.house
	$(BIN)/python -m tests.lock.check
	$(NPM) run check

faults: setup tools services
	$(BIN)/python -m tests.faults $(FAULTS_ARGS)

bench: setup tools services
	$(BIN)/python -m bench $(BENCH_ARGS)

# After a change of requirements.txt or tests/requirements.txt. Needs the network.
lock: tools
	$(BIN)/python -m tests.lock.write

# build/wheel/leflux-VERSION-py3-none-any.whl, with the built widget and dashboard in it.
wheel: setup
	rm -rf build/lib build/bdist.* build/wheel
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir build/wheel .

tools: $(VENV)/.tools
services: tools
	$(BIN)/python -m tests.services.install

clean:
	rm -rf $(VENV) $(WIDGET)/node_modules $(WIDGET)/dist $(PAGES)/dist build

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "LeFlux needs Python 3.11 or newer (make run PYTHON=python3.12)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing (on Debian: apt install python3-venv)"; exit 1; }
	@echo "1/4  Making a Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.serve: requirements.lock | $(BIN)/python
	@echo "2/4  Installing Python packages and Node into $(VENV) (a minute or two, once)"
	@$(INSTALL) requirements.lock
	@touch $@

$(VENV)/.tools: requirements.lock tests/requirements.lock | $(VENV)/.serve
	@$(INSTALL) requirements.lock tests/requirements.lock
	@touch $@

$(WIDGET)/node_modules/.installed: $(WIDGET)/package.json $(WIDGET)/package-lock.json $(WIDGET)/.npmrc | $(VENV)/.serve
	@echo "3/4  Installing what builds the widget"
	@$(NPM) ci --silent --no-progress
	@touch $@

$(WIDGET)/dist/.built: $(WIDGET)/node_modules/.installed $(WIDGET)/build.mjs $(WIDGET)/build-dashboard.mjs $(shell find $(WIDGET)/src $(PAGES)/src $(PAGES)/*.html -type f 2>/dev/null)
	@echo "4/4  Building the widget and the dashboard"
	@$(NPM) run --silent build
	@touch $@
