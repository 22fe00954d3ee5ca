# minihub. `make help` lists the targets.
GO ?= go
BENCH_N ?= 20000

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z/_-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

.PHONY: build
build: ## build the program into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/minihub ./cmd/minihub

.PHONY: test
test: ## everything that needs nothing installed
	$(GO) test ./...

.PHONY: test/race
test/race: ## the same with the race detector, shuffled
	$(GO) test -race -shuffle=on ./...

.PHONY: test/db
test/db: ## what runs on PostgreSQL; it fails where there is none (MINIHUB_TEST_POSTGRES names a server)
	CI=true $(GO) test ./pipelines/ledger/...
	CI=true $(GO) test ./cmd/minihub/internal/e2e -run 'Postgres'

.PHONY: test/kill
test/kill: ## the long kill test: 20 kills, 5,000 orders, both stores
	MINIHUB_KILL=long $(GO) test ./cmd/minihub/internal/e2e -run 'TestKill' -v -timeout 60m

.PHONY: fuzz
fuzz: ## ten seconds for every fuzz target
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 10s -fuzzminimizetime 1x $$pkg || exit 1; \
	  done; done

.PHONY: bench
bench: ## the whole path as a fraction of bare posts, and the idle latency
	$(GO) test -run '^$$' -bench 'WholePath' -benchtime $(BENCH_N)x ./cmd/minihub/internal/bench
	$(GO) test -run '^$$' -bench 'IdleLatency' -benchtime 2000x ./cmd/minihub/internal/bench

.PHONY: bench/million
bench/million: ## memory with 1,000,000 waiting deliveries, then drain
	MINIHUB_MILLION=1 $(GO) test -run 'TestMillionWaiting' -v -timeout 60m ./cmd/minihub/internal/bench

.PHONY: bench/bulk
bench/bulk: ## a bulk replay of 100,000 rows, killed, held and cancelled, on SQLite and PostgreSQL
	MINIHUB_BULK_ROWS=100000 $(GO) test -run 'TestABulkReplaySurvivesKills' -v -timeout 60m ./pipelines

.PHONY: bench/search
bench/search: ## the desk over 1,000,000 messages, on SQLite and PostgreSQL
	MINIHUB_SCALE=1 $(GO) test -run 'TestSearchScale' -v -timeout 120m ./cmd/minihub/internal/bench

.PHONY: lint
lint: ## vet, format and lint
	gofmt -l . | (! grep .)
	$(GO) vet ./...
	golangci-lint run

.PHONY: verify
verify: ## generated files are current
	$(GO) test ./mappings -run TestReadme
	$(GO) test ./cmd/minihub/internal/reference

.PHONY: reference
reference: ## write docs/reference from the code
	$(GO) test ./cmd/minihub/internal/reference -run TestPagesAreFresh -update

.PHONY: demo
demo: ## simulators and hub in one process
	$(GO) run ./cmd/minihub demo

.PHONY: sim
sim: ## simulators alone
	$(GO) run ./cmd/minihub sim --addr 127.0.0.1:9700 --seed 1
