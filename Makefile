# The two commands are `make run` and `make test`. The others: `make bench`, `make memcheck`, `make autobahn`,
# `make install`, `make clean`.

PHP      ?= php
CARGO    ?= cargo
TARGET    = $(abspath $(or $(CARGO_TARGET_DIR),target))
RELEASE   = $(TARGET)/release/libswoosh_php.so
DEBUG     = $(TARGET)/debug/libswoosh_php.so
RUN_TESTS = $(shell php-config --extension-dir 2>/dev/null | xargs -r dirname | xargs -r -I{} find {} /usr/lib/php -name run-tests.php 2>/dev/null | head -n 1)

.PHONY: run test test-rust test-php memcheck autobahn bench install setup components clean

run: setup
	$(CARGO) build --release -p swoosh-php
	@sh examples/run.sh $(PHP) $(RELEASE)

test: setup components test-rust test-php

test-rust:
	$(CARGO) test --workspace --exclude swoosh-php --exclude swoosh-bench

test-php:
	$(CARGO) build -p swoosh-php
	NO_INTERACTION=1 TEST_PHP_EXECUTABLE=$$(command -v $(PHP)) $(PHP) $(RUN_TESTS) -q -j4 --show-diff -d extension=$(DEBUG) tests/phpt

# Under valgrind: hours for all; TESTS="tests/phpt/co_*.phpt" for some.
memcheck: setup
	$(CARGO) build -p swoosh-php
	@sh scripts/valgrind.sh $(PHP) $(RUN_TESTS) $(DEBUG) $(TESTS)

# The Autobahn cases of WebSocket, against a server in PHP: minutes. CASES="1.* 7.*" for some.
autobahn: setup
	$(CARGO) build --release -p swoosh-php
	@sh scripts/autobahn.sh $(PHP) $(RELEASE) $(CASES)

bench: setup
	$(CARGO) build --release -p swoosh-php -p swoosh-bench
	$(TARGET)/release/swoosh-bench

# Puts the extension where PHP finds it; `extension=swoole` in an ini file loads it then.
install: setup
	$(CARGO) build --release -p swoosh-php
	install -m 0644 $(RELEASE) $$(php-config --extension-dir)/swoole.so

setup:
	@sh scripts/setup.sh

# For tests only: those that need them are skipped where they cannot be had.
components:
	@sh scripts/components.sh

clean:
	$(CARGO) clean
