package controllers

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// newNamespaceMetadata returns an empty namespace. Only the metadata of namespaces is read and cached.
func newNamespaceMetadata() *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}}
}

// policiesOfAccount lists the policies that name an AWSAccount: they are reconciled when it changes.
func (r *Reconciler) policiesOfAccount(ctx context.Context, account client.Object) []reconcile.Request {
	return r.requestsFor(ctx, client.MatchingFields{indexAccount: account.GetName()})
}

// policiesOfNamespace lists the policies of a namespace that name an AWSAccount: they are reconciled when its labels change.
func (r *Reconciler) policiesOfNamespace(ctx context.Context, namespace client.Object) []reconcile.Request {
	return r.requestsFor(ctx, client.InNamespace(namespace.GetName()))
}

// requestsFor lists the policies of this shard that match and name an AWSAccount.
func (r *Reconciler) requestsFor(ctx context.Context, which client.ListOption) []reconcile.Request {
	var policies v1alpha1.DBScalingPolicyList
	if err := r.Client.List(ctx, &policies, which, client.UnsafeDisableDeepCopy); err != nil {
		// The policies are reconciled by interval as well.
		ctrllog.FromContext(ctx).Error(err, "policies could not be listed after a change of an AWSAccount or a namespace")
		return nil
	}
	var requests []reconcile.Request
	for n := range policies.Items {
		if policies.Items[n].Spec.TargetRef.AccountRef.Name != "" && r.Owns(&policies.Items[n]) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&policies.Items[n])})
		}
	}
	return requests
}
