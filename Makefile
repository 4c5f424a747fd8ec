# What a person does with this repository. Everything works from a fresh clone on Debian 12.
#
#   make up      start a cloud on this machine and boot a server in it
#   make test    install what the tests need, and run all of them
#
# STATE= the directory of the cloud, PORT= its port, UP_ARGS= more options of 'mycloud up'.

SHELL := /bin/bash
STATE ?=
PORT ?=
UP_ARGS ?=
PYTHON := .venv/bin/python
MYCLOUD := .venv/bin/mycloud
STATE_OPTION := $(if $(STATE),--state '$(STATE)')
NEEDS := $(if $(findstring fake,$(UP_ARGS)),core,libvirt)

.PHONY: help venv up down clean status doctor test test-fast lint golden docs sample

help:
	@sed -n 's/^#   //p' Makefile

venv:
	@tools/prepare.sh test

up:
	@tools/prepare.sh $(NEEDS)
	@$(MYCLOUD) up --first-server $(STATE_OPTION) $(if $(PORT),--port $(PORT)) $(UP_ARGS)

# stopping what was never started is no error
down:
	@if [ -x $(MYCLOUD) ]; then $(MYCLOUD) down $(STATE_OPTION); else echo "Nothing runs"; fi

clean:
	@if [ -x $(MYCLOUD) ]; then $(MYCLOUD) down --remove-state $(STATE_OPTION); fi

status:
	@$(MYCLOUD) status $(STATE_OPTION)

doctor:
	@$(MYCLOUD) doctor $(STATE_OPTION)

test: venv
	@tools/run-tests.sh all

test-fast: venv
	@tools/run-tests.sh fast

lint: venv
	@tools/run-tests.sh lint

# what tests compare with: routes, policies, RPC signatures, objects, microversions
golden: venv
	@$(PYTHON) tools/golden.py

sample: venv
	@tools/samples.sh

docs: venv
	@$(PYTHON) -m pip install -q -c constraints.txt -e '.[docs]'
	@$(PYTHON) -m sphinx -q -W docs docs/_build
