# Needs: make, a POSIX shell and Python 3.11 or newer. Everything else comes from the lock files into .venv; the tests
# need PostgreSQL's server and Chromium besides, which scripts/setup installs where it can.

PYTHON_BIN := .venv/bin
# make lock UPGRADE=--upgrade takes the newest versions; without it, versions stay as long as pyproject.toml allows.
UPGRADE ?=
COMPILE = $(PYTHON_BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" $(UPGRADE)

.DEFAULT_GOAL := help
.PHONY: help demo run test soak check bench bench-large golden screenshot lock clean setup-runtime setup-dev

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# Here and below: `exec` leaves no shell between make and the program, so Ctrl-C reaches the program once, from the
# terminal, and make waits until it has stopped in order.
demo: export SAFECONDUCT_HOME ?= $(CURDIR)/.safeconduct/demo
demo: setup-runtime ## start everything on this machine with made-up cases
	@exec $(PYTHON_BIN)/safeconduct up --demo

run: export SAFECONDUCT_HOME ?= $(CURDIR)/.safeconduct/run
run: setup-runtime ## start everything on this machine
	@exec $(PYTHON_BIN)/safeconduct up

# Some machines tell Python to keep no compiled modules: then each of the hundreds of processes would compile them anew.
test: export PYTHONDONTWRITEBYTECODE =
test: setup-dev ## run the tests
	@$(PYTHON_BIN)/python -m pytest -n 5 --dist loadscope --no-loadscope-reorder

soak: setup-dev ## a hundred crash rounds, two minutes without records, 200 cases restored, 2,000 alerted, 10,000 changes of a log in PostgreSQL (SAFECONDUCT_SEED=N for the same rounds again)
	@SAFECONDUCT_ROUNDS=$${SAFECONDUCT_ROUNDS:-100} SAFECONDUCT_OUTAGE=$${SAFECONDUCT_OUTAGE:-120} \
		SAFECONDUCT_CASES=$${SAFECONDUCT_CASES:-200} SAFECONDUCT_ALERTED=$${SAFECONDUCT_ALERTED:-2000} \
		SAFECONDUCT_MUTATIONS=$${SAFECONDUCT_MUTATIONS:-10000} \
		$(PYTHON_BIN)/python -m pytest -s tests/engine/test_rounds.py tests/engine/test_outages.py tests/engine/test_alerts_through_kills.py \
		tests/restore/test_restore.py tests/records/test_s5_mutations.py

check: setup-dev ## lint, formatting, types, import rules, installed versions
	$(PYTHON_BIN)/ruff check
	$(PYTHON_BIN)/ruff format --check
	$(PYTHON_BIN)/mypy
	$(PYTHON_BIN)/lint-imports --no-logo
	$(PYTHON_BIN)/uv pip check --python $(PYTHON_BIN)/python

bench: setup-dev ## run the benchmarks
	@$(PYTHON_BIN)/python -m benchmarks.run

bench-large: setup-dev ## run the lists' benchmark over 250,000 cases (some minutes, 4 GB of disk)
	@$(PYTHON_BIN)/python -m benchmarks.large

golden: setup-dev ## record the histories and the log of a new release, for the tests of later ones
	@$(PYTHON_BIN)/python -m tests.support.record_golden
	@$(PYTHON_BIN)/python -m tests.support.record_log

screenshot: setup-dev ## take the pictures in docs/
	@$(PYTHON_BIN)/python scripts/take_screenshot.py

lock: setup-dev ## write the lock files again (UPGRADE=--upgrade for newer versions)
	$(COMPILE) --group build pyproject.toml --output-file requirements.lock
	$(COMPILE) --group build --extra dev pyproject.toml --constraints requirements.lock --output-file requirements-dev.lock
	$(COMPILE) --group bootstrap --output-file requirements-bootstrap.lock

clean: ## remove .venv and caches; case files under .safeconduct/ stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup-runtime:
	@scripts/setup runtime

setup-dev:
	@scripts/setup dev
