# Everything a contributor does, in one place. "make" alone lists it.

# How long each fuzz target runs, and each soak test.
FUZZTIME ?= 10m
SOAKTIME ?= 30m
# Which benchmarks run, and how often.
BENCH ?= .
COUNT ?= 6
# The longest that the tests of one package may take.
TIMEOUT ?= 10m

export FUZZTIME SOAKTIME

.DEFAULT_GOAL := help
.PHONY: help quickstart redis peers wicked inspect observe gorm sqlx test test-go127 lint fmt fuzz soak regress bench

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

quickstart: ## see it work: a private PostgreSQL, a slow query, and the cache
	@. .ci/env && go run ./examples/quickstart

redis: ## three processes with one cache on Redis: filled once, writes seen by all, Redis down
	@. .ci/env && go run ./examples/redis

peers: ## three processes that ask each other: each key made once by its owner, an owner killed
	@. .ci/env && go run ./examples/peers

wicked: ## six slow queries at once: workers, cache, one snapshot; draws bin/wicked.svg
	@. .ci/env && go run ./examples/wicked

inspect: ## the web page of driver/inspect over a private PostgreSQL with something to do, until Ctrl-C
	@. .ci/env && go run ./examples/inspect

observe: ## find out what to cache: advice on a mixed load, and what the rules then bring
	@. .ci/env && go run ./examples/observe

gorm: ## GORM answered from the cache: reads, writes, and what the driver says of them
	@. .ci/env && go run ./examples/gorm

sqlx: ## sqlx answered from the cache: named queries, structs, and writes that are seen
	@. .ci/env && go run ./examples/sqlx

test: ## test every module, with the race detector where there is a C compiler
	@. .ci/env && .ci/each go test $$(race) -count=1 -timeout=$(TIMEOUT) ./...

test-go127: ## test what differs with Go 1.27 (the go command fetches it)
	@. .ci/env && { GOTOOLCHAIN=go1.27.0 go version >/dev/null 2>&1 || \
		die "Go 1.27.0 can't be had here: install it, or let the go command download it"; } && \
		GOTOOLCHAIN=go1.27.0 go test $$(race) -count=1 -timeout=$(TIMEOUT) ./internal/rowset/... ./driver/... ./conformance_test

lint: ## gofumpt, go vet, golangci-lint
	@.ci/lint

fmt: ## format every file
	@. .ci/env && GOTOOLCHAIN=local go run mvdan.cc/gofumpt@v0.12.0 -w .

fuzz: ## run every fuzz target, FUZZTIME=10m each
	@.ci/fuzz

soak: ## run the long tests, SOAKTIME=30m each
	@.ci/soak

regress: ## PostgreSQL's own regression SQL beside pgx (PGCACHE_REGRESS_DIR=.../src/test/regress)
	@. .ci/env && cd conformance_test/regress && go test -count=1 -timeout=2h -v -run RegressionSQL .

bench: ## floor, pgx, hits, misses and off in turn; load; tiers; strict; writers; memory; the packages' benchmarks (BENCH=regexp COUNT=6)
	@. .ci/env && cd conformance_test/bench && mkdir -p ../../bin && go run . -raw ../../bin/rounds.txt -chart ../../bin/benchmarks.svg && \
		go run ./load && go run ./tiers && go run ./strict && go run ./writers && go run ./memory
	@.ci/each go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) -timeout 0 ./...
