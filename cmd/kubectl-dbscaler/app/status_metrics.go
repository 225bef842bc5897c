package app

import (
	"context"
	"errors"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/awsx"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/doctor"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// metricsFlags say whether and how databases are read from AWS.
type metricsFlags struct {
	enabled, assumeRole bool
	endpointURL         string
	isSet               func(name string) bool
}

func (m *metricsFlags) addTo(f *pflag.FlagSet) {
	m.isSet = f.Changed
	f.BoolVar(&m.enabled, "metrics", false, "Read CPU, replica lag and topology from AWS, with your AWS credentials")
	f.BoolVar(&m.assumeRole, "assume-role", true, "With --metrics, assume the role of the AWSAccount; otherwise use your own identity")
	f.StringVar(&m.endpointURL, "endpoint-url", "", "With --metrics, the URL that replaces the AWS endpoints")
}

func (m *metricsFlags) validate() error {
	for _, name := range []string{"assume-role", "endpoint-url"} {
		if !m.enabled && m.isSet(name) {
			return errors.New("--" + name + " is only valid with --metrics")
		}
	}
	return nil
}

// measurement is a database as it was read from AWS, or why it was not.
type measurement struct {
	observation *scaling.Observation
	err         string
	// policy is the spec with the account and role by which the database was read.
	policy scaling.Policy
}

// measurer reads databases from AWS, as the operator does, and changes nothing.
type measurer struct {
	cluster  *clusterReader
	examiner *awsExaminer
	clock    clock.Clock
	// last and lastAt are the newest measurements, which are used again for a minute: RDS publishes samples once a minute.
	last   map[types.NamespacedName]measurement
	lastAt time.Time
	// installed is what the objects of the operator say, read once.
	installed *installation
	flags     metricsFlags
}

func newMeasurer(kube *genericclioptions.ConfigFlags, clk clock.Clock, flags metricsFlags) (*measurer, error) {
	cluster, err := newClusterReader(kube)
	return &measurer{cluster: cluster, clock: clk, flags: flags}, err
}

// setUp reads the flags of the operator and builds the client of AWS, once.
func (m *measurer) setUp(ctx context.Context) error {
	if m.examiner != nil {
		return nil
	}
	m.installed = ptr.To(m.cluster.readInstallation(ctx))
	aws, err := awsx.New(ctx, awsx.Options{
		Endpoint: m.flags.endpointURL, Clock: m.clock, Log: logr.Discard(), Version: "kubectl", ClusterName: m.installed.clusterName,
		PricingRegion: m.installed.pricingRegion,
	})
	if err != nil {
		return err
	}
	m.examiner = &awsExaminer{client: aws, assumeRole: m.flags.assumeRole}
	return nil
}

// measure reads the databases of policies.
func (m *measurer) measure(ctx context.Context, policies []v1alpha1.DBScalingPolicy) map[types.NamespacedName]measurement {
	if m.last != nil && m.clock.Since(m.lastAt) < time.Minute {
		return m.last
	}
	m.last, m.lastAt = map[types.NamespacedName]measurement{}, m.clock.Now()
	fail := func(p *v1alpha1.DBScalingPolicy, err string) {
		m.last[client.ObjectKeyFromObject(p)] = measurement{err: err}
	}
	if err := m.setUp(ctx); err != nil {
		for n := range policies {
			fail(&policies[n], oneLine(err))
		}
		return m.last
	}
	var tracked []scaling.TrackedTarget
	var targets []scaling.Target
	var read []int
	specs := make([]scaling.Policy, len(policies))
	callers := map[string]awsx.Identity{}
	for n := range policies {
		spec, problem := m.resolve(ctx, &policies[n], callers)
		if problem != "" {
			fail(&policies[n], problem)
			continue
		}
		specs[n] = spec
		tracked = append(tracked, trackedTarget(&policies[n], spec.Target))
		targets, read = append(targets, spec.Target), append(read, n)
	}
	m.examiner.client.Track(tracked)
	for k, result := range m.examiner.client.Observe(ctx, targets, time.Time{}) {
		p := &policies[read[k]]
		switch {
		case result.Err != nil:
			fail(p, oneLine(result.Err))
		case !result.Observation.Found:
			fail(p, targets[k].String()+" does not exist, or your AWS identity does not see it")
		default:
			out := measurement{observation: &result.Observation, policy: specs[read[k]]}
			if result.MetricsErr != nil {
				out.err = "CloudWatch could not be read: " + oneLine(result.MetricsErr)
			}
			m.last[client.ObjectKeyFromObject(p)] = out
		}
	}
	return m.last
}

// resolve returns a policy with the account and role by which its database is read, or why it cannot be read.
func (m *measurer) resolve(
	ctx context.Context, object *v1alpha1.DBScalingPolicy, callers map[string]awsx.Identity,
) (scaling.Policy, string) {
	in := m.cluster.readInput(ctx, object, m.installed.clusterName)
	switch {
	case in.InvalidPolicy != "":
		return in.Policy, "the policy is invalid: " + in.InvalidPolicy
	case in.Access.AccountDenied != "":
		return in.Policy, in.Access.AccountDenied
	case in.Access.AccountUnknown != "":
		return in.Policy, "the AWSAccount could not be read: " + in.Access.AccountUnknown
	}
	region := in.Policy.Target.Scope.Region
	caller, known := callers[region]
	if !known {
		var err error
		if caller, err = awsx.NewInspector(m.examiner.client, scaling.Scope{Region: region}).Identity(ctx); err != nil {
			return in.Policy, describeCredentialsError(err)
		}
		callers[region] = caller
	}
	scope, problem := m.examiner.chooseScope(ctx, &in, caller)
	if problem != "" && in.Access.RoleError != "" {
		problem += ": " + in.Access.RoleError
	}
	in.Policy.Target.Scope.RoleARN, in.Policy.Target.Scope.ExternalID = scope.RoleARN, scope.ExternalID
	return in.Policy, problem
}

// sampleWindowMargin covers the minutes whose samples are not published or not final yet, and minSampleWindow is the least that is read.
const sampleWindowMargin, minSampleWindow = 15 * time.Minute, 4 * time.Hour

// trackedTarget is a target with the samples that a decision needs, as the operator reads them.
func trackedTarget(p *v1alpha1.DBScalingPolicy, target scaling.Target) scaling.TrackedTarget {
	down := p.Spec.Behavior.ScaleDown
	window := time.Duration(max(down.WindowSeconds, ptr.Deref(down.ClassWindowSeconds, 0))) * time.Second
	return scaling.TrackedTarget{
		Target: target, Window: max(minSampleWindow, window) + sampleWindowMargin,
		ScaleDownWindow: max(scaling.MaxSlowSampleAge, time.Duration(down.WindowSeconds)*time.Second) + sampleWindowMargin, NeedsReplicaLag: true,
	}
}

// decisionInputs returns a policy and its database as the operator would decide by them now, or why they are not known.
func (m *measurer) decisionInputs(ctx context.Context, object *v1alpha1.DBScalingPolicy) (scaling.Policy, scaling.Observation, string) {
	measured := m.measure(ctx, []v1alpha1.DBScalingPolicy{*object})[client.ObjectKeyFromObject(object)]
	if measured.observation == nil {
		return scaling.Policy{}, scaling.Observation{}, measured.err
	}
	in := doctor.Input{Policy: measured.policy, Observation: convert.RestoreObservation(*measured.observation, object, m.clock.Now())}
	m.cluster.addOwners(ctx, object, &in)
	return in.Policy, in.Observation, measured.err
}

// parseLabels parses --selector.
func parseLabels(text string) (labels.Selector, error) {
	selector, err := labels.Parse(text)
	if err != nil {
		return nil, asInputError(errors.New("--selector: " + oneLine(err) + ": write it as for kubectl get, such as team=payments"))
	}
	return selector, nil
}
