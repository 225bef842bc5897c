package controllers

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
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
	// leaving says that the policy was deleted and has something to remove first.
	leaving bool
	// before is the object as it was read; object is the copy whose status is changed.
	before, object *v1alpha1.DBScalingPolicy
	// last is the object as it was last written in this visit, if it was.
	last        *v1alpha1.DBScalingPolicy
	conditions  conditions.Setter
	policy      scaling.Policy
	observation scaling.Observation
	// pools is how each pool was looked at.
	pools []scaling.PoolAssessment
	// operation is the one under way, or nil; claimed says that this visit made sure that there is a slot for it.
	operation *scaling.Operation
	claimed   bool
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
	gone := err == nil && !before.DeletionTimestamp.IsZero() && !controllerutil.ContainsFinalizer(before, finalizer)
	if apierrors.IsNotFound(err) || gone {
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
		now: now, leaving: !before.DeletionTimestamp.IsZero(), before: before, object: object, requeue: idleInterval,
		conditions: conditions.Setter{Conditions: &object.Status.Conditions, Generation: object.Generation, Now: now},
		operation:  convert.Operation(object.Status.Operation),
	}, nil
}

// saying is what kubectl shows as the decision.
type saying struct {
	reason, message string
	// change is what would change, or nil; hash names it and cause has the figures.
	change      *scaling.Change
	hash, cause string
	// heldBackBy names the guards that hold it back, and emergency says that it should not wait.
	heldBackBy   []string
	emergency    bool
	alternatives []v1alpha1.Alternative
}

// say sets what kubectl shows as the decision. Its time, and the figures that led to it, move only when its meaning does.
func (v *visit) say(s saying) {
	d := &v1alpha1.DecisionStatus{
		Reason: s.reason, Message: convert.Clip(s.message), Hash: s.hash, Cause: convert.Clip(s.cause), Alternatives: s.alternatives,
	}
	if s.change != nil {
		desired := convert.ShapeStatus(s.change.To)
		d.Pool, d.Desired = v1alpha1.Pool(s.change.Pool), &desired
	}
	if len(s.heldBackBy) > 0 {
		d.HeldBackBy, d.AlsoHeldBackBy = s.heldBackBy[0], s.heldBackBy[1:]
		if s.emergency {
			d.Urgency = v1alpha1.UrgencyEmergency
		}
	}
	d.Time.Time = v.now
	if old := v.object.Status.Decision; old != nil && sameDecision(*old, *d) {
		d.Time, d.Cause, d.Alternatives = old.Time, old.Cause, old.Alternatives
	}
	v.object.Status.Decision = d
}

// explain sets a decision that has only a reason and a message.
func (v *visit) explain(reason, message string) { v.say(saying{reason: reason, message: message}) }

func sameDecision(a, b v1alpha1.DecisionStatus) bool {
	sameShape := a.Desired == nil && b.Desired == nil ||
		a.Desired != nil && b.Desired != nil && a.Desired.InstanceClass == b.Desired.InstanceClass &&
			*a.Desired.Replicas == *b.Desired.Replicas
	return sameShape && a.Reason == b.Reason && a.Pool == b.Pool && a.HeldBackBy == b.HeldBackBy && a.Hash == b.Hash
}

// specChanged lets only changes of the spec and of annotations wake a policy; time does the rest. Status is the
// reconciler's own.
func specChanged() builder.ForOption {
	return builder.WithPredicates(predicate.Or[client.Object](
		predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{},
	))
}
