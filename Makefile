# `make run` serves a first page and `make test` runs every test; `make help` lists the others.

PHP      ?= php
PHP_CONFIG ?= php-config
CARGO    ?= cargo
TARGET    = $(abspath $(or $(CARGO_TARGET_DIR),target))
RELEASE   = $(TARGET)/release/libswoosh_php.so
DEBUG     = $(TARGET)/debug/libswoosh_php.so
RUN_TESTS = $(shell $(PHP_CONFIG) --prefix 2>/dev/null | xargs -r -I{} find {}/lib/php -name run-tests.php 2>/dev/null | head -n 1)

.PHONY: help run test test-rust test-php test-matrix lint memcheck autobahn bench instructions install hooks setup components clean

# The default target stays `run`.
.DEFAULT_GOAL = run

help:
	@echo 'make run         build, and serve the first page (SWOOSH_PORT=8080 for another port)'
	@echo 'make test        every test; test-rust and test-php for half of them'
	@echo 'make test-matrix the PHP tests on PHP 8.2 and 8.4, with and without threads (PHP_CONFIGS="..." for others)'
	@echo 'make lint        the quick gates: formatting, architecture, documents, clippy'
	@echo 'make bench       figures beside reference programs'
	@echo 'make instructions  user instructions of a request on ten workloads, counted by cachegrind'
	@echo 'make memcheck    the PHP tests under valgrind (TESTS="tests/phpt/coroutine/*.phpt" for some)'
	@echo 'make autobahn    the Autobahn WebSocket cases (CASES="1.* 7.*" for some)'
	@echo 'make install     copy the extension to the extension directory of PHP'
	@echo 'make hooks       install the pre-commit hook'
	@echo 'make clean       remove what was built'

run: setup
	$(CARGO) build --release -p swoosh-php
	@sh examples/run.sh $(PHP) $(RELEASE)

test: setup components test-rust test-php

# All libraries and their documentation examples; swoosh-zend and swoosh-php are tested from PHP.
test-rust:
	$(CARGO) test --workspace --exclude swoosh-php --exclude swoosh-bench

# TESTS: files or folders to run instead of all. TEST_LIMIT: seconds after which a test is ended. TEST_JOBS: at once.
test-php:
	$(CARGO) build -p swoosh-php
	@scripts/test_php.py $(PHP) $(RUN_TESTS) $(DEBUG) $(TESTS)

# Builds the other versions of PHP first, which takes minutes. PHP_CONFIGS: php-config programs to use instead.
test-matrix: setup
	@sh scripts/test-matrix.sh $(TARGET) $(PHP_CONFIGS)

lint:
	@sh scripts/pre-commit

# All of them take hours.
memcheck: setup
	$(CARGO) build -p swoosh-php
	@sh scripts/valgrind.sh $(PHP) $(RUN_TESTS) $(DEBUG) $(TESTS)

# Takes minutes, and a package from PyPI.
autobahn: setup
	$(CARGO) build --release -p swoosh-php
	@sh scripts/autobahn.sh $(PHP) $(RELEASE) $(CASES)

bench: setup
	$(CARGO) build --release -p swoosh-php -p swoosh-bench
	$(TARGET)/release/swoosh-bench

# WORKLOADS: some of them. CHECK=--check: fail beyond the budgets of docs/instructions.json.
instructions: setup
	$(CARGO) build --release -p swoosh-php
	@scripts/instructions.py $(CHECK) --extension $(RELEASE) $(WORKLOADS)

# PHP loads it with `extension=swoole` in an ini file, or with `-d extension=swoole`.
install: setup
	$(CARGO) build --release -p swoosh-php
	install -m 0644 $(RELEASE) $$($(PHP_CONFIG) --extension-dir)/swoole.so

hooks:
	install -m 0755 scripts/pre-commit "$$(git rev-parse --git-path hooks)/pre-commit"

setup:
	@sh scripts/setup.sh

# Servers and clients for tests only; the tests that need a missing one are skipped.
components:
	@sh scripts/components.sh

clean:
	$(CARGO) clean
