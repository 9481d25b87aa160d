# Two commands matter: `make site` and `make test`. Each sets itself up.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONDONTWRITEBYTECODE  # where it is set, each of the many processes compiles our modules anew

.PHONY: help site pdf epub test serve release links bench lock references clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */  make \1\t/' | expand -t 16

site: .venv/.site-ready  ## build the site in _build/html
	@$(BIN)/roxham build

pdf: .venv/.site-ready  ## print the whole book as one PDF, and offer it on the site
	@$(BIN)/roxham pdf

epub: .venv/.site-ready  ## make the whole book one EPUB, and offer it on the site
	@$(BIN)/roxham epub

test: .venv/.test-ready  ## check the code, the record and the built pages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@ROXHAM_CHROMIUM="$$($(BIN)/python tests/chromium.py)" && export ROXHAM_CHROMIUM && $(BIN)/pytest -n auto --dist worksteal $(TESTS)

serve: .venv/.site-ready  ## serve the site on this machine; build again when a file changes
	@$(BIN)/roxham serve

release: .venv/.site-ready  ## write one archive of this commit in _build/release, ready for a repository
	@$(BIN)/roxham release

links: .venv/.site-ready  ## ask whether the outside addresses still answer (needs a network)
	@$(BIN)/roxham links

bench: .venv/.test-ready  ## measure the build and a page beside their peers
	@$(BIN)/python scripts/bench.py
	@$(BIN)/python scripts/bench_sweep.py

lock: .venv/.test-ready  ## recompile requirements.txt from pyproject.toml
	@$(BIN)/pip install --quiet -e '.[lock]'
	@$(BIN)/python scripts/lock.py

references: .venv/.site-ready  ## recompile chapters/references.bib from the record's sources
	@$(BIN)/python scripts/make_references.py

clean:  ## remove everything built, and the environment
	rm -rf _build .venv scripts/roxham.egg-info

.venv/.python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "make: Python 3.11 or newer is needed, and no '$(PYTHON)' is on the PATH; name one with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: Python 3.11 or newer is needed; '$(PYTHON)' is $$($(PYTHON) -V 2>&1); name another with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "make: $(PYTHON) has no venv module (on Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv .venv
	@touch $@

# --no-compile: Python compiles what is used when it is first used, a tenth of what is installed
.venv/.site-ready: .venv/.python requirements.txt pyproject.toml
	@echo "installing requirements.txt into .venv"
	@$(BIN)/pip install --quiet --no-compile -r requirements.txt
	@touch $@

.venv/.test-ready: .venv/.python requirements.txt pyproject.toml tests/requirements.txt
	@echo "installing tests/requirements.txt, and with it requirements.txt, into .venv"
	@$(BIN)/pip install --quiet --no-compile -r tests/requirements.txt
	@touch .venv/.site-ready $@
