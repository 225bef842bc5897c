package controllers

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/drift"
)

// DeclarationFinder says what in this cluster declares the class of instances, and why that is not known, if it is not.
type DeclarationFinder interface {
	Declarations(ctx context.Context, target scaling.Target, o scaling.Observation) (claims []scaling.ClassDeclaration, unknown string)
}

// +kubebuilder:rbac:groups=rds.services.k8s.aws,resources=dbinstances,verbs=list
// +kubebuilder:rbac:groups=rds.aws.upbound.io;rds.aws.m.upbound.io,resources=clusterinstances;instances,verbs=list
// +kubebuilder:rbac:groups=rds.aws.crossplane.io,resources=dbinstances,verbs=list
// +kubebuilder:rbac:groups=database.aws.crossplane.io,resources=rdsinstances,verbs=list

// detectDrift finds out who else changes the database: what declares its instances in this cluster, and whether somebody has undone
// what was set. The second time hands are off until a person acts.
func (r *Reconciler) detectDrift(ctx context.Context, v *reconcileScope) {
	if v.deleting {
		return // what is left to do is to remove its own surge reader
	}
	o, status := &v.observation, &v.object.Status
	if r.Declarations != nil {
		o.Declarations, o.DeclarationsUnknown = r.Declarations.Declarations(ctx, v.policy.Target, *o)
	}
	memory, found := drift.Detect(drift.Input{
		State: convert.OwnershipState(status.Ownership), Operations: convert.CompletedOperations(status.History), Observation: *o, OperationInProgress: v.operation != nil,
		Generation: v.object.Generation, ResolveAnnotation: resolveAnnotation(v.object), Now: v.now,
	})
	known := status.Ownership != nil && status.Ownership.Conflict != nil
	status.Ownership = convert.OwnershipStatus(memory)
	for _, revert := range found {
		v.recordWarning(events.ChangeReverted, "Notice", fmt.Sprintf("Somebody else has undone what operation %s had set: %s", revert.Operation, describeRevert(revert)))
	}
	if memory.Conflict == nil {
		v.removeTransientCondition(v1alpha1.ConditionOwnershipConflict, events.ConflictResolved, "A person has acted on the conflict, and the operator goes on")
		return
	}
	o.OwnershipConflict = fmt.Sprintf("somebody else undoes what this policy sets: %s. Let one of the two decide (docs/gitops.md), then change the "+
		"spec or: kubectl annotate --overwrite dbsp -n %s %s %s=$(date +%%s)", describeReverts(memory.Reverts), v.object.Namespace, v.object.Name,
		v1alpha1.AnnotationResolveConflict)
	message := convert.TruncateMessage("Nothing is changed any more: " + o.OwnershipConflict)
	if !known {
		v.recordWarning(events.OwnershipConflict, "Notice", message)
	}
	v.conditions.Set(v1alpha1.ConditionOwnershipConflict, metav1.ConditionTrue, v1alpha1.ReasonRevertedTwice, message)
}

// maxResolveRunes is how much of the annotation is remembered, as the API's limit has it.
const maxResolveRunes = 256

// resolveAnnotation is the annotation by which a person ends a conflict.
func resolveAnnotation(p *v1alpha1.DBScalingPolicy) string {
	text := []rune(strings.ToValidUTF8(p.Annotations[v1alpha1.AnnotationResolveConflict], ""))
	return string(text[:min(len(text), maxResolveRunes)])
}

// describeRevert says in words what somebody changed.
func describeRevert(r drift.Revert) string {
	switch {
	case r.ObservedClass == "":
		return fmt.Sprintf("%s, a %s, is gone", r.Instance, r.ExpectedClass)
	case r.ExpectedClass == "":
		return fmt.Sprintf("%s, which was removed, is back as a %s", r.Instance, r.ObservedClass)
	}
	return fmt.Sprintf("%s was changed from %s to %s", r.Instance, r.ExpectedClass, r.ObservedClass)
}

// describeReverts tells of each operation that was reverted what was first seen of it.
func describeReverts(reverts []drift.Revert) string {
	var out []string
	seen := map[string]bool{}
	for _, r := range reverts {
		if !seen[r.Operation] {
			seen[r.Operation] = true
			out = append(out, fmt.Sprintf("%s (seen at %s)", describeRevert(r), formatTime(r.DetectedAt)))
		}
	}
	return strings.Join(out, ", and ")
}
