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

// detectDriftAction is the action of the events about changes that others make.
const detectDriftAction = "DetectDrift"

// DeclarationFinder finds the resources of this cluster that declare the class of a target's instances. When the search fails,
// unknown says why.
type DeclarationFinder interface {
	Declarations(ctx context.Context, target scaling.Target, o scaling.Observation) (declarations []scaling.ClassDeclaration, unknown string)
}

// +kubebuilder:rbac:groups=rds.services.k8s.aws,resources=dbinstances,verbs=list
// +kubebuilder:rbac:groups=rds.aws.upbound.io;rds.aws.m.upbound.io,resources=clusterinstances;instances,verbs=list
// +kubebuilder:rbac:groups=rds.aws.crossplane.io,resources=dbinstances,verbs=list
// +kubebuilder:rbac:groups=database.aws.crossplane.io,resources=rdsinstances,verbs=list

// detectDrift detects other clients that change the database: which resources of this cluster declare its instances, and whether
// another client reverted what an operation set. After the second revert nothing changes without manual intervention.
func (r *Reconciler) detectDrift(ctx context.Context, s *reconcileScope) {
	if s.deleting {
		return // all that is left to do is to remove the policy's own surge reader
	}
	o, status := &s.observation, &s.object.Status
	if r.Declarations != nil {
		o.Declarations, o.DeclarationsUnknown = r.Declarations.Declarations(ctx, s.policy.Target, *o)
	}
	state, reverts := drift.Detect(drift.Input{
		State: convert.OwnershipState(status.Ownership), Operations: convert.CompletedOperations(status.History), Observation: *o,
		OperationInProgress: s.operation != nil, Generation: s.object.Generation, ResolveAnnotation: resolveAnnotation(s.object),
		ReplacedAt: convert.ReplacedAt(status.Target), Now: s.now,
	})
	knownConflict := status.Ownership != nil && status.Ownership.Conflict != nil
	status.Ownership = convert.OwnershipStatus(state)
	for _, revert := range reverts {
		s.recordWarning(events.ChangeReverted, detectDriftAction, fmt.Sprintf("Another client reverted operation %s: %s",
			revert.Operation, describeRevert(revert)))
	}
	if state.Conflict == nil {
		s.removeTransientCondition(v1alpha1.ConditionOwnershipConflict, events.ConflictResolved, detectDriftAction,
			"The ownership conflict is resolved"+s.conflictResolvedBy()+"; scaling continues")
		return
	}
	o.OwnershipConflict = fmt.Sprintf("another client reverts what this policy sets: %s. Let only one of the two choose the class "+
		"(docs/gitops.md), then change the spec or run: %s; without the plugin: kubectl annotate --overwrite dbsp -n %s %s %s=$(date +%%s)",
		describeReverts(state.Reverts), s.pluginCommand("resolve"), s.object.Namespace, s.object.Name, v1alpha1.AnnotationResolveConflict)
	message := convert.TruncateMessage("Scaling has stopped: " + o.OwnershipConflict)
	if !knownConflict {
		s.recordWarning(events.OwnershipConflict, detectDriftAction, message)
	}
	s.conditions.Set(v1alpha1.ConditionOwnershipConflict, metav1.ConditionTrue, v1alpha1.ReasonRevertedTwice, message)
}

// maxResolveRunes is how much of the annotation is remembered: the limit of status.ownership in the API.
const maxResolveRunes = 256

// resolveAnnotation is the annotation with which a person ends a conflict.
func resolveAnnotation(p *v1alpha1.DBScalingPolicy) string {
	text := []rune(strings.ToValidUTF8(p.Annotations[v1alpha1.AnnotationResolveConflict], ""))
	return string(text[:min(len(text), maxResolveRunes)])
}

// describeRevert says what the other client changed.
func describeRevert(r drift.Revert) string {
	switch {
	case r.ObservedClass == "":
		return fmt.Sprintf("%s (%s) was deleted", r.Instance, r.ExpectedClass)
	case r.ExpectedClass == "":
		return fmt.Sprintf("%s was removed and exists again as %s", r.Instance, r.ObservedClass)
	}
	return fmt.Sprintf("%s was changed from %s to %s", r.Instance, r.ExpectedClass, r.ObservedClass)
}

// describeReverts describes the first revert of each operation.
func describeReverts(reverts []drift.Revert) string {
	var texts []string
	described := map[string]bool{}
	for _, r := range reverts {
		if !described[r.Operation] {
			described[r.Operation] = true
			texts = append(texts, fmt.Sprintf("%s (detected at %s)", describeRevert(r), formatTime(r.DetectedAt)))
		}
	}
	return strings.Join(texts, ", and ")
}
