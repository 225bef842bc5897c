package controllers

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
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
	if denied == (convert.AccountDenial{}) {
		denied, err = r.checkAccess(ctx, account, s.object)
	}
	if err != nil {
		return stop, err
	}
	if denied != (convert.AccountDenial{}) {
		return stop, r.hideDatabase(ctx, s, denied.Reason, denied.Message)
	}
	s.account = account
	s.policy.Target.Scope = account.scope(s.object.Spec.TargetRef.Region)
	return proceed, nil
}

// accountAccess is an AWSAccount and who may use it.
type accountAccess struct {
	// account is nil for the operator's own identity, which needs no permission.
	account  *v1alpha1.AWSAccount
	selector labels.Selector
}

// scope is the account in a region.
func (a accountAccess) scope(region string) scaling.Scope {
	return convert.AccountScope(a.account, region)
}

// findAccount reads the AWSAccount of a reference.
func (r *Reconciler) findAccount(ctx context.Context, ref v1alpha1.AccountReference) (accountAccess, convert.AccountDenial, error) {
	allowed := convert.AccountDenial{}
	if ref.Name == "" {
		if r.RequireAccount {
			return accountAccess{}, convert.AccountRequired(), nil
		}
		return accountAccess{}, allowed, nil
	}
	account := &v1alpha1.AWSAccount{}
	err := r.Client.Get(ctx, types.NamespacedName{Name: ref.Name}, account)
	if apierrors.IsNotFound(err) {
		return accountAccess{}, convert.AccountNotFound(ref.Name), nil
	}
	if err != nil {
		return accountAccess{}, allowed, err
	}
	selector, denied := convert.AccountSelector(account)
	return accountAccess{account, selector}, denied, nil
}

// checkAccess says why a policy may not use an account.
func (r *Reconciler) checkAccess(ctx context.Context, a accountAccess, p *v1alpha1.DBScalingPolicy) (convert.AccountDenial, error) {
	if a.account == nil {
		return convert.AccountDenial{}, nil
	}
	namespace := newNamespaceMetadata()
	if err := r.Client.Get(ctx, types.NamespacedName{Name: p.Namespace}, namespace); client.IgnoreNotFound(err) != nil {
		return convert.AccountDenial{}, err
	}
	return convert.CheckAccountAccess(a.account, a.selector, p.Namespace, namespace.Labels, p.Spec.TargetRef.Region), nil
}

// resolveScope returns the scope of a policy, and false when the policy may not use its account.
func (r *Reconciler) resolveScope(ctx context.Context, p *v1alpha1.DBScalingPolicy) (scaling.Scope, bool, error) {
	account, denied, err := r.findAccount(ctx, p.Spec.TargetRef.AccountRef)
	if err == nil && denied == (convert.AccountDenial{}) {
		denied, err = r.checkAccess(ctx, account, p)
	}
	if err != nil || denied != (convert.AccountDenial{}) {
		return scaling.Scope{}, false, err
	}
	return account.scope(p.Spec.TargetRef.Region), true, nil
}
