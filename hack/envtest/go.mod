// The choice of the control plane for tests and the demo: `make control-plane`. It has its own module, because setup-envtest requires
// modules that the operator does not.
module github.com/dbscaler/dbscaler/hack/envtest

go 1.26.0

require (
	github.com/go-logr/logr v1.4.3
	golang.org/x/mod v0.41.0
	sigs.k8s.io/controller-runtime/tools/setup-envtest v0.25.1
)

require (
	github.com/spf13/afero v1.12.0 // indirect
	go.yaml.in/yaml/v2 v2.4.4 // indirect
	golang.org/x/text v0.40.0 // indirect
	sigs.k8s.io/yaml v1.6.0 // indirect
)
