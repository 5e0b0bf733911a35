# Targets for a person and for CI; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CLIENT := generated/tcia-client
PORT ?= 8042

.DEFAULT_GOAL := demo
.PHONY: demo setup generate check check-live regenerate watch docs pictures test mutation bench serve fmt \
  lint lock clean help

demo: $(READY) ## the main job: archive, crawl, generate, import, query, download (default)
	@$(BIN)/python generator/demo

setup: $(READY) ## make .venv with the locked dependencies

generate: $(READY) ## make generated/ from documents, overlay and templates
	@$(BIN)/tciagen generate

check: $(READY) ## fail if documents, overlay, templates and generated/ do not agree
	@$(BIN)/tciagen check

check-live: $(READY) ## compare documents, schema and contract with the server
	@$(BIN)/tciagen check --live

regenerate: $(READY) ## update everything from the server, or change nothing
	@$(BIN)/tciagen regenerate

watch: $(READY) ## generate again on each change of documents, templates, overlay or configuration
	@$(BIN)/tciagen watch

docs: $(READY) ## build the documentation as a site, into .work/site
	@$(BIN)/python docs/site/pages.py .work/pages
	@cd docs/site && NO_MKDOCS_2_WARNING=1 ../../$(BIN)/mkdocs build --strict --quiet
	@echo ".work/site/index.html"

pictures: $(READY) ## draw the README's pictures and record its terminal sessions
	$(BIN)/python docs/site/pictures.py
	$(BIN)/python docs/site/recordings.py

test: lint check ## everything that CI runs: lint, types, import rules, check, tests
	$(BIN)/pytest -n 3 --dist worksteal

mutation: $(READY) ## remove each cleanup of the runtime once; fail if no test misses it (minutes)
	@$(BIN)/python tests/mutation/cleanups.py

bench: $(READY) ## measure, and print ratios against a rival in the same run
	@for script in tests/benchmarks/[a-z]*.py; do $(BIN)/python $$script || exit 1; done

serve: $(READY) ## serve the demo archive at http://127.0.0.1:$(PORT)/services/v3
	@$(BIN)/tciagen archive demo --catalog .work/archive/catalog.sqlite
	@$(BIN)/tciagen archive serve --catalog .work/archive/catalog.sqlite --port $(PORT)

fmt: $(READY) ## format our own sources (generated ones are black's)
	$(BIN)/ruff check --quiet --fix-only .
	$(BIN)/ruff format --exclude generated --exclude tests/data .
	$(BIN)/black --quiet templates

lint: $(READY) ## ruff, black, mypy strict, pyright strict, import rules, words, workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --exclude generated --exclude tests/data .
	$(BIN)/black --check --quiet generated
	$(BIN)/mypy
	cd $(CLIENT) && ../../$(BIN)/mypy src && ../../$(BIN)/basedpyright --pythonpath ../../$(BIN)/python
	PYTHONPATH=templates/client/package $(BIN)/lint-imports
	$(BIN)/python tests/language/prose.py
	$(BIN)/actionlint
	$(BIN)/zizmor --quiet --offline --strict-collection .github/workflows

lock: $(READY) ## pin every dependency again, with hashes
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.11 --group dev --upgrade pyproject.toml --output-file requirements.lock

clean: ## remove what the targets make, but not generated/
	rm -rf $(VENV) .work dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "tciagen needs Python 3.11 or later; call make PYTHON=python3.x"; exit 2; }
	@echo "making $(VENV) with the locked dependencies"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --no-build-isolation --editable .
	@touch $@
