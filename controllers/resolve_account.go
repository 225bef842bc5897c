package controllers

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// +kubebuilder:rbac:groups=scaling.dbscaler.io,resources=awsaccounts,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch

// resolveAccount determines the AWS identity with which the database is read and changed. A policy that may not use the identity
// that it names causes no AWS request.
func (r *Reconciler) resolveAccount(ctx context.Context, s *reconcileScope) (outcome, error) {
	account, denied, err := r.findAccount(ctx, s.object.Spec.TargetRef.AccountRef)
	if err != nil {
		return stop, err
	}
	if denied == nil {
		denied, err = r.checkAccess(ctx, account, s.object)
	}
	if err != nil {
		return stop, err
	}
	if denied != nil {
		return stop, r.hideDatabase(ctx, s, denied.reason, denied.message)
	}
	s.account = account
	s.policy.Target.Scope = account.scope(s.object.Spec.TargetRef.Region)
	return proceed, nil
}

// denial is why a policy may not use an AWSAccount. The message names nothing of AWS but what the policy itself names.
type denial struct{ reason, message string }

// accountAccess is an AWSAccount and who may use it.
type accountAccess struct {
	// account is nil for the operator's own identity, which needs no permission.
	account  *v1alpha1.AWSAccount
	selector labels.Selector
}

// scope is the account in a region.
func (a accountAccess) scope(region string) scaling.Scope {
	if a.account == nil {
		return scaling.Scope{Region: region}
	}
	return scaling.Scope{
		Region: region, Account: a.account.Name, RoleARN: a.account.Spec.RoleARN, ExternalID: a.account.Spec.ExternalID,
	}
}

// findAccount reads the AWSAccount of a reference.
func (r *Reconciler) findAccount(ctx context.Context, ref v1alpha1.AccountReference) (accountAccess, *denial, error) {
	if ref.Name == "" {
		if r.RequireAccount {
			return accountAccess{}, &denial{v1alpha1.ReasonAccountRequired, "The policy names no AWSAccount, and this installation requires " +
				"one. Set spec.targetRef.accountRef to an AWSAccount that an administrator offers to this namespace"}, nil
		}
		return accountAccess{}, nil, nil
	}
	account := &v1alpha1.AWSAccount{}
	err := r.Client.Get(ctx, types.NamespacedName{Name: ref.Name}, account)
	if apierrors.IsNotFound(err) {
		return accountAccess{}, &denial{v1alpha1.ReasonAccountNotFound, fmt.Sprintf("There is no AWSAccount named %q. Correct "+
			"spec.targetRef.accountRef, or ask an administrator to create it", ref.Name)}, nil
	}
	if err != nil {
		return accountAccess{}, nil, err
	}
	selector, invalid := metav1.LabelSelectorAsSelector(account.Spec.NamespaceSelector) // nil selects nothing
	if invalid != nil {
		denied := &denial{v1alpha1.ReasonInvalidAccount, fmt.Sprintf("The namespaceSelector of the AWSAccount %q is invalid: ask an "+
			"administrator to correct it", ref.Name)}
		return accountAccess{}, denied, nil //nolint:nilerr // the denial tells of it
	}
	return accountAccess{account, selector}, nil, nil
}

// checkAccess says why a policy may not use an account, or returns nil when it may.
func (r *Reconciler) checkAccess(ctx context.Context, a accountAccess, p *v1alpha1.DBScalingPolicy) (*denial, error) {
	if a.account == nil {
		return nil, nil
	}
	namespace := newNamespaceMetadata()
	if err := r.Client.Get(ctx, types.NamespacedName{Name: p.Namespace}, namespace); client.IgnoreNotFound(err) != nil {
		return nil, err
	}
	regions, region := a.account.Spec.Regions, p.Spec.TargetRef.Region
	switch {
	case !a.selector.Matches(labels.Set(namespace.Labels)):
		return &denial{v1alpha1.ReasonNamespaceNotAllowed, fmt.Sprintf("Policies of the namespace %s may not use the AWSAccount %q: its "+
			"namespaceSelector does not select the namespace. Ask an administrator to allow it", p.Namespace, a.account.Name)}, nil
	case len(regions) > 0 && !slices.Contains(regions, v1alpha1.Region(region)):
		return &denial{v1alpha1.ReasonRegionNotAllowed, fmt.Sprintf("The AWSAccount %q may not be used in the region %s. Ask an "+
			"administrator to allow it", a.account.Name, region)}, nil
	}
	return nil, nil
}

// resolveScope returns the scope of a policy, and false when the policy may not use its account.
func (r *Reconciler) resolveScope(ctx context.Context, p *v1alpha1.DBScalingPolicy) (scaling.Scope, bool, error) {
	account, denied, err := r.findAccount(ctx, p.Spec.TargetRef.AccountRef)
	if err == nil && denied == nil {
		denied, err = r.checkAccess(ctx, account, p)
	}
	if err != nil || denied != nil {
		return scaling.Scope{}, false, err
	}
	return account.scope(p.Spec.TargetRef.Region), true, nil
}
