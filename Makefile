# Everything that a checkout can do. Each target sets up what it needs: a virtual environment with
# the versions of requirements.lock, made by uv where it is found, else by venv and pip.

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/ready
MAGPIE := $(VENV)/bin/magpie
RUN_IN := $(VENV)/bin/python -m

# What `make magpie-air KEPT=200 RUN=/data/air SET="seed=7"` hands to `magpie build`. IMAGE is the
# container to start in place of the recipe's, ENDPOINT the servers to use in place of one.
BUILD_OPTIONS = $(if $(KEPT),--kept $(KEPT)) $(if $(SAMPLED),--sampled $(SAMPLED)) \
	$(if $(RUN),--run $(RUN)) $(if $(IMAGE),--set engine.image=$(IMAGE)) \
	$(foreach url,$(ENDPOINT),--endpoint $(url)) $(if $(ORG),--set publish.repo=$(ORG)/$(NAME)) \
	$(foreach pair,$(SET),--set $(pair))

# Servers that the annotators of magpie-air and magpie-pro ask, in place of the recipe's addresses;
# `none` does without what is asked there: REWARD a reward model, BASE a base model to compare with,
# EMBEDDINGS an embedding model.
OFF = $(foreach name,$(1),--set annotate.$(name)=false) $(foreach rule,$(2),--set rules.response.$(rule)=)
SERVER = $(foreach key,$(2),--set annotate.$(key).endpoint=$(1))
GIVEN = $(if $(1),$(if $(filter none,$(1)),$(2),$(3)))
EMBEDDED_AT = $(call GIVEN,$(EMBEDDINGS),$(call OFF,embedding neighbours),$(call SERVER,$(EMBEDDINGS),embedding))
AIR_SERVERS = $(EMBEDDED_AT) $(call GIVEN,$(BASE),$(call OFF,reward_difference,better-than-base),\
	$(call SERVER,$(BASE),reward_difference.base)) $(call GIVEN,$(REWARD),\
	$(call OFF,reward reward_difference,better-than-base),$(call SERVER,$(REWARD),reward\
	$(if $(filter none,$(BASE)),,reward_difference.reward)))
PRO_SERVERS = $(EMBEDDED_AT) $(call GIVEN,$(REWARD),$(call OFF,reward,rewarded),$(call SERVER,$(REWARD),reward))

# `make magpie-air ORG=acme` publishes to acme/magpie once the release is built; NAME is another name,
# VERSION=X.Y.Z a higher version than the content asks for, PRIVATE=1 a private repository. Without
# ORG it ends with the release on this disk, and PUBLISH=1 publishes to where the recipe says.
# PUBLISH=0 never publishes, PUBLISH=plan says what would be done.
# They count on the command line alone: an environment may have a NAME for other reasons.
ORG =
NAME = magpie
VERSION =
PRIVATE =
PUBLISH ?= $(if $(ORG),1,0)
PUBLISH_OPTIONS = $(if $(ORG),--to $(ORG)/$(NAME)) $(if $(VERSION),--version $(VERSION)) \
	$(if $(filter-out 0,$(PRIVATE)),--private) $(if $(filter plan,$(PUBLISH)),--dry-run)
PUBLISHING = $(if $(filter-out 0,$(PUBLISH)),$(MAGPIE) publish $(or $(RUN),$@) $(PUBLISH_OPTIONS),:)

# uv trusts the certificates of the system, as pip does.
SET_UP_BY_UV = export UV_SYSTEM_CERTS=1 && \
	uv venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" $(VENV) && \
	uv pip install --quiet --python $(VENV) -r requirements.lock && \
	uv pip install --quiet --python $(VENV) --no-build-isolation --no-deps -e .

PIP = $(RUN_IN) pip install --quiet --disable-pip-version-check

SET_UP_BY_PIP = $(PYTHON) -m venv $(VENV) && \
	$(PIP) -r requirements.lock && \
	$(PIP) --no-build-isolation --no-deps -e .

.DEFAULT_GOAL := help
.PHONY: help demo magpie-air magpie-pro test check bench format lock clean

help: ## say what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | \
		awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: $(READY) ## build the demo: offline, on a CPU, in a minute or two
	@$(MAGPIE) build demo $(BUILD_OPTIONS)
	@echo; echo "For magpie and this python on your PATH: . $(VENV)/bin/activate"

magpie-air: $(READY) ## build Magpie Air with Llama-3-8B-Instruct; ORG=... publishes it
	@$(MAGPIE) build magpie-air $(AIR_SERVERS) $(BUILD_OPTIONS)
	@$(PUBLISHING)

magpie-pro: $(READY) ## build Magpie Pro with Llama-3-70B-Instruct; ORG=... publishes it
	@$(MAGPIE) build magpie-pro $(PRO_SERVERS) $(BUILD_OPTIONS)
	@$(PUBLISHING)

test: $(READY) ## run all tests
	@$(RUN_IN) pytest -q -n auto

check: $(READY) ## check format, lint, types, layers and documentation
	@$(RUN_IN) ruff format --check .
	@$(RUN_IN) ruff check .
	@$(RUN_IN) mypy
	@$(RUN_IN) pytest -q tests/house -m "not slow"  # `make test` plays the session of the README

bench: $(READY) ## measure what is called fast, as ratios against a limit
	@$(RUN_IN) tests.bench

format: $(READY) ## put the code into its form
	@$(RUN_IN) ruff format .
	@$(RUN_IN) ruff check --fix .

lock: $(READY) ## renew requirements.lock from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--extra embedded --extra language --extra load --extra plots --extra serve --extra static --group dev --no-annotate --quiet \
		--custom-compile-command "make lock" --output-file requirements.lock

clean: ## remove the virtual environment and caches; runs stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "magpie needs Python 3.11 or newer, and $(PYTHON) is older: make PYTHON=python3.12 ..." >&2; exit 2; }
	@echo "Setting up $(VENV) from requirements.lock ..." >&2
	@if command -v uv >/dev/null 2>&1 && $(SET_UP_BY_UV); then :; else $(SET_UP_BY_PIP); fi
	@touch $(READY)
