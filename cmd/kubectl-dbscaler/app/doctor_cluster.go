package app

import (
	"context"
	"errors"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/doctor"
	"github.com/dbscaler/dbscaler/internal/ownership"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// clusterReader reads what the checks need from the Kubernetes cluster, with the user's permissions.
type clusterReader struct {
	client       client.Client
	namespace    string
	declarations *ownership.Finder
	// all are the policies of all namespaces, or allErr why they could not be listed; nil before they are needed.
	all    *v1alpha1.DBScalingPolicyList
	allErr error
}

// kubectlQPS and kubectlBurst limit the requests to the API server, like those of kubectl.
const kubectlQPS, kubectlBurst = 50, 300

func newClusterReader(kube *genericclioptions.ConfigFlags) (*clusterReader, error) {
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
	err = errors.Join(corev1.AddToScheme(scheme), appsv1.AddToScheme(scheme), authenticationv1.AddToScheme(scheme),
		v1alpha1.AddToScheme(scheme))
	if err != nil {
		return nil, err
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, shortenError(err)
	}
	declarations, err := ownership.New(config, clock.RealClock{}, logr.Discard())
	return &clusterReader{client: c, namespace: namespace, declarations: declarations}, err
}

// readPolicies reads the policy of a name, or all policies. A missing policy is an InputError.
func (c *clusterReader) readPolicies(ctx context.Context, name string, all bool) ([]v1alpha1.DBScalingPolicy, error) {
	if all {
		var list v1alpha1.DBScalingPolicyList
		if err := c.client.List(ctx, &list); err != nil {
			return nil, readError(ctx, c.client, err, "list", "all namespaces")
		}
		if len(list.Items) == 0 {
			return nil, asInputError(errors.New("there is no DBScalingPolicy in the cluster: create one first"))
		}
		return list.Items, nil
	}
	var policy v1alpha1.DBScalingPolicy
	err := c.client.Get(ctx, types.NamespacedName{Namespace: c.namespace, Name: name}, &policy)
	switch {
	case apierrors.IsNotFound(err):
		return nil, missingPolicyError(ctx, c.client, c.namespace, name)
	case err != nil:
		return nil, readError(ctx, c.client, err, "get", "the namespace "+c.namespace)
	}
	return []v1alpha1.DBScalingPolicy{policy}, nil
}

// readInput converts a policy as the operator does, and resolves its AWSAccount.
func (c *clusterReader) readInput(ctx context.Context, object *v1alpha1.DBScalingPolicy, clusterName string) doctor.Input {
	var in doctor.Input
	policy, err := convert.Policy(object)
	if err != nil {
		in.InvalidPolicy = err.Error()
	}
	policy.Cluster = clusterName
	access, account := c.resolveAccount(ctx, object)
	policy.Target.Scope = convert.AccountScope(account, object.Spec.TargetRef.Region)
	in.Policy, in.Access = policy, access
	return in
}

// resolveAccount reads the AWSAccount of a policy and says whether the policy may use it.
func (c *clusterReader) resolveAccount(ctx context.Context, object *v1alpha1.DBScalingPolicy) (doctor.Access, *v1alpha1.AWSAccount) {
	name := object.Spec.TargetRef.AccountRef.Name
	access := doctor.Access{Account: name}
	if name == "" {
		return access, nil
	}
	account := &v1alpha1.AWSAccount{}
	switch err := c.client.Get(ctx, types.NamespacedName{Name: name}, account); {
	case apierrors.IsNotFound(err):
		access.AccountDenied = convert.AccountNotFound(name).Message
		return access, nil
	case err != nil:
		access.AccountUnknown = shortenError(err).Error()
		return access, nil
	}
	access.RoleARN = account.Spec.RoleARN
	selector, denied := convert.AccountSelector(account)
	if denied.Message == "" {
		var namespace corev1.Namespace
		if err := c.client.Get(ctx, types.NamespacedName{Name: object.Namespace}, &namespace); err != nil {
			access.AccountUnknown = shortenError(err).Error()
			return access, account
		}
		denied = convert.CheckAccountAccess(account, selector, object.Namespace, namespace.Labels, object.Spec.TargetRef.Region)
	}
	access.AccountDenied = denied.Message
	return access, account
}

// addOwners adds who else changes the database: other policies, and objects of ACK and Crossplane.
func (c *clusterReader) addOwners(ctx context.Context, object *v1alpha1.DBScalingPolicy, in *doctor.Input) {
	if !in.Observation.Found {
		return
	}
	in.Observation.Declarations, in.Observation.DeclarationsUnknown = c.declarations.Declarations(ctx, in.Policy.Target, in.Observation)
	condition := meta.FindStatusCondition(object.Status.Conditions, v1alpha1.ConditionOwnershipConflict)
	if condition != nil && condition.Status == metav1.ConditionTrue {
		in.Observation.OwnershipConflict = condition.Message
	}
	if c.all == nil {
		c.all = &v1alpha1.DBScalingPolicyList{}
		c.allErr = c.client.List(ctx, c.all)
	}
	if c.allErr != nil {
		in.PoliciesUnknown = shortenError(c.allErr).Error()
		return
	}
	own := convert.PolicyIdentity(object)
	own.Target, own.TargetARN = in.Policy.Target, in.Observation.ARN
	var competitors []scaling.PolicyIdentity
	for n := range c.all.Items {
		other := &c.all.Items[n]
		if ref, theirs := object.Spec.TargetRef, other.Spec.TargetRef; ref.Kind != theirs.Kind || ref.Identifier != theirs.Identifier ||
			ref.Region != theirs.Region {
			continue
		}
		access, account := c.resolveAccount(ctx, other)
		identity := convert.PolicyIdentity(other)
		identity.Target.Scope = convert.AccountScope(account, other.Spec.TargetRef.Region)
		identity.Unresolved = access.AccountDenied != "" || access.AccountUnknown != ""
		if !identity.Unresolved && scaling.IsOptedIn(in.Observation.Tags, other.Namespace, in.Policy.Cluster) || other.Status.Operation != nil {
			competitors = append(competitors, identity)
		}
	}
	in.PrecedingPolicy = scaling.PrecedingPolicy(own, competitors)
}
