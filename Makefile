# The two commands of the README, and the few that developers need.
PYTHON ?= python3
export PYTHON
BIN := .venv/bin

.PHONY: demo test mmpose setup lint format lock clean

demo: setup ## run the default study and print Table 8
	@$(BIN)/python -m pipeline.progress --config study=demo -- all

# The tests of whole runs mostly wait, for Snakemake, DVC or Slurm: the others use the cores meanwhile.
CHAOS := tests/test_slurm.py tests/chaos
WHOLE := $(addprefix tests/test_,versions.py warm.py whole_path.py)

test: setup lint mmpose ## pass the tests and the linters
	@mkdir -p logs
	@export OMP_NUM_THREADS=1; \
	$(BIN)/python -m pytest $(CHAOS) > logs/tests-of-chaos.txt 2>&1 & chaos=$$!; \
	$(BIN)/python -m pytest $(WHOLE) > logs/tests-of-whole-runs.txt 2>&1 & whole=$$!; \
	trap "kill $$chaos $$whole 2>/dev/null" INT TERM; \
	$(BIN)/python -m pytest $(addprefix --ignore=,$(CHAOS) $(WHOLE)); parts=$$?; \
	wait $$chaos; chaos=$$?; wait $$whole; whole=$$?; \
	cat logs/tests-of-chaos.txt logs/tests-of-whole-runs.txt; exit $$((parts || chaos || whole))

mmpose: setup ## install the detector mmpose beside the rest
	@$(BIN)/python -c "import sys, importlib.util as util; sys.exit(util.find_spec('mmpose') is None)" || \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r envs/mmpose.lock

lint: setup
	@$(BIN)/ruff check pipeline tests
	@$(BIN)/ruff format --check pipeline tests
	@$(BIN)/snakefmt --check Snakefile pipeline/rules
	@$(BIN)/snakemake --lint

format: setup
	@$(BIN)/ruff check --fix pipeline tests
	@$(BIN)/ruff format pipeline tests
	@$(BIN)/snakefmt Snakefile pipeline/rules

setup:
	@envs/install.sh

lock: ## resolve envs/*.in anew (needs uv)
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header envs/requirements.in -o envs/requirements.lock
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header envs/uv.in -o envs/uv.lock
	uv pip compile --upgrade --no-deps --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header envs/mmpose.in -o envs/mmpose.lock

clean: ## remove what the graph made; data, DVC's cache, recorded tables and the installed environment stay
	find results -mindepth 1 -not -path 'results/recorded*' -not -name .gitignore -delete
	rm -rf logs .snakemake
