# Everything runs in .venv, made from constraints.txt by uv. Where the machine has no uv, one of
# a known version is put into .cache/uv-boot first.
UV_VERSION := 0.13.9
VENV := .venv/bin
UV := $(shell command -v uv 2>/dev/null || echo $(CURDIR)/.cache/uv-boot/bin/uv)
# uv, for the projects that demo and tests make, is found here if nowhere else.
PATH_AS_TYPED := $(PATH)
export PATH := $(PATH):$(CURDIR)/.cache/uv-boot/bin
# An environment that happens to be active is not ours.
unexport VIRTUAL_ENV
# Compiled once, out of the way: without, every process that a test starts compiles all it imports.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/pycache
unexport UV_PROJECT_ENVIRONMENT
# Spark is published as source alone: built once, since uv would keep 2 GB for every project.
PIP_VERSION := 26.2
SPARK := $(shell sed -n 's/^\(pyspark==[^ ]*\).*/\1/p' constraints.txt)
SPARK_WHEEL := .cache/wheels/$(subst ==,-,$(SPARK))-py2.py3-none-any.whl
# PyTorch's builds for processors are in an index of its own, which the tests' projects find here.
TORCH := $(shell sed -n 's/^\(torch==[^ ]*\).*/\1/p' constraints.txt)
TORCH_INDEX := .cache/$(subst ==,-,$(TORCH))
test quick nightly bench .venv/.installed: export UV_FIND_LINKS := $(CURDIR)/.cache/wheels
test quick nightly bench .venv/.installed: export UV_INDEX := pytorch=file://$(CURDIR)/$(TORCH_INDEX)

# One more than there are processors: much of the time, a test waits for a server.
WORKERS := $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
PARALLEL := --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder

.PHONY: help demo test quick nightly lint bench cookiecutter texts pins release

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.installed ## render, install and run the default project, ask it for a prediction
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"; exit 130' INT TERM && \
	{ PATH='$(PATH_AS_TYPED)' UV='$(UV)' $(VENV)/fourhats new --defaults --run "$$folder/customer-churn" || { rm -rf "$$folder"; exit 1; }; } && \
	printf '\nIt stays there until you delete it. Make your own:\n  "%s"/fourhats new my-project\n' "$(CURDIR)/$(VENV)"

# What makes few environments is tested in memory where there is room: thousands of small files are
# made and merged, and a disk takes longer for each than all that is done with it.
MEMORY := $(shell test "$$(df --output=avail -BG /dev/shm 2>/dev/null | tail -1 | tr -dc 0-9)" -ge 8 \
  2>/dev/null && echo /dev/shm || echo "$${TMPDIR:-/tmp}")
ON_DISK := tests/build tests/run
IN_MEMORY := tests/update tests/cli tests/render tests/runtime tests/method

test: lint ## lint, then every test
	@$(VENV)/pytest $(PARALLEL) $(ON_DISK); on_disk=$$?; \
	export TMPDIR=$$(mktemp -d $(MEMORY)/fourhats-tests-XXXXXX) && \
	trap 'rm -rf "$$TMPDIR"' EXIT && trap 'exit 130' INT TERM && \
	chmod a+x "$$TMPDIR" && UV_LINK_MODE=copy $(VENV)/pytest $(PARALLEL) $(IN_MEMORY) && exit $$on_disk

quick: .venv/.installed ## the tests that answer within seconds
	$(VENV)/pytest -m quick --numprocesses=logical --dist=worksteal

nightly: .venv/.installed ## 5,000 random updates, every changed answer, simulated worlds, 60 kills, other mutants (hours)
	UPDATE_CASES=5000 REAL_CASES=100 OPTION_MOVES=1000 METHOD_CASES=10000 KILLS=60 CLEAN_RUNS=50 DRAWN=all \
	  FUZZ_CASES=5000 FUZZ_SEED=$$(date +%j0000) MUTANTS_SEED=$$(date +%j) \
	  $(VENV)/pytest --numprocesses=$(WORKERS) \
	  $(addprefix tests/update/test_,nobody_loses_a_line.py changed_answers.py options.py clouds.py) \
	  tests/update/test_interruptions.py tests/update/test_real_project.py tests/method \
	  tests/runtime/pipeline/test_kills.py tests/runtime/test_mutations.py tests/runtime/serve/test_fuzz.py \
	  $(addprefix tests/run/test_,alerts.py monitoring_statistics.py ci_jobs.py cloud_warehouses.py) \
	  $(addprefix tests/run/test_,data_in_the_bucket.py shared_registry.py service.py)

lint: .venv/.installed ## formatter, linter, types, imports, unused dependencies and code
	$(VENV)/ruff format --check
	$(VENV)/ruff check
	$(VENV)/mypy
	$(VENV)/lint-imports --no-cache --no-logo
	cd template/runtime && $(CURDIR)/$(VENV)/lint-imports --no-cache --no-logo
	$(VENV)/deptry generator
	cd template/runtime && $(CURDIR)/$(VENV)/deptry fourhats_runtime
	$(VENV)/vulture --min-confidence 80 generator hooks pins release template/runtime tests benchmarks

bench: .venv/.installed ## the figures that the project promises, as ratios
	$(VENV)/python -m benchmarks.run

cookiecutter: .venv/.installed ## declare the questions to cookiecutter, after a change in questions/
	$(VENV)/python hooks/cookiecutter_json.py

texts: .venv/.installed ## bring the texts of the documents up to date in every language
	$(VENV)/python release/texts.py

pins: .venv/.installed ## refresh every pinned version, ours and the projects'
	$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --group dev --extra sources --extra diagnose --extra documents --extra all \
	  --no-emit-index-url --no-annotate --custom-compile-command "make pins" \
	  --output-file constraints.txt pyproject.toml template/runtime/pyproject.toml
	sed -i -E '/^(cuda-|nvidia-|triton)/d' constraints.txt
	$(VENV)/python pins/refresh.py
	$(VENV)/python pins/images.py

release: .venv/.installed ## tag and build a version: make release VERSION=0.2.0
	@$(VENV)/python release/release.py "$(VERSION)"

.venv/.installed: pyproject.toml template/runtime/pyproject.toml constraints.txt $(SPARK_WHEEL) $(TORCH_INDEX)/torch/index.html | $(UV)
	$(UV) venv --quiet --clear --python '>=3.11,<3.15' .venv
	$(UV) pip install --quiet --python .venv --constraint constraints.txt --editable ".[sources,diagnose,documents]" \
	  --editable "template/runtime[all]" --group dev
	@touch $@

$(SPARK_WHEEL): | $(UV)
	@mkdir -p $(@D)
	$(UV) tool run --quiet --from pip==$(PIP_VERSION) \
	  pip wheel --quiet --no-deps --no-cache-dir --wheel-dir $(@D) $(SPARK)

$(TORCH_INDEX)/torch/index.html: | $(UV)
	@mkdir -p $(@D)
	UV_INDEX= $(UV) tool run --quiet --from pip==$(PIP_VERSION) pip download --quiet --no-deps \
	  --dest $(@D) --extra-index-url https://download.pytorch.org/whl/cpu $(TORCH)
	@cd $(@D) && for wheel in *.whl; do echo "<a href=\"$$wheel\">$$wheel</a>"; done > index.html

$(CURDIR)/.cache/uv-boot/bin/uv:
	python3 -m venv --clear .cache/uv-boot
	.cache/uv-boot/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
