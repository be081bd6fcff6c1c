# A target installs what it needs into .venv, once per change of pyproject.toml.
#   make PYTHON=/path/to/python3.12 venv     another interpreter
#   make test PYTEST_ARGS="-k kinde -x"      some of the tests
#   make messages LANGUAGES=fr               begin a translation
#   make chaos CHAOS_ARGS="--seconds 600"    ten minutes of it
#   make bench BENCH_ARGS="--only drain"     a part of it

VENV := .venv
BIN := $(VENV)/bin

# Without a choice, the first of these that is new enough.
ifeq ($(origin PYTHON),undefined)
PYTHONS := python3 python3.13 python3.12 python3.11
else
PYTHONS := $(PYTHON)
endif

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUNBUFFERED := 1
# Processes are started by the hundred, and each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

PIP_INSTALL := $(BIN)/python -m pip install --quiet

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help venv demo serve screenshots test chaos bench bench-cluster bench-large lint format types migrations messages docs wheel tox clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# Named by its groups: .venv/.test holds the extras and the dependency group "test".
$(VENV)/.created:
	@for python in $(PYTHONS); do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "Creating $(VENV) with $$("$$python" --version)"; \
	        "$$python" -m venv $(VENV) || exit 1; \
	        $(PIP_INSTALL) --upgrade 'pip>=25.1' || exit 1; \
	        touch $@; exit 0; \
	    fi; \
	done; \
	echo "Python 3.11 or newer is needed (tried: $(PYTHONS)); name one: make PYTHON=/path/to/python3" >&2; \
	exit 1

$(VENV)/.demo: $(VENV)/.created pyproject.toml
	$(PIP_INSTALL) --editable '.[api,charts,metrics]'
	@touch $@

$(VENV)/.%: $(VENV)/.created pyproject.toml
	$(PIP_INSTALL) --editable '.[celery,api,charts,health-check,metrics,traces]' --group $*
	@touch $@

venv: $(VENV)/.test  ## Create .venv with the extras and what the tests need

demo: $(VENV)/.demo  ## Play a history of both providers through the example project
	$(BIN)/python example_project/demo.py

serve: $(VENV)/.demo  ## Leave the example project running on the same database, to look around
	$(BIN)/python example_project/demo.py --serve

screenshots: $(VENV)/.test  ## Take the pictures of the documentation; it needs chromium
	$(BIN)/python -m tests.browser.screenshots $(SCREENSHOTS)

# Tests wait a lot, so three runs go side by side: of what needs a server or takes long, in the order
# below, and of the rest on SQLite. With PYTEST_ARGS, what takes long is among the rest.
ifeq ($(strip $(PYTEST_ARGS)),)
AFTER_POSTGRES := tests/celery_engine tests/flood tests/fuzzing tests/test_chaos.py tests/vectors
AFTER_MARIADB := tests/benchmarks tests/browser tests/observing tests/test_demonstration.py \
    tests/test_example_project.py tests/test_read_replica.py tests/test_split_database.py
endif
PYTEST_ON_SQLITE := env -u DATABASE_URL $(BIN)/python -m pytest

test: $(VENV)/.test  ## Run every test on SQLite, on PostgreSQL, and on MariaDB where it is installed
	@$(MAKE) --no-print-directory test-on-postgres >$(VENV)/postgres.log 2>&1 & postgres=$$!; \
	$(MAKE) --no-print-directory test-on-mariadb >$(VENV)/mariadb.log 2>&1 & mariadb=$$!; \
	trap 'kill $$postgres $$mariadb 2>/dev/null' EXIT INT TERM; \
	status=0; \
	echo "Testing on SQLite"; \
	$(PYTEST_ON_SQLITE) $(patsubst %,--ignore=%,$(AFTER_POSTGRES) $(AFTER_MARIADB)) $(PYTEST_ARGS) || status=1; \
	wait $$postgres || status=1; \
	cat $(VENV)/postgres.log; \
	wait $$mariadb || status=1; \
	cat $(VENV)/mariadb.log; \
	exit $$status

.PHONY: test-on-postgres test-on-mariadb
test-on-postgres:
	@status=0; \
	echo "Testing on PostgreSQL"; \
	$(BIN)/python -m tests.with_database postgres $(BIN)/python -m pytest $(PYTEST_ARGS) || status=1; \
	if [ -n "$(AFTER_POSTGRES)" ]; then \
	    echo "Testing on SQLite, with brokers and in depth"; \
	    $(PYTEST_ON_SQLITE) $(AFTER_POSTGRES) || status=1; \
	fi; \
	exit $$status

test-on-mariadb:
	@status=0; \
	echo "Testing on MariaDB"; \
	if PATH="$$PATH:/usr/sbin" command -v mariadbd >$(VENV)/mysqlclient.log; then \
	    $(PIP_INSTALL) --group mariadb >>$(VENV)/mysqlclient.log 2>&1 || \
	        echo "mysqlclient cannot be installed; $(VENV)/mysqlclient.log says why."; \
	fi; \
	$(BIN)/python -m tests.with_database --optional mariadb \
	    $(BIN)/python -m pytest $(PYTEST_ARGS) || status=1; \
	if [ -n "$(AFTER_MARIADB)" ]; then \
	    echo "Testing on SQLite, what takes long"; \
	    $(PYTEST_ON_SQLITE) $(AFTER_MARIADB) || status=1; \
	fi; \
	exit $$status

chaos: $(VENV)/.test  ## Kill processes and servers while events arrive; also in builds broken on purpose
	$(BIN)/python -m tests.chaos $(CHAOS_ARGS)

# dj-stripe is only measured beside this package.
bench: $(VENV)/.test  ## Measure what everything costs, as ratios in one table
	@$(PIP_INSTALL) --group bench >$(VENV)/bench.log 2>&1 || \
	    echo "dj-stripe cannot be installed, and is not measured; $(VENV)/bench.log says why."
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

bench-cluster: $(VENV)/.test  ## Run a cluster on this machine; hosts come and go, and nothing may be lost
	$(BIN)/python -m benchmarks.cluster $(BENCH_ARGS)

bench-large: $(VENV)/.test  ## Measure the same at 1 and 5 million events; an hour, 20 GB
	$(BIN)/python -m benchmarks.large $(BENCH_ARGS)

lint: $(VENV)/.lint  ## Check style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(VENV)/.lint  ## Mend style and formatting
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(VENV)/.test $(VENV)/.lint  ## Check types
	$(BIN)/python -m mypy

migrations: $(VENV)/.test  ## Check that no migration is missing
	$(BIN)/python -m django makemigrations --check --dry-run --settings=tests.settings

messages: $(VENV)/.test  ## Gather the texts to be translated, and compile the translations
	$(BIN)/python -m tests.messages $(LANGUAGES)

docs: $(VENV)/.docs  ## Build the documentation into docs/_build/html
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs docs/_build/html
	@echo "docs/_build/html/index.html"

wheel: $(VENV)/.build  ## Build wheel and sdist into dist, and try the wheel alone
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/python .ci/check_wheel.py dist

tox: $(VENV)/.tox  ## Run the tests on each Python and Django found here
	$(BIN)/python -m tox run

clean:  ## Remove everything that the targets made
	rm -rf $(VENV) .tox dist build docs/_build .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find benchmarks billing_webhooks example_project tests -name __pycache__ -prune -exec rm -rf {} +
