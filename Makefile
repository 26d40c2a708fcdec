# `make demo` and `make test` start from a fresh checkout; everything they install goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := src config tasks workers
PYTEST_ARGS ?=
# Most of a test's time is waiting for other processes. A file stays with one job: its tests share processes.
JOBS ?= 2
PARALLEL := -n $(JOBS) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all check test-unit bench conformance pins clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## Install everything into .venv and find a redis-server
	@$(PYTHON) scripts/bootstrap.py

demo: setup ## Trade recorded signals on simulated accounts, with a kill and a halt
	@$(BIN)/python scripts/demo.py

test: check ## Run all checks, then all tests but the slow ones
	@$(BIN)/pytest -m "not slow" $(PARALLEL) $(PYTEST_ARGS)

check: setup ## Run the static checks: format, lint, types, layers, house rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest tests/unit/test_tidy.py

test-all: check ## Run all checks and all tests, the slow ones, too
	@$(BIN)/pytest $(PARALLEL) $(PYTEST_ARGS)

test-unit: setup ## Run only the tests that need no other process
	@$(BIN)/pytest tests/unit $(PYTEST_ARGS)

bench: setup ## Measure latency and throughput of fleet, bridge and simulator on this machine
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks.submit
	@$(BIN)/python -m benchmarks.simulator
	@$(BIN)/python -m benchmarks.simulator_wire

conformance: setup ## Hold the simulator against the real module: names, rules, faults, public programs
	@$(BIN)/python -m scripts.conformance

pins: setup ## Resolve all dependencies anew and write constraints.txt
	@$(BIN)/python scripts/pin.py

clean: ## Remove .venv and what the tools left behind
	rm -rf .venv .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist src/*.egg-info
	find src config tasks workers tests scripts -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
