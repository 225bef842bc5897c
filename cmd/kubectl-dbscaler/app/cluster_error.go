package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/awsx"
)

// viewerRole is the ClusterRole that permits to read policies, as config/default names it.
const viewerRole = "dbscaler-dbscalingpolicy-viewer"

// maxNamed is how many namespaces or policies an error names.
const maxNamed = 3

// missingPolicyError says that a namespace has no policy of a name, or none at all if the name is empty, and what to do: it names the
// namespaces that have it, as far as the user may list them, or else the policies of the namespace.
func missingPolicyError(ctx context.Context, c client.Client, namespace, name string) error {
	text, matching := fmt.Sprintf("there is no DBScalingPolicy in the namespace %s: ", namespace), []client.ListOption{}
	if name != "" {
		text = fmt.Sprintf("there is no DBScalingPolicy %q in the namespace %s: ", name, namespace)
		matching = append(matching, client.MatchingFieldsSelector{Selector: fields.OneTermEqualSelector("metadata.name", name)})
	}
	namespaceOf := func(p v1alpha1.DBScalingPolicy) string { return "-n " + p.Namespace }
	if elsewhere := listNames(ctx, c, namespaceOf, matching...); len(elsewhere) > 0 {
		if name == "" {
			elsewhere = append(elsewhere, "--all-namespaces")
		}
		return asInputError(errors.New(text + "add " + strings.Join(elsewhere, " or ")))
	}
	nameOf := func(p v1alpha1.DBScalingPolicy) string { return p.Name }
	if others := listNames(ctx, c, nameOf, client.InNamespace(namespace)); len(others) > 0 {
		return asInputError(errors.New(text + "it has " + strings.Join(others, ", ")))
	}
	if name == "" {
		return asInputError(errors.New(text + "set --namespace or --all-namespaces"))
	}
	return asInputError(errors.New(text + "check the name, and set --namespace"))
}

// listNames returns names of policies or namespaces, without duplicates; none if there are more than an error can name, or if the user may
// not list them.
func listNames(
	ctx context.Context, c client.Client, nameOf func(v1alpha1.DBScalingPolicy) string, options ...client.ListOption,
) []string {
	var list v1alpha1.DBScalingPolicyList
	if err := c.List(ctx, &list, append(options, client.Limit(pageSize))...); err != nil || list.Continue != "" {
		return nil
	}
	var out []string
	for n := range list.Items {
		out = append(out, nameOf(list.Items[n]))
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) > maxNamed {
		return nil
	}
	return out
}

// readError says what the user may not do with policies, or why the API server gave none, and what to do. where is the namespace, or all.
func readError(ctx context.Context, c client.Client, err error, verb, where string) error {
	switch {
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%s may not %s dbscalingpolicies.scaling.dbscaler.io in %s: ask for the verbs get, list and watch, for example with "+
			"the ClusterRole %s", describeUser(readUser(ctx, c)), verb, where, viewerRole)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("the API server does not accept your credentials: log in again, or set --context (%s)", shortenError(err).Error())
	case meta.IsNoMatchError(err):
		return asInputError(errors.New("the cluster has no DBScalingPolicies: install dbscaler, or set --context"))
	}
	if apierrors.ReasonForError(err) == metav1.StatusReasonUnknown && ctx.Err() == nil {
		return fmt.Errorf("the policies could not be read: %w: check --context, and that the API server can be reached", shortenError(err))
	}
	return fmt.Errorf("the policies could not be read: %w", shortenError(err))
}

// readUser returns the name of the user as the API server knows it, as kubectl auth whoami does, or an empty string when it does not say.
func readUser(ctx context.Context, c client.Client) string {
	review := &authenticationv1.SelfSubjectReview{}
	if err := c.Create(ctx, review); err != nil {
		return ""
	}
	return review.Status.UserInfo.Username
}

// describeUser is the subject of a sentence about the user.
func describeUser(name string) string {
	if name == "" {
		return "you"
	}
	return "you (" + name + ")"
}

// flagError says which flag is wrong, and which command lists the flags.
func flagError(c *cobra.Command, err error) error {
	return asInputError(fmt.Errorf("%w: %s --help lists the flags", err, c.CommandPath()))
}

// optionalPolicy checks that at most one policy is named.
func optionalPolicy(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return asInputError(fmt.Errorf("%d policies are named: name one", len(args)))
	}
	return nil
}

// exactlyOnePolicy checks that one policy is named, which may be by namespace/name.
func exactlyOnePolicy(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return asInputError(errNoPolicyNamed)
	}
	return optionalPolicy(c, args)
}

// errNoPolicyNamed says that a command needs the name of a policy.
var errNoPolicyNamed = errors.New("no policy: name one; kubectl dbscaler status -A lists all")

// noArguments checks that nothing is named.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return asInputError(fmt.Errorf("%s takes no argument, such as %q: leave it out; --help has its flags", c.CommandPath(), args[0]))
}

// describeClusterError says why a policy could not be read by its name, and what to do.
func describeClusterError(ctx context.Context, kube *genericclioptions.ConfigFlags, err error, name string) error {
	cluster, clientErr := newControlClient(kube)
	switch {
	case clientErr != nil:
		return clientErr
	case apierrors.IsNotFound(err):
		return missingPolicyError(ctx, cluster, cluster.namespace, name)
	}
	return readError(ctx, cluster, err, "get", "the namespace "+cluster.namespace)
}

// describeCredentialsError says that AWS does not accept the user, and what to do. Without credentials, the last error of the SDK is about
// the instance metadata service, which misleads on a laptop.
func describeCredentialsError(err error) string {
	if errors.Is(err, awsx.ErrNoCredentials) {
		return "there are no AWS credentials that work: log in to AWS, or set AWS_PROFILE, and check with aws sts get-caller-identity"
	}
	return "AWS does not accept your credentials: " + oneLine(err) + ": log in to AWS again, or set AWS_PROFILE"
}
