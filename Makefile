# `make help` lists the targets. All tools are built from Go modules. Nothing else is downloaded, but for the control plane if its download
# works (`make control-plane`).

# Output folders, and the Go modules that `verify` checks: all but hack/argocd-test/argocd, whose check downloads Argo CD's modules.
ROOT := $(CURDIR)
TOOLS := $(ROOT)/bin/tools
CONTROL_PLANE := $(ROOT)/bin/controlplane
MODULES := . hack/envtest hack/promql hack/release hack/tools hack/tools/golangci-lint hack/tools/helm hack/controlplane
ARGOCD := $(ROOT)/bin/argocd/argocd
IMAGE ?= dbscaler:latest
RELEASE := go run -C hack/release .
RELEASE_FLAGS = --source '$(ROOT)' $(if $(PLATFORMS),--platforms '$(PLATFORMS)') $(if $(VERSION),--version '$(VERSION)')
KUBECTL ?= $(KUBEBUILDER_ASSETS)/kubectl
UNDEPLOY_TIMEOUT ?= 15m

# Fixed Go settings, so that the caller's settings do not change a build. Only `build` and `plugin` stamp a version: git refuses to
# read a checkout that belongs to another user.
export GOFLAGS := -mod=readonly -buildvcs=false
export GOWORK := off
export KUBEBUILDER_ASSETS ?= $(CONTROL_PLANE)

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

##@ Use

.PHONY: help
help: ## List the targets and their variables
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z][a-z-]*:.*## / {printf "  %-14s %s\n", $$1, $$2} \
		/^#> / {printf "  %-14s %s\n", "", substr($$0, 4)}' $(MAKEFILE_LIST)
	@echo

.PHONY: demo
demo: control-plane ## Run the operator with a real API server and a simulated AWS (about 3 minutes)
#> SPEED=60    simulated seconds for each second of wall-clock time (180 by default)
#> TRACE=FILE  replay a recorded load; optional: CLASS=db.r6g.large SCALE=2 FROM=36h HOURS=24
#> PAST=7h30m  apply the policy when so much of the scenario is over: in the middle of the incident
#> BURST=1     play a flash crowd instead, beside Aurora Auto Scaling (about 2 minutes)
#> INSIGHTS=0  disable Performance Insights, and with it the metric DBLoadCPU
#> KILLS=5     kill the operator (SIGKILL) 5 times at random times and start it again
#> WEB=1       add five databases, and serve the dashboard while it runs; PORT=8080 chooses its port
#> EMPTY=1     run only the API server and the simulated AWS, on the present time, to install the chart yourself
#> KEEP=1      keep all processes running at the end, and print commands to try
	@go run ./hack/demo $(if $(TRACE),--trace '$(TRACE)') $(if $(CLASS),--class '$(CLASS)') $(if $(SCALE),--scale '$(SCALE)') \
		$(if $(FROM),--from '$(FROM)') $(if $(HOURS),--hours '$(HOURS)') $(if $(SPEED),--speed '$(SPEED)') \
		$(if $(PAST),--past '$(PAST)') $(if $(KILLS),--kills '$(KILLS)') $(if $(filter 0 false no,$(INSIGHTS)),--without-insights) \
		$(if $(filter-out 0 false no,$(BURST)),--burst) \
		$(if $(filter-out 0 false no,$(WEB)),--web $(if $(PORT),--web-port '$(PORT)')) \
		$(if $(filter-out 0 false no,$(EMPTY)),--empty) $(if $(filter-out 0 false no,$(KEEP)),--keep)

.PHONY: build
build: ## Build the operator into bin/dbscaler: static, with the version from git
	CGO_ENABLED=0 go build -trimpath -buildvcs=auto -ldflags '-s -w' -o bin/dbscaler .

.PHONY: plugin
plugin: ## Build the kubectl plugin and its shell completion into bin; add bin to the PATH to use them
	CGO_ENABLED=0 go build -trimpath -buildvcs=auto -ldflags '-s -w' -o bin/kubectl-dbscaler ./cmd/kubectl-dbscaler
	install -m 755 cmd/kubectl-dbscaler/kubectl_complete-dbscaler bin/kubectl_complete-dbscaler

.PHONY: image
image: ## Build the container image into bin/image: an OCI layout, and dbscaler.tar for `docker load`; needs no container engine
#> IMAGE=dbscaler:latest              name and tag of the image
#> PUSH=1                             push it to its registry, with the credentials of `docker login`
#> PLATFORMS=linux/amd64,linux/arm64  architectures
#> VERSION=v1.2.3                     version; by default the tag of the commit, or one with its time and hash
#> COMPARE=sha256:...                 fail if the image has another digest
	@$(RELEASE) image --out '$(ROOT)/bin/image' --image '$(IMAGE)' $(RELEASE_FLAGS) $(if $(filter-out 0 false no,$(PUSH)),--push) \
		$(if $(COMPARE),--compare '$(COMPARE)')

.PHONY: kind-images
kind-images: ## Build the images of the operator and of the simulated AWS for a cluster of kind, into bin/kind: docs/kind.md
	@$(RELEASE) image --source '$(ROOT)' --out '$(ROOT)/bin/kind/dbscaler' --image dbscaler:kind --platforms "linux/$$(go env GOARCH)"
	@$(RELEASE) image --source '$(ROOT)' --out '$(ROOT)/bin/kind/rdssim' --image rdssim:kind --platforms "linux/$$(go env GOARCH)" \
		--package ./hack/rdssim

.PHONY: sbom
sbom: ## Write the software bill of materials of each architecture into bin/sbom, as CycloneDX
	@$(RELEASE) sbom --out '$(ROOT)/bin/sbom' $(RELEASE_FLAGS)

.PHONY: plugin-archives
plugin-archives: ## Build the archives of the kubectl plugin into bin/plugin, with checksums and the manifest for krew
#> VERSION=v1.2.3   version; by default as for image
#> BASE_URL=https://github.com/.../releases/download/v1.2.3  where the archives will be
	@$(RELEASE) plugin --out '$(ROOT)/bin/plugin' --base-url '$(BASE_URL)' \
		--platforms linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64 $(RELEASE_FLAGS)

.PHONY: man
man: ## Write the man pages of the kubectl plugin into bin/man, with the date of the commit: man bin/man/kubectl-dbscaler.1
	@go run ./hack/plugin-reference --man '$(ROOT)/bin/man' --date "$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)}"

.PHONY: chart
chart: $(TOOLS)/helm ## Check the Helm charts and package them into bin
#> VERSION=1.2.3      version of the charts; by default that of Chart.yaml
#> IMAGE_TAG=v1.2.3   tag of the image, if image.tag is not set; by default that of Chart.yaml
	@for chart in dbscaler-crds dbscaler; do \
		$(TOOLS)/helm lint --strict --quiet "charts/$$chart"; \
		$(TOOLS)/helm package --destination bin $(if $(VERSION),--version '$(VERSION)') \
			$(if $(IMAGE_TAG),--app-version '$(IMAGE_TAG)') "charts/$$chart"; \
	done

##@ Check

.PHONY: test
test: control-plane $(TOOLS)/gotestsum $(TOOLS)/helm ## Run all tests, including those that need a real API server
#> ARGS='-run TestX ./api/...'  arguments of go test; default: ./... and the modules of hack that have tests
	$(if $(ARGS),,@for module in hack/envtest hack/release; do echo "test: $$module"; (cd "$$module" && go test ./...); done)
	$(TOOLS)/gotestsum --format pkgname --format-hide-empty-pkg -- -timeout 25m $(or $(ARGS),./...)

.PHONY: simtest
simtest: ## Simulate days of load and faults, and check every invariant after each event
#> SEEDS=2000  number of seeds; FIRST=1 is the first one
#> SEED=7      run this seed only, and print its events
	go test ./internal/simtest -count=1 -timeout 40m -v -run 'TestSeeds|TestNarratives' \
		$(if $(SEED),-seed=$(SEED),-seeds=$(or $(SEEDS),2000) -first=$(or $(FIRST),1))

.PHONY: mutants
mutants: ## Apply each faulty patch of hack/mutants, and check that the simulation detects it
#> SEEDS=200  number of seeds for each patch
	@hack/mutants.sh '$(or $(SEEDS),200)'

.PHONY: rehearsal
rehearsal: ## Make each request of the operator once in a real AWS account; creates databases, costs about 1 USD and asks first
#> REGION=eu-west-1         region of the databases; required
#> ACCOUNT=123456789012     account that the credentials must belong to; required
#> ARGS='--only rds --yes'  further flags; see docs/rehearsal.md
	@go run ./hack/rehearsal --region '$(REGION)' --account '$(ACCOUNT)' $(ARGS)

.PHONY: scoreboard
scoreboard: ## Compare dbscaler with other autoscalers and write docs/scoreboard.md (about 4 minutes)
#> TRACES=../shared/traces  folder of the recorded loads
#> SEEDS=11,12              seeds of the generated loads
#> TUNE=1                   the seeds for tuning instead: prints the results, and writes no page
	go run ./hack/scoreboard $(if $(TRACES),--traces '$(TRACES)') $(if $(SEEDS),--seeds '$(SEEDS)') $(if $(TUNE),--tune)

.PHONY: fleet
fleet: control-plane ## Run the operator with thousands of policies, kill the leader, and print what it costs and how late it is (15 minutes)
#> POLICIES=10000   policies, each with an Aurora cluster of a writer and a reader
#> SCOPES=1         AWS accounts that the clusters are spread over; SLOW=3 of them do not answer, DENIED=3 deny access
#> AGED=360h        age of the databases at the start: how much past CloudWatch has of them
#> FOR=5m           duration of the steady phase; SETTLE=1m is how long to wait for the operations at the end
#> CHANGE=1         percentage of the clusters whose load rises
#> SHARDS=1 SHARD=0  number of shards, and the one that is run; MEMORY=600 is the memory limit of its container in MiB
#> CONCURRENCY=4 SPEED=1  settings of the operator, and simulated seconds for each second of wall-clock time
#> OUT=docs/scale.md  page whose section for this fleet is replaced; PROFILES=DIR writes CPU and heap profiles
	@go run ./hack/fleet --policies '$(or $(POLICIES),10000)' --scopes '$(or $(SCOPES),1)' --slow '$(or $(SLOW),0)' \
		--denied '$(or $(DENIED),0)' $(if $(AGED),--aged '$(AGED)') $(if $(FOR),--for '$(FOR)') $(if $(SETTLE),--settle '$(SETTLE)') \
		$(if $(CHANGE),--change '$(CHANGE)') $(if $(SHARDS),--shards '$(SHARDS)') $(if $(SHARD),--shard '$(SHARD)') $(if $(MEMORY),--memory '$(MEMORY)') $(if $(CONCURRENCY),--concurrency '$(CONCURRENCY)') \
		$(if $(SPEED),--speed '$(SPEED)') $(if $(OUT),--out '$(OUT)') $(if $(PROFILES),--profiles '$(PROFILES)')

.PHONY: fleet-check
fleet-check: control-plane ## Check that the work of a reconcile does not grow with the fleet, and that requests stay within bounds (2 minutes)
	@go run ./hack/fleet --check --policies 500

.PHONY: argocd-test
argocd-test: redis-server control-plane $(ARGOCD) ## Run the operator under the real Argo CD, and the actions and notifications in it (10 minutes)
#> needs git, redis-server and 3 GB of disk; the first run downloads and builds Argo CD (20 minutes on two cores)
	cd hack/argocd-test/argocd && go mod tidy -diff && CGO_ENABLED=0 go test -trimpath ./...
	go test ./hack/argocd-test -count=1 -timeout 45m -v -argocd='$(ARGOCD)'

.PHONY: redis-server
redis-server:
	@command -v redis-server >/dev/null || \
		{ echo 'argocd-test: Argo CD needs redis-server: install it, in Debian with `apt-get install redis-server`' >&2; exit 1; }

.PHONY: fuzz
fuzz: ## Run every fuzz target
#> FUZZTIME=20s  duration of each target
	@hack/fuzz.sh '$(or $(FUZZTIME),20s)'

.PHONY: bench
bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem ./internal/scaling/... ./internal/backtest/...

.PHONY: image-check
image-check: ## Build the image of one architecture in two folders, and compare the digests
#> FRESH=1  compile everything again for the second build
	@SOURCE_DATE_EPOCH=0 $(RELEASE) check --source '$(ROOT)' --version v0.0.0 \
		--platforms "linux/$$(go env GOARCH)" $(if $(filter-out 0 false no,$(FRESH)),--fresh)

.PHONY: verify
verify: $(TOOLS)/actionlint $(TOOLS)/controller-gen $(TOOLS)/crd-ref-docs ## Check generated files, formatting, go.mod files, workflows and mutants
	@hack/verify.sh $(MODULES)

.PHONY: lint
lint: $(TOOLS)/golangci-lint ## Check the code with golangci-lint and the API types with kube-api-linter
	$(TOOLS)/golangci-lint run --allow-serial-runners

.PHONY: lint-fix
lint-fix: $(TOOLS)/golangci-lint ## Apply the automatic fixes of golangci-lint
	$(TOOLS)/golangci-lint run --allow-serial-runners --fix

.PHONY: fmt
fmt: ## Format all Go files
	gofmt -w .

##@ Generate

.PHONY: generate
generate: manifests docs monitoring $(TOOLS)/controller-gen ## Generate the CRD, RBAC, deepcopy functions, references, alert rules, argocd-cm and parts of the charts
	$(TOOLS)/controller-gen object paths=./api/...
	go run ./hack/chart
	go run ./hack/argocd

.PHONY: manifests
manifests: $(TOOLS)/controller-gen ## Generate the CRD and the operator's ClusterRole
	$(TOOLS)/controller-gen crd paths=./api/... output:crd:dir=config/crd/bases
	$(TOOLS)/controller-gen rbac:roleName=dbscaler paths=./controllers/... output:rbac:dir=config/rbac

.PHONY: docs
docs: $(TOOLS)/crd-ref-docs ## Generate the references: of the API, docs/reference/api.md, and of the plugin, docs/reference/plugin.md
	mkdir -p docs/reference
	$(TOOLS)/crd-ref-docs --log-level ERROR --renderer markdown --source-path api/v1alpha1 \
		--config hack/api-reference/config.yaml --templates-dir hack/api-reference --output-path docs/reference/api.md
	go run ./hack/plugin-reference --page docs/reference/plugin.md

.PHONY: monitoring
monitoring: ## Generate the PrometheusRule from monitoring/rules
	@go run ./hack/monitoring

.PHONY: screenshots
screenshots: control-plane ## Write the screenshots of the dashboard in docs, from the demo (about 4 minutes; needs Chromium)
	go test ./hack/demo -count=1 -timeout 20m -run '^TestWeb_Screenshots$$' -args -screenshots '$(ROOT)/docs'

.PHONY: runbook-urls
runbook-urls: ## Write another address of the runbooks into all alert rules
#> RUNBOOKS=https://wiki.example/runbooks  address without the name of the alert; required
	@test -n '$(RUNBOOKS)' || { echo 'runbook-urls: set RUNBOOKS' >&2; exit 1; }
	@go run ./hack/monitoring --runbooks '$(RUNBOOKS)'

##@ Prepare

.PHONY: control-plane
control-plane: ## Put kube-apiserver, etcd and kubectl into bin/controlplane: of envtest, or built (once; about 6 minutes)
#> KUBEBUILDER_ASSETS=DIR  use the binaries in DIR instead
#> ENVTEST_DOWNLOAD=0      download no version of envtest: use an installed one, or build from Go modules
	@hack/control-plane.sh '$(CONTROL_PLANE)' "$$KUBEBUILDER_ASSETS"

.PHONY: tools
tools: $(addprefix $(TOOLS)/,actionlint controller-gen crd-ref-docs gotestsum golangci-lint helm) ## Build the tools into bin/tools

.PHONY: clean
clean: ## Remove bin, and with it all built binaries
	rm -rf bin

##@ Install into the cluster of the current kubectl context

.PHONY: install
install: control-plane ## Install the CRD
	$(KUBECTL) apply --server-side -k config/crd

.PHONY: deploy
deploy: control-plane ## Install the CRD and the operator
	$(KUBECTL) apply --server-side -k config/default

.PHONY: undeploy
undeploy: control-plane ## Remove all policies, then the operator and the CRD; of databases only surge readers are removed
#> UNDEPLOY_TIMEOUT=15m  how long to wait until the operator has removed the surge readers of the policies
	@crd=$$($(KUBECTL) get crd dbscalingpolicies.scaling.dbscaler.io --ignore-not-found -o name); \
	if [ -n "$$crd" ] && ! $(KUBECTL) delete dbscalingpolicies.scaling.dbscaler.io --all --all-namespaces --timeout='$(UNDEPLOY_TIMEOUT)'; then \
		echo 'undeploy: stopped, because policies still exist; their status.decision.message says why. The operator keeps running:' \
			'run make undeploy again later, or remove the finalizers of the policies to keep the readers' >&2; \
		exit 1; \
	fi
	$(KUBECTL) delete --ignore-not-found -k config/default

$(ARGOCD): $(addprefix hack/argocd-test/argocd/,go.mod go.sum main.go)
	@echo 'argocd-test: building Argo CD (once; about 20 minutes on two cores)'
	@cd hack/argocd-test/argocd && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o '$@' .
	@touch '$@'

# The tools have their own modules, which pin their versions.
actionlint_package := github.com/rhysd/actionlint/cmd/actionlint
controller-gen_package := sigs.k8s.io/controller-tools/cmd/controller-gen
crd-ref-docs_package := github.com/elastic/crd-ref-docs
gotestsum_package := gotest.tools/gotestsum

$(TOOLS)/actionlint $(TOOLS)/controller-gen $(TOOLS)/crd-ref-docs $(TOOLS)/gotestsum: hack/tools/go.mod hack/tools/go.sum
	@echo 'tools: building $(@F)'
	@cd hack/tools && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o '$@' $($(@F)_package)
	@touch '$@'

$(TOOLS)/helm: hack/tools/helm/go.mod hack/tools/helm/go.sum
	@echo 'tools: building $(@F) (once; 1 to 3 minutes on two cores)'
	@cd hack/tools/helm && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o '$@' helm.sh/helm/v4/cmd/helm
	@touch '$@'

$(TOOLS)/golangci-lint: hack/tools/golangci-lint/go.mod hack/tools/golangci-lint/go.sum
	@echo 'tools: building $(@F) with kube-api-linter (once; 2 to 5 minutes on two cores)'
	@cd hack/tools/golangci-lint && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o '$@' \
		sigs.k8s.io/kube-api-linter/cmd/golangci-lint-kube-api-linter
	@touch '$@'
