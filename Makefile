# One virtual environment in .venv, filled in two steps: what the demo needs, then what tests and checks need.
# Each step leaves a stamp, so that a second call installs nothing unless pyproject.toml or constraints.txt changed.

PYTHON ?= python3
# A package index that holds CPU wheels of torch, for machines where PyPI's torch would pull CUDA, for example
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install -qq --constraint constraints.txt
DEMO_DIR ?= runs/demo-airfoil
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test chaos check docs format clean distclean

help:  ## Show this list.
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "variables: PYTHON=$(PYTHON)  TORCH_INDEX=$(TORCH_INDEX)  PYTEST_ARGS=$(PYTEST_ARGS)"

setup: $(VENV)/stamp-dev  ## Make .venv with everything: package, demo, test and check tools.
	@echo "$(VENV) is ready"

demo: $(VENV)/stamp-demo  ## Run the airfoil study; ends with a table of indices and a report.
	$(BIN)/parsl-sa launch apps/airfoil/spec.json --dir $(DEMO_DIR)

test: $(VENV)/stamp-dev  ## Run the test suite (PYTEST_ARGS="tests/stats -x" narrows it).
	$(BIN)/python -m pytest $(PYTEST_ARGS)

chaos: $(VENV)/stamp-dev  ## Kill and freeze every kind of process in a study (a quarter of an hour).
	PARSL_SA_CHAOS=1 $(BIN)/python -m pytest tests/chaos tests/integration $(PYTEST_ARGS)

check: $(VENV)/stamp-dev  ## Run ruff, mypy, the layer test and the doctests.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py
	$(BIN)/python -m pytest -q --doctest-modules parsl_sa

docs: $(VENV)/stamp-dev  ## Write the pages that are made from the sources (docs/spec.md).
	$(BIN)/python docs/generate_spec.py

format: $(VENV)/stamp-dev  ## Rewrite the sources in the house format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove caches and build products; keeps .venv and runs/.
	rm -rf build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache runinfo
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## Remove .venv too.
	rm -rf $(VENV)

$(VENV)/stamp-python:
	@command -v $(PYTHON) >/dev/null || { echo "make: no '$(PYTHON)' here; name a Python 3.11 or later: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: parsl-sa needs Python 3.11 or later, and '$(PYTHON)' is $$($(PYTHON) -V 2>&1); name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "make: '$(PYTHON)' cannot make a virtual environment (on Debian: apt-get install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# NeuralFoil, facenet-pytorch and fusion-surrogates come without their dependencies: only their weights are read. A torch
# from TORCH_INDEX also comes alone, since such an index seldom holds the pinned versions of what torch depends on.
$(VENV)/stamp-demo: pyproject.toml constraints.txt | $(VENV)/stamp-python
	@echo "installing parsl-sa and what the demo needs into $(VENV) (a minute or two)"
ifneq ($(strip $(TORCH_INDEX)),)
	$(INSTALL) --no-deps --index-url $(TORCH_INDEX) torch
endif
	$(INSTALL) --editable '.[mpi]'
	$(INSTALL) --no-deps neuralfoil
	@touch $@

$(VENV)/stamp-dev: $(VENV)/stamp-demo
	@echo "installing what tests and checks need into $(VENV)"
	$(INSTALL) --editable '.[mpi,demo,onnx,huggingface,sklearn,parquet,apps,test,dev]'
	$(INSTALL) --no-deps facenet-pytorch fusion-surrogates
	@touch $@
