# The targets are explained by `make help`. Everything is built from Go modules; nothing else is downloaded.

# What is built where.
ROOT := $(CURDIR)
TOOLS := $(ROOT)/bin/tools
CONTROL_PLANE := $(ROOT)/bin/controlplane
MODULES := . hack/tools hack/tools/golangci-lint hack/controlplane
IMAGE ?= dbscaler:latest
CONTAINER_ENGINE ?= docker
KUBECTL ?= $(KUBEBUILDER_ASSETS)/kubectl

# What the caller's Go settings could change in what is built or found. Versions are stamped by `make build` alone, since a
# checkout that belongs to another user would make git refuse.
export GOFLAGS := -mod=readonly -buildvcs=false
export GOWORK := off
export KUBEBUILDER_ASSETS ?= $(CONTROL_PLANE)

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

##@ Use

.PHONY: help
help: ## Explain the targets
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z][a-z-]*:.*## / {printf "  %-14s %s\n", $$1, $$2} \
		/^#> / {printf "  %-14s %s\n", "", substr($$0, 4)}' $(MAKEFILE_LIST)
	@echo

.PHONY: demo
demo: control-plane ## Play one morning: a real API server, the operator and a simulated AWS, in about three minutes
#> SPEED=60    simulated seconds in one of the machine's
#> TRACE=FILE  a recording to play instead; with it CLASS=db.r6g.large SCALE=2 FROM=36h HOURS=24
#> INSIGHTS=0  without Performance Insights, and so without DBLoadCPU
#> KILLS=5     kill -9 the operator this often at random moments, and start it again
#> KEEP=1      leave everything running at the end and say what to try
	go run ./hack/demo $(if $(TRACE),--trace '$(TRACE)') $(if $(CLASS),--class '$(CLASS)') $(if $(SCALE),--scale '$(SCALE)') \
		$(if $(FROM),--from '$(FROM)') $(if $(HOURS),--hours '$(HOURS)') $(if $(SPEED),--speed '$(SPEED)') \
		$(if $(KILLS),--kills '$(KILLS)') $(if $(filter 0 false no,$(INSIGHTS)),--without-insights) \
		$(if $(filter-out 0 false no,$(KEEP)),--keep)

.PHONY: build
build: ## Build the operator into bin/dbscaler: static, stamped with the version that git knows
	CGO_ENABLED=0 go build -trimpath -buildvcs=auto -ldflags '-s -w' -o bin/dbscaler .

.PHONY: plugin
plugin: ## Build the kubectl plugin into bin/kubectl-dbscaler; on the PATH, kubectl finds it
	CGO_ENABLED=0 go build -trimpath -buildvcs=auto -ldflags '-s -w' -o bin/kubectl-dbscaler ./cmd/kubectl-dbscaler

.PHONY: image
image: ## Build the container image IMAGE (dbscaler:latest) with CONTAINER_ENGINE (docker), which has to be installed
	$(CONTAINER_ENGINE) build --tag '$(IMAGE)' .

##@ Check

.PHONY: test
test: control-plane $(TOOLS)/gotestsum ## Run all tests, those against a real API server included
#> ARGS='-run TestX ./api/...'  what to test instead of everything
	$(TOOLS)/gotestsum --format pkgname --format-hide-empty-pkg -- $(or $(ARGS),./...)

.PHONY: simtest
simtest: ## Play the operator against hours of load and mishaps in a simulated world, SEEDS times, and assert every invariant
#> SEEDS=2000  how many; FIRST=1 the first of them
#> SEED=7      play one seed alone and print it
	go test ./internal/simtest -count=1 -timeout 40m -v -run 'TestSeeds|TestNarratives' \
		$(if $(SEED),-seed=$(SEED),-seeds=$(or $(SEEDS),2000) -first=$(or $(FIRST),1))

.PHONY: mutants
mutants: ## Break invariants on purpose, one after the other, and check that the simulation finds each
#> SEEDS=200
	@hack/mutants.sh '$(or $(SEEDS),200)'

.PHONY: scoreboard
scoreboard: ## Play recorded and generated loads beside other autoscalers and write docs/scoreboard.md, in a minute
#> TRACES=../shared/traces  folder of the recorded loads
#> SEEDS=11,12  of the generated loads
	go run ./hack/scoreboard $(if $(TRACES),--traces '$(TRACES)') $(if $(SEEDS),--seeds '$(SEEDS)')

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME each
#> FUZZTIME=20s
	@hack/fuzz.sh '$(or $(FUZZTIME),20s)'

.PHONY: bench
bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem ./internal/scaling/... ./internal/backtest/...

.PHONY: verify
verify: $(TOOLS)/controller-gen $(TOOLS)/crd-ref-docs ## Check that what is generated, formatted and required is up to date
	@hack/verify.sh $(MODULES)

.PHONY: lint
lint: $(TOOLS)/golangci-lint ## Check the code with golangci-lint and the API types with kube-api-linter
	$(TOOLS)/golangci-lint run

.PHONY: lint-fix
lint-fix: $(TOOLS)/golangci-lint ## Correct what golangci-lint can correct by itself
	$(TOOLS)/golangci-lint run --fix

.PHONY: fmt
fmt: ## Format all Go files
	gofmt -w .

##@ Generate

.PHONY: generate
generate: manifests docs $(TOOLS)/controller-gen ## Write everything that is generated
	$(TOOLS)/controller-gen object paths=./api/...

.PHONY: manifests
manifests: $(TOOLS)/controller-gen ## Write the CRD and the operator's RBAC
	$(TOOLS)/controller-gen crd paths=./api/... output:crd:dir=config/crd/bases
	$(TOOLS)/controller-gen rbac:roleName=dbscaler paths=./controllers/... output:rbac:dir=config/rbac

.PHONY: docs
docs: $(TOOLS)/crd-ref-docs ## Write the API reference, docs/reference/api.md
	mkdir -p docs/reference
	$(TOOLS)/crd-ref-docs --log-level ERROR --renderer markdown --source-path api/v1alpha1 \
		--config hack/api-reference/config.yaml --templates-dir hack/api-reference --output-path docs/reference/api.md

##@ Prepare

.PHONY: control-plane
control-plane: ## Build kube-apiserver, etcd and kubectl into bin/controlplane (once; six minutes on two cores)
#> KUBEBUILDER_ASSETS=DIR  use the ones in DIR instead
	@if [ "$$KUBEBUILDER_ASSETS" = '$(CONTROL_PLANE)' ]; then hack/controlplane/build.sh '$(CONTROL_PLANE)'; fi

.PHONY: tools
tools: $(addprefix $(TOOLS)/,controller-gen crd-ref-docs gotestsum golangci-lint) ## Build the tools into bin/tools

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf bin

##@ Install into the cluster of the current kubectl context

.PHONY: install
install: control-plane ## Install the CRD
	$(KUBECTL) apply --server-side -k config/crd

.PHONY: deploy
deploy: control-plane ## Install the CRD and the operator
	$(KUBECTL) apply --server-side -k config/default

.PHONY: undeploy
undeploy: control-plane ## Remove the operator and the CRD, and with it all policies; databases stay as they are
	$(KUBECTL) delete --ignore-not-found -k config/default

# The tools are built from modules of their own, which pin them.
controller-gen_package := sigs.k8s.io/controller-tools/cmd/controller-gen
crd-ref-docs_package := github.com/elastic/crd-ref-docs
gotestsum_package := gotest.tools/gotestsum

$(TOOLS)/controller-gen $(TOOLS)/crd-ref-docs $(TOOLS)/gotestsum: hack/tools/go.mod hack/tools/go.sum
	@echo 'tools: building $(@F)'
	@cd hack/tools && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o '$@' $($(@F)_package)
	@touch '$@'

$(TOOLS)/golangci-lint: hack/tools/golangci-lint/go.mod hack/tools/golangci-lint/go.sum
	@echo 'tools: building $(@F) with kube-api-linter (once; two to five minutes on two cores)'
	@cd hack/tools/golangci-lint && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o '$@' \
		sigs.k8s.io/kube-api-linter/cmd/golangci-lint-kube-api-linter
	@touch '$@'
