# The verbs of this project; `make` alone lists them. Each is thin: the work is in scripts/.
# `make serve FLAGS='--port 9000'` passes flags on.
.DEFAULT_GOAL := help
.PHONY: help serve test check bench fuzz hostile natlab cluster doors setup format clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: ## install what is needed, start the server and say which addresses to open
	@scripts/install run
	@exec .venv/bin/peerlane serve --dev --allow-insecure --https --host 0.0.0.0 --turn $(FLAGS)

test: ## install what the tests need and run all of them
	@scripts/install dev >&2
	@scripts/install-system >&2
	@scripts/install-node >&2
	@exec scripts/test

check: setup ## format, lint, types, floors and the fast tests: before every commit
	@scripts/install-system >&2
	@scripts/check

bench: setup ## the benchmarks, ours beside the peers' (about forty minutes; see docs/benchmarks.md)
	@exec .venv/bin/python -m benchmarks all

natlab: setup ## every kind of NAT with every other, in namespaces of this machine (about fifteen minutes)
	@scripts/install-system >&2
	@exec .venv/bin/python -m tests.natlab.nat.rootless .venv/bin/python -m tests.natlab.nat.matrix $(FLAGS)

hostile: setup ## every attack at its full size, beside a group that must not notice (about four minutes)
	@exec .venv/bin/python -m tests.hostile $(FLAGS)

cluster: setup ## three nodes and a thousand clients, over Redis and NATS, and every fault of them (about twelve minutes)
	@scripts/install-system >&2
	@exec .venv/bin/python -m tests.cluster $(FLAGS)

doors: setup ## clients of other projects, at the servers they were written for and at ours: a table (about three minutes)
	@scripts/install-system >&2
	@exec .venv/bin/python -m pytest tests/doors tests/signaling/dialects --table $(FLAGS)

fuzz: setup ## every decoder that reads from outside, fed a million inputs and more (about six minutes)
	@exec .venv/bin/python -m tests.fuzz $(FLAGS)

setup: ## make .venv with everything a developer needs
	@scripts/install dev >&2
	@scripts/install-node >&2

format: setup ## lay out the code, and renew the pages that repeat it
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .
	@.venv/bin/python scripts/pages

clean: ## remove what was made here
	rm -rf .venv node_modules benchmarks/peers/node_modules build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis .import_linter_cache
