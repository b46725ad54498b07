# Everything that a fresh machine needs is installed into .venv by pip; run again, nothing is installed.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: help demo test lint format docs clean

help:
	@echo "make demo    see the scheme proven and three networks trained (about two minutes, then open report/index.html)"
	@echo "make test    lint, types, import rules and the test suite"
	@echo "make lint    ruff, mypy and the import rules alone"
	@echo "make format  format the code"
	@echo "make docs    build the documentation into site/"
	@echo "make clean   remove reports and caches (not .venv)"

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,dev]'
	@touch $@

demo: $(STAMP)
	$(BIN)/python -m solver demo --out report/solver
	$(BIN)/python -m validation --out report/validation
	$(BIN)/python -m nnbridge reproduce mnist --data digits --seeds 1 --out report/training
	$(BIN)/python -m solver index report

test: lint
	$(BIN)/python -m pytest -n 2

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	$(BIN)/mkdocs build --strict

clean:
	rm -rf report site runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
