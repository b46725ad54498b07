# Everything that a fresh machine needs is installed into .venv by pip; run again, nothing is installed.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
DOCS_STAMP := .venv/.docs-installed
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: help demo validate validate-full test test-slow lint format docs clean

help:
	@echo "make demo           see the scheme proven and three networks trained (about two minutes, then open report/index.html)"
	@echo "make validate       the studies alone, in seconds: report/validation/report.html"
	@echo "make validate-full  more cases, finer grids, longer runs, in minutes: report/validation-full/report.html"
	@echo "make test           lint, types, import rules and the test suite"
	@echo "make test-slow      what is left out of it: the GPU's kernels for smaller blocks, another processor's vectors; minutes"
	@echo "make lint           ruff, mypy and the import rules alone"
	@echo "make format         format the code"
	@echo "make docs           build the documentation into site/; a warning is an error"
	@echo "make clean          remove reports and caches (not .venv)"

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) -e '.[train,dev]'
	@touch $@

$(DOCS_STAMP): $(STAMP)
	$(PIP) -e '.[docs]'
	@touch $@

demo: $(STAMP)
	$(BIN)/python -m solver demo --out report/solver
	$(BIN)/python -m validation --out report/validation
	$(BIN)/python -m nnbridge reproduce mnist --data digits --seeds 1 --out report/training
	$(BIN)/python -m solver index report

validate: $(STAMP)
	$(BIN)/python -m validation --out report/validation

validate-full: $(STAMP)
	$(BIN)/python -m validation --full --out report/validation-full

# Tests of one xdist group run in one worker: those that look at the studies' results share one run of them.
test: lint
	$(BIN)/python -m pytest -n 2 --dist loadgroup

# Then the kernels as a processor with vectors of 256 bits has them, which one with wider vectors does not compile.
test-slow: $(STAMP)
	$(BIN)/python -m pytest -n 2 -m slow
	NUMBA_CPU_NAME=haswell NUMBA_CPU_FEATURES=+avx,+avx2,+fma $(BIN)/python -m pytest -n 2 --dist loadgroup \
		tests/solver/test_small_planes.py tests/nnbridge/test_learned_layer.py tests/nnbridge/test_fused.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(DOCS_STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

clean:
	rm -rf report site runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
