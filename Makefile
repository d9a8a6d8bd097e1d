# `make run` serves a first page and `make test` runs every test; `make help` lists the others.

PHP      ?= php
PHP_CONFIG ?= php-config
CARGO    ?= cargo
TARGET    = $(abspath $(or $(CARGO_TARGET_DIR),target))
RELEASE   = $(TARGET)/release/libswoosh_php.so
DEBUG     = $(TARGET)/debug/libswoosh_php.so
RUN_TESTS = $(shell $(PHP_CONFIG) --prefix 2>/dev/null | xargs -r -I{} find {}/lib/php -name run-tests.php 2>/dev/null | head -n 1)

.PHONY: help run dist pgo test test-rust test-php test-matrix lint memcheck autobahn bench instructions install hooks setup components clean

# The default target stays `run`.
.DEFAULT_GOAL = run

help:
	@echo 'make run         serve the first page (SWOOSH_PORT=8080 for another port), with a prebuilt extension of dist/ if it fits'
	@echo 'make test        every test; test-rust and test-php for half of them'
	@echo 'make test-matrix the PHP tests on PHP 8.2 and 8.4, with and without threads (PHP_CONFIGS="..." for others)'
	@echo 'make lint        the quick gates: formatting, architecture, documents, clippy'
	@echo 'make bench       figures beside reference programs'
	@echo 'make pgo         build the extension with the profile of its workloads: fewer instructions a request, two builds'
	@echo 'make instructions  user instructions of a request on ten workloads, counted by cachegrind'
	@echo 'make memcheck    the PHP tests under valgrind (TESTS="tests/phpt/coroutine/*.phpt" for some)'
	@echo 'make autobahn    the Autobahn WebSocket cases (CASES="1.* 7.*" for some)'
	@echo 'make install     copy the extension to the extension directory of PHP'
	@echo 'make dist        pack the extension for this PHP in dist/: without symbols, with checksums, as a Debian package'
	@echo 'make hooks       install the pre-commit hook'
	@echo 'make clean       remove what was built'

# A prebuilt extension needs neither Rust nor clang.
run:
	@sh scripts/prebuilt.sh $(PHP) $(TARGET) >/dev/null || { sh scripts/setup.sh && sh scripts/build.sh $(CARGO) $(TARGET); }
	@sh examples/run.sh $(PHP) "$$(sh scripts/prebuilt.sh $(PHP) $(TARGET) 2>/dev/null || echo $(RELEASE))"

# No path of this machine is in the result, so that another checkout at the same commit, with the same compilers, builds the
# same bytes. A folder of its own, because the flags differ from those of other builds.
DIST_FLAGS = --remap-path-prefix=$(CURDIR)=/swoosh --remap-path-prefix=$(TARGET)=/target --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo
dist: setup
	@RUSTFLAGS="$(DIST_FLAGS)" CFLAGS="$(subst --remap-path-prefix,-ffile-prefix-map,$(DIST_FLAGS))" CARGO_PROFILE_RELEASE_DEBUG=line-tables-only \
		CARGO_PROFILE_RELEASE_STRIP=none CARGO_TARGET_DIR=$(TARGET)/dist sh scripts/build.sh $(CARGO) $(TARGET)/dist --locked
	@sh scripts/dist.sh $(PHP) $(PHP_CONFIG) $(TARGET)/dist/release/libswoosh_php.so

test: setup components test-rust test-php

# All libraries and their documentation examples; swoosh-zend and swoosh-php are tested from PHP.
test-rust:
	$(CARGO) test --workspace --exclude swoosh-php --exclude swoosh-bench --features swoosh/tower

# TESTS: files or folders to run instead of all. TEST_LIMIT: seconds after which a test is ended. TEST_JOBS: at once.
test-php:
	$(CARGO) build -p swoosh-php
	@scripts/test_php.py $(PHP) $(RUN_TESTS) $(DEBUG) $(TESTS)

# Builds the other versions of PHP first, which takes minutes. PHP_CONFIGS: php-config programs to use instead.
test-matrix: setup
	@sh scripts/test-matrix.sh $(TARGET) $(PHP_CONFIGS)

lint:
	@sh scripts/pre-commit
	@scripts/architecture.py --self-test

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

# For releases: it takes two builds from the start and the loads between them.
pgo: setup
	@sh scripts/pgo.sh $(CARGO) $(PHP) $(TARGET)

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
