# Two commands on a fresh machine: `make demo` and `make test`.
# A GPU's build of torch, or another index: make demo TORCH="torch==2.13.0 --index-url …"
PYTHON ?= python3
TORCH ?= torch==2.13.0
BIN := .venv/bin

.PHONY: demo road test check venv browser lock bench bench-evidence bench-coverage bench-labels bench-parsers bench-judges \
  bench-inference bench-benchmark bench-corrected bench-leaderboard bench-annotator screenshots

demo: venv
	$(BIN)/benchwarrant demo

# The whole road on real answers, with its figures; ARGS="--items 10 --draws 2" takes fewer.
road: venv
	$(BIN)/python tests/full_road.py $(ARGS)

test: venv browser
	$(BIN)/python -m pytest -m "not slow"
	$(BIN)/python -m pytest -m slow

check: venv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/cog --check README.md

venv: .venv/installed

# torch first and by itself: pip then takes the build meant for this machine, and the hashes of the
# lock hold for all the rest.
.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet $(TORCH)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps -e .
	touch $@

# Debian's Chromium, in which the labelling app is tested; another system brings its own.
browser:
	@test -x /usr/bin/chromium || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }

# Measured, never asserted: our median, the peer's or the limit's, the ratio, the goal.
bench: bench-evidence bench-coverage bench-corrected bench-labels bench-parsers bench-judges bench-inference \
  bench-benchmark bench-leaderboard bench-annotator

bench-evidence: venv
	$(BIN)/python tests/bench_evidence.py

bench-coverage: venv
	$(BIN)/python tests/bench_coverage.py

# Simulated benchmarks, corrected by their audits.
bench-corrected: venv
	$(BIN)/python tests/bench_corrected.py

# Simulated audits; ARGS=--quick runs fewer.
bench-labels: venv
	$(BIN)/python tests/bench_labels.py $(ARGS)

# ARGS=--list prints every answer that the rules and another parser read differently.
bench-parsers: venv
	$(BIN)/python tests/bench_parsers.py $(ARGS)

# Both SDKs against a slow and faulty server, killed on the way: takes a quarter of an hour.
bench-judges: venv
	$(BIN)/python tests/bench_judges.py

# The peer comes into an environment of its own, build/peer-lm-eval.
bench-inference: venv
	TORCH="$(TORCH)" $(BIN)/python tests/bench_inference.py $(ARGS)

# Writing and following 1.2 million answers; ARGS="--responses 100000" takes fewer.
bench-benchmark: venv
	$(BIN)/python tests/bench_benchmark.py $(ARGS)

# Writes a study of 2.6 GB; ARGS="--folder DIR" keeps it and measures it again.
bench-leaderboard: venv
	$(BIN)/python tests/bench_leaderboard.py $(ARGS)

# The labelling app in Chromium, with ten people, killed, and before a million answers: 15 minutes.
bench-annotator: venv browser
	$(BIN)/python tests/bench_annotator.py $(ARGS)

# Every page of the labelling app, into docs/screenshots/.
screenshots: venv browser
	$(BIN)/python tests/screenshots.py

lock: venv
	echo "torch ; python_version < '0'" > .venv/no-torch.txt
	$(BIN)/uv pip compile pyproject.toml --extra dev --override .venv/no-torch.txt \
	  --generate-hashes --no-header --no-annotate --python-version 3.11 -o requirements.lock
