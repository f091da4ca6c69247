# One way to do each thing. `make demo` and `make test` are all a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
ROOM ?=
LOCKING := --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
	--no-emit-options --build-deps-for editable

.DEFAULT_GOAL := help
.PHONY: pages help demo serve test check format bench torture lock clean wheel sbom

help:
	@echo "make demo     the whole chain on real files (ARGS='--input DIR --keep ...')"
	@echo "make test     the whole test suite"
	@echo "make check    format, lint, types, import contracts, docs tests"
	@echo "make serve    notary, worker and server over data/ (ARGS='--dir DIR' for another folder)"
	@echo "make bench    figures, appended to bench/results.jsonl (ROOM=crypto|gate|log|deposit|clean|label|release)"
	@echo "make torture  full fault and mutation counts"
	@echo "make pages    draw every page that comes from the source"
	@echo "make wheel    the wheel, into dist/ (the same bytes from the same source)"
	@echo "make sbom     what the image is made of, into build/sbom.cdx.json (CycloneDX)"
	@echo "make lock     resolve the dependencies anew"

# Runtime: what is locked, and nothing else (no torch). The lock is complete, so that nothing is
# resolved again: a newer release of a dependency changes nothing.
$(VENV)/.runtime: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	touch $@

demo: $(VENV)/.runtime
	$(BIN)/anbiao demo $(ARGS)

serve: $(VENV)/.runtime
	$(BIN)/anbiao serve --all --dir data $(ARGS)

test: $(VENV)/.dev
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/python -m api.openapi --check
	$(BIN)/pytest -q tests/docs

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev
	$(BIN)/python -m bench $(if $(ROOM),--room $(ROOM),)

torture: $(VENV)/.dev
	$(BIN)/python -m bench.torture $(ARGS)

# What is shipped: the wheel (same source, same bytes), and what is in it.
wheel: $(VENV)/.dev
	$(BIN)/python deploy/build_wheel.py $(ARGS)

sbom: $(VENV)/.dev
	$(BIN)/python deploy/sbom.py $(ARGS)

lock: $(VENV)/.dev
	$(BIN)/pip-compile --quiet $(LOCKING) --output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet $(LOCKING) --extra dev --output-file requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) build dist *.egg-info

# Every page that is drawn from the source, drawn anew.
pages: $(VENV)/.dev
	$(BIN)/python -m api.openapi
	$(BIN)/python -m api.cli_page
	$(BIN)/python -m api.errors_page
	$(BIN)/python -m sandbox.settings_page
	$(BIN)/python -m policies.diagrams > docs/states.md
	$(BIN)/python -m policies.summary > docs/policy.md
	$(BIN)/python tests/requirements_table.py
