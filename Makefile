# Two commands are all a newcomer needs: `make run` and `make test`.
.PHONY: run test setup build lint doc clean-data

CARGO ?= cargo

## start the database on 127.0.0.1:4000, data in ./rutile-data
run: setup
	$(CARGO) build --release --locked --bin rutile
	./target/release/rutile start

## everything CI runs
test: setup
	./deploy/local/test.sh

## install what a fresh Debian machine lacks: linker, libclang, C++ compiler
setup:
	@./deploy/local/setup.sh

build: setup
	$(CARGO) build --release --locked --bin rutile
