package convert

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/drift"
)

// changedInstances lists the instances that the attempted or completed steps of an operation changed, with the last action on each.
func changedInstances(op scaling.Operation) []v1alpha1.ChangedInstance {
	var out []v1alpha1.ChangedInstance
	unserved := op.UnservedReaders()
	for _, s := range op.Steps {
		if s.LastAttemptAt.IsZero() && s.CompletedAt.IsZero() {
			continue
		}
		switch s.Action {
		case scaling.CreateReader, scaling.ModifyInstanceClass, scaling.DeleteReader, scaling.ModifyClusterClass,
			scaling.ModifyCapacity, scaling.ModifyMinCapacity:
		case scaling.Failover, scaling.ModifyPromotionTier:
			continue
		}
		changed := v1alpha1.ChangedInstance{Identifier: s.Instance, Action: v1alpha1.StepAction(s.Action), InstanceClass: s.InstanceClass}
		if slices.Contains(unserved, s.Instance) {
			changed.Effect = v1alpha1.EffectNone
		}
		n := slices.IndexFunc(out, func(t v1alpha1.ChangedInstance) bool { return t.Identifier == s.Instance })
		if n < 0 {
			out = append(out, changed)
		} else {
			out[n] = changed
		}
	}
	return out
}

// CompletedOperations converts the history to the instance classes that each operation set.
func CompletedOperations(history []v1alpha1.OperationRecord) []drift.CompletedOperation {
	var out []drift.CompletedOperation
	for _, r := range history {
		completed := drift.CompletedOperation{
			ID: r.ID, Pool: scaling.Pool(r.Pool), Succeeded: r.Outcome == v1alpha1.OutcomeSucceeded, CompletedAt: r.CompletionTime.Time,
		}
		for _, i := range r.Instances {
			completed.Expected = append(completed.Expected, drift.ExpectedInstance{
				Instance: i.Identifier, Action: scaling.Action(i.Action), InstanceClass: i.InstanceClass, ResourceID: i.ResourceID,
			})
		}
		out = append(out, completed)
	}
	return out
}

// OwnershipState converts the recorded changes by others.
func OwnershipState(in *v1alpha1.OwnershipStatus) drift.State {
	var out drift.State
	if in == nil {
		return out
	}
	for _, r := range in.Reverts {
		out.Reverts = append(out.Reverts, drift.Revert{
			DetectedAt: r.Time.Time, Operation: r.Operation, Pool: scaling.Pool(r.Pool), Instance: r.Instance,
			ExpectedClass: r.ExpectedInstanceClass, ObservedClass: r.ObservedInstanceClass,
		})
	}
	if c := in.Conflict; c != nil {
		out.Conflict = &drift.Conflict{DetectedAt: c.Time.Time, Generation: c.Generation, ResolveAnnotation: c.ResolveAnnotation}
	}
	out.ResolvedAt = timeOrZero(in.ResolvedTime)
	return out
}

// OwnershipStatus converts the recorded changes by others, or returns nil when there are none.
func OwnershipStatus(state drift.State) *v1alpha1.OwnershipStatus {
	if len(state.Reverts) == 0 && state.Conflict == nil && state.ResolvedAt.IsZero() {
		return nil
	}
	out := &v1alpha1.OwnershipStatus{ResolvedTime: optionalTime(state.ResolvedAt)}
	for _, r := range state.Reverts {
		out.Reverts = append(out.Reverts, v1alpha1.Revert{
			Time: metav1.NewTime(r.DetectedAt), Operation: r.Operation, Pool: v1alpha1.Pool(r.Pool), Instance: r.Instance,
			ExpectedInstanceClass: r.ExpectedClass, ObservedInstanceClass: r.ObservedClass,
		})
	}
	if c := state.Conflict; c != nil {
		out.Conflict = &v1alpha1.OwnershipConflict{
			Time: metav1.NewTime(c.DetectedAt), Generation: c.Generation, ResolveAnnotation: c.ResolveAnnotation,
		}
	}
	return out
}

// AddResourceIDs adds to a record the resource IDs that the changed instances, or the cluster, have now.
func AddResourceIDs(record *v1alpha1.OperationRecord, o scaling.Observation) {
	for n := range record.Instances {
		changed := &record.Instances[n]
		switch scaling.Action(changed.Action) {
		case scaling.ModifyClusterClass, scaling.ModifyCapacity:
			changed.ResourceID = o.ResourceID
		default:
			i, _ := o.Instance(changed.Identifier)
			changed.ResourceID = i.ResourceID
		}
	}
}
