package controllers

import (
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// Owns reports whether this operator takes care of a policy: whether its account and region belong to this shard. A policy of another
// shard is not reconciled, its database is not read, and its status and metrics are left to the other one. It still counts where all
// policies count: in the fleet slots, and when two policies name one database.
func (r *Reconciler) Owns(p *v1alpha1.DBScalingPolicy) bool { return r.Shard.Owns(scopeKey(p)) }

// ownedPolicies lets events of policies of this shard pass, and the update that moves a policy to another one, so that its metrics are
// removed here.
func (r *Reconciler) ownedPolicies() predicate.Predicate {
	owns := func(o client.Object) bool {
		p, ok := o.(*v1alpha1.DBScalingPolicy)
		return ok && r.Owns(p)
	}
	return predicate.Funcs{
		CreateFunc:  func(e event.CreateEvent) bool { return owns(e.Object) },
		UpdateFunc:  func(e event.UpdateEvent) bool { return owns(e.ObjectOld) || owns(e.ObjectNew) },
		DeleteFunc:  func(e event.DeleteEvent) bool { return owns(e.Object) },
		GenericFunc: func(e event.GenericEvent) bool { return owns(e.Object) },
	}
}
