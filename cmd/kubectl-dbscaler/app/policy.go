package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/manifest"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// simulationInput is the input that all commands that simulate a policy have: the policy and its load.
type simulationInput struct {
	kube      *genericclioptions.ConfigFlags
	streams   genericiooptions.IOStreams
	clock     clock.Clock
	loadFlags loadFlags
	filename  string
}

// addFlags adds the flags for the policy and the load.
func (p *simulationInput) addFlags(f *pflag.FlagSet) {
	f.StringVarP(&p.filename, "filename", "f", "", "Manifest of the policy, or - for standard input (default: the policy NAME in the cluster)")
	p.loadFlags.addTo(f)
}

// load reads the policy and its load.
func (p *simulationInput) load(ctx context.Context, name string) (*v1alpha1.DBScalingPolicy, backtest.Setup, error) {
	object, policy, err := readPolicy(ctx, p.kube, p.streams.In, p.filename, name)
	if err != nil {
		return nil, backtest.Setup{}, err
	}
	setup, err := p.loadFlags.newSetup(ctx, p.clock, policy)
	return object, setup, err
}

// runError classifies the error of a simulation: an interruption by the user, or invalid input.
func runError(err error) error {
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted")
	}
	return asInputError(err)
}

// policyResource is the resource name of policies on the API server.
const policyResource = "dbscalingpolicies.scaling.dbscaler.io"

// readPolicy reads a policy from a file, or from the cluster by name, with its status then. The error is an InputError when the policy or
// its name is invalid.
func readPolicy(
	ctx context.Context, kube *genericclioptions.ConfigFlags, in io.Reader, file, name string,
) (*v1alpha1.DBScalingPolicy, scaling.Policy, error) {
	var builder *resource.Builder
	from := file
	switch {
	case file != "" && name != "":
		return nil, scaling.Policy{}, asInputError(errors.New("set either the name of a policy or --filename, not both"))
	case file == "-":
		from = "standard input"
		builder = resource.NewLocalBuilder().Unstructured().Stream(in, from)
	case file != "":
		builder = resource.NewLocalBuilder().Unstructured().FilenameParam(false, &resource.FilenameOptions{Filenames: []string{file}})
	case name != "":
		from = name
		namespace, _, err := kube.ToRawKubeConfigLoader().Namespace()
		if err != nil {
			return nil, scaling.Policy{}, err
		}
		builder = resource.NewBuilder(kube).Unstructured().NamespaceParam(namespace).DefaultNamespace().ResourceNames(policyResource, name)
	default:
		return nil, scaling.Policy{}, asInputError(errors.New("no policy: set the name of a policy in the cluster, or --filename"))
	}
	infos, err := builder.Flatten().Do().Infos()
	if err != nil {
		if file != "" {
			return nil, scaling.Policy{}, asInputError(shortenError(err))
		}
		return nil, scaling.Policy{}, describeClusterError(ctx, kube, err, name)
	}
	var found *unstructured.Unstructured
	for _, info := range infos {
		u, ok := info.Object.(*unstructured.Unstructured)
		if !ok || u.GetKind() != "DBScalingPolicy" {
			continue
		}
		if found != nil {
			return nil, scaling.Policy{}, asInputError(fmt.Errorf("%s: more than one DBScalingPolicy: provide exactly one", from))
		}
		found = u
	}
	if found == nil {
		return nil, scaling.Policy{}, asInputError(fmt.Errorf("%s: no DBScalingPolicy found: provide exactly one", from))
	}
	object, policy, err := validatePolicy(ctx, found)
	if err != nil {
		return nil, scaling.Policy{}, asInputError(fmt.Errorf("%s: %w", from, err))
	}
	if status, ok := found.Object["status"].(map[string]any); ok && file == "" { // only the cluster tells the truth
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(status, &object.Status); err != nil {
			return nil, scaling.Policy{}, fmt.Errorf("%s: the status cannot be read: %w", from, err)
		}
	}
	return object, policy, nil
}

// shortenError reduces an error of cli-runtime to one line. cli-runtime includes the whole document that it cannot decode.
func shortenError(err error) error {
	const maxLength = 200
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if before, _, found := strings.Cut(text, " in '"); found && len(text) > maxLength {
		return errors.New(before)
	}
	return errors.New(text)
}

// validatePolicy sets the defaults of a policy and validates it like the API server and the operator.
func validatePolicy(ctx context.Context, u *unstructured.Unstructured) (*v1alpha1.DBScalingPolicy, scaling.Policy, error) {
	reader, err := manifest.NewReader()
	if err != nil {
		return nil, scaling.Policy{}, err
	}
	if u.GetNamespace() == "" {
		u.SetNamespace("default")
	}
	object, err := reader.ReadPolicy(ctx, u)
	if err != nil {
		return nil, scaling.Policy{}, err
	}
	policy, err := convert.Policy(object)
	return object, policy, err
}
