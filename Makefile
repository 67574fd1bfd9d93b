# Each command sets up what it needs on a machine with python3 (3.11 or newer) and make:
#
#   make quickstart    data, a small trained model, its scores and a report: minutes
#   make test          the tests
#   make test-fast     those that take less than a second each
#   make docs          the documentation as a site: open site/index.html
#
# PYTHON=python3.12 takes another interpreter, with a virtual environment of its own.

PYTHON ?= python3
VENV ?= .venv$(if $(filter-out python3,$(PYTHON)),-$(notdir $(PYTHON)))
BIN = $(VENV)/bin

.PHONY: quickstart test test-fast lint docs clean

quickstart: $(VENV)/report
	@echo "Trains for two minutes on two cores, scores and reports; then look at the arrows."
	$(BIN)/python train.py --config configs/quickstart.py
	@echo "Open runs/quickstart/report.html in a browser."

test: $(VENV)/test
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

# Without the tests that take a second or more: for the work at hand.
test-fast: $(VENV)/test
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m 'not slow' $(PYTEST_ARGS)

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

# Strict: a broken link, or anything that a page would load from elsewhere, is an error.
# The variable leaves out the theme's note on its end of life (CONTRIBUTING.md).
docs: $(VENV)/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "Open site/index.html in a browser."

# One stamp file for each extra, so that each is installed once.
$(VENV)/%: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[$*]'
	@touch $@

clean:
	rm -rf .venv .venv-* build dist site
