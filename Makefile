# Parley: `make help` lists the targets.

SHELL := /bin/bash
GO ?= go
TAGS := nolibopusfile
export GOFLAGS := -buildvcs=false -tags=$(TAGS)
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -X main.version=$(VERSION)
TOOLS := $(CURDIR)/bin/tools
GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)
FUZZTIME ?= 10s
RACE ?=

.PHONY: help deps deps-test deps-bench build test race conformance lint fuzz bench cover demo run golden storm install deb clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

deps:
	@scripts/deps.sh build

deps-test:
	@scripts/deps.sh test

deps-bench:
	@scripts/deps.sh bench

build: deps ## build bin/parley
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/parley ./cmd/parley

# Packages are tested one after the other: many tests play calls in real time, and would disturb each other.
test: deps-test build ## run every test (installs SIPp, baresip, xmllint... when missing)
	$(GO) test $(RACE) -run '^$$' ./... >/dev/null
	@GO=$(GO) scripts/test.sh $(RACE) -p 2 -shuffle=on -timeout 20m ./...

race: ## the same under the race detector
	$(MAKE) test RACE=-race

golden: ## rewrite golden files from what the code does now; read the diff
	$(GO) test ./focus/conference ./siprec ./internal/sdp -update

conformance: ## rewrite docs/conformance.md from the tables and the tests
	$(GO) test ./internal/conformance -run TestPage -update

lint: deps $(GOLANGCI) ## golangci-lint, pinned
	$(GOLANGCI) config verify
	$(GOLANGCI) run --build-tags $(TAGS) ./...

$(GOLANGCI):
	@echo "lint: building golangci-lint $(GOLANGCI_VERSION) (once, some minutes)"
	@mkdir -p $(TOOLS)
	GOFLAGS= GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(TOOLS)/golangci-lint $@

fuzz: deps ## run every fuzz target for FUZZTIME (default 10s) each
	@scripts/fuzz.sh $(FUZZTIME)

bench: deps-bench ## benchmarks of the hot paths, then the load figures against the reflector
	$(GO) test -run '^$$' -bench . -benchmem ./codecs ./mixer ./internal/media
	@scripts/bench.sh $(ARGS)

storm: ## whatever happens to conferences and recorders: is anything recorded lost, or heard by who may not (SEEDS=first,count)
	PARLEY_TEST_STORM=$(SEEDS) $(GO) test -tags $(TAGS) -run '^TestStorm$$' -v -count 1 ./focus

cover: deps-test build ## coverage of the whole tree into cover.html
	$(GO) test -coverprofile=cover.out -coverpkg=./... ./...
	$(GO) tool cover -html=cover.out -o cover.html
	$(GO) tool cover -func=cover.out | tail -1

demo: build ## the main job end to end, verified, in under a minute
	bin/parley demo

run: build ## serve on the embedded default: SIP 127.0.0.1:5060, HTTP 127.0.0.1:8080
	bin/parley serve

install: build ## put program, units, completions and sample configurations in their places (DESTDIR=, PREFIX=/usr/local)
	@DESTDIR='$(DESTDIR)' PREFIX='$(or $(PREFIX),/usr/local)' scripts/install.sh

deb: build ## make a Debian package in bin/
	@scripts/deb.sh '$(VERSION)'

clean: ## remove what the other targets made
	rm -rf bin cover.out cover.html demo-out
