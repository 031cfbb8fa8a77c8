# make demo   the main job on synthetic films; prints the report's path last
# make test   every check (under 15 minutes on 2 cores)
# make test-all   the slow ones too, and what share of each package's lines they run: no module under 85 % (simulations of
#                 tests/properties run by themselves: counting their lines would double their time)
# make docs   the documentation site, in site/
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-all check docs

demo: .venv/ready
	$(BIN)/hilum demo --workspace demo

test: .venv/ready-dev check
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" --doctest-modules tests src

test-all: .venv/ready-dev check
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/properties
	$(BIN)/coverage erase
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report= --ignore tests/properties --doctest-modules tests src
	$(BIN)/coverage json --quiet
	$(BIN)/python tests/least_coverage.py coverage.json

check: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/ready-dev
	$(BIN)/mkdocs build --strict

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/ready-dev: pyproject.toml .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
