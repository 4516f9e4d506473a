# Two commands are all a newcomer needs: `make run` and `make test`.
.PHONY: run test setup build bench-oltp nightly

CARGO ?= cargo
BINARY := $(or $(CARGO_TARGET_DIR),./target)/release/rutile

## start the database on 127.0.0.1:4000, data in ./rutile-data
run: setup
	$(CARGO) build --release --locked --bin rutile
	$(BINARY) start

## everything CI runs
test: setup
	./deploy/local/test.sh

## install what a fresh Debian machine lacks: linker, libclang, C++ compiler
setup:
	@./deploy/local/setup.sh

build: setup
	$(CARGO) build --release --locked --bin rutile

## long runs: many seeds, kill -9 in loops, loss of power, partitions, drivers
nightly: setup
	./deploy/local/nightly.sh

## sysbench against a MySQL on RUTILE_BENCH_MYSQL (3308), in turn, RUTILE_BENCH_SECONDS (5) each; prints the tables of
## docs/benchmarks.md
bench-oltp: build
	./tests/bench/oltp.sh $(BINARY)
