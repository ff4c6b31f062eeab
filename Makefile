# make demo: everything from nothing to a printed cutflow.   make test: the tests.   make help: the rest.
PYTHON ?= python3
JOBS   ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
OUT    ?= out/demo
SAMPLES := signal dimuon pion_decay kaon_decay beam
HITS   := $(SAMPLES:%=$(OUT)/hits/%.root)

# no process compiles the sources of Python anew: 'make test' starts hundreds
export PYTHONDONTWRITEBYTECODE :=

BENCHMARKS := benchmarks benchmarks.raw benchmarks.physics benchmarks.tracking benchmarks.finding benchmarks.selection benchmarks.tune benchmarks.simulation benchmarks.study benchmarks.scaling benchmarks.memory benchmarks.remote

.PHONY: demo docs pictures setups warm hits test matrix check lint types imports hooks bench traces bench-compare bench-keep fuzz faults samples wheel release clean help

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

demo: warm    ## set up, simulate, process the run list configs/runs/demo_full.yaml, print its cutflow
	$(MAKE) --no-print-directory -j $(JOBS) hits
	$(BIN)/emiss process configs/runs/demo_full.yaml --out $(OUT)

setups: $(VENV)/.run    ## channel maps, constants and pictures of the set-ups that ship, and the tables of their grammar
	$(BIN)/python -m emiss.setups.ship

warm: $(VENV)/.run    ## compile all kernels ahead (half a minute; nothing where that has been done)
	$(BIN)/emiss warm-up

hits: $(HITS)

test: $(VENV)/.test warm    ## set up and run the tests
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: lint types imports test    ## everything that must pass before a commit

matrix: $(VENV)/.matrix    ## the tests with the lowest declared and the newest versions, on every Python from 3.11 found here
	$(BIN)/python -m tests.matrix -n 2 --dist loadfile

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

hooks: $(VENV)/.hooks    ## run ruff, codespell and mypy on what is committed, at each commit (.pre-commit-config.yaml)
	$(BIN)/pre-commit install

bench: $(VENV)/.bench    ## the benchmarks, as ratios measured in the same run; they are kept in out/bench
	for name in $(BENCHMARKS); do $(BIN)/python -m $$name || exit 1; done

traces: $(BIN)/python    ## bremsstrahlung of S, P, V and A against traces of Dirac matrices, five minutes
	$(BIN)/python -m benchmarks.traces 400000

bench-compare: $(BIN)/python    ## which ratios of the last 'make bench' differ from benchmarks/ratios.json by more than their spread
	$(BIN)/python -m benchmarks.record

bench-keep: $(BIN)/python    ## make the ratios of the last 'make bench' those to compare with
	$(BIN)/python -m benchmarks.record --keep

fuzz: $(VENV)/.test    ## hostile expressions, configs, names and tables; damaged raw files with bounds checked
	$(BIN)/python -m tests.selection.fuzz 10000
	$(BIN)/python -m tests.emiss.fuzz 2000
	NUMBA_BOUNDSCHECK=1 $(BIN)/python -m tests.reco.formats.date.fuzz 100000

faults: $(VENV)/.test    ## commands that are killed, run out of disk, meet each other, changed inputs and clocks: 100 of each kind
	$(BIN)/python -m tests.emiss.faults 100

samples: $(VENV)/.run    ## make the raw sample files that ship in samples/data again
	for sample in $(SAMPLES); do $(BIN)/emiss simulate $$sample --events 500 --out samples/data/$$sample.dat || exit 1; done

wheel: $(VENV)/.release    ## build sdist and wheel, which can be installed elsewhere, in dist
	$(BIN)/python -m build --no-isolation

release: $(VENV)/.release $(VENV)/.dev    ## VERSION=X.Y.Z: try everything that a release needs; prints the commands that would make it
	$(BIN)/python -m tests.release $(VERSION)

docs: $(VENV)/.docs    ## build the site of docs in out/site; a broken link fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

pictures: $(VENV)/.browser    ## the pictures of the README again, from what 'make demo' has made; needs a Chromium
	$(BIN)/python -m docs.pictures

clean:           ## remove what was made (not the environment)
	rm -rf out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# what simulated events follow from
SIMULATION := $(wildcard samples/*.py samples/*/*.py physics/*.py physics/*/*.py configs/detectors/na64e_lfc/* configs/detectors/na64e_lfc/*/*)

$(OUT)/hits/%.root: $(VENV)/.run configs/samples/%.yaml $(SIMULATION)
	$(BIN)/emiss simulate $* --events 20000 --out $@

# one stamp per set of dependencies; installing again only when they change
$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "emiss needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) --editable .
	touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) --editable '.[test]'
	touch $@ $(VENV)/.run

$(VENV)/.browser: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) --editable '.[browser]'
	touch $@ $(VENV)/.test $(VENV)/.run

$(VENV)/.docs: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) --editable '.[docs]'
	touch $@ $(VENV)/.run

$(VENV)/.bench: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) --editable '.[bench]'
	touch $@ $(VENV)/.test $(VENV)/.run

$(VENV)/.release: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) --editable '.[release]'
	touch $@ $(VENV)/.test $(VENV)/.run

$(VENV)/.hooks: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) --editable '.[hooks]'
	touch $@ $(VENV)/.dev $(VENV)/.test $(VENV)/.run

$(VENV)/.matrix: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) --editable '.[matrix]'
	touch $@ $(VENV)/.test $(VENV)/.run

$(VENV)/.dev: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) --editable '.[dev]'
	touch $@ $(VENV)/.test $(VENV)/.run
