# `make demo` shows the product, `make test` checks it; both set up .venv first and nothing outside it.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check format docs browser clean

demo: .venv/installed-all
	$(BIN)/quacktrace demo $(ARGS)

test: browser check

check: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

format: .venv/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The parts of docs/ that are made from code; the tests fail when they are out of date.
docs: .venv/installed-dev
	UPDATE_DOCS=1 $(BIN)/pytest -q tests/test_docs.py tests/collector/test_sql_docs.py

# Browser tests drive Debian's Chromium; without it they skip and say so.
browser:
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium \
		|| echo "Chromium could not be installed: the browser tests will be skipped"; \
	else echo "No Chromium here (on Debian: sudo apt-get install chromium): the browser tests will be skipped"; fi

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "quacktrace needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv

.venv/installed-all: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[all]'
	@touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ .venv/installed-all

clean:
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
