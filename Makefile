# The two commands of a newcomer are `make demo` and `make test`; `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host \
	--no-emit-find-links --allow-unsafe --strip-extras --all-extras

# A browser and its driver: they are here, or root installs Debian's. Fails, silently but for apt, where neither holds.
BROWSER := { command -v chromium && command -v chromedriver; } >/dev/null || { test "$$(id -u)" = 0 \
	&& apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium chromium-driver >/dev/null; }

# Tests write to a disk most of the time they take. Where memory can be written to as a folder, and programs be started
# there, they write to that. What a test leaves is kept only where it failed.
TESTS = $(shell test "$$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $$4 }')" -gt 2000000 2>/dev/null \
	&& f=$$(mktemp -p /dev/shm) && chmod +x $$f && $$f 2>/dev/null && echo TMPDIR=/dev/shm; rm -f $$f) \
	$(BIN)/python -m pytest -o tmp_path_retention_policy=failed

# What Python compiled is kept: the tests start thousands of processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test check format bench test-real record crontab dev lock clean
.DEFAULT_GOAL := help

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/run.ok  ## stand-ins for every outside system, then the jobs one after the other, for real
	@{ $(BROWSER); } || true  # without one the demonstration says what it leaves out
	@$(BIN)/integrator demo

test: .venv/dev.ok .venv/browser.ok  ## the whole test suite, four files at a time: many tests wait for processes
	$(TESTS) tests -n 4 --dist loadfile --no-loadscope-reorder

check: .venv/dev.ok  ## format, lint, types
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench
	$(BIN)/mypy

format: .venv/dev.ok  ## put the code in shape
	$(BIN)/ruff format src tests bench
	$(BIN)/ruff check --fix src tests bench

bench: .venv/dev.ok  ## what the work costs, beside a floor measured in the same run
	$(BIN)/python -m bench

test-real: .venv/dev.ok .venv/browser.ok  ## a real WordPress from Debian's packages (needs root), every page and mishap in Chromium, and the gateway
	$(TESTS) tests/real/wordpress
	$(TESTS) tests/real/browser tests/real/gateway -n 3 --dist loadfile --no-loadscope-reorder

record: .venv/dev.ok  ## record every cassette again
	$(BIN)/python tests/record_cassettes.py

crontab: .venv/run.ok  ## print crontab.example again
	INTEGRATOR_HOME= $(BIN)/integrator schedule --home /srv/integrator > crontab.example

dev: .venv/dev.ok  ## only set up .venv

lock:  ## resolve the dependencies again and pin them with hashes
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet pip-tools
	CUSTOM_COMPILE_COMMAND="make lock" $(COMPILE) -o requirements/run.txt pyproject.toml requirements/build.in
	CUSTOM_COMPILE_COMMAND="make lock" $(COMPILE) -o requirements/dev.txt pyproject.toml requirements/build.in requirements/dev.in

clean:  ## forget .venv and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "integrator needs Python 3.11 or newer; try: make PYTHON=python3.12 demo" >&2; exit 1; }
	$(PYTHON) -m venv .venv || { echo "no venv module: on Debian type  apt-get install python3-venv" >&2; exit 1; }

.venv/run.ok: requirements/run.txt pyproject.toml | .venv/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

.venv/browser.ok: | .venv/bin/pip
	@{ $(BROWSER); } \
		|| { echo "the tests of web pages need a browser; type: sudo apt-get install chromium chromium-driver" >&2; exit 1; }
	@touch $@

.venv/dev.ok: requirements/dev.txt .venv/run.ok
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@
