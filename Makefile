# Two commands matter: `make serve` and `make test`.  Each sets up what it needs on a
# machine with Python 3.11 or later; when nothing changed that costs nothing.
# Options of a command: make serve ARGS="--help"

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
ARGS =
KILLS = 100
EXAMPLES = 100
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help setup serve work demo test nothing-lost fuzz laws bench growth lint clean

help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile

setup: $(READY) ## make .venv with the locked dependencies

# made last, so a set-up that was interrupted is done again
$(READY): pyproject.toml uv.lock tools/setup
	@tools/setup
	@touch $@

# exec: the server is make's own child, to which make passes a TERM on
serve: $(READY) ## start the server and all it needs; Ctrl-C stops it
	@exec $(BIN)/tabellion serve $(ARGS)

work: $(READY) ## do what follows the commits, beside servers; Ctrl-C stops it
	@exec $(BIN)/tabellion work $(ARGS)

demo: $(READY) ## load real data into a running server and look around
	@exec $(BIN)/tabellion demo $(ARGS)

test: $(READY) ## run the whole suite, fastest part first
	@exec $(BIN)/python tools/suite.py $(ARGS)

nothing-lost: $(READY) ## kill server, worker, Postgres, Valkey and Kafka 100 times (KILLS=n)
	@TABELLION_KILLS=$(KILLS) exec $(BIN)/python -m pytest -s tests/killing/test_nothing_lost.py tests/killing/test_nothing_untold.py tests/kafka/test_nothing_lost.py

fuzz: $(READY) ## ask what the OpenAPI document allows, and what not (EXAMPLES=n)
	@TABELLION_FUZZ=$(EXAMPLES) exec $(BIN)/python -m pytest -s tests/api/conformance

laws: $(READY) ## undo and redo whatever histories there may be (EXAMPLES=n)
	@TABELLION_LAWS=$(EXAMPLES) exec $(BIN)/python -m pytest -s tests/commands/test_undo_machine.py

bench: $(READY) ## measure the figures of the README; without ARGS the relay's too
	@$(BIN)/python -m benchmarks $(ARGS)
	@[ -n "$(ARGS)" ] || exec $(BIN)/python -m benchmarks.relay

growth: $(READY) ## measure tables of 10,000 to 1,000,000 records and draw docs/growth.svg
	@exec $(BIN)/uv run --locked --group plot python -m benchmarks.growth $(ARGS)

lint: $(READY) ## check style, types and import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

clean: ## remove what can be made again; the data in .tabellion stays
	rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis
	rm -rf .import_linter_cache .grimp_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
