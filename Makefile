# Works with GNU make 3.81, as macOS has it. PYTHON selects the interpreter, at least 3.11:
#   make demo PYTHON=python3.12

PYTHON ?= python3
VENV ?= .venv
# One process a processor, four at most: each starts daemons and an engine of its own.
PYTEST_FLAGS ?= -n logical --maxprocesses 4 --dist loadgroup
# What failed is judged once more, alone: a test of real time needs a machine that doesn't stand
# still meanwhile. Both judgements are printed; what fails twice has failed.
ONCE_MORE = -n 1 --dist loadgroup --last-failed --last-failed-no-failures none
IN_VENV = $(VENV)/bin/python
# The constraints hold for what builds the package, too; which variable does it depends on pip's age.
LOCKED = PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt
INSTALL = $(LOCKED) $(IN_VENV) -m pip install --quiet --disable-pip-version-check
WHAT_IS_INSTALLED = pyproject.toml constraints.txt bridge/version.py

.PHONY: help demo test test-ardour soak check bench docs clean

help:
	@echo "make demo    set everything up, play the demo, leave the results in demo-out/"
	@echo "make test    install what the tests need and run them; WITH=\"acestep link\" those of the extras too"
	@echo "make test-ardour  the preview in a DAW that nobody here wrote; installs it where it may"
	@echo "make soak    ten minutes of playing while jobs compute, every sample checked"
	@echo "make check   format, lint, types"
	@echo "make bench   print the benchmarks' tables"
	@echo "make docs    rewrite what is generated: docs/osc.md, docs/settings.md, the Lua module, index.xml"
	@echo "make clean   remove the virtual environment and what was made here"
	@echo "PYTHON=...   the interpreter to use, at least 3.11; now $(PYTHON)"

demo: $(VENV)/.demo
	$(VENV)/bin/punchin demo

test: $(VENV)/.test $(WITH:%=$(VENV)/.test.%)
	$(IN_VENV) -m pytest $(PYTEST_FLAGS) || { [ $$? -eq 1 ] && $(IN_VENV) -m pytest $(ONCE_MORE); }

test-ardour: $(VENV)/.test
	@command -v ardour >/dev/null && command -v jackd >/dev/null || \
	  { apt-get update -qq && apt-get install -qq -y --no-install-recommends jackd2 ardour; } || \
	  { echo "please install jackd2 and ardour"; exit 2; }
	$(IN_VENV) -m pytest -m ardour -s tests/live

soak: $(VENV)/.test
	PUNCHIN_SOAK_S=600 $(IN_VENV) -m pytest -m soak tests/live

check: $(VENV)/.dev
	$(IN_VENV) -m ruff format --check .
	$(IN_VENV) -m ruff check .
	$(IN_VENV) -m mypy

bench: $(VENV)/.bench
	@for table in benchmarks/*.py; do echo "$$table"; $(IN_VENV) $$table || exit 1; done

docs: $(VENV)/.demo
	$(IN_VENV) -m bridge.protocol.render
	$(IN_VENV) -m daemon.core.settings_page
	$(IN_VENV) -m bridge.reaper.index

clean:
	rm -rf $(VENV) demo-out bench-out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- the virtual environment ----------------------------------------------------------------------

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Punchin needs Python 3.11 or newer, and $(PYTHON) is older or missing:"; \
	  echo "install one and name it, as in: make demo PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo: $(VENV)/.made $(WHAT_IS_INSTALLED)
	$(INSTALL) -e '.[pictures]'
	@touch $@

$(VENV)/.test: $(VENV)/.made $(WHAT_IS_INSTALLED)
	$(INSTALL) -e '.[test]'
	@$(INSTALL) -e '.[live]' || echo "no live audio and MIDI here: their tests are skipped"
	@touch $@ $(VENV)/.demo

$(VENV)/.test.acestep: $(VENV)/.test
	$(INSTALL) -e '.[test,acestep,acestep-oracle]'
	@touch $@

$(VENV)/.test.link: $(VENV)/.test
	@$(INSTALL) -e '.[link]' || echo "no Ableton Link here: its tests are skipped"
	@touch $@

$(VENV)/.bench: $(VENV)/.made $(WHAT_IS_INSTALLED)
	$(INSTALL) -e '.[test,bench,stretch]'
	@$(INSTALL) -e '.[live]' || echo "no live audio and MIDI here: they are not measured"
	@touch $@ $(VENV)/.test $(VENV)/.demo

$(VENV)/.dev: $(VENV)/.made $(WHAT_IS_INSTALLED)
	$(INSTALL) -e '.[test,dev]'
	@touch $@ $(VENV)/.test $(VENV)/.demo
