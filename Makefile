# The one door. Every target does all its own set-up (scripts/setup.mjs) on a machine with Node >= 20 and npm.
# It is only a list of names: what they do is in scripts/, so that it reads the same on every platform.
.DEFAULT_GOAL := help
.PHONY: help demo test check build images bench bench-verdict simulate lab lab-up lab-down dev gen clean

RUN := @node scripts/setup.mjs
SEEDS ?= 300
FROM ?= 1
export SEEDS FROM

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## a hub, embedded Postgres, 40 agents, four waves, faults; ARGS=--keep leaves it running
	$(RUN) scripts/program.mjs demo $(ARGS)

test: ## all tests; TIERS=unit,simulation,integration,kube,lab picks some
	$(RUN) scripts/tiers.mjs $(TIERS)

check: ## types, lint, format, generated code, wire compatibility
	$(RUN) scripts/check.mjs

build: ## compile all rooms, bundle agent and CLI, put the three programs into node_modules/.bin
	$(RUN) scripts/build.mjs

images: ## hub, agent and node as image archives in .build/images, with bills of materials; ARGS=agent picks one
	$(RUN) scripts/build.mjs && node scripts/setup.mjs scripts/images.mjs $(ARGS)

bench: ## measure; results as JSON in .bench/; ARGS=name picks some
	$(RUN) scripts/program.mjs bench $(ARGS)

bench-verdict: ## error rates of the judge beside those of others; RUNS=1000 series per scenario
	$(RUN) scripts/program.mjs bench verdict

simulate: ## simulated rollouts with faults: SEEDS=n FROM=seed
	$(RUN) scripts/program.mjs simulate --seeds $(SEEDS) --from $(FROM) $(ARGS)

lab: ## real kubeadm clusters in node containers, upgraded for real; CASE=a picks one case, JOBS=2 runs two side by side
	$(RUN) scripts/program.mjs lab test $(if $(CASE),CASE=$(CASE)) $(if $(JOBS),JOBS=$(JOBS))

lab-up: ## a kubeadm cluster to play with: SHAPE=short|single|ha NAME=play VERSION=1.34.4 TO=1.35.4
	$(RUN) scripts/program.mjs lab up SHAPE=$(SHAPE) NAME=$(NAME) VERSION=$(VERSION) TO=$(TO)

lab-down: ## takes such a cluster down (NAME=play), or without NAME all of them and their container engine
	$(RUN) scripts/program.mjs lab down NAME=$(NAME)

dev: ## the hub, compiled and restarted on change; ARGS="…" also runs wavegate-agent with these words
	$(RUN) scripts/dev.mjs $(ARGS)

gen: ## write the generated code anew (proto, JSON Schema, OpenAPI)
	$(RUN) scripts/verify-gen.mjs --write

clean: ## remove what was built; keeps the dependencies and the data of a hub
	@rm -rf .build .bench coverage libs/*/dist apps/*/dist .nx .wavegate/tiers && echo "clean: removed dist/, .build/, .bench/ and test logs"
