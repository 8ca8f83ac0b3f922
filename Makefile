# The one door. Every target does all its own set-up (scripts/setup.mjs) on a machine with Node >= 20 and npm.
# It is only a list of names: what they do is in scripts/, so that it reads the same on every platform.
.DEFAULT_GOAL := help
.PHONY: help demo test check build bench simulate dev gen clean

RUN := @node scripts/setup.mjs
SEEDS ?= 300
FROM ?= 1
TIERS ?= unit,simulation,integration,kube
export SEEDS FROM

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## a hub, embedded Postgres, 40 agents, four waves, faults; ARGS=--keep leaves it running
	$(RUN) scripts/program.mjs demo $(ARGS)

test: ## all tests; TIERS=unit,simulation,integration,kube picks some
	$(RUN) scripts/tiers.mjs $(TIERS)

check: ## types, lint, format, generated code, wire compatibility
	$(RUN) scripts/check.mjs

build: ## compile all rooms, bundle agent and CLI, put the three programs into node_modules/.bin
	$(RUN) scripts/build.mjs

bench: ## measure; results as JSON in .bench/; ARGS=name picks some
	$(RUN) scripts/program.mjs bench $(ARGS)

simulate: ## simulated rollouts with faults: SEEDS=n FROM=seed
	$(RUN) scripts/program.mjs simulate --seeds $(SEEDS) --from $(FROM) $(ARGS)

dev: ## the hub, compiled and restarted on change; ARGS="…" also runs wavegate-agent with these words
	$(RUN) scripts/dev.mjs $(ARGS)

gen: ## write the generated code anew (proto, JSON Schema, OpenAPI)
	$(RUN) scripts/verify-gen.mjs --write

clean: ## remove what was built; keeps the dependencies and the data of a hub
	@rm -rf .build .bench coverage libs/*/dist apps/*/dist .nx .wavegate/tiers && echo "clean: removed dist/, .build/, .bench/ and test logs"
