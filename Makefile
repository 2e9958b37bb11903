# Needs Python 3.11, git and make. Everything else (PostgreSQL, Redis, Java, Kafka, Node, Chromium) comes out of packages.

PYTHON ?= python3.11
VENV := .venv
PY := $(VENV)/bin/python
KIZASHI := $(VENV)/bin/kizashi
CODE := contracts services kizashi simulator evaluation
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup lock check format test demo bench e2e chaos contracts docs clean

help: ## show this list
	@echo "Kizashi (兆し). First: make demo"
	@echo
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "ARGS passes arguments on, for example: make demo ARGS=\"--exit --report demo.json\""

setup: $(VENV)/.installed ## install everything under .venv and the user's cache (done by the other targets when needed)

$(VENV)/.installed: requirements.lock pyproject.toml kizashi/embedded/kafka-jars.lock kizashi/embedded/node/package-lock.json
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "Python packages (300 MB the first time) ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(PY) -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(PY) -m kizashi.embedded.fetch
	@touch $@

lock: ## resolve requirements.lock anew from pyproject.toml
	@$(VENV)/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --extra dev --no-header \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements.lock pyproject.toml
	@sed -i '1i # Every Python package, pinned by hash. Made by `make lock` from pyproject.toml; installed by `make setup`.' requirements.lock

check: setup ## lint, format, types, import rules
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy --strict $(wildcard $(CODE))
	@$(VENV)/bin/lint-imports

format: setup ## format and sort imports
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

test: setup ## all tests: unit, integration with real Kafka, PostgreSQL and Redis, the fault matrix, the whole chain, the browser
	@$(PY) -m pytest $(ARGS)

demo: setup ## watch a school year happen; prints the address of the teacher's board
	@$(KIZASHI) demo $(ARGS)

bench: setup ## measure everything on this machine (an hour; ARGS=--quick: minutes) and write docs/benchmarks.md
	@$(KIZASHI) bench all $(ARGS)

e2e: setup ## the whole chain and the browser only
	@$(PY) -m pytest tests/e2e $(ARGS)

chaos: setup ## the long fault matrix: each fault as often as its row says, three brokers, the whole system killed 300 times
	@KIZASHI_CHAOS=long $(PY) -m pytest -m chaos tests/chaos $(ARGS)

contracts: setup ## write the JSON Schemas and the AsyncAPI document from the types
	@$(PY) -m contracts.schemas
	@$(PY) -m contracts.asyncapi

docs: setup ## check the documents: links, commands
	@$(PY) -m pytest tests/docs $(ARGS)

clean: ## remove what was installed and run here; the user's download cache stays
	@rm -rf $(VENV) .kizashi services/gateway/static/vendor *.egg-info build .mypy_cache .ruff_cache .pytest_cache .hypothesis
