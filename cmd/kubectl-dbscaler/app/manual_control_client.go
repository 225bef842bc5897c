package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// controlClient reads and patches policies with the rights of the user.
type controlClient struct {
	client.Client
	namespace string
}

// onCallRole is the ClusterRole that permits manual control and nothing else, as config/default names it.
const onCallRole = "dbscaler-dbscalingpolicy-on-call"

func newControlClient(kube *genericclioptions.ConfigFlags) (*controlClient, error) {
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
	err = errors.Join(v1alpha1.AddToScheme(scheme), authenticationv1.AddToScheme(scheme), authorizationv1.AddToScheme(scheme))
	if err != nil {
		return nil, err
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, shortenError(err)
	}
	return &controlClient{c, namespace}, nil
}

// readUser returns the name of the user, or an empty string when the API server does not say.
func (c *controlClient) readUser(ctx context.Context) string { return readUser(ctx, c) }

// readPolicy reads a policy past any cache.
func (c *controlClient) readPolicy(ctx context.Context, key types.NamespacedName, user string) (*v1alpha1.DBScalingPolicy, error) {
	policy := &v1alpha1.DBScalingPolicy{}
	err := c.Get(ctx, key, policy)
	switch {
	case apierrors.IsNotFound(err):
		return nil, missingPolicyError(ctx, c, key.Namespace, key.Name)
	case apierrors.IsForbidden(err):
		return nil, c.explainForbidden(ctx, err, key, user, "get")
	case err != nil:
		return nil, readError(ctx, c, err, "get", "the namespace "+key.Namespace)
	}
	return policy, nil
}

// explainForbidden names the rights that the user lacks. Where the API server denied the request for another reason, it has the words.
func (c *controlClient) explainForbidden(ctx context.Context, err error, key types.NamespacedName, user string, verbs ...string) error {
	var missing []string
	for _, verb := range verbs {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: key.Namespace, Name: key.Name, Verb: verb, Group: v1alpha1.GroupVersion.Group, Resource: "dbscalingpolicies",
			},
		}}
		if reviewErr := c.Create(ctx, review); reviewErr == nil && !review.Status.Allowed {
			missing = append(missing, verb)
		}
	}
	if len(missing) == 0 {
		return fmt.Errorf("the API server denied the change: %w", shortenError(err))
	}
	plural := ""
	if len(missing) > 1 {
		plural = "s"
	}
	return fmt.Errorf("%s may not %s dbscalingpolicies in the namespace %s: ask for the verb%s, for example with the ClusterRole %s",
		describeUser(user), strings.Join(missing, " and "), key.Namespace, plural, onCallRole)
}
