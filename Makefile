# The handful of things that people do here. `make help` lists them.
PYTHON ?= /usr/bin/python3
VENV = .venv
BIN = $(VENV)/bin
PYTHON_VENV = $(BIN)/python
DEVCLOUD = $(PYTHON) -m devcloud
STESTR = $(BIN)/stestr
REQUIREMENTS = requirements.txt test-requirements.txt doc/requirements.txt

# Tests are found from the root of the repository, by a part of their name.
TESTS = $(STESTR) --test-path . --top-dir . run
CLOUD_TESTS = eval "$$($(DEVCLOUD) env)" && $(TESTS)
EVERYWHERE = tests\.scenarios\.test_(sweep|faults|every_line)
UNIT = env -u OS_CLOUD $(MEASURED) $(TESTS) 'tests\.((devcloud\.)?unit\.|contract\..*\.Fake)'
SCENARIOS = env -u OS_CLOUD $(TESTS) 'tests\.scenarios\.' --exclude-regex '$(EVERYWHERE)'
# Of the whole builds, what other targets run: those that allow no others, and longer proofs.
LONGER = test_(alone|ansible|cds|contents|copies|debian_fails|disks|families|kills|layers|matrix|proxy|updates)
# With COVER=1 the tests note which lines they reach, for `make cover`.
MEASURED = $(if $(COVER),PYTHON='$(CURDIR)/$(BIN)/coverage run')
# A build waits most of its time: two at once are nearly twice as quick.
TWO = --worker-file tests/e2e/workers.yaml

.PHONY: help venv demo test lint format types unit lowest pythons scenarios cover sweep oz docs sentences functional alone \
	e2e slow builds proof stock catalogue-check vendor media-check devcloud devcloud-status \
	devcloud-down devcloud-wipe

help:  ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

venv: $(VENV)/stamp  ## make .venv with the client, this plugin and the tools

# Debian's own Python packages are left out on purpose. With their directory
# on the path, pip takes their old releases for installed, `pip check` fails
# on theirs, and the client loads every plugin found there.
$(VENV)/stamp: pyproject.toml setup.cfg setup.py $(REQUIREMENTS)
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: python3-venv is missing"; \
		test "$$(id -u)" = 0 || { echo "run as root: apt-get install python3-venv"; exit 1; }; \
		apt-get update -q && apt-get install -y -q python3-venv; }
	$(PYTHON) -m venv $(VENV)
	@# pbr takes the version from git; a checkout that git refuses to read has none.
	git rev-parse --verify -q HEAD >/dev/null 2>&1 || export PBR_VERSION=0.0.0; \
	$(BIN)/pip install -q $(addprefix -r ,$(REQUIREMENTS)) -e .
	@touch $@

demo: media-check venv devcloud  ## build a Debian image on the devcloud, and show what it took
	@$(PYTHON_VENV) -m tools.demo

test:  ## all tests; SKIP_SLOW=1 leaves out the build of Debian
	@began=$$(date +%s); $(MAKE) --no-print-directory venv && \
		VENV_S=$$(($$(date +%s) - began)) $(PYTHON_VENV) tools/test.py

lint: venv  ## style, by ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: venv  ## mend the style that ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: venv  ## types, by mypy
	$(BIN)/mypy osc_imagebuild devcloud tests tools bench

unit: venv  ## tests that need no cloud
	$(UNIT)

scenarios: venv  ## whole builds on the fake cloud
	$(SCENARIOS)

lowest: venv  ## unit tests with the lowest releases that requirements.txt allows
	$(BIN)/tox run -e lowest

pythons: venv  ## unit tests and scenarios with each Python from 3.11 on that is here
	$(BIN)/tox run -e py311,py312,py313,py314

# What was noted before is of no use: the code may have changed since.
cover: venv  ## how much of the pure code unit tests reach; too little is an error
	@$(if $(COVER),,$(BIN)/coverage erase && \
		$(MAKE) --no-print-directory unit COVER=1)
	@$(PYTHON_VENV) -m tools.cover

sweep: venv  ## clients that die, services that fail, at every call; consoles cut at every line
	env -u OS_CLOUD $(TESTS) '$(EVERYWHERE)'

oz: venv  ## tests with the distribution's own Oz; installs it where it is missing
	@$(PYTHON) -c 'import oz.TDL' 2>/dev/null || { \
		test "$$(id -u)" = 0 || { echo "run as root: apt-get install --no-install-recommends oz"; exit 1; }; \
		apt-get update -q && \
		apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 oz; }
	$(TESTS) 'tests\.oz\.'

vendor: venv  ## answer files by the vendors' parsers; SCHEMAS=<directory>: every one, schemas too
	@$(PYTHON_VENV) -m tools.vendor $(if $(SCHEMAS),--schemas $(SCHEMAS))

catalogue-check: venv  ## addresses and dates of the catalogue as JSON; TRY=1 asks the servers
	@$(PYTHON_VENV) -m tools.catalogue_check $(if $(TRY),--try)

sentences: venv  ## the list of all sentences in the documentation, from the data
	$(PYTHON_VENV) -m tools.sentences

docs: venv  ## the documentation, into doc/build/html
	$(BIN)/sphinx-build -q -W --keep-going -b html doc/source doc/build/html

functional: venv  ## tests of the parts on a running devcloud
	$(CLOUD_TESTS) --serial 'tests\.((devcloud\.)?functional\.|contract\..*\.Real)'

alone: venv  ## whole builds that allow no others on a running devcloud
	$(CLOUD_TESTS) --serial 'tests\.e2e\.test_alone'

e2e: venv  ## the other whole builds of the mini installer on a running devcloud
	$(CLOUD_TESTS) $(TWO) 'tests\.e2e\.' --exclude-regex '$(LONGER)|test_debian\.'

slow: venv  ## a whole build of Debian on a running devcloud
	$(CLOUD_TESTS) --serial 'tests\.e2e\.test_debian\.'

builds: venv  ## e2e and slow at once
	$(CLOUD_TESTS) $(TWO) 'tests\.e2e\.' --exclude-regex '$(LONGER)'

proof: venv  ## a longer proof: make proof NAME=...; without a name it lists them
	@$(PYTHON_VENV) -m tools.proof $(NAME)

stock: venv  ## Debian as a plain mirror has it, on a running devcloud; an hour or more
	@$(PYTHON_VENV) -m tools.proof stock

# First of all: who wants Debian should not wait for a cloud that cannot build it.
media-check:  ## whether the mirror has what Debian on the devcloud is made of
	@$(PYTHON) -m devcloud.media check

devcloud:  ## bring up a real OpenStack on this machine
	@$(DEVCLOUD) up

devcloud-status:  ## each service of it, up or not, with its log file
	@$(DEVCLOUD) status

devcloud-down:  ## stop it; its state stays
	@$(DEVCLOUD) down

devcloud-wipe:  ## stop it and remove its state
	@$(DEVCLOUD) wipe
