# make demo   the main job on synthetic films; prints the report's path last
# make test   every check (under 15 minutes on 2 cores)
# make test-all   the slow ones too, and what share of each package's lines they run: no module under 85 % (simulations of
#                 tests/properties run by themselves: counting their lines would double their time)
# make docs   the documentation site, in site/
# make bench  hilum beside its rivals in one run of ten minutes: a table, and its ratios stored for this machine
# make bench-compare   the same, held against the stored ratios: fails where one fell by more than a tenth
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-all check docs bench bench-compare

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

bench: .venv-bench/ready
	.venv-bench/bin/python benchmarks/bench.py --json --markdown benchmarks/results/bench.md

bench-compare: .venv-bench/ready
	.venv-bench/bin/python benchmarks/bench.py --compare

# rivals see the project's environment and change nothing in it
.venv-bench/ready: benchmarks/rivals.py .venv/ready-dev
	$(PYTHON) -m venv --clear .venv-bench
	.venv-bench/bin/python benchmarks/rivals.py "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	touch $@

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/ready-dev: pyproject.toml .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
