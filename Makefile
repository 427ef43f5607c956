# Every target builds .venv by itself when it is missing or older than pyproject.toml.
PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := check
.PHONY: serve test quick check format bench docs clean

serve: $(INSTALLED)  ## Serve a model: make serve [MODEL=...] [FLAGS="--port 8001 ..."]
	$(BIN)/antiphon serve $(MODEL) $(FLAGS)

test: $(INSTALLED)  ## The whole suite; fetches the default model once.
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope

quick: $(INSTALLED)  ## The tests that need neither a process of their own nor the default model.
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope -m "not slow and not model"

check: $(INSTALLED) .types/antiphon  ## Format, lint, types and the quick tests.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) quick

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(INSTALLED)  ## The engine alone, against transformers.generate.
	$(BIN)/python -m benchmarks.bench_engine

docs: $(INSTALLED)  ## The pages that are made from code.
	$(BIN)/python -m antiphon.server.settings_table > docs/settings.md
	$(BIN)/python -m antiphon.server.dialect_table > docs/dialect_table.md
	$(BIN)/python -m antiphon.server.extensions_page > docs/extensions.md

clean:
	rm -rf $(VENV) .clients .types build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "antiphon needs Python 3.11 or later")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

# mypy does not look through an editable install's import hook.
.types/antiphon:
	mkdir -p $@
	ln -sfn ../../server $@/server
	ln -sfn ../../engine $@/engine
	ln -sfn ../../models $@/models
