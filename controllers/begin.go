package controllers

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/conditions"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// visit is what one reconcile knows.
type visit struct {
	// now is read once and passed down.
	now time.Time
	// before is the object as it was read; object is the copy whose status is changed.
	before, object *v1alpha1.DBScalingPolicy
	// last is the object as it was last written in this visit, if it was.
	last        *v1alpha1.DBScalingPolicy
	conditions  conditions.Setter
	policy      scaling.Policy
	observation scaling.Observation
	load        []scaling.Load
	// operation is the one under way, or nil.
	operation *scaling.Operation
	// limited says what holds a change back, if anything does.
	limited *limit
	// notes are the events to record once the status has been written.
	notes []note
	// ended is set when an operation ended in this visit.
	ended string
	// requeue is when to look again, in the clock's time.
	requeue time.Duration
}

// written is the object as the API server has it, as far as this visit knows.
func (v *visit) written() *v1alpha1.DBScalingPolicy {
	if v.last != nil {
		return v.last
	}
	return v.before
}

type limit struct{ reason, message string }

type note struct {
	warning              bool
	reason, action, text string
}

// begin reads the policy. It returns nothing when the policy is gone or going.
func (r *Reconciler) begin(ctx context.Context, request ctrl.Request) (*visit, error) {
	before := &v1alpha1.DBScalingPolicy{}
	err := r.Client.Get(ctx, request.NamespacedName, before)
	if apierrors.IsNotFound(err) || err == nil && !before.DeletionTimestamp.IsZero() {
		r.Metrics.Forget(request.Namespace, request.Name)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	object := before.DeepCopy()
	object.Status.ObservedGeneration = object.Generation
	now := r.Clock.Now().Truncate(time.Second) // the resolution of times in status
	return &visit{
		now: now, before: before, object: object, requeue: idleInterval,
		conditions: conditions.Setter{Conditions: &object.Status.Conditions, Generation: object.Generation, Now: now},
		operation:  convert.Operation(object.Status.Operation),
	}, nil
}

// say sets what kubectl shows as the decision. Its time moves only when its meaning does.
func (v *visit) say(reason, message string, change *scaling.Change, heldBackBy string) {
	d := &v1alpha1.DecisionStatus{Reason: reason, Message: convert.Clip(message), HeldBackBy: heldBackBy}
	if change != nil {
		desired := convert.ShapeStatus(change.To)
		d.Pool, d.Desired = v1alpha1.Pool(change.Pool), &desired
	}
	d.Time.Time = v.now
	if old := v.object.Status.Decision; old != nil && sameDecision(*old, *d) {
		d.Time = old.Time
	}
	v.object.Status.Decision = d
}

func sameDecision(a, b v1alpha1.DecisionStatus) bool {
	sameShape := a.Desired == nil && b.Desired == nil ||
		a.Desired != nil && b.Desired != nil && a.Desired.InstanceClass == b.Desired.InstanceClass &&
			*a.Desired.Replicas == *b.Desired.Replicas
	return sameShape && a.Reason == b.Reason && a.Pool == b.Pool && a.HeldBackBy == b.HeldBackBy
}

// specChanged lets only changes of the spec and of annotations wake a policy; time does the rest. Status is the
// reconciler's own.
func specChanged() builder.ForOption {
	return builder.WithPredicates(predicate.Or[client.Object](
		predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{},
	))
}
