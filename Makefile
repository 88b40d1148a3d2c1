# Works from a bare clone with make and a Python from 3.11 on; the first run of a target installs what it needs.
#   make demo [PORT=8000] [ONCE=1]      make test [ARGS=tests/voice]      make serve [HOST= PORT= WORKERS=]
PY ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000
WORKERS ?= 1
ONCE ?=
ARGS ?=
SBOM ?= sbom.json
JOBS ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export HOST PORT WORKERS ONCE

# What touches the database by itself runs on SQLite as well; chosen by path, nothing is deselected. Races and crashes
# make databases of both kinds in the first pass already.
BOTH = $(wildcard tests/scheduling/test_*race*.py tests/scheduling/test_*crashes.py)
ON_SQLITE = tests/accounts/audit tests/scheduling tests/voice tests/calls $(addprefix --ignore=,$(BOTH))

define install
	@$(PY) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 15) else "Python 3.11 to 3.14 is needed: make PY=/path/to/python3")'
	@test -x $(BIN)/python || $(PY) -m venv $(VENV) || { rm -rf $(VENV); echo "venv is missing: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install -q --require-hashes -r requirements-uv.txt || true
	@if [ -x $(BIN)/uv ]; then VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip install -q --require-hashes -r $(1); \
	else $(BIN)/python -m pip install -q --require-hashes -r $(1); fi
	@touch $@
endef

.PHONY: demo test e2e lint bench serve worker lock sbom

demo: $(VENV)/.run
	@$(BIN)/python -m carematix.demo

serve: $(VENV)/.run
	@exec $(BIN)/python -m carematix.server

worker: $(VENV)/.run
	@exec $(BIN)/python -m carematix.worker

test: $(VENV)/.dev
ifeq ($(strip $(ARGS)),)
	$(BIN)/python -m tests.services -- sh -ec '\
	$(BIN)/python -m pytest -q -n $(JOBS); \
	DATABASE_URL= REDIS_URL= $(BIN)/python -m pytest -q -n $(JOBS) $(ON_SQLITE)'
else
	$(BIN)/python -m tests.services -- $(BIN)/python -m pytest -q $(ARGS)
endif

e2e: $(VENV)/.dev
	$(BIN)/python -m tests.services -- $(BIN)/python -m pytest -q tests/browser tests/e2e $(ARGS)

lint: export DEBUG = 1
lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/djlint --quiet --lint templates
	$(BIN)/bandit -q -r -c pyproject.toml manage.py carematix accounts scheduling voice dashboard
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --fail-level WARNING
	DEBUG=0 SECRET_KEY=only-for-the-file-names ASSISTANT=openai $(BIN)/python manage.py collectstatic --noinput --dry-run -v0

bench: $(VENV)/.dev
	$(BIN)/python -m tests.services --without-browser -- $(BIN)/python -m bench $(ARGS)

sbom: $(VENV)/.dev
	$(BIN)/cyclonedx-py requirements requirements.txt --of JSON --sv 1.6 --output-reproducible -o $(SBOM)

lock: $(VENV)/.dev
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes requirements-dev.in -o requirements-dev.txt
	echo "uv==$$($(BIN)/uv --version | cut -d' ' -f2)" | $(BIN)/uv pip compile -q --universal --generate-hashes - -o requirements-uv.txt

$(VENV)/.run: requirements.txt requirements-uv.txt
	$(call install,requirements.txt)

$(VENV)/.dev: requirements-dev.txt requirements-uv.txt
	$(call install,requirements-dev.txt)
	@touch $(VENV)/.run
