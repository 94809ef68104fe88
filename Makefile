# Two commands do everything: `make book` and `make test`.
PYTHON ?= python3
BIN = .venv/bin
RUN = $(BIN)/python -m

.DEFAULT_GOAL = help
.PHONY: help book test quick draft serve catalogues bench mutants lint clean

help:  ## list these commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

.venv/installed: requirements.txt constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(RUN) pip install --quiet --requirement requirements.txt
	$(RUN) pip check
	@touch $@

book: .venv/installed  ## execute every chapter, build the site: _build/html
	rm -rf _build
	$(RUN) tools.execute
	$(BIN)/jupyter-book build . --all -W -n --keep-going
	$(RUN) tools.notebooks

test: book lint catalogues  ## the book, and every test of it
	$(RUN) pytest -n 2 --dist loadgroup --cov --cov-fail-under=95
	$(RUN) pytest --nbval -n 2 --dist loadscope _build/executed

quick: .venv/installed lint  ## the tests that need neither chapters nor grading
	$(RUN) pytest -n 2 -m "not site and not grading"

draft: .venv/installed  ## the site again, executing only what has changed
	$(RUN) tools.execute --draft
	$(BIN)/jupyter-book build . -W -n --keep-going
	$(RUN) tools.notebooks

serve: .venv/installed  ## show the site on this computer
	$(RUN) tools.serve

catalogues: .venv/installed  ## messages for translators: _build/gettext
	$(RUN) tools.catalogues

bench: .venv/installed  ## compare with the libraries a reader would pick
	$(RUN) benchmarks

mutants: .venv/installed  ## break course/models on purpose; count what escapes
	$(RUN) tools.mutants

lint: .venv/installed  ## style of package, tests, tools and chapters
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:  ## forget everything that was built
	rm -rf _build .venv
