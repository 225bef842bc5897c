package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	authenticationv1 "k8s.io/api/authentication/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/view"
)

// selection is which policies are shown: the one of a name, or all of the namespace or of all namespaces.
type selection struct {
	name          string
	allNamespaces bool
	labels        string
}

// policyReader reads policies and what is shown about them.
type policyReader struct {
	client    client.WithWatch
	namespace string
	clock     clock.Clock
	measurer  *measurer // nil without --metrics
}

func newPolicyReader(kube *genericclioptions.ConfigFlags, clk clock.Clock, flags metricsFlags) (*policyReader, error) {
	namespace, _, err := kube.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, asInputError(shortenError(err))
	}
	config, err := kube.ToRESTConfig()
	if err != nil {
		return nil, asInputError(shortenError(err))
	}
	config.QPS, config.Burst = kubectlQPS, kubectlBurst
	scheme := runtime.NewScheme()
	if err := errors.Join(eventsv1.AddToScheme(scheme), authenticationv1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, shortenError(err)
	}
	r := &policyReader{client: c, namespace: namespace, clock: clk}
	if flags.enabled {
		r.measurer, err = newMeasurer(kube, clk, flags)
	}
	return r, err
}

// pageSize is how many policies are listed with one request.
const pageSize = 500

// listOptions select the policies of a selection on the API server.
func (r *policyReader) listOptions(s selection) ([]client.ListOption, error) {
	var options []client.ListOption
	if !s.allNamespaces {
		options = append(options, client.InNamespace(r.namespace))
	}
	if s.name != "" {
		options = append(options, client.MatchingFieldsSelector{Selector: fields.OneTermEqualSelector("metadata.name", s.name)})
	}
	if s.labels != "" {
		selector, err := parseLabels(s.labels)
		if err != nil {
			return nil, err
		}
		options = append(options, client.MatchingLabelsSelector{Selector: selector})
	}
	return options, nil
}

// list lists the policies of a selection, and the resource version from which on changes can be watched. No policy is an InputError.
func (r *policyReader) list(ctx context.Context, s selection) ([]v1alpha1.DBScalingPolicy, string, error) {
	options, err := r.listOptions(s)
	if err != nil {
		return nil, "", err
	}
	all, version, err := r.listPages(ctx, options)
	switch {
	case err != nil:
		return nil, "", r.describeError(ctx, err, "list", s)
	case len(all) == 0:
		return nil, "", r.describeMissing(ctx, s)
	}
	return all, version, nil
}

// listPages lists policies page by page, with the error of the API server.
func (r *policyReader) listPages(ctx context.Context, options []client.ListOption) ([]v1alpha1.DBScalingPolicy, string, error) {
	var all []v1alpha1.DBScalingPolicy
	var list v1alpha1.DBScalingPolicyList
	for {
		page := append([]client.ListOption{client.Limit(pageSize), client.Continue(list.Continue)}, options...)
		list = v1alpha1.DBScalingPolicyList{}
		if err := r.client.List(ctx, &list, page...); err != nil {
			return nil, "", err
		}
		all = append(all, list.Items...)
		if list.Continue == "" {
			return all, list.ResourceVersion, nil
		}
	}
}

// describeMissing says that a selection has no policy, and what to do. It is an InputError.
func (r *policyReader) describeMissing(ctx context.Context, s selection) error {
	switch {
	case s.labels != "":
		return asInputError(fmt.Errorf("there is no DBScalingPolicy with the labels %s: check --selector, --namespace and --all-namespaces",
			s.labels))
	case s.allNamespaces:
		return asInputError(errors.New("there is no DBScalingPolicy in the cluster: create one first"))
	}
	return missingPolicyError(ctx, r.client, r.namespace, s.name)
}

// describeError says what the user may not do, or what failed.
func (r *policyReader) describeError(ctx context.Context, err error, verb string, s selection) error {
	where := "the namespace " + r.namespace
	if s.allNamespaces {
		where = "all namespaces"
	}
	return readError(ctx, r.client, err, verb, where)
}

// readViews reads the policies of a selection and makes their views.
func (r *policyReader) readViews(ctx context.Context, s selection) ([]view.Policy, error) {
	policies, _, err := r.list(ctx, s)
	if err != nil {
		return nil, err
	}
	return r.views(ctx, policies, s.name != ""), nil
}

// views makes the views of policies, with events if there is one policy.
func (r *policyReader) views(ctx context.Context, policies []v1alpha1.DBScalingPolicy, withEvents bool) []view.Policy {
	var measured map[types.NamespacedName]measurement
	if r.measurer != nil {
		measured = r.measurer.measure(ctx, policies)
	}
	out := make([]view.Policy, 0, len(policies))
	for n := range policies {
		in := view.Input{Object: &policies[n], Now: r.clock.Now()}
		if withEvents {
			in.Events, in.EventsUnknown = r.readEvents(ctx, &policies[n])
		}
		if m, found := measured[client.ObjectKeyFromObject(&policies[n])]; found {
			in.Observation, in.MeasurementError = m.observation, m.err
		}
		out = append(out, view.NewPolicy(in))
	}
	return out
}

// readEvents reads the events about a policy, or says why they are not known.
func (r *policyReader) readEvents(ctx context.Context, p *v1alpha1.DBScalingPolicy) ([]view.Event, string) {
	var list eventsv1.EventList
	selector := fields.AndSelectors(fields.OneTermEqualSelector("regarding.kind", "DBScalingPolicy"),
		fields.OneTermEqualSelector("regarding.name", p.Name))
	err := r.client.List(ctx, &list, client.InNamespace(p.Namespace), client.MatchingFieldsSelector{Selector: selector})
	switch {
	case apierrors.IsForbidden(err):
		return nil, "you may not list events.events.k8s.io in the namespace " + p.Namespace
	case err != nil:
		return nil, shortenError(err).Error()
	}
	var out []view.Event
	for n := range list.Items {
		e := &list.Items[n]
		if p.UID != "" && e.Regarding.UID != "" && e.Regarding.UID != p.UID {
			continue // about an earlier policy of the same name
		}
		out = append(out, view.Event{Time: eventTime(e).UTC(), Warning: e.Type == "Warning", Reason: e.Reason, Note: e.Note})
	}
	return out, ""
}

// eventTime is when an event occurred last.
func eventTime(e *eventsv1.Event) time.Time {
	switch {
	case e.Series != nil && !e.Series.LastObservedTime.IsZero():
		return e.Series.LastObservedTime.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	case !e.DeprecatedLastTimestamp.IsZero():
		return e.DeprecatedLastTimestamp.Time
	}
	return e.CreationTimestamp.Time
}

// completionTimeout bounds the time that the completion of a name takes.
const completionTimeout = 3 * time.Second

// completePolicies completes the name of a policy of the namespace.
func completePolicies(kube *genericclioptions.ConfigFlags) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		reader, err := newPolicyReader(kube, clock.RealClock{}, metricsFlags{})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		ctx, cancel := context.WithTimeout(c.Context(), completionTimeout)
		defer cancel()
		policies, _, err := reader.list(ctx, selection{})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var out []string
		for n := range policies {
			if name := policies[n].Name; strings.HasPrefix(name, prefix) {
				ref := policies[n].Spec.TargetRef
				out = append(out, fmt.Sprintf("%s\t%s %s in %s", name, ref.Kind, ref.Identifier, ref.Region))
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeWords completes one of some words.
func completeWords(words ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// mustRegister panics when a completion is registered for a flag that does not exist, which is a mistake in the code.
func mustRegister(err error) {
	if err != nil {
		panic(err)
	}
}
