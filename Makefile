# Everything a developer types. "make" alone lists the targets.

GOLANGCI := go tool -modfile=tools/go.mod golangci-lint
GOFUMPT  := go tool -modfile=tools/go.mod gofumpt
# A count and not a time: at the end of a time Go's fuzzer sometimes fails with "context deadline
# exceeded" where it found nothing.
FUZZTIME ?= 50000x

.DEFAULT_GOAL := help
.PHONY: help demo test check race bench fuzz generate verify torture build

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## Watch one ad click become one sale, on this machine alone
	go run ./cmd/clickthread demo

test: ## Run all tests
	go test ./...

check: ## Vet and lint
	go vet ./...
	$(GOLANGCI) run ./...

race: ## Run the tests of the concurrent packages under the race detector, but for three long ones that run alone
	go test -race ./sql ./webhook ./forwarder ./sandbox ./notices ./internal/bench ./internal/backtest
	go test -race -timeout 15m -skip 'TestMetaIsAwayForSixDays|TestBacktestEqualsARealReplay|TestADayGivesNothingAway' ./cmd/...

bench: ## Run the Go benchmarks
	go test -run '^$$' -bench . -benchmem ./...

fuzz: ## Fuzz every parser of outside input, FUZZTIME each (default 50000x)
	@go list ./... | while read -r pkg; do \
	  for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "fuzz $$pkg $$target"; \
	    go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg || exit 1; \
	  done; \
	done

torture: ## Kill, stop and restart servers and databases under load, poison batches, backtest much, and count (minutes)
	CLICKTHREAD_TORTURE=1 go test -count=1 -timeout 30m -run 'TestKill|TestTwoNodes|TestPostgresRestarts|TestAStopped|TestEach200|TestPoison|TestBacktestEquals' -v ./cmd/clickthread

generate: ## Format the code, tidy the modules, write the generated pages
	$(GOFUMPT) -w .
	go mod tidy
	go run ./internal/generate

verify: ## Check that what can be generated is up to date, and that modules are as published
	go mod verify
	go mod tidy -diff
	go run ./internal/generate -check
	@test -z "$$($(GOFUMPT) -l .)" || { echo "not formatted; run: make generate"; $(GOFUMPT) -l .; exit 1; }

build: ## Build bin/clickthread, static
	CGO_ENABLED=0 go build -trimpath -o bin/clickthread ./cmd/clickthread
